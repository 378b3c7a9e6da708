/* What a gate prints, from checks made by hand: every cell follows from a number below. */
#include "tests/test.h"

#include "base/json.h"
#include "base/mem.h"
#include "harness/gate_write.h"

static const struct run_row base_run = {
    .id = "aaaa1111", .label = "release", .status = "complete", .kind = "eval",
    .created = "2026-11-25T10:20:30Z", .ended = "2026-11-25T10:30:30Z", .program_version = "1.2",
    .numerics_id = "exact/1", .device = "cpu", .threads = 2, .seed = 7, .machine_name = "box",
    .model = {.name = "tiny:q8", .sha256 = "sha-of-q8"}};
static const struct run_row cand_run = {
    .id = "bbbb2222", .status = "complete", .kind = "eval", .created = "2026-11-26T01:02:03Z",
    .program_version = "1.3", .numerics_id = "exact/1", .device = "cpu", .threads = 2, .seed = 7,
    .noise_after = "{\"quiet\":true}", .model = {.name = "tiny:q4", .sha256 = "sha-of-q4"}};

enum { CHECKS = 6, PAIRS = 52 };

struct made {
    struct gate_process processes[6];
    struct gate_level levels[2];
    struct gate_check checks[CHECKS];
    struct gate gate;
    struct gate_policy policy;
    struct pair v[PAIRS];
    struct pair_task task;
    struct pairs pairs;
    struct gate_input in;
    struct gate_story story;
};

static const struct gate_check unknown = {
    .a = NAN, .b = NAN, .estimate = NAN, .low = NAN, .high = NAN, .conf = NAN, .margin = NAN,
    .practical = NAN, .floor = NAN, .lost = NAN, .won = NAN, .p_exact = NAN, .design_effect = NAN,
    .p_loss = NAN, .p_adjusted = NAN, .p_margin = NAN, .mde = NAN, .n_needed = NAN, .spread = NAN,
    .spread_df = NAN};

static void make_checks(struct made *m)
{
    struct gate_check *c = m->checks;

    for (int i = 0; i < CHECKS; i++)
        c[i] = unknown;
    c->quantity = GATE_ACCURACY;
    c->verdict = VERDICT_FAIL;
    c->reason = "too much is lost";
    c->n = 200, c->n_clusters = 190;
    c->a = .75, c->b = .69, c->estimate = -.06, c->low = -.0925, c->high = -.0275;
    c->conf = .9, c->margin = .02, c->practical = .005, c->lost = 12, c->won = 3;
    c->p_exact = .25, c->design_effect = 1.5, c->p_loss = .01, c->p_adjusted = .0234567;
    c->p_margin = .99, c->mde = .0133, c->n_needed = 268.4;
    c++;
    c->quantity = GATE_LIKELIHOOD;
    c->task = "arc_easy", c->metric = "acc", c->filter = "none";
    c->verdict = VERDICT_PASS;
    c->reason = "as likely as before";
    c->n = 199;
    c->a = -1.25, c->b = -1.2625, c->estimate = -.0125, c->low = -.02, c->high = -.005;
    c->margin = .03, c->mde = .0042, c->n_needed = 77;
    c++;
    c->quantity = GATE_LATENCY;
    c->task = "tg128";
    c->verdict = VERDICT_INCONCLUSIVE;
    c->reason = "it may be slower";
    c->n = 8;
    c->a = .5, c->b = .5625, c->estimate = 1.125, c->low = .95, c->high = 1.3;
    c->margin = .1, c->mde = .17, c->n_needed = 9, c->spread = log(1.5), c->spread_df = 4;
    c->levels = m->levels, c->n_levels = 2, c->method = PROCESS_STUDENT, c->is_brief = 1;
    c++;
    c->quantity = GATE_MEMORY;
    c->verdict = VERDICT_INVALID;
    c->reason = "of another machine";
    c->n = 1;
    c->a = 104857600, c->b = 110100480, c->estimate = 1.05, c->margin = .03; /* no interval */
    c++;
    c->quantity = GATE_ENERGY;
    c->verdict = VERDICT_INCONCLUSIVE;
    c->reason = "no meter";
    c->n = 1;
    c->b = 5.125, c->margin = .5, c->mde = .25, c->n_needed = INFINITY;
    c->levels = m->levels, c->method = PROCESS_UNKNOWN;
    c++;
    c->quantity = GATE_LIKELIHOOD;
    c->verdict = VERDICT_FAIL;
    c->reason = "less likely";
    c->n = 40, c->estimate = -.5, c->margin = .01;
}

