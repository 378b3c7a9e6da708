/* Where the time goes: the work of each operation is that of the model's shapes, and the seconds of
 * all rows are within those of the workers. */
#include "tests/test.h"

#include "runners/quant.h"
#include "runners/runner.h"
#include "tests/tiny.h"

enum { TOKENS = 16, DEPTH = 40, LAYERS = 3 };

static char model_path[64];

static int write_model(void **state)
{
    struct tiny_opts o = {.seed = 5, .type = QUANT_Q4_0, .layers = LAYERS};

    (void)state;
    snprintf(model_path, sizeof model_path, "/tmp/densimeter-profile-%ld.gguf", (long)getpid());
    return tiny_write(model_path, &o, NULL);
}

static int remove_model(void **state)
{
    (void)state;
    return unlink(model_path);
}

static struct runner *open_with(const char *device)
{
    struct runner_opts o = {.threads = 2, .device = device};
    struct runner *r;

    assert_int_equal(runner_open(&r, model_path, &o, NULL), 0);
    return r;
}

/* Products and bytes of a layer's matrices: q, k, v, output, gate, up, down; of its attention. */
static void work_of_layer(const struct profile *p, int layer, double matrix[2], double attention[2])
{
    matrix[0] = matrix[1] = attention[0] = attention[1] = 0;
    for (int i = 0; i < p->n; i++) {
        const struct op_time *t = &p->row[i];
        double *of = strcmp(t->op, "linear") == 0 ? matrix : attention;
        if (t->layer != layer)
            continue;
        assert_true(of == matrix || t->flop == 0 || strcmp(t->op, "attention") == 0);
        of[0] += t->flop;
        of[1] += t->bytes;
    }
}

static void the_work_of_a_layer_is_that_of_its_shapes(void **state)
{
    const int weights = 64 * 64 * 2 + 2 * 64 * 32 + 3 * 64 * 128;
    double seconds, matrix[2], attention[2];
    struct runner *r = open_with(NULL);
    const struct profile *p;

    (void)state;
    assert_int_equal(runner_profile(r, 1, NULL), 0);
    assert_int_equal(runner_time_prefill(r, DEPTH, TOKENS, &seconds, NULL), 0);
    p = runner_profiled(r, NULL);
    assert_non_null(p);
    assert_int_equal(p->passes, 1); /* and not the one that filled the depth */
    for (int l = 0; l < LAYERS - 1; l++) { /* of the last only what is wanted is computed */
        work_of_layer(p, l, matrix, attention);
        assert_true(matrix[0] == 2.0 * TOKENS * weights);
        assert_true(matrix[1] == weights * 18.0 / 32);
        assert_true(attention[0] ==
                    2.0 * (TOKENS * DEPTH + TOKENS * (TOKENS + 1) / 2) * 4 * (16 + 16));
        assert_true(attention[1] == (TOKENS + DEPTH) * 2.0 * (16 + 16) * sizeof(float));
    }
    runner_close(r);
}

static void the_seconds_of_all_rows_are_within_those_of_the_workers(void **state)
{
    struct runner *r = open_with(NULL);
    const struct profile *p;
    double seconds, sum = 0;

    (void)state;
    assert_int_equal(runner_profile(r, 1, NULL), 0);
    assert_int_equal(runner_time_decode(r, 0, 2, 30, &seconds, NULL), 0);
    p = runner_profiled(r, NULL);
    assert_int_equal(p->threads, 2);
    assert_int_equal(p->passes, 30);
    for (int i = 0; i < p->n; i++) {
        assert_true(p->row[i].busy_s > 0 && p->row[i].wait_s >= 0);
        sum += p->row[i].busy_s + p->row[i].wait_s;
    }
    assert_true(sum > 0 && sum <= p->threads * p->wall_s && p->wall_s <= seconds);
    runner_close(r);
}

static void a_profile_begins_from_zero_and_can_be_off(void **state)
{
    struct runner *r = open_with(NULL), *null = open_with("null");
    struct err e = ERR_NONE;
    double seconds;

    (void)state;
    assert_null(runner_profiled(r, &e));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(runner_profile(r, 1, NULL), 0);
        assert_int_equal(runner_time_decode(r, 0, 1, 3, &seconds, NULL), 0);
        assert_int_equal(runner_profiled(r, NULL)->passes, 3);
    }
    assert_int_equal(runner_profile(r, 0, NULL), 0);
    assert_null(runner_profiled(r, &e));
    assert_int_equal(runner_profile(null, 1, &e), -1);
    assert_int_equal(e.code, ERR_UNSUPPORTED);
    runner_close(r);
    runner_close(null);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_work_of_a_layer_is_that_of_its_shapes),
        cmocka_unit_test(the_seconds_of_all_rows_are_within_those_of_the_workers),
        cmocka_unit_test(a_profile_begins_from_zero_and_can_be_off),
    };

    return cmocka_run_group_tests(tests, write_model, remove_model);
}
