/* metric_list and filter_list of a task file: what is taken, what is refused and where, and what
 * pipelines do to texts.  The names, options and defaults are lm-eval 0.4.11's. */
#include "tests/test.h"

#include "base/mem.h"
#include "tasks/lmeval_filter_impl.h"
#include "tasks/lmeval_metric.h"
#include "tasks/lmeval_results.h"

#define LENGTH(a) ((int)(sizeof(a) / sizeof(a)[0]))

static struct ynode *parse(struct arena *a, const char *yaml)
{
    struct ynode *root = NULL;
    struct err e = ERR_NONE;

    if (yamldoc_parse(a, yaml, strlen(yaml), "f", &root, &e) < 0)
        fail_msg("%s in\n%s", e.text, yaml);
    return root;
}

/* --- metrics ---------------------------------------------------------------------------------- */

static int metrics_of(struct metrics *m, struct arena *a, const char *yaml, enum output_type type,
                      int any, struct err *e)
{
    *a = (struct arena){NULL};
    *e = ERR_NONE;
    return metrics_read(m, a, yaml ? parse(a, yaml) : NULL, type, any, NULL, e);
}

static void without_a_list_the_type_of_output_decides(void **state)
{
    static const struct {
        enum output_type type;
        const char *names[4], *aggregations[4];
    } rows[] = {
        {OUTPUT_LIKELIHOOD, {"perplexity", "acc"}, {"perplexity", "mean"}},
        {OUTPUT_CHOICE, {"acc", "acc_norm"}, {"mean", "mean"}},
        {OUTPUT_ROLLING, {"word_perplexity", "byte_perplexity", "bits_per_byte"},
         {"weighted_perplexity", "weighted_perplexity", "bits_per_byte"}},
        {OUTPUT_GENERATE, {"exact_match"}, {"mean"}},
    };
    struct metrics m;
    struct arena a;
    struct err e;

    (void)state;
    for (int i = 0; i < LENGTH(rows); i++) {
        int n = 0;
        assert_int_equal(metrics_of(&m, &a, NULL, rows[i].type, 0, &e), 0);
        for (; n < 4 && rows[i].names[n]; n++) {
            assert_string_equal(m.v[n].rule->name, rows[i].names[n]);
            assert_string_equal(m.v[n].aggregation, rows[i].aggregations[n]);
            assert_true(metrics_find(&m, rows[i].names[n]) == &m.v[n]);
            assert_null(m.v[n].node);
        }
        assert_int_equal(m.n, n);
        assert_null(metrics_find(&m, "brier_score"));
        metrics_release(&m);
        arena_release(&a);
    }
}

