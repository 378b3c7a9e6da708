#include "tests/test.h"

#include "base/mem.h"
#include "harness/pairs.h"
#include "harness/stats_dist.h"
#include "tests/pair_runs.h"

enum { N = 40 };

/* Baseline: documents 0..N-1 in order, every second right.  Candidate: in reverse order, loses
 * documents 1 and 3, wins document 0. */
static struct made_item base[N], cand[N];

static void fill(void)
{
    for (int i = 0; i < N; i++) {
        base[i] = (struct made_item){i, i % 2, -2 - i % 3, 4, .1, NULL};
        cand[N - 1 - i] = base[i];
        cand[N - 1 - i].nats -= .04;
        cand[N - 1 - i].latency_s = .11;
    }
    cand[N - 1 - 1].acc = cand[N - 1 - 3].acc = 0;
    cand[N - 1 - 0].acc = 1;
}

static struct made_run run_of(const char *model, const struct made_task *t, int n)
{
    return (struct made_run){.model = model, .tasks = t, .n_tasks = n};
}

struct two {
    struct store *s;
    char a[RUN_ID_SIZE], b[RUN_ID_SIZE];
};

static struct two store_two(struct made_task ta, struct made_task tb)
{
    struct two t;
    struct made_run ra = run_of("base", &ta, 1), rb = run_of("cand", &tb, 1);

    assert_int_equal(store_open(&t.s, ":memory:", NULL, NULL), 0);
    make_run(t.s, &ra, t.a);
    make_run(t.s, &rb, t.b);
    return t;
}

static struct made_task task_of(struct made_item *items, int n)
{
    return (struct made_task){"arc_easy", 1, items, n, 1e6, NAN};
}

static void items_are_joined_on_their_hash_whatever_their_order(void **state)
{
    struct two t;
    struct pairs p;
    const struct pair_task *task;
    struct paired_credit c;
    struct interval want;

    (void)state;
    fill();
    t = store_two(task_of(base, N), task_of(cand, N));
    assert_int_equal(pairs_load(&p, t.s, t.a, t.b, NULL, 0, NULL), 0);
    assert_true(p.n == N && p.n_tasks == 1);
    task = &p.tasks[0];
    assert_string_equal(task->metric, "acc");
    for (int i = 0; i < N; i++) {
        assert_int_equal(task->v[i].doc_id, i);
        assert_true(task->v[i].a.item != task->v[i].b.item);
        assert_close(task->v[i].a.nats_per_byte, (-2 - i % 3) / 4., 1e-12);
    }
    assert_int_equal(paired_credit(&task, 1, .9, &c, NULL), 0);
    assert_true(c.binary && c.lost == 2 && c.won == 1 && c.n == N && c.design_effect == 1);
    assert_close(c.difference, -1. / N, 1e-12);
    want = stats_tango((struct discordant){2, 1, N}, dist_normal_quantile(.95));
    assert_close(c.interval.low, want.low, 1e-12);
    assert_close(c.interval.high, want.high, 1e-12);
    assert_close(c.p_loss, .3125, 1e-12); /* P(X > 2) + P(X = 2)/2 of Bin(3, 1/2) = 1/8 + 3/16 */
    pairs_release(&p);
    store_close(t.s);
}

static void likelihoods_and_latencies_are_paired_too(void **state)
{
    struct two t;
    struct pairs p;
    const struct pair_task *task;
    struct paired_mean m;
    struct paired_ratio r;

    (void)state;
    fill();
    t = store_two(task_of(base, N), task_of(cand, N));
    assert_int_equal(pairs_load(&p, t.s, t.a, t.b, NULL, 0, NULL), 0);
    task = &p.tasks[0];
    assert_int_equal(paired_nats(&task, 1, .9, &m, NULL), 0);
    assert_close(m.difference, -.01, 1e-9);
    assert_true(m.n == N && m.p_loss < 1e-6);
    assert_int_equal(paired_latency(&task, 1, .95, &r, NULL), 0);
    assert_close(r.ratio, 1.1, 1e-9);
    assert_true(r.coverage >= .95 && r.interval.low <= 1.1 + 1e-9 && r.n == N);
    pairs_release(&p);
    store_close(t.s);
}

