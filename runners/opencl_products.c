/* opencl_products.c -- products with matrices: unpacked where they are used, by panels of
 * floats, or on tensor cores. */
#include "runners/opencl_launch.h"
#include "runners/quant.h"

enum { PANEL_BYTES = 4 << 20 };

static int gemm(struct device *d, struct op_args a, struct cl_memory *w, struct cl_memory *y,
                struct cl_memory *bias, struct err *e)
{
    struct cl_memory *const memory[] = {w, d->arena, y, bias};

    return opencl_launch(d, K_GEMM, &a, memory, 4, opencl_tiles(a.n, TILE_ROWS),
                         opencl_tiles(a.rows, TILE_COLS), e);
}

static int is_narrow(const struct device *d, int rows)
{
    return d->is_narrow && rows > THIN_COLS;
}

/* The columns of products with matrices of k elements a row, before tensor_product. */
int opencl_narrow(struct device *d, struct op_args a, int k, struct err *e)
{
    struct cl_memory *const memory[] = {d->arena, d->narrow, d->narrow_scales};

    if (!is_narrow(d, a.rows))
        return 0;
    a.k = k;
    a.step = NARROW_WORDS(k);
    return opencl_launch(d, K_NARROW, &a, memory, 3, (size_t)a.rows * LANES, 1, e);
}

static int tensor_product(struct device *d, const struct weight *w, struct op_args a,
                          struct cl_memory *y, struct cl_memory *bias, struct err *e)
{
    struct cl_memory *const memory[] = {d->weights[w->id], d->scales[w->id], d->narrow,
                                        d->narrow_scales, y, d->arena, bias};

    a.step = NARROW_WORDS(a.k);
    return opencl_launch(d, K_TENSOR, &a, memory, 7, opencl_tiles(a.n, TENSOR_TILE) * TENSOR_GROUP,
                         opencl_tiles(a.rows, TENSOR_TILE), e);
}

/* y = finish(w x + bias): of many columns by panels of floats, which are used for all of them. */
int opencl_product(struct device *d, const struct weight *w, struct op_args a, struct cl_memory *y,
                   struct cl_memory *bias, struct err *e)
{
    struct cl_memory *data = d->weights[w->id];
    struct cl_memory *const thin[] = {data, d->arena, y, bias}, *const expand[] = {data, d->panel};
    int step = (int)(PANEL_BYTES / sizeof(float) / (size_t)w->k);

    opencl_set_weight(&a, w);
    if (a.rows <= THIN_COLS)
        return opencl_launch(d, K_THIN, &a, thin, 4, (size_t)a.n * opencl_sharing(d), 1, e);
    if (is_narrow(d, a.rows))
        return tensor_product(d, w, a, y, bias, e);
    if (w->type == QUANT_F32)
        return gemm(d, a, data, y, bias, e);
    step = step < 1 ? 1 : step;
    for (int r = 0; r < w->rows; r += step) {
        a.row0 = r;
        a.n = w->rows - r < step ? w->rows - r : step;
        if (opencl_launch(d, K_EXPAND, &a, expand, 2, ((size_t)a.k + 31) / 32, (size_t)a.n,
                          e) < 0 ||
            gemm(d, a, d->panel, y, bias, e) < 0)
            return -1;
    }
    return 0;
}

int opencl_make_scales(struct device *d, const struct weight *w, struct err *e)
{
    struct cl_memory *const memory[] = {d->weights[w->id], d->scales[w->id]};
    struct op_args a = {0};

    opencl_set_weight(&a, w);
    return opencl_launch(d, K_WEIGHT_SCALES, &a, memory, 2, (size_t)w->rows * LANES, 1, e);
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

int opencl_linear(struct device *d, const struct op *op, struct err *e)
{
    struct op_args a = opencl_args_of(d, op);
    int n = op->epilogue == EPILOGUE_GLU ? 2 : op->n_out;

    if (opencl_narrow(d, a, op->w[0]->k, e) < 0)
        return -1;
    for (int i = 0; i < n; i++) {
        if (op->epilogue == EPILOGUE_GLU)
            a.finish = i ? FINISH_GLU : FINISH_PLAIN;
        else
            a.finish = op->epilogue == EPILOGUE_ADD   ? FINISH_ADD
                       : op->epilogue == EPILOGUE_ACT ? FINISH_ACT
                                                      : FINISH_PLAIN;
        opencl_place(d, op->out[op->epilogue == EPILOGUE_GLU ? 0 : i], &a.out[0], &a.ld_out[0]);
        if (opencl_product(d, op->w[i], a, d->arena, opencl_floats_of(d, op->bias[i]), e) < 0)
            return -1;
    }
    return 0;
}

static int expert_product(struct device *d, const struct weight *w, const struct weight *bias,
                          struct op_args a, struct err *e)
{
    struct cl_memory *const memory[] = {d->weights[w->id], d->arena, opencl_floats_of(d, bias)};

    opencl_set_weight(&a, w);
    a.step = (int)KERNEL_LD(w->rows);
    return opencl_launch(d, K_EXPERTS, &a, memory, 3, (size_t)a.n * opencl_sharing(d),
                         (size_t)a.rows * (size_t)a.parts, e);
}

int opencl_experts_up(struct device *d, const struct op *op, struct err *e)
{
    struct op_args a = opencl_args_of(d, op);

    if (op->w[0] && expert_product(d, op->w[0], op->bias[0], a, e) < 0)
        return -1;
    a.finish = !op->w[0] ? FINISH_ACT : op->limit > 0 ? FINISH_CLAMPED_GLU : FINISH_GLU;
    return expert_product(d, op->w[1], op->bias[1], a, e);
}

int opencl_experts_down(struct device *d, const struct op *op, struct err *e)
{
    struct op_args a = opencl_args_of(d, op);

    a.part_ld = (int)KERNEL_LD(op->w[0]->k);
    return expert_product(d, op->w[0], op->bias[0], a, e);
}
