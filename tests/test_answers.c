/* Where an answer is found in a text, when two are equal, and what formats make of replies: by
 * lm-eval's rules (evaluation.md 2.5, 2.6), on texts short enough to be read off. */
#include "tests/test.h"

#include "base/mem.h"
#include "tasks/answer.h"
#include "tasks/answer_bbh.h"
#include "tasks/format.h"
#include "tasks/score.h"

#define LENGTH(a) ((int)(sizeof(a) / sizeof(a)[0]))

/* --- scores ----------------------------------------------------------------------------------- */

static void the_lowest_of_equals_is_best(void **state)
{
    static const double ll[] = {-3, -1, -2, -1}, worst[] = {-INFINITY, -INFINITY, -9};
    static const size_t lengths[] = {6, 1, 4, 2}, none[] = {0, 0, 0}, some[] = {0, 2, 3};

    (void)state;
    assert_int_equal(score_best(ll, 4), 1);
    assert_int_equal(score_best(ll + 2, 2), 1);
    assert_int_equal(score_best(ll, 1), 0);
    assert_int_equal(score_best(worst, 3), 2);
    assert_int_equal(score_best_per(ll, lengths, 4), 0); /* -.5, -1, -.5, -.5 */
    assert_int_equal(score_best_per(ll, none, 3), 0);
    assert_int_equal(score_best_per(ll, some, 3), 1); /* -.5 before -2/3; of no length never */
    /* 1 - C(n-c, k) / C(n, k) */
    assert_close(score_pass_at(5, 2, 3), 1 - 1 / 10., 1e-14);
    assert_close(score_pass_at(4, 1, 2), 1 - 3 / 6., 1e-14);
    assert_close(score_pass_at(10, 3, 5), 1 - 21 / 252., 1e-14);
    assert_true(score_pass_at(5, 3, 3) == 1 && score_pass_at(3, 0, 1) == 0);
    assert_close(score_pass_at(7, 1, 1), 1 / 7., 1e-14);
}

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
        {"(x)(y)", -1, "xy", "x"},                  {"=([^;]*);", 0, "=  two words\n;", "two words"},
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

/* --- BIG-Bench Hard without examples ------------------------------------------------------------ */

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

/* --- formats ------------------------------------------------------------------------------------ */

static const struct recipe scored = {
    .format = &format_choice, .metrics = {"acc", "acc_norm", "acc_bytes", "acc_per_char"}};
static const struct recipe mutual = {
    .format = &format_choice, .metrics = {"acc_mutual_info", "acc"}, .alone = "Answer:"};
static const char *const options[] = {"a", "\xc3\xa9\xc3\xa9", "abc"};
static const char *const prompts[] = {"P0", "P1", "P2"};

static struct task task_of(struct task_row *row, const struct recipe *r)
{
    *row = (struct task_row){.info = {.name = "made"}, .recipe = r};
    return (struct task){.row = row, .style = {.target_delimiter = " "}, .seed = 99};
}

static void asked_is(const struct query *q, enum query_kind kind, const char *context,
                     const char *continuation)
{
    assert_int_equal(q->kind, kind);
    assert_string_equal(q->context, context);
    assert_string_equal(q->continuation, continuation);
}

static void credit_is(const struct credit *c, const char *metric, double value, double weight)
{
    assert_string_equal(c->metric, metric);
    assert_string_equal(c->filter, "none");
    assert_close(c->value, value, 1e-12);
    assert_close(c->weight, weight, 1e-14);
}

/* Lengths: 1, 2, 3 characters; 1, 4, 3 bytes; one more each where the blank counts. */
static void choices_are_compared_by_length(void **state)
{
    const struct reply_text replies[] = {{.loglikelihood = -1.1}, {.loglikelihood = -2},
                                         {.loglikelihood = -3.6}};
    struct task_row row;
    struct task t = task_of(&row, &scored);
    struct doc d = {.choices = options, .n_choices = 3, .gold = 1};
    struct item it = {0};
    struct verdict v = {0};
    double lengths[8];

    (void)state;
    assert_int_equal(format_choice.ask(&t, &d, prompts, &it, NULL), 0);
    assert_int_equal(it.n_queries, 3);
    asked_is(&it.queries[0], QUERY_LOGLIKELIHOOD, "P0", " a");
    asked_is(&it.queries[2], QUERY_LOGLIKELIHOOD, "P0", " abc");
    assert_string_equal(it.gold, options[1]);
    assert_int_equal(it.gold_index, 1);
    item_release(&it);
    t.style.chat = (const void *)"in chat the turn has ended";
    assert_int_equal(format_choice.ask(&t, &d, prompts, &it, NULL), 0);
    asked_is(&it.queries[0], QUERY_LOGLIKELIHOOD, "P0", "a");
    item_release(&it);
    assert_int_equal(format_choice.credit(&t, &d, replies, &v, NULL), 0);
    assert_int_equal(v.n, 4);
    credit_is(&v.credits[0], "acc", 0, 1);          /* -1.1 */
    credit_is(&v.credits[1], "acc_norm", 1, 1);     /* -1.1, -1, -1.2 */
    credit_is(&v.credits[2], "acc_bytes", 1, 1);    /* -1.1, -.5, -1.2 */
    credit_is(&v.credits[3], "acc_per_char", 0, 1); /* -.55, -.67, -.9 */
    assert_string_equal(v.prediction, "a");
    verdict_release(&v);
    assert_int_equal(format_choice.lengths(&t, &d, 1, lengths), 4);
    assert_true(lengths[0] == 1 && lengths[1] == 2 && lengths[2] == 4 && lengths[3] == 3);
    assert_int_equal(mem_live(), 0);
}

