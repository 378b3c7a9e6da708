/* quantize.c -- rows of floats to blocks (engine.md 2.5). */
#include "runners/quantize.h"

#include <math.h>
#include <string.h>

#include "runners/quant.h"
#include "runners/quantize_block.h"

void quantize_put_half(uint8_t *p, float f)
{
    uint16_t h = float_to_half(f);

    p[0] = (uint8_t)h;
    p[1] = (uint8_t)(h >> 8);
}

int quantize_fits_half(float f)
{
    return fabsf(f) < 65520;
}

static int all_finite(const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return 0;
    return 1;
}

/* The value of the largest magnitude, with its sign; the first of equals. */
static float extreme(const float *x, int n)
{
    float max = 0;

    for (int i = 0; i < n; i++)
        if (fabsf(x[i]) > fabsf(max))
            max = x[i];
    return max;
}

static void range(const float *x, int n, float *min, float *max)
{
    *min = *max = x[0];
    for (int i = 1; i < n; i++) {
        if (x[i] < *min)
            *min = x[i];
        if (x[i] > *max)
            *max = x[i];
    }
}

/* 0 where d is too small to have one; such a d is 0 as a half too. */
static float reciprocal(float d)
{
    return isfinite(1 / d) ? 1 / d : 0;
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

static int block_f32(uint8_t *b, const float *x)
{
    memcpy(b, x, sizeof *x);
    return 0;
}

static int block_f16(uint8_t *b, const float *x)
{
    quantize_put_half(b, *x);
    return quantize_fits_half(*x) ? 0 : -1;
}

static int block_bf16(uint8_t *b, const float *x)
{
    uint32_t u;

    memcpy(&u, x, sizeof u);
    u += 0x7fff + (u >> 16 & 1); /* to nearest, ties to even */
    b[0] = (uint8_t)(u >> 16);
    b[1] = (uint8_t)(u >> 24);
    return 0;
}

static int block_q8_0(uint8_t *b, const float *x)
{
    float d = fabsf(extreme(x, 32)) / 127, id = reciprocal(d);

    quantize_put_half(b, d);
    for (int j = 0; j < 32; j++)
        b[2 + j] = (uint8_t)(int8_t)roundf(x[j] * id);
    return quantize_fits_half(d) ? 0 : -1;
}

static int block_q4_0(uint8_t *b, const float *x)
{
    float d = extreme(x, 32) / -8, id = reciprocal(d);

    quantize_put_half(b, d);
    for (int j = 0; j < 16; j++) {
        int lo = smaller(15, (int)(x[j] * id + 8.5f));
        int hi = smaller(15, (int)(x[j + 16] * id + 8.5f));
        b[2 + j] = (uint8_t)(lo | hi << 4);
    }
    return quantize_fits_half(d) ? 0 : -1;
}

static int block_q4_1(uint8_t *b, const float *x)
{
    float min, max, d, id;

    range(x, 32, &min, &max);
    d = (max - min) / 15;
    id = reciprocal(d);
    if (!quantize_fits_half(d) || !quantize_fits_half(min))
        return -1;
    quantize_put_half(b, d);
    quantize_put_half(b + 2, min);
    for (int j = 0; j < 16; j++) {
        int lo = smaller(15, (int)((x[j] - min) * id + 0.5f));
        int hi = smaller(15, (int)((x[j + 16] - min) * id + 0.5f));
        b[4 + j] = (uint8_t)(lo | hi << 4);
    }
    return 0;
}

/* 32 five-bit codes: the fifth bits as a word, the low four as in Q4. */
static void put_five_bits(uint8_t *high, uint8_t *low, const int *q)
{
    uint32_t bits = 0;

    for (int j = 0; j < 16; j++) {
        low[j] = (uint8_t)((q[j] & 15) | (q[j + 16] & 15) << 4);
        bits |= (uint32_t)(q[j] >> 4) << j | (uint32_t)(q[j + 16] >> 4) << (j + 16);
    }
    for (int i = 0; i < 4; i++)
        high[i] = (uint8_t)(bits >> (8 * i));
}

static int block_q5_0(uint8_t *b, const float *x)
{
    float d = extreme(x, 32) / -16, id = reciprocal(d);
    int q[32];

    quantize_put_half(b, d);
    for (int j = 0; j < 32; j++)
        q[j] = smaller(31, (int)(x[j] * id + 16.5f));
    put_five_bits(b + 2, b + 6, q);
    return quantize_fits_half(d) ? 0 : -1;
}

static int block_q5_1(uint8_t *b, const float *x)
{
    float min, max, d, id;
    int q[32];

    range(x, 32, &min, &max);
    d = (max - min) / 31;
    id = reciprocal(d);
    if (!quantize_fits_half(d) || !quantize_fits_half(min))
        return -1;
    quantize_put_half(b, d);
    quantize_put_half(b + 2, min);
    for (int j = 0; j < 32; j++)
        q[j] = smaller(31, (int)((x[j] - min) * id + 0.5f));
    put_five_bits(b + 4, b + 8, q);
    return 0;
}

static const struct {
    int type;
    int (*block)(uint8_t *b, const float *x); /* -1: out of the range of half precision */
} writers[] = {
    {QUANT_F32, block_f32},   {QUANT_F16, block_f16},   {QUANT_BF16, block_bf16},
    {QUANT_Q8_0, block_q8_0}, {QUANT_Q4_0, block_q4_0}, {QUANT_Q4_1, block_q4_1},
    {QUANT_Q5_0, block_q5_0}, {QUANT_Q5_1, block_q5_1}, {QUANT_Q4_K, quantize_block_q4_k},
    {QUANT_Q6_K, quantize_block_q6_k},
};
enum { N_WRITERS = sizeof writers / sizeof writers[0] };

int quantize_supports(int type)
{
    for (int i = 0; i < N_WRITERS; i++)
        if (writers[i].type == type)
            return 1;
    return 0;
}

int quantize_row(int type, void *blocks, const float *x, size_t n)
{
    const struct quant *f = quant_find(type);
    uint8_t *b = blocks;

    if (!all_finite(x, n))
        return -1;
    for (int i = 0; i < N_WRITERS; i++) {
        if (writers[i].type != type)
            continue;
        for (size_t j = 0; j < n; j += (size_t)f->block, b += f->bytes)
            if (writers[i].block(b, x + j) < 0)
                return -1;
        return 0;
    }
    return -1;
}
