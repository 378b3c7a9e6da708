/* Files whose keys and tensors do not belong together are refused with their name, and what is
 * merely extravagant costs nothing. */
#include "tests/test.h"

#include "base/file.h"
#include "base/mem.h"
#include "runners/gguf.h"
#include "runners/kernels.h"
#include "runners/quant.h"
#include "runners/runner.h"
#include "tests/tiny.h"

static char path[64];

/* ---- a tiny model, edited before it is written ---- */

static struct strbuf make(const struct tiny_opts *o)
{
    struct strbuf b = STRBUF_INIT;

    assert_int_equal(tiny_build(&b, o, NULL), 0);
    return b;
}

/* Where the record of a key or a tensor goes on after its name. */
static char *after(struct strbuf *b, const char *name)
{
    size_t n = strlen(name);
    char *at = memmem(b->s, b->len, name, n);

    while (at && at[-8] != (char)n) /* not as the end of a longer one */
        at = memmem(at + 1, b->len - (size_t)(at + 1 - b->s), name, n);
    assert_non_null(at);
    return at + n;
}

static void set_key(struct strbuf *b, const char *key, uint32_t value)
{
    memcpy(after(b, key) + 4, &value, 4); /* behind its type */
}

static void rename_one(struct strbuf *b, const char *name)
{
    after(b, name)[-1] ^= 1;
}

static void set_ne(struct strbuf *b, const char *tensor, int dim, uint64_t value)
{
    memcpy(after(b, tensor) + 4 + 8 * dim, &value, 8); /* behind its rank */
}

static float *floats_of(struct strbuf *b, const char *tensor)
{
    struct gguf *g;
    size_t at;

    assert_int_equal(gguf_open_bytes(&g, b->s, b->len, "tiny", NULL), 0);
    at = (size_t)((const char *)gguf_tensor_find(g, tensor)->data - b->s);
    gguf_close(g);
    return (float *)(void *)(b->s + at);
}

static struct err open_edited(struct strbuf *b, const struct runner_opts *o, struct runner **r)
{
    struct err e = ERR_NONE;

    assert_int_equal(file_write(path, b->s, b->len, NULL), 0);
    strbuf_release(b);
    if (runner_open(r, path, o, &e) < 0)
        assert_non_null(strstr(e.text, path));
    return e;
}

static struct err must_fail(struct strbuf *b, enum err_code code, const char *what)
{
    struct runner_opts o = {.threads = 1};
    struct runner *r;
    struct err e = open_edited(b, &o, &r);

    assert_null(r);
    assert_int_equal(e.code, code);
    if (!strstr(e.text, what))
        fail_msg("'%s' does not say '%s'", e.text, what);
    assert_int_equal(mem_live(), 0);
    return e;
}

static int keep(void *user, int i, const struct reply *a)
{
    (void)i;
    *(double *)user = a->nats;
    return 0;
}

static double nats_of(const struct tiny_opts *t, struct err *e)
{
    static const int32_t ids[] = {3, 4, 5, 6, 7};
    struct strbuf b = make(t);
    struct runner_opts o = {.threads = 1};
    struct request q = {.kind = REQUEST_SCORE, .ids = ids, .n_ids = 5, .n_given = 1};
    struct runner *r;
    double nats = 0;

    *e = open_edited(&b, &o, &r);
    if (r)
        assert_int_equal(runner_run(r, &q, 1, keep, &nats, NULL, NULL), 0);
    runner_close(r);
    return nats;
}

/* ---- refusals ---- */

static void a_missing_key_is_named(void **state)
{
    struct tiny_opts o = {.seed = 1};
    struct strbuf b = make(&o);
    (void)state;
    rename_one(&b, "llama.block_count");
    must_fail(&b, ERR_FORMAT, "key llama.block_count is missing");
}

