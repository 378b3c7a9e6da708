/* The engine as a whole: the same bits however the work was cut. */
#include "tests/test.h"

#include "base/mem.h"
#include "runners/kernels.h"
#include "runners/quant.h"
#include "runners/runner.h"
#include "runners/tokenizer.h"
#include "tests/tiny.h"

enum { REQUESTS = 60, LONGEST = 90, VOCAB_USED = 200 };

struct answers {
    double nats[REQUESTS];
    int is_greedy[REQUESTS];
    int32_t ids[REQUESTS][24];
    int n[REQUESTS];
    int replies;
};

static int add_computed(void *user, int i, const struct reply *a)
{
    (void)i;
    *(int *)user += a->computed_tokens;
    return 0;
}

static char model_path[64];

static int write_model(void **state)
{
    struct tiny_opts o = {.seed = 5, .type = QUANT_Q4_0, .layers = 3};
    (void)state;
    snprintf(model_path, sizeof model_path, "/tmp/densimeter-engine-%ld.gguf", (long)getpid());
    return tiny_write(model_path, &o, NULL);
}

static int remove_model(void **state)
{
    (void)state;
    return unlink(model_path);
}

/* Requests with shared prefixes of many lengths; some generate. */
static void make_requests(struct request *q, int32_t ids[REQUESTS][LONGEST])
{
    uint64_t s = 99;

    for (int i = 0; i < REQUESTS; i++) {
        int n = 3 + (int)(tiny_random(&s) % (LONGEST - 3));
        int from = i ? (int)(tiny_random(&s) % (uint64_t)i) : 0;
        int keep = (int)(tiny_random(&s) % LONGEST);
        for (int k = 0; k < LONGEST; k++)
            ids[i][k] = i && k < keep ? ids[from][k] : 3 + (int32_t)(tiny_random(&s) % VOCAB_USED);
        q[i] = (struct request){.kind = REQUEST_SCORE, .ids = ids[i], .n_ids = n,
                                .n_given = 1 + (int)(tiny_random(&s) % (uint64_t)(n - 1)),
                                .key = (uint64_t)i};
        if (i % 5 == 4) {
            q[i].kind = REQUEST_GENERATE;
            q[i].max_tokens = 1 + i % 20;
            q[i].sampling = (struct sampling){i % 2 ? 0.8 : 0, 0.9, 7};
        }
    }
}

static int keep_answer(void *user, int i, const struct reply *a)
{
    struct answers *all = user;

    all->replies++;
    all->nats[i] = a->nats;
    all->is_greedy[i] = a->is_greedy;
    all->n[i] = a->n;
    if (a->ids)
        memcpy(all->ids[i], a->ids, (size_t)a->n * sizeof *a->ids);
    return 0;
}

/* order: NULL as they are, one at a time when alone != 0. */
static struct answers ask(const struct runner_opts *o, int alone)
{
    static int32_t ids[REQUESTS][LONGEST];
    struct request q[REQUESTS];
    struct answers all;
    struct runner *r;
    struct err e = ERR_NONE;

    memset(&all, 0, sizeof all);
    make_requests(q, ids);
    if (runner_open(&r, model_path, o, &e) < 0)
        fail_msg("%s", e.text);
    if (alone) {
        for (int i = REQUESTS - 1; i >= 0; i--) {
            struct answers one;
            memset(&one, 0, sizeof one);
            assert_int_equal(runner_run(r, &q[i], 1, keep_answer, &one, NULL, &e), 0);
            all.nats[i] = one.nats[0];
            all.is_greedy[i] = one.is_greedy[0];
            all.n[i] = one.n[0];
            memcpy(all.ids[i], one.ids[0], sizeof all.ids[i]);
            all.replies++;
        }
    } else if (runner_run(r, q, REQUESTS, keep_answer, &all, NULL, &e) < 0) {
        fail_msg("%s", e.text);
    }
    runner_close(r);
    assert_int_equal(all.replies, REQUESTS);
    return all;
}

