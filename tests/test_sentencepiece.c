/* SentencePiece models of a handful of pieces, as protocol buffers made here: what its two
 * algorithms, its normalizer and the files beside it make of a text, worked out by hand. */
#include "tests/test.h"

#include "base/file.h"
#include "base/mem.h"
#include "runners/tokenizer.h"
#include "tests/data_folder.h"
#include "tests/token_ids.h"

#define BLANK "\xe2\x96\x81" /* U+2581 */
#define LENGTH(a) ((int)(sizeof(a) / sizeof(a)[0]))

enum { NORMAL = 1, UNKNOWN, CONTROL, USER, UNUSED, BYTE };
enum { UNIGRAM = 1, BPE, WORD };

struct piece {
    const char *text;
    int type;
    float score;
};

struct model { /* 0: not written, so that its default holds */
    const struct piece *pieces;
    int n, type;
    int byte_fallback, space_behind, unk, bos, eos; /* ids plus 1 */
    int no_prefix, keeps_spaces, hides_blanks, maps;
};

/* --- protocol buffers ------------------------------------------------------------------------ */

static void put_varint(struct strbuf *b, uint64_t v)
{
    for (; v > 127; v >>= 7)
        strbuf_addc(b, (char)(128 | (v & 127)));
    strbuf_addc(b, (char)v);
}

static void put_number(struct strbuf *b, int field, uint64_t v)
{
    put_varint(b, (uint64_t)field << 3);
    put_varint(b, v);
}

static void put_bytes(struct strbuf *b, int field, const void *s, size_t n)
{
    put_varint(b, (uint64_t)field << 3 | 2);
    put_varint(b, n);
    strbuf_add(b, s, n);
}

static void put_piece(struct strbuf *b, const struct piece *p)
{
    struct strbuf m = STRBUF_INIT;

    put_bytes(&m, 1, p->text, strlen(p->text));
    put_varint(&m, 2 << 3 | 5);
    strbuf_add(&m, (const char *)&p->score, 4);
    if (p->type != NORMAL)
        put_number(&m, 3, (uint64_t)p->type);
    put_bytes(b, 1, m.s, m.len);
    strbuf_release(&m);
}

/* A double array: A to "a", B to " b", C to " ", D to nothing. */
static void put_map(struct strbuf *b)
{
    enum { NODES = 0x90 };
    static const char texts[] = "a\0 b\0 \0";
    static const uint32_t places[] = {0, 2, 5, 7};
    uint32_t nodes[NODES] = {0}, size = NODES * 4;
    struct strbuf m = STRBUF_INIT;

    for (uint32_t i = 0; i < 4; i++) {
        uint32_t c = 'A' + i, leaf = 0x80 + i;
        nodes[c] = (c ^ leaf) << 10 | 0x100 | c;
        nodes[leaf] = 0x80000000 | places[i];
    }
    strbuf_add(&m, (const char *)&size, 4);
    strbuf_add(&m, (const char *)nodes, size);
    strbuf_add(&m, texts, sizeof texts);
    put_bytes(b, 2, m.s, m.len);
    strbuf_release(&m);
}

static void write_model(struct strbuf *out, const struct model *m)
{
    struct strbuf t = STRBUF_INIT, n = STRBUF_INIT;

    for (int i = 0; i < m->n; i++)
        put_piece(out, &m->pieces[i]);
    put_number(&t, 3, (uint64_t)m->type);
    if (m->space_behind)
        put_number(&t, 24, 1);
    if (m->byte_fallback)
        put_number(&t, 35, 1);
    if (m->unk)
        put_number(&t, 40, (uint64_t)(int64_t)(m->unk - 1));
    if (m->bos)
        put_number(&t, 41, (uint64_t)(int64_t)(m->bos - 1));
    if (m->eos)
        put_number(&t, 42, (uint64_t)(int64_t)(m->eos - 1));
    put_bytes(out, 2, t.s, t.len);
    if (m->maps)
        put_map(&n);
    if (m->no_prefix)
        put_number(&n, 3, 0);
    if (m->keeps_spaces)
        put_number(&n, 4, 0);
    if (m->hides_blanks)
        put_number(&n, 5, 0);
    put_bytes(out, 3, strbuf_str(&n), n.len);
    strbuf_release(&t);
    strbuf_release(&n);
}

