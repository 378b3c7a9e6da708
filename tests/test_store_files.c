/* Files as they are found: of other versions and programs, damaged, where nothing can be written.
 * What is wrong is said plainly, and what is not ours is left alone. */
#include "tests/test.h"

#include <sched.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "results/query.h"
#include "results/store.h"
#include "tests/store_fixture.h"

/* --- other files, other versions --------------------------------------------------------- */
static void opens_and_reads(const char *dump, const char *path, int n_items)
{
    struct strbuf sql = STRBUF_INIT;
    struct err e = ERR_NONE;
    struct store *s = NULL;
    struct run_list runs;
    struct task_list tasks;
    char id[RUN_ID_SIZE];
    const struct store_opts readonly = {.readonly = 1};

    assert_int_equal(file_read(&sql, dump, 1 << 20, &e), 0);
    exec_sql(path, sql.s);
    strbuf_release(&sql);
    assert_int_equal(store_open(&s, path, &readonly, &e), -1);
    assert_int_equal(e.code, ERR_FORMAT);
    assert_int_equal(store_open(&s, path, NULL, &e), 0);
    assert_int_equal(query_run(s, "baseline", &runs, &e), 0);
    assert_string_equal(runs.v[0].id, "0123abcd");
    assert_int_equal(runs.v[0].n_items, n_items);
    run_list_release(&runs);
    assert_int_equal(query_tasks(s, "0123abcd", &tasks, &e), 0);
    assert_int_equal(tasks.v[0].n, 2);
    assert_close(task_row_value(&tasks.v[0], "acc", "none")->value, 0.5, 0);
    task_list_release(&tasks);
    check_is_clean(s);
    fill_run_of(s, "{}", id); /* and can be written */
    store_close(s);
    assert_int_equal(store_open(&s, path, &readonly, &e), 0);
    store_close(s);
}

static void last_years_database_still_opens(void **state)
{
    (void)state;
    opens_and_reads("tests/golden/store_v1.sql", in_dir("old1.db"), 2);
    opens_and_reads("tests/golden/store_v2.sql", in_dir("old2.db"), 4);
    opens_and_reads("tests/golden/store_v3.sql", in_dir("old3.db"), 4);
    opens_and_reads("tests/golden/store_v4.sql", in_dir("old4.db"), 4);
    opens_and_reads("tests/golden/store_v5.sql", in_dir("old5.db"), 4);
    opens_and_reads("tests/golden/store_v7.sql", in_dir("old7.db"), 4);
}

/* A trigger would run when the rows are brought up to date. */
static void a_stranger_database_is_looked_at_before_it_is_brought_up_to_date(void **state)
{
    static const struct {
        const char *sql, *says; /* NULL: it opens */
    } cases[] = {
        {"SELECT 1", NULL},
        {"CREATE TRIGGER t AFTER UPDATE ON run_tasks BEGIN DELETE FROM items; END", "its tables"},
        {"ALTER TABLE items ADD COLUMN more TEXT", "its tables"},
        {"PRAGMA user_version = 4", "its tables"},
        {"PRAGMA user_version = 999", "schema version 999"},
        {"PRAGMA user_version = -1", "schema version -1"},
        {"PRAGMA application_id = 7", "another program"},
    };
    static const int versions[] = {1, 2, 3, 5, 7};
    (void)state;
    for (size_t v = 0; v < sizeof versions / sizeof *versions; v++)
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            struct strbuf sql = STRBUF_INIT;
            struct err e = ERR_NONE;
            struct store *s = NULL;
            struct run_list runs;
            char dump[64];
            snprintf(dump, sizeof dump, "tests/golden/store_v%d.sql", versions[v]);
            assert_int_equal(file_read(&sql, dump, 1 << 20, &e), 0);
            unlink(in_dir("strange.db"));
            exec_sql(in_dir("strange.db"), sql.s);
            exec_sql(in_dir("strange.db"), cases[i].sql);
            strbuf_release(&sql);
            if (store_open_stranger(&s, in_dir("strange.db"), &e) < 0) {
                if (!cases[i].says || !strstr(e.text, cases[i].says))
                    fail_msg("version %d, %s: %s", versions[v], cases[i].sql, e.text);
                continue;
            }
            assert_null(cases[i].says);
            assert_int_equal(query_run(s, "0123abcd", &runs, &e), 0);
            run_list_release(&runs);
            check_is_clean(s);
            store_close(s);
        }
    assert_int_equal(mem_live(), 0);
}