static void mutual_information_asks_each_option_alone(void **state)
{
    static const char *const target[] = {"none of them"};
    const struct reply_text replies[] = {{.loglikelihood = -1}, {.loglikelihood = -2},
                                         {.loglikelihood = -3}, {.loglikelihood = -1},
                                         {.loglikelihood = -5}, {.loglikelihood = -4}};
    struct task_row row;
    struct task t = task_of(&row, &mutual);
    struct doc d = {.choices = options, .n_choices = 3, .gold = 1};
    struct item it = {0};
    struct verdict v = {0};
    double lengths[8];

    (void)state;
    assert_int_equal(format_choice.ask(&t, &d, prompts, &it, NULL), 0);
    assert_int_equal(it.n_queries, 6);
    asked_is(&it.queries[2], QUERY_LOGLIKELIHOOD, "P0", " abc");
    asked_is(&it.queries[3], QUERY_LOGLIKELIHOOD, "Answer:", " a");
    asked_is(&it.queries[5], QUERY_LOGLIKELIHOOD, "Answer:", " abc");
    item_release(&it);
    assert_int_equal(format_choice.credit(&t, &d, replies, &v, NULL), 0);
    assert_int_equal(v.n, 2);
    credit_is(&v.credits[0], "acc", 0, 1);
    credit_is(&v.credits[1], "acc_mutual_info", 1, 1); /* 0, 3, 1 */
    verdict_release(&v);
    assert_int_equal(format_choice.lengths(&t, &d, 1, lengths), 0);
    d.gold = -1; /* no choice is right */
    d.targets = target;
    d.n_targets = 1;
    assert_int_equal(format_choice.ask(&t, &d, prompts, &it, NULL), 0);
    assert_string_equal(it.gold, "none of them");
    assert_int_equal(it.gold_index, -1);
    item_release(&it);
    assert_int_equal(mem_live(), 0);
}

static void each_choice_may_end_a_context(void **state)
{
    static const char *const target[] = {"ending"};
    struct task_row row;
    struct task t = task_of(&row, &scored);
    struct doc d = {.choices = options, .n_choices = 3, .gold = 2, .targets = target,
                    .n_targets = 1};
    struct item it = {0};

    (void)state;
    assert_int_equal(format_context.ask(&t, &d, prompts, &it, NULL), 0);
    assert_int_equal(it.n_queries, 3);
    for (int i = 0; i < 3; i++)
        asked_is(&it.queries[i], QUERY_LOGLIKELIHOOD, prompts[i], " ending");
    assert_string_equal(it.gold, "abc");
    assert_int_equal(it.gold_index, 2);
    item_release(&it);
}

static void mass_is_the_share_of_right_answers(void **state)
{
    static const unsigned char right[] = {1, 0, 1};
    const struct reply_text replies[] = {{.loglikelihood = -1000 + log(.5)},
                                         {.loglikelihood = -1000},
                                         {.loglikelihood = -1000 + log(.25)}};
    const struct reply_text none[] = {{.loglikelihood = -INFINITY}, {.loglikelihood = -INFINITY},
                                      {.loglikelihood = -INFINITY}};
    struct doc d = {.choices = options, .n_choices = 3, .gold = 0, .right = right};
    struct task_row row;
    struct task t = task_of(&row, &scored);
    struct verdict v = {0};

    (void)state;
    assert_int_equal(format_mass.credit(&t, &d, replies, &v, NULL), 0);
    assert_int_equal(v.n, 1);
    credit_is(&v.credits[0], "acc", .75 / 1.75, 1);
    assert_string_equal(v.prediction, options[1]);
    verdict_release(&v);
    assert_int_equal(format_mass.credit(&t, &d, none, &v, NULL), 0);
    credit_is(&v.credits[0], "acc", 0, 1);
    assert_string_equal(v.prediction, "a");
    verdict_release(&v);
}

