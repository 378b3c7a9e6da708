/* arch.c -- see arch.h.
 *
 * Every decoder here is the same walk over layers with a few switches; the switches are the row. */
#include "runners/arch.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "runners/model.h"
#include "runners/rope.h"

enum arch_flags {
    QK_NORM = 1,       /* RMS norm of each head of q and k before rope */
    SANDWICH = 2,      /* norms after attention and after the feed-forward too */
    EMBED_SCALED = 4,  /* embeddings times sqrt(embedding length) */
    LOCAL_GLOBAL = 8,  /* five windowed layers with their own rope base, then a full one */
    ROPE_HALVES = 16,  /* pairs (i, i + n_rot/2) instead of (2i, 2i+1) */
};

struct arch {
    const char *name;
    enum activation act;
    unsigned flags;
};

static const struct arch archs[] = {
    {"llama", ACT_SILU, 0},
    {"qwen2", ACT_SILU, ROPE_HALVES},
    {"qwen3", ACT_SILU, ROPE_HALVES | QK_NORM},
    {"gemma3", ACT_GELU_TANH, ROPE_HALVES | QK_NORM | SANDWICH | EMBED_SCALED | LOCAL_GLOBAL},
};

enum { LOCAL_PERIOD = 6, HEAD_DIM_MAX = 1024, LAYERS_MAX = 1024 };

static void hint_names(struct err *e)
{
    char names[160] = "";
    size_t n = 0;

    for (size_t i = 0; i < sizeof archs / sizeof archs[0] && n < sizeof names; i++)
        n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", i ? ", " : "", archs[i].name);
    err_hint(e, "supported: %s", names);
}

static const struct arch *arch_find(struct model *m, struct err *e)
{
    const char *path = gguf_path(m->file);
    struct gguf_str s;
    int found = gguf_get_str(m->file, "general.architecture", &s, e);

    if (found < 0)
        return NULL;
    if (!found) {
        err_set(e, ERR_FORMAT, "%s: key general.architecture is missing", path);
        return NULL;
    }
    for (size_t i = 0; i < sizeof archs / sizeof archs[0]; i++)
        if (s.n == strlen(archs[i].name) && memcmp(s.s, archs[i].name, s.n) == 0)
            return &archs[i];
    err_set(e, ERR_UNSUPPORTED, "%s: architecture '%.*s' is not supported", path,
            (int)(s.n < 64 ? s.n : 64), s.s);
    hint_names(e);
    return NULL;
}

static int read_hparams(struct model *m, const struct arch *a, struct err *e)
{
    struct hparams *hp = &m->hp;
    const struct int_key base[] = {
        {"block_count", &hp->layers, REQUIRED, 1, LAYERS_MAX},
        {"embedding_length", &hp->embd, REQUIRED, 1, 1 << 20},
        {"feed_forward_length", &hp->ff, REQUIRED, 1, 1 << 20},
        {"context_length", &hp->context, REQUIRED, 1, 1 << 30},
        {"attention.head_count", &hp->heads, REQUIRED, 1, 1 << 14},
    };
    double eps, softcap;

    if (model_ints(m, base, sizeof base / sizeof base[0], e) < 0)
        return -1;
    const struct int_key heads[] = {
        {"attention.head_count_kv", &hp->kv_heads, hp->heads, 1, hp->heads},
        {"attention.key_length", &hp->head_dim, hp->embd / hp->heads, 1, HEAD_DIM_MAX},
        {"attention.value_length", &hp->value_dim, hp->embd / hp->heads, 1, HEAD_DIM_MAX},
        {"attention.sliding_window", &hp->window, 0, 0, 1 << 30},
    };
    if (model_ints(m, heads, sizeof heads / sizeof heads[0], e) < 0)
        return -1;
    if (hp->heads % hp->kv_heads)
        return err_set(e, ERR_FORMAT, "%s: %d heads are no multiple of %d kv heads",
                       gguf_path(m->file), hp->heads, hp->kv_heads);
    const struct int_key rot[] = {
        {"rope.dimension_count", &hp->n_rot, hp->head_dim, 2, hp->head_dim},
    };
    if (model_ints(m, rot, 1, e) < 0)
        return -1;
    if (hp->n_rot % 2)
        return err_set(e, ERR_FORMAT, "%s: rope.dimension_count %d is odd", gguf_path(m->file),
                       hp->n_rot);
    const struct f64_key numbers[] = {
        {"attention.layer_norm_rms_epsilon", &eps, 1e-5, 0, 1},
        {"rope.freq_base", &hp->rope_base, 10000, 1, 1e15},
        {"rope.freq_base_swa", &hp->rope_base_swa, 10000, 1, 1e15},
        {"final_logit_softcapping", &softcap, 0, 0, 1e6},
    };
    if (model_f64s(m, numbers, sizeof numbers / sizeof numbers[0], e) < 0)
        return -1;
    hp->norm_eps = (float)eps;
    hp->logit_softcap = (float)softcap;
    if (!(a->flags & LOCAL_GLOBAL))
        hp->window = 0; /* llama.cpp and transformers ignore it for these families */
    return 0;
}

