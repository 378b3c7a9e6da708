/* hf_tensors.c -- a checkpoint's tensors under their canonical names, and those that must be made.
 *
 * Each tensor gets a recipe: slabs of groups of rows, of which some parts are taken in order.
 * Where the rows that are taken lie one after the other as they are wanted, the tensor is a view of
 * the file; else gguf_fill copies row by row. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "runners/dmath.h"
#include "runners/hf_build.h"
#include "runners/quant.h"

enum { GGUF_NAME_MAX = 64, STACK_MAX = 1024, TENSORS_MAX = 1 << 18 };

/* ---- names ----------------------------------------------------------------------------------- */

/* In the order in which they are tried; what is left is the name that the rows know. */
static const char *const prefixes[] = {
    "model.language_model.model.", "language_model.model.", "model.language_model.",
    "model.text_model.", "language_model.", "llm.model.", "llm.", "model.model.", "model.decoder.",
    "model.", "transformer.encoder.", "transformer.", "backbone.", "gpt_neox.",
};

/* Parts of a checkpoint that are not the language model. */
static const char *const others[] = {
    "vision_tower.", "vision_model.", "multi_modal_projector.", "visual.", "model.visual.",
    "model.vision_tower.", "model.vision_model.", "model.multi_modal_projector.",
    "model.embed_vision.", "model.audio_tower.", "model.embed_audio.", "audio_tower.",
    "embed_audio.", "embed_vision.", "mtp.", "model.mtp.", "vpm.", "resampler.", "apm.", "tts.",
};

static int begins_with(struct gguf_str s, const char *text)
{
    size_t n = strlen(text);

    return s.n >= n && memcmp(s.s, text, n) == 0;
}

static int is_other(struct gguf_str name)
{
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (begins_with(name, others[i]))
            return 1;
    return 0;
}

static struct gguf_str without_prefix(struct gguf_str name)
{
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
        if (begins_with(name, prefixes[i])) {
            size_t n = strlen(prefixes[i]);
            return (struct gguf_str){name.s + n, name.n - n};
        }
    return name;
}

struct match {
    int layer, expert; /* -1: none */
    struct gguf_str rest;
};

/* Up to seven digits at *p. */
static int read_number(struct gguf_str s, size_t *p)
{
    int v = -1;

    for (size_t end = *p + 7; *p < s.n && *p < end && s.s[*p] >= '0' && s.s[*p] <= '9'; ++*p)
        v = (v < 0 ? 0 : v) * 10 + (s.s[*p] - '0');
    return v;
}

static int fits(const char *pattern, struct gguf_str name, struct match *m)
{
    size_t at = 0;

    *m = (struct match){-1, -1, {NULL, 0}};
    for (; *pattern; pattern++) {
        if (*pattern == '%' || *pattern == '#') {
            int v = read_number(name, &at);
            if (v < 0)
                return 0;
            *(*pattern == '%' ? &m->layer : &m->expert) = v;
        } else if (at >= name.n || name.s[at++] != *pattern) {
            return 0;
        }
    }
    m->rest = (struct gguf_str){name.s + at, name.n - at};
    return m->rest.n == 0 || (m->rest.n == 7 && memcmp(m->rest.s, ".weight", 7) == 0) ||
           (m->rest.n == 5 && memcmp(m->rest.s, ".bias", 5) == 0);
}

static const struct hf_row *find_row(const struct hf_row *rows, struct gguf_str name,
                                     struct match *m)
{
    for (; rows && rows->from; rows++)
        if (fits(rows->from, name, m))
            return rows;
    return NULL;
}

