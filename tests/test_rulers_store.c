#include "tests/test.h"

#include "base/mem.h"
#include "results/query.h"
#include "results/rulers.h"
#include "tests/store_fixture.h"

static const double constants[] = {0.5, -10.25};

/* A ruler whose first node is the run. */
static struct store_ruler sample(struct store_ruler_node *nodes, const char *run)
{
    nodes[0] = (struct store_ruler_node){"small", run, 0, 1e6, 5e5, NAN, 0.3, NAN};
    nodes[1] = (struct store_ruler_node){"large", NULL, 0, 2e6, NAN, 3e11, 0.4, 0.01};
    return (struct store_ruler){"mine-arc_easy", "mine", "small to large", "logit", "arc_easy", "acc",
                                "f00d", NULL, "0.1", 5, 0.25, 3e11, 0.99, 0.01, 0.2, 1, constants, 2,
                                nodes, 2};
}

static void a_ruler_comes_back_as_it_was_put(void **state)
{
    struct store *s = NULL;
    struct err e = ERR_NONE;
    struct store_ruler_node nodes[2];
    struct store_ruler r;
    struct store_ruler_list l;
    char id[RUN_ID_SIZE];
    (void)state;
    assert_int_equal(store_open(&s, in_dir("rulers.db"), NULL, &e), 0);
    fill_run_of(s, "{}", id);
    r = sample(nodes, id);
    assert_int_equal(ruler_put(s, &r, &e), 0);
    r.chance = 0.2; /* again: it takes the place */
    assert_int_equal(ruler_put(s, &r, &e), 0);
    assert_int_equal(query_rulers(s, NULL, &l, &e), 0);
    assert_int_equal(l.n, 1);
    assert_string_equal(l.v[0].name, "mine-arc_easy");
    assert_string_equal(l.v[0].set, "mine");
    assert_string_equal(l.v[0].metric, "acc");
    assert_string_equal(l.v[0].prompt_hash, "f00d");
    assert_int_equal(l.v[0].shots, 5);
    assert_true(l.v[0].chance == 0.2 && l.v[0].d0_tokens == 3e11 && l.v[0].loo_ln == 0.2);
    assert_int_equal(l.v[0].n_constants, 2);
    assert_true(l.v[0].constants[0] == 0.5 && l.v[0].constants[1] == -10.25);
    assert_int_equal(l.v[0].n_nodes, 2);
    assert_string_equal(l.v[0].nodes[0].run, id);
    assert_false(l.v[0].nodes[0].changed);
    assert_true(isnan(l.v[0].nodes[0].noise) && isnan(l.v[0].nodes[1].parameters_non_embedding));
    assert_null(l.v[0].nodes[1].run);
    assert_true(l.v[0].nodes[1].noise == 0.01);
    store_ruler_list_release(&l);
    assert_int_equal(query_rulers(s, "other", &l, &e), 0);
    assert_int_equal(l.n, 0);
    store_ruler_list_release(&l);
    assert_int_equal(ruler_delete(s, "mine-arc_easy", &e), 1);
    assert_int_equal(ruler_delete(s, "mine-arc_easy", &e), 0);
    check_is_clean(s);
    store_close(s);
    assert_int_equal(mem_live(), 0);
}

static void a_node_outlives_its_run(void **state)
{
    struct store *s = NULL;
    struct err e = ERR_NONE;
    struct store_ruler_node nodes[2];
    struct store_ruler r;
    struct store_ruler_list l;
    char id[RUN_ID_SIZE];
    (void)state;
    assert_int_equal(store_open(&s, in_dir("outlives.db"), NULL, &e), 0);
    fill_run_of(s, "{}", id);
    r = sample(nodes, id);
    assert_int_equal(ruler_put(s, &r, &e), 0);
    store_close(s);
    exec_sql(in_dir("outlives.db"), "PRAGMA foreign_keys = ON; DELETE FROM runs");
    assert_int_equal(store_open(&s, in_dir("outlives.db"), NULL, &e), 0);
    assert_int_equal(query_rulers(s, NULL, &l, &e), 0);
    assert_int_equal(l.v[0].n_nodes, 2);
    assert_null(l.v[0].nodes[0].run);
    assert_true(l.v[0].nodes[0].score == 0.3);
    store_ruler_list_release(&l);
    store_close(s);
}

static void a_run_that_changed_is_told(void **state)
{
    struct store *s = NULL;
    struct err e = ERR_NONE;
    struct store_ruler_node nodes[2];
    struct store_ruler r;
    struct store_ruler_list l;
    char id[RUN_ID_SIZE];
    (void)state;
    assert_int_equal(store_open(&s, in_dir("changed.db"), NULL, &e), 0);
    fill_run_of(s, "{}", id);
    r = sample(nodes, id);
    assert_int_equal(ruler_put(s, &r, &e), 0);
    store_close(s);
    exec_sql(in_dir("changed.db"), "UPDATE runs SET content_sha256 = 'other'");
    assert_int_equal(store_open(&s, in_dir("changed.db"), NULL, &e), 0);
    assert_int_equal(query_rulers(s, NULL, &l, &e), 0);
    assert_true(l.v[0].nodes[0].changed);
    assert_false(l.v[0].nodes[1].changed);
    store_ruler_list_release(&l);
    store_close(s);
}

static void rulers_survive_every_failed_allocation(void **state)
{
    struct store *s = NULL;
    struct err e = ERR_NONE;
    struct store_ruler_node nodes[2];
    struct store_ruler r = sample(nodes, NULL);
    int rc = -1;
    (void)state;
    assert_int_equal(store_open(&s, ":memory:", NULL, &e), 0);
    assert_int_equal(ruler_put(s, &r, &e), 0);
    for (int nth = 0; rc < 0; nth++) {
        struct store_ruler_list l;
        long before = mem_live();
        e = ERR_NONE;
        mem_fail_at(nth);
        rc = query_rulers(s, NULL, &l, &e);
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        if (rc == 0)
            store_ruler_list_release(&l);
        assert_int_equal(mem_live(), before);
    }
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ruler_comes_back_as_it_was_put),
        cmocka_unit_test(a_node_outlives_its_run),
        cmocka_unit_test(a_run_that_changed_is_told),
        cmocka_unit_test(rulers_survive_every_failed_allocation),
    };
    return cmocka_run_group_tests_name(__FILE__, tests, fixture_folder, fixture_folder_gone);
}
