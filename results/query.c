/* query.c -- what a run measured, rows to structs: tasks with their values and costs, speed tests,
 * the requests of scenarios, energy.
 *
 * Runs themselves and their names are in query_runs.c, items in query_items.c.  A list's texts live
 * in its arena. */
#include "results/query.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "results/internal.h"

/* The `bytes` collected in v, moved to the arena for good; NULL for none, and with *rc = -1 when
 * there was no memory. */
static const void *settle(struct arena *a, void *v, size_t bytes, int *rc, struct err *e)
{
    void *kept = NULL;

    if (*rc == 0 && bytes) {
        kept = arena_alloc(a, bytes);
        if (kept)
            memcpy(kept, v, bytes);
        else
            *rc = err_nomem(e);
    }
    mem_free(v);
    return kept;
}

/* metric, [filter,] value, stderr, low, high: the rows of task_values and bench_values. */
static int load_values(struct db *db, enum sql q, int64_t id, int has_filter, struct arena *a,
                       const struct store_value **out, int *n, struct err *e)
{
    struct store_value *v = NULL;
    size_t count = 0, cap = 0;
    struct stmt st;
    int rc = db_query(db, &st, q, e, "i", id);

    while (rc >= 0 && (rc = db_step(&st, e)) == 1) {
        int failed = 0, c = 0;
        if (mem_grow(&v, &cap, count + 1, sizeof *v) < 0) {
            rc = err_nomem(e);
            break;
        }
        v[count].metric = db_keep(&st, a, c++, &failed);
        v[count].filter = has_filter ? db_keep(&st, a, c++, &failed) : "none";
        v[count].value = db_num(&st, c++);
        v[count].stderr_ = db_num(&st, c++);
        v[count].low = db_num(&st, c++);
        v[count].high = db_num(&st, c++);
        if (failed)
            rc = err_nomem(e);
        count++;
    }
    db_done(&st);
    *out = settle(a, v, count * sizeof *v, &rc, e);
    *n = (int)count;
    return rc;
}

static int load_costs(struct db *db, int64_t id, struct arena *a, struct task_row *t,
                      struct err *e)
{
    struct store_cost *v = NULL;
    size_t count = 0, cap = 0;
    struct stmt st;
    int rc = db_query(db, &st, SQL_TASK_COSTS, e, "i", id);

    while (rc >= 0 && (rc = db_step(&st, e)) == 1) {
        int failed = 0;
        if (mem_grow(&v, &cap, count + 1, sizeof *v) < 0) {
            rc = err_nomem(e);
            break;
        }
        v[count].metric = db_keep(&st, a, 0, &failed);
        v[count].value = db_num(&st, 1);
        if (failed)
            rc = err_nomem(e);
        count++;
    }
    db_done(&st);
    t->costs = settle(a, v, count * sizeof *v, &rc, e);
    t->n_costs = (int)count;
    return rc;
}

static void fill_sums(struct task_row *t, const struct stmt *st, int col)
{
    t->n = (int)db_int(st, col);
    t->latency_s = db_num(st, col + 1);
    t->prompt_tokens = db_int(st, col + 2);
    t->computed_tokens = db_int(st, col + 3);
    t->reused_tokens = db_int(st, col + 4);
    t->generated_tokens = db_int(st, col + 5);
}

/* Of a run that is not finished; -1 on error. */
static int add_up_items(struct db *db, int64_t id, struct task_row *t, struct err *e)
{
    struct stmt st;
    int rc = db_query(db, &st, SQL_TASK_SUMS, e, "i", id);

    if (rc == 0)
        rc = db_step(&st, e);
    if (rc == 1)
        fill_sums(t, &st, 0);
    db_done(&st);
    return rc;
}

static int fill_task(struct store *s, struct task_row *t, const struct stmt *st, struct arena *a,
                     struct err *e)
{
    int failed = 0;
    int64_t id = db_int(st, 0);

    *t = (struct task_row){
        .task = db_keep(st, a, 1, &failed), .version = (int)db_int(st, 2),
        .shots = (int)db_int(st, 3), .n_expected = (int)db_int(st, 4),
        .data_sha256 = db_keep(st, a, 5, &failed), .n_scored = (int)db_int(st, 6)};
    fill_sums(t, st, 7);
    if (failed)
        return err_nomem(e);
    if (t->n < 0 && add_up_items(s->db, id, t, e) < 0)
        return -1;
    if (load_values(s->db, SQL_TASK_VALUES, id, 1, a, &t->values, &t->n_values, e) < 0)
        return -1;
    return load_costs(s->db, id, a, t, e);
}

