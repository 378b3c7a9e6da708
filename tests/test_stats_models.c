/* Fits, lines by date, models that hand over to others and spreads of processes on a few points: by
 * hand, with their bounds, refusals and ends. */
#include "tests/test.h"

#include "base/mem.h"
#include "harness/stats.h"
#include "harness/stats_dist.h"
#include "harness/stats_fit.h"
#include "harness/stats_handover.h"
#include "harness/stats_process.h"
#include "harness/stats_trend.h"

#define LENGTH(a) (sizeof(a) / sizeof(a)[0])

/* --- curves ---------------------------------------------------------------------------------- */

static void lines_and_monotone_curves(void **state)
{
    static const double x[] = {0, 1, 3}, y[] = {0, 1, 9}, up_down[] = {0, 1, 0},
                        line[] = {5, 3, -1},
                        steep[] = {0, 1, -9}, even[] = {0, 1, 2};
    struct stats_line l = stats_line(x, line, 3);

    (void)state;
    assert_close(l.slope, -2, 1e-14);
    assert_close(l.offset, 5, 1e-14);
    assert_close(l.r2, 1, 1e-14);
    l = stats_line(x, y, 3); /* sums around the means: 14/3, 44/3, 146/3 */
    assert_close(l.slope, 44 / 14., 1e-13);
    assert_close(l.r2, 44. * 44 / (14 * 146), 1e-13);
    assert_true(isnan(stats_line(x, y, 1).slope));
    assert_true(isnan(stats_line(y, (double[]){2, 2, 2}, 3).r2));
    assert_true(isnan(stats_line((double[]){2, 2}, y, 2).slope));
    assert_close(stats_pchip(x, y, 2, .25), .25, 1e-15);
    assert_close(stats_pchip((double[]){1, 3}, (double[]){2, 3}, 2, 1.5), 2.25, 1e-15);
    /* slopes in the nodes: 0 (turned at the end), 9 / (5/1 + 4/4) = 1.5, (5 * 4 - 2 * 1) / 3 = 6 */
    assert_close(stats_pchip(x, y, 3, .5), .5 - 1.5 / 8, 1e-14);
    assert_close(stats_pchip(x, y, 3, 2), .5 + 3 / 8. + 4.5 - 12 / 8., 1e-14);
    for (int i = 0; i < 3; i++)
        assert_close(stats_pchip(x, y, 3, x[i]), y[i], 1e-14);
    assert_close(stats_pchip(even, up_down, 3, .5), .5 + 2 / 8., 1e-14); /* (3 * 1 + 1) / 2 = 2 */
    assert_close(stats_pchip(even, up_down, 3, 1.5), .5 + 2 / 8., 1e-14);
    assert_close(stats_pchip(even, steep, 3, .5), .5 + 3 / 8., 1e-14); /* 6.5 is cut to 3 */
    assert_close(stats_pchip((double[]){0, 1, 2}, (double[]){0, 4, 4}, 3, 1.5), 4, 1e-14);
}

static void straight(void *user, const double *p, double *r)
{
    static const double y[] = {2, 5, 8, 11};

    (void)user;
    for (int i = 0; i < 4; i++)
        r[i] = y[i] - p[0] - p[1] * i;
}

static void level_of_four(void *user, const double *p, double *r)
{
    for (int i = 0; i < 4; i++)
        r[i] = (i == 3 ? 10 : 0) - p[0] + (user ? NAN : 0);
}

/* Rosenbrock's valley, whose bottom is at (1, 1), in units of *user. */
static void valley(void *user, const double *p, double *r)
{
    double unit = *(double *)user;

    r[0] = 10 * (p[1] - p[0] * p[0]) * unit;
    r[1] = (1 - p[0]) * unit;
}

static void a_fit_is_the_same_in_other_units(void **state)
{
    (void)state;
    for (double unit = 1e-9; unit < 1e10; unit *= 1e6) {
        struct stats_fit f = {.n_params = 2, .n = 2, .low = {-9, -9}, .high = {9, 9}, .f = valley,
                              .user = &unit};
        double p[STATS_FIT_PARAMS] = {-1.2, 1}, rms;
        assert_int_equal(stats_fit(&f, p, &rms, NULL), 0);
        assert_close(p[0], 1, 1e-6);
        assert_close(p[1], 1, 1e-6);
        assert_true(rms < 1e-6 * unit);
        p[0] = -50, p[1] = 50; /* that is at two bounds, from which the slope leads away */
        assert_int_equal(stats_fit(&f, p, &rms, NULL), 0);
        assert_close(p[0], 1, 1e-6);
        assert_close(p[1], 1, 1e-6);
    }
}

