#include "harness/meter_csv.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/mem.h"

enum { BINS_MAX = 20000, PLACES_MAX = 20000 };
static const size_t FILE_BYTES_MAX = (size_t)256 << 20;
static const double TIME_MAX_S = 1e11, READING_MAX = 1e15;
static const double BIN_MIN_S = 0.1, AGREEMENT_MIN = 0.5, RIVAL_SHARE = 0.98;

/* --- reading ---------------------------------------------------------------------------------- */

/* NAN: no number, and nothing but it. */
static double number(const char *text)
{
    char *end;
    double v = strtod(text, &end);

    while (isspace((unsigned char)*end))
        end++;
    return end != text && !*end && isfinite(v) ? v : NAN;
}

/* Seconds, or a date with time in UTC. */
static double when(const char *text)
{
    struct tm tm = {0};
    double seconds, v = number(text);
    char zone = 0;
    int got;

    if (!isnan(v))
        return fabs(v) < TIME_MAX_S ? v : NAN;
    got = sscanf(text, "%4d-%2d-%2d%*1[T ]%2d:%2d:%lf%c", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
                 &tm.tm_hour, &tm.tm_min, &seconds, &zone);
    if (got < 6 || (got == 7 && zone != 'Z') || !(seconds >= 0 && seconds < 61))
        return NAN;
    tm.tm_year -= 1900;
    tm.tm_mon--;
    return (double)timegm(&tm) + seconds;
}

static int add(struct power_series *p, double t, double joules, struct err *e)
{
    size_t cap = p->cap;

    if (mem_grow(&p->t, &p->cap, p->n + 1, sizeof *p->t) < 0 ||
        mem_grow(&p->joules, &cap, p->n + 1, sizeof *p->joules) < 0)
        return err_nomem(e);
    p->t[p->n] = t;
    p->joules[p->n++] = joules;
    return 0;
}

static int bad_line(const struct csv *c, const char *what, struct err *e)
{
    return err_set(e, ERR_FORMAT, "%s:%zu: %s", c->name, c->line, what);
}

static int parse_rows(struct power_series *p, struct csv *c, int time, int value, int is_power,
                      struct err *e)
{
    double last_v = 0, sum = 0;
    int rc;

    while ((rc = csv_next(c, e)) == 1) {
        double t, v;
        if (c->n_fields <= (time > value ? time : value))
            return bad_line(c, "too few fields", e);
        t = when(csv_field(c, time));
        v = number(csv_field(c, value));
        if (isnan(t) || isnan(v))
            return bad_line(c, isnan(t) ? "no time" : "no number", e);
        if (v < 0 || v > READING_MAX)
            return bad_line(c, v < 0 ? "a negative reading" : "too large a reading", e);
        if (p->n && t <= p->t[p->n - 1])
            return bad_line(c, "its time is not after the one before", e);
        if (p->n && !is_power && v < last_v)
            return bad_line(c, "fewer joules than before", e);
        if (p->n)
            sum += is_power ? (last_v + v) / 2 * (t - p->t[p->n - 1]) : v - last_v;
        if (add(p, t, sum, e) < 0)
            return -1;
        last_v = v;
    }
    return rc;
}

int power_parse(struct power_series *out, const char *bytes, size_t n, const char *name,
                struct err *e)
{
    struct csv c;
    int time, value, is_power, rc;

    *out = (struct power_series){0};
    csv_init(&c, bytes, n, name);
    rc = csv_next(&c, e);
    if (rc == 1) {
        time = csv_column(&c, "time");
        value = csv_column(&c, "watts");
        is_power = value >= 0;
        if (!is_power)
            value = csv_column(&c, "joules");
        rc = time < 0 || value < 0
                 ? bad_line(&c, "the header needs columns 'time', and 'watts' or 'joules'", e)
                 : parse_rows(out, &c, time, value, is_power, e);
    }
    csv_release(&c);
    if (rc == 0 && out->n < 2)
        rc = err_set(e, ERR_FORMAT, "%s: fewer than two readings", name);
    if (rc < 0)
        power_release(out);
    return rc < 0 ? -1 : 0;
}

int power_read(struct power_series *out, const char *path, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    int rc = file_read(&b, path, FILE_BYTES_MAX, e);

    if (rc == 0)
        rc = power_parse(out, strbuf_str(&b), b.len, path, e);
    strbuf_release(&b);
    return rc;
}

void power_release(struct power_series *p)
{
    mem_free(p->t);
    mem_free(p->joules);
    *p = (struct power_series){0};
}

/* --- energy between two times ----------------------------------------------------------------- */

/* The last reading at or before t; t is inside. */
static size_t index_of(const struct power_series *p, double t)
{
    size_t low = 0, high = p->n - 1;

    while (high - low > 1) {
        size_t mid = (low + high) / 2;
        *(p->t[mid] <= t ? &low : &high) = mid;
    }
    return low;
}

static double joules_at(const struct power_series *p, double t)
{
    size_t i = index_of(p, t);
    double share = (t - p->t[i]) / (p->t[i + 1] - p->t[i]);

    return p->joules[i] + share * (p->joules[i + 1] - p->joules[i]);
}

double power_between(const struct power_series *p, double from, double to, double *gap_s,
                     long *readings)
{
    size_t first, last;

    *gap_s = NAN;
    *readings = 0;
    if (!(from >= p->t[0] && to <= p->t[p->n - 1] && from <= to))
        return NAN;
    first = index_of(p, from);
    last = index_of(p, to);
    *gap_s = 0;
    for (size_t i = first; i <= last; i++)
        *gap_s = fmax(*gap_s, p->t[i + 1] - p->t[i]);
    *readings = (long)(last - first);
    return joules_at(p, to) - joules_at(p, from);
}

