/* audit.h -- a stored run's numbers recomputed from its items.
 *
 * Values and times from items, credits from likelihoods, counts from what the run expected; of
 * banks of facts the bits too.  A metric whose way from items to a number is known only to a task
 * file is counted, not judged. */
#ifndef HARNESS_AUDIT_H
#define HARNESS_AUDIT_H

#include "results/query.h"

/* Says a line for each defect (at most twenty a task) and returns how many there are, or -1.
 * *unknown grows by the numbers that could not be recomputed. */
int audit_run(struct store *s, const struct run_row *r,
              void (*say)(void *user, const char *line), void *user, int *unknown, struct err *e);

#endif
