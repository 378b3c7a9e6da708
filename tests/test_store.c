/* The store keeps what was committed, counts nothing twice, and is found again. */
#include "tests/test.h"

#include <sqlite3.h>

#include "base/file.h"
#include "base/mem.h"
#include "results/query.h"
#include "results/schema.h"
#include "results/store.h"
#include "tests/store_fixture.h"

static void what_was_stored_reads_back(void **state)
{
    struct err e = ERR_NONE;
    struct store *s = NULL;
    struct run_list runs;
    struct task_list tasks;
    struct item_iter *it = NULL;
    struct store_item item;
    char id[RUN_ID_SIZE];
    (void)state;
    assert_int_equal(store_open(&s, in_dir("a.db"), NULL, &e), 0);
    fill_run_of(s, "{\"limit\":40}", id);
    assert_int_equal(query_run(s, "last", &runs, &e), 0);
    assert_string_equal(runs.v[0].id, id);
    assert_string_equal(runs.v[0].status, "complete");
    assert_int_equal(runs.v[0].n_items, 41);
    assert_int_equal(runs.v[0].n_expected, 41);
    assert_int_equal(runs.v[0].sessions, 1);
    assert_string_equal(runs.v[0].noise_after, "{\"load\":0.2}");
    assert_int_equal(runs.v[0].model.parameters_non_embedding, 800);
    assert_null(runs.v[0].model.licence);
    assert_string_equal(runs.v[0].machine_name, "host");
    run_list_release(&runs);

    assert_int_equal(query_tasks(s, id, &tasks, &e), 0);
    assert_int_equal(tasks.n, 2);
    assert_close(task_row_value(&tasks.v[0], "acc", NULL)->high, 0.7, 0);
    assert_close(task_row_cost(&tasks.v[0], "wall_s"), 2.5, 0);
    assert_true(isnan(task_row_cost(&tasks.v[1], "wall_s")));
    assert_int_equal(tasks.v[0].n_scored, 40);
    assert_int_equal(tasks.v[1].n_scored, -1);
    assert_int_equal(tasks.v[0].prompt_tokens, 400);
    assert_int_equal(tasks.v[0].generated_tokens, -1);
    task_list_release(&tasks);

    const struct item_filter wrong = {.task = "arc_easy", .wrong = 1};
    assert_int_equal(query_items(s, id, &wrong, &it, &e), 0);
    int n = 0, rc;
    while ((rc = item_iter_next(it, &item, &e)) == 1) {
        assert_int_equal(item.doc_id, 2 * n++);
        assert_int_equal(item.n_requests, 2);
        assert_close(item.requests[1].loglikelihood, -2.5, 0);
        assert_string_equal(item.metrics[1].metric, "acc_norm");
        assert_string_equal(item.doc, "{\"q\":1}");
        assert_true(isnan(item.ttft_s));
        assert_null(item.output);
    }
    assert_int_equal(rc, 0);
    assert_int_equal(n, 20);
    item_iter_close(it);
    check_is_clean(s);
    store_close(s);
    assert_int_equal(mem_live(), 0);
}

