/* mathverify_value.c -- expressions: made, and told apart as they are written. */
#include <stdlib.h>
#include <string.h>

#include "tasks/mathverify_impl.h"

struct mv *mv_make(struct arena *a, enum mv_kind kind, int n, const struct mv *const *args)
{
    struct mv *v = arena_alloc(a, sizeof *v);

    if (!v)
        return NULL;
    v->kind = kind;
    v->args = arena_alloc(a, (size_t)(n + 1) * sizeof *v->args);
    if (!v->args)
        return NULL;
    for (int i = 0; i < n; i++)
        if (!(v->args[i] = args[i]))
            return NULL;
    v->n = n;
    return v;
}

static struct mv *with(struct arena *a, enum mv_kind kind, int64_t num, int n,
                             const struct mv *const *args)
{
    struct mv *v = mv_make(a, kind, n, args);

    if (v)
        v->num = num;
    return v;
}

const struct mv *mv_ratio(struct arena *a, int64_t num, int64_t den)
{
    struct mv *v;
    int64_t x = num, y = den;

    while (y) {
        int64_t rest = x % y;
        x = y;
        y = rest;
    }
    if (den == 0 || x == 0)
        return mv_make(a, den == 0 ? MV_UNDEFINED : MV_INTEGER, 0, NULL);
    if ((x < 0) != (den < 0))
        x = -x;
    v = with(a, den / x == 1 ? MV_INTEGER : MV_RATIONAL, num / x, 0, NULL);
    if (v)
        v->den = den / x;
    return v;
}

const struct mv *mv_integer(struct arena *a, int64_t n)
{
    return mv_ratio(a, n, 1);
}

const struct mv *mv_number(struct arena *a, const char *s, size_t n)
{
    int point = memchr(s, '.', n) || memchr(s, 'E', n), minus = n && *s == '-';
    int64_t value = 0;
    struct mv *v;
    size_t i = (size_t)minus;

    for (; i < n && !point; i++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, s[i] - '0', &value))
            break;
    if (!point && i == n)
        return mv_integer(a, minus ? -value : value);
    v = mv_make(a, point ? MV_FLOAT : MV_INTEGER, 0, NULL);
    if (!v)
        return NULL;
    v->num = minus ? -1 : 1;
    v->text = arena_strndup(a, s + minus, n - (size_t)minus);
    return v->text ? v : NULL;
}

int mv_is_number(const struct mv *v)
{
    return v->kind <= MV_FLOAT;
}

int mv_is_whole(const struct mv *v)
{
    return v->kind == MV_INTEGER && !v->text;
}

const struct mv *mv_percent(struct arena *a, const struct mv *v)
{
    const struct mv *args[] = {v, mv_make(a, MV_HUNDREDTH, 0, NULL)};

    return mv_make(a, MV_PRODUCT, 2, args);
}

const struct mv *mv_finite(struct arena *a, int n, const struct mv *const *args)
{
    struct mv *v = mv_make(a, MV_FINITE, n, args);
    int kept = 0;

    for (int i = 0; v && i < n; i++) {
        int k = 0;
        while (k < kept && !mv_identical(v->args[k], args[i]))
            k++;
        if (k == kept)
            v->args[kept++] = args[i];
    }
    if (v) {
        v->n = kept;
        v->num = kept < n;
    }
    return v;
}

int mv_is_matrix(const struct mv *v)
{
    if (v->kind == MV_SUM || v->kind == MV_PRODUCT || v->kind == MV_RAISED)
        for (int i = 0; i < v->n; i++)
            if (mv_is_matrix(v->args[i]))
                return 1;
    return v->kind == MV_ROWS;
}

/* In any order; a union may name a set twice. */
static int same_elements(const struct mv *a, const struct mv *b)
{
    int found = a->n == b->n;

    for (int i = 0; i < a->n && found; i++) {
        found = 0;
        for (int k = 0; k < b->n && !found; k++)
            found = mv_identical(a->args[i], b->args[k]);
    }
    for (int k = 0; k < b->n && found; k++) {
        found = 0;
        for (int i = 0; i < a->n && !found; i++)
            found = mv_identical(a->args[i], b->args[k]);
    }
    return found;
}

int mv_identical(const struct mv *a, const struct mv *b)
{
    if (a == b)
        return 1;
    if (a->kind == MV_FLOAT && b->kind == MV_FLOAT && a->num == b->num)
        return strtod(a->text, NULL) == strtod(b->text, NULL);
    if (a->kind == b->kind &&
        (a->kind == MV_FINITE || a->kind == MV_UNITED || a->kind == MV_SHARED))
        return same_elements(a, b);
    if (a->kind != b->kind || a->num != b->num || a->den != b->den || a->real != b->real ||
        a->n != b->n || !a->text != !b->text || (a->text && strcmp(a->text, b->text) != 0))
        return 0;
    for (int i = 0; i < a->n; i++)
        if (!mv_identical(a->args[i], b->args[i]))
            return 0;
    return 1;
}


int mv_only_names(const struct mv *v)
{
    if (v->kind == MV_NAME)
        return 1;
    if (v->kind == MV_RAISED && mv_is_whole(v->args[1]) && v->args[1]->num == -1)
        return mv_only_names(v->args[0]);
    for (int i = 0; i < v->n; i++)
        if (!mv_only_names(v->args[i]))
            return 0;
    return v->n > 0;
}