static void fits_stay_within_bounds(void **state)
{
    struct stats_fit f = {.n_params = 2, .n = 4, .low = {-10, -10}, .high = {10, 10},
                          .f = straight};
    double p[STATS_FIT_PARAMS] = {-50, 50}, rms;
    struct err e = ERR_NONE;

    (void)state;
    assert_int_equal(stats_fit(&f, p, &rms, NULL), 0);
    assert_close(p[0], 2, 1e-7);
    assert_close(p[1], 3, 1e-7);
    assert_true(rms < 1e-6);
    f.high[1] = 2; /* then the level is the mean of 2 3 4 5 */
    assert_int_equal(stats_fit(&f, p, &rms, NULL), 0);
    assert_true(p[1] == 2);
    assert_close(p[0], 3.5, 1e-7);
    assert_close(rms, sqrt(1.25), 1e-9);
    f.high[1] = 10;
    f.low[1] = 4; /* 2 1 0 -1 */
    assert_int_equal(stats_fit(&f, p, &rms, NULL), 0);
    assert_true(p[1] == 4);
    assert_close(p[0], .5, 1e-7);
    f.low[1] = f.high[1] = 1; /* told: 2 4 6 8 */
    assert_int_equal(stats_fit(&f, p, &rms, NULL), 0);
    assert_true(p[1] == 1);
    assert_close(p[0], 5, 1e-7);
    f = (struct stats_fit){.n_params = 2, .n = 4, .low = {-99, -99}, .high = {99, 99},
                           .f = level_of_four};
    p[0] = 1;
    p[1] = 7; /* and what nothing depends on stays as it is */
    assert_int_equal(stats_fit(&f, p, &rms, NULL), 0);
    assert_close(p[0], 2.5, 1e-7);
    assert_true(p[1] == 7);
    f = (struct stats_fit){.n_params = 1, .n = 4, .low = {-99}, .high = {99}, .f = level_of_four};
    p[0] = 1;
    assert_int_equal(stats_fit(&f, p, &rms, NULL), 0);
    assert_close(p[0], 2.5, 1e-7);
    f.huber = 1; /* three pull with p, one with 1 */
    assert_int_equal(stats_fit(&f, p, &rms, NULL), 0);
    assert_close(p[0], 1 / 3., 1e-4);
    assert_close(rms, sqrt((3 * p[0] * p[0] + (10 - p[0]) * (10 - p[0])) / 4), 1e-12);
    f.user = &f;
    assert_int_equal(stats_fit(&f, p, &rms, &e), -1);
    assert_string_equal(e.text, "a fit of 4 points left the numbers");
    assert_int_equal(mem_live(), 0);
}

/* --- models by date -------------------------------------------------------------------------- */

static void frontiers_of_a_few_points(void **state)
{
    static const struct trend_point p[] = {
        {1, 1, 0, 0, 0}, {1, 2, 0, 1, 0}, {2, 2, 0, 2, 0}, {3, 9, -1, 2, 0}, {3, 3, 0, 3, 0},
        {0, 0, 0, 4, 0}, {4, 1, 0, 5, 0}};
    struct trend_line l = trend_least_squares(p, 3);
    struct trend_envelope env;
    size_t at[7], n;

    (void)state;
    assert_close(l.slope, .5, 1e-14); /* days 1 1 2, values 1 2 2 */
    assert_close(l.intercept, 1, 1e-14);
    assert_close(l.r2, .25, 1e-14);
    assert_true(isnan(trend_least_squares(p, 2).slope) && isnan(trend_least_squares(p, 0).slope));
    assert_true(isnan(trend_least_squares(p + 1, 2).r2)); /* both 2: nothing to explain */
    assert_int_equal(trend_frontier(p, 7, at, &n, NULL), 0);
    assert_int_equal(n, 3);
    assert_true(at[0] == 5 && at[1] == 1 && at[2] == 4);
    assert_int_equal(trend_frontier(p, 0, at, &n, NULL), 0);
    assert_int_equal(n, 0);
    assert_int_equal(trend_envelope(p, 7, &env, NULL), 0); /* (0,0) (1,2) (3,3) */
    assert_int_equal(env.n, 3);
    assert_close(env.line.slope, 13 / 14., 1e-14);
    /* without (0,0): 1/2; without (1,2) it is (0,0) (1,1) (2,2) (3,3): 1; without (3,3): 2 */
    assert_close(env.without.low, .5, 1e-14);
    assert_close(env.without.high, 2, 1e-14);
}

