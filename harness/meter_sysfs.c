/* meter_sysfs.c -- the kernel's meters: RAPL, hwmon (boards, AMD's GPUs) and batteries.
 *
 * Sources: Linux Documentation/power/powercap, Documentation/hwmon/sysfs-interface and
 * ABI/testing/sysfs-class-power; vendor.md 6. */
#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/meter_impl.h"

/* --- files ------------------------------------------------------------------------------------ */

/* The first line without blanks at its end; -1, and why. */
static int read_text(const char *path, char *text, size_t size, char *why)
{
    FILE *f = fopen(path, "re");
    size_t n;

    errno = f ? 0 : errno;
    if (!f || !fgets(text, (int)size, f)) {
        snprintf(why, METER_REASON, "%.120s: %s", path, errno ? strerror(errno) : "it is empty");
        if (errno == EACCES)
            snprintf(why + strlen(why), METER_REASON - strlen(why), " (only root may read it)");
        if (f)
            fclose(f);
        return -1;
    }
    fclose(f);
    n = strlen(text);
    while (n && isspace((unsigned char)text[n - 1]))
        text[--n] = 0;
    return 0;
}

static double read_number(const char *path, char *why)
{
    char text[64], *end;
    double v;

    if (read_text(path, text, sizeof text, why) < 0)
        return NAN;
    v = strtod(text, &end);
    if (end != text && !*end && isfinite(v))
        return v;
    snprintf(why, METER_REASON, "%.120s: '%.20s' is not a number", path, text);
    return NAN;
}

static int is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

/* A name below a folder; -1: too long. */
static int below(char *out, const char *dir, const char *name)
{
    int n = snprintf(out, METER_PATH, "%s/%s", dir, name);

    return n > 0 && n < METER_PATH ? 0 : -1;
}

static void label_of(char *label, const char *dir, const char *name, const char *fallback)
{
    char path[METER_PATH], why[METER_REASON];

    if (below(path, dir, name) < 0 || read_text(path, label, METER_LABEL, why) < 0 || !*label)
        snprintf(label, METER_LABEL, "%.70s", fallback);
}

static double read_scaled(struct channel *c, char *why)
{
    return c->scale * read_number(c->path, why);
}

static void each_folder(struct meter *m, const char *root, const char *pattern,
                        void (*f)(struct meter *m, const char *root, const char *dir))
{
    char full[METER_PATH];
    glob_t found;
    int n = snprintf(full, sizeof full, "%s%s", root, pattern);

    if (n < 0 || n >= METER_PATH || glob(full, 0, NULL, &found) != 0)
        return;
    for (size_t i = 0; i < found.gl_pathc; i++)
        f(m, root, found.gl_pathv[i]);
    globfree(&found);
}

