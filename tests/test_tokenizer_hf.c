#include "tests/test.h"

#include "base/file.h"
#include "base/mem.h"
#include "runners/tokenizer.h"

/* Ids of "tokenizers" 0.23.3 and "sentencepiece" 0.2.3, made with encode(text,
 * add_special_tokens=False) and SentencePieceProcessor.encode(text). */
static const char text[] = "Hello w\xc3\xb6rld, it's 1234!";

static void assert_ids(const char *path, const int32_t *ids, size_t n)
{
    struct tokenizer *t;
    struct ids got = {0};
    struct strbuf back = STRBUF_INIT;
    struct err e = ERR_NONE;

    if (tokenizer_open_hf(&t, path, &e) < 0)
        fail_msg("%s", e.text);
    assert_int_equal(tokenizer_encode(t, text, strlen(text), TOKENIZE_SPECIAL, &got, &e), 0);
    assert_int_equal(got.n, n);
    assert_memory_equal(got.v, ids, n * sizeof *ids);
    assert_int_equal(tokenizer_decode(t, got.v, got.n, 1, &back, &e), 0);
    assert_string_equal(back.s + (back.s[0] == ' '), text); /* the blank that words begin with */
    ids_release(&got);
    strbuf_release(&back);
    tokenizer_close(t);
    assert_int_equal(mem_live(), 0);
}

static void published_files_give_their_libraries_ids(void **state)
{
    static const int32_t gpt2[] = {15496, 266, 30570, 335, 11, 340, 338, 1105, 2682, 0};
    static const int32_t neox[] = {12092, 259, 6592, 392, 13, 352, 434, 1249, 1706, 2};
    static const int32_t olmo[] = {9906, 289, 9603, 509, 11, 433, 596, 220, 4513, 19, 0};
    static const int32_t llama[] = {15043, 281, 1340, 430, 29892, 372, 29915, 29879, 29871,
                                    29896, 29906, 29941, 29946, 29991};
    (void)state;
    assert_ids(shared_path("tokenizers/extra/gpt2_tokenizer.json"), gpt2, 10);
    assert_ids(shared_path("tokenizers/extra/gpt-neox-20B_tokenizer.json"), neox, 10);
    assert_ids(shared_path("tokenizers/extra/olmo2_dolma2_tokenizer.json"), olmo, 11);
    assert_ids(shared_path("tokenizers/extra/llama2_tokenizer.model"), llama, 14);
}

/* ---- files of our own ---------------------------------------------------------------------- */

static char *write_json(const char *json)
{
    char path[64];
    struct err e = ERR_NONE;

    snprintf(path, sizeof path, "/tmp/densimeter-test-%ld.json", (long)getpid());
    assert_int_equal(file_write(path, json, strlen(json), &e), 0);
    return mem_strdup(path);
}

static void assert_refused(const char *json, const char *reason)
{
    char *path = write_json(json);
    struct tokenizer *t;
    struct err e = ERR_NONE;

    assert_int_equal(tokenizer_open_hf(&t, path, &e), -1);
    if (!strstr(e.text, reason) || !strstr(e.text, path))
        fail_msg("expected \"%s\", got \"%s\"", reason, e.text);
    unlink(path);
    mem_free(path);
    assert_int_equal(mem_live(), 0);
}

static void what_is_not_known_is_named_with_what_is(void **state)
{
    (void)state;
    assert_refused("{\"model\":{\"type\":\"Zorp\",\"vocab\":{\"a\":0}}}",
                   "model 'Zorp' is not known; known: BPE, Unigram, WordPiece, WordLevel");
    assert_refused("{\"normalizer\":{\"type\":\"Zorp\"},\"model\":{\"vocab\":{\"a\":0}}}",
                   "normalizer 'Zorp' is not known; known: Sequence, NFC");
    assert_refused("{\"pre_tokenizer\":{\"type\":\"Zorp\"},\"model\":{\"vocab\":{\"a\":0}}}",
                   "pre_tokenizer 'Zorp' is not known; known: Sequence, ByteLevel");
    assert_refused("{\"decoder\":{\"type\":\"Zorp\"},\"model\":{\"vocab\":{\"a\":0}}}",
                   "decoder 'Zorp' is not known; known: Sequence, ByteLevel");
}