static void quantile_lines_of_three_points(void **state)
{
    static const struct trend_point p[] = {{0, 0, 0, 0, 0}, {1, 2, 0, 1, 0}, {2, 1, 0, 2, 0}};
    struct trend_point many[601] = {{0}}, bounds[7] = {{0, 0, 0, 0, 0}, {2, 0, 0, 1, 0}};
    struct trend_line l;
    struct err e = ERR_NONE;

    (void)state;
    assert_int_equal(trend_quantile(p, 3, .1, &l, NULL), 0); /* low: below all */
    assert_close(l.slope, .5, 1e-14);
    assert_close(l.intercept, 0, 1e-14);
    assert_int_equal(trend_quantile(p, 3, .9, &l, NULL), 0);
    assert_true(l.slope == 2 || l.slope == -1);
    /* Five points half above the line of two: "at most" that they are on it, "at least" that they
     * are above, which costs more than to leave out one of the two. */
    for (int i = 0; i < 5; i++)
        bounds[2 + i] = (struct trend_point){1, .5, -1, 2, 0};
    assert_int_equal(trend_quantile(bounds, 7, .5, &l, NULL), 0);
    assert_true(l.slope == 0 && l.intercept == 0);
    for (int i = 0; i < 5; i++)
        bounds[2 + i].censored = 1;
    assert_int_equal(trend_quantile(bounds, 7, .5, &l, NULL), 0);
    assert_close(fabs(l.slope), .5, 1e-14);
    for (int i = 0; i < 5; i++)
        bounds[2 + i].y = -.5; /* and so the other way round */
    assert_int_equal(trend_quantile(bounds, 7, .5, &l, NULL), 0);
    assert_true(l.slope == 0 && l.intercept == 0);
    assert_int_equal(trend_quantile(many, 601, .5, &l, &e), -1);
    assert_string_equal(e.text, "601 points are too many for a quantile line, at most 600");
    assert_int_equal(trend_quantile(many, 600, .5, &l, &e), 0); /* all on one day */
    assert_true(isnan(l.slope));
}

static double count_points(const struct trend_point *p, size_t n, void *user)
{
    (void)p;
    ++*(int *)user;
    return n ? (double)n : NAN;
}

/* 0, 1, 2, ... as they are asked for. */
static double count_up(const struct trend_point *p, size_t n, void *user)
{
    (void)p, (void)n;
    return (*(int *)user)++;
}

/* Three of one family around day 1 and one of another on day 11.  As they came the records are the
 * three, which rise by 1 a day; dealt the other way they are (1, 1.5), (11, 2), (12, 3), whose sums
 * of squares and products around (8, 13/6) are 74 and 7.5. */
static void two_families_are_dealt_each_others_days(void **state)
{
    static const struct trend_point p[] = {{0, 1, 0, 0, 0}, {1, 2, 0, 0, 0}, {2, 3, 0, 0, 0},
                                           {11, 1.5, 0, 1, 0}};
    struct trend_shuffled s;
    int stayed = 0, dealt = 0;

    (void)state;
    for (uint64_t seed = 0; seed < 40; seed++) {
        assert_int_equal(trend_shuffle(p, 4, 1, 1, seed, &s, NULL), 0);
        assert_true(s.frontier_median == s.frontier_p95); /* of one */
        if (fabs(s.frontier_median - 1) < 1e-12)
            stayed++, assert_true(s.p_frontier == 1);
        else if (fabs(s.frontier_median - 7.5 / 74) < 1e-12)
            dealt++, assert_true(s.p_frontier == .5);
    }
    assert_int_equal(stayed + dealt, 40);
    assert_true(stayed >= 8 && dealt >= 8); /* of 40 coins, less with probability 1e-4 */
}