static void make(struct made *m)
{
    static const struct env_difference differences[] = {
        {.key = "threads", .a = "2", .b = "4", .effect = ENV_FORBIDS_TIMING}};

    memset(m, 0, sizeof *m);
    for (int i = 0; i < 6; i++) /* A B A | b b, and an A again */
        m->processes[i] = (struct gate_process){.run = i % 2 ? &cand_run : &base_run,
                                                .candidate = i % 2};
    m->processes[3].earlier = m->processes[5].earlier = 1;
    m->levels[0] = (struct gate_level){&m->processes[0], -.25};
    m->levels[1] = (struct gate_level){&m->processes[3], .5};
    make_checks(m);
    m->gate = (struct gate){.verdict = VERDICT_FAIL, .checks = m->checks, .n_checks = CHECKS,
                            .look = 2, .reason = "accuracy: too much is lost (and more)",
                            .env = {.v = (struct env_difference *)differences, .n = 1,
                                    .worst = ENV_FORBIDS_TIMING, .noisy = 1,
                                    .reasons = "load 9"}};
    m->policy = (struct gate_policy){.alpha = .06, .looks = 3, .power = .8,
                                     .text = "{\"alpha\":0.06}",
                                     .sha256 = "0123456789abcdef0123"};
    for (int i = 0; i < PAIRS; i++) /* all but the second are lost */
        m->v[i] = (struct pair){.doc_id = 10 + i, .doc_hash = "0123456789abcdefXYZ",
                                .prompt_hash = "p", .first = (size_t)i,
                                .a = {100 + i, 1, -1, 1}, .b = {200 + i, i == 1, -1, 1}};
    m->task = (struct pair_task){.task = "arc_easy", .metric = "acc", .v = m->v, .n = PAIRS};
    m->pairs = (struct pairs){.tasks = &m->task, .n_tasks = 1, .n = PAIRS};
    m->in = (struct gate_input){&base_run, &cand_run, &m->pairs, m->processes, 6};
    m->story = (struct gate_story){&m->gate, &m->policy, "p.json", &m->in};
}

/* Where they part is what a reader wants to see. */
static void same_text(const char *is, const char *wanted)
{
    size_t n = 0;

    while (is[n] && is[n] == wanted[n])
        n++;
    if (is[n] || wanted[n])
        fail_msg("'%.60s', expected '%.60s'", is + n, wanted + n);
}

static void page(const struct made *m, struct strbuf *out)
{
    struct report r;
    struct report_options o = {.width = 400};

    report_init(&r, "Release gate");
    gate_report(&r, &m->story);
    assert_int_equal(report_ok(&r, NULL), 0);
    strbuf_clear(out);
    assert_int_equal(report_writer_named("markdown")->write(&r, &o, out, NULL), 0);
    report_release(&r);
}

