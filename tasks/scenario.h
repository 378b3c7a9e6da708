/* scenario.h -- tasks of the user's own, as JSON (docs/scenarios.md).
 *
 * A file gives a prompt template, one kind of answer (scenario_impl.h has the table of kinds) and
 * items; it becomes queries and credits like any task (source.h).  Files are hostile: every error
 * names file, line and column; templates and patterns have limits; nothing in a file is executed.
 * An opened scenario is read only, but one thread at a time builds items: templates keep state. */
#ifndef TASKS_SCENARIO_H
#define TASKS_SCENARIO_H

#include <stddef.h>

#include "base/err.h"
#include "base/strbuf.h"
#include "tasks/source.h"

#define SCENARIO_KIND "scenario" /* of the rows of those built in */
#define SCENARIO_FORMAT "densimeter.scenario/1"

int scenario_open_file(struct source *out, const char *path, const struct task_opts *o,
                       struct err *e);
/* One of those built in (a row of the task table). */
int scenario_open_own(struct source *out, const char *name, const struct task_opts *o,
                      struct err *e);

/* What is wrong with a file although it may open, a line each ("my.json:12:5: ..."), handed to
 * say; returns how many, or -1 when it could not look.  Remarks (chance level, how far an interval
 * reaches) go to note. */
struct scenario_lint {
    void (*say)(void *ctx, const char *line), (*note)(void *ctx, const char *line);
    void *ctx;
};
int scenario_lint(const char *path, const char *bytes, size_t n, const struct scenario_lint *l,
                  struct err *e);

/* Appends the JSON Schema of the format. */
int scenario_schema(struct strbuf *out, struct err *e);
/* Appends a scenario called `name` with an answer of this kind, to be written on from; it has no
 * defects.  ERR_USAGE when there is no such kind. */
int scenario_scaffold(struct strbuf *out, const char *name, const char *kind, struct err *e);
const char *scenario_kind_name(int i); /* NULL after the last */
const char *scenario_kind_help(int i);

/* The bytes of a scenario that is built in; NULL when there is none. */
const char *scenario_own_bytes(const char *name, size_t *n);

#endif
