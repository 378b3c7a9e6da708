/* opencl_ops.c -- operations as launches of kernels: one row per kind, what it takes and how. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "runners/head.h"
#include "runners/opencl.h"
#include "runners/quant.h"

enum {
    PANEL_BYTES = 4 << 20,
    PARTS_BYTES = 32 << 20, /* of the parts of the rows that attend at once; one row's, at least */
    GROUPS_MAX = 65535,     /* in the second dimension: CUDA's bound */
    ARGS_MAX = 8,
};

enum kernel_no {
    K_EXPAND, K_GEMM, K_THIN, K_EXPERTS, K_ROW_NORM, K_HEAD_NORM, K_EMBED, K_ROPE, K_CLAMP,
    K_THRESHOLD, K_SCALE, K_TEMPER, K_ADD, K_GATE, K_SCALE_BY, K_SLICE, K_CONCAT, K_GATHER,
    K_ROUTE, K_COMBINE, K_KV_STORE, K_ATTENTION, K_ATTEND, K_ATTEND_JOIN, K_LOG_SUM, K_PICK,
    K_WEIGHT_SCALES, K_NARROW, K_TENSOR, K_READ, N_KERNELS
};

/* Groups of a fixed size: some drivers compile a kernel anew for every other one. */
static const struct kernel_row {
    const char *name;
    size_t group[2], lanes[2]; /* lanes: where that form has another */
    enum { ALL, PROCESSORS, GPUS, TENSOR_CORES } forms; /* that have it */
} kernels[N_KERNELS] = {
    [K_EXPAND] = {"expand", {8, 1}},
    [K_GEMM] = {"gemm", {8, 8}, {16, 16}},
    [K_THIN] = {"thin", {8, 1}, {LANES, 1}},
    [K_EXPERTS] = {"experts", {8, 1}, {LANES, 1}},
    [K_ROW_NORM] = {"row_norm", {LANES, 1}},
    [K_HEAD_NORM] = {"head_norm", {LANES, 1}},
    [K_EMBED] = {"embed", {8, 1}},
    [K_ROPE] = {"rope", {32, 1}},
    [K_CLAMP] = {"clamp_row", {64, 1}},
    [K_THRESHOLD] = {"threshold_row", {64, 1}},
    [K_SCALE] = {"scale_row", {64, 1}},
    [K_TEMPER] = {"temper_row", {64, 1}},
    [K_ADD] = {"add_rows", {64, 1}},
    [K_GATE] = {"gate_rows", {64, 1}},
    [K_SCALE_BY] = {"scale_by", {64, 1}},
    [K_SLICE] = {"slice_row", {64, 1}},
    [K_CONCAT] = {"concat_rows", {64, 1}},
    [K_GATHER] = {"gather_rows", {64, 1}},
    [K_ROUTE] = {"route_rows", {1, 1}},
    [K_COMBINE] = {"combine_rows", {64, 1}},
    [K_KV_STORE] = {"kv_store", {32, 1}},
    [K_ATTENTION] = {"attention", {1, 1}, .forms = PROCESSORS},
    [K_ATTEND] = {"attend", {LANES, 1}, .forms = GPUS},
    [K_ATTEND_JOIN] = {"attend_join", {LANES, 1}, .forms = GPUS},
    [K_LOG_SUM] = {"log_sum", {1, 1}, {LANES, 1}},
    [K_PICK] = {"pick", {1, 1}},
    [K_READ] = {"read_all", {1, 1}, {256, 1}},
    [K_WEIGHT_SCALES] = {"weight_scales", {LANES, 1}, .forms = TENSOR_CORES},
    [K_NARROW] = {"narrow", {LANES, 1}, .forms = TENSOR_CORES},
    [K_TENSOR] = {"tensor", {TENSOR_GROUP, 1}, .forms = TENSOR_CORES},
};

