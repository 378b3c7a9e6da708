#include "runners/spaces.h"

#include <string.h>

int is_space(const char *s, size_t n)
{
    return n >= 3 && memcmp(s, SPACE_TEXT, 3) == 0;
}

void space_cuts_init(struct space_cuts *s, const struct gguf_str *texts, size_t n)
{
    memset(s->joins, 0, sizeof s->joins);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 1; k + 3 <= texts[i].n; k++)
            if (is_space(texts[i].s + k, texts[i].n - k))
                s->joins[(unsigned char)texts[i].s[k - 1]] = 1;
    s->joins[0x81] = 1; /* the last byte of the blank itself: runs of blanks stay together */
}

size_t space_cuts_next(const struct space_cuts *s, const char *text, size_t from, size_t n)
{
    size_t at = from + 1;

    while (at < n) {
        const char *hit = memchr(text + at, 0xe2, n - at);
        if (!hit)
            break;
        at = (size_t)(hit - text);
        if (is_space(text + at, n - at) && !s->joins[(unsigned char)text[at - 1]])
            return at;
        at++;
    }
    return n;
}
