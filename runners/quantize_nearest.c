/* quantize_nearest.c -- formats whose blocks are rounded to nearest, one scale (and minimum) each.
 *
 * Without importance these give the very bytes of llama.cpp; with it, the scale of Q4_0 to Q5_1 is
 * the weighted least-squares one. */
#include <math.h>
#include <string.h>

#include "runners/quant_block.h"
#include "runners/quantize_block.h"
#include "runners/quantize_fit.h"

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

int quantize_f32(uint8_t *b, const float *x)
{
    memcpy(b, x, sizeof *x);
    return 0;
}

int quantize_f16(uint8_t *b, const float *x)
{
    quantize_put_half(b, *x);
    return quantize_fits_half(*x) ? 0 : -1;
}

int quantize_bf16(uint8_t *b, const float *x)
{
    uint32_t u;

    memcpy(&u, x, sizeof u);
    u += 0x7fff + (u >> 16 & 1); /* to nearest, ties to even */
    b[0] = (uint8_t)(u >> 16);
    b[1] = (uint8_t)(u >> 24);
    return 0;
}

int quantize_q8_0(uint8_t *b, const float *x)
{
    float d = fabsf(extreme(x, 32)) / 127, id = reciprocal(d);

    quantize_put_half(b, d);
    for (int j = 0; j < 32; j++)
        b[2 + j] = (uint8_t)(int8_t)roundf(x[j] * id);
    return quantize_fits_half(d) ? 0 : -1;
}

int quantize_q4_0(uint8_t *b, const float *x)
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

int quantize_q4_1(uint8_t *b, const float *x)
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

int quantize_q5_0(uint8_t *b, const float *x)
{
    float d = extreme(x, 32) / -16, id = reciprocal(d);
    int q[32];

    quantize_put_half(b, d);
    for (int j = 0; j < 32; j++)
        q[j] = smaller(31, (int)(x[j] * id + 16.5f));
    put_five_bits(b + 2, b + 6, q);
    return quantize_fits_half(d) ? 0 : -1;
}

int quantize_q5_1(uint8_t *b, const float *x)
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

/* ---- with importance ----------------------------------------------------------------------- */

static void put_four_bits(uint8_t *b, const int *q)
{
    for (int j = 0; j < 16; j++)
        b[j] = (uint8_t)(q[j] | q[j + 16] << 4);
}

/* Codes 0..2 * half - 1 for y = d * (q - half), d written at b. */
static int weighted_scale(uint8_t *b, int *q, const float *x, const float *w, int half)
{
    int fits = 1;
    float d = quantize_rounded_half(b, fit_scale(x, w, 32, -half, half - 1), &fits);

    for (int j = 0; j < 32; j++)
        q[j] = half + (int)(d != 0 ? fit_round(x[j] / d, (float)-half, (float)(half - 1)) : 0);
    return fits ? 0 : -1;
}

/* Codes 0..top for y = d * q + m, both written at b. */
static int weighted_line(uint8_t *b, int *q, const float *x, const float *w, int top)
{
    struct fit_line f = fit_line(x, w, 32, top, 1);
    int fits = 1;
    float d = quantize_rounded_half(b, f.scale, &fits);
    float m = quantize_rounded_half(b + 2, -f.min, &fits);

    for (int j = 0; j < 32; j++)
        q[j] = (int)(d != 0 ? fit_round((x[j] - m) / d, 0, (float)top) : 0);
    return fits ? 0 : -1;
}

int quantize_weighted_q4_0(uint8_t *b, const float *x, const float *w, const struct grids *g)
{
    int q[32], rc = weighted_scale(b, q, x, w, 8);

    (void)g;
    put_four_bits(b + 2, q);
    return rc;
}

int quantize_weighted_q4_1(uint8_t *b, const float *x, const float *w, const struct grids *g)
{
    int q[32], rc = weighted_line(b, q, x, w, 15);

    (void)g;
    put_four_bits(b + 4, q);
    return rc;
}

