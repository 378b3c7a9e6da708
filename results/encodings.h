/* encodings.h -- what texts were as token ids, kept across runs: which requests a query came to.
 *
 * A set holds the queries that one tokenizer (by the SHA-256 of what defines it) encoded under one
 * version of the rules.  Within it a query is told by a hash of its texts and of everything else
 * that decides its tokens; what is kept of it is its requests' names (likelihoods.h) and sizes, in
 * a form of the caller's.  Ids themselves are not: a request whose likelihood is known needs none,
 * and one that is to be computed costs a thousand times what encoding it again does.  Rows are
 * sealed and bounded as those of likelihoods.h. */
#ifndef RESULTS_ENCODINGS_H
#define RESULTS_ENCODINGS_H

#include "base/strbuf.h"
#include "results/likelihoods.h"

enum { ENCODINGS_MAX = 2000000 }; /* rows; some 150 bytes each */

struct encoding_set {
    int64_t id; /* 0: none is open */
    char seal[SHA256_HEX];
};
struct encoding {
    char query[LIKELIHOOD_KEY];
    char *requests;
};

int encoding_set_open(struct store *s, const char *tokenizer_sha256, const char *rules,
                      struct encoding_set *out, struct err *e);
/* Appends what is kept of the query.  1: found, 0: not there, or damaged, -1. */
int encoding_find(struct store *s, const struct encoding_set *set, const char *query,
                  struct strbuf *requests, struct err *e);
/* As likelihood_keep and likelihood_prune. */
int encoding_keep(struct store *s, const struct encoding_set *set, const struct encoding *v, int n,
                  int64_t most, struct err *e);
int64_t encoding_prune(struct store *s, int64_t most, int dry, struct err *e);

#endif
