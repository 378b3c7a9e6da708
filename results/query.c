/* query.c -- rows to structs.  A list's texts live in its arena, an iterator's in its own, which is
 * emptied at each step. */
#include "results/query.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "base/suggest.h"
#include "results/internal.h"

static void copy_id(const struct stmt *st, int col, char id[RUN_ID_SIZE])
{
    const char *run = db_text(st, col);

    snprintf(id, RUN_ID_SIZE, "%s", run ? run : "");
}

static int fill_run(struct run_row *r, const struct stmt *st, struct arena *a, struct err *e)
{
    int failed = 0, c = 1;

    *r = (struct run_row){.row = db_int(st, 0)};
    copy_id(st, c++, r->id);
    r->label = db_keep(st, a, c++, &failed);
    r->kind = db_keep(st, a, c++, &failed);
    r->created = db_keep(st, a, c++, &failed);
    r->ended = db_keep(st, a, c++, &failed);
    r->status = db_keep(st, a, c++, &failed);
    r->error = db_keep(st, a, c++, &failed);
    r->command_line = db_keep(st, a, c++, &failed);
    r->settings = db_keep(st, a, c++, &failed);
    r->settings_hash = db_keep(st, a, c++, &failed);
    r->program_version = db_keep(st, a, c++, &failed);
    r->numerics_id = db_keep(st, a, c++, &failed);
    r->kernels = db_keep(st, a, c++, &failed);
    r->device = db_keep(st, a, c++, &failed);
    r->threads = (int)db_int(st, c++);
    r->seed = db_int(st, c++);
    r->source = db_keep(st, a, c++, &failed);
    r->sessions = (int)db_int(st, c++);
    r->noise_before = db_keep(st, a, c++, &failed);
    r->noise_after = db_keep(st, a, c++, &failed);
    r->model.name = db_keep(st, a, c++, &failed);
    r->model.path = db_keep(st, a, c++, &failed);
    r->model.sha256 = db_keep(st, a, c++, &failed);
    r->model.architecture = db_keep(st, a, c++, &failed);
    r->model.licence = db_keep(st, a, c++, &failed);
    r->model.tensor_types = db_keep(st, a, c++, &failed);
    r->model.parameters = db_int(st, c++);
    r->model.parameters_non_embedding = db_int(st, c++);
    r->model.parameters_embedding = db_int(st, c++);
    r->model.parameters_active = db_int(st, c++);
    r->model.file_bytes = db_int(st, c++);
    r->model.bits_per_weight = db_num(st, c++);
    r->machine_name = db_keep(st, a, c++, &failed);
    r->machine_json = db_keep(st, a, c++, &failed);
    r->machine_hash = db_keep(st, a, c++, &failed);
    r->n_tasks = (int)db_int(st, c++);
    r->n_items = (int)db_int(st, c++);
    r->n_expected = (int)db_int(st, c++);
    r->content_sha256 = db_keep(st, a, c++, &failed);
    return failed ? err_nomem(e) : 0;
}

static int push_run(struct run_list *out, size_t *cap, const struct stmt *st,
                    const struct lock *lock, const char *status, struct err *e)
{
    struct run_row *r;

    if (mem_grow(&out->v, cap, out->n + 1, sizeof *out->v) < 0)
        return err_nomem(e);
    r = &out->v[out->n];
    if (fill_run(r, st, &out->arena, e) < 0)
        return -1;
    if (strcmp(r->status, "running") == 0 && !lock_held(lock, db_int(st, 0)))
        r->status = "interrupted"; /* its writer died without saying so */
    if (!status || strcmp(r->status, status) == 0)
        out->n++;
    return 0;
}

static int open_lock(struct store *s, struct lock *l, struct err *e)
{
    *l = LOCK_NONE;
    if (strcmp(db_path(s->db), MEMORY_PATH) == 0)
        return 0;
    return lock_open(l, db_path(s->db), 0, e);
}

