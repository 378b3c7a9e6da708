/* test_states.c -- states of recurrent layers, carried, saved and restored along the trie: the same
 * bits as one request at a time, whatever is shared, and however little memory there is. */
#include "tests/test.h"

#include "base/mem.h"
#include "runners/engine.h"
#include "runners/quant.h"
#include "tests/tiny.h"

/* Fewer tries share out their batches in the same ways: enough for a race to show. */
#ifdef __SANITIZE_THREAD__
enum { TRIES = 30, FAMILY_TRIES = 2 };
#else
enum { TRIES = 200, FAMILY_TRIES = 8 };
#endif
enum { REQUESTS = 12, LONGEST = 72, GENERATED = 12, LETTERS = 2, BASE = 10 };

struct answer {
    float nats[LONGEST];
    int32_t ids[GENERATED];
    float margins[GENERATED];
    uint64_t rows; /* logits: hash of all rows */
    int n, replies;
};

struct asked {
    struct request q[REQUESTS];
    int32_t ids[REQUESTS][LONGEST];
    struct answer got[REQUESTS], want[REQUESTS];
    int n;
};

static char model_path[64];

static int write_model(void **state)
{
    struct tiny_opts o = {.seed = 5, .type = QUANT_Q8_0, .is_hybrid = 1};
    (void)state;
    snprintf(model_path, sizeof model_path, "/tmp/densimeter-states-%ld.gguf", (long)getpid());
    return tiny_write(model_path, &o, NULL);
}

static int remove_model(void **state)
{
    (void)state;
    return unlink(model_path);
}

static struct runner *open_runner(const char *path, const struct runner_opts *o)
{
    struct runner *r;
    struct err e = ERR_NONE;

    if (runner_open(&r, path, o, &e) < 0)
        fail_msg("%s", e.text);
    return r;
}

static int hash_row(void *user, const struct request *q, int position, const float *logits)
{
    struct answer *a = user;

    (void)q;
    (void)position;
    for (int i = 0; i < 64; i++) { /* a difference in a state shows in any column */
        uint32_t bits;
        memcpy(&bits, &logits[i], sizeof bits);
        a->rows = (a->rows ^ bits) * 0x100000001b3;
    }
    return 0;
}

/* Few letters, so that paths branch everywhere: inside pages and spans, at ends, and again. */
static void make(struct asked *a, uint64_t *seed, int most, int with_generations)
{
    memset(a, 0, sizeof *a);
    a->n = 2 + (int)(tiny_random(seed) % (uint64_t)(most - 1));
    for (int i = 0; i < a->n; i++) {
        struct request *q = &a->q[i];
        int from = i ? (int)(tiny_random(seed) % (uint64_t)i) : 0;
        int keep = i && tiny_random(seed) % 4 ? (int)(tiny_random(seed) % LONGEST) : 0;
        for (int k = 0; k < LONGEST; k++)
            a->ids[i][k] = k < keep ? a->ids[from][k]
                                    : BASE + (int32_t)(tiny_random(seed) % LETTERS);
        *q = (struct request){.kind = REQUEST_SCORE, .ids = a->ids[i], .key = (uint64_t)i};
        q->n_ids = 2 + (int)(tiny_random(seed) % (LONGEST - 1));
        q->n_given = 1 + (int)(tiny_random(seed) % (uint64_t)(q->n_ids - 1));
        if (with_generations && tiny_random(seed) % 3 == 0) {
            q->kind = REQUEST_GENERATE;
            q->max_tokens = (int)(tiny_random(seed) % GENERATED);
            q->ignore_end = 1;
        } else if (tiny_random(seed) % 8 == 0) {
            q->kind = REQUEST_LOGITS;
            q->on_logits = hash_row;
        }
    }
}

static int keep_answer(void *user, int i, const struct reply *r)
{
    struct answer *a = (struct answer *)user + i;

    a->replies++;
    a->n = r->n;
    if (r->ids) {
        memcpy(a->ids, r->ids, (size_t)r->n * sizeof *r->ids);
        memcpy(a->margins, r->margins, (size_t)r->n * sizeof *r->margins);
    }
    return 0;
}

