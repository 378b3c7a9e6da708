/* What was measured of speed and energy comes back as it was put, and what is unknown stays so. */
#include "tests/test.h"

#include "base/mem.h"
#include "results/query.h"
#include "tests/store_fixture.h"

/* --- speed ----------------------------------------------------------------------------------- */

static void each_field_of_a_speed_test_comes_back(void **state)
{
    static const double seconds[] = {.5, .25};
    static const struct store_value values[] = {{"tok_s", NULL, 1, 2, 3, 4},
                                                {"interrupted", NULL, 1, NAN, NAN, NAN}};
    static const struct store_served served[] = {
        {"completed", NULL, .5, 1.5, 2.5, 3.5, 4.5, 6, 7, 8, "[1]", "sha"},
        {"refused", "full", 1, NAN, NAN, NAN, 2, 1, 2, 0, "[]", NULL}};
    struct store_run_spec spec = spec_of("{}");
    struct store_bench b = {.test = "tg1", .depth = 2, .batch = 3, .threads = 4, .device = "d",
                            .samples = seconds, .n_samples = 2, .tokens = 5, .values = values,
                            .n_values = 1, .noise = "{\"n\":1}", .served = served, .n_served = 2};
    struct store *s = store_in_memory();
    struct store_run *r;
    struct bench_list l;
    struct served_list q;

    (void)state;
    spec.kind = "bench";
    spec.n_tasks = 0;
    r = begun(s, &spec);
    assert_int_equal(store_bench_add(r, &b, NULL), 0);
    b.test = NULL; /* no row is without */
    assert_int_equal(store_bench_add(r, &b, NULL), -1);
    b.test = "tg1";
    for (int i = 0; i < 5; i++) { /* any of these makes another row */
        struct store_bench x = b;
        x.served = NULL, x.n_served = 0;
        *(i == 0 ? &x.depth : i == 1 ? &x.batch : i == 2 ? &x.threads : &x.n_values) += 1;
        if (i == 3)
            x.test = "tg2", x.device = NULL, x.noise = NULL, x.tokens = -1, x.n_samples = 0;
        if (i == 4)
            x.rival = "other";
        assert_int_equal(store_bench_add(r, &x, NULL), 0);
        assert_int_equal(store_bench_add(r, &x, NULL), 1);
    }
    assert_int_equal(query_bench(s, store_run_id(r), &l, NULL), 0);
    assert_int_equal(l.n, 6);
    field_text_is(l.v[0].test, "tg1");
    field_text_is(l.v[0].device, "d");
    field_text_is(l.v[0].rival, NULL);
    field_text_is(l.v[0].noise, "{\"n\":1}");
    assert_true(l.v[0].depth == 2 && l.v[0].batch == 3 && l.v[0].threads == 4);
    assert_true(l.v[0].tokens == 5 && l.v[0].n_samples == 2 && l.v[0].samples[1] == .25);
    assert_int_equal(l.v[0].n_values, 1);
    field_text_is(l.v[0].values[0].filter, "none");
    assert_true(l.v[0].values[0].value == 1 && l.v[0].values[0].stderr_ == 2);
    assert_true(l.v[0].values[0].low == 3 && l.v[0].values[0].high == 4);
    field_text_is(l.v[4].device, "");
    field_text_is(l.v[4].noise, NULL);
    assert_true(l.v[4].tokens == -1 && l.v[4].n_samples == 0 && !l.v[4].samples);
    field_text_is(l.v[5].rival, "other");
    assert_true(bench_value(&l.v[4], "interrupted") == &l.v[4].values[1]);
    bench_list_keep_whole(&l); /* without the two that were interrupted */
    assert_int_equal(l.n, 4);
    assert_true(l.v[0].depth == 2 && l.v[1].depth == 3 && l.v[2].batch == 4 && l.v[3].threads == 5);
    bench_list_release(&l);

    assert_int_equal(query_served(s, store_run_id(r), "tg1", &q, NULL), 0);
    assert_int_equal(q.n, 2);
    for (int i = 0; i < 2; i++) {
        const struct store_served *x = &q.v[i], *w = &served[i];
        field_text_is(x->state, w->state);
        field_text_is(x->reason, w->reason);
        field_text_is(x->token_s, w->token_s);
        field_text_is(x->output_sha256, w->output_sha256);
        field_number_is(x->arrival_s, w->arrival_s);
        field_number_is(x->start_s, w->start_s);
        field_number_is(x->first_s, w->first_s);
        field_number_is(x->last_s, w->last_s);
        field_number_is(x->end_s, w->end_s);
        assert_true(x->prompt == w->prompt && x->wanted == w->wanted);
        assert_int_equal(x->generated, w->generated);
    }
    served_list_release(&q);
    assert_int_equal(query_served(s, store_run_id(r), "tg2", &q, NULL), 0);
    assert_int_equal(q.n, 0);
    served_list_release(&q);
    store_run_close(r);
    close_clean(s);
}

