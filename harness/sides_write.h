/* sides_write.h -- what compare and gate both say of two runs, each with its own names for them. */
#ifndef HARNESS_SIDES_WRITE_H
#define HARNESS_SIDES_WRITE_H

#include "base/json.h"
#include "harness/gate_env.h"
#include "harness/pairs.h"
#include "reports/report.h"

struct side_keys { /* of JSON members */
    const char *a, *b, *row_a, *row_b;
};
/* environment[]; with what a difference forbids where a policy has been asked. */
void sides_environment_json(struct json_out *o, const struct env *env, const struct side_keys *k,
                            int with_effect);
/* The same as a section of a page. */
void sides_environment_page(struct report *r, const struct env *env, int with_effect);

enum { SIDES_LOST = 1, SIDES_WON = 2 };
/* 1 when the candidate has less (SIDES_LOST) or more credit (SIDES_WON) and that is asked for. */
int sides_changed(const struct pair *p, int which);
/* key[]: those items, with their rows in both runs.  p NULL: none. */
void sides_changed_json(struct json_out *o, const char *key, const struct pairs *p, int which,
                        const struct side_keys *k);

#endif
