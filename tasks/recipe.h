/* recipe.h -- how a data set becomes documents, and documents become questions: private to tasks/.
 *
 * A task is a row (task_row): a data file and a recipe.  A recipe says how the file is read, how a
 * record becomes a document, how documents are put into a prompt, and which format asks and
 * credits.  All of it is constant; what a running task holds is struct task. */
#ifndef TASKS_RECIPE_H
#define TASKS_RECIPE_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "tasks/prompt.h"
#include "tasks/pytext.h"
#include "tasks/source.h"
#include "tasks/task.h"

/* One document, as lm-eval's doc_to_text, doc_to_choice and doc_to_target would give it. */
struct doc {
    const char *text;           /* the question; for two contexts and one ending: NULL */
    const char *const *choices; /* [n_choices] */
    int n_choices, gold;        /* gold: index of the right choice, -1 when there are no choices */
    const unsigned char *right; /* [n_choices] 1 for each right choice; NULL: gold alone is right */
    const char *const *targets; /* [n_targets] right answers as text; shots show the first */
    int n_targets;
    const char *passage; /* what several documents have in common, or NULL */
    const char *json;    /* the record as JSON */
};

struct docs { /* a zeroed struct is empty */
    struct arena arena;
    struct doc *v;
    size_t n, cap;
    const char *about; /* a description that the file itself gives, or NULL */
};
void docs_release(struct docs *d);

/* A record on its way to a document.  After the first failure every helper of read.h does nothing,
 * so that a reader is a straight line. */
struct record {
    const cJSON *json;
    const char *where; /* "file:line" */
    struct arena *arena;
    struct doc *doc;
    struct err *e;
    int failed;
};

/* One way of cutting an answer out of generated text: the `select`-th match of a pattern (-1: the
 * last), of several groups the first that is not empty, else "[invalid]" (evaluation.md 2.6);
 * without a pattern the part of the text that `find` points at. */
struct answer;
struct filter {
    const char *name, *pattern;
    int select;
    struct span (*find)(const char *text);
    /* in place of all that, where the answer depends on the question: as answer_filter */
    char *(*search)(const struct answer *a, int f, const char *text, const struct doc *d,
                    struct err *e);
};
/* Exact match: what is removed from both sides before they are compared (2.5). */
struct answer_rules {
    struct filter filters[2];
    int n_filters;
    const char *ignore[6]; /* patterns, in order; NULL ends */
    int ignore_case, ignore_punctuation;
    /* NULL: the same text after that; else as answer_equal, and nothing is removed */
    int (*equal)(const char *got, const char *want, struct err *e);
};

enum sampling_from { /* evaluation.md 2.8 */
    SHOTS_NONE,      /* the task has no examples: asking for some is an error */
    SHOTS_FIXED_0,   /* a text that is only continued: 0 shots, whatever is asked */
    SHOTS_DRAWN,     /* k drawn for each document */
    /* k + 1 drawn, the document itself left out: lm-eval takes the pool for the evaluated split,
     * which it does for every task that names neither a test split nor one for examples */
    SHOTS_DRAWN_ONE_MORE,
    SHOTS_FIRST,     /* the first k of the pool */
    SHOTS_CURATED,   /* the first k of those that the convention has picked by hand */
};

struct format;
struct code_rules;
struct curated;
struct needle_rules;
struct recipe {
    const struct format *format;
    int (*load)(struct docs *out, const char *path, const struct recipe *r, struct err *e);
    void (*read)(struct record *r); /* a record to its document */
    /* NULL: shots are read as documents are.  Else the row's pool has the description too, and is
     * read whatever the shots. */
    int (*load_pool)(struct docs *out, const char *path, const struct recipe *r, struct err *e);
    const struct recipe *shown; /* how the pool's records are read; NULL: by this one */
    const char *where; /* only records whose member of this name is the row's subject; NULL: all */
    const char *const *columns;     /* of a CSV file without a header line, NULL ends */
    const char *about, *about_end;  /* the description, around the row's subject; NULL: none */
    const char *target_delimiter, *shot_delimiter;
    enum sampling_from shots;
    const char *metrics[4]; /* which of a choice's, NULL ends */
    const char *const *until;
    int n_until, max_tokens;
    int repeats; /* generations of each item; 0: one */
    double temperature, top_p; /* of them; 0: greedy */
    const char *const *exemplars; /* shots that are part of the task, as JSON; NULL: the
                                     row's pool */
    const struct curated *curated; /* which of the pool SHOTS_CURATED are */
    const char *alone; /* what an option is asked after once more, without its question;
                          NULL: not */
    int most; /* of more items than that, so many are drawn by the seed; 0: all are asked */
    const struct code_rules *code; /* programs; NULL: not one */
    const struct needle_rules *needle; /* a text made with something in it; NULL: not one */
    const struct answer_rules *answers;
};

struct task_row {
    struct task_info info;
    const struct recipe *recipe; /* NULL: facts or a scenario, which ask and credit by themselves */
    const char *pool;    /* where shots come from, below a data dir */
    const char *instead; /* a data file that serves where info.data is not at hand */
    const char *subject; /* NULL: the name's own words */
};
extern const struct task_row task_rows[];
extern const int n_task_rows;

struct task {
    const struct task_row *row; /* NULL: a file, which is all in `source` */
    struct source source;
    struct facts *facts; /* the bank; everything below it is then empty but the path */
    char *path, *pool_instead, *system; /* system: the instruction and the description,
                                           "" when none */
    struct docs docs, pool;
    uint64_t seed;
    struct answer *answer;
    struct prompt_style style;
    int shots, *drawn, *n_drawn; /* drawn[i * shots ..): the pool's documents shown before i */
    int *sample, n_sample;       /* the documents that are asked; NULL: all */
};

/* Where `data` (or `instead`) is below the data dirs: mem_free; NULL with e. */
char *data_find(const char *task, const char *data, const char *instead, const struct task_opts *o,
                struct err *e);

#endif
