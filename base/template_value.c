/* template_value.c -- Python's values as templates see them: made, kept in dicts, compared, and
 * gone through item by item.  How they look as text is in template_repr.c.
 *
 * All of them live in the arena of the render, of which they can take only so much (ctx_alloc). */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/template_impl.h"

const struct val val_none = {.type = VAL_NONE};
const struct val val_true = {.type = VAL_BOOL, .i = 1};
const struct val val_false = {.type = VAL_BOOL, .i = 0};
const struct val val_empty = {.type = VAL_STR, .str = {"", 0}};

int text_is(struct text t, const char *s)
{
    return strlen(s) == t.n && memcmp(t.s, s, t.n) == 0;
}

int text_equal(struct text a, struct text b)
{
    return a.n == b.n && memcmp(a.s, b.s, a.n) == 0;
}

const void *fail(struct ctx *c, const char *fmt, ...)
{
    char text[sizeof c->e->text];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    err_set(c->e, ERR_FORMAT, "%s", text);
    err_hint(c->e, "%s, line %d", c->name, c->line);
    return NULL;
}

const void *fail_undefined(struct ctx *c, const struct val *v)
{
    return fail(c, "%.*s", (int)v->str.n, v->str.s);
}

int step(struct ctx *c, size_t work)
{
    if (work < LIMIT_STEPS && (c->steps += (long)work) <= LIMIT_STEPS)
        return 0;
    fail(c, "the template runs for more than %d steps", LIMIT_STEPS);
    return -1;
}

void *ctx_alloc(struct ctx *c, size_t n, size_t size)
{
    void *p;

    if (n > LIMIT_MEMORY / size || c->bytes + n * size > LIMIT_MEMORY) {
        fail(c, "the template needs more than %d MiB", LIMIT_MEMORY >> 20);
        return NULL;
    }
    c->bytes += n * size;
    p = arena_alloc(&c->arena, n * size);
    if (!p)
        err_nomem(c->e);
    return p;
}

static struct val *val_new(struct ctx *c, enum val_type type)
{
    struct val *v = ctx_alloc(c, 1, sizeof *v);

    if (v)
        v->type = type;
    return v;
}

const struct val *val_int(struct ctx *c, int64_t i)
{
    struct val *v = val_new(c, VAL_INT);

    if (v)
        v->i = i;
    return v;
}

const struct val *val_float(struct ctx *c, double f)
{
    struct val *v = val_new(c, VAL_FLOAT);

    if (v)
        v->f = f;
    return v;
}

const struct val *val_bool(int b)
{
    return b ? &val_true : &val_false;
}

const struct val *val_text(struct ctx *c, struct text t)
{
    struct val *v = val_new(c, VAL_STR);

    if (v)
        v->str = t;
    return v;
}

const struct val *val_copy(struct ctx *c, const char *s, size_t n)
{
    char *copy = ctx_alloc(c, n + 1, 1);

    if (!copy)
        return NULL;
    memcpy(copy, s, n);
    return val_text(c, (struct text){copy, n});
}

const struct val *val_take(struct ctx *c, struct strbuf *b)
{
    const struct val *v = NULL;

    if (b->failed)
        err_nomem(c->e);
    else
        v = val_copy(c, strbuf_str(b), b->len);
    strbuf_release(b);
    return v;
}

const struct val *val_markup(struct ctx *c, const struct val *str)
{
    struct val *v = str ? val_new(c, VAL_STR) : NULL;

    if (v) {
        v->str = str->str;
        v->markup = 1;
    }
    return v;
}

const struct val *val_undefined(struct ctx *c, const char *fmt, ...)
{
    struct strbuf b = STRBUF_INIT;
    const struct val *text;
    struct val *v;
    va_list ap;

    va_start(ap, fmt);
    strbuf_vaddf(&b, fmt, ap);
    va_end(ap);
    text = val_take(c, &b);
    v = text ? val_new(c, VAL_UNDEFINED) : NULL;
    if (v)
        v->str = text->str;
    return v;
}

struct val *val_seq(struct ctx *c, enum seq_kind kind, size_t n)
{
    struct val *v = val_new(c, VAL_SEQ);

    if (!v)
        return NULL;
    v->kind = kind;
    v->seq.n = n;
    v->seq.v = ctx_alloc(c, n ? n : 1, sizeof *v->seq.v);
    return v->seq.v ? v : NULL;
}

const struct val *val_dict(struct ctx *c, struct dict *d)
{
    struct val *v = d ? val_new(c, VAL_DICT) : NULL;

    if (v)
        v->dict = d;
    return v;
}

struct dict *dict_new(struct ctx *c)
{
    return ctx_alloc(c, 1, sizeof(struct dict));
}