int quantize_weighted_q5_0(uint8_t *b, const float *x, const float *w, const struct grids *g)
{
    int q[32], rc = weighted_scale(b, q, x, w, 16);

    (void)g;
    put_five_bits(b + 2, b + 6, q);
    return rc;
}

int quantize_weighted_q5_1(uint8_t *b, const float *x, const float *w, const struct grids *g)
{
    int q[32], rc = weighted_line(b, q, x, w, 31);

    (void)g;
    put_five_bits(b + 4, b + 8, q);
    return rc;
}

/* ---- one and two bits ---------------------------------------------------------------------- */

/* -1, 0 or 1, the nearest to x / amax, plus 1. */
static int ternary(float x, float inverse)
{
    return (int)roundf(x * inverse) + 1;
}

int quantize_tq1_0(uint8_t *b, const float *x)
{
    static const struct {
        int first, bytes, digits;
    } runs[3] = {{0, 32, 5}, {32, 16, 5}, {48, 4, 4}};
    float d = fabsf(extreme(x, 256)), id = reciprocal(d);

    for (int r = 0; r < 3; r++) {
        for (int k = 0; k < runs[r].bytes; k++) {
            int v = 0;
            for (int digit = 0; digit < 5; digit++)
                v = 3 * v +
                    (digit < runs[r].digits ? ternary(x[digit * runs[r].bytes + k], id) : 0);
            b[runs[r].first + k] = (uint8_t)((v * 256 + 242) / 243); /* a fraction, rounded up */
        }
        x += runs[r].bytes * runs[r].digits;
    }
    quantize_put_half(b + 52, d);
    return quantize_fits_half(d) ? 0 : -1;
}

int quantize_tq2_0(uint8_t *b, const float *x)
{
    float d = fabsf(extreme(x, 256)), id = reciprocal(d);

    memset(b, 0, 64);
    for (int i = 0; i < 256; i++)
        b[32 * (i / 128) + i % 32] |= (uint8_t)(ternary(x[i], id) << (i / 32 % 4 * 2));
    quantize_put_half(b + 64, d);
    return quantize_fits_half(d) ? 0 : -1;
}

int quantize_q2_0(uint8_t *b, const float *x)
{
    float d = fabsf(extreme(x, 64)), id = reciprocal(d);

    memset(b, 0, 18);
    for (int i = 0; i < 64; i++)
        b[2 + i / 4] |= (uint8_t)(ternary(x[i], id) << (i % 4 * 2));
    quantize_put_half(b, d);
    return quantize_fits_half(d) ? 0 : -1;
}

int quantize_q1_0(uint8_t *b, const float *x)
{
    float sum = 0;

    memset(b, 0, 18);
    for (int i = 0; i < 128; i++) {
        sum += fabsf(x[i]);
        b[2 + i / 8] |= (uint8_t)((x[i] >= 0) << (i % 8));
    }
    quantize_put_half(b, sum / 128);
    return quantize_fits_half(sum / 128) ? 0 : -1;
}

/* ---- MXFP4 ----------------------------------------------------------------------------------- */

/* Of two that are equally near, the smaller; zero without a sign. */
static int nearest_e2m1(float x, float d)
{
    float size = fabsf(x), error = size;
    int best = 0;

    for (int i = 1; i < 8; i++) {
        float here = fabsf((float)quant_mxfp4_values[i] * d - size);
        if (here < error) {
            error = here;
            best = i;
        }
    }
    return best && x < 0 ? best + 8 : best;
}

int quantize_mxfp4(uint8_t *b, const float *x)
{
    float max = fabsf(extreme(x, 32)), d;
    int e = max > 0 ? (int)floorf(log2f(max)) + 125 : 0; /* 4 is the greatest power of E2M1 */

    e = e < 0 ? 0 : e;
    d = ldexpf(1, e - 128);
    b[0] = (uint8_t)e;
    for (int j = 0; j < 16; j++)
        b[1 + j] = (uint8_t)(nearest_e2m1(x[j], d) | nearest_e2m1(x[j + 16], d) << 4);
    return 0;
}
