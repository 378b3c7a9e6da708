/* imatrix.c -- the two formats, and from sums to weights. */
#include "runners/imatrix.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "runners/gguf_keys.h"
#include "runners/quant_block.h"

/* A column that was never used still has a nearest code. */
static const double LEAST = 1e-6;

struct entry {
    struct gguf_str name; /* of the weight */
    const uint8_t *sums;  /* n little-endian floats, not aligned */
    size_t n;
    const uint8_t *counts; /* n_counts floats, each for n / n_counts sums; NULL: all alike */
    size_t n_counts;
};

struct imatrix {
    char *path;
    struct file_map map;
    struct gguf *g; /* NULL: the old format */
    struct entry *entries;
    size_t n, cap;
    size_t chunks;
    struct gguf_str dataset;
};

const char *imatrix_path(const struct imatrix *m)
{
    return m->path;
}

size_t imatrix_entries(const struct imatrix *m)
{
    return m->n;
}

size_t imatrix_chunks(const struct imatrix *m)
{
    return m->chunks;
}

struct gguf_str imatrix_dataset(const struct imatrix *m)
{
    return m->dataset;
}

static float float_at(const uint8_t *p)
{
    uint32_t u = quant_u32(p);
    float f;

    memcpy(&f, &u, sizeof f);
    return f;
}

/* ---- entries ------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    return gguf_str_compare(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static int bad_entry(const struct imatrix *m, const struct entry *t, const char *why,
                     struct err *e)
{
    return err_set(e, ERR_FORMAT, "%s: importance of '%.*s': %s", m->path,
                   (int)(t->name.n < 80 ? t->name.n : 80), t->name.s, why);
}

static int check_sums(const struct imatrix *m, const struct entry *t, struct err *e)
{
    for (size_t i = 0; i < t->n; i++) {
        float f = float_at(t->sums + 4 * i);
        if (!isfinite(f) || f < 0)
            return bad_entry(m, t, "a sum is negative or not finite", e);
    }
    for (size_t i = 0; t->counts && i < t->n_counts; i++) {
        float f = float_at(t->counts + 4 * i);
        if (!isfinite(f) || f < 0)
            return bad_entry(m, t, "a count is negative or not finite", e);
    }
    return 0;
}

static int add_entry(struct imatrix *m, struct entry t, struct err *e)
{
    if (check_sums(m, &t, e) < 0)
        return -1;
    if (mem_grow(&m->entries, &m->cap, m->n + 1, sizeof *m->entries) < 0)
        return err_nomem(e);
    m->entries[m->n++] = t;
    return 0;
}

static int sort_entries(struct imatrix *m, struct err *e)
{
    if (m->n == 0)
        return err_set(e, ERR_FORMAT, "%s: no importance of any tensor", m->path);
    qsort(m->entries, m->n, sizeof *m->entries, by_name);
    for (size_t i = 1; i < m->n; i++)
        if (by_name(&m->entries[i - 1], &m->entries[i]) == 0)
            return bad_entry(m, &m->entries[i], "given twice", e);
    return 0;
}

/* ---- the old format ------------------------------------------------------------------------ */

/* A whole number of at least `least`. */
static int old_int(struct cursor *c, const char *what, int32_t least, size_t *out, struct err *e)
{
    uint32_t v;

    if (cursor_u32(c, what, &v, e) < 0)
        return -1;
    if ((int32_t)v < least)
        return err_set(e, ERR_FORMAT, "%s: %s is %d, at least %d was expected", c->path, what,
                       (int32_t)v, least);
    *out = v;
    return 0;
}

/* n items of `size` bytes each. */
static int old_bytes(struct cursor *c, const char *what, size_t n, size_t size,
                     const uint8_t **out, struct err *e)
{
    if (n > (c->len - c->at) / size)
        return err_set(e, ERR_FORMAT, "%s: truncated at byte %zu: %s", c->path, c->at, what);
    *out = c->bytes + c->at;
    c->at += n * size;
    return 0;
}

static int old_text(struct cursor *c, const char *what, struct gguf_str *out, struct err *e)
{
    const uint8_t *p = NULL;

    if (old_int(c, what, 0, &out->n, e) < 0 || old_bytes(c, what, out->n, 1, &p, e) < 0)
        return -1;
    out->s = (const char *)p;
    return 0;
}

static int parse_old(struct imatrix *m, const uint8_t *bytes, size_t n, struct err *e)
{
    struct cursor c = {m->path, bytes, 0, n};
    size_t count = 0, calls;

    if (old_int(&c, "the number of entries", 1, &count, e) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        struct entry t = {{NULL, 0}, NULL, 0, NULL, 0};
        if (old_text(&c, "the name of an entry", &t.name, e) < 0 ||
            old_int(&c, "the number of calls of an entry", 0, &calls, e) < 0 ||
            old_int(&c, "the number of values of an entry", 1, &t.n, e) < 0 ||
            old_bytes(&c, "the values of an entry", t.n, 4, &t.sums, e) < 0 ||
            add_entry(m, t, e) < 0)
            return -1;
    }
    /* older files end here, or after the chunks */
    if (c.at < c.len && old_int(&c, "the number of chunks", 0, &m->chunks, e) < 0)
        return -1;
    return c.at < c.len ? old_text(&c, "the name of the text", &m->dataset, e) : 0;
}

