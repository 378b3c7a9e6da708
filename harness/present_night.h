/* present_night.h -- the cells of a night for people and as JSON. */
#ifndef HARNESS_PRESENT_NIGHT_H
#define HARNESS_PRESENT_NIGHT_H

#include "harness/context.h"
#include "results/nights.h"

/* Members plan, kind, n, date, ... of an object that the caller has begun; the cells as cells[]. */
void present_night_json(struct json_out *o, const struct night_row *n, const struct cell_list *l);

/* One line per series: how many cells are done, and why others are not. */
int present_night_text(const struct context *c, const struct night_row *n,
                       const struct cell_list *l, struct err *e);

#endif
