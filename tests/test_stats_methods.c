/* Expected values: statistics.md and its vectors (scipy and exact arithmetic), vendor.md for the
 * early-stopping percentiles. */
#include "tests/test.h"

#include "base/mem.h"
#include "harness/stats_cluster.h"
#include "harness/stats_dist.h"
#include "harness/stats_mean.h"
#include "harness/stats_multiple.h"
#include "harness/stats_paired.h"
#include "harness/stats_power.h"
#include "harness/stats_proportion.h"
#include "harness/stats_rank.h"
#include "harness/stats_series.h"
#include "harness/stats_tail.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static const double A[] = {101.2, 99.8, 100.4, 103.9, 100.1, 99.5, 100.9, 101.7, 100.2, 118.3};
static const double B[] = {104.1, 103.2, 105.0, 104.4, 103.7, 102.9, 104.8, 103.5, 121.0, 104.0};
static const struct discordant table = {61, 40, 1000};

/* --- distributions ------------------------------------------------------------------------ */

static void quantiles_are_those_of_the_tables(void **state)
{
    (void)state;
    assert_close(dist_normal_quantile(.975), 1.959963984540054, 1e-15);
    assert_close(dist_normal_quantile(.95), 1.6448536269514722, 1e-15);
    assert_close(dist_normal_quantile(.80), .8416212335729143, 1e-15);
    assert_close(dist_normal_quantile(.90), 1.2815515655446004, 1e-15);
    assert_close(dist_t_quantile(.975, 4), 2.7764451052, 1e-10);
    assert_true(isinf(dist_normal_quantile(0)) && dist_normal_quantile(.5) == 0);
    assert_true(isnan(dist_normal_quantile(-.1)) && isnan(dist_t_quantile(.9, 0)));
}

static void tails_keep_their_digits(void **state)
{
    (void)state;
    assert_close(dist_normal_sf(30), 4.906713927148187e-198, 1e-12);
    assert_close(dist_t_sf(1e6, 5), 9.490167245460578e-30, 1e-12);
    assert_close(dist_binomial_sf(1000, 1000, .5), exp2(-1000), 1e-12);
    assert_close(dist_binomial_cdf(0, 1e6, 1e-6), exp(1e6 * log1p(-1e-6)), 1e-12);
    assert_true(dist_binomial_cdf(-1, 5, .5) == 0 && dist_binomial_cdf(5, 5, .5) == 1);
    assert_true(dist_binomial_sf(0, 5, .5) == 1 && dist_binomial_sf(6, 5, .5) == 0);
    assert_true(dist_beta(2, 3, 0, 1) == 0 && dist_beta(2, 3, 1, 0) == 1);
}

/* --- paired ------------------------------------------------------------------------------- */

