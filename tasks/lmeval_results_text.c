/* lmeval_results_text.c -- the ways whose answers are texts. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/pyfloat.h"
#include "tasks/answer.h"
#include "tasks/bags.h"
#include "tasks/ifeval.h"
#include "tasks/likeness.h"
#include "tasks/lmeval_results.h"
#include "tasks/pyliteral.h"
#include "tasks/pyregex.h"
#include "tasks/pytext.h"

static int like(const char *how, const char *answer, const char *reference, double *out,
                struct err *e)
{
    const struct likeness *l = likeness_find(how);

    return l->of(l, answer, reference, out, e);
}

static char *stripped(const char *s)
{
    struct span t = py_strip(s, strlen(s));

    return mem_strndup(t.s, t.n);
}

/* The likest of a list of references, each of which has to be a text; -1 with e. */
static int likest(const char *how, const char *answer, const cJSON *references, double *out,
                  struct err *e)
{
    const cJSON *r;
    double v;

    *out = -1;
    cJSON_ArrayForEach(r, references)
    {
        if (!cJSON_IsString(r))
            return err_set(e, ERR_FORMAT, "a reference is no text");
        if (like(how, answer, r->valuestring, &v, e) < 0)
            return -1;
        *out = v > *out ? v : *out;
    }
    return *out >= 0 ? 0 : err_set(e, ERR_FORMAT, "there are no references");
}

/* --- questions with an answer in a text --------------------------------------------------- */

static int squad_of(const cJSON *reference, const char *answer, double *values, struct err *e)
{
    if (!cJSON_IsString(reference))
        return err_set(e, ERR_FORMAT, "'answers' has no text");
    return like("squad_em", answer, reference->valuestring, &values[0], e) < 0
               ? -1
               : like("squad_f1", answer, reference->valuestring, &values[1], e);
}

/* answers.text[0], as SQuAD has it. */
static int squad(const struct result_in *in, double *values, double *weights, struct err *e)
{
    (void)weights;
    return squad_of(cJSON_GetArrayItem(json_get(json_get(in->doc, "answers"), "text"), 0),
                    in->answer, values, e);
}

/* answers[0].text */
static int squad_list(const struct result_in *in, double *values, double *weights, struct err *e)
{
    (void)weights;
    return squad_of(json_get(cJSON_GetArrayItem(json_get(in->doc, "answers"), 0), "text"),
                    in->answer, values, e);
}

/* MLQA (Lewis et al. 2020); arg: the language. */
static int mlqa(const struct result_in *in, double *values, double *weights, struct err *e)
{
    const cJSON *references = json_get(in->doc, "answers");
    char *answer = stripped(in->answer);
    char em[16] = "mlqa_em_", f1[16] = "mlqa_f1_";
    int rc;

    (void)weights;
    strcat(em, in->arg);
    strcat(f1, in->arg);
    rc = !answer ? err_nomem(e) : likest(em, answer, references, &values[0], e);
    if (rc == 0)
        rc = likest(f1, answer, references, &values[1], e);
    mem_free(answer);
    return rc;
}

/* LongBench (Bai et al. 2024): the best F1. */
static int longbench_qa(const struct result_in *in, double *values, double *weights,
                        struct err *e)
{
    const cJSON *references = json_get(in->doc, "answers");
    char *answer = stripped(in->answer);
    int rc = answer ? likest("words_f1", answer, references, &values[0], e) : err_nomem(e);

    (void)weights;
    values[1] = values[0];
    mem_free(answer);
    return rc;
}

/* CoQA (Reddy et al. 2019) gives several people's answers to a turn; each is left out once, and the
 * best of the others counts. */
enum { PEOPLE = 64 };

static int add_person(const cJSON *answer, const char **all, int *n, struct err *e)
{
    struct strbuf low = STRBUF_INIT, other = STRBUF_INIT;
    int known = 0;

    if (!cJSON_IsString(answer) || *n == PEOPLE)
        return err_set(e, ERR_FORMAT, "a turn's answer is no text, or they are over %d", PEOPLE);
    py_lower(&low, answer->valuestring, strlen(answer->valuestring));
    for (int i = 0; i < *n && !known; i++) {
        strbuf_clear(&other);
        py_lower(&other, all[i], strlen(all[i]));
        known = strcmp(strbuf_str(&low), strbuf_str(&other)) == 0;
    }
    if (!known)
        all[(*n)++] = answer->valuestring;
    known = low.failed || other.failed;
    strbuf_release(&low);
    strbuf_release(&other);
    return known ? err_nomem(e) : 0;
}

