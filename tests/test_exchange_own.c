/* A run and what probes found of its model go from one results file of ours to another. */
#include "tests/test.h"

#include <unistd.h>

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

/* The parameters of run `id`'s model. */
static int64_t parameters_of(struct store *s, const char *id)
{
    struct run_list runs;
    int64_t n;

    assert_int_equal(query_run(s, id, &runs, NULL), 0);
    n = runs.v[0].model.parameters;
    run_list_release(&runs);
    return n;
}

/* doc with from, once, become to. */
static struct strbuf changed(const char *doc, const char *from, const char *to)
{
    const char *at = strstr(doc, from);
    struct strbuf b = STRBUF_INIT;

    if (!at)
        fail_msg("no %s in %.1500s", from, doc);
    strbuf_add(&b, doc, (size_t)(at - doc));
    strbuf_adds(&b, to);
    strbuf_adds(&b, at + strlen(from));
    return b;
}

static void what_no_hash_covers_changes_nothing_that_is_here(void **state)
{
    static const char *const changes[][2] = {
        {"\"parameters\":{\"total\":1000", "\"parameters\":{\"total\":1000000"},
        {"\"items\":[", "\"probes\":[{\"probe\":\"p\",\"task\":\"t\",\"settings\":{},"
         "\"numerics_id\":\"x\",\"created\":\"c\",\"values\":[]}],\"items\":["},
    };
    struct strbuf doc = STRBUF_INIT;
    struct import_result r;
    struct err e = ERR_NONE;
    struct store_probe_list probes;
    struct store *s;
    char id[RUN_ID_SIZE];
    (void)state;
    s = own_store("kept.db", id);
    assert_int_equal(export_run(s, id, "json", in_dir("kept.json"), &e), 0);
    assert_int_equal(file_read(&doc, in_dir("kept.json"), 1 << 24, &e), 0);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct strbuf b = changed(doc.s, changes[i][0], changes[i][1]);
        assert_int_equal(import_bytes(s, "kept", b.s, b.len, &r, &e), 0);
        assert_int_equal(r.duplicate, 1);
        assert_int_equal(parameters_of(s, id), 1000);
        assert_int_equal(query_probes(s, NULL, &probes, &e), 0);
        assert_int_equal(probes.n, 0);
        store_probe_list_release(&probes);
        strbuf_release(&b);
    }
    put_a_probe(s, "abcd", 0.25); /* what a results file brings of a model is its probes */
    assert_int_equal(export_run(s, id, "sqlite", in_dir("kept copy.db"), &e), 0);
    exec_sql(in_dir("kept copy.db"), "UPDATE models SET parameters = 1000000");
    take(s, in_dir("kept copy.db"), &r);
    assert_int_equal(r.duplicate, 1);
    assert_int_not_equal(parameters_of(s, id), 1000000);
    check_is_clean(s);
    strbuf_release(&doc);
    store_close(s);
    assert_int_equal(mem_live(), 0);
}

/* --- a run as JSON ------------------------------------------------------------------------ */

static void a_run_as_json_comes_back_to_the_byte(void **state)
{
    struct strbuf out = STRBUF_INIT, again = STRBUF_INIT;
    struct import_result r;
    struct err e = ERR_NONE;
    struct run_list runs;
    struct store *s, *t;
    char id[RUN_ID_SIZE];
    (void)state;
    s = own_store("json.db", id);
    assert_int_equal(query_runs(s, NULL, &runs, &e), 0);
    put_a_probe(s, runs.v[0].model.sha256, 0.25);
    assert_int_equal(store_label(s, id, "mine", NULL, &e), 0);
    assert_int_equal(export_run(s, id, "json", in_dir("there.json"), &e), 0);
    assert_int_equal(store_open(&t, in_dir("json home.db"), NULL, &e), 0);
    take(t, in_dir("there.json"), &r);
    assert_string_equal(r.format, "densimeter-json");
    assert_string_equal(r.run_id, id);
    assert_true(r.items > 0);
    check_is_clean(t);
    assert_int_equal(export_run(t, id, "json", in_dir("back.json"), &e), 0);
    assert_int_equal(file_read(&out, in_dir("there.json"), 1 << 24, &e), 0);
    assert_int_equal(file_read(&again, in_dir("back.json"), 1 << 24, &e), 0);
    assert_string_equal(again.s, out.s);
    strbuf_adds(&out, " \n"); /* other bytes, the same content */
    assert_int_equal(import_bytes(t, "again", out.s, out.len, &r, &e), 0);
    assert_int_equal(r.duplicate, 1);
    assert_string_equal(r.run_id, id);
    run_list_release(&runs);
    assert_int_equal(query_runs(t, NULL, &runs, NULL), 0);
    assert_int_equal(runs.n, 1);
    run_list_release(&runs);
    strbuf_release(&out);
    strbuf_release(&again);
    store_close(s);
    store_close(t);
    assert_int_equal(mem_live(), 0);
}

