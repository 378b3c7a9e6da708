#include "tests/test.h"

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "runners/bpe.h"
#include "runners/gguf.h"
#include "runners/gguf_write.h"
#include "runners/tokenizer.h"
#include "tests/tiny.h"

/* ---- against llama.cpp ------------------------------------------------------------------- */

static int same_ids(const struct ids *got, const cJSON *expected)
{
    const cJSON *x;
    size_t i = 0;

    if ((size_t)cJSON_GetArraySize(expected) != got->n)
        return 0;
    cJSON_ArrayForEach(x, expected)
        if (x->valueint != got->v[i++])
            return 0;
    return 1;
}

static void assert_encodes(struct tokenizer *t, const cJSON *line, const char *key, int flags,
                           const char *where)
{
    const char *text = json_str(line, "text");
    struct ids ids = {0};
    struct err e = ERR_NONE;

    assert_int_equal(tokenizer_encode(t, text, strlen(text), flags, &ids, &e), 0);
    if (!same_ids(&ids, json_get(line, key)))
        fail_msg("%s: %s of \"%s\" differ", where, key, text);
    ids_release(&ids);
}

static void check_vocabulary(const char *vocab_path, const char *jsonl)
{
    struct gguf *g;
    struct tokenizer *t;
    struct line_reader lines;
    struct err e = ERR_NONE;
    char where[4200];

    assert_int_equal(gguf_open(&g, vocab_path, &e), 0);
    assert_int_equal(tokenizer_open(&t, g, &e), 0);
    assert_int_equal(lines_open(&lines, jsonl, &e), 0);
    while (lines_next(&lines, &e) == 1) {
        cJSON *line;
        snprintf(where, sizeof where, "%s:%zu", jsonl, lines.n);
        line = json_parse(lines.line.s, lines.line.len, where, &e);
        assert_non_null(line);
        assert_encodes(t, line, "ids", 0, where);
        assert_encodes(t, line, "ids_special", TOKENIZE_SPECIAL, where);
        json_free(line);
    }
    assert_true(lines.n >= 100);
    lines_close(&lines);
    tokenizer_close(t);
    gguf_close(g);
    assert_int_equal(mem_live(), 0);
}

static void ids_are_those_of_llama_cpp(void **state)
{
    static const char *const names[] = {
        "llama-spm", "phi-3", "baichuan", "gpt-2", "llama-bpe", "qwen2", "qwen35", "deepseek-llm",
        "deepseek-coder", "falcon", "starcoder", "refact", "command-r", "mpt", "gpt-neox", "bert-bge",
        "gemma-4",
    };
    char vocab[4200], name[128];
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(name, sizeof name, "tokenizers/ggml-vocab-%s.gguf", names[i]);
        snprintf(vocab, sizeof vocab, "%s", shared_path(name));
        snprintf(name, sizeof name, "golden/tokenize/%s.jsonl", names[i]);
        check_vocabulary(vocab, shared_path(name));
    }
}

static void ids_of_the_two_models_are_those_of_llama_cpp(void **state)
{
    static const char *const pairs[][2] = {
        {"smollm2.gguf", "golden/tokenize/SmolLM2-135M-Instruct.Q4_1.jsonl"},
        {"gemma3.gguf", "golden/tokenize/gemma-3-270m-q4_k_m.jsonl"},
    };
    const char *dir = getenv("DENSIMETER_MODELS");
    char path[4200];
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", dir ? dir : ".", pairs[i][0]);
        if (!file_exists(path)) {
            print_message("          skipped: $DENSIMETER_MODELS/%s is not here\n", pairs[i][0]);
            skip();
        }
        check_vocabulary(path, shared_path(pairs[i][1]));
    }
}

/* ---- a vocabulary of our own ------------------------------------------------------------- */

struct loaded {
    struct strbuf image;
    struct gguf *g;
    struct tokenizer *t;
};

static void load_tiny(struct loaded *l, int is_bpe)
{
    struct tiny_opts o = {.seed = 1, .is_bpe = is_bpe, .layers = 1};
    struct err e = ERR_NONE;

    *l = (struct loaded){0};
    assert_int_equal(tiny_build(&l->image, &o, &e), 0);
    assert_int_equal(gguf_open_bytes(&l->g, l->image.s, l->image.len, "tiny", &e), 0);
    assert_int_equal(tokenizer_open(&l->t, l->g, &e), 0);
}

