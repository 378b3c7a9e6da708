/* query_items.c -- the items of a run: whole, one after the other, and as a comparison needs them,
 * all at once.
 *
 * An iterator's row lives in an arena that is emptied at each step, so that a run of any size is
 * gone through in the memory of one item. */
#include "results/query.h"

#include <math.h>

#include "base/mem.h"
#include "results/internal.h"
#include "results/sql.h"

/* --- one after the other ------------------------------------------------------------------ */

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

/* --- for a comparison --------------------------------------------------------------------- */

const char *query_pair_sql(void)
{
    return sql_text(SQL_PAIR_ROWS);
}

static int fill(struct pair_row *r, const struct stmt *st, struct arena *a, struct err *e)
{
    int failed = 0;

    *r = (struct pair_row){
        .item = db_int(st, 0), .doc_id = (int)db_int(st, 1), .doc_hash = db_keep(st, a, 2, &failed),
        .prompt_hash = db_keep(st, a, 3, &failed), .cluster = db_keep(st, a, 4, &failed),
        .value = db_num(st, 5), .weight = db_num(st, 6), .nats = db_num(st, 7),
        .bytes = db_num(st, 8), .latency_s = db_num(st, 9)};
    if (!(r->bytes > 0))
        r->nats = r->bytes = NAN;
    return failed ? err_nomem(e) : 0;
}

int query_pair_rows(struct store *s, const char *run_id, const char *task, const char *metric,
                    const char *filter, struct pair_row_list *out, struct err *e)
{
    struct stmt st;
    size_t cap = 0;
    int rc = db_query(s->db, &st, SQL_PAIR_ROWS, e, "tttt", run_id, task, metric, filter);

    *out = (struct pair_row_list){0};
    while (rc >= 0 && (rc = db_step(&st, e)) == 1) {
        if (mem_grow(&out->v, &cap, out->n + 1, sizeof *out->v) < 0)
            rc = err_nomem(e);
        else if ((rc = fill(&out->v[out->n], &st, &out->arena, e)) == 0)
            out->n++;
    }
    db_done(&st);
    if (rc < 0)
        pair_row_list_release(out);
    return rc;
}

void pair_row_list_release(struct pair_row_list *l)
{
    mem_free(l->v);
    arena_release(&l->arena);
    *l = (struct pair_row_list){0};
}
