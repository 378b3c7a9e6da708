/* template_primary.c -- what an expression is made of: constants, names, lists, dicts and tuples;
 * targets of an assignment; and what follows a value: attributes, subscripts, calls, filters and
 * tests.
 *
 * The items of brackets are whole expressions again (template_expr.c), and so are arguments. */
#include <string.h>

#include "base/template_impl.h"

/* ---- values ---------------------------------------------------------------------------------- */

static struct node *constant(struct parser *p, struct val v)
{
    struct node *n = node_new(p, N_CONST);
    struct val *kept = n ? arena_alloc(&p->t->arena, sizeof *kept) : NULL;

    if (!kept) {
        err_nomem(p->e);
        return NULL;
    }
    *kept = v;
    n->value = kept;
    return n;
}

static struct node *parse_number(struct parser *p)
{
    struct text t = p->at->text;
    struct val v = {.type = VAL_INT};
    int ok;

    if (p->at->kind == T_FLOAT) {
        v.type = VAL_FLOAT;
        ok = text_to_float(t, &v.f);
    } else {
        ok = text_to_int(t, 0, &v.i);
    }
    if (!ok)
        return parse_fail(p, p->at->line, "the number %.*s is malformed or too large", (int)t.n,
                          t.s);
    p->at++;
    return constant(p, v);
}

/* Strings beside each other are one. */
static struct node *parse_string(struct parser *p)
{
    struct text t = p->at->text;
    char *joined;

    for (p->at++; p->at->kind == T_STRING; p->at++) {
        joined = arena_alloc(&p->t->arena, t.n + p->at->text.n + 1);
        if (!joined) {
            err_nomem(p->e);
            return NULL;
        }
        memcpy(joined, t.s, t.n);
        memcpy(joined + t.n, p->at->text.s, p->at->text.n);
        t = (struct text){joined, t.n + p->at->text.n};
    }
    return constant(p, (struct val){.type = VAL_STR, .str = t});
}

static struct node *parse_name(struct parser *p)
{
    static const struct {
        const char *name;
        const struct val *value;
    } words[] = {
        {"true", &val_true}, {"True", &val_true}, {"false", &val_false}, {"False", &val_false},
        {"none", &val_none}, {"None", &val_none},
    };
    struct node *n = node_new(p, N_NAME);

    if (!n)
        return NULL;
    n->name = p->at->text;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (text_is(n->name, words[i].name)) {
            n->kind = N_CONST;
            n->value = words[i].value;
        }
    }
    if (n->kind == N_NAME) {
        p->uses |= text_is(n->name, "varargs") ? USES_VARARGS
                   : text_is(n->name, "kwargs") ? USES_KWARGS
                   : text_is(n->name, "caller") ? USES_CALLER : 0;
    }
    p->at++;
    return n;
}

static struct node *parse_list(struct parser *p)
{
    struct node *n = node_new(p, N_LIST), **tail = n ? &n->list : NULL;

    if (!n)
        return NULL;
    p->at++;
    while (!at_op(p, "]")) {
        if (n->list && want_op(p, ",") < 0)
            return NULL;
        if (at_op(p, "]"))
            break;
        *tail = parse_expression(p);
        if (!*tail)
            return NULL;
        tail = &(*tail)->next;
    }
    p->at++;
    return n;
}

static struct node *parse_dict(struct parser *p)
{
    struct node *n = node_new(p, N_DICT), **tail = n ? &n->list : NULL, *pair;

    if (!n)
        return NULL;
    p->at++;
    while (!at_op(p, "}")) {
        if (n->list && want_op(p, ",") < 0)
            return NULL;
        if (at_op(p, "}"))
            break;
        pair = node_new(p, N_PAIR);
        if (!pair || !(pair->a = parse_expression(p)) || want_op(p, ":") < 0 ||
            !(pair->b = parse_expression(p)))
            return NULL;
        *tail = pair;
        tail = &pair->next;
    }
    p->at++;
    return n;
}