/* config: tokenizer_config.json beside it, or NULL. */
static struct tokenizer *open_model(const struct model *m, const char *config, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    struct tokenizer *t = NULL;
    char path[256];

    *e = ERR_NONE;
    write_model(&b, m);
    if (config) {
        data_put("sp/tokenizer_config.json", config);
        snprintf(path, sizeof path, "%s", data_path("sp/tokenizer.model"));
        assert_int_equal(file_write(path, b.s, b.len, NULL), 0);
        tokenizer_open_hf(&t, path, e);
    } else {
        tokenizer_open_hf_bytes(&t, b.s, b.len, "made.model", e);
    }
    strbuf_release(&b);
    return t;
}

struct expected {
    const char *text, *ids;
};

static void texts_are(const struct model *m, const char *config, const struct expected *rows, int n)
{
    struct err e;
    struct tokenizer *t = open_model(m, config, &e);

    if (!t)
        fail_msg("%s", e.text);
    for (int i = 0; i < n; i++)
        ids_are(t, rows[i].text, strlen(rows[i].text), TOKENIZE_SPECIAL, rows[i].ids);
    tokenizer_close(t);
    assert_int_equal(mem_live(), 0);
}

#define TEXTS(m, config, ...)                                                                      \
    texts_are(m, config, (const struct expected[]){__VA_ARGS__},                                   \
              LENGTH(((const struct expected[]){__VA_ARGS__})))

/* --- byte pairs ------------------------------------------------------------------------------ */

static const struct piece merged[] = {
    {"<unk>", UNKNOWN, 0}, {"<s>", CONTROL, 0}, {"</s>", CONTROL, 0}, {"<0xC3>", BYTE, 0},
    {"<0xA9>", BYTE, 0}, {BLANK, NORMAL, -9}, {"a", NORMAL, -9}, {"b", NORMAL, -9},
    {"c", NORMAL, -9}, {"ab", NORMAL, -1}, {"bc", NORMAL, -2}, {BLANK "a", NORMAL, -3},
    {"abc", UNUSED, -4}, {BLANK "ab", NORMAL, -5}, {"<u>", USER, 0}, {"bb", USER, 0},
    {" a", NORMAL, -1}, {"\xe4\xb8\xad", NORMAL, 0}, {"\xf0\x9f\x98\x80", NORMAL, 0},
    {"\xdf\xbf", NORMAL, 0}, {"\xe0\xa0\x80", NORMAL, 0}, {"B", NORMAL, -9}, {"B!", USER, 0},
    {"dd", UNUSED, -1}, {"abab", UNUSED, -1}, {"ddd", UNUSED, -1},
};
static const struct model bpe = {.pieces = merged, .n = LENGTH(merged), .type = BPE};

static void pieces_merge_by_score(void **state)
{
    (void)state;
    TEXTS(&bpe, NULL, {"ab", "13"}, {"aab", "11 9"}, {"bc", "5 10"}, {"a b", "11 5 7"},
          {"abc", "5 9 8"},          /* an unused piece falls into what it was joined from */
          {"b", "5 7"}, {"", ""},
          {"c\xe4\xb8\xad\xf0\x9f\x98\x80\xdf\xbf\xe0\xa0\x80", "5 8 17 18 19 20"},
          {"\xc3\xa9", "5 0"}, {"\xc3\xa9zx", "5 0"}, /* a run of unknown ones is one */
          {"za z", "5 0 6 5 0"}, {"a\xff", "11 0"}, {"a\xe4\xb8", "11 0"},
          {"abb", "11 15"},          /* the user's piece merges with nothing */
          {"bbb", "5 15 7"}, {"a<u>b", "11 14 7"}, {"<u>", "5 14"}, {"ab", "13"},
          {"abab", "5 9 9"}); /* joined, and not used */
}

