#include "reports/number.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct prefix {
    double factor;
    const char *text;
};
static const struct prefix prefixes[] = {
    {1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}, {1, ""},
    {1e-3, "m"}, {1e-6, "\xc2\xb5"}, {1e-9, "n"},
};
#define ONE 4 /* the row with factor 1 */

static int takes_prefix(const char *unit)
{
    return !strcmp(unit, "s") || !strcmp(unit, "J") || !strcmp(unit, "B") ||
           !strcmp(unit, "B/s") || !strcmp(unit, "FLOP") || !strcmp(unit, "FLOP/s");
}

/* A billion parameters is 1 B to everybody in this field; bytes and the like have SI's G. */
static const char *prefix_text(const struct prefix *p, const char *unit)
{
    return p->factor == 1e9 && !*unit ? "B" : p->text;
}

/* Where a prefix makes a number easier to read: units that take one, and large counts. */
static const struct prefix *scale_of(const struct metric *m, double v)
{
    const char *unit = m ? m->unit : "";
    int takes = takes_prefix(unit);
    int small = !strcmp(unit, "s") || !strcmp(unit, "J");
    int count = !*unit && fabs(v) >= 1e5;
    size_t i = 0, last = small ? sizeof prefixes / sizeof prefixes[0] - 1 : ONE;

    if ((!takes && !count) || v == 0 || !isfinite(v))
        return &prefixes[ONE];
    while (i < last && fabs(v) < prefixes[i].factor * 0.9995)
        i++;
    return &prefixes[i];
}

/* Three significant digits, never an exponent for what fits a table; whole numbers stay whole. */
static void digits(char *text, size_t size, double v)
{
    double a = fabs(v);

    if (v == floor(v) && a < 1e6)
        snprintf(text, size, "%.0f", v + 0.0); /* "0", not "-0" */
    else if (a >= 1e6)
        snprintf(text, size, "%.2e", v);
    else if (a < 5e-4)
        snprintf(text, size, "0.000");
    else
        snprintf(text, size, "%.*f", a >= 99.95 ? 0 : a >= 9.995 ? 1 : a >= 0.9995 ? 2 : 3, v);
}

/* A no-break space, so that a number never parts from its unit. */
static void put_unit(char text[NUMBER_SIZE], const char *d, const struct prefix *p,
                     const char *unit)
{
    const char *prefix = prefix_text(p, unit);

    snprintf(text, NUMBER_SIZE, "%s%s%s%s", d, *unit || *prefix ? "\xc2\xa0" : "", prefix, unit);
}

void number_format(char text[NUMBER_SIZE], const struct metric *m, double v)
{
    const struct prefix *p = scale_of(m, v);
    const char *unit = m ? m->unit : "";
    char d[32];

    if (!isfinite(v)) {
        snprintf(text, NUMBER_SIZE, NUMBER_UNKNOWN);
        return;
    }
    if (strcmp(unit, "year") == 0) { /* a date: three digits would say nothing */
        snprintf(text, NUMBER_SIZE, v == floor(v) ? "%.0f" : "%.1f", v);
        return;
    }
    digits(d, sizeof d, v / p->factor);
    if (m && strcmp(m->name, "item_cost") == 0 && v != 0 && fabs(v) < 1) /* prices are small */
        snprintf(d, sizeof d, "%.*f", (int)fmin(2 - floor(log10(fabs(v))), 12), v);
    else if (v != 0 && strcmp(d, "0.000") == 0) /* little is not nothing */
        snprintf(d, sizeof d, v > 0 ? "<0.001" : ">-0.001");
    put_unit(text, d, p, unit);
}

void number_tick(char text[NUMBER_SIZE], const struct metric *m, double v)
{
    const struct prefix *p = scale_of(m, v);
    char d[32];

    snprintf(d, sizeof d, "%.6g", v / p->factor);
    put_unit(text, d, p, takes_prefix(m->unit) ? m->unit : "");
}

void number_interval(char text[NUMBER_SIZE], const struct metric *m, double v, double low,
                     double high)
{
    const struct prefix *p = scale_of(m, v);
    char a[NUMBER_SIZE], b[NUMBER_SIZE];

    text[0] = 0;
    if (!isfinite(v) || !isfinite(low) || !isfinite(high))
        return;
    if (*p->text && high / p->factor >= 1e4) { /* too wide for one prefix */
        number_format(a, m, low);
        number_format(b, m, high);
    } else {
        digits(a, sizeof a, low / p->factor);
        digits(b, sizeof b, high / p->factor);
    }
    /* a dash beside a minus sign would be read as one */
    snprintf(text, NUMBER_SIZE, "%.20s%s%.20s", a, low < 0 ? " to " : "\xe2\x80\x93", b);
}

