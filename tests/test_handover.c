/* Handing over.  Small examples by hand; the logistic weights are scipy's minimum of the penalised
 * likelihood (BFGS) on standardised columns; the promise is tried on populations whose error at
 * every confidence is known. */
#include "tests/test.h"

#include "base/mem.h"
#include "base/splitmix.h"
#include "harness/handover.h"
#include "harness/repeats.h"
#include "harness/stats_dist.h"
#include "harness/stats_logistic.h"
#include "tests/pair_runs.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static const struct handover_item four[] = {
    {1, 1, 0.9, 1, 2, 1, 10, 0}, {0, 1, 0.2, 1, 2, 1, 10, 1},
    {0, 1, 0.5, 1, 2, 1, 10, 2}, {1, 0, 0.5, 1, 2, 1, 10, 3},
};

static void a_curve_goes_from_the_small_model_to_the_large_one(void **state)
{
    struct handover_point c[COUNT(four) + 1];
    size_t n;

    (void)state;
    assert_int_equal(handover_curve(four, COUNT(four), c, &n, NULL), 0);
    assert_int_equal(n, 4); /* the two of equal confidence go together */
    assert_true(c[0].share == 0 && c[0].accuracy == 0.5 && c[0].latency_s == 1 && c[0].cost == 1);
    assert_true(c[1].share == 0.25 && c[1].accuracy == 0.75 && c[1].latency_s == 1.5);
    assert_true(c[1].threshold == 0.5 && c[2].threshold == 0.9);
    assert_true(c[2].share == 0.75 && c[2].accuracy == 0.75);
    assert_true(c[3].share == 1 && c[3].accuracy == 0.75 && c[3].cost == 11);
    assert_true(isinf(c[3].threshold));
    assert_close(handover_at(c, n, 0.125).accuracy, 0.625, 1e-15);
    assert_true(handover_at(c, n, 1).accuracy == 0.75);
}

static void areas_are_those_of_the_trapezoids(void **state)
{
    struct handover_area a;

    (void)state;
    assert_int_equal(handover_area(four, COUNT(four), 200, 1, &a, NULL), 0);
    assert_close(a.area, 0.25 * 0.625 + 0.75 * 0.75, 1e-15);
    assert_close(a.random, 0.625, 1e-15);
    /* both gains first (0.5 to 1 over half of the items), the item that is lost last */
    assert_close(a.oracle, 0.5 * 0.75 + 0.25 * 1 + 0.25 * 0.875, 1e-15);
    assert_close(a.captured, (a.area - a.random) / (a.oracle - a.random), 1e-15);
    assert_true(a.area_interval.low < a.area && a.area < a.area_interval.high);
}

static double uniform(uint64_t *rng)
{
    return ((double)(splitmix64_next(rng) >> 11) + 0.5) * 0x1p-53;
}

/* Right with the chance of its confidence; noise 1: the confidence says nothing. */
static void populate(struct handover_item *v, size_t n, double noise, uint64_t seed)
{
    for (size_t i = 0; i < n; i++) {
        double chance = uniform(&seed);
        v[i] = (struct handover_item){.small = uniform(&seed) < chance,
                                      .large = uniform(&seed) < 0.9, .cluster = i,
                                      .confidence = uniform(&seed) < noise ? uniform(&seed)
                                                                           : chance};
    }
}

static void a_signal_captures_what_it_knows_and_noise_nothing(void **state)
{
    static struct handover_item v[2000];
    struct handover_area good, none;

    (void)state;
    populate(v, COUNT(v), 0, 1);
    assert_int_equal(handover_area(v, COUNT(v), 300, 1, &good, NULL), 0);
    populate(v, COUNT(v), 1, 2);
    assert_int_equal(handover_area(v, COUNT(v), 300, 1, &none, NULL), 0);
    assert_true(good.captured_interval.low > 0.3);
    assert_true(none.captured_interval.low < 0 && none.captured_interval.high > 0);
}

