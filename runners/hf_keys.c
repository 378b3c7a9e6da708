/* hf_keys.c -- config.json to keys: the rows of a family, then those that all have in common. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "runners/hf_build.h"

enum { NAME_BYTES = 160, LAYERS_MAX = HF_LAYERS_MAX, TEMPLATE_MAX = 16 << 20 };

/* ---- values ---------------------------------------------------------------------------------- */

static const cJSON *get_one(const cJSON *object, const char *names)
{
    char name[NAME_BYTES];

    for (const char *p = names; *p;) {
        size_t n = strcspn(p, "|");
        const cJSON *j;
        snprintf(name, sizeof name, "%.*s", (int)n, p);
        j = json_get(object, name);
        if (j && !cJSON_IsNull(j))
            return j;
        p += n + (p[n] == '|');
    }
    return NULL;
}

const cJSON *hf_get(const struct hf *h, const char *names)
{
    const cJSON *j = get_one(h->text, names);

    return j || h->text == h->config ? j : get_one(h->config, names);
}

double hf_num(const struct hf *h, const char *names, double fallback)
{
    const cJSON *j = hf_get(h, names);

    return cJSON_IsNumber(j) ? j->valuedouble : fallback;
}

/* Out of an int's range counts as absent: no size of a model is. */
static int to_int(double v, int fallback)
{
    return v >= -2e9 && v <= 2e9 ? (int)v : fallback;
}

int hf_int(const struct hf *h, const char *names, int fallback)
{
    return to_int(hf_num(h, names, fallback), fallback);
}

int hf_int_of(const cJSON *object, const char *name, int fallback)
{
    return to_int(json_num(object, name, fallback), fallback);
}

int hf_bool(const struct hf *h, const char *names, int fallback)
{
    const cJSON *j = hf_get(h, names);

    return cJSON_IsBool(j) ? cJSON_IsTrue(j) : fallback;
}

const char *hf_str(const struct hf *h, const char *names, const char *fallback)
{
    const cJSON *j = hf_get(h, names);

    return cJSON_IsString(j) ? j->valuestring : fallback;
}

/* ---- keys ------------------------------------------------------------------------------------ */

/* The whole name of a key, noted as put; NULL when it is there already or memory is short. */
static const char *note(struct hf *h, const char *name)
{
    char full[NAME_BYTES];
    char *copy;

    if (name[0] == '.')
        snprintf(full, sizeof full, "%s", name + 1);
    else
        snprintf(full, sizeof full, "%s.%s", h->family->arch, name);
    for (size_t i = 0; i < h->n_put; i++)
        if (strcmp(h->put[i], full) == 0)
            return NULL;
    copy = arena_strdup(&h->arena, full);
    if (!copy || mem_grow(&h->put, &h->cap_put, h->n_put + 1, sizeof *h->put) < 0) {
        h->w.keys.failed = 1;
        return NULL;
    }
    return h->put[h->n_put++] = copy;
}

void hf_put_int(struct hf *h, const char *name, int64_t v)
{
    const char *key = note(h, name);

    if (key)
        gguf_put_u32(&h->w, key, (uint32_t)v);
}

void hf_put_f32(struct hf *h, const char *name, double v)
{
    const char *key = note(h, name);

    if (key)
        gguf_put_f32(&h->w, key, (float)v);
}

void hf_put_bool(struct hf *h, const char *name, int v)
{
    const char *key = note(h, name);

    if (key)
        gguf_put_bool(&h->w, key, v);
}

void hf_put_str(struct hf *h, const char *name, const char *v)
{
    const char *key = note(h, name);

    if (key)
        gguf_put_str(&h->w, key, v, strlen(v));
}

void hf_put_ints(struct hf *h, const char *name, const int32_t *v, size_t n)
{
    const char *key = note(h, name);

    if (key)
        gguf_put_i32s(&h->w, key, v, n);
}

void hf_put_bools(struct hf *h, const char *name, const int32_t *v, size_t n)
{
    const char *key = note(h, name);

    if (key)
        gguf_put_bools(&h->w, key, v, n);
}

void hf_put_floats(struct hf *h, const char *name, const float *v, size_t n)
{
    const char *key = note(h, name);

    if (key)
        gguf_put_f32s(&h->w, key, v, n);
}

/* ---- rows ------------------------------------------------------------------------------------ */

static int bad_value(const struct hf *h, const char *names, const char *why, struct err *e)
{
    return err_set(e, ERR_FORMAT, "%s: %.*s %s", h->config_path, (int)strcspn(names, "|"), names,
                   why);
}

