/* What nights say: a step in a series is told once, a known cause begins a segment, a slow night on a
 * noisy machine accuses nobody, and the program's difference from itself is the floor. */
#include "tests/test.h"

#include "base/mem.h"
#include "harness/night.h"
#include "harness/night_impl.h"
#include "harness/spark.h"
#include "harness/timer.h"
#include "results/lease.h"
#include "results/query.h"
#include "tests/store_fixture.h"

static double clock_s(void)
{
    return 0;
}

struct measured { /* what a night measures */
    double acc;          /* the value of the task */
    double seconds;      /* of the speed test */
    double memory;
    const char *machine; /* JSON */
    int quiet, wrong;    /* wrong: so many items are answered worse than the day before */
    int no_likelihood;   /* of the right answers */
    int no_credit;       /* of so many items */
    const char *test;    /* the speed test; NULL: tg64 */
    double own;          /* share by which side B is slower than side A, of the same program */
};

static const struct measured usual = {.acc = 0.5, .seconds = 1, .memory = 1e8,
                                      .machine = "{\"kernel\":\"6.1\"}", .quiet = 1};

static const struct store_task one_task = {"arc_easy", 1, 0, 60, "dd"};

static void put_eval(struct store *s, const struct measured *m, char id[RUN_ID_SIZE])
{
    struct err e = ERR_NONE;
    struct store_run_spec spec = spec_of("{}");
    struct store_run *r = NULL;
    const struct store_value value = {"acc", "none", m->acc, 0.01, m->acc - 0.02, m->acc + 0.02};
    const struct store_cost cost = {"peak_rss_bytes", m->memory};
    const struct store_task_result result = {"arc_easy", 60, &value, 1, &cost, 1};
    spec.tasks = &one_task;
    spec.n_tasks = 1;
    spec.machine.json = m->machine;
    assert_int_equal(store_run_begin(s, &spec, &r, &e), 0);
    strcpy(id, store_run_id(r));
    assert_int_equal(store_batch_begin(r, &e), 0);
    for (int i = 0; i < 60; i++) {
        char hash[16];
        const struct store_metric acc = {"acc", "none", i >= m->wrong, 1};
        double gold = m->no_likelihood ? NAN : -1.25 - (i < m->wrong);
        const struct store_request q[] = {{gold, 1, 3, 9}, {-2.5, 0, 4, 11}};
        const struct store_item it = {
            .task = "arc_easy", .doc_id = i, .doc_hash = hash, .prompt_hash = hash, .gold = "g",
            .gold_index = 0, .prediction = "g", .latency_s = 0.5, .ttft_s = NAN,
            .prompt_tokens = -1, .computed_tokens = -1, .reused_tokens = -1,
            .generated_tokens = -1, .metrics = &acc,
            .n_metrics = i >= m->no_credit, .requests = q, .n_requests = 2};
        snprintf(hash, sizeof hash, "h%d", i);
        assert_int_equal(store_item_add(r, &it, &e), 0);
    }
    assert_int_equal(store_batch_commit(r, &e), 0);
    assert_int_equal(store_task_finish(r, &result, &e), 0);
    assert_int_equal(store_run_finish(r, STORE_COMPLETE, NULL, NULL, &e), 0);
    store_run_close(r);
}

static void put_bench(struct store *s, const struct measured *m, int place, int arm,
                      char id[RUN_ID_SIZE])
{
    struct err e = ERR_NONE;
    struct store_run_spec spec = spec_of("{}");
    struct store_run *r = NULL;
    double s1 = m->seconds * (1 + 0.001 * place) * (arm ? 1 + m->own : 1);
    const struct store_value memory = {"peak_rss_bytes", "none", m->memory, NAN, NAN, NAN};
    const struct store_bench b = {.test = m->test ? m->test : "tg64", .batch = 1, .threads = 2, .device = "cpu",
                                  .samples = &s1, .n_samples = 1, .tokens = 64, .values = &memory,
                                  .n_values = 1};
    spec.kind = "bench";
    spec.n_tasks = 0;
    spec.machine.json = m->machine;
    assert_int_equal(store_run_begin(s, &spec, &r, &e), 0);
    strcpy(id, store_run_id(r));
    assert_int_equal(store_bench_add(r, &b, &e), 0);
    assert_int_equal(store_run_finish(r, STORE_COMPLETE, NULL, NULL, &e), 0);
    store_run_close(r);
}