struct build { /* what the walk over the layers carries along */
    struct model *m;
    const struct arch *a;
    const struct rope *rope, *rope_local;
    int residual; /* the value that carries the residual stream */
    int wanted;   /* after the gather of the last layer */
    struct err *e;
};

static const struct op OP_EMPTY = {.in = {-1, -1, -1, -1}, .out = {-1, -1, -1}};

/* A required tensor; NULL after e was filled. */
static const struct weight *need(struct build *b, int layer, const char *name)
{
    return model_weight(b->m, layer, name, 1, b->e);
}

static const struct weight *maybe(struct build *b, int layer, const char *name)
{
    return model_weight(b->m, layer, name, 0, b->e);
}

static int add_norm(struct build *b, int layer, int in, const struct weight *w)
{
    struct program *p = &b->m->program;
    struct op op = OP_EMPTY;

    if (!w)
        return -1;
    op.kind = OP_RMS_NORM;
    op.layer = layer;
    op.in[0] = in;
    op.out[0] = program_value(p, b->m->hp.embd);
    op.n_out = 1;
    op.w[0] = w;
    op.eps = b->m->hp.norm_eps;
    op.wanted_rows = b->wanted;
    program_op(p, op);
    return op.out[0];
}

static void add_residual(struct build *b, int layer, int branch)
{
    struct program *p = &b->m->program;
    struct op op = OP_EMPTY;

    op.kind = OP_ADD;
    op.layer = layer;
    op.in[0] = b->residual;
    op.in[1] = branch;
    op.out[0] = program_value(p, b->m->hp.embd);
    op.n_out = 1;
    op.wanted_rows = b->wanted;
    program_op(p, op);
    b->residual = op.out[0];
}

/* out = W in, added to the residual at once unless a norm comes between. */
static int add_projection(struct build *b, int layer, int in, const char *weight, const char *bias,
                          const char *post_norm)
{
    struct program *p = &b->m->program;
    struct op op = OP_EMPTY;
    int sandwich = (b->a->flags & SANDWICH) != 0;

    op.kind = OP_LINEAR;
    op.layer = layer;
    op.in[0] = in;
    op.n_out = 1;
    op.w[0] = need(b, layer, weight);
    op.bias[0] = maybe(b, layer, bias);
    if (!op.w[0] || b->e->code)
        return -1;
    op.wanted_rows = b->wanted;
    if (!sandwich) {
        op.epilogue = EPILOGUE_ADD;
        op.in[1] = b->residual;
    }
    op.out[0] = program_value(p, b->m->hp.embd);
    program_op(p, op);
    if (!sandwich) {
        b->residual = op.out[0];
        return 0;
    }
    int normed = add_norm(b, layer, op.out[0], need(b, layer, post_norm));
    if (normed < 0)
        return -1;
    add_residual(b, layer, normed);
    return 0;
}

static int add_head_norm(struct build *b, int layer, int value, int heads, const char *name)
{
    struct op op = OP_EMPTY;

    op.kind = OP_HEAD_NORM;
    op.layer = layer;
    op.out[0] = value;
    op.n_out = 1;
    op.w[0] = need(b, layer, name);
    if (!op.w[0])
        return -1;
    op.eps = b->m->hp.norm_eps;
    op.heads = heads;
    op.head_dim = b->m->hp.head_dim;
    program_op(&b->m->program, op);
    return 0;
}