static double note_largest(const struct trend_point *p, size_t n, void *user)
{
    size_t *largest = user;

    (void)p;
    *largest = n > *largest ? n : *largest;
    return 0;
}

static void an_interval_is_between_its_percentiles(void **state)
{
    enum { LARGE = 100, SMALL = 5 };
    struct trend_point p[LARGE + SMALL] = {{0}};
    size_t largest = 0;
    struct interval i;
    int next = 0;

    (void)state;
    for (int k = 0; k < LARGE + SMALL; k++)
        p[k].family = k < LARGE ? 0 : (size_t)(k - LARGE + 1);
    assert_int_equal(trend_redrawn(p, 3, count_up, &next, 101, 1, .9, &i, NULL), 0); /* 0 .. 100 */
    assert_close(i.low, 5, 1e-12);
    assert_close(i.high, 95, 1e-12);
    /* six families, of which one has nearly all points: drawn five times it is cut off */
    assert_int_equal(trend_redrawn(p, LARGE + SMALL, note_largest, &largest, 20000, 1, .9, &i,
                                   NULL), 0);
    assert_int_equal(largest, 4 * (LARGE + SMALL));
}

static int each_trend_once(struct err *e)
{
    struct trend_point p[8];
    struct trend_envelope envelope;
    struct trend_shuffled shuffled;
    struct trend_fit fit;
    struct interval i;
    size_t at[8], n;
    int calls = 0;

    for (size_t k = 0; k < 8; k++)
        p[k] = (struct trend_point){(double)k, (double)(k ^ 1), 0, k / 2, 0};
    return trend_frontier(p, 8, at, &n, e) < 0 || trend_envelope(p, 8, &envelope, e) < 0 ||
                   trend_shuffle(p, 8, 1, 3, 1, &shuffled, e) < 0 ||
                   trend_redrawn(p, 8, count_points, &calls, 3, 1, .9, &i, e) < 0 ||
                   trend_fit(p, 8, &fit, e) < 0
               ? -1
               : 0;
}

static void trends_tell_each_refused_allocation(void **state)
{
    long before = mem_live();
    int rc = -1;

    (void)state;
    for (int nth = 0; rc < 0; nth++) {
        struct err e = ERR_NONE;
        mem_fail_at(nth);
        rc = each_trend_once(&e);
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        assert_int_equal(mem_live(), before);
    }
}

static void redrawn_families_and_shuffled_dates(void **state)
{
    static const struct trend_point p[] = {{0, 0, 0, 5, 0}, {1, 1, 0, 7, 0}, {2, 2, 0, 6, 0},
                                           {3, 3, 0, 8, 0}, {9, 9, 1, 9, 0}};
    static const struct trend_point family[] = {{0, 0, 0, 5, 0}, {1, 1, 0, 5, 0}, {2, 2, 0, 5, 0},
                                                {3, 3, 0, 5, 0}};
    struct trend_shuffled s;
    struct interval i;
    int calls = 0;

    (void)state;
    assert_int_equal(trend_redrawn(p, 5, count_points, &calls, 20, 1, .9, &i, NULL), 0);
    assert_true(calls == 20 && i.low == 5 && i.high == 5); /* families of one: always five */
    assert_int_equal(trend_redrawn(p, 0, count_points, &calls, 20, 1, .9, &i, NULL), 0);
    assert_true(calls == 20 && isnan(i.low));
    /* Of 24 orders of four days one rises as steeply; the censored point is no model. */
    assert_int_equal(trend_shuffle(p, 5, 0, 2400, 7, &s, NULL), 0);
    assert_true(s.p_slope > .03 && s.p_slope < .055);
    assert_true(s.p_frontier > s.p_slope && s.p_frontier <= 1 && s.frontier_p95 <= 3);
    assert_int_equal(trend_shuffle(p, 1, 0, 10, 7, &s, NULL), 0);
    assert_true(isnan(s.p_slope));
    /* One family is dealt its own dates again and again. */
    assert_int_equal(trend_shuffle(family, 4, 1, 10, 7, &s, NULL), 0);
    assert_true(s.p_slope == 1 && s.p_frontier == 1);
    assert_close(s.frontier_median, 1, 1e-14);
    assert_close(s.frontier_p95, 1, 1e-14);
}

