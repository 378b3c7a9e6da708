#include "runners/hf_adjust.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "runners/dmath.h"

enum { LAYERS_MAX = HF_LAYERS_MAX, GATING_SIGMOID = 2, GATING_SOFTMAX = 1 };

int adjust_refuse(const struct hf *h, const char *why, struct err *e)
{
    return err_set(e, ERR_UNSUPPORTED, "%s: %s", h->config_path, why);
}

int adjust_gives_part(const struct hf *h)
{
    return hf_get(h, "partial_rotary_factor|rotary_pct|rope_pct|rotary_emb_fraction") ||
           json_get(hf_get(h, "rope_parameters"), "partial_rotary_factor");
}

double adjust_list_at(const struct hf *h, const char *name, int i)
{
    const cJSON *j = cJSON_GetArrayItem(hf_get(h, name), i);

    return cJSON_IsNumber(j) ? j->valuedouble : 1;
}

int adjust_half(struct hf *h, struct err *e)
{
    (void)e;
    if (!adjust_gives_part(h))
        h->n_rot = h->head_dim / 2;
    return 0;
}

int adjust_quarter(struct hf *h, struct err *e)
{
    (void)e;
    if (!adjust_gives_part(h))
        h->n_rot = h->head_dim / 4;
    return 0;
}

int adjust_gptneox(struct hf *h, struct err *e)
{
    h->kv_heads = h->heads;
    return adjust_quarter(h, e);
}

int adjust_sigmoid(struct hf *h, struct err *e)
{
    (void)e;
    hf_put_int(h, "expert_gating_func", GATING_SIGMOID);
    return 0;
}

int adjust_glm4moe(struct hf *h, struct err *e)
{
    return adjust_half(h, e) < 0 ? -1 : adjust_sigmoid(h, e);
}

/* ---- attention ------------------------------------------------------------------------------- */

int adjust_falcon(struct hf *h, struct err *e)
{
    int is_new = hf_bool(h, "new_decoder_architecture", 0);

    if (hf_bool(h, "alibi", 0))
        return adjust_refuse(h, "Falcon with ALiBi is not supported", e);
    if (!is_new && !hf_bool(h, "parallel_attn", 1))
        return adjust_refuse(h, "Falcon without parallel attention is not supported", e);
    if (!is_new)
        h->kv_heads = hf_bool(h, "multi_query", 1) ? 1 : h->heads;
    hf_put_int(h, "attention.head_count_kv", h->kv_heads);
    return 0;
}

int adjust_bigcode(struct hf *h, struct err *e)
{
    (void)e;
    h->kv_heads = hf_bool(h, "multi_query", 1) ? 1 : h->heads;
    hf_put_int(h, "attention.head_count_kv", h->kv_heads);
    return 0;
}

int adjust_chatglm(struct hf *h, struct err *e)
{
    int groups = hf_int(h, "multi_query_group_num", 0);
    double ratio = hf_num(h, "rope_ratio", 1);

    (void)e;
    if (hf_bool(h, "multi_query_attention", 0) && groups > 0)
        h->kv_heads = groups;
    else
        h->kv_heads = h->heads;
    h->n_rot = h->head_dim / 2;
    hf_put_int(h, "attention.head_count_kv", h->kv_heads);
    hf_put_f32(h, "rope.freq_base", 10000 * ratio);
    return 0;
}

int adjust_gemma(struct hf *h, struct err *e)
{
    double scalar = hf_num(h, "query_pre_attn_scalar", 0);

    (void)e;
    if (scalar > 0)
        hf_put_f32(h, "attention.scale", 1 / sqrt(scalar));
    if (cJSON_IsNull(json_get(h->text, "attn_logit_softcapping"))) /* none, not the family's */
        hf_put_f32(h, "attn_logit_softcapping", 0);
    if (cJSON_IsNull(json_get(h->text, "final_logit_softcapping")))
        hf_put_f32(h, "final_logit_softcapping", 0);
    if (!hf_get(h, "layer_types") && hf_get(h, "sliding_window_pattern|_sliding_window_pattern"))
        hf_put_int(h, "attention.sliding_window_pattern",
                   hf_int(h, "sliding_window_pattern|_sliding_window_pattern", 6));
    return 0;
}

int adjust_gpt_oss(struct hf *h, struct err *e)
{
    (void)e;
    hf_put_int(h, "expert_feed_forward_length", hf_int(h, "intermediate_size", 0));
    return 0;
}

