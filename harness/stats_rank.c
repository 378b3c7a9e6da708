#include "harness/stats_rank.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "harness/stats_dist.h"

/* --- the distribution of U ---------------------------------------------------------------- */

/* ways[u] = number of orders of m and n values with Mann-Whitney statistic u: the coefficients of
 * the Gaussian binomial, prod_i (1 - q^(n+i)) / (1 - q^i).  Whole numbers below 2^53 for up to
 * STATS_EXACT_U values together, so doubles hold them exactly. */
static double *count_orders(size_t m, size_t n, struct err *e)
{
    size_t top = m * n;
    double *ways = mem_calloc(top + 1, sizeof *ways);

    if (!ways) {
        err_nomem(e);
        return NULL;
    }
    ways[0] = 1;
    for (size_t i = 1; i <= m; i++) {
        for (size_t u = top + 1; u-- > n + i;)
            ways[u] -= ways[u - n - i];
        for (size_t u = i; u <= top; u++)
            ways[u] += ways[u - i];
    }
    return ways;
}

static double share_up_to(const double *ways, size_t top, size_t u)
{
    double total = 0, below = 0;

    for (size_t i = 0; i <= top; i++) {
        total += ways[i];
        below += i <= u ? ways[i] : 0;
    }
    return below / total;
}

/* Both samples in one ascending array: sum over groups of equal values of t^3 - t. */
static double tie_sum(const double *sorted, size_t n)
{
    double sum = 0;

    for (size_t i = 0, j; i < n; i = j) {
        double t;
        for (j = i; j < n && sorted[j] == sorted[i]; j++)
            ;
        t = (double)(j - i);
        sum += t * t * t - t;
    }
    return sum;
}

/* Pairs with b > a, ties one half; both ascending. */
static double count_greater(const double *a, size_t m, const double *b, size_t n)
{
    double u = 0;

    for (size_t k = 0, below = 0, upto = 0; k < n; k++) {
        while (below < m && a[below] < b[k])
            below++;
        while (upto < m && a[upto] <= b[k])
            upto++;
        u += (double)below + 0.5 * (double)(upto - below);
    }
    return u;
}

static int exact_u(struct mann_whitney *r, size_t m, size_t n, struct err *e)
{
    double *ways = count_orders(m, n, e);
    size_t top = m * n, u = (size_t)r->u;

    if (!ways)
        return -1;
    r->exact = 1;
    /* P(U >= u) = P(U <= mn - u) */
    r->p_greater = share_up_to(ways, top, top - u);
    r->p = fmin(1, 2 * share_up_to(ways, top, u < top - u ? u : top - u));
    mem_free(ways);
    return 0;
}

int stats_mann_whitney(const double *a, size_t m, const double *b, size_t n,
                       struct mann_whitney *out, struct err *e)
{
    double mn = (double)m * (double)n, total = (double)(m + n), ties, sd;
    double *all;

    *out = (struct mann_whitney){NAN, NAN, NAN, NAN, NAN, NAN, 0};
    if (m == 0 || n == 0)
        return 0;
    all = mem_calloc(2 * (m + n), sizeof *all); /* a and b sorted, then both sorted together */
    if (!all)
        return err_nomem(e);
    memcpy(all, a, m * sizeof *a);
    memcpy(all + m, b, n * sizeof *b);
    memcpy(all + m + n, all, (m + n) * sizeof *all);
    stats_sort(all, m);
    stats_sort(all + m, n);
    stats_sort(all + m + n, m + n);
    ties = tie_sum(all + m + n, m + n);
    out->u = count_greater(all, m, all + m, n);
    mem_free(all);
    out->superiority = out->u / mn;
    out->cliff = 2 * out->superiority - 1;
    sd = sqrt(mn / 12 * (total + 1 - ties / (total * (total - 1))));
    if (sd > 0) {
        out->z = (fabs(out->u - mn / 2) - 0.5) / sd;
        out->p_greater = dist_normal_sf((out->u - mn / 2 - 0.5) / sd);
    }
    out->p = sd > 0 ? fmin(1, 2 * dist_normal_sf(out->z)) : 1;
    if (!(sd > 0))
        out->p_greater = 1;
    return ties == 0 && m + n <= STATS_EXACT_U ? exact_u(out, m, n, e) : 0;
}