/* The rows of a statement that has been asked; it is done afterwards. */
static int list_runs(struct store *s, struct stmt *st, int limit, const char *status,
                     struct run_list *out, struct err *e)
{
    struct lock lock;
    size_t cap = 0;
    int rc = open_lock(s, &lock, e);

    while (rc >= 0 && (limit <= 0 || out->n < (size_t)limit) && (rc = db_step(st, e)) == 1)
        rc = push_run(out, &cap, st, &lock, status, e);
    db_done(st);
    lock_close(&lock);
    if (rc < 0)
        run_list_release(out);
    return rc;
}

int query_runs(struct store *s, const struct run_filter *f, struct run_list *out, struct err *e)
{
    static const struct run_filter any;
    struct stmt st;

    *out = (struct run_list){0};
    f = f ? f : &any;
    if (db_query(s->db, &st, SQL_RUNS, e, "tt", f->kind, f->model_sha256) < 0) {
        db_done(&st);
        return -1;
    }
    return list_runs(s, &st, f->limit, f->status, out, e);
}

int query_repeats(struct store *s, const char *run_id, int limit, struct run_list *out,
                  struct err *e)
{
    struct stmt st;

    *out = (struct run_list){0};
    if (db_query(s->db, &st, SQL_RUN_REPEATS, e, "ti", run_id, (int64_t)limit) < 0) {
        db_done(&st);
        return -1;
    }
    return list_runs(s, &st, limit, NULL, out, e);
}

void run_list_release(struct run_list *l)
{
    mem_free(l->v);
    arena_release(&l->arena);
    *l = (struct run_list){0};
}

/* 1 when the statement has a row, whose first column goes to id. */
static int one_id(struct db *db, enum sql q, const char *text, char id[RUN_ID_SIZE],
                  struct err *e)
{
    struct stmt st;
    int rc = db_query(db, &st, q, e, "t", text);

    if (rc == 0)
        rc = db_step(&st, e);
    if (rc == 1)
        copy_id(&st, 0, id);
    db_done(&st);
    return rc;
}

/* "last" is 0, "last~2" is 2; -1 for any other name. */
static int64_t last_offset(const char *name)
{
    char *end;
    long n;

    if (strcmp(name, "last") == 0)
        return 0;
    if (strncmp(name, "last~", 5) != 0 || name[5] < '0' || name[5] > '9')
        return -1;
    n = strtol(name + 5, &end, 10);
    return *end ? -1 : n;
}

static int by_offset(struct db *db, int64_t offset, char id[RUN_ID_SIZE], struct err *e)
{
    struct stmt st;
    int rc = db_query(db, &st, SQL_RESOLVE_LAST, e, "i", offset);

    if (rc == 0)
        rc = db_step(&st, e);
    if (rc == 1)
        copy_id(&st, 0, id);
    db_done(&st);
    return rc;
}

static int by_prefix(struct db *db, const char *name, char id[RUN_ID_SIZE], struct err *e)
{
    struct strbuf several = STRBUF_INIT;
    struct stmt st;
    int rc = db_query(db, &st, SQL_RESOLVE_PREFIX, e, "t", name);
    int n = 0;

    while (rc >= 0 && (rc = db_step(&st, e)) == 1) {
        char one[RUN_ID_SIZE];
        copy_id(&st, 0, one);
        if (n++ == 0)
            memcpy(id, one, RUN_ID_SIZE);
        strbuf_addf(&several, "%s%s", n > 1 ? ", " : "", one);
    }
    db_done(&st);
    if (rc == 0)
        rc = strbuf_ok(&several, e);
    if (rc == 0 && n > 1)
        rc = err_set(e, ERR_USAGE, "%s: run %s is ambiguous: %s%s", db_path(db), name, several.s,
                     n == 4 ? ", ..." : "");
    strbuf_release(&several);
    return rc < 0 ? -1 : n == 1;
}

