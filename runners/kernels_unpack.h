/* kernels_unpack.h -- block formats to floats, 16 elements at a time; the values and the order of
 * their roundings are those of quant.c. */
#ifndef RUNNERS_KERNELS_UNPACK_H
#define RUNNERS_KERNELS_UNPACK_H

#include "runners/quant_block.h"

INLINE unsigned u16_at(const uint8_t *p) { return (unsigned)(p[0] | p[1] << 8); }

/* d * q, and d * q + m, q signed or not.  d is a half, or a half times a scale of 6 bits, so that
 * d * q has 22 bits at most: the product is exact, and the sum is rounded once, as quant.c does. */
INLINE void put(float *y, vf d, b16 q) { v_store(y, v_mul(d, v_of_i8(q))); }
INLINE void put_sum(float *y, vf d, b16 q, vf m) { v_store(y, v_fma(d, v_of_u8(q), m)); }

static void unpack_q8_0(float *y, const uint8_t *b, size_t n)
{
    for (; n; n -= 32, b += 34, y += 32) {
        vf d = v_set(half_at(b));
        put(y, d, b_load(b + 2));
        put(y + 16, d, b_load(b + 18));
    }
}

static void unpack_q4_0(float *y, const uint8_t *b, size_t n)
{
    for (; n; n -= 32, b += 18, y += 32) {
        vf d = v_set(half_at(b));
        b16 q = b_load(b + 2);
        put(y, d, b_sub(b_low(q, 15), b_set(8)));
        put(y + 16, d, b_sub(b_shift(q, 4, 15), b_set(8)));
    }
}

static void unpack_q4_1(float *y, const uint8_t *b, size_t n)
{
    for (; n; n -= 32, b += 20, y += 32) {
        vf d = v_set(half_at(b)), m = v_set(half_at(b + 2));
        b16 q = b_load(b + 4);
        put_sum(y, d, b_low(q, 15), m);
        put_sum(y + 16, d, b_shift(q, 4, 15), m);
    }
}

static void unpack_q5_0(float *y, const uint8_t *b, size_t n)
{
    for (; n; n -= 32, b += 22, y += 32) {
        vf d = v_set(half_at(b));
        b16 q = b_load(b + 6);
        b16 low = b_or(b_low(q, 15), b_of_bits(u16_at(b + 2), 16));
        b16 high = b_or(b_shift(q, 4, 15), b_of_bits(u16_at(b + 4), 16));
        put(y, d, b_sub(low, b_set(16)));
        put(y + 16, d, b_sub(high, b_set(16)));
    }
}

static void unpack_q5_1(float *y, const uint8_t *b, size_t n)
{
    for (; n; n -= 32, b += 24, y += 32) {
        vf d = v_set(half_at(b)), m = v_set(half_at(b + 2));
        b16 q = b_load(b + 8);
        put_sum(y, d, b_or(b_low(q, 15), b_of_bits(u16_at(b + 4), 16)), m);
        put_sum(y + 16, d, b_or(b_shift(q, 4, 15), b_of_bits(u16_at(b + 6), 16)), m);
    }
}

/* 32 codes of four bits that number the values of a table */
INLINE void put_table(float *y, vf d, const uint8_t *codes, const int8_t *values)
{
    b16 table = b_load((const uint8_t *)values), q = b_load(codes);
    put(y, d, b_lookup(table, b_low(q, 15)));
    put(y + 16, d, b_lookup(table, b_shift(q, 4, 15)));
}

static void unpack_iq4_nl(float *y, const uint8_t *b, size_t n)
{
    for (; n; n -= 32, b += 18, y += 32)
        put_table(y, v_set(half_at(b)), b + 2, quant_iq4_values);
}