/* Where nothing moves any more, the slope is that of both series' sums around their own means, each
 * weighted by its own spread. */
static void each_series_weighs_by_its_own_spread(void **state)
{
    static const double ys[2][4] = {{.1, .9, 2.1, 2.9}, {1, 1, 5, 5}};
    struct trend_point p[8];
    struct trend_fit f;
    double sxx = 0, sxy = 0;

    (void)state;
    for (int i = 0; i < 8; i++)
        p[i] = (struct trend_point){i % 4, ys[i / 4][i % 4], 0, (size_t)i % 4, (size_t)i / 4};
    assert_int_equal(trend_fit(p, 8, &f, NULL), 0);
    for (int k = 0; k < 2; k++) {
        double w = 1 / (f.spread[k] * f.spread[k]), mean = k ? 3 : 1.5, rest = 0;
        for (int i = 0; i < 4; i++) {
            double r = ys[k][i] - f.level[k] - f.slope * i;
            sxx += w * (i - 1.5) * (i - 1.5);
            sxy += w * (i - 1.5) * (ys[k][i] - mean);
            rest += r * r;
        }
        assert_close(f.level[k], mean - 1.5 * f.slope, 1e-9);
        assert_close(f.spread[k], sqrt(rest / 4), 1e-7);
    }
    assert_close(f.slope, sxy / sxx, 1e-7);
    assert_true(f.slope > .95 && f.slope < 1.1); /* nearly that of the quiet one */
    assert_true(isnan(f.level[2]) && isnan(f.spread[2]));
}

static void a_trend_needs_points_days_and_families(void **state)
{
    struct trend_point p[8];
    struct trend_fit f;
    struct err e = ERR_NONE;

    (void)state;
    for (int i = 0; i < 8; i++)
        p[i] = (struct trend_point){i, 2 + .5 * i + (i % 2 ? .01 : -.01), 0, (size_t)i / 2, 0};
    assert_int_equal(trend_fit(p, 8, &f, &e), 0);
    assert_true(f.n == 8 && f.n_families == 4 && f.n_censored == 0);
    assert_close(f.slope, .5, .01);
    assert_int_equal(trend_fit(p, 6, &f, &e), -1);
    assert_string_equal(e.text, "3 families of models, a trend needs 4");
    for (int i = 3; i < 8; i++)
        p[i].censored = 1;
    assert_int_equal(trend_fit(p, 8, &f, &e), 0); /* three measured are enough */
    assert_int_equal(f.n_censored, 5);
    p[2].censored = -1;
    assert_int_equal(trend_fit(p, 8, &f, &e), -1);
    assert_string_equal(e.text, "2 models have a density, a trend needs 3");
    for (int i = 0; i < 8; i++)
        p[i].censored = 0, p[i].day = 3;
    assert_int_equal(trend_fit(p, 8, &f, &e), -1);
    assert_string_equal(e.text, "no two models came on different days");
    p[5].y = INFINITY;
    assert_int_equal(trend_fit(p, 8, &f, &e), -1);
    assert_string_equal(e.text, "point 5 of a trend is not a number");
    p[5].y = 0;
    p[6].series = TREND_SERIES;
    assert_int_equal(trend_fit(p, 8, &f, &e), -1);
    assert_string_equal(e.text, "point 6 of a trend is not a number");
    f = (struct trend_fit){.slope = 2, .stderr_ = 1, .df = 1};
    assert_close(trend_slope_interval(&f, .5).high, 3, 1e-11); /* t of 3/4 with 1 is 1 */
    assert_close(trend_slope_interval(&f, .5).low, 1, 1e-11);
    assert_close(trend_slope_p(&f, 1), .5, 1e-12);
    assert_close(trend_slope_p(&f, 3), .5, 1e-12);
    f.stderr_ = 0;
    assert_true(isnan(trend_slope_p(&f, 1)));
}

