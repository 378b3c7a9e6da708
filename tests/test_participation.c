/* What zeros and experts spare: nothing of the results, and as much of the work as is counted. */
#include "tests/test.h"

#include <math.h>

#include "base/mem.h"
#include "runners/quant.h"
#include "runners/runner.h"
#include "tests/tiny.h"

enum { ROWS = 12, VOCAB_MAX = 512 };

static char model_path[64];

static const int32_t ids[ROWS] = {5, 17, 40, 9, 101, 77, 33, 200, 61, 150, 12, 90};

struct logits {
    float row[ROWS][VOCAB_MAX];
    int vocab, rows;
};

static int keep_logits(void *user, const struct request *q, int position, const float *x)
{
    struct logits *l = user;

    (void)q;
    memcpy(l->row[position], x, (size_t)l->vocab * sizeof *x);
    l->rows++;
    return 0;
}

static void write_model(const struct tiny_opts *o)
{
    struct err e = ERR_NONE;

    snprintf(model_path, sizeof model_path, "/tmp/densimeter-part-%ld.gguf", (long)getpid());
    if (tiny_write(model_path, o, &e) < 0)
        fail_msg("%s", e.text);
}

/* batch: rows per pass.  With one the zeros are skipped, with ROWS the whole matrices are read. */
static struct runner *run_model(int batch, int counts, enum numerics numerics, struct logits *l)
{
    const struct runner_opts o = {.threads = 2, .batch_tokens = batch, .numerics = numerics};
    struct request q = {.kind = REQUEST_LOGITS, .ids = ids, .n_ids = ROWS,
                        .on_logits = keep_logits, .user = l};
    struct runner *r;
    struct err e = ERR_NONE;

    memset(l, 0, sizeof *l);
    if (runner_open(&r, model_path, &o, &e) < 0)
        fail_msg("%s", e.text);
    l->vocab = runner_info(r)->vocab_size;
    assert_true(l->vocab <= VOCAB_MAX);
    if (runner_count(r, counts, &e) < 0 || runner_run(r, &q, 1, NULL, NULL, NULL, &e) < 0)
        fail_msg("%s", e.text);
    assert_int_equal(l->rows, ROWS);
    return r;
}

static const struct participation *counted(struct runner *r)
{
    struct err e = ERR_NONE;
    const struct participation *p = runner_participation(r, &e);

    if (!p)
        fail_msg("%s", e.text);
    return p;
}

static void skipping_zeros_changes_no_bit(void **state)
{
    static const struct { int type; const char *act; float bias; } models[] = {
        {QUANT_F32, "relu", -1.28f}, {QUANT_F16, "relu", -1.28f}, {QUANT_BF16, "relu2", -0.5f},
        {QUANT_Q8_0, "relu", -1.28f}, {QUANT_Q4_0, "relu", 0}, {QUANT_Q4_1, "relu", -2.f},
        {QUANT_Q5_0, "relu2", -1}, {QUANT_Q5_1, "relu", -1}, {QUANT_Q4_K, "relu", -1.28f},
        {QUANT_Q5_K, "relu", -1.28f}, {QUANT_Q6_K, "relu", -1.28f}, {QUANT_Q3_K, "relu", -1.28f},
        {QUANT_F16, "relu", -6}, {QUANT_F16, "relu", 2},
    };
    static struct logits sparse, few, dense;

    (void)state;
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++)
        for (int fast = 0; fast < 2; fast++) {
            const struct tiny_opts o = {
                .seed = 3, .type = models[i].type, .activation = models[i].act,
                .embedding = 256, .feed_forward = 768, .gate_bias = models[i].bias};
            write_model(&o);
            runner_close(run_model(1, 0, (enum numerics)fast, &sparse));
            runner_close(run_model(3, 0, (enum numerics)fast, &few));
            runner_close(run_model(ROWS, 0, (enum numerics)fast, &dense));
            assert_memory_equal(sparse.row, dense.row, sizeof dense.row);
            assert_memory_equal(few.row, dense.row, sizeof dense.row);
        }
    unlink(model_path);
}

/* A gate's bias of -1.2816 deviations leaves one in ten, so that of `up` and `down` a tenth is read;
 * F16 columns have no scales beside them. */
