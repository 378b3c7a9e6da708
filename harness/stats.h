/* stats.h -- medians, intervals and resampling.  Pure: no clock, no files, same input same bits.
 *
 * What is undefined for so few numbers is NAN, never 0.  `sorted` arrays are ascending
 * (stats_sort).  Intervals are 95 % unless a parameter says otherwise.  Sources: Wilson 1927 for
 * proportions; order statistics for medians; Efron's percentile interval for resampling.  What is
 * built on this: stats_dist.h distributions, stats_paired.h the same items twice, stats_rank.h two
 * samples of times, stats_cluster.h items that are not independent, stats_multiple.h many tests,
 * stats_power.h how many items, stats_series.h nights in a row, stats_tail.h percentiles. */
#ifndef HARNESS_STATS_H
#define HARNESS_STATS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define STATS_Z95 1.959963984540054 /* Phi^-1(0.975) */

struct interval {
    double low, high;
};

double stats_mean(const double *x, size_t n);
double stats_sd(const double *x, size_t n);     /* sample: n - 1 */
double stats_stderr(const double *x, size_t n); /* of the mean */

/* Wilson's score interval for `right` of n. */
struct interval stats_wilson(double right, double n, double z);

void stats_sort(double *x, size_t n); /* ascending; NANs last */
double stats_median(const double *sorted, size_t n);
/* Percentiles by name: linear interpolation (type 7 of Hyndman and Fan, numpy's default), and the
 * nearest rank, which is always one of the samples.  p in 0..1. */
double stats_percentile_linear(const double *sorted, size_t n, double p);
double stats_percentile_nearest(const double *sorted, size_t n, double p);
/* Median of |x - median|, not scaled. */
int stats_mad(const double *sorted, size_t n, double *out, struct err *e);

/* Interval of the median between two samples: 1-based ranks (j, n+1-j) with the largest j whose
 * coverage is at least conf; with too few samples for that, the smallest and the largest.
 * *coverage is what the interval covers. */
struct interval stats_median_interval(const double *sorted, size_t n, double conf,
                                      double *coverage);

/* Means of groups: sum n v / sum n, or with by_size 0 the mean of the parts' values; and the pooled
 * standard error as lm-eval has it, which asks for the sizes either way. */
struct part {
    double value, stderr_;
    size_t n;
};
struct part stats_pool(const struct part *parts, size_t k, int by_size);

/* `replicates` values of f over groups redrawn with replacement.  Each replicate draws sizes[0]
 * indices below sizes[0], then sizes[1] below sizes[1], ...; f sees them in this order.
 * Deterministic: splitmix64 from seed, below(n) = high 64 bits of next * n. */
typedef double (*stats_resampled)(void *user, const size_t *index);
int stats_bootstrap(double *replicates, size_t n_replicates, const size_t *sizes, int n_sizes,
                    uint64_t seed, stats_resampled f, void *user, struct err *e);

#endif
