/* template_eval.c -- expressions to values. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/template_impl.h"

int eval_enter(struct ctx *c)
{
    if (step(c, 1) < 0)
        return -1;
    if (++c->depth <= LIMIT_DEPTH)
        return 0;
    fail(c, "more than %d expressions and calls inside each other", LIMIT_DEPTH);
    return -1;
}

/* ---- names, attributes, subscripts ----------------------------------------------------------- */

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

/* ---- operators ------------------------------------------------------------------------------- */

static const char *const op_names[] = {
    [OP_ADD] = "+", [OP_SUB] = "-", [OP_MUL] = "*", [OP_DIV] = "/", [OP_FLOORDIV] = "//",
    [OP_MOD] = "%", [OP_POW] = "** or pow()", [OP_LT] = "<", [OP_LE] = "<=", [OP_GT] = ">",
    [OP_GE] = ">=",
};

static const struct val *overflow(struct ctx *c)
{
    return fail(c, "an integer beyond 64 bits");
}

static const struct val *int_power(struct ctx *c, int64_t a, int64_t b)
{
    int64_t r = 1;

    if (b < 0)
        return a ? val_float(c, pow((double)a, (double)b))
                 : fail(c, "0.0 cannot be raised to a negative power");
    if (a == 0 || a == 1 || a == -1)
        return val_int(c, b == 0 ? 1 : a == -1 && b % 2 == 0 ? 1 : a);
    while (b-- > 0)
        if (__builtin_mul_overflow(r, a, &r))
            return overflow(c);
    return val_int(c, r);
}

static const struct val *int_op(struct ctx *c, enum op op, int64_t a, int64_t b)
{
    int64_t r;

    switch (op) {
    case OP_ADD:
        return __builtin_add_overflow(a, b, &r) ? overflow(c) : val_int(c, r);
    case OP_SUB:
        return __builtin_sub_overflow(a, b, &r) ? overflow(c) : val_int(c, r);
    case OP_MUL:
        return __builtin_mul_overflow(a, b, &r) ? overflow(c) : val_int(c, r);
    case OP_POW:
        return int_power(c, a, b);
    default:
        break;
    }
    if (b == 0)
        return fail(c, op == OP_DIV ? "division by zero"
                       : op == OP_MOD ? "integer modulo by zero"
                                      : "integer division or modulo by zero");
    if (op == OP_DIV)
        return val_float(c, (double)a / (double)b);
    if (b == -1)
        return op == OP_MOD ? val_int(c, 0) : int_op(c, OP_SUB, 0, a);
    r = a % b;
    r += r != 0 && (r < 0) != (b < 0) ? b : 0;
    return val_int(c, op == OP_MOD ? r : (a - r) / b);
}

static const struct val *float_op(struct ctx *c, enum op op, double a, double b)
{
    double r;

    switch (op) {
    case OP_ADD:
        return val_float(c, a + b);
    case OP_SUB:
        return val_float(c, a - b);
    case OP_MUL:
        return val_float(c, a * b);
    case OP_POW:
        return val_float(c, pow(a, b));
    default:
        break;
    }
    if (b == 0)
        return fail(c, op == OP_DIV ? "float division by zero"
                       : op == OP_MOD ? "float modulo by zero" : "float floor division by zero");
    if (op == OP_DIV)
        return val_float(c, a / b);
    if (op == OP_FLOORDIV)
        return val_float(c, floor(a / b));
    r = fmod(a, b);
    return val_float(c, r != 0 && (r < 0) != (b < 0) ? r + b : r);
}

