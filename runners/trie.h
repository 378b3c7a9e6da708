/* trie.h -- all requests of a run as one trie of tokens (engine_design.md 3).
 *
 * The trie is never built as nodes: in lexicographic order of the paths, what a path shares with
 * any earlier one is what it shares with the one just before it, so a depth-first walk is a walk
 * over the sorted paths and each token of the trie is computed exactly once, by its owner: the
 * first path that runs through it.  Wants (a position whose logits answer a request) are handed to
 * the owner of their position. */
#ifndef RUNNERS_TRIE_H
#define RUNNERS_TRIE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "runners/runner.h"

struct path { /* of one request, in walking order */
    int request;
    const int32_t *ids; /* the tokens that go through the model */
    int n;
    int common;         /* leading tokens that the path before has too */
    int shared;         /* of those, the ones that need not be computed again */
    int turn;           /* the first path after this one that shares less; n: none does */
    size_t want0, n_wants; /* of this owner in trie->wants, by position */
};

struct want {
    int position;
    int32_t target; /* the token whose likelihood is asked for; -1: the whole row of logits */
    int request, index; /* index: which of the request's scored tokens */
};

struct trie {
    struct path *paths;
    int n;
    struct want *wants;
    size_t n_wants;
};

int trie_build(struct trie *t, const struct request *q, int n, struct err *e);
void trie_release(struct trie *t);

#endif
