/* likelihoods.h -- likelihoods of requests, kept across runs: what was computed is found again.
 *
 * A set holds the requests of one model (by the SHA-256 of its content) under one arithmetic on
 * one device with one choice of what else may change a likelihood (settings, the caller's JSON).
 * Whoever changes the bits of an arithmetic changes its id.  Within a set a request is told by a
 * hash of its token ids, so that a tokenizer, template or task that changed asks for other rows,
 * and one that did not asks for these.  Every row carries a seal over all of its values and its
 * set's; a row that does not match is as good as absent and is replaced.  There are at most
 * LIKELIHOODS_MAX rows; sets that were used longest ago go first. */
#ifndef RESULTS_LIKELIHOODS_H
#define RESULTS_LIKELIHOODS_H

#include <stdint.h>

#include "base/err.h"
#include "base/sha256.h"

enum {
    LIKELIHOODS_MAX = 2000000, /* rows; some 100 bytes each */
    LIKELIHOOD_KEY = 33,       /* 32 hex digits and a terminator */
};

struct store;
struct likelihood_set {
    int64_t id;
    char seal[SHA256_HEX]; /* of what the set is about; enters that of every row */
};
struct likelihood_about {
    const char *model_sha256, *numerics_id, *device, *settings; /* none may be NULL */
};
struct likelihood {
    char request[LIKELIHOOD_KEY];
    double nats; /* finite */
    int is_greedy;
};

/* The set that is about this, made where there is none; it counts as used now. */
int likelihood_set_open(struct store *s, const struct likelihood_about *about,
                        struct likelihood_set *out, struct err *e);
/* By in->request.  1: found, 0: not there, or damaged, -1. */
int likelihood_find(struct store *s, const struct likelihood_set *set, struct likelihood *io,
                    struct err *e);
/* One transaction, or a part of the one that is open.  Rows beyond `most` in all sets together make
 * older sets go; what does not even fit then is not kept. */
int likelihood_keep(struct store *s, const struct likelihood_set *set, const struct likelihood *v,
                    int n, int64_t most, struct err *e);
/* Deletes whole sets, used longest ago first, until at most so many rows are left; dry: only
 * counts.  Returns the rows, -1. */
int64_t likelihood_prune(struct store *s, int64_t most, int dry, struct err *e);

#endif
