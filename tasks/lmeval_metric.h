/* lmeval_metric.h -- metric_list: which numbers a task gives, and their options (evaluation.md
 * 2.5); private to tasks/.
 *
 * A task with a metric that lm-eval knows and that is not native here, or that Python code counts,
 * can be shown and not scored; any other name is refused.  What is read lives
 * in the arena but for the patterns (metrics_release). */
#ifndef TASKS_LMEVAL_METRIC_H
#define TASKS_LMEVAL_METRIC_H

#include "base/arena.h"
#include "base/err.h"
#include "tasks/yamldoc.h"

enum output_type { /* of a task; bits of metric_rule.outputs */
    OUTPUT_LIKELIHOOD = 1, OUTPUT_CHOICE = 2, OUTPUT_ROLLING = 4, OUTPUT_GENERATE = 8,
};

struct metric_rule {
    const char *name;
    int outputs; /* types that give it; with others lm-eval leaves it out */
    const char *aggregation; /* NULL: lm-eval has none, a task's own is needed */
};

struct likeness;
struct pyregex;
struct metric_use {
    const struct metric_rule *rule;
    const struct likeness *likeness; /* counts it; NULL: the rule's own way */
    const char *aggregation; /* the rule's, or that of a function that is known */
    const struct ynode *node; /* for errors; NULL: a default */
    int ignore_case, ignore_punctuation, ignore_numbers;
    struct pyregex **ignore;
    int n_ignore;
};
struct metrics { /* zeroed: none */
    struct metric_use *v;
    int n;
    const struct ynode *missing; /* the first that is not native; NULL: all are */
};

struct result_way;
/* list: the value of metric_list; NULL: what lm-eval takes for this type of output.  any: the task
 * has a process_results of its own, so that a metric may be called anything.  way: one that is
 * known, whose metrics are then the only ones; or NULL. */
int metrics_read(struct metrics *out, struct arena *a, const struct ynode *list,
                 enum output_type type, int any, const struct result_way *way, struct err *e);
void metrics_release(struct metrics *m);
const struct metric_use *metrics_find(const struct metrics *m, const char *name); /* or NULL */

/* exact_match of two texts under the options of m: 1, 0, -1. */
int metric_same(const struct metric_use *m, const char *got, const char *want, struct err *e);

#endif
