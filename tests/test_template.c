#include "tests/test.h"

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/template.h"

/* 2026-11-23 12:00, a Monday: what the reference renderings were made at. */
static const struct tm noon = {.tm_year = 126, .tm_mon = 10, .tm_mday = 23, .tm_hour = 12,
                               .tm_wday = 1, .tm_yday = 326};

static const char vars_text[] =
    "{\"a\":1,\"s\":\"Hello, W\xc3\xb6rld \xe4\xbd\xa0\xe5\xa5\xbd\",\"l\":[3,1,2],\"n\":null,"
    "\"t\":true,"
    "\"d\":{\"x\":1,\"items\":[1],\"B\":2},\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"},"
    "{\"role\":\"assistant\",\"content\":\"yo\",\"k\":{\"z\":2}},"
    "{\"role\":\"tool\",\"content\":null}]}";

static int render(const char *text, struct strbuf *out, struct err *e)
{
    cJSON *vars = json_parse(vars_text, sizeof vars_text - 1, "vars", e);
    struct template *t = NULL;
    int rc = -1;

    if (vars && template_parse(&t, text, strlen(text), "t", e) == 0)
        rc = template_render(t, vars, &noon, out, e);
    template_free(t);
    json_free(vars);
    return rc;
}

struct row {
    const char *text, *want;
};

static void renders(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct strbuf out = STRBUF_INIT;
        struct err e = ERR_NONE;
        if (render(rows[i].text, &out, &e) < 0)
            fail_msg("%s: %s", rows[i].text, e.text);
        if (strcmp(strbuf_str(&out), rows[i].want) != 0)
            fail_msg("%s\n gives    %s\n expected %s", rows[i].text, strbuf_str(&out),
                     rows[i].want);
        strbuf_release(&out);
    }
    assert_int_equal(mem_live(), 0);
}
#define RENDERS(rows) renders(rows, sizeof rows / sizeof rows[0])

/* What Jinja2 3.1.6 gives, environment as in transformers. */
static void operators_bind_as_in_jinja(void **state)
{
    static const struct row rows[] = {
        {"{{ 1+2*3-4/2 }} {{ -7//2 }} {{ -7%3 }} {{ 2**3**2 }} {{ -2**2 }}", "5.0 -4 2 64 4"},
        {"{{ 'a' ~ 1 ~ none ~ true ~ 1.5 ~ [1,'x'] }}", "a1NoneTrue1.5[1, 'x']"},
        {"{{ 'abc' * 3 }}|{{ 2 * 'x' }}|{{ 'ab' * 0 }}|{{ '' * 9 }}|{{ 'ab' * -1 }}|{{ [1, 2] * 2 }}",
         "abcabcabc|xx||||[1, 2, 1, 2]"},
        {"{{ 2 ~ 3 + 4 if false else 1 < 2 < 3 }}", "True"},
        {"{{ not t or t }} {{ '' or 'z' }} {{ 0 and 1 }}", "True z 0"},
        {"{{ 1 in l }} {{ 'x' not in d }} {{ 'W' in s }}", "True False True"},
        {"{{ 1 == 1.0 }} {{ '1' == 1 }} {{ [1] == (1,) }} {{ {'a':1} == {'a':1.0} }}",
         "True False False True"},
        {"{{ -5|abs }} {{ (-5)|abs }} {{ a is defined and a == 1 }} {{ not n is none }}",
         "5 5 True False"},
        {"{{ 1 if n }}|{{ 1 if n else 2 if t else 3 }}", "|2"},
        {"{{ 1, 2 }} {{ (1,) }} {{ () }} {{ [1,] }} {{ 'a' 'b' }}", "(1, 2) (1,) () [1] ab"},
    };
    (void)state;
    RENDERS(rows);
}

