/* context.h -- what every command finds prepared: its words, where to print, when to stop.
 *
 * Results go to `out`, messages and progress to `log`.  The rules of --json, --quiet, colours and
 * paths are decided here once. */
#ifndef HARNESS_CONTEXT_H
#define HARNESS_CONTEXT_H

#include <signal.h>
#include <stdio.h>

#include "base/err.h"
#include "base/json.h"
#include "base/strbuf.h"
#include "harness/command.h"
#include "harness/table.h"
#include "reports/report.h"

struct context {
    const struct args *args;
    const struct command *table; /* all commands, for help */
    FILE *out, *log;
    int json, csv, quiet;
    int colour;   /* `out` is a terminal and nobody said no */
    int progress; /* `log` is a terminal and not --quiet */
    const volatile sig_atomic_t *stop; /* non-zero after Ctrl-C: finish the item and return */
    int argc;
    char **argv; /* what was typed, for "run it again to resume" */
};

/* A line for people on `log`, "densimeter: " in front; silent with --quiet. */
void context_note(const struct context *c, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* "next: densimeter WORD...": what most people do now, quoted for a shell, with this command's
 * --db; words end with NULL.  Only to somebody who looks on: a terminal, no --json. */
void context_next(const struct context *c, const char *const *words);

/* --db, else $DENSIMETER_DB, else the user's own.  mem_free. */
char *context_db_path(const struct context *c, struct err *e);

/* The words of --data, in order; mem_free(*out).  tasks/ looks in the environment's folders. */
int context_data_dirs(const struct context *c, const char *const **out, int *n, struct err *e);

/* Starts the one document of --json: {"schema":"densimeter.NAME/1", and ends and prints it. */
struct json_out context_json_begin(struct strbuf *b, const char *name);
int context_json_end(const struct context *c, struct json_out *o, struct err *e);

/* Prints a table as this command was asked to: CSV, or text as wide as the terminal. */
int context_table(const struct context *c, const struct table *t, struct err *e);

/* Writes a page into the file `path` by its suffix; path NULL: prints it as context_table does. */
int context_report(const struct context *c, const struct report *page, const char *path,
                   struct err *e);

int context_width(void); /* columns of the terminal; 80 without one */

/* Prints a finished text on `out`; a refused write is an error. */
int context_print(const struct context *c, const struct strbuf *b, struct err *e);
/* The same of lines for people: on a terminal they are broken at its width, in a pipe they stay. */
int context_print_folded(const struct context *c, const struct strbuf *b, struct err *e);
int context_print_errno(void); /* of the first refused write of this process; 0: none */

#endif
