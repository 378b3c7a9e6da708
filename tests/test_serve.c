/* Serving: continuous batching changes no token, and the figures of a server add up. */
#include "tests/test.h"

#include "base/mem.h"
#include "base/metric.h"
#include "harness/latency.h"
#include "harness/serve.h"
#include "runners/quant.h"
#include "tests/tiny.h"

static char model_path[64], hybrid_path[64];

static int write_models(void **state)
{
    struct tiny_opts o = {.seed = 5, .type = QUANT_Q4_0};
    (void)state;
    snprintf(model_path, sizeof model_path, "/tmp/densimeter-serve-%ld.gguf", (long)getpid());
    snprintf(hybrid_path, sizeof hybrid_path, "/tmp/densimeter-serve-h-%ld.gguf", (long)getpid());
    if (tiny_write(model_path, &o, NULL) < 0)
        return -1;
    o.is_hybrid = 1;
    return tiny_write(hybrid_path, &o, NULL);
}

static int remove_models(void **state)
{
    (void)state;
    return unlink(model_path) | unlink(hybrid_path);
}

static struct runner *open_tiny(const char *path, int batch, size_t kv_bytes)
{
    struct runner_opts o = {.threads = 1, .context = 200, .batch_tokens = batch,
                            .kv_bytes = kv_bytes};
    struct runner *r = NULL;
    struct err e = ERR_NONE;

    if (runner_open(&r, path, &o, &e) < 0)
        fail_msg("%s", e.text);
    return r;
}

/* --- the runner ------------------------------------------------------------------------------- */

enum { ASKED = 24, LONGEST = 60, MADE = 20 };

struct feed {
    struct request q[ASKED];
    int32_t ids[ASKED][LONGEST], said[ASKED][MADE];
    int n[ASKED];
    enum finish finish[ASKED];
    int given, ended, polls, hold; /* hold: polls between two that come in */
    int leaves_after[ASKED];       /* tokens; 0: stays */
    char why[ASKED][200];
};

static void make_seeded_feed(struct feed *f, uint64_t s)
{

    memset(f, 0, sizeof *f);
    for (int i = 0; i < ASKED; i++) {
        int n = 1 + (int)(tiny_random(&s) % LONGEST);
        for (int k = 0; k < n; k++)
            f->ids[i][k] = 3 + (int32_t)(tiny_random(&s) % 200);
        if (i % 3 == 2) /* as the one before */
            memcpy(f->ids[i], f->ids[i - 1], sizeof f->ids[i]);
        f->q[i] = (struct request){.kind = REQUEST_GENERATE, .ids = f->ids[i], .n_ids = n,
                                   .max_tokens = 1 + i % MADE, .ignore_end = 1,
                                   .key = (uint64_t)i};
    }
}

static void make_feed(struct feed *f)
{
    make_seeded_feed(f, 17);
}

static int feed_next(void *user, int is_idle, struct request *q)
{
    struct feed *f = user;

    if (f->given == ASKED)
        return -1;
    if (!is_idle && ++f->polls % (f->hold + 1))
        return 0;
    *q = f->q[f->given++];
    return 1;
}

static int feed_token(void *user, const struct request *q, int32_t id, float margin)
{
    struct feed *f = user;

    (void)margin;
    f->said[q->key][f->n[q->key]++] = id;
    return 0;
}

static int feed_gone(void *user, const struct request *q)
{
    struct feed *f = user;

    return f->leaves_after[q->key] && f->n[q->key] >= f->leaves_after[q->key] - 1;
}

static void feed_end(void *user, const struct request *q, const struct reply *a,
                     const struct err *why)
{
    struct feed *f = user;

    f->ended++;
    if (a)
        f->finish[q->key] = a->finish;
    else
        snprintf(f->why[q->key], sizeof f->why[q->key], "%.199s", why->text);
}

