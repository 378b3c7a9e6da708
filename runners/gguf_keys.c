/* gguf_keys.c -- reads and answers for the key section (engine.md 1.1, 1.2).
 *
 * Lookups go through an index sorted by name, so that a hostile file with millions of keys costs
 * n log n and not n squared. */
#include "runners/gguf_keys.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { KEY_MAX = 65535, STRING_MAX = 1 << 30, ARRAY_MAX = 1 << 30, KEY_MIN_BYTES = 8 + 1 + 4 + 1 };

/* Bytes of one value; 0 where it has no fixed size. */
static const unsigned char type_bytes[] = {
    [GGUF_U8] = 1,  [GGUF_I8] = 1,     [GGUF_U16] = 2,   [GGUF_I16] = 2, [GGUF_U32] = 4,
    [GGUF_I32] = 4, [GGUF_F32] = 4,    [GGUF_BOOL] = 1,  [GGUF_STRING] = 0,
    [GGUF_ARRAY] = 0, [GGUF_U64] = 8,  [GGUF_I64] = 8,   [GGUF_F64] = 8,
};
enum { N_TYPES = sizeof type_bytes / sizeof type_bytes[0] };

static const char *const type_names[N_TYPES] = {
    [GGUF_U8] = "u8",   [GGUF_I8] = "i8",     [GGUF_U16] = "u16",   [GGUF_I16] = "i16",
    [GGUF_U32] = "u32", [GGUF_I32] = "i32",   [GGUF_F32] = "f32",   [GGUF_BOOL] = "bool",
    [GGUF_STRING] = "string", [GGUF_ARRAY] = "array", [GGUF_U64] = "u64", [GGUF_I64] = "i64",
    [GGUF_F64] = "f64",
};

uint16_t le16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

uint32_t le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

uint64_t le64(const uint8_t *p)
{
    return (uint64_t)le32(p) | (uint64_t)le32(p + 4) << 32;
}

/* The next n bytes, or NULL. */
static const uint8_t *take(struct cursor *c, uint64_t n, const char *what, struct err *e)
{
    const uint8_t *p = c->bytes + c->at;

    if (n > c->len - c->at) {
        err_set(e, ERR_FORMAT, "%s: truncated at byte %zu: %s needs %" PRIu64
                " bytes, %zu are left", c->path, c->at, what, n, c->len - c->at);
        return NULL;
    }
    c->at += (size_t)n;
    return p;
}

int cursor_u32(struct cursor *c, const char *what, uint32_t *out, struct err *e)
{
    const uint8_t *p = take(c, 4, what, e);

    if (!p)
        return -1;
    *out = le32(p);
    return 0;
}

int cursor_u64(struct cursor *c, const char *what, uint64_t *out, struct err *e)
{
    const uint8_t *p = take(c, 8, what, e);

    if (!p)
        return -1;
    *out = le64(p);
    return 0;
}

int cursor_str(struct cursor *c, const char *what, struct gguf_str *out, struct err *e)
{
    uint64_t n;
    const uint8_t *p;

    if (cursor_u64(c, what, &n, e) < 0)
        return -1;
    if (n > STRING_MAX)
        return err_set(e, ERR_FORMAT, "%s: byte %zu: %s claims a string of %" PRIu64 " bytes",
                       c->path, c->at - 8, what, n);
    p = take(c, n, what, e);
    if (!p)
        return -1;
    *out = (struct gguf_str){(const char *)p, (size_t)n};
    return 0;
}

int gguf_str_compare(struct gguf_str a, struct gguf_str b)
{
    int d = memcmp(a.s, b.s, a.n < b.n ? a.n : b.n);

    return d ? d : (a.n > b.n) - (a.n < b.n);
}

static int name_print(struct gguf_str s) /* for "%.*s": a hostile name is cut */
{
    return s.n < 80 ? (int)s.n : 80;
}

