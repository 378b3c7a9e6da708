#include "harness/stats_series.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "harness/stats.h"
#include "harness/stats_mean.h"

/* --- one split ---------------------------------------------------------------------------- */

/* Q of Z[0..tau) = X against Z[tau..kappa) = Y from the pairs' sums: all, within X, within Y. */
static double distance(double all, double within_x, double within_y, double n, double m)
{
    double q = 2 / (m + n) * (all - within_x - within_y);

    if (n > 1)
        q -= 2 * m / ((m + n) * (n - 1)) * within_x;
    if (m > 1)
        q -= 2 * n / ((m + n) * (m - 1)) * within_y;
    return q;
}

/* One more value, x[last]: within[tau] = sum of |x_i - x_k| over pairs of x[tau..last]. */
static void extend(double *within, const double *x, size_t last)
{
    double column = 0;

    for (size_t tau = last; tau-- > 0;) {
        column += fabs(x[tau] - x[last]);
        within[tau] += column;
    }
}

int stats_best_split(const double *x, size_t n, struct split *out, struct err *e)
{
    double *within = mem_calloc(2 * n + 1, sizeof *within), *first;

    *out = (struct split){NAN, 0, 0};
    if (!within)
        return err_nomem(e);
    first = within + n; /* first[k]: over the first k values */
    for (size_t kappa = 1; kappa <= n; kappa++) {
        extend(within, x, kappa - 1);
        first[kappa] = within[0];
        for (size_t tau = 1; tau < kappa; tau++) {
            double q = distance(within[0], first[tau], within[tau], (double)tau,
                                (double)(kappa - tau));
            if (isnan(out->q) || q > out->q || (q == out->q && tau < out->at))
                *out = (struct split){q, tau, kappa};
        }
    }
    mem_free(within);
    return 0;
}

/* --- is it a change? ---------------------------------------------------------------------- */

/* Mean and population sd: Otava feeds the sd with n into the pooled t-test; so do we, for
 * parity. */
static struct moments moments_of(const double *x, size_t from, size_t to)
{
    double n = (double)(to - from), mean = stats_mean(x + from, to - from), squares = 0;

    for (size_t i = from; i < to; i++)
        squares += (x[i] - mean) * (x[i] - mean);
    return (struct moments){mean, sqrt(squares / n), n};
}

static double relative(double from, double to)
{
    return from == 0 ? 0 : fabs(to / from - 1);
}

/* What changed at c->at, between the neighbours from and to. */
static void judge(struct change *c, const double *x, size_t from, size_t to)
{
    struct moments a = moments_of(x, from, c->at), b = moments_of(x, c->at, to);
    struct t_test t = stats_pooled_t(a, b);

    c->before = a.mean;
    c->after = b.mean;
    c->p = isnan(t.p) ? 1 : t.p;
    c->magnitude = fmax(relative(a.mean, b.mean), relative(b.mean, a.mean));
}

static size_t start_of(const struct change *v, size_t i)
{
    return i ? v[i - 1].at : 0;
}

static size_t end_of(const struct change *v, size_t n_changes, size_t i, size_t n)
{
    return i < n_changes ? v[i].at : n;
}

/* Puts c into v, which is in order of place; one that is there already is left as it is. */
static void insert(struct change *v, size_t *n, struct change c)
{
    size_t at = 0;

    while (at < *n && v[at].at < c.at)
        at++;
    if (at < *n && v[at].at == c.at)
        return;
    memmove(v + at + 1, v + at, (*n - at) * sizeof *v);
    v[at] = c;
    ++*n;
}

/* Splits x[0..n) where Q is largest over all intervals, as long as that is significant; found has
 * room for n. */
static int divide(const double *x, size_t n, double max_p, struct change *found, size_t *n_found,
                  struct err *e)
{
    for (*n_found = 0; *n_found + 1 < n;) {
        struct change best = {.q = 0};
        size_t from = 0, to = 0;
        for (size_t i = 0; i <= *n_found; i++) {
            size_t a = start_of(found, i), b = end_of(found, *n_found, i, n);
            struct split s;
            if (stats_best_split(x + a, b - a, &s, e) < 0)
                return -1;
            if (s.q > best.q) {
                best = (struct change){.at = a + s.at, .q = s.q};
                from = a;
                to = b;
            }
        }
        if (best.q > 0)
            judge(&best, x, from, to);
        if (!(best.q > 0 && best.p < max_p))
            break;
        insert(found, n_found, best);
    }
    return 0;
}

