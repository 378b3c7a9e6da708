#include "tasks/texmath.h"

#include <math.h>
#include <string.h>

#include "tasks/texmath_impl.h"

/* Of an answer that is one: what is longer, deeper or takes more steps is not read. */
enum { TOKENS = 1024, DEPTH = 64, STEPS = 50000, FACTORS = 128, NAME = 64, TRIALS = 12 };

/* --- reading ------------------------------------------------------------------------------- */

struct reader {
    struct token v[TOKENS + 2]; /* with what two tokens behind a | may be looked at */
    int n, at, depth, steps, bars; /* bars: | that are open, since the last bracket */
    int given_up;                  /* what is not a token was looked at, or a limit was met */
    struct texpoint *point;
};

/* 1 and a value; 0: no such thing begins here, and `at` may be anywhere. */
static int read_expression(struct reader *r, struct texvalue *out);
static int read_product(struct reader *r, int no_functions, struct texvalue *out);

static int tokens_read(struct reader *r, const char *s)
{
    struct token t;

    memset(r->v, 0, sizeof r->v);
    r->n = 0;
    for (; r->n < TOKENS; s += t.n) {
        t = tex_token(s);
        if (t.kind == SKIPPED)
            continue;
        r->v[r->n++] = t;
        if (t.kind == END || t.kind == BAD)
            return 1;
    }
    return 0;
}

static enum kind peek(struct reader *r)
{
    enum kind k = r->v[r->at].kind;

    if (k == BAD || ++r->steps > STEPS)
        r->given_up = 1;
    return r->given_up ? END : k;
}

static int take(struct reader *r, int kind)
{
    if ((int)peek(r) != kind)
        return 0;
    r->at++;
    return 1;
}

static int within(struct reader *r, int open, struct texvalue *out, int close)
{
    int bars = r->bars, ok;

    if (!take(r, open))
        return 0;
    r->bars = 0;
    ok = read_expression(r, out) && take(r, close);
    r->bars = bars;
    return ok;
}

static int read_digits(struct reader *r, char *text, size_t *n, int most)
{
    int k = 0;

    for (; k < most && take(r, DIGIT); k++)
        if (*n < NAME)
            text[(*n)++] = *r->v[r->at - 1].s;
        else
            r->given_up = 1;
    return k;
}

/* At most that many digits in front of a comma or point; 0 all. */
static int read_number(struct reader *r, struct texvalue *out, int most)
{
    char text[NAME + 4];
    size_t n = 0, before;
    int at;

    memset(text, 0, sizeof text);
    if (!read_digits(r, text, &n, most ? most : TOKENS))
        return 0;
    for (at = r->at, before = n; !most && take(r, ','); at = r->at, before = n)
        if (read_digits(r, text, &n, 3) < 3)
            break;
    r->at = at;
    n = before;
    if (!most && take(r, '.')) {
        text[n++] = '.';
        if (!read_digits(r, text, &n, TOKENS))
            return 0;
    }
    if (n == before && *text == '0' && strspn(text, "0") < n)
        r->point->undefined = 1; /* 01 */
    *out = tex_number(r->point, text, n);
    return 1;
}

static int read_atom(struct reader *r, struct texvalue *out);

/* _{...} or _ and an atom: adds what it is called to the name. */
static int read_subscript(struct reader *r, char *name, size_t *n)
{
    struct texvalue v;
    int at = r->at;

    if (!take(r, '_') || !(peek(r) == '{' ? within(r, '{', &v, '}') : read_atom(r, &v)))
        return 0;
    for (; at < r->at; at++)
        for (int i = 0; i < r->v[at].n; i++)
            if (*n < NAME && !strchr("{}", r->v[at].s[i]))
                name[(*n)++] = r->v[at].s[i];
    return 1;
}

/* A letter or a command with its subscript and primes. */
static int read_name(struct reader *r, struct texvalue *out)
{
    struct token t = r->v[r->at];
    char name[NAME];
    size_t n = 0;
    int quotes;

    r->at++;
    if (t.kind == SYMBOL)
        t.s++, t.n--;
    for (int i = 0; i < t.n && n < NAME; i++)
        name[n++] = t.s[i];
    quotes = take(r, QUOTES);
    if (peek(r) == '_' && !read_subscript(r, name, &n))
        return 0;
    quotes |= !quotes && take(r, QUOTES);
    for (int i = 0; quotes && t.kind == LETTER && i < r->v[r->at - 1].n && n < NAME; i++)
        name[n++] = '\'';
    *out = tex_symbol(r->point, name, n);
    if (t.kind == SYMBOL && t.n == 5 && memcmp(t.s, "infty", 5) == 0)
        r->point->infinity = out->r;
    return 1;
}

