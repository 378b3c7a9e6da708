/* stats_mean.h -- means of measurements under a normal law: two means, and the next value.
 *
 * Pure; any thread.  For times prefer ranks (stats_rank.h): one outlier ruins a mean.
 * Sources: statistics.md 5.3, 5.8; Student 1908, Welch 1947. */
#ifndef HARNESS_STATS_MEAN_H
#define HARNESS_STATS_MEAN_H

#include <stddef.h>

#include "harness/stats.h"

struct t_test {
    double t, df, p; /* two-sided; t > 0: the second mean is larger */
};
struct t_test stats_welch(const double *a, size_t m, const double *b, size_t n);

struct moments {
    double mean, sd; /* sd with n - 1, or with n where a method wants that */
    double n;
};
/* Equal variances, from moments; sds of 0 give p = 0 for different means, NAN for equal ones. */
struct t_test stats_pooled_t(struct moments a, struct moments b);

/* Where one more value falls: mean -+ t_{p, n-1} s sqrt(1 + 1/n).  p is one-sided: 0.977 for about
 * 95 % between both ends. */
struct interval stats_prediction(struct moments m, double p);

#endif