static void run_feed(struct runner *r, struct feed *f, int slots)
{
    const struct serving v = {.slots = slots, .next = feed_next, .is_gone = feed_gone,
                              .on_end = feed_end, .user = f};
    struct err e = ERR_NONE;

    for (int i = 0; i < ASKED; i++) {
        f->q[i].on_token = feed_token;
        f->q[i].user = f;
    }
    assert_int_equal(runner_serve(r, &v, NULL, &e), 0);
    assert_int_equal(f->ended, ASKED);
}

static int keep_reply(void *user, int i, const struct reply *a)
{
    struct feed *f = user;

    f->n[i] = a->n;
    memcpy(f->said[i], a->ids, (size_t)a->n * sizeof *a->ids);
    return 0;
}

static void compare_ways(const char *path)
{
    struct runner *r = open_tiny(path, 32, 0);
    struct feed alone, f;
    struct err e = ERR_NONE;

    make_feed(&alone);
    assert_int_equal(runner_run(r, alone.q, ASKED, keep_reply, &alone, NULL, &e), 0);
    for (int hold = 0; hold < 4; hold++)
        for (int slots = 1; slots <= 9; slots += 4) {
            make_feed(&f);
            f.hold = hold;
            run_feed(r, &f, slots);
            for (int i = 0; i < ASKED; i++) {
                assert_int_equal(f.n[i], f.q[i].max_tokens);
                assert_memory_equal(f.said[i], alone.said[i], (size_t)f.n[i] * sizeof(int32_t));
            }
        }
    runner_close(r);
}

static void requests_that_come_one_by_one_are_answered_as_all_at_once(void **state)
{
    (void)state;
    compare_ways(model_path);
    compare_ways(hybrid_path);
}

static void a_small_cache_makes_requests_wait_and_not_fail(void **state)
{
    struct runner *r = open_tiny(model_path, 32, 0);
    size_t bytes = (size_t)runner_info(r)->kv_bytes_per_token * 32 * 6; /* six pages */
    struct feed whole, f;
    (void)state;
    make_feed(&whole);
    run_feed(r, &whole, 8);
    runner_close(r);
    r = open_tiny(model_path, 32, bytes);
    make_feed(&f);
    run_feed(r, &f, 8);
    for (int i = 0; i < ASKED; i++) {
        assert_int_equal(f.n[i], whole.n[i]);
        assert_memory_equal(f.said[i], whole.said[i], (size_t)f.n[i] * sizeof(int32_t));
    }
    make_feed(&f);
    f.q[2].max_tokens = 200; /* more pages than there are */
    run_feed(r, &f, 8);
    assert_non_null(strstr(f.why[2], "pages of the KV cache"));
    runner_close(r);
}

static void who_leaves_costs_the_others_nothing(void **state)
{
    struct feed whole, f;
    const char *const paths[] = {model_path, hybrid_path};
    (void)state;
    for (int p = 0; p < 2; p++) {
        struct runner *r = open_tiny(paths[p], 16, 0);
        make_feed(&whole);
        run_feed(r, &whole, 6);
        make_feed(&f);
        for (int i = 0; i < ASKED; i += 2)
            f.leaves_after[i] = 1 + i % 5; /* 1: before its first token */
        run_feed(r, &f, 6);
        for (int i = 0; i < ASKED; i++) {
            int left = f.leaves_after[i] && f.leaves_after[i] - 1 < f.q[i].max_tokens;
            assert_int_equal(f.finish[i], left ? FINISH_GONE : FINISH_LENGTH);
            assert_true(left || f.n[i] == whole.n[i]);
            assert_memory_equal(f.said[i], whole.said[i], (size_t)f.n[i] * sizeof(int32_t));
        }
        runner_close(r);
    }
}

enum { SEEDS = 25 };

