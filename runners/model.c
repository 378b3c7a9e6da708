#include "runners/model.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/suggest.h"
#include "runners/arch.h"
#include "runners/quant.h"

enum {
    SLABS_MAX = 1 << 14,
    MODEL_DIM_MAX = 1 << 24,
    MODEL_TENSORS_MAX = 1 << 16,
    STATE_PER_FILE_MAX = 4,
};

void model_close(struct model *m)
{
    if (!m)
        return;
    program_release(&m->program);
    for (size_t i = 0; i < m->n_weights; i++) {
        mem_free((void *)m->weights[i].name);
        mem_free((void *)m->weights[i].f32);
        mem_free((void *)m->weights[i].lanes);
        mem_free(m->weights[i].slab);
    }
    mem_free(m->weights);
    mem_free(m->is_used);
    mem_free(m->name);
    mem_free(m);
}

static void full_key(char *out, size_t size, const struct model *m, const char *key)
{
    snprintf(out, size, "%s.%s", m->arch_name, key);
}

int model_ints(const struct model *m, const struct int_key *keys, size_t n, struct err *e)
{
    const char *path = gguf_path(m->file);
    char name[128];

    for (const struct int_key *k = keys; k < keys + n; k++) {
        int64_t v = k->fallback;
        int found;
        full_key(name, sizeof name, m, k->key);
        found = gguf_get_int(m->file, name, &v, e);
        if (found < 0)
            return -1;
        if (!found && k->fallback == REQUIRED)
            return err_set(e, ERR_FORMAT, "%s: key %s is missing", path, name);
        if (v < k->low || v > k->high)
            return err_set(e, ERR_FORMAT, "%s: %s is %lld, expected %d to %d", path, name,
                           (long long)v, k->low, k->high);
        *k->to = (int)v;
    }
    return 0;
}

int model_f64s(const struct model *m, const struct f64_key *keys, size_t n, struct err *e)
{
    char name[128];

    for (const struct f64_key *k = keys; k < keys + n; k++) {
        double v = k->fallback;
        int found;
        full_key(name, sizeof name, m, k->key);
        found = gguf_get_f64(m->file, name, &v, e);
        if (found < 0)
            return -1;
        if (found && !(v >= k->low && v <= k->high))
            return err_set(e, ERR_FORMAT, "%s: %s is %g, expected %g to %g", gguf_path(m->file),
                           name, v, k->low, k->high);
        *k->to = v;
    }
    return 0;
}

/* Norm weights and biases (one row) are small: they are kept as floats, aligned for the kernels. */
static int keep_floats(struct weight *w, const struct quant *q, struct err *e)
{
    float *f = mem_aligned(64, KERNEL_PAD(w->k) * sizeof *f);

    if (!f)
        return err_nomem(e);
    q->unpack(f, w->data, (size_t)w->k);
    w->f32 = f;
    return 0;
}

static int take_tensor(struct model *m, const struct gguf_tensor *t, const char *name,
                       struct weight *w, struct err *e)
{
    const char *path = gguf_path(m->file);
    const struct quant *q = quant_find(t->type);

    if (!q)
        return err_set(e, ERR_UNSUPPORTED, "%s: tensor %s has type %d: %s", path, name, t->type,
                       quant_why_not(t->type));
    if (t->ne[0] == 0 || t->ne[1] == 0 || t->ne[0] > MODEL_DIM_MAX || t->ne[1] > MODEL_DIM_MAX ||
        t->ne[2] == 0 || t->ne[2] > SLABS_MAX || t->ne[3] != 1)
        return err_set(e, ERR_FORMAT, "%s: tensor %s has an impossible shape {%llu, %llu, %llu}",
                       path, name, (unsigned long long)t->ne[0], (unsigned long long)t->ne[1],
                       (unsigned long long)t->ne[2]);
    *w = (struct weight){
        .data = t->data,
        .type = t->type,
        .k = (int)t->ne[0],
        .rows = (int)t->ne[1],
        .row_bytes = (size_t)t->ne[0] / (size_t)q->block * (size_t)q->bytes,
        .slabs = (int)t->ne[2],
    };
    w->slab_bytes = w->row_bytes * (size_t)w->rows;
    if (w->rows == 1 && w->slabs == 1 && keep_floats(w, q, e) < 0)
        return -1;
    w->name = mem_strdup(name);
    if (!w->name) {
        mem_free((void *)w->f32);
        return err_nomem(e);
    }
    return 0;
}

