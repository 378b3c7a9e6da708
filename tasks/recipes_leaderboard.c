/* recipes_leaderboard.c -- the question sets of Hugging Face's second leaderboard (2024 to 2025) as
 * lm-eval's group `leaderboard` asks them: BIG-Bench Hard and MuSR by choices, GPQA by letters, the
 * hardest fifth of MATH worked out. */
#include <string.h>

#include "base/rng.h"
#include "tasks/answer.h"
#include "tasks/bbh.h"
#include "tasks/exemplars.h"
#include "tasks/format.h"
#include "tasks/load.h"
#include "tasks/math.h"
#include "tasks/mathverify.h"
#include "tasks/pyliteral.h"
#include "tasks/read.h"
#include "tasks/recipes.h"
#include "tasks/record.h"

#define LENGTH(a) ((int)(sizeof(a) / sizeof(a)[0]))
#define GAP .target_delimiter = " ", .shot_delimiter = "\n\n"

/* --- BIG-Bench Hard ----------------------------------------------------------------------- */

/* Three documents of the data set have an answer that is none of the choices: none is right. */
static void bbh_choice(struct record *r, const char *const *choices, int n)
{
    const char *target = record_field(r, "target");

    record_choices(r, choices, n);
    record_target(r, target);
    r->doc->gold = -1;
    for (int i = 0; i < n; i++)
        if (strcmp(choices[i], target) == 0)
            r->doc->gold = i;
    r->doc->text = record_text(r, "Q: %s\nA:", record_field(r, "input"));
}

/* lm-eval has the description without an empty line below it here. */
static int load_described(struct docs *out, const char *path, const struct recipe *r,
                          struct err *e)
{
    int rc = load_bbh_prompts(out, path, r, e);
    size_t n = rc == 0 && out->about ? strlen(out->about) : 0;

    while (n && out->about[n - 1] == '\n')
        n--;
    if (rc == 0 && out->about && !(out->about = arena_strndup(&out->arena, out->about, n))) {
        docs_release(out);
        return err_nomem(e);
    }
    return rc;
}

static const char *const options[] = {
    "(A)", "(B)", "(C)", "(D)", "(E)", "(F)", "(G)", "(H)", "(I)",
    "(J)", "(K)", "(L)", "(M)", "(N)", "(O)", "(P)", "(Q)", "(R)",
};
static const char *const truth[] = {"False", "True"}, *const answers[] = {"Yes", "No"},
                  *const validity[] = {"valid", "invalid"}, *const plausible[] = {"yes", "no"},
                  *const counts[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9",
                                     "10", "11", "12", "13", "14", "15", "16", "17", "18"};

#define BBH(name, choices, n)                                                                      \
    static void read_bbh_##name(struct record *r)                                                  \
    {                                                                                              \
        bbh_choice(r, choices, n);                                                                 \
    }                                                                                              \
    const struct recipe recipe_leaderboard_bbh_##name = {                                          \
        .format = &format_choice, .load = load_json, .read = read_bbh_##name,                      \
        .load_pool = load_described, GAP, .shots = SHOTS_FIRST, .metrics = {"acc_norm"}}

BBH(2, options, 2);
BBH(3, options, 3);
BBH(4, options, 4);
BBH(5, options, 5);
BBH(6, options, 6);
BBH(7, options, 7);
BBH(11, options, 11);
BBH(18, options, 18);
BBH(truth, truth, LENGTH(truth));
BBH(yes_no, answers, LENGTH(answers));
BBH(validity, validity, LENGTH(validity));
BBH(plausible, plausible, LENGTH(plausible));
BBH(count, counts, LENGTH(counts));

/* --- MuSR --------------------------------------------------------------------------------- */

/* "choices" is a Python list, as text. */
static int literal_choices(struct record *r, const char **out)
{
    const char *text = record_field(r, "choices");
    cJSON *list = r->failed ? NULL : pyliteral_parse(text, strlen(text), r->e);
    const cJSON *v;
    int n = 0;

    if (!r->failed && !list)
        r->failed = 1;
    if (list && (!cJSON_IsArray(list) || cJSON_GetArraySize(list) < 2 ||
                 cJSON_GetArraySize(list) > CHOICES_MAX))
        record_fail(r, "\"choices\" is no list of 2 to %d", CHOICES_MAX);
    cJSON_ArrayForEach(v, list)
    {
        if (r->failed)
            break;
        if (!cJSON_IsString(v))
            record_fail(r, "\"choices\" has what is no text");
        else
            out[n++] = record_text(r, "%s", v->valuestring);
    }
    json_free(list);
    return r->failed ? 0 : n;
}

