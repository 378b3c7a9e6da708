/* Vocabularies of a handful of tokens in GGUF files, small enough to work out by hand what each
 * algorithm makes of a text (engine.md 4.1 to 4.7). */
#include "tests/test.h"

#include "base/mem.h"
#include "runners/gguf.h"
#include "runners/gguf_write.h"
#include "tests/token_ids.h"

#define BLANK "\xe2\x96\x81" /* U+2581 */
#define LENGTH(a) ((int)(sizeof(a) / sizeof(a)[0]))

enum { NORMAL = 1, UNKNOWN, CONTROL, USER, UNUSED, BYTE, MOST = 128 };

struct piece {
    const char *text;
    int type;
    float score;
};

struct made {
    struct gguf_writer w;
    struct strbuf image;
    struct gguf *g;
    struct tokenizer *t;
};

static void begin(struct made *m, const char *model, const char *pre, const struct piece *p, int n)
{
    struct gguf_str texts[MOST];
    int32_t types[MOST];
    float scores[MOST];

    *m = (struct made){0};
    for (int i = 0; i < n; i++) {
        texts[i] = (struct gguf_str){p[i].text, strlen(p[i].text)};
        types[i] = p[i].type;
        scores[i] = p[i].score;
    }
    gguf_put_str(&m->w, "tokenizer.ggml.model", model, strlen(model));
    if (pre)
        gguf_put_str(&m->w, "tokenizer.ggml.pre", pre, strlen(pre));
    gguf_put_strs(&m->w, "tokenizer.ggml.tokens", texts, (size_t)n);
    gguf_put_i32s(&m->w, "tokenizer.ggml.token_type", types, (size_t)n);
    gguf_put_f32s(&m->w, "tokenizer.ggml.scores", scores, (size_t)n);
}

static int finish_or(struct made *m, struct err *e)
{
    *e = ERR_NONE;
    assert_int_equal(gguf_write_head(&m->w, &m->image, e), 0);
    gguf_writer_release(&m->w);
    assert_int_equal(gguf_open_bytes(&m->g, m->image.s, m->image.len, "vocab", e), 0);
    return tokenizer_open(&m->t, m->g, e);
}

static void finish(struct made *m)
{
    struct err e;

    if (finish_or(m, &e) < 0)
        fail_msg("%s", e.text);
}

static void end(struct made *m)
{
    tokenizer_close(m->t);
    gguf_close(m->g);
    strbuf_release(&m->image);
    assert_int_equal(mem_live(), 0);
}

static void plain_ids_are(const struct made *m, const char *text, const char *wanted)
{
    ids_are(m->t, text, strlen(text), 0, wanted);
}

static void text_is(const struct made *m, const int32_t *ids, size_t n, int special,
                    const char *wanted)
{
    struct strbuf b = STRBUF_INIT;
    struct err e = ERR_NONE;

    if (tokenizer_decode(m->t, ids, n, special, &b, &e) < 0)
        fail_msg("%s", e.text);
    assert_string_equal(strbuf_str(&b), wanted);
    strbuf_release(&b);
}

/* --- SentencePiece's BPE ---------------------------------------------------------------------- */

static const struct piece merged[] = {
    {"<unk>", UNKNOWN, 0}, {"<s>", CONTROL, 0}, {"</s>", CONTROL, 0}, {"<0xC3>", BYTE, 0},
    {"<0xA9>", BYTE, 0}, {BLANK, NORMAL, -9}, {"a", NORMAL, -9}, {"b", NORMAL, -9},
    {"c", NORMAL, -9}, {"ab", NORMAL, -1}, {"bc", NORMAL, -2}, {BLANK "a", NORMAL, -3},
    {"abc", NORMAL, -4}, {BLANK "ab", NORMAL, -5}, {"<u>", USER, 0}, {"\xe4\xb8\xad", NORMAL, 0},
    {"\xf0\x9f\x98\x80", NORMAL, 0}, {"\xc2\x80", NORMAL, 0}, {"\xdf\xbf", NORMAL, 0},
    {"\xe0\xa0\x80", NORMAL, 0}, {"\xef\xbf\xbf", NORMAL, 0}, {"\xf4\x8f\xbf\xbf", NORMAL, 0},
    {"\xbf", NORMAL, 0}, {"z", UNUSED, 0},
};