static struct answers same_bits(enum numerics numerics, enum kv_type kv)
{
    const struct runner_opts plain = {.numerics = numerics, .kv_type = kv, .threads = 1};
    const struct answers truth = ask(&plain, 0);
    static const struct { int threads, batch; size_t kv; int alone; } ways[] = {
        {1, 0, 0, 1}, {2, 0, 0, 0}, {3, 7, 0, 0}, {2, 1, 0, 0}, {1, 33, 300000, 0}, {2, 64, 0, 1},
    };

    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct runner_opts o = {.numerics = numerics, .kv_type = kv, .threads = ways[i].threads,
                                .batch_tokens = ways[i].batch, .kv_bytes = ways[i].kv};
        struct answers a = ask(&o, ways[i].alone);
        assert_memory_equal(&a, &truth, sizeof a);
    }
    for (int i = 0; kernels_at(i); i++) {
        struct runner_opts o = {.numerics = numerics, .kv_type = kv, .threads = 2,
                                .kernels = kernels_at(i)->name};
        struct answers a;
        if (!kernels_at(i)->usable())
            continue;
        a = ask(&o, 0);
        assert_memory_equal(&a, &truth, sizeof a);
    }
    return truth;
}

static void exact_gives_the_same_bits_for_any_threads_batch_order_and_kernels(void **state)
{
    (void)state;
    same_bits(NUMERICS_EXACT, KV_F32);
}

static void fast_gives_the_same_bits_for_any_threads_batch_order_and_kernels(void **state)
{
    (void)state;
    same_bits(NUMERICS_FAST, KV_F32);
}

static void each_type_of_the_kv_cache_gives_its_own_bits_and_says_so(void **state)
{
    static const char *const ids[] = {"exact/1", "exact-kv-f16/1", "exact-kv-q8_0/1"};
    static struct answers a[KV_TYPES];
    uint64_t bytes[KV_TYPES];
    (void)state;
    for (enum kv_type kv = 0; kv < KV_TYPES; kv++) {
        struct runner_opts o = {.threads = 1, .kv_type = kv};
        struct runner *r;
        a[kv] = kv == KV_F32 ? ask(&o, 0) /* cut in every way above */
                             : same_bits(NUMERICS_EXACT, kv);
        assert_int_equal(runner_open(&r, model_path, &o, NULL), 0);
        assert_string_equal(runner_info(r)->numerics_id, ids[kv]);
        bytes[kv] = runner_info(r)->kv_bytes_per_token;
        runner_close(r);
        for (int i = 0; i < REQUESTS; i++) {
            assert_true(fabs(a[kv].nats[i] - a[KV_F32].nats[i]) <= 0.01 * LONGEST);
            assert_true(i % 5 == 4 || kv == KV_F32 || a[kv].nats[i] != a[KV_F32].nats[i]);
        }
    }
    same_bits(NUMERICS_FAST, KV_Q8_0);
    assert_int_equal(2 * bytes[KV_F16], bytes[KV_F32]);
    assert_true(bytes[KV_Q8_0] < bytes[KV_F16]);
}

static void what_keeps_floats_only_refuses_other_types_of_the_kv_cache(void **state)
{
    struct runner_opts o = {.threads = 1, .kv_type = KV_F16, .device = "opencl"};
    struct err e = ERR_NONE;
    struct runner *r;
    (void)state;
    assert_int_equal(runner_open(&r, model_path, &o, &e), -1);
    assert_non_null(strstr(e.text, "f32 only"));
}

static void a_shared_prefix_is_computed_once(void **state)
{
    static const int32_t a[] = {3, 4, 5, 6, 7, 8}, b[] = {3, 4, 5, 6, 9, 10, 11};
    struct request q[] = {
        {.kind = REQUEST_SCORE, .ids = a, .n_ids = 6, .n_given = 4},
        {.kind = REQUEST_SCORE, .ids = b, .n_ids = 7, .n_given = 4},
        {.kind = REQUEST_SCORE, .ids = a, .n_ids = 6, .n_given = 2},
    };
    struct runner_opts o = {.threads = 1};
    struct runner *r;
    int computed = 0;
    (void)state;
    assert_int_equal(runner_open(&r, model_path, &o, NULL), 0);
    assert_int_equal(runner_run(r, q, 3, add_computed, &computed, NULL, NULL), 0);
    assert_int_equal(computed, 4 + 1 + 2); /* 3 4 5 6, 7, 9 10 */
    runner_close(r);
}

