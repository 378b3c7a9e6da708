/* Each member of a policy: its limits, what holds without it, what --init writes, and where in the
 * file a wrong one stands.  The table is statistics.md's and the help texts', not the program's. */
#include "tests/test.h"

#include "base/json.h"
#include "base/mem.h"
#include "harness/gate_policy_rows.h"
#include "tests/data_folder.h"

#define AT(member) offsetof(struct gate_policy, member)
#define TASK(member) offsetof(struct gate_task_rule, member)

enum shape { NUMBER, LIMIT, WHOLE };
static const struct member {
    const char *section, *key;
    enum shape shape;
    size_t at;
    double low, high, without, example;
} members[] = {
    {NULL, "alpha", NUMBER, AT(alpha), .000001, .5, .05, .05},
    {NULL, "power", NUMBER, AT(power), .5, .9999, .8, .8},
    {NULL, "looks", WHOLE, AT(looks), 1, 10, 1, 3},
    {NULL, "minimum_items", WHOLE, AT(minimum_items), 1, 1000000000, 100, 100},
    {"accuracy", "margin", LIMIT, AT(accuracy_margin), 0, 1, NAN, .01},
    {"accuracy", "task_margin", LIMIT, AT(task_margin), 0, 1, NAN, .03},
    {"accuracy", "practical", NUMBER, AT(accuracy_practical), 0, 1, .005, .005},
    {"likelihood", "margin", LIMIT, AT(nats_margin), 0, 100, NAN, .01},
    {"likelihood", "task_margin", LIMIT, AT(task_nats_margin), 0, 100, NAN, .02},
    {"likelihood", "practical", NUMBER, AT(nats_practical), 0, 100, .002, .002},
    {"latency", "margin", LIMIT, AT(latency_margin), 0, 100, NAN, .05},
    {"latency", "noise_floor", NUMBER, AT(latency_floor), 0, 100, .05, .03},
    {"latency", "brief_s", NUMBER, AT(brief_s), 0, 1000000, 30, 30},
    {"latency", "brief_floor", NUMBER, AT(brief_floor), 0, 100, .5, .5},
    {"memory", "margin", LIMIT, AT(memory_margin), 0, 100, NAN, .03},
    {"memory", "noise_floor", NUMBER, AT(memory_floor), 0, 100, .01, .01},
    {"energy", "margin", LIMIT, AT(energy_margin), 0, 100, NAN, NAN},
    {"energy", "noise_floor", NUMBER, AT(energy_floor), 0, 100, .05, .05},
};
enum { MEMBERS = sizeof members / sizeof members[0] };

static int parse(struct gate_policy *p, const char *text, struct err *e)
{
    *e = ERR_NONE;
    return gate_policy_parse(p, text, strlen(text), "p.json", e);
}

static double number_of(const void *base, const struct member *m)
{
    const void *at = (const char *)base + m->at;

    return m->shape == WHOLE ? *(const int *)at : *(const double *)at;
}

static void same(const struct member *m, double is, double wanted)
{
    if (!(is == wanted || (isnan(is) && isnan(wanted))))
        fail_msg("%s.%s = %g, expected %g", m->section ? m->section : "", m->key, is, wanted);
}

static void without_a_member_its_usual_value_holds(void **state)
{
    struct gate_policy p;
    struct err e;

    (void)state;
    assert_int_equal(parse(&p, "{\"tasks\":{\"t\":{\"margin\":0.5}}}", &e), 0);
    for (int i = 0; i < MEMBERS; i++)
        same(&members[i], number_of(&p, &members[i]), members[i].without);
    assert_int_equal(p.correction, CORRECT_HOLM);
    assert_int_equal(p.noisy, NOISY_INCONCLUSIVE);
    assert_int_equal(p.forbid.n, 2);
    assert_string_equal(p.forbid.v[1], "settings");
    assert_int_equal(p.forbid_for_timing.n, 4);
    assert_string_equal(p.forbid_for_timing.v[0], "machine");
    assert_string_equal(p.forbid_for_timing.v[3], "threads");
    assert_close(gate_policy_alpha(&p), .05, 1e-15);
    gate_policy_release(&p);
}

