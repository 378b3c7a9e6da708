#include "tests/test.h"

#include "runners/sample.h"

enum { N = 5, DRAWS = 20000 };
static const float logits[N] = {1.0f, 3.0f, 2.0f, 3.0f, -1.0f};

static void greedy_takes_the_lowest_of_equal_logits(void **state)
{
    float margin;
    (void)state;
    assert_int_equal(sample_greedy(logits, N, &margin), 1);
    assert_true(margin == 0);
    assert_int_equal(sample_greedy((const float[]){0.5f, 2}, 2, &margin), 1);
    assert_true(margin == 1.5f);
}

/* Frequencies within five standard errors of the softmax over what top-p keeps. */
static void check_frequencies(double temperature, double top_p, const int *kept)
{
    struct sampling s = {temperature, top_p, 11};
    int count[N] = {0};
    int32_t order[N];
    double total = 0;
    float margin;

    for (int i = 0; i < DRAWS; i++)
        count[sample_token(logits, N, &s, 77, (uint64_t)i, order, &margin)]++;
    for (int i = 0; i < N; i++)
        total += kept[i] ? exp(logits[i] / temperature) : 0;
    for (int i = 0; i < N; i++) {
        double p = kept[i] ? exp(logits[i] / temperature) / total : 0;
        double se = sqrt(p * (1 - p) / DRAWS);
        assert_true(fabs(count[i] / (double)DRAWS - p) <= 5 * se);
    }
}

static void temperature_draws_from_the_softmax(void **state)
{
    (void)state;
    check_frequencies(1.0, 1.0, (const int[]){1, 1, 1, 1, 1});
    check_frequencies(0.5, 0, (const int[]){1, 1, 1, 1, 1});
}

static void top_p_keeps_the_fewest_tokens_that_reach_it(void **state)
{
    (void)state;
    check_frequencies(1.0, 0.39, (const int[]){0, 1, 0, 0, 0});
    check_frequencies(1.0, 0.7, (const int[]){0, 1, 0, 1, 0});
    check_frequencies(1.0, 0.9, (const int[]){0, 1, 1, 1, 0});
}

static void a_draw_depends_on_seed_key_and_step_alone(void **state)
{
    (void)state;
    assert_true(sample_uniform(1, 2, 3) == sample_uniform(1, 2, 3));
    assert_true(sample_uniform(1, 2, 3) != sample_uniform(1, 2, 4));
    assert_true(sample_uniform(1, 2, 3) != sample_uniform(1, 3, 3));
    assert_true(sample_uniform(1, 2, 3) != sample_uniform(2, 2, 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(greedy_takes_the_lowest_of_equal_logits),
        cmocka_unit_test(temperature_draws_from_the_softmax),
        cmocka_unit_test(top_p_keeps_the_fewest_tokens_that_reach_it),
        cmocka_unit_test(a_draw_depends_on_seed_key_and_step_alone),
    };
    return RUN(tests);
}
