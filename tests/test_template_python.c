/* Templates against what Jinja2 3.1.6 makes of them in transformers' environment, row by row. */
#include "tests/test.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/template.h"

static const char vars_text[] =
    "{\"a\":1,\"s\":\"Hello, W\xc3\xb6rld \xe4\xbd\xa0\xe5\xa5\xbd\",\"l\":[3,1,2],\"n\":null,"
    "\"t\":true,\"d\":{\"x\":1,\"items\":[1],\"B\":2},"
    "\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"},"
    "{\"role\":\"assistant\",\"content\":\"yo\",\"k\":{\"z\":2}},"
    "{\"role\":\"tool\",\"content\":null}]}";

struct row {
    const char *text, *want;
};

static int render(const char *text, struct strbuf *out, struct err *e)
{
    cJSON *vars = json_parse(vars_text, sizeof vars_text - 1, "vars", e);
    struct template *t = NULL;
    int rc = -1;

    if (vars && template_parse(&t, text, strlen(text), "t", e) == 0)
        rc = template_render(t, vars, NULL, out, e);
    template_free(t);
    json_free(vars);
    return rc;
}

/* want: the text, or of the error; also after each allocation was refused once. */
static void renders(const struct row *rows, size_t n, int fails)
{
    for (size_t i = 0; i < n; i++) {
        struct err e = {.code = ERR_NOMEM};
        for (long nth = 0; e.code == ERR_NOMEM; nth++) {
            struct strbuf out = STRBUF_INIT;
            const char *got;
            int rc;
            e = ERR_NONE;
            mem_fail_at(nth);
            rc = render(rows[i].text, &out, &e);
            mem_fail_at(-1);
            got = rc < 0 ? e.text : strbuf_str(&out);
            if (e.code != ERR_NOMEM &&
                (rc != (fails ? -1 : 0) || strcmp(got, rows[i].want) != 0))
                fail_msg("%s\n gives    %s\n expected %s", rows[i].text, got, rows[i].want);
            strbuf_release(&out);
            assert_int_equal(mem_live(), 0);
        }
    }
}
#define RENDERS(rows) renders(rows, sizeof rows / sizeof rows[0], 0)
#define FAILS(rows) renders(rows, sizeof rows / sizeof rows[0], 1)

