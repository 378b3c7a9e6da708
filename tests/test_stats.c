/* Expected values: statistics.md (scipy and exact arithmetic) and evaluation.md 2.5. */
#include "tests/test.h"

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/splitmix.h"
#include "harness/aggregate.h"
#include "harness/stats.h"
#include "harness/stats_rank.h"

static const double A[] = {101.2, 99.8, 100.4, 103.9, 100.1, 99.5, 100.9, 101.7, 100.2, 118.3};
static const double B[] = {104.1, 103.2, 105.0, 104.4, 103.7, 102.9, 104.8, 103.5, 121.0, 104.0};

static void accuracy_has_bessels_standard_error(void **state)
{
    double x[100];

    (void)state;
    for (int i = 0; i < 100; i++)
        x[i] = i < 30;
    assert_close(stats_mean(x, 100), .3, 1e-15);
    assert_close(stats_stderr(x, 100), .0460566186, 1e-8);
    assert_true(isnan(stats_stderr(x, 1)));
    assert_true(isnan(stats_mean(x, 0)));
}

static void wilson_matches_published_values(void **state)
{
    struct interval i = stats_wilson(823, 1319, STATS_Z95);

    (void)state;
    assert_close(i.low, .5974921121, 1e-9);
    assert_close(i.high, .6497030433, 1e-9);
    i = stats_wilson(164, 164, STATS_Z95);
    assert_close(i.low, .9771125749, 1e-9);
    assert_close(i.high, 1, 1e-15);
    i = stats_wilson(0, 10, STATS_Z95);
    assert_true(i.low == 0 && i.high > .27 && i.high < .28);
    assert_true(isnan(stats_wilson(0, 0, STATS_Z95).low));
}

static void medians_and_deviations_ignore_outliers(void **state)
{
    double a[10], b[10], mad;

    (void)state;
    memcpy(a, A, sizeof a);
    memcpy(b, B, sizeof b);
    stats_sort(a, 10);
    stats_sort(b, 10);
    assert_close(stats_median(a, 10), 100.65, 1e-12);
    assert_close(stats_median(b, 10), 104.05, 1e-12);
    assert_int_equal(stats_mad(a, 10, &mad, NULL), 0);
    assert_close(mad, .7, 1e-9);
    assert_int_equal(stats_mad(b, 10, &mad, NULL), 0);
    assert_close(mad, .65, 1e-9);
}

static void percentiles_are_what_their_names_say(void **state)
{
    double a[10];

    (void)state;
    memcpy(a, A, sizeof a);
    stats_sort(a, 10);
    assert_close(stats_percentile_linear(a, 10, .9), 105.34, 1e-12);
    assert_true(stats_percentile_nearest(a, 10, .9) == 103.9);
    assert_true(stats_percentile_nearest(a, 10, .99) == 118.3);
    assert_true(stats_percentile_nearest(a, 10, 0) == 99.5);
    assert_true(stats_percentile_linear(a, 10, 1) == 118.3);
}

static void median_intervals_use_the_ranks_of_the_binomial(void **state)
{
    static const struct {
        size_t n, low, high;
        double coverage;
    } rows[] = {{6, 1, 6, .96875},       {9, 2, 8, .9609375},     {10, 2, 9, .978515625},
                {20, 6, 15, .9586105},   {30, 10, 21, .9572261},  {100, 40, 61, .9647998},
                {5, 1, 5, .9375}};
    double x[100], coverage, a[10];
    struct interval i;

    (void)state;
    for (int k = 0; k < 100; k++)
        x[k] = k + 1;
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        i = stats_median_interval(x, rows[r].n, .95, &coverage);
        assert_true(i.low == (double)rows[r].low && i.high == (double)rows[r].high);
        assert_close(coverage, rows[r].coverage, 1e-7);
    }
    assert_true(isnan(stats_median_interval(x, 1, .95, &coverage).low));
    memcpy(a, A, sizeof a);
    stats_sort(a, 10);
    i = stats_median_interval(a, 10, .95, &coverage);
    assert_true(i.low == 99.8 && i.high == 103.9);
}

