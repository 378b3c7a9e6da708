/* recipes_questions.c -- lm-eval's question sets and texts: how they are read and asked, and what
 * answers are. */
#include <string.h>

#include "base/utf8.h"
#include "tasks/answer.h"
#include "tasks/exemplars.h"
#include "tasks/format.h"
#include "tasks/load.h"
#include "tasks/math.h"
#include "tasks/read.h"
#include "tasks/recipes.h"
#include "tasks/record.h"
#include "tasks/wikitext.h"

#define PER_CHARACTER {"acc", "acc_norm", "acc_bytes", NULL}
#define PLAIN {"acc", NULL}
#define LENGTH(a) ((int)(sizeof(a) / sizeof(a)[0]))
#define GAP .target_delimiter = " ", .shot_delimiter = "\n\n"

/* --- what read.h and load.h read ---------------------------------------------------------- */

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

static const char *const math_stops[] = {"Problem:"};

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

const struct recipe recipe_arc = {.format = &format_choice, .load = load_jsonl, .read = read_arc,
    GAP, .shots = SHOTS_DRAWN, .metrics = PER_CHARACTER};
const struct recipe recipe_openbookqa = {.format = &format_choice, .load = load_jsonl,
    .read = read_openbookqa, GAP, .shots = SHOTS_DRAWN, .metrics = PER_CHARACTER};
const struct recipe recipe_commonsenseqa = {.format = &format_choice, .load = load_jsonl,
    .read = read_commonsenseqa, GAP, .shots = SHOTS_DRAWN_ONE_MORE, .metrics = PLAIN};
const struct recipe recipe_hellaswag = {.format = &format_choice, .load = load_jsonl,
    .read = read_hellaswag, GAP, .shots = SHOTS_DRAWN_ONE_MORE, .metrics = PER_CHARACTER};
const struct recipe recipe_piqa = {.format = &format_choice, .load = load_jsonl, .read = read_piqa,
    GAP, .shots = SHOTS_DRAWN_ONE_MORE, .metrics = PER_CHARACTER};
const struct recipe recipe_winogrande = {.format = &format_context, .load = load_jsonl,
    .read = read_winogrande, GAP, .shots = SHOTS_DRAWN_ONE_MORE, .metrics = PLAIN};
const struct recipe recipe_boolq = {.format = &format_choice, .load = load_jsonl,
    .read = read_boolq, GAP, .shots = SHOTS_DRAWN_ONE_MORE, .metrics = PLAIN};
const struct recipe recipe_sciq = {.format = &format_choice, .load = load_jsonl, .read = read_sciq,
    GAP, .shots = SHOTS_DRAWN, .metrics = PER_CHARACTER};
const struct recipe recipe_mmlu = {.format = &format_choice, .load = load_csv, .read = read_mmlu,
    .columns = mmlu_columns, GAP, .shots = SHOTS_FIRST, .metrics = PLAIN,
    .about = "The following are multiple choice questions (with answers) about ",
    .about_end = ".\n\n"};
const struct recipe recipe_cmmlu = {.format = &format_choice, .load = load_csv,
    .read = read_cmmlu, GAP, .shots = SHOTS_FIRST, .metrics = {"acc", "acc_norm"},
    .about = "以下是关于", .about_end = "的单项选择题，请直接给出正确答案的选项。\n\n"};
const struct recipe recipe_lambada = {.format = &format_likelihood, .load = load_jsonl,
    .read = read_lambada, GAP, .shots = SHOTS_DRAWN};
const struct recipe recipe_gsm8k = {.format = &format_generate, .load = load_jsonl,
    .read = read_gsm8k, GAP, .shots = SHOTS_DRAWN, .until = gsm8k_stops,
    .n_until = LENGTH(gsm8k_stops), .max_tokens = 256, .answers = &gsm8k_answers};