static void a_tokenizer_that_is_open_is_used_and_left_open(void **state)
{
    struct runner_opts o = {.threads = 1};
    struct gguf *g;
    struct runner *r;
    struct ids ids = {0};
    (void)state;
    assert_int_equal(gguf_open(&g, model_path, NULL), 0);
    assert_int_equal(tokenizer_open(&o.tokenizer, g, NULL), 0);
    assert_int_equal(runner_open(&r, model_path, &o, NULL), 0);
    assert_ptr_equal(runner_tokenizer(r), o.tokenizer);
    runner_close(r);
    assert_int_equal(tokenizer_encode(o.tokenizer, "ab", 2, 0, &ids, NULL), 0);
    assert_true(ids.n > 0);
    ids_release(&ids);
    tokenizer_close(o.tokenizer);
    gguf_close(g);
}

static void opening_survives_every_failed_allocation(void **state)
{
    struct runner_opts o = {.threads = 2, .numerics = NUMERICS_FAST};
    int rc = -1;
    long before = mem_live();
    (void)state;
    for (int nth = 0; rc < 0; nth += 1 + nth / 50) { /* the vocabulary alone is hundreds */
        struct runner *r = NULL;
        struct err e = ERR_NONE;
        mem_fail_at(nth);
        rc = runner_open(&r, model_path, &o, &e);
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        runner_close(r);
        assert_int_equal(mem_live(), before);
    }
}

static void running_survives_every_failed_allocation(void **state)
{
    static int32_t ids[REQUESTS][LONGEST];
    struct request q[REQUESTS];
    struct runner_opts o = {.threads = 1};
    struct runner *r;
    struct answers all;
    int rc = -1;
    (void)state;
    make_requests(q, ids);
    assert_int_equal(runner_open(&r, model_path, &o, NULL), 0);
    for (int nth = 0; rc < 0; nth += 1 + nth / 20) {
        struct err e = ERR_NONE;
        memset(&all, 0, sizeof all);
        mem_fail_at(nth);
        rc = runner_run(r, q, REQUESTS, keep_answer, &all, NULL, &e);
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
    }
    struct answers truth = ask(&o, 0);
    assert_memory_equal(&all, &truth, sizeof all);
    runner_close(r);
}

static int refuse_memory_from_the_third_token(void *user, const struct request *q, int32_t id,
                                              float margin)
{
    int *n = user;
    (void)q, (void)id, (void)margin;
    if (++*n == 3)
        mem_fail_at(0);
    return 0;
}

/* Pages, batches and threads are all there by then: 80 tokens cross three pages. */
static void decoding_allocates_nothing_in_the_steady_state(void **state)
{
    static const int32_t ids[] = {3, 4, 5};
    struct runner_opts o = {.threads = 2};
    struct runner *r;
    int n = 0;
    struct request q = {.kind = REQUEST_GENERATE, .ids = ids, .n_ids = 3, .max_tokens = 80,
                        .ignore_end = 1, .on_token = refuse_memory_from_the_third_token,
                        .user = &n};
    struct err e = ERR_NONE;
    (void)state;
    assert_int_equal(runner_open(&r, model_path, &o, NULL), 0);
    int rc = runner_run(r, &q, 1, NULL, NULL, NULL, &e);
    mem_fail_at(-1);
    assert_int_equal(rc, 0);
    assert_int_equal(n, 80);
    runner_close(r);
}

