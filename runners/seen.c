#include "runners/seen.h"

#include "base/mem.h"
#include "runners/kv.h"

/* splitmix64's finish, over what came before and the next token. */
static uint64_t mix(uint64_t before, uint64_t token)
{
    uint64_t x = (before ^ token) + 0x9e3779b97f4a7c15u;

    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static int put(uint64_t *slots, size_t cap, uint64_t hash)
{
    size_t i = hash & (cap - 1);

    while (slots[i] && slots[i] != hash)
        i = (i + 1) & (cap - 1);
    if (slots[i])
        return 0;
    slots[i] = hash;
    return 1;
}

static int grow(struct seen_pages *s)
{
    size_t cap = s->cap ? 2 * s->cap : 1024;
    uint64_t *slots;

    if (2 * s->n < s->cap)
        return 0;
    slots = mem_calloc(cap, sizeof *slots);
    if (!slots)
        return -1;
    for (size_t i = 0; i < s->cap; i++)
        if (s->slots[i])
            put(slots, cap, s->slots[i]);
    mem_free(s->slots);
    s->slots = slots;
    s->cap = cap;
    return 0;
}

static uint64_t page_hash(uint64_t before, const int32_t *ids)
{
    for (int i = 0; i < KV_PAGE; i++)
        before = mix(before, (uint64_t)(uint32_t)ids[i]);
    return before ? before : 1;
}

int64_t seen_new_tokens(struct seen_pages *s, const struct trie *t)
{
    int longest = 0;
    uint64_t *ends; /* hash of the current path up to the end of each of its whole pages */
    int64_t new = 0;

    for (int i = 0; i < t->n; i++)
        longest = t->paths[i].n > longest ? t->paths[i].n : longest;
    ends = mem_alloc(((size_t)longest / KV_PAGE + 1) * sizeof *ends);
    if (!ends)
        return -1;
    for (int i = 0; i < t->n; i++) {
        const struct path *p = &t->paths[i];
        new += p->n - p->common;
        for (int page = p->common / KV_PAGE; page < p->n / KV_PAGE; page++) {
            int from = page * KV_PAGE, old = p->common > from ? p->common : from;
            ends[page] = page_hash(page ? ends[page - 1] : 0, p->ids + from);
            if (grow(s) < 0) {
                mem_free(ends);
                return -1;
            }
            if (put(s->slots, s->cap, ends[page]))
                s->n++;
            else
                new -= from + KV_PAGE - old;
        }
    }
    mem_free(ends);
    return new;
}

void seen_release(struct seen_pages *s)
{
    mem_free(s->slots);
    *s = (struct seen_pages){0};
}
