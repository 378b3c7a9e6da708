#include "harness/stats_tail.h"

#include <math.h>

#include "harness/stats_dist.h"

double stats_tail_passing(double t, double p, double conf)
{
    double low = 1, high = 16;

    while (dist_beta(high, t + 1, p, 1 - p) >= 1 - conf)
        high *= 2;
    while (low < high) {
        double mid = floor((low + high) / 2);
        if (dist_beta(mid, t + 1, p, 1 - p) < 1 - conf)
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}

static int fits(double t, size_t n, double p, double conf)
{
    return stats_tail_passing(t, p, conf) + t <= (double)n;
}

long stats_tail_over(size_t n, double p, double conf)
{
    long low = 0, high = (long)n;

    if (!fits(0, n, p, conf))
        return -1;
    while (low < high) { /* h + t grows with t */
        long mid = low + (high - low + 1) / 2;
        if (fits((double)mid, n, p, conf))
            low = mid;
        else
            high = mid - 1;
    }
    return low;
}

double stats_tail_estimate(const double *sorted, size_t n, double p, double conf)
{
    long t = stats_tail_over(n, p, conf);

    return t >= 1 ? sorted[n - (size_t)t] : NAN;
}
