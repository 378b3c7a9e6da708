#include "harness/deadline.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "harness/groups.h"

struct answered {
    double seconds, credit;
};

static int in_time(const void *a, const void *b)
{
    const struct answered *x = a, *y = b;

    return (x->seconds > y->seconds) - (x->seconds < y->seconds);
}

int deadline_curve(const double *credit, const double *latency_s, size_t n,
                   struct deadline_point *out, size_t *n_out, struct err *e)
{
    struct answered *v = mem_alloc((n ? n : 1) * sizeof *v);
    size_t known = 0;
    double right = 0;

    *n_out = 0;
    if (!v)
        return err_nomem(e);
    for (size_t i = 0; i < n; i++)
        if (isfinite(latency_s[i]))
            v[known++] = (struct answered){latency_s[i], isnan(credit[i]) ? 0 : credit[i]};
    qsort(v, known, sizeof *v, in_time);
    for (size_t i = 0; i < known; i++) {
        right += v[i].credit;
        if (i + 1 < known && v[i + 1].seconds == v[i].seconds)
            continue;
        out[(*n_out)++] = (struct deadline_point){
            v[i].seconds, (double)(i + 1) / (double)n, right / (double)n,
            stats_wilson(right, (double)n, STATS_Z95)};
    }
    mem_free(v);
    return 0;
}

double deadline_right(const struct deadline_point *v, size_t n, double seconds)
{
    double right = 0;

    for (size_t i = 0; i < n && v[i].seconds <= seconds; i++)
        right = v[i].right;
    return right;
}

static const struct store_value *share_right(const struct task_row *t)
{
    for (int i = 0; i < t->n_values; i++)
        if (group_pools(t->values[i].metric))
            return &t->values[i];
    return NULL;
}

static int curve_of(struct deadline_list *l, struct deadline_task *t,
                    const struct pair_row_list *rows, struct err *e)
{
    double *credit = arena_alloc(&l->arena, (rows->n + 1) * sizeof *credit);
    double *latency = arena_alloc(&l->arena, (rows->n + 1) * sizeof *latency);

    t->v = arena_alloc(&l->arena, (rows->n + 1) * sizeof *t->v);
    t->items = rows->n;
    if (!credit || !latency || !t->v)
        return err_nomem(e);
    for (size_t i = 0; i < rows->n; i++) {
        credit[i] = rows->v[i].value;
        latency[i] = rows->v[i].latency_s;
    }
    return deadline_curve(credit, latency, rows->n, t->v, &t->n, e);
}

int deadline_load(struct deadline_list *l, struct store *s, const char *run_id, struct err *e)
{
    memset(l, 0, sizeof *l);
    if (query_tasks(s, run_id, &l->tasks, e) < 0)
        return -1;
    l->v = arena_alloc(&l->arena, (l->tasks.n + 1) * sizeof *l->v);
    if (!l->v) {
        deadline_release(l);
        return err_nomem(e);
    }
    for (size_t i = 0; i < l->tasks.n; i++) {
        const struct store_value *v = share_right(&l->tasks.v[i]);
        struct deadline_task *t = &l->v[l->n];
        struct pair_row_list rows = {0};
        int rc;
        if (!v)
            continue;
        *t = (struct deadline_task){.task = l->tasks.v[i].task, .metric = v->metric};
        rc = query_pair_rows(s, run_id, t->task, v->metric, v->filter, &rows, e);
        if (rc == 0)
            rc = curve_of(l, t, &rows, e);
        pair_row_list_release(&rows);
        if (rc < 0) {
            deadline_release(l);
            return -1;
        }
        l->n += t->n > 0;
    }
    return 0;
}

void deadline_release(struct deadline_list *l)
{
    task_list_release(&l->tasks);
    arena_release(&l->arena);
    memset(l, 0, sizeof *l);
}
