/* Encodings kept across runs: a query comes back as the requests that it was, or not at all. */
#include "tests/test.h"

#include "base/mem.h"
#include "harness/kept.h"
#include "results/encodings.h"
#include "results/store.h"
#include "runners/tokenizer.h"
#include "tests/store_fixture.h"
#include "tests/tiny.h"

static struct store *open_at(const char *path)
{
    struct store *s = NULL;
    struct err e = ERR_NONE;

    if (store_open(&s, path, NULL, &e) < 0)
        fail_msg("%s", e.text);
    return s;
}

static struct kept *open_kept(struct store *s, const char *tokenizer, struct err *e)
{
    const struct model_info m = {.numerics_id = "exact/1", .rope = "none"};
    struct kept *k = NULL;

    if (kept_open(&k, s, "model", &m, "cpu", NULL, e) == 0 && kept_encodings(k, tokenizer, e) == 0)
        return k;
    kept_close(k);
    return NULL;
}

static const struct encoder enc = {.max_length = 100};
static const struct query asked = {.kind = QUERY_LOGLIKELIHOOD, .context = "one",
                                   .continuation = " two"};

static void name(const struct kept *k, struct kept_query *out, const struct encoder *c,
                 const struct query *q)
{
    assert_int_equal(kept_query_key(k, out->key, c, q, NULL), 0);
}

static void fill(struct kept_query *q, int n)
{
    static struct kept_request r[8];

    for (int i = 0; i < n; i++) {
        r[i] = (struct kept_request){.n_ids = 3 + i, .n_given = 1 + i, .n_context = 2000000000 - i};
        snprintf(r[i].key, sizeof r[i].key, "%032x", i * 77);
    }
    q->v = r;
    q->n = (size_t)n;
    q->n_split = n / 2;
}

static void a_query_comes_back_as_its_requests(void **state)
{
    (void)state;
    for (int n = 0; n <= 8; n++) {
        struct store *s = open_at(":memory:");
        struct kept *k = open_kept(s, "t", NULL);
        struct kept_query put = {0}, got = {0};

        name(k, &put, &enc, &asked);
        name(k, &got, &enc, &asked);
        fill(&put, n);
        assert_int_equal(kept_query_find(k, &got, NULL), 0);
        assert_int_equal(kept_query_add(k, &put, NULL), 0);
        assert_int_equal(kept_flush(k, NULL), 0);
        assert_int_equal(kept_query_find(k, &got, NULL), 1);
        assert_int_equal(got.n, n);
        assert_int_equal(got.n_split, n / 2);
        for (int i = 0; i < n; i++) {
            assert_int_equal(got.v[i].n_ids, put.v[i].n_ids);
            assert_int_equal(got.v[i].n_given, put.v[i].n_given);
            assert_int_equal(got.v[i].n_context, put.v[i].n_context);
            assert_string_equal(got.v[i].key, put.v[i].key);
        }
        kept_query_release(&got);
        kept_close(k);
        store_close(s);
        assert_int_equal(mem_live(), 0);
    }
}

static void whatever_decides_the_tokens_is_in_the_name(void **state)
{
    static const struct encoder other_encoders[] = {{.max_length = 101},
                                                    {.max_length = 100, .bos = BOS_NEVER}};
    static const struct query others[] = {
        {.kind = QUERY_LOGLIKELIHOOD, .context = "one ", .continuation = "two"},
        {.kind = QUERY_LOGLIKELIHOOD, .context = "", .continuation = "one two"},
        {.kind = QUERY_ROLLING, .context = "one", .continuation = " two"},
        {.kind = QUERY_WINDOWS, .context = "one", .continuation = " two", .window = 8},
        {.kind = QUERY_WINDOWS, .context = "one", .continuation = " two", .scored_from = 8},
        {.kind = QUERY_WINDOWS, .context = "one", .continuation = " two", .most_tokens = 8},
    };
    struct store *s = open_at(":memory:");
    struct kept *k = open_kept(s, "t", NULL);
    struct kept_query q[9] = {0};
    int n = 0;

    (void)state;
    name(k, &q[n++], &enc, &asked);
    for (size_t i = 0; i < 2; i++)
        name(k, &q[n++], &other_encoders[i], &asked);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        name(k, &q[n++], &enc, &others[i]);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < i; j++)
            assert_string_not_equal(q[i].key, q[j].key);
    kept_close(k);
    store_close(s);
}

static void another_tokenizer_finds_nothing(void **state)
{
    struct store *s = open_at(":memory:");
    struct kept *one = open_kept(s, "t", NULL), *two = open_kept(s, "u", NULL);
    struct kept_query put = {0}, got = {0};

    (void)state;
    name(one, &put, &enc, &asked);
    fill(&put, 2);
    assert_int_equal(kept_query_add(one, &put, NULL), 0);
    assert_int_equal(kept_flush(one, NULL), 0);
    name(two, &got, &enc, &asked);
    assert_int_equal(kept_query_find(two, &got, NULL), 0);
    assert_int_equal(kept_query_find(one, &got, NULL), 1);
    kept_query_release(&got);
    kept_close(one);
    kept_close(two);
    store_close(s);
}

static void hash_of(const struct tiny_opts *o, char hex[SHA256_HEX])
{
    struct strbuf file = STRBUF_INIT;
    struct gguf *g = NULL;

    assert_int_equal(tiny_build(&file, o, NULL), 0);
    assert_int_equal(gguf_open_bytes(&g, file.s, file.len, "tiny", NULL), 0);
    assert_int_equal(tokenizer_sha256(hex, g, NULL), 0);
    gguf_close(g);
    strbuf_release(&file);
}

