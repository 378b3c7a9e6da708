/* kept.h -- likelihoods that earlier runs computed, for an evaluation (results/likelihoods.h).
 *
 * Exact numerics give a request the same bits whatever it is computed with, so a kept likelihood is
 * what computing it again would give.  It takes no time, though: whoever reports times must look at
 * what was found (struct outcome.cached_tokens).  Rows are written in groups, within the open
 * transaction of the run where there is one.  One thread. */
#ifndef HARNESS_KEPT_H
#define HARNESS_KEPT_H

#include "results/likelihoods.h"
#include "results/store.h"
#include "runners/runner.h"

struct kept;

/* model_sha256 and settings_json: as in likelihood_about.  The store is the caller's and outlives
 * it. */
int kept_open(struct kept **out, struct store *s, const char *model_sha256,
              const struct model_info *m, const char *device, const char *activation,
              struct err *e);
/* Rows not yet written are lost: kept_flush first. */
void kept_close(struct kept *k);

/* What names q, a REQUEST_SCORE. */
int kept_key(char key[LIKELIHOOD_KEY], const struct request *q, struct err *e);
/* 1: answered before, 0: it must be computed, -1. */
int kept_find(struct kept *k, const char key[LIKELIHOOD_KEY], double *nats, int *is_greedy,
              struct err *e);
int kept_add(struct kept *k, const char key[LIKELIHOOD_KEY], double nats, int is_greedy,
             struct err *e);
int kept_flush(struct kept *k, struct err *e);

#endif
