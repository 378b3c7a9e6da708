/* stats_rank.h -- two samples of times, compared without a law: ranks, ratios, drift.
 *
 * Pure; any thread.  Outliers stay in and do no harm.  Exact distributions where there are no ties
 * and few enough values, else the normal law with continuity and ties; a result says which.
 * Sources: statistics.md 5.3, 5.4, 5.6; Mann and Whitney 1947; Wilcoxon 1945; Hodges and Lehmann
 * 1963; Kolmogorov and Smirnov by counting lattice paths (Hodges 1958); Theil 1950, Sen 1968;
 * Kendall 1938. */
#ifndef HARNESS_STATS_RANK_H
#define HARNESS_STATS_RANK_H

#include <stddef.h>

#include "harness/stats.h"

enum { STATS_EXACT_U = 50 }; /* values together up to which U's distribution is exact */

/* Is b larger than a? */
struct mann_whitney {
    double u;           /* pairs with b > a, ties count one half */
    double superiority; /* u / (m n): P(B > A) + P(B = A) / 2 */
    double cliff;       /* 2 superiority - 1 */
    double z;           /* |u - mn/2| less continuity over its sd; NAN when all values are equal */
    double p;           /* two-sided */
    double p_greater;   /* one-sided: b is larger */
    int exact;
};
int stats_mann_whitney(const double *a, size_t m, const double *b, size_t n,
                       struct mann_whitney *out, struct err *e);

/* exp of the median of all ln b - ln a (both positive), with its interval from the distribution of
 * U: exact up to STATS_EXACT_U values together, normal with continuity beyond.  Too few values for
 * conf give NAN ends.  Takes m * n doubles of memory. */
struct ratio {
    double ratio, low, high, coverage;
};
int stats_ratio(const double *a, size_t m, const double *b, size_t n, double conf,
                struct ratio *out, struct err *e);

/* The same of pairs, d[0..n) = ln b - ln a: exp of the median of all (d_i + d_j) / 2, i <= j, with
 * its interval from Wilcoxon's signed ranks (exact up to STATS_EXACT_U pairs). */
int stats_paired_ratio(const double *d, size_t n, double conf, struct ratio *out, struct err *e);

/* Wilcoxon's test of the same pairs, one-sided: b is larger.  Zeros are left out, equal sizes share
 * their ranks; exact without either up to STATS_EXACT_U pairs.  NAN without pairs. */
int stats_signed_rank(const double *d, size_t n, double *p_greater, struct err *e);

/* Largest distance of the distribution functions, and its exact two-sided p (m n steps). */
struct ks {
    double d, p;
};
int stats_ks(const double *a, size_t m, const double *b, size_t n, struct ks *out, struct err *e);

/* x[0..n) in order of measurement: does it drift?  slope: median of all slopes, per place. */
struct drift {
    double slope, tau, p;
    int exact;
};
int stats_drift(const double *x, size_t n, struct drift *out, struct err *e);

/* How many of n values are further than limit * MAD from the median (hyperfine: 14.826, which is 10
 * standard deviations of a normal law).  They are told, never dropped. */
#define STATS_OUTLIER_MADS 14.826
int stats_outliers(const double *sorted, size_t n, double limit, size_t *out, struct err *e);

#endif
