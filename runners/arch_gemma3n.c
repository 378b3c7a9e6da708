/* arch_gemma3n.c -- Gemma 3n's layers: several residual streams, of which a layer computes one and
 * corrects the others by what it was wrong about (AltUp, arXiv 2301.13310), a branch of low rank
 * beside attention (Laurel, arXiv 2411.07501), and the inputs per layer of arch_gemma4.c.
 *
 * Source: the published code of the models and their files. */
#include <math.h>
#include <stdio.h>

#include "runners/arch_build.h"

enum { STREAMS_MAX = 16 };

/* ---- keys ------------------------------------------------------------------------------------ */

/* Files say how many deviations above the mean a gate counts from, minus infinity where all do; in
 * those that do not say, nineteen of twenty gates are cut in the first layers. */
static int read_cuts(struct build *b)
{
    int layers = b->m->hp.layers, found;
    enum gguf_type type;
    size_t n = 0;
    char name[96];

    snprintf(name, sizeof name, "%s.activation_sparsity_scale", b->m->arch_name);
    found = gguf_get_array(b->m->file, name, &type, &n, b->e);
    if (found < 0)
        return -1;
    if (found && (type == GGUF_STRING || n < (size_t)layers))
        return err_set(b->e, ERR_FORMAT, "%s: %s has no number for each of %d layers",
                       gguf_path(b->m->file), name, layers);
    for (int i = 0; i < layers; i++) {
        double v = found ? gguf_array_f64(b->m->file, name, (size_t)i) : 1.6448533535003662;
        b->layers[i].is_cut = found ? v > -1e6 : i < 10;
        b->layers[i].cut = (float)v;
        if (!(v <= 1e6))
            return err_set(b->e, ERR_FORMAT, "%s: %s is %g in layer %d", gguf_path(b->m->file),
                           name, v, i);
    }
    return 0;
}

int plan_gemma3n(struct build *b)
{
    const struct hparams *hp = &b->m->hp;
    double softcap;
    const struct int_key sizes[] = {
        {"altup.num_inputs", &b->n_streams, 4, 2, STREAMS_MAX},
        {"altup.active_idx", &b->active_stream, 0, 0, STREAMS_MAX},
    };
    const struct f64_key cap = {"final_logit_softcapping", &softcap, 30, 0, 1e6};

    if (model_ints(b->m, sizes, 2, b->e) < 0 || model_f64s(b->m, &cap, 1, b->e) < 0)
        return -1;
    if (b->active_stream >= b->n_streams)
        return err_set(b->e, ERR_FORMAT, "%s: stream %d of %d is computed", gguf_path(b->m->file),
                       b->active_stream, b->n_streams);
    b->m->hp.logit_softcap = (float)softcap;
    for (int i = 0; i < hp->layers; i++) {
        b->layers[i].scale = 1;
        b->layers[i].bare_v_norm = 1;
    }
    return read_cuts(b) < 0 ? -1 : share_kv(b, hp->layers > 20 ? hp->layers - 20 : 0);
}

/* ---- streams --------------------------------------------------------------------------------- */

static int add_part(struct build *b, int layer, int streams, int i, const struct weight *times)
{
    struct op op = OP_EMPTY;

    op.kind = OP_SLICE;
    op.in[0] = streams;
    op.at = i * b->m->hp.embd;
    op.w[0] = times;
    return emit(b, layer, op, b->m->hp.embd);
}

/* Matrix i of NAME times `in`, as long as `like` is. */
static int add_projected(struct build *b, int layer, int in, const char *name, int i, int like)
{
    const struct weight *all = need(b, -1, name);
    struct op op = OP_EMPTY, match = OP_EMPTY;
    int value;

    if (all && all->slabs != b->n_streams - 1)
        err_set(b->e, ERR_FORMAT, "%s: %s is %d matrices for %d streams", gguf_path(b->m->file),
                all->name, all->slabs, b->n_streams);
    op.kind = OP_LINEAR;
    op.in[0] = in;
    op.w[0] = b->e->code ? NULL : model_slab(b->m, all, i, b->e);
    if (!op.w[0])
        return -1;
    value = emit(b, layer, op, b->m->hp.embd);
    match.kind = OP_MATCH;
    match.in[0] = like;
    match.limit = 1e-5f;
    emit_in_place(b, layer, match, value);
    return value;
}

static int begin_streams(struct build *b)
{
    int embd = b->m->hp.embd;

    b->streams = b->residual;
    for (int i = 1; i < b->n_streams; i++) {
        struct op op = OP_EMPTY;
        op.kind = OP_CONCAT;
        op.in[0] = b->streams;
        op.in[1] = add_projected(b, 0, b->residual, "altup_proj.weight", i - 1, b->residual);
        if (op.in[1] < 0)
            return -1;
        b->streams = emit(b, 0, op, (i + 1) * embd);
    }
    return 0;
}

static int end_streams(struct build *b, int layer)
{
    int first = add_part(b, layer, b->streams, 0, NULL), sum = first;

    for (int i = 1; i < b->n_streams && sum >= 0; i++) {
        int part = add_part(b, layer, b->streams, i, NULL);
        part = add_projected(b, layer, part, "altup_unembd_proj.weight", i - 1, first);
        sum = add_sum(b, layer, sum, part);
    }
    if (sum < 0)
        return -1;
    scale_value(b, layer, sum, 1 / (float)b->n_streams);
    b->residual = sum;
    return 0;
}

