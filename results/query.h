/* query.h -- what was measured, read back: the only SELECTs of the project.
 *
 * Lists own everything in them (one arena, one release); an iterator's row lasts until its next
 * step.  Unknown: NAN, -1, NULL, as in store.h.  A run whose writer died reads "interrupted". */
#ifndef RESULTS_QUERY_H
#define RESULTS_QUERY_H

#include "base/arena.h"
#include "base/err.h"
#include "results/store.h"

struct run_row {
    int64_t row;                  /* row id: a later run of the same database has a larger one */
    char id[RUN_ID_SIZE];
    const char *label, *kind;     /* kind: "eval", "bench", "import" */
    const char *created, *ended;  /* UTC, "2026-11-24T18:55:14Z" */
    const char *status;           /* "running", "complete", "interrupted", "failed" */
    const char *error;            /* why it failed */
    const char *command_line, *settings, *settings_hash, *program_version;
    const char *numerics_id, *kernels, *device;
    int threads;
    int64_t seed;
    int sessions;                 /* 1, and one more for each time it was resumed */
    const char *noise_before, *noise_after; /* of the last session */
    const char *source;           /* import: the file it came from */
    struct store_model model;
    const char *machine_name, *machine_json, *machine_hash;
    int n_tasks, n_items, n_expected; /* n_items: kept so far */
    const char *content_sha256;       /* over its rows, once it has ended */
};
struct run_list {
    struct run_row *v;
    size_t n;
    struct arena arena;
};

struct run_filter { /* NULL or 0: any */
    const char *kind, *status, *model_sha256;
    int limit; /* the newest so many */
};
/* Newest first.  f may be NULL. */
int query_runs(struct store *s, const struct run_filter *f, struct run_list *out, struct err *e);
void run_list_release(struct run_list *l);

/* RUN of cli.md: an id, an unambiguous prefix of one, a label, "last" or "last~2".  ERR_NOTFOUND
 * (the hint names the newest runs), or ERR_USAGE when a prefix fits several. */
int query_resolve(struct store *s, const char *name, char id[RUN_ID_SIZE], struct err *e);
/* One run by name; a list of one row. */
int query_run(struct store *s, const char *name, struct run_list *out, struct err *e);
/* Other complete runs of the same program that measured the same with the same settings on the same
 * machine: the newest so many, newest first. */
int query_repeats(struct store *s, const char *run_id, int limit, struct run_list *out,
                  struct err *e);

struct task_row {
    const char *task, *data_sha256;
    int version, shots, n, n_expected; /* n: items kept */
    int n_scored; /* items that values cover; -1 until the task was finished */
    const struct store_value *values;  /* as finished; none while the task is not */
    int n_values;
    const struct store_cost *costs;
    int n_costs;
    /* Sums over the kept items, so that a resumed run counts all of its sessions; -1 and NAN when
     * no item knows. */
    double latency_s;
    int64_t prompt_tokens, computed_tokens, reused_tokens, generated_tokens;
};
struct task_list {
    struct task_row *v;
    size_t n;
    struct arena arena;
};
int query_tasks(struct store *s, const char *run_id, struct task_list *out, struct err *e);
void task_list_release(struct task_list *l);

/* A task's value or cost by name; NAN (or NULL) when it has none.  filter NULL: the first. */
const struct store_value *task_row_value(const struct task_row *t, const char *metric,
                                         const char *filter);
double task_row_cost(const struct task_row *t, const char *metric);
/* name, path, sha256, ... of a model, as members of the JSON object that o is in. */
struct json_out;
void store_model_members(struct json_out *o, const struct store_model *m);
/* A request of a scenario as an object. */
struct store_served;
void store_served_members(struct json_out *o, const struct store_served *q);
/* What a meter said, into an object that the caller has begun. */
struct store_energy;
void store_energy_members(struct json_out *o, const struct store_energy *x);

/* Items behind its values: those kept or, of an import without items, as many as it says; -1:
 * unknown. */
int task_row_items(const struct task_row *t);

/* Items of a run in order of task and doc_id.  Complete struct store_item rows. */
struct item_filter {
    const char *task; /* NULL: all */
    const char *metric, *filter; /* which metric decides `wrong`; NULL: the item's first */
    int wrong;        /* 1: only items whose deciding metric has value 0 */
    int doc_id;       /* with one_doc: just this one */
    int one_doc;
    int64_t item;     /* row id; 0: any */
};
struct item_iter;
int query_items(struct store *s, const char *run_id, const struct item_filter *f,
                struct item_iter **out, struct err *e);
int item_iter_next(struct item_iter *it, struct store_item *out, struct err *e); /* 1, 0, -1 */
void item_iter_close(struct item_iter *it);

/* What a comparison needs of an item, in order of doc_id: light enough for 100,000 of them. */
struct pair_row {
    int64_t item; /* row id in `items` */
    int doc_id;
    const char *doc_hash, *prompt_hash, *cluster;
    double value, weight; /* of the metric asked for */
    double nats, bytes;   /* ln p of the gold choice, or of a whole text; NAN: neither is there */
    double latency_s;
};
struct pair_row_list {
    struct pair_row *v;
    size_t n;
    struct arena arena;
};
int query_pair_rows(struct store *s, const char *run_id, const char *task, const char *metric,
                    const char *filter, struct pair_row_list *out, struct err *e);
void pair_row_list_release(struct pair_row_list *l);
/* The statement itself, with ?1 run, ?2 task, ?3 metric, ?4 filter: for whoever checks
 * a verdict. */
const char *query_pair_sql(void);

struct bench_list {
    struct store_bench *v;
    size_t n;
    struct arena arena;
};
int query_bench(struct store *s, const char *run_id, struct bench_list *out, struct err *e);
void bench_list_release(struct bench_list *l);
/* Without scenarios that were interrupted ("interrupted"): for whoever compares. */
void bench_list_keep_whole(struct bench_list *l);

/* The requests of a scenario's row by its test, in order of arrival. */
struct served_list {
    struct store_served *v;
    size_t n;
    struct arena arena;
};
int query_served(struct store *s, const char *run_id, const char *test, struct served_list *out,
                 struct err *e);
void served_list_release(struct served_list *l);

/* What the meters said of a run, by subject. */
struct energy_list {
    struct store_energy *v;
    size_t n;
    struct arena arena;
};
int query_energy(struct store *s, const char *run_id, struct energy_list *out, struct err *e);
void energy_list_release(struct energy_list *l);

/* Known latencies of a task's items, appended to *v (the caller's, mem_free), in no order. */
int query_latencies(struct store *s, const char *run_id, const char *task, double **v, size_t *n,
                    size_t *cap, struct err *e);

/* value of `metric` in a bench row; NULL when it has none. */
const struct store_value *bench_value(const struct store_bench *b, const char *metric);

#endif
