/* seen.h -- which pages of tokens a runner has computed since counting began, by a hash of all that
 * comes before their end: what another call computes again is told from what is new.  Whole pages
 * only: up to KV_PAGE - 1 tokens at the end of what is common are taken for new. */
#ifndef RUNNERS_SEEN_H
#define RUNNERS_SEEN_H

#include <stddef.h>
#include <stdint.h>

#include "runners/trie.h"

struct seen_pages {
    uint64_t *slots; /* hashes; 0: free */
    size_t n, cap;   /* cap: a power of two, or 0 */
};

/* Tokens of the trie that no trie before it had; -1: out of memory. */
int64_t seen_new_tokens(struct seen_pages *s, const struct trie *t);
void seen_release(struct seen_pages *s);

#endif
