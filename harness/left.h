/* left.h -- what the device left to the CPU while something was measured, as numbers of a result:
 * "cpu_ops" for all together, and "cpu_ops,linear Q4_K" for each kind and format (metric_key). */
#ifndef HARNESS_LEFT_H
#define HARNESS_LEFT_H

#include "base/json.h"
#include "base/strbuf.h"
#include "results/query.h"
#include "runners/runner.h"

enum { LEFT_MAX = 48, LEFT_KEY = 48 };

struct left {
    int n; /* of the kinds; what is beyond LEFT_MAX counts in the total only */
    struct left_kind {
        char metric[LEFT_KEY];
        double times;
    } kind[LEFT_MAX];
    double times; /* of all kinds; NAN: not known */
};

/* Since the runner was opened; and what came between two moments. */
int left_now(struct left *out, struct runner *r, struct err *e);
void left_between(struct left *out, const struct left *before, const struct left *after);

/* The total first, then the kinds: rows of a task's costs or a speed test's values.  At most
 * LEFT_MAX + 1; they point into l. */
int left_costs(const struct left *l, struct store_cost *costs);

/* Whether a stored metric is one of these. */
int left_is_cost(const char *metric);

/* "cpu_ops": total or null, and "cpu_ops_by": {"linear Q4_K": 420, ...}. */
void left_json(struct json_out *o, const struct store_cost *costs, int n);
/* "NAME: left to the CPU: linear Q4_K 420, attention 30", or nothing when nothing was. */
void left_text(struct strbuf *b, const char *name, const struct store_cost *costs, int n);

#endif