const struct recipe recipe_nq_open = {.format = &format_generate, .load = load_jsonl,
    .read = read_nq_open, .target_delimiter = " ", .shot_delimiter = "\n",
    .shots = SHOTS_DRAWN_ONE_MORE,
    .about = "Answer these questions:\n\n", .about_end = "", .until = short_stops,
    .n_until = LENGTH(short_stops), .max_tokens = 256, .answers = &nq_answers};
const struct recipe recipe_triviaqa = {.format = &format_generate, .load = load_jsonl,
    .read = read_triviaqa, GAP, .shots = SHOTS_DRAWN_ONE_MORE, .until = short_stops,
    .n_until = LENGTH(short_stops), .max_tokens = 256, .answers = &trivia_answers};
const struct recipe recipe_truthfulqa_mc1 = {.format = &format_choice, .load = load_json,
    .read = read_truthfulqa_mc1, GAP, .metrics = PLAIN};
const struct recipe recipe_truthfulqa_mc2 = {.format = &format_mass, .load = load_json,
    .read = read_truthfulqa_mc2, GAP};
const struct recipe recipe_hendrycks_math = {.format = &format_generate, .load = load_jsonl,
    .read = read_hendrycks_math, GAP, .until = math_stops, .n_until = LENGTH(math_stops),
    .max_tokens = 256, .answers = &hendrycks_answers};
const struct recipe recipe_math500 = {.format = &format_generate, .load = load_jsonl,
    .read = read_math500, GAP, .until = math_stops, .n_until = LENGTH(math_stops),
    .max_tokens = 1024, .answers = &boxed_answers};
const struct recipe recipe_stories = {.format = &format_rolling, .load = load_stories, GAP,
    .shots = SHOTS_FIXED_0};
const struct recipe recipe_wikitext = {.format = &format_rolling, .load = load_wikitext, GAP,
    .shots = SHOTS_FIXED_0};
const struct recipe recipe_windows = {.format = &format_windows, .load = load_text, GAP,
    .shots = SHOTS_FIXED_0};
const struct recipe recipe_prose_text = {.format = &format_rolling, .load = load_prose, GAP,
    .shots = SHOTS_FIXED_0};

/* --- gsm8k, step by step ------------------------------------------------------------------ */

/* What stands behind the last "####"; an example has it finished. */
static void cot_target(struct record *r)
{
    const char *s, *next;

    if (json_get(r->json, "target")) {
        record_target(r, record_field(r, "target"));
        return;
    }
    for (s = record_field(r, "answer"); (next = strstr(s, "####")) != NULL;)
        s = next + 4;
    record_target(r, record_strip(r, s));
}

static void read_gsm8k_cot(struct record *r)
{
    cot_target(r);
    r->doc->text = record_text(r, "Q: %s\nA:", record_field(r, "question"));
}

static void read_gsm8k_aloud(struct record *r)
{
    record_target(r, record_field(r, "answer"));
    r->doc->text = record_text(r, "Q: %s\nA: Let's think step by step.",
                               record_field(r, "question"));
}

static const char *const cot_stops[] = {"Q:", "</s>", "<|im_end|>"};
static const struct answer_rules cot_answers = {
    .filters = {{"strict-match", "The answer is (\\-?[0-9\\.\\,]+).", 0, NULL, NULL},
                {"flexible-extract", "(-?[$0-9.,]{2,})|(-?[0-9]+)", -1, NULL, NULL}},
    .n_filters = 2,
    .ignore = {",", "\\$", "(?s).*#### ", "\\.$"},
    .ignore_case = 1,
};
const struct recipe recipe_gsm8k_cot = {
    .format = &format_generate, .load = load_jsonl, .read = read_gsm8k_cot, GAP,
    .shots = SHOTS_FIRST, .exemplars = gsm8k_cot_exemplars, .until = cot_stops,
    .n_until = LENGTH(cot_stops), .max_tokens = 256, .answers = &cot_answers,
};
const struct recipe recipe_gsm8k_cot_zeroshot = {
    .format = &format_generate, .load = load_jsonl, .read = read_gsm8k_aloud, GAP,
    .until = cot_stops, .n_until = LENGTH(cot_stops), .max_tokens = 256, .answers = &cot_answers,
};

