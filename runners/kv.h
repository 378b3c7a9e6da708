/* kv.h -- which pages of the KV cache are in use; the slots of states.h are handed out alike.
 *
 * A page holds KV_PAGE positions of every layer, aligned to absolute position, so that a row's
 * sums are the same whoever computed its prefix.  Pages are counted references; the memory itself
 * is the device's.  Invariant: a page with two owners is never written. */
#ifndef RUNNERS_KV_H
#define RUNNERS_KV_H

#include <stdint.h>

#include "base/err.h"
#include "runners/device.h"

struct kv {
    int n, n_free;
    int32_t *refs; /* [n] */
    page_no *free; /* a stack: pages used last are used again first, so that few are resident */
};

int kv_open(struct kv *k, int pages, struct err *e);
void kv_release(struct kv *k);
page_no kv_take(struct kv *k); /* one reference; -1 when none is free */
void kv_ref(struct kv *k, page_no p);
void kv_unref(struct kv *k, page_no p);
void kv_reset(struct kv *k); /* every page is free again */

#endif
