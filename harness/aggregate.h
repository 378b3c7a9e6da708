/* aggregate.h -- the values of a task's items to one number with its uncertainty.  Pure.
 *
 * Which way is named by tasks/task.h (task_aggregation).  Standard errors are lm-eval's: Bessel's
 * for means, its seeded bootstrap for perplexities; what lm-eval calls "N/A" is NAN.  Intervals are
 * 95 %: Wilson's for shares of right and wrong, mean +- 1.96 standard errors for other means,
 * percentiles of the bootstrap over documents for the rest. */
#ifndef HARNESS_AGGREGATE_H
#define HARNESS_AGGREGATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct estimate {
    double value, stderr_, low, high;
};

/* v[i], w[i]: value and weight of item i (struct credit).  iterations: replicates of lm-eval's
 * bootstrap, 100,000 in lm-eval; less costs precision of the standard error only.  An unknown
 * aggregation is ERR_UNSUPPORTED. */
enum { LMEVAL_ITERATIONS = 100000 };
int aggregate(const char *aggregation, const double *v, const double *w, size_t n,
              int iterations, struct estimate *out, struct err *e);

/* Standard deviation of `iterations` values of exp(-mean) over items redrawn as lm-eval redraws
 * them: chunk i of 1,000 uses random.Random(i).choices.  The replicates go to `replicates` (as
 * many as iterations rounded down to whole chunks), whose number is returned; 0 when n is 0. */
size_t lmeval_bootstrap(const double *v, size_t n, int iterations, double *replicates);

/* Values of one metric and filter, growing. */
struct series {
    char *metric, *filter;
    double *v, *w;
    size_t n, cap_v, cap_w;
};
struct series_set {
    struct series *s;
    size_t n, cap;
};
int series_add(struct series_set *set, const char *metric, const char *filter, double v,
               double w, struct err *e);
void series_release(struct series_set *set);

#endif
