/* Where an answer is found in a text and when two are equal: by lm-eval's rules (evaluation.md 2.5,
 * 2.6), on texts short enough to be read off. */
#include "tests/test.h"

#include "base/mem.h"
#include "tasks/answer.h"
#include "tasks/answer_bbh.h"

#define LENGTH(a) ((int)(sizeof(a) / sizeof(a)[0]))

/* --- patterns --------------------------------------------------------------------------------- */

static void a_pattern_finds_its_selected_match(void **state)
{
    static const struct {
        const char *pattern;
        int select;
        const char *text, *found;
    } rows[] = {
        {"[0-9]+", 0, "a 12 b 3 c 45", "12"},       {"[0-9]+", 1, "a 12 b 3 c 45", "3"},
        {"[0-9]+", 2, "a 12 b 3 c 45", "45"},       {"[0-9]+", 3, "a 12 b 3 c 45", "[invalid]"},
        {"[0-9]+", -1, "a 12 b 3 c 45", "45"},      {"[0-9]+", 0, "none", "[invalid]"},
        {"[0-9]+", -1, "none", "[invalid]"},        {"[0-9]+", 0, "", "[invalid]"},
        {"a(b*)c", 0, "ac abbc", ""},               {"a(b*)c", 1, "ac abbc", "bb"},
        {"(x)|(y)", 0, "zy", "y"},                  {"(x*)(y)", 0, "y", "y"},
        {"(x)(y)", -1, "xy", "x"},
        {"=([^;]*);", 0, "=  two words\n;", "two words"},
        {"\\w+", 1, "\xc3\xa9t\xc3\xa9 caf\xc3\xa9", "caf\xc3\xa9"},
        {"(q)?(z)?$", 0, "a", "[invalid]"},
    };
    struct err e = ERR_NONE;

    (void)state;
    for (int i = 0; i < LENGTH(rows); i++) {
        struct answer_rules rules = {.n_filters = 2};
        struct answer *a;
        char *got;
        rules.filters[0] = (struct filter){"other", "never", 0, NULL, NULL};
        rules.filters[1] = (struct filter){"this", rows[i].pattern, rows[i].select, NULL, NULL};
        if (answer_open(&a, &rules, &e) < 0)
            fail_msg("%s", e.text);
        got = answer_filter(a, 1, rows[i].text, NULL, &e);
        if (!got || strcmp(got, rows[i].found) != 0)
            fail_msg("%s of '%s': '%s', expected '%s'", rows[i].pattern, rows[i].text, got,
                     rows[i].found);
        mem_free(got);
        answer_close(a);
    }
    assert_int_equal(mem_live(), 0);
}

static void a_filter_without_a_pattern_takes_the_text(void **state)
{
    static const struct answer_rules rules = {
        .filters = {{"all", NULL, 0, find_all, NULL}, {"stripped", NULL, 0, find_stripped, NULL}},
        .n_filters = 2};
    struct answer *a;
    char *got;

    (void)state;
    assert_int_equal(answer_open(&a, &rules, NULL), 0);
    got = answer_filter(a, 0, " \n x ", NULL, NULL);
    assert_string_equal(got, " \n x ");
    mem_free(got);
    got = answer_filter(a, 1, " \n x ", NULL, NULL);
    assert_string_equal(got, "x ");
    mem_free(got);
    answer_close(a);
    answer_close(NULL);
    assert_int_equal(mem_live(), 0);
}

static void a_pattern_that_is_none_is_an_error(void **state)
{
    static const struct answer_rules filter = {.filters = {{"f", "(", 0, NULL, NULL}},
                                               .n_filters = 1};
    static const struct answer_rules ignore = {.n_filters = 0, .ignore = {"a", "["}};
    struct answer *a = NULL;
    struct err e = ERR_NONE;

    (void)state;
    assert_int_equal(answer_open(&a, &filter, &e), -1);
    assert_int_equal(e.code, ERR_FORMAT);
    assert_memory_equal(e.text, "searching for the answer: missing closing", 40);
    assert_int_equal(answer_open(&a, &ignore, &e), -1);
    assert_null(a);
    assert_int_equal(mem_live(), 0);
}

