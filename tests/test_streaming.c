/* Ids that become text one at a time, as a generation shows them: nothing but whole characters is
 * shown, and all of it together is the text of the ids. */
#include "tests/test.h"

#include <dirent.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "runners/gguf.h"
#include "runners/tokenizer.h"
#include "tests/tiny.h"

enum { RANDOM_IDS = 64, RANDOM_TEXTS = 40 };

static const char *const texts[] = {
    "", "a", " a", "  two  blanks  ", "\n\n\tend \r\n",
    "na\xc3\xafve \xe2\x80\x9cquotes\xe2\x80\x9d \xe2\x82\xac 5",
    "\xe4\xbd\xa0\xe5\xa5\xbd\xef\xbc\x8c\xe4\xb8\x96\xe7\x95\x8c\xe3\x80\x82"
    "\xf0\xa0\xae\xb7\xf0\xa0\x80\x80",
    "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7"
    "\xe2\x80\x8d\xf0\x9f\x91\xa6 "
    "\xf0\x9f\x8f\xb4\xf3\xa0\x81\xa7\xf3\xa0\x81\xa2\xf3\xa0\x81\xbf",
    "\xe0\xa4\xb9\xe0\xa4\xbf\xe0\xa4\x82\xe0\xa4\xa6\xe0\xa5\x80 "
    "\xed\x95\x9c\xea\xb5\xad\xec\x96\xb4 e\xcc\x81",
    "<s> </s> <|endoftext|> <unk> [SEP]",
};
/* Bytes that are no UTF-8: broken off, too long, surrogates, out of range, stray. */
static const char *const broken[] = {
    "a\xe2\x82", "\xf0\x9f\x91", "\xc0\xaf\xe0\x80\xaf", "\xed\xa0\x80x",
    "\xf4\x90\x80\x80", "\x80\xbf\xff",
    "\xe2\x28\xa1 \xf0\x28\x8c\xbc", "\xf0\x9f\x91\xf0\x9f\x91\xa9",
};


/* A cut inside of a character of the whole text, or more held back than a character needs. */
static void check_cuts(const struct strbuf *whole, const size_t *cuts, const size_t *lens, size_t n,
                       const char *where)
{
    size_t at = 0, next = 0;

    for (size_t i = 0; i < n; i++) {
        for (; at < cuts[i]; at += next) {
            next = utf8_len(whole->s + at, whole->len - at);
            next = next ? next : 1;
        }
        if (at != cuts[i])
            fail_msg("%s: a cut at %zu is inside of a character", where, cuts[i]);
        if (lens[i] - cuts[i] > 3)
            fail_msg("%s: %zu bytes are held back", where, lens[i] - cuts[i]);
    }
}

static void check_ids(const struct tokenizer *t, const int32_t *ids, size_t n, const char *where)
{
    struct strbuf so_far = STRBUF_INIT, whole = STRBUF_INIT;
    size_t *cuts = calloc(n + 1, sizeof *cuts), *lens = calloc(n + 1, sizeof *lens);
    struct err e = ERR_NONE;

    assert_true(cuts && lens);
    assert_int_equal(tokenizer_decode(t, ids, n, 0, &whole, &e), 0);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(tokenizer_decode(t, &ids[i], 1, 0, &so_far, &e), 0);
        lens[i] = so_far.len;
        cuts[i] = utf8_whole(strbuf_str(&so_far), so_far.len);
        assert_true(i == 0 || cuts[i] >= cuts[i - 1]);
    }
    if (so_far.len != whole.len || (whole.len && memcmp(so_far.s, whole.s, whole.len) != 0))
        fail_msg("%s: one by one \"%s\", together \"%s\"", where, strbuf_str(&so_far),
                 strbuf_str(&whole));
    check_cuts(&whole, cuts, lens, n, where);
    if (whole.len && n && utf8_valid(whole.s, whole.len))
        assert_int_equal(cuts[n - 1], whole.len); /* nothing is left over */
    strbuf_release(&so_far);
    strbuf_release(&whole);
    free(cuts);
    free(lens);
}

static void check_text(struct tokenizer *t, const char *text, const char *where)
{
    struct ids ids = {0};
    struct err e = ERR_NONE;

    if (tokenizer_encode(t, text, strlen(text), TOKENIZE_BOS, &ids, &e) < 0)
        fail_msg("%s: %s", where, e.text);
    check_ids(t, ids.v, ids.n, where);
    ids_release(&ids);
}