/* The tokens' own likelihoods: a sum could hide an exchange. */
static int keep_nats(void *user, int i, const struct reply *r)
{
    struct asked *a = user;

    if (a->q[i].kind == REQUEST_SCORE)
        memcpy(a->got[i].nats, r->token_nats,
               (size_t)(a->q[i].n_ids - a->q[i].n_given) * sizeof *r->token_nats);
    return keep_answer(a->got, i, r);
}

static void ask(struct runner *r, struct asked *a, int alone)
{
    struct err e = ERR_NONE;

    memset(a->got, 0, sizeof a->got);
    for (int i = 0; i < a->n; i++)
        a->q[i].user = &a->got[i];
    if (!alone) {
        if (runner_run(r, a->q, a->n, keep_nats, a, NULL, &e) < 0)
            fail_msg("%s", e.text);
        return;
    }
    for (int i = a->n - 1; i >= 0; i--) {
        struct asked one = {.n = 1};
        one.q[0] = a->q[i];
        one.q[0].user = &one.got[0];
        if (runner_run(r, one.q, 1, keep_nats, &one, NULL, &e) < 0)
            fail_msg("%s", e.text);
        a->got[i] = one.got[0];
    }
}

static const struct runner_opts ways[] = {
    {.threads = 1},
    {.threads = 2, .batch_tokens = 7},
    {.threads = 1, .batch_tokens = 64, .kv_bytes = 150 << 10}, /* one state */
    {.threads = 1, .batch_tokens = 7, .kv_bytes = 200 << 10},  /* two */
    {.threads = 1, .batch_tokens = 1, .kv_bytes = 300 << 10},  /* three */
    {.threads = 1, .batch_tokens = 64, .kernels = "ref", .kv_bytes = 300 << 10},
};

enum { WAYS = sizeof ways / sizeof ways[0] };

static void random_tries_give_the_bits_of_one_request_at_a_time(void **state)
{
    static struct asked a;
    struct runner *alone = open_runner(model_path, &ways[0]), *r[WAYS];
    uint64_t seed = 17, again = 0;

    (void)state;
    for (int w = 0; w < WAYS; w++)
        r[w] = open_runner(model_path, &ways[w]);
    for (int t = 0; t < TRIES; t++) {
        make(&a, &seed, REQUESTS, 1);
        ask(alone, &a, 1);
        memcpy(a.want, a.got, sizeof a.want);
        ask(r[t % WAYS], &a, 0);
        for (int i = 0; i < a.n; i++)
            if (memcmp(&a.got[i], &a.want[i], sizeof a.got[i]) != 0)
                fail_msg("trie %d, way %d, request %d of %d differs", t, t % WAYS, i, a.n);
    }
    for (int w = 0; w < WAYS; w++) {
        again += r[w]->schedule.states.recomputed;
        runner_close(r[w]);
    }
    assert_true(again > 0); /* some of the ways were too narrow to keep every state */
    runner_close(alone);
}

/* Memory for `states` states, or more where half of it has to hold the longest request's pages. */
static size_t memory_for(const struct model_info *m, uint64_t states)
{
    uint64_t pages = 2 * 8 * KV_PAGE * m->kv_bytes_per_token, all = 2 * states * m->state_bytes;

    if (m->kv_bytes_per_token == 0)
        return states * m->state_bytes;
    return all < pages ? pages : all;
}

