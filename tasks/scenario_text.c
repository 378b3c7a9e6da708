/* scenario_text.c -- texts without what does not matter, and where in an output the answer is. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <utf8proc.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "tasks/pytext.h"
#include "tasks/scenario_impl.h"

const char *const ignore_names[] = {"case", "space", "punctuation", "articles",
                                    "width", "stop", "quotes", NULL};

/* The character at s as a code point; -1 for a byte that begins none.  *len >= 1. */
static int decode(const char *s, size_t n, size_t *len)
{
    utf8proc_int32_t c;
    utf8proc_ssize_t k =
        utf8proc_iterate((const utf8proc_uint8_t *)s, (utf8proc_ssize_t)n, &c);

    *len = k > 0 ? (size_t)k : 1;
    return k > 0 ? c : -1;
}

static int is_punctuation(int c)
{
    utf8proc_category_t k = c < 0 ? UTF8PROC_CATEGORY_CN : utf8proc_category(c);

    return k >= UTF8PROC_CATEGORY_PC && k <= UTF8PROC_CATEGORY_PO;
}

/* Compatible forms and letter case; a text that is not UTF-8 stays as it is. */
static int fold(struct strbuf *out, const char *s, size_t n, unsigned ignore, struct err *e)
{
    int options = UTF8PROC_STABLE;
    utf8proc_uint8_t *mapped = NULL;
    utf8proc_ssize_t k = UTF8PROC_ERROR_INVALIDUTF8;

    if (ignore & IGNORE_WIDTH)
        options |= UTF8PROC_COMPAT | UTF8PROC_COMPOSE;
    if (ignore & IGNORE_CASE)
        options |= UTF8PROC_CASEFOLD | UTF8PROC_COMPOSE;
    if (options != UTF8PROC_STABLE && utf8_valid(s, n))
        k = utf8proc_map((const utf8proc_uint8_t *)s, (utf8proc_ssize_t)n, &mapped, options);
    if (k == UTF8PROC_ERROR_NOMEM)
        return err_nomem(e);
    strbuf_add(out, k >= 0 ? (const void *)mapped : s, k >= 0 ? (size_t)k : n);
    free(mapped); /* the library's */
    return strbuf_ok(out, e);
}

/* What stands at the ends of an answer without belonging to it. */
static int is_edge(int c, unsigned ignore)
{
    static const int stops[] = {'.', '!', 0x3002, 0xff01, 0xff0e, ',', 0xff0c, ';', 0xff1b};
    static const int quotes[] = {'"', '\'', '`', '*', 0x201c, 0x201d, 0x2018, 0x2019,
                                 0x300c, 0x300d, 0x300e, 0x300f, 0xab, 0xbb};

    for (size_t i = 0; i < sizeof stops / sizeof stops[0] && (ignore & IGNORE_STOP); i++)
        if (c == stops[i])
            return 1;
    for (size_t i = 0; i < sizeof quotes / sizeof quotes[0] && (ignore & IGNORE_QUOTES); i++)
        if (c == quotes[i])
            return 2;
    return 0;
}

/* Without stops at the end and quotes at both ends, each as often as they are there; something is
 * always left. */
static struct span trim(const char *s, size_t n, unsigned ignore)
{
    struct span t = ignore & IGNORE_SPACE ? py_strip(s, n) : (struct span){s, n};

    for (;;) {
        size_t start = t.n, first, last;
        int head, tail;
        struct span before = t;
        if (t.n == 0)
            return t;
        head = is_edge(decode(t.s, t.n, &first), ignore) == 2;
        do
            start--;
        while (start && ((unsigned char)t.s[start] & 0xc0) == 0x80);
        tail = is_edge(decode(t.s + start, t.n - start, &last), ignore);
        if (tail && start)
            t.n = start;
        if (head && t.n > first)
            t.s += first, t.n -= first;
        if (ignore & IGNORE_SPACE)
            t = py_strip(t.s, t.n);
        if (t.n == before.n)
            return t;
        if (t.n == 0)
            return before;
    }
}