static void texts_are_scored_in_nats_with_their_weights(void **state)
{
    static const char *const target[] = {"the target"};
    const struct reply_text reply = {.loglikelihood = -8, .is_greedy = 7, .n_tokens = 5};
    const struct reply_text none = {.loglikelihood = -8};
    struct doc d = {.text = "two w\xc3\xb6rds", .targets = target, .n_targets = 1};
    struct task_row row;
    struct task t = task_of(&row, &scored);
    struct item it = {0};
    struct verdict v = {0};
    struct err e = ERR_NONE;

    (void)state;
    assert_int_equal(format_likelihood.ask(&t, &d, prompts, &it, NULL), 0);
    assert_int_equal(it.n_queries, 1);
    asked_is(&it.queries[0], QUERY_LOGLIKELIHOOD, "P0", "the target");
    assert_true(it.gold_index == -1 && strcmp(it.gold, "the target") == 0);
    item_release(&it);
    assert_int_equal(format_likelihood.credit(&t, &d, &reply, &v, NULL), 0);
    assert_int_equal(v.n, 2);
    credit_is(&v.credits[0], "perplexity", -8, 1);
    credit_is(&v.credits[1], "acc", 1, 1);
    v.n = 0;
    assert_int_equal(format_likelihood.credit(&t, &d, &none, &v, NULL), 0);
    credit_is(&v.credits[1], "acc", 0, 1);
    v.n = 0;
    assert_int_equal(format_rolling.ask(&t, &d, prompts, &it, NULL), 0);
    assert_true(it.n_queries == 1 && it.gold_index == -1);
    asked_is(&it.queries[0], QUERY_ROLLING, "", "the target");
    item_release(&it);
    assert_int_equal(format_rolling.credit(&t, &d, &reply, &v, NULL), 0);
    assert_int_equal(v.n, 3);
    credit_is(&v.credits[0], "word_perplexity", -8, 2);
    credit_is(&v.credits[1], "byte_perplexity", -8, 10);
    credit_is(&v.credits[2], "bits_per_byte", -8, 10);
    v.n = 0;
    assert_int_equal(format_windows.ask(&t, &d, prompts, &it, NULL), 0);
    assert_true(it.n_queries == 1 && it.gold_index == -1);
    asked_is(&it.queries[0], QUERY_WINDOWS, "", "the target");
    assert_true(it.queries[0].window == 512 && it.queries[0].scored_from == 257);
    assert_int_equal(it.queries[0].most_tokens, 8192);
    item_release(&it);
    assert_int_equal(format_windows.credit(&t, &d, &reply, &v, NULL), 0);
    credit_is(&v.credits[0], "perplexity", -8, 5);
    v.n = 0;
    assert_int_equal(format_windows.credit(&t, &d, &none, &v, &e), -1);
    assert_string_equal(e.text, "made: no token was predicted");
}

static void generated_text_is_searched_for_each_target(void **state)
{
    static const char *const stops[] = {"\n", "Q:"}, *const targets[] = {"7", "12"};
    static const struct answer_rules rules = {
        .filters = {{"strict", "#### ([0-9]+)", 0, NULL, NULL}, {"last", "([0-9]+)", -1, NULL, NULL}},
        .n_filters = 2};
    static const struct recipe asked = {.format = &format_generate, .until = stops, .n_until = 2,
                                        .max_tokens = 64, .repeats = 3, .temperature = .5,
                                        .top_p = .9, .answers = &rules};
    static const struct recipe once = {.format = &format_generate, .answers = &rules};
    const struct reply_text reply = {.text = "7 apples #### 12 or 3"}, empty = {0};
    struct doc d = {.targets = targets, .n_targets = 2};
    struct task_row row;
    struct task t = task_of(&row, &asked);
    struct item it = {0};
    struct verdict v = {0};

    (void)state;
    assert_int_equal(answer_open(&t.answer, &rules, NULL), 0);
    assert_int_equal(format_ask_text(&t, &d, prompts, &it, NULL), 0);
    assert_int_equal(it.n_queries, 3);
    for (int i = 0; i < 3; i++) {
        const struct query *q = &it.queries[i];
        asked_is(q, QUERY_GENERATE, "P0", "");
        assert_true(q->until == stops && q->n_until == 2 && q->max_tokens == 64);
        assert_true(q->temperature == .5 && q->top_p == .9 && q->seed == 99);
    }
    assert_true(it.gold_index == -1 && strcmp(it.gold, "7") == 0);
    item_release(&it);
    row.recipe = &once;
    assert_int_equal(format_ask_text(&t, &d, prompts, &it, NULL), 0);
    assert_int_equal(it.n_queries, 1);
    item_release(&it);
    assert_int_equal(format_generate.credit(&t, &d, &reply, &v, NULL), 0);
    assert_int_equal(v.n, 2);
    assert_string_equal(v.credits[0].metric, "exact_match");
    assert_string_equal(v.credits[0].filter, "strict");
    assert_string_equal(v.credits[0].filtered, "12");
    assert_true(v.credits[0].value == 1 && v.credits[0].weight == 1 && v.credits[1].value == 0);
    assert_string_equal(v.credits[1].filter, "last");
    assert_string_equal(v.prediction, "3");
    verdict_release(&v);
    assert_int_equal(format_generate.credit(&t, &d, &empty, &v, NULL), 0);
    assert_true(v.credits[0].value == 0 && v.credits[1].value == 0);
    assert_string_equal(v.prediction, "[invalid]");
    verdict_release(&v);
    assert_int_equal(format_contains.credit(&t, &d, &reply, &v, NULL), 0);
    credit_is(&v.credits[0], "contains", 1, 1);
    assert_string_equal(v.prediction, reply.text);
    verdict_release(&v);
    assert_int_equal(format_contains.credit(&t, &d, &empty, &v, NULL), 0);
    credit_is(&v.credits[0], "contains", 0, 1);
    verdict_release(&v);
    assert_int_equal(format_recall.credit(&t, &d, &reply, &v, NULL), 0);
    credit_is(&v.credits[0], "recall", 1, 1);
    verdict_release(&v);
    assert_int_equal(format_recall.credit(&t, &d, &(struct reply_text){.text = "1 2 7"}, &v, NULL),
                     0);
    credit_is(&v.credits[0], "recall", .5, 1);
    assert_string_equal(v.prediction, "1 2 7");
    verdict_release(&v);
    answer_close(t.answer);
    assert_int_equal(mem_live(), 0);
}

