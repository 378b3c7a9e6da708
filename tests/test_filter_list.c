/* filter_list of a task file: what is taken, what is refused and where, and what pipelines do to
 * texts.  The names, options and defaults are lm-eval 0.4.11's. */
#include "tests/test.h"

#include "base/mem.h"
#include "tasks/lmeval_filter_impl.h"
#include "tests/yaml_list.h"

#define LENGTH(a) ((int)(sizeof(a) / sizeof(a)[0]))

/* --- filters ---------------------------------------------------------------------------------- */

static int pipelines_of(struct pipelines *p, struct arena *a, const char *yaml, struct err *e)
{
    *a = ARENA_INIT;
    *e = ERR_NONE;
    return pipelines_read(p, a, yaml ? yaml_of(a, yaml) : NULL, e);
}

/* Steps in YAML; texts with bars between them. */
static void run_is(const char *steps, const char *texts, const char *doc, const char *wanted)
{
    struct strbuf yaml = STRBUF_INIT;
    struct pipelines p;
    struct arena a;
    struct err e;
    char copy[200], *rest, *out = NULL;
    const char *v[8];
    int n = 0, rc;
    cJSON *j = doc ? json_parse(doc, strlen(doc), "doc", NULL) : NULL;

    strbuf_addf(&yaml, "[{name: n, filter: [%s]}]", steps);
    if (pipelines_of(&p, &a, strbuf_str(&yaml), &e) < 0)
        fail_msg("%s: %s", steps, e.text);
    snprintf(copy, sizeof copy, "%s", texts);
    rest = copy;
    while (rest)
        v[n++] = strsep(&rest, "|");
    rc = pipeline_run(&p.v[0], v, n, j, &out, &e);
    if (strcmp(rc < 0 ? e.text : out ? out : "(None)", wanted) != 0)
        fail_msg("%s: '%s', expected '%s'", steps, rc < 0 ? e.text : out ? out : "(None)", wanted);
    mem_free(out);
    json_free(j);
    pipelines_release(&p);
    arena_release(&a);
    strbuf_release(&yaml);
}

static void pipelines_cut_texts_down_to_one(void **state)
{
    static const struct {
        const char *steps, *texts, *wanted;
    } rows[] = {
        {"{function: take_first}", "a|b", "a"},
        {"{function: lowercase}", "\xc3\x89 A", "\xc3\xa9 a"},
        {"{function: uppercase}", "\xc3\xa9 a", "\xc3\x89 A"},
        {"{function: remove_whitespace}", " \t a b ", "a b"},
        {"{function: lowercase}", "a|b",
         "f:1:2: pipeline 'n' ends with 2 answers: take_first or majority_vote is missing"},
        {"{function: take_first_k, k: 2}, {function: majority_vote}", "x|y|y", "x"},
        {"{function: take_first_k, k: 3}, {function: majority_vote}", "x|y|y", "y"},
        {"{function: majority_vote}", "b|a|a|b", "b"}, /* of equals the first */
        {"{function: majority_vote}", "c|a|b|a|b|b", "b"},
        {"{function: take_first_k, k: 3}", "x|y",
         "f:1:2: f:1:21: the first 3 answers of 2: 'repeats' is less"},
        {"{function: take_first_k, k: 1}", "x|y", "x"},
        /* a step behind take_first sees single characters */
        {"{function: take_first}, {function: take_first}", "\xc3\xa9t|b", "\xc3\xa9"},
        {"{function: take_first}, {function: majority_vote}", "abcb", "b"},
        {"{function: take_first}, {function: lowercase}", "|b",
         "f:1:2: 'lowercase' has no answer to look at: a step after take_first sees single "
         "characters"},
        {"{function: take_first}, {function: take_first_k, k: 4}, {function: majority_vote}",
         "xyyz", "y"},
        /* maps: a text without a key is the default, or nothing at all */
        {"{function: map, mapping_dict: {a: one, b: null, c: 3}, default_value: d}", "a", "one"},
        {"{function: map, mapping_dict: {a: one, b: null, c: 3}, default_value: d}", "b", "(None)"},
        {"{function: map, mapping_dict: {a: one, b: null, c: 3}, default_value: d}", "c", "3"},
        {"{function: map, mapping_dict: {a: one, b: null, c: 3}, default_value: d}", "x", "d"},
        {"{function: map, mapping_dict: {a: one}}", "x", "(None)"},
        {"{function: map, mapping_dict: null, default_value: d}", "x", "d"},
        {"{function: map}, {function: uppercase}", "x", ""},
        {"{function: map}, {function: remove_whitespace}", "x", ""},
        {"{function: map}, {function: regex}", "x", "[invalid]"},
        {"{function: map, mapping_dict: {a: A}}, {function: majority_vote}", "x|y|a", "(None)"},
        {"{function: map, mapping_dict: {a: A}}, {function: majority_vote}", "x|a|a", "A"},
        {"{function: map}, {function: map, default_value: q}", "x", "q"},
        /* patterns */
        {"{function: regex}", "so #### -1,234.5", "-1,234.5"},
        {"{function: regex}", "so ### 5", "[invalid]"},
        {"{function: regex, regex_pattern: '(\\d+)', fallback: f}", "x", "f"},
        {"{function: regex, regex_pattern: '(\\d+)', fallback: f}", "1 2", "1"},
        {"{function: regex, regex_pattern: '(\\d+)', group_select: -1}", "1 2", "2"},
        {"{function: regex, regex_pattern: '=( *\\w* *)'}", "=  ab ", "ab"},
        {"{function: regex, regex_pattern: '(a)|(b)'}", "b", "b"},
        {"{function: regex, regex_pattern: 'a(b*)()'}", "a", "[invalid]"}, /* all groups empty */
        {"{function: regex, regex_pattern: 'a(b*)'}", "a", ""},
        {"{function: regex, regex_pattern: '\\d', group_select: 1}", "1",
         "f:1:2: group_select 1, where there are 1 matches"},
    };

    (void)state;
    for (int i = 0; i < LENGTH(rows); i++)
        run_is(rows[i].steps, rows[i].texts, NULL, rows[i].wanted);
    assert_int_equal(mem_live(), 0);
}

