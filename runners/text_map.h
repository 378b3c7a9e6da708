/* text_map.h -- from a text to its index in an array of texts: an open hash table of indices.
 *
 * The texts stay the caller's, and every call is given the array.  A slot keeps a part of the hash:
 * nearly no text is fetched from memory to find that it is another. */
#ifndef RUNNERS_TEXT_MAP_H
#define RUNNERS_TEXT_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "runners/gguf.h"

struct text_slot {
    uint32_t index; /* + 1; 0: the slot is free */
    uint32_t hash;  /* its upper half */
};

struct text_map {
    struct text_slot *slots;
    size_t mask, n;
};

uint64_t text_hash(const char *s, size_t n);

/* Room for n texts without growing.  -1: out of memory. */
int text_map_reserve(struct text_map *m, const struct gguf_str *texts, size_t n);
/* texts[i] now leads to i, also when an equal text led elsewhere.  -1: out of memory. */
int text_map_put(struct text_map *m, const struct gguf_str *texts, uint32_t i);
int32_t text_map_get(const struct text_map *m, const struct gguf_str *texts, const char *s,
                     size_t n); /* -1: not there */
void text_map_release(struct text_map *m);

#endif