static void files_that_lie_are_refused(void **state)
{
    (void)state;
    assert_refused("{}", "no vocabulary");
    assert_refused("{\"model\":{\"vocab\":{\"a\":2000000000}}}", "an id that is none");
    assert_refused("{\"model\":{\"vocab\":{\"a\":0.5}}}", "an id that is none");
    assert_refused("{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[\"a b\"]}}",
                   "merge 0 needs");
    assert_refused("{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[\"ab\"]}}",
                   "merge 0 is no pair");
    assert_refused("{\"added_tokens\":[{\"id\":999999999,\"content\":\"x\"}],"
                   "\"model\":{\"vocab\":{\"a\":0}}}", "added token");
}

#define WORDS                                                                                      \
    "{\"added_tokens\":[{\"id\":0,\"content\":\"[UNK]\",\"special\":true},"                        \
    "{\"id\":5,\"content\":\"fox\",\"single_word\":true,\"lstrip\":true,\"normalized\":true}],"    \
    "\"normalizer\":{\"type\":\"BertNormalizer\"},\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"}," \
    "\"post_processor\":{\"type\":\"BertProcessing\",\"sep\":[\"[SEP]\",2],\"cls\":[\"[CLS]\",1]}," \
    "\"decoder\":{\"type\":\"WordPiece\",\"prefix\":\"##\"},"                                      \
    "\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\",\"vocab\":{\"[UNK]\":0,"            \
    "\"[CLS]\":1,\"[SEP]\":2,\"un\":3,\"##able\":4},\"continuing_subword_prefix\":\"##\"}}"

static void word_pieces_and_added_tokens_go_through_the_pipeline(void **state)
{
    static const char given[] = "\xc3\x9cnable fox foxes [UNK]";
    static const int32_t plain[] = {3, 4, 5, 0, 0, 0, 0}, special[] = {3, 4, 5, 0, 0};
    char *path = write_json(WORDS);
    struct tokenizer *t;
    struct ids ids = {0};
    struct strbuf b = STRBUF_INIT;
    struct err e = ERR_NONE;
    (void)state;
    assert_int_equal(tokenizer_open_hf(&t, path, &e), 0);
    assert_int_equal(tokenizer_bos(t), 1);
    assert_int_equal(tokenizer_adds_bos(t), 1);
    assert_string_equal(tokenizer_model(t), "WordPiece");
    assert_int_equal(tokenizer_encode(t, given, strlen(given), TOKENIZE_SPECIAL, &ids, &e), 0);
    assert_int_equal(ids.n, 5);
    assert_memory_equal(ids.v, special, sizeof special);
    ids.n = 0;
    assert_int_equal(tokenizer_encode(t, given, strlen(given), 0, &ids, &e), 0);
    assert_int_equal(ids.n, 7);
    assert_memory_equal(ids.v, plain, sizeof plain);
    assert_int_equal(tokenizer_decode(t, ids.v, 3, 0, &b, &e), 0);
    assert_string_equal(b.s, " unablefox");
    ids_release(&ids);
    strbuf_release(&b);
    tokenizer_close(t);
    unlink(path);
    mem_free(path);
    assert_int_equal(mem_live(), 0);
}

static void opening_survives_every_failed_allocation(void **state)
{
    char *path = write_json(WORDS);
    long before = mem_live();
    int rc = -1;
    (void)state;
    for (int nth = 0; rc < 0; nth++) {
        struct tokenizer *t = NULL;
        struct ids ids = {0};
        struct err e = ERR_NONE;
        mem_fail_at(nth);
        rc = tokenizer_open_hf(&t, path, &e);
        if (rc == 0)
            rc = tokenizer_encode(t, text, strlen(text), 0, &ids, &e);
        mem_fail_at(-1);
        if (rc < 0 && e.code != ERR_NOMEM)
            fail_msg("allocation %d: \"%s\"", nth, e.text);
        tokenizer_close(t);
        ids_release(&ids);
        assert_int_equal(mem_live(), before);
    }
    unlink(path);
    mem_free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_files_give_their_libraries_ids),
        cmocka_unit_test(what_is_not_known_is_named_with_what_is),
        cmocka_unit_test(files_that_lie_are_refused),
        cmocka_unit_test(word_pieces_and_added_tokens_go_through_the_pipeline),
        cmocka_unit_test(opening_survives_every_failed_allocation),
    };
    return RUN(tests);
}
