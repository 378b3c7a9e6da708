/* table.c -- the tasks that we know: evaluation.md section 3 as rows, and nothing else. */
#include "tasks/answer.h"
#include "tasks/answer_bbh.h"
#include "tasks/bbh.h"
#include "tasks/facts.h"
#include "tasks/world.h"
#include "tasks/format.h"
#include "tasks/load.h"
#include "tasks/math.h"
#include "tasks/read.h"
#include "tasks/recipe.h"
#include "tasks/recipes.h"
#include "tasks/scenario.h"

#define PER_CHARACTER {"acc", "acc_norm", "acc_bytes", NULL}
#define PLAIN {"acc", NULL}
#define GAP .target_delimiter = " ", .shot_delimiter = "\n\n"
#define LENGTH(a) ((int)(sizeof(a) / sizeof(a)[0]))

static const char *const mmlu_columns[] = {"question", "A", "B", "C", "D", "answer", NULL};
static const char *const gsm8k_stops[] = {"Question:", "</s>", "<|im_end|>"};
static const char *const short_stops[] = {"\n", ".", ","};

static const struct answer_rules gsm8k_answers = {
    .filters = {{"strict-match", "#### (\\-?[0-9\\.\\,]+)", 0, NULL, NULL},
                {"flexible-extract", "(-?[$0-9.,]{2,})|(-?[0-9]+)", -1, NULL, NULL}},
    .n_filters = 2,
    .ignore = {",", "\\$", "(?s).*#### ", "\\.$"},
    .ignore_case = 1,
};
static const struct answer_rules nq_answers = {
    .filters = {{"remove_whitespace", NULL, 0, find_stripped, NULL}},
    .n_filters = 1,
    .ignore = {"\\b(?:The |the |An |A |The |a |an )"},
    .ignore_case = 1,
    .ignore_punctuation = 1,
};
static const struct answer_rules trivia_answers = {
    .filters = {{"remove_whitespace", NULL, 0, find_stripped, NULL}},
    .n_filters = 1,
    .ignore_case = 1,
    .ignore_punctuation = 1,
};

static const char *const bbh_stops[] = {"</s>", "Q", "\n\n"};
static const char *const math_stops[] = {"Problem:"};

static const struct answer_rules as_it_is = {
    .filters = {{"none", NULL, 0, find_all, NULL}},
    .n_filters = 1,
};
static const struct answer_rules bbh_cot_answers = {
    .filters = {{"get-answer", "(?<=the answer is )(.*)(?=.)", 0, NULL, NULL}},
    .n_filters = 1,
};
static const struct answer_rules hendrycks_answers = {
    .filters = {{"none", NULL, 0, find_between_dollars, NULL}},
    .n_filters = 1,
    .equal = math_equal,
};
static const struct answer_rules boxed_answers = {
    .filters = {{"boxed", NULL, 0, find_boxed, NULL}},
    .n_filters = 1,
    .equal = math_equal,
};

static const struct recipe arc = {.format = &format_choice, .load = load_jsonl, .read = read_arc,
    GAP, .shots = SHOTS_DRAWN, .metrics = PER_CHARACTER};
static const struct recipe openbookqa = {.format = &format_choice, .load = load_jsonl,
    .read = read_openbookqa, GAP, .shots = SHOTS_DRAWN, .metrics = PER_CHARACTER};
static const struct recipe commonsenseqa = {.format = &format_choice, .load = load_jsonl,
    .read = read_commonsenseqa, GAP, .shots = SHOTS_DRAWN_ONE_MORE, .metrics = PLAIN};
static const struct recipe hellaswag = {.format = &format_choice, .load = load_jsonl,
    .read = read_hellaswag, GAP, .shots = SHOTS_DRAWN_ONE_MORE, .metrics = PER_CHARACTER};
static const struct recipe piqa = {.format = &format_choice, .load = load_jsonl, .read = read_piqa,
    GAP, .shots = SHOTS_DRAWN_ONE_MORE, .metrics = PER_CHARACTER};
static const struct recipe winogrande = {.format = &format_context, .load = load_jsonl,
    .read = read_winogrande, GAP, .shots = SHOTS_DRAWN_ONE_MORE, .metrics = PLAIN};
static const struct recipe boolq = {.format = &format_choice, .load = load_jsonl,
    .read = read_boolq, GAP, .shots = SHOTS_DRAWN_ONE_MORE, .metrics = PLAIN};
static const struct recipe sciq = {.format = &format_choice, .load = load_jsonl, .read = read_sciq,
    GAP, .shots = SHOTS_DRAWN, .metrics = PER_CHARACTER};
static const struct recipe mmlu = {.format = &format_choice, .load = load_csv, .read = read_mmlu,
    .columns = mmlu_columns, GAP, .shots = SHOTS_FIRST, .metrics = PLAIN,
    .about = "The following are multiple choice questions (with answers) about ",
    .about_end = ".\n\n"};
static const struct recipe cmmlu = {.format = &format_choice, .load = load_csv,
    .read = read_cmmlu, GAP, .shots = SHOTS_FIRST, .metrics = {"acc", "acc_norm"},
    .about = "以下是关于", .about_end = "的单项选择题，请直接给出正确答案的选项。\n\n"};
static const struct recipe lambada = {.format = &format_likelihood, .load = load_jsonl,
    .read = read_lambada, GAP, .shots = SHOTS_DRAWN};
static const struct recipe gsm8k = {.format = &format_generate, .load = load_jsonl,
    .read = read_gsm8k, GAP, .shots = SHOTS_DRAWN, .until = gsm8k_stops,
    .n_until = LENGTH(gsm8k_stops), .max_tokens = 256, .answers = &gsm8k_answers};
