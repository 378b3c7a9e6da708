/* The conformance kit: what is right passes, and what is planted is found and named. */
#include "tests/test.h"

#include "base/mem.h"
#include "include/densimeter_device.h"
#include "runners/conform.h"
#include "tests/plugins.h"

struct seen {
    int cases, failed, left;
    double bits;
    int most, until_failed; /* cases: enough is known then */
    char failed_op[64], why[300];
};

static int look(void *user, const struct conform_case *c)
{
    struct seen *s = user;

    s->cases++;
    s->left += c->verdict == CONFORM_CPU;
    s->bits = fmin(s->bits, c->bits);
    if (c->verdict != CONFORM_FAIL)
        return s->cases == s->most;
    if (s->failed++ == 0) {
        snprintf(s->failed_op, sizeof s->failed_op, "%s", c->op);
        snprintf(s->why, sizeof s->why, "%s", c->why);
    }
    return s->until_failed;
}

/* The CPU takes what a device leaves, which its threads are no part of. */
static struct seen check_most(const char *device, const char *only, int until_failed, int most)
{
    struct seen s = {.bits = NAN, .until_failed = until_failed, .most = most};
    struct err e = ERR_NONE;
    struct conform_about about;
    struct conform c = {.device = {.name = device, .threads = strcmp(device, "cpu") == 0 ? 2 : 1},
                        .ops = device_find(device, &e), .only = only, .on_case = look, .user = &s};

    if (!c.ops || conform_run(&c, &about, &e) < 0)
        fail_msg("%s: %s", device, e.text);
    assert_true(s.cases > 0);
    return s;
}

static struct seen check(const char *device, const char *only, int until_failed)
{
    return check_most(device, only, until_failed, 0);
}

static int is_long(void)
{
    return getenv("DENSIMETER_LONG") != NULL;
}

static const char *const quick[] = {"rms_norm", "layer_norm", "head_norm", "rope", "scale",
                                    "kv_store", "add", "gate", "gather", "route", "combine",
                                    "scale_by", "conv", "scan_channels", "scan_heads", "delta",
                                    "l2_norm", "deal", "slice", "concat", "clamp"};
enum { N_QUICK = sizeof quick / sizeof quick[0] };

static void the_cpu_has_the_bits_of_plain_c(void **state)
{
    (void)state;
    for (int i = 0; i < N_QUICK; i++) {
        struct seen s = check("cpu", quick[i], 0);
        if (s.failed)
            fail_msg("%s: %s", s.failed_op, s.why);
    }
}

static void the_example_conforms(void **state)
{
    (void)state;
    unsetenv("PLANTED");
    for (int i = 0; i < N_QUICK; i++) {
        struct seen s = check(plugin_built("examples/device_naive.c"), quick[i], 0);
        if (s.failed)
            fail_msg("%s: %s", s.failed_op, s.why);
        assert_int_equal(s.left, 0);
        assert_true(s.bits > 19);
    }
}

static void its_products_conform_in_every_format(void **state)
{
    struct seen s = check(plugin_built("examples/device_naive.c"), "linear, added", 0);

    (void)state;
    if (s.failed)
        fail_msg("%s", s.why);
    assert_true(s.cases > 200 && s.bits > 19 && s.bits < 24);
}

/* It reads its weights as the products do: a few formats, unless there is time. */
static void its_experts_conform(void **state)
{
    struct seen s = check_most(plugin_built("examples/device_naive.c"), "experts_down", 0,
                               is_long() ? 0 : 60);

    (void)state;
    if (s.failed)
        fail_msg("%s", s.why);
    assert_true(s.cases >= 60 && s.bits > 19 && s.bits < 24);
}

/* Copies of states between rows included: a batch of a path is cut in two.  Both models come in
 * eight cases of each format. */
static void its_models_with_experts_and_with_a_state_conform(void **state)
{
    int most = is_long() ? 40 : 16;
    struct seen s = check_most(plugin_built("examples/device_naive.c"), "model, layers", 0, most);

    (void)state;
    if (s.failed)
        fail_msg("%s", s.why);
    assert_true(s.cases == most && s.left == 0);
}

/* Every fault, and nothing but the operation it is in: of the others those beside it in the list,
 * or all when there is time. */
