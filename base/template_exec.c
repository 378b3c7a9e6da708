/* template_exec.c -- statements to output: loops, scopes, macros, and the render itself.
 *
 * Scopes are those of Jinja: a loop's pass, a macro, a with, filter, call or set block have names
 * of their own, an if has not.  A macro sees the scope it was written in, as it is when called. */
#include <string.h>

#include "base/template_impl.h"

enum flow { FLOW_FAILED = -1, FLOW_NEXT, FLOW_BREAK, FLOW_CONTINUE };

static int too_long(struct ctx *c, const struct strbuf *out)
{
    if (out->failed) {
        err_nomem(c->e);
        return -1;
    }
    if (out->len <= LIMIT_OUTPUT)
        return 0;
    fail(c, "the template writes more than %d MiB", LIMIT_OUTPUT >> 20);
    return -1;
}

/* The text of a body, run in a scope of its own, as a value. */
static const struct val *capture(struct ctx *c, const struct node *body, struct scope *s)
{
    struct strbuf b = STRBUF_INIT;

    if (exec_body(c, body, s, &b) != FLOW_NEXT) {
        strbuf_release(&b);
        return c->e->code == ERR_OK ? fail(c, "break or continue outside a loop") : NULL;
    }
    return val_take(c, &b);
}

/* ---- assignment ------------------------------------------------------------------------------ */

static int assign(struct ctx *c, const struct node *target, const struct val *v, struct scope *s);

static int assign_tuple(struct ctx *c, const struct node *target, const struct val *v,
                        struct scope *s)
{
    const struct val *items = v->type >= VAL_STR ? val_items(c, v) : NULL;
    size_t want = 0, i = 0;

    if (v->type < VAL_STR)
        fail(c, "cannot unpack non-iterable %s object", val_type_name(v));
    if (!items)
        return -1;
    for (const struct node *k = target->list; k; k = k->next)
        want++;
    if (items->seq.n < want)
        return fail(c, "not enough values to unpack (expected %zu, got %zu)", want,
                    items->seq.n), -1;
    if (items->seq.n > want)
        return fail(c, "too many values to unpack (expected %zu)", want), -1;
    for (const struct node *k = target->list; k; k = k->next)
        if (assign(c, k, items->seq.v[i++], s) < 0)
            return -1;
    return 0;
}

static int assign(struct ctx *c, const struct node *target, const struct val *v, struct scope *s)
{
    const struct val *space;

    if (target->kind == N_NAME)
        return scope_set(c, s, target->name, v);
    if (target->kind == N_TUPLE)
        return assign_tuple(c, target, v, s);
    space = lookup(c, s, target->name);
    if (!space)
        return -1;
    if (space->type != VAL_NAMESPACE)
        return fail(c, "cannot assign attribute on non-namespace object"), -1;
    return dict_set(c, space->dict, target->a->value, v);
}

/* ---- loops ----------------------------------------------------------------------------------- */

const struct val *loop_attr(struct ctx *c, const struct val *loop, struct text name)
{
    const struct loop *l = loop->loop;
    const struct {
        const char *name;
        int64_t value;
    } numbers[] = {
        {"index", (int64_t)l->at + 1},
        {"index0", (int64_t)l->at},
        {"revindex", (int64_t)(l->items->seq.n - l->at)},
        {"revindex0", (int64_t)(l->items->seq.n - l->at) - 1},
        {"length", (int64_t)l->items->seq.n},
        {"depth", 1}, /* only recursive loops have more */
        {"depth0", 0},
    };
    const struct native *m;
    struct callable *call;
    struct val *v;

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (text_is(name, numbers[i].name))
            return val_int(c, numbers[i].value);
    if (text_is(name, "first"))
        return val_bool(l->at == 0);
    if (text_is(name, "last"))
        return val_bool(l->at + 1 == l->items->seq.n);
    if (text_is(name, "previtem"))
        return l->at > 0 ? l->items->seq.v[l->at - 1]
                         : val_undefined(c, "there is no previous item");
    if (text_is(name, "nextitem"))
        return l->at + 1 < l->items->seq.n ? l->items->seq.v[l->at + 1]
                                           : val_undefined(c, "there is no next item");
    m = method_find(loop, name);
    if (!m || !(v = ctx_alloc(c, 1, sizeof *v)) || !(call = ctx_alloc(c, 1, sizeof *call)))
        return NULL;
    call->native = m;
    call->self = loop;
    v->type = VAL_CALLABLE;
    v->call = call;
    return v;
}

