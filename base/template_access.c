/* template_access.c -- what a template can reach: names in scopes, attributes, subscripts, slices.
 *
 * A name is looked for in the scopes from the inside out, then among the variables, then among the
 * globals.  v.name is the attribute before the item and v[key] the item before the attribute, as
 * Jinja has it.  What is not there is undefined, with the words to say so, and no error yet. */
#include "base/template_impl.h"

struct binding {
    struct binding *next;
    struct text name;
    const struct val *value;
};

int scope_set(struct ctx *c, struct scope *s, struct text name, const struct val *v)
{
    struct binding *b;

    for (b = s->first; b; b = b->next) {
        if (text_equal(b->name, name)) {
            b->value = v;
            return 0;
        }
    }
    b = ctx_alloc(c, 1, sizeof *b);
    if (!b)
        return -1;
    *b = (struct binding){s->first, name, v};
    s->first = b;
    return 0;
}

const struct val *lookup(struct ctx *c, const struct scope *s, struct text name)
{
    const struct val *v;
    const struct native *f;

    for (; s; s = s->parent)
        for (const struct binding *b = s->first; b; b = b->next)
            if (text_equal(b->name, name))
                return b->value;
    v = dict_text(c->vars, name);
    if (v)
        return v;
    f = global_find(name);
    if (f) {
        struct val *made = ctx_alloc(c, 1, sizeof *made);
        struct callable *call = made ? ctx_alloc(c, 1, sizeof *call) : NULL;
        if (!call)
            return NULL;
        call->native = f;
        made->type = VAL_CALLABLE;
        made->call = call;
        return made;
    }
    return val_undefined(c, "'%.*s' is undefined", (int)name.n, name.s);
}

static const struct val *method_value(struct ctx *c, const struct val *self, struct text name)
{
    const struct native *m = method_find(self, name);
    struct val *v;
    struct callable *call;

    if (!m || !(v = ctx_alloc(c, 1, sizeof *v)) || !(call = ctx_alloc(c, 1, sizeof *call)))
        return NULL;
    call->native = m;
    call->self = self;
    v->type = VAL_CALLABLE;
    v->call = call;
    return v;
}

static const struct val *no_such(struct ctx *c, const struct val *v, struct text name)
{
    if (v->type == VAL_NONE)
        return val_undefined(c, "'None' has no attribute '%.*s'", (int)name.n, name.s);
    return val_undefined(c, "'%s object' has no attribute '%.*s'", val_type_name(v), (int)name.n,
                         name.s);
}

/* A method or property of v; NULL without an error when there is none. */
static const struct val *own_attr(struct ctx *c, const struct val *v, struct text name)
{
    if (method_changes(v, name))
        return val_undefined(c, "access to attribute '%.*s' of '%s' object is unsafe.",
                             (int)name.n, name.s, val_type_name(v));
    if (v->type == VAL_LOOP)
        return loop_attr(c, v, name);
    if (v->type == VAL_CALLABLE && v->call->macro && text_is(name, "name"))
        return val_text(c, v->call->macro->name);
    return method_value(c, v, name);
}

/* v.name: the attribute before the item, as Jinja has it; a JSON key named "items" hides. */
const struct val *get_attr(struct ctx *c, const struct val *v, struct text name)
{
    const struct val *found;

    if (v->type == VAL_UNDEFINED)
        return fail_undefined(c, v);
    found = v->type == VAL_NAMESPACE ? dict_text(v->dict, name) : own_attr(c, v, name);
    if (!found && c->e->code == ERR_OK && v->type == VAL_DICT)
        found = dict_text(v->dict, name);
    if (found || c->e->code != ERR_OK)
        return found;
    return no_such(c, v, name);
}

static const struct val *char_at(struct ctx *c, struct text t, size_t i)
{
    size_t from = text_offset(t, i), at = from;

    if (step(c, t.n / 16) < 0)
        return NULL;
    text_next(t, &at);
    return val_text(c, (struct text){t.s + from, at - from});
}