static const struct recipe nq_open = {.format = &format_generate, .load = load_jsonl,
    .read = read_nq_open, .target_delimiter = " ", .shot_delimiter = "\n",
    .shots = SHOTS_DRAWN_ONE_MORE,
    .about = "Answer these questions:\n\n", .about_end = "", .until = short_stops,
    .n_until = LENGTH(short_stops), .max_tokens = 256, .answers = &nq_answers};
static const struct recipe triviaqa = {.format = &format_generate, .load = load_jsonl,
    .read = read_triviaqa, GAP, .shots = SHOTS_DRAWN_ONE_MORE, .until = short_stops,
    .n_until = LENGTH(short_stops), .max_tokens = 256, .answers = &trivia_answers};
static const struct recipe truthfulqa_mc1 = {.format = &format_choice, .load = load_json,
    .read = read_truthfulqa_mc1, GAP, .metrics = PLAIN};
static const struct recipe truthfulqa_mc2 = {.format = &format_mass, .load = load_json,
    .read = read_truthfulqa_mc2, GAP};
static const struct recipe bbh = {.format = &format_generate, .load = load_json, .read = read_bbh,
    .load_pool = load_bbh_prompts, GAP, .shots = SHOTS_FIRST, .until = bbh_stops,
    .n_until = LENGTH(bbh_stops), .max_tokens = 256, .answers = &as_it_is};
static const struct recipe bbh_cot = {.format = &format_generate, .load = load_json,
    .read = read_bbh_cot, .load_pool = load_bbh_prompts, .target_delimiter = "",
    .shot_delimiter = "\n\n", .shots = SHOTS_FIRST, .until = bbh_stops,
    .n_until = LENGTH(bbh_stops), .max_tokens = 1024, .answers = &bbh_cot_answers};
/* BIG-Bench Hard without examples: what may be looked for in the answer, once for each way of
 * asking. */
#define BBH_IGNORE {"\\.$", ",", "\n", "\\\\", "\""}
#define BBH_STATED                                                                                 \
    "((?<=The answer is )(.*)(?=.)|(?<=the answer is )(.*)(?=.)|(?<=The answer: )(.*)(?=.)|"       \
    "(?<=The final answer: )(.*)(?=.))"
#define BBH_UNSHOWN(kind, pattern, search)                                                         \
    static const struct answer_rules bbh_zero_##kind##_rules = {                                   \
        .filters = {{"strict-match", NULL, 0, find_all, NULL},                                     \
                    {"flexible-extract", pattern, 0, NULL, search}},                               \
        .n_filters = 2, .ignore = BBH_IGNORE, .ignore_case = 1};                                   \
    static const struct answer_rules bbh_aloud_##kind##_rules = {                                  \
        .filters = {{"flexible-extract", pattern, -1, NULL, search},                               \
                    {"strict-match", BBH_STATED, 0, NULL, NULL}},                                  \
        .n_filters = 2, .ignore = BBH_IGNORE, .ignore_case = 1};                                   \
    static const struct recipe bbh_zero_##kind = {.format = &format_generate, .load = load_json,   \
        .read = read_bbh, .load_pool = load_bbh_prompts, GAP, .until = bbh_zero_stops,             \
        .n_until = LENGTH(bbh_zero_stops), .max_tokens = 256,                                      \
        .answers = &bbh_zero_##kind##_rules};                                                      \
    static const struct recipe bbh_aloud_##kind = {.format = &format_generate, .load = load_json,  \
        .read = read_bbh_aloud, .load_pool = load_bbh_prompts, GAP, .until = bbh_zero_stops,       \
        .n_until = LENGTH(bbh_zero_stops), .max_tokens = 256,                                      \
        .answers = &bbh_aloud_##kind##_rules}
static const char *const bbh_zero_stops[] = {"</s>", "Q:", "<|im_end|>"};

BBH_UNSHOWN(boolean, "\\b(True|False)\\b", NULL);
BBH_UNSHOWN(yes_no, "\\b(Yes|No|yes|no)\\b", NULL);
BBH_UNSHOWN(choice, "(\\([A-Z]\\))", bbh_choice);
BBH_UNSHOWN(brackets, "(?<= )([\" \\[\\(<{}>\\)\\]]+)|([\" \\[\\(<{}>\\)\\]]+)", NULL);
BBH_UNSHOWN(validity, "\\b(valid|invalid)\\b", NULL);
BBH_UNSHOWN(number, "([-0-9]+)", bbh_number);
BBH_UNSHOWN(plausible, "\\b(no|not plausible)\\b|\\b(yes|plausible)\\b", bbh_no_or_yes);
BBH_UNSHOWN(truth,
    "\\b(no|does not tell the truth|is not telling the truth)\\b|"
    "\\b(yes|tells the truth|is telling the truth)\\b",
    bbh_no_or_yes);
BBH_UNSHOWN(words, NULL, bbh_words);

static const struct recipe hendrycks_math = {.format = &format_generate, .load = load_jsonl,
    .read = read_hendrycks_math, GAP, .until = math_stops, .n_until = LENGTH(math_stops),
    .max_tokens = 256, .answers = &hendrycks_answers};
static const struct recipe math500 = {.format = &format_generate, .load = load_jsonl,
    .read = read_math500, GAP, .until = math_stops, .n_until = LENGTH(math_stops),
    .max_tokens = 1024, .answers = &boxed_answers};
