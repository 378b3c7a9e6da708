#include "tests/test.h"

#include <time.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "tasks/yamldoc.h"

static struct ynode *parse(struct arena *a, const char *text)
{
    struct ynode *root = NULL;
    struct err e = ERR_NONE;

    if (yamldoc_parse(a, text, strlen(text), "t.yaml", &root, &e) < 0)
        fail_msg("%s", e.text);
    return root;
}

/* Values as PyYAML 6.0.3 (CLoader) gives them. */
static void plain_scalars_are_what_pyyaml_makes_of_them(void **state)
{
    static const struct { const char *text; enum ynode_type type; double num; } rows[] = {
        {"yes", Y_BOOL, 1},     {"No", Y_BOOL, 0},       {"ON", Y_BOOL, 1},
        {"y", Y_STR, 0},        {"True", Y_BOOL, 1},     {"tRue", Y_STR, 0},
        {"null", Y_NULL, 0},    {"~", Y_NULL, 0},        {"Null", Y_NULL, 0},
        {"12", Y_INT, 12},      {"-0x1F", Y_INT, -31},   {"017", Y_INT, 15},
        {"08", Y_STR, 0},       {"0b101", Y_INT, 5},     {"1_000", Y_INT, 1000},
        {"1:30", Y_INT, 90},    {"-1:30", Y_INT, -90},   {"1:30.5", Y_FLOAT, 90.5},
        {"1.5", Y_FLOAT, 1.5},  {"1.", Y_FLOAT, 1},      {"-.5", Y_STR, 0},
        {".5", Y_FLOAT, 0.5},   {"1e5", Y_STR, 0},       {"1.e+5", Y_FLOAT, 1e5},
        {"1.5e-3", Y_FLOAT, 0.0015}, {"1.5e3", Y_STR, 0}, {".inf", Y_FLOAT, INFINITY},
        {"-.INF", Y_FLOAT, -INFINITY}, {"2020-01-01", Y_STR, 0}, {"0o17", Y_STR, 0},
        {"1:60", Y_STR, 0},     {"+3", Y_INT, 3},        {"0", Y_INT, 0},
        {"1__", Y_INT, 1},      {"._5", Y_STR, 0},       {"'12'", Y_STR, 0},
        {"!!str 12", Y_STR, 0}, {"!!int '12'", Y_INT, 12}, {"\"yes\"", Y_STR, 0},
        {"!function a.b", Y_FUNCTION, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena a = ARENA_INIT;
        struct ynode *y = parse(&a, rows[i].text);
        if (y->type != rows[i].type || y->num != rows[i].num)
            fail_msg("%s: type %d, value %g", rows[i].text, y->type, y->num);
        arena_release(&a);
    }
}

static void maps_merge_and_the_last_of_equal_keys_wins(void **state)
{
    struct arena a = ARENA_INIT;
    struct ynode *y = parse(&a, "base: &b {x: 1, y: 2}\nown:\n  <<: *b\n  y: 3\n  y: 4\nl: |\n  a\n\n  b\n");
    const struct ynode *own = ynode_get(y, "own");
    (void)state;
    assert_int_equal(ynode_get(own, "x")->num, 1);
    assert_int_equal(ynode_get(own, "y")->num, 4);
    assert_int_equal(own->n_items, 2);
    assert_string_equal(ynode_get(y, "l")->s, "a\n\nb\n");
    assert_int_equal(ynode_get(y, "l")->line, 6);
    assert_int_equal(ynode_get(y, "l")->column, 4);
    arena_release(&a);
}

static void what_is_no_yaml_is_refused_with_line_and_column(void **state)
{
    static const struct { const char *text, *want; } rows[] = {
        {"a: [1, 2\nb: 3\n", "t.yaml:2:2: while parsing a flow sequence, did not find expected ',' or ']'"},
        {"a: 1\n b: 2\n", "t.yaml:2:3: mapping values are not allowed in this context"},
        {"a: *b\n", "t.yaml:1:4: *b: no such anchor"},
        {"a: &b [*b]\n", "t.yaml:1:8: *b contains itself"},
        {"a: 1\n---\nb: 2\n", "t.yaml:2:1: a second document in the file"},
        {"a: !!python/object/apply:os.system [ls]\n",
         "t.yaml:1:4: the tag tag:yaml.org,2002:python/object/apply:os.system is not read"},
        {"a: \"x\\0y\"\n", "t.yaml:1:4: a text with a zero byte"},
        {"a: b\nc: \xff\n", "t.yaml:2:4: not UTF-8"},
        {"? [1]\n: 2\n", "t.yaml:1:3: a key is a text or a number"},
        {"a: {<<: 3}\n", "t.yaml:1:9: << merges maps only"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena a = ARENA_INIT;
        struct ynode *y = NULL;
        struct err e = ERR_NONE;
        assert_int_equal(yamldoc_parse(&a, rows[i].text, strlen(rows[i].text), "t.yaml", &y, &e), -1);
        assert_string_equal(e.text, rows[i].want);
        arena_release(&a);
    }
}

/* A second of the program; ThreadSanitizer makes twenty of it. */
#ifdef __SANITIZE_THREAD__
static const double SOON_S = 20;
#else
static const double SOON_S = 1;
#endif

/* The text is refused, and why; whether that took no more than a second. */
static int is_refused_soon(const struct strbuf *b, struct err *e)
{
    struct arena a = ARENA_INIT;
    struct ynode *y = NULL;
    clock_t start = clock();

    *e = ERR_NONE;
    assert_int_equal(yamldoc_parse(&a, b->s, b->len, "t.yaml", &y, e), -1);
    arena_release(&a);
    return took_less_than(SOON_S, start);
}

static void bombs_are_refused_within_a_second(void **state)
{
    struct strbuf b = STRBUF_INIT;
    struct err e;
    (void)state;
    strbuf_adds(&b, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"); /* billion laughs */
    for (int i = 1; i < 12; i++) {
        strbuf_addf(&b, "a%d: &a%d [", i, i);
        for (int k = 0; k < 10; k++)
            strbuf_addf(&b, "%s*a%d", k ? "," : "", i - 1);
        strbuf_adds(&b, "]\n");
    }
    assert_true(is_refused_soon(&b, &e));
    assert_string_equal(e.text, "t.yaml:6:5: aliases that stand for more than 1000000 values");
    strbuf_clear(&b);
    for (int i = 0; i < 100000; i++)
        strbuf_addc(&b, '[');
    assert_true(is_refused_soon(&b, &e));
    assert_string_equal(e.text, "t.yaml:1:65: more than 64 levels inside each other");
    strbuf_clear(&b);
    for (int i = 0; i < 20000; i++)
        strbuf_addf(&b, "key%d: 1\n", i);
    assert_true(is_refused_soon(&b, &e));
    assert_string_equal(e.text, "t.yaml:4097:1: more than 4096 keys in a map");
    strbuf_clear(&b);
    for (int i = 0; i < 5 << 20; i++)
        strbuf_addc(&b, 'x');
    assert_true(is_refused_soon(&b, &e));
    assert_string_equal(e.text, "t.yaml: more than 4194304 bytes of YAML");
    strbuf_clear(&b);
    for (int i = 0; i < 210000; i++)
        strbuf_adds(&b, "- \n");
    assert_true(is_refused_soon(&b, &e));
    assert_string_equal(e.text, "t.yaml:200000:2: more than 200000 values");
    strbuf_release(&b);
}

static void values_become_json(void **state)
{
    struct arena a = ARENA_INIT;
    cJSON *j = ynode_json(parse(&a, "{a: [1, 2.5, yes, ~, 'x'], 3: y, on: z}"), NULL);
    char *text = cJSON_PrintUnformatted(j);
    (void)state;
    assert_string_equal(text, "{\"a\":[1,2.5,true,null,\"x\"],\"3\":\"y\",\"True\":\"z\"}");
    cJSON_free(text);
    json_free(j);
    arena_release(&a);
}

static void reading_survives_every_failed_allocation(void **state)
{
    static const char text[] = "a: &x {b: [1, two, 3.0]}\nc: {<<: *x}\n";
    int rc = -1;
    (void)state;
    for (int nth = 0; rc < 0; nth++) {
        struct arena a = ARENA_INIT;
        struct ynode *y = NULL;
        struct err e = ERR_NONE;
        mem_fail_at(nth);
        rc = yamldoc_parse(&a, text, sizeof text - 1, "t.yaml", &y, &e);
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        arena_release(&a);
        assert_int_equal(mem_live(), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_scalars_are_what_pyyaml_makes_of_them),
        cmocka_unit_test(maps_merge_and_the_last_of_equal_keys_wins),
        cmocka_unit_test(what_is_no_yaml_is_refused_with_line_and_column),
        cmocka_unit_test(bombs_are_refused_within_a_second),
        cmocka_unit_test(values_become_json),
        cmocka_unit_test(reading_survives_every_failed_allocation),
    };
    return RUN(tests);
}