/* The elements of one value: checks that they are all there and steps over them. */
static int parse_elements(struct gguf_key *key, struct cursor *c, struct err *e)
{
    size_t start = c->at;
    struct gguf_str s;

    if (key->type == GGUF_STRING) {
        if (key->n > (c->len - c->at) / 8)
            return err_set(e, ERR_FORMAT, "%s: key '%.*s': %zu strings do not fit in %zu bytes",
                           c->path, name_print(key->name), key->name.s, key->n, c->len - c->at);
        for (size_t i = 0; i < key->n; i++)
            if (cursor_str(c, "a string value", &s, e) < 0)
                return -1;
    } else if (!take(c, (uint64_t)key->n * type_bytes[key->type], "a value", e)) {
        return -1;
    }
    key->value = c->bytes + start;
    key->bytes = c->at - start;
    return 0;
}

static int parse_key(struct gguf_key *key, struct cursor *c, struct err *e)
{
    uint32_t type;
    uint64_t n = 1;

    if (cursor_str(c, "a key", &key->name, e) < 0 ||
        cursor_u32(c, "the type of a key", &type, e) < 0)
        return -1;
    if (key->name.n == 0 || key->name.n > KEY_MAX)
        return err_set(e, ERR_FORMAT, "%s: byte %zu: a key of %zu bytes", c->path, c->at,
                       key->name.n);
    key->is_array = type == GGUF_ARRAY;
    if (key->is_array && (cursor_u32(c, "the type of an array", &type, e) < 0 ||
                          cursor_u64(c, "the length of an array", &n, e) < 0))
        return -1;
    if (type == GGUF_ARRAY)
        return err_set(e, ERR_UNSUPPORTED, "%s: key '%.*s' is an array of arrays", c->path,
                       name_print(key->name), key->name.s);
    if (type >= N_TYPES)
        return err_set(e, ERR_FORMAT, "%s: key '%.*s' has the unknown value type %" PRIu32, c->path,
                       name_print(key->name), key->name.s, type);
    if (n > ARRAY_MAX)
        return err_set(e, ERR_FORMAT, "%s: key '%.*s' claims %" PRIu64 " elements", c->path,
                       name_print(key->name), key->name.s, n);
    key->type = (enum gguf_type)type;
    key->n = (size_t)n;
    return parse_elements(key, c, e);
}

static int by_name(const void *a, const void *b)
{
    const struct gguf_key *x = *(const struct gguf_key *const *)a;
    const struct gguf_key *y = *(const struct gguf_key *const *)b;
    int d = gguf_str_compare(x->name, y->name);

    return d ? d : (x > y) - (x < y);
}

static int same_value(const struct gguf_key *a, const struct gguf_key *b)
{
    return a->type == b->type && a->is_array == b->is_array && a->n == b->n &&
           a->bytes == b->bytes && memcmp(a->value, b->value, a->bytes) == 0;
}

static int index_keys(struct gguf_keys *k, const char *path, struct err *e)
{
    k->by_name = mem_calloc(k->n, sizeof *k->by_name);
    if (!k->by_name)
        return err_nomem(e);
    for (size_t i = 0; i < k->n; i++)
        k->by_name[i] = &k->v[i];
    qsort(k->by_name, k->n, sizeof *k->by_name, by_name);
    for (size_t i = 1; i < k->n; i++) {
        const struct gguf_key *a = k->by_name[i - 1], *b = k->by_name[i];
        /* Published converters have written a key twice; that is harmless only when both agree. */
        if (gguf_str_compare(a->name, b->name) == 0 && !same_value(a, b))
            return err_set(e, ERR_FORMAT, "%s: key '%.*s' is there twice, with different values",
                           path, name_print(a->name), a->name.s);
    }
    return 0;
}

int keys_parse(struct gguf_keys *k, struct cursor *c, uint64_t n, struct err *e)
{
    if (n > (c->len - c->at) / KEY_MIN_BYTES)
        return err_set(e, ERR_FORMAT, "%s: %" PRIu64 " keys do not fit in %zu bytes", c->path, n,
                       c->len - c->at);
    k->v = mem_calloc((size_t)n, sizeof *k->v);
    if (!k->v)
        return err_nomem(e);
    for (k->n = 0; k->n < n; k->n++)
        if (parse_key(&k->v[k->n], c, e) < 0)
            return -1;
    return index_keys(k, c->path, e);
}

void keys_release(struct gguf_keys *k)
{
    mem_free(k->v);
    mem_free(k->by_name);
    *k = (struct gguf_keys){0};
}

