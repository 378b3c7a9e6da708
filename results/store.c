/* store.c -- opening the database, and a run from its first item to its last. */
#include "results/store.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "results/internal.h"
#include "results/schema.h"

struct run_task_id {
    int64_t id;
    char *task;
};

struct store_run {
    struct store *store;
    int64_t id, session;
    char run[RUN_ID_SIZE];
    int resumed;
    int batch;  /* a transaction of store_batch_begin is open */
    int broken; /* ... and was rolled back by an error inside it */
    struct lock lock;
    struct run_task_id *tasks;
    size_t n_tasks, cap_tasks;
};

static int make_folder(const char *path, struct err *e)
{
    const char *base = path_base(path);
    char *dir;
    int rc;

    if (base == path)
        return 0;
    dir = mem_strndup(path, (size_t)(base - path));
    if (!dir)
        return err_nomem(e);
    rc = file_exists(dir) ? 0 : dir_make(dir, e);
    mem_free(dir);
    return rc;
}

int store_open(struct store **out, const char *path, const struct store_opts *o, struct err *e)
{
    struct store *s = mem_calloc(1, sizeof *s);
    struct db_opts d = {.create = 1, .busy_ms = BUSY_MS};
    int rc = -1;

    if (!s)
        return err_nomem(e);
    if (o) {
        d.readonly = s->readonly = o->readonly;
        d.busy_ms = o->busy_ms > 0 ? o->busy_ms : BUSY_MS;
    }
    if (!*path) { /* SQLite would keep everything in a file that nobody finds again */
        err_set(e, ERR_USAGE, "the database's name is empty");
        goto out;
    }
    if (o && (o->readonly || o->existing) && strcmp(path, MEMORY_PATH) != 0 &&
        file_size(path) <= 0) {
        err_set(e, ERR_NOTFOUND, "%s: no results yet", path);
        err_hint(e, "'densimeter eval' and 'densimeter bench' store some; --db names another file");
        goto out;
    }
    if (!s->readonly && strcmp(path, MEMORY_PATH) != 0 && make_folder(path, e) < 0)
        goto out;
    if (db_open(&s->db, path, &d, e) < 0 || schema_prepare(s->db, s->readonly, e) < 0)
        goto out;
    *out = s;
    s = NULL;
    rc = 0;
out:
    store_close(s);
    return rc;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    db_close(s->db);
    mem_free(s);
}

void store_stop_on(struct store *s, const volatile sig_atomic_t *stop)
{
    db_stop_on(s->db, stop);
}

const char *store_path(const struct store *s)
{
    return db_path(s->db);
}

/* What two runs must share to be one: everything that can change an item or its cost. */
static int run_key(const struct store_run_spec *spec, char key[SHA256_HEX], struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    struct json_out o = JSON_OUT(&b);
    int rc = -1;

    json_begin_array(&o, NULL);
    json_put_str(&o, NULL, spec->kind);
    json_put_str(&o, NULL, spec->model.sha256 ? spec->model.sha256 : spec->model.name);
    json_put_str(&o, NULL, spec->settings);
    json_put_str(&o, NULL, spec->numerics_id);
    json_put_str(&o, NULL, spec->kernels);
    json_put_str(&o, NULL, spec->device);
    json_put_int(&o, NULL, spec->threads);
    json_put_int(&o, NULL, spec->seed);
    json_put_str(&o, NULL, spec->machine.json);
    json_begin_array(&o, NULL);
    for (int i = 0; i < spec->n_tasks; i++) {
        const struct store_task *t = &spec->tasks[i];
        json_put_str(&o, NULL, t->task);
        json_put_int(&o, NULL, t->version);
        json_put_int(&o, NULL, t->shots);
        json_put_int(&o, NULL, t->n_expected);
        json_put_str(&o, NULL, t->data_sha256);
    }
    json_end_array(&o);
    json_end_array(&o);
    if (strbuf_ok(&b, e) == 0)
        rc = sha256_bytes(key, b.s, b.len, e);
    strbuf_release(&b);
    return rc;
}

