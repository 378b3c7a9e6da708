/* hf_adjust_state.c -- keys of models that have layers of several kinds, or states.  See
 * hf_adjust.h. */
#include <math.h>
#include <string.h>

#include "runners/hf_adjust.h"

enum { LAYERS_MAX = HF_LAYERS_MAX };

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
        return adjust_refuse(h, "the width of the recurrence is out of range", e);
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
        return adjust_refuse(h, "num_heads or head_dim is out of range", e);
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
    double wide = hf_num(h, "mamba_expand", 2) * h->embd;

    if (inner <= 0 && wide >= 1 && wide < 1 << 24)
        inner = (int)wide;
    if (hf_bool(h, "mamba_rms_norm", 0) && hf_bool(h, "mamba_norm_before_gate", 1))
        return adjust_refuse(h, "mamba_norm_before_gate is not supported", e);
    hf_put_int(h, "ssm.inner_size", inner);
    hf_put_int(h, "ssm.time_step_rank", heads);
    hf_put_f32(h, "embedding_scale", hf_num(h, "embedding_multiplier", 1));
    hf_put_f32(h, "logit_scale", 1 / hf_num(h, "lm_head_multiplier", 1));
    return 0;
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
    return hf_num(h, "ssm_in_multiplier", 1) * adjust_list_at(h, "ssm_multipliers", i);
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
        return adjust_list_at(h, "mlp_multipliers", 0);
    if (strcmp(to, "ffn_down") == 0)
        return adjust_list_at(h, "mlp_multipliers", 1);
    return in; /* q and v */
}

int adjust_qwen3next(struct hf *h, struct err *e)
{
    int values = hf_int(h, "linear_num_value_heads", 32);
    int size = hf_int(h, "linear_key_head_dim", 128);
    int32_t v[LAYERS_MAX];

    if (values < 1 || values > 1 << 12 || size < 1 || size > 1 << 12)
        return adjust_refuse(h, "the heads of linear attention are out of range", e);
    if (!adjust_gives_part(h))
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

/* Text: all positions of a token are the same, whichever section a pair is in. */
int adjust_qwen35(struct hf *h, struct err *e)
{
    const cJSON *sections = json_get(hf_get(h, "rope_parameters|rope_scaling"), "mrope_section");
    int32_t v[4] = {0, 0, 0, 0};

    for (int i = 0; i < 3; i++) {
        const cJSON *j = cJSON_GetArrayItem(sections, i);
        v[i] = cJSON_IsNumber(j) && j->valuedouble >= 0 && j->valuedouble < 1 << 14
                   ? (int32_t)j->valuedouble
                   : 0;
    }
    hf_put_ints(h, "rope.dimension_sections", v, 4);
    hf_put_bool(h, ".densimeter.delta.grouped", 1);
    return adjust_qwen3next(h, e);
}

/* "M*-E" of older configs, or names: what layer i is, by the letter. */
static char nemotron_kind(const struct hf *h, int layer)
{
    const char *letters = hf_str(h, "hybrid_override_pattern", "");
    const char *s = cJSON_GetStringValue(
        cJSON_GetArrayItem(hf_get(h, "layers_block_type|layer_types"), layer));

    if (s)
        return strcmp(s, "moe") == 0 ? 'E' : strcmp(s, "mlp") == 0 ? '-'
               : is_named_attention(h, layer)                      ? '*'
                                                                   : 'M';
    return (size_t)layer < strlen(letters) ? letters[layer] : 'M';
}

int adjust_nemotron_h(struct hf *h, struct err *e)
{
    int heads = hf_int(h, "mamba_num_heads", 0), size = hf_int(h, "mamba_head_dim", 0);
    int width = hf_int(h, "intermediate_size", 0), expert = hf_int(h, "moe_intermediate_size", 0);
    int32_t kv[LAYERS_MAX], ff[LAYERS_MAX];

    if (heads < 1 || heads > 1 << 16 || size < 1 || size > 1 << 14 || width < 0 || expert < 0)
        return adjust_refuse(h, "mamba_num_heads or mamba_head_dim is out of range", e);
    for (int i = 0; i < h->layers; i++) {
        char kind = nemotron_kind(h, i);
        kv[i] = kind == '*' ? h->kv_heads : 0;
        ff[i] = kind == 'E' ? expert : kind == '-' ? width : 0;
    }
    hf_put_ints(h, "attention.head_count_kv", kv, (size_t)h->layers);
    hf_put_ints(h, "feed_forward_length", ff, (size_t)h->layers);
    hf_put_bool(h, "rope.scaling.finetuned", 0);
    hf_put_int(h, "ssm.conv_kernel", hf_int(h, "conv_kernel", 4));
    hf_put_int(h, "ssm.state_size", hf_int(h, "ssm_state_size", 128));
    hf_put_int(h, "ssm.group_count", hf_int(h, "n_groups", 8));
    hf_put_int(h, "ssm.inner_size", (int64_t)heads * size);
    hf_put_int(h, "ssm.time_step_rank", heads);
    if (hf_int(h, "moe_shared_expert_intermediate_size", 0) > 0)
        hf_put_int(h, "expert_shared_feed_forward_length",
                   hf_int(h, "moe_shared_expert_intermediate_size", 0));
    return 0;
}
