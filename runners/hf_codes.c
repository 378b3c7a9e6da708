/* hf_codes.c -- rows of weights that are kept as codes with scales beside them.
 *
 * A code's value is (code - zero) * scale of its group, exactly: 4-bit codes whose zero points and
 * scales a GGUF block can hold become Q4_0 or Q4_1 blocks, 8-bit ones Q8_0 blocks, and everything
 * else float32.  Layouts: GPTQ (github.com/AutoGPTQ/AutoGPTQ, qlinear_cuda_old.py), AWQ
 * (github.com/casper-hansen/AutoAWQ, utils/packing_utils.py), compressed-tensors (its
 * compressors/quantized_compressors), FP8 with blocks (DeepSeek-V3's inference/kernel.py), MXFP4
 * (OCP Microscaling formats 1.0, section 5.3, and gpt-oss's weights.py). */
#include <math.h>
#include <string.h>

#include "runners/gguf_keys.h"
#include "runners/hf_build.h"
#include "runners/quant.h"

/* ---- reading --------------------------------------------------------------------------------- */

float hf_float_at(const struct safetensor *t, uint64_t i)
{
    const uint8_t *p = t->data + i * st_type_bytes(t->type);
    uint32_t u;
    float f;

    if (t->type == ST_F16)
        return half_to_float(le16(p));
    u = t->type == ST_BF16 ? (uint32_t)le16(p) << 16 : le32(p);
    memcpy(&f, &u, sizeof f);
    return f;
}

static float float8(enum st_type type, uint8_t b)
{
    int e = b >> 3 & 15, m = b & 7;
    float v;

    if (type == ST_F8_E5M2)
        return half_to_float((uint16_t)(b << 8));
    if ((b & 0x7f) == 0x7f)
        return NAN;
    v = e ? ldexpf((float)(8 + m), e - 10) : ldexpf((float)m, -9);
    return b & 0x80 ? -v : v;
}

static uint32_t field(const struct safetensor *t, uint64_t word, uint64_t i, int bits)
{
    return le32(t->data + 4 * word) >> (i * (uint64_t)bits) & ((1u << bits) - 1);
}

/* The place of a column among the eight of a word in AWQ's order. */
static uint64_t awq_place(uint64_t c)
{
    return (c & 1) * 4 + (c & 7) / 2;
}

uint64_t hf_rows_of(const struct hf_source *s)
{
    return s->n_dims < 2 ? 1 : s->dim[s->n_dims - 2];
}

uint64_t hf_cols_of(const struct hf_source *s)
{
    return s->n_dims < 1 ? 1 : s->dim[s->n_dims - 1];
}

uint64_t hf_group_of(const struct hf_source *s, uint64_t c)
{
    const struct safetensor *o = s->order;

    if (!o)
        return c / s->group;
    return o->type == ST_I64 ? le64(o->data + 8 * c) : le32(o->data + 4 * c);
}

static float scale_at(const struct hf_source *s, uint64_t r, uint64_t g)
{
    uint64_t cols = hf_cols_of(s), rows = hf_rows_of(s), n = (cols + s->group - 1) / s->group;

    if (!s->scale)
        return 1;
    if (s->packing == HF_GPTQ || s->packing == HF_AWQ)
        return hf_float_at(s->scale, g * rows + r);
    if (s->packing == HF_FLOAT8 && s->block_rows)
        return hf_float_at(s->scale, (r / rows * ((rows + s->block_rows - 1) / s->block_rows) +
                                   r % rows / s->block_rows) * n + g);
    return hf_float_at(s->scale, s->block_rows ? 0 : r * n + g);
}

static int zero_at(const struct hf_source *s, uint64_t r, uint64_t g)
{
    uint64_t per = 32 / (uint64_t)s->bits, rows = hf_rows_of(s);
    uint64_t n = (hf_cols_of(s) + s->group - 1) / s->group;
    int half = 1 << (s->bits - 1);

    switch (s->packing) {
    case HF_GPTQ:
        return (int)((field(s->zero, g * (rows / per) + r / per, r % per, s->bits) +
                      (uint32_t)s->zero_bias) & ((1u << s->bits) - 1));
    case HF_AWQ:
        return (int)field(s->zero, g * (rows / per) + r / per, awq_place(r), s->bits);
    case HF_PACKED: /* packed along the rows */
        return s->zero ? (int)field(s->zero, r / per * n + g, r % per, s->bits) : half;
    default:
        return s->zero ? (int8_t)s->zero->data[r * n + g] + 128 : 128;
    }
}