static void spm_merges_the_highest_score_first(void **state)
{
    struct made m;

    (void)state;
    begin(&m, "llama", NULL, merged, LENGTH(merged));
    finish(&m);
    plain_ids_are(&m, "abc", "5 12");  /* ab, then abc before _ab */
    plain_ids_are(&m, "bc", "5 10");
    plain_ids_are(&m, "ab", "13");
    plain_ids_are(&m, "aab", "11 9");
    plain_ids_are(&m, "abab", "13 9");
    plain_ids_are(&m, "a b", "11 5 7");
    plain_ids_are(&m, " a", "5 11");
    plain_ids_are(&m, "a  ", "11 5 5");
    plain_ids_are(&m, "", "");
    plain_ids_are(&m, "\xc3\xa9", "5 3 4");  /* no token: its bytes */
    plain_ids_are(&m, "d", "5 0");           /* nor its byte */
    plain_ids_are(&m, "\xc3", "5 3");        /* broken off */
    plain_ids_are(&m, "a\xe4\xb8", "11 0 0");
    plain_ids_are(&m, "ab\xc3\xa9" "ab", "13 3 4 9");
    plain_ids_are(&m, "\xe4\xb8\xad\xf0\x9f\x98\x80", "5 15 16");
    plain_ids_are(&m, "\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf4\x8f\xbf\xbf\xbf",
            "5 17 18 19 20 21 22");
    plain_ids_are(&m, "abc", "5 12"); /* from the cache */
    end(&m);
}

static void special_tokens_take_their_places_first(void **state)
{
    struct made m;

    (void)state;
    begin(&m, "llama", NULL, merged, LENGTH(merged));
    finish(&m);
    ids_are(m.t, "ab</s>ab", 8, TOKENIZE_SPECIAL, "13 2 13"); /* each part has its blank */
    ids_are(m.t, "ab", 2, TOKENIZE_BOS, "1 13");
    ids_are(m.t, "<s><s>", 6, TOKENIZE_BOS | TOKENIZE_SPECIAL, "1 1 1");
    ids_are(m.t, "", 0, TOKENIZE_BOS, "1");
    plain_ids_are(&m, "<s>", "5 0 0 0");
    plain_ids_are(&m, "a<u>ab", "11 14 13"); /* the user's always */
    ids_are(m.t, "<unk>", 5, TOKENIZE_SPECIAL, "0");
    ids_are(m.t, "</s", 3, TOKENIZE_SPECIAL, "5 0 0 0");
    assert_true(tokenizer_bos(m.t) == 1 && tokenizer_eos(m.t) == 2 && tokenizer_adds_bos(m.t));
    assert_true(tokenizer_is_end(m.t, 2) && !tokenizer_is_end(m.t, 1));
    assert_false(tokenizer_is_end(m.t, -1));
    assert_false(tokenizer_is_end(m.t, LENGTH(merged)));
    end(&m);
    begin(&m, "llama", NULL, merged, LENGTH(merged));
    gguf_put_bool(&m.w, "tokenizer.ggml.add_space_prefix", 0);
    gguf_put_bool(&m.w, "tokenizer.ggml.add_bos_token", 0);
    finish(&m);
    plain_ids_are(&m, "ab", "9");
    ids_are(m.t, "<s>ab", 5, TOKENIZE_SPECIAL, "1 9");
    assert_false(tokenizer_adds_bos(m.t));
    end(&m);
}

static void ids_become_bytes(void **state)
{
    static const int32_t all[] = {0, 1, 13, 3, 4, 14, 23, 9}, before[] = {0}, bad[] = {24};
    struct strbuf b = STRBUF_INIT;
    struct err e = ERR_NONE;
    struct made m;

    (void)state;
    begin(&m, "llama", NULL, merged, LENGTH(merged));
    finish(&m);
    text_is(&m, all, LENGTH(all), 0, " ab\xc3\xa9<u>ab");
    text_is(&m, all, LENGTH(all), 1, "<unk><s> ab\xc3\xa9<u>ab");
    text_is(&m, before, 0, 1, "");
    assert_int_equal(tokenizer_decode(m.t, bad, 1, 0, &b, &e), -1);
    assert_string_equal(e.text, "vocab: token id 24; the vocabulary has 0 to 23");
    assert_int_equal(tokenizer_decode(m.t, (int32_t[]){-1}, 1, 0, &b, &e), -1);
    assert_int_equal(tokenizer_size(m.t), 24);
    tokenizer_pad(m.t, 26);
    assert_int_equal(tokenizer_size(m.t), 26);
    text_is(&m, (int32_t[]){24, 9, 25}, 3, 1, "ab"); /* rows without text */
    assert_int_equal(tokenizer_decode(m.t, (int32_t[]){26}, 1, 0, &b, &e), -1);
    assert_string_equal(e.text, "vocab: token id 26; the vocabulary has 0 to 25");
    tokenizer_pad(m.t, 24);
    assert_int_equal(tokenizer_size(m.t), 24);
    tokenizer_pad(m.t, 3);
    assert_int_equal(tokenizer_size(m.t), 24);
    assert_int_equal(tokenizer_text(m.t, 12).n, 3);
    assert_int_equal(tokenizer_text(m.t, 0).n, 5);
    assert_int_equal(tokenizer_text(m.t, 24).n, 0);
    assert_int_equal(tokenizer_text(m.t, -1).n, 0);
    assert_string_equal(tokenizer_model(m.t), "llama");
    assert_string_equal(tokenizer_pre(m.t), "");
    strbuf_release(&b);
    end(&m);
}