/* --- ratio of two samples ----------------------------------------------------------------- */

/* The smallest c with P(U <= c) > alpha/2, and the coverage of ranks c and mn+1-c.  0: even the
 * extremes do not reach the level. */
static size_t exact_rank(const double *ways, size_t top, double alpha, double *coverage)
{
    double total = 0, below = 0;
    size_t c = 0;

    for (size_t u = 0; u <= top; u++)
        total += ways[u];
    while (c < top && (below + ways[c]) / total <= alpha / 2 + 1e-12) /* 1/20 is 5 % */
        below += ways[c++];
    *coverage = 1 - 2 * below / total;
    return c;
}

static size_t normal_rank(size_t m, size_t n, double conf, double *coverage)
{
    double mn = (double)m * (double)n, sd = sqrt(mn * (double)(m + n + 1) / 12);
    double c = floor(mn / 2 - dist_normal_quantile((1 + conf) / 2) * sd - 0.5) + 1;

    *coverage = conf;
    return c < 1 ? 0 : (size_t)c;
}

static int rank_of(size_t m, size_t n, double conf, size_t *c, double *coverage, struct err *e)
{
    double *ways;

    if (m + n > STATS_EXACT_U) {
        *c = normal_rank(m, n, conf, coverage);
        return 0;
    }
    ways = count_orders(m, n, e);
    if (!ways)
        return -1;
    *c = exact_rank(ways, m * n, 1 - conf, coverage);
    mem_free(ways);
    return 0;
}

int stats_ratio(const double *a, size_t m, const double *b, size_t n, double conf,
                struct ratio *out, struct err *e)
{
    size_t top = m * n, c;
    double *d;

    *out = (struct ratio){NAN, NAN, NAN, NAN};
    if (top == 0)
        return 0;
    d = mem_calloc(top, sizeof *d);
    if (!d)
        return err_nomem(e);
    for (size_t i = 0; i < m; i++)
        for (size_t k = 0; k < n; k++)
            d[i * n + k] = log(b[k]) - log(a[i]);
    stats_sort(d, top);
    out->ratio = exp(stats_median(d, top));
    if (rank_of(m, n, conf, &c, &out->coverage, e) < 0) {
        mem_free(d);
        return -1;
    }
    if (c > 0) {
        out->low = exp(d[c - 1]);
        out->high = exp(d[top - c]);
    } else {
        out->coverage = NAN;
    }
    mem_free(d);
    return 0;
}

/* --- ratio of pairs ------------------------------------------------------------------------ */

/* ways[w]: how many sets of the ranks 1..n have the sum w. */
static double *count_sets(size_t n, struct err *e)
{
    size_t top = n * (n + 1) / 2;
    double *ways = mem_calloc(top + 1, sizeof *ways);

    if (!ways) {
        err_nomem(e);
        return NULL;
    }
    ways[0] = 1;
    for (size_t i = 1; i <= n; i++)
        for (size_t w = top + 1; w-- > i;)
            ways[w] += ways[w - i];
    return ways;
}

/* The smallest c with P(W <= c) > alpha/2 for the sum W of the ranks 1..n whose sign is positive,
 * and the coverage of ranks c and n(n+1)/2+1-c; 0: even the extremes do not reach the level. */
static int signed_rank(size_t n, double conf, size_t *c, double *coverage, struct err *e)
{
    size_t top = n * (n + 1) / 2;
    double *ways, sd = sqrt((double)n * (double)(n + 1) * (2 * (double)n + 1) / 24), at;

    if (n > STATS_EXACT_U) {
        at = floor((double)top / 2 - dist_normal_quantile((1 + conf) / 2) * sd - 0.5) + 1;
        *c = at < 1 ? 0 : (size_t)at;
        *coverage = conf;
        return 0;
    }
    ways = count_sets(n, e);
    if (!ways)
        return -1;
    *c = exact_rank(ways, top, 1 - conf, coverage);
    mem_free(ways);
    return 0;
}

