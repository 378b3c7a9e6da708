/* What servers answer: likelihoods by hand, and answers that must not be believed. */
#include "tests/test.h"

#include "base/mem.h"
#include "harness/remote_reply.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static int read_score(const char *text, enum remote_dialect d, const char *context,
                      const char *continuation, struct remote_score *out, struct err *e)
{
    cJSON *j = json_parse(text, strlen(text), "reply", e);
    int rc = j ? remote_read_score(j, d, context, continuation, "http://s/v1", out, e) : -1;

    json_free(j);
    return rc;
}

#define ECHO(tokens, nats, top, places)                                                            \
    "{\"choices\":[{\"logprobs\":{\"tokens\":" tokens ",\"token_logprobs\":" nats                  \
    ",\"top_logprobs\":" top ",\"text_offset\":" places "}}]}"

static const char paris[] =
    ECHO("[\"<s>\",\"The\",\" capital\",\" is\",\" Par\",\"is\",\".\"]",
         "[null,-1,-2,-3,-0.5,-0.25,-9]",
         "[null,{\"a\":-1},{\"a\":-2},{\"a\":-3},{\" Par\":-0.5},{\"is\":-0.25,\"at\":-0.2},{}]",
         "[0,0,3,11,14,18,20]");

static void tokens_beyond_the_join_are_the_continuations(void **state)
{
    struct remote_score s;

    (void)state;
    assert_int_equal(read_score(paris, REMOTE_ECHO, "The capital is", " Paris", &s, NULL), 0);
    assert_close(s.nats, -0.75, 1e-12);
    assert_int_equal(s.n_context, 4);
    assert_int_equal(s.n_tokens, 2);
    assert_int_equal(s.n_across, 0);
    assert_int_equal(s.is_greedy, 0); /* "at" was likelier than "is" */
    /* a join inside a token: all of it is the continuation's */
    assert_int_equal(read_score(paris, REMOTE_ECHO, "The capital is ", "Paris", &s, NULL), 0);
    assert_close(s.nats, -0.75, 1e-12);
    assert_int_equal(s.n_across, 1);
    /* what the server has added behind the prompt is nobody's */
    assert_int_equal(read_score(paris, REMOTE_ECHO, "The capital is Par", "is", &s, NULL), 0);
    assert_close(s.nats, -0.25, 1e-12);
}

static void places_are_characters_and_may_be_left_out(void **state)
{
    static const char accents[] =
        "{\"usage\":{\"completion_tokens\":1},\"choices\":[{\"logprobs\":{\"tokens\":[\"\xc3\x89"
        "t\xc3\xa9\",\" \xe5\xa4\xa9\",\"\xe6\xb0\x94\",\" x\"],\"token_logprobs\":[null,-1,-2,-4],"
        "\"top_logprobs\":[null,{\"a\":-1},{\"a\":-2},{\"a\":-3}]}}]}";
    struct remote_score s;

    (void)state;
    assert_int_equal(read_score(accents, REMOTE_ECHO, "\xc3\x89t\xc3\xa9",
                                " \xe5\xa4\xa9\xe6\xb0\x94", &s, NULL), 0);
    assert_close(s.nats, -3, 1e-12);
    assert_int_equal(s.is_greedy, 1);
    assert_int_equal(s.n_tokens, 2);
    assert_int_equal(s.n_context, 1);
}

static void likelihoods_of_the_prompt_have_a_rank(void **state)
{
    static const char reply[] =
        "{\"choices\":[{\"text\":\"x\",\"prompt_logprobs\":[null,{\"7\":{\"logprob\":-1,\"rank\":3,"
        "\"decoded_token\":\" is\"}},{\"8\":{\"logprob\":-0.5,\"rank\":1,\"decoded_token\":\" Paris\"}}"
        "]}]}";
    struct remote_score s;

    (void)state;
    assert_int_equal(read_score(reply, REMOTE_PROMPT_LOGPROBS, "It is", " Paris", &s, NULL), 0);
    assert_close(s.nats, -0.5, 1e-12);
    assert_int_equal(s.is_greedy, 1);
    assert_int_equal(s.n_context, 2);
}

static int read_step(const char *text, const char *rest, struct remote_step *out, struct err *e)
{
    cJSON *j = json_parse(text, strlen(text), "reply", e);
    int rc = j ? remote_read_step(j, rest, "http://s/v1", out, e) : -1;

    json_free(j);
    return rc;
}

#define NEXT(list) "{\"choices\":[{\"logprobs\":{\"top_logprobs\":[" list "]}}]}"

