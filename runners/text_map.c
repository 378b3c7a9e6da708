#include "runners/text_map.h"

#include <string.h>

#include "base/mem.h"

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0x9ddfea08eb382d69;
    return h ^ h >> 41;
}

uint64_t text_hash(const char *s, size_t n)
{
    uint64_t h = mix(0x2545f4914f6cdd1d, n), v;

    for (; n >= 8; s += 8, n -= 8) {
        memcpy(&v, s, 8);
        h = mix(h, v);
    }
    if (n) {
        v = 0;
        memcpy(&v, s, n);
        h = mix(h, v);
    }
    return mix(h, h >> 32);
}

/* The slot that holds an equal text, or the free one where it belongs. */
static struct text_slot *find_slot(const struct text_map *m, const struct gguf_str *texts,
                                   const char *s, size_t n, uint64_t hash)
{
    size_t i = (size_t)hash & m->mask;

    for (; m->slots[i].index; i = (i + 1) & m->mask) {
        const struct gguf_str *t = &texts[m->slots[i].index - 1];
        if (m->slots[i].hash == hash >> 32 && t->n == n && memcmp(t->s, s, n) == 0)
            break;
    }
    return &m->slots[i];
}

int text_map_reserve(struct text_map *m, const struct gguf_str *texts, size_t n)
{
    struct text_map bigger = {.n = m->n};
    size_t size = 16;

    if (m->slots && n <= (m->mask + 1) / 2)
        return 0;
    while (size / 2 < n)
        size *= 2;
    bigger.slots = mem_calloc(size, sizeof *bigger.slots);
    if (!bigger.slots)
        return -1;
    bigger.mask = size - 1;
    for (size_t i = 0; m->slots && i <= m->mask; i++)
        if (m->slots[i].index) {
            const struct gguf_str *t = &texts[m->slots[i].index - 1];
            *find_slot(&bigger, texts, t->s, t->n, text_hash(t->s, t->n)) = m->slots[i];
        }
    mem_free(m->slots);
    *m = bigger;
    return 0;
}

int text_map_put(struct text_map *m, const struct gguf_str *texts, uint32_t i)
{
    const struct gguf_str *t = &texts[i];
    uint64_t hash = text_hash(t->s, t->n);
    struct text_slot *slot;

    if (text_map_reserve(m, texts, m->n + 1) < 0)
        return -1;
    slot = find_slot(m, texts, t->s, t->n, hash);
    m->n += slot->index == 0;
    *slot = (struct text_slot){i + 1, (uint32_t)(hash >> 32)};
    return 0;
}

int32_t text_map_get(const struct text_map *m, const struct gguf_str *texts, const char *s,
                     size_t n)
{
    return m->slots ? (int32_t)find_slot(m, texts, s, n, text_hash(s, n))->index - 1 : -1;
}

void text_map_release(struct text_map *m)
{
    mem_free(m->slots);
    *m = (struct text_map){0};
}
