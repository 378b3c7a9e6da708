/* arch_ffn.c -- dense feed-forward blocks: gated, ungated, with gate and up in one matrix. */
#include <stdio.h>

#include "runners/arch_build.h"
#include "runners/dmath.h"

/* act(gate) * up in one pass over the activations. */
static int add_glu(struct build *b, int layer, int in)
{
    struct op op = OP_EMPTY;

    op.kind = OP_LINEAR;
    op.in[0] = in;
    op.epilogue = EPILOGUE_GLU;
    op.act = b->act;
    op.w[0] = need(b, layer, "ffn_gate.weight");
    op.w[1] = op.w[0] ? need(b, layer, "ffn_up.weight") : NULL;
    if (!op.w[1])
        return -1;
    op.bias[0] = maybe(b, layer, "ffn_gate.bias");
    op.bias[1] = maybe(b, layer, "ffn_up.bias");
    return b->e->code ? -1 : emit(b, layer, op, op.w[0]->rows);
}

/* The rows of the gate come first. */
static int add_fused_glu(struct build *b, int layer, int in)
{
    const struct weight *both = need(b, layer, "ffn_up.weight");
    int ff = both ? both->rows / 2 : 0;
    struct op op = OP_EMPTY;

    if (!both)
        return -1;
    if (ff == 0 || both->rows % 2)
        return err_set(b->e, ERR_FORMAT, "%s: %s has %d rows, expected gate and up",
                       gguf_path(b->m->file), both->name, both->rows);
    op.kind = OP_LINEAR;
    op.in[0] = in;
    op.epilogue = EPILOGUE_GLU;
    op.act = b->act;
    for (int i = 0; i < 2; i++) {
        op.w[i] = model_weight_rows(b->m, layer, "ffn_up.weight", i * ff, ff, b->e);
        if (op.w[i] && has_tensor(b, layer, "ffn_up.bias"))
            op.bias[i] = model_part(b->m, layer, "ffn_up.bias", i * ff, ff, b->e);
    }
    return b->e->code ? -1 : emit(b, layer, op, ff);
}

/* With factors for whole products (bitnet) the two products come first. */
static int add_scaled_glu(struct build *b, int layer, int in)
{
    struct op op = OP_EMPTY;

    op.kind = OP_GATE;
    op.act = b->act;
    op.in[0] = add_linear(b, layer, in, "ffn_gate", 0, 0, ACT_NONE);
    op.in[1] = op.in[0] < 0 ? -1 : add_linear(b, layer, in, "ffn_up", 0, 0, ACT_NONE);
    return op.in[1] < 0 ? -1 : emit(b, layer, op, program_width(&b->m->program, op.in[0]));
}

/* Parameters as trained, one set or one per layer, under keys without the family's name. */
static double xielu_number(struct build *b, const char *key, int layer)
{
    enum gguf_type type;
    size_t n = 0;
    char name[64];
    int found;

    snprintf(name, sizeof name, "xielu.%s", key);
    found = gguf_get_array(b->m->file, name, &type, &n, b->e);
    if (found == 1 && (n == 1 || n >= (size_t)b->m->hp.layers))
        return gguf_array_f64(b->m->file, name, n == 1 ? 0 : (size_t)layer);
    if (found >= 0)
        err_set(b->e, ERR_FORMAT, "%s: key %s is missing, or has %zu elements for %d layers",
                gguf_path(b->m->file), name, n, b->m->hp.layers);
    return 0;
}

static double softplus(double x)
{
    return x > 20 ? x : dmath_log(1 + dmath_exp(x));
}

static int add_xielu(struct build *b, int layer, int in)
{
    int value = add_linear(b, layer, in, "ffn_up", 0, 0, ACT_NONE);
    double beta = xielu_number(b, "beta", layer);
    struct op op = OP_EMPTY;

    op.kind = OP_XIELU;
    op.xielu = (struct xielu){
        .p = (float)softplus(xielu_number(b, "alpha_p", layer)),
        .n = (float)(beta + softplus(xielu_number(b, "alpha_n", layer))),
        .beta = (float)beta,
        .eps = (float)xielu_number(b, "eps", layer),
    };
    if (value < 0 || b->e->code)
        return -1;
    emit_in_place(b, layer, op, value);
    return value;
}

static int add_hidden(struct build *b, int layer, int in)
{
    if (b->a->flags & XIELU)
        return add_xielu(b, layer, in);
    if (b->a->flags & UNGATED)
        return add_linear(b, layer, in, "ffn_up", 0, 0, b->act);
    if (!has_tensor(b, layer, "ffn_gate.weight"))
        return add_fused_glu(b, layer, in);
    if (has_tensor(b, layer, "ffn_gate.scale") || has_tensor(b, layer, "ffn_up.scale"))
        return add_scaled_glu(b, layer, in);
    return add_glu(b, layer, in);
}

int add_dense(struct build *b, int layer, int in)
{
    int value = add_hidden(b, layer, in);

    return value < 0 ? -1 : add_linear(b, layer, value, "ffn_down", 0, 0, ACT_NONE);
}

int add_feed_forward(struct build *b, int layer, int in, const char *post_norm)
{
    int value;

    if (has_tensor(b, layer, "ffn_gate_inp.weight"))
        return add_moe(b, layer, in, post_norm);
    value = add_hidden(b, layer, in);

    if (value >= 0 && b->a->flags & SUB_NORMS)
        value = add_norm(b, layer, value, "ffn_sub_norm");
    return value < 0 ? -1 : add_branch(b, layer, value, "ffn_down", post_norm);
}
