#include "harness/isolate.h"
#include "harness/work.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "harness/meter.h"
#include "harness/models.h"
#include "harness/stored.h"
#include "harness/work_impl.h"

#define BUSY_MS 1000       /* a locked database is asked again, so that Ctrl-C is heard */
#define PATIENCE_S 600     /* and for so long */
#define OTHERS_MS 300      /* between looks at what other runners hold */

static void pause_ms(int ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000L};

    nanosleep(&t, NULL);
}

int work_be_patient(const struct context *c, double *waited_s, const struct err *e)
{
    if (e->code != ERR_BUSY || *c->stop || *waited_s > PATIENCE_S)
        return 0;
    if (*waited_s == 0)
        context_note(c, "waiting: %s", e->text);
    pause_ms(200);
    *waited_s += BUSY_MS / 1000.0 + 0.2;
    return 1;
}

/* --- models and programs --------------------------------------------------------------------- */

/* A model that cannot be read is a result too: m->why says it. */
static int read_model(struct hashed_model *m, struct err *e)
{
    struct err why = ERR_NONE;
    char stamp[SHA256_HEX] = "";

    if (!m->path)
        m->path = model_path(m->model, &why);
    if (m->path && model_stamp(stamp, m->path, &why) == 0 && m->sha256[0] &&
        strcmp(stamp, m->stamp) == 0)
        return 0;
    m->sha256[0] = m->why[0] = 0;
    memcpy(m->stamp, stamp, sizeof m->stamp);
    if (why.code == ERR_OK && model_hash(m->sha256, m->path, &why) < 0)
        m->sha256[0] = 0;
    if (why.code == ERR_NOMEM)
        return err_nomem(e);
    snprintf(m->why, sizeof m->why, "%.*s", (int)sizeof m->why - 1, why.text);
    return 0;
}

int work_model(struct work *w, const char *model, const struct hashed_model **out, struct err *e)
{
    struct hashed_model *m;
    size_t i = 0;

    while (i < w->n_models && strcmp(w->models[i].model, model) != 0)
        i++;
    if (i == w->n_models) {
        if (mem_grow(&w->models, &w->cap_models, i + 1, sizeof *w->models) < 0)
            return err_nomem(e);
        w->models[i] = (struct hashed_model){.model = mem_strdup(model)};
        if (!w->models[i].model)
            return err_nomem(e);
        w->n_models++;
    }
    m = &w->models[i];
    if (read_model(m, e) < 0)
        return -1;
    *out = m;
    return 0;
}

static int find_program(struct work *w, struct err *e)
{
    char path[4096];

    if (isolate_program(path, sizeof path, e) < 0)
        return -1;
    w->program = mem_strdup(path);
    if (!w->program)
        return err_nomem(e);
    return sha256_file(w->build_sha256, w->program, e);
}

/* Hashes into the cells.  A build that cannot be read has none, and its cells will say why. */
static int hash_cells(struct work *w, struct err *e)
{
    for (size_t i = 0; i < w->cells.n; i++) {
        struct cell_spec *c = &w->cells.v[i];
        const struct hashed_model *m;
        const char *build = strcmp(c->kind, "bench") == 0 ? plan_build(w->plan, c->arm) : NULL;
        char hash[SHA256_HEX];
        if (work_model(w, c->model, &m, e) < 0)
            return -1;
        c->model_sha256 = m->sha256[0] ? arena_strdup(&w->plan->arena, m->sha256) : NULL;
        c->build_sha256 = w->build_sha256;
        if (build)
            c->build_sha256 = sha256_file(hash, build, NULL) == 0
                                  ? arena_strdup(&w->plan->arena, hash)
                                  : NULL;
        if (m->sha256[0] && !c->model_sha256)
            return err_nomem(e);
    }
    return 0;
}

int work_open_cells(struct work *w, const struct context *c, struct plan *p, struct cells *cells,
                    struct err *e)
{
    struct store_opts o = {.busy_ms = BUSY_MS};
    char *path = context_db_path(c, e);
    double waited = 0;
    int rc;

    *w = (struct work){.c = c, .plan = p, .root = args_str(c->args, "sysroot")};
    if (!path)
        return -1;
    do
        rc = store_open(&w->store, path, &o, e);
    while (rc < 0 && work_be_patient(c, &waited, e));
    mem_free(path);
    if (rc < 0 || find_program(w, e) < 0)
        return -1;
    w->cells = *cells;
    *cells = (struct cells){0};
    return hash_cells(w, e);
}

int work_open(struct work *w, const struct context *c, struct plan *p, struct err *e)
{
    struct cells cells;
    int rc;

    *w = (struct work){0};
    if (plan_cells(p, &cells, e) < 0)
        return -1;
    rc = work_open_cells(w, c, p, &cells, e);
    cells_release(&cells);
    return rc;
}

void work_close(struct work *w)
{
    lease_close(w->lease);
    store_close(w->store);
    cells_release(&w->cells);
    for (size_t i = 0; i < w->n_models; i++) {
        mem_free(w->models[i].model);
        mem_free(w->models[i].path);
    }
    mem_free(w->models);
    mem_free(w->program);
    *w = (struct work){0};
}

/* --- the night ------------------------------------------------------------------------------- */

