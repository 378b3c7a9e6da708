/* mathverify_number.c -- values of expressions, and which numbers, formulas and matrices are the
 * same: floats to six decimals, 9 % also as 9, all else at random points (texvalue.h). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tasks/mathverify_same.h"
#include "tasks/texvalue.h"

enum { TRIALS = 6 };

struct point { /* where values are looked at; `name` may be given a value of its own */
    struct texpoint p;
    const struct mv *name;
    double complex value;
};

static int value(struct point *at, const struct mv *v, struct texvalue *out);

static struct texvalue number_value(const struct texpoint *p, const struct mv *v)
{
    struct texvalue x;

    if (!v->text) {
        x = tex_integer(p, v->num);
        if (v->kind == MV_RATIONAL) {
            struct texpoint scratch = *p;
            x = tex_multiply(p, x, tex_inverse(&scratch, tex_integer(p, v->den)));
        }
        return x;
    }
    if (strchr(v->text, 'E'))
        return (struct texvalue){.z = (double)v->num * strtod(v->text, NULL)};
    x = tex_number(p, v->text, strlen(v->text));
    return v->num < 0 ? tex_negate(p, x) : x;
}

/* A letter stands for a real number, of either sign, where it is real. */
static struct texvalue name_value(const struct point *at, const struct mv *v)
{
    struct texvalue x = tex_symbol(&at->p, v->text, strlen(v->text));

    if (at->name && mv_identical(at->name, v))
        return (struct texvalue){.z = at->value, .symbols = 1};
    if (!v->real)
        return tex_unknown(&at->p, x, x);
    x.z = creal(x.z) > 0 ? cabs(x.z) : -cabs(x.z);
    return x;
}

/* Something that no polynomial tells from a letter. */
static struct texvalue constant_value(const struct point *at, double z)
{
    struct texvalue x = tex_symbol(&at->p, "\1", 1);

    x.z = z;
    x.symbols = 0;
    return x;
}

static int applied_value(struct point *at, const struct mv *v, struct texvalue x,
                         struct texvalue *out)
{
    struct texvalue y;

    switch (v->kind) {
    case MV_APPLIED: *out = tex_apply(&at->p, (enum texfunction)v->num, x); return 1;
    case MV_RAISED:
        if (!value(at, v->args[1], &y))
            return 0;
        *out = tex_power(&at->p, x, y);
        return 1;
    case MV_LOG_BASE:
        if (!value(at, v->args[1], &y))
            return 0;
        y = tex_apply(&at->p, TEX_LOG, y);
        *out = tex_multiply(&at->p, tex_apply(&at->p, TEX_LOG, x), tex_inverse(&at->p, y));
        return 1;
    case MV_CHOOSING:
        if (!value(at, v->args[1], &y))
            return 0;
        *out = tex_binomial(&at->p, x, y);
        return 1;
    case MV_MODULO:
        if (!value(at, v->args[1], &y) || x.den != 1 || y.den != 1 || y.num <= 0)
            return 0;
        x.num %= y.num;
        *out = tex_integer(&at->p, x.num < 0 ? x.num + y.num : x.num);
        return 1;
    default: return 0;
    }
}

static int joined_value(struct point *at, const struct mv *v, struct texvalue *out)
{
    struct texvalue x;

    for (int i = 0; i < v->n; i++) {
        if (!value(at, v->args[i], &x))
            return 0;
        if (v->kind == MV_CALLED)
            *out = tex_unknown(&at->p, *out, x);
        else if (i == 0)
            *out = x;
        else if (v->kind == MV_SUM)
            *out = tex_add(&at->p, *out, x);
        else
            *out = tex_multiply(&at->p, *out, x);
    }
    out->symbols |= v->kind == MV_CALLED;
    return 1;
}

