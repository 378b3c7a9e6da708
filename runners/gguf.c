/* gguf.c -- opens a GGUF file or a split set and checks every tensor (engine.md 1.3, 1.4). */
#include "runners/gguf.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "runners/gguf_keys.h"
#include "runners/quant.h"

enum { ALIGNMENT_DEFAULT = 32, TENSOR_NAME_MAX = 64, TENSOR_MIN_BYTES = 8 + 1 + 4 + 8 + 4 + 8 };

struct part {
    char *path;
    struct file_map map;
    int is_borrowed; /* map.bytes are a caller's */
    char *own;       /* the keys of a gguf that was put together in memory */
    uint64_t n_tensors, alignment;
    struct gguf_keys keys;
};

struct gguf {
    struct part *parts;
    size_t n_parts;
    struct gguf_tensor *tensors; /* of all parts, in the order of the files */
    size_t n_tensors;
    const struct gguf_tensor **by_name; /* sorted */
    struct gguf_origin origin; /* of one that is put together in memory */
    int is_filled;
    uint64_t made_bytes;
};

static int name_print(struct gguf_str s)
{
    return s.n < 80 ? (int)s.n : 80;
}

/* ---- one part ---------------------------------------------------------------------------- */

static int parse_header(struct part *p, struct cursor *c, uint64_t *n_keys, struct err *e)
{
    uint32_t magic, version;

    if (c->len < 4 || memcmp(c->bytes, "GGUF", 4) != 0) {
        err_set(e, ERR_FORMAT, "%s: not a GGUF file (it does not start with \"GGUF\")", c->path);
        err_hint(e, "MODEL is a .gguf file, a Hugging Face folder, or a name of "
                    "'densimeter models'");
        return -1;
    }
    if (cursor_u32(c, "the magic", &magic, e) < 0 || cursor_u32(c, "the version", &version, e) < 0)
        return -1;
    if (version != 0 && (version & 0xffff) == 0)
        return err_set(e, ERR_UNSUPPORTED, "%s: a big-endian GGUF file", c->path);
    if (version < 2 || version > 3)
        return err_set(e, ERR_UNSUPPORTED, "%s: GGUF version %" PRIu32 "; 2 and 3 are read",
                       c->path, version);
    if (cursor_u64(c, "the number of tensors", &p->n_tensors, e) < 0 ||
        cursor_u64(c, "the number of keys", n_keys, e) < 0)
        return -1;
    if (p->n_tensors > (c->len - c->at) / TENSOR_MIN_BYTES)
        return err_set(e, ERR_FORMAT, "%s: %" PRIu64 " tensors do not fit in %zu bytes", c->path,
                       p->n_tensors, c->len - c->at);
    return 0;
}

static int find_alignment(struct part *p, struct err *e)
{
    int64_t a = ALIGNMENT_DEFAULT;

    if (keys_get_int(&p->keys, p->path, "general.alignment", &a, e) < 0)
        return -1;
    if (a <= 0 || a > UINT32_MAX || (a & (a - 1)) != 0)
        return err_set(e, ERR_FORMAT, "%s: general.alignment = %" PRId64
                       " is not a power of two", p->path, a);
    p->alignment = (uint64_t)a;
    return 0;
}

static int parse_shape(struct gguf_tensor *t, struct cursor *c, struct err *e)
{
    uint32_t n_dims;

    if (cursor_u32(c, "the rank of a tensor", &n_dims, e) < 0)
        return -1;
    if (n_dims < 1 || n_dims > 4)
        return err_set(e, ERR_FORMAT, "%s: tensor '%.*s' has %" PRIu32 " dimensions, not 1 to 4",
                       c->path, name_print(t->name), t->name.s, n_dims);
    t->n_dims = (int)n_dims;
    for (int i = 0; i < 4; i++) {
        t->ne[i] = 1;
        if (i < t->n_dims && cursor_u64(c, "the shape of a tensor", &t->ne[i], e) < 0)
            return -1;
        if (t->ne[i] > INT64_MAX)
            return err_set(e, ERR_FORMAT, "%s: tensor '%.*s': dimension %d is out of range",
                           c->path, name_print(t->name), t->name.s, i);
    }
    return 0;
}

