/* quantize_mix.c -- the choices of llama-quantize as rows: the first that fits a tensor decides.
 *
 * Places are counted as there: a row asks for the n-th tensor of its role in the order of writing,
 * which is the layer's number wherever each layer has one; with experts, for the layer itself. */
#include "runners/quantize_mix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "runners/quant.h"

enum { /* values of general.file_type that rows name */
    FT_Q4_0 = 2, FT_Q5_0 = 8, FT_Q2_K = 10, FT_Q3_K_S = 11, FT_Q3_K_M = 12, FT_Q3_K_L = 13,
    FT_Q4_K_S = 14, FT_Q4_K_M = 15, FT_Q5_K_S = 16, FT_Q5_K_M = 17, FT_IQ2_XXS = 19, FT_IQ2_XS = 20,
    FT_Q2_K_S = 21, FT_IQ3_XS = 22, FT_IQ3_XXS = 23, FT_IQ1_S = 24, FT_IQ4_NL = 25, FT_IQ3_S = 26,
    FT_IQ3_M = 27, FT_IQ2_S = 28, FT_IQ2_M = 29, FT_IQ4_XS = 30, FT_IQ1_M = 31, FT_TQ1_0 = 36,
    FT_TQ2_0 = 37, FT_MXFP4_MOE = 38, FT_Q2_0 = 41,
};

static const struct mix mixes[] = {
    {"F32", 0, QUANT_F32},
    {"F16", 1, QUANT_F16},
    {"BF16", 32, QUANT_BF16},
    {"Q8_0", 7, QUANT_Q8_0},
    {"Q6_K", 18, QUANT_Q6_K},
    {"Q5_0", FT_Q5_0, QUANT_Q5_0},
    {"Q5_1", 9, QUANT_Q5_1},
    {"Q5_K_M", FT_Q5_K_M, QUANT_Q5_K},
    {"Q5_K_S", FT_Q5_K_S, QUANT_Q5_K},
    {"Q5_K", FT_Q5_K_M, QUANT_Q5_K},
    {"Q4_0", FT_Q4_0, QUANT_Q4_0},
    {"Q4_1", 3, QUANT_Q4_1},
    {"Q4_K_M", FT_Q4_K_M, QUANT_Q4_K},
    {"Q4_K_S", FT_Q4_K_S, QUANT_Q4_K},
    {"Q4_K", FT_Q4_K_M, QUANT_Q4_K},
    {"IQ4_NL", FT_IQ4_NL, QUANT_IQ4_NL},
    {"IQ4_XS", FT_IQ4_XS, QUANT_IQ4_XS},
    {"MXFP4_MOE", FT_MXFP4_MOE, QUANT_MXFP4},
    {"Q3_K_L", FT_Q3_K_L, QUANT_Q3_K},
    {"Q3_K_M", FT_Q3_K_M, QUANT_Q3_K},
    {"Q3_K_S", FT_Q3_K_S, QUANT_Q3_K},
    {"Q3_K", FT_Q3_K_M, QUANT_Q3_K},
    {"IQ3_M", FT_IQ3_M, QUANT_IQ3_S},
    {"IQ3_S", FT_IQ3_S, QUANT_IQ3_S},
    {"IQ3_XS", FT_IQ3_XS, QUANT_IQ3_S},
    {"IQ3_XXS", FT_IQ3_XXS, QUANT_IQ3_XXS},
    {"Q2_K", FT_Q2_K, QUANT_Q2_K},
    {"Q2_K_S", FT_Q2_K_S, QUANT_Q2_K},
    {"IQ2_M", FT_IQ2_M, QUANT_IQ2_S},
    {"IQ2_S", FT_IQ2_S, QUANT_IQ2_XS},
    {"IQ2_XS", FT_IQ2_XS, QUANT_IQ2_XS},
    {"IQ2_XXS", FT_IQ2_XXS, QUANT_IQ2_XXS},
    {"Q2_0", FT_Q2_0, QUANT_Q2_0},
    {"TQ2_0", FT_TQ2_0, QUANT_TQ2_0},
    {"TQ1_0", FT_TQ1_0, QUANT_TQ1_0},
    {"IQ1_M", FT_IQ1_M, QUANT_IQ1_M},
    {"IQ1_S", FT_IQ1_S, QUANT_IQ1_S},
    {"Q1_0", 40, QUANT_Q1_0},
};

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

