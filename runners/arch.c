/* arch.c -- see arch.h.
 *
 * Every decoder is the same walk over layers (arch_walk.c) with a few switches; the switches are
 * the row, and what a family fixes by its size or an old file leaves out is in the row's adjust. */
#include "runners/arch.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/suggest.h"
#include "runners/arch_build.h"
#include "runners/dmath.h"

/* ---- what families fix ---------------------------------------------------------------------- */

static int key_bool(struct build *b, const char *key, int fallback)
{
    char name[96];

    snprintf(name, sizeof name, "%s.%s", b->a->name, key);
    if (gguf_get_bool(b->m->file, name, &fallback, b->e) < 0)
        return -1;
    return fallback;
}

static int has_key(struct build *b, const char *key)
{
    char name[96];

    snprintf(name, sizeof name, "%s.%s", b->a->name, key);
    return gguf_has(b->m->file, name);
}

static void scale_by_width(struct build *b, int layers)
{
    const struct hparams *hp = &b->m->hp;

    for (int i = 0; i < hp->layers && hp->layers == layers; i++)
        b->layers[i].scale = 1.0f / sqrtf((float)hp->embd / (float)hp->heads);
}

/* The 27B models scale scores by E/H, not by the head's size. */
static int adjust_gemma2(struct build *b)
{
    scale_by_width(b, 46);
    return 0;
}

static int adjust_gemma3(struct build *b)
{
    scale_by_width(b, 62);
    return 0;
}

/* Files from before the keys: what the published models have. */
static int adjust_minicpm(struct build *b)
{
    const struct hparams *hp = &b->m->hp;

    if (!has_key(b, "embedding_scale"))
        b->embed_scale = 12;
    if (!has_key(b, "residual_scale"))
        b->residual_scale = 1.4f / sqrtf((float)hp->layers);
    if (!has_key(b, "logit_scale"))
        b->logit_scale = 256.0f / (float)hp->embd;
    return 0;
}

/* rope.scaling.finetuned is a switch there: false means no rotation. */
static int adjust_granite(struct build *b)
{
    int turns = key_bool(b, "rope.scaling.finetuned", 1);

    for (int i = 0; i < b->m->hp.layers && turns == 0; i++)
        b->layers[i].rope = LAYER_ROPE_NONE;
    return turns < 0 ? -1 : 0;
}

/* A folder may say which layers turn; elsewhere every fourth does not. */
static int adjust_smollm3(struct build *b)
{
    int layers = b->m->hp.layers, listed = has_key(b, "attention.rope_layers");
    int *turns = mem_calloc((size_t)layers, sizeof *turns);
    int rc = turns ? arch_layer_ints(b, "attention.rope_layers", 1, 0, 1, turns)
                   : err_nomem(b->e);

    for (int i = 0; i < layers && rc == 0; i++)
        if (listed ? !turns[i] : i % 4 == 3)
            b->layers[i].rope = LAYER_ROPE_NONE;
    mem_free(turns);
    return rc;
}

/* Where no list says which layers have windows, only the 32B model has them, and full layers
 * without rope. */
static int adjust_exaone4(struct build *b)
{
    if (has_key(b, "attention.sliding_window_pattern"))
        return 0;
    for (int i = 0; i < b->m->hp.layers && b->m->hp.layers != 64; i++) {
        b->layers[i].window = 0;
        b->layers[i].rope = LAYER_ROPE;
    }
    return 0;
}

static int adjust_gptneox(struct build *b)
{
    int parallel = key_bool(b, "use_parallel_residual", 1);

    b->block = parallel ? BLOCK_PARALLEL : BLOCK_PRE;
    return parallel < 0 ? -1 : 0;
}

/* Some checkpoints divide the scores of each layer by its number, too. */
static int adjust_gpt2(struct build *b)
{
    int divides = key_bool(b, "attention.scale_by_layer", 0);

    for (int i = 0; i < b->m->hp.layers && divides > 0; i++)
        b->layers[i].scale /= (float)(i + 1);
    return divides < 0 ? -1 : 0;
}

static int adjust_stablelm(struct build *b)
{
    if (!has_tensor(b, 0, "ffn_norm.weight"))
        b->block = BLOCK_PARALLEL;
    return 0;
}

/* Files from before the key: the 4k models. */
static int adjust_phi3(struct build *b)
{
    const struct hparams *hp = &b->m->hp;
    int old = !has_key(b, "attention.sliding_window") && hp->context == 4096 &&
              (hp->layers == 32 || hp->layers == 40);

    for (int i = 0; i < hp->layers && old; i++)
        b->layers[i].window = 2047;
    return 0;
}

