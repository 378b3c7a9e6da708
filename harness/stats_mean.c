#include "harness/stats_mean.h"

#include <math.h>

#include "harness/stats_dist.h"

static double two_sided(double t, double df)
{
    return isnan(t) ? NAN : 2 * dist_t_sf(fabs(t), df);
}

struct t_test stats_welch(const double *a, size_t m, const double *b, size_t n)
{
    double sa = stats_sd(a, m), sb = stats_sd(b, n);
    double va = sa * sa / (double)m, vb = sb * sb / (double)n;
    struct t_test r;

    r.t = (stats_mean(b, n) - stats_mean(a, m)) / sqrt(va + vb);
    r.df = (va + vb) * (va + vb) / (va * va / (double)(m - 1) + vb * vb / (double)(n - 1));
    r.p = two_sided(r.t, r.df);
    return r;
}

struct t_test stats_pooled_t(struct moments a, struct moments b)
{
    struct t_test r = {NAN, a.n + b.n - 2, NAN};
    double pooled;

    if (!(r.df > 0))
        return r;
    pooled = ((a.n - 1) * a.sd * a.sd + (b.n - 1) * b.sd * b.sd) / r.df;
    r.t = (b.mean - a.mean) / sqrt(pooled * (1 / a.n + 1 / b.n));
    r.p = two_sided(r.t, r.df);
    return r;
}

struct interval stats_prediction(struct moments m, double p)
{
    double half = dist_t_quantile(p, m.n - 1) * m.sd * sqrt(1 + 1 / m.n);

    return (struct interval){m.mean - half, m.mean + half};
}