/* The newest unfinished run with this key, or a new row; -1 on error. */
static int find_or_create(struct store_run *r, const struct store_run_spec *spec,
                          const char *key, struct err *e)
{
    struct db *db = r->store->db;
    struct run_new n = {.kind = spec->kind, .key = key, .status = "running"};
    struct stmt st;
    int rc = db_query(db, &st, SQL_RUN_UNFINISHED, e, "t", key);

    if (rc == 0)
        rc = db_step(&st, e);
    if (rc == 1) {
        const char *run = db_text(&st, 1);
        r->id = db_int(&st, 0);
        r->resumed = 1;
        snprintf(r->run, RUN_ID_SIZE, "%s", run ? run : "");
    }
    db_done(&st);
    if (rc != 0)
        return rc;
    if (put_model(db, &spec->model, &n.model_id, e) < 0 ||
        put_machine(db, &spec->machine, &n.machine_id, e) < 0)
        return -1;
    return put_run(db, &n, spec, &r->id, r->run, e);
}

/* Inside the transaction that found the row, so that of two processes exactly one gets it. */
static int take_lock(struct store_run *r, struct err *e)
{
    struct db *db = r->store->db;
    int64_t pid;
    int rc;

    if (strcmp(db_path(db), MEMORY_PATH) == 0)
        return 0;
    if (lock_open(&r->lock, db_path(db), 1, e) < 0)
        return -1;
    rc = lock_take(&r->lock, r->id, e);
    if (rc <= 0)
        return rc < 0 ? err_prefix(e, "%s", db_path(db)) : 0;
    if (db_get_int(db, SQL_RUN_PID, &pid, NULL, e, "i", r->id) < 0)
        return -1;
    err_set(e, ERR_BUSY, "%s: process %lld is already writing run %s with this command line",
            db_path(db), (long long)pid, r->run);
    err_hint(e, "wait for it, or stop it; the same command line then goes on from there");
    return -1;
}

static int load_tasks(struct store_run *r, struct err *e)
{
    struct stmt st;
    int rc = db_query(r->store->db, &st, SQL_TASK_IDS, e, "i", r->id);

    while (rc == 0 && (rc = db_step(&st, e)) == 1) {
        const char *task = db_text(&st, 1);
        rc = -1;
        if (!task || mem_grow(&r->tasks, &r->cap_tasks, r->n_tasks + 1, sizeof *r->tasks) < 0 ||
            !(r->tasks[r->n_tasks].task = mem_strdup(task))) {
            err_nomem(e);
            break;
        }
        r->tasks[r->n_tasks++].id = db_int(&st, 0);
        rc = 0;
    }
    db_done(&st);
    return rc;
}

static int begin_in_transaction(struct store_run *r, const struct store_run_spec *spec,
                                const char *key, struct err *e)
{
    struct db *db = r->store->db;

    if (find_or_create(r, spec, key, e) < 0 || take_lock(r, e) < 0 ||
        db_run(db, SQL_RUN_TAKE, e, "ntti", (int)getpid(), spec->command_line,
               spec->program_version, r->id) < 0 ||
        db_run(db, SQL_SESSION_PUT, e, "int", r->id, (int)getpid(), spec->noise_before) < 0)
        return -1;
    r->session = db_last_id(db);
    for (int i = 0; i < spec->n_tasks; i++)
        if (put_task(db, r->id, &spec->tasks[i], e) < 0)
            return -1;
    return load_tasks(r, e);
}

int store_run_begin(struct store *s, const struct store_run_spec *spec, struct store_run **out,
                    struct err *e)
{
    struct store_run *r = mem_calloc(1, sizeof *r);
    char key[SHA256_HEX];
    int rc = -1;

