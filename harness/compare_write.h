/* compare_write.h -- a comparison for people and for scripts; nothing is computed here. */
#ifndef HARNESS_COMPARE_WRITE_H
#define HARNESS_COMPARE_WRITE_H

#include "base/json.h"
#include "harness/compare.h"
#include "reports/report.h"

struct compare_lists { /* items to print in full, at most so many of each */
    int lost, won;
    int plots; /* a terminal has their numbers in its tables already */
};
/* A page, environment first (r has been initialised).  s: where the items' answers are read. */
int compare_report(struct report *r, const struct compare *c, struct store *s,
                   const struct compare_lists *l, struct err *e);
/* Members of the object that the caller has begun. */
void compare_json(struct json_out *o, const struct compare *c);

#endif