static void nothing_is_counted_twice(void **state)
{
    struct err e = ERR_NONE;
    struct store *s = NULL;
    struct store_run *r = NULL;
    struct store_run_spec spec = spec_of("{}");
    char first[RUN_ID_SIZE];
    int *done = NULL, scored = 0;
    size_t n = 0;
    (void)state;
    assert_int_equal(store_open(&s, in_dir("twice.db"), NULL, &e), 0);
    assert_int_equal(store_run_begin(s, &spec, &r, &e), 0);
    assert_false(store_run_resumed(r));
    strcpy(first, store_run_id(r));
    assert_int_equal(add_item(r, "arc_easy", 7, &e), 0);
    assert_int_equal(add_item(r, "arc_easy", 7, &e), 1);
    assert_int_equal(add_item(r, "arc_easy", 3, &e), 0);
    assert_int_equal(add_item(r, "nonsense", 3, &e), -1);
    assert_int_equal(e.code, ERR_INVALID);
    assert_int_equal(store_run_finish(r, STORE_COMPLETE, NULL, NULL, &e), -1);
    assert_int_equal(e.code, ERR_INVALID);
    assert_non_null(strstr(e.text, "task arc_easy has 2 of 40 items"));
    assert_int_equal(store_run_finish(r, STORE_INTERRUPTED, NULL, NULL, &e), 0);
    store_run_close(r);

    assert_int_equal(store_run_begin(s, &spec, &r, &e), 0); /* the same command line */
    assert_true(store_run_resumed(r));
    assert_string_equal(store_run_id(r), first);
    assert_int_equal(store_run_scored(r, "arc_easy", &scored, &e), 0);
    assert_int_equal(scored, -1);
    assert_int_equal(store_task_finish(r, &(struct store_task_result){.task = "arc_easy", .n = 2},
                                       &e), 0);
    assert_int_equal(store_run_scored(r, "arc_easy", &scored, &e), 0);
    assert_int_equal(scored, 2);
    assert_int_equal(store_run_scored(r, "nonsense", &scored, &e), -1);
    assert_int_equal(store_run_done(r, "arc_easy", &done, &n, &e), 0);
    assert_int_equal(n, 2);
    assert_int_equal(done[0], 3);
    assert_int_equal(done[1], 7);
    mem_free(done);
    assert_int_equal(add_item(r, "arc_easy", 3, &e), 1);
    store_run_close(r);

    spec.settings = "{\"other\":1}"; /* another setting is another run */
    assert_int_equal(store_run_begin(s, &spec, &r, &e), 0);
    assert_false(store_run_resumed(r));
    store_run_close(r);
    check_is_clean(s);
    store_close(s);
    assert_int_equal(mem_live(), 0);
}

static void an_error_in_a_batch_takes_the_batch_back(void **state)
{
    struct err e = ERR_NONE;
    struct store *s = NULL;
    struct store_run *r = NULL;
    struct store_run_spec spec = spec_of("{}");
    const struct store_metric twice[] = {{"acc", "none", 1, 1}, {"acc", "none", 0, 1}};
    const struct store_item bad = {.task = "arc_easy", .doc_id = 1, .metrics = twice,
                                   .n_metrics = 2};
    int *done = NULL;
    size_t n = 9;
    (void)state;
    assert_int_equal(store_open(&s, ":memory:", NULL, &e), 0);
    assert_int_equal(store_run_begin(s, &spec, &r, &e), 0);
    assert_int_equal(store_batch_begin(r, &e), 0);
    assert_int_equal(add_item(r, "arc_easy", 0, &e), 0);
    assert_int_equal(store_item_add(r, &bad, &e), -1);
    assert_int_equal(e.code, ERR_INVALID);
    assert_int_equal(add_item(r, "arc_easy", 2, &e), -1);
    assert_int_equal(store_batch_commit(r, &e), -1);
    assert_non_null(strstr(e.text, ":memory:: the batch was rolled back after an error in it"));
    assert_int_equal(store_batch_begin(r, &e), 0);
    assert_int_equal(store_item_add(r, &bad, &e), -1);
    assert_int_equal(store_run_finish(r, STORE_INTERRUPTED, NULL, NULL, &e), -1);
    assert_string_equal(e.text, ":memory:: the batch was rolled back after an error in it");
    assert_int_equal(store_run_done(r, "arc_easy", &done, &n, &e), 0);
    assert_int_equal(n, 0);
    assert_int_equal(add_item(r, "arc_easy", 2, &e), 0); /* and afterwards all is well */
    assert_int_equal(store_batch_begin(r, &e), 0);
    assert_int_equal(store_batch_begin(r, &e), -1); /* not one within another */
    assert_int_equal(add_item(r, "arc_easy", 3, &e), 0);
    assert_int_equal(store_run_finish(r, STORE_INTERRUPTED, NULL, NULL, &e), 0); /* with it */
    assert_int_equal(store_batch_begin(r, &e), 0);
    assert_int_equal(add_item(r, "arc_easy", 4, &e), 0);
    store_run_close(r); /* without it */
    assert_int_equal(store_run_begin(s, &spec, &r, &e), 0);
    assert_int_equal(store_run_done(r, "arc_easy", &done, &n, &e), 0);
    assert_int_equal(n, 2);
    assert_true(done[0] == 2 && done[1] == 3);
    mem_free(done);
    store_run_close(r);
    store_close(s);
}