    if (!r)
        return err_nomem(e);
    r->store = s;
    r->lock = LOCK_NONE;
    if (run_key(spec, key, e) < 0 || db_begin(s->db, e) < 0)
        goto out;
    if (begin_in_transaction(r, spec, key, e) < 0) {
        db_rollback(s->db);
        goto out;
    }
    if (db_commit(s->db, e) < 0)
        goto out;
    *out = r;
    r = NULL;
    rc = 0;
out:
    store_run_close(r);
    return rc;
}

const char *store_run_id(const struct store_run *r)
{
    return r->run;
}

int store_run_resumed(const struct store_run *r)
{
    return r->resumed;
}

static int task_id(const struct store_run *r, const char *task, int64_t *id, struct err *e)
{
    for (size_t i = 0; i < r->n_tasks; i++)
        if (strcmp(r->tasks[i].task, task) == 0) {
            *id = r->tasks[i].id;
            return 0;
        }
    return err_set(e, ERR_INVALID, "%s: run %s has no task %s", db_path(r->store->db), r->run,
                   task);
}

int store_run_done(struct store_run *r, const char *task, int **ids, size_t *n, struct err *e)
{
    struct stmt st = STMT_NONE;
    int64_t id;
    int *v = NULL;
    size_t count = 0, cap = 0;
    int rc = -1;

    if (task_id(r, task, &id, e) < 0 || db_query(r->store->db, &st, SQL_TASK_DONE, e, "i", id) < 0)
        goto out;
    while ((rc = db_step(&st, e)) == 1) {
        if (mem_grow(&v, &cap, count + 1, sizeof *v) < 0) {
            rc = err_nomem(e);
            goto out;
        }
        v[count++] = (int)db_int(&st, 0);
    }
    if (rc < 0)
        goto out;
    *ids = v;
    *n = count;
    v = NULL;
out:
    db_done(&st);
    mem_free(v);
    return rc;
}

int store_run_scored(struct store_run *r, const char *task, int *n, struct err *e)
{
    int64_t id, scored;

    if (task_id(r, task, &id, e) < 0 ||
        db_get_int(r->store->db, SQL_TASK_N_SCORED, &scored, NULL, e, "i", id) < 0)
        return -1;
    *n = (int)scored;
    return 0;
}

static int all_items_kept(struct store_run *r, struct err *e)
{
    struct db *db = r->store->db;
    struct stmt st;
    int rc = db_query(db, &st, SQL_TASK_UNFINISHED, e, "i", r->id);

    if (rc == 0)
        rc = db_step(&st, e);
    if (rc == 1)
        rc = err_set(e, ERR_INVALID, "%s: run %s is not complete: task %s has %lld of %lld items",
                     db_path(db), r->run, db_text(&st, 0), (long long)db_int(&st, 2),
                     (long long)db_int(&st, 1));
    db_done(&st);
    return rc;
}

int store_run_finish(struct store_run *r, enum store_status status, const char *noise_after,
                     const char *error, struct err *e)
{
    static const char *const names[] = {
        [STORE_COMPLETE] = "complete", [STORE_INTERRUPTED] = "interrupted",
        [STORE_FAILED] = "failed",
    };
    struct db *db = r->store->db;
    int64_t busy;

    if (r->batch && store_batch_commit(r, e) < 0)
        return -1;
    if (db_begin(db, e) < 0)
        return -1;
    if ((status == STORE_COMPLETE && all_items_kept(r, e) < 0) ||
        db_run(db, SQL_RUN_STATUS, e, "tti", names[status], error, r->id) < 0 ||
        (status == STORE_COMPLETE && seal_run(db, r->id, e) < 0) ||
        db_run(db, SQL_SESSION_END, e, "ti", noise_after, r->session) < 0) {
        db_rollback(db);
        return -1;
    }
    if (db_commit(db, e) < 0)
        return -1;
    /* Now the fsync that db_open left out; a reader in the way postpones it, which is no error. */
    (void)db_get_int(db, SQL_CHECKPOINT, &busy, NULL, NULL, "");
    return 0;
}

