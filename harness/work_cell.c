/* work_cell.c -- one cell: its process, its database, its end. */
#include <dirent.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "harness/isolate.h"
#include "harness/meter.h"
#include "harness/work_impl.h"
#include "results/query.h"

#define LITTLE_ROOM (1 << 20) /* bytes: less than that free is a full disk */

struct attempt {
    struct work *w;
    const struct cell_row *cell;
    char *database;              /* of the cell */
    char run[RUN_ID_SIZE];       /* in it; "": none */
    int complete;
    char started[32];
    double wall_s, peak_rss_bytes;
    int quiet;
    struct strbuf noise;
    enum failure why;
    char reason[400];
};

/* --- the cell's database --------------------------------------------------------------------- */

static char *cells_folder(const struct work *w)
{
    struct strbuf b = STRBUF_INIT;

    strbuf_addf(&b, "%s.cells", store_path(w->store));
    return strbuf_take(&b);
}

static int cell_database(struct attempt *a, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    char *folder = cells_folder(a->w);
    int rc = -1;

    if (!folder) {
        err_nomem(e);
    } else if (dir_make(folder, e) == 0) {
        strbuf_addf(&b, "%s/%lld.db", folder, (long long)a->cell->id);
        a->database = strbuf_take(&b);
        rc = a->database ? 0 : err_nomem(e);
    }
    mem_free(folder);
    return rc;
}

static void remove_database(const struct attempt *a)
{
    static const char *const files[] = {"", "-wal", "-shm", ".lock"};
    struct strbuf b = STRBUF_INIT;
    char *folder = cells_folder(a->w);

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        strbuf_clear(&b);
        strbuf_addf(&b, "%s%s", a->database, files[i]);
        if (!b.failed)
            unlink(b.s);
    }
    if (folder)
        rmdir(folder); /* the last one puts out the light */
    strbuf_release(&b);
    mem_free(folder);
}

void work_sweep(struct work *w)
{
    char *folder = cells_folder(w), *path;
    DIR *d = folder ? opendir(folder) : NULL;
    const struct dirent *f;
    char *end;

    while (d && (f = readdir(d)) != NULL) {
        long long id = strtoll(f->d_name, &end, 10);
        if (end == f->d_name || strncmp(end, ".db", 3) != 0 ||
            cell_is_pending(w->store, id, NULL) != 0 || !(path = path_join(folder, f->d_name)))
            continue;
        unlink(path);
        mem_free(path);
    }
    if (d)
        closedir(d);
    if (folder)
        rmdir(folder);
    mem_free(folder);
}

/* A run measured on another model is not this cell's. */
static int is_on_this_model(const struct attempt *a, const char *sha256)
{
    const char *began = a->cell->spec.model_sha256;

    return !began || (sha256 && strcmp(sha256, began) == 0);
}

/* The newest run in the cell's database, if any.  1: its process still lives (an orphan of a runner
 * that lost the cell). */
static int look_into(struct attempt *a, struct err *e)
{
    struct store *s = NULL;
    struct run_list l = {0};
    struct run_filter newest = {.limit = 1};
    int rc = -1;

    a->run[0] = 0;
    a->complete = 0;
    if (file_size(a->database) <= 0)
        return 0;
    /* For writing: a log left by a kill is folded in, an older format brought up to date. */
    if (store_open(&s, a->database, NULL, e) == 0 && query_runs(s, &newest, &l, e) == 0) {
        rc = 0;
        if (l.n) {
            snprintf(a->run, sizeof a->run, "%s", l.v[0].id);
            a->complete = strcmp(l.v[0].status, "complete") == 0;
            rc = strcmp(l.v[0].status, "running") == 0;
        }
        if (a->complete && !is_on_this_model(a, l.v[0].model.sha256)) {
            a->complete = 0;
            a->run[0] = 0;
        }
    }
    run_list_release(&l);
    store_close(s);
    return rc;
}

/* --- running --------------------------------------------------------------------------------- */

/* argv[0..n] of the cell from its JSON; texts are those of *json. */
static int make_argv(const struct attempt *a, cJSON **json, char ***out, struct err *e)
{
    const char *text = a->cell->spec.argv;
    int n;

    *out = NULL;
    *json = json_parse(text, strlen(text), "cells.argv", e);
    if (!*json)
        return -1;
    n = cJSON_GetArraySize(*json);
    *out = mem_calloc((size_t)n + 1, sizeof **out);
    if (!*out)
        return err_nomem(e);
    for (int i = 0; i < n; i++) {
        (*out)[i] = cJSON_GetStringValue(cJSON_GetArrayItem(*json, i));
        if (!(*out)[i])
            return err_set(e, ERR_FORMAT, "%s: cell %lld: its command is not a list of texts",
                           store_path(a->w->store), (long long)a->cell->id);
    }
    return n > 1 ? 0 : err_set(e, ERR_FORMAT, "%s: cell %lld: no command",
                               store_path(a->w->store), (long long)a->cell->id);
}