/* "<0xHH>" of every shape: only type BYTE with two capital digits is a byte. */
static void bytes_have_one_form(void **state)
{
    static const struct piece odd[] = {
        {"<0x0A>", BYTE, 0}, {"<0xF9>", BYTE, 0}, {"<0x41>", NORMAL, 0}, {"<0x4g>", BYTE, 0},
        {"<0xg4>", BYTE, 0}, {"<0x410", BYTE, 0}, {"<0y41>", BYTE, 0}, {"<0x1>", BYTE, 0},
        {"<0x90>", BYTE, 0}, {"x" BLANK "\xe2\x96" BLANK, NORMAL, 0}, {"\xe2\x96", BYTE, 0},
    };
    static const char *const texts[] = {
        "\n", "\xf9", "<0x41>", "<0x4g>", "<0xg4>", "<0x410", "<0y41>", "<0x1>", "\x90",
        "x \xe2\x96 ", "\xe2\x96",
    };
    struct made m;

    (void)state;
    begin(&m, "llama", NULL, odd, LENGTH(odd));
    finish(&m);
    for (int32_t i = 0; i < LENGTH(odd); i++)
        text_is(&m, &i, 1, 0, texts[i]);
    end(&m);
}

static void scores_are_ordered_as_numbers(void **state)
{
    static const struct {
        float ab, bc;
        const char *ids; /* a b c ab bc */
    } rows[] = {
        {2, 1, "3 2"}, {1, 2, "0 4"}, {-1, -2, "3 2"}, {-2, -1, "0 4"}, {.5f, -1, "3 2"},
        {-1, .5f, "0 4"}, {-0.0f, 0, "3 2"}, {0, -0.0f, "3 2"}, {0, 1e-30f, "0 4"},
        {-1e-30f, 0, "0 4"}, {7, 7, "3 2"},
    };

    (void)state;
    for (int i = 0; i < LENGTH(rows); i++) {
        const struct piece p[] = {{"a", NORMAL, 0}, {"b", NORMAL, 0}, {"c", NORMAL, 0},
                                  {"ab", NORMAL, rows[i].ab}, {"bc", NORMAL, rows[i].bc}};
        struct made m;
        begin(&m, "llama", NULL, p, 5);
        gguf_put_bool(&m.w, "tokenizer.ggml.add_space_prefix", 0);
        finish(&m);
        plain_ids_are(&m, "abc", rows[i].ids);
        end(&m);
    }
}

/* --- byte pairs ------------------------------------------------------------------------------- */

#define G "\xc4\xa0" /* GPT-2's letter for a blank */
static const struct piece pairs[] = {
    {"a", NORMAL, 0}, {"b", NORMAL, 0}, {"c", NORMAL, 0}, {G, NORMAL, 0}, {"ab", NORMAL, 0},
    {"abc", NORMAL, 0}, {G "a", NORMAL, 0}, {"cab", NORMAL, 0}, {"\xc4\x8a", NORMAL, 0},
    {"<e>", CONTROL, 0}, {"ca", NORMAL, 0}, {"\xc3\x83", NORMAL, 0}, {"\xc2\xa9", NORMAL, 0},
};

static void put_merges(struct made *m)
{
    static const struct gguf_str merges[] = {{"a b", 3}, {"ab c", 4}, {G " a", 4}, {"c a", 3}};

    gguf_put_strs(&m->w, "tokenizer.ggml.merges", merges, 4);
}