/* One value per layer. */
static int put_list(struct hf *h, const struct hf_key *k, const cJSON *list, struct err *e)
{
    int32_t v[LAYERS_MAX];
    const cJSON *one;
    size_t n = 0;

    cJSON_ArrayForEach(one, list) {
        double d = cJSON_IsNumber(one) ? one->valuedouble : NAN;
        if (n == LAYERS_MAX)
            return bad_value(h, k->from, "has too many values", e);
        if (!(d >= 0 && d <= INT32_MAX) || d != floor(d))
            return bad_value(h, k->from, "is a list, but not of sizes", e);
        v[n++] = (int32_t)d;
    }
    hf_put_ints(h, k->to, v, n);
    return 0;
}

static int put_number(struct hf *h, const struct hf_key *k, double v, struct err *e)
{
    if (k->kind == HF_F32) {
        if (!isfinite((double)(float)v))
            return bad_value(h, k->from, "is out of range", e);
        hf_put_f32(h, k->to, v);
        return 0;
    }
    if (v == 0 && k->kind == HF_COUNT)
        return 0;
    if (!(v >= 0 && v <= UINT32_MAX) || v != floor(v))
        return bad_value(h, k->from, "is not a size", e);
    hf_put_int(h, k->to, (int64_t)v);
    return 0;
}

static int put_row(struct hf *h, const struct hf_key *k, struct err *e)
{
    const cJSON *j = hf_get(h, k->from);
    int is_bool = k->kind == HF_BOOL;

    if (!j && isnan(k->fallback))
        return 0;
    if (!j && isinf(k->fallback))
        return bad_value(h, k->from, "is missing", e);
    if (is_bool && (!j || cJSON_IsBool(j))) {
        hf_put_bool(h, k->to, j ? cJSON_IsTrue(j) : k->fallback != 0);
        return 0;
    }
    if (cJSON_IsArray(j) && (k->kind == HF_INT || k->kind == HF_COUNT))
        return put_list(h, k, j, e);
    if (j && (is_bool || !cJSON_IsNumber(j)))
        return bad_value(h, k->from, is_bool ? "is not true or false" : "is not a number", e);
    return put_number(h, k, j ? j->valuedouble : k->fallback, e);
}

#define NEEDED INFINITY

static const struct hf_key common_keys[] = {
    {"num_hidden_layers|n_layer|n_layers|num_layers|num_transformer_layers", "block_count", HF_INT,
     NAN},
    {"max_position_embeddings|n_positions|n_ctx|max_seq_len|max_sequence_length|seq_length|"
     "model_max_length|max_context_length", "context_length", HF_INT, 2048},
    {"hidden_size|n_embd|d_model|dim|model_dim", "embedding_length", HF_INT, NEEDED},
    {"intermediate_size|ffn_hidden_size|n_inner|ffn_dim|hidden_dim", "feed_forward_length", HF_INT,
     NAN},
    {"num_attention_heads|n_head|n_heads|num_query_heads", "attention.head_count", HF_INT, NAN},
    {"num_key_value_heads|n_kv_heads|num_kv_heads|n_head_kv|multi_query_group_num",
     "attention.head_count_kv", HF_INT, NAN},
    {"vocab_size", "vocab_size", HF_INT, NAN},
    {"num_local_experts|num_experts|n_routed_experts|moe_num_experts|moe_num_primary_experts",
     "expert_count", HF_COUNT, NAN},
    {"num_experts_per_tok|num_experts_per_token|moe_k|moe_topk|moe_num_active_primary_experts|"
     "num_selected_experts", "expert_used_count", HF_COUNT, NAN},
    {"norm_topk_prob", "expert_weights_norm", HF_BOOL, NAN},
    {"n_group", "expert_group_count", HF_COUNT, NAN},
    {"topk_group", "expert_group_used_count", HF_COUNT, NAN},
    {"moe_intermediate_size|moe_ffn_hidden_size|expert_intermediate_size",
     "expert_feed_forward_length", HF_COUNT, NAN},
};

static const struct hf_key rms_keys[] = {
    {"rms_norm_eps|norm_eps|norm_epsilon|layer_norm_epsilon|layernorm_epsilon|layer_norm_rms_eps|"
     "layer_norm_eps", "attention.layer_norm_rms_epsilon", HF_F32, 1e-6},
};

static const struct hf_key ln_keys[] = {
    {"layer_norm_eps|layer_norm_epsilon|norm_epsilon|norm_eps|rms_norm_eps|layernorm_epsilon",
     "attention.layer_norm_epsilon", HF_F32, 1e-5},
};