static void choices_are_found_by_pattern_text_or_letter(void **state)
{
#define MULTI "{function: multi_choice_regex, regex_pattern: '(\\([A-Z]\\))'"
    static const char *const doc = "{\"choices\":[\" the cat \",\"a dog.\",\"The Cat\"]}";
    static const struct {
        const char *steps, *texts, *doc, *wanted;
    } rows[] = {
        {MULTI "}", "(B) a dog.", doc, "(B)"},
        {MULTI "}", "it is a dog.", doc, "(B)"},
        {MULTI "}", "it is a dog, so: B", doc, "(B)"},
        {MULTI "}", "so :  C", doc, "(C)"},
        {MULTI ", fallback: f}", "so : D", doc, "f"}, /* of three */
        {MULTI "}", "THE CAT: A", doc, "(A)"}, /* with case it is not there */
        {MULTI ", ignore_case: true}", "THE CAT: B", doc, "(C)"}, /* of equals the last */
        {MULTI ", ignore_case: true, ignore_punctuation: true}", "A DOG!", doc, "(B)"},
        {MULTI ", ignore_case: true}", "A DOG!", doc, "[invalid]"},
        {MULTI ", ignore_punctuation: true}", "a do\xe2\x80\x94g", doc, "(B)"},
        {MULTI ", regexes_to_ignore: ['\\ba ', '[.]']}", "see dog here", doc, "(B)"},
        {MULTI ", regexes_to_ignore: null}", "(A)", doc, "(A)"},
        {MULTI ", group_select: -1}", "(A) (B)", doc, "(B)"},
        {MULTI "}", "x", "{\"choices\":[]}",
         "f:1:2: f:1:21: multi_choice_regex: the document has no choices"},
        {MULTI "}", "x", "{}", "f:1:2: f:1:21: the document has no list of up to 26 choices"},
    };

    (void)state;
    for (int i = 0; i < LENGTH(rows); i++)
        run_is(rows[i].steps, rows[i].texts, rows[i].doc, rows[i].wanted);
    for (int more = 0; more < 2; more++) {
        struct strbuf b = STRBUF_INIT;
        strbuf_adds(&b, "{\"choices\":[\"w\"");
        for (int i = 1; i < 26 + more; i++)
            strbuf_addf(&b, ",\"w%d\"", i);
        strbuf_adds(&b, "]}");
        run_is(MULTI "}", ": Z", strbuf_str(&b),
               more ? "f:1:2: f:1:21: the document has no list of up to 26 choices" : "(Z)");
        strbuf_release(&b);
    }
    assert_int_equal(mem_live(), 0);
}

