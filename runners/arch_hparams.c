/* arch_hparams.c -- a file's keys as hyper-parameters, and what each layer is.  See arch_build.h.
 *
 * Most keys may be one number or one per layer.  What a file does not say comes from the row of its
 * family; what a family fixes by its layer count, from the row's adjust. */
#include <math.h>
#include <stdio.h>

#include "base/mem.h"
#include "runners/arch_build.h"

enum { HEAD_DIM_MAX = 1024, LAYERS_MAX = 1024, HEADS_MAX = 1 << 14, WIDTH_MAX = 1 << 20 };

static const char *path_of(const struct build *b)
{
    return gguf_path(b->m->file);
}

int arch_layer_ints(struct build *b, const char *key, int fallback, int low, int high, int *out)
{
    const struct gguf *g = b->m->file;
    int layers = b->m->hp.layers;
    enum gguf_type type;
    size_t n = 0;
    char name[128];
    int found;

    snprintf(name, sizeof name, "%s.%s", b->m->arch_name, key);
    found = gguf_get_array(g, name, &type, &n, b->e);
    if (found < 0)
        return -1;
    if (!found && fallback == REQUIRED)
        return err_set(b->e, ERR_FORMAT, "%s: key %s is missing", path_of(b), name);
    if (found && (type == GGUF_STRING || type == GGUF_F32 || type == GGUF_F64))
        return err_set(b->e, ERR_FORMAT, "%s: %s is not a whole number", path_of(b), name);
    if (found && n != 1 && n < (size_t)layers)
        return err_set(b->e, ERR_FORMAT, "%s: %s has %zu elements for %d layers", path_of(b), name,
                       n, layers);
    for (int i = 0; i < layers; i++) {
        int64_t v = found ? gguf_array_int(g, name, n == 1 ? 0 : (size_t)i) : fallback;
        if (found && (v < low || v > high))
            return err_set(b->e, ERR_FORMAT, "%s: %s is %lld in layer %d, expected %d to %d",
                           path_of(b), name, (long long)v, i, low, high);
        out[i] = (int)v;
    }
    return 0;
}

static int read_sizes(struct build *b)
{
    struct hparams *hp = &b->m->hp;
    int nextn;
    const struct int_key keys[] = {
        {"block_count", &hp->layers, REQUIRED, 1, LAYERS_MAX},
        {"embedding_length", &hp->embd, REQUIRED, 1, WIDTH_MAX},
        {"context_length", &hp->context, REQUIRED, 1, 1 << 30},
        {"nextn_predict_layers", &nextn, 0, 0, LAYERS_MAX},
    };

    if (model_ints(b->m, keys, sizeof keys / sizeof keys[0], b->e) < 0)
        return -1;
    if (nextn >= hp->layers)
        return err_set(b->e, ERR_FORMAT, "%s: all %d blocks predict later tokens", path_of(b),
                       hp->layers);
    hp->layers -= nextn; /* those blocks are not part of the network that scores */
    b->m->n_later_blocks = nextn;
    return 0;
}

/* Only looked at: the tensors have the sizes, and some converters write others. */
static int check_feed_forward(struct build *b)
{
    int *ff = mem_calloc((size_t)b->m->hp.layers, sizeof *ff);
    int rc = ff ? arch_layer_ints(b, "feed_forward_length", 1,
                                  b->a->flags & RECURRENT ? 0 : 1, WIDTH_MAX, ff)
                : err_nomem(b->e);

    mem_free(ff);
    return rc;
}

static int read_experts(struct build *b)
{
    int layers = b->m->hp.layers, rc;
    int *used = mem_calloc((size_t)layers, sizeof *used);

    if (!used)
        return err_nomem(b->e);
    rc = arch_layer_ints(b, "expert_used_count", 0, 0, ROUTE_USED_MAX, used);
    for (int i = 0; i < layers && rc == 0; i++)
        b->layers[i].experts_used = used[i];
    mem_free(used);
    return rc;
}

/* Layers without attention have kv_heads 0. */
static int read_heads(struct build *b)
{
    struct hparams *hp = &b->m->hp;
    int *heads = mem_calloc((size_t)hp->layers, 2 * sizeof *heads), *kv;
    int least = b->a->flags & RECURRENT ? 0 : 1, rc = -1;

    if (!heads)
        return err_nomem(b->e);
    kv = heads + hp->layers;
    if (arch_layer_ints(b, "attention.head_count", least ? REQUIRED : 0, least, HEADS_MAX, heads) <
            0 ||
        arch_layer_ints(b, "attention.head_count_kv", REQUIRED - 1, least, HEADS_MAX, kv) < 0)
        goto out;
    for (int i = 0; i < hp->layers; i++) {
        struct layer *l = &b->layers[i];
        l->heads = heads[i];
        l->kv_heads = kv[i] < REQUIRED ? heads[i] : kv[i];
        if (l->heads && l->kv_heads && l->heads % l->kv_heads) {
            err_set(b->e, ERR_FORMAT, "%s: %d heads are no multiple of %d kv heads", path_of(b),
                    l->heads, l->kv_heads);
            goto out;
        }
        if (l->heads == 0 || l->kv_heads == 0)
            l->kv_heads = 0;
        if (hp->heads < l->heads)
            hp->heads = l->heads;
        if (hp->kv_heads < l->kv_heads)
            hp->kv_heads = l->kv_heads;
    }
    rc = 0;
out:
    mem_free(heads);
    return rc;
}