static void metrics_have_their_outputs_and_aggregations(void **state)
{
    static const struct {
        const char *yaml;
        enum output_type type;
        const char *name, *aggregation; /* NULL: it cannot be counted here */
    } rows[] = {
        {"[{metric: acc}]", OUTPUT_CHOICE, "acc", "mean"},
        {"[{metric: acc, aggregation: nanmean}]", OUTPUT_LIKELIHOOD, "acc", "mean"},
        {"[{metric: acc, aggregation: null}]", OUTPUT_LIKELIHOOD, "acc", "mean"},
        {"[{metric: acc_norm, aggregation: mean}]", OUTPUT_CHOICE, "acc_norm", "mean"},
        {"[{metric: acc_bytes}]", OUTPUT_CHOICE, "acc_bytes", "mean"},
        {"[{metric: acc_mutual_info}]", OUTPUT_CHOICE, "acc_mutual_info", "mean"},
        {"[{metric: exact_match}]", OUTPUT_CHOICE, "exact_match", "mean"},
        {"[{metric: exact_match}]", OUTPUT_GENERATE, "exact_match", "mean"},
        {"[{metric: brier_score, aggregation: brier_score}]", OUTPUT_CHOICE, "brier_score", "mean"},
        {"[{metric: f1, aggregation: f1}]", OUTPUT_CHOICE, "f1", "f1"},
        {"[{metric: mcc, aggregation: matthews_corrcoef}]", OUTPUT_CHOICE, "mcc", "mcc"},
        {"[{metric: perplexity, aggregation: perplexity}]", OUTPUT_LIKELIHOOD, "perplexity",
         "perplexity"},
        {"[{metric: word_perplexity, aggregation: weighted_perplexity}]", OUTPUT_ROLLING,
         "word_perplexity", "weighted_perplexity"},
        {"[{metric: byte_perplexity}]", OUTPUT_ROLLING, "byte_perplexity", "weighted_perplexity"},
        {"[{metric: bits_per_byte, aggregation: bits_per_byte}]", OUTPUT_ROLLING, "bits_per_byte",
         "bits_per_byte"},
        {"[{metric: bleu, aggregation: bleu}]", OUTPUT_GENERATE, "bleu", "bleu"},
        {"[{metric: chrf, aggregation: chrf}]", OUTPUT_GENERATE, "chrf", "chrf"},
        {"[{metric: ter, aggregation: ter}]", OUTPUT_GENERATE, "ter", "ter"},
        {"[{metric: acc}]", OUTPUT_GENERATE, NULL, NULL}, /* nothing of a text */
        {"[{metric: f1}]", OUTPUT_GENERATE, NULL, NULL},
        {"[{metric: likelihood}]", OUTPUT_CHOICE, NULL, NULL}, /* lm-eval has no way to one number */
    };
    struct metrics m;
    struct arena a;
    struct err e;

    (void)state;
    for (int i = 0; i < LENGTH(rows); i++) {
        if (metrics_of(&m, &a, rows[i].yaml, rows[i].type, 0, &e) < 0)
            fail_msg("%s: %s", rows[i].yaml, e.text);
        assert_int_equal(m.n, rows[i].name != NULL);
        assert_int_equal(m.missing != NULL, !rows[i].name);
        assert_null(m.left_out);
        if (rows[i].name) {
            assert_string_equal(m.v[0].rule->name, rows[i].name);
            assert_string_equal(m.v[0].aggregation, rows[i].aggregation);
            assert_non_null(m.v[0].node);
        }
        metrics_release(&m);
        arena_release(&a);
    }
}

static void what_a_metric_may_not_say(void **state)
{
    static const struct {
        const char *yaml;
        enum output_type type;
        enum err_code code;
        const char *error, *hint;
    } rows[] = {
        {"{metric: acc}", OUTPUT_CHOICE, ERR_FORMAT, "f:1:1: metric_list: a list of up to 16", ""},
        {"[{aggregation: mean}]", OUTPUT_CHOICE, ERR_FORMAT,
         "f:1:2: metric_list: 'metric' is missing", ""},
        {"[{metric: acc_nrm}]", OUTPUT_CHOICE, ERR_UNSUPPORTED,
         "f:1:11: the metric 'acc_nrm' is not native here", "did you mean 'acc_norm'?"},
        {"[{metric: zzzzzzzzzzzz}]", OUTPUT_CHOICE, ERR_UNSUPPORTED, "f:1:11: the metric", ""},
        {"[{metric: acc, aggregation: median}]", OUTPUT_CHOICE, ERR_UNSUPPORTED,
         "f:1:29: aggregation 'median' of the metric 'acc' is not native here", ""},
        {"[{metric: acc, aggregation: perplexity}]", OUTPUT_CHOICE, ERR_UNSUPPORTED,
         "f:1:29: aggregation 'perplexity'", ""},
        {"[{metric: acc, aggregation: [mean]}]", OUTPUT_CHOICE, ERR_UNSUPPORTED,
         "f:1:29: aggregation '' of", ""},
        {"[{metric: bleu, hf_evaluate: true}]", OUTPUT_GENERATE, ERR_UNSUPPORTED,
         "f:1:30: hf_evaluate: 'bleu' of the evaluate library", ""},
        {"[{metric: exact_match, regexes_to_ignore: x}]", OUTPUT_GENERATE, ERR_FORMAT,
         "f:1:43: regexes_to_ignore: a list of up to 32 patterns", ""},
        {"[{metric: exact_match, regexes_to_ignore: [a, [b]]}]", OUTPUT_GENERATE, ERR_FORMAT,
         "f:1:47: a pattern is a text", ""},
        {"[{metric: exact_match, regexes_to_ignore: [a, '(']}]", OUTPUT_GENERATE, ERR_FORMAT,
         "f:1:47: ", ""},
    };
    struct metrics m;
    struct arena a;
    struct err e;

    (void)state;
    for (int i = 0; i < LENGTH(rows); i++) {
        assert_int_equal(metrics_of(&m, &a, rows[i].yaml, rows[i].type, 0, &e), -1);
        if (strncmp(e.text, rows[i].error, strlen(rows[i].error)) != 0 || e.code != rows[i].code)
            fail_msg("%s: '%s', expected '%s'", rows[i].yaml, e.text, rows[i].error);
        assert_string_equal(e.hint, rows[i].hint);
        arena_release(&a);
    }
    assert_int_equal(mem_live(), 0);
}