static void a_bench_row_keeps_every_sample(void **state)
{
    struct err e = ERR_NONE;
    struct store *s = NULL;
    struct store_run *r = NULL;
    struct store_run_spec spec = spec_of("{}");
    struct bench_list l;
    const double samples[] = {0.5, 0.25, 0.125};
    const struct store_value v = {"tok_s", NULL, 1000, NAN, 900, 1100};
    struct store_bench b = {.test = "pp512", .batch = 1, .threads = 2, .device = "cpu",
                            .samples = samples, .n_samples = 3, .tokens = 512, .values = &v,
                            .n_values = 1, .noise = "{}"};
    (void)state;
    spec.kind = "bench";
    spec.n_tasks = 0;
    assert_int_equal(store_open(&s, ":memory:", NULL, &e), 0);
    assert_int_equal(store_run_begin(s, &spec, &r, &e), 0);
    assert_int_equal(store_bench_add(r, &b, &e), 0);
    assert_int_equal(store_bench_add(r, &b, &e), 1);
    b.rival = "llama-bench";
    assert_int_equal(store_bench_add(r, &b, &e), 0);
    assert_int_equal(store_run_finish(r, STORE_COMPLETE, NULL, NULL, &e), 0);
    assert_int_equal(query_bench(s, store_run_id(r), &l, &e), 0);
    assert_int_equal(l.n, 2);
    assert_null(l.v[0].rival);
    assert_string_equal(l.v[1].rival, "llama-bench");
    assert_int_equal(l.v[1].n_samples, 3);
    assert_close(l.v[0].samples[2], 0.125, 0);
    assert_close(bench_value(&l.v[0], "tok_s")->low, 900, 0);
    assert_null(bench_value(&l.v[0], "ttft_s"));
    bench_list_release(&l);
    store_run_close(r);
    check_is_clean(s);
    store_close(s);
    assert_int_equal(mem_live(), 0);
}

static void a_run_is_found_by_every_name_it_has(void **state)
{
    struct err e = ERR_NONE;
    struct store *s = NULL;
    char a[RUN_ID_SIZE], b[RUN_ID_SIZE], got[RUN_ID_SIZE], moved[RUN_ID_SIZE], prefix[8];
    (void)state;
    assert_int_equal(store_open(&s, ":memory:", NULL, &e), 0);
    assert_int_equal(query_resolve(s, "last", got, &e), -1);
    assert_int_equal(e.code, ERR_NOTFOUND);
    assert_non_null(strstr(e.hint, "no run has been stored yet"));
    fill_run_of(s, "1", a);
    fill_run_of(s, "2", b);
    assert_int_equal(query_resolve(s, "last", got, &e), 0);
    assert_string_equal(got, b);
    assert_int_equal(query_resolve(s, "last~1", got, &e), 0);
    assert_string_equal(got, a);
    snprintf(prefix, sizeof prefix, "%.7s", a);
    assert_int_equal(query_resolve(s, prefix, got, &e), 0);
    assert_string_equal(got, a);
    assert_int_equal(query_resolve(s, "", got, &e), -1);
    assert_int_equal(query_resolve(s, "last~9", got, &e), -1);
    assert_int_equal(query_resolve(s, "last~x", got, &e), -1);

    assert_int_equal(store_label(s, a, "baseline", moved, &e), 0);
    assert_string_equal(moved, "");
    assert_int_equal(query_resolve(s, "baseline", got, &e), 0);
    assert_string_equal(got, a);
    assert_int_equal(store_label(s, b, "baseline", moved, &e), 0);
    assert_string_equal(moved, a);
    assert_int_equal(query_resolve(s, "baseline", got, &e), 0);
    assert_string_equal(got, b);
    assert_int_equal(store_label(s, b, "last", moved, &e), -1);
    assert_int_equal(store_label(s, b, a, moved, &e), -1);
    assert_int_equal(store_label(s, "feedfeedbeef", "x", moved, &e), -1);
    assert_int_equal(e.code, ERR_NOTFOUND);
    assert_int_equal(store_label(s, b, "\xc2\x9b" "31m", moved, &e), -1); /* CSI of C1 */
    assert_int_equal(store_label(s, b, "x\xff", moved, &e), -1);
    char wide[200];
    memset(wide, 'x', sizeof wide);
    wide[sizeof wide - 1] = 0;
    assert_int_equal(store_label(s, b, wide, moved, &e), -1);
    assert_int_equal(e.code, ERR_USAGE);
    assert_int_equal(store_label(s, b, NULL, moved, &e), 0);
    assert_int_equal(query_resolve(s, "baseline", got, &e), -1);
    store_close(s);
}

