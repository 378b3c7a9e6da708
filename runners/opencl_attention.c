/* opencl_attention.c -- keys and values into their pages, and attention over them. */
#include "runners/opencl_launch.h"

enum {
    PARTS_BYTES = 32 << 20, /* of the parts of the rows that attend at once; one row's, at least */
    GROUPS_MAX = 65535,     /* in the second dimension: CUDA's bound */
};

static struct cl_memory *scratch_of(const struct device *d, const struct op *op)
{
    return d->scratch[d->p->shares_kv ? op->kv_layer : 0];
}

static void set_pages(const struct device *d, const struct op *op, struct op_args *a)
{
    a->page_floats = d->page_floats[op->kv_layer];
    a->scratch_floats = d->p->shares_kv ? a->page_floats : d->scratch_floats;
}

int opencl_kv_store(struct device *d, const struct op *op, struct err *e)
{
    struct op_args a = opencl_args_of(d, op);
    struct cl_memory *const memory[] = {d->arena, d->kv[op->kv_layer], scratch_of(d, op), d->ints};

    set_pages(d, op, &a);
    return opencl_launch(d, K_KV_STORE, &a, memory, 4,
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
                                        opencl_floats_of(d, op->w[1]), d->ints};
    struct cl_memory *const join[] = {d->arena, d->parts, opencl_floats_of(d, op->w[0]), d->ints};
    size_t sets = (size_t)op->kv_heads * opencl_tiles(op->heads / op->kv_heads, SHARERS) *
                  opencl_tiles(op->value_dim, VALUES), n_parts = (size_t)d->n_parts;
    size_t fit = (size_t)cl_bytes(d->parts) / sizeof(float) / part_floats(op) / n_parts;
    size_t most = GROUPS_MAX / n_parts, step = fit < most ? fit : most, all = (size_t)a.rows;

    a.n_parts = d->n_parts;
    for (size_t row = 0; row < all; row += step) {
        size_t n = all - row < step ? all - row : step;
        a.row0 = (int)row;
        if (opencl_launch(d, K_ATTEND, &a, memory, 6, sets * LANES, n * n_parts, e) < 0 ||
            opencl_launch(d, K_ATTEND_JOIN, &a, join, 4,
                          (size_t)op->heads * (size_t)op->value_dim, n, e) < 0)
            return -1;
    }
    return 0;
}

int opencl_attention(struct device *d, const struct op *op, struct err *e)
{
    struct op_args a = opencl_args_of(d, op);
    struct cl_memory *const memory[] = {d->arena, d->kv[op->kv_layer], scratch_of(d, op),
                                        opencl_floats_of(d, op->w[0]),
                                        opencl_floats_of(d, op->w[1]), d->ints};

    set_pages(d, op, &a);
    if (d->form != FORM_VECTOR)
        return attend_parts(d, op, a, e);
    return opencl_launch(d, K_ATTENTION, &a, memory, 6, (size_t)a.heads, (size_t)a.rows, e);
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