static int value(struct point *at, const struct mv *v, struct texvalue *out)
{
    struct texvalue x;

    switch (v->kind) {
    case MV_INTEGER:
    case MV_RATIONAL:
    case MV_FLOAT: *out = number_value(&at->p, v); return 1;
    case MV_NAME: *out = name_value(at, v); return 1;
    case MV_PI: *out = constant_value(at, M_PI); return 1;
    case MV_E: *out = (struct texvalue){.z = M_E}; return 1;
    case MV_EULER_GAMMA: *out = (struct texvalue){.z = 0.57721566490153286}; return 1;
    case MV_I: *out = (struct texvalue){.z = I}; return 1;
    case MV_HUNDREDTH: *out = tex_inverse(&at->p, tex_integer(&at->p, 100)); return 1;
    case MV_CALLED:
        *out = tex_symbol(&at->p, v->text, strlen(v->text));
        return joined_value(at, v, out);
    case MV_SUM:
    case MV_PRODUCT: return joined_value(at, v, out);
    case MV_APPLIED:
    case MV_RAISED:
    case MV_LOG_BASE:
    case MV_CHOOSING:
    case MV_MODULO:
        return value(at, v->args[0], &x) && applied_value(at, v, x, out);
    default: return 0;
    }
}

static int value_at(int trial, const struct mv *v, struct point *at, struct texvalue *out)
{
    *at = (struct point){.name = NULL};
    texpoint_init(&at->p, trial);
    return value(at, v, out) && !at->p.undefined && (out->exact || isfinite(cabs(out->z)));
}

/* An infinity in a sum or product of numbers. */
static int infinite(const struct mv *v, double *out)
{
    double x;

    if (v->kind != MV_SUM && v->kind != MV_PRODUCT)
        return 0;
    *out = v->kind == MV_PRODUCT;
    for (int i = 0; i < v->n; i++) {
        if (v->args[i]->kind == MV_NAME || !mv_constant(v->args[i], &x))
            return 0;
        *out = v->kind == MV_SUM ? *out + x : *out * x;
    }
    return isinf(*out);
}

int mv_constant(const struct mv *v, double *out)
{
    struct point at;
    struct texvalue x;

    if (v->kind == MV_INFINITE) {
        *out = v->num < 0 ? -HUGE_VAL : HUGE_VAL;
        return 1;
    }
    if (infinite(v, out))
        return 1;
    if (!value_at(0, v, &at, &x) || x.symbols || fabs(cimag(x.z)) > 1e-12 * cabs(x.z))
        return 0;
    *out = creal(x.z);
    return 1;
}

int mv_same_values(const struct mv *a, const struct mv *b)
{
    for (int trial = 0; trial < TRIALS; trial++) {
        struct point at, other;
        struct texvalue x, y;
        if (!value_at(trial, a, &at, &x) || !value_at(trial, b, &other, &y))
            return 0;
        at.p.largest = fmax(at.p.largest, other.p.largest);
        if (!tex_same(&at.p, x, y))
            return 0;
    }
    return 1;
}

/* Left less right side, where the letter has a value. */
int mv_difference_at(const struct mv *relation, const struct mv *name, double complex x,
                         double complex *out)
{
    struct point at = {.name = name, .value = x};
    struct texvalue a, b;

    texpoint_init(&at.p, 0);
    if (!value(&at, relation->args[0], &a) || !value(&at, relation->args[1], &b) ||
        at.p.undefined)
        return 0;
    *out = a.z - b.z;
    return isfinite(cabs(*out));
}

/* --- numbers and matrices ------------------------------------------------------------------- */

/* The number of "9 %"; else itself. */
static const struct mv *without_percent(const struct mv *v)
{
    return v->kind == MV_PRODUCT && v->n == 2 && v->args[1]->kind == MV_HUNDREDTH ? v->args[0] : v;
}

static int rounds_to_same(const struct mv *a, const struct mv *b)
{
    double x, y;

    if (!mv_constant(a, &x) || !mv_constant(b, &y) || isinf(x) || isinf(y))
        return 0;
    return fabs(x) < 1e9 ? nearbyint(x * 1e6) == nearbyint(y * 1e6) : x == y;
}

