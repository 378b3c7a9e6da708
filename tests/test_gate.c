#include "tests/test.h"

#include "base/json.h"
#include "base/mem.h"
#include "harness/gate_runs.h"
#include "harness/gate_write.h"
#include "tests/pair_runs.h"

/* --- policies ------------------------------------------------------------------------------- */

static int parse(struct gate_policy *p, const char *text, struct err *e)
{
    *e = ERR_NONE;
    return gate_policy_parse(p, text, strlen(text), "p.json", e);
}

static void the_policy_that_init_writes_can_be_read(void **state)
{
    struct strbuf b = STRBUF_INIT;
    struct gate_policy p;
    struct err e;

    (void)state;
    gate_policy_template(&b);
    if (parse(&p, strbuf_str(&b), &e) < 0)
        fail_msg("%s", e.text);
    assert_true(p.accuracy_margin == .01 && p.task_margin == .03 && isnan(p.energy_margin));
    assert_true(p.looks == 3 && p.correction == CORRECT_HOLM && p.forbid.n == 2);
    assert_string_equal(p.forbid.v[0], "numerics");
    gate_policy_release(&p);
    strbuf_release(&b);
}

static void the_schema_knows_every_member_of_the_template(void **state)
{
    struct strbuf schema = STRBUF_INIT, text = STRBUF_INIT;
    cJSON *s, *t;

    (void)state;
    gate_policy_schema(&schema);
    gate_policy_template(&text);
    s = json_parse(schema.s, schema.len, "schema", NULL);
    t = json_parse(text.s, text.len, "template", NULL);
    assert_non_null(s);
    assert_non_null(t);
    for (const cJSON *m = t->child; m; m = m->next) {
        const cJSON *known = json_get(json_get(s, "properties"), m->string);
        if (m->string[0] == '_')
            continue;
        assert_non_null(known);
        for (const cJSON *q = cJSON_IsObject(m) ? m->child : NULL; q; q = q->next)
            if (q->string[0] != '_')
                assert_non_null(json_get(json_get(known, "properties"), q->string));
    }
    json_free(s);
    json_free(t);
    strbuf_release(&schema);
    strbuf_release(&text);
}

static void what_is_wrong_is_told_with_its_place(void **state)
{
    static const struct {
        const char *text, *error, *hint;
    } rows[] = {
        {"{\n  \"accuracy\": {\n    \"margn\": 0.01\n  }\n}", "p.json:3:5: no member 'margn'",
         "did you mean 'margin'?"},
        {"{\"_c\": [1, {\"a\": \"}\"}],\n \"acuracy\": {}}", "p.json:2:2: no member 'acuracy'",
         "did you mean 'accuracy'?"},
        {"{\"alpa\": 0.05}", "p.json:1:2: no member 'alpa'", "did you mean 'alpha'?"},
        {"{\"accuracy\": {\"margin\": 1},\n\"tasks\": {\"a\": {\n\"metrc\": 1}}}",
         "p.json:3:1: no member 'metrc'", "did you mean 'metric'?"},
        {"{\"alpha\": \"x\"}", "p.json:1:2: alpha: a number from 1e-06 to 0.5", ""},
        {"{\"looks\": 1.5}", "p.json:1:2: looks: a whole number", ""},
        {"{\"correction\": \"bonferroni\"}", "correction: one of none|holm|bh|by", ""},
        {"{\"accuracy\": {\"margin\": -1}}", "margin: a number from 0 to 1, or null", ""},
        {"{\"memory\": {\"margin\": 0.01}}", "a margin of 0.01 is within the noise", ""},
        {"{\"accuracy\": {\"margin\": null}}", "no margin is given", ""},
        {"{\"accuracy\":{\"margin\":1},\"environment\": {\"forbid\": [\"kernel\"]}}",
         "no such difference as 'kernel'", "did you mean 'kernels'?"},
        {"{\"schema\": \"other/1\"}", "not a policy of densimeter.gate-policy/1", ""},
        {"[]", "not a policy", ""},
        {"{\"alpha\": 0.05", "malformed JSON", ""},
        {"{\"accuracy\":{\"margin\":1},\"tasks\":{\"a\":{\"filter\":\"x\"}}}",
         "a filter needs its metric", ""},
    };
    struct gate_policy p;
    struct err e;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(parse(&p, rows[i].text, &e), -1);
        if (!strstr(e.text, rows[i].error))
            fail_msg("'%s' lacks '%s'", e.text, rows[i].error);
        if (strcmp(e.hint, rows[i].hint) != 0)
            fail_msg("hint '%s', expected '%s'", e.hint, rows[i].hint);
    }
    assert_int_equal(mem_live(), 0);
}

