/* The fast kernels: every table against the plain C one bit by bit, and that one against a direct
 * evaluation of the definition in double from what quant.h makes of the same blocks. */
#include "tests/test.h"

#include "base/mem.h"
#include "runners/fast.h"
#include "runners/quant.h"
#include "tests/by_hand.h"

static const int types[] = {QUANT_Q4_0, QUANT_Q4_1, QUANT_Q5_0, QUANT_Q5_1,
                            QUANT_Q8_0, QUANT_Q4_K, QUANT_Q5_K, QUANT_Q6_K};
enum { N_TYPES = sizeof types / sizeof *types };

enum fill { RANDOM, ALL_ZERO, ALL_ONE, STRANGE_SCALES };

static uint32_t seed = 1;

static uint32_t rnd(void)
{
    seed = seed * 1664525u + 1013904223u;
    return seed >> 8;
}

static float rnd_float(void)
{
    return (float)rnd() / (1 << 23) - 1;
}

/* The places of the f16 scales of a block of this type; -1: none. */
static void scales_of(int type, int at[2])
{
    at[0] = type == QUANT_Q6_K ? 208 : 0;
    at[1] = type == QUANT_Q4_1 || type == QUANT_Q5_1 || type == QUANT_Q4_K || type == QUANT_Q5_K
                ? 2
                : -1;
}

static void fill_blocks(int type, uint8_t *p, size_t blocks, enum fill how)
{
    static const uint16_t strange[] = {0x7e00, 0x7c00, 0xfc00, 0x7bff, 0x0001, 0x83ff,
                                       0x0000, 0x8000, 0x3c00, 0xfe01};
    const struct quant *q = quant_find(type);
    int at[2];

    scales_of(type, at);
    for (size_t b = 0; b < blocks; b++, p += q->bytes) {
        for (int i = 0; i < q->bytes; i++)
            p[i] = (uint8_t)(how == ALL_ZERO ? 0 : how == ALL_ONE ? 255 : rnd());
        for (int i = 0; i < 2 && at[i] >= 0; i++) {
            uint16_t h = float_to_half(rnd_float() * 0.01f);

            if (how == STRANGE_SCALES && rnd() % 8 == 0)
                h = strange[rnd() % (sizeof strange / sizeof *strange)];
            memcpy(p + at[i], &h, 2);
        }
    }
}

struct problem { /* a packed matrix, activations and room for two results */
    int type, rows, cols, k;
    size_t row_bytes, stripe_bytes;
    uint8_t *weights;
    uint8_t *packed, *acts;
    float *x, *want, *got;
};

static void problem_init(struct problem *p, int type, int rows, int cols, int k, enum fill how)
{
    const struct quant *q = quant_find(type);
    int stripes = (rows + FAST_ROWS - 1) / FAST_ROWS;
    size_t n_out = (size_t)cols * (size_t)rows;

    *p = (struct problem){.type = type, .rows = rows, .cols = cols, .k = k};
    p->row_bytes = (size_t)(k / q->block * q->bytes);
    p->stripe_bytes = fast_stripe_bytes(type, k);
    p->weights = mem_alloc((size_t)rows * p->row_bytes);
    p->packed = mem_aligned(64, (size_t)stripes * p->stripe_bytes);
    p->acts = mem_aligned(64, (size_t)cols * fast_act_bytes(k));
    p->x = mem_alloc((size_t)cols * (size_t)k * sizeof *p->x);
    p->want = mem_alloc(n_out * sizeof *p->want);
    p->got = mem_alloc(n_out * sizeof *p->got);
    fill_blocks(type, p->weights, (size_t)(rows * (k / q->block)), how);
    for (int i = 0; i < stripes; i++)
        fast_pack(type, p->packed + (size_t)i * p->stripe_bytes, p->weights, p->row_bytes, 16 * i,
                  rows, k);
    for (int i = 0; i < cols * k; i++)
        p->x[i] = how == ALL_ONE ? 1.0f : how == ALL_ZERO ? -1.0f : rnd_float();
    for (int c = 0; c < cols; c++)
        fast_kernels_find("ref")->quantise(p->acts + (size_t)c * fast_act_bytes(k),
                                           p->x + c * k, k);
}

static void problem_release(struct problem *p)
{
    mem_free(p->weights);
    mem_free(p->packed);
    mem_free(p->acts);
    mem_free(p->x);
    mem_free(p->want);
    mem_free(p->got);
}

static void run_table(const struct problem *p, const struct fast_kernels *t, float *out)
{
    memset(out, 0x55, (size_t)p->cols * (size_t)p->rows * sizeof *out);
    t->gemm(p->type, out, (size_t)p->rows, p->packed, p->rows, p->acts, p->cols, p->k);
}

