/* hf_packed.c -- weights kept as codes with scales beside them, as rows that the engine reads.
 *
 * A code's value is (code - zero) * scale of its group, exactly: 4-bit codes whose zero points and
 * scales a GGUF block can hold become Q4_0 or Q4_1 blocks, 8-bit ones Q8_0 blocks, and everything
 * else float32.  Layouts: GPTQ (github.com/AutoGPTQ/AutoGPTQ, qlinear_cuda_old.py), AWQ
 * (github.com/casper-hansen/AutoAWQ, utils/packing_utils.py), compressed-tensors (its
 * compressors/quantized_compressors), FP8 with blocks (DeepSeek-V3's inference/kernel.py), MXFP4
 * (OCP Microscaling formats 1.0, section 5.3, and gpt-oss's weights.py). */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
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

static uint64_t rows_of(const struct hf_source *s) /* of one slab */
{
    return s->n_dims < 2 ? 1 : s->dim[s->n_dims - 2];
}

static uint64_t cols_of(const struct hf_source *s)
{
    return s->n_dims < 1 ? 1 : s->dim[s->n_dims - 1];
}

static uint64_t group_of(const struct hf_source *s, uint64_t c)
{
    const struct safetensor *o = s->order;

    if (!o)
        return c / s->group;
    return o->type == ST_I64 ? le64(o->data + 8 * c) : le32(o->data + 4 * c);
}