enum { BLOCKS = 1, CELLS = 1 + 4 * BLOCKS };

/* Measures night `day` and judges it. */
static void night(struct store *s, const struct plan *p, int day, const struct measured *m,
                  struct night_report *out)
{
    struct err e = ERR_NONE;
    struct cell_spec specs[CELLS] = {{0, 0, "m arc_easy", "eval", 0, "[\"d\",\"eval\"]", "m", "a", "b"}};
    static const int arms[] = {0, 1, 1, 0};
    const struct lease_opts o = {"here", 30, clock_s};
    struct night_spec spec = {.plan = p->name, .kind = "nightly", .plan_hash = "h",
                              .plan_text = "{}", .cells = specs, .n_cells = CELLS};
    struct night n;
    struct lease *l = NULL;
    struct strbuf summary = STRBUF_INIT;
    struct json_out json = JSON_OUT(&summary);
    char date[NIGHT_DATE_SIZE];
    for (int i = 1; i < CELLS; i++)
        specs[i] = (struct cell_spec){1 + (i - 1) / 4, (i - 1) % 4, "m speed", "bench",
                                      arms[(i - 1) % 4], "[\"d\",\"bench\"]", "m", "a", "b"};
    snprintf(date, sizeof date, "2026-%02d-%02d", 1 + day / 28, 1 + day % 28);
    spec.date = date;
    assert_int_equal(night_open(s, &spec, &n, &e), 0);
    assert_int_equal(lease_open(&l, s, &o, &e), 0);
    for (;;) {
        struct cell_list cells;
        int64_t over;
        if (lease_claim(l, n.id, &cells, &over, &e) != CLAIM_TAKEN)
            break;
        for (size_t i = 0; i < cells.n; i++) {
            struct store *from = NULL;
            char id[RUN_ID_SIZE];
            struct cell_result r = {.done = 1, .outcome = "measured", .quiet = m->quiet, .run_id = id};
            remove(in_dir("cell.db"));
            assert_int_equal(store_open(&from, in_dir("cell.db"), NULL, &e), 0);
            if (strcmp(cells.v[i].spec.kind, "eval") == 0)
                put_eval(from, m, id);
            else
                put_bench(from, m, cells.v[i].spec.place, cells.v[i].spec.arm, id);
            store_close(from);
            r.from = in_dir("cell.db");
            assert_int_equal(lease_finish(l, cells.v[i].id, &r, &e), 0);
        }
        cell_list_release(&cells);
    }
    lease_close(l);
    assert_int_equal(night_judge(out, s, p, &n, &e), 0);
    json_begin_object(&json, NULL);
    night_summary(out, &json);
    json_end_object(&json);
    assert_int_equal(night_finish(s, n.id, out->exit_status, strbuf_str(&summary), &e), 0);
    strbuf_release(&summary);
}

static struct plan plan_of(const char *text)
{
    struct plan p;
    struct err e = ERR_NONE;
    assert_int_equal(plan_parse(&p, "p.json", text, strlen(text), &e), 0);
    return p;
}

static const char first[] = "{\"models\":[\"m\"],\"tasks\":[\"facts\"],\"baseline\":\"first\"}";

static struct store *fresh(const char *name)
{
    struct err e = ERR_NONE;
    struct store *s = NULL;
    assert_int_equal(store_open(&s, in_dir(name), NULL, &e), 0);
    return s;
}

static int count(const struct night_report *r, enum finding_kind kind)
{
    int n = 0;
    for (size_t i = 0; i < r->n_findings; i++)
        n += r->findings[i].kind == kind;
    return n;
}

