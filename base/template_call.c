/* template_call.c -- calls: how arguments meet parameters, and the functions Hugging Face and Jinja
 * put at every template's disposal. */
#include <string.h>
#include <time.h>

#include "base/template_impl.h"

#define MAX_PARAMS 8

int64_t arg_int(struct ctx *c, const struct val *v, int64_t fallback, int *bad)
{
    if (!v)
        return fallback;
    if (v->type == VAL_INT || v->type == VAL_BOOL)
        return v->i;
    if (v->type == VAL_UNDEFINED)
        fail_undefined(c, v);
    else
        fail(c, "'%s' object cannot be interpreted as an integer", val_type_name(v));
    *bad = 1;
    return fallback;
}

int arg_flag(const struct val *v, int fallback)
{
    return v ? val_truth(v) : fallback;
}

int arg_text(struct ctx *c, const struct val *v, struct text *out)
{
    if (v->type != VAL_STR)
        return fail(c, "a str is required, not '%s'", val_type_name(v)), -1;
    *out = v->str;
    return 0;
}

int arg_is_none(const struct val *v)
{
    return !v || v->type == VAL_NONE;
}

/* The place of `name` in a row of names with blanks between them; -1 when it is not there. */
static int param_at(const char *params, struct text name)
{
    int i = 0;

    for (const char *p = params; *p; i++) {
        size_t n = strcspn(p, " ");
        if (n == name.n && memcmp(p, name.s, n) == 0)
            return i;
        p += n + (p[n] == ' ');
    }
    return -1;
}

static size_t param_count(const char *params)
{
    size_t n = *params != 0;

    for (const char *p = params; *p; p++)
        n += *p == ' ';
    return n;
}

int args_bind(struct ctx *c, const struct native *f, struct args *a)
{
    size_t count = param_count(f->params);
    const struct val **slots = ctx_alloc(c, MAX_PARAMS, sizeof *slots);

    if (!slots)
        return -1;
    if (a->n > count)
        return fail(c, "%s() takes at most %zu arguments (%zu given)", f->name, count, a->n), -1;
    for (size_t i = 0; i < a->n; i++)
        slots[i] = a->v[i];
    for (size_t i = 0; i < a->kw.n; i++) {
        struct text key = a->kw.keys[i]->type == VAL_STR ? a->kw.keys[i]->str : TEXT("?");
        int at = param_at(f->params, key);
        if (at < 0)
            return fail(c, "%s() got an unexpected keyword argument '%.*s'", f->name,
                        (int)key.n, key.s), -1;
        if (slots[at])
            return fail(c, "%s() got multiple values for argument '%.*s'", f->name, (int)key.n,
                        key.s), -1;
        slots[at] = a->kw.values[i];
    }
    for (int i = 0; i < f->required; i++)
        if (!slots[i])
            return fail(c, "%s() is missing its argument %d", f->name, i + 1), -1;
    a->v = slots;
    a->n = count;
    return 0;
}

const struct val *native_call(struct ctx *c, const struct native *f, const struct val *self,
                              struct args *a)
{
    if (f->params && args_bind(c, f, a) < 0)
        return NULL;
    return f->fn(c, self, a);
}

const struct val *call_value(struct ctx *c, const struct val *f, struct args *a)
{
    if (f->type == VAL_UNDEFINED)
        return fail_undefined(c, f);
    if (f->type != VAL_CALLABLE)
        return fail(c, "'%s' object is not callable", val_type_name(f));
    if (f->call->macro)
        return macro_call(c, f->call, a);
    return native_call(c, f->call->native, f->call->self, a);
}

/* ---- globals --------------------------------------------------------------------------------- */

static const struct val *global_raise(struct ctx *c, const struct val *self, struct args *a)
{
    struct text t;

    (void)self;
    if (val_as_text(c, a->v[0], &t) < 0)
        return NULL;
    return fail(c, "%.*s", (int)t.n, t.s);
}