static int read_head_sizes(struct build *b)
{
    struct hparams *hp = &b->m->hp;
    int usual = hp->heads ? hp->embd / hp->heads : 0;
    int bound = usual < 1 ? 1 : usual;
    int least = b->a->flags & (NO_ROPE | ALIBI) ? 0 : 2;
    const struct int_key sizes[] = {
        {"attention.key_length", &hp->head_dim, bound, 1, HEAD_DIM_MAX},
        {"attention.value_length", &hp->value_dim, bound, 1, HEAD_DIM_MAX},
    };

    if (hp->kv_heads == 0)
        return 0;
    if (model_ints(b->m, sizes, 2, b->e) < 0)
        return -1;
    for (int i = 0; i < hp->layers; i++) {
        b->layers[i].head_dim = hp->head_dim;
        b->layers[i].value_dim = hp->value_dim;
    }
    const struct int_key rot = {"rope.dimension_count", &hp->n_rot, hp->head_dim, least,
                                hp->head_dim};
    if (model_ints(b->m, &rot, 1, b->e) < 0)
        return -1;
    if (hp->n_rot % 2 && least)
        return err_set(b->e, ERR_FORMAT, "%s: rope.dimension_count %d is odd", path_of(b),
                       hp->n_rot);
    return 0;
}

static int read_numbers(struct build *b)
{
    struct hparams *hp = &b->m->hp;
    unsigned f = b->a->flags;
    double rms, ln, softcap, attn_softcap, embed, residual, attention, logit, clamp, alibi;
    const struct f64_key base[] = {
        {"attention.layer_norm_rms_epsilon", &rms, 0, 0, 1},
        {"attention.layer_norm_epsilon", &ln, 0, 0, 1},
        {"rope.freq_base", &hp->rope_base, 10000, 1, 1e15},
        {"final_logit_softcapping", &softcap, f & SOFTCAPS ? 30 : 0, 0, 1e6},
        {"attn_logit_softcapping", &attn_softcap, f & SOFTCAPS ? 50 : 0, 0, 1e6},
        {"embedding_scale", &embed, 0, -1e6, 1e6},
        {"residual_scale", &residual, 0, -1e6, 1e6},
        {"attention.scale", &attention, 0, -1e6, 1e6},
        {"logit_scale", &logit, 0, -1e6, 1e6},
        {"attention.clamp_kqv", &clamp, 0, 0, 1e9},
        {"attention.max_alibi_bias", &alibi, f & ALIBI ? 8 : 0, 0, 1e6},
    };

    if (model_f64s(b->m, base, sizeof base / sizeof base[0], b->e) < 0)
        return -1;
    const struct f64_key swa = {"rope.freq_base_swa", &hp->rope_base_swa,
                                f & GEMMA_BASE ? 10000 : hp->rope_base, 1, 1e15};
    if (model_f64s(b->m, &swa, 1, b->e) < 0)
        return -1;
    if (f & LAYER_NORM)
        b->eps = (float)(ln > 0 ? ln : rms > 0 ? rms : 1e-5);
    else
        b->eps = (float)(rms > 0 ? rms : ln > 0 ? ln : 1e-5);
    hp->logit_softcap = (float)softcap;
    b->attn_softcap = (float)attn_softcap;
    b->embed_scale = embed != 0                 ? (float)embed
                     : f & EMBED_SCALED ? sqrtf((float)hp->embd)
                                                : 1;
    b->residual_scale = residual != 0 ? (float)residual : 1;
    b->logit_scale = logit == 0 ? 1 : f & LOGIT_MULTIPLY ? (float)logit : (float)(1 / logit);
    b->clamp = (float)clamp;
    b->alibi_max = (float)alibi;
    for (int i = 0; i < hp->layers; i++)
        b->layers[i].scale = attention != 0 ? (float)attention
                             : hp->head_dim ? 1 / sqrtf((float)hp->head_dim)
                                            : 1;
    return 0;
}

/* Which layers have the window: the file's list, its period, or the family's. */
static int read_local(struct build *b, int *local)
{
    const char *key = "attention.sliding_window_pattern";
    int layers = b->m->hp.layers, period = b->a->period, found;
    enum gguf_type type = GGUF_I32;
    size_t n = 0;
    char name[128];

    snprintf(name, sizeof name, "%s.%s", b->m->arch_name, key);
    found = gguf_get_array(b->m->file, name, &type, &n, b->e);
    if (found < 0)
        return -1;
    if (found && (n > 1 || type == GGUF_BOOL))
        return arch_layer_ints(b, key, 0, 0, 1, local);
    if (found && model_ints(b->m, &(struct int_key){key, &period, 0, 0, LAYERS_MAX}, 1, b->e) < 0)
        return -1;
    for (int i = 0; i < layers; i++)
        local[i] = period == 0 || (b->a->flags & DENSE_FIRST ? i % period != 0
                                                             : i % period < period - 1);
    return 0;
}