static void a_policy_survives_every_failed_allocation(void **state)
{
    const char *text = "{\"accuracy\":{\"margin\":0.01},\"tasks\":{\"a\":{\"metric\":\"acc\"}},"
                       "\"environment\":{\"forbid\":[\"model\"]}}";
    int rc = -1;

    (void)state;
    for (int nth = 0; rc < 0; nth++) {
        struct gate_policy p = {0};
        struct err e;
        mem_fail_at(nth);
        rc = parse(&p, text, &e);
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        gate_policy_release(&p);
        assert_int_equal(mem_live(), 0);
    }
}

/* --- verdicts ------------------------------------------------------------------------------- */

static void the_rule_has_three_states(void **state)
{
    struct gate_numbers x = {-.005, -.009, -.001, .01, .004, .01, .05};

    (void)state;
    assert_int_equal(gate_rule(&x), VERDICT_PASS); /* significant, but tolerated */
    x.low = -.012;
    assert_int_equal(gate_rule(&x), VERDICT_FAIL); /* significant and large enough */
    x.p_adjusted = .06;
    assert_int_equal(gate_rule(&x), VERDICT_INCONCLUSIVE);
    x.p_adjusted = .01;
    x.practical = .006;
    assert_int_equal(gate_rule(&x), VERDICT_INCONCLUSIVE);
    x.high = -.011;
    assert_int_equal(gate_rule(&x), VERDICT_FAIL); /* all of it beyond the margin */
    x = (struct gate_numbers){0, -.02, .02, .01, .004, NAN, .05};
    assert_int_equal(gate_rule(&x), VERDICT_INCONCLUSIVE);
}

enum { N = 200 };
static struct made_item base[N], cand[N];

struct setting {
    struct store *s;
    char a[RUN_ID_SIZE], b[RUN_ID_SIZE];
    struct gate_runs runs;
    struct gate_policy policy;
    struct gate gate;
    struct gate_story story;
};

static struct made_run made_of(const char *model, const struct made_task *t)
{
    return (struct made_run){.model = model, .tasks = t, .n_tasks = 1};
}

/* `lost` answers of 200 go wrong, likelihoods fall by `shift` per byte, times grow by `slower`. */
static void fill(int lost, double shift, double slower)
{
    for (int i = 0; i < N; i++) {
        double chance = (double)(i * 37 % 11 - 5) / 1000; /* what no two builds share */
        base[i] = (struct made_item){i, i % 4 != 0, -2 - i % 3, 4, .1 + i % 5 * .01, NULL};
        cand[i] = base[i];
        cand[i].nats += 4 * (shift + chance);
        cand[i].latency_s *= slower * (1 + chance);
        if (cand[i].acc > 0 && lost-- > 0)
            cand[i].acc = 0;
    }
}

static void decide_runs(struct setting *t, struct made_run ra, struct made_run rb,
                        const char *policy)
{
    struct err e = ERR_NONE;

    memset(t, 0, sizeof *t);
    assert_int_equal(store_open(&t->s, ":memory:", NULL, NULL), 0);
    make_run(t->s, &ra, t->a);
    make_run(t->s, &rb, t->b);
    if (parse(&t->policy, policy, &e) < 0 || gate_runs_find(&t->runs, t->s, t->a, t->b, &e) < 0 ||
        gate_runs_read(&t->runs, t->s, &t->policy, &e) < 0 ||
        gate_decide(&t->gate, &t->runs.in, &t->policy, 1, &e) < 0)
        fail_msg("%s", e.text);
    t->story = (struct gate_story){&t->gate, &t->policy, "p.json", &t->runs.in};
}