/* Confidence c is right with chance c, so above a threshold t the error is (1 - t) / 2. */
static void a_promise_is_broken_as_seldom_as_it_says(void **state)
{
    static const struct { double error, delta; } levels[] = {{.15, .1}, {.2, .05}, {.3, .2}};
    static struct handover_item v[400];
    size_t populations = 1000;

    (void)state;
    for (size_t i = 0; i < COUNT(levels); i++) {
        size_t broken = 0, given = 0;
        for (size_t k = 0; k < populations; k++) {
            struct handover_promise p;
            populate(v, COUNT(v), 0, k + 1);
            assert_int_equal(handover_promise(v, NULL, COUNT(v), levels[i].error, levels[i].delta,
                                              &p, NULL), 0);
            given += isfinite(p.threshold);
            broken += isfinite(p.threshold) && (1 - p.threshold) / 2 > levels[i].error;
        }
        print_message("          error %g: promised %zu times of %zu, broken %.1f %% (at most "
                      "%g %%)\n", levels[i].error, given, populations,
                      100.0 * (double)broken / (double)populations, 100 * levels[i].delta);
        assert_true(given > populations / 2); /* it does promise something */
        /* the share that delta allows, and what chance adds */
        assert_true(dist_binomial_sf((double)broken, (double)populations, levels[i].delta) > .01);
        assert_true(broken > 0); /* and it is not promised by refusing */
    }
}

/* What the area of all such items is, from very many of them. */
static void an_areas_interval_covers_the_populations(void **state)
{
    enum { MANY = 100000, FEW = 300, POPULATIONS = 400 };
    struct handover_item *v = mem_alloc(MANY * sizeof *v);
    struct handover_area all, some;
    size_t area = 0, captured = 0;

    (void)state;
    populate(v, MANY, 0.3, 99);
    assert_int_equal(handover_area(v, MANY, 0, 1, &all, NULL), 0);
    for (uint64_t k = 0; k < POPULATIONS; k++) {
        populate(v, FEW, 0.3, 1000 + k);
        assert_int_equal(handover_area(v, FEW, 300, k, &some, NULL), 0);
        area += some.area_interval.low <= all.area && all.area <= some.area_interval.high;
        captured += some.captured_interval.low <= all.captured &&
                    all.captured <= some.captured_interval.high;
    }
    mem_free(v);
    print_message("          covered: area %.1f %%, share of the oracle's gain %.1f %%\n",
                  100.0 * (double)area / POPULATIONS, 100.0 * (double)captured / POPULATIONS);
    assert_true(area > .92 * POPULATIONS && area < .985 * POPULATIONS);
    assert_true(captured > .92 * POPULATIONS && captured < .985 * POPULATIONS);
}

static void a_promise_holds_on_items_it_has_not_seen(void **state)
{
    static struct handover_item v[3000];
    struct handover_check c;

    (void)state;
    populate(v, COUNT(v), 0, 4);
    assert_int_equal(handover_check(v, COUNT(v), 0.15, 0.1, 100, 1, &c, NULL), 0);
    assert_int_equal(c.splits, 100);
    assert_true(c.kept > 0.1 && c.kept < 0.4); /* 0.3 at most, less what being sure costs */
    assert_true(c.error < 0.15 && c.broken < 0.15);
    assert_true(c.accuracy > 0.85);
}

static void a_promise_that_cannot_be_kept_is_not_given(void **state)
{
    struct handover_promise p;

    (void)state;
    assert_int_equal(handover_promise(four, NULL, COUNT(four), 0.01, 0.05, &p, NULL), 0);
    assert_true(isinf(p.threshold) && p.kept == 0);
}

static const double x[] = {2.04, -10.78, 0.42,  -0.84, -0.45, 0.92, -2.02, 0.84,
                           -0.87, 18.61, 0.23,  0.24,  -0.28, -1.34, -1.06, 0.05,
                           0.48, 0.81,   0.96,  1.0,   0.02,  9.73, 0.55,  -0.53};
static const double y[] = {1, 0, 1, 1, 0, 0, 1, 0, 1, 1, 0, 1};

static void logistic_weights_are_the_penalised_likelihoods(void **state)
{
    struct logistic m;

    (void)state;
    logistic_fit(&m, x, y, NULL, COUNT(y), 2, 1);
    assert_close(m.weight[0], 0.10862911716898371, 1e-6);
    assert_close(m.weight[1], -0.8542906167150873, 1e-6);
    assert_close(m.weight[2], 0.3533692737424814, 1e-6);
    assert_close(logistic_chance(&m, x), 0.8886861173210427, 1e-6);
}

/* Two columns that are nearly one: at the minimum no slope of the penalised likelihood is left. */
static void logistic_weights_of_like_columns_settle(void **state)
{
    enum { N = 400 };
    static double like[2 * N], right[N];
    double slope[3] = {0};
    struct logistic m;

    (void)state;
    for (int i = 0; i < N; i++) {
        like[2 * i] = i % 20;
        like[2 * i + 1] = i % 20 + i % 7 / 10.;
        right[i] = i % 20 + i * 7 % 13 > 15;
    }
    logistic_fit(&m, like, right, NULL, N, 2, 1);
    for (int i = 0; i < N; i++) {
        double left = right[i] - logistic_chance(&m, like + 2 * i);
        for (int c = 0; c < 2; c++)
            slope[c] += left * (like[2 * i + c] - m.mean[c]) / m.sd[c];
        slope[2] += left;
    }
    for (int c = 0; c < 2; c++)
        slope[c] -= m.weight[c];
    for (int c = 0; c < 3; c++)
        assert_true(fabs(slope[c]) < 1e-7);
}

