#include "harness/tracker.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "harness/stats_dist.h"
#include "harness/trend_impl.h"

#define HALF_YEAR 182.625
#define CONF 0.8
#define NEAR 8.0          /* factor between effective sizes of a model and of the line */
#define BEYOND 4.0        /* times the ruler's largest model that a line may lie above it */
#define FAR_DAY 60000.0 /* the year 2134: as good as never */

enum { BEST_MIN = 3 };

static const struct tracker_line lines[] = {
    {"gpt-3.5", "GPT-3.5", "gpt-3.5"},          {"gpt-4", "GPT-4", "gpt-4-0"},
    {"gpt-4o-mini", "GPT-4o mini", "gpt-4o-mini"}, {"gpt-4o", "GPT-4o", "gpt-4o-2"},
};

const struct tracker_line *tracker_line_at(int i)
{
    return i >= 0 && (size_t)i < sizeof lines / sizeof *lines ? &lines[i] : NULL;
}

/* Median over the reference's rows asked as the series is, or, where there are none, in any way. */
static int line_score(struct tracker *t, const struct trend_rows *p, struct err *e)
{
    double *v = mem_alloc((p->n ? p->n : 1) * sizeof *v);
    size_t n = 0;

    if (!v)
        return err_nomem(e);
    t->score = t->anchor = NAN;
    for (int any = 0; any < 2 && n == 0; any++)
        for (size_t i = 0; i < p->n; i++) {
            const struct published_score *s = published_score(p->v[i], t->series.benchmark);
            if (!s || strncmp(p->v[i]->model, t->line->prefix, strlen(t->line->prefix)) != 0 ||
                (!any && s->shots != t->series.shots))
                continue;
            t->shots = s->shots;
            v[n++] = s->value / 100;
        }
    if (n) {
        stats_sort(v, n);
        t->score = fmin(stats_median(v, n), 1 - 1e-4);
    }
    mem_free(v);
    return 0;
}

static int by_day_then_size(const void *a, const void *b)
{
    const struct trend_model *x = *(const struct trend_model *const *)a,
                             *y = *(const struct trend_model *const *)b;

    if (x->day != y->day)
        return x->day < y->day ? -1 : 1;
    return (x->parameters > y->parameters) - (x->parameters < y->parameters);
}

static int list_reached(struct tracker *t, struct err *e)
{
    double smallest = INFINITY;
    size_t n = 0;

    t->reached = arena_alloc(&t->trend->arena, (t->trend->n + 1) * sizeof *t->reached);
    if (!t->reached)
        return err_nomem(e);
    for (size_t i = 0; i < t->trend->n; i++) {
        const struct trend_model *m = &t->trend->models[i];
        double active = trend_parameters(m->row, SIZE_ACTIVE);
        if (!(m->score >= t->score))
            continue;
        t->reached[n++] = m;
        if (!t->fewest_active || active < t->active) {
            t->fewest_active = m;
            t->active = active;
        }
    }
    qsort(t->reached, n, sizeof *t->reached, by_day_then_size);
    for (size_t i = 0; i < n; i++)
        if (t->reached[i]->parameters < smallest) {
            smallest = t->reached[i]->parameters;
            t->reached[t->n_reached++] = t->reached[i];
        }
    return 0;
}

/* Models whose own level is near the line: small models are denser than those that reach it. */
static size_t near_points(const struct tracker *t, double until, struct trend_point *out)
{
    const struct trend *x = t->trend;
    size_t n = 0;

    for (size_t i = 0; i < x->n; i++) {
        double ln = x->bounded[i].y + log(x->models[i].parameters) - log(t->effective);
        if (x->bounded[i].censored < 0 || x->models[i].day > until || fabs(ln) > log(NEAR))
            continue;
        out[n] = x->bounded[i];
        out[n++].censored = 0;
    }
    return n;
}

/* How far the best of each time, near the line's level, stand above the line through all: mean and
 * scatter. */
