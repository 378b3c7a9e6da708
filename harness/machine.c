#include "harness/machine.h"

#include <ctype.h>
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "harness/version.h"

/* --- one file, one value ------------------------------------------------------------------ */

enum { TEXT_MAX = 2048 };

enum fact_kind {
    FACT_LINE,   /* the first line of the file */
    FACT_FIELD,  /* "name : value" in it, the first one */
    FACT_CHOICE, /* the word in [brackets] */
    FACT_COUNT,  /* how many different values the field has */
    FACT_KBYTES, /* a field in kB, as bytes */
    FACT_BUILD,  /* `field` itself: settled when this program was compiled */
};

struct fact {
    const char *key;
    enum fact_kind kind;
    const char *path, *field;
    int number; /* written as a number */
};

#define CPU "/sys/devices/system/cpu/"

/* The kernel's command line is left out on purpose: it may name hosts, ports and tokens, and
 * results are published.  What it changes shows in the mitigations and the clock source. */
static const struct fact facts[] = {
    {"cpu", FACT_FIELD, "/proc/cpuinfo", "model name", 0},
    {"vendor", FACT_FIELD, "/proc/cpuinfo", "vendor_id", 0},
    {"family", FACT_FIELD, "/proc/cpuinfo", "cpu family", 0},
    {"model", FACT_FIELD, "/proc/cpuinfo", "model", 0},
    {"stepping", FACT_FIELD, "/proc/cpuinfo", "stepping", 0},
    {"microcode", FACT_FIELD, "/proc/cpuinfo", "microcode", 0},
    {"flags", FACT_FIELD, "/proc/cpuinfo", "flags", 0},
    {"sockets", FACT_COUNT, "/proc/cpuinfo", "physical id", 1},
    {"logical_cpus", FACT_COUNT, "/proc/cpuinfo", "processor", 1},
    {"cores_per_socket", FACT_FIELD, "/proc/cpuinfo", "cpu cores", 1},
    {"smt", FACT_LINE, CPU "smt/active", NULL, 1},
    {"l1d_cache", FACT_LINE, CPU "cpu0/cache/index0/size", NULL, 0},
    {"l2_cache", FACT_LINE, CPU "cpu0/cache/index2/size", NULL, 0},
    {"l3_cache", FACT_LINE, CPU "cpu0/cache/index3/size", NULL, 0},
    {"affinity", FACT_FIELD, "/proc/self/status", "Cpus_allowed_list", 0},
    {"isolated_cpus", FACT_LINE, CPU "isolated", NULL, 0},
    {"governor", FACT_LINE, CPU "cpu0/cpufreq/scaling_governor", NULL, 0},
    {"energy_preference", FACT_LINE, CPU "cpu0/cpufreq/energy_performance_preference", NULL, 0},
    {"min_khz", FACT_LINE, CPU "cpu0/cpufreq/scaling_min_freq", NULL, 1},
    {"max_khz", FACT_LINE, CPU "cpu0/cpufreq/scaling_max_freq", NULL, 1},
    {"no_turbo", FACT_LINE, CPU "intel_pstate/no_turbo", NULL, 1},
    {"boost", FACT_LINE, CPU "cpufreq/boost", NULL, 1},
    {"numa_nodes", FACT_LINE, "/sys/devices/system/node/online", NULL, 0},
    {"numa_balancing", FACT_LINE, "/proc/sys/kernel/numa_balancing", NULL, 1},
    {"memory_bytes", FACT_KBYTES, "/proc/meminfo", "MemTotal", 1},
    {"huge_pages", FACT_CHOICE, "/sys/kernel/mm/transparent_hugepage/enabled", NULL, 0},
    {"huge_page_defrag", FACT_CHOICE, "/sys/kernel/mm/transparent_hugepage/defrag", NULL, 0},
    {"kernel", FACT_LINE, "/proc/sys/kernel/osrelease", NULL, 0},
    {"aslr", FACT_LINE, "/proc/sys/kernel/randomize_va_space", NULL, 1},
    {"clock_source", FACT_LINE,
     "/sys/devices/system/clocksource/clocksource0/current_clocksource", NULL, 0},
    {"virtual_machine", FACT_LINE, "/sys/class/dmi/id/product_name", NULL, 0},
    {"compiler", FACT_BUILD, NULL, DENSIMETER_COMPILER, 0},
    {"program", FACT_BUILD, NULL, "densimeter " DENSIMETER_VERSION, 0},
};
enum { N_FACTS = sizeof facts / sizeof facts[0] };

