#include "tasks/mathverify.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tasks/mathverify_impl.h"
#include "tasks/mathverify_spell.h"
#include "tasks/pyregex.h"

/* Places that are tried to be read; bytes of one of them. */
enum { TRIED = 400, CANDIDATES = 20000, PLACE_BYTES = 2048, PARTS = 6 };

/* --- patterns ------------------------------------------------------------------------------ */

enum content { TEX, BOXED, BOX, PLAIN, PLAIN_EXPRESSION, PLAIN_NUMBER };

/* By priority: all matches of one priority are looked at together, TeX's first. */
static const struct {
    int priority;
    enum content content;
    const char *before, *behind;
} places[] = {
    {0, TEX, "(?i:final answer is):?\\s*", "\\.?\\s?I hope"},
    {0, PLAIN, "(?i:final answer is):?\\s*", "\\.?\\s?I hope"},
    {50, TEX, "(?i:final answer.{0,100}?)\\s+is:?\\s*", ""},
    {50, BOXED, "", ""},
    {50, BOX, "", ""},
    {50, PLAIN, "(?i:final answer.{0,100}?)\\s+is:?", ""},
    {100, TEX, "(?i:answer):.{0,50}?", ""},
    {100, PLAIN, "(?i:answer):(?:.{0,100}=\\s*|.{0,50}?)", "(?!\\s*=)"},
    {200, TEX, "(?i:answer).{0,50}?", ""},
    {200, PLAIN, "(?i:answer)(?:.{0,100}=\\s*|.{0,50}?)", "(?!\\s*=)"},
    {300, TEX, "", ""},
    {300, PLAIN_EXPRESSION, "", ""},
    {300, PLAIN_NUMBER, "", ""},
};
enum { PLACES = sizeof places / sizeof places[0] };

struct mathverify {
    struct mv_grammar *grammar;
    struct mv_speller *speller;
    struct pyregex *places[PLACES], *complex_numbers;
};

/* What is between two signs of mathematics ends at the first that closes it: no search goes back.
 * What has no end near by is not looked through from each of its beginnings. */
static const struct {
    const char *open, *content, *close;
} environments[] = {
    {"(?<!\\\\)\\$\\$", "(?:[^$]|\\$(?!\\$))", "(?<!\\\\)\\$\\$"},
    {"(?<!\\\\)\\\\\\[(?=[^\\]]{1,1000}+\\].{0,1000}?(?<=\\\\\\]))", "(?:[^\\\\]|\\\\(?!\\]))",
     "(?<!\\\\)\\\\\\]"},
    {"(?<!\\\\|\\d)\\$", "(?:\\\\[$]|[^\\n$])", "(?<!\\\\)\\$"},
    {"(?<!\\\\)\\\\\\((?=[^)\\n]{1,1000}+\\).{0,1000}?(?<=\\\\\\)))", "(?:[^\\\\\\n]|\\\\(?!\\)))",
     "(?<!\\\\)\\\\\\)"},
    {"\\s\\[", "[^\\n\\]\\[]", "\\]\\s"},
};

/* A group for each, and one for a percent sign behind. */
static void add_environment(struct strbuf *b, int boxed)
{
    strbuf_adds(b, "(?:(?:");
    for (size_t i = 0; i < sizeof environments / sizeof environments[0]; i++) {
        const char *c = environments[i].content;
        strbuf_addf(b, "%s%s", i ? "|" : "", environments[i].open);
        if (boxed)
            strbuf_addf(b, "(?=(?:(?!\\\\boxed\\{)%s)*+\\\\boxed\\{%s(?:(?!\\})%s)*+\\})", c, c, c);
        strbuf_addf(b, "(%s++)%s", c, environments[i].close);
    }
    if (!boxed)
        strbuf_adds(b, "|(-?\\\\frac\\{-?\\d+(?:[.,]\\d+)?\\}\\{-?\\d+(?:[.,]\\d+)?\\})");
    strbuf_adds(b, ")\\s*(\\\\?%|[Pp]ercent|[Pp]ercentage|[Pp]ct)?)");
}

/* Up to six of them, joined by commas, and, or. */
static void add_tex(struct strbuf *b, int boxed)
{
    add_environment(b, boxed);
    for (int i = 1; i < PARTS; i++) {
        strbuf_addf(b, "%s(?:\\s*(?:,?and|,?or|,)\\s*", boxed ? "\\s*" : "");
        add_environment(b, boxed);
        strbuf_adds(b, ")?");
    }
}

