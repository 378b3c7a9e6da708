/* kernels_kv.h -- a head's keys or values of one page (kv_page.h) as floats.  A half is one float,
 * and a code times a scale has 19 bits: nothing is rounded here. */
#ifndef RUNNERS_KERNELS_KV_H
#define RUNNERS_KERNELS_KV_H

INLINE void open_halves(float *y, const uint8_t *page, int n)
{
    for (size_t i = 0; i < (size_t)n * KV_PAGE; i += 16)
        v_store(y + i, v_of_halves(page + 2 * i));
}

INLINE void open_key_codes(float *y, const uint8_t *page, int n)
{
    const uint8_t *scales = page + (size_t)n * KV_PAGE;

    for (int from = 0; from < n; from += KV_BLOCK, scales += 2 * KV_PAGE) {
        vf low = v_of_halves(scales), high = v_of_halves(scales + 32);
        for (int i = from; i < n && i < from + KV_BLOCK; i++) {
            v_store(y + i * KV_PAGE, v_mul(low, v_of_i8(b_load(page + i * KV_PAGE))));
            v_store(y + i * KV_PAGE + 16, v_mul(high, v_of_i8(b_load(page + i * KV_PAGE + 16))));
        }
    }
}

/* Codes are read 16 at a time; behind the last are the scales, of which there are more bytes. */
INLINE void open_value_codes(float *y, const uint8_t *page, int n)
{
    const uint8_t *scale = page + (size_t)n * KV_PAGE;

    for (int j = 0; j < KV_PAGE; j++, page += n, y += n)
        for (int from = 0; from < n; from += KV_BLOCK, scale += 2) {
            vf d = v_set(half_at(scale));
            for (int i = from; i < n && i < from + KV_BLOCK; i += 16)
                v_store_some(y + i, n - i, v_mul(d, v_of_i8(b_load(page + i))));
        }
}

/* The floats themselves, or `room` filled with them. */
static const float *open_keys(const struct attend *a, int page)
{
    if (a->kv == KV_F32)
        return a->k[page];
    if (a->kv == KV_F16)
        open_halves(a->k_room, a->k[page], a->head_dim);
    else
        open_key_codes(a->k_room, a->k[page], a->head_dim);
    return a->k_room;
}

static const float *open_values(const struct attend *a, int page)
{
    if (a->kv == KV_F32)
        return a->v[page];
    if (a->kv == KV_F16)
        open_halves(a->v_room, a->v[page], a->value_dim);
    else
        open_value_codes(a->v_room, a->v[page], a->value_dim);
    return a->v_room;
}

#endif