static FILE *open_below(const char *root, const char *path)
{
    char full[TEXT_MAX];

    snprintf(full, sizeof full, "%s%s", root ? root : "", path);
    return fopen(full, "re");
}

/* Cuts blanks at both ends. */
static char *trimmed(char *s)
{
    char *end;

    while (isspace((unsigned char)*s))
        s++;
    end = s + strlen(s);
    while (end > s && isspace((unsigned char)end[-1]))
        end--;
    *end = 0;
    return s;
}

static int read_line(const char *root, const char *path, char *text, size_t size)
{
    FILE *f = open_below(root, path);
    char line[TEXT_MAX] = "";

    text[0] = 0;
    if (!f)
        return 0;
    if (fgets(line, sizeof line, f))
        snprintf(text, size, "%s", trimmed(line));
    fclose(f);
    return text[0] != 0;
}

/* Value of "name : value" or "name:value"; NULL when the line has another name. */
static char *field_value(char *line, const char *name)
{
    size_t n = strlen(name);
    char *p = line + n;

    if (strncmp(line, name, n) != 0)
        return NULL;
    while (*p == ' ' || *p == '\t')
        p++;
    return *p == ':' ? trimmed(p + 1) : NULL;
}

static int read_field(const char *root, const char *path, const char *name, char *text,
                      size_t size)
{
    FILE *f = open_below(root, path);
    char line[TEXT_MAX];
    char *value = NULL;

    text[0] = 0;
    if (!f)
        return 0;
    while (!value && fgets(line, sizeof line, f))
        if ((value = field_value(line, name)) != NULL)
            snprintf(text, size, "%s", value);
    fclose(f);
    return text[0] != 0;
}

/* Different values of a field; they are few and short ("physical id"), or never equal
 * ("processor"), so comparing with the highest number seen is enough. */
static int count_values(const char *root, const char *path, const char *name)
{
    FILE *f = open_below(root, path);
    char line[TEXT_MAX];
    long highest = -1;
    int n = 0;

    while (f && fgets(line, sizeof line, f)) {
        char *value = field_value(line, name);
        if (value && strtol(value, NULL, 10) > highest) {
            highest = strtol(value, NULL, 10);
            n++;
        }
    }
    if (f)
        fclose(f);
    return n;
}

static void read_fact(const struct fact *f, const char *root, char *text, size_t size)
{
    char *open, *end;
    int n;

    text[0] = 0;
    switch (f->kind) {
    case FACT_LINE:
        read_line(root, f->path, text, size);
        break;
    case FACT_FIELD:
        read_field(root, f->path, f->field, text, size);
        break;
    case FACT_CHOICE:
        read_line(root, f->path, text, size);
        open = strchr(text, '[');
        end = open ? strchr(open, ']') : NULL;
        if (end) {
            *end = 0;
            memmove(text, open + 1, strlen(open + 1) + 1);
        }
        break;
    case FACT_COUNT:
        n = count_values(root, f->path, f->field);
        if (n > 0)
            snprintf(text, size, "%d", n);
        break;
    case FACT_KBYTES:
        if (read_field(root, f->path, f->field, text, size))
            snprintf(text, size, "%.0f", strtod(text, NULL) * 1024);
        break;
    case FACT_BUILD:
        snprintf(text, size, "%s", f->field);
        break;
    }
}

void machine_fact(char *text, size_t size, const char *root, const char *key)
{
    text[0] = 0;
    for (int i = 0; i < N_FACTS; i++)
        if (strcmp(facts[i].key, key) == 0)
            read_fact(&facts[i], root, text, size);
}

void machine_name(char *name, size_t size, const char *root)
{
    if (!read_line(root, "/proc/sys/kernel/hostname", name, size))
        snprintf(name, size, "unknown");
}

static void put_mitigations(struct json_out *o, const char *root)
{
    char pattern[TEXT_MAX], text[TEXT_MAX];
    size_t skip = root ? strlen(root) : 0;
    glob_t found;

    snprintf(pattern, sizeof pattern, "%s" CPU "vulnerabilities/*", root ? root : "");
    if (glob(pattern, 0, NULL, &found) != 0) {
        json_put_null(o, "mitigations");
        return;
    }
    json_begin_object(o, "mitigations");
    for (size_t i = 0; i < found.gl_pathc; i++)
        if (read_line(root, found.gl_pathv[i] + skip, text, sizeof text))
            json_put_str(o, strrchr(found.gl_pathv[i], '/') + 1, text);
    json_end_object(o);
    globfree(&found);
}

