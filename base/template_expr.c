/* template_expr.c -- tokens to expressions, by the precedence of Jinja:
 *
 *   x if y else z < or < and < not < comparisons, in < + - < ~ < * / // % < ** < unary < postfix
 *
 * where calls, subscripts, filters and tests are postfix.  Chains are parsed by loops, so that only
 * brackets (and not, -, **) deepen the stack.  What the operators stand between is read by
 * template_primary.c. */
#include "base/template_impl.h"

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

struct node *parse_or(struct parser *p)
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