/* Batches, slots, caches, who comes when and who leaves when at random. */
static void check_at_random(const char *path, uint64_t seed)
{
    struct feed alone, f;
    struct err e = ERR_NONE;
    uint64_t s = seed * 7919;
    int batch = 1 + (int)(tiny_random(&s) % 40);
    struct runner *r = open_tiny(path, batch, 0);
    size_t page = (size_t)runner_info(r)->kv_bytes_per_token * 32;
    size_t kv = 2 * (runner_info(r)->state_bytes + 4 * page) + page * (tiny_random(&s) % 12);
    int most = batch < 16 ? batch : 16;

    make_seeded_feed(&alone, seed);
    assert_int_equal(runner_run(r, alone.q, ASKED, keep_reply, &alone, NULL, &e), 0);
    runner_close(r);
    r = open_tiny(path, batch, kv);
    make_seeded_feed(&f, seed);
    f.hold = (int)(tiny_random(&s) % 6);
    for (int i = 0; i < ASKED; i++)
        f.leaves_after[i] = tiny_random(&s) % 3 ? 0 : 1 + (int)(tiny_random(&s) % MADE);
    run_feed(r, &f, 1 + (int)(tiny_random(&s) % (uint64_t)most));
    for (int i = 0; i < ASKED; i++) {
        int left = f.leaves_after[i] && f.leaves_after[i] - 1 < f.q[i].max_tokens;
        /* Asked after each batch: one token may all be there before anybody asks. */
        if (f.leaves_after[i] != 1 || f.q[i].max_tokens != 1)
            assert_int_equal(f.finish[i], left ? FINISH_GONE : FINISH_LENGTH);
        assert_true(left || f.n[i] == alone.n[i]);
        assert_memory_equal(f.said[i], alone.said[i], (size_t)f.n[i] * sizeof(int32_t));
    }
    runner_close(r);
}

static void whatever_comes_and_goes_the_answers_stay(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        check_at_random(model_path, seed);
        check_at_random(hybrid_path, seed);
    }
}

static void a_request_that_cannot_run_fails_alone(void **state)
{
    struct runner *r = open_tiny(model_path, 32, 0);
    int32_t wrong[] = {1, 1 << 30};
    struct feed f;
    (void)state;
    make_feed(&f);
    f.q[3].n_ids = 0;
    f.q[7].ids = wrong;
    f.q[7].n_ids = 2;
    f.q[9].kind = REQUEST_LOGITS;
    run_feed(r, &f, 4);
    assert_non_null(strstr(f.why[3], "no token"));
    assert_non_null(strstr(f.why[7], "not in 0.."));
    assert_non_null(strstr(f.why[9], "only generates"));
    for (int i = 0; i < ASKED; i++)
        if (i != 3 && i != 7 && i != 9)
            assert_int_equal(f.n[i], f.q[i].max_tokens);
    runner_close(r);
}

/* --- the server ------------------------------------------------------------------------------- */

static double fake_s;

/* Each look at the clock takes a millisecond, so that a batch takes time and the same run is the
 * same everywhere. */
static double fake_clock(void)
{
    return fake_s += 1e-3;
}

static void fake_pause(double seconds)
{
    fake_s += seconds;
}

static const int64_t prompts[] = {4, 9, 30}, outputs[] = {1, 5, 12};

static struct workload usual(int n)
{
    return (struct workload){.n = n, .prompts = prompts, .outputs = outputs, .n_prompts = 3,
                             .n_outputs = 3, .seed = 7, .together = n};
}

static void serve_load(struct runner *r, const struct workload *w, int slots, int queue,
                       struct serve_log *l)
{
    const struct serve_opts o = {.runner = r, .load = w, .slots = slots, .queue = queue,
                                 .clock = fake_clock, .pause = fake_pause};
    struct err e = ERR_NONE;

    fake_s = 1000;
    if (serve(&o, l, &e) < 0)
        fail_msg("%s", e.text);
}

static void check_request(const struct served *r)
{
    assert_true(r->end_s >= r->arrival_s);
    assert_true(r->n <= r->wanted);
    assert_null(r->ids);
    if (r->state == SERVED_COMPLETED) {
        assert_int_equal(r->n, r->wanted);
        assert_true(r->start_s >= r->arrival_s && r->first_s >= r->start_s &&
                    r->last_s >= r->first_s && r->end_s >= r->last_s);
    }
    if (r->state == SERVED_REFUSED)
        assert_true(isnan(r->start_s) && r->n == 0 && r->reason[0]);
    for (int i = 1; i < r->n; i++)
        assert_true(r->token_s[i] >= r->token_s[i - 1]);
}