static void hodges_lehmann_ratios_have_exact_intervals(void **state)
{
    struct ratio r;

    (void)state;
    assert_int_equal(stats_ratio(A, 10, B, 10, .95, &r, NULL), 0);
    assert_close(r.ratio, 1.0329013283, 1e-9);
    assert_close(r.low, 1.0197628458, 1e-9);
    assert_close(r.high, 1.0430861723, 1e-9);
    assert_close(r.coverage, .9567, 1e-4);
    /* three against three: P(U = 0) = 1/20, so no interval covers 95 % */
    assert_int_equal(stats_ratio(A, 3, B, 3, .95, &r, NULL), 0);
    assert_true(isnan(r.low) && isnan(r.coverage) && r.ratio > 1);
}

static void the_normal_ranks_continue_the_exact_ones(void **state)
{
    double a[26], b[26];
    struct ratio exact, normal;

    (void)state;
    for (int i = 0; i < 26; i++) {
        a[i] = 100 + i * 7 % 26;
        b[i] = 101 + i * 11 % 26;
    }
    assert_int_equal(stats_ratio(a, 25, b, 25, .95, &exact, NULL), 0);
    assert_int_equal(stats_ratio(a, 25, b, 26, .95, &normal, NULL), 0);
    assert_close(exact.low, normal.low, .02);
    assert_close(exact.high, normal.high, .02);
}

static void groups_pool_as_lm_eval_does(void **state)
{
    static const struct part parts[] = {{.5, .045, 100}, {.6, .03, 200}, {.7, .02, 500}};
    struct part all = stats_pool(parts, 3, 1);

    (void)state;
    assert_close(all.stderr_, .0156251725, 1e-8);
    assert_close(all.value, (50 + 120 + 350) / 800., 1e-12);
    assert_int_equal(all.n, 800);
    assert_true(isnan(stats_pool(parts, 0, 1).value));
}

static void splitmix_draws_the_known_stream(void **state)
{
    static const int draws[] = {7, 1, 2, 3, 0, 8, 2, 8, 3, 6, 2, 4};
    uint64_t seed = 42, zero = 0;

    (void)state;
    for (int i = 0; i < 12; i++)
        assert_int_equal(splitmix64_below(&seed, 10), draws[i]);
    assert_true(splitmix64_next(&zero) == UINT64_C(0xe220a8397b1dcdaf));
}

static double ratio_of_medians(void *user, const size_t *index)
{
    double a[10], b[10];

    (void)user;
    for (int i = 0; i < 10; i++) {
        a[i] = A[index[i]];
        b[i] = B[index[10 + i]];
    }
    stats_sort(a, 10);
    stats_sort(b, 10);
    return stats_median(b, 10) / stats_median(a, 10);
}

static void the_bootstrap_of_a_ratio_is_reproducible(void **state)
{
    static const double first[] = {1.032290114257, 1.030138339921, 1.035767511177, 1.019990248659,
                                   1.024149827501};
    static const size_t sizes[] = {10, 10};
    double *r = mem_alloc(10000 * sizeof *r);

    (void)state;
    assert_int_equal(stats_bootstrap(r, 10000, sizes, 2, 42, ratio_of_medians, NULL, NULL), 0);
    for (int i = 0; i < 5; i++)
        assert_close(r[i], first[i], 1e-12);
    stats_sort(r, 10000);
    assert_close(stats_percentile_linear(r, 10000, .025), 1.015625, 1e-12);
    assert_close(stats_percentile_linear(r, 10000, .975), 1.0444333499750373, 1e-14);
    mem_free(r);
}

static double mean_difference(void *user, const size_t *index)
{
    int sum = 0;

    (void)user;
    for (int i = 0; i < 1000; i++)
        sum += index[i] < 61 ? -1 : index[i] < 101;
    return sum / 1000.;
}