const struct mix *mix_at(size_t i)
{
    return i < COUNT(mixes) ? &mixes[i] : NULL;
}

const struct mix *mix_by_name(const char *name, size_t n)
{
    for (size_t i = 0; i < COUNT(mixes); i++)
        if (strlen(mixes[i].name) == n && strncasecmp(mixes[i].name, name, n) == 0)
            return &mixes[i];
    return NULL;
}

/* ---- tensors ------------------------------------------------------------------------------- */

/* Matrices that lose more by fewer bits than a file gains: small ones, and tables of places. */
static const char *const kept[] = {
    "_norm.weight", "ffn_gate_inp.weight", "ffn_gate_tid2eid.weight", "altup", "laurel",
    "per_layer_model_proj", "position_embd.weight", "token_types.weight", "ssm_conv1d",
    "shortconv.conv.weight", "indexer.k_proj.weight", "indexer.q_proj.weight",
    "time_mix_first.weight", "time_mix_w0.weight", "time_mix_w1.weight", "time_mix_w2.weight",
    "time_mix_v0.weight", "time_mix_v1.weight", "time_mix_v2.weight", "time_mix_a0.weight",
    "time_mix_a1.weight", "time_mix_a2.weight", "time_mix_g1.weight", "time_mix_g2.weight",
    "time_mix_decay_w1.weight", "time_mix_decay_w2.weight", "time_mix_lerp_fused.weight",
    "attn_rel_b.weight",
};

enum role {
    EMBEDDING = 1, OUTPUT = 2, QKV = 4, KV_B = 8, VALUE = 16, KEY = 32, QUERY = 64,
    ATTN_OUT = 128, UP = 256, GATE = 512, DOWN = 1024, OTHER = 2048,
    VALUES = QKV | KV_B | VALUE, /* all that hold a value projection */
    ANY = 4095,
};

/* The first that the name has decides. */
static const struct {
    const char *part;
    enum role role;
} roles[] = {
    {"attn_qkv.weight", QKV}, {"attn_kv_b.weight", KV_B}, {"attn_v.weight", VALUE},
    {"attn_k.weight", KEY},   {"attn_q.weight", QUERY},   {"attn_output.weight", ATTN_OUT},
    {"ffn_up", UP},           {"ffn_gate", GATE},         {"ffn_down", DOWN},
};

static int has(struct gguf_str s, const char *part)
{
    return memmem(s.s, s.n, part, strlen(part)) != NULL;
}

static int is(struct gguf_str s, const char *name)
{
    return s.n == strlen(name) && memcmp(s.s, name, s.n) == 0;
}

static enum role role_of(struct gguf_str name)
{
    if (is(name, "output.weight"))
        return OUTPUT;
    if (is(name, "token_embd.weight") || is(name, "per_layer_token_embd.weight"))
        return EMBEDDING;
    for (size_t i = 0; i < COUNT(roles); i++)
        if (has(name, roles[i].part))
            return roles[i].role;
    return OTHER;
}

static int dimensions(const struct gguf_tensor *t) /* those of 1 at the end do not count */
{
    int n = t->n_dims;

    while (n > 1 && t->ne[n - 1] == 1)
        n--;
    return n;
}

static int is_integer(int type)
{
    return type >= QUANT_I8 && type <= QUANT_I64;
}

static int is_matrix(const struct gguf_tensor *t)
{
    static const char end[] = "weight";
    size_t n = sizeof end - 1;

    if (dimensions(t) < 2 || is_integer(t->type) || t->name.n < n ||
        memcmp(t->name.s + t->name.n - n, end, n) != 0)
        return 0;
    for (size_t i = 0; i < COUNT(kept); i++)
        if (has(t->name, kept[i]))
            return 0;
    return 1;
}

static int layer_of(struct gguf_str name)
{
    char s[24];
    int layer = -1;

    snprintf(s, sizeof s, "%.*s", (int)(name.n < sizeof s ? name.n : sizeof s - 1), name.s);
    return sscanf(s, "blk.%9d.", &layer) == 1 ? layer : -1;
}

/* ---- rules --------------------------------------------------------------------------------- */

struct facts { /* about the model */
    int64_t layers, experts, heads_per_key; /* heads_per_key: of the first layer */
    int is_falcon, is_70b, is_tied, has_importance;
    int value_layers; /* how many tensors have a role in VALUES */
};

