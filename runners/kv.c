#include "runners/kv.h"

#include <assert.h>

#include "base/mem.h"

int kv_open(struct kv *k, int pages, struct err *e)
{
    *k = (struct kv){.n = pages};
    if (pages == 0) /* a model without keys and values, or without states */
        return 0;
    k->refs = mem_calloc((size_t)pages, sizeof *k->refs);
    k->free = mem_alloc((size_t)pages * sizeof *k->free);
    if (!k->refs || !k->free) {
        kv_release(k);
        return err_nomem(e);
    }
    kv_reset(k);
    return 0;
}

void kv_reset(struct kv *k)
{
    k->n_free = 0;
    for (int i = k->n - 1; i >= 0; i--) {
        k->refs[i] = 0;
        k->free[k->n_free++] = i;
    }
}

void kv_release(struct kv *k)
{
    mem_free(k->refs);
    mem_free(k->free);
    *k = (struct kv){0};
}

page_no kv_take(struct kv *k)
{
    page_no p;

    if (k->n_free == 0)
        return -1;
    p = k->free[--k->n_free];
    k->refs[p] = 1;
    return p;
}

void kv_ref(struct kv *k, page_no p)
{
    k->refs[p]++;
}

void kv_unref(struct kv *k, page_no p)
{
    assert(k->refs[p] > 0);
    if (--k->refs[p] == 0)
        k->free[k->n_free++] = p;
}
