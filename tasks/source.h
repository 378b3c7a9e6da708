/* source.h -- a task that is not a row of the table but a file: private to tasks/.
 *
 * A kind of file is a row of source_kinds: how its name ends and how it is opened.  What is opened
 * asks (ask.h makes the queries) and credits by itself; task.c hands it everything that task.h
 * offers.  Scenarios that are built in come the same way, from their bytes in the program. */
#ifndef TASKS_SOURCE_H
#define TASKS_SOURCE_H

#include "tasks/task.h"

struct source_ops {
    void (*close)(void *self);
    const char *(*name)(const void *self);
    int (*version)(const void *self);
    int (*shots)(const void *self);
    int (*count)(const void *self);
    int (*item)(const void *self, int i, struct item *out, struct err *e);
    int (*score)(const void *self, const struct item *it, const struct reply_text *replies,
                 struct verdict *out, struct err *e);
    const char *(*aggregation)(const void *self, const char *metric); /* as task_aggregation */
    int (*threshold)(const void *self, struct threshold *out); /* as task_threshold; NULL: none */
    int (*timed)(const void *self);   /* as task_timed; NULL: no */
    int (*asks_on)(const void *self); /* as task_asks_on; NULL: no */
    int (*ask_on)(const void *self, struct item *it, const struct reply_text *replies,
                  struct err *e);
    /* as task_sha256; NULL: the file's */
    int (*sha256)(const void *self, char hex[65], struct err *e);
};

struct source { /* zeroed: none */
    const struct source_ops *ops;
    void *self;
};

struct source_kind {
    const char *suffix; /* ".json" */
    int (*open)(struct source *out, const char *path, const struct task_opts *o, struct err *e);
    /* As task_file_members; NULL: a file is one task.  Else open takes "FILE:TASK" too. */
    int (*members)(const char *path, int (*each)(void *user, const char *word, struct err *e),
                   void *user, struct err *e);
    /* task_file_groups or NULL */
    int (*groups)(const char *path, struct json_out *o, struct err *e);
};
extern const struct source_kind source_kinds[];
extern const int n_source_kinds;

/* The kind of the file that `word` names, NULL when it is the name of a task. */
const struct source_kind *source_kind_of(const char *word);

#endif
