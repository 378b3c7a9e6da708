/* mathverify_build.c -- what is joined, and the names and numbers that it is joined of. */
#include <ctype.h>
#include <string.h>

#include "tasks/mathverify_read.h"

#define LENGTH(a) (sizeof(a) / sizeof(a)[0])

/* --- joining ------------------------------------------------------------------------------- */

const struct mv *mv_fail(struct maker *m)
{
    if (!m->failed)
        m->failed = 1;
    return NULL;
}

struct mv *mv_build(struct maker *m, enum mv_kind kind, int64_t num, int n,
                             const struct mv *const *args)
{
    struct mv *v;

    for (int i = 0; i < n; i++)
        if (!args[i])
            return NULL;
    v = mv_make(m->arena, kind, n, args);
    if (v)
        v->num = num;
    else
        m->failed = -1;
    return v;
}

const struct mv *mv_pair(struct maker *m, enum mv_kind kind, const struct mv *a,
                             const struct mv *b)
{
    const struct mv *args[] = {a, b};

    return mv_build(m, kind, 0, 2, args);
}

const struct mv *mv_whole(struct maker *m, int64_t n)
{
    const struct mv *v = mv_integer(m->arena, n);

    if (!v)
        m->failed = -1;
    return v;
}

void mv_push(struct maker *m, struct several *s, const struct mv *v)
{
    if (v && s->n == s->cap) {
        int cap = s->cap ? 2 * s->cap : 8;
        const struct mv **more = arena_alloc(m->arena, (size_t)cap * sizeof *more);
        if (!more) {
            m->failed = -1;
            return;
        }
        if (s->n)
            memcpy(more, s->v, (size_t)s->n * sizeof *more);
        s->v = more;
        s->cap = cap;
    }
    if (v)
        s->v[s->n++] = v;
}

/* A sum in a sum, or a product in a product, is one. */
const struct mv *mv_flat(struct maker *m, enum mv_kind kind, const struct mv *a,
                             const struct mv *b)
{
    const struct mv *parts[] = {a, b};
    struct several all = {NULL, 0, 0};

    if (!a || !b)
        return NULL;
    for (int i = 0; i < 2; i++)
        if (parts[i]->kind == kind)
            for (int k = 0; k < parts[i]->n; k++)
                mv_push(m, &all, parts[i]->args[k]);
        else
            mv_push(m, &all, parts[i]);
    return m->failed ? NULL : mv_build(m, kind, 0, all.n, all.v);
}

static const struct mv *negated_number(struct arena *a, const struct mv *v)
{
    struct mv *w = arena_alloc(a, sizeof *w);

    if (w) {
        *w = *v;
        w->num = -v->num;
    }
    return w;
}

const struct mv *mv_negated(struct maker *m, const struct mv *v)
{
    const struct mv *w;

    if (!v)
        return NULL;
    if (!mv_is_number(v) && v->kind != MV_INFINITE)
        return mv_flat(m, MV_PRODUCT, mv_whole(m, -1), v);
    w = negated_number(m->arena, v);
    if (!w)
        m->failed = -1;
    return w;
}

const struct mv *mv_quotient(struct maker *m, const struct mv *a, const struct mv *b)
{
    const struct mv *v;

    if (!a || !b)
        return NULL;
    if (mv_is_whole(a) && mv_is_whole(b)) {
        v = mv_ratio(m->arena, a->num, b->num);
        if (!v)
            m->failed = -1;
        return v;
    }
    return mv_pair(m, MV_PRODUCT, a, mv_pair(m, MV_RAISED, b, mv_whole(m, -1)));
}

/* What stands behind one another: a whole number in front of a fraction is mixed with it. */
const struct mv *mv_juxtaposed(struct maker *m, const struct mv *a, const struct mv *b)
{
    int64_t num;

    if (!a || !b)
        return NULL;
    if (!mv_is_whole(a) || b->text || b->num <= 0 ||
        (b->kind != MV_INTEGER && b->kind != MV_RATIONAL) ||
        __builtin_mul_overflow(a->num, b->den, &num) ||
        __builtin_add_overflow(num, a->num < 0 ? -b->num : b->num, &num) || num == INT64_MIN)
        return mv_flat(m, MV_PRODUCT, a, b);
    return mv_ratio(m->arena, num, b->den);
}