static const char *base(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* --- RAPL ------------------------------------------------------------------------------------- */

/* A package contains its core and uncore, and psys contains the packages; dram is beside them. */
static void find_domain(struct meter *m, const char *root, const char *dir)
{
    char path[METER_PATH], range[METER_PATH], why[METER_REASON], name[METER_LABEL];
    int is_part = strchr(strchr(base(dir), ':') + 1, ':') != NULL;
    struct channel *c;
    double v;

    (void)root;
    label_of(name, dir, "name", base(dir));
    if (below(path, dir, "energy_uj") < 0 || below(range, dir, "max_energy_range_uj") < 0 ||
        !is_there(path))
        return;
    c = meter_add(m, strcmp(name, "psys") == 0 ? "rapl-psys" : is_part ? "rapl-part" : "rapl",
                  name);
    if (!c)
        return;
    c->is_whole = strcmp(c->source, "rapl") == 0;
    c->read = read_scaled;
    c->scale = 1e-6;
    snprintf(c->path, sizeof c->path, "%s", path);
    v = read_number(range, why);
    c->range_j = v > 0 ? v * 1e-6 : NAN;
}

void meter_find_rapl(struct meter *m, const char *root)
{
    each_folder(m, root, "/sys/class/powercap/intel-rapl:*", find_domain);
}

/* --- hwmon ------------------------------------------------------------------------------------ */

static double read_product(struct channel *c, char *why)
{
    double a = read_number(c->path, why), b = isnan(a) ? NAN : read_number(c->second, why);

    return c->scale * a * b;
}

/* What a chip may measure, most direct first; of a chip only the first kind that it has is used. */
struct hwmon_row {
    const char *file, *second, *label; /* with %d for the number of the channel */
    enum channel_kind kind;
    double scale;
};
static const struct hwmon_row hwmon_rows[] = {
    {"energy%d_input", NULL, "energy%d_label", CHANNEL_COUNTER, 1e-6},
    {"power%d_average", NULL, "power%d_label", CHANNEL_POWER, 1e-6},
    {"power%d_input", NULL, "power%d_label", CHANNEL_POWER, 1e-6},
    {"curr%d_input", "in%d_input", "curr%d_label", CHANNEL_POWER, 1e-6}, /* mA, mV */
};
enum { HWMON_NUMBERS = 32 };

/* Labels of channels that are a board's or socket's whole input. */
static int is_total(const char *label)
{
    static const char *const totals[] = {"VDD_IN", "POM_5V_IN", "VIN_SYS", "Esocket", "Total",
                                         "total", "PPT", "VBAT", "SYS"};

    for (size_t i = 0; i < sizeof totals / sizeof totals[0]; i++)
        if (strncmp(label, totals[i], strlen(totals[i])) == 0)
            return 1;
    return 0;
}

static int add_hwmon(struct meter *m, const char *dir, const char *chip,
                     const struct hwmon_row *row, int number)
{
    char path[METER_PATH], second[METER_PATH] = "", name[64], label[METER_LABEL], why[METER_LABEL];
    int is_amd = strcmp(chip, "amdgpu") == 0;
    struct channel *c;

    snprintf(name, sizeof name, row->file, number);
    if (below(path, dir, name) < 0 || !is_there(path))
        return 0;
    if (row->second) {
        snprintf(name, sizeof name, row->second, number);
        if (below(second, dir, name) < 0 || !is_there(second))
            return 0;
    }
    snprintf(name, sizeof name, row->label, number);
    snprintf(why, sizeof why, "%.60s %d", chip, number);
    label_of(label, dir, name, why);
    c = meter_add(m, is_amd ? "amdgpu" : "hwmon", label);
    if (!c)
        return 0;
    c->covers_gpu = is_amd;
    c->kind = row->kind;
    c->scale = row->scale;
    c->read = row->second ? read_product : read_scaled;
    snprintf(c->path, sizeof c->path, "%s", path);
    snprintf(c->second, sizeof c->second, "%s", second);
    return 1;
}

static void find_chip(struct meter *m, const char *root, const char *dir)
{
    char chip[METER_LABEL], supply[METER_PATH];
    int first = m->n, n;

    label_of(chip, dir, "name", base(dir));
    n = snprintf(supply, sizeof supply, "%s/sys/class/power_supply/%s", root, chip);
    if (n < 0 || n >= METER_PATH || is_there(supply)) /* the battery's own row reads it */
        return;
    for (size_t i = 0; i < sizeof hwmon_rows / sizeof hwmon_rows[0] && m->n == first; i++)
        for (int k = 0; k < HWMON_NUMBERS; k++)
            add_hwmon(m, dir, chip, &hwmon_rows[i], k);
    for (int i = first; i < m->n; i++) /* rails may lie behind one another */
        m->v[i].is_whole = m->n - first == 1 || is_total(m->v[i].label);
}

static int same_folder(const struct channel *a, const struct channel *b)
{
    size_t n = (size_t)(base(a->path) - a->path);

    return n == (size_t)(base(b->path) - b->path) && strncmp(a->path, b->path, n) == 0;
}

/* Of several chips one may feed the other, unless their labels say what they are. */
static void doubt_chips(struct meter *m, int first)
{
    const struct channel *one = NULL;
    int several = 0;

    for (int i = first; i < m->n; i++)
        if (!m->v[i].covers_gpu && m->v[i].is_whole) {
            several |= one && !same_folder(one, &m->v[i]);
            one = one ? one : &m->v[i];
        }
    for (int i = first; i < m->n && several; i++)
        if (!m->v[i].covers_gpu)
            m->v[i].is_whole = is_total(m->v[i].label);
}

void meter_find_hwmon(struct meter *m, const char *root)
{
    int first = m->n;

    each_folder(m, root, "/sys/class/hwmon/hwmon*", find_chip);
    doubt_chips(m, first);
}

/* --- batteries -------------------------------------------------------------------------------- */

static int is_discharging(struct channel *c, char *why)
{
    char path[METER_PATH], status[64];

    if (below(path, c->third, "status") < 0 || read_text(path, status, sizeof status, why) < 0)
        return 0;
    if (strcmp(status, "Discharging") == 0)
        return 1;
    snprintf(why, METER_REASON, "%s: its status is '%.20s'; a battery tells what is used only "
             "while it is discharging", c->label, status);
    return 0;
}

/* Drivers differ in the sign of what flows out, but it stays the same while it flows out. */
static double one_way(struct channel *c, double v, char *why)
{
    int sign = v < 0 ? -1 : v > 0;

    if (c->sign && sign && sign != c->sign) {
        snprintf(why, METER_REASON, "%s: the current changed its direction", c->label);
        return NAN;
    }
    c->sign = sign ? sign : c->sign;
    return fabs(v);
}

static double read_battery_power(struct channel *c, char *why)
{
    double v;

    if (!is_discharging(c, why))
        return NAN;
    v = c->second[0] ? read_product(c, why) : read_scaled(c, why);
    return isnan(v) ? NAN : one_way(c, v, why);
}

/* Micro-watt-hours, or micro-ampere-hours at the voltage of the moment. */
static double read_battery_gauge(struct channel *c, char *why)
{
    double v, volts = 1, used;

    if (!is_discharging(c, why))
        return NAN;
    v = read_number(c->path, why);
    if (c->second[0])
        volts = 1e-6 * read_number(c->second, why);
    if (isnan(v) || isnan(volts))
        return NAN;
    used = isnan(c->gauge) ? 0 : c->gauge - v;
    if (used < 0) {
        c->gauge = v;
        snprintf(why, METER_REASON, "%s: its charge rose", c->label);
        return NAN;
    }
    c->gauge = v;
    c->moved += used * 3600e-6 * volts;
    return c->moved;
}

struct battery_row {
    const char *file, *second;
    enum channel_kind kind;
    double (*read)(struct channel *c, char *why);
    double scale;
};
static const struct battery_row battery_rows[] = {
    {"power_now", NULL, CHANNEL_POWER, read_battery_power, 1e-6},
    {"current_now", "voltage_now", CHANNEL_POWER, read_battery_power, 1e-12},
    {"energy_now", NULL, CHANNEL_COUNTER, read_battery_gauge, 1},
    {"charge_now", "voltage_now", CHANNEL_COUNTER, read_battery_gauge, 1},
};

static void find_battery(struct meter *m, const char *root, const char *dir)
{
    char text[METER_LABEL], path[METER_PATH], second[METER_PATH] = "";
    struct channel *c;

    (void)root;
    label_of(text, dir, "type", "");
    if (strcmp(text, "Battery") != 0)
        return;
    label_of(text, dir, "scope", "");
    if (strcmp(text, "Device") == 0) /* a mouse's */
        return;
    for (size_t i = 0; i < sizeof battery_rows / sizeof battery_rows[0]; i++) {
        const struct battery_row *row = &battery_rows[i];
        if (below(path, dir, row->file) < 0 || !is_there(path) ||
            (row->second && (below(second, dir, row->second) < 0 || !is_there(second))))
            continue;
        c = meter_add(m, "battery", base(dir));
        if (!c)
            return;
        c->kind = row->kind;
        c->read = row->read;
        c->scale = row->scale;
        c->is_whole = 1;
        c->must_move = row->kind == CHANNEL_COUNTER;
        snprintf(c->path, sizeof c->path, "%s", path);
        snprintf(c->second, sizeof c->second, "%s", row->second ? second : "");
        snprintf(c->third, sizeof c->third, "%s", dir);
        return;
    }
}

void meter_find_batteries(struct meter *m, const char *root)
{
    each_folder(m, root, "/sys/class/power_supply/*", find_battery);
}