static void a_held_out_chance_does_not_know_its_own_answer(void **state)
{
    double a[COUNT(y)], b[COUNT(y)], turned[COUNT(y)];
    int fold[COUNT(y)];

    (void)state;
    for (size_t i = 0; i < COUNT(y); i++)
        fold[i] = (int)(i % 3);
    memcpy(turned, y, sizeof y);
    turned[4] = 1 - turned[4];
    assert_int_equal(logistic_held_out(x, y, fold, 3, COUNT(y), 2, 1, a, NULL), 0);
    assert_int_equal(logistic_held_out(x, turned, fold, 3, COUNT(y), 2, 1, b, NULL), 0);
    assert_true(a[4] == b[4]);
    assert_true(a[3] != b[3]);
}

static void separable_and_constant_columns_have_an_answer(void **state)
{
    static const double column[] = {1, 7, 2, 7, 3, 7, 4, 7}, right[] = {0, 0, 1, 1};
    struct logistic m;

    (void)state;
    logistic_fit(&m, column, right, NULL, 4, 2, 1);
    assert_true(isfinite(m.weight[0]) && m.weight[0] > 0 && m.weight[1] == 0);
    assert_true(logistic_chance(&m, column) < 0.5 && logistic_chance(&m, column + 6) > 0.5);
}

/* --- two stored runs ----------------------------------------------------------------------- */

/* nats is option 1's, option 0 has -9 for 4 bytes: the margin is |nats + 9|. */
static const struct made_item small_items[] = {
    {1, 1, -1, 4, .10, NULL}, {2, 0, -8.5, 4, .10, NULL}, {3, 1, -2, 4, .10, NULL},
    {4, 0, -8.9, 4, .10, NULL}, {5, 1, -3, 4, .10, "c"}, {6, 0, -8, 4, .10, "c"},
};
static const struct made_item large_items[] = {
    {1, 1, -1, 4, .30, NULL}, {2, 1, -1, 4, .30, NULL}, {3, 1, -1, 4, .30, NULL},
    {4, 1, -1, 4, .30, NULL}, {5, 1, -1, 4, .30, "c"}, {6, 1, -1, 4, .30, "c"},
};

static void make_both(struct store *s, char a[RUN_ID_SIZE], char b[RUN_ID_SIZE])
{
    const struct made_task small = {"arc_easy", 1, small_items, COUNT(small_items), NAN, NAN};
    const struct made_task large = {"arc_easy", 1, large_items, COUNT(large_items), NAN, NAN};

    make_run(s, &(struct made_run){.model = "small", .tasks = &small, .n_tasks = 1}, a);
    make_run(s, &(struct made_run){.model = "large", .tasks = &large, .n_tasks = 1}, b);
}

static const struct handover_opts opts = {0.1, 0.1, NAN, NAN, 50, 10, 1, NULL, 0};

static void runs_are_handed_over_by_the_small_models_likelihoods(void **state)
{
    struct store *s = NULL;
    struct run_list a = {0}, b = {0};
    char small[RUN_ID_SIZE], large[RUN_ID_SIZE];
    struct handover h;
    struct err e = ERR_NONE;
    const struct handover_signal *margin;

    (void)state;
    assert_int_equal(store_open(&s, ":memory:", NULL, NULL), 0);
    make_both(s, small, large);
    assert_int_equal(query_run(s, small, &a, NULL), 0);
    assert_int_equal(query_run(s, large, &b, NULL), 0);
    if (handover_make(&h, s, a.v, b.v, &opts, &e) < 0)
        fail_msg("%s", e.text);
    assert_int_equal(h.n, 6);
    margin = &h.signals[SIGNAL_MARGIN];
    assert_int_equal(margin->known, 6);
    assert_int_equal(h.signals[SIGNAL_CONSISTENCY].known, 0); /* nothing was asked twice */
    assert_null(h.signals[SIGNAL_CONSISTENCY].curve);
    assert_close(h.bounds.random, .75, 1e-12);
    assert_close(h.bounds.oracle, margin->area.oracle, 1e-12);
    /* the three wrong ones have the smallest margins: the oracle's curve */
    assert_close(margin->area.captured, 1, 1e-12);
    assert_close(handover_at(margin->curve, margin->n_curve, 0.5).accuracy, 1, 1e-12);
    assert_close(handover_at(margin->curve, margin->n_curve, 0.5).latency_s, 0.25, 1e-12);
    assert_close(h.small_cost, 2 * 1000 * 10.0, 1e-12); /* FLOP of ten tokens */
    assert_true(h.items[4].cluster == h.items[5].cluster);
    assert_true(h.items[3].cluster != h.items[4].cluster);
    handover_release(&h);
    run_list_release(&a);
    run_list_release(&b);
    store_close(s);
}