static void mcnemar_matches_exact_arithmetic(void **state)
{
    static const struct {
        double lost, won, exact, mid_p;
    } rows[] = {
        {12, 25, .04703102743951604, .03355243967962451},
        {3, 14, .012725830078125, .007537841796875},
        {61, 40, .046044066929342806, .037066767438560536},
        {40, 61, .046044066929342806, .037066767438560536},
        {0, 6, .03125, .015625}, {0, 5, .0625, .03125}, {1, 0, 1, .5}, {0, 0, 1, 1},
        {10, 10, 1, 1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct mcnemar r = stats_mcnemar((struct discordant){rows[i].lost, rows[i].won, 1000});
        assert_close(r.exact, rows[i].exact, 1e-12);
        assert_close(r.mid_p, rows[i].mid_p, 1e-12);
    }
    assert_close(stats_mcnemar((struct discordant){12, 25, 99}).chi2_cc, 3.8918918919, 1e-10);
    assert_close(stats_mcnemar((struct discordant){12, 25, 99}).chi2_cc_p, .0485197383, 1e-8);
    assert_close(stats_mcnemar((struct discordant){3, 14, 99}).chi2_cc_p, .0152933710, 1e-8);
    assert_close(stats_mcnemar((struct discordant){61, 40, 1000}).chi2_cc_p, .0465827425, 1e-8);
}

static void mcnemar_asks_one_sided_whether_more_was_lost(void **state)
{
    struct mcnemar loss = stats_mcnemar((struct discordant){61, 40, 1000});
    struct mcnemar gain = stats_mcnemar((struct discordant){40, 61, 1000});

    (void)state;
    assert_close(loss.loss, .046044066929342806 / 2, 1e-12);
    assert_close(loss.loss_mid_p, .037066767438560536 / 2, 1e-12);
    assert_close(loss.loss_mid_p + gain.loss_mid_p, 1, 1e-12);
    assert_true(gain.loss > .98);
}

static void paired_differences_have_the_error_of_the_items(void **state)
{
    double d = stats_paired_difference(table), se = stats_paired_stderr(table);

    (void)state;
    assert_close(d, -.021, 1e-15);
    assert_close(se, .0100329288, 1e-8);
    assert_close(d / se, -2.0931076544, 1e-9);
    assert_close(d - STATS_Z95 * se, -.0406641790, 1e-8);
    assert_close(d + STATS_Z95 * se, -.0013358210, 1e-7);
}

static void tango_intervals_match_the_published_ones(void **state)
{
    struct interval i = stats_tango(table, STATS_Z95);

    (void)state;
    assert_close(i.low, -.0412066307, 1e-8);
    assert_close(i.high, -.0013254836, 1e-7);
    i = stats_tango(table, dist_normal_quantile(.95));
    assert_close(i.low, -.0378544816, 1e-8);
    assert_close(i.high, -.0045259227, 1e-7);
    assert_close(stats_tango_z(table, 0), -2.0895780994, 1e-9);
    i = stats_tango((struct discordant){1, 9, 44}, STATS_Z95);
    assert_close(i.low, .0503327403, 1e-8);
    assert_close(i.high, .3283412711, 1e-8);
    i = stats_tango((struct discordant){0, 0, 100}, STATS_Z95);
    assert_close(i.low, -.0369934982, 1e-8);
    assert_close(i.high, .0369934982, 1e-8);
    i = stats_agresti_min(table, STATS_Z95);
    assert_close(i.low, -.0406705726, 1e-8);
    assert_close(i.high, -.0012455950, 1e-7);
}

static void tango_intervals_exist_at_the_ends(void **state)
{
    static const struct discordant ends[] = {{0, 7, 7}, {7, 0, 7}, {0, 1, 1}, {1, 0, 1}, {0, 0, 1},
                                             {0, 5, 100}, {5, 0, 100}, {1e6, 1e6, 4e6}};

    (void)state;
    /* Where all is lost (or won) for certain, the variance is 0: half an item more is far off. */
    assert_true(stats_tango_z((struct discordant){9.5, 0, 10}, -1) == INFINITY);
    assert_true(stats_tango_z((struct discordant){0, 9.5, 10}, 1) == -INFINITY);
    assert_true(stats_tango_z((struct discordant){10, 0, 10}, -1) == 0);
    assert_true(stats_tango_z((struct discordant){0, 0, 10}, 0) == 0);
    for (size_t k = 0; k < COUNT(ends); k++) {
        struct interval i = stats_tango(ends[k], STATS_Z95);
        double at = stats_paired_difference(ends[k]);
        assert_true(i.low >= -1 && i.low <= at && at <= i.high && i.high <= 1);
        assert_true(i.low < i.high);
    }
    assert_true(isnan(stats_tango((struct discordant){0, 0, 0}, STATS_Z95).low));
}

static void noninferiority_is_the_lower_bound_above_the_margin(void **state)
{
    struct noninferiority r = stats_noninferiority(table, .03);

    (void)state;
    assert_close(r.z, .8891182855, 1e-9);
    assert_close(r.p, .1869697563, 1e-9);
    assert_close(r.wald_p, .1848471491, 1e-9);
    r = stats_noninferiority(table, .04);
    assert_close(r.p, .0323670819, 1e-8);
    assert_close(r.wald_p, .0291281665, 1e-8);
    r = stats_noninferiority(table, .02);
    assert_close(r.p, .5397445570, 1e-9);
    assert_close(r.wald_p, .5396975526, 1e-9);
}

static void sign_flips_are_reproducible(void **state)
{
    double d[1000] = {0};

    (void)state;
    for (int i = 0; i < 101; i++)
        d[i] = i < 61 ? -1 : 1;
    assert_close(stats_sign_flip(d, 1000, 10000, 7), .0440955904, 1e-8);
    assert_true(stats_sign_flip(d + 101, 899, 100, 7) == 1);
}

/* --- one proportion, clusters, calibration ------------------------------------------------- */

static void proportions_have_exact_intervals(void **state)
{
    struct interval i = stats_clopper_pearson(823, 1319, .95);

    (void)state;
    assert_close(stats_share_stderr(823, 1319), .0133425321, 1e-8);
    assert_close(i.low, .5971845733, 1e-9);
    assert_close(i.high, .6501767303, 1e-9);
    i = stats_clopper_pearson(164, 164, .95);
    assert_close(i.low, .9777579178, 1e-9);
    assert_true(i.high == 1 && stats_clopper_pearson(0, 9, .95).low == 0);
    assert_true(isnan(stats_clopper_pearson(0, 0, .95).low));
}

static const double clustered_x[] = {1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 1};
static const size_t clustered_of[] = {0, 0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 3, 3, 3, 4, 4};

static void clusters_widen_the_error(void **state)
{
    struct clustered c;
    struct interval i;

    (void)state;
    assert_int_equal(stats_clustered(clustered_x, clustered_of, 16, &c, NULL), 0);
    assert_int_equal(c.n_clusters, 5);
    assert_close(c.mean, .625, 1e-15);
    assert_close(c.naive, .125, 1e-12);
    assert_close(c.stderr_, .1419211103, 1e-9);
    assert_close(c.corrected, .1586726251, 1e-9);
    i = stats_clustered_interval(&c, .95);
    assert_close(i.high - i.low, 2 * 2.7764451052 * .1586726251, 1e-9);
    assert_int_equal(stats_clustered(clustered_x, NULL, 16, &c, NULL), 0);
    assert_close(c.stderr_, .1210307296, 1e-9);
    assert_close(c.corrected, c.naive, 1e-12);
    assert_close(c.design_effect, 1, 1e-12);
}

static void clusters_are_redrawn_whole(void **state)
{
    double r[2000], sd;
    struct clustered c;

    (void)state;
    assert_int_equal(stats_cluster_bootstrap(clustered_x, clustered_of, 16, r, 2000, 3, NULL), 0);
    stats_clustered(clustered_x, clustered_of, 16, &c, NULL);
    sd = stats_sd(r, 2000);
    assert_true(sd > .8 * c.stderr_ && sd < 1.25 * c.stderr_);
    assert_close(stats_mean(r, 2000), .625, .03);
}

static void paired_bootstrap_has_the_published_replicates(void **state)
{
    double d[1000] = {0}, *r = mem_calloc(10000, sizeof *r);
    size_t below = 0;

    (void)state;
    assert_non_null(r);
    for (int i = 0; i < 101; i++)
        d[i] = i < 61 ? -1 : 1;
    assert_int_equal(stats_cluster_bootstrap(d, NULL, 1000, r, 10000, 7, NULL), 0);
    assert_close(r[0], -.018, 1e-12);
    assert_close(r[1], -.007, 1e-12);
    assert_close(r[2], -.031, 1e-12);
    assert_close(r[3], -.027, 1e-12);
    assert_close(r[4], -.024, 1e-12);
    assert_close(stats_sd(r, 10000), .0100274287, 1e-8);
    for (int i = 0; i < 10000; i++)
        below += r[i] >= 0;
    assert_int_equal(below, 196);
    stats_sort(r, 10000);
    assert_close(stats_percentile_linear(r, 10000, .025), -.040, 1e-12);
    assert_close(stats_percentile_linear(r, 10000, .975), -.001, 1e-12);
    mem_free(r);
}

static void the_process_is_the_unit(void **state)
{
    static const double x[] = {10.1, 10.2, 10.1, 10.6, 10.5, 10.7, 9.9, 10, 9.8, 10.3, 10.4, 10.2};
    struct nested r = stats_nested(x, 4, 3);

    (void)state;
    assert_close(r.ms_between, .26, 1e-9);
    assert_close(r.ms_within, .0083333, 1e-5);
    assert_close(r.between, .0838889, 1e-6);
    assert_close(r.icc, .9096, 1e-4);
    assert_close(r.stderr_, .1471960, 1e-6);
    assert_close(r.naive, .0800883, 1e-6);
    assert_close(stats_repeated_stderr(.25, .1, 4, 100), sqrt(.275 / 100), 1e-12);
}

static void calibration_counts_bins_as_they_are_named(void **state)
{
    static const double conf[] = {.95, .9, .85, .7, .65, .6, .55, .5, .4, .3};
    static const double right[] = {1, 1, 0, 1, 1, 0, 1, 0, 0, 1};
    struct calibration c;

    (void)state;
    assert_int_equal(stats_calibration(conf, right, 10, 5, &c, NULL), 0);
    assert_close(c.ece_width, .23, 1e-12);
    assert_close(c.ece_mass, .13, 1e-12);
    assert_close(c.brier, .241, 1e-12);
    assert_int_equal(stats_calibration(conf, right, 10, 10, &c, NULL), 0);
    assert_close(c.ece_width, .32, 1e-12);
    assert_int_equal(stats_calibration(conf, right, 0, 10, &c, NULL), 0);
    assert_true(isnan(c.brier));
}

/* --- many tests, power --------------------------------------------------------------------- */

static void corrections_match_statsmodels(void **state)
{
    static const double p[] = {.001, .008, .039, .041, .042, .060, .074, .205, .212, .216};
    static const double holm[] = {.01, .072, .312, .312, .312, .312, .312, .615, .615, .615};
    static const double bh[] = {.01,  .04,          .084, .084, .084, .1, .1057142857142857,
                                .216, .216, .216};
    double out[10], with_nan[] = {NAN, .02, .01};

    (void)state;
    assert_int_equal(stats_adjust(CORRECT_HOLM, p, 10, out, NULL), 0);
    for (int i = 0; i < 10; i++)
        assert_close(out[i], holm[i], 1e-12);
    assert_int_equal(stats_adjust(CORRECT_BH, p, 10, out, NULL), 0);
    for (int i = 0; i < 10; i++)
        assert_close(out[i], bh[i], 1e-9);
    assert_int_equal(stats_adjust(CORRECT_BY, p, 10, out, NULL), 0);
    assert_close(out[0], .0292896825, 1e-8);
    assert_close(out[1], .1171587302, 1e-8);
    assert_int_equal(stats_adjust(CORRECT_HOLM, with_nan, 3, with_nan, NULL), 0);
    assert_true(isnan(with_nan[0]));
    assert_close(with_nan[1], .02, 1e-12);
    assert_close(with_nan[2], .02, 1e-12);
    assert_close(stats_mcnemar_smallest_p(5), .0625, 1e-15);
    assert_true(stats_mcnemar_smallest_p(6) < .05);
}

static void sample_sizes_are_the_planned_ones(void **state)
{
    (void)state;
    assert_close(power_mcnemar_items(.10, .02, .05, .8), 1959.86, 1e-5);
    assert_close(power_mcnemar_items(.10, .01, .05, .8), 7846.52, 1e-5);
    assert_close(power_mcnemar_items(.05, .01, .05, .8), 3922.08, 1e-5);
    assert_close(power_mcnemar_items(.20, .03, .05, .8), 1741.84, 1e-5);
    assert_close(power_noninferiority_items(.10, .01, 0, .05, .8), 6182.56, 1e-5);
    assert_close(power_noninferiority_items(.10, .02, 0, .05, .8), 1545.64, 1e-5);
    assert_close(power_noninferiority_items(.05, .01, 0, .05, .8), 3091.28, 1e-5);
    assert_close(power_noninferiority_items(.05, .005, 0, .05, .8), 12365.11, 1e-5);
    assert_true(isinf(power_noninferiority_items(.05, .01, -.01, .05, .8)));
    assert_close(power_noninferiority_margin(.05, 3091.28, .05, .8), .01, 1e-5);
    assert_close(power_miller_items(.03, 1 / 9., 0, 1, 0, 1, .05, .8), 968.9975, 1e-6);
    assert_close(power_miller_items(.03, 1 / 9., 1 / 6., 1, 1 / 6., 1, .05, .8), 3876, 1e-3);
    assert_close(power_miller_items(.03, 1 / 9., 1 / 6., 10, 1 / 6., 10, .05, .8), 1260, 1e-3);
}

static void the_smallest_effect_is_that_of_the_table(void **state)
{
    static const struct {
        double psi, n, points;
    } rows[] = {{.1, 1319, 2.44}, {.1, 14042, .748}, {.05, 10042, .625},
                {.1, 164, 6.87},  {.08, 1172, 2.31}, {.06, 500, 3.06}};

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        double mde = power_mcnemar_mde(rows[i].psi, rows[i].n, .05, .8);
        assert_close(100 * mde, rows[i].points, 2e-2);
        assert_close(power_mcnemar_items(rows[i].psi, mde, .05, .8), rows[i].n, 1e-6);
        assert_close(100 * power_mcnemar_mde_approx(rows[i].psi, rows[i].n, .05, .8),
                     rows[i].points, 3e-2);
    }
    assert_true(isnan(power_mcnemar_mde(0, 100, .05, .8)));
    assert_close(power_mcnemar_mde(.1, 3, .05, .8), .1, 1e-9);
}

