/* Meters of energy on trees of files as machines have them: wraps, gaps, missing rights, signs,
 * garbage, files that disappear; and files of external meters. */
#include "tests/test.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "harness/energy.h"
#include "harness/meter.h"
#include "harness/meter_csv.h"
#include "tests/data_folder.h"
#include "tests/plugins.h"
#include "tests/tiny.h"

static double clock_s;

static double fake_clock(void)
{
    return clock_s;
}

static void take_away(const char *path)
{
    char full[512];

    snprintf(full, sizeof full, "%s%s", data_folder, path);
    assert_int_equal(unlink(full), 0);
}

static int make_tree(void **state)
{
    (void)state;
    clock_s = 100;
    data_path("");
    return 0;
}

static int remove_tree(void **state)
{
    return data_folder_gone(state) < 0 || mem_live() != 0 ? -1 : 0;
}

static struct meter *open_gpus(const char *library, int on_gpu)
{
    const struct meter_opts o = {.root = data_folder, .nvml = library, .clock = fake_clock,
                                 .by_hand = 1, .on_gpu = on_gpu};
    struct meter *m = NULL;
    struct err e = ERR_NONE;

    assert_int_equal(meter_open(&m, &o, &e), 0);
    return m;
}

static struct meter *open_meter(int on_gpu)
{
    return open_gpus(NULL, on_gpu);
}

static void tick_at(struct meter *m, double after)
{
    clock_s += after;
    meter_tick(m);
}

static struct meter_reading reading_of(struct meter *m, const char *channel)
{
    struct meter_reading r;

    for (int i = 0; i < meter_count(m); i++) {
        meter_reading(m, i, &r);
        if (strcmp(r.channel, channel) == 0)
            return r;
    }
    fail_msg("no channel %s", channel);
    return r;
}

static void assert_unknown(struct meter *m, const char *because)
{
    const char *reason = NULL;

    assert_true(isnan(meter_energy_j(m, &reason)));
    assert_non_null(reason);
    if (!strstr(reason, because))
        fail_msg("'%s' does not say '%s'", reason, because);
}

/* --- RAPL ------------------------------------------------------------------------------------- */

#define RAPL "/sys/class/powercap/intel-rapl:"

static void package(const char *number, const char *name, const char *energy, const char *range)
{
    char path[128];

    snprintf(path, sizeof path, RAPL "%s/name", number);
    data_put(path, name);
    snprintf(path, sizeof path, RAPL "%s/energy_uj", number);
    data_put(path, energy);
    snprintf(path, sizeof path, RAPL "%s/max_energy_range_uj", number);
    data_put(path, range);
}

static void without_a_meter_energy_is_unknown_and_says_so(void **state)
{
    struct meter *m = open_meter(0);
    (void)state;
    meter_start(m);
    assert_true(isnan(meter_stop(m)));
    assert_null(meter_source(m));
    assert_unknown(m, "no_meter");
    meter_close(m);
}

static void a_counter_that_wraps_goes_on(void **state)
{
    struct meter *m;
    (void)state;
    package("0", "package-0\n", "262143320000\n", "262143328850\n");
    m = open_meter(0);
    assert_string_equal(meter_source(m), "rapl");
    meter_start(m);
    data_put(RAPL "0/energy_uj", "1500000\n");
    clock_s += 1;
    assert_close(meter_stop(m), 1.508850, 1e-9);
    meter_close(m);
}

static void packages_are_added_and_what_contains_them_is_not(void **state)
{
    struct meter *m;
    (void)state;
    package("0", "package-0", "1000000", "9000000");
    package("1", "package-1", "8000000", "9000000");
    package("2", "psys", "5000000", "9000000");
    package("0:0", "core", "100", "9000000");
    package("0:1", "dram", "200", "9000000");
    m = open_meter(0);
    meter_start(m);
    data_put(RAPL "0/energy_uj", "3000000");
    data_put(RAPL "1/energy_uj", "500000"); /* wrapped */
    data_put(RAPL "2/energy_uj", "8900000");
    data_put(RAPL "0:0/energy_uj", "1000100");
    data_put(RAPL "0:1/energy_uj", "500200");
    clock_s += 1;
    assert_close(meter_stop(m), 2 + 1.5, 1e-12);
    assert_close(reading_of(m, "psys").joules, 3.9, 1e-12);
    assert_close(reading_of(m, "core").joules, 1, 1e-12);
    assert_close(reading_of(m, "dram").joules, .5, 1e-12);
    assert_true(reading_of(m, "package-1").is_headline && !reading_of(m, "psys").is_headline);
    meter_start(m); /* windows of a subject add up */
    data_put(RAPL "0/energy_uj", "4000000");
    meter_stop(m);
    assert_close(meter_energy_j(m, NULL), 4.5, 1e-12);
    meter_subject(m);
    assert_close(meter_energy_j(m, NULL), 0, 0);
    meter_close(m);
}