static void runs_are_chosen_by_kind_state_model_and_number(void **state)
{
    static const struct {
        struct run_filter f;
        int n, newest; /* index of the first */
    } rows[] = {
        {{0}, 3, 2},
        {{.limit = 2}, 2, 2},
        {{.kind = "eval"}, 2, 1},
        {{.kind = "bench"}, 1, 2},
        {{.kind = "night"}, 0, -1},
        {{.status = "complete"}, 2, 1},
        {{.status = "interrupted"}, 1, 2}, /* nobody holds a lock on what is in memory */
        {{.model_sha256 = "abcd"}, 2, 1},
        {{.model_sha256 = "ef"}, 1, 2},
        {{.kind = "eval", .model_sha256 = "abcd", .limit = 1}, 1, 1},
        {{.kind = "eval", .model_sha256 = "ef"}, 0, -1},
    };
    struct err e = ERR_NONE;
    struct store *s = NULL;
    struct store_run *r = NULL;
    struct store_run_spec spec = spec_of("3");
    struct run_list runs;
    char id[3][RUN_ID_SIZE];
    (void)state;
    assert_int_equal(store_open(&s, ":memory:", NULL, &e), 0);
    fill_run_of(s, "1", id[0]);
    fill_run_of(s, "2", id[1]);
    spec.kind = "bench";
    spec.model.sha256 = "ef";
    assert_int_equal(store_run_begin(s, &spec, &r, &e), 0);
    strcpy(id[2], store_run_id(r));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(query_runs(s, &rows[i].f, &runs, &e), 0);
        assert_int_equal(runs.n, rows[i].n);
        if (runs.n)
            assert_string_equal(runs.v[0].id, id[rows[i].newest]);
        run_list_release(&runs);
    }
    store_run_close(r);
    store_close(s);
    assert_int_equal(mem_live(), 0);
}

static void the_rows_of_a_comparison_are_the_items(void **state)
{
    struct err e = ERR_NONE;
    struct store *s = NULL;
    struct pair_row_list l;
    char id[RUN_ID_SIZE];
    (void)state;
    assert_int_equal(store_open(&s, ":memory:", NULL, &e), 0);
    fill_run_of(s, "1", id);
    assert_int_equal(query_pair_rows(s, id, "arc_easy", "acc", "none", &l, &e), 0);
    assert_int_equal(l.n, 40);
    for (int i = 0; i < 40; i++) {
        const struct pair_row *r = &l.v[i];
        assert_int_equal(r->doc_id, i);
        assert_true(r->item > 0);
        assert_string_equal(r->doc_hash, "h");
        assert_string_equal(r->prompt_hash, "p");
        assert_close(r->value, i % 2, 0);
        assert_close(r->weight, 1, 0);
        assert_close(r->nats, -2.5, 0); /* the gold answer is the second */
        assert_close(r->bytes, 11, 0);
        assert_close(r->latency_s, 0.5, 0);
    }
    pair_row_list_release(&l);
    assert_int_equal(query_pair_rows(s, id, "arc_easy", "f1", "none", &l, &e), 0);
    assert_int_equal(l.n, 40);
    assert_true(isnan(l.v[1].value));
    pair_row_list_release(&l);
    store_close(s);
    assert_int_equal(mem_live(), 0);
}