static int has_kernel(const struct device *d, const struct kernel_row *k)
{
    switch (k->forms) {
    case PROCESSORS: return d->form == FORM_VECTOR;
    case GPUS: return d->form != FORM_VECTOR;
    case TENSOR_CORES: return d->is_narrow;
    default: return 1;
    }
}

int opencl_build(struct device *d, struct err *e)
{
    static const char *const texts[][2] = {
        [FORM_VECTOR] = {opencl_vector_begin, opencl_vector_end},
        [FORM_LANES] = {opencl_lanes_begin, opencl_lanes_end},
        [FORM_CUDA] = {opencl_cuda_begin, opencl_cuda_end},
    };
    const char *names[N_KERNELS], *const *text = texts[d->form];

    for (int i = 0; i < N_KERNELS; i++)
        names[i] = has_kernel(d, &kernels[i]) ? kernels[i].name : NULL;
    return cl_build(d->cl, text[0], (size_t)(text[1] - text[0]), names, N_KERNELS, e);
}

/* ---- launching ---------------------------------------------------------------------------- */

#define MEMORY(m) {(m), 0}

static size_t whole_groups(size_t n, size_t group)
{
    return (n + group - 1) / group * group;
}

/* Memory in order, then `a`.  Kernels look out for work-items beyond width. */
static int launch(struct device *d, enum kernel_no kernel, const struct op_args *a,
                  struct cl_memory *const *memory, int n, size_t width, size_t rows, struct err *e)
{
    const struct kernel_row *row = &kernels[kernel];
    const size_t *group = d->form != FORM_VECTOR && row->lanes[0] ? row->lanes : row->group;
    const size_t size[2] = {whole_groups(width, group[0]), whole_groups(rows, group[1])};
    struct cl_arg args[ARGS_MAX];

    for (int i = 0; i < n; i++)
        args[i] = (struct cl_arg)MEMORY(memory[i]);
    args[n] = (struct cl_arg){a, sizeof *a};
    return width && rows ? cl_launch(d->cl, kernel, args, n + 1, size, group, e) : 0;
}

/* A work-item per number of a value's rows. */
static int each(struct device *d, enum kernel_no kernel, const struct op_args *a, int width,
                struct cl_memory *more, struct err *e)
{
    struct cl_memory *const memory[] = {d->arena, more};

    return launch(d, kernel, a, memory, more ? 2 : 1, (size_t)width, (size_t)a->rows, e);
}

/* Work-items that share what is one work-item's in the form for processors. */
static size_t sharing(const struct device *d)
{
    return d->form != FORM_VECTOR ? LANES : 1;
}

static struct cl_memory *floats_of(const struct device *d, const struct weight *w)
{
    return w ? d->tables[w->id] : NULL;
}

static void place(const struct device *d, int value, args_u64 *at, int *ld)
{
    const struct value *v = value < 0 ? NULL : &d->p->values[value];

    *at = v ? (args_u64)v->offset * (args_u64)d->max_rows : 0;
    *ld = v ? (int)v->ld : 0;
}

static struct op_args args_of(const struct device *d, const struct op *op)
{
    struct op_args a = {
        .rows = opencl_rows(d, op), .act = op->act, .has_threshold = op->has_threshold,
        .heads = op->heads, .kv_heads = op->kv_heads, .head_dim = op->head_dim,
        .value_dim = op->value_dim, .first = op->first, .window = op->window, .chunk = op->chunk,
        .mean_removed = op->mean_removed, .parts = op->parts.n,
        .weighs_input = op->parts.weighs_input, .scale = op->scale, .eps = op->eps,
        .limit = op->limit, .softcap = op->softcap, .tokens_at = d->at.tokens,
        .positions_at = d->at.positions, .page_list_at = d->at.page_lists,
        .wanted_at = d->at.wanted, .copies_at = d->at.copies, .n_copies = d->batch->n_copies,
        .vocab = d->p->n_vocab,
    };

