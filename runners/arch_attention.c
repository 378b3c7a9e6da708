/* arch_attention.c -- queries, keys and values, their norms and rotation, and attention. */
#include <math.h>

#include "runners/arch_build.h"
#include "runners/dmath.h"

struct part { /* of the fused matrix, or a matrix of its own */
    const char *weight, *bias;
    int row0, rows;
};

static int take_part(struct build *b, int layer, const struct part *p, int fused, struct op *op,
                     int i)
{
    const char *name = fused ? "attn_qkv.weight" : p->weight;

    op->w[i] = fused ? model_weight_rows(b->m, layer, name, p->row0, p->rows, b->e)
                     : need(b, layer, name);
    if (!op->w[i])
        return -1;
    if (has_tensor(b, layer, p->bias))
        op->bias[i] = need(b, layer, p->bias);
    else if (fused && has_tensor(b, layer, "attn_qkv.bias"))
        op->bias[i] = model_part(b->m, layer, "attn_qkv.bias", p->row0, p->rows, b->e);
    op->out[i] = program_value(&b->m->program, p->rows);
    return b->e->code ? -1 : 0;
}

static void scale_parts(struct build *b, int layer, const int *out)
{
    static const char *const names[] = {"attn_q.scale", "attn_k.scale", "attn_v.scale"};
    struct op op = OP_EMPTY;

    op.kind = OP_SCALE;
    for (int i = 0; i < 3; i++) {
        const struct weight *w =
            has_tensor(b, layer, names[i]) ? model_table(b->m, layer, names[i], 1, 1, b->e) : NULL;
        if (!w)
            continue;
        op.scale = w->f32[0];
        emit_in_place(b, layer, op, out[i]);
    }
}

/* Separate matrices or one with the rows of q, k and v in this order. */
static int add_qkv(struct build *b, int layer, int in, int out[3])
{
    const struct layer *l = &b->layers[layer];
    int k = l->kv_heads * l->head_dim;
    int q = l->heads * l->head_dim * (b->a->flags & GATED_HEADS ? 2 : 1);
    int values_are_keys = !has_tensor(b, layer, "attn_v.weight") &&
                          b->block == BLOCK_GEMMA4;
    int own = l->kv_layer == layer; /* else only queries */
    const struct part parts[] = {
        {"attn_q.weight", "attn_q.bias", 0, q},
        {"attn_k.weight", "attn_k.bias", q, k},
        {values_are_keys ? "attn_k.weight" : "attn_v.weight", "attn_v.bias", q + k,
         l->kv_heads * l->value_dim},
    };
    int fused = has_tensor(b, layer, "attn_qkv.weight");
    struct op op = OP_EMPTY;

    op.kind = OP_LINEAR;
    op.layer = layer;
    op.in[0] = in;
    op.n_out = own ? 3 : 1;
    out[1] = out[2] = -1;
    for (int i = 0; i < op.n_out; i++) {
        if (take_part(b, layer, &parts[i], fused, &op, i) < 0)
            return -1;
        out[i] = op.out[i];
    }
    program_op(&b->m->program, op);
    scale_parts(b, layer, out);
    return b->e->code ? -1 : 0;
}

/* One weight vector for every head or, {head_dim, heads}, one each; RMS or the family's norm. */
static int add_head_norm(struct build *b, int layer, int value, int heads, const char *name)
{
    int n = b->layers[layer].head_dim;
    struct op op = OP_EMPTY;

    if (value < 0 || !has_tensor(b, layer, name))
        return 0;
    op.kind = OP_HEAD_NORM;
    op.mean_removed = (b->a->flags & LAYER_NORM) != 0;
    op.heads = heads;
    op.head_dim = n;
    op.eps = b->eps;
    op.w[0] = need(b, layer, name);
    if (op.w[0] && op.w[0]->rows > 1)
        op.w[0] = model_table(b->m, layer, name, n * heads, 1, b->e);
    if (!op.w[0])
        return -1;
    emit_in_place(b, layer, op, value);
    return 0;
}

static void add_bare_norm(struct build *b, int layer, int value, int heads)
{
    struct op op = OP_EMPTY;

    if (value < 0)
        return;
    op.kind = OP_HEAD_NORM;
    op.heads = heads;
    op.head_dim = b->layers[layer].head_dim;
    op.eps = b->eps;
    emit_in_place(b, layer, op, value);
}

static int add_head_norms(struct build *b, int layer, const int qkv[3])
{
    const struct layer *l = &b->layers[layer];

    return add_head_norm(b, layer, qkv[0], l->heads, "attn_q_norm.weight") < 0
               ? -1
               : add_head_norm(b, layer, qkv[1], l->kv_heads, "attn_k_norm.weight");
}

static void add_clamps(struct build *b, int layer, const int qkv[3])
{
    struct op op = OP_EMPTY;

    op.kind = OP_CLAMP;
    op.limit = b->clamp;
    for (int i = 0; i < 3 && b->clamp > 0; i++)
        if (qkv[i] >= 0)
            emit_in_place(b, layer, op, qkv[i]);
}

static int add_row_norms(struct build *b, int layer, int qkv[3])
{
    static const char *const names[] = {"attn_q_norm", "attn_k_norm"};

    for (int i = 0; i < 2; i++) {
        qkv[i] = add_norm(b, layer, qkv[i], names[i]);
        if (qkv[i] < 0)
            return -1;
    }
    return 0;
}