static void values_print_as_in_python(void **state)
{
    static const struct row rows[] = {
        {"{{ 1.0 }} {{ 1e16 }} {{ 0.00001 }} {{ 0.1+0.2 }} {{ 1e308*10 }} {{ 1/3 }}",
         "1.0 1e+16 1e-05 0.30000000000000004 inf 0.3333333333333333"},
        {"{{ [n, t, \"it's\", '\"', '\\n\\x00\\u200b', 'é'] }}",
         "[None, True, \"it's\", '\"', '\\n\\x00\\u200b', 'é']"},
        {"{{ d }} {{ d.items() }} {{ range(3)|list }}",
         "{'x': 1, 'items': [1], 'B': 2} dict_items([('x', 1), ('items', [1]), ('B', 2)]) "
         "[0, 1, 2]"},
        {"{{ d|tojson }} {{ s|tojson(ensure_ascii=true) }} {{ '<&>'|tojson }}",
         "{\"x\": 1, \"items\": [1], \"B\": 2} \"Hello, W\\u00f6rld \\u4f60\\u597d\" \"<&>\""},
        {"{{ [1,{'a':[]}]|tojson(indent=1) }} {{ d|tojson(separators=(',',':'), sort_keys=true) }}",
         "[\n 1,\n {\n  \"a\": []\n }\n] {\"B\":2,\"items\":[1],\"x\":1}"},
    };
    (void)state;
    RENDERS(rows);
}

static void undefined_is_empty_until_it_is_used(void **state)
{
    static const struct row rows[] = {
        {"[{{ nope }}{{ nope|length }}{{ d.nope }}{{ l[7] }}]", "[0]"},
        {"{% for x in nope %}x{% else %}none{% endfor %}{{ 'y' if nope else 'n' }}", "nonen"},
        {"{{ nope is defined }} {{ nope == nix }} {{ nope|default('q') }} {{ ''|d('e', true) }}",
         "False True q e"},
        {"{{ n.foo is defined }}{{ messages[0].k is defined }}", "FalseFalse"},
    };
    (void)state;
    RENDERS(rows);
}

static void subscripts_count_characters(void **state)
{
    static const struct row rows[] = {
        {"{{ s[8] }}{{ s[-1] }}{{ s[-2:] }} {{ s[::-1][:3] }} {{ s|length }} {{ l[::-1] }}",
         "ö好你好 好你  15 [2, 1, 3]"},
        {"{{ d.x }}{{ d['x'] }} {{ d['items'] }} {{ d.get('q', 7) }} {{ messages.1.k.z }}",
         "11 [1] 7 2"},
        {"{{ l[5:1:-2] }} {{ l[-5:2] }} {{ l[1:] }}", "[2] [3, 1] [1, 2]"},
    };
    (void)state;
    RENDERS(rows);
}

static void white_space_follows_the_signs(void **state)
{
    static const struct row rows[] = {
        {"a\n  {% if t %}\n  b\n  {% endif %}\nc\n", "a\n  b\nc"},
        {"a\n  {%- if t -%}\n  b\n  {%- endif -%}\nc\n\n", "abc\n"},
        {"a\n  {%+ if t +%}\n  b\n  {%+ endif +%}\nc\n", "a\n  \n  b\n  \nc"},
        {"  {# c #}\n y {{ 1 }} \n{{- 2 -}}\n z", " y 12z"},
        {"a {% raw -%}\n {{ b }} \n{%- endraw %}\nc", "a {{ b }}c"},
        {"a\r\n{% if t %}\r\nb{% endif %}", "a\nb"},
        {"{{ {'a': {'b': 1}}['a']['b'] }}{{ '}}' }}", "1}}"},
    };
    (void)state;
    RENDERS(rows);
}