static void decide(struct setting *t, const char *policy)
{
    struct made_task ta = {"arc_easy", 1, base, N, 1e8, 5};
    struct made_task tb = {"arc_easy", 1, cand, N, 1.06e8, 5};

    decide_runs(t, made_of("base", &ta), made_of("cand", &tb), policy);
}

static void end(struct setting *t)
{
    gate_release(&t->gate);
    gate_policy_release(&t->policy);
    gate_runs_release(&t->runs);
    store_close(t->s);
    assert_int_equal(mem_live(), 0);
}

static const struct gate_check *check(const struct setting *t, enum gate_quantity q, int of_task)
{
    for (size_t i = 0; i < t->gate.n_checks; i++)
        if (t->gate.checks[i].quantity == q && (t->gate.checks[i].task != NULL) == of_task)
            return &t->gate.checks[i];
    fail_msg("no check of %s", gate_quantity_name(q));
    return NULL;
}

static void a_planted_loss_fails_where_it_was_planted(void **state)
{
    struct setting t;
    const struct gate_check *c;

    (void)state;
    fill(12, 0, 1);
    decide(&t, "{\"accuracy\":{\"margin\":0.01},\"likelihood\":{\"margin\":0.01}}");
    assert_int_equal(t.gate.verdict, VERDICT_FAIL);
    c = check(&t, GATE_ACCURACY, 0);
    assert_true(c->verdict == VERDICT_FAIL && c->lost == 12 && c->won == 0);
    assert_close(c->estimate, -.06, 1e-12);
    assert_int_equal(check(&t, GATE_LIKELIHOOD, 0)->verdict, VERDICT_PASS);
    assert_non_null(strstr(t.gate.reason, "accuracy: -6.00 points"));
    end(&t);
    fill(0, -.02, 1);
    decide(&t, "{\"accuracy\":{\"margin\":0.02},\"likelihood\":{\"margin\":0.01}}");
    assert_int_equal(check(&t, GATE_LIKELIHOOD, 0)->verdict, VERDICT_FAIL);
    assert_int_equal(check(&t, GATE_ACCURACY, 0)->verdict, VERDICT_PASS);
    assert_non_null(strstr(t.gate.reason, "likelihood"));
    end(&t);
}

static void equal_runs_pass_and_few_items_cannot_tell(void **state)
{
    struct setting t;
    const struct gate_check *c;

    (void)state;
    fill(0, 0, 1);
    decide(&t, "{\"accuracy\":{\"margin\":0.02,\"task_margin\":0.05}}");
    assert_int_equal(t.gate.verdict, VERDICT_PASS);
    assert_int_equal(t.gate.n_checks, 2);
    end(&t);
    decide(&t, "{\"accuracy\":{\"margin\":0.01}}"); /* z^2 / (n + z^2) = 1.3 points */
    c = check(&t, GATE_ACCURACY, 0);
    assert_int_equal(c->verdict, VERDICT_INCONCLUSIVE);
    assert_close(c->mde, .0133, .02);
    assert_close(c->n_needed, 268, .01);
    assert_non_null(strstr(c->reason, "about 268 would decide"));
    assert_int_equal(verdict_status(t.gate.verdict), 2);
    end(&t);
    decide(&t, "{\"accuracy\":{\"margin\":0.1},\"minimum_items\":201}");
    assert_int_equal(t.gate.verdict, VERDICT_INCONCLUSIVE);
    assert_non_null(strstr(t.gate.reason, "the policy asks for 201; they show no loss below 1.33 "
                                          "points; about 201 would decide"));
    end(&t);
}

