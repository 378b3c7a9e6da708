/* test_fmath.c -- the functions of fmath.h against double, over every exponent.
 *
 * A stride through the 2^32 bit patterns keeps this short; FMATH_STRIDE=1 tries them all. */
#include "runners/kernels.h"
#include "tests/test.h"

#include <float.h>

static double exact_silu(double x)
{
    return x / (1 + exp(-x));
}

static double exact_gelu_tanh(double x)
{
    return x / (1 + exp(-2 * sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
}

static double exact_gelu_erf(double x)
{
    return x * 0.5 * erfc(-x / sqrt(2));
}

static double exact_sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static double exact_softplus(double x)
{
    return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

static void kernel_exp(const struct kernels *k, float *y, const float *x, int n)
{
    k->exp(y, x, n);
}

static void kernel_tanh(const struct kernels *k, float *y, const float *x, int n)
{
    k->act(ACT_TANH, y, x, n);
}

static void kernel_silu(const struct kernels *k, float *y, const float *x, int n)
{
    k->act(ACT_SILU, y, x, n);
}

static void kernel_gelu_tanh(const struct kernels *k, float *y, const float *x, int n)
{
    k->act(ACT_GELU_TANH, y, x, n);
}

static void kernel_gelu_erf(const struct kernels *k, float *y, const float *x, int n)
{
    k->act(ACT_GELU_ERF, y, x, n);
}

static void kernel_sigmoid(const struct kernels *k, float *y, const float *x, int n)
{
    k->act(ACT_SIGMOID, y, x, n);
}

static void kernel_softplus(const struct kernels *k, float *y, const float *x, int n)
{
    k->act(ACT_SOFTPLUS, y, x, n);
}

static const struct function {
    const char *name;
    void (*kernel)(const struct kernels *k, float *y, const float *x, int n);
    double (*exact)(double x);
    float at_minus_infinity, at_infinity;
} functions[] = {
    {"exp", kernel_exp, exp, 0, INFINITY},
    {"tanh", kernel_tanh, tanh, -1, 1},
    {"silu", kernel_silu, exact_silu, 0, INFINITY},
    {"gelu_tanh", kernel_gelu_tanh, exact_gelu_tanh, 0, INFINITY},
    {"gelu_erf", kernel_gelu_erf, exact_gelu_erf, 0, INFINITY},
    {"sigmoid", kernel_sigmoid, exact_sigmoid, 0, 1},
    {"softplus", kernel_softplus, exact_softplus, 0, INFINITY},
};

/* Distance in units of the last place that a float of this size has. */
static double ulps(float got, double want)
{
    int e;

    if (fabs(want) > FLT_MAX) /* the float after FLT_MAX, were there one */
        want = copysign(0x1p128, want);
    if (isinf(got))
        got = copysignf(FLT_MAX, got), want -= copysign(0x1p104, got);
    frexp(want, &e);
    return fabs(got - want) / ldexp(1, (e < -125 ? -125 : e) - 24);
}

static void functions_are_within_two_ulp_of_double_for_every_exponent(void **state)
{
    const struct kernels *k = kernels_best();
    const char *s = getenv("FMATH_STRIDE");
    uint32_t stride = s ? (uint32_t)strtoul(s, NULL, 10) : 4099;
    enum { BATCH = 4096 };
    float x[BATCH], y[BATCH];

    (void)state;
    for (size_t f = 0; f < sizeof functions / sizeof functions[0]; f++) {
        double worst = 0, where = 0;
        for (uint64_t at = 0; at < 0x100000000u; at += (uint64_t)stride * BATCH) {
            for (int i = 0; i < BATCH; i++) {
                uint32_t bits = (uint32_t)(at + (uint64_t)stride * (uint64_t)i);
                memcpy(&x[i], &bits, sizeof bits);
            }
            functions[f].kernel(k, y, x, BATCH);
            for (int i = 0; i < BATCH; i++) {
                if (isnan(x[i])) {
                    assert_true(isnan(y[i]));
                    continue;
                }
                double u = isinf(x[i]) ? 0 : ulps(y[i], functions[f].exact(x[i]));
                if (!(u <= worst)) {
                    worst = u;
                    where = x[i];
                }
            }
        }
        print_message("          %s: %.3f ulp at %.9g\n", functions[f].name, worst, where);
        assert_true(worst <= 2);
    }
}

static void functions_keep_infinities_zeros_and_nan(void **state)
{
    const struct kernels *k = kernels_best();

    (void)state;
    for (size_t f = 0; f < sizeof functions / sizeof functions[0]; f++) {
        float x[4] = {-INFINITY, INFINITY, -0.0f, NAN}, y[4];
        functions[f].kernel(k, y, x, 4);
        assert_true(y[0] == functions[f].at_minus_infinity);
        assert_true(y[1] == functions[f].at_infinity);
        if (functions[f].exact(-0.0) == 0)
            assert_true(y[2] == 0 && signbit(y[2]));
        else
            assert_true(y[2] == (float)functions[f].exact(-0.0));
        assert_true(isnan(y[3]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_are_within_two_ulp_of_double_for_every_exponent),
        cmocka_unit_test(functions_keep_infinities_zeros_and_nan),
    };

    return RUN(tests);
}
