/* store.h -- what was measured, kept item by item: the write side of the results database.
 *
 * One SQLite file in WAL mode.  A run is found again by its key (model hash, tasks with versions,
 * settings, numerics, machine, device), so that the same command line resumes an unfinished run,
 * and UNIQUE(run, task, doc_id) lets nothing be counted twice.  Items reach the disk in
 * transactions; kill -9 loses at most the batch that was not committed.  While a run is written an
 * advisory lock on one byte of FILE.lock is held: it dies with the process, so a second process
 * with the same command line gets ERR_BUSY naming the first, and never waits for a dead one.
 *
 * Unknown is never zero: NAN for numbers, -1 for counts, NULL for texts; all three become SQL NULL.
 * Texts are the caller's and copied.  One thread at a time drives a store; processes share the
 * file.  Errors name the file: ERR_IO (full disk, read only, system), ERR_FORMAT (corrupt, not a
 * database, not ours, newer than this program), ERR_BUSY (locked for longer than busy_ms). */
#ifndef RESULTS_STORE_H
#define RESULTS_STORE_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define RUN_ID_SIZE 17 /* 8 hex digits today; room for 16 and a terminator */

struct store;
struct store_opts {
    int readonly; /* never writes, also not the schema; the file must exist */
    int existing; /* the file must exist */
    int busy_ms;  /* how long to wait for another writer; 0: 30,000 */
};

/* Creates the file and its folder when absent (where it must exist: ERR_NOTFOUND), brings an older
 * schema up to date, refuses a newer one.  path ":memory:" keeps everything in memory.  o
 * may be NULL. */
int store_open(struct store **out, const char *path, const struct store_opts *o, struct err *e);
void store_close(struct store *s);
/* Whatever takes long, or waits for a lock, ends with ERR_INTERRUPTED soon after *stop is not 0
 * (set by a handler, say), and what it changed is undone.  For those who only read, and for upkeep:
 * a run that is being written keeps what it has by itself. */
void store_stop_on(struct store *s, const volatile sig_atomic_t *stop);
const char *store_path(const struct store *s);

struct store_model {
    const char *name;   /* "smollm2-135m-instruct:q4_1", or the file's base name */
    const char *path;
    const char *sha256; /* of the file; NULL for imported results, and behind a server */
    const char *architecture, *licence;
    const char *tensor_types; /* JSON {"Q4_1":{"count":n,"bytes":n},...} */
    int64_t parameters, parameters_non_embedding, parameters_embedding, parameters_active;
    int64_t file_bytes;
    double bits_per_weight;
};

struct store_machine {
    const char *name; /* host name */
    const char *json; /* what stays equal from run to run (statistics.md 7); hashed as it is */
};

struct store_task {
    const char *task;
    int version, shots;      /* shots as used */
    int n_expected;          /* items of this run, after --limit */
    const char *data_sha256; /* NULL: built in or unknown */
};

struct store_run_spec {
    const char *kind;         /* "eval" or "bench" */
    const char *command_line; /* shown to people, not part of the key */
    const char *settings;     /* JSON: everything else that may change a result */
    const char *program_version, *numerics_id, *kernels, *device;
    int threads;
    int64_t seed; /* >= 0 */
    struct store_model model;
    struct store_machine machine;
    const struct store_task *tasks; /* eval: all of them, before the first item */
    int n_tasks;
    const char *noise_before; /* JSON: how quiet the machine is now; kept per session */
};

/* A run being written, and the lock on it. */
struct store_run;

/* Finds the newest unfinished run with this key and takes it up again, else creates one.  ERR_BUSY
 * when another process is writing it (the text names its pid). */
int store_run_begin(struct store *s, const struct store_run_spec *spec, struct store_run **out,
                    struct err *e);
const char *store_run_id(const struct store_run *r);
int store_run_resumed(const struct store_run *r); /* 1: it had been begun before */

/* The doc_ids of `task` that are already kept, ascending; *ids is the caller's (mem_free). */
int store_run_done(struct store_run *r, const char *task, int **ids, size_t *n, struct err *e);

/* How many items the values of `task` cover; -1: store_task_finish has not been called for it. */
int store_run_scored(struct store_run *r, const char *task, int *n, struct err *e);

enum store_status { STORE_COMPLETE, STORE_INTERRUPTED, STORE_FAILED };
/* Closes the session with this status and commits.  STORE_COMPLETE is refused (ERR_INVALID) while
 * a task has fewer items than expected.  error: the text of a failure, else NULL. */
int store_run_finish(struct store_run *r, enum store_status status, const char *noise_after,
                     const char *error, struct err *e);
/* Releases the lock.  A run that was not finished stays as it is and can be resumed; an open batch
 * is rolled back. */
void store_run_close(struct store_run *r);

struct store_metric {
    const char *metric, *filter; /* base/metric.h; filter "none", "strict-match", ... */
    double value, weight;        /* as struct credit: ratio metrics have a denominator */
};

struct store_request {
    double loglikelihood; /* nats; NAN for generation */
    int is_greedy;        /* -1 for generation */
    int n_tokens, n_bytes; /* of the continuation */
};

