/* lmeval_filter.h -- filter_list: what is cut out of generated texts (evaluation.md 2.6); private
 * to tasks/.
 *
 * A pipeline's steps are lm-eval's filters, a row each; as there, a step after take_first sees the
 * characters of the one text.  What is read lives in the arena but for the patterns
 * (pipelines_release).  A filter of Python code, or whose answers nothing here reads, leaves a task
 * that can be shown and not scored.  Read only once read; any thread. */
#ifndef TASKS_LMEVAL_FILTER_H
#define TASKS_LMEVAL_FILTER_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "tasks/yamldoc.h"

struct filter_step;
struct pipeline {
    const char *name;
    const struct ynode *node; /* for errors; NULL: the default pipeline */
    struct filter_step *steps;
    int n_steps;
};
struct pipelines { /* zeroed: none */
    struct pipeline *v;
    int n;
    const struct ynode *missing; /* the first filter that cannot be run here; NULL: all can */
};

/* list: the value of filter_list; NULL: one pipeline "none" of take_first alone. */
int pipelines_read(struct pipelines *out, struct arena *a, const struct ynode *list,
                   struct err *e);
void pipelines_release(struct pipelines *p);

/* What is left of n > 0 texts that answer `doc`: mem_free(*out); *out is NULL where lm-eval has
 * None (a map without that key).  Errors name the pipeline's place. */
int pipeline_run(const struct pipeline *p, const char *const *texts, int n, const cJSON *doc,
                 char **out, struct err *e);

#endif