static const struct comparison *comparison_of(const struct night_report *r, const char *quantity)
{
    for (size_t i = 0; i < r->n_comparisons; i++)
        if (strcmp(r->comparisons[i].quantity, quantity) == 0)
            return &r->comparisons[i];
    fail_msg("no comparison of %s", quantity);
    return NULL;
}

static void the_same_night_after_night_passes(void **state)
{
    struct store *s = fresh("same.db");
    struct plan p = plan_of(first);
    struct night_report r;
    (void)state;
    for (int day = 0; day < 3; day++) {
        night(s, &p, day, &usual, &r);
        assert_int_equal(r.verdict, VERDICT_PASS);
        assert_int_equal(r.exit_status, 0);
        assert_int_equal(r.n_findings, 0);
        assert_int_equal(r.n_comparisons, day ? 5 : 0);
        night_report_release(&r);
    }
    plan_release(&p);
    check_is_clean(s);
    store_close(s);
}

/* A candidate whose arithmetic broke has no likelihoods at all: that is no night without losses. */
/* A number or a test that only one side has is named, whichever side that is. */
static void what_only_one_night_has_is_no_pass(void **state)
{
    static const struct {
        struct measured m;
        const char *told;
    } rows[] = {
        {{.no_likelihood = 1}, "m arc_easy, arc_easy: 60 items have a likelihood in only one"},
        {{.no_credit = 1}, "m arc_easy, arc_easy: 1 item has a credit in only one"},
        {{.no_credit = 60}, "60 items have a credit in only one"},
        {{.test = "tg65"}, "m speed: this night has no tg64"},
        {{.test = "tg65"}, "has no tg65"},
        {{.memory = NAN}, "peak memory of tg64 is known of only one"},
        {{.memory = NAN}, "m arc_easy, arc_easy: peak memory is known of only one"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int first_lacks = 0; first_lacks < 2; first_lacks++) {
            char name[32];
            snprintf(name, sizeof name, "missing%zu%d.db", i, first_lacks);
            struct store *s = fresh(name);
            struct plan p = plan_of(first);
            struct measured lacks = rows[i].m;
            struct night_report r;
            int found = 0;
            lacks.acc = usual.acc;
            lacks.seconds = usual.seconds;
            lacks.memory = isnan(lacks.memory) ? NAN : usual.memory;
            lacks.machine = usual.machine;
            lacks.quiet = usual.quiet;
            night(s, &p, 0, first_lacks ? &lacks : &usual, &r);
            night_report_release(&r);
            night(s, &p, 1, first_lacks ? &usual : &lacks, &r);
            if (!isnan(rows[i].m.memory) && r.verdict != VERDICT_INVALID)
                fail_msg("%s: %s", rows[i].told, verdict_names[r.verdict]);
            for (size_t k = 0; k < r.n_findings; k++)
                found |= strstr(r.findings[k].text, rows[i].told) != NULL;
            if (!found && !(rows[i].m.test && first_lacks))
                fail_msg("not told: %s", rows[i].told);
            night_report_release(&r);
            plan_release(&p);
            store_close(s);
        }
}

static void lost_items_are_a_regression_in_the_first_line(void **state)
{
    struct store *s = fresh("lost.db");
    struct plan p = plan_of(first);
    struct measured m = usual;
    struct night_report r;
    const struct comparison *c;
    (void)state;
    night(s, &p, 0, &m, &r);
    night_report_release(&r);
    m.wrong = 20;
    m.acc = 0.3;
    night(s, &p, 1, &m, &r);
    assert_int_equal(r.verdict, VERDICT_FAIL);
    assert_int_equal(r.exit_status, 1);
    assert_int_equal(r.findings[0].kind, FINDING_REGRESSION);
    assert_non_null(strstr(r.findings[0].text, "m arc_easy: arc_easy: "));
    c = comparison_of(&r, "accuracy");
    assert_int_equal(c->verdict, VERDICT_FAIL);
    assert_close(c->lost, 20, 0);
    assert_close(c->won, 0, 0);
    assert_close(c->change, -20.0 / 60, 1e-12);
    assert_true(c->adjusted >= c->p && c->adjusted < 0.05);
    assert_int_equal(comparison_of(&r, "nats per byte")->verdict, VERDICT_FAIL);
    night_report_release(&r);
    plan_release(&p);
    store_close(s);
}

static void a_step_in_a_series_is_told_once(void **state)
{
    struct store *s = fresh("step.db");
    struct plan p = plan_of("{\"models\":[\"m\"],\"tasks\":[\"facts\"]}");
    struct night_report r;
    int told = 0, day_told = -1;
    (void)state;
    for (int day = 0; day < 22; day++) {
        struct measured m = usual;
        m.acc = (day < 12 ? 0.50 : 0.40) + 0.002 * (day * 7 % 5);
        night(s, &p, day, &m, &r);
        if (count(&r, FINDING_CHANGE)) {
            told += count(&r, FINDING_CHANGE);
            day_told = day;
            assert_string_equal(r.changes[0].metric, "arc_easy acc");
            assert_int_equal(r.changes[0].night, 13);
            assert_int_equal(r.changes[0].worse, 1);
            assert_int_equal(r.exit_status, 1);
        } else {
            assert_int_equal(r.exit_status, 2); /* nothing is pinned */
        }
        night_report_release(&r);
    }
    assert_int_equal(told, 1);
    assert_int_equal(day_told, 15); /* with the fourth value of the new level */
    plan_release(&p);
    store_close(s);
}

static void a_known_cause_begins_a_segment_and_accuses_nobody(void **state)
{
    struct store *s = fresh("segment.db");
    struct plan p = plan_of("{\"models\":[\"m\"],\"tasks\":[\"facts\"]}");
    struct night_report r;
    (void)state;
    for (int day = 0; day < 20; day++) {
        struct measured m = usual;
        if (day >= 10) {
            m.machine = "{\"kernel\":\"6.2\"}";
            m.acc = 0.4;
        }
        night(s, &p, day, &m, &r);
        assert_int_equal(count(&r, FINDING_CHANGE), 0);
        assert_int_equal(count(&r, FINDING_SEGMENT), day == 10);
        if (day == 10)
            assert_non_null(strstr(r.findings[0].text, "and 1 other series: a new segment begins: "
                                                       "machine.kernel 6.1 -> 6.2"));
        night_report_release(&r);
    }
    plan_release(&p);
    store_close(s);
}

static void a_slow_night_fails_on_a_quiet_machine_only(void **state)
{
    struct store *s = fresh("slow.db");
    struct plan p = plan_of(first);
    struct measured m = usual;
    struct night_report r;
    (void)state;
    night(s, &p, 0, &m, &r);
    night_report_release(&r);
    m.seconds = 1.2;
    m.quiet = 0;
    night(s, &p, 1, &m, &r);
    assert_int_equal(comparison_of(&r, "time")->verdict, VERDICT_INCONCLUSIVE);
    assert_int_equal(r.exit_status, 2);
    night_report_release(&r);
    m.quiet = 1;
    m.memory = 1.2e8;
    night(s, &p, 2, &m, &r);
    assert_int_equal(comparison_of(&r, "time")->verdict, VERDICT_FAIL);
    assert_close(comparison_of(&r, "time")->change, 0.2, 1e-9);
    assert_int_equal(comparison_of(&r, "memory")->verdict, VERDICT_FAIL);
    assert_int_equal(r.exit_status, 1);
    night_report_release(&r);
    m = usual;
    m.seconds = 0.8; /* a gain is told and no alarm */
    night(s, &p, 3, &m, &r);
    assert_int_equal(count(&r, FINDING_GAIN), 1);
    assert_int_equal(r.exit_status, 0);
    night_report_release(&r);
    plan_release(&p);
    store_close(s);
}

static void small_losses_of_speed_and_memory_are_named_first(void **state)
{
    static const struct {
        double seconds, memory;
        const char *quantity, *named;
    } rows[] = {{1.03, 1e8, "time", "m speed: "}, {1, 1.05e8, "memory", "memory +5"}};
    struct plan p = plan_of(first); /* with the limits that hold unless a plan says otherwise */
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct store *s = fresh(i ? "memory.db" : "slower.db");
        struct measured m = usual;
        struct night_report r;
        night(s, &p, 0, &m, &r);
        night_report_release(&r);
        m.seconds = rows[i].seconds;
        m.memory = rows[i].memory;
        night(s, &p, 1, &m, &r);
        assert_int_equal(r.verdict, VERDICT_FAIL);
        assert_int_equal(r.findings[0].kind, FINDING_REGRESSION);
        if (!strstr(r.findings[0].text, rows[i].named))
            fail_msg("%s", r.findings[0].text);
        for (size_t k = 0; k < r.n_comparisons; k++)
            assert_int_equal(r.comparisons[k].verdict == VERDICT_FAIL,
                             strcmp(r.comparisons[k].quantity, rows[i].quantity) == 0);
        night_report_release(&r);
        store_close(s);
    }
    plan_release(&p);
}