static void a_newer_database_is_refused(void **state)
{
    struct err e = ERR_NONE;
    struct store *s = NULL;
    const char *path = in_dir("new.db");
    (void)state;
    assert_int_equal(store_open(&s, path, NULL, &e), 0);
    store_close(s);
    exec_sql(path, "PRAGMA user_version = 999");
    assert_int_equal(store_open(&s, path, NULL, &e), -1);
    assert_int_equal(e.code, ERR_FORMAT);
    assert_non_null(strstr(e.text, "new.db: schema version 999, this program knows up to"));
}

static void what_is_not_ours_is_refused_and_left_alone(void **state)
{
    struct err e = ERR_NONE;
    struct store *s = NULL;
    struct strbuf b = STRBUF_INIT;
    const char text[] = "model,task,value\nthis is not a database, it only has its name\n";
    (void)state;
    assert_int_equal(file_write(in_dir("text.db"), text, sizeof text - 1, &e), 0);
    assert_int_equal(store_open(&s, in_dir("text.db"), NULL, &e), -1);
    assert_int_equal(e.code, ERR_FORMAT);
    assert_non_null(strstr(e.text, "text.db: not a results database"));
    assert_int_equal(file_read(&b, in_dir("text.db"), 1 << 20, &e), 0);
    assert_string_equal(b.s, text);
    strbuf_release(&b);
    exec_sql(in_dir("other.db"), "CREATE TABLE bookmarks(url)");
    assert_int_equal(store_open(&s, in_dir("other.db"), NULL, &e), -1);
    assert_int_equal(e.code, ERR_FORMAT);
    assert_non_null(strstr(e.text, "other.db: a database of another program"));
    assert_int_equal(store_open(&s, fixture_dir, NULL, &e), -1);
    assert_int_equal(e.code, ERR_IO);
}

static void a_missing_database_is_not_made_by_reading(void **state)
{
    struct err e = ERR_NONE;
    struct store *s = NULL;
    const struct store_opts readonly = {.readonly = 1};
    (void)state;
    assert_int_equal(store_open(&s, in_dir("none.db"), &readonly, &e), -1);
    assert_int_equal(e.code, ERR_NOTFOUND);
    assert_false(file_exists(in_dir("none.db")));
    assert_int_equal(store_open(&s, in_dir("no/folder/none.db"), &readonly, &e), -1);
    assert_false(file_exists(in_dir("no")));
    assert_int_equal(file_write(in_dir("empty.db"), "", 0, &e), 0);
    assert_int_equal(store_open(&s, in_dir("empty.db"), &readonly, &e), -1);
    assert_int_equal(e.code, ERR_NOTFOUND);
    assert_int_equal(store_open(&s, "", NULL, &e), -1); /* SQLite's name for a file that is lost */
    assert_int_equal(e.code, ERR_USAGE);
    assert_string_equal(e.text, "the database's name is empty");
    assert_int_equal(store_open(&s, in_dir("deep/er/none.db"), NULL, &e), 0);
    store_close(s);
    assert_true(file_exists(in_dir("deep/er/none.db")));
}

