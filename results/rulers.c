#include "results/rulers.h"

#include <string.h>

#include "base/mem.h"
#include "results/internal.h"

static int put_rows(struct db *db, const struct store_ruler *r, struct err *e)
{
    int64_t id;

    if (db_run(db, SQL_RULER_DELETE, e, "t", r->name) < 0 ||
        db_run(db, SQL_RULER_PUT, e, "ttttttt" "vdddddvt", r->name, r->set, r->origin, r->kind,
               r->task, r->metric, r->prompt_hash, r->shots, r->chance, r->d0_tokens, r->r2, r->rms,
               r->loo_ln, r->n_loo, r->program_version) < 0)
        return -1;
    id = db_last_id(db);
    for (int i = 0; i < r->n_constants; i++)
        if (db_run(db, SQL_RULER_CONSTANT_PUT, e, "ind", id, i, r->constants[i]) < 0)
            return -1;
    for (int i = 0; i < r->n_nodes; i++) {
        const struct store_ruler_node *n = &r->nodes[i];
        if (db_run(db, SQL_RULER_NODE_PUT, e, "intt" "ddddd", id, i, n->model, n->run,
                   n->parameters, n->parameters_non_embedding, n->tokens, n->score, n->noise) < 0)
            return -1;
    }
    return 0;
}

int ruler_put(struct store *s, const struct store_ruler *r, struct err *e)
{
    if (db_begin(s->db, e) < 0)
        return -1;
    if (put_rows(s->db, r, e) < 0) {
        db_rollback(s->db);
        return -1;
    }
    return db_commit(s->db, e);
}

int ruler_delete(struct store *s, const char *name, struct err *e)
{
    int n = db_change(s->db, SQL_RULER_DELETE, e, "t", name);

    return n < 0 ? -1 : n > 0;
}

/* Its constants, in the list's arena. */
static int read_constants(struct db *db, int64_t id, struct store_ruler *r, struct arena *a,
                          struct err *e)
{
    struct stmt st;
    double *v = NULL;
    int rc = db_query(db, &st, SQL_RULER_CONSTANTS, e, "i", id), n = 0;

    while (rc >= 0 && (rc = db_step(&st, e)) == 1) {
        if (!v)
            v = arena_alloc(a, sizeof *v * (size_t)db_int(&st, 1));
        if (!v) {
            rc = err_nomem(e);
            break;
        }
        v[n++] = db_num(&st, 0);
    }
    db_done(&st);
    r->constants = v;
    r->n_constants = n;
    return rc;
}

static int read_nodes(struct db *db, int64_t id, struct store_ruler *r, struct arena *a,
                      struct err *e)
{
    struct stmt st;
    struct store_ruler_node *v = NULL;
    int rc = db_query(db, &st, SQL_RULER_NODES, e, "i", id), failed = 0, n = 0;

    while (rc >= 0 && (rc = db_step(&st, e)) == 1) {
        struct store_ruler_node *node;
        if (!v)
            v = arena_alloc(a, sizeof *v * (size_t)db_int(&st, 8));
        if (!v) {
            rc = err_nomem(e);
            break;
        }
        node = &v[n++];
        node->model = db_keep(&st, a, 0, &failed);
        node->run = db_keep(&st, a, 1, &failed);
        node->changed = db_int(&st, 2) == 1;
        node->parameters = db_num(&st, 3);
        node->parameters_non_embedding = db_num(&st, 4);
        node->tokens = db_num(&st, 5);
        node->score = db_num(&st, 6);
        node->noise = db_num(&st, 7);
    }
    db_done(&st);
    r->nodes = v;
    r->n_nodes = n;
    return rc < 0 ? -1 : failed ? err_nomem(e) : 0;
}

static int fill(struct store_ruler *r, const struct stmt *st, struct arena *a, struct err *e)
{
    int failed = 0, c = 1;

    *r = (struct store_ruler){0};
    r->name = db_keep(st, a, c++, &failed);
    r->set = db_keep(st, a, c++, &failed);
    r->origin = db_keep(st, a, c++, &failed);
    r->kind = db_keep(st, a, c++, &failed);
    r->task = db_keep(st, a, c++, &failed);
    r->metric = db_keep(st, a, c++, &failed);
    r->prompt_hash = db_keep(st, a, c++, &failed);
    r->shots = (int)db_int(st, c++);
    r->chance = db_num(st, c++);
    r->d0_tokens = db_num(st, c++);
    r->r2 = db_num(st, c++);
    r->rms = db_num(st, c++);
    r->loo_ln = db_num(st, c++);
    r->n_loo = (int)db_int(st, c++);
    r->program_version = db_keep(st, a, c++, &failed);
    r->created = db_keep(st, a, c++, &failed);
    return failed ? err_nomem(e) : 0;
}

int query_rulers(struct store *s, const char *name, struct store_ruler_list *out, struct err *e)
{
    struct stmt st;
    size_t cap = 0;
    int rc = db_query(s->db, &st, SQL_RULERS, e, "t", name);

    *out = (struct store_ruler_list){0};
    while (rc >= 0 && (rc = db_step(&st, e)) == 1) {
        struct store_ruler *r;
        int64_t id = db_int(&st, 0);
        if (mem_grow(&out->v, &cap, out->n + 1, sizeof *out->v) < 0) {
            rc = err_nomem(e);
            break;
        }
        r = &out->v[out->n];
        if ((rc = fill(r, &st, &out->arena, e)) < 0 ||
            (rc = read_constants(s->db, id, r, &out->arena, e)) < 0 ||
            (rc = read_nodes(s->db, id, r, &out->arena, e)) < 0)
            break;
        out->n++;
    }
    db_done(&st);
    if (rc < 0)
        store_ruler_list_release(out);
    return rc < 0 ? -1 : 0;
}

void store_ruler_list_release(struct store_ruler_list *l)
{
    mem_free(l->v);
    arena_release(&l->arena);
    *l = (struct store_ruler_list){0};
}
