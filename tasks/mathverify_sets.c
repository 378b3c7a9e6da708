/* mathverify_sets.c -- relations, sets and lists of the tree of a text, and all of it. */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "tasks/mathverify_read.h"

#define LENGTH(a) (sizeof(a) / sizeof(a)[0])

/* --- relations ----------------------------------------------------------------------------- */

static int is_set(const struct mv *v)
{
    return v->kind >= MV_FINITE;
}

static const struct mv *related(struct maker *m, enum mv_part sign, const struct mv *a,
                                const struct mv *b)
{
    const struct mv *args[] = {a, b};

    return mv_build(m, MV_RELATED, sign, 2, args);
}

/* a < b < c is a < b and b < c. */
static const struct mv *chained(struct maker *m, enum mv_part sign, const struct mv *a,
                                const struct mv *b)
{
    struct several all = {NULL, 0, 0};

    if (!a || !b)
        return NULL;
    if (a->kind != MV_RELATED && a->kind != MV_CHAIN)
        return related(m, sign, a, b);
    for (int i = 0; a->kind == MV_CHAIN && i < a->n; i++)
        mv_push(m, &all, a->args[i]);
    if (a->kind == MV_RELATED)
        mv_push(m, &all, a);
    if (!all.v || m->failed)
        return NULL;
    mv_push(m, &all, related(m, sign, all.v[all.n - 1]->args[1], b));
    if (!m->failed && all.n == 2 && a->num == MV_EQUALS && sign == MV_EQUALS &&
        mv_identical(a->args[0], b)) /* x = 3 = x is no chain for SymPy */
        return mv_fail(m);
    return m->failed ? NULL : mv_build(m, MV_CHAIN, 0, all.n, all.v);
}

static const struct mv *relation(struct maker *m, const struct mv_node *n)
{
    const struct mv *v = mv_expr(m, n->kids[0]), *w;

    for (int i = 1; i < n->n && v; i++) {
        enum mv_part sign = n->kids[i]->kids[0]->kids[0]->part;
        w = mv_expr(m, n->kids[i]->kids[1]);
        if (!w || sign == MV_IN)
            return mv_fail(m);
        if (sign == MV_APPROX)
            v = mv_only_names(v) ? w : v;
        else
            v = chained(m, sign, v, w);
    }
    return v;
}

/* --- sets ---------------------------------------------------------------------------------- */

static const struct mv *set_atom(struct maker *m, const struct mv_node *n);

/* The other of plus and minus, which stays a product of its own. */
static const struct mv *turned(struct maker *m, const struct mv *v)
{
    return v && v->kind != MV_INTEGER && v->kind != MV_RATIONAL
               ? mv_pair(m, MV_PRODUCT, mv_whole(m, -1), v)
               : mv_negated(m, v);
}

static void element(struct maker *m, const struct mv_node *n, struct several *all)
{
    const struct mv_node *what = n->kids[0];
    const struct mv *v, *w;

    switch (what->part) {
    case MV_set_atom: mv_push(m, all, set_atom(m, what)); return;
    case MV_relation: mv_push(m, all, relation(m, what)); return;
    case MV_expr: mv_push(m, all, mv_expr(m, what)); return;
    default: break;
    }
    v = mv_expr(m, mv_kid(what, MV_expr, 0));
    if (what->alternative == 1) {
        mv_push(m, all, turned(m, v));
        mv_push(m, all, v);
        return;
    }
    w = mv_expr(m, mv_kid(what, MV_expr, 1));
    mv_push(m, all, mv_pair(m, MV_SUM, v, w));
    mv_push(m, all, mv_pair(m, MV_SUM, v, turned(m, w)));
}

static int is_list(enum mv_part p)
{
    return p == MV_list || p == MV_plain_list;
}

/* What commas part, one list for each semicolon.  Returns how many lists. */
static int elements(struct maker *m, const struct mv_node *n, struct several *all, int *sizes,
                    int most)
{
    int lists = 0;

    for (int i = 0; i < n->n; i++) {
        const struct mv_node *list = is_list(n->kids[i]->part) ? n->kids[i] : n->kids[i]->kids[1];
        int before = all->n;
        for (int k = 0; k < list->n; k++)
            element(m, k == 0 ? list->kids[0] : list->kids[k]->kids[1], all);
        if (lists < most)
            sizes[lists] = all->n - before;
        lists++;
    }
    return lists;
}

