/* energy.h -- a run's energy: its meters by the options of a command, what they said of each part,
 * and the joules per token, item and right item that follow.
 *
 * A subject is a task, a test or a scenario.  After it every channel of every meter becomes a row
 * of the results; without any, one row says why.  A power that the user declares is a row and
 * numbers of its own (declared_...), never mixed with what was measured.  A file of an external
 * meter is laid beside the windows when the run is over (meter_csv.h).  One thread. */
#ifndef HARNESS_ENERGY_H
#define HARNESS_ENERGY_H

#include "harness/context.h"
#include "harness/meter.h"
#include "results/query.h"
#include "results/store.h"

#define ENERGY_OPTIONS                                                                             \
    {"sysroot", 0, OPTION_TEXT, "DIR", "", 0, 0, "read the machine's files below DIR"},            \
    {"idle", 0, OPTION_NUMBER, "SECONDS", "0", 0, 3600,                                            \
     "measure the idle power so long before and after; 0: not at all"},                            \
    {"meter-csv", 0, OPTION_TEXT, "FILE", NULL, 0, 0,                                              \
     "an external meter's file, read after the run: time and watts, or time and joules"},          \
    {"meter-offset", 0, OPTION_NUMBER, "SECONDS", NULL, -1e11, 1e11,                               \
     "what to add to its times to get UTC; else found by the load"},                               \
    {"declared-watts", 0, OPTION_NUMBER, "W", NULL, 0, 1e6,                                        \
     "a constant power to reckon with; shown as declared, never as measured"}

struct energy;
int energy_open(struct energy **out, const struct context *c, struct err *e);
void energy_close(struct energy *en);
struct meter *energy_meter(struct energy *en);
/* What was typed of it, as members of a run's settings. */
void energy_settings(struct json_out *o, const struct context *c);

/* Idle power before or after (is_after) the run, if it was asked for. */
int energy_idle(struct energy *en, struct store_run *run, int is_after, struct err *e);

/* What meter_start and meter_stop measure from here on belongs to `name`. */
int energy_subject(struct energy *en, const char *name, struct err *e);
/* The subject's rows.  partial: why the windows are not all of it, so that nothing is known; a text
 * that stays, or NULL. */
int energy_store(struct energy *en, struct store_run *run, const char *partial, struct err *e);
double energy_declared_j(const struct energy *en); /* of the subject; NAN */

/* What joules mean for a subject: NAN and 0 where it has none of these. */
struct energy_parts {
    double tokens, prefill_tokens, decode_tokens, items, right;
};
/* energy_j and what follows from it: at most ENERGY_VALUES. */
enum { ENERGY_VALUES = 6 };
int energy_values(double joules, const struct energy_parts *p, struct store_cost *out);
struct energy_parts energy_parts_of_task(const struct task_row *t);
struct energy_parts energy_parts_of_bench(const struct store_bench *b);

/* Before the run is finished: idle power, and the external meter's file. */
int energy_finish(struct energy *en, struct store *s, struct store_run *run, struct err *e);

/* "energy": [...] of all subjects, or of one (NULL: all). */
void energy_json(struct json_out *o, const struct energy_list *l, const char *subject);
/* A table; nothing where no meter was. */
int energy_text(const struct context *c, const struct energy_list *l, struct err *e);
/* Mean watts of the idle rows of a source's channel; NAN. */
double energy_idle_w(const struct energy_list *l, const struct store_energy *x);

#endif
