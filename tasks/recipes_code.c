/* recipes_code.c -- programs to be written: how lm-eval asks for them, and what it stops at. */
#include "tasks/code.h"
#include "tasks/exemplars.h"
#include "tasks/format.h"
#include "tasks/load.h"
#include "tasks/recipes.h"
#include "tasks/record.h"

#define LENGTH(a) ((int)(sizeof(a) / sizeof(a)[0]))

/* The test is a function that is to be called on the candidate. */
static void read_humaneval(struct record *r)
{
    r->doc->text = record_text(r, "%s", record_field(r, "prompt"));
    record_target(r, record_text(r, "%s\ncheck(%s)", record_field(r, "test"),
                                 record_field(r, "entry_point")));
}

/* Three assertions; an example shows its code instead.  The file of the paper calls them "text" and
 * "test_list". */
static void read_mbpp(struct record *r)
{
    const char *tests[ANSWERS_MAX] = {"", "", ""};
    const char *text = record_field(r, json_get(r->json, "text") ? "text" : "prompt");

    if (record_strings(r, r->json, json_get(r->json, "test_list") ? "test_list" : "test", tests,
                       ANSWERS_MAX) < 3)
        record_fail(r, "fewer than 3 tests");
    r->doc->text = record_text(r,
                               "You are an expert Python programmer, and here is your task: %s "
                               "Your code should pass these tests:\n\n%s\n%s\n%s\n[BEGIN]\n",
                               text, tests[0], tests[1], tests[2]);
    record_target(r, json_bool(r->json, "is_fewshot", 0)
                         ? record_text(r, "%s\n[DONE]", record_field(r, "code"))
                         : record_text(r, "%s\n%s\n%s", tests[0], tests[1], tests[2]));
}

static const char *const humaneval_stops[] = {"\nclass", "\ndef", "\n#", "\nif", "\nprint"};
static const char *const mbpp_stops[] = {"[DONE]"};

static const struct code_rules completed = {
    .filter = "create_test", .with_prompt = 1, .metrics = {"pass@1"}, .k = {1},
};
static const struct code_rules completed_64 = {
    .filter = "create_test", .with_prompt = 1,
    .metrics = {"pass@2", "pass@8", "pass@16", "pass@32", "pass@64"}, .k = {2, 8, 16, 32, 64},
};
static const struct code_rules written = {
    .filter = "none", .metrics = {"pass_at_1"}, .k = {1},
};

const struct recipe recipe_humaneval = {
    .format = &format_code, .load = load_jsonl, .read = read_humaneval, .target_delimiter = " ",
    .shot_delimiter = "\n\n", .until = humaneval_stops, .n_until = LENGTH(humaneval_stops),
    .max_tokens = 1024, .code = &completed,
};
const struct recipe recipe_humaneval_64 = {
    .format = &format_code, .load = load_jsonl, .read = read_humaneval, .target_delimiter = " ",
    .shot_delimiter = "\n\n", .until = humaneval_stops, .n_until = LENGTH(humaneval_stops),
    .max_tokens = 1024, .repeats = 64, .temperature = 0.2, .top_p = 0.95, .code = &completed_64,
};
const struct recipe recipe_mbpp = {
    .format = &format_code, .load = load_jsonl, .read = read_mbpp, .target_delimiter = "",
    .shot_delimiter = "\n\n", .shots = SHOTS_FIRST, .exemplars = mbpp_exemplars,
    .until = mbpp_stops, .n_until = LENGTH(mbpp_stops), .max_tokens = 256, .code = &written,
};
