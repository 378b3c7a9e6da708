/* Ratios of times, memory and energy from processes made by hand, so that every level and every
 * end of an interval can be told beforehand. */
#include "tests/test.h"

#include "base/mem.h"
#include "harness/gate_impl.h"
#include "harness/stats.h"
#include "tests/gate_decided.h"

enum { MOST = 12, ITEMS = 4, TASKS = 2 };

/* Processes in order of `sides` ("ABBA"; small letters: earlier runs), each with its costs. */
struct lab {
    struct run_row runs[MOST];
    struct store_cost costs[MOST][TASKS][2];
    struct task_row rows[MOST][TASKS];
    struct task_list lists[MOST];
    double latency[MOST][ITEMS];
    struct gate_process processes[MOST];
    struct pair v[ITEMS];
    struct pair_task task;
    struct pairs pairs;
    struct gate_input in;
    struct decided made;
};

static void lab_make(struct lab *l, const char *sides, const double *memory, const double *energy)
{
    memset(l, 0, sizeof *l);
    for (size_t i = 0; sides[i]; i++) {
        l->runs[i] = (struct run_row){.row = 1 + (int64_t)i, .id = "00000000", .kind = "eval",
                                      .status = "complete", .settings = "{}"};
        for (int t = 0; t < TASKS; t++) {
            l->costs[i][t][0] = (struct store_cost){"peak_rss_bytes",
                                                    memory ? memory[i] - 50 * t : NAN};
            l->costs[i][t][1] = (struct store_cost){"energy_j",
                                                    energy ? energy[i] * (t ? .25 : .75) : NAN};
            l->rows[i][t] = (struct task_row){.task = t ? "b" : "a", .costs = l->costs[i][t],
                                              .n_costs = 2};
        }
        l->lists[i] = (struct task_list){.v = l->rows[i], .n = TASKS};
        l->processes[i] = (struct gate_process){
            .run = &l->runs[i], .candidate = sides[i] == 'B' || sides[i] == 'b',
            .earlier = sides[i] >= 'a', .latency_s = l->latency[i], .tasks = &l->lists[i]};
        for (int k = 0; k < ITEMS; k++)
            l->latency[i][k] = 1;
    }
    for (int k = 0; k < ITEMS; k++)
        l->v[k] = (struct pair){.first = (size_t)k, .a = {k, NAN, NAN, 1}, .b = {k, NAN, NAN, 1}};
    l->task = (struct pair_task){.task = "a", .v = l->v, .n = ITEMS};
    l->pairs = (struct pairs){.tasks = &l->task, .n_tasks = 1, .n = ITEMS};
    l->in = (struct gate_input){&l->runs[0], &l->runs[strcspn(sides, "B")], &l->pairs,
                                l->processes, strlen(sides)};
}

static const struct gate_check *decide(struct lab *l, const char *policy)
{
    return decided(&l->made, &l->in, policy);
}

/* --- memory: a point, widened by its floor ---------------------------------------------------- */

static void memory_is_widened_by_its_floor(void **state)
{
    static const char *const policy = "{\"memory\":{\"margin\":0.05,\"noise_floor\":0.01}}";
    static const struct {
        double b;
        enum verdict verdict;
        const char *reason;
    } rows[] = {
        {1020, VERDICT_PASS, "+2.0 %, at most +3.0 %: within the limit of +5.0 %"},
        {1070, VERDICT_FAIL, "+7.0 %, at least +5.9 %: beyond the limit of +5.0 %"},
        {1045, VERDICT_INCONCLUSIVE,
         "+4.5 %, between +3.5 % and +5.5 %: the limit of +5.0 % lies within"},
        {NAN, VERDICT_INCONCLUSIVE, "not measured in both runs"},
    };
    struct lab l;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const double memory[] = {1000, rows[i].b};
        const struct gate_check *c;
        lab_make(&l, "AB", memory, NULL);
        c = decide(&l, policy);
        assert_int_equal(l.made.gate.n_checks, 1);
        says(c, rows[i].verdict, rows[i].reason);
        assert_true(c->quantity == GATE_MEMORY && c->n == 1 && c->n_clusters == 1 && !c->task);
        assert_true(c->a == 1000 && c->margin == .05 && c->floor == .01 && !c->levels);
        if (isfinite(rows[i].b)) {
            assert_close(c->low, rows[i].b / 1000 / 1.01, 1e-15);
            assert_close(c->high, rows[i].b / 1000 * 1.01, 1e-15);
        }
        decided_end(&l.made);
    }
    lab_make(&l, "AB", (double[]){50, 60}, NULL); /* the second task of A: 0 bytes, the first 50 */
    assert_close(decide(&l, policy)->estimate, 1.2, 1e-15);
    l.costs[0][0][0].value = 0;
    says(decide(&l, policy), VERDICT_INCONCLUSIVE, "not measured in both runs");
    decided_end(&l.made);
}