static int people(const struct result_in *in, const char **all, int *n, struct err *e)
{
    const cJSON *questions = json_get(in->doc, "questions"), *more;
    int turn;

    if (in->arg)
        questions = json_get(questions, in->arg);
    turn = cJSON_GetArraySize(questions) - 1;
    *n = 0;
    if (add_person(cJSON_GetArrayItem(json_get(json_get(in->doc, "answers"), "input_text"), turn),
                   all, n, e) < 0)
        return -1;
    cJSON_ArrayForEach(more, json_get(in->doc, "additional_answers"))
        if (!cJSON_IsNull(more) &&
            add_person(cJSON_GetArrayItem(json_get(more, "input_text"), turn), all, n, e) < 0)
            return -1;
    return 0;
}

static int coqa(const struct result_in *in, double *values, double *weights, struct err *e)
{
    static const char *const how[] = {"squad_em", "squad_f1"};
    const char *all[PEOPLE];
    struct span t = py_strip(in->answer, strlen(in->answer));
    char *line;
    int n, rc = people(in, all, &n, e);

    (void)weights;
    line = rc == 0 ? mem_strndup(t.s, t.n) : NULL;
    if (rc == 0 && !line)
        rc = err_nomem(e);
    if (rc == 0)
        line[strcspn(line, "\n")] = 0;
    for (int m = 0; m < 2 && rc == 0; m++) {
        values[m] = 0;
        for (int out = 0; out < n && rc == 0; out++) {
            double best = 0, v = 0;
            for (int i = 0; i < n && rc == 0; i++)
                if (i != out || n == 1) {
                    rc = like(how[m], line, all[i], &v, e);
                    best = v > best ? v : best;
                }
            values[m] += best;
        }
        values[m] /= n;
    }
    mem_free(line);
    return rc;
}

static int drop(const struct result_in *in, double *values, double *weights, struct err *e)
{
    (void)weights;
    return drop_compare(in->doc, "drop", in->answer, &values[0], &values[1], e);
}

/* --- numbers and words to be found -------------------------------------------------------- */

/* BABILong (Kuratov et al. 2024): the target is somewhere in the answer. */
static int contained(const struct result_in *in, double *values, double *weights, struct err *e)
{
    const char *target = json_str(in->doc, "target");
    struct strbuf a = STRBUF_INIT, b = STRBUF_INIT;
    struct span t;
    int rc;

    (void)weights;
    t = py_strip(in->answer, strlen(in->answer));
    py_lower(&a, t.s, t.n);
    for (size_t i = 0; i < a.len; i++)
        a.s[i] = (unsigned char)a.s[i] < 0x20 ? '\n' : a.s[i];
    t = py_strip(target ? target : "", strlen(target ? target : ""));
    py_lower(&b, t.s, t.n);
    rc = strbuf_ok(&a, e) < 0 || strbuf_ok(&b, e) < 0 ? -1 : 0;
    values[0] = rc == 0 && strstr(strbuf_str(&a), strbuf_str(&b)) != NULL;
    strbuf_release(&a);
    strbuf_release(&b);
    return rc;
}

struct tally { /* runs of digits: how many, and how many are the wanted one */
    const char *want;
    size_t n_want;
    int n, right;
};

static int count_number(void *user, const struct span *g, int n)
{
    struct tally *t = user;

    (void)n;
    t->n++;
    t->right += g[0].n == t->n_want && memcmp(g[0].s, t->want, g[0].n) == 0;
    return 0;
}

static int first_group(void *user, const struct span *g, int n)
{
    (void)n;
    *(struct span *)user = g[1];
    return 1;
}

/* The share of the answer's numbers that are the reference's, or what `pattern` finds in it; the
 * best of all references. */
static int share_of_numbers(const struct result_in *in, const char *pattern, double *values,
                            struct err *e)
{
    struct pyregex *numbers = NULL, *find = NULL;
    const cJSON *r;
    int rc = pyregex_open(&numbers, "\\d+", e);

