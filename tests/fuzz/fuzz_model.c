/* fuzz_model.c -- a tiny model with edits: keys, shapes, types and weights that do not belong
 * together, opened and run.
 *
 * Bytes that break the container are fuzz_gguf's; here the container is always well formed and
 * what it says is wrong.  Input: five bytes choose the architecture, the format of the matrices and
 * how the runner is opened; then records of four bytes {what, which, a, b} edit the model. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "runners/gguf_write.h"
#include "runners/quant.h"
#include "runners/quantize.h"
#include "runners/runner.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum { EMBD = 32, HEADS = 2, HEAD_DIM = 16, FF = 32, LAYERS = 2, VOCAB = 44, CONTEXT = 24 };
enum { KEYS_MAX = 64, TENSORS_MAX = 64, DATA_MAX = 1 << 17 };

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
};
static const int types[] = {QUANT_F32, QUANT_F16, QUANT_Q4_0, QUANT_Q8_0, QUANT_BF16, QUANT_Q4_K,
                            QUANT_Q5_1, QUANT_I32, QUANT_IQ4_NL, QUANT_MXFP4, QUANT_Q6_K};
static const uint32_t numbers[] = {0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 32, 33, 48, 64, 96, 128,
                                   43, 44, 45, 160, 255, 256, 257, 512, 1023, 1024, 1025, 4096, 16384,
                                   16385, 65536, 1 << 20, 1 << 24, 1 << 30, 0x7fffffff, 0x80000000,
                                   0xffffffff};
static const uint32_t floats[] = {0, 0x80000000, 0x7f800000, 0xff800000, 0x7fc00000, 0x3f800000,
                                  0x00000001, 0x7f7fffff, 0xbf800000, 0x461c4000, 0x37800000,
                                  0x42000000, 0x3f000000};

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
        {"attention.temperature_scale", 'f', 0, 0},      {"attention.temperature_length", 'i', 4, 0},
        {"attention.sliding_window_pattern", 0, 1, 0},   {"feed_forward.activation", 0, 2, 0},
        {"feed_forward.activation_threshold", 'f', 0, 0}, {"use_parallel_residual", 0, 1, 0},
        {"nextn_predict_layers", 'i', 0, 0},             {"expert_count", 'i', 4, 0},
        {"expert_used_count", 'i', 2, 0},                {"expert_feed_forward_length", 'i', FF, 0},
        {"expert_gating_func", 'i', 1, 0},               {"expert_weights_norm", 'b', 1, 0},
        {"expert_weights_scale", 'f', 0, 1},             {"expert_group_count", 'i', 1, 0},
        {"leading_dense_block_count", 'i', 0, 0},        {"attention.kv_lora_rank", 'i', 8, 0},
        {"expert_group_used_count", 0, 1, 0},
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

static void edit_key(struct key *k, uint8_t a, uint8_t b)
{
    static const char kinds[] = {'i', 'f', 's', 'b', 'a', 0, 'i', 'i'};

    k->kind = kinds[b % sizeof kinds];
    k->i = numbers[a % COUNT(numbers)];
    memcpy(&k->f, &floats[a % COUNT(floats)], sizeof k->f);
}

static void edit(struct recipe *r, const uint8_t *at)
{
    struct tensor *t = &r->tensors[at[1] % r->n_tensors];

    switch (at[0] % 8) {
    case 0:
    case 1:
        edit_key(&r->keys[at[1] % r->n_keys], at[2], at[3]);
        return;
    case 2:
        t->ne[at[2] % 4] = numbers[at[3] % COUNT(numbers)];
        return;
    case 3:
        t->n_dims = 1 + at[2] % 4;
        return;
    case 4:
        t->type = types[at[2] % COUNT(types)];
        return;
    case 5:
        t->left_out = !t->left_out;
        return;
    case 6:
        t->fill = at[2];
        return;
    default:
        r->n_tokens = at[2] * 2;
        return;
    }
}

static void put_vocabulary(struct gguf_writer *w, int n)
{
    static char texts[512][16];
    struct gguf_str strs[512];

    for (int i = 0; i < n; i++) {
        snprintf(texts[i], sizeof texts[i], "w%d", i);
        strs[i] = (struct gguf_str){texts[i], strlen(texts[i])};
    }
    gguf_put_str(w, "tokenizer.ggml.model", "llama", 5);
    gguf_put_strs(w, "tokenizer.ggml.tokens", strs, (size_t)n);
}

static void put_key(struct gguf_writer *w, const struct key *k)
{
    static const char *const words[] = {"linear", "yarn", "relu",     "yarn",
                                        "fatrelu", "longrope", "none", "relu2"};
    int32_t two[] = {k->kind == 'z' ? 0 : (int32_t)k->i, (int32_t)k->i};

    if (k->kind == 'i')
        gguf_put_u32(w, k->name, k->i);
    else if (k->kind == 'f')
        gguf_put_f32(w, k->name, k->f);
    else if (k->kind == 's')
        gguf_put_str(w, k->name, words[k->i % COUNT(words)], strlen(words[k->i % COUNT(words)]));
    else if (k->kind == 'b')
        gguf_put_bool(w, k->name, k->i != 0);
    else if (k->kind == 'a' || k->kind == 'z')
        gguf_put_i32s(w, k->name, two, 2);
}

/* Bytes of the tensor's data; 0 where the reader will refuse the shape anyway. */
static size_t data_bytes(const struct tensor *t)
{
    const struct quant *q = quant_find(t->type);
    uint64_t n = t->ne[0];

    for (int i = 1; i < t->n_dims; i++)
        n = n > DATA_MAX || t->ne[i] > DATA_MAX ? DATA_MAX + 1 : n * t->ne[i];
    return n > DATA_MAX || t->ne[0] % (uint64_t)q->block ? 0 : quant_bytes(q, (size_t)n);
}