/* ---- GGUF ---------------------------------------------------------------------------------- */

static const char sums_end[] = ".in_sum2", counts_end[] = ".counts";

static int strip(struct gguf_str *name, const char *end)
{
    size_t n = strlen(end);

    if (name->n <= n || memcmp(name->s + name->n - n, end, n) != 0)
        return 0;
    name->n -= n;
    return 1;
}

static const struct gguf_tensor *counts_of(const struct imatrix *m, struct gguf_str name)
{
    char full[128];

    if (name.n + sizeof counts_end > sizeof full)
        return NULL;
    memcpy(full, name.s, name.n);
    memcpy(full + name.n, counts_end, sizeof counts_end);
    return gguf_tensor_find(m->g, full);
}

static int parse_gguf(struct imatrix *m, struct err *e)
{
    enum gguf_type type;
    int64_t chunks = 0;
    size_t n = 0;

    for (size_t i = 0; i < gguf_n_tensors(m->g); i++) {
        const struct gguf_tensor *sums = gguf_tensor_at(m->g, i), *counts;
        struct entry t = {sums->name, sums->data, sums->bytes / 4, NULL, 0};
        if (!strip(&t.name, sums_end))
            continue;
        counts = counts_of(m, t.name);
        if (!counts)
            return bad_entry(m, &t, "sums without counts", e);
        t.counts = counts->data;
        t.n_counts = counts->bytes / 4;
        if (sums->type != QUANT_F32 || counts->type != QUANT_F32 || t.n == 0 || t.n_counts == 0 ||
            t.n % t.n_counts != 0)
            return bad_entry(m, &t, "sums and counts do not fit together", e);
        if (add_entry(m, t, e) < 0)
            return -1;
    }
    if (gguf_get_int(m->g, "imatrix.chunk_count", &chunks, NULL) == 1 && chunks > 0)
        m->chunks = (size_t)chunks;
    if (gguf_get_array(m->g, "imatrix.datasets", &type, &n, NULL) == 1 && n > 0 &&
        type == GGUF_STRING) {
        struct gguf_str *names = mem_calloc(n, sizeof *names);
        if (!names)
            return err_nomem(e);
        if (gguf_array_strs(m->g, "imatrix.datasets", names, n, NULL) >= 0)
            m->dataset = names[0];
        mem_free(names);
    }
    return 0;
}

/* ---- open, find, close --------------------------------------------------------------------- */

int imatrix_open_bytes(struct imatrix **out, const void *bytes, size_t n, const char *name,
                       struct err *e)
{
    struct imatrix *m = mem_calloc(1, sizeof *m);
    int rc = -1;

    if (!m || !(m->path = mem_strdup(name))) {
        err_nomem(e);
        goto out;
    }
    m->dataset = (struct gguf_str){"", 0};
    if (n >= 4 && memcmp(bytes, "GGUF", 4) == 0)
        rc = gguf_open_bytes(&m->g, bytes, n, name, e) < 0 ? -1 : parse_gguf(m, e);
    else
        rc = parse_old(m, bytes, n, e);
    if (rc == 0)
        rc = sort_entries(m, e);
    if (rc == 0) {
        *out = m;
        m = NULL; /* from here the caller owns it */
    }
out:
    imatrix_close(m);
    return rc;
}

int imatrix_open(struct imatrix **out, const char *path, struct err *e)
{
    struct file_map map = FILE_MAP_NONE;

    if (file_map(&map, path, e) < 0)
        return -1;
    if (imatrix_open_bytes(out, map.bytes, map.len, path, e) < 0) {
        file_unmap(&map);
        return -1;
    }
    (*out)->map = map;
    return 0;
}

void imatrix_close(struct imatrix *m)
{
    if (!m)
        return;
    gguf_close(m->g);
    file_unmap(&m->map);
    mem_free(m->entries);
    mem_free(m->path);
    mem_free(m);
}

/* One slab: sums become weights of mean 1.  Where nothing was seen, all columns are alike. */
static void to_weights(float *out, const uint8_t *sums, size_t cols)
{
    double mean = 0;

    for (size_t i = 0; i < cols; i++)
        mean += float_at(sums + 4 * i);
    mean /= (double)cols;
    for (size_t i = 0; i < cols; i++) {
        double w = mean > 0 ? float_at(sums + 4 * i) / mean : 1;
        out[i] = (float)(w > LEAST ? w : LEAST);
    }
}

int imatrix_find(const struct imatrix *m, struct gguf_str tensor, size_t cols, size_t slabs,
                 float *out, struct err *e)
{
    struct entry key = {tensor, NULL, 0, NULL, 0}, *t;

    t = bsearch(&key, m->entries, m->n, sizeof *m->entries, by_name);
    if (!t)
        return 0;
    if (cols == 0 || t->n % cols != 0 || t->n / cols != slabs)
        return err_set(e, ERR_FORMAT, "%s: importance of '%.*s' has %zu values, the tensor %zu x "
                       "%zu columns", m->path, (int)tensor.n, tensor.s, t->n, slabs, cols);
    for (size_t s = 0; s < slabs; s++)
        to_weights(out + s * cols, t->sums + 4 * s * cols, cols);
    return 1;
}