int stats_paired_ratio(const double *d, size_t n, double conf, struct ratio *out, struct err *e)
{
    size_t top = n * (n + 1) / 2, k = 0, c = 0;
    double *means;

    *out = (struct ratio){NAN, NAN, NAN, NAN};
    if (n == 0)
        return 0;
    means = mem_calloc(top, sizeof *means);
    if (!means)
        return err_nomem(e);
    for (size_t i = 0; i < n; i++)
        for (size_t j = i; j < n; j++)
            means[k++] = (d[i] + d[j]) / 2;
    stats_sort(means, top);
    out->ratio = exp(stats_median(means, top));
    if (signed_rank(n, conf, &c, &out->coverage, e) < 0) {
        mem_free(means);
        return -1;
    }
    if (c > 0) {
        out->low = exp(means[c - 1]);
        out->high = exp(means[top - c]);
    } else {
        out->coverage = NAN;
    }
    mem_free(means);
    return 0;
}

static int by_size(const void *x, const void *y)
{
    double a = fabs(*(const double *)x), b = fabs(*(const double *)y);

    return (a > b) - (a < b);
}

/* v: ascending by size, without zeros.  The sum of the ranks of those above 0; *ties: sum over
 * groups of equal sizes of t^3 - t. */
static double positive_ranks(const double *v, size_t n, double *ties)
{
    double sum = 0;

    *ties = 0;
    for (size_t i = 0, j; i < n; i = j) {
        for (j = i; j < n && fabs(v[j]) == fabs(v[i]); j++)
            ;
        for (size_t k = i; k < j; k++)
            sum += v[k] > 0 ? (double)(i + 1 + j) / 2 : 0;
        *ties += pow((double)(j - i), 3) - (double)(j - i);
    }
    return sum;
}

int stats_signed_rank(const double *d, size_t n, double *p_greater, struct err *e)
{
    double *v = mem_calloc(n, sizeof *v), *ways, w, ties, m, sd;
    size_t k = 0, top;

    *p_greater = NAN;
    if (!v)
        return err_nomem(e);
    for (size_t i = 0; i < n; i++)
        if (d[i] < 0 || d[i] > 0)
            v[k++] = d[i];
    qsort(v, k, sizeof *v, by_size);
    w = positive_ranks(v, k, &ties);
    mem_free(v);
    m = (double)k;
    sd = sqrt(m * (m + 1) * (2 * m + 1) / 24 - ties / 48);
    if (k == n && k > 0 && ties == 0 && k <= STATS_EXACT_U) {
        if (!(ways = count_sets(k, e)))
            return -1;
        top = k * (k + 1) / 2;
        *p_greater = share_up_to(ways, top, top - (size_t)w); /* P(W >= w) = P(W <= top - w) */
        mem_free(ways);
    } else if (k > 0) {
        *p_greater = dist_normal_sf((w - m * (m + 1) / 4 - 0.5) / sd);
    } else if (n > 0) {
        *p_greater = 1;
    }
    return 0;
}

/* --- distribution functions --------------------------------------------------------------- */

/* max |i n - j m| over the steps of both empirical distribution functions: D is a whole number of
 * 1/(mn), so that comparing paths with it is exact. */
static double largest_gap(const double *a, size_t m, const double *b, size_t n)
{
    double most = 0;

    for (size_t i = 0, j = 0; i < m || j < n;) {
        double at = j >= n || (i < m && a[i] <= b[j]) ? a[i] : b[j];
        while (i < m && a[i] <= at)
            i++;
        while (j < n && b[j] <= at)
            j++;
        most = fmax(most, fabs((double)i * (double)n - (double)j * (double)m));
    }
    return most;
}

/* The share of the equally likely paths from (0, 0) to (m, n) that somewhere are at least `gap`
 * away from the diagonal; outside[j] is that share for paths to (i, j). */
static double share_outside(double *outside, size_t m, size_t n, double gap)
{
    for (size_t i = 0; i <= m; i++) {
        for (size_t j = 0; j <= n; j++) {
            double from_i = outside[j], from_j = j ? outside[j - 1] : 0;
            if (fabs((double)i * (double)n - (double)j * (double)m) >= gap)
                outside[j] = 1;
            else if (i + j == 0)
                outside[j] = 0;
            else
                outside[j] = ((double)i * from_i + (double)j * from_j) / (double)(i + j);
        }
    }
    return outside[n];
}

