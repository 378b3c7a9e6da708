#include "harness/stats.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/splitmix.h"
#include "harness/stats_dist.h"

double stats_mean(const double *x, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return n ? sum / (double)n : NAN;
}

double stats_sd(const double *x, size_t n)
{
    double mean = stats_mean(x, n), sum = 0;

    if (n < 2)
        return NAN;
    for (size_t i = 0; i < n; i++)
        sum += (x[i] - mean) * (x[i] - mean);
    return sqrt(sum / (double)(n - 1));
}

double stats_stderr(const double *x, size_t n)
{
    return stats_sd(x, n) / sqrt((double)n);
}

struct interval stats_wilson(double right, double n, double z)
{
    double p = right / n, scale = 1 + z * z / n;
    double half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / scale;
    double centre = (p + z * z / (2 * n)) / scale;

    if (!(n > 0))
        return (struct interval){NAN, NAN};
    /* none and all right reach the ends exactly, whatever rounding says */
    return (struct interval){right <= 0 ? 0 : fmax(0, centre - half),
                             right >= n ? 1 : fmin(1, centre + half)};
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    if (isnan(x) || isnan(y))
        return isnan(x) - isnan(y);
    return (x > y) - (x < y);
}

void stats_sort(double *x, size_t n)
{
    if (n)
        qsort(x, n, sizeof *x, ascending);
}

double stats_median(const double *sorted, size_t n)
{
    if (n == 0)
        return NAN;
    return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

double stats_percentile_linear(const double *sorted, size_t n, double p)
{
    double at, below;
    size_t i;

    if (n == 0)
        return NAN;
    at = p * (double)(n - 1);
    below = floor(at);
    i = (size_t)below;
    return i + 1 < n ? sorted[i] + (at - below) * (sorted[i + 1] - sorted[i]) : sorted[n - 1];
}

double stats_percentile_nearest(const double *sorted, size_t n, double p)
{
    /* 0.9 * 10 is a little more than 9 in binary: without the slack it would be rank 10. */
    double rank = ceil(p * (double)n - 1e-9);

    if (n == 0)
        return NAN;
    return sorted[rank < 1 ? 0 : (size_t)rank - 1];
}

int stats_mad(const double *sorted, size_t n, double *out, struct err *e)
{
    double median = stats_median(sorted, n);
    double *distance = mem_alloc(n * sizeof *distance);

    if (!distance)
        return err_nomem(e);
    for (size_t i = 0; i < n; i++)
        distance[i] = fabs(sorted[i] - median);
    stats_sort(distance, n);
    *out = stats_median(distance, n);
    mem_free(distance);
    return 0;
}

struct interval stats_median_interval(const double *sorted, size_t n, double conf,
                                      double *coverage)
{
    size_t j = 1, above = n / 2 + 1; /* j covers enough or is 1, `above` does not */

    *coverage = NAN;
    if (n < 2)
        return (struct interval){NAN, NAN};
    while (j + 1 < above) {
        size_t mid = j + (above - j) / 2;
        if (1 - 2 * dist_binomial_cdf((double)mid - 1, (double)n, 0.5) >= conf)
            j = mid;
        else
            above = mid;
    }
    *coverage = 1 - 2 * dist_binomial_cdf((double)j - 1, (double)n, 0.5);
    return (struct interval){sorted[j - 1], sorted[n - j]};
}

/* --- groups and resampling ---------------------------------------------------------------- */

struct part stats_pool(const struct part *parts, size_t k, int by_size)
{
    struct part all = {0, 0, 0};
    double squares = 0, weights = 0;

    for (size_t i = 0; i < k; i++) {
        double n = (double)parts[i].n, weight = by_size ? n : 1;
        all.n += parts[i].n;
        all.value += parts[i].value * weight;
        weights += weight;
        squares += (n - 1) * (parts[i].stderr_ * parts[i].stderr_) * n;
    }
    if (all.n == 0)
        return (struct part){NAN, NAN, 0};
    all.value /= weights;
    all.stderr_ = all.n > k ? sqrt(squares / (double)(all.n - k) / (double)all.n) : NAN;
    return all;
}

int stats_bootstrap(double *replicates, size_t n_replicates, const size_t *sizes, int n_sizes,
                    uint64_t seed, stats_resampled f, void *user, struct err *e)
{
    size_t total = 0;
    size_t *index;

    for (int g = 0; g < n_sizes; g++)
        total += sizes[g];
    index = mem_alloc(total * sizeof *index);
    if (!index)
        return err_nomem(e);
    for (size_t r = 0; r < n_replicates; r++) {
        size_t k = 0;
        for (int g = 0; g < n_sizes; g++)
            for (size_t i = 0; i < sizes[g]; i++)
                index[k++] = (size_t)splitmix64_below(&seed, sizes[g]);
        replicates[r] = f(user, index);
    }
    mem_free(index);
    return 0;
}
