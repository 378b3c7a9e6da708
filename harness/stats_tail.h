/* stats_tail.h -- percentiles of latency that may be claimed.
 *
 * Pure; any thread.  The slowest of few queries says little about the 99th percentile; MLPerf's
 * early-stopping estimate reports the order statistic that bounds it with confidence conf.
 * Source: vendor.md (MLPerf loadgen, single stream, tolerance 0); the binomial tail as
 * I_p(h, t+1). */
#ifndef HARNESS_STATS_TAIL_H
#define HARNESS_STATS_TAIL_H

#include <stddef.h>

#define STATS_TAIL_CONF 0.99

/* The fewest queries under the bound that, with t over it, show percentile p: the smallest h with
 * I_p(h, t+1) < 1 - conf. */
double stats_tail_passing(double t, double p, double conf);
/* How many of n queries may be over the bound; -1: too few queries for any claim. */
long stats_tail_over(size_t n, double p, double conf);
/* The claimed percentile: the next one after the t - 1 largest are left out, sorted[n - t] with the
 * largest t >= 1; NAN when n allows no claim. */
double stats_tail_estimate(const double *sorted, size_t n, double p, double conf);

#endif
