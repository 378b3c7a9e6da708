#include "runners/hf_adjust.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "runners/dmath.h"

enum { LAYERS_MAX = 4096, GATING_SIGMOID = 2, GATING_SOFTMAX = 1 };

static int refuse(const struct hf *h, const char *why, struct err *e)
{
    return err_set(e, ERR_UNSUPPORTED, "%s: %s", h->config_path, why);
}

static int gives_rotary_part(const struct hf *h)
{
    return hf_get(h, "partial_rotary_factor|rotary_pct|rope_pct|rotary_emb_fraction") ||
           json_get(hf_get(h, "rope_parameters"), "partial_rotary_factor");
}

int adjust_half(struct hf *h, struct err *e)
{
    (void)e;
    if (!gives_rotary_part(h))
        h->n_rot = h->head_dim / 2;
    return 0;
}

int adjust_quarter(struct hf *h, struct err *e)
{
    (void)e;
    if (!gives_rotary_part(h))
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

/* ---- layers of several kinds ----------------------------------------------------------------- */

/* head_count_kv by layer: 0 where is_attention says no. */
static void put_kinds(struct hf *h, int (*is_attention)(const struct hf *h, int layer))
{
    int32_t v[LAYERS_MAX];

    for (int i = 0; i < h->layers; i++)
        v[i] = is_attention(h, i) ? h->kv_heads : 0;
    hf_put_ints(h, "attention.head_count_kv", v, (size_t)h->layers);
}

static int is_named_attention(const struct hf *h, int layer)
{
    const char *s = cJSON_GetStringValue(
        cJSON_GetArrayItem(hf_get(h, "layer_types|layers_block_type"), layer));

    return s && strstr(s, "attention") && strcmp(s, "linear_attention") != 0;
}

static int is_lfm2_attention(const struct hf *h, int layer)
{
    const cJSON *one;

    if (hf_get(h, "layer_types"))
        return is_named_attention(h, layer);
    cJSON_ArrayForEach(one, hf_get(h, "full_attn_idxs"))
        if (cJSON_IsNumber(one) && one->valuedouble == layer)
            return 1;
    return 0;
}

static int is_jamba_attention(const struct hf *h, int layer)
{
    int period = hf_int(h, "attn_layer_period", 8);

    return period > 0 && layer % period == hf_int(h, "attn_layer_offset", 4);
}

int adjust_lfm2(struct hf *h, struct err *e)
{
    (void)e;
    put_kinds(h, is_lfm2_attention);
    return 0;
}

int adjust_lfm2_moe(struct hf *h, struct err *e)
{
    return adjust_lfm2(h, e) < 0 ? -1 : adjust_sigmoid(h, e);
}

/* ---- state spaces ---------------------------------------------------------------------------- */

/* The width of the recurrence, and how many numbers its time steps come from. */
static int put_inner(struct hf *h, const char *expand, const char *rank, struct err *e)
{
    double inner = hf_num(h, "intermediate_size|d_inner", 0);
    int dt = hf_int(h, rank, 0);

    if (strcmp(expand, "expand") != 0 || inner <= 0)
        inner = hf_num(h, expand, 2) * h->embd;
    if (!(inner >= 1 && inner < 1 << 24) || inner != floor(inner))
        return refuse(h, "the width of the recurrence is out of range", e);
    hf_put_int(h, "ssm.inner_size", (int64_t)inner);
    hf_put_int(h, "ssm.time_step_rank", dt > 0 ? dt : (h->embd + 15) / 16);
    return 0;
}

static void put_no_attention(struct hf *h)
{
    hf_put_int(h, "attention.head_count", 0);
    hf_put_int(h, "context_length", 1 << 20);
    hf_put_int(h, "feed_forward_length", 0);
    h->heads = h->kv_heads = h->head_dim = h->n_rot = 0;
}

int adjust_mamba(struct hf *h, struct err *e)
{
    put_no_attention(h);
    return put_inner(h, "expand", "time_step_rank", e);
}

int adjust_falcon_mamba(struct hf *h, struct err *e)
{
    hf_put_bool(h, "ssm.dt_b_c_rms", 1);
    return adjust_mamba(h, e);
}

int adjust_mamba2(struct hf *h, struct err *e)
{
    int heads = hf_int(h, "num_heads", 0), size = hf_int(h, "head_dim", 64);

    if (heads < 1 || heads > 1 << 16 || size < 1 || size > 1 << 14)
        return refuse(h, "num_heads or head_dim is out of range", e);
    put_no_attention(h);
    hf_put_int(h, "ssm.inner_size", (int64_t)heads * size);
    hf_put_int(h, "ssm.time_step_rank", heads);
    hf_put_int(h, "ssm.group_count", hf_int(h, "n_groups", 1));
    return 0;
}

int adjust_jamba(struct hf *h, struct err *e)
{
    put_kinds(h, is_jamba_attention);
    return put_inner(h, "mamba_expand", "mamba_dt_rank", e);
}

int adjust_granite_hybrid(struct hf *h, struct err *e)
{
    const char *position = hf_str(h, "position_embedding_type", "");
    int heads = hf_int(h, "mamba_n_heads", 128);

    put_kinds(h, is_named_attention);
    hf_put_bool(h, "rope.scaling.finetuned", strcmp(position, "rope") == 0);
    return put_inner(h, "mamba_expand", "mamba_n_heads", e) < 0 || heads < 1 ? -1 : 0;
}

int adjust_falcon_h1(struct hf *h, struct err *e)
{
    int heads = hf_int(h, "mamba_n_heads", 128), inner = hf_int(h, "mamba_d_ssm", 0);

    if (inner <= 0)
        inner = hf_int(h, "mamba_expand", 2) * h->embd;
    if (hf_bool(h, "mamba_rms_norm", 0) && hf_bool(h, "mamba_norm_before_gate", 1))
        return refuse(h, "mamba_norm_before_gate is not supported", e);
    hf_put_int(h, "ssm.inner_size", inner);
    hf_put_int(h, "ssm.time_step_rank", heads);
    hf_put_f32(h, "embedding_scale", hf_num(h, "embedding_multiplier", 1));
    hf_put_f32(h, "logit_scale", 1 / hf_num(h, "lm_head_multiplier", 1));
    return 0;
}

static double list_at(const struct hf *h, const char *name, int i)
{
    const cJSON *j = cJSON_GetArrayItem(hf_get(h, name), i);

    return cJSON_IsNumber(j) ? j->valuedouble : 1;
}

/* Rows of ssm_in are z, x, B, C and the time steps. */
static double scale_of_input(const struct hf *h, uint64_t row)
{
    uint64_t inner = (uint64_t)hf_int(h, "mamba_d_ssm", 0);
    uint64_t states = (uint64_t)hf_int(h, "mamba_n_groups", 1) *
                      (uint64_t)hf_int(h, "mamba_d_state", 256);
    const uint64_t sizes[] = {inner, inner, states, states};
    int i = 0;

    while (i < 4 && row >= sizes[i])
        row -= sizes[i++];
    return hf_num(h, "ssm_in_multiplier", 1) * list_at(h, "ssm_multipliers", i);
}

double scale_falcon_h1(const struct hf *h, const char *to, uint64_t row)
{
    double in = hf_num(h, "attention_in_multiplier", 1);

    if (strcmp(to, "ssm_in") == 0)
        return scale_of_input(h, row);
    if (strcmp(to, "ssm_out") == 0)
        return hf_num(h, "ssm_out_multiplier", 1);
    if (strcmp(to, "attn_k") == 0)
        return in * hf_num(h, "key_multiplier", 1);
    if (strcmp(to, "attn_output") == 0)
        return hf_num(h, "attention_out_multiplier", 1);
    if (strcmp(to, "ffn_gate") == 0)
        return list_at(h, "mlp_multipliers", 0);
    if (strcmp(to, "ffn_down") == 0)
        return list_at(h, "mlp_multipliers", 1);
    return in; /* q and v */
}

int adjust_qwen3next(struct hf *h, struct err *e)
{
    int values = hf_int(h, "linear_num_value_heads", 32);
    int size = hf_int(h, "linear_key_head_dim", 128);
    int32_t v[LAYERS_MAX];

    if (values < 1 || values > 1 << 12 || size < 1 || size > 1 << 12)
        return refuse(h, "the heads of linear attention are out of range", e);
    if (!gives_rotary_part(h))
        h->n_rot = h->head_dim / 4;
    hf_put_int(h, "ssm.conv_kernel", hf_int(h, "linear_conv_kernel_dim", 4));
    hf_put_int(h, "ssm.state_size", size);
    hf_put_int(h, "ssm.group_count", hf_int(h, "linear_num_key_heads", 16));
    hf_put_int(h, "ssm.time_step_rank", values);
    hf_put_int(h, "ssm.inner_size", (int64_t)values * hf_int(h, "linear_value_head_dim", size));
    hf_put_int(h, "full_attention_interval", hf_int(h, "full_attention_interval", 4));
    for (int i = 0; i < h->layers; i++)
        v[i] = !is_named_attention(h, i);
    if (hf_get(h, "layer_types"))
        hf_put_bools(h, "attention.recurrent_layers", v, (size_t)h->layers);
    return 0;
}

/* ---- attention ------------------------------------------------------------------------------- */

int adjust_falcon(struct hf *h, struct err *e)
{
    int is_new = hf_bool(h, "new_decoder_architecture", 0);

    if (hf_bool(h, "alibi", 0))
        return refuse(h, "Falcon with ALiBi is not supported", e);
    if (!is_new && !hf_bool(h, "parallel_attn", 1))
        return refuse(h, "Falcon without parallel attention is not supported", e);
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
        return refuse(h, "qk_nope_head_dim, qk_rope_head_dim or v_head_dim is out of range", e);
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
    return adjust_sigmoid(h, e) < 0 ? -1 : adjust_mla(h, e);
}

int adjust_minicpm(struct hf *h, struct err *e)
{
    double base = hf_num(h, "dim_model_base", 1);

    if (!(base > 0))
        return refuse(h, "dim_model_base is out of range", e);
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
    h->kv_heads = (int)json_num(attention, "kv_n_heads", h->heads);
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
        return refuse(h, "num_query_heads, num_kv_heads or ffn_multipliers do not fit the layers",
                      e);
    for (int i = 0; i < h->layers; i++) {
        double want = list_at(h, "ffn_multipliers", i) * h->embd;
        double n = floor((want + divisor / 2.0) / divisor) * divisor;
        n = n < divisor ? divisor : n;
        n = n < 0.9 * want ? n + divisor : n;
        if (!(n < 1 << 24))
            return refuse(h, "ffn_multipliers are out of range", e);
        ff[i] = (int32_t)n;
    }
    hf_put_ints(h, "attention.head_count", heads, (size_t)h->layers);
    hf_put_ints(h, "attention.head_count_kv", kv, (size_t)h->layers);
    hf_put_ints(h, "feed_forward_length", ff, (size_t)h->layers);
    h->head_dim = hf_int(h, "head_dim", 64);
    h->n_rot = h->head_dim;
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

/* The architecture leaves out every fourth layer's rotation: a config may say that only. */
int adjust_smollm3(struct hf *h, struct err *e)
{
    const cJSON *one;
    int i = 0;

    cJSON_ArrayForEach(one, hf_get(h, "no_rope_layers")) {
        int turns = cJSON_IsNumber(one) && one->valuedouble != 0;
        if (turns != (++i % 4 != 0))
            return refuse(h, "no_rope_layers other than every fourth are not supported", e);
    }
    return 0;
}
