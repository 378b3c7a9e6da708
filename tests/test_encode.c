/* Queries as tokens, by lm-eval's rules: what stands in front, what is asked, what is cut. */
#include "tests/test.h"

#include "base/mem.h"
#include "harness/encode.h"
#include "runners/gguf.h"
#include "tests/tiny.h"

/* A tokenizer of bytes and words. */
struct opened {
    struct strbuf image;
    struct gguf *g;
    struct encoder c;
};

/* Of single letters, with no special token: neither BOS nor EOS. */
static const char letters[] =
    "{\"model\": {\"type\": \"BPE\", \"merges\": [], \"vocab\": {\"a\": 0, \"b\": 1, \"c\": 2, "
    "\"d\": 3, \"e\": 4, \"f\": 5, \"g\": 6, \"h\": 7, \"i\": 8, \"j\": 9, \"t\": 10, \"x\": 11, "
    "\" \": 12}}}";

static struct opened open_tiny(int is_bpe, enum bos_policy bos, int max_length)
{
    struct opened o = {.image = STRBUF_INIT, .c = {.bos = bos, .max_length = max_length}};
    const struct tiny_opts tiny = {.seed = 1, .is_bpe = is_bpe, .layers = 1};
    struct err e = ERR_NONE;

    assert_int_equal(tiny_build(&o.image, &tiny, &e), 0);
    assert_int_equal(gguf_open_bytes(&o.g, o.image.s, o.image.len, "tiny", &e), 0);
    assert_int_equal(tokenizer_open(&o.c.tokenizer, o.g, &e), 0);
    return o;
}

static void close_tiny(struct opened *o)
{
    tokenizer_close(o->c.tokenizer);
    gguf_close(o->g);
    strbuf_release(&o->image);
}

enum { BPE_BOS = 0, SPM_BOS = 1, NEVER = BOS_NEVER, ALWAYS = BOS_ALWAYS, AUTO = BOS_AUTO };

