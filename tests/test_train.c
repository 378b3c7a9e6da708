/* The trainer: gradients are those of differences, bits do not depend on threads, and the file it
 * writes is the model it trained. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "runners/kernels.h"
#include "runners/runner.h"
#include "runners/quant.h"
#include "runners/train.h"
#include "tests/test.h"

enum { VOCAB = 43, LONGEST = 9 };

static const struct train_opts small = {
    .shape = {VOCAB, 32, 2, 2, 64}, .seed = 7, .batch = 8, .longest = LONGEST, .steps = 40,
    .rate = 3e-3f, .decay = 0.01f, .threads = 1};

/* A text in which every token decides the next. */
static int chain(void *user, int64_t i, int32_t *ids, unsigned char *is_target)
{
    int n = 4 + (int)(i % (LONGEST - 3));

    (void)user;
    ids[0] = 1;
    for (int k = 0; k < n; k++) {
        if (k)
            ids[k] = 3 + (k == 1 ? (int32_t)(i * 7 % (VOCAB - 3))
                                 : (ids[k - 1] * 5 + k) % (VOCAB - 3));
        is_target[k] = k > 1;
    }
    return n;
}

static double loss_of(struct train *t)
{
    struct train_opts o = small;
    struct train *copy = NULL;
    struct err e = ERR_NONE;
    double loss;
    uint64_t n;

    assert_int_equal(train_open(&copy, &o, &e), 0);
    float *to = train_weights(copy, &n);
    memcpy(to, train_weights(t, &n), n * sizeof *to);
    train_refresh(copy);
    assert_int_equal(train_step(copy, chain, NULL, &loss, &e), 0);
    train_close(copy);
    return loss;
}

static void gradients_are_those_of_differences(void **state)
{
    struct train_opts o = small;
    struct train *t = NULL, *probe = NULL;
    struct err e = ERR_NONE;
    uint64_t n;
    double loss;
    int looked_at = 0;
    (void)state;

    assert_int_equal(train_open(&t, &o, &e), 0);
    assert_int_equal(train_open(&probe, &o, &e), 0);
    assert_int_equal(train_step(t, chain, NULL, &loss, &e), 0); /* t: gradients at the start */
    float *w = train_weights(probe, &n);
    const float *g = train_gradients(t);
    for (uint64_t i = 5; i < n; i += 977) {
        float was = w[i], step = 4e-3f;
        w[i] = was + step;
        double up = loss_of(probe);
        w[i] = was - step;
        double down = loss_of(probe), slope = (up - down) / (2 * (double)step);
        w[i] = was;
        assert_true(fabs(slope - g[i]) < 2e-4 + 0.02 * fabs(slope));
        looked_at += fabs(slope) > 1e-3;
    }
    assert_true(looked_at >= 5);
    train_close(t);
    train_close(probe);
}

static void the_weights_do_not_depend_on_threads(void **state)
{
    struct train_opts one = small, three = small;
    struct train *a = NULL, *b = NULL;
    struct err e = ERR_NONE;
    double la, lb, first = 0;
    uint64_t n;
    (void)state;

    three.threads = 3;
    assert_int_equal(train_open(&a, &one, &e), 0);
    assert_int_equal(train_open(&b, &three, &e), 0);
    for (int s = 0; s < small.steps; s++) {
        assert_int_equal(train_step(a, chain, NULL, &la, &e), 0);
        assert_int_equal(train_step(b, chain, NULL, &lb, &e), 0);
        assert_true(la == lb);
        first = s ? first : la;
    }
    assert_true(la < first / 2); /* it learns, too */
    float *w = train_weights(a, &n);
    assert_memory_equal(w, train_weights(b, &n), n * sizeof *w);
    train_close(a);
    train_close(b);
}