#define SIGNS "\\+\\-\\*×/\\^\\(\\)÷"
static const char expression[] =
    "(?:(?:^|\\s|=)(?:\\*\\*)?(-?\\(?-?\\d[\\d\\.\\s" SIGNS "]{0,200}[" SIGNS "][\\d\\.\\s" SIGNS
    "]{1,200}\\)?)(?:\\*\\*)?(?:\\.|,|:|\\s|\\)|\\$|$))";
static const char number[] =
    "(?:(?:^|\\s|=)(?:\\*\\*)?[$€£¥₹₽₪₩₫฿₡₢₣₤₥₦₧₨₭₮₯₰₱₲₳₴₵₶₷₸₺₻₼₾₿]?"
    "(?<!\\d)(?:(-?[1-9]\\d{0,2}(?:[ ,]\\d{3})+)(\\.\\d+)?|(-?\\d+)([.,]\\d+)|(\\.\\d+)|(-?\\d+))"
    "(\\s*(?:%|[Pp]ercent|\\s*[Pp]ercentage|\\s*[Pp]ct))?)";

static int open_place(struct pyregex **out, int i, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    int rc;

    strbuf_addf(&b, "%s%s", places[i].content <= BOX ? "(?s)" : "", places[i].before);
    switch (places[i].content) {
    case TEX: add_tex(&b, 0); break;
    case BOXED: add_tex(&b, 1); break;
    case BOX: strbuf_adds(&b, "(\\\\boxed\\{.+\\})"); break;
    case PLAIN: strbuf_addf(&b, "(?:%s|%s)", expression, number); break;
    case PLAIN_EXPRESSION: strbuf_adds(&b, expression); break;
    case PLAIN_NUMBER: strbuf_adds(&b, number); break;
    }
    strbuf_adds(&b, places[i].behind);
    rc = strbuf_ok(&b, e) < 0 ? -1 : pyregex_open(out, strbuf_str(&b), e);
    strbuf_release(&b);
    return rc;
}

int mathverify_open(struct mathverify **out, struct err *e)
{
    struct mathverify *m = mem_calloc(1, sizeof *m);
    int rc;

    if (!m)
        return err_nomem(e);
    rc = mv_grammar_open(&m->grammar, e);
    if (rc == 0)
        rc = mv_speller_open(&m->speller, e);
    if (rc == 0) /* where letters do not stand for real numbers */
        rc = pyregex_open(
            &m->complex_numbers,
            "\\\\mathbb\\{C\\}|\\\\i\\b|\\bi\\b|\\\\(?:text|mathrm)\\{i\\}|\\\\imath\\b|"
            "\\\\det|\\\\operatorname\\{(?:tr|rank|Re|Im)\\}|\\\\text\\{(?:rank|Re|Im)\\}|"
            "\\\\(?:arg|Re|Im)\\{",
            e);
    for (int i = 0; i < PLACES && rc == 0; i++)
        rc = open_place(&m->places[i], i, e);
    if (rc == 0)
        *out = m;
    else
        mathverify_close(m);
    return rc;
}

void mathverify_close(struct mathverify *m)
{
    if (!m)
        return;
    mv_grammar_close(m->grammar);
    mv_speller_close(m->speller);
    pyregex_close(m->complex_numbers);
    for (int i = 0; i < PLACES; i++)
        pyregex_close(m->places[i]);
    mem_free(m);
}

/* --- where an answer may be ----------------------------------------------------------------- */

struct candidate {
    const char *start, *end;
    int order;
    enum content content;
    struct span parts[PARTS]; /* TeX, or what was written plainly */
    char percent[PARTS];
    struct span decimal;
    int n, is_number;
};

struct candidates {
    struct candidate *v;
    int n, cap, failed;
    enum content content;
};

/* Groups: six kinds of signs (five where a box is within) and the percent sign, over and over. */
static void take_tex(struct candidate *c, const struct span *g, int n, int kinds)
{
    for (int at = 1; at + kinds < n && c->n < PARTS; at += kinds + 1)
        for (int k = 0; k < kinds; k++)
            if (g[at + k].n) {
                c->percent[c->n] = g[at + kinds].n > 0;
                c->parts[c->n++] = g[at + k];
                break;
            }
}

/* Groups: two ways to write whole parts, decimals behind each, decimals alone, digits, percent. */
static void take_number(struct candidate *c, const struct span *g)
{
    for (int i = 0; i < 6; i++) {
        int decimal = i == 1 || i == 3 || i == 4;
        if (g[i].n && decimal)
            c->decimal = g[i];
        else if (g[i].n)
            c->parts[0] = g[i];
    }
    c->percent[0] = g[6].n > 0;
    c->is_number = c->decimal.n || c->parts[0].n;
    c->n = 1;
}

