/* arch_ffn.c -- dense feed-forward blocks: gated, ungated, with gate and up in one matrix. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/suggest.h"
#include "runners/arch_build.h"
#include "runners/dmath.h"

/* What the key may say: models made sparse afterwards (MiniCPM-S, ProSparse) have the tensors of
 * their family and ReLU in the place of its activation. */
static const struct {
    const char *name;
    enum activation act;
    int has_threshold;
} activations[] = {
    {"silu", ACT_SILU, 0},
    {"relu", ACT_RELU, 0},
    {"relu2", ACT_RELU2, 0},
    {"fatrelu", ACT_NONE, 1}, /* x where x >= threshold, else 0 */
    {"gelu", ACT_GELU_ERF, 0},
    {"gelu_tanh", ACT_GELU_TANH, 0},
};
enum { N_ACTIVATIONS = sizeof activations / sizeof activations[0] };

static int unknown_activation(struct build *b, const char *key, struct gguf_str s)
{
    struct suggest near;
    char name[32];

    snprintf(name, sizeof name, "%.*s", (int)(s.n < 31 ? s.n : 31), s.s);
    near = SUGGEST(name);
    for (int i = 0; i < N_ACTIVATIONS; i++)
        suggest_offer(&near, activations[i].name);
    err_set(b->e, ERR_UNSUPPORTED, "%s: %s is '%s'", gguf_path(b->m->file), key, name);
    if (suggest_best(&near))
        err_hint(b->e, "nearest: %s; known: silu, relu, relu2, fatrelu, gelu, gelu_tanh",
                 suggest_best(&near));
    else
        err_hint(b->e, "known: silu, relu, relu2, fatrelu, gelu, gelu_tanh");
    return -1;
}

/* 0: no such activation. */
static int choose_activation(struct build *b, const char *s, size_t n, int *has_threshold)
{
    for (int i = 0; i < N_ACTIVATIONS; i++) {
        if (n != strlen(activations[i].name) || memcmp(s, activations[i].name, n) != 0)
            continue;
        b->act = activations[i].act;
        b->is_thresholded = *has_threshold = activations[i].has_threshold;
        return 1;
    }
    return 0;
}

/* "fatrelu:0.01" */
static int asked_activation(struct build *b, const char *text)
{
    size_t n = strcspn(text, ":");
    int has_threshold;
    char *end;

    if (!choose_activation(b, text, n, &has_threshold))
        return unknown_activation(b, "the activation asked for", (struct gguf_str){text, n});
    if (has_threshold != (text[n] == ':'))
        return err_set(b->e, ERR_USAGE, "activation '%.40s': %s", text,
                       has_threshold ? "fatrelu wants a threshold: fatrelu:0.01"
                                     : "only fatrelu has a threshold");
    if (!has_threshold)
        return 0;
    b->threshold = strtof(text + n + 1, &end);
    if (end == text + n + 1 || *end || !(b->threshold >= 0 && b->threshold <= 1e6f))
        return err_set(b->e, ERR_USAGE, "activation '%.40s': the threshold is no number of 0..1e6",
                       text);
    return 0;
}

int arch_activation(struct build *b)
{
    struct gguf_str s;
    double threshold;
    const struct f64_key at = {"feed_forward.activation_threshold", &threshold, 0, 0, 1e6};
    char key[96];
    int found, has_threshold;

    if (b->m->activation)
        return asked_activation(b, b->m->activation);
    snprintf(key, sizeof key, "%s.feed_forward.activation", b->m->arch_name);
    found = gguf_get_str(b->m->file, key, &s, b->e);
    if (found <= 0)
        return found;
    if (!choose_activation(b, s.s, s.n, &has_threshold))
        return unknown_activation(b, key, s);
    if (!has_threshold)
        return 0;
    if (model_f64s(b->m, &at, 1, b->e) < 0)
        return -1;
    b->threshold = (float)threshold;
    return 0;
}

static void add_threshold(struct build *b, int layer, int value)
{
    struct op op = OP_EMPTY;

    op.kind = OP_THRESHOLD;
    op.limit = b->threshold;
    emit_in_place(b, layer, op, value);
}

/* Gates below the mean and some deviations of their row are 0 (Gemma 3n). */
static void add_cut(struct build *b, int layer, int value)
{
    struct op op = OP_EMPTY;

    op.kind = OP_CUT;
    op.limit = b->layers[layer].cut;
    emit_in_place(b, layer, op, value);
}

