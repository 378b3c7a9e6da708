#include "runners/kv_page.h"

#include <math.h>
#include <string.h>

#include "runners/quant.h"

size_t kv_page_bytes(enum kv_type t, int n)
{
    size_t elements = (size_t)n * KV_PAGE;

    switch (t) {
    case KV_F16: return elements * sizeof(uint16_t);
    case KV_Q8_0: return elements + KV_BLOCKS(n) * KV_PAGE * sizeof(uint16_t);
    default: return elements * sizeof(float);
    }
}

/* ---- halves ------------------------------------------------------------------------------ */

static void put_half(uint8_t *page, size_t i, float x)
{
    uint16_t h = float_to_half(x);

    page[2 * i] = (uint8_t)h;
    page[2 * i + 1] = (uint8_t)(h >> 8);
}

/* ---- codes ------------------------------------------------------------------------------- */

/* Scale of a block; not finite when an element is not. */
static float scale_of(const float *x, int n)
{
    float most = 0, odd = 0;

    for (int i = 0; i < n; i++) {
        most = fabsf(x[i]) > most ? fabsf(x[i]) : most;
        odd += x[i] * 0.0f;
    }
    return most / 127 + odd;
}

/* |x| <= 127, and anything where the scale is not finite: no conversion that C leaves undefined. */
static uint8_t code_of(float x)
{
    float shifted = x + 12582912.0f; /* 1.5 * 2^23: the sum is rounded to a whole number */
    uint32_t bits;

    memcpy(&bits, &shifted, sizeof bits);
    return (uint8_t)bits;
}

/* Element i of the page's key or value: codes `step` apart, and its block's scale. */
static void put_codes(uint8_t *codes, size_t step, uint8_t *scales, size_t scale_step,
                      const float *x, int n)
{
    for (int from = 0; from < n; from += KV_BLOCK) {
        int m = n - from < KV_BLOCK ? n - from : KV_BLOCK;
        float d = scale_of(x + from, m), id = d > 0 ? 1 / d : 0;
        put_half(scales, (size_t)(from / KV_BLOCK) * scale_step, d);
        for (int i = from; i < from + m; i++)
            codes[(size_t)i * step] = code_of(x[i] * id);
    }
}

/* ---- keys, values ------------------------------------------------------------------------ */

void kv_page_put_key(enum kv_type t, uint8_t *page, int head_dim, int at, const float *key)
{
    size_t n = (size_t)head_dim;

    switch (t) {
    case KV_F16:
        for (size_t i = 0; i < n; i++)
            put_half(page, i * KV_PAGE + (size_t)at, key[i]);
        return;
    case KV_Q8_0:
        put_codes(page + at, KV_PAGE, page + n * KV_PAGE + 2 * (size_t)at, KV_PAGE, key, head_dim);
        return;
    default:
        for (size_t i = 0; i < n; i++)
            ((float *)(void *)page)[i * KV_PAGE + (size_t)at] = key[i];
    }
}

void kv_page_put_value(enum kv_type t, uint8_t *page, int value_dim, int at, const float *value)
{
    size_t n = (size_t)value_dim;

    switch (t) {
    case KV_F16:
        for (size_t i = 0; i < n; i++)
            put_half(page, n * (size_t)at + i, value[i]);
        return;
    case KV_Q8_0:
        put_codes(page + n * (size_t)at, 1,
                  page + n * KV_PAGE + 2 * KV_BLOCKS(n) * (size_t)at, 1, value, value_dim);
        return;
    default:
        memcpy(page + n * (size_t)at * sizeof *value, value, n * sizeof *value);
    }
}