static void the_page_says_what_the_checks_say(void **state)
{
    struct strbuf is = STRBUF_INIT, wanted = STRBUF_INIT;
    struct made m;

    (void)state;
    make(&m);
    page(&m, &is);
    strbuf_adds(&wanted,
        "# Release gate\n\ntiny:q4 against tiny:q8\n\n- **Verdict:** FAIL\n"
        "- **accuracy:** -6.00 points — FAIL\n- **latency of tg128:** \\+12.5 % — INCONCLUSIVE\n"
        "- **memory:** \\+5.0 % — INVALID\n- **likelihood:** -0.5000 nats/byte — FAIL\n\n"
        "> **Note:** FAIL: accuracy: too much is lost \\(and more\\).\n\n"
        "- **FAIL, accuracy:** too much is lost\n- **FAIL, likelihood:** less likely\n"
        "- **INVALID, memory:** of another machine\n"
        "- **INCONCLUSIVE, latency of tg128:** it may be slower\n"
        "- **INCONCLUSIVE, energy:** no meter\n\n## Checks\n\n**Every check**\n\n"
        "| check | verdict | change | limit | items | baseline | candidate | p, corrected |\n"
        "|---|---|---|---|---|---|---|---|\n"
        "| accuracy | FAIL | -6.00 \\[-9.25, -2.75\\] | -2.00 points | 200 | 75.00 % | "
        "69.00 % | 0.0235 |\n"
        "| likelihood of arc\\_easy | PASS | -0.0125 \\[-0.0200, -0.0050\\] | -0.0300 "
        "nats/byte | 199 | -1.2500 | -1.2625 |  |\n"
        "| latency of tg128 | INCONCLUSIVE | \\+12.50 \\[-5.00, \\+30.00\\] | \\+10.0 % | 8 "
        "| 0.5 s | 0.5625 s |  |\n"
        "| memory | INVALID | \\+5.00, no interval | \\+3.0 % | 1 | 104.9 MB | 110.1 MB |  |\n"
        "| energy | INCONCLUSIVE |  | \\+50.0 % | 1 |  | 5.125 J |  |\n"
        "| likelihood | FAIL | -0.5000, no interval | -0.0100 nats/byte | 40 |  |  |  |\n\n"
        "Change: candidate against baseline, in points of accuracy, nats per byte, or "
        "per cent for latency, memory and energy, with the interval that the limit is "
        "held against \\(96 %\\).\n\n## What these items could show\n\n**Sensitivity**\n\n"
        "| check | items | loss that shows | would decide |\n|---|---|---|---|\n"
        "| accuracy | 200 | 1.33 points | 268 items |\n"
        "| likelihood of arc\\_easy | 199 | 0.0042 nats/byte | 77 items |\n"
        "| latency of tg128 | 8 | 17.0 % | 9 runs a side |\n| energy | 1 | 25.0 % |  |\n\n"
        "With 80 % power: the smallest loss that these items or runs show, and how many "
        "show a candidate that is equal to be within the limit.\n\n"
        "## What differs besides the results\n\n"
        "- **threads:** 2 → 4 \\(forbids comparing times\\)\n\n"
        "> **Note:** The machine was not quiet: load 9.\n\n## Lost items\n\n"
        "**Right before, wrong now**\n\n"
        "| task | document | hash | row of the baseline | row of the candidate |\n"
        "|---|---|---|---|---|\n");
    for (int i = 0; i < PAIRS - 1; i++)
        if (i != 1)
            strbuf_addf(&wanted, "| arc\\_easy | %d | 0123456789abcdef | %d | %d |\n", 10 + i,
                        100 + i, 200 + i);
    strbuf_adds(&wanted,
        "\n51 items the baseline had and the candidate has not, the first 50 here. "
        "'densimeter compare aaaa1111 bbbb2222' shows what was answered.\n\n"
        "## What was compared\n\n- **baseline:** aaaa1111 \\(tiny:q8, 2026-11-25T10:20:30Z\\)\n"
        "- **candidate:** bbbb2222 \\(tiny:q4, 2026-11-26T01:02:03Z\\)\n"
        "- **repeats:** 3 and 1 runs, not alternating\n"
        "- **earlier runs:** 0 and 2 of the same programs: they tell how far two runs of "
        "one program differ\n- **spread of latency of tg128:** 50.0 % from run to run\n"
        "- **items:** 52, the same in both runs\n"
        "- **policy:** p.json \\(SHA-256 0123456789ab\\)\n"
        "- **look:** 2 of 3, alpha 0.02 one-sided\n\n## How it was decided\n");
    assert_true(is.len > wanted.len + 100); /* how it was decided, in words */
    is.s[wanted.len] = 0;
    same_text(strbuf_str(&is), strbuf_str(&wanted));
    strbuf_release(&is);
    strbuf_release(&wanted);
}

/* line: with its end; count times */
static void has(const char *text, const char *line, int count)
{
    int n = 0;

    for (const char *at = text; (at = strstr(at, line)); at += strlen(line))
        n++;
    if (n != count)
        fail_msg("%d times '%s' in\n%s", n, line, text);
}