static int read_windows(struct build *b)
{
    struct hparams *hp = &b->m->hp;
    unsigned f = b->a->flags;
    int fallback = f & SOFTCAPS ? 4096 : 0; /* Gemma 2's */
    int *local, key_dim, value_dim, windowed = (f & WINDOWED) != 0, rc = -1;
    const struct int_key keys[] = {
        {"attention.sliding_window", &b->n_window, fallback, 0, 1 << 30},
        {"attention.key_length_swa", &key_dim, hp->head_dim, 1, HEAD_DIM_MAX},
        {"attention.value_length_swa", &value_dim, hp->value_dim, 1, HEAD_DIM_MAX},
    };

    for (int i = 0; i < hp->layers; i++)
        b->layers[i].kv_layer = i;
    for (int i = 0; i < hp->layers; i++)
        b->layers[i].rope = f & NO_ROPE ? LAYER_ROPE_NONE : LAYER_ROPE;
    /* A Hugging Face config says whether its class has windows, GGUF's families do elsewhere. */
    if (gguf_get_bool(b->m->file, "densimeter.windows", &windowed, b->e) < 0)
        return -1;
    if (!windowed)
        return 0;
    local = mem_calloc((size_t)hp->layers, sizeof *local);
    if (!local)
        return err_nomem(b->e);
    if (model_ints(b->m, keys, 3, b->e) < 0 || read_local(b, local) < 0)
        goto out;
    const struct int_key rot = {"rope.dimension_count_swa", &b->n_rot_local,
                                hp->n_rot < key_dim ? hp->n_rot : key_dim, 0, key_dim};
    if (model_ints(b->m, &rot, 1, b->e) < 0)
        goto out;
    for (int i = 0; i < hp->layers && b->n_window > 0; i++) {
        if (local[i])
            b->layers[i].window = b->n_window;
        if (local[i])
            b->layers[i].head_dim = key_dim;
        if (local[i])
            b->layers[i].value_dim = value_dim;
        if (local[i] && f & LOCAL_ROPE)
            b->layers[i].rope = LAYER_ROPE_LOCAL;
        if (!local[i] && f & GLOBAL_NO_ROPE)
            b->layers[i].rope = LAYER_ROPE_NONE;
    }
    rc = 0;
out:
    mem_free(local);
    return rc;
}

/* Queries that grow with the position: Ministral's. */
static int read_temper(struct build *b)
{
    double scale;
    int original, length;
    const struct f64_key key = {"attention.temperature_scale", &scale, 0, 0, 1e3};
    const struct int_key at = {"rope.scaling.original_context_length", &original,
                               b->m->hp.context, 1, 1 << 30};

    if (model_f64s(b->m, &key, 1, b->e) < 0 || model_ints(b->m, &at, 1, b->e) < 0)
        return -1;
    const struct int_key given = {"attention.temperature_length", &length, original, 1, 1 << 30};
    if (model_ints(b->m, &given, 1, b->e) < 0)
        return -1;
    for (int i = 0; i < b->m->hp.layers && scale != 0; i++)
        b->layers[i].temper = (struct temper){(float)scale, 0, length};
    return 0;
}

static void choose_context(struct model *m)
{
    int longer = gguf_tensor_find(m->file, "rope_factors_long.weight") != NULL;

    /* Longrope models may be asked for more than they were first trained on. */
    if (m->context <= 0 || (m->context > m->hp.context && !longer))
        m->context = m->hp.context;
}

/* Embedding models of some families (LFM2's) look both ways. */
static int check_causal(const struct build *b)
{
    int causal = 1;
    char name[96];

    snprintf(name, sizeof name, "%s.attention.causal", b->m->arch_name);
    if (gguf_get_bool(b->m->file, name, &causal, b->e) < 0)
        return -1;
    if (causal)
        return 0;
    return err_set(b->e, ERR_UNSUPPORTED, "%s: %s is false: a token sees later ones, so there is "
                   "no likelihood of a next one", path_of(b), name);
}

int arch_hparams(struct build *b)
{
    if (check_causal(b) < 0 || read_sizes(b) < 0)
        return -1;
    choose_context(b->m);
    b->layers = mem_calloc((size_t)b->m->hp.layers, sizeof *b->layers);
    if (!b->layers)
        return err_nomem(b->e);
    if (check_feed_forward(b) < 0 || read_experts(b) < 0 || read_heads(b) < 0 ||
        read_head_sizes(b) < 0 || read_numbers(b) < 0 || read_windows(b) < 0 || read_temper(b) < 0)
        return -1;
    return b->a->adjust ? b->a->adjust(b) : 0;
}