static void keys_out_of_range_are_named(void **state)
{
    static const struct { const char *key; uint32_t value; } bad[] = {
        {"llama.block_count", 0}, {"llama.block_count", 1u << 31}, {"llama.context_length", 0},
        {"llama.attention.head_count", 0}, {"llama.attention.head_count", 3u << 13},
        {"llama.embedding_length", 1u << 30}, {"llama.feed_forward_length", 0},
        {"llama.rope.dimension_count", 18}, {"llama.rope.dimension_count", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct tiny_opts o = {.seed = 1};
        struct strbuf b = make(&o);
        set_key(&b, bad[i].key, bad[i].value);
        must_fail(&b, ERR_FORMAT, bad[i].key);
    }
}

static void shapes_that_do_not_fit_the_keys_are_named(void **state)
{
    static const struct { const char *tensor; int dim; uint64_t value; } bad[] = {
        {"token_embd.weight", 0, 32}, {"blk.0.attn_q.weight", 1, 63}, {"blk.1.ffn_down.weight", 0, 64},
        {"blk.1.attn_norm.weight", 0, 32}, {"output_norm.weight", 0, 1}, {"output.weight", 1, 5},
        {"blk.0.attn_k.weight", 1, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct tiny_opts o = {.seed = 1};
        struct strbuf b = make(&o);
        set_ne(&b, bad[i].tensor, bad[i].dim, bad[i].value);
        must_fail(&b, ERR_FORMAT, bad[i].tensor);
    }
}

static void what_a_recurrent_layer_needs_is_checked_and_named(void **state)
{
    static const struct { const char *tensor; int dim; uint64_t value; } bad[] = {
        {"blk.0.ssm_in.weight", 1, 100}, {"blk.0.ssm_in.weight", 1, 400},
        {"blk.1.ssm_conv1d.weight", 0, 3}, {"blk.1.ssm_conv1d.weight", 1, 255},
        {"blk.0.ssm_conv1d.bias", 0, 255}, {"blk.0.ssm_dt.bias", 0, 3}, {"blk.0.ssm_a", 1, 3},
        {"blk.1.ssm_d", 0, 2}, {"blk.0.ssm_norm.weight", 0, 95}, {"blk.1.ssm_out.weight", 0, 32},
    };
    static const struct { const char *key; uint32_t value; const char *what; } keys[] = {
        {"falcon-h1.ssm.conv_kernel", 0, "ssm.conv_kernel is 0"},
        {"falcon-h1.ssm.conv_kernel", 65, "ssm.conv_kernel is 65"},
        {"falcon-h1.ssm.state_size", 1u << 31, "ssm.state_size"},
        {"falcon-h1.ssm.time_step_rank", 5, "96 channels (ssm.inner_size)"},
        {"falcon-h1.ssm.group_count", 5, "96 channels (ssm.inner_size)"},
        {"falcon-h1.ssm.group_count", 3, "4 heads (ssm.time_step_rank)"},
        {"falcon-h1.ssm.inner_size", 48, "ssm_in.weight"},
    };
    struct tiny_opts o = {.seed = 1, .is_hybrid = 1};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct strbuf b = make(&o);
        set_ne(&b, bad[i].tensor, bad[i].dim, bad[i].value);
        must_fail(&b, ERR_FORMAT, bad[i].tensor);
    }
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        struct strbuf b = make(&o);
        set_key(&b, keys[i].key, keys[i].value);
        must_fail(&b, ERR_FORMAT, keys[i].what);
    }
}

static void a_tensor_without_a_place_in_the_architecture_is_named(void **state)
{
    struct tiny_opts o = {.seed = 1};
    struct strbuf b = make(&o);
    (void)state;
    rename_one(&b, "output.weight"); /* the embedding would take its place, and be wrong */
    struct err e =
        must_fail(&b, ERR_UNSUPPORTED, "tensor output.weighu has no place in architecture llama");
    assert_string_equal(e.hint, "nearest: output_norm.weight; known there: token_embd.weight, "
                                "output_norm.weight");
}

static void what_stands_beside_a_missing_tensor_is_told(void **state)
{
    struct tiny_opts o = {.seed = 1};
    struct strbuf b = make(&o);
    (void)state;
    rename_one(&b, "blk.1.attn_norm.weight");
    struct err e = must_fail(&b, ERR_FORMAT, "tensor blk.1.attn_norm.weight is missing");
    assert_non_null(strstr(e.hint, "beside it the file has "));
    assert_non_null(strstr(e.hint, "attn_norm.weighu"));
    assert_null(strstr(e.hint, "token_embd"));
}

