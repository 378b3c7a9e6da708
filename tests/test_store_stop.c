/* What takes long in a store ends when it is asked to, and leaves the file as it was. */
#include "tests/test.h"

#include <signal.h>
#include <sys/time.h>

#include "base/file.h"
#include "base/mem.h"
#include "results/likelihoods.h"
#include "results/nights.h"
#include "results/query.h"
#include "tests/store_fixture.h"

static volatile sig_atomic_t stop;

static void on_alarm(int sig)
{
    (void)sig;
    stop = 1;
}

static struct store *filled(const char *name)
{
    struct err e = ERR_NONE;
    struct store *s = NULL;
    char id[RUN_ID_SIZE];

    assert_int_equal(store_open(&s, in_dir(name), NULL, &e), 0);
    fill_run_of(s, "{}", id);
    return s;
}

/* Before the first statement nothing is begun. */
static void a_store_that_is_asked_to_stop_says_so(void **state)
{
    const struct prune_rule rule = {.last = 1};
    struct err e = ERR_NONE;
    struct store *s = filled("asked.db");
    struct run_list runs = {0};
    char text[200];
    int n = 0;
    (void)state;
    snprintf(text, sizeof text, "%s: interrupted", store_path(s));
    store_stop_on(s, &stop);
    stop = 0;
    assert_int_equal(store_check(s, print_defect, &n, &e), 0);
    stop = 1;
#define STOPPED(call)                                                                              \
    do {                                                                                           \
        e = ERR_NONE;                                                                              \
        assert_int_equal(call, -1);                                                                \
        assert_int_equal(e.code, ERR_INTERRUPTED);                                                 \
        assert_string_equal(e.text, text);                                                         \
    } while (0)
    STOPPED(store_check(s, print_defect, &n, &e));
    STOPPED(store_vacuum(s, NULL, NULL, &e));
    STOPPED(store_prune(s, &rule, 0, NULL, NULL, &e));
    STOPPED(likelihood_prune(s, 0, 0, &e));
    STOPPED(query_runs(s, NULL, &runs, &e));
    stop = 0;
    assert_int_equal(n, 0);
    assert_int_equal(query_runs(s, NULL, &runs, &e), 0); /* and goes on when it is not asked */
    assert_int_equal(runs.n, 1);
    run_list_release(&runs);
    store_close(s);
    assert_int_equal(mem_live(), 0);
}

/* Another process would keep the file locked for as long as it likes. */
static void a_wait_that_is_asked_to_stop_ends(void **state)
{
    const struct itimerval soon = {.it_value.tv_usec = 50000};
    struct store_run_spec spec = spec_of("{\"other\":1}");
    struct err e = ERR_NONE;
    struct store *s = filled("waits.db"), *other, *hasty;
    struct store_run *r;
    char text[240];
    (void)state;
    store_close(s);
    assert_int_equal(store_open(&s, in_dir("waits.db"), &(struct store_opts){0}, NULL), 0);
    assert_int_equal(store_open(&other, store_path(s), NULL, NULL), 0);
    assert_int_equal(store_open(&hasty, store_path(s), &(struct store_opts){.busy_ms = 200}, NULL),
                     0);
    assert_int_equal(store_run_begin(other, &spec, &r, NULL), 0);
    assert_int_equal(store_batch_begin(r, NULL), 0);
    assert_int_equal(add_item(r, "arc_easy", 0, NULL), 0);
    snprintf(text, sizeof text, "%s: another process keeps the database locked (waited 200 ms)",
             store_path(s));
    stop = 0;
    store_stop_on(hasty, &stop); /* and nobody asks: it waits as long as it would */
    assert_int_equal(store_label(hasty, store_run_id(r), "x", NULL, &e), -1);
    assert_int_equal(e.code, ERR_BUSY);
    assert_string_equal(e.text, text);
    store_close(hasty);
    snprintf(text, sizeof text, "%s: interrupted", store_path(s));
    stop = 0;
    store_stop_on(s, &stop);
    signal(SIGALRM, on_alarm);
    assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
    STOPPED(store_vacuum(s, NULL, NULL, &e));
    assert_int_equal(stop, 1);
    stop = 0;
    assert_int_equal(store_batch_commit(r, NULL), 0);
    store_run_close(r);
    store_close(other);
    store_close(s);
    assert_int_equal(mem_live(), 0);
}

static void a_copy_that_is_asked_to_stop_leaves_no_file(void **state)
{
    struct err e = ERR_NONE;
    struct store *s = filled("copied.db");
    (void)state;
    store_stop_on(s, &stop);
    stop = 1;
    assert_int_equal(store_backup(s, in_dir("copy.db"), &e), -1);
    assert_int_equal(e.code, ERR_INTERRUPTED);
    assert_non_null(strstr(e.text, ": interrupted"));
    assert_false(file_exists(in_dir("copy.db")));
    stop = 0;
    assert_int_equal(store_backup(s, in_dir("copy.db"), &e), 0);
    assert_true(file_exists(in_dir("copy.db")));
    store_close(s);
}

/* One statement of many milliseconds: had it come to its end, the file would be small. */
static void a_statement_under_way_is_undone(void **state)
{
    const struct itimerval soon = {.it_value = {0, 2000}};
    const char *path = in_dir("long.db");
    struct err e = ERR_NONE;
    struct store *s = filled("long.db");
    int64_t size, after = 0;
    (void)state;
    store_close(s);
    exec_sql(path, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) "
                   "INSERT INTO docs SELECT printf('%064d', i), '{\"q\":1}' FROM n;"
                   "DELETE FROM docs WHERE hash LIKE '%1'; PRAGMA wal_checkpoint(TRUNCATE);");
    size = file_size(path);
    assert_true(size > 4 << 20);
    assert_int_equal(store_open(&s, path, NULL, &e), 0);
    store_stop_on(s, &stop);
    signal(SIGALRM, on_alarm);
    stop = 0;
    assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
    assert_int_equal(store_vacuum(s, NULL, &after, &e), -1);
    assert_int_equal(e.code, ERR_INTERRUPTED);
    store_close(s);
    assert_int_equal(file_size(path), size);
    stop = 0;
    assert_int_equal(store_open(&s, path, NULL, &e), 0);
    check_is_clean(s);
    assert_int_equal(store_vacuum(s, NULL, &after, &e), 0);
    assert_true(after < size * 19 / 20);
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_store_that_is_asked_to_stop_says_so),
        cmocka_unit_test(a_wait_that_is_asked_to_stop_ends),
        cmocka_unit_test(a_copy_that_is_asked_to_stop_leaves_no_file),
        cmocka_unit_test(a_statement_under_way_is_undone),
    };

    return cmocka_run_group_tests_name(__FILE__, tests, fixture_folder, fixture_folder_gone);
}
