/* What a night's page says of a night made up. */
#include "tests/test.h"

#include "base/mem.h"
#include "harness/night_page.h"
#include "tests/report_sample.h"

static void levels_before_and_after_a_change_have_their_unit(void **state)
{
    static const struct {
        const char *metric;
        double before, after;
        const char *texts[2];
    } rows[] = {
        {"facts peak_rss_bytes", 207548416, 1.5e8, {"208\u00a0MB", "150\u00a0MB"}},
        {"facts acc", 0.3, 0.25, {"0.3", "0.25"}},
        {"tg128 tok_s", 220.31, 198.42, {"220.31", "198.42"}},
        {"mine", 1.5, 2, {"1.5", "2"}}, /* a metric that only a task file knows */
    };
    struct night_change changes[sizeof rows / sizeof *rows];
    struct night_report night = {.night = {.n = 9, .date = "2026-11-09"}, .changes = changes,
                                 .n_changes = sizeof rows / sizeof *rows};
    const struct report_table *t;
    struct err e = ERR_NONE;
    struct report page;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        changes[i] = (struct night_change){.series = "s", .metric = rows[i].metric, .night = 5,
                                           .date = "2026-11-05", .before = rows[i].before,
                                           .after = rows[i].after, .p = 0.01};
    report_init(&page, "Night");
    assert_int_equal(night_page(&page, &night, &e), 0);
    t = report_table_of(&page, "changes");
    assert_int_equal(t->n_rows, sizeof rows / sizeof *rows);
    for (int i = 0; i < t->n_rows; i++)
        for (int k = 0; k < 2; k++)
            assert_string_equal(t->cells[i * t->n_columns + 4 + k].text, rows[i].texts[k]);
    report_release(&page);
    assert_int_equal(mem_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_before_and_after_a_change_have_their_unit),
    };

    return RUN(tests);
}
