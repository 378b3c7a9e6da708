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
#include "base/json.h"

enum query_kind {
    QUERY_LOGLIKELIHOOD, /* ln p(continuation | context) */
    QUERY_ROLLING,       /* ln p(continuation), in windows; context is "" */
    QUERY_GENERATE,      /* continue context until a stop string */
    QUERY_WINDOWS,       /* perplexity of continuation, a long text, in disjoint windows */
};

struct query {
    enum query_kind kind;
    char *context, *continuation; /* the item's */
    const char *const *until;     /* the task's; n_until of them */
    int n_until, max_tokens;
    /* windows: the first most_tokens tokens of the text (no BOS of its own), cut into windows of
     * `window`; the first token of each is replaced by BOS where the model uses one, and the
     * positions from scored_from on are predicted (prepare_disjoint).  The reply's loglikelihood is
     * the sum over all windows, n_tokens how many were predicted. */
    int window, scored_from, most_tokens;
    double temperature, top_p; /* generate; temperature 0: greedy */
    uint64_t seed;             /* of a generation that is sampled */
};

struct reply_text { /* what the harness brings back for one query */
    double loglikelihood; /* nats */
    int is_greedy, n_tokens;
    const char *text; /* generate: cut at the first stop string (prepare_cut) */
    double latency_s; /* of the whole item, the same in all its replies; 0: not known */
};

struct item {
    int doc_id; /* 0-based, in the order of the data file */
    char doc_hash[65], prompt_hash[65]; /* prompt_hash covers every query of the item */
    char *doc;    /* the document as JSON */
    char *gold;   /* shown to people: the right option's text or the expected answer; or NULL */
    int gold_index; /* of the choices; -1 when there are none */
    char *cluster;  /* items that are not independent share it (statistics.md 3); NULL: own */
    struct query *queries;
    int n_queries;
    void *task_data; /* the format's own */
};

#define CREDITS_MAX 32
struct credit {
    const char *metric; /* a row of base/metric.h */
    const char *filter; /* "none", "strict-match", ...; a slice of the task that the item is in */
    double value;       /* per item; for ratio metrics the numerator (nats) */
    double weight;      /* 1, the item's, or the denominator (words, bytes, tokens) */
    char *filtered;     /* generate: the answer that this filter found; else NULL */
};
struct verdict {
    struct credit credits[CREDITS_MAX];
    int n;
    char *prediction; /* the chosen option's text or the last filter's answer; NULL: none */
};

/* Asked in another way on purpose, to see what a score depends on; zeroed: as always.  What a task
 * does not offer is ERR_UNSUPPORTED, a wording that it does not have ERR_NOTFOUND. */
struct task_variant {
    int rotate;  /* at place i of the options stands what stood at (i + rotate) mod k */
    int wording; /* 1, 2, ...: one of a scenario's "wordings" instead of its prompt */
    int shuffle; /* 1: a scenario's examples in an order that the seed draws */
};

struct task_opts {
    const char *const *data_dirs; /* searched in order, before $DENSIMETER_DATA and the user's */
    int n_data_dirs;
    int shots;                    /* -1: the task's own default */
    uint64_t seed;                /* few-shot sampling; lm-eval's is 1234 */
    int by_doc;                   /* sampling by document instead of lm-eval's one stream */
    /* 1: the split of the examples is named, as lm-eval's groups do: no more than the shots are
     * drawn, whatever the task itself would */
    int pool_named;
    const char *system;           /* NULL: none */
    const struct chat_renderer *chat; /* NULL: plain text */
    struct task_variant variant;
};

struct task;
/* name: one task ("mmlu_anatomy"), not a group, or the path of a task file (docs/scenarios.md),
 * whose name and version are then those in the file.  Shots that the task does not offer, or more
 * than there are examples, are ERR_USAGE; whole texts and facts use 0 whatever is asked. */
int task_open(struct task **out, const char *name, const struct task_opts *o, struct err *e);
void task_close(struct task *t);
/* 0 when this machine can credit the task's answers, or -1 with what it lacks: programs are run in
 * a sandbox (base/sandbox.h) or not at all. */
int task_check_machine(const struct task *t, struct err *e);
const char *task_name(const struct task *t);
int task_version(const struct task *t);
int task_count(const struct task *t);
int task_shots(const struct task *t); /* what is used: a task may fix it */
const char *task_data_path(const struct task *t);
/* Of what a task is made of beside the program: its data; of a task file that and all that it
 * includes.  "" for a task that is built in. */
int task_sha256(const struct task *t, char hex[65], struct err *e);
/* The file whose documents are shown as examples where the usual one is not at hand; else NULL. */
const char *task_examples_instead(const struct task *t);