/* The first place is as good as any. */
static void what_merges_and_what_is_a_byte_may_be_the_first(void **state)
{
    static const struct piece joined[] = {{"ab", NORMAL, -1}, {"<unk>", UNKNOWN, 0},
                                          {"a", NORMAL, -9}, {"b", NORMAL, -9},
                                          {"\xef\xbf\xbd", NORMAL, -9}};
    static const struct piece bytes[] = {{"<0xFF>", BYTE, 0}, {"<unk>", UNKNOWN, 0},
                                         {"a", NORMAL, -9}};
    const struct model m = {.pieces = joined, .n = LENGTH(joined), .type = BPE, .no_prefix = 1,
                            .unk = 1 + 1};
    const struct model of_bytes = {.pieces = bytes, .n = LENGTH(bytes), .type = BPE,
                                   .no_prefix = 1, .unk = 1 + 1, .byte_fallback = 1};
    static const struct piece parts[] = {{"ab", NORMAL, -20}, {"<unk>", UNKNOWN, 0},
                                         {"a", NORMAL, -5}, {"b", NORMAL, -5}};
    const struct model of_parts = {.pieces = parts, .n = LENGTH(parts), .type = UNIGRAM,
                                   .no_prefix = 1, .unk = 1 + 1};

    (void)state;
    TEXTS(&m, NULL, {"ab", "0"}, {"aab", "2 0"}, {"aba", "0 2"},
          {"a\xff" "b", "2 4 3"}); /* a byte that begins no character is U+FFFD */
    TEXTS(&of_bytes, NULL, {"\xc3\xbf" "a", "2"}, {"\xff" "a", "2"});
    TEXTS(&of_parts, NULL, {"ab", "2 3"}); /* -20 for the whole, -10 for its parts */
    TEXTS(&m, "{\"added_tokens_decoder\":{\"0\":{\"content\":\"<z>\"}}}", {"a<z>b", "2 0 3"});
}

static void scores_are_ordered_as_numbers(void **state)
{
    static const struct {
        float ab, bc;
        const char *ids; /* a b c ab bc */
    } rows[] = {
        {2, 1, "4 3"},      {1, 2, "1 5"},     {-1, -2, "4 3"},     {-2, -1, "1 5"},
        {.5f, -1, "4 3"},   {-1, .5f, "1 5"},  {-0.0f, 0, "4 3"},   {0, -0.0f, "4 3"},
        {0, 1e-30f, "1 5"}, {-1e-30f, 0, "1 5"}, {7, 7, "4 3"},
    };

    (void)state;
    for (int i = 0; i < LENGTH(rows); i++) {
        const struct piece p[] = {{"<unk>", UNKNOWN, 0}, {"a", NORMAL, 0}, {"b", NORMAL, 0},
                                  {"c", NORMAL, 0}, {"ab", NORMAL, rows[i].ab},
                                  {"bc", NORMAL, rows[i].bc}};
        const struct model m = {.pieces = p, .n = 6, .type = BPE, .no_prefix = 1};
        texts_are(&m, NULL, &(struct expected){"abc", rows[i].ids}, 1);
    }
}

/* Parts of parts are looked for 500 deep; what is left then is the token itself. */
static void unused_pieces_fall_apart_to_a_depth(void **state)
{
    enum { DEEP = 505 };
    static char d[DEEP + 1];
    static struct piece p[DEEP + 1];
    const struct model m = {.pieces = p, .n = DEEP + 1, .type = BPE, .no_prefix = 1};
    struct err e;
    struct tokenizer *t;
    struct ids ids = {0};

    (void)state;
    memset(d, 'd', DEEP);
    p[0] = (struct piece){"<unk>", UNKNOWN, 0};
    for (int i = 1; i <= DEEP; i++) /* d^i, which is joined from the left */
        p[i] = (struct piece){d + DEEP - i, i == 1 ? NORMAL : UNUSED, i == 2 ? -1e3f : -(float)i};
    t = open_model(&m, NULL, &e);
    assert_non_null(t);
    assert_int_equal(tokenizer_encode(t, d, DEEP, 0, &ids, &e), 0);
    assert_int_equal(ids.n, 1 + 500);
    assert_int_equal(ids.v[0], DEEP - 500);
    for (size_t i = 1; i < ids.n; i++)
        assert_int_equal(ids.v[i], 1);
    ids_release(&ids);
    tokenizer_close(t);
    assert_int_equal(mem_live(), 0);
}