/* "blk.N." and `to` with the expert's number, and the source's ending.  part: of "a|b". */
static int full_name(struct hf *h, char out[GGUF_NAME_MAX], const struct hf_row *row,
                     const struct match *m, int part, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    const char *to = row->to;
    int rc = 0;

    if (part)
        to = strchr(to, '|') + 1;
    if (m->layer >= 0)
        strbuf_addf(&b, "blk.%d.", m->layer);
    for (; *to && *to != '|'; to++)
        if (*to == '#')
            strbuf_addf(&b, "%d", m->expert);
        else
            strbuf_addc(&b, *to);
    strbuf_add(&b, m->rest.s, m->rest.n);
    if (strbuf_ok(&b, e) < 0)
        rc = -1;
    else if (b.len >= GGUF_NAME_MAX)
        rc = err_set(e, ERR_FORMAT, "%s: a tensor name is too long: %.80s", h->folder, b.s);
    else
        snprintf(out, GGUF_NAME_MAX, "%s", b.s);
    strbuf_release(&b);
    return rc;
}

/* ---- recipes --------------------------------------------------------------------------------- */

static int refuse(const struct hf *h, const struct hf_source *s, const char *why, struct err *e)
{
    return err_set(e, ERR_FORMAT, "%s: tensor '%.*s' %s", h->folder,
                   (int)(s->name.n < 80 ? s->name.n : 80), s->name.s, why);
}

/* Slabs, rows and columns without dimensions of 1 in between; of one dimension, rows of 1. */
static int read_shape(const struct hf *h, const struct hf_source *s, struct hf_recipe *r,
                      struct err *e)
{
    uint64_t d[ST_DIMS_MAX];
    int n = 0;

    for (int i = 0; i < s->n_dims; i++)
        if (s->dim[i] != 1 || i == s->n_dims - 1 || i == 0)
            d[n++] = s->dim[i];
    if (n == 3 && s->n_dims > 3 && d[0] == 1)
        d[0] = d[1], d[1] = d[2], n = 2;
    if (n > 3)
        return refuse(h, s, "has more than three dimensions", e);
    r->slabs = n == 3 ? d[0] : 1;
    r->rows = n == 0 ? 1 : n == 1 ? d[0] : d[n - 2];
    r->cols = n < 2 ? 1 : d[n - 1];
    if (r->slabs == 0 || r->rows == 0 || r->cols == 0 || r->slabs > 1 << 20 || r->rows > 1 << 28 ||
        r->cols > 1 << 28)
        return refuse(h, s, "has an impossible shape", e);
    return 0;
}

static uint64_t taken_rows(const struct hf_recipe *r) /* of one slab */
{
    uint64_t n = 0;

    for (int i = r->first; i < r->first + r->count; i++)
        n += r->part[i];
    return n * r->groups;
}

/* All groups must make up all rows. */
static int deal(const struct hf *h, struct hf_recipe *r, uint64_t groups, int n_parts, int first,
                int count, struct err *e)
{
    uint64_t sum = 0;

    for (int i = 0; i < n_parts; i++)
        sum += r->part[i];
    r->groups = groups;
    r->n_parts = n_parts;
    r->first = first;
    r->count = count;
    if (groups == 0 || sum == 0 || r->rows % sum || r->rows / sum != groups)
        return refuse(h, r->from, "has another number of rows than config.json says", e);
    return 0;
}

static int deal_halves(const struct hf *h, struct hf_recipe *r, int half, struct err *e)
{
    r->part[0] = r->part[1] = r->rows / 2;
    return deal(h, r, 1, 2, half, 1, e);
}

static int deal_pairs(const struct hf *h, struct hf_recipe *r, int half, struct err *e)
{
    r->part[0] = r->part[1] = 1;
    return deal(h, r, r->rows / 2, 2, half, 1, e);
}

static int deal_qkv(const struct hf *h, struct hf_recipe *r, struct err *e)
{
    uint64_t kv = (uint64_t)h->kv_heads, dim = (uint64_t)h->head_dim;

    if (kv == 0 || h->heads % h->kv_heads)
        return refuse(h, r->from, "cannot be dealt to the heads of config.json", e);
    r->part[0] = (uint64_t)h->heads / kv * dim;
    r->part[1] = r->part[2] = dim;
    return deal(h, r, kv, 3, 0, 3, e);
}