/* --- signals of a small model that is sure of what it knows --------------------------------- */

enum { ITEMS = 400, AGAIN = 6 };

static double normal(uint64_t *rng)
{
    double r = sqrt(-2 * log(uniform(rng)));

    return r * cos(6.283185307179586 * uniform(rng));
}

/* An item is known by so much (a standard normal plus 0.5), and each time that it is asked by a
 * little more or less.  (In these
 * stored items only the right option's likelihood moves, which the learned signal finds out.) */
static void make_small(struct store *s, uint64_t seed, const char *settings, char id[RUN_ID_SIZE])
{
    static struct made_item items[ITEMS];
    const struct made_task t = {"arc_easy", 1, items, ITEMS, NAN, NAN};
    uint64_t known = 5, asked = seed;

    for (int i = 0; i < ITEMS; i++) {
        double margin = 0.5 + normal(&known) + 0.7 * normal(&asked);
        items[i] = (struct made_item){i, margin > 0, -9 + margin, 4, .1, NULL};
    }
    make_run(s, &(struct made_run){.model = "small", .settings = settings, .tasks = &t,
                                   .n_tasks = 1}, id);
}

struct simulated {
    struct store *s;
    struct run_list small, large, again[AGAIN];
    const struct run_row *repeats[AGAIN];
    struct handover_opts o;
};

static void simulate(struct simulated *w)
{
    static struct made_item items[ITEMS];
    const struct made_task t = {"arc_easy", 1, items, ITEMS, NAN, NAN};
    char id[RUN_ID_SIZE];
    uint64_t rng = 77;

    memset(w, 0, sizeof *w);
    assert_int_equal(store_open(&w->s, ":memory:", NULL, NULL), 0);
    for (int i = 0; i < ITEMS; i++)
        items[i] = (struct made_item){i, uniform(&rng) < .9, -1, 4, .3, NULL};
    make_run(w->s, &(struct made_run){.model = "large", .tasks = &t, .n_tasks = 1}, id);
    assert_int_equal(query_run(w->s, id, &w->large, NULL), 0);
    make_small(w->s, 1, "{\"chat\":false}", id);
    assert_int_equal(query_run(w->s, id, &w->small, NULL), 0);
    w->o = (struct handover_opts){.error = .1, .delta = .1, .small_price = NAN, .large_price = NAN,
                                  .replicates = 200, .splits = 50, .seed = 1,
                                  .repeats = w->repeats, .n_repeats = AGAIN};
    for (int k = 0; k < AGAIN; k++) {
        make_small(w->s, 10 + (uint64_t)k, "{\"chat\":false}", id);
        assert_int_equal(query_run(w->s, id, &w->again[k], NULL), 0);
        w->repeats[k] = w->again[k].v;
    }
}

static void simulated_gone(struct simulated *w)
{
    run_list_release(&w->small);
    run_list_release(&w->large);
    for (int k = 0; k < AGAIN; k++)
        run_list_release(&w->again[k]);
    store_close(w->s);
}

static void every_signal_of_a_model_that_knows_what_it_knows_gains(void **state)
{
    struct simulated w;
    struct handover h;
    struct err e = ERR_NONE;
    const struct handover_signal *v = h.signals;

    (void)state;
    simulate(&w);
    if (handover_make(&h, w.s, w.small.v, w.large.v, &w.o, &e) < 0)
        fail_msg("%s", e.text);
    for (int k = 0; k < SIGNALS; k++) {
        print_message("          %s: %.2f of the oracle's gain [%.2f, %.2f], broken %.2f\n",
                      v[k].name, v[k].area.captured, v[k].area.captured_interval.low,
                      v[k].area.captured_interval.high, v[k].check.broken);
        assert_int_equal(v[k].known, ITEMS);
        assert_true(v[k].area.captured_interval.low > .1 && v[k].area.captured < 1);
        assert_true(!(v[k].check.broken > .2));
        assert_true(v[k].area.oracle > v[k].area.area && v[k].area.area > v[k].area.random);
    }
    /* of two options entropy and the best one's probability rise with the margin */
    assert_close(v[SIGNAL_ENTROPY].area.area, v[SIGNAL_MARGIN].area.area, 1e-9);
    assert_close(v[SIGNAL_PROBABILITY].area.area, v[SIGNAL_MARGIN].area.area, 1e-9);
    /* asking again is paid for */
    assert_close(v[SIGNAL_MARGIN].curve[0].latency_s, .1, 1e-9);
    assert_close(v[SIGNAL_CONSISTENCY].curve[0].latency_s, (1 + AGAIN) * .1, 1e-9);
    assert_close(v[SIGNAL_CONSISTENCY].curve[0].cost, (1 + AGAIN) * h.small_cost, 1e-9);
    handover_release(&h);
    simulated_gone(&w);
}