static const struct mv *set_of(struct maker *m, int n, const struct mv *const *args)
{
    const struct mv *v = m->failed ? NULL : mv_finite(m->arena, n, args);

    if (!v && !m->failed)
        m->failed = -1;
    return v;
}

/* Lists of one each, or only one list, are a set; others a set of tuples. */
static const struct mv *set_or_tuples(struct maker *m, const struct mv_node *n)
{
    enum { LISTS = 128 };
    struct several all = {NULL, 0, 0}, tuples = {NULL, 0, 0};
    int sizes[LISTS] = {0}, lists = elements(m, n, &all, sizes, LISTS), at = 0;

    if (m->failed || lists > LISTS)
        return mv_fail(m);
    if (all.n == 1)
        return all.v[0];
    if (lists == 1 || lists == all.n)
        return set_of(m, all.n, all.v);
    for (int i = 0; i < lists; at += sizes[i++])
        mv_push(m, &tuples, mv_build(m, MV_ORDERED, 0, sizes[i], all.v + at));
    return set_of(m, tuples.n, tuples.v);
}

static int not_real(const struct mv *v)
{
    return (v->kind == MV_NAME && !v->real) || v->kind == MV_I;
}

static const struct mv *interval(struct maker *m, const struct mv_node *n)
{
    const struct mv *ends[] = {mv_expr(m, n->kids[1]), mv_expr(m, n->kids[3])};
    enum mv_part first = n->kids[0]->kids[0]->part, last = n->kids[4]->kids[0]->part;
    int left = first == MV_PAREN || first == MV_LGROUP;
    int right = last == MV_PAREN_END || last == MV_RGROUP;
    double a, b;

    if (!ends[0] || !ends[1])
        return NULL;
    if (is_set(ends[0]) || is_set(ends[1]) || not_real(ends[0]) || not_real(ends[1]) ||
        mv_is_matrix(ends[0]) || mv_is_matrix(ends[1]))
        return mv_fail(m);
    if (mv_constant(ends[0], &a) && mv_constant(ends[1], &b)) {
        if (left == right && (left ? b <= a : b < a))
            return mv_build(m, MV_ORDERED, 0, 2, ends);
        if (a == b)
            return left || right ? set_of(m, 0, NULL) : set_of(m, 1, ends);
        if (b < a || a == HUGE_VAL || b == -HUGE_VAL)
            return set_of(m, 0, NULL);
        left |= a == -HUGE_VAL;
        right |= b == HUGE_VAL;
    }
    return mv_build(m, MV_RANGE, left | right << 1, 2, ends);
}

static const struct mv *literal_set(struct maker *m, const struct mv_node *n)
{
    static const char *const letters[] = {"N", "ℕ", "Z", "ℤ", "Q", "ℚ", "R", "ℝ", "C", "ℂ"};
    const struct mv_token *t = &m->tokens[n->from];

    if (n->alternative > 0)
        return set_of(m, 0, NULL);
    for (size_t i = 0; i < LENGTH(letters); i++)
        if ((*t->s == '\\') == (i % 2 == 0) &&
            strncmp(t->s + (i % 2 ? 0 : sizeof "\\mathbb{" - 1), letters[i],
                    strlen(letters[i])) == 0)
            return mv_build(m, MV_NUMBER_SET, letters[i - i % 2][0], 0, NULL);
    return mv_fail(m);
}

static const struct mv *set_atom(struct maker *m, const struct mv_node *n)
{
    const struct mv_node *what = n->kids[0];
    struct several all = {NULL, 0, 0};
    int one;

    switch (what->part) {
    case MV_interval: return interval(m, what);
    case MV_literal_set: return literal_set(m, what);
    case MV_tuple:
        elements(m, what->kids[1], &all, &one, 1);
        if (m->failed)
            return NULL;
        return all.n == 1 ? all.v[0] : mv_build(m, MV_ORDERED, 0, all.n, all.v);
    default: break;
    }
    if (what->alternative == 2)
        return set_or_tuples(m, what->kids[2]);
    elements(m, what->kids[1], &all, &one, 1);
    return set_of(m, all.n, all.v);
}