static void methods_of_texts_lists_and_dicts_are_pythons(void **state)
{
    static const struct row rows[] = {
        {"{{ 'unwanted'.removeprefix('un') }}|{{ 'unwanted'.removeprefix('x') }}|{{ 'a.txt'.removesuffix('.txt') }}|{{ 'a'.removesuffix('b') }}",
         "wanted|unwanted|a|a"},
        {"{{ 'abcabc'.rfind('bc') }}|{{ 'abcabc'.rfind('x') }}|{{ 'abcabc'.find('c', 3) }}|{{ 'abcabc'.find('a', -3, -1) }}|{{ s.rfind('l') }}|{{ 'abcabc'.index('c', 2) }}|{{ 'abcabc'.rindex('a') }}",
         "4|-1|5|3|10|2|3"},
        {"{{ 'banana'.count('an') }}|{{ 'banana'.count('a', 2) }}|{{ ''.count('') }}|{{ 'abc'.count('') }}|{{ '\xe4\xbd\xa0\xe5\xa5\xbd\xe4\xbd\xa0'.count('\xe4\xbd\xa0') }}|{{ 'banana'.count('na', 0, 4) }}",
         "2|2|1|4|2|1"},
        {"{{ ' a  b c '.rsplit(none, 1) }}|{{ '  a\\tb '.rsplit() }}|{{ 'a,b,,c'.rsplit(',') }}|{{ 'a,b,,c'.split(',', 2) }}|{{ ' a  b c '.split(none, 1) }}|{{ ''.split() }}|{{ ''.split(',') }}",
         "[' a  b', 'c']|['a', 'b']|['a', 'b', '', 'c']|['a', 'b', ',c']|['a', 'b c ']|[]|['']"},
        {"{{ 'a-b-c'.rpartition('-') }}|{{ 'abc'.rpartition('-') }}|{{ 'abc'.partition('-') }}",
         "('a-b', '-', 'c')|('', '', 'abc')|('abc', '', '')"},
        {"{{ '-'.join(['a', 'b', 'c']) }}|{{ ''.join([]) }}|{{ ', '.join('abc') }}|{{ '-'.join({'k': 1, 'm': 2}) }}",
         "a-b-c||a, b, c|k-m"},
        {"{{ 'AbC dEf'.lower() }}|{{ 'ab cd-ef'.title() }}|{{ 'AbC'.swapcase() }}|{{ 'ABC'.casefold() }}|{{ 'hELLO wORLD'.capitalize() }}|{{ '\xc3\x84\xc3\x96'.lower() }}",
         "abc def|Ab Cd-Ef|aBc|abc|Hello world|\xc3\xa4\xc3\xb6"},
        {"{{ 'ab'.ljust(4) ~ '.' }}|{{ 'ab'.rjust(5, '*') }}|{{ 'ab'.center(7, '-') }}|{{ 'ab'.center(6) }}|{{ '\xe4\xbd\xa0'.rjust(3, '\xe5\xa5\xbd') }}|{{ 'abcd'.center(2) }}|{{ '7'.zfill(3) }}|{{ '+7'.zfill(4) }}|{{ '-abc'.zfill(2) }}",
         "ab  .|***ab|---ab--|  ab  |\xe5\xa5\xbd\xe5\xa5\xbd\xe4\xbd\xa0|abcd|007|+007|-abc"},
        {"{{ 'abc'.isalpha() }}|{{ 'ab1'.isalpha() }}|{{ ''.isalpha() }}|{{ '\xe4\xbd\xa0\xe5\xa5\xbd'.isalpha() }}|{{ '12'.isdigit() }}|{{ '1.2'.isdigit() }}|{{ ''.isdigit() }}|{{ 'a1'.isalnum() }}|{{ 'a 1'.isalnum() }}|{{ ' \\t\\n'.isspace() }}|{{ ''.isspace() }}|{{ ' a'.isspace() }}",
         "True|False|False|True|True|False|False|True|False|True|False|False"},
        {"{{ 'abc'.islower() }}|{{ 'aBc'.islower() }}|{{ '123'.islower() }}|{{ 'ABC'.isupper() }}|{{ 'A1'.isupper() }}|{{ ''.isupper() }}",
         "True|False|False|True|True|False"},
        {"{{ [1, 2, 1, 1.0].count(1) }}|{{ [].count(1) }}|{{ ['a', 'b'].index('b') }}|{{ (1, 2).count(2) }}",
         "3|0|1|1"},
        {"{{ d.keys() }}|{{ d.values()|list }}|{{ d.copy() == d }}|{{ l.copy() }}|{{ d.get('x') }}|{{ d.get('q') }}|{{ d.get('q', 'z') }}",
         "dict_keys(['x', 'items', 'B'])|[1, [1], 2]|True|[3, 1, 2]|1|None|z"},
        {"{{ 'a\\r\\nb\\rc\\n'.splitlines() }}|{{ 'a\\nb'.splitlines(true) }}|{{ ''.splitlines() }}|{{ 'xxabcxx'.lstrip('x') }}|{{ 'xxabcxx'.rstrip('x') }}|{{ '  a '.lstrip() ~ '.' }}|{{ 'abcba'.strip('ab') }}",
         "['a', 'b', 'c']|['a\\n', 'b']|[]|abcxx|xxabc|a .|c"},
        {"{{ 'aXbX'.replace('X', '-') }}|{{ 'aaa'.replace('a', 'b', 2) }}|{{ 'abc'.replace('', '.') }}|{{ 'abc'.replace('z', '') }}",
         "a-b-|bba|.a.b.c.|abc"},
        {"{{ 'abc'.startswith('b', 1) }}|{{ 'abc'.startswith(('x', 'a')) }}|{{ 'abc'.endswith('b', 0, 2) }}|{{ 'abc'.startswith('') }}",
         "True|True|True|True"},
        {"{% for x in l %}{{ loop.cycle('odd', 'even') }}{{ loop.changed(x > 1) }} {% endfor %}",
         "oddTrue evenTrue oddTrue "},
        {"{% for x in l %}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.previtem }}{{ loop.nextitem }} {% endfor %}",
         "032TrueFalse31 121FalseFalse332 210FalseTrue31 "},
    };
    (void)state;
    RENDERS(rows);
}

