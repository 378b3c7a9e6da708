/* template_operators.c -- what operators come to: arithmetic, + and * of rows, `in`, comparisons.
 *
 * Whole numbers are 64 bits: what would leave them is an error where Python's would go on growing.
 * Rows count steps or memory before they grow. */
#include <math.h>
#include <string.h>

#include "base/template_impl.h"

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

const struct val *eval_sign(struct ctx *c, const struct node *n, struct scope *s)
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