static void expect_found(int kind, const char *how, const char *op, const char *why)
{
    char planted[32];
    int at = 0;

    snprintf(planted, sizeof planted, "%d:%s", kind, how);
    setenv("PLANTED", planted, 1);
    while (strncmp(op, quick[at], strlen(quick[at])) != 0)
        at++;
    for (int i = 0; i < N_QUICK; i++) {
        int is_it = i == at;
        struct seen s;
        if (abs(i - at) > 1 && !is_long())
            continue;
        s = check(plugin_built("tests/plugins/planted.c"), quick[i], 0);
        if (is_it ? !s.failed || strcmp(s.failed_op, op) || !strstr(s.why, why) : s.failed)
            fail_msg("%s in %s: %s has %d failures, %s: %s", how, op, quick[i], s.failed,
                     s.failed_op, s.why);
    }
    unsetenv("PLANTED");
}

static void expect_linear(const char *how, const char *why)
{
    char planted[32];
    struct seen s;

    snprintf(planted, sizeof planted, "%d:%s", DSM_LINEAR, how);
    setenv("PLANTED", planted, 1);
    s = check(plugin_built("tests/plugins/planted.c"), "linear, added", 1);
    assert_true(s.failed > 0);
    assert_non_null(strstr(s.why, why));
    unsetenv("PLANTED");
}

static void a_wrong_operation_is_found_and_named(void **state)
{
    (void)state;
    expect_found(DSM_ROPE, "wrong", "rope", "plain C has");
    expect_found(DSM_ATTENTION, "wrong", "kv_store, attention", "plain C has");
    expect_found(DSM_RMS_NORM, "wrong", "rms_norm", "plain C has");
    expect_found(DSM_ROUTE, "far", "route", "1e+09, plain C has");
    expect_found(DSM_SCAN_HEADS, "wrong", "scan_heads", "plain C has");
    expect_found(DSM_DELTA, "wrong", "delta", "plain C has");
    expect_linear("wrong", "plain C has");
}

static void nan_and_refusals_are_found(void **state)
{
    (void)state;
    expect_found(DSM_ADD, "nan", "add", "is not finite");
    expect_found(DSM_SCALE, "refuse", "scale", "device planted: no?more");
}

static void less_precision_than_declared_is_found(void **state)
{
    (void)state;
    expect_linear("coarse", "plain C has");
}

static void a_device_that_remembers_answers_is_found(void **state)
{
    char planted[32];
    struct seen s;

    (void)state;
    snprintf(planted, sizeof planted, "%d:cache", DSM_HEAD);
    setenv("PLANTED", planted, 1);
    s = check(plugin_built("tests/plugins/planted.c"), "model", 1);
    unsetenv("PLANTED");
    assert_true(s.failed > 0);
    assert_string_equal(s.failed_op, "model");
}

static void numbers_of_no_device_fail(void **state)
{
    (void)state;
    assert_true(check("null", "scale", 0).failed > 0);
}

static void the_check_survives_every_failed_allocation(void **state)
{
    long live = mem_live();
    int rc = -1;

    (void)state;
    for (int nth = 0; rc < 0; nth++) {
        struct seen s = {.bits = NAN};
        struct err e = ERR_NONE;
        struct conform_about about;
        struct conform c = {.device = {.name = "cpu", .threads = 1}, .ops = &device_cpu,
                            .only = "gather", .on_case = look, .user = &s};
        mem_fail_at(nth);
        rc = conform_run(&c, &about, &e);
        mem_fail_at(-1);
        if (rc < 0)
            assert_int_equal(e.code, ERR_NOMEM);
        else if (s.failed) { /* the device's own allocation, or that of its rows */
            assert_non_null(strstr(s.why, "memory"));
            rc = -1;
        }
        assert_int_equal(mem_live(), live);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cpu_has_the_bits_of_plain_c),
        cmocka_unit_test(the_example_conforms),
        cmocka_unit_test(its_products_conform_in_every_format),
        cmocka_unit_test(its_experts_conform),
        cmocka_unit_test(its_models_with_experts_and_with_a_state_conform),
        cmocka_unit_test(a_wrong_operation_is_found_and_named),
        cmocka_unit_test(nan_and_refusals_are_found),
        cmocka_unit_test(less_precision_than_declared_is_found),
        cmocka_unit_test(a_device_that_remembers_answers_is_found),
        cmocka_unit_test(numbers_of_no_device_fail),
        cmocka_unit_test(the_check_survives_every_failed_allocation),
    };

    return RUN(tests);
}
