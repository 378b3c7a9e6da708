#include "harness/stats_fit.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "harness/stats.h"

enum { STEPS = 500 };

struct state {
    const struct stats_fit *fit;
    double *r, *trial, *slopes; /* n, n, n_params * n */
    double bend;                /* Huber's; infinity: none */
};

/* r' with r'^2 = Huber's loss. */
static double huber(double r, double at)
{
    double size = fabs(r);

    return size <= at ? r : copysign(sqrt(2 * at * size - at * at), r);
}

static double residuals(const struct state *s, const double *p, double *r)
{
    double sum = 0;

    s->fit->f(s->fit->user, p, r);
    for (size_t i = 0; i < s->fit->n; i++) {
        r[i] = huber(r[i], s->bend);
        sum += r[i] * r[i];
    }
    return sum;
}

static void slopes(const struct state *s, const double *p)
{
    const struct stats_fit *f = s->fit;
    double q[STATS_FIT_PARAMS];

    memcpy(q, p, sizeof q);
    for (int k = 0; k < f->n_params; k++) {
        double *row = s->slopes + (size_t)k * f->n, step = 6e-6 * fmax(fabs(p[k]), 1e-2);
        double up = fmin(p[k] + step, f->high[k]), down = fmax(p[k] - step, f->low[k]);
        q[k] = up;
        residuals(s, q, row);
        q[k] = down;
        residuals(s, q, s->trial);
        for (size_t i = 0; i < f->n; i++)
            row[i] = up > down ? (row[i] - s->trial[i]) / (up - down) : 0;
        q[k] = p[k];
    }
}

/* Solves a x = b in place, rows of a STATS_FIT_PARAMS long; 0, or -1: singular. */
static int solve(double a[][STATS_FIT_PARAMS], double *b, int n)
{
    for (int k = 0; k < n; k++) {
        int best = k;
        for (int i = k + 1; i < n; i++)
            if (fabs(a[i][k]) > fabs(a[best][k]))
                best = i;
        if (!(fabs(a[best][k]) > 1e-300))
            return -1;
        for (int j = 0; j < n; j++) {
            double t = a[k][j];
            a[k][j] = a[best][j];
            a[best][j] = t;
        }
        double t = b[k];
        b[k] = b[best];
        b[best] = t;
        for (int i = k + 1; i < n; i++) {
            double f = a[i][k] / a[k][k];
            for (int j = k; j < n; j++)
                a[i][j] -= f * a[k][j];
            b[i] -= f * b[k];
        }
    }
    for (int k = n - 1; k >= 0; k--) {
        for (int j = k + 1; j < n; j++)
            b[k] -= a[k][j] * b[j];
        b[k] /= a[k][k];
    }
    return 0;
}

/* The step that damping lambda asks for; parameters that press against a bound stay. */
static int step(const struct state *s, const double *p, double lambda, double *q)
{
    const struct stats_fit *f = s->fit;
    double a[STATS_FIT_PARAMS][STATS_FIT_PARAMS], b[STATS_FIT_PARAMS];
    int use[STATS_FIT_PARAMS], n = 0;

    for (int k = 0; k < f->n_params; k++) {
        double g = 0, size = 0;
        for (size_t i = 0; i < f->n; i++) {
            double d = s->slopes[(size_t)k * f->n + i];
            g -= d * s->r[i];
            size += d * d;
        }
        if (!(size > 0) || (p[k] <= f->low[k] && g < 0) || (p[k] >= f->high[k] && g > 0))
            continue;
        b[n] = g;
        use[n++] = k;
    }
    for (int x = 0; x < n; x++)
        for (int y = 0; y < n; y++) {
            double sum = 0;
            for (size_t i = 0; i < f->n; i++)
                sum += s->slopes[(size_t)use[x] * f->n + i] * s->slopes[(size_t)use[y] * f->n + i];
            a[x][y] = x == y ? sum * (1 + lambda) + 1e-300 : sum;
        }
    if (n == 0 || solve(a, b, n) < 0)
        return -1;
    memcpy(q, p, sizeof(double) * STATS_FIT_PARAMS);
    for (int x = 0; x < n; x++)
        q[use[x]] = fmin(fmax(p[use[x]] + b[x], f->low[use[x]]), f->high[use[x]]);
    return 0;
}