/* The plan's text and the program: another of either is another night. */
static int night_hash(const struct work *w, char hex[SHA256_HEX], struct err *e)
{
    struct sha256 *h = NULL;
    char unused[SHA256_HEX];
    int rc = sha256_begin(&h, e);

    if (rc == 0)
        rc = sha256_update(h, w->build_sha256, sizeof w->build_sha256, e);
    if (rc == 0)
        rc = sha256_update(h, strbuf_str(&w->plan->text), w->plan->text.len, e);
    if (rc == 0)
        return sha256_final(h, hex, e);
    sha256_final(h, unused, NULL);
    return -1;
}

static int open_night(struct work *w, const char *kind, const char *date, int again, struct err *e)
{
    char hash[SHA256_HEX];
    double waited = 0;
    int rc;

    if (night_hash(w, hash, e) < 0)
        return -1;
    const struct night_spec spec = {
        .plan = w->plan->name, .kind = kind, .date = date, .plan_hash = hash,
        .plan_text = strbuf_str(&w->plan->text), .again = again, .cells = w->cells.v,
        .n_cells = (int)w->cells.n};
    do
        rc = night_open(w->store, &spec, &w->night, e);
    while (rc < 0 && work_be_patient(w->c, &waited, e));
    if (rc == 0 && w->night.abandoned)
        context_note(w->c, "%s %d of plan %s was not finished; what it has is kept", kind,
                     w->night.abandoned, w->plan->name);
    if (rc == 0 && w->night.clock_back)
        context_note(w->c, "the system clock was set back: %s %d is dated before the one before it",
                     kind, w->night.n);
    return rc;
}

static int open_lease(struct work *w, struct err *e)
{
    char host[256];
    double waited = 0;
    int rc;

    machine_name(host, sizeof host, w->root);
    const struct lease_opts o = {host, w->plan->lease_s, meter_clock_s};
    do
        rc = lease_open(&w->lease, w->store, &o, e);
    while (rc < 0 && work_be_patient(w->c, &waited, e));
    return rc;
}

static int is_stopped(const struct work *w, struct err *e)
{
    if (!*w->c->stop)
        return 0;
    err_set(e, ERR_INTERRUPTED, "plan %s interrupted: finished cells are kept", w->plan->name);
    err_hint(e, "the same command line goes on from there");
    return 1;
}

/* One look at the idle machine, and further ones while it is not quiet and there is patience. */
static int wait_for_quiet(struct work *w, const struct cell_row *first, struct block_noise *n,
                          struct err *e)
{
    const struct plan *p = w->plan;
    int is_bench = strcmp(first->spec.kind, "bench") == 0;
    int told = 0;

    *n = (struct block_noise){0};
    if (p->quiet_sample_s <= 0 || (!is_bench && !p->quiet_for_all))
        return 0;
    for (;;) {
        struct noise_sample before, after;
        noise_sample(&before, w->root);
        for (double s = 0; s < p->quiet_sample_s && !*w->c->stop; s += 0.1)
            pause_ms((int)(1000 * (p->quiet_sample_s < 0.1 ? p->quiet_sample_s : 0.1)));
        noise_sample(&after, w->root);
        noise_between(&n->look, &before, &after, 1);
        n->looked = 1;
        if (is_stopped(w, e))
            return -1;
        if (n->look.quiet != QUIET_NO || w->waited_s >= p->quiet_wait_s)
            return 0;
        if (!told++)
            context_note(w->c, "waiting for a quiet machine: %s", n->look.reasons);
        w->waited_s += p->quiet_sample_s;
        (void)lease_beat(w->lease, NULL);
    }
}

/* 1: the lease was lost and others go on with the block. */
static int do_block(struct work *w, const struct cell_list *cells, struct err *e)
{
    struct block_noise n;
    int rc = wait_for_quiet(w, &cells->v[0], &n, e);

    for (size_t i = 0; i < cells->n && rc == 0; i++)
        rc = is_stopped(w, e) ? -1 : work_cell(w, &cells->v[i], &n, e);
    return rc;
}

static int do_cells(struct work *w, struct err *e)
{
    double waited = 0;

    for (;;) {
        struct cell_list cells;
        int64_t taken_over;
        int rc = lease_claim(w->lease, w->night.id, &cells, &taken_over, e);
        if (rc < 0) {
            if (work_be_patient(w->c, &waited, e))
                continue;
            return is_stopped(w, e) ? -1 : rc;
        }
        waited = 0;
        if (taken_over >= 0)
            context_note(w->c, "runner %lld is gone; its cells are free again",
                         (long long)taken_over);
        if (rc == CLAIM_NONE_LEFT)
            return 0;
        if (is_stopped(w, e)) {
            cell_list_release(&cells);
            return -1;
        }
        if (rc == CLAIM_LATER) {
            pause_ms(OTHERS_MS);
            continue;
        }
        rc = do_block(w, &cells, e);
        cell_list_release(&cells);
        if (rc < 0)
            return -1;
    }
}

int work_night(struct work *w, const char *kind, const char *date, int again, struct err *e)
{
    int rc;

    if (open_night(w, kind, date, again, e) < 0)
        return -1;
    if (w->night.is_complete)
        return 0;
    if (open_lease(w, e) < 0)
        return -1;
    rc = do_cells(w, e);
    if (rc == 0)
        work_sweep(w);
    lease_close(w->lease);
    w->lease = NULL;
    return rc;
}

int work_finish(struct work *w, int exit_status, const char *summary, struct err *e)
{
    double waited = 0;
    int rc;

    do
        rc = night_finish(w->store, w->night.id, exit_status, summary, e);
    while (rc < 0 && work_be_patient(w->c, &waited, e));
    return rc;
}