static const struct val *global_strftime(struct ctx *c, const struct val *self, struct args *a)
{
    char text[512], format[256];
    struct text t = a->v[0]->str;
    struct tm local, when;
    time_t clock;

    (void)self;
    if (a->v[0]->type != VAL_STR)
        return fail(c, "strftime() argument 1 must be str, not %s", val_type_name(a->v[0]));
    if (t.n >= sizeof format)
        return fail(c, "a strftime format of more than %zu bytes", sizeof format - 1);
    memcpy(format, t.s, t.n);
    format[t.n] = 0;
    if (c->now) {
        when = *c->now;
    } else {
        clock = time(NULL);
        if (!localtime_r(&clock, &local))
            return fail(c, "this machine does not know what time it is");
        when = local;
    }
    return val_copy(c, text, strftime(text, sizeof text, format, &when));
}

static const struct val *global_range(struct ctx *c, const struct val *self, struct args *a)
{
    int64_t from = 0, to, by, count = 0;
    struct val *list;
    int bad = 0;

    (void)self;
    to = arg_int(c, a->v[0], 0, &bad);
    if (a->v[1]) {
        from = to;
        to = arg_int(c, a->v[1], 0, &bad);
    }
    by = arg_int(c, a->v[2], 1, &bad);
    if (bad)
        return NULL;
    if (by == 0)
        return fail(c, "range() arg 3 must not be zero");
    if (by > 0 && to > from)
        count = (int64_t)(((uint64_t)to - (uint64_t)from - 1) / (uint64_t)by) + 1;
    else if (by < 0 && to < from)
        count = (int64_t)(((uint64_t)from - (uint64_t)to - 1) / (0 - (uint64_t)by)) + 1;
    if (count < 0 || count > LIMIT_RANGE)
        return fail(c, "Range too big. The sandbox blocks ranges larger than MAX_RANGE (%d).",
                    LIMIT_RANGE);
    list = val_seq(c, SEQ_RANGE, (size_t)count);
    for (int64_t i = 0; list && i < count; i++)
        if (!(list->seq.v[i] = val_int(c, from + i * by)))
            return NULL;
    return list;
}

/* dict(mapping or pairs, name=value...) into d. */
static int fill_dict(struct ctx *c, struct dict *d, struct args *a)
{
    const struct val *from = a->n ? a->v[0] : NULL, *items, *pair;

    if (a->n > 1)
        return fail(c, "dict expected at most 1 argument, got %zu", a->n), -1;
    items = from ? val_items(c, from) : NULL;
    if (from && !items)
        return -1;
    for (size_t i = 0; from && i < items->seq.n; i++) {
        if (from->type == VAL_DICT) {
            if (dict_set(c, d, from->dict->keys[i], from->dict->values[i]) < 0)
                return -1;
            continue;
        }
        pair = val_items(c, items->seq.v[i]);
        if (!pair)
            return -1;
        if (pair->seq.n != 2)
            return fail(c, "dictionary update sequence element #%zu has length %zu; 2 is required",
                        i, pair->seq.n), -1;
        if (dict_set(c, d, pair->seq.v[0], pair->seq.v[1]) < 0)
            return -1;
    }
    for (size_t i = 0; i < a->kw.n; i++)
        if (dict_set(c, d, a->kw.keys[i], a->kw.values[i]) < 0)
            return -1;
    return 0;
}

static const struct val *global_dict(struct ctx *c, const struct val *self, struct args *a)
{
    struct dict *d = dict_new(c);

    (void)self;
    return d && fill_dict(c, d, a) == 0 ? val_dict(c, d) : NULL;
}

static const struct val *global_namespace(struct ctx *c, const struct val *self, struct args *a)
{
    struct dict *d = dict_new(c);
    struct val *v = d ? ctx_alloc(c, 1, sizeof *v) : NULL;

    (void)self;
    if (!v || fill_dict(c, d, a) < 0)
        return NULL;
    v->type = VAL_NAMESPACE;
    v->dict = d;
    return v;
}

const struct native *global_find(struct text name)
{
    static const struct native rows[] = {
        {"raise_exception", global_raise, 1, "message"},
        {"strftime_now", global_strftime, 1, "format"},
        {"range", global_range, 1, "start stop step"},
        {"namespace", global_namespace, 0, NULL},
        {"dict", global_dict, 0, NULL},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (text_is(name, rows[i].name))
            return &rows[i];
    return NULL;
}
