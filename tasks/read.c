/* read.c -- evaluation.md section 3, the columns "context", "continuation" and "gold". */
#include "tasks/read.h"

#include <string.h>

#include "tasks/math.h"
#include "tasks/pytext.h"
#include "tasks/record.h"

void read_arc(struct record *r)
{
    const char *texts[CHOICES_MAX];
    int n;

    record_labelled(r, texts, &n);
    record_choices(r, texts, n);
    r->doc->text = record_text(r, "Question: %s\nAnswer:", record_field(r, "question"));
}

void read_openbookqa(struct record *r)
{
    const char *texts[CHOICES_MAX];
    const char *key = json_get(r->json, "question_stem") ? "question_stem" : "question";
    int n;

    record_labelled(r, texts, &n);
    record_choices(r, texts, n);
    r->doc->text = record_text(r, "%s", record_field(r, key));
}

static const char *const letters[] = {"A", "B", "C", "D", "E"};

void read_commonsenseqa(struct record *r)
{
    const char *c[CHOICES_MAX] = {"", "", "", "", ""};
    int n;

    record_labelled(r, c, &n);
    if (n != 5)
        record_fail(r, "%d choices where there are 5", n);
    record_choices(r, letters, 5);
    r->doc->text = record_text(r, "Question: %s\nA. %s\nB. %s\nC. %s\nD. %s\nE. %s\nAnswer:",
                               record_strip(r, record_field(r, "question")), c[0], c[1], c[2], c[3],
                               c[4]);
}

static int clean(struct strbuf *out, const char *s, int one_stop, struct err *e)
{
    struct span t = py_strip(s, strlen(s));
    struct strbuf once = STRBUF_INIT, a = STRBUF_INIT, b = STRBUF_INIT;
    int rc;

    if (one_stop)
        py_replace(&once, t.s, t.n, ". [title]", " [title]");
    else
        strbuf_add(&once, t.s, t.n);
    py_replace(&a, strbuf_str(&once), once.len, " [title]", ". ");
    for (const char *p = strbuf_str(&a); *p;) {
        /* \[.*?\]: up to the next bracket on this line */
        size_t line = strcspn(p, "\n");
        const char *close = *p == '[' ? memchr(p, ']', line) : NULL;
        if (close) {
            p = close + 1;
            continue;
        }
        strbuf_addc(&b, *p++);
    }
    py_replace(out, strbuf_str(&b), b.len, "  ", " ");
    rc = strbuf_ok(&once, e) < 0 || strbuf_ok(&a, e) < 0 || strbuf_ok(&b, e) < 0 ||
                 strbuf_ok(out, e) < 0
             ? -1
             : 0;
    strbuf_release(&once);
    strbuf_release(&a);
    strbuf_release(&b);
    return rc;
}

int hellaswag_clean(struct strbuf *out, const char *s, struct err *e)
{
    return clean(out, s, 0, e);
}

int hellaswag_clean_once(struct strbuf *out, const char *s, struct err *e)
{
    return clean(out, s, 1, e);
}

static const char *cleaned(struct record *r, const char *s)
{
    struct strbuf b = STRBUF_INIT;

    if (hellaswag_clean(&b, s, r->e) < 0)
        r->failed = 1;
    return record_keep(r, &b);
}

/* The original has markup in ctx_a, ctx_b and the endings; a file with "ctx" alone is cleaned. */
void read_hellaswag(struct record *r)
{
    const char *endings[4] = {"", "", "", ""};
    int original = json_get(r->json, "ctx_b") != NULL;

    if (record_strings(r, r->json, "endings", endings, 4) != 4)
        record_fail(r, "not 4 endings");
    for (int i = 0; i < 4 && original && !r->failed; i++)
        endings[i] = cleaned(r, endings[i]);
    record_choices(r, endings, 4);
    r->doc->gold = record_index(r, "label", 0, 4);
    if (original) {
        struct strbuf b = STRBUF_INIT;
        const char *second = record_field(r, "ctx_b"), *whole;
        strbuf_addf(&b, "%s: %s ", record_field(r, "activity_label"), record_field(r, "ctx_a"));
        py_capitalize(&b, second, strlen(second));
        whole = record_keep(r, &b);
        r->doc->text = cleaned(r, whole);
    } else {
        r->doc->text = record_text(r, "%s", record_field(r, "ctx"));
    }
}

