/* recipes_olmes.c -- OLMES (Gu et al. 2024, "OLMES: A Standard for Language Model Evaluations"):
 * ten tasks, each asked by letter (multiple-choice formulation, _mc) and by text (completion or
 * cloze formulation, _cf; OLMES calls it rc), after the same five curated examples.
 *
 * By text the likelihoods are compared as OLMES found best for each task: per character (of what is
 * predicted, the blank before it included), less what the option has after "Answer:" alone, or as
 * they are.  Of data sets of more than 1500 questions 1000 are asked. */
#include <string.h>

#include "base/mem.h"
#include "tasks/curated.h"
#include "tasks/format.h"
#include "tasks/load.h"
#include "tasks/pytext.h"
#include "tasks/read.h"
#include "tasks/recipes.h"
#include "tasks/record.h"

#define GAP .target_delimiter = " ", .shot_delimiter = "\n\n"

enum asked { BY_TEXT, BY_LETTER };

/* The question's lines, for letters the options' (a blank before each letter, so that it is the
 * token that answers), and "Answer:". */
static void ask(struct record *r, enum asked by, const char *question, const char *const *options,
                int n)
{
    static const char *const letters[] = {"A", "B", "C", "D", "E", "F", "G", "H"};
    struct strbuf b = STRBUF_INIT;

    if (n > (int)(sizeof letters / sizeof *letters))
        record_fail(r, "%d choices where there are at most 8", n);
    if (r->failed)
        return;
    strbuf_addf(&b, "%s\n", question);
    for (int i = 0; by == BY_LETTER && i < n; i++)
        strbuf_addf(&b, " %s. %s\n", letters[i], options[i]);
    strbuf_adds(&b, "Answer:");
    r->doc->text = record_keep(r, &b);
    record_choices(r, by == BY_LETTER ? letters : options, n);
}

static void labelled(struct record *r, enum asked by, const char *key)
{
    const char *options[CHOICES_MAX];
    int n;

    record_labelled(r, options, &n);
    ask(r, by, record_text(r, "Question: %s", record_field(r, key)), options, n);
}

static void arc(struct record *r, enum asked by)
{
    labelled(r, by, "question");
}

static void openbookqa(struct record *r, enum asked by)
{
    labelled(r, by, json_get(r->json, "question_stem") ? "question_stem" : "question");
}

static void boolq(struct record *r, enum asked by)
{
    static const char *const options[] = {"yes", "no"};

    read_boolq(r);
    r->doc->gold = 1 - r->doc->gold;
    ask(r, by, record_text(r, "%s\nQuestion: %s?", record_field(r, "passage"),
                           record_field(r, "question")), options, 2);
}

static void piqa(struct record *r, enum asked by)
{
    const char *options[] = {record_field(r, "sol1"), record_field(r, "sol2")};

    r->doc->gold = record_index(r, "label", 0, 2);
    ask(r, by, record_text(r, "Goal: %s", record_field(r, "goal")), options, 2);
}

static void social_iqa(struct record *r, enum asked by)
{
    const char *options[] = {record_field(r, "answerA"), record_field(r, "answerB"),
                             record_field(r, "answerC")};

    r->doc->gold = record_index(r, "label", 1, 3);
    ask(r, by, record_text(r, "Question: %s %s", record_field(r, "context"),
                           record_field(r, "question")), options, 3);
}

static void mmlu(struct record *r, enum asked by)
{
    const char *options[] = {record_field(r, "A"), record_field(r, "B"), record_field(r, "C"),
                             record_field(r, "D")};

    r->doc->gold = record_letter(r, "answer", 4);
    ask(r, by, record_text(r, "Question: %s", record_field(r, "question")), options, 4);
}

static const char *cleaned(struct record *r, const char *s)
{
    struct strbuf b = STRBUF_INIT;

    if (!r->failed && hellaswag_clean_once(&b, s, r->e) < 0)
        r->failed = 1;
    return record_keep(r, &b);
}

/* By letter all of the question is cleaned at once, by text what precedes and each ending. */
static void hellaswag(struct record *r, enum asked by)
{
    const char *second = record_field(r, "ctx_b"), *endings[4] = {"", "", "", ""}, *scene;
    struct strbuf b = STRBUF_INIT;

    if (record_strings(r, r->json, "endings", endings, 4) != 4)
        record_fail(r, "not 4 endings");
    strbuf_addf(&b, "%s: %s ", record_field(r, "activity_label"), record_field(r, "ctx_a"));
    py_capitalize(&b, second, strlen(second));
    scene = record_keep(r, &b);
    r->doc->gold = record_index(r, "label", 0, 4);
    if (by == BY_LETTER) {
        ask(r, by, record_text(r, "%s\nChoose the best continuation:", scene), endings, 4);
        if (!r->failed)
            r->doc->text = cleaned(r, r->doc->text);
        return;
    }
    for (int i = 0; i < 4; i++)
        endings[i] = cleaned(r, endings[i]);
    record_choices(r, endings, 4);
    r->doc->text = cleaned(r, scene);
}

