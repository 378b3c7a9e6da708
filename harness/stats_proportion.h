/* stats_proportion.h -- how sure a share of right answers is, and how well confidences are kept.
 *
 * Pure; any thread.  Wilson's interval is in stats.h.  Sources: statistics.md 2.5 and 3; Clopper
 * and Pearson 1934; calibration error with bins (lo, hi] (Guo et al. 2017). */
#ifndef HARNESS_STATS_PROPORTION_H
#define HARNESS_STATS_PROPORTION_H

#include <stddef.h>

#include "harness/stats.h"

double stats_share_stderr(double right, double n); /* sqrt(p (1 - p) / (n - 1)) */
/* Exact: covers at least conf whatever the truth is. */
struct interval stats_clopper_pearson(double right, double n, double conf);

/* confidence[i] in 0..1 that answer i is right; right[i] 0 or 1. */
struct calibration {
    double ece_width, ece_mass; /* bins of equal width, bins of equally many answers */
    double brier;               /* mean squared error of the confidence */
};
int stats_calibration(const double *confidence, const double *right, size_t n, int bins,
                      struct calibration *out, struct err *e);

#endif