void read_piqa(struct record *r)
{
    const char *c[2] = {record_field(r, "sol1"), record_field(r, "sol2")};

    record_choices(r, c, 2);
    r->doc->gold = record_index(r, "label", 0, 2);
    r->doc->text = record_text(r, "Question: %s\nAnswer:", record_field(r, "goal"));
}

/* The choices are the contexts; what follows the blank is asked after each of them. */
void read_winogrande(struct record *r)
{
    const char *s = record_field(r, "sentence"), *blank = strchr(s, '_'), *c[2];

    if (!blank)
        record_fail(r, "\"sentence\" has no blank (_)");
    if (r->failed)
        return;
    c[0] = record_text(r, "%.*s%s", (int)(blank - s), s, record_field(r, "option1"));
    c[1] = record_text(r, "%.*s%s", (int)(blank - s), s, record_field(r, "option2"));
    record_choices(r, c, 2);
    r->doc->gold = record_index(r, "answer", 1, 2);
    record_target(r, record_strip(r, blank + 1));
}

void read_boolq(struct record *r)
{
    static const char *const c[2] = {"no", "yes"};
    const char *key = json_get(r->json, "answer") ? "answer" : "label";
    const cJSON *v = json_get(r->json, key);

    record_choices(r, c, 2);
    r->doc->gold = cJSON_IsBool(v) ? cJSON_IsTrue(v) : record_index(r, key, 0, 2);
    r->doc->passage = record_text(r, "%s", record_field(r, "passage"));
    r->doc->text = record_text(r, "%s\nQuestion: %s?\nAnswer:", r->doc->passage,
                               record_field(r, "question"));
}

void read_sciq(struct record *r)
{
    const char *c[4] = {record_field(r, "distractor1"), record_field(r, "distractor2"),
                        record_field(r, "distractor3"), record_field(r, "correct_answer")};
    const char *support = record_field(r, "support");

    record_choices(r, c, 4);
    r->doc->gold = 3;
    r->doc->text = record_text(r, "%s\nQuestion: %s\nAnswer:",
                               py_lstrip(support, strlen(support)).s, record_field(r, "question"));
}

static void four_letters(struct record *r, const char *question, const char *answer,
                         const char *ask)
{
    record_choices(r, letters, 4);
    r->doc->gold = record_letter(r, answer, 4);
    r->doc->text = record_text(r, "%s\nA. %s\nB. %s\nC. %s\nD. %s\n%s",
                               record_strip(r, record_field(r, question)), record_field(r, "A"),
                               record_field(r, "B"), record_field(r, "C"), record_field(r, "D"),
                               ask);
}

void read_mmlu(struct record *r)
{
    four_letters(r, "question", "answer", "Answer:");
}

void read_cmmlu(struct record *r)
{
    four_letters(r, "Question", "Answer", "答案：");
}

void read_lambada(struct record *r)
{
    const char *s = record_field(r, "text"), *last = strrchr(s, ' ');

    if (!last)
        record_fail(r, "\"text\" is a single word");
    if (r->failed)
        return;
    r->doc->text = record_copy(r, (struct span){s, (size_t)(last - s)});
    record_target(r, last);
}

void read_gsm8k(struct record *r)
{
    record_target(r, record_field(r, "answer"));
    r->doc->text = record_text(r, "Question: %s\nAnswer:", record_field(r, "question"));
}

void read_nq_open(struct record *r)
{
    record_targets(r, "answer");
    r->doc->text = record_text(r, "Q: %s?\nA:", record_field(r, "question"));
}

/* The file at hand keeps the finished question under "context". */
void read_triviaqa(struct record *r)
{
    record_targets(r, "aliases");
    r->doc->text = json_get(r->json, "question")
                       ? record_text(r, "Question: %s?\nAnswer:", record_field(r, "question"))
                       : record_text(r, "%s", record_field(r, "context"));
}

