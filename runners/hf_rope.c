/* hf_rope.c -- the forms that rotary embeddings take in config.json, as keys and factor tensors.
 *
 * "rope_scaling" of older configs, "rope_parameters" of newer ones, which may hold one set for each
 * kind of layer.  The formulas of Llama 3 (factors by wavelength) and of LongRoPE's magnitude
 * (arXiv 2402.13753, section 3.2 and its code) are computed here, as the converter does. */
#include <math.h>
#include <string.h>

#include "runners/dmath.h"
#include "runners/hf_build.h"

enum { FACTORS_MAX = 1 << 13 };

static const cJSON *parameters(const struct hf *h)
{
    const cJSON *j = hf_get(h, "rope_parameters|rope_scaling");
    const cJSON *full = json_get(j, "full_attention");

    return full ? full : j;
}

static int refuse(const struct hf *h, const char *what, struct err *e)
{
    return err_set(e, ERR_FORMAT, "%s: rope scaling: %s", h->config_path, what);
}

static int read_factor(const struct hf *h, const cJSON *j, double *factor, struct err *e)
{
    *factor = json_num(j, "factor", NAN);
    return *factor > 0 && *factor < 1e6 ? 0 : refuse(h, "factor is missing or out of range", e);
}

static int original_context(const struct hf *h, const cJSON *j)
{
    return hf_int_of(j, "original_max_position_embeddings",
                     hf_int(h, "original_max_position_embeddings", h->context));
}

static int put_linear(struct hf *h, const cJSON *j, struct err *e)
{
    double factor;

    if (read_factor(h, j, &factor, e) < 0)
        return -1;
    hf_put_str(h, "rope.scaling.type", "linear");
    hf_put_f32(h, "rope.scaling.factor", factor);
    return 0;
}

static double yarn_magnitude(double factor, double m)
{
    return factor <= 1 ? 1 : 1 + 0.1 * m * dmath_log(factor);
}

static void put_if(struct hf *h, const cJSON *j, const char *from, const char *to)
{
    double v = json_num(j, from, NAN);

    if (isfinite(v))
        hf_put_f32(h, to, v);
}

/* mscale_all_dim goes into the scores, too, where keys are low-rank. */
static int put_yarn(struct hf *h, const cJSON *j, struct err *e)
{
    double factor, all = json_num(j, "mscale_all_dim", 0), mscale = json_num(j, "mscale", 0);
    int is_mla = strcmp(h->family->arch, "deepseek2") == 0 ||
                 strcmp(h->family->arch, "mistral4") == 0;

    if (read_factor(h, j, &factor, e) < 0)
        return -1;
    hf_put_str(h, "rope.scaling.type", "yarn");
    hf_put_f32(h, "rope.scaling.factor", factor);
    hf_put_int(h, "rope.scaling.original_context_length", original_context(h, j));
    put_if(h, j, "beta_fast", "rope.scaling.yarn_beta_fast");
    put_if(h, j, "beta_slow", "rope.scaling.yarn_beta_slow");
    if (is_mla && all != 0)
        hf_put_f32(h, "rope.scaling.yarn_log_multiplier", 0.1 * all);
    if (cJSON_IsBool(json_get(j, "truncate")) || strcmp(h->family->arch, "gpt-oss") == 0)
        hf_put_bool(h, "rope.scaling.yarn_truncate", json_bool(j, "truncate", 1));
    if (json_get(j, "attention_factor") && !cJSON_IsNull(json_get(j, "attention_factor")))
        put_if(h, j, "attention_factor", "rope.scaling.yarn_attn_factor");
    else if (all != 0 && mscale != 0)
        hf_put_f32(h, "rope.scaling.yarn_attn_factor",
                   yarn_magnitude(factor, mscale) / yarn_magnitude(factor, all));
    else if (is_mla)
        hf_put_f32(h, "rope.scaling.yarn_attn_factor", yarn_magnitude(factor, 1));
    return 0;
}

/* Long waves are stretched by the factor, short ones stay, those between are mixed. */
static int put_llama3(struct hf *h, const cJSON *j, struct err *e)
{
    double base = hf_num(h, "rope_theta", json_num(j, "rope_theta", 10000)), factor;
    double low = json_num(j, "low_freq_factor", 1), high = json_num(j, "high_freq_factor", 4);
    double old = json_num(j, "original_max_position_embeddings", 8192);
    float v[FACTORS_MAX];
    int n = h->n_rot / 2;

    if (read_factor(h, j, &factor, e) < 0)
        return -1;
    if (!(low > 0 && high > low && old > 0 && base > 1) || n > FACTORS_MAX || n < 1)
        return refuse(h, "low_freq_factor, high_freq_factor or rope_theta are out of range", e);
    for (int i = 0; i < n; i++) {
        double wave = 2 * 3.14159265358979323846 * dmath_power(base, 2 * i, h->n_rot);
        double mix = (old / wave - low) / (high - low);
        v[i] = (float)(mix >= 1 ? 1 : mix <= 0 ? factor : 1 / ((1 - mix) / factor + mix));
    }
    return hf_tensor_made(h, "rope_freqs.weight", v, (size_t)n, e);
}