/* Bit equality, except that any NaN is as good as another. */
static void assert_same(const struct problem *p, const struct fast_kernels *t, const float *got,
                        const float *want)
{
    for (int i = 0; i < p->rows * p->cols; i++) {
        if (memcmp(&got[i], &want[i], 4) != 0 && !(isnan(got[i]) && isnan(want[i])))
            fail_msg("%s type %d rows %d cols %d k %d: column %d row %d is %a, expected %a",
                     t->name, p->type, p->rows, p->cols, p->k, i / p->rows, i % p->rows,
                     (double)got[i], (double)want[i]);
    }
}

/* Calls f for every usable table but the plain one. */
static void with_tables(void (*f)(const struct fast_kernels *))
{
    const struct fast_kernels *t;

    for (int i = 0; (t = fast_kernels_at(i)) != NULL; i++) {
        if (!t->usable())
            print_message("          %s: not usable on this CPU\n", t->name);
        else if (strcmp(t->name, "ref") != 0)
            f(t);
    }
}

static void compare(const struct fast_kernels *t, int type, int rows, int cols, int k,
                    enum fill how)
{
    struct problem p;

    problem_init(&p, type, rows, cols, k, how);
    run_table(&p, fast_kernels_find("ref"), p.want);
    run_table(&p, t, p.got);
    assert_same(&p, t, p.got, p.want);
    problem_release(&p);
}

static void compare_shapes(const struct fast_kernels *t)
{
    for (int i = 0; i < N_TYPES; i++) {
        int block = quant_find(types[i])->block;

        for (int cols = 1; cols <= 40; cols++)
            compare(t, types[i], 48, cols, block, RANDOM);
        for (int rows = 1; rows <= 50; rows += 7)
            compare(t, types[i], rows, rows % 5 + 1, block == 32 ? 96 : 512, RANDOM);
        compare(t, types[i], 48, 67, block == 32 ? 576 : 768, RANDOM);
        compare(t, types[i], 20, 131, block == 32 ? 544 : 768, RANDOM);
    }
}

static void every_table_equals_the_plain_one_for_any_shape(void **state)
{
    (void)state;
    with_tables(compare_shapes);
}

static void compare_extremes(const struct fast_kernels *t)
{
    static const enum fill fills[] = {ALL_ZERO, ALL_ONE, STRANGE_SCALES};

    for (int i = 0; i < N_TYPES; i++) {
        for (int f = 0; f < 3; f++) {
            compare(t, types[i], 16, 1, 512, fills[f]);
            compare(t, types[i], 33, 9, 512, fills[f]);
        }
    }
}

static void every_table_equals_the_plain_one_for_extreme_codes_and_scales(void **state)
{
    (void)state;
    with_tables(compare_extremes);
}

/* Q8_0 holds -128, which has no positive twin. */
static void compare_lowest_codes(const struct fast_kernels *t)
{
    struct problem p;

    problem_init(&p, QUANT_Q8_0, 16, 5, 64, RANDOM);
    memset(p.weights, 0x80, 16 * p.row_bytes);
    for (int b = 0; b < 32; b++)
        memcpy(p.weights + 34 * b, "\0\x3c", 2); /* d = 1 */
    fast_pack(p.type, p.packed, p.weights, p.row_bytes, 0, 16, p.k);
    for (int i = 0; i < p.cols * p.k; i++)
        p.x[i] = i / p.k % 2 ? 127.0f : -127.0f;
    for (int c = 0; c < p.cols; c++)
        t->quantise(p.acts + (size_t)c * fast_act_bytes(p.k), p.x + c * p.k, p.k);
    run_table(&p, t, p.got);
    for (int i = 0; i < 16 * p.cols; i++)
        assert_close(p.got[i], (i / 16 % 2 ? -1.0 : 1.0) * 128 * 127 * 64, 0);
    problem_release(&p);
}

static void lowest_codes_meet_extreme_activations_without_saturation(void **state)
{
    (void)state;
    compare_lowest_codes(fast_kernels_find("ref"));
    with_tables(compare_lowest_codes);
}

/* The file's weights times the float activations, in double.  What 8-bit activations may cost: half
 * a step d in each, so sum |w| * d / 2; and the rounding of the float32 chain. */