static void a_text_begins_with_BOS_once(void **state)
{
    static const struct {
        int is_bpe, bos;
        const char *text;
        int n, first; /* -1: no BOS */
    } rows[] = {
        {1, AUTO, "ab", 2, -1}, {1, ALWAYS, "ab", 3, BPE_BOS}, {1, NEVER, "ab", 2, -1},
        {1, ALWAYS, "<|endoftext|>ab", 3, BPE_BOS}, {1, NEVER, "<|endoftext|>ab", 3, BPE_BOS},
        {0, AUTO, "ab", 3, SPM_BOS}, {0, NEVER, "ab", 2, -1}, {0, AUTO, "<s>ab", 3, SPM_BOS},
        {1, ALWAYS, "", 1, BPE_BOS}, {1, AUTO, "", 0, -1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct opened o = open_tiny(rows[i].is_bpe, (enum bos_policy)rows[i].bos, 100);
        struct ids pool = {0};
        struct err e = ERR_NONE;
        assert_int_equal(encode_text(&o.c, rows[i].text, strlen(rows[i].text), &pool, &e), 0);
        if (pool.n != (size_t)rows[i].n)
            fail_msg("row %zu: %zu tokens", i, pool.n);
        if (rows[i].first >= 0)
            assert_int_equal(pool.v[0], rows[i].first);
        if (pool.n > 1)
            assert_int_not_equal(pool.v[1], rows[i].is_bpe ? BPE_BOS : SPM_BOS);
        ids_release(&pool);
        close_tiny(&o);
    }
}

/* Of a pair: how many tokens it has, how many of them are given, and of the context before it was
 * cut; joins inside a token are counted. */
static void a_pair_is_its_context_and_what_is_asked(void **state)
{
    static const struct {
        const char *context, *continuation;
        int is_bpe, bos, max_length, n_ids, n_given, n_context, splits;
    } rows[] = {
        {"ab", "cd", 1, AUTO, 100, 4, 2, 2, 0},
        {"ab ", "cd", 1, AUTO, 100, 4, 2, 2, 0},  /* " c" is asked, and no space given */
        {"ab", "cd", 1, ALWAYS, 100, 5, 3, 3, 0},
        {"ab", "cd", 0, AUTO, 100, 5, 3, 3, 0},
        {"", "cd", 1, AUTO, 100, 3, 1, 1, 0},     /* BOS stands for the context */
        {" \n", "cd", 1, NEVER, 100, 5, 1, 1, 0}, /* as for one of white space */
        {"", "<|endoftext|>cd", 1, AUTO, 100, 3, 1, 1, 0}, /* it is there already */
        {"", "cd", 0, AUTO, 100, 3, 1, 1, 0},
        {" th", "e", 1, AUTO, 100, 2, 1, 1, 1},   /* " the" is one token: each side by itself */
        {"x th", "e", 1, ALWAYS, 100, 4, 3, 3, 1},
        {"abcdef", "gh", 1, AUTO, 4, 5, 3, 6, 0}, /* the last token is not read */
        {"ab", "cdefgh", 1, AUTO, 4, 5, 1, 2, 0}, /* what is asked is too long by itself */
        {"ab", "cdef", 1, AUTO, 4, 5, 1, 2, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct opened o = open_tiny(rows[i].is_bpe, (enum bos_policy)rows[i].bos,
                                    rows[i].max_length);
        struct ids pool = {0};
        struct span s;
        struct err e = ERR_NONE;
        assert_int_equal(ids_push(&pool, 7), 0); /* another query's */
        if (encode_pair(&o.c, rows[i].context, rows[i].continuation, &pool, &s, &e) < 0)
            fail_msg("row %zu: %s", i, e.text);
        if (s.at != 1 || s.n_ids != rows[i].n_ids || s.n_given != rows[i].n_given ||
            s.n_context != rows[i].n_context || pool.n != 1 + (size_t)s.n_ids ||
            o.c.split_joins != (uint64_t)rows[i].splits)
            fail_msg("row %zu: at %zu, %d tokens, %d given, context %d, %d joins", i, s.at, s.n_ids,
                     s.n_given, s.n_context, (int)o.c.split_joins);
        ids_release(&pool);
        close_tiny(&o);
    }
}

static void a_prompt_leaves_room_for_what_follows(void **state)
{
    static const struct {
        const char *prompt;
        int max_tokens, max_length, n, n_context; /* n 0: refused */
    } rows[] = {
        {"abcdef", 2, 100, 6, 6}, {"abcdef", 2, 6, 4, 6}, {"abcdef", 5, 6, 1, 6},
        {"abcdef", 6, 6, 0, 0}, {"abcdef", 9, 6, 0, 0}, {"", 2, 6, 1, 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct opened o = open_tiny(1, BOS_AUTO, rows[i].max_length);
        struct ids pool = {0};
        struct span s;
        struct err e = ERR_NONE;
        int rc = encode_prompt(&o.c, rows[i].prompt, rows[i].max_tokens, &pool, &s, &e);
        if (rows[i].n == 0) {
            assert_int_equal(rc, -1);
            assert_int_equal(e.code, ERR_USAGE);
            assert_non_null(strstr(e.text, "leave no room for a prompt in 6"));
            assert_non_null(strstr(e.hint, "--max-length"));
        } else {
            if (rc < 0 || s.n_ids != rows[i].n || s.n_given != rows[i].n ||
                s.n_context != rows[i].n_context || pool.n != (size_t)rows[i].n)
                fail_msg("row %zu: %d, %d tokens of %d", i, rc, s.n_ids, s.n_context);
            assert_true(*rows[i].prompt || pool.v[0] == BPE_BOS);
        }
        ids_release(&pool);
        close_tiny(&o);
    }
}

/* --- windows ------------------------------------------------------------------------------ */

struct seen {
    int n, n_ids, n_asked, first[8], most; /* most: then add refuses */
    const struct ids *pool;
};

static int see(void *user, const struct span *s, struct err *e)
{
    struct seen *x = user;

    if (x->n == x->most)
        return err_set(e, ERR_INTERRUPTED, "enough");
    x->first[x->n++ % 8] = x->pool->v[s->at];
    x->n_ids += s->n_ids;
    x->n_asked += s->n_ids - s->n_given;
    return 0;
}

static char text_of_twelve[] = "abcdefghijab";
static const struct query rolling = {.kind = QUERY_ROLLING, .continuation = text_of_twelve};
static const struct query windows = {.kind = QUERY_WINDOWS, .continuation = text_of_twelve,
                                     .window = 4, .scored_from = 2, .most_tokens = 11};

static void every_token_of_a_text_is_asked_once_or_as_the_windows_say(void **state)
{
    static const struct {
        const struct query *q;
        int is_bpe, bos, n, n_asked, first; /* of the second window; -1: of the text */
    } rows[] = {
        {&rolling, 1, AUTO, 3, 12, -1},
        {&rolling, 1, ALWAYS, 4, 13, -1}, /* BOS is a token of the text too, as lm-eval has it */
        {&windows, 1, AUTO, 2, 4, -1},    /* of 11 tokens two windows of 4, of each two */
        {&windows, 1, ALWAYS, 2, 4, BPE_BOS},
        {&windows, 0, AUTO, 2, 4, SPM_BOS},
        {&windows, 0, NEVER, 2, 4, -1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct opened o = open_tiny(rows[i].is_bpe, (enum bos_policy)rows[i].bos, 4);
        struct ids pool = {0};
        struct seen x = {.most = -1, .pool = &pool};
        struct err e = ERR_NONE;
        assert_int_equal(encode_windows(&o.c, rows[i].q, &pool, see, &x, &e), 0);
        if (x.n != rows[i].n || x.n_asked != rows[i].n_asked || pool.n != (size_t)x.n_ids)
            fail_msg("row %zu: %d windows, %d asked", i, x.n, x.n_asked);
        if (rows[i].first >= 0)
            assert_int_equal(x.first[1], rows[i].first);
        else
            assert_int_not_equal(x.first[1], rows[i].is_bpe ? BPE_BOS : SPM_BOS);
        x = (struct seen){.most = 1, .pool = &pool};
        assert_int_equal(encode_windows(&o.c, rows[i].q, &pool, see, &x, &e), -1);
        assert_string_equal(e.text, "enough");
        ids_release(&pool);
        close_tiny(&o);
    }
}

/* --- what cannot be asked ------------------------------------------------------------------ */

/* One query of each kind, by number; 5: the last. */
static int ask(struct encoder *c, int kind, struct ids *pool, struct err *e)
{
    struct seen x = {.most = -1, .pool = pool};
    struct span s;

    switch (kind) {
    case 0: return encode_pair(c, "", "cd", pool, &s, e);
    case 1: return encode_pair(c, "x th", "e", pool, &s, e);
    case 2: return encode_prompt(c, "", 2, pool, &s, e);
    case 3: return encode_windows(c, &rolling, pool, see, &x, e);
    case 4: return encode_windows(c, &windows, pool, see, &x, e);
    default: return encode_pair(c, "ab", "", pool, &s, e);
    }
}

static void without_BOS_and_EOS_nothing_stands_for_an_empty_context(void **state)
{
    static const int is_refused[] = {1, 0, 1, 1, 0};
    struct encoder c = {.bos = BOS_ALWAYS, .max_length = 4};
    struct err why = ERR_NONE;
    (void)state;
    if (tokenizer_open_hf_bytes(&c.tokenizer, letters, strlen(letters), "tokenizer.json", &why) < 0)
        fail_msg("%s", why.text);
    for (int kind = 0; kind < 5; kind++) {
        struct ids pool = {0};
        struct err e = ERR_NONE;
        if (ask(&c, kind, &pool, &e) != -is_refused[kind])
            fail_msg("query %d: %s", kind, e.text);
        assert_int_equal(e.code, is_refused[kind] ? ERR_UNSUPPORTED : ERR_OK);
        assert_true(!is_refused[kind] || strstr(e.text, "neither BOS nor EOS"));
        ids_release(&pool);
    }
    tokenizer_close(c.tokenizer);
}

static void a_continuation_without_a_token_is_refused(void **state)
{
    struct opened o = open_tiny(1, BOS_AUTO, 4);
    struct ids pool = {0};
    struct err e = ERR_NONE;
    (void)state;
    assert_int_equal(ask(&o.c, 5, &pool, &e), -1);
    assert_int_equal(e.code, ERR_INVALID);
    assert_string_equal(e.text, "the continuation '' has no token");
    ids_release(&pool);
    close_tiny(&o);
}

static void every_refused_allocation_is_an_error_and_nothing_is_held(void **state)
{
    (void)state;
    for (int kind = 0; kind < 5; kind++) {
        struct opened o = open_tiny(1, BOS_AUTO, 4);
        int rc = -1, refused = 0;
        struct ids before = {0};
        long live;
        ask(&o.c, kind, &before, NULL); /* the tokenizer keeps what it needs */
        ids_release(&before);
        live = mem_live();
        for (long nth = 0; rc < 0; nth++) {
            struct ids pool = {0};
            struct err e = ERR_NONE;
            mem_fail_at(nth);
            rc = ask(&o.c, kind, &pool, &e);
            mem_fail_at(-1);
            assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
            refused += rc < 0;
            ids_release(&pool);
            assert_int_equal(mem_live(), live);
        }
        assert_true(refused > 0);
        close_tiny(&o);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_begins_with_BOS_once),
        cmocka_unit_test(a_pair_is_its_context_and_what_is_asked),
        cmocka_unit_test(a_prompt_leaves_room_for_what_follows),
        cmocka_unit_test(every_token_of_a_text_is_asked_once_or_as_the_windows_say),
        cmocka_unit_test(without_BOS_and_EOS_nothing_stands_for_an_empty_context),
        cmocka_unit_test(a_continuation_without_a_token_is_refused),
        cmocka_unit_test(every_refused_allocation_is_an_error_and_nothing_is_held),
    };

    return RUN(tests);
}