static int beat(void *user)
{
    struct attempt *a = user;

    /* A locked database or a full disk now may be over before the lease is. */
    return lease_beat(a->w->lease, NULL) == 1;
}

static void tell_failure(struct attempt *a, const struct ending *end)
{
    const struct plan *p = a->w->plan;
    char said[300];

    ending_line(end, said, sizeof said);
    switch (end->how) {
    case ENDED_MEMORY:
        a->why = FAIL_MEMORY;
        snprintf(a->reason, sizeof a->reason, "more than %.0f MB of memory", p->memory_bytes / 1e6);
        break;
    case ENDED_TIME:
        a->why = FAIL_TIME;
        snprintf(a->reason, sizeof a->reason, "not done after %g s", p->wall_s);
        break;
    case ENDED_SIGNAL:
        a->why = FAIL_CRASH;
        snprintf(a->reason, sizeof a->reason, "killed by signal %d (%s)%s%s", end->code,
                 end->code == SIGKILL ? "by somebody, or out of memory" : strsignal(end->code),
                 said[0] ? ": " : "", said);
        break;
    default:
        a->why = FAIL_ERROR;
        if (said[0])
            snprintf(a->reason, sizeof a->reason, "%s", said);
        else
            snprintf(a->reason, sizeof a->reason, "ended with status %d", end->code);
    }
}

/* Noise over the attempt and before its block, in one word and as JSON. */
static void judge_noise(struct attempt *a, const struct block_noise *n,
                        const struct noise_sample *before)
{
    struct json_out o = JSON_OUT(&a->noise);
    struct noise_sample after;
    struct noise during;

    noise_sample(&after, a->w->root);
    noise_between(&during, before, &after, 0);
    strbuf_clear(&a->noise);
    json_begin_object(&o, NULL);
    if (n->looked)
        noise_json(&o, "before", &n->look);
    noise_json(&o, "during", &during);
    json_end_object(&o);
    a->quiet = during.quiet;
    if (n->looked && (n->look.quiet == QUIET_NO || during.quiet == QUIET_UNKNOWN))
        a->quiet = n->look.quiet;
    if (during.invalid)
        a->quiet = QUIET_NO;
}

/* What became of an attempt, besides -1. */
enum { DONE = 0, LEASE_LOST = 1, FAILED = 2, ORPHAN = 3 };

static int run_process(struct attempt *a, const struct block_noise *n, struct err *e)
{
    const struct plan *p = a->w->plan;
    struct noise_sample before;
    struct ending end = {0};
    cJSON *json = NULL;
    char **argv = NULL;
    time_t now = time(NULL);
    struct tm utc;
    int rc = make_argv(a, &json, &argv, e);

    if (rc < 0)
        goto out;
    gmtime_r(&now, &utc);
    strftime(a->started, sizeof a->started, "%Y-%m-%dT%H:%M:%SZ", &utc);
    const struct isolation how = {
        .program = strcmp(argv[0], PLAN_SELF) == 0 ? a->w->program : argv[0], .argv = argv,
        .database = a->database, .memory_bytes = p->memory_bytes, .wall_s = p->wall_s,
        .grace_s = p->grace_s, .stop = a->w->c->stop, .beat = beat, .user = a,
        .beat_s = p->lease_s / 4};
    noise_sample(&before, a->w->root);
    rc = isolate(&how, &end, e);
    if (rc < 0)
        goto out;
    a->wall_s = end.wall_s;
    a->peak_rss_bytes = end.peak_rss_bytes;
    judge_noise(a, n, &before);
    if (end.how == ENDED_STOPPED) {
        err_set(e, ERR_INTERRUPTED, "plan %s interrupted: finished cells are kept, and what %s has",
                p->name, a->cell->spec.series);
        err_hint(e, "the same command line goes on from there");
        rc = -1;
    } else if (end.how == ENDED_GIVEN_UP) {
        rc = LEASE_LOST;
    } else if (!(end.how == ENDED_STATUS && end.code == 0)) {
        tell_failure(a, &end);
        rc = FAILED;
    }
out:
    ending_release(&end);
    mem_free(argv);
    json_free(json);
    return rc;
}

/* A full disk is not the cell's fault, and the next cell would meet it too. */
static int is_there_room(const struct attempt *a, struct err *e)
{
    struct statvfs fs;
    char *folder = cells_folder(a->w);
    int rc = 0;

    if (folder && statvfs(folder, &fs) == 0 &&
        (double)fs.f_bavail * (double)fs.f_frsize < LITTLE_ROOM) {
        rc = err_set(e, ERR_IO, "%s: the disk is full (cell %s: %s)", folder, a->cell->spec.series,
                     a->reason);
        err_hint(e, "make room and run the same command again: finished cells are kept");
    }
    mem_free(folder);
    return rc;
}

/* --- the end --------------------------------------------------------------------------------- */

