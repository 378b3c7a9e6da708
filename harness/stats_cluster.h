/* stats_cluster.h -- numbers that are not independent: clusters, repeats, runs of runs.
 *
 * Pure; any thread.  A cluster is what was drawn as one: a passage with several questions, a
 * template family, an item sampled several times.  Sources: statistics.md 3 and 5.2; Miller 2024
 * (appendix A); the small-sample factor C/(C-1) as Inspect has it; one-way analysis of variance. */
#ifndef HARNESS_STATS_CLUSTER_H
#define HARNESS_STATS_CLUSTER_H

#include <stddef.h>
#include <stdint.h>

#include "harness/stats.h"

struct clustered {
    size_t n, n_clusters;
    double mean;
    double naive;         /* standard error as if independent (n - 1) */
    double stderr_;       /* sqrt(sum over clusters of (sum of x - mean)^2) / n */
    double corrected;     /* times sqrt(C / (C - 1)); what intervals use, with t_{C-1} */
    double design_effect; /* (corrected / naive)^2; 1 where naive is 0 */
};
/* cluster[i] < n says which cluster x[i] is in; NULL: each its own. */
int stats_clustered(const double *x, const size_t *cluster, size_t n, struct clustered *out,
                    struct err *e);
struct interval stats_clustered_interval(const struct clustered *c, double conf);

/* Clusters redrawn whole: replicates[r] = sum / count over them.  Deterministic, by
 * stats_bootstrap. */
int stats_cluster_bootstrap(const double *x, const size_t *cluster, size_t n, double *replicates,
                            size_t n_replicates, uint64_t seed, struct err *e);

/* Standard error of a mean over n items that were sampled k times each: the items' means vary with
 * variance `items`, samples within an item with mean variance `within`. */
double stats_repeated_stderr(double items, double within, double k, double n);

/* `runs` processes with `reps` repetitions each, x[run * reps + rep]: the process is the unit. */
struct nested {
    double mean, ms_between, ms_within;
    double between;  /* variance of the runs, not below 0 */
    double icc;      /* share of the variance that is between runs */
    double stderr_;  /* of the mean, with the run as unit */
    double naive;    /* as if every repetition were one */
};
struct nested stats_nested(const double *x, size_t runs, size_t reps);

#endif