enum condition {
    FEW_KEYS = 1,        /* four query heads or more share a key head */
    EXPERTS_4 = 2,       /* four experts or more */
    EXPERTS_8 = 4,       /* exactly eight */
    NOT_EXPERTS_8 = 8,
    NO_IMPORTANCE = 16,
    IMPORTANCE = 32,
    FALCON = 64,
    NOT_FALCON = 128,
    FIRST_2 = 256,       /* the n-th of its role: of the first two, */
    FIRST_4 = 512,       /* ... */
    FIRST_8TH = 1024,    /* in the first eighth of the layers, */
    FIRST_16TH = 2048,   /* ... */
    MIDDLE = 4096,       /* neither in the first nor in the last eighth, */
    MORE_BITS = 8192,    /* in one of them, or each third between */
    SEVERAL = 16384,     /* a third dimension: experts */
};

#define FT(x) (1ull << FT_##x)
#define LOW (FT(IQ2_XXS) | FT(IQ2_XS) | FT(IQ1_S) | FT(IQ2_S) | FT(IQ2_M) | FT(IQ1_M))
#define IQ2_SM (FT(IQ2_S) | FT(IQ2_M))
#define IQ4 (FT(IQ4_NL) | FT(IQ4_XS))

static const struct rule {
    uint64_t mixes; /* bit general.file_type; 0: all */
    int roles, when, type;
} rules[] = {
    /* the output matrix, or the embedding where that serves as one, is OUTPUT here */
    {FT(MXFP4_MOE), OUTPUT, 0, QUANT_Q8_0},
    {0, OUTPUT, FALCON, QUANT_Q8_0},
    {LOW | FT(IQ3_XXS), OUTPUT, 0, QUANT_Q5_K},
    {0, OUTPUT, 0, QUANT_Q6_K},

    {FT(MXFP4_MOE), ANY, SEVERAL, QUANT_MXFP4},
    {FT(MXFP4_MOE), ANY, 0, QUANT_Q8_0},

    {FT(IQ2_XXS) | FT(IQ2_XS) | FT(IQ1_S) | FT(IQ1_M), EMBEDDING, 0, QUANT_Q2_K},
    {IQ2_SM | FT(IQ3_XXS), EMBEDDING, 0, QUANT_IQ3_S},
    {FT(TQ1_0) | FT(TQ2_0) | FT(Q2_0), EMBEDDING, 0, QUANT_Q4_K},

    {LOW, VALUES, FEW_KEYS, QUANT_Q4_K},
    {LOW, VALUES, EXPERTS_4, QUANT_Q4_K},
    {IQ2_SM, VALUES, 0, QUANT_IQ3_S},
    {LOW, VALUES, 0, QUANT_Q2_K},
    {LOW, KEY, EXPERTS_8, QUANT_Q4_K},
    {IQ2_SM, DOWN, FIRST_8TH, QUANT_IQ3_S},
    {LOW, DOWN, FIRST_8TH, QUANT_Q2_K},
    {LOW, ATTN_OUT, EXPERTS_8, QUANT_Q5_K},
    {FT(IQ1_S) | FT(IQ1_M), ATTN_OUT, 0, QUANT_IQ2_XXS},
    {IQ2_SM, ATTN_OUT, 0, QUANT_IQ3_S},

    {~LOW, VALUES, EXPERTS_8, QUANT_Q8_0},
    {FT(Q2_K) | FT(Q2_K_S), VALUES, FEW_KEYS, QUANT_Q4_K},
    {FT(Q2_K), VALUES, 0, QUANT_Q3_K},
    {FT(IQ3_XXS) | FT(IQ3_XS) | FT(IQ3_S), VALUES, FEW_KEYS, QUANT_Q4_K},
    {FT(IQ3_XXS), VALUES, NO_IMPORTANCE, QUANT_IQ3_S},
    {FT(IQ3_M), VALUES, 0, QUANT_Q4_K},
    {FT(Q3_K_M), VALUES, FIRST_2, QUANT_Q5_K},
    {FT(Q3_K_M), VALUES, 0, QUANT_Q4_K},
    {FT(Q3_K_L), VALUES, 0, QUANT_Q5_K},
    {IQ4, VALUES, FEW_KEYS, QUANT_Q5_K},
    {FT(Q4_K_M) | FT(Q5_K_M), VALUES, MORE_BITS, QUANT_Q6_K},
    {FT(Q4_K_S), VALUES, FIRST_4, QUANT_Q5_K},

    {~LOW, KEY, EXPERTS_8, QUANT_Q8_0},
    {FT(IQ3_XS), KEY | QUERY, 0, QUANT_IQ3_XXS},
    {FT(IQ3_XXS), KEY | QUERY, 0, QUANT_IQ2_S},

    {FT(Q2_K), DOWN, 0, QUANT_Q3_K},
    {FT(Q2_K_S), DOWN, FIRST_8TH, QUANT_Q4_K},
    {FT(IQ3_XXS), DOWN, NO_IMPORTANCE | FIRST_8TH, QUANT_Q4_K},
    {FT(IQ3_XXS), DOWN, NO_IMPORTANCE, QUANT_Q3_K},
    {FT(Q3_K_M), DOWN, FIRST_16TH, QUANT_Q5_K},
    {FT(Q3_K_M), DOWN, NOT_FALCON, QUANT_Q4_K},
    {FT(Q3_K_M), DOWN, MORE_BITS, QUANT_Q4_K},
    {FT(IQ3_M), DOWN, FIRST_8TH, QUANT_Q4_K},
    {FT(IQ3_M), DOWN, EXPERTS_8 | MORE_BITS, QUANT_Q4_K},
    {FT(Q3_K_L), DOWN, FALCON, QUANT_Q4_K},
    {FT(Q3_K_L), DOWN, 0, QUANT_Q5_K},
    {FT(Q4_K_M), DOWN, FALCON | FIRST_16TH, QUANT_Q6_K},
    {FT(Q4_K_M), DOWN, FALCON | MORE_BITS, QUANT_Q5_K},
    {FT(Q4_K_M), DOWN, NOT_FALCON | MORE_BITS, QUANT_Q6_K},
    {IQ4, DOWN, NO_IMPORTANCE | FIRST_8TH, QUANT_Q5_K},
    {FT(Q5_K_M), DOWN, MORE_BITS, QUANT_Q6_K},
    {FT(Q4_K_S), DOWN, NOT_FALCON | FIRST_8TH, QUANT_Q5_K},
    {FT(Q4_0), DOWN, IMPORTANCE | FIRST_8TH, QUANT_Q4_1},
    {FT(Q5_0), DOWN, IMPORTANCE | FIRST_8TH, QUANT_Q5_1},

    {FT(Q2_K) | FT(IQ3_XS) | FT(IQ3_XXS) | FT(Q3_K_S) | FT(Q3_K_M) | FT(Q4_K_S) | FT(Q4_K_M) |
         FT(IQ3_S) | FT(IQ3_M) | IQ4,
     ATTN_OUT, NOT_FALCON | EXPERTS_8, QUANT_Q5_K},
    {FT(Q2_K), ATTN_OUT, NOT_FALCON | NOT_EXPERTS_8, QUANT_Q3_K},
    {FT(IQ3_XXS), ATTN_OUT, NOT_FALCON | NOT_EXPERTS_8, QUANT_IQ3_S},
    {FT(Q3_K_M) | FT(IQ3_M), ATTN_OUT, NOT_FALCON | NOT_EXPERTS_8, QUANT_Q4_K},
    {FT(Q3_K_L), ATTN_OUT, NOT_FALCON | NOT_EXPERTS_8, QUANT_Q5_K},
    {FT(Q3_K_L), ATTN_OUT, FALCON, QUANT_Q4_K},

    {FT(IQ3_XS), GATE | UP, MIDDLE, QUANT_IQ3_XXS},
};