static void check_log(const struct serve_log *l, int queue)
{
    size_t count[SERVED_N] = {0}, sum = 0;

    for (size_t i = 0; i < l->n; i++) {
        check_request(&l->v[i]);
        assert_true(i == 0 || l->v[i].arrival_s >= l->v[i - 1].arrival_s);
        count[l->v[i].state]++;
    }
    for (int i = 0; i < SERVED_N; i++) {
        assert_int_equal(count[i], l->count[i]);
        sum += l->count[i];
    }
    assert_int_equal(sum, l->n);
    assert_true(l->queue_longest <= queue);
}

/* Requests a second that the server can do, by its own clock. */
static double sustainable(struct runner *r, int slots)
{
    struct workload w = usual(200);
    struct serve_log l;
    double rate;

    serve_load(r, &w, slots, 200, &l);
    check_log(&l, 200);
    assert_int_equal(l.count[SERVED_COMPLETED], 200);
    rate = 200 / l.wall_s;
    serve_log_release(&l);
    return rate;
}

static void a_server_survives_twice_the_rate_and_clients_that_vanish(void **state)
{
    const char *const paths[] = {model_path, hybrid_path};
    (void)state;
    for (int p = 0; p < 2; p++) {
        struct runner *r = open_tiny(paths[p], 32, 0);
        struct workload w = usual(1000);
        struct serve_log l;
        w.rate_s = 2 * sustainable(r, 4);
        w.vanish_share = 0.3;
        w.patience_s = 8 / w.rate_s;
        serve_load(r, &w, 4, 16, &l);
        check_log(&l, 16);
        assert_int_equal(l.n, 1000);
        assert_int_equal(l.queue_longest, 16);
        assert_true(l.count[SERVED_REFUSED] > 200); /* about half of them cannot be served */
        assert_true(l.count[SERVED_COMPLETED] > 200);
        assert_true(l.count[SERVED_CANCELLED] > 30);
        assert_int_equal(l.count[SERVED_FAILED], 0);
        int in_the_middle = 0;
        for (size_t i = 0; i < l.n; i++)
            in_the_middle += l.v[i].state == SERVED_CANCELLED && l.v[i].n > 0;
        assert_true(in_the_middle > 0);
        serve_log_release(&l);
        runner_close(r);
    }
    assert_int_equal(mem_live(), 0);
}

static void a_server_below_its_rate_refuses_nobody(void **state)
{
    struct runner *r = open_tiny(model_path, 32, 0);
    struct workload w = usual(200);
    struct serve_log l;
    (void)state;
    w.rate_s = sustainable(r, 4) / 3;
    serve_load(r, &w, 4, 64, &l);
    check_log(&l, 64);
    assert_int_equal(l.count[SERVED_COMPLETED], 200);
    serve_log_release(&l);
    runner_close(r);
}

static void the_same_seed_asks_the_same_and_another_does_not(void **state)
{
    struct runner *r = open_tiny(model_path, 32, 0);
    struct workload w = usual(50);
    struct serve_log a, b, c;
    int same = 1;
    (void)state;
    w.rate_s = 10;
    serve_load(r, &w, 4, 64, &a);
    serve_load(r, &w, 4, 64, &b);
    w.seed = 8;
    serve_load(r, &w, 4, 64, &c);
    for (int i = 0; i < 50; i++) {
        assert_true(a.v[i].arrival_s == b.v[i].arrival_s && a.v[i].prompt == b.v[i].prompt &&
                    a.v[i].last_s == b.v[i].last_s);
        same &= a.v[i].arrival_s == c.v[i].arrival_s;
    }
    assert_false(same);
    serve_log_release(&a);
    serve_log_release(&b);
    serve_log_release(&c);
    runner_close(r);
}