static void unload(struct loaded *l)
{
    tokenizer_close(l->t);
    gguf_close(l->g);
    strbuf_release(&l->image);
    assert_int_equal(mem_live(), 0);
}

static void assert_round_trip(struct tokenizer *t, const char *text, size_t n, int is_bpe)
{
    struct ids ids = {0};
    struct strbuf back = STRBUF_INIT;
    struct err e = ERR_NONE;

    /* SPM puts a blank in front, and after every special token */
    assert_int_equal(tokenizer_encode(t, text, n, is_bpe ? TOKENIZE_SPECIAL : 0, &ids, &e), 0);
    assert_int_equal(tokenizer_decode(t, ids.v, ids.n, 1, &back, &e), 0);
    if (!is_bpe && n) {
        assert_int_equal(back.len, n + 1);
        assert_memory_equal(back.s + 1, text, n);
    } else {
        assert_int_equal(back.len, n);
        assert_memory_equal(strbuf_str(&back), text, n);
    }
    ids_release(&ids);
    strbuf_release(&back);
}

static void any_bytes_come_back_from_their_ids(void **state)
{
    static const char *const texts[] = {
        "", " ", "the capital of", "  two\n\n\tlines ", "\xe4\xb8\xad\xe6\x96\x87 caf\xc3\xa9",
        "<|im_start|>user\nyes<|im_end|>\n", "<|im_start|", "123456 it's THE'LL",
    };
    char noise[300];
    uint64_t seed = 5;
    (void)state;
    for (int is_bpe = 0; is_bpe < 2; is_bpe++) {
        struct loaded l;
        load_tiny(&l, is_bpe);
        for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
            assert_round_trip(l.t, texts[i], strlen(texts[i]), is_bpe);
        for (int round = 0; round < 200; round++) { /* zero bytes and broken UTF-8 among them */
            size_t n = tiny_random(&seed) % sizeof noise;
            for (size_t i = 0; i < n; i++) {
                noise[i] = (char)tiny_random(&seed);
                if (!is_bpe && noise[i] == ' ') /* a stray lead byte before it would swallow the */
                    noise[i] = '_';             /* U+2581 that it becomes, in llama.cpp as well */
            }
            assert_round_trip(l.t, noise, n, is_bpe);
        }
        unload(&l);
    }
}

static void special_texts_count_only_when_asked_for(void **state)
{
    static const char text[] = "<|im_end|>the";
    struct loaded l;
    struct err e = ERR_NONE;
    (void)state;
    for (int is_bpe = 0; is_bpe < 2; is_bpe++) {
        struct ids plain = {0}, special = {0};
        struct strbuf b = STRBUF_INIT;
        load_tiny(&l, is_bpe);
        assert_int_equal(tokenizer_encode(l.t, text, strlen(text), 0, &plain, &e), 0);
        assert_true(plain.n > 8);
        assert_int_equal(tokenizer_encode(l.t, text, strlen(text),
                                          TOKENIZE_SPECIAL | TOKENIZE_BOS, &special, &e), 0);
        assert_int_equal(special.v[0], tokenizer_bos(l.t));
        assert_true(tokenizer_is_end(l.t, special.v[1]));
        assert_memory_equal(tokenizer_text(l.t, special.v[1]).s, "<|im_end|>", 10);
        assert_int_equal(tokenizer_decode(l.t, special.v, special.n, 0, &b, &e), 0);
        assert_string_equal(b.s, is_bpe ? "the" : " the");
        ids_release(&plain);
        ids_release(&special);
        strbuf_release(&b);
        unload(&l);
    }
}

static void what_the_file_says_is_told(void **state)
{
    struct loaded l;
    struct strbuf b = STRBUF_INIT;
    struct err e = ERR_NONE;
    const int32_t beyond = 100000;
    (void)state;
    load_tiny(&l, 1);
    assert_string_equal(tokenizer_model(l.t), "gpt2");
    assert_string_equal(tokenizer_pre(l.t), "smollm");
    assert_int_equal(tokenizer_bos(l.t), 0);
    assert_int_equal(tokenizer_eos(l.t), 2);
    assert_int_equal(tokenizer_adds_bos(l.t), 0);
    assert_false(tokenizer_is_end(l.t, 1));
    assert_false(tokenizer_is_end(l.t, -1));
    assert_int_equal(tokenizer_text(l.t, beyond).n, 0);
    assert_int_equal(tokenizer_decode(l.t, &beyond, 1, 0, &b, &e), -1);
    assert_non_null(strstr(e.text, "token id 100000"));
    strbuf_release(&b);
    unload(&l);
}

