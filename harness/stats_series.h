/* stats_series.h -- nights in a row: where did the level change, and how much is noise?
 *
 * Pure; any thread.  Missing nights are left out by the caller, not filled in.
 * Sources: statistics.md 6 and 5.7; E-divisive (Matteson and James 2014) with the t-test, the
 * windows and the merging of Hunter / Apache Otava (Fleming et al. 2023); rustc-perf's
 * threshold. */
#ifndef HARNESS_STATS_SERIES_H
#define HARNESS_STATS_SERIES_H

#include <stddef.h>

#include "base/err.h"

struct change_opts {
    size_t window;        /* values a window holds; windows step by half of it; >= 2 */
    double max_p;         /* a change has p below this */
    double min_magnitude; /* and a relative size above this: the noise floor */
};
#define CHANGE_OPTS ((struct change_opts){50, 0.001, 0})

struct change {
    size_t at;            /* the first value of the new level */
    double q;             /* E-divisive's distance where it was found */
    double p;             /* of the levels on both sides, up to the neighbouring changes */
    double before, after; /* mean levels */
    double magnitude;     /* max(|after/before - 1|, |before/after - 1|) */
};
/* out has room for n changes; *n_out of them come back, in order.  A NAN is an error (ERR_NUMERIC).
 * Time and memory: window^2 for each window. */
int stats_changes(const double *x, size_t n, const struct change_opts *o, struct change *out,
                  size_t *n_out, struct err *e);

/* The split of x[0..n) that maximises Q(tau, kappa): at = tau, end = kappa; the first of equals.  q
 * is NAN for fewer than two values.  n^2 steps, 2 n doubles. */
struct split {
    double q;
    size_t at, end;
};
int stats_best_split(const double *x, size_t n, struct split *out, struct err *e);

/* Q3 + 3 (Q3 - Q1) of the relative steps |x[i] - x[i+1]| / x[i], quartiles as medians of the lower
 * and upper part; with fewer than min_history values STATS_THRESHOLD_NEW. */
#define STATS_THRESHOLD_NEW 0.002
#define STATS_THRESHOLD_HISTORY 30
int stats_step_threshold(const double *x, size_t n, size_t min_history, double *out,
                         struct err *e);

#endif