static void plain_table_is_the_definition(void **state)
{
    (void)state;
    for (int i = 0; i < N_TYPES; i++) {
        struct problem p;
        float *w;

        problem_init(&p, types[i], 40, 3, 512, RANDOM);
        w = mem_alloc((size_t)p.k * sizeof *w);
        run_table(&p, fast_kernels_find("ref"), p.want);
        for (int r = 0; r < p.rows; r++) {
            quant_find(p.type)->unpack(w, p.weights + (size_t)r * p.row_bytes, (size_t)p.k);
            for (int c = 0; c < p.cols; c++) {
                const float *x = p.x + c * p.k;
                double dot = 0, steps = 0, got = (double)p.want[c * p.rows + r];

                for (int j = 0; j < p.k; j++) {
                    dot += (double)w[j] * (double)x[j];
                    steps += fabs((double)w[j]);
                }
                if (!(fabs(got - dot) <= steps * (0.5 / 127 + 1e-5)))
                    fail_msg("type %d: %g, expected %g +- %g", p.type, got, dot, steps / 254);
            }
        }
        mem_free(w);
        problem_release(&p);
    }
}

/* Activations that 8 bits hold exactly leave nothing but float32 rounding. */
static void exact_activations_give_exact_products(void **state)
{
    (void)state;
    for (int i = 0; i < N_TYPES; i++) {
        struct problem p;
        float *w;

        problem_init(&p, types[i], 16, 1, 256, RANDOM);
        w = mem_alloc((size_t)p.k * sizeof *w);
        for (int j = 0; j < p.k; j++)
            p.x[j] = j % 32 == 5 ? 127 : (float)(int)(rnd() % 255) - 127;
        fast_kernels_find("ref")->quantise(p.acts, p.x, p.k);
        run_table(&p, fast_kernels_find("ref"), p.want);
        for (int r = 0; r < p.rows; r++) {
            double dot = 0, size = 0;

            quant_find(p.type)->unpack(w, p.weights + (size_t)r * p.row_bytes, (size_t)p.k);
            for (int j = 0; j < p.k; j++) {
                dot += (double)w[j] * (double)p.x[j];
                size += fabs((double)w[j] * (double)p.x[j]);
            }
            if (!(fabs((double)p.want[r] - dot) <= size * 1e-6))
                fail_msg("type %d row %d: %g, expected %g", p.type, r, (double)p.want[r], dot);
        }
        mem_free(w);
        problem_release(&p);
    }
}

static void rows_past_the_end_are_zeros_and_neighbours_do_not_matter(void **state)
{
    (void)state;
    for (int i = 0; i < N_TYPES; i++) {
        struct problem p;
        const struct fast_kernels *best = fast_kernels_best();

        problem_init(&p, types[i], 21, 11, 256, RANDOM);
        run_table(&p, best, p.want);
        for (int c = 0; c < p.cols; c++) { /* one column at a time, the stripes apart */
            const uint8_t *act = p.acts + (size_t)c * fast_act_bytes(p.k);
            float *out = p.got + c * p.rows, padded[16];

            best->gemm(p.type, out, 0, p.packed, 16, act, 1, p.k);
            best->gemm(p.type, out + 16, 0, p.packed + p.stripe_bytes, 5, act, 1, p.k);
            best->gemm(p.type, padded, 0, p.packed + p.stripe_bytes, 16, act, 1, p.k);
            for (int r = 5; r < 16; r++)
                assert_true(padded[r] == 0);
        }
        assert_same(&p, best, p.got, p.want);
        problem_release(&p);
    }
}

#if defined(__x86_64__)
/* The row of that name, where all of its instructions but those of by_hand.h are this CPU's. */
static void compare_by_hand(const char *name, const char *needs)
{
    for (int i = 0; fast_kernels_at(i); i++) {
        const struct fast_kernels *t = fast_kernels_at(i);

        if (strcmp(t->name, name) != 0 || t->usable() || !fast_kernels_find(needs))
            continue;
        by_hand_begin();
        for (int type = 0; type < N_TYPES; type++)
            for (int cols = 1; cols <= 18; cols += cols < 3 ? 1 : 5)
                compare(t, types[type], 33, cols, quant_find(types[type])->block == 32 ? 96 : 512,
                        RANDOM);
        compare_extremes(t);
        compare_lowest_codes(t);
        by_hand_end();
        assert_true(by_hand_count() > 0);
        return;
    }
    print_message("          %s: usable here, or not without more, or not offered by the compiler\n",
                  name);
}
#endif

/* The code for CPUs that this one is not. */
static void rows_of_other_cpus_equal_the_plain_one_with_their_instructions_carried_out(void **state)
{
    (void)state;
#if defined(__x86_64__)
    compare_by_hand("avxvnni", "avx2");
    compare_by_hand("amx", "avx512vnni");
#else
    skip();
#endif
}

