/* What a gate makes of differences: every number of a check, every sentence, and what differs
 * between two runs besides.  Pairs are made by hand. */
#include "tests/test.h"

#include "base/mem.h"
#include "harness/stats_dist.h"
#include "harness/stats_power.h"
#include "tests/gate_decided.h"

#define Z95 1.6448536269514722 /* Phi^-1(0.95) */

enum { MOST = 600, TASKS = 3 };

struct lab {
    struct run_row a, b;
    struct task_row rows[TASKS];
    struct pair v[MOST];
    struct pair_task tasks[TASKS];
    struct pairs pairs;
    struct gate_input in;
    struct decided made;
};

/* n items of each task, all right in both runs. */
static void lab_make(struct lab *l, size_t n_tasks, size_t n)
{
    static const char *const names[TASKS] = {"mmlu_anatomy", "mmlu_virology", "arc_easy"};

    memset(l, 0, sizeof *l);
    l->a = (struct run_row){.id = "aaaaaaaa", .kind = "eval", .status = "complete",
                            .settings = "{}"};
    l->b = l->a;
    strcpy(l->b.id, "bbbbbbbb");
    for (size_t t = 0; t < n_tasks; t++) {
        l->rows[t] = (struct task_row){.task = names[t]};
        l->tasks[t] = (struct pair_task){.task = names[t], .metric = "acc", .filter = "none",
                                         .a = &l->rows[t], .b = &l->rows[t], .v = l->v + t * n,
                                         .n = n};
        for (size_t i = 0; i < n; i++)
            l->tasks[t].v[i] = (struct pair){.first = i, .a = {1, 1, NAN, 1}, .b = {1, 1, NAN, 1}};
    }
    l->pairs = (struct pairs){.tasks = l->tasks, .n_tasks = n_tasks, .n = n * n_tasks,
                              .a_tasks = {.v = l->rows, .n = n_tasks}};
    l->in = (struct gate_input){&l->a, &l->b, &l->pairs, NULL, 0};
}

static void change(struct pair *v, size_t n, double a, double b)
{
    for (size_t i = 0; i < n; i++) {
        v[i].a.credit = a;
        v[i].b.credit = b;
    }
}

static const struct gate_check *decide(struct lab *l, const char *policy)
{
    return decided(&l->made, &l->in, policy);
}

static void names_units_and_statuses(void **state)
{
    static const char *const verdicts[] = {"PASS", "INCONCLUSIVE", "INVALID", "FAIL"};
    static const int statuses[] = {0, 2, 3, 1};
    static const char *const quantities[][2] = {{"accuracy", "share"}, {"likelihood", "nats/byte"},
                                                {"latency", "ratio"}, {"memory", "ratio"},
                                                {"energy", "ratio"}};

    (void)state;
    for (int v = 0; v < 4; v++) {
        assert_string_equal(verdict_name((enum verdict)v), verdicts[v]);
        assert_int_equal(verdict_status((enum verdict)v), statuses[v]);
    }
    for (int q = 0; q < 5; q++) {
        assert_string_equal(gate_quantity_name((enum gate_quantity)q), quantities[q][0]);
        assert_string_equal(gate_quantity_unit((enum gate_quantity)q), quantities[q][1]);
    }
}