static void escaped_signs_are_pythons(void **state)
{
    struct strbuf b = STRBUF_INIT;

    (void)state;
    filter_escape(&b, "az AZ_09/:@[`{-.\xc3\xa9");
    assert_string_equal(b.s, "az\\ AZ_09\\/\\:\\@\\[\\`\\{\\-\\.\xc3\xa9");
    strbuf_release(&b);
}

static void entities_are_brought_to_one_form(void **state)
{
    static const struct {
        const char *text, *wanted;
    } rows[] = {
        {"Person: Ann Lee", "per: ann lee"},
        {"PER: Ann, Bob", "per: ann $ per: bob"},
        {"PERSON: a $$ Location: b", "per: a $ loc: b"},
        {"organization: x$", "org: x"},
        {"date: 3 May\nperson: Eve", "date: 3 may $ per: eve"},
        {"time: noon", "date: noon"},
        {"country: a $ continent: b $ company: c $ places: d $ counties: e",
         "loc: a $ loc: b $ org: c $ loc: d $ loc: e"},
        {"people: a $ org: b $ loc: c", "per: a $ org: b $ loc: c"},
        {"per: none $ loc: x", "loc: x"},
        {"per: None, y", "per: y"},
        {"nothing", ""},
        {"$$", ""},
    };

    (void)state;
    for (int i = 0; i < LENGTH(rows); i++)
        run_is("{function: format_span}", rows[i].text, NULL, rows[i].wanted);
    assert_int_equal(mem_live(), 0);
}

/* --- functions of lm-eval's BIG-Bench Hard --------------------------------------------------- */

/* The filter of that name, told `options`, on one text; wanted: the answer or the error. */
static void function_gives(const char *name, const char *options, const char *doc, const char *text,
                           const char *wanted)
{
    struct arena arena = ARENA_INIT;
    struct filter_step s = {.node = yaml_of(&arena, options)};
    struct answers a = {.v = mem_calloc(1, sizeof *a.v), .n = 1};
    cJSON *j = json_parse(doc, strlen(doc), "doc", NULL);
    struct err e = ERR_NONE;
    const char *got;
    int rc = 0;

    for (size_t i = 0; i < n_filter_functions; i++)
        if (strcmp(filter_functions[i].kind->name, name) == 0)
            s.kind = filter_functions[i].kind;
    assert_non_null(s.kind);
    assert_non_null(j);
    a.v[0] = text ? mem_strdup(text) : NULL;
    if (s.kind->read)
        rc = s.kind->read(&s, &arena, &e);
    if (rc == 0)
        rc = s.kind->apply(&s, &a, j, &e);
    got = rc < 0 ? e.text : a.v[0];
    assert_non_null(got);
    if (strcmp(got, wanted) != 0)
        fail_msg("%s of '%s': '%s', expected '%s'", name, text, got, wanted);
    mem_free(a.v[0]);
    mem_free(a.v);
    json_free(j);
    pyregex_close(s.regex);
    pyregex_close(s.find);
    for (int i = 0; i < s.n_ignore + s.n_map; i++)
        pyregex_close(s.ignore[i]);
    arena_release(&arena);
}

