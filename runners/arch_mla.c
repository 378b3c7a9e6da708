/* arch_mla.c -- multi-head latent attention (DeepSeek-V2, arXiv 2405.04434, section 2.1).
 *
 * Always absorbed: a position keeps one latent vector and one rotated key for all heads, queries
 * are carried into the latent space (k_b), and what attention gives is carried out of it (v_b).
 * One arithmetic for prefill and decode, so that a score does not depend on how its prefix came to
 * be; and the cache is small: latent + rotated floats as the key, and the latent once more as the
 * value, since pages keep keys by dimension and values by position. */
#include <math.h>

#include "base/mem.h"
#include "runners/arch_build.h"
#include "runners/rope.h"

struct mla {
    int heads, latent;
    int turned, plain, value; /* of a head: its query, and its output */
};

static int read_mla(struct build *b, struct mla *s)
{
    const struct hparams *hp = &b->m->hp;
    int key;
    const struct int_key keys[] = {
        {"attention.kv_lora_rank", &s->latent, REQUIRED, 1, 1 << 12},
        {"attention.key_length_mla", &key, hp->head_dim, 1, 1 << 12},
        {"attention.value_length_mla", &s->value, hp->value_dim, 1, 1 << 12},
    };

    s->heads = b->layers[0].heads;
    s->turned = hp->n_rot;
    if (model_ints(b->m, keys, sizeof keys / sizeof keys[0], b->e) < 0)
        return -1;
    s->plain = key - s->turned;
    if (s->plain < 1)
        return err_set(b->e, ERR_FORMAT, "%s: %d dimensions of a head turn, of %d",
                       gguf_path(b->m->file), s->turned, key);
    return 0;
}

/* The low-rank norms have this epsilon in the models' own code, whatever the file's key says. */
static int add_latent_norm(struct build *b, int layer, int in, const char *name)
{
    struct op op = OP_EMPTY;

    op.kind = OP_RMS_NORM;
    op.in[0] = in;
    op.eps = 1e-6f;
    op.w[0] = in < 0 ? NULL : need(b, layer, name);
    return op.w[0] ? emit(b, layer, op, program_width(&b->m->program, in)) : -1;
}

static int add_query(struct build *b, int layer, int in)
{
    int value;

    if (has_tensor(b, layer, "attn_q.weight"))
        return add_linear(b, layer, in, "attn_q", 0, 0, ACT_NONE);
    value = add_linear(b, layer, in, "attn_q_a", 0, 0, ACT_NONE);
    value = add_latent_norm(b, layer, value, "attn_q_a_norm.weight");
    return value < 0 ? -1 : add_linear(b, layer, value, "attn_q_b", 0, 0, ACT_NONE);
}

static void turn(struct build *b, int layer, int value, int heads, int head_dim, int at)
{
    struct op op = OP_EMPTY;

    op.kind = OP_ROPE;
    op.rope = b->rope;
    op.heads = heads;
    op.head_dim = head_dim;
    op.rope_at = at;
    emit_in_place(b, layer, op, value);
}

/* Old files have both maps in one matrix: per head `plain` rows of keys, then `value` of values. */
static int take_maps(struct build *b, int layer, const struct mla *s, const struct weight **k_b,
                     const struct weight **v_b)
{
    const struct weight *both;

    if (!has_tensor(b, layer, "attn_kv_b.weight")) {
        *k_b = need(b, layer, "attn_k_b.weight");
        *v_b = *k_b ? need(b, layer, "attn_v_b.weight") : NULL;
        return *v_b ? 0 : -1;
    }
    both = need(b, layer, "attn_kv_b.weight");
    if (!both)
        return -1;
    if (both->k != s->latent || both->rows != s->heads * (s->plain + s->value))
        return err_set(b->e, ERR_FORMAT, "%s: %s has shape {%d, %d}, expected {%d, %d}",
                       gguf_path(b->m->file), both->name, both->k, both->rows, s->latent,
                       s->heads * (s->plain + s->value));
    both = model_as_slabs(b->m, both, s->heads, b->e);
    *k_b = both ? model_slabs_transposed(b->m, both, 0, s->plain, b->e) : NULL;
    *v_b = *k_b ? model_slab_rows(b->m, both, s->plain, s->value, b->e) : NULL;
    return *v_b ? 0 : -1;
}