static void the_check_finds_what_was_broken(void **state)
{
    static const struct { const char *sql; int defects; } rows[] = {
        /* what the rules see, and the hash of the run's content */
        {"DELETE FROM item_metrics WHERE item_id = 1", 2},
        {"DELETE FROM requests WHERE item_id = 2 AND idx = 0", 2},
        {"DELETE FROM item_metrics; DELETE FROM requests; DELETE FROM items", 6},
        {"UPDATE runs SET settings = 'changed'", 2},
        {"UPDATE machines SET json = 'changed'", 1},
        {"PRAGMA foreign_keys = OFF; DELETE FROM machines", 2},
        /* only the hash */
        {"UPDATE requests SET loglikelihood = -1.2500001 WHERE item_id = 3 AND idx = 0", 1},
        {"UPDATE item_metrics SET weight = NULL WHERE item_id = 3 AND metric = 'acc'", 1},
        {"UPDATE docs SET doc = '{\"q\":2}'", 1},
        {"UPDATE task_values SET value = 0.51", 1},
        {"UPDATE task_costs SET value = 2.4", 1},
        {"UPDATE runs SET label = 'a name', pid = 7", 0},
    };
    struct err e = ERR_NONE;
    struct store *s = NULL;
    char id[RUN_ID_SIZE], name[32];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int n = 0;
        snprintf(name, sizeof name, "broken%zu.db", i);
        assert_int_equal(store_open(&s, in_dir(name), NULL, &e), 0);
        fill_run_of(s, "{}", id);
        store_close(s);
        exec_sql(in_dir(name), rows[i].sql);
        assert_int_equal(store_open(&s, in_dir(name), NULL, &e), 0);
        assert_int_equal(store_check(s, count_defect, &n, &e), rows[i].defects);
        assert_int_equal(n, rows[i].defects);
        store_close(s);
    }
}

static void the_check_finds_a_flipped_bit(void **state)
{
    static const char needle[] = "{\"q\":1}";
    struct err e = ERR_NONE;
    struct strbuf file = STRBUF_INIT;
    struct store *s = NULL;
    char id[RUN_ID_SIZE];
    char *at;
    int n = 0;
    FILE *f;
    (void)state;
    assert_int_equal(store_open(&s, in_dir("flipped.db"), NULL, &e), 0);
    fill_run_of(s, "{}", id);
    assert_int_equal(store_check(s, count_defect, &n, &e), 0);
    assert_int_equal(store_vacuum(s, NULL, NULL, &e), 0);
    store_close(s);
    assert_int_equal(file_read(&file, in_dir("flipped.db"), 1 << 24, &e), 0);
    at = memmem(file.s, file.len, needle, strlen(needle));
    assert_non_null(at);
    at[5] ^= 1; /* {"q":0} */
    f = fopen(in_dir("flipped.db"), "wb");
    assert_int_equal(fwrite(file.s, 1, file.len, f), file.len);
    fclose(f);
    strbuf_release(&file);
    assert_int_equal(store_open(&s, in_dir("flipped.db"), NULL, &e), 0);
    assert_int_equal(store_check(s, count_defect, &n, &e), 1);
    store_close(s);
}

