/* lmeval_results_math.c -- the ways whose answers are those of mathematics problems. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/pyfloat.h"
#include "tasks/lmeval_results.h"
#include "tasks/math.h"
#include "tasks/mathverify.h"
#include "tasks/minerva.h"
#include "tasks/pyliteral.h"
#include "tasks/pyregex.h"
#include "tasks/pytext.h"
#include "tasks/texmath.h"

/* MATH: what is between the answer's dollars against the box of the solution. */
static int math_boxes(const struct result_in *in, double *values, double *weights, struct err *e)
{
    const char *solution = json_str(in->doc, "solution");
    struct span got = find_between_dollars(in->answer), box;
    char *a, *b;
    int same = -1;

    (void)weights;
    if (!solution || !math_boxed(solution, &box))
        return err_set(e, ERR_FORMAT, "'solution' has no box");
    a = mem_strndup(got.s, got.n);
    b = mem_strndup(box.s, box.n);
    if (a && b)
        same = math_equal(a, b, e);
    else
        err_nomem(e);
    mem_free(a);
    mem_free(b);
    values[0] = same;
    return same < 0 ? -1 : 0;
}

/* AIME: a box counts before dollars; the answer is whichever column is called so. */
static int math_column(const struct result_in *in, double *values, double *weights,
                       struct err *e)
{
    struct span got = find_between_dollars(in->answer);
    struct strbuf want = STRBUF_INIT;
    const cJSON *c, *column = NULL;
    char *a;
    int same = -1;

    (void)weights;
    math_boxed(in->answer, &got);
    cJSON_ArrayForEach(c, in->doc)
        if (!column && (strcmp(c->string, "answer") == 0 || strcmp(c->string, "Answer") == 0))
            column = c;
    if (!column)
        return err_set(e, ERR_FORMAT, "there is no column 'answer'");
    py_str(&want, column);
    a = mem_strndup(got.s, got.n);
    if (!a || strbuf_ok(&want, e) < 0)
        err_nomem(e);
    else
        same = math_equal(a, strbuf_str(&want), e);
    mem_free(a);
    strbuf_release(&want);
    values[0] = same;
    return same < 0 ? -1 : 0;
}

static int last_match(void *user, const struct span *g, int n)
{
    *(struct span *)user = g[n - 1];
    return 0;
}

/* Behind the last equals sign, without blanks in front. */
static struct span behind_equals(struct span s)
{
    for (size_t i = s.n; i-- > 0;)
        if (s.s[i] == '=') {
            s = (struct span){s.s + i + 1, s.n - i - 1};
            while (s.n && *s.s == ' ')
                s.s++, s.n--;
            break;
        }
    return s;
}

/* What the last box holds; s NULL where it does not hold anything. */
static struct span last_box(const char *text)
{
    const char *last = NULL, *at = text;
    int depth = 0;

    while ((at = strstr(at, "\\boxed")) != NULL)
        last = at++;
    if (!last || last[6] != '{')
        return (struct span){NULL, 0};
    for (const char *c = last; *c; c++) {
        depth += (*c == '{') - (*c == '}');
        if (*c == '}' && depth == 0)
            return behind_equals((struct span){last + 7, (size_t)(c - last) - 7});
    }
    return (struct span){NULL, 0};
}

/* Where a text keeps its answer: the box, else between dollars, else behind the last equals sign,
 * else the last number; s NULL: nowhere. */
static int find_answer(const char *text, struct span *out, struct err *e)
{
    static const char *const patterns[] = {"\\$(.*)\\$", "(?:\\$)?\\d+(?:\\.\\d+)?(?![\\w\\d])"};
    size_t n = strlen(text);

    *out = (struct span){NULL, 0};
    if (strstr(text, "\\boxed")) {
        *out = last_box(text);
        return 0;
    }
    for (int i = 0; i < 2; i++) {
        struct pyregex *r;
        int rc;
        if (i == 1 && strchr(text, '=')) {
            *out = behind_equals((struct span){text, n});
            while (out->n && out->s[out->n - 1] == '.')
                out->n--;
            for (size_t k = 0; k + 1 < out->n; k++)
                if (out->s[k] == '\\' && out->s[k + 1] == 'n')
                    out->n = k;
            return 0;
        }
        if (pyregex_open(&r, patterns[i], e) < 0)
            return -1;
        rc = pyregex_each(r, text, n, last_match, out, e);
        pyregex_close(r);
        if (rc < 0)
            return -1;
        if (out->s && i == 0)
            *out = behind_equals(*out);
        if (out->s && out->n)
            return 0;
        *out = (struct span){NULL, 0};
    }
    return 0;
}

/* float(text) written as a whole number where it is one; else the text. */
static void plain_number(struct strbuf *b, int *failed)
{
    char text[40];
    struct span t = py_strip(strbuf_str(b), b->len);
    struct strbuf out = STRBUF_INIT;
    double v;

    if (!pyfloat_parse(t.s, t.n, &v) || isinf(v)) {
        strbuf_add(&out, t.s, t.n);
    } else if (v == rint(v)) {
        strbuf_addf(&out, "%.0f", v == 0 ? 0 : v);
    } else {
        pyfloat_repr(text, v);
        strbuf_adds(&out, text);
    }
    *failed |= out.failed | b->failed;
    strbuf_release(b);
    *b = out;
}

