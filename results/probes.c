#include "results/probes.h"

#include "base/mem.h"
#include "results/internal.h"

static int put_of_model(struct db *db, int64_t model_id, const struct store_probe *p,
                        struct err *e)
{
    int64_t id;

    if (db_run(db, SQL_PROBE_DELETE, e, "itttt", model_id, p->probe, p->task, p->settings,
               p->numerics_id) < 0 ||
        db_run(db, SQL_PROBE_PUT, e, "ittn" "ttt" "ntt", model_id, p->probe, p->task, p->version,
               p->metric, p->settings, p->numerics_id, p->n_items, p->program_version,
               p->created) < 0)
        return -1;
    id = db_last_id(db);
    for (int i = 0; i < p->n_values; i++)
        if (db_run(db, SQL_PROBE_VALUE_PUT, e, "intdd", id, i, p->values[i].name,
                   p->values[i].value, p->values[i].stderr_) < 0)
            return -1;
    return 0;
}

int put_probe(struct db *db, int64_t run_id, const struct store_probe *p, struct err *e)
{
    int64_t id;

    return db_get_int(db, SQL_RUN_MODEL, &id, NULL, e, "i", run_id) < 0
               ? -1
               : put_of_model(db, id, p, e);
}

int probe_put(struct store *s, const struct store_model *model, const struct store_probe *p,
              struct err *e)
{
    int64_t id;

    if (db_begin(s->db, e) < 0)
        return -1;
    if (put_model(s->db, model, &id, e) < 0 || put_of_model(s->db, id, p, e) < 0) {
        db_rollback(s->db);
        return -1;
    }
    return db_commit(s->db, e);
}

static int read_values(struct db *db, int64_t id, struct store_probe *p, struct arena *a,
                       struct err *e)
{
    struct stmt st;
    struct store_probe_value *v = NULL;
    int rc = db_query(db, &st, SQL_PROBE_VALUES, e, "i", id), failed = 0, n = 0;

    while (rc >= 0 && (rc = db_step(&st, e)) == 1) {
        if (!v)
            v = arena_alloc(a, sizeof *v * (size_t)db_int(&st, 3));
        if (!v) {
            rc = err_nomem(e);
            break;
        }
        v[n].name = db_keep(&st, a, 0, &failed);
        v[n].value = db_num(&st, 1);
        v[n++].stderr_ = db_num(&st, 2);
    }
    db_done(&st);
    p->values = v;
    p->n_values = n;
    return rc < 0 ? -1 : failed ? err_nomem(e) : 0;
}

static int fill(struct store_probe *p, const struct stmt *st, struct arena *a, struct err *e)
{
    int failed = 0, c = 1;

    *p = (struct store_probe){.probe = db_keep(st, a, c, &failed)};
    p->task = db_keep(st, a, ++c, &failed);
    p->metric = db_keep(st, a, ++c, &failed);
    p->settings = db_keep(st, a, ++c, &failed);
    p->numerics_id = db_keep(st, a, ++c, &failed);
    p->program_version = db_keep(st, a, ++c, &failed);
    p->version = (int)db_int(st, ++c);
    p->n_items = (int)db_int(st, ++c);
    p->created = db_keep(st, a, ++c, &failed);
    p->model = db_keep(st, a, ++c, &failed);
    p->model_sha256 = db_keep(st, a, ++c, &failed);
    return failed ? err_nomem(e) : 0;
}

int query_probes(struct store *s, const char *model_sha256, struct store_probe_list *out,
                 struct err *e)
{
    struct stmt st;
    size_t cap = 0;
    int rc = db_query(s->db, &st, SQL_PROBES, e, "t", model_sha256);

    *out = (struct store_probe_list){0};
    while (rc >= 0 && (rc = db_step(&st, e)) == 1) {
        if (mem_grow(&out->v, &cap, out->n + 1, sizeof *out->v) < 0) {
            rc = err_nomem(e);
            break;
        }
        if ((rc = fill(&out->v[out->n], &st, &out->arena, e)) < 0 ||
            (rc = read_values(s->db, db_int(&st, 0), &out->v[out->n], &out->arena, e)) < 0)
            break;
        out->n++;
    }
    db_done(&st);
    if (rc < 0)
        store_probe_list_release(out);
    return rc < 0 ? -1 : 0;
}

void store_probe_list_release(struct store_probe_list *l)
{
    mem_free(l->v);
    arena_release(&l->arena);
    *l = (struct store_probe_list){0};
}

int probes_carry(struct store *from, struct db *to, const struct store_model *model,
                 struct err *e)
{
    struct store_probe_list l = {0};
    int64_t id;
    int rc = model->sha256 ? query_probes(from, model->sha256, &l, e) : 0;

    for (size_t i = 0; i < l.n && rc == 0; i++)
        if ((rc = add_model(to, model, &id, e)) == 0)
            rc = put_of_model(to, id, &l.v[i], e);
    store_probe_list_release(&l);
    return rc;
}