    if (rc == 0 && pattern)
        rc = pyregex_open(&find, pattern, e);
    values[0] = 0;
    cJSON_ArrayForEach(r, json_get(in->doc, "answers"))
    {
        struct tally t = {.want = cJSON_IsString(r) ? r->valuestring : ""};
        struct span id = {NULL, 0};
        double share;
        if (rc < 0)
            break;
        t.n_want = strlen(t.want);
        if (find) {
            rc = pyregex_each(find, t.want, t.n_want, first_group, &id, e);
            if (rc == 0 && !id.s)
                rc = err_set(e, ERR_FORMAT, "a reference names no paragraph");
            t.want = id.s;
            t.n_want = id.n;
        }
        if (rc == 0)
            rc = pyregex_each(numbers, in->answer, strlen(in->answer), count_number, &t, e);
        share = t.n ? (double)t.right / t.n : 0;
        values[0] = share > values[0] ? share : values[0];
    }
    values[1] = values[0];
    pyregex_close(numbers);
    pyregex_close(find);
    return rc;
}

static int longbench_count(const struct result_in *in, double *values, double *weights,
                           struct err *e)
{
    (void)weights;
    return share_of_numbers(in, NULL, values, e);
}

/* arg: what stands before a paragraph's number. */
static int longbench_retrieval(const struct result_in *in, double *values, double *weights,
                               struct err *e)
{
    char pattern[64] = "";

    (void)weights;
    strcat(strcat(pattern, in->arg), "(\\d+)");
    return share_of_numbers(in, pattern, values, e);
}

/* Classes that the answer names; one that is part of the right one does not count, but for the one
 * behind a class that was taken out, which the original passes over. */
static int class_of(const struct result_in *in, const char *answer, const char *want, double *out,
                    struct err *e)
{
    const cJSON *all = json_get(in->doc, "all_classes"), *c;
    const char **named = mem_calloc((size_t)cJSON_GetArraySize(all) + 1, sizeof *named);
    int n = 0, has = 0;

    if (!named)
        return err_nomem(e);
    cJSON_ArrayForEach(c, all)
        if (cJSON_IsString(c) && strstr(answer, c->valuestring))
            named[n++] = c->valuestring;
    for (int i = 0; i < n; i++) {
        const char *term = named[i];
        int first = 0;
        if (!strstr(want, term) || strcmp(want, term) == 0)
            continue;
        while (strcmp(named[first], term) != 0)
            first++;
        memmove(&named[first], &named[first + 1], (size_t)(--n - first) * sizeof *named);
    }
    for (int i = 0; i < n; i++)
        has |= strcmp(named[i], want) == 0;
    *out = has ? 1.0 / n : 0;
    mem_free(named);
    return 0;
}

static int longbench_class(const struct result_in *in, double *values, double *weights,
                           struct err *e)
{
    char *answer = stripped(in->answer);
    const cJSON *r;
    double v = 0;
    int rc = answer ? 0 : err_nomem(e);

    (void)weights;
    values[0] = 0;
    cJSON_ArrayForEach(r, json_get(in->doc, "answers"))
    {
        if (rc == 0)
            rc = cJSON_IsString(r) ? class_of(in, answer, r->valuestring, &v, e)
                                   : err_set(e, ERR_FORMAT, "a reference is no text");
        values[0] = v > values[0] ? v : values[0];
    }
    values[1] = values[0];
    mem_free(answer);
    return rc;
}

/* --- likeness ----------------------------------------------------------------------------- */

/* TruthfulQA (Lin et al. 2022): the likest right reference against the likest wrong one. */
static int truthful(const struct result_in *in, const char *how, const char *answer, double scale,
                    double *values, struct err *e)
{
    const char *const sides[] = {"correct_answers", "incorrect_answers"};
    double best[2];

    for (int side = 0; side < 2; side++) {
        const cJSON *r;
        best[side] = -1;
        cJSON_ArrayForEach(r, json_get(in->doc, sides[side]))
        {
            struct strbuf text = STRBUF_INIT;
            double v = 0;
            int rc = cJSON_IsString(r) ? 0 : err_set(e, ERR_FORMAT, "a reference is no text");
            if (rc == 0 && scale != 1) /* ROUGE: sentences are lines */
                py_replace(&text, r->valuestring, strlen(r->valuestring), " . ", ".\n");
            else if (rc == 0)
                strbuf_adds(&text, r->valuestring);
            if (rc == 0 && (rc = strbuf_ok(&text, e)) == 0)
                rc = like(how, answer, strbuf_str(&text), &v, e);
            strbuf_release(&text);
            if (rc < 0)
                return -1;
            best[side] = v * scale > best[side] ? v * scale : best[side];
        }
        if (best[side] < 0)
            return err_set(e, ERR_FORMAT, "'%s' is empty", sides[side]);
    }
    values[0] = best[0];
    values[1] = best[0] > best[1];
    values[2] = best[0] - best[1];
    return 0;
}