/* --- of sets ------------------------------------------------------------------------------- */

static const struct mv *set_operation(struct maker *m, const struct mv_node *n)
{
    static const enum mv_kind kinds[] = {MV_WITHOUT, MV_UNITED, MV_SHARED};
    const struct mv *v, *w;
    enum mv_kind kind;

    if (n->part == MV_set_group)
        return n->alternative == 0 ? set_operation(m, n->kids[1]) : set_atom(m, n->kids[0]);
    kind = kinds[n->part == MV_minus_expr ? 0 : n->part == MV_union_expr ? 1 : 2];
    v = set_operation(m, n->kids[0]);
    for (int i = 1; i < n->n && v; i++) {
        w = set_operation(m, n->kids[i]->kids[1]);
        if (!w || !is_set(v) || !is_set(w))
            return mv_fail(m);
        if (kind != MV_WITHOUT && v->kind == MV_ORDERED)
            v = set_of(m, v->n, v->args);
        if (kind != MV_WITHOUT && w->kind == MV_ORDERED)
            w = set_of(m, w->n, w->args);
        v = mv_pair(m, kind, v, w);
    }
    return v;
}

static const struct mv *set_relation(struct maker *m, const struct mv_node *n)
{
    const struct mv *v;

    if (n->alternative == 3)
        return set_operation(m, n->kids[0]);
    v = related(m, MV_EQUALS, mv_names(m, n->kids[0]), set_relation(m, n->kids[2]));
    return n->alternative == 1 ? mv_build(m, MV_NOT_IN_SET, 0, 1, &v) : v;
}

/* 1,000 and 0,111: a number, where nothing else is there. */
static int grouped(const char *s, size_t n, struct strbuf *out)
{
    struct span t = py_strip(s, n);
    size_t i = t.n && *t.s == '-', first = i, groups = 0, k;

    while (i < t.n && isdigit((unsigned char)t.s[i]))
        i++;
    if (i == first || i - first > 3)
        return 0;
    for (; i < t.n && t.s[i] == ','; i += 4, groups++)
        for (k = 1; k <= 3; k++)
            if (i + k >= t.n || !isdigit((unsigned char)t.s[i + k]))
                return 0;
    if (i + 1 < t.n && t.s[i] == '.')
        for (i++; i < t.n && isdigit((unsigned char)t.s[i]);)
            i++;
    if (i != t.n || groups == 0)
        return 0;
    for (i = 0; i < t.n; i++)
        if (t.s[i] != ',')
            strbuf_addc(out, t.s[i]);
        else if (*s == '0')
            strbuf_addc(out, '.');
    return 1;
}

int mv_read(const struct mv_grammar *g, struct arena *a, const char *s, size_t n, int real,
            const struct mv **out)
{
    struct mv_tree tree;
    struct maker m = {.arena = a, .real = real};
    struct strbuf b = STRBUF_INIT;
    const struct mv_node *top;
    int rc = mv_parse(g, a, s, n, &tree);

    if (rc <= 0)
        return rc;
    m.tokens = tree.tokens;
    top = tree.root->kids[0];
    *out = NULL;
    if (tree.root->alternative == 2) {
        *out = set_relation(&m, top);
    } else if (tree.root->alternative == 0) {
        *out = related(&m, MV_EQUALS, mv_names(&m, top->kids[0]), set_or_tuples(&m, top->kids[2]));
    } else if (grouped(s, n, &b)) {
        *out = strchr(strbuf_str(&b), '.') != strrchr(strbuf_str(&b), '.')
                   ? mv_fail(&m)
                   : mv_number(a, strbuf_str(&b), b.len);
        m.failed = b.failed || (!*out && !m.failed) ? -1 : m.failed;
    } else {
        *out = set_or_tuples(&m, top);
    }
    strbuf_release(&b);
    return m.failed < 0 ? -1 : *out && !m.failed;
}