static void a_request_is_answered_alike_in_every_scenario(void **state)
{
    struct runner *r = open_tiny(model_path, 32, 0);
    struct workload w = usual(30);
    struct serve_log alone, l;
    (void)state;
    w.together = 1;
    serve_load(r, &w, 1, 1, &alone);
    for (int way = 0; way < 3; way++) {
        w.together = way == 0 ? 5 : 30;
        w.rate_s = way == 2 ? 40 : 0;
        serve_load(r, &w, 5, 30, &l);
        assert_int_equal(l.n, 30);
        for (int i = 0; i < 30; i++) {
            assert_int_equal(l.v[i].prompt, alone.v[i].prompt);
            assert_int_equal(l.v[i].n, alone.v[i].n);
            assert_memory_equal(l.v[i].said, alone.v[i].said, (size_t)l.v[i].n * sizeof(int32_t));
        }
        serve_log_release(&l);
    }
    serve_log_release(&alone);
    runner_close(r);
}

static void groups_arrive_when_the_ones_before_have_ended(void **state)
{
    struct runner *r = open_tiny(model_path, 32, 0);
    struct workload w = usual(24);
    struct serve_log l;
    (void)state;
    w.together = 4;
    serve_load(r, &w, 4, 4, &l);
    check_log(&l, 4);
    assert_int_equal(l.count[SERVED_COMPLETED], 24);
    for (int i = 4; i < 24; i++) {
        assert_true(l.v[i].arrival_s == l.v[i / 4 * 4].arrival_s);
        for (int k = i / 4 * 4 - 4; k < i / 4 * 4; k++)
            assert_true(l.v[i].arrival_s >= l.v[k].end_s);
    }
    serve_log_release(&l);
    w = (struct workload){.prompts = prompts, .outputs = outputs, .n_prompts = 3, .n_outputs = 3,
                          .together = 1, .duration_s = 0.5, .seed = 1};
    serve_load(r, &w, 1, 1, &l);
    check_log(&l, 1);
    assert_true(l.n > 3 && l.v[l.n - 1].arrival_s < 0.5 && l.wall_s >= 0.5);
    serve_log_release(&l);
    runner_close(r);
}

static void gaps_are_exponential(void **state)
{
    double sum = 0, over = 0;
    uint64_t s = 42;
    (void)state;
    for (int i = 0; i < 100000; i++) {
        double gap = serve_gap(&s, 4);
        assert_true(gap >= 0);
        sum += gap;
        over += gap > 0.25;
    }
    assert_close(sum / 100000, 0.25, 0.01);
    assert_close(over / 100000, exp(-1), 0.02); /* P(gap > mean) */
}

static volatile sig_atomic_t stop_now;
static int stop_after;

/* Asked for the time so often, somebody presses Ctrl-C. */
static double clock_that_stops(void)
{
    stop_now |= --stop_after == 0;
    return fake_clock();
}

static void what_was_answered_before_an_interruption_is_kept_and_the_rest_is_cancelled(void **state)
{
    struct runner *r = open_tiny(model_path, 32, 0);
    struct workload w = usual(12);
    const struct serve_opts o = {.runner = r, .load = &w, .slots = 3, .queue = 12,
                                 .clock = clock_that_stops, .pause = fake_pause,
                                 .stop = &stop_now};
    size_t some = 0;
    (void)state;
    for (stop_after = 1; some < 3; stop_after += 20) {
        struct serve_log l;
        struct err e = ERR_NONE;
        int asked = stop_after;
        stop_now = 0;
        assert_int_equal(serve(&o, &l, &e), 1);
        assert_int_equal(e.code, ERR_OK);
        assert_int_equal(l.n, 12);
        assert_int_equal(l.count[SERVED_COMPLETED] + l.count[SERVED_CANCELLED], 12);
        for (size_t i = 0; i < l.n; i++) {
            check_request(&l.v[i]);
            assert_true((l.v[i].state == SERVED_CANCELLED) == (l.v[i].reason[0] != 0));
        }
        some += l.count[SERVED_COMPLETED] > 0 && l.count[SERVED_CANCELLED] > 0;
        serve_log_release(&l);
        stop_after = asked;
    }
    runner_close(r);
}