INLINE float mxfp4_scale(unsigned e) /* 2^(e - 128), subnormal below 2 */
{
    uint32_t u = e < 2 ? 0x200000u << e : (e - 1) << 23;
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

static void unpack_mxfp4(float *y, const uint8_t *b, size_t n)
{
    for (; n; n -= 32, b += 17, y += 32)
        put_table(y, v_set(mxfp4_scale(b[0])), b + 1, quant_mxfp4_values);
}

/* ---- blocks of 256 ----------------------------------------------------------------------- */

static void unpack_q2_k(float *y, const uint8_t *b, size_t n)
{
    for (; n; n -= 256, b += 84, y += 256) {
        float d = half_at(b + 80), dmin = half_at(b + 82);
        UNROLL
        for (int s = 0; s < 16; s++) { /* sub-blocks of 16 */
            b16 codes = b_load(b + 16 + 32 * (s / 8) + 16 * (s % 2));
            put_sum(y + 16 * s, v_set(d * (float)(b[s] & 15)), b_shift(codes, s / 2 % 4 * 2, 3),
                    v_set(-(dmin * (float)(b[s] >> 4))));
        }
    }
}

INLINE int q3_k_scale(const uint8_t *b, int s) /* low nibbles in bytes 0..7, high bits in 8..11 */
{
    int low = s < 8 ? b[s] & 15 : b[s - 8] >> 4;
    return (low | (b[8 + s % 4] >> (2 * (s / 4)) & 3) << 4) - 32;
}

static void unpack_q3_k(float *y, const uint8_t *b, size_t n)
{
    for (; n; n -= 256, b += 110, y += 256) {
        float d = half_at(b + 108);
        UNROLL
        for (int s = 0; s < 16; s++) {
            b16 codes = b_load(b + 32 + 32 * (s / 8) + 16 * (s % 2));
            b16 high = b_shift_up(b_shift(b_load(b + 16 * (s % 2)), s / 2, 1), 2);
            b16 q = b_sub(b_or(b_shift(codes, s / 2 % 4 * 2, 3), high), b_set(4));
            put(y + 16 * s, v_set(d * (float)q3_k_scale(b + 96, s)), q);
        }
    }
}

/* Scale and minimum j (0..7) of Q4_K and Q5_K out of their 12 bytes. */
INLINE void k_scale_min(const uint8_t *s, int j, int *scale, int *min)
{
    *scale = j < 4 ? s[j] & 63 : (s[j + 4] & 15) | s[j - 4] >> 6 << 4;
    *min = j < 4 ? s[j + 4] & 63 : s[j + 4] >> 4 | s[j] >> 6 << 4;
}

/* Q4_K, and Q5_K where `high` holds the fifth bits */
INLINE void unpack_k_block(float *y, const uint8_t *b, const uint8_t *codes, const uint8_t *high)
{
    float d = half_at(b), dmin = half_at(b + 2);

    UNROLL
    for (int j = 0; j < 8; j++) {
        int scale, min;
        k_scale_min(b + 4, j, &scale, &min);
        vf s = v_set(d * (float)scale), m = v_set(-(dmin * (float)min));
        UNROLL
        for (int h = 0; h < 32; h += 16) {
            b16 q = b_load(codes + 32 * (j / 2) + h);
            q = j % 2 ? b_shift(q, 4, 15) : b_low(q, 15);
            if (high)
                q = b_or(q, b_shift_up(b_shift(b_load(high + h), j, 1), 4));
            put_sum(y + 32 * j + h, s, q, m);
        }
    }
}

static void unpack_q4_k(float *y, const uint8_t *b, size_t n)
{
    for (; n; n -= 256, b += 144, y += 256)
        unpack_k_block(y, b, b + 16, NULL);
}

static void unpack_q5_k(float *y, const uint8_t *b, size_t n)
{
    for (; n; n -= 256, b += 176, y += 256)
        unpack_k_block(y, b, b + 48, b + 16);
}

static void unpack_q6_k(float *y, const uint8_t *b, size_t n)
{
    for (; n; n -= 256, b += 210, y += 256) {
        float d = half_at(b + 208);
        UNROLL
        for (int s = 0; s < 16; s++) { /* sub-blocks of 16 */
            int g = s / 2, h = s % 2 * 16;
            b16 low = b_load(b + 64 * (g / 4) + 32 * (g % 2) + h);
            b16 high = b_load(b + 128 + 32 * (g / 4) + h);
            low = b_shift(low, g / 2 % 2 * 4, 15);
            high = b_shift_up(b_shift(high, g % 4 * 2, 3), 4);
            put(y + 16 * s, v_set(d * (float)(int8_t)b[192 + s]),
                b_sub(b_or(low, high), b_set(32)));
        }
    }
}

static void unpack_iq4_xs(float *y, const uint8_t *b, size_t n)
{
    for (; n; n -= 256, b += 136, y += 256) {
        float d = half_at(b);
        unsigned high = u16_at(b + 2);
        UNROLL
        for (int j = 0; j < 8; j++) {
            int scale = (b[4 + j / 2] >> (4 * (j % 2)) & 15) | (int)(high >> (2 * j) & 3) << 4;
            put_table(y + 32 * j, v_set(d * (float)(scale - 32)), b + 8 + 16 * j,
                      quant_iq4_values);
        }
    }
}

static void unpack_tq2_0(float *y, const uint8_t *b, size_t n)
{
    for (; n; n -= 256, b += 66, y += 256) {
        vf d = v_set(half_at(b + 64));
        UNROLL
        for (int s = 0; s < 16; s++) { /* runs of 16 */
            b16 codes = b_load(b + 32 * (s / 8) + 16 * (s % 2));
            put(y + 16 * s, d, b_sub(b_shift(codes, s / 2 % 4 * 2, 3), b_set(1)));
        }
    }
}

/* ---- plain numbers ----------------------------------------------------------------------- */

static void unpack_f16(float *y, const uint8_t *b, size_t n)
{
    for (; n >= 16; n -= 16, b += 32, y += 16)
        v_store(y, v_of_halves(b));
    for (size_t i = 0; i < n; i++)
        y[i] = half_at(b + 2 * i);
}

static void unpack_bf16(float *y, const uint8_t *b, size_t n)
{
    for (; n >= 16; n -= 16, b += 32, y += 16)
        v_store(y, v_of_bf16(b));
    quant_find(QUANT_BF16)->unpack(y, b, n);
}

static void unpack_f32(float *y, const uint8_t *b, size_t n)
{
    memcpy(y, b, n * sizeof *y);
}

static void unpack_i8(float *y, const uint8_t *b, size_t n)
{
    for (; n >= 16; n -= 16, b += 16, y += 16)
        v_store(y, v_of_i8(b_load(b)));
    quant_find(QUANT_I8)->unpack(y, b, n);
}

static void simd_unpack(int quant_type, float *y, const void *blocks, size_t n)
{
    switch (quant_type) {
    case QUANT_F32: unpack_f32(y, blocks, n); break;
    case QUANT_F16: unpack_f16(y, blocks, n); break;
    case QUANT_BF16: unpack_bf16(y, blocks, n); break;
    case QUANT_Q4_0: unpack_q4_0(y, blocks, n); break;
    case QUANT_Q4_1: unpack_q4_1(y, blocks, n); break;
    case QUANT_Q5_0: unpack_q5_0(y, blocks, n); break;
    case QUANT_Q5_1: unpack_q5_1(y, blocks, n); break;
    case QUANT_Q8_0: unpack_q8_0(y, blocks, n); break;
    case QUANT_Q2_K: unpack_q2_k(y, blocks, n); break;
    case QUANT_Q3_K: unpack_q3_k(y, blocks, n); break;
    case QUANT_Q4_K: unpack_q4_k(y, blocks, n); break;
    case QUANT_Q5_K: unpack_q5_k(y, blocks, n); break;
    case QUANT_Q6_K: unpack_q6_k(y, blocks, n); break;
    case QUANT_IQ4_NL: unpack_iq4_nl(y, blocks, n); break;
    case QUANT_IQ4_XS: unpack_iq4_xs(y, blocks, n); break;
    case QUANT_TQ2_0: unpack_tq2_0(y, blocks, n); break;
    case QUANT_I8: unpack_i8(y, blocks, n); break;
    case QUANT_MXFP4: unpack_mxfp4(y, blocks, n); break;
    default: quant_find(quant_type)->unpack(y, blocks, n);
    }
}

#endif
