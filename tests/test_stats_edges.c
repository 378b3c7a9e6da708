/* Statistics where they are easily wrong by one: ends of ranges, ties, few values, the step from
 * exact to normal.  Expected values are short sums, closed forms and counts made by hand. */
#include "tests/test.h"

#include "base/mem.h"
#include "harness/stats.h"
#include "harness/stats_dist.h"
#include "harness/stats_rank.h"
#include "harness/stats_series.h"

#define LENGTH(a) (sizeof(a) / sizeof(a)[0])
#define Z 1.959963984540054

/* --- distributions --------------------------------------------------------------------------- */

static void what_is_no_probability_has_no_value(void **state)
{
    static const double bad[] = {-.1, 1.1, NAN};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_true(isnan(dist_normal_quantile(bad[i])));
        assert_true(isnan(dist_binomial_pmf(1, 2, bad[i])));
        assert_true(isnan(dist_binomial_cdf(1, 2, bad[i])));
        assert_true(isnan(dist_binomial_sf(1, 2, bad[i])));
        assert_true(isnan(dist_beta_quantile(bad[i], 1, 2)));
        assert_true(isnan(dist_t_quantile(bad[i], 3)));
    }
    assert_true(isnan(dist_binomial_pmf(0, -1, .5)) && isnan(dist_binomial_cdf(0, -1, .5)));
    assert_true(isnan(dist_binomial_sf(0, -1, .5)));
    assert_true(isnan(dist_beta(0, 1, .5, .5)) && isnan(dist_beta(1, 0, .5, .5)));
    assert_true(isnan(dist_beta(1, 1, -.5, .5)) && isnan(dist_beta(1, 1, .5, -.5)));
    assert_true(isnan(dist_beta_quantile(.5, 0, 1)) && isnan(dist_beta_quantile(.5, 1, 0)));
    assert_true(isnan(dist_t_sf(1, 0)) && isnan(dist_t_sf(NAN, 1)));
    assert_true(isnan(dist_t_sf(INFINITY, 0)) && isnan(dist_t_sf(-INFINITY, -1)));
    assert_true(isnan(dist_t_quantile(.5, 0)));
}

static void the_normal_law_at_its_ends(void **state)
{
    static const double p[] = {1e-300, 1e-9, .001, .2, .4999, .5001, .8, .999};

    (void)state;
    assert_true(isinf(dist_normal_quantile(0)) && dist_normal_quantile(0) < 0);
    assert_true(isinf(dist_normal_quantile(1)) && dist_normal_quantile(1) > 0);
    assert_true(dist_normal_quantile(.5) == 0 && dist_normal_cdf(0) == .5);
    assert_close(dist_normal_quantile(.975), Z, 1e-14);
    assert_close(dist_normal_quantile(.025), -Z, 1e-14);
    assert_close(dist_normal_sf(1), .15865525393145705, 1e-14);
    for (size_t i = 0; i < LENGTH(p); i++)
        assert_close(dist_normal_cdf(dist_normal_quantile(p[i])), p[i], 1e-12);
}

static void four_coins_and_three_dice(void **state)
{
    static const double below[] = {1, 5, 11, 15, 16}, dice[] = {27, 27, 9, 1};

    (void)state;
    for (int k = 0; k < 5; k++) {
        assert_close(dist_binomial_cdf(k, 4, .5), below[k] / 16, 1e-13);
        assert_close(dist_binomial_sf(k, 4, .5), k ? (16 - below[k - 1]) / 16 : 1, 1e-13);
    }
    for (int k = 0; k < 4; k++) {
        assert_close(dist_binomial_pmf(k, 3, .25), dice[k] / 64, 1e-13);
        assert_close(dist_binomial_pmf(3 - k, 3, .75), dice[k] / 64, 1e-13);
    }
    assert_true(dist_binomial_cdf(-1, 4, .5) == 0 && dist_binomial_cdf(5, 4, .5) == 1);
    assert_true(dist_binomial_sf(-1, 4, .5) == 1 && dist_binomial_sf(5, 4, .5) == 0);
    assert_true(dist_binomial_pmf(-1, 4, .5) == 0 && dist_binomial_pmf(5, 4, .5) == 0);
    assert_true(dist_binomial_pmf(0, 4, 0) == 1 && dist_binomial_pmf(1, 4, 0) == 0);
    assert_true(dist_binomial_pmf(4, 4, 1) == 1 && dist_binomial_pmf(3, 4, 1) == 0);
    assert_true(dist_binomial_pmf(0, 0, .3) == 1 && dist_binomial_cdf(0, 0, .3) == 1);
    assert_close(dist_binomial_pmf(0, 1e6, 1e-9), exp(-1e-3 - .5e-12), 1e-12);
    assert_close(dist_binomial_pmf(1e6, 1e6, 1 - 1e-9), exp(-1e-3 - .5e-12), 1e-7);
    assert_close(dist_binomial_pmf(20, 40, .5), 137846528820. / 1099511627776., 1e-13);
    assert_close(dist_binomial_pmf(2, 40, .5), 780. / 1099511627776., 1e-13);
    assert_close(dist_binomial_pmf(16, 32, .5), 601080390. / 4294967296., 1e-13);
}

