/* stats_fit.h -- curves through points by least squares, within bounds.  Pure.
 *
 * Levenberg and Marquardt's steps with slopes by central differences, parameters kept inside their
 * box by projection (a bound that the slope presses against is left out of the step); monotone
 * cubic interpolation after Fritsch and Carlson (1980) with the end slopes of Moler's pchip, which
 * is also scipy's PchipInterpolator. */
#ifndef HARNESS_STATS_FIT_H
#define HARNESS_STATS_FIT_H

#include <stddef.h>

#include "base/err.h"

enum { STATS_FIT_PARAMS = 8 };

/* Residuals of n points for the parameters p. */
typedef void (*stats_residuals)(void *user, const double *p, double *r);

struct stats_fit {
    int n_params; /* at most STATS_FIT_PARAMS */
    size_t n;     /* points */
    double low[STATS_FIT_PARAMS], high[STATS_FIT_PARAMS];
    double huber; /* residuals beyond this count with their size alone (Huber 1964), so that few
                     bad points do not bend the curve; 0: plain squares */
    stats_residuals f;
    void *user;
};

/* From p to the nearest minimum; *rms is the root mean square of the residuals
 * there (unweighted). */
int stats_fit(const struct stats_fit *fit, double *p, double *rms, struct err *e);

/* y = slope x + offset; r2 is the squared correlation.  NAN for fewer than two different x. */
struct stats_line {
    double slope, offset, r2;
};
struct stats_line stats_line(const double *x, const double *y, size_t n);

/* Value at `at`, which is within x[0]..x[n - 1]; x strictly ascending, n >= 2. */
double stats_pchip(const double *x, const double *y, size_t n, double at);

#endif
