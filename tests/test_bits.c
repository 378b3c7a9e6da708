/* Five hundred requests to a dense model, one of experts, one with windows and a hybrid: every way of
 * computing them, and keeping them, gives the same bits, on every kind of processor. */
#include "tests/test.h"

#include "base/mem.h"
#include "base/sha256.h"
#include "harness/kept.h"
#include "runners/kernels.h"
#include "runners/quant.h"
#include "runners/runner.h"
#include "tests/tiny.h"

/* Races are in how batches are shared out, which fewer requests of the same kinds show as well. */
#ifdef __SANITIZE_THREAD__
enum { REQUESTS = 40, ARE_PRINTED = 0 };
#else
enum { REQUESTS = 500, ARE_PRINTED = 1 };
#endif
enum { LONGEST = 80, FIRST_ID = 3, IDS = 200, TOKENS = REQUESTS * LONGEST };

struct asked {
    struct request q[REQUESTS];
    int32_t ids[REQUESTS][LONGEST];
};

struct answers {
    const int *number; /* [REQUESTS] which request the i-th one is */
    double nats[REQUESTS];
    int is_greedy[REQUESTS];
    float each[TOKENS]; /* of every token that was asked for */
    int n;
};

static struct asked asked;
static int as_made[REQUESTS], shuffled[REQUESTS];

/* Half of them go on from an earlier one: prefixes of all lengths, some whole requests. */
static void make_requests(void)
{
    uint64_t s = 2026;

    for (int i = 0; i < REQUESTS; i++) {
        int n = 2 + (int)(tiny_random(&s) % (i % 9 ? 14 : LONGEST - 2));
        int from = i ? (int)(tiny_random(&s) % (uint64_t)i) : 0;
        int shared = i % 2 ? asked.q[from].n_ids - (int)(tiny_random(&s) % 4) : 0;
        for (int k = 0; k < n; k++)
            asked.ids[i][k] = k < shared ? asked.ids[from][k]
                                         : FIRST_ID + (int32_t)(tiny_random(&s) % IDS);
        asked.q[i] = (struct request){.kind = REQUEST_SCORE, .ids = asked.ids[i], .n_ids = n,
                                      .n_given = 1 + (int)(tiny_random(&s) % (uint64_t)(n - 1))};
        as_made[i] = shuffled[i] = i;
    }
    for (int i = REQUESTS - 1; i > 0; i--) {
        int k = (int)(tiny_random(&s) % (uint64_t)(i + 1)), other = shuffled[k];
        shuffled[k] = shuffled[i];
        shuffled[i] = other;
    }
}

static int take(void *user, int i, const struct reply *a)
{
    struct answers *all = user;
    int r = all->number[i];

    all->nats[r] = a->nats;
    all->is_greedy[r] = a->is_greedy;
    memcpy(all->each + r * LONGEST, a->token_nats,
           (size_t)(asked.q[r].n_ids - asked.q[r].n_given) * sizeof(float));
    all->n++;
    return 0;
}

/* Zeroed first, so that what nobody asked for compares equal. */
static void answer(const char *path, const struct runner_opts *o, const int *order,
                   struct answers *out)
{
    static struct request q[REQUESTS];
    struct runner *r = NULL;
    struct err e = ERR_NONE;

    memset(out, 0, sizeof *out);
    out->number = order;
    for (int i = 0; i < REQUESTS; i++)
        q[i] = asked.q[order[i]];
    if (runner_open(&r, path, o, &e) < 0 || runner_run(r, q, REQUESTS, take, out, NULL, &e) < 0)
        fail_msg("%s", e.text);
    assert_int_equal(out->n, REQUESTS);
    for (int i = 0; i < REQUESTS; i++)
        assert_true(out->nats[i] < 0);
    runner_close(r);
}

static void assert_same(const struct answers *a, const struct answers *b, const char *model,
                        const char *way)
{
    if (memcmp(a->nats, b->nats, sizeof a->nats) != 0 ||
        memcmp(a->is_greedy, b->is_greedy, sizeof a->is_greedy) != 0 ||
        memcmp(a->each, b->each, sizeof a->each) != 0)
        fail_msg("%s: other bits %s", model, way);
}

/* The print of all likelihoods is the same wherever this test runs: it was made with every table of
 * kernels on x86-64, and under emulation on ARM64 and RISC-V.  Another print is other arithmetic,
 * and needs another number in the numerics' name.  It is that of all requests. */
static void assert_print(const struct answers *a, const char *model, const char *print)
{
    char hex[SHA256_HEX];
    struct sha256 *s = NULL;
    struct err e = ERR_NONE;

    assert_int_equal(sha256_begin(&s, &e), 0);
    assert_int_equal(sha256_update(s, a->nats, sizeof a->nats, &e), 0);
    assert_int_equal(sha256_update(s, a->is_greedy, sizeof a->is_greedy, &e), 0);
    assert_int_equal(sha256_update(s, a->each, sizeof a->each, &e), 0);
    assert_int_equal(sha256_final(s, hex, &e), 0);
    hex[16] = 0;
    if (ARE_PRINTED && strcmp(hex, print) != 0)
        fail_msg("%s: print %s, expected %s", model, hex, print);
}

