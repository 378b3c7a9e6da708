/* deadline.h -- what a run would have got right had every answer been due within so many seconds.
 *
 * An item counts when it is right and its own latency is within the deadline; items without a known
 * latency never are in time, and the share is of all items.  Everything belongs to the list and
 * lasts until deadline_release. */
#ifndef HARNESS_DEADLINE_H
#define HARNESS_DEADLINE_H

#include "harness/stats.h"
#include "results/query.h"

struct deadline_point {
    double seconds;
    double answered, right; /* shares of all items, up to and with that moment */
    struct interval right_interval; /* 95 %, Wilson */
};
/* credit[i] 0..1, latency_s[i] or NAN; out has room for n points, one per latency that occurs, in
 * order; *n_out of them come back. */
int deadline_curve(const double *credit, const double *latency_s, size_t n,
                   struct deadline_point *out, size_t *n_out, struct err *e);
/* The share right within so many seconds; 0 before the first point. */
double deadline_right(const struct deadline_point *v, size_t n, double seconds);

struct deadline_task {
    const char *task, *metric;
    size_t items;
    struct deadline_point *v;
    size_t n;
};
struct deadline_list {
    struct deadline_task *v;
    size_t n;
    struct task_list tasks;
    struct arena arena;
};
/* The run's tasks that have a share of right answers, by their first such metric. */
int deadline_load(struct deadline_list *out, struct store *s, const char *run_id, struct err *e);
void deadline_release(struct deadline_list *l);

#endif