static int find_bytes(struct gguf_tensor *t, const struct cursor *c, uint32_t type, struct err *e)
{
    const struct quant *q = type <= INT32_MAX ? quant_find((int)type) : NULL;
    uint64_t elements = t->ne[0], bytes;

    if (!q)
        return err_set(e, ERR_UNSUPPORTED, "%s: tensor '%.*s' has type %" PRIu32 ": %s", c->path,
                       name_print(t->name), t->name.s, type,
                       quant_why_not(type <= INT32_MAX ? (int)type : -1));
    t->type = (int)type;
    if (t->ne[0] % (uint64_t)q->block != 0)
        return err_set(e, ERR_FORMAT, "%s: tensor '%.*s': rows of %" PRIu64
                       " elements are not whole %s blocks of %d", c->path, name_print(t->name),
                       t->name.s, t->ne[0], q->name, q->block);
    for (int i = 1; i < 4; i++) {
        if (t->ne[i] != 0 && elements > INT64_MAX / t->ne[i])
            return err_set(e, ERR_FORMAT, "%s: tensor '%.*s': the number of elements overflows",
                           c->path, name_print(t->name), t->name.s);
        elements *= t->ne[i];
    }
    bytes = elements / (uint64_t)q->block;
    if (bytes > SIZE_MAX / (uint64_t)q->bytes)
        return err_set(e, ERR_FORMAT, "%s: tensor '%.*s': the number of bytes overflows", c->path,
                       name_print(t->name), t->name.s);
    t->bytes = (size_t)bytes * (size_t)q->bytes;
    return 0;
}

/* Everything but the data, which cannot be placed before the last info was read: *offset. */
static int parse_tensor(struct gguf_tensor *t, struct cursor *c, uint64_t alignment,
                        uint64_t *offset, struct err *e)
{
    uint32_t type;

    if (cursor_str(c, "the name of a tensor", &t->name, e) < 0)
        return -1;
    if (t->name.n == 0 || t->name.n >= TENSOR_NAME_MAX)
        return err_set(e, ERR_FORMAT, "%s: byte %zu: a tensor name of %zu bytes (1 to %d)", c->path,
                       c->at, t->name.n, TENSOR_NAME_MAX - 1);
    if (parse_shape(t, c, e) < 0 || cursor_u32(c, "the type of a tensor", &type, e) < 0 ||
        cursor_u64(c, "the offset of a tensor", offset, e) < 0 || find_bytes(t, c, type, e) < 0)
        return -1;
    if (*offset % alignment != 0)
        return err_set(e, ERR_FORMAT, "%s: tensor '%.*s': offset %" PRIu64
                       " is not a multiple of %" PRIu64, c->path, name_print(t->name), t->name.s,
                       *offset, alignment);
    return 0;
}

static int by_place(const void *a, const void *b)
{
    const struct gguf_tensor *x = *(const struct gguf_tensor *const *)a;
    const struct gguf_tensor *y = *(const struct gguf_tensor *const *)b;

    if (x->data != y->data)
        return x->data < y->data ? -1 : 1;
    return (x->bytes > y->bytes) - (x->bytes < y->bytes); /* an empty one may share a place */
}

static int check_overlap(const struct gguf_tensor *t, size_t n, const char *path, struct err *e)
{
    const struct gguf_tensor **order = mem_calloc(n, sizeof *order);
    int rc = -1;

    if (!order)
        return err_nomem(e);
    for (size_t i = 0; i < n; i++)
        order[i] = &t[i];
    qsort(order, n, sizeof *order, by_place);
    for (size_t i = 1; i < n; i++) {
        const struct gguf_tensor *a = order[i - 1], *b = order[i];
        if (a->data + a->bytes > b->data) {
            err_set(e, ERR_FORMAT, "%s: tensors '%.*s' and '%.*s' overlap", path,
                    name_print(a->name), a->name.s, name_print(b->name), b->name.s);
            goto out;
        }
    }
    rc = 0;
out:
    mem_free(order);
    return rc;
}