static void unknown_characters_may_be_bytes(void **state)
{
    struct model m = bpe;

    (void)state;
    m.byte_fallback = 1;
    TEXTS(&m, NULL, {"\xc3\xa9", "5 3 4"}, {"a\xc3\xa9" "a", "11 3 4 6"}, {"z", "5"}, /* no byte */
          {"\xc3\x83", "5 3"}, {"dd", "5"}); /* its parts are unknown */
    m.byte_fallback = 0;
    TEXTS(&m, NULL, {"dd", "5 0"}, {"ddd", "5 0"}, {"add", "11 0"});
    m.unk = -1 + 1; /* that is not written: still 0 */
    TEXTS(&m, NULL, {"z", "5 0"});
    m.unk = 100 + 1;
    TEXTS(&m, NULL, {"z", "5"}, {"azb", "11 7"});
}

static void blanks_are_put_in_front_or_behind(void **state)
{
    struct model m = bpe;

    (void)state;
    TEXTS(&m, NULL, {"  a   b  ", "11 5 7"}, {"   ", ""}, {" ", ""});
    m.keeps_spaces = 1;
    TEXTS(&m, NULL, {" a", "5 11"}, {"a ", "11 5"}, {"a  b", "11 5 5 7"}, {" ", "5 5"});
    m.no_prefix = 1;
    TEXTS(&m, NULL, {" a", "11"}, {"ab", "9"}, {"a ", "6 5"});
    m = bpe;
    m.no_prefix = 1;
    TEXTS(&m, NULL, {" ab ", "9"}, {"a  b", "6 5 7"});
    m = bpe;
    m.space_behind = 1;
    TEXTS(&m, NULL, {"ab", "9 5"}, {" ab  ", "9 5"}, {" ", ""});
    m.keeps_spaces = 1;
    TEXTS(&m, NULL, {"ab ", "9 5 5"});
    m = bpe;
    m.hides_blanks = 1;
    TEXTS(&m, NULL, {"a", "16"}, {" a  a  ", "16 16"}, {"b", "0 7"});
}

static void characters_are_mapped_but_in_the_users_pieces(void **state)
{
    struct model m = bpe;

    (void)state;
    m.maps = 1;
    TEXTS(&m, NULL, {"A", "11"}, {"aA", "11 6"}, {"aB", "11 5 7"}, {"B!", "5 22"},
          {"aBB!", "11 5 7 22"},
          {"CCa", "11"}, {"CC", ""}, {"aC C", "11"}, {"aCCb", "11 5 7"}, {"a B", "11 5 7"},
          {"D", ""}, {"aDb", "13"}, {"aDCD Db", "11 5 7"}, {"Ba", "5 7 6"});
    m.keeps_spaces = 1;
    TEXTS(&m, NULL, {"a B", "11 5 5 7"}, {"CCa", "5 5 11"}, {"aC", "11 5"});
}

/* --- unigram --------------------------------------------------------------------------------- */

static const struct piece likely[] = {
    {"<unk>", UNKNOWN, 0}, {"<s>", CONTROL, 0}, {"</s>", CONTROL, 0}, {"<0xC3>", BYTE, 0},
    {"<0xA9>", BYTE, 0}, {BLANK, NORMAL, -2}, {"a", NORMAL, -3}, {"b", NORMAL, -3},
    {"ab", NORMAL, -4}, {BLANK "a", NORMAL, -4.5f}, {"aab", USER, -99}, {"cd", UNUSED, -1},
    {"ef", NORMAL, -29}, {"bbbb", NORMAL, -11.5f},
};
static const struct model unigram = {.pieces = likely, .n = LENGTH(likely), .type = UNIGRAM};

