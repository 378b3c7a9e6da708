/* present.h -- a stored run for people and as JSON: what eval, show and bench print. */
#ifndef HARNESS_PRESENT_H
#define HARNESS_PRESENT_H

#include "harness/context.h"
#include "results/query.h"

/* "acc", or "exact_match,strict-match" when a filter other than "none" made it. */
void metric_key(char *key, size_t size, const char *metric, const char *filter);

/* Members run, label, model, numerics, device, threads, status and tasks[] / groups[] / bench[] of
 * an object that the caller has begun. */
int present_run_json(struct json_out *o, struct store *s, const struct run_row *r, struct err *e);

/* The run's speed tests, an object each, into an array that the caller has begun. */
int present_bench_rows(struct json_out *o, struct store *s, const struct run_row *r,
                       struct err *e);

/* The same as tables, with a line about the model first. */
int present_run_text(const struct context *c, struct store *s, const struct run_row *r,
                     struct err *e);

#endif