static void a_limit_that_is_just_met_decides_nothing(void **state)
{
    struct lab l;

    (void)state;
    lab_make(&l, "AB", (double[]){1024, 1280}, NULL);
    says(decide(&l, "{\"memory\":{\"margin\":0.25,\"noise_floor\":0}}"), VERDICT_INCONCLUSIVE,
         "+25.0 %, between +25.0 % and +25.0 %: the limit of +25.0 % lies within");
    decided_end(&l.made);
}

static void memory_is_the_median_of_each_side_that_was_asked_for(void **state)
{
    struct lab l;
    const struct gate_check *c;

    (void)state;
    lab_make(&l, "AbABBaB", (double[]){100, 9e9, 300, 500, 700, 9e9, 600}, NULL);
    c = decide(&l, "{\"memory\":{\"margin\":1}}");
    assert_true(c->a == 200 && c->b == 600);
    l.costs[6][1][0].value = NAN; /* one task of one run: that run is not known */
    c = decide(&l, "{\"memory\":{\"margin\":1}}");
    assert_true(c->a == 200 && isnan(c->b) && isnan(c->estimate));
    decided_end(&l.made);
}

/* --- what the environment overrules ----------------------------------------------------------- */

static void the_environment_overrules_times_but_not_memory(void **state)
{
    static const char *const quiet = "{\"quiet\":true,\"invalid\":false}";
    static const char *const noisy = "{\"quiet\":false,\"invalid\":false,\"reasons\":\"load 9\"}";
    static const char *const invalid = "{\"quiet\":false,\"invalid\":true,\"reasons\":\"\"}";
    static const struct {
        const char *noise, *word;
        enum verdict energy;
        const char *reason;
    } rows[] = {
        {quiet, "inconclusive", VERDICT_PASS,
         "+0.0 %, at most +5.0 %: within the limit of +50.0 %"},
        {noisy, "inconclusive", VERDICT_INCONCLUSIVE,
         "the machine was not quiet (candidate: load 9)"},
        {noisy, "invalid", VERDICT_INVALID, "the machine was not quiet (candidate: load 9)"},
        {noisy, "ignored", VERDICT_PASS, "+0.0 %, at most +5.0 %: within the limit of +50.0 %"},
        {invalid, "ignored", VERDICT_INVALID,
         "the machine swapped or was throttled (candidate: not quiet)"},
    };
    struct lab l;
    char policy[200];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct gate_check *c;
        lab_make(&l, "AB", (double[]){100, 100}, (double[]){8, 8});
        l.runs[1].noise_after = rows[i].noise;
        snprintf(policy, sizeof policy, "{\"memory\":{\"margin\":0.5},\"energy\":{\"margin\":0.5},"
                 "\"latency\":{\"brief_s\":0},\"environment\":{\"noisy\":\"%s\"}}", rows[i].word);
        c = decide(&l, policy);
        says(&c[0], VERDICT_PASS, "+0.0 %, at most +1.0 %: within the limit of +50.0 %");
        says(&c[1], rows[i].energy, rows[i].reason);
        decided_end(&l.made);
    }
    lab_make(&l, "AB", (double[]){100, 100}, (double[]){8, 8});
    l.runs[1].kernels = "other";
    for (int i = 0; i < 2; i++)
        says(&decide(&l, "{\"memory\":{\"margin\":0.5},\"energy\":{\"margin\":0.5}}")[i],
             VERDICT_INVALID, "the runs were measured in different environments (see there)");
    decided_end(&l.made);
}

/* --- one process of each side ---------------------------------------------------------------- */

/* |ln r| of two equal processes is below ln (1 + floor) in 95 of 100: its sd is that over 1.96, and
 * that of one process over sqrt 2 less. */
