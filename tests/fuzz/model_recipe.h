/* model_recipe.h -- tiny models of some twenty families as lists of keys and tensors, for
 * fuzz_model.c to edit. */
#ifndef TESTS_FUZZ_MODEL_RECIPE_H
#define TESTS_FUZZ_MODEL_RECIPE_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "runners/quant.h"

enum { EMBD = 32, HEADS = 2, HEAD_DIM = 16, FF = 32, LAYERS = 2, VOCAB = 44, CONTEXT = 24 };
enum { KEYS_MAX = 64, TENSORS_MAX = 80, DATA_MAX = 1 << 17 };

struct key {
    char name[64];
    char kind; /* i, f, s, b, a (array of u32), z (array of 0 and it), 0: left out */
    uint32_t i;
    float f;
};

struct tensor {
    char name[48];
    int n_dims, type, left_out;
    uint64_t ne[4];
    uint8_t fill; /* 0: small numbers */
};

struct recipe {
    const char *arch;
    unsigned shape; /* of one of the families */
    struct key keys[KEYS_MAX];
    struct tensor tensors[TENSORS_MAX];
    int n_keys, n_tensors, n_tokens;
};

enum { FROM_FAMILIES = 128, FROM_RECURRENT = 192 }; /* of the first byte */
static const char *const archs[] = {"llama", "qwen2", "qwen3", "gemma3"};
static const char *const recurrent[] = {"lfm2", "mamba", "falcon-h1", "qwen35"};

/* Families of other shapes than those: what of the usual tensors they have otherwise. */
enum {
    LN = 1 << 0,         /* norms with bias */
    FUSED_QKV = 1 << 1,
    FUSED_UP = 1 << 2,   /* gate and up in ffn_up */
    UNGATED = 1 << 3,
    POSITIONS = 1 << 4,
    EMBED_NORM = 1 << 5,
    QK_NORM = 1 << 6,    /* of each head */
    QK_NORM_ROW = 1 << 7,
    POST_ONLY = 1 << 8,  /* norms after the branches and none before */
    TWO_NORMS = 1 << 9,  /* Falcon 40B's */
    LONGROPE = 1 << 10,
    EXPERTS = 1 << 11,
    MLA = 1 << 12,
    SINKS = 1 << 13,
    POST_NAMED = 1 << 14, /* the norm before the feed-forward is post_attention_norm */
    XIELU = 1 << 15,
    STREAMS = 1 << 16, /* Gemma 3n's residual streams, and inputs per layer */
};
static const struct {
    const char *name;
    unsigned shape;
} families[] = {
    {"gpt2", LN | FUSED_QKV | UNGATED | POSITIONS},
    {"bloom", LN | FUSED_QKV | UNGATED | EMBED_NORM},
    {"phi3", FUSED_QKV | FUSED_UP | LONGROPE},
    {"olmo2", QK_NORM_ROW | POST_ONLY},
    {"falcon", LN | FUSED_QKV | UNGATED | TWO_NORMS},
    {"apertus", UNGATED | QK_NORM | XIELU},
    {"minicpm", LONGROPE},
    {"qwen3moe", QK_NORM | EXPERTS},
    {"gpt-oss", EXPERTS | SINKS | POST_NAMED},
    {"deepseek2", MLA | EXPERTS},
    {"gemma3n", QK_NORM | STREAMS},
};
#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static struct key *add_key(struct recipe *r, const char *prefix, const char *name, char kind)
{
    struct key *k = &r->keys[r->n_keys++];

    snprintf(k->name, sizeof k->name, "%s%s%s", prefix, *prefix ? "." : "", name);
    k->kind = kind;
    return k;
}

static void add_tensor(struct recipe *r, int layer, const char *name, int cols, int rows, int type)
{
    struct tensor *t = &r->tensors[r->n_tensors++];

    if (layer < 0)
        snprintf(t->name, sizeof t->name, "%s", name);
    else
        snprintf(t->name, sizeof t->name, "blk.%d.%s", layer, name);
    t->n_dims = rows ? 2 : 1;
    t->type = rows ? type : QUANT_F32;
    t->ne[0] = (uint64_t)cols;
    t->ne[1] = rows ? (uint64_t)rows : 1;
    t->ne[2] = t->ne[3] = 1;
}

