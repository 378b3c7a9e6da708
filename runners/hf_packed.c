/* hf_packed.c -- finds the tensors that make a weight together: codes, scales, zero points, order.
 *
 * Each way of keeping weights is a row; shapes are checked here, hf_codes.c relies on them. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "runners/gguf_keys.h"
#include "runners/hf_build.h"
#include "runners/quant.h"

static int refuse(const struct hf *h, const struct hf_source *s, const char *why, struct err *e)
{
    return err_set(e, ERR_FORMAT, "%s: tensor '%.*s': %s", h->folder,
                   (int)(s->name.n < 80 ? s->name.n : 80), s->name.s, why);
}

static int ends_with(struct gguf_str s, const char *ending)
{
    size_t n = strlen(ending);

    return s.n > n && memcmp(s.s + s.n - n, ending, n) == 0;
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

static int is_method(const struct hf *h, const char *name)
{
    const char *method = json_str(packing_config(h), "quant_method");

    return method && strcmp(method, name) == 0;
}

/* The order of columns, checked: every group is there. */
static int check_order(const struct hf *h, const struct hf_source *s, uint64_t groups,
                       struct err *e)
{
    const struct safetensor *o = s->order;

    if (!o)
        return 0;
    if ((o->type != ST_I32 && o->type != ST_I64) || o->n_dims != 1 || o->dim[0] != hf_cols_of(s))
        return refuse(h, s, "its g_idx has another shape than its columns", e);
    for (uint64_t c = 0; c < o->dim[0]; c++)
        if (hf_group_of(s, c) >= groups)
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

    s->bits = hf_int_of(config, "bits", hf_int_of(config, "w_bit", 4));
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
    hf_choose_type(s);
    return 0;
}

/* num_bits of the first group of weights. */
static int compressed_bits(const struct hf *h)
{
    const cJSON *groups = json_get(packing_config(h), "config_groups");
    const cJSON *first = groups ? groups->child : NULL;

    return hf_int_of(json_get(first, "weights"), "num_bits", 4);
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
    hf_choose_type(s);
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
    hf_choose_type(s);
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
    rows = hf_rows_of(s);
    cols = hf_cols_of(s);
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

/* {out/4, in} bytes and one scale, which multiplies or divides by the kind of layer. */
static int take_ternary(struct hf *h, struct hf_source *s, struct err *e)
{
    const char *kind = json_str(packing_config(h), "linear_class");
    int divides = !kind || strcmp(kind, "autobitlinear") != 0;
    float scale;

    copy_shape(s);
    if (s->n_dims != 2 || s->codes->bytes == 0 || !is_float(s->scale) ||
        s->scale->bytes != st_type_bytes(s->scale->type))
        return refuse(h, s, "ternary weights and their scale do not fit together", e);
    scale = hf_float_at(s->scale, 0);
    s->packing = HF_TERNARY;
    s->unit = divides ? 1 / scale : scale;
    s->dim[0] *= 4;
    s->type = hf_cols_of(s) % 256 == 0 && hf_is_half(s->unit) ? QUANT_TQ2_0 : QUANT_F32;
    return 0;
}

/* Projections of models that round their weights to three values when they run. */
static int is_rounded(const struct hf *h, const struct hf_source *s)
{
    const char *mode = json_str(packing_config(h), "quantization_mode");

    return (h->family->flags & HF_ROUNDS || (mode && strcmp(mode, "online") == 0)) &&
           is_float(s->codes) && s->codes->n_dims == 2 && s->codes->bytes > 0 &&
           ends_with(s->name, "_proj.weight");
}

static int take_rounded(struct hf_source *s)
{
    copy_shape(s);
    s->packing = HF_ROUNDED;
    s->type = QUANT_F32;
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
    if (s->codes->type == ST_U8 && s->scale && is_method(h, "bitnet"))
        return take_ternary(h, s, e);
    s->scale = NULL;
    return is_rounded(h, s) ? take_rounded(s) : take_plain(h, s, e);
}

static int check_method(const struct hf *h, const char *method, struct err *e)
{
    static const char *const known[] = {"gptq", "awq", "compressed-tensors", "mxfp4", "fp8",
                                        "fbgemm_fp8", "bitnet"};

    for (size_t i = 0; method && i < sizeof known / sizeof known[0]; i++)
        if (strcmp(method, known[i]) == 0)
            return 0;
    if (!method)
        return 0;
    return err_set(e, ERR_UNSUPPORTED, "%s: weights quantised by '%.32s' are not read; known: "
                   "gptq, awq, compressed-tensors, mxfp4, fp8, fbgemm_fp8, bitnet",
                   h->config_path, method);
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