static void bpe_merges_by_rank(void **state)
{
    static const int32_t back[] = {6, 8, 11, 12, 4};
    struct made m;

    (void)state;
    begin(&m, "gpt2", "gpt-2", pairs, LENGTH(pairs));
    put_merges(&m);
    finish(&m);
    plain_ids_are(&m, "abc", "5");
    plain_ids_are(&m, "ab ab", "4 3 4"); /* a b comes before the blank's */
    plain_ids_are(&m, "a a", "0 6");
    plain_ids_are(&m, "cab", "2 4");     /* "cab" is a token, and no merge makes it */
    plain_ids_are(&m, "ca", "10");
    plain_ids_are(&m, "a\n", "0 8");
    plain_ids_are(&m, "\xc3\xa9", "11 12"); /* bytes as letters */
    plain_ids_are(&m, "x", "");
    ids_are(m.t, "<e>a", 4, TOKENIZE_SPECIAL, "9 0");
    text_is(&m, back, 5, 0, " a\n\xc3\xa9" "ab");
    assert_true(tokenizer_bos(m.t) == 11 && tokenizer_eos(m.t) == 11 && !tokenizer_adds_bos(m.t));
    assert_string_equal(tokenizer_model(m.t), "gpt2");
    assert_string_equal(tokenizer_pre(m.t), "gpt-2");
    end(&m);
    begin(&m, "gpt2", "llama-bpe", pairs, LENGTH(pairs));
    put_merges(&m);
    finish(&m);
    plain_ids_are(&m, "cab", "7"); /* a piece that is a token is taken whole */
    assert_true(tokenizer_adds_bos(m.t)); /* the family's habit */
    end(&m);
    begin(&m, "gpt2", "llama-bpe", pairs, LENGTH(pairs));
    gguf_put_bool(&m.w, "tokenizer.ggml.add_bos_token", 0);
    put_merges(&m);
    finish(&m);
    assert_false(tokenizer_adds_bos(m.t)); /* the file's own word */
    end(&m);
}

static void merges_are_needed_but_by_one_family(void **state)
{
    struct made m;
    struct err e;

    (void)state;
    begin(&m, "gpt2", "gpt-2", pairs, LENGTH(pairs));
    assert_int_equal(finish_or(&m, &e), -1);
    assert_string_equal(e.text, "vocab: a BPE vocabulary without merges (key "
                                "'tokenizer.ggml.merges')");
    end(&m);
    begin(&m, "gpt2", "kimi-k2", pairs, LENGTH(pairs));
    finish(&m);
    plain_ids_are(&m, "ab", "0 1");
    end(&m);
    begin(&m, "gpt2", "nosuch", pairs, LENGTH(pairs));
    put_merges(&m);
    assert_int_equal(finish_or(&m, &e), -1);
    assert_memory_equal(e.text, "vocab: pre-tokenizer 'nosuch' is not known", 42);
    end(&m);
    begin(&m, "nosuch", NULL, pairs, 2);
    assert_int_equal(finish_or(&m, &e), -1);
    assert_string_equal(e.text, "vocab: tokenizer 'nosuch' is not supported; known: gpt2, llama, "
                                "bert, t5, rwkv, gemma4");
    end(&m);
}

static void gemma4_merges_characters(void **state)
{
    static const struct piece p[] = {
        {"a", NORMAL, 0}, {"b", NORMAL, 0}, {BLANK, NORMAL, 0}, {BLANK "a", NORMAL, 0},
        {"\n", NORMAL, 0}, {"\n\n", NORMAL, 0}, {"ab", NORMAL, 0}, {"\xc3\xa9", NORMAL, 0},
        {"<0xC3>", BYTE, 0}, {"<0x9F>", BYTE, 0},
    };
    static const struct gguf_str merges[] = {{BLANK " a", 5}};
    struct made m;

    (void)state;
    begin(&m, "gemma4", NULL, p, LENGTH(p));
    gguf_put_strs(&m.w, "tokenizer.ggml.merges", merges, 1);
    finish(&m);
    plain_ids_are(&m, "a ab", "0 3 1");
    plain_ids_are(&m, "a b", "0 2 1");
    plain_ids_are(&m, "ab", "0 1");          /* whole only where it is line breaks alone */
    plain_ids_are(&m, "a\n\nb", "0 5 1");
    plain_ids_are(&m, "\n", "4");
    plain_ids_are(&m, "\n\n\n", "4 4 4");
    plain_ids_are(&m, "\xc3\xa9\xc3\x9f", "7 8 9"); /* a character without a token: its bytes */
    text_is(&m, (int32_t[]){3, 8, 9}, 3, 0, " a\xc3\x9f");
    assert_true(tokenizer_adds_bos(m.t) && tokenizer_bos(m.t) == -1 && tokenizer_eos(m.t) == -1);
    end(&m);
}

/* --- unigram ---------------------------------------------------------------------------------- */