static void base_keys(struct recipe *r)
{
    static const struct {
        const char *name;
        char kind;
        uint32_t i;
        float f;
    } keys[] = {
        {"context_length", 'i', CONTEXT, 0},
        {"embedding_length", 'i', EMBD, 0},
        {"block_count", 'i', LAYERS, 0},
        {"feed_forward_length", 'i', FF, 0},
        {"attention.head_count", 'i', HEADS, 0},
        {"attention.head_count_kv", 'i', 1, 0},
        {"attention.key_length", 'i', HEAD_DIM, 0},
        {"attention.value_length", 'i', HEAD_DIM, 0},
        {"attention.sliding_window", 'i', 8, 0},
        {"rope.dimension_count", 'i', HEAD_DIM, 0},
        {"attention.layer_norm_rms_epsilon", 'f', 0, 1e-5f},
        {"rope.freq_base", 'f', 0, 10000},
        {"rope.freq_base_swa", 'f', 0, 10000},
        {"rope.scaling.factor", 'f', 0, 1},
        {"rope.scaling.original_context_length", 'i', CONTEXT, 0},
        {"rope.scaling.yarn_beta_fast", 'f', 0, 32},
        {"rope.scaling.yarn_beta_slow", 'f', 0, 1},
        {"rope.scaling.yarn_ext_factor", 'f', 0, 1},
        {"rope.scaling.attn_factor", 'f', 0, 1},
        {"rope.scaling.yarn_log_multiplier", 'f', 0, 0},
        {"final_logit_softcapping", 'f', 0, 0},
        {"rope.scaling.type", 0, 0, 0},
    };

    for (size_t i = 0; i < COUNT(keys); i++) {
        struct key *k = add_key(r, r->arch, keys[i].name, keys[i].kind);
        k->i = keys[i].i;
        k->f = keys[i].f;
    }
    add_key(r, "", "tokenizer.ggml.bos_token_id", 'i')->i = 1;
    add_key(r, "", "tokenizer.ggml.eos_token_id", 'i')->i = 2;
    add_key(r, "", "general.alignment", 'i')->i = 32;
}

enum { PART = 8, LOW = 4, N_STREAMS = 3 }; /* Gemma 3n */
enum { INNER = 64, STATES = 8, RANK = 4, TAPS = 4, KEY_SIZE = 16 };

static int is_arch(const struct recipe *r, const char *name)
{
    return strcmp(r->arch, name) == 0;
}

static void recurrent_keys(struct recipe *r)
{
    int delta = is_arch(r, "qwen35");

    for (struct key *k = r->keys; k < r->keys + r->n_keys; k++) {
        if (is_arch(r, "lfm2") && strstr(k->name, "head_count_kv"))
            k->kind = 'z';
        if (is_arch(r, "mamba") && strstr(k->name, "head_count"))
            k->i = 0;
    }
    add_key(r, r->arch, "ssm.conv_kernel", 'i')->i = TAPS;
    add_key(r, r->arch, "ssm.inner_size", 'i')->i = INNER;
    add_key(r, r->arch, "ssm.state_size", 'i')->i = delta ? KEY_SIZE : STATES;
    add_key(r, r->arch, "ssm.time_step_rank", 'i')->i = RANK;
    add_key(r, r->arch, "ssm.group_count", 'i')->i = 2;
    add_key(r, r->arch, "ssm.dt_b_c_rms", 'b');
    add_key(r, r->arch, "full_attention_interval", 'i')->i = 2;
    add_key(r, r->arch, "shortconv.l_cache", 'i')->i = 3;
}