static void the_bootstrap_of_paired_accuracy_is_reproducible(void **state)
{
    static const double first[] = {-.018, -.007, -.031, -.027, -.024};
    static const size_t sizes[] = {1000};
    double *r = mem_alloc(10000 * sizeof *r);
    int above = 0;

    (void)state;
    assert_int_equal(stats_bootstrap(r, 10000, sizes, 1, 7, mean_difference, NULL, NULL), 0);
    for (int i = 0; i < 5; i++)
        assert_close(r[i], first[i], 1e-12);
    assert_close(stats_sd(r, 10000), .0100274287, 1e-8);
    stats_sort(r, 10000);
    assert_close(stats_percentile_linear(r, 10000, .025), -.04, 1e-12);
    assert_close(stats_percentile_linear(r, 10000, .975), -.001, 1e-12);
    for (int i = 0; i < 10000; i++)
        above += r[i] >= 0;
    assert_int_equal(above, 196);
    mem_free(r);
}

static void perplexities_and_bits_are_sums_over_documents(void **state)
{
    static const double ll[] = {-1.2, -.3, -2.5}, one[] = {1, 1, 1};
    static const double nats[] = {-500, -300}, words[] = {120, 80}, bytes[] = {900, 500};
    struct estimate x;

    (void)state;
    assert_int_equal(aggregate("perplexity", ll, one, 3, 1000, &x, NULL), 0);
    assert_close(x.value, 3.7936678947, 1e-9);
    assert_int_equal(aggregate("weighted_perplexity", nats, words, 2, 0, &x, NULL), 0);
    assert_close(x.value, 54.5981500331, 1e-9);
    assert_true(isnan(x.stderr_) && x.low < x.value && x.value < x.high);
    assert_int_equal(aggregate("bits_per_byte", nats, bytes, 2, 0, &x, NULL), 0);
    assert_close(x.value, .8243971662, 1e-9);
    assert_int_equal(aggregate("median", nats, bytes, 2, 0, &x, NULL), -1);
    assert_int_equal(aggregate("mean", NULL, NULL, 0, 0, &x, NULL), 0);
    assert_true(isnan(x.value));
}

static void weighted_means_know_how_many_items_they_are_worth(void **state)
{
    static const double v[] = {1, 0, 1, 1}, w[] = {1, 2, 3, 4}, none[] = {0, 0, 0, 0};
    static const double parts[] = {.5, 0, 1, 1};
    struct estimate x;

    (void)state;
    assert_int_equal(aggregate("weighted_mean", v, w, 4, 0, &x, NULL), 0);
    assert_close(x.value, .8, 1e-12);
    assert_close(x.stderr_, .21908902300206642, 1e-12); /* sqrt(4/3 * 3.6) / 10 */
    assert_close(x.low, .3055124142955034, 1e-9);       /* Wilson of 0.8 with n = 100/30 */
    assert_close(x.high, .9732413052637916, 1e-9);
    assert_int_equal(aggregate("weighted_mean", none, w, 4, 0, &x, NULL), 0);
    assert_true(x.value == 0 && x.high > .3);
    assert_int_equal(aggregate("weighted_mean", parts, w, 4, 0, &x, NULL), 0);
    assert_close(x.value, .75, 1e-12);
    assert_close(x.high - x.low, 2 * 1.959963984540054 * x.stderr_, 1e-9);
    assert_int_equal(aggregate("weighted_mean", v, none, 4, 0, &x, NULL), 0);
    assert_true(isnan(x.value));
}

/* The reference's own items: value and standard error must come out equal.  It was made with 1,000
 * replicates: random.Random(0) alone. */