/* What holds for the n-th of so many. */
static int conditions_of_place(int64_t i, int64_t n)
{
    int first = i < n / 8, last = i >= 7 * n / 8, bits = 0;

    bits |= i < 2 ? FIRST_2 : 0;
    bits |= i < 4 ? FIRST_4 : 0;
    bits |= first ? FIRST_8TH : 0;
    bits |= i < n / 16 ? FIRST_16TH : 0;
    bits |= !first && !last ? MIDDLE : 0;
    bits |= first || last || (i - n / 8) % 3 == 2 ? MORE_BITS : 0;
    return bits;
}

static int conditions_of_model(const struct facts *f)
{
    int bits = f->heads_per_key >= 4 ? FEW_KEYS : 0;

    bits |= f->experts >= 4 ? EXPERTS_4 : 0;
    bits |= f->experts == 8 ? EXPERTS_8 : NOT_EXPERTS_8;
    bits |= f->has_importance ? IMPORTANCE : NO_IMPORTANCE;
    bits |= f->is_falcon ? FALCON : NOT_FALCON;
    return bits;
}

static int apply_rules(const struct mix *m, const struct facts *f, enum role role, int holds)
{
    for (size_t i = 0; i < COUNT(rules); i++) {
        const struct rule *r = &rules[i];
        int type = r->type;
        if ((r->mixes && !(r->mixes >> m->file_type & 1)) || !(r->roles & (int)role) ||
            (r->when & ~holds))
            continue;
        /* there the values are an eighth of the queries: more bits cost next to nothing */
        if (f->is_70b && (role & VALUES) && !(LOW >> m->file_type & 1) &&
            (type == QUANT_Q3_K || type == QUANT_Q4_K))
            type = QUANT_Q5_K;
        return type;
    }
    if (f->is_70b && (role & VALUES) && (m->type == QUANT_Q3_K || m->type == QUANT_Q4_K))
        return QUANT_Q5_K;
    return m->type;
}