static void equal_is_what_is_left_after_the_rules(void **state)
{
    static const struct answer_rules plain = {.n_filters = 0}, cased = {.ignore_case = 1},
                                     marked = {.ignore_punctuation = 1},
                                     cut = {.ignore = {"b", "ac", "\\.$", "x", "y", "z"},
                                            .ignore_case = 1};
    static const struct {
        const struct answer_rules *rules;
        const char *got, *want;
        int equal;
    } rows[] = {
        {&plain, "a", "a", 1},    {&plain, "a", "A", 0},      {&plain, "a", "ab", 0},
        {&plain, "ab", "a", 0},   {&plain, "", "", 1},        {&plain, "a.", "a", 0},
        {&cased, "\xc3\x89", "\xc3\xa9", 1}, {&cased, "a.", "A", 0},
        {&marked, "a.b!", "a,b", 1}, {&marked, "a.b", "A.b", 0},
        {&cut, "abc1", "1", 1},   /* first b, then what is left of abc */
        {&cut, "1.", "1", 1},     {&cut, "1..", "1", 0},      {&cut, "zyx1", "1", 1},
        {&cut, "Q", "q", 1},      {&cut, "X", "", 0},         /* patterns come before case */
    };

    (void)state;
    for (int i = 0; i < LENGTH(rows); i++) {
        struct answer *a;
        assert_int_equal(answer_open(&a, rows[i].rules, NULL), 0);
        if (answer_equal(a, rows[i].got, rows[i].want, NULL) != rows[i].equal)
            fail_msg("'%s' and '%s': not %d", rows[i].got, rows[i].want, rows[i].equal);
        answer_close(a);
    }
    assert_int_equal(mem_live(), 0);
}

static void a_text_is_contained_as_it_is_written(void **state)
{
    static const char signs[] = "./:@[`{!~?*+()|^$\\ #-_";
    static const char *const plain[] = {"a", "z", "A", "Z", "0", "9", "b", "1", "\xc3\xa9"};

    (void)state;
    assert_int_equal(answer_contains("anything", "", NULL), 1);
    assert_int_equal(answer_contains("", "a", NULL), 0);
    assert_int_equal(answer_contains("In PARIS, then", "paris", NULL), 1);
    assert_int_equal(answer_contains("\xc3\x89 1", "\xc3\xa9", NULL), 1);
    assert_int_equal(answer_contains("axb", "a.b", NULL), 0);
    for (const char *s = signs; *s; s++) {
        char want[2] = {*s, 0}, text[4] = {'q', *s, 'q', 0};
        assert_int_equal(answer_contains(text, want, NULL), 1);
        assert_int_equal(answer_contains("qq", want, NULL), 0);
    }
    for (int i = 0; i < LENGTH(plain); i++) {
        char text[8];
        snprintf(text, sizeof text, "-%s-", plain[i]);
        assert_int_equal(answer_contains(text, plain[i], NULL), 1);
        assert_int_equal(answer_contains("-q-", plain[i], NULL), 0);
    }
}

/* --- BIG-Bench Hard without examples --------------------------------------------------------- */

struct found {
    const char *question, *text, *first, *last;
};

static void check_found(const struct answer_rules *rules, const struct found *rows, int n)
{
    struct err e = ERR_NONE;
    struct answer *a;

    assert_int_equal(answer_open(&a, rules, NULL), 0);
    for (int i = 0; i < n; i++)
        for (int f = 0; f < 2; f++) {
            const struct doc d = {.text = rows[i].question ? rows[i].question : ""};
            const char *wanted = f ? rows[i].last : rows[i].first;
            char *got = answer_filter(a, f, rows[i].text, &d, &e);
            if (!got)
                fail_msg("%s", e.text);
            if (strcmp(got, wanted) != 0)
                fail_msg("row %d, '%s': '%s', expected '%s'", i, rows[i].text, got, wanted);
            mem_free(got);
        }
    answer_close(a);
    assert_int_equal(mem_live(), 0);
}