static void family_keys(struct recipe *r)
{
    static const struct {
        const char *name;
        char kind;
        uint32_t i;
        float f;
    } keys[] = {
        {"attention.layer_norm_epsilon", 'f', 0, 1e-5f}, {"attention.clamp_kqv", 'f', 0, 0},
        {"attention.max_alibi_bias", 'f', 0, 0},         {"attn_logit_softcapping", 'f', 0, 0},
        {"logit_scale", 'f', 0, 0},                      {"embedding_scale", 'f', 0, 0},
        {"residual_scale", 'f', 0, 0},                   {"attention.scale", 'f', 0, 0},
        {"attention.temperature_scale", 'f', 0, 0},
        {"attention.temperature_length", 'i', 4, 0},
        {"attention.sliding_window_pattern", 0, 1, 0},   {"feed_forward.activation", 0, 2, 0},
        {"feed_forward.activation_threshold", 'f', 0, 0}, {"use_parallel_residual", 0, 1, 0},
        {"nextn_predict_layers", 'i', 0, 0},             {"expert_count", 'i', 4, 0},
        {"expert_used_count", 'i', 2, 0},                {"expert_feed_forward_length", 'i', FF, 0},
        {"expert_gating_func", 'i', 1, 0},               {"expert_weights_norm", 'b', 1, 0},
        {"expert_weights_scale", 'f', 0, 1},             {"expert_group_count", 'i', 1, 0},
        {"leading_dense_block_count", 'i', 0, 0},        {"attention.kv_lora_rank", 'i', 8, 0},
        {"expert_group_used_count", 0, 1, 0},            {"altup.num_inputs", 'i', 3, 0},
        {"altup.active_idx", 'i', 1, 0},                 {"attention.shared_kv_layers", 'i', 0, 0},
        {"activation_sparsity_scale", 'a', 1, 0},
        {"embedding_length_per_layer_input", 0, PART, 0},
    };

    for (struct key *k = r->keys; k < r->keys + r->n_keys && r->shape & MLA; k++) {
        if (strstr(k->name, "head_count_kv"))
            k->i = HEADS;
        if (strstr(k->name, "rope.dimension_count"))
            k->i = HEAD_DIM / 2;
    }
    for (size_t i = 0; i < COUNT(keys); i++) {
        struct key *k = add_key(r, r->arch, keys[i].name, keys[i].kind);
        k->i = keys[i].i;
        k->f = keys[i].f;
        if (r->shape & STREAMS && strstr(k->name, "per_layer_input"))
            k->kind = 'i';
    }
    for (int i = 0; i < 4 && r->shape & XIELU; i++) {
        static const char *const names[] = {"alpha_p", "alpha_n", "beta", "eps"};
        add_key(r, "xielu", names[i], 'f')->f = 0.5f;
    }
}

static void norm_tensors(struct recipe *r, int l, const char *name, int type)
{
    char full[48];

    snprintf(full, sizeof full, "%s.weight", name);
    add_tensor(r, l, full, EMBD, 0, type);
    snprintf(full, sizeof full, "%s.bias", name);
    if (r->shape & LN)
        add_tensor(r, l, full, EMBD, 0, type);
}

static void expert_tensor(struct recipe *r, int l, const char *name, int cols, int rows, int type)
{
    struct tensor *t;

    add_tensor(r, l, name, cols, rows, type);
    t = &r->tensors[r->n_tensors - 1];
    t->n_dims = 3;
    t->ne[2] = 4;
}

/* What only some files with experts have: an edit puts it in. */
static void rare_expert_tensors(struct recipe *r, int l, int type)
{
    int from = r->n_tensors;

    add_tensor(r, l, "exp_probs_b.bias", 4, 0, type);
    add_tensor(r, l, "ffn_down_exps.scale", 4, 0, type);
    add_tensor(r, l, "ffn_up_exps.bias", FF, 4, QUANT_F32);
    add_tensor(r, l, "ffn_latent_down.weight", EMBD, EMBD, type);
    add_tensor(r, l, "ffn_latent_up.weight", EMBD, EMBD, type);
    expert_tensor(r, l, "ffn_gate_up_exps.weight", EMBD, 2 * FF, type);
    for (int i = from; i < r->n_tensors; i++)
        r->tensors[i].left_out = 1;
}