static void each_look_spends_its_share_of_alpha(void **state)
{
    struct setting one, three;

    (void)state;
    fill(2, 0, 1);
    decide(&one, "{\"accuracy\":{\"margin\":0.1}}");
    decide(&three, "{\"looks\":3,\"accuracy\":{\"margin\":0.1}}");
    assert_close(check(&one, GATE_ACCURACY, 0)->conf, .9, 1e-12);
    assert_close(check(&three, GATE_ACCURACY, 0)->conf, 1 - .1 / 3, 1e-12);
    assert_true(check(&three, GATE_ACCURACY, 0)->low < check(&one, GATE_ACCURACY, 0)->low);
    gate_release(&three.gate);
    gate_policy_release(&three.policy);
    gate_runs_release(&three.runs);
    store_close(three.s);
    end(&one);
}

static const char *const timing = "{\"latency\":{\"margin\":0.1,\"noise_floor\":0.02,"
                                  "\"brief_s\":9},"
                                  "\"memory\":{\"margin\":0.03,\"noise_floor\":0.01}}";

static void slower_and_larger_candidates_fail(void **state)
{
    struct setting t;

    (void)state;
    fill(0, 0, 1.2);
    decide(&t, timing);
    assert_int_equal(check(&t, GATE_LATENCY, 0)->verdict, VERDICT_FAIL);
    assert_int_equal(check(&t, GATE_MEMORY, 0)->verdict, VERDICT_FAIL); /* 6 % more */
    end(&t);
    fill(0, 0, 1.01);
    decide(&t, timing);
    assert_int_equal(check(&t, GATE_LATENCY, 0)->verdict, VERDICT_PASS);
    end(&t);
    fill(0, 0, 1.09);
    decide(&t, timing);
    assert_int_equal(check(&t, GATE_LATENCY, 0)->verdict, VERDICT_INCONCLUSIVE);
    end(&t);
    decide(&t, "{\"energy\":{\"margin\":0.1},\"latency\":{\"brief_s\":9}}");
    assert_int_equal(check(&t, GATE_ENERGY, 0)->verdict, VERDICT_PASS);
    end(&t);
}

static void a_noisy_machine_never_fails_a_candidate(void **state)
{
    struct setting t;
    struct made_task ta, tb;
    struct made_run ra, rb;

    (void)state;
    fill(0, 0, 1.5);
    ta = tb = (struct made_task){"arc_easy", 1, base, N, 1e8, NAN};
    tb.items = cand;
    ra = made_of("base", &ta);
    rb = made_of("cand", &tb);
    rb.noise = "{\"quiet\":false,\"invalid\":false,\"reasons\":\"load 9\"}";
    decide_runs(&t, ra, rb, timing);
    assert_int_equal(check(&t, GATE_LATENCY, 0)->verdict, VERDICT_INCONCLUSIVE);
    assert_non_null(strstr(check(&t, GATE_LATENCY, 0)->reason, "candidate: load 9"));
    assert_int_equal(check(&t, GATE_MEMORY, 0)->verdict, VERDICT_PASS);
    end(&t);
    rb.noise = "{\"quiet\":false,\"invalid\":true,\"reasons\":\"swapping\"}";
    decide_runs(&t, ra, rb, timing);
    assert_int_equal(check(&t, GATE_LATENCY, 0)->verdict, VERDICT_INVALID);
    assert_int_equal(verdict_status(t.gate.verdict), 3);
    end(&t);
}