/* Length of "blk.N." that a name begins with; 0: it is of no block. */
static size_t block_prefix(const char *s, size_t n)
{
    const char *dot = n > 4 && memcmp(s, "blk.", 4) == 0 ? memchr(s + 4, '.', n - 4) : NULL;

    return dot ? (size_t)(dot - s) + 1 : 0;
}

static int is_beside(const char *a, size_t an, const char *b, size_t bn)
{
    size_t p = block_prefix(a, an);

    return p == block_prefix(b, bn) && memcmp(a, b, p) == 0;
}

/* Appends a name without its block to a list; what does not fit is left out. */
static void list_name(char *list, size_t size, const char *s, size_t n)
{
    size_t used = strlen(list), p = block_prefix(s, n);

    if (used + n - p + 3 < size)
        snprintf(list + used, size - used, "%s%.*s", used ? ", " : "", (int)(n - p), s + p);
}

/* What the file has where a tensor is missing. */
static void hint_present(const struct model *m, const char *missing, struct err *e)
{
    char list[600] = "";

    for (size_t i = 0; i < gguf_n_tensors(m->file); i++) {
        struct gguf_str t = gguf_tensor_at(m->file, i)->name;
        if (is_beside(t.s, t.n, missing, strlen(missing)))
            list_name(list, sizeof list, t.s, t.n);
    }
    if (list[0])
        err_hint(e, "beside it the file has %s", list);
}

/* What the architecture reads where a tensor has no place. */
static void hint_known(const struct model *m, struct gguf_str odd, struct err *e)
{
    char typed[96], list[600] = "";
    struct suggest s = SUGGEST(typed);

    snprintf(typed, sizeof typed, "%.*s", (int)odd.n, odd.s);
    for (size_t i = 0; i < m->n_weights; i++) {
        const char *name = m->weights[i].name;
        if (!is_beside(odd.s, odd.n, name, strlen(name)) ||
            (i && strcmp(name, m->weights[i - 1].name) == 0)) /* views of one matrix */
            continue;
        suggest_offer(&s, name);
        list_name(list, sizeof list, name, strlen(name));
    }
    if (suggest_best(&s))
        err_hint(e, "nearest: %s; known there: %s", suggest_best(&s), list);
    else if (list[0])
        err_hint(e, "known there: %s", list);
}

const struct weight *model_weight(struct model *m, int layer, const char *name, int required,
                                  struct err *e)
{
    char full[96];
    const struct gguf_tensor *t;
    struct weight *w;

    if (layer >= 0)
        snprintf(full, sizeof full, "blk.%d.%s", layer, name);
    else
        snprintf(full, sizeof full, "%s", name);
    for (size_t i = 0; i < m->n_weights && layer < 0; i++)
        if (strcmp(m->weights[i].name, full) == 0) /* a tied head is the embedding */
            return &m->weights[i];
    t = gguf_tensor_find(m->file, full);
    if (!t) {
        if (required) {
            err_set(e, ERR_FORMAT, "%s: tensor %s is missing", gguf_path(m->file), full);
            hint_present(m, full, e);
        }
        return NULL;
    }
    if (m->n_weights == m->cap_weights) {
        err_nomem(e);
        return NULL;
    }
    w = &m->weights[m->n_weights];
    if (take_tensor(m, t, full, w, e) < 0)
        return NULL;
    w->id = (int)m->n_weights++;
    m->is_used[t - gguf_tensor_at(m->file, 0)] = 1;
    return w;
}

const struct weight *model_weight_rows(struct model *m, int layer, const char *name, int row0,
                                       int rows, struct err *e)
{
    const struct weight *whole = model_weight(m, layer, name, 1, e);
    struct weight *w;

    if (!whole)
        return NULL;
    if (row0 + rows > whole->rows || m->n_weights == m->cap_weights) {
        err_set(e, ERR_FORMAT, "%s: %s has %d rows, expected %d or more", gguf_path(m->file),
                whole->name, whole->rows, row0 + rows);
        return NULL;
    }
    w = &m->weights[m->n_weights];
    *w = *whole;
    w->data += (size_t)row0 * w->row_bytes;
    w->rows = rows;
    w->f32 = w->lanes = NULL;
    w->id = (int)m->n_weights;
    w->name = mem_strdup(whole->name);
    if (!w->name) {
        err_nomem(e);
        return NULL;
    }
    m->n_weights++;
    return w;
}