static void compare_quantise(const struct fast_kernels *t)
{
    static const float strange[] = {0,         -0.0f,    NAN,   -NAN,  INFINITY, -INFINITY, 3e38f,
                                    -3.4e38f,  1e-45f,   1e-40f, 1e-38f, 127,     -127,      0.5f};
    enum { K = 160 };
    uint8_t *want = mem_aligned(64, fast_act_bytes(K)), *got = mem_aligned(64, fast_act_bytes(K));
    float x[K + 1];

    for (int round = 0; round < 2000; round++) {
        for (int i = 0; i <= K; i++) {
            x[i] = ldexpf(rnd_float(), (int)(rnd() % 280) - 150) * (float)(round % 3);
            if (round % 4 == 3 && rnd() % 32 == 0)
                x[i] = strange[rnd() % (sizeof strange / sizeof *strange)];
            if (round % 16 == 1) /* ties */
                x[i] = i % 32 ? (float)(rnd() % 508) / 2 - 127 : 127;
        }
        fast_kernels_find("ref")->quantise(want, x + round % 2, K);
        t->quantise(got, x + round % 2, K);
        if (memcmp(want, got, fast_act_bytes(K)) != 0)
            fail_msg("%s: round %d differs", t->name, round);
    }
    mem_free(want);
    mem_free(got);
}

static void every_table_quantises_alike_even_what_is_no_number(void **state)
{
    (void)state;
    with_tables(compare_quantise);
}

static void zeros_give_zero_and_what_is_no_number_reaches_the_output(void **state)
{
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    const struct fast_kernels *best = fast_kernels_best();
    struct problem p;

    (void)state;
    problem_init(&p, QUANT_Q4_0, 16, 1, 64, RANDOM);
    memset(p.x, 0, 64 * sizeof *p.x);
    best->quantise(p.acts, p.x, p.k);
    run_table(&p, best, p.got);
    for (int r = 0; r < 16; r++)
        assert_true(p.got[r] == 0);
    for (int i = 0; i < 3; i++) {
        p.x[37] = bad[i];
        best->quantise(p.acts, p.x, p.k);
        run_table(&p, best, p.got);
        for (int r = 0; r < 16; r++)
            assert_false(isfinite(p.got[r]));
    }
    problem_release(&p);
}

static void formats_and_lengths_that_have_no_packed_form_are_refused(void **state)
{
    (void)state;
    assert_true(fast_supports(QUANT_Q4_0, 32));
    assert_false(fast_supports(QUANT_Q4_0, 48));
    assert_false(fast_supports(QUANT_Q4_0, 0));
    assert_false(fast_supports(QUANT_Q4_K, 128));
    assert_true(fast_supports(QUANT_Q6_K, 256));
    assert_false(fast_supports(QUANT_F16, 32));
    assert_false(fast_supports(-1, 32));
    assert_null(fast_kernels_find("none"));
    assert_null(fast_kernels_at(-1));
    assert_non_null(fast_kernels_find(fast_kernels_best()->name));
}

/* Decode reads every packed byte once per token, so they must not outgrow the file. */
static void packed_stripes_are_hardly_larger_than_the_file(void **state)
{
    (void)state;
    for (int i = 0; i < N_TYPES; i++) {
        const struct quant *q = quant_find(types[i]);
        size_t file = 16 * (size_t)(2048 / q->block * q->bytes);

        assert_in_range(fast_stripe_bytes(types[i], 2048), file, file + file / 32);
    }
}

/* What emulated processors of several kinds are asked (.ci/emulated). */
static void the_row_that_the_processor_is_known_to_have_is_chosen(void **state)
{
    const char *row = getenv("DENSIMETER_TEST_ROW");

    (void)state;
    if (!row) {
        print_message("          no row is named\n");
        skip();
    }
    assert_string_equal(fast_kernels_best()->name, row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_table_is_the_definition),
        cmocka_unit_test(exact_activations_give_exact_products),
        cmocka_unit_test(every_table_equals_the_plain_one_for_any_shape),
        cmocka_unit_test(every_table_equals_the_plain_one_for_extreme_codes_and_scales),
        cmocka_unit_test(lowest_codes_meet_extreme_activations_without_saturation),
        cmocka_unit_test(rows_of_other_cpus_equal_the_plain_one_with_their_instructions_carried_out),
        cmocka_unit_test(rows_past_the_end_are_zeros_and_neighbours_do_not_matter),
        cmocka_unit_test(every_table_quantises_alike_even_what_is_no_number),
        cmocka_unit_test(zeros_give_zero_and_what_is_no_number_reaches_the_output),
        cmocka_unit_test(formats_and_lengths_that_have_no_packed_form_are_refused),
        cmocka_unit_test(packed_stripes_are_hardly_larger_than_the_file),
        cmocka_unit_test(the_row_that_the_processor_is_known_to_have_is_chosen),
    };

    return RUN(tests);
}
