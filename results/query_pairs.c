/* query_pairs.c -- the items of a run as a comparison needs them. */
#include <math.h>

#include "base/mem.h"
#include "results/internal.h"
#include "results/sql.h"

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