static int fraction_part(struct reader *r, struct texvalue *out)
{
    return peek(r) == DIGIT ? read_number(r, out, 1) : within(r, '{', out, '}');
}

static int is_derivative(const struct reader *r, int from)
{
    const struct token *t = r->v + from;
    int braced = t[1].kind == (enum kind)'{';
    int over = braced && *t[2].s == 'd', partial = braced && tex_word_is(&t[2], "partial");
    const struct token *last = r->v + r->at - 1, *lower = last - 1;

    if (last->kind != '}')
        return 0;
    return (over && lower->kind == DIFFERENTIAL && lower[-1].kind == '{') ||
           (partial && lower[-1].kind == SYMBOL && tex_word_is(&lower[-1], "partial"));
}

static int read_fraction(struct reader *r, struct texvalue *out)
{
    struct texvalue over, under;
    int from = r->at++;

    if (!fraction_part(r, &over) || !fraction_part(r, &under))
        return 0;
    r->point->undefined |= is_derivative(r, from);
    *out = tex_multiply(r->point, over, tex_inverse(r->point, under));
    return 1;
}

static int read_binomial(struct reader *r, struct texvalue *out)
{
    struct texvalue n, k;

    r->at++;
    if (!within(r, '{', &n, '}') || !within(r, '{', &k, '}'))
        return 0;
    *out = tex_binomial(r->point, n, k);
    return 1;
}

static int read_italic(struct reader *r, struct texvalue *out)
{
    char name[NAME];
    size_t n = 0;

    r->at++;
    if (!take(r, '{'))
        return 0;
    while (take(r, LETTER))
        if (n < NAME)
            name[n++] = *r->v[r->at - 1].s;
    *out = tex_symbol(r->point, name, n);
    return take(r, '}');
}

static int read_differential(struct reader *r, struct texvalue *out)
{
    const struct token *t = &r->v[r->at++];
    char name[NAME] = "d";
    size_t n = 1;

    for (int i = 1; i < t->n && n < NAME; i++)
        if (!tex_is_blank(t->s[i]) && t->s[i] != '\\')
            name[n++] = t->s[i];
    *out = tex_symbol(r->point, name, n);
    return 1;
}

static int read_atom(struct reader *r, struct texvalue *out)
{
    switch (peek(r)) {
    case LETTER:
    case SYMBOL: return read_name(r, out);
    case DIGIT: return read_number(r, out, 0);
    case DIFFERENTIAL: return read_differential(r, out);
    case FRACTION: return read_fraction(r, out);
    case BINOMIAL: return read_binomial(r, out);
    case ITALIC: return read_italic(r, out);
    default: return 0;
    }
}

/* --- functions ----------------------------------------------------------------------------- */

/* ( ... ) or what stands behind without one.  Of several arguments the first counts. */
static int read_argument(struct reader *r, struct texvalue *out)
{
    int at = r->at, bars = r->bars, ok;
    struct texvalue more;

    if (take(r, '(')) {
        r->bars = 0;
        ok = read_expression(r, out);
        while (ok && take(r, ','))
            ok = read_expression(r, &more);
        ok = ok && take(r, ')');
        r->bars = bars;
        if (ok)
            return 1;
        r->at = at;
    }
    return read_product(r, 1, out);
}

/* What is below or above a function, and its argument.  log_28 is that of 8 to the base 2: as many
 * digits belong to the base as leave it an argument. */
static int read_scripts(struct reader *r, struct texvalue *sub, struct texvalue *sup, int *has,
                        struct texvalue *argument)
{
    for (int i = 0; i < 2; i++) {
        int kind = (int)peek(r), start = r->at + 1, most = 0;
        struct texvalue *v = kind == '_' ? sub : sup;
        if ((kind != '_' && kind != '^') || (*has & (kind == '_' ? 1 : 2)))
            break;
        r->at++;
        *has |= kind == '_' ? 1 : 2;
        while (r->v[start + most].kind == DIGIT)
            most++;
        for (; most > 1; most--) {
            r->at = start;
            if (read_number(r, v, most) && peek(r) != '^' && peek(r) != '_' &&
                read_argument(r, argument))
                return 1;
        }
        r->at = start;
        if (!(peek(r) == '{' ? within(r, '{', v, '}')
                             : most ? read_number(r, v, 1) : read_atom(r, v)))
            return 0;
    }
    return read_argument(r, argument);
}

