/* stats_trend.c -- the line through all models, and what its families say about it.
 *
 * Censored points enter by expectation and maximisation: what a point that is "at most y" is worth
 * on average under the present line takes its place, until nothing moves. */
#include "harness/stats_trend.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "harness/stats_dist.h"

enum { STEPS_MAX = 2000, FAMILIES_MIN = 4, MEASURED_MIN = 3 };
#define SETTLED 1e-10 /* standard errors that the slope moves in the last step */
#define NEARLY 1e-6   /* the same where a slope is only compared with another */
#define FAR 30.0      /* standard deviations beyond which a tail is its asymptote */

/* --- families ------------------------------------------------------------------------------ */

static int by_size(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;

    return (x > y) - (x < y);
}

/* Families as 0 .. count - 1 into place[n]; *names (mem_free) are theirs in order. */
static int number_families(const struct trend_point *p, size_t n, size_t *place, size_t **names,
                           size_t *count, struct err *e)
{
    size_t *all = mem_alloc(n * sizeof *all), k = 0;

    if (!all)
        return err_nomem(e);
    for (size_t i = 0; i < n; i++)
        all[i] = p[i].family;
    qsort(all, n, sizeof *all, by_size);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || all[i] != all[k - 1])
            all[k++] = all[i];
    for (size_t i = 0; i < n; i++)
        place[i] = (size_t)((size_t *)bsearch(&p[i].family, all, k, sizeof *all, by_size) - all);
    *names = all;
    *count = k;
    return 0;
}

/* --- the censored line --------------------------------------------------------------------- */

struct state {
    double slope, level[TREND_SERIES], spread[TREND_SERIES];
};

/* Mean and variance, in standard deviations, of a normal value known to be below z. */
static void below(double z, double *mean, double *var)
{
    double ratio = z < -FAR ? -z : exp(-0.5 * z * z) / sqrt(2 * M_PI) / dist_normal_cdf(z);

    *mean = -ratio;
    *var = z < -FAR ? 1 / (z * z) : fmax(0, 1 - z * ratio - ratio * ratio);
}

/* What point p stands for under s: its value, and how unsure that is. */
static void expect(const struct trend_point *p, const struct state *s, double *y, double *var)
{
    double mu = s->level[p->series] + s->slope * p->day, sd = s->spread[p->series], m, v;

    *y = p->y;
    *var = 0;
    if (p->censored == 0 || !(sd > 0))
        return;
    below(p->censored < 0 ? (p->y - mu) / sd : (mu - p->y) / sd, &m, &v);
    *y = mu + (p->censored < 0 ? m : -m) * sd;
    *var = v * sd * sd;
}

struct sums {
    double n[TREND_SERIES], x[TREND_SERIES], y[TREND_SERIES];
};

/* One step: the weighted line through what every point stands for.  `without` is a family left out
 * (place[i]), or SIZE_MAX.  Returns how far the slope moved, relative to the spread per day. */
static double step(const struct trend_point *p, const size_t *place, size_t n, size_t without,
                   struct state *s)
{
    struct sums m = {{0}, {0}, {0}};
    struct state next = *s;
    double sxx = 0, sxy = 0, y, var, rest[TREND_SERIES] = {0}, weight[TREND_SERIES];

    for (size_t i = 0; i < n; i++)
        if (place[i] != without) {
            expect(&p[i], s, &y, &var);
            m.n[p[i].series] += 1;
            m.x[p[i].series] += p[i].day;
            m.y[p[i].series] += y;
        }
    for (int k = 0; k < TREND_SERIES; k++)
        weight[k] = s->spread[k] > 0 ? 1 / (s->spread[k] * s->spread[k]) : 1;
    for (size_t i = 0; i < n; i++)
        if (place[i] != without) {
            size_t k = p[i].series;
            double dx = p[i].day - m.x[k] / m.n[k];
            expect(&p[i], s, &y, &var);
            sxx += weight[k] * dx * dx;
            sxy += weight[k] * dx * (y - m.y[k] / m.n[k]);
        }
    next.slope = sxx > 0 ? sxy / sxx : NAN;
    for (int k = 0; k < TREND_SERIES; k++)
        next.level[k] = m.n[k] > 0 ? (m.y[k] - next.slope * m.x[k]) / m.n[k] : NAN;
    for (size_t i = 0; i < n; i++)
        if (place[i] != without) {
            size_t k = p[i].series;
            expect(&p[i], s, &y, &var);
            y -= next.level[k] + next.slope * p[i].day;
            rest[k] += y * y + var;
        }
    for (int k = 0; k < TREND_SERIES; k++)
        next.spread[k] = m.n[k] > 0 ? sqrt(rest[k] / m.n[k]) : NAN;
    y = fabs(next.slope - s->slope) * sqrt(sxx);
    *s = next;
    return y;
}

/* From s (spread 0: from the bounds taken as values) to where nothing moves. */
static void settle(const struct trend_point *p, const size_t *place, size_t n, size_t without,
                   double moved, struct state *s)
{
    for (int i = 0; i < STEPS_MAX; i++)
        if (!(step(p, place, n, without, s) > moved) && i > 1)
            return;
}