static void the_rule_at_its_very_limits(void **state)
{
    static const struct {
        struct gate_numbers x;
        enum verdict verdict;
    } rows[] = {
        {{-.5, -.5, .5, .5, 1, 1, .05}, VERDICT_INCONCLUSIVE},    /* low = -margin */
        {{-.5, -.75, -.5, .5, 1, 1, .05}, VERDICT_INCONCLUSIVE},  /* high = -margin */
        {{-.25, -.75, 0, .5, .25, .05, .05}, VERDICT_FAIL},       /* p = alpha, loss = practical */
        {{-.25, -.75, 0, .5, .26, .05, .05}, VERDICT_INCONCLUSIVE},
        {{-.25, -.75, 0, .5, .25, .0501, .05}, VERDICT_INCONCLUSIVE},
        {{.25, -.75, 0, .5, .25, .01, .05}, VERDICT_INCONCLUSIVE}, /* a gain is no loss */
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(gate_rule(&rows[i].x), rows[i].verdict);
}

static void accuracy_of_right_and_wrong_items(void **state)
{
    struct lab l;
    const struct gate_check *c;

    (void)state;
    lab_make(&l, 1, 400);
    change(l.v, 12, 1, 0);
    change(l.v + 12, 4, 0, 1);
    c = decide(&l, "{\"accuracy\":{\"margin\":0.05,\"task_margin\":0.06}}");
    assert_int_equal(l.made.gate.n_checks, 2);
    for (int i = 0; i < 2; i++, c++) {
        assert_true(c->quantity == GATE_ACCURACY && c->n == 400 && c->n_clusters == 400);
        assert_true(c->alone == 0 && c->lost == 12 && c->won == 4 && c->design_effect == 1);
        assert_close(c->a, .99, 1e-14);
        assert_close(c->b, .97, 1e-14);
        assert_close(c->estimate, -.02, 1e-12);
        assert_close(c->conf, .9, 1e-14);
        assert_true(c->margin == (i ? .06 : .05) && c->practical == .005);
        /* P(X >= 12), X ~ Bin(16, 1/2): 2517 of 65536, of twelve alone half of 1820 */
        assert_close(c->p_loss, (2517 - 910) / 65536., 1e-12);
        assert_close(c->p_exact, 2 * 2517 / 65536., 1e-12);
        /* Holm: the same two */
        assert_close(c->p_adjusted, 2 * c->p_loss, 1e-12);
        assert_close(c->mde, power_noninferiority_margin(.04, 400, .05, .8), 1e-12);
        assert_close(c->n_needed,
                     ceil(power_noninferiority_items(.04, c->margin, 0, .05, .8)), 1e-15);
        assert_true(c->p_margin > 0 && c->p_margin < .05);
        assert_true(isnan(c->floor) && isnan(c->spread) && !c->levels);
    }
    c = l.made.gate.checks;
    assert_null(c[0].task);
    assert_null(c[0].metric);
    assert_string_equal(c[1].task, "mmlu_anatomy");
    assert_string_equal(c[1].metric, "acc");
    assert_string_equal(c[1].filter, "none");
    decided_end(&l.made);
}

/* Without discordant items the score interval ends at z^2 / (n + z^2). */
static void equal_answers_promise_no_more_than_the_interval(void **state)
{
    static const double z2 = Z95 * Z95;
    struct lab l;
    const struct gate_check *c;

    (void)state;
    lab_make(&l, 1, 150);
    c = decide(&l, "{\"accuracy\":{\"margin\":0.04}}");
    assert_close(c->mde, z2 / (150 + z2), 1e-9);
    assert_close(c->n_needed, ceil(z2 * 24), 1e-15);
    says(c, VERDICT_PASS, "+0.00 points, at worst -1.77 points: within the margin of 4.00 points");
    assert_string_equal(l.made.gate.reason, "all 1 checks are within their margins");
    for (size_t i = 0; i < 150; i++)
        l.v[i].first = i - i % 3;
    l.tasks[0].clustered = 1; /* fifty clusters, of which each counts as one item */
    c = decide(&l, "{\"accuracy\":{\"margin\":0.04}}");
    assert_true(c->n == 150 && c->n_clusters == 50 && c->design_effect == 3);
    assert_close(c->mde, z2 / (50 + z2), 1e-9);
    assert_close(c->n_needed, ceil(3 * z2 * 24), 1e-15);
    says(c, VERDICT_INCONCLUSIVE,
         "+0.00 points: 150 items show no loss below 5.13 points; about 195 would decide");
    assert_string_equal(l.made.gate.reason,
                        "accuracy: +0.00 points: 150 items show no loss below 5.13 "
                                       "points; about 195 would decide");
    decided_end(&l.made);
}

/* k discordant items reach 2^-k / 2 at best (mid-p): where alpha is below that they are no test. */
static void too_few_discordant_items_are_no_test(void **state)
{
    static const struct {
        const char *alpha;
        size_t lost;
        int tested;
    } rows[] = {{"0.05", 3, 0}, {"0.05", 4, 1}, {"0.03125", 4, 1}, {"0.0312", 4, 0}};
    struct lab l;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        char policy[80];
        lab_make(&l, 1, 100);
        change(l.v, rows[i].lost, 1, 0);
        snprintf(policy, sizeof policy, "{\"alpha\":%s,\"accuracy\":{\"margin\":0.04}}",
                 rows[i].alpha);
        assert_int_equal(!isnan(decide(&l, policy)->p_loss), rows[i].tested);
        decided_end(&l.made);
    }
}