static int take_match(void *user, const struct span *g, int n)
{
    struct candidates *all = user;
    struct candidate *c;

    if (all->n == CANDIDATES)
        return 1;
    if (all->n == all->cap) {
        int cap = all->cap ? 2 * all->cap : 16;
        struct candidate *more = mem_realloc(all->v, (size_t)cap * sizeof *more);
        if (!more) {
            all->failed = 1;
            return 1;
        }
        all->v = more;
        all->cap = cap;
    }
    c = &all->v[all->n];
    memset(c, 0, sizeof *c);
    *c = (struct candidate){
        .start = g[0].s, .end = g[0].s + g[0].n, .order = all->n++, .content = all->content};
    switch (all->content) {
    case TEX: take_tex(c, g, n, 6); break;
    case BOXED: take_tex(c, g, n, 5); break;
    case PLAIN_NUMBER: take_number(c, g + 1); break;
    case PLAIN:
        if (!g[1].n) {
            take_number(c, g + 2);
            break;
        } /* fall through */
    default:
        c->parts[0] = g[1];
        c->n = 1;
    }
    return 0;
}

/* The one that ends last is tried first; of these the longest. */
static int by_place(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;

    if (x->end != y->end)
        return x->end < y->end ? 1 : -1;
    if (x->start != y->start)
        return x->start > y->start ? 1 : -1;
    return x->order - y->order;
}

/* --- reading one of them -------------------------------------------------------------------- */

struct answer {
    const struct mv *value; /* NULL: nothing could be read */
    char *text;             /* the first place as it is spelt; NULL: there is none */
};

static int note_match(void *user, const struct span *g, int n)
{
    (void)g;
    (void)n;
    *(int *)user = 1;
    return 1;
}

/* Of a chain of equations that cannot be read its last side counts. */
static struct span last_side(struct span t)
{
    size_t from = 0, sides = 1;

    if (memchr(t.s, ',', t.n) || memchr(t.s, ';', t.n))
        return t;
    for (size_t i = 0; i < t.n; i++)
        if (t.s[i] == '=' && !(i && strchr("\\<!>", t.s[i - 1]))) {
            sides++;
            from = i + 1;
        }
    return sides > 2 ? (struct span){t.s + from, t.n - from} : t;
}

static int read_tex(const struct mathverify *m, struct arena *a, struct span t,
                    const struct mv **out)
{
    for (int i = 0; i < 2; i++) {
        int complex_numbers = 0, rc;
        if (pyregex_each(m->complex_numbers, t.s, t.n, note_match, &complex_numbers, NULL) < 0)
            return -1;
        rc = mv_read(m->grammar, a, t.s, t.n, !complex_numbers, out);
        if (rc)
            return rc;
        if (last_side(t).n == t.n)
            break;
        t = last_side(t);
    }
    return 0;
}

/* A percentage of a relation is none. */
static int percent_of(struct arena *a, const struct mv *v, const struct mv **out)
{
    if (v->kind >= MV_RELATED)
        return 0;
    *out = mv_percent(a, v);
    return *out ? 1 : -1;
}

/* Several pieces that can all be read are a set; else the first of them counts. */
static int read_pieces(const struct mathverify *m, struct arena *a, const struct candidate *c,
                       const struct mv **out, struct strbuf *text)
{
    const struct mv *values[PARTS] = {NULL}, *all[256];
    size_t first = 0;
    int n = 0, read = 0;

    for (int i = 0; i < c->n; i++) {
        struct strbuf one = STRBUF_INIT;
        int rc = c->parts[i].n > PLACE_BYTES && c->content != BOX
                     ? 0
                     : mv_spell(m->speller, c->parts[i], c->content == BOX, &one);
        if (rc == 0)
            rc = read_tex(m, a, (struct span){strbuf_str(&one), one.len}, &values[i]);
        if (rc > 0 && c->percent[i])
            rc = percent_of(a, values[i], &values[i]);
        if (rc == 0)
            values[i] = NULL;
        strbuf_addf(text, "%s%s", i ? " and " : "", strbuf_str(&one));
        first = i == 0 ? text->len : first;
        strbuf_release(&one);
        if (rc < 0 || text->failed)
            return -1;
        read += rc;
    }
    *out = values[0];
    if (c->n < 2 || read < c->n) {
        strbuf_truncate(text, first);
        return *out != NULL;
    }
    for (int i = 0; i < c->n && values[i]; i++)
        for (int k = 0; k < (values[i]->kind == MV_FINITE ? values[i]->n : 1); k++)
            if (n < (int)(sizeof all / sizeof all[0]))
                all[n++] = values[i]->kind == MV_FINITE ? values[i]->args[k] : values[i];
    *out = mv_finite(a, n, all);
    return *out ? 1 : -1;
}