/* What may follow a comma that ends a tuple. */
static int at_tuple_end(const struct parser *p)
{
    return p->at->kind == T_VAR_END || p->at->kind == T_BLOCK_END || at_op(p, ")") ||
           at_name(p, "in");
}

static struct node *tuple_of(struct parser *p, struct node *(*item)(struct parser *p),
                             int empty_allowed)
{
    struct node *n = node_new(p, N_TUPLE), **tail = n ? &n->list : NULL;
    int comma = 0;

    while (n && !at_tuple_end(p)) {
        *tail = item(p);
        if (!*tail)
            return NULL;
        tail = &(*tail)->next;
        if (!take_op(p, ","))
            break;
        comma = 1;
    }
    if (!n || comma || (!n->list && empty_allowed))
        return n;
    return n->list ? n->list : parse_unexpected(p);
}

struct node *parse_tuple(struct parser *p, int cond)
{
    return tuple_of(p, cond ? parse_expression : parse_or, 0);
}

struct node *parse_primary(struct parser *p)
{
    struct node *n;

    switch (p->at->kind) {
    case T_NAME:
        return parse_name(p);
    case T_STRING:
        return parse_string(p);
    case T_INT:
    case T_FLOAT:
        return parse_number(p);
    default:
        break;
    }
    if (at_op(p, "["))
        return parse_list(p);
    if (at_op(p, "{"))
        return parse_dict(p);
    if (!take_op(p, "("))
        return parse_unexpected(p);
    n = tuple_of(p, parse_expression, 1);
    return n && want_op(p, ")") == 0 ? n : NULL;
}

static struct node *target_item(struct parser *p)
{
    struct node *n;

    if (take_op(p, "(")) {
        n = tuple_of(p, target_item, 1);
        return n && want_op(p, ")") == 0 ? n : NULL;
    }
    n = parse_primary(p);
    if (n && n->kind != N_NAME)
        return parse_fail(p, n->line, "can't assign to this expression");
    return n;
}

struct node *parse_target(struct parser *p, int with_namespace)
{
    struct node *n;
    struct text attr;

    if (!with_namespace || p->at->kind != T_NAME || p->at[1].kind != T_OP ||
        !text_is(p->at[1].text, "."))
        return tuple_of(p, target_item, 0);
    n = node_new(p, N_NSREF);
    if (!n)
        return NULL;
    n->name = p->at->text;
    p->at += 2;
    if (want_identifier(p, &attr) < 0)
        return NULL;
    n->a = constant(p, (struct val){.type = VAL_STR, .str = attr});
    return n->a ? n : NULL;
}

/* ---- what follows a value -------------------------------------------------------------------- */

static struct node *parse_argument(struct parser *p)
{
    struct node *n;
    enum node_kind kind;

    if (p->at->kind == T_NAME && p->at[1].kind == T_OP && text_is(p->at[1].text, "="))
        kind = N_KEYWORD;
    else if (at_op(p, "*"))
        kind = N_STAR;
    else if (at_op(p, "**"))
        kind = N_STARSTAR;
    else
        return parse_expression(p);
    n = node_new(p, kind);
    if (!n)
        return NULL;
    n->name = p->at->text;
    p->at += kind == N_KEYWORD ? 2 : 1;
    n->a = parse_expression(p);
    return n->a ? n : NULL;
}

/* "(" arguments ")" into *list. */
static int parse_arguments(struct parser *p, struct node **list)
{
    int named = 0;

    if (want_op(p, "(") < 0)
        return -1;
    for (struct node **tail = list; !at_op(p, ")"); tail = &(*tail)->next) {
        if (tail != list && want_op(p, ",") < 0)
            return -1;
        if (at_op(p, ")"))
            break;
        *tail = parse_argument(p);
        if (!*tail)
            return -1;
        if (named && (*tail)->kind != N_KEYWORD && (*tail)->kind != N_STARSTAR) {
            parse_fail(p, (*tail)->line, "invalid syntax for function call expression");
            return -1;
        }
        named |= (*tail)->kind == N_KEYWORD || (*tail)->kind == N_STARSTAR;
    }
    p->at++;
    return 0;
}

