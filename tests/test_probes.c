/* What probes found, kept with the model. */
#include "tests/test.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "results/probes.h"

static const struct store_model small = {.name = "small", .path = "s.gguf", .sha256 = "aa",
                                         .parameters = 10, .file_bytes = 20, .bits_per_weight = 4};
static const struct store_model large = {.name = "large", .path = "l.gguf", .sha256 = "bb",
                                         .parameters = 30, .file_bytes = 40, .bits_per_weight = 8};
static const struct store_probe_value values[] = {{"moved by 1", 0.25, 0.1}, {"range", NAN, NAN}};

static struct store_probe sample(const char *probe, const char *settings)
{
    return (struct store_probe){.probe = probe, .task = "t", .version = 2, .metric = "acc",
                                .settings = settings, .numerics_id = "exact/1", .n_items = 7,
                                .program_version = "1", .values = values, .n_values = 2};
}

static void a_probe_is_found_again_with_its_model(void **state)
{
    struct store_probe order = sample("order", "{}"), text = sample("case", "{}");
    struct store_probe_list l;
    struct store *s = NULL;
    struct err e = ERR_NONE;
    (void)state;
    text.metric = NULL;
    text.n_values = 1;
    assert_int_equal(store_open(&s, ":memory:", NULL, &e), 0);
    assert_int_equal(probe_put(s, &small, &order, &e), 0);
    assert_int_equal(probe_put(s, &large, &text, &e), 0);
    assert_int_equal(query_probes(s, "aa", &l, &e), 0);
    assert_int_equal(l.n, 1);
    assert_string_equal(l.v[0].probe, "order");
    assert_string_equal(l.v[0].metric, "acc");
    assert_string_equal(l.v[0].model, "small");
    assert_string_equal(l.v[0].model_sha256, "aa");
    assert_int_equal(l.v[0].version, 2);
    assert_int_equal(l.v[0].n_items, 7);
    assert_int_equal(l.v[0].n_values, 2);
    assert_string_equal(l.v[0].values[0].name, "moved by 1");
    assert_close(l.v[0].values[0].value, 0.25, 0);
    assert_close(l.v[0].values[0].stderr_, 0.1, 0);
    assert_true(isnan(l.v[0].values[1].value));
    store_probe_list_release(&l);
    assert_int_equal(query_probes(s, NULL, &l, &e), 0);
    assert_int_equal(l.n, 2);
    assert_null(l.v[0].metric); /* the newest first */
    store_probe_list_release(&l);
    assert_int_equal(query_probes(s, "cc", &l, &e), 0);
    assert_int_equal(l.n, 0);
    store_probe_list_release(&l);
    store_close(s);
    assert_int_equal(mem_live(), 0);
}

static void the_same_once_more_replaces_it_and_other_settings_do_not(void **state)
{
    const struct store_probe_value other = {"range", 0.5, NAN};
    struct store_probe p = sample("order", "{}"), limited = sample("order", "{\"limit\":1}");
    struct store_probe_list l;
    struct store *s = NULL;
    (void)state;
    assert_int_equal(store_open(&s, ":memory:", NULL, NULL), 0);
    assert_int_equal(probe_put(s, &small, &p, NULL), 0);
    p.values = &other;
    p.n_values = 1;
    assert_int_equal(probe_put(s, &small, &p, NULL), 0);
    assert_int_equal(probe_put(s, &small, &limited, NULL), 0);
    assert_int_equal(query_probes(s, "aa", &l, NULL), 0);
    assert_int_equal(l.n, 2);
    assert_int_equal(l.v[1].n_values, 1);
    assert_close(l.v[1].values[0].value, 0.5, 0);
    store_probe_list_release(&l);
    store_close(s);
    assert_int_equal(mem_live(), 0);
}

static void every_failed_allocation_is_survived(void **state)
{
    const struct store_probe p = sample("order", "{}");
    int rc = -1;
    (void)state;
    for (int nth = 0; rc < 0; nth++) {
        struct store_probe_list l = {0};
        struct store *s = NULL;
        struct err e = ERR_NONE;
        assert_int_equal(store_open(&s, ":memory:", NULL, NULL), 0);
        mem_fail_at(nth);
        rc = probe_put(s, &small, &p, &e);
        if (rc == 0)
            rc = query_probes(s, NULL, &l, &e);
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        store_probe_list_release(&l);
        store_close(s);
        assert_int_equal(mem_live(), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_probe_is_found_again_with_its_model),
        cmocka_unit_test(the_same_once_more_replaces_it_and_other_settings_do_not),
        cmocka_unit_test(every_failed_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