static void every_filter_is_jinjas(void **state)
{
    static const struct row rows[] = {
        {"{{ 'hELLO'|capitalize }}|{{ '  ab '|trim ~ '.' }}|{{ 'xxabxx'|trim('x') }}|{{ 'aXb'|replace('X', '--') }}|{{ 'aaa'|replace('a', 'b', 2) }}",
         "Hello|ab.|ab|a--b|bba"},
        {"{{ 'a\\nb'|indent(2, true) }}|{{ 'a\\n\\nb'|indent(1, blank=true) }}|{{ 'a\\nb'|indent('> ') }}|{{ ''|indent }}",
         "  a\n  b|a\n \n b|a\n> b|"},
        {"{{ '%s-%d'|format('a', 3) }}|{{ '%(x)s %(y)05.2f'|format(x='k', y=2.5) }}|{{ '%%'|format() }}",
         "a-3|k 02.50|%"},
        {"{{ -2.5|abs }}|{{ (-7)|abs }}|{{ true|abs }}|{{ '3.5'|float }}|{{ 'x'|float }}|{{ 'x'|float(1.5) }}|{{ 2|float }}|{{ none|float(2.0) }}|{{ true|float }}",
         "2.5|7|1|3.5|0.0|1.5|2.0|2.0|1.0"},
        {"{{ 2.45|round(1) }}|{{ 2.45|round(1, 'ceil') }}|{{ 2.45|round(1, 'floor') }}|{{ -2.5|round }}|{{ 7|round }}|{{ 1234.5678|round(-2) }}|{{ 2.567|round(method='floor') }}",
         "2.5|2.5|2.4|-2.0|7|1200.0|2.0"},
        {"{{ '12'|int }}|{{ '0x1f'|int(0, 16) }}|{{ '12.9'|int }}|{{ 2.9|int }}|{{ none|int(5) }}|{{ 'abc'|int(base=16) }}|{{ -3.7|int }}|{{ 'zz'|int(3) }}",
         "12|31|12|2|5|2748|-3|3"},
        {"{{ l|last }}|{{ []|last is undefined }}|{{ 'abc'|last }}|{{ 'abc'|first }}|{{ d|last }}|{{ range(3)|last }}",
         "2|True|c|a|B|2"},
        {"{{ d|length }}|{{ '\xe4\xbd\xa0\xe5\xa5\xbd'|length }}|{{ []|count }}|{{ range(4)|length }}|{{ {}|length }}",
         "3|2|0|4|0"},
        {"{{ 'abc'|reverse }}|{{ l|reverse|list }}|{{ ''|reverse }}", "cba|[2, 1, 3]|"},
        {"{{ d|items|list }}|{{ {}|items|list }}", "[('x', 1), ('items', [1]), ('B', 2)]|[]"},
        {"{{ l|join }}|{{ l|join('-') }}|{{ messages|join(',', attribute='role') }}|{{ 'abc'|join('.') }}|{{ []|join(',') }}|{{ [1, 'a', none]|join('/') }}",
         "312|3-1-2|user,assistant,tool|a.b.c||1/a/None"},
        {"{{ l|select|list }}|{{ [0, 1, 2, 3]|select('odd')|list }}|{{ [0, 1, 2, 3]|reject('odd')|list }}|{{ [0, 1]|reject|list }}|{{ l|select('gt', 1)|list }}|{{ messages|selectattr('k')|list|length }}|{{ messages|rejectattr('role', 'eq', 'user')|list|length }}",
         "[3, 1, 2]|[1, 3]|[0, 2]|[0]|[3, 2]|1|2"},
        {"{{ [1, 2, 3]|map('string')|list }}|{{ ['a', 'b']|map('upper')|join }}|{{ messages|map(attribute='k.z', default=7)|list }}|{{ messages|map(attribute='content')|list }}|{{ [[1, 2], [3, 4]]|map('last')|list }}|{{ ['1', 'x']|map('int', 9)|list }}",
         "['1', '2', '3']|AB|[7, 2, 7]|['Hi', 'yo', None]|[2, 4]|[1, 9]"},
        {"{{ [3, 1, 2]|sort }}|{{ ['b', 'A']|sort(case_sensitive=true) }}|{{ messages|sort(attribute='role')|map(attribute='role')|list }}|{{ [{'a': 2, 'b': 1}, {'a': 1, 'b': 2}, {'a': 1, 'b': 1}]|sort(attribute='a,b')|map(attribute='b')|list }}|{{ 'bca'|sort }}|{{ d|sort }}|{{ [2.5, 1, true]|sort(reverse=true) }}",
         "[1, 2, 3]|['A', 'b']|['assistant', 'tool', 'user']|[1, 2, 1]|['a', 'b', 'c']|['B', 'items', 'x']|[2.5, 1, True]"},
        {"{{ d|dictsort }}|{{ {'b': 1, 'A': 2}|dictsort(true) }}|{{ {'b': 1, 'a': 2}|dictsort(by='value') }}|{{ {'b': 1, 'a': 2}|dictsort(reverse=true) }}",
         "[('B', 2), ('items', [1]), ('x', 1)]|[('A', 2), ('b', 1)]|[('b', 1), ('a', 2)]|[('b', 1), ('a', 2)]"},
        {"{{ [1, 2, 3]|sum }}|{{ [1.5, 2]|sum(start=10) }}|{{ []|sum }}|{{ [{'v': 2}, {'v': 3}]|sum('v') }}",
         "6|13.5|0|5"},
        {"{{ ['b', 'A']|min }}|{{ ['b', 'A']|max }}|{{ ['b', 'A']|min(case_sensitive=true) }}|{{ [{'v': 2}, {'v': 3}]|max(attribute='v') }}|{{ []|min is undefined }}",
         "A|b|A|{'v': 3}|True"},
        {"{{ ['a', 'A', 'b']|unique|list }}|{{ ['a', 'A', 'b']|unique(true)|list }}|{{ [{'v': 2}, {'v': 2}]|unique(attribute='v')|list|length }}|{{ 'aab'|unique|list }}",
         "['a', 'b']|['a', 'A', 'b']|1|['a', 'b']"},
        {"{{ '<a href=\"x\">&\\'</a>'|e }}|{{ ('<'|safe) ~ '>' }}|{{ '<'|e|e }}|{{ 5|e }}|{{ 'x'|string }}|{{ 1.5|string }}|{{ none|string }}|{{ ('<'|e) + '<' }}|{{ ('<'|safe)|e }}",
         "&lt;a href=&#34;x&#34;&gt;&amp;&#39;&lt;/a&gt;|<>|&lt;|5|x|1.5|None|&lt;&lt;|<"},
        {"{{ d|attr('x') is undefined }}|{{ d|attr('items') is callable }}|{{ 'a'|attr('nope') is undefined }}",
         "True|True|True"},
        {"{{ 'AbC'|lower }}|{{ 'AbC'|upper }}|{{ 'foo bar'|title }}|{{ nope|default }}|{{ n|default('x') }}|{{ n|default('x', true) }}|{{ false|d(1, boolean=true) }}",
         "abc|ABC|Foo Bar||None|x|1"},
        {"{{ {'a': [1, {'b': none}], 'c': true}|tojson }}|{{ '\\u00e9\\n\\t\\\"\\\\\\u0001'|tojson }}|{{ '\xf0\x9f\x98\x80'|tojson(ensure_ascii=true) }}|{{ 1.5|tojson }}|{{ 1e400|tojson }}|{{ -1e400|tojson }}|{{ {1: 2, none: 3, true: 4}|tojson }}|{{ []|tojson(indent=2) }}|{{ {'b': 1, 'a': [1, 2]}|tojson(indent=2, sort_keys=true) }}|{{ (1, 2)|tojson }}|{{ {}|tojson }}",
         "{\"a\": [1, {\"b\": null}], \"c\": true}|\"\xc3\xa9\\n\\t\\\"\\\\\\u0001\"|\"\\ud83d\\ude00\"|1.5|Infinity|-Infinity|{\"1\": 4, \"null\": 3}|[]|{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": 1\n}|[1, 2]|{}"},
    };
    (void)state;
    RENDERS(rows);
}

