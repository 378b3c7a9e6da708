/* mathverify_read.c -- functions, brackets and operators of the tree of a text. */
#include <stdlib.h>
#include <string.h>

#include "tasks/mathverify_read.h"
#include "tasks/texvalue.h"

#define LENGTH(a) (sizeof(a) / sizeof(a)[0])

/* --- functions ----------------------------------------------------------------------------- */

static const struct {
    const char *name;
    int of, inverse; /* enum texfunction; inverse -1: ^{-1} is a power */
} functions[] = {
    {"exp", TEX_EXP, -1}, {"sin", TEX_SIN, TEX_ASIN}, {"cos", TEX_COS, TEX_ACOS},
    {"tan", TEX_TAN, TEX_ATAN}, {"csc", TEX_CSC, TEX_ACSC}, {"sec", TEX_SEC, TEX_ASEC},
    {"cot", TEX_COT, TEX_ACOT}, {"arcsin", TEX_ASIN, -1}, {"arccos", TEX_ACOS, -1},
    {"arctan", TEX_ATAN, -1}, {"arccsc", TEX_ACSC, -1}, {"arcsec", TEX_ASEC, -1},
    {"arccot", TEX_ACOT, -1}, {"sinh", TEX_SINH, TEX_ASINH}, {"cosh", TEX_COSH, TEX_ACOSH},
    {"tanh", TEX_TANH, TEX_ATANH}, {"arsinh", TEX_ASINH, -1}, {"arcosh", TEX_ACOSH, -1},
    {"artanh", TEX_ATANH, -1}, {"arcsinh", TEX_ASINH, -1}, {"arccosh", TEX_ACOSH, -1},
    {"arctanh", TEX_ATANH, -1}, {"floor", TEX_FLOOR, -1}, {"ceil", TEX_CEILING, -1},
};

static const struct mv *product(struct maker *m, const struct mv_node *n);

static const struct mv *argument(struct maker *m, const struct mv_node *n)
{
    return n->alternative == 0 ? mv_expr(m, n->kids[1]) : product(m, n->kids[0]);
}

static const struct mv *logarithm(struct maker *m, const struct mv *x, const struct mv *base,
                                  int natural)
{
    if (!base)
        base = natural ? mv_build(m, MV_E, 0, 0, NULL) : mv_whole(m, 10);
    return mv_pair(m, MV_LOG_BASE, x, base);
}

static const struct mv *function(struct maker *m, const struct mv_node *n)
{
    const struct mv_node *which = n->kids[0], *scripts = mv_kid(n, MV_scripts, 0);
    const struct mv_token *t = &m->tokens[which->n > 1 ? which->from + 2 : which->from];
    const struct mv_node *above = scripts ? mv_kid(scripts, MV_above, 0) : NULL;
    const struct mv_node *below = scripts ? mv_kid(scripts, MV_below, 0) : NULL;
    const struct mv *x = argument(m, mv_kid(n, MV_argument, 0)), *power = NULL, *base = NULL,
                    *v = NULL;
    struct span word = {t->s + (*t->s == '\\'), (size_t)(t->n - (*t->s == '\\'))};

    if (above)
        power = mv_script(m, above);
    if (!x || (above && !power))
        return NULL;
    if (word.n < 4 && (strncmp(word.s, "log", 3) == 0 || strncmp(word.s, "ln", 2) == 0)) {
        base = below ? mv_script(m, below) : NULL;
        v = below && !base ? NULL : logarithm(m, x, base, word.n == 2);
    }
    if (t->kind == MV_GAMMA) { /* (x - 1)! */
        v = mv_flat(m, MV_SUM, x, mv_whole(m, -1));
        v = v ? mv_build(m, MV_APPLIED, TEX_FACTORIAL, 1, &v) : NULL;
    }
    for (size_t i = 0; i < LENGTH(functions); i++)
        if (strlen(functions[i].name) == word.n &&
            strncmp(functions[i].name, word.s, word.n) == 0) {
            int inverse =
                power && functions[i].inverse >= 0 && mv_is_whole(power) && power->num == -1;
            v = mv_build(m, MV_APPLIED, inverse ? functions[i].inverse : functions[i].of, 1, &x);
            power = inverse ? NULL : power;
        }
    if (!v)
        return mv_fail(m);
    return power && !(mv_is_whole(power) && power->num == 0) ? mv_pair(m, MV_RAISED, v, power) : v;
}

static void add_args(struct maker *m, const struct mv_node *n, struct several *all)
{
    for (int i = 0; i < n->n; i++)
        if (n->kids[i]->part == MV_expr)
            mv_push(m, all, mv_expr(m, n->kids[i]));
        else if (n->kids[i]->part == MV_atom)
            mv_push(m, all, mv_atom(m, n->kids[i]));
        else if (n->kids[i]->part == MV_args)
            add_args(m, n->kids[i], all);
}