/* --- two samples of times ------------------------------------------------------------------ */

static void ranks_see_what_means_do_not(void **state)
{
    struct mann_whitney r;
    struct t_test t = stats_welch(A, 10, B, 10);

    (void)state;
    assert_int_equal(stats_mann_whitney(A, 10, B, 10, &r, NULL), 0);
    assert_true(r.u == 87 && r.exact);
    assert_close(r.superiority, .87, 1e-12);
    assert_close(r.cliff, .74, 1e-12);
    assert_close(r.p, .003886206672584382, 1e-12);
    assert_close(r.p_greater, .001943103336292191, 1e-12);
    assert_close(r.z, 2.7591406530, 1e-9);
    assert_close(2 * dist_normal_sf(r.z), .0057953585, 1e-8);
    assert_close(t.t, 1.2338, 1e-4);
    assert_close(t.p, .2332, 1e-3);
}

static void ties_have_their_own_variance(void **state)
{
    static const double a[] = {1, 2, 2, 3, 3, 3, 4}, b[] = {2, 3, 3, 4, 4, 5, 5};
    static const double same[] = {1, 1, 1};
    struct mann_whitney r;

    (void)state;
    assert_int_equal(stats_mann_whitney(a, 7, b, 7, &r, NULL), 0);
    assert_true(r.u == 38 && !r.exact);
    assert_close(r.z, 1.7166873407, 1e-9);
    assert_close(r.p, .0860363144, 1e-8);
    assert_int_equal(stats_mann_whitney(same, 3, same, 3, &r, NULL), 0);
    assert_true(r.p == 1 && r.p_greater == 1 && isnan(r.z) && r.superiority == .5);
    assert_int_equal(stats_mann_whitney(same, 0, same, 3, &r, NULL), 0);
    assert_true(isnan(r.p));
}