static void every_test_is_jinjas(void **state)
{
    static const struct row rows[] = {
        {"{{ t is boolean }}|{{ 1 is boolean }}|{{ 1.5 is float }}|{{ 1 is float }}|{{ 1 is number }}|{{ true is number }}|{{ '1' is number }}|{{ t is true }}|{{ t is false }}|{{ false is false }}|{{ 1 is true }}",
         "True|False|True|False|True|True|False|True|False|True|False"},
        {"{{ 3 is odd }}|{{ 3 is even }}|{{ 4 is even }}|{{ -3 is odd }}|{{ 4.0 is even }}|{{ 7 is divisibleby(7) }}|{{ 7 is divisibleby 2 }}|{{ 7 is not divisibleby 2 }}",
         "True|False|True|True|True|True|False|True"},
        {"{{ 1 is eq 1 }}|{{ 1 is equalto 1.0 }}|{{ 1 is ne 2 }}|{{ 1 is lt 2 }}|{{ 1 is lessthan 1 }}|{{ 1 is le 1 }}|{{ 2 is gt 1 }}|{{ 2 is greaterthan 2 }}|{{ 2 is ge 2 }}",
         "True|True|True|True|False|True|True|False|True"},
        {"{{ n is sameas none }}|{{ t is sameas true }}|{{ 1 is sameas true }}|{{ 1 is sameas 1 }}|{{ 'a' is in 'abc' }}|{{ 1 is in l }}|{{ 'x' is in d }}|{{ 7 is not in l }}",
         "True|True|False|True|True|True|True|True"},
        {"{{ 'abc' is lower }}|{{ 'aBc' is lower }}|{{ 'ABC' is upper }}|{{ '123' is lower }}|{{ 'x' is string }}|{{ 1 is string }}|{{ s is mapping }}|{{ d is mapping }}|{{ d is iterable }}|{{ 1 is iterable }}|{{ l is sequence }}|{{ d is sequence }}|{{ 1 is sequence }}",
         "True|False|True|False|True|False|False|True|True|False|True|True|False"},
        {"{{ range is callable }}|{{ a is callable }}|{{ s is escaped }}|{{ ('a'|safe) is escaped }}|{{ 'odd' is test }}|{{ 'zodd' is test }}|{{ 'upper' is filter }}|{{ 'zupper' is filter }}|{{ n is none }}|{{ a is none }}|{{ nope is undefined }}|{{ a is undefined }}|{{ a is defined }}",
         "True|False|False|True|True|False|True|False|True|False|True|False|True"},
    };
    (void)state;
    RENDERS(rows);
}

