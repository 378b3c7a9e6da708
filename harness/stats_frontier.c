/* stats_frontier.c -- the best of each day, quantile lines, and what chance alone makes of them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/splitmix.h"
#include "harness/stats_trend.h"

enum {
    QUANTILE_POINTS = 600, /* n^3 / 2 steps: a second */
    RECORDS_MIN = 3,
};

struct trend_line trend_least_squares(const struct trend_point *p, size_t n)
{
    struct trend_line out = {NAN, NAN, NAN};
    double k = 0, mx = 0, my = 0, sxx = 0, sxy = 0, syy = 0;

    for (size_t i = 0; i < n; i++)
        if (p[i].censored == 0) {
            k++;
            mx += (p[i].day - mx) / k;
            my += (p[i].y - my) / k;
        }
    for (size_t i = 0; i < n; i++)
        if (p[i].censored == 0) {
            double dx = p[i].day - mx, dy = p[i].y - my;
            sxx += dx * dx;
            sxy += dx * dy;
            syy += dy * dy;
        }
    if (!(sxx > 0))
        return out;
    out.slope = sxy / sxx;
    out.intercept = my - out.slope * mx;
    out.r2 = syy > 0 ? sxy * sxy / sxx / syy : NAN;
    return out;
}

/* --- the frontier -------------------------------------------------------------------------- */

struct dated {
    double day, y;
    size_t at;
};

static int earlier_then_higher(const void *a, const void *b)
{
    const struct dated *x = a, *y = b;

    if (x->day != y->day)
        return x->day < y->day ? -1 : 1;
    if (x->y != y->y)
        return x->y > y->y ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

/* The measured points in order into v[n]; returns how many. */
static size_t sort_dated(const struct trend_point *p, size_t n, struct dated *v)
{
    size_t k = 0;

    for (size_t i = 0; i < n; i++)
        if (p[i].censored == 0)
            v[k++] = (struct dated){p[i].day, p[i].y, i};
    qsort(v, k, sizeof *v, earlier_then_higher);
    return k;
}

/* Keeps those above everything before them, without v[skip] (n: all are there). */
static size_t keep_records(const struct dated *v, size_t n, size_t skip, struct trend_point *out,
                           size_t *at)
{
    size_t k = 0;
    double best = -INFINITY;

    for (size_t i = 0; i < n; i++)
        if (i != skip && v[i].y > best) {
            best = v[i].y;
            if (at)
                at[k] = i;
            out[k++] = (struct trend_point){.day = v[i].day, .y = v[i].y};
        }
    return k;
}

int trend_frontier(const struct trend_point *p, size_t n, size_t *at, size_t *n_at, struct err *e)
{
    struct dated *v = mem_alloc(n * sizeof *v);
    struct trend_point *records = mem_alloc(n * sizeof *records);
    int rc = -1;

    if (!v || !records) {
        err_nomem(e);
    } else {
        *n_at = keep_records(v, sort_dated(p, n, v), SIZE_MAX, records, at);
        for (size_t i = 0; i < *n_at; i++)
            at[i] = v[at[i]].at;
        rc = 0;
    }
    mem_free(records);
    mem_free(v);
    return rc;
}

int trend_envelope(const struct trend_point *p, size_t n, struct trend_envelope *out,
                   struct err *e)
{
    struct dated *v = mem_alloc(n * sizeof *v);
    struct trend_point *records = mem_alloc(n * sizeof *records);
    size_t *at = mem_alloc(n * sizeof *at), measured;
    int rc = -1;

    *out = (struct trend_envelope){.without = {NAN, NAN}};
    if (!v || !records || !at) {
        err_nomem(e);
        goto out;
    }
    measured = sort_dated(p, n, v);
    out->n = keep_records(v, measured, SIZE_MAX, records, at);
    out->line = trend_least_squares(records, out->n);
    for (size_t i = 0; i < out->n; i++) {
        size_t k = keep_records(v, measured, at[i], records, NULL);
        double slope = trend_least_squares(records, k).slope;
        out->without.low = fmin(out->without.low, slope);
        out->without.high = fmax(out->without.high, slope);
    }
    rc = 0;
out:
    mem_free(at);
    mem_free(records);
    mem_free(v);
    return rc;
}

/* --- quantile lines ------------------------------------------------------------------------ */

/* The sum that a quantile line makes smallest; a point "at most y" that lies above counts as on
 * the line. */
static double tilted_loss(const struct trend_point *p, size_t n, double tau, double slope,
                          double intercept, double bound)
{
    double sum = 0;

    for (size_t i = 0; i < n && sum < bound; i++) {
        double r = p[i].y - intercept - slope * p[i].day;
        if ((p[i].censored < 0 && r > 0) || (p[i].censored > 0 && r < 0))
            continue;
        sum += r > 0 ? tau * r : (tau - 1) * r;
    }
    return sum;
}

int trend_quantile(const struct trend_point *p, size_t n, double tau, struct trend_line *out,
                   struct err *e)
{
    double best = INFINITY;

    *out = (struct trend_line){NAN, NAN, NAN};
    if (n > QUANTILE_POINTS)
        return err_set(e, ERR_INVALID, "%zu points are too many for a quantile line, at most %d", n,
                       QUANTILE_POINTS);
    for (size_t i = 0; i < n; i++)
        for (size_t k = i + 1; k < n; k++) {
            double slope = (p[k].y - p[i].y) / (p[k].day - p[i].day), intercept, loss;
            if (p[k].day == p[i].day)
                continue;
            intercept = p[i].y - slope * p[i].day;
            loss = tilted_loss(p, n, tau, slope, intercept, best);
            if (loss < best) {
                best = loss;
                out->slope = slope;
                out->intercept = intercept;
            }
        }
    return 0;
}

/* --- shuffles ------------------------------------------------------------------------------ */

struct block { /* a family: points [from, to) of a sorted copy */
    size_t from, to;
    double day; /* mean */
};

static int by_family(const void *a, const void *b)
{
    const struct trend_point *x = a, *y = b;

    if (x->family != y->family)
        return x->family < y->family ? -1 : 1;
    if (x->day != y->day)
        return x->day < y->day ? -1 : 1;
    return (x->y > y->y) - (x->y < y->y);
}

/* Sorts q[n] by family and cuts it into blocks; without `families` each point is a block. */
static size_t cut_blocks(struct trend_point *q, size_t n, int families, struct block *b)
{
    size_t k = 0;

    qsort(q, n, sizeof *q, by_family);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || !families || q[i].family != q[i - 1].family)
            b[k++] = (struct block){i, i, 0};
        b[k - 1].to = i + 1;
        b[k - 1].day += (q[i].day - b[k - 1].day) / (double)(i + 1 - b[k - 1].from);
    }
    return k;
}