static void check_tokenizer(struct tokenizer *t, const char *where)
{
    uint64_t state = 7;
    int32_t ids[RANDOM_IDS];

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        check_text(t, texts[i], where);
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++)
        check_text(t, broken[i], where);
    for (int k = 0; k < RANDOM_TEXTS; k++) {
        for (int i = 0; i < RANDOM_IDS; i++)
            ids[i] = (int32_t)(tiny_random(&state) % (uint64_t)tokenizer_size(t));
        check_ids(t, ids, RANDOM_IDS, where);
    }
}

static void check_gguf(const char *path)
{
    struct gguf *g;
    struct tokenizer *t = NULL;
    struct err e = ERR_NONE;

    if (gguf_open(&g, path, &e) < 0 || tokenizer_open(&t, g, &e) < 0)
        fail_msg("%s", e.text);
    check_tokenizer(t, path);
    tokenizer_close(t);
    gguf_close(g);
}

static void check_file(const char *path)
{
    struct tokenizer *t;
    struct err e = ERR_NONE;

    if (tokenizer_open_hf(&t, path, &e) < 0)
        fail_msg("%s", e.text);
    check_tokenizer(t, path);
    tokenizer_close(t);
}

static int ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), k = strlen(end);

    return n >= k && strcmp(s + n - k, end) == 0;
}

/* Files of a folder with one of the endings; how many there were. */
static int each(const char *dir, const char *const *ends, void (*check)(const char *path))
{
    DIR *d = opendir(dir);
    struct dirent *f;
    char path[4600];
    int n = 0;

    while (d && (f = readdir(d)))
        for (int i = 0; ends[i]; i++)
            if (ends_with(f->d_name, ends[i])) {
                snprintf(path, sizeof path, "%s/%s", dir, f->d_name);
                check(path);
                n++;
            }
    if (d)
        closedir(d);
    return n;
}

static void every_vocabulary_at_hand_shows_whole_characters_only(void **state)
{
    static const char *const gguf[] = {".gguf", NULL};
    static const char *const hf[] = {"tokenizer.json", "tokenizer.model", NULL};
    char dir[4300];
    (void)state;
    snprintf(dir, sizeof dir, "%s", shared_path("tokenizers"));
    assert_true(each(dir, gguf, check_gguf) >= 17);
    snprintf(dir, sizeof dir, "%s", shared_path("tokenizers/extra"));
    assert_true(each(dir, hf, check_file) >= 4);
    assert_int_equal(mem_live(), 0);
}

static void vocabularies_of_our_own_show_whole_characters_only(void **state)
{
    static const char *const json[] = {".json", NULL}, *const model[] = {".model", NULL};
    (void)state;
    for (int is_bpe = 0; is_bpe < 2; is_bpe++) {
        struct tiny_opts o = {.seed = 1, .is_bpe = is_bpe, .layers = 1};
        struct strbuf image = STRBUF_INIT;
        struct gguf *g;
        struct tokenizer *t;
        struct err e = ERR_NONE;
        assert_int_equal(tiny_build(&image, &o, &e), 0);
        assert_int_equal(gguf_open_bytes(&g, image.s, image.len, "tiny", &e), 0);
        assert_int_equal(tokenizer_open(&t, g, &e), 0);
        check_tokenizer(t, is_bpe ? "tiny bytes" : "tiny pieces");
        tokenizer_close(t);
        gguf_close(g);
        strbuf_release(&image);
    }
    assert_true(each("tests/fuzz/corpus/tokenizer_json", json, check_file) >= 4);
    assert_true(each("tests/fuzz/corpus/tokenizer_model", model, check_file) >= 1);
    assert_int_equal(mem_live(), 0);
}

static void a_sequence_that_is_broken_off_is_held_back_and_no_other(void **state)
{
    static const struct {
        const char *s;
        size_t whole;
    } rows[] = {
        {"", 0}, {"abc", 3}, {"a\xc3", 1}, {"a\xc3\xa9", 3}, {"\xe2\x82", 0}, {"\xe2\x82\xac", 3},
        {"x\xf0\x9f\x91", 1}, {"x\xf0\x9f", 1}, {"x\xf0", 1}, {"\xf0\x9f\x91\xa9", 4},
        {"\xe0\x80", 2}, {"\xed\xa0", 2}, {"\xf4\x90", 2}, {"\xf8", 1}, {"\xff\xfe", 2},
        {"\x80\xbf", 2}, {"\xc0", 1}, {"\xe2\x28", 2}, {"\xf0\x9f\x28", 3},
        {"\xe2\x82\xe2\x82", 2},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(utf8_whole(rows[i].s, strlen(rows[i].s)), rows[i].whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sequence_that_is_broken_off_is_held_back_and_no_other),
        cmocka_unit_test(vocabularies_of_our_own_show_whole_characters_only),
        cmocka_unit_test(every_vocabulary_at_hand_shows_whole_characters_only),
    };
    return RUN(tests);
}