static void put_data(struct strbuf *out, const struct tensor *t)
{
    static const char zeros[GGUF_ALIGNMENT];
    const struct quant *q = quant_find(t->type);
    size_t bytes = data_bytes(t), block = (size_t)q->bytes;
    uint8_t one[512];
    float x[256];

    for (int i = 0; i < q->block; i++)
        x[i] = t->n_dims == 1 ? 1 : (float)(i * 37 % 64 - 31) / 256;
    if (t->fill || quantize_row(t->type, one, x, (size_t)q->block) < 0)
        memset(one, t->fill ? t->fill : 0x11, block);
    for (size_t i = 0; i < bytes; i += block) {
        strbuf_add(out, one, block);
        if (block == 4 && !t->fill) { /* plain floats: not all the same */
            x[0] = t->n_dims == 1 ? 1 : (float)(i * 37 % 1021) / 4096 - 0.125f;
            quantize_row(t->type, one, x, 1);
        }
    }
    strbuf_add(out, zeros, gguf_padding(bytes));
}

static int write_model(const struct recipe *r, struct strbuf *out)
{
    struct gguf_writer w = {0};
    int rc;

    gguf_put_str(&w, "general.architecture", r->arch, strlen(r->arch));
    for (int i = 0; i < r->n_keys; i++)
        put_key(&w, &r->keys[i]);
    put_vocabulary(&w, r->n_tokens);
    for (int i = 0; i < r->n_tensors; i++) {
        const struct tensor *t = &r->tensors[i];
        struct gguf_str name = {t->name, strlen(t->name)};
        if (!t->left_out)
            gguf_put_tensor(&w, name, t->n_dims, t->ne, t->type, data_bytes(t));
    }
    rc = gguf_write_head(&w, out, NULL);
    for (int i = 0; i < r->n_tensors; i++)
        if (!r->tensors[i].left_out)
            put_data(out, &r->tensors[i]);
    gguf_writer_release(&w);
    return rc < 0 || strbuf_ok(out, NULL) < 0 ? -1 : 0;
}