static void check_family(const char *path, const char *family, enum numerics numerics)
{
    static const int batches[] = {1, 7, 64, 0};
    static struct asked a;
    struct runner_opts o = {.threads = 1, .context = 128, .numerics = numerics};
    struct runner *alone = open_runner(path, &o), *r;
    uint64_t seed = 23;

    for (int t = 0; t < FAMILY_TRIES; t++) {
        o = (struct runner_opts){.threads = 1 + t % 2, .batch_tokens = batches[t % 4],
                                 .context = 128, .numerics = numerics,
                                 .kv_bytes = memory_for(runner_info(alone), 1 + (uint64_t)t % 3)};
        r = open_runner(path, &o);
        make(&a, &seed, REQUESTS / 2, 1);
        ask(alone, &a, 1);
        memcpy(a.want, a.got, sizeof a.want);
        ask(r, &a, 0);
        for (int i = 0; i < a.n; i++)
            if (memcmp(&a.got[i], &a.want[i], sizeof a.got[i]) != 0)
                fail_msg("%s: trie %d, request %d of %d differs", family, t, i, a.n);
        runner_close(r);
    }
    runner_close(alone);
}

static void every_recurrent_family_gives_the_bits_of_one_request_at_a_time(void **state)
{
    static const char *const families[] = {
        "lfm2", "lfm2moe", "mamba", "falcon-mamba", "mamba2", "jamba", "granitehybrid",
        "nemotron-h", "qwen3next", "qwen35", "qwen35moe",
    };

    (void)state;
    if (access(shared_path("golden/arch"), R_OK) != 0)
        skip();
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        char path[4200];
        snprintf(path, sizeof path, "%s/%s/model.gguf", shared_path("golden/arch"), families[i]);
        check_family(path, families[i], NUMERICS_EXACT);
    }
}

static void fast_numerics_keep_their_bits_too(void **state)
{
    (void)state;
    check_family(model_path, "hybrid", NUMERICS_FAST);
}

struct seen {
    int vocab;
    float logit[12];
};

static int keep_logit(void *user, const struct request *q, int position, const float *logits)
{
    struct seen *s = user;

    (void)q;
    s->logit[position] = logits[37 * position % s->vocab];
    return 0;
}

/* Logits from a reference written for this, in double and with loops only: attention and Mamba 2
 * side by side as the Falcon-H1 paper has them; column 37 * position of each position's row. */
static void the_hybrid_computes_what_a_reference_in_double_does(void **state)
{
    static const int32_t ids[] = {3, 17, 40, 100, 5, 9, 200, 33, 61, 7, 250, 90};
    static const float want[] = {-0.1485002f, 0.9137254f, 0.3978935f, 0.2599411f,
                                 0.2162957f, 0.4318868f, 0.1610557f, 0.109184f,
                                 -1.175426f, -0.2464792f, 0.2765587f, -0.05837828f};
    struct tiny_opts t = {.seed = 9, .is_hybrid = 1};
    struct request q = {.kind = REQUEST_LOGITS, .ids = ids, .n_ids = 12, .on_logits = keep_logit};
    struct seen seen;
    struct runner *r;
    char path[64];

    (void)state;
    snprintf(path, sizeof path, "/tmp/densimeter-hybrid-%ld.gguf", (long)getpid());
    assert_int_equal(tiny_write(path, &t, NULL), 0);
    r = open_runner(path, &ways[1]);
    unlink(path);
    seen.vocab = runner_info(r)->vocab_size;
    q.user = &seen;
    assert_int_equal(runner_run(r, &q, 1, NULL, NULL, NULL, NULL), 0);
    for (int i = 0; i < 12; i++)
        assert_close(seen.logit[i], want[i], 2e-6);
    runner_close(r);
}

static int add_computed(void *user, int i, const struct reply *a)
{
    (void)i;
    *(int *)user += a->computed_tokens;
    return 0;
}

/* 12 prompts of 40 common and 3 own tokens, each with 5 endings: what lm-eval's tasks look like. */
static int computed_rows(const struct runner_opts *o, uint64_t *recomputed)
{
    enum { PROMPTS = 12, ENDINGS = 5, COMMON = 40, OWN = 3, N = COMMON + OWN + 3 };
    static int32_t ids[PROMPTS * ENDINGS][N];
    struct request q[PROMPTS * ENDINGS];
    struct runner *r = open_runner(model_path, o);
    int computed = 0;

    for (int i = 0; i < PROMPTS * ENDINGS; i++) {
        for (int k = 0; k < N; k++)
            ids[i][k] = BASE + (k < COMMON ? k : k < COMMON + OWN ? i / ENDINGS : i);
        q[i] = (struct request){.kind = REQUEST_SCORE, .ids = ids[i], .n_ids = N,
                                .n_given = COMMON + OWN};
    }
    assert_int_equal(runner_run(r, q, PROMPTS * ENDINGS, add_computed, &computed, NULL, NULL), 0);
    *recomputed = r->schedule.states.recomputed;
    runner_close(r);
    return computed;
}

