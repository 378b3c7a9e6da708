/* dmath.c -- reduction by constants in two or three parts, then a series short enough to be exact
 * to the last bits: exp's and sine's of Taylor, log's of the area hyperbolic tangent. */
#include "runners/dmath.h"

#include <math.h>
#include <string.h>

#define LN2_HIGH 0x1.62e42fefa3p-1 /* 12 bits short, so that its multiples are exact */
#define LN2_LOW 0x1.3de6af278ece6p-42
#define NEAREST 0x1.8p52 /* adding it rounds to an integer */

/* a + b = sum + *rest exactly */
static double two_sum(double a, double b, double *rest)
{
    double sum = a + b, back = sum - a;

    *rest = (a - (sum - back)) + (b - back);
    return sum;
}

static double power_of_two(int n) /* -1022 <= n <= 1023 */
{
    unsigned long long u = (unsigned long long)(n + 1023) << 52;
    double d;

    memcpy(&d, &u, sizeof d);
    return d;
}

/* e^(x + low), |low| much smaller than 1. */
static double exp_sum(double x, double low)
{
    /* 1/k! for k = 14 to 2 */
    static const double inverse[] = {1. / 87178291200, 1. / 6227020800, 1. / 479001600,
                                     1. / 39916800, 1. / 3628800, 1. / 362880, 1. / 40320,
                                     1. / 5040, 1. / 720, 1. / 120, 1. / 24, 1. / 6, 0.5};

    if (isnan(x))
        return x;
    if (x > 710)
        return INFINITY;
    if (x < -746)
        return 0;
    double n = fma(x, 0x1.71547652b82fep+0, NEAREST) - NEAREST;
    double r = fma(n, -LN2_HIGH, x), q = inverse[0];
    double tail = fma(n, -LN2_LOW, low), t = r + tail;
    tail = (r - t) + tail; /* what t lacks */
    for (int i = 1; i < 13; i++)
        q = fma(q, t, inverse[i]);
    q = 1 + (t + fma(t * t, q, tail));
    int e = (int)n, half = e / 2; /* two steps, so that a subnormal is rounded once */
    return q * power_of_two(half) * power_of_two(e - half);
}

double dmath_exp(double x)
{
    return exp_sum(x, 0);
}

/* ln x = high + low for finite x > 0. */
static double log_parts(double x, double *low)
{
    int e;
    double m = frexp(x, &e);

    if (m < 0.70710678118654752) {
        m *= 2;
        e--;
    }
    /* ln m = 2 atanh(s), s = (m-1)/(m+1); what the rounding of s lost is put back */
    double f = m - 1, d_low, d = two_sum(m, 1, &d_low), s = f / d, s2 = s * s, q = 0;
    double s_low = (fma(-s, d, f) - s * d_low) / d;
    for (int k = 25; k >= 3; k -= 2)
        q = fma(q, s2, 1. / k);
    double rest, high = two_sum(e * LN2_HIGH, 2 * s, &rest);
    rest = fma(e, LN2_LOW, rest + 2 * fma(s * s2, q, s_low));
    return two_sum(high, rest, low);
}

double dmath_log(double x)
{
    double low;

    if (isnan(x) || x < 0)
        return NAN;
    if (x == 0)
        return -INFINITY;
    return isinf(x) ? x : log_parts(x, &low);
}

double dmath_power(double base, double a, double b)
{
    double low, high = log_parts(base, &low), q = a / b, q_low = fma(-q, b, a) / b;
    double product = high * q, rest = fma(high, q, -product);

    return exp_sum(product, rest + fma(high, q_low, low * q));
}

void dmath_sincos(double theta, double *sine, double *cosine)
{
    double turn = fma(theta, 0x1.45f306dc9c883p-1, NEAREST) - NEAREST; /* quarters */
    double r = fma(turn, -0x1.921fb54442d18p+0, theta); /* pi/2 in three parts */
    double x = fma(turn, -0x1.1a62633145c07p-54, r);
    double low = fma(turn, 0x1.f1976b7ed8fbcp-110, fma(turn, -0x1.1a62633145c07p-54, r - x));
    double x2 = x * x, s = 0, c = 0;
    static const double odd[] = {1. / 355687428096000, -1. / 1307674368000, 1. / 6227020800,
                                 -1. / 39916800, 1. / 362880, -1. / 5040, 1. / 120, -1. / 6};
    static const double even[] = {1. / 20922789888000, -1. / 87178291200, 1. / 479001600,
                                  -1. / 3628800, 1. / 40320, -1. / 720, 1. / 24};
    for (int i = 0; i < 8; i++)
        s = fma(s, x2, odd[i]);
    for (int i = 0; i < 7; i++)
        c = fma(c, x2, even[i]);
    s = x + fma(x * x2, s, low);
    c = (1 - x2 / 2) + fma(x2 * x2, c, -x * low);
    long long quarter = (long long)turn & 3;
    double a = quarter & 1 ? c : s, b = quarter & 1 ? s : c;
    *sine = quarter & 2 ? -a : a;
    *cosine = (quarter + 1) & 2 ? -b : b;
}