static int not_found(struct db *db, const char *name, struct err *e)
{
    struct strbuf known = STRBUF_INIT;
    struct suggest near = SUGGEST(name);
    struct stmt st;
    int rc = db_query(db, &st, SQL_KNOWN_NAMES, e, "");

    suggest_offer(&near, "last");
    while (rc >= 0 && (rc = db_step(&st, e)) == 1)
        strbuf_addf(&known, "%s%s", known.len ? ", " : "", db_text(&st, 0));
    db_done(&st);
    if (rc == 0 && strbuf_ok(&known, e) == 0) {
        err_set(e, ERR_NOTFOUND, "%s: no run %s", db_path(db), name);
        if (known.len && suggest_best(&near))
            err_hint(e, "did you mean '%s'? the newest runs are %s", suggest_best(&near), known.s);
        else if (known.len)
            err_hint(e, "the newest runs are %s", known.s);
        else
            err_hint(e, "no run has been stored yet: `densimeter eval` makes one");
    }
    strbuf_release(&known);
    return -1;
}

int query_resolve(struct store *s, const char *name, char id[RUN_ID_SIZE], struct err *e)
{
    int64_t offset = last_offset(name);
    int rc = one_id(s->db, SQL_RESOLVE_EXACT, name, id, e);

    if (rc == 0)
        rc = one_id(s->db, SQL_RESOLVE_LABEL, name, id, e);
    if (rc == 0 && offset >= 0)
        rc = by_offset(s->db, offset, id, e);
    else if (rc == 0 && *name)
        rc = by_prefix(s->db, name, id, e);
    if (rc == 0)
        return not_found(s->db, name, e);
    return rc < 0 ? -1 : 0;
}

int query_run(struct store *s, const char *name, struct run_list *out, struct err *e)
{
    struct stmt st = STMT_NONE;
    struct lock lock = LOCK_NONE;
    char id[RUN_ID_SIZE];
    size_t cap = 0;
    int rc = -1;

    *out = (struct run_list){0};
    if (query_resolve(s, name, id, e) < 0 || open_lock(s, &lock, e) < 0 ||
        db_query(s->db, &st, SQL_RUN_ONE, e, "t", id) < 0 || (rc = db_step(&st, e)) < 0)
        goto out;
    rc = rc == 1 ? push_run(out, &cap, &st, &lock, NULL, e) : not_found(s->db, name, e);
out:
    db_done(&st);
    lock_close(&lock);
    if (rc < 0)
        run_list_release(out);
    return rc;
}

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

struct item_iter {
    struct store *store;
    struct stmt st;
    struct arena arena; /* the texts bound to st: kept as long as it */
    struct arena row;   /* emptied at each step */
    struct store_metric *metrics;
    struct store_request *requests;
    size_t cap_metrics, cap_requests;
};

/* A text to be bound, or NULL, in the arena; *failed as of db_keep(). */
static const char *bound(struct arena *a, const char *text, int *failed)
{
    char *copy = arena_strdup(a, text);

    if (text && !copy)
        *failed = 1;
    return copy;
}

int query_items(struct store *s, const char *run_id, const struct item_filter *f,
                struct item_iter **out, struct err *e)
{
    static const struct item_filter any;
    struct item_iter *it = mem_calloc(1, sizeof *it);
    const char *run, *task, *metric, *filter;
    int failed = 0, rc = -1;

    if (!it)
        return err_nomem(e);
    f = f ? f : &any;
    it->store = s;
    run = bound(&it->arena, run_id, &failed);
    task = bound(&it->arena, f->task, &failed);
    metric = bound(&it->arena, f->metric, &failed);
    filter = bound(&it->arena, f->filter, &failed);
    if (failed) {
        err_nomem(e);
        goto out;
    }
    if (db_query(s->db, &it->st, SQL_ITEMS, e, "ttvnttu", run, task,
                 f->one_doc ? f->doc_id : -1, f->wrong, metric, filter,
                 f->item ? f->item : (int64_t)-1) < 0)
        goto out;
    *out = it;
    it = NULL;
    rc = 0;
out:
    item_iter_close(it);
    return rc;
}