/* Adds without looking for the key. */
static int dict_push(struct ctx *c, struct dict *d, const struct val *key, const struct val *value)
{
    if (d->n == d->cap) {
        size_t cap = d->cap ? d->cap * 2 : 8;
        const struct val **keys = ctx_alloc(c, cap, sizeof *keys);
        const struct val **values = keys ? ctx_alloc(c, cap, sizeof *values) : NULL;
        if (!values)
            return -1;
        if (d->n) {
            memcpy(keys, d->keys, d->n * sizeof *keys);
            memcpy(values, d->values, d->n * sizeof *values);
        }
        d->keys = keys;
        d->values = values;
        d->cap = cap;
    }
    d->keys[d->n] = key;
    d->values[d->n++] = value;
    return 0;
}

/* The key's place, d->n when it is absent, -1 after an error. */
static int64_t dict_at(struct ctx *c, const struct dict *d, const struct val *key)
{
    if (key->type == VAL_DICT || (key->type == VAL_SEQ && key->kind == SEQ_LIST)) {
        fail(c, "unhashable type: '%s'", val_type_name(key));
        return -1;
    }
    if (step(c, d->n / 8) < 0)
        return -1;
    for (size_t i = 0; i < d->n; i++) {
        int same = val_equal(c, d->keys[i], key);
        if (same < 0)
            return -1;
        if (same)
            return (int64_t)i;
    }
    return (int64_t)d->n;
}

int dict_set(struct ctx *c, struct dict *d, const struct val *key, const struct val *value)
{
    int64_t at = dict_at(c, d, key);

    if (at < 0)
        return -1;
    if ((size_t)at == d->n)
        return dict_push(c, d, key, value);
    d->values[at] = value;
    return 0;
}

const struct val *dict_get(struct ctx *c, const struct dict *d, const struct val *key)
{
    int64_t at = dict_at(c, d, key);

    return at < 0 || (size_t)at == d->n ? NULL : d->values[at];
}

const struct val *dict_text(const struct dict *d, struct text key)
{
    for (size_t i = 0; i < d->n; i++)
        if (d->keys[i]->type == VAL_STR && text_equal(d->keys[i]->str, key))
            return d->values[i];
    return NULL;
}

static const struct val *from_json_container(struct ctx *c, const cJSON *j)
{
    struct dict *d = cJSON_IsObject(j) ? dict_new(c) : NULL;
    struct val *list;
    size_t n = 0;

    if (cJSON_IsObject(j)) {
        for (const cJSON *i = j->child; d && i; i = i->next) {
            const struct val *key = val_copy(c, i->string, strlen(i->string));
            const struct val *v = key ? val_from_json(c, i) : NULL;
            if (!v || dict_push(c, d, key, v) < 0)
                return NULL;
        }
        return val_dict(c, d);
    }
    list = val_seq(c, SEQ_LIST, (size_t)cJSON_GetArraySize(j));
    for (const cJSON *i = j->child; list && i; i = i->next)
        if (!(list->seq.v[n++] = val_from_json(c, i)))
            return NULL;
    return list;
}

/* cJSON's parser bounds the nesting.  It does not keep 1 and 1.0 apart: whole numbers are ints. */
const struct val *val_from_json(struct ctx *c, const cJSON *j)
{
    if (cJSON_IsString(j))
        return val_copy(c, j->valuestring, strlen(j->valuestring));
    if (cJSON_IsBool(j))
        return val_bool(cJSON_IsTrue(j));
    if (cJSON_IsNumber(j)) {
        double f = j->valuedouble;
        return f == floor(f) && fabs(f) < 9e15 ? val_int(c, (int64_t)f) : val_float(c, f);
    }
    if (cJSON_IsArray(j) || cJSON_IsObject(j))
        return from_json_container(c, j);
    return &val_none;
}

const char *val_type_name(const struct val *v)
{
    static const char *const names[] = {
        [VAL_UNDEFINED] = "Undefined", [VAL_NONE] = "NoneType",
        [VAL_BOOL] = "bool",           [VAL_INT] = "int",
        [VAL_FLOAT] = "float",         [VAL_STR] = "str",
        [VAL_DICT] = "dict",           [VAL_NAMESPACE] = "Namespace",
        [VAL_LOOP] = "LoopContext",    [VAL_CALLABLE] = "function",
    };
    static const char *const rows[] = {
        [SEQ_LIST] = "list",        [SEQ_TUPLE] = "tuple",        [SEQ_RANGE] = "range",
        [SEQ_VIEW] = "dict_items", [SEQ_KEYS] = "dict_keys", [SEQ_VALUES] = "dict_values",
        [SEQ_ITERATOR] = "generator",
    };

    if (v->type == VAL_SEQ)
        return rows[v->kind];
    return v->type == VAL_STR && v->markup ? "Markup" : names[v->type];
}

int val_is_number(const struct val *v)
{
    return v->type == VAL_INT || v->type == VAL_FLOAT || v->type == VAL_BOOL;
}

double val_number(const struct val *v)
{
    return v->type == VAL_FLOAT ? v->f : (double)v->i;
}

int val_truth(const struct val *v)
{
    switch (v->type) {
    case VAL_UNDEFINED:
    case VAL_NONE:
        return 0;
    case VAL_BOOL:
    case VAL_INT:
        return v->i != 0;
    case VAL_FLOAT:
        return v->f != 0;
    case VAL_STR:
        return v->str.n > 0;
    case VAL_SEQ:
        return v->kind == SEQ_ITERATOR || v->seq.n > 0;
    case VAL_DICT:
        return v->dict->n > 0;
    default:
        return 1;
    }
}

