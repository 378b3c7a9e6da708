/* The second Open LLM Leaderboard: what its tasks ask is what lm-eval (0.4.11) asks, and what becomes
 * of their scores is what the leaderboard published of them. */
#include "tests/test.h"

#include "base/mem.h"
#include "base/sha256.h"
#include "harness/preset_score.h"
#include "tasks/task.h"
#include "tests/data_folder.h"
#include "tests/lmeval_cases.h"

static const char *const bbh[] = {
    "boolean_expressions", "causal_judgement", "date_understanding", "disambiguation_qa",
    "formal_fallacies", "geometric_shapes", "hyperbaton", "logical_deduction_five_objects",
    "logical_deduction_seven_objects", "logical_deduction_three_objects", "movie_recommendation",
    "navigate", "object_counting", "penguins_in_a_table", "reasoning_about_colored_objects",
    "ruin_names", "salient_translation_error_detection", "snarks", "sports_understanding",
    "temporal_sequences", "tracking_shuffled_objects_five_objects",
    "tracking_shuffled_objects_seven_objects", "tracking_shuffled_objects_three_objects",
    "web_of_lies",
};
#define LENGTH(a) ((int)(sizeof(a) / sizeof(a)[0]))

/* Of every request "CONTEXT \x1f CONTINUATION \x1e": SHA-256 of lm-eval's over the first four
 * documents of the 24 tasks. */
static void big_bench_hard_is_asked_as_lm_eval_asks_it(void **state)
{
    const char *data = shared_path("data");
    struct task_opts o = {.data_dirs = &data, .n_data_dirs = 1, .shots = -1, .seed = 1234};
    struct strbuf all = STRBUF_INIT;
    char hex[SHA256_HEX];
    (void)state;
    for (int i = 0; i < LENGTH(bbh); i++) {
        struct task *t;
        char name[80];
        snprintf(name, sizeof name, "leaderboard_bbh_%s", bbh[i]);
        assert_int_equal(task_open(&t, name, &o, NULL), 0);
        assert_int_equal(task_shots(t), 3);
        for (int k = 0; k < 4; k++) {
            struct item it;
            assert_int_equal(task_item(t, k, &it, NULL), 0);
            for (int q = 0; q < it.n_queries; q++)
                strbuf_addf(&all, "%s\x1f%s\x1e", it.queries[q].context, it.queries[q].continuation);
            item_release(&it);
        }
        task_close(t);
    }
    assert_int_equal(sha256_bytes(hex, all.s, all.len, NULL), 0);
    assert_string_equal(hex, "406d44aeb0a4cb9279a2600fa00eee858d6a19a93303427210bdac6ee720004f");
    strbuf_release(&all);
    assert_int_equal(mem_live(), 0);
}

/* --- made documents ------------------------------------------------------------------------- */

static const struct task_opts here = {.data_dirs = data_folders, .n_data_dirs = 1, .shots = -1,
                                      .seed = 1234};

static void expect(const char *task, int doc, const char *context, int n, const char *last,
                   int gold)
{
    struct err e = ERR_NONE;
    struct task *t;
    struct item it;

    if (task_open(&t, task, &here, &e) < 0)
        fail_msg("%s", e.text);
    assert_int_equal(task_item(t, doc, &it, NULL), 0);
    assert_string_equal(it.queries[0].context, context);
    assert_int_equal(it.n_queries, n);
    assert_string_equal(it.queries[n - 1].continuation, last);
    assert_int_equal(it.gold_index, gold);
    item_release(&it);
    task_close(t);
}