static int lift(struct tracker *t, struct err *e)
{
    const struct trend *x = t->trend;
    struct trend_point *p = arena_alloc(&t->trend->arena, (x->n + 1) * sizeof *p);
    size_t *at = arena_alloc(&t->trend->arena, (x->n + 1) * sizeof *at), n;
    double squares = 0;

    if (!p || !at)
        return err_nomem(e);
    if (trend_frontier(p, near_points(t, INFINITY, p), at, &n, e) < 0)
        return -1;
    t->scatter = NAN;
    for (size_t i = 0; i < n; i++) {
        double r = p[at[i]].y - x->fit.level[0] - x->fit.slope * p[at[i]].day, k = (double)i + 1;
        squares += (r - t->lift) * (r - t->lift) * i / k;
        t->lift += (r - t->lift) / k;
    }
    if (n >= BEST_MIN)
        t->scatter = sqrt(squares / (double)(n - 1));
    for (size_t i = 0; i < x->n; i++)
        t->middle += x->models[i].day / (double)x->n;
    return 0;
}

static int is_anchored(const struct tracker *t)
{
    return !isnan(t->anchor);
}

static double half_width(const struct tracker *t, double day)
{
    const struct trend_fit *f = &t->trend->fit;
    double slope = f->stderr_ * (day - (is_anchored(t) ? t->anchor_day : t->middle));
    double level = is_anchored(t) ? 0 : f->spread[0] * f->spread[0] / (double)f->n_families;

    return fmax(1, t->widened) * dist_t_quantile((1 + CONF) / 2, f->df) *
           sqrt(slope * slope + level + t->scatter * t->scatter);
}

struct tracker_size tracker_size_on(const struct tracker *t, double day)
{
    const struct trend_fit *f = &t->trend->fit;
    double ln = is_anchored(t) ? log(t->anchor) - f->slope * (day - t->anchor_day)
                               : log(t->effective) - f->level[0] - f->slope * day - t->lift;
    double half = half_width(t, day), most = is_anchored(t) ? t->anchor : INFINITY;

    return (struct tracker_size){fmin(exp(ln), most), {exp(ln - half), fmin(exp(ln + half), most)}};
}

const struct trend_model *tracker_reached_by(const struct tracker *t, double parameters)
{
    for (size_t i = 0; i < t->n_reached; i++)
        if (t->reached[i]->parameters <= parameters)
            return t->reached[i];
    return NULL;
}

/* The first day when the size (end 0), the lower (-1) or the upper end (1) of
 * its interval is at most so large. */
static double first_day(const struct tracker *t, double parameters, int end)
{
    for (double day = is_anchored(t) ? t->anchor_day : t->middle - 3650; day < FAR_DAY; day += 1) {
        struct tracker_size s = tracker_size_on(t, day);
        if ((end == 0 ? s.value : end < 0 ? s.interval.low : s.interval.high) <= parameters)
            return day;
    }
    return INFINITY;
}

struct tracker_size tracker_day_for(const struct tracker *t, double parameters)
{
    const struct trend_model *m = tracker_reached_by(t, parameters);

    if (m)
        return (struct tracker_size){m->day, {m->day, m->day}};
    return (struct tracker_size){first_day(t, parameters, 0),
                                 {first_day(t, parameters, -1), first_day(t, parameters, 1)}};
}

/* The smallest model that had reached the line until then; NAN: none had. */
static double smallest_reached(const struct tracker *t, double until)
{
    double smallest = NAN;

    for (size_t i = 0; i < t->n_reached; i++)
        if (t->reached[i]->day <= until)
            smallest = t->reached[i]->parameters;
    return smallest;
}

static void set_anchor(struct tracker *t, double until)
{
    double last = -INFINITY;

    for (size_t i = 0; i < t->trend->n; i++)
        last = fmax(last, t->trend->models[i].day);
    t->anchor_day = isfinite(until) ? until : last;
    t->anchor = smallest_reached(t, t->anchor_day);
}

static int refuse(struct tracker *t, const char *why, struct err *e)
{
    t->refused = arena_strdup(&t->trend->arena, why);
    return t->refused ? 0 : err_nomem(e);
}

static int project(struct tracker *t, const struct trend_rows *p, const struct trend_opts *o,
                   struct err *e)
{
    struct trend_opts only_lines = *o;

