#include "harness/stats_power.h"

#include <math.h>

#include "harness/stats_dist.h"

static double square(double x)
{
    return x * x;
}

double power_mcnemar_items(double psi, double delta, double alpha, double power)
{
    double za = dist_normal_quantile(1 - alpha / 2), zb = dist_normal_quantile(power);

    return square(za * sqrt(psi) + zb * sqrt(fmax(0, psi - delta * delta))) / square(delta);
}

double power_mcnemar_mde(double psi, double n, double alpha, double power)
{
    double low = 0, high = psi;

    if (!(psi > 0 && n > 0))
        return NAN;
    while (1) {
        double mid = low + (high - low) / 2;
        if (mid <= low || mid >= high)
            return high;
        if (power_mcnemar_items(psi, mid, alpha, power) > n)
            low = mid;
        else
            high = mid;
    }
}

double power_mcnemar_mde_approx(double psi, double n, double alpha, double power)
{
    return (dist_normal_quantile(1 - alpha / 2) + dist_normal_quantile(power)) * sqrt(psi / n);
}

double power_noninferiority_items(double psi, double margin, double difference, double alpha,
                                  double power)
{
    double room = margin + difference;

    if (!(room > 0))
        return INFINITY;
    return square(dist_normal_quantile(1 - alpha) + dist_normal_quantile(power)) *
           (psi - square(difference)) / square(room);
}

double power_noninferiority_margin(double psi, double n, double alpha, double power)
{
    return (dist_normal_quantile(1 - alpha) + dist_normal_quantile(power)) * sqrt(psi / n);
}

double power_miller_items(double delta, double variance, double within_a, double k_a,
                          double within_b, double k_b, double alpha, double power)
{
    double z = dist_normal_quantile(1 - alpha / 2) + dist_normal_quantile(power);

    return square(z) * (variance + within_a / k_a + within_b / k_b) / square(delta);
}
