#include "tests/test.h"

#include <sys/stat.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "harness/machine.h"
#include "harness/meter.h"
#include "tests/data_folder.h"

static int make_tree(void **state)
{
    (void)state;
    data_path("");
    return 0;
}

static void quiet_counters(void)
{
    data_put("/proc/loadavg", "0.05 0.10 0.20 1/100 4242\n");
    data_put("/proc/pressure/cpu", "some avg10=1.00 avg60=0 avg300=0 total=1000000\nfull avg10=0.00 "
                              "avg60=0 avg300=0 total=5\n");
    data_put("/proc/stat", "cpu  100 0 100 1000 0 0 0 200 0 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n");
    data_put("/proc/vmstat", "nr_free 3\npswpin 10\npswpout 20\n");
}

static void a_machine_is_described_by_its_files(void **state)
{
    struct strbuf b = STRBUF_INIT;
    struct err e = ERR_NONE;
    cJSON *j;

    (void)state;
    data_put("/proc/cpuinfo", "processor\t: 0\nmodel name\t: Made Up 9000\nphysical id\t: 0\nflags\t\t: "
                         "fpu avx2\n\nprocessor\t: 1\nmodel name\t: Made Up 9000\nphysical id\t: "
                         "0\n");
    data_put("/proc/meminfo", "MemTotal:        8000 kB\nMemFree: 1 kB\n");
    data_put("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
    data_put("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n");
    data_put("/sys/devices/system/cpu/vulnerabilities/mds", "Not affected\n");
    data_put("/proc/sys/kernel/hostname", "lab7\n");
    assert_int_equal(machine_json(&b, data_folder, &e), 0);
    j = json_parse(b.s, b.len, "machine", &e);
    assert_non_null(j);
    assert_string_equal(json_str(j, "cpu"), "Made Up 9000");
    assert_string_equal(json_str(j, "flags"), "fpu avx2");
    assert_true(json_num(j, "logical_cpus", -1) == 2);
    assert_true(json_num(j, "sockets", -1) == 1);
    assert_true(json_num(j, "memory_bytes", -1) == 8000 * 1024);
    assert_string_equal(json_str(j, "huge_pages"), "madvise");
    assert_string_equal(json_str(j, "governor"), "powersave");
    assert_string_equal(json_str(json_get(j, "mitigations"), "mds"), "Not affected");
    json_free(j);
    strbuf_release(&b);
    char name[64];
    machine_name(name, sizeof name, data_folder);
    assert_string_equal(name, "lab7");
}

static void what_a_machine_lacks_is_null_and_not_zero(void **state)
{
    struct strbuf b = STRBUF_INIT;
    struct err e = ERR_NONE;
    struct noise_sample s;
    struct noise n;
    cJSON *j;

    (void)state;
    assert_int_equal(machine_json(&b, data_folder, &e), 0);
    j = json_parse(b.s, b.len, "machine", &e);
    assert_true(cJSON_IsNull(json_get(j, "cpu")));
    assert_true(cJSON_IsNull(json_get(j, "boost")));
    assert_true(cJSON_IsNull(json_get(j, "mitigations")));
    json_free(j);
    strbuf_clear(&b);
    noise_sample(&s, data_folder);
    assert_true(isnan(s.steal_s) && isnan(s.throttled) && isnan(s.cpu_stall_s));
    noise_between(&n, &s, &s, 1);
    assert_int_equal(n.quiet, QUIET_UNKNOWN);
    struct json_out o = JSON_OUT(&b);
    noise_json(&o, NULL, &n);
    j = json_parse(b.s, b.len, "noise", &e);
    assert_true(cJSON_IsNull(json_get(j, "quiet")));
    assert_true(cJSON_IsNull(json_get(j, "steal_share")));
    json_free(j);
    strbuf_release(&b);
}

static struct noise between(int idle)
{
    struct noise_sample a, b;
    struct noise n;

    quiet_counters();
    noise_sample(&a, data_folder);
    b = a;
    b.time_s += 10;
    noise_between(&n, &a, &b, idle);
    return n;
}

static void a_quiet_machine_is_called_quiet(void **state)
{
    struct noise n = between(1);

    (void)state;
    assert_int_equal(n.quiet, QUIET_YES);
    assert_false(n.invalid);
    assert_string_equal(n.reasons, "");
    assert_true(n.steal_share == 0);
    assert_true(n.before.cpu_pressure_pct == 1);
}

/* The same ten seconds with one file changed in between. */
static struct noise disturbed(const char *path, const char *text)
{
    struct noise_sample a, b;
    struct noise n;

    quiet_counters();
    noise_sample(&a, data_folder);
    data_put(path, text);
    noise_sample(&b, data_folder);
    b.time_s = a.time_s + 10;
    noise_between(&n, &a, &b, 0);
    return n;
}

static void every_disturbance_is_named(void **state)
{
    struct noise n;

    (void)state;
    n = disturbed("/proc/pressure/cpu", "some avg10=84.00 avg60=0 avg300=0 total=9000000\n");
    assert_int_equal(n.quiet, QUIET_NO);
    assert_close(n.cpu_pressure_share, .8, 1e-9);
    assert_non_null(strstr(n.reasons, "processor pressure 80 % (limit 10 %)"));
    n = disturbed("/proc/stat", "cpu  100 0 100 1000 0 0 0 300 0 0\n");
    assert_non_null(strstr(n.reasons, "stolen time"));
    assert_false(n.invalid);
    n = disturbed("/proc/vmstat", "pswpin 10\npswpout 21\n");
    assert_true(n.invalid);
    assert_non_null(strstr(n.reasons, "swapped pages 1 (limit 0)"));
}

static void throttling_makes_a_measurement_invalid(void **state)
{
    static const char path[] =
        "/sys/devices/system/cpu/cpu1/thermal_throttle/core_throttle_count";
    struct noise n;

    (void)state;
    data_put("/sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", "5\n");
    data_put(path, "7\n");
    n = disturbed(path, "9\n");
    assert_true(n.throttled == 2);
    assert_true(n.invalid);
    assert_int_equal(n.quiet, QUIET_NO);
}

static void the_peak_of_memory_covers_what_was_touched(void **state)
{
    size_t n = 64 << 20;
    char *block = mem_alloc(n);

    (void)state;
    memset(block, 1, n);
    assert_true(block[n / 2] == 1);
    mem_free(block);
    assert_true(meter_peak_rss() > (double)n);
}

int main(void)
{
#define IN_TREE(f) cmocka_unit_test_setup_teardown(f, make_tree, data_folder_gone)
    const struct CMUnitTest tests[] = {
        IN_TREE(a_machine_is_described_by_its_files),
        IN_TREE(what_a_machine_lacks_is_null_and_not_zero),
        IN_TREE(a_quiet_machine_is_called_quiet),
        IN_TREE(every_disturbance_is_named),
        IN_TREE(throttling_makes_a_measurement_invalid),
        cmocka_unit_test(the_peak_of_memory_covers_what_was_touched),
    };
    return RUN(tests);
}