static void formats_are_pythons(void **state)
{
    static const struct row rows[] = {
        {"{{ '%5d|%-5d|%05d|%+d|% d' % (42, 42, 42, 42, 42) }}|{{ '%x|%X|%o|%#x|%#o' % (255, 255, 8, 255, 8) }}|{{ '%c%c' % (65, 'b') }}|{{ '%%' % () }}|{{ '%5s|%-5s|%.2s' % ('ab', 'ab', 'abcd') }}",
         "   42|42   |00042|+42| 42|ff|FF|10|0xff|0o10|Ab|%|   ab|ab   |ab"},
        {"{{ '%f|%.0f|%e|%E|%g|%G' % (1.5, 2.5, 12345.678, 0.00012, 1e10, 1e-10) }}|{{ '%8.3f|%-8.2f|%08.2f|%+.1f' % (3.14159, 2.5, -2.5, 1) }}|{{ '%r|%s' % ('a', 'a') }}|{{ '%i %u' % (3.9, 4) }}|{{ '%s' % 1.0 }}|{{ '%s and %s' % (none, true) }}",
         "1.500000|2|1.234568e+04|1.200000E-04|1e+10|1E-10|   3.142|2.50    |-0002.50|+1.0|'a'|a|3 4|1.0|None and True"},
        {"{{ '%(a)s-%(b)d' % {'a': 1, 'b': 2} }}|{{ '%*d|%.*f' % (5, 42, 2, 3.14159) }}|{{ '%-*s|' % (4, 'x') }}|{{ '%s' % [1, 2] }}|{{ '%d' % true }}|{{ '%s %%' % 'x' }}|{{ '%r' % '\xc3\xa9' }}",
         "1-2|   42|3.14|x   ||[1, 2]|1|x %|'\xc3\xa9'"},
        {"{{ '{}-{}'.format(1, 'a') }}|{{ '{1}{0}'.format('a', 'b') }}|{{ '{x}{y!r}'.format(x=1, y='q') }}|{{ '{{}}'.format() }}|{{ '{0[1]}'.format([1, 2]) }}|{{ '{a[k]}'.format(a={'k': 'v'}) }}|{{ '{!s:>4}'.format('a') }}|{{ '{:3}'.format('a') ~ '.' }}",
         "1-a|ba|1'q'|{}|2|v|   a|a  ."},
        {"{{ '{:<5}|{:>5}|{:^5}|{:*^7}|{:05d}|{:+d}|{: d}|{:-d}'.format('a', 'b', 'c', 'd', 42, 42, 42, 42) }}|{{ '{:x}|{:X}|{:o}|{:b}|{:#x}|{:#b}|{:c}'.format(255, 255, 8, 5, 255, 5, 65) }}|{{ '{:,}|{:,.2f}|{:.3f}|{:e}|{:g}|{:%}|{:.1%}'.format(1234567, 1234567.891, 2.0, 12345.678, 0.0001, 0.25, 0.256) }}",
         "a    |    b|  c  |***d***|00042|+42| 42|42|ff|FF|10|101|0xff|0b101|A|1,234,567|1,234,567.89|2.000|1.234568e+04|0.0001|25.000000%|25.6%"},
        {"{{ '{:.2}|{:5.1f}|{:=+6d}|{:08.2f}|{:<08d}'.format('abc', 2.55, 42, -3.14159, 42) }}|{{ '{:s}|{:d}'.format('x', 3) }}|{{ '{}|{}|{}'.format(1.0, none, [1]) }}|{{ '{:5}|'.format(1.5) }}",
         "ab|  2.5|+   42|-0003.14|42000000|x|3|1.0|None|[1]|  1.5|"},
        {"{{ '{:_x}|{:_b}|{:_X}|{:_o}'.format(305419896, 255, 48879, 8) }}",
         "1234_5678|1111_1111|BEEF|10"},
        {"{{ '{:_}|{:_d}|{:3c}|{:*<06d}|{:<08.1f}|{:_}'.format(1234567, 1000, 65, 42, 2.5, 12345.5) }}",
         "1_234_567|1_000|  A|42****|2.500000|12_345.5"},
    };
    (void)state;
    RENDERS(rows);
}