static int put_rows(struct hf *h, const struct hf_key *k, size_t n, struct err *e)
{
    for (size_t i = 0; i < n; i++)
        if (put_row(h, &k[i], e) < 0)
            return -1;
    return 0;
}

/* ---- sizes ----------------------------------------------------------------------------------- */

static int is_size(int v, int most)
{
    return v >= 1 && v <= most;
}

static int read_sizes(struct hf *h, struct err *e)
{
    double part;

    h->layers = hf_int(h, common_keys[0].from,
                       cJSON_GetArraySize(hf_get(h, "layers_block_type|layer_types")));
    h->kv_layers = h->layers;
    h->context = hf_int(h, common_keys[1].from, 2048);
    h->embd = hf_int(h, common_keys[2].from, 0);
    h->heads = hf_int(h, common_keys[4].from, 0); /* some architectures have none, or a list */
    h->kv_heads = hf_int(h, common_keys[5].from, h->heads);
    if (!is_size(h->layers, LAYERS_MAX))
        return bad_value(h, common_keys[0].from, "is missing or out of range", e);
    if (!is_size(h->embd, 1 << 20))
        return bad_value(h, common_keys[2].from, "is missing or out of range", e);
    if (h->heads < 0 || h->heads > 1 << 16 || h->kv_heads < 0 || h->kv_heads > 1 << 16)
        return bad_value(h, common_keys[4].from, "is out of range", e);
    h->head_dim = hf_int(h, "head_dim|kv_channels|attention_head_dim",
                         h->heads ? h->embd / h->heads : 0);
    if (h->head_dim < 0 || h->head_dim > 1 << 14)
        return bad_value(h, "head_dim", "is out of range", e);
    part = hf_num(h, "partial_rotary_factor|rotary_pct|rope_pct|rotary_emb_fraction",
                  json_num(hf_get(h, "rope_parameters"), "partial_rotary_factor", 1));
    if (!(part >= 0 && part <= 1))
        return bad_value(h, "partial_rotary_factor", "is not in 0..1", e);
    h->n_rot = (int)(h->head_dim * part);
    return 0;
}

/* Written only where it says more than the widths do. */
static void put_head_sizes(struct hf *h)
{
    if (h->head_dim && (hf_get(h, "head_dim") || h->head_dim * h->heads != h->embd)) {
        hf_put_int(h, "attention.key_length", h->head_dim);
        hf_put_int(h, "attention.value_length", h->head_dim);
    }
    if (h->n_rot && h->n_rot != h->head_dim)
        hf_put_int(h, "rope.dimension_count", h->n_rot);
    if (h->family->flags & HF_ROPE_HALVES)
        hf_put_bool(h, ".densimeter.rope.halves", 1);
}

/* Models made sparse afterwards (MiniCPM-S, ProSparse) have their family's class and another
 * activation; those with one matrix before the activation come with two forms of GELU. */
static void put_activation(struct hf *h)
{
    static const char *const plain[] = {"gpt2", "starcoder", "starcoder2", "phi2", "gptneox"};
    static const struct { const char *name, *is; } forms[] = {
        {"silu", NULL},          {"swish", NULL},     {"gelu", "gelu"},
        {"gelu_new", "gelu_tanh"}, {"gelu_fast", "gelu_tanh"},
        {"gelu_pytorch_tanh", "gelu_tanh"},
    };
    const char *act = hf_str(h, "hidden_act|activation_function", NULL), *arch = h->family->arch;
    int counts = strcmp(arch, "llama") == 0 || strcmp(arch, "minicpm") == 0;

    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        counts |= strcmp(arch, plain[i]) == 0;
    if (!counts || !act)
        return;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        if (strcmp(act, forms[i].name) == 0) {
            if (forms[i].is)
                hf_put_str(h, "feed_forward.activation", forms[i].is);
            return;
        }
    hf_put_str(h, "feed_forward.activation", act);
    if (strcmp(act, "fatrelu") == 0)
        hf_put_f32(h, "feed_forward.activation_threshold", hf_num(h, "hidden_act_param", 0));
}

