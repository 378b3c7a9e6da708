#include "tasks/texvalue.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/splitmix.h"

enum { DIGITS_EXACT = 15, FACTORIAL_MAX = 2000 };

/* The largest primes below 2^31: products fit 64 bits, and three of them tell whole numbers of 27
 * digits apart. */
static const uint64_t primes[] = {2147483647, 2147483629, 2147483587};

void texpoint_init(struct texpoint *p, int trial)
{
    *p = (struct texpoint){.prime = primes[trial % 3],
                           .seed = splitmix64_mix((uint64_t)trial + 1)};
}

/* --- rational numbers and the field -------------------------------------------------------- */

static uint64_t field_of(const struct texpoint *p, int64_t n)
{
    int64_t r = n % (int64_t)p->prime;

    return (uint64_t)(r < 0 ? r + (int64_t)p->prime : r);
}

static uint64_t field_power(const struct texpoint *p, uint64_t base, uint64_t exponent)
{
    uint64_t r = 1;

    for (; exponent; exponent >>= 1) {
        if (exponent & 1)
            r = r * base % p->prime;
        base = base * base % p->prime;
    }
    return r;
}

static uint64_t field_inverse(const struct texpoint *p, uint64_t a)
{
    return field_power(p, a, p->prime - 2);
}

static int64_t divisor(int64_t a, int64_t b)
{
    while (b) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a < 0 ? -a : a;
}

/* den 0 where it does not fit. */
static void set_ratio(struct texvalue *v, int64_t num, int64_t den)
{
    int64_t d = num == INT64_MIN || den == INT64_MIN ? 0 : divisor(num, den);

    v->num = v->den = 0;
    if (d == 0)
        return;
    if (den < 0)
        d = -d;
    v->num = num / d;
    v->den = den / d;
    if (!v->decimal)
        v->z = (double)v->num / (double)v->den;
}

/* Of numbers that are real without any rounding, so that what rounds is what is meant to. */
static double complex times(double complex a, double complex b)
{
    return cimag(a) == 0 && cimag(b) == 0 ? creal(a) * creal(b) : a * b;
}

static int whole(struct texvalue v)
{
    return v.den == 1;
}

/* --- numbers and symbols ------------------------------------------------------------------- */

struct texvalue tex_integer(const struct texpoint *p, int64_t n)
{
    return (struct texvalue){
        .z = (double)n, .r = field_of(p, n), .num = n, .den = 1, .exact = 1};
}

struct texvalue tex_number(const struct texpoint *p, const char *s, size_t n)
{
    struct texvalue v = {.exact = 1, .num = 0, .den = 1};
    int64_t num = 0, den = 1;
    uint64_t scale = 1;
    int digits = 0, point = 0, fits = 1;
    char text[64];

    for (size_t i = 0; i < n; i++) {
        if (s[i] == '.') {
            point = 1;
            continue;
        }
        digits += digits > 0 || s[i] != '0';
        v.r = (v.r * 10 + (uint64_t)(s[i] - '0')) % p->prime;
        scale = point ? scale * 10 % p->prime : scale;
        fits &= !__builtin_mul_overflow(num, 10, &num) &&
                !__builtin_add_overflow(num, s[i] - '0', &num) &&
                !(point && __builtin_mul_overflow(den, 10, &den));
    }
    v.r = v.r * field_inverse(p, scale) % p->prime;
    v.decimal = point && digits <= DIGITS_EXACT;
    n = n < sizeof text ? n : sizeof text - 1;
    memcpy(text, s, n);
    text[n] = 0;
    v.z = strtod(text, NULL);
    if (fits)
        set_ratio(&v, num, den);
    else
        v.num = v.den = 0;
    return v;
}

static struct texvalue random_value(const struct texpoint *p, uint64_t h)
{
    double turn = (double)(h >> 11) / 9007199254740992.0;
    double size = 0.7 + (double)(splitmix64_mix(h) >> 11) / 9007199254740992.0;

    return (struct texvalue){.z = size * cexp(2 * M_PI * turn * I), .r = h % p->prime, .exact = 1};
}

struct texvalue tex_symbol(const struct texpoint *p, const char *name, size_t n)
{
    uint64_t h = p->seed;
    struct texvalue v;

    for (size_t i = 0; i < n; i++)
        h = splitmix64_mix(h ^ ((unsigned char)name[i] + UINT64_C(0x9E3779B97F4A7C15)));
    v = random_value(p, h);
    v.symbols = 1;
    return v;
}

/* --- operations ---------------------------------------------------------------------------- */

static struct texvalue both(struct texvalue a, struct texvalue b)
{
    return (struct texvalue){.exact = a.exact && b.exact,
                             .symbols = a.symbols || b.symbols,
                             .decimal = a.decimal || b.decimal};
}

