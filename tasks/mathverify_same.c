/* mathverify_same.c -- whether two expressions count as the same answer, by the rules of
 * math-verify: an equation's right side against a number, a set whatever its order, (1,2) as an
 * interval or a point. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tasks/mathverify_same.h"

enum { ELEMENTS = 64, STEPS = 60 };

/* Tuples are none. */
static int is_set(const struct mv *v)
{
    return v->kind >= MV_FINITE && v->kind <= MV_NUMBER_SET && v->kind != MV_ORDERED;
}

static int is_relation(const struct mv *v)
{
    return v->kind == MV_RELATED || v->kind == MV_CHAIN;
}

/* --- letters ------------------------------------------------------------------------------- */

/* What letters that were read as a product spell. */
static int spells(const struct mv *product, const char *name)
{
    for (int i = 0; i < product->n; i++) {
        const char *s = product->args[i]->kind == MV_E ? "e" : product->args[i]->text;
        size_t n;
        if (product->args[i]->kind != MV_E && product->args[i]->kind != MV_NAME)
            return 0;
        n = strlen(s);
        if (strncmp(name, s, n) != 0)
            return 0;
        name += n;
    }
    return *name == 0;
}

/* The digits that a number is printed as. */
static int writes(const struct mv *v, const char *name)
{
    char text[64];

    if (v->text)
        return strcmp(name + (v->num < 0 && *name == '-'), v->text) == 0;
    snprintf(text, sizeof text, v->kind == MV_RATIONAL ? "%lld/%lld" : "%lld", (long long)v->num,
             (long long)v->den);
    return strcmp(name, text) == 0;
}

static int same_names(const struct mv *a, const struct mv *b)
{
    if (a->kind != MV_NAME)
        return same_names(b, a);
    if (b->kind == MV_NAME)
        return strcmp(a->text, b->text) == 0;
    if (b->kind == MV_E)
        return strcmp(a->text, "e") == 0;
    if (b->kind == MV_INTEGER || b->kind == MV_RATIONAL)
        return writes(b, a->text);
    return b->kind == MV_PRODUCT && spells(b, a->text);
}

/* --- sets ---------------------------------------------------------------------------------- */

static int same(struct arena *a, const struct mv *gold, const struct mv *got);

/* Whatever their order: none is used twice. */
static int same_members(struct arena *a, int n, const struct mv *const *x,
                        const struct mv *const *y)
{
    char used[ELEMENTS] = {0};

    if (n > ELEMENTS)
        return 0;
    for (int i = 0; i < n; i++) {
        int k = 0;
        while (k < n && (used[k] || !same(a, x[i], y[k])))
            k++;
        if (k == n)
            return 0;
        used[k] = 1;
    }
    return 1;
}

static int same_lists(struct arena *a, const struct mv *gold, const struct mv *got)
{
    if (gold->n != got->n)
        return 0;
    if (gold->kind == MV_FINITE)
        return same_members(a, gold->n, gold->args, got->args);
    for (int i = 0; i < gold->n; i++)
        if (!same(a, gold->args[i], got->args[i]))
            return 0;
    return got->kind == MV_ORDERED || got->num == 0;
}

static int same_sets(struct arena *a, const struct mv *gold, const struct mv *got)
{
    const struct mv *x = gold, *y = got;

    if (!is_set(x) && x->kind != MV_ORDERED)
        x = mv_finite(a, 1, &gold);
    if (!is_set(y) && y->kind != MV_ORDERED)
        y = mv_finite(a, 1, &got);
    if (!x || !y)
        return 0;
    if (x->kind == MV_RANGE && y->kind == MV_RANGE)
        return x->num == y->num && same(a, x->args[0], y->args[0]) &&
               same(a, x->args[1], y->args[1]);
    if (mv_identical(x, y))
        return 1;
    if (is_set(x) && is_set(y) && mv_same_points(x, y))
        return 1;
    /* (1,2) is an interval or a point */
    if (x->kind == MV_RANGE && x->num == 3 && (y->kind == MV_FINITE || y->kind == MV_ORDERED))
        x = mv_make(a, MV_ORDERED, 2, x->args);
    else if (y->kind == MV_RANGE && y->num == 3 && (x->kind == MV_FINITE || x->kind == MV_ORDERED))
        y = mv_make(a, MV_ORDERED, 2, y->args);
    if (!x || !y || (x->kind != MV_FINITE && x->kind != MV_ORDERED) ||
        (y->kind != MV_FINITE && y->kind != MV_ORDERED))
        return 0;
    return same_lists(a, x, y);
}

/* --- relations ----------------------------------------------------------------------------- */

static const struct mv *last_of(const struct mv *v)
{
    return v->kind == MV_CHAIN ? v->args[v->n - 1] : v;
}

static int is_equation(const struct mv *v)
{
    if (v->kind == MV_RELATED)
        return v->num == MV_EQUALS;
    for (int i = 0; v->kind == MV_CHAIN && i < v->n; i++)
        if (v->args[i]->num != MV_EQUALS)
            return 0;
    return v->kind == MV_CHAIN;
}

static const struct mv *left_of(const struct mv *v)
{
    return v->kind == MV_CHAIN ? v->args[0]->args[0] : v->args[0];
}

static int is_assignment(const struct mv *v)
{
    return is_equation(v) && mv_only_names(left_of(v));
}

