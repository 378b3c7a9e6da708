/* Tables of stored texts fit their width and hold nothing that a terminal would obey. */
#include "tests/test.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "harness/table.h"

static const struct column columns[] = {{"model", 0, 0}, {"label", 0, 2}, {"kind", 0, 1},
                                        {"items", 1, 0}};

static void fill(struct table *t, int exact, const char *model, const char *label)
{
    table_init(t, columns, 4, exact);
    table_cell(t, "%s", model);
    table_cell(t, "%s", label);
    table_cell(t, "eval");
    table_int(t, 7);
}

static size_t widest_line(const char *s)
{
    size_t widest = 0, n, width;

    for (; *s; s += n + (s[n] == '\n')) {
        n = strcspn(s, "\n");
        width = utf8_count(s, n);
        widest = width > widest ? width : widest;
    }
    return widest;
}

static void what_has_room_is_printed_whole(void **state)
{
    struct strbuf b = STRBUF_INIT;
    struct err e = ERR_NONE;
    struct table t;
    (void)state;
    fill(&t, 0, "m", "base");
    assert_int_equal(table_print(&t, &b, 80, 0, &e), 0);
    assert_string_equal(b.s, "model  label  kind  items\nm      base   eval      7\n");
    strbuf_release(&b);
    table_release(&t);
}

static void columns_go_before_texts_are_cut_short(void **state)
{
    struct strbuf b = STRBUF_INIT;
    struct err e = ERR_NONE;
    struct table t;
    (void)state;
    fill(&t, 0, "a-model-of-26-characters--", "base");
    assert_int_equal(table_print(&t, &b, 39, 0, &e), 0);
    assert_string_equal(b.s, "model                       kind  items\n"
                             "a-model-of-26-characters--  eval      7\n"
                             "(no room for: label)\n");
    strbuf_clear(&b);
    assert_int_equal(table_print(&t, &b, 30, 0, &e), 0);
    assert_string_equal(b.s, "model                    items\n"
                             "a-model-of-26-characte\xe2\x80\xa6      7\n"
                             "(no room for: label, kind)\n");
    strbuf_release(&b);
    table_release(&t);
}

static void a_name_of_any_length_leaves_the_table_a_table(void **state)
{
    char *name = mem_alloc(1000001);
    struct strbuf b = STRBUF_INIT;
    struct err e = ERR_NONE;
    struct table t;
    (void)state;
    memset(name, 'm', 1000000);
    name[1000000] = 0;
    fill(&t, 0, name, "base");
    assert_int_equal(table_print(&t, &b, 80, 0, &e), 0);
    assert_in_range(widest_line(b.s), 50, 80);
    assert_non_null(strstr(b.s, "label")); /* nothing had to go */
    table_release(&t);
    fill(&t, 0, name, name);
    strbuf_clear(&b);
    assert_int_equal(table_print(&t, &b, 80, 0, &e), 0);
    assert_in_range(widest_line(b.s), 50, 80);
    strbuf_release(&b);
    table_release(&t);
    mem_free(name);
}

static void a_terminal_is_shown_no_control_character(void **state)
{
    static const char evil[] = "\x1b[31m\r\n\xc2\x9b" "1m\xe2\x80\xaex";
    struct strbuf b = STRBUF_INIT;
    struct err e = ERR_NONE;
    struct table t;
    (void)state;
    fill(&t, 0, evil, "base");
    assert_int_equal(table_print(&t, &b, 80, 0, &e), 0);
    assert_non_null(strstr(b.s, "\n?[31m????1m???x  base"));
    table_release(&t);
    strbuf_clear(&b);
    fill(&t, 1, evil, "base"); /* a CSV file has what was stored */
    assert_int_equal(table_csv(&t, &b, &e), 0);
    assert_non_null(strstr(b.s, evil));
    strbuf_release(&b);
    table_release(&t);
    assert_int_equal(mem_live(), 0);
}

static void wide_characters_are_cut_whole(void **state)
{
    struct strbuf b = STRBUF_INIT;
    struct err e = ERR_NONE;
    struct table t;
    (void)state;
    fill(&t, 0, "\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad"
                "\xe4\xb8\xad\xe4\xb8\xad", "b");
    assert_int_equal(table_print(&t, &b, 20, 0, &e), 0); /* 13 columns: six characters and "..." */
    assert_non_null(strstr(b.s, "\n\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad"
                                "\xe4\xb8\xad\xe2\x80\xa6      7\n"));
    strbuf_release(&b);
    table_release(&t);
}

static void long_lines_are_broken_between_words(void **state)
{
    static const struct { const char *text, *want; } rows[] = {
        {"one two three four\n", "one two\n    three\n    four\n"},
        {"short\n\nnext", "short\n\nnext"},
        {"0123456789abcdef x", "0123456789abcdef\n    x"},
        {"\x1b[1mone two\x1b[0m\n", "\x1b[1mone two\x1b[0m\n"},
        {"模型 模型 模型", "模型 模型\n    模型"},
        {"", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct strbuf b = STRBUF_INIT;
        text_fold(&b, rows[i].text, 10);
        assert_string_equal(strbuf_str(&b), rows[i].want);
        strbuf_release(&b);
    }
}

static void what_has_no_room_is_told_within_the_width(void **state)
{
    static const struct column five[] = {
        {"first", 0, 0}, {"second", 0, 1}, {"third", 0, 2}, {"fourth", 0, 3}, {"fifth", 0, 4}};
    struct strbuf b = STRBUF_INIT;
    struct err e = ERR_NONE;
    struct table t;
    (void)state;
    table_init(&t, five, 5, 0);
    for (int i = 0; i < 5; i++)
        table_cell(&t, "%s", "twelve marks");
    assert_int_equal(table_print(&t, &b, 24, 0, &e), 0);
    assert_string_equal(b.s, "first\ntwelve marks\n(no room for: second,\n    third, fourth,\n"
                             "    fifth)\n");
    strbuf_release(&b);
    table_release(&t);
    assert_int_equal(mem_live(), 0);
}

static void an_empty_last_cell_leaves_no_blanks(void **state)
{
    static const struct column two[] = {{"a", 0, 0}, {"b", 0, 0}};
    struct strbuf b = STRBUF_INIT;
    struct err e = ERR_NONE;
    struct table t;
    (void)state;
    table_init(&t, two, 2, 0);
    table_cell(&t, "x");
    table_cell(&t, "%s", "");
    assert_int_equal(table_print(&t, &b, 80, 0, &e), 0);
    assert_string_equal(b.s, "a  b\nx\n");
    strbuf_release(&b);
    table_release(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_has_room_is_printed_whole),
        cmocka_unit_test(columns_go_before_texts_are_cut_short),
        cmocka_unit_test(a_name_of_any_length_leaves_the_table_a_table),
        cmocka_unit_test(a_terminal_is_shown_no_control_character),
        cmocka_unit_test(wide_characters_are_cut_whole),
        cmocka_unit_test(long_lines_are_broken_between_words),
        cmocka_unit_test(what_has_no_room_is_told_within_the_width),
        cmocka_unit_test(an_empty_last_cell_leaves_no_blanks),
    };
    return RUN(tests);
}