/* Deals the blocks' days anew (Fisher and Yates); a model keeps its distance from its family's. */
static void deal(struct trend_point *q, struct block *b, size_t k, uint64_t *rng)
{
    for (size_t i = k; i > 1; i--) {
        size_t j = (size_t)splitmix64_high(splitmix64_next(rng), i), last = i - 1;
        double to_last = b[j].day - b[last].day;
        for (size_t m = b[last].from; m < b[last].to; m++)
            q[m].day += to_last;
        for (size_t m = b[j].from; m < b[j].to && j != last; m++)
            q[m].day -= to_last;
        b[last].day += to_last;
        b[j].day -= j != last ? to_last : 0;
    }
}

struct bench { /* room for one shuffle after the other */
    struct trend_point *q, *records;
    struct dated *v;
    struct block *blocks;
    double *frontier;
};

/* NAN with fewer than three records: two points are no line. */
static double frontier_slope(struct bench *w, size_t n)
{
    size_t k = keep_records(w->v, sort_dated(w->q, n, w->v), SIZE_MAX, w->records, NULL);

    return k < RECORDS_MIN ? NAN : trend_least_squares(w->records, k).slope;
}

static void shuffle_all(struct bench *w, size_t n, int families, size_t replicates, uint64_t seed,
                        struct trend_shuffled *out)
{
    double slope = trend_least_squares(w->q, n).slope, frontier = frontier_slope(w, n);
    size_t known, steeper = 0, all = 0, k = cut_blocks(w->q, n, families, w->blocks);
    uint64_t rng = seed;