static void a_failed_allocation_fails_one_request_or_the_whole_and_leaks_nothing(void **state)
{
    struct runner *r = open_tiny(model_path, 32, 0);
    struct workload w = usual(12);
    const struct serve_opts o = {.runner = r, .load = &w, .slots = 3, .queue = 12,
                                 .clock = fake_clock, .pause = fake_pause};
    size_t before = 0, failed = 0;
    (void)state;
    w.rate_s = 50;
    for (int nth = -1;; nth++) {
        struct serve_log l;
        struct err e = ERR_NONE;
        int rc;
        mem_fail_at(nth);
        rc = serve(&o, &l, &e);
        mem_fail_at(-1);
        if (nth == -1) { /* buffers that stay are made */
            serve_log_release(&l);
            before = mem_live();
            continue;
        }
        if (rc == 0) {
            check_log(&l, 12);
            if (l.count[SERVED_COMPLETED] == 12) {
                serve_log_release(&l);
                break;
            }
            failed++;
            assert_true(l.count[SERVED_FAILED] > 0);
            serve_log_release(&l);
        } else {
            assert_int_equal(e.code, ERR_NOMEM);
        }
        assert_int_equal(mem_live(), before);
    }
    assert_true(failed > 10);
    runner_close(r);
}

/* --- what they amount to ---------------------------------------------------------------------- */

/* Request i: waits i ms, 128 tokens, the first after 0.42 s and the last after 4.23 s. */
static void make_log(struct serve_log *l, size_t n)
{
    *l = (struct serve_log){.n = n, .cap = n, .wall_s = 10};
    l->v = mem_calloc(n, sizeof *l->v);
    for (size_t i = 0; i < n; i++) {
        struct served *r = &l->v[i];
        double wait = 1e-3 * (double)((i * 37) % n); /* in no order */
        *r = (struct served){.first_s = wait + .42, .last_s = wait + 4.23, .end_s = wait + 4.23,
                             .n = 128, .wanted = 128};
        r->token_s = mem_calloc(128, sizeof *r->token_s);
        for (int k = 0; k < 128; k++)
            r->token_s[k] = r->first_s + 3.81 / 127 * k;
    }
    l->count[SERVED_COMPLETED] = n;
}

static double value_of(const struct store_value *v, int n, const char *metric)
{
    for (int i = 0; i < n; i++)
        if (strcmp(v[i].metric, metric) == 0)
            return v[i].value;
    fail_msg("no %s", metric);
    return 0;
}

static void times_are_as_defined_and_claims_as_early_stopping_allows(void **state)
{
    static const struct {
        size_t n;
        double p;
        int t; /* over-latency queries that the claim allows; 0: no claim */
    } vectors[] = {{64, .9, 1}, {63, .9, 0}, {100, .9, 3}, {1000, .9, 78}, {662, .99, 1},
                   {661, .99, 0}, {1000, .99, 2}};
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        struct store_value v[LATENCY_VALUES_MAX];
        struct err e = ERR_NONE;
        struct serve_log l;
        double claim;
        int n = 0;
        make_log(&l, vectors[i].n);
        assert_int_equal(latency_values(&l, 1, vectors[i].p, v, &n, &e), 0);
        assert_true(n <= LATENCY_VALUES_MAX);
        for (int k = 0; k < n; k++)
            assert_non_null(metric_find(v[k].metric));
        assert_close(value_of(v, n, "tpot_s"), .03, 1e-9);
        assert_close(value_of(v, n, "gap_max_s"), .03, 1e-9);
        assert_close(value_of(v, n, "tok_s"), 12.8 * (double)vectors[i].n, 1e-12);
        claim = value_of(v, n, "ttft_claim_s");
        if (vectors[i].t == 0)
            assert_true(isnan(claim));
        else /* the waits are 0 .. n-1 ms */
            assert_close(claim, .42 + 1e-3 * (double)(vectors[i].n - (size_t)vectors[i].t), 1e-9);
        serve_log_release(&l);
    }
}

