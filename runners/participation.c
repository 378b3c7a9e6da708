/* participation.c -- see participation.h. */
#include "runners/participation.h"

#include "base/mem.h"

static int has_experts(const struct op *op)
{
    return op->kind == OP_EXPERTS_UP || op->kind == OP_EXPERTS_DOWN;
}

/* Of a bias that all experts share a tensor for. */
static uint64_t part_of_experts(const struct op *op)
{
    return has_experts(op) ? (uint64_t)op->parts.n : 1;
}

static uint64_t all_experts(const struct op *op)
{
    return has_experts(op) ? (uint64_t)op->route.experts : 1;
}

/* Rows of w that one token's pass reads: of a table its own, of experts those used. */
static uint64_t matrix_rows(const struct op *op, const struct weight *w)
{
    switch (op->kind) {
    case OP_EMBED:
        return 1;
    case OP_EXPERTS_UP:
    case OP_EXPERTS_DOWN:
        return (uint64_t)w->rows * (uint64_t)op->parts.n;
    default:
        return (uint64_t)w->rows * (uint64_t)w->slabs;
    }
}

uint64_t participation_active(const struct model *m)
{
    uint64_t n = m->parameters - m->parameters_unused;

    for (int i = 0; i < m->program.n_ops; i++) {
        const struct op *op = &m->program.ops[i];
        if (!has_experts(op))
            continue;
        for (int k = 0; k < OP_OUTS; k++)
            if (op->w[k]) /* with a bias: one more per row */
                n -= (uint64_t)(op->w[k]->slabs - op->parts.n) * (uint64_t)op->w[k]->rows *
                     ((uint64_t)op->w[k]->k + (op->bias[k] != NULL));
    }
    return n;
}

uint64_t participation_bytes(const struct model *m)
{
    const struct program *p = &m->program;
    uint64_t n = 0;

    for (int i = 0; i < p->n_ops; i++)
        for (int k = 0; k < OP_OUTS; k++) {
            const struct weight *w = p->ops[i].w[k], *b = p->ops[i].bias[k];
            if (w)
                n += w->row_bytes * matrix_rows(&p->ops[i], w);
            if (b)
                n += b->row_bytes * (uint64_t)b->rows * part_of_experts(&p->ops[i]) /
                     all_experts(&p->ops[i]);
        }
    return n;
}

/* The op that made a value whose gates tell which rows of w[1] are read; NULL: none. */
static const struct op *sparse_producer(const struct program *p, int value)
{
    for (int i = 0; i < p->n_ops; i++) {
        const struct op *op = &p->ops[i];
        if (op->n_out == 1 && op->out[0] == value)
            return op_makes_zeros(op) && op->w[0] && op->w[1] ? op : NULL;
    }
    return NULL;
}

/* What the zeros of the values that this op reads leave unread, in bytes per row. */
static double bytes_spared(const struct program *p, const struct op *op, const struct op_tally *t)
{
    const struct op *up = sparse_producer(p, op->in[0]);
    double rows = (double)t->rows, n = 0;

    if (t->rows == 0)
        return 0;
    if (t->is_partial)
        n += (double)op->w[0]->row_bytes * op->w[0]->rows - (double)t->bytes / rows;
    if (up)
        n += (double)(t->values - t->nonzero) / rows * (double)up->w[1]->row_bytes;
    return n;
}

static double parameters_spared(const struct program *p, const struct op *op,
                                const struct op_tally *t)
{
    const struct op *up = sparse_producer(p, op->in[0]);
    double zeros;

    if (t->rows == 0)
        return 0;
    zeros = (double)(t->values - t->nonzero) / (double)t->rows;
    return zeros * op->w[0]->rows * op->is_sparse + (up ? zeros * up->w[1]->k : 0);
}

static int fold_op(struct layer_participation *l, const struct op *op, const struct op_tally *t,
                   struct err *e)
{
    l->rows = t->rows;
    l->values += t->values;
    l->nonzero += t->nonzero;
    l->over_1 += t->over_1;
    l->over_10 += t->over_10;
    if (op->kind != OP_EXPERTS_DOWN || l->hits)
        return 0;
    l->experts = op->route.experts;
    l->used = op->parts.n;
    l->hits = mem_calloc((size_t)l->experts, sizeof *l->hits);
    if (!l->hits)
        return err_nomem(e);
    for (int x = 0; x < l->experts; x++)
        l->hits[x] = t->hits[x];
    return 0;
}

int participation_fold(struct participation *out, const struct model *m,
                       const struct op_tally *tally, struct err *e)
{
    const struct program *p = &m->program;

    *out = (struct participation){
        .layers = p->n_layers, .parameters_active = (double)participation_active(m),
        .weight_bytes_per_token = (double)participation_bytes(m),
        .layer = mem_calloc((size_t)p->n_layers, sizeof *out->layer)};
    if (!out->layer)
        return err_nomem(e);
    for (int i = 0; i < p->n_ops; i++) {
        const struct op *op = &p->ops[i];
        if (!tally[i].is_counted || op->layer >= p->n_layers)
            continue;
        if (fold_op(&out->layer[op->layer], op, &tally[i], e) < 0)
            return -1;
        if (out->rows < tally[i].rows)
            out->rows = tally[i].rows;
        out->weight_bytes_per_token -= bytes_spared(p, op, &tally[i]);
        out->parameters_active -= parameters_spared(p, op, &tally[i]);
    }
    return 0;
}

void participation_release(struct participation *p)
{
    for (int i = 0; p->layer && i < p->layers; i++)
        mem_free(p->layer[i].hits);
    mem_free(p->layer);
    *p = (struct participation){0};
}