/* --- names --------------------------------------------------------------------------------- */

const struct mv_node *mv_kid(const struct mv_node *n, enum mv_part part, int nth)
{
    for (int i = 0; i < n->n; i++)
        if (n->kids[i]->part == part && nth-- == 0)
            return n->kids[i];
    return NULL;
}

void mv_add_text(struct maker *m, const struct mv_node *n, struct strbuf *b)
{
    for (int i = n->from; i < n->to; i++)
        strbuf_add(b, m->tokens[i].s, (size_t)m->tokens[i].n);
}

/* \text{...} is what it holds; another accent stays in the name. */
static void accented(struct strbuf *b, const char *s, int n)
{
    static const char *const same[][2] = {
        {"overline", "bar"}, {"overrightarrow", "vec"}, {"widetilde", "tilde"},
    };
    int brace = (int)strcspn(s, "{"), word = brace - 1, plain;
    char name[32];

    while (word > 0 && isspace((unsigned char)s[word]))
        word--;
    word = word < (int)sizeof name ? word : (int)sizeof name - 1;
    memcpy(name, s + 1, (size_t)word);
    name[word] = 0;
    plain = strstr(name, "text") || strstr(name, "mbox");
    for (size_t i = 0; i < LENGTH(same); i++)
        if (strcmp(name, same[i][0]) == 0)
            strcpy(name, same[i][1]);
    if (!plain)
        strbuf_addf(b, "%s{", strstr(name, "math") ? "math" : name);
    for (int i = brace + 1; i < n - 1; i++)
        if (s[i] != ' ' && !(plain && (s[i] == '(' || s[i] == ')')))
            strbuf_addc(b, s[i]);
    if (!plain)
        strbuf_addc(b, '}');
}

static void greek_name(struct strbuf *b, struct span t)
{
    static const char *const names[][2] = {
        {"α", "alpha"}, {"β", "beta"},   {"γ", "gamma"}, {"δ", "delta"}, {"ε", "epsilon"},
        {"θ", "theta"}, {"λ", "lambda"}, {"μ", "mu"},    {"π", "pi"},    {"ρ", "rho"},
        {"σ", "sigma"}, {"τ", "tau"},    {"φ", "phi"},   {"ψ", "psi"},   {"ω", "omega"},
        {"Δ", "Delta"}, {"Σ", "Sigma"},  {"Ω", "Omega"}, {"Π", "Pi"},
    };

    for (size_t i = 0; i < LENGTH(names); i++)
        if (strlen(names[i][0]) == t.n && memcmp(names[i][0], t.s, t.n) == 0) {
            strbuf_adds(b, names[i][1]);
            return;
        }
    strbuf_add(b, t.s + (*t.s == '\\'), t.n - (*t.s == '\\'));
}

static const struct mv *symbol(struct maker *m, struct strbuf *b, int real)
{
    struct span t = py_strip(strbuf_str(b), b->len);
    struct strbuf low = STRBUF_INIT;
    struct mv *v;

    py_lower(&low, t.s, t.n);
    v = mv_build(m,
                                     strcmp(strbuf_str(&low), "pi") == 0      ? MV_PI
                                     : strcmp(strbuf_str(&low), "gamma") == 0 ? MV_EULER_GAMMA
                                                                              : MV_NAME,
                                     0, 0, NULL);
    if (v && v->kind == MV_NAME) {
        v->real = real;
        v->text = arena_strdup(m->arena, strbuf_str(&low));
    }
    if (!v || low.failed || b->failed || (v->kind == MV_NAME && !v->text)) {
        m->failed = -1;
        v = NULL;
    }
    strbuf_release(&low);
    strbuf_release(b);
    return v;
}