static void what_init_writes_is_the_example(void **state)
{
    struct strbuf b = STRBUF_INIT;
    struct gate_policy p;
    struct err e;

    (void)state;
    gate_policy_template(&b);
    assert_int_equal(b.s[b.len - 1], '\n');
    assert_int_equal(parse(&p, strbuf_str(&b), &e), 0);
    for (int i = 0; i < MEMBERS; i++)
        same(&members[i], number_of(&p, &members[i]), members[i].example);
    assert_int_equal(p.correction, CORRECT_HOLM);
    assert_int_equal(p.n_tasks, 0);
    assert_non_null(strstr(b.s, "\"noisy\": \"inconclusive\""));
    assert_non_null(strstr(b.s, "\"correction\": \"holm\""));
    assert_non_null(strstr(b.s, "\"_alpha\": \"how often"));
    gate_policy_release(&p);
    strbuf_release(&b);
}

/* 1: the value is taken for that member's. */
static int takes(const struct member *m, const char *value)
{
    char text[300], open[40] = "";
    struct gate_policy p;
    struct err e;
    int rc;

    if (m->section)
        snprintf(open, sizeof open, "\"%s\":{", m->section);
    snprintf(text, sizeof text, "{\"tasks\":{\"t\":{\"margin\":1}},%s\"%s\":%s%s}", open, m->key,
             value, m->section ? "}" : "");
    rc = parse(&p, text, &e);
    if (rc == 0 && strcmp(value, "null") != 0)
        same(m, number_of(&p, m), strtod(value, NULL));
    if (rc == 0)
        gate_policy_release(&p);
    else if (!strstr(e.text, "within the noise")) /* of memory: a rule on two members */
        assert_non_null(strstr(e.text, m->shape == WHOLE ? "a whole number from"
                                                         : "a number from"));
    return rc == 0 || strstr(e.text, "within the noise");
}

static void limits_belong_to_what_they_allow(void **state)
{
    char value[40];

    (void)state;
    for (int i = 0; i < MEMBERS; i++) {
        const struct member *m = &members[i];
        const double inside[] = {m->low, m->high};
        const double beyond[] = {m->shape == WHOLE ? m->low - 1 : nextafter(m->low, -1e9),
                                 m->shape == WHOLE ? m->high + 1 : nextafter(m->high, 1e12)};
        for (int k = 0; k < 2; k++) {
            snprintf(value, sizeof value, "%.17g", inside[k]);
            if (!takes(m, value))
                fail_msg("%s refuses %s", m->key, value);
            snprintf(value, sizeof value, "%.17g", beyond[k]);
            if (takes(m, value))
                fail_msg("%s takes %s", m->key, value);
        }
        assert_int_equal(takes(m, "null"), m->shape == LIMIT);
        assert_false(takes(m, "\"1\""));
        assert_false(takes(m, "true"));
        if (m->shape == WHOLE)
            assert_false(takes(m, "1.5"));
    }
}

static void each_word_of_a_choice_is_its_place(void **state)
{
    static const char *const corrections[] = {"none", "holm", "bh", "by"};
    static const char *const noisy[] = {"inconclusive", "invalid", "ignored"};
    struct gate_policy p;
    struct err e;
    char text[200];

    (void)state;
    for (int i = 0; i < 4; i++) {
        snprintf(text, sizeof text, "{\"correction\":\"%s\",\"environment\":{\"noisy\":\"%s\"},"
                 "\"accuracy\":{\"margin\":1}}", corrections[i], noisy[i % 3]);
        assert_int_equal(parse(&p, text, &e), 0);
        assert_int_equal(p.correction, i);
        assert_int_equal(p.noisy, i % 3);
        gate_policy_release(&p);
    }
}

