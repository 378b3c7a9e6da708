/* How the database answers: no question about one run may read the tables of all runs. */
#include "tests/test.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "results/sql.h"
#include "results/store.h"
#include "tests/store_fixture.h"

/* Tables that grow with every item; the others have a row per run, task or measurement. */
static const char *const large[] = {"items", "item_metrics", "requests", "docs", "i", "m", "q", "d"};

/* Those whose business is everything there is. */
static const enum sql everything[] = {
    SQL_FOREIGN_KEY_CHECK, SQL_INTEGRITY_CHECK, SQL_VACUUM,
};

static int reads_everything(enum sql q)
{
    for (size_t i = 0; i < sizeof everything / sizeof everything[0]; i++)
        if (everything[i] == q)
            return 1;
    return 0;
}

/* "SCAN items" reads the table; "SEARCH items USING INDEX ..." asks it. */
static int is_scan(const char *detail)
{
    if (strncmp(detail, "SCAN ", 5) != 0)
        return 0;
    for (size_t i = 0; i < sizeof large / sizeof large[0]; i++) {
        size_t n = strlen(large[i]);
        if (strncmp(detail + 5, large[i], n) == 0 && (detail[5 + n] == 0 || detail[5 + n] == ' '))
            return 1;
    }
    return 0;
}

/* Sorting what a run has is a sort of 100,000 items: order must come from an index. */
static int is_sort(const char *detail)
{
    return strstr(detail, "USE TEMP B-TREE") != NULL;
}

static int explain(sqlite3 *h, const char *sql, int (*is_bad)(const char *detail))
{
    char *text = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sql);
    sqlite3_stmt *st = NULL;
    int bad = 0;

    if (sqlite3_prepare_v2(h, text, -1, &st, NULL) != SQLITE_OK)
        fail_msg("%s: %s", text, sqlite3_errmsg(h));
    while (sqlite3_step(st) == SQLITE_ROW) {
        const char *detail = (const char *)sqlite3_column_text(st, 3);
        if (is_bad(detail)) {
            print_message("          %s: %s\n", sql, detail);
            bad = 1;
        }
    }
    sqlite3_finalize(st);
    sqlite3_free(text);
    return bad;
}

/* Those about an attached database are not of this one. */
static int is_statement(enum sql q)
{
    if (strstr(sql_text(q), " source.") || strstr(sql_text(q), " temp."))
        return 0;
    return strncmp(sql_text(q), "SELECT", 6) == 0 || strncmp(sql_text(q), "UPDATE", 6) == 0 ||
           strncmp(sql_text(q), "DELETE", 6) == 0;
}

static sqlite3 *open_plain(void)
{
    struct err e = ERR_NONE;
    struct store *s = NULL;
    sqlite3 *h = NULL;

    assert_int_equal(store_open(&s, in_dir("plans.db"), NULL, &e), 0);
    store_close(s);
    assert_int_equal(sqlite3_open(in_dir("plans.db"), &h), SQLITE_OK);
    return h;
}

static void nothing_reads_all_items(void **state)
{
    sqlite3 *h = open_plain();
    int bad = 0, asked = 0;
    (void)state;
    for (int q = 0; q < SQL_COUNT; q++)
        if (is_statement((enum sql)q) && !reads_everything((enum sql)q)) {
            bad += explain(h, sql_text((enum sql)q), is_scan);
            asked++;
        }
    assert_true(explain(h, "SELECT count(output) FROM items", is_scan)); /* it can see a scan */
    assert_int_equal(bad, 0);
    assert_true(asked > 30);
    sqlite3_close(h);
}

static void the_content_of_a_run_comes_in_index_order(void **state)
{
    sqlite3 *h = open_plain();
    int bad = 0;
    (void)state;
    for (int q = SQL_CONTENT_RUN; q <= SQL_CONTENT_BENCH_VALUES; q++)
        bad += explain(h, sql_text((enum sql)q), is_sort);
    assert_int_equal(bad, 0);
    sqlite3_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_reads_all_items),
        cmocka_unit_test(the_content_of_a_run_comes_in_index_order),
    };
    return cmocka_run_group_tests(tests, fixture_folder, fixture_folder_gone);
}