static int truth_bleu(const struct result_in *in, double *values, double *weights, struct err *e)
{
    (void)weights;
    return truthful(in, "bleu_intl", in->answer, 1, values, e);
}

static int truth_all(const struct result_in *in, double *values, double *weights, struct err *e)
{
    static const char *const how[] = {"rouge1", "rouge2", "rougeLsum"};
    struct strbuf answer = STRBUF_INIT;
    int rc = truth_bleu(in, values, weights, e);

    py_replace(&answer, in->answer, strlen(in->answer), " . ", ".\n");
    if (rc == 0)
        rc = strbuf_ok(&answer, e);
    for (int i = 0; i < 3 && rc == 0; i++)
        rc = truthful(in, how[i], strbuf_str(&answer), 100, values + 3 * (i + 1), e);
    strbuf_release(&answer);
    return rc;
}

static int summary(const struct result_in *in, double *values, double *weights, struct err *e)
{
    const char *reference = json_str(in->doc, "summary");

    (void)weights;
    if (!json_get(in->doc, "summary"))
        reference = json_str(in->doc, "target");
    if (!reference)
        return err_set(e, ERR_FORMAT, "there is no text 'summary' or 'target'");
    return like("rouge1", in->answer, reference, values, e);
}

/* --- others ------------------------------------------------------------------------------- */

struct feelings { /* name: number, of each name the last */
    struct span names[5];
    double scores[5];
    int n;
};

static int add_feeling(void *user, const struct span *g, int n)
{
    struct feelings *f = user;
    int i = 0;

    (void)n;
    while (i < f->n && !(f->names[i].n == g[1].n && memcmp(f->names[i].s, g[1].s, g[1].n) == 0))
        i++;
    if (i == 5)
        return 1; /* one more than are asked for */
    f->names[i] = g[1];
    f->n += i == f->n;
    if (!pyfloat_parse(g[2].s, g[2].n, &f->scores[i]))
        f->scores[i] = 0;
    return 0;
}

/* EQ-Bench (Paech 2023): four feelings from 0 to 10; small distances count less than large. */
static int rate_feelings(const struct feelings *f, const cJSON *reference, double *values,
                         struct err *e)
{
    double tally = 0;
    int known = 0;

    for (int k = 0; k < f->n; k++) {
        int found = 0;
        for (int i = 1; i <= 4; i++) {
            char key[16] = "emotion0", score[24] = "emotion0_score";
            const char *name;
            const cJSON *want;
            double d, number;
            key[7] = score[7] = (char)('0' + i);
            name = json_str(reference, key);
            want = json_get(reference, score);
            if (!name || strlen(name) != f->names[k].n ||
                memcmp(name, f->names[k].s, f->names[k].n) != 0)
                continue;
            found = 1;
            number = cJSON_IsNumber(want) ? want->valuedouble : NAN;
            if (cJSON_IsString(want) &&
                !pyfloat_parse(want->valuestring, strlen(want->valuestring), &number))
                number = NAN;
            if (isnan(number))
                return err_set(e, ERR_FORMAT, "'%s' is no number", score);
            d = fabs(f->scores[k] - number);
            tally += d == 0 ? 0 : d <= 5 ? 6.5 * (1 / (1 + pow(M_E, -1.2 * (d - 4)))) : d;
        }
        known += found;
    }
    values[0] = known == 4 ? (10 - tally * 0.7477) * 10 : 0;
    values[1] = known == 4 ? 100 : 0;
    return 0;
}