int machine_json(struct strbuf *out, const char *root, struct err *e)
{
    struct json_out o = JSON_OUT(out);
    char text[TEXT_MAX];
    char *end;

    json_begin_object(&o, NULL);
    for (int i = 0; i < N_FACTS; i++) {
        double v;
        read_fact(&facts[i], root, text, sizeof text);
        v = strtod(text, &end);
        if (!text[0])
            json_put_null(&o, facts[i].key);
        else if (facts[i].number && !*end)
            json_put_num(&o, facts[i].key, v);
        else
            json_put_str(&o, facts[i].key, text);
    }
    put_mitigations(&o, root);
    json_end_object(&o);
    return strbuf_ok(out, e);
}

/* --- noise -------------------------------------------------------------------------------- */

/* The number after "name=" in the line that begins with `line`. */
static double pressure(const char *root, const char *path, const char *line, const char *name)
{
    FILE *f = open_below(root, path);
    char text[TEXT_MAX];
    double v = NAN;

    while (f && fgets(text, sizeof text, f)) {
        char *at = strncmp(text, line, strlen(line)) == 0 ? strstr(text, name) : NULL;
        if (at)
            v = strtod(at + strlen(name), NULL);
    }
    if (f)
        fclose(f);
    return v;
}

static double stall_s(const char *root, const char *path)
{
    return pressure(root, path, "some", "total=") / 1e6;
}

/* The eighth counter of "cpu" in /proc/stat: time that the hypervisor gave to others. */
static double steal_s(const char *root)
{
    char line[TEXT_MAX];
    double ticks[8];
    char *p = line + 3;

    if (!read_line(root, "/proc/stat", line, sizeof line) || strncmp(line, "cpu", 3) != 0)
        return NAN;
    for (int i = 0; i < 8; i++) {
        char *end;
        ticks[i] = strtod(p, &end);
        if (end == p)
            return NAN;
        p = end;
    }
    return ticks[7] / (double)sysconf(_SC_CLK_TCK);
}

/* "name value" lines of /proc/vmstat */
static double vmstat(const char *root, const char *name)
{
    FILE *f = open_below(root, "/proc/vmstat");
    char line[TEXT_MAX];
    size_t n = strlen(name);
    double v = NAN;

    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, name, n) == 0 && line[n] == ' ')
            v = strtod(line + n, NULL);
    if (f)
        fclose(f);
    return v;
}

static double add(double sum, double v)
{
    return isnan(sum) ? v : sum + v;
}

static double larger(double a, double b)
{
    return isnan(a) || b > a ? b : a;
}

/* Folds the numbers in all files that match; NAN when there is none. */
static double fold_files(const char *root, const char *pattern, double (*fold)(double, double))
{
    char full[TEXT_MAX], text[64];
    size_t skip = root ? strlen(root) : 0;
    double v = NAN;
    glob_t found;

    snprintf(full, sizeof full, "%s%s", root ? root : "", pattern);
    if (glob(full, 0, NULL, &found) != 0)
        return NAN;
    for (size_t i = 0; i < found.gl_pathc; i++)
        if (read_line(root, found.gl_pathv[i] + skip, text, sizeof text))
            v = fold(v, strtod(text, NULL));
    globfree(&found);
    return v;
}