static void add_rope(struct build *b, int layer, int value, int heads)
{
    struct op op = OP_EMPTY;

    if (value < 0)
        return;
    op.kind = OP_ROPE;
    op.rope = b->layers[layer].rope == LAYER_ROPE_LOCAL ? b->rope_local : b->rope;
    op.heads = heads;
    op.head_dim = b->layers[layer].head_dim;
    emit_in_place(b, layer, op, value);
}

void add_temper(struct build *b, int layer, int query)
{
    struct op op = OP_EMPTY;

    op.kind = OP_TEMPER;
    op.temper = b->layers[layer].temper;
    if (op.temper.scale != 0)
        emit_in_place(b, layer, op, query);
}

/* The bias grows with the distance, by a slope per head (arXiv 2108.12409, section 3): powers of
 * 2^(-max/n) for the first n heads, n a power of two, and those in between for the rest. */
static const struct weight *alibi_slopes(struct build *b, int heads)
{
    float slopes[64];
    int n = 1;

    if (heads > (int)(sizeof slopes / sizeof slopes[0])) {
        err_set(b->e, ERR_UNSUPPORTED, "%s: %d heads with slopes, at most %zu are read",
                gguf_path(b->m->file), heads, sizeof slopes / sizeof slopes[0]);
        return NULL;
    }
    while (2 * n <= heads)
        n *= 2;
    for (int h = 0; h < heads; h++) {
        double steps = h < n ? h + 1 : h - n + 0.5;
        slopes[h] = (float)dmath_power(2, -(double)b->alibi_max * steps, n);
    }
    return model_made(b->m, "slopes", slopes, heads, b->e);
}

static int add_attend(struct build *b, int layer, const int qkv[3])
{
    const struct layer *l = &b->layers[layer];
    struct op op = OP_EMPTY;

    op.layer = layer;
    op.heads = l->heads;
    op.kv_heads = l->kv_heads;
    op.head_dim = l->head_dim;
    op.value_dim = l->value_dim;
    op.kv_layer = l->kv_layer;
    op.kind = OP_KV_STORE;
    op.in[0] = qkv[1];
    op.in[1] = qkv[2];
    if (l->kv_layer == layer) {
        program_op(&b->m->program, op);
        b->m->program.kv[layer] = (struct layer_kv){l->kv_heads, l->head_dim, l->value_dim};
    } else {
        b->m->program.shares_kv = 1;
    }
    op.kind = OP_ATTENTION;
    op.in[0] = qkv[0];
    op.in[1] = -1;
    op.window = l->window;
    op.chunk = l->chunk;
    op.scale = l->scale;
    op.softcap = b->attn_softcap;
    if (has_tensor(b, layer, "attn_sinks.weight"))
        op.w[0] = need(b, layer, "attn_sinks.weight");
    if (b->alibi_max > 0 && !b->e->code)
        op.w[1] = alibi_slopes(b, l->heads);
    if (b->e->code)
        return -1;
    return emit(b, layer, op, l->heads * l->value_dim);
}

/* [query | gate] per head into one value each. */
static int deal_queries(struct build *b, int layer, int *q)
{
    int n = b->layers[layer].head_dim, heads = b->layers[layer].heads, gate;
    struct op op = OP_EMPTY;

    op.kind = OP_DEAL;
    op.layer = layer;
    op.in[0] = *q;
    op.n_out = 2;
    *q = op.out[0] = program_value(&b->m->program, heads * n);
    gate = op.out[1] = program_value(&b->m->program, heads * n);
    op.deal = (struct deal){.groups = heads, .n = 2, .part = {{n, 0, 0}, {n, 1, 0}}};
    program_op(&b->m->program, op);
    return gate;
}

static int add_output_gate(struct build *b, int layer, int gate, int value)
{
    struct op op = OP_EMPTY;

    op.kind = OP_GATE;
    op.act = ACT_SIGMOID;
    op.in[0] = gate;
    op.in[1] = value;
    return emit(b, layer, op, program_width(&b->m->program, value));
}

int add_attention(struct build *b, int layer, int in)
{
    const struct layer *l = &b->layers[layer];
    unsigned f = b->a->flags;
    int qkv[3], value, gate = -1;
    int late = f & QK_NORM_ROW && !(f & LAYER_NORM); /* OLMoE clamps what is normed, MPT before */

    if (add_qkv(b, layer, in, qkv) < 0)
        return -1;
    if (!late)
        add_clamps(b, layer, qkv);
    if (f & GATED_HEADS)
        gate = deal_queries(b, layer, &qkv[0]);
    if (f & QK_NORM_ROW && has_tensor(b, layer, "attn_q_norm.weight") &&
        add_row_norms(b, layer, qkv) < 0)
        return -1;
    if (late)
        add_clamps(b, layer, qkv);
    if (f & QK_NORM && add_head_norms(b, layer, qkv) < 0)
        return -1;
    if (l->rope != LAYER_ROPE_NONE) {
        add_rope(b, layer, qkv[0], l->heads);
        add_rope(b, layer, qkv[1], l->kv_heads);
    }
    if (f & QK_NORM_LATE && add_head_norms(b, layer, qkv) < 0)
        return -1;
    if (l->bare_qk_norm) {
        add_bare_norm(b, layer, qkv[0], l->heads);
        add_bare_norm(b, layer, qkv[1], l->kv_heads);
    }
    if (l->bare_v_norm)
        add_bare_norm(b, layer, qkv[2], l->kv_heads);
    add_temper(b, layer, qkv[0]);
    value = add_attend(b, layer, qkv);
    if (value < 0)
        return -1;
    if (gate >= 0)
        value = add_output_gate(b, layer, gate, value);
    value = want_rows(b, layer, value);
    return f & SUB_NORMS ? add_norm(b, layer, value, "attn_sub_norm") : value;
}