/* --- one model after the other --------------------------------------------------------------- */

static struct handover_item item(double small, double large, double confidence, size_t cluster)
{
    return (struct handover_item){small, large, confidence, 1, 2, 3, 4, cluster};
}

static void a_curve_of_three_items(void **state)
{
    const struct handover_item v[] = {item(1, 1, .9, 0), item(0, 1, .5, 1), item(0, 0, .5, 2)};
    struct handover_point p[4];
    struct handover_area a;
    size_t n;

    (void)state;
    assert_int_equal(handover_curve(v, 3, p, &n, NULL), 0);
    assert_int_equal(n, 3); /* equal confidences go together */
    assert_true(p[0].share == 0 && p[0].threshold == .5 && p[0].latency_s == 1 && p[0].cost == 3);
    assert_close(p[0].accuracy, 1 / 3., 1e-14);
    assert_close(p[1].share, 2 / 3., 1e-14);
    assert_true(p[1].threshold == .9);
    assert_close(p[1].accuracy, 2 / 3., 1e-14);
    assert_close(p[1].latency_s, 1 + 4 / 3., 1e-14);
    assert_close(p[1].cost, 3 + 8 / 3., 1e-14);
    assert_true(p[2].share == 1 && isinf(p[2].threshold) && p[2].latency_s == 3 && p[2].cost == 7);
    assert_int_equal(handover_area(v, 3, 0, 1, &a, NULL), 0);
    assert_close(a.area, (2 * 1.5 + 2) / 9, 1e-14);   /* two at once, then one */
    assert_close(a.oracle, (1.5 + 2 + 2) / 9, 1e-14); /* the one that gains first */
    assert_close(a.random, .5, 1e-14);
    assert_close(a.captured, (5 / 9. - .5) / (5.5 / 9 - .5), 1e-12);
    assert_true(isnan(a.area_interval.low));
    assert_int_equal(handover_area(v, 1, 0, 1, &a, NULL), 0);
    assert_true(isnan(a.captured)); /* nothing to gain */
}

/* Both models know the first of five and nothing else: the area is its share of five draws,
 * which is none with probability .328 and at most three with .993. */
static void an_areas_interval_holds_95_of_100_draws(void **state)
{
    struct handover_item v[5];
    struct handover_area a;

    (void)state;
    for (size_t i = 0; i < 5; i++)
        v[i] = item(i == 0, i == 0, .5, i);
    assert_int_equal(handover_area(v, 5, 2000, 1, &a, NULL), 0);
    assert_close(a.area, .2, 1e-14);
    assert_close(a.area_interval.low, 0, 1e-14);
    assert_close(a.area_interval.high, .6, 1e-14);
    assert_true(isnan(a.captured_interval.low) && isnan(a.captured_interval.high));
    assert_int_equal(handover_area(v, 5, 2, 1, &a, NULL), 0); /* two draws have an interval */
    assert_true(a.area_interval.low <= a.area_interval.high);
    assert_int_equal(handover_area(v, 5, 1, 1, &a, NULL), 0);
    assert_true(isnan(a.area_interval.low) && isnan(a.area_interval.high));
}

static void what_cannot_be_handed_over(void **state)
{
    struct handover_item v[2] = {item(1, 0, .5, 0), item(0, 1, .25, 1)};
    struct handover_point p[3];
    struct err e = ERR_NONE;
    size_t n;

    (void)state;
    assert_int_equal(handover_curve(v, 2, p, &n, &e), 0);
    assert_true(n == 3 && p[0].threshold == .25 && p[1].threshold == .5 && isinf(p[2].threshold));
    v[1].confidence = .5;
    assert_int_equal(handover_curve(v, 2, p, &n, &e), 0);
    assert_int_equal(handover_curve(v, 0, p, &n, &e), -1);
    assert_string_equal(e.text, "no items to hand over");
    for (int i = 0; i < 6; i++) {
        struct handover_item x = v[1];
        if (i == 0)
            x.small = -.1;
        if (i == 1)
            x.small = 1.1;
        if (i == 2)
            x.large = -.1;
        if (i == 3)
            x.large = 1.1;
        if (i == 4)
            x.confidence = NAN;
        if (i == 5)
            x.cluster = 2;
        assert_int_equal(handover_curve((struct handover_item[]){v[0], x}, 2, p, &n, &e), -1);
        assert_string_equal(e.text, "item 1 has no credit or confidence");
    }
}