/* ---- shapes that do not fit ------------------------------------------------------------------ */

static int fits(int type, const struct gguf_tensor *t)
{
    return t->ne[0] % (uint64_t)quant_find(type)->block == 0;
}

/* What rows become that are not whole blocks: of 32 elements, else halves. */
static int fallback(int type, const struct gguf_tensor *t)
{
    static const struct {
        int type, smaller;
    } rows[] = {
        {QUANT_IQ1_S, QUANT_IQ4_NL},   {QUANT_IQ1_M, QUANT_IQ4_NL}, {QUANT_IQ2_XXS, QUANT_IQ4_NL},
        {QUANT_IQ2_XS, QUANT_IQ4_NL},  {QUANT_IQ2_S, QUANT_IQ4_NL}, {QUANT_IQ3_XXS, QUANT_IQ4_NL},
        {QUANT_IQ3_S, QUANT_IQ4_NL},   {QUANT_IQ4_XS, QUANT_IQ4_NL}, {QUANT_Q1_0, QUANT_Q4_0},
        {QUANT_Q2_0, QUANT_Q4_0},      {QUANT_Q2_K, QUANT_Q4_0},    {QUANT_Q3_K, QUANT_Q4_0},
        {QUANT_TQ1_0, QUANT_Q4_0},     {QUANT_TQ2_0, QUANT_Q4_0},   {QUANT_Q4_K, QUANT_Q5_0},
        {QUANT_Q5_K, QUANT_Q5_1},      {QUANT_Q6_K, QUANT_Q8_0},
    };

    if (fits(type, t))
        return type;
    for (size_t i = 0; i < COUNT(rows); i++)
        if (rows[i].type == type && fits(rows[i].smaller, t))
            return rows[i].smaller;
    return QUANT_F16;
}

/* ---- the plan -------------------------------------------------------------------------------- */

static int64_t number(const struct gguf *g, const char *format, struct gguf_str arch,
                      int64_t otherwise)
{
    char key[128];
    enum gguf_type type;
    size_t n = 0;

    if (snprintf(key, sizeof key, format, (int)(arch.n < 64 ? arch.n : 64), arch.s) < 0 ||
        gguf_get_array(g, key, &type, &n, NULL) != 1 || n == 0)
        return otherwise;
    return gguf_array_int(g, key, 0);
}

static struct facts facts_of(const struct gguf *g, int has_importance)
{
    static const struct {
        const char *arch;
        int layers;
    } large[] = {{"llama", 80}, {"deci", 80}, {"qwen2", 80}, {"olmo", 80}, {"jais2", 68}};
    struct gguf_str arch = {"", 0};
    struct facts f = {.has_importance = has_importance, .is_tied = 1};
    int64_t heads, keys;

