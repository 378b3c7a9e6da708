/* Several runs of each side, and earlier runs of the same programs: the process is the unit. */
#include "tests/test.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/splitmix.h"
#include "harness/gate_runs.h"
#include "harness/gate_write.h"
#include "harness/stats_dist.h"
#include "harness/stats_rank.h"
#include "tests/pair_runs.h"

enum { N = 40, MOST = 24 };

static uint64_t rng = 8;

static double uniform(void)
{
    return ((double)(splitmix64_next(&rng) >> 11) + .5) * 0x1p-53;
}

static double normal(void)
{
    return dist_normal_quantile(uniform());
}

/* A stored process of a program: its level is ln of what all its items take longer. */
static void measure(struct store *s, const char *model, double level, const char *noise, double acc,
                    char id[RUN_ID_SIZE])
{
    struct made_item items[N];
    struct made_task t = {"arc_easy", 1, items, N, 1e8, 5 * exp(level)};
    struct made_run r = {.model = model, .noise = noise, .tasks = &t, .n_tasks = 1};

    for (int i = 0; i < N; i++)
        items[i] = (struct made_item){i, i == 3 ? acc : i % 4 != 0, -2 - i % 3, 4,
                                      (.01 + i % 5 * .001) * exp(level + .001 * normal()), NULL};
    make_run(s, &r, id);
}

struct world {
    struct store *s;
    char ids[MOST][RUN_ID_SIZE];
    struct strbuf a, b; /* names of the two sides */
    struct gate_runs runs;
    struct gate_policy policy;
    struct gate gate;
};

static void world_open(struct world *w)
{
    memset(w, 0, sizeof *w);
    assert_int_equal(store_open(&w->s, ":memory:", NULL, NULL), 0);
}

static void world_close(struct world *w)
{
    gate_release(&w->gate);
    gate_runs_release(&w->runs);
    gate_policy_release(&w->policy);
    strbuf_release(&w->a);
    strbuf_release(&w->b);
    store_close(w->s);
    assert_int_equal(mem_live(), 0);
}

/* How much slower the machine was when the last process ran: neighbours in time share it. */
static double weather, change_of_weather;

/* Processes in the order of `pattern`: "ABBA"; lower case letters are not named to the gate. */
static void run_pattern(struct world *w, const char *pattern, double slower, double spread)
{
    for (int i = 0; pattern[i]; i++) {
        int is_b = pattern[i] == 'B' || pattern[i] == 'b', named = pattern[i] < 'a';
        struct strbuf *names = is_b ? &w->b : &w->a;
        weather += change_of_weather * normal();
        measure(w->s, is_b ? "cand" : "base", (is_b ? slower : 0) + weather + spread * normal(),
                NULL, 1, w->ids[i]);
        if (named)
            strbuf_addf(names, "%s%s", names->len ? "," : "", w->ids[i]);
    }
}

static int read_runs(struct world *w, const char *policy, struct err *e)
{
    *e = ERR_NONE;
    if (gate_policy_parse(&w->policy, policy, strlen(policy), "p.json", e) < 0 ||
        gate_runs_find(&w->runs, w->s, strbuf_str(&w->a), strbuf_str(&w->b), e) < 0)
        fail_msg("%s", e->text);
    return gate_runs_read(&w->runs, w->s, &w->policy, e);
}

static const struct gate_check *decide(struct world *w, const char *policy)
{
    struct err e;

    if (read_runs(w, policy, &e) < 0 ||
        gate_decide(&w->gate, &w->runs.in, &w->policy, 1, &e) < 0)
        fail_msg("%s", e.text);
    assert_int_equal(w->gate.checks[0].quantity, GATE_LATENCY);
    return &w->gate.checks[0];
}

static const char *const fine = "{\"latency\":{\"margin\":0.015}}";
static const char *const usual = "{\"latency\":{\"margin\":0.05,\"noise_floor\":0.03}}";