static void a_gap_in_which_it_may_wrap_twice_is_unknown(void **state)
{
    struct meter *m;
    (void)state;
    package("0", "package-0", "1000", "65536000000");
    m = open_meter(0);
    meter_start(m);
    data_put(RAPL "0/energy_uj", "2001000");
    for (int i = 0; i < 5; i++)
        tick_at(m, 20);
    assert_close(meter_stop(m), 2, 1e-12);
    assert_close(reading_of(m, "package-0").gap_s, 20, 1e-12);
    meter_start(m);
    tick_at(m, 400);
    assert_true(isnan(meter_stop(m)));
    assert_unknown(m, "no reading for 400 s");
    meter_close(m);
}

static void garbage_and_files_that_go_make_it_unknown_and_never_zero(void **state)
{
    static const char *const garbage[] = {"abc\n", "", "12x", "nan", "inf", "\n", "1e999"};
    struct meter *m;
    (void)state;
    package("0", "package-0", "1000", "65536000000");
    m = open_meter(0);
    for (size_t i = 0; i < sizeof garbage / sizeof garbage[0]; i++) {
        meter_subject(m);
        meter_start(m);
        data_put(RAPL "0/energy_uj", garbage[i]);
        tick_at(m, 1);
        data_put(RAPL "0/energy_uj", "5000"); /* that it comes back does not help */
        tick_at(m, 1);
        assert_true(isnan(meter_stop(m)));
        assert_unknown(m, "energy_uj");
    }
    meter_subject(m);
    meter_start(m);
    take_away(RAPL "0/energy_uj");
    assert_true(isnan(meter_stop(m)));
    assert_unknown(m, "No such file");
    data_put(RAPL "0/energy_uj", "7000");
    meter_subject(m);
    meter_start(m);
    data_put(RAPL "0/energy_uj", "99000000000000"); /* a jump that no machine makes */
    tick_at(m, 1);
    assert_true(isnan(meter_stop(m)));
    assert_unknown(m, "jumped");
    meter_close(m);
}

static void a_counter_without_a_range_does_not_go_backwards(void **state)
{
    struct meter *m;
    (void)state;
    package("0", "package-0", "9000", "0");
    m = open_meter(0);
    meter_start(m);
    data_put(RAPL "0/energy_uj", "100");
    clock_s += 1;
    assert_true(isnan(meter_stop(m)));
    assert_unknown(m, "backwards");
    meter_close(m);
}