/* I_x(2, 3) = 6 x^2 - 8 x^3 + 3 x^4; I_x(1, 1) = x; Student with 1 and 2 degrees in closed form. */
static void beta_and_student_in_closed_form(void **state)
{
    (void)state;
    for (int i = 1; i < 20; i++) {
        double x = i / 20., wanted = 6 * x * x - 8 * x * x * x + 3 * x * x * x * x;
        double t = tan(M_PI * (x - .5)), u = 4 * x - 2;
        assert_close(dist_beta(2, 3, x, 1 - x), wanted, 1e-13);
        assert_close(dist_beta(1, 1, x, 1 - x), x, 1e-13);
        assert_close(dist_beta_quantile(wanted, 2, 3), x, 1e-11);
        assert_close(dist_t_sf(t, 1), 1 - x, 1e-12);
        if (i != 10)
            assert_close(dist_t_quantile(x, 1), t, 1e-11);
        assert_close(dist_t_sf(u, 2), .5 - u / (2 * sqrt(2 + u * u)), 1e-12);
    }
    assert_true(dist_beta(2, 3, 0, 1) == 0 && dist_beta(2, 3, 1, 0) == 1);
    assert_true(dist_beta_quantile(0, 2, 3) == 0 && dist_beta_quantile(1, 2, 3) == 1);
    assert_true(dist_t_sf(INFINITY, 3) == 0 && dist_t_sf(-INFINITY, 3) == 1);
    assert_true(dist_t_sf(0, 3) == .5 && dist_t_quantile(.5, 3) == 0);
    assert_true(dist_t_quantile(0, 3) == -INFINITY && dist_t_quantile(1, 3) == INFINITY);
}

/* --- samples --------------------------------------------------------------------------------- */

static void small_samples(void **state)
{
    static const double x[] = {1, 2, 4, 8};
    double v[] = {3, NAN, 1, -INFINITY, NAN, 2}, mad, coverage;
    struct interval i;

    (void)state;
    assert_true(isnan(stats_sd(x, 1)) && isnan(stats_mean(x, 0)) && isnan(stats_median(x, 0)));
    assert_close(stats_sd(x, 2), sqrt(.5), 1e-15);
    assert_true(stats_median(x, 1) == 1 && stats_median(x, 2) == 1.5 && stats_median(x, 3) == 2);
    assert_true(isnan(stats_percentile_linear(x, 0, .5)));
    assert_true(isnan(stats_percentile_nearest(x, 0, .5)));
    assert_true(stats_percentile_linear(x, 4, 0) == 1 && stats_percentile_linear(x, 4, 1) == 8);
    assert_close(stats_percentile_linear(x, 4, .5), 3, 1e-15);
    assert_close(stats_percentile_linear(x, 4, .25), 1.75, 1e-15);
    assert_true(stats_percentile_nearest(x, 4, .25) == 1);
    assert_true(stats_percentile_nearest(x, 4, .26) == 2);
    assert_true(stats_percentile_nearest(x, 4, 1) == 8 && stats_percentile_nearest(x, 4, 0) == 1);
    assert_int_equal(stats_mad(x, 4, &mad, NULL), 0);
    assert_true(mad == 1.5); /* 2 1 1 5 around 3 */
    stats_sort(v, 6);
    assert_true(v[0] == -INFINITY && v[1] == 1 && v[3] == 3 && isnan(v[4]) && isnan(v[5]));
    i = stats_median_interval(x, 2, .95, &coverage);
    assert_true(i.low == 1 && i.high == 2 && fabs(coverage - .5) < 1e-12);
    i = stats_median_interval(x, 4, .1, &coverage); /* ranks 2 and 3 cover 6/16 */
    assert_true(i.low == 2 && i.high == 4 && fabs(coverage - .375) < 1e-12);
    i = stats_wilson(1, 2, 1);
    assert_close(i.low, .5 - .5 / sqrt(3), 1e-14); /* z = 1: sqrt(1/8 + 1/16) / 1.5 */
    i = stats_wilson(3, 3, 1);
    assert_true(i.high == 1 && fabs(i.low - .75) < 1e-14);
}