static void a_damaged_page_is_an_error_not_a_crash(void **state)
{
    struct err e = ERR_NONE;
    struct store *s = NULL;
    char id[RUN_ID_SIZE];
    const char *path = in_dir("damaged.db");
    int64_t size;
    (void)state;
    assert_int_equal(store_open(&s, path, NULL, &e), 0);
    fill_run_of(s, "{}", id);
    store_close(s);
    size = file_size(path);
    for (int64_t page = 1; page < size / 4096; page += 3) {
        const char *copy = in_dir("damaged-copy.db");
        struct item_iter *it = NULL;
        struct strbuf b = STRBUF_INIT;
        int n = 0, rc;
        assert_int_equal(file_read(&b, path, 1 << 24, &e), 0);
        for (int i = 0; i < 4096; i += 7)
            b.s[page * 4096 + i] = (char)(i * 31 + page);
        assert_int_equal(file_write(copy, b.s, b.len, &e), 0);
        strbuf_release(&b);
        e = ERR_NONE;
        if (store_open(&s, copy, NULL, &e) < 0) {
            assert_int_equal(e.code, ERR_FORMAT);
            continue;
        }
        rc = store_check(s, count_defect, &n, &e);
        assert_true(rc > 0 || (rc < 0 && e.code == ERR_FORMAT));
        if (query_items(s, id, NULL, &it, &e) == 0) {
            struct store_item item;
            while (item_iter_next(it, &item, &e) == 1)
                ;
            item_iter_close(it);
        }
        store_close(s);
    }
    assert_int_equal(mem_live(), 0);
}

static int read_only(const char *path)
{
    struct err e = ERR_NONE;
    struct store *s = NULL;
    struct run_list runs;
    const struct store_opts readonly = {.readonly = 1};

    if (geteuid() == 0 && (setegid(65534) < 0 || seteuid(65534) < 0))
        return CHILD_SKIPS;
    if (store_open(&s, path, NULL, &e) == 0 || e.code != ERR_IO ||
        !strstr(e.text, "ro.db: the database or its folder cannot be written"))
        return CHILD_FAILS(e.text);
    if (store_open(&s, path, &readonly, &e) < 0 || query_runs(s, NULL, &runs, &e) < 0)
        return CHILD_FAILS(e.text);
    if (runs.n != 1)
        return CHILD_FAILS("not one run");
    run_list_release(&runs);
    store_close(s);
    return 0;
}

/* The medium itself cannot be written, whoever asks. */
static int on_read_only_medium(const char *path)
{
    struct err e = ERR_NONE;
    struct store *s = NULL;
    struct run_list runs;
    char id[RUN_ID_SIZE];

    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", fixture_dir, "tmpfs", 0, "size=4m") < 0)
        return CHILD_SKIPS;
    if (store_open(&s, path, NULL, &e) < 0)
        return CHILD_FAILS(e.text);
    fill_run_of(s, "{}", id);
    store_close(s);
    s = NULL;
    if (file_write(in_dir("torn.db-wal"), "x", 1, &e) < 0 || /* as a kill leaves it */
        link(path, in_dir("torn.db")) < 0 ||
        mount(NULL, fixture_dir, NULL, MS_REMOUNT | MS_RDONLY, NULL) < 0)
        return CHILD_SKIPS;
    if (store_open(&s, path, NULL, &e) == 0 ||
        !strstr(e.text, "the database or its folder cannot be written: Read-only file system"))
        return CHILD_FAILS(e.text);
    if (store_open(&s, in_dir("new.db"), NULL, &e) == 0 ||
        !strstr(e.text, "new.db: the database or its folder cannot be written: Read-only"))
        return CHILD_FAILS(e.text);
    if (store_open(&s, path, &(struct store_opts){.readonly = 1}, &e) < 0 ||
        query_runs(s, NULL, &runs, &e) < 0 || runs.n != 1)
        return CHILD_FAILS(e.text);
    run_list_release(&runs);
    store_close(s);
    s = NULL;
    if (store_open(&s, in_dir("torn.db"), &(struct store_opts){.readonly = 1}, &e) == 0 ||
        !strstr(e.text, "torn.db: its newest results are in torn.db-wal"))
        return CHILD_FAILS(e.text);
    return 0;
}

static void a_database_on_a_read_only_medium_can_be_read(void **state)
{
    int rc = in_child(on_read_only_medium, in_dir("medium.db"));
    (void)state;
    if (rc == CHILD_SKIPS) {
        print_message("          skipped: no file system can be mounted here\n");
        skip();
    }
    assert_int_equal(rc, 0);
}

