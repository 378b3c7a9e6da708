#include "tests/test.h"

#include "base/mem.h"
#include "base/suggest.h"
#include "harness/command.h"
#include "harness/usage.h"

static int nothing(struct context *c, struct err *e)
{
    (void)c;
    (void)e;
    return 0;
}

static const struct option eval_options[] = {
    {"tasks", 't', OPTION_WORDS, "T,...", NULL, 0, 0, "what to run"},
    {"limit", 'n', OPTION_INT, "N", "0", 0, 1e9, "at most so many items"},
    {"memory", 0, OPTION_SIZE, "BYTES", "64M", 1, 1e18, "how much"},
    {"numerics", 0, OPTION_CHOICE, "exact|fast", "exact", 0, 0, "arithmetic"},
    {"temperature", 0, OPTION_NUMBER, "X", "0", 0, 10, "it's hot"},
    {"sizes", 'p', OPTION_INTS, "N,...", "512", 1, 1e6, "a grid"},
    {"verbose", 'v', OPTION_COUNT, NULL, NULL, 0, 0, "say more"},
    {"chat", 'c', OPTION_FLAG, NULL, NULL, 0, 0, "use the template"},
    {NULL, 0, 0, NULL, NULL, 0, 0, NULL},
};

static const struct command table[] = {
    {"Measuring", "eval", nothing, eval_options, "MODEL...", 1, -1, NULL, 0, "run tasks", NULL},
    {"Results", "db", nothing, NULL, "check|backup|vacuum [FILE]", 1, 2, "check|backup|vacuum", 1,
     "the database", "First paragraph.\n\nSecond."},
    {NULL, NULL, NULL, NULL, NULL, 0, 0, NULL, 0, NULL, NULL},
};

static struct args *parse(struct err *e, int argc, char **argv)
{
    struct args *a = NULL;

    *e = ERR_NONE;
    args_parse(&a, table, argc, argv, e);
    return a;
}

#define PARSE(e, ...)                                                                              \
    parse(e, (int)(sizeof((char *[]){__VA_ARGS__}) / sizeof(char *)), (char *[]){__VA_ARGS__})

static void every_form_of_an_option_is_understood(void **state)
{
    struct err e;
    struct args *a = PARSE(&e, "densimeter", "--db", "x.db", "eval", "-cvv", "-n5", "one.gguf",
                           "--tasks=a,b", "-t", "c", "--numerics", "fast", "--temperature=0.5",
                           "--memory", "2k", "-p", "128,512", "--", "-two.gguf");
    int64_t sizes[2];

    (void)state;
    assert_non_null(a);
    assert_string_equal(args_command(a)->name, "eval");
    assert_string_equal(args_str(a, "db"), "x.db");
    assert_true(args_flag(a, "chat"));
    assert_int_equal(args_given(a, "verbose"), 2);
    assert_int_equal(args_int(a, "limit"), 5);
    assert_int_equal(args_n(a), 2);
    assert_string_equal(args_at(a, 1), "-two.gguf");
    assert_null(args_at(a, 2));
    assert_int_equal(args_count(a, "tasks"), 3);
    assert_string_equal(args_word(a, "tasks", 2), "c");
    assert_int_equal(args_choice(a, "numerics"), 1);
    assert_true(args_num(a, "temperature") == 0.5);
    assert_int_equal(args_int(a, "memory"), 2048);
    assert_int_equal(args_count(a, "sizes"), 2);
    args_ints(a, "sizes", sizes);
    assert_int_equal(sizes[0], 128);
    assert_int_equal(sizes[1], 512);
    args_free(a);
}

static void what_is_not_given_has_the_value_of_its_row(void **state)
{
    struct err e;
    struct args *a = PARSE(&e, "densimeter", "eval", "m");
    int64_t size;

    (void)state;
    assert_non_null(a);
    assert_int_equal(args_int(a, "limit"), 0);
    assert_int_equal(args_int(a, "memory"), 64 << 20);
    assert_string_equal(args_str(a, "numerics"), "exact");
    assert_int_equal(args_count(a, "sizes"), 1);
    args_ints(a, "sizes", &size);
    assert_int_equal(size, 512);
    assert_null(args_str(a, "db"));
    assert_int_equal(args_count(a, "data"), 0);
    args_free(a);
}