static int code_at(const struct hf_source *s, uint64_t r, uint64_t c)
{
    uint64_t per = 32 / (uint64_t)s->bits, rows = hf_rows_of(s), cols = hf_cols_of(s);

    switch (s->packing) {
    case HF_GPTQ:
        return (int)field(s->codes, c / per * rows + r, c % per, s->bits);
    case HF_AWQ:
        return (int)field(s->codes, c * (rows / per) + r / per, awq_place(r), s->bits);
    case HF_PACKED:
        return (int)field(s->codes, r * ((cols + per - 1) / per) + c / per, c % per, s->bits);
    default:
        return (int8_t)s->codes->data[r * cols + c] + 128;
    }
}

/* ---- rows ------------------------------------------------------------------------------------ */

static void put_float(uint8_t *p, float f)
{
    memcpy(p, &f, sizeof f);
}

static void put_half(uint8_t *p, float f)
{
    uint16_t h = float_to_half(f);

    p[0] = (uint8_t)h;
    p[1] = (uint8_t)(h >> 8);
}

static void write_floats(const struct hf_source *s, uint64_t r, uint8_t *out)
{
    uint64_t cols = hf_cols_of(s);

    for (uint64_t c = 0; c < cols; c++) {
        uint64_t g = s->packing == HF_FLOAT8 ? c / s->group : hf_group_of(s, c);
        float v = s->packing == HF_FLOAT8
                      ? float8(s->codes->type, s->codes->data[r * cols + c])
                      : (float)(code_at(s, r, c) - zero_at(s, r, g));
        put_float(out + 4 * c, v * scale_at(s, r, g));
    }
}

/* Q4_0: (code - 8) * d.  Q4_1: code * d + m. */
static void write_nibbles(const struct hf_source *s, uint64_t r, uint8_t *out)
{
    int head = s->type == QUANT_Q4_1 ? 4 : 2;

    for (uint64_t c = 0; c < hf_cols_of(s); c += 32, out += head + 16) {
        float d = scale_at(s, r, hf_group_of(s, c));
        put_half(out, d);
        if (s->type == QUANT_Q4_1)
            put_half(out + 2, -d * (float)zero_at(s, r, hf_group_of(s, c)));
        for (uint64_t i = 0; i < 16; i++)
            out[head + (int)i] =
                (uint8_t)(code_at(s, r, c + i) | code_at(s, r, c + 16 + i) << 4);
    }
}

static void write_bytes(const struct hf_source *s, uint64_t r, uint8_t *out)
{
    for (uint64_t c = 0; c < hf_cols_of(s); c += 32, out += 34) {
        put_half(out, scale_at(s, r, hf_group_of(s, c)));
        for (uint64_t i = 0; i < 32; i++)
            out[2 + i] = (uint8_t)(code_at(s, r, c + i) - 128);
    }
}

/* Values 2j and 2j+1 share a byte there, j and j+16 here. */
static void write_mxfp4(const struct hf_source *s, uint64_t r, uint8_t *out)
{
    uint64_t blocks = hf_cols_of(s) / 32;
    const uint8_t *p = s->codes->data + r * blocks * 16, *e = s->scale->data + r * blocks;

    for (uint64_t b = 0; b < blocks; b++, p += 16, out += 17) {
        out[0] = e[b];
        for (int j = 0; j < 16; j++) {
            int low = p[j / 2] >> (j % 2 * 4) & 15, high = p[8 + j / 2] >> (j % 2 * 4) & 15;
            out[1 + j] = (uint8_t)(low | high << 4);
        }
    }
}

/* Rows of a quarter of the matrix each share bytes, the first in the lowest bits; 0, 1, 2 are -1, 0
 * and 1 (transformers, integrations/bitnet.py). */