    only_lines.replicates = 0;
    if (trend_make(&t->trend, p, &t->series, &only_lines, e) < 0)
        return -1;
    t->effective = exp(trend_effective(&t->trend->ruler, t->series.chance, t->score));
    if (list_reached(t, e) < 0)
        return -1;
    if (isnan(t->score) || t->score <= t->series.resolved)
        return refuse(t, "the reference has no published score on this benchmark", e);
    if (t->trend->refused)
        return refuse(t, t->trend->refused, e);
    set_anchor(t, o->until);
    if (!is_anchored(t) &&
        (t->effective < t->trend->ruler.low || t->effective > BEYOND * t->trend->ruler.high))
        return refuse(t, "the line is off the ruler's ends", e);
    if (lift(t, e) < 0)
        return -1;
    if (isnan(t->scatter))
        return refuse(t, "fewer than 3 models near its level were ever the best", e);
    return 0;
}

static int by_value(const void *a, const void *b)
{
    return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

/* So wide that the share CONF of past projections would have been in their intervals: how large a
 * part of its half-width each missed by (rounded up to the next of so few). */
static double widening(const struct tracker *t)
{
    double v[TRACKER_CUTS];
    size_t rank = (size_t)ceil(CONF * (double)(t->n_cuts + 1));

    for (size_t i = 0; i < t->n_cuts; i++) {
        const struct tracker_size *s = &t->cuts[i].predicted;
        v[i] = fabs(log(s->value / t->cuts[i].actual)) / log(s->value / s->interval.low);
    }
    qsort(v, t->n_cuts, sizeof *v, by_value);
    return t->n_cuts ? fmax(1, v[(rank < t->n_cuts ? rank : t->n_cuts) - 1]) : 1;
}

static double median_factor(const struct tracker *t, int unchanged)
{
    double v[TRACKER_CUTS];
    size_t n = 0;

    for (size_t i = 0; i < t->n_cuts; i++) {
        double guess = unchanged ? t->cuts[i].unchanged : t->cuts[i].predicted.value;
        if (!isnan(guess))
            v[n++] = fabs(log(guess / t->cuts[i].actual));
    }
    qsort(v, n, sizeof *v, by_value);
    return n ? exp(stats_median(v, n)) : NAN;
}

/* The same projection at the end of each half-year, scored at the last day known. */
static int test_back(struct tracker *t, const struct trend_rows *p, const struct trend_opts *o,
                     struct err *e)
{
    double first = INFINITY, last = -INFINITY, actual;

    for (size_t i = 0; i < t->trend->n; i++) {
        first = fmin(first, t->trend->models[i].day);
        last = fmax(last, t->trend->models[i].day);
    }
    actual = smallest_reached(t, last);
    if (isnan(actual))
        return 0; /* nothing came that a projection could be scored on */
    for (double day = first + HALF_YEAR; day < last - HALF_YEAR / 2 && t->n_cuts < TRACKER_CUTS;
         day += HALF_YEAR) {
        struct tracker past = {.series = t->series, .line = t->line, .score = t->score,
                               .anchor = NAN};
        struct tracker_cut *cut = &t->cuts[t->n_cuts];
        struct trend_opts until = *o;
        until.until = day;
        if (project(&past, p, &until, e) < 0) {
            tracker_release(&past);
            return -1;
        }
        if (!past.refused) {
            *cut = (struct tracker_cut){day, last, tracker_size_on(&past, last), actual,
                                        smallest_reached(t, day)};
            t->n_covered += cut->predicted.interval.low <= cut->actual &&
                            cut->actual <= cut->predicted.interval.high;
            t->n_cuts++;
        }
        tracker_release(&past);
    }
    t->widened = widening(t);
    t->error = median_factor(t, 0);
    t->error_unchanged = median_factor(t, 1);
    return 0;
}

int tracker_make(struct tracker *t, const struct trend_rows *p, const struct trend_series *series,
                 const struct tracker_line *line, const struct trend_opts *o, struct err *e)
{
    memset(t, 0, sizeof *t);
    t->series = *series;
    t->series.variant = NULL;
    t->line = line;
    if (line_score(t, p, e) < 0 || project(t, p, o, e) < 0 ||
        (!t->refused && test_back(t, p, o, e) < 0)) {
        tracker_release(t);
        return -1;
    }
    t->trend->series = t->trend->members[0] = series; /* t may be moved by its owner */
    return 0;
}

void tracker_release(struct tracker *t)
{
    trend_free(t->trend);
    memset(t, 0, sizeof *t);
}
