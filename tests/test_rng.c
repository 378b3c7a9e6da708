/* The vectors of evaluation.md 2.8, which CPython 3.11 printed. */
#include "tests/test.h"

#include "base/mem.h"
#include "base/rng.h"

static void assert_ints(const int *got, const int *want, int n)
{
    for (int i = 0; i < n; i++)
        assert_int_equal(got[i], want[i]);
}

static void words_and_doubles_are_cpythons(void **state)
{
    static const uint32_t want[] = {4150886329u, 3342196574u, 1892932127u, 501869158u, 32175636u};
    static const double doubles[] = {.9664535356921388, .4407325991753527, .007491470058587191};
    struct rng r;
    (void)state;
    rng_seed(&r, 1234);
    for (int i = 0; i < 5; i++)
        assert_int_equal(rng_bits(&r, 32), want[i]);
    rng_seed(&r, 1234);
    for (int i = 0; i < 3; i++)
        assert_true(rng_random(&r) == doubles[i]);
}

static void samples_are_cpythons(void **state)
{
    static const struct { uint32_t n, k; int second; int want[11]; } rows[] = {
        {20, 5, 0, {14, 3, 0, 2, 1}},
        {7473, 5, 0, {6374, 3610, 957, 61, 742}},
        {7473, 5, 1, {7462, 6610, 4769, 286, 5501}},
        {7473, 5, 2, {5677, 687, 806, 6279, 2905}},
        {39905, 11, 0, {28883, 7657, 490, 5940, 38156, 2288, 5500, 6450, 23241, 15519, 1142}},
        {39905, 11, 1, {2019, 1038, 22681, 31735, 30379, 9735, 5982, 11999, 7498, 958, 32970}},
        {40398, 6, 0, {28883, 7657, 490, 5940, 38156, 2288}},
        {40398, 6, 1, {5500, 6450, 23241, 15519, 1142, 2019}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int out[11];
        struct rng r;
        rng_seed(&r, 1234);
        for (int doc = 0; doc <= rows[i].second; doc++)
            assert_int_equal(rng_sample(&r, rows[i].n, rows[i].k, out, NULL), 0);
        assert_ints(out, rows[i].want, (int)rows[i].k);
    }
}

/* The vector for 22 was printed by the generator that had just given the sample of 20. */
static void the_border_between_pool_and_set_is_cpythons(void **state)
{
    static const int want[] = {21, 2, 3, 11, 7};
    struct rng r;
    int out[5];
    (void)state;
    rng_seed(&r, 1234);
    assert_int_equal(rng_sample(&r, 20, 5, out, NULL), 0);
    assert_int_equal(rng_sample(&r, 22, 5, out, NULL), 0);
    assert_ints(out, want, 5);
}

static void a_sample_of_25_from_1119_is_cpythons(void **state)
{
    static const int want[] = {902, 239, 15,  185, 71,  171, 201, 726, 484,  35,  63,  32, 708,
                               991, 949, 304, 186, 374, 234, 29,  1030, 996, 511, 132, 1108};
    static const int second[] = {954, 140, 182, 1054, 94};
    struct rng r;
    int out[25];
    (void)state;
    rng_seed(&r, 1234);
    assert_int_equal(rng_sample(&r, 1119, 25, out, NULL), 0);
    assert_ints(out, want, 25);
    assert_int_equal(rng_sample(&r, 1119, 25, out, NULL), 0);
    assert_ints(out, second, 5);
}

static void choices_are_cpythons(void **state)
{
    static const int want[] = {8, 7, 4, 2, 5, 4, 7, 3, 4, 5};
    struct rng r;
    int out[10];
    (void)state;
    rng_seed(&r, 0);
    rng_choices(&r, 10, 10, out);
    assert_ints(out, want, 10);
}

static void a_seed_of_two_words_is_cpythons(void **state)
{
    struct rng r;
    (void)state;
    rng_seed(&r, UINT64_C(0x123456789abcdef0));
    assert_int_equal(rng_bits(&r, 32), 3646699384u);
    assert_int_equal(rng_bits(&r, 32), 2523371432u);
}

static void a_sample_larger_than_its_population_is_refused(void **state)
{
    struct rng r;
    struct err e = ERR_NONE;
    int out[4];
    (void)state;
    rng_seed(&r, 1);
    assert_int_equal(rng_sample(&r, 3, 4, out, &e), -1);
    assert_int_equal(e.code, ERR_USAGE);
    mem_fail_at(0);
    assert_int_equal(rng_sample(&r, 4, 2, out, &e), -1);
    mem_fail_at(-1);
    assert_int_equal(e.code, ERR_NOMEM);
    assert_int_equal(mem_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_and_doubles_are_cpythons),
        cmocka_unit_test(samples_are_cpythons),
        cmocka_unit_test(the_border_between_pool_and_set_is_cpythons),
        cmocka_unit_test(a_sample_of_25_from_1119_is_cpythons),
        cmocka_unit_test(choices_are_cpythons),
        cmocka_unit_test(a_seed_of_two_words_is_cpythons),
        cmocka_unit_test(a_sample_larger_than_its_population_is_refused),
    };
    return RUN(tests);
}