static int put_factors(struct hf *h, const cJSON *j, const char *from, const char *to,
                       struct err *e)
{
    const cJSON *list = json_get(j, from), *one;
    float v[FACTORS_MAX];
    int n = 0;

    cJSON_ArrayForEach(one, list) {
        if (n == FACTORS_MAX || !cJSON_IsNumber(one) || !(one->valuedouble > 0))
            return refuse(h, "factors that are no positive numbers", e);
        v[n++] = (float)one->valuedouble;
    }
    if (n != h->n_rot / 2)
        return err_set(e, ERR_FORMAT, "%s: rope scaling: %s has %d numbers, expected %d",
                       h->config_path, from, n, h->n_rot / 2);
    return hf_tensor_made(h, to, v, (size_t)n, e);
}

static int put_longrope(struct hf *h, const cJSON *j, struct err *e)
{
    int old = original_context(h, j);
    double scale = old > 0 ? (double)h->context / old : 0, magnitude;

    if (old < 2 || !(scale > 0))
        return refuse(h, "original_max_position_embeddings is out of range", e);
    if (!hf_get(h, "original_max_position_embeddings"))
        scale = json_num(j, "factor", scale);
    magnitude = scale > 1 ? sqrt(1 + dmath_log(scale) / dmath_log(old)) : 1;
    magnitude = json_num(j, "attention_factor", magnitude);
    magnitude = json_num(j, "long_mscale", magnitude); /* Phi-3.5-MoE */
    hf_put_str(h, "rope.scaling.type", "longrope");
    hf_put_f32(h, "rope.scaling.attn_factor", magnitude);
    hf_put_int(h, "rope.scaling.original_context_length", old);
    return put_factors(h, j, "long_factor", "rope_factors_long.weight", e) < 0
               ? -1
               : put_factors(h, j, "short_factor", "rope_factors_short.weight", e);
}

/* NTK by length stretches only beyond the context that the model has, which nobody gets; Hunyuan's
 * alpha stretches from the beginning. */
static int put_dynamic(struct hf *h, const cJSON *j, struct err *e)
{
    double alpha = json_num(j, "alpha", 0), base = hf_num(h, "rope_theta", 10000);

    (void)e;
    if (alpha > 0 && h->head_dim > 2)
        hf_put_f32(h, "rope.freq_base",
                   base * dmath_power(alpha, h->head_dim, h->head_dim - 2));
    return 0;
}

static int put_nothing(struct hf *h, const cJSON *j, struct err *e)
{
    (void)h;
    (void)j;
    (void)e;
    return 0;
}

static const struct {
    const char *type;
    int (*put)(struct hf *h, const cJSON *j, struct err *e);
} forms[] = {
    {"default", put_nothing}, {"linear", put_linear},     {"dynamic", put_dynamic},
    {"xdrope", put_dynamic},  {"yarn", put_yarn},         {"llama3", put_llama3},
    {"longrope", put_longrope}, {"su", put_longrope},     {"mrope", put_nothing},
    {"proportional", put_nothing},
};

static void put_bases(struct hf *h, const cJSON *j)
{
    const cJSON *local = json_get(hf_get(h, "rope_parameters|rope_scaling"), "sliding_attention");
    double base = hf_num(h, "rope_theta|global_rope_theta|rotary_emb_base|rope_freq_constant",
                         json_num(j, "rope_theta", NAN));
    double swa = hf_num(h, "rope_local_base_freq|local_rope_theta|swa_rope_theta",
                        json_num(local, "rope_theta", NAN));

    if (isfinite(base))
        hf_put_f32(h, "rope.freq_base", base);
    if (isfinite(swa))
        hf_put_f32(h, "rope.freq_base_swa", swa);
}

int hf_rope_write(struct hf *h, struct err *e)
{
    const cJSON *j = parameters(h);
    const char *type = json_str(j, "rope_type");
    int rc = -1;
    size_t i = 0, n = sizeof forms / sizeof forms[0];

    type = type ? type : json_str(j, "type");
    type = type ? type : "default";
    while (i < n && strcmp(forms[i].type, type) != 0)
        i++;
    if (i < n)
        rc = forms[i].put(h, j, e);
    else
        err_set(e, ERR_UNSUPPORTED, "%s: rope type '%.32s' is not known; known: default, linear, "
                "dynamic, yarn, llama3, longrope", h->config_path, type);
    if (rc == 0)
        put_bases(h, j);
    return rc;
}