static void lists_are_bounded(void **state)
{
    static const struct {
        const char *open, *one, *close;
        int most;
    } rows[] = {
        {"", "{metric: acc}", "", 16},
        {"{metric: exact_match, regexes_to_ignore: [", "a", "]}", 32},
    };
    struct metrics m;
    struct arena a;
    struct err e;

    (void)state;
    for (int i = 0; i < LENGTH(rows); i++)
        for (int more = 0; more < 2; more++) {
            struct strbuf b = STRBUF_INIT;
            strbuf_addf(&b, "[%s", rows[i].open);
            for (int k = 0; k < rows[i].most + more; k++)
                strbuf_addf(&b, "%s%s", k ? "," : "", rows[i].one);
            strbuf_addf(&b, "%s]", rows[i].close);
            assert_int_equal(metrics_of(&m, &a, strbuf_str(&b), OUTPUT_CHOICE, 0, &e), -more);
            if (!more && i == 1)
                assert_int_equal(m.v[0].n_ignore, 32);
            metrics_release(&m);
            arena_release(&a);
            strbuf_release(&b);
        }
    assert_int_equal(mem_live(), 0);
}

static void options_are_flags_by_pythons_truth(void **state)
{
    static const struct {
        const char *value;
        int on;
    } rows[] = {{"true", 1}, {"false", 0}, {"0", 0}, {"2", 1}, {"'x'", 1}, {"''", 0}, {"null", 0},
                {"'0'", 1}, {"0.5", 1}};
    static const char *const names[] = {"ignore_case", "ignore_punctuation", "ignore_numbers"};
    struct metrics m;
    struct arena a;
    struct err e;
    char yaml[120];

    (void)state;
    for (int i = 0; i < LENGTH(rows); i++)
        for (int k = 0; k < 3; k++) {
            snprintf(yaml, sizeof yaml, "[{metric: exact_match, hf_evaluate: true, %s: %s, "
                     "regexes_to_ignore: null}]", names[k], rows[i].value);
            assert_int_equal(metrics_of(&m, &a, yaml, OUTPUT_GENERATE, 0, &e), 0);
            assert_int_equal(m.v[0].ignore_case, k == 0 && rows[i].on);
            assert_int_equal(m.v[0].ignore_punctuation, k == 1 && rows[i].on);
            assert_int_equal(m.v[0].ignore_numbers, k == 2 && rows[i].on);
            assert_int_equal(m.v[0].n_ignore, 0);
            metrics_release(&m);
            arena_release(&a);
        }
}

