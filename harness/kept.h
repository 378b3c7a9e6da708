/* kept.h -- likelihoods that earlier runs computed, and the tokens that texts came to, for an
 * evaluation (results/likelihoods.h, results/encodings.h): where all is kept, nothing is computed
 * and no text is encoded.
 *
 * Exact numerics give a request the same bits whatever it is computed with, so a kept likelihood is
 * what computing it again would give.  It takes no time, though: whoever reports times must look at
 * what was found (struct outcome.cached_tokens).  Rows are written in groups, within the open
 * transaction of the run where there is one.  One thread. */
#ifndef HARNESS_KEPT_H
#define HARNESS_KEPT_H

#include "harness/encode.h"
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

/* Encodings are kept, too, from this call on; tokenizer_sha256: of all that defines it. */
int kept_encodings(struct kept *k, const char *tokenizer_sha256, struct err *e);

struct kept_request { /* of a query: what struct span says of it, and its key */
    int n_ids, n_given, n_context;
    char key[LIKELIHOOD_KEY];
};
struct kept_query {
    char key[LIKELIHOOD_KEY];
    struct kept_request *v;
    size_t n, cap;
    int n_split; /* joins inside a token: encoder.split_joins */
};
void kept_query_release(struct kept_query *q);
/* What names q, asked through enc.  "": encodings are not kept. */
int kept_query_key(const struct kept *k, char key[LIKELIHOOD_KEY], const struct encoder *enc,
                   const struct query *q, struct err *e);
/* By io->key, appended to io.  1, 0: it must be encoded, -1. */
int kept_query_find(struct kept *k, struct kept_query *io, struct err *e);
int kept_query_add(struct kept *k, const struct kept_query *q, struct err *e);

#endif