/* f1, mcc and their bootstrap as lm-eval 0.4.11 with scikit-learn 1.8 gives them. */
static void agreement_over_a_corpus_is_scikit_learns(void **state)
{
    static const double gold[] = {1, 1, 0, 1, 0, 0, 0, 0, 1, 1, 0, 1, 0, 0, 0, 0, 1, 1, 0, 1};
    static const double pred[] = {1, 0, 0, 1, 0, 0, 1, 0, 1, 0, 1, 1, 1, 0, 0, 0, 0, 1, 1, 0};
    static const double gold3[] = {1, 0, 1, 1, 0, 0, 1, 0, 1, 1, 2, 2, 0, 2, 2, 2, 1, 0, 1, 1};
    static const double pred3[] = {1, 0, 1, 0, 0, 2, 1, 0, 1, 1, 2, 1, 0, 2, 0, 2, 1, 1, 1, 1};
    struct estimate x;
    (void)state;
    assert_int_equal(aggregate("f1", pred, gold, 20, 2000, &x, NULL), 0);
    assert_close(x.value, 0.5555555555555556, 1e-12);
    assert_close(x.stderr_, 0.14281233270424729, 1e-9);
    assert_int_equal(aggregate("mcc", pred, gold, 20, 0, &x, NULL), 0);
    assert_close(x.value, 0.1919191919191919, 1e-12);
    assert_int_equal(aggregate("mcc", pred3, gold3, 20, 2000, &x, NULL), 0);
    assert_close(x.value, 0.6088145561588912, 1e-12);
    assert_close(x.stderr_, 0.14803840105860305, 1e-9);
    assert_int_equal(aggregate("f1", pred3, gold3, 20, 0, &x, NULL), -1); /* not two classes */
}

/* By scikit-learn's definitions, written out in Python; the errors with random.Random(0) alone. */
static void f1_of_several_classes_is_weighed_in_five_ways(void **state)
{
    static const double pred[] = {0, 0, 1, 2, 2, 1, 0, 0, 3, 1, 0, 2, 3, 1, 0, 1};
    static const double gold[] = {0, 1, 1, 2, 0, 1, 0, 0, 3, 0, 0, 2, 1, 1, 0, 1};
    static const struct {
        const char *name;
        double six, two, five, perfect, sd_of_six; /* items 0-5, 6-7, 8-12 and 13-15 */
    } rows[] = {
        {"weighted_f1", .677777777778, 1, .6, 1, .199436147933},
        {"macro_f1", .655555555556, 1, .583333333333, 1, .222952249097},
        {"micro_f1", .666666666667, 1, .6, 1, .195842606572},
        {"three_f1", .655555555556, .333333333333, .555555555556, .666666666667, .209667360657},
        {"polarity_f1", .726785714286, .5, .691666666667, 1, .177453332851},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct {
            size_t from, n;
            double value;
        } parts[] = {{0, 6, rows[i].six}, {6, 2, rows[i].two}, {8, 5, rows[i].five},
                     {13, 3, rows[i].perfect}};
        struct estimate x;
        struct err e = ERR_NONE;
        for (size_t k = 0; k < 4; k++) {
            const double *v = pred + parts[k].from, *w = gold + parts[k].from;
            assert_int_equal(aggregate(rows[i].name, v, w, parts[k].n, 0, &x, &e), 0);
            assert_close(x.value, parts[k].value, 1e-11);
            assert_true(isnan(x.stderr_) && isnan(x.low));
        }
        assert_int_equal(aggregate(rows[i].name, pred, gold, 6, 1000, &x, &e), 0);
        assert_close(x.stderr_, rows[i].sd_of_six, 1e-10);
        assert_true(x.low <= x.value && x.value <= x.high);
    }
}

static void classes_out_of_range_and_refused_memory_are_errors(void **state)
{
    static const char *const ways[] = {"f1", "mcc", "weighted_f1", "macro_f1", "micro_f1",
                                       "three_f1", "polarity_f1"};
    static const double good[] = {0, 1, 1, 0}, low[] = {0, -1, 1, 0}, high[] = {0, 64, 1, 0},
                        none[] = {0, NAN, 1, 0};
    static const double *const bad[] = {low, high, none};
    struct estimate x;
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        int rc = -1;
        for (int k = 0; k < 6; k++) {
            const double *v = k < 3 ? bad[k] : good, *w = k < 3 ? good : bad[k - 3];
            struct err e = ERR_NONE;
            assert_int_equal(aggregate(ways[i], v, w, 4, 0, &x, &e), -1);
            assert_int_equal(e.code, ERR_INVALID);
            assert_non_null(strstr(e.text, "item 1 has"));
        }
        for (long nth = 0; rc < 0; nth++) {
            struct err e = ERR_NONE;
            mem_fail_at(nth);
            rc = aggregate(ways[i], good, good, 4, 100, &x, &e);
            mem_fail_at(-1);
            assert_true(nth > 0 || rc < 0);
            assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
            assert_int_equal(mem_live(), 0);
        }
    }
}