/* Sizes of a gated delta net. */
static void delta_sizes(const struct hf *h, uint64_t *keys, uint64_t *values, uint64_t *key_dim,
                        uint64_t *value_dim)
{
    *keys = (uint64_t)hf_int(h, "linear_num_key_heads", 0);
    *values = (uint64_t)hf_int(h, "linear_num_value_heads", 0);
    *key_dim = (uint64_t)hf_int(h, "linear_key_head_dim", 0);
    *value_dim = (uint64_t)hf_int(h, "linear_value_head_dim", 0);
}

static int deal_qkvz(const struct hf *h, struct hf_recipe *r, int half, struct err *e)
{
    uint64_t keys, values, key_dim, value_dim;

    delta_sizes(h, &keys, &values, &key_dim, &value_dim);
    if (keys == 0 || values % keys)
        return refuse(h, r->from, "cannot be dealt to the heads of config.json", e);
    r->part[0] = r->part[1] = key_dim;
    r->part[2] = r->part[3] = values / keys * value_dim;
    return deal(h, r, keys, 4, half ? 3 : 0, half ? 1 : 3, e);
}

static int is_turned(enum hf_how how)
{
    return how == HF_TRANSPOSED || how == HF_TURNED_HALVES || how == HF_TURNED_PAIRS;
}

static int plan(const struct hf *h, struct hf_recipe *r, const struct hf_row *row, int half,
                struct err *e)
{
    enum hf_how how = row->how;

    if (read_shape(h, r->from, r, e) < 0)
        return -1;
    if (is_turned(how) && r->cols > 1) {
        uint64_t rows = r->rows;
        if (r->from->packing != HF_PLAIN)
            return refuse(h, r->from, "is packed and would have to be transposed", e);
        r->is_transposed = 1;
        r->rows = r->cols;
        r->cols = rows;
    }
    if (how == HF_PLUS_ONE || how == HF_NEG_EXP || how == HF_SCALED)
        r->math = how;
    if (how == HF_SCALED)
        r->to = row->to;
    if (how == HF_GROUPED)
        return deal_qkv(h, r, e);
    if (how == HF_COLUMN_PAIRS) {
        r->slabs = r->rows;
        r->rows = r->cols;
        r->cols = 1;
        return deal_pairs(h, r, half, e);
    }
    if (how == HF_HALVES || how == HF_TURNED_HALVES)
        return deal_halves(h, r, half, e);
    if (how == HF_PAIRS || how == HF_TURNED_PAIRS)
        return deal_pairs(h, r, half, e);
    if (how == HF_QKVZ)
        return deal_qkvz(h, r, half, e);
    r->part[0] = r->rows;
    return deal(h, r, 1, 1, 0, 1, e);
}

/* ---- the list -------------------------------------------------------------------------------- */

static int grow(struct hf *h, struct err *e)
{
    if (h->n_tensors >= TENSORS_MAX)
        return err_set(e, ERR_FORMAT, "%s: more than %d tensors", h->folder, TENSORS_MAX);
    if (mem_grow(&h->tensors, &h->cap_tensors, h->n_tensors + 1, sizeof *h->tensors) < 0 ||
        mem_grow(&h->recipes, &h->cap_recipes, h->n_tensors + 1, sizeof *h->recipes) < 0)
        return err_nomem(e);
    return 0;
}

static int set_name(struct hf *h, struct gguf_tensor *t, const char *name, struct err *e)
{
    t->name.s = arena_strdup(&h->arena, name);
    t->name.n = strlen(name);
    return t->name.s ? 0 : err_nomem(e);
}

/* Rows taken without a gap, as they are. */
static int is_view(const struct hf_recipe *r)
{
    return r->from && !r->stack && r->from->packing == HF_PLAIN && !r->is_transposed &&
           r->math == HF_AS_IS &&
           (r->count == r->n_parts ? r->n_parts == 1 || r->groups == 1
                                   : r->groups == 1 && r->slabs == 1);
}