static void add_rope(struct build *b, int layer, int value, int heads, const struct rope *rope)
{
    struct op op = OP_EMPTY;

    op.kind = OP_ROPE;
    op.layer = layer;
    op.out[0] = value;
    op.n_out = 1;
    op.heads = heads;
    op.head_dim = b->m->hp.head_dim;
    op.rope = rope;
    program_op(&b->m->program, op);
}

static int add_qkv(struct build *b, int layer, int in, int out[3])
{
    static const char *const weights[] = {"attn_q.weight", "attn_k.weight", "attn_v.weight"};
    static const char *const biases[] = {"attn_q.bias", "attn_k.bias", "attn_v.bias"};
    const struct hparams *hp = &b->m->hp;
    const int widths[] = {hp->heads * hp->head_dim, hp->kv_heads * hp->head_dim,
                          hp->kv_heads * hp->value_dim};
    struct op op = OP_EMPTY;

    op.kind = OP_LINEAR;
    op.layer = layer;
    op.in[0] = in;
    op.n_out = 3;
    for (int i = 0; i < 3; i++) {
        op.w[i] = need(b, layer, weights[i]);
        op.bias[i] = maybe(b, layer, biases[i]);
        if (!op.w[i] || b->e->code)
            return -1;
        out[i] = op.out[i] = program_value(&b->m->program, widths[i]);
    }
    program_op(&b->m->program, op);
    return 0;
}

/* The last layer's keys and values are needed for every row, all that follows only for the rows
 * whose logits are wanted. */
static int add_gather(struct build *b, int value)
{
    struct program *p = &b->m->program;
    struct op op = OP_EMPTY;

    op.kind = OP_GATHER;
    op.in[0] = value;
    op.out[0] = program_value(p, p->values[value].width);
    op.n_out = 1;
    op.wanted_rows = 1;
    program_op(p, op);
    return op.out[0];
}

static int add_attention(struct build *b, int layer)
{
    const struct hparams *hp = &b->m->hp;
    struct program *p = &b->m->program;
    int local = (b->a->flags & LOCAL_GLOBAL) && (layer + 1) % LOCAL_PERIOD != 0;
    const struct rope *rope = local ? b->rope_local : b->rope;
    int in = add_norm(b, layer, b->residual, need(b, layer, "attn_norm.weight"));
    struct op op = OP_EMPTY;
    int qkv[3];

    if (in < 0 || add_qkv(b, layer, in, qkv) < 0)
        return -1;
    if ((b->a->flags & QK_NORM) &&
        (add_head_norm(b, layer, qkv[0], hp->heads, "attn_q_norm.weight") < 0 ||
         add_head_norm(b, layer, qkv[1], hp->kv_heads, "attn_k_norm.weight") < 0))
        return -1;
    add_rope(b, layer, qkv[0], hp->heads, rope);
    add_rope(b, layer, qkv[1], hp->kv_heads, rope);

    op.layer = layer;
    op.heads = hp->heads;
    op.kv_heads = hp->kv_heads;
    op.head_dim = hp->head_dim;
    op.value_dim = hp->value_dim;
    op.kind = OP_KV_STORE;
    op.in[0] = qkv[1];
    op.in[1] = qkv[2];
    program_op(p, op);

    op.kind = OP_ATTENTION;
    op.in[0] = qkv[0];
    op.in[1] = -1;
    op.out[0] = program_value(p, hp->heads * hp->value_dim);
    op.n_out = 1;
    op.window = local ? hp->window : 0;
    /* Gemma 3 27B alone scales by E/H instead of the head size. */
    op.scale = (b->a->flags & LOCAL_GLOBAL) && hp->layers == 62
                   ? 1.0f / sqrtf((float)hp->embd / (float)hp->heads)
                   : 1.0f / sqrtf((float)hp->head_dim);
    program_op(p, op);

    int attended = op.out[0];
    if (layer == hp->layers - 1) {
        attended = add_gather(b, attended);
        b->residual = add_gather(b, b->residual);
        b->wanted = 1;
    }
    return add_projection(b, layer, attended, "attn_output.weight", "attn_output.bias",
                          "post_attention_norm.weight");
}

