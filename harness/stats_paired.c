#include "harness/stats_paired.h"

#include <math.h>

#include "base/splitmix.h"
#include "harness/stats_dist.h"

struct mcnemar stats_mcnemar(struct discordant d)
{
    double m = d.lost + d.won, fewer = fmin(d.lost, d.won);
    double chi = fabs(d.lost - d.won) - 1;
    struct mcnemar r = {1, 1, 1, 1, NAN, NAN};

    if (m == 0)
        return r;
    r.exact = fmin(1, 2 * dist_binomial_cdf(fewer, m, 0.5));
    r.mid_p = fmin(1, 2 * dist_binomial_cdf(fewer - 1, m, 0.5) +
                          dist_binomial_pmf(fewer, m, 0.5));
    r.loss = dist_binomial_sf(d.lost, m, 0.5);
    r.loss_mid_p = dist_binomial_sf(d.lost + 1, m, 0.5) +
                   0.5 * dist_binomial_pmf(d.lost, m, 0.5);
    r.chi2_cc = chi * chi / m;
    r.chi2_cc_p = erfc(sqrt(r.chi2_cc / 2));
    return r;
}

double stats_paired_difference(struct discordant d)
{
    return d.n > 0 ? (d.won - d.lost) / d.n : NAN;
}

double stats_paired_stderr(struct discordant d)
{
    double gap = d.won - d.lost;

    return d.n > 1 ? sqrt((d.lost + d.won - gap * gap / d.n) / (d.n * (d.n - 1))) : NAN;
}

/* The constrained maximum-likelihood share of lost items: the root of A q^2 + B q + C, written so
 * that nothing cancels. */
static double constrained_loss(struct discordant d, double delta)
{
    double a = 2 * d.n;
    double b = -d.won - d.lost + (2 * d.n - d.won + d.lost) * delta;
    double c = -d.lost * delta * (1 - delta);
    double root = sqrt(fmax(0, b * b - 4 * a * c));

    if (b <= 0)
        return (root - b) / (2 * a);
    return -2 * c / (b + root);
}

double stats_tango_z(struct discordant d, double delta)
{
    double gap = d.won - d.lost - d.n * delta;
    double variance = d.n * (2 * constrained_loss(d, delta) + delta * (1 - delta));

    if (!(d.n > 0))
        return NAN;
    if (variance > 0)
        return gap / sqrt(variance);
    return gap > 0 ? INFINITY : gap < 0 ? -INFINITY : 0;
}

/* The difference between low and high at which the score, which falls as delta grows, is z. */
static double tango_bound(struct discordant d, double z, double low, double high)
{
    while (1) {
        double mid = low + (high - low) / 2;
        if (mid <= low || mid >= high)
            return mid;
        if (stats_tango_z(d, mid) > z)
            low = mid;
        else
            high = mid;
    }
}

struct interval stats_tango(struct discordant d, double z)
{
    double at = stats_paired_difference(d);

    if (!(d.n > 0))
        return (struct interval){NAN, NAN};
    return (struct interval){tango_bound(d, z, -1, at), tango_bound(d, -z, at, 1)};
}

struct interval stats_agresti_min(struct discordant d, double z)
{
    struct discordant more = {d.lost + 0.5, d.won + 0.5, d.n + 2};
    double gap = more.won - more.lost, at = gap / more.n;
    double half = z * sqrt(more.lost + more.won - gap * gap / more.n) / more.n;

    return (struct interval){at - half, at + half};
}

struct noninferiority stats_noninferiority(struct discordant d, double margin)
{
    struct noninferiority r;

    r.z = stats_tango_z(d, -margin);
    r.p = dist_normal_sf(r.z);
    r.wald_z = (stats_paired_difference(d) + margin) / stats_paired_stderr(d);
    r.wald_p = dist_normal_sf(r.wald_z);
    return r;
}

double stats_sign_flip(const double *d, size_t n, size_t replicates, uint64_t seed)
{
    double sum = 0, size = 0;
    size_t as_far = 0;

    for (size_t i = 0; i < n; i++) {
        sum += d[i];
        size += fabs(d[i]);
    }
    for (size_t r = 0; r < replicates; r++) {
        double flipped = 0;
        for (size_t i = 0; i < n; i++)
            if (d[i] != 0)
                flipped += splitmix64_next(&seed) >> 63 ? -d[i] : d[i];
        /* the same sum in another order of signs may differ in its last bits */
        as_far += fabs(flipped) >= fabs(sum) - 1e-13 * size;
    }
    return (double)(1 + as_far) / (double)(replicates + 1);
}