static void an_answer_is_the_option_wherever_it_stands(void **state)
{
    struct store_request q[4] = {{-3, 0, 1, 1}, {-1, 0, 1, 1}, {-2, 0, 1, 1}, {-9, 0, 1, 1}};
    struct store_item it = {.gold_index = 0, .requests = q, .n_requests = 4};
    struct run_row r = {.id = "r", .settings = "{\"rotate\":3}"};
    int by;

    (void)state;
    assert_int_equal(repeats_answer(&it, 0).option, 1);
    assert_int_equal(repeats_rotation(&r, &by, NULL), 0);
    assert_int_equal(by, 3);
    assert_int_equal(repeats_answer(&it, by).option, 0); /* at place 1 stands option 1 + 3 */
    it = (struct store_item){.gold_index = -1, .prediction = "18"};
    assert_int_equal(repeats_answer(&it, by).option, -1);
    assert_string_equal(repeats_answer(&it, by).text, "18");
}

static void repeats_of_something_else_are_refused(void **state)
{
    struct simulated w;
    struct handover h;
    struct err e = ERR_NONE;

    (void)state;
    simulate(&w);
    w.repeats[2] = w.large.v;
    assert_int_equal(handover_make(&h, w.s, w.small.v, w.large.v, &w.o, &e), -1);
    assert_non_null(strstr(e.text, "it is of another model than run "));
    w.repeats[2] = w.small.v;
    assert_int_equal(handover_make(&h, w.s, w.small.v, w.large.v, &w.o, &e), -1);
    assert_non_null(strstr(e.text, "it repeats itself"));
    simulated_gone(&w);
}

static void every_refused_allocation_is_an_error(void **state)
{
    struct store *s = NULL;
    struct run_list a = {0}, b = {0};
    char small[RUN_ID_SIZE], large[RUN_ID_SIZE];
    size_t live;
    int rc = -1;

    (void)state;
    assert_int_equal(store_open(&s, ":memory:", NULL, NULL), 0);
    make_both(s, small, large);
    assert_int_equal(query_run(s, small, &a, NULL), 0);
    assert_int_equal(query_run(s, large, &b, NULL), 0);
    live = mem_live();
    for (int nth = 0; rc < 0; nth++) {
        struct handover h;
        struct err e = ERR_NONE;
        mem_fail_at(nth);
        rc = handover_make(&h, s, a.v, b.v, &opts, &e);
        mem_fail_at(-1);
        if (rc < 0)
            assert_int_equal(e.code, ERR_NOMEM);
        else
            handover_release(&h);
        assert_int_equal(mem_live(), live);
    }
    run_list_release(&a);
    run_list_release(&b);
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_curve_goes_from_the_small_model_to_the_large_one),
        cmocka_unit_test(areas_are_those_of_the_trapezoids),
        cmocka_unit_test(a_signal_captures_what_it_knows_and_noise_nothing),
        cmocka_unit_test(a_promise_is_broken_as_seldom_as_it_says),
        cmocka_unit_test(an_areas_interval_covers_the_populations),
        cmocka_unit_test(a_promise_holds_on_items_it_has_not_seen),
        cmocka_unit_test(a_promise_that_cannot_be_kept_is_not_given),
        cmocka_unit_test(logistic_weights_are_the_penalised_likelihoods),
        cmocka_unit_test(logistic_weights_of_like_columns_settle),
        cmocka_unit_test(a_held_out_chance_does_not_know_its_own_answer),
        cmocka_unit_test(separable_and_constant_columns_have_an_answer),
        cmocka_unit_test(runs_are_handed_over_by_the_small_models_likelihoods),
        cmocka_unit_test(every_signal_of_a_model_that_knows_what_it_knows_gains),
        cmocka_unit_test(an_answer_is_the_option_wherever_it_stands),
        cmocka_unit_test(repeats_of_something_else_are_refused),
        cmocka_unit_test(every_refused_allocation_is_an_error),
    };

    return RUN(tests);
}