/* --- aligning --------------------------------------------------------------------------------- */

struct alignment {
    double bin_s;
    double *power; /* [n_power] joules of each bin of the file */
    double *load;  /* [n_load] share of each bin in which the program computed */
    int n_power, n_load;
};

/* Seconds of [from, to) that lie in marks. */
static void fill_load(struct alignment *a, const struct load_mark *marks, size_t n, double start)
{
    for (size_t i = 0; i < n; i++) {
        double from = (marks[i].start - start) / a->bin_s, to = (marks[i].end - start) / a->bin_s;
        for (int k = (int)from; k < a->n_load && k < to; k++)
            a->load[k] += fmin(to, k + 1) - fmax(from, k);
    }
}

/* Over the bins of the load with the file moved to begin `place` bins before it. */
static double correlation(const struct alignment *a, int place)
{
    double sx = 0, sy = 0, sxx = 0, syy = 0, sxy = 0, n = a->n_load, d;

    for (int i = 0; i < a->n_load; i++) {
        double x = a->load[i], y = a->power[place + i];
        sx += x;
        sy += y;
        sxx += x * x;
        syy += y * y;
        sxy += x * y;
    }
    d = (n * sxx - sx * sx) * (n * syy - sy * sy);
    return d > 0 ? (n * sxy - sx * sy) / sqrt(d) : 0;
}

/* The best place, and the best of those that are further from it than the shortest mark. */
static void search(const struct alignment *a, int near, int *best, double *first, double *second)
{
    int places = a->n_power - a->n_load + 1;

    *first = *second = -1;
    *best = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int k = 0; k < places; k++) {
            double r;
            if (pass && abs(k - *best) <= near)
                continue;
            r = correlation(a, k);
            if (!pass && r > *first) {
                *first = r;
                *best = k;
            } else if (pass && r > *second) {
                *second = r;
            }
        }
}

static int make_bins(struct alignment *a, const struct power_series *p,
                     const struct load_mark *marks, size_t n, double start, double end,
                     struct err *e)
{
    double span = p->t[p->n - 1] - p->t[0], step = span / (double)(p->n - 1);

    a->bin_s = fmax(fmax(BIN_MIN_S, step), fmax((end - start) / BINS_MAX, span / PLACES_MAX));
    a->n_load = (int)ceil((end - start) / a->bin_s);
    a->n_power = (int)floor(span / a->bin_s);
    if (a->n_power < a->n_load)
        return err_set(e, ERR_INVALID, "the meter's file covers %.1f s, the measurement took %.1f",
                       span, end - start);
    a->load = mem_calloc((size_t)a->n_load + 1, sizeof *a->load);
    a->power = mem_calloc((size_t)a->n_power + 1, sizeof *a->power);
    if (!a->load || !a->power)
        return err_nomem(e);
    fill_load(a, marks, n, start);
    for (int i = 0; i < a->n_power; i++)
        a->power[i] = joules_at(p, p->t[0] + (i + 1) * a->bin_s) -
                      joules_at(p, p->t[0] + i * a->bin_s);
    return 0;
}

/* Quarters of a bin around the best place, with the file's bins cut anew. */
static double refine(struct alignment *a, const struct power_series *p, int best, double *r)
{
    double shift = 0;

    for (int q = -3; q <= 3; q++) {
        double from = p->t[0] + (best + q / 4.0) * a->bin_s, now;
        if (from < p->t[0] || from + a->n_load * a->bin_s > p->t[p->n - 1])
            continue;
        for (int i = 0; i < a->n_load; i++)
            a->power[i] = joules_at(p, from + (i + 1) * a->bin_s) -
                          joules_at(p, from + i * a->bin_s);
        now = correlation(a, 0);
        if (now > *r) {
            *r = now;
            shift = q / 4.0;
        }
    }
    return shift;
}

/* Some time before and after the load has to be seen, too. */
int power_align(const struct power_series *p, const struct load_mark *marks, size_t n,
                double *offset, double *agreement, struct err *e)
{
    struct alignment a = {0};
    double start = INFINITY, end = -INFINITY, shortest = INFINITY, second, margin;
    int best, rc = -1;

    for (size_t i = 0; i < n; i++) {
        start = fmin(start, marks[i].start);
        end = fmax(end, marks[i].end);
        shortest = fmin(shortest, marks[i].end - marks[i].start);
    }
    if (n == 0)
        return err_set(e, ERR_INVALID, "nothing was measured that the meter's file could be laid "
                       "beside");
    margin = fmin(fmax(0.1 * (end - start), 1), 10);
    start -= margin;
    end += margin;
    if (make_bins(&a, p, marks, n, start, end, e) < 0)
        goto out;
    search(&a, 1 + (int)(shortest / 2 / a.bin_s), &best, agreement, &second);
    if (*agreement < AGREEMENT_MIN)
        err_set(e, ERR_INVALID, "load and power do not agree anywhere in the meter's file (best "
                "correlation %.2f)", *agreement);
    else if (second > RIVAL_SHARE * *agreement)
        err_set(e, ERR_INVALID, "load and power agree at several places of the meter's file "
                "(correlations %.3f and %.3f)", *agreement, second);
    else {
        double shift = refine(&a, p, best, agreement);
        *offset = start - (p->t[0] + (best + shift) * a.bin_s);
        rc = 0;
    }
    if (rc < 0)
        err_hint(e, "--meter-offset says what to add to its times");
out:
    mem_free(a.load);
    mem_free(a.power);
    return rc;
}