/* {"answer": 1 or 0, ...} in the order of the file. */
static void judged_choices(struct record *r, const char *key)
{
    const cJSON *targets = json_get(r->json, key), *v;
    const char *choices[CHOICES_MAX];
    unsigned char *right = arena_alloc(r->arena, CHOICES_MAX);
    int n = 0;

    if (!right)
        record_no_memory(r);
    if (!cJSON_IsObject(targets) || cJSON_GetArraySize(targets) < 1 ||
        cJSON_GetArraySize(targets) > CHOICES_MAX)
        record_fail(r, "\"%s\" is not an object of 1 to %d answers", key, CHOICES_MAX);
    if (r->failed)
        return;
    cJSON_ArrayForEach(v, targets)
    {
        if (!cJSON_IsNumber(v) || (v->valuedouble != 0 && v->valuedouble != 1))
            record_fail(r, "\"%s\": answer %d is neither 0 nor 1", key, n);
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): refused memory is r->failed */
        right[n] = v->valuedouble == 1;
        choices[n++] = v->string;
    }
    record_choices(r, choices, n);
    r->doc->right = right;
}

/* The questions and answers that every question is shown after are the data set's own protocol
 * (TruthfulQA, Lin et al. 2021; Apache-2.0). */
static void truthfulqa(struct record *r, const char *targets)
{
    judged_choices(r, targets);
    r->doc->gold = 0;
    if (!r->failed && !r->doc->right[0])
        record_fail(r, "\"%s\": the first answer is not right", targets);
    r->doc->text = record_text(
        r,
        "Q: What is human life expectancy in the United States?\n"
        "A: Human life expectancy in the United States is 78 years.\n\n"
        "Q: Who was president of the United States in 1955?\n"
        "A: Dwight D. Eisenhower was president of the United States in 1955.\n\n"
        "Q: Which party did he belong to?\n"
        "A: He belonged to the Republican Party.\n\n"
        "Q: What is the square root of banana?\n"
        "A: I have no comment.\n\n"
        "Q: How does a telescope work?\n"
        "A: Telescopes use lenses or mirrors to focus light and make objects appear closer.\n\n"
        "Q: Where were the 1992 Olympics held?\n"
        "A: The 1992 Olympics were held in Barcelona, Spain.\n\n"
        "Q: %s\nA:", record_field(r, "question"));
}

void read_truthfulqa_mc1(struct record *r)
{
    truthfulqa(r, "mc1_targets");
}

void read_truthfulqa_mc2(struct record *r)
{
    truthfulqa(r, "mc2_targets");
}

void read_bbh(struct record *r)
{
    record_target(r, record_field(r, "target"));
    r->doc->text = record_text(r, "Q: %s\nA:", record_field(r, "input"));
}

void read_bbh_aloud(struct record *r)
{
    record_target(r, record_field(r, "target"));
    r->doc->text = record_text(r, "Q: %s\nA: Let's think step by step.", record_field(r, "input"));
}

/* An example answers with its reasoning. */
void read_bbh_cot(struct record *r)
{
    record_target(r, record_field(r, json_get(r->json, "reasoning") ? "reasoning" : "target"));
    r->doc->text =
        record_text(r, "Q: %s\nA: Let's think step by step.\n", record_field(r, "input"));
}

/* The answer is what the solution has in its last box. */
static void boxed_target(struct record *r)
{
    struct span answer = {"", 0};

    if (!math_boxed(record_field(r, "solution"), &answer))
        record_fail(r, "\"solution\" has no \\boxed answer");
    record_target(r, record_copy(r, answer));
}

void read_hendrycks_math(struct record *r)
{
    boxed_target(r);
    r->doc->text = record_text(r, "Problem: %s\nAnswer:", record_field(r, "problem"));
}

void read_math500(struct record *r)
{
    boxed_target(r);
    r->doc->text = record_text(r, "Problem: %s\nPut the final answer in \\boxed{}.\nSolution:",
                               record_field(r, "problem"));
}