static double sd_behind(double floor)
{
    return log(1 + floor) / 1.959963984540054 / sqrt(2);
}

static void energy_of_two_processes_is_widened_by_a_floor(void **state)
{
    struct lab l;
    const struct gate_check *c;
    double needed = process_needed(sd_behind(.04), .5, .05, .8);
    char reason[200];

    (void)state;
    lab_make(&l, "AB", NULL, (double[]){8, 10});
    c = decide(&l, "{\"energy\":{\"margin\":0.5,\"noise_floor\":0.04},\"latency\":{\"brief_s\":4,"
                   "\"brief_floor\":0.25}}"); /* four items of a second: just not brief */
    says(c, VERDICT_PASS, "+25.0 %, at most +30.0 %: within the limit of +50.0 %");
    assert_true(c->quantity == GATE_ENERGY && c->a == 8 && c->b == 10 && !c->is_brief);
    assert_true(c->n == 1 && c->n_clusters == 1 && c->method == PROCESS_UNKNOWN);
    assert_close(c->estimate, 1.25, 1e-14);
    assert_close(c->low, 1.25 / 1.04, 1e-14);
    assert_close(c->high, 1.3, 1e-14);
    assert_close(c->mde, .04, 1e-12);
    assert_true(c->floor == .04 && c->n_needed == needed);
    assert_close(c->conf, .9, 1e-14);
    assert_int_equal(c->n_levels, 2);
    assert_true(c->levels[0].process == &l.processes[0]);
    assert_close(c->levels[1].level, log(10), 1e-14);
    c = decide(&l, "{\"energy\":{\"margin\":0.5,\"noise_floor\":0.04},\"latency\":{"
                   "\"brief_s\":4.001,\"brief_floor\":0.26}}");
    snprintf(reason, sizeof reason, "+25.0 %%, between -0.8 %% and +57.5 %%: the limit of +50.0 %% "
             "lies within, for nothing tells how far runs so brief differ; about %.0f runs of each "
             "side that alternate would decide", needed);
    says(c, VERDICT_INCONCLUSIVE, reason);
    assert_true(c->is_brief && c->floor == .26 && c->n_needed == needed);
    c = decide(&l, "{\"energy\":{\"margin\":0.4,\"noise_floor\":0.3},\"latency\":{"
                   "\"brief_s\":9,\"brief_floor\":0.25}}");
    assert_true(c->floor == .3); /* the larger one */
    snprintf(reason, sizeof reason, "+25.0 %%, between -3.8 %% and +62.5 %%: the limit of +40.0 %% "
             "lies within; about %.0f runs of each side that alternate would decide",
             process_needed(sd_behind(.3), .4, .05, .8));
    says(decide(&l, "{\"energy\":{\"margin\":0.4,\"noise_floor\":0.3},\"latency\":{"
                    "\"brief_s\":0}}"), VERDICT_INCONCLUSIVE, reason);
    l.costs[1][1][1].value = NAN;
    says(decide(&l, "{\"energy\":{\"margin\":0.4}}"), VERDICT_INCONCLUSIVE,
         "not measured in both runs");
    assert_int_equal(l.made.gate.checks[0].n_levels, 1);
    assert_true(isnan(l.made.gate.checks[0].b) && l.made.gate.checks[0].a == 8);
    decided_end(&l.made);
}

/* What a process measured: the sum of its items, of those that are known; the briefest counts. */
static void the_briefest_process_says_whether_runs_are_brief(void **state)
{
    static const char *const policy = "{\"energy\":{\"margin\":1},\"latency\":{\"brief_s\":3}}";
    struct lab l;

    (void)state;
    lab_make(&l, "ABa", NULL, (double[]){8, 8, 8});
    l.latency[2][0] = -1; /* an earlier run does not count */
    l.latency[1][2] = NAN;
    l.latency[0][0] = 5;
    assert_false(decide(&l, policy)->is_brief); /* 1 + 1 + 1 */
    l.latency[1][0] = .5;
    assert_true(decide(&l, policy)->is_brief);
    l.latency[1][0] = 1;
    l.latency[1][1] = -1; /* no latency */
    assert_true(decide(&l, policy)->is_brief);
    decided_end(&l.made);
}

/* --- several processes ----------------------------------------------------------------------- */