static void credits_between_nought_and_one_are_means(void **state)
{
    struct lab l;
    const struct gate_check *c;
    double z = Z95 + .8416212335729143, se;

    (void)state;
    lab_make(&l, 1, 100);
    change(l.v, 50, .5, .25); /* half the items lose a quarter */
    c = decide(&l, "{\"accuracy\":{\"margin\":0.2}}");
    se = .125 / sqrt(99); /* sd of the differences over sqrt n */
    assert_close(c->estimate, -.125, 1e-12);
    assert_close(c->mde, z * se, 1e-9);
    assert_close(c->n_needed, ceil(100 * pow(z * se / .2, 2)), 1e-15);
    assert_close(c->low, -.125 - dist_t_quantile(.95, 99) * se, 1e-9);
    assert_close(c->p_margin, dist_t_sf(.075 / se, 99), 1e-6);
    assert_true(c->p_loss < 1e-6 && isnan(c->p_exact));
    decided_end(&l.made);
}

static void set_nats(struct lab *l, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        l->v[i].a.nats_per_byte = -1;
        l->v[i].b.nats_per_byte = i % 2 ? -1.03 : -1.01; /* -.02 with an sd of .01 */
    }
}

static void likelihood_is_a_mean_of_differences(void **state)
{
    static const char *const policy = "{\"likelihood\":{\"margin\":0.05,\"task_margin\":0.02}}";
    struct lab l;
    const struct gate_check *c;
    double z = Z95 + .8416212335729143, se = .01 / sqrt(99);

    (void)state;
    lab_make(&l, 1, 100);
    set_nats(&l, 100);
    c = decide(&l, policy);
    assert_int_equal(l.made.gate.n_checks, 2);
    assert_true(c->quantity == GATE_LIKELIHOOD && c->n == 100 && c->n_clusters == 100);
    assert_close(c->a, -1, 1e-12);
    assert_close(c->b, -1.02, 1e-12);
    assert_close(c->estimate, -.02, 1e-9);
    assert_close(c->low, -.02 - dist_t_quantile(.95, 99) * se, 1e-9);
    assert_close(c->high, -.02 + dist_t_quantile(.95, 99) * se, 1e-9);
    assert_close(c->mde, z * se, 1e-9);
    assert_close(c->n_needed, ceil(100 * pow(z * se / .05, 2)), 1e-15);
    assert_close(c->p_margin, dist_t_sf(.03 / se, 99), 1e-6);
    assert_true(c->practical == .002 && c->p_loss < 1e-9 && isnan(c->lost));
    assert_close(c->conf, .9, 1e-14);
    says(c, VERDICT_PASS,
         "-0.0200 nats/byte, at worst -0.0217 nats/byte: within the margin of 0.0500 nats/byte");
    /* at its own margin, but no chance: 4e-36, times 2 */
    assert_true(c[1].margin == .02 && c[1].verdict == VERDICT_FAIL);
    assert_string_equal(c[1].task, "mmlu_anatomy");
    assert_non_null(strstr(c[1].reason, "-0.0200 nats/byte, a loss that is no chance (p "));
    assert_non_null(strstr(c[1].reason, " after correction)"));
    assert_non_null(strstr(l.made.gate.reason, "likelihood of mmlu_anatomy: -0.0200 nats"));
    c = decide(&l, "{\"likelihood\":{\"margin\":0.01}}");
    says(c, VERDICT_FAIL,
         "-0.0200 nats/byte, at best -0.0183 nats/byte: beyond the margin of 0.0100 nats/byte");
    decided_end(&l.made);
}