/* Kept locked by a program that knows of no log; whoever copies waits, but not for ever. */
static void a_copy_waits_for_a_locked_database(void **state)
{
    const char *path = in_dir("locked.db");
    struct err e = ERR_NONE;
    struct store *s = NULL;
    sqlite3 *h;
    char id[RUN_ID_SIZE];
    (void)state;
    assert_int_equal(store_open(&s, path, NULL, NULL), 0);
    fill_run_of(s, "{}", id);
    store_close(s);
    exec_sql(path, "PRAGMA journal_mode = DELETE");
    assert_int_equal(store_open(&s, path, &(struct store_opts){.readonly = 1, .busy_ms = 50}, NULL),
                     0);
    assert_int_equal(sqlite3_open(path, &h), SQLITE_OK);
    assert_int_equal(sqlite3_exec(h, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(store_backup(s, in_dir("of_locked.db"), &e), -1);
    assert_int_equal(e.code, ERR_BUSY);
    assert_non_null(strstr(e.text, ": another process keeps the database locked (waited 50 ms)"));
    assert_false(file_exists(in_dir("of_locked.db")));
    sqlite3_close(h);
    assert_int_equal(store_backup(s, in_dir("of_locked.db"), &e), 0);
    store_close(s);
    assert_int_equal(store_open(&s, in_dir("of_locked.db"), NULL, &e), 0);
    check_is_clean(s);
    store_close(s);
}

static void a_copy_that_cannot_be_made_says_which_file(void **state)
{
    const char *path = in_dir("source.db");
    struct err e = ERR_NONE;
    struct store *s = NULL;
    char id[RUN_ID_SIZE], text[200];
    (void)state;
    assert_int_equal(store_open(&s, path, NULL, NULL), 0);
    fill_run_of(s, "{}", id);
    assert_int_equal(store_backup(s, in_dir("no/folder.db"), &e), -1);
    assert_int_equal(e.code, ERR_IO);
    snprintf(text, sizeof text, "%s.tmp", in_dir("no/folder.db"));
    assert_memory_equal(e.text, text, strlen(text));
    store_close(s);
    assert_int_equal(store_open(&s, path, NULL, &e), 0);
    assert_int_equal(truncate(path, file_size(path) - 4096), 0); /* its last page is gone */
    assert_int_equal(store_backup(s, in_dir("of_less.db"), &e), -1);
    assert_int_equal(e.code, ERR_FORMAT);
    snprintf(text, sizeof text, "%s: the database is corrupt (database disk image is malformed)",
             path);
    assert_string_equal(e.text, text);
    assert_string_equal(e.hint, "a backup (`densimeter db backup`) can be put in its place");
    assert_false(file_exists(in_dir("of_less.db")));
    store_close(s);
}

static void a_read_only_database_can_be_read(void **state)
{
    struct err e = ERR_NONE;
    struct store *s = NULL;
    char id[RUN_ID_SIZE];
    int rc;
    (void)state;
    assert_int_equal(mkdir(in_dir("ro"), 0777), 0);
    assert_int_equal(store_open(&s, in_dir("ro/ro.db"), NULL, &e), 0);
    fill_run_of(s, "{}", id);
    store_close(s);
    assert_int_equal(chmod(in_dir("ro/ro.db"), 0444), 0);
    assert_int_equal(chmod(in_dir("ro"), 0555), 0);
    rc = in_child(read_only, in_dir("ro/ro.db"));
    assert_int_equal(chmod(in_dir("ro"), 0777), 0);
    if (rc == CHILD_SKIPS) {
        print_message("          skipped: this user cannot become another\n");
        skip();
    }
    assert_int_equal(rc, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(last_years_database_still_opens),
        cmocka_unit_test(a_stranger_database_is_looked_at_before_it_is_brought_up_to_date),
        cmocka_unit_test(a_newer_database_is_refused),
        cmocka_unit_test(what_is_not_ours_is_refused_and_left_alone),
        cmocka_unit_test(a_missing_database_is_not_made_by_reading),
        cmocka_unit_test(a_damaged_page_is_an_error_not_a_crash),
        cmocka_unit_test(a_copy_waits_for_a_locked_database),
        cmocka_unit_test(a_copy_that_cannot_be_made_says_which_file),
        cmocka_unit_test(a_read_only_database_can_be_read),
        cmocka_unit_test(a_database_on_a_read_only_medium_can_be_read),
    };

    return cmocka_run_group_tests_name(__FILE__, tests, fixture_folder, fixture_folder_gone);
}