static struct weight *shaped(struct model *m, int layer, const char *name, int k, int rows,
                             int required, struct err *e)
{
    struct weight *w = (struct weight *)model_weight(m, layer, name, required, e);

    if (!w || (w->slabs == 1 && ((w->k == k && w->rows == rows) ||
                                 (rows == 0 && (int64_t)w->k * w->rows == k))))
        return w;
    if (rows)
        err_set(e, ERR_FORMAT, "%s: %s has shape {%d, %d}, expected {%d, %d}", gguf_path(m->file),
                w->name, w->k, w->rows, k, rows);
    else
        err_set(e, ERR_FORMAT, "%s: %s has shape {%d, %d}, expected %d elements",
                gguf_path(m->file), w->name, w->k, w->rows, k);
    return NULL;
}

const struct weight *model_table(struct model *m, int layer, const char *name, int n, int required,
                                 struct err *e)
{
    struct weight *w = shaped(m, layer, name, n, 0, required, e);
    float *f;

    if (!w || w->f32)
        return w;
    f = mem_aligned(64, KERNEL_PAD(n) * sizeof *f);
    if (!f) {
        err_nomem(e);
        return NULL;
    }
    for (int r = 0; r < w->rows; r++)
        quant_find(w->type)->unpack(f + (size_t)r * (size_t)w->k,
                                    w->data + (size_t)r * w->row_bytes, (size_t)w->k);
    w->f32 = f;
    return w;
}

const struct weight *model_lanes(struct model *m, int layer, const char *name, int k, int rows,
                                 struct err *e)
{
    struct weight *w = shaped(m, layer, name, k, rows, 1, e);
    size_t blocks = ((size_t)rows + SCAN_LANES - 1) / SCAN_LANES;
    float *f, *row;

    if (!w || w->lanes)
        return w;
    f = mem_aligned(64, blocks * (size_t)k * SCAN_LANES * sizeof *f);
    row = mem_alloc((size_t)k * sizeof *row);
    w->lanes = f;
    if (!f || !row) {
        mem_free(row);
        err_nomem(e);
        return NULL;
    }
    memset(f, 0, blocks * (size_t)k * SCAN_LANES * sizeof *f);
    for (size_t r = 0; r < (size_t)rows; r++) {
        quant_find(w->type)->unpack(row, w->data + r * w->row_bytes, (size_t)k);
        for (size_t i = 0; i < (size_t)k; i++)
            f[(r / SCAN_LANES * (size_t)k + i) * SCAN_LANES + r % SCAN_LANES] = row[i];
    }
    mem_free(row);
    return w;
}

const struct weight *model_made(struct model *m, const char *name, const float *values, int n,
                                struct err *e)
{
    struct weight *w = &m->weights[m->n_weights];
    float *f = mem_aligned(64, KERNEL_PAD(n) * sizeof *f);
    char *copy = mem_strdup(name);

    if (!f || !copy || m->n_weights == m->cap_weights) {
        mem_free(f);
        mem_free(copy);
        err_nomem(e);
        return NULL;
    }
    memcpy(f, values, (size_t)n * sizeof *f);
    *w = (struct weight){.name = copy, .type = QUANT_F32, .k = n, .rows = 1, .slabs = 1, .f32 = f,
                         .id = (int)m->n_weights++};
    return w;
}

const struct weight *model_part(struct model *m, int layer, const char *name, int at, int n,
                                struct err *e)
{
    const struct weight *w = model_weight(m, layer, name, 1, e);

    if (!w)
        return NULL;
    if (!w->f32 || at + n > w->k) {
        err_set(e, ERR_FORMAT, "%s: %s has shape {%d, %d}, expected {%d} or more",
                gguf_path(m->file), w->name, w->k, w->rows, at + n);
        return NULL;
    }
    return model_made(m, w->name, w->f32 + at, n, e);
}