static void some_metrics_give_nothing(void **state)
{
    struct metrics m;
    struct arena a;
    struct err e;

    (void)state;
    assert_int_equal(metrics_of(&m, &a, "[{metric: bypass}, {metric: acc}, {metric: mcc}]",
                                OUTPUT_CHOICE, 0, &e), 0);
    assert_int_equal(m.n, 2);
    assert_string_equal(m.v[1].rule->name, "mcc");
    arena_release(&a);
    /* of a task with a process_results of its own a metric may be called anything */
    assert_int_equal(metrics_of(&m, &a, "[{metric: mine, aggregation: mean}, {metric: his}]",
                                OUTPUT_GENERATE, 1, &e), 0);
    assert_true(m.n == 0 && ynode_is(m.missing, "mine"));
    arena_release(&a);
    assert_int_equal(metrics_of(&m, &a, "[{metric: likelihood, aggregation: mean}]", OUTPUT_CHOICE,
                                1, &e), 0);
    assert_true(m.n == 0 && ynode_is(m.missing, "mean")); /* the way to one number is missing */
    arena_release(&a);
}

static void the_metrics_of_a_known_way_are_its_own(void **state)
{
    static const struct result_way way = {
        .name = "w", .metrics = {{"a", OUTPUT_GENERATE, "mean"}, {"b", 0, "mean"},
                                 {"c", OUTPUT_GENERATE, "mean"}}};
    struct arena a = {NULL};
    struct err e = ERR_NONE;
    struct metrics m;

    (void)state;
    assert_int_equal(metrics_read(&m, &a, parse(&a, "[{metric: c}, {metric: b}, {metric: a}]"),
                                  OUTPUT_GENERATE, 1, &way, &e), 0);
    assert_int_equal(m.n, 2);
    assert_string_equal(m.v[0].rule->name, "c");
    assert_string_equal(m.v[1].rule->name, "a");
    assert_true(ynode_is(m.left_out, "b") && !m.missing);
    assert_int_equal(metrics_read(&m, &a, parse(&a, "[{metric: acc}, {metric: a}]"),
                                  OUTPUT_GENERATE, 0, &way, &e), 0);
    assert_true(m.n == 1 && ynode_is(m.missing, "acc"));
    arena_release(&a);
}

static void two_texts_are_the_same_under_the_options(void **state)
{
    static const struct {
        const char *options, *got, *want;
        int same;
    } rows[] = {
        {"", "a", "a", 1}, {"", "a", "A", 0}, {"", "a", "ab", 0}, {"", "ab", "a", 0},
        {", ignore_case: true", "\xc3\x89", "\xc3\xa9", 1},
        {", ignore_case: true", "a1", "A", 0},
        {", ignore_punctuation: true", "a.b!", "ab", 1}, {", ignore_punctuation: true", "a1", "a", 0},
        {", ignore_numbers: true", "a0b9c", "abc", 1}, {", ignore_numbers: true", "a/:", "a", 0},
        {", ignore_numbers: true", "a.", "a", 0},
        {", regexes_to_ignore: ['b+', 'ac']", "abbc1", "1", 1},
        {", regexes_to_ignore: ['ac', 'b+']", "abbc1", "1", 0},
        {", regexes_to_ignore: ['A'], ignore_case: true", "Ab", "aB", 0}, /* patterns come first */
        {", regexes_to_ignore: ['A'], ignore_case: true", "Ab", "B", 1},
        {", ignore_case: true, ignore_numbers: true, ignore_punctuation: true", "A.1b", "aB", 1},
    };

    (void)state;
    for (int i = 0; i < LENGTH(rows); i++) {
        struct metrics m;
        struct arena a;
        struct err e;
        char yaml[200];
        snprintf(yaml, sizeof yaml, "[{metric: exact_match%s}]", rows[i].options);
        assert_int_equal(metrics_of(&m, &a, yaml, OUTPUT_GENERATE, 0, &e), 0);
        if (metric_same(&m.v[0], rows[i].got, rows[i].want, &e) != rows[i].same)
            fail_msg("%s: '%s', '%s': not %d", rows[i].options, rows[i].got, rows[i].want,
                     rows[i].same);
        metrics_release(&m);
        arena_release(&a);
    }
    assert_int_equal(mem_live(), 0);
}