/* As a user without rights, in a process of its own: root may read everything. */
static void missing_rights_are_told(void **state)
{
    char path[256];
    int status;
    pid_t child;
    (void)state;
    package("0", "package-0", "9000", "65536000000");
    snprintf(path, sizeof path, "%s" RAPL "0/energy_uj", data_folder);
    assert_int_equal(chmod(path, 0), 0);
    chmod(data_folder, 0755);
    child = fork();
    if (child == 0) {
        struct meter *m;
        const char *reason = NULL;
        if (geteuid() == 0 && setuid(65534) < 0)
            _exit(3);
        m = open_meter(0);
        meter_start(m);
        status = !isnan(meter_stop(m)) ? 1 : 0;
        status |= !isnan(meter_energy_j(m, &reason)) || !strstr(reason, "Permission denied") ||
                  !strstr(reason, "only root");
        meter_close(m);
        _exit(status);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(chmod(path, 0644), 0);
}

/* --- hwmon ------------------------------------------------------------------------------------ */

#define HWMON "/sys/class/hwmon/hwmon"

static void power_is_summed_by_trapezoids(void **state)
{
    struct meter *m;
    (void)state;
    data_put(HWMON "0/name", "ina219\n");
    data_put(HWMON "0/power1_input", "10000000\n");
    m = open_meter(0);
    assert_string_equal(meter_source(m), "hwmon");
    meter_start(m);
    data_put(HWMON "0/power1_input", "12000000\n");
    tick_at(m, .5);
    data_put(HWMON "0/power1_input", "11000000\n");
    clock_s += 1;
    assert_close(meter_stop(m), 17, 1e-12);
    assert_int_equal(reading_of(m, "ina219 1").samples, 3);
    assert_close(reading_of(m, "ina219 1").gap_s, 1, 1e-12);
    meter_start(m);
    tick_at(m, 31); /* what power was in half a minute nobody knows */
    assert_true(isnan(meter_stop(m)));
    meter_start(m);
    data_put(HWMON "0/power1_input", "-5\n");
    tick_at(m, 1);
    assert_true(isnan(meter_stop(m)));
    meter_close(m);
}

static void of_several_rails_only_the_input_is_the_whole(void **state)
{
    struct meter *m;
    (void)state;
    data_put(HWMON "3/name", "ina3221");
    data_put(HWMON "3/curr1_input", "1000"); /* mA */
    data_put(HWMON "3/in1_input", "5000");   /* mV */
    data_put(HWMON "3/curr2_input", "300");
    data_put(HWMON "3/in2_input", "5000");
    m = open_meter(0);
    assert_int_equal(meter_count(m), 2);
    assert_null(meter_source(m));
    assert_unknown(m, "nothing that is metered here is known to be the whole");
    meter_close(m);
    data_put(HWMON "3/curr1_label", "VDD_IN");
    data_put(HWMON "3/curr2_label", "VDD_CPU");
    m = open_meter(0);
    meter_start(m);
    clock_s += 2;
    assert_close(meter_stop(m), 10, 1e-12);
    assert_close(reading_of(m, "VDD_CPU").joules, 3, 1e-12);
    assert_false(reading_of(m, "VDD_CPU").is_headline);
    meter_close(m);
}

static void a_gpu_is_the_headline_of_what_a_gpu_computed(void **state)
{
    struct meter *m;
    (void)state;
    package("0", "package-0", "1000", "65536000000");
    data_put(HWMON "1/name", "amdgpu\n");
    data_put(HWMON "1/power1_average", "50000000\n");
    data_put(HWMON "1/power1_input", "60000000\n");
    for (int on_gpu = 0; on_gpu < 2; on_gpu++) {
        m = open_meter(on_gpu);
        assert_int_equal(meter_count(m), 2);
        assert_string_equal(meter_source(m), on_gpu ? "amdgpu" : "rapl");
        meter_start(m);
        clock_s += 2;
        assert_close(meter_stop(m), on_gpu ? 100 : 0, 1e-12);
        meter_close(m);
    }
}

/* --- batteries -------------------------------------------------------------------------------- */

#define BAT "/sys/class/power_supply/BAT0/"

static struct meter *battery(const char *status)
{
    data_put(BAT "type", "Battery\n");
    data_put(BAT "status", status);
    return open_meter(0);
}

static void a_battery_is_read_while_it_is_discharging(void **state)
{
    static const char *const currents[] = {"1250000", "-1250000"}; /* drivers differ */
    struct meter *m;
    (void)state;
    data_put(BAT "voltage_now", "7400000\n");
    for (int i = 0; i < 2; i++) {
        data_put(BAT "current_now", currents[i]);
        m = battery("Discharging\n");
        assert_string_equal(meter_source(m), "battery");
        meter_start(m);
        clock_s += 2;
        assert_close(meter_stop(m), 2 * 9.25, 1e-12);
        meter_close(m);
    }
    data_put(BAT "power_now", "9000000");
    data_put(HWMON "0/name", "BAT0"); /* the same gauge a second time */
    data_put(HWMON "0/power1_input", "9000000");
    m = battery("Discharging");
    assert_int_equal(meter_count(m), 1);
    meter_close(m);
    data_put(BAT "scope", "Device"); /* a mouse */
    m = battery("Discharging");
    assert_int_equal(meter_count(m), 0);
    meter_close(m);
}

static void a_battery_that_is_charged_is_refused(void **state)
{
    struct meter *m;
    (void)state;
    data_put(BAT "power_now", "9000000");
    m = battery("Charging\n");
    meter_start(m);
    clock_s += 2;
    assert_true(isnan(meter_stop(m)));
    assert_unknown(m, "'Charging'");
    meter_close(m);
    m = battery("Discharging");
    meter_start(m);
    data_put(BAT "status", "Full"); /* plugged in meanwhile */
    tick_at(m, 1);
    data_put(BAT "status", "Discharging");
    tick_at(m, 1);
    assert_true(isnan(meter_stop(m)));
    assert_unknown(m, "'Full'");
    meter_close(m);
}

static void a_current_that_turns_round_makes_it_unknown(void **state)
{
    struct meter *m;
    (void)state;
    data_put(BAT "voltage_now", "7400000");
    data_put(BAT "current_now", "-1000000");
    m = battery("Discharging");
    meter_start(m);
    data_put(BAT "current_now", "800000"); /* the status comes later */
    tick_at(m, 1);
    assert_true(isnan(meter_stop(m)));
    assert_unknown(m, "direction");
    meter_start(m); /* a window of its own may go either way */
    clock_s += 1;
    assert_close(meter_stop(m), 5.92, 1e-12);
    meter_close(m);
}

static void gauges_of_charge_count_downwards(void **state)
{
    struct meter *m;
    (void)state;
    data_put(BAT "charge_now", "3000000"); /* uAh */
    data_put(BAT "voltage_now", "7500000");
    m = battery("Discharging");
    meter_start(m);
    clock_s += 60;
    assert_true(isnan(meter_stop(m))); /* coarse: nothing moved, nothing is known */
    assert_unknown(m, "did not move");
    meter_subject(m);
    meter_start(m);
    data_put(BAT "charge_now", "2999000");
    tick_at(m, 25);
    assert_close(meter_stop(m), 1e-3 * 3600 * 7.5, 1e-9);
    meter_start(m);
    data_put(BAT "charge_now", "3001000");
    tick_at(m, 1);
    assert_true(isnan(meter_stop(m)));
    assert_unknown(m, "charge rose");
    meter_close(m);
}

/* --- NVML ------------------------------------------------------------------------------------- */

static void gpus_are_read_through_their_library(void **state)
{
    static const char lib[] = "usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1";
    struct meter *m;
    (void)state;
    data_put(lib, "");
    assert_int_equal(unlink(data_path(lib)), 0);
    assert_int_equal(symlink(plugin_built("tests/fake/nvml.c"), data_path(lib)), 0);
    m = open_gpus(NULL, 1); /* a recorded tree is read, and nothing in it is executed */
    assert_int_equal(meter_count(m), 0);
    meter_close(m);
    m = open_gpus(data_path(lib), 1);
    assert_int_equal(meter_count(m), 2);
    assert_string_equal(meter_source(m), "nvml");
    meter_start(m);
    clock_s += 2;
    meter_stop(m);
    /* The first has a counter (1 J a reading here), the second only tells its power. */
    assert_close(reading_of(m, "Fake 0").joules, 1, 1e-12);
    assert_close(reading_of(m, "Fake 1").joules, 50, 1e-12);
    meter_close(m);
    m = open_gpus(data_path(lib), 0);
    assert_null(meter_source(m)); /* a GPU is not the whole of what the CPU computed */
    meter_close(m);
    assert_int_equal(unlink(data_path(lib)), 0);
    data_put(lib, "not a library");
    m = open_gpus(data_path(lib), 1);
    assert_int_equal(meter_count(m), 0);
    meter_close(m);
}

/* --- the thread, memory ----------------------------------------------------------------------- */

static void a_meter_of_power_reads_by_itself(void **state)
{
    struct timespec pause = {0, 450 * 1000 * 1000};
    struct meter *m = NULL;
    struct err e = ERR_NONE;
    (void)state;
    data_put(HWMON "0/name", "ina219");
    data_put(HWMON "0/power1_input", "2000000");
    assert_int_equal(meter_open(&m, &(struct meter_opts){.root = data_folder}, &e), 0);
    meter_start(m);
    nanosleep(&pause, NULL);
    assert_true(meter_stop(m) > 0);
    assert_true(reading_of(m, "ina219 1").samples >= 3);
    meter_close(m);
}

static void opening_survives_every_failed_allocation(void **state)
{
    int rc = -1;
    (void)state;
    package("0", "package-0", "1000", "65536000000");
    for (int nth = 0; rc < 0; nth++) {
        const struct meter_opts o = {.root = data_folder, .by_hand = 1};
        struct meter *m = NULL;
        struct err e = ERR_NONE;
        mem_fail_at(nth);
        rc = meter_open(&m, &o, &e);
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        meter_close(m);
        assert_int_equal(mem_live(), 0);
    }
}

/* --- external meters -------------------------------------------------------------------------- */

static void parse(struct power_series *p, const char *text)
{
    struct err e = ERR_NONE;

    if (power_parse(p, text, strlen(text), "meter.csv", &e) < 0)
        fail_msg("%s", e.text);
}

static void files_of_meters_are_read(void **state)
{
    struct power_series p;
    double gap;
    long n;
    (void)state;
    parse(&p, "time,watts\n0,10\n0.5,12\n1.5,11\n");
    assert_close(power_between(&p, 0, 1.5, &gap, &n), 17, 1e-12);
    assert_close(gap, 1, 1e-12);
    assert_true(isnan(power_between(&p, -1, 1, &gap, &n)));
    assert_true(isnan(power_between(&p, 1, 1.6, &gap, &n)));
    power_release(&p);
    parse(&p, "joules,what,time\r\n5,a,2026-11-26T19:00:00.5Z\r\n9,b,2026-11-26T19:00:02.5\r\n");
    assert_close(p.t[0], 1795719600.5, 1e-15);
    assert_close(power_between(&p, p.t[0] + .5, p.t[0] + 1, &gap, &n), 1, 1e-9);
    power_release(&p);
}

static void files_that_are_no_meters_are_refused(void **state)
{
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"", "fewer than two"},
        {"time,watts\n1,2\n", "fewer than two"},
        {"t,w\n1,2\n", "columns 'time'"},
        {"time,watts\n1,2\n1,3\n", ":3: its time is not after"},
        {"time,watts\n1,2\n2,-3\n", ":3: a negative"},
        {"time,joules\n1,2\n2,1\n", ":3: fewer joules"},
        {"time,watts\n1,2\n2\n", ":3: too few fields"},
        {"time,watts\nnan,2\n", ":2: no time"},
        {"time,watts\n1e300,2\n", ":2: no time"},
        {"time,watts\n1,1e300\n", ":2: too large"},
        {"time,watts\n1,x\n", ":2: no number"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct power_series p;
        struct err e = ERR_NONE;
        assert_int_equal(power_parse(&p, bad[i].text, strlen(bad[i].text), "m.csv", &e), -1);
        if (!strstr(e.text, bad[i].says))
            fail_msg("'%s' does not say '%s'", e.text, bad[i].says);
    }
}