/* Without an error 0.9^k must be at most 0.05: 29 items. */
static void a_promise_needs_29_items_without_an_error(void **state)
{
    struct handover_item v[60];
    struct handover_promise p;
    struct handover_check c;
    char use[60];

    (void)state;
    for (int i = 0; i < 60; i++)
        v[i] = item(1, 0, i, (size_t)i);
    assert_int_equal(handover_promise(v, NULL, 28, .1, .05, &p, NULL), 0);
    assert_true(isinf(p.threshold) && p.kept == 0 && p.error == .1 && p.delta == .05);
    assert_int_equal(handover_promise(v, NULL, 29, .1, .05, &p, NULL), 0);
    assert_true(p.threshold == 0 && p.kept == 1);
    for (int i = 0; i < 60; i++)
        use[i] = i % 2 == 0;
    assert_int_equal(handover_promise(v, use, 60, .1, .05, &p, NULL), 0);
    assert_true(p.threshold == 0 && p.kept == 1);
    use[0] = use[2] = 0; /* 28 are left */
    assert_int_equal(handover_promise(v, use, 60, .1, .05, &p, NULL), 0);
    assert_true(isinf(p.threshold));
    for (int i = 0; i < 20; i++)
        v[i].small = 0; /* the least confident are wrong: one more error needs 46 items, not 41 */
    assert_int_equal(handover_promise(v, NULL, 60, .1, .05, &p, NULL), 0);
    assert_true(p.threshold == 20);
    assert_close(p.kept, 40 / 60., 1e-14);
    for (int i = 0; i < 25; i++)
        v[i].confidence = 19; /* those of one confidence stand or fall together */
    assert_int_equal(handover_promise(v, NULL, 60, .1, .05, &p, NULL), 0);
    assert_true(p.threshold == 25);
    for (int i = 0; i < 60; i++)
        v[i] = item(1, 1, 7, (size_t)i);
    assert_int_equal(handover_promise(v, NULL, 60, .1, .05, &p, NULL), 0);
    assert_true(p.threshold == 7 && p.kept == 1);
    assert_int_equal(handover_check(v, 60, .2, .05, 10, 3, &c, NULL), 0);
    assert_close(c.accuracy, 1, 1e-14); /* whoever answers */
    assert_close(c.kept, 1, 1e-14);
    for (int i = 0; i < 60; i++)
        v[i] = item(1, 0, i, (size_t)i);
    assert_int_equal(handover_check(v, 60, .2, .05, 10, 3, &c, NULL), 0);
    assert_true(c.splits == 10 && c.kept_any == 10 && c.error == 0 && c.broken == 0);
    assert_true(c.kept > .9 && c.accuracy > .9);
    assert_int_equal(handover_check(v, 1, .2, .05, 200, 3, &c, NULL), 0); /* held out or not */
    assert_true(c.splits == 200 && c.kept_any == 0 && c.accuracy == 0); /* the large one is wrong */
    v[0].large = 1;
    assert_int_equal(handover_check(v, 1, .2, .05, 200, 3, &c, NULL), 0);
    assert_true(c.accuracy > .35 && c.accuracy < .65);
    assert_int_equal(handover_check(v, 60, .2, .05, 0, 3, &c, NULL), 0);
    assert_true(c.splits == 0 && isnan(c.error) && c.kept == 0);
}

/* --- processes ------------------------------------------------------------------------------- */