static const struct piece likely[] = {
    {"<pad>", CONTROL, 0}, {"</s>", CONTROL, 0}, {"<unk>", UNKNOWN, 0}, {BLANK, NORMAL, -2},
    {"a", NORMAL, -3}, {"b", NORMAL, -3}, {"ab", NORMAL, -4}, {BLANK "a", NORMAL, -4.5f},
    {"<u v>", USER, -50}, {"cd", UNUSED, -33}, {"ef", UNUSED, -31}, {"ba", NORMAL, -6},
    {"\xc3\xa9", NORMAL, -3}, {"Ax", USER, 0},
};

static void unigram_takes_the_likeliest_cut(void **state)
{
    static const struct piece strange[] = {
        {"<unk>", UNKNOWN, 0}, {"a", NORMAL, -3}, {"\xef\xbf\xbd", NORMAL, -3},
    };
    struct made m;

    (void)state;
    begin(&m, "t5", NULL, likely, LENGTH(likely));
    finish(&m);
    plain_ids_are(&m, "ab", "6");           /* -4 before -6 */
    plain_ids_are(&m, "aab", "4 6");
    plain_ids_are(&m, "ba", "11");          /* of equal cuts the one that is found first */
    plain_ids_are(&m, "a b", "4 3 5");
    plain_ids_are(&m, "c", "2");
    plain_ids_are(&m, "xyz", "2");          /* a run of unknown characters is one */
    plain_ids_are(&m, "xay", "2 4 2");
    plain_ids_are(&m, "cd", "2");           /* unknown: 10 below the least likely, twice -16 */
    plain_ids_are(&m, "ef", "10");
    plain_ids_are(&m, "a<u v>b", "4 8 5");
    plain_ids_are(&m, "a\xff" "b", "4 2 5");
    plain_ids_are(&m, "\xc3\xa9" "a\xc3\xa9", "12 4 12");
    ids_are(m.t, "a</s>", 5, TOKENIZE_SPECIAL, "4 1");
    text_is(&m, (int32_t[]){7, 8, 6}, 3, 0, " a<u v>ab");
    assert_true(tokenizer_eos(m.t) == 1 && tokenizer_bos(m.t) == -1 && !tokenizer_adds_bos(m.t));
    assert_string_equal(tokenizer_model(m.t), "t5");
    end(&m);
    begin(&m, "t5", NULL, strange, LENGTH(strange));
    finish(&m);
    plain_ids_are(&m, "a\xff" "a\xf0", "1 2 1 2"); /* a byte of no character is U+FFFD */
    end(&m);
}

static void blanks_are_kept_or_merged(void **state)
{
    static const struct {
        int adds, merges;
        const char *text, *ids;
    } rows[] = {
        {0, 0, " a  b ", "7 3 3 5 3"}, {1, 0, " a  b ", "3 7 3 3 5 3"},
        {1, 0, "ab b", "3 6 3 5"},     {0, 1, " a  b ", "7 3 5"},
        {1, 1, " a  b ", "7 3 5"},     {1, 1, "ab", "3 6"},
        {0, 1, "   ", ""},             {0, 0, "  ", "3 3"},
    };

    (void)state;
    for (int i = 0; i < LENGTH(rows); i++) {
        struct made m;
        begin(&m, "t5", NULL, likely, LENGTH(likely));
        gguf_put_bool(&m.w, "tokenizer.ggml.add_space_prefix", rows[i].adds);
        gguf_put_bool(&m.w, "tokenizer.ggml.remove_extra_whitespaces", rows[i].merges);
        finish(&m);
        plain_ids_are(&m, rows[i].text, rows[i].ids);
        end(&m);
    }
}

/* A double array that leads from 'A' to the text at 0, and from 'B' to that at 2. */
static void put_map(struct made *m, int element_type)
{
    enum { NODES = 0x84 };
    uint32_t size = NODES * 4, nodes[NODES] = {0};
    static const char key[] = "tokenizer.ggml.precompiled_charsmap", texts[] = "a\0bb";
    uint64_t n = sizeof key - 1, bytes = 4 + size + sizeof texts;
    uint32_t types[2] = {9, (uint32_t)element_type};

    nodes['A'] = (uint32_t)('A' ^ 0x80) << 10 | 0x100 | 'A';
    nodes['B'] = (uint32_t)('B' ^ 0x81) << 10 | 0x100 | 'B';
    nodes[0x80] = 0x80000000;
    nodes[0x81] = 0x80000002;
    strbuf_add(&m->w.keys, (const char *)&n, 8);
    strbuf_add(&m->w.keys, key, n);
    strbuf_add(&m->w.keys, (const char *)types, 8);
    if (element_type == 8)
        bytes = 0;
    strbuf_add(&m->w.keys, (const char *)&bytes, 8);
    if (bytes) {
        strbuf_add(&m->w.keys, (const char *)&size, 4);
        strbuf_add(&m->w.keys, (const char *)nodes, size);
        strbuf_add(&m->w.keys, texts, sizeof texts);
    }
    m->w.n_keys++;
}