static int read_number(struct arena *a, const struct candidate *c, const struct mv **out,
                       struct strbuf *text)
{
    for (size_t i = 0; i < c->parts[0].n; i++) {
        char sign = c->parts[0].s[i];
        if (sign != ',' && sign != ' ' && !(sign == '0' && text->len == 0))
            strbuf_addc(text, sign);
    }
    if (text->len == 0)
        strbuf_addc(text, '0');
    for (size_t i = 0; i < c->decimal.n; i++)
        strbuf_addc(text, c->decimal.s[i] == ',' ? '.' : c->decimal.s[i]);
    if (text->failed)
        return -1;
    *out = mv_number(a, strbuf_str(text), text->len);
    if (*out && c->percent[0])
        *out = mv_percent(a, *out);
    return *out ? 1 : -1;
}

static int read_candidate(const struct mathverify *m, struct arena *a, const struct candidate *c,
                          const struct mv **out, struct strbuf *text)
{
    int rc;

    *out = NULL;
    if (c->content <= BOX)
        return read_pieces(m, a, c, out, text);
    if (c->is_number)
        return read_number(a, c, out, text);
    strbuf_add(text, c->parts[0].s, c->parts[0].n);
    rc = c->parts[0].n > PLACE_BYTES ? 0 : mv_read_plain(a, c->parts[0].s, c->parts[0].n, out);
    return text->failed ? -1 : rc;
}

/* 1: something was read; 0; -1: no memory. */
static int try_all(const struct mathverify *m, struct arena *a, struct candidates *all,
                   struct answer *out)
{
    if (all->n)
        qsort(all->v, (size_t)all->n, sizeof *all->v, by_place);
    for (int i = 0; i < all->n && i < TRIED; i++) {
        struct strbuf text = STRBUF_INIT;
        int rc = read_candidate(m, a, &all->v[i], &out->value, &text);
        if (rc >= 0 && text.len && !out->text &&
            !(out->text = arena_strdup(a, strbuf_str(&text))))
            rc = -1;
        strbuf_release(&text);
        if (rc)
            return rc;
        out->value = NULL;
    }
    return 0;
}

static int find(const struct mathverify *m, struct arena *a, const char *text, int latex_only,
                struct answer *out)
{
    struct candidates all = {NULL, 0, 0, 0, TEX};
    size_t n = strlen(text);
    int rc = 0;

    *out = (struct answer){NULL, NULL};
    if (n > MATHVERIFY_BYTES) {
        text += n - MATHVERIFY_BYTES;
        n = MATHVERIFY_BYTES;
    }
    for (int i = 0; i < PLACES && rc == 0; i++) {
        struct err e = ERR_NONE;
        all.content = places[i].content;
        if (!(latex_only && all.content >= PLAIN) &&
            pyregex_each(m->places[i], text, n, take_match, &all, &e) < 0 && e.code == ERR_NOMEM)
            all.failed = 1;
        if (all.failed)
            rc = -1;
        else if (i + 1 == PLACES || places[i + 1].priority != places[i].priority) {
            rc = try_all(m, a, &all, out);
            all.n = 0;
        }
    }
    mem_free(all.v);
    return rc < 0 ? -1 : 0;
}

int mathverify_same(const struct mathverify *m, const char *gold, int latex_only, const char *reply,
                    struct err *e)
{
    struct arena a = ARENA_INIT;
    struct answer want, got;
    int same = -1;

    if (find(m, &a, gold, latex_only, &want) == 0 && find(m, &a, reply, 0, &got) == 0) {
        same = 0;
        if (want.text && got.text) {
            struct span x = py_strip(want.text, strlen(want.text));
            struct span y = py_strip(got.text, strlen(got.text));
            same = x.n && x.n == y.n && memcmp(x.s, y.s, x.n) == 0;
        }
        if (!same && want.value && got.value)
            same = mv_same(&a, want.value, got.value);
    }
    same = a.refused ? -1 : same;
    arena_release(&a);
    return same < 0 ? err_nomem(e) : same;
}

int mathverify_once(const char *gold, int latex_only, const char *reply, struct err *e)
{
    struct mathverify *m;
    int same;

    if (mathverify_open(&m, e) < 0)
        return -1;
    same = mathverify_same(m, gold, latex_only, reply, e);
    mathverify_close(m);
    return same;
}
