/* mathverify_spell.c -- the spelling that math-verify brings TeX to before it is read: what is in
 * the box, without units, signs of layout and quotes, with the braces that TeX lets one omit. */
#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "tasks/mathverify_spell.h"
#include "tasks/pyregex.h"

#define LENGTH(a) (sizeof(a) / sizeof(a)[0])

static const char *const simple[][2] = {
    {"\\mathrm{T}", "T"}, {"\\mathrm{d}", "d"}, {"{\\rm d}", "d"},
    {"\\left[\\begin{matrix}", "\\begin{bmatrix}"}, {"\\end{matrix}\\right]", "\\end{bmatrix}"},
};

#define UPPER "([a-zA-Z0-9+\\-*/\\\\ ]+?)"
static const char *const layout[][2] = {
    {"\\\\m?left(\\\\\\{|\\{|\\\\\\||\\||\\[|\\(|\\\\lgroup|\\\\lbrace|\\\\lbrack|\\\\l?vert|"
     "\\\\lceil|\\\\lfloor|\\\\langle|\\\\llcorner|\\\\ulcorner)", "\\1"},
    {"\\\\m?right(\\\\\\}|\\}|\\\\\\||\\||\\]|\\)|\\\\rbrack|\\\\rgroup|\\\\rbrace|\\\\r?vert|"
     "\\\\rceil|\\\\rfloor|\\\\rangle|\\\\lrcorner|\\\\urcorner)", "\\1"},
    {"\\(" UPPER "\\)_\\{" UPPER "\\}", "\\frac{(\\1)!}{((\\1)-(\\2))!}"},
    {"\\\\mathrm\\{th\\}|\\\\!\\s*|\\\\text\\s*\\{\\s*\\}|\\\\?\\$|(?<!\\\\)[\"']|\\\\displaystyle",
     ""},
};

/* In one pass; the first that fits counts. */
static const char *const words[][2] = {
    {"\\\\math(?:rm|it|bf)", "\\text"},
    {"\\\\text(?:normal|bf|it|rm)", "\\text"},
    {"\\\\[dtc]frac", "\\frac"},
    {"\\s\\.", " 0."},
    {"\\{\\.", "{0."},
    {"~=", "\\approx"},
    {"\\s*\\{\\s*,\\s*\\}", ","},
    {"(?<![a-zA-Z]),?\\s*(?:and|or)(?![a-zA-Z])", ","},
    {",?\\s*\\\\text\\{\\s*(?:and|or)\\s*\\}", ","},
    {"(?<!\\\\)\\\\\\s", " "},
    {"infinity", "\\infty"},
    {",?\\\\ldots", " "},
    {"\\s*\\bpercentage\\b", "\\%"},
    {"\\\\text\\{percentage\\}", "%"},
    {"\\s*\\bpercent\\b", "\\%"},
    {"\\\\text\\{percent\\}", "%"},
    {"\\s*\\bpct\\b", "\\%"},
    {"\\\\text\\{pct\\}", "%"},
    {"(?<!\\\\)inf(?!inity)", "\\infty"},
    {" sqrt", "\\sqrt"},
};

/* What a number may be followed by at the end; a point stands for any sign. */
static const char units[] =
    "integerpoint|feet|sue|digit|pound|meal|edge|student|children ticket|multiple|east|degree|mph|"
    "kmph|ft|m square| m east|sq m|deg|mile|q .|monkey|prime|ratio|profit of rs|rd|o|gm|p . m|lb|"
    "tile|per|dm|lt|gain|ab|way|west|[a-h] .|t|h|no change|men|soldier|pie|bc|excess|st|inches|"
    "noon|cent|by|gal|kmh|c|acre|rise|a . m|th|π r 2|sq|mark|l|toy|coin|sq . m|gallon|° f|profit|"
    "minw|yr|women|am|pm|hr|cu cm|square|v â € ™|are|rupee|rounds|cubic|cc|mtr|s|ohm|number|day|"
    "hour|minute|min|second|man|woman|sec|cube|mt|sq inch|mp|∏ cm ³|hectare|more|unit|cu . m|"
    "cm 2|rs .|rs|kg|g|month|km|m|cm|mm|apple|liter|loss|yard|pure|year|increase|decrease|d|less|"
    "Surface|litre|pi sq m|s .|metre|meter|inch";