/* Keys of a low-rank latent: heads have a part that turns, shared by all of them, and one that does
 * not. */
int adjust_mla(struct hf *h, struct err *e)
{
    int plain = hf_int(h, "qk_nope_head_dim", 0), turned = hf_int(h, "qk_rope_head_dim", 0);
    int value = hf_int(h, "v_head_dim", 0), rank = hf_int(h, "q_lora_rank", 0);

    if (plain < 1 || turned < 1 || value < 1 || plain > 1 << 14 || turned > 1 << 14)
        return adjust_refuse(h, "qk_nope_head_dim, qk_rope_head_dim or v_head_dim is out of range",
                             e);
    if (rank > 0)
        hf_put_int(h, "attention.q_lora_rank", rank);
    hf_put_int(h, "attention.kv_lora_rank", hf_int(h, "kv_lora_rank", 512));
    hf_put_int(h, "attention.key_length", plain + turned);
    hf_put_int(h, "attention.value_length", value);
    hf_put_int(h, "attention.head_count_kv", h->heads);
    hf_put_int(h, "rope.dimension_count", turned);
    h->n_rot = turned;
    h->head_dim = 0; /* said above */
    if (strcmp(hf_str(h, "scoring_func", ""), "sigmoid") == 0)
        hf_put_int(h, "expert_gating_func", GATING_SIGMOID);
    return 0;
}

int adjust_deepseek3(struct hf *h, struct err *e)
{
    hf_put_bool(h, "expert_weights_norm", hf_bool(h, "norm_topk_prob", 1));
    if (!hf_bool(h, "rope_interleave", 1))
        hf_put_bool(h, ".densimeter.rope.halves", 1);
    return adjust_sigmoid(h, e) < 0 ? -1 : adjust_mla(h, e);
}

int adjust_mistral4(struct hf *h, struct err *e)
{
    double beta = json_num(hf_get(h, "rope_parameters|rope_scaling"), "llama_4_scaling_beta", 0);

    if (beta != 0)
        hf_put_f32(h, "attention.temperature_scale", beta);
    return adjust_mla(h, e);
}

int adjust_minicpm(struct hf *h, struct err *e)
{
    double base = hf_num(h, "dim_model_base", 1);

    if (!(base > 0))
        return adjust_refuse(h, "dim_model_base is out of range", e);
    hf_put_f32(h, "residual_scale", hf_num(h, "scale_depth", 1) / sqrt(h->layers));
    hf_put_f32(h, "logit_scale", h->embd / base);
    return 0;
}

int adjust_minicpm3(struct hf *h, struct err *e)
{
    return adjust_minicpm(h, e) < 0 ? -1 : adjust_mla(h, e);
}

int adjust_minimax(struct hf *h, struct err *e)
{
    int rotary = hf_int(h, "rotary_dim", 0);

    if (rotary > 0 && rotary <= h->head_dim)
        h->n_rot = rotary;
    hf_put_int(h, "expert_feed_forward_length", hf_int(h, "intermediate_size", 0));
    return adjust_sigmoid(h, e);
}

/* YaRN's magnitude is divided by the part that mscale_all_dim says; queries grow with position. */
int adjust_mistral3(struct hf *h, struct err *e)
{
    const cJSON *rope = hf_get(h, "rope_parameters|rope_scaling");
    double all = json_num(rope, "mscale_all_dim", 0);
    double beta = json_num(rope, "llama_4_scaling_beta", 0);

    (void)e;
    if (all != 0)
        hf_put_f32(h, "rope.scaling.yarn_log_multiplier", all);
    if (beta != 0)
        hf_put_f32(h, "attention.temperature_scale", beta);
    return 0;
}

int adjust_mpt(struct hf *h, struct err *e)
{
    const cJSON *attention = hf_get(h, "attn_config");
    double clip = json_num(attention, "clip_qkv", 0);

    (void)e;
    h->kv_heads = hf_int_of(attention, "kv_n_heads", h->heads);
    if (h->kv_heads > 0 && h->kv_heads != h->heads)
        hf_put_int(h, "attention.head_count_kv", h->kv_heads);
    if (clip > 0)
        hf_put_f32(h, "attention.clamp_kqv", clip);
    if (json_bool(attention, "alibi", 1))
        hf_put_f32(h, "attention.max_alibi_bias", json_num(attention, "alibi_bias_max", 8));
    return 0;
}