static void distribution_functions_are_compared_exactly(void **state)
{
    struct ks k;

    (void)state;
    assert_int_equal(stats_ks(A, 10, B, 10, &k, NULL), 0);
    assert_close(k.d, .8, 1e-12);
    assert_close(k.p, .0020567668, 1e-7);
    assert_int_equal(stats_ks(A, 10, A, 10, &k, NULL), 0);
    assert_true(k.d == 0 && k.p == 1);
}

static void drift_within_a_run_is_seen(void **state)
{
    static const double x[] = {100, 100.4, 100.9, 101.1, 101.8, 102.3, 102.6, 103.3};
    static const double flat[] = {5, 5, 5, 5};
    struct drift d;

    (void)state;
    assert_int_equal(stats_drift(x, 8, &d, NULL), 0);
    assert_close(d.slope, .4666667, 1e-6);
    assert_true(d.tau == 1 && d.exact);
    assert_close(d.p, 4.96e-5, 1e-3);
    assert_int_equal(stats_drift(flat, 4, &d, NULL), 0);
    assert_true(d.slope == 0 && d.p == 1);
    assert_int_equal(stats_drift(x, 1, &d, NULL), 0);
    assert_true(isnan(d.slope));
}

static void outliers_are_counted_not_dropped(void **state)
{
    double a[10];
    size_t n;

    (void)state;
    memcpy(a, A, sizeof a);
    stats_sort(a, 10);
    assert_int_equal(stats_outliers(a, 10, STATS_OUTLIER_MADS, &n, NULL), 0);
    assert_int_equal(n, 1);
    assert_int_equal(stats_outliers(a, 10, 25.3, &n, NULL), 0);
    assert_int_equal(n, 0);
}