static const struct recipe stories = {.format = &format_rolling, .load = load_stories, GAP,
    .shots = SHOTS_FIXED_0};
static const struct recipe wikitext = {.format = &format_rolling, .load = load_wikitext, GAP,
    .shots = SHOTS_FIXED_0};
static const struct recipe windows = {.format = &format_windows, .load = load_text, GAP,
    .shots = SHOTS_FIXED_0};
static const struct recipe prose_text = {.format = &format_rolling, .load = load_prose, GAP,
    .shots = SHOTS_FIXED_0};

#define CHOICE "multiple_choice"
#define GENERATE "generate_until"
#define ROLLING "loglikelihood_rolling"

#define MMLU(name, about)                                                                          \
    {{"mmlu_" name, "mmlu", CHOICE, "mmlu/test/" name "_test.csv", "MMLU: " about, 1, 0},          \
     &mmlu, "mmlu/dev/" name "_dev.csv", NULL, about},                                             \
    {{"olmes_mmlu_" name "_mc", "olmes_mmlu_mc", CHOICE, "mmlu/test/" name "_test.csv",            \
      "MMLU by letter as OLMES: " about, 0, 5}, &recipe_olmes_mmlu_mc,                             \
     "mmlu/dev/" name "_dev.csv", NULL, about},                                                    \
    {{"olmes_mmlu_" name "_cf", "olmes_mmlu_cf", CHOICE, "mmlu/test/" name "_test.csv",            \
      "MMLU by text as OLMES: " about, 0, 5}, &recipe_olmes_mmlu_cf,                               \
     "mmlu/dev/" name "_dev.csv", NULL, about}