static void groups_count_by_size_or_alike(void **state)
{
    static const struct part parts[] = {{1, .5, 1}, {0, .25, 3}};
    struct part all = stats_pool(parts, 2, 0);

    (void)state;
    assert_true(all.value == .5 && all.n == 4);
    /* (0 + 2 * 1/16 * 3) / 2 / 4 */
    assert_close(all.stderr_, sqrt(.375 / 8), 1e-15);
    all = stats_pool(parts, 2, 1);
    assert_true(all.value == .25);
    all = stats_pool((struct part[]){{1, .5, 1}, {0, .5, 1}}, 2, 1);
    assert_true(all.value == .5 && isnan(all.stderr_)); /* as many items as groups */
    assert_true(isnan(stats_pool((struct part[]){{1, 1, 0}}, 1, 0).value));
}

/* --- ranks ----------------------------------------------------------------------------------- */

static void two_samples_of_two(void **state)
{
    static const double low[] = {1, 2}, high[] = {3, 4}, same[] = {1, 1}, mixed[] = {2, 3};
    struct mann_whitney r;
    struct ks k;

    (void)state;
    assert_int_equal(stats_mann_whitney(low, 2, high, 2, &r, NULL), 0);
    assert_true(r.u == 4 && r.superiority == 1 && r.cliff == 1 && r.exact);
    assert_close(r.p_greater, 1 / 6., 1e-14);
    assert_close(r.p, 1 / 3., 1e-14);
    assert_close(r.z, 1.5 / sqrt(20 / 12.), 1e-14);
    assert_int_equal(stats_mann_whitney(high, 2, low, 2, &r, NULL), 0);
    assert_true(r.u == 0 && r.superiority == 0 && r.cliff == -1);
    assert_close(r.p_greater, 1, 1e-14);
    assert_close(r.p, 1 / 3., 1e-14);
    assert_int_equal(stats_mann_whitney(same, 2, same, 2, &r, NULL), 0);
    assert_true(r.u == 2 && r.p == 1 && r.p_greater == 1 && isnan(r.z) && !r.exact);
    assert_int_equal(stats_mann_whitney(low, 2, mixed, 2, &r, NULL), 0); /* 2 is in both */
    assert_true(r.u == 3.5 && !r.exact);
    assert_close(r.z, 1 / sqrt(4 / 12. * (5 - 6 / 12.)), 1e-14);
    assert_close(r.p_greater, dist_normal_sf(1 / sqrt(1.5)), 1e-13);
    assert_int_equal(stats_mann_whitney(low, 0, high, 2, &r, NULL), 0);
    assert_true(isnan(r.p) && isnan(r.u));
    assert_int_equal(stats_mann_whitney(low, 2, high, 0, &r, NULL), 0);
    assert_true(isnan(r.p) && isnan(r.u));
    assert_int_equal(stats_ks(low, 2, high, 2, &k, NULL), 0);
    assert_true(k.d == 1 && fabs(k.p - 1 / 3.) < 1e-14); /* two of six paths */
    assert_int_equal(stats_ks(low, 2, mixed, 2, &k, NULL), 0);
    assert_true(k.d == .5 && fabs(k.p - 1) < 1e-14);
    assert_int_equal(stats_ks(same, 2, same, 2, &k, NULL), 0);
    assert_true(k.d == 0 && k.p == 1);
    assert_int_equal(stats_ks(low, 1, high, 2, &k, NULL), 0);
    assert_true(k.d == 1 && fabs(k.p - 2 / 3.) < 1e-14); /* of three places first or last */
    assert_int_equal(stats_ks(low, 0, high, 2, &k, NULL), 0);
    assert_true(isnan(k.d));
    assert_int_equal(stats_ks(low, 2, high, 0, &k, NULL), 0);
    assert_true(isnan(k.p));
}

