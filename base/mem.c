#include "base/mem.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static atomic_long fail_countdown = -1;
static atomic_long live;

void mem_fail_at(long nth)
{
    atomic_store(&fail_countdown, nth);
}

long mem_live(void)
{
    return atomic_load(&live);
}

static int refused(void)
{
    if (atomic_load_explicit(&fail_countdown, memory_order_relaxed) < 0)
        return 0;
    return atomic_fetch_sub(&fail_countdown, 1) == 0;
}

static void *counted(void *p)
{
    if (p)
        atomic_fetch_add_explicit(&live, 1, memory_order_relaxed);
    return p;
}

void *mem_alloc(size_t bytes)
{
    return refused() ? NULL : counted(malloc(bytes ? bytes : 1));
}

void *mem_calloc(size_t n, size_t size)
{
    return refused() ? NULL : counted(calloc(n ? n : 1, size ? size : 1));
}

void *mem_realloc(void *p, size_t bytes)
{
    if (!p)
        return mem_alloc(bytes);
    return refused() ? NULL : realloc(p, bytes ? bytes : 1);
}

void *mem_aligned(size_t align, size_t bytes)
{
    void *p = NULL;

    if (refused() || bytes > SIZE_MAX - align)
        return NULL;
    bytes = (bytes + align - 1) / align * align;
    if (bytes == 0)
        bytes = align;
    if (posix_memalign(&p, align < sizeof(void *) ? sizeof(void *) : align, bytes) != 0)
        return NULL;
    memset(p, 0, bytes);
    return counted(p);
}

void mem_free(void *p)
{
    if (!p)
        return;
    atomic_fetch_sub_explicit(&live, 1, memory_order_relaxed);
    free(p);
}

char *mem_strndup(const char *s, size_t n)
{
    char *p = n < SIZE_MAX ? mem_alloc(n + 1) : NULL;

    if (p) {
        memcpy(p, s, n);
        p[n] = 0;
    }
    return p;
}

char *mem_strdup(const char *s)
{
    return mem_strndup(s, strlen(s));
}

int mem_grow(void *items, size_t *cap, size_t need, size_t item_size)
{
    void **slot = items;
    size_t want = *cap ? *cap : 8;
    void *p;

    if (need <= *cap)
        return 0;
    while (want < need) {
        if (want > SIZE_MAX / 2)
            return -1;
        want *= 2;
    }
    if (want > SIZE_MAX / item_size)
        return -1;
    p = mem_realloc(*slot, want * item_size);
    if (!p)
        return -1;
    *slot = p;
    *cap = want;
    return 0;
}