static int equal_at(struct ctx *c, const struct val *a, const struct val *b, int depth);

static int equal_dicts(struct ctx *c, const struct dict *a, const struct dict *b, int depth)
{
    if (a->n != b->n)
        return 0;
    for (size_t i = 0; i < a->n; i++) {
        int64_t at = dict_at(c, b, a->keys[i]);
        int same = at < 0 ? -1 : (size_t)at == b->n ? 0
                   : equal_at(c, a->values[i], b->values[at], depth + 1);
        if (same <= 0)
            return same;
    }
    return 1;
}

static int equal_at(struct ctx *c, const struct val *a, const struct val *b, int depth)
{
    if (a == b)
        return 1;
    if (val_is_number(a) && val_is_number(b)) {
        if (a->type == VAL_FLOAT || b->type == VAL_FLOAT)
            return val_number(a) == val_number(b);
        return a->i == b->i;
    }
    if (a->type != b->type)
        return 0;
    if (depth > LIMIT_VALUE) {
        fail(c, "values nested more than %d levels deep", LIMIT_VALUE);
        return -1;
    }
    switch (a->type) {
    case VAL_UNDEFINED:
    case VAL_NONE:
        return 1;
    case VAL_STR:
        return text_equal(a->str, b->str);
    case VAL_DICT:
        return equal_dicts(c, a->dict, b->dict, depth);
    case VAL_SEQ:
        if (a->kind != b->kind || a->kind == SEQ_ITERATOR || a->seq.n != b->seq.n)
            return 0;
        if (step(c, a->seq.n) < 0)
            return -1;
        for (size_t i = 0; i < a->seq.n; i++) {
            int same = equal_at(c, a->seq.v[i], b->seq.v[i], depth + 1);
            if (same <= 0)
                return same;
        }
        return 1;
    default:
        return 0;
    }
}

int val_equal(struct ctx *c, const struct val *a, const struct val *b)
{
    return equal_at(c, a, b, 0);
}

static int less_at(struct ctx *c, const struct val *a, const struct val *b, int *less, int depth)
{
    if (val_is_number(a) && val_is_number(b)) {
        if (a->type == VAL_FLOAT || b->type == VAL_FLOAT)
            *less = val_number(a) < val_number(b);
        else
            *less = a->i < b->i;
        return 0;
    }
    if (a->type == VAL_STR && b->type == VAL_STR) { /* UTF-8 sorts as its code points do */
        int cmp = memcmp(a->str.s, b->str.s, a->str.n < b->str.n ? a->str.n : b->str.n);
        *less = cmp ? cmp < 0 : a->str.n < b->str.n;
        return 0;
    }
    if (a->type == VAL_UNDEFINED || b->type == VAL_UNDEFINED) {
        fail_undefined(c, a->type == VAL_UNDEFINED ? a : b);
        return -1;
    }
    if (a->type != VAL_SEQ || b->type != VAL_SEQ || a->kind != b->kind || a->kind > SEQ_TUPLE ||
        depth > LIMIT_VALUE) {
        fail(c, "'<' not supported between instances of '%s' and '%s'", val_type_name(a),
             val_type_name(b));
        return -1;
    }
    for (size_t i = 0; i < a->seq.n && i < b->seq.n; i++) {
        int same = equal_at(c, a->seq.v[i], b->seq.v[i], depth);
        if (same < 0)
            return -1;
        if (!same)
            return less_at(c, a->seq.v[i], b->seq.v[i], less, depth + 1);
    }
    *less = a->seq.n < b->seq.n;
    return 0;
}

int val_less(struct ctx *c, const struct val *a, const struct val *b, int *less)
{
    return less_at(c, a, b, less, 0);
}

static const struct val *chars_of(struct ctx *c, struct text t)
{
    struct val *list = val_seq(c, SEQ_LIST, text_chars(t));
    size_t at = 0, from;

    for (size_t i = 0; list && i < list->seq.n; i++) {
        from = at;
        text_next(t, &at);
        list->seq.v[i] = val_text(c, (struct text){t.s + from, at - from});
        if (!list->seq.v[i])
            return NULL;
    }
    return list;
}

const struct val *val_items(struct ctx *c, const struct val *v)
{
    struct val *keys;

    switch (v->type) {
    case VAL_SEQ:
        return v;
    case VAL_UNDEFINED:
        return val_seq(c, SEQ_LIST, 0);
    case VAL_STR:
        return step(c, v->str.n) < 0 ? NULL : chars_of(c, v->str);
    case VAL_DICT:
        keys = val_seq(c, SEQ_LIST, v->dict->n);
        if (keys && v->dict->n)
            memcpy(keys->seq.v, v->dict->keys, v->dict->n * sizeof *keys->seq.v);
        return keys;
    default:
        return fail(c, "'%s' object is not iterable", val_type_name(v));
    }
}
