/* template_expr.c -- tokens to expressions, by the precedence of Jinja:
 *
 *   x if y else z < or < and < not < comparisons, in < + - < ~ < * / // % < ** < unary < postfix
 *
 * where calls, subscripts, filters and tests are postfix.  Chains are parsed by loops, so that only
 * brackets (and not, -, **) deepen the stack. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/template_impl.h"

void *parse_fail(struct parser *p, int line, const char *fmt, ...)
{
    char text[300];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    err_set(p->e, ERR_FORMAT, "%s:%d: %s", p->t->name, line, text);
    return NULL;
}

static void *unexpected(struct parser *p)
{
    static const char *const what[T_OP + 1] = {
        [T_END] = "end of template", [T_DATA] = "text", [T_VAR_BEGIN] = "begin of print statement",
        [T_VAR_END] = "end of print statement", [T_BLOCK_BEGIN] = "begin of statement block",
        [T_BLOCK_END] = "end of statement block", [T_STRING] = "string",
    };
    const char *name = what[p->at->kind];

    if (name)
        return parse_fail(p, p->at->line, "unexpected '%s'", name);
    return parse_fail(p, p->at->line, "unexpected '%.*s'", (int)p->at->text.n, p->at->text.s);
}

int parse_enter(struct parser *p)
{
    if (++p->depth <= LIMIT_NESTING)
        return 0;
    parse_fail(p, p->at->line, "nested more than %d levels deep", LIMIT_NESTING);
    return -1;
}

struct node *node_new(struct parser *p, enum node_kind kind)
{
    struct node *n = arena_alloc(&p->t->arena, sizeof *n);

    if (!n) {
        err_nomem(p->e);
        return NULL;
    }
    n->kind = kind;
    n->line = p->at->line;
    return n;
}

int at_op(const struct parser *p, const char *op)
{
    return p->at->kind == T_OP && text_is(p->at->text, op);
}

int at_name(const struct parser *p, const char *name)
{
    return p->at->kind == T_NAME && text_is(p->at->text, name);
}

int take_op(struct parser *p, const char *op)
{
    int there = at_op(p, op);

    p->at += there;
    return there;
}

int take_name(struct parser *p, const char *name)
{
    int there = at_name(p, name);

    p->at += there;
    return there;
}

int want_op(struct parser *p, const char *op)
{
    if (take_op(p, op))
        return 0;
    unexpected(p);
    if (p->e)
        err_hint(p->e, "expected '%s'", op);
    return -1;
}

int want_identifier(struct parser *p, struct text *out)
{
    if (p->at->kind != T_NAME) {
        unexpected(p);
        return -1;
    }
    *out = p->at->text;
    p->at++;
    return 0;
}

static struct node *binary(struct parser *p, enum node_kind kind, enum op op, struct node *a,
                           struct node *(*operand)(struct parser *p))
{
    struct node *n = node_new(p, kind);

    if (!n)
        return NULL;
    n->op = op;
    n->a = a;
    n->b = operand(p);
    return n->b ? n : NULL;
}

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

static struct node *parse_or(struct parser *p);

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
    return n->list ? n->list : unexpected(p);
}

struct node *parse_tuple(struct parser *p, int cond)
{
    return tuple_of(p, cond ? parse_expression : parse_or, 0);
}

static struct node *parse_primary(struct parser *p)
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
        return unexpected(p);
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

static struct node *parse_postfix(struct parser *p, struct node *n)
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

static struct node *parse_filters_and_tests(struct parser *p, struct node *n)
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

static struct node *parse_signed(struct parser *p, int with_filters)
{
    struct node *n;

    if (parse_enter(p) < 0)
        return NULL;
    if (at_op(p, "-") || at_op(p, "+")) {
        n = node_new(p, at_op(p, "-") ? N_NEG : N_POS);
        p->at++;
        if (n && !(n->a = parse_signed(p, 0)))
            n = NULL;
    } else {
        n = parse_postfix(p, parse_primary(p));
    }
    if (with_filters)
        n = parse_filters_and_tests(p, n);
    p->depth--;
    return n;
}

static struct node *parse_unary(struct parser *p)
{
    return parse_signed(p, 1);
}

static struct node *parse_power(struct parser *p)
{
    struct node *n = parse_unary(p);

    while (n && take_op(p, "**"))
        n = binary(p, N_BINARY, OP_POW, n, parse_unary);
    return n;
}

struct op_row {
    const char *text;
    enum op op;
};

static enum op take_any(struct parser *p, const struct op_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (take_op(p, rows[i].text))
            return rows[i].op;
    return OP_NONE;
}

static struct node *parse_product(struct parser *p)
{
    static const struct op_row rows[] = {
        {"*", OP_MUL}, {"/", OP_DIV}, {"//", OP_FLOORDIV}, {"%", OP_MOD}};
    struct node *n = parse_power(p);
    enum op op;

    while (n && (op = take_any(p, rows, 4)) != OP_NONE)
        n = binary(p, N_BINARY, op, n, parse_power);
    return n;
}

static struct node *parse_concat(struct parser *p)
{
    struct node *first = parse_product(p), *n, **tail;

    if (!first || !at_op(p, "~"))
        return first;
    n = node_new(p, N_CONCAT);
    if (!n)
        return NULL;
    n->list = first;
    for (tail = &first->next; take_op(p, "~"); tail = &(*tail)->next) {
        *tail = parse_product(p);
        if (!*tail)
            return NULL;
    }
    return n;
}

static struct node *parse_sum(struct parser *p)
{
    static const struct op_row rows[] = {{"+", OP_ADD}, {"-", OP_SUB}};
    struct node *n = parse_concat(p);
    enum op op;

    while (n && (op = take_any(p, rows, 2)) != OP_NONE)
        n = binary(p, N_BINARY, op, n, parse_concat);
    return n;
}

static enum op take_comparison(struct parser *p)
{
    static const struct op_row rows[] = {{"==", OP_EQ}, {"!=", OP_NE}, {"<", OP_LT},
                                         {"<=", OP_LE}, {">", OP_GT},  {">=", OP_GE}};

    if (take_name(p, "in"))
        return OP_IN;
    if (at_name(p, "not") && p->at[1].kind == T_NAME && text_is(p->at[1].text, "in")) {
        p->at += 2;
        return OP_NOT_IN;
    }
    return take_any(p, rows, 6);
}

static struct node *parse_compare(struct parser *p)
{
    struct node *first = parse_sum(p), *n = NULL, **tail = NULL, *operand;
    enum op op;

    while (first && (op = take_comparison(p)) != OP_NONE) {
        if (!n) {
            n = node_new(p, N_COMPARE);
            if (!n)
                return NULL;
            n->a = first;
            tail = &n->list;
        }
        operand = node_new(p, N_OPERAND);
        if (!operand)
            return NULL;
        operand->op = op;
        operand->a = parse_sum(p);
        if (!operand->a)
            return NULL;
        *tail = operand;
        tail = &operand->next;
    }
    return n ? n : first;
}

static struct node *parse_not(struct parser *p)
{
    struct node *n;

    if (!at_name(p, "not"))
        return parse_compare(p);
    if (parse_enter(p) < 0)
        return NULL;
    n = node_new(p, N_NOT);
    p->at++;
    if (n && !(n->a = parse_not(p)))
        n = NULL;
    p->depth--;
    return n;
}

static struct node *parse_and(struct parser *p)
{
    struct node *n = parse_not(p);

    while (n && take_name(p, "and"))
        n = binary(p, N_AND, OP_NONE, n, parse_not);
    return n;
}

static struct node *parse_or(struct parser *p)
{
    struct node *n = parse_and(p);

    while (n && take_name(p, "or"))
        n = binary(p, N_OR, OP_NONE, n, parse_and);
    return n;
}

struct node *parse_expression(struct parser *p)
{
    struct node *n, *cond;

    if (parse_enter(p) < 0)
        return NULL;
    n = parse_or(p);
    while (n && take_name(p, "if")) {
        cond = node_new(p, N_COND);
        if (!cond)
            return NULL;
        cond->a = n;
        cond->b = parse_or(p);
        if (!cond->b || (take_name(p, "else") && !(cond->c = parse_expression(p))))
            return NULL;
        n = cond;
    }
    p->depth--;
    return n;
}