/* act(gate) * up in one pass over the activations. */
static int add_glu(struct build *b, int layer, int in)
{
    struct op op = OP_EMPTY;

    op.kind = OP_LINEAR;
    op.in[0] = in;
    op.epilogue = EPILOGUE_GLU;
    op.act = b->act;
    op.has_threshold = b->is_thresholded;
    op.limit = b->threshold;
    op.w[0] = need(b, layer, "ffn_gate.weight");
    op.w[1] = op.w[0] ? need(b, layer, "ffn_up.weight") : NULL;
    if (!op.w[1])
        return -1;
    op.bias[0] = maybe(b, layer, "ffn_gate.bias");
    op.bias[1] = maybe(b, layer, "ffn_up.bias");
    return b->e->code ? -1 : emit(b, layer, op, op.w[0]->rows);
}

/* The two halves of ffn_up where there is no ffn_gate: rows of each, gate first; 0 on failure. */
static int fused_rows(struct build *b, int layer)
{
    const struct weight *both = need(b, layer, "ffn_up.weight");

    if (!both)
        return 0;
    if (both->rows < 2 || both->rows % 2) {
        err_set(b->e, ERR_FORMAT, "%s: %s has %d rows, expected gate and up",
                gguf_path(b->m->file), both->name, both->rows);
        return 0;
    }
    return both->rows / 2;
}

static int add_fused_glu(struct build *b, int layer, int in)
{
    int ff = fused_rows(b, layer);
    struct op op = OP_EMPTY;

    if (ff == 0)
        return -1;
    op.kind = OP_LINEAR;
    op.in[0] = in;
    op.epilogue = EPILOGUE_GLU;
    op.act = b->act;
    op.has_threshold = b->is_thresholded;
    op.limit = b->threshold;
    for (int i = 0; i < 2; i++) {
        op.w[i] = model_weight_rows(b->m, layer, "ffn_up.weight", i * ff, ff, b->e);
        if (op.w[i] && has_tensor(b, layer, "ffn_up.bias"))
            op.bias[i] = model_part(b->m, layer, "ffn_up.bias", i * ff, ff, b->e);
    }
    return b->e->code ? -1 : emit(b, layer, op, ff);
}

/* Where factors for whole products (bitnet) or a cut stand between these and act(gate) * up. */
static int add_apart_glu(struct build *b, int layer, int in)
{
    int is_fused = !has_tensor(b, layer, "ffn_gate.weight");
    int ff = is_fused ? fused_rows(b, layer) : 0;
    struct op op = OP_EMPTY;

    if (is_fused && ff == 0)
        return -1;
    op.kind = OP_GATE;
    op.act = b->act;
    op.in[0] = add_linear(b, layer, in, is_fused ? "ffn_up" : "ffn_gate", 0, ff, ACT_NONE);
    if (op.in[0] < 0)
        return -1;
    if (b->is_thresholded)
        add_threshold(b, layer, op.in[0]);
    if (b->layers[layer].is_cut)
        add_cut(b, layer, op.in[0]);
    op.in[1] = add_linear(b, layer, in, "ffn_up", ff, ff, ACT_NONE);
    return op.in[1] < 0 ? -1 : emit(b, layer, op, program_width(&b->m->program, op.in[0]));
}

static int add_ungated(struct build *b, int layer, int in)
{
    int value = add_linear(b, layer, in, "ffn_up", 0, 0, b->act);

    if (value >= 0 && b->is_thresholded)
        add_threshold(b, layer, value);
    return value;
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
        return add_ungated(b, layer, in);
    if (b->layers[layer].is_cut || has_tensor(b, layer, "ffn_gate.scale") ||
        has_tensor(b, layer, "ffn_up.scale"))
        return add_apart_glu(b, layer, in);
    if (!has_tensor(b, layer, "ffn_gate.weight"))
        return add_fused_glu(b, layer, in);
    return add_glu(b, layer, in);
}

int add_dense(struct build *b, int layer, int in)
{
    int value = add_hidden(b, layer, in);

    return value < 0 ? -1 : add_linear(b, layer, value, "ffn_down", 0, 0, ACT_NONE);
}

int add_feed_forward(struct build *b, int layer, int in, const char *post_norm)
{
    int value, has_experts = has_tensor(b, layer, "ffn_gate_inp.weight");

    if (has_experts && b->is_thresholded)
        return err_set(b->e, ERR_UNSUPPORTED, "%s: experts with activation 'fatrelu'",
                       gguf_path(b->m->file));
    if (has_experts)
        return add_moe(b, layer, in, post_norm);
    value = add_hidden(b, layer, in);
    if (value >= 0 && b->a->flags & SUB_NORMS)
        value = add_norm(b, layer, value, "ffn_sub_norm");
    return value < 0 ? -1 : add_branch(b, layer, value, "ffn_down", post_norm);
}