static void point(struct gguf_tensor *t, const struct hf_recipe *r)
{
    uint64_t before = 0;

    for (int i = 0; i < r->first; i++)
        before += r->part[i];
    t->data = r->from->codes->data + (size_t)before * hf_row_bytes(r->from, r->cols);
}

static int finish(struct hf *h, struct gguf_tensor *t, const struct hf_recipe *r, struct err *e)
{
    uint64_t rows = taken_rows(r);
    int is_flat = r->cols == 1 && (r->from->n_dims < 2 || r->from->n_dims < (r->slabs > 1) + 2);
    const struct quant *q;

    if (r->from->type < 0)
        return err_set(e, ERR_UNSUPPORTED, "%s: tensor '%.*s' has type %s, which is not a weight's",
                       h->folder, (int)(r->from->name.n < 80 ? r->from->name.n : 80),
                       r->from->name.s, st_type_name(r->from->codes->type));
    t->type = r->math == HF_AS_IS ? r->from->type : QUANT_F32;
    q = quant_find(t->type);
    t->n_dims = (is_flat ? 1 : 2) + (r->slabs > 1 || r->stack);
    t->ne[0] = is_flat ? rows : r->cols;
    t->ne[1] = is_flat ? r->slabs : rows;
    t->ne[2] = is_flat ? 1 : r->slabs;
    t->ne[3] = 1;
    if (t->ne[0] % (uint64_t)q->block)
        return refuse(h, r->from, "has rows that are no whole blocks", e);
    if (t->ne[0] * t->ne[1] > (uint64_t)INT64_MAX / 8 / t->ne[2])
        return refuse(h, r->from, "has an impossible shape", e);
    t->bytes = quant_bytes(q, (size_t)(t->ne[0] * t->ne[1] * t->ne[2]));
    if (is_view(r))
        point(t, r);
    return 0;
}

static int add_one(struct hf *h, struct hf_source *s, const struct hf_row *row,
                   const struct match *m, int half, struct err *e)
{
    struct gguf_tensor *t;
    struct hf_recipe *r;
    char name[GGUF_NAME_MAX];

    if (grow(h, e) < 0 || full_name(h, name, row, m, half, e) < 0)
        return -1;
    t = &h->tensors[h->n_tensors];
    r = &h->recipes[h->n_tensors];
    *t = (struct gguf_tensor){.n_dims = 0};
    *r = (struct hf_recipe){.from = s, .math = HF_AS_IS};
    if (plan(h, r, row, half, e) < 0 || set_name(h, t, name, e) < 0 || finish(h, t, r, e) < 0)
        return -1;
    h->n_tensors++;
    return 0;
}

static struct gguf_tensor *find_tensor(const struct hf *h, const char *name)
{
    for (size_t i = h->n_tensors; i-- > 0;) /* its neighbours came just before */
        if (h->tensors[i].name.n == strlen(name) &&
            memcmp(h->tensors[i].name.s, name, h->tensors[i].name.n) == 0)
            return &h->tensors[i];
    return NULL;
}

/* Slab m->expert of a tensor whose other slabs may be there already. */
static int add_slab(struct hf *h, struct hf_source *s, const struct hf_row *row,
                    const struct match *m, struct err *e)
{
    char name[GGUF_NAME_MAX];
    struct gguf_tensor *t;
    struct hf_recipe *r, one = {.from = s, .math = HF_AS_IS};

    if (full_name(h, name, row, m, 0, e) < 0 || plan(h, &one, row, 0, e) < 0)
        return -1;
    if (one.slabs != 1 || m->expert < 0 || m->expert >= STACK_MAX)
        return refuse(h, s, "cannot be one of several", e);
    t = find_tensor(h, name);
    if (!t) {
        if (add_one(h, s, row, m, 0, e) < 0)
            return -1;
        t = &h->tensors[h->n_tensors - 1];
        r = &h->recipes[h->n_tensors - 1];
        r->stack = arena_alloc(&h->arena, STACK_MAX * sizeof *r->stack);
        if (!r->stack)
            return err_nomem(e);
        r->slabs = 0;
        t->data = NULL;
    }
    r = &h->recipes[t - h->tensors];
    if (r->rows != one.rows || r->cols != one.cols || r->from->type != s->type ||
        r->stack[m->expert])
        return refuse(h, s, "has another shape than its neighbours", e);
    r->stack[m->expert] = s;
    if (r->slabs < (uint64_t)m->expert + 1)
        r->slabs = (uint64_t)m->expert + 1;
    return 0;
}

