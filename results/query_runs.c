/* query_runs.c -- runs, and which of them a name means.
 *
 * A run that says it is running is only believed while its writer holds the byte of FILE.lock that
 * is the run's; else it reads "interrupted".  A name is looked for as an id, then as a label, then
 * as "last~N" or the beginning of an id. */
#include "results/query.h"

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

/* 1 when the statement has a row, whose first column goes to id.  rc: of the query itself. */
static int one_id(struct stmt *st, int rc, char id[RUN_ID_SIZE], struct err *e)
{
    if (rc == 0)
        rc = db_step(st, e);
    if (rc == 1)
        copy_id(st, 0, id);
    db_done(st);
    return rc;
}

static int by_text(struct db *db, enum sql q, const char *text, char id[RUN_ID_SIZE],
                   struct err *e)
{
    struct stmt st;

    return one_id(&st, db_query(db, &st, q, e, "t", text), id, e);
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

    return one_id(&st, db_query(db, &st, SQL_RESOLVE_LAST, e, "i", offset), id, e);
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
    int rc = by_text(s->db, SQL_RESOLVE_EXACT, name, id, e);

    if (rc == 0)
        rc = by_text(s->db, SQL_RESOLVE_LABEL, name, id, e);
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