static void an_unknown_word_is_named_with_the_known_ones(void **state)
{
    struct tiny_opts rope = {.seed = 1, .rope_scaling = "yarm"};
    struct tiny_opts act = {.seed = 1, .activation = "relo"};
    struct strbuf b = make(&rope);
    struct err e = must_fail(&b, ERR_UNSUPPORTED, "rope scaling 'yarm' is not supported");
    (void)state;
    assert_string_equal(e.hint, "nearest: yarn; known: none, linear, yarn, longrope");
    b = make(&act);
    e = must_fail(&b, ERR_UNSUPPORTED, "llama.feed_forward.activation is 'relo'");
    assert_string_equal(e.hint, "nearest: relu; known: silu, relu, relu2, fatrelu, gelu, gelu_tanh");
}

/* ReLU and a threshold of nothing are one function, computed in one pass and in three; a threshold
 * of its own makes another. */
static void a_file_may_name_its_activation(void **state)
{
    struct tiny_opts silu = {.seed = 1}, named = {.seed = 1, .activation = "silu"};
    struct tiny_opts relu = {.seed = 1, .activation = "relu"};
    struct tiny_opts fat = {.seed = 1, .activation = "fatrelu"};
    struct err e;
    double plain = nats_of(&silu, &e), rectified = nats_of(&relu, &e);
    (void)state;
    assert_true(plain < 0 && rectified < 0);
    assert_true(nats_of(&named, &e) == plain);
    assert_true(rectified != plain);
    assert_true(nats_of(&fat, &e) == rectified);
}

static void a_model_that_sees_later_tokens_is_refused(void **state)
{
    struct tiny_opts o = {.seed = 1, .sees_later = 1};
    struct strbuf b = make(&o);
    (void)state;
    must_fail(&b, ERR_UNSUPPORTED, "llama.attention.causal is false");
}

static void a_vocabulary_of_another_size_than_the_embedding_is_refused(void **state)
{
    struct tiny_opts o = {.seed = 1, .is_tied = 1};
    struct strbuf b = make(&o);
    (void)state;
    set_ne(&b, "token_embd.weight", 1, 100);
    must_fail(&b, ERR_FORMAT, "token_embd.weight 100 rows");
}

static void blocks_that_predict_further_tokens_are_passed_over(void **state)
{
    struct tiny_opts plain = {.seed = 1}, later = {.seed = 1, .later_blocks = 2};
    struct strbuf b = make(&later);
    struct err e;
    double nats;
    (void)state;
    nats = nats_of(&later, &e);
    assert_int_equal(e.code, ERR_OK);
    assert_true(nats < 0 && nats == nats_of(&plain, &e));
    set_key(&b, "llama.nextn_predict_layers", 1); /* the first of them is a layer now */
    must_fail(&b, ERR_FORMAT, "tensor blk.2.attn_norm.weight is missing");
}

/* ---- extravagance ---- */

static void a_context_of_a_billion_opens_and_runs(void **state)
{
    static const int32_t ids[] = {3, 4, 5};
    struct tiny_opts t = {.seed = 1};
    struct strbuf b = make(&t);
    struct runner_opts o = {.threads = 1};
    struct request q = {.kind = REQUEST_GENERATE, .ids = ids, .n_ids = 3, .max_tokens = 2};
    struct runner *r;
    struct err e;
    (void)state;
    set_key(&b, "llama.context_length", 1u << 30);
    e = open_edited(&b, &o, &r);
    if (!r)
        fail_msg("%s", e.text);
    assert_int_equal(runner_info(r)->context_length, 1 << 30);
    assert_int_equal(runner_run(r, &q, 1, NULL, NULL, NULL, NULL), 0);
    runner_close(r);
}

static double score(const struct runner_opts *o)
{
    static const int32_t ids[] = {3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20};
    struct request q = {.kind = REQUEST_SCORE, .ids = ids, .n_ids = 18, .n_given = 1};
    struct runner *r;
    struct err e = ERR_NONE;
    double nats = 0;

    if (runner_open(&r, path, o, &e) < 0 || runner_run(r, &q, 1, keep, &nats, NULL, &e) < 0)
        fail_msg("%s", e.text);
    runner_close(r);
    return nats;
}