static void expressions_and_statements_are_jinjas(void **state)
{
    static const struct row rows[] = {
        {"{{ 2 ** -1 }}|{{ 2 ** 0.5 }}|{{ 2.0 ** 3 }}|{{ 7.5 // 2 }}|{{ 7.5 % 2 }}|{{ -7.5 % 2 }}|{{ -7.5 // 2 }}|{{ 1.5 + 2 }}|{{ 3 - 0.5 }}|{{ 2 * 1.5 }}|{{ 0.1 / 0.1 }}|{{ 7 / 2 }}|{{ (-1) ** 3 }}|{{ (-1) ** -2 }}|{{ 1 ** -5 }}|{{ -2.5 }}|{{ +3 }}|{{ +2.5 }}|{{ -(3) }}",
         "0.5|1.4142135623730951|8.0|3.0|1.5|0.5|-4.0|3.5|2.5|3.0|1.0|3.5|-1|1.0|1.0|-2.5|3|2.5|-3"},
        {"{{ 'ab' ~ 'cd' }}|{{ [1] + [2] }}|{{ (1,) + (2,) }}|{{ 'a' * 2 }}|{{ true + 1 }}|{{ [1, 2] < [1, 3] }}|{{ (1, 2) >= (1, 2) }}|{{ 'a' < 'b' }}|{{ [1] == (1,) }}|{{ 1 < 2 <= 2 != 3 }}|{{ 'b' in 'abc' }}|{{ '' in '' }}|{{ 3 in (1, 3) }}|{{ 2 not in [1] }}|{{ 'x' in d }}",
         "abcd|[1, 2]|(1, 2)|aa|2|True|True|True|False|True|True|True|True|True|True"},
        {"{{ l[0] }}|{{ l[-1] }}|{{ l[::2] }}|{{ l[2:0:-1] }}|{{ s[0] }}|{{ d['x'] }}|{{ (1, 2, 3)[1:] }}|{{ 'abc'[::-1] }}|{{ 'abc'[5:] }}|{{ range(5)[1:3]|list }}|{{ [[1, 2], [3]][0][1] }}|{{ '\xe4\xbd\xa0\xe5\xa5\xbd\xe5\x90\x97'[1] }}",
         "3|2|[3, 2]|[2, 1]|H|1|(2, 3)|cba||[1, 2]|2|\xe5\xa5\xbd"},
        {"{{ range(2, 8, 3)|list }}|{{ range(3, 0, -1)|list }}|{{ range(0)|list }}|{{ dict(a=1, b=2) }}|{{ namespace(a=1).a }}|{{ 1 if true }}|{{ 1 if false else 2 }}|{{ nope or 'x' }}|{{ none and 1 }}|{{ not none }}|{{ (1 if a else 2) ~ 'z' }}",
         "[2, 5]|[3, 2, 1]|[]|{'a': 1, 'b': 2}|1|1|2|x|None|True|1z"},
        {"{% macro m(x, y=2) %}{{ x }}-{{ y }}{% endmacro %}{{ m(1) }} {{ m(1, y=3) }} {{ m(x=4) }} {{ m.name }}",
         "1-2 1-3 4-2 m"},
        {"{% macro w(x) %}<{{ x }}:{{ caller() }}>{% endmacro %}{% call w('q') %}in {{ a }}{% endcall %}",
         "<q:in 1>"},
        {"{% macro v() %}{{ varargs|length }}{{ kwargs|length }}{% endmacro %}{{ v(1, 2, k=3) }}",
         "21"},
        {"{% macro o(x) %}{{ x }}{% endmacro %}{{ o(*[1]) }} {{ o(**{'x': 2}) }}", "1 2"},
        {"{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set c %}x{{ a }}y{% endset %}{{ c }}{% set c2 | upper %}q{% endset %}{{ c2 }}",
         "12x1yQ"},
        {"{% for x in l if x > 1 %}{{ x }}{% else %}none{% endfor %}{% for x in [] %}{% else %}none{% endfor %}",
         "32none"},
        {"{% for x in l %}{% if x == 1 %}{% continue %}{% endif %}{{ x }}{% if loop.last %}!{% endif %}{% endfor %}{% for x in l %}{{ x }}{% break %}{% endfor %}",
         "32!3"},
        {"{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}",
         "x=1;items=[1];B=2;123"},
        {"{% if a == 2 %}2{% elif a == 1 %}1{% else %}0{% endif %}{% filter upper %}abc{% endfilter %}{% with q = 5 %}{{ q }}{% endwith %}{{ q is defined }}",
         "1ABC5False"},
        {"{% set ns = namespace(n=0, l=[]) %}{% for x in l %}{% set ns.n = ns.n + x %}{% set ns.l = ns.l + [x] %}{% endfor %}{{ ns.n }} {{ ns.l }}",
         "6 [3, 1, 2]"},
        {"{# a comment #}{% raw %}{{ x }}{% endraw %}", "{{ x }}"},
    };
    (void)state;
    RENDERS(rows);
}