/* Greatest and least, of numbers. */
static const struct mv *of_several(struct maker *m, const struct mv_node *n)
{
    const struct mv_node *arguments = mv_kid(n, MV_arguments, 0);
    const struct mv_token *t = &m->tokens[n->kids[0]->to - (n->kids[0]->n > 1 ? 2 : 1)];
    const char *word = t->s + (*t->s == '\\');
    struct several all = {NULL, 0, 0};
    const struct mv *best = NULL;
    double most = 0, x;

    if (mv_kid(n, MV_scripts, 0) || arguments->alternative)
        return mv_fail(m);
    add_args(m, arguments->kids[1], &all);
    for (int i = 0; i < all.n && !m->failed; i++) {
        if (!mv_constant(all.v[i], &x) || strncmp(word, "m", 1) != 0) {
            int64_t a = best ? best->num : all.v[i]->num, b = all.v[i]->num, product_of;
            if (!mv_is_whole(all.v[i]) || *word == 'm')
                return mv_fail(m);
            product_of = llabs(a / (b ? b : 1) * b);
            while (b) {
                int64_t rest = a % b;
                a = b;
                b = rest;
            }
            if (strncmp(word, "lcm", 3) == 0 && a) {
                if (best && __builtin_mul_overflow(best->num / a, all.v[i]->num, &product_of))
                    return mv_fail(m);
                a = product_of;
            }
            best = mv_whole(m, llabs(a));
        } else if (!best || (word[1] == 'a' ? x > most : x < most)) {
            most = x;
            best = all.v[i];
        }
    }
    return m->failed || !best ? mv_fail(m) : best;
}

static const struct mv *call(struct maker *m, const struct mv_node *n)
{
    const struct mv_node *above = mv_kid(n, MV_above, 0), *called = mv_kid(n, MV_called, 0);
    struct several all = {NULL, 0, 0};
    struct strbuf b = STRBUF_INIT;
    struct mv *v;

    for (int i = 0; i < called->n; i++)
        if (called->kids[i]->part == MV_call_args)
            add_args(m, called->kids[i], &all);
    if (m->failed)
        return NULL;
    v = mv_build(m, MV_CALLED, 0, all.n, all.v);
    mv_add_text(m, n->kids[0], &b);
    if (v)
        v->text = arena_strdup(m->arena, strbuf_str(&b));
    if (b.failed || (v && !v->text))
        m->failed = -1;
    strbuf_release(&b);
    if (m->failed || !above)
        return v;
    return mv_pair(m, MV_RAISED, v, mv_script(m, above));
}

static const struct mv *root(struct maker *m, const struct mv_node *n)
{
    const struct mv *base = mv_expr(m, mv_kid(n, MV_expr, n->alternative == 3));
    const struct mv *degree = n->alternative == 3 ? mv_expr(m, n->kids[2]) : mv_whole(m, 2);

    if (!degree || (mv_is_number(degree) && !degree->text && degree->num == 0))
        return mv_fail(m);
    if (degree->kind == MV_RATIONAL)
        return mv_pair(m, MV_RAISED, base, mv_ratio(m->arena, degree->den, degree->num));
    return mv_pair(m, MV_RAISED, base, mv_quotient(m, mv_whole(m, 1), degree));
}

static const struct mv *exponential(struct maker *m, const struct mv_node *n)
{
    const struct mv *x;

    if (n->n == 1)
        return mv_build(m, MV_E, 0, 0, NULL);
    x = mv_script(m, n->kids[1]);
    if (x && mv_is_whole(x) && (x->num == 0 || x->num == 1))
        return x->num ? mv_build(m, MV_E, 0, 0, NULL) : mv_whole(m, 1);
    return mv_build(m, MV_APPLIED, TEX_EXP, 1, &x);
}

static const struct mv *func(struct maker *m, const struct mv_node *n)
{
    switch (n->alternative) {
    case 0: return function(m, n);
    case 1: return of_several(m, n);
    case 2: return call(m, n);
    case 3:
    case 4: return root(m, n);
    default: return exponential(m, n);
    }
}

/* --- what is in brackets ------------------------------------------------------------------- */

