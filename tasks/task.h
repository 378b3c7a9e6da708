/* task.h -- what is asked, and what an answer is worth.
 *
 * A task turns documents into items (strings only: it knows neither tokens nor models), and
 * replies into credits, by lm-eval's rules (evaluation.md 2, 3).  An opened task is read only;
 * items are built one at a time and owned by the caller. */
#ifndef TASKS_TASK_H
#define TASKS_TASK_H

#include <stddef.h>
#include <stdint.h>

#include "base/chat.h"
#include "base/err.h"

enum query_kind {
    QUERY_LOGLIKELIHOOD, /* ln p(continuation | context) */
    QUERY_ROLLING,       /* ln p(continuation), in windows; context is "" */
    QUERY_GENERATE,      /* continue context until a stop string */
};

struct query {
    enum query_kind kind;
    char *context, *continuation; /* the item's */
    const char *const *until;     /* the task's; n_until of them */
    int n_until, max_tokens;
};

struct reply_text { /* what the harness brings back for one query */
    double loglikelihood; /* nats */
    int is_greedy, n_tokens;
    const char *text; /* generate: cut at the first stop string */
};

struct item {
    int doc_id; /* 0-based line of the data file */
    char doc_hash[65], prompt_hash[65]; /* prompt_hash covers every query of the item */
    char *doc;    /* the document as JSON */
    char *gold;   /* shown to people: the right option's text or the expected answer */
    int gold_index; /* of the choices; -1 when there are none */
    char *cluster;  /* items that are not independent share it (statistics.md 3); NULL: own */
    struct query *queries;
    int n_queries;
    void *task_data; /* the format's own */
};

#define CREDITS_MAX 8
struct credit {
    const char *metric; /* a row of base/metric.h */
    const char *filter; /* "none", "strict-match", ... */
    double value;       /* per item; for ratio metrics the numerator (nats) */
    double weight;      /* 1, or the denominator (words, bytes) */
};
struct verdict {
    struct credit credits[CREDITS_MAX];
    int n;
    char *prediction; /* the chosen option's text or the filtered answer; mem_free */
};

struct task_opts {
    const char *const *data_dirs; /* searched in order */
    int n_data_dirs;
    int shots;                    /* -1: the task's own default */
    uint64_t seed;                /* few-shot sampling; lm-eval's is 1234 */
    int by_doc;                   /* sampling by document instead of lm-eval's one stream */
    const char *system;           /* NULL: none */
    const struct chat_renderer *chat; /* NULL: plain text */
};

struct task;
/* name: one task ("mmlu_anatomy"), not a group. */
int task_open(struct task **out, const char *name, const struct task_opts *o, struct err *e);
void task_close(struct task *t);
const char *task_name(const struct task *t);
int task_version(const struct task *t);
int task_count(const struct task *t);
int task_shots(const struct task *t); /* what is used: a task may fix it */
const char *task_data_path(const struct task *t);

/* Builds item number i.  With lm-eval's sampling the shots of item i depend on the items before
 * it, so the shots of all items are drawn in task_open. */
int task_item(const struct task *t, int i, struct item *out, struct err *e);
void item_release(struct item *it);

/* Replies (one per query, in order) to credits. */
int task_score(const struct task *t, const struct item *it, const struct reply_text *replies,
               struct verdict *out, struct err *e);
void verdict_release(struct verdict *v);

/* --limit: fills order[0..k) with the items to run.  Plain tasks: the first `limit`, as lm-eval;
 * facts: a stratified sample.  Returns k. */
int task_order(const struct task *t, int limit, int *order);

/* How item values become one number: "mean", "perplexity" (exp of minus the mean),
 * "weighted_perplexity" (exp(-sum v / sum w)), "bits_per_byte", ...; the arithmetic is the harness's. */
const char *task_aggregation(const struct task *t, const char *metric);

/* The catalogue of tasks: a row each, and groups of rows. */
struct task_info {
    const char *name, *group; /* group: "mmlu", or NULL */
    const char *kind;         /* "multiple_choice", "generate_until", ... */
    const char *data;         /* relative path of the data file below a data dir; "" built in */
    const char *help;
    int version, default_shots;
};
const struct task_info *task_info_at(int i); /* NULL after the last */
const struct task_info *task_info_find(const char *name);
/* Where the data of a task is: a path (mem_free) or NULL with e naming every place looked at. */
char *task_find_data(const struct task_info *t, const struct task_opts *o, struct err *e);

#endif
