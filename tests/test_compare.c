/* Two runs side by side: rows, slices, benches, and the items that were lost. */
#include "tests/test.h"

#include <string.h>

#include "base/mem.h"
#include "harness/compare_write.h"
#include "tests/pair_runs.h"
#include "tests/store_fixture.h"

enum { N = 60 };

/* The baseline has every second document right; the candidate loses documents 1 and 3, wins 0, and
 * kept its documents in reverse order. */
static struct made_item base[N], cand[N];

static void fill(void)
{
    for (int i = 0; i < N; i++) {
        base[i] = (struct made_item){i, i % 2, -2 - i % 3, 4, .1, NULL};
        cand[N - 1 - i] = base[i];
        cand[N - 1 - i].nats -= .04;
        cand[N - 1 - i].latency_s = .12;
    }
    cand[N - 1 - 1].acc = cand[N - 1 - 3].acc = 0;
    cand[N - 1 - 0].acc = 1;
}

struct two {
    struct store *s;
    struct run_list a, b;
};

static struct two store_two(const struct made_task *ta, const struct made_task *tb, int n)
{
    struct two t;
    char a[RUN_ID_SIZE], b[RUN_ID_SIZE];
    struct made_run ra = {.model = "base", .tasks = ta, .n_tasks = n};
    struct made_run rb = {.model = "cand", .tasks = tb, .n_tasks = n};

    assert_int_equal(store_open(&t.s, ":memory:", NULL, NULL), 0);
    make_run(t.s, &ra, a);
    make_run(t.s, &rb, b);
    assert_int_equal(query_run(t.s, a, &t.a, NULL), 0);
    assert_int_equal(query_run(t.s, b, &t.b, NULL), 0);
    return t;
}

static void close_two(struct two *t)
{
    run_list_release(&t->a);
    run_list_release(&t->b);
    store_close(t->s);
}

static void rows_are_of_tasks_and_of_all_together(void **state)
{
    struct two t;
    struct compare c;
    (void)state;
    fill();
    struct made_task ta[] = {{"arc_easy", 1, base, N, 1e6, NAN}, {"piqa", 1, base, N, 1e6, 4}};
    struct made_task tb[] = {{"arc_easy", 1, cand, N, 2e6, NAN}, {"piqa", 1, base, N, 1e6, 5}};
    t = store_two(ta, tb, 2);
    assert_int_equal(compare_make(&c, t.s, t.a.v, t.b.v, 0.95, NULL), 0);
    assert_int_equal(c.n_rows, 3);
    assert_int_equal(c.rows[0].level, COMPARE_ALL);
    assert_int_equal(c.rows[0].n, 2 * N);
    assert_close(c.rows[0].credit.lost, 2, 0);
    assert_close(c.rows[0].credit.won, 1, 0);
    assert_close(c.rows[0].credit.difference, -1. / (2 * N), 1e-12);
    assert_string_equal(c.rows[1].name, "arc_easy");
    assert_close(c.rows[1].nats.difference, -.01, 1e-12);
    assert_close(c.rows[1].latency.ratio, 1.2, 1e-9);
    assert_close(c.rows[1].memory_b / c.rows[1].memory_a, 2, 0);
    assert_true(isnan(c.rows[1].energy_a));
    assert_close(c.rows[2].energy_b, 5, 0);
    assert_close(c.rows[2].credit.difference, 0, 0);
    compare_release(&c);
    close_two(&t);
}

static const struct report_block *block_with(const struct report *r, const char *text)
{
    for (int i = 0; i < r->n_blocks; i++)
        if (r->blocks[i]->text && strstr(r->blocks[i]->text, text))
            return r->blocks[i];
    return NULL;
}

