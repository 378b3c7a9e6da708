#include "tasks/math.h"

#include <string.h>

#include "base/strbuf.h"
#include "base/utf8.h"

static const char *last_of(const char *text, const char *what)
{
    const char *last = NULL;

    for (const char *s = text; (s = strstr(s, what)) != NULL; s++)
        last = s;
    return last;
}

int math_boxed(const char *text, struct span *out)
{
    static const char open[] = "\\boxed ", box[] = "\\boxed{";
    const char *s = last_of(text, open);
    int depth = 0;

    if (s) {
        s += sizeof open - 1;
        *out = (struct span){s, strcspn(s, "$")};
        return 1;
    }
    s = last_of(text, "\\boxed");
    if (!s || strncmp(s, box, sizeof box - 1) != 0)
        return 0;
    s += sizeof box - 1;
    depth = 1;
    for (const char *p = s; *p; p++) {
        depth += (*p == '{') - (*p == '}');
        if (depth == 0) {
            *out = (struct span){s, (size_t)(p - s)};
            return 1;
        }
    }
    return 0;
}

struct span find_boxed(const char *text)
{
    struct span s;

    return math_boxed(text, &s) ? s : (struct span){"[invalid]", 9};
}

struct span find_between_dollars(const char *text)
{
    const char *first = strchr(text, '$'), *last = strrchr(text, '$');

    if (first == last)
        return (struct span){text, strlen(text)};
    return (struct span){first + 1, (size_t)(last - first - 1)};
}

/* --- one spelling --------------------------------------------------------------------------- */

enum spelling {
    SPELT,
    IMPOSSIBLE, /* a rule does not apply: the text has to be taken as it is */
};

static void replace(struct strbuf *b, const char *from, const char *to)
{
    struct strbuf out = STRBUF_INIT;

    py_replace(&out, strbuf_str(b), b->len, from, to);
    out.failed |= b->failed;
    strbuf_release(b);
    *b = out;
}

static int count(const char *s, const char *what)
{
    int n = 0;

    for (; (s = strstr(s, what)) != NULL; s += strlen(what))
        n++;
    return n;
}

/* Bytes of the character at s, 0 at the end. */
static size_t character(const char *s)
{
    size_t n = utf8_len(s, strlen(s));

    return *s && !n ? 1 : n;
}

/* A unit behind the number begins with "\text{ ". */
static enum spelling drop_units(struct strbuf *b)
{
    static const char unit[] = "\\text{ ";
    int n = count(strbuf_str(b), unit);

    if (n == 1)
        strbuf_truncate(b, (size_t)(strstr(b->s, unit) - b->s));
    return n > 1 ? IMPOSSIBLE : SPELT;
}

/* "x = 3" is 3: what stands before a single equals sign goes when it has at most 2 characters. */
static void drop_name(struct strbuf *b)
{
    const char *equals = strchr(strbuf_str(b), '=');
    struct strbuf rest = STRBUF_INIT;

    if (!equals || strchr(equals + 1, '=') || utf8_count(b->s, (size_t)(equals - b->s)) > 2)
        return;
    strbuf_adds(&rest, equals + 1);
    rest.failed |= b->failed;
    strbuf_release(b);
    *b = rest;
}

/* \sqrt3 is \sqrt{3}. */
static enum spelling fix_roots(struct strbuf *b)
{
    static const char root[] = "\\sqrt";
    struct strbuf out = STRBUF_INIT;
    const char *s = strbuf_str(b);
    enum spelling how = SPELT;

    for (const char *next; (next = strstr(s, root)) != NULL && how == SPELT;) {
        strbuf_add(&out, s, (size_t)(next - s) + sizeof root - 1);
        s = next + sizeof root - 1;
        if (!*s || strncmp(s, root, sizeof root - 1) == 0) {
            how = IMPOSSIBLE;
        } else if (*s != '{') {
            size_t n = character(s);
            strbuf_addf(&out, "{%.*s}", (int)n, s);
            s += n;
        }
    }
    strbuf_adds(&out, s);
    out.failed |= b->failed;
    strbuf_release(b);
    *b = out;
    return how;
}

/* \frac12 is \frac{1}{2}, \frac1{72} is \frac{1}{72}; a \frac with one character left leaves the
 * whole text as it was. */
static enum spelling fix_fractions(struct strbuf *b)
{
    static const char frac[] = "\\frac";
    enum spelling how = SPELT;
    struct strbuf out = STRBUF_INIT;
    const char *s = strbuf_str(b), *next = strstr(s, frac);