static void a_megabyte_of_one_byte_takes_no_quadratic_time(void **state)
{
    enum { MEGABYTE = 1 << 20 }; /* quadratic would be minutes */
    static const char fills[] = {'a', ' ', '\n', 't', '1', '<', '\xe4'};
    char *text = mem_alloc(MEGABYTE);
    (void)state;
    for (int is_bpe = 0; is_bpe < 2; is_bpe++) {
        struct loaded l;
        struct err e = ERR_NONE;
        load_tiny(&l, is_bpe);
        for (size_t i = 0; i < sizeof fills; i++) {
            struct ids ids = {0};
            memset(text, fills[i], MEGABYTE);
            text[MEGABYTE - 1] = '.';
            assert_int_equal(tokenizer_encode(l.t, text, MEGABYTE, TOKENIZE_SPECIAL, &ids, &e), 0);
            assert_true(ids.n > 0);
            ids_release(&ids);
        }
        tokenizer_close(l.t);
        gguf_close(l.g);
        strbuf_release(&l.image);
    }
    mem_free(text);
    assert_int_equal(mem_live(), 0);
}

static void tokenizer_survives_every_failed_allocation(void **state)
{
    static const char text[] = "<|im_start|>the capital\xff of 12 cities";
    (void)state;
    for (int is_bpe = 0; is_bpe < 2; is_bpe++) {
        struct loaded l;
        struct ids all = {0}; /* what comes of it where nothing is refused */
        long before;
        int rc = -1;
        load_tiny(&l, is_bpe);
        assert_int_equal(tokenizer_encode(l.t, text, strlen(text), TOKENIZE_SPECIAL, &all, NULL),
                         0);
        before = mem_live();
        for (int nth = 0; rc < 0; nth++) {
            struct tokenizer *t = NULL;
            struct ids ids = {0};
            struct err e = ERR_NONE;
            mem_fail_at(nth);
            rc = tokenizer_open(&t, l.g, &e);
            if (rc == 0)
                rc = tokenizer_encode(t, text, strlen(text), TOKENIZE_SPECIAL, &ids, &e);
            mem_fail_at(-1);
            assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
            if (rc == 0) {
                assert_int_equal(ids.n, all.n);
                assert_memory_equal(ids.v, all.v, all.n * sizeof *all.v);
            }
            tokenizer_close(t);
            ids_release(&ids);
            assert_int_equal(mem_live(), before);
        }
        ids_release(&all);
        unload(&l);
    }
}

/* ---- vocabularies that lie --------------------------------------------------------------- */

#define STRS(...)                                                                                  \
    (const struct gguf_str[]){__VA_ARGS__},                                                        \
        sizeof((const struct gguf_str[]){__VA_ARGS__}) / sizeof(struct gguf_str)
#define S(text) {text, sizeof text - 1}

static int open_vocabulary(struct gguf_writer *w, struct tokenizer **t, struct loaded *l,
                           struct err *e)
{
    int rc;

    *l = (struct loaded){0};
    assert_int_equal(gguf_write_head(w, &l->image, e), 0);
    gguf_writer_release(w);
    assert_int_equal(gguf_open_bytes(&l->g, l->image.s, l->image.len, "vocab", e), 0);
    rc = tokenizer_open(t, l->g, e);
    l->t = *t;
    return rc;
}

static void assert_vocabulary_refused(struct gguf_writer *w, enum err_code code, const char *text)
{
    struct loaded l;
    struct tokenizer *t;
    struct err e = ERR_NONE;

    assert_int_equal(open_vocabulary(w, &t, &l, &e), -1);
    if (e.code != code || !strstr(e.text, text))
        fail_msg("expected \"%s\", got \"%s\"", text, e.text);
    assert_non_null(strstr(e.text, "vocab"));
    unload(&l);
}