/* --- choices ------------------------------------------------------------------------------ */

static void read_ceval(struct record *r)
{
    static const char *const letters[] = {"A", "B", "C", "D"};

    record_choices(r, letters, 4);
    r->doc->gold = record_letter(r, "answer", 4);
    r->doc->text = record_text(r, "%s\nA. %s\nB. %s\nC. %s\nD. %s\n答案：",
                               record_strip(r, record_field(r, "question")), record_field(r, "A"),
                               record_field(r, "B"), record_field(r, "C"), record_field(r, "D"));
}

const struct recipe recipe_ceval = {
    .format = &format_choice, .load = load_csv, .read = read_ceval, GAP, .shots = SHOTS_FIRST,
    .metrics = {"acc", "acc_norm"}, .about = "以下是中国关于",
    .about_end = "的单项选择题，请选出其中的正确答案。\n\n",
};

/* " " and the sentence with its first letter small: with the delimiter two blanks, as there. */
static const char *second_half(struct record *r, const char *key)
{
    const char *s = record_field(r, key);
    size_t n = utf8_len(s, strlen(s));
    struct strbuf b = STRBUF_INIT;

    if (n == 0)
        record_fail(r, "\"%s\" is empty", key);
    strbuf_addc(&b, ' ');
    py_lower(&b, s, n);
    strbuf_adds(&b, s + n);
    return record_keep(r, &b);
}

/* The premise without its full stop, and how it goes on. */
static void read_copa(struct record *r)
{
    const char *premise = record_strip(r, record_field(r, "premise"));
    const char *asked = record_field(r, "question");
    const char *choices[2] = {second_half(r, "choice1"), second_half(r, "choice2")};
    size_t n = strlen(premise);

    do
        n -= n > 0;
    while (n > 0 && ((unsigned char)premise[n] & 0xc0) == 0x80);
    if (strcmp(asked, "cause") != 0 && strcmp(asked, "effect") != 0)
        record_fail(r, "\"question\" is neither \"cause\" nor \"effect\"");
    record_choices(r, choices, 2);
    r->doc->gold = record_index(r, "label", 0, 2);
    r->doc->text = record_text(r, "%.*s %s", (int)n, premise,
                               strcmp(asked, "cause") == 0 ? "because" : "therefore");
}

const struct recipe recipe_copa = {
    .format = &format_choice, .load = load_jsonl, .read = read_copa, GAP,
    .shots = SHOTS_DRAWN_ONE_MORE, .metrics = {"acc"},
};

static void read_social_iqa(struct record *r)
{
    const char *choices[3] = {record_field(r, "answerA"), record_field(r, "answerB"),
                              record_field(r, "answerC")};

    record_choices(r, choices, 3);
    r->doc->gold = record_index(r, "label", 1, 3);
    r->doc->text = record_text(r, "Q: %s %s\nA:", record_field(r, "context"),
                               record_field(r, "question"));
}

const struct recipe recipe_social_iqa = {
    .format = &format_choice, .load = load_jsonl, .read = read_social_iqa, GAP,
    .shots = SHOTS_DRAWN_ONE_MORE, .metrics = {"acc"},
};

/* --- mmlu_pro ----------------------------------------------------------------------------- */

static const char *question_with_options(struct record *r)
{
    enum { OPTIONS_MAX = 10 };
    const char *options[ANSWERS_MAX];
    int n = record_strings(r, r->json, "options", options, ANSWERS_MAX);
    struct strbuf b = STRBUF_INIT;

    strbuf_addf(&b, "Question:\n%s\nOptions:\n", record_field(r, "question"));
    for (int i = 0; i < n && i < OPTIONS_MAX; i++) {
        struct span s = py_strip(options[i], strlen(options[i]));
        strbuf_addf(&b, "%c. %.*s\n", 'A' + i, (int)s.n, s.s);
    }
    return record_keep(r, &b);
}