static void zeros_spare_what_is_counted(void **state)
{
    const struct tiny_opts o = {.seed = 8, .type = QUANT_F16, .activation = "relu",
                                .embedding = 128, .feed_forward = 1024, .gate_bias = -1.2816f};
    static struct logits l;
    struct runner *r;
    const struct participation *p;
    uint64_t zeros = 0;

    (void)state;
    write_model(&o);
    r = run_model(4, 1, NUMERICS_EXACT, &l);
    p = counted(r);
    assert_int_equal(p->rows, ROWS);
    assert_int_equal(p->layers, 2);
    for (int i = 0; i < 2; i++) {
        const struct layer_participation *a = &p->layer[i];
        assert_int_equal(a->rows, ROWS);
        assert_int_equal(a->values, ROWS * 1024);
        assert_true(fabs((double)a->nonzero / (double)a->values - 0.1) < 0.02);
        assert_true(a->over_10 < a->over_1 && a->over_1 <= a->nonzero);
        assert_int_equal(a->experts, 0);
        zeros += a->values - a->nonzero;
    }
    /* each zero spares a row of up and a column of down */
    assert_close(p->weight_bytes_per_token,
                 (double)runner_info(r)->weight_bytes_per_token - (double)zeros / ROWS * 2 * 128 * 2,
                 0.5);
    assert_close(p->parameters_active,
                 (double)runner_info(r)->parameters - (double)zeros / ROWS * 2 * 128, 1e-9);
    runner_close(r);
    unlink(model_path);
}

static void experts_are_counted_by_their_hits(void **state)
{
    const struct tiny_opts o = {.seed = 4, .type = QUANT_Q8_0, .experts = 8, .experts_used = 2};
    static struct logits l, again;
    struct runner *r;
    const struct participation *p;

    (void)state;
    write_model(&o);
    r = run_model(1, 1, NUMERICS_EXACT, &l);
    p = counted(r);
    for (int i = 0; i < 2; i++) {
        const struct layer_participation *a = &p->layer[i];
        uint64_t hits = 0, most = 0;
        assert_int_equal(a->experts, 8);
        assert_int_equal(a->used, 2);
        for (int x = 0; x < 8; x++) {
            hits += a->hits[x];
            most = a->hits[x] > most ? a->hits[x] : most;
        }
        assert_int_equal(hits, ROWS * 2);
        assert_true(most <= ROWS); /* nobody goes to one expert twice */
        assert_int_equal(a->values, ROWS * 2 * 128);
        assert_true(a->nonzero * 100 > a->values * 99);
        assert_true(a->over_10 < a->over_1);
    }
    /* six of eight experts, three matrices of 64 x 128 in each of two layers */
    assert_close(p->parameters_active,
                 (double)runner_info(r)->parameters - 2.0 * 6 * 3 * 64 * 128, 1e-9);
    assert_close(p->weight_bytes_per_token, (double)runner_info(r)->weight_bytes_per_token, 1e-9);
    runner_close(r);
    runner_close(run_model(ROWS, 0, NUMERICS_EXACT, &again));
    assert_memory_equal(l.row, again.row, sizeof l.row);
    unlink(model_path);
}

/* A threshold of 0 keeps what ReLU keeps. */
static void a_threshold_is_skipped_like_relu(void **state)
{
    struct tiny_opts o = {.seed = 6, .type = QUANT_F16, .activation = "relu", .embedding = 128,
                          .gate_bias = -1};
    static struct logits relu, fat, dense;
    const struct participation *p;
    struct runner *r;

    (void)state;
    write_model(&o);
    runner_close(run_model(1, 0, NUMERICS_EXACT, &relu));
    o.activation = "fatrelu";
    write_model(&o);
    r = run_model(1, 1, NUMERICS_EXACT, &fat);
    p = counted(r);
    assert_true(p->weight_bytes_per_token <
                0.8 * (double)runner_info(r)->weight_bytes_per_token);
    runner_close(r);
    runner_close(run_model(ROWS, 0, NUMERICS_EXACT, &dense));
    assert_memory_equal(fat.row, dense.row, sizeof fat.row);
    assert_memory_equal(fat.row, relu.row, sizeof fat.row);
    unlink(model_path);
}

static int keep_nats(void *user, int i, const struct reply *a)
{
    (void)i;
    *(double *)user = a->nats;
    return 0;
}

