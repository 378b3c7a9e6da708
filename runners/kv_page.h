/* kv_page.h -- how a page of the KV cache holds the keys and the values of one head.
 *
 * Keys lie [head_dim][KV_PAGE], values [KV_PAGE][value_dim]: lanes of a register are keys, or
 * elements of one value (kernels.h).
 *   f32   the floats
 *   f16   halves, to nearest even
 *   q8_0  a code of 8 bits for each, and behind the codes the f16 scales of blocks of 32 elements
 *         of one key or value (its last may be shorter): of keys [blocks][KV_PAGE], of values
 *         [KV_PAGE][blocks].  scale = greatest magnitude / 127, code = x / scale to nearest even
 * A row attends to what the page holds, also of keys that the same batch stored: whoever computed a
 * prefix, it is the same.  What fits no half is infinite there, and NaN stays NaN. */
#ifndef RUNNERS_KV_PAGE_H
#define RUNNERS_KV_PAGE_H

#include <stddef.h>
#include <stdint.h>

#define KV_PAGE 32  /* positions */
#define KV_BLOCK 32 /* elements that share a scale */
#define KV_BLOCKS(n) (((size_t)(n) + KV_BLOCK - 1) / KV_BLOCK)

enum kv_type { KV_F32, KV_F16, KV_Q8_0, KV_TYPES };

#define KV_TYPE_NAMES "f32|f16|q8_0"

/* Of KV_PAGE keys or values with n elements each. */
size_t kv_page_bytes(enum kv_type t, int n);

/* Key or value `at` of the page, 0 <= at < KV_PAGE. */
void kv_page_put_key(enum kv_type t, uint8_t *page, int head_dim, int at, const float *key);
void kv_page_put_value(enum kv_type t, uint8_t *page, int value_dim, int at, const float *value);

#endif