static int load_metrics(struct item_iter *it, int64_t id, struct store_item *out, struct err *e)
{
    struct stmt st;
    size_t n = 0;
    int rc = db_query(it->store->db, &st, SQL_ITEM_METRICS, e, "i", id);

    while (rc >= 0 && (rc = db_step(&st, e)) == 1) {
        int failed = mem_grow(&it->metrics, &it->cap_metrics, n + 1, sizeof *it->metrics) < 0;
        if (!failed) {
            it->metrics[n].metric = db_keep(&st, &it->row, 0, &failed);
            it->metrics[n].filter = db_keep(&st, &it->row, 1, &failed);
            it->metrics[n].value = db_num(&st, 2);
            it->metrics[n].weight = db_num(&st, 3);
            n++;
        }
        if (failed)
            rc = err_nomem(e);
    }
    db_done(&st);
    out->metrics = it->metrics;
    out->n_metrics = (int)n;
    return rc;
}

static int load_requests(struct item_iter *it, int64_t id, struct store_item *out, struct err *e)
{
    struct stmt st;
    size_t n = 0;
    int rc = db_query(it->store->db, &st, SQL_ITEM_REQUESTS, e, "i", id);

    while (rc >= 0 && (rc = db_step(&st, e)) == 1) {
        if (mem_grow(&it->requests, &it->cap_requests, n + 1, sizeof *it->requests) < 0) {
            rc = err_nomem(e);
            break;
        }
        it->requests[n++] = (struct store_request){
            .loglikelihood = db_num(&st, 0), .is_greedy = (int)db_int(&st, 1),
            .n_tokens = (int)db_int(&st, 2), .n_bytes = (int)db_int(&st, 3),
        };
    }
    db_done(&st);
    out->requests = it->requests;
    out->n_requests = (int)n;
    return rc;
}

int item_iter_next(struct item_iter *it, struct store_item *out, struct err *e)
{
    const struct stmt *st = &it->st;
    int failed = 0, c = 1, rc;
    int64_t id;

    arena_release(&it->row);
    rc = db_step(&it->st, e);
    if (rc != 1)
        return rc;
    *out = (struct store_item){0};
    id = db_int(st, 0);
    out->task = db_keep(st, &it->row, c++, &failed);
    out->doc_id = (int)db_int(st, c++);
    out->doc_hash = db_keep(st, &it->row, c++, &failed);
    out->prompt_hash = db_keep(st, &it->row, c++, &failed);
    out->doc = db_keep(st, &it->row, c++, &failed);
    out->arguments = db_keep(st, &it->row, c++, &failed);
    out->cluster = db_keep(st, &it->row, c++, &failed);
    out->gold = db_keep(st, &it->row, c++, &failed);
    out->prediction = db_keep(st, &it->row, c++, &failed);
    out->gold_index = (int)db_int(st, c++);
    out->output = db_keep(st, &it->row, c++, &failed);
    out->filtered = db_keep(st, &it->row, c++, &failed);
    out->latency_s = db_num(st, c++);
    out->ttft_s = db_num(st, c++);
    out->prompt_tokens = db_int(st, c++);
    out->computed_tokens = db_int(st, c++);
    out->reused_tokens = db_int(st, c++);
    out->cached_tokens = db_int(st, c++);
    out->generated_tokens = db_int(st, c++);
    out->error = db_keep(st, &it->row, c++, &failed);
    if (failed)
        return err_nomem(e);
    if (load_metrics(it, id, out, e) < 0 || load_requests(it, id, out, e) < 0)
        return -1;
    return 1;
}

void item_iter_close(struct item_iter *it)
{
    if (!it)
        return;
    db_done(&it->st);
    arena_release(&it->arena);
    arena_release(&it->row);
    mem_free(it->metrics);
    mem_free(it->requests);
    mem_free(it);
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