static void minimise(struct state *s, double *p)
{
    double q[STATS_FIT_PARAMS], lambda = 1e-3, sum = residuals(s, p, s->r);
    int calm = 0;

    for (int i = 0; i < STEPS && calm < 3; i++) {
        slopes(s, p);
        for (;;) {
            double next;
            if (step(s, p, lambda, q) < 0)
                return;
            next = residuals(s, q, s->trial);
            if (next < sum) {
                calm = sum - next <= 1e-15 * sum ? calm + 1 : 0;
                sum = residuals(s, q, s->r);
                memcpy(p, q, sizeof q);
                lambda = fmax(lambda / 10, 1e-12);
                break;
            }
            lambda *= 10;
            if (lambda > 1e12)
                return;
        }
    }
}

int stats_fit(const struct stats_fit *fit, double *p, double *rms, struct err *e)
{
    struct state s = {.fit = fit, .bend = fit->huber > 0 ? fit->huber : INFINITY};
    double at[STATS_FIT_PARAMS] = {0}, sum;
    double *work = mem_calloc(fit->n, sizeof(double) * (2 + (size_t)fit->n_params));

    if (!work)
        return err_nomem(e);
    s.r = work;
    s.trial = work + fit->n;
    s.slopes = work + 2 * fit->n;
    for (int k = 0; k < fit->n_params; k++)
        at[k] = fmin(fmax(p[k], fit->low[k]), fit->high[k]);
    minimise(&s, at);
    s.bend = INFINITY;
    sum = residuals(&s, at, s.r);
    memcpy(p, at, sizeof(double) * (size_t)fit->n_params);
    *rms = sqrt(sum / (double)fit->n);
    mem_free(work);
    return isfinite(sum) ? 0
                         : err_set(e, ERR_NUMERIC, "a fit of %zu points left the numbers", fit->n);
}

struct stats_line stats_line(const double *x, const double *y, size_t n)
{
    double mx = stats_mean(x, n), my = stats_mean(y, n), xx = 0, xy = 0, yy = 0;
    struct stats_line l = {NAN, NAN, NAN};

    for (size_t i = 0; i < n; i++) {
        xx += (x[i] - mx) * (x[i] - mx);
        xy += (x[i] - mx) * (y[i] - my);
        yy += (y[i] - my) * (y[i] - my);
    }
    if (n < 2 || !(xx > 0))
        return l;
    l.slope = xy / xx;
    l.offset = my - l.slope * mx;
    l.r2 = yy > 0 ? xy * xy / (xx * yy) : NAN;
    return l;
}

static double end_slope(double h0, double h1, double d0, double d1)
{
    double m = ((2 * h0 + h1) * d0 - h0 * d1) / (h0 + h1);

    if (m * d0 <= 0)
        return 0;
    return d0 * d1 <= 0 && fabs(m) > fabs(3 * d0) ? 3 * d0 : m;
}

/* The slope of the curve in node i. */
static double node_slope(const double *x, const double *y, size_t n, size_t i)
{
    double h0, h1, d0, d1, w0, w1;

    if (n == 2)
        return (y[1] - y[0]) / (x[1] - x[0]);
    if (i == 0)
        return end_slope(x[1] - x[0], x[2] - x[1], (y[1] - y[0]) / (x[1] - x[0]),
                         (y[2] - y[1]) / (x[2] - x[1]));
    if (i == n - 1)
        return end_slope(x[n - 1] - x[n - 2], x[n - 2] - x[n - 3],
                         (y[n - 1] - y[n - 2]) / (x[n - 1] - x[n - 2]),
                         (y[n - 2] - y[n - 3]) / (x[n - 2] - x[n - 3]));
    h0 = x[i] - x[i - 1];
    h1 = x[i + 1] - x[i];
    d0 = (y[i] - y[i - 1]) / h0;
    d1 = (y[i + 1] - y[i]) / h1;
    if (d0 * d1 <= 0)
        return 0;
    w0 = 2 * h1 + h0;
    w1 = h1 + 2 * h0;
    return (w0 + w1) / (w0 / d0 + w1 / d1);
}

double stats_pchip(const double *x, const double *y, size_t n, double at)
{
    double h, t, m0, m1;
    size_t i = 0;

    while (i + 2 < n && at > x[i + 1])
        i++;
    h = x[i + 1] - x[i];
    t = (at - x[i]) / h;
    m0 = node_slope(x, y, n, i) * h;
    m1 = node_slope(x, y, n, i + 1) * h;
    return y[i] * (1 + 2 * t) * (1 - t) * (1 - t) + m0 * t * (1 - t) * (1 - t) +
           y[i + 1] * t * t * (3 - 2 * t) + m1 * t * t * (t - 1);
}