static void the_likeliest_cut_wins(void **state)
{
    struct piece better[LENGTH(likely)];
    struct model m = unigram;
    struct err e;
    struct tokenizer *t;

    (void)state;
    TEXTS(&m, NULL, {"ab", "5 8"}, {"a", "9"}, {"ba", "5 7 6"}, {"aab", "5 10"}, {"bbbb", "5 13"},
          {"b aab", "5 7 5 10"}, {"cd", "5 0"}, /* unused pieces take no part */
          {"ef", "5 12"},                      /* -29 before two unknown of -39 */
          {"xyz", "5 0"}, {"\xc3\xa9", "5 0"}, {"a  ", "9"});
    m.byte_fallback = 1;
    TEXTS(&m, NULL, {"\xc3\xa9", "5 3 4"}, {"x\xc3\xa9", "5 0 3 4"});
    memcpy(better, likely, sizeof better);
    m.pieces = better;
    better[13].score = 4; /* the best: each byte of a user's piece is worth so much */
    better[9].score = 8;  /* _a, so that aab is 3 * 8 - .1 */
    better[8].score = 9;  /* ab: _a + ab is 17, _ + aab 21.9 or 24.9 */
    TEXTS(&m, NULL, {"aab", "5 10"}, {"ab", "5 8"});
    better[8].score = 30;
    TEXTS(&m, NULL, {"aab", "5 10"}); /* 89.9 */
    better[12].score = -15;
    TEXTS(&m, NULL, {"ef", "5 12"}, {"gh", "5 0"});
    t = open_model(&unigram, NULL, &e);
    assert_string_equal(tokenizer_model(t), "SentencePiece unigram");
    tokenizer_close(t);
    t = open_model(&bpe, NULL, &e);
    assert_string_equal(tokenizer_model(t), "SentencePiece BPE");
    assert_string_equal(tokenizer_pre(t), "");
    tokenizer_close(t);
    assert_int_equal(mem_live(), 0);
}

/* --- special tokens, and what stands beside the file ----------------------------------------- */

static void control_tokens_are_found_in_the_text(void **state)
{
    (void)state;
    TEXTS(&bpe, NULL, {"</s>ab", "2 13"}, {"ab<s>ab", "13 1 13"}, {"<s></s>", "1 2"});
    TEXTS(&bpe, "{\"legacy\":true}", {"</s>ab", "2 13"});
    TEXTS(&bpe, "{\"legacy\":false}", {"</s>ab", "2 9"}, {"ab</s>ab", "13 2 9"});
    TEXTS(&bpe, "{\"add_prefix_space\":false}", {"ab</s>ab", "9 2 9"});
}

static void ids_have_their_usual_places(void **state)
{
    static const struct {
        int bos, eos;
        const char *config;
        int is_bos, is_eos, adds;
    } rows[] = {
        {0, 0, NULL, 1, 2, 1},
        {6, 7, NULL, 5, 6, 1},
        {100, 27, NULL, -1, -1, 0},
        {26, 26, NULL, 25, 25, 1},
        {-4, 0, NULL, -1, 2, 0},
        {0, 0, "{\"add_bos_token\":false}", 1, 2, 0},
        {0, 0, "{\"bos_token\":\"a\",\"eos_token\":{\"content\":\"b\"}}", 6, 7, 1},
        {0, 0, "{\"bos_token\":\"nosuch\",\"eos_token\":\"<unk>\"}", -1, 0, 0},
        {0, 0, "{\"bos_token\":\"<unk>\"}", 0, 2, 1},
    };
    struct err e;

    (void)state;
    for (int i = 0; i < LENGTH(rows); i++) {
        struct model m = bpe;
        struct tokenizer *t;
        m.bos = rows[i].bos;
        m.eos = rows[i].eos;
        t = open_model(&m, rows[i].config, &e);
        assert_non_null(t);
        assert_int_equal(tokenizer_bos(t), rows[i].is_bos);
        assert_int_equal(tokenizer_eos(t), rows[i].is_eos);
        assert_int_equal(tokenizer_adds_bos(t), rows[i].adds);
        assert_int_equal(tokenizer_size(t), LENGTH(merged));
        tokenizer_close(t);
    }
    assert_int_equal(mem_live(), 0);
}

#define ADDED(...) "{\"added_tokens_decoder\":{" __VA_ARGS__ "}}"