static void statements_scope_as_in_jinja(void **state)
{
    static const struct row rows[] = {
        {"{% set x = 1 %}{% for i in l %}{% set x = x + i %}{{ x }}{% endfor %}{{ x }}", "4231"},
        {"{% set q = namespace(x=0) %}{% for i in l %}{% set q.x = q.x + i %}{% endfor %}{{ q.x }}",
         "6"},
        {"{% for k, v in d.items() if v is number %}{{ loop.index }}{{ k }}={{ v }}"
         "{{ ';' if not loop.last }}{% endfor %}", "1x=1;2B=2"},
        {"{% for i in range(9) %}{% if i == 2 %}{% continue %}{% endif %}{% if i == 4 %}{% break %}"
         "{% endif %}{{ i }}{{ loop.previtem }}{% endfor %}", "01032"},
        {"{% macro m(a, b=a, c='x') %}[{{ a }}{{ b }}{{ c }}{{ varargs }}{{ kwargs }}]"
         "{% endmacro %}"
         "{{ m(1) }}{{ m(1,2,3,4,z=5) }}", "[11x(){}][123(4,){'z': 5}]"},
        {"{% macro m(x) %}<{{ caller(x) }}>{% endmacro %}{% call(y) m(1) %}{{ y }}b{% endcall %}",
         "<1b>"},
        {"{% macro f(n) %}{{ 1 if n < 2 else n * f(n-1)|int }}{% endmacro %}{{ f(10) }}",
         "3628800"},
        {"{% set x | upper %}ab{{ a }}{% endset %}{{ x }}"
         "{% filter replace('a','b') %}aa{% endfilter %}",
         "AB1bb"},
        {"{% with x = 1, y = 2 %}{{ x }}{{ y }}{% endwith %}{{ x }}", "12"},
        {"{% generation %}{{ a }}{% endgeneration %}{% set u, v = l[:2] %}{{ u }}{{ v }}", "131"},
        {"{% set g = 1 %}{% macro m() %}{{ g }}{% endmacro %}{% set g = 2 %}{{ m() }}", "2"},
    };
    (void)state;
    RENDERS(rows);
}

static void filters_and_tests_are_jinjas(void **state)
{
    static const struct row rows[] = {
        {"{{ messages|map(attribute='role')|join(', ') }} "
         "{{ messages|selectattr('role','in',['user'])|list|length }} "
         "{{ messages|rejectattr('content')|map(attribute='role')|first }}",
         "user, assistant, tool 1 tool"},
        {"{{ ['b','A','c']|sort }} {{ l|sort(reverse=true) }} {{ d|dictsort }} "
         "{{ [1,2,1]|unique|list }}",
         "['A', 'b', 'c'] [3, 2, 1] [('B', 2), ('items', [1]), ('x', 1)] [1, 2]"},
        {"{{ '42.7'|int }} {{ 'z'|int(7) }} {{ '1f'|int(base=16) }} "
         "{{ 2.675|round(2) }} {{ 2.5|round }}",
         "42 7 31 2.67 2.0"},
        {"{{ 'a\nb\n\nc'|indent }} {{ \"it's a-b\"|title }} {{ '<b>'|e }} {{ '<'|safe + '<' }}",
         "a\n    b\n\n    c It's A-B &lt;b&gt; <&lt;"},
        {"{{ d is mapping }} {{ s is sequence }} {{ 1 is iterable }} {{ 4 is divisibleby 2 }} "
         "{{ true is integer }} {{ 'upper' is filter }}", "True True False True False True"},
        {"{{ l|sum }} {{ l|min }} {{ l|max }} {{ l|reverse|list }} {{ []|first is undefined }}",
         "6 1 3 [2, 1, 3] True"},
    };
    (void)state;
    RENDERS(rows);
}

static void methods_are_pythons(void **state)
{
    static const struct row rows[] = {
        {"{{ ' a b '.split() }} {{ 'a,b,c'.rsplit(',', 1) }} {{ 'a-b'.partition('-') }} "
         "{{ 'a\r\nb'.splitlines() }}", "['a', 'b'] ['a,b', 'c'] ('a', '-', 'b') ['a', 'b']"},
        {"{{ 'xxaxx'.strip('x') }} {{ 'abc'.endswith(('x','c')) }} {{ s.find('好') }} "
         "{{ 'stra\xc3\x9f""e'.upper() }} {{ '-5'.zfill(4) }}", "a True 14 STRASSE -005"},
        {"{{ '%05.1f|%-4s|%x|%s' % (3.14159, 'ab', 255, none) }} "
         "{{ '{0}{x:>4}|{1:,}'.format(1, 12345, x='y') }}",
         "003.1|ab  |ff|None 1   y|12,345"},
        {"{{ strftime_now('%d %B %Y') }}", "23 November 2026"},
    };
    (void)state;
    RENDERS(rows);
}