static void alternation_is_told_by_age(void **state)
{
    static const struct {
        const char *sides;
        int alternate;
    } rows[] = {
        {"AB", 0}, {"ABBA", 1}, {"ABAB", 1}, {"AABB", 0}, {"BBAA", 0}, {"ABB", 0}, {"ABBBA", 1},
        {"AAABBB", 0}, {"AABBAB", 1}, {"AABBA", 1}, {"BAAB", 1}, {"abABab", 0}, {"AAABBBA", 0},
    };
    struct lab l;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t n = strlen(rows[i].sides);
        double energy[MOST];
        for (size_t k = 0; k < n; k++)
            energy[k] = 8;
        lab_make(&l, rows[i].sides, NULL, energy);
        decide(&l, "{\"energy\":{\"margin\":1}}");
        if (l.made.gate.alternate != rows[i].alternate)
            fail_msg("%s: %d", rows[i].sides, l.made.gate.alternate);
        decided_end(&l.made);
    }
    lab_make(&l, "AABB", NULL, (double[]){8, 8, 8, 8}); /* not in the order in which they ran */
    l.runs[0].row = 4;
    l.runs[3].row = 1;
    l.runs[1].row = 2; /* B A B A */
    l.runs[2].row = 3;
    decide(&l, "{\"energy\":{\"margin\":1}}");
    assert_true(l.made.gate.alternate);
    decided_end(&l.made);
}

/* Each candidate takes 1.2 times what its neighbour in time took, and the machine drifts. */
static void neighbours_in_time_are_compared_as_pairs(void **state)
{
    static const char *const policy = "{\"energy\":{\"margin\":0.1,\"noise_floor\":0.05}}";
    double energy[] = {10, 12, 24, 20, 36, 30, 5, 6, 1, 1.2, 7};
    struct lab l;
    const struct gate_check *c;

    (void)state;
    lab_make(&l, "ABBABAABAB", NULL, energy);
    c = decide(&l, policy);
    assert_int_equal(c->method, PROCESS_PAIRS);
    assert_close(c->estimate, 1.2, 1e-12);
    assert_close(c->low, 1.2, 1e-12);
    assert_close(c->high, 1.2, 1e-12);
    assert_true(c->floor == 0 && c->spread_df == 4 && c->n_levels == 10);
    assert_true(c->spread < 1e-12 && c->n_needed == 5);
    says(c, VERDICT_FAIL, "+20.0 %, at least +20.0 %: beyond the limit of +10.0 %");
    decided_end(&l.made);
    lab_make(&l, "ABBABAABABA", NULL, energy); /* one has no neighbour */
    assert_int_equal(decide(&l, policy)->method, PROCESS_RANKS);
    assert_true(l.made.gate.checks[0].floor == 0);
    decided_end(&l.made);
    lab_make(&l, "AABBBAABAB", NULL, energy); /* two of one side are no pair */
    assert_int_equal(decide(&l, policy)->method, PROCESS_RANKS);
    decided_end(&l.made);
    lab_make(&l, "ABBABAABAB", NULL, energy);
    l.costs[8][0][1].value = NAN; /* unknown */
    assert_int_equal(decide(&l, policy)->method, PROCESS_RANKS);
    assert_int_equal(l.made.gate.checks[0].n_levels, 9);
    decided_end(&l.made);
    lab_make(&l, "AAAAABBBBB", NULL, (double[]){10, 10, 10, 10, 10, 12, 12, 12, 12, 12});
    c = decide(&l, policy);
    assert_int_equal(c->method, PROCESS_RANKS);
    assert_true(!l.made.gate.alternate && c->floor == .05);
    assert_close(c->low, 1.2 / 1.05, 1e-12);
    assert_close(c->high, 1.2 * 1.05, 1e-12);
    says(c, VERDICT_FAIL, "+20.0 %, at least +14.3 %: beyond the limit of +10.0 %");
    decided_end(&l.made);
}