/* Slabs that were there one by one now have their number. */
static int finish_stacks(struct hf *h, struct err *e)
{
    for (size_t i = 0; i < h->n_tensors; i++) {
        struct hf_recipe *r = &h->recipes[i];
        struct gguf_tensor *t = &h->tensors[i];
        for (uint64_t k = 0; r->stack && k < r->slabs; k++)
            if (!r->stack[k])
                return err_set(e, ERR_FORMAT, "%s: one of the %llu tensors that make up %s is "
                               "missing", h->folder, (unsigned long long)r->slabs, t->name.s);
        if (!r->stack)
            continue;
        if (finish(h, t, r, e) < 0)
            return -1;
    }
    return 0;
}

static int has_two(enum hf_how how)
{
    return how == HF_HALVES || how == HF_PAIRS || how == HF_TURNED_HALVES ||
           how == HF_TURNED_PAIRS || how == HF_COLUMN_PAIRS || how == HF_QKVZ;
}

static int is_norm(const char *to)
{
    size_t n = strlen(to);

    return n >= 4 && strcmp(to + n - 4, "norm") == 0;
}

static int map_one(struct hf *h, struct hf_source *s, struct err *e)
{
    struct gguf_str name = without_prefix(s->name);
    struct match m;
    const struct hf_row *row = find_row(h->family->rows, name, &m);
    struct hf_row plus;

    if (!row)
        row = find_row(hf_common_rows, name, &m);
    if (!row)
        return err_set(e, ERR_UNSUPPORTED, "%s: tensor '%.*s' has no place in architecture %s",
                       h->folder, (int)(s->name.n < 100 ? s->name.n : 100), s->name.s,
                       h->family->arch);
    if (!row->to || m.layer >= h->layers) /* blocks beyond the last predict later tokens */
        return 0;
    if (m.layer >= h->kv_layers && (strncmp(row->to, "attn_k", 6) == 0 ||
                                    strncmp(row->to, "attn_v", 6) == 0))
        return 0; /* Gemma's checkpoints have them though nothing reads them */
    if (strcmp(row->to, "output") == 0 && hf_bool(h, "tie_word_embeddings", 0) && m.rest.n == 7)
        return 0; /* a copy of the embedding, or nothing that is used */
    if (h->family->flags & HF_NORMS_PLUS_ONE && row->how == HF_AS_IS && is_norm(row->to) &&
        m.rest.n == 7) {
        plus = (struct hf_row){row->from, row->to, HF_PLUS_ONE};
        row = &plus;
    }
    if (row->how == HF_STACK)
        return add_slab(h, s, row, &m, e);
    if (add_one(h, s, row, &m, 0, e) < 0)
        return -1;
    return has_two(row->how) ? add_one(h, s, row, &m, 1, e) : 0;
}

int hf_tensors_map(struct hf *h, struct err *e)
{
    for (size_t i = 0; i < h->n_sources; i++)
        if (!is_other(h->sources[i].name) && map_one(h, &h->sources[i], e) < 0)
            return -1;
    return finish_stacks(h, e);
}