static void the_weights_do_not_depend_on_kernels(void **state)
{
    struct train_opts plain = small;
    struct train *a = NULL;
    struct err e = ERR_NONE;
    uint64_t n;
    double loss;
    (void)state;

    plain.kernels = "ref";
    assert_int_equal(train_open(&a, &plain, &e), 0);
    for (int s = 0; s < 10; s++)
        assert_int_equal(train_step(a, chain, NULL, &loss, &e), 0);
    for (int i = 0; kernels_at(i); i++) {
        struct train_opts o = small;
        struct train *b = NULL;
        if (!kernels_at(i)->usable())
            continue;
        o.kernels = kernels_at(i)->name;
        assert_int_equal(train_open(&b, &o, &e), 0);
        for (int s = 0; s < 10; s++)
            assert_int_equal(train_step(b, chain, NULL, &loss, &e), 0);
        float *w = train_weights(a, &n);
        assert_memory_equal(w, train_weights(b, &n), n * sizeof *w);
        train_close(b);
    }
    plain.kernels = "none";
    struct train *c = NULL;
    assert_int_equal(train_open(&c, &plain, &e), -1);
    assert_int_equal(e.code, ERR_UNSUPPORTED);
    train_close(a);
}

static int add_nats(void *user, int i, const struct reply *r)
{
    (void)i;
    *(double *)user -= r->nats;
    return 0;
}

static void the_file_says_what_the_trainer_computed(void **state)
{
    struct train_opts o = small;
    struct train *t = NULL;
    struct runner *r = NULL;
    struct err e = ERR_NONE;
    char texts[VOCAB][8], path[64];
    const char *words[VOCAB];
    double loss, sum = 0;
    int targets = 0;
    (void)state;

    for (int i = 0; i < VOCAB; i++) {
        snprintf(texts[i], sizeof texts[i], "w%d", i);
        words[i] = texts[i];
    }
    assert_int_equal(train_open(&t, &o, &e), 0);
    for (int s = 0; s < 5; s++)
        assert_int_equal(train_step(t, chain, NULL, &loss, &e), 0);
    snprintf(path, sizeof path, "/tmp/train-%ld.gguf", (long)getpid());
    const struct train_file f = {"small", "a test", "Apache-2.0", words, 32, QUANT_F32};
    assert_int_equal(train_write(t, path, &f, &e), 0);
    assert_int_equal(runner_open(&r, path, &(struct runner_opts){.threads = 1}, &e), 0);
    assert_int_equal(runner_info(r)->parameters, train_parameters(t));
    for (int i = 0; i < o.batch; i++) { /* the next step's documents */
        int32_t ids[LONGEST];
        unsigned char is_target[LONGEST];
        int n = chain(NULL, (int64_t)train_steps(t) * o.batch + i, ids, is_target);
        struct request q = {.kind = REQUEST_SCORE, .ids = ids, .n_ids = n, .n_given = 2};
        assert_int_equal(runner_run(r, &q, 1, add_nats, &sum, NULL, &e), 0);
        targets += n - 2;
    }
    assert_int_equal(train_step(t, chain, NULL, &loss, &e), 0);
    assert_true(fabs(sum / targets - loss) < 1e-5 * loss);
    runner_close(r);
    train_close(t);
    unlink(path);
}

static void what_cannot_be_trained_is_refused(void **state)
{
    struct train_opts odd = small, long_one = small, few = small;
    struct train *t = NULL;
    struct err e = ERR_NONE;
    (void)state;

    odd.shape.embedding = 40;
    long_one.longest = TRAIN_LONGEST + 1;
    few.batch = 6;
    assert_int_equal(train_open(&t, &odd, &e), -1);
    assert_int_equal(train_open(&t, &long_one, &e), -1);
    assert_int_equal(train_open(&t, &few, &e), -1);
    assert_int_equal(e.code, ERR_USAGE);
}

static void train_open_survives_every_failed_allocation(void **state)
{
    int rc = -1;
    (void)state;

    for (int nth = 0; rc < 0; nth++) {
        struct train *t = NULL;
        struct err e = ERR_NONE;
        mem_fail_at(nth);
        rc = train_open(&t, &small, &e);
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        train_close(t);
        assert_int_equal(mem_live(), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_are_those_of_differences),
        cmocka_unit_test(the_weights_do_not_depend_on_threads),
        cmocka_unit_test(the_weights_do_not_depend_on_kernels),
        cmocka_unit_test(the_file_says_what_the_trainer_computed),
        cmocka_unit_test(what_cannot_be_trained_is_refused),
        cmocka_unit_test(train_open_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