/* --- energy ---------------------------------------------------------------------------------- */

static void energy_is(const struct store_energy *x, const struct store_energy *w)
{
    field_text_is(x->subject, w->subject);
    field_text_is(x->source, w->source);
    field_text_is(x->channel, w->channel);
    field_text_is(x->reason, w->reason);
    assert_true(x->idx == w->idx && x->is_declared == w->is_declared);
    assert_true(x->is_headline == w->is_headline && x->samples == w->samples);
    field_number_is(x->seconds, w->seconds);
    field_number_is(x->joules, w->joules);
    field_number_is(x->gap_s, w->gap_s);
}

static void meters_are_kept_and_settled(void **state)
{
    static const struct store_cost cost = {"energy_j", 1};
    static const struct store_energy rows[] = {
        {"arc_easy", 0, "rapl", "package", 0, 1, 2.5, 3.5, 4, .5, NULL},
        {"arc_easy", 1, "user", "all", 1, 0, 1.5, NAN, 0, NAN, "no meter"},
        {"arc_easy", 2, "csv", "wall", 0, 1, 2.5, 9.5, 7, .25, NULL},
    };
    struct store_energy first = rows[0];
    struct store_run_spec spec = spec_of("{}");
    struct store *s = store_in_memory();
    struct store_run *r = begun(s, &spec);
    struct energy_list l;
    struct task_list t;

    (void)state;
    first.joules = 8; /* replaced by the next with its subject and place */
    assert_int_equal(store_energy_add(r, &first, NULL), 0);
    assert_int_equal(store_energy_add(r, &rows[0], NULL), 0);
    assert_int_equal(store_energy_add(r, &rows[1], NULL), 0);
    assert_int_equal(store_task_finish(r, &(struct store_task_result){"arc_easy", 0, NULL, 0, &cost,
                                                                      1}, NULL), 0);
    assert_int_equal(query_energy(s, store_run_id(r), &l, NULL), 0);
    assert_int_equal(l.n, 2);
    energy_is(&l.v[0], &rows[0]);
    energy_is(&l.v[1], &rows[1]);
    energy_list_release(&l);
    assert_int_equal(store_energy_settle(r, &rows[2], &(struct store_cost){"energy_j", 9.5}, 1,
                                         NULL), 0);
    assert_int_equal(query_energy(s, store_run_id(r), &l, NULL), 0);
    assert_int_equal(l.n, 3);
    first = rows[0];
    first.is_headline = 0; /* the later meter is it now */
    energy_is(&l.v[0], &first);
    energy_is(&l.v[2], &rows[2]);
    energy_list_release(&l);
    assert_int_equal(query_tasks(s, store_run_id(r), &t, NULL), 0);
    field_number_is(task_row_cost(&t.v[0], "energy_j"), 9.5);
    task_list_release(&t);
    store_run_close(r);
    close_clean(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_field_of_a_speed_test_comes_back),
        cmocka_unit_test(meters_are_kept_and_settled),
    };

    return RUN(tests);
}
