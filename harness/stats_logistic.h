/* stats_logistic.h -- the chance of yes from a few numbers.  Pure; any thread.
 *
 * Logistic regression by Newton's steps on standardised columns with a ridge of `penalty` on every
 * weight but the constant, so that separable data has an answer too (Cox 1958; Hoerl and Kennard
 * 1970; le Cessie and van Houwelingen 1992). */
#ifndef HARNESS_STATS_LOGISTIC_H
#define HARNESS_STATS_LOGISTIC_H

#include <stddef.h>

#include "base/err.h"

enum { LOGISTIC_COLUMNS = 8 };

struct logistic {
    int n_columns;
    double weight[LOGISTIC_COLUMNS + 1]; /* the last: the constant */
    double mean[LOGISTIC_COLUMNS], sd[LOGISTIC_COLUMNS]; /* sd 0: a column that says nothing */
};
/* x[i * n_columns + c]; y[i] in 0..1; use[i] 0: row i does not count (use NULL: all do). */
void logistic_fit(struct logistic *m, const double *x, const double *y, const char *use, size_t n,
                  int n_columns, double penalty);
double logistic_chance(const struct logistic *m, const double *row);

/* chance[i] from a fit on all rows whose fold[i] is another.  A NAN in a row: its chance is NAN. */
int logistic_held_out(const double *x, const double *y, const int *fold, int n_folds, size_t n,
                      int n_columns, double penalty, double *chance, struct err *e);

#endif