static void claimed_percentiles_need_enough_queries(void **state)
{
    double x[1000];

    (void)state;
    for (int i = 0; i < 1000; i++)
        x[i] = i + 1;
    assert_true(stats_tail_passing(0, .9, .99) == 44);
    assert_int_equal(stats_tail_over(43, .9, .99), -1);
    assert_int_equal(stats_tail_over(44, .9, .99), 0);
    assert_true(isnan(stats_tail_estimate(x, 44, .9, .99))); /* t = 0 allows no estimate */
    for (size_t n = 64; n <= 1000; n += 117) {
        long t = stats_tail_over(n, .9, .99);
        assert_true(t >= 1);
        assert_true(stats_tail_passing((double)t, .9, .99) + (double)t <= (double)n);
        assert_true(stats_tail_passing((double)(t + 1), .9, .99) + (double)(t + 1) > (double)n);
        assert_true(stats_tail_estimate(x, n, .9, .99) == (double)(n - (size_t)t + 1));
    }
}

/* --- nights -------------------------------------------------------------------------------- */

static const double S1[] = {1.02, .95, .99, 1, 1.12, 1, 1.01, .98, 1.01, .96,
                            .50, .51, .48, .48, .55, .50, .49, .51, .50, .49};
static const double S2[] = {102.1, 99.8,  101.0, 100.5, 99.2,  100.9, 101.7, 98.8,
                            100.3, 99.9,  104.8, 106.1, 105.2, 104.4, 105.9, 106.6,
                            105.1, 104.9, 105.5, 106.0, 105.3, 104.7};