static void a_choice_is_a_letter_or_its_text(void **state)
{
    static const struct answer_rules rules = {
        .filters = {{"first", "(\\([A-Z]\\))", 0, NULL, bbh_choice},
                    {"last", "(\\([A-Z]\\))", -1, NULL, bbh_choice}},
        .n_filters = 2};
    static const char *const asked = "Which (one)?\nOptions:\n(A) Paris, France\n"
                                     "(B) the cat\n(C) The Cat!\n(D)  dog ^ cut\n(E) ox (F) elk";
    static const struct found rows[] = {
        {asked, "It is (B), not (A).", "(B)", "(A)"},
        {asked, "It is paris france, or the dog", "(A)", "(D)"}, /* no marks, no case */
        {asked, "THE CAT is", "(C)", "(C)"},                     /* of equal ones the last */
        {asked, "elk and ox", "(F)", "(E)"},
        {asked, "cut", "[invalid]", "[invalid]"}, /* behind ^ nothing is a choice's */
        {asked, "I say: B, no: F", "(B)", "(F)"},
        {asked, "I say:A", "(A)", "(A)"},
        {asked, "I say: G", "[invalid]", "[invalid]"},
        {asked, "", "[invalid]", "[invalid]"},
        {"no choices", "I say: A", "[invalid]", "[invalid]"},
        {"(@) a ([) b (a) c (A] d", "a b c d: A", "[invalid]", "[invalid]"},
        {"(Z) zoo", "zoo", "(A)", "(A)"},   /* letters are counted */
        {"(A) one\n(B)", "two", "[invalid]", "[invalid]"},
        {"(A)\n(B) b", "b: B", "(B)", "(B)"},
        {"(A) aa\n(B) a", "aaa", "(A)", "(B)"}, /* what was found is passed over */
    };

    (void)state;
    check_found(&rules, rows, LENGTH(rows));
}

static void more_letters_than_the_alphabet_are_no_choices(void **state)
{
    static const struct answer_rules rules = {
        .filters = {{"first", "(never)", 0, NULL, bbh_choice}}, .n_filters = 1};
    struct strbuf question = STRBUF_INIT;
    struct doc d = {0};
    struct answer *a;
    char *got;

    (void)state;
    for (int i = 0; i < 28; i++)
        strbuf_addf(&question, "(%c) w%02d\n", 'A' + i % 26, i);
    d.text = strbuf_str(&question);
    assert_int_equal(answer_open(&a, &rules, NULL), 0);
    got = answer_filter(a, 0, "w25", &d, NULL);
    assert_string_equal(got, "(Z)");
    mem_free(got);
    got = answer_filter(a, 0, "w26", &d, NULL);
    assert_string_equal(got, "[invalid]");
    mem_free(got);
    got = answer_filter(a, 0, ": Z", &d, NULL);
    assert_string_equal(got, "(Z)");
    mem_free(got);
    answer_close(a);
    strbuf_release(&question);
    assert_int_equal(mem_live(), 0);
}

static void no_and_yes_are_groups(void **state)
{
    static const struct answer_rules rules = {
        .filters = {{"first", "\\b(no|not plausible)\\b|\\b(yes|plausible)\\b", 0, NULL,
                     bbh_no_or_yes},
                    {"last", "\\b(no|not plausible)\\b|\\b(yes|plausible)\\b", -1, NULL,
                     bbh_no_or_yes}},
        .n_filters = 2};
    static const struct found rows[] = {
        {NULL, "No. Well, Yes", "no", "yes"}, {NULL, "It is PLAUSIBLE", "yes", "yes"},
        {NULL, "It is not plausible", "no", "no"}, {NULL, "maybe", "[invalid]", "[invalid]"},
    };

    (void)state;
    check_found(&rules, rows, LENGTH(rows));
}

/* Every numeral; word2number's way with large ones, its surprise included. */
static void numbers_are_digits_or_words(void **state)
{
    static const struct answer_rules rules = {
        .filters = {{"first", "([-0-9]+)", 0, NULL, bbh_number},
                    {"last", "([-0-9]+)", -1, NULL, bbh_number}},
        .n_filters = 2};
    static const struct found rows[] = {
        {NULL, "12 or -3", "12", "-3"},
        {NULL, "nothing", "[invalid]", "[invalid]"},
        {NULL, "there are none", "1", "1"}, /* a number may begin inside a word */
        {NULL, "Twenty one", "21", "21"},
        {NULL, "ten men, twelve mice", "10", "12"},
        {NULL, "hundred", "100", "100"},
        {NULL, "two hundred", "200", "200"},
        {NULL, "hundred two", "200", "200"}, /* a product either way round */
        {NULL, "two hundred forty one", "241", "241"},
        {NULL, "five hundred and twelve", "512", "512"},
        {NULL, "five thousand", "5000", "5000"},
        {NULL, "five thousand and twelve", "5012", "5012"},
        {NULL, "two million three thousand", "2004003", "2004003"}, /* three thousand twice */
        {NULL, "two billion three million four thousand five", "2003004005", "2003004005"},
        {NULL, "thousand", "1000", "1000"},
        {NULL, "two thousand two thousand", "[invalid]", "[invalid]"},
        {NULL, "two thousand two million", "[invalid]", "[invalid]"},
        {NULL, "one hundred thousand", "100000", "100000"},
        {NULL, "thousand one", "[invalid]", "[invalid]"}, /* nothing before the large word */
        {NULL, "eighteen", "18", "18"}, {NULL, "eighty", "80", "80"}, {NULL, "fifteen", "15", "15"},
    };

    (void)state;
    check_found(&rules, rows, LENGTH(rows));
}