static const struct load_mark marks[] = {{1000, 1007.3}, {1009, 1011.2}, {1014.5, 1029}};

/* A meter whose clock is `ahead` of ours: 5 W idle, 20 W under load, with some noise. */
static void write_meter(struct strbuf *b, double ahead, double watts, int periodic)
{
    uint64_t random = 3;

    strbuf_adds(b, "time,watts\n");
    for (double t = 940; t < 1100; t += .2) {
        double w = 5 + (double)(tiny_random(&random) % 1000) / 1000;
        for (size_t i = 0; i < 3; i++)
            if (t >= marks[i].start && t <= marks[i].end)
                w += watts;
        if (periodic)
            for (size_t i = 0; i < 3; i++)
                if (t >= marks[i].start + 40 && t <= marks[i].end + 40)
                    w += watts;
        strbuf_addf(b, "%.3f,%.4f\n", t + ahead, w);
    }
}

static void a_meters_clock_is_found_by_the_load(void **state)
{
    static const double ahead[] = {0, -1000, 12345.67, 1.8e9};
    (void)state;
    for (size_t i = 0; i < sizeof ahead / sizeof ahead[0]; i++) {
        struct strbuf b = STRBUF_INIT;
        struct power_series p;
        struct err e = ERR_NONE;
        double offset, r, gap, joules;
        long n;
        write_meter(&b, ahead[i], 15, 0);
        parse(&p, strbuf_str(&b));
        if (power_align(&p, marks, 3, &offset, &r, &e) < 0)
            fail_msg("%s", e.text);
        assert_true(fabs(offset + ahead[i]) < .25);
        assert_true(r > .95);
        joules = power_between(&p, marks[2].start - offset, marks[2].end - offset, &gap, &n);
        assert_close(joules, 14.5 * 20.5, .03);
        power_release(&p);
        strbuf_release(&b);
    }
}