static void mixer_tensors(struct recipe *r, int l, int type)
{
    int q = HEADS * HEAD_DIM;

    if (r->shape & MLA) {
        add_tensor(r, l, "attn_kv_a_mqa.weight", EMBD, 8 + HEAD_DIM / 2, type);
        add_tensor(r, l, "attn_kv_a_norm.weight", 8, 0, type);
        add_tensor(r, l, "attn_kv_b.weight", 8, HEADS * (HEAD_DIM / 2 + HEAD_DIM), QUANT_F32);
    }
    if (r->shape & FUSED_QKV) {
        add_tensor(r, l, "attn_qkv.weight", EMBD, q + 2 * HEAD_DIM, type);
        add_tensor(r, l, "attn_qkv.bias", q + 2 * HEAD_DIM, 0, type);
    } else {
        add_tensor(r, l, "attn_q.weight", EMBD, q, type);
    }
    if (!(r->shape & (FUSED_QKV | MLA))) {
        add_tensor(r, l, "attn_k.weight", EMBD, HEAD_DIM, type);
        add_tensor(r, l, "attn_v.weight", EMBD, HEAD_DIM, type);
    }
    if (r->shape & (QK_NORM | QK_NORM_ROW)) {
        add_tensor(r, l, "attn_q_norm.weight", r->shape & QK_NORM ? HEAD_DIM : q, 0, type);
        add_tensor(r, l, "attn_k_norm.weight", HEAD_DIM, 0, type);
    }
    if (r->shape & SINKS)
        add_tensor(r, l, "attn_sinks.weight", HEADS, 0, type);
    add_tensor(r, l, "attn_output.weight", q, EMBD, type);
}

static void family_ffn(struct recipe *r, int l, int type)
{
    if (r->shape & EXPERTS) {
        add_tensor(r, l, "ffn_gate_inp.weight", EMBD, 4, QUANT_F32);
        expert_tensor(r, l, "ffn_gate_exps.weight", EMBD, FF, type);
        expert_tensor(r, l, "ffn_up_exps.weight", EMBD, FF, type);
        expert_tensor(r, l, "ffn_down_exps.weight", FF, EMBD, type);
        rare_expert_tensors(r, l, type);
        return;
    }
    if (!(r->shape & (UNGATED | FUSED_UP)))
        add_tensor(r, l, "ffn_gate.weight", EMBD, FF, type);
    add_tensor(r, l, "ffn_up.weight", EMBD, r->shape & FUSED_UP ? 2 * FF : FF, type);
    add_tensor(r, l, "ffn_down.weight", FF, EMBD, type);
}

static void stack_tensor(struct recipe *r, const char *name, int type)
{
    struct tensor *t;

    add_tensor(r, -1, name, EMBD, EMBD, type);
    t = &r->tensors[r->n_tensors - 1];
    t->n_dims = 3;
    t->ne[2] = N_STREAMS - 1;
}

static void stream_tables(struct recipe *r, int type)
{
    stack_tensor(r, "altup_proj.weight", type);
    stack_tensor(r, "altup_unembd_proj.weight", type);
    add_tensor(r, -1, "per_layer_token_embd.weight", PART * LAYERS, VOCAB, QUANT_F32);
    add_tensor(r, -1, "per_layer_model_proj.weight", EMBD, PART * LAYERS, type);
    add_tensor(r, -1, "per_layer_proj_norm.weight", PART, 0, type);
}

static void stream_tensors(struct recipe *r, int l, int type)
{
    add_tensor(r, l, "post_attention_norm.weight", EMBD, 0, type);
    add_tensor(r, l, "post_ffw_norm.weight", EMBD, 0, type);
    add_tensor(r, l, "inp_gate.weight", EMBD, PART, type);
    add_tensor(r, l, "proj.weight", PART, EMBD, QUANT_F32);
    add_tensor(r, l, "post_norm.weight", EMBD, 0, type);
    add_tensor(r, l, "altup_correct_coef.weight", N_STREAMS, N_STREAMS, QUANT_F32);
    add_tensor(r, l, "altup_correct_scale.weight", EMBD, 0, type);
    add_tensor(r, l, "altup_predict_coef.weight", N_STREAMS, N_STREAMS * N_STREAMS, QUANT_F32);
    add_tensor(r, l, "altup_router.weight", EMBD, N_STREAMS, type);
    add_tensor(r, l, "altup_router_norm.weight", EMBD, 0, type);
    add_tensor(r, l, "laurel_l.weight", EMBD, LOW, type);
    add_tensor(r, l, "laurel_r.weight", LOW, EMBD, QUANT_F32);
    add_tensor(r, l, "laurel_post_norm.weight", EMBD, 0, type);
}