static int add_map(struct build *b, int layer, int in, const struct weight *w, int k, int rows,
                   const struct mla *s, int tail)
{
    struct op op = OP_EMPTY;

    if (w->k != k || w->rows != rows || w->slabs != s->heads)
        return err_set(b->e, ERR_FORMAT, "%s: %s has shape {%d, %d, %d}, expected {%d, %d, %d}",
                       gguf_path(b->m->file), w->name, w->k, w->rows, w->slabs, k, rows, s->heads);
    op.kind = OP_HEAD_LINEAR;
    op.in[0] = in;
    op.w[0] = w;
    op.heads = s->heads;
    op.head_dim = k + tail;
    op.value_dim = rows + tail;
    return emit(b, layer, op, s->heads * (rows + tail));
}

static int add_keys(struct build *b, int layer, int in, const struct mla *s, int *latent)
{
    struct op op = OP_EMPTY;
    int turned;

    *latent = add_linear(b, layer, in, "attn_kv_a_mqa", 0, s->latent, ACT_NONE);
    if (*latent < 0)
        return -1;
    turned = add_linear(b, layer, in, "attn_kv_a_mqa", s->latent, s->turned, ACT_NONE);
    *latent = turned < 0 ? -1 : add_latent_norm(b, layer, *latent, "attn_kv_a_norm.weight");
    if (*latent < 0)
        return -1;
    turn(b, layer, turned, 1, s->turned, 0);
    op.kind = OP_CONCAT;
    op.in[0] = *latent;
    op.in[1] = turned;
    return emit(b, layer, op, s->latent + s->turned);
}

static int add_latent_attention(struct build *b, int layer, int query, int key, int latent,
                                const struct mla *s, double scale)
{
    struct op op = OP_EMPTY;

    op.layer = op.kv_layer = layer;
    op.heads = s->heads;
    op.kv_heads = 1;
    op.head_dim = s->latent + s->turned;
    op.value_dim = s->latent;
    op.kind = OP_KV_STORE;
    op.in[0] = key;
    op.in[1] = latent;
    program_op(&b->m->program, op);
    op.kind = OP_ATTENTION;
    op.in[0] = query;
    op.in[1] = -1;
    op.scale = (float)(scale / sqrt((double)(s->plain + s->turned)));
    b->m->program.kv[layer] = (struct layer_kv){1, op.head_dim, op.value_dim};
    return emit(b, layer, op, s->heads * s->latent);
}

int add_mla(struct build *b, int layer, int in)
{
    const struct weight *k_b = NULL, *v_b = NULL;
    struct mla s;
    double scale;
    int query, key, latent, value;

    if (read_mla(b, &s) < 0 || rope_mla_scale(b->m, &scale, b->e) < 0 ||
        take_maps(b, layer, &s, &k_b, &v_b) < 0)
        return -1;
    query = add_query(b, layer, in);
    key = query < 0 ? -1 : add_keys(b, layer, in, &s, &latent);
    if (key < 0)
        return -1;
    if (program_width(&b->m->program, query) != s.heads * (s.plain + s.turned) &&
        !b->m->program.failed)
        return err_set(b->e, ERR_FORMAT, "%s: the queries of layer %d have %d numbers, expected %d",
                       gguf_path(b->m->file), layer, program_width(&b->m->program, query),
                       s.heads * (s.plain + s.turned));
    turn(b, layer, query, s.heads, s.plain + s.turned, s.plain);
    add_temper(b, layer, query);
    query = add_map(b, layer, query, k_b, s.plain, s.latent, &s, s.turned);
    value = query < 0 ? -1 : add_latent_attention(b, layer, query, key, latent, &s, scale);
    if (value < 0)
        return -1;
    value = want_rows(b, layer, value);
    return add_map(b, layer, value, v_b, s.latent, s.value, &s, 0);
}