/* --- care -------------------------------------------------------------------------------- */
static void a_backup_is_made_while_a_run_is_written(void **state)
{
    struct err e = ERR_NONE;
    struct store *s = NULL, *copy = NULL;
    struct store_run *r = NULL;
    struct store_run_spec spec = spec_of("{\"b\":1}");
    struct run_list runs;
    char id[RUN_ID_SIZE];
    int64_t before = 0, after = 0;
    (void)state;
    assert_int_equal(store_open(&s, in_dir("source.db"), NULL, &e), 0);
    fill_run_of(s, "{}", id);
    assert_int_equal(store_run_begin(s, &spec, &r, &e), 0);
    assert_int_equal(add_item(r, "arc_easy", 0, &e), 0);
    assert_int_equal(store_backup(s, in_dir("copy.db"), &e), 0);
    assert_int_equal(store_backup(s, in_dir("copy.db"), &e), 0); /* replaces the last one */
    /* A reader of the copy leaves an empty log beside it, which is no reason to refuse. */
    assert_int_equal(store_open(&copy, in_dir("copy.db"), &(struct store_opts){.readonly = 1}, &e),
                     0);
    store_close(copy);
    assert_true(file_exists(in_dir("copy.db-wal")));
    assert_int_equal(store_backup(s, in_dir("copy.db"), &e), 0);
    assert_int_equal(store_open(&copy, in_dir("copy.db"), NULL, &e), 0);
    fill_run_of(copy, "{\"later\":1}", id);
    assert_int_equal(store_backup(s, in_dir("copy.db"), &e), -1); /* it is being written */
    assert_int_equal(e.code, ERR_USAGE);
    store_close(copy);
    assert_int_equal(store_backup(s, in_dir("copy.db"), &e), 0);
    assert_int_equal(store_backup(s, in_dir("source.db"), &e), -1);
    assert_int_equal(e.code, ERR_USAGE);
    assert_int_equal(store_backup(s, in_dir("no/such/folder.db"), &e), -1);
    assert_int_equal(e.code, ERR_IO);
    store_run_close(r);
    assert_int_equal(store_vacuum(s, &before, &after, &e), 0);
    assert_true(after > 0 && before > 0);
    store_close(s);
    assert_int_equal(store_open(&copy, in_dir("copy.db"), NULL, &e), 0);
    assert_int_equal(query_runs(copy, NULL, &runs, &e), 0);
    assert_int_equal(runs.n, 2);
    assert_int_equal(runs.v[0].n_items, 1);
    run_list_release(&runs);
    check_is_clean(copy);
    store_close(copy);
}

static void see_row(void *user, const struct store_schema_row *r)
{
    struct strbuf *b = user;
    assert_true(strlen(r->help) > 2);
    if (!r->column)
        strbuf_addf(b, "\n%s:", r->table);
    else
        strbuf_addf(b, " %s", r->column);
    assert_true(!r->column || *r->type); /* every documented column exists */
}

static void every_column_is_documented(void **state)
{
    struct strbuf documented = STRBUF_INIT, found = STRBUF_INIT;
    struct err e = ERR_NONE;
    struct store *s = NULL;
    sqlite3 *h = NULL;
    sqlite3_stmt *tables, *columns;
    (void)state;
    assert_int_equal(store_open(&s, in_dir("schema.db"), NULL, &e), 0);
    assert_int_equal(store_schema(s, see_row, &documented, &e), 0);
    store_close(s);
    sqlite3_open(in_dir("schema.db"), &h);
    sqlite3_prepare_v2(h, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY rowid",
                       -1, &tables, NULL);
    sqlite3_prepare_v2(h, "SELECT name FROM pragma_table_info(?)", -1, &columns, NULL);
    while (sqlite3_step(tables) == SQLITE_ROW) {
        const char *table = (const char *)sqlite3_column_text(tables, 0);
        strbuf_addf(&found, "\n%s:", table);
        sqlite3_bind_text(columns, 1, table, -1, SQLITE_STATIC);
        while (sqlite3_step(columns) == SQLITE_ROW)
            strbuf_addf(&found, " %s", sqlite3_column_text(columns, 0));
        sqlite3_reset(columns);
        assert_non_null(strstr(documented.s, found.s + (strrchr(found.s, '\n') - found.s)));
    }
    sqlite3_finalize(tables);
    sqlite3_finalize(columns);
    sqlite3_close(h);
    assert_int_equal(documented.len, found.len);
    strbuf_release(&documented);
    strbuf_release(&found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_stored_reads_back),
        cmocka_unit_test(nothing_is_counted_twice),
        cmocka_unit_test(an_error_in_a_batch_takes_the_batch_back),
        cmocka_unit_test(a_bench_row_keeps_every_sample),
        cmocka_unit_test(a_run_is_found_by_every_name_it_has),
        cmocka_unit_test(runs_are_chosen_by_kind_state_model_and_number),
        cmocka_unit_test(the_rows_of_a_comparison_are_the_items),
        cmocka_unit_test(the_check_finds_what_was_broken),
        cmocka_unit_test(the_check_finds_a_flipped_bit),
        cmocka_unit_test(a_backup_is_made_while_a_run_is_written),
        cmocka_unit_test(every_column_is_documented),
    };
    return cmocka_run_group_tests_name(__FILE__, tests, fixture_folder, fixture_folder_gone);
}