static void the_page_leaves_out_what_there_is_not(void **state)
{
    struct strbuf is = STRBUF_INIT;
    struct made m;

    (void)state;
    make(&m);
    m.task.n = 51; /* fifty lost: all are shown */
    m.in.n_processes = 2;
    m.gate.verdict = VERDICT_PASS;
    m.gate.reason = "fine";
    page(&m, &is);
    has(is.s, "\nPASS: fine.\n", 1);
    has(is.s, "Note", 1); /* the machine's */
    has(is.s, "\n50 items the baseline had and the candidate has not. 'densimeter", 1);
    has(is.s, "**repeats:**", 0);
    has(is.s, "earlier runs:", 0);
    m.task.n = 1;
    m.in.n_processes = 3;
    m.gate.alternate = 1;
    page(&m, &is);
    has(is.s, "\n1 item the baseline had and the candidate has not. '", 1);
    has(is.s, "- **repeats:** 2 and 1 runs, alternating\n", 1);
    has(is.s, "earlier runs:", 0);
    m.in.n_processes = 4;
    page(&m, &is);
    has(is.s, "- **earlier runs:** 0 and 1 of", 1);
    m.processes[3] = (struct gate_process){.run = &base_run, .earlier = 1};
    page(&m, &is);
    has(is.s, "- **earlier runs:** 1 and 0 of", 1);
    m.v[0].b.credit = 1;
    m.gate.n_checks = 0;
    page(&m, &is);
    has(is.s, "## Lost items", 0);
    has(is.s, "## Checks", 0);
    has(is.s, "## What these items", 0);
    m.in.pairs = NULL;
    page(&m, &is);
    has(is.s, "- **items:**", 0);
    strbuf_release(&is);
}

/* The members up to `end`; the others are other files' (sides_write.h, query.h). */
static void json(const struct made *m, const char *end, struct strbuf *out)
{
    struct json_out o = JSON_OUT(out);

    strbuf_clear(out);
    json_begin_object(&o, NULL);
    gate_json(&o, &m->story);
    json_end_object(&o);
    assert_non_null(strstr(out->s, end));
    *strstr(out->s, end) = 0;
}

