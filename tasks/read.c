/* read.c -- evaluation.md section 3, the columns "context", "continuation" and "gold". */
#include "tasks/read.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tasks/math.h"
#include "tasks/pytext.h"

enum { CHOICES_MAX = 26 };

static void fail(struct record *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void fail(struct record *r, const char *fmt, ...)
{
    char text[200];
    va_list ap;

    if (r->failed)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    err_set(r->e, ERR_FORMAT, "%s: %s", r->where, text);
    r->failed = 1;
}

static void no_memory(struct record *r)
{
    if (!r->failed)
        err_nomem(r->e);
    r->failed = 1;
}

static const char *string(struct record *r, const cJSON *object, const char *key)
{
    const char *s = json_str(object, key);

    if (!s)
        fail(r, "%s \"%s\"", json_get(object, key) ? "not a text:" : "no field", key);
    return s ? s : "";
}

static const char *field(struct record *r, const char *key)
{
    return string(r, r->json, key);
}

/* Puts what was built where the document keeps it. */
static const char *keep(struct record *r, struct strbuf *b)
{
    const char *s = b->failed ? NULL : arena_strndup(r->arena, strbuf_str(b), b->len);

    strbuf_release(b);
    if (!s)
        no_memory(r);
    return s ? s : "";
}

static const char *text(struct record *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
static const char *text(struct record *r, const char *fmt, ...)
{
    struct strbuf b = STRBUF_INIT;
    va_list ap;

    va_start(ap, fmt);
    strbuf_vaddf(&b, fmt, ap);
    va_end(ap);
    return keep(r, &b);
}

static const char *copy(struct record *r, struct span s)
{
    const char *t = arena_strndup(r->arena, s.s, s.n);

    if (!t)
        no_memory(r);
    return t ? t : "";
}

static const char *strip(struct record *r, const char *s)
{
    return copy(r, py_strip(s, strlen(s)));
}

/* Copies of n texts that live as long as the document. */
static const char *const *list(struct record *r, const char *const *texts, int n)
{
    const char **v = r->failed ? NULL : arena_alloc(r->arena, (size_t)n * sizeof *v);

    if (!v) {
        no_memory(r);
        return NULL;
    }
    for (int i = 0; i < n; i++)
        v[i] = copy(r, (struct span){texts[i], strlen(texts[i])});
    return v;
}

static void set_choices(struct record *r, const char *const *texts, int n)
{
    r->doc->choices = list(r, texts, n);
    r->doc->n_choices = n;
}

static void set_target(struct record *r, const char *s)
{
    r->doc->targets = list(r, &s, 1);
    r->doc->n_targets = 1;
}

/* An array of texts: how many, 0 after a failure. */
static int strings(struct record *r, const cJSON *object, const char *key, const char **out,
                   int most)
{
    const cJSON *array = json_get(object, key), *v;
    int n = 0;

    if (!cJSON_IsArray(array) || cJSON_GetArraySize(array) < 1 ||
        cJSON_GetArraySize(array) > most) {
        fail(r, "\"%s\" is not a list of 1 to %d texts", key, most);
        return 0;
    }
    cJSON_ArrayForEach(v, array)
    {
        if (!cJSON_IsString(v)) {
            fail(r, "\"%s\": entry %d is not a text", key, n);
            return 0;
        }
        out[n++] = v->valuestring;
    }
    return n;
}

/* A label from `base` on as an index into n choices; data sets write it as a number or as text. */
static int index_of(struct record *r, const char *key, int base, int n)
{
    const cJSON *v = json_get(r->json, key);
    double x = NAN;

    if (cJSON_IsNumber(v))
        x = v->valuedouble;
    else if (cJSON_IsString(v) && v->valuestring[0] >= '0' && v->valuestring[0] <= '9' &&
             !v->valuestring[1])
        x = v->valuestring[0] - '0';
    if (!(x >= base && x < base + n && x == floor(x))) {
        fail(r, "\"%s\" is not a label from %d to %d", key, base, base + n - 1);
        return 0;
    }
    return (int)x - base;
}

static int letter_of(struct record *r, const char *key, int n)
{
    const char *s = field(r, key);

    if (!r->failed && (s[0] < 'A' || s[0] >= 'A' + n || s[1]))
        fail(r, "\"%s\" is not a letter from A to %c", key, 'A' + n - 1);
    return r->failed ? 0 : s[0] - 'A';
}

/* {"choices": {"text": [...], "label": [...]}, "answerKey": one of the labels} */
static void labelled_choices(struct record *r, const char **texts, int *n)
{
    const cJSON *choices = json_get(r->json, "choices");
    const char *labels[CHOICES_MAX], *key = field(r, "answerKey");
    struct span want = py_lstrip(key, strlen(key));

    *n = strings(r, choices, "text", texts, CHOICES_MAX);
    if (strings(r, choices, "label", labels, CHOICES_MAX) != *n)
        fail(r, "%d choices but another number of labels", *n);
    r->doc->gold = -1;
    for (int i = *n - 1; i >= 0 && !r->failed; i--)
        if (strcmp(labels[i], want.s) == 0)
            r->doc->gold = i;
    if (r->doc->gold < 0)
        fail(r, "\"answerKey\" is none of the labels");
}

void read_arc(struct record *r)
{
    const char *texts[CHOICES_MAX];
    int n;

    labelled_choices(r, texts, &n);
    set_choices(r, texts, n);
    r->doc->text = text(r, "Question: %s\nAnswer:", field(r, "question"));
}

void read_openbookqa(struct record *r)
{
    const char *texts[CHOICES_MAX];
    const char *key = json_get(r->json, "question_stem") ? "question_stem" : "question";
    int n;

    labelled_choices(r, texts, &n);
    set_choices(r, texts, n);
    r->doc->text = text(r, "%s", field(r, key));
}

static const char *const letters[] = {"A", "B", "C", "D", "E"};

void read_commonsenseqa(struct record *r)
{
    const char *c[CHOICES_MAX] = {"", "", "", "", ""};
    int n;

    labelled_choices(r, c, &n);
    if (n != 5)
        fail(r, "%d choices where there are 5", n);
    set_choices(r, letters, 5);
    r->doc->text = text(r, "Question: %s\nA. %s\nB. %s\nC. %s\nD. %s\nE. %s\nAnswer:",
                        strip(r, field(r, "question")), c[0], c[1], c[2], c[3], c[4]);
}

int hellaswag_clean(struct strbuf *out, const char *s, struct err *e)
{
    struct span t = py_strip(s, strlen(s));
    struct strbuf a = STRBUF_INIT, b = STRBUF_INIT;
    int rc;

    py_replace(&a, t.s, t.n, " [title]", ". ");
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
    rc = strbuf_ok(&a, e) < 0 || strbuf_ok(&b, e) < 0 || strbuf_ok(out, e) < 0 ? -1 : 0;
    strbuf_release(&a);
    strbuf_release(&b);
    return rc;
}

static const char *cleaned(struct record *r, const char *s)
{
    struct strbuf b = STRBUF_INIT;

    if (hellaswag_clean(&b, s, r->e) < 0)
        r->failed = 1;
    return keep(r, &b);
}

/* The original has markup in ctx_a, ctx_b and the endings; a file with "ctx" alone is cleaned. */
void read_hellaswag(struct record *r)
{
    const char *endings[4] = {"", "", "", ""};
    int original = json_get(r->json, "ctx_b") != NULL;

    if (strings(r, r->json, "endings", endings, 4) != 4)
        fail(r, "not 4 endings");
    for (int i = 0; i < 4 && original && !r->failed; i++)
        endings[i] = cleaned(r, endings[i]);
    set_choices(r, endings, 4);
    r->doc->gold = index_of(r, "label", 0, 4);
    if (original) {
        struct strbuf b = STRBUF_INIT;
        const char *second = field(r, "ctx_b"), *whole;
        strbuf_addf(&b, "%s: %s ", field(r, "activity_label"), field(r, "ctx_a"));
        py_capitalize(&b, second, strlen(second));
        whole = keep(r, &b);
        r->doc->text = cleaned(r, whole);
    } else {
        r->doc->text = text(r, "%s", field(r, "ctx"));
    }
}

void read_piqa(struct record *r)
{
    const char *c[2] = {field(r, "sol1"), field(r, "sol2")};

    set_choices(r, c, 2);
    r->doc->gold = index_of(r, "label", 0, 2);
    r->doc->text = text(r, "Question: %s\nAnswer:", field(r, "goal"));
}

/* The choices are the contexts; what follows the blank is asked after each of them. */
void read_winogrande(struct record *r)
{
    const char *s = field(r, "sentence"), *blank = strchr(s, '_'), *c[2];

    if (!blank)
        fail(r, "\"sentence\" has no blank (_)");
    if (r->failed)
        return;
    c[0] = text(r, "%.*s%s", (int)(blank - s), s, field(r, "option1"));
    c[1] = text(r, "%.*s%s", (int)(blank - s), s, field(r, "option2"));
    set_choices(r, c, 2);
    r->doc->gold = index_of(r, "answer", 1, 2);
    set_target(r, strip(r, blank + 1));
}

void read_boolq(struct record *r)
{
    static const char *const c[2] = {"no", "yes"};
    const char *key = json_get(r->json, "answer") ? "answer" : "label";
    const cJSON *v = json_get(r->json, key);

    set_choices(r, c, 2);
    r->doc->gold = cJSON_IsBool(v) ? cJSON_IsTrue(v) : index_of(r, key, 0, 2);
    r->doc->passage = text(r, "%s", field(r, "passage"));
    r->doc->text = text(r, "%s\nQuestion: %s?\nAnswer:", r->doc->passage, field(r, "question"));
}

void read_sciq(struct record *r)
{
    const char *c[4] = {field(r, "distractor1"), field(r, "distractor2"), field(r, "distractor3"),
                        field(r, "correct_answer")};
    const char *support = field(r, "support");

    set_choices(r, c, 4);
    r->doc->gold = 3;
    r->doc->text = text(r, "%s\nQuestion: %s\nAnswer:", py_lstrip(support, strlen(support)).s,
                        field(r, "question"));
}

static void four_letters(struct record *r, const char *question, const char *answer,
                         const char *ask)
{
    set_choices(r, letters, 4);
    r->doc->gold = letter_of(r, answer, 4);
    r->doc->text = text(r, "%s\nA. %s\nB. %s\nC. %s\nD. %s\n%s", strip(r, field(r, question)),
                        field(r, "A"), field(r, "B"), field(r, "C"), field(r, "D"), ask);
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
    const char *s = field(r, "text"), *last = strrchr(s, ' ');

    if (!last)
        fail(r, "\"text\" is a single word");
    if (r->failed)
        return;
    r->doc->text = copy(r, (struct span){s, (size_t)(last - s)});
    set_target(r, last);
}

void read_gsm8k(struct record *r)
{
    set_target(r, field(r, "answer"));
    r->doc->text = text(r, "Question: %s\nAnswer:", field(r, "question"));
}

enum { ANSWERS_MAX = 1024 };

static void set_targets(struct record *r, const char *key)
{
    const char *answers[ANSWERS_MAX];

    r->doc->n_targets = strings(r, r->json, key, answers, ANSWERS_MAX);
    r->doc->targets = list(r, answers, r->doc->n_targets);
}

void read_nq_open(struct record *r)
{
    set_targets(r, "answer");
    r->doc->text = text(r, "Q: %s?\nA:", field(r, "question"));
}

/* The file at hand keeps the finished question under "context". */
void read_triviaqa(struct record *r)
{
    set_targets(r, "aliases");
    r->doc->text = json_get(r->json, "question")
                       ? text(r, "Question: %s?\nAnswer:", field(r, "question"))
                       : text(r, "%s", field(r, "context"));
}

/* {"answer": 1 or 0, ...} in the order of the file. */
static void judged_choices(struct record *r, const char *key)
{
    const cJSON *targets = json_get(r->json, key), *v;
    const char *choices[CHOICES_MAX];
    unsigned char *right = arena_alloc(r->arena, CHOICES_MAX);
    int n = 0;

    if (!right)
        no_memory(r);
    if (!cJSON_IsObject(targets) || cJSON_GetArraySize(targets) < 1 ||
        cJSON_GetArraySize(targets) > CHOICES_MAX)
        fail(r, "\"%s\" is not an object of 1 to %d answers", key, CHOICES_MAX);
    if (r->failed)
        return;
    cJSON_ArrayForEach(v, targets)
    {
        if (!cJSON_IsNumber(v) || (v->valuedouble != 0 && v->valuedouble != 1))
            fail(r, "\"%s\": answer %d is neither 0 nor 1", key, n);
        right[n] = v->valuedouble == 1;
        choices[n++] = v->string;
    }
    set_choices(r, choices, n);
    r->doc->right = right;
}

/* The questions and answers that every question is shown after are the data set's own protocol
 * (TruthfulQA, Lin et al. 2021; Apache-2.0). */
static void truthfulqa(struct record *r, const char *targets)
{
    judged_choices(r, targets);
    r->doc->gold = 0;
    if (!r->failed && !r->doc->right[0])
        fail(r, "\"%s\": the first answer is not right", targets);
    r->doc->text = text(
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
        "Q: %s\nA:", field(r, "question"));
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
    set_target(r, field(r, "target"));
    r->doc->text = text(r, "Q: %s\nA:", field(r, "input"));
}

void read_bbh_aloud(struct record *r)
{
    set_target(r, field(r, "target"));
    r->doc->text = text(r, "Q: %s\nA: Let's think step by step.", field(r, "input"));
}

/* An example answers with its reasoning. */
void read_bbh_cot(struct record *r)
{
    set_target(r, field(r, json_get(r->json, "reasoning") ? "reasoning" : "target"));
    r->doc->text = text(r, "Q: %s\nA: Let's think step by step.\n", field(r, "input"));
}

/* The answer is what the solution has in its last box. */
static void boxed_target(struct record *r)
{
    struct span answer = {"", 0};

    if (!math_boxed(field(r, "solution"), &answer))
        fail(r, "\"solution\" has no \\boxed answer");
    set_target(r, copy(r, answer));
}

void read_hendrycks_math(struct record *r)
{
    boxed_target(r);
    r->doc->text = text(r, "Problem: %s\nAnswer:", field(r, "problem"));
}

void read_math500(struct record *r)
{
    boxed_target(r);
    r->doc->text = text(r, "Problem: %s\nPut the final answer in \\boxed{}.\nSolution:",
                        field(r, "problem"));
}
