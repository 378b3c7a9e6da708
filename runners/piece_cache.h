/* piece_cache.h -- the ids of pieces of text that were merged before.
 *
 * Evaluation texts repeat their words.  A piece is kept in the slot that its hash names until
 * another wants the slot: fixed memory, nothing allocated while a run goes on. */
#ifndef RUNNERS_PIECE_CACHE_H
#define RUNNERS_PIECE_CACHE_H

#include "runners/tokenizer.h"

struct piece_cache;
struct piece_cache *piece_cache_open(void); /* NULL: out of memory; mem_free */

/* 1: the ids of text were appended; 0: not there; -1: out of memory. */
int piece_cache_get(const struct piece_cache *c, const char *text, size_t n, struct ids *out);
/* Keeps them unless text or ids are too long. */
void piece_cache_put(struct piece_cache *c, const char *text, size_t n, const int32_t *ids,
                     size_t n_ids);

#endif