int mv_same_numbers(const struct mv *a, const struct mv *b)
{
    const struct mv *x = without_percent(a), *y = without_percent(b);
    double size, other;

    if ((x->kind == MV_FLOAT || y->kind == MV_FLOAT) && rounds_to_same(a, b))
        return 1;
    if (mv_constant(a, &size) && isinf(size) && mv_constant(b, &other) && size == other)
        return 1;
    return x->kind == MV_INTEGER && y->kind == MV_INTEGER && mv_identical(x, y);
}

struct grid {
    int rows, columns;
    struct texvalue *v;
};

static int grid_of(struct arena *a, struct point *at, const struct mv *v, struct grid *out);

static int grid_product(struct arena *a, struct point *at, struct grid x, struct grid y,
                        struct grid *out)
{
    int scalar = (x.rows == 1 && x.columns == 1) || (y.rows == 1 && y.columns == 1);

    if (!x.v || !y.v)
        return 0;
    if (x.rows == 1 && x.columns == 1) {
        struct grid held = x;
        x = y;
        y = held;
    }
    if (!scalar && x.columns != y.rows)
        return 0;
    *out = (struct grid){x.rows, scalar ? x.columns : y.columns, NULL};
    out->v = arena_alloc(a, (size_t)(out->rows * out->columns) * sizeof *out->v);
    for (int i = 0; out->v && i < out->rows * out->columns; i++) {
        if (scalar) {
            out->v[i] = tex_multiply(&at->p, x.v[i], y.v[0]);
            continue;
        }
        out->v[i] = tex_integer(&at->p, 0);
        for (int k = 0; k < x.columns; k++)
            out->v[i] = tex_add(&at->p, out->v[i],
                                tex_multiply(&at->p, x.v[i / out->columns * x.columns + k],
                                             y.v[k * y.columns + i % out->columns]));
    }
    return out->v != NULL;
}

static int grid_of(struct arena *a, struct point *at, const struct mv *v, struct grid *out)
{
    struct grid more;

    if (v->kind == MV_ROWS) {
        *out = (struct grid){v->n / (int)v->num, (int)v->num, NULL};
        out->v = arena_alloc(a, (size_t)v->n * sizeof *out->v);
        for (int i = 0; out->v && i < v->n; i++)
            if (!value(at, v->args[i], &out->v[i]))
                return 0;
        return out->v != NULL;
    }
    if (v->kind != MV_SUM && v->kind != MV_PRODUCT) {
        *out = (struct grid){1, 1, arena_alloc(a, sizeof *out->v)};
        return out->v && value(at, v, out->v);
    }
    for (int i = 0; i < v->n; i++) {
        struct grid so_far = *out;
        if (!grid_of(a, at, v->args[i], i ? &more : out))
            return 0;
        if (i && v->kind == MV_PRODUCT && !grid_product(a, at, so_far, more, out))
            return 0;
        if (i && v->kind == MV_SUM) {
            if (more.rows != out->rows || more.columns != out->columns)
                return 0;
            for (int k = 0; k < out->rows * out->columns; k++)
                out->v[k] = tex_add(&at->p, out->v[k], more.v[k]);
        }
    }
    return 1;
}

int mv_same_matrices(struct arena *a, const struct mv *x, const struct mv *y)
{
    int all = x->kind == MV_ROWS && y->kind == MV_ROWS && x->n == y->n && x->num == y->num;

    for (int i = 0; all && i < x->n; i++)
        all = mv_same_numbers(x->args[i], y->args[i]) || mv_same_values(x->args[i], y->args[i]);
    if (all)
        return 1;
    for (int trial = 0; trial < TRIALS; trial++) {
        struct point at = {.name = NULL};
        struct grid p = {0, 0, NULL}, q = {0, 0, NULL};
        texpoint_init(&at.p, trial);
        if (!grid_of(a, &at, x, &p) || !grid_of(a, &at, y, &q) || at.p.undefined ||
            p.rows != q.rows || p.columns != q.columns)
            return 0;
        for (int i = 0; i < p.rows * p.columns; i++)
            if (!tex_same(&at.p, p.v[i], q.v[i]))
                return 0;
    }
    return 1;
}