static void a_program_that_differs_from_itself_raises_its_own_limit(void **state)
{
    struct store *s = fresh("floor.db");
    struct plan p = plan_of(first);
    struct measured m = usual;
    struct night_report r;
    (void)state;
    for (int day = 0; day < 21; day++) { /* side B, the same program, seems 10 % slower */
        m.own = 0.10;
        m.seconds = day == 20 ? 1.06 : 1;
        night(s, &p, day, &m, &r);
        if (day < 20)
            night_report_release(&r);
    }
    assert_close(comparison_of(&r, "time")->floor, 0.10, 0.01);
    assert_true(comparison_of(&r, "time")->threshold > 0.09);
    assert_null(comparison_of(&r, "time")->why); /* 21 nights make a floor */
    assert_int_not_equal(comparison_of(&r, "time")->verdict, VERDICT_FAIL);
    night_report_release(&r);
    plan_release(&p);
    store_close(s);
}

/* Two programs in blocks of A B B A on a machine that slows down by a tenth from block to block. */
static void programs_that_ran_side_by_side_are_compared_in_pairs(void **state)
{
    enum { N = 16 };
    double s[2][N];
    int pair[2][N];
    struct speed a = {.s = s[0], .pair = pair[0], .n = N}, b = {.s = s[1], .pair = pair[1], .n = N};
    struct ratio r;
    double p;
    (void)state;
    for (int i = 0; i < N; i++)
        for (int side = 0; side < 2; side++) {
            s[side][i] = pow(1.1, i / 2) * (1 + .001 * (i * 7 % 5)) * (side ? 1.03 : 1);
            pair[side][i] = i;
        }
    assert_int_equal(speeds_compare(&a, &b, &r, &p, NULL), 0);
    assert_close(r.ratio, 1.03, 1e-9);
    assert_true(r.low > 1.02 && r.high < 1.04 && p < 1e-3);
    pair[1][3] = 99; /* a partner is missing */
    assert_int_equal(speeds_compare(&a, &b, &r, &p, NULL), 0);
    assert_true(r.low < 1 && r.high > 1.06 && p > .05);
    pair[1][3] = 3;
    a.n = b.n = 4; /* too few pairs: both samples still say something */
    assert_int_equal(speeds_compare(&a, &b, &r, &p, NULL), 0);
    assert_true(isfinite(r.low));
}

