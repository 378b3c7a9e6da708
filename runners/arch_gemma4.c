/* arch_gemma4.c -- Gemma 4's layers: sandwich norms, experts beside the dense block, and inputs of
 * their own that every layer gets from the token.
 *
 * Source: the published code of the models and their files. */
#include <math.h>

#include "runners/arch_build.h"

int share_kv(struct build *b, int fallback)
{
    int layers = b->m->hp.layers, shared;
    const struct int_key key = {"attention.shared_kv_layers", &shared, fallback, 0, layers - 1};

    if (model_ints(b->m, &key, 1, b->e) < 0)
        return -1;
    for (int i = layers - shared; i < layers; i++) {
        struct layer *l = &b->layers[i];
        for (int k = layers - shared - 1; l->kv_layer == i && k >= 0; k--)
            if (!b->layers[k].window == !l->window)
                l->kv_layer = k;
        if (l->kv_layer == i)
            return err_set(b->e, ERR_FORMAT, "%s: layer %d has nobody to take keys and values from",
                           gguf_path(b->m->file), i);
    }
    return 0;
}

/* Scores are not scaled; queries, keys and values are normed. */
int plan_gemma4(struct build *b)
{
    for (int i = 0; i < b->m->hp.layers; i++) {
        b->layers[i].scale = 1;
        b->layers[i].bare_v_norm = 1;
    }
    return share_kv(b, 0);
}

/* (a + b) / sqrt(2), a a row of a second embedding, b a normed projection of the first. */
int add_layer_inputs(struct build *b)
{
    int layers = b->m->hp.layers, projected;
    int usual = b->block == BLOCK_GEMMA3N ? 256 : 0;
    const struct int_key key = {"embedding_length_per_layer_input", &b->layer_input_width, usual, 0,
                                1 << 16};
    struct op embed = OP_EMPTY, norm = OP_EMPTY;

    b->layer_inputs = -1;
    if (model_ints(b->m, &key, 1, b->e) < 0)
        return -1;
    if (b->layer_input_width == 0)
        return 0;
    embed.kind = OP_EMBED;
    embed.w[0] = need(b, -1, "per_layer_token_embd.weight");
    embed.scale = sqrtf((float)b->layer_input_width);
    if (!embed.w[0])
        return -1;
    projected = add_linear(b, -1, b->residual, "per_layer_model_proj", 0, 0, ACT_NONE);
    if (projected < 0)
        return -1;
    scale_value(b, 0, projected, 1 / sqrtf((float)b->m->hp.embd));
    norm.kind = OP_HEAD_NORM;
    norm.heads = layers;
    norm.head_dim = b->layer_input_width;
    norm.eps = b->eps;
    norm.w[0] = need(b, -1, "per_layer_proj_norm.weight");
    if (!norm.w[0])
        return -1;
    emit_in_place(b, 0, norm, projected);
    b->layer_inputs = add_sum(b, 0, emit(b, 0, embed, layers * b->layer_input_width), projected);
    scale_value(b, 0, b->layer_inputs, sqrtf(0.5f));
    return b->layer_inputs;
}

int add_layer_input(struct build *b, int layer, int in)
{
    struct op part = OP_EMPTY, gate = OP_EMPTY;
    int value;

    part.kind = OP_SLICE;
    part.in[0] = b->layer_inputs;
    part.at = layer * b->layer_input_width;
    gate.kind = OP_GATE;
    gate.act = ACT_GELU_TANH;
    gate.in[0] = add_linear(b, layer, in, "inp_gate", 0, 0, ACT_NONE);
    if (gate.in[0] < 0)
        return -1;
    gate.in[1] = emit(b, layer, part, b->layer_input_width);
    value = emit(b, layer, gate, b->layer_input_width);
    value = add_linear(b, layer, value, "proj", 0, 0, ACT_NONE);
    return value < 0 ? -1 : add_norm(b, layer, value, "post_norm");
}

/* The router sees the residual stream, normed and scaled in its own way. */
static int add_expert_branch(struct build *b, int layer)
{
    struct op op = OP_EMPTY;
    int router, in, value;

    op.kind = OP_RMS_NORM;
    op.in[0] = b->residual;
    op.eps = b->eps;
    op.w[0] = need(b, layer, "ffn_gate_inp.scale");
    if (!op.w[0])
        return -1;
    router = emit(b, layer, op, b->m->hp.embd);
    scale_value(b, layer, router, 1 / sqrtf((float)b->m->hp.embd));
    in = add_norm(b, layer, b->residual, "pre_ffw_norm_2");
    value = in < 0 ? -1 : add_experts(b, layer, in, router);
    return value < 0 ? -1 : add_norm(b, layer, value, "post_ffw_norm_2");
}

static int add_blocks(struct build *b, int layer)
{
    int in = add_norm(b, layer, b->residual, "ffn_norm"), value;

    if (in < 0)
        return -1;
    if (!has_tensor(b, layer, "ffn_gate_inp.weight"))
        return add_feed_forward(b, layer, in, "post_ffw_norm");
    value = add_dense(b, layer, in);
    value = value < 0 ? -1 : add_norm(b, layer, value, "post_ffw_norm_1");
    value = value < 0 ? -1 : add_sum(b, layer, value, add_expert_branch(b, layer));
    value = value < 0 ? -1 : add_norm(b, layer, value, "post_ffw_norm");
    if (value < 0)
        return -1;
    add_residual(b, layer, value);
    return 0;
}

int add_gemma4_layer(struct build *b, int layer)
{
    const struct weight *scale;
    int in = add_norm(b, layer, b->residual, "attn_norm");
    int value = in < 0 ? -1 : add_attention(b, layer, in);

    if (value < 0 || add_branch(b, layer, value, "attn_output", "post_attention_norm") < 0)
        return -1;
    if (b->wanted && b->layer_inputs >= 0)
        b->layer_inputs = add_gather(b, b->layer_inputs);
    if (add_blocks(b, layer) < 0)
        return -1;
    if (b->layer_inputs >= 0) {
        value = add_layer_input(b, layer, b->residual);
        if (value < 0)
            return -1;
        add_residual(b, layer, value);
    }
    if (has_tensor(b, layer, "layer_output_scale.weight")) {
        scale = model_table(b->m, layer, "layer_output_scale.weight", 1, 1, b->e);
        if (!scale)
            return -1;
        scale_value(b, layer, b->residual, scale->f32[0]);
    }
    return 0;
}
