/* audit.h -- a stored run's numbers recomputed from its items.
 *
 * Values and times from items, credits from likelihoods, counts from what the run expected; of
 * banks of facts the bits too; speeds from samples, latencies from requests, joules from meters.  A
 * metric whose way from items to a number is known only to a task file is counted, not judged. */
#ifndef HARNESS_AUDIT_H
#define HARNESS_AUDIT_H

#include "results/query.h"

/* audit_speed.c: speeds from samples, a scenario's numbers from its requests, joules from what the
 * meters said.  As audit_run, which calls it. */
int audit_speed(struct store *s, const struct run_row *r,
                void (*say)(void *user, const char *line), void *user, struct err *e);

/* Says a line for each defect (at most twenty a task) and returns how many there are, or -1.
 * *unknown grows by the numbers that could not be recomputed. */
int audit_run(struct store *s, const struct run_row *r,
              void (*say)(void *user, const char *line), void *user, int *unknown, struct err *e);

#endif