/* The 13B model has slopes instead of rope. */
static int adjust_baichuan(struct build *b)
{
    for (int i = 0; i < b->m->hp.layers && b->m->hp.layers == 40; i++)
        b->layers[i].rope = LAYER_ROPE_NONE;
    if (b->m->hp.layers == 40)
        b->alibi_max = 8;
    return 0;
}

/* Newer converters leave the base as published and say how far it is stretched. */
static int adjust_hunyuan(struct build *b)
{
    struct hparams *hp = &b->m->hp;
    double alpha;
    const struct f64_key key = {"rope.scaling.alpha", &alpha, 0, 0, 1e9};

    if (model_f64s(b->m, &key, 1, b->e) < 0)
        return -1;
    if (alpha > 0 && hp->head_dim > 2)
        hp->rope_base *= dmath_power(alpha, hp->head_dim, hp->head_dim - 2);
    return 0;
}

/* Which layers have the delta rule instead of attention: the file's list, or all but each n-th. */
static int adjust_delta(struct build *b)
{
    int layers = b->m->hp.layers, interval, rc = -1;
    const struct int_key key = {"full_attention_interval", &interval, b->a->period, 1, 1 << 10};
    int *recurrent = mem_calloc((size_t)layers, sizeof *recurrent);

    if (!recurrent)
        return err_nomem(b->e);
    if (arch_layer_ints(b, "attention.recurrent_layers", 0, 0, 1, recurrent) < 0 ||
        model_ints(b->m, &key, 1, b->e) < 0)
        goto out;
    for (int i = 0; i < layers; i++)
        if (has_key(b, "attention.recurrent_layers") ? recurrent[i] : (i + 1) % interval != 0)
            b->layers[i].kv_heads = 0;
    rc = 0;
out:
    mem_free(recurrent);
    return rc;
}

/* Three layers of four attend within chunks; the fourth sees everything, without rope, and its
 * queries grow with the position.  A window of 0 says that there is none of this. */
static int adjust_llama4(struct build *b)
{
    int chunk, experts, norms;
    const struct int_key keys[] = {
        {"attention.sliding_window", &chunk, 8192, 0, 1 << 30},
        {"expert_count", &experts, 0, 0, ROUTE_EXPERTS_MAX},
    };

    if (model_ints(b->m, keys, 2, b->e) < 0)
        return -1;
    norms = key_bool(b, "attention.use_qk_norm", experts != 128); /* files have no such key */
    if (norms < 0)
        return -1;
    for (int i = 0; i < b->m->hp.layers; i++) {
        struct layer *l = &b->layers[i];
        int full = (i + 1) % 4 == 0 && chunk > 0;
        l->rope = full ? LAYER_ROPE_NONE : LAYER_ROPE;
        l->chunk = full ? 0 : chunk;
        l->temper = full ? (struct temper){0.1f, 1, 8192} : (struct temper){0};
        l->bare_qk_norm = !full && norms;
    }
    return 0;
}

/* ---- the table ------------------------------------------------------------------------------ */

#define LN LAYER_NORM
#define HALVES ROPE_HALVES