static const struct val *repeat(struct ctx *c, const struct val *v, int64_t times)
{
    size_t n = v->type == VAL_STR ? v->str.n : v->seq.n, k = times < 0 ? 0 : (size_t)times;
    struct val *list;
    char *s;

    if (n && k > LIMIT_MEMORY / n)
        return fail(c, "a repetition of %zu times %zu is too long", k, n);
    if (v->type == VAL_STR) {
        s = ctx_alloc(c, n * k + 1, 1);
        if (s && n && k)
            memcpy(s, v->str.s, n);
        for (size_t done = n, part; s && done < n * k; done += part) {
            part = done < n * k - done ? done : n * k - done;
            memcpy(s + done, s, part);
        }
        return s ? val_text(c, (struct text){s, n * k}) : NULL;
    }
    if (step(c, n * k) < 0)
        return NULL;
    list = val_seq(c, v->kind, n * k);
    for (size_t i = 0; list && i < n * k; i++)
        list->seq.v[i] = v->seq.v[i % n];
    return list;
}

static const struct val *concat(struct ctx *c, const struct val *a, const struct val *b)
{
    struct val *list;
    char *s;

    if (a->type == VAL_STR) {
        s = ctx_alloc(c, a->str.n + b->str.n + 1, 1);
        if (!s)
            return NULL;
        memcpy(s, a->str.s, a->str.n);
        memcpy(s + a->str.n, b->str.s, b->str.n);
        return val_text(c, (struct text){s, a->str.n + b->str.n});
    }
    list = val_seq(c, a->kind, a->seq.n + b->seq.n);
    if (!list)
        return NULL;
    if (a->seq.n)
        memcpy(list->seq.v, a->seq.v, a->seq.n * sizeof *list->seq.v);
    if (b->seq.n)
        memcpy(list->seq.v + a->seq.n, b->seq.v, b->seq.n * sizeof *list->seq.v);
    return list;
}

/* Markup + text escapes the text. */
static const struct val *add_texts(struct ctx *c, const struct val *a, const struct val *b)
{
    struct args none = {0};

    if (!a->markup && !b->markup)
        return concat(c, a, b);
    if (!a->markup)
        a = native_call(c, filter_find(TEXT("escape")), a, &none);
    if (a && !b->markup)
        b = native_call(c, filter_find(TEXT("escape")), b, &none);
    return a && b ? val_markup(c, concat(c, a, b)) : NULL;
}

static int is_row(const struct val *v)
{
    return v->type == VAL_STR || (v->type == VAL_SEQ && v->kind <= SEQ_TUPLE);
}

static int is_whole(const struct val *v)
{
    return v->type == VAL_INT || v->type == VAL_BOOL;
}

static const struct val *bad_operands(struct ctx *c, enum op op, const struct val *a,
                                      const struct val *b)
{
    if (op == OP_ADD && a->type == VAL_STR)
        return fail(c, "can only concatenate str (not \"%s\") to str", val_type_name(b));
    if (op == OP_ADD && is_row(a))
        return fail(c, "can only concatenate %s (not \"%s\") to %s", val_type_name(a),
                    val_type_name(b), val_type_name(a));
    if (op == OP_MUL && (is_row(a) || is_row(b)))
        return fail(c, "can't multiply sequence by non-int of type '%s'",
                    val_type_name(is_row(a) ? b : a));
    return fail(c, "unsupported operand type(s) for %s: '%s' and '%s'", op_names[op],
                val_type_name(a), val_type_name(b));
}

const struct val *eval_binary(struct ctx *c, enum op op, const struct val *a, const struct val *b)
{
    if (op == OP_MOD && a->type == VAL_STR)
        return format_percent(c, a->str, b);
    if (a->type == VAL_UNDEFINED || b->type == VAL_UNDEFINED)
        return fail_undefined(c, a->type == VAL_UNDEFINED ? a : b);
    if (val_is_number(a) && val_is_number(b)) {
        if (a->type == VAL_FLOAT || b->type == VAL_FLOAT)
            return float_op(c, op, val_number(a), val_number(b));
        return int_op(c, op, a->i, b->i);
    }
    if (op == OP_ADD && a->type == VAL_STR && b->type == VAL_STR)
        return add_texts(c, a, b);
    if (op == OP_ADD && a->type == VAL_SEQ && b->type == VAL_SEQ && is_row(a) &&
        a->kind == b->kind)
        return step(c, a->seq.n + b->seq.n) < 0 ? NULL : concat(c, a, b);
    if (op == OP_MUL && is_row(a) && is_whole(b))
        return repeat(c, a, b->i);
    if (op == OP_MUL && is_whole(a) && is_row(b))
        return repeat(c, b, a->i);
    return bad_operands(c, op, a, b);
}