static const char *const malformed[][2] = {
    {"\\^\\s?\\((.*?)\\)", "^{\\1}"},
    {"sqrt\\s?\\((.*?)\\)", "\\sqrt{\\1}"},
    {"\\\\frac\\s?(\\d)\\s?(\\d+)", "\\frac{\\1}{\\2}"},
    {"\\\\log_\\s?(\\d)\\s?(\\d+)", "\\log_{\\1}{\\2}"},
    {"\\\\frac\\s?\\{(.*?)\\}\\s?(\\d)", "\\frac{\\1}{\\2}"},
    {"\\\\frac\\s?(\\d)\\s?\\{(.*?)\\}", "\\frac{\\1}{\\2}"},
    {"\\\\sqrt\\s?(\\d)", "\\sqrt{\\1}"},
};

struct mv_speller {
    struct pyregex *layout[LENGTH(layout)], *words, *slashes, *superscript, *unit;
    struct pyregex *malformed[LENGTH(malformed)];
};

enum { SPELT_BYTES = 2048 }; /* of what is in boxes */

/* --- the box ------------------------------------------------------------------------------- */

static size_t last_of(const char *s, size_t n, const char *what) /* n: it is not there */
{
    size_t k = strlen(what);

    for (size_t i = n >= k ? n - k + 1 : 0; i-- > 0;)
        if (memcmp(s + i, what, k) == 0)
            return i;
    return n;
}

/* Where the brace at `open` is closed, before `end`; 0: nowhere. */
static size_t closing(const char *s, size_t open, size_t end)
{
    int depth = 1;

    for (size_t i = open + 1; i < end; i++) {
        depth += (s[i] == '{') - (s[i] == '}');
        if (depth == 0)
            return i;
    }
    return 0;
}

/* A comma, a semicolon, and, or. */
static int separates(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;
        if (s[i] == ',' || s[i] == ';')
            return 1;
        while (i + k < n && (isalnum((unsigned char)s[i + k]) || s[i + k] == '_'))
            k++;
        if ((k == 3 && memcmp(s + i, "and", 3) == 0) || (k == 2 && memcmp(s + i, "or", 2) == 0))
            return 1;
        i += k ? k - 1 : 0;
    }
    return 0;
}

/* A box in front of another belongs to the answer where hardly anything is between them. */
static int belongs(struct span between, struct span box, struct span next)
{
    size_t n = utf8_count(between.s, between.n);
    int same = box.n == next.n && memcmp(box.s, next.s, box.n) == 0;

    return n < 10 || (!same && n < 70 && separates(between.s, between.n));
}

enum { BOXES = 64 };

/* Boxes from the last to the first; returns how many. */
static int boxes(const char *s, size_t n, int last_only, struct span *v)
{
    size_t at = n, end = n, last = n;
    int found = 0;

    while (found < BOXES) {
        size_t boxed = last_of(s, at, "\\boxed"), fbox = last_of(s, at, "\\fbox"), start, open,
               close;
        struct span content;
        if (boxed == at && fbox == at)
            break;
        start = boxed == at ? fbox : fbox == at || boxed > fbox ? boxed : fbox;
        open = start + (start == boxed ? 6 : 5);
        while (open < end && isspace((unsigned char)s[open]))
            open++;
        if (open >= end)
            break;
        close = s[open] == '{' ? closing(s, open, end) : 0;
        if (!close) {
            if (found == 0)
                v[found++] = (struct span){s + open, n - open};
            break;
        }
        content = py_strip(s + open + 1, close - open - 1);
        if (last_only && last < n &&
            !belongs((struct span){s + close + 1, last - close - 1}, content, v[found - 1]))
            break;
        if (!found || v[found - 1].n != content.n ||
            memcmp(v[found - 1].s, content.s, content.n) != 0)
            v[found++] = content;
        at = end = last = start;
    }
    return found;
}

static void add_boxes(struct strbuf *b, struct span text, int last_only)
{
    struct span v[BOXES];
    int n = boxes(text.s, text.n, last_only, v);

    if (n == 0)
        strbuf_add(b, text.s, text.n);
    for (int i = n; i-- > 0;) {
        strbuf_add(b, v[i].s, v[i].n);
        if (i)
            strbuf_addc(b, ',');
    }
}

/* --- replacing ----------------------------------------------------------------------------- */

/* What was appended becomes the text. */
static void exchange(struct strbuf *b, struct strbuf *next)
{
    struct strbuf held = *b;

    *b = *next;
    *next = held;
    next->failed |= b->failed;
    b->failed |= held.failed;
    strbuf_clear(next);
}

/* A search that gives up leaves the text as it is. */
static void substitute(const struct pyregex *r, const char *to, struct strbuf *b,
                       struct strbuf *next)
{
    struct err e = ERR_NONE;

