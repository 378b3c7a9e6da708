/* base/schema: what conforms, what does not and where, and which schemas are refused. */
#include "tests/test.h"

#include <string.h>

#include "base/schema.h"

static const struct {
    const char *schema, *value;
    const char *says; /* NULL: conforms */
} cases[] = {
    {"{}", "[1]", NULL},
    {"{\"type\":\"integer\"}", "3", NULL},
    {"{\"type\":\"integer\"}", "3.5", "v:1:1: the schema wants another type"},
    {"{\"type\":[\"number\",\"null\"]}", "null", NULL},
    {"{\"enum\":[\"a\",2]}", "2", NULL},
    {"{\"enum\":[\"a\",2]}", "\"b\"", "v:1:1: the schema does not list this value"},
    {"{\"const\":\"x/1\"}", "\"x/2\"", "v:1:1: the schema does not list this value"},
    {"{\"minimum\":0,\"maximum\":1}", "1.5", "v:1:1: outside the schema's limits"},
    {"{\"minItems\":1}", "[]", "v:1:1: 0 entries are too few"},
    {"{\"items\":{\"type\":\"string\"}}", "[\"a\",\n 1]", "v:2:2: the schema wants another type"},
    {"{\"required\":[\"a\"]}", "{\"b\":1}", "v:1:1: \"a\" is missing"},
    {"{\"properties\":{\"a\":{\"type\":\"string\"}}}", "{\"a\":1}", "v:1:6: the schema wants another type"},
    {"{\"properties\":{\"a\":{}},\"additionalProperties\":false}", "{\"a\":1,\"b\":2}",
     "v:1:8: \"b\" is no member of the schema"},
    {"{\"additionalProperties\":{\"type\":\"boolean\"}}", "{\"a\":true,\"b\":0}",
     "v:1:15: the schema wants another type"},
    {"{\"anyOf\":[{\"type\":\"string\"},{\"minimum\":2,\"type\":\"number\"}]}", "3", NULL},
    {"{\"anyOf\":[{\"type\":\"string\"},{\"minimum\":2}]}", "1", "v:1:1: none of the schema's forms fits"},
};

static void parse(struct json_text *t, const char *path, const char *text)
{
    struct err e = ERR_NONE;

    if (json_text_parse(t, path, text, strlen(text), &e) < 0)
        fail_msg("%s", e.text);
}

static void values_conform_or_are_told_with_their_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct json_text s = {0}, v = {0};
        struct err e = ERR_NONE;
        int rc;
        parse(&s, "s", cases[i].schema);
        parse(&v, "v", cases[i].value);
        assert_int_equal(schema_supported(&s, s.root, &e), 0);
        rc = schema_check(s.root, &v, v.root, &e);
        assert_int_equal(rc, cases[i].says ? -1 : 0);
        assert_int_equal(schema_holds(s.root, v.root), rc == 0);
        if (cases[i].says)
            assert_string_equal(e.text, cases[i].says);
        json_text_release(&v);
        json_text_release(&s);
    }
}

static void schemas_that_are_not_understood_are_refused(void **state)
{
    static const char *const refused[] = {
        "[]", "{\"$ref\":\"#\"}", "{\"type\":3}", "{\"type\":[\"string\",1]}", "{\"required\":\"a\"}",
        "{\"properties\":{\"a\":1}}", "{\"items\":[]}", "{\"anyOf\":[1]}", "{\"minimum\":\"0\"}",
        "{\"additionalProperties\":{\"oneOf\":[]}}", "{\"enum\":{}}"};

    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct json_text s = {0};
        struct err e = ERR_NONE;
        parse(&s, "s", refused[i]);
        if (schema_supported(&s, s.root, &e) == 0)
            fail_msg("%s is accepted", refused[i]);
        assert_memory_equal(e.text, "s:1:", 4);
        json_text_release(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_conform_or_are_told_with_their_place),
        cmocka_unit_test(schemas_that_are_not_understood_are_refused),
    };
    return RUN(tests);
}
