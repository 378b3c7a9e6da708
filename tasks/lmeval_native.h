/* lmeval_native.h -- what stands for the Python functions of lm-eval's own tasks: private to
 * tasks/lmeval_*.c.
 *
 * A known function (lmeval_functions.c) is a row: the hash of its text (pysource.h), a program and
 * arguments.  A program is lines of steps over documents, with expressions in the language of the
 * templates, which see `doc`, `idx` (the document's place), `arg` (the row's arguments, the
 * function's own name, those of a partial()), `const` (the literals in the function's source) and
 * `piece` (the texts in it, one after another: pysource.h).  Prompts are taken from there:
 *
 *   keep EXPR         the document stays only where that is true
 *   set NAME EXPR     a column
 *   drop NAME         no column
 *   each EXPR         a list of documents instead
 *   sub NAME /P/R/    re.sub(P, R, column)
 *   find NAME /P/     re.findall(P, column)
 *   FUNCTION NAME     a column by one of the functions of lmeval_steps.c
 *   value EXPR        last: what the function gives for one document
 *   text TEMPLATE     last: the same, a template up to the end of the program
 *
 * A function that does nothing but return a literal is that literal and needs no row. */
#ifndef TASKS_LMEVAL_NATIVE_H
#define TASKS_LMEVAL_NATIVE_H

#include "base/err.h"
#include "base/json.h"
#include "base/rng.h"
#include "tasks/yamldoc.h"

struct native;
struct natives { /* those of a task; zeroed: none */
    struct native *first;
};

struct native_function {
    const char *sha256;  /* the first 16 digits of that of the function's text */
    const char *program; /* a name */
    const char *args;    /* JSON of an object, or NULL */
};
extern const struct native_function native_functions[];
extern const size_t n_native_functions;

struct native_aggregation { /* functions of all items: the same, by what they are */
    const char *sha256, *name; /* a name that task_aggregation may give */
    const char *likeness; /* what it counts of each answer before; NULL: the metric's own */
};
extern const struct native_aggregation native_aggregations[];
extern const size_t n_native_aggregations;

struct native_metric { /* a function that is a metric: its own name, and what it counts */
    const char *sha256, *name, *likeness;
};
extern const struct native_metric native_metrics[];
extern const size_t n_native_metrics;

struct native_result { /* process_results of one document: a way of lmeval_results.h */
    const char *sha256, *way, *arg;
};
extern const struct native_result native_results[];
extern const size_t n_native_results;

/* The start of the hash of a function's text, "" where there is none to be found; -1 without
 * memory. */
int function_hash(const struct ynode *function, char hex[17], struct err *e);
/* NULL: the function is not known, or without memory, which e tells. */
const struct native_result *results_find(const struct ynode *function, struct err *e);

struct native_program {
    const char *name, *steps;
    const char *sample; /* JSON of a document to try it with; NULL: the steps tell what it needs */
};
/* Of documents, and of one document: those end with `value` or `text`.  No two have one name. */
extern const struct native_program native_docs_programs[], native_value_programs[];
extern const size_t n_native_docs_programs, n_native_value_programs;

/* A step over one column: its value becomes another (json_free the old one). */
struct native_column {
    const char *name;
    /* NULL with e.  rng: the function's own, seeded with arg.seed (else 42) and drawn from in the
     * documents' order. */
    cJSON *(*apply)(const cJSON *v, struct rng *rng, struct err *e);
    const char *sample; /* a value that it can be tried with, as JSON; NULL: any text */
};
const struct native_column *native_column_find(const char *name, size_t n);

/* The equivalent of a Y_FUNCTION, kept in `all`; NULL with e, which names the function and says
 * what to do. */
const struct native *native_find(struct natives *all, const struct ynode *function,
                                 struct err *e);
/* The same of a program by its name, for functions without a file. */
const struct native *native_named(struct natives *all, const char *program, const char *args,
                                  struct err *e);
void natives_release(struct natives *all);

/* process_docs: changes the list in place.  all: no document is left out. */
int native_docs(const struct native *f, cJSON *list, int all, struct err *e);
/* Adds to `doc` columns that the steps look at, as template_sample. */
int native_sample(const struct native *f, cJSON *doc, struct err *e);
/* doc_to_*: a value (json_free); NULL with e. */
cJSON *native_value(const struct native *f, const cJSON *doc, struct err *e);

#endif