    for (int i = 0; i < 3; i++) {
        place(d, op->in[i], &a.in[i], &a.ld_in[i]);
        place(d, i < op->n_out ? op->out[i] : -1, &a.out[i], &a.ld_out[i]);
    }
    a.n = op->n_out ? d->p->values[op->out[0]].width : 0;
    return a;
}

static void set_weight(struct op_args *a, const struct weight *w)
{
    a->type = w->type;
    a->k = w->k;
    a->n = w->rows;
    a->row_bytes = w->row_bytes;
    a->slab_bytes = (args_u64)w->rows * w->row_bytes;
}

/* ---- products ----------------------------------------------------------------------------- */

static size_t tiles(int n, int tile)
{
    return ((size_t)n + (size_t)tile - 1) / (size_t)tile;
}

static int gemm(struct device *d, struct op_args a, struct cl_memory *w, struct cl_memory *y,
                struct cl_memory *bias, struct err *e)
{
    struct cl_memory *const memory[] = {w, d->arena, y, bias};

    return launch(d, K_GEMM, &a, memory, 4, tiles(a.n, TILE_ROWS),
                  tiles(a.rows, TILE_COLS), e);
}

static int is_narrow(const struct device *d, int rows)
{
    return d->is_narrow && rows > THIN_COLS;
}

/* The columns of products with matrices of k elements a row, before tensor_product. */
static int narrow(struct device *d, struct op_args a, int k, struct err *e)
{
    struct cl_memory *const memory[] = {d->arena, d->narrow, d->narrow_scales};

    if (!is_narrow(d, a.rows))
        return 0;
    a.k = k;
    a.step = NARROW_WORDS(k);
    return launch(d, K_NARROW, &a, memory, 3, (size_t)a.rows * LANES, 1, e);
}

static int tensor_product(struct device *d, const struct weight *w, struct op_args a,
                          struct cl_memory *y, struct cl_memory *bias, struct err *e)
{
    struct cl_memory *const memory[] = {d->weights[w->id], d->scales[w->id], d->narrow,
                                        d->narrow_scales, y, d->arena, bias};

    a.step = NARROW_WORDS(a.k);
    return launch(d, K_TENSOR, &a, memory, 7, tiles(a.n, TENSOR_TILE) * TENSOR_GROUP,
                  tiles(a.rows, TENSOR_TILE), e);
}

/* y = finish(w x + bias): of many columns by panels of floats, which are used for all of them. */
static int product(struct device *d, const struct weight *w, struct op_args a, struct cl_memory *y,
                   struct cl_memory *bias, struct err *e)
{
    struct cl_memory *data = d->weights[w->id];
    struct cl_memory *const thin[] = {data, d->arena, y, bias}, *const expand[] = {data, d->panel};
    int step = (int)(PANEL_BYTES / sizeof(float) / (size_t)w->k);

    set_weight(&a, w);
    if (a.rows <= THIN_COLS)
        return launch(d, K_THIN, &a, thin, 4, (size_t)a.n * sharing(d), 1, e);
    if (is_narrow(d, a.rows))
        return tensor_product(d, w, a, y, bias, e);
    if (w->type == QUANT_F32)
        return gemm(d, a, data, y, bias, e);
    step = step < 1 ? 1 : step;
    for (int r = 0; r < w->rows; r += step) {
        a.row0 = r;
        a.n = w->rows - r < step ? w->rows - r : step;
        if (launch(d, K_EXPAND, &a, expand, 2, ((size_t)a.k + 31) / 32, (size_t)a.n, e) < 0 ||
            gemm(d, a, d->panel, y, bias, e) < 0)
            return -1;
    }
    return 0;
}

int opencl_make_scales(struct device *d, const struct weight *w, struct err *e)
{
    struct cl_memory *const memory[] = {d->weights[w->id], d->scales[w->id]};
    struct op_args a = {0};

    set_weight(&a, w);
    return launch(d, K_WEIGHT_SCALES, &a, memory, 2, (size_t)w->rows * LANES, 1, e);
}