static void a_clock_that_cannot_be_found_is_not_guessed(void **state)
{
    struct strbuf b = STRBUF_INIT;
    struct power_series p;
    struct err e = ERR_NONE;
    double offset, r;
    (void)state;
    write_meter(&b, 0, 0, 0); /* no load to see */
    parse(&p, strbuf_str(&b));
    assert_int_equal(power_align(&p, marks, 3, &offset, &r, &e), -1);
    assert_non_null(strstr(e.text, "do not agree"));
    power_release(&p);
    strbuf_clear(&b);
    write_meter(&b, 0, 15, 1); /* the same pattern twice */
    parse(&p, strbuf_str(&b));
    assert_int_equal(power_align(&p, marks, 3, &offset, &r, &e), -1);
    assert_non_null(strstr(e.text, "several places"));
    power_release(&p);
    parse(&p, "time,watts\n0,1\n5,1\n");
    assert_int_equal(power_align(&p, marks, 3, &offset, &r, &e), -1);
    assert_non_null(strstr(e.text, "covers 5.0 s"));
    assert_int_equal(power_align(&p, marks, 0, &offset, &r, &e), -1);
    power_release(&p);
    strbuf_release(&b);
}

static void aligning_survives_every_failed_allocation(void **state)
{
    struct strbuf b = STRBUF_INIT;
    int rc = -1;
    (void)state;
    write_meter(&b, 7, 15, 0);
    for (int nth = 0; rc < 0; nth++) {
        struct power_series p = {0};
        struct err e = ERR_NONE;
        double offset, r;
        mem_fail_at(nth);
        rc = power_parse(&p, strbuf_str(&b), b.len, "m.csv", &e);
        if (rc == 0)
            rc = power_align(&p, marks, 3, &offset, &r, &e);
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        power_release(&p);
    }
    strbuf_release(&b);
}

