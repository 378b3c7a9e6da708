/* stats_trend.h -- how fast a quantity grows that every model has one value of: slopes with
 * intervals that hold.
 *
 * Pure; any thread.  A point is a model: when it came, ln of its density, and which family it
 * belongs to, because models of one family are one decision of its makers and not independent.
 * The highest value of each day that beats all before it is the frontier.  A frontier rises by
 * construction also where nothing grows, and models that score at chance have no density: leaving
 * them out bends every line.  The line with an interval is therefore one through all models, those
 * at chance as "at most this", and its error is that of families redrawn; frontier and quantile
 * line stand beside it.  Days count from any fixed day; slopes are per day.
 *
 * Sources: density.md 4 and 6.7 (frontier, leave-one-out, shuffled dates); Tobin 1958 and Dempster,
 * Laird and Rubin 1977 for censored regression; the cluster jackknife CV3 with G - 1 degrees
 * of freedom (Bell and McCaffrey 2002; MacKinnon, Nielsen and Webb 2023); Koenker and Bassett 1978
 * for quantile lines. */
#ifndef HARNESS_STATS_TREND_H
#define HARNESS_STATS_TREND_H

#include <stddef.h>
#include <stdint.h>

#include "harness/stats.h"

enum { TREND_SERIES = 16 };
#define DAYS_PER_MONTH 30.4375

struct trend_point {
    double day;
    double y;      /* ln density; where it is not measured, its bound */
    int censored;  /* -1: at most y; 0: measured; 1: at least y */
    size_t family; /* any number; equal: not independent */
    size_t series; /* < TREND_SERIES; each has a level and a spread of its own */
};

/* --- one line through everything ----------------------------------------------------------- */

struct trend_line {
    double slope, intercept, r2; /* NAN: fewer than two days */
};
struct trend_line trend_least_squares(const struct trend_point *p, size_t n); /* the measured */

/* One slope for all series, a level and a spread for each.  ERR_INVALID: fewer than 3 measured
 * points in a series, fewer than 4 families, or all on one day. */
struct trend_fit {
    size_t n, n_censored, n_families;
    double slope, stderr_, df;
    double level[TREND_SERIES], spread[TREND_SERIES]; /* ln density on day 0; sd around the line */
};
int trend_fit(const struct trend_point *p, size_t n, struct trend_fit *out, struct err *e);
struct interval trend_slope_interval(const struct trend_fit *f, double conf);
double trend_slope_p(const struct trend_fit *f, double slope); /* two-sided, against this slope */

/* Months in which the density doubles; negative where it falls. */
double trend_months(double slope);
/* The interval of the doubling time: where slopes of 0 or less are in it, high is INFINITY; where
 * only such are, both are NAN. */
struct interval trend_months_interval(struct interval slope);

/* --- frontier and quantiles ---------------------------------------------------------------- */

/* Indices of the frontier in order of days into at[n]; of the measured points. */
int trend_frontier(const struct trend_point *p, size_t n, size_t *at, size_t *n_at, struct err *e);
struct trend_envelope {
    struct trend_line line;
    size_t n;               /* points of the frontier */
    struct interval without; /* smallest and largest slope with one of its models left out */
};
int trend_envelope(const struct trend_point *p, size_t n, struct trend_envelope *out,
                   struct err *e);

/* The line that leaves a share tau of the points below: exact, among the lines through two points.
 * Time n^3; points beyond what is worth that are ERR_INVALID. */
int trend_quantile(const struct trend_point *p, size_t n, double tau, struct trend_line *out,
                   struct err *e);

/* --- tests and redrawing ------------------------------------------------------------------- */

struct trend_shuffled { /* dates dealt anew to models, or to whole families */
    double p_frontier; /* share of shuffles whose frontier rises as steeply: (1 + k) / (1 + R) */
    double p_slope;    /* the same for the least-squares line through all models */
    double frontier_median, frontier_p95; /* slopes of frontiers where nothing grows */
};
int trend_shuffle(const struct trend_point *p, size_t n, int families, size_t replicates,
                  uint64_t seed, struct trend_shuffled *out, struct err *e);

/* A statistic of points; NAN where it has none. */
typedef double (*trend_statistic)(const struct trend_point *p, size_t n, void *user);
/* Percentiles (1 - conf) / 2 and (1 + conf) / 2 over families redrawn with replacement. */
int trend_redrawn(const struct trend_point *p, size_t n, trend_statistic f, void *user,
                  size_t replicates, uint64_t seed, double conf, struct interval *out,
                  struct err *e);

#endif
