/* Does a verdict keep its promises?  Gates simulated from end to end but for the store: three
 * tasks, one of them in clusters whose items change together.  DENSIMETER_SIMULATIONS sets how many;
 * tolerances are three standard errors of that many. */
#include "tests/test.h"

#include "base/mem.h"
#include "base/splitmix.h"
#include "harness/gate.h"
#include "harness/stats_dist.h"
#include "harness/stats_power.h"

enum { TASKS = 3, ITEMS = 900 };

static const struct shape {
    const char *task;
    size_t n, cluster; /* items of a cluster; 1: none */
    double changing;   /* share of items whose answer differs between two equal models */
} shapes[TASKS] = {{"choice", 400, 1, .06}, {"reading", 300, 5, .08}, {"number", 200, 1, .1}};

static uint64_t rng = 20261126;

static double uniform(void)
{
    return (double)(splitmix64_next(&rng) >> 11) * 0x1p-53;
}

static int simulations(void)
{
    const char *n = getenv("DENSIMETER_SIMULATIONS");

    return n ? atoi(n) : 10000;
}

/* Three standard errors of a share p over the simulations. */
static double slack(double p)
{
    return 3 * sqrt(p * (1 - p) / simulations());
}

struct simulated {
    struct pair v[ITEMS];
    struct pair_task tasks[TASKS];
    struct task_row rows[TASKS];
    struct pairs pairs;
};

/* Credits and likelihoods of one item: equal models differ by chance, and `loss` more is lost. */
static void draw_pair(struct pair *p, double changing, double loss, double shift, double mood)
{
    double u = uniform(), lost = changing / 2 + loss / 2, won = changing / 2 - loss / 2;

    p->a.credit = p->b.credit = uniform() < .6;
    if (mood >= 0)
        u = uniform() < .5 ? mood : u; /* every second item follows its cluster */
    if (u < lost) {
        p->a.credit = 1;
        p->b.credit = 0;
    } else if (u < lost + won) {
        p->a.credit = 0;
        p->b.credit = 1;
    }
    p->a.nats_per_byte = -1;
    p->b.nats_per_byte = -1 + shift + .05 * (uniform() + uniform() + uniform() - 1.5);
    p->a.latency_s = p->b.latency_s = NAN;
}

static void simulate(struct simulated *s, double loss, double shift)
{
    size_t at = 0;

    s->pairs = (struct pairs){.tasks = s->tasks, .n_tasks = TASKS, .n = ITEMS};
    for (int t = 0; t < TASKS; t++) {
        const struct shape *k = &shapes[t];
        double mood = 0;
        s->rows[t] = (struct task_row){.task = k->task};
        s->tasks[t] = (struct pair_task){.task = k->task, .metric = "acc", .filter = "none",
                                         .a = &s->rows[t], .b = &s->rows[t], .v = s->v + at,
                                         .n = k->n, .clustered = k->cluster > 1};
        for (size_t i = 0; i < k->n; i++) {
            if (i % k->cluster == 0)
                mood = uniform();
            s->v[at + i] = (struct pair){.first = i - i % k->cluster};
            draw_pair(&s->v[at + i], k->changing, loss, shift, k->cluster > 1 ? mood : -1);
        }
        at += k->n;
    }
}

static const struct run_row run = {
    .id = "00000000", .status = "complete", .settings = "{}", .numerics_id = "exact/1",
    .device = "cpu", .model = {.name = "m", .sha256 = "s"}, .machine_hash = "h",
};

static struct gate_policy policy_of(const char *text)
{
    struct gate_policy p;
    struct err e = ERR_NONE;

    if (gate_policy_parse(&p, text, strlen(text), "policy", &e) < 0)
        fail_msg("%s", e.text);
    return p;
}

struct tally {
    double fail, pass, overall_pass, nats_pass; /* shares of the gates */
};

static struct tally run_gates(const struct gate_policy *p, double loss, double shift)
{
    struct tally t = {0, 0, 0, 0};
    double one = 1. / simulations();
    struct simulated *s = mem_calloc(1, sizeof *s);

