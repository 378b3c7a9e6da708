#include "tests/yaml_list.h"

#include "tests/test.h"

struct ynode *yaml_of(struct arena *a, const char *yaml)
{
    struct ynode *root = NULL;
    struct err e = ERR_NONE;

    if (yamldoc_parse(a, yaml, strlen(yaml), "f", &root, &e) < 0)
        fail_msg("%s in\n%s", e.text, yaml);
    return root;
}

void yaml_repeat(struct strbuf *b, const char *open, const char *one, const char *close, int n)
{
    strbuf_addf(b, "[%s", open);
    for (int i = 0; i < n; i++)
        strbuf_addf(b, "%s%s", i ? "," : "", one);
    strbuf_addf(b, "%s]", close);
}

void refused_as(const struct err *e, const char *yaml, const char *error, const char *hint)
{
    if (strncmp(e->text, error, strlen(error)) != 0)
        fail_msg("%s: '%s', expected '%s'", yaml, e->text, error);
    assert_string_equal(e->hint, hint);
}