int opencl_make_narrow(struct device *d, struct err *e)
{
    size_t words = 0, rows = (size_t)(d->max_rows > d->head_rows ? d->max_rows : d->head_rows);

    for (int i = 0; i < d->p->n_ops; i++) {
        const struct op *op = &d->p->ops[i];
        int is_product = op->kind == OP_LINEAR || op->kind == OP_HEAD;
        if (is_product && (size_t)NARROW_WORDS(op->w[0]->k) > words)
            words = (size_t)NARROW_WORDS(op->w[0]->k);
    }
    return cl_make(d->cl, &d->narrow, words * rows * 4, "columns as float16", e) < 0
               ? -1
               : cl_make(d->cl, &d->narrow_scales, rows * sizeof(float), "their scales", e);
}

static int linear(struct device *d, const struct op *op, struct err *e)
{
    struct op_args a = args_of(d, op);
    int n = op->epilogue == EPILOGUE_GLU ? 2 : op->n_out;

    if (narrow(d, a, op->w[0]->k, e) < 0)
        return -1;
    for (int i = 0; i < n; i++) {
        if (op->epilogue == EPILOGUE_GLU)
            a.finish = i ? FINISH_GLU : FINISH_PLAIN;
        else
            a.finish = op->epilogue == EPILOGUE_ADD   ? FINISH_ADD
                       : op->epilogue == EPILOGUE_ACT ? FINISH_ACT
                                                      : FINISH_PLAIN;
        place(d, op->out[op->epilogue == EPILOGUE_GLU ? 0 : i], &a.out[0], &a.ld_out[0]);
        if (product(d, op->w[i], a, d->arena, floats_of(d, op->bias[i]), e) < 0)
            return -1;
    }
    return 0;
}

static int expert_product(struct device *d, const struct weight *w, const struct weight *bias,
                          struct op_args a, struct err *e)
{
    struct cl_memory *const memory[] = {d->weights[w->id], d->arena, floats_of(d, bias)};

    set_weight(&a, w);
    a.step = (int)KERNEL_LD(w->rows);
    return launch(d, K_EXPERTS, &a, memory, 3, (size_t)a.n * sharing(d),
                  (size_t)a.rows * (size_t)a.parts, e);
}

static int experts_up(struct device *d, const struct op *op, struct err *e)
{
    struct op_args a = args_of(d, op);

    if (op->w[0] && expert_product(d, op->w[0], op->bias[0], a, e) < 0)
        return -1;
    a.finish = !op->w[0] ? FINISH_ACT : op->limit > 0 ? FINISH_CLAMPED_GLU : FINISH_GLU;
    return expert_product(d, op->w[1], op->bias[1], a, e);
}

static int experts_down(struct device *d, const struct op *op, struct err *e)
{
    struct op_args a = args_of(d, op);

    a.part_ld = (int)KERNEL_LD(op->w[0]->k);
    return expert_product(d, op->w[0], op->bias[0], a, e);
}

/* ---- rows --------------------------------------------------------------------------------- */

static int embed(struct device *d, const struct op *op, struct err *e)
{
    struct op_args a = args_of(d, op);
    struct cl_memory *const memory[] = {d->weights[op->w[0]->id],
                                        op->w[1] ? d->weights[op->w[1]->id] : NULL, d->arena,
                                        d->ints};

    set_weight(&a, op->w[0]);
    if (op->w[1]) {
        a.type_2 = op->w[1]->type;
        a.slab_bytes = op->w[1]->row_bytes;
    }
    return launch(d, K_EMBED, &a, memory, 4, ((size_t)a.k + 31) / 32, (size_t)a.rows, e);
}

static int row_norm(struct device *d, const struct op *op, struct err *e)
{
    struct op_args a = args_of(d, op);
    int is_layer = op->kind == OP_LAYER_NORM;
    struct cl_memory *const memory[] = {d->arena, floats_of(d, op->w[0]),
                                        is_layer ? floats_of(d, op->bias[0]) : NULL};

    a.mean_removed = is_layer;
    return launch(d, K_ROW_NORM, &a, memory, 3, (size_t)a.rows * LANES, 1, e);
}