/* "layer_types": which layers see a window only. */
static int put_windows(struct hf *h, struct err *e)
{
    const cJSON *types = hf_get(h, "layer_types"), *one;
    int window = hf_int(h, "sliding_window|sliding_window_size", 0), n = 0, first;
    int32_t v[LAYERS_MAX];

    if (window <= 0 || !hf_bool(h, "use_sliding_window", !(h->family->flags & HF_WINDOWS_ASKED)))
        return 0;
    first = hf_get(h, "use_sliding_window") ? hf_int(h, "max_window_layers", 0) : 0;
    cJSON_ArrayForEach(one, types) {
        if (n == h->layers || !cJSON_IsString(one))
            return bad_value(h, "layer_types", "does not name each layer's kind", e);
        v[n++] = strcmp(one->valuestring, "sliding_attention") == 0;
    }
    if (types && n != h->layers)
        return bad_value(h, "layer_types", "does not name each layer's kind", e);
    for (int i = 0; !types && first > 0 && i < h->layers; i++)
        v[n++] = i >= first;
    hf_put_bool(h, ".densimeter.windows", 1);
    hf_put_int(h, "attention.sliding_window", window);
    if (n > 0)
        hf_put_bools(h, "attention.sliding_window_pattern", v, (size_t)n);
    return 0;
}

static void put_name(struct hf *h)
{
    char name[128];
    size_t end = strlen(h->folder), from;
    const char *cache = strstr(h->folder, "models--");

    while (end > 1 && h->folder[end - 1] == '/')
        end--;
    for (from = end; from > 0 && h->folder[from - 1] != '/';)
        from--;
    snprintf(name, sizeof name, "%.*s", (int)(end - from < 100 ? end - from : 100),
             h->folder + from);
    if (cache && strstr(cache, "--")) { /* the hub's cache: models--OWNER--NAME/snapshots/HASH */
        const char *p = strstr(cache + 8, "--");
        size_t n = p ? strcspn(p + 2, "/") : 0;
        if (n > 0 && n < 100)
            snprintf(name, sizeof name, "%.*s", (int)n, p + 2);
    }
    hf_put_str(h, ".general.name", name);
}

int hf_keys_write(struct hf *h, struct err *e)
{
    const struct hf_family *f = h->family;
    int is_ln = (f->flags & HF_LAYER_NORM) != 0;
    size_t n = 0;

    while (f->keys && f->keys[n].from)
        n++;
    if (read_sizes(h, e) < 0)
        return -1;
    hf_put_str(h, ".general.architecture", f->arch);
    hf_put_int(h, "block_count", h->layers);
    put_name(h);
    if ((f->adjust && f->adjust(h, e) < 0) || put_rows(h, f->keys, n, e) < 0 ||
        (f->flags & (HF_WINDOWS | HF_WINDOWS_ASKED) && put_windows(h, e) < 0) ||
        hf_rope_write(h, e) < 0 ||
        put_rows(h, common_keys, sizeof common_keys / sizeof common_keys[0], e) < 0 ||
        put_rows(h, is_ln ? ln_keys : rms_keys, 1, e) < 0)
        return -1;
    put_head_sizes(h);
    put_activation(h);
    return hf_template_write(h, e);
}

/* ---- the chat template ----------------------------------------------------------------------- */

static int put_file(struct hf *h, const char *path, struct err *e)
{
    struct strbuf text = STRBUF_INIT;
    int rc = file_read(&text, path, TEMPLATE_MAX, e);

    if (rc == 0)
        hf_put_str(h, ".tokenizer.chat_template", strbuf_str(&text));
    strbuf_release(&text);
    return rc;
}

/* A text, or several with names of which "default" is meant. */
static const char *template_of(const cJSON *j)
{
    const cJSON *one, *t = json_get(j, "chat_template");

    if (cJSON_IsString(t))
        return t->valuestring;
    cJSON_ArrayForEach(one, t) {
        const char *name = json_str(one, "name");
        if (name && strcmp(name, "default") == 0)
            return json_str(one, "template");
    }
    return NULL;
}

static int put_member(struct hf *h, const char *path, struct err *e)
{
    cJSON *j = json_read_python(path, TEMPLATE_MAX, e);
    const char *text = template_of(j);

    if (!j)
        return -1;
    if (text)
        hf_put_str(h, ".tokenizer.chat_template", text);
    json_free(j);
    return 0;
}

int hf_template_write(struct hf *h, struct err *e)
{
    static const struct {
        const char *name;
        int (*put)(struct hf *h, const char *path, struct err *e);
    } files[] = {
        {"chat_template.jinja", put_file},
        {"chat_template.json", put_member},
        {"tokenizer_config.json", put_member},
    };
    int rc = 0;

    for (size_t i = 0; i < sizeof files / sizeof files[0] && rc == 0; i++) {
        char *path = path_join(h->folder, files[i].name);
        if (!path)
            return err_nomem(e);
        if (file_exists(path))
            rc = files[i].put(h, path, e);
        mem_free(path);
    }
    return rc;
}