static int read_function(struct reader *r, struct texvalue *out)
{
    const struct function *f = tex_function(&r->v[r->at++]);
    struct texvalue sub, sup, x;
    struct texpoint *p = r->point;
    int has = 0;

    if (!read_scripts(r, &sub, &sup, &has, &x))
        return 0;
    if (f->shape == POWERED && (has & 2) && sup.den == 1 && sup.num == -1) {
        *out = tex_apply(p, f->inverse, x);
        return 1;
    }
    *out = tex_apply(p, f->of, x);
    if (f->shape == LOGARITHM_10 && !(has & 1))
        sub = tex_integer(p, 10), has |= 1;
    if (f->shape >= LOGARITHM && (has & 1))
        *out = tex_multiply(p, *out, tex_inverse(p, tex_apply(p, TEX_LOG, sub)));
    if (has & 2)
        *out = tex_power(p, *out, sup);
    return 1;
}

static int read_root(struct reader *r, struct texvalue *out)
{
    struct texvalue degree = tex_integer(r->point, 2), base;

    r->at++;
    if (peek(r) == '[' && !within(r, '[', &degree, ']'))
        return 0;
    if (!within(r, '{', &base, '}'))
        return 0;
    *out = tex_power(r->point, base, tex_inverse(r->point, degree));
    return 1;
}

/* f(x, y): a name in front of a parenthesis. */
static int read_call(struct reader *r, struct texvalue *out)
{
    struct texvalue x;
    int bars = r->bars, ok;

    if (!read_name(r, out) || !take(r, '('))
        return 0;
    r->bars = 0;
    do {
        ok = read_expression(r, &x);
        if (ok)
            *out = tex_unknown(r->point, *out, x);
    } while (ok && take(r, ','));
    r->bars = bars;
    return ok && take(r, ')');
}

static int apply_within(struct reader *r, int open, enum texfunction f, int close,
                        struct texvalue *out)
{
    if (!within(r, open, out, close))
        return 0;
    *out = tex_apply(r->point, f, *out);
    return 1;
}

static int read_bars(struct reader *r, struct texvalue *out)
{
    int ok;

    r->at++;
    r->bars++;
    ok = read_expression(r, out) && take(r, '|');
    r->bars--;
    if (ok)
        *out = tex_apply(r->point, TEX_ABS, *out);
    return ok;
}

/* --- operators ----------------------------------------------------------------------------- */

static int read_unit(struct reader *r, int no_functions, struct texvalue *out)
{
    int at = r->at;

    switch ((int)peek(r)) {
    case '(': return within(r, '(', out, ')');
    case '[': return within(r, '[', out, ']');
    case '{': return within(r, '{', out, '}');
    case BRACE_LEFT: return within(r, BRACE_LEFT, out, BRACE_RIGHT);
    case '|': return read_bars(r, out);
    case FLOOR_LEFT: return apply_within(r, FLOOR_LEFT, TEX_FLOOR, FLOOR_RIGHT, out);
    case CEIL_LEFT: return apply_within(r, CEIL_LEFT, TEX_CEILING, CEIL_RIGHT, out);
    case FUNCTION: return !no_functions && read_function(r, out);
    case ROOT: return !no_functions && read_root(r, out);
    case OVERLINE:
        r->at++;
        return !no_functions && apply_within(r, '{', TEX_CONJUGATE, '}', out);
    case OTHER: r->given_up = 1; return 0;
    case LETTER:
    case SYMBOL:
        if (!no_functions && read_call(r, out))
            return 1;
        r->at = at;
        break;
    default: break;
    }
    return read_atom(r, out);
}

static int read_exponent(struct reader *r, struct texvalue *base)
{
    struct texvalue exponent;
    char name[NAME];
    size_t n = 0;
    int at;

    r->at++;
    if (!(peek(r) == '{' ? within(r, '{', &exponent, '}') : read_atom(r, &exponent)))
        return 0;
    at = r->at;
    if (peek(r) == '_' && !read_subscript(r, name, &n))
        r->at = at;
    *base = tex_power(r->point, *base, exponent);
    return 1;
}