static int head_norm(struct device *d, const struct op *op, struct err *e)
{
    struct op_args a = args_of(d, op);
    const struct weight *w = op->w[0];
    struct cl_memory *const memory[] = {d->arena, floats_of(d, w)};

    a.step = w && (int64_t)w->k * w->rows > op->head_dim ? op->head_dim : 0;
    return launch(d, K_HEAD_NORM, &a, memory, 2, (size_t)a.rows * (size_t)a.heads * LANES, 1,
                  e);
}

static int rope(struct device *d, const struct op *op, struct err *e)
{
    struct op_args a = args_of(d, op);

    a.n_rot = op->rope->n_rot;
    a.halves = op->rope->halves;
    a.at = op->rope_at;
    a.in[1] = 0;
    for (const struct rope *r = d->p->ropes; r != op->rope; r++)
        a.in[1] += (args_u64)r->n_rot * (args_u64)d->max_rows;
    return each(d, K_ROPE, &a, a.heads * (a.n_rot / 2), d->angles, e);
}

static const struct {
    enum op_kind kind;
    enum kernel_no kernel;
} plain[] = { /* one kernel over the arena alone */
    {OP_CLAMP, K_CLAMP}, {OP_THRESHOLD, K_THRESHOLD}, {OP_SCALE, K_SCALE}, {OP_ADD, K_ADD},
    {OP_GATE, K_GATE},   {OP_SCALE_BY, K_SCALE_BY},
};

static int elementwise(struct device *d, const struct op *op, struct err *e)
{
    struct op_args a = args_of(d, op);
    size_t i = 0;

    while (plain[i].kind != op->kind)
        i++;
    return each(d, plain[i].kernel, &a, a.n, NULL, e);
}

static int temper(struct device *d, const struct op *op, struct err *e)
{
    struct op_args a = args_of(d, op);

    a.temper_scale = op->temper.scale;
    a.temper_offset = op->temper.offset;
    a.temper_length = op->temper.length;
    return each(d, K_TEMPER, &a, a.n, d->ints, e);
}

static int slice(struct device *d, const struct op *op, struct err *e)
{
    struct op_args a = args_of(d, op);
    struct cl_memory *const memory[] = {d->arena, floats_of(d, op->w[0])};

    a.at = op->at;
    return launch(d, K_SLICE, &a, memory, 2, (size_t)a.n, (size_t)a.rows, e);
}

static int concat(struct device *d, const struct op *op, struct err *e)
{
    struct op_args a = args_of(d, op);
    int first = d->p->values[op->in[0]].width, second = d->p->values[op->in[1]].width;

    if (each(d, K_CONCAT, &a, first, NULL, e) < 0)
        return -1;
    a.in[0] = a.in[1];
    a.ld_in[0] = a.ld_in[1];
    a.at = first;
    a.n = second;
    return each(d, K_CONCAT, &a, second, NULL, e);
}

static int gather(struct device *d, const struct op *op, struct err *e)
{
    struct op_args a = args_of(d, op);

    return each(d, K_GATHER, &a, a.n, d->ints, e);
}

static int route_op(struct device *d, const struct op *op, struct err *e)
{
    struct op_args a = args_of(d, op);
    struct cl_memory *const memory[] = {d->arena, floats_of(d, op->w[0]), floats_of(d, op->w[1])};

    a.parts = op->route.used;
    a.experts = op->route.experts;
    a.gating = op->route.gating;
    a.groups = op->route.groups;
    a.groups_used = op->route.groups_used;
    a.is_normalised = op->route.is_normalised;
    a.scale = op->route.scale;
    return launch(d, K_ROUTE, &a, memory, 3, (size_t)a.rows, 1, e);
}