/* Levels in order of side, those asked for first. */
static void earlier_runs_tell_the_spread(void **state)
{
    struct lab l;
    const struct gate_check *c;
    static const size_t order[] = {5, 6, 0, 2, 3, 1, 4};

    (void)state;
    lab_make(&l, "abaabAB", NULL, (double[]){8, 16, 8, 8, 16, 8, 16});
    c = decide(&l, "{\"energy\":{\"margin\":0.1}}");
    assert_int_equal(c->method, PROCESS_UNKNOWN); /* 2 + 1 degrees of freedom */
    assert_int_equal(c->n_levels, 7);
    for (size_t i = 0; i < 7; i++) {
        assert_true(c->levels[i].process == &l.processes[order[i]]);
        assert_close(c->levels[i].level, log(l.processes[order[i]].candidate ? 16 : 8), 1e-14);
    }
    assert_true(c->spread_df == 3 && c->spread == 0);
    decided_end(&l.made);
}

/* --- latency of an evaluation ---------------------------------------------------------------- */

/* Levels are against the mean of ln over the processes that were asked for, item by item. */
static void a_level_is_the_median_of_what_all_know(void **state)
{
    static const double a[] = {1, 2, 4, 8}, b[] = {2, 8, 8, 64};
    struct lab l;
    const struct gate_check *c;

    (void)state;
    lab_make(&l, "ABa", NULL, NULL);
    for (int k = 0; k < ITEMS; k++) {
        l.latency[0][k] = l.v[k].a.latency_s = a[k];
        l.latency[1][k] = l.v[k].b.latency_s = b[k];
        l.latency[2][k] = 4 * a[k];
    }
    c = decide(&l, "{\"latency\":{\"margin\":0.1,\"brief_s\":0,\"noise_floor\":0.02}}");
    assert_true(c->quantity == GATE_LATENCY && !c->task && c->n == 4 && c->n_clusters == 4);
    assert_true(c->a == 3 && c->b == 8);
    /* ln b/a: 1, 2, 1, 3 times ln 2, whose median is 1.5 */
    assert_close(c->estimate, pow(2, 1.5), 1e-12);
    assert_int_equal(c->n_levels, 3);
    assert_close(c->levels[0].level, -.75 * log(2), 1e-12);
    assert_close(c->levels[1].level, .75 * log(2), 1e-12);
    assert_close(c->levels[2].level, (2 - .75) * log(2), 1e-12);
    says(c, VERDICT_INCONCLUSIVE, "too few measurements for an interval"); /* four: 1 - 2 / 2^4 */
    l.latency[1][3] = l.v[3].b.latency_s = 0; /* one does not know it: it counts for none */
    c = decide(&l, "{\"latency\":{\"margin\":0.1,\"brief_s\":0,\"noise_floor\":0.02}}");
    assert_int_equal(c->n, 3);
    assert_close(c->levels[0].level, -.5 * log(2), 1e-12);
    assert_close(c->levels[2].level, 1.5 * log(2), 1e-12);
    decided_end(&l.made);
}

/* --- speed tests ----------------------------------------------------------------------------- */

struct speed {
    struct store_bench rows[2][3];
    struct bench_list lists[2];
    struct store_value rss[2];
    struct run_row run;
    struct gate_process processes[2];
    struct gate_input in;
};

static const double seconds_a[] = {3, 1, 2, 5, 4}, seconds_b[] = {6, 4, 2, 8};

static void speed_make(struct speed *s)
{
    memset(s, 0, sizeof *s);
    s->run = (struct run_row){.id = "1", .kind = "bench", .status = "complete"};
    for (int k = 0; k < 2; k++) {
        s->rss[k] = (struct store_value){"peak_rss_bytes", NULL, 100, NAN, NAN, NAN};
        for (int i = 0; i < 3; i++)
            s->rows[k][i] = (struct store_bench){
                .test = i == 1 ? "pp512" : "tg128", .depth = i == 1 ? 64 : 0, .batch = 1,
                .rival = i == 2 ? "other" : NULL, .samples = k ? seconds_b : seconds_a,
                .n_samples = k ? 4 : 5, .values = &s->rss[k], .n_values = 1};
        s->lists[k] = (struct bench_list){.v = s->rows[k], .n = 3};
        s->processes[k] = (struct gate_process){.run = &s->run, .candidate = k,
                                                .bench = &s->lists[k]};
    }
    s->in = (struct gate_input){&s->run, &s->run, NULL, s->processes, 2};
}

