/* shots.h -- the examples in front of a question: private to tasks/. */
#ifndef TASKS_SHOTS_H
#define TASKS_SHOTS_H

#include "base/rng.h"
#include "tasks/recipe.h"

/* How many a task of that row shows; asked < 0: as many as the convention.  A whole text has no
 * place for examples: 0, whatever is asked. */
int shots_used(const struct task_row *row, int asked);

/* For a task whose documents are read: fills its pool, and draws t->shots of it for each document.
 * What it took is released with the task, also on failure. */
int shots_open(struct task *t, const struct task_opts *o, struct err *e);

/* The generator of document i when each has its own: a hash of seed, task and document, so that an
 * item's shots depend on nothing else. */
int shots_seed(struct rng *r, const char *task, uint64_t seed, int i, struct err *e);

#endif