static void what_is_not_known_is_refused_by_name(void **state)
{
    struct gguf_writer w = {0};
    (void)state;
    assert_vocabulary_refused(&w, ERR_FORMAT, "the file has no tokenizer");
    w = (struct gguf_writer){0};
    gguf_put_str(&w, "tokenizer.ggml.model", "zorp", 4);
    assert_vocabulary_refused(&w, ERR_UNSUPPORTED, "tokenizer 'zorp' is not supported; known: gpt2, llama, bert");
    w = (struct gguf_writer){0};
    gguf_put_str(&w, "tokenizer.ggml.model", "gpt2", 4);
    assert_vocabulary_refused(&w, ERR_FORMAT, "no vocabulary (key 'tokenizer.ggml.tokens')");
    w = (struct gguf_writer){0};
    gguf_put_str(&w, "tokenizer.ggml.model", "gpt2", 4);
    gguf_put_str(&w, "tokenizer.ggml.pre", "zorp-9", 6);
    gguf_put_strs(&w, "tokenizer.ggml.tokens", STRS(S("a")));
    assert_vocabulary_refused(&w, ERR_UNSUPPORTED, "pre-tokenizer 'zorp-9' is not known");
    w = (struct gguf_writer){0};
    gguf_put_str(&w, "tokenizer.ggml.model", "gpt2", 4);
    gguf_put_strs(&w, "tokenizer.ggml.tokens", STRS(S("a")));
    assert_vocabulary_refused(&w, ERR_FORMAT, "without merges");
}

static void arrays_that_do_not_fit_the_vocabulary_are_refused(void **state)
{
    static const float scores[] = {1};
    static const int32_t types[] = {1, 1, 1};
    struct gguf_writer w = {0};
    (void)state;
    gguf_put_str(&w, "tokenizer.ggml.model", "llama", 5);
    gguf_put_strs(&w, "tokenizer.ggml.tokens", STRS(S("a"), S("b")));
    gguf_put_f32s(&w, "tokenizer.ggml.scores", scores, 1);
    assert_vocabulary_refused(&w, ERR_FORMAT, "'tokenizer.ggml.scores' has 1 elements for 2");
    w = (struct gguf_writer){0};
    gguf_put_str(&w, "tokenizer.ggml.model", "llama", 5);
    gguf_put_strs(&w, "tokenizer.ggml.tokens", STRS(S("a"), S("b")));
    gguf_put_i32s(&w, "tokenizer.ggml.token_type", types, 3);
    assert_vocabulary_refused(&w, ERR_FORMAT, "'tokenizer.ggml.token_type' has 3 elements for 2");
    w = (struct gguf_writer){0};
    gguf_put_str(&w, "tokenizer.ggml.model", "llama", 5);
    gguf_put_i32s(&w, "tokenizer.ggml.tokens", types, 3);
    assert_vocabulary_refused(&w, ERR_FORMAT, "not an array of strings");
}

static void odd_vocabularies_do_no_harm(void **state)
{
    static const float scores[] = {NAN, -INFINITY, INFINITY, 0, -0.0f, 1};
    static const int32_t types[] = {4, -7, 99, 3, 6, 2};
    struct gguf_writer w = {0};
    struct loaded l;
    struct tokenizer *t;
    struct ids ids = {0};
    struct strbuf b = STRBUF_INIT;
    struct err e = ERR_NONE;
    (void)state;
    /* a token without text, the same text twice, ids out of range, a byte token that is none */
    gguf_put_str(&w, "tokenizer.ggml.model", "llama", 5);
    gguf_put_strs(&w, "tokenizer.ggml.tokens",
                  STRS(S(""), S("aa"), S("aa"), S("a"), S("<0xZZ>"), S("aaa")));
    gguf_put_f32s(&w, "tokenizer.ggml.scores", scores, 6);
    gguf_put_i32s(&w, "tokenizer.ggml.token_type", types, 6);
    gguf_put_u32(&w, "tokenizer.ggml.bos_token_id", 4000000000u);
    gguf_put_u32(&w, "tokenizer.ggml.eos_token_id", 6);
    assert_int_equal(open_vocabulary(&w, &t, &l, &e), 0);
    assert_int_equal(tokenizer_bos(t), 1); /* the default of the model, as the key's is no token */
    assert_int_equal(tokenizer_encode(t, "aaaaaxa", 7, TOKENIZE_SPECIAL, &ids, &e), 0);
    for (size_t i = 0; i < ids.n; i++)
        assert_in_range(ids.v[i], 0, 5);
    assert_int_equal(tokenizer_decode(t, ids.v, ids.n, 1, &b, &e), 0);
    ids_release(&ids);
    strbuf_release(&b);
    unload(&l);
}

