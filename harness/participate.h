/* participate.h -- which part of a model a text, or the queries of tasks, make use of.
 *
 * The runner counts (runners/runner.h); here are the texts to count on, and what is said of the
 * counts.  Entropy is that of the experts' hits in bits: log2 of the experts when all are used
 * alike.  A dead expert is one that no row went to. */
#ifndef HARNESS_PARTICIPATE_H
#define HARNESS_PARTICIPATE_H

#include "harness/context.h"
#include "runners/runner.h"

/* Whether --participation or --tasks was given. */
int participate_wanted(const struct context *c);
/* Runs what was given; *out is the runner's. */
int participate(const struct context *c, struct runner *r, const struct participation **out,
                struct err *e);

void participate_json(struct json_out *o, const struct participation *p,
                      const struct model_info *m);
/* Lines in the manner of info, then a row per layer. */
int participate_text(struct strbuf *b, const struct participation *p, const struct model_info *m,
                     int width, struct err *e);

#endif