static int read_postfix(struct reader *r, int no_functions, struct texvalue *out)
{
    int at;

    if (!read_unit(r, no_functions, out))
        return 0;
    for (at = r->at; peek(r) == '^' && read_exponent(r, out);)
        at = r->at;
    r->at = at;
    while (take(r, '!'))
        *out = tex_apply(r->point, TEX_FACTORIAL, *out);
    if (r->bars == 0 && peek(r) == '|') {
        int next = (int)r->v[r->at + 1].kind;
        r->given_up |= (next == '_' || next == '^') && r->v[r->at + 2].kind == (enum kind)'{';
    } /* evaluated at something */
    return 1;
}

/* One behind another is a product, and so is 3x4. */
static int read_factors(struct reader *r, int no_functions, struct texvalue *out)
{
    struct texvalue v[FACTORS];
    int is_x[FACTORS], n = 0, at = r->at;

    while (n < FACTORS && !(n && r->bars && peek(r) == '|') &&
           read_postfix(r, no_functions && n, &v[n])) {
        is_x[n] = r->at == at + 1 && r->v[at].kind == LETTER && *r->v[at].s == 'x';
        at = r->at;
        n++;
    }
    r->at = at;
    if (n == 0)
        return 0;
    r->given_up |= n == FACTORS;
    *out = v[n - 1];
    for (int i = n - 1; i-- > 0;)
        if (i == 0 || !is_x[i] || v[i - 1].symbols || v[i + 1].symbols)
            *out = tex_multiply(r->point, v[i], *out);
    return 1;
}

static int read_unary(struct reader *r, int no_functions, struct texvalue *out)
{
    int minus = 0;

    for (; peek(r) == '+' || peek(r) == '-'; r->at++)
        minus ^= peek(r) == '-';
    if (!read_factors(r, no_functions, out))
        return 0;
    if (minus)
        *out = tex_negate(r->point, *out);
    return 1;
}

static int read_product(struct reader *r, int no_functions, struct texvalue *out)
{
    struct texvalue v;
    int at, over;

    if (!read_unary(r, no_functions, out))
        return 0;
    for (at = r->at; peek(r) == TIMES || peek(r) == OVER; at = r->at) {
        over = r->v[r->at++].kind == OVER;
        if (!read_unary(r, no_functions, &v))
            break;
        *out = tex_multiply(r->point, *out, over ? tex_inverse(r->point, v) : v);
    }
    r->at = at;
    return 1;
}

static int read_sum(struct reader *r, struct texvalue *out)
{
    struct texvalue v;
    int at, minus;

    if (!read_product(r, 0, out))
        return 0;
    for (at = r->at; peek(r) == '+' || peek(r) == '-'; at = r->at) {
        minus = r->v[r->at++].kind == '-';
        if (!read_product(r, 0, &v))
            break;
        *out = tex_add(r->point, *out, minus ? tex_negate(r->point, v) : v);
    }
    r->at = at;
    return 1;
}

static int read_expression(struct reader *r, struct texvalue *out)
{
    int ok;

    if (r->depth == DEPTH)
        r->given_up = 1;
    if (r->given_up)
        return 0;
    r->depth++;
    ok = read_sum(r, out);
    r->depth--;
    return ok && !r->given_up;
}

static int value_of(struct reader *r, struct texpoint *p, struct texvalue *out)
{
    r->at = r->depth = r->steps = r->bars = r->given_up = 0;
    r->point = p;
    if (!read_expression(r, out) || peek(r) == RELATION || r->given_up || p->undefined)
        return 0;
    if (!out->exact)
        return isfinite(cabs(out->z));
    return p->infinity == 0 || (out->r != p->infinity && out->r != p->prime - p->infinity);
}

int tex_equal(const char *a, const char *b)
{
    struct reader x, y;
    struct texvalue u, v;

    if (!tokens_read(&x, a) || !tokens_read(&y, b))
        return 0;
    for (int trial = 0; trial < TRIALS; trial++) {
        struct texpoint p;
        texpoint_init(&p, trial);
        if (!value_of(&x, &p, &u) || !value_of(&y, &p, &v) || !tex_same(&p, u, v))
            return 0;
    }
    return 1;
}
