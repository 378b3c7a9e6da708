/* prefix.h -- which texts of a set a string starts with, all of them or the longest.
 *
 * The set is an array of indices sorted by text: the texts with a common prefix are a range of it,
 * which every further byte narrows by binary search.  Four bytes a text, and a walk ends at the
 * first byte that no text continues with, so long texts cost only where they match. */
#ifndef RUNNERS_PREFIX_H
#define RUNNERS_PREFIX_H

#include "runners/gguf.h"

struct prefix_set {
    const struct gguf_str *texts;
    uint32_t *order;
    size_t n;
    uint32_t first[257]; /* texts that start with byte c: order[first[c] .. first[c + 1]) */
};

/* Of equal texts the one that is later in `members` counts; empty ones are left out.  texts must
 * outlive the set.  -1: out of memory. */
int prefix_init(struct prefix_set *p, const struct gguf_str *texts, const uint32_t *members,
                size_t n);
void prefix_release(struct prefix_set *p);

struct prefix_walk {
    size_t lo, hi, depth;
};
#define PREFIX_START(p) ((struct prefix_walk){0, (p)->n, 0})
/* One byte further; 0 when no text goes on like this.  *found: the index of the text that ends
 * here, or -1. */
int prefix_step(const struct prefix_set *p, struct prefix_walk *w, unsigned char c,
                int32_t *found);

/* Bytes of the longest text that s starts with, 0 when none; *found: its index. */
size_t prefix_longest(const struct prefix_set *p, const char *s, size_t n, int32_t *found);

#endif