static void words_stand_in_the_order_of_their_last_places(void **state)
{
    static const struct answer_rules rules = {
        .filters = {{"first", NULL, 0, NULL, bbh_words}, {"last", NULL, 0, NULL, bbh_words}},
        .n_filters = 2};
    static const char *const asked = "Sort the following words: List: cat  ant\tbee";
    static const struct found rows[] = {
        {asked, "ant bee cat", "ant bee cat", "ant bee cat"},
        {asked, "cat ant bee, so: bee cat", "ant bee cat", "ant bee cat"},
        {asked, "ants Cat beehive", "", ""},
        {asked, "", "", ""},
        {"no list", "cat", "", ""},
        {"List: a b\nA: c", "c b a", "b a", "b a"},
        {"List: a b\nA: c\nA: d", "d c b a", "c b a", "c b a"}, /* the last question's end */
        {"List: a b List: c", "c b a", "b a", "b a"},
        {"List:", "x", "", ""},
        {"List: a.c", "abc a.c", "a.c", "a.c"}, /* letter by letter */
        {"List: \\E ok", "ok", "ok", "ok"},
    };

    (void)state;
    check_found(&rules, rows, LENGTH(rows));
}

/* --- memory ---------------------------------------------------------------------------------- */

static void every_search_survives_every_failed_allocation(void **state)
{
    static const struct answer_rules rules[] = {
        {.filters = {{"f", "(\\([A-Z]\\))", -1, NULL, bbh_choice}}, .n_filters = 1},
        {.filters = {{"f", "\\b(no)\\b|\\b(yes)\\b", 0, NULL, bbh_no_or_yes}}, .n_filters = 1},
        {.filters = {{"f", "([-0-9]+)", 0, NULL, bbh_number}}, .n_filters = 1},
        {.filters = {{"f", NULL, 0, NULL, bbh_words}}, .n_filters = 1}};
    static const char *const texts[] = {"the cat", ": B", "two hundred", "yes", "cat bee", "maybe"};
    const struct doc d = {.text = "Options:\n(A) The cat\n(B) dog\nList: bee cat"};

    (void)state;
    for (int i = 0; i < LENGTH(rules); i++)
        for (int k = 0; k < LENGTH(texts); k++) {
            char *got = NULL;
            for (int nth = 0; !got; nth++) {
                struct answer *a = NULL;
                struct err e = ERR_NONE;
                mem_fail_at(nth);
                if (answer_open(&a, &rules[i], &e) == 0)
                    got = answer_filter(a, 0, texts[k], &d, &e);
                mem_fail_at(-1);
                answer_close(a);
                assert_int_equal(e.code, got ? ERR_OK : ERR_NOMEM);
                assert_int_equal(mem_live(), got != NULL);
            }
            mem_free(got);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pattern_finds_its_selected_match),
        cmocka_unit_test(a_filter_without_a_pattern_takes_the_text),
        cmocka_unit_test(a_pattern_that_is_none_is_an_error),
        cmocka_unit_test(equal_is_what_is_left_after_the_rules),
        cmocka_unit_test(a_text_is_contained_as_it_is_written),
        cmocka_unit_test(a_choice_is_a_letter_or_its_text),
        cmocka_unit_test(more_letters_than_the_alphabet_are_no_choices),
        cmocka_unit_test(no_and_yes_are_groups),
        cmocka_unit_test(numbers_are_digits_or_words),
        cmocka_unit_test(words_stand_in_the_order_of_their_last_places),
        cmocka_unit_test(every_search_survives_every_failed_allocation),
    };

    return RUN(tests);
}
