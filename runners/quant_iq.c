/* quant_iq.c -- IQ1, IQ2 and IQ3: groups of 8 or 4 elements are entries of a codebook, with signs
 * and scales beside them (engine.md 2.4). */
#include "runners/quant_block.h"
#include "runners/quant_codebook.h"

/* Eight elements of one entry of two-bit codes; a set bit of `signs` is a minus. */
static void put_8(float *y, unsigned entry, unsigned signs, float d)
{
    for (int j = 0; j < 8; j++) {
        float v = d * (float)quant_levels_2[entry >> (2 * j) & 3];
        y[j] = signs >> j & 1 ? -v : v;
    }
}

/* The same of two entries of three-bit codes. */
static void put_4_4(float *y, unsigned first, unsigned second, const int8_t *levels,
                    unsigned signs, float d)
{
    for (int j = 0; j < 8; j++) {
        unsigned code = (j < 4 ? first : second) >> (j % 4 * 3) & 7;
        float v = d * (float)levels[code];
        y[j] = signs >> j & 1 ? -v : v;
    }
}

void quant_unpack_iq2_xxs(float *y, const void *blocks, size_t n)
{
    const uint8_t *b = blocks;

    for (size_t i = 0; i < n; i += 256, b += 66)
        for (int g = 0; g < 8; g++) { /* groups of 32 */
            uint32_t w = quant_u32(b + 2 + 8 * g + 4);
            float d = quant_half(b) * (0.5f + (float)(w >> 28)) * 0.25f;
            for (int l = 0; l < 4; l++)
                put_8(y + i + 32 * g + 8 * l, quant_g256[b[2 + 8 * g + l]],
                      quant_signs(w >> (7 * l) & 127), d);
        }
}

/* The scale of eight elements, `l` of 32, from a byte of two. */
static float nibble_scale(float d, uint8_t scales, int l)
{
    return d * (0.5f + (float)(l < 2 ? scales & 15 : scales >> 4)) * 0.25f;
}

void quant_unpack_iq2_xs(float *y, const void *blocks, size_t n)
{
    const uint8_t *b = blocks;

    for (size_t i = 0; i < n; i += 256, b += 74)
        for (int k = 0; k < 32; k++) { /* groups of 8 */
            unsigned w = quant_u16(b + 2 + 2 * k);
            put_8(y + i + 8 * k, quant_g512[w & 511], quant_signs(w >> 9),
                  nibble_scale(quant_half(b), b[66 + k / 4], k % 4));
        }
}

void quant_unpack_iq2_s(float *y, const void *blocks, size_t n)
{
    const uint8_t *b = blocks;

    for (size_t i = 0; i < n; i += 256, b += 82)
        for (int k = 0; k < 32; k++) {
            unsigned index = b[2 + k] | (unsigned)(b[66 + k / 4] >> (k % 4 * 2) & 3) << 8;
            put_8(y + i + 8 * k, quant_g1024[index], b[34 + k],
                  nibble_scale(quant_half(b), b[74 + k / 4], k % 4));
        }
}

void quant_unpack_iq3_xxs(float *y, const void *blocks, size_t n)
{
    const uint8_t *b = blocks;

    for (size_t i = 0; i < n; i += 256, b += 98)
        for (int k = 0; k < 32; k++) {
            uint32_t w = quant_u32(b + 66 + 4 * (k / 4));
            const uint8_t *q = b + 2 + 2 * k;
            put_4_4(y + i + 8 * k, quant_g3x[q[0]], quant_g3x[q[1]], quant_levels_3x,
                    quant_signs(w >> (k % 4 * 7) & 127),
                    quant_half(b) * (0.5f + (float)(w >> 28)) * 0.5f);
        }
}

void quant_unpack_iq3_s(float *y, const void *blocks, size_t n)
{
    const uint8_t *b = blocks;

    for (size_t i = 0; i < n; i += 256, b += 110)
        for (int k = 0; k < 32; k++) {
            const uint8_t *q = b + 2 + 2 * k;
            unsigned high = b[66 + k / 4] >> (k % 4 * 2);
            int scale = b[106 + k / 8] >> (k / 4 % 2 * 4) & 15;
            put_4_4(y + i + 8 * k, quant_g3s[q[0] | (high & 1) << 8],
                    quant_g3s[q[1] | (high >> 1 & 1) << 8], quant_levels_3s, b[74 + k],
                    quant_half(b) * (float)(1 + 2 * scale));
        }
}

static void put_shifted(float *y, unsigned entry, float d, int minus)
{
    float delta = minus ? -0.125f : 0.125f;

    for (int j = 0; j < 8; j++)
        y[j] = d * ((float)quant_levels_1[entry >> (2 * j) & 3] + delta);
}

void quant_unpack_iq1_s(float *y, const void *blocks, size_t n)
{
    const uint8_t *b = blocks;

    for (size_t i = 0; i < n; i += 256, b += 50)
        for (int k = 0; k < 32; k++) {
            unsigned h = quant_u16(b + 34 + 2 * (k / 4));
            unsigned index = b[2 + k] | (h >> (k % 4 * 3) & 7) << 8;
            put_shifted(y + i + 8 * k, quant_g1[index],
                        quant_half(b) * (float)(2 * (h >> 12 & 7) + 1), h >> 15);
        }
}

void quant_unpack_iq1_m(float *y, const void *blocks, size_t n)
{
    const uint8_t *b = blocks;

    for (size_t i = 0; i < n; i += 256, b += 56) {
        const uint8_t *s = b + 48; /* four words: 12 bits of scales, and a quarter of d above */
        float d = half_to_float((uint16_t)(s[1] >> 4 | (s[3] & 0xf0) | (s[5] & 0xf0) << 4 |
                                           (s[7] & 0xf0) << 8));
        for (int k = 0; k < 32; k++) {
            int h = b[32 + k / 2] >> (k % 2 * 4) & 15;
            int scale = (int)(quant_u16(s + 2 * (k / 8)) >> (k / 2 % 4 * 3)) & 7;
            put_shifted(y + i + 8 * k, quant_g1[b[k] | (h & 7) << 8], d * (float)(2 * scale + 1),
                        h >> 3);
        }
    }
}
