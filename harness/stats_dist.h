/* stats_dist.h -- the distributions that tests and intervals are read from.
 *
 * Pure; any thread.  Tails are computed as tails, never as 1 - cdf, so that a p-value of 1e-30 has
 * its digits.  Arguments outside a distribution's range give NAN.
 * Sources: binomial probabilities in saddle-point form (Loader 2000, "Fast and accurate computation
 * of binomial probabilities"), which keeps 1e-13 for millions of trials where sums of log-gammas
 * lose digits; the incomplete beta by its continued fraction (DLMF 8.17.22) with that prefactor;
 * everything else follows from these and from erfc. */
#ifndef HARNESS_STATS_DIST_H
#define HARNESS_STATS_DIST_H

double dist_normal_cdf(double z);
double dist_normal_sf(double z);       /* P(Z > z) */
double dist_normal_quantile(double p); /* 0 < p < 1; the ends give -+infinity */

/* I_x(a, b), a and b > 0; y is 1 - x, given apart because only the caller may know it exactly. */
double dist_beta(double a, double b, double x, double y);
double dist_beta_quantile(double p, double a, double b);

double dist_t_sf(double t, double df); /* P(T > t) */
double dist_t_quantile(double p, double df);

/* n trials, k successes; n may be millions.  n and k need not be whole in the tails (counts that
 * were divided by a design effect). */
double dist_binomial_pmf(double k, double n, double p);
double dist_binomial_cdf(double k, double n, double p); /* P(X <= k) */
double dist_binomial_sf(double k, double n, double p);  /* P(X >= k) */

#endif