static void characters_are_mapped_before_they_are_cut(void **state)
{
    struct made m;
    struct err e;

    (void)state;
    for (int type = 0; type < 2; type++) { /* bytes with or without a sign */
        begin(&m, "t5", NULL, likely, LENGTH(likely));
        put_map(&m, type);
        finish(&m);
        plain_ids_are(&m, "AB", "6 5"); /* abb */
        plain_ids_are(&m, "A", "4");
        plain_ids_are(&m, "AxA", "13 4"); /* the user's tokens stay as they are */
        plain_ids_are(&m, "C", "2");
        end(&m);
    }
    begin(&m, "t5", NULL, likely, LENGTH(likely));
    put_map(&m, 8);
    assert_int_equal(finish_or(&m, &e), -1);
    assert_string_equal(e.text, "vocab: key 'tokenizer.ggml.precompiled_charsmap' is not an array "
                                "of bytes");
    end(&m);
}

/* --- word pieces ------------------------------------------------------------------------------ */

static const struct piece words[] = {
    {"[PAD]", CONTROL, 0}, {"[UNK]", UNKNOWN, 0}, {"[CLS]", CONTROL, 0}, {BLANK "un", NORMAL, 0},
    {"able", NORMAL, 0}, {BLANK ",", NORMAL, 0}, {BLANK "\xe4\xb8\xad", NORMAL, 0},
    {BLANK "a", NORMAL, 0}, {"b", NORMAL, 0}, {BLANK "\xc3\xa9", NORMAL, 0}, {BLANK "e", NORMAL, 0},
    {BLANK "$", NORMAL, 0}, {BLANK "~", NORMAL, 0}, {BLANK "UN", NORMAL, 0}, {"bb", NORMAL, 0},
    {BLANK "\xc2\xa2", NORMAL, 0}, {"\xc2\xa2", NORMAL, 0},
};

static void begin_words(struct made *m)
{
    begin(m, "bert", NULL, words, LENGTH(words));
    gguf_put_u32(&m->w, "tokenizer.ggml.unknown_token_id", 1);
    gguf_put_u32(&m->w, "tokenizer.ggml.bos_token_id", 2);
}

static void word_pieces_are_the_longest(void **state)
{
    struct made m;

    (void)state;
    begin_words(&m);
    finish(&m);
    plain_ids_are(&m, "unable", "3 4");
    plain_ids_are(&m, "Unable, A", "3 4 5 7");
    plain_ids_are(&m, "abbb", "7 14 8");
    plain_ids_are(&m, "\xc3\x9cnable", "3 4");
    plain_ids_are(&m, "\xc3\xa9 \xc3\x89 e\xcc\x81", "10 10 10"); /* accents are stripped */
    plain_ids_are(&m, "unx a", "1 7");       /* one unknown for the whole word */
    plain_ids_are(&m, "a\xe4\xb8\xad" "a", "7 6 7");
    plain_ids_are(&m, "a$a~a", "7 11 7 12 7");
    plain_ids_are(&m, "a\xc2\xa2", "7 16");  /* a symbol that is not ASCII is a letter */
    plain_ids_are(&m, "\t a\n\xe3\x80\x80" "a ", "7 7");
    ids_are(m.t, "u\0n\x01", 4, 0, "3");
    ids_are(m.t, "a\xe4\xb8\xad", 3, 0, "7"); /* the text ends inside a character */
    plain_ids_are(&m, "u\xe2\x80\x8b\xef\xbf\xbdn\xff", "3");
    plain_ids_are(&m, "", "");
    plain_ids_are(&m, " ", "");
    ids_are(m.t, "a", 1, TOKENIZE_BOS, "2 7");
    ids_are(m.t, "[CLS]a", 6, TOKENIZE_SPECIAL, "2 7");
    text_is(&m, (int32_t[]){3, 4, 5}, 3, 0, " unable ,");
    assert_true(tokenizer_adds_bos(m.t) && tokenizer_eos(m.t) == -1);
    end(&m);
}