/* A slice has its parts in a, b and c; anything else is the key. */
static struct node *parse_subscript_key(struct parser *p)
{
    struct node *first = NULL, *n, **part;

    if (!at_op(p, ":")) {
        first = parse_expression(p);
        if (!first || !at_op(p, ":"))
            return first;
    }
    n = node_new(p, N_SLICE);
    if (!n)
        return NULL;
    n->a = first;
    part = &n->b;
    for (int i = 0; i < 2 && take_op(p, ":"); i++) {
        if (!at_op(p, ":") && !at_op(p, "]") && !(*part = parse_expression(p)))
            return NULL;
        part = &n->c;
    }
    return n;
}

static struct node *parse_dot(struct parser *p, struct node *of)
{
    struct node *n = node_new(p, N_GETATTR);

    if (!n)
        return NULL;
    n->a = of;
    p->at++;
    if (p->at->kind == T_INT) {
        n->kind = N_GETITEM;
        n->b = parse_number(p);
        return n->b ? n : NULL;
    }
    return want_identifier(p, &n->name) == 0 ? n : NULL;
}

struct node *parse_postfix(struct parser *p, struct node *n)
{
    struct node *of;

    while (n) {
        of = n;
        if (at_op(p, ".")) {
            n = parse_dot(p, of);
        } else if (at_op(p, "[")) {
            n = node_new(p, N_GETITEM);
            p->at++;
            if (n) {
                n->a = of;
                n->b = parse_subscript_key(p);
            }
            if (!n || !n->b || want_op(p, "]") < 0)
                return NULL;
        } else if (at_op(p, "(")) {
            n = node_new(p, N_CALL);
            if (!n || parse_arguments(p, &n->list) < 0)
                return NULL;
            n->a = of;
        } else {
            break;
        }
    }
    return n;
}

struct node *parse_filter(struct parser *p, struct node *input)
{
    struct node *n = node_new(p, N_FILTER);

    if (!n || want_identifier(p, &n->name) < 0)
        return NULL;
    n->a = input;
    return at_op(p, "(") && parse_arguments(p, &n->list) < 0 ? NULL : n;
}

struct node *parse_filters(struct parser *p, struct node *input)
{
    while (input && take_op(p, "|"))
        input = parse_filter(p, input);
    return input;
}

static int at_test_argument(const struct parser *p)
{
    if (p->at->kind == T_NAME)
        return !at_name(p, "else") && !at_name(p, "or") && !at_name(p, "and");
    return p->at->kind == T_STRING || p->at->kind == T_INT || p->at->kind == T_FLOAT ||
           at_op(p, "[") || at_op(p, "{");
}

static struct node *parse_test(struct parser *p, struct node *of)
{
    struct node *n = node_new(p, N_TEST), *negated = NULL;

    if (!n)
        return NULL;
    p->at++;
    if (at_name(p, "not")) {
        negated = node_new(p, N_NOT);
        if (!negated)
            return NULL;
        negated->a = n;
        p->at++;
    }
    n->a = of;
    if (want_identifier(p, &n->name) < 0)
        return NULL;
    if (at_op(p, "(")) {
        if (parse_arguments(p, &n->list) < 0)
            return NULL;
    } else if (at_name(p, "is")) {
        return parse_fail(p, n->line, "You cannot chain multiple tests with is");
    } else if (at_test_argument(p)) {
        n->list = parse_postfix(p, parse_primary(p));
        if (!n->list)
            return NULL;
    }
    return negated ? negated : n;
}

struct node *parse_filters_and_tests(struct parser *p, struct node *n)
{
    while (n) {
        if (at_op(p, "|"))
            n = parse_filters(p, n);
        else if (at_name(p, "is"))
            n = parse_test(p, n);
        else if (at_op(p, "("))
            n = parse_postfix(p, n);
        else
            break;
    }
    return n;
}