static void what_the_policy_forbids_to_differ_is_not_compared(void **state)
{
    struct setting t;
    struct made_task ta, tb;
    struct made_run ra, rb;

    (void)state;
    fill(0, 0, 1);
    ta = tb = (struct made_task){"arc_easy", 1, base, N, 1e8, NAN};
    ra = made_of("base", &ta);
    rb = made_of("cand", &tb);
    rb.settings = "{\"chat\":true}";
    decide_runs(&t, ra, rb, timing);
    assert_int_equal(t.gate.verdict, VERDICT_INVALID);
    assert_int_equal(t.gate.n_checks, 0);
    assert_non_null(strstr(t.gate.reason, "settings differs"));
    end(&t);
    rb.settings = NULL;
    rb.machine_json = "{\"cpu\":\"y\",\"mitigations\":{\"a\":\"1\"}}";
    decide_runs(&t, ra, rb, timing);
    assert_int_equal(check(&t, GATE_LATENCY, 0)->verdict, VERDICT_INVALID);
    assert_true(t.gate.env.n >= 3); /* model, machine, machine.cpu */
    end(&t);
    decide_runs(&t, ra, rb, "{\"accuracy\":{\"margin\":0.05},\"environment\":{\"forbid\":"
                            "[\"machine.cpu\"]}}");
    assert_non_null(strstr(t.gate.reason, "machine.cpu differs: x in the baseline, y"));
    end(&t);
}

static void speed_tests_are_compared_as_two_samples(void **state)
{
    static const double quick[] = {1.00, 1.01, .99, 1.02, .98, 1.0, 1.01, .99};
    double slow[8];
    struct store_value rss = {"peak_rss_bytes", NULL, 1e8, NAN, NAN, NAN};
    struct store_bench rows_a[] = {{.test = "tg128", .samples = quick, .n_samples = 8,
                                    .values = &rss, .n_values = 1}};
    struct store_bench rows_b[] = {{.test = "tg128", .samples = slow, .n_samples = 8,
                                    .values = &rss, .n_values = 1}};
    struct bench_list la = {.v = rows_a, .n = 1}, lb = {.v = rows_b, .n = 1};
    struct run_row run = {.id = "1", .status = "complete"};
    const struct gate_process processes[] = {{.run = &run, .bench = &la},
                                             {.run = &run, .bench = &lb, .candidate = 1}};
    const struct gate_input in = {&run, &run, NULL, processes, 2};
    struct gate_policy p;
    struct gate g;
    struct err e;

    (void)state;
    assert_int_equal(parse(&p, "{\"latency\":{\"margin\":0.05,\"noise_floor\":0.01,"
                               "\"brief_s\":0},\"memory\":{\"margin\":0.05}}", &e), 0);
    for (int i = 0; i < 8; i++)
        slow[i] = quick[i] * 1.1;
    assert_int_equal(gate_decide(&g, &in, &p, 1, &e), 0);
    assert_int_equal(g.verdict, VERDICT_FAIL);
    assert_int_equal(g.n_checks, 2);
    assert_close(g.checks[0].estimate, 1.1, 1e-9);
    assert_true(g.checks[0].n == 8 && g.checks[1].verdict == VERDICT_PASS);
    assert_non_null(strstr(g.reason, "latency of tg128: +10.0 %"));
    gate_release(&g);
    memcpy(slow, quick, sizeof slow);
    assert_int_equal(gate_decide(&g, &in, &p, 1, &e), 0);
    assert_int_equal(g.verdict, VERDICT_PASS);
    gate_release(&g);
    rows_b[0].n_samples = 1; /* no interval: nothing is claimed */
    assert_int_equal(gate_decide(&g, &in, &p, 1, &e), 0);
    assert_int_equal(g.checks[0].verdict, VERDICT_INCONCLUSIVE);
    gate_release(&g);
    gate_policy_release(&p);
}

/* --- what it prints ------------------------------------------------------------------------- */