/* The name, with what is written below it. */
static const struct mv *plain_name(struct maker *m, const struct mv_node *n)
{
    const struct mv_node *name = mv_kid(n, MV_name, 0), *below = mv_kid(n, MV_below, 0);
    const struct mv_token *t = &m->tokens[name->from];
    struct strbuf b = STRBUF_INIT, under = STRBUF_INIT;

    if (t->kind == MV_LETTER && *t->s == 'I')
        return mv_build(m, MV_I, 0, 0, NULL);
    if (t->kind == MV_ACCENT) {
        accented(&b, t->s, t->n);
    } else {
        greek_name(&b, py_strip(t->s, (size_t)t->n));
    }
    if (below) {
        const struct mv_node *what = below->kids[below->alternative ? 2 : 1];
        struct span text;
        mv_add_text(m, what, &under);
        text = py_strip(strbuf_str(&under), under.len);
        strbuf_addf(&b, text.n > 1 ? "_{%.*s}" : "_%.*s", (int)text.n, text.s);
        b.failed |= under.failed;
        strbuf_release(&under);
    }
    return symbol(m, &b, m->real);
}

/* What a caret or an underscore is followed by. */
const struct mv *mv_script(struct maker *m, const struct mv_node *n)
{
    if (n->alternative == 0)
        return mv_atom(m, n->kids[1]);
    return n->alternative == 1 ? mv_expr(m, n->kids[2]) : mv_fail(m);
}

static const struct mv *name(struct maker *m, const struct mv_node *n)
{
    const struct mv *v = plain_name(m, n);
    const struct mv_node *above = mv_kid(n, MV_above, 0);

    if (!v || v->kind == MV_I || !above)
        return v;
    return mv_pair(m, MV_RAISED, v, mv_script(m, above));
}

const struct mv *mv_names(struct maker *m, const struct mv_node *n)
{
    struct several all = {NULL, 0, 0};

    for (int i = 0; i < n->n; i++)
        if (n->kids[i]->part == MV_atom_name)
            mv_push(m, &all, name(m, n->kids[i]));
        else if (n->kids[i]->part == MV_more_names)
            mv_push(m, &all, name(m, n->kids[i]->kids[1]));
    if (m->failed)
        return NULL;
    return all.n == 1 ? all.v[0] : mv_build(m, MV_ORDERED, 0, all.n, all.v);
}

/* --- atoms --------------------------------------------------------------------------------- */

static const struct mv *digits_of(struct maker *m, const struct mv_token *t)
{
    const struct mv *v;
    size_t n = 0, zeros;

    while (n < (size_t)t->n && (isdigit((unsigned char)t->s[n]) || t->s[n] == '.'))
        n++;
    if (t->kind == MV_EXPONENT)
        n = (size_t)t->n;
    zeros = strspn(t->s, "0");
    zeros = memchr(t->s, '.', n) || zeros >= n || t->kind == MV_EXPONENT ? 0 : zeros;
    v = mv_number(m->arena, t->s + zeros, n - zeros);
    if (v && t->kind == MV_PERCENT)
        v = mv_percent(m->arena, v);
    if (!v)
        m->failed = -1;
    return v;
}

const struct mv *mv_atom(struct maker *m, const struct mv_node *n)
{
    const struct mv_node *what = n->kids[0];
    const struct mv_token *t = &m->tokens[what->from];
    struct strbuf b = STRBUF_INIT;

    switch (what->part) {
    case MV_atom_name: return name(m, what);
    case MV_INFINITY: return mv_build(m, MV_INFINITE, 1, 0, NULL);
    case MV_BIG_E: strbuf_addc(&b, 'e'); break;
    case MV_GAMMA: return mv_build(m, MV_EULER_GAMMA, 0, 0, NULL);
    case MV_DIFFERENTIAL:
        for (int i = 0; i < t->n; i++)
            if (!isspace((unsigned char)t->s[i]) && t->s[i] != '\\')
                strbuf_addc(&b, t->s[i]);
        break;
    default: return digits_of(m, t);
    }
    return symbol(m, &b, m->real);
}
