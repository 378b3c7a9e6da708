/* Right answers within a deadline, by hand. */
#include "tests/test.h"

#include "base/mem.h"
#include "harness/deadline.h"
#include "tests/pair_runs.h"

static void late_and_wrong_answers_do_not_count(void **state)
{
    static const double credit[] = {1, 0, 1, 1, 1}, latency[] = {.2, .1, .2, .5, NAN};
    struct deadline_point v[5];
    size_t n;

    (void)state;
    assert_int_equal(deadline_curve(credit, latency, 5, v, &n, NULL), 0);
    assert_int_equal(n, 3); /* two items came at the same moment, one has no latency */
    assert_true(v[0].seconds == .1 && v[0].right == 0 && v[0].answered == .2);
    assert_true(v[1].right == .4 && v[1].answered == .6);
    assert_true(v[2].right == .6 && v[2].answered == .8); /* one is never in time */
    assert_true(v[1].right_interval.low < .4 && v[1].right_interval.high > .4);
    assert_true(deadline_right(v, n, .05) == 0 && deadline_right(v, n, .3) == .4);
    assert_true(deadline_right(v, n, .5) == .6 && deadline_right(v, n, 9) == .6);
    assert_int_equal(deadline_curve(credit, latency, 0, v, &n, NULL), 0);
    assert_int_equal(n, 0);
}

static const struct made_item items[] = {
    {1, 1, -1, 4, .30, NULL}, {2, 0, -1, 4, .10, NULL}, {3, 1, -1, 4, .20, NULL},
};

static void a_stored_run_has_a_curve_for_each_task(void **state)
{
    const struct made_task task = {"arc_easy", 1, items, 3, NAN, NAN};
    struct store *s = NULL;
    struct deadline_list l;
    char id[RUN_ID_SIZE];
    size_t live;
    int rc = -1;

    (void)state;
    assert_int_equal(store_open(&s, ":memory:", NULL, NULL), 0);
    make_run(s, &(struct made_run){.model = "m", .tasks = &task, .n_tasks = 1}, id);
    live = mem_live();
    for (int nth = 0; rc < 0; nth++) {
        struct err e = ERR_NONE;
        mem_fail_at(nth);
        rc = deadline_load(&l, s, id, &e);
        mem_fail_at(-1);
        if (rc < 0) {
            assert_int_equal(e.code, ERR_NOMEM);
            assert_int_equal(mem_live(), live);
        }
    }
    assert_int_equal(l.n, 1);
    assert_string_equal(l.v[0].task, "arc_easy");
    assert_int_equal(l.v[0].n, 3);
    assert_close(deadline_right(l.v[0].v, l.v[0].n, .25), 1.0 / 3, 1e-12);
    assert_close(deadline_right(l.v[0].v, l.v[0].n, 1), 2.0 / 3, 1e-12);
    deadline_release(&l);
    assert_int_equal(mem_live(), live);
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(late_and_wrong_answers_do_not_count),
        cmocka_unit_test(a_stored_run_has_a_curve_for_each_task),
    };

    return RUN(tests);
}
