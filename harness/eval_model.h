/* eval_model.h -- tasks on one model, as an eval run. */
#ifndef HARNESS_EVAL_MODEL_H
#define HARNESS_EVAL_MODEL_H

#include "harness/context.h"
#include "harness/preset.h"
#include "harness/select.h"
#include "results/query.h"
#include "results/store.h"

/* By eval's options: what was asked already is not asked again, and the same words go on with an
 * interrupted run.  The run's id goes to id. */
int eval_model(struct context *c, struct store *store, const char *model,
               const struct preset *preset, const struct selection *chosen,
               char id[RUN_ID_SIZE], struct err *e);

#endif