static void errors_say_what_jinja_says(void **state)
{
    static const struct row rows[] = {
        {"{{ raise_exception('no ' ~ a) }}", "no 1"},
        {"{{ nope.x }}", "'nope' is undefined"},
        {"{{ d.nope.x }}", "'dict object' has no attribute 'nope'"},
        {"{{ messages[2].content + 'x' }}",
         "unsupported operand type(s) for +: 'NoneType' and 'str'"},
        {"{{ 'a' + 1 }}", "can only concatenate str (not \"int\") to str"},
        {"{{ l.append(1) }}", "access to attribute 'append' of 'list' object is unsafe."},
        {"{{ l() }}", "'list' object is not callable"},
        {"{{ a < 'x' }}", "'<' not supported between instances of 'int' and 'str'"},
        {"{% for a, b in [(1,2,3)] %}{% endfor %}", "too many values to unpack (expected 2)"},
        {"{{ l|nofilter }}", "No filter named 'nofilter'."},
        {"x\n{% if t %}", "t:2: 'endif' is missing"},
        {"x\n{{ (1 }}", "t:2: unexpected '}'"},
        {"{% unknown %}", "t:1: Encountered unknown tag 'unknown'"},
        {"{{ 'abc }}", "t:1: a string is not closed"},
        {"{% break %}", "break or continue outside a loop"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct strbuf out = STRBUF_INIT;
        struct err e = ERR_NONE;
        assert_int_equal(render(rows[i].text, &out, &e), -1);
        assert_int_equal(e.code, ERR_FORMAT);
        if (strncmp(e.text, rows[i].want, strlen(rows[i].want)) != 0)
            fail_msg("%s\n says     %s\n expected %s", rows[i].text, e.text, rows[i].want);
        assert_int_equal(out.len, 0);
        strbuf_release(&out);
    }
    assert_int_equal(mem_live(), 0);
}

static void hostile_templates_meet_a_limit(void **state)
{
    static const char *const rows[] = {
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{{ 'x' * 99999999999 }}",
        "{{ [1, 2, 3] * 10000000 }}",
        /* NOLINTNEXTLINE(bugprone-suspicious-missing-comma): one template of two lines */
        "{% set q = namespace(x='xxxxxxxx') %}{% for i in range(99) %}{% set q.x = q.x + q.x %}"
        "{% endfor %}",
        "{% set q = namespace(x=[1]) %}{% for i in range(60) %}{% set q.x = [q.x, q.x] %}"
        "{% endfor %}{{ q.x|tojson }}",
        "{{ range(100001) }}",
        "{{ '%99999d' % 1 }}",
        "{{ 9223372036854775807 + 1 }}",
        "{% set q = namespace() %}{% set q.q = [q] %}{{ q.q == [q] }}{{ [q]|tojson }}",
    };
    struct strbuf deep = STRBUF_INIT, out = STRBUF_INIT;
    struct err e = ERR_NONE;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(render(rows[i], &out, &e), -1);
        assert_int_equal(e.code, ERR_FORMAT);
    }
    strbuf_adds(&deep, "{{ ");
    for (int i = 0; i < 5000; i++)
        strbuf_adds(&deep, "not ");
    strbuf_adds(&deep, "1 }}");
    assert_int_equal(render(strbuf_str(&deep), &out, &e), -1);
    strbuf_clear(&deep);
    for (int i = 0; i < 5000; i++)
        strbuf_adds(&deep, "{% if t %}");
    assert_int_equal(render(strbuf_str(&deep), &out, &e), -1);
    strbuf_release(&deep);
    strbuf_release(&out);
    assert_int_equal(mem_live(), 0);
}