static const double S3[] = {10, 10.2, 9.9, 10.1, 10, 10.3, 9.8, 10.1, 10.05, 9.95};

static void best_splits_have_the_published_distances(void **state)
{
    struct split s;

    (void)state;
    assert_int_equal(stats_best_split(S1, 20, &s, NULL), 0);
    assert_close(s.q, 4.682222222, 1e-9);
    assert_true(s.at == 10 && s.end == 20);
    assert_int_equal(stats_best_split(S2, 22, &s, NULL), 0);
    assert_close(s.q, 42.9619834711, 1e-10);
    assert_int_equal(s.at, 10);
    assert_int_equal(stats_best_split(S3, 10, &s, NULL), 0);
    assert_close(s.q, .3314285714, 1e-9);
    assert_int_equal(s.at, 6);
    assert_int_equal(stats_best_split(S3, 1, &s, NULL), 0);
    assert_true(isnan(s.q));
}

static void changes_of_level_are_found(void **state)
{
    struct change_opts o = {10, 1e-4, 0};
    struct change c[22];
    size_t n;

    (void)state;
    assert_int_equal(stats_changes(S1, 20, &o, c, &n, NULL), 0);
    assert_int_equal(n, 1);
    assert_int_equal(c[0].at, 10);
    assert_close(c[0].p, 1.4271728390e-17, 1e-9);
    assert_close(c[0].before, 1.004, 1e-12);
    assert_close(c[0].after, .501, 1e-12);
    assert_close(c[0].magnitude, 1.004 / .501 - 1, 1e-12);
    o = CHANGE_OPTS;
    assert_int_equal(stats_changes(S2, 22, &o, c, &n, NULL), 0);
    assert_int_equal(n, 1);
    assert_int_equal(c[0].at, 10);
    assert_close(c[0].p, 6.2953781326e-12, 1e-9);
    assert_close(c[0].before, 100.42, 1e-12);
    assert_close(c[0].after, 105.375, 1e-12);
    assert_int_equal(stats_changes(S3, 10, &o, c, &n, NULL), 0);
    assert_int_equal(n, 0);
}

static void changes_below_the_noise_floor_do_not_count(void **state)
{
    struct change_opts o = {50, .001, .06};
    struct change c[22];
    size_t n;
    double bad[] = {1, NAN, 2};

    (void)state;
    assert_int_equal(stats_changes(S2, 22, &o, c, &n, NULL), 0);
    assert_int_equal(n, 0);
    assert_int_equal(stats_changes(bad, 3, &o, c, &n, NULL), -1);
    o.window = 1;
    assert_int_equal(stats_changes(S2, 22, &o, c, &n, NULL), -1);
}

static void several_levels_are_several_changes(void **state)
{
    struct change_opts o = CHANGE_OPTS;
    struct change c[90];
    double x[90];
    size_t n;

    (void)state;
    for (int i = 0; i < 90; i++)
        x[i] = 100 + (i >= 30 ? 8 : 0) - (i >= 60 ? 15 : 0) + (double)(i * 7 % 5) * .3;
    assert_int_equal(stats_changes(x, 90, &o, c, &n, NULL), 0);
    assert_int_equal(n, 2);
    assert_true(c[0].at == 30 && c[1].at == 60);
    assert_true(c[1].after < c[0].before);
}

