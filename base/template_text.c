/* template_text.c -- Python's strings over UTF-8: characters, white space, case, numbers. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/template_impl.h"

int32_t text_next(struct text t, size_t *at)
{
    utf8proc_int32_t ch;
    utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)t.s + *at,
                                          (utf8proc_ssize_t)(t.n - *at), &ch);

    *at += n > 0 ? (size_t)n : 1;
    return n > 0 ? ch : 0xfffd;
}

void utf8_put(struct strbuf *b, int32_t ch)
{
    utf8proc_uint8_t bytes[4];
    int valid = ch >= 0 && ch <= 0x10ffff && (ch < 0xd800 || ch > 0xdfff);

    strbuf_add(b, bytes, (size_t)utf8proc_encode_char(valid ? ch : 0xfffd, bytes));
}

size_t text_chars(struct text t)
{
    size_t count = 0;

    for (size_t i = 0; i < t.n; i++)
        count += ((unsigned char)t.s[i] & 0xc0) != 0x80;
    return count;
}

size_t text_offset(struct text t, size_t chars)
{
    size_t i = 0;

    for (; i < t.n; i++)
        if (((unsigned char)t.s[i] & 0xc0) != 0x80 && chars-- == 0)
            break;
    return i;
}

size_t text_find(struct text t, struct text part, size_t from)
{
    const char *p;

    if (from > t.n || part.n > t.n - from)
        return SIZE_MAX;
    p = memmem(t.s + from, t.n - from, part.s, part.n);
    return p ? (size_t)(p - t.s) : SIZE_MAX;
}

size_t text_find_last(struct text t, struct text part)
{
    for (size_t i = t.n + 1; i-- > 0;)
        if (part.n <= t.n - i && memcmp(t.s + i, part.s, part.n) == 0)
            return i;
    return SIZE_MAX;
}

int char_is_space(int32_t ch)
{
    static const struct { int32_t lo, hi; } rows[] = {
        {0x09, 0x0d}, {0x1c, 0x20}, {0x85, 0x85}, {0xa0, 0xa0}, {0x1680, 0x1680},
        {0x2000, 0x200a}, {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (ch >= rows[i].lo && ch <= rows[i].hi)
            return 1;
    return 0;
}

/* Is the character t.s[from..to) one of `chars` (NULL: white space)? */
static int is_trimmed(struct text t, size_t from, size_t to, const struct text *chars)
{
    if (!chars)
        return char_is_space(text_next(t, &from));
    return text_find(*chars, (struct text){t.s + from, to - from}, 0) != SIZE_MAX;
}

struct text text_trim(struct text t, const struct text *chars, int left, int right)
{
    size_t from = 0, next, last;

    while (left && from < t.n) {
        next = from;
        text_next(t, &next);
        if (!is_trimmed(t, from, next, chars))
            break;
        from = next;
    }
    while (right && t.n > from) {
        for (last = t.n - 1; last > from && ((unsigned char)t.s[last] & 0xc0) == 0x80; last--)
            ;
        if (!is_trimmed(t, last, t.n, chars))
            break;
        t.n = last;
    }
    return (struct text){t.s + from, t.n - from};
}

static int is_letter(int32_t ch)
{
    utf8proc_category_t k = utf8proc_category(ch);

    return k == UTF8PROC_CATEGORY_LU || k == UTF8PROC_CATEGORY_LL || k == UTF8PROC_CATEGORY_LT;
}

/* Simple case mappings, and the one full mapping that occurs in running text: sharp s. */
const struct val *text_case(struct ctx *c, struct text t, enum letter_case how)
{
    struct strbuf b = STRBUF_INIT;
    int after_letter = 0, first = 1, upper;
    size_t at = 0;

    if (step(c, t.n / 16) < 0)
        return NULL;
    while (at < t.n) {
        int32_t ch = text_next(t, &at);
        switch (how) {
        case CASE_LOWER:
            upper = 0;
            break;
        case CASE_UPPER:
            upper = 1;
            break;
        case CASE_TITLE:
            upper = !after_letter;
            break;
        case CASE_CAPITAL:
            upper = first;
            break;
        default:
            upper = utf8proc_tolower(ch) == ch;
            break;
        }
        after_letter = is_letter(ch);
        first = 0;
        if (ch == 0xdf && upper)
            strbuf_adds(&b, how == CASE_UPPER || how == CASE_SWAP ? "SS" : "Ss");
        else
            utf8_put(&b, upper ? utf8proc_toupper(ch) : utf8proc_tolower(ch));
    }
    return val_take(c, &b);
}