static void the_json_has_every_number(void **state)
{
    static const char *const wanted =
        "{\"verdict\":\"FAIL\",\"exit_status\":1,\"reason\":\"accuracy: too much is lost "
        "(and more)\",\"baseline\":{\"run\":\"aaaa1111\",\"label\":\"release\","
        "\"status\":\"complete\",\"created\":\"2026-11-25T10:20:30Z\","
        "\"model\":{\"name\":\"tiny:q8\",\"path\":null,\"architecture\":null,"
        "\"parameters\":{\"total\":0,\"non_embedding\":0,\"embedding\":0,\"active\":0},"
        "\"file_bytes\":0,\"bits_per_weight\":0,\"tensor_types\":null,"
        "\"sha256\":\"sha-of-q8\",\"licence\":null},\"program_version\":\"1.2\","
        "\"numerics\":\"exact/1\",\"device\":\"cpu\",\"threads\":2,\"seed\":7,"
        "\"machine\":\"box\",\"noise\":null},\"candidate\":{\"run\":\"bbbb2222\","
        "\"label\":null,\"status\":\"complete\",\"created\":\"2026-11-26T01:02:03Z\","
        "\"model\":{\"name\":\"tiny:q4\",\"path\":null,\"architecture\":null,"
        "\"parameters\":{\"total\":0,\"non_embedding\":0,\"embedding\":0,\"active\":0},"
        "\"file_bytes\":0,\"bits_per_weight\":0,\"tensor_types\":null,"
        "\"sha256\":\"sha-of-q4\",\"licence\":null},\"program_version\":\"1.3\","
        "\"numerics\":\"exact/1\",\"device\":\"cpu\",\"threads\":2,\"seed\":7,"
        "\"machine\":null,\"noise\":{\"quiet\":true}},\"policy\":{\"path\":\"p.json\","
        "\"sha256\":\"0123456789abcdef0123\",\"contents\":{\"alpha\":0.06},\"look\":2,"
        "\"looks\":3,\"alpha_of_look\":0.02},\"items\":52,\"alternate\":false,"
        "\"checks\":[{\"quantity\":\"accuracy\",\"unit\":\"share\",\"task\":null,"
        "\"metric\":null,\"filter\":null,\"verdict\":\"FAIL\",\"reason\":\"too much is "
        "lost\",\"n\":200,\"clusters\":190,\"baseline\":0.75,\"candidate\":0.69,"
        "\"estimate\":-0.06,\"low\":-0.0925,\"high\":-0.0275,\"confidence\":0.9,"
        "\"margin\":0.02,\"practical\":0.005,\"noise_floor\":null,\"lost\":12,\"won\":3,"
        "\"design_effect\":1.5,\"p_mcnemar_exact\":0.25,\"p_loss\":0.01,"
        "\"p_adjusted\":0.0234567,\"p_margin\":0.99,\"mde\":0.0133,\"items_needed\":268.4},"
        "{\"quantity\":\"likelihood\",\"unit\":\"nats/byte\",\"task\":\"arc_easy\","
        "\"metric\":\"acc\",\"filter\":\"none\",\"verdict\":\"PASS\",\"reason\":\"as likely "
        "as before\",\"n\":199,\"clusters\":0,\"baseline\":-1.25,\"candidate\":-1.2625,"
        "\"estimate\":-0.0125,\"low\":-0.02,\"high\":-0.005,\"confidence\":null,"
        "\"margin\":0.03,\"practical\":null,\"noise_floor\":null,\"lost\":null,\"won\":null,"
        "\"design_effect\":null,\"p_mcnemar_exact\":null,\"p_loss\":null,\"p_adjusted\":null,"
        "\"p_margin\":null,\"mde\":0.0042,\"items_needed\":77},{\"quantity\":\"latency\","
        "\"unit\":\"ratio\",\"task\":\"tg128\",\"metric\":null,\"filter\":null,"
        "\"verdict\":\"INCONCLUSIVE\",\"reason\":\"it may be slower\",\"n\":8,\"clusters\":0,"
        "\"baseline\":0.5,\"candidate\":0.5625,\"estimate\":1.125,\"low\":0.95,\"high\":1.3,"
        "\"confidence\":null,\"margin\":0.1,\"practical\":null,\"noise_floor\":null,"
        "\"lost\":null,\"won\":null,\"design_effect\":null,\"p_mcnemar_exact\":null,"
        "\"p_loss\":null,\"p_adjusted\":null,\"p_margin\":null,\"mde\":0.17,"
        "\"runs_needed\":9,\"method\":\"student\",\"brief\":true,"
        "\"spread\":0.4054651081081644,\"spread_df\":4,\"levels\":[{\"run\":\"aaaa1111\","
        "\"side\":\"baseline\",\"earlier\":false,\"level\":-0.25},{\"run\":\"bbbb2222\","
        "\"side\":\"candidate\",\"earlier\":true,\"level\":0.5}]},{\"quantity\":\"memory\","
        "\"unit\":\"ratio\",\"task\":null,\"metric\":null,\"filter\":null,"
        "\"verdict\":\"INVALID\",\"reason\":\"of another machine\",\"n\":1,\"clusters\":0,"
        "\"baseline\":104857600,\"candidate\":110100480,\"estimate\":1.05,\"low\":null,"
        "\"high\":null,\"confidence\":null,\"margin\":0.03,\"practical\":null,"
        "\"noise_floor\":null,\"lost\":null,\"won\":null,\"design_effect\":null,"
        "\"p_mcnemar_exact\":null,\"p_loss\":null,\"p_adjusted\":null,\"p_margin\":null,"
        "\"mde\":null,\"items_needed\":null},{\"quantity\":\"energy\",\"unit\":\"ratio\","
        "\"task\":null,\"metric\":null,\"filter\":null,\"verdict\":\"INCONCLUSIVE\","
        "\"reason\":\"no meter\",\"n\":1,\"clusters\":0,\"baseline\":null,"
        "\"candidate\":5.125,\"estimate\":null,\"low\":null,\"high\":null,"
        "\"confidence\":null,\"margin\":0.5,\"practical\":null,\"noise_floor\":null,"
        "\"lost\":null,\"won\":null,\"design_effect\":null,\"p_mcnemar_exact\":null,"
        "\"p_loss\":null,\"p_adjusted\":null,\"p_margin\":null,\"mde\":0.25,"
        "\"runs_needed\":null,\"method\":\"noise_floor\",\"brief\":false,\"spread\":null,"
        "\"spread_df\":null,\"levels\":[]},{\"quantity\":\"likelihood\","
        "\"unit\":\"nats/byte\",\"task\":null,\"metric\":null,\"filter\":null,"
        "\"verdict\":\"FAIL\",\"reason\":\"less likely\",\"n\":40,\"clusters\":0,"
        "\"baseline\":null,\"candidate\":null,\"estimate\":-0.5,\"low\":null,\"high\":null,"
        "\"confidence\":null,\"margin\":0.01,\"practical\":null,\"noise_floor\":null,"
        "\"lost\":null,\"won\":null,\"design_effect\":null,\"p_mcnemar_exact\":null,"
        "\"p_loss\":null,\"p_adjusted\":null,\"p_margin\":null,\"mde\":null,"
        "\"items_needed\":null}]";
    struct strbuf is = STRBUF_INIT;
    struct made m;
    cJSON *j;

    (void)state;
    make(&m);
    json(&m, ",\"environment\"", &is);
    same_text(is.s, wanted);
    is.s[strlen(wanted)] = ',';
    j = json_parse(is.s, is.len, "gate", NULL);
    assert_non_null(j);
    assert_int_equal(cJSON_GetArraySize(json_get(j, "changed_items")), PAIRS - 1);
    assert_string_equal(json_str(cJSON_GetArrayItem(json_get(j, "environment"), 0), "effect"),
                        "forbids_timing");
    json_free(j);
    json(&m, ",\"changed_items\"", &is);
    has(is.s, ",\"validity\":{\"noisy\":true,\"swapped_or_throttled\":false,"
              "\"reasons\":\"load 9\"}", 1);
    strbuf_release(&is);
}