/* --- windows and merging ------------------------------------------------------------------ */

/* A first pass with weak evidence; merge() then asks for max_p. */
static double weak(double max_p)
{
    return max_p < 0.05 ? 10 * max_p : max_p < 0.5 ? 2 * max_p : max_p;
}

static int divide_windows(const double *x, size_t n, const struct change_opts *o,
                          struct change *v, size_t *n_v, struct change *found, struct err *e)
{
    size_t start = 0, step = o->window / 2;

    *n_v = 0;
    while (start < n) {
        size_t n_found, length = n - start < o->window ? n - start : o->window, last = 0;
        if (divide(x + start, length, weak(o->max_p), found, &n_found, e) < 0)
            return -1;
        for (size_t i = 0; i < n_found; i++) {
            found[i].at += start;
            last = found[i].at;
            insert(v, n_v, found[i]);
        }
        start = last > start + step ? last : start + step;
    }
    return 0;
}

/* The change to drop next: the one with the largest p if that is not below max_p, else the smallest
 * if it is not above min_magnitude; n: all may stay. */
static size_t weakest(const struct change *v, size_t n, const struct change_opts *o)
{
    size_t doubtful = 0, small = 0;

    for (size_t i = 1; i < n; i++) {
        if (v[i].p > v[doubtful].p)
            doubtful = i;
        if (v[i].magnitude < v[small].magnitude)
            small = i;
    }
    if (n && v[doubtful].p >= o->max_p)
        return doubtful;
    return n && v[small].magnitude <= o->min_magnitude ? small : n;
}

static void merge(const double *x, size_t n, const struct change_opts *o, struct change *v,
                  size_t *n_v)
{
    size_t i;

    for (i = 0; i < *n_v; i++)
        judge(&v[i], x, start_of(v, i), end_of(v, *n_v, i + 1, n));
    while ((i = weakest(v, *n_v, o)) < *n_v) {
        memmove(v + i, v + i + 1, (*n_v - i - 1) * sizeof *v);
        --*n_v;
        /* both neighbours now reach further */
        for (size_t k = i ? i - 1 : 0; k <= i && k < *n_v; k++)
            judge(&v[k], x, start_of(v, k), end_of(v, *n_v, k + 1, n));
    }
}

int stats_changes(const double *x, size_t n, const struct change_opts *o, struct change *out,
                  size_t *n_out, struct err *e)
{
    struct change *found;
    int rc;

    *n_out = 0;
    if (o->window < 2)
        return err_set(e, ERR_USAGE, "a window of %zu values holds no change", o->window);
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return err_set(e, ERR_NUMERIC, "value %zu of the series is not a number", i);
    found = mem_calloc(n + 1, sizeof *found);
    if (!found)
        return err_nomem(e);
    rc = divide_windows(x, n, o, out, n_out, found, e);
    mem_free(found);
    if (rc == 0)
        merge(x, n, o, out, n_out);
    return rc;
}

/* --- threshold ---------------------------------------------------------------------------- */

int stats_step_threshold(const double *x, size_t n, size_t min_history, double *out,
                         struct err *e)
{
    size_t steps = n - (n > 0), half;
    double *step, low, high;

    *out = STATS_THRESHOLD_NEW;
    if (n < min_history || steps < 3)
        return 0;
    step = mem_calloc(steps, sizeof *step);
    if (!step)
        return err_nomem(e);
    for (size_t i = 0; i < steps; i++)
        step[i] = fabs(x[i] - x[i + 1]) / x[i];
    stats_sort(step, steps);
    /* lower part: before the middle one or two; upper part: behind them */
    half = steps % 2 ? steps / 2 : steps / 2 - 1;
    low = stats_median(step, half);
    high = stats_median(step + steps / 2 + 1, steps - steps / 2 - 1);
    *out = high + 3 * (high - low);
    mem_free(step);
    return 0;
}
