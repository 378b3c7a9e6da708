#include "results/lease.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "results/internal.h"

#define EXPIRY_S 30

struct watch { /* somebody else's block */
    int64_t night, block, runner;
    int beats;
    double since_s; /* by our clock, since when the count stands still */
    int seen;       /* in this round */
};

struct lease {
    struct store *store;
    struct lock lock;
    int64_t runner;
    char *host;
    double expiry_s, looked_s;
    double (*clock_s)(void);
    struct watch *watches;
    size_t n_watches, cap_watches;
};

int lease_open(struct lease **out, struct store *s, const struct lease_opts *o, struct err *e)
{
    struct lease *l = mem_calloc(1, sizeof *l);
    int rc = -1;

    if (!l)
        return err_nomem(e);
    l->store = s;
    l->lock = LOCK_NONE;
    l->expiry_s = o->expiry_s > 0 ? o->expiry_s : EXPIRY_S;
    l->clock_s = o->clock_s;
    l->host = mem_strdup(o->host);
    if (!l->host) {
        err_nomem(e);
        goto out;
    }
    if (db_run(s->db, SQL_RUNNER_PUT, e, "ti", o->host, (int64_t)getpid()) < 0)
        goto out;
    l->runner = db_last_id(s->db);
    if (strcmp(db_path(s->db), MEMORY_PATH) != 0 &&
        (lock_open(&l->lock, db_path(s->db), 1, e) < 0 ||
         lock_take(&l->lock, RUNNER_BYTES + l->runner, e) != 0))
        goto out;
    *out = l;
    l = NULL;
    rc = 0;
out:
    lease_close(l);
    return rc;
}

void lease_close(struct lease *l)
{
    if (!l)
        return;
    if (l->runner)
        (void)lease_release(l, NULL); /* who finds it finds our lock gone */
    lock_close(&l->lock);
    mem_free(l->watches);
    mem_free(l->host);
    mem_free(l);
}

int64_t lease_runner(const struct lease *l)
{
    return l->runner;
}

/* --- whose leases have ended ----------------------------------------------------------------- */

/* How long the count has stood still. */
static double silence_s(struct lease *l, const struct watch *now, struct err *e)
{
    double t = l->clock_s();

    for (size_t i = 0; i < l->n_watches; i++) {
        struct watch *w = &l->watches[i];
        if (w->night != now->night || w->block != now->block)
            continue;
        if (w->runner != now->runner || w->beats != now->beats) {
            *w = *now;
            w->since_s = t;
        }
        w->seen = 1;
        return t - w->since_s;
    }
    if (mem_grow(&l->watches, &l->cap_watches, l->n_watches + 1, sizeof *l->watches) < 0)
        return err_nomem(e);
    l->watches[l->n_watches] = *now;
    l->watches[l->n_watches].since_s = t;
    l->watches[l->n_watches++].seen = 1;
    return 0;
}

/* While we were busy, or the database was locked for us, it was perhaps locked for the others too:
 * what we saw before counts for nothing. */
static void forget_gaps(struct lease *l)
{
    double t = l->clock_s();

    if (t - l->looked_s > l->expiry_s / 2)
        l->n_watches = 0;
    l->looked_s = t;
    for (size_t i = 0; i < l->n_watches; i++)
        l->watches[i].seen = 0;
}

static void forget_gone(struct lease *l)
{
    size_t kept = 0;

    for (size_t i = 0; i < l->n_watches; i++)
        if (l->watches[i].seen)
            l->watches[kept++] = l->watches[i];
    l->n_watches = kept;
}

struct others { /* that live, on this host */
    int any, exclusive;
};

static int look_at_others(struct lease *l, struct others *out, int64_t *taken_over, struct err *e)
{
    struct db *db = l->store->db;
    struct stmt st;
    int rc = db_query(db, &st, SQL_HELD_BLOCKS, e, "");

    forget_gaps(l);
    while (rc >= 0 && (rc = db_step(&st, e)) == 1) {
        const struct watch w = {.night = db_int(&st, 0), .block = db_int(&st, 1),
                                .runner = db_int(&st, 2), .beats = (int)db_int(&st, 3)};
        const char *host = db_text(&st, 5);
        int here = host && strcmp(host, l->host) == 0;
        double silent;
        if (w.runner == l->runner)
            continue;
        silent = silence_s(l, &w, e);
        if (silent < 0) {
            rc = -1;
        } else if (silent > l->expiry_s || (here && l->lock.fd >= 0 &&
                                            !lock_held(&l->lock, RUNNER_BYTES + w.runner))) {
            if (db_run(db, SQL_HELD_FREE, e, "iii", w.night, w.block, w.runner) < 0)
                rc = -1;
            *taken_over = w.runner;
        } else if (here) {
            out->any = 1;
            out->exclusive |= db_int(&st, 4) > 0;
        }
    }
    db_done(&st);
    forget_gone(l);
    return rc < 0 ? -1 : 0;
}