static int on_row(void *user, const struct request *q, int position, const float *logits)
{
    const struct runner *r = user;
    float sum = 0;

    (void)q;
    (void)position;
    for (int i = 0; i < runner_info(r)->vocab_size; i++)
        sum += logits[i];
    return sum == 12345; /* reads every one */
}

/* A context of a million tokens is legal, and too slow to fill here. */
static int on_token(void *user, const struct request *q, int32_t id, float margin)
{
    (void)q;
    if (id < 0 || !(margin >= 0))
        abort();
    return ++*(int *)user > 20;
}

static void check_error(int rc, const struct err *e)
{
    if ((rc < 0) != (e->code != ERR_OK) || strchr(e->text, '\n') || (rc < 0 && !e->text[0]))
        abort(); /* a refusal gives its reason, in one line */
}

static void ask(struct runner *r, const uint8_t *choice)
{
    int vocab = runner_info(r)->vocab_size;
    int32_t ids[12];
    int made = 0;
    struct request q[] = {
        {.kind = REQUEST_SCORE, .ids = ids, .n_ids = 12, .n_given = 6},
        {.kind = REQUEST_SCORE, .ids = ids, .n_ids = 9, .n_given = 8},
        {.kind = REQUEST_GENERATE, .ids = ids, .n_ids = 4, .on_token = on_token,
         .user = &made, .max_tokens = (int)(0x7fffffffu >> choice[3] % 32),
         .sampling = {choice[4] / 128.0, 0.9, 1}},
        {.kind = REQUEST_LOGITS, .ids = ids, .n_ids = 3, .on_logits = on_row, .user = r},
    };
    struct err e = ERR_NONE;

    for (int i = 0; i < 12; i++)
        ids[i] = (i * 7 + 3) % vocab;
    for (int again = 0; again < 2; again++) { /* an error must leave the runner usable */
        e = ERR_NONE;
        check_error(runner_run(r, q, 4, NULL, NULL, NULL, &e), &e);
    }
}

static void run_model(const char *path, const uint8_t *choice)
{
    static const int batches[] = {0, 1, 2, 3, 5, 7, 8, 33};
    struct runner_opts o = {
        .kernels = choice[2] & 1 ? NULL : "ref", .threads = 1,
        .numerics = choice[2] & 2 ? NUMERICS_FAST : NUMERICS_EXACT,
        .check_finite = choice[2] >> 2 & 1,
        .batch_tokens = batches[choice[2] >> 3 & 7],
        .kv_bytes = choice[2] & 64 ? (size_t)numbers[choice[4] % COUNT(numbers)] : 0,
        .context = choice[2] & 128 ? (int)(numbers[choice[3] % COUNT(numbers)] & 0x7fffffff) : 0,
    };
    struct runner *r = NULL;
    struct err e = ERR_NONE;
    int rc = runner_open(&r, path, &o, &e);

    check_error(rc, &e);
    if (rc == 0)
        ask(r, choice);
    runner_close(r);
}

/* The first byte chooses which model is edited. */
static void make_recipe(struct recipe *r, uint8_t which, int type)
{
    int is_family = which >= FROM_FAMILIES && which < FROM_RECURRENT;
    size_t i = which % COUNT(families);

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

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static int fd = -1;
    struct recipe r = {.n_tokens = VOCAB};
    struct strbuf b = STRBUF_INIT;
    char path[40];

    if (n < 5)
        return 0;
    make_recipe(&r, bytes[0], types[bytes[1] % COUNT(types)]);
    for (size_t i = 5; i + 4 <= n && i < 5 + 4 * 32; i += 4)
        edit(&r, bytes + i);
    if (fd < 0)
        fd = memfd_create("model", 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (write_model(&r, &b) == 0 && fd >= 0 && ftruncate(fd, 0) == 0 &&
        pwrite(fd, b.s, b.len, 0) == (ssize_t)b.len)
        run_model(path, bytes);
    strbuf_release(&b);
    if (mem_live() != 0)
        abort();
    return 0;
}