static void refused(struct store *t, const char *doc, const char *from, const char *to,
                    const char *why)
{
    struct strbuf b = changed(doc, from, to);
    struct import_result r;
    struct err e = ERR_NONE;
    struct run_list runs;

    if (import_bytes(t, "hurt", b.s, b.len, &r, &e) == 0)
        fail_msg("%s is taken", to);
    if (e.code != ERR_FORMAT || !strstr(e.text, why) || strchr(e.text, '\n'))
        fail_msg("%s: %s", to, e.text);
    assert_int_equal(query_runs(t, NULL, &runs, NULL), 0);
    assert_int_equal(runs.n, 0);
    run_list_release(&runs);
    strbuf_release(&b);
}

static void what_was_changed_in_it_is_refused_with_its_place(void **state)
{
    struct strbuf b = STRBUF_INIT;
    struct err e = ERR_NONE;
    struct import_result r;
    struct store *s, *t;
    char id[RUN_ID_SIZE];
    (void)state;
    s = own_store("changed.db", id);
    assert_int_equal(export_run(s, id, "json", in_dir("changed.json"), &e), 0);
    assert_int_equal(file_read(&b, in_dir("changed.json"), 1 << 24, &e), 0);
    assert_int_equal(store_open(&t, ":memory:", NULL, &e), 0);
    refused(t, b.s, "\"status\":\"complete\"", "\"status\":\"failed\"", "\"status\" is not complete");
    refused(t, b.s, "\"kind\":\"eval\"", "\"kind\":\"night\"", "\"kind\" is neither");
    refused(t, b.s, "\"settings\":{}", "\"settings\":{ }", "\"settings_hash\" is not that");
    refused(t, b.s, "\"id\":\"", "\"id\":\"../", "\"id\" is not the id of a run");
    refused(t, b.s, "\"items\":[{\"task\":\"", "\"items\":[{\"task\":\"no ", "hurt: items[0]: \"task\"");
    refused(t, b.s, "\"doc_id\":", "\"doc_id\":0.5,\"z\":", "\"doc_id\"");
    refused(t, b.s, "\"is_greedy\":true", "\"is_greedy\":1", "neither true nor false");
    refused(t, b.s, "\"loglikelihood\":-", "\"loglikelihood\":-1", "\"content_sha256\" is not that");
    refused(t, b.s, "\"run\":{", "\"ran\":{", "\"run\" is missing");
    refused(t, b.s, "\"items\":[", "\"items\":[nonsense,", "hurt: items[0]");
    refused(t, b.s, "\"items\":[", "\"items\":{\"a\":[", "");
    for (size_t cut = 60; cut + 4 < b.len; cut += b.len / 50) {
        e = ERR_NONE;
        assert_int_equal(import_bytes(t, "cut", b.s, cut, &r, &e), -1);
        assert_int_equal(e.code, ERR_FORMAT);
    }
    /* Without the hash of its content the rows must at least fit each other. */
    assert_non_null(strstr(b.s, "\"content_sha256\":"));
    strstr(b.s, "\"content_sha256\":")[1] = '_';
    refused(t, b.s, "\"items\":[", "\"was\":[", "hurt: run ");
    refused(t, b.s, "\"items\":[", "\"was\":[", "complete, but task");
    refused(t, b.s, "\"metrics\":[", "\"was\":[", "has no metric");
    store_close(s);
    store_close(t);
    strbuf_release(&b);
    assert_int_equal(mem_live(), 0);
}

