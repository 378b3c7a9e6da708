/* What formats ask and what they make of replies: by lm-eval's rules (evaluation.md 2.3, 2.5), on
 * documents short enough to be read off. */
#include "tests/test.h"

#include "base/mem.h"
#include "tasks/answer.h"
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

/* --- formats --------------------------------------------------------------------------------- */

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
    const struct reply_text first[] = {{.loglikelihood = -1}, {.loglikelihood = -2},
                                       {.loglikelihood = -3}, {.loglikelihood = -5},
                                       {.loglikelihood = -5}, {.loglikelihood = -2.5}};
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
    d.gold = 0;
    assert_int_equal(format_choice.credit(&t, &d, first, &v, NULL), 0);
    credit_is(&v.credits[1], "acc_mutual_info", 1, 1); /* 4, 3, -.5 */
    verdict_release(&v);
    d.gold = 1;
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
        .filters = {{"strict", "#### ([0-9]+)", 0, NULL, NULL},
                    {"last", "([0-9]+)", -1, NULL, NULL}},
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

/* --- memory ---------------------------------------------------------------------------------- */

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_lowest_of_equals_is_best),
        cmocka_unit_test(choices_are_compared_by_length),
        cmocka_unit_test(mutual_information_asks_each_option_alone),
        cmocka_unit_test(each_choice_may_end_a_context),
        cmocka_unit_test(mass_is_the_share_of_right_answers),
        cmocka_unit_test(texts_are_scored_in_nats_with_their_weights),
        cmocka_unit_test(generated_text_is_searched_for_each_target),
        cmocka_unit_test(every_format_survives_every_failed_allocation),
    };

    return RUN(tests);
}