static int end_cell(struct attempt *a, int done, const char *outcome, const char *reason,
                    struct err *e)
{
    const struct cell_result r = {
        .done = done, .outcome = outcome, .reason = reason,
        .started = a->started[0] ? a->started : NULL, .wall_s = a->wall_s,
        .peak_rss_bytes = a->peak_rss_bytes > 0 ? a->peak_rss_bytes : NAN,
        .quiet = a->quiet, .noise = a->noise.len ? strbuf_str(&a->noise) : NULL,
        .from = a->run[0] ? a->database : NULL, .run_id = a->run};
    double waited = 0;
    int rc;

    if (strbuf_ok(&a->noise, e) < 0)
        return -1;
    do
        rc = lease_finish(a->w->lease, a->cell->id, &r, e);
    while (rc < 0 && work_be_patient(a->w->c, &waited, e));
    if (rc == 0) {
        remove_database(a);
        if (!done)
            context_note(a->w->c, "%s: %s", a->cell->spec.series, reason);
    }
    return rc;
}

/* 1: the model is not the one that the night began with; a->reason says so. */
static int model_differs(struct attempt *a, struct err *e)
{
    const struct hashed_model *m;
    const char *began = a->cell->spec.model_sha256;

    a->reason[0] = 0;
    if (work_model(a->w, a->cell->spec.model, &m, e) < 0)
        return -1;
    if (!m->sha256[0])
        snprintf(a->reason, sizeof a->reason, "%s",
                 m->why[0] ? m->why : "the model cannot be read");
    else if (!began)
        snprintf(a->reason, sizeof a->reason,
                 "%.200s could not be read when the night began, and now it can", m->path);
    else if (strcmp(m->sha256, began) != 0)
        snprintf(a->reason, sizeof a->reason,
                 "%.200s was replaced: the night began with sha256 %.12s, now it is %.12s", m->path,
                 began, m->sha256);
    if (a->reason[0])
        a->run[0] = 0; /* nobody knows which file it measured */
    return a->reason[0] != 0;
}

static int attempt_again(struct attempt *a, struct err *e)
{
    double waited = 0;
    int rc;

    context_note(a->w->c, "%s: %s; once more", a->cell->spec.series, a->reason);
    do
        rc = lease_attempt(a->w->lease, a->cell->id, failure_names[a->why], a->reason, e);
    while (rc < 0 && work_be_patient(a->w->c, &waited, e));
    return rc;
}

/* An attempt, unless an earlier one (before a kill of the runner) did it all. */
static int attempt(struct attempt *a, const struct block_noise *n, struct err *e)
{
    int rc = look_into(a, e);

    a->reason[0] = 0;
    if (rc != 0 || a->complete)
        return rc == 1 ? ORPHAN : rc;
    rc = run_process(a, n, e);
    if (rc != DONE)
        return rc;
    rc = look_into(a, e);
    if (rc != 0 || a->complete)
        return rc == 1 ? ORPHAN : rc;
    a->why = FAIL_ERROR;
    snprintf(a->reason, sizeof a->reason, "%s",
             "it ended well, but its run is not complete or not on this model's file");
    return FAILED;
}

/* As many attempts as the plan grants; the cell's database keeps what each of them did. */
static int measure_cell(struct attempt *a, const struct block_noise *n, struct err *e)
{
    int tries[FAILURES] = {0}, rc;

    while ((rc = attempt(a, n, e)) == FAILED) {
        struct err unused = ERR_NONE;
        if (is_there_room(a, e) < 0)
            return -1;
        if (tries[a->why]++ < a->w->plan->retries[a->why]) {
            rc = attempt_again(a, e);
            if (rc != 0)
                return rc;
            continue;
        }
        if (look_into(a, &unused) != 0) /* what it did measure is kept, as a failed run */
            a->run[0] = 0;
        break;
    }
    return rc;
}

static int wait_for_orphan(struct work *w, const struct attempt *a)
{
    struct timespec pause = {0, 300 * 1000000L};

    context_note(w->c, "%s: a process that another runner left is still at it",
                 a->cell->spec.series);
    nanosleep(&pause, NULL);
    return lease_release(w->lease, NULL) < 0 ? -1 : 1;
}

int work_cell(struct work *w, const struct cell_row *cell, const struct block_noise *n,
              struct err *e)
{
    struct attempt a = {.w = w, .cell = cell, .quiet = -1, .wall_s = NAN};
    int rc = model_differs(&a, e);

    if (rc >= 0 && cell_database(&a, e) < 0)
        rc = -1;
    if (rc == 1) {
        rc = end_cell(&a, 0, "model", a.reason, e);
    } else if (rc == 0) {
        rc = measure_cell(&a, n, e);
        if (rc == ORPHAN)
            rc = wait_for_orphan(w, &a);
        else if (rc == FAILED)
            rc = end_cell(&a, 0, failure_names[a.why], a.reason, e);
        else if (rc == DONE && (rc = model_differs(&a, e)) >= 0)
            rc = rc ? end_cell(&a, 0, "model", a.reason, e)
                    : end_cell(&a, 1, "measured", NULL, e);
    }
    strbuf_release(&a.noise);
    mem_free(a.database);
    return rc;
}