static void a_lost_item_is_shown_with_the_answers_of_both(void **state)
{
    struct two t;
    struct compare c;
    struct report r;
    const struct compare_lists l = {1, 1, 1};
    struct strbuf b = STRBUF_INIT;
    (void)state;
    fill();
    struct made_task ta = {"arc_easy", 1, base, N, NAN, NAN};
    struct made_task tb = {"arc_easy", 1, cand, N, NAN, NAN};
    t = store_two(&ta, &tb, 1);
    assert_int_equal(compare_make(&c, t.s, t.a.v, t.b.v, 0.95, NULL), 0);
    report_init(&r, "x");
    assert_int_equal(compare_report(&r, &c, t.s, &l, NULL), 0);
    assert_int_equal(report_ok(&r, NULL), 0);
    assert_non_null(block_with(&r, "arc_easy, document 1")); /* the first lost */
    assert_null(block_with(&r, "arc_easy, document 3"));     /* one was asked for */
    assert_non_null(block_with(&r, "arc_easy, document 0")); /* the won one */
    assert_non_null(block_with(&r, "2 lost items, the first 1 of them here"));
    report_release(&r);
    struct json_out o = JSON_OUT(&b);
    json_begin_object(&o, NULL);
    compare_json(&o, &c);
    json_end_object(&o);
    assert_non_null(strstr(strbuf_str(&b), "\"lost\":[{"));
    strbuf_release(&b);
    compare_release(&c);
    close_two(&t);
}

static void an_answer_that_one_run_lacks_is_told(void **state)
{
    struct two t;
    struct compare c;
    struct report r;
    const struct compare_lists l = {0};
    (void)state;
    fill();
    cand[3].nats = NAN;
    struct made_task ta = {"arc_easy", 1, base, N, NAN, NAN};
    struct made_task tb = {"arc_easy", 1, cand, N, NAN, NAN};
    t = store_two(&ta, &tb, 1);
    assert_int_equal(compare_make(&c, t.s, t.a.v, t.b.v, 0.95, NULL), 0);
    assert_int_equal(c.rows[0].nats.n, N - 1);
    report_init(&r, "x");
    assert_int_equal(compare_report(&r, &c, t.s, &l, NULL), 0);
    assert_non_null(block_with(&r, "0 items have a credit and 1 a likelihood in one run only"));
    report_release(&r);
    compare_release(&c);
    close_two(&t);
}

static void what_cannot_be_compared_is_named(void **state)
{
    struct two t;
    struct compare c;
    struct err e = ERR_NONE;
    (void)state;
    fill();
    struct made_task ta = {"arc_easy", 1, base, N, NAN, NAN};
    struct made_task tb = {"arc_easy", 1, cand, N - 1, NAN, NAN};
    t = store_two(&ta, &tb, 1);
    assert_int_equal(compare_make(&c, t.s, t.a.v, t.b.v, 0.95, &e), -1);
    assert_int_equal(e.code, ERR_INVALID);
    assert_non_null(strstr(e.text, "1 item"));
    close_two(&t);
    assert_int_equal(mem_live(), 0);
}

static void bench_of(struct store *s, const char *settings, double factor, char id[RUN_ID_SIZE])
{
    static const char *const tests[] = {"pp512", "tg128"};
    struct store_run_spec spec = spec_of(settings);
    struct store_run *r = NULL;

    spec.kind = "bench";
    spec.tasks = NULL;
    spec.n_tasks = 0;
    assert_int_equal(store_run_begin(s, &spec, &r, NULL), 0);
    for (int k = 0; k < 2; k++) {
        double x[10];
        for (int i = 0; i < 10; i++)
            x[i] = factor * (1 + 0.01 * (i * 7 % 10));
        struct store_value v = {"tok_s", NULL, 100 / factor, NAN, NAN, NAN};
        struct store_bench b = {.test = tests[k], .batch = 1, .threads = 2, .device = "cpu",
                                .samples = x, .n_samples = 10, .tokens = 512, .values = &v,
                                .n_values = 1};
        assert_int_equal(store_bench_add(r, &b, NULL), 0);
    }
    assert_int_equal(store_run_finish(r, STORE_COMPLETE, NULL, NULL, NULL), 0);
    strcpy(id, store_run_id(r));
    store_run_close(r);
}