struct texvalue tex_add(struct texpoint *p, struct texvalue a, struct texvalue b)
{
    struct texvalue v = both(a, b);
    int64_t x, y, num, den;

    v.z = a.z + b.z;
    v.r = (a.r + b.r) % p->prime;
    p->largest = fmax(p->largest, fmax(cabs(a.z), cabs(b.z)));
    if (a.den && b.den && !__builtin_mul_overflow(a.num, b.den, &x) &&
        !__builtin_mul_overflow(b.num, a.den, &y) && !__builtin_add_overflow(x, y, &num) &&
        !__builtin_mul_overflow(a.den, b.den, &den))
        set_ratio(&v, num, den);
    return v;
}

struct texvalue tex_multiply(const struct texpoint *p, struct texvalue a, struct texvalue b)
{
    struct texvalue v = both(a, b);
    int64_t num, den;

    v.z = times(a.z, b.z);
    v.r = a.r * b.r % p->prime;
    if (a.den && b.den && !__builtin_mul_overflow(a.num, b.num, &num) &&
        !__builtin_mul_overflow(a.den, b.den, &den))
        set_ratio(&v, num, den);
    return v;
}

struct texvalue tex_negate(const struct texpoint *p, struct texvalue a)
{
    return tex_multiply(p, tex_integer(p, -1), a);
}

struct texvalue tex_inverse(struct texpoint *p, struct texvalue a)
{
    struct texvalue v = a;

    if (a.exact && a.r == 0)
        p->undefined = 1;
    v.z = cimag(a.z) == 0 ? 1 / creal(a.z) : 1 / a.z;
    v.r = field_inverse(p, a.r);
    if (a.den)
        set_ratio(&v, a.den, a.num);
    return v;
}

/* A root of a rational number that is one: 1, or 0. */
static int rational_root(struct texvalue *v, int64_t degree)
{
    int64_t parts[2] = {v->num, v->den}, roots[2], check;

    if (v->den == 0 || v->num < 0 || degree < 2 || degree > 62)
        return 0;
    for (int i = 0; i < 2; i++) {
        roots[i] = llround(pow((double)parts[i], 1.0 / (double)degree));
        check = 1;
        for (int64_t k = 0; k < degree; k++)
            if (__builtin_mul_overflow(check, roots[i], &check))
                return 0;
        if (check != parts[i])
            return 0;
    }
    v->num = roots[0];
    v->den = roots[1];
    return 1;
}

/* Of a whole number of times, at least once. */
static struct texvalue repeated(const struct texpoint *p, struct texvalue base, uint64_t n)
{
    struct texvalue v = base;

    v.r = field_power(p, base.r, n);
    v.z = cimag(base.z) == 0 ? pow(creal(base.z), (double)n) : cpow(base.z, (double)n);
    v.num = v.den = 0;
    if (base.den && n <= 64) {
        struct texvalue small = tex_integer(p, 1);
        for (uint64_t i = 0; i < n && small.den; i++)
            small = tex_multiply(p, small, base);
        if (small.den)
            set_ratio(&v, small.num, small.den);
    }
    return v;
}

struct texvalue tex_power(struct texpoint *p, struct texvalue base, struct texvalue exponent)
{
    struct texvalue v, root = base;

    if (exponent.den > 1 && !exponent.decimal && rational_root(&root, exponent.den)) {
        base = tex_multiply(p, tex_integer(p, root.num), tex_inverse(p, tex_integer(p, root.den)));
        exponent.den = 1;
    }
    if (whole(exponent)) {
        v = exponent.num == 0  ? tex_integer(p, 1)
            : exponent.num > 0 ? repeated(p, base, (uint64_t)exponent.num)
                               : tex_inverse(p, repeated(p, base, -(uint64_t)exponent.num));
        v.symbols |= base.symbols || exponent.symbols;
        return v;
    }
    v = both(base, exponent);
    v.exact = 0;
    v.z = cpow(base.z, exponent.z);
    if (base.z == 0)
        p->undefined = 1; /* 0 to a power that is not known to be above 0 */
    return v;
}

/* --- functions ----------------------------------------------------------------------------- */

static double complex reciprocal(double complex z)
{
    return 1 / z;
}

