#include "base/utf8.h"

#include <string.h>

/* By the first byte: how long a sequence is, and what its second byte may be. */
static const struct row { unsigned char lo, hi, len, second_lo, second_hi; } rows[] = {
    {0x00, 0x7f, 1, 0, 0},       {0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf},
    {0xe1, 0xec, 3, 0x80, 0xbf}, {0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf},
    {0xf0, 0xf0, 4, 0x90, 0xbf}, {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f},
};

/* The row of the first of n > 0 bytes, if as many as it asks for, or all n, continue
 * it; or NULL. */
static const struct row *begun(const char *text, size_t n)
{
    const unsigned char *s = (const unsigned char *)text;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (s[0] < rows[i].lo || s[0] > rows[i].hi)
            continue;
        if (rows[i].len > 1 && n > 1 && (s[1] < rows[i].second_lo || s[1] > rows[i].second_hi))
            return NULL;
        for (size_t k = 2; k < rows[i].len && k < n; k++)
            if ((s[k] & 0xc0) != 0x80)
                return NULL;
        return &rows[i];
    }
    return NULL;
}

size_t utf8_len(const char *s, size_t n)
{
    const struct row *r = begun(s, n);

    return r && r->len <= n ? r->len : 0;
}

size_t utf8_whole(const char *s, size_t n)
{
    for (size_t back = 1; back <= 3 && back <= n; back++) {
        const struct row *r = begun(s + n - back, back);
        if (r && r->len > back)
            return n - back;
    }
    return n;
}

int utf8_valid(const char *s, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t k = utf8_len(s + i, n - i);
        if (!k)
            return 0;
        i += k;
    }
    return 1;
}

size_t utf8_count(const char *s, size_t n)
{
    size_t count = 0;

    for (size_t i = 0; i < n; count++) {
        size_t k = utf8_len(s + i, n - i);
        i += k ? k : 1;
    }
    return count;
}

int utf8_is_control(const char *text, size_t n)
{
    const unsigned char *s = (const unsigned char *)text;

    if (n == 1)
        return s[0] < 0x20 || s[0] == 0x7f;
    if (n == 2)
        return s[0] == 0xc2 && s[1] < 0xa0; /* U+0080..U+009F */
    return n == 3 && s[0] == 0xe2 &&
           ((s[1] == 0x80 && s[2] >= 0xaa && s[2] <= 0xae) || /* U+202A..U+202E */
            (s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9));  /* U+2066..U+2069 */
}

int utf8_next(const char *s, size_t *n)
{
    size_t len = utf8_len(s, 4); /* a NUL ends every sequence before it is read past */

    *n = len ? len : 1;
    if (*s == '\n' || *s == '\t' || *s == '\r')
        return 1;
    return len && !utf8_is_control(s, len) &&
           !(len == 3 && (memcmp(s, "\xef\xbf\xbe", 3) == 0 || memcmp(s, "\xef\xbf\xbf", 3) == 0));
}

void utf8_make_printable(char *s, size_t n, int multiline)
{
    for (size_t i = 0, k; i < n; i += k) {
        size_t len = utf8_len(s + i, n - i);
        k = len ? len : 1;
        if (multiline && (s[i] == '\n' || s[i] == '\t'))
            continue;
        if (!len || utf8_is_control(s + i, len))
            memset(s + i, '?', k);
    }
}