/* Builds item number i, 0 <= i < task_count.  With lm-eval's sampling the shots of item i depend
 * on the items before it, so all shots are drawn in task_open.  On failure *out is empty. */
int task_item(const struct task *t, int i, struct item *out, struct err *e);
void item_release(struct item *it); /* leaves an empty item */

/* 1 when more is asked about an item once its queries have replies: an output is shown
 * to a judge. */
int task_asks_on(const struct task *t);
/* Appends those queries to the item, once; replies: one per query so far.  On failure the item is
 * as it was. */
int task_ask_on(const struct task *t, struct item *it, const struct reply_text *replies,
                struct err *e);

/* Replies (one per query, in order) to credits.  A log-likelihood that is not a number is
 * ERR_NUMERIC.  On failure *out is empty. */
int task_score(const struct task *t, const struct item *it, const struct reply_text *replies,
               struct verdict *out, struct err *e);
void verdict_release(struct verdict *v);

/* --limit: fills order[0..k) with the items to run; room for all.  Plain tasks: the first `limit`,
 * as lm-eval; facts: a stratified sample; of tasks that ask a sample, the first of that.
 * limit <= 0: all.  Returns k. */
int task_order(const struct task *t, int limit, int *order);

/* How item values v with weights w become one number: "mean", "perplexity" (exp(-mean v)),
 * "weighted_perplexity" (exp(-sum v / sum w)), "bits_per_byte" (-sum v / (sum w ln 2)); NULL: not a
 * metric of this task, or one that the harness counts itself (facts); "weighted_mean": sum w v /
 * sum w.  The arithmetic is the harness's. */
const char *task_aggregation(const struct task *t, const char *metric);

/* The names of its metrics, NULL ends; NULL: only a verdict tells them. */
const char *const *task_metrics(const struct task *t);

/* What a task demands of a model to be passed: 1 and *out filled, 0 when it demands nothing. */
struct threshold {
    const char *metric; /* the task's */
    double at_least;
};
int task_threshold(const struct task *t, struct threshold *out);

/* 1: credits depend on how long the replies took. */
int task_timed(const struct task *t);
/* When credits and prediction depend on no more than which option has the greatest log-likelihood
 * divided by a length: the lengths of the query's option, one for each way of dividing, and how
 * many.  0: the likelihoods themselves matter. */
enum { TASK_LENGTHS = 4 };
int task_lengths(const struct task *t, const struct item *it, int query,
                 double lengths[TASK_LENGTHS]);

/* The bank behind `facts` and the tasks about invented worlds, for counting bits; NULL for every
 * other task. */
struct facts;
const struct facts *task_facts(const struct task *t);

/* The catalogue of tasks: a row each, and groups of rows. */
struct task_info {
    const char *name, *group; /* group: "mmlu", or NULL */
    const char *kind;         /* "multiple_choice", "generate_until", ... */
    const char *data;         /* relative path of the data file below a data dir; "": built in */
    const char *help;
    int version, default_shots;
};
const struct task_info *task_info_at(int i); /* NULL after the last */
const struct task_info *task_info_find(const char *name);
/* Other names for several of them; no tag has a task's or a group's name. */
struct task_tag {
    const char *name;
    const char *of; /* the group of which its tasks are a part that has a score of its own; NULL:
                       the words are only named together */
    const char *const *words; /* tasks, and groups where `of` is NULL; NULL ends */
};
const struct task_tag *task_tag_at(int i); /* NULL after the last */
int task_tag_has(const struct task_tag *tag, const char *task);
/* 1 when a word on the command line is the path of a task file. */
int task_is_file(const char *word);
/* The tasks of a file, words for task_open each: itself, or those of the group that it is. */
int task_file_members(const char *word, int (*each)(void *user, const char *word, struct err *e),
                      void *user, struct err *e);
/* Puts an object for every group of such a file into the array that is open, outer ones first:
 * {"group", "alias", "version", "depth", "tasks": [NAME...], "metrics": [{"metric", "filters",
 * "weight_by_size"}]}; the tasks of a group are those of the groups inside it, too.  How the
 * metrics become one number is lm-eval's aggregate_metric_list (evaluation.md 2.5). */
int task_file_groups(const char *word, struct json_out *o, struct err *e);
/* 0 for a group that only names tasks together: its scores are of different kinds. */
int task_group_pools(const char *group);
/* Where the data of a task is: a path (mem_free) or NULL with e (ERR_NOTFOUND) naming every place
 * looked at: the data dirs of o, those of $DENSIMETER_DATA, $XDG_DATA_HOME/densimeter/data.  "" for
 * a task that is built in. */
char *task_find_data(const struct task_info *t, const struct task_opts *o, struct err *e);

#endif