    for (size_t r = 0; r < replicates; r++) {
        deal(w->q, w->blocks, k, &rng);
        w->frontier[r] = frontier_slope(w, n);
        steeper += w->frontier[r] >= frontier;
        all += !(trend_least_squares(w->q, n).slope < slope);
    }
    stats_sort(w->frontier, replicates);
    known = replicates;
    while (known && isnan(w->frontier[known - 1]))
        known--; /* shuffles whose frontier is no line */
    *out = (struct trend_shuffled){
        .p_frontier = (1 + (double)steeper) / (1 + (double)known),
        .p_slope = (1 + (double)all) / (1 + (double)replicates),
        .frontier_median = stats_median(w->frontier, known),
        .frontier_p95 = stats_percentile_linear(w->frontier, known, 0.95),
    };
}

int trend_shuffle(const struct trend_point *p, size_t n, int families, size_t replicates,
                  uint64_t seed, struct trend_shuffled *out, struct err *e)
{
    struct bench w = {
        .q = mem_alloc(n * sizeof *w.q),
        .records = mem_alloc(n * sizeof *w.records),
        .v = mem_alloc(n * sizeof *w.v),
        .blocks = mem_alloc(n * sizeof *w.blocks),
        .frontier = mem_alloc(replicates * sizeof *w.frontier),
    };
    size_t k = 0;
    int rc = -1;

    *out = (struct trend_shuffled){NAN, NAN, NAN, NAN};
    if (!w.q || !w.records || !w.v || !w.blocks || !w.frontier) {
        err_nomem(e);
        goto out;
    }
    for (size_t i = 0; i < n; i++)
        if (p[i].censored == 0)
            w.q[k++] = p[i];
    if (k > 1)
        shuffle_all(&w, k, families, replicates, seed, out);
    rc = 0;
out:
    mem_free(w.frontier);
    mem_free(w.blocks);
    mem_free(w.v);
    mem_free(w.records);
    mem_free(w.q);
    return rc;
}

/* --- families redrawn ---------------------------------------------------------------------- */

/* Draws k blocks of p into q[cap]; a draw of many large families may be cut off, at cap. */
static size_t redraw(const struct trend_point *p, const struct block *b, size_t k, uint64_t *rng,
                     struct trend_point *q, size_t cap)
{
    size_t n = 0;

    for (size_t i = 0; i < k; i++) {
        const struct block *from = &b[splitmix64_high(splitmix64_next(rng), k)];
        for (size_t m = from->from; m < from->to && n < cap; m++) {
            q[n] = p[m];
            q[n++].family = i;
        }
    }
    return n;
}

int trend_redrawn(const struct trend_point *p, size_t n, trend_statistic f, void *user,
                  size_t replicates, uint64_t seed, double conf, struct interval *out,
                  struct err *e)
{
    struct trend_point *sorted = mem_alloc(n * sizeof *sorted);
    struct block *b = mem_alloc(n * sizeof *b);
    struct trend_point *q = mem_alloc(4 * n * sizeof *q);
    double *x = mem_alloc(replicates * sizeof *x);
    uint64_t rng = seed;
    size_t k, used = 0;
    int rc = -1;

    *out = (struct interval){NAN, NAN};
    if (!sorted || !b || !q || !x) {
        err_nomem(e);
        goto out;
    }
    if (n)
        memcpy(sorted, p, n * sizeof *p);
    k = cut_blocks(sorted, n, 1, b);
    for (size_t r = 0; r < replicates && k; r++) {
        size_t drawn = redraw(sorted, b, k, &rng, q, 4 * n);
        x[used] = f(q, drawn, user);
        used += isfinite(x[used]);
    }
    stats_sort(x, used);
    if (used > replicates / 2)
        *out = (struct interval){stats_percentile_linear(x, used, (1 - conf) / 2),
                                 stats_percentile_linear(x, used, (1 + conf) / 2)};
    rc = 0;
out:
    mem_free(x);
    mem_free(q);
    mem_free(b);
    mem_free(sorted);
    return rc;
}