static int feelings(const struct result_in *in, double *values, double *weights, struct err *e)
{
    const char *text = json_str(in->doc, "reference_answer_fullscale");
    cJSON *reference = text ? pyliteral_parse(text, strlen(text), e) : NULL;
    struct pyregex *r = NULL;
    struct feelings f = {.n = 0};
    int rc = -1;

    (void)weights;
    if (!text)
        err_set(e, ERR_FORMAT, "there is no text 'reference_answer_fullscale'");
    else if (reference && pyregex_open(&r, "(\\w+):\\s+(\\d+)", e) == 0)
        rc = pyregex_each(r, in->answer, strlen(in->answer), add_feeling, &f, e);
    values[0] = values[1] = 0;
    if (rc == 0 && f.n == 4)
        rc = rate_feelings(&f, reference, values, e);
    pyregex_close(r);
    json_free(reference);
    return rc;
}

/* IFEval (Zhou et al. 2023), as ifeval.h says. */
static int instructions(const struct result_in *in, double *values, double *weights,
                        struct err *e)
{
    static const struct answer_rules none = {.n_filters = 0};
    const cJSON *ids = json_get(in->doc, "instruction_id_list"), *id;
    int n = cJSON_GetArraySize(ids), i = 0, strict = 0, loose = 0, rc;
    struct answer *a;

    if (n == 0)
        return err_set(e, ERR_FORMAT, "'instruction_id_list' is empty");
    rc = answer_open(&a, &none, e);
    if (rc < 0)
        return -1;
    cJSON_ArrayForEach(id, ids)
    {
        const cJSON *own = cJSON_GetArrayItem(json_get(in->doc, "kwargs"), i++);
        const char *name = cJSON_IsString(id) ? id->valuestring : "";
        int yes = ifeval_follows(a, name, own, in->answer, e);
        int maybe = yes < 0 ? -1 : ifeval_follows_loosely(a, name, own, in->answer, e);
        rc = maybe < 0 ? -1 : 0;
        if (rc < 0)
            break;
        strict += yes;
        loose += maybe;
    }
    answer_close(a);
    values[0] = strict == n;
    values[1] = (double)strict / n;
    values[2] = loose == n;
    values[3] = (double)loose / n;
    weights[1] = weights[3] = n;
    return rc;
}

#define MEAN(name) {name, OUTPUT_GENERATE, "mean"}
#define THREE(name) MEAN(name "_max"), MEAN(name "_acc"), MEAN(name "_diff")

const struct result_way result_ways_text[] = {
    {"squad", {MEAN("exact_match"), MEAN("f1")}, squad},
    {"squad_list", {MEAN("exact_match"), MEAN("f1")}, squad_list},
    {"mlqa", {MEAN("exact_match"), MEAN("f1")}, mlqa},
    {"longbench_qa", {MEAN("score"), MEAN("qa_f1_score")}, longbench_qa},
    {"longbench_count", {MEAN("score"), MEAN("count_score")}, longbench_count},
    {"longbench_retrieval", {MEAN("score"), MEAN("retrieval_score")}, longbench_retrieval},
    {"longbench_retrieval_zh", {MEAN("score"), MEAN("retrieval_zh_score")}, longbench_retrieval},
    {"longbench_class", {MEAN("score"), MEAN("classification_score")}, longbench_class},
    {"coqa", {MEAN("em"), MEAN("f1")}, coqa},
    {"drop", {MEAN("em"), MEAN("f1")}, drop},
    {"contained", {MEAN("acc")}, contained},
    {"truth_bleu", {THREE("bleu")}, truth_bleu},
    {"truth_all", {THREE("bleu"), THREE("rouge1"), THREE("rouge2"), THREE("rougeL")}, truth_all},
    {"summary", {MEAN("rouge1")}, summary},
    {"feelings", {MEAN("eqbench"), MEAN("percent_parseable")}, feelings},
    {"instructions",
     {MEAN("prompt_level_strict_acc"),
      {"inst_level_strict_acc", OUTPUT_GENERATE, "weighted_mean"},
      MEAN("prompt_level_loose_acc"),
      {"inst_level_loose_acc", OUTPUT_GENERATE, "weighted_mean"}},
     instructions},
};
const size_t n_result_ways_text = sizeof result_ways_text / sizeof result_ways_text[0];