static void every_failed_allocation_is_survived(void **state)
{
    static const char text[] =
        "{% macro m(x) %}{{ x|upper }}{{ caller() if caller is defined }}{% endmacro %}"
        "{% for k, v in d|dictsort %}{{ loop.index }}{{ k ~ v }}{% endfor %}"
        "{% set q | indent(2) %}a\nb{% endset %}{{ q }}{{ m('a') }}{{ s[::-1].split('o') }}"
        "{{ '%5d' % 3 }}{{ '{:>3}'.format(1) }}{{ messages|map(attribute='role')|join(',') }}"
        "{{ d|tojson(indent=2) }}{{ l|sort }}{{ strftime_now('%Y') }}";
    int rc = -1;
    (void)state;
    for (int nth = 0; rc < 0; nth++) {
        struct strbuf out = STRBUF_INIT;
        struct err e = ERR_NONE;
        cJSON *vars = json_parse(vars_text, sizeof vars_text - 1, "vars", &e);
        struct template *t = NULL;
        mem_fail_at(nth);
        rc = template_parse(&t, text, sizeof text - 1, "t", &e);
        if (rc == 0)
            rc = template_render(t, vars, &noon, &out, &e);
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        template_free(t);
        json_free(vars);
        strbuf_release(&out);
        assert_int_equal(mem_live(), 0);
    }
}

static void check_reference(const cJSON *row)
{
    struct strbuf text = STRBUF_INIT, out = STRBUF_INIT;
    struct template *t = NULL;
    struct err e = ERR_NONE;
    char name[512];
    const char *want = json_str(row, "rendered"), *error = json_str(row, "error");
    int rc;

    snprintf(name, sizeof name, "golden/chat/templates/%s", json_str(row, "template"));
    assert_int_equal(file_read(&text, shared_path(name), 1 << 20, &e), 0);
    assert_int_equal(template_parse(&t, text.s, text.len, name, &e), 0);
    rc = template_render(t, json_get(row, "vars"), &noon, &out, &e);
    if (want && (rc < 0 || strcmp(strbuf_str(&out), want) != 0))
        fail_msg("%s, case %s: %s", name, json_str(row, "case"), rc < 0 ? e.text : out.s);
    if (error) {
        assert_int_equal(rc, -1);
        assert_string_equal(strstr(error, ": ") + 2, e.text); /* "TemplateError: text" */
    }
    template_free(t);
    strbuf_release(&text);
    strbuf_release(&out);
}

static void public_models_templates_render_as_under_transformers(void **state)
{
    struct line_reader r;
    struct err e = ERR_NONE;
    int n = 0;
    (void)state;
    assert_int_equal(lines_open(&r, shared_path("golden/chat/chat.jsonl"), &e), 0);
    while (lines_next(&r, &e) == 1) {
        cJSON *row = json_parse(r.line.s, r.line.len, r.path, &e);
        assert_non_null(row);
        check_reference(row);
        json_free(row);
        n++;
    }
    lines_close(&r);
    assert_true(n > 0);
    assert_int_equal(mem_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operators_bind_as_in_jinja),
        cmocka_unit_test(values_print_as_in_python),
        cmocka_unit_test(undefined_is_empty_until_it_is_used),
        cmocka_unit_test(subscripts_count_characters),
        cmocka_unit_test(white_space_follows_the_signs),
        cmocka_unit_test(statements_scope_as_in_jinja),
        cmocka_unit_test(filters_and_tests_are_jinjas),
        cmocka_unit_test(methods_are_pythons),
        cmocka_unit_test(errors_say_what_jinja_says),
        cmocka_unit_test(hostile_templates_meet_a_limit),
        cmocka_unit_test(every_failed_allocation_is_survived),
        cmocka_unit_test(public_models_templates_render_as_under_transformers),
    };
    return RUN(tests);
}