static void tasks_have_rules_of_their_own(void **state)
{
    static const struct member own[] = {
        {"tasks", "margin", LIMIT, TASK(margin), 0, 1, NAN, NAN},
        {"tasks", "practical", LIMIT, TASK(practical), 0, 1, NAN, NAN},
    };
    const struct gate_task_rule *r;
    struct gate_policy p;
    struct err e;
    char text[300];

    (void)state;
    assert_int_equal(parse(&p, "{\"tasks\":{\"_c\":1,\"a\":{\"_note\":[],\"margin\":0.25,"
                               "\"metric\":\"acc\",\"filter\":\"none\"},\"b\":{\"practical\":0.5}},"
                               "\"memory\":{\"margin\":1}}", &e), 0);
    assert_int_equal(p.n_tasks, 2);
    r = gate_policy_task(&p, "a");
    assert_true(r && r->margin == .25 && isnan(r->practical));
    assert_string_equal(r->metric, "acc");
    assert_string_equal(r->filter, "none");
    r = gate_policy_task(&p, "b");
    assert_true(r && isnan(r->margin) && r->practical == .5 && !r->metric && !r->filter);
    assert_null(gate_policy_task(&p, "c"));
    gate_policy_release(&p);
    for (int i = 0; i < 2; i++) {
        static const char *const values[] = {"0", "1", "null", "-0.0000001", "1.0000001", "\"x\""};
        for (int k = 0; k < 6; k++) {
            snprintf(text, sizeof text, "{\"accuracy\":{\"margin\":1},\"tasks\":{\"a\":{"
                     "\"%s\":%s}}}",
                     own[i].key, values[k]);
            assert_int_equal(parse(&p, text, &e), k < 3 ? 0 : -1);
            if (k < 3)
                same(&own[i], number_of(p.tasks, &own[i]), k == 2 ? NAN : k);
            if (k < 3)
                gate_policy_release(&p);
        }
    }
    assert_int_equal(mem_live(), 0);
}