static void tokens_are_added_behind_the_models(void **state)
{
    struct err e;
    struct tokenizer *t;

    (void)state;
    TEXTS(&bpe, ADDED("\"26\":{\"content\":\"<x>\",\"special\":true}"), {"a<x>b", "11 26 5 7"});
    TEXTS(&bpe, ADDED("\"27\":{\"content\":\"<y>\",\"lstrip\":true}"), {"a <y> b", "11 27 5 7"},
          {"a  <y>", "11 27"});
    TEXTS(&bpe, ADDED("\"27\":{\"content\":\"<y>\",\"rstrip\":true}") , {"a<y>  b", "11 27 5 7"});
    TEXTS(&bpe, ADDED("\"8\":{\"content\":\"<z>\"}"), {"a<z>", "11 8"});
    TEXTS(&bpe, ADDED("\"1\":{\"content\":\"<z>\"}"), {"<s>", "1"}); /* a control token stays */
    t = open_model(&bpe, ADDED("\"26\":{\"content\":\"<x>\",\"special\":true},"
                               "\"28\":{\"content\":\"<y>\"},\"29\":{\"no\":\"text\"},"
                               "\"27.5\":{\"content\":\"<f>\"},\"-1\":{\"content\":\"<m>\"},"
                               "\"999999\":{\"content\":\"<far>\"}"), &e);
    assert_int_equal(tokenizer_size(t), 29);
    ids_are(t, "<x>", strlen("<x>"), 0, "5 0"); /* special ones on demand */
    ids_are(t, "<y>", strlen("<y>"), 0, "28");
    assert_int_equal(tokenizer_text(t, 27).n, 0);
    tokenizer_close(t);
    t = open_model(&bpe, ADDED("\"283\":{\"content\":\"<y>\"}"), &e); /* 26 + 2 + 256: not yet */
    assert_int_equal(tokenizer_size(t), 284);
    tokenizer_close(t);
    t = open_model(&bpe, ADDED("\"284\":{\"content\":\"<y>\"}"), &e);
    assert_int_equal(tokenizer_size(t), 26);
    tokenizer_close(t);
    t = open_model(&bpe, ADDED("\"25\":{\"content\":\"<y>\"}"), &e);
    assert_int_equal(tokenizer_size(t), 26);
    tokenizer_close(t);
    assert_int_equal(mem_live(), 0);
}

static void other_models_are_refused(void **state)
{
    struct model m = bpe;
    struct err e;
    struct tokenizer *t;

    (void)state;
    m.type = WORD;
    assert_null(open_model(&m, NULL, &e));
    assert_string_equal(e.text, "made.model: SentencePiece model type 3 is not known; known: 1 "
                                "(unigram), 2 (BPE)");
    assert_int_equal(tokenizer_open_hf_bytes(&t, "\x0a\x05", 2, "made.model", &e), -1);
    assert_memory_equal(e.text, "made.model: not a SentencePiece model (at byte ", 46);
    assert_int_equal(tokenizer_open_hf_bytes(&t, "", 0, "made.model", &e), -1);
    assert_string_equal(e.text, "made.model: a SentencePiece model without pieces");
    assert_int_equal(mem_live(), 0);
}

static void ids_become_bytes(void **state)
{
    static const int32_t ids[] = {13, 3, 4, 14, 12, 2, 9};
    struct strbuf b = STRBUF_INIT;
    struct err e;
    struct tokenizer *t = open_model(&bpe, NULL, &e);

    (void)state;
    assert_int_equal(tokenizer_decode(t, ids, LENGTH(ids), 0, &b, &e), 0);
    assert_string_equal(b.s, " ab\xc3\xa9<u>ab");
    strbuf_release(&b);
    tokenizer_close(t);
    assert_int_equal(mem_live(), 0);
}