static float scale_at(const struct hf_source *s, uint64_t r, uint64_t g)
{
    uint64_t cols = cols_of(s), rows = rows_of(s), n = (cols + s->group - 1) / s->group;

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
    uint64_t per = 32 / (uint64_t)s->bits, rows = rows_of(s);
    uint64_t n = (cols_of(s) + s->group - 1) / s->group;
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
    uint64_t per = 32 / (uint64_t)s->bits, rows = rows_of(s), cols = cols_of(s);

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
    uint64_t cols = cols_of(s);

    for (uint64_t c = 0; c < cols; c++) {
        uint64_t g = s->packing == HF_FLOAT8 ? c / s->group : group_of(s, c);
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

    for (uint64_t c = 0; c < cols_of(s); c += 32, out += head + 16) {
        float d = scale_at(s, r, group_of(s, c));
        put_half(out, d);
        if (s->type == QUANT_Q4_1)
            put_half(out + 2, -d * (float)zero_at(s, r, group_of(s, c)));
        for (uint64_t i = 0; i < 16; i++)
            out[head + (int)i] =
                (uint8_t)(code_at(s, r, c + i) | code_at(s, r, c + 16 + i) << 4);
    }
}

static void write_bytes(const struct hf_source *s, uint64_t r, uint8_t *out)
{
    for (uint64_t c = 0; c < cols_of(s); c += 32, out += 34) {
        put_half(out, scale_at(s, r, group_of(s, c)));
        for (uint64_t i = 0; i < 32; i++)
            out[2 + i] = (uint8_t)(code_at(s, r, c + i) - 128);
    }
}

/* Values 2j and 2j+1 share a byte there, j and j+16 here. */
static void write_mxfp4(const struct hf_source *s, uint64_t r, uint8_t *out)
{
    uint64_t blocks = cols_of(s) / 32;
    const uint8_t *p = s->codes->data + r * blocks * 16, *e = s->scale->data + r * blocks;

    for (uint64_t b = 0; b < blocks; b++, p += 16, out += 17) {
        out[0] = e[b];
        for (int j = 0; j < 16; j++) {
            int low = p[j / 2] >> (j % 2 * 4) & 15, high = p[8 + j / 2] >> (j % 2 * 4) & 15;
            out[1 + j] = (uint8_t)(low | high << 4);
        }
    }
}

size_t hf_row_bytes(const struct hf_source *s, uint64_t n)
{
    return quant_bytes(quant_find(s->type), (size_t)n);
}

void hf_row_write(const struct hf_source *s, uint64_t r, uint8_t *out)
{
    if (s->packing == HF_PLAIN) {
        size_t n = hf_row_bytes(s, cols_of(s));
        memcpy(out, s->codes->data + r * n, n);
    } else if (s->packing == HF_MXFP4) {
        write_mxfp4(s, r, out);
    } else if (s->type == QUANT_F32) {
        write_floats(s, r, out);
    } else if (s->type == QUANT_Q8_0) {
        write_bytes(s, r, out);
    } else {
        write_nibbles(s, r, out);
    }
}

/* ---- which type holds the values exactly ----------------------------------------------------- */

static int is_half(float f)
{
    return isfinite(f) && half_to_float(float_to_half(f)) == f;
}

/* No order among columns but the plain one. */
static int in_order(const struct hf_source *s)
{
    for (uint64_t c = 0; s->order && c < cols_of(s); c++)
        if (group_of(s, c) != c / s->group)
            return 0;
    return 1;
}

static void choose_type(struct hf_source *s)
{
    int middle = 1 << (s->bits - 1), symmetric = 1, affine = s->bits == 4;

    s->type = QUANT_F32;
    if ((s->bits != 4 && s->bits != 8) || cols_of(s) % 32 || s->group % 32 || !in_order(s))
        return;
    for (uint64_t r = 0; r < rows_of(s) && (symmetric || affine); r++)
        for (uint64_t g = 0; g * s->group < cols_of(s); g++) {
            float d = scale_at(s, r, g);
            int zero = zero_at(s, r, g);
            symmetric &= is_half(d) && zero == middle;
            affine &= is_half(d) && is_half(-d * (float)zero);
        }
    if (symmetric)
        s->type = s->bits == 8 ? QUANT_Q8_0 : QUANT_Q4_0;
    else if (affine)
        s->type = QUANT_Q4_1;
}

/* ---- finding them ---------------------------------------------------------------------------- */

static int refuse(const struct hf *h, const struct hf_source *s, const char *why, struct err *e)
{
    return err_set(e, ERR_FORMAT, "%s: tensor '%.*s': %s", h->folder,
                   (int)(s->name.n < 80 ? s->name.n : 80), s->name.s, why);
}

/* A companion of the tensor by another ending; NULL when it is not there. */
static const struct safetensor *beside(const struct hf *h, struct gguf_str name, size_t ending,
                                       const char *other)
{
    char full[640];
    int n = snprintf(full, sizeof full, "%.*s%s", (int)(name.n - ending), name.s, other);

    return n > 0 && n < (int)sizeof full ? safetensors_find(h->files, full, (size_t)n) : NULL;
}

static int is_float(const struct safetensor *t)
{
    return t && (t->type == ST_F32 || t->type == ST_F16 || t->type == ST_BF16);
}

static int has_shape(const struct safetensor *t, uint64_t rows, uint64_t cols)
{
    return t && t->n_dims == 2 && t->dim[0] == rows && t->dim[1] == cols;
}

static const cJSON *packing_config(const struct hf *h)
{
    return hf_get(h, "quantization_config|compression_config");
}

/* The order of columns, checked: every group is there. */
static int check_order(const struct hf *h, const struct hf_source *s, uint64_t groups,
                       struct err *e)
{
    const struct safetensor *o = s->order;

    if (!o)
        return 0;
    if ((o->type != ST_I32 && o->type != ST_I64) || o->n_dims != 1 || o->dim[0] != cols_of(s))
        return refuse(h, s, "its g_idx has another shape than its columns", e);
    for (uint64_t c = 0; c < o->dim[0]; c++)
        if (group_of(s, c) >= groups)
            return refuse(h, s, "its g_idx names a group that is not there", e);
    return 0;
}

/* {in/per, out} words, scales {groups, out}, zeros {groups, out/per}; AWQ: words {in, out/per}. */
static int take_gptq(struct hf *h, struct hf_source *s, struct err *e)
{
    const cJSON *config = packing_config(h);
    const struct safetensor *q = s->codes;
    const char *format = json_str(config, "checkpoint_format");
    int is_awq = s->packing == HF_AWQ;
    uint64_t per, groups;

    s->bits = (int)json_num(config, "bits", json_num(config, "w_bit", 4));
    if (s->bits != 4 && (is_awq || (s->bits != 2 && s->bits != 8)))
        return refuse(h, s, "codes of this many bits are not read", e);
    per = 32 / (uint64_t)s->bits;
    s->zero_bias = !format || strcmp(format, "gptq_v2") != 0;
    if (!q || q->type != ST_I32 || q->n_dims != 2 || q->dim[0] == 0 || q->dim[1] == 0 ||
        !is_float(s->scale) || s->scale->n_dims != 2 || s->scale->dim[0] == 0)
        return refuse(h, s, "codes and scales have impossible shapes", e);
    s->n_dims = 2;
    s->dim[0] = is_awq ? q->dim[1] * per : q->dim[1];
    s->dim[1] = is_awq ? q->dim[0] : q->dim[0] * per;
    groups = s->scale->dim[0];
    s->group = (s->dim[1] + groups - 1) / groups;
    if (s->dim[0] % per || s->scale->dim[1] != s->dim[0] || !s->zero || s->zero->type != ST_I32 ||
        !has_shape(s->zero, groups, s->dim[0] / per) || (s->dim[1] - 1) / s->group >= groups)
        return refuse(h, s, "codes, scales and zero points do not fit together", e);
    if (is_awq)
        s->order = NULL;
    if (check_order(h, s, groups, e) < 0)
        return -1;
    choose_type(s);
    return 0;
}

/* num_bits of the first group of weights. */
static int compressed_bits(const struct hf *h)
{
    const cJSON *groups = json_get(packing_config(h), "config_groups");
    const cJSON *first = groups ? groups->child : NULL;

    return (int)json_num(json_get(first, "weights"), "num_bits", 4);
}

/* Scales {out, groups} or {out, 1} or one, zero points of the same shape. */
static int take_groups(struct hf *h, struct hf_source *s, struct err *e)
{
    uint64_t rows = s->dim[0], groups = 1;

    if (!is_float(s->scale) || s->scale->bytes == 0)
        return refuse(h, s, "its scales are not floats", e);
    if (s->scale->n_dims == 2 && s->scale->dim[0] == rows)
        groups = s->scale->dim[1];
    else if (s->scale->n_dims == 1 && s->scale->dim[0] == rows)
        groups = 1;
    else if (s->scale->bytes == st_type_bytes(s->scale->type))
        s->block_rows = rows;
    else
        return refuse(h, s, "its scales have an impossible shape", e);
    if (groups == 0 || groups > s->dim[1])
        return refuse(h, s, "its scales have an impossible shape", e);
    s->group = (s->dim[1] + groups - 1) / groups;
    if ((s->dim[1] - 1) / s->group + 1 != groups)
        return refuse(h, s, "columns cannot be dealt to so many scales", e);
    if (check_order(h, s, groups, e) < 0)
        return -1;
    return 0;
}

static int take_packed(struct hf *h, struct hf_source *s, struct err *e)
{
    const struct safetensor *shape = beside(h, s->name, strlen(".weight"), ".weight_shape");
    const struct safetensor *q = s->codes;
    uint64_t per, rows, cols, groups;

    s->bits = compressed_bits(h);
    if (s->bits != 4 && s->bits != 8)
        return refuse(h, s, "codes of this many bits are not read", e);
    per = 32 / (uint64_t)s->bits;
    if (q->type != ST_I32 || q->n_dims != 2 || q->dim[0] == 0 || q->dim[1] == 0)
        return refuse(h, s, "its codes have an impossible shape", e);
    rows = q->dim[0];
    cols = q->dim[1] * per;
    if (shape && shape->type == ST_I64 && shape->bytes == 16)
        cols = le64(shape->data + 8);
    else if (shape && shape->type == ST_I32 && shape->bytes == 8)
        cols = le32(shape->data + 4);
    if (cols == 0 || cols > q->dim[1] * per || (cols + per - 1) / per != q->dim[1])
        return refuse(h, s, "weight_shape and codes do not fit together", e);
    s->n_dims = 2;
    s->dim[0] = rows;
    s->dim[1] = cols;
    if (take_groups(h, s, e) < 0)
        return -1;
    groups = (cols - 1) / s->group + 1;
    if (s->zero && (s->zero->type != ST_I32 || !has_shape(s->zero, (rows + per - 1) / per, groups)))
        return refuse(h, s, "its zero points have an impossible shape", e);
    choose_type(s);
    return 0;
}

static void copy_shape(struct hf_source *s)
{
    s->n_dims = s->codes->n_dims;
    memcpy(s->dim, s->codes->dim, sizeof s->dim);
}

static int take_int8(struct hf *h, struct hf_source *s, struct err *e)
{
    copy_shape(s);
    s->bits = 8;
    if (s->n_dims != 2 || s->codes->bytes == 0)
        return refuse(h, s, "8-bit codes are read in two dimensions", e);
    if (take_groups(h, s, e) < 0)
        return -1;
    if (s->zero && (s->zero->type != ST_I8 || s->zero->bytes * st_type_bytes(s->scale->type) !=
                                                  s->scale->bytes || s->block_rows))
        return refuse(h, s, "its zero points have an impossible shape", e);
    choose_type(s);
    return 0;
}

static uint64_t block_side(const struct hf *h, int i)
{
    const cJSON *size = json_get(packing_config(h), "weight_block_size");
    const cJSON *side = cJSON_GetArrayItem(size, i);
    double v = cJSON_IsNumber(side) ? side->valuedouble : 128;

    return v >= 1 && v <= 1 << 20 ? (uint64_t)v : 128;
}

/* Scales of the whole tensor, of rows, or of blocks. */
static int take_float8(struct hf *h, struct hf_source *s, struct err *e)
{
    uint64_t rows, cols, slabs = 1, n;

    copy_shape(s);
    rows = rows_of(s);
    cols = cols_of(s);
    for (int i = 0; i < s->n_dims - 2; i++)
        slabs *= s->dim[i];
    s->type = QUANT_F32;
    s->bits = 8;
    s->group = cols ? cols : 1;
    if (!s->scale)
        return 0;
    if (!is_float(s->scale) || cols == 0 || rows == 0)
        return refuse(h, s, "its scales are not floats", e);
    n = s->scale->bytes / st_type_bytes(s->scale->type);
    if (n == 1 && slabs == 1) {
        s->block_rows = rows;
    } else if (n == slabs * rows) {
        s->block_rows = 1;
    } else {
        s->block_rows = block_side(h, 0);
        s->group = block_side(h, 1);
    }
    if (n != slabs * ((rows + s->block_rows - 1) / s->block_rows) *
                 ((cols + s->group - 1) / s->group))
        return refuse(h, s, "its scales have an impossible shape", e);
    return 0;
}

/* {..., rows, groups, 16} bytes, exponents {..., rows, groups}. */
static int take_mxfp4(struct hf *h, struct hf_source *s, struct err *e)
{
    const struct safetensor *q = s->codes;
    int n = q->n_dims;

    if (q->type != ST_U8 || n < 3 || q->dim[n - 1] != 16 || !s->scale ||
        s->scale->bytes * 16 != q->bytes || st_type_bytes(s->scale->type) != 1)
        return refuse(h, s, "blocks and exponents do not fit together", e);
    copy_shape(s);
    s->n_dims = n - 1;
    s->dim[n - 2] *= 32;
    s->type = QUANT_MXFP4;
    return 0;
}

static int take_plain(struct hf *h, struct hf_source *s, struct err *e)
{
    static const struct { enum st_type from; int to; } same[] = {
        {ST_F32, QUANT_F32}, {ST_F16, QUANT_F16}, {ST_BF16, QUANT_BF16}, {ST_F64, QUANT_F64},
        {ST_I8, QUANT_I8}, {ST_I16, QUANT_I16}, {ST_I32, QUANT_I32}, {ST_I64, QUANT_I64},
    };

    copy_shape(s);
    s->type = -1; /* fine for a tensor that nobody wants */
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
        if (s->codes->type == same[i].from)
            s->type = same[i].to;
    (void)h;
    (void)e;
    return 0;
}

/* One row per way of keeping weights.  method: of the config's quantization_config, NULL: any.
 * The tensor ends with `ending`, the others with theirs instead of it. */
static const struct layout {
    const char *method, *ending, *scale, *zero, *order;
    const char *becomes; /* instead of ending */
    enum hf_packing packing;
    int (*take)(struct hf *h, struct hf_source *s, struct err *e);
} layouts[] = {
    {"gptq", ".qweight", ".scales", ".qzeros", ".g_idx", ".weight", HF_GPTQ, take_gptq},
    {"awq", ".qweight", ".scales", ".qzeros", NULL, ".weight", HF_AWQ, take_gptq},
    {"compressed-tensors", ".weight_packed", ".weight_scale", ".weight_zero_point",
     ".weight_g_idx", ".weight", HF_PACKED, take_packed},
    {"mxfp4", "_blocks", "_scales", NULL, NULL, "_blocks", HF_MXFP4, take_mxfp4},
};

/* Names that go with a weight and say nothing about it alone. */
static const char *const companions[] = {
    ".weight_scale_inv", ".weight_scale", ".weight_zero_point", ".weight_g_idx", ".weight_shape",
    ".input_scale", ".input_zero_point", ".input_global_scale", ".output_scale", ".k_scale",
    ".v_scale", ".scales", ".qzeros", ".g_idx", "_scales", ".activation_scale",
};

static int ends_with(struct gguf_str s, const char *ending)
{
    size_t n = strlen(ending);

    return s.n > n && memcmp(s.s + s.n - n, ending, n) == 0;
}

static int is_companion(struct gguf_str name)
{
    for (size_t i = 0; i < sizeof companions / sizeof companions[0]; i++)
        if (ends_with(name, companions[i]))
            return 1;
    return 0;
}

static int rename_source(struct hf *h, struct hf_source *s, const struct layout *l, struct err *e)
{
    size_t n = s->name.n - strlen(l->ending), k = strlen(l->becomes);
    char *name = arena_alloc(&h->arena, n + k + 1);

    if (!name)
        return err_nomem(e);
    memcpy(name, s->name.s, n);
    memcpy(name + n, l->becomes, k);
    s->name = (struct gguf_str){name, n + k};
    return 0;
}

static int take_coded(struct hf *h, struct hf_source *s, const struct layout *l, struct err *e)
{
    size_t ending = strlen(l->ending);

    s->packing = l->packing;
    s->scale = beside(h, s->name, ending, l->scale);
    s->zero = l->zero ? beside(h, s->name, ending, l->zero) : NULL;
    s->order = l->order ? beside(h, s->name, ending, l->order) : NULL;
    return rename_source(h, s, l, e) < 0 ? -1 : l->take(h, s, e);
}

/* 8-bit weights keep their name. */
static int take_weight(struct hf *h, struct hf_source *s, struct err *e)
{
    size_t ending = ends_with(s->name, ".weight") ? strlen(".weight") : 0;
    const char *stem = ending ? ".weight" : "";
    char other[40];

    snprintf(other, sizeof other, "%s_scale", stem);
    s->scale = beside(h, s->name, ending, other);
    snprintf(other, sizeof other, "%s_scale_inv", stem);
    if (!s->scale)
        s->scale = beside(h, s->name, ending, other);
    if (s->codes->type == ST_F8_E4M3 || s->codes->type == ST_F8_E5M2) {
        s->packing = HF_FLOAT8;
        return take_float8(h, s, e);
    }
    if (s->codes->type == ST_I8 && s->scale) {
        snprintf(other, sizeof other, "%s_zero_point", stem);
        s->packing = HF_INT8;
        s->zero = beside(h, s->name, ending, other);
        return take_int8(h, s, e);
    }
    s->scale = NULL;
    return take_plain(h, s, e);
}

static int check_method(const struct hf *h, const char *method, struct err *e)
{
    static const char *const known[] = {"gptq", "awq", "compressed-tensors", "mxfp4", "fp8",
                                        "fbgemm_fp8"};

    for (size_t i = 0; method && i < sizeof known / sizeof known[0]; i++)
        if (strcmp(method, known[i]) == 0)
            return 0;
    if (!method)
        return 0;
    return err_set(e, ERR_UNSUPPORTED, "%s: weights quantised by '%.32s' are not read; known: "
                   "gptq, awq, compressed-tensors, mxfp4, fp8, fbgemm_fp8", h->config_path, method);
}

int hf_sources_read(struct hf *h, struct err *e)
{
    const char *method = json_str(packing_config(h), "quant_method");
    size_t n = safetensors_count(h->files);

    if (check_method(h, method, e) < 0)
        return -1;
    h->sources = mem_calloc(n + 1, sizeof *h->sources);
    if (!h->sources)
        return err_nomem(e);
    for (size_t i = 0; i < n; i++) {
        const struct safetensor *t = safetensors_at(h->files, i);
        struct hf_source *s = &h->sources[h->n_sources];
        const struct layout *l = NULL;
        for (size_t k = 0; method && k < sizeof layouts / sizeof layouts[0] && !l; k++)
            if (strcmp(layouts[k].method, method) == 0 && ends_with(t->name, layouts[k].ending))
                l = &layouts[k];
        if (!l && method && is_companion(t->name))
            continue;
        *s = (struct hf_source){.name = t->name, .codes = t};
        if ((l ? take_coded(h, s, l, e) : take_weight(h, s, e)) < 0)
            return -1;
        h->n_sources++;
    }
    return 0;
}
