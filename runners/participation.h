/* participation.h -- which parameters a token reads: by architecture, and as counted. */
#ifndef RUNNERS_PARTICIPATION_H
#define RUNNERS_PARTICIPATION_H

#include "runners/device.h"
#include "runners/model.h"
#include "runners/runner.h"

/* Without the experts that one token does not go to. */
uint64_t participation_active(const struct model *m);
/* Bytes of weights that one decode step of one stream reads when every value takes part. */
uint64_t participation_bytes(const struct model *m);
/* tally: [the program's ops].  Released by participation_release. */
int participation_fold(struct participation *out, const struct model *m,
                       const struct op_tally *tally, struct err *e);
void participation_release(struct participation *p);

#endif