/* Zero says that there is no window, which files from before the key do not. */
int adjust_phi3(struct hf *h, struct err *e)
{
    int window = hf_int(h, "sliding_window", 0);

    (void)e;
    hf_put_int(h, "attention.sliding_window", window > 0 ? window : 0);
    return 0;
}

/* feed-forward sizes are in the tensors; half of what the config says is each matrix's. */
int adjust_qwen(struct hf *h, struct err *e)
{
    (void)e;
    if (hf_get(h, "kv_channels"))
        h->head_dim = hf_int(h, "kv_channels", 128);
    return 0;
}

static int list_ints(const struct hf *h, const char *name, int32_t *v)
{
    const cJSON *one;
    int n = 0;

    cJSON_ArrayForEach(one, hf_get(h, name)) {
        double d = cJSON_IsNumber(one) ? one->valuedouble : 0;
        if (n == h->layers || !(d >= 1 && d <= 1 << 16) || d != floor(d))
            return -1;
        v[n++] = (int32_t)d;
    }
    return n == h->layers ? 0 : -1;
}

/* Each layer has sizes of its own; the feed-forward's is a multiple of the width, rounded to a
 * multiple of the divisor, and never more than a tenth below (the model's make_divisible). */
int adjust_openelm(struct hf *h, struct err *e)
{
    int32_t heads[LAYERS_MAX], kv[LAYERS_MAX], ff[LAYERS_MAX];
    int divisor = hf_int(h, "ffn_dim_divisor", 256);

    if (list_ints(h, "num_query_heads", heads) < 0 || list_ints(h, "num_kv_heads", kv) < 0 ||
        divisor < 1 || cJSON_GetArraySize(hf_get(h, "ffn_multipliers")) != h->layers)
        return adjust_refuse(h, "num_query_heads, num_kv_heads or ffn_multipliers do not fit "
                                "the layers", e);
    for (int i = 0; i < h->layers; i++) {
        double want = adjust_list_at(h, "ffn_multipliers", i) * h->embd;
        double n = floor((want + divisor / 2.0) / divisor) * divisor;
        n = n < divisor ? divisor : n;
        n = n < 0.9 * want ? n + divisor : n;
        if (!(n < 1 << 24))
            return adjust_refuse(h, "ffn_multipliers are out of range", e);
        ff[i] = (int32_t)n;
    }
    hf_put_ints(h, "attention.head_count", heads, (size_t)h->layers);
    hf_put_ints(h, "attention.head_count_kv", kv, (size_t)h->layers);
    hf_put_ints(h, "feed_forward_length", ff, (size_t)h->layers);
    h->head_dim = hf_int(h, "head_dim", 64);
    h->n_rot = h->head_dim;
    return 0;
}

/* ---- Gemma 4 --------------------------------------------------------------------------------- */

static int is_global(const struct hf *h, int layer)
{
    const char *s = cJSON_GetStringValue(cJSON_GetArrayItem(hf_get(h, "layer_types"), layer));

    return s && strcmp(s, "full_attention") == 0;
}

/* A value that layers may have for themselves: "per_layer_config": {"5": {"head_dim": 512}}. */
static int layer_int(const struct hf *h, int layer, const char *name, int fallback)
{
    char text[16];
    double v;

    snprintf(text, sizeof text, "%d", layer);
    v = json_num(json_get(hf_get(h, "per_layer_config"), text), name, fallback);
    return v >= 1 && v <= 1 << 24 ? (int)v : fallback;
}

/* Global layers turn the first pairs of a head only: the others are divided by so much that they
 * stand still. */
static int put_still_pairs(struct hf *h, int head_dim, struct err *e)
{
    const cJSON *rope = json_get(hf_get(h, "rope_parameters"), "full_attention");
    double part = json_num(rope, "partial_rotary_factor", 0.25);
    float v[4096];
    int n = head_dim / 2;

    if (!(part >= 0 && part <= 1) || n < 1 || n > 4096)
        return adjust_refuse(h, "partial_rotary_factor or global_head_dim is out of range", e);
    for (int i = 0; i < n; i++)
        v[i] = i < (int)(part * head_dim) / 2 ? 1 : 1e30f;
    return hf_tensor_made(h, "rope_freqs.weight", v, (size_t)n, e);
}