static void a_label_that_could_not_be_given_does_not_come_along(void **state)
{
    static const char *const labels[] = {"last", "last~1", "a\nb", "0123abcd"};
    struct strbuf doc = STRBUF_INIT, sql = STRBUF_INIT;
    struct import_result r;
    struct err e = ERR_NONE;
    struct run_list runs;
    struct store *s, *t;
    char id[RUN_ID_SIZE];
    (void)state;
    s = own_store("named.db", id);
    assert_int_equal(store_label(s, id, "mine", NULL, &e), 0);
    assert_int_equal(export_run(s, id, "json", in_dir("named.json"), &e), 0);
    assert_int_equal(file_read(&doc, in_dir("named.json"), 1 << 24, &e), 0);
    for (size_t i = 0; i < 2 * sizeof labels / sizeof *labels; i++) {
        const char *label = labels[i / 2];
        t = store_in_memory();
        strbuf_clear(&sql);
        if (i % 2) {
            unlink(in_dir("named copy.db"));
            assert_int_equal(export_run(s, id, "sqlite", in_dir("named copy.db"), &e), 0);
            strbuf_addf(&sql, "UPDATE runs SET label = '%s'", label);
            exec_sql(in_dir("named copy.db"), sql.s);
            take(t, in_dir("named copy.db"), &r);
        } else {
            struct strbuf b;
            strbuf_addf(&sql, "\"label\":\"%s\"", strcmp(label, "a\nb") ? label : "a\\nb");
            b = changed(doc.s, "\"label\":\"mine\"", sql.s);
            assert_int_equal(import_bytes(t, "named", b.s, b.len, &r, &e), 0);
            strbuf_release(&b);
        }
        assert_int_equal(query_run(t, id, &runs, &e), 0);
        if (strcmp(label, "0123abcd") != 0) /* there is no such run here */
            assert_null(runs.v[0].label);
        else
            assert_string_equal(runs.v[0].label, label);
        run_list_release(&runs);
        store_close(t);
    }
    strbuf_release(&doc);
    strbuf_release(&sql);
    close_clean(s);
}

/* --- a run as other formats --------------------------------------------------------------- */

/* A test of ours with a value that is not known, and a rival's. */
static struct store *store_with_a_bench(char id[RUN_ID_SIZE])
{
    const struct store_value v[] = {{"tok_s", "none", 40, NAN, 39, 41},
                                    {"energy_j", "none", NAN, NAN, NAN, NAN}};
    const double samples[] = {0.1, 0.2};
    struct store_bench b = {.test = "pp16", .batch = 1, .threads = 2, .device = "cpu",
                            .samples = samples, .n_samples = 2, .tokens = 16, .values = v,
                            .n_values = 2};
    struct store_run_spec spec = spec_of("{}");
    struct store *s = store_in_memory();
    struct store_run *run;

    spec.kind = "bench";
    spec.n_tasks = 0;
    run = begun(s, &spec);
    strcpy(id, store_run_id(run));
    assert_int_equal(store_bench_add(run, &b, NULL), 0);
    b.rival = "llama-bench";
    b.n_values = 1;
    assert_int_equal(store_bench_add(run, &b, NULL), 0);
    assert_int_equal(store_run_finish(run, STORE_COMPLETE, NULL, NULL, NULL), 0);
    store_run_close(run);
    return s;
}