static void family_tensors(struct recipe *r, int type)
{
    add_tensor(r, -1, "token_embd.weight", EMBD, VOCAB, type);
    norm_tensors(r, -1, "output_norm", type);
    if (r->shape & POSITIONS)
        add_tensor(r, -1, "position_embd.weight", EMBD, CONTEXT, type);
    if (r->shape & EMBED_NORM)
        norm_tensors(r, -1, "token_embd_norm", type);
    if (r->shape & LONGROPE) {
        add_tensor(r, -1, "rope_factors_long.weight", HEAD_DIM / 2, 0, type);
        add_tensor(r, -1, "rope_factors_short.weight", HEAD_DIM / 2, 0, type);
    }
    if (r->shape & STREAMS)
        stream_tables(r, type);
    for (int l = 0; l < LAYERS; l++) {
        if (!(r->shape & POST_ONLY))
            norm_tensors(r, l, "attn_norm", type);
        if (r->shape & TWO_NORMS)
            norm_tensors(r, l, "attn_norm_2", type);
        if (r->shape & (POST_ONLY | POST_NAMED))
            norm_tensors(r, l, "post_attention_norm", type);
        if (r->shape & POST_ONLY)
            norm_tensors(r, l, "post_ffw_norm", type);
        if (!(r->shape & (POST_ONLY | POST_NAMED | TWO_NORMS)))
            norm_tensors(r, l, "ffn_norm", type);
        mixer_tensors(r, l, type);
        family_ffn(r, l, type);
        if (r->shape & STREAMS)
            stream_tensors(r, l, type);
    }
}

static void mamba_tensors(struct recipe *r, int l, int type)
{
    add_tensor(r, l, "ssm_in.weight", EMBD, 2 * INNER, type);
    add_tensor(r, l, "ssm_conv1d.weight", TAPS, INNER, QUANT_F32);
    add_tensor(r, l, "ssm_conv1d.bias", INNER, 0, type);
    add_tensor(r, l, "ssm_x.weight", INNER, RANK + 2 * STATES, type);
    add_tensor(r, l, "ssm_dt.weight", RANK, INNER, QUANT_F32);
    add_tensor(r, l, "ssm_dt.bias", INNER, 0, type);
    add_tensor(r, l, "ssm_a", STATES, INNER, QUANT_F32);
    add_tensor(r, l, "ssm_d", INNER, 0, type);
    add_tensor(r, l, "ssm_out.weight", INNER, EMBD, type);
}

static void mamba2_tensors(struct recipe *r, int l, int type)
{
    int width = INNER + 2 * 2 * STATES;

    add_tensor(r, l, "ssm_in.weight", EMBD, INNER + width + RANK, type);
    add_tensor(r, l, "ssm_conv1d.weight", TAPS, width, QUANT_F32);
    add_tensor(r, l, "ssm_conv1d.bias", width, 0, type);
    add_tensor(r, l, "ssm_dt.bias", RANK, 0, type);
    add_tensor(r, l, "ssm_a", 1, RANK, QUANT_F32);
    add_tensor(r, l, "ssm_d", 1, RANK, QUANT_F32);
    add_tensor(r, l, "ssm_norm.weight", INNER / 2, 2, QUANT_F32);
    add_tensor(r, l, "ssm_out.weight", INNER, EMBD, type);
}

static void delta_tensors(struct recipe *r, int l, int type)
{
    int width = 2 * 2 * KEY_SIZE + INNER;

    add_tensor(r, l, "attn_qkv.weight", EMBD, width, type);
    add_tensor(r, l, "attn_gate.weight", EMBD, INNER, type);
    add_tensor(r, l, "ssm_conv1d.weight", TAPS, width, QUANT_F32);
    add_tensor(r, l, "ssm_alpha.weight", EMBD, RANK, type);
    add_tensor(r, l, "ssm_beta.weight", EMBD, RANK, type);
    add_tensor(r, l, "ssm_dt.bias", RANK, 0, type);
    add_tensor(r, l, "ssm_a", RANK, 0, type);
    add_tensor(r, l, "ssm_norm.weight", KEY_SIZE, 0, type);
    add_tensor(r, l, "ssm_out.weight", INNER, EMBD, type);
}

