#include "tests/test.h"

#include "base/mem.h"
#include "runners/kv.h"
#include "runners/seen.h"
#include "runners/trie.h"
#include "tests/tiny.h"

enum { N = 300, LENGTH = 24, LETTERS = 3 };

static void make(struct request *q, int32_t ids[N][LENGTH], uint64_t seed)
{
    for (int i = 0; i < N; i++) {
        int n = 2 + (int)(tiny_random(&seed) % (LENGTH - 2));
        for (int k = 0; k < LENGTH; k++)
            ids[i][k] = (int32_t)(tiny_random(&seed) % LETTERS);
        q[i] = (struct request){.kind = REQUEST_SCORE, .ids = ids[i], .n_ids = n,
                                .n_given = 1 + (int)(tiny_random(&seed) % (uint64_t)(n - 1))};
    }
}

/* Distinct prefixes of all paths, counted the slow way. */
static size_t distinct_prefixes(const struct request *q)
{
    size_t count = 0;

    for (int i = 0; i < N; i++)
        for (int n = 1; n < q[i].n_ids; n++) {
            int seen = 0;
            for (int k = 0; k < i && !seen; k++)
                seen = q[k].n_ids > n &&
                       memcmp(q[k].ids, q[i].ids, (size_t)n * sizeof *q[i].ids) == 0;
            count += !seen;
        }
    return count;
}

static void every_token_of_the_trie_has_one_owner(void **state)
{
    static int32_t ids[N][LENGTH];
    struct request q[N];
    struct trie t;
    size_t own = 0;
    (void)state;
    make(q, ids, 3);
    assert_int_equal(trie_build(&t, q, N, NULL), 0);
    for (int s = 0; s < t.n; s++)
        own += (size_t)(t.paths[s].n - t.paths[s].shared);
    assert_int_equal(own, distinct_prefixes(q));
    trie_release(&t);
}

static void every_want_is_with_the_owner_of_its_prefix(void **state)
{
    static int32_t ids[N][LENGTH];
    struct request q[N];
    struct trie t;
    size_t seen = 0, asked = 0;
    (void)state;
    make(q, ids, 4);
    assert_int_equal(trie_build(&t, q, N, NULL), 0);
    for (int s = 0; s < t.n; s++) {
        const struct path *p = &t.paths[s];
        for (size_t i = p->want0; i < p->want0 + p->n_wants; i++, seen++) {
            const struct want *w = &t.wants[i];
            const struct request *r = &q[w->request];
            assert_true(w->position >= p->shared && w->position < p->n);
            assert_memory_equal(p->ids, r->ids, (size_t)(w->position + 1) * sizeof *r->ids);
            assert_int_equal(w->target, r->ids[w->position + 1]);
            assert_int_equal(w->position, r->n_given - 1 + w->index);
        }
    }
    for (int i = 0; i < N; i++)
        asked += (size_t)(q[i].n_ids - q[i].n_given);
    assert_int_equal(seen, asked);
    trie_release(&t);
}

static void building_survives_every_failed_allocation(void **state)
{
    static int32_t ids[N][LENGTH];
    struct request q[N];
    int rc = -1;
    (void)state;
    make(q, ids, 5);
    for (int nth = 0; rc < 0; nth++) {
        struct trie t;
        struct err e = ERR_NONE;
        mem_fail_at(nth);
        rc = trie_build(&t, q, N, &e);
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        trie_release(&t);
        assert_int_equal(mem_live(), 0);
    }
}

/* Tokens of the paths that neither a path before them begins with nor, in whole pages, one of the
 * n_old requests. */
static int64_t new_prefixes(const struct trie *t, const struct request *old, int n_old)
{
    int64_t count = 0;

    for (int i = 0; i < t->n; i++)
        for (int n = 1; n <= t->paths[i].n; n++) {
            const int32_t *ids = t->paths[i].ids;
            int end = (n + KV_PAGE - 1) / KV_PAGE * KV_PAGE, known = 0;
            for (int k = 0; k < i && !known; k++)
                known = t->paths[k].n >= n &&
                        memcmp(t->paths[k].ids, ids, (size_t)n * sizeof *ids) == 0;
            for (int k = 0; k < n_old && !known && end <= t->paths[i].n; k++)
                known = old[k].n_ids > end &&
                        memcmp(old[k].ids, ids, (size_t)end * sizeof *ids) == 0;
            count += !known;
        }
    return count;
}

static void tokens_of_an_earlier_call_are_not_new(void **state)
{
    enum { M = 60, LONG = 200 };
    static int32_t ids[M][LONG];
    struct request q[M];
    struct seen_pages seen = {0};
    struct trie t;
    uint64_t s = 8;
    (void)state;
    for (int i = 0; i < M; i++) {
        int from = i ? (int)(tiny_random(&s) % (uint64_t)i) : 0;
        int shared = (int)(tiny_random(&s) % LONG);
        for (int k = 0; k < LONG; k++)
            ids[i][k] = k < shared ? ids[from][k] : (int32_t)(tiny_random(&s) % 3);
        q[i] = (struct request){.kind = REQUEST_SCORE, .ids = ids[i],
                                .n_ids = 2 + (int)(tiny_random(&s) % (LONG - 2)), .n_given = 1};
    }
    for (int from = 0; from < M; from += M / 3) {
        assert_int_equal(trie_build(&t, q + from, M / 3, NULL), 0);
        assert_int_equal(seen_new_tokens(&seen, &t), new_prefixes(&t, q, from));
        trie_release(&t);
    }
    seen_release(&seen);
    assert_int_equal(mem_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_token_of_the_trie_has_one_owner),
        cmocka_unit_test(tokens_of_an_earlier_call_are_not_new),
        cmocka_unit_test(every_want_is_with_the_owner_of_its_prefix),
        cmocka_unit_test(building_survives_every_failed_allocation),
    };
    return RUN(tests);
}