static void a_table_holds_what_was_measured_and_comes_in_again(void **state)
{
    struct task_list tasks;
    struct import_result r;
    struct err e = ERR_NONE;
    struct store *s, *t = store_in_memory();
    char id[RUN_ID_SIZE];
    (void)state;
    s = store_with_a_bench(id);
    assert_int_equal(export_run(s, id, "csv", in_dir("bench.csv"), &e), 0);
    take(t, in_dir("bench.csv"), &r);
    assert_int_equal(r.values, 2);
    assert_int_equal(query_tasks(t, r.run_id, &tasks, &e), 0);
    assert_int_equal(tasks.n, 1);
    assert_close(task_row_value(&tasks.v[0], "tok_s", "none")->high, 41, 0);
    assert_non_null(task_row_value(&tasks.v[0], "tok_s", "llama-bench"));
    task_list_release(&tasks);
    store_close(s);
    close_clean(t);
}

static void what_was_not_answered_is_no_sample(void **state)
{
    static const struct store_task task[] = {{"t", 1, 0, 3, NULL}};
    const struct store_value value = {"acc", "none", 0.5, NAN, NAN, NAN};
    const struct store_task_result result = {"t", 3, &value, 1, NULL, 0};
    const struct store_item refused_item = {
        .task = "t", .gold_index = -1, .error = "no more", .latency_s = NAN, .ttft_s = NAN};
    struct store_run_spec spec = spec_of("{}");
    struct store *s = store_in_memory(), *t = store_in_memory();
    struct store_run *run;
    struct import_result r;
    struct err e = ERR_NONE;
    struct strbuf name = STRBUF_INIT;
    char id[RUN_ID_SIZE];
    cJSON *j;
    (void)state;
    spec.tasks = task;
    spec.n_tasks = 1;
    run = begun(s, &spec);
    strcpy(id, store_run_id(run));
    assert_int_equal(store_item_add(run, &refused_item, &e), 0);
    assert_int_equal(add_item(run, "t", 1, &e), 0);
    assert_int_equal(add_item(run, "t", 2, &e), 0);
    assert_int_equal(store_task_finish(run, &result, &e), 0);
    assert_int_equal(store_run_finish(run, STORE_COMPLETE, NULL, NULL, &e), 0);
    store_run_close(run);
    assert_int_equal(export_run(s, id, "lm-eval", in_dir("unanswered"), &e), 0);
    strbuf_addf(&name, "unanswered/results_%s.json", id);
    j = json_read(in_dir(name.s), 1 << 20, &e);
    assert_close(json_num(json_get(json_get(j, "n-samples"), "t"), "effective", -1), 2, 0);
    assert_close(json_num(json_get(json_get(j, "n-samples"), "t"), "original", -1), 3, 0);
    json_free(j);
    take(t, in_dir(name.s), &r);
    assert_int_equal(r.items, 2);
    strbuf_release(&name);
    store_close(s);
    close_clean(t);
}

static void a_run_without_a_task_is_nothing_for_lm_eval(void **state)
{
    struct err e = ERR_NONE;
    struct store *s;
    char id[RUN_ID_SIZE];
    (void)state;
    s = store_with_a_bench(id);
    assert_int_equal(export_run(s, id, "lm-eval", in_dir("nothing"), &e), -1);
    assert_int_equal(e.code, ERR_INVALID);
    assert_non_null(strstr(e.text, "asked no task"));
    assert_false(file_exists(in_dir("nothing")));
    close_clean(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_and_the_probes_of_its_model_travel_in_a_results_file),
        cmocka_unit_test(a_results_file_of_an_older_format_is_taken_in_and_stays_as_it_is),
        cmocka_unit_test(what_is_no_whole_results_file_adds_nothing),
        cmocka_unit_test(what_no_hash_covers_changes_nothing_that_is_here),
        cmocka_unit_test(a_label_that_could_not_be_given_does_not_come_along),
        cmocka_unit_test(a_run_as_json_comes_back_to_the_byte),
        cmocka_unit_test(what_was_not_answered_is_no_sample),
        cmocka_unit_test(a_run_without_a_task_is_nothing_for_lm_eval),
        cmocka_unit_test(a_table_holds_what_was_measured_and_comes_in_again),
        cmocka_unit_test(what_was_changed_in_it_is_refused_with_its_place),
    };

    return cmocka_run_group_tests_name(__FILE__, tests, fixture_folder, fixture_folder_gone);
}