static void case_and_accents_may_stay(void **state)
{
    static const struct {
        int lowers, strips; /* -1: not said */
        const char *text, *ids;
    } rows[] = {
        {0, -1, "UN un", "13 3"}, {0, -1, "\xc3\xa9", "9"}, {1, 0, "\xc3\x89 UN", "9 3"},
        {1, 0, "e\xcc\x81", "1"}, {0, 1, "\xc3\xa9 UN", "10 13"}, {-1, -1, "UN", "3"},
        {-1, 0, "\xc3\xa9", "9"},
    };

    (void)state;
    for (int i = 0; i < LENGTH(rows); i++) {
        struct made m;
        begin_words(&m);
        if (rows[i].lowers >= 0)
            gguf_put_bool(&m.w, "tokenizer.ggml.normalizer.lowercase", rows[i].lowers);
        if (rows[i].strips >= 0)
            gguf_put_bool(&m.w, "tokenizer.ggml.normalizer.strip_accents", rows[i].strips);
        finish(&m);
        plain_ids_are(&m, rows[i].text, rows[i].ids);
        end(&m);
    }
}

/* Opened with one key that is of another kind than its meaning. */
static void a_key_of_another_kind_is_refused(void **state)
{
    static const struct {
        const char *model, *key;
        const struct piece *pieces;
        int n;
    } rows[] = {
        {"bert", "tokenizer.ggml.normalizer.lowercase", words, LENGTH(words)},
        {"bert", "tokenizer.ggml.normalizer.strip_accents", words, LENGTH(words)},
        {"t5", "tokenizer.ggml.remove_extra_whitespaces", likely, LENGTH(likely)},
        {"t5", "tokenizer.ggml.precompiled_charsmap", likely, LENGTH(likely)},
        {"gpt2", "tokenizer.ggml.pre", pairs, LENGTH(pairs)},
        {"llama", "tokenizer.ggml.add_space_prefix", merged, LENGTH(merged)},
        {"llama", "tokenizer.ggml.add_bos_token", merged, LENGTH(merged)},
    };

    (void)state;
    for (int i = 0; i < LENGTH(rows); i++) {
        struct err e = ERR_NONE;
        struct made m;
        begin(&m, rows[i].model, NULL, rows[i].pieces, rows[i].n);
        put_merges(&m);
        gguf_put_f32(&m.w, rows[i].key, 1.5f);
        if (finish_or(&m, &e) == 0)
            fail_msg("%s is taken", rows[i].key);
        assert_int_equal(e.code, ERR_FORMAT);
        assert_non_null(strstr(e.text, rows[i].key));
        end(&m);
    }
}

static void without_an_unknown_token_a_word_has_none(void **state)
{
    static struct piece many[103];
    struct made m;

    (void)state;
    begin(&m, "bert", NULL, words, LENGTH(words)); /* ids 100 and 101 are not there */
    finish(&m);
    plain_ids_are(&m, "unx a", "7");
    ids_are(m.t, "a", 1, TOKENIZE_BOS, "7");
    end(&m);
    for (int i = 0; i < LENGTH(many); i++)
        many[i] = (struct piece){i == 100 ? "[UNK]" : i == 101 ? "[CLS]" : BLANK "w", NORMAL, 0};
    begin(&m, "bert", NULL, many, LENGTH(many)); /* where they are, nothing need say so */
    finish(&m);
    plain_ids_are(&m, "unx", "100");
    assert_int_equal(tokenizer_bos(m.t), 101);
    assert_true(tokenizer_adds_bos(m.t));
    end(&m);
    begin(&m, "bert", NULL, words + 7, 2);
    gguf_put_u32(&m.w, "tokenizer.ggml.unknown_token_id", 0);
    finish(&m);
    plain_ids_are(&m, "x a", "0 0");
    end(&m);
    begin(&m, "bert", NULL, words + 7, 2); /* the first token is one like any other */
    finish(&m);
    plain_ids_are(&m, "ab a", "0 1 0");
    end(&m);
}

/* --- RWKV ------------------------------------------------------------------------------------- */

static void rwkv_takes_the_longest_token(void **state)
{
    static const struct piece p[] = {
        {"?", NORMAL, 0}, {"a", NORMAL, 0}, {"ab", NORMAL, 0}, {"\\n", NORMAL, 0},
        {"\\x41", NORMAL, 0}, {"\\\\", NORMAL, 0}, {"\\t", NORMAL, 0}, {"\\xff\\xe0", NORMAL, 0},
        {"\\'", NORMAL, 0}, {"\\r\\x9a!", NORMAL, 0}, {"q\\x4", NORMAL, 0}, {"w\\", NORMAL, 0},
    };
    struct made m;

    (void)state;
    begin(&m, "rwkv", NULL, p, LENGTH(p));
    finish(&m);
    plain_ids_are(&m, "abaA\n\\\t'", "2 1 4 3 5 6 8");
    plain_ids_are(&m, "\xff\xe0\r\x9a!", "7 9");
    plain_ids_are(&m, "azb", "1"); /* no token starts with these */
    plain_ids_are(&m, "q4w", "10 11"); /* escapes that are broken off */
    text_is(&m, (int32_t[]){7, 9, 4, 3, 6, 5, 2}, 7, 0, "\xff\xe0\r\x9a!A\n\t\\ab");
    assert_true(tokenizer_bos(m.t) == -1 && tokenizer_eos(m.t) == -1 && !tokenizer_adds_bos(m.t));
    end(&m);
    begin(&m, "rwkv", NULL, p, LENGTH(p));
    gguf_put_u32(&m.w, "tokenizer.ggml.unknown_token_id", 0);
    finish(&m);
    plain_ids_are(&m, "azzb", "1 0 0 0");
    end(&m);
}