static void the_json_names_method_and_arguments(void **state)
{
    static const char *const methods[] = {"noise_floor", "student", "hodges_lehmann",
                                          "signed_ranks"};
    struct strbuf is = STRBUF_INIT;
    struct made m;

    (void)state;
    make(&m);
    m.task.filter = "none";
    json(&m, "}]}", &is); /* nothing after it: cut nowhere */
    for (int k = 0; k < 4; k++) {
        char member[60];
        m.checks[2].method = (enum process_method)k;
        m.checks[2].is_brief = k == 0;
        json(&m, ",\"environment\"", &is);
        snprintf(member, sizeof member, "\"method\":\"%s\",\"brief\":%s,", methods[k],
                 k ? "false" : "true");
        assert_non_null(strstr(is.s, member));
    }
    m.gate.alternate = 1;
    m.gate.env.invalid = 1;
    m.gate.env.noisy = 0;
    json(&m, ",\"changed_items\"", &is);
    has(is.s, "\"items\":52,\"alternate\":true,", 1);
    has(is.s, "\"noisy\":false,\"swapped_or_throttled\":true,", 1);
    is.s[strlen(is.s)] = ',';
    has(is.s, ",\"sql_arguments\":[[\"aaaa1111\",\"arc_easy\",\"acc\",\"none\"],"
              "[\"bbbb2222\",\"arc_easy\",\"acc\",\"none\"]]}", 1);
    m.in.pairs = NULL;
    json(&m, ",\"checks\"", &is);
    has(is.s, "\"items\":null,", 1);
    strbuf_release(&is);
}