/* a in b */
static int contains(struct ctx *c, const struct val *b, const struct val *a, int *out)
{
    const struct val *items;

    *out = 0;
    if (b->type == VAL_STR) {
        if (a->type != VAL_STR)
            return fail(c, "'in <string>' requires string as left operand, not %s",
                        val_type_name(a)), -1;
        *out = text_find(b->str, a->str, 0) != SIZE_MAX;
        return step(c, b->str.n / 16);
    }
    if (b->type == VAL_DICT) {
        *out = dict_get(c, b->dict, a) != NULL;
        return c->e->code == ERR_OK ? 0 : -1;
    }
    if (b->type != VAL_SEQ && b->type != VAL_UNDEFINED)
        return fail(c, "argument of type '%s' is not iterable", val_type_name(b)), -1;
    items = val_items(c, b);
    if (!items || step(c, items->seq.n / 4) < 0)
        return -1;
    for (size_t i = 0; i < items->seq.n && !*out; i++) {
        *out = val_equal(c, items->seq.v[i], a);
        if (*out < 0)
            return -1;
    }
    return 0;
}

int eval_compare(struct ctx *c, enum op op, const struct val *a, const struct val *b, int *out)
{
    int less = 0, greater = 0, both = val_is_number(a) && val_is_number(b);

    switch (op) {
    case OP_EQ:
    case OP_NE:
        *out = val_equal(c, a, b);
        if (*out < 0)
            return -1;
        *out ^= op == OP_NE;
        return 0;
    case OP_IN:
    case OP_NOT_IN:
        if (contains(c, b, a, out) < 0)
            return -1;
        *out ^= op == OP_NOT_IN;
        return 0;
    default:
        break;
    }
    if (!both && a->type != VAL_UNDEFINED && b->type != VAL_UNDEFINED &&
        (a->type != b->type || !is_row(a) || !is_row(b) ||
         (a->type == VAL_SEQ && a->kind != b->kind)))
        return fail(c, "'%s' not supported between instances of '%s' and '%s'", op_names[op],
                    val_type_name(a), val_type_name(b)), -1;
    if (val_less(c, a, b, &less) < 0 || val_less(c, b, a, &greater) < 0)
        return -1;
    if (both && (isnan(val_number(a)) || isnan(val_number(b))))
        *out = 0;
    else
        *out = op == OP_LT ? less : op == OP_LE ? !greater : op == OP_GT ? greater : !less;
    return 0;
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static const struct val *eval_list(struct ctx *c, const struct node *n, struct scope *s)
{
    struct val *list;
    size_t count = 0, i = 0;

    for (const struct node *k = n->list; k; k = k->next)
        count++;
    list = val_seq(c, n->kind == N_LIST ? SEQ_LIST : SEQ_TUPLE, count);
    for (const struct node *k = n->list; list && k; k = k->next)
        if (!(list->seq.v[i++] = eval(c, k, s)))
            return NULL;
    return list;
}

static const struct val *eval_dict(struct ctx *c, const struct node *n, struct scope *s)
{
    struct dict *d = dict_new(c);

    for (const struct node *k = n->list; d && k; k = k->next) {
        const struct val *key = eval(c, k->a, s), *value = key ? eval(c, k->b, s) : NULL;
        if (!value || dict_set(c, d, key, value) < 0)
            return NULL;
    }
    return val_dict(c, d);
}

static const struct val *eval_item(struct ctx *c, const struct node *n, struct scope *s)
{
    const struct val *v = eval(c, n->a, s), *key, *at[3] = {NULL};
    const struct node *const parts[3] = {n->b->a, n->b->b, n->b->c};

    if (!v)
        return NULL;
    if (n->b->kind != N_SLICE) {
        key = eval(c, n->b, s);
        return key ? get_item(c, v, key) : NULL;
    }
    for (int i = 0; i < 3; i++)
        if (parts[i] && !(at[i] = eval(c, parts[i], s)))
            return NULL;
    return get_slice(c, v, at);
}

static int add_keywords(struct ctx *c, struct args *a, const struct val *v)
{
    if (v->type != VAL_DICT)
        return fail(c, "argument after ** must be a mapping, not %s", val_type_name(v)), -1;
    for (size_t i = 0; i < v->dict->n; i++)
        if (dict_set(c, &a->kw, v->dict->keys[i], v->dict->values[i]) < 0)
            return -1;
    return 0;
}

/* Counts what * adds, so that the arguments can be laid out in a row. */
static int eval_arguments(struct ctx *c, const struct node *list, struct scope *s, struct args *a)
{
    size_t cap = 0;

    *a = (struct args){0};
    for (const struct node *k = list; k; k = k->next) {
        const struct val *v = eval(c, k->kind >= N_KEYWORD && k->kind <= N_STARSTAR ? k->a : k, s);
        const struct val *one = v, **from = &one, **grown, *name;
        size_t more = 1;
        if (!v)
            return -1;
        if (k->kind == N_STARSTAR) {
            if (add_keywords(c, a, v) < 0)
                return -1;
            continue;
        }
        if (k->kind == N_KEYWORD) {
            name = val_text(c, k->name);
            if (!name || dict_set(c, &a->kw, name, v) < 0)
                return -1;
            continue;
        }
        if (k->kind == N_STAR) {
            v = val_items(c, v);
            if (!v)
                return -1;
            from = v->seq.v;
            more = v->seq.n;
        }
        if (a->n + more > cap) {
            cap = (a->n + more) * 2;
            grown = ctx_alloc(c, cap, sizeof *grown);
            if (!grown)
                return -1;
            if (a->n)
                memcpy(grown, a->v, a->n * sizeof *grown);
            a->v = grown;
        }
        if (more)
            memcpy(a->v + a->n, from, more * sizeof *from);
        a->n += more;
    }
    return 0;
}

static const struct val *eval_call(struct ctx *c, const struct node *n, struct scope *s)
{
    const struct val *f = eval(c, n->a, s);
    struct args a;

    if (!f || eval_arguments(c, n->list, s, &a) < 0)
        return NULL;
    c->line = n->line;
    return call_value(c, f, &a);
}

static const struct val *eval_filter(struct ctx *c, const struct node *n, struct scope *s)
{
    const struct native *f = filter_find(n->name);
    const struct val *v;
    struct args a;

    c->line = n->line;
    if (!f)
        return fail(c, "No filter named '%.*s'.", (int)n->name.n, n->name.s);
    if (text_is(n->name, "default") || text_is(n->name, "d"))
        c->may_miss = n->a;
    v = eval(c, n->a, s);
    if (!v || eval_arguments(c, n->list, s, &a) < 0)
        return NULL;
    return native_call(c, f, v, &a);
}

static const struct val *eval_test(struct ctx *c, const struct node *n, struct scope *s)
{
    const struct native *f = test_find(n->name);
    const struct val *v;
    struct args a;

    if (!f)
        return fail(c, "No test named '%.*s'.", (int)n->name.n, n->name.s);
    if (text_is(n->name, "defined") || text_is(n->name, "undefined"))
        c->may_miss = n->a;
    v = eval(c, n->a, s);
    if (!v || eval_arguments(c, n->list, s, &a) < 0)
        return NULL;
    return native_call(c, f, v, &a);
}

static const struct val *eval_sign(struct ctx *c, const struct node *n, struct scope *s)
{
    const struct val *v = eval(c, n->a, s);

    if (!v)
        return NULL;
    if (v->type == VAL_UNDEFINED)
        return fail_undefined(c, v);
    if (!val_is_number(v))
        return fail(c, "bad operand type for unary %s: '%s'", n->kind == N_NEG ? "-" : "+",
                    val_type_name(v));
    if (v->type == VAL_FLOAT)
        return n->kind == N_NEG ? val_float(c, -v->f) : v;
    return n->kind == N_NEG ? int_op(c, OP_SUB, 0, v->i) : val_int(c, v->i);
}

static const struct val *eval_concat(struct ctx *c, const struct node *n, struct scope *s)
{
    struct strbuf b = STRBUF_INIT;

    for (const struct node *k = n->list; k; k = k->next) {
        const struct val *v = eval(c, k, s);
        if (!v) {
            strbuf_release(&b);
            return NULL;
        }
        val_str(c, &b, v);
    }
    return val_take(c, &b);
}

static const struct val *eval_chain(struct ctx *c, const struct node *n, struct scope *s)
{
    const struct val *left = eval(c, n->a, s), *right;
    int holds = 1;

    for (const struct node *k = n->list; left && k && holds; k = k->next) {
        right = eval(c, k->a, s);
        if (!right || eval_compare(c, k->op, left, right, &holds) < 0)
            return NULL;
        left = right;
    }
    return left ? val_bool(holds) : NULL;
}

static const struct val *eval_cond(struct ctx *c, const struct node *n, struct scope *s)
{
    const struct val *v = eval(c, n->b, s);

    if (!v)
        return NULL;
    if (val_truth(v))
        return eval(c, n->a, s);
    return n->c ? eval(c, n->c, s)
                : val_undefined(c, "the inline if-expression on line %d evaluated to false and no "
                                   "else section was defined.", n->line);
}

static const struct val *eval_kind(struct ctx *c, const struct node *n, struct scope *s)
{
    const struct val *v, *w;

    switch (n->kind) {
    case N_CONST:
        return n->value;
    case N_NAME:
        return lookup(c, s, n->name);
    case N_LIST:
    case N_TUPLE:
        return eval_list(c, n, s);
    case N_DICT:
        return eval_dict(c, n, s);
    case N_GETATTR:
        v = eval(c, n->a, s);
        return v ? get_attr(c, v, n->name) : NULL;
    case N_GETITEM:
        return eval_item(c, n, s);
    case N_CALL:
        return eval_call(c, n, s);
    case N_FILTER:
        return eval_filter(c, n, s);
    case N_TEST:
        return eval_test(c, n, s);
    case N_NOT:
        v = eval(c, n->a, s);
        return v ? val_bool(!val_truth(v)) : NULL;
    case N_NEG:
    case N_POS:
        return eval_sign(c, n, s);
    case N_AND:
    case N_OR:
        v = eval(c, n->a, s);
        return !v || val_truth(v) == (n->kind == N_OR) ? v : eval(c, n->b, s);
    case N_BINARY:
        v = eval(c, n->a, s);
        w = v ? eval(c, n->b, s) : NULL;
        return w ? eval_binary(c, n->op, v, w) : NULL;
    case N_CONCAT:
        return eval_concat(c, n, s);
    case N_COMPARE:
        return eval_chain(c, n, s);
    case N_COND:
        return eval_cond(c, n, s);
    case N_BLOCK_TEXT:
        return c->block_text;
    default:
        return fail(c, "this is not an expression");
    }
}

const struct val *eval(struct ctx *c, const struct node *n, struct scope *s)
{
    const struct val *v;

    if (eval_enter(c) < 0)
        return NULL;
    v = eval_kind(c, n, s);
    c->depth--;
    /* Jinja's rule: of `x if y` without an else nothing is ever strict */
    if (c->strict && v && v->type == VAL_UNDEFINED && n != c->may_miss && n->kind != N_COND)
        return fail_undefined(c, v);
    return v;
}