/* Both are looked for in their texts, and brought to one spelling.  numbers: as the language of
 * HRM8K's original writes them. */
static int same_answer(const char *got, const char *want, int numbers, double *value,
                       struct err *e)
{
    struct span x, y;
    struct strbuf a = STRBUF_INIT, b = STRBUF_INIT;
    char *s = NULL, *t = NULL;
    int failed = 0, rc = -1;

    if (find_answer(got, &x, e) < 0 || find_answer(want, &y, e) < 0)
        return -1;
    if (!x.s || !y.s) {
        *value = x.s == y.s;
        return 0;
    }
    s = mem_strndup(x.s, x.n);
    t = mem_strndup(y.s, y.n);
    if (s && t) {
        int spelt = math_spell(s, &a) && math_spell(t, &b);
        if (spelt && numbers)
            plain_number(&a, &failed);
        *value = spelt ? strcmp(strbuf_str(&a), strbuf_str(&b)) == 0 : strcmp(s, t) == 0;
        rc = 0;
    }
    if (rc < 0 || failed || a.failed || b.failed)
        rc = err_nomem(e);
    mem_free(s);
    mem_free(t);
    strbuf_release(&a);
    strbuf_release(&b);
    return rc;
}

static int math_found(const struct result_in *in, double *values, double *weights, struct err *e)
{
    struct strbuf want = STRBUF_INIT;
    int failed = 0, numbers = in->arg != NULL, rc;

    (void)weights;
    py_str(&want, json_get(in->doc, "answer"));
    if (numbers)
        plain_number(&want, &failed);
    rc = failed || want.failed ? err_nomem(e)
                               : same_answer(in->answer, strbuf_str(&want), numbers, values, e);
    strbuf_release(&want);
    return rc;
}

/* --- by computing ------------------------------------------------------------------------- */

/* What the answer states and the column `answer`, as Minerva's rules spell both. */
static int spell_both(const struct result_in *in, struct strbuf *got, struct strbuf *want,
                      struct err *e)
{
    const char *answer = json_str(in->doc, "answer");
    struct strbuf stated = STRBUF_INIT;
    int rc = answer ? minerva_stated(in->answer, &stated, e)
                    : err_set(e, ERR_FORMAT, "'answer' is no text");

    if (rc == 0)
        rc = minerva_spell(strbuf_str(&stated), got, e);
    if (rc == 0)
        rc = minerva_spell(answer, want, e);
    strbuf_release(&stated);
    return rc;
}

/* What math-verify finds in the reply against what it finds in the solution. */
static int verified(const struct result_in *in, int latex_only, double *value, struct err *e)
{
    const char *solution = json_str(in->doc, "solution");
    int same = solution ? mathverify_once(solution, latex_only, in->answer, e)
                        : err_set(e, ERR_FORMAT, "'solution' is no text");

    *value = same;
    return same < 0 ? -1 : 0;
}

/* Minerva (Lewkowycz et al. 2022): the column is spelt already. */
static int minerva(const struct result_in *in, double *values, double *weights, struct err *e)
{
    struct strbuf got = STRBUF_INIT, want = STRBUF_INIT;
    int rc = spell_both(in, &got, &want, e);

    (void)weights;
    if (rc == 0)
        values[0] = tex_equal(strbuf_str(&got), json_str(in->doc, "answer"));
    strbuf_release(&got);
    strbuf_release(&want);
    return rc < 0 ? -1 : verified(in, 0, &values[1], e);
}

/* The second Open LLM Leaderboard: the same text counts, too, and no answer is not one. */
static int math_hard(const struct result_in *in, double *values, double *weights, struct err *e)
{
    struct strbuf got = STRBUF_INIT, want = STRBUF_INIT;
    int rc = spell_both(in, &got, &want, e);

    (void)weights;
    if (rc == 0)
        values[0] = strcmp(strbuf_str(&got), MINERVA_NONE) != 0 &&
                    (strcmp(strbuf_str(&got), strbuf_str(&want)) == 0 ||
                     tex_equal(strbuf_str(&got), strbuf_str(&want)));
    strbuf_release(&got);
    strbuf_release(&want);
    return rc < 0 ? -1 : verified(in, 1, &values[1], e);
}

#define MEAN(name) {name, OUTPUT_GENERATE, "mean"}

const struct result_way result_ways_math[] = {
    {"math_boxes", {MEAN("exact_match")}, math_boxes},
    {"math_column", {MEAN("exact_match")}, math_column},
    {"math_found", {MEAN("exact_match")}, math_found},
    {"math_found_acc", {MEAN("acc")}, math_found},
    {"minerva", {MEAN("exact_match"), MEAN("math_verify")}, minerva},
    {"math_hard", {MEAN("exact_match_original"), MEAN("exact_match")}, math_hard},
};
const size_t n_result_ways_math = sizeof result_ways_math / sizeof result_ways_math[0];
