/* Plan files: what is wrong with one is told by line and column, and what is right becomes the same
 * list of cells every time. */
#include "tests/test.h"

#include <stdlib.h>

#include "base/json_place.h"
#include "base/mem.h"
#include "harness/plan.h"
#include "tests/store_fixture.h"

static int parse(struct plan *p, const char *text, struct err *e)
{
    *e = ERR_NONE;
    return plan_parse(p, "p.json", text, strlen(text), e);
}

static void a_wrong_plan_is_told_by_line_and_column(void **state)
{
    static const struct {
        const char *text, *error, *hint;
    } rows[] = {
        {"{\n  \"modles\": [\"a\"]}", "p.json:2:3: a plan has no \"modles\"", "did you mean \"models\"?"},
        {"{\"models\":[\"a\"],\n \"tasks\":[\"facts\",\n  {\"tasks\":\"facts\", \"limt\":3}]}",
         "p.json:3:21: a group of tasks has no \"limt\"", "did you mean \"limit\"?"},
        {"{\"models\":[\"a\"],\"tasks\":[\"facts\",{\"tasks\":\"facts\",\"limit\":\n-1}]}",
         "p.json:2:1: \"limit\" is -1: it goes from 0 to 1e+09", ""},
        {"{\"models\":[\"a\"],\"tasks\":[\"facs\"]}", "p.json:1:26: ", "did you mean 'facts'?"},
        {"{\"models\":[\"a\"],\"tasks\":[{\"limit\":1,\"tasks\":\"facts,perplexty_text\"}]}",
         "p.json:1:45: ", "did you mean 'perplexity_text'?"},
        {"{\"models\":[\"a\"],\n\"tasks\":[\"facts\"}", "p.json:2:17: malformed JSON", ""},
        {"{\"models\":[],\"tasks\":[\"facts\"]}", "p.json:1:11: \"models\" has 0 entries", ""},
        {"{\"tasks\":[\"facts\"]}", "p.json:1:1: a plan needs \"models\"", ""},
        {"{\"models\":[\"a\"]}", "p.json:1:1: a plan needs \"tasks\" or \"bench\"", ""},
        {"{\"models\":[{}],\"tasks\":[\"facts\"]}", "p.json:1:12: a model without \"model\"", ""},
        {"{\"models\":[\"a\"],\"tasks\":[\"facts\"],\"seed\":1.5}", "a whole number", ""},
        {"{\"models\":[\"a\"],\"tasks\":[\"facts\"],\"seed\":1,\"seed\":2}", "\"seed\" is there twice", ""},
        {"{\"models\":[\"a\"],\"bench\":[{\"repeats\":3}]}", "p.json:1:37: \"repeats\" is 3: blocks of A B B A", ""},
        {"{\"models\":[\"a\"],\"bench\":[{}],\"builds\":[\"x\"]}", "\"builds\" names two programs", ""},
        {"{\"models\":[\"a\"],\"bench\":[{}],\"limits\":{\"memory\":\"12Q\"}}", "bytes, as a number or like", ""},
        {"{\"models\":[\"a\"],\"bench\":[{}],\"settings\":[{\"numerics\":\"slow\"}]}",
         "\"numerics\" is \"slow\": it must be exact|fast", ""},
        {"[1]", "p.json:1:1: a plan must be an object", ""},
        {"", "p.json:1:1: malformed JSON", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct plan p;
        struct err e;
        assert_int_equal(parse(&p, rows[i].text, &e), -1);
        if (!strstr(e.text, rows[i].error) || !strstr(e.hint, rows[i].hint))
            fail_msg("%s\n  gives: %s / %s\n  wanted: %s / %s", rows[i].text, e.text, e.hint,
                     rows[i].error, rows[i].hint);
        assert_int_equal(e.code, ERR_USAGE);
    }
    assert_int_equal(mem_live(), 0);
}

static const char grid[] =
    "{\"models\":[\"m/a.gguf\",{\"model\":\"b\",\"name\":\"B\"}],\"tasks\":[\"facts\","
    "{\"tasks\":\"perplexity_text\",\"limit\":5,\"chat\":true}],"
    "\"bench\":[{\"prompt\":[8,16],\"generate\":4,\"repeats\":4}],"
    "\"settings\":[{\"threads\":1},{\"threads\":2,\"kv_memory\":\"8M\"}],\"data\":\"d\",\"seed\":7}";

static void a_grid_has_every_cell_and_blocks_are_balanced(void **state)
{
    struct plan p;
    struct cells c;
    struct err e;
    int evals = 0, arms[2] = {0, 0}, first_arm[2] = {0, 0};
    (void)state;
    assert_int_equal(parse(&p, grid, &e), 0);
    assert_int_equal(plan_cells(&p, &c, &e), 0);
    assert_int_equal(c.n, 2 * 2 * (2 + 2 * 4));
    for (size_t i = 0; i < c.n; i++) {
        const struct cell_spec *s = &c.v[i];
        if (strcmp(s->kind, "eval") == 0) {
            evals++;
            assert_int_equal(s->place, 0);
            continue;
        }
        arms[s->arm]++;
        if (s->place == 0) { /* A B B A, or B A A B */
            first_arm[s->arm]++;
            assert_int_equal(c.v[i + 1].arm, !s->arm);
            assert_int_equal(c.v[i + 2].arm, !s->arm);
            assert_int_equal(c.v[i + 3].arm, s->arm);
            assert_int_equal(c.v[i + 3].block, s->block);
            assert_string_equal(c.v[i + 3].argv, s->argv);
        }
    }
    assert_int_equal(evals, 8);
    assert_int_equal(arms[0], 16);
    assert_int_equal(arms[1], 16);
    assert_true(first_arm[0] > 0 && first_arm[1] > 0);
    cells_release(&c);
    plan_release(&p);
    assert_int_equal(mem_live(), 0);
}

static void a_cell_is_a_command_that_a_person_can_type(void **state)
{
    struct plan p;
    struct cells c;
    struct err e;
    int found = 0;
    (void)state;
    assert_int_equal(parse(&p, grid, &e), 0);
    assert_int_equal(plan_cells(&p, &c, &e), 0);
    for (size_t i = 0; i < c.n; i++) {
        if (strcmp(c.v[i].series, "B [cpu threads=2 kv_memory=8M] perplexity_text limit=5 chat") == 0) {
            assert_string_equal(c.v[i].argv,
                                "[\"densimeter\",\"eval\",\"b\",\"--device\",\"cpu\",\"--threads\",\"2\","
                                "\"--kv-memory\",\"8M\",\"--tasks\",\"perplexity_text\",\"--limit\",\"5\","
                                "\"--chat\",\"--data\",\"d\",\"--no-cache\",\"--quiet\"]");
            found |= 1;
        }
        if (strcmp(c.v[i].series, "a.gguf [cpu threads=1] bench prompt=8,16 generate=4") == 0) {
            assert_string_equal(c.v[i].argv,
                                "[\"densimeter\",\"bench\",\"m/a.gguf\",\"--device\",\"cpu\","
                                "\"--threads\",\"1\",\"--prompt\",\"8,16\",\"--generate\",\"4\","
                                "\"--repeats\",\"1\",\"--quiet\"]");
            found |= 2;
        }
    }
    assert_int_equal(found, 3);
    cells_release(&c);
    plan_release(&p);
}

/* One text per plan: series and arms in order. */
static void order_of(const char *text, struct strbuf *out)
{
    struct plan p;
    struct cells c;
    struct err e;
    assert_int_equal(parse(&p, text, &e), 0);
    assert_int_equal(plan_cells(&p, &c, &e), 0);
    for (size_t i = 0; i < c.n; i++)
        strbuf_addf(out, "%s/%d\n", c.v[i].series, c.v[i].arm);
    cells_release(&c);
    plan_release(&p);
}

static void the_seed_decides_the_order_and_nothing_else_does(void **state)
{
    struct strbuf a = STRBUF_INIT, b = STRBUF_INIT, other = STRBUF_INIT;
    char *reseeded = mem_strdup(grid);
    (void)state;
    order_of(grid, &a);
    order_of(grid, &b);
    reseeded[strlen(reseeded) - 2] = '8';
    order_of(reseeded, &other);
    assert_string_equal(a.s, b.s);
    assert_int_equal(a.len, other.len);
    assert_string_not_equal(a.s, other.s);
    /* Not model after model: both are among the first ten. */
    a.s[a.len / 4] = 0;
    assert_non_null(strstr(a.s, "a.gguf"));
    assert_non_null(strstr(a.s, "B ["));
    mem_free(reseeded);
    strbuf_release(&a);
    strbuf_release(&b);
    strbuf_release(&other);
}

static void builds_take_turns_under_their_own_names(void **state)
{
    struct plan p;
    struct cells c;
    struct err e;
    (void)state;
    assert_int_equal(parse(&p, "{\"models\":[\"m\"],\"bench\":[{\"repeats\":2}],"
                               "\"builds\":[\"/old/densimeter\",\"/new/densimeter\"]}", &e), 0);
    assert_int_equal(plan_cells(&p, &c, &e), 0);
    assert_int_equal(c.n, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_non_null(strstr(c.v[i].argv, c.v[i].arm ? "[\"/new/densimeter\"" : "[\"/old/densimeter\""));
        assert_non_null(strstr(c.v[i].series, c.v[i].arm ? "@B:densimeter" : "@A:densimeter"));
    }
    cells_release(&c);
    plan_release(&p);
}

static void what_a_plan_leaves_out_has_the_schemas_default(void **state)
{
    struct plan p;
    struct err e;
    (void)state;
    assert_int_equal(parse(&p, "{\"models\":[\"m\"],\"tasks\":[\"facts\"],\"limits\":{\"memory\":\"2G\"}}", &e), 0);
    assert_string_equal(p.name, "p");
    assert_close(p.memory_bytes, 2147483648.0, 0);
    assert_close(p.wall_s, 0, 0);
    assert_close(p.lease_s, 30, 0);
    assert_close(p.thresholds.speed, 0.02, 0);
    assert_int_equal(p.retries[FAIL_CRASH], 0);
    assert_null(p.baseline);
    plan_release(&p);
}

static void the_schema_is_json_with_every_key_explained(void **state)
{
    struct strbuf b = STRBUF_INIT;
    struct err e = ERR_NONE;
    cJSON *j;
    const cJSON *properties;
    (void)state;
    assert_int_equal(plan_schema(&b, &e), 0);
    j = json_parse(b.s, b.len, "schema", &e);
    assert_non_null(j);
    properties = json_get(j, "properties");
    assert_true(cJSON_GetArraySize(properties) > 15);
    for (const cJSON *m = properties->child; m; m = m->next)
        assert_non_null(json_str(m, "description"));
    json_free(j);
    strbuf_release(&b);
    assert_int_equal(mem_live(), 0);
}

static void a_place_is_found_past_texts_with_brackets_and_quotes(void **state)
{
    const char text[] = " {\"a\\\"]}\": [1, {\"b\" : \"}\\\\\",\n \"c\": [ 2 ,33]}], \"d\":null }";
    const int to_33[] = {0, 1, 1, 1}, nowhere[] = {0, 7};
    struct json_place p = json_place(text, sizeof text - 1, to_33, 4, 0);
    (void)state;
    assert_int_equal(p.line, 2);
    assert_int_equal(p.column, 12);
    p = json_place(text, sizeof text - 1, to_33, 3, 1);
    assert_int_equal(p.line, 2);
    assert_int_equal(p.column, 2);
    p = json_place(text, sizeof text - 1, nowhere, 2, 0);
    assert_int_equal(p.line, 1);
}

static void a_plan_survives_every_failed_allocation(void **state)
{
    int rc = -1;
    (void)state;
    for (int nth = 0; rc < 0; nth++) {
        struct plan p;
        struct cells c = {0};
        struct err e = ERR_NONE;
        mem_fail_at(nth);
        rc = parse(&p, grid, &e);
        if (rc == 0) {
            rc = plan_cells(&p, &c, &e);
            cells_release(&c);
            plan_release(&p);
        }
        mem_fail_at(-1);
        if (rc < 0)
            assert_int_equal(e.code, ERR_NOMEM);
        assert_int_equal(mem_live(), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_plan_is_told_by_line_and_column),
        cmocka_unit_test(a_grid_has_every_cell_and_blocks_are_balanced),
        cmocka_unit_test(a_cell_is_a_command_that_a_person_can_type),
        cmocka_unit_test(the_seed_decides_the_order_and_nothing_else_does),
        cmocka_unit_test(builds_take_turns_under_their_own_names),
        cmocka_unit_test(what_a_plan_leaves_out_has_the_schemas_default),
        cmocka_unit_test(the_schema_is_json_with_every_key_explained),
        cmocka_unit_test(a_place_is_found_past_texts_with_brackets_and_quotes),
        cmocka_unit_test(a_plan_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