static void gpqa_is_shuffled_and_musr_is_listed_as_lm_eval_does_it(void **state)
{
    (void)state;
    data_put("gpqa/gpqa_main.jsonl",
        "{\"Question\":\"sat sat words cat $x^2$ [a]  the of and [a]?\",\"Incorrect Answer 1\":"
        "\"frac [title] sat [x] 1\",\"Incorrect Answer 2\":\" 中文 the the 2 \",\"Incorrect Answer 3\":"
        "\"mat $x^2$ [title] 3\",\"Correct Answer\":\"sat with [a]  4\"}\n"
        "{\"Question\":\"中文 and  [a]?\",\"Incorrect Answer 1\":\"中文 é 中文 [x] 1\","
        "\"Incorrect Answer 2\":\" of kinds 2 \",\"Incorrect Answer 3\":\"[title] [a] [title] 3\","
        "\"Correct Answer\":\"with the kinds  4\"}\n");
    expect("leaderboard_gpqa_main", 0,
           "What is the correct answer to this question:sat sat words cat $x^2$ [a]  the of and [a]?"
           "\nChoices:\n(A) mat $x^2$. 3\n(B) frac. sat 1\n(C) 中文 the the 2\n(D) sat with  4\nAnswer: ",
           4, " (D)", 3);
    expect("leaderboard_gpqa_main", 1,
           "What is the correct answer to this question:中文 and  [a]?\nChoices:\n(A) 中文 é 中文 1\n"
           "(B) of kinds 2\n(C) with the kinds 4\n(D)  . 3\nAnswer: ", 4, " (D)", 2);
    data_put("musr/team_allocation.jsonl",
        "{\"narrative\":\"中文 the mat\\n\\ncat words\",\"question\":\"with  é?\",\"choices\":"
        "\"['$x^2$ with the0', '[title] many $x^2$1', \\\"it's 2\\\"]\",\"answer_index\":1,"
        "\"answer_choice\":\"[title] many $x^2$1\"}\n");
    expect("leaderboard_musr_team_allocation", 0,
           "中文 the mat\n\ncat words\n\nwith  é?\n\n1 - $x^2$ with the0\n2 - [title] many $x^2$1\n"
           "3 - it's 2\n\nAnswer:", 3, " it's 2", 1);
    data_put("musr/murder_mysteries.jsonl",
        "{\"narrative\":\"a\",\"question\":\"b\",\"choices\":\"['x', 1]\",\"answer_choice\":\"x\"}\n");
    struct err e = ERR_NONE;
    struct task *t = NULL;
    assert_int_equal(task_open(&t, "leaderboard_musr_murder_mysteries", &here, &e), -1);
    assert_non_null(strstr(e.text, "murder_mysteries.jsonl:1: \"choices\" has what is no text"));
    assert_int_equal(mem_live(), 0);
}

static void only_the_hardest_problems_are_asked_and_their_statement_counts(void **state)
{
    static const struct { const char *text; double right; } rows[] = {
        {" So. Final Answer: The final answer is $\\frac12$. I hope it is correct.\n\n", 1},
        {" Thus $x = \\boxed{\\frac{1}{2}}$.", 1}, {" The final answer is 1/2.", 1},
        {" It is $\\frac{1}{2}$", 1}, {" The final answer is 3. I hope it is correct.", 0},
        {"", 0},
    };
    struct task *t;
    struct item it;
    (void)state;
    data_put("math/algebra_test.jsonl",
        "{\"problem\":\"easy\",\"level\":\"Level 1\",\"solution\":\"$\\\\boxed{1}$\"}\n"
        "{\"problem\":\"hard\",\"level\":\"Level 5\",\"solution\":\"$\\\\boxed{\\\\frac{1}{2}}$\"}\n");
    assert_int_equal(task_open(&t, "leaderboard_math_algebra_hard", &here, NULL), 0);
    assert_int_equal(task_count(t), 1);
    assert_int_equal(task_shots(t), 4);
    assert_int_equal(task_item(t, 0, &it, NULL), 0);
    assert_non_null(strstr(it.queries[0].context, "I hope it is correct.\n\nProblem:\nhard\n\nSolution:"));
    assert_string_equal(it.gold, "\\frac{1}{2}");
    for (int i = 0; i < LENGTH(rows); i++) {
        struct reply_text reply = {.text = rows[i].text};
        struct verdict v;
        assert_int_equal(task_score(t, &it, &reply, &v, NULL), 0);
        if (v.credits[0].value != rows[i].right)
            fail_msg("%s: %g", rows[i].text, v.credits[0].value);
        verdict_release(&v);
    }
    item_release(&it);
    task_close(t);
    assert_int_equal(mem_live(), 0);
}

