/* conventions.h -- one document as each published convention asks it: which examples, which words,
 * what is compared, and with a model what comes of it.
 *
 * A convention is lm-eval's own way, or a preset; it asks a task that reads the same data file.
 * OLMES asks each document twice. */
#ifndef HARNESS_CONVENTIONS_H
#define HARNESS_CONVENTIONS_H

#include "base/json.h"
#include "harness/encode.h"
#include "runners/runner.h"
#include "tasks/task.h"

enum { CONVENTIONS_MAX = 8 };
struct convention {
    const char *name, *task;
    const char *metric; /* that is published; NULL: all that the task has */
    int shots, pool_named;
    int doc;            /* of `task` */
    struct task *open;
    struct item item, bare; /* bare: without examples */
    struct verdict verdict; /* of conventions_score */
    struct err unscored;    /* code not 0: why it has none */
    struct err why;         /* code not 0: it cannot be asked here, and the rest is empty */
};
struct conventions { /* a zeroed struct is empty */
    struct convention v[CONVENTIONS_MAX];
    int n;
};
/* Those that ask the document `doc` of a task, the task's own or lm-eval's first; only[n_only]:
 * their names, 0 for all.  ERR_USAGE names those there are.  o: data and seed; shots and examples
 * are each convention's own.  conventions_close also after a failure. */
int conventions_open(struct conventions *out, const char *task, int doc, const struct task_opts *o,
                     const char *const *only, int n_only, struct err *e);
void conventions_close(struct conventions *c);

/* Asks the model, convention by convention; one that fails leaves the others. */
void conventions_score(struct conventions *c, struct runner *r, struct encoder *encoder);

/* Appends a line for each; nothing when there is but one. */
int conventions_lines(struct strbuf *b, const struct conventions *c, struct err *e);
/* The same side by side, in so many columns of text. */
int conventions_beside(struct strbuf *b, const struct conventions *c, int width, struct err *e);
/* "conventions": [...], a member of the object that is open. */
int conventions_json(struct json_out *out, const struct conventions *c, struct err *e);

#endif