static void a_number_in_one_run_only_is_not_compared(void **state)
{
    struct lab l;
    const struct gate_check *c;

    (void)state;
    lab_make(&l, 1, 100);
    set_nats(&l, 100);
    l.v[7].b.nats_per_byte = NAN;
    l.v[3].a.credit = l.v[4].a.credit = NAN;
    c = decide(&l, "{\"accuracy\":{\"margin\":0.5},\"likelihood\":{\"margin\":0.05}}");
    says(&c[0], VERDICT_INVALID, "2 items have in only one of the runs a number, 98 in both");
    says(&c[1], VERDICT_INVALID, "1 item has in only one of the runs a number, 99 in both");
    assert_true(c[0].alone == 2 && c[1].alone == 1);
    assert_int_equal(l.made.gate.verdict, VERDICT_INVALID);
    assert_string_equal(l.made.gate.reason,
                        "accuracy: 2 items have in only one of the runs a number, "
                                       "98 in both (and more)");
    decided_end(&l.made);
    lab_make(&l, 1, 4);
    for (int i = 0; i < 4; i++)
        l.v[i].a.credit = l.v[i].b.credit = NAN;
    decide(&l, "{\"accuracy\":{\"margin\":0.5},\"likelihood\":{\"margin\":0.05}}");
    assert_int_equal(l.made.gate.n_checks, 0); /* nothing that could be right, or likely */
    assert_int_equal(l.made.gate.verdict, VERDICT_INVALID);
    assert_string_equal(l.made.gate.reason, "nothing that the policy asks about was measured");
    decided_end(&l.made);
    lab_make(&l, 1, 2); /* as many items in both runs as in one */
    set_nats(&l, 2);
    l.v[0].a.nats_per_byte = l.v[0].a.credit = NAN;
    c = decide(&l, "{\"accuracy\":{\"margin\":0.5},\"likelihood\":{\"margin\":0.05}}");
    assert_int_equal(l.made.gate.n_checks, 2);
    says(&c[0], VERDICT_INVALID, "1 item has in only one of the runs a number, 1 in both");
    says(&c[1], VERDICT_INVALID, "1 item has in only one of the runs a number, 1 in both");
    decided_end(&l.made);
    lab_make(&l, 1, 1); /* one item: no spread */
    set_nats(&l, 1);
    says(decide(&l, "{\"likelihood\":{\"margin\":0.05}}"), VERDICT_INCONCLUSIVE,
         "too few independent items for an interval");
    assert_true(isnan(l.made.gate.checks[0].p_margin));
    decided_end(&l.made);
}

static void few_items_fail_only_when_plainly_lost(void **state)
{
    struct lab l;
    const struct gate_check *c;

    (void)state;
    lab_make(&l, 1, 50);
    c = decide(&l, "{\"accuracy\":{\"margin\":0.2},\"minimum_items\":51}");
    says(c, VERDICT_INCONCLUSIVE, "50 items, the policy asks for 51; they show no loss below 5.13 "
                                  "points; about 51 would decide");
    assert_true(c->n_needed == 51);
    says(decide(&l, "{\"accuracy\":{\"margin\":0.2},\"minimum_items\":50}"), VERDICT_PASS,
         "+0.00 points, at worst -5.13 points: within the margin of 20.00 points");
    change(l.v, 30, 1, 0); /* far beyond, and no chance */
    assert_int_equal(decide(&l, "{\"accuracy\":{\"margin\":0.2}}")->verdict, VERDICT_FAIL);
    decided_end(&l.made);
    lab_make(&l, 1, 5); /* the interval is beyond, but of three items nothing is proved */
    change(l.v, 3, 1, 0);
    c = decide(&l, "{\"accuracy\":{\"margin\":0.01}}");
    assert_int_equal(c->verdict, VERDICT_INCONCLUSIVE);
    decided_end(&l.made);
    lab_make(&l, 1, 20); /* likelihood has no such doubt */
    set_nats(&l, 20);
    assert_int_equal(decide(&l, "{\"likelihood\":{\"margin\":0.01}}")->verdict, VERDICT_FAIL);
    decided_end(&l.made);
}