/* Beyond fifty values ranks are the normal law's: c = floor(mn/2 - z sd - 1/2) + 1. */
static void many_values_have_the_normal_laws_ranks(void **state)
{
    double a[30], b[26], d[780], pairs[51], means[1326];
    struct ratio r;
    size_t n = 0, c;

    (void)state;
    for (int i = 0; i < 30; i++)
        a[i] = exp(.01 * pow(i * 7 % 30, 1.3)); /* no two differences are equal */
    for (int i = 0; i < 26; i++)
        b[i] = exp(.5 + .013 * pow(i * 5 % 26, 1.2));
    for (int m = 24; m <= 30; m++) { /* 24 + 26 is the last that is exact */
        n = 0;
        for (int i = 0; i < m; i++)
            for (int k = 0; k < 26; k++)
                d[n++] = log(b[k]) - log(a[i]);
        stats_sort(d, n);
        assert_int_equal(stats_ratio(a, (size_t)m, b, 26, .95, &r, NULL), 0);
        c = (size_t)floor(m * 13 - Z * sqrt(m * 26. * (m + 27) / 12) - .5) + 1;
        if (m > 24) {
            assert_true(r.coverage == .95);
            assert_close(r.low, exp(d[c - 1]), 1e-15);
            assert_close(r.high, exp(d[n - c]), 1e-15);
        } else {
            assert_true(r.coverage > .95 && r.coverage < .957);
        }
        assert_close(r.ratio, exp(stats_median(d, n)), 1e-15);
    }
    assert_int_equal(stats_ratio((double[]){2}, 1, (double[]){3}, 1, .95, &r, NULL), 0);
    assert_close(r.ratio, 1.5, 1e-14);
    assert_int_equal(stats_ratio(a, 30, b, 26, 1 - 1e-16, &r, NULL), 0);
    for (int i = 0; i < 51; i++)
        pairs[i] = .01 * pow(i * 13 % 51, 1.3) - .1;
    n = 0;
    for (int i = 0; i < 51; i++)
        for (int k = i; k < 51; k++)
            means[n++] = (pairs[i] + pairs[k]) / 2;
    stats_sort(means, n);
    assert_int_equal(stats_paired_ratio(pairs, 51, .95, &r, NULL), 0);
    c = (size_t)floor(663 - Z * sqrt(51 * 52 * 103 / 24.) - .5) + 1;
    assert_true(r.coverage == .95);
    assert_close(r.low, exp(means[c - 1]), 1e-15);
    assert_close(r.high, exp(means[n - c]), 1e-15);
    assert_int_equal(stats_paired_ratio(pairs, 50, .95, &r, NULL), 0);
    assert_true(r.coverage > .95 && r.coverage < .951);
    assert_int_equal(stats_paired_ratio(pairs, 51, 1 - 1e-14, &r, NULL), 0);
    assert_true(r.low > 0 || isnan(r.low));
}

