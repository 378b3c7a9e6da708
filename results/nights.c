/* nights.c -- beginning and ending nights, points of series, segments and pins. */
#include "results/nights.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "results/internal.h"

static int plan_id(struct db *db, const char *name, int64_t *id, struct err *e)
{
    if (db_run(db, SQL_PLAN_PUT, e, "t", name) < 0)
        return -1;
    return db_get_int(db, SQL_PLAN_ID, id, NULL, e, "t", name);
}

struct last_night {
    int64_t id;
    int n, running;
    char date[NIGHT_DATE_SIZE];
    int same_plan;
};

/* 1 with the plan's last night of this kind, 0: none yet, -1. */
static int last_night(struct db *db, int64_t plan, const struct night_spec *spec,
                      struct last_night *out, struct err *e)
{
    struct stmt st;
    int rc = db_query(db, &st, SQL_NIGHT_LAST, e, "it", plan, spec->kind);

    if (rc == 0)
        rc = db_step(&st, e);
    if (rc == 1) {
        const char *date = db_text(&st, 2), *hash = db_text(&st, 3), *status = db_text(&st, 4);
        out->id = db_int(&st, 0);
        out->n = (int)db_int(&st, 1);
        snprintf(out->date, sizeof out->date, "%s", date ? date : "");
        out->same_plan = hash && strcmp(hash, spec->plan_hash) == 0;
        out->running = status && strcmp(status, "running") == 0;
    }
    db_done(&st);
    return rc;
}

/* Is the last night the one to go on with? */
static int goes_on(const struct last_night *l, const struct night_spec *spec)
{
    if (!l->same_plan || (spec->again && !l->running))
        return 0;
    return strcmp(spec->kind, "nightly") != 0 || strcmp(l->date, spec->date) == 0;
}

static int put_cells(struct db *db, int64_t night, const struct night_spec *spec, struct err *e)
{
    for (int i = 0; i < spec->n_cells; i++) {
        const struct cell_spec *c = &spec->cells[i];
        if (db_run(db, SQL_CELL_PUT, e, "inntt" "ntttt", night, c->block, c->place, c->series,
                   c->kind, c->arm, c->argv, c->model, c->model_sha256, c->build_sha256) < 0)
            return -1;
    }
    return 0;
}

/* A night that somebody still measures is not ended under their hands. */
static int nobody_is_at(struct db *db, const struct night_spec *spec, const struct last_night *l,
                        struct err *e)
{
    struct lock lock = LOCK_NONE;
    struct stmt st = STMT_NONE;
    int rc = strcmp(db_path(db), MEMORY_PATH) == 0 ? 0 : lock_open(&lock, db_path(db), 0, e);

    if (rc == 0)
        rc = db_query(db, &st, SQL_NIGHT_HOLDERS, e, "i", l->id);
    while (rc >= 0 && (rc = db_step(&st, e)) == 1)
        if (lock_held(&lock, RUNNER_BYTES + db_int(&st, 0))) {
            rc = err_set(e, ERR_BUSY, "%s: process %lld measures %s %d of plan %s, which is dated "
                                      "%s or has another plan or program", db_path(db),
                         (long long)db_int(&st, 1), spec->kind, l->n, spec->plan, l->date);
            break;
        }
    db_done(&st);
    lock_close(&lock);
    return rc < 0 ? -1 : 0;
}

static int begin_night(struct db *db, const struct night_spec *spec, const struct last_night *l,
                       struct night *out, struct err *e)
{
    if (l->running) {
        char why[80];
        snprintf(why, sizeof why, "the night of %s began before it was measured", spec->date);
        if (nobody_is_at(db, spec, l, e) < 0 ||
            db_run(db, SQL_NIGHT_SKIP, e, "ti", why, l->id) < 0 ||
            db_run(db, SQL_NIGHT_ABANDON, e, "i", l->id) < 0)
            return -1;
        out->abandoned = l->n;
    }
    out->n = l->n + 1;
    out->created = 1;
    out->clock_back = strcmp(l->date, spec->date) > 0;
    snprintf(out->date, sizeof out->date, "%s", spec->date);
    if (db_run(db, SQL_NIGHT_PUT, e, "itntntt", out->plan_id, spec->kind, out->n, spec->date,
               out->clock_back, spec->plan_hash, spec->plan_text) < 0)
        return -1;
    out->id = db_last_id(db);
    return put_cells(db, out->id, spec, e);
}

static int open_in_transaction(struct db *db, const struct night_spec *spec, struct night *out,
                               struct err *e)
{
    struct last_night l = {0};
    int rc;

    *out = (struct night){0};
    if (plan_id(db, spec->plan, &out->plan_id, e) < 0 ||
        (rc = last_night(db, out->plan_id, spec, &l, e)) < 0)
        return -1;
    if (rc == 0 || !goes_on(&l, spec))
        return begin_night(db, spec, &l, out, e);
    out->id = l.id;
    out->n = l.n;
    out->is_complete = !l.running;
    snprintf(out->date, sizeof out->date, "%s", l.date);
    return 0;
}