static void tasks_and_groups_have_margins_of_their_own(void **state)
{
    static const char *const policy =
        "{\"accuracy\":{\"margin\":0.5,\"task_margin\":0.25,\"practical\":0.125},\"tasks\":{"
        "\"mmlu_virology\":{\"margin\":0.75},\"arc_easy\":{\"practical\":0.0625},"
        "\"mmlu\":{\"margin\":0.375,\"practical\":0.5}},\"minimum_items\":1}";
    static const struct {
        const char *task;
        double margin, practical;
        size_t n;
    } rows[] = {{NULL, .5, .125, 60}, {"mmlu_anatomy", .25, .125, 20},
                {"mmlu_virology", .75, .125, 20}, {"arc_easy", .25, .0625, 20},
                {"mmlu", .375, .5, 40}};
    struct lab l;
    const struct gate_check *c;

    (void)state;
    lab_make(&l, 3, 20);
    c = decide(&l, policy);
    assert_int_equal(l.made.gate.n_checks, 5);
    for (int i = 0; i < 5; i++) {
        assert_true(!rows[i].task == !c[i].task);
        if (rows[i].task)
            assert_string_equal(c[i].task, rows[i].task);
        assert_true(c[i].margin == rows[i].margin && c[i].practical == rows[i].practical);
        assert_int_equal(c[i].n, rows[i].n);
        assert_true(c[i].verdict == VERDICT_PASS);
    }
    assert_string_equal(l.made.gate.reason, "all 5 checks are within their margins");
    c = decide(&l, "{\"accuracy\":{\"task_margin\":0.25,\"practical\":0.125},\"tasks\":{"
                   "\"mmlu\":{}},\"minimum_items\":1}");
    assert_int_equal(l.made.gate.n_checks, 4); /* three tasks and the group, with the usual rules */
    assert_string_equal(c[3].task, "mmlu");
    assert_true(c[3].margin == .25 && c[3].practical == .125);
    decided_end(&l.made);
}

static void the_worst_check_is_the_verdict(void **state)
{
    struct lab l;

    (void)state;
    lab_make(&l, 3, 200);
    change(l.tasks[1].v, 40, 1, 0);
    decide(&l, "{\"accuracy\":{\"margin\":0.5,\"task_margin\":0.05}}");
    assert_int_equal(l.made.gate.verdict, VERDICT_FAIL);
    assert_memory_equal(l.made.gate.reason, "accuracy of mmlu_virology: -20.00 points, at best ",
                        50);
    assert_null(strstr(l.made.gate.reason, "(and more)"));
    change(l.tasks[2].v, 40, 1, 0);
    decide(&l, "{\"accuracy\":{\"margin\":0.5,\"task_margin\":0.05}}");
    assert_non_null(strstr(l.made.gate.reason, "accuracy of mmlu_virology: "));
    assert_non_null(strstr(l.made.gate.reason, "points (and more)"));
    assert_int_equal(l.made.gate.look, 1);
    decided_end(&l.made);
}

/* --- what may be compared -------------------------------------------------------------------- */

