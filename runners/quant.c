/* quant.c -- the table of block formats, and what each block means as floats (engine.md 1.5, 2).
 *
 * Every product and sum is rounded to float32 in the order that the format defines (scale times
 * sub-scale, times code, minus the minimum), so that these are the bits of the reference. */
#include "runners/quant.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "runners/quant_block.h"

const int8_t quant_iq4_values[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                     1,    13,   25,  38,  53,  69,  89,  113};
const int8_t quant_mxfp4_values[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

static float float_of_bits(uint32_t u)
{
    float f;

    memcpy(&f, &u, sizeof f);
    return f;
}

static uint32_t bits_of_float(float f)
{
    uint32_t u;

    memcpy(&u, &f, sizeof u);
    return u;
}

float half_to_float(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, e = (h >> 10) & 31, m = h & 1023;

    if (e == 31)
        return float_of_bits(sign | 0x7f800000 | m << 13);
    if (e)
        return float_of_bits(sign | (e + 112) << 23 | m << 13);
    /* subnormal: m * 2^-24, exact in float32 */
    return float_of_bits(sign | bits_of_float((float)m * 0x1p-24f));
}

uint16_t float_to_half(float f)
{
    uint32_t u = bits_of_float(f), sign = (u >> 16) & 0x8000, a = u & 0x7fffffff;

    if (a > 0x7f800000) /* NaN stays one */
        return (uint16_t)(sign | 0x7e00 | (a >> 13 & 0x1ff));
    if (a >= 0x477ff000) /* 65520 and more round to infinity */
        return (uint16_t)(sign | 0x7c00);
    if (a < 0x38800000) /* subnormal: the sum puts the rounding where a half ends */
        return (uint16_t)(sign | (bits_of_float(float_of_bits(a) + 0.5f) - 0x3f000000));
    a += 0xfff + (a >> 13 & 1);
    return (uint16_t)(sign | (a - 0x38000000) >> 13);
}

/* ---- plain numbers ----------------------------------------------------------------------- */

static void unpack_f32(float *y, const void *blocks, size_t n)
{
    const uint8_t *b = blocks;

    for (size_t i = 0; i < n; i++)
        y[i] = float_of_bits(quant_u32(b + 4 * i));
}

static void unpack_f16(float *y, const void *blocks, size_t n)
{
    const uint8_t *b = blocks;

    for (size_t i = 0; i < n; i++)
        y[i] = quant_half(b + 2 * i);
}

static void unpack_bf16(float *y, const void *blocks, size_t n)
{
    const uint8_t *b = blocks;

    for (size_t i = 0; i < n; i++)
        y[i] = float_of_bits((uint32_t)b[2 * i] << 16 | (uint32_t)b[2 * i + 1] << 24);
}

static void unpack_i8(float *y, const void *blocks, size_t n)
{
    const int8_t *b = blocks;

    for (size_t i = 0; i < n; i++)
        y[i] = (float)b[i];
}

static void unpack_i16(float *y, const void *blocks, size_t n)
{
    const uint8_t *b = blocks;

    for (size_t i = 0; i < n; i++)
        y[i] = (float)(int16_t)quant_u16(b + 2 * i);
}

static void unpack_i32(float *y, const void *blocks, size_t n)
{
    const uint8_t *b = blocks;

    for (size_t i = 0; i < n; i++)
        y[i] = (float)(int32_t)quant_u32(b + 4 * i);
}

static uint64_t u64_at(const uint8_t *p)
{
    return quant_u32(p) | (uint64_t)quant_u32(p + 4) << 32;
}

static void unpack_i64(float *y, const void *blocks, size_t n)
{
    const uint8_t *b = blocks;

    for (size_t i = 0; i < n; i++)
        y[i] = (float)(int64_t)u64_at(b + 8 * i);
}

static void unpack_f64(float *y, const void *blocks, size_t n)
{
    const uint8_t *b = blocks;

    for (size_t i = 0; i < n; i++) {
        uint64_t u = u64_at(b + 8 * i);
        double v;
        memcpy(&v, &u, sizeof v);
        y[i] = (float)v; /* IEEE: to nearest, infinite beyond */
    }
}

/* ---- blocks of 32 ------------------------------------------------------------------------ */

static void unpack_q4_0(float *y, const void *blocks, size_t n)
{
    const uint8_t *b = blocks;

    for (size_t i = 0; i < n; i += 32, b += 18) {
        float d = quant_half(b);
        for (int j = 0; j < 16; j++) {
            y[i + j] = d * (float)((b[2 + j] & 15) - 8);
            y[i + j + 16] = d * (float)((b[2 + j] >> 4) - 8);
        }
    }
}

static void unpack_q4_1(float *y, const void *blocks, size_t n)
{
    const uint8_t *b = blocks;

    for (size_t i = 0; i < n; i += 32, b += 20) {
        float d = quant_half(b), m = quant_half(b + 2);
        for (int j = 0; j < 16; j++) {
            y[i + j] = d * (float)(b[4 + j] & 15) + m;
            y[i + j + 16] = d * (float)(b[4 + j] >> 4) + m;
        }
    }
}

static void unpack_q5_0(float *y, const void *blocks, size_t n)
{
    const uint8_t *b = blocks;

    for (size_t i = 0; i < n; i += 32, b += 22) {
        float d = quant_half(b);
        uint32_t high = quant_u32(b + 2);
        for (int j = 0; j < 16; j++) {
            int lo = (b[6 + j] & 15) | (int)(high >> j & 1) << 4;
            int hi = b[6 + j] >> 4 | (int)(high >> (j + 16) & 1) << 4;
            y[i + j] = d * (float)(lo - 16);
            y[i + j + 16] = d * (float)(hi - 16);
        }
    }
}

static void unpack_q5_1(float *y, const void *blocks, size_t n)
{
    const uint8_t *b = blocks;

    for (size_t i = 0; i < n; i += 32, b += 24) {
        float d = quant_half(b), m = quant_half(b + 2);
        uint32_t high = quant_u32(b + 4);
        for (int j = 0; j < 16; j++) {
            int lo = (b[8 + j] & 15) | (int)(high >> j & 1) << 4;
            int hi = b[8 + j] >> 4 | (int)(high >> (j + 16) & 1) << 4;
            y[i + j] = d * (float)lo + m;
            y[i + j + 16] = d * (float)hi + m;
        }
    }
}

static void unpack_q8_0(float *y, const void *blocks, size_t n)
{
    const uint8_t *b = blocks;

    for (size_t i = 0; i < n; i += 32, b += 34) {
        float d = quant_half(b);
        for (int j = 0; j < 32; j++)
            y[i + j] = d * (float)(int8_t)b[2 + j];
    }
}

static void unpack_table(float *y, const uint8_t *codes, float d, const int8_t *values)
{
    for (int j = 0; j < 16; j++) {
        y[j] = d * (float)values[codes[j] & 15];
        y[j + 16] = d * (float)values[codes[j] >> 4];
    }
}

static void unpack_iq4_nl(float *y, const void *blocks, size_t n)
{
    const uint8_t *b = blocks;

    for (size_t i = 0; i < n; i += 32, b += 18)
        unpack_table(y + i, b + 2, quant_half(b), quant_iq4_values);
}

static void unpack_mxfp4(float *y, const void *blocks, size_t n)
{
    const uint8_t *b = blocks;

    /* the table holds doubled values, hence 2^(e - 128) */
    for (size_t i = 0; i < n; i += 32, b += 17)
        unpack_table(y + i, b + 1, ldexpf(1, b[0] - 128), quant_mxfp4_values);
}

/* ---- blocks of 256 ----------------------------------------------------------------------- */

static void unpack_q2_k(float *y, const void *blocks, size_t n)
{
    const uint8_t *b = blocks;

    for (size_t i = 0; i < n; i += 256, b += 84) {
        float d = quant_half(b + 80), dmin = quant_half(b + 82);
        for (int s = 0; s < 16; s++) { /* sub-blocks of 16 */
            const uint8_t *codes = b + 16 + 32 * (s / 8) + 16 * (s % 2);
            int shift = 2 * (s / 2 % 4);
            float scale = d * (float)(b[s] & 15), min = dmin * (float)(b[s] >> 4);
            for (int l = 0; l < 16; l++)
                y[i + 16 * s + l] = scale * (float)(codes[l] >> shift & 3) - min;
        }
    }
}

/* The 16 six-bit scales of Q3_K: low nibbles in bytes 0..7, two high bits each in bytes 8..11. */
static int q3_k_scale(const uint8_t *b, int s)
{
    int low = s < 8 ? b[s] & 15 : b[s - 8] >> 4;

    return (low | (b[8 + s % 4] >> (2 * (s / 4)) & 3) << 4) - 32;
}

static void unpack_q3_k(float *y, const void *blocks, size_t n)
{
    const uint8_t *b = blocks;

    for (size_t i = 0; i < n; i += 256, b += 110) {
        float d = quant_half(b + 108);
        for (int s = 0; s < 16; s++) {
            const uint8_t *codes = b + 32 + 32 * (s / 8) + 16 * (s % 2);
            const uint8_t *high = b + 16 * (s % 2);
            int group = s / 2;
            float scale = d * (float)q3_k_scale(b + 96, s);
            for (int l = 0; l < 16; l++) {
                int q = (codes[l] >> (2 * (group % 4)) & 3) - (high[l] >> group & 1 ? 0 : 4);
                y[i + 16 * s + l] = scale * (float)q;
            }
        }
    }
}

/* Scale and minimum j (0..7) of Q4_K and Q5_K out of their 12 bytes. */
static void k_scale_min(const uint8_t *s, int j, int *scale, int *min)
{
    if (j < 4) {
        *scale = s[j] & 63;
        *min = s[j + 4] & 63;
    } else {
        *scale = (s[j + 4] & 15) | s[j - 4] >> 6 << 4;
        *min = s[j + 4] >> 4 | s[j] >> 6 << 4;
    }
}

static void unpack_q4_k(float *y, const void *blocks, size_t n)
{
    const uint8_t *b = blocks;

    for (size_t i = 0; i < n; i += 256, b += 144) {
        float d = quant_half(b), dmin = quant_half(b + 2);
        for (int j = 0; j < 8; j++) {
            const uint8_t *codes = b + 16 + 32 * (j / 2);
            int sc, mn, shift = 4 * (j % 2);
            k_scale_min(b + 4, j, &sc, &mn);
            float scale = d * (float)sc, min = dmin * (float)mn;
            for (int l = 0; l < 32; l++)
                y[i + 32 * j + l] = scale * (float)(codes[l] >> shift & 15) - min;
        }
    }
}

static void unpack_q5_k(float *y, const void *blocks, size_t n)
{
    const uint8_t *b = blocks;

    for (size_t i = 0; i < n; i += 256, b += 176) {
        float d = quant_half(b), dmin = quant_half(b + 2);
        for (int j = 0; j < 8; j++) {
            const uint8_t *codes = b + 48 + 32 * (j / 2), *high = b + 16;
            int sc, mn, shift = 4 * (j % 2);
            k_scale_min(b + 4, j, &sc, &mn);
            float scale = d * (float)sc, min = dmin * (float)mn;
            for (int l = 0; l < 32; l++) {
                int q = (codes[l] >> shift & 15) | (high[l] >> j & 1) << 4;
                y[i + 32 * j + l] = scale * (float)q - min;
            }
        }
    }
}

static void unpack_q6_k(float *y, const void *blocks, size_t n)
{
    const uint8_t *b = blocks;

    for (size_t i = 0; i < n; i += 256, b += 210) {
        float d = quant_half(b + 208);
        for (int g = 0; g < 8; g++) { /* groups of 32 */
            const uint8_t *low = b + 64 * (g / 4) + 32 * (g % 2), *high = b + 128 + 32 * (g / 4);
            int low_shift = 4 * (g / 2 % 2), high_shift = 2 * (g % 4);
            for (int l = 0; l < 32; l++) {
                int q = (low[l] >> low_shift & 15) | (high[l] >> high_shift & 3) << 4;
                float scale = d * (float)(int8_t)b[192 + 2 * g + l / 16];
                y[i + 32 * g + l] = scale * (float)(q - 32);
            }
        }
    }
}

static void unpack_iq4_xs(float *y, const void *blocks, size_t n)
{
    const uint8_t *b = blocks;

    for (size_t i = 0; i < n; i += 256, b += 136) {
        float d = quant_half(b);
        int high = b[2] | b[3] << 8;
        for (int j = 0; j < 8; j++) {
            int ls = (b[4 + j / 2] >> (4 * (j % 2)) & 15) | (high >> (2 * j) & 3) << 4;
            unpack_table(y + i + 32 * j, b + 8 + 16 * j, d * (float)(ls - 32), quant_iq4_values);
        }
    }
}

/* ---- the table --------------------------------------------------------------------------- */

static const struct quant formats[] = {
    {QUANT_F32, "F32", 1, 4, unpack_f32},
    {QUANT_F16, "F16", 1, 2, unpack_f16},
    {QUANT_Q4_0, "Q4_0", 32, 18, unpack_q4_0},
    {QUANT_Q4_1, "Q4_1", 32, 20, unpack_q4_1},
    {QUANT_Q5_0, "Q5_0", 32, 22, unpack_q5_0},
    {QUANT_Q5_1, "Q5_1", 32, 24, unpack_q5_1},
    {QUANT_Q8_0, "Q8_0", 32, 34, unpack_q8_0},
    {QUANT_Q2_K, "Q2_K", 256, 84, unpack_q2_k},
    {QUANT_Q3_K, "Q3_K", 256, 110, unpack_q3_k},
    {QUANT_Q4_K, "Q4_K", 256, 144, unpack_q4_k},
    {QUANT_Q5_K, "Q5_K", 256, 176, unpack_q5_k},
    {QUANT_Q6_K, "Q6_K", 256, 210, unpack_q6_k},
    {QUANT_IQ2_XXS, "IQ2_XXS", 256, 66, quant_unpack_iq2_xxs},
    {QUANT_IQ2_XS, "IQ2_XS", 256, 74, quant_unpack_iq2_xs},
    {QUANT_IQ3_XXS, "IQ3_XXS", 256, 98, quant_unpack_iq3_xxs},
    {QUANT_IQ1_S, "IQ1_S", 256, 50, quant_unpack_iq1_s},
    {QUANT_IQ4_NL, "IQ4_NL", 32, 18, unpack_iq4_nl},
    {QUANT_IQ3_S, "IQ3_S", 256, 110, quant_unpack_iq3_s},
    {QUANT_IQ2_S, "IQ2_S", 256, 82, quant_unpack_iq2_s},
    {QUANT_IQ4_XS, "IQ4_XS", 256, 136, unpack_iq4_xs},
    {QUANT_I8, "I8", 1, 1, unpack_i8},
    {QUANT_I16, "I16", 1, 2, unpack_i16},
    {QUANT_I32, "I32", 1, 4, unpack_i32},
    {QUANT_I64, "I64", 1, 8, unpack_i64},
    {QUANT_F64, "F64", 1, 8, unpack_f64},
    {QUANT_IQ1_M, "IQ1_M", 256, 56, quant_unpack_iq1_m},
    {QUANT_BF16, "BF16", 1, 2, unpack_bf16},
    {QUANT_TQ1_0, "TQ1_0", 256, 54, quant_unpack_tq1_0},
    {QUANT_TQ2_0, "TQ2_0", 256, 66, quant_unpack_tq2_0},
    {QUANT_MXFP4, "MXFP4", 32, 17, unpack_mxfp4},
    {QUANT_NVFP4, "NVFP4", 64, 36, quant_unpack_nvfp4},
    {QUANT_Q1_0, "Q1_0", 128, 18, quant_unpack_q1_0},
    {QUANT_Q2_0, "Q2_0", 64, 18, quant_unpack_q2_0},
};

/* Types that exist but are not read here. */
static const struct {
    int first, last;
    const char *why;
} refused[] = {
    {4, 5, "Q4_2/Q4_3, removed from the format"},
    {9, 9, "Q8_1, an internal format of activations"},
    {15, 15, "Q8_K, an internal format of activations"},
    {31, 33, "Q4_0 repacked in the file, removed from the format"},
    {36, 38, "IQ4_NL repacked in the file, removed from the format"},
    {97, 400, "ik_llama.cpp type, not supported"},
};

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

const struct quant *quant_find(int type)
{
    for (size_t i = 0; i < COUNT(formats); i++)
        if (formats[i].type == type)
            return &formats[i];
    return NULL;
}

const struct quant *quant_at(size_t i)
{
    return i < COUNT(formats) ? &formats[i] : NULL;
}

const struct quant *quant_by_name(const char *name, size_t n)
{
    for (size_t i = 0; i < COUNT(formats); i++)
        if (strlen(formats[i].name) == n && strncasecmp(formats[i].name, name, n) == 0)
            return &formats[i];
    return NULL;
}

const char *quant_why_not(int type)
{
    for (size_t i = 0; i < COUNT(refused); i++)
        if (type >= refused[i].first && type <= refused[i].last)
            return refused[i].why;
    return "unknown type";
}

size_t quant_bytes(const struct quant *q, size_t n)
{
    return n / (size_t)q->block * (size_t)q->bytes;
}