static int ternary_at(const struct hf_source *s, uint64_t r, uint64_t c)
{
    uint64_t quarter = hf_rows_of(s) / 4;

    return s->codes->data[r % quarter * hf_cols_of(s) + c] >> (r / quarter * 2) & 3;
}

static void write_ternary(const struct hf_source *s, uint64_t r, uint8_t *out)
{
    uint64_t cols = hf_cols_of(s);

    for (uint64_t c = 0; s->type == QUANT_F32 && c < cols; c++)
        put_float(out + 4 * c, (float)(ternary_at(s, r, c) - 1) * s->unit);
    for (uint64_t c = 0; s->type == QUANT_TQ2_0 && c < cols; c += 256, out += 66) {
        memset(out, 0, 64);
        for (uint64_t i = 0; i < 256; i++)
            out[i / 128 * 32 + i % 32] |=
                (uint8_t)(ternary_at(s, r, c + i) << (i / 32 % 4 * 2));
        put_half(out + 64, s->unit);
    }
}

/* The models round their weights when they run: to -1, 0 and 1 times the mean magnitude. */
static void write_rounded(const struct hf_source *s, uint64_t r, uint8_t *out)
{
    uint64_t cols = hf_cols_of(s);

    for (uint64_t c = 0; c < cols; c++) {
        float t = rintf(hf_float_at(s->codes, r * cols + c) * s->unit); /* ties to even */
        put_float(out + 4 * c, (t < -1 ? -1 : t > 1 ? 1 : t) / s->unit);
    }
}

void hf_source_prepare(struct hf_source *s)
{
    uint64_t n = hf_rows_of(s) * hf_cols_of(s);
    double sum = 0;
    float mean;

    if (s->packing != HF_ROUNDED || s->unit > 0)
        return;
    for (uint64_t i = 0; i < n; i++)
        sum += fabs((double)hf_float_at(s->codes, i));
    mean = (float)(sum / (double)n);
    s->unit = 1 / (mean > 1e-5f ? mean : 1e-5f);
}

size_t hf_row_bytes(const struct hf_source *s, uint64_t n)
{
    return quant_bytes(quant_find(s->type), (size_t)n);
}

void hf_row_write(const struct hf_source *s, uint64_t r, uint8_t *out)
{
    if (s->packing == HF_PLAIN) {
        size_t n = hf_row_bytes(s, hf_cols_of(s));
        memcpy(out, s->codes->data + r * n, n);
    } else if (s->packing == HF_MXFP4) {
        write_mxfp4(s, r, out);
    } else if (s->packing == HF_ROUNDED) {
        write_rounded(s, r, out);
    } else if (s->packing == HF_TERNARY) {
        write_ternary(s, r, out);
    } else if (s->type == QUANT_F32) {
        write_floats(s, r, out);
    } else if (s->type == QUANT_Q8_0) {
        write_bytes(s, r, out);
    } else {
        write_nibbles(s, r, out);
    }
}

/* ---- which type holds the values exactly ----------------------------------------------------- */

int hf_is_half(float f)
{
    return isfinite(f) && half_to_float(float_to_half(f)) == f;
}

/* No order among columns but the plain one. */
static int in_order(const struct hf_source *s)
{
    for (uint64_t c = 0; s->order && c < hf_cols_of(s); c++)
        if (hf_group_of(s, c) != c / s->group)
            return 0;
    return 1;
}

void hf_choose_type(struct hf_source *s)
{
    int middle = 1 << (s->bits - 1), symmetric = 1, affine = s->bits == 4;

    s->type = QUANT_F32;
    if ((s->bits != 4 && s->bits != 8) || hf_cols_of(s) % 32 || s->group % 32 || !in_order(s))
        return;
    for (uint64_t r = 0; r < hf_rows_of(s) && (symmetric || affine); r++)
        for (uint64_t g = 0; g * s->group < hf_cols_of(s); g++) {
            float d = scale_at(s, r, g);
            int zero = zero_at(s, r, g);
            symmetric &= hf_is_half(d) && zero == middle;
            affine &= hf_is_half(d) && hf_is_half(-d * (float)zero);
        }
    if (symmetric)
        s->type = s->bits == 8 ? QUANT_Q8_0 : QUANT_Q4_0;
    else if (affine)
        s->type = QUANT_Q4_1;
}