/* The same data asked by letter and by text. */
#define OLMES(name, dir, file)                                                                     \
    {{"olmes_" #name "_mc", "olmes", CHOICE, dir "/" file ".jsonl",                                \
      #name " by letter, as OLMES", 0, 5}, &recipe_olmes_##name##_mc, dir "/train.jsonl", NULL,    \
     NULL},                                                                                        \
    {{"olmes_" #name "_cf", "olmes", CHOICE, dir "/" file ".jsonl",                                \
      #name " by text, as OLMES", 0, 5}, &recipe_olmes_##name##_cf, dir "/train.jsonl", NULL,      \
     NULL}
#define CMMLU(name, about)                                                                         \
    {{"cmmlu_" name, "cmmlu", CHOICE, "cmmlu/test/" name ".csv", "CMMLU: " about, 1, 0}, &cmmlu,   \
     "cmmlu/dev/" name ".csv", NULL, about}
#define SCENARIO(name, shots, help)                                                                \
    {{name, "scenarios", SCENARIO_KIND, "", help, 1, shots}, NULL, NULL, NULL, NULL}
#define BBH(name, kind)                                                                            \
    {{"bbh_cot_fewshot_" name, "bbh", GENERATE, "bbh/bbh/" name ".json",                           \
      "BIG-Bench Hard, step by step", 4, 3}, &bbh_cot, "bbh/cot-prompts/" name ".txt", NULL,       \
     NULL},                                                                                        \
    {{"bbh_fewshot_" name, "bbh_fewshot", GENERATE, "bbh/bbh/" name ".json",                       \
      "BIG-Bench Hard, the bare answer", 2, 3}, &bbh, "bbh/cot-prompts/" name ".txt", NULL, NULL}, \
    {{"bbh_zeroshot_" name, "bbh_zeroshot", GENERATE, "bbh/bbh/" name ".json",                     \
      "BIG-Bench Hard without examples", 3, 0}, &bbh_zero_##kind, "bbh/cot-prompts/" name ".txt",  \
     NULL, NULL},                                                                                  \
    {{"bbh_cot_zeroshot_" name, "bbh_cot_zeroshot", GENERATE, "bbh/bbh/" name ".json",             \
      "BIG-Bench Hard without examples, step by step", 3, 0}, &bbh_aloud_##kind,                   \
     "bbh/cot-prompts/" name ".txt", NULL, NULL}

#define LONGTEXT(name, help)                                                                       \
    {{#name, "longtext", GENERATE, "", help, 1, 0}, &recipe_##name, NULL, NULL, NULL}

#define WORLD(name, help)                                                                          \
    {{name, "worlds", "knowledge", "", help, WORLD_VERSION, 0}, NULL, NULL, NULL, NULL}

#define CEVAL(name, about)                                                                         \
    {{"ceval-valid_" name, "ceval-valid", CHOICE, "ceval/val/" name "_val.csv", "C-Eval: " about,  \
      2, 0}, &recipe_ceval, "ceval/dev/" name "_dev.csv", NULL, about}
#define LEADERBOARD_BBH(name, choices)                                                             \
    {{"leaderboard_bbh_" name, "leaderboard_bbh", CHOICE, "bbh/bbh/" name ".json",                 \
      "BIG-Bench Hard by choices", 1, 3}, &recipe_leaderboard_bbh_##choices,                       \
     "bbh/cot-prompts/" name ".txt", NULL, NULL}
#define LEADERBOARD_MATH(name, config)                                                             \
    {{"leaderboard_math_" name "_hard", "leaderboard_math_hard", GENERATE,                         \
      "math/" config "_test.jsonl", "MATH of level 5, worked out", 3, 4},                          \
     &recipe_leaderboard_math_hard, NULL, NULL, "Level 5"}
#define LEADERBOARD_GPQA(name)                                                                     \
    {{"leaderboard_gpqa_" name, "leaderboard_gpqa", CHOICE, "gpqa/gpqa_" name ".jsonl",            \
      "questions that a search does not answer", 1, 0}, &recipe_leaderboard_gpqa, NULL, NULL, NULL}
#define LEADERBOARD_MUSR(name, help)                                                               \
    {{"leaderboard_musr_" name, "leaderboard_musr", CHOICE, "musr/" name ".jsonl", help, 1, 0},    \
     &recipe_leaderboard_musr, NULL, NULL, NULL}

#define MMLU_PRO(name, about)                                                                      \
    {{"mmlu_pro_" name, "mmlu_pro", GENERATE, "mmlu_pro/test.jsonl",                               \
      "MMLU-Pro, step by step: " about, 3, 5}, &recipe_mmlu_pro, "mmlu_pro/validation.jsonl",      \
     NULL, about}

const struct task_row task_rows[] = {
    {{"facts", NULL, "knowledge", "", "bits of knowledge in a bank of facts of our own",
      FACTS_VERSION, 0}, NULL, NULL, NULL, NULL},
    WORLD("world_people", "the facts of 400 invented people, for calibration standards"),
    WORLD("world_crowd", "the facts of 1,400 invented people, more than a standard can hold"),
    WORLD("world_sums", "sums of invented numerals: a rule in place of facts"),
    {{"perplexity_text", NULL, ROLLING, "", "perplexity of a short text of our own", 1, 0},
     &prose_text, NULL, NULL, NULL},
    {{"arc_easy", NULL, CHOICE, "arc_easy/test.jsonl", "easier school science", 1, 0}, &arc,
     "arc_easy/train.jsonl", NULL, NULL},
    {{"arc_challenge", NULL, CHOICE, "arc_challenge/test.jsonl", "harder school science", 1, 0},
     &arc, "arc_challenge/train.jsonl", NULL, NULL},
    {{"hellaswag", NULL, CHOICE, "hellaswag/validation.jsonl", "how an everyday scene goes on", 1,
      0}, &hellaswag, "hellaswag/train.jsonl", "hellaswag/val_1000.jsonl", NULL},
    {{"piqa", NULL, CHOICE, "piqa/valid.jsonl", "which way of doing something works", 1, 0}, &piqa,
     "piqa/train.jsonl", NULL, NULL},
    {{"winogrande", NULL, CHOICE, "winogrande/dev.jsonl", "whom a sentence is about", 1, 0},
     &winogrande, "winogrande/train.jsonl", NULL, NULL},
    {{"boolq", NULL, CHOICE, "boolq/dev.jsonl", "yes or no after reading a passage", 2, 0}, &boolq,
     "boolq/train.jsonl", NULL, NULL},
    {{"openbookqa", NULL, CHOICE, "openbookqa/test.jsonl", "elementary science, reasoned", 1, 0},
     &openbookqa, "openbookqa/train.jsonl", NULL, NULL},
    {{"commonsense_qa", NULL, CHOICE, "commonsenseqa/dev.jsonl", "common sense, by letter", 1, 0},
     &commonsenseqa, "commonsenseqa/train.jsonl", NULL, NULL},
    {{"sciq", NULL, CHOICE, "sciq/test.jsonl", "science with a supporting passage", 1, 0}, &sciq,
     "sciq/train.jsonl", "sciq/validation.jsonl", NULL},
    {{"lambada_openai", NULL, "loglikelihood", "lambada/lambada_test.jsonl",
      "the last word of a passage", 1, 0}, &lambada, "lambada/lambada_test.jsonl", NULL, NULL},
    {{"gsm8k", NULL, GENERATE, "gsm8k/test.jsonl", "grade-school arithmetic, worked out", 3, 5},
     &gsm8k, "gsm8k/train.jsonl", NULL, NULL},
    {{"nq_open", NULL, GENERATE, "nq_open/NQ-open.dev.jsonl", "questions people search for", 4, 0},
     &nq_open, "nq_open/NQ-open.train.jsonl", NULL, NULL},
    {{"triviaqa", NULL, GENERATE, "triviaqa/triviaqa_sm_sub.jsonl", "trivia, answered freely", 3,
      0}, &triviaqa, "triviaqa/train.jsonl", NULL, NULL},
    {{"wikitext", NULL, ROLLING, "wikitext2/wiki.test.raw", "perplexity of WikiText-2's pages", 2,
      0}, &wikitext, NULL, NULL, NULL},
    {{"wikitext2_ppl", NULL, "windows", "wikitext2/wiki.test.raw",
      "perplexity of WikiText-2's beginning in windows of 512 tokens", 1, 0}, &windows, NULL, NULL,
     NULL},
    {{"tinystories", NULL, ROLLING, "tinystories/tinystories_valid_1910.txt",
      "perplexity of children's stories", 1, 0}, &stories, NULL,
     "tinystories/TinyStories-valid.txt", NULL},
    {{"truthfulqa_mc1", "truthfulqa", CHOICE, "truthfulqa/mc_task.json",
      "the one true answer among what people get wrong", 2, 0}, &truthfulqa_mc1, NULL, NULL, NULL},
    {{"truthfulqa_mc2", "truthfulqa", CHOICE, "truthfulqa/mc_task.json",
      "probability on all that is true, among what people get wrong", 3, 0}, &truthfulqa_mc2, NULL,
     NULL, NULL},
    {{"hendrycks_math500", NULL, GENERATE, "math500/test.jsonl",
      "competition mathematics, answered at once", 1, 0}, &hendrycks_math, NULL, NULL, NULL},
    {{"math500", NULL, GENERATE, "math500/test.jsonl",
      "competition mathematics, worked out and boxed; not lm-eval's", 1, 0}, &math500, NULL, NULL,
     NULL},
    {{"humaneval", NULL, GENERATE, "humaneval/HumanEval.jsonl",
      "Python functions to complete, run against tests", 1, 0}, &recipe_humaneval, NULL, NULL, NULL},
    {{"humaneval_64", NULL, GENERATE, "humaneval/HumanEval.jsonl",
      "the same, 64 samples each: pass@2 to pass@64", 1, 0}, &recipe_humaneval_64, NULL, NULL,
     NULL},
    {{"mbpp", NULL, GENERATE, "mbpp/mbpp_test.jsonl", "small Python programs, run against tests", 1,
      3}, &recipe_mbpp, NULL, "mbpp/mbpp.jsonl", NULL},
    {{"gsm8k_cot", NULL, GENERATE, "gsm8k/test.jsonl",
      "grade-school arithmetic after eight worked examples", 3, 8}, &recipe_gsm8k_cot, NULL, NULL,
     NULL},
    {{"gsm8k_cot_zeroshot", NULL, GENERATE, "gsm8k/test.jsonl",
      "grade-school arithmetic, step by step", 3, 0}, &recipe_gsm8k_cot_zeroshot, NULL, NULL, NULL},
    {{"copa", NULL, CHOICE, "copa/val.jsonl", "cause or effect of what happened", 1, 0},
     &recipe_copa, "copa/train.jsonl", NULL, NULL},
    {{"social_iqa", NULL, CHOICE, "social_iqa/dev.jsonl", "why people do what they do", 0, 0},
     &recipe_social_iqa, "social_iqa/train.jsonl", NULL, NULL},
    {{"leaderboard_mmlu_pro", NULL, CHOICE, "mmlu_pro/test.jsonl", "MMLU-Pro by letters", 0, 5},
     &recipe_leaderboard_mmlu_pro, "mmlu_pro/validation.jsonl", NULL, NULL},
    {{"squad_completion", NULL, GENERATE, "squad_completion/validation.jsonl",
      "a passage that ends where the answer begins", 0, 0}, &recipe_squad_completion, NULL, NULL,
     NULL},
    {{"drop", NULL, GENERATE, "drop/validation.jsonl", "counting and sorting what a passage says",
      3, 0}, &recipe_drop, NULL, NULL, NULL},
    {{"ifeval", NULL, GENERATE, "ifeval/input_data.jsonl", "instructions that can be checked", 4, 0},
     &recipe_ifeval, NULL, NULL, NULL},
    {{"needle_4k", "needle", GENERATE, "",
      "one number in a text of 4,000 characters", 1, 0}, &recipe_needle_4k, NULL, NULL, NULL},
    {{"needle_16k", "needle", GENERATE, "",
      "one number in a text of 16,000 characters", 1, 0}, &recipe_needle_16k, NULL, NULL, NULL},
    {{"needle_64k", "needle", GENERATE, "",
      "one number in a text of 64,000 characters", 1, 0}, &recipe_needle_64k, NULL, NULL, NULL},
    {{"needle_keys_4k", "needle", GENERATE, "",
      "one of eight numbers in 4,000 characters", 1, 0}, &recipe_needle_keys_4k, NULL, NULL, NULL},
    {{"needle_keys_16k", "needle", GENERATE, "",
      "one of eight numbers in 16,000 characters", 1, 0}, &recipe_needle_keys_16k, NULL, NULL, NULL},
    {{"needle_keys_64k", "needle", GENERATE, "",
      "one of eight numbers in 64,000 characters", 1, 0}, &recipe_needle_keys_64k, NULL, NULL, NULL},
    {{"needle_values_4k", "needle", GENERATE, "",
      "four numbers of one thing in 4,000 characters", 1, 0}, &recipe_needle_values_4k, NULL, NULL, NULL},
    {{"needle_values_16k", "needle", GENERATE, "",
      "four numbers of one thing in 16,000 characters", 1, 0}, &recipe_needle_values_16k, NULL, NULL, NULL},
    {{"needle_values_64k", "needle", GENERATE, "",
      "four numbers of one thing in 64,000 characters", 1, 0}, &recipe_needle_values_64k, NULL, NULL, NULL},
    {{"needle_chain_4k", "needle", GENERATE, "",
      "five variables of one value in 4,000 characters", 1, 0}, &recipe_needle_chain_4k, NULL, NULL, NULL},
    {{"needle_chain_16k", "needle", GENERATE, "",
      "five variables of one value in 16,000 characters", 1, 0}, &recipe_needle_chain_16k, NULL, NULL, NULL},
    {{"needle_chain_64k", "needle", GENERATE, "",
      "five variables of one value in 64,000 characters", 1, 0}, &recipe_needle_chain_64k, NULL, NULL, NULL},
    LONGTEXT(common_words_4k, "the ten commonest words of a list of 4,000 characters"),
    LONGTEXT(common_words_16k, "the ten commonest words of a list of 16,000 characters"),
    LONGTEXT(common_words_64k, "the ten commonest words of a list of 64,000 characters"),
    LONGTEXT(frequent_words_4k, "the three most frequent words of 4,000 coded characters"),
    LONGTEXT(frequent_words_16k, "the three most frequent words of 16,000 coded characters"),
    LONGTEXT(frequent_words_64k, "the three most frequent words of 64,000 coded characters"),
    LONGTEXT(qa_distractors_4k, "one life among others of 4,000 characters"),
    LONGTEXT(qa_distractors_16k, "one life among others of 16,000 characters"),
    LONGTEXT(qa_distractors_64k, "one life among others of 64,000 characters"),
    {{"c4", NULL, ROLLING, "c4/validation.jsonl", "perplexity of pages of the web", 0, 0},
     &recipe_c4, NULL, NULL, NULL},
    BBH("boolean_expressions", boolean),
    BBH("causal_judgement", yes_no),
    BBH("date_understanding", choice),
    BBH("disambiguation_qa", choice),
    BBH("dyck_languages", brackets),
    BBH("formal_fallacies", validity),
    BBH("geometric_shapes", choice),
    BBH("hyperbaton", choice),
    BBH("logical_deduction_five_objects", choice),
    BBH("logical_deduction_seven_objects", choice),
    BBH("logical_deduction_three_objects", choice),
    BBH("movie_recommendation", choice),
    BBH("multistep_arithmetic_two", number),
    BBH("navigate", yes_no),
    BBH("object_counting", number),
    BBH("penguins_in_a_table", choice),
    BBH("reasoning_about_colored_objects", choice),
    BBH("ruin_names", choice),
    BBH("salient_translation_error_detection", choice),
    BBH("snarks", choice),
    BBH("sports_understanding", plausible),
    BBH("temporal_sequences", choice),
    BBH("tracking_shuffled_objects_five_objects", choice),
    BBH("tracking_shuffled_objects_seven_objects", choice),
    BBH("tracking_shuffled_objects_three_objects", choice),
    BBH("web_of_lies", truth),
    BBH("word_sorting", words),
    LEADERBOARD_BBH("boolean_expressions", truth),
    LEADERBOARD_BBH("causal_judgement", yes_no),
    LEADERBOARD_BBH("date_understanding", 6),
    LEADERBOARD_BBH("disambiguation_qa", 3),
    LEADERBOARD_BBH("formal_fallacies", validity),
    LEADERBOARD_BBH("geometric_shapes", 11),
    LEADERBOARD_BBH("hyperbaton", 2),
    LEADERBOARD_BBH("logical_deduction_five_objects", 5),
    LEADERBOARD_BBH("logical_deduction_seven_objects", 7),
    LEADERBOARD_BBH("logical_deduction_three_objects", 3),
    LEADERBOARD_BBH("movie_recommendation", 6),
    LEADERBOARD_BBH("navigate", yes_no),
    LEADERBOARD_BBH("object_counting", count),
    LEADERBOARD_BBH("penguins_in_a_table", 5),
    LEADERBOARD_BBH("reasoning_about_colored_objects", 18),
    LEADERBOARD_BBH("ruin_names", 6),
    LEADERBOARD_BBH("salient_translation_error_detection", 6),
    LEADERBOARD_BBH("snarks", 2),
    LEADERBOARD_BBH("sports_understanding", plausible),
    LEADERBOARD_BBH("temporal_sequences", 4),
    LEADERBOARD_BBH("tracking_shuffled_objects_five_objects", 5),
    LEADERBOARD_BBH("tracking_shuffled_objects_seven_objects", 7),
    LEADERBOARD_BBH("tracking_shuffled_objects_three_objects", 3),
    LEADERBOARD_BBH("web_of_lies", yes_no),
    LEADERBOARD_GPQA("diamond"),
    LEADERBOARD_GPQA("extended"),
    LEADERBOARD_GPQA("main"),
    LEADERBOARD_MATH("algebra", "algebra"),
    LEADERBOARD_MATH("counting_and_prob", "counting_and_probability"),
    LEADERBOARD_MATH("geometry", "geometry"),
    LEADERBOARD_MATH("intermediate_algebra", "intermediate_algebra"),
    LEADERBOARD_MATH("num_theory", "number_theory"),
    LEADERBOARD_MATH("prealgebra", "prealgebra"),
    LEADERBOARD_MATH("precalculus", "precalculus"),
    LEADERBOARD_MUSR("murder_mysteries", "who did it, after reading a long story"),
    LEADERBOARD_MUSR("object_placements", "where somebody will look, after a long story"),
    LEADERBOARD_MUSR("team_allocation", "who does what best, after a long story"),
    OLMES(arc_easy, "arc_easy", "test"),
    OLMES(arc_challenge, "arc_challenge", "test"),
    OLMES(boolq, "boolq", "dev"),
    OLMES(commonsense_qa, "commonsenseqa", "dev"),
    OLMES(hellaswag, "hellaswag", "validation"),
    OLMES(openbookqa, "openbookqa", "test"),
    OLMES(piqa, "piqa", "valid"),
    OLMES(social_iqa, "social_iqa", "dev"),
    OLMES(winogrande, "winogrande", "dev"),
    SCENARIO("notification_summary", 2, "which line sums up a notification"),
    SCENARIO("extract_fields", 2, "date, amount and address out of a message, as JSON"),
    SCENARIO("intent", 3, "what a request to an assistant is about"),
    SCENARIO("tone_rewrite", 2, "which rewriting has the tone that was asked for"),
    SCENARIO("smart_reply", 2, "which reply to a message would be sent"),
    SCENARIO("translate", 2, "short texts, English to Chinese and back"),
    SCENARIO("spelling_grammar", 2, "one mistake in a sentence, put right"),
    SCENARIO("smart_home", 2, "what is said at home, as the call that does it"),
    SCENARIO("in_car", 2, "what a driver says, as the call that does it"),
    SCENARIO("calendar_arithmetic", 3, "dates, weekdays and times of day"),
    SCENARIO("unit_conversion", 2, "measures in other units"),
    SCENARIO("form_filling", 2, "what is said on the phone, into a reservation"),
    SCENARIO("ocr_cleanup", 2, "lines as a scanner read them, put right"),
    SCENARIO("toxicity", 4, "whether a message insults, threatens or degrades"),
    SCENARIO("pii", 3, "which kinds of personal data a text holds"),
    SCENARIO("code_completion", 1, "the next line of a program"),
    SCENARIO("sql_question", 2, "a question to a small database as SQL"),
    SCENARIO("table_question", 2, "questions about a small table"),
    SCENARIO("screen_action", 3, "a screen and a goal, to the next action"),
    SCENARIO("refuse_or_answer", 4, "harmless requests answered, harmful ones refused"),
    MMLU("abstract_algebra", "abstract algebra"),
    MMLU("anatomy", "anatomy"),
    MMLU("astronomy", "astronomy"),
    MMLU("business_ethics", "business ethics"),
    MMLU("clinical_knowledge", "clinical knowledge"),
    MMLU("college_biology", "college biology"),
    MMLU("college_chemistry", "college chemistry"),
    MMLU("college_computer_science", "college computer science"),
    MMLU("college_mathematics", "college mathematics"),
    MMLU("college_medicine", "college medicine"),
    MMLU("college_physics", "college physics"),
    MMLU("computer_security", "computer security"),
    MMLU("conceptual_physics", "conceptual physics"),
    MMLU("econometrics", "econometrics"),
    MMLU("electrical_engineering", "electrical engineering"),
    MMLU("elementary_mathematics", "elementary mathematics"),
    MMLU("formal_logic", "formal logic"),
    MMLU("global_facts", "global facts"),
    MMLU("high_school_biology", "high school biology"),
    MMLU("high_school_chemistry", "high school chemistry"),
    MMLU("high_school_computer_science", "high school computer science"),
    MMLU("high_school_european_history", "high school european history"),
    MMLU("high_school_geography", "high school geography"),
    MMLU("high_school_government_and_politics", "high school government and politics"),
    MMLU("high_school_macroeconomics", "high school macroeconomics"),
    MMLU("high_school_mathematics", "high school mathematics"),
    MMLU("high_school_microeconomics", "high school microeconomics"),
    MMLU("high_school_physics", "high school physics"),
    MMLU("high_school_psychology", "high school psychology"),
    MMLU("high_school_statistics", "high school statistics"),
    MMLU("high_school_us_history", "high school us history"),
    MMLU("high_school_world_history", "high school world history"),
    MMLU("human_aging", "human aging"),
    MMLU("human_sexuality", "human sexuality"),
    MMLU("international_law", "international law"),
    MMLU("jurisprudence", "jurisprudence"),
    MMLU("logical_fallacies", "logical fallacies"),
    MMLU("machine_learning", "machine learning"),
    MMLU("management", "management"),
    MMLU("marketing", "marketing"),
    MMLU("medical_genetics", "medical genetics"),
    MMLU("miscellaneous", "miscellaneous"),
    MMLU("moral_disputes", "moral disputes"),
    MMLU("moral_scenarios", "moral scenarios"),
    MMLU("nutrition", "nutrition"),
    MMLU("philosophy", "philosophy"),
    MMLU("prehistory", "prehistory"),
    MMLU("professional_accounting", "professional accounting"),
    MMLU("professional_law", "professional law"),
    MMLU("professional_medicine", "professional medicine"),
    MMLU("professional_psychology", "professional psychology"),
    MMLU("public_relations", "public relations"),
    MMLU("security_studies", "security studies"),
    MMLU("sociology", "sociology"),
    MMLU("us_foreign_policy", "us foreign policy"),
    MMLU("virology", "virology"),
    MMLU("world_religions", "world religions"),
    CMMLU("agronomy", "农学"),
    CMMLU("anatomy", "解剖学"),
    CMMLU("ancient_chinese", "古汉语"),
    CMMLU("arts", "艺术学"),
    CMMLU("astronomy", "天文学"),
    CMMLU("business_ethics", "商业伦理"),
    CMMLU("chinese_civil_service_exam", "中国公务员考试"),
    CMMLU("chinese_driving_rule", "中国驾驶规则"),
    CMMLU("chinese_food_culture", "中国饮食文化"),
    CMMLU("chinese_foreign_policy", "中国外交政策"),
    CMMLU("chinese_history", "中国历史"),
    CMMLU("chinese_literature", "中国文学"),
    CMMLU("chinese_teacher_qualification", "中国教师资格"),
    CMMLU("clinical_knowledge", "临床知识"),
    CMMLU("college_actuarial_science", "大学精算学"),
    CMMLU("college_education", "大学教育学"),
    CMMLU("college_engineering_hydrology", "大学工程水文学"),
    CMMLU("college_law", "大学法律"),
    CMMLU("college_mathematics", "大学数学"),
    CMMLU("college_medical_statistics", "大学医学统计"),
    CMMLU("college_medicine", "大学医学"),
    CMMLU("computer_science", "计算机科学"),
    CMMLU("computer_security", "计算机安全"),
    CMMLU("conceptual_physics", "概念物理学"),
    CMMLU("construction_project_management", "建设工程管理"),
    CMMLU("economics", "经济学"),
    CMMLU("education", "教育学"),
    CMMLU("electrical_engineering", "电气工程"),
    CMMLU("elementary_chinese", "小学语文"),
    CMMLU("elementary_commonsense", "小学常识"),
    CMMLU("elementary_information_and_technology", "小学信息技术"),
    CMMLU("elementary_mathematics", "初等数学"),
    CMMLU("ethnology", "民族学"),
    CMMLU("food_science", "食品科学"),
    CMMLU("genetics", "遗传学"),
    CMMLU("global_facts", "全球事实"),
    CMMLU("high_school_biology", "高中生物"),
    CMMLU("high_school_chemistry", "高中化学"),
    CMMLU("high_school_geography", "高中地理"),
    CMMLU("high_school_mathematics", "高中数学"),
    CMMLU("high_school_physics", "高中物理学"),
    CMMLU("high_school_politics", "高中政治"),
    CMMLU("human_sexuality", "人类性行为"),
    CMMLU("international_law", "国际法学"),
    CMMLU("journalism", "新闻学"),
    CMMLU("jurisprudence", "法理学"),
    CMMLU("legal_and_moral_basis", "法律与道德基础"),
    CMMLU("logical", "逻辑学"),
    CMMLU("machine_learning", "机器学习"),
    CMMLU("management", "管理学"),
    CMMLU("marketing", "市场营销"),
    CMMLU("marxist_theory", "马克思主义理论"),
    CMMLU("modern_chinese", "现代汉语"),
    CMMLU("nutrition", "营养学"),
    CMMLU("philosophy", "哲学"),
    CMMLU("professional_accounting", "专业会计"),
    CMMLU("professional_law", "专业法学"),
    CMMLU("professional_medicine", "专业医学"),
    CMMLU("professional_psychology", "专业心理学"),
    CMMLU("public_relations", "公共关系"),
    CMMLU("security_study", "安全研究"),
    CMMLU("sociology", "社会学"),
    CMMLU("sports_science", "体育学"),
    CMMLU("traditional_chinese_medicine", "中医中药"),
    CMMLU("virology", "病毒学"),
    CMMLU("world_history", "世界历史"),
    CMMLU("world_religions", "世界宗教"),
    CEVAL("computer_network", "计算机网络"),
    CEVAL("operating_system", "操作系统"),
    CEVAL("computer_architecture", "计算机组成"),
    CEVAL("college_programming", "大学编程"),
    CEVAL("college_physics", "大学物理"),
    CEVAL("college_chemistry", "大学化学"),
    CEVAL("advanced_mathematics", "高等数学"),
    CEVAL("probability_and_statistics", "概率统计"),
    CEVAL("discrete_mathematics", "离散数学"),
    CEVAL("electrical_engineer", "注册电气工程师"),
    CEVAL("metrology_engineer", "注册计量师"),
    CEVAL("high_school_mathematics", "高中数学"),
    CEVAL("high_school_physics", "高中物理"),
    CEVAL("high_school_chemistry", "高中化学"),
    CEVAL("high_school_biology", "高中生物"),
    CEVAL("middle_school_mathematics", "初中数学"),
    CEVAL("middle_school_biology", "初中生物"),
    CEVAL("middle_school_physics", "初中物理"),
    CEVAL("middle_school_chemistry", "初中化学"),
    CEVAL("veterinary_medicine", "兽医学"),
    CEVAL("college_economics", "大学经济学"),
    CEVAL("business_administration", "工商管理"),
    CEVAL("marxism", "马克思主义基本原理"),
    CEVAL("mao_zedong_thought", "毛泽东思想和中国特色社会主义理论体系概论"),
    CEVAL("education_science", "教育学"),
    CEVAL("teacher_qualification", "教师资格"),
    CEVAL("high_school_politics", "高中政治"),
    CEVAL("high_school_geography", "高中地理"),
    CEVAL("middle_school_politics", "初中政治"),
    CEVAL("middle_school_geography", "初中地理"),
    CEVAL("modern_chinese_history", "近代史纲要"),
    CEVAL("ideological_and_moral_cultivation", "思想道德修养与法律基础"),
    CEVAL("logic", "逻辑学"),
    CEVAL("law", "法学"),
    CEVAL("chinese_language_and_literature", "中国语言文学"),
    CEVAL("art_studies", "艺术学"),
    CEVAL("professional_tour_guide", "导游资格"),
    CEVAL("legal_professional", "法律职业资格"),
    CEVAL("high_school_chinese", "高中语文"),
    CEVAL("high_school_history", "高中历史"),
    CEVAL("middle_school_history", "初中历史"),
    CEVAL("civil_servant", "公务员"),
    CEVAL("sports_science", "体育学"),
    CEVAL("plant_protection", "植物保护"),
    CEVAL("basic_medicine", "基础医学"),
    CEVAL("clinical_medicine", "临床医学"),
    CEVAL("urban_and_rural_planner", "注册城乡规划师"),
    CEVAL("accountant", "注册会计师"),
    CEVAL("fire_engineer", "注册消防工程师"),
    CEVAL("environmental_impact_assessment_engineer", "环境影响评价工程师"),
    CEVAL("tax_accountant", "税务师"),
    CEVAL("physician", "医师资格"),
    MMLU_PRO("biology", "biology"),
    MMLU_PRO("business", "business"),
    MMLU_PRO("chemistry", "chemistry"),
    MMLU_PRO("computer_science", "computer science"),
    MMLU_PRO("economics", "economics"),
    MMLU_PRO("engineering", "engineering"),
    MMLU_PRO("health", "health"),
    MMLU_PRO("history", "history"),
    MMLU_PRO("law", "law"),
    MMLU_PRO("math", "math"),
    MMLU_PRO("other", "other"),
    MMLU_PRO("philosophy", "philosophy"),
    MMLU_PRO("physics", "physics"),
    MMLU_PRO("psychology", "psychology"),
};
const int n_task_rows = LENGTH(task_rows);