/* --- what joules mean ------------------------------------------------------------------------- */

static double cost(const struct store_cost *v, int n, const char *metric)
{
    for (int i = 0; i < n; i++)
        if (strcmp(v[i].metric, metric) == 0)
            return v[i].value;
    fail_msg("no %s", metric);
    return 0;
}

static void joules_are_shared_out_only_where_it_is_known_how(void **state)
{
    const struct energy_parts p = {.tokens = 200, .prefill_tokens = 200, .decode_tokens = NAN,
                                   .items = 40, .right = 10};
    struct store_cost v[ENERGY_VALUES];
    int n = energy_values(80, &p, v);
    (void)state;
    assert_true(n <= ENERGY_VALUES);
    assert_close(cost(v, n, "energy_j"), 80, 0);
    assert_close(cost(v, n, "joule_per_token"), .4, 1e-12);
    assert_close(cost(v, n, "joule_per_prefill_token"), .4, 1e-12);
    assert_true(isnan(cost(v, n, "joule_per_decode_token")));
    assert_close(cost(v, n, "joule_per_item"), 2, 1e-12);
    assert_close(cost(v, n, "joule_per_correct"), 8, 1e-12);
    n = energy_values(80, &(struct energy_parts){0}, v);
    assert_true(isnan(cost(v, n, "joule_per_correct"))); /* none is right: not infinity */
}

int main(void)
{
#define IN_TREE(f) cmocka_unit_test_setup_teardown(f, make_tree, remove_tree)
    const struct CMUnitTest tests[] = {
        IN_TREE(without_a_meter_energy_is_unknown_and_says_so),
        IN_TREE(a_counter_that_wraps_goes_on),
        IN_TREE(packages_are_added_and_what_contains_them_is_not),
        IN_TREE(a_gap_in_which_it_may_wrap_twice_is_unknown),
        IN_TREE(garbage_and_files_that_go_make_it_unknown_and_never_zero),
        IN_TREE(a_counter_without_a_range_does_not_go_backwards),
        IN_TREE(missing_rights_are_told),
        IN_TREE(power_is_summed_by_trapezoids),
        IN_TREE(of_several_rails_only_the_input_is_the_whole),
        IN_TREE(a_gpu_is_the_headline_of_what_a_gpu_computed),
        IN_TREE(a_battery_is_read_while_it_is_discharging),
        IN_TREE(a_battery_that_is_charged_is_refused),
        IN_TREE(a_current_that_turns_round_makes_it_unknown),
        IN_TREE(gauges_of_charge_count_downwards),
        IN_TREE(gpus_are_read_through_their_library),
        IN_TREE(a_meter_of_power_reads_by_itself),
        IN_TREE(opening_survives_every_failed_allocation),
        cmocka_unit_test(files_of_meters_are_read),
        cmocka_unit_test(files_that_are_no_meters_are_refused),
        cmocka_unit_test(a_meters_clock_is_found_by_the_load),
        cmocka_unit_test(a_clock_that_cannot_be_found_is_not_guessed),
        cmocka_unit_test(aligning_survives_every_failed_allocation),
        cmocka_unit_test(joules_are_shared_out_only_where_it_is_known_how),
    };
    return RUN(tests);
}