/* NAME times tanh(router norm(in) / embedding length): count numbers. */
static int add_coefs(struct build *b, int layer, int in, const char *name, int count)
{
    int value = add_norm(b, layer, in, "altup_router_norm");

    if (value < 0)
        return -1;
    scale_value(b, layer, value, 1 / (float)b->m->hp.embd);
    value = add_linear(b, layer, value, "altup_router", 0, 0, ACT_TANH);
    value = value < 0 ? -1 : add_linear(b, layer, value, name, 0, 0, ACT_NONE);
    if (value >= 0 && !b->m->program.failed && program_width(&b->m->program, value) != count)
        return err_set(b->e, ERR_FORMAT, "%s: blk.%d.%s has %d rows, expected %d",
                       gguf_path(b->m->file), layer, name, program_width(&b->m->program, value),
                       count);
    return value;
}

static int add_prediction(struct build *b, int layer)
{
    int active = add_part(b, layer, b->streams, b->active_stream, NULL);
    struct op op = OP_EMPTY;

    op.kind = OP_PREDICT;
    op.in[0] = b->streams;
    op.in[1] = add_coefs(b, layer, active, "altup_predict_coef", b->n_streams * b->n_streams);
    op.parts = (struct parts){.n = b->n_streams, .width = b->m->hp.embd};
    return op.in[1] < 0 ? -1 : emit(b, layer, op, b->n_streams * b->m->hp.embd);
}

static void spread(struct build *b, int layer, int what, int coefs, int first)
{
    struct op op = OP_EMPTY;

    op.kind = OP_CORRECT;
    op.in[0] = what;
    op.in[1] = coefs;
    op.first = first;
    op.parts = (struct parts){.n = b->n_streams, .width = b->m->hp.embd};
    emit_in_place(b, layer, op, b->streams);
}

/* b->streams are the predictions, b->residual is what the layer made of one. */
static int add_correction(struct build *b, int layer)
{
    const struct weight *scale = need(b, layer, "altup_correct_scale.weight");
    int predicted = add_part(b, layer, b->streams, b->active_stream, NULL), is_scaled = 1, value;
    int coefs = add_coefs(b, layer, b->residual, "altup_correct_coef", b->n_streams);
    struct op op = OP_EMPTY;

    if (!scale || coefs < 0 ||
        gguf_get_bool(b->m->file, "gemma3n.altup.correct_scale", &is_scaled, b->e) < 0)
        return -1;
    op.kind = OP_ADD;
    op.in[0] = b->residual;
    op.in[1] = predicted;
    op.scale = -1;
    spread(b, layer, emit(b, layer, op, b->m->hp.embd), coefs, 0);
    value = add_part(b, layer, b->streams, b->active_stream, is_scaled ? scale : NULL);
    value = add_layer_input(b, layer, value);
    if (value < 0)
        return -1;
    spread(b, layer, value, -1, 1);
    return 0;
}

/* ---- layers ---------------------------------------------------------------------------------- */

static int add_laurel(struct build *b, int layer, int in)
{
    int value = add_linear(b, layer, in, "laurel_l", 0, 0, ACT_NONE);

    value = value < 0 ? -1 : add_linear(b, layer, value, "laurel_r", 0, 0, ACT_NONE);
    value = value < 0 ? -1 : add_norm(b, layer, value, "laurel_post_norm");
    return add_sum(b, layer, in, value);
}

/* Files have keys and values for layers that look at those of others. */
static void skip_shared(struct build *b, int layer)
{
    static const char *const names[] = {"attn_k.weight", "attn_v.weight", "attn_k_norm.weight",
                                        "attn_k.bias", "attn_v.bias"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (b->layers[layer].kv_layer != layer && !b->e->code)
            maybe(b, layer, names[i]);
}

static int add_blocks(struct build *b, int layer)
{
    int in = add_norm(b, layer, b->residual, "attn_norm"), laurel, value;

    laurel = in < 0 ? -1 : add_laurel(b, layer, in);
    value = laurel < 0 ? -1 : add_attention(b, layer, in);
    if (value < 0)
        return -1;
    if (b->wanted) {
        laurel = add_gather(b, laurel);
        b->streams = add_gather(b, b->streams);
        b->layer_inputs = add_gather(b, b->layer_inputs);
    }
    if (add_branch(b, layer, value, "attn_output", "post_attention_norm") < 0)
        return -1;
    b->residual = add_sum(b, layer, b->residual, laurel);
    scale_value(b, layer, b->residual, sqrtf(0.5f));
    in = add_norm(b, layer, b->residual, "ffn_norm");
    return in < 0 ? -1 : add_feed_forward(b, layer, in, "post_ffw_norm");
}

int add_gemma3n_layer(struct build *b, int layer)
{
    if (b->layer_inputs < 0)
        return err_set(b->e, ERR_FORMAT, "%s: layers without inputs of their own",
                       gguf_path(b->m->file));
    if (layer == 0 && begin_streams(b) < 0)
        return -1;
    skip_shared(b, layer);
    b->streams = b->e->code ? -1 : add_prediction(b, layer);
    if (b->streams < 0)
        return -1;
    b->residual = add_part(b, layer, b->streams, b->active_stream, NULL);
    if (add_blocks(b, layer) < 0 || add_correction(b, layer) < 0)
        return -1;
    return layer == b->m->hp.layers - 1 ? end_streams(b, layer) : 0;
}