/* count < 0: all.  An empty `old` stands between all characters, as in Python. */
const struct val *text_replace(struct ctx *c, struct text t, struct text old, struct text new,
                               int64_t count)
{
    struct strbuf b = STRBUF_INIT;
    size_t at = 0, hit, next;

    if (step(c, t.n / 16) < 0)
        return NULL;
    while (count != 0 && b.len <= LIMIT_OUTPUT && (hit = text_find(t, old, at)) != SIZE_MAX) {
        strbuf_add(&b, t.s + at, hit - at);
        strbuf_add(&b, new.s, new.n);
        at = hit + old.n;
        count -= count > 0;
        if (old.n == 0) {
            if (at >= t.n)
                break;
            next = at;
            text_next(t, &next);
            strbuf_add(&b, t.s + at, next - at);
            at = next;
        }
    }
    strbuf_add(&b, t.s + at, t.n - at);
    if (b.len > LIMIT_OUTPUT) {
        strbuf_release(&b);
        return fail(c, "a text of more than %d MiB", LIMIT_OUTPUT >> 20);
    }
    return val_take(c, &b);
}

static int ends_line(int32_t ch)
{
    return (ch >= 0x0a && ch <= 0x0d) || (ch >= 0x1c && ch <= 0x1e) || ch == 0x85 ||
           ch == 0x2028 || ch == 0x2029;
}

/* The line that starts at *at, which moves to the next; Python's str.splitlines. */
static struct text next_line(struct text t, size_t *at, int keep_ends)
{
    size_t from = *at, end;
    int32_t ch;

    while (*at < t.n) {
        end = *at;
        ch = text_next(t, at);
        if (!ends_line(ch))
            continue;
        if (ch == '\r' && *at < t.n && t.s[*at] == '\n')
            ++*at;
        return (struct text){t.s + from, (keep_ends ? *at : end) - from};
    }
    return (struct text){t.s + from, t.n - from};
}

const struct val *text_lines(struct ctx *c, struct text t, int keep_ends)
{
    struct val *list;
    size_t n = 0, at = 0;

    while (at < t.n) {
        next_line(t, &at, keep_ends);
        n++;
    }
    list = step(c, n) < 0 ? NULL : val_seq(c, SEQ_LIST, n);
    at = 0;
    for (size_t i = 0; list && i < n; i++)
        if (!(list->seq.v[i] = val_text(c, next_line(t, &at, keep_ends))))
            return NULL;
    return list;
}

/* Copies a number without the single "_" that may stand between digits; 0 when it is malformed. */
static int plain_number(struct text t, char *out, size_t size)
{
    size_t n = 0;

    t = text_trim(t, NULL, 1, 1);
    if (t.n == 0 || t.n >= size)
        return 0;
    for (size_t i = 0; i < t.n; i++) {
        if (t.s[i] == '_') {
            if (i == 0 || i + 1 == t.n || !isalnum((unsigned char)t.s[i - 1]) ||
                !isalnum((unsigned char)t.s[i + 1]))
                return 0;
        } else {
            out[n++] = t.s[i];
        }
    }
    out[n] = 0;
    return n > 0;
}

int text_to_float(struct text t, double *out)
{
    char s[400], *end;

    if (!plain_number(t, s, sizeof s) || strchr(s, 'x') || strchr(s, 'X') || strchr(s, '('))
        return 0;
    *out = strtod(s, &end);
    return end != s && *end == 0;
}

/* base 0: by prefix.  A prefix that belongs to the base may stand in any case. */
int text_to_int(struct text t, int base, int64_t *out)
{
    static const struct { char letter; int base; } prefixes[] = {{'x', 16}, {'o', 8}, {'b', 2}};
    char text[400], *s = text, *end;
    int negative;

    if ((base != 0 && (base < 2 || base > 36)) || !plain_number(t, text, sizeof text))
        return 0;
    negative = *s == '-';
    s += *s == '-' || *s == '+';
    for (size_t i = 0; i < 3; i++) {
        if (s[0] == '0' && (s[1] | 32) == prefixes[i].letter &&
            (base == 0 || base == prefixes[i].base)) {
            base = prefixes[i].base;
            s += 2;
            break;
        }
    }
    if (!isalnum((unsigned char)*s))
        return 0;
    errno = 0;
    *out = strtoll(s, &end, base ? base : 10);
    if (*end || errno)
        return 0;
    if (negative)
        *out = -*out;
    return 1;
}