static int combine(struct device *d, const struct op *op, struct err *e)
{
    struct op_args a = args_of(d, op);

    a.part_ld = (int)KERNEL_LD(op->parts.width);
    return each(d, K_COMBINE, &a, a.n, NULL, e);
}

/* ---- keys, values, attention -------------------------------------------------------------- */

static struct cl_memory *scratch_of(const struct device *d, const struct op *op)
{
    return d->scratch[d->p->shares_kv ? op->kv_layer : 0];
}

static void set_pages(const struct device *d, const struct op *op, struct op_args *a)
{
    a->page_floats = d->page_floats[op->kv_layer];
    a->scratch_floats = d->p->shares_kv ? a->page_floats : d->scratch_floats;
}

static int kv_store(struct device *d, const struct op *op, struct err *e)
{
    struct op_args a = args_of(d, op);
    struct cl_memory *const memory[] = {d->arena, d->kv[op->kv_layer], scratch_of(d, op), d->ints};

    set_pages(d, op, &a);
    return launch(d, K_KV_STORE, &a, memory, 4,
                  (size_t)op->kv_heads * (size_t)(op->head_dim + op->value_dim), 1, e);
}

static size_t part_floats(const struct op *op)
{
    return (size_t)op->heads * ((size_t)op->value_dim + 2);
}

/* Parts of the keys of some rows at a time, as many as d->parts holds, and their join. */
static int attend_parts(struct device *d, const struct op *op, struct op_args a, struct err *e)
{
    struct cl_memory *const memory[] = {d->arena, d->kv[op->kv_layer], scratch_of(d, op), d->parts,
                                        floats_of(d, op->w[1]), d->ints};
    struct cl_memory *const join[] = {d->arena, d->parts, floats_of(d, op->w[0]), d->ints};
    size_t sets = (size_t)op->kv_heads * tiles(op->heads / op->kv_heads, SHARERS) *
                  tiles(op->value_dim, VALUES), n_parts = (size_t)d->n_parts;
    size_t fit = (size_t)cl_bytes(d->parts) / sizeof(float) / part_floats(op) / n_parts;
    size_t most = GROUPS_MAX / n_parts, step = fit < most ? fit : most, all = (size_t)a.rows;

    a.n_parts = d->n_parts;
    for (size_t row = 0; row < all; row += step) {
        size_t n = all - row < step ? all - row : step;
        a.row0 = (int)row;
        if (launch(d, K_ATTEND, &a, memory, 6, sets * LANES, n * n_parts, e) < 0 ||
            launch(d, K_ATTEND_JOIN, &a, join, 4, (size_t)op->heads * (size_t)op->value_dim, n,
                   e) < 0)
            return -1;
    }
    return 0;
}

static int attention(struct device *d, const struct op *op, struct err *e)
{
    struct op_args a = args_of(d, op);
    struct cl_memory *const memory[] = {d->arena, d->kv[op->kv_layer], scratch_of(d, op),
                                        floats_of(d, op->w[0]), floats_of(d, op->w[1]), d->ints};

    set_pages(d, op, &a);
    if (d->form != FORM_VECTOR)
        return attend_parts(d, op, a, e);
    return launch(d, K_ATTENTION, &a, memory, 6, (size_t)a.heads, (size_t)a.rows, e);
}

int opencl_make_parts(struct device *d, struct err *e)
{
    size_t floats = 0, row, bytes;
    int last = 0;

    for (int i = 0; i < d->p->n_ops; i++)
        if (d->p->ops[i].kind == OP_ATTENTION && part_floats(&d->p->ops[i]) > floats)
            floats = part_floats(&d->p->ops[i]);
    for (int i = 0; i < d->batch->n; i++)
        last = d->batch->positions[i] > last ? d->batch->positions[i] : last;
    for (d->n_parts = 1; last / KV_PAGE / PART_PAGES >= d->n_parts;)
        d->n_parts *= 2;
    if (d->form == FORM_VECTOR || floats == 0)
        return 0;
    row = (size_t)d->n_parts * floats * sizeof(float);
    bytes = (size_t)d->batch->n * row < PARTS_BYTES ? (size_t)d->batch->n * row : PARTS_BYTES;
    bytes = bytes < row ? row : bytes;
    if (bytes <= cl_bytes(d->parts))
        return 0;
    opencl_forget(d);
    cl_drop(d->parts);
    d->parts = NULL;
    return cl_make(d->cl, &d->parts, bytes, "sums of attention", e);
}

