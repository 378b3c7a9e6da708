/* bbh.c -- BIG-Bench Hard as lm-eval asks it, with its prompt files and without examples.
 *
 * A prompt file is a warning to those who train on it, a line of dashes, the description, and
 * examples "Q: ... A: Let's think step by step. ... the answer is ...." with empty lines between
 * them.  lm-eval shows the same texts: as they are where the model is to reason, else the bare
 * answers. */
#include "tasks/bbh.h"

#include <string.h>

#include "tasks/answer.h"
#include "tasks/answer_bbh.h"
#include "tasks/format.h"
#include "tasks/load.h"
#include "tasks/pytext.h"
#include "tasks/read.h"
#include "tasks/recipes.h"

#define LENGTH(a) ((int)(sizeof(a) / sizeof(a)[0]))
#define GAP .target_delimiter = " ", .shot_delimiter = "\n\n"

/* --- prompt files ------------------------------------------------------------------------- */

static const char question[] = "\n\nQ: ", think[] = "\nA: Let's think step by step.",
                  conclusion[] = "the answer is ";

/* What follows the last "the answer is", without the full stop. */
static struct span concluded(struct span reasoning)
{
    const char *s = reasoning.s, *end = s + reasoning.n, *last = NULL;

    while ((s = memmem(s, (size_t)(end - s), conclusion, sizeof conclusion - 1)) != NULL)
        last = s += sizeof conclusion - 1;
    if (!last)
        return (struct span){NULL, 0};
    return (struct span){last, (size_t)(end - last) - (end > last && end[-1] == '.')};
}

static int push_example(struct docs *out, struct span s, const char *where,
                        const struct recipe *r, struct err *e)
{
    const char *asks = memmem(s.s, s.n, think, sizeof think - 1), *answer;
    struct strbuf b = STRBUF_INIT;
    struct json_out o = JSON_OUT(&b);
    struct span reasoning, target;
    int rc;

    answer = asks ? asks + sizeof think - 1 : NULL;
    if (!answer || answer == s.s + s.n)
        return err_set(e, ERR_FORMAT, "%s: not answered step by step", where);
    reasoning = py_rstrip(answer + 1, s.n - (size_t)(answer + 1 - s.s));
    target = concluded(reasoning);
    if (!target.s)
        return err_set(e, ERR_FORMAT, "%s: has no \"%s...\"", where, conclusion);
    json_begin_object(&o, NULL);
    json_put_strn(&o, "input", s.s, (size_t)(asks - s.s));
    json_put_strn(&o, "target", target.s, target.n);
    json_put_strn(&o, "reasoning", reasoning.s, reasoning.n);
    json_end_object(&o);
    rc = strbuf_ok(&b, e) < 0 ? -1 : parse_record(out, b.s, b.len, where, r, e);
    strbuf_release(&b);
    return rc;
}

/* The description: what stands between the dashes and the first question. */
static int set_about(struct docs *out, const char *s, size_t n, struct err *e)
{
    struct strbuf about = STRBUF_INIT;

    if (n > 0)
        strbuf_addf(&about, "%.*s\n\n", (int)n, s);
    out->about = about.failed ? NULL : arena_strdup(&out->arena, strbuf_str(&about));
    strbuf_release(&about);
    return out->about ? 0 : err_nomem(e);
}

int parse_bbh_prompts(struct docs *out, const char *s, const char *name, const struct recipe *r,
                      struct err *e)
{
    static const char dashes[] = "-----\n";
    const char *body = strstr(s, dashes), *at = body ? strstr(body, question) : NULL;
    int n = 0, rc;

    *out = (struct docs){0};
    if (!at)
        return err_set(e, ERR_FORMAT, "%s: not a prompt file: no dashes with questions below",
                       name);
    body += sizeof dashes - 1;
    rc = set_about(out, body, at > body ? (size_t)(at - body) : 0, e);
    while (at && rc == 0) {
        struct strbuf where = STRBUF_INIT;
        const char *from = at + sizeof question - 1;
        at = strstr(from, question);
        strbuf_addf(&where, "%s: example %d", name, n++);
        rc = strbuf_ok(&where, e);
        if (rc == 0)
            rc = push_example(out, (struct span){from, at ? (size_t)(at - from) : strlen(from)},
                              where.s, r, e);
        strbuf_release(&where);
    }
    if (rc < 0)
        docs_release(out);
    return rc;
}

int load_bbh_prompts(struct docs *out, const char *path, const struct recipe *r, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    int rc = -1;

    *out = (struct docs){0};
    if (load_whole(&b, path, e) == 0)
        rc = parse_bbh_prompts(out, strbuf_str(&b), path, r, e);
    strbuf_release(&b);
    return rc;
}

/* --- recipes ------------------------------------------------------------------------------ */

static const char *const bbh_stops[] = {"</s>", "Q", "\n\n"};

static const struct answer_rules as_it_is = {
    .filters = {{"none", NULL, 0, find_all, NULL}},
    .n_filters = 1,
};
static const struct answer_rules bbh_cot_answers = {
    .filters = {{"get-answer", "(?<=the answer is )(.*)(?=.)", 0, NULL, NULL}},
    .n_filters = 1,
};
const struct recipe recipe_bbh = {.format = &format_generate, .load = load_json, .read = read_bbh,
    .load_pool = load_bbh_prompts, GAP, .shots = SHOTS_FIRST, .until = bbh_stops,
    .n_until = LENGTH(bbh_stops), .max_tokens = 256, .answers = &as_it_is};
const struct recipe recipe_bbh_cot = {.format = &format_generate, .load = load_json,
    .read = read_bbh_cot, .load_pool = load_bbh_prompts, .target_delimiter = "",
    .shot_delimiter = "\n\n", .shots = SHOTS_FIRST, .until = bbh_stops,
    .n_until = LENGTH(bbh_stops), .max_tokens = 1024, .answers = &bbh_cot_answers};

/* Without examples: what may be looked for in the answer, once for each way of asking. */
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
    const struct recipe recipe_bbh_zero_##kind = {.format = &format_generate, .load = load_json,   \
        .read = read_bbh, .load_pool = load_bbh_prompts, GAP, .until = bbh_zero_stops,             \
        .n_until = LENGTH(bbh_zero_stops), .max_tokens = 256,                                      \
        .answers = &bbh_zero_##kind##_rules};                                                      \
    const struct recipe recipe_bbh_aloud_##kind = {.format = &format_generate, .load = load_json,  \
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