static void a_weight_that_is_nan_is_named(void **state)
{
    struct tiny_opts t = {.seed = 5, .layers = 2};
    struct strbuf b = STRBUF_INIT;
    static const int32_t ids[] = {3, 4, 5};
    struct request q = {.kind = REQUEST_SCORE, .ids = ids, .n_ids = 3, .n_given = 1};
    struct runner_opts o = {.threads = 1};
    char path[80];
    struct err e = ERR_NONE;
    struct runner *r;
    struct gguf *g;
    float nan = NAN;
    (void)state;
    snprintf(path, sizeof path, "%s.nan", model_path);
    assert_int_equal(tiny_write(path, &t, NULL), 0);
    assert_int_equal(gguf_open(&g, path, NULL), 0);
    size_t at = (size_t)(gguf_tensor_find(g, "blk.1.ffn_down.weight")->data -
                         gguf_tensor_at(g, 0)->data);
    size_t data = gguf_file_bytes(g);
    for (size_t i = 0; i < gguf_n_tensors(g); i++) { /* the first tensor's place in the file */
        const struct gguf_tensor *last = gguf_tensor_at(g, i);
        if (last->data + last->bytes > gguf_tensor_at(g, 0)->data + data)
            fail();
    }
    const struct gguf_tensor *first = gguf_tensor_at(g, 0), *end = first;
    for (size_t i = 0; i < gguf_n_tensors(g); i++)
        if (gguf_tensor_at(g, i)->data > end->data)
            end = gguf_tensor_at(g, i);
    data -= (size_t)(end->data - first->data) + (end->bytes + 31) / 32 * 32;
    gguf_close(g);
    FILE *f = fopen(path, "r+b");
    fseek(f, (long)(data + at), SEEK_SET);
    assert_int_equal(fwrite(&nan, sizeof nan, 1, f), 1);
    fclose(f);
    assert_int_equal(runner_open(&r, path, &o, NULL), 0);
    assert_int_equal(runner_run(r, &q, 1, NULL, NULL, NULL, &e), -1);
    assert_int_equal(e.code, ERR_NUMERIC);
    assert_non_null(strstr(e.text, "blk.1.ffn_down.weight"));
    runner_close(r);
    strbuf_release(&b);
    unlink(path);
}

static void requests_that_make_no_sense_are_refused(void **state)
{
    static const int32_t ids[] = {3, 4, 1 << 20};
    struct request bad[] = {
        {.kind = REQUEST_SCORE, .ids = ids, .n_ids = 1, .n_given = 1},
        {.kind = REQUEST_SCORE, .ids = ids, .n_ids = 2, .n_given = 0},
        {.kind = REQUEST_GENERATE, .ids = ids, .n_ids = 3, .max_tokens = 1},
        {.kind = REQUEST_GENERATE, .ids = ids, .n_ids = 2, .max_tokens = -1},
    };
    struct runner_opts o = {.threads = 1};
    struct runner *r;
    (void)state;
    assert_int_equal(runner_open(&r, model_path, &o, NULL), 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct err e = ERR_NONE;
        assert_int_equal(runner_run(r, &bad[i], 1, NULL, NULL, NULL, &e), -1);
        assert_int_equal(e.code, ERR_USAGE);
    }
    runner_close(r);
}

static int count_one(void *user, int i, const struct reply *a)
{
    (void)i;
    (void)a;
    ++*(int *)user;
    return 1;
}

static int count_row(void *user, const struct request *q, int position, const float *logits)
{
    (void)q;
    (void)position;
    (void)logits;
    ++*(int *)user;
    return 1;
}

static void a_caller_that_says_stop_is_called_no_more_and_may_ask_again(void **state)
{
    static int32_t ids[REQUESTS][LONGEST];
    struct request q[REQUESTS];
    struct runner_opts o = {.threads = 1, .batch_tokens = 256};
    struct answers all, truth = ask(&o, 0);
    struct err e = ERR_NONE;
    struct runner *r;
    int calls = 0;
    (void)state;
    make_requests(q, ids);
    assert_int_equal(runner_open(&r, model_path, &o, NULL), 0);
    assert_int_equal(runner_run(r, q, REQUESTS, count_one, &calls, NULL, &e), -1);
    assert_int_equal(e.code, ERR_INTERRUPTED);
    assert_int_equal(calls, 1);
    struct request rows = {.kind = REQUEST_LOGITS, .ids = ids[0], .n_ids = 20,
                           .on_logits = count_row, .user = &calls};
    assert_int_equal(runner_run(r, &rows, 1, count_one, &calls, NULL, &e), -1);
    assert_int_equal(calls, 2);
    memset(&all, 0, sizeof all);
    assert_int_equal(runner_run(r, q, REQUESTS, keep_answer, &all, NULL, NULL), 0);
    assert_memory_equal(&all, &truth, sizeof all);
    runner_close(r);
}

/* Replies since the last rest, rests so far, and the rest at which there is an error. */
struct rests {
    int replies, n, bad;
};

static int count_reply(void *user, int i, const struct reply *a)
{
    (void)i;
    (void)a;
    ((struct rests *)user)->replies++;
    return 0;
}

static int take_rest(void *user, struct err *e)
{
    struct rests *s = user;

    s->replies = 0;
    return ++s->n == s->bad ? err_set(e, ERR_IO, "no room") : 0;
}