/* ---- the head ----------------------------------------------------------------------------- */

static int asked(const struct device *d, int from, int to)
{
    int n = 0;

    for (int i = from; i < to; i++)
        n += head_asked(&d->batch->heads[i], d->p->n_vocab);
    return n;
}

int opencl_head_queue(struct device *d, const struct op *op, int from, int to, struct err *e)
{
    struct op_args a = args_of(d, op), sum;
    struct cl_memory *const sums[] = {d->logits, d->sums};
    struct cl_memory *const picks[] = {d->logits, d->picked, d->ints};

    a.finish = FINISH_LOGIT;
    a.rows = to - from;
    a.in[0] += (args_u64)from * (args_u64)a.ld_in[0];
    a.out[0] = 0;
    a.ld_out[0] = d->p->n_vocab;
    a.targets_at = d->at.targets + 2 * asked(d, 0, from);
    sum = a;
    sum.n = d->head_blocks;
    if (narrow(d, a, op->w[0]->k, e) < 0 ||
        product(d, op->w[0], a, d->logits, floats_of(d, op->bias[0]), e) < 0 ||
        launch(d, K_LOG_SUM, &sum, sums, 2, (size_t)d->head_blocks * sharing(d), (size_t)a.rows,
               e) < 0)
        return -1;
    return launch(d, K_PICK, &a, picks, 3, (size_t)asked(d, from, to), 1, e);
}

static int read_targets(struct device *d, int from, int to, struct err *e)
{
    int k = 0;

    if (cl_read(d->cl, d->picked, 0, d->picked_host, (size_t)asked(d, from, to) * sizeof(float),
                e) < 0)
        return -1;
    for (int i = from; i < to; i++) {
        struct head_row *h = &d->batch->heads[i];
        for (int t = 0; t < h->n_targets; t++)
            if (h->targets[t] >= 0 && h->targets[t] < d->p->n_vocab)
                h->target_logits[t] = d->picked_host[k++];
    }
    return 0;
}

int opencl_head_read(struct device *d, int from, int to, struct err *e)
{
    size_t vocab = (size_t)d->p->n_vocab, blocks = (size_t)d->head_blocks;
    struct lse *l;

    if (read_targets(d, from, to, e) < 0 ||
        cl_read(d->cl, d->sums, 0, d->sums_host, (size_t)(to - from) * blocks * 3 * sizeof(float),
                e) < 0)
        return -1;
    l = mem_alloc(blocks * sizeof *l);
    if (!l)
        return err_nomem(e);
    for (int i = from; i < to; i++) {
        struct head_row *h = &d->batch->heads[i];
        const float *s = d->sums_host + (size_t)(i - from) * blocks * 3;
        for (size_t b = 0; b < blocks; b++, s += 3)
            l[b] = (struct lse){s[0], s[1], (int32_t)s[2]};
        if (h->logits && cl_read(d->cl, d->logits, (size_t)(i - from) * vocab * sizeof(float),
                                 h->logits, vocab * sizeof(float), e) < 0) {
            mem_free(l);
            return -1;
        }
        head_combine(h, l, d->head_blocks, d->p->n_vocab);
    }
    mem_free(l);
    return 0;
}

/* As many rows at a time as there is memory for logits. */
static int head(struct device *d, const struct op *op, struct err *e)
{
    int rows = opencl_rows(d, op);

    for (int from = 0; from < rows; from += d->head_rows) {
        int to = rows - from < d->head_rows ? rows : from + d->head_rows;
        if (opencl_head_queue(d, op, from, to, e) < 0 || opencl_head_read(d, from, to, e) < 0)
            return -1;
    }
    return 0;
}