int query_tasks(struct store *s, const char *run_id, struct task_list *out, struct err *e)
{
    struct stmt st;
    size_t cap = 0;
    int rc = db_query(s->db, &st, SQL_TASKS, e, "t", run_id);

    *out = (struct task_list){0};
    while (rc >= 0 && (rc = db_step(&st, e)) == 1) {
        if (mem_grow(&out->v, &cap, out->n + 1, sizeof *out->v) < 0)
            rc = err_nomem(e);
        else if ((rc = fill_task(s, &out->v[out->n], &st, &out->arena, e)) == 0)
            out->n++;
    }
    db_done(&st);
    if (rc < 0)
        task_list_release(out);
    return rc;
}

int query_latencies(struct store *s, const char *run_id, const char *task, double **v, size_t *n,
                    size_t *cap, struct err *e)
{
    struct stmt st;
    int rc = db_query(s->db, &st, SQL_TASK_LATENCIES, e, "tt", run_id, task);

    while (rc >= 0 && (rc = db_step(&st, e)) == 1) {
        if (mem_grow(v, cap, *n + 1, sizeof **v) < 0) {
            rc = err_nomem(e);
            break;
        }
        (*v)[(*n)++] = db_num(&st, 0);
    }
    db_done(&st);
    return rc;
}

void task_list_release(struct task_list *l)
{
    mem_free(l->v);
    arena_release(&l->arena);
    *l = (struct task_list){0};
}

const struct store_value *task_row_value(const struct task_row *t, const char *metric,
                                         const char *filter)
{
    for (int i = 0; i < t->n_values; i++)
        if (strcmp(t->values[i].metric, metric) == 0 &&
            (!filter || strcmp(t->values[i].filter, filter) == 0))
            return &t->values[i];
    return NULL;
}

double task_row_cost(const struct task_row *t, const char *metric)
{
    for (int i = 0; i < t->n_costs; i++)
        if (strcmp(t->costs[i].metric, metric) == 0)
            return t->costs[i].value;
    return NAN;
}

int task_row_items(const struct task_row *t)
{
    return t->n > 0 ? t->n : t->n_scored;
}

static int load_samples(struct db *db, int64_t id, struct arena *a, struct store_bench *b,
                        struct err *e)
{
    double *v = NULL;
    size_t n = 0, cap = 0;
    struct stmt st;
    int rc = db_query(db, &st, SQL_BENCH_SAMPLES, e, "i", id);

    while (rc >= 0 && (rc = db_step(&st, e)) == 1) {
        if (mem_grow(&v, &cap, n + 1, sizeof *v) < 0) {
            rc = err_nomem(e);
            break;
        }
        v[n++] = db_num(&st, 0);
    }
    db_done(&st);
    b->samples = settle(a, v, n * sizeof *v, &rc, e);
    b->n_samples = (int)n;
    return rc;
}

static int fill_bench(struct store *s, struct store_bench *b, const struct stmt *st,
                      struct arena *a, struct err *e)
{
    int failed = 0;
    int64_t id = db_int(st, 0);

    *b = (struct store_bench){
        .test = db_keep(st, a, 1, &failed), .depth = (int)db_int(st, 2),
        .batch = (int)db_int(st, 3), .threads = (int)db_int(st, 4),
        .device = db_keep(st, a, 5, &failed), .rival = db_keep(st, a, 6, &failed),
        .tokens = db_int(st, 7), .noise = db_keep(st, a, 8, &failed)};
    if (failed)
        return err_nomem(e);
    if (load_samples(s->db, id, a, b, e) < 0)
        return -1;
    return load_values(s->db, SQL_BENCH_VALUES, id, 0, a, &b->values, &b->n_values, e);
}