static const struct {
    double complex (*before)(double complex z); /* NULL: nothing */
    double complex (*of)(double complex z);
    double complex (*after)(double complex z);
} functions[] = {
    [TEX_EXP] = {NULL, cexp, NULL},          [TEX_LOG] = {NULL, clog, NULL},
    [TEX_SIN] = {NULL, csin, NULL},          [TEX_COS] = {NULL, ccos, NULL},
    [TEX_TAN] = {NULL, ctan, NULL},          [TEX_CSC] = {NULL, csin, reciprocal},
    [TEX_SEC] = {NULL, ccos, reciprocal},    [TEX_COT] = {NULL, ctan, reciprocal},
    [TEX_ASIN] = {NULL, casin, NULL},        [TEX_ACOS] = {NULL, cacos, NULL},
    [TEX_ATAN] = {NULL, catan, NULL},        [TEX_ACSC] = {reciprocal, casin, NULL},
    [TEX_ASEC] = {reciprocal, cacos, NULL},  [TEX_ACOT] = {reciprocal, catan, NULL},
    [TEX_SINH] = {NULL, csinh, NULL},        [TEX_COSH] = {NULL, ccosh, NULL},
    [TEX_TANH] = {NULL, ctanh, NULL},        [TEX_ASINH] = {NULL, casinh, NULL},
    [TEX_ACOSH] = {NULL, cacosh, NULL},      [TEX_ATANH] = {NULL, catanh, NULL},
    [TEX_ABS] = {NULL, NULL, NULL},
};

static int64_t floor_ratio(int64_t num, int64_t den)
{
    return num / den - (num % den < 0);
}

/* Where the argument is a rational number the value is one, too: 1, or 0. */
static int rational_value(struct texpoint *p, enum texfunction f, struct texvalue a,
                          struct texvalue *out)
{
    if (a.den == 0)
        return 0;
    switch (f) {
    case TEX_ABS: *out = a.num < 0 ? tex_negate(p, a) : a; return 1;
    case TEX_CONJUGATE: *out = a; return 1;
    case TEX_FLOOR: *out = tex_integer(p, floor_ratio(a.num, a.den)); return 1;
    case TEX_CEILING: *out = tex_integer(p, -floor_ratio(-a.num, a.den)); return 1;
    case TEX_FACTORIAL:
        if (!whole(a) || a.num > FACTORIAL_MAX)
            return 0;
        p->undefined |= a.num < 0;
        *out = tex_integer(p, 1);
        for (int64_t i = 2; i <= a.num; i++)
            *out = tex_multiply(p, *out, tex_integer(p, i));
        return 1;
    default: return 0;
    }
}

static double complex rounded(double complex z, double (*how)(double))
{
    return how(creal(z)) + how(cimag(z)) * I;
}

struct texvalue tex_apply(struct texpoint *p, enum texfunction f, struct texvalue a)
{
    struct texvalue v = {.symbols = a.symbols};

    if (rational_value(p, f, a, &v))
        return v;
    switch (f) {
    case TEX_ABS: v.z = cabs(a.z); break;
    case TEX_CONJUGATE: v.z = conj(a.z); break;
    case TEX_FLOOR: v.z = rounded(a.z, floor); break;
    case TEX_CEILING: v.z = rounded(a.z, ceil); break;
    case TEX_FACTORIAL:
        if (a.symbols || cimag(a.z) != 0)
            return tex_unknown(p, tex_symbol(p, "!", 1), a);
        v.z = tgamma(creal(a.z) + 1);
        break;
    default:
        v.z = functions[f].before ? functions[f].before(a.z) : a.z;
        v.z = functions[f].of(v.z);
        v.z = functions[f].after ? functions[f].after(v.z) : v.z;
    }
    return v;
}

struct texvalue tex_binomial(struct texpoint *p, struct texvalue n, struct texvalue k)
{
    struct texvalue v = tex_integer(p, 1);

    if (!whole(n) || !whole(k) || k.num > FACTORIAL_MAX || n.num < FACTORIAL_MAX - INT64_MAX)
        return tex_unknown(p, tex_unknown(p, tex_symbol(p, "(", 1), n), k);
    if (k.num < 0)
        return tex_integer(p, 0);
    for (int64_t i = 0; i < k.num; i++) {
        v = tex_multiply(p, v, tex_integer(p, n.num - i));
        v = tex_multiply(p, v, tex_inverse(p, tex_integer(p, i + 1)));
    }
    return v;
}

/* What rounding may have changed does not count. */
static uint64_t bits(double x)
{
    float f = (float)x;
    uint32_t u = 0;

    memcpy(&u, &f, sizeof u);
    return u >> 4;
}

struct texvalue tex_unknown(const struct texpoint *p, struct texvalue function, struct texvalue a)
{
    uint64_t h = a.exact ? a.r : bits(creal(a.z)) << 32 ^ bits(cimag(a.z));
    struct texvalue v = random_value(p, splitmix64_mix(splitmix64_mix(h) ^ function.r ^ p->seed));

    v.symbols = a.symbols;
    return v;
}

int tex_same(const struct texpoint *p, struct texvalue a, struct texvalue b)
{
    double apart = cabs(a.z - b.z);

    if (a.exact && b.exact && (a.symbols || b.symbols || !(a.decimal || b.decimal)))
        return a.r == b.r;
    if (a.exact && b.exact)
        return apart == 0;
    return apart <= 1e-11 * fmax(cabs(a.z), cabs(b.z)) + 1e-14 * p->largest;
}