static void read_mmlu_pro(struct record *r)
{
    record_target(r, record_field(r, "answer"));
    r->doc->text = record_text(r, "%sAnswer: Let's think step by step.", question_with_options(r));
}

/* An example is its own answer, worked out. */
static void read_mmlu_pro_shown(struct record *r)
{
    const char *worked = record_field(r, "cot_content");
    struct strbuf b = STRBUF_INIT;

    record_target(r, "");
    strbuf_adds(&b, question_with_options(r));
    py_replace(&b, worked, strlen(worked), "A: Let's think step by step.",
               "Answer: Let's think step by step.");
    strbuf_adds(&b, "\n\n");
    r->doc->text = record_keep(r, &b);
}

static const char *const pro_stops[] = {"Question:"};
static const struct answer_rules pro_answers = {
    .filters = {{"custom-extract", "answer is \\(?([ABCDEFGHIJ])\\)?", 0, NULL, NULL}},
    .n_filters = 1,
    .ignore_case = 1,
    .ignore_punctuation = 1,
};
static const struct recipe mmlu_pro_shown = {
    .format = &format_generate, .load = load_jsonl, .read = read_mmlu_pro_shown,
};
const struct recipe recipe_mmlu_pro = {
    .format = &format_generate, .load = load_jsonl, .read = read_mmlu_pro, GAP,
    .shown = &mmlu_pro_shown, .where = "category", .shots = SHOTS_FIRST,
    .about = "The following are multiple choice questions (with answers) about ",
    .about_end = ". Think step by step and then finish your answer with \"the answer is (X)\" "
                 "where X is the correct letter choice.\n",
    .until = pro_stops, .n_until = LENGTH(pro_stops), .max_tokens = 2048, .answers = &pro_answers,
};

static void read_mmlu_pro_letters(struct record *r)
{
    static const char *const letters[] = {
        "A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L", "M",
        "N", "O", "P", "Q", "R", "S", "T", "U", "V", "W", "X", "Y", "Z",
    };
    const char *options[CHOICES_MAX];
    int n = record_strings(r, r->json, "options", options, CHOICES_MAX);
    struct strbuf b = STRBUF_INIT;

    record_choices(r, letters, n);
    r->doc->gold = n ? record_letter(r, "answer", n) : 0;
    strbuf_addf(&b, "%s\n", record_field(r, "question"));
    for (int i = 0; i < n; i++)
        strbuf_addf(&b, "%s. %s\n", letters[i], options[i]);
    strbuf_adds(&b, "Answer:");
    r->doc->text = record_keep(r, &b);
}

const struct recipe recipe_leaderboard_mmlu_pro = {
    .format = &format_choice, .load = load_jsonl, .read = read_mmlu_pro_letters, GAP,
    .shots = SHOTS_FIRST, .metrics = {"acc"},
};

/* --- texts -------------------------------------------------------------------------------- */

static void read_squad_completion(struct record *r)
{
    record_target(r, record_field(r, "value"));
    r->doc->text = record_text(r, "%s", record_field(r, "text"));
}

static const char *const line_end[] = {"\n"};
const struct recipe recipe_squad_completion = {
    .format = &format_contains, .load = load_jsonl, .read = read_squad_completion, GAP,
    .until = line_end, .n_until = 1, .max_tokens = 48,
};

/* Cleaned as WikiText is, whether it needs it or not; counted as it was. */
static void read_c4(struct record *r)
{
    const char *s = record_field(r, "text");
    struct strbuf b = STRBUF_INIT;

    if (!r->failed && wikitext_detokenize(&b, s, strlen(s), r->e) < 0)
        r->failed = 1;
    record_target(r, record_keep(r, &b));
    r->doc->text = record_text(r, "%s", s);
}

const struct recipe recipe_c4 = {
    .format = &format_rolling, .load = load_jsonl, .read = read_c4, GAP, .shots = SHOTS_FIXED_0,
};
