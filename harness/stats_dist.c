#include "harness/stats_dist.h"

#include <float.h>
#include <math.h>

#define LN_SQRT_2PI 0.91893853320467274178
#define PI 3.14159265358979323846

/* --- normal ------------------------------------------------------------------------------- */

double dist_normal_cdf(double z)
{
    return 0.5 * erfc(-z * M_SQRT1_2);
}

double dist_normal_sf(double z)
{
    return 0.5 * erfc(z * M_SQRT1_2);
}

/* Hastings' rational start (Abramowitz and Stegun 26.2.23, |error| < 4.5e-4), then Halley's step on
 * the lower tail: each step triples the digits. */
static double lower_quantile(double p)
{
    double t = sqrt(-2 * log(p));
    double z = -(t - (2.515517 + t * (0.802853 + t * 0.010328)) /
                         (1 + t * (1.432788 + t * (0.189269 + t * 0.001308))));

    for (int i = 0; i < 3; i++) {
        double density = exp(-0.5 * z * z - LN_SQRT_2PI);
        double step = (dist_normal_cdf(z) - p) / density;
        z -= step / (1 + 0.5 * z * step);
    }
    return z;
}

double dist_normal_quantile(double p)
{
    if (!(p >= 0 && p <= 1))
        return NAN;
    if (p == 0 || p == 1)
        return p == 0 ? -INFINITY : INFINITY;
    if (p == 0.5)
        return 0;
    return p < 0.5 ? lower_quantile(p) : -lower_quantile(1 - p);
}

/* --- binomial probabilities --------------------------------------------------------------- */

/* ln x! - [(x + 1/2) ln x - x + ln sqrt(2 pi)], x > 0 */
static double stirling_error(double x)
{
    double xx = x * x;
    int sign;

    if (x < 15)
        return lgamma_r(x + 1, &sign) - (x + 0.5) * log(x) + x - LN_SQRT_2PI;
    return (1 / 12. - (1 / 360. - (1 / 1260. - (1 / 1680. - 1 / (1188. * xx)) / xx) / xx) / xx) / x;
}

/* x ln(x / m) + m - x without cancellation near x = m. */
static double deviance(double x, double m)
{
    double v = (x - m) / (x + m);
    double sum = (x - m) * v, term = 2 * x * v;

    if (fabs(x - m) >= 0.1 * (x + m))
        return x * log(x / m) + m - x;
    for (int j = 1; j < 1000; j++) {
        double next;
        term *= v * v;
        next = sum + term / (2 * j + 1);
        if (next == sum)
            break;
        sum = next;
    }
    return sum;
}

/* C(n, k) p^k q^(n-k) for real k and n. */
static double binomial_term(double k, double n, double p, double q)
{
    double l = n - k;

    if (p == 0 || q == 0)
        return (p == 0 ? k == 0 : l == 0);
    if (k == 0)
        return exp(p < 0.5 ? n * log1p(-p) : n * log(q));
    if (l == 0)
        return exp(q < 0.5 ? n * log1p(-q) : n * log(p));
    return sqrt(n / (2 * PI * k * l)) *
           exp(stirling_error(n) - stirling_error(k) - stirling_error(l) - deviance(k, n * p) -
               deviance(l, n * q));
}

double dist_binomial_pmf(double k, double n, double p)
{
    if (!(n >= 0 && p >= 0 && p <= 1))
        return NAN;
    return k < 0 || k > n ? 0 : binomial_term(k, n, p, 1 - p);
}

/* --- incomplete beta ---------------------------------------------------------------------- */

static double not_zero(double x)
{
    return fabs(x) < DBL_MIN ? DBL_MIN : x;
}

/* The continued fraction by Lentz's method; it converges in about sqrt(max(a, b)) steps where x is
 * below the mean. */
static double beta_fraction(double a, double b, double x)
{
    double c = 1, d = 1 / not_zero(1 - (a + b) * x / (a + 1)), h = d, step;
    int limit = 1000 + (int)fmin(20 * sqrt(fmax(a, b)), 1e6);

    for (int m = 1; m <= limit; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 / not_zero(1 + even * d);
        c = not_zero(1 + even / c);
        h *= c * d;
        d = 1 / not_zero(1 + odd * d);
        c = not_zero(1 + odd / c);
        step = c * d;
        h *= step;
        if (fabs(step - 1) < 1e-16)
            break;
    }
    return h;
}

double dist_beta(double a, double b, double x, double y)
{
    double scale;

    if (!(a > 0 && b > 0 && x >= 0 && y >= 0))
        return NAN;
    if (x == 0 || y == 0)
        return x != 0;
    /* x^a y^b / B(a, b) is a binomial probability times ab/(a+b). */
    scale = binomial_term(a, a + b, x, y) * a * b / (a + b);
    if (x <= (a + 1) / (a + b + 2))
        return fmin(1, scale / a * beta_fraction(a, b, x));
    return fmax(0, 1 - scale / b * beta_fraction(b, a, y));
}

/* ln(x/y) where I_x(a, b) = p: by halving, because log-odds resolve both ends of (0, 1) alike. */
static double beta_log_odds(double p, double a, double b)
{
    double low = -745, high = 745;

    while (1) {
        double mid = low + (high - low) / 2;
        if (mid <= low || mid >= high)
            return mid;
        if (dist_beta(a, b, 1 / (1 + exp(-mid)), 1 / (1 + exp(mid))) < p)
            low = mid;
        else
            high = mid;
        if (high - low < 1e-15 * fmax(1, fabs(mid)))
            return low + (high - low) / 2;
    }
}

double dist_beta_quantile(double p, double a, double b)
{
    if (!(p >= 0 && p <= 1 && a > 0 && b > 0))
        return NAN;
    if (p == 0 || p == 1)
        return p;
    return 1 / (1 + exp(-beta_log_odds(p, a, b)));
}

/* --- Student ------------------------------------------------------------------------------ */

double dist_t_sf(double t, double df)
{
    double upper;

    if (!(df > 0) || isnan(t))
        return NAN;
    if (isinf(t))
        return t < 0;
    upper = 0.5 * dist_beta(df / 2, 0.5, df / (df + t * t), t * t / (df + t * t));
    return t > 0 ? upper : 1 - upper;
}

double dist_t_quantile(double p, double df)
{
    double tail = fmin(p, 1 - p), t;

    if (!(p >= 0 && p <= 1 && df > 0))
        return NAN;
    if (p == 0.5)
        return 0;
    if (tail == 0)
        return p == 0 ? -INFINITY : INFINITY;
    /* the tail is I_x(df/2, 1/2) / 2 with x/y = df/t^2 */
    t = sqrt(df * exp(-beta_log_odds(2 * tail, df / 2, 0.5)));
    return p < 0.5 ? -t : t;
}

/* --- binomial tails ----------------------------------------------------------------------- */

double dist_binomial_cdf(double k, double n, double p)
{
    if (!(n >= 0 && p >= 0 && p <= 1))
        return NAN;
    if (k < 0 || k >= n)
        return k >= n;
    return dist_beta(n - k, k + 1, 1 - p, p);
}

double dist_binomial_sf(double k, double n, double p)
{
    if (!(n >= 0 && p >= 0 && p <= 1))
        return NAN;
    if (k <= 0 || k > n)
        return k <= 0;
    return dist_beta(k, n - k + 1, p, 1 - p);
}