static void three_per_cent_are_found_by_runs_that_alternate(void **state)
{
    struct world w;
    const struct gate_check *c;

    (void)state;
    world_open(&w);
    run_pattern(&w, "ABBAABBAABBAABBAABBA", log(1.03), .005);
    c = decide(&w, fine);
    assert_true(w.gate.alternate);
    assert_int_equal(c->method, PROCESS_PAIRS);
    assert_int_equal(c->verdict, VERDICT_FAIL);
    assert_close(c->estimate, 1.03, .01);
    assert_true(c->floor == 0 && c->n_levels == 20);
    assert_non_null(strstr(w.gate.reason, "latency: +"));
    world_close(&w);
    world_open(&w);
    run_pattern(&w, "ABBAABBAABBAABBAABBA", 0, .005);
    assert_int_equal(decide(&w, fine)->verdict, VERDICT_PASS);
    world_close(&w);
}

static void a_machine_that_drifts_hides_nothing_from_runs_that_alternate(void **state)
{
    struct world w;
    const struct gate_check *c;

    (void)state;
    weather = 0;
    change_of_weather = .03; /* a walk that goes far beyond what is looked for */
    world_open(&w);
    run_pattern(&w, "ABBAABBAABBAABBAABBAABBA", log(1.1), .005);
    c = decide(&w, usual);
    assert_int_equal(c->verdict, VERDICT_FAIL);
    assert_true(c->spread < .06);
    world_close(&w);
    change_of_weather = weather = 0;
}

static void runs_that_do_not_alternate_are_no_surer_than_the_floor(void **state)
{
    struct world w;
    const struct gate_check *c;

    (void)state;
    world_open(&w);
    run_pattern(&w, "AAAAABBBBB", log(1.03), .001); /* the second hour may have been a worse one */
    c = decide(&w, fine);
    assert_false(w.gate.alternate);
    assert_int_equal(c->verdict, VERDICT_INCONCLUSIVE);
    assert_close(c->low, c->estimate / 1.05, 1e-9);
    world_close(&w);
    world_open(&w);
    run_pattern(&w, "AAAAABBBBB", log(1.1), .001);
    assert_int_equal(decide(&w, fine)->verdict, VERDICT_FAIL);
    world_close(&w);
}

static void one_brief_run_decides_only_what_is_plain(void **state)
{
    struct world w;
    const struct gate_check *c;

    (void)state;
    world_open(&w);
    run_pattern(&w, "AB", log(1.3), .001);
    c = decide(&w, usual);
    assert_int_equal(c->method, PROCESS_UNKNOWN);
    assert_true(c->is_brief);
    assert_int_equal(c->verdict, VERDICT_INCONCLUSIVE);
    assert_non_null(strstr(c->reason, "runs of each side that alternate would decide"));
    world_close(&w);
    world_open(&w);
    run_pattern(&w, "AB", 0, .001);
    assert_int_equal(decide(&w, usual)->verdict, VERDICT_INCONCLUSIVE);
    world_close(&w);
    world_open(&w);
    run_pattern(&w, "AB", log(2), .001);
    assert_int_equal(decide(&w, usual)->verdict, VERDICT_FAIL);
    world_close(&w);
    world_open(&w);
    run_pattern(&w, "AB", log(1.1), .001); /* the same run, called long */
    c = decide(&w, "{\"latency\":{\"margin\":0.05,\"noise_floor\":0.03,\"brief_s\":0.1}}");
    assert_int_equal(c->verdict, VERDICT_FAIL);
    world_close(&w);
}

static void earlier_runs_of_a_program_tell_its_spread(void **state)
{
    struct world w;
    const struct gate_check *c;

    (void)state;
    world_open(&w);
    run_pattern(&w, "aaaaaaaaaaABbb", log(1.3), .01);
    c = decide(&w, usual);
    assert_int_equal(c->method, PROCESS_STUDENT);
    assert_true(c->spread_df == 9 + 1);
    assert_true(c->n_levels == 14 && c->spread > .003 && c->spread < .03);
    assert_int_equal(c->verdict, VERDICT_FAIL);
    world_close(&w);
    world_open(&w);
    run_pattern(&w, "aaaaaaaaaaAB", log(1.3), .3); /* here nothing can be said */
    assert_int_equal(decide(&w, usual)->verdict, VERDICT_INCONCLUSIVE);
    world_close(&w);
    world_open(&w); /* a run on a noisy machine tells nothing of a quiet one */
    for (int i = 0; i < 10; i++)
        measure(w.s, "base", i * .1, "{\"quiet\":false,\"invalid\":false}", 1, w.ids[0]);
    run_pattern(&w, "AB", 0, .001);
    assert_int_equal(decide(&w, usual)->method, PROCESS_UNKNOWN);
    world_close(&w);
}

