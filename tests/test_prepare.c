/* The vectors of evaluation.md 2.4 and 2.7, and Python's str methods behind them. */
#include "tests/test.h"

#include "base/mem.h"
#include "tasks/prepare.h"
#include "tasks/pytext.h"

static void assert_windows(size_t n, size_t len, size_t context, const struct window *want, int k)
{
    struct window w = {0};

    for (int i = 0; i < k; i++) {
        assert_int_equal(prepare_rolling(n, len, context, &w), 1);
        assert_int_equal(w.begin, want[i].begin);
        assert_int_equal(w.given, want[i].given);
        assert_int_equal(w.end, want[i].end);
    }
    assert_int_equal(prepare_rolling(n, len, context, &w), 0);
}

static void rolling_windows_are_lm_evals(void **state)
{
    (void)state; /* ([0],[1,2,3,4]) ([4],[5,6,7,8]) ([6,7,8],[9,10]): token i stands at place i */
    assert_windows(10, 4, 1, (struct window[]){{0, 1, 5}, {4, 5, 9}, {6, 9, 11}}, 3);
    assert_windows(10, 4, 2, (struct window[]){{0, 1, 5}, {3, 5, 8}, {6, 8, 11}}, 3);
    assert_windows(3, 4, 1, (struct window[]){{0, 1, 4}}, 1);
    assert_windows(0, 4, 1, NULL, 0);
}

static void rolling_windows_predict_every_token_once(void **state)
{
    (void)state;
    for (size_t n = 1; n < 40; n++)
        for (size_t len = 1; len < 9; len++)
            for (size_t context = 1; context <= len; context++) {
                struct window w = {0};
                size_t next = 1;
                while (prepare_rolling(n, len, context, &w)) {
                    assert_int_equal(w.given, next);
                    assert_true(w.begin < w.given && w.end - 1 - w.begin <= len);
                    next = w.end;
                }
                assert_int_equal(next, n + 1);
            }
}

static void disjoint_windows_leave_the_rest(void **state)
{
    struct window w = {0};
    (void)state;
    assert_int_equal(prepare_disjoint(1100, 512, 257, &w), 1);
    assert_int_equal(w.given, 257);
    assert_int_equal(prepare_disjoint(1100, 512, 257, &w), 1);
    assert_int_equal(w.begin, 512);
    assert_int_equal(w.end, 1024);
    assert_int_equal(prepare_disjoint(1100, 512, 257, &w), 0);
}

static void white_space_moves_to_the_continuation(void **state)
{
    static const struct { const char *context; size_t stays; } rows[] = {
        {"Answer:", 7}, {"Answer: ", 7}, {"a b \n\t", 3}, {" \n", 0}, {"", 0},
        {"答案：\xe3\x80\x80", 9}, {"x\xc2\xa0", 1}, {"x\xe2\x80\x8b", 4},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(prepare_context_bytes(rows[i].context, strlen(rows[i].context)),
                         rows[i].stays);
}

static void what_does_not_fit_is_dropped_at_the_front(void **state)
{
    (void)state;
    assert_int_equal(prepare_drop_score(10, 5, 14), 0);
    assert_int_equal(prepare_drop_score(10, 5, 13), 1);
    assert_int_equal(prepare_drop_generate(100, 256, 300), 56);
    assert_int_equal(prepare_drop_generate(100, 256, 2048), 0);
    assert_int_equal(prepare_drop_generate(100, 256, 200), 100);
}

static void text_ends_at_the_first_stop_string(void **state)
{
    static const char *const until[] = {"Question:", "</s>", ""};
    static const char text[] = " 5</s> Question: 6</s>";
    (void)state;
    assert_int_equal(prepare_cut(text, sizeof text - 1, until, 3), 2);
    assert_int_equal(prepare_cut("abc", 3, until, 3), 3);
}

static void words_are_counted_as_re_split_does(void **state)
{
    static const char text[] =
        " = Robert Boulter = \n \n Robert Boulter is an English film , television and theatre "
        "actor ( born 1980 ) . He had a guest @-@ starring role on 1 @,@ 000 shows ; \" The Bill "
        "\" 's part , 5 @.@ 5 . \n = = Career = = \n";
    (void)state;
    assert_int_equal(sizeof text - 1, 210);
    assert_int_equal(py_count_words(text, sizeof text - 1), 51);
    assert_int_equal(py_count_words("", 0), 1);
    assert_int_equal(py_count_words("a", 1), 1);
    assert_int_equal(py_count_words("a ", 2), 2);
}

static void assert_text(struct strbuf *b, const char *want)
{
    assert_string_equal(strbuf_str(b), want);
    strbuf_release(b);
}

static void case_and_replacement_are_pythons(void **state)
{
    struct strbuf b = STRBUF_INIT;
    (void)state;
    py_capitalize(&b, "then the man in NYC", 19);
    assert_text(&b, "Then the man in nyc");
    py_capitalize(&b, "éCOLE", 6);
    assert_text(&b, "École");
    py_replace(&b, "  A   B    C ", 13, "  ", " ");
    assert_text(&b, " A  B  C ");
    py_drop_punctuation(&b, "U.S. (1999)", 11);
    assert_text(&b, "US 1999");
    assert_int_equal(mem_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rolling_windows_are_lm_evals),
        cmocka_unit_test(rolling_windows_predict_every_token_once),
        cmocka_unit_test(disjoint_windows_leave_the_rest),
        cmocka_unit_test(white_space_moves_to_the_continuation),
        cmocka_unit_test(what_does_not_fit_is_dropped_at_the_front),
        cmocka_unit_test(text_ends_at_the_first_stop_string),
        cmocka_unit_test(words_are_counted_as_re_split_does),
        cmocka_unit_test(case_and_replacement_are_pythons),
    };
    return RUN(tests);
}