int stats_ks(const double *a, size_t m, const double *b, size_t n, struct ks *out, struct err *e)
{
    double *v, gap;

    *out = (struct ks){NAN, NAN};
    if (m == 0 || n == 0)
        return 0;
    v = mem_calloc(m + n + n + 1, sizeof *v);
    if (!v)
        return err_nomem(e);
    memcpy(v, a, m * sizeof *a);
    memcpy(v + m, b, n * sizeof *b);
    stats_sort(v, m);
    stats_sort(v + m, n);
    gap = largest_gap(v, m, v + m, n);
    out->d = gap / ((double)m * (double)n);
    out->p = share_outside(v + m + n, m, n, gap);
    mem_free(v);
    return 0;
}

/* --- drift -------------------------------------------------------------------------------- */

/* P(inversions <= c) of a random order of n: each value adds 0..i-1 of them alike. */
static int inversions_up_to(size_t n, size_t c, double *out, struct err *e)
{
    double *p = mem_calloc(2 * (c + 1), sizeof *p), *next;

    if (!p)
        return err_nomem(e);
    next = p + c + 1;
    p[0] = 1;
    for (size_t i = 2; i <= n; i++) {
        for (size_t k = 0; k <= c; k++) {
            double window = 0; /* summed anew: differences would lose the small probabilities */
            for (size_t q = k < i ? 0 : k - i + 1; q <= k; q++)
                window += p[q];
            next[k] = window / (double)i;
        }
        memcpy(p, next, (c + 1) * sizeof *p);
    }
    *out = 0;
    for (size_t k = 0; k <= c; k++)
        *out += p[k];
    mem_free(p);
    return 0;
}

/* Kendall's tau-b of x against its places, from pairs that rise, pairs that fall and the sorted
 * values' ties. */
static int kendall(const double *sorted, size_t n, double rising, double falling,
                   struct drift *out, struct err *e)
{
    double pairs = (double)n * (double)(n - 1) / 2, level = pairs - rising - falling;
    double v = (double)n * (double)(n - 1) * (double)(2 * n + 5), p = 1;

    out->tau = (rising - falling) / sqrt(pairs * (pairs - level));
    out->exact = level == 0 && n <= STATS_EXACT_U;
    if (out->exact) {
        if (inversions_up_to(n, (size_t)fmin(rising, falling), &p, e) < 0)
            return -1;
        out->p = fmin(1, 2 * p);
        return 0;
    }
    for (size_t i = 0, j; i < n; i = j) {
        double t;
        for (j = i; j < n && sorted[j] == sorted[i]; j++)
            ;
        t = (double)(j - i);
        v -= t * (t - 1) * (2 * t + 5);
    }
    out->p = v > 0 ? 2 * dist_normal_sf(fabs(rising - falling) / sqrt(v / 18)) : 1;
    return 0;
}

int stats_drift(const double *x, size_t n, struct drift *out, struct err *e)
{
    size_t pairs = n * (n - (n > 0)) / 2, k = 0;
    double rising = 0, falling = 0, *slopes;
    int rc;

    *out = (struct drift){NAN, NAN, NAN, 0};
    if (n < 2)
        return 0;
    slopes = mem_calloc(pairs + n, sizeof *slopes);
    if (!slopes)
        return err_nomem(e);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = i + 1; j < n; j++) {
            slopes[k++] = (x[j] - x[i]) / (double)(j - i);
            rising += x[j] > x[i];
            falling += x[j] < x[i];
        }
    }
    stats_sort(slopes, pairs);
    out->slope = stats_median(slopes, pairs);
    memcpy(slopes + pairs, x, n * sizeof *x);
    stats_sort(slopes + pairs, n);
    rc = kendall(slopes + pairs, n, rising, falling, out, e);
    mem_free(slopes);
    return rc;
}

int stats_outliers(const double *sorted, size_t n, double limit, size_t *out, struct err *e)
{
    double mad, median = stats_median(sorted, n);

    *out = 0;
    if (stats_mad(sorted, n, &mad, e) < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        *out += fabs(sorted[i] - median) > limit * mad;
    return 0;
}