static int check_points(const struct trend_point *p, size_t n, struct err *e)
{
    size_t measured[TREND_SERIES] = {0}, seen[TREND_SERIES] = {0};
    double first = INFINITY, last = -INFINITY;

    for (size_t i = 0; i < n; i++) {
        if (p[i].series >= TREND_SERIES || !isfinite(p[i].day) || !isfinite(p[i].y))
            return err_set(e, ERR_NUMERIC, "point %zu of a trend is not a number", i);
        seen[p[i].series]++;
        measured[p[i].series] += p[i].censored == 0;
        first = fmin(first, p[i].day);
        last = fmax(last, p[i].day);
    }
    for (int k = 0; k < TREND_SERIES; k++)
        if (seen[k] && measured[k] < MEASURED_MIN)
            return err_set(e, ERR_INVALID, "%zu models have a density, a trend needs %d",
                           measured[k], MEASURED_MIN);
    if (!(last > first))
        return err_set(e, ERR_INVALID, "no two models came on different days");
    return 0;
}

/* CV3: the slopes without each family in turn, around the slope with all. */
static double jackknife(const struct trend_point *p, const size_t *place, size_t n,
                        size_t families, const struct state *all)
{
    double sum = 0;
    size_t used = 0;

    for (size_t g = 0; g < families; g++) {
        struct state s = *all;
        settle(p, place, n, g, NEARLY, &s);
        if (!isfinite(s.slope))
            continue; /* all other families are on one day */
        sum += (s.slope - all->slope) * (s.slope - all->slope);
        used++;
    }
    return used > 1 ? sqrt(sum * (double)(used - 1) / (double)used) : NAN;
}

/* How many families of equal weight the slope rests on, G (1 + CV^2)^-1, where a family weighs as
 * much as a shift of all its models moves the slope. */
static double effective_families(const struct trend_point *p, const size_t *place, size_t n,
                                 size_t families, const struct state *s, double *pull)
{
    struct sums m = {{0}, {0}, {0}};
    double total = 0, squares = 0;

    memset(pull, 0, families * sizeof *pull);
    for (size_t i = 0; i < n; i++) {
        m.n[p[i].series] += 1;
        m.x[p[i].series] += p[i].day;
    }
    for (size_t i = 0; i < n; i++) {
        size_t k = p[i].series;
        double sd = s->spread[k] > 0 ? s->spread[k] : 1;
        pull[place[i]] += (p[i].day - m.x[k] / m.n[k]) / sd;
    }
    for (size_t g = 0; g < families; g++) {
        total += fabs(pull[g]);
        squares += pull[g] * pull[g];
    }
    return squares > 0 ? total * total / squares : (double)families;
}

int trend_fit(const struct trend_point *p, size_t n, struct trend_fit *out, struct err *e)
{
    size_t *place = mem_alloc(n * sizeof *place), *names = NULL, families = 0;
    double *pull = mem_alloc(n * sizeof *pull);
    struct state s = {0};
    int rc = -1;

    *out = (struct trend_fit){.n = n};
    if (!place || !pull) {
        err_nomem(e);
        goto out;
    }
    if (check_points(p, n, e) < 0 || number_families(p, n, place, &names, &families, e) < 0)
        goto out;
    if (families < FAMILIES_MIN) {
        err_set(e, ERR_INVALID, "%zu families of models, a trend needs %d", families, FAMILIES_MIN);
        goto out;
    }
    for (size_t i = 0; i < n; i++)
        out->n_censored += p[i].censored != 0;
    settle(p, place, n, SIZE_MAX, SETTLED, &s);
    out->n_families = families;
    out->slope = s.slope;
    memcpy(out->level, s.level, sizeof s.level);
    memcpy(out->spread, s.spread, sizeof s.spread);
    out->stderr_ = jackknife(p, place, n, families, &s);
    out->df = fmax(1, effective_families(p, place, n, families, &s, pull) - 1);
    rc = 0;
out:
    mem_free(names);
    mem_free(pull);
    mem_free(place);
    return rc;
}

struct interval trend_slope_interval(const struct trend_fit *f, double conf)
{
    double t = dist_t_quantile((1 + conf) / 2, f->df);

    return (struct interval){f->slope - t * f->stderr_, f->slope + t * f->stderr_};
}

double trend_slope_p(const struct trend_fit *f, double slope)
{
    if (!(f->stderr_ > 0))
        return NAN;
    return fmin(1, 2 * dist_t_sf(fabs(f->slope - slope) / f->stderr_, f->df));
}

double trend_months(double slope)
{
    return log(2) / slope / DAYS_PER_MONTH;
}

struct interval trend_months_interval(struct interval slope)
{
    if (!(slope.high > 0))
        return (struct interval){NAN, NAN};
    return (struct interval){trend_months(slope.high),
                             slope.low > 0 ? trend_months(slope.low) : INFINITY};
}
