#include "runners/piece_cache.h"

#include <string.h>

#include "base/mem.h"
#include "runners/text_map.h"

#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
enum { SLOTS = 1 << 6 }; /* a fuzzer opens a tokenizer for every input */
#else
enum { SLOTS = 1 << 14 };
#endif
enum { TEXT_MAX = 30, IDS_MAX = 8 };

struct entry { /* 64 bytes, a cache line */
    uint8_t len, n; /* len 0: free */
    char text[TEXT_MAX];
    int32_t ids[IDS_MAX];
};

struct piece_cache {
    struct entry slots[SLOTS];
};

struct piece_cache *piece_cache_open(void)
{
    return mem_calloc(1, sizeof(struct piece_cache));
}

int piece_cache_get(const struct piece_cache *c, const char *text, size_t n, struct ids *out)
{
    const struct entry *s = &c->slots[text_hash(text, n) % SLOTS];

    if (n == 0 || s->len != n || memcmp(s->text, text, n) != 0)
        return 0;
    for (int i = 0; i < s->n; i++)
        if (ids_push(out, s->ids[i]) < 0)
            return -1;
    return 1;
}

void piece_cache_put(struct piece_cache *c, const char *text, size_t n, const int32_t *ids,
                     size_t n_ids)
{
    struct entry *s = &c->slots[text_hash(text, n) % SLOTS];

    if (n > TEXT_MAX || n_ids > IDS_MAX)
        return;
    s->len = (uint8_t)n;
    s->n = (uint8_t)n_ids;
    memcpy(s->text, text, n);
    for (size_t i = 0; i < n_ids; i++)
        s->ids[i] = ids[i];
}