static void every_number_can_be_found_again(void **state)
{
    struct setting t;
    struct strbuf b = STRBUF_INIT;
    struct json_out o = JSON_OUT(&b);
    struct pair_row_list rows;
    const cJSON *changed, *arguments;
    cJSON *j;

    (void)state;
    fill(12, 0, 1);
    decide(&t, "{\"accuracy\":{\"margin\":0.01}}");
    json_begin_object(&o, NULL);
    gate_json(&o, &t.story);
    json_end_object(&o);
    j = json_parse(b.s, b.len, "gate", NULL);
    assert_non_null(j);
    assert_string_equal(json_str(j, "verdict"), "FAIL");
    assert_true(json_num(j, "exit_status", -1) == 1);
    assert_string_equal(json_str(j, "sql"), query_pair_sql());
    arguments = cJSON_GetArrayItem(json_get(j, "sql_arguments"), 1);
    assert_int_equal(query_pair_rows(t.s, cJSON_GetArrayItem(arguments, 0)->valuestring,
                                     cJSON_GetArrayItem(arguments, 1)->valuestring,
                                     cJSON_GetArrayItem(arguments, 2)->valuestring,
                                     cJSON_GetArrayItem(arguments, 3)->valuestring, &rows, NULL),
                     0);
    changed = json_get(j, "changed_items");
    assert_int_equal(cJSON_GetArraySize(changed), 12);
    for (const cJSON *c = changed->child; c; c = c->next)
        for (size_t i = 0; i < rows.n; i++)
            if (rows.v[i].item == (int64_t)json_num(c, "candidate_row", -1))
                assert_true(rows.v[i].value == json_num(c, "candidate", NAN));
    assert_string_equal(json_str(json_get(j, "policy"), "sha256"), t.policy.sha256);
    pair_row_list_release(&rows);
    json_free(j);
    strbuf_release(&b);
    end(&t);
}

static void ci_texts_are_escaped(void **state)
{
    struct gate_check checks[] = {
        {.quantity = GATE_ACCURACY, .task = "a<b>&\"\x01", .verdict = VERDICT_FAIL,
         .reason = "100 % lost\nmore, and: more"},
        {.quantity = GATE_MEMORY, .verdict = VERDICT_INCONCLUSIVE, .reason = "r"},
        {.quantity = GATE_LATENCY, .verdict = VERDICT_PASS, .reason = "fine"},
    };
    struct gate g = {.verdict = VERDICT_FAIL, .checks = checks, .n_checks = 3, .reason = "why"};
    struct run_row run = {.id = "12345678", .ended = "2026-11-26T01:02:03Z",
                          .machine_name = "a&b"};
    const struct gate_input in = {.a = &run, .b = &run};
    struct gate_story s = {.gate = &g, .in = &in};
    struct strbuf b = STRBUF_INIT;

    (void)state;
    gate_junit(&b, &s);
    assert_non_null(strstr(b.s, "tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"1\""));
    assert_non_null(strstr(b.s, "name=\"accuracy of a&lt;b&gt;&amp;&quot;?\""));
    assert_non_null(strstr(b.s, "message=\"100 % lost&#10;more, and: more\""));
    assert_non_null(strstr(b.s, " timestamp=\"2026-11-26T01:02:03\" hostname=\"a&amp;b\">"));
    assert_non_null(strstr(b.s, "<system-out>FAIL: why</system-out>"));
    strbuf_clear(&b);
    gate_github(&b, &s);
    assert_non_null(strstr(b.s, "::error title=densimeter gate%3A FAIL::why\n"));
    assert_non_null(strstr(b.s, "::100 %25 lost%0Amore, and: more\n"));
    assert_non_null(strstr(b.s, "::warning title=INCONCLUSIVE%3A memory::r\n"));
    assert_null(strstr(b.s, "fine"));
    strbuf_release(&b);
}

/* Hand-made checks, so that each cell's number can be told beforehand. */
static void the_page_has_each_quantity_in_its_unit(void **state)
{
    static const char *const policy =
        "{\"accuracy\":{\"margin\":0.02},\"likelihood\":{\"margin\":0.01},"
        "\"latency\":{\"margin\":0.1},\"memory\":{\"margin\":0.25},\"energy\":{\"margin\":0.5}}";
    static const char *const wanted[] = {
        "75.00 %", "69.00 %", "-6.00 [", "-2.00 points", /* 12 of 200 lost */
        "-0.0100 nats/byte",
        "100.0 MB", "106.0 MB", "+6.00", "+25.0 %", /* 1e8 and 1.06e8 bytes */
        "5 J", "+50.0 %", "+10.0 %",
    };
    struct setting t;
    struct report r;
    struct strbuf b = STRBUF_INIT;
    struct report_options o = {.width = 200};

    (void)state;
    fill(12, 0, 1);
    decide(&t, policy);
    report_init(&r, "Release gate");
    gate_report(&r, &t.story);
    for (int i = 0; report_writer_at(i); i++)
        if (strcmp(report_writer_at(i)->name, "text") == 0)
            assert_int_equal(report_writer_at(i)->write(&r, &o, &b, NULL), 0);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (!strstr(strbuf_str(&b), wanted[i]))
            fail_msg("no %s in\n%s", wanted[i], strbuf_str(&b));
    strbuf_release(&b);
    report_release(&r);
    end(&t);
}