static void a_pinned_night_goes_before_the_plans_baseline(void **state)
{
    struct err e = ERR_NONE;
    struct store *s = fresh("pin.db");
    struct plan p = plan_of(first);
    struct measured m = usual;
    struct night_report r;
    char pinned[RUN_ID_SIZE];
    (void)state;
    night(s, &p, 0, &m, &r);
    night_report_release(&r);
    m.wrong = 20;
    night(s, &p, 1, &m, &r);
    assert_int_equal(r.exit_status, 1);
    for (size_t i = 0; i < r.cells.n; i++) {
        snprintf(pinned, sizeof pinned, "%s", r.cells.v[i].run);
        assert_int_equal(pin_set(s, pinned, 1, &e), 0);
    }
    night_report_release(&r);
    night(s, &p, 2, &m, &r);
    assert_int_equal(r.exit_status, 0); /* as bad as the pinned one */
    assert_int_equal(comparison_of(&r, "accuracy")->identical, 1);
    night_report_release(&r);
    plan_release(&p);
    store_close(s);
}

static void runs_of_nights_are_pruned_by_rule_and_their_series_stay(void **state)
{
    struct err e = ERR_NONE;
    struct store *s = fresh("prune.db");
    struct plan p = plan_of(first);
    struct night_report r;
    struct point_list points;
    struct run_list runs;
    const struct prune_rule last3 = {3, 0}, weekly = {1, -1};
    char labelled[RUN_ID_SIZE] = "";
    int n = 0;
    (void)state;
    for (int day = 0; day < 20; day++) { /* 2026-01-01 is a Thursday */
        night(s, &p, day, &usual, &r);
        if (day == 5)
            snprintf(labelled, sizeof labelled, "%s", r.cells.v[0].run);
        night_report_release(&r);
    }
    assert_int_equal(store_label(s, labelled, "keep me", NULL, &e), 0);
    /* kept: 3 newest nights, the first, one labelled run */
    assert_int_equal(store_prune(s, &last3, 1, (void (*)(void *, const struct pruned *))count_defect, &n, &e),
                     16 * CELLS - 1);
    assert_int_equal(n, 16 * CELLS - 1);
    assert_int_equal(query_runs(s, NULL, &runs, &e), 0);
    assert_int_equal(runs.n, 20 * CELLS); /* a dry run deletes nothing */
    run_list_release(&runs);
    /* weeks begin on days 0 (the first night), 4, 11, 18; and the newest night */
    assert_int_equal(store_prune(s, &weekly, 0, (void (*)(void *, const struct pruned *))count_defect, &n, &e),
                     (20 - 5) * CELLS - 1);
    assert_int_equal(store_prune(s, &weekly, 0, (void (*)(void *, const struct pruned *))count_defect, &n, &e), 0);
    assert_int_equal(query_run(s, "keep me", &runs, &e), 0);
    run_list_release(&runs);
    assert_int_equal(query_points(s, 1, 0, &points, &e), 0);
    assert_int_equal(points.n, 20 * 5);
    point_list_release(&points);
    check_is_clean(s);
    night(s, &p, 21, &usual, &r);
    assert_int_equal(r.exit_status, 0);
    night_report_release(&r);
    plan_release(&p);
    store_close(s);
}

