#include "runners/charsmap.h"

#include <string.h>

#include "runners/gguf_keys.h"

int charsmap_init(struct charsmap *m, const void *bytes, size_t n, const char *where,
                  struct err *e)
{
    const uint8_t *b = bytes;
    size_t size;

    *m = (struct charsmap){0};
    if (n == 0)
        return 0;
    size = n >= 4 ? le32(b) : 0;
    if (n < 5 || size > n - 5 || size % 4 || b[n - 1] != 0)
        return err_set(e, ERR_FORMAT, "%s: a precompiled character map of %zu bytes that is none",
                       where, n);
    *m = (struct charsmap){b + 4, size / 4, (const char *)b + 4 + size, n - 4 - size};
    return 0;
}

static uint32_t node_at(const struct charsmap *m, uint32_t i)
{
    return i < m->n_nodes ? le32(m->nodes + (size_t)i * 4) : 0;
}

static uint32_t base_of(uint32_t node)
{
    return (node >> 10) << ((node & 0x200) >> 6);
}

static size_t find(const struct charsmap *m, const char *s, size_t n, int longest,
                   const char **text, size_t *text_n)
{
    uint32_t at = base_of(node_at(m, 0)), place = 0;
    size_t len = 0;

    for (size_t i = 0; i < n && s[i] && m->n_nodes; i++) {
        uint32_t node;
        at ^= (unsigned char)s[i];
        node = node_at(m, at);
        if ((node & 0x800000ff) != (unsigned char)s[i])
            break;
        at ^= base_of(node);
        if (node >> 8 & 1) {
            place = node_at(m, at) & 0x7fffffff;
            len = i + 1;
            if (!longest)
                break;
        }
    }
    if (len == 0 || place >= m->n_texts)
        return 0;
    *text = m->texts + place;
    *text_n = strlen(*text);
    return len;
}

size_t charsmap_longest(const struct charsmap *m, const char *s, size_t n, const char **text,
                        size_t *text_n)
{
    return find(m, s, n, 1, text, text_n);
}

size_t charsmap_shortest(const struct charsmap *m, const char *s, size_t n, const char **text,
                         size_t *text_n)
{
    return find(m, s, n, 0, text, text_n);
}