static const struct arch archs[] = {
    {"llama", BLOCK_PRE, ACT_SILU, 0, 0, 0, NULL},
    {"apertus", BLOCK_PRE, ACT_NONE, HALVES | QK_NORM | UNGATED | XIELU, 0, 0, NULL},
    {"arcee", BLOCK_PRE, ACT_RELU2, UNGATED, 0, 0, NULL},
    {"baichuan", BLOCK_PRE, ACT_SILU, 0, 0, 0, adjust_baichuan},
    {"bitnet", BLOCK_PRE, ACT_SILU, HALVES | SUB_NORMS, 0, 0, NULL},
    {"bitnet-b1.58", BLOCK_PRE, ACT_RELU2, HALVES | SUB_NORMS, 0, 0, NULL},
    {"bloom", BLOCK_PRE, ACT_GELU_TANH, LN | NO_ROPE | ALIBI | UNGATED | EMBED_NORM, 0, 0, NULL},
    {"chatglm", BLOCK_PRE, ACT_SILU, 0, 0, 0, NULL},
    {"cohere2", BLOCK_PARALLEL, ACT_SILU, LN | WINDOWED | GLOBAL_NO_ROPE | LOGIT_MULTIPLY, 0, 4,
     NULL},
    {"command-r", BLOCK_PARALLEL, ACT_SILU, LN | QK_NORM | LOGIT_MULTIPLY, 0, 0, NULL},
    {"dbrx", BLOCK_PRE, ACT_SILU, LN | HALVES, 0, 0, NULL},
    {"deepseek", BLOCK_PRE, ACT_SILU, 0, MOE_RAW, 0, NULL},
    {"deepseek2", BLOCK_PRE, ACT_SILU, 0, MOE_RAW | MOE_GLM_FLASH, 0, NULL},
    {"dots1", BLOCK_PRE, ACT_SILU, HALVES | QK_NORM, MOE_RAW, 0, NULL},
    {"ernie4_5", BLOCK_PRE, ACT_SILU, 0, 0, 0, NULL},
    {"ernie4_5-moe", BLOCK_PRE, ACT_SILU, 0, 0, 0, NULL},
    {"exaone", BLOCK_PRE, ACT_SILU, HALVES, 0, 0, NULL},
    {"exaone-moe", BLOCK_PRE, ACT_SILU, HALVES | QK_NORM | WINDOWED | GLOBAL_NO_ROPE, MOE_RAW, 4,
     NULL},
    {"exaone4", BLOCK_POST, ACT_SILU, HALVES | QK_NORM | WINDOWED | GLOBAL_NO_ROPE, 0, 4,
     adjust_exaone4},
    {"falcon", BLOCK_PARALLEL, ACT_GELU_ERF, LN | HALVES | UNGATED, 0, 0, NULL},
    {"falcon-h1", BLOCK_PRE, ACT_SILU, HALVES | MAMBA2 | BOTH_MIXERS, 0, 0, NULL},
    {"gemma", BLOCK_PRE, ACT_GELU_TANH, HALVES | EMBED_SCALED, 0, 0, NULL},
    {"gemma2", BLOCK_SANDWICH, ACT_GELU_TANH, HALVES | EMBED_SCALED | WINDOWED | SOFTCAPS, 0, 2,
     adjust_gemma2},
    {"gemma3", BLOCK_SANDWICH, ACT_GELU_TANH,
     HALVES | QK_NORM | EMBED_SCALED | WINDOWED | LOCAL_ROPE | GEMMA_BASE, 0, 6, adjust_gemma3},
    {"gemma3n", BLOCK_GEMMA3N, ACT_GELU_TANH,
     HALVES | QK_NORM | EMBED_SCALED | WINDOWED | LOCAL_ROPE | GEMMA_BASE, 0, 5, plan_gemma3n},
    {"gemma4", BLOCK_GEMMA4, ACT_GELU_TANH,
     HALVES | QK_NORM | EMBED_SCALED | WINDOWED | LOCAL_ROPE | GEMMA_BASE, 0, 6, plan_gemma4},
    {"glm4", BLOCK_SANDWICH, ACT_SILU, 0, 0, 0, NULL},
    {"glm4moe", BLOCK_PRE, ACT_SILU, HALVES | QK_NORM | FFN_NORM_IS_POST, MOE_RAW | MOE_SIGMOID, 0,
     NULL},
    {"gpt-oss", BLOCK_PRE, ACT_SILU, HALVES | WINDOWED | FFN_NORM_IS_POST,
     MOE_RAW | MOE_SELECTED | MOE_CLAMPED, 2, NULL},
    {"gpt2", BLOCK_PRE, ACT_GELU_TANH, LN | NO_ROPE | POSITIONS | UNGATED, 0, 0, adjust_gpt2},
    {"gptneox", BLOCK_PARALLEL, ACT_GELU_ERF, LN | HALVES | UNGATED, 0, 0, adjust_gptneox},
    {"granite", BLOCK_PRE, ACT_SILU, 0, 0, 0, adjust_granite},
    {"granitehybrid", BLOCK_PRE, ACT_SILU, MAMBA2, 0, 0, adjust_granite},
    {"granitemoe", BLOCK_PRE, ACT_SILU, 0, 0, 0, adjust_granite},
    {"hunyuan-dense", BLOCK_PRE, ACT_SILU, HALVES | QK_NORM_LATE, 0, 0, adjust_hunyuan},
    {"hunyuan-moe", BLOCK_PRE, ACT_SILU, HALVES | QK_NORM_LATE, 0, 0, adjust_hunyuan},
    {"internlm2", BLOCK_PRE, ACT_SILU, 0, 0, 0, NULL},
    {"jamba", BLOCK_PRE, ACT_SILU, NO_ROPE | MAMBA, MOE_RAW, 0, NULL},
    {"lfm2", BLOCK_PRE, ACT_SILU, HALVES | QK_NORM | WINDOWED | SHORTCONV, 0, 0, NULL},
    {"lfm2moe", BLOCK_PRE, ACT_SILU, HALVES | QK_NORM | WINDOWED | SHORTCONV, 0, 0, NULL},
    {"llama4", BLOCK_PRE, ACT_SILU, 0, MOE_RAW | MOE_SIGMOID | MOE_WEIGHS_INPUT, 0, adjust_llama4},
    {"mamba", BLOCK_PRE, ACT_SILU, MAMBA | MIXER_ONLY, 0, 0, NULL},
    {"mamba2", BLOCK_PRE, ACT_SILU, MAMBA2 | MIXER_ONLY, 0, 0, NULL},
    {"minicpm", BLOCK_PRE, ACT_SILU, 0, 0, 0, adjust_minicpm},
    {"minicpm3", BLOCK_PRE, ACT_SILU, HALVES, 0, 0, adjust_minicpm},
    {"minimax-m2", BLOCK_PRE, ACT_SILU, HALVES | QK_NORM_ROW, 0, 0, NULL},
    {"mistral3", BLOCK_PRE, ACT_SILU, 0, 0, 0, NULL},
    {"mistral4", BLOCK_PRE, ACT_SILU, 0, MOE_RAW, 0, NULL},
    {"mpt", BLOCK_PRE, ACT_GELU_ERF, LN | NO_ROPE | QK_NORM_ROW | UNGATED, 0, 0, NULL},
    {"nemotron", BLOCK_PRE, ACT_RELU2, LN | HALVES | UNGATED, 0, 0, NULL},
    {"nemotron_h", BLOCK_PRE, ACT_RELU2, NO_ROPE | UNGATED | MAMBA2 | MIXER_OR_FFN, 0, 0, NULL},
    {"nemotron_h_moe", BLOCK_PRE, ACT_RELU2, NO_ROPE | UNGATED | MAMBA2 | MIXER_OR_FFN,
     MOE_RAW | MOE_SIGMOID, 0, NULL},
    {"olmo", BLOCK_PRE, ACT_SILU, LN | BARE_NORM, 0, 0, NULL},
    {"olmo2", BLOCK_POST, ACT_SILU, HALVES | QK_NORM_ROW | WINDOWED | LOCAL_ROPE, 0, 4, NULL},
    {"olmoe", BLOCK_PRE, ACT_SILU, HALVES | QK_NORM_ROW, MOE_RAW, 0, NULL},
    {"openelm", BLOCK_PRE, ACT_SILU, HALVES | QK_NORM, 0, 0, NULL},
    {"orion", BLOCK_PRE, ACT_SILU, LN | HALVES, 0, 0, NULL},
    {"phi2", BLOCK_PARALLEL, ACT_GELU_TANH, LN | HALVES | UNGATED, 0, 0, NULL},
    {"phi3", BLOCK_PRE, ACT_SILU, HALVES | WINDOWED, 0, 0, adjust_phi3},
    {"phimoe", BLOCK_PRE, ACT_SILU, LN | HALVES, MOE_RAW | MOE_SPARSEMIXER, 0, NULL},
    {"plm", BLOCK_PRE, ACT_RELU2, UNGATED, 0, 0, NULL},
    {"qwen", BLOCK_PRE, ACT_SILU, HALVES, 0, 0, NULL},
    {"qwen2", BLOCK_PRE, ACT_SILU, HALVES, 0, 0, NULL},
    {"qwen2moe", BLOCK_PRE, ACT_SILU, HALVES, MOE_RAW, 0, NULL},
    {"qwen2vl", BLOCK_PRE, ACT_SILU, HALVES, 0, 0, NULL},
    {"qwen3", BLOCK_PRE, ACT_SILU, HALVES | QK_NORM, 0, 0, NULL},
    {"qwen35", BLOCK_PRE, ACT_SILU,
     HALVES | QK_NORM | FFN_NORM_IS_POST | DELTA_TILED | GATED_HEADS, 0, 4, adjust_delta},
    {"qwen35moe", BLOCK_PRE, ACT_SILU,
     HALVES | QK_NORM | FFN_NORM_IS_POST | DELTA_TILED | GATED_HEADS, 0, 4, adjust_delta},
    {"qwen3moe", BLOCK_PRE, ACT_SILU, HALVES | QK_NORM, 0, 0, NULL},
    {"qwen3next", BLOCK_PRE, ACT_SILU,
     HALVES | QK_NORM | FFN_NORM_IS_POST | DELTA_GROUPED | GATED_HEADS, 0, 4, adjust_delta},
    {"qwen3vl", BLOCK_PRE, ACT_SILU, HALVES | QK_NORM, 0, 0, NULL},
    {"qwen3vlmoe", BLOCK_PRE, ACT_SILU, HALVES | QK_NORM, 0, 0, NULL},
    {"refact", BLOCK_PRE, ACT_SILU, NO_ROPE | ALIBI, 0, 0, NULL},
    {"seed_oss", BLOCK_PRE, ACT_SILU, HALVES | FFN_NORM_IS_POST, 0, 0, NULL},
    {"smallthinker", BLOCK_PRE, ACT_RELU, HALVES | WINDOWED | DENSE_FIRST | GLOBAL_NO_ROPE,
     MOE_ROUTES_BLOCK_INPUT, 4, NULL},
    {"smollm3", BLOCK_PRE, ACT_SILU, 0, 0, 0, adjust_smollm3},
    {"stablelm", BLOCK_PRE, ACT_SILU, LN | HALVES | QK_NORM, 0, 0, adjust_stablelm},
    {"starcoder", BLOCK_PRE, ACT_GELU_TANH, LN | NO_ROPE | POSITIONS | UNGATED, 0, 0, NULL},
    {"starcoder2", BLOCK_PRE, ACT_GELU_TANH, LN | HALVES | UNGATED, 0, 0, NULL},
    {"xverse", BLOCK_PRE, ACT_SILU, 0, 0, 0, NULL},
};
enum { N_ARCHS = sizeof archs / sizeof archs[0] };

