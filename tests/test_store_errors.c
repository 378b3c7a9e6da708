/* Each statement of a write refused, each question without an answer: the call says so, what was
 * stored is as it was before, and the same call works when nothing is in its way. */
#include "tests/test.h"

#include <sqlite3.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "results/query.h"
#include "tests/store_fixture.h"

static const double seconds[] = {.5, .25};
static const struct store_value value = {"energy_j", NULL, 1, 2, 3, 4};
static const struct store_cost cost = {"energy_j", 2};
static const struct store_served served = {"completed", NULL, 0, 1, 2, 3, 4, 5, 6, 7, "[]", "h"};
static const struct store_energy energy = {"arc_easy", 0, "rapl", "package", 0, 1, 2, 3, 4, 5,
                                           NULL};
static const struct store_task_result result = {"arc_easy", 1, &value, 1, &cost, 1};

/* A run of one task, and in it one of everything. */
static struct store_run *one_of_each(struct store *s, int n_expected)
{
    const struct store_task task = {"arc_easy", 1, 0, n_expected, NULL};
    const struct store_bench b = {.test = "arc_easy", .device = "d", .samples = seconds,
                                  .n_samples = 2, .values = &value, .n_values = 1,
                                  .served = &served, .n_served = 1, .noise = "{}"};
    struct store_run_spec spec = spec_of("{}");
    struct store_run *r;

    spec.tasks = &task;
    spec.n_tasks = 1;
    r = begun(s, &spec);
    assert_int_equal(add_item(r, "arc_easy", 0, NULL), 0);
    assert_int_equal(store_task_finish(r, &result, NULL), 0);
    assert_int_equal(store_bench_add(r, &b, NULL), 0);
    assert_int_equal(store_energy_add(r, &energy, NULL), 0);
    return r;
}

/* --- writing --------------------------------------------------------------------------------- */

/* Every row of every table. */
static void dump(const char *path, struct strbuf *out)
{
    sqlite3 *h = NULL;
    sqlite3_stmt *tables, *rows;

    strbuf_clear(out);
    assert_int_equal(sqlite3_open(path, &h), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(h, "SELECT 'SELECT * FROM ' || name FROM sqlite_master"
                                           " WHERE type = 'table'", -1, &tables, NULL), SQLITE_OK);
    while (sqlite3_step(tables) == SQLITE_ROW) {
        const char *sql = (const char *)sqlite3_column_text(tables, 0);
        strbuf_addf(out, "%s\n", sql);
        assert_int_equal(sqlite3_prepare_v2(h, sql, -1, &rows, NULL), SQLITE_OK);
        while (sqlite3_step(rows) == SQLITE_ROW) {
            for (int i = 0; i < sqlite3_column_count(rows); i++) {
                const char *text = (const char *)sqlite3_column_text(rows, i);
                strbuf_addf(out, "%s|", text ? text : "NULL");
            }
            strbuf_addc(out, '\n');
        }
        sqlite3_finalize(rows);
    }
    sqlite3_finalize(tables);
    sqlite3_close(h);
}

enum write { BEGIN, ITEM, TASK, BENCH, ENERGY, SETTLE, FINISH };

static int write_again(struct store *s, struct store_run *r, enum write what, int n, struct err *e)
{
    char name[16] = "";
    struct store_run_spec spec = spec_of(name);
    struct store_run *other = NULL;
    struct store_bench b = {.test = name, .device = "d", .samples = seconds, .n_samples = 2,
                            .values = &value, .n_values = 1, .served = &served, .n_served = 1};
    int rc;

    snprintf(name, sizeof name, "\"%d\"", n);
    switch (what) {
    case BEGIN:
        rc = store_run_begin(s, &spec, &other, e);
        assert_true(rc == 0 || !other);
        store_run_close(other);
        return rc;
    case ITEM: return add_item(r, "arc_easy", n, e);
    case TASK: return store_task_finish(r, &result, e);
    case BENCH: return store_bench_add(r, &b, e);
    case ENERGY: return store_energy_add(r, &energy, e);
    case SETTLE: return store_energy_settle(r, &energy, &cost, 1, e);
    default: return store_run_finish(r, STORE_COMPLETE, "{}", NULL, e);
    }
}

