#include "tests/test.h"

#include "base/csv.h"
#include "base/mem.h"

static void assert_row(struct csv *c, size_t line, int n, const char *const *want)
{
    struct err e = ERR_NONE;

    assert_int_equal(csv_next(c, &e), 1);
    assert_int_equal(c->line, line);
    assert_int_equal(c->n_fields, n);
    for (int i = 0; i < n; i++)
        assert_string_equal(csv_field(c, i), want[i]);
}

static void quotes_commas_and_line_breaks_are_fields_text(void **state)
{
    static const char text[] = "\xef\xbb\xbf" "a,b,c\r\n"
                               "\"x, \"\"y\"\"\",,\"two\nlines\"\n"
                               "\n"
                               "5\" disk,\"\",last";
    struct csv c;
    (void)state;
    csv_init(&c, text, sizeof text - 1, "t.csv");
    assert_row(&c, 1, 3, (const char *const[]){"a", "b", "c"});
    assert_int_equal(csv_column(&c, "c"), 2);
    assert_int_equal(csv_column(&c, "d"), -1);
    assert_row(&c, 2, 3, (const char *const[]){"x, \"y\"", "", "two\nlines"});
    assert_row(&c, 5, 3, (const char *const[]){"5\" disk", "", "last"});
    assert_int_equal(csv_next(&c, NULL), 0);
    csv_release(&c);
    assert_int_equal(mem_live(), 0);
}

static void malformed_text_is_refused_with_its_line(void **state)
{
    static const struct { const char *text; size_t n; const char *want; } rows[] = {
        {"a\n\"b\nc", 7, "t.csv:2: a quote is never closed"},
        {"a\n\"b\n\"c", 8, "t.csv:3: text after a closing quote"},
        {"a\nb\0c", 5, "t.csv:2: not UTF-8 text"},
        {"a\n\xff", 3, "t.csv:2: not UTF-8 text"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct err e = ERR_NONE;
        struct csv c;
        int rc;
        csv_init(&c, rows[i].text, rows[i].n, "t.csv");
        while ((rc = csv_next(&c, &e)) == 1)
            ;
        assert_int_equal(rc, -1);
        assert_int_equal(e.code, ERR_FORMAT);
        assert_string_equal(e.text, rows[i].want);
        csv_release(&c);
    }
}

static void reading_survives_every_failed_allocation(void **state)
{
    int rc = -1;
    (void)state;
    for (long nth = 0; rc < 0; nth++) {
        struct err e = ERR_NONE;
        struct csv c;
        csv_init(&c, "a,\"b\"\n", 6, "t.csv");
        mem_fail_at(nth);
        rc = csv_next(&c, &e);
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        csv_release(&c);
        assert_int_equal(mem_live(), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quotes_commas_and_line_breaks_are_fields_text),
        cmocka_unit_test(malformed_text_is_refused_with_its_line),
        cmocka_unit_test(reading_survives_every_failed_allocation),
    };
    return RUN(tests);
}
