/* kept_sets.c -- room for what is kept across runs: whole sets go, used longest ago first;
 * and how rows come into one. */
#include "base/mem.h"
#include "results/internal.h"

struct doomed_set {
    int64_t id, rows;
};

/* Sets other than `but` whose end leaves at most so many rows. */
static int choose_sets(struct db *db, const struct kept_sets *of, int64_t most, int64_t but,
                       struct doomed_set **out, size_t *n, struct err *e)
{
    struct stmt st = STMT_NONE;
    size_t cap = 0;
    int64_t all;
    int rc = -1;

    *out = NULL;
    *n = 0;
    if (db_get_int(db, of->rows, &all, NULL, e, "") < 0)
        return -1;
    if (all <= most)
        return 0;
    rc = db_query(db, &st, of->sets, e, "i", but);
    while (rc >= 0 && all > most && (rc = db_step(&st, e)) == 1) {
        if (mem_grow(out, &cap, *n + 1, sizeof **out) < 0) {
            rc = err_nomem(e);
            break;
        }
        (*out)[*n] = (struct doomed_set){db_int(&st, 0), db_int(&st, 1)};
        all -= (*out)[(*n)++].rows;
    }
    db_done(&st);
    return rc < 0 ? -1 : 0;
}

int64_t sets_prune(struct db *db, const struct kept_sets *of, int64_t most, int64_t but, int dry,
                   struct err *e)
{
    struct doomed_set *v = NULL;
    size_t n = 0;
    int64_t gone = 0;
    int rc = choose_sets(db, of, most, but, &v, &n, e);

    for (size_t i = 0; i < n && rc == 0; i++) {
        gone += v[i].rows;
        if (!dry && db_run(db, of->set_delete, e, "i", v[i].id) < 0)
            rc = -1;
    }
    mem_free(v);
    return rc < 0 ? -1 : gone;
}

static int keep_rows(struct db *db, const struct kept_sets *of, int64_t id, const char *set_seal,
                     const void *v, int n, int64_t most, struct err *e)
{
    int64_t all, added = 0;

    if (sets_prune(db, of, most > n ? most - n : 0, id, 0, e) < 0 ||
        db_get_int(db, of->rows, &all, NULL, e, "") < 0)
        return -1;
    for (int i = 0; i < n && all + added < most; i++) {
        int new = of->keep_row(db, id, set_seal, v, i, e);
        if (new < 0)
            return -1;
        added += new;
    }
    return db_run(db, of->set_grow, e, "ii", added, id);
}

int sets_keep(struct db *db, const struct kept_sets *of, int64_t id, const char *set_seal,
              const void *v, int n, int64_t most, struct err *e)
{
    int inside = db_in_transaction(db);

    if (!inside && db_begin(db, e) < 0)
        return -1;
    if (keep_rows(db, of, id, set_seal, v, n, most, e) < 0) {
        if (!inside)
            db_rollback(db);
        return -1;
    }
    return inside ? 0 : db_commit(db, e);
}