int adjust_gemma4(struct hf *h, struct err *e)
{
    int local = h->head_dim, global = hf_int(h, "global_head_dim", local);
    int kv = hf_int(h, "num_global_key_value_heads", h->kv_heads);
    int shared = hf_int(h, "num_kv_shared_layers", 0), width = hf_int(h, "intermediate_size", 0);
    int wide = hf_bool(h, "use_double_wide_mlp", 0);
    int32_t heads[LAYERS_MAX], ff[LAYERS_MAX];

    if (shared < 0 || shared >= h->layers || width < 1 || width > 1 << 24)
        return adjust_refuse(h, "num_kv_shared_layers or intermediate_size is out of range", e);
    for (int i = 0; i < h->layers; i++) {
        int is_wide = wide && i >= h->layers - shared;
        if (is_global(h, i))
            global = layer_int(h, i, "head_dim", global);
        heads[i] = layer_int(h, i, "num_key_value_heads", is_global(h, i) ? kv : h->kv_heads);
        ff[i] = layer_int(h, i, "intermediate_size", is_wide ? 2 * width : width);
    }
    h->kv_layers = h->layers - shared;
    hf_put_ints(h, "attention.head_count_kv", heads, (size_t)h->layers);
    hf_put_ints(h, "feed_forward_length", ff, (size_t)h->layers);
    hf_put_int(h, "attention.shared_kv_layers", shared);
    hf_put_int(h, "embedding_length_per_layer_input", hf_int(h, "hidden_size_per_layer_input", 0));
    hf_put_int(h, "attention.key_length", global);
    hf_put_int(h, "attention.value_length", global);
    hf_put_int(h, "attention.key_length_swa", local);
    hf_put_int(h, "attention.value_length_swa", local);
    hf_put_int(h, "rope.dimension_count", global);
    hf_put_int(h, "rope.dimension_count_swa", local);
    return put_still_pairs(h, global, e);
}

/* ---- Gemma 3n -------------------------------------------------------------------------------- */

/* Where the normal distribution reaches p, 0 < p < 1: halvings of -8..8, with the series of its
 * integral by powers of z (Abramowitz and Stegun, 26.2.11). */
static double normal_quantile(double p)
{
    double low = -8, high = 8;

    for (int i = 0; i < 60; i++) {
        double z = (low + high) / 2, term = z, sum = z;
        for (int k = 3; k < 400; k += 2)
            sum += term *= z * z / k;
        if (0.5 + sum * dmath_exp(-z * z / 2) * 0.3989422804014327 < p)
            low = z;
        else
            high = z;
    }
    return low;
}

/* The share of gates that are cut, as deviations above the mean. */
static int put_cuts(struct hf *h, struct err *e)
{
    const cJSON *list = hf_get(h, "activation_sparsity_pattern");
    float cut[LAYERS_MAX];

    for (int i = 0; i < h->layers; i++) {
        double p = list ? adjust_list_at(h, "activation_sparsity_pattern", i)
                        : i < 10 && h->layers > 10 ? 0.95 : 0;
        if (!(p < 1))
            return adjust_refuse(h, "activation_sparsity_pattern is no list of shares below 1", e);
        cut[i] = p > 0 ? (float)normal_quantile((float)p) : -INFINITY;
    }
    hf_put_floats(h, "activation_sparsity_scale", cut, (size_t)h->layers);
    return 0;
}

int adjust_gemma3n(struct hf *h, struct err *e)
{
    const cJSON *cap = json_get(h->text, "final_logit_softcapping");
    int shared = hf_int(h, "num_kv_shared_layers", 15), width = hf_int(h, "intermediate_size", 0);
    int32_t ff[LAYERS_MAX];

    if (shared < 0)
        return adjust_refuse(h, "num_kv_shared_layers is negative", e);
    if (shared >= h->layers)
        shared = 0;
    for (int i = 0; i < h->layers; i++)
        ff[i] = width ? width : (int32_t)fmin(adjust_list_at(h, "intermediate_size", i), 1 << 24);
    h->kv_layers = h->layers - shared;
    hf_put_ints(h, "feed_forward_length", ff, (size_t)h->layers);
    hf_put_int(h, "attention.shared_kv_layers", shared);
    if (cap && cJSON_IsNull(cap))
        hf_put_f32(h, "final_logit_softcapping", 0);
    return put_cuts(h, e);
}

