/* present_probes.h -- stored probes for people and as JSON: what runs --probes and show print. */
#ifndef HARNESS_PRESENT_PROBES_H
#define HARNESS_PRESENT_PROBES_H

#include "harness/context.h"
#include "results/probes.h"

/* An object for each, into an array that the caller has begun. */
void present_probes_json(struct json_out *o, const struct store_probe_list *l);

/* A line for each number. */
int present_probes_text(const struct context *c, const struct store_probe_list *l, struct err *e);

#endif
