#include "harness/stats_logistic.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"

enum { STEPS = 50, SIZE = LOGISTIC_COLUMNS + 1 };

static int counts(const double *row, const char *use, size_t i, int n)
{
    if (use && !use[i])
        return 0;
    for (int c = 0; c < n; c++)
        if (!isfinite(row[c]))
            return 0;
    return 1;
}

static void standardise(struct logistic *m, const double *x, const char *use, size_t n)
{
    double k = 0, squares[LOGISTIC_COLUMNS] = {0};

    for (size_t i = 0; i < n; i++) {
        const double *row = x + i * (size_t)m->n_columns;
        if (!counts(row, use, i, m->n_columns))
            continue;
        k++;
        for (int c = 0; c < m->n_columns; c++) {
            double d = row[c] - m->mean[c];
            m->mean[c] += d / k;
            squares[c] += d * (row[c] - m->mean[c]);
        }
    }
    for (int c = 0; c < m->n_columns; c++)
        m->sd[c] = k > 1 ? sqrt(squares[c] / (k - 1)) : 0;
}

/* z[n_columns + 1]: the standardised row and the constant's 1; returns the chance. */
static double place(const struct logistic *m, const double *row, double *z)
{
    double sum = m->weight[m->n_columns];

    for (int c = 0; c < m->n_columns; c++) {
        z[c] = m->sd[c] > 0 ? (row[c] - m->mean[c]) / m->sd[c] : 0;
        sum += m->weight[c] * z[c];
    }
    z[m->n_columns] = 1;
    return 1 / (1 + exp(-sum));
}

/* Solves a x = b in place by elimination; a is symmetric and, by the ridge, positive definite. */
static void solve(double a[SIZE][SIZE], double *b, int n)
{
    for (int k = 0; k < n; k++)
        for (int i = k + 1; i < n; i++) {
            double f = a[i][k] / a[k][k];
            for (int j = k; j < n; j++)
                a[i][j] -= f * a[k][j];
            b[i] -= f * b[k];
        }
    for (int k = n - 1; k >= 0; k--) {
        for (int j = k + 1; j < n; j++)
            b[k] -= a[k][j] * b[j];
        b[k] /= a[k][k];
    }
}

/* One of Newton's steps; returns the largest change of a weight. */
static double step(struct logistic *m, const double *x, const double *y, const char *use, size_t n,
                   double penalty)
{
    int d = m->n_columns + 1;
    double a[SIZE][SIZE] = {{0}}, b[SIZE] = {0}, z[SIZE], moved = 0;

    for (size_t i = 0; i < n; i++) {
        const double *row = x + i * (size_t)m->n_columns;
        double p, w;
        if (!counts(row, use, i, m->n_columns))
            continue;
        p = place(m, row, z);
        w = fmax(p * (1 - p), 1e-9);
        for (int r = 0; r < d; r++) {
            b[r] += (y[i] - p) * z[r];
            for (int c = 0; c < d; c++)
                a[r][c] += w * z[r] * z[c];
        }
    }
    for (int c = 0; c < d; c++) {
        double ridge = c < m->n_columns ? penalty : 1e-9;
        a[c][c] += ridge;
        b[c] -= ridge * m->weight[c];
    }
    solve(a, b, d);
    for (int c = 0; c < d; c++) {
        m->weight[c] += fmin(fmax(b[c], -5), 5);
        moved = fmax(moved, fabs(b[c]));
    }
    return moved;
}

void logistic_fit(struct logistic *m, const double *x, const double *y, const char *use, size_t n,
                  int n_columns, double penalty)
{
    memset(m, 0, sizeof *m);
    m->n_columns = n_columns;
    standardise(m, x, use, n);
    for (int i = 0; i < STEPS && step(m, x, y, use, n, penalty) > 1e-10; i++)
        ;
}

double logistic_chance(const struct logistic *m, const double *row)
{
    double z[SIZE];

    return counts(row, NULL, 0, m->n_columns) ? place(m, row, z) : NAN;
}

int logistic_held_out(const double *x, const double *y, const int *fold, int n_folds, size_t n,
                      int n_columns, double penalty, double *chance, struct err *e)
{
    char *use = mem_alloc(n);

    if (!use)
        return err_nomem(e);
    for (int f = 0; f < n_folds; f++) {
        struct logistic m;
        for (size_t i = 0; i < n; i++)
            use[i] = fold[i] != f;
        logistic_fit(&m, x, y, use, n, n_columns, penalty);
        for (size_t i = 0; i < n; i++)
            if (fold[i] == f)
                chance[i] = logistic_chance(&m, x + i * (size_t)n_columns);
    }
    mem_free(use);
    return 0;
}