/* lfm2, qwen35: the first layer has a state, the second attends; falcon-h1: both do both. */
static int recurrent_tensors(struct recipe *r, int l, int type)
{
    if (is_arch(r, "mamba")) {
        mamba_tensors(r, l, type);
        return 1;
    }
    if (is_arch(r, "falcon-h1"))
        mamba2_tensors(r, l, type);
    if (is_arch(r, "qwen35") && l == 0)
        delta_tensors(r, l, type);
    if (is_arch(r, "lfm2") && l == 0) {
        add_tensor(r, l, "shortconv.in_proj.weight", EMBD, 3 * EMBD, type);
        add_tensor(r, l, "shortconv.conv.weight", 3, EMBD, QUANT_F32);
        add_tensor(r, l, "shortconv.out_proj.weight", EMBD, EMBD, type);
    }
    return (is_arch(r, "qwen35") || is_arch(r, "lfm2")) && l == 0;
}

static void ffn_tensors(struct recipe *r, int l, int type)
{
    add_tensor(r, l, is_arch(r, "qwen35") ? "post_attention_norm.weight" : "ffn_norm.weight", EMBD,
               0, type);
    add_tensor(r, l, "ffn_gate.weight", EMBD, FF, type);
    add_tensor(r, l, "ffn_up.weight", EMBD, FF, type);
    add_tensor(r, l, "ffn_down.weight", FF, EMBD, type);
}

static void base_tensors(struct recipe *r, int type)
{
    int gated = is_arch(r, "qwen35") ? 2 : 1;

    add_tensor(r, -1, "token_embd.weight", EMBD, VOCAB, type);
    add_tensor(r, -1, "output_norm.weight", EMBD, 0, type);
    add_tensor(r, -1, "output.weight", EMBD, VOCAB, type);
    for (int l = 0; l < LAYERS; l++) {
        add_tensor(r, l, "attn_norm.weight", EMBD, 0, type);
        if (recurrent_tensors(r, l, type)) {
            if (!is_arch(r, "mamba"))
                ffn_tensors(r, l, type);
            continue;
        }
        add_tensor(r, l, "attn_q.weight", EMBD, gated * HEADS * HEAD_DIM, type);
        add_tensor(r, l, "attn_k.weight", EMBD, HEAD_DIM, type);
        add_tensor(r, l, "attn_v.weight", EMBD, HEAD_DIM, type);
        add_tensor(r, l, "attn_q.bias", gated * HEADS * HEAD_DIM, 0, type);
        add_tensor(r, l, "attn_output.weight", HEADS * HEAD_DIM, EMBD, type);
        ffn_tensors(r, l, type);
        if (strcmp(r->arch, "qwen3") == 0 || strcmp(r->arch, "gemma3") == 0) {
            add_tensor(r, l, "attn_q_norm.weight", HEAD_DIM, 0, type);
            add_tensor(r, l, "attn_k_norm.weight", HEAD_DIM, 0, type);
        }
        if (strcmp(r->arch, "gemma3") == 0) {
            add_tensor(r, l, "post_attention_norm.weight", EMBD, 0, type);
            add_tensor(r, l, "post_ffw_norm.weight", EMBD, 0, type);
        }
    }
    add_tensor(r, -1, "rope_freqs.weight", HEAD_DIM / 2, 0, type);
    r->tensors[r->n_tensors - 1].left_out = 1;
}

/* The first byte chooses which model is edited. */
static void make_recipe(struct recipe *r, uint8_t which, int type)
{
    int is_family = which >= FROM_FAMILIES && which < FROM_RECURRENT;
    /* The last family came later: inputs that were there already mean what they meant. */
    size_t last = COUNT(families) - 1, i = which == FROM_RECURRENT - 1 ? last : which % last;

    r->arch = is_family ? families[i].name
                        : (which < FROM_RECURRENT ? archs : recurrent)[which % COUNT(archs)];
    r->shape = is_family ? families[i].shape : 0;
    base_keys(r);
    if (is_family) {
        family_keys(r);
        family_tensors(r, type);
        return;
    }
    if (which >= FROM_RECURRENT)
        recurrent_keys(r);
    base_tensors(r, type);
}

#endif
