/* opencl_ops.c -- operations as launches of kernels: one row per kind, what it takes and how. */
#include "runners/opencl_launch.h"
#include "runners/quant.h"

/* ---- rows --------------------------------------------------------------------------------- */

static int embed(struct device *d, const struct op *op, struct err *e)
{
    struct op_args a = opencl_args_of(d, op);
    struct cl_memory *const memory[] = {d->weights[op->w[0]->id],
                                        op->w[1] ? d->weights[op->w[1]->id] : NULL, d->arena,
                                        d->ints};

    opencl_set_weight(&a, op->w[0]);
    if (op->w[1]) {
        a.type_2 = op->w[1]->type;
        a.slab_bytes = op->w[1]->row_bytes;
    }
    return opencl_launch(d, K_EMBED, &a, memory, 4, ((size_t)a.k + 31) / 32, (size_t)a.rows, e);
}

static int row_norm(struct device *d, const struct op *op, struct err *e)
{
    struct op_args a = opencl_args_of(d, op);
    int is_layer = op->kind == OP_LAYER_NORM;
    struct cl_memory *const memory[] = {d->arena, opencl_floats_of(d, op->w[0]),
                                        is_layer ? opencl_floats_of(d, op->bias[0]) : NULL};

    a.mean_removed = is_layer;
    return opencl_launch(d, K_ROW_NORM, &a, memory, 3, (size_t)a.rows * LANES, 1, e);
}

static int head_norm(struct device *d, const struct op *op, struct err *e)
{
    struct op_args a = opencl_args_of(d, op);
    const struct weight *w = op->w[0];
    struct cl_memory *const memory[] = {d->arena, opencl_floats_of(d, w)};

    a.step = w && (int64_t)w->k * w->rows > op->head_dim ? op->head_dim : 0;
    return opencl_launch(d, K_HEAD_NORM, &a, memory, 2, (size_t)a.rows * (size_t)a.heads * LANES, 1,
                         e);
}

static int rope(struct device *d, const struct op *op, struct err *e)
{
    struct op_args a = opencl_args_of(d, op);

    a.n_rot = op->rope->n_rot;
    a.halves = op->rope->halves;
    a.at = op->rope_at;
    a.in[1] = 0;
    for (const struct rope *r = d->p->ropes; r != op->rope; r++)
        a.in[1] += (args_u64)r->n_rot * (args_u64)d->max_rows;
    return opencl_each(d, K_ROPE, &a, a.heads * (a.n_rot / 2), d->angles, e);
}

static const struct {
    enum op_kind kind;
    enum opencl_kernel kernel;
} plain[] = { /* one kernel over the arena alone */
    {OP_CLAMP, K_CLAMP}, {OP_THRESHOLD, K_THRESHOLD}, {OP_SCALE, K_SCALE}, {OP_ADD, K_ADD},
    {OP_GATE, K_GATE},   {OP_SCALE_BY, K_SCALE_BY},
};

static int elementwise(struct device *d, const struct op *op, struct err *e)
{
    struct op_args a = opencl_args_of(d, op);
    size_t i = 0;

    while (plain[i].kind != op->kind)
        i++;
    return opencl_each(d, plain[i].kernel, &a, a.n, NULL, e);
}

static int temper(struct device *d, const struct op *op, struct err *e)
{
    struct op_args a = opencl_args_of(d, op);

    a.temper_scale = op->temper.scale;
    a.temper_offset = op->temper.offset;
    a.temper_length = op->temper.length;
    return opencl_each(d, K_TEMPER, &a, a.n, d->ints, e);
}

static int slice(struct device *d, const struct op *op, struct err *e)
{
    struct op_args a = opencl_args_of(d, op);
    struct cl_memory *const memory[] = {d->arena, opencl_floats_of(d, op->w[0])};

    a.at = op->at;
    return opencl_launch(d, K_SLICE, &a, memory, 2, (size_t)a.n, (size_t)a.rows, e);
}

static int concat(struct device *d, const struct op *op, struct err *e)
{
    struct op_args a = opencl_args_of(d, op);
    int first = d->p->values[op->in[0]].width, second = d->p->values[op->in[1]].width;

    if (opencl_each(d, K_CONCAT, &a, first, NULL, e) < 0)
        return -1;
    a.in[0] = a.in[1];
    a.ld_in[0] = a.ld_in[1];
    a.at = first;
    a.n = second;
    return opencl_each(d, K_CONCAT, &a, second, NULL, e);
}

static int gather(struct device *d, const struct op *op, struct err *e)
{
    struct op_args a = opencl_args_of(d, op);

    return opencl_each(d, K_GATHER, &a, a.n, d->ints, e);
}

static int route_op(struct device *d, const struct op *op, struct err *e)
{
    struct op_args a = opencl_args_of(d, op);
    struct cl_memory *const memory[] = {d->arena, opencl_floats_of(d, op->w[0]),
                                        opencl_floats_of(d, op->w[1])};

    a.parts = op->route.used;
    a.experts = op->route.experts;
    a.gating = op->route.gating;
    a.groups = op->route.groups;
    a.groups_used = op->route.groups_used;
    a.is_normalised = op->route.is_normalised;
    a.scale = op->route.scale;
    return opencl_launch(d, K_ROUTE, &a, memory, 3, (size_t)a.rows, 1, e);
}

static int combine(struct device *d, const struct op *op, struct err *e)
{
    struct op_args a = opencl_args_of(d, op);

    a.part_ld = (int)KERNEL_LD(op->parts.width);
    return opencl_each(d, K_COMBINE, &a, a.n, NULL, e);
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

static const struct row {
    int (*run)(struct device *d, const struct op *op, struct err *e); /* NULL: the CPU's */
    int (*takes)(const struct op *op);                                /* NULL: all */
} rows[] = {
    [OP_EMBED] = {embed, has_formats},
    [OP_RMS_NORM] = {row_norm, NULL},
    [OP_LAYER_NORM] = {row_norm, NULL},
    [OP_HEAD_NORM] = {head_norm, NULL},
    [OP_LINEAR] = {opencl_linear, has_formats},
    [OP_ROPE] = {rope, can_rotate},
    [OP_CLAMP] = {elementwise, NULL},
    [OP_THRESHOLD] = {elementwise, NULL},
    [OP_SCALE] = {elementwise, NULL},
    [OP_TEMPER] = {temper, NULL},
    [OP_KV_STORE] = {opencl_kv_store, NULL},
    [OP_ATTENTION] = {opencl_attention, NULL},
    [OP_ADD] = {elementwise, NULL},
    [OP_GATE] = {elementwise, NULL},
    [OP_CONCAT] = {concat, NULL},
    [OP_SLICE] = {slice, NULL},
    [OP_SCALE_BY] = {elementwise, NULL},
    [OP_ROUTE] = {route_op, NULL},
    [OP_EXPERTS_UP] = {opencl_experts_up, has_formats},
    [OP_EXPERTS_DOWN] = {opencl_experts_down, has_formats},
    [OP_COMBINE] = {combine, NULL},
    [OP_GATHER] = {gather, NULL},
    [OP_HEAD] = {opencl_head, has_formats},
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