    if (pyregex_replace(r, to, strbuf_str(b), b->len, next, &e) == 0)
        exchange(b, next);
    else if (e.code == ERR_NOMEM)
        b->failed = 1;
    strbuf_clear(next);
}

struct pass {
    const char *s;
    size_t done;
    struct strbuf *out;
};

static int replace_word(void *user, const struct span *g, int n)
{
    struct pass *p = user;

    strbuf_add(p->out, p->s + p->done, (size_t)(g[0].s - p->s) - p->done);
    p->done = (size_t)(g[0].s - p->s) + g[0].n;
    for (int i = 1; i < n; i++)
        if (g[i].n) {
            strbuf_adds(p->out, words[i - 1][1]);
            break;
        }
    return 0;
}

static void replace_words(const struct mv_speller *m, struct strbuf *b, struct strbuf *next)
{
    struct err e = ERR_NONE;
    struct pass p = {strbuf_str(b), 0, next};

    if (pyregex_each(m->words, p.s, b->len, replace_word, &p, &e) == 0) {
        strbuf_add(next, p.s + p.done, b->len - p.done);
        exchange(b, next);
    } else if (e.code == ERR_NOMEM) {
        b->failed = 1;
    }
    strbuf_clear(next);
}

/* Only where something is left. */
static void drop(const struct pyregex *r, const char *to, struct strbuf *b, struct strbuf *next)
{
    struct err e = ERR_NONE;
    struct span t;

    if (pyregex_replace(r, to, strbuf_str(b), b->len, next, &e) < 0)
        b->failed |= e.code == ERR_NOMEM;
    t = to[0] ? (struct span){strbuf_str(next), next->len} : py_strip(strbuf_str(next), next->len);
    if (t.n && e.code == ERR_OK) {
        strbuf_clear(b);
        strbuf_add(b, t.s, t.n);
    }
    b->failed |= next->failed;
    strbuf_clear(next);
}

static size_t character(const char *s)
{
    size_t n = utf8_len(s, strlen(s));

    return *s && !n ? 1 : n;
}

static const char *skip_space(const char *s)
{
    while (isspace((unsigned char)*s))
        s++;
    return s;
}

/* \sqrt3 is \sqrt{3}. */
static void brace_roots(struct strbuf *b, struct strbuf *next)
{
    static const char root[] = "\\sqrt";
    const char *s = strbuf_str(b);

    for (const char *at; (at = strstr(s, root)) != NULL;) {
        size_t n;
        strbuf_add(next, s, (size_t)(at - s) + sizeof root - 1);
        s = skip_space(at + sizeof root - 1);
        n = character(s);
        if (*s && *s != '{' && *s != '[' && strncmp(s, root, sizeof root - 1) != 0) {
            strbuf_addf(next, "{%.*s}", (int)n, s);
            s += n;
        }
    }
    strbuf_adds(next, s);
    exchange(b, next);
}

/* \frac12 is \frac{1}{2}; with less than two signs behind one the text stays as it was. */
static void brace_fractions(struct strbuf *b, struct strbuf *next)
{
    static const char frac[] = "\\frac";
    const char *s = strbuf_str(b), *at = strstr(s, frac);

    if (!at)
        return;
    strbuf_add(next, s, (size_t)(at - s));
    while (at) {
        size_t n, m;
        const char *part = at + sizeof frac - 1, *end;
        at = strstr(part, frac);
        end = at ? at : part + strlen(part);
        while (part < end && isspace((unsigned char)*part))
            part++;
        n = character(part);
        if (part == end || (*part != '{' && n >= (size_t)(end - part))) {
            strbuf_clear(next);
            return;
        }
        strbuf_adds(next, frac);
        if (*part != '{') {
            m = character(part + n);
            strbuf_addf(next, part[n] == '{' ? "{%.*s}%.*s" : "{%.*s}{%.*s}", (int)n, part, (int)m,
                        part + n);
            part += n + m;
        }
        strbuf_add(next, part, (size_t)(end - part));
    }
    exchange(b, next);
}

static int plain_integer(const char *s, size_t n)
{
    size_t minus = n && *s == '-', digits = strspn(s + minus, "0123456789");

    return digits > 0 && digits < 4300 && minus + digits == n &&
           (s[minus] != '0' || (digits == 1 && !minus));
}

/* 1/2 is \frac{1}{2}. */
static void slash_to_fraction(struct strbuf *b, struct strbuf *next)
{
    const char *s = strbuf_str(b), *slash = strchr(s, '/');

    if (!slash || strchr(slash + 1, '/') || !plain_integer(s, (size_t)(slash - s)) ||
        !plain_integer(slash + 1, strlen(slash + 1)))
        return;
    strbuf_addf(next, "\\frac{%.*s}{%s}", (int)(slash - s), s, slash + 1);
    exchange(b, next);
}