static const char *counts_of(const struct metric *m)
{
    static const struct {
        const char *metric, *counts;
    } scales[] = {
        {"parameters", "count"}, {"parameters_non_embedding", "count"},
        {"parameters_active", "count"}, {"effective_parameters", "count"}, {"items", "count"},
        {"night", "count"}, {"threads", "count"}, {"streams", "count"}, {"context_tokens", "count"},
        {"density", "ratio"}, {"density_per_byte", "parameters per 2 bytes"},
        {"speed_ratio", "ratio"}, {"table_row", "row"}, {"item_cost", "as told to the command"},
    };

    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++)
        if (strcmp(scales[i].metric, m->name) == 0)
            return scales[i].counts;
    return *m->unit ? m->unit : "share, 0 to 1";
}

void number_axis(char *text, size_t size, const struct metric *m)
{
    snprintf(text, size, "%s (%s)", m->label, counts_of(m));
}

int number_prefixed(const struct metric *m)
{
    return takes_prefix(m->unit);
}

int number_whole(const struct metric *m)
{
    return strcmp(counts_of(m), "count") == 0;
}

/* --- axes -------------------------------------------------------------------------------- */

#define TICKS_MAX (int)(sizeof((struct axis *)0)->ticks / sizeof(double))

static void linear_ticks(struct axis *a, double step)
{
    double first = ceil(a->low / step - 1e-9);

    a->n_ticks = 0;
    while (a->n_ticks < TICKS_MAX && (first + a->n_ticks) * step <= a->high + step * 1e-9) {
        a->ticks[a->n_ticks] = (first + a->n_ticks) * step;
        a->n_ticks++;
    }
}

/* The ticks m * 10^d with m from a row, d a multiple of stride. */
static void log_ticks(struct axis *a, const double *m, int n, int stride)
{
    a->n_ticks = 0;
    for (double d = floor(log10(a->low)); d <= log10(a->high); d++)
        for (int k = 0; k < n; k++) {
            double t = m[k] * pow(10, d);
            if (t >= a->low && t <= a->high && fmod(d, stride) == 0 && a->n_ticks < TICKS_MAX)
                a->ticks[a->n_ticks++] = t;
        }
}

static int spaced(const struct axis *a, double gap)
{
    for (int i = 1; i < a->n_ticks; i++)
        if (axis_place(a, a->ticks[i]) - axis_place(a, a->ticks[i - 1]) < gap)
            return 0;
    return a->n_ticks < TICKS_MAX;
}

/* The densest row of steps whose ticks keep their distance. */
static void fit_log(struct axis *a, double gap)
{
    static const struct { int n, stride; double m[9]; } rows[] = {
        {9, 1, {1, 2, 3, 4, 5, 6, 7, 8, 9}}, {6, 1, {1, 1.5, 2, 3, 5, 7}}, {4, 1, {1, 2, 3, 5}},
        {3, 1, {1, 2, 5}}, {2, 1, {1, 3}}, {1, 1, {1}}, {1, 2, {1}}, {1, 3, {1}}, {1, 6, {1}},
        {1, 20, {1}}, {1, 100, {1}}, {1, 200, {1}},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        log_ticks(a, rows[i].m, rows[i].n, rows[i].stride);
        if (spaced(a, gap))
            return;
    }
}

static void fit_linear(struct axis *a, double gap)
{
    static const double steps[] = {1, 2, 2.5, 5};
    double power = pow(10, floor(log10((a->high - a->low) * gap)));

    for (int i = 0; i < 12; i++) {
        linear_ticks(a, steps[i % 4] * power * pow(10, i / 4));
        if (spaced(a, gap))
            return;
    }
}

void axis_fit(struct axis *a, double min, double max, int is_log, double gap)
{
    double size = fmax(fabs(min), fabs(max)), span = max - min, air;

    if (span < size * 1e-9) /* one value, told apart by rounding alone */
        max = min;
    span = max - min;
    air = span > 0 ? span * 0.08 : size > 0 ? size * 0.1 : 1;
    a->log = is_log;
    if (is_log)
        air = max > min ? exp(0.08 * (log(max) - log(min))) : 1.6;
    a->low = is_log ? fmax(min / air, DBL_MIN) : fmax(min - air, -DBL_MAX / 4);
    a->high = is_log ? fmin(max * air, DBL_MAX / 4) : fmin(max + air, DBL_MAX / 4);
    if (!is_log && min >= 0 && a->low < 0)
        a->low = 0; /* what cannot be negative is not shown as if it could */
    if (is_log)
        fit_log(a, gap);
    if (!is_log || a->n_ticks < 2) /* a fraction of a decade: evenly spaced numbers still do */
        fit_linear(a, gap);
}

void axis_whole(struct axis *a)
{
    int n = 0;

    for (int i = 0; i < a->n_ticks; i++)
        if (fabs(a->ticks[i] - round(a->ticks[i])) < 1e-6)
            a->ticks[n++] = round(a->ticks[i]);
    a->n_ticks = n;
}

double axis_place(const struct axis *a, double v)
{
    if (a->log)
        return (log(v) - log(a->low)) / (log(a->high) - log(a->low));
    return (v - a->low) / (a->high - a->low);
}