/* '@' marks the place, and is no part of the text. */
static void a_wrong_member_is_found_at_its_line_and_column(void **state)
{
    static const struct {
        const char *text, *error;
    } rows[] = {
        {"{@\"alpha\":2}", "alpha: a number from 1e-06 to 0.5"},
        {" \t\r\n {\"_a\":\"x\\\"}{\",\n@\"alpha\":2}", "alpha: a number"},
        {"{\"_a\":\"\\\\\",@\"alpha\":2}", "alpha: a number"},
        {"{\"_a\":{\"b\":[1,{\"c\":[]}]},\"_b\":[[],[2]],\n\t @\"alpha\":2}", "alpha: a number"},
        {"{\"_a\" : 1 ,\r\n \"_b\"\t:\ttrue\n,@\"alpha\"\n:2}", "alpha: a number"},
        {"{\"accuracy\":{\"_x\":{\"y\":1},\"practical\":0.5, @\"margin\":7}}",
         "margin: a number from 0 to 1, or null"},
        {"{\"accuracy\":{\"margin\":1},\n\"tasks\" : { \"_\":0,\"a\": {\"margin\":1},\n\n  \"b\" :{"
         "\"metric\":\"m\",  @\"margin\":3}}}", "margin: a number from 0 to 1, or null"},
        {"{\"tasks\":{\"a\":{},@\"b\":3}}", "an object of rules is needed here"},
        {"{\"tasks\":{\"a\":{@\"metric\":3}}}", "a text is needed here"},
        {"{\"tasks\":{\"a\":{\"metric\":\"m\"},@\"b\":{\"filter\":\"f\"}}}",
         "a filter needs its metric"},
        {"{\"environment\":{@\"forbid\":\"x\"}}", "forbid: a list of texts"},
        {"{\"environment\":{@\"forbid\":[\"model\",1]}}", "forbid: a list of texts"},
        {"{\"environment\":{\"forbid\":[],@\"noisy\":1}}",
         "noisy: one of inconclusive|invalid|ignored"},
        {"{\"looks\":2,@\"margin\":{\"x\":1}}", "no member 'margin' is known here"},
        {"{@\"memory\":3}", "no member 'memory' is known here"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *mark = strchr(rows[i].text, '@');
        struct strbuf text = STRBUF_INIT;
        struct gate_policy p;
        struct err e;
        int line = 1, column = 1;
        char wanted[200];
        for (const char *c = rows[i].text; c < mark; c++) {
            line += *c == '\n';
            column = *c == '\n' ? 1 : column + 1;
        }
        strbuf_addf(&text, "%.*s%s", (int)(mark - rows[i].text), rows[i].text, mark + 1);
        snprintf(wanted, sizeof wanted, "p.json:%d:%d: %s", line, column, rows[i].error);
        assert_int_equal(parse(&p, strbuf_str(&text), &e), -1);
        assert_int_equal(e.code, ERR_FORMAT);
        if (strncmp(e.text, wanted, strlen(wanted)) != 0)
            fail_msg("'%s', expected '%s'", e.text, wanted);
        strbuf_release(&text);
    }
    assert_int_equal(mem_live(), 0);
}

static void what_may_be_forbidden_has_names(void **state)
{
    static const char *const known[] = {"program", "numerics", "kernels", "device", "threads",
                                        "seed", "settings", "model", "machine", "machine.cpu"};
    static const char *const unknown[] = {"machin", "machine_cpu", "cpu", ""};
    static const char *const keys[] = {"forbid", "forbid_for_timing"};
    struct gate_policy p;
    struct err e;
    char text[200];

    (void)state;
    for (int k = 0; k < 2; k++) {
        for (size_t i = 0; i < 10; i++) {
            snprintf(text, sizeof text, "{\"energy\":{\"margin\":0},\"environment\":{\"%s\":["
                     "\"model\",\"%s\"]}}", keys[k], known[i]);
            assert_int_equal(parse(&p, text, &e), 0);
            assert_int_equal((k ? p.forbid_for_timing : p.forbid).n, 2);
            assert_string_equal((k ? p.forbid_for_timing : p.forbid).v[1], known[i]);
            gate_policy_release(&p);
        }
        for (size_t i = 0; i < 4; i++) {
            snprintf(text, sizeof text, "{\"energy\":{\"margin\":0},\"environment\":{\"%s\":["
                     "\"model\",\"%s\"]}}", keys[k], unknown[i]);
            assert_int_equal(parse(&p, text, &e), -1);
            snprintf(text, sizeof text, "p.json: environment.%s: no such difference as '%s'",
                     keys[k], unknown[i]);
            assert_string_equal(e.text, text);
            assert_string_equal(e.hint, i < 1 ? "did you mean 'machine'?" : e.hint);
        }
    }
}

static void any_margin_is_one_that_is_asked_for(void **state)
{
    static const char *const rows[] = {
        "{\"accuracy\":{\"margin\":0}}", "{\"accuracy\":{\"task_margin\":0}}",
        "{\"likelihood\":{\"margin\":0}}", "{\"likelihood\":{\"task_margin\":0}}",
        "{\"latency\":{\"margin\":0}}", "{\"memory\":{\"margin\":0.02}}",
        "{\"energy\":{\"margin\":0}}", "{\"tasks\":{\"x\":{},\"a\":{\"margin\":0}}}",
        "{\"schema\":\"densimeter.gate-policy/1\",\"energy\":{\"margin\":0}}",
    };
    struct gate_policy p;
    struct err e;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(parse(&p, rows[i], &e), 0);
        assert_string_equal(p.text, rows[i]);
        gate_policy_release(&p);
    }
    assert_int_equal(parse(&p, "{\"tasks\":{\"a\":{\"practical\":1}}}", &e), -1);
    assert_string_equal(e.text, "p.json: no margin is given, so nothing would be checked");
    assert_int_equal(parse(&p, "{\"memory\":{\"margin\":0.02,\"noise_floor\":0.02}}", &e), -1);
    assert_string_equal(e.text, "p.json: memory: a margin of 0.02 is within the noise (noise_floor "
                                "0.02): no candidate could pass");
    assert_int_equal(parse(&p, "{\"schema\":1,\"energy\":{\"margin\":0}}", &e), -1);
    assert_string_equal(e.text, "p.json: not a policy of densimeter.gate-policy/1");
    assert_int_equal(parse(&p, "{\"looks\":4,\"alpha\":0.02,\"energy\":{\"margin\":0}}", &e), 0);
    assert_close(gate_policy_alpha(&p), .005, 1e-15);
    assert_int_equal(strlen(p.sha256), 64);
    gate_policy_release(&p);
    assert_true(p.alpha == 0 && p.looks == 0 && p.n_tasks == 0 && !p.text);
}

static void a_policy_is_a_file_of_at_most_a_mebibyte(void **state)
{
    struct strbuf b = STRBUF_INIT;
    struct gate_policy p;
    struct err e = ERR_NONE;

    (void)state;
    strbuf_adds(&b, "{\"energy\":{\"margin\":0.5}}");
    while (b.len < 1 << 20)
        strbuf_addc(&b, ' ');
    data_put("p.json", strbuf_str(&b));
    assert_int_equal(gate_policy_read(&p, data_path("p.json"), &e), 0);
    assert_true(p.energy_margin == .5);
    gate_policy_release(&p);
    strbuf_addc(&b, ' ');
    data_put("p.json", strbuf_str(&b));
    assert_int_equal(gate_policy_read(&p, data_path("p.json"), &e), -1);
    assert_int_equal(gate_policy_read(&p, data_path("none.json"), &e), -1);
    strbuf_release(&b);
    assert_int_equal(mem_live(), 0);
}

