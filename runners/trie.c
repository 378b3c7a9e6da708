#include "runners/trie.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static int path_length(const struct request *q)
{
    /* the last token is only predicted */
    return q->kind == REQUEST_SCORE ? q->n_ids - 1 : q->n_ids;
}

static int common(const struct path *a, const struct path *b)
{
    int n = a->n < b->n ? a->n : b->n, i = 0;

    while (i < n && a->ids[i] == b->ids[i])
        i++;
    return i;
}

static int by_tokens(const void *x, const void *y)
{
    const struct path *a = x, *b = y;
    int i = common(a, b);

    if (i < a->n && i < b->n)
        return a->ids[i] < b->ids[i] ? -1 : 1;
    if (a->n != b->n)
        return a->n < b->n ? -1 : 1;
    return a->request < b->request ? -1 : 1;
}

/* Generation needs the state after its own last token in its own pages, and a request for logits
 * reports every position itself: these share less than they could. */
static int share_limit(const struct request *q, const struct path *p)
{
    return q->kind == REQUEST_SCORE ? p->n : q->kind == REQUEST_GENERATE ? p->n - 1 : 0;
}

static int n_wants(const struct request *q)
{
    return q->kind == REQUEST_SCORE    ? q->n_ids - q->n_given
           : q->kind == REQUEST_LOGITS ? q->n_ids
                                       : 1;
}

static int first_want(const struct request *q)
{
    return q->kind == REQUEST_SCORE ? q->n_given - 1 : q->kind == REQUEST_LOGITS ? 0 : q->n_ids - 1;
}

static int by_position(const void *x, const void *y)
{
    const struct want *a = x, *b = y;

    if (a->position != b->position)
        return a->position < b->position ? -1 : 1;
    if (a->request != b->request)
        return a->request < b->request ? -1 : 1;
    return 0;
}

/* Two walks: the first counts the wants of each owner, the second places them.  owner[p] is the
 * path that computes position p of the current path. */
static void hand_out(struct trie *t, const struct request *q, int32_t *owner, size_t *fill)
{
    for (int pass = 0; pass < 2; pass++) {
        for (int s = 0; s < t->n; s++) {
            struct path *p = &t->paths[s];
            const struct request *r = &q[p->request];
            int w0 = first_want(r);
            for (int i = p->shared; i < p->n; i++)
                owner[i] = s;
            for (int i = 0; i < n_wants(r); i++) {
                struct path *o = &t->paths[owner[w0 + i]];
                if (pass == 0) {
                    o->n_wants++;
                    continue;
                }
                t->wants[o->want0 + fill[owner[w0 + i]]++] = (struct want){
                    .position = w0 + i,
                    .target = r->kind == REQUEST_SCORE ? r->ids[w0 + i + 1] : -1,
                    .request = p->request,
                    .index = i,
                };
            }
        }
        size_t n = 0;
        for (int s = 0; pass == 0 && s < t->n; n += t->paths[s].n_wants, s++)
            t->paths[s].want0 = n;
    }
}

int trie_build(struct trie *t, const struct request *q, int n, struct err *e)
{
    int32_t *owner = NULL;
    size_t *fill = NULL;
    int longest = 1, rc = -1;

    *t = (struct trie){.n = n};
    t->paths = mem_calloc((size_t)n, sizeof *t->paths);
    if (!t->paths)
        goto nomem;
    for (int i = 0; i < n; i++) {
        t->paths[i] = (struct path){.request = i, .ids = q[i].ids, .n = path_length(&q[i])};
        t->n_wants += (size_t)n_wants(&q[i]);
        if (longest < t->paths[i].n)
            longest = t->paths[i].n;
    }
    qsort(t->paths, (size_t)n, sizeof *t->paths, by_tokens);
    for (int s = 1; s < n; s++) {
        struct path *p = &t->paths[s];
        int limit = share_limit(&q[p->request], p);
        p->common = p->shared = common(p - 1, p);
        if (p->shared > limit)
            p->shared = limit;
    }
    for (int s = n - 1; s >= 0; s--) {
        struct path *p = &t->paths[s];
        for (p->turn = s + 1; p->turn < n && t->paths[p->turn].shared >= p->shared;)
            p->turn = t->paths[p->turn].turn;
    }
    t->wants = mem_alloc(t->n_wants * sizeof *t->wants);
    owner = mem_calloc((size_t)longest, sizeof *owner);
    fill = mem_calloc((size_t)n, sizeof *fill);
    if (!t->wants || !owner || !fill)
        goto nomem;
    hand_out(t, q, owner, fill);
    for (int s = 0; s < n; s++)
        qsort(t->wants + t->paths[s].want0, t->paths[s].n_wants, sizeof *t->wants, by_position);
    rc = 0;
    goto out;
nomem:
    err_nomem(e);
    trie_release(t);
out:
    mem_free(owner);
    mem_free(fill);
    return rc;
}

void trie_release(struct trie *t)
{
    mem_free(t->paths);
    mem_free(t->wants);
    *t = (struct trie){0};
}
