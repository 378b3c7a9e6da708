/* template_tests.c -- what may stand after `is`: one row each. */
#include <math.h>
#include <string.h>

#include "base/template_impl.h"

static const struct val *is_defined(struct ctx *c, const struct val *v, struct args *a)
{
    (void)c, (void)a;
    return val_bool(v->type != VAL_UNDEFINED);
}

static const struct val *is_undefined(struct ctx *c, const struct val *v, struct args *a)
{
    (void)c, (void)a;
    return val_bool(v->type == VAL_UNDEFINED);
}

static const struct val *is_none(struct ctx *c, const struct val *v, struct args *a)
{
    (void)c, (void)a;
    return val_bool(v->type == VAL_NONE);
}

static const struct val *is_boolean(struct ctx *c, const struct val *v, struct args *a)
{
    (void)c, (void)a;
    return val_bool(v->type == VAL_BOOL);
}

static const struct val *is_true(struct ctx *c, const struct val *v, struct args *a)
{
    (void)c, (void)a;
    return val_bool(v->type == VAL_BOOL && v->i);
}

static const struct val *is_false(struct ctx *c, const struct val *v, struct args *a)
{
    (void)c, (void)a;
    return val_bool(v->type == VAL_BOOL && !v->i);
}

static const struct val *is_integer(struct ctx *c, const struct val *v, struct args *a)
{
    (void)c, (void)a;
    return val_bool(v->type == VAL_INT);
}

static const struct val *is_float(struct ctx *c, const struct val *v, struct args *a)
{
    (void)c, (void)a;
    return val_bool(v->type == VAL_FLOAT);
}

static const struct val *is_number(struct ctx *c, const struct val *v, struct args *a)
{
    (void)c, (void)a;
    return val_bool(val_is_number(v));
}

static const struct val *is_string(struct ctx *c, const struct val *v, struct args *a)
{
    (void)c, (void)a;
    return val_bool(v->type == VAL_STR);
}

static const struct val *is_mapping(struct ctx *c, const struct val *v, struct args *a)
{
    (void)c, (void)a;
    return val_bool(v->type == VAL_DICT);
}

static const struct val *is_iterable(struct ctx *c, const struct val *v, struct args *a)
{
    (void)c, (void)a;
    return val_bool(v->type == VAL_STR || v->type == VAL_SEQ || v->type == VAL_DICT ||
                    v->type == VAL_UNDEFINED || v->type == VAL_LOOP);
}

/* What has a length and subscripts: not a view, not an iterator. */
static const struct val *is_sequence(struct ctx *c, const struct val *v, struct args *a)
{
    (void)c, (void)a;
    return val_bool(v->type == VAL_STR || v->type == VAL_DICT || v->type == VAL_UNDEFINED ||
                    (v->type == VAL_SEQ && v->kind <= SEQ_RANGE));
}

static const struct val *is_callable(struct ctx *c, const struct val *v, struct args *a)
{
    (void)c, (void)a;
    return val_bool(v->type == VAL_CALLABLE || v->type == VAL_UNDEFINED);
}

static const struct val *is_escaped(struct ctx *c, const struct val *v, struct args *a)
{
    (void)c, (void)a;
    return val_bool(v->type == VAL_STR && v->markup);
}

/* v % by == rest */
static const struct val *has_rest(struct ctx *c, const struct val *v, const struct val *by,
                                  int64_t rest)
{
    const struct val *r = eval_binary(c, OP_MOD, v, by), *want = val_int(c, rest);
    int same = r && want ? val_equal(c, r, want) : -1;

    return same < 0 ? NULL : val_bool(same);
}

static const struct val *is_odd(struct ctx *c, const struct val *v, struct args *a)
{
    const struct val *two = val_int(c, 2);

    (void)a;
    return two ? has_rest(c, v, two, 1) : NULL;
}

static const struct val *is_even(struct ctx *c, const struct val *v, struct args *a)
{
    const struct val *two = val_int(c, 2);

    (void)a;
    return two ? has_rest(c, v, two, 0) : NULL;
}

static const struct val *is_divisible(struct ctx *c, const struct val *v, struct args *a)
{
    return has_rest(c, v, a->v[0], 0);
}

static const struct val *compare(struct ctx *c, enum op op, const struct val *a,
                                 const struct val *b)
{
    int holds;

    return eval_compare(c, op, a, b, &holds) < 0 ? NULL : val_bool(holds);
}

static const struct val *is_eq(struct ctx *c, const struct val *v, struct args *a)
{
    return compare(c, OP_EQ, v, a->v[0]);
}