static void each_difference_has_its_name_and_weight(void **state)
{
    static const char *const text =
        "{\"energy\":{\"margin\":1},\"environment\":{\"forbid\":[\"numerics\",\"machine.ram\"],"
        "\"forbid_for_timing\":[\"kernels\",\"machine\"]}}";
    static const struct env_difference wanted[] = {
        {"program", "1", "2", ENV_NOTED}, {"numerics", "exact/1", NULL, ENV_FORBIDS},
        {"kernels", "avx2", "ref", ENV_FORBIDS_TIMING}, {"device", NULL, "cpu", ENV_NOTED},
        {"threads", "2", "4", ENV_NOTED}, {"seed", "1", "-9000000000", ENV_NOTED},
        {"settings", "{}", "{\"a\":1}", ENV_NOTED}, {"model", "s1", "s2", ENV_NOTED},
        {"machine", "box", "pad", ENV_FORBIDS_TIMING}, {"machine.cpu", "x", "y", ENV_NOTED},
        {"machine.ram", "1.5", "2", ENV_FORBIDS}, {"machine.smt", "true", "false", ENV_NOTED},
        {"machine.gov", "p", NULL, ENV_NOTED}, {"machine.mit.a", "on", "off", ENV_NOTED},
    };
    struct run_row a = {.program_version = "1", .numerics_id = "exact/1", .kernels = "avx2",
                        .threads = 2, .seed = 1, .settings = "{}", .model = {.sha256 = "s1"},
                        .machine_hash = "h1", .machine_name = "box"};
    struct run_row b = {.program_version = "2", .kernels = "ref", .device = "cpu", .threads = 4,
                        .seed = -9000000000, .settings = "{\"a\":1}", .model = {.sha256 = "s2"},
                        .machine_hash = "h2", .machine_name = "pad"};
    struct gate_policy p;
    struct env env;

    (void)state;
    a.machine_json = "{\"cpu\":\"x\",\"ram\":1.5,\"smt\":true,\"gov\":\"p\",\"no\":null,"
                     "\"mit\":{\"a\":\"on\",\"deep\":{\"z\":1}},\"same\":1}";
    b.machine_json = "{\"cpu\":\"y\",\"ram\":2,\"smt\":false,\"gov\":[1],\"no\":null,\"more\":1,"
                     "\"mit\":{\"a\":\"off\",\"deep\":{\"z\":2}},\"same\":1}";
    assert_int_equal(gate_policy_parse(&p, text, strlen(text), "p", NULL), 0);
    assert_int_equal(env_compare(&env, &a, &b, &p, NULL), 0);
    assert_int_equal(env.n, sizeof wanted / sizeof wanted[0]);
    for (size_t i = 0; i < env.n; i++) {
        const struct env_difference *d = &env.v[i], *w = &wanted[i];
        assert_string_equal(d->key, w->key);
        assert_string_equal(d->a ? d->a : "(none)", w->a ? w->a : "(none)");
        assert_string_equal(d->b ? d->b : "(none)", w->b ? w->b : "(none)");
        assert_int_equal(d->effect, w->effect);
    }
    assert_true(env.worst == ENV_FORBIDS && !env.noisy && !env.invalid && !env.reasons);
    env_release(&env);
    assert_int_equal(env_compare(&env, &a, &a, &p, NULL), 0);
    assert_true(env.n == 0 && env.worst == ENV_NOTED);
    env_release(&env);
    b = a; /* one name, but another machine */
    a.machine_hash = "0123456789abcdef";
    b.machine_hash = "0123456789aXcdef";
    b.machine_json = NULL;
    assert_int_equal(env_compare(&env, &a, &b, &p, NULL), 0);
    assert_true(env.n == 1 && env.worst == ENV_FORBIDS_TIMING);
    assert_string_equal(env.v[0].key, "machine");
    assert_string_equal(env.v[0].a, "0123456789ab");
    assert_string_equal(env.v[0].b, "0123456789aX");
    env_release(&env);
    a.machine_json = NULL;
    b.machine_json = "{}";
    b.machine_hash = NULL; /* not known is a value */
    b.device = "cpu";
    assert_int_equal(env_compare(&env, &a, &b, &p, NULL), 0);
    assert_int_equal(env.n, 2);
    assert_string_equal(env.v[0].key, "device");
    assert_string_equal(env.v[1].b, "");
    env_release(&env);
    a.machine_json = "{";
    assert_int_equal(env_compare(&env, &a, &b, &p, NULL), -1);
    a.machine_json = "{}";
    b.noise_after = "{";
    assert_int_equal(env_compare(&env, &a, &b, &p, NULL), -1);
    assert_int_equal(env_compare(&env, &b, &a, &p, NULL), -1);
    gate_policy_release(&p);
    assert_int_equal(mem_live(), 0);
}