/* Turns offsets into places, now that the start of the data is known. */
static int place_tensors(const struct part *p, struct gguf_tensor *t, const uint64_t *offsets,
                         size_t infos_end, struct err *e)
{
    size_t n = (size_t)p->n_tensors;
    uint64_t start = (infos_end + p->alignment - 1) / p->alignment * p->alignment;

    for (size_t i = 0; i < n; i++) {
        uint64_t room = start <= p->map.len ? p->map.len - start : 0;
        if (offsets[i] > room || t[i].bytes > room - offsets[i])
            return err_set(e, ERR_FORMAT,
                           "%s: truncated: tensor '%.*s' of %zu bytes at %" PRIu64
                           " ends after the file's %zu bytes", p->path, name_print(t[i].name),
                           t[i].name.s, t[i].bytes, start + offsets[i], p->map.len);
        /* An empty tensor may claim the very end of a file without data. */
        t[i].data = p->map.bytes + (start <= p->map.len ? start + offsets[i] : p->map.len);
    }
    return check_overlap(t, n, p->path, e);
}

static int parse_tensors(struct gguf *g, const struct part *p, struct cursor *c, struct err *e)
{
    size_t n = (size_t)p->n_tensors, cap = g->n_tensors;
    uint64_t *offsets;
    struct gguf_tensor *t;
    int rc = -1;

    if (n == 0)
        return 0;
    offsets = mem_calloc(n, sizeof *offsets);
    if (!offsets || mem_grow(&g->tensors, &cap, g->n_tensors + n, sizeof *t) < 0) {
        err_nomem(e);
        goto out;
    }
    t = g->tensors + g->n_tensors;
    for (size_t i = 0; i < n; i++)
        if (parse_tensor(&t[i], c, p->alignment, &offsets[i], e) < 0)
            goto out;
    if (place_tensors(p, t, offsets, c->at, e) < 0)
        goto out;
    g->n_tensors += n;
    rc = 0;
out:
    mem_free(offsets);
    return rc;
}

static int parse_part(struct gguf *g, struct part *p, struct err *e)
{
    struct cursor c = {.path = p->path, .bytes = p->map.bytes, .len = p->map.len};
    uint64_t n_keys;

    if (parse_header(p, &c, &n_keys, e) < 0 || keys_parse(&p->keys, &c, n_keys, e) < 0 ||
        find_alignment(p, e) < 0)
        return -1;
    return parse_tensors(g, p, &c, e);
}

/* ---- all parts --------------------------------------------------------------------------- */

static int tensor_by_name(const void *a, const void *b)
{
    const struct gguf_tensor *x = *(const struct gguf_tensor *const *)a;
    const struct gguf_tensor *y = *(const struct gguf_tensor *const *)b;

    return gguf_str_compare(x->name, y->name);
}

static int index_tensors(struct gguf *g, struct err *e)
{
    g->by_name = mem_calloc(g->n_tensors, sizeof *g->by_name);
    if (!g->by_name)
        return err_nomem(e);
    for (size_t i = 0; i < g->n_tensors; i++)
        g->by_name[i] = &g->tensors[i];
    qsort(g->by_name, g->n_tensors, sizeof *g->by_name, tensor_by_name);
    for (size_t i = 1; i < g->n_tensors; i++)
        if (tensor_by_name(&g->by_name[i - 1], &g->by_name[i]) == 0)
            return err_set(e, ERR_FORMAT, "%s: tensor '%.*s' is there twice", gguf_path(g),
                           name_print(g->by_name[i]->name), g->by_name[i]->name.s);
    return 0;
}

/* Opens and parses part i, which becomes the g's even when parsing fails. */
static int open_part(struct gguf *g, size_t i, const char *path, struct err *e)
{
    struct part *p = &g->parts[i];

    p->path = mem_strdup(path);
    if (!p->path)
        return err_nomem(e);
    if (file_map(&p->map, path, e) < 0)
        return -1;
    return parse_part(g, p, e);
}

/* "prefix-00001-of-00003.gguf": the length of the prefix, or -1 when the name is not like that. */
static long split_prefix(const char *path, long count)
{
    char tail[48];
    size_t n = strlen(path);
    int m = snprintf(tail, sizeof tail, "-%05d-of-%05ld.gguf", 1, count);

    return n >= (size_t)m && strcmp(path + n - (size_t)m, tail) == 0 ? (long)n - m : -1;
}

