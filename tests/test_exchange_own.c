/* A run and what probes found of its model go from one results file of ours to another. */
#include "tests/test.h"

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "results/exchange.h"
#include "results/probes.h"
#include "results/query.h"
#include "tests/store_fixture.h"

static struct store *own_store(const char *name, char id[RUN_ID_SIZE])
{
    struct store *s = NULL;

    assert_int_equal(store_open(&s, in_dir(name), NULL, NULL), 0);
    fill_run_of(s, "{}", id);
    return s;
}

static void take(struct store *s, const char *path, struct import_result *r)
{
    struct err e = ERR_NONE;

    if (import_file(s, path, r, &e) < 0)
        fail_msg("%s", e.text);
}

/* --- our own files ------------------------------------------------------------------------- */

static void put_a_probe(struct store *s, const char *sha256, double value)
{
    const struct store_model m = {.name = "m", .sha256 = sha256};
    const struct store_probe_value v[] = {{"moved by 1", value, 0.1}, {"range", NAN, NAN}};
    const struct store_probe p = {.probe = "order", .task = "t", .metric = "acc", .settings = "{}",
                                  .numerics_id = "exact/1", .version = 1, .n_items = 9, .values = v,
                                  .n_values = 2};
    assert_int_equal(probe_put(s, &m, &p, NULL), 0);
}

static void a_run_and_the_probes_of_its_model_travel_in_a_results_file(void **state)
{
    struct import_result r;
    struct err e = ERR_NONE;
    struct store *s, *t;
    struct run_list runs;
    struct store_probe_list probes, again;
    char id[RUN_ID_SIZE];
    cJSON *j;
    (void)state;
    s = own_store("own.db", id);
    assert_int_equal(query_runs(s, NULL, &runs, &e), 0);
    assert_non_null(runs.v[0].model.sha256);
    put_a_probe(s, runs.v[0].model.sha256, 0.25);
    put_a_probe(s, "another model's", 0.5);
    assert_int_equal(query_probes(s, runs.v[0].model.sha256, &probes, &e), 0);
    assert_int_equal(export_run(s, id, "sqlite", in_dir("travels.db"), &e), 0);
    assert_int_equal(export_run(s, id, "json", in_dir("travels.json"), &e), 0);
    j = json_read(in_dir("travels.json"), 1 << 20, &e);
    assert_int_equal(cJSON_GetArraySize(json_get(j, "probes")), 1);
    json_free(j);

    assert_int_equal(store_open(&t, in_dir("home.db"), NULL, &e), 0);
    take(t, in_dir("travels.db"), &r);
    assert_string_equal(r.format, "densimeter");
    assert_string_equal(r.run_id, id);
    assert_int_equal(r.runs, 1);
    assert_true(r.items > 0);
    assert_int_equal(query_probes(t, NULL, &again, &e), 0);
    assert_int_equal(again.n, 1);
    assert_string_equal(again.v[0].created, probes.v[0].created);
    assert_close(again.v[0].values[0].value, 0.25, 0);
    assert_true(isnan(again.v[0].values[1].value));
    store_probe_list_release(&again);
    check_is_clean(t);

    take(t, in_dir("travels.db"), &r); /* the same bytes, then the same content */
    assert_int_equal(r.duplicate, 1);
    put_a_probe(s, runs.v[0].model.sha256, 0.75);
    assert_int_equal(export_run(s, id, "sqlite", in_dir("later.db"), &e), 0);
    take(t, in_dir("later.db"), &r);
    assert_int_equal(r.duplicate, 1);
    assert_int_equal(query_probes(t, NULL, &again, &e), 0);
    assert_int_equal(again.n, 1);
    assert_close(again.v[0].values[0].value, 0.75, 0);
    store_probe_list_release(&again);
    store_probe_list_release(&probes);
    run_list_release(&runs);
    store_close(s);
    store_close(t);
    assert_int_equal(mem_live(), 0);
}

static void a_results_file_of_an_older_format_is_taken_in_and_stays_as_it_is(void **state)
{
    struct import_result r;
    struct err e = ERR_NONE;
    struct strbuf sql = STRBUF_INIT, before = STRBUF_INIT, after = STRBUF_INIT;
    struct run_list runs;
    struct store *s;
    (void)state;
    assert_int_equal(file_read(&sql, "tests/golden/store_v5.sql", 1 << 20, &e), 0);
    exec_sql(in_dir("older.db"), sql.s);
    assert_int_equal(file_read(&before, in_dir("older.db"), 1 << 24, &e), 0);
    assert_int_equal(store_open(&s, in_dir("newer.db"), NULL, &e), 0);
    take(s, in_dir("older.db"), &r);
    assert_int_equal(r.runs, 4);
    assert_int_equal(query_run(s, "0123abcd", &runs, &e), 0);
    assert_int_equal(runs.v[0].n_items, 4);
    run_list_release(&runs);
    check_is_clean(s);
    store_close(s);
    assert_int_equal(file_read(&after, in_dir("older.db"), 1 << 24, &e), 0);
    assert_int_equal(after.len, before.len);
    assert_memory_equal(after.s, before.s, before.len);
    strbuf_release(&sql);
    strbuf_release(&before);
    strbuf_release(&after);
    assert_int_equal(mem_live(), 0);
}

static void what_is_no_whole_results_file_adds_nothing(void **state)
{
    struct import_result r;
    struct err e = ERR_NONE;
    struct strbuf b = STRBUF_INIT;
    struct run_list runs;
    struct store *s;
    char id[RUN_ID_SIZE];
    (void)state;
    store_close(own_store("hurt.db", id));
    assert_int_equal(file_read(&b, in_dir("hurt.db"), 1 << 24, &e), 0);
    assert_int_equal(store_open(&s, in_dir("safe.db"), NULL, &e), 0);
    for (size_t cut = 100; cut < b.len; cut += b.len / 7) {
        assert_int_equal(file_write(in_dir("cut.db"), b.s, cut, &e), 0);
        assert_int_equal(import_file(s, in_dir("cut.db"), &r, &e), -1);
        e = ERR_NONE;
    }
    assert_int_equal(file_write(in_dir("cut.db"), "SQLite format 3", 16, &e), 0);
    assert_int_equal(import_file(s, in_dir("cut.db"), &r, &e), -1);
    assert_int_equal(query_runs(s, NULL, &runs, NULL), 0);
    assert_int_equal(runs.n, 0);
    run_list_release(&runs);
    strbuf_release(&b);
    store_close(s);
    assert_int_equal(mem_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_and_the_probes_of_its_model_travel_in_a_results_file),
        cmocka_unit_test(a_results_file_of_an_older_format_is_taken_in_and_stays_as_it_is),
        cmocka_unit_test(what_is_no_whole_results_file_adds_nothing),
    };

    return cmocka_run_group_tests_name(__FILE__, tests, fixture_folder, fixture_folder_gone);
}