/* --- taking and giving ----------------------------------------------------------------------- */

/* The first block that may begin now; -1: none, -2: error. */
static int first_free(struct db *db, int64_t night, const struct others *o, struct err *e)
{
    struct stmt st;
    int block = -1, rc = db_query(db, &st, SQL_FREE_BLOCKS, e, "i", night);

    while (rc >= 0 && block < 0 && !o->exclusive && (rc = db_step(&st, e)) == 1)
        if (!o->any || db_int(&st, 1) == 0)
            block = (int)db_int(&st, 0);
    db_done(&st);
    return rc < 0 ? -2 : block;
}

static int claim(struct lease *l, int64_t night, struct cell_list *out, int64_t *taken_over,
                 struct err *e)
{
    struct db *db = l->store->db;
    struct others others = {0};
    int64_t pending;
    int block;

    if (look_at_others(l, &others, taken_over, e) < 0 ||
        (block = first_free(db, night, &others, e)) == -2)
        return -1;
    if (block < 0) {
        if (db_get_int(db, SQL_NIGHT_PENDING, &pending, NULL, e, "i", night) < 0)
            return -1;
        return pending ? CLAIM_LATER : CLAIM_NONE_LEFT;
    }
    if (db_run(db, SQL_BLOCK_TAKE, e, "iin", l->runner, night, block) < 0 ||
        cells_of(db, night, block, out, e) < 0)
        return -1;
    return CLAIM_TAKEN;
}

int lease_claim(struct lease *l, int64_t night, struct cell_list *out, int64_t *taken_over,
                struct err *e)
{
    struct db *db = l->store->db;
    int rc;

    *out = (struct cell_list){0};
    *taken_over = -1;
    if (db_begin(db, e) < 0)
        return -1;
    rc = claim(l, night, out, taken_over, e);
    if (rc >= 0 && db_commit(db, e) == 0)
        return rc;
    db_rollback(db);
    cell_list_release(out);
    return -1;
}

int lease_beat(struct lease *l, struct err *e)
{
    int changed = db_change(l->store->db, SQL_BEAT, e, "i", l->runner);

    return changed < 0 ? -1 : changed == 0;
}

int lease_release(struct lease *l, struct err *e)
{
    return db_run(l->store->db, SQL_RELEASE, e, "i", l->runner);
}

int lease_attempt(struct lease *l, int64_t cell, const char *outcome, const char *reason,
                  struct err *e)
{
    int changed = db_change(l->store->db, SQL_CELL_FAIL, e, "ttii", outcome, reason, cell,
                            l->runner);

    return changed < 0 ? -1 : changed == 0;
}

static int finish(struct lease *l, int64_t cell, const struct cell_result *r, struct err *e)
{
    struct db *db = l->store->db;
    int64_t run = -1;
    char name[RUN_ID_SIZE];
    int changed;

    snprintf(name, sizeof name, "%s", r->from ? r->run_id : "");
    if (r->from && adopt_run(db, name, r->done ? NULL : r->reason, &run, e) < 0)
        return -1;
    changed = db_change(db, SQL_CELL_END, e, "tttnutddvtii", r->done ? "done" : "failed",
                        r->outcome, r->reason, r->done ? 0 : 1, run, r->started, r->wall_s,
                        r->peak_rss_bytes, r->quiet, r->noise, cell, l->runner);
    return changed < 0 ? -1 : changed == 0;
}

int lease_finish(struct lease *l, int64_t cell, const struct cell_result *r, struct err *e)
{
    struct db *db = l->store->db;
    int rc = -1;

    if (r->from && adopt_attach(db, r->from, e) < 0)
        return -1;
    if (db_begin(db, e) == 0) {
        rc = finish(l, cell, r, e);
        if (rc == 0)
            rc = db_commit(db, e);
        if (rc != 0)
            db_rollback(db);
    }
    if (r->from)
        adopt_detach(db);
    return rc;
}
