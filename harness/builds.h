/* builds.h -- the two programs of a plan's "builds" against each other, by their
 * processes' times. */
#ifndef HARNESS_BUILDS_H
#define HARNESS_BUILDS_H

#include "harness/context.h"
#include "harness/stats_rank.h"
#include "results/nights.h"

struct build_ratio {
    const char *series, *test; /* of B */
    int n_a, n_b;              /* processes */
    double tok_s_a, tok_s_b;   /* medians */
    struct ratio time;         /* B's over A's; above 1: B is slower */
    int noisy;
};
/* Calls `each` for every test that both have; it returns 0, or -1 with e filled. */
int builds_each(struct store *s, const struct cell_list *cells,
                int (*each)(void *user, const struct build_ratio *r, struct err *e), void *user,
                struct err *e);

/* builds[] of an object that the caller has begun; lines for people. */
int builds_json(struct json_out *o, struct store *s, const struct cell_list *cells, struct err *e);
int builds_text(const struct context *c, struct store *s, const struct cell_list *cells,
                struct err *e);

#endif
