#include "tests/test.h"

#include "base/mem.h"
#include "base/strbuf.h"
#include "runners/pretokenize.h"

/* The pieces of text, with a bar between them. */
static void assert_pieces(const char *pre, const char *text, const char *expected)
{
    struct pretokenizer *p;
    struct strbuf b = STRBUF_INIT;
    struct err e = ERR_NONE;
    const size_t *ends;
    size_t n, from = 0;

    assert_int_equal(pretokenizer_open(&p, (struct gguf_str){pre, strlen(pre)}, &e), 0);
    assert_int_equal(pretokenizer_split(p, text, strlen(text), &ends, &n, &e), 0);
    for (size_t i = 0; i < n; from = ends[i++]) {
        assert_true(ends[i] > from);
        if (i)
            strbuf_addc(&b, '|');
        strbuf_add(&b, text + from, ends[i] - from);
    }
    assert_int_equal(from, strlen(text));
    if (strcmp(strbuf_str(&b), expected) != 0)
        fail_msg("%s: \"%s\", expected \"%s\"", pre, strbuf_str(&b), expected);
    strbuf_release(&b);
    pretokenizer_close(p);
    assert_int_equal(mem_live(), 0);
}

/* Worked out by hand from the rules of engine.md 4.4, for families without a golden vocabulary and
 * for the points in which families differ. */
static void families_cut_by_their_rules(void **state)
{
    static const char *const cases[][3] = {
        {"gpt-2", "It's 1234  ok!\n\nyes", "It|'s| 1234| | ok|!|\n|\n|yes"},
        {"gpt-2", "IT'S ", "IT|'|S| "},
        {"smollm", "a 12 b", "a| |1|2| b"},
        {"llama-bpe", "IT'S 12345 _x!\n \n y", "IT|'S| |123|45| _|x|!\n| \n| y"},
        {"qwen2", "a12\xc3\xa9", "a|1|2|\xc3\xa9"},
        {"qwen35", "e\xcc\x81x", "e\xcc\x81x"},
        {"qwen2", "e\xcc\x81x", "e|\xcc\x81x"},
        {"tekken", "helloWorld ABc", "hello|World| ABc"},
        {"tekken", "\xc3\xa9\xc3\x89 1", "\xc3\xa9|\xc3\x89| |1"},
        {"gpt-4o", "don't DON'T 1234/\n", "don't| DON'T| |123|4|/\n"},
        {"deepseek-v3", "a\xe4\xb8\xad.x 1234", "a|\xe4\xb8\xad|.x| |123|4"},
        {"deepseek-llm", "a  b\n\xe4\xb8\xad " "12", "a| | b|\n|\xe4\xb8\xad| |12"},
        {"falcon", "a!!b 1234", "a|!!|b| |123|4"},
        {"default", "1234!", "123|4|!"},
        {"bloom", "ab, cd", "ab|,| cd"},
        {"viking", "ab12", "ab|1|2"},
        {"bailingmoe", "It's a1\n", "It|'s| a|1|\n"},
        {"seed-coder", "x!\n", "x|!|\n"},
        {"minicpm5", "1234a", "123|4|a"},
        {"laguna", "a\n\nb", "a|\n\n|b"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_pieces(cases[i][0], cases[i][1], cases[i][2]);
}

static void stray_bytes_stay_in_their_places(void **state)
{
    (void)state;
    assert_pieces("gpt-2", "a\xff" "b\xc0\x80 \xed\xa0\x80", "a|\xff|b|\xc0\x80| \xed\xa0\x80");
    assert_pieces("gpt-2", "", "");
    assert_pieces("gpt-2", "\xf4\x90\x80\x80", "\xf4\x90\x80\x80");
    assert_pieces("gpt-2", "\xf0\x9f\x98\x80x\xe4\xb8", "\xf0\x9f\x98\x80|x|\xe4\xb8");
}

static void pretokenizer_survives_every_failed_allocation(void **state)
{
    static const struct {
        const char *family;
        size_t n, ends[5];
    } rows[] = {
        {"deepseek-v3", 5, {3, 4, 5, 6, 7}}, /* one| |2| |\xff */
        {"gpt-2", 3, {3, 5, 7}}, /* one| 2| \xff */
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct gguf_str family = {rows[i].family, strlen(rows[i].family)};
        int rc = -1;
        for (int nth = 0; rc < 0; nth++) {
            struct pretokenizer *p = NULL;
            struct err e = ERR_NONE;
            const size_t *ends;
            size_t n;
            mem_fail_at(nth);
            rc = pretokenizer_open(&p, family, &e);
            if (rc == 0)
                rc = pretokenizer_split(p, "one 2 \xff", 7, &ends, &n, &e);
            mem_fail_at(-1);
            assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
            if (rc == 0) {
                assert_int_equal(n, rows[i].n);
                assert_memory_equal(ends, rows[i].ends, n * sizeof *ends);
            }
            pretokenizer_close(p);
            assert_int_equal(mem_live(), 0);
        }
    }
}

static void a_long_name_is_cut_in_the_error(void **state)
{
    char name[91], text[160];
    struct pretokenizer *p = NULL;
    struct err e = ERR_NONE;

    (void)state;
    memset(name, 'n', 90);
    name[90] = 0;
    for (size_t n = 79; n < 91; n++) {
        assert_int_equal(pretokenizer_open(&p, (struct gguf_str){name, n}, &e), -1);
        snprintf(text, sizeof text, "pre-tokenizer '%.*s' is not known; known families: ",
                 n < 80 ? (int)n : 80, name);
        assert_memory_equal(e.text, text, strlen(text));
    }
    assert_string_equal(e.hint, "token ids would be wrong, so the model is not run");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(families_cut_by_their_rules),
        cmocka_unit_test(stray_bytes_stay_in_their_places),
        cmocka_unit_test(pretokenizer_survives_every_failed_allocation),
        cmocka_unit_test(a_long_name_is_cut_in_the_error),
    };
    return RUN(tests);
}