/* --- the published number ------------------------------------------------------------------- */

enum { TASKS = 40 };
static struct task_row rows[TASKS];
static struct store_value values[TASKS][2];
static char names[TASKS][80];

static void add(struct task_list *l, struct cases *c, const char *group, const char *name,
                const char *metric, const char *also)
{
    size_t i = l->n++;

    snprintf(names[i], sizeof names[i], "%s%s", group, name);
    values[i][0] = (struct store_value){metric, "none", cases_below(c, 1000) / 1000.0, 0.01, 0, 1};
    values[i][1] = (struct store_value){also, "none", 0, NAN, 0, 1};
    if (also)
        values[i][1].value = cases_below(c, 1000) / 1000.0;
    rows[i] = (struct task_row){.task = names[i], .n_scored = also ? cases_below(c, 500) + 1
                                                                  : 1 + cases_below(c, 500),
                                .values = values[i], .n_values = also ? 2 : 1};
    rows[i].n = rows[i].n_scored;
}

/* The same numbers through the leaderboard's own formulas ("Scores normalization"), in Python. */
static void scores_are_normalised_as_the_leaderboard_did(void **state)
{
    static const char *const math[] = {"algebra", "counting_and_prob", "geometry",
        "intermediate_algebra", "num_theory", "prealgebra", "precalculus"};
    static const char *const gpqa[] = {"diamond", "extended", "main"};
    static const char *const musr[] = {"murder_mysteries", "object_placements", "team_allocation"};
    static const double want[] = {0.511, 0.32068409586056645, 0.45342614678899085,
                                  0.7287741414141413, 0.36316666666666664, 0.7488888888888889};
    struct cases c = {3};
    struct task_list l = {.v = rows};
    struct preset_score s;
    (void)state;
    add(&l, &c, "ifeval", "", "prompt_level_strict_acc", "inst_level_strict_acc");
    for (int i = 0; i < LENGTH(bbh); i++)
        add(&l, &c, "leaderboard_bbh_", bbh[i], "acc_norm", NULL);
    for (int i = 0; i < LENGTH(math); i++) {
        char name[64];
        snprintf(name, sizeof name, "%s_hard", math[i]);
        add(&l, &c, "leaderboard_math_", name, "exact_match", NULL);
    }
    for (int i = 0; i < 3; i++)
        add(&l, &c, "leaderboard_gpqa_", gpqa[i], "acc_norm", NULL);
    for (int i = 0; i < 3; i++)
        add(&l, &c, "leaderboard_musr_", musr[i], "acc_norm", NULL);
    add(&l, &c, "leaderboard_mmlu_pro", "", "acc", NULL);
    assert_int_equal(preset_score(&s, preset_find("open_llm_v2", NULL), &l, NULL), 0);
    assert_int_equal(s.n_known, LENGTH(want));
    for (int i = 0; i < LENGTH(want); i++)
        assert_close(s.parts[i].score, want[i], 1e-12);
    assert_close(s.mean, 0.5209899899365423, 1e-12);
    l.n--; /* a benchmark that is missing leaves no mean */
    assert_int_equal(preset_score(&s, preset_find("open_llm_v2", NULL), &l, NULL), 0);
    assert_int_equal(s.n_known, LENGTH(want) - 1);
    assert_true(isnan(s.mean) && isnan(s.parts[5].score));
    assert_int_equal(mem_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(big_bench_hard_is_asked_as_lm_eval_asks_it),
        cmocka_unit_test(gpqa_is_shuffled_and_musr_is_listed_as_lm_eval_does_it),
        cmocka_unit_test(only_the_hardest_problems_are_asked_and_their_statement_counts),
        cmocka_unit_test(scores_are_normalised_as_the_leaderboard_did),
    };

    return cmocka_run_group_tests_name(__FILE__, tests, NULL, data_folder_gone);
}