void noise_sample(struct noise_sample *s, const char *root)
{
    struct timespec now;
    struct rusage usage;
    char line[TEXT_MAX];

    clock_gettime(CLOCK_MONOTONIC, &now);
    s->time_s = (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
    s->load_1min = read_line(root, "/proc/loadavg", line, sizeof line) ? strtod(line, NULL) : NAN;
    s->cpu_pressure_pct = pressure(root, "/proc/pressure/cpu", "some", "avg10=");
    s->cpu_stall_s = stall_s(root, "/proc/pressure/cpu");
    s->memory_stall_s = stall_s(root, "/proc/pressure/memory");
    s->io_stall_s = stall_s(root, "/proc/pressure/io");
    s->steal_s = steal_s(root);
    s->swapped_pages = vmstat(root, "pswpin") + vmstat(root, "pswpout");
    s->throttled = fold_files(root, CPU "cpu*/thermal_throttle/*_throttle_count", add);
    s->temperature_c = fold_files(root, "/sys/class/thermal/thermal_zone*/temp", larger) / 1000;
    s->involuntary_switches = getrusage(RUSAGE_SELF, &usage) == 0 ? (double)usage.ru_nivcsw : NAN;
}

/* A measurement is called noisy when others had this share of the time, or waited for it. */
struct limit {
    const char *what; /* as the metric of that name is called */
    double value, limit;
    int percent; /* what both are shown as */
};

static void judge(struct noise *n, const struct limit *limits, int count)
{
    int known = 0;

    n->reasons[0] = 0;
    for (int i = 0; i < count; i++) {
        size_t used = strlen(n->reasons);
        double unit = limits[i].percent ? 100 : 1;
        const char *sign = limits[i].percent ? " %" : "";
        known |= !isnan(limits[i].value);
        if (limits[i].value > limits[i].limit)
            snprintf(n->reasons + used, sizeof n->reasons - used, "%s%s %.3g%s (limit %g%s)",
                     used ? ", " : "", limits[i].what, unit * limits[i].value, sign,
                     unit * limits[i].limit, sign);
    }
    n->invalid = n->swapped_pages > 0 || n->throttled > 0;
    n->quiet = n->reasons[0] ? QUIET_NO : known ? QUIET_YES : QUIET_UNKNOWN;
}

void noise_between(struct noise *n, const struct noise_sample *a, const struct noise_sample *b,
                   int idle)
{
    double wall = b->time_s - a->time_s;

    memset(n, 0, sizeof *n);
    n->before = *a;
    n->after = *b;
    n->cpu_pressure_share = wall > 0 ? (b->cpu_stall_s - a->cpu_stall_s) / wall : NAN;
    n->memory_pressure_share = wall > 0 ? (b->memory_stall_s - a->memory_stall_s) / wall : NAN;
    n->io_pressure_share = wall > 0 ? (b->io_stall_s - a->io_stall_s) / wall : NAN;
    n->steal_share = wall > 0 ? (b->steal_s - a->steal_s) / wall : NAN;
    n->swapped_pages = b->swapped_pages - a->swapped_pages;
    n->throttled = b->throttled - a->throttled;
    n->involuntary_switches = b->involuntary_switches - a->involuntary_switches;
    const struct limit limits[] = {
        {"processor pressure", n->cpu_pressure_share, 0.1, 1},
        {"stolen time", n->steal_share, 0.01, 1},
        {"memory pressure", n->memory_pressure_share, 0.02, 1},
        {"disk pressure", n->io_pressure_share, idle ? 0.05 : 0.2, 1},
        {"processor pressure before", a->cpu_pressure_pct / 100, 0.1, 1},
        {"load before", idle ? a->load_1min : NAN, 0.5, 0},
        {"swapped pages", n->swapped_pages, 0, 0},
        {"thermal throttling events", n->throttled, 0, 0},
    };
    judge(n, limits, sizeof limits / sizeof limits[0]);
}

static void put_sample(struct json_out *o, const char *key, const struct noise_sample *s)
{
    json_begin_object(o, key);
    json_put_num(o, "load_1min", s->load_1min);
    json_put_num(o, "cpu_pressure_pct", s->cpu_pressure_pct);
    json_put_num(o, "temperature_c", s->temperature_c);
    json_end_object(o);
}

void noise_json(struct json_out *o, const char *key, const struct noise *n)
{
    json_begin_object(o, key);
    if (n->quiet == QUIET_UNKNOWN)
        json_put_null(o, "quiet");
    else
        json_put_bool(o, "quiet", n->quiet == QUIET_YES);
    json_put_bool(o, "invalid", n->invalid);
    json_put_str(o, "reasons", n->reasons);
    json_put_num(o, "wall_s", n->after.time_s - n->before.time_s);
    json_put_num(o, "cpu_pressure_share", n->cpu_pressure_share);
    json_put_num(o, "memory_pressure_share", n->memory_pressure_share);
    json_put_num(o, "io_pressure_share", n->io_pressure_share);
    json_put_num(o, "steal_share", n->steal_share);
    json_put_num(o, "swapped_pages", n->swapped_pages);
    json_put_num(o, "throttled", n->throttled);
    json_put_num(o, "involuntary_switches", n->involuntary_switches);
    put_sample(o, "before", &n->before);
    put_sample(o, "after", &n->after);
    json_end_object(o);
}