static void replace(struct strbuf *b, struct strbuf *next, const char *from, const char *to)
{
    py_replace(next, strbuf_str(b), b->len, from, to);
    exchange(b, next);
}

static void repair(const struct mv_speller *m, struct strbuf *b, struct strbuf *next)
{
    if (*strbuf_str(b) == '.') {
        strbuf_addf(next, "0%s", strbuf_str(b));
        exchange(b, next);
    }
    if (strcmp(strbuf_str(b), "0.5") == 0) {
        strbuf_clear(b);
        strbuf_adds(b, "\\frac{1}{2}");
    }
    for (size_t i = 0; i < LENGTH(malformed); i++)
        substitute(m->malformed[i], malformed[i][1], b, next);
    replace(b, next, " sqrt", "\\sqrt");
    brace_roots(b, next);
    brace_fractions(b, next);
    slash_to_fraction(b, next);
}

int mv_spell(const struct mv_speller *m, struct span text, int last_box, struct strbuf *out)
{
    struct strbuf b = STRBUF_INIT, next = STRBUF_INIT;
    struct span t;

    add_boxes(&b, text, last_box);
    if (b.len > SPELT_BYTES)
        strbuf_clear(&b);
    for (size_t i = 0; i < LENGTH(simple); i++)
        replace(&b, &next, simple[i][0], simple[i][1]);
    for (size_t i = 0; i < LENGTH(layout); i++)
        substitute(m->layout[i], layout[i][1], &b, &next);
    replace_words(m, &b, &next);
    for (size_t i = 0; i < b.len; i++)
        if (b.s[i] == '\n' || b.s[i] == '\t')
            b.s[i] = ' ';
    if (!strstr(strbuf_str(&b), "matrix"))
        substitute(m->slashes, "\\", &b, &next);
    drop(m->superscript, "", &b, &next);
    for (int i = 0; i < 2; i++)
        drop(m->unit, "\\1", &b, &next);
    repair(m, &b, &next);
    t = py_strip(strbuf_str(&b), b.len);
    strbuf_add(out, t.s, t.n);
    out->failed |= b.failed | next.failed;
    strbuf_release(&b);
    strbuf_release(&next);
    return out->failed ? -1 : 0;
}

/* --- patterns ------------------------------------------------------------------------------ */

static int open_all(struct mv_speller *m, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    int rc = 0;

    for (size_t i = 0; i < LENGTH(layout) && rc == 0; i++)
        rc = pyregex_open(&m->layout[i], layout[i][0], e);
    for (size_t i = 0; i < LENGTH(malformed) && rc == 0; i++)
        rc = pyregex_open(&m->malformed[i], malformed[i][0], e);
    if (rc == 0)
        rc = pyregex_open(&m->slashes, "\\\\\\\\(?=[a-zA-Z])", e);
    if (rc == 0)
        rc = pyregex_open(&m->superscript,
                          "(\\\\(?:text|mbox)\\{.*?\\})(\\^\\d|\\{\\^\\d\\})?$", e);
    strbuf_addf(&b, "(\\d|\\}|\\s)\\s*(?:%s)(?:s|es)?\\s*$", units);
    if (rc == 0)
        rc = strbuf_ok(&b, e) < 0 ? -1 : pyregex_open(&m->unit, strbuf_str(&b), e);
    strbuf_clear(&b);
    for (size_t i = 0; i < LENGTH(words); i++)
        strbuf_addf(&b, "%s(%s)", i ? "|" : "", words[i][0]);
    if (rc == 0)
        rc = strbuf_ok(&b, e) < 0 ? -1 : pyregex_open(&m->words, strbuf_str(&b), e);
    strbuf_release(&b);
    return rc;
}

int mv_speller_open(struct mv_speller **out, struct err *e)
{
    struct mv_speller *m = mem_calloc(1, sizeof *m);

    if (!m)
        return err_nomem(e);
    if (open_all(m, e) < 0) {
        mv_speller_close(m);
        return -1;
    }
    *out = m;
    return 0;
}

void mv_speller_close(struct mv_speller *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < LENGTH(layout); i++)
        pyregex_close(m->layout[i]);
    for (size_t i = 0; i < LENGTH(malformed); i++)
        pyregex_close(m->malformed[i]);
    pyregex_close(m->words);
    pyregex_close(m->slashes);
    pyregex_close(m->superscript);
    pyregex_close(m->unit);
    mem_free(m);
}