static void opening_and_encoding_survive_every_failed_allocation(void **state)
{
    struct strbuf b = STRBUF_INIT;
    struct tokenizer *whole;
    struct ids all = {0}; /* what comes of it where nothing is refused */
    long before;

    (void)state;
    for (int k = 0; k < 2; k++) {
        int rc = -1;
        strbuf_clear(&b);
        write_model(&b, k ? &unigram : &bpe);
        all.n = 0;
        assert_int_equal(tokenizer_open_hf_bytes(&whole, b.s, b.len, "made.model", NULL), 0);
        assert_int_equal(tokenizer_encode(whole, "ab \xc3\xa9 bb", 8, 0, &all, NULL), 0);
        tokenizer_close(whole);
        before = mem_live();
        for (int nth = 0; rc < 0; nth++) {
            struct tokenizer *t = NULL;
            struct ids ids = {0};
            struct err e = ERR_NONE;
            mem_fail_at(nth);
            rc = tokenizer_open_hf_bytes(&t, b.s, b.len, "made.model", &e);
            if (rc == 0)
                rc = tokenizer_encode(t, "ab \xc3\xa9 bb", 8, 0, &ids, &e);
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
    }
    ids_release(&all);
    strbuf_release(&b);
}

/* --- which file of a folder ------------------------------------------------------------------ */

static void the_pipeline_comes_before_the_model(void **state)
{
    static const char json[] = "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[]}}";
    static const char *const names[] = {"sentencepiece.bpe.model", "spiece.model",
                                        "tokenizer.model"};
    struct strbuf b = STRBUF_INIT;
    struct tokenizer *t;
    struct err e = ERR_NONE;
    char dir[256], path[400];

    (void)state;
    data_put("f/x.txt", "");
    snprintf(dir, sizeof dir, "%s", data_path("f"));
    assert_int_equal(tokenizer_open_hf(&t, dir, &e), -1);
    snprintf(path, sizeof path, "%s: no tokenizer (tokenizer.json, tokenizer.model)", dir);
    assert_string_equal(e.text, path);
    assert_int_equal(e.code, ERR_NOTFOUND);
    for (int i = 0; i < 3; i++) {
        struct model m = bpe;
        m.type = i == 1 ? UNIGRAM : BPE;
        strbuf_clear(&b);
        write_model(&b, &m);
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        assert_int_equal(file_write(path, b.s, b.len, NULL), 0);
        assert_int_equal(tokenizer_open_hf(&t, dir, &e), 0);
        assert_string_equal(tokenizer_model(t), i == 1 ? "SentencePiece unigram"
                                                       : "SentencePiece BPE");
        tokenizer_close(t);
    }
    data_put("f/tokenizer.json", json);
    assert_int_equal(tokenizer_open_hf(&t, dir, &e), 0);
    assert_string_equal(tokenizer_model(t), "BPE");
    tokenizer_close(t);
    data_put("f/tokenizer_config.json", "{\"bos_token\":\"a\"}");
    assert_int_equal(tokenizer_open_hf(&t, path, &e), 0); /* the file and what is beside it */
    assert_string_equal(tokenizer_model(t), "SentencePiece BPE");
    assert_int_equal(tokenizer_bos(t), 6);
    tokenizer_close(t);
    assert_int_equal(tokenizer_open_hf_bytes(&t, b.s, b.len, "x.bin", &e), -1);
    assert_string_equal(e.text, "x.bin: no tokenizer (tokenizer.json, tokenizer.model)");
    assert_int_equal(tokenizer_open_hf_bytes(&t, json, sizeof json - 1, ".json", &e), 0);
    assert_int_equal(tokenizer_bos(t), -1);
    tokenizer_close(t);
    assert_int_equal(tokenizer_open_hf_bytes(&t, json, sizeof json - 1, "json", &e), -1);
    strbuf_release(&b);
    assert_int_equal(mem_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_merge_by_score),
        cmocka_unit_test(what_merges_and_what_is_a_byte_may_be_the_first),
        cmocka_unit_test(scores_are_ordered_as_numbers),
        cmocka_unit_test(unused_pieces_fall_apart_to_a_depth),
        cmocka_unit_test(unknown_characters_may_be_bytes),
        cmocka_unit_test(blanks_are_put_in_front_or_behind),
        cmocka_unit_test(characters_are_mapped_but_in_the_users_pieces),
        cmocka_unit_test(the_likeliest_cut_wins),
        cmocka_unit_test(control_tokens_are_found_in_the_text),
        cmocka_unit_test(ids_have_their_usual_places),
        cmocka_unit_test(tokens_are_added_behind_the_models),
        cmocka_unit_test(other_models_are_refused),
        cmocka_unit_test(ids_become_bytes),
        cmocka_unit_test(opening_and_encoding_survive_every_failed_allocation),
        cmocka_unit_test(the_pipeline_comes_before_the_model),
    };

    return cmocka_run_group_tests_name(__FILE__, tests, NULL, data_folder_gone);
}