static void errors_are_pythons(void **state)
{
    static const struct row rows[] = {
        {"{{ 'abc'.index('z') }}", "substring not found"},
        {"{{ 'abc'.rindex('z') }}", "substring not found"},
        {"{{ 'a'.split('') }}", "empty separator"},
        {"{{ 'a'.partition('') }}", "empty separator"},
        {"{{ '-'.join([1]) }}", "sequence item 0: expected str instance, int found"},
        {"{{ 1 / 0 }}", "division by zero"},
        {"{{ 1 // 0 }}", "integer division or modulo by zero"},
        {"{{ 1 % 0 }}", "integer modulo by zero"},
        {"{{ 1.5 / 0 }}", "float division by zero"},
        {"{{ 1.5 // 0 }}", "float floor division by zero"},
        {"{{ 0 ** -1 }}", "0.0 cannot be raised to a negative power"},
        {"{{ [1] + 'a' }}", "can only concatenate list (not \"str\") to list"},
        {"{{ (1,) + [1] }}", "can only concatenate tuple (not \"list\") to tuple"},
        {"{{ 'a' * 'b' }}", "can't multiply sequence by non-int of type 'str'"},
        {"{{ -'a' }}", "bad operand type for unary -: 'str'"},
        {"{{ +n }}", "bad operand type for unary +: 'NoneType'"},
        {"{{ 1 in 'abc' }}", "'in <string>' requires string as left operand, not int"},
        {"{{ 1 in 5 }}", "argument of type 'int' is not iterable"},
        {"{{ l[::0] }}", "slice step cannot be zero"},
        {"{{ [1] < 'a' }}", "'<' not supported between instances of 'list' and 'str'"},
        {"{{ n < 1 }}", "'<' not supported between instances of 'NoneType' and 'int'"},
        {"{{ n|abs }}", "bad operand type for abs(): 'NoneType'"},
        {"{{ n|length }}", "object of type 'NoneType' has no len()"},
        {"{{ 5|length }}", "object of type 'int' has no len()"},
        {"{{ 'a'|round }}", "type str doesn't define __round__ method"},
        {"{{ 2.5|round(0, 'up') }}", "method must be common, ceil or floor"},
        {"{{ 5|list }}", "'int' object is not iterable"},
        {"{{ 1 is notest }}", "No test named 'notest'."},
        {"{{ 5|dictsort }}", "'int' object has no attribute 'items'"},
        {"{{ d|dictsort(by='z') }}", "You can only sort by either \"key\" or \"value\""},
        {"{{ ['a', 1]|sort }}", "'<' not supported between instances of 'int' and 'str'"},
        {"{{ ['a']|sum }}", "unsupported operand type(s) for +: 'int' and 'str'"},
        {"{{ '%d' % 'a' }}", "%d format: a real number is required, not str"},
        {"{{ '%f' % 'a' }}", "must be real number, not str"},
        {"{{ '%s %s' % 1 }}", "not enough arguments for format string"},
        {"{{ '%s' % (1, 2) }}", "not all arguments converted during string formatting"},
        {"{{ '%(a)s' % 1 }}", "format requires a mapping"},
        {"{{ '}'.format() }}", "Single '}' encountered in format string"},
        {"{{ '{:d}'.format('a') }}", "Unknown format code 'd' for object of type 'str'"},
        {"{{ '{x}'.format() }}", "'x'"},
        {"{{ '%s'|format(1, x=2) }}",
         "can't handle positional and keyword arguments at the same time"},
        {"{% for x in 5 %}{% endfor %}", "'int' object is not iterable"},
        {"{% for a, b in [1] %}{% endfor %}", "cannot unpack non-iterable int object"},
        {"{% for a, b in [(1,)] %}{% endfor %}", "not enough values to unpack (expected 2, got 1)"},
        {"{% macro m(x) %}{% endmacro %}{{ m(1, 2) }}",
         "macro 'm' takes not more than 1 argument(s)"},
        {"{% macro m(x) %}{% endmacro %}{{ m(y=2) }}", "macro 'm' takes no keyword argument 'y'"},
        {"{{ d() }}", "'dict' object is not callable"},
        {"{{ nope() }}", "'nope' is undefined"},
        {"{{ n.x.y }}", "'None' has no attribute 'x'"},
        {"{{ range(1, 2, 0) }}", "range() arg 3 must not be zero"},
        {"{{ loop.cycle() if false else l[0].x.y }}", "'int object' has no attribute 'x'"},
        {"{% for x in l %}{{ loop.cycle() }}{% endfor %}", "no items for cycling given"},
        /* in words of our own */
        {"{{ [1].index(2) }}", "the value is not in the list"},
        {"{{ 'a'.startswith(1) }}", "startswith and endswith take str or a tuple of str, not int"},
        {"{{ 1.5 % 0 }}", "float modulo by zero"},
        {"{{ l|map('nofilter')|list }}", "map: its filter does not exist"},
        {"{{ l|select('notest')|list }}", "No such test."},
        {"{{ '{' .format() }}", "expected '}' before end of string"},
        {"{{ '{:z}'.format(1) }}", "Invalid format specifier"},
        {"{{ range() }}", "range() is missing its argument 1"},
        {"{% for x in [1] recursive %}{% endfor %}", "t:1: recursive loops are not supported"},
    };
    (void)state;
    FAILS(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(methods_of_texts_lists_and_dicts_are_pythons),
        cmocka_unit_test(every_filter_is_jinjas),
        cmocka_unit_test(every_test_is_jinjas),
        cmocka_unit_test(formats_are_pythons),
        cmocka_unit_test(expressions_and_statements_are_jinjas),
        cmocka_unit_test(errors_are_pythons),
    };
    return RUN(tests);
}
