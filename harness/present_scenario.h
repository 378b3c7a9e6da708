/* present_scenario.h -- rows of bench --scenario for people and as JSON. */
#ifndef HARNESS_PRESENT_SCENARIO_H
#define HARNESS_PRESENT_SCENARIO_H

#include "harness/context.h"
#include "results/query.h"

/* Is the row about requests (or about opening the model), not about tokens of a test? */
int scenario_is(const struct store_bench *b);

/* Members "scenario": every value, and "requests": one object each, in order of arrival. */
int scenario_json(struct json_out *o, struct store *s, const char *run_id,
                  const struct store_bench *b, struct err *e);

/* The tables of those rows; nothing where there is none. */
int scenario_text(const struct context *c, const struct bench_list *l, struct err *e);

#endif
