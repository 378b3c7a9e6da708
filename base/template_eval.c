/* template_eval.c -- expressions to values: what each kind of node comes to.
 *
 * What is in a value is looked up by template_access.c, what operators do with two of them is in
 * template_operators.c.  Every node counts a step and a level, so that a hostile template ends. */
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
