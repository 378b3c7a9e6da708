/* arena.h -- many small allocations that die together.
 *
 * A zeroed struct is an empty arena.  What it hands out is aligned for any type, stays where it is
 * and lives until arena_release.  One thread at a time. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

struct arena_block;
struct arena {
    struct arena_block *blocks;
    int refused; /* 1: something was not handed out */
};
#define ARENA_INIT ((struct arena){0})

void *arena_alloc(struct arena *a, size_t bytes); /* zeroed; NULL when refused */
char *arena_strdup(struct arena *a, const char *s); /* NULL for NULL, and when refused */
char *arena_strndup(struct arena *a, const char *s, size_t n);
void arena_release(struct arena *a); /* leaves an empty arena */

#endif