/* The items that pass the loop's `if`. */
static const struct val *loop_items(struct ctx *c, const struct node *n, struct scope *s)
{
    const struct val *items = eval(c, n->b, s), *holds;
    struct val *kept;
    size_t k = 0;

    if (items)
        items = val_items(c, items);
    if (!items || !n->c)
        return items;
    kept = val_seq(c, SEQ_LIST, items->seq.n);
    for (size_t i = 0; kept && i < items->seq.n; i++) {
        struct scope inner = {.parent = s};
        if (assign(c, n->a, items->seq.v[i], &inner) < 0 || !(holds = eval(c, n->c, &inner)))
            return NULL;
        if (val_truth(holds))
            kept->seq.v[k++] = items->seq.v[i];
    }
    if (kept)
        kept->seq.n = k;
    return kept;
}

/* A pass has a scope of its own, in the arena: a macro written in the loop keeps it. */
static enum flow loop_pass(struct ctx *c, const struct node *n, const struct val *loop,
                           struct scope *s, struct strbuf *out)
{
    struct scope *inner = ctx_alloc(c, 1, sizeof *inner);

    if (!inner)
        return FLOW_FAILED;
    inner->parent = s;
    if (scope_set(c, inner, TEXT("loop"), loop) < 0 ||
        assign(c, n->a, loop->loop->items->seq.v[loop->loop->at], inner) < 0)
        return FLOW_FAILED;
    return (enum flow)exec_body(c, n->body, inner, out);
}

static enum flow exec_for(struct ctx *c, const struct node *n, struct scope *s,
                          struct strbuf *out)
{
    const struct val *items = loop_items(c, n, s);
    struct scope *inner;
    struct loop *l;
    struct val *loop;
    enum flow flow = FLOW_NEXT;

    if (!items || !(l = ctx_alloc(c, 1, sizeof *l)) || !(loop = ctx_alloc(c, 1, sizeof *loop)))
        return FLOW_FAILED;
    if (items->seq.n == 0) {
        inner = ctx_alloc(c, 1, sizeof *inner);
        if (!inner)
            return FLOW_FAILED;
        inner->parent = s;
        return (enum flow)exec_body(c, n->other, inner, out);
    }
    l->items = items;
    loop->type = VAL_LOOP;
    loop->loop = l;
    for (; l->at < items->seq.n && flow != FLOW_BREAK && flow != FLOW_FAILED; l->at++)
        flow = loop_pass(c, n, loop, s, out);
    return flow == FLOW_FAILED ? FLOW_FAILED : FLOW_NEXT;
}

/* ---- macros ---------------------------------------------------------------------------------- */

static const struct val *macro_value(struct ctx *c, const struct node *n, struct scope *s)
{
    struct val *v = ctx_alloc(c, 1, sizeof *v);
    struct callable *call = v ? ctx_alloc(c, 1, sizeof *call) : NULL;

    if (!call)
        return NULL;
    call->macro = n;
    call->scope = s;
    v->type = VAL_CALLABLE;
    v->call = call;
    return v;
}

/* Takes the keyword `name` out of the call's: NULL when it was not given. */
static const struct val *take_keyword(struct dict *kw, struct text name)
{
    for (size_t i = 0; i < kw->n; i++) {
        const struct val *v = kw->values[i];
        if (kw->keys[i]->type != VAL_STR || !text_equal(kw->keys[i]->str, name))
            continue;
        memmove(kw->keys + i, kw->keys + i + 1, (kw->n - i - 1) * sizeof *kw->keys);
        memmove(kw->values + i, kw->values + i + 1, (kw->n - i - 1) * sizeof *kw->values);
        kw->n--;
        return v;
    }
    return NULL;
}

/* The names a macro may use beyond its parameters: caller, varargs, kwargs. */
static int bind_extras(struct ctx *c, const struct node *n, struct args *a, size_t used,
                       struct scope *s)
{
    const struct val *caller = NULL, *named;
    struct val *rest;
    struct dict *left;