/* A level of one program: every tenth process is slower by up to a fifth. */
static double heavy(void)
{
    return .02 * normal() + (uniform() < .1 ? .2 * uniform() : 0);
}

static void equal_programs_fail_no_more_often_than_promised(void **state)
{
    enum { TRIES = 3000, MOST_RUNS = 20 };
    static const struct {
        size_t named, earlier;
        int paired;
        enum process_method method;
    } rows[] = {{6, 0, 0, PROCESS_RANKS}, {1, 20, 0, PROCESS_STUDENT}, {3, 0, 0, PROCESS_RANKS},
                {2, 6, 0, PROCESS_STUDENT}, {8, 0, 1, PROCESS_PAIRS}, {12, 0, 1, PROCESS_PAIRS}};
    double v[3][MOST_RUNS], differences[MOST_RUNS];

    (void)state;
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        int failed = 0;
        for (int t = 0; t < TRIES; t++) {
            size_t n = rows[k].named;
            const struct process_group groups[PROCESS_GROUPS] = {
                {v[0], n}, {v[1], n}, {v[2], rows[k].earlier}, {NULL, 0},
                {differences, rows[k].paired ? n : 0}};
            struct process_ratio r;
            double drift = 0;
            for (int i = 0; i < MOST_RUNS; i++) {
                drift += rows[k].paired ? .1 * normal() : 0;
                for (int side = 0; side < 3; side++)
                    v[side][i] = drift + heavy();
                differences[i] = v[1][i] - v[0][i];
            }
            assert_int_equal(process_ratio(groups, .9, &r, NULL), 0);
            assert_int_equal(r.method, rows[k].method);
            failed += r.low > 1;
        }
        if (failed > TRIES * (.05 + 3 * sqrt(.05 * .95 / TRIES)) || failed < TRIES * .005)
            fail_msg("row %zu: %d of %d fail", k, failed, TRIES);
    }
}

static void the_needed_runs_are_those_that_decide(void **state)
{
    enum { TRIES = 2000 };
    double margin = .05, v[2][16], differences[16];
    size_t n = (size_t)process_needed(.05, margin, .05, .8);
    int passed[2] = {0};

    (void)state;
    assert_true(process_needed(.02, margin, .05, .8) == 5);   /* 2^5 signs */
    assert_true(process_needed(0, margin, .05 / 3, .8) == 6); /* 2^6 > 60 */
    assert_true(isinf(process_needed(.05, 0, .05, .8)) && isinf(process_needed(NAN, 1, .05, .8)));
    assert_int_equal(n, 16); /* with normal quantiles 2 pi / 3 (2.4865 * .05 / ln 1.05)^2 = 13.6 */
    for (int t = 0; t < TRIES; t++)
        for (int paired = 0; paired < 2; paired++) {
            const struct process_group groups[PROCESS_GROUPS] = {
                {v[0], n}, {v[1], n}, {NULL, 0}, {NULL, 0}, {differences, paired ? n : 0}};
            struct process_ratio r;
            for (size_t i = 0; i < n; i++) {
                for (int k = 0; k < 2; k++)
                    v[k][i] = .05 * normal();
                differences[i] = v[1][i] - v[0][i];
            }
            assert_int_equal(process_ratio(groups, .9, &r, NULL), 0);
            passed[paired] += r.high < 1 + margin;
        }
    for (int paired = 0; paired < 2; paired++)
        if (passed[paired] < TRIES * .76 || passed[paired] > TRIES * .86)
            fail_msg("%d of %d pass", passed[paired], TRIES);
}

/* Two-sided 5 % points of Wilcoxon's signed ranks from the usual table: W <= t is significant, so
 * that the interval begins with the mean at place t + 1. */