static void two_hundred_heads_may_share_a_key(void **state)
{
    struct tiny_opts t = {.seed = 1, .embedding = 448, .heads = 224, .kv_heads = 1};
    struct runner_opts many = {.threads = 2}, one = {.threads = 1, .batch_tokens = 1};
    (void)state;
    assert_int_equal(tiny_write(path, &t, NULL), 0);
    assert_true(score(&many) == score(&one));
}

static void a_threshold_gives_the_same_bits_with_any_kernels_threads_and_batch(void **state)
{
    struct tiny_opts t = {.seed = 1, .activation = "fatrelu"};
    struct runner_opts many = {.threads = 2, .batch_tokens = 5}, one = {.threads = 1};
    double truth;
    (void)state;
    assert_int_equal(tiny_write(path, &t, NULL), 0);
    truth = score(&one);
    assert_true(truth < 0 && score(&many) == truth);
    for (int i = 0; kernels_at(i); i++) {
        one.kernels = kernels_at(i)->name;
        assert_true(!kernels_at(i)->usable() || score(&one) == truth);
    }
}

/* ---- numbers that are none ---- */

static struct err run_one(const struct runner_opts *o, struct strbuf *b)
{
    static const int32_t ids[] = {5, 6, 7, 8, 9};
    struct request q = {.kind = REQUEST_SCORE, .ids = ids, .n_ids = 5, .n_given = 4};
    struct runner *r;
    struct err e = open_edited(b, o, &r);

    if (!r)
        fail_msg("%s", e.text);
    assert_int_equal(runner_run(r, &q, 1, NULL, NULL, NULL, &e), -1);
    assert_int_equal(e.code, ERR_NUMERIC);
    runner_close(r);
    return e;
}

static void an_infinite_logit_that_is_asked_for_is_an_error(void **state)
{
    (void)state;
    for (int sign = -1; sign <= 1; sign += 2) {
        struct tiny_opts t = {.seed = 1};
        struct runner_opts o = {.threads = 1};
        struct strbuf b = make(&t);
        struct err e;
        floats_of(&b, "output.weight")[9 * 64] = (float)sign * INFINITY; /* of token 9 */
        e = run_one(&o, &b);
        assert_non_null(strstr(e.text, "position 3"));
    }
}

static void check_finite_names_the_first_op_and_position(void **state)
{
    struct tiny_opts t = {.seed = 1};
    struct runner_opts o = {.threads = 2, .batch_tokens = 1, .check_finite = 1};
    struct strbuf b = make(&t);
    struct err e;
    (void)state;
    floats_of(&b, "token_embd.weight")[6 * 64] = NAN; /* of token 6, in a batch without logits */
    e = run_one(&o, &b);
    assert_non_null(strstr(e.text, "embed (token_embd.weight, layer 0) at position 1"));
}

static int name_file(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "/tmp/densimeter-model-%ld.gguf", (long)getpid());
    return 0;
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_key_is_named),
        cmocka_unit_test(keys_out_of_range_are_named),
        cmocka_unit_test(shapes_that_do_not_fit_the_keys_are_named),
        cmocka_unit_test(what_a_recurrent_layer_needs_is_checked_and_named),
        cmocka_unit_test(blocks_that_predict_further_tokens_are_passed_over),
        cmocka_unit_test(a_tensor_without_a_place_in_the_architecture_is_named),
        cmocka_unit_test(what_stands_beside_a_missing_tensor_is_told),
        cmocka_unit_test(an_unknown_word_is_named_with_the_known_ones),
        cmocka_unit_test(a_file_may_name_its_activation),
        cmocka_unit_test(a_model_that_sees_later_tokens_is_refused),
        cmocka_unit_test(a_vocabulary_of_another_size_than_the_embedding_is_refused),
        cmocka_unit_test(a_context_of_a_billion_opens_and_runs),
        cmocka_unit_test(two_hundred_heads_may_share_a_key),
        cmocka_unit_test(a_threshold_gives_the_same_bits_with_any_kernels_threads_and_batch),
        cmocka_unit_test(an_infinite_logit_that_is_asked_for_is_an_error),
        cmocka_unit_test(check_finite_names_the_first_op_and_position),
    };
    return cmocka_run_group_tests_name(__FILE__, tests, name_file, remove_file);
}