    assert_non_null(s);
    for (int k = 0; k < simulations(); k++) {
        struct gate_input in = {.a = &run, .b = &run, .pairs = &s->pairs};
        struct gate g;
        simulate(s, loss, shift);
        assert_int_equal(gate_decide(&g, &in, p, 1, NULL), 0);
        t.fail += one * (g.verdict == VERDICT_FAIL);
        t.pass += one * (g.verdict == VERDICT_PASS);
        for (size_t i = 0; i < g.n_checks; i++) {
            if (g.checks[i].task || g.checks[i].verdict != VERDICT_PASS)
                continue;
            *(g.checks[i].quantity == GATE_ACCURACY ? &t.overall_pass : &t.nats_pass) += one;
        }
        gate_release(&g);
    }
    mem_free(s);
    return t;
}

static const char *const whole = "{\"accuracy\":{\"margin\":0.02,\"task_margin\":0.06,"
                                 "\"practical\":0.005},\"likelihood\":{\"margin\":0.004,"
                                 "\"task_margin\":0.01,\"practical\":0.001}}";

static void equal_models_fail_no_more_often_than_alpha(void **state)
{
    struct gate_policy p = policy_of(whole);
    struct tally t = run_gates(&p, 0, 0);

    (void)state;
    print_message("          equal models: %.4f FAIL, %.4f PASS\n", t.fail, t.pass);
    assert_true(t.fail <= .05 + slack(.05));
    assert_true(t.pass > .3);
    gate_policy_release(&p);
}

static void models_at_the_margin_pass_no_more_often_than_alpha(void **state)
{
    struct gate_policy p = policy_of(whole);
    struct tally t = run_gates(&p, .02, -.004);

    (void)state;
    print_message("          at the margin: accuracy passes %.4f, likelihood %.4f, all %.4f\n",
                  t.overall_pass, t.nats_pass, t.pass);
    assert_true(t.overall_pass <= .05 + slack(.05));
    assert_true(t.nats_pass <= .05 + slack(.05));
    assert_true(t.pass <= .05);
    gate_policy_release(&p);
}

static void three_looks_spend_no_more_than_one(void **state)
{
    struct gate_policy p = policy_of("{\"looks\":3,\"accuracy\":{\"margin\":0.02}}");
    struct tally t = run_gates(&p, .02, 0);

    (void)state;
    assert_close(gate_policy_alpha(&p), .05 / 3, 1e-12);
    assert_true(t.overall_pass <= .05 / 3 + slack(.05 / 3));
    gate_policy_release(&p);
}

/* lost and won of n independent items */
static struct discordant draw_items(double n, double psi, double difference)
{
    struct discordant d = {0, 0, n};

    for (double i = 0; i < n; i++) {
        double u = uniform();
        d.lost += u < psi / 2 - difference / 2;
        d.won += u >= psi / 2 - difference / 2 && u < psi;
    }
    return d;
}

static void the_smallest_effect_is_seen_as_often_as_promised(void **state)
{
    double mde = power_mcnemar_mde(.1, 1319, .05, .8), seen = 0;
    int n = simulations();

    (void)state;
    for (int k = 0; k < n; k++) {
        struct discordant d = draw_items(1319, .1, -mde);
        seen += stats_mcnemar(d).mid_p <= .05;
    }
    print_message("          a loss of %.2f points is seen in %.4f\n", 100 * mde, seen / n);
    assert_true(fabs(seen / n - .8) <= .02);
}

static void the_items_that_decide_do_decide_as_often_as_promised(void **state)
{
    double margin = .02, n = ceil(power_noninferiority_items(.1, margin, 0, .05, .8)), shown = 0;
    int k;

    (void)state;
    for (k = 0; k < simulations(); k++) {
        struct discordant d = draw_items(n, .1, 0);
        shown += stats_noninferiority(d, margin).p <= .05;
    }
    print_message("          %.0f items show an equal candidate in %.4f\n", n, shown / k);
    assert_true(fabs(shown / k - .8) <= .02);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_models_fail_no_more_often_than_alpha),
        cmocka_unit_test(models_at_the_margin_pass_no_more_often_than_alpha),
        cmocka_unit_test(three_looks_spend_no_more_than_one),
        cmocka_unit_test(the_smallest_effect_is_seen_as_often_as_promised),
        cmocka_unit_test(the_items_that_decide_do_decide_as_often_as_promised),
    };

    return RUN(tests);
}