static void the_next_token_is_the_longest_that_goes_on(void **state)
{
    static const char list[] =
        "{\"usage\":{\"prompt_tokens\":5},\"choices\":[{\"logprobs\":{\"content\":[{"
        "\"top_logprobs\":[{\"token\":\" P\",\"logprob\":-0.1},{\"token\":\" Paris\",\"logprob\":"
        "-2},{\"token\":\"?\",\"bytes\":[195],\"logprob\":-3},{\"token\":\"\",\"logprob\":-4}]}]}}]}";
    static const char pairs[] = NEXT("{\" Rome\":-1,\" Paris\":-0.5}");
    struct remote_step s;
    struct err e = ERR_NONE;

    (void)state;
    assert_int_equal(read_step(list, " Paris, of course", &s, NULL), 0);
    assert_int_equal(s.bytes, 6);
    assert_close(s.nats, -2, 1e-12);
    assert_int_equal(s.is_likeliest, 0);
    assert_int_equal(s.n_prompt, 5);
    assert_int_equal(read_step(list, "\xc3\xa9", &s, NULL), 0); /* half of a character */
    assert_int_equal(s.bytes, 1);
    assert_close(s.nats, -3, 1e-12);
    assert_int_equal(read_step(pairs, " Paris", &s, NULL), 0);
    assert_int_equal(s.is_likeliest, 1);
    assert_int_equal(s.n_prompt, -1);
    assert_int_equal(read_step(pairs, "Paris", &s, &e), -1);
    assert_int_equal(e.code, ERR_UNSUPPORTED);
    assert_non_null(strstr(e.text, "none of its 2 likeliest tokens begins 'Paris'"));
    assert_int_equal(read_step(NEXT("{\"a\":1}"), "a", &s, &e), -1);
    assert_int_equal(e.code, ERR_NUMERIC);
    assert_int_equal(read_step(NEXT(""), "a", &s, &e), -1);
    assert_int_equal(e.code, ERR_FORMAT);
}

static void what_cannot_be_is_refused_with_a_reason(void **state)
{
    static const struct {
        const char *reply, *reason;
        enum err_code code;
    } rows[] = {
        {"{}", "no logprobs", ERR_FORMAT},
        {"[]", "no logprobs", ERR_FORMAT},
        {"{\"choices\":{}}", "no logprobs", ERR_FORMAT},
        {"{\"choices\":[{\"logprobs\":null}]}", "no logprobs", ERR_FORMAT},
        {"{\"choices\":[{\"logprobs\":{\"content\":[]}}]}", "0 tokens", ERR_FORMAT},
        {ECHO("[\"a\",\"b\"]", "[-1]", "[{},{}]", "[0,1]"), "2 tokens, but 1 of token_logprobs",
         ERR_FORMAT},
        {ECHO("[\"a\",\"b\"]", "[-1,-1]", "null", "[0,1]"), "0 of top_logprobs", ERR_FORMAT},
        {ECHO("[\"a\",\"b\"]", "[-1,-1]", "[{},{}]", "[0]"), "1 of text_offset", ERR_FORMAT},
        {ECHO("[\"a\",1]", "[-1,-1]", "[{},{}]", "[0,1]"), "token 1 has no text", ERR_FORMAT},
        {ECHO("[\"a\",\"b\"]", "[-1,-1]", "[{},{}]", "[0,-1]"), "no text or place", ERR_FORMAT},
        {ECHO("[\"a\",\"b\"]", "[-1,-1]", "[{},{}]", "[0,1e300]"), "no text or place", ERR_FORMAT},
        {ECHO("[\"a\",\"b\"]", "[-1,-1]", "[{},{}]", "[1,1]"), "first token begins", ERR_FORMAT},
        {ECHO("[\"a\",\"b\",\"c\"]", "[-1,-1,-1]", "[{},{},{}]", "[0,1,0]"), "begins before",
         ERR_FORMAT},
        {ECHO("[\"a\"]", "[-1]", "[{\"a\":-1}]", "[0]"), "it was cut", ERR_FORMAT},
        {ECHO("[\"a\",\"b\"]", "[-1,null]", "[{},{\"b\":-1}]", "[0,1]"), "no likelihood",
         ERR_NUMERIC},
        {ECHO("[\"a\",\"b\"]", "[-1,0.5]", "[{},{\"b\":-1}]", "[0,1]"), "above 1", ERR_NUMERIC},
        {ECHO("[\"a\",\"b\"]", "[-1,-1]", "[{},{}]", "[0,1]"), "which token was likeliest",
         ERR_FORMAT},
        {ECHO("[\"a\",\"b\"]", "[-1,-1]", "[{},{\"b\":-1}]", "null"), "neither where its tokens",
         ERR_FORMAT},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct remote_score s;
        struct err e = ERR_NONE;
        assert_int_equal(read_score(rows[i].reply, REMOTE_ECHO, "a", "b", &s, &e), -1);
        if (!strstr(e.text, rows[i].reason) || e.code != rows[i].code)
            fail_msg("row %zu: %s", i, e.text);
        assert_non_null(strstr(e.text, "http://s/v1: "));
    }
}