static void what_only_one_run_has_is_an_error_that_names_it(void **state)
{
    struct two t;
    struct pairs p;
    struct err e = ERR_NONE;

    (void)state;
    fill();
    cand[5].doc = 77;
    t = store_two(task_of(base, N), task_of(cand, N));
    assert_int_equal(pairs_load(&p, t.s, t.a, t.b, NULL, 0, &e), -1);
    assert_int_equal(e.code, ERR_INVALID);
    assert_non_null(strstr(e.text, "arc_easy: 1 item of run"));
    assert_non_null(strstr(e.text, "34 (doc00000034)")); /* cand[5] was document 34 */
    assert_int_equal(pairs_load(&p, t.s, t.b, t.a, NULL, 0, &e), -1);
    assert_non_null(strstr(e.text, "5 (doc00000077)"));
    store_close(t.s);
    t = store_two(task_of(base, N), task_of(base, N - 30));
    assert_int_equal(pairs_load(&p, t.s, t.a, t.b, NULL, 0, &e), -1);
    assert_non_null(strstr(e.text, "30 items"));
    store_close(t.s);
}

static void other_tasks_and_other_versions_are_not_compared(void **state)
{
    struct two t;
    struct pairs p;
    struct err e = ERR_NONE;
    struct made_task other, newer;

    (void)state;
    fill();
    other = newer = task_of(cand, N);
    other.task = "arc_challenge";
    newer.version = 2;
    t = store_two(task_of(base, N), other);
    assert_int_equal(pairs_load(&p, t.s, t.a, t.b, NULL, 0, &e), -1);
    assert_non_null(strstr(e.text, "arc_easy"));
    store_close(t.s);
    t = store_two(task_of(base, N), newer);
    assert_int_equal(pairs_load(&p, t.s, t.a, t.b, NULL, 0, &e), -1);
    assert_non_null(strstr(e.text, "version 1 in the baseline, 2 in the candidate"));
    assert_int_equal(e.code, ERR_INVALID);
    store_close(t.s);
}

static void a_document_asked_twice_is_paired_in_order(void **state)
{
    struct two t;
    struct pairs p;

    (void)state;
    fill();
    base[7].doc = base[9].doc = 100;
    cand[N - 1 - 7].doc = cand[N - 1 - 9].doc = 100;
    t = store_two(task_of(base, N), task_of(cand, N));
    assert_int_equal(pairs_load(&p, t.s, t.a, t.b, NULL, 0, NULL), 0);
    assert_int_equal(p.n, N);
    for (size_t i = 0; i < p.n; i++)
        assert_non_null(p.tasks[0].v[i].doc_hash);
    pairs_release(&p);
    store_close(t.s);
}

static void clusters_count_less_than_their_items(void **state)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    struct two t;
    struct pairs p;
    const struct pair_task *task;
    struct paired_credit c, alone;

    (void)state;
    fill();
    for (int i = 0; i < N; i++) { /* clusters of five; the losses share one */
        base[i].cluster = cand[N - 1 - i].cluster = names[i / 5];
        base[i].acc = cand[N - 1 - i].acc = 1;
        cand[N - 1 - i].acc = i >= 5;
    }
    t = store_two(task_of(base, N), task_of(cand, N));
    assert_int_equal(pairs_load(&p, t.s, t.a, t.b, NULL, 0, NULL), 0);
    task = &p.tasks[0];
    assert_true(task->clustered && task->v[9].first == 5);
    assert_int_equal(paired_credit(&task, 1, .9, &c, NULL), 0);
    assert_int_equal(c.n_clusters, 8);
    assert_true(c.design_effect > 4 && c.design_effect < 6);
    assert_close(c.effective.lost, 5 / c.design_effect, 1e-12);
    for (size_t i = 0; i < p.n; i++)
        p.tasks[0].v[i].first = i;
    assert_int_equal(paired_credit(&task, 1, .9, &alone, NULL), 0);
    assert_true(alone.interval.low > c.interval.low && alone.p_loss < c.p_loss);
    pairs_release(&p);
    store_close(t.s);
}