static void continuous_integration_is_told_every_check(void **state)
{
    struct strbuf is = STRBUF_INIT;
    struct made m;

    (void)state;
    make(&m);
    gate_junit(&is, &m.story);
    same_text(strbuf_str(&is),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<testsuite name=\"densimeter gate\" tests=\"6\" failures=\"2\" errors=\"1\" "
        "skipped=\"2\" time=\"0\" timestamp=\"2026-11-26T01:02:03\" hostname=\"localhost\">\n"
        "  <properties>\n    <property name=\"verdict\" value=\"FAIL\"/>\n"
        "    <property name=\"baseline\" value=\"aaaa1111\"/>\n"
        "    <property name=\"candidate\" value=\"bbbb2222\"/>\n  </properties>\n"
        "  <testcase classname=\"densimeter.gate.accuracy\" name=\"accuracy\" time=\"0\">\n"
        "    <failure type=\"FAIL\" message=\"too much is lost\"/>\n  </testcase>\n"
        "  <testcase classname=\"densimeter.gate.likelihood\" name=\"likelihood of "
        "arc_easy\" time=\"0\"></testcase>\n"
        "  <testcase classname=\"densimeter.gate.latency\" name=\"latency of tg128\" "
        "time=\"0\">\n    <skipped message=\"it may be slower\"/>\n  </testcase>\n"
        "  <testcase classname=\"densimeter.gate.memory\" name=\"memory\" time=\"0\">\n"
        "    <error type=\"INVALID\" message=\"of another machine\"/>\n  </testcase>\n"
        "  <testcase classname=\"densimeter.gate.energy\" name=\"energy\" time=\"0\">\n"
        "    <skipped message=\"no meter\"/>\n  </testcase>\n"
        "  <testcase classname=\"densimeter.gate.likelihood\" name=\"likelihood\" time=\"0\">\n"
        "    <failure type=\"FAIL\" message=\"less likely\"/>\n  </testcase>\n"
        "  <system-out>FAIL: accuracy: too much is lost (and more)</system-out>\n"
        "  <system-err></system-err>\n</testsuite>\n");
    strbuf_clear(&is);
    gate_github(&is, &m.story);
    same_text(strbuf_str(&is),
        "::error title=densimeter gate%3A FAIL::accuracy: too much is lost (and more)\n"
        "::error title=FAIL%3A accuracy::too much is lost\n"
        "::warning title=INCONCLUSIVE%3A latency of tg128::it may be slower\n"
        "::error title=INVALID%3A memory::of another machine\n"
        "::warning title=INCONCLUSIVE%3A energy::no meter\n"
        "::error title=FAIL%3A likelihood::less likely\n");
    strbuf_release(&is);
}

static void runs_that_cannot_be_compared_are_one_case(void **state)
{
    static const char *const wanted =
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<testsuite name=\"densimeter gate\" tests=\"1\" failures=\"0\" errors=\"1\" "
        "skipped=\"0\" time=\"0\" timestamp=\"1970-01-01T00:00:00\" hostname=\"x\">\n"
        "  <properties>\n    <property name=\"verdict\" value=\"INVALID\"/>\n"
        "    <property name=\"baseline\" value=\"aaaa1111\"/>\n"
        "    <property name=\"candidate\" value=\"bbbb2222\"/>\n  </properties>\n"
        "  <testcase classname=\"densimeter.gate\" name=\"comparable\" time=\"0\">\n"
        "    <error type=\"INVALID\" message=\"a&lt;b&#9;?? %,:\"/>\n  </testcase>\n"
        "  <system-out>INVALID: a&lt;b&#9;?? %,:</system-out>\n"
        "  <system-err></system-err>\n</testsuite>\n";
    struct strbuf is = STRBUF_INIT;
    struct run_row b = cand_run;
    struct made m;

    (void)state;
    make(&m);
    m.in.b = &b;
    b.created = NULL;
    b.machine_name = "x";
    m.gate.n_checks = 0;
    m.gate.verdict = VERDICT_INVALID;
    m.gate.reason = "a<b\t\x1f\xff %,:";
    gate_junit(&is, &m.story);
    same_text(strbuf_str(&is), wanted);
    strbuf_clear(&is);
    gate_github(&is, &m.story);
    same_text(strbuf_str(&is), "::error title=densimeter gate%3A INVALID::a<b\t?? %25,:\n");
    m.gate.n_checks = 1;
    m.checks[0].task = "a,b:c%\r\n";
    m.checks[0].reason = "\r\n";
    m.checks[0].verdict = VERDICT_INVALID;
    m.gate.verdict = VERDICT_PASS;
    m.gate.reason = "";
    strbuf_clear(&is);
    gate_github(&is, &m.story);
    same_text(strbuf_str(&is), "::notice title=densimeter gate%3A PASS::\n"
              "::error title=INVALID%3A accuracy of a%2Cb%3Ac%25%0D%0A::%0D%0A\n");
    strbuf_release(&is);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_says_what_the_checks_say),
        cmocka_unit_test(the_page_leaves_out_what_there_is_not),
        cmocka_unit_test(the_json_has_every_number),
        cmocka_unit_test(the_json_names_method_and_arguments),
        cmocka_unit_test(continuous_integration_is_told_every_check),
        cmocka_unit_test(runs_that_cannot_be_compared_are_one_case),
    };

    return RUN(tests);
}