int query_bench(struct store *s, const char *run_id, struct bench_list *out, struct err *e)
{
    struct stmt st;
    size_t cap = 0;
    int rc = db_query(s->db, &st, SQL_BENCH_ROWS, e, "t", run_id);

    *out = (struct bench_list){0};
    while (rc >= 0 && (rc = db_step(&st, e)) == 1) {
        if (mem_grow(&out->v, &cap, out->n + 1, sizeof *out->v) < 0)
            rc = err_nomem(e);
        else if ((rc = fill_bench(s, &out->v[out->n], &st, &out->arena, e)) == 0)
            out->n++;
    }
    db_done(&st);
    if (rc < 0)
        bench_list_release(out);
    return rc;
}

void bench_list_release(struct bench_list *l)
{
    mem_free(l->v);
    arena_release(&l->arena);
    *l = (struct bench_list){0};
}

void bench_list_keep_whole(struct bench_list *l)
{
    size_t n = 0;

    for (size_t i = 0; i < l->n; i++)
        if (!bench_value(&l->v[i], "interrupted"))
            l->v[n++] = l->v[i];
    l->n = n;
}

const struct store_value *bench_value(const struct store_bench *b, const char *metric)
{
    for (int i = 0; i < b->n_values; i++)
        if (strcmp(b->values[i].metric, metric) == 0)
            return &b->values[i];
    return NULL;
}

static int fill_served(struct store_served *q, const struct stmt *st, struct arena *a,
                       struct err *e)
{
    int failed = 0;

    *q = (struct store_served){
        .state = db_keep(st, a, 0, &failed), .reason = db_keep(st, a, 1, &failed),
        .arrival_s = db_num(st, 2), .start_s = db_num(st, 3), .first_s = db_num(st, 4),
        .last_s = db_num(st, 5), .end_s = db_num(st, 6), .prompt = (int)db_int(st, 7),
        .wanted = (int)db_int(st, 8), .generated = (int)db_int(st, 9),
        .token_s = db_keep(st, a, 10, &failed), .output_sha256 = db_keep(st, a, 11, &failed)};
    return failed ? err_nomem(e) : 0;
}

int query_served(struct store *s, const char *run_id, const char *test, struct served_list *out,
                 struct err *e)
{
    struct stmt st;
    size_t cap = 0;
    int rc = db_query(s->db, &st, SQL_SERVED, e, "tt", run_id, test);

    *out = (struct served_list){0};
    while (rc >= 0 && (rc = db_step(&st, e)) == 1) {
        if (mem_grow(&out->v, &cap, out->n + 1, sizeof *out->v) < 0)
            rc = err_nomem(e);
        else if ((rc = fill_served(&out->v[out->n], &st, &out->arena, e)) == 0)
            out->n++;
    }
    db_done(&st);
    if (rc < 0)
        served_list_release(out);
    return rc;
}

void served_list_release(struct served_list *l)
{
    mem_free(l->v);
    arena_release(&l->arena);
    *l = (struct served_list){0};
}

static int fill_energy(struct store_energy *x, const struct stmt *st, struct arena *a,
                       struct err *e)
{
    int failed = 0;
    const char *origin = db_keep(st, a, 4, &failed);

    *x = (struct store_energy){
        .subject = db_keep(st, a, 0, &failed), .idx = (int)db_int(st, 1),
        .source = db_keep(st, a, 2, &failed), .channel = db_keep(st, a, 3, &failed),
        .is_declared = origin && strcmp(origin, "declared") == 0,
        .is_headline = (int)db_int(st, 5), .seconds = db_num(st, 6), .joules = db_num(st, 7),
        .samples = db_int(st, 8), .gap_s = db_num(st, 9), .reason = db_keep(st, a, 10, &failed)};
    return failed ? err_nomem(e) : 0;
}

int query_energy(struct store *s, const char *run_id, struct energy_list *out, struct err *e)
{
    struct stmt st;
    size_t cap = 0;
    int rc = db_query(s->db, &st, SQL_ENERGY, e, "t", run_id);

    *out = (struct energy_list){0};
    while (rc >= 0 && (rc = db_step(&st, e)) == 1) {
        if (mem_grow(&out->v, &cap, out->n + 1, sizeof *out->v) < 0)
            rc = err_nomem(e);
        else if ((rc = fill_energy(&out->v[out->n], &st, &out->arena, e)) == 0)
            out->n++;
    }
    db_done(&st);
    if (rc < 0)
        energy_list_release(out);
    return rc;
}

void energy_list_release(struct energy_list *l)
{
    mem_free(l->v);
    arena_release(&l->arena);
    *l = (struct energy_list){0};
}
