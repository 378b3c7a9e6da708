/* What an evaluation costs beside the model's arithmetic, and that its time grows with the tokens
 * computed.  Processor time of the whole process: others may be at work on this machine. */
#include "tests/test.h"

#include <time.h>

#include "base/mem.h"
#include "harness/stats_fit.h"
#include "runners/quant.h"
#include "runners/runner.h"
#include "tests/tiny.h"

enum { REQUESTS = 100000, LENGTH = 30, SAMPLE = 400, FIRST_ID = 3, IDS = 200 };

static double clock_s(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static char model_path[64];

/* Some 3 million parameters: a fortieth of the smallest model that anybody measures, whose tokens
 * cost as much less. */
static int write_model(void **state)
{
    struct tiny_opts o = {.seed = 6, .type = QUANT_Q8_0, .embedding = 256, .layers = 4,
                          .feed_forward = 768, .context = 16384};
    (void)state;
    snprintf(model_path, sizeof model_path, "/tmp/densimeter-cost-%ld.gguf", (long)getpid());
    return tiny_write(model_path, &o, NULL);
}

static int remove_model(void **state)
{
    (void)state;
    return unlink(model_path);
}

/* Questions with four options each: groups of four share all but the last few tokens. */
static void make_requests(struct request *q, int32_t *ids, int n)
{
    uint64_t s = 17;

    for (int i = 0; i < n; i++) {
        int32_t *at = ids + (size_t)i * LENGTH;
        for (int k = 0; k < LENGTH; k++)
            at[k] = i % 4 && k < LENGTH - 6 ? at[k - LENGTH]
                                            : FIRST_ID + (int32_t)(tiny_random(&s) % IDS);
        q[i] = (struct request){.kind = REQUEST_SCORE, .ids = at, .n_ids = LENGTH,
                                .n_given = LENGTH - 6 + i % 4};
    }
}

struct cost {
    double cpu_s, wall_s;
    struct counts counts;
};

static int count(void *user, int i, const struct reply *a)
{
    (void)i;
    (void)a;
    ++*(int *)user;
    return 0;
}

static struct cost cost_of(const char *device, const struct request *q, int n)
{
    struct runner_opts o = {.threads = 1, .device = device};
    struct runner *r = NULL;
    struct err e = ERR_NONE;
    struct cost c;
    int replies = 0;

    if (runner_open(&r, model_path, &o, &e) < 0)
        fail_msg("%s", e.text);
    c.cpu_s = clock_s(CLOCK_PROCESS_CPUTIME_ID);
    c.wall_s = clock_s(CLOCK_MONOTONIC);
    if (runner_run(r, q, n, count, &replies, NULL, &e) < 0)
        fail_msg("%s", e.text);
    c.cpu_s = clock_s(CLOCK_PROCESS_CPUTIME_ID) - c.cpu_s;
    c.wall_s = clock_s(CLOCK_MONOTONIC) - c.wall_s;
    c.counts = runner_counts(r);
    assert_int_equal(replies, n);
    runner_close(r);
    return c;
}

static void a_hundred_thousand_requests_cost_the_scheduler_under_two_percent(void **state)
{
    struct request *q = mem_alloc(REQUESTS * sizeof *q);
    int32_t *ids = mem_alloc((size_t)REQUESTS * LENGTH * sizeof *ids);
    struct cost all, sample;
    double own, model;

    (void)state;
    make_requests(q, ids, REQUESTS);
    all = cost_of("null", q, REQUESTS);
    sample = cost_of("cpu", q, SAMPLE);
    own = all.cpu_s / (double)all.counts.computed;
    model = sample.cpu_s / (double)sample.counts.computed;
    printf("scheduler: %lld tokens in %.2f s, %.0f ns a token; the model: %.0f ns a token\n",
           (long long)all.counts.computed, all.cpu_s, own * 1e9, model * 1e9);
    assert_int_equal(all.counts.computed, all.counts.least);
    assert_true(all.counts.computed < (int64_t)REQUESTS * LENGTH / 2);
    assert_true(own < 0.02 * model);
    mem_free(q);
    mem_free(ids);
}

/* Minutes: only where DENSIMETER_LONG is set. */
static void time_is_linear_in_computed_tokens(void **state)
{
    static const int sizes[] = {100, 300, 1000, 3000, 10000, 30000, 100000};
    enum { N = sizeof sizes / sizeof sizes[0] };
    struct request *q;
    int32_t *ids;
    double tokens[N], cpu_s[N], wall_s[N];

    (void)state;
    if (!getenv("DENSIMETER_LONG")) {
        printf("skipped: set DENSIMETER_LONG to compute two million tokens\n");
        skip();
    }
    q = mem_alloc((size_t)sizes[N - 1] * sizeof *q);
    ids = mem_alloc((size_t)sizes[N - 1] * LENGTH * sizeof *ids);
    make_requests(q, ids, sizes[N - 1]);
    for (int i = 0; i < N; i++) {
        struct cost c = cost_of("cpu", q, sizes[i]);
        tokens[i] = (double)c.counts.computed;
        cpu_s[i] = c.cpu_s;
        wall_s[i] = c.wall_s;
        printf("%9.0f tokens: %8.3f s of processor, %8.3f s of wall, %.2f us a token\n", tokens[i],
               cpu_s[i], wall_s[i], 1e6 * cpu_s[i] / tokens[i]);
    }
    struct stats_line cpu = stats_line(tokens, cpu_s, N), wall = stats_line(tokens, wall_s, N);
    printf("R^2 %.6f of processor time, %.6f of wall time\n", cpu.r2, wall.r2);
    assert_true(cpu.r2 > 0.99);
    /* and no small run costs more a token than its share: the line goes through the origin */
    assert_true(cpu_s[1] / tokens[1] < 1.25 * cpu_s[N - 1] / tokens[N - 1]);
    mem_free(q);
    mem_free(ids);
}

/* Floating point operations of n tokens read one after the other: twice the weights of a layer each
 * time, and for every pair of positions two products of a head's length in every head. */
static double operations(double n)
{
    enum { WIDTH = 256, KV_WIDTH = 128, FEED_FORWARD = 768, LAYERS = 4 };
    double weights = 2.0 * WIDTH * WIDTH + 2.0 * WIDTH * KV_WIDTH + 3.0 * WIDTH * FEED_FORWARD;

    return LAYERS * n * (2 * weights + 4.0 * WIDTH * (n + 1) / 2);
}

/* A minute: only where DENSIMETER_LONG is set.  The least of a few times, for others are at work. */
static void reading_16k_costs_at_most_twice_what_operations_predict_from_2k(void **state)
{
    enum { SHORT = 2048, LONG = 16384 };
    int32_t *ids;
    uint64_t s = 5;
    double least[2] = {1e9, 1e9}, predicted;

    (void)state;
    if (!getenv("DENSIMETER_LONG")) {
        printf("skipped: set DENSIMETER_LONG to read a prompt of 16384 tokens\n");
        skip();
    }
    ids = mem_alloc(LONG * sizeof *ids);
    for (int i = 0; i < LONG; i++)
        ids[i] = FIRST_ID + (int32_t)(tiny_random(&s) % IDS);
    for (int round = 0; round < 5; round++) {
        int is_long = round == 4, n = is_long ? LONG : SHORT;
        struct request q = {.kind = REQUEST_SCORE, .ids = ids, .n_ids = n, .n_given = n - 1};
        struct cost c = cost_of("cpu", &q, 1);
        least[is_long] = c.cpu_s < least[is_long] ? c.cpu_s : least[is_long];
    }
    predicted = least[0] * operations(LONG) / operations(SHORT);
    printf("2k: %.2f s, 16k: %.2f s, %.2f of the %.2f s that %.1f times the operations predict\n",
           least[0], least[1], least[1] / predicted, predicted,
           operations(LONG) / operations(SHORT));
    assert_true(least[1] < 2 * predicted);
    mem_free(ids);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hundred_thousand_requests_cost_the_scheduler_under_two_percent),
        cmocka_unit_test(time_is_linear_in_computed_tokens),
        cmocka_unit_test(reading_16k_costs_at_most_twice_what_operations_predict_from_2k),
    };
    return cmocka_run_group_tests_name(__FILE__, tests, write_model, remove_model);
}