static void a_machine_is_quiet_until_it_says_otherwise(void **state)
{
    static const struct {
        const char *noise;
        int noisy, invalid;
        const char *reasons;
    } rows[] = {
        {NULL, 0, 0, NULL}, {"{\"quiet\":true,\"reasons\":\"r\"}", 0, 0, NULL},
        {"{}", 0, 0, NULL}, {"{\"quiet\":false}", 1, 0, "which: not quiet"},
        {"{\"quiet\":false,\"reasons\":\"r\"}", 1, 0, "which: r"},
        {"{\"quiet\":true,\"invalid\":true,\"reasons\":\"\"}", 0, 1, "which: not quiet"},
    };
    int quiet = -1;
    struct env env;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct run_row r = {.id = "12345678", .noise_after = rows[i].noise};
        env = (struct env){0};
        assert_int_equal(env_add_noise(&env, "which", &r, NULL), 0);
        assert_true(env.noisy == rows[i].noisy && env.invalid == rows[i].invalid);
        assert_string_equal(env.reasons ? env.reasons : "", rows[i].reasons ? rows[i].reasons : "");
        assert_int_equal(env_quiet(&r, &quiet, NULL), 0);
        assert_int_equal(quiet, !rows[i].noisy && !rows[i].invalid);
        if (rows[i].reasons) { /* the first that speaks is heard */
            assert_int_equal(env_add_noise(&env, "later", &r, NULL), 0);
            assert_string_equal(env.reasons, rows[i].reasons);
        }
        env_release(&env);
    }
    assert_int_equal(mem_live(), 0);
}

static void runs_are_compared_only_when_they_may_be(void **state)
{
    static const char *const policy = "{\"accuracy\":{\"margin\":0.5},\"environment\":{"
                                      "\"forbid\":[\"settings\",\"device\"]}}";
    struct run_row repeat;
    struct gate_process processes[4];
    struct lab l;

    (void)state;
    lab_make(&l, 1, 100);
    l.b.device = "cuda";
    decide(&l, policy);
    assert_true(l.made.gate.verdict == VERDICT_INVALID && l.made.gate.n_checks == 0);
    assert_string_equal(l.made.gate.reason, "device differs: unknown in the baseline, cuda in the "
                                       "candidate");
    l.b.device = NULL;
    l.a.status = "interrupted";
    l.a.n_items = 3, l.a.n_expected = 9;
    decide(&l, policy);
    assert_true(l.made.gate.verdict == VERDICT_INVALID && l.made.gate.n_checks == 0);
    assert_non_null(strstr(l.made.gate.reason, "aaaaaaaa"));
    l.a.status = "complete";
    l.b.status = "failed";
    decide(&l, policy);
    assert_true(l.made.gate.verdict == VERDICT_INVALID && l.made.gate.n_checks == 0);
    l.b.status = "complete";
    repeat = l.b;
    repeat.noise_after = "{\"quiet\":false,\"reasons\":\"busy\"}";
    for (int i = 0; i < 4; i++)
        processes[i] = (struct gate_process){.run = i == 0 ? &l.a : i == 1 ? &l.b : &repeat,
                                             .candidate = i != 0, .earlier = 1};
    l.in.processes = processes;
    l.in.n_processes = 4;
    decide(&l, policy);
    assert_true(l.made.gate.verdict == VERDICT_PASS && !l.made.gate.env.noisy); /* earlier: none */
    processes[3].earlier = 0;
    decide(&l, policy);
    assert_true(l.made.gate.env.noisy);
    assert_string_equal(l.made.gate.env.reasons, "a run of the candidate: busy");
    processes[3].candidate = 0;
    decide(&l, policy);
    assert_string_equal(l.made.gate.env.reasons, "a run of the baseline: busy");
    decided_end(&l.made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_units_and_statuses),
        cmocka_unit_test(the_rule_at_its_very_limits),
        cmocka_unit_test(accuracy_of_right_and_wrong_items),
        cmocka_unit_test(equal_answers_promise_no_more_than_the_interval),
        cmocka_unit_test(too_few_discordant_items_are_no_test),
        cmocka_unit_test(credits_between_nought_and_one_are_means),
        cmocka_unit_test(likelihood_is_a_mean_of_differences),
        cmocka_unit_test(a_number_in_one_run_only_is_not_compared),
        cmocka_unit_test(few_items_fail_only_when_plainly_lost),
        cmocka_unit_test(tasks_and_groups_have_margins_of_their_own),
        cmocka_unit_test(the_worst_check_is_the_verdict),
        cmocka_unit_test(each_difference_has_its_name_and_weight),
        cmocka_unit_test(a_machine_is_quiet_until_it_says_otherwise),
        cmocka_unit_test(runs_are_compared_only_when_they_may_be),
    };

    return RUN(tests);
}