/* NAN: e says why. */
static double nats_of(const char *activation, struct err *e)
{
    const struct runner_opts o = {.threads = 1, .activation = activation};
    const struct request q = {.kind = REQUEST_SCORE, .ids = ids, .n_ids = ROWS, .n_given = 1};
    struct runner *r;
    double nats = NAN;

    *e = ERR_NONE;
    if (runner_open(&r, model_path, &o, e) == 0)
        assert_int_equal(runner_run(r, &q, 1, keep_nats, &nats, NULL, e), 0);
    runner_close(r);
    return nats;
}

/* What a key says can be said by the caller, too. */
static void an_activation_can_be_asked_for(void **state)
{
    struct tiny_opts o = {.seed = 6, .type = QUANT_F16};
    struct err e = ERR_NONE;
    double silu, relu, fat;

    (void)state;
    write_model(&o);
    silu = nats_of(NULL, &e);
    relu = nats_of("relu", &e);
    fat = nats_of("fatrelu:0.25", &e);
    assert_true(silu < 0 && relu < 0 && fat < 0 && relu != silu && relu != fat);
    assert_true(nats_of("silu", &e) == silu && nats_of("fatrelu:0", &e) == relu);
    o.activation = "relu";
    write_model(&o);
    assert_true(nats_of(NULL, &e) == relu && nats_of("silu", &e) == silu);
    assert_true(isnan(nats_of("relo", &e)));
    assert_non_null(strstr(e.text, "the activation asked for is 'relo'"));
    assert_true(isnan(nats_of("fatrelu", &e)));
    assert_int_equal(e.code, ERR_USAGE);
    assert_true(isnan(nats_of("fatrelu:x", &e)) && isnan(nats_of("relu:1", &e)));
    unlink(model_path);
}

/* Columns of an expert's down are read all the same, so that only rows of up are spared. */
static void zeros_of_experts_spare_rows(void **state)
{
    const struct tiny_opts o = {.seed = 4, .type = QUANT_F16, .experts = 4, .experts_used = 2,
                                .activation = "relu", .feed_forward = 256};
    static struct logits l, dense;
    const struct participation *p;
    struct runner *r;
    uint64_t zeros = 0;

    (void)state;
    write_model(&o);
    r = run_model(1, 1, NUMERICS_EXACT, &l);
    p = counted(r);
    for (int i = 0; i < 2; i++)
        zeros += p->layer[i].values - p->layer[i].nonzero;
    assert_true(zeros > ROWS * 2 * 2 * 256 / 4);
    assert_close(p->weight_bytes_per_token,
                 (double)runner_info(r)->weight_bytes_per_token - (double)zeros / ROWS * 64 * 2,
                 1e-9);
    runner_close(r);
    runner_close(run_model(ROWS, 0, NUMERICS_EXACT, &dense));
    assert_memory_equal(l.row, dense.row, sizeof l.row);
    unlink(model_path);
}

static void what_was_not_counted_is_not_told(void **state)
{
    const struct tiny_opts o = {.seed = 4};
    static struct logits l;
    struct runner *r;
    struct err e = ERR_NONE;

    (void)state;
    write_model(&o);
    r = run_model(ROWS, 0, NUMERICS_EXACT, &l);
    assert_null(runner_participation(r, &e));
    assert_int_equal(e.code, ERR_USAGE);
    runner_close(r);
    unlink(model_path);
}

static void counting_survives_every_failed_allocation(void **state)
{
    const struct tiny_opts o = {.seed = 4, .type = QUANT_F16, .activation = "relu"};
    static struct logits l;
    struct runner *r;
    int rc = -1;

    (void)state;
    write_model(&o);
    r = run_model(ROWS, 0, NUMERICS_EXACT, &l);
    for (int nth = 0; rc < 0; nth++) {
        struct err e = ERR_NONE;
        mem_fail_at(nth);
        rc = runner_count(r, 1, &e) == 0 && runner_participation(r, &e) ? 0 : -1;
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
    }
    runner_close(r);
    assert_int_equal(mem_live(), 0);
    unlink(model_path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(skipping_zeros_changes_no_bit),
        cmocka_unit_test(zeros_spare_what_is_counted),
        cmocka_unit_test(experts_are_counted_by_their_hits),
        cmocka_unit_test(a_threshold_is_skipped_like_relu),
        cmocka_unit_test(an_activation_can_be_asked_for),
        cmocka_unit_test(zeros_of_experts_spare_rows),
        cmocka_unit_test(what_was_not_counted_is_not_told),
        cmocka_unit_test(counting_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