/* By text it is asked as lm-eval does: what follows the blank, after each option. */
static void winogrande_mc(struct record *r)
{
    const char *options[] = {record_field(r, "option1"), record_field(r, "option2")};

    r->doc->gold = record_index(r, "answer", 1, 2);
    ask(r, BY_LETTER, record_text(r, "Fill in the blank: %s", record_field(r, "sentence")), options,
        2);
}

#define BOTH(name)                                                                                 \
    static void name##_mc(struct record *r)                                                        \
    {                                                                                              \
        name(r, BY_LETTER);                                                                        \
    }                                                                                              \
    static void name##_cf(struct record *r)                                                        \
    {                                                                                              \
        name(r, BY_TEXT);                                                                          \
    }
BOTH(arc)
BOTH(openbookqa)
BOTH(boolq)
BOTH(piqa)
BOTH(social_iqa)
BOTH(mmlu)
BOTH(hellaswag)

/* name, how its records are read, whose examples, how many items at most (0: all) */
#define MC(name, how, examples, of_most)                                                           \
    const struct recipe recipe_olmes_##name##_mc = {                                               \
        .format = &format_choice, .load = load_jsonl, .read = how##_mc, GAP,                       \
        .shots = SHOTS_CURATED, .curated = &curated_##examples, .most = (of_most),                 \
        .metrics = {"acc"}}
#define CF(name, how, examples, of_most, ...)                                                      \
    const struct recipe recipe_olmes_##name##_cf = {                                               \
        .format = &format_choice, .load = load_jsonl, .read = how##_cf, GAP,                       \
        .shots = SHOTS_CURATED, .curated = &curated_##examples, .most = (of_most), __VA_ARGS__}
#define PER_CHARACTER .metrics = {"acc", "acc_per_char"}
#define LESS_ALONE .metrics = {"acc", "acc_per_char", "acc_mutual_info"}, .alone = "Answer:"

MC(arc_easy, arc, arc_easy, 1000);
MC(arc_challenge, arc, arc_challenge, 0);
MC(boolq, boolq, boolq, 1000);
MC(commonsense_qa, arc, commonsense_qa, 0);
MC(hellaswag, hellaswag, hellaswag, 1000);
MC(openbookqa, openbookqa, openbookqa, 0);
MC(piqa, piqa, piqa, 1000);
MC(social_iqa, social_iqa, social_iqa, 1000);
MC(winogrande, winogrande, winogrande, 0);
CF(arc_easy, arc, arc_easy, 1000, PER_CHARACTER);
CF(arc_challenge, arc, arc_challenge, 0, LESS_ALONE);
CF(boolq, boolq, boolq, 1000, PER_CHARACTER);
CF(commonsense_qa, arc, commonsense_qa, 0, LESS_ALONE);
CF(hellaswag, hellaswag, hellaswag, 1000, PER_CHARACTER);
CF(openbookqa, openbookqa, openbookqa, 0, LESS_ALONE);
CF(piqa, piqa, piqa, 1000, PER_CHARACTER);
CF(social_iqa, social_iqa, social_iqa, 1000, PER_CHARACTER);

const struct recipe recipe_olmes_winogrande_cf = {
    .format = &format_context, .load = load_jsonl, .read = read_winogrande, GAP,
    .shots = SHOTS_CURATED, .curated = &curated_winogrande, .metrics = {"acc"},
};

static const char *const columns[] = {"question", "A", "B", "C", "D", "answer", NULL};
#define SUBJECT                                                                                    \
    .format = &format_choice, .load = load_csv, .columns = columns, GAP, .shots = SHOTS_FIRST,     \
    .about = "The following are multiple choice questions (with answers) about ",                  \
    .about_end = ".\n\n"
const struct recipe recipe_olmes_mmlu_mc = {SUBJECT, .read = mmlu_mc, .metrics = {"acc"}};
const struct recipe recipe_olmes_mmlu_cf = {SUBJECT, .read = mmlu_cf, PER_CHARACTER};