static void signs_of_ranks(void **state)
{
    static const struct {
        size_t n;
        double d[4], p;
    } rows[] = {
        {1, {1}, .5}, {1, {-1}, 1}, {2, {1, 2}, .25}, {2, {-1, 2}, .5}, {2, {1, -2}, .75},
        {3, {1, 2, 3}, .125}, {1, {0}, 1},
    };
    double many[51], p;

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        assert_int_equal(stats_signed_rank(rows[i].d, rows[i].n, &p, NULL), 0);
        assert_close(p, rows[i].p, 1e-14);
    }
    for (int i = 0; i < 51; i++)
        many[i] = i < 41 ? i + 1 : -(i + 1); /* 41 ranks above 0: 861; the rest: 465 */
    assert_int_equal(stats_signed_rank(many, 51, &p, NULL), 0);
    assert_close(p, dist_normal_sf((861 - 663 - .5) / sqrt(51 * 52 * 103 / 24.)), 1e-13);
    /* one that is not 0 among several: rank 1 of a mean of 1/2 and a deviation of 1/2 */
    assert_int_equal(stats_signed_rank((double[]){5, 0}, 2, &p, NULL), 0);
    assert_close(p, .5, 1e-14);
    assert_int_equal(stats_signed_rank((double[]){0, -5, 0}, 3, &p, NULL), 0);
    assert_close(p, dist_normal_cdf(2), 1e-14);
    assert_int_equal(stats_signed_rank((double[]){1, 1, -1}, 3, &p, NULL), 0); /* ranks of 2 */
    assert_close(p, dist_normal_sf((4 - 3 - .5) / sqrt(3 * 4 * 7 / 24. - 24 / 48.)), 1e-13);
}

static void drift_of_a_few_values(void **state)
{
    static const double rising[] = {1, 2, 3}, mixed[] = {3, 1, 2}, level[] = {1, 1},
                        tied[] = {1, 2, 3, 3}, even[] = {2, 1, 3, 0};
    double many[51];
    struct drift d;

    (void)state;
    assert_int_equal(stats_drift(rising, 3, &d, NULL), 0);
    assert_true(d.slope == 1 && d.tau == 1 && d.exact);
    assert_close(d.p, 1 / 3., 1e-14);
    assert_int_equal(stats_drift(mixed, 3, &d, NULL), 0);
    assert_true(d.slope == -.5 && d.p == 1);
    assert_close(d.tau, -1 / 3., 1e-14);
    assert_int_equal(stats_drift(level, 2, &d, NULL), 0);
    assert_true(d.slope == 0 && isnan(d.tau) && d.p == 1 && !d.exact);
    assert_int_equal(stats_drift(tied, 4, &d, NULL), 0);
    assert_close(d.tau, 5 / sqrt(30), 1e-14);
    assert_close(d.p, 2 * dist_normal_sf(5 / sqrt(138 / 18.)), 1e-13);
    assert_true(!d.exact);
    assert_int_equal(stats_drift(even, 4, &d, NULL), 0); /* 2 rise; 9 of 24 orders have <= 2 */
    assert_close(d.p, .75, 1e-14);
    for (size_t n = 0; n < 2; n++) {
        assert_int_equal(stats_drift(rising, n, &d, NULL), 0);
        assert_true(isnan(d.slope) && isnan(d.p));
    }
    for (int i = 0; i < 51; i++)
        many[i] = i * 20 % 51;
    assert_int_equal(stats_drift(many, 50, &d, NULL), 0);
    assert_true(d.exact);
    assert_int_equal(stats_drift(many, 51, &d, NULL), 0);
    assert_false(d.exact);
}

static void an_outlier_is_beyond_the_limit(void **state)
{
    static const double x[] = {0, 1, 2, 3, 10}; /* deviations 2 1 0 1 8, of which the median is 1 */
    size_t n;

    (void)state;
    assert_int_equal(stats_outliers(x, 5, 2, &n, NULL), 0);
    assert_int_equal(n, 1);
    assert_int_equal(stats_outliers(x, 5, 1.9, &n, NULL), 0);
    assert_int_equal(n, 2);
    assert_int_equal(stats_outliers(x, 5, 8, &n, NULL), 0);
    assert_int_equal(n, 0);
}

/* --- series ---------------------------------------------------------------------------------- */