/* --- memory ------------------------------------------------------------------------------------- */

/* Everything of one format; 0, or -1 with e. */
static int ask_and_credit(const struct format *f, const struct recipe *r, const struct doc *d,
                          const struct reply_text *replies, struct err *e)
{
    struct task_row row;
    struct task t = task_of(&row, r);
    struct item it = {0};
    struct verdict v = {0};
    int rc = r->answers ? answer_open(&t.answer, r->answers, e) : 0;

    if (rc == 0)
        rc = f->ask(&t, d, prompts, &it, e);
    if (rc == 0)
        rc = f->credit(&t, d, replies, &v, e);
    item_release(&it);
    verdict_release(&v);
    answer_close(t.answer);
    return rc;
}

static void every_format_survives_every_failed_allocation(void **state)
{
    static const char *const targets[] = {"7", "twelve"};
    static const unsigned char right[] = {1, 0, 1};
    static const struct answer_rules rules = {
        .filters = {{"strict", "#### ([0-9]+)", 0, NULL, NULL}, {"all", NULL, 0, find_all, NULL}},
        .n_filters = 2, .ignore = {"a"}, .ignore_case = 1, .ignore_punctuation = 1};
    static const struct recipe text = {.answers = &rules};
    const struct reply_text replies[] = {
        {.loglikelihood = -1, .text = "Say #### 12, twelve", .n_tokens = 3}, {.loglikelihood = -2},
        {.loglikelihood = -3}, {.loglikelihood = -1}, {.loglikelihood = -1}, {.loglikelihood = -1}};
    const struct doc d = {.text = "a text", .choices = options, .n_choices = 3, .gold = 1,
                          .right = right, .targets = targets, .n_targets = 2};
    static const struct {
        const struct format *format;
        const struct recipe *recipe;
    } rows[] = {{&format_choice, &scored}, {&format_choice, &mutual}, {&format_mass, &scored},
                {&format_context, &scored}, {&format_likelihood, &scored},
                {&format_rolling, &scored}, {&format_windows, &scored}, {&format_generate, &text},
                {&format_contains, &text}, {&format_recall, &text}};

    (void)state;
    for (int i = 0; i < LENGTH(rows); i++) {
        int rc = -1;
        for (int nth = 0; rc < 0; nth++) {
            struct err e = ERR_NONE;
            mem_fail_at(nth);
            rc = ask_and_credit(rows[i].format, rows[i].recipe, &d, replies, &e);
            mem_fail_at(-1);
            assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
            assert_int_equal(mem_live(), 0);
        }
    }
}

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
        cmocka_unit_test(the_lowest_of_equals_is_best),
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
        cmocka_unit_test(choices_are_compared_by_length),
        cmocka_unit_test(mutual_information_asks_each_option_alone),
        cmocka_unit_test(each_choice_may_end_a_context),
        cmocka_unit_test(mass_is_the_share_of_right_answers),
        cmocka_unit_test(texts_are_scored_in_nats_with_their_weights),
        cmocka_unit_test(generated_text_is_searched_for_each_target),
        cmocka_unit_test(every_format_survives_every_failed_allocation),
        cmocka_unit_test(every_search_survives_every_failed_allocation),
    };

    return RUN(tests);
}