static void kernels_agree(const char *model, const char *path, enum numerics numerics,
                          const struct answers *want)
{
    static struct answers got;

    for (int i = 0; kernels_at(i); i++) {
        const char *name = kernels_at(i)->name;
        struct runner_opts o = {.threads = 2, .numerics = numerics, .kernels = name};
        if (!kernels_at(i)->usable())
            continue;
        answer(path, &o, as_made, &got);
        assert_same(want, &got, model, name);
    }
}

/* Through the database and back. */
static void keeping_agrees(const char *model, const char *path, const struct answers *want)
{
    static struct answers got;
    char key[LIKELIHOOD_KEY];
    struct runner *r = NULL;
    struct store *s = NULL;
    struct kept *k = NULL;
    struct err e = ERR_NONE;

    memset(&got, 0, sizeof got);
    memcpy(got.each, want->each, sizeof got.each);
    assert_int_equal(runner_open(&r, path, &(struct runner_opts){.threads = 1}, &e), 0);
    assert_int_equal(store_open(&s, ":memory:", NULL, &e), 0);
    assert_int_equal(kept_open(&k, s, model, runner_info(r), "cpu", NULL, &e), 0);
    for (int i = 0; i < REQUESTS; i++) {
        assert_int_equal(kept_key(key, &asked.q[i], &e), 0);
        assert_int_equal(kept_add(k, key, want->nats[i], want->is_greedy[i], &e), 0);
    }
    assert_int_equal(kept_flush(k, &e), 0);
    for (int i = 0; i < REQUESTS; i++) {
        assert_int_equal(kept_key(key, &asked.q[i], &e), 0);
        assert_int_equal(kept_find(k, key, &got.nats[i], &got.is_greedy[i], &e), 1);
    }
    assert_same(want, &got, model, "from the database");
    kept_close(k);
    store_close(s);
    runner_close(r);
}

static void every_way_agrees(const char *model, const struct tiny_opts *t, const char *exact,
                             const char *fast)
{
    static const struct {
        struct runner_opts o;
        int is_shuffled;
        const char *way;
    } ways[] = {
        {{.threads = 2, .batch_tokens = 17}, 0, "with 17 tokens a batch"},
        {{.threads = 1, .batch_tokens = 97}, 1, "with one thread, 97 tokens a batch, shuffled"},
        {{.threads = 1}, 0, "with one thread"},
        {{.threads = 2, .batch_tokens = 2048}, 0, "with 2048 tokens a batch"},
        {{.threads = 2}, 1, "shuffled"},
        {{.threads = 2, .kv_bytes = 1 << 18}, 1, "with little memory, shuffled"},
    };
    enum { FAST_WAYS = 2 }; /* what they cut is the same for both arithmetics */
    static struct answers want, got;
    char path[64];

    snprintf(path, sizeof path, "/tmp/densimeter-bits-%ld.gguf", (long)getpid());
    assert_int_equal(tiny_write(path, t, NULL), 0);
    for (enum numerics numerics = NUMERICS_EXACT; numerics <= NUMERICS_FAST; numerics++) {
        answer(path, &(struct runner_opts){.threads = 2, .numerics = numerics}, as_made, &want);
        assert_print(&want, model, numerics ? fast : exact);
        if (getenv("EMULATOR")) /* some fifty times slower: the print says it all */
            continue;
        for (size_t i = 0; i < (numerics ? FAST_WAYS : sizeof ways / sizeof ways[0]); i++) {
            struct runner_opts o = ways[i].o;
            o.numerics = numerics;
            answer(path, &o, ways[i].is_shuffled ? shuffled : as_made, &got);
            assert_same(&want, &got, model, ways[i].way);
        }
        kernels_agree(model, path, numerics, &want);
    }
    if (!getenv("EMULATOR"))
        keeping_agrees(model, path, &want);
    unlink(path);
}

static void a_dense_model_has_one_result(void **state)
{
    (void)state;
    every_way_agrees("dense", &(struct tiny_opts){.seed = 1, .type = QUANT_Q4_0},
                     "e0562edca6b10bdd", "fe61c9a6f26138ff");
}

static void a_model_of_experts_has_one_result(void **state)
{
    (void)state;
    every_way_agrees("experts", &(struct tiny_opts){.seed = 2, .type = QUANT_Q8_0, .experts = 5,
                                                    .experts_used = 2, .feed_forward = 64},
                     "cd6a022088cfe0da", "46ddffbb7f9c637e");
}

static void a_model_with_windows_has_one_result(void **state)
{
    (void)state;
    every_way_agrees("windows", &(struct tiny_opts){.seed = 3, .type = QUANT_Q4_1, .window = 21},
                     "6c0379d19dc63807", "e121ed5a27da4a66");
}

static void a_hybrid_has_one_result(void **state)
{
    (void)state;
    every_way_agrees("hybrid", &(struct tiny_opts){.seed = 4, .type = QUANT_F16, .is_hybrid = 1},
                     "0900426df25567c0", "0900426df25567c0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dense_model_has_one_result),
        cmocka_unit_test(a_model_of_experts_has_one_result),
        cmocka_unit_test(a_model_with_windows_has_one_result),
        cmocka_unit_test(a_hybrid_has_one_result),
    };

    make_requests();
    return cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL);
}
