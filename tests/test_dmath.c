/* test_dmath.c -- double exp, log, sine, cosine and rope angles against long double. */
#include "runners/angles.h"
#include "runners/dmath.h"
#include "tests/test.h"

static uint64_t seed = 1;

static double uniform(double low, double high)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return low + (high - low) * (double)(seed >> 11) * 0x1p-53;
}

static double relative(double got, long double want)
{
    return want == 0 ? fabs(got) : (double)fabsl((got - want) / want);
}

static void exp_and_log_are_exact_to_the_last_bits(void **state)
{
    double worst_exp = 0, worst_log = 0, worst_near = 0;

    (void)state;
    for (int i = 0; i < 200000; i++) {
        double x = uniform(-708, 709), y = exp2(uniform(-1022, 1023)), z = uniform(0.9, 1.1);
        worst_exp = fmax(worst_exp, relative(dmath_exp(x), expl(x)));
        worst_log = fmax(worst_log, relative(dmath_log(y), logl(y)));
        worst_near = fmax(worst_near, relative(dmath_log(z), logl(z)));
    }
    print_message("          exp %.3g, log %.3g, near 1 %.3g\n", worst_exp, worst_log, worst_near);
    assert_true(worst_exp < 0x1p-51 && worst_log < 0x1p-51 && worst_near < 0x1p-51);
}

static void exp_and_log_have_their_limits(void **state)
{
    (void)state;
    assert_true(dmath_exp(0) == 1 && dmath_exp(-0.0) == 1);
    assert_true(dmath_exp(INFINITY) == INFINITY && dmath_exp(-INFINITY) == 0);
    assert_true(dmath_exp(1e300) == INFINITY && dmath_exp(-1e300) == 0);
    assert_true(dmath_exp(709.78271289338409) == INFINITY);
    assert_close(dmath_exp(709.78271289338397), 1.7976931348622732e308, 1e-12);
    assert_true(dmath_exp(-745) == 0x1p-1074 && isnan(dmath_exp(NAN)));
    assert_true(dmath_log(0) == -INFINITY && dmath_log(INFINITY) == INFINITY);
    assert_true(dmath_log(1) == 0 && isnan(dmath_log(-1)) && isnan(dmath_log(NAN)));
    assert_close(dmath_log(0x1p-1074), -744.44007192138126, 1e-15);
}

static void sine_and_cosine_are_exact_to_1e_15_up_to_ten_million(void **state)
{
    double worst = 0;

    (void)state;
    for (int i = 0; i < 400000; i++) {
        double theta = uniform(-1, 1) * exp2(uniform(-30, 23.2)), s, c;
        dmath_sincos(theta, &s, &c);
        worst = fmax(worst, (double)fabsl(s - sinl(theta)));
        worst = fmax(worst, (double)fabsl(c - cosl(theta)));
    }
    print_message("          %.3g\n", worst);
    assert_true(worst < 1e-15);
}

static void angles_are_the_rounded_sine_and_cosine(void **state)
{
    static const double bases[] = {10000, 100000, 500000, 1e6, 12345.678};

    (void)state;
    for (size_t b = 0; b < sizeof bases / sizeof bases[0]; b++)
        for (int n_rot = 2; n_rot <= 256; n_rot += 14)
            for (int i = 0; i < n_rot / 2; i++) {
                float cosine, sine;
                double f = angles_inv_freq(bases[b], i, n_rot);
                assert_true(relative(f, powl(bases[b], -2.0L * i / n_rot)) < 0x1p-51);
                angles_sincos(777 * f, &cosine, &sine);
                assert_close(cosine, cosl(777 * (long double)f), 1e-6);
                assert_close(sine, sinl(777 * (long double)f), 1e-6);
            }
    assert_true(angles_inv_freq(10000, 0, 64) == 1);
    assert_true(relative(angles_inv_freq(10000, 16, 64), 0.01L) < 0x1p-52);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exp_and_log_are_exact_to_the_last_bits),
        cmocka_unit_test(exp_and_log_have_their_limits),
        cmocka_unit_test(sine_and_cosine_are_exact_to_1e_15_up_to_ten_million),
        cmocka_unit_test(angles_are_the_rounded_sine_and_cosine),
    };

    return RUN(tests);
}