static void wrong_usage_is_refused_with_a_reason(void **state)
{
    static const struct {
        char *argv[6];
        const char *text, *hint;
    } rows[] = {
        {{"d", "evla", "m"}, "unknown command 'evla'", "did you mean 'eval'?"},
        {{"d", "eval", "m", "--limt", "3"}, "eval: unknown option --limt", "did you mean --limit?"},
        {{"d", "eval", "m", "-z"}, "eval: unknown option -z", "'densimeter help eval'"},
        {{"d", "eval", "m", "--limit", "x"}, "option --limit: 'x' is not a whole number", ""},
        {{"d", "eval", "m", "--limit=-1"}, "'-1' is not a whole number from 0 to", ""},
        {{"d", "eval", "m", "--limit", "99999999999999999999"}, "is not a whole number", ""},
        {{"d", "eval", "m", "--limit"}, "option --limit needs a value (N)", ""},
        {{"d", "eval", "m", "--numerics", "fsat"}, "'fsat' is none of exact|fast", "'fast'"},
        {{"d", "eval", "m", "--temperature", "nan"}, "'nan' is not a number from 0 to 10", ""},
        {{"d", "eval", "m", "--chat=1"}, "option --chat takes no value", ""},
        {{"d", "eval", "m", "-p", "1,,2"}, "option --sizes: '' is not a list", ""},
        {{"d", "eval", "m", "--memory", "4T"}, "'4T' is not a size like 512M of at least 1", ""},
        {{"d", "eval"}, "eval: not enough operands", "usage: densimeter eval"},
        {{"d", "db", "check", "a", "b"}, "db: unexpected operand 'b'", ""},
        {{"d", "db", "chek"}, "db: 'chek' is none of check|backup|vacuum", "'check'"},
        {{"d", "eval", "m", "--csv"}, "unknown option --csv", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct err e;
        int argc = 0;
        char *argv[7] = {NULL};
        while (argc < 6 && rows[i].argv[argc]) {
            argv[argc] = rows[i].argv[argc];
            argc++;
        }
        assert_null(parse(&e, argc, argv));
        assert_int_equal(e.code, ERR_USAGE);
        if (!strstr(e.text, rows[i].text) || !strstr(e.hint, rows[i].hint))
            fail_msg("%s / %s, wanted %s / %s", e.text, e.hint, rows[i].text, rows[i].hint);
    }
    assert_int_equal(mem_live(), 0);
}

static void help_needs_no_operands(void **state)
{
    struct err e;
    struct args *a = PARSE(&e, "densimeter", "eval", "--help");

    (void)state;
    assert_non_null(a);
    assert_true(args_flag(a, "help"));
    args_free(a);
}

static void parsing_survives_every_failed_allocation(void **state)
{
    char *argv[] = {"densimeter", "eval", "m", "--tasks", "a,b,c", "-p", "1,2,3,4,5,6,7,8,9"};
    struct args *a = NULL;

    (void)state;
    for (int nth = 0; !a; nth++) {
        struct err e;
        mem_fail_at(nth);
        a = parse(&e, 7, argv);
        mem_fail_at(-1);
        assert_int_equal(e.code, a ? ERR_OK : ERR_NOMEM);
        if (!a)
            assert_int_equal(mem_live(), 0);
    }
    args_free(a);
    assert_int_equal(mem_live(), 0);
}

static void help_names_every_option_within_80_columns(void **state)
{
    struct strbuf b = STRBUF_INIT;

    (void)state;
    for (const struct command *c = table; c->section; c++) {
        strbuf_clear(&b);
        usage_command(&b, c);
        for (const struct option *o = c->options; o && o->name; o++)
            assert_non_null(strstr(b.s, o->name));
        for (const char *line = strbuf_str(&b); *line;) {
            size_t n = strcspn(line, "\n");
            assert_in_range(n, 0, 79);
            line += n + (line[n] == '\n');
        }
    }
    assert_non_null(strstr(strbuf_str(&b), "--csv"));
    assert_non_null(strstr(strbuf_str(&b), "Second."));
    strbuf_release(&b);
}

static void completions_offer_commands_options_and_choices(void **state)
{
    static const char *const shells[] = {"bash", "zsh", "fish"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct strbuf b = STRBUF_INIT;
        usage_completions(&b, table, shells[i]);
        assert_non_null(strstr(b.s, "eval"));
        assert_non_null(strstr(b.s, "numerics"));
        assert_non_null(strstr(b.s, " exact fast"));
        assert_non_null(strstr(b.s, " check backup vacuum"));
        strbuf_release(&b);
    }
}

static void the_man_page_protects_dashes(void **state)
{
    struct strbuf b = STRBUF_INIT;

    (void)state;
    usage_man(&b, table);
    assert_non_null(strstr(b.s, ".TH DENSIMETER 1"));
    assert_non_null(strstr(b.s, "\\fB\\-t\\fR, \\fB\\-\\-tasks\\fR"));
    strbuf_release(&b);
}

static void the_nearest_name_is_suggested(void **state)
{
    static const struct {
        const char *typed, *best;
    } rows[] = {{"hellasawg", "hellaswag"}, {"MMLU", "mmlu"}, {"arc", "arc_easy"},
                {"xyz", NULL}, {"", NULL}, {"gsm8", "gsm8k"}};
    static const char *const names[] = {"hellaswag", "mmlu", "arc_easy", "gsm8k", "piqa"};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct suggest s = SUGGEST(rows[i].typed);
        for (size_t k = 0; k < 5; k++)
            suggest_offer(&s, names[k]);
        if (rows[i].best)
            assert_string_equal(suggest_best(&s), rows[i].best);
        else
            assert_null(suggest_best(&s));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_of_an_option_is_understood),
        cmocka_unit_test(what_is_not_given_has_the_value_of_its_row),
        cmocka_unit_test(wrong_usage_is_refused_with_a_reason),
        cmocka_unit_test(help_needs_no_operands),
        cmocka_unit_test(parsing_survives_every_failed_allocation),
        cmocka_unit_test(help_names_every_option_within_80_columns),
        cmocka_unit_test(completions_offer_commands_options_and_choices),
        cmocka_unit_test(the_man_page_protects_dashes),
        cmocka_unit_test(the_nearest_name_is_suggested),
    };
    return RUN(tests);
}