/* v[key]: the item before the attribute. */
const struct val *get_item(struct ctx *c, const struct val *v, const struct val *key)
{
    const struct val *found = NULL;
    struct strbuf repr = STRBUF_INIT;
    size_t n;

    if (v->type == VAL_UNDEFINED)
        return fail_undefined(c, v);
    if (v->type == VAL_DICT) {
        found = dict_get(c, v->dict, key);
    } else if ((key->type == VAL_INT || key->type == VAL_BOOL) &&
               (v->type == VAL_STR || (v->type == VAL_SEQ && v->kind <= SEQ_RANGE))) {
        int64_t i = key->i;
        n = v->type == VAL_STR ? text_chars(v->str) : v->seq.n;
        i += i < 0 ? (int64_t)n : 0;
        if (i >= 0 && (uint64_t)i < n)
            found = v->type == VAL_STR ? char_at(c, v->str, (size_t)i) : v->seq.v[i];
    }
    if (!found && c->e->code == ERR_OK && key->type == VAL_STR)
        found = own_attr(c, v, key->str);
    if (found || c->e->code != ERR_OK)
        return found;
    if (key->type == VAL_STR)
        return no_such(c, v, key->str);
    val_repr(c, &repr, key);
    found = val_undefined(c, "%s object has no element %.100s", val_type_name(v),
                          strbuf_str(&repr));
    strbuf_release(&repr);
    return found;
}

/* Python's slice.indices: at[0..2] over n items to start, stop and step. */
static int slice_indices(struct ctx *c, const struct val *const at[3], int64_t n, int64_t out[3])
{
    int64_t by, lowest, highest;
    int bad = 0;

    by = at[2] && at[2]->type != VAL_NONE ? arg_int(c, at[2], 1, &bad) : 1;
    if (by == 0)
        fail(c, "slice step cannot be zero");
    if (bad || by == 0)
        return -1;
    lowest = by < 0 ? -1 : 0;
    highest = by < 0 ? n - 1 : n;
    out[0] = by < 0 ? highest : lowest;
    out[1] = by < 0 ? lowest : highest;
    out[2] = by;
    for (int i = 0; i < 2; i++) {
        int64_t k;
        if (!at[i] || at[i]->type == VAL_NONE)
            continue;
        k = arg_int(c, at[i], 0, &bad);
        if (bad)
            return -1;
        if (k < 0)
            k = k < -n ? -1 - n : k, k += n;
        out[i] = k < lowest ? lowest : k > highest ? highest : k;
    }
    return 0;
}

const struct val *get_slice(struct ctx *c, const struct val *v, const struct val *const at[3])
{
    const struct val *items;
    struct strbuf b = STRBUF_INIT;
    struct val *list;
    int64_t range[3];
    size_t n = 0;

    if (v->type == VAL_UNDEFINED)
        return fail_undefined(c, v);
    if (v->type == VAL_DICT)
        return fail(c, "unhashable type: 'slice'");
    if (v->type != VAL_STR && (v->type != VAL_SEQ || v->kind > SEQ_RANGE))
        return fail(c, "'%s' object is not subscriptable", val_type_name(v));
    if (slice_indices(c, at, (int64_t)(v->type == VAL_STR ? text_chars(v->str) : v->seq.n),
                      range) < 0)
        return NULL;
    if (v->type == VAL_STR && range[2] == 1) {
        size_t from = text_offset(v->str, (size_t)range[0]);
        size_t to = range[1] > range[0] ? text_offset(v->str, (size_t)range[1]) : from;
        return step(c, v->str.n / 16) < 0 ? NULL
               : val_text(c, (struct text){v->str.s + from, to - from});
    }
    items = val_items(c, v);
    if (!items || !(list = val_seq(c, v->type == VAL_STR ? SEQ_LIST : v->kind, items->seq.n)))
        return NULL;
    for (int64_t i = range[0]; range[2] > 0 ? i < range[1] : i > range[1];) {
        list->seq.v[n++] = items->seq.v[i];
        if (range[2] > 0 ? range[2] >= range[1] - i : range[2] <= range[1] - i)
            break;
        i += range[2];
    }
    list->seq.n = n;
    if (v->type != VAL_STR)
        return list;
    for (size_t i = 0; i < n; i++)
        strbuf_add(&b, list->seq.v[i]->str.s, list->seq.v[i]->str.n);
    return val_take(c, &b);
}
