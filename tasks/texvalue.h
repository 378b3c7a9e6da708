/* texvalue.h -- values of mathematical expressions at one random point: what texmath.h compares.
 *
 * Two expressions are the same function when they agree at points that were drawn at random
 * (Schwartz 1980, Zippel 1979).  What is made by adding, multiplying and whole powers is looked at
 * in a field of integers below a prime, where nothing is rounded; what has roots, logarithms or
 * angles among complex numbers, where branches are the principal ones.  Decimal fractions of at
 * most 15 digits are rounded as doubles are, as computer algebra systems do it: 1.1 * 100 is not
 * 110.  Private to tasks/texmath*.c and tasks/mathverify*.c.  Pure. */
#ifndef TASKS_TEXVALUE_H
#define TASKS_TEXVALUE_H

#include <complex.h>
#include <stddef.h>
#include <stdint.h>

struct texpoint { /* where all symbols have values */
    uint64_t prime, seed;
    double largest; /* of all that was added, for what rounding leaves */
    int undefined;  /* divided by zero, or a function that is not known here */
    uint64_t infinity; /* what stands for it; 0: it was not met */
};

struct texvalue {
    double complex z;
    uint64_t r;       /* where exact: below the prime */
    int64_t num, den; /* of a rational number that fits; den 0: of none */
    unsigned exact : 1, symbols : 1, decimal : 1;
};

enum texfunction {
    TEX_EXP, TEX_LOG, TEX_SIN, TEX_COS, TEX_TAN, TEX_CSC, TEX_SEC, TEX_COT, TEX_ASIN, TEX_ACOS,
    TEX_ATAN, TEX_ACSC, TEX_ASEC, TEX_ACOT, TEX_SINH, TEX_COSH, TEX_TANH, TEX_ASINH, TEX_ACOSH,
    TEX_ATANH, TEX_ABS, TEX_CONJUGATE, TEX_FLOOR, TEX_CEILING, TEX_FACTORIAL,
};

void texpoint_init(struct texpoint *p, int trial);

struct texvalue tex_integer(const struct texpoint *p, int64_t n);
/* Digits, at most one point among them. */
struct texvalue tex_number(const struct texpoint *p, const char *s, size_t n);
struct texvalue tex_symbol(const struct texpoint *p, const char *name, size_t n);

struct texvalue tex_add(struct texpoint *p, struct texvalue a, struct texvalue b);
struct texvalue tex_multiply(const struct texpoint *p, struct texvalue a, struct texvalue b);
struct texvalue tex_power(struct texpoint *p, struct texvalue base, struct texvalue exponent);
struct texvalue tex_negate(const struct texpoint *p, struct texvalue a);
struct texvalue tex_inverse(struct texpoint *p, struct texvalue a);
struct texvalue tex_apply(struct texpoint *p, enum texfunction f, struct texvalue a);
struct texvalue tex_binomial(struct texpoint *p, struct texvalue n, struct texvalue k);
/* A function that is known by its name only: of the same values the same. */
struct texvalue tex_unknown(const struct texpoint *p, struct texvalue function, struct texvalue a);

/* At this point.  1 also where neither tells them apart. */
int tex_same(const struct texpoint *p, struct texvalue a, struct texvalue b);

#endif
