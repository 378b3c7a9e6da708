/* lmeval_results.h -- what stands for the process_results of lm-eval's own tasks, known by the hash
 * of its text (lmeval_functions.c): private to tasks/lmeval_*.c.
 *
 * A way turns what a model said about one document into numbers, a metric each.  The metrics of a
 * task file that its way does not name leave a task that can be shown and not scored.  Read only;
 * any thread. */
#ifndef TASKS_LMEVAL_RESULTS_H
#define TASKS_LMEVAL_RESULTS_H

#include "base/err.h"
#include "base/json.h"
#include "tasks/lmeval_metric.h"

enum { WAY_METRICS = 12 };

struct result_in {
    const cJSON *doc;
    const char *arg;            /* the row's: a column, a language; or NULL */
    const char *answer;         /* generated and filtered; else "" */
    const char *const *choices; /* [n] */
    const double *ll;           /* [n] of choices, [1] of a rolling document */
    int n;
    const char *target; /* of a rolling document: what was scored */
};

struct result_way {
    const char *name;
    /* Ended by a name of NULL, or full. */
    struct metric_rule metrics[WAY_METRICS];
    /* values and weights [WAY_METRICS]: weights are 1 unless set.  Errors say what the document
     * lacks. */
    int (*score)(const struct result_in *in, double *values, double *weights, struct err *e);
};
const struct result_way *result_way_find(const char *name); /* NULL: no such way */

/* lmeval_results_text.c, lmeval_results_math.c */
extern const struct result_way result_ways_text[], result_ways_math[];
extern const size_t n_result_ways_text, n_result_ways_math;

#endif
