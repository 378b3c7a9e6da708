#include "tasks/pytext.h"

#include <string.h>
#include <utf8proc.h>

/* The code point at s, or -1 for a byte that begins none; *len is what it takes, at least 1. */
static int decode(const char *s, size_t n, size_t *len)
{
    utf8proc_int32_t c;
    utf8proc_ssize_t k = utf8proc_iterate((const utf8proc_uint8_t *)s, (utf8proc_ssize_t)n, &c);

    *len = k > 0 ? (size_t)k : 1;
    return k > 0 ? c : -1;
}

static void encode(struct strbuf *out, int c)
{
    utf8proc_uint8_t bytes[4];

    strbuf_add(out, bytes, (size_t)utf8proc_encode_char(c, bytes));
}

/* str.isspace: bidirectional type WS, B or S, or category Zs. */
static int is_space(int c)
{
    static const struct { int from, to; } rows[] = {
        {0x09, 0x0d},     {0x1c, 0x20},     {0x85, 0x85},     {0xa0, 0xa0},     {0x1680, 0x1680},
        {0x2000, 0x200a}, {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (c >= rows[i].from && c <= rows[i].to)
            return 1;
    return 0;
}

struct span py_lstrip(const char *s, size_t n)
{
    size_t len;

    while (n && is_space(decode(s, n, &len)))
        s += len, n -= len;
    return (struct span){s, n};
}

struct span py_rstrip(const char *s, size_t n)
{
    while (n) {
        size_t start = n - 1, len;
        while (start && ((unsigned char)s[start] & 0xc0) == 0x80)
            start--;
        if (!is_space(decode(s + start, n - start, &len)) || start + len != n)
            break;
        n = start;
    }
    return (struct span){s, n};
}

struct span py_strip(const char *s, size_t n)
{
    struct span left = py_lstrip(s, n);

    return py_rstrip(left.s, left.n);
}

size_t py_word(const char *s, size_t n)
{
    size_t i = 0, len;

    while (i < n && !is_space(decode(s + i, n - i, &len)))
        i += len;
    return i;
}

size_t py_word_characters(const char *s, size_t n)
{
    size_t i = 0;

    while (i < n) {
        utf8proc_int32_t c;
        utf8proc_ssize_t k = utf8proc_iterate((const utf8proc_uint8_t *)s + i,
                                              (utf8proc_ssize_t)(n - i), &c);
        utf8proc_category_t is = k > 0 ? utf8proc_category(c) : UTF8PROC_CATEGORY_CN;
        if (c != '_' && !(is >= UTF8PROC_CATEGORY_LU && is <= UTF8PROC_CATEGORY_LO) &&
            !(is >= UTF8PROC_CATEGORY_ND && is <= UTF8PROC_CATEGORY_NO))
            break;
        i += (size_t)k;
    }
    return i;
}

size_t py_count_words(const char *s, size_t n)
{
    size_t words = 1, len;
    int in_space = 0;

    for (size_t i = 0; i < n; i += len) {
        int space = is_space(decode(s + i, n - i, &len));
        words += space && !in_space;
        in_space = space;
    }
    return words;
}

static void put_lower(struct strbuf *out, const char *s, size_t len, int c)
{
    if (c < 0)
        strbuf_add(out, s, len);
    else
        encode(out, utf8proc_tolower(c));
}

void py_lower(struct strbuf *out, const char *s, size_t n)
{
    size_t len;

    for (size_t i = 0; i < n; i += len) {
        int c = decode(s + i, n - i, &len);
        put_lower(out, s + i, len, c);
    }
}

/* Characters whose capitals are several (Unicode's SpecialCasing.txt); those of Greek with an iota
 * below are left out. */
static const struct { int c; const char *upper; } capitals[] = {
    {0xdf, "SS"},    {0x149, "\u02bcN"},  {0x1f0, "J\u030c"},  {0x587, "\u0535\u0552"},
    {0x1e96, "H\u0331"}, {0x1e97, "T\u0308"}, {0x1e98, "W\u030a"}, {0x1e99, "Y\u030a"},
    {0x1e9a, "A\u02be"}, {0xfb00, "FF"},  {0xfb01, "FI"},     {0xfb02, "FL"},
    {0xfb03, "FFI"}, {0xfb04, "FFL"},     {0xfb05, "ST"},     {0xfb06, "ST"},
};

void py_upper(struct strbuf *out, const char *s, size_t n)
{
    size_t len;

    for (size_t i = 0; i < n; i += len) {
        int c = decode(s + i, n - i, &len);
        const char *several = NULL;
        for (size_t k = 0; k < sizeof capitals / sizeof capitals[0]; k++)
            if (capitals[k].c == c)
                several = capitals[k].upper;
        if (several)
            strbuf_adds(out, several);
        else if (c < 0)
            strbuf_add(out, s + i, len);
        else
            encode(out, utf8proc_toupper(c));
    }
}

void py_capitalize(struct strbuf *out, const char *s, size_t n)
{
    size_t len = 0;
    int c;

    if (!n)
        return;
    c = decode(s, n, &len);
    if (c < 0)
        strbuf_add(out, s, len);
    else
        encode(out, utf8proc_totitle(c)); /* title case, as Python since 3.8 */
    py_lower(out, s + len, n - len);
}

void py_replace(struct strbuf *out, const char *s, size_t n, const char *from, const char *to)
{
    size_t len = strlen(from);

    for (size_t i = 0; i < n;) {
        const char *hit = memmem(s + i, n - i, from, len);
        size_t before = hit ? (size_t)(hit - (s + i)) : n - i;
        strbuf_add(out, s + i, before);
        i += before;
        if (hit) {
            strbuf_adds(out, to);
            i += len;
        }
    }
}

void py_drop_punctuation(struct strbuf *out, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!s[i] || !strchr("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", s[i]))
            strbuf_addc(out, s[i]);
}
