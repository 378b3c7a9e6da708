/* Whole models with experts: memory, arithmetic and refusals of a tiny one. */
#include "tests/test.h"

#include "base/mem.h"
#include "runners/quant.h"
#include "runners/runner.h"
#include "tests/tiny.h"

enum { TOKENS = 40 };

static char model_path[64];
static int32_t ids[TOKENS];

static int name_model(void **state)
{
    uint64_t seed = 70;
    (void)state;
    snprintf(model_path, sizeof model_path, "/tmp/densimeter-moe-%ld.gguf", (long)getpid());
    for (int i = 0; i < TOKENS; i++)
        ids[i] = 10 + (int32_t)(tiny_random(&seed) % 200);
    return 0;
}

static void write_model(const struct tiny_opts *o)
{
    struct err e = ERR_NONE;

    if (tiny_write(model_path, o, &e) < 0)
        fail_msg("%s", e.text);
}

static struct runner *open_model(const struct runner_opts *o)
{
    struct runner *r;
    struct err e = ERR_NONE;

    if (runner_open(&r, model_path, o, &e) < 0)
        fail_msg("%s", e.text);
    return r;
}

static const struct tiny_opts usual = {.seed = 9, .type = QUANT_Q4_0, .experts = 8,
                                       .experts_used = 3};

static int refuse_memory_from_the_third_token(void *user, const struct request *q, int32_t id,
                                              float margin)
{
    int *n = user;
    (void)q, (void)id, (void)margin;
    if (++*n == 3)
        mem_fail_at(0);
    return 0;
}

static void decoding_with_experts_allocates_nothing_in_the_steady_state(void **state)
{
    (void)state;
    write_model(&usual);
    for (int numerics = NUMERICS_EXACT; numerics <= NUMERICS_FAST; numerics++) {
        struct runner_opts o = {.threads = 2, .numerics = (enum numerics)numerics};
        struct runner *r = open_model(&o);
        int n = 0;
        struct request q = {.kind = REQUEST_GENERATE, .ids = ids, .n_ids = 3, .max_tokens = 60,
                            .ignore_end = 1, .on_token = refuse_memory_from_the_third_token,
                            .user = &n};
        struct err e = ERR_NONE;
        int rc = runner_run(r, &q, 1, NULL, NULL, NULL, &e);
        mem_fail_at(-1);
        assert_int_equal(rc, 0);
        assert_int_equal(n, 60);
        runner_close(r);
    }
    unlink(model_path);
    assert_int_equal(mem_live(), 0);
}

struct scored {
    float token_nats[TOKENS];
    double nats;
};

static int keep(void *user, int i, const struct reply *a)
{
    struct scored *s = user;

    (void)i;
    memcpy(s->token_nats, a->token_nats, (TOKENS - 1) * sizeof *s->token_nats);
    s->nats = a->nats;
    return 0;
}

static struct scored score(struct runner_opts o)
{
    struct request q = {.kind = REQUEST_SCORE, .ids = ids, .n_ids = TOKENS, .n_given = 1};
    struct scored s = {{0}, 0};
    struct runner *r = open_model(&o);
    struct err e = ERR_NONE;

    if (runner_run(r, &q, 1, keep, &s, NULL, &e) < 0)
        fail_msg("%s", e.text);
    runner_close(r);
    return s;
}

static void bits_with_8_bit_activations_do_not_depend_on_the_cut(void **state)
{
    static const char *const activations[] = {NULL, "relu"};
    (void)state;
    for (int a = 0; a < 2; a++) {
        struct tiny_opts t = usual;
        t.activation = activations[a];
        write_model(&t);
        struct scored want = score((struct runner_opts){.threads = 1, .numerics = NUMERICS_FAST});
        struct scored exact = score((struct runner_opts){.threads = 1});
        for (int batch = 1; batch <= 7; batch += 3)
            for (int threads = 1; threads <= 2; threads++) {
                struct scored got = score((struct runner_opts){
                    .threads = threads, .batch_tokens = batch, .numerics = NUMERICS_FAST});
                assert_memory_equal(&got, &want, sizeof want);
            }
        assert_true(want.nats != exact.nats);
        assert_close(want.nats, exact.nats, 0.02);
    }
    unlink(model_path);
}

static void idle_experts_count_for_neither_parameters_nor_bytes(void **state)
{
    struct tiny_opts t = usual;
    uint64_t active[2], bytes[2], all[2];
    (void)state;
    t.type = QUANT_F32;
    for (int i = 0; i < 2; i++) { /* twice the experts, the same number of them used */
        struct runner *r;
        t.experts = 8 << i;
        write_model(&t);
        r = open_model(&(struct runner_opts){.threads = 1});
        active[i] = runner_info(r)->parameters_active;
        bytes[i] = runner_info(r)->weight_bytes_per_token;
        all[i] = runner_info(r)->parameters;
        runner_close(r);
    }
    unlink(model_path);
    /* Two layers of 64 -> 128 -> 64, and what is more per expert in the router. */
    assert_int_equal(all[1] - all[0], 2 * 8 * (3 * 64 * 128 + 64));
    assert_int_equal(active[1] - active[0], 2 * 8 * 64);
    assert_int_equal(bytes[1] - bytes[0], 2 * 8 * 64 * sizeof(float));
    assert_int_equal(all[0] - active[0], 2 * 5 * 3 * 64 * 128);
}

static void more_used_experts_than_there_are_are_refused(void **state)
{
    struct tiny_opts t = usual;
    struct runner_opts o = {.threads = 1};
    struct runner *r;
    struct err e = ERR_NONE;
    (void)state;
    t.experts_used = 9;
    write_model(&t);
    assert_int_equal(runner_open(&r, model_path, &o, &e), -1);
    assert_non_null(strstr(e.text, "llama.expert_used_count is 9 in layer 0, expected 1 to 8"));
    unlink(model_path);
}

static void opening_experts_survives_every_failed_allocation(void **state)
{
    struct runner_opts o = {.threads = 1, .numerics = NUMERICS_FAST};
    int rc = -1;
    (void)state;
    write_model(&usual);
    for (int nth = 0; rc < 0; nth++) {
        struct runner *r = NULL;
        struct err e = ERR_NONE;
        mem_fail_at(nth);
        rc = runner_open(&r, model_path, &o, &e);
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        runner_close(r);
        assert_int_equal(mem_live(), 0);
    }
    unlink(model_path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decoding_with_experts_allocates_nothing_in_the_steady_state),
        cmocka_unit_test(bits_with_8_bit_activations_do_not_depend_on_the_cut),
        cmocka_unit_test(idle_experts_count_for_neither_parameters_nor_bytes),
        cmocka_unit_test(more_used_experts_than_there_are_are_refused),
        cmocka_unit_test(opening_experts_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests_name(__FILE__, tests, name_model, NULL);
}