/* Well-known names that are no decoders of this kind. */
static const struct { const char *name, *why; } others[] = {
    {"dream", "it fills masked tokens in; it has no likelihood of a next token"},
    {"llada", "it fills masked tokens in; it has no likelihood of a next token"},
    {"bert", "it is an encoder"},
    {"nomic-bert", "it is an encoder"},
    {"t5", "it is an encoder with a decoder"},
    {"clip", "it is the vision part of a model"},
};

static void hint_names(const char *typed, struct err *e)
{
    struct suggest s = SUGGEST(typed);
    char names[800] = "";
    size_t n = 0;

    for (int i = 0; i < N_ARCHS; i++)
        suggest_offer(&s, archs[i].name);
    for (int i = 0; i < N_ARCHS && n < sizeof names; i++)
        n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", i ? ", " : "", archs[i].name);
    if (suggest_best(&s))
        err_hint(e, "nearest: %s; known: %s", suggest_best(&s), names);
    else
        err_hint(e, "known: %s", names);
}

static const struct arch *arch_find(const struct gguf *file, struct err *e)
{
    const char *path = gguf_path(file);
    struct gguf_str s;
    char name[64];
    int found = gguf_get_str(file, "general.architecture", &s, e);

    if (found < 0)
        return NULL;
    if (!found) {
        err_set(e, ERR_FORMAT, "%s: key general.architecture is missing", path);
        return NULL;
    }
    snprintf(name, sizeof name, "%.*s", (int)(s.n < 63 ? s.n : 63), s.s);
    for (int i = 0; i < N_ARCHS; i++)
        if (s.n == strlen(archs[i].name) && memcmp(s.s, archs[i].name, s.n) == 0)
            return &archs[i];
    err_set(e, ERR_UNSUPPORTED, "%s: architecture '%s' is not supported", path, name);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (strcmp(name, others[i].name) == 0) {
            err_set(e, ERR_UNSUPPORTED, "%s: architecture '%s' is not supported: %s", path, name,
                    others[i].why);
            return NULL;
        }
    hint_names(name, e);
    return NULL;
}

int arch_check(const struct gguf *file, struct err *e)
{
    return arch_find(file, e) ? 0 : -1;
}

int arch_build(struct model *m, struct err *e)
{
    struct err mine = ERR_NONE;
    struct build b = {.m = m, .e = e ? e : &mine};
    int rc;

    b.a = arch_find(m->file, b.e);
    if (!b.a)
        return -1;
    m->arch_name = b.a->name;
    b.act = b.a->act;
    b.block = b.a->block;
    rc = arch_walk(&b);
    mem_free(b.layers);
    return rc;
}
