#include "runners/merge.h"

#include "base/mem.h"

void merger_clear(struct merger *m)
{
    m->n = m->n_heap = 0;
}

int merger_add(struct merger *m, uint32_t at, uint32_t len, uint32_t id)
{
    if (mem_grow(&m->s, &m->cap, m->n + 1, sizeof *m->s) < 0)
        return -1;
    m->s[m->n] = (struct symbol){at, len, (int32_t)m->n - 1, -1, id};
    if (m->n)
        m->s[m->n - 1].next = (int32_t)m->n;
    m->n++;
    return 0;
}

static int push(struct merger *m, struct merge_pair p)
{
    size_t i = m->n_heap;

    if (mem_grow(&m->heap, &m->cap_heap, i + 1, sizeof *m->heap) < 0)
        return -1;
    for (m->n_heap++; i > 0 && p.key < m->heap[(i - 1) / 2].key; i = (i - 1) / 2)
        m->heap[i] = m->heap[(i - 1) / 2];
    m->heap[i] = p;
    return 0;
}

static struct merge_pair pop(struct merger *m)
{
    struct merge_pair top = m->heap[0], last = m->heap[--m->n_heap];
    size_t i = 0, child;

    while ((child = 2 * i + 1) < m->n_heap) {
        if (child + 1 < m->n_heap && m->heap[child + 1].key < m->heap[child].key)
            child++;
        if (last.key <= m->heap[child].key)
            break;
        m->heap[i] = m->heap[child];
        i = child;
    }
    m->heap[i] = last;
    return top;
}

static int offer(struct merger *m, int32_t left)
{
    const struct symbol *l, *r;
    uint32_t priority, id;

    if (left < 0 || m->s[left].next < 0)
        return 0;
    l = &m->s[left];
    r = &m->s[l->next];
    if (!m->join(m->self, l, r, &priority, &id))
        return 0;
    return push(m, (struct merge_pair){(uint64_t)priority << 32 | (uint32_t)left, l->len + r->len,
                                       id});
}

int merger_run(struct merger *m)
{
    for (size_t i = 0; i + 1 < m->n; i++)
        if (offer(m, (int32_t)i) < 0)
            return -1;
    while (m->n_heap) {
        struct merge_pair p = pop(m);
        int32_t left = (int32_t)(uint32_t)p.key;
        struct symbol *l = &m->s[left], *r;
        if (l->len == 0 || l->next < 0)
            continue;
        r = &m->s[l->next];
        if (l->len + r->len != p.len)
            continue;
        l->len = p.len;
        l->id = p.id;
        r->len = 0;
        l->next = r->next;
        if (r->next >= 0)
            m->s[r->next].prev = left;
        if (offer(m, l->prev) < 0 || offer(m, left) < 0)
            return -1;
    }
    return 0;
}

void merger_release(struct merger *m)
{
    mem_free(m->s);
    mem_free(m->heap);
    m->s = NULL;
    m->heap = NULL;
    m->n = m->cap = m->n_heap = m->cap_heap = 0;
}