static void before_every_batch_the_caller_may_close_what_it_keeps_open(void **state)
{
    static int32_t ids[REQUESTS][LONGEST];
    struct request q[REQUESTS];
    struct runner_opts o = {.threads = 1, .batch_tokens = 16};
    struct rests s = {0};
    struct err e = ERR_NONE;
    struct runner *r;
    (void)state;
    make_requests(q, ids);
    assert_int_equal(runner_open(&r, model_path, &o, NULL), 0);
    runner_on_rest(r, take_rest, &s);
    assert_int_equal(runner_run(r, q, REQUESTS, count_reply, &s, NULL, NULL), 0);
    assert_true(s.n > 2);
    assert_in_range(s.replies, 1, REQUESTS - 1); /* some came before the last rest, some after */
    s = (struct rests){.bad = 2};
    assert_int_equal(runner_run(r, q, REQUESTS, count_reply, &s, NULL, &e), -1);
    assert_int_equal(e.code, ERR_IO);
    assert_int_equal(s.n, 2);
    runner_on_rest(r, NULL, NULL);
    assert_int_equal(runner_run(r, q, REQUESTS, count_reply, &s, NULL, NULL), 0);
    assert_int_equal(s.n, 2);
    runner_close(r);
}

static int keep_end(void *user, int i, const struct reply *a)
{
    (void)i;
    *(struct reply *)user = *a;
    return 0;
}

static void a_generation_without_end_fills_the_context_and_no_more(void **state)
{
    static const int32_t ids[] = {3, 4, 5};
    struct request q = {.kind = REQUEST_GENERATE, .ids = ids, .n_ids = 3, .max_tokens = INT32_MAX,
                        .ignore_end = 1};
    struct runner_opts o = {.threads = 1};
    struct reply end;
    struct runner *r;
    struct err e = ERR_NONE;
    (void)state;
    assert_int_equal(runner_open(&r, model_path, &o, NULL), 0);
    if (runner_run(r, &q, 1, keep_end, &end, NULL, &e) < 0)
        fail_msg("%s", e.text);
    assert_int_equal(end.finish, FINISH_CONTEXT);
    assert_int_equal(end.n, runner_info(r)->context_length - 3 + 1); /* the last is never read */
    runner_close(r);
}

static void time_to_a_first_token_is_a_generation_s(void **state)
{
    static const int32_t ids[] = {3, 4, 5};
    struct request q = {.kind = REQUEST_SCORE, .ids = ids, .n_ids = 3, .n_given = 1};
    struct runner_opts o = {.threads = 1};
    struct reply end;
    struct runner *r;
    (void)state;
    assert_int_equal(runner_open(&r, model_path, &o, NULL), 0);
    assert_int_equal(runner_run(r, &q, 1, keep_end, &end, NULL, NULL), 0);
    assert_true(end.ttft_s == 0);
    runner_close(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_gives_the_same_bits_for_any_threads_batch_order_and_kernels),
        cmocka_unit_test(fast_gives_the_same_bits_for_any_threads_batch_order_and_kernels),
        cmocka_unit_test(each_type_of_the_kv_cache_gives_its_own_bits_and_says_so),
        cmocka_unit_test(what_keeps_floats_only_refuses_other_types_of_the_kv_cache),
        cmocka_unit_test(a_shared_prefix_is_computed_once),
        cmocka_unit_test(a_tokenizer_that_is_open_is_used_and_left_open),
        cmocka_unit_test(opening_survives_every_failed_allocation),
        cmocka_unit_test(running_survives_every_failed_allocation),
        cmocka_unit_test(decoding_allocates_nothing_in_the_steady_state),
        cmocka_unit_test(a_weight_that_is_nan_is_named),
        cmocka_unit_test(requests_that_make_no_sense_are_refused),
        cmocka_unit_test(a_caller_that_says_stop_is_called_no_more_and_may_ask_again),
        cmocka_unit_test(before_every_batch_the_caller_may_close_what_it_keeps_open),
        cmocka_unit_test(a_generation_without_end_fills_the_context_and_no_more),
        cmocka_unit_test(time_to_a_first_token_is_a_generation_s),
    };
    return cmocka_run_group_tests_name(__FILE__, tests, write_model, remove_model);
}