static int check_split(const struct part *p, int64_t no, int64_t count, struct err *e)
{
    int64_t got_no = -1, got_count = -1;

    if (keys_get_int(&p->keys, p->path, "split.no", &got_no, e) < 0 ||
        keys_get_int(&p->keys, p->path, "split.count", &got_count, e) < 0)
        return -1;
    if (got_no != no || got_count != count)
        return err_set(e, ERR_FORMAT, "%s: says it is part %" PRId64 " of %" PRId64
                       ", but is in the place of part %" PRId64 " of %" PRId64, p->path, got_no + 1,
                       got_count, no + 1, count);
    return 0;
}

static int open_others(struct gguf *g, int64_t count, struct err *e)
{
    struct strbuf path = STRBUF_INIT;
    const char *first = g->parts[0].path;
    long prefix = split_prefix(first, (long)count);
    int64_t total = -1;
    int rc = -1;

    if (prefix < 0) {
        err_set(e, ERR_FORMAT, "%s: part 1 of %" PRId64 ", but not named ...-00001-of-%05" PRId64
                ".gguf", first, count, count);
        goto out;
    }
    for (int64_t i = 1; i < count; i++) {
        strbuf_clear(&path);
        strbuf_add(&path, first, (size_t)prefix);
        strbuf_addf(&path, "-%05" PRId64 "-of-%05" PRId64 ".gguf", i + 1, count);
        if (strbuf_ok(&path, e) < 0 || open_part(g, (size_t)i, path.s, e) < 0 ||
            check_split(&g->parts[i], i, count, e) < 0)
            goto out;
    }
    if (keys_get_int(&g->parts[0].keys, first, "split.tensors.count", &total, e) < 0)
        goto out;
    if (total >= 0 && (uint64_t)total != g->n_tensors) {
        err_set(e, ERR_FORMAT, "%s: the parts hold %zu tensors, split.tensors.count = %" PRId64,
                first, g->n_tensors, total);
        goto out;
    }
    rc = 0;
out:
    strbuf_release(&path);
    return rc;
}

static int grow_parts(struct gguf *g, size_t n, struct err *e)
{
    struct part *p = mem_calloc(n, sizeof *p);

    if (!p)
        return err_nomem(e);
    if (g->n_parts)
        memcpy(p, g->parts, g->n_parts * sizeof *p);
    mem_free(g->parts);
    g->parts = p;
    g->n_parts = n;
    return 0;
}

static int open_split(struct gguf *g, struct err *e)
{
    int64_t count = 1;
    const char *path = g->parts[0].path;

    if (keys_get_int(&g->parts[0].keys, path, "split.count", &count, e) < 0)
        return -1;
    if (count < 0 || count > UINT16_MAX)
        return err_set(e, ERR_FORMAT, "%s: split.count = %" PRId64, path, count);
    if (count <= 1)
        return 0;
    if (check_split(&g->parts[0], 0, count, e) < 0) {
        err_hint(e, "open the part named ...-00001-of-%05" PRId64 ".gguf", count);
        return -1;
    }
    if (grow_parts(g, (size_t)count, e) < 0)
        return -1;
    return open_others(g, count, e);
}

int gguf_open(struct gguf **out, const char *path, struct err *e)
{
    struct gguf *g = mem_calloc(1, sizeof *g);
    int rc = -1;

    *out = NULL;
    if (!g)
        return err_nomem(e);
    if (grow_parts(g, 1, e) < 0 || open_part(g, 0, path, e) < 0 || open_split(g, e) < 0 ||
        index_tensors(g, e) < 0)
        goto out;
    *out = g;
    g = NULL;
    rc = 0;
out:
    gguf_close(g);
    return rc;
}

int gguf_open_bytes(struct gguf **out, const void *bytes, size_t n, const char *name,
                    struct err *e)
{
    struct gguf *g = mem_calloc(1, sizeof *g);
    int64_t count = 1;
    int rc = -1;