static void clusters_without_any_difference_count_as_one_item_each(void **state)
{
    struct two t;
    struct pairs p;
    const struct pair_task *task;
    struct paired_credit c;

    (void)state;
    fill();
    for (int i = 0; i < N; i++)
        base[i].cluster = i % 2 ? "odd" : "even";
    t = store_two(task_of(base, N), task_of(base, N));
    assert_int_equal(pairs_load(&p, t.s, t.a, t.b, NULL, 0, NULL), 0);
    task = &p.tasks[0];
    assert_int_equal(paired_credit(&task, 1, .9, &c, NULL), 0);
    assert_close(c.effective.n, 2, 1e-12);
    assert_close(c.design_effect, 20, 1e-12);
    pairs_release(&p);
    store_close(t.s);
}

static void partial_credit_is_judged_by_its_mean(void **state)
{
    struct two t;
    struct pairs p;
    const struct pair_task *task;
    struct paired_credit c;

    (void)state;
    fill();
    for (int i = 0; i < N; i++) {
        base[i].acc = .5;
        cand[N - 1 - i].acc = i % 2 ? .5 : .45;
    }
    t = store_two(task_of(base, N), task_of(cand, N));
    assert_int_equal(pairs_load(&p, t.s, t.a, t.b, NULL, 0, NULL), 0);
    task = &p.tasks[0];
    assert_int_equal(paired_credit(&task, 1, .9, &c, NULL), 0);
    assert_true(!c.binary && isnan(c.p_exact) && c.p_loss < .001);
    assert_close(c.difference, -.025, 1e-9);
    assert_true(paired_credit_noninferiority(&c, .05) < .001);
    assert_close(paired_credit_noninferiority(&c, .025), .5, 1e-6);
    pairs_release(&p);
    store_close(t.s);
}

static void every_refused_allocation_is_told(void **state)
{
    struct two t;
    long live;
    int rc = -1;

    (void)state;
    fill();
    base[3].cluster = base[4].cluster = cand[N - 1 - 3].cluster = cand[N - 1 - 4].cluster = "x";
    t = store_two(task_of(base, N), task_of(cand, N));
    live = mem_live();
    for (int nth = 0; rc < 0; nth++) {
        struct err e = ERR_NONE;
        struct pairs p = {0};
        struct paired_credit c;
        struct paired_mean m;
        struct paired_ratio r;
        const struct pair_task *task;
        mem_fail_at(nth);
        rc = pairs_load(&p, t.s, t.a, t.b, NULL, 0, &e);
        task = p.tasks;
        if (rc == 0 && (paired_credit(&task, 1, .9, &c, &e) < 0 ||
                        paired_nats(&task, 1, .9, &m, &e) < 0 ||
                        paired_latency(&task, 1, .9, &r, &e) < 0))
            rc = -1;
        mem_fail_at(-1);
        pairs_release(&p);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        assert_true(mem_live() <= live + 2); /* the store may have kept a statement */
    }
    store_close(t.s);
    assert_int_equal(mem_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_are_joined_on_their_hash_whatever_their_order),
        cmocka_unit_test(likelihoods_and_latencies_are_paired_too),
        cmocka_unit_test(what_only_one_run_has_is_an_error_that_names_it),
        cmocka_unit_test(other_tasks_and_other_versions_are_not_compared),
        cmocka_unit_test(a_document_asked_twice_is_paired_in_order),
        cmocka_unit_test(clusters_count_less_than_their_items),
        cmocka_unit_test(clusters_without_any_difference_count_as_one_item_each),
        cmocka_unit_test(partial_credit_is_judged_by_its_mean),
        cmocka_unit_test(every_refused_allocation_is_told),
    };

    return RUN(tests);
}