    if (n->uses & USES_CALLER) {
        caller = take_keyword(&a->kw, TEXT("caller"));
        if (!caller)
            caller = val_undefined(c, "No caller defined");
        if (!caller || scope_set(c, s, TEXT("caller"), caller) < 0)
            return -1;
    }
    if (n->uses & USES_KWARGS) {
        left = dict_new(c);
        if (!left)
            return -1;
        *left = a->kw;
        named = val_dict(c, left);
        if (!named || scope_set(c, s, TEXT("kwargs"), named) < 0)
            return -1;
    } else if (a->kw.n > 0) {
        struct text key = a->kw.keys[0]->type == VAL_STR ? a->kw.keys[0]->str : TEXT("?");
        return fail(c, "macro '%.*s' takes no keyword argument '%.*s'", (int)n->name.n,
                    n->name.s, (int)key.n, key.s), -1;
    }
    if (!(n->uses & USES_VARARGS))
        return 0;
    rest = val_seq(c, SEQ_TUPLE, a->n - used);
    if (!rest)
        return -1;
    if (a->n > used)
        memcpy(rest->seq.v, a->v + used, (a->n - used) * sizeof *rest->seq.v);
    return scope_set(c, s, TEXT("varargs"), rest);
}

static int bind_parameters(struct ctx *c, const struct node *n, struct args *a, struct scope *s)
{
    size_t i = 0, count = 0;

    for (const struct node *k = n->list; k; k = k->next)
        count++;
    if (a->n > count && !(n->uses & USES_VARARGS))
        return fail(c, "macro '%.*s' takes not more than %zu argument(s)", (int)n->name.n,
                    n->name.s, count), -1;
    for (const struct node *k = n->list; k; k = k->next, i++) {
        const struct val *v = i < a->n ? a->v[i] : take_keyword(&a->kw, k->name);
        if (!v && k->a)
            v = eval(c, k->a, s);
        else if (!v)
            v = val_undefined(c, "parameter '%.*s' was not provided", (int)k->name.n,
                              k->name.s);
        if (!v || scope_set(c, s, k->name, v) < 0)
            return -1;
    }
    return bind_extras(c, n, a, a->n < count ? a->n : count, s);
}

const struct val *macro_call(struct ctx *c, const struct callable *m, struct args *a)
{
    struct scope *s = ctx_alloc(c, 1, sizeof *s);
    const struct val *v;
    int line = c->line;

    if (!s || eval_enter(c) < 0)
        return NULL;
    s->parent = m->scope;
    if (bind_parameters(c, m->macro, a, s) < 0 || !(v = capture(c, m->macro->body, s)))
        return NULL;
    c->line = line;
    c->depth--;
    return v;
}

/* {% call(x) f(y) %}: f(y, caller=macro(x)) */
static enum flow exec_call_block(struct ctx *c, const struct node *n, struct scope *s,
                                 struct strbuf *out)
{
    const struct val *caller = macro_value(c, n, s), *v;
    struct node call = *n->a, keyword = {.kind = N_KEYWORD, .line = n->line, .name = n->name};
    struct node *copies = NULL, **tail = &call.list;
    struct node held = {.kind = N_CONST, .line = n->line, .value = caller};

    if (!caller)
        return FLOW_FAILED;
    for (const struct node *k = n->a->list; k; k = k->next) {
        copies = ctx_alloc(c, 1, sizeof *copies);
        if (!copies)
            return FLOW_FAILED;
        *copies = *k;
        *tail = copies;
        tail = &copies->next;
    }
    keyword.a = &held;
    *tail = &keyword;
    v = eval(c, &call, s);
    if (!v)
        return FLOW_FAILED;
    val_str(c, out, v);
    return FLOW_NEXT;
}

/* ---- statements ------------------------------------------------------------------------------ */

static enum flow exec_if(struct ctx *c, const struct node *n, struct scope *s, struct strbuf *out)
{
    for (const struct node *k = n->list; k; k = k->next) {
        const struct val *v = k->a ? eval(c, k->a, s) : &val_true;
        if (!v)
            return FLOW_FAILED;
        if (val_truth(v))
            return (enum flow)exec_body(c, k->body, s, out);
    }
    return FLOW_NEXT;
}

static enum flow exec_with(struct ctx *c, const struct node *n, struct scope *s,
                           struct strbuf *out)
{
    struct scope *inner = ctx_alloc(c, 1, sizeof *inner);