static void patterns_have_values(void **state)
{
#define MAP "function: x\nregex_pattern_to_value: "
    static const char *const needed = "f:1:1: regex_pattern_to_value: a map of 1 to 64 patterns is "
                                      "needed";
    static const char *const map = MAP "{'\\b(no|not so)\\b': N, '\\b(yes)\\b': Y, z: Z}\n";

    (void)state;
    function_gives("MapRegexFilter", map, "{}", "yes, no", "Y"); /* what is found first */
    function_gives("MapRegexFilter", map, "{}", "not so", "N");
    function_gives("MapRegexFilter", map, "{}", "NO", "[invalid]");
    function_gives("MapRegexFilter", map, "{}", "z", "[invalid]"); /* none of the groups */
    function_gives("MapRegexFilter", map, "{}", NULL, "[invalid]");
    function_gives("MapRegexFilter", MAP "{'no': N, 'yes': Y}\nignore_case: true\n"
                   "group_select: -1\n"
                   "fallback: f\nregexes_to_ignore: ['e', '-']\n", "{}", "Ye-s", "f");
    function_gives("MapRegexFilter", MAP "{'no': N, 'ys': Y}\nignore_case: true\ngroup_select: -1\n"
                   "regexes_to_ignore: ['e', '-']\n", "{}", "No, YE-S yes", "Y");
    function_gives("MapRegexFilter", "function: x\n", "{}", "no", needed);
    function_gives("MapRegexFilter", MAP "[a]\n", "{}", "no", needed);
    function_gives("MapRegexFilter", MAP "{}\n", "{}", "no", needed);
    function_gives("MapRegexFilter", MAP "{1: a}\n", "{}", "no", "f:2:26: a pattern is a text");
    for (int more = 0; more < 2; more++) {
        struct strbuf b = STRBUF_INIT;
        strbuf_adds(&b, MAP "{");
        for (int i = 0; i < 64 + more; i++)
            strbuf_addf(&b, "%sp%02dq: %d", i ? ", " : "", i, i);
        strbuf_adds(&b, "}\n");
        function_gives("MapRegexFilter", strbuf_str(&b), "{}", "p63q", more ? needed : "63");
        strbuf_release(&b);
    }
    assert_int_equal(mem_live(), 0);
}

static void words_are_sorted_by_their_last_places(void **state)
{
    static const char *const doc = "{\"input\":\"Sort. List: cat  ant\\tbee\"}";

    (void)state;
    function_gives("WordSortFilter", "function: x\n", doc, "bee cat ant bee", "cat ant bee");
    function_gives("WordSortFilter", "function: x\n", doc, "ants Cat", "");
    function_gives("WordSortFilter", "function: x\n", doc, NULL, "");
    function_gives("WordSortFilter", "function: x\n",
                   "{\"input\":\"List: a b List: c\"}", "c b a", "b a");
    function_gives("WordSortFilter", "function: x\n", "{\"input\":\"List:List: a\"}", "a", "");
    function_gives("WordSortFilter", "function: x\n", "{\"input\":\"List:ab c\"}", "c ab", "c ab");
    function_gives("WordSortFilter", "function: x\n", "{\"input\":\"none\"}", "a",
                   "f:1:1: the document's 'input' has no list");
    function_gives("WordSortFilter", "function: x\n", "{}", "a",
                   "f:1:1: the document's 'input' has no list");
    assert_int_equal(mem_live(), 0);
}

static void choices_stand_in_the_question(void **state)
{
    static const char *const doc = "{\"input\":\"Q\\nOptions:\\n(A) the cat\\n(B) dog ^ x\"}";
    static const char *const options = "function: x\nregex_pattern: '(\\([A-Z]\\))'\n";
    struct strbuf b = STRBUF_INIT;

    (void)state;
    function_gives("MultiChoiceRegexFilter", options, doc, "say (B)", "(B)");
    function_gives("MultiChoiceRegexFilter", options, doc, "the cat", "(A)");
    function_gives("MultiChoiceRegexFilter", options, doc, "so: B", "(B)");
    function_gives("MultiChoiceRegexFilter", options, doc, "so: C", "[invalid]");
    function_gives("MultiChoiceRegexFilter", options, "{\"input\":\"none\"}", "x: A", "[invalid]");
    function_gives("MultiChoiceRegexFilter", options, "{}", "x: A",
                   "f:1:1: the document has no text 'input'");
    function_gives("MultiChoiceRegexFilter", "function: x\nregexes_to_ignore: x\n", doc, "(B)",
                   "f:2:20: regexes_to_ignore: a list of up to 32 patterns");
    for (int more = 0; more < 2; more++) {
        strbuf_clear(&b);
        strbuf_adds(&b, "{\"input\":\"");
        for (int i = 0; i < 26 + more; i++)
            strbuf_addf(&b, "(%c) w%02d\\n", 'A' + i % 26, i);
        strbuf_adds(&b, "\"}");
        function_gives("MultiChoiceRegexFilter", options, strbuf_str(&b), "w25",
                       more ? "f:1:1: the document has no list of up to 26 choices" : "(Z)");
    }
    strbuf_release(&b);
    assert_int_equal(mem_live(), 0);
}

/* --- what is refused ------------------------------------------------------------------------- */