static const struct val *is_ne(struct ctx *c, const struct val *v, struct args *a)
{
    return compare(c, OP_NE, v, a->v[0]);
}

static const struct val *is_lt(struct ctx *c, const struct val *v, struct args *a)
{
    return compare(c, OP_LT, v, a->v[0]);
}

static const struct val *is_le(struct ctx *c, const struct val *v, struct args *a)
{
    return compare(c, OP_LE, v, a->v[0]);
}

static const struct val *is_gt(struct ctx *c, const struct val *v, struct args *a)
{
    return compare(c, OP_GT, v, a->v[0]);
}

static const struct val *is_ge(struct ctx *c, const struct val *v, struct args *a)
{
    return compare(c, OP_GE, v, a->v[0]);
}

static const struct val *is_in(struct ctx *c, const struct val *v, struct args *a)
{
    return compare(c, OP_IN, v, a->v[0]);
}

static const struct val *is_same(struct ctx *c, const struct val *v, struct args *a)
{
    const struct val *w = a->v[0];

    (void)c;
    return val_bool(v == w || (v->type == w->type && (v->type == VAL_NONE ||
                    ((v->type == VAL_BOOL || v->type == VAL_INT) && v->i == w->i))));
}

/* Has the text letters, and are all of them of this case? */
static const struct val *has_case(struct ctx *c, const struct val *v, enum letter_case how)
{
    const struct val *same, *other;
    struct text t;

    if (val_as_text(c, v, &t) < 0)
        return NULL;
    same = text_case(c, t, how);
    other = same ? text_case(c, t, how == CASE_LOWER ? CASE_UPPER : CASE_LOWER) : NULL;
    return other ? val_bool(text_equal(same->str, t) && !text_equal(other->str, t)) : NULL;
}

static const struct val *is_lower(struct ctx *c, const struct val *v, struct args *a)
{
    (void)a;
    return has_case(c, v, CASE_LOWER);
}

static const struct val *is_upper(struct ctx *c, const struct val *v, struct args *a)
{
    (void)a;
    return has_case(c, v, CASE_UPPER);
}

static const struct val *is_filter(struct ctx *c, const struct val *v, struct args *a)
{
    (void)c, (void)a;
    return val_bool(v->type == VAL_STR && filter_find(v->str));
}

static const struct val *is_test(struct ctx *c, const struct val *v, struct args *a)
{
    (void)c, (void)a;
    return val_bool(v->type == VAL_STR && test_find(v->str));
}

const struct native *test_find(struct text name)
{
    static const struct native rows[] = {
        {"defined", is_defined, 0, ""},
        {"undefined", is_undefined, 0, ""},
        {"none", is_none, 0, ""},
        {"boolean", is_boolean, 0, ""},
        {"true", is_true, 0, ""},
        {"false", is_false, 0, ""},
        {"integer", is_integer, 0, ""},
        {"float", is_float, 0, ""},
        {"number", is_number, 0, ""},
        {"string", is_string, 0, ""},
        {"mapping", is_mapping, 0, ""},
        {"iterable", is_iterable, 0, ""},
        {"sequence", is_sequence, 0, ""},
        {"callable", is_callable, 0, ""},
        {"escaped", is_escaped, 0, ""},
        {"odd", is_odd, 0, ""},
        {"even", is_even, 0, ""},
        {"divisibleby", is_divisible, 1, "num"},
        {"eq", is_eq, 1, "other"},
        {"equalto", is_eq, 1, "other"},
        {"==", is_eq, 1, "other"},
        {"ne", is_ne, 1, "other"},
        {"!=", is_ne, 1, "other"},
        {"lt", is_lt, 1, "other"},
        {"lessthan", is_lt, 1, "other"},
        {"<", is_lt, 1, "other"},
        {"le", is_le, 1, "other"},
        {"<=", is_le, 1, "other"},
        {"gt", is_gt, 1, "other"},
        {"greaterthan", is_gt, 1, "other"},
        {">", is_gt, 1, "other"},
        {"ge", is_ge, 1, "other"},
        {">=", is_ge, 1, "other"},
        {"in", is_in, 1, "seq"},
        {"sameas", is_same, 1, "other"},
        {"lower", is_lower, 0, ""},
        {"upper", is_upper, 0, ""},
        {"filter", is_filter, 0, ""},
        {"test", is_test, 0, ""},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (text_is(name, rows[i].name))
            return &rows[i];
    return NULL;
}