    strbuf_add(&out, s, next ? (size_t)(next - s) : strlen(s));
    while (next) {
        size_t n, m, part;
        s = next + sizeof frac - 1;
        next = strstr(s, frac);
        part = next ? (size_t)(next - s) : strlen(s);
        n = character(s);
        if (part == 0) {
            how = IMPOSSIBLE;
            break;
        }
        if (*s != '{' && n >= part) {
            strbuf_release(&out);
            return SPELT;
        }
        strbuf_adds(&out, frac);
        if (*s != '{') {
            m = character(s + n);
            strbuf_addf(&out, s[n] == '{' ? "{%.*s}%.*s" : "{%.*s}{%.*s}", (int)n, s, (int)m,
                        s + n);
            s += n + m;
            part -= n + m;
        }
        strbuf_add(&out, s, part);
    }
    out.failed |= b->failed;
    strbuf_release(b);
    *b = out;
    return how;
}

/* What Python's int() takes: sign, digits with single underscores between, white space around. */
static int is_integer(struct span t, int *plain)
{
    enum { DIGITS_MAX = 4300 }; /* CPython's own limit */
    size_t digits = 0, i, sign;

    t = py_strip(t.s, t.n);
    sign = t.n && (*t.s == '-' || *t.s == '+');
    *plain = !(sign && *t.s == '+');
    for (i = sign; i < t.n; i++) {
        if (t.s[i] >= '0' && t.s[i] <= '9') {
            digits++;
            continue;
        }
        if (t.s[i] != '_' || i == sign || i + 1 == t.n || t.s[i - 1] == '_')
            return 0;
        *plain = 0;
    }
    if (digits > 0 && t.s[sign] == '0' && t.n > 1)
        *plain = 0;
    return digits > 0 && digits <= DIGITS_MAX;
}

/* 1/2 is \frac{1}{2}, for whole numbers as Python writes them. */
static enum spelling fix_slash(struct strbuf *b)
{
    const char *slash = strchr(strbuf_str(b), '/');
    struct strbuf out = STRBUF_INIT;
    int plain_a, plain_b;
    struct span x, y;

    if (!slash || strchr(slash + 1, '/'))
        return SPELT;
    x = (struct span){b->s, (size_t)(slash - b->s)};
    y = (struct span){slash + 1, strlen(slash + 1)};
    if (!is_integer(x, &plain_a) || !is_integer(y, &plain_b))
        return IMPOSSIBLE;
    if (!plain_a || !plain_b || py_strip(x.s, x.n).n != x.n || py_strip(y.s, y.n).n != y.n)
        return SPELT;
    strbuf_addf(&out, "\\frac{%.*s}{%s}", (int)x.n, x.s, y.s);
    out.failed |= b->failed;
    strbuf_release(b);
    *b = out;
    return SPELT;
}

static enum spelling spell(struct strbuf *b, int lenient)
{
    static const char *const first[][2] = {
        {"\n", ""}, {"\\!", ""}, {"\\\\", "\\"}, {"tfrac", "frac"}, {"dfrac", "frac"},
        {"\\left", ""}, {"\\right", ""}, {"^{\\circ}", ""}, {"^\\circ", ""}, {"\\$", ""},
    };
    static const char *const second[][2] = {{"\\%", ""}, {" .", " 0."}, {"{.", "{0."}};

    for (size_t i = 0; i < sizeof first / sizeof first[0]; i++)
        replace(b, first[i][0], first[i][1]);
    if (drop_units(b) == IMPOSSIBLE)
        return IMPOSSIBLE;
    for (size_t i = 0; i < sizeof second / sizeof second[0]; i++)
        replace(b, second[i][0], second[i][1]);
    if (b->len == 0)
        return SPELT;
    if (b->s[0] == '.') {
        struct strbuf out = STRBUF_INIT;
        strbuf_addf(&out, "0%s", b->s);
        out.failed |= b->failed;
        strbuf_release(b);
        *b = out;
    }
    drop_name(b);
    if (fix_roots(b) == IMPOSSIBLE)
        return IMPOSSIBLE;
    replace(b, " ", "");
    if (fix_fractions(b) == IMPOSSIBLE)
        return IMPOSSIBLE;
    if (strcmp(strbuf_str(b), "0.5") == 0)
        replace(b, "0.5", "\\frac{1}{2}");
    return fix_slash(b) == IMPOSSIBLE && !lenient ? IMPOSSIBLE : SPELT;
}

int math_spell(const char *text, struct strbuf *out)
{
    strbuf_adds(out, text);
    return spell(out, 1) == SPELT;
}

int math_equal(const char *got, const char *want, struct err *e)
{
    struct strbuf x = STRBUF_INIT, y = STRBUF_INIT;
    int rc;

    strbuf_adds(&x, got);
    strbuf_adds(&y, want);
    if (spell(&x, 0) == IMPOSSIBLE || spell(&y, 0) == IMPOSSIBLE)
        rc = strcmp(got, want) == 0;
    else
        rc = strcmp(strbuf_str(&x), strbuf_str(&y)) == 0;
    if (x.failed || y.failed)
        rc = err_nomem(e);
    strbuf_release(&x);
    strbuf_release(&y);
    return rc;
}
