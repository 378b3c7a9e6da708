/* plugin_block.h -- one block of memory that may be moved to another process: how parts of it are
 * handed out, and what becomes of pointers into it when it is moved.  For plugin_image.c and
 * plugin_batch.c only. */
#ifndef RUNNERS_PLUGIN_BLOCK_H
#define RUNNERS_PLUGIN_BLOCK_H

#include <stddef.h>
#include <stdint.h>

/* Hands out parts of a block; without one it only counts. */
struct cursor {
    char *block;
    size_t used;
};

static inline void *take(struct cursor *c, size_t bytes)
{
    char *at = c->block ? c->block + c->used : NULL;

    c->used += (bytes + 63) / 64 * 64;
    return at;
}

/* The pointer, or NULL, off by so many bytes. */
static inline void *moved(const void *p, ptrdiff_t by)
{
    return p ? (char *)(uintptr_t)p + by : NULL;
}

#endif
