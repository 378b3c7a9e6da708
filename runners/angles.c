/* angles.c -- rotary angles out of dmath.h. */
#include "runners/angles.h"
#include "runners/dmath.h"

double angles_inv_freq(double base, int i, int n_rot)
{
    return dmath_power(base, -2.0 * i, n_rot);
}

void angles_sincos(double theta, float *cos, float *sin)
{
    double s, c;

    dmath_sincos(theta, &s, &c);
    *cos = (float)c;
    *sin = (float)s;
}