static void what_a_filter_list_may_not_say(void **state)
{
#define ONE(step) "[{name: n, filter: [" step "]}]"
    static const struct {
        const char *yaml, *error, *hint;
    } rows[] = {
        {"{name: n}", "f:1:1: filter_list: a list of 1 to 32 pipelines", ""},
        {"[]", "f:1:1: filter_list: a list of 1 to 32 pipelines", ""},
        {"[{filter: []}]", "f:1:2: filter_list: a pipeline needs a 'name'", ""},
        {"[{name: [n], filter: []}]", "f:1:2: filter_list: a pipeline needs a 'name'", ""},
        {"[{name: n}]", "f:1:2: filter_list: 'filter' is a list of up to 32 steps", ""},
        {"[{name: n, filter: x}]", "f:1:2: filter_list: 'filter' is a list of up to 32 steps", ""},
        {ONE("{regex: x}"), "f:1:21: filter: 'function' names a filter", ""},
        {ONE("{function: [x]}"), "f:1:21: filter: 'function' names a filter", ""},
        {ONE("{function: take_frst}"), "f:1:32: no filter is called 'take_frst'",
         "did you mean 'take_first'?"},
        {ONE("{function: zzzzzzzzzz}"), "f:1:32: no filter is called 'zzzzzzzzzz'", ""},
        {ONE("{function: take_first, k: 1}"), "f:1:44: the filter 'take_first' has no option 'k'",
         ""},
        {ONE("{function: take_first_k}"), "f:1:21: take_first_k: k is missing", ""},
        {ONE("{function: take_first_k, k: 0}"), "f:1:21: take_first_k: k is missing", ""},
        {ONE("{function: take_first_k, k: x}"), "f:1:49: k: a whole number is needed", ""},
        {ONE("{function: take_first_k, k: 100001}"), "f:1:49: k: a whole number is needed", ""},
        {ONE("{function: regex, group_select: -100001}"),
         "f:1:53: group_select: a whole number is needed", ""},
        {ONE("{function: regex, group_select: 1.5}"),
         "f:1:53: group_select: a whole number is needed", ""},
        {ONE("{function: regex, fallback: [x]}"), "f:1:49: fallback: a text is needed", ""},
        {ONE("{function: regex, regex_pattern: [x]}"), "f:1:54: a pattern is a text", ""},
        {ONE("{function: regex, regex_pattern: 5}"), "f:1:54: a pattern is a text", ""},
        {ONE("{function: regex, regex_pattern: '('}"), "f:1:54: ", ""},
        {ONE("{function: map, mapping_dict: [x]}"), "f:1:51: mapping_dict: a map is needed", ""},
        {ONE("{function: multi_choice_regex, regexes_to_ignore: x}"),
         "f:1:71: regexes_to_ignore: a list of up to 32 patterns", ""},
        {ONE("{function: multi_choice_regex, regexes_to_ignore: [x, 5]}"),
         "f:1:75: a pattern is a text", ""},
        {"[{name: a, filter: [{function: regex}]}, {name: b, filter: [{function: regex, fallback: "
         "[]}]}]", "f:1:89: fallback: a text is needed", ""},
    };
    struct pipelines p;
    struct arena a;
    struct err e;

    (void)state;
    for (int i = 0; i < LENGTH(rows); i++) {
        assert_int_equal(pipelines_of(&p, &a, rows[i].yaml, &e), -1);
        refused_as(&e, rows[i].yaml, rows[i].error, rows[i].hint);
        arena_release(&a);
        assert_int_equal(mem_live(), 0);
    }
}

static void filter_lists_are_bounded(void **state)
{
    static const struct {
        const char *open, *one, *close;
    } rows[] = {
        {"", "{name: n, filter: []}", ""},
        {"{name: n, filter: [", "{function: regex}", "]}"},
        {"{name: n, filter: [{function: multi_choice_regex, regexes_to_ignore: [", "x", "]}]}"},
    };
    struct pipelines p;
    struct arena a;
    struct err e;

    (void)state;
    for (int i = 0; i < LENGTH(rows); i++)
        for (int more = 0; more < 2; more++) {
            struct strbuf b = STRBUF_INIT;
            yaml_repeat(&b, rows[i].open, rows[i].one, rows[i].close, 32 + more);
            assert_int_equal(pipelines_of(&p, &a, strbuf_str(&b), &e), -more);
            if (!more)
                assert_true(i == 0 ? p.n == 32 : i == 1 ? p.v[0].n_steps == 32
                                                        : p.v[0].steps[0].n_ignore == 32);
            pipelines_release(&p);
            arena_release(&a);
            strbuf_release(&b);
        }
    assert_int_equal(mem_live(), 0);
}