/* a = b = c is a = c. */
static const struct mv *shortened(struct arena *a, const struct mv *v)
{
    const struct mv *args[] = {left_of(v), last_of(v)->args[1]};
    struct mv *w = mv_make(a, MV_RELATED, 2, args);

    if (w)
        w->num = MV_EQUALS;
    return w;
}

static int same_differences(struct arena *a, const struct mv *x, const struct mv *y, int flipped)
{
    const struct mv *minus = mv_integer(a, -1), *sides[2];

    for (int i = 0; i < 2; i++) {
        const struct mv *v = i ? y : x;
        const struct mv *product[] = {minus, v->args[!(i && flipped)]};
        const struct mv *sum[] = {v->args[i && flipped],
                                  minus ? mv_make(a, MV_PRODUCT, 2, product) : NULL};
        sides[i] = sum[1] ? mv_make(a, MV_SUM, 2, sum) : NULL;
    }
    if (!sides[0] || !sides[1])
        return 0;
    if (mv_is_matrix(sides[0]) && mv_is_matrix(sides[1]))
        return mv_same_matrices(a, sides[0], sides[1]);
    return mv_same_values(sides[0], sides[1]);
}

/* A root of what one relation says in `name` is one of the other, too; all else is drawn. */
static int shares_root(const struct mv *x, const struct mv *y, const struct mv *name, int trial)
{
    double complex z = 0.7 + 0.3 * trial + (0.4 - 0.1 * trial) * I, f, g, d;

    for (int i = 0; i < STEPS; i++) {
        if (!mv_difference_at(x, name, z, &f) || !mv_difference_at(x, name, z + 1e-6, &g))
            return 0;
        if (cabs(f) < 1e-12)
            break;
        d = (g - f) / 1e-6;
        if (cabs(d) < 1e-14)
            return 0;
        z -= f / d;
    }
    return mv_difference_at(x, name, z, &f) && cabs(f) < 1e-9 && mv_difference_at(y, name, z, &g) &&
           cabs(g) < 1e-6;
}

static void first_names(const struct mv *v, const struct mv **found, int *n)
{
    if (v->kind == MV_NAME && (*n == 0 || (*n == 1 && !mv_identical(found[0], v))))
        found[(*n)++] = v;
    for (int i = 0; i < v->n && *n < 2; i++)
        first_names(v->args[i], found, n);
}

/* Equations in several letters with the same solutions. */
static int same_solutions(const struct mv *x, const struct mv *y)
{
    const struct mv *names[2];
    int n = 0;

    first_names(x, names, &n);
    if (n < 2)
        return 0;
    for (int trial = 0; trial < 3; trial++)
        if (!shares_root(x, y, names[0], trial) || !shares_root(y, x, names[0], trial))
            return 0;
    return 1;
}

static int same_relations(struct arena *a, const struct mv *x, const struct mv *y)
{
    static const enum mv_part turned[][2] = {
        {MV_LESS, MV_MORE}, {MV_MORE, MV_LESS}, {MV_LESS_EQUAL, MV_MORE_EQUAL},
        {MV_MORE_EQUAL, MV_LESS_EQUAL}, {MV_EQUALS, MV_EQUALS},
    };

    if (x->kind == MV_CHAIN && y->kind == MV_CHAIN) {
        for (int i = 0; i < x->n; i++)
            if (x->n != y->n || !same_relations(a, x->args[i], y->args[i]))
                return 0;
        return 1;
    }
    if (x->kind != MV_RELATED || y->kind != MV_RELATED)
        return 0;
    if (x->num == y->num && same_differences(a, x, y, 0))
        return 1;
    for (size_t i = 0; i < sizeof turned / sizeof turned[0]; i++)
        if (x->num == (int64_t)turned[i][0] && y->num == (int64_t)turned[i][1] &&
            same_differences(a, x, y, 1))
            return 1;
    return x->num == MV_EQUALS && y->num == MV_EQUALS && same_solutions(x, y);
}

/* --- all ----------------------------------------------------------------------------------- */

static int same(struct arena *a, const struct mv *gold, const struct mv *got)
{
    int gold_is = is_equation(gold), got_is = is_equation(got), assigned = is_assignment(gold);
    const struct mv *name = NULL;

    if (assigned)
        gold = shortened(a, gold);
    if (is_assignment(got))
        got = shortened(a, got);
    if (!gold || !got)
        return 0;
    if (got_is && !gold_is)
        got = last_of(got)->args[1];
    else if (assigned && !got_is)
        gold = gold->args[1];
    if (gold->kind == MV_UNDEFINED)
        return 0;
    if (is_relation(gold) && is_set(got) && mv_only_name(gold, &name) && name)
        return mv_same_points(gold, got);
    if (mv_identical(gold, got))
        return 1;
    if (is_relation(gold) && is_relation(got))
        return same_relations(a, gold, got);
    if (is_set(gold) || is_set(got) || gold->kind == MV_ORDERED || got->kind == MV_ORDERED)
        return same_sets(a, gold, got);
    if (gold->kind == MV_NAME || got->kind == MV_NAME)
        return same_names(gold, got);
    if (mv_is_matrix(gold) || mv_is_matrix(got))
        return mv_is_matrix(gold) && mv_is_matrix(got) && mv_same_matrices(a, gold, got);
    return mv_same_numbers(gold, got) || mv_same_values(gold, got);
}

int mv_same(struct arena *a, const struct mv *gold, const struct mv *got)
{
    return same(a, gold, got);
}