/* --- memory ---------------------------------------------------------------------------------- */

#define MIXED "ab c <e>unx Ab, z"
static void every_scheme_survives_every_failed_allocation(void **state)
{
    static const struct {
        const char *model, *pre;
        const struct piece *pieces;
        int n;
        const char *text;
    } rows[] = {{"llama", NULL, merged, LENGTH(merged), MIXED},
                {"gpt2", "gpt-2", pairs, LENGTH(pairs), MIXED},
                {"gemma4", NULL, pairs, LENGTH(pairs), MIXED},
                {"t5", NULL, likely, LENGTH(likely), MIXED},
                {"bert", NULL, words, LENGTH(words), MIXED},
                /* of which the last needs more room than the eight before it */
                {"bert", NULL, words, LENGTH(words), "a a a a a a a a a"},
                {"rwkv", NULL, pairs, LENGTH(pairs), MIXED}};

    (void)state;
    for (int i = 0; i < LENGTH(rows); i++) {
        const char *text = rows[i].text;
        enum { FLAGS = TOKENIZE_SPECIAL | TOKENIZE_BOS };
        struct made m;
        struct ids all = {0}; /* what comes of it where nothing is refused */
        struct strbuf back = STRBUF_INIT;
        long before;
        int rc = -1;
        begin(&m, rows[i].model, rows[i].pre, rows[i].pieces, rows[i].n);
        put_merges(&m);
        if (i == 3)
            put_map(&m, 0);
        finish(&m);
        assert_int_equal(tokenizer_encode(m.t, text, strlen(text), FLAGS, &all, NULL), 0);
        assert_int_equal(tokenizer_decode(m.t, all.v, all.n, 1, &back, NULL), 0);
        before = mem_live();
        for (int nth = 0; rc < 0; nth++) {
            struct tokenizer *t = NULL;
            struct ids ids = {0};
            struct strbuf b = STRBUF_INIT;
            struct err e = ERR_NONE;
            mem_fail_at(nth);
            rc = tokenizer_open(&t, m.g, &e);
            if (rc == 0)
                rc = tokenizer_encode(t, text, strlen(text), FLAGS, &ids, &e);
            if (rc == 0)
                rc = tokenizer_decode(t, ids.v, ids.n, 1, &b, &e);
            mem_fail_at(-1);
            assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
            if (rc == 0) {
                assert_int_equal(ids.n, all.n);
                assert_memory_equal(ids.v, all.v, all.n * sizeof *all.v);
                assert_string_equal(strbuf_str(&b), strbuf_str(&back));
            }
            tokenizer_close(t);
            ids_release(&ids);
            strbuf_release(&b);
            assert_int_equal(mem_live(), before);
        }
        ids_release(&all);
        strbuf_release(&back);
        end(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spm_merges_the_highest_score_first),
        cmocka_unit_test(special_tokens_take_their_places_first),
        cmocka_unit_test(ids_become_bytes),
        cmocka_unit_test(bytes_have_one_form),
        cmocka_unit_test(scores_are_ordered_as_numbers),
        cmocka_unit_test(bpe_merges_by_rank),
        cmocka_unit_test(merges_are_needed_but_by_one_family),
        cmocka_unit_test(gemma4_merges_characters),
        cmocka_unit_test(unigram_takes_the_likeliest_cut),
        cmocka_unit_test(blanks_are_kept_or_merged),
        cmocka_unit_test(characters_are_mapped_before_they_are_cut),
        cmocka_unit_test(word_pieces_are_the_longest),
        cmocka_unit_test(case_and_accents_may_stay),
        cmocka_unit_test(a_key_of_another_kind_is_refused),
        cmocka_unit_test(without_an_unknown_token_a_word_has_none),
        cmocka_unit_test(rwkv_takes_the_longest_token),
        cmocka_unit_test(every_scheme_survives_every_failed_allocation),
    };

    return RUN(tests);
}
