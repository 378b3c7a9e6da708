/* internal.h -- what the files of this room know of each other and nobody else does. */
#ifndef RESULTS_INTERNAL_H
#define RESULTS_INTERNAL_H

#include "base/sha256.h"
#include "results/db.h"
#include "results/lock.h"
#include "results/query.h"
#include "results/store.h"

struct store {
    struct db *db;
    int readonly;
};

#define MEMORY_PATH ":memory:"
#define BUSY_MS 30000 /* store_opts.busy_ms 0 */
#define RUNNER_BYTES ((int64_t)1 << 40) /* of FILE.lock; below are the runs' */

/* Row id of the model or machine, written first where it is new; a model that is here learns what
 * is known now. */
int put_model(struct db *db, const struct store_model *m, int64_t *id, struct err *e);
/* Likewise, but what is known of a model that is here stays: for files from elsewhere, which no
 * hash of a content holds to what they say of a model. */
int add_model(struct db *db, const struct store_model *m, int64_t *id, struct err *e);
int put_machine(struct db *db, const struct store_machine *m, int64_t *id, struct err *e);

struct run_new { /* a row of runs */
    const char *kind, *key, *status, *source;
    int64_t model_id, machine_id; /* machine_id -1: none */
};
/* The new row's id, and its id for people in run. */
int put_run(struct db *db, const struct run_new *n, const struct store_run_spec *spec,
            int64_t *id, char run[RUN_ID_SIZE], struct err *e);
int put_task(struct db *db, int64_t run_id, const struct store_task *t, struct err *e);
/* 0 kept, 1 there already, -1; no transaction of its own. */
int put_item(struct db *db, int64_t run_task_id, const struct store_item *it, struct err *e);
int put_task_result(struct db *db, int64_t run_task_id, const struct store_task_result *t,
                    struct err *e);
int put_bench(struct db *db, int64_t run_id, const struct store_bench *b, struct err *e);

/* In the place of the same one, of the run's model. */
struct store_probe;
int put_probe(struct db *db, int64_t run_id, const struct store_probe *p, struct err *e);

/* A complete run's sums and the hash of its content, within the transaction that completes it. */
int seal_run(struct db *db, int64_t run_id, struct err *e);
int seal_hash(struct db *db, int64_t run_id, char hex[SHA256_HEX], struct err *e);

/* All cells of a night, or the pending ones of a block (-1: all). */
struct cell_list;
int cells_of(struct db *db, int64_t night_id, int block, struct cell_list *out, struct err *e);

/* Rows of kept likelihoods that do not match their seals: calls `found` for each; how many, -1. */
int likelihoods_check(struct db *db, void (*found)(void *user, const char *defect), void *user,
                      struct err *e);

/* Encodings likewise. */
int encodings_check(struct db *db, void (*found)(void *user, const char *defect), void *user,
                    struct err *e);

/* What is kept across runs, in sets of rows; each row with a seal, so that one that was changed by
 * hand is not taken for what was computed. */
struct kept_sets {
    enum sql rows, sets, set_grow, set_delete; /* how many rows, sets by age, one longer, its end */
    /* Keeps v[i], in the caller's transaction; 1, 0 where it replaces another, -1. */
    int (*keep_row)(struct db *db, int64_t id, const char *set_seal, const void *v, int i,
                    struct err *e);
};
enum { SEAL = 16 }; /* hex digits kept of a row's */
/* Keeps v[0..n) in the set `id`, in one transaction or in the caller's; others than this set go
 * when more than `most` rows would be left, and what then has no room is not kept. */
int sets_keep(struct db *db, const struct kept_sets *of, int64_t id, const char *set_seal,
              const void *v, int n, int64_t most, struct err *e);
/* Ends sets other than `but` (0: none is spared), used longest ago first, until at most so many
 * rows are left; dry: only counts.  Returns the rows, -1. */
int64_t sets_prune(struct db *db, const struct kept_sets *of, int64_t most, int64_t but, int dry,
                   struct err *e);

/* 0; ERR_USAGE for what `label` refuses: it reads as something else that names a run, or is no
 * short line of text. */
int label_valid(struct db *db, const char *label, struct err *e);

/* A free id for people. */
int new_run_id(struct db *db, char run[RUN_ID_SIZE], struct err *e);

/* The database file `from` as "source" of adopt_run; outside of any transaction. */
int adopt_attach(struct db *db, const char *from, struct err *e);
void adopt_detach(struct db *db);
/* Copies one run with everything that belongs to it, in the caller's transaction; a name that is
 * taken is replaced by another, also in `run`.  error: why it failed, when it is not complete. */
int adopt_run(struct db *db, char run[RUN_ID_SIZE], const char *error, int64_t *id, struct err *e);

#endif
