/* served.h -- an evaluation of a model behind an OpenAI-compatible server (remote.h): the same
 * tasks, items and scores as any, kept as they are answered; what a server hides is NULL, and named
 * in the run's settings ("not_measured") and wherever the run is shown. */
#ifndef HARNESS_SERVED_H
#define HARNESS_SERVED_H

#include "harness/context.h"
#include "harness/preset.h"
#include "harness/select.h"
#include "results/query.h"
#include "results/store.h"

int served_is(const char *device); /* "openai:..." */

/* By eval's options; model: as the server calls it.  The run's id goes to id.  ERR_UNSUPPORTED: a
 * task needs what the server does not give. */
int served_eval(struct context *c, struct store *store, const char *model,
                const struct preset *preset, const struct selection *chosen,
                char id[RUN_ID_SIZE], struct err *e);

/* Lines that say what such a run could not measure; nothing for others. */
void served_text(struct strbuf *b, const struct run_row *r);

#endif