void store_run_close(struct store_run *r)
{
    if (!r)
        return;
    if (r->batch)
        db_rollback(r->store->db);
    lock_close(&r->lock);
    for (size_t i = 0; i < r->n_tasks; i++)
        mem_free(r->tasks[i].task);
    mem_free(r->tasks);
    mem_free(r);
}

int store_batch_begin(struct store_run *r, struct err *e)
{
    if (db_begin(r->store->db, e) < 0)
        return -1;
    r->batch = 1;
    r->broken = 0;
    return 0;
}

int store_batch_commit(struct store_run *r, struct err *e)
{
    r->batch = 0;
    if (r->broken)
        return err_set(e, ERR_INVALID, "%s: the batch was rolled back after an error in it",
                       db_path(r->store->db));
    return db_commit(r->store->db, e);
}

/* Every write of a run goes between these two: they are a transaction where no batch is open. */
static int write_begin(struct store_run *r, struct err *e)
{
    if (!r->batch)
        return db_begin(r->store->db, e);
    if (r->broken)
        return err_set(e, ERR_INVALID, "%s: the batch was rolled back after an error in it",
                       db_path(r->store->db));
    return 0;
}

static int write_end(struct store_run *r, int rc, struct err *e)
{
    if (rc < 0) {
        r->broken = r->batch;
        db_rollback(r->store->db);
    } else if (!r->batch && db_commit(r->store->db, e) < 0) {
        rc = -1;
    }
    return rc;
}

int store_item_add(struct store_run *r, const struct store_item *it, struct err *e)
{
    int64_t id;

    if (task_id(r, it->task, &id, e) < 0 || write_begin(r, e) < 0)
        return -1;
    return write_end(r, put_item(r->store->db, id, it, e), e);
}

int store_task_finish(struct store_run *r, const struct store_task_result *t, struct err *e)
{
    int64_t id;

    if (task_id(r, t->task, &id, e) < 0 || write_begin(r, e) < 0)
        return -1;
    return write_end(r, put_task_result(r->store->db, id, t, e), e);
}

int store_bench_add(struct store_run *r, const struct store_bench *b, struct err *e)
{
    if (write_begin(r, e) < 0)
        return -1;
    return write_end(r, put_bench(r->store->db, r->id, b, e), e);
}

static int put_energy(struct store_run *r, const struct store_energy *x, struct err *e)
{
    return db_run(r->store->db, SQL_ENERGY_PUT, e, "itntttnddidt", r->id, x->subject, x->idx,
                  x->source, x->channel, x->is_declared ? "declared" : "measured", x->is_headline,
                  x->seconds, x->joules, x->samples, x->gap_s, x->reason);
}

int store_energy_add(struct store_run *r, const struct store_energy *x, struct err *e)
{
    if (write_begin(r, e) < 0)
        return -1;
    return write_end(r, put_energy(r, x, e), e);
}

static int settle(struct store_run *r, const struct store_energy *x,
                  const struct store_cost *values, int n_values, struct err *e)
{
    struct db *db = r->store->db;

    if (db_run(db, SQL_ENERGY_DEMOTE, e, "it", r->id, x->subject) < 0 || put_energy(r, x, e) < 0)
        return -1;
    for (int i = 0; i < n_values; i++)
        if (db_run(db, SQL_BENCH_VALUE_SET, e, "dtit", values[i].value, values[i].metric, r->id,
                   x->subject) < 0 ||
            db_run(db, SQL_COST_SET, e, "dtit", values[i].value, values[i].metric, r->id,
                   x->subject) < 0)
            return -1;
    return 0;
}

int store_energy_settle(struct store_run *r, const struct store_energy *x,
                        const struct store_cost *values, int n_values, struct err *e)
{
    if (write_begin(r, e) < 0)
        return -1;
    return write_end(r, settle(r, x, values, n_values, e), e);
}