const struct gguf_key *keys_find(const struct gguf_keys *k, const char *name, size_t n)
{
    struct gguf_str want = {name, n};
    size_t lo = 0, hi = k->n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int d = gguf_str_compare(k->by_name[mid]->name, want);
        if (d == 0)
            return k->by_name[mid];
        if (d < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

static int is_int(enum gguf_type t)
{
    return t != GGUF_F32 && t != GGUF_F64 && t != GGUF_STRING && t != GGUF_BOOL;
}

/* Of an integer or bool; a u64 above INT64_MAX wraps to a negative, which callers refuse. */
static int64_t int_at(const struct gguf_key *key, size_t i)
{
    const uint8_t *p = key->value + i * type_bytes[key->type];

    switch (key->type) {
    case GGUF_U8:
    case GGUF_BOOL:
        return p[0];
    case GGUF_I8:
        return (int8_t)p[0];
    case GGUF_U16:
        return le16(p);
    case GGUF_I16:
        return (int16_t)le16(p);
    case GGUF_U32:
        return le32(p);
    case GGUF_I32:
        return (int32_t)le32(p);
    default:
        return (int64_t)le64(p);
    }
}

static double f64_at(const struct gguf_key *key, size_t i)
{
    uint32_t u;
    uint64_t v;
    float f;
    double d;

    if (key->type == GGUF_F32) {
        u = le32(key->value + 4 * i);
        memcpy(&f, &u, sizeof f);
        return f;
    }
    if (key->type == GGUF_F64) {
        v = le64(key->value + 8 * i);
        memcpy(&d, &v, sizeof d);
        return d;
    }
    if (key->type == GGUF_U64)
        return (double)le64(key->value + 8 * i);
    return (double)int_at(key, i);
}

static int wrong_kind(const char *path, const struct gguf_key *key, const char *wanted,
                      struct err *e)
{
    return err_set(e, ERR_FORMAT, "%s: key '%.*s' is %s%s, not %s", path, name_print(key->name),
                   key->name.s, key->is_array ? "an array of " : "", type_names[key->type], wanted);
}

/* A per-layer array whose elements all agree serves where a single value is expected. */
static int single(const struct gguf_key *key)
{
    size_t size = type_bytes[key->type];

    if (key->n == 0)
        return 0;
    for (size_t i = 1; i < key->n; i++)
        if (memcmp(key->value, key->value + i * size, size) != 0)
            return 0;
    return 1;
}

int keys_get_int(const struct gguf_keys *k, const char *path, const char *name, int64_t *out,
                 struct err *e)
{
    const struct gguf_key *key = keys_find(k, name, strlen(name));

    if (!key)
        return 0;
    if (!is_int(key->type) || !single(key))
        return wrong_kind(path, key, "an integer", e);
    if (key->type == GGUF_U64 && le64(key->value) > INT64_MAX)
        return err_set(e, ERR_FORMAT, "%s: key '%s' = %" PRIu64 " is out of range", path, name,
                       le64(key->value));
    *out = int_at(key, 0);
    return 1;
}

size_t gguf_n_keys(const struct gguf *g)
{
    return gguf_keys_of(g)->n;
}

struct gguf_str gguf_key_at(const struct gguf *g, size_t i)
{
    return gguf_keys_of(g)->v[i].name;
}

static const struct gguf_key *find(const struct gguf *g, const char *name)
{
    return keys_find(gguf_keys_of(g), name, strlen(name));
}

int gguf_has(const struct gguf *g, const char *key)
{
    return find(g, key) != NULL;
}

int gguf_get_int(const struct gguf *g, const char *key, int64_t *out, struct err *e)
{
    return keys_get_int(gguf_keys_of(g), gguf_path(g), key, out, e);
}

int gguf_get_f64(const struct gguf *g, const char *name, double *out, struct err *e)
{
    const struct gguf_key *key = find(g, name);

    if (!key)
        return 0;
    if (key->type == GGUF_STRING || key->type == GGUF_BOOL || !single(key))
        return wrong_kind(gguf_path(g), key, "a number", e);
    *out = f64_at(key, 0);
    return 1;
}

int gguf_get_bool(const struct gguf *g, const char *name, int *out, struct err *e)
{
    const struct gguf_key *key = find(g, name);

    if (!key)
        return 0;
    if (!(key->type == GGUF_BOOL || is_int(key->type)) || !single(key))
        return wrong_kind(gguf_path(g), key, "true or false", e);
    *out = int_at(key, 0) != 0;
    return 1;
}

int gguf_get_str(const struct gguf *g, const char *name, struct gguf_str *out, struct err *e)
{
    const struct gguf_key *key = find(g, name);

    if (!key)
        return 0;
    if (key->type != GGUF_STRING || key->is_array)
        return wrong_kind(gguf_path(g), key, "a string", e);
    *out = (struct gguf_str){(const char *)key->value + 8, key->bytes - 8};
    return 1;
}

int gguf_get_array(const struct gguf *g, const char *name, enum gguf_type *type, size_t *n,
                   struct err *e)
{
    const struct gguf_key *key = find(g, name);

    (void)e; /* any value is an array: a scalar is one of length 1 */
    if (!key)
        return 0;
    *type = key->type;
    *n = key->n;
    return 1;
}

/* The element asked for: a scalar is every element. */
static const struct gguf_key *element(const struct gguf *g, const char *name, size_t *i)
{
    const struct gguf_key *key = find(g, name);

    if (key && !key->is_array)
        *i = 0;
    return key && *i < key->n && key->type != GGUF_STRING ? key : NULL;
}

int64_t gguf_array_int(const struct gguf *g, const char *name, size_t i)
{
    const struct gguf_key *key = element(g, name, &i);

    if (!key)
        return 0;
    return key->type == GGUF_F32 || key->type == GGUF_F64 ? 0 : int_at(key, i);
}

double gguf_array_f64(const struct gguf *g, const char *name, size_t i)
{
    const struct gguf_key *key = element(g, name, &i);

    return key ? f64_at(key, i) : 0;
}

int gguf_array_strs(const struct gguf *g, const char *name, struct gguf_str *out, size_t n,
                    struct err *e)
{
    const struct gguf_key *key = find(g, name);
    const uint8_t *p;

    if (!key)
        return err_set(e, ERR_FORMAT, "%s: key '%s' is missing", gguf_path(g), name);
    if (key->type != GGUF_STRING)
        return wrong_kind(gguf_path(g), key, "an array of strings", e);
    if (key->n != n)
        return err_set(e, ERR_FORMAT, "%s: key '%s' has %zu strings, %zu expected", gguf_path(g),
                       name, key->n, n);
    p = key->value;
    for (size_t i = 0; i < n; i++) {
        out[i] = (struct gguf_str){(const char *)p + 8, (size_t)le64(p)};
        p += 8 + out[i].n;
    }
    return 0;
}

static int hash_key(struct sha256 *s, const struct gguf_key *k, struct err *e)
{
    const uint64_t head[] = {k->name.n, (uint64_t)k->type, (uint64_t)k->is_array, k->n, k->bytes};

    if (sha256_update(s, head, sizeof head, e) < 0 ||
        sha256_update(s, k->name.s, k->name.n, e) < 0)
        return -1;
    return sha256_update(s, k->value, k->bytes, e);
}

static int begins_with_one(struct gguf_str name, const char *const *prefixes)
{
    for (; *prefixes; prefixes++) {
        size_t n = strlen(*prefixes);
        if (name.n >= n && memcmp(name.s, *prefixes, n) == 0)
            return 1;
    }
    return 0;
}

int gguf_keys_sha256(char hex[SHA256_HEX], const struct gguf *g, const char *const *prefixes,
                     struct err *e)
{
    const struct gguf_keys *keys = gguf_keys_of(g);
    struct sha256 *s;
    int rc = 0;

    if (sha256_begin(&s, e) < 0)
        return -1;
    for (size_t i = 0; i < keys->n && rc == 0; i++) {
        if (begins_with_one(keys->by_name[i]->name, prefixes))
            rc = hash_key(s, keys->by_name[i], e);
    }
    return sha256_final(s, hex, rc < 0 ? NULL : e) < 0 || rc < 0 ? -1 : 0;
}
