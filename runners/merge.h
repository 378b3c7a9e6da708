/* merge.h -- greedy merging of neighbouring symbols, best pair first: the core of BPE and SPM.
 *
 * The symbols form a linked list, the pairs that may merge a binary heap, so a text of n symbols
 * costs n log n.  A pair in the heap is stale when either symbol was merged since; as symbols only
 * grow, comparing the length of both together tells. */
#ifndef RUNNERS_MERGE_H
#define RUNNERS_MERGE_H

#include <stddef.h>
#include <stdint.h>

struct symbol {
    uint32_t at, len; /* place in the text; len 0: merged away */
    int32_t prev, next; /* -1: none */
    uint32_t id;
};

struct merge_pair {
    uint64_t key; /* smallest first: priority, then the left symbol */
    uint32_t len, id;
};

struct merger {
    struct symbol *s;
    size_t n, cap;
    struct merge_pair *heap;
    size_t n_heap, cap_heap;
    /* 1: left and right may merge into *id; the pair of the smallest *priority goes first, of equal
     * ones the leftmost. */
    int (*join)(const void *self, const struct symbol *left, const struct symbol *right,
                uint32_t *priority, uint32_t *id);
    const void *self;
};

enum { MERGE_MAX = 1 << 30 }; /* bytes that one text may have */

void merger_clear(struct merger *m); /* keeps the storage */
int merger_add(struct merger *m, uint32_t at, uint32_t len, uint32_t id); /* -1: out of memory */
/* Afterwards the symbols are s[0], s[s[0].next], ...  -1: out of memory. */
int merger_run(struct merger *m);
void merger_release(struct merger *m);

#endif
