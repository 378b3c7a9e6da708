/* arch_walk.c -- from the embedding over the layers to the head, as the row and the file say.  See
 * arch_build.h. */
#include <string.h>

#include "base/mem.h"
#include "runners/arch_build.h"
#include "runners/rope.h"

static int any_layer(const struct build *b, enum layer_rope kind)
{
    for (int i = 0; i < b->m->hp.layers; i++)
        if (b->layers[i].kv_heads && b->layers[i].rope == kind)
            return 1;
    return 0;
}

/* Llama 3's divisors, or those of the two sets of longrope that the context asks for. */
static int rope_factors(struct build *b, const struct weight **out)
{
    int original;
    const struct int_key key = {"rope.scaling.original_context_length", &original,
                                b->m->hp.context, 1, 1 << 30};
    const struct weight *plain = maybe(b, -1, "rope_freqs.weight");
    const struct weight *longer = maybe(b, -1, "rope_factors_long.weight");
    const struct weight *shorter = maybe(b, -1, "rope_factors_short.weight");

    if (b->e->code || model_ints(b->m, &key, 1, b->e) < 0)
        return -1;
    *out = plain ? plain : b->m->context > original ? longer : shorter;
    b->m->rope = plain             ? "factors of the file"
                 : *out == NULL    ? rope_scaling_name(b->m)
                 : *out == longer  ? "longrope, long factors"
                                   : "longrope, short factors";
    return 0;
}

static int build_ropes(struct build *b)
{
    struct hparams *hp = &b->m->hp;
    struct rope_spec s = {.n_rot = hp->n_rot, .halves = (b->a->flags & ROPE_HALVES) != 0};
    int halves = s.halves;

    /* A Hugging Face checkpoint has its rows in the order of halves whatever GGUF files have. */
    if (gguf_get_bool(b->m->file, "densimeter.rope.halves", &halves, b->e) < 0 ||
        rope_factors(b, &s.factors) < 0)
        return -1;
    s.halves = halves;
    if (!any_layer(b, LAYER_ROPE) && !any_layer(b, LAYER_ROPE_LOCAL))
        b->m->rope = b->alibi_max > 0 ? "none, slopes" : "none";
    if (any_layer(b, LAYER_ROPE)) {
        s.base = hp->rope_base;
        s.is_scaled = 1;
        b->rope = rope_build(b->m, &s, b->e);
        if (!b->rope)
            return -1;
    }
    if (any_layer(b, LAYER_ROPE_LOCAL)) {
        s.base = hp->rope_base_swa;
        s.n_rot = b->n_rot_local;
        s.is_scaled = 0;
        s.factors = NULL;
        b->rope_local = rope_build(b->m, &s, b->e);
        if (!b->rope_local)
            return -1;
    }
    return 0;
}

static const char *ffn_norm(struct build *b, int layer)
{
    if (has_tensor(b, layer, "attn_output_norm.weight")) /* DBRX's name for it */
        return "attn_output_norm";
    return b->a->flags & FFN_NORM_IS_POST ? "post_attention_norm" : "ffn_norm";
}

static int add_attending(struct build *b, int layer, int in)
{
    return has_tensor(b, layer, "attn_kv_a_mqa.weight") ? add_mla(b, layer, in)
                                                        : add_attention(b, layer, in);
}

/* Attention, a recurrent mixer where a layer has no heads for keys, or both side by side. */
static int add_mixers(struct build *b, int layer, int in, const char *post_norm)
{
    int attends = b->layers[layer].kv_heads > 0, recurrent = -1, value;

    if (!attends || b->a->flags & BOTH_MIXERS) {
        recurrent = add_recurrent(b, layer, in);
        if (recurrent < 0)
            return -1;
    }
    value = attends ? add_attending(b, layer, in) : want_rows(b, layer, recurrent);
    if (value < 0)
        return -1;
    if (!attends)
        return add_branch(b, layer, value, recurrent_output(b), post_norm);
    if (recurrent >= 0 && b->wanted)
        recurrent = add_gather(b, recurrent);
    if (recurrent >= 0 && add_branch(b, layer, recurrent, recurrent_output(b), NULL) < 0)
        return -1;
    return add_branch(b, layer, value, "attn_output", post_norm);
}

/* One mixer or one feed-forward. */
static int add_single(struct build *b, int layer)
{
    int in = add_norm(b, layer, b->residual, "attn_norm");

    if (in < 0)
        return -1;
    if (b->layers[layer].kv_heads || has_tensor(b, layer, "ssm_in.weight"))
        return add_mixers(b, layer, in, NULL);
    return add_feed_forward(b, layer, want_rows(b, layer, in), NULL);
}