int hf_tensor_made(struct hf *h, const char *name, const float *v, size_t n, struct err *e)
{
    float *copy = arena_alloc(&h->arena, n * sizeof *copy);
    struct gguf_tensor *t;

    if (!copy)
        return err_nomem(e);
    if (grow(h, e) < 0)
        return -1;
    memcpy(copy, v, n * sizeof *copy);
    t = &h->tensors[h->n_tensors];
    *t = (struct gguf_tensor){.n_dims = 1, .ne = {n, 1, 1, 1}, .type = QUANT_F32,
                              .data = (const uint8_t *)copy, .bytes = n * sizeof *copy};
    h->recipes[h->n_tensors] = (struct hf_recipe){.made = copy};
    if (set_name(h, t, name, e) < 0)
        return -1;
    h->n_tensors++;
    return 0;
}

/* ---- making ---------------------------------------------------------------------------------- */

/* Row r of slab `slab` as the file has it, turned if need be. */
static void take_row(const struct hf_recipe *p, const struct hf_source *s, uint64_t slab,
                     uint64_t r, uint8_t *out)
{
    size_t one = hf_row_bytes(s, 1);

    if (s->packing != HF_PLAIN) {
        hf_row_write(s, slab * p->rows + r, out);
        return;
    }
    if (!p->is_transposed) {
        size_t n = hf_row_bytes(s, p->cols);
        memcpy(out, s->codes->data + (slab * p->rows + r) * n, n);
        return;
    }
    for (uint64_t c = 0; c < p->cols; c++)
        memcpy(out + c * one, s->codes->data + ((slab * p->cols + c) * p->rows + r) * one, one);
}

static void compute(const struct hf *h, const struct hf_recipe *p, uint64_t row, float *v,
                    uint64_t n)
{
    float factor = p->math == HF_SCALED ? (float)h->family->scale(h, p->to, row) : 1;

    for (uint64_t i = 0; i < n; i++)
        if (p->math == HF_PLUS_ONE)
            v[i] += 1;
        else if (p->math == HF_NEG_EXP)
            v[i] = -(float)dmath_exp(v[i]);
        else
            v[i] *= factor;
}

/* Every row of every taken part, in order. */
static void make(const struct hf *h, const struct hf_recipe *p, uint8_t *out, uint8_t *row)
{
    size_t n = hf_row_bytes(p->from, p->cols);
    const struct quant *q = quant_find(p->from->type);

    for (uint64_t slab = 0; slab < p->slabs; slab++) {
        const struct hf_source *s = p->stack ? p->stack[slab] : p->from;
        uint64_t sum = 0, before = 0;
        for (int i = 0; i < p->n_parts; i++)
            sum += p->part[i];
        for (int i = 0; i < p->first + p->count; before += p->part[i++])
            for (uint64_t g = 0; i >= p->first && g < p->groups; g++)
                for (uint64_t r = 0; r < p->part[i]; r++) {
                    uint8_t *to = p->math == HF_AS_IS ? out : row;
                    take_row(p, s, p->stack ? 0 : slab, g * sum + before + r, to);
                    if (p->math == HF_AS_IS) {
                        out += n;
                        continue;
                    }
                    q->unpack((float *)(void *)out, row, (size_t)p->cols);
                    compute(h, p, g * sum + before + r, (float *)(void *)out, p->cols);
                    out += p->cols * sizeof(float);
                }
    }
}

int hf_tensors_fill(struct hf *h, struct gguf_tensor *t, size_t n, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        const struct hf_recipe *p = &h->recipes[i];
        uint8_t *block, *row;
        if (t[i].data || t[i].bytes == 0)
            continue;
        if (mem_grow(&h->blocks, &h->cap_blocks, h->n_blocks + 1, sizeof *h->blocks) < 0)
            return err_nomem(e);
        block = mem_aligned(64, t[i].bytes);
        row = mem_alloc(hf_row_bytes(p->from, p->cols));
        hf_source_prepare(p->from);
        if (block && row)
            make(h, p, block, row);
        mem_free(row);
        if (!block || !row) {
            mem_free(block);
            return err_nomem(e);
        }
        h->blocks[h->n_blocks++] = block;
        t[i].data = block;
    }
    return 0;
}