/* ---- the table ---------------------------------------------------------------------------- */

static int has_format(const struct weight *w)
{
    static const int types[] = {QUANT_F32,  QUANT_F16,  QUANT_BF16, QUANT_Q8_0, QUANT_Q4_0,
                                QUANT_Q4_1, QUANT_Q5_0, QUANT_Q5_1, QUANT_Q2_K, QUANT_Q3_K,
                                QUANT_Q4_K, QUANT_Q5_K, QUANT_Q6_K};

    for (size_t i = 0; w && i < sizeof types / sizeof types[0]; i++)
        if (types[i] == w->type)
            return 1;
    return !w;
}

static int has_formats(const struct op *op)
{
    return has_format(op->w[0]) && has_format(op->w[1]) && has_format(op->w[2]);
}

static int can_rotate(const struct op *op)
{
    return op->rope->n_rot >= 2;
}

/* ---- bandwidth ---- */

int opencl_read(struct device *d, struct err *e)
{
    enum { GROUPS = 4096 };
    size_t group = d->form == FORM_VECTOR ? kernels[K_READ].group[0] : kernels[K_READ].lanes[0];
    struct cl_memory *const memory[] = {d->shelf, d->arena};
    struct op_args a = {.rows = 1, .step = (int)group,
                        .in = {cl_bytes(d->shelf) / sizeof(float) / GROUPS}};
    float one;

    if (launch(d, K_READ, &a, memory, 2, GROUPS * group, 1, e) < 0)
        return -1;
    return cl_read(d->cl, d->arena, 0, &one, sizeof one, e); /* in order: it waits */
}

static const struct row {
    int (*run)(struct device *d, const struct op *op, struct err *e); /* NULL: the CPU's */
    int (*takes)(const struct op *op);                                /* NULL: all */
} rows[] = {
    [OP_EMBED] = {embed, has_formats},
    [OP_RMS_NORM] = {row_norm, NULL},
    [OP_LAYER_NORM] = {row_norm, NULL},
    [OP_HEAD_NORM] = {head_norm, NULL},
    [OP_LINEAR] = {linear, has_formats},
    [OP_ROPE] = {rope, can_rotate},
    [OP_CLAMP] = {elementwise, NULL},
    [OP_THRESHOLD] = {elementwise, NULL},
    [OP_SCALE] = {elementwise, NULL},
    [OP_TEMPER] = {temper, NULL},
    [OP_KV_STORE] = {kv_store, NULL},
    [OP_ATTENTION] = {attention, NULL},
    [OP_ADD] = {elementwise, NULL},
    [OP_GATE] = {elementwise, NULL},
    [OP_CONCAT] = {concat, NULL},
    [OP_SLICE] = {slice, NULL},
    [OP_SCALE_BY] = {elementwise, NULL},
    [OP_ROUTE] = {route_op, NULL},
    [OP_EXPERTS_UP] = {experts_up, has_formats},
    [OP_EXPERTS_DOWN] = {experts_down, has_formats},
    [OP_COMBINE] = {combine, NULL},
    [OP_GATHER] = {gather, NULL},
    [OP_HEAD] = {head, has_formats},
};

static const struct row *row_of(const struct op *op)
{
    return (size_t)op->kind < sizeof rows / sizeof rows[0] ? &rows[op->kind] : NULL;
}

int opencl_supports(const void *user, const struct op *op)
{
    const struct row *r = row_of(op);

    (void)user;
    return r && r->run && (!r->takes || r->takes(op));
}

int opencl_reads_floats(const struct op *op)
{
    return !op_has_matrix(op->kind) && op->kind != OP_EMBED;
}

int opencl_op(struct device *d, const struct op *op, struct err *e)
{
    return row_of(op)->run(d, op, e);
}