static const struct mv *matrix(struct maker *m, const struct mv_node *n)
{
    struct several all = {NULL, 0, 0};
    int columns = 0;

    for (int i = 0; i < n->n; i++) {
        const struct mv_node *row = n->kids[i]->part == MV_row         ? n->kids[i]
                                    : n->kids[i]->part == MV_more_rows ? n->kids[i]->kids[1]
                                                                       : NULL;
        if (row && columns && row->n != columns)
            return mv_fail(m);
        for (int k = 0; row && k < row->n; k++)
            mv_push(
                m, &all,
                mv_expr(m, row->kids[k]->part == MV_expr ? row->kids[k] : row->kids[k]->kids[1]));
        columns = row ? row->n : columns;
    }
    return m->failed ? NULL : mv_build(m, MV_ROWS, columns, all.n, all.v);
}

static const struct mv *transposed(struct maker *m, const struct mv *v)
{
    struct several all = {NULL, 0, 0};
    int columns = (int)v->num;

    if (v->kind != MV_ROWS)
        return v;
    for (int c = 0; c < columns; c++)
        for (int i = c; i < v->n; i += columns)
            mv_push(m, &all, v->args[i]);
    return m->failed ? NULL : mv_build(m, MV_ROWS, v->n / columns, all.n, all.v);
}

static const struct mv *applied(struct maker *m, enum texfunction f, const struct mv *x)
{
    return mv_build(m, MV_APPLIED, f, 1, &x);
}

static const struct mv *comp(struct maker *m, const struct mv_node *n)
{
    const struct mv_node *what = n->kids[0];

    if (what->part == MV_enclosed)
        what = what->kids[0];
    switch (what->part) {
    case MV_group: return mv_expr(m, what->kids[1]);
    case MV_phantom: return mv_expr(m, what->kids[2]);
    case MV_bars: return applied(m, TEX_ABS, mv_expr(m, what->kids[1]));
    case MV_floor: return applied(m, TEX_FLOOR, mv_expr(m, what->kids[1]));
    case MV_ceiling: return applied(m, TEX_CEILING, mv_expr(m, what->kids[1]));
    case MV_atom: return mv_atom(m, what);
    case MV_frac:
        return mv_quotient(m, mv_expr(m, mv_kid(what, MV_expr, 0)),
                           mv_expr(m, mv_kid(what, MV_expr, 1)));
    case MV_binom:
        return mv_pair(m, MV_CHOOSING, mv_expr(m, mv_kid(what, MV_expr, 0)),
                    mv_expr(m, mv_kid(what, MV_expr, 1)));
    case MV_matrix: return matrix(m, what);
    default: return mv_fail(m);
    }
}

/* --- operators ----------------------------------------------------------------------------- */

static const struct mv *exp_of(struct maker *m, const struct mv_node *n)
{
    const struct mv *v = n->kids[0]->part == MV_func ? func(m, n->kids[0]) : comp(m, n->kids[0]);

    for (int i = 1; i < n->n; i++)
        v = mv_pair(m, MV_RAISED, v, mv_script(m, n->kids[i]->kids[0]));
    return v;
}

static const struct mv *postfix(struct maker *m, const struct mv_node *n)
{
    const struct mv *v = exp_of(m, n->kids[0]);

    for (int i = 1; i < n->n && v; i++) {
        enum mv_part sign = n->kids[i]->kids[0]->part;
        if (sign == MV_FACTORIAL)
            v = applied(m, TEX_FACTORIAL, v);
        else if (sign == MV_TRANSPOSED)
            v = transposed(m, v);
    }
    return v;
}

static const struct mv *unary(struct maker *m, const struct mv_node *n)
{
    const struct mv *v;

    if (n->kids[0]->part == MV_ADD)
        return unary(m, n->kids[1]);
    if (n->kids[0]->part == MV_SUB)
        return mv_negated(m, unary(m, n->kids[1]));
    v = postfix(m, n->kids[n->n - 1]);
    for (int i = n->n - 1; i-- > 0 && v;)
        v = mv_juxtaposed(m, postfix(m, n->kids[i]), v);
    return v;
}

static const struct mv *product(struct maker *m, const struct mv_node *n)
{
    const struct mv *v = unary(m, n->kids[0]), *w;

    for (int i = 1; i < n->n && v; i++) {
        enum mv_part sign = n->kids[i]->kids[0]->kids[0]->part;
        w = unary(m, n->kids[i]->kids[1]);
        v = sign == MV_TIMES ? mv_flat(m, MV_PRODUCT, v, w)
            : sign == MV_OVER ? mv_quotient(m, v, w)
                              : mv_pair(m, MV_MODULO, v, w);
    }
    return v;
}

const struct mv *mv_expr(struct maker *m, const struct mv_node *n)
{
    const struct mv *v = product(m, n->kids[0]), *w;

    for (int i = 1; i < n->n && v; i++) {
        w = product(m, n->kids[i]->kids[1]);
        v = mv_flat(m, MV_SUM, v, n->kids[i]->alternative == 0 ? w : mv_negated(m, w));
    }
    return v;
}
