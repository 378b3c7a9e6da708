/* nights_query.c -- nights, cells and points, read back. */
#include <string.h>

#include "base/mem.h"
#include "results/internal.h"
#include "results/nights.h"

static int fill_night(struct night_row *r, const struct stmt *st, struct arena *a, struct err *e)
{
    int failed = 0, c = 0;

    *r = (struct night_row){0};
    r->id = db_int(st, c++);
    r->plan_id = db_int(st, c++);
    r->plan = db_keep(st, a, c++, &failed);
    r->kind = db_keep(st, a, c++, &failed);
    r->date = db_keep(st, a, c++, &failed);
    r->status = db_keep(st, a, c++, &failed);
    r->started = db_keep(st, a, c++, &failed);
    r->ended = db_keep(st, a, c++, &failed);
    r->summary = db_keep(st, a, c++, &failed);
    r->plan_text = db_keep(st, a, c++, &failed);
    r->plan_hash = db_keep(st, a, c++, &failed);
    r->n = (int)db_int(st, c++);
    r->clock_back = (int)db_int(st, c++);
    r->exit_status = (int)db_int(st, c++);
    r->n_cells = (int)db_int(st, c++);
    r->n_done = (int)db_int(st, c++);
    r->n_failed = (int)db_int(st, c++);
    r->n_skipped = (int)db_int(st, c++);
    r->n_pending = (int)db_int(st, c++);
    r->n_noisy = (int)db_int(st, c++);
    return failed ? err_nomem(e) : 0;
}

int query_nights(struct store *s, const char *plan, const char *kind, int limit,
                 struct night_list *out, struct err *e)
{
    struct stmt st;
    size_t cap = 0;
    int rc = db_query(s->db, &st, SQL_NIGHTS, e, "ttn", plan, kind, limit > 0 ? limit : -1);

    *out = (struct night_list){0};
    while (rc >= 0 && (rc = db_step(&st, e)) == 1) {
        if (mem_grow(&out->v, &cap, out->n + 1, sizeof *out->v) < 0)
            rc = err_nomem(e);
        else if ((rc = fill_night(&out->v[out->n], &st, &out->arena, e)) == 0)
            out->n++;
    }
    db_done(&st);
    if (rc < 0)
        night_list_release(out);
    return rc < 0 ? -1 : 0;
}

void night_list_release(struct night_list *l)
{
    mem_free(l->v);
    arena_release(&l->arena);
    *l = (struct night_list){0};
}

static int fill_cell(struct cell_row *r, const struct stmt *st, struct arena *a, struct err *e)
{
    int failed = 0, c = 0;

    *r = (struct cell_row){0};
    r->id = db_int(st, c++);
    r->spec.block = (int)db_int(st, c++);
    r->spec.place = (int)db_int(st, c++);
    r->spec.series = db_keep(st, a, c++, &failed);
    r->spec.kind = db_keep(st, a, c++, &failed);
    r->spec.arm = (int)db_int(st, c++);
    r->spec.argv = db_keep(st, a, c++, &failed);
    r->spec.model = db_keep(st, a, c++, &failed);
    r->spec.model_sha256 = db_keep(st, a, c++, &failed);
    r->spec.build_sha256 = db_keep(st, a, c++, &failed);
    r->status = db_keep(st, a, c++, &failed);
    r->outcome = db_keep(st, a, c++, &failed);
    r->reason = db_keep(st, a, c++, &failed);
    r->attempts = (int)db_int(st, c++);
    r->run = db_keep(st, a, c++, &failed);
    r->runner = db_int(st, c++);
    r->runner_host = db_keep(st, a, c++, &failed);
    r->runner_pid = db_int(st, c++);
    r->beats = (int)db_int(st, c++);
    r->started = db_keep(st, a, c++, &failed);
    r->ended = db_keep(st, a, c++, &failed);
    r->noise = db_keep(st, a, c++, &failed);
    r->wall_s = db_num(st, c++);
    r->peak_rss_bytes = db_num(st, c++);
    r->quiet = (int)db_int(st, c++);
    return failed ? err_nomem(e) : 0;
}

int cells_of(struct db *db, int64_t night_id, int block, struct cell_list *out, struct err *e)
{
    struct stmt st;
    size_t cap = 0;
    int rc = db_query(db, &st, SQL_CELLS, e, "iv", night_id, block);

    *out = (struct cell_list){0};
    while (rc >= 0 && (rc = db_step(&st, e)) == 1) {
        if (mem_grow(&out->v, &cap, out->n + 1, sizeof *out->v) < 0)
            rc = err_nomem(e);
        else if ((rc = fill_cell(&out->v[out->n], &st, &out->arena, e)) == 0)
            out->n++;
    }
    db_done(&st);
    if (rc < 0)
        cell_list_release(out);
    return rc < 0 ? -1 : 0;
}

int query_cells(struct store *s, int64_t night_id, struct cell_list *out, struct err *e)
{
    return cells_of(s->db, night_id, -1, out, e);
}

void cell_list_release(struct cell_list *l)
{
    mem_free(l->v);
    arena_release(&l->arena);
    *l = (struct cell_list){0};
}

int cell_is_pending(struct store *s, int64_t cell_id, struct err *e)
{
    int64_t n;

    return db_get_int(s->db, SQL_CELL_PENDING, &n, NULL, e, "i", cell_id) < 0 ? -1 : n > 0;
}

static int fill_point(struct point *p, const struct stmt *st, struct arena *a, struct err *e)
{
    int failed = 0, c = 0;

    *p = (struct point){0};
    p->night_id = db_int(st, c++);
    p->segment_id = db_int(st, c++);
    p->night = (int)db_int(st, c++);
    p->segment = (int)db_int(st, c++);
    p->series = db_keep(st, a, c++, &failed);
    p->metric = db_keep(st, a, c++, &failed);
    p->date = db_keep(st, a, c++, &failed);
    p->value = db_num(st, c++);
    p->low = db_num(st, c++);
    p->high = db_num(st, c++);
    p->n = (int)db_int(st, c++);
    p->quiet = (int)db_int(st, c++);
    return failed ? err_nomem(e) : 0;
}

int query_points(struct store *s, int64_t plan, int up_to, struct point_list *out, struct err *e)
{
    struct stmt st;
    size_t cap = 0;
    int rc = db_query(s->db, &st, SQL_POINTS, e, "iv", plan, up_to > 0 ? up_to : -1);

    *out = (struct point_list){0};
    while (rc >= 0 && (rc = db_step(&st, e)) == 1) {
        if (mem_grow(&out->v, &cap, out->n + 1, sizeof *out->v) < 0)
            rc = err_nomem(e);
        else if ((rc = fill_point(&out->v[out->n], &st, &out->arena, e)) == 0)
            out->n++;
    }
    db_done(&st);
    if (rc < 0)
        point_list_release(out);
    return rc < 0 ? -1 : 0;
}

void point_list_release(struct point_list *l)
{
    mem_free(l->v);
    arena_release(&l->arena);
    *l = (struct point_list){0};
}
