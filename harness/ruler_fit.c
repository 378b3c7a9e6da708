/* ruler_fit.c -- the two steps of the parametric ruler, each by bounded least squares from several
 * starts: the surfaces have flat valleys, and the best of the minima found is the fit. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "harness/ruler_impl.h"
#include "harness/stats.h"
#include "harness/stats_fit.h"

double sigmoid(const double *k, double x)
{
    return k[0] / (1 + exp(-k[1] * (x - k[2]))) + k[3];
}

/* 1 - sum of squares over those about the mean. */
static double explained(const double *y, size_t n, double rms)
{
    double mean = stats_mean(y, n), total = 0;

    for (size_t i = 0; i < n; i++)
        total += (y[i] - mean) * (y[i] - mean);
    return total > 0 ? 1 - (double)n * rms * rms / total : NAN;
}

/* The best minimum reached from the starts, into best. */
static int best_of(const struct stats_fit *f, const double (*starts)[STATS_FIT_PARAMS],
                   int n_starts, double *best, double *rms, struct err *e)
{
    int found = 0;

    for (int i = 0; i < n_starts; i++) {
        double p[STATS_FIT_PARAMS], here;
        struct err why = ERR_NONE;
        memcpy(p, starts[i], sizeof p);
        if (stats_fit(f, p, &here, &why) < 0) {
            if (why.code == ERR_NOMEM)
                return err_nomem(e);
            continue;
        }
        if (!found || here < *rms) {
            *rms = here;
            memcpy(best, p, sizeof p);
        }
        found = 1;
    }
    return found ? 0 : err_set(e, ERR_NUMERIC, "no curve could be fitted to %zu points", f->n);
}

struct losses {
    const struct ruler_loss *v;
    size_t n;
};

/* p: ln a, alpha, ln b, beta, E. */
static void loss_residuals(void *user, const double *p, double *r)
{
    const struct losses *l = user;

    for (size_t i = 0; i < l->n; i++)
        r[i] = log(exp(p[0] - p[1] * log(l->v[i].params)) +
                   exp(p[2] - p[3] * log(l->v[i].tokens)) + p[4]) -
               log(l->v[i].nats);
}

int ruler_fit_loss(const struct ruler_loss *v, size_t n, int with_e, double huber,
                   double *constants, double *rms, double *r2, struct err *e)
{
    static const double starts[][STATS_FIT_PARAMS] = {
        {11, 0.55, 7, 0.25, 0.3}, {7, 0.35, 7, 0.27, 0.1}, {12, 0.6, 12, 0.5, 0.9},
        {5, 0.25, 5, 0.2, 0},     {8, 0.4, 10, 0.4, 0.5},
    };
    struct losses l = {v, n};
    struct stats_fit f = {.n_params = 5, .n = n, .huber = huber, .f = loss_residuals, .user = &l,
                          .low = {-20, 0.01, -20, 0.01, 0},
                          .high = {60, 3, 60, 3, with_e ? 20 : 0}};
    double p[STATS_FIT_PARAMS] = {0}, *y;

    if (n < 6)
        return err_set(e, ERR_INVALID, "a loss curve of %d constants needs more than %zu points",
                       5, n);
    for (size_t i = 0; i < n; i++)
        if (!(v[i].params > 0 && v[i].tokens > 0 && v[i].nats > 0))
            return err_set(e, ERR_INVALID, "point %zu of a loss curve has no size, data or loss",
                           i + 1);
    y = mem_calloc(n, sizeof *y);
    if (!y)
        return err_nomem(e);
    for (size_t i = 0; i < n; i++)
        y[i] = log(v[i].nats);
    if (best_of(&f, starts, sizeof starts / sizeof *starts, p, rms, e) < 0) {
        mem_free(y);
        return -1;
    }
    *r2 = explained(y, n, *rms);
    mem_free(y);
    constants[0] = exp(p[0]);
    constants[1] = p[1];
    constants[2] = exp(p[2]);
    constants[3] = p[3];
    constants[4] = p[4];
    return 0;
}

struct points {
    const double *x, *y;
    size_t n;
};

/* p: top, gamma, l, d, so that the ceiling is a bound of the box. */
static void sigmoid_residuals(void *user, const double *p, double *r)
{
    const struct points *v = user;
    const double k[4] = {p[0] - p[3], p[1], p[2], p[3]};

    for (size_t i = 0; i < v->n; i++)
        r[i] = sigmoid(k, v->x[i]) - v->y[i];
}

int ruler_fit_sigmoid(const double *x, const double *score, size_t n, enum ruler_form form,
                      double d, double huber, double *constants, double *rms, double *r2,
                      struct err *e)
{
    struct points v = {x, score, n};
    struct stats_fit f = {.n_params = 4, .n = n, .huber = huber, .f = sigmoid_residuals,
                          .user = &v};
    double starts[18][STATS_FIT_PARAMS], p[STATS_FIT_PARAMS], low = INFINITY, high = -INFINITY;
    double worst = INFINITY, best = -INFINITY, rises = stats_line(x, score, n).slope;
    int k = 0;

    if (n <= (size_t)form || !isfinite(rises))
        return err_set(e, ERR_INVALID, "a curve of %d constants needs more than %zu points",
                       form, n);
    for (size_t i = 0; i < n; i++) {
        low = fmin(low, x[i]);
        high = fmax(high, x[i]);
        worst = fmin(worst, score[i]);
        best = fmax(best, score[i]);
    }
    f.low[0] = form == FORM_CHANCE ? 1 : d;
    f.high[0] = 1;
    f.low[1] = rises < 0 ? -100 : 1e-3;
    f.high[1] = rises < 0 ? -1e-3 : 100;
    f.low[2] = low - 20 * (high - low);
    f.high[2] = high + 20 * (high - low);
    f.low[3] = form == FORM_FREE ? 0 : d;
    f.high[3] = form == FORM_FREE ? 1 : d;
    for (int steep = 1; steep <= 16; steep *= 4)
        for (int where = 0; where < 3; where++)
            for (int top = 0; top < 2; top++, k++) {
                starts[k][0] = form == FORM_CHANCE ? 1 : top ? 1 : fmin(1, best + 0.02);
                starts[k][1] = copysign(steep / (high - low), rises);
                starts[k][2] = low + where * (high - low) / 2;
                starts[k][3] = form == FORM_FREE ? fmax(0, worst - 0.01) : d;
                memset(&starts[k][4], 0, sizeof(double) * (STATS_FIT_PARAMS - 4));
            }
    if (best_of(&f, (const double (*)[STATS_FIT_PARAMS])starts, k, p, rms, e) < 0)
        return -1;
    *r2 = explained(score, n, *rms);
    constants[0] = p[0] - p[3];
    constants[1] = p[1];
    constants[2] = p[2];
    constants[3] = p[3];
    return 0;
}