static int add_sequential(struct build *b, int layer)
{
    int pre = b->block != BLOCK_POST, post = b->block != BLOCK_PRE;
    int in = pre ? add_norm(b, layer, b->residual, "attn_norm") : b->residual;

    b->block_input = b->residual;
    if (in < 0 || add_mixers(b, layer, in, post ? "post_attention_norm" : NULL) < 0)
        return -1;
    if (b->a->flags & MIXER_ONLY)
        return 0;
    in = pre ? add_norm(b, layer, b->residual, ffn_norm(b, layer)) : b->residual;
    return in < 0 ? -1 : add_feed_forward(b, layer, in, post ? "post_ffw_norm" : NULL);
}

/* Falcon 40B calls the norm of attention attn_norm_2. */
static int add_parallel(struct build *b, int layer)
{
    int two = has_tensor(b, layer, "attn_norm_2.weight");
    int last = layer == b->m->hp.layers - 1;
    int x = b->residual;
    int in = add_norm(b, layer, x, two ? "attn_norm_2" : "attn_norm");
    int ffn = in, value;

    if (in >= 0 && two)
        ffn = add_norm(b, layer, x, "attn_norm");
    else if (in >= 0 && has_tensor(b, layer, "ffn_norm.weight"))
        ffn = add_norm(b, layer, x, "ffn_norm");
    value = in < 0 || ffn < 0 ? -1 : add_attention(b, layer, in);
    if (value < 0)
        return -1;
    if (last)
        ffn = add_gather(b, ffn);
    if (add_branch(b, layer, value, "attn_output", NULL) < 0)
        return -1;
    return add_feed_forward(b, layer, ffn, NULL);
}

static int add_embedding(struct build *b, const struct weight *w)
{
    struct hparams *hp = &b->m->hp;
    struct op op = OP_EMPTY;

    op.kind = OP_EMBED;
    op.w[0] = w;
    op.scale = b->embed_scale;
    if (b->a->flags & POSITIONS || has_tensor(b, -1, "position_embd.weight")) {
        op.w[1] = need(b, -1, "position_embd.weight");
        if (!op.w[1])
            return -1;
        if (op.w[1]->rows < b->m->context)
            return err_set(b->e, ERR_FORMAT, "%s: %s has %d rows for a context of %d",
                           gguf_path(b->m->file), op.w[1]->name, op.w[1]->rows, b->m->context);
    }
    b->residual = emit(b, 0, op, hp->embd);
    if (add_layer_inputs(b) < 0)
        return -1;
    if (b->a->flags & EMBED_NORM) {
        int layers = hp->layers, value;
        value = add_norm(b, layers, b->residual, "token_embd_norm");
        if (value < 0)
            return -1;
        b->residual = value;
    }
    return 0;
}

/* LFM2 calls its last norm by the name of the first. */
static const char *last_norm(struct build *b)
{
    int odd = b->a->flags & SHORTCONV && !has_tensor(b, -1, "output_norm.weight");

    return odd ? "token_embd_norm" : "output_norm";
}

static int add_head(struct build *b, const struct weight *embedding)
{
    int layers = b->m->hp.layers, normed = add_norm(b, layers, b->residual, last_norm(b));
    const struct weight *w = normed < 0 ? NULL : maybe(b, -1, "output.weight");
    struct op op = OP_EMPTY;

    if (normed < 0 || b->e->code)
        return -1;
    op.kind = OP_HEAD;
    op.layer = layers;
    op.in[0] = normed;
    op.w[0] = w ? w : embedding;
    op.bias[0] = maybe(b, -1, "output.bias");
    op.scale = b->logit_scale;
    op.softcap = b->m->hp.logit_softcap;
    op.wanted_rows = 1;
    if (b->e->code)
        return -1;
    program_op(&b->m->program, op);
    return 0;
}

int arch_walk(struct build *b)
{
    struct program *p = &b->m->program;
    const struct weight *embedding;

    if (arch_hparams(b) < 0 || arch_activation(b) < 0)
        return -1;
    embedding = need(b, -1, "token_embd.weight");
    if (!embedding)
        return -1;
    b->m->hp.vocab = p->n_vocab = embedding->rows;
    p->n_layers = b->m->hp.layers;
    p->kv = mem_calloc((size_t)p->n_layers, sizeof *p->kv);
    if (!p->kv)
        return err_nomem(b->e);
    if (build_ropes(b) < 0 || add_embedding(b, embedding) < 0)
        return -1;
    for (int i = 0; i < p->n_layers; i++)
        if ((b->a->flags & MIXER_OR_FFN        ? add_single(b, i)
             : b->block == BLOCK_GEMMA4   ? add_gemma4_layer(b, i)
             : b->block == BLOCK_GEMMA3N  ? add_gemma3n_layer(b, i)
             : b->block == BLOCK_PARALLEL ? add_parallel(b, i)
                                          : add_sequential(b, i)) < 0)
            return -1;
    return add_head(b, embedding);
}