    *out = NULL;
    if (!g)
        return err_nomem(e);
    if (grow_parts(g, 1, e) < 0)
        goto out;
    g->parts[0].map = (struct file_map){.bytes = bytes, .len = n};
    g->parts[0].is_borrowed = 1;
    g->parts[0].path = mem_strdup(name);
    if (!g->parts[0].path) {
        err_nomem(e);
        goto out;
    }
    if (parse_part(g, &g->parts[0], e) < 0 || index_tensors(g, e) < 0 ||
        keys_get_int(&g->parts[0].keys, name, "split.count", &count, e) < 0)
        goto out;
    if (count > 1) {
        err_set(e, ERR_UNSUPPORTED, "%s: one part of a split set, in memory", name);
        goto out;
    }
    *out = g;
    g = NULL;
    rc = 0;
out:
    gguf_close(g);
    return rc;
}

int gguf_assemble(struct gguf **out, const char *path, struct gguf_origin *o, struct err *e)
{
    struct gguf *g = mem_calloc(1, sizeof *g);
    struct cursor c = {.path = path};
    struct part *p;
    int rc = -1;

    *out = NULL;
    if (!g) {
        mem_free(o->tensors);
        o->close(o->self);
        return err_nomem(e);
    }
    g->origin = *o;
    g->tensors = o->tensors;
    g->n_tensors = o->n_tensors;
    if (strbuf_ok(o->keys, e) < 0 || grow_parts(g, 1, e) < 0)
        goto out;
    p = &g->parts[0];
    p->is_borrowed = 1;
    p->path = mem_strdup(path);
    p->map = (struct file_map){.bytes = (const uint8_t *)strbuf_str(o->keys), .len = o->keys->len};
    p->own = strbuf_take(o->keys);
    c.bytes = p->map.bytes;
    c.len = p->map.len;
    if (!p->path)
        err_nomem(e);
    else if (keys_parse(&p->keys, &c, o->n_keys, e) == 0 && index_tensors(g, e) == 0)
        rc = 0;
out:
    if (rc < 0)
        gguf_close(g);
    else
        *out = g;
    return rc;
}

int gguf_fill(struct gguf *g, struct err *e)
{
    if (g->is_filled || !g->origin.fill)
        return 0;
    for (size_t i = 0; i < g->n_tensors; i++)
        g->made_bytes += g->tensors[i].data ? 0 : g->tensors[i].bytes;
    if (g->origin.fill(g->origin.self, g->tensors, g->n_tensors, e) < 0)
        return -1;
    g->is_filled = 1;
    return 0;
}

void gguf_close(struct gguf *g)
{
    if (!g)
        return;
    if (g->origin.close)
        g->origin.close(g->origin.self);
    for (size_t i = 0; i < g->n_parts; i++) {
        struct part *p = &g->parts[i];
        keys_release(&p->keys);
        if (!p->is_borrowed)
            file_unmap(&p->map);
        mem_free(p->own);
        mem_free(p->path);
    }
    mem_free(g->parts);
    mem_free(g->tensors);
    mem_free(g->by_name);
    mem_free(g);
}

/* ---- answers ----------------------------------------------------------------------------- */

const struct gguf_keys *gguf_keys_of(const struct gguf *g)
{
    return &g->parts[0].keys;
}

const char *gguf_path(const struct gguf *g)
{
    return g->parts[0].path;
}

uint64_t gguf_file_bytes(const struct gguf *g)
{
    uint64_t n = g->origin.file_bytes;

    for (size_t i = 0; i < g->n_parts && !g->origin.self; i++)
        n += g->parts[i].map.len;
    return n;
}

void gguf_read_ahead(const struct gguf *g, const volatile int *stop)
{
    if (g->origin.self)
        g->origin.read_ahead(g->origin.self, stop);
    for (size_t i = 0; i < g->n_parts; i++)
        if (!g->parts[i].is_borrowed)
            file_read_ahead(&g->parts[i].map, stop);
}

uint64_t gguf_made_bytes(const struct gguf *g)
{
    return g->made_bytes;
}

size_t gguf_n_tensors(const struct gguf *g)
{
    return g->n_tensors;
}

const struct gguf_tensor *gguf_tensor_at(const struct gguf *g, size_t i)
{
    return &g->tensors[i];
}

const struct gguf_tensor *gguf_tensor_find(const struct gguf *g, const char *name)
{
    struct gguf_str want = {name, strlen(name)};
    size_t lo = 0, hi = g->n_tensors;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int d = gguf_str_compare(g->by_name[mid]->name, want);
        if (d == 0)
            return g->by_name[mid];
        if (d < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}