static void servers_words_are_found_wherever_they_put_them(void **state)
{
    static const char *const replies[] = {
        "{\"error\":{\"message\":\"why\"}}", "{\"error\":\"why\"}", "{\"message\":\"why\"}",
        "{\"detail\":\"why\"}"};

    (void)state;
    for (size_t i = 0; i < COUNT(replies); i++) {
        cJSON *j = json_parse(replies[i], strlen(replies[i]), "r", NULL);
        assert_string_equal(remote_read_message(j), "why");
        json_free(j);
    }
}

static const char stream[] =
    ": a comment\r\n\r\nevent: x\ndata: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\n"
    "data: {\"choices\":[{\"delta\":{\"content\":\"The \"}}]}\r\n\r\n"
    "data:{\"choices\":[{\"text\":\"end\",\"finish_reason\":null}]}\n"
    "data: {\"choices\":[{\"text\":\"\",\"finish_reason\":\"length\"}],\"usage\":null}\n"
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2}}\n\n"
    "data: [DONE]\n";

static void a_stream_is_the_same_however_it_is_cut(void **state)
{
    (void)state;
    for (size_t piece = 1; piece < sizeof stream; piece++) {
        struct remote_stream s = REMOTE_STREAM(1000);
        for (size_t at = 0; at < sizeof stream - 1; at += piece) {
            size_t n = sizeof stream - 1 - at;
            assert_int_equal(remote_stream_feed(&s, stream + at, n < piece ? n : piece, "w", NULL),
                             0);
        }
        assert_string_equal(strbuf_str(&s.text), "The end");
        assert_int_equal(s.n_pieces, 2);
        assert_int_equal(s.prompt_tokens, 5);
        assert_int_equal(s.completion_tokens, 2);
        assert_true(s.ended && s.cut);
        remote_stream_release(&s);
    }
}

static void streams_that_are_none_end_with_a_line(void **state)
{
    static const struct { const char *bytes, *reason; } rows[] = {
        {"data: {\"error\":{\"message\":\"gone\"}}\n", "gone"},
        {"data: {broken\n", "JSON"},
        {"data: {\"choices\":[{\"text\":\"0123456789012345678901234567890123456789\"}]}\n",
         "a line of more than 40 bytes"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct remote_stream s = REMOTE_STREAM(40);
        struct err e = ERR_NONE;
        assert_int_equal(remote_stream_feed(&s, rows[i].bytes, strlen(rows[i].bytes), "w", &e), -1);
        if (!strstr(e.text, rows[i].reason))
            fail_msg("%s", e.text);
        remote_stream_release(&s);
    }
}

static void every_refused_allocation_is_an_error(void **state)
{
    struct remote_score score;
    int rc = -1;

    (void)state;
    for (int nth = 0; rc < 0; nth++) {
        struct err e = ERR_NONE;
        mem_fail_at(nth);
        rc = read_score(paris, REMOTE_ECHO, "The capital is", " Paris", &score, &e);
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        assert_int_equal(mem_live(), 0);
    }
    rc = -1;
    for (int nth = 0; rc < 0; nth++) {
        struct remote_stream s = REMOTE_STREAM(1000);
        struct err e = ERR_NONE;
        mem_fail_at(nth);
        rc = remote_stream_feed(&s, stream, sizeof stream - 1, "w", &e);
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        remote_stream_release(&s);
        assert_int_equal(mem_live(), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_beyond_the_join_are_the_continuations),
        cmocka_unit_test(places_are_characters_and_may_be_left_out),
        cmocka_unit_test(likelihoods_of_the_prompt_have_a_rank),
        cmocka_unit_test(the_next_token_is_the_longest_that_goes_on),
        cmocka_unit_test(what_cannot_be_is_refused_with_a_reason),
        cmocka_unit_test(servers_words_are_found_wherever_they_put_them),
        cmocka_unit_test(a_stream_is_the_same_however_it_is_cut),
        cmocka_unit_test(streams_that_are_none_end_with_a_line),
        cmocka_unit_test(every_refused_allocation_is_an_error),
    };

    return RUN(tests);
}
