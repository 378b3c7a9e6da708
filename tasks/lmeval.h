/* lmeval.h -- a task of lm-evaluation-harness read from its YAML file: private to tasks/lmeval_*.c
 * and whoever opens or checks one.
 *
 * A configuration (lmeval_config.h) becomes fields, filters and metrics; documents come from local
 * files (lmeval_data.c); fields are rendered for each document as lm-eval's ConfigurableTask does
 * (evaluation.md 2.1, 2.2), and an item's queries and credits follow from them (2.3, 2.5).  No
 * Python is run: a `!function` is one of the native table (lmeval_native.h) or an error.
 *
 * An opened task is read only but for the state of its templates: one thread at a time. */
#ifndef TASKS_LMEVAL_H
#define TASKS_LMEVAL_H

#include <stdint.h>

#include "base/json.h"
#include "tasks/lmeval_config.h"
#include "tasks/lmeval_filter.h"
#include "tasks/lmeval_metric.h"
#include "tasks/lmeval_native.h"
#include "tasks/lmeval_results.h"
#include "tasks/source.h"
#include "tasks/task.h"

struct template;

enum field_kind {
    FIELD_NONE,   /* absent */
    FIELD_TEXT,   /* a column's name, else a template */
    FIELD_FIXED,  /* a number, a list, the values of a map */
    FIELD_NATIVE, /* a !function that is known */
};
struct field {
    enum field_kind kind;
    const char *what; /* "doc_to_text" */
    const struct ynode *node;
    struct template *template;
    cJSON *fixed;
    const struct native *native;
    int column; /* FIELD_TEXT: the documents have a column of that name */
};

struct docset { /* a split: a JSON array of objects, all with the same members; zeroed: empty */
    cJSON *list, **v; /* v[n]: its entries */
    int n;
    char *path; /* of the file it came from; NULL: no file */
};
void docset_release(struct docset *d);

enum { SPLIT_TRAIN, SPLIT_VALIDATION, SPLIT_TEST, SPLIT_SHOTS, SPLITS };

struct lmeval {
    struct lmeval_config config;
    const char *name;
    int version;
    enum output_type type;
    struct field text, target, choice, description, prefix;
    struct field shot_text, shot_target, shot_choice, shot_prefix; /* FIELD_NONE: as above */
    const char *target_delimiter, *shot_delimiter; /* target_, fewshot_delimiter */
    const char *shots_target_delimiter, *shots_delimiter; /* inside the examples */
    const char *splits[SPLITS]; /* NULL: not given */
    const struct native *process, *shots_process; /* process_docs; NULL: documents as they are */
    const struct ynode *samples; /* fewshot_config.samples: a list, or a function that gives one */
    const struct native *sampled;
    int first_n;
    int num_fewshot; /* -1: not given */
    int repeats, max_tokens, n_until;
    double temperature, top_p; /* 0: greedy */
    uint64_t seed;             /* of what is sampled */
    const char **until;
    struct metrics metrics;
    struct pipelines pipelines;
    struct natives natives;
    /* process_results, of Python code that is not known: shown, not scored */
    const struct ynode *unscored;
    const struct result_way *way; /* process_results that is known; NULL: lm-eval's own */
    const char *way_arg;

    /* with data */
    struct docset docs, pool;
    int multiple_input, multiple_target;
    int shots, *drawn, *n_drawn; /* as in struct task (recipe.h) */
    char *system;
    const struct chat_renderer *chat;
};

/* Reads and checks a configuration of kind CONFIG_TASK, without data; takes c over, also on
 * failure. */
int lmeval_read(struct lmeval **out, struct lmeval_config *c, struct err *e);
void lmeval_close(struct lmeval *t);

/* Finds the data, draws the examples.  t was read and has no data yet. */
int lmeval_load(struct lmeval *t, const struct task_opts *o, struct err *e);
/* Documents as given instead of those of files, none of which is left out: takes `list` (a JSON
 * array) over. */
int lmeval_load_docs(struct lmeval *t, cJSON *list, struct err *e);

/* A source_kind: the task of a YAML file with its data. */
int lmeval_open_file(struct source *out, const char *path, const struct task_opts *o,
                     struct err *e);

int lmeval_source_members(const char *path,
                          int (*each)(void *user, const char *word, struct err *e), void *user,
                          struct err *e);

/* --- fields (lmeval_field.c) -------------------------------------------------------------- */

/* y NULL: FIELD_NONE. */
int field_read(struct field *f, const struct ynode *y, const char *what, struct natives *natives,
               struct err *e);
void field_release(struct field *f);

/* What a field is for a document, as lm-eval's functions of these names: a JSON value (json_free),
 * NULL with e.  f is the task's own field or the examples'. */
cJSON *doc_to_text(const struct lmeval *t, const struct field *f, const cJSON *doc,
                   struct err *e); /* a text, or a number for several contexts */
cJSON *doc_to_target(const struct lmeval *t, const struct field *f, const cJSON *doc,
                     struct err *e); /* a text, a number, a list, or what the column holds */
cJSON *doc_to_choice(const struct lmeval *t, const struct field *f, const cJSON *doc,
                     struct err *e); /* a list of texts */
/* Appends a description or prefix; nothing for FIELD_NONE. */
int doc_to_plain(const struct field *f, const cJSON *doc, struct strbuf *out, struct err *e);

/* --- data (lmeval_data.c) ----------------------------------------------------------------- */

/* The documents of a split, by its name; process: NULL or what is done to them. */
int lmeval_split(const struct lmeval *t, const char *split, const struct native *process,
                 const struct task_opts *o, struct docset *out, struct err *e);
/* Takes list over: entries are objects, given the same members; process as above.  all: it leaves
 * none out. */
int docset_make(struct docset *out, cJSON *list, const struct native *process, int all,
                struct err *e);

/* --- items (lmeval_prompt.c, lmeval_item.c) ----------------------------------------------- */

/* The context of document i; for several contexts the one that ends in `ending` (else NULL). */
int lmeval_context(const struct lmeval *t, int i, const char *ending, struct strbuf *out,
                   struct err *e);
int lmeval_item(const struct lmeval *t, int i, struct item *out, struct err *e);
/* A part that is not native, so that the task can be shown and not scored, and *what it is
 * ("filter"); NULL: all are. */
const struct ynode *lmeval_not_native(const struct lmeval *t, const char **what);
int lmeval_score(const struct lmeval *t, const struct item *it, const struct reply_text *replies,
                 struct verdict *out, struct err *e);

#endif
