/* arch_ops.c -- tensors by name and operations by kind, for the builders.  See arch_build.h. */
#include <stdio.h>

#include "runners/arch_build.h"

const struct op OP_EMPTY = {.in = {-1, -1, -1, -1}, .out = {-1, -1, -1}, .scale = 1};

const struct weight *need(struct build *b, int layer, const char *name)
{
    return model_weight(b->m, layer, name, 1, b->e);
}

const struct weight *maybe(struct build *b, int layer, const char *name)
{
    return model_weight(b->m, layer, name, 0, b->e);
}

int has_tensor(struct build *b, int layer, const char *name)
{
    char full[96];

    if (layer < 0)
        return gguf_tensor_find(b->m->file, name) != NULL;
    snprintf(full, sizeof full, "blk.%d.%s", layer, name);
    return gguf_tensor_find(b->m->file, full) != NULL;
}

int emit(struct build *b, int layer, struct op op, int width)
{
    op.layer = layer;
    op.out[0] = program_value(&b->m->program, width);
    op.n_out = 1;
    op.wanted_rows = b->wanted;
    program_op(&b->m->program, op);
    return op.out[0];
}

void emit_in_place(struct build *b, int layer, struct op op, int value)
{
    op.layer = layer;
    op.out[0] = value;
    op.n_out = 1;
    op.wanted_rows = b->wanted;
    program_op(&b->m->program, op);
}

/* NULL with e->code == ERR_OK where the tensor is not in the file. */
static const struct weight *part_of_norm(struct build *b, int layer, const char *name,
                                         const char *suffix, int required)
{
    char full[80];

    snprintf(full, sizeof full, "%s%s", name, suffix);
    return model_weight(b->m, layer, full, required, b->e);
}

int add_norm(struct build *b, int layer, int in, const char *name)
{
    int layer_norm = (b->a->flags & LAYER_NORM) != 0, bare = (b->a->flags & BARE_NORM) != 0;
    int at = layer < b->m->hp.layers ? layer : -1;
    struct op op = OP_EMPTY;

    op.kind = layer_norm ? OP_LAYER_NORM : OP_RMS_NORM;
    op.in[0] = in;
    op.eps = b->eps;
    if (!bare) /* Falcon-H1 writes one name without its suffix */
        op.w[0] = part_of_norm(b, at, name, has_tensor(b, at, name) ? "" : ".weight", 1);
    if (!bare && op.w[0] && layer_norm)
        op.bias[0] = part_of_norm(b, at, name, ".bias", 0);
    if (b->e->code)
        return -1;
    return emit(b, layer, op, program_width(&b->m->program, in));
}

int add_gather(struct build *b, int value)
{
    struct op op = OP_EMPTY;
    int wanted = b->wanted;

    op.kind = OP_GATHER;
    op.in[0] = value;
    b->wanted = 1;
    value = emit(b, 0, op, program_width(&b->m->program, value));
    b->wanted = wanted;
    return value;
}

int want_rows(struct build *b, int layer, int value)
{
    if (layer != b->m->hp.layers - 1)
        return value;
    value = add_gather(b, value);
    b->residual = add_gather(b, b->residual);
    if (b->a->moe & MOE_ROUTES_BLOCK_INPUT)
        b->block_input = add_gather(b, b->block_input);
    b->wanted = 1;
    return value;
}

/* NAME.weight and NAME.bias; rows 0: all. */
static int take_linear(struct build *b, int layer, const char *name, int row0, int rows,
                       struct op *op)
{
    char weight[80], bias[80];

    snprintf(weight, sizeof weight, "%s.weight", name);
    snprintf(bias, sizeof bias, "%s.bias", name);
    op->w[0] = rows ? model_weight_rows(b->m, layer, weight, row0, rows, b->e)
                    : need(b, layer, weight);
    if (op->w[0] && has_tensor(b, layer, bias))
        op->bias[0] = rows ? model_part(b->m, layer, bias, row0, rows, b->e)
                           : need(b, layer, bias);
    return b->e->code ? -1 : 0;
}

/* A factor for the whole product, as some ternary files have it; NULL: none. */
static const struct weight *output_scale(struct build *b, int layer, const char *name)
{
    char scale[80];

    if (!(b->a->flags & SUB_NORMS)) /* others have tensors of this name and other meaning */
        return NULL;
    snprintf(scale, sizeof scale, "%s.scale", name);
    return has_tensor(b, layer, scale) ? model_table(b->m, layer, scale, 1, 1, b->e) : NULL;
}

int add_linear(struct build *b, int layer, int in, const char *name, int row0, int rows,
               enum activation act)
{
    struct op op = OP_EMPTY, after = OP_EMPTY;
    const struct weight *scale = output_scale(b, layer, name);
    int value;

    op.kind = OP_LINEAR;
    op.in[0] = in;
    if (b->e->code || take_linear(b, layer, name, row0, rows, &op) < 0)
        return -1;
    if (act != ACT_NONE) {
        op.epilogue = EPILOGUE_ACT;
        op.act = act;
    }
    value = emit(b, layer, op, op.w[0]->rows);
    if (scale) {
        after.kind = OP_SCALE;
        after.scale = scale->f32[0];
        emit_in_place(b, layer, after, value);
    }
    return value;
}

void add_residual(struct build *b, int layer, int branch)
{
    struct op op = OP_EMPTY;

    op.kind = OP_ADD;
    op.in[0] = b->residual;
    op.in[1] = branch;
    op.scale = b->residual_scale;
    b->residual = emit(b, layer, op, b->m->hp.embd);
}

int add_branch(struct build *b, int layer, int in, const char *name, const char *post_norm)
{
    struct op op = OP_EMPTY;
    int value;

    if (!post_norm && !output_scale(b, layer, name)) {
        op.kind = OP_LINEAR;
        op.in[0] = in;
        op.in[1] = b->residual;
        op.epilogue = EPILOGUE_ADD;
        op.scale = b->residual_scale;
        if (take_linear(b, layer, name, 0, 0, &op) < 0)
            return -1;
        b->residual = emit(b, layer, op, b->m->hp.embd);
        return 0;
    }
    value = add_linear(b, layer, in, name, 0, 0, ACT_NONE);
    if (value >= 0 && post_norm)
        value = add_norm(b, layer, value, post_norm);
    if (value < 0)
        return -1;
    add_residual(b, layer, value);
    return 0;
}

void scale_value(struct build *b, int layer, int value, float scale)
{
    struct op op = OP_EMPTY;

    op.kind = OP_SCALE;
    op.scale = scale;
    emit_in_place(b, layer, op, value);
}

int add_sum(struct build *b, int layer, int x, int y)
{
    struct op op = OP_EMPTY;

    op.kind = OP_ADD;
    op.in[0] = x;
    op.in[1] = y;
    return x < 0 || y < 0 ? -1 : emit(b, layer, op, program_width(&b->m->program, x));
}