static void signed_ranks_have_the_tables_points(void **state)
{
    static const struct {
        size_t n, t;
    } rows[] = {{6, 0}, {7, 2}, {8, 3}, {9, 5}, {10, 8}, {11, 10}, {12, 13}, {13, 17}, {14, 21},
                {15, 25}, {16, 29}, {17, 34}, {18, 40}, {19, 46}, {20, 52}, {25, 89}};
    double d[25], means[325];
    struct ratio r;

    (void)state;
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        size_t n = rows[k].n, m = 0;
        for (size_t i = 0; i < n; i++)
            d[i] = .01 * normal();
        for (size_t i = 0; i < n; i++)
            for (size_t j = i; j < n; j++)
                means[m++] = (d[i] + d[j]) / 2;
        stats_sort(means, m);
        assert_int_equal(stats_paired_ratio(d, n, .95, &r, NULL), 0);
        assert_close(r.low, exp(means[rows[k].t]), 1e-15);
        assert_close(r.high, exp(means[m - 1 - rows[k].t]), 1e-15);
        assert_close(r.ratio, exp(stats_median(means, m)), 1e-15);
        assert_true(r.coverage >= .95);
    }
    assert_int_equal(stats_paired_ratio(d, 5, .95, &r, NULL), 0); /* 2 / 2^5 > .05 */
    assert_true(isnan(r.low) && isnan(r.coverage) && isfinite(r.ratio));
    assert_int_equal(stats_paired_ratio(NULL, 0, .95, &r, NULL), 0);
    assert_true(isnan(r.ratio));
}

/* scipy 1.17 wilcoxon(alternative="greater"): exact, with ties and a zero by the normal law. */
static void signed_ranks_test_as_scipy_does(void **state)
{
    static const struct {
        size_t n;
        double d[10], p;
    } rows[] = {{8, {.5, -.1, .3, .7, -.2, .9, 1.1, .4}, 0.01953125},
                {10, {-1, 2, 3, -4, 5, 6, 7, -8, 9, 10}, 0.080078125},
                {8, {1, 1, -1, 2, 3, 0, 4, -2}, 0.11625384694841989},
                {3, {-.3, -.2, -.1}, 1}, {2, {0, 0}, 1}};
    double p;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(stats_signed_rank(rows[i].d, rows[i].n, &p, NULL), 0);
        assert_close(p, rows[i].p, 1e-9);
    }
    assert_int_equal(stats_signed_rank(NULL, 0, &p, NULL), 0);
    assert_true(isnan(p));
}

static void what_is_no_repeat_is_refused_by_name(void **state)
{
    struct world w;
    struct err e;
    char other[RUN_ID_SIZE];

    (void)state;
    world_open(&w);
    run_pattern(&w, "AB", 0, .001);
    measure(w.s, "base", 0, NULL, 0, other); /* one answer is another */
    strbuf_addf(&w.a, ",%s", other);
    assert_int_equal(read_runs(&w, usual, &e), -1);
    assert_int_equal(e.code, ERR_INVALID);
    assert_non_null(strstr(e.text, "arc_easy, document 3 was answered differently"));
    world_close(&w);
    world_open(&w);
    run_pattern(&w, "AB", 0, .001);
    measure(w.s, "third", 0, NULL, 1, other);
    strbuf_addf(&w.b, ",%s", other);
    assert_int_equal(read_runs(&w, usual, &e), -1);
    assert_non_null(strstr(e.text, "model differs (cand, third)"));
    world_close(&w);
    world_open(&w);
    run_pattern(&w, "AB", 0, .001);
    strbuf_addf(&w.a, ",%s", w.ids[1]);
    assert_int_equal(gate_runs_find(&w.runs, w.s, strbuf_str(&w.a), strbuf_str(&w.b), &e), -1);
    assert_int_equal(e.code, ERR_USAGE);
    assert_non_null(strstr(e.text, "named on both sides"));
    strbuf_clear(&w.a);
    strbuf_addf(&w.a, "%s,%s", w.ids[0], w.ids[0]);
    assert_int_equal(gate_runs_find(&w.runs, w.s, strbuf_str(&w.a), strbuf_str(&w.b), &e), -1);
    assert_int_equal(e.code, ERR_USAGE);
    world_close(&w);
}