static void a_speed_test_is_its_median(void **state)
{
    static const char *const text = "{\"latency\":{\"margin\":0.1,\"noise_floor\":0.25,"
                                    "\"brief_s\":15},\"memory\":{\"margin\":0.5}}";
    struct gate_policy p;
    struct speed s;
    struct gate g;

    (void)state;
    speed_make(&s);
    assert_int_equal(gate_policy_parse(&p, text, strlen(text), "p", NULL), 0);
    assert_int_equal(gate_decide(&g, &s.in, &p, 1, NULL), 0);
    assert_int_equal(g.n_checks, 3); /* the rival's is none of ours */
    assert_string_equal(g.checks[0].task, "tg128");
    assert_string_equal(g.checks[1].task, "pp512 at depth 64");
    for (int i = 0; i < 2; i++) {
        const struct gate_check *c = &g.checks[i];
        assert_true(c->a == 3 && c->b == 5 && c->n == 4 && c->n_clusters == 4);
        assert_close(c->estimate, 5 / 3., 1e-14);
        assert_true(!c->is_brief && c->floor == .25); /* 15 s and 20 s */
        assert_close(c->levels[1].level, log(5), 1e-14);
        /* the samples' own interval is within it */
        assert_true(c->low < c->estimate / 1.25 && c->high > c->estimate * 1.25);
    }
    assert_true(g.checks[2].a == 100 && g.checks[2].quantity == GATE_MEMORY);
    gate_release(&g);
    s.rows[0][0].n_samples = 4; /* 11 s */
    assert_int_equal(gate_decide(&g, &s.in, &p, 1, NULL), 0);
    assert_true(g.checks[0].is_brief && !g.checks[1].is_brief);
    assert_true(g.checks[0].floor == .5 && g.checks[0].a == 2.5);
    gate_release(&g);
    s.rows[1][2].values = NULL;
    s.rows[1][2].n_values = 0;
    assert_int_equal(gate_decide(&g, &s.in, &p, 1, NULL), 0);
    says(&g.checks[2], VERDICT_INCONCLUSIVE, "not measured in both runs");
    gate_release(&g);
    gate_policy_release(&p);
    assert_int_equal(mem_live(), 0);
}

static void a_test_that_one_run_lacks_is_named(void **state)
{
    struct speed s;

    (void)state;
    speed_make(&s);
    assert_null(gate_unmatched_test(&s.lists[0], &s.lists[1]));
    s.rows[1][1].depth = 65;
    assert_true(gate_unmatched_test(&s.lists[0], &s.lists[1]) == &s.rows[0][1]);
    s.rows[1][1].depth = 64;
    s.rows[1][1].batch = 2;
    assert_true(gate_unmatched_test(&s.lists[0], &s.lists[1]) == &s.rows[0][1]);
    s.rows[1][1].batch = 1;
    s.rows[1][2].rival = "third";
    assert_true(gate_unmatched_test(&s.lists[0], &s.lists[1]) == &s.rows[0][2]);
    s.rows[1][2].rival = "other";
    s.rows[1][0].rival = "x"; /* ours is missing, though a rival's has its name */
    assert_true(gate_unmatched_test(&s.lists[0], &s.lists[1]) == &s.rows[0][0]);
    s.rows[1][0].rival = NULL;
    s.rows[1][0].test = "tg64";
    assert_true(gate_unmatched_test(&s.lists[0], &s.lists[1]) == &s.rows[0][0]);
    s.lists[1].n = 0;
    assert_true(gate_unmatched_test(&s.lists[0], &s.lists[1]) == &s.rows[0][0]);
    assert_null(gate_unmatched_test(&s.lists[1], &s.lists[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_widened_by_its_floor),
        cmocka_unit_test(a_limit_that_is_just_met_decides_nothing),
        cmocka_unit_test(memory_is_the_median_of_each_side_that_was_asked_for),
        cmocka_unit_test(the_environment_overrules_times_but_not_memory),
        cmocka_unit_test(energy_of_two_processes_is_widened_by_a_floor),
        cmocka_unit_test(the_briefest_process_says_whether_runs_are_brief),
        cmocka_unit_test(alternation_is_told_by_age),
        cmocka_unit_test(neighbours_in_time_are_compared_as_pairs),
        cmocka_unit_test(earlier_runs_tell_the_spread),
        cmocka_unit_test(a_level_is_the_median_of_what_all_know),
        cmocka_unit_test(a_speed_test_is_its_median),
        cmocka_unit_test(a_test_that_one_run_lacks_is_named),
    };

    return RUN(tests);
}
