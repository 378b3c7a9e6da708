/* mathverify_points.c -- sets of real numbers, by what is in them: intervals, points, and where a
 * relation of at most the second degree holds. */
#include <math.h>
#include <stdlib.h>

#include "tasks/mathverify_same.h"

enum { BOUNDS = 64 };

struct bounds {
    double v[BOUNDS];
    int n;
    const struct mv *name; /* of relations; NULL: they have none so far */
};

static int add_bound(struct bounds *b, double x)
{
    if (isinf(x))
        return 1;
    if (b->n == BOUNDS)
        return 0;
    b->v[b->n++] = x;
    return 1;
}

/* 1: the only letter of it is found, or it has none. */
int mv_only_name(const struct mv *v, const struct mv **name)
{
    if (v->kind == MV_NAME) {
        if (!*name)
            *name = v;
        return mv_identical(*name, v);
    }
    for (int i = 0; i < v->n; i++)
        if (!mv_only_name(v->args[i], name))
            return 0;
    return v->kind != MV_CALLED;
}

/* Of a relation between polynomials of at most the second degree. */
static int relation_bounds(struct bounds *b, const struct mv *v)
{
    static const double places[] = {0, 1, -1, 2.5, -3.25, 7};
    double complex f[6];
    double p, q, r, root;

    for (int i = 0; i < 6; i++)
        if (!mv_difference_at(v, b->name, places[i], &f[i]) || fabs(cimag(f[i])) > 1e-12)
            return 0;
    r = creal(f[0]);
    p = (creal(f[1]) + creal(f[2])) / 2 - r;
    q = (creal(f[1]) - creal(f[2])) / 2;
    for (int i = 3; i < 6; i++)
        if (fabs(p * places[i] * places[i] + q * places[i] + r - creal(f[i])) >
            1e-9 * (1 + fabs(creal(f[i]))))
            return 0;
    if (fabs(p) < 1e-12)
        return fabs(q) < 1e-12 || add_bound(b, -r / q);
    root = q * q - 4 * p * r;
    if (root < 0)
        return 1;
    return add_bound(b, (-q - sqrt(root)) / (2 * p)) && add_bound(b, (-q + sqrt(root)) / (2 * p));
}

static int collect_bounds(struct bounds *b, const struct mv *v)
{
    double x;

    switch (v->kind) {
    case MV_NUMBER_SET: return v->num == 'R';
    case MV_RELATED: return mv_only_name(v, &b->name) && b->name && relation_bounds(b, v);
    case MV_FINITE:
    case MV_RANGE:
        for (int i = 0; i < v->n; i++)
            if (!mv_constant(v->args[i], &x) || (v->kind == MV_FINITE && isinf(x)) ||
                !add_bound(b, x))
                return 0;
        return 1;
    case MV_CHAIN:
    case MV_UNITED:
    case MV_SHARED:
    case MV_WITHOUT:
        for (int i = 0; i < v->n; i++)
            if (!collect_bounds(b, v->args[i]))
                return 0;
        return 1;
    default: return 0;
    }
}

static int equal_to(double x, double y)
{
    return x == y || (!isinf(x) && !isinf(y) && fabs(x - y) <= 1e-12 * fmax(fabs(x), fabs(y)));
}

static int holds(const struct mv *v, const struct mv *name, double x)
{
    double complex d;
    double y;

    if (!mv_difference_at(v, name, x, &d))
        return 0;
    y = fabs(creal(d)) < 1e-9 ? 0 : creal(d);
    switch ((enum mv_part)v->num) {
    case MV_EQUALS: return y == 0;
    case MV_LESS: return y < 0;
    case MV_LESS_EQUAL: return y <= 0;
    case MV_MORE: return y > 0;
    case MV_MORE_EQUAL: return y >= 0;
    default: return y != 0;
    }
}

static int is_in(const struct mv *v, const struct mv *name, double x)
{
    double a, b;
    int n = 0;

    switch (v->kind) {
    case MV_NUMBER_SET: return 1;
    case MV_RELATED: return holds(v, name, x);
    case MV_RANGE:
        if (!mv_constant(v->args[0], &a) || !mv_constant(v->args[1], &b))
            return 0;
        return (equal_to(a, x) ? !(v->num & 1) : a < x) && (equal_to(b, x) ? !(v->num & 2) : x < b);
    case MV_FINITE:
        for (int i = 0; i < v->n; i++)
            n |= mv_constant(v->args[i], &a) && equal_to(a, x);
        return n;
    case MV_WITHOUT: return is_in(v->args[0], name, x) && !is_in(v->args[1], name, x);
    default:
        for (int i = 0; i < v->n; i++)
            n += is_in(v->args[i], name, x);
        return v->kind == MV_UNITED ? n > 0 : n == v->n;
    }
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Sets of real numbers: the same at each of their bounds, and between them. */
int mv_same_points(const struct mv *x, const struct mv *y)
{
    struct bounds b = {.n = 0};

    if (!collect_bounds(&b, x) || !collect_bounds(&b, y))
        return 0;
    qsort(b.v, (size_t)b.n, sizeof *b.v, by_size);
    for (int i = 0; i <= b.n; i++) {
        double low = i ? b.v[i - 1] : b.n ? b.v[0] - 2 : 0, high = i < b.n ? b.v[i] : low + 2;
        double middle = low + (high - low) / 2;
        if (i < b.n && is_in(x, b.name, high) != is_in(y, b.name, high))
            return 0;
        if (!(i && i < b.n && equal_to(low, high)) &&
            is_in(x, b.name, middle) != is_in(y, b.name, middle))
            return 0;
    }
    return 1;
}