static void a_prefix_is_computed_once_while_its_state_fits_and_again_when_not(void **state)
{
    const int distinct = 40 + 12 * (3 + 5 * 2);
    uint64_t again;

    (void)state;
    assert_int_equal(computed_rows(&ways[0], &again), distinct);
    assert_int_equal(again, 0);
    assert_int_equal(computed_rows(&ways[4], &again), distinct); /* three: two saved, one runs */
    assert_int_equal(again, 0);
    /* Two: the common 40 are kept, whose loss would cost most, until the last prompt; each ending
     * but the first repeats the 3 own tokens. */
    assert_int_equal(computed_rows(&ways[3], &again), distinct + 11 * 4 * 3);
    assert_int_equal(again, 11 * 4 * 3);
    /* One: everything is computed anew for each ending that does not go on from the last. */
    assert_true(computed_rows(&ways[2], &again) > 2 * distinct);
}

static void a_memory_without_room_for_a_state_is_refused(void **state)
{
    struct runner_opts o = {.threads = 1, .kv_bytes = 70 << 10};
    struct runner *r;
    struct err e = ERR_NONE;

    (void)state;
    assert_int_equal(runner_open(&r, model_path, &o, &e), -1);
    assert_int_equal(e.code, ERR_USAGE);
    assert_non_null(strstr(e.text, "and a state must fit"));
}

static void states_are_part_of_what_is_known_of_a_model(void **state)
{
    struct runner *r = open_runner(model_path, &ways[0]);
    const struct model_info *m = runner_info(r);
    /* conv: 3 inputs of 256 channels; scan: 40 of 96, in vectors of 16 per head of 24 */
    uint64_t layer = 3 * 256 + 40 * 4 * 32;

    (void)state;
    assert_int_equal(m->state_bytes, 2 * layer * sizeof(float));
    assert_true(m->kv_bytes > m->state_bytes);
    runner_close(r);
}

static void opening_and_running_survive_every_failed_allocation(void **state)
{
    static struct asked a;
    struct runner_opts o = {.threads = 1, .batch_tokens = 16, .kv_bytes = 200 << 10};
    uint64_t seed = 3;
    int rc = -1;

    (void)state;
    make(&a, &seed, 6, 1);
    for (int nth = 0; rc < 0; nth++) {
        struct runner *r = NULL;
        struct err e = ERR_NONE;
        mem_fail_at(nth);
        rc = runner_open(&r, model_path, &o, &e);
        for (int i = 0; i < a.n; i++)
            a.q[i].user = &a.got[i];
        if (rc == 0)
            rc = runner_run(r, a.q, a.n, keep_nats, &a, NULL, &e);
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        runner_close(r);
        assert_int_equal(mem_live(), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_tries_give_the_bits_of_one_request_at_a_time),
        cmocka_unit_test(every_recurrent_family_gives_the_bits_of_one_request_at_a_time),
        cmocka_unit_test(the_hybrid_computes_what_a_reference_in_double_does),
        cmocka_unit_test(fast_numerics_keep_their_bits_too),
        cmocka_unit_test(a_prefix_is_computed_once_while_its_state_fits_and_again_when_not),
        cmocka_unit_test(a_memory_without_room_for_a_state_is_refused),
        cmocka_unit_test(states_are_part_of_what_is_known_of_a_model),
        cmocka_unit_test(opening_and_running_survive_every_failed_allocation),
    };
    return cmocka_run_group_tests_name(__FILE__, tests, write_model, remove_model);
}
