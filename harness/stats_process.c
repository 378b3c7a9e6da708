#include "harness/stats_process.h"

#include <math.h>

#include "base/mem.h"
#include "harness/stats.h"
#include "harness/stats_dist.h"
#include "harness/stats_rank.h"

#define RANK_EFFICIENCY 0.954929658551372 /* of ranks under a normal law: 3 / pi */

/* Sum of squares around each group's own mean; of differences the share of one of the two. */
static void pool_spread(const struct process_group *groups, struct process_ratio *out)
{
    const struct process_group *pairs = &groups[PROCESS_DIFFERENCES];
    double squares = 0;

    out->df = 0;
    for (int g = 0; g < PROCESS_DIFFERENCES; g++) {
        double mean = stats_mean(groups[g].v, groups[g].n);
        for (size_t i = 0; i < groups[g].n; i++)
            squares += (groups[g].v[i] - mean) * (groups[g].v[i] - mean);
        out->df += groups[g].n > 1 ? (double)groups[g].n - 1 : 0;
    }
    out->sd = out->df > 0 ? sqrt(squares / out->df) : NAN;
    if (pairs->n > 1) {
        out->df = (double)pairs->n - 1;
        out->sd = stats_sd(pairs->v, pairs->n) / sqrt(2);
    }
}

static double *as_times(const struct process_group *g, struct err *e)
{
    double *v = mem_calloc(g->n + 1, sizeof *v);

    if (!v)
        err_nomem(e);
    for (size_t i = 0; v && i < g->n; i++)
        v[i] = exp(g->v[i]);
    return v;
}

static int compare_ranks(const struct process_group *a, const struct process_group *b, double conf,
                         struct ratio *r, struct err *e)
{
    double *times_a = as_times(a, e), *times_b = times_a ? as_times(b, e) : NULL;
    int rc = times_b ? stats_ratio(times_a, a->n, times_b, b->n, conf, r, e) : -1;

    mem_free(times_a);
    mem_free(times_b);
    return rc;
}

static void take(struct process_ratio *out, enum process_method method, const struct ratio *r)
{
    out->ratio = r->ratio;
    if (!(r->coverage > 0))
        return;
    out->method = method;
    out->low = r->low;
    out->high = r->high;
}

int process_ratio(const struct process_group groups[PROCESS_GROUPS], double conf,
                  struct process_ratio *out, struct err *e)
{
    const struct process_group *a = &groups[PROCESS_A], *b = &groups[PROCESS_B];
    const struct process_group *pairs = &groups[PROCESS_DIFFERENCES];
    struct ratio r;
    double half;

    *out = (struct process_ratio){PROCESS_UNKNOWN, NAN, NAN, NAN, NAN, 0};
    pool_spread(groups, out);
    if (stats_paired_ratio(pairs->v, pairs->n, conf, &r, e) < 0)
        return -1;
    take(out, PROCESS_PAIRS, &r);
    if (out->method != PROCESS_UNKNOWN)
        return 0;
    if (compare_ranks(a, b, conf, &r, e) < 0)
        return -1;
    take(out, PROCESS_RANKS, &r);
    if (out->method == PROCESS_UNKNOWN && out->df >= PROCESS_MIN_DF) {
        half = dist_t_quantile((1 + conf) / 2, out->df) * out->sd *
               sqrt(1 / (double)a->n + 1 / (double)b->n);
        out->method = PROCESS_STUDENT;
        out->low = r.ratio / exp(half);
        out->high = r.ratio * exp(half);
    }
    return 0;
}

/* Of so many pairs, whose number also says how well their spread is known. */
static double pairs_for(double n, double effect, double alpha, double power)
{
    double t = dist_t_quantile(1 - alpha, n - 1) + dist_t_quantile(power, n - 1);

    return ceil(2 / RANK_EFFICIENCY * pow(t / effect, 2));
}

double process_needed(double sd, double margin, double alpha, double power)
{
    double effect = log1p(margin) / sd, n = ceil(-log2(alpha)); /* 2^n signs */

    if (!isfinite(effect) || !(effect > 0))
        return effect > 0 ? n : INFINITY;
    n = fmax(n, pairs_for(1e6, effect, alpha, power));
    while (n < 1e6 && n < pairs_for(n, effect, alpha, power))
        n++;
    return n;
}