int night_open(struct store *s, const struct night_spec *spec, struct night *out, struct err *e)
{
    if (db_begin(s->db, e) < 0)
        return -1;
    if (open_in_transaction(s->db, spec, out, e) < 0) {
        db_rollback(s->db);
        return -1;
    }
    return db_commit(s->db, e);
}

int night_finish(struct store *s, int64_t night_id, int exit_status, const char *summary,
                 struct err *e)
{
    struct db *db = s->db;
    int64_t pending;

    if (db_begin(db, e) < 0)
        return -1;
    if (db_get_int(db, SQL_NIGHT_PENDING, &pending, NULL, e, "i", night_id) < 0)
        goto fail;
    if (pending) {
        err_set(e, ERR_INVALID, "%s: the night has %lld cells without an end", db_path(db),
                (long long)pending);
        goto fail;
    }
    if (db_run(db, SQL_NIGHT_END, e, "nti", exit_status, summary, night_id) < 0)
        goto fail;
    return db_commit(db, e);
fail:
    db_rollback(db);
    return -1;
}

int point_put(struct store *s, int64_t plan, const struct point *p, struct err *e)
{
    return db_run(s->db, SQL_POINT_PUT, e, "ittiidddvv", plan, p->series, p->metric, p->night_id,
                  p->segment_id, p->value, p->low, p->high, p->n, p->quiet);
}

int segment_last(struct store *s, int64_t plan, const char *series, struct segment *out,
                 char **fingerprint, struct err *e)
{
    struct stmt st;
    int rc = db_query(s->db, &st, SQL_SEGMENT_LAST, e, "it", plan, series);

    *fingerprint = NULL;
    if (rc == 0)
        rc = db_step(&st, e);
    if (rc == 1) {
        const char *text = db_text(&st, 2);
        *out = (struct segment){db_int(&st, 0), (int)db_int(&st, 1), 0};
        *fingerprint = text ? mem_strdup(text) : NULL;
        if (!*fingerprint)
            rc = err_nomem(e);
    }
    db_done(&st);
    return rc;
}

static int enter(struct store *s, int64_t plan, const char *series, int64_t night_id,
                 const char *fingerprint, const char *changed, struct segment *out, struct err *e)
{
    struct segment last = {0};
    char *before = NULL;
    int rc = segment_last(s, plan, series, &last, &before, e);
    int same = rc == 1 && strcmp(before, fingerprint) == 0;

    mem_free(before);
    if (rc < 0)
        return -1;
    *out = last;
    if (same)
        return 0;
    if (db_run(s->db, SQL_SEGMENT_PUT, e, "itnitt", plan, series, last.n + 1, night_id,
               fingerprint, changed) < 0)
        return -1;
    *out = (struct segment){db_last_id(s->db), last.n + 1, 1};
    return 0;
}

int segment_enter(struct store *s, int64_t plan, const char *series, int64_t night_id,
                  const char *fingerprint, const char *changed, struct segment *out, struct err *e)
{
    if (db_begin(s->db, e) < 0)
        return -1;
    if (enter(s, plan, series, night_id, fingerprint, changed, out, e) < 0) {
        db_rollback(s->db);
        return -1;
    }
    return db_commit(s->db, e);
}

int night_of_run(struct store *s, const char *run_id, int64_t *night_id, struct err *e)
{
    int found;

    if (db_get_int(s->db, SQL_NIGHT_OF_RUN, night_id, &found, e, "t", run_id) < 0)
        return -1;
    return found;
}

int pin_set(struct store *s, const char *run_id, int pinned, struct err *e)
{
    return db_run(s->db, pinned ? SQL_PIN_SET : SQL_PIN_CLEAR, e, "t", run_id);
}

/* The run in the first row, if any. */
static int take_run(struct stmt *st, int rc, char run_id[RUN_ID_SIZE], struct err *e)
{
    if (rc == 0)
        rc = db_step(st, e);
    if (rc == 1)
        snprintf(run_id, RUN_ID_SIZE, "%s", db_text(st, 0));
    db_done(st);
    return rc;
}

int pin_find(struct store *s, const char *series, const char *kind, const char *model,
             char run_id[RUN_ID_SIZE], struct err *e)
{
    struct stmt st;
    int rc = take_run(&st, db_query(s->db, &st, SQL_PIN_OF_SERIES, e, "t", series), run_id, e);

    if (rc == 0)
        rc = take_run(&st, db_query(s->db, &st, SQL_PIN_OF_MODEL, e, "tt", kind, model), run_id,
                      e);
    return rc;
}

int series_first_run(struct store *s, int64_t plan, const char *series, char run_id[RUN_ID_SIZE],
                     struct err *e)
{
    struct stmt st;

    return take_run(&st, db_query(s->db, &st, SQL_SERIES_FIRST, e, "it", plan, series), run_id, e);
}