static void benches_are_compared_test_by_test(void **state)
{
    struct store *s = NULL;
    struct run_list a, b;
    struct compare c;
    char x[RUN_ID_SIZE], y[RUN_ID_SIZE];
    (void)state;
    assert_int_equal(store_open(&s, ":memory:", NULL, NULL), 0);
    bench_of(s, "{\"x\":1}", 1, x);
    bench_of(s, "{\"x\":2}", 1.25, y);
    assert_int_equal(query_run(s, x, &a, NULL), 0);
    assert_int_equal(query_run(s, y, &b, NULL), 0);
    assert_int_equal(compare_make(&c, s, a.v, b.v, 0.95, NULL), 0);
    assert_int_equal(c.n_bench, 2);
    assert_close(c.bench[0].speed.ratio, 0.8, 1e-9);
    assert_true(c.bench[0].speed.low < 0.8 && c.bench[0].speed.high > 0.8);
    compare_release(&c);
    run_list_release(&a);
    run_list_release(&b);
    store_close(s);
    assert_int_equal(mem_live(), 0);
}

static int everything(struct two *t, struct err *e)
{
    struct compare c = {0};
    struct report r;
    const struct compare_lists l = {5, 5, 1};
    int rc;

    report_init(&r, "x");
    rc = compare_make(&c, t->s, t->a.v, t->b.v, 0.95, e);
    if (rc == 0)
        rc = compare_report(&r, &c, t->s, &l, e);
    if (rc == 0)
        rc = report_ok(&r, e);
    report_release(&r);
    compare_release(&c);
    return rc;
}

static void a_run_that_has_not_ended_is_not_compared(void **state)
{
    struct made_task ta = {"arc_easy", 1, base, N, NAN, NAN}, none = {"arc_easy", 1, base, 0, 1, 1};
    struct made_run rb = {.model = "b", .tasks = &ta, .n_tasks = 1, .unfinished = 1};
    struct two t;
    struct compare c;
    char id[RUN_ID_SIZE];
    (void)state;
    fill();
    t = store_two(&ta, &ta, 1);
    for (int empty = 0; empty < 2; empty++) {
        struct run_list b;
        struct err e = ERR_NONE;
        rb.tasks = empty ? &none : &ta;
        make_run(t.s, &rb, id);
        assert_int_equal(query_run(t.s, id, &b, NULL), 0);
        assert_int_equal(compare_make(&c, t.s, t.a.v, b.v, 0.95, &e), -1);
        assert_int_equal(e.code, ERR_INVALID);
        assert_non_null(strstr(e.text, empty ? "after 0 of" : "is interrupted after"));
        assert_non_null(strstr(e.text, "'densimeter eval' goes on with it"));
        run_list_release(&b);
    }
    close_two(&t);
}

static void every_failed_allocation_is_an_error(void **state)
{
    struct two t;
    int rc = -1;
    long live;
    (void)state;
    fill();
    struct made_task ta = {"arc_easy", 1, base, N, NAN, NAN};
    struct made_task tb = {"arc_easy", 1, cand, N, NAN, NAN};
    t = store_two(&ta, &tb, 1);
    live = (long)mem_live();
    for (int nth = 0; rc < 0; nth++) {
        struct err e = ERR_NONE;
        mem_fail_at(nth);
        rc = everything(&t, &e);
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        assert_int_equal(mem_live(), live);
    }
    close_two(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_of_tasks_and_of_all_together),
        cmocka_unit_test(a_lost_item_is_shown_with_the_answers_of_both),
        cmocka_unit_test(an_answer_that_one_run_lacks_is_told),
        cmocka_unit_test(what_cannot_be_compared_is_named),
        cmocka_unit_test(benches_are_compared_test_by_test),
        cmocka_unit_test(a_run_that_has_not_ended_is_not_compared),
        cmocka_unit_test(every_failed_allocation_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