static void an_unfinished_run_is_called_that(void **state)
{
    struct made_item item = {0, 1, -1, 4, .01, NULL};
    struct made_task t = {"arc_easy", 1, &item, 1, 1e8, NAN}, none = {"arc_easy", 1, NULL, 0, 1, 1};
    struct made_run r = {.model = "cand", .tasks = &t, .n_tasks = 1, .unfinished = 1};
    char id[RUN_ID_SIZE];
    struct world w;
    struct err e;

    (void)state;
    for (int empty = 0; empty < 2; empty++) {
        world_open(&w);
        run_pattern(&w, "A", 0, .001);
        r.tasks = empty ? &none : &t;
        make_run(w.s, &r, id);
        strbuf_addf(&w.b, "%s", id);
        assert_int_equal(read_runs(&w, usual, &e), -1);
        assert_int_equal(e.code, ERR_INVALID);
        assert_non_null(strstr(e.text, empty ? "interrupted after 0 of" : "interrupted after 1"));
        assert_non_null(strstr(e.text, "'densimeter eval' goes on with it"));
        world_close(&w);
    }
}

static void each_level_is_in_the_json(void **state)
{
    struct world w;
    struct strbuf b = STRBUF_INIT;
    struct json_out o = JSON_OUT(&b);
    const cJSON *check;
    cJSON *j;

    (void)state;
    world_open(&w);
    run_pattern(&w, "aABBA", log(1.02), .01);
    decide(&w, fine);
    json_begin_object(&o, NULL);
    gate_json(&o, &(struct gate_story){&w.gate, &w.policy, "p.json", &w.runs.in});
    json_end_object(&o);
    j = json_parse(b.s, b.len, "gate", NULL);
    check = cJSON_GetArrayItem(json_get(j, "checks"), 0);
    assert_int_equal(cJSON_GetArraySize(json_get(check, "levels")), 5);
    assert_true(json_num(check, "runs_needed", -1) > 3);
    assert_string_equal(json_str(check, "method"), "noise_floor"); /* 2 + 2 + 1: too few */
    for (const cJSON *l = json_get(check, "levels")->child; l; l = l->next)
        assert_int_equal(json_bool(l, "earlier", -1), strcmp(json_str(l, "run"), w.ids[0]) == 0);
    json_free(j);
    strbuf_release(&b);
    world_close(&w);
}

static void reading_runs_survives_every_failed_allocation(void **state)
{
    struct world w;
    int rc = -1;

    (void)state;
    world_open(&w);
    run_pattern(&w, "aaABBAb", 0, .01);
    assert_int_equal(gate_policy_parse(&w.policy, usual, strlen(usual), "p", NULL), 0);
    for (int nth = 0; rc < 0; nth++) {
        struct gate_runs runs = {0};
        struct gate gate = {0};
        struct err e = ERR_NONE;
        mem_fail_at(nth);
        rc = gate_runs_find(&runs, w.s, strbuf_str(&w.a), strbuf_str(&w.b), &e);
        if (rc == 0)
            rc = gate_runs_read(&runs, w.s, &w.policy, &e);
        if (rc == 0)
            rc = gate_decide(&gate, &runs.in, &w.policy, 1, &e);
        mem_fail_at(-1);
        if (rc < 0 && e.code != ERR_NOMEM)
            fail_msg("allocation %d: %s", nth, e.text);
        gate_release(&gate);
        gate_runs_release(&runs);
    }
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_per_cent_are_found_by_runs_that_alternate),
        cmocka_unit_test(a_machine_that_drifts_hides_nothing_from_runs_that_alternate),
        cmocka_unit_test(runs_that_do_not_alternate_are_no_surer_than_the_floor),
        cmocka_unit_test(one_brief_run_decides_only_what_is_plain),
        cmocka_unit_test(earlier_runs_of_a_program_tell_its_spread),
        cmocka_unit_test(equal_programs_fail_no_more_often_than_promised),
        cmocka_unit_test(the_needed_runs_are_those_that_decide),
        cmocka_unit_test(signed_ranks_have_the_tables_points),
        cmocka_unit_test(signed_ranks_test_as_scipy_does),
        cmocka_unit_test(what_is_no_repeat_is_refused_by_name),
        cmocka_unit_test(an_unfinished_run_is_called_that),
        cmocka_unit_test(each_level_is_in_the_json),
        cmocka_unit_test(reading_runs_survives_every_failed_allocation),
    };

    return RUN(tests);
}
