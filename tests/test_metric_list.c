/* metric_list of a task file: what is taken, what is refused and where, and what its options make
 * of two texts.  The names, options and defaults are lm-eval 0.4.11's. */
#include "tests/test.h"

#include "base/mem.h"
#include "tasks/lmeval_metric.h"
#include "tasks/lmeval_results.h"
#include "tests/yaml_list.h"

#define LENGTH(a) ((int)(sizeof(a) / sizeof(a)[0]))

/* --- metrics ---------------------------------------------------------------------------------- */

static int metrics_of(struct metrics *m, struct arena *a, const char *yaml, enum output_type type,
                      int any, struct err *e)
{
    *a = ARENA_INIT;
    *e = ERR_NONE;
    return metrics_read(m, a, yaml ? yaml_of(a, yaml) : NULL, type, any, NULL, e);
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
        {"[{metric: likelihood}]", OUTPUT_CHOICE, NULL, NULL}, /* no way to one number */
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
        refused_as(&e, rows[i].yaml, rows[i].error, rows[i].hint);
        assert_int_equal(e.code, rows[i].code);
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
            yaml_repeat(&b, rows[i].open, rows[i].one, rows[i].close, rows[i].most + more);
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
        .name = "w", .metrics = {{"a", OUTPUT_GENERATE, "mean"},
                                 {"c", OUTPUT_GENERATE, "mean"}}};
    struct arena a = ARENA_INIT;
    struct err e = ERR_NONE;
    struct metrics m;

    (void)state;
    assert_int_equal(metrics_read(&m, &a, yaml_of(&a, "[{metric: c}, {metric: a}]"),
                                  OUTPUT_GENERATE, 1, &way, &e), 0);
    assert_int_equal(m.n, 2);
    assert_string_equal(m.v[0].rule->name, "c");
    assert_string_equal(m.v[1].rule->name, "a");
    assert_null(m.missing);
    assert_int_equal(metrics_read(&m, &a, yaml_of(&a, "[{metric: acc}, {metric: a}]"),
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
        {", ignore_punctuation: true", "a.b!", "ab", 1},
        {", ignore_punctuation: true", "a1", "a", 0},
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

static void a_metric_list_survives_every_failed_allocation(void **state)
{
    static const char *const metrics = "[{metric: exact_match, ignore_case: true, ignore_numbers: "
                                       "true, ignore_punctuation: true, regexes_to_ignore: "
                                       "[x, y]}]";
    struct arena file = ARENA_INIT;
    const struct ynode *node;
    long before;

    (void)state;
    for (int k = 0, rc = -1; k < 2; k++, rc = -1) {
        node = k ? yaml_of(&file, metrics) : NULL;
        before = mem_live();
        for (int nth = 0; rc < 0; nth++) {
            struct metrics m = {0};
            struct arena a = ARENA_INIT;
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
        cmocka_unit_test(a_metric_list_survives_every_failed_allocation),
    };

    return RUN(tests);
}