static void lm_evals_perplexity_error_is_reproduced(void **state)
{
    const char *path = shared_path("golden/lmeval/smollm2/lambada_openai_0shot.jsonl");
    struct series_set set = {0};
    struct line_reader r;
    struct estimate x;
    cJSON *j, *head;

    (void)state;
    assert_int_equal(lines_open(&r, path, NULL), 0);
    assert_int_equal(lines_next(&r, NULL), 1);
    head = json_parse(r.line.s, r.line.len, path, NULL);
    while (lines_next(&r, NULL) > 0) {
        j = json_parse(r.line.s, r.line.len, path, NULL);
        assert_non_null(j);
        assert_int_equal(series_add(&set, "perplexity", "none",
                                    json_num(json_get(j, "metrics"), "perplexity", NAN), 1, NULL),
                         0);
        json_free(j);
    }
    lines_close(&r);
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): one series was added */
    assert_int_equal(aggregate("perplexity", set.s[0].v, set.s[0].w, set.s[0].n,
                               1000, &x, NULL), 0);
    assert_close(x.value, json_num(json_get(head, "metrics"), "perplexity,none", NAN), 1e-12);
    assert_close(x.stderr_,
                 json_num(json_get(head, "metrics_stderr"), "perplexity_stderr,none", NAN), 1e-9);
    json_free(head);
    series_release(&set);
}

static void resampling_survives_every_failed_allocation(void **state)
{
    static const size_t sizes[] = {10, 10};
    double r[3], mad;
    struct ratio ratio;
    struct err e = ERR_NONE;

    (void)state;
    mem_fail_at(0);
    assert_int_equal(stats_bootstrap(r, 3, sizes, 2, 1, ratio_of_medians, NULL, &e), -1);
    assert_int_equal(e.code, ERR_NOMEM);
    mem_fail_at(0);
    assert_int_equal(stats_mad(A, 10, &mad, &e), -1);
    for (int nth = 0; nth < 2; nth++) {
        mem_fail_at(nth);
        assert_int_equal(stats_ratio(A, 10, B, 10, .95, &ratio, &e), -1);
    }
    mem_fail_at(-1);
    assert_int_equal(mem_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agreement_over_a_corpus_is_scikit_learns),
        cmocka_unit_test(accuracy_has_bessels_standard_error),
        cmocka_unit_test(wilson_matches_published_values),
        cmocka_unit_test(medians_and_deviations_ignore_outliers),
        cmocka_unit_test(percentiles_are_what_their_names_say),
        cmocka_unit_test(median_intervals_use_the_ranks_of_the_binomial),
        cmocka_unit_test(hodges_lehmann_ratios_have_exact_intervals),
        cmocka_unit_test(the_normal_ranks_continue_the_exact_ones),
        cmocka_unit_test(groups_pool_as_lm_eval_does),
        cmocka_unit_test(splitmix_draws_the_known_stream),
        cmocka_unit_test(the_bootstrap_of_a_ratio_is_reproducible),
        cmocka_unit_test(the_bootstrap_of_paired_accuracy_is_reproducible),
        cmocka_unit_test(perplexities_and_bits_are_sums_over_documents),
        cmocka_unit_test(weighted_means_know_how_many_items_they_are_worth),
        cmocka_unit_test(f1_of_several_classes_is_weighed_in_five_ways),
        cmocka_unit_test(classes_out_of_range_and_refused_memory_are_errors),
        cmocka_unit_test(lm_evals_perplexity_error_is_reproduced),
        cmocka_unit_test(resampling_survives_every_failed_allocation),
    };
    return RUN(tests);
}
