#include "harness/stats_process.h"

#include <math.h>

#include "base/mem.h"
#include "harness/stats.h"
#include "harness/stats_dist.h"
#include "harness/stats_rank.h"

#define RANK_EFFICIENCY 0.954929658551372 /* of ranks under a normal law: 3 / pi */

/* Sum of squares around each group's own mean. */
static void pool_spread(const struct process_group *groups, struct process_ratio *out)
{
    double squares = 0;

    out->df = 0;
    for (int g = 0; g < PROCESS_GROUPS; g++) {
        double mean = stats_mean(groups[g].v, groups[g].n);
        for (size_t i = 0; i < groups[g].n; i++)
            squares += (groups[g].v[i] - mean) * (groups[g].v[i] - mean);
        out->df += groups[g].n > 1 ? (double)groups[g].n - 1 : 0;
    }
    out->sd = out->df > 0 ? sqrt(squares / out->df) : NAN;
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

int process_ratio(const struct process_group groups[PROCESS_GROUPS], double conf,
                  struct process_ratio *out, struct err *e)
{
    const struct process_group *a = &groups[PROCESS_A], *b = &groups[PROCESS_B];
    double *times_a = as_times(a, e), *times_b = times_a ? as_times(b, e) : NULL, half;
    struct ratio r;
    int rc = -1;

    *out = (struct process_ratio){PROCESS_UNKNOWN, NAN, NAN, NAN, NAN, 0};
    if (!times_b || stats_ratio(times_a, a->n, times_b, b->n, conf, &r, e) < 0)
        goto out;
    pool_spread(groups, out);
    out->ratio = r.ratio;
    if (r.coverage >= conf) {
        out->method = PROCESS_RANKS;
        out->low = r.low;
        out->high = r.high;
    } else if (out->df >= PROCESS_MIN_DF) {
        half = dist_t_quantile((1 + conf) / 2, out->df) * out->sd *
               sqrt(1 / (double)a->n + 1 / (double)b->n);
        out->method = PROCESS_STUDENT;
        out->low = r.ratio / exp(half);
        out->high = r.ratio * exp(half);
    }
    rc = 0;
out:
    mem_free(times_a);
    mem_free(times_b);
    return rc;
}

double process_needed(double sd, double margin, double alpha, double power)
{
    double z = dist_normal_quantile(1 - alpha) + dist_normal_quantile(power), n = 1, orders = 2;

    while (1 / orders > alpha) { /* C(2n, n) orders of both sides */
        n++;
        orders *= 2 * (2 * n - 1) / n;
    }
    return fmax(n, ceil(2 / RANK_EFFICIENCY * pow(z * sd / log1p(margin), 2)));
}
