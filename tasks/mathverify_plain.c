/* mathverify_plain.c -- arithmetic that is no TeX, as Python would read it: + - * / ^, brackets,
 * numbers. */
#include <ctype.h>
#include <string.h>

#include "tasks/mathverify_impl.h"

enum { NESTING = 64 };

struct plain {
    struct arena *arena;
    const char *s, *end;
    int depth, failed; /* 1: not Python; -1: no memory */
};

static const struct mv *sum(struct plain *p);

static char peek(struct plain *p)
{
    while (p->s < p->end && isspace((unsigned char)*p->s))
        p->s++;
    return p->s < p->end ? *p->s : 0;
}

static const struct mv *fail(struct plain *p)
{
    p->failed = p->failed ? p->failed : 1;
    return NULL;
}

static const struct mv *join(struct plain *p, enum mv_kind kind, const struct mv *a,
                             const struct mv *b)
{
    const struct mv *args[] = {a, b}, *v;

    if (!a || !b)
        return NULL;
    v = mv_make(p->arena, kind, 2, args);
    if (!v)
        p->failed = -1;
    return v;
}

static const struct mv *whole(struct plain *p, int64_t n)
{
    const struct mv *v = mv_integer(p->arena, n);

    if (!v)
        p->failed = -1;
    return v;
}

static const struct mv *number(struct plain *p)
{
    const char *start = p->s;
    const struct mv *v;
    int points = 0, digits = 0;

    for (; p->s < p->end && (isdigit((unsigned char)*p->s) || *p->s == '.'); p->s++) {
        points += *p->s == '.';
        digits += *p->s != '.';
    }
    if (points > 1 || digits == 0 || (points == 0 && digits > 1 && *start == '0'))
        return fail(p);
    v = mv_number(p->arena, start, (size_t)(p->s - start));
    if (!v)
        p->failed = -1;
    return v;
}

static const struct mv *atom(struct plain *p)
{
    const struct mv *v;

    if (peek(p) != '(')
        return number(p);
    if (++p->depth > NESTING)
        return fail(p);
    p->s++;
    v = sum(p);
    p->depth--;
    if (peek(p) != ')')
        return fail(p);
    p->s++;
    return v;
}

/* -2^2 is -(2^2), and 2^-1 a half. */
static const struct mv *power(struct plain *p)
{
    const struct mv *v;
    int minus = 0, signs = 0;

    for (; peek(p) == '-' || peek(p) == '+'; p->s++, signs++)
        minus ^= *p->s == '-';
    if (signs > NESTING || ++p->depth > NESTING)
        return fail(p);
    v = atom(p);
    if (v && (peek(p) == '^' || (*p->s == '*' && p->s + 1 < p->end && p->s[1] == '*'))) {
        p->s += *p->s == '^' ? 1 : 2;
        v = join(p, MV_RAISED, v, power(p));
    }
    p->depth--;
    return minus ? join(p, MV_PRODUCT, whole(p, -1), v) : v;
}

static const struct mv *product(struct plain *p)
{
    const struct mv *v = power(p), *w;

    while (v && (peek(p) == '*' || peek(p) == '/')) {
        int over = *p->s++ == '/';
        w = power(p);
        v = join(p, MV_PRODUCT, v, over ? join(p, MV_RAISED, w, whole(p, -1)) : w);
    }
    return v;
}

static const struct mv *sum(struct plain *p)
{
    const struct mv *v = product(p), *w;

    while (v && (peek(p) == '+' || peek(p) == '-')) {
        int minus = *p->s++ == '-';
        w = product(p);
        v = join(p, MV_SUM, v, minus ? join(p, MV_PRODUCT, whole(p, -1), w) : w);
    }
    return v;
}

int mv_read_plain(struct arena *a, const char *s, size_t n, const struct mv **out)
{
    struct plain p = {.arena = a, .s = s, .end = s + n};

    *out = sum(&p);
    if (!p.failed && peek(&p))
        fail(&p);
    return p.failed < 0 ? -1 : *out && !p.failed;
}
