#include "runners/prefix.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* qsort has no argument for the texts, so what it sorts carries them. */
struct entry {
    struct gguf_str text;
    uint32_t index, place;
};

static int by_text(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    size_t n = x->text.n < y->text.n ? x->text.n : y->text.n;
    int c = memcmp(x->text.s, y->text.s, n);

    if (c == 0)
        c = (x->text.n > y->text.n) - (x->text.n < y->text.n);
    return c ? c : (x->place < y->place) - (x->place > y->place); /* later ones first */
}

static int is_same(const struct entry *a, const struct entry *b)
{
    return a->text.n == b->text.n && memcmp(a->text.s, b->text.s, a->text.n) == 0;
}

int prefix_init(struct prefix_set *p, const struct gguf_str *texts, const uint32_t *members,
                size_t n)
{
    struct entry *e = mem_alloc((n ? n : 1) * sizeof *e);
    size_t m = 0;

    *p = (struct prefix_set){.texts = texts};
    p->order = mem_alloc((n ? n : 1) * sizeof *p->order);
    if (!e || !p->order) {
        mem_free(e);
        prefix_release(p);
        return -1;
    }
    for (size_t i = 0; i < n; i++)
        if (texts[members[i]].n)
            e[m++] = (struct entry){texts[members[i]], members[i], (uint32_t)i};
    qsort(e, m, sizeof *e, by_text);
    for (size_t i = 0; i < m; i++) {
        if (i && is_same(&e[i], &e[i - 1]))
            continue;
        p->order[p->n++] = e[i].index;
        p->first[(unsigned char)e[i].text.s[0] + 1] = (uint32_t)p->n;
    }
    for (int c = 1; c <= 256; c++)
        if (p->first[c] < p->first[c - 1])
            p->first[c] = p->first[c - 1];
    mem_free(e);
    return 0;
}

void prefix_release(struct prefix_set *p)
{
    mem_free(p->order);
    *p = (struct prefix_set){0};
}

/* The first text in [lo, hi) whose byte at depth is at least c; all are longer than depth. */
static size_t bound(const struct prefix_set *p, size_t lo, size_t hi, size_t depth, int c)
{
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if ((unsigned char)p->texts[p->order[mid]].s[depth] < c)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

int prefix_step(const struct prefix_set *p, struct prefix_walk *w, unsigned char c,
                int32_t *found)
{
    *found = -1;
    if (w->depth == 0) {
        w->lo = p->first[c];
        w->hi = p->first[c + 1];
    } else {
        if (w->lo < w->hi && p->texts[p->order[w->lo]].n == w->depth)
            w->lo++; /* ended where the walk is now */
        w->lo = bound(p, w->lo, w->hi, w->depth, c);
        w->hi = bound(p, w->lo, w->hi, w->depth, c + 1);
    }
    w->depth++;
    if (w->lo >= w->hi)
        return 0;
    if (p->texts[p->order[w->lo]].n == w->depth)
        *found = (int32_t)p->order[w->lo];
    return 1;
}

size_t prefix_longest(const struct prefix_set *p, const char *s, size_t n, int32_t *found)
{
    struct prefix_walk w = PREFIX_START(p);
    size_t len = 0;
    int32_t id;

    *found = -1;
    for (size_t i = 0; i < n && prefix_step(p, &w, (unsigned char)s[i], &id); i++)
        if (id >= 0) {
            len = i + 1;
            *found = id;
        }
    return len;
}