static int add_feed_forward(struct build *b, int layer)
{
    struct program *p = &b->m->program;
    int in = add_norm(b, layer, b->residual, need(b, layer, "ffn_norm.weight"));
    struct op op = OP_EMPTY;

    if (in < 0)
        return -1;
    op.kind = OP_LINEAR;
    op.layer = layer;
    op.in[0] = in;
    op.w[0] = need(b, layer, "ffn_gate.weight");
    op.w[1] = need(b, layer, "ffn_up.weight");
    if (!op.w[0] || !op.w[1])
        return -1;
    op.bias[0] = maybe(b, layer, "ffn_gate.bias");
    op.bias[1] = maybe(b, layer, "ffn_up.bias");
    op.epilogue = EPILOGUE_GLU;
    op.act = b->a->act;
    op.out[0] = program_value(p, b->m->hp.ff);
    op.n_out = 1;
    op.wanted_rows = b->wanted;
    program_op(p, op);
    return add_projection(b, layer, op.out[0], "ffn_down.weight", "ffn_down.bias",
                          "post_ffw_norm.weight");
}

static void add_embedding(struct build *b, const struct weight *w)
{
    struct hparams *hp = &b->m->hp;
    struct op op = OP_EMPTY;

    op.kind = OP_EMBED;
    op.w[0] = w;
    op.out[0] = program_value(&b->m->program, hp->embd);
    op.n_out = 1;
    op.scale = b->a->flags & EMBED_SCALED ? sqrtf((float)hp->embd) : 1;
    program_op(&b->m->program, op);
    b->residual = op.out[0];
}

static int add_head(struct build *b, const struct weight *embedding)
{
    const struct weight *w = maybe(b, -1, "output.weight");
    int normed = add_norm(b, b->m->hp.layers, b->residual, need(b, -1, "output_norm.weight"));
    struct op op = OP_EMPTY;

    if (normed < 0 || b->e->code)
        return -1;
    op.kind = OP_HEAD;
    op.layer = b->m->hp.layers;
    op.in[0] = normed;
    op.w[0] = w ? w : embedding;
    op.softcap = b->m->hp.logit_softcap;
    op.wanted_rows = 1;
    program_op(&b->m->program, op);
    return 0;
}

static int set_layers(struct model *m)
{
    struct program *p = &m->program;

    p->n_layers = m->hp.layers;
    p->n_vocab = m->hp.vocab;
    p->kv = mem_calloc((size_t)m->hp.layers, sizeof *p->kv);
    if (!p->kv)
        return -1;
    for (int i = 0; i < m->hp.layers; i++)
        p->kv[i] = (struct layer_kv){m->hp.kv_heads, m->hp.head_dim, m->hp.value_dim};
    return 0;
}

int arch_build(struct model *m, struct err *e)
{
    struct err mine = ERR_NONE;
    const struct arch *a = arch_find(m, e ? e : &mine);
    struct build b = {.m = m, .a = a, .e = e ? e : &mine};
    const struct weight *embedding, *factors;

    if (!a)
        return -1;
    m->arch_name = a->name;
    if (read_hparams(m, a, b.e) < 0)
        return -1;
    embedding = need(&b, -1, "token_embd.weight");
    factors = maybe(&b, -1, "rope_freqs.weight");
    if (!embedding || b.e->code)
        return -1;
    m->hp.vocab = embedding->rows;
    if (set_layers(m) < 0)
        return err_nomem(b.e);
    b.rope = rope_build(m, m->hp.rope_base, 1, (a->flags & ROPE_HALVES) != 0, factors, b.e);
    b.rope_local = b.rope;
    if (a->flags & LOCAL_GLOBAL)
        b.rope_local =
            rope_build(m, m->hp.rope_base_swa, 0, (a->flags & ROPE_HALVES) != 0, NULL, b.e);
    if (!b.rope || !b.rope_local)
        return -1;
    add_embedding(&b, embedding);
    for (int i = 0; i < m->hp.layers; i++)
        if (add_attention(&b, i) < 0 || add_feed_forward(&b, i) < 0)
            return -1;
    return add_head(&b, embedding);
}