static void the_spread_is_pooled_within_each_program(void **state)
{
    static const double a[] = {0, 2}, b[] = {10, 10, 13}, known[] = {5, 7}, one[] = {3};
    struct process_group g[PROCESS_GROUPS] = {{a, 2}, {b, 3}, {known, 2}, {one, 1}, {NULL, 0}};
    struct process_ratio r;
    double half;

    (void)state;
    assert_int_equal(process_ratio(g, .9, &r, NULL), 0);
    /* squares 2, 6 and 2 over 1 + 2 + 1 degrees */
    assert_true(r.df == 4);
    assert_close(r.sd, sqrt(10 / 4.), 1e-14);
    assert_int_equal(r.method, PROCESS_STUDENT);
    half = dist_t_quantile(.95, 4) * r.sd * sqrt(1 / 2. + 1 / 3.);
    assert_close(r.low, r.ratio / exp(half), 1e-12);
    assert_close(r.high, r.ratio * exp(half), 1e-12);
    g[2].n = 1; /* three degrees are no spread */
    assert_int_equal(process_ratio(g, .9, &r, NULL), 0);
    assert_true(r.df == 3 && r.method == PROCESS_UNKNOWN && isnan(r.low) && r.ratio > 1);
    g[4] = (struct process_group){b, 3};
    assert_int_equal(process_ratio(g, .9, &r, NULL), 0);
    assert_true(r.df == 2); /* within the pairs; half of their variance */
    assert_close(r.sd, sqrt(3) / sqrt(2), 1e-14);
    g[4].n = 1;
    assert_int_equal(process_ratio(g, .9, &r, NULL), 0);
    assert_true(r.df == 3);
}

static void a_ratio_of_processes_tells_each_refused_allocation(void **state)
{
    static const double a[] = {1, 2, 3, 4, 5, 6}, b[] = {2, 4, 6, 8, 10, 12};
    struct process_group g[PROCESS_GROUPS] = {{a, 6}, {b, 6}};
    long before = mem_live();

    (void)state;
    for (int pairs = 0; pairs < 2; pairs++) {
        struct process_ratio r;
        int rc = -1;
        g[PROCESS_DIFFERENCES] = pairs ? (struct process_group){a, 6} : (struct process_group){0};
        for (int nth = 0; rc < 0; nth++) {
            struct err e = ERR_NONE;
            mem_fail_at(nth);
            rc = process_ratio(g, .9, &r, &e);
            mem_fail_at(-1);
            assert_true(rc == 0 || nth < 5);
            assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
            assert_int_equal(mem_live(), before);
        }
        assert_int_equal(r.method, pairs ? PROCESS_PAIRS : PROCESS_RANKS);
    }
}

/* The smallest n with n >= 2 / (3 / pi) ((t(1 - alpha) + t(power)) sd / ln(1 + margin))^2, both of
 * n - 1 degrees, and with 2^n signs enough for alpha. */
static void the_needed_processes_are_the_smallest_number(void **state)
{
    static const double sds[] = {.005, .02, .031, .04, .055, .07, .09, .12, .16, .21, .3};

    (void)state;
    for (size_t i = 0; i < LENGTH(sds); i++) {
        double effect = log(1.05) / sds[i], n = 5, t;
        for (;; n++) {
            t = dist_t_quantile(.95, n - 1) + dist_t_quantile(.8, n - 1);
            if (n >= ceil(2 * M_PI / 3 * (t / effect) * (t / effect)))
                break;
        }
        assert_true(process_needed(sds[i], .05, .05, .8) == n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_and_monotone_curves),
        cmocka_unit_test(fits_stay_within_bounds),
        cmocka_unit_test(a_fit_is_the_same_in_other_units),
        cmocka_unit_test(frontiers_of_a_few_points),
        cmocka_unit_test(two_families_are_dealt_each_others_days),
        cmocka_unit_test(an_interval_is_between_its_percentiles),
        cmocka_unit_test(trends_tell_each_refused_allocation),
        cmocka_unit_test(an_areas_interval_holds_95_of_100_draws),
        cmocka_unit_test(quantile_lines_of_three_points),
        cmocka_unit_test(redrawn_families_and_shuffled_dates),
        cmocka_unit_test(each_series_weighs_by_its_own_spread),
        cmocka_unit_test(a_trend_needs_points_days_and_families),
        cmocka_unit_test(a_curve_of_three_items),
        cmocka_unit_test(what_cannot_be_handed_over),
        cmocka_unit_test(a_promise_needs_29_items_without_an_error),
        cmocka_unit_test(the_spread_is_pooled_within_each_program),
        cmocka_unit_test(a_ratio_of_processes_tells_each_refused_allocation),
        cmocka_unit_test(the_needed_processes_are_the_smallest_number),
    };

    return RUN(tests);
}