struct store_item {
    const char *task;
    int doc_id; /* 0-based line of the data file */
    const char *doc_hash, *prompt_hash;
    const char *doc;       /* the document as JSON, kept once per doc_hash; NULL: not kept */
    const char *arguments; /* JSON [[context, continuation], ...]; NULL: not kept */
    const char *cluster;   /* items that are not independent share it; NULL: own */
    const char *gold, *prediction;
    int gold_index;          /* -1: none */
    const char *output;      /* generated text; NULL for likelihood tasks */
    const char *error;       /* why it was not answered: it has no metrics then; NULL */
    const char *filtered;    /* JSON {"strict-match":"18",...} or NULL */
    double latency_s, ttft_s;
    int64_t prompt_tokens, computed_tokens, reused_tokens, generated_tokens;
    int64_t cached_tokens; /* of requests that an earlier run had answered (likelihoods.h) */
    const struct store_metric *metrics;
    int n_metrics;
    const struct store_request *requests;
    int n_requests;
};

/* Between begin and commit all items land together or not at all; without a batch each item is a
 * transaction of its own.  A batch keeps other writers of the file waiting, so keep it to a second
 * or so.  After an error inside a batch the whole batch is rolled back. */
int store_batch_begin(struct store_run *r, struct err *e);
int store_batch_commit(struct store_run *r, struct err *e);

/* 0: kept (with the batch); 1: this run has this document already, nothing was changed; -1: error
 * (an unknown task of this run is ERR_INVALID). */
int store_item_add(struct store_run *r, const struct store_item *it, struct err *e);

struct store_value { /* a metric of a whole task */
    const char *metric, *filter;
    double value, stderr_, low, high; /* low..high: the interval that the settings name */
};
struct store_cost { /* wall_s, prompt_tokens, peak_rss_bytes, ... : names of base/metric.h */
    const char *metric;
    double value;
};
struct store_task_result {
    const char *task;
    int n; /* items that the values cover; -1: unknown */
    const struct store_value *values;
    int n_values;
    const struct store_cost *costs;
    int n_costs;
};
/* Replaces what the task had. */
int store_task_finish(struct store_run *r, const struct store_task_result *t, struct err *e);

struct store_served { /* a request of a latency scenario; seconds since that began */
    const char *state, *reason; /* "completed", "refused", "cancelled" or "failed"; NULL */
    double arrival_s, start_s, first_s, last_s, end_s; /* NAN: did not happen */
    int prompt, wanted, generated; /* tokens */
    const char *token_s;           /* JSON: [generated] seconds */
    const char *output_sha256;     /* over the ids of these tokens, 4 bytes each, lowest first */
};

struct store_bench {
    const char *test; /* "pp512", "tg128", "pp512+tg128", "tg128@b8" */
    int depth, batch, threads;
    const char *device;
    const char *rival;     /* NULL: ours; else the program measured in alternation */
    const double *samples; /* seconds, in order of measurement */
    int n_samples;
    int64_t tokens; /* per sample */
    const struct store_value *values; /* tok_s, ttft_s, peak_rss_bytes, ...; filter ignored */
    int n_values;
    const char *noise; /* JSON */
    const struct store_served *served; /* put only: query_served gives them back */
    int n_served;
};
/* One transaction per row.  1: this run has the row already (same test, depth, batch, threads,
 * device, rival), nothing was changed. */
int store_bench_add(struct store_run *r, const struct store_bench *b, struct err *e);

struct store_energy { /* what a meter said of a part of a run */
    const char *subject; /* task, test, "idle before", "idle after" */
    int idx;
    const char *source, *channel;
    int is_declared;     /* a constant that the user stated: never the headline */
    int is_headline;     /* its joules are in the subject's energy_j */
    double seconds, joules; /* joules NAN: unknown, with a reason */
    int64_t samples;
    double gap_s;
    const char *reason; /* NULL exactly where joules is known */
};
/* Replaces a row with the same subject and idx. */
int store_energy_add(struct store_run *r, const struct store_energy *x, struct err *e);
/* A meter that is read after the run: its rows for one subject become the headline, and the costs
 * of the task or values of the test that are there already get new values. */
int store_energy_settle(struct store_run *r, const struct store_energy *x,
                        const struct store_cost *values, int n_values, struct err *e);

/* Gives the run a name; a label names one run, so it moves from another run that had it (whose id
 * is then put into moved_from, else ""; may be NULL).  label NULL takes the run's label away. */
int store_label(struct store *s, const char *run_id, const char *label,
                char moved_from[RUN_ID_SIZE], struct err *e);

/* integrity_check, foreign_key_check and our own invariants.  Calls `found` for each defect;
 * returns how many there are, -1 when the check itself failed. */
int store_check(struct store *s, void (*found)(void *user, const char *defect), void *user,
                struct err *e);
/* A private copy of a file from elsewhere, for reading.  Before anything else of it is used, its
 * tables and constraints are exactly those that this program makes, or made in the older version
 * that the file says, nothing besides, and SQLite finds it whole; ERR_FORMAT otherwise.  An older
 * one is then brought up to date in place. */
int store_open_stranger(struct store **out, const char *path, struct err *e);
/* Takes run `run` of the database file `from` in, with everything of it; where its name is taken it
 * gets another one here, which replaces it in `run`.  Whatever `from` says is believed: a
 * stranger's file is checked first. */
int store_adopt(struct store *s, const char *from, char run[RUN_ID_SIZE], struct err *e);
/* A consistent copy while others write; lands by rename. */
int store_backup(struct store *s, const char *to, struct err *e);
/* bytes before and after may be NULL. */
int store_vacuum(struct store *s, int64_t *before, int64_t *after, struct err *e);

/* The documented schema, one row per table (column == NULL) and per column, in order. */
struct store_schema_row {
    const char *table, *column, *type, *help;
};
int store_schema(struct store *s,
                 void (*row)(void *user, const struct store_schema_row *r), void *user,
                 struct err *e);
int store_schema_version(void); /* what this program writes */

#endif
