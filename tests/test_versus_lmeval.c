#include "tests/test.h"

#include "harness/versus_lmeval.h"

static void answers_are_compared_one_by_one_and_by_item(void **state)
{
    const struct lmeval_answer v[] = {
        {0, 0, 1, -2.0, -2.5, 1, 1},  {0, 1, 1, -1.0, -1.0, 0, 1}, /* both choose 1, right */
        {1, 0, 0, -1.0, -3.0, -1, 0}, {1, 1, 0, -2.0, -2.0, 0, 0}, /* ours 0, right; theirs 1 */
        {2, 0, -1, -4.0, -4.0, 1, 1},                              /* a single one: no choice */
        {3, 0, -1, -1.0, -1.0, 1, 1}, {3, 1, -1, -1.0, -1.0, 1, 1}, /* equal: the first, both */
    };
    struct lmeval_agreement a = lmeval_agree(v, 7);

    (void)state;
    assert_int_equal(a.requests, 7);
    assert_int_equal(a.items, 4);
    assert_close(a.largest, 2, 0);
    assert_close(a.mean, 2.5 / 7, 1e-15);
    assert_close(a.rms, sqrt(4.25 / 7), 1e-15);
    assert_int_equal(a.greedy_known, 6);
    assert_int_equal(a.greedy_same, 5);
    assert_int_equal(a.choices, 3);
    assert_int_equal(a.choices_same, 2);
    assert_int_equal(a.gold_known, 2);
    assert_close(a.ours_right, 2, 0);
    assert_close(a.theirs_right, 1, 0);
}

static void nothing_and_no_number_are_not_agreement(void **state)
{
    const struct lmeval_answer v = {0, 0, -1, NAN, -1, 1, 1};
    struct lmeval_agreement a = lmeval_agree(NULL, 0);

    (void)state;
    assert_true(isnan(a.largest) && isnan(a.mean) && isnan(a.rms));
    a = lmeval_agree(&v, 1);
    assert_true(isnan(a.largest) && isnan(a.mean));
}

static void what_is_said_has_the_numbers(void **state)
{
    const struct lmeval_answer v[] = {{0, 0, 1, -2.0, -2.5, 1, 1}, {0, 1, 1, -1.0, -1.0, 0, 0}};
    struct lmeval_agreement a = lmeval_agree(v, 2);
    struct strbuf b = STRBUF_INIT;
    struct json_out o = JSON_OUT(&b);

    (void)state;
    lmeval_agreement_text(&b, "m", &a);
    assert_non_null(strstr(b.s, "2 requests of 1 items"));
    assert_non_null(strstr(b.s, "differ by 0.5 nats at most, mean 0.25"));
    assert_non_null(strstr(b.s, "likeliest option alike: 1 of 1; right: 1 here, 1 there"));
    strbuf_clear(&b);
    json_begin_object(&o, NULL);
    lmeval_agreement_json(&o, &a);
    json_end_object(&o);
    assert_non_null(strstr(b.s, "\"largest_difference\":0.5"));
    assert_non_null(strstr(b.s, "\"lm_eval_acc\":1"));
    strbuf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_compared_one_by_one_and_by_item),
        cmocka_unit_test(nothing_and_no_number_are_not_agreement),
        cmocka_unit_test(what_is_said_has_the_numbers),
    };
    return cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL);
}
