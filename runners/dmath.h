/* dmath.h -- exp, log, sin and cos in double, the same bits on every machine.
 *
 * For what a kernel does not do lane by lane: rope angles, and sums of exponentials across blocks.
 * Only IEEE operations and fma are used, never libm's functions, whose last bit depends on the
 * library.  Errors: exp and log within 2^-51 of the value (log near 1: of ln x itself, too), sine
 * and cosine within 1e-15 for |theta| <= 1e7. */
#ifndef RUNNERS_DMATH_H
#define RUNNERS_DMATH_H

double dmath_exp(double x); /* 0 and infinity beyond the range; NaN stays */
double dmath_log(double x); /* x < 0: NaN, 0: -infinity */
void dmath_sincos(double theta, double *sine, double *cosine); /* |theta| <= 2^30 */
/* base^(a/b) for base > 0; the quotient is not rounded before it is used. */
double dmath_power(double base, double a, double b);

#endif