static void a_tokenizer_is_told_by_what_defines_it_and_not_by_weights(void **state)
{
    char one[SHA256_HEX], same[SHA256_HEX], other[SHA256_HEX];

    (void)state;
    hash_of(&(struct tiny_opts){.seed = 1}, one);
    hash_of(&(struct tiny_opts){.seed = 2, .type = 2 /* Q4_0 */, .layers = 3}, same);
    hash_of(&(struct tiny_opts){.seed = 1, .is_bpe = 1}, other);
    assert_string_equal(one, same);
    assert_string_not_equal(one, other);
    assert_int_equal(mem_live(), 0);
}

static void a_damaged_encoding_is_absent_until_it_is_kept_again(void **state)
{
    static const char *const damage[] = {
        "UPDATE encodings SET requests = replace(requests, '3 1', '4 1')",
        "UPDATE encodings SET requests = ''",
        "UPDATE encodings SET seal = 'x'",
        "UPDATE encodings SET set_id = 3 - set_id",
        "UPDATE encoding_sets SET tokenizer_sha256 = 't' || id",
    };

    (void)state;
    for (size_t i = 0; i < sizeof damage / sizeof *damage; i++) {
        const char *path = in_dir("damage.db");
        struct store *s;
        struct kept *k;
        struct kept_query put = {0}, got = {0};
        int defects = 0;
        unlink(path);
        s = open_at(path);
        k = open_kept(s, "t", NULL);
        kept_close(open_kept(s, "u", NULL));
        name(k, &put, &enc, &asked);
        name(k, &got, &enc, &asked);
        fill(&put, 2);
        assert_int_equal(kept_query_add(k, &put, NULL), 0);
        assert_int_equal(kept_flush(k, NULL), 0);
        kept_close(k);
        store_close(s);
        exec_sql(path, damage[i]);
        s = open_at(path);
        assert_true(store_check(s, count_defect, &defects, NULL) > 0);
        k = open_kept(s, "t", NULL);
        assert_int_equal(kept_query_find(k, &got, NULL), 0);
        assert_int_equal(kept_query_add(k, &put, NULL), 0);
        assert_int_equal(kept_flush(k, NULL), 0);
        assert_int_equal(kept_query_find(k, &got, NULL), 1);
        kept_query_release(&got);
        kept_close(k);
        store_close(s);
        unlink(path);
    }
}

static void there_are_at_most_so_many(void **state)
{
    struct store *s = open_at(":memory:");
    struct encoding_set one, two;
    struct encoding v[10];
    struct strbuf b = STRBUF_INIT;

    (void)state;
    for (int i = 0; i < 10; i++) {
        snprintf(v[i].query, sizeof v[i].query, "%032x", i);
        v[i].requests = "0;";
    }
    assert_int_equal(encoding_set_open(s, "t", "1", &one, NULL), 0);
    assert_int_equal(encoding_set_open(s, "t", "2", &two, NULL), 0);
    assert_int_equal(encoding_keep(s, &one, v, 10, 15, NULL), 0);
    assert_int_equal(encoding_find(s, &one, v[9].query, &b, NULL), 1);
    assert_int_equal(encoding_keep(s, &two, v, 10, 15, NULL), 0);
    assert_int_equal(encoding_find(s, &one, v[9].query, &b, NULL), 0);
    assert_int_equal(encoding_find(s, &two, v[9].query, &b, NULL), 1);
    assert_int_equal(encoding_prune(s, 9, 1, NULL), 10); /* would be */
    assert_int_equal(encoding_find(s, &two, v[9].query, &b, NULL), 1);
    assert_int_equal(encoding_prune(s, 9, 0, NULL), 10);
    assert_int_equal(encoding_find(s, &two, v[9].query, &b, NULL), 0);
    check_is_clean(s);
    strbuf_release(&b);
    store_close(s);
}

static void keeping_survives_every_failed_allocation(void **state)
{
    int rc = -1;

    (void)state;
    for (int nth = 0; rc < 0; nth++) {
        struct store *s = open_at(":memory:");
        struct kept_query put = {0}, got = {0};
        struct err e = ERR_NONE;
        struct kept *k;
        fill(&put, 3);
        mem_fail_at(nth);
        k = open_kept(s, "t", &e);
        rc = k && kept_query_key(k, put.key, &enc, &asked, &e) == 0 &&
                     kept_query_add(k, &put, &e) == 0 && kept_flush(k, &e) == 0 ? 0 : -1;
        memcpy(got.key, put.key, sizeof got.key);
        if (rc == 0)
            rc = kept_query_find(k, &got, &e) == 1 ? 0 : -1;
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        kept_query_release(&got);
        kept_close(k);
        store_close(s);
        assert_int_equal(mem_live(), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_query_comes_back_as_its_requests),
        cmocka_unit_test(whatever_decides_the_tokens_is_in_the_name),
        cmocka_unit_test(another_tokenizer_finds_nothing),
        cmocka_unit_test(a_tokenizer_is_told_by_what_defines_it_and_not_by_weights),
        cmocka_unit_test(a_damaged_encoding_is_absent_until_it_is_kept_again),
        cmocka_unit_test(there_are_at_most_so_many),
        cmocka_unit_test(keeping_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests_name(__FILE__, tests, fixture_folder, fixture_folder_gone);
}
