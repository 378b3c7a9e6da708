/* charsmap.h -- SentencePiece's precompiled map from characters to their normal form.
 *
 * A little-endian u32 with the bytes of a double array of u32 nodes, the array, then replacement
 * texts that end with a zero byte (engine.md 4.6).  A node whose label leads on is found at
 * base ^ byte; a leaf's value is the place of its replacement.  Hostile maps give wrong text, never
 * a read outside. */
#ifndef RUNNERS_CHARSMAP_H
#define RUNNERS_CHARSMAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct charsmap { /* all zero: maps nothing */
    const uint8_t *nodes; /* unaligned */
    size_t n_nodes;
    const char *texts;
    size_t n_texts; /* the last byte is 0 */
};

/* bytes must outlive the map. */
int charsmap_init(struct charsmap *m, const void *bytes, size_t n, const char *where,
                  struct err *e);

/* Bytes at the start of s that have a replacement, 0 when none: of the longest such start, or of
 * the shortest. */
size_t charsmap_longest(const struct charsmap *m, const char *s, size_t n, const char **text,
                        size_t *text_n);
size_t charsmap_shortest(const struct charsmap *m, const char *s, size_t n, const char **text,
                         size_t *text_n);

#endif