static void the_page_says_the_verdict_first(void **state)
{
    struct setting t;
    struct report r;
    struct strbuf b = STRBUF_INIT;
    struct report_options o = {.width = 80};

    (void)state;
    fill(12, 0, 1);
    decide(&t, "{\"accuracy\":{\"margin\":0.01},\"looks\":2}");
    report_init(&r, "Release gate");
    gate_report(&r, &t.story);
    assert_int_equal(report_ok(&r, NULL), 0);
    for (int i = 0; report_writer_at(i); i++) {
        strbuf_clear(&b);
        assert_int_equal(report_writer_at(i)->write(&r, &o, &b, NULL), 0);
        assert_non_null(strstr(b.s, "FAIL"));
        if (strcmp(report_writer_at(i)->name, "text") != 0)
            continue;
        assert_true(strstr(b.s, "FAIL") - b.s < 120);
        for (const char *line = b.s; *line; line += strcspn(line, "\n") + 1) {
            size_t bytes = strcspn(line, "\n"), columns = 0;
            for (size_t k = 0; k < bytes; k++)
                columns += ((unsigned char)line[k] & 0xc0) != 0x80;
            assert_true(columns <= 80);
        }
    }
    strbuf_release(&b);
    report_release(&r);
    end(&t);
}

static void a_verdict_survives_every_failed_allocation(void **state)
{
    struct setting t;
    int rc = -1;

    (void)state;
    fill(3, 0, 1.05);
    decide(&t, "{\"accuracy\":{\"margin\":0.01,\"task_margin\":0.02},\"likelihood\":{\"margin\":"
               "0.01},\"latency\":{\"margin\":0.1},\"memory\":{\"margin\":0.1}}");
    for (int nth = 0; rc < 0; nth++) {
        struct gate g = {0};
        struct err e = ERR_NONE;
        mem_fail_at(nth);
        rc = gate_decide(&g, &t.runs.in, &t.policy, 1, &e);
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        for (size_t i = 0; i < g.n_checks; i++)
            assert_non_null(g.checks[i].reason);
        gate_release(&g);
    }
    end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_policy_that_init_writes_can_be_read),
        cmocka_unit_test(the_schema_knows_every_member_of_the_template),
        cmocka_unit_test(what_is_wrong_is_told_with_its_place),
        cmocka_unit_test(a_policy_survives_every_failed_allocation),
        cmocka_unit_test(the_rule_has_three_states),
        cmocka_unit_test(a_planted_loss_fails_where_it_was_planted),
        cmocka_unit_test(equal_runs_pass_and_few_items_cannot_tell),
        cmocka_unit_test(each_look_spends_its_share_of_alpha),
        cmocka_unit_test(slower_and_larger_candidates_fail),
        cmocka_unit_test(a_noisy_machine_never_fails_a_candidate),
        cmocka_unit_test(what_the_policy_forbids_to_differ_is_not_compared),
        cmocka_unit_test(speed_tests_are_compared_as_two_samples),
        cmocka_unit_test(every_number_can_be_found_again),
        cmocka_unit_test(ci_texts_are_escaped),
        cmocka_unit_test(the_page_has_each_quantity_in_its_unit),
        cmocka_unit_test(the_page_says_the_verdict_first),
        cmocka_unit_test(a_verdict_survives_every_failed_allocation),
    };

    return RUN(tests);
}