static void judging_survives_every_failed_allocation(void **state)
{
    struct err e = ERR_NONE;
    struct store *s = fresh("nomem.db");
    struct plan p = plan_of(first);
    struct measured m = usual;
    struct night_report r;
    struct night last;
    int rc = -1;
    (void)state;
    night(s, &p, 0, &m, &r);
    night_report_release(&r);
    m.wrong = 20;
    m.machine = "{\"kernel\":\"6.2\"}";
    night(s, &p, 1, &m, &r);
    last = (struct night){.id = r.night.id, .plan_id = r.night.plan_id, .n = r.night.n};
    night_report_release(&r);
    for (int nth = 0; rc < 0; nth++) {
        long live = mem_live();
        e = ERR_NONE;
        mem_fail_at(nth);
        rc = night_judge(&r, s, &p, &last, &e);
        mem_fail_at(-1);
        if (rc == 0)
            night_report_release(&r);
        else
            assert_int_equal(e.code, ERR_NOMEM);
        assert_int_equal(mem_live(), live);
    }
    plan_release(&p);
    store_close(s);
}

static void a_sparkline_shows_heights_and_breaks(void **state)
{
    struct strbuf b = STRBUF_INIT;
    const double v[] = {0, 1, NAN, 7, 8};
    const int breaks[] = {0, 0, 0, 1, 0};
    const double flat[] = {3, 3}, huge[] = {-1.7e308, 1.7e308};
    (void)state;
    spark_line(&b, v, breaks, 5);
    assert_string_equal(b.s, "▁▂ |██");
    strbuf_clear(&b);
    spark_line(&b, flat, NULL, 2);
    assert_string_equal(b.s, "▅▅");
    strbuf_clear(&b);
    spark_line(&b, huge, NULL, 2);
    assert_string_equal(b.s, "▁█");
    strbuf_release(&b);
}