static int is_article(const char *s, size_t n)
{
    static const char *const articles[] = {"a", "an", "the"};

    for (size_t i = 0; i < 3; i++)
        if (strlen(articles[i]) == n && strncasecmp(articles[i], s, n) == 0)
            return 1;
    return 0;
}

static size_t word_length(const char *s, size_t n)
{
    size_t k = 0;

    while (k < n && isalpha((unsigned char)s[k]))
        k++;
    return k;
}

int text_normal(struct strbuf *out, const char *s, size_t n, unsigned ignore, struct err *e)
{
    struct strbuf folded = STRBUF_INIT;
    struct span t;
    size_t begin = out->len, len;
    int boundary = 1, rc = fold(&folded, s, n, ignore, e);

    t = trim(strbuf_str(&folded), folded.len, ignore);
    for (size_t i = 0; i < t.n && rc == 0; i += len) {
        int c = decode(t.s + i, t.n - i, &len);
        size_t word = boundary && (ignore & IGNORE_ARTICLES) ? word_length(t.s + i, t.n - i) : 0;
        boundary = c >= 0 && !isalnum(c) && c < 128;
        if (word && is_article(t.s + i, word)) {
            len = word;
            continue;
        }
        if ((ignore & IGNORE_PUNCTUATION) && is_punctuation(c))
            continue;
        if ((ignore & IGNORE_SPACE) && py_strip(t.s + i, len).n == 0) {
            if (out->len > begin && out->s[out->len - 1] != ' ')
                strbuf_addc(out, ' ');
            continue;
        }
        strbuf_add(out, t.s + i, len);
    }
    if ((ignore & IGNORE_SPACE) && out->len > begin && out->s[out->len - 1] == ' ')
        strbuf_truncate(out, out->len - 1);
    strbuf_release(&folded);
    return rc < 0 ? -1 : strbuf_ok(out, e);
}

int text_same(const char *a, const char *b, unsigned ignore, struct err *e)
{
    struct strbuf x = STRBUF_INIT, y = STRBUF_INIT;
    int same = -1;

    if (text_normal(&x, a, strlen(a), ignore, e) == 0 &&
        text_normal(&y, b, strlen(b), ignore, e) == 0)
        same = strcmp(strbuf_str(&x), strbuf_str(&y)) == 0;
    strbuf_release(&x);
    strbuf_release(&y);
    return same;
}

/* --- where in an output ------------------------------------------------------------------- */

static struct span line_of(struct span t, int last)
{
    struct span found = {t.s, 0};

    while (t.n) {
        const char *end = memchr(t.s, '\n', t.n);
        size_t n = end ? (size_t)(end - t.s) : t.n;
        struct span line = py_strip(t.s, n);
        if (line.n) {
            found = line;
            if (!last)
                break;
        }
        n += end != NULL;
        t.s += n, t.n -= n;
    }
    return found;
}

struct span text_take(const struct scenario *s, const char *output)
{
    struct span t = {output, strnlen(output, OUTPUT_MAX)};
    const char *at = s->after ? output : NULL, *hit;

    while (at && (hit = strstr(at, s->after)) != NULL && hit < output + t.n) {
        at = hit + strlen(s->after);
        t.s = at;
    }
    t.n -= (size_t)(t.s - output);
    return s->take == TAKE_ALL ? py_strip(t.s, t.n) : line_of(t, s->take == TAKE_LAST_LINE);
}

/* Letters and digits that make words with blanks between them, so not CJK. */
static int is_word_byte(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

const char *text_find_word(const char *text, const char *needle)
{
    size_t n = strlen(needle);

    for (const char *p = text; n && (p = strstr(p, needle)) != NULL; p++) {
        if (p > text && is_word_byte(p[-1]) && is_word_byte(p[0]))
            continue;
        if (is_word_byte(p[n]) && is_word_byte(p[n - 1]))
            continue;
        return p;
    }
    return NULL;
}