    if (!inner)
        return FLOW_FAILED;
    inner->parent = s;
    for (const struct node *k = n->list; k; k = k->next) {
        const struct val *v = eval(c, k->b, s);
        if (!v || assign(c, k->a, v, inner) < 0)
            return FLOW_FAILED;
    }
    return (enum flow)exec_body(c, n->body, inner, out);
}

/* {% filter f %} and {% set x | f %}: the body's text, filtered. */
static const struct val *filtered_block(struct ctx *c, const struct node *n, struct scope *s)
{
    struct scope *inner = ctx_alloc(c, 1, sizeof *inner);
    const struct val *outer = c->block_text, *v;

    if (!inner)
        return NULL;
    inner->parent = s;
    v = capture(c, n->body, inner);
    if (!v)
        return NULL;
    c->block_text = v;
    v = eval(c, n->b, s);
    c->block_text = outer;
    return v;
}

static enum flow exec_statement(struct ctx *c, const struct node *n, struct scope *s,
                                struct strbuf *out)
{
    const struct val *v;

    c->line = n->line;
    switch (n->kind) {
    case N_DATA:
        strbuf_add(out, n->value->str.s, n->value->str.n);
        return FLOW_NEXT;
    case N_OUTPUT:
        v = eval(c, n->a, s);
        if (!v)
            return FLOW_FAILED;
        val_str(c, out, v);
        return FLOW_NEXT;
    case N_IF:
        return exec_if(c, n, s, out);
    case N_FOR:
        return exec_for(c, n, s, out);
    case N_SET:
        v = eval(c, n->b, s);
        return v && assign(c, n->a, v, s) == 0 ? FLOW_NEXT : FLOW_FAILED;
    case N_SET_BLOCK:
        v = filtered_block(c, n, s);
        return v && assign(c, n->a, v, s) == 0 ? FLOW_NEXT : FLOW_FAILED;
    case N_FILTER_BLOCK:
        v = filtered_block(c, n, s);
        if (!v)
            return FLOW_FAILED;
        val_str(c, out, v);
        return FLOW_NEXT;
    case N_MACRO:
        v = macro_value(c, n, s);
        return v && scope_set(c, s, n->name, v) == 0 ? FLOW_NEXT : FLOW_FAILED;
    case N_CALL_BLOCK:
        return exec_call_block(c, n, s, out);
    case N_WITH:
        return exec_with(c, n, s, out);
    case N_BREAK:
        return FLOW_BREAK;
    default:
        return FLOW_CONTINUE;
    }
}

int exec_body(struct ctx *c, const struct node *first, struct scope *s, struct strbuf *out)
{
    enum flow flow = FLOW_NEXT;

    if (eval_enter(c) < 0)
        return FLOW_FAILED;
    for (const struct node *n = first; n && flow == FLOW_NEXT; n = n->next) {
        if (step(c, 1) < 0)
            return FLOW_FAILED;
        flow = exec_statement(c, n, s, out);
        if (flow != FLOW_FAILED && too_long(c, out) < 0)
            return FLOW_FAILED;
    }
    c->depth--;
    return flow;
}

int template_render(const struct template *t, const cJSON *vars, const struct tm *now,
                    struct strbuf *out, struct err *e)
{
    struct err ignored = ERR_NONE;
    struct ctx c = {.name = t->name, .now = now, .line = 1,
                    .strict = t->rules == TEMPLATE_STRICT, .e = e ? e : &ignored};
    struct strbuf text = STRBUF_INIT;
    struct scope top = {0};
    const struct val *v;
    int rc = -1;

    *c.e = ERR_NONE;
    if (!cJSON_IsObject(vars)) {
        err_set(e, ERR_FORMAT, "%s: the variables of a template are a JSON object", t->name);
        goto out;
    }
    v = val_from_json(&c, vars);
    if (!v)
        goto out;
    c.vars = v->dict;
    if (exec_body(&c, t->body, &top, &text) != FLOW_NEXT) {
        if (c.e->code == ERR_OK)
            fail(&c, "break or continue outside a loop");
        goto out;
    }
    strbuf_add(out, strbuf_str(&text), text.len);
    rc = strbuf_ok(out, c.e);
out:
    strbuf_release(&text);
    arena_release(&c.arena);
    return rc;
}