    gguf_get_str(g, "general.architecture", &arch, NULL);
    f.layers = number(g, "%.*s.block_count", arch, 0);
    f.experts = number(g, "%.*s.expert_count", arch, 0);
    heads = number(g, "%.*s.attention.head_count", arch, 0);
    keys = number(g, "%.*s.attention.head_count_kv", arch, heads);
    f.heads_per_key = keys > 0 ? heads / keys : 0;
    if (f.layers < 0 || f.layers > INT32_MAX)
        f.layers = 0;
    f.is_falcon = is(arch, "falcon");
    for (size_t i = 0; i < COUNT(large); i++)
        if (is(arch, large[i].arch) && f.layers == large[i].layers)
            f.is_70b = !is(arch, "llama") || heads != keys;
    for (size_t i = 0; i < gguf_n_tensors(g); i++) {
        enum role role = role_of(gguf_tensor_at(g, i)->name);
        f.is_tied &= role != OUTPUT;
        f.value_layers += (role & VALUES) != 0;
    }
    return f;
}

static int by_layer_and_name(const void *pa, const void *pb)
{
    const struct mix_tensor *a = pa, *b = pb;
    size_t na = a->tensor->name.n, nb = b->tensor->name.n;
    int c;

    if (a->layer != b->layer)
        return a->layer < b->layer ? -1 : 1;
    c = memcmp(a->tensor->name.s, b->tensor->name.s, na < nb ? na : nb);
    return c ? c : na < nb ? -1 : na > nb;
}

struct counts { /* tensors seen so far */
    int64_t values, down, gate, up;
};

/* What the place of a tensor among those of its role fulfils. */
static int place_of(struct counts *c, const struct facts *f, const struct mix *m,
                    const struct mix_tensor *t, enum role role)
{
    int64_t *seen = role == DOWN ? &c->down : role == GATE ? &c->gate : role == UP ? &c->up : NULL;
    int64_t i;

    if (role & VALUES)
        return conditions_of_place(c->values++, f->value_layers);
    if (!seen)
        return 0;
    i = (*seen)++;
    if (f->experts > 1 && !(LOW >> m->file_type & 1)) /* a layer may have several */
        i = t->layer;
    return conditions_of_place(i, f->layers);
}

static int type_of(const struct mix *m, const struct facts *f, struct counts *c,
                   const struct mix_tensor *t)
{
    enum role role = role_of(t->tensor->name);
    int type, holds;

    if (quant_find(m->type)->block == 1)
        return m->type;
    if (role == EMBEDDING && f->is_tied)
        role = OUTPUT;
    if (role == OUTPUT && m->type == QUANT_Q8_0)
        return fallback(QUANT_Q8_0, t->tensor);
    if (role == OUTPUT && !fits(m->type, t->tensor))
        return fallback(QUANT_Q8_0, t->tensor);
    holds = conditions_of_model(f) | place_of(c, f, m, t, role);
    holds |= t->tensor->ne[2] > 1 ? SEVERAL : 0;
    type = apply_rules(m, f, role, holds);
    return fallback(type, t->tensor);
}

static int needs_importance(const struct mix *m, const struct mix_tensor *t)
{
    static const int types[] = {QUANT_IQ3_XXS, QUANT_IQ2_XXS, QUANT_IQ2_XS,
                                QUANT_IQ2_S,   QUANT_IQ1_M,   QUANT_IQ1_S};

    if ((role_of(t->tensor->name) & (EMBEDDING | OUTPUT)) || t->type == t->tensor->type)
        return 0;
    for (size_t i = 0; i < COUNT(types); i++)
        if (t->type == types[i])
            return 1;
    return t->type == QUANT_Q2_K && m->file_type == FT_Q2_K_S;
}

struct mix_tensor *mix_plan(const struct mix *m, const struct gguf *g, int has_importance)
{
    struct facts f = facts_of(g, has_importance);
    struct counts c = {0, 0, 0, 0};
    size_t n = gguf_n_tensors(g);
    struct mix_tensor *plan = mem_calloc(n ? n : 1, sizeof *plan);

    if (!plan)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        plan[i].tensor = gguf_tensor_at(g, i);
        plan[i].layer = layer_of(plan[i].tensor->name);
    }
    qsort(plan, n, sizeof *plan, by_layer_and_name);
    for (size_t i = 0; i < n; i++) {
        const struct gguf_tensor *t = plan[i].tensor;
        if (is_matrix(t))
            plan[i].type = type_of(m, &f, &c, &plan[i]);
        else
            plan[i].type = dimensions(t) == 1 && !is_integer(t->type) ? QUANT_F32 : t->type;
        plan[i].needs_importance = needs_importance(m, &plan[i]);
    }
    return plan;
}