static void what_a_statement_of_a_write_refuses_leaves_all_as_it_was(void **state)
{
    static const struct {
        enum write what;
        const char *statement;
    } rows[] = {
        {BEGIN, "INSERT ON models"}, {BEGIN, "INSERT ON machines"}, {BEGIN, "INSERT ON runs"},
        {BEGIN, "UPDATE ON runs"}, {BEGIN, "INSERT ON sessions"}, {BEGIN, "INSERT ON run_tasks"},
        {ITEM, "INSERT ON items"}, {ITEM, "INSERT ON docs"}, {ITEM, "INSERT ON item_metrics"},
        {ITEM, "INSERT ON requests"}, {TASK, "UPDATE ON run_tasks"},
        {TASK, "DELETE ON task_values"}, {TASK, "DELETE ON task_costs"},
        {TASK, "INSERT ON task_values"}, {TASK, "INSERT ON task_costs"}, {BENCH, "INSERT ON bench_rows"},
        {BENCH, "INSERT ON bench_samples"}, {BENCH, "INSERT ON bench_values"},
        {BENCH, "INSERT ON served"}, {ENERGY, "INSERT ON energy"}, {SETTLE, "UPDATE ON energy"},
        {SETTLE, "INSERT ON energy"}, {SETTLE, "UPDATE ON bench_values"},
        {SETTLE, "UPDATE ON task_costs"}, {FINISH, "UPDATE OF status ON runs"},
        {FINISH, "UPDATE ON run_tasks"}, {FINISH, "UPDATE OF content_sha256 ON runs"},
        {FINISH, "UPDATE ON sessions"},
    };
    enum { N_ITEMS = 5 }; /* the first, and one of each row that adds some */
    struct strbuf before = STRBUF_INIT, after = STRBUF_INIT;
    char path[160], sql[160];
    struct store *s = NULL;
    struct store_run *r;
    int n = 0;

    (void)state;
    snprintf(path, sizeof path, "%s", in_dir("refused.db"));
    assert_int_equal(store_open(&s, path, NULL, NULL), 0);
    r = one_of_each(s, N_ITEMS);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct err e = ERR_NONE;
        n = i && rows[i].what == rows[i - 1].what ? n + 1 : 1;
        snprintf(sql, sizeof sql, "CREATE TRIGGER refuse BEFORE %s BEGIN"
                                  " SELECT RAISE(ABORT, 'not here'); END", rows[i].statement);
        exec_sql(path, sql);
        dump(path, &before);
        if (write_again(s, r, rows[i].what, n, &e) != -1 || e.code != ERR_INVALID ||
            !strstr(e.text, "refused.db: a row that the database's rules forbid (not here)"))
            fail_msg("%s: %s", rows[i].statement, e.text);
        dump(path, &after);
        assert_string_equal(after.s, before.s);
        exec_sql(path, "DROP TRIGGER refuse");
        if (write_again(s, r, rows[i].what, n, &e) != 0)
            fail_msg("%s, not refused: %s", rows[i].statement, e.text);
    }
    strbuf_release(&before);
    strbuf_release(&after);
    store_run_close(r);
    close_clean(s);
}

/* --- reading --------------------------------------------------------------------------------- */

enum read {
    RUNS, RUN, RUN_LAST, RUN_BEGINNING, REPEATS, TASKS, BENCHES, SERVED, ENERGIES, PAIRS, LATENCIES,
    ITEMS, DONE, SCORED, N_READS
};

/* All of one kind of row: 0, or -1 with e. */
static int read_all(struct store *s, struct store_run *r, enum read what, struct err *e)
{
    struct run_list runs = {0};
    struct task_list tasks = {0};
    struct bench_list bench = {0};
    struct served_list requests = {0};
    struct energy_list meters = {0};
    struct pair_row_list pairs = {0};
    struct item_iter *it = NULL;
    struct store_item item;
    const char *run = store_run_id(r);
    char beginning[8];
    double *v = NULL;
    size_t n = 0, cap = 0;
    int rc, scored, *done = NULL;

    snprintf(beginning, sizeof beginning, "%.7s", run);
    switch (what) {
    case RUNS: rc = query_runs(s, NULL, &runs, e), n = runs.n; break;
    case RUN: rc = query_run(s, run, &runs, e), n = runs.n; break;
    case RUN_LAST: rc = query_run(s, "last", &runs, e), n = runs.n; break;
    case RUN_BEGINNING: rc = query_run(s, beginning, &runs, e), n = runs.n; break;
    case REPEATS: rc = query_repeats(s, run, 5, &runs, e), n = rc == 0 && runs.n == 0; break;
    case TASKS: rc = query_tasks(s, run, &tasks, e), n = tasks.n; break;
    case BENCHES: rc = query_bench(s, run, &bench, e), n = bench.n; break;
    case SERVED: rc = query_served(s, run, "arc_easy", &requests, e), n = requests.n; break;
    case ENERGIES: rc = query_energy(s, run, &meters, e), n = meters.n; break;
    case PAIRS:
        rc = query_pair_rows(s, run, "arc_easy", "acc", "none", &pairs, e), n = pairs.n;
        break;
    case LATENCIES: rc = query_latencies(s, run, "arc_easy", &v, &n, &cap, e); break;
    case DONE: rc = store_run_done(r, "arc_easy", &done, &n, e); break;
    case SCORED: rc = store_run_scored(r, "arc_easy", &scored, e), n = 1; break;
    default:
        rc = query_items(s, run, &(struct item_filter){.task = "arc_easy"}, &it, e);
        while (rc == 0 && (rc = item_iter_next(it, &item, e)) == 1)
            rc = 0, n++;
    }
    assert_true(rc == -1 || (rc == 0 && n == 1));
    run_list_release(&runs);
    task_list_release(&tasks);
    bench_list_release(&bench);
    served_list_release(&requests);
    energy_list_release(&meters);
    pair_row_list_release(&pairs);
    item_iter_close(it);
    mem_free(v);
    mem_free(done);
    return rc;
}