static void limits_are_kept_while_few_enough_are_over(void **state)
{
    struct latency_limits lim = {.ttft_s = .4201 + 1e-3 * 96, .tpot_s = .1, .percentile = .9};
    struct serve_log l;
    (void)state;
    make_log(&l, 100);
    assert_int_equal(latency_meets(&l, &lim), 1); /* 3 are over, 3 may be */
    l.v[0].state = SERVED_REFUSED;
    assert_int_equal(latency_meets(&l, &lim), 0);
    l.v[0].state = SERVED_COMPLETED;
    lim.ttft_s -= 1e-3;
    assert_int_equal(latency_meets(&l, &lim), 0);
    lim.ttft_s = 9;
    lim.tpot_s = .02;
    assert_int_equal(latency_meets(&l, &lim), 0);
    serve_log_release(&l);
    make_log(&l, 43);
    assert_int_equal(latency_meets(&l, &lim), -1);
    serve_log_release(&l);
}

static void a_group_takes_as_long_as_its_slowest(void **state)
{
    struct store_value v[LATENCY_VALUES_MAX];
    struct err e = ERR_NONE;
    struct serve_log l;
    int n = 0;
    (void)state;
    make_log(&l, 100);
    l.v[7].state = SERVED_FAILED; /* its group has no latency */
    assert_int_equal(latency_values(&l, 100, .9, v, &n, &e), 0);
    for (int i = 0; i < n; i++)
        assert_true(strcmp(v[i].metric, "latency_s") != 0);
    l.v[7].state = SERVED_COMPLETED;
    n = 0;
    assert_int_equal(latency_values(&l, 100, .9, v, &n, &e), 0);
    assert_close(value_of(v, n, "latency_s"), 4.23 + .099, 1e-12);
    assert_close(latency_decode_rate(&l, 0, 10), 1 / .03, 1e-9);
    assert_true(isnan(latency_decode_rate(&l, 9, 10)));
    serve_log_release(&l);
}

static void summing_up_survives_every_failed_allocation(void **state)
{
    struct store_value v[LATENCY_VALUES_MAX];
    struct serve_log l;
    size_t live;
    int rc = -1;
    (void)state;
    make_log(&l, 70);
    live = mem_live();
    for (int nth = 0; rc < 0; nth++) {
        struct err e = ERR_NONE;
        int n = 0;
        mem_fail_at(nth);
        rc = latency_values(&l, 1, .9, v, &n, &e);
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        assert_int_equal(mem_live(), live);
    }
    serve_log_release(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_that_come_one_by_one_are_answered_as_all_at_once),
        cmocka_unit_test(a_small_cache_makes_requests_wait_and_not_fail),
        cmocka_unit_test(who_leaves_costs_the_others_nothing),
        cmocka_unit_test(whatever_comes_and_goes_the_answers_stay),
        cmocka_unit_test(a_request_that_cannot_run_fails_alone),
        cmocka_unit_test(a_server_survives_twice_the_rate_and_clients_that_vanish),
        cmocka_unit_test(a_server_below_its_rate_refuses_nobody),
        cmocka_unit_test(the_same_seed_asks_the_same_and_another_does_not),
        cmocka_unit_test(a_request_is_answered_alike_in_every_scenario),
        cmocka_unit_test(groups_arrive_when_the_ones_before_have_ended),
        cmocka_unit_test(gaps_are_exponential),
        cmocka_unit_test(
            what_was_answered_before_an_interruption_is_kept_and_the_rest_is_cancelled),
        cmocka_unit_test(times_are_as_defined_and_claims_as_early_stopping_allows),
        cmocka_unit_test(limits_are_kept_while_few_enough_are_over),
        cmocka_unit_test(a_group_takes_as_long_as_its_slowest),
        cmocka_unit_test(summing_up_survives_every_failed_allocation),
        cmocka_unit_test(a_failed_allocation_fails_one_request_or_the_whole_and_leaks_nothing),
    };
    return cmocka_run_group_tests_name(__FILE__, tests, write_models, remove_models);
}