static void a_timer_quotes_what_systemd_and_cron_would_expand(void **state)
{
    struct err e = ERR_NONE;
    struct timer t = {.name = "my plan%", .program = "/opt/a b/densimeter", .plan = "/p/$x%i.json",
                      .database = "/d/r.db", .folder = "/w w", .models = "/m\"q", .hour = 2, .minute = 5};
    struct strbuf b = STRBUF_INIT;
    int hour, minute;
    (void)state;
    assert_int_equal(timer_service(&t, &b, &e), 0);
    assert_non_null(strstr(b.s, "ExecStart=\"/opt/a b/densimeter\" nightly \"/p/$$x%%i.json\" --db \"/d/r.db\"\n"));
    assert_non_null(strstr(b.s, "Environment=\"DENSIMETER_MODELS=/m\\\"q\"\n"));
    assert_non_null(strstr(b.s, "WorkingDirectory=/w w\n"));
    strbuf_clear(&b);
    assert_int_equal(timer_timer(&t, &b, &e), 0);
    assert_non_null(strstr(b.s, "OnCalendar=*-*-* 02:05:00\n"));
    assert_non_null(strstr(b.s, "Persistent=true\n"));
    strbuf_clear(&b);
    timer_unit(&t, &b);
    assert_string_equal(b.s, "densimeter-my_plan_");
    strbuf_clear(&b);
    assert_int_equal(timer_cron(&t, &b, &e), 0);
    assert_string_equal(b.s, "5 2 * * * cd '/w w' && DENSIMETER_MODELS='/m\"q' '/opt/a b/densimeter' nightly "
                             "'/p/$x\\%i.json' --db '/d/r.db'\n");
    strbuf_clear(&b);
    t.plan = "/p\n/x";
    assert_int_equal(timer_service(&t, &b, &e), -1);
    assert_int_equal(e.code, ERR_USAGE);
    strbuf_release(&b);
    assert_int_equal(timer_time("02:30", &hour, &minute, &e), 0);
    assert_int_equal(hour * 60 + minute, 150);
    assert_int_equal(timer_time("24:00", &hour, &minute, &e), -1);
    assert_int_equal(timer_time("2:30", &hour, &minute, &e), -1);
    assert_int_equal(timer_time("02:30x", &hour, &minute, &e), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_night_after_night_passes),
        cmocka_unit_test(what_only_one_night_has_is_no_pass),
        cmocka_unit_test(lost_items_are_a_regression_in_the_first_line),
        cmocka_unit_test(a_step_in_a_series_is_told_once),
        cmocka_unit_test(a_known_cause_begins_a_segment_and_accuses_nobody),
        cmocka_unit_test(a_slow_night_fails_on_a_quiet_machine_only),
        cmocka_unit_test(small_losses_of_speed_and_memory_are_named_first),
        cmocka_unit_test(a_program_that_differs_from_itself_raises_its_own_limit),
        cmocka_unit_test(programs_that_ran_side_by_side_are_compared_in_pairs),
        cmocka_unit_test(a_pinned_night_goes_before_the_plans_baseline),
        cmocka_unit_test(runs_of_nights_are_pruned_by_rule_and_their_series_stay),
        cmocka_unit_test(judging_survives_every_failed_allocation),
        cmocka_unit_test(a_sparkline_shows_heights_and_breaks),
        cmocka_unit_test(a_timer_quotes_what_systemd_and_cron_would_expand),
    };
    return cmocka_run_group_tests(tests, fixture_folder, fixture_folder_gone);
}