static void splits_and_changes(void **state)
{
    static const double step[] = {0, 0, 5, 5}, flat[] = {1, 1, 1}, bad[] = {1, 2, NAN};
    struct change_opts o = {.window = 1, .max_p = .01, .min_magnitude = 0};
    struct change found[40];
    struct split s;
    struct err e = ERR_NONE;
    double x[40];
    size_t n = 9;

    (void)state;
    assert_int_equal(stats_best_split(step, 4, &s, NULL), 0);
    assert_true(s.q == 10 && s.at == 2 && s.end == 4);
    assert_int_equal(stats_best_split(flat, 3, &s, NULL), 0);
    assert_true(s.q == 0 && s.at == 1 && s.end == 2); /* the first of equals */
    assert_int_equal(stats_best_split(flat, 1, &s, NULL), 0);
    assert_true(isnan(s.q));
    assert_int_equal(stats_changes(step, 4, &o, found, &n, &e), -1);
    assert_string_equal(e.text, "a window of 1 values holds no change");
    assert_int_equal(n, 0);
    o.window = 2;
    assert_int_equal(stats_changes((double[]){NAN, 1, 2}, 3, &o, found, &n, &e), -1);
    assert_string_equal(e.text, "value 0 of the series is not a number");
    assert_int_equal(stats_changes(bad, 3, &o, found, &n, &e), -1);
    assert_string_equal(e.text, "value 2 of the series is not a number");
    assert_int_equal(e.code, ERR_NUMERIC);
    assert_int_equal(stats_changes(step, 4, &o, found, &n, &e), 0);
    for (int i = 0; i < 40; i++) /* levels 100 and 110, with noise that is the same on both sides */
        x[i] = (i < 18 ? 100 : 110) + (i * 7 % 5 - 2) * .1;
    o = (struct change_opts){.window = 40, .max_p = .001, .min_magnitude = .05};
    assert_int_equal(stats_changes(x, 40, &o, found, &n, &e), 0);
    assert_true(n == 1 && found[0].at == 18 && found[0].p < 1e-9);
    assert_close(found[0].magnitude, found[0].after / found[0].before - 1, 1e-12);
    assert_true(fabs(found[0].before - 100) < .1 && fabs(found[0].after - 110) < .1);
    o.window = 10; /* smaller than the series: windows step on */
    assert_int_equal(stats_changes(x, 40, &o, found, &n, &e), 0);
    assert_true(n == 1 && found[0].at == 18);
    o.min_magnitude = .2;
    assert_int_equal(stats_changes(x, 40, &o, found, &n, &e), 0);
    assert_int_equal(n, 0);
}

static void thresholds_of_a_few_steps(void **state)
{
    static const double x[] = {10, 11, 13.2, 19.8, 19.8, 59.4}; /* .1 .2 .5 0 2 */
    double t;

    (void)state;
    assert_int_equal(stats_step_threshold(x, 3, 0, &t, NULL), 0);
    assert_true(t == STATS_THRESHOLD_NEW); /* two steps */
    assert_int_equal(stats_step_threshold(x, 0, 0, &t, NULL), 0);
    assert_true(t == STATS_THRESHOLD_NEW);
    assert_int_equal(stats_step_threshold(x, 4, 4, &t, NULL), 0);
    assert_close(t, .5 + 3 * .4, 1e-12);
    assert_int_equal(stats_step_threshold(x, 4, 5, &t, NULL), 0);
    assert_true(t == STATS_THRESHOLD_NEW); /* too short a history */
    assert_int_equal(stats_step_threshold(x, 5, 4, &t, NULL), 0);
    assert_close(t, .5 + 3 * .5, 1e-12);
    assert_int_equal(stats_step_threshold(x, 6, 4, &t, NULL), 0);
    assert_close(t, 1.25 + 3 * (1.25 - .05), 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_probability_has_no_value),
        cmocka_unit_test(the_normal_law_at_its_ends),
        cmocka_unit_test(four_coins_and_three_dice),
        cmocka_unit_test(beta_and_student_in_closed_form),
        cmocka_unit_test(small_samples),
        cmocka_unit_test(groups_count_by_size_or_alike),
        cmocka_unit_test(two_samples_of_two),
        cmocka_unit_test(many_values_have_the_normal_laws_ranks),
        cmocka_unit_test(signs_of_ranks),
        cmocka_unit_test(drift_of_a_few_values),
        cmocka_unit_test(an_outlier_is_beyond_the_limit),
        cmocka_unit_test(splits_and_changes),
        cmocka_unit_test(thresholds_of_a_few_steps),
    };

    return RUN(tests);
}