/* --- filters ---------------------------------------------------------------------------------- */

static int pipelines_of(struct pipelines *p, struct arena *a, const char *yaml, struct err *e)
{
    *a = (struct arena){NULL};
    *e = ERR_NONE;
    return pipelines_read(p, a, yaml ? parse(a, yaml) : NULL, e);
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
        {"{function: take_first}, {function: take_first_k, k: 4}, {function: majority_vote}", "xyyz",
         "y"},
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
        if (strncmp(e.text, rows[i].error, strlen(rows[i].error)) != 0)
            fail_msg("%s: '%s', expected '%s'", rows[i].yaml, e.text, rows[i].error);
        assert_string_equal(e.hint, rows[i].hint);
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
            strbuf_addf(&b, "[%s", rows[i].open);
            for (int k = 0; k < 32 + more; k++)
                strbuf_addf(&b, "%s%s", k ? "," : "", rows[i].one);
            strbuf_addf(&b, "%s]", rows[i].close);
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

static void lists_survive_every_failed_allocation(void **state)
{
    static const char *const filters[] = {
        "{function: regex}", "{function: lowercase}", "{function: uppercase}",
        "{function: remove_whitespace}", "{function: map, mapping_dict: {a: b}, default_value: d}",
        "{function: format_span}", "{function: take_first}, {function: take_first_k, k: 1}",
        "{function: regex, regex_pattern: '(a)', fallback: f}",
        "{function: multi_choice_regex, regexes_to_ignore: [x, y], ignore_case: true, "
        "ignore_punctuation: true}",
    };
    static const char *const texts[] = {"x per: ann, b", "two", "three"};
    static const char *const metrics = "[{metric: exact_match, ignore_case: true, ignore_numbers: "
                                       "true, ignore_punctuation: true, regexes_to_ignore: [x, y]}]";
    struct arena file = {NULL};
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
        node = parse(&file, yaml);
        before = mem_live();
        for (int nth = 0; rc < 0; nth++) {
            struct pipelines p = {0};
            struct arena a = {NULL};
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
    for (int k = 0, rc = -1; k < 2; k++, rc = -1) {
        node = k ? parse(&file, metrics) : NULL;
        before = mem_live();
        for (int nth = 0; rc < 0; nth++) {
            struct metrics m = {0};
            struct arena a = {NULL};
            struct err e = ERR_NONE;
            mem_fail_at(nth);
            rc = metrics_read(&m, &a, node, OUTPUT_GENERATE, 0, NULL, &e);
            if (rc == 0)
                rc = metric_same(&m.v[0], "aX1.", "A", &e) < 0 ? -1 : 0;
            mem_fail_at(-1);
            assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
            metrics_release(&m);
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
        cmocka_unit_test(without_a_list_the_type_of_output_decides),
        cmocka_unit_test(metrics_have_their_outputs_and_aggregations),
        cmocka_unit_test(what_a_metric_may_not_say),
        cmocka_unit_test(lists_are_bounded),
        cmocka_unit_test(options_are_flags_by_pythons_truth),
        cmocka_unit_test(some_metrics_give_nothing),
        cmocka_unit_test(the_metrics_of_a_known_way_are_its_own),
        cmocka_unit_test(two_texts_are_the_same_under_the_options),
        cmocka_unit_test(pipelines_cut_texts_down_to_one),
        cmocka_unit_test(choices_are_found_by_pattern_text_or_letter),
        cmocka_unit_test(escaped_signs_are_pythons),
        cmocka_unit_test(entities_are_brought_to_one_form),
        cmocka_unit_test(what_a_filter_list_may_not_say),
        cmocka_unit_test(filter_lists_are_bounded),
        cmocka_unit_test(what_cannot_be_run_is_kept_as_missing),
        cmocka_unit_test(lists_survive_every_failed_allocation),
    };

    return RUN(tests);
}