static void read_musr(struct record *r)
{
    const char *choices[CHOICES_MAX], *right = record_field(r, "answer_choice");
    int n = literal_choices(r, choices);
    struct strbuf b = STRBUF_INIT;

    record_choices(r, choices, n);
    strbuf_addf(&b, "%s\n\n", record_field(r, "narrative"));
    strbuf_addf(&b, "%s\n\n", record_field(r, "question"));
    for (int i = n; i-- > 0;)
        if (strcmp(choices[i], right) == 0)
            r->doc->gold = i;
    for (int i = 0; i < n; i++)
        strbuf_addf(&b, "%d - %s\n", i + 1, choices[i]);
    strbuf_adds(&b, "\nAnswer:");
    if (!r->failed && r->doc->gold < 0)
        record_fail(r, "\"answer_choice\" is none of the choices");
    r->doc->text = record_keep(r, &b);
}

const struct recipe recipe_leaderboard_musr = {
    .format = &format_choice, .load = load_jsonl, .read = read_musr, GAP, .metrics = {"acc_norm"},
};

/* --- GPQA --------------------------------------------------------------------------------- */

static const char *gpqa_option(struct record *r, const char *key)
{
    struct strbuf b = STRBUF_INIT;

    if (cJSON_IsNull(json_get(r->json, key)))
        return " ";
    if (hellaswag_clean(&b, record_field(r, key), r->e) < 0)
        r->failed = 1;
    return record_keep(r, &b);
}

/* The options wait among the targets for their order. */
static void read_gpqa(struct record *r)
{
    static const char *const keys[] = {"Incorrect Answer 1", "Incorrect Answer 2",
                                       "Incorrect Answer 3", "Correct Answer"};
    const char *texts[4];

    for (int i = 0; i < 4; i++)
        texts[i] = gpqa_option(r, keys[i]);
    record_choices(r, options, 4);
    r->doc->targets = record_list(r, texts, 4);
    r->doc->n_targets = 4;
    r->doc->text = record_text(r, "%s", record_field(r, "Question"));
}

/* random.shuffle, then the first place of the right option, as Python's list.index says it. */
static int gpqa_shuffle(struct docs *docs, struct doc *d, struct rng *rng, struct err *e)
{
    const char *v[4];
    struct strbuf b = STRBUF_INIT;

    memcpy(v, d->targets, sizeof v);
    for (uint32_t i = 3; i > 0; i--) {
        uint32_t j = rng_below(rng, i + 1);
        const char *held = v[i];
        v[i] = v[j];
        v[j] = held;
    }
    for (int i = 4; i-- > 0;)
        if (strcmp(v[i], d->targets[3]) == 0)
            d->gold = i;
    strbuf_addf(&b, "What is the correct answer to this question:%s\nChoices:\n", d->text);
    for (int i = 0; i < 4; i++)
        strbuf_addf(&b, "%s %s\n", options[i], v[i]);
    strbuf_adds(&b, "Answer: ");
    d->text = strbuf_ok(&b, e) == 0 ? arena_strdup(&docs->arena, strbuf_str(&b)) : NULL;
    strbuf_release(&b);
    d->targets = NULL;
    d->n_targets = 0;
    return d->text ? 0 : err_nomem(e);
}

/* lm-eval shuffles by Python's global generator, which it has seeded with 0. */
static int load_gpqa(struct docs *out, const char *path, const struct recipe *r, struct err *e)
{
    struct rng rng;
    int rc = load_jsonl(out, path, r, e);

    rng_seed(&rng, 0);
    for (size_t i = 0; rc == 0 && i < out->n; i++)
        rc = gpqa_shuffle(out, &out->v[i], &rng, e);
    if (rc < 0)
        docs_release(out);
    return rc;
}

const struct recipe recipe_leaderboard_gpqa = {
    .format = &format_choice, .load = load_gpqa, .read = read_gpqa, GAP, .metrics = {"acc_norm"},
};

/* --- MATH --------------------------------------------------------------------------------- */

/* An example shows its whole solution.  A reply is compared with a whole solution, too: the second
 * target; the first is the answer alone, for people. */
static void read_math_hard(struct record *r)
{
    const char *solution = record_field(r, "solution");
    const char *both[2] = {NULL, solution};
    struct span answer = {"", 0};

    if (json_get(r->json, "few_shot"))
        record_target(r, solution);
    else if (!math_boxed(solution, &answer))
        record_fail(r, "\"solution\" has no \\boxed answer");
    else {
        both[0] = record_copy(r, answer);
        r->doc->targets = record_list(r, both, 2);
        r->doc->n_targets = 2;
    }
    r->doc->text = record_text(r, "Problem:\n%s\n\nSolution:", record_field(r, "problem"));
}

static const char *const problem[] = {"Problem:"};
static int verified(const char *got, const char *want, struct err *e)
{
    return strstr(want, "\\boxed") ? mathverify_once(want, 1, got, e) : 0;
}

static const struct answer_rules whole_reply = {
    .filters = {{"none", NULL, 0, find_all, NULL}}, .n_filters = 1, .equal = verified,
};
const struct recipe recipe_leaderboard_math_hard = {
    .format = &format_generate, .load = load_jsonl, .read = read_math_hard, GAP, .where = "level",
    .shots = SHOTS_FIRST, .exemplars = minerva_exemplars, .until = problem, .n_until = 1,
    .max_tokens = 1024, .answers = &whole_reply,
};
