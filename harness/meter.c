#include "harness/meter.h"

#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/mem.h"

/* Counters of one kind cover different parts and may be added; kinds cover the same part, so only
 * the first kind that exists is used. */
struct sensor {
    const char *name;
    const char *counter; /* microjoules, counting up */
    const char *range;   /* file beside it with the value where it wraps; NULL: 64 bits */
};

static const struct sensor sensors[] = {
    {"powercap", "/sys/class/powercap/intel-rapl:[0-9]/energy_uj", "max_energy_range_uj"},
    {"hwmon", "/sys/class/hwmon/hwmon*/energy*_input", NULL},
};

enum { COUNTERS_MAX = 64, PATH_SIZE = 512 };

struct counter {
    char path[PATH_SIZE];
    double last, range;
};

struct meter {
    const struct sensor *sensor;
    struct counter counters[COUNTERS_MAX];
    int n;
    double joules;
};

double meter_clock_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

double meter_peak_rss(void)
{
    FILE *f = fopen("/proc/self/status", "re");
    struct rusage usage;
    char line[256];
    double kbytes = NAN;

    while (f && isnan(kbytes) && fgets(line, sizeof line, f))
        if (strncmp(line, "VmHWM:", 6) == 0)
            kbytes = strtod(line + 6, NULL);
    if (f)
        fclose(f);
    if (isnan(kbytes) && getrusage(RUSAGE_SELF, &usage) == 0)
        kbytes = (double)usage.ru_maxrss;
    return kbytes * 1024;
}

void meter_reset_peak(void)
{
    FILE *f = fopen("/proc/self/clear_refs", "we");

    if (f) {
        fputs("5", f);
        fclose(f);
    }
}

static double read_number(const char *path)
{
    FILE *f = fopen(path, "re");
    double v = NAN;

    if (f) {
        if (fscanf(f, "%lf", &v) != 1)
            v = NAN;
        fclose(f);
    }
    return v;
}

static void add_counter(struct meter *m, const struct sensor *s, const char *path)
{
    struct counter *c = &m->counters[m->n];
    char beside[PATH_SIZE + 64];
    const char *slash = strrchr(path, '/');

    c->last = read_number(path);
    if (isnan(c->last) || strlen(path) >= sizeof c->path)
        return;
    snprintf(c->path, sizeof c->path, "%s", path);
    c->range = NAN;
    if (s->range) {
        snprintf(beside, sizeof beside, "%.*s/%s", (int)(slash - path), path, s->range);
        c->range = read_number(beside);
    }
    m->n++;
}

int meter_open(struct meter **out, const char *root, struct err *e)
{
    struct meter *m = mem_calloc(1, sizeof *m);
    char pattern[PATH_SIZE];

    if (!m)
        return err_nomem(e);
    for (size_t i = 0; i < sizeof sensors / sizeof sensors[0] && m->n == 0; i++) {
        glob_t found;
        snprintf(pattern, sizeof pattern, "%s%s", root ? root : "", sensors[i].counter);
        if (glob(pattern, 0, NULL, &found) != 0)
            continue;
        m->sensor = &sensors[i];
        for (size_t k = 0; k < found.gl_pathc && m->n < COUNTERS_MAX; k++)
            add_counter(m, &sensors[i], found.gl_pathv[k]);
        globfree(&found);
    }
    *out = m;
    return 0;
}

void meter_close(struct meter *m)
{
    mem_free(m);
}

/* Books what every counter moved since it was read last.  A counter that cannot be read any more
 * makes the sum unknown. */
static void advance(struct meter *m)
{
    for (int i = 0; i < m->n; i++) {
        struct counter *c = &m->counters[i];
        double now = read_number(c->path), moved = now - c->last;
        if (moved < 0)
            moved += c->range;
        m->joules += moved / 1e6;
        c->last = now;
    }
}

void meter_start(struct meter *m)
{
    advance(m);
    m->joules = 0;
}

double meter_energy_j(struct meter *m)
{
    if (m->n == 0)
        return NAN;
    advance(m);
    return m->joules;
}

const char *meter_source(const struct meter *m)
{
    return m->n ? m->sensor->name : NULL;
}