/* Blocks after the last layer predict tokens further ahead (arch_hparams.c takes them off). */
static int is_of_later_block(const struct model *m, struct gguf_str name)
{
    int block = 0;

    if (m->n_later_blocks == 0 || name.n < 5 || memcmp(name.s, "blk.", 4) != 0)
        return 0;
    for (size_t i = 4; i < name.n && name.s[i] >= '0' && name.s[i] <= '9' && block < 1 << 20; i++)
        block = 10 * block + name.s[i] - '0';
    return block >= m->hp.layers && block < m->hp.layers + m->n_later_blocks;
}

/* A tensor that no operation reads shows that the file's network is not the one that its
 * architecture names. */
static int check_all_used(struct model *m, struct err *e)
{
    for (size_t i = 0; i < gguf_n_tensors(m->file); i++) {
        const struct gguf_tensor *t = gguf_tensor_at(m->file, i);
        struct gguf_str name = t->name;
        if (m->is_used[i])
            continue;
        if (is_of_later_block(m, name)) {
            m->parameters_unused += t->ne[0] * t->ne[1] * t->ne[2] * t->ne[3];
            continue;
        }
        err_set(e, ERR_UNSUPPORTED, "%s: tensor %.*s has no place in architecture %s",
                gguf_path(m->file), (int)name.n, name.s, m->arch_name);
        hint_known(m, name, e);
        return -1;
    }
    return 0;
}

/* A state is touched whole before the first token: its size is the file's to justify.  Published
 * models have states of less than a tenth of their weights. */
static int check_states(const struct model *m, struct err *e)
{
    uint64_t bytes = m->program.state_floats * sizeof(float), file = gguf_file_bytes(m->file);

    if (bytes / STATE_PER_FILE_MAX <= file)
        return 0;
    return err_set(e, ERR_FORMAT, "%s: a state of %llu bytes per sequence does not fit a file of "
                   "%llu", gguf_path(m->file), (unsigned long long)bytes, (unsigned long long)file);
}

static void count_parameters(struct model *m)
{
    for (size_t i = 0; i < gguf_n_tensors(m->file); i++) {
        const struct gguf_tensor *t = gguf_tensor_at(m->file, i);
        uint64_t n = t->ne[0] * t->ne[1] * t->ne[2] * t->ne[3];
        static const char *const tables[] = {"token_embd.weight", "output.weight",
                                             "position_embd.weight", "per_layer_token_embd.weight"};
        m->parameters += n;
        for (size_t k = 0; k < sizeof tables / sizeof tables[0]; k++)
            if (t->name.n == strlen(tables[k]) && memcmp(t->name.s, tables[k], t->name.n) == 0)
                m->parameters_embedding += n;
    }
}

static char *model_name(const struct gguf *g)
{
    struct gguf_str s;

    if (gguf_get_str(g, "general.name", &s, NULL) == 1 && s.n > 0 && s.n < 256)
        return mem_strndup(s.s, s.n);
    return mem_strdup(path_base(gguf_path(g)));
}

int model_open(struct model **out, const struct gguf *g, int context, const char *activation,
               struct err *e)
{
    struct model *m = mem_calloc(1, sizeof *m);
    int rc = -1;

    *out = NULL;
    if (!m)
        return err_nomem(e);
    m->file = g;
    m->context = context;
    m->activation = activation;
    if (gguf_n_tensors(g) > MODEL_TENSORS_MAX) {
        err_set(e, ERR_FORMAT, "%s: %zu tensors, at most %d are read", gguf_path(g),
                gguf_n_tensors(g), MODEL_TENSORS_MAX);
        goto out;
    }
    /* Never grown: ops keep pointers into it. */
    m->cap_weights = 4 * gguf_n_tensors(g) + 16;
    m->weights = mem_calloc(m->cap_weights, sizeof *m->weights);
    m->is_used = mem_calloc(gguf_n_tensors(g), 1);
    m->name = model_name(g);
    if (!m->weights || !m->is_used || !m->name) {
        err_nomem(e);
        goto out;
    }
    count_parameters(m);
    if (arch_build(m, e) < 0 || check_all_used(m, e) < 0)
        goto out;
    m->program.n_weights = (int)m->n_weights;
    if (program_finish(&m->program, e) < 0) {
        if (e && e->code != ERR_NOMEM)
            err_prefix(e, "%s", gguf_path(g));
        goto out;
    }
    if (check_states(m, e) < 0)
        goto out;
    *out = m;
    m = NULL;
    rc = 0;
out:
    model_close(m);
    return rc;
}