static void thresholds_come_from_the_steps_of_history(void **state)
{
    static const double x[] = {1000, 1002, 999, 1001, 1003, 1000, 998, 1001, 1000, 1002, 1001};
    double t;

    (void)state;
    assert_int_equal(stats_step_threshold(x, 11, 0, &t, NULL), 0);
    assert_close(t, .0074745733, 1e-8);
    assert_int_equal(stats_step_threshold(x, 11, STATS_THRESHOLD_HISTORY, &t, NULL), 0);
    assert_true(t == .002);
}

static void the_next_value_has_an_interval(void **state)
{
    struct interval i = stats_prediction((struct moments){100, 10, 25}, .977);

    (void)state;
    assert_close(i.low, 78.5390965, 1e-8);
    assert_close(i.high, 121.4609035, 1e-8);
}

/* --- memory -------------------------------------------------------------------------------- */

static int everything(struct err *e)
{
    struct clustered c;
    struct calibration k;
    struct mann_whitney u;
    struct ratio q;
    struct ks ks;
    struct drift d;
    struct change changes[22];
    struct change_opts o = CHANGE_OPTS;
    double r[4], p[] = {.1, .2};
    size_t n;

    if (stats_clustered(clustered_x, clustered_of, 16, &c, e) < 0 ||
        stats_cluster_bootstrap(clustered_x, clustered_of, 16, r, 4, 1, e) < 0 ||
        stats_calibration(clustered_x, clustered_x, 16, 4, &k, e) < 0 ||
        stats_mann_whitney(A, 10, B, 10, &u, e) < 0 ||
        stats_ratio(A, 10, B, 10, .9, &q, e) < 0 || stats_ks(A, 10, B, 10, &ks, e) < 0 ||
        stats_drift(A, 10, &d, e) < 0 || stats_outliers(S1, 20, 3, &n, e) < 0 ||
        stats_changes(S2, 22, &o, changes, &n, e) < 0 ||
        stats_step_threshold(S1, 20, 0, r, e) < 0 ||
        stats_adjust(CORRECT_BY, p, 2, p, e) < 0)
        return -1;
    return 0;
}

static void every_refused_allocation_is_told(void **state)
{
    int rc = -1;
    long before = mem_live();

    (void)state;
    for (int nth = 0; rc < 0; nth++) {
        struct err e = ERR_NONE;
        mem_fail_at(nth);
        rc = everything(&e);
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        assert_int_equal(mem_live(), before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_are_those_of_the_tables),
        cmocka_unit_test(tails_keep_their_digits),
        cmocka_unit_test(mcnemar_matches_exact_arithmetic),
        cmocka_unit_test(mcnemar_asks_one_sided_whether_more_was_lost),
        cmocka_unit_test(paired_differences_have_the_error_of_the_items),
        cmocka_unit_test(tango_intervals_match_the_published_ones),
        cmocka_unit_test(tango_intervals_exist_at_the_ends),
        cmocka_unit_test(noninferiority_is_the_lower_bound_above_the_margin),
        cmocka_unit_test(sign_flips_are_reproducible),
        cmocka_unit_test(proportions_have_exact_intervals),
        cmocka_unit_test(clusters_widen_the_error),
        cmocka_unit_test(clusters_are_redrawn_whole),
        cmocka_unit_test(paired_bootstrap_has_the_published_replicates),
        cmocka_unit_test(the_process_is_the_unit),
        cmocka_unit_test(calibration_counts_bins_as_they_are_named),
        cmocka_unit_test(corrections_match_statsmodels),
        cmocka_unit_test(sample_sizes_are_the_planned_ones),
        cmocka_unit_test(the_smallest_effect_is_that_of_the_table),
        cmocka_unit_test(ranks_see_what_means_do_not),
        cmocka_unit_test(ties_have_their_own_variance),
        cmocka_unit_test(distribution_functions_are_compared_exactly),
        cmocka_unit_test(drift_within_a_run_is_seen),
        cmocka_unit_test(outliers_are_counted_not_dropped),
        cmocka_unit_test(claimed_percentiles_need_enough_queries),
        cmocka_unit_test(best_splits_have_the_published_distances),
        cmocka_unit_test(changes_of_level_are_found),
        cmocka_unit_test(changes_below_the_noise_floor_do_not_count),
        cmocka_unit_test(several_levels_are_several_changes),
        cmocka_unit_test(thresholds_come_from_the_steps_of_history),
        cmocka_unit_test(the_next_value_has_an_interval),
        cmocka_unit_test(every_refused_allocation_is_told),
    };

    return RUN(tests);
}