/* --- the schema ----------------------------------------------------------------------------- */

static void check_closed(const cJSON *object)
{
    assert_string_equal(json_str(object, "type"), "object");
    assert_true(cJSON_IsFalse(json_get(object, "additionalProperties")));
    assert_true(cJSON_IsTrue(json_get(json_get(object, "patternProperties"), "^_")));
}

static void check_number(const cJSON *m, enum shape shape, double low, double high)
{
    const cJSON *type = json_get(m, "type");

    if (shape == LIMIT) {
        assert_int_equal(cJSON_GetArraySize(type), 2);
        assert_string_equal(cJSON_GetArrayItem(type, 0)->valuestring, "number");
        assert_string_equal(cJSON_GetArrayItem(type, 1)->valuestring, "null");
    } else {
        assert_string_equal(json_str(m, "type"), shape == WHOLE ? "integer" : "number");
    }
    assert_true(json_num(m, "minimum", -1) == low && json_num(m, "maximum", -1) == high);
    assert_true(strlen(json_str(m, "description")) > 10);
    assert_null(json_get(m, "enum"));
}

static void the_schema_says_what_the_reader_takes(void **state)
{
    struct strbuf b = STRBUF_INIT;
    const cJSON *top, *task, *noisy;
    cJSON *s;

    (void)state;
    gate_policy_schema(&b);
    assert_int_equal(b.s[b.len - 1], '\n');
    s = json_parse(b.s, b.len, "schema", NULL);
    assert_non_null(s);
    check_closed(s);
    top = json_get(s, "properties");
    assert_string_equal(json_str(json_get(top, "schema"), "const"), POLICY_SCHEMA);
    for (int i = 0; i < MEMBERS; i++) {
        const struct member *m = &members[i];
        const cJSON *section = m->section ? json_get(top, m->section) : s;
        check_closed(section);
        check_number(json_get(json_get(section, "properties"), m->key), m->shape, m->low, m->high);
    }
    assert_int_equal(cJSON_GetArraySize(json_get(json_get(top, "correction"), "enum")), 4);
    /* alpha, power, looks, correction, minimum_items; six sections; schema and tasks */
    assert_int_equal(cJSON_GetArraySize(top), 5 + 6 + 2);
    noisy = json_get(json_get(top, "environment"), "properties");
    assert_int_equal(cJSON_GetArraySize(noisy), 3);
    assert_string_equal(json_str(json_get(noisy, "forbid"), "type"), "array");
    assert_string_equal(json_str(json_get(json_get(noisy, "forbid"), "items"), "type"), "string");
    noisy = json_get(json_get(noisy, "noisy"), "enum");
    assert_string_equal(cJSON_GetArrayItem(noisy, 2)->valuestring, "ignored");
    task = json_get(json_get(top, "tasks"), "additionalProperties");
    check_closed(task);
    task = json_get(task, "properties");
    assert_int_equal(cJSON_GetArraySize(task), 4);
    check_number(json_get(task, "margin"), LIMIT, 0, 1);
    check_number(json_get(task, "practical"), LIMIT, 0, 1);
    assert_string_equal(json_str(json_get(task, "metric"), "type"), "string");
    assert_string_equal(json_str(json_get(task, "filter"), "type"), "string");
    json_free(s);
    strbuf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_member_its_usual_value_holds),
        cmocka_unit_test(what_init_writes_is_the_example),
        cmocka_unit_test(limits_belong_to_what_they_allow),
        cmocka_unit_test(each_word_of_a_choice_is_its_place),
        cmocka_unit_test(tasks_have_rules_of_their_own),
        cmocka_unit_test(a_wrong_member_is_found_at_its_line_and_column),
        cmocka_unit_test(what_may_be_forbidden_has_names),
        cmocka_unit_test(any_margin_is_one_that_is_asked_for),
        cmocka_unit_test(a_policy_is_a_file_of_at_most_a_mebibyte),
        cmocka_unit_test(the_schema_says_what_the_reader_takes),
    };

    return cmocka_run_group_tests_name(__FILE__, tests, NULL, data_folder_gone);
}