static void merges_that_are_no_pairs_merge_nothing(void **state)
{
    struct gguf_writer w = {0};
    struct loaded l;
    struct tokenizer *t;
    struct ids ids = {0};
    struct err e = ERR_NONE;
    (void)state;
    gguf_put_str(&w, "tokenizer.ggml.model", "gpt2", 4);
    gguf_put_str(&w, "tokenizer.ggml.pre", "gpt-2", 5);
    gguf_put_strs(&w, "tokenizer.ggml.tokens", STRS(S("a"), S("b"), S("ab")));
    /* "a b" comes last and is the only one that makes a token; "b b" makes a text that is none */
    gguf_put_strs(&w, "tokenizer.ggml.merges",
                  STRS(S(""), S(" "), S("ab"), S("a "), S(" b"), S("b b"), S("a b"), S("a b")));
    assert_int_equal(open_vocabulary(&w, &t, &l, &e), 0);
    assert_int_equal(tokenizer_encode(t, "aab", 3, 0, &ids, &e), 0);
    assert_int_equal(ids.n, 2);
    assert_int_equal(ids.v[0], 0);
    assert_int_equal(ids.v[1], 2);
    ids.n = 0;
    assert_int_equal(tokenizer_encode(t, "bbc", 3, 0, &ids, &e), 0); /* c has no token */
    assert_int_equal(ids.n, 2);
    assert_int_equal(ids.v[0], 1);
    assert_int_equal(ids.v[1], 1);
    ids_release(&ids);
    unload(&l);
}

/* Of two tokens with one text the last counts, also where the rules make the tokens in order. */
static void a_merge_makes_the_last_of_equal_tokens(void **state)
{
    static const char *const texts[] = {"a", "b", "aa", "ab", "ab"};
    static const struct gguf_str a = {"a", 1}, b = {"b", 1};
    const struct bpe_opts o = {.over_chars = 1, .missing = BPE_UNK, .unk = -1};
    struct ids ids = {0};
    struct vocab v;
    struct bpe bpe;
    (void)state;
    assert_int_equal(vocab_alloc(&v, "texts", 5, NULL), 0);
    v.longest = 2;
    for (uint32_t i = 0; i < 5; i++) {
        v.text[i] = (struct gguf_str){texts[i], strlen(texts[i])};
        assert_int_equal(text_map_put(&v.by_text, v.text, i), 0);
    }
    assert_int_equal(vocab_find(&v, "ab", 2), 4);
    assert_int_equal(vocab_find(&v, "ba", 2), -1);
    assert_int_equal(bpe_init(&bpe, &v, &o, 2, NULL), 0);
    assert_int_equal(bpe_add_rule(&bpe, a, a, 0, 1, NULL), 0);
    assert_int_equal(bpe_add_rule(&bpe, a, b, 1, 1, NULL), 0);
    assert_int_equal(bpe_encode(&bpe, "aaab", 4, &ids), 0);
    assert_int_equal(ids.n, 2);
    assert_int_equal(ids.v[0], 2);
    assert_int_equal(ids.v[1], 4);
    ids_release(&ids);
    bpe_release(&bpe);
    vocab_release(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_those_of_llama_cpp),
        cmocka_unit_test(ids_of_the_two_models_are_those_of_llama_cpp),
        cmocka_unit_test(any_bytes_come_back_from_their_ids),
        cmocka_unit_test(special_texts_count_only_when_asked_for),
        cmocka_unit_test(what_the_file_says_is_told),
        cmocka_unit_test(a_megabyte_of_one_byte_takes_no_quadratic_time),
        cmocka_unit_test(tokenizer_survives_every_failed_allocation),
        cmocka_unit_test(what_is_not_known_is_refused_by_name),
        cmocka_unit_test(arrays_that_do_not_fit_the_vocabulary_are_refused),
        cmocka_unit_test(odd_vocabularies_do_no_harm),
        cmocka_unit_test(merges_that_are_no_pairs_merge_nothing),
        cmocka_unit_test(a_merge_makes_the_last_of_equal_tokens),
    };
    return RUN(tests);
}