/* ---- GPT-2 and BLOOM ------------------------------------------------------------------------- */

int adjust_gpt2(struct hf *h, struct err *e)
{
    (void)e;
    if (!hf_bool(h, "scale_attn_weights", 1))
        hf_put_f32(h, "attention.scale", 1);
    if (hf_bool(h, "scale_attn_by_inverse_layer_idx", 0))
        hf_put_bool(h, "attention.scale_by_layer", 1);
    return 0;
}

int adjust_bloom(struct hf *h, struct err *e)
{
    if (hf_bool(h, "apply_residual_connection_post_layernorm", 0))
        return adjust_refuse(h, "apply_residual_connection_post_layernorm is not supported", e);
    return 0;
}

/* ---- feed-forward ---------------------------------------------------------------------------- */

/* The activation's numbers are tensors of the checkpoint, each of one element. */
int adjust_apertus(struct hf *h, struct err *e)
{
    static const char *const names[] = {"alpha_n", "alpha_p", "beta", "eps"};
    float v[LAYERS_MAX];
    char name[96];

    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
        for (int i = 0; i < h->layers; i++) {
            int n = snprintf(name, sizeof name, "model.layers.%d.mlp.act_fn.%s", i, names[k]);
            const struct safetensor *t = safetensors_find(h->files, name, (size_t)n);
            if (!t || t->bytes != st_type_bytes(t->type) ||
                (t->type != ST_F32 && t->type != ST_BF16 && t->type != ST_F16))
                return err_set(e, ERR_FORMAT, "%s: tensor %s is missing or no single number",
                               h->folder, name);
            v[i] = hf_float_at(t, 0);
        }
        snprintf(name, sizeof name, ".xielu.%s", names[k]);
        hf_put_floats(h, name, v, (size_t)h->layers);
    }
    return 0;
}

int adjust_ernie_moe(struct hf *h, struct err *e)
{
    int width = hf_int(h, "moe_intermediate_size", 0);
    int shared = hf_int(h, "moe_num_shared_experts", 0);

    (void)e;
    if (shared > 0 && width > 0 && width < 1 << 20)
        hf_put_int(h, "expert_shared_feed_forward_length", (int64_t)width * shared);
    return 0;
}

int adjust_exaone_moe(struct hf *h, struct err *e)
{
    int width = hf_int(h, "moe_intermediate_size", 0), shared = hf_int(h, "num_shared_experts", 0);

    if (shared > 0 && width > 0 && width < 1 << 20)
        hf_put_int(h, "expert_shared_feed_forward_length", (int64_t)width * shared);
    return adjust_sigmoid(h, e);
}

int adjust_hunyuan_moe(struct hf *h, struct err *e)
{
    (void)e;
    hf_put_int(h, "expert_shared_feed_forward_length", hf_int(h, "intermediate_size", 0));
    return 0;
}

int adjust_smallthinker(struct hf *h, struct err *e)
{
    int soft = hf_bool(h, "moe_primary_router_apply_softmax", 0);
    int window = hf_int(h, "sliding_window_size", 0), any = 0;
    const cJSON *one;

    (void)e;
    hf_put_int(h, "expert_gating_func", soft ? GATING_SOFTMAX : GATING_SIGMOID);
    cJSON_ArrayForEach(one, hf_get(h, "sliding_window_layout"))
        any |= cJSON_IsNumber(one) && one->valuedouble != 0;
    if (any && window > 0)
        hf_put_int(h, "attention.sliding_window", window);
    return 0;
}

/* 1 where a layer turns its queries and keys, whatever the list is called. */
int adjust_smollm3(struct hf *h, struct err *e)
{
    const cJSON *list = hf_get(h, "no_rope_layers"), *one;
    int32_t turns[LAYERS_MAX];
    int n = 0;

    cJSON_ArrayForEach(one, list) {
        if (n == h->layers)
            return adjust_refuse(h, "no_rope_layers is longer than there are layers", e);
        turns[n++] = cJSON_IsNumber(one) && one->valuedouble != 0;
    }
    if (list && n != h->layers)
        return adjust_refuse(h, "no_rope_layers has not a number for each layer", e);
    if (n > 0)
        hf_put_bools(h, "attention.rope_layers", turns, (size_t)n);
    return 0;
}