static void what_cannot_be_run_is_kept_as_missing(void **state)
{
    static const char *const names[] = {"regex_pos", "custom", "decontaminate"};
    struct pipelines p;
    struct arena a;
    struct err e;
    char yaml[120];

    (void)state;
    for (int i = 0; i < 3; i++) {
        snprintf(yaml, sizeof yaml, ONE("{function: %s, any: option}, {function: custom}"),
                 names[i]);
        assert_int_equal(pipelines_of(&p, &a, yaml, &e), 0);
        assert_true(ynode_is(p.missing, names[i]));
        pipelines_release(&p);
        arena_release(&a);
    }
    assert_int_equal(pipelines_of(&p, &a, NULL, &e), 0);
    assert_true(p.n == 1 && p.v[0].n_steps == 1 && !p.missing && !p.v[0].node);
    assert_string_equal(p.v[0].name, "none");
    assert_string_equal(p.v[0].steps[0].kind->name, "take_first");
    pipelines_release(&p);
    arena_release(&a);
    assert_int_equal(pipelines_of(&p, &a, ONE("{function: regex, group_select: -100000}, "
                                              "{function: take_first_k, k: 100000}"), &e), 0);
    assert_true(p.v[0].steps[0].select == -100000 && p.v[0].steps[1].k == 100000);
    pipelines_release(&p);
    arena_release(&a);
}

static void a_filter_list_survives_every_failed_allocation(void **state)
{
    static const char *const filters[] = {
        "{function: regex}", "{function: lowercase}", "{function: uppercase}",
        "{function: remove_whitespace}", "{function: map, mapping_dict: {a: b}, default_value: d}",
        "{function: format_span}", "{function: take_first}, {function: take_first_k, k: 1}",
        "{function: regex, regex_pattern: '(a)', fallback: f}",
        /* NOLINTNEXTLINE(bugprone-suspicious-missing-comma): one list */
        "{function: multi_choice_regex, regexes_to_ignore: [x, y], ignore_case: true, "
        "ignore_punctuation: true}",
    };
    static const char *const texts[] = {"x per: ann, b", "two", "three"};
    struct arena file = ARENA_INIT;
    cJSON *doc = json_parse("{\"choices\":[\"two\",\"b\"]}", 23, "doc", NULL);
    const struct ynode *node;
    long before;

    (void)state;
    assert_non_null(doc);
    for (int i = 0; i < LENGTH(filters); i++) {
        char yaml[240];
        int rc = -1;
        snprintf(yaml, sizeof yaml, "[{name: n, filter: [%s, {function: majority_vote}]}]",
                 filters[i]);
        node = yaml_of(&file, yaml);
        before = mem_live();
        for (int nth = 0; rc < 0; nth++) {
            struct pipelines p = {0};
            struct arena a = ARENA_INIT;
            struct err e = ERR_NONE;
            char *out = NULL;
            mem_fail_at(nth);
            rc = pipelines_read(&p, &a, node, &e);
            if (rc == 0)
                rc = pipeline_run(&p.v[0], texts, 3, doc, &out, &e);
            mem_fail_at(-1);
            if ((int)e.code != (rc < 0 ? ERR_NOMEM : ERR_OK))
                fail_msg("%s: %s", filters[i], e.text);
            mem_free(out);
            pipelines_release(&p);
            arena_release(&a);
            assert_int_equal(mem_live(), before);
        }
    }
    json_free(doc);
    arena_release(&file);
    assert_int_equal(mem_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pipelines_cut_texts_down_to_one),
        cmocka_unit_test(choices_are_found_by_pattern_text_or_letter),
        cmocka_unit_test(escaped_signs_are_pythons),
        cmocka_unit_test(entities_are_brought_to_one_form),
        cmocka_unit_test(patterns_have_values),
        cmocka_unit_test(words_are_sorted_by_their_last_places),
        cmocka_unit_test(choices_stand_in_the_question),
        cmocka_unit_test(what_a_filter_list_may_not_say),
        cmocka_unit_test(filter_lists_are_bounded),
        cmocka_unit_test(what_cannot_be_run_is_kept_as_missing),
        cmocka_unit_test(a_filter_list_survives_every_failed_allocation),
    };

    return RUN(tests);
}
