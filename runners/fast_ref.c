/* fast_ref.c -- the definition in fast.h as plain C: one output at a time, no tricks.  The truth
 * that the other tables equal bit by bit, and what runs where none of them does. */
#include <math.h>
#include <string.h>

#include "runners/fast.h"
#include "runners/fast_layout.h"
#include "runners/quant.h"

static int usable(void)
{
    return 1;
}

static void quantise_block(struct fast_block *b, const float *x)
{
    uint32_t bits, max = 0;
    float amax, id;
    int32_t sum[2] = {0, 0};

    for (int i = 0; i < FAST_BLOCK; i++) {
        memcpy(&bits, &x[i], 4);
        bits &= 0x7fffffff;
        max = bits > max ? bits : max;
    }
    memcpy(&amax, &max, 4);
    id = amax > 0 ? 127.0f / amax : 0.0f;
    for (int i = 0; i < FAST_BLOCK; i++) {
        float v = x[i] * id;

        v = v > -127.0f ? v : -127.0f; /* and a NaN becomes -127 */
        v = v < 127.0f ? v : 127.0f;
        b->q[i] = (int8_t)lrintf(v);
        sum[i / 16] += b->q[i];
    }
    fast_block_finish(b, amax, sum);
}

static void quantise(void *act_row, const float *x, int k)
{
    struct fast_block *b = act_row;

    for (int i = 0; i < k / FAST_BLOCK; i++)
        quantise_block(&b[i], x + i * FAST_BLOCK);
}

static void codes_at(uint8_t code[32], enum fast_bits bits, const uint8_t *group, int r)
{
    const uint8_t *low = group + fast_group_bytes(bits) - 256;

    for (int i = 0; i < 32; i++) {
        int j = i / 4, at = 4 * r + i % 4, c;

        if (bits == FAST_8)
            c = group[64 * j + at];
        else
            c = low[64 * (j % 4) + at] >> j / 4 * 4 & 15;
        if (bits == FAST_5)
            c |= (group[at] >> j & 1) << 4;
        if (bits == FAST_6)
            c |= (group[64 * (j / 4) + at] >> j % 4 * 2 & 3) << 4;
        code[i] = (uint8_t)c;
    }
}

static float half_at(const uint8_t *p)
{
    return half_to_float((uint16_t)(p[0] | p[1] << 8));
}

/* w of both halves (FAST_K_D; otherwise twice the same) and m of row r in group g. */
static void scale_at(float w[2], float *m, const struct fast_format *f, const uint8_t *stripe,
                     int g, int r)
{
    const uint8_t *at = stripe + fast_d_at(f->bits, f->scales, g);
    const uint8_t *sub = f->sub ? stripe + fast_sub_at(f->bits, f->scales, g) + r : NULL;

    w[0] = w[1] = half_at(at + 2 * r);
    *m = 0;
    switch (f->scales) {
    case FAST_D:
        break;
    case FAST_D_M:
        *m = half_at(at + 32 + 2 * r);
        break;
    case FAST_K_D_M:
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): these two kinds have sub-scales */
        w[0] *= (float)sub[0];
        *m = -(half_at(at + 32 + 2 * r) * (float)sub[16]);
        break;
    case FAST_K_D:
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): as above */
        w[0] *= (float)(int8_t)sub[0];
        w[1] *= (float)(int8_t)sub[16];
        break;
    }
}

static int32_t dot(const uint8_t *code, const int8_t *q, int n)
{
    int32_t sum = 0;

    for (int i = 0; i < n; i++)
        sum += code[i] * q[i];
    return sum;
}

/* acc after one group. */
static float group_dot(float acc, const struct fast_format *f, const uint8_t code[32],
                       const float w[2], float m, const struct fast_block *b)
{
    if (f->bias == FAST_BIAS_HALVES) {
        for (int h = 0; h < 2; h++) {
            int32_t isum = b->half[h] + dot(code + 16 * h, b->q + 16 * h, 16);

            acc = fmaf((float)isum, w[h] * b->d, acc);
        }
    } else {
        int32_t start = f->bias == FAST_BIAS_NONE ? 0 : b->start[f->bias];

        acc = fmaf((float)(start + dot(code, b->q, 32)), w[0] * b->d, acc);
    }
    if (f->scales == FAST_D_M || f->scales == FAST_K_D_M)
        acc = fmaf(m, b->s, acc);
    return acc;
}

/* One row against all columns, which accumulate in out[c * ldo]. */
static void gemm_row(const struct fast_format *f, float *out, size_t ldo, const uint8_t *stripe,
                     int r, const uint8_t *acts, int cols, int k)
{
    size_t act_bytes = fast_act_bytes(k);
    uint8_t code[32];
    float w[2], m;

    for (int c = 0; c < cols; c++)
        out[(size_t)c * ldo] = 0;
    for (int g = 0; g < k / 32; g++) {
        codes_at(code, f->bits, stripe + fast_codes_at(f->bits, f->scales, g), r);
        scale_at(w, &m, f, stripe, g, r);
        for (int c = 0; c < cols; c++) {
            const struct fast_block *b = (const void *)(acts + (size_t)c * act_bytes);
            float *acc = out + (size_t)c * ldo;

            *acc = group_dot(*acc, f, code, w, m, b + g);
        }
    }
}

static void gemm(int quant_type, float *out, size_t ldo, const void *stripes, int rows,
                 const void *acts, int cols, int k)
{
    const struct fast_format *f = fast_format_find(quant_type);
    size_t stripe_bytes = fast_stripe_bytes(quant_type, k);

    for (int r = 0; r < rows; r++) {
        gemm_row(f, out + r, ldo, (const uint8_t *)stripes + (size_t)(r / 16) * stripe_bytes,
                 r % 16, acts, cols, k);
    }
}

const struct fast_kernels fast_ref = {"ref", usable, quantise, gemm};