static void reading_survives_every_failed_allocation(void **state)
{
    struct store *s = NULL;
    struct store_run *r;
    long before;

    (void)state;
    assert_int_equal(store_open(&s, in_dir("memory.db"), NULL, NULL), 0);
    r = one_of_each(s, 1);
    before = mem_live();
    for (enum read what = 0; what < N_READS; what++) {
        int rc = -1;
        for (int nth = 0; rc < 0; nth++) {
            struct err e = ERR_NONE;
            mem_fail_at(nth);
            rc = read_all(s, r, what, &e);
            mem_fail_at(-1);
            assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
            assert_int_equal(mem_live(), before);
        }
    }
    store_run_close(r);
    close_clean(s);
}

static void a_question_that_is_stopped_says_so(void **state)
{
    volatile sig_atomic_t stop = 0;
    struct store *s = store_in_memory();
    struct store_run *r = one_of_each(s, 1);
    long before = mem_live();

    (void)state;
    store_stop_on(s, &stop);
    for (enum read what = 0; what < N_READS; what++) {
        struct err e = ERR_NONE;
        stop = 1;
        assert_int_equal(read_all(s, r, what, &e), -1);
        assert_int_equal(e.code, ERR_INTERRUPTED);
        assert_string_equal(e.text, ":memory:: interrupted");
        assert_int_equal(mem_live(), before);
        stop = 0;
        assert_int_equal(read_all(s, r, what, NULL), 0);
    }
    store_run_close(r);
    close_clean(s);
}

static void a_question_to_a_table_that_is_missing_says_so(void **state)
{
    static const struct {
        enum read what;
        const char *table;
    } rows[] = {
        {RUNS, "runs"}, {RUNS, "models"}, {RUN, "runs"}, {RUN, "models"}, {RUN_LAST, "runs"},
        {RUN_BEGINNING, "runs"}, {REPEATS, "runs"}, {TASKS, "run_tasks"}, {TASKS, "items"},
        {TASKS, "task_values"}, {TASKS, "task_costs"}, {BENCHES, "bench_rows"},
        {BENCHES, "bench_samples"}, {BENCHES, "bench_values"}, {SERVED, "served"},
        {ENERGIES, "energy"}, {PAIRS, "items"}, {LATENCIES, "items"}, {ITEMS, "items"},
        {ITEMS, "item_metrics"}, {ITEMS, "requests"}, {DONE, "items"}, {SCORED, "run_tasks"},
    };
    char path[160], sql[160], text[200];
    struct store *s = NULL;
    struct store_run *r;
    long before;

    (void)state;
    snprintf(path, sizeof path, "%s", in_dir("missing.db"));
    assert_int_equal(store_open(&s, path, NULL, NULL), 0);
    r = one_of_each(s, 1);
    before = mem_live();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct err e = ERR_NONE;
        snprintf(sql, sizeof sql, "ALTER TABLE %s RENAME TO elsewhere", rows[i].table);
        exec_sql(path, sql);
        assert_int_equal(read_all(s, r, rows[i].what, &e), -1);
        assert_int_equal(e.code, ERR_FORMAT);
        snprintf(text, sizeof text, "%s: no such table: %s", path, rows[i].table);
        assert_string_equal(e.text, text);
        assert_int_equal(mem_live(), before);
        snprintf(sql, sizeof sql, "ALTER TABLE elsewhere RENAME TO %s", rows[i].table);
        exec_sql(path, sql);
        assert_int_equal(read_all(s, r, rows[i].what, NULL), 0);
    }
    exec_sql(path, "DELETE FROM models"); /* the run has a name, and nothing else can be said */
    struct err e = ERR_NONE;
    struct run_list l;
    assert_int_equal(query_run(s, "last", &l, &e), -1);
    assert_int_equal(e.code, ERR_NOTFOUND);
    assert_non_null(strstr(e.text, "missing.db: no run last"));
    assert_int_equal(mem_live(), before);
    store_run_close(r);
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_statement_of_a_write_refuses_leaves_all_as_it_was),
        cmocka_unit_test(reading_survives_every_failed_allocation),
        cmocka_unit_test(a_question_that_is_stopped_says_so),
        cmocka_unit_test(a_question_to_a_table_that_is_missing_says_so),
    };

    return cmocka_run_group_tests_name(__FILE__, tests, fixture_folder, fixture_folder_gone);
}
