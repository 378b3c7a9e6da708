/* lmeval_item.c -- a document's queries, and what the replies to them are worth (evaluation.md 2.3,
 * 2.5). */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "tasks/ask.h"
#include "tasks/likeness.h"
#include "tasks/lmeval.h"
#include "tasks/overlap.h"
#include "tasks/pyliteral.h"
#include "tasks/pytext.h"
#include "tasks/score.h"

/* A document's answers, as lm-eval's functions give them. */
struct asked {
    cJSON *choices, *target;
    const char **v; /* [n] the choices' texts */
    int n;
};

static void asked_release(struct asked *a)
{
    json_free(a->choices);
    json_free(a->target);
    mem_free(a->v);
}

static int asked_read(struct asked *a, const struct lmeval *t, const cJSON *doc, struct err *e)
{
    const cJSON *c;

    *a = (struct asked){0};
    a->target = doc_to_target(t, &t->target, doc, e);
    if (!a->target)
        return -1;
    if (t->choice.kind == FIELD_NONE)
        return 0;
    a->choices = doc_to_choice(t, &t->choice, doc, e);
    if (!a->choices)
        return -1;
    a->v = mem_calloc((size_t)cJSON_GetArraySize(a->choices) + 1, sizeof *a->v);
    if (!a->v)
        return err_nomem(e);
    cJSON_ArrayForEach(c, a->choices)
        a->v[a->n++] = c->valuestring;
    return 0;
}

/* --- queries ------------------------------------------------------------------------------ */

/* In chat a turn has ended where the delimiter would stand, unless an answer was begun. */
static const char *delimiter(const struct lmeval *t)
{
    const struct ynode *p = t->prefix.node;
    int begun = p && p->s && p->n && py_rstrip(p->s, p->n).n == p->n;

    return t->chat && !begun ? "" : t->target_delimiter;
}

static int ask_with(const struct lmeval *t, int i, struct query *q, const char *ending,
                    const char *between, const char *continuation, struct err *e)
{
    struct strbuf context = STRBUF_INIT;
    int rc = lmeval_context(t, i, ending, &context, e);

    if (rc == 0)
        rc = ask_query(q, QUERY_LOGLIKELIHOOD, strbuf_str(&context), between, continuation, e);
    strbuf_release(&context);
    return rc;
}

static int ask_choices(const struct lmeval *t, int i, const struct asked *a, struct item *out,
                       struct err *e)
{
    int alone = metrics_find(&t->metrics, "acc_mutual_info") != NULL, rc;
    struct strbuf text = STRBUF_INIT, context = STRBUF_INIT;

    rc = ask_queries(out, a->n * (1 + alone), e);
    py_str(&text, a->target);
    if (rc == 0 && !t->multiple_input)
        rc = lmeval_context(t, i, NULL, &context, e);
    for (int c = 0; c < a->n && rc == 0; c++)
        rc = t->multiple_input
                 ? ask_with(t, i, &out->queries[c], a->v[c], delimiter(t), strbuf_str(&text), e)
                 : ask_query(&out->queries[c], QUERY_LOGLIKELIHOOD, strbuf_str(&context),
                             delimiter(t), a->v[c], e);
    for (int c = 0; c < a->n && alone && rc == 0; c++)
        rc = ask_query(&out->queries[a->n + c], QUERY_LOGLIKELIHOOD, "", delimiter(t), a->v[c], e);
    strbuf_release(&text);
    strbuf_release(&context);
    return rc;
}

static int ask_generation(const struct lmeval *t, int i, struct item *out, struct err *e)
{
    struct strbuf context = STRBUF_INIT;
    int rc = ask_queries(out, t->repeats, e);

    if (rc == 0)
        rc = lmeval_context(t, i, NULL, &context, e);
    for (int r = 0; r < t->repeats && rc == 0; r++) {
        rc = ask_query(&out->queries[r], QUERY_GENERATE, strbuf_str(&context), "", "", e);
        out->queries[r].until = t->until;
        out->queries[r].n_until = t->n_until;
        out->queries[r].max_tokens = t->max_tokens;
        out->queries[r].temperature = t->temperature;
        out->queries[r].top_p = t->top_p;
        out->queries[r].seed = t->seed;
    }
    strbuf_release(&context);
    return rc;
}

static int ask(const struct lmeval *t, int i, const struct asked *a, struct item *out,
               struct err *e)
{
    struct strbuf text = STRBUF_INIT;
    int rc;

    if (t->type == OUTPUT_CHOICE)
        return ask_choices(t, i, a, out, e);
    if (t->type == OUTPUT_GENERATE)
        return ask_generation(t, i, out, e);
    py_str(&text, a->target);
    rc = ask_queries(out, 1, e);
    if (rc == 0)
        rc = t->type == OUTPUT_ROLLING
                 ? ask_query(&out->queries[0], QUERY_ROLLING, "", "", strbuf_str(&text), e)
                 : ask_with(t, i, &out->queries[0], NULL, "", strbuf_str(&text), e);
    strbuf_release(&text);
    return rc;
}

/* --- what is right ------------------------------------------------------------------------ */

/* The choice that a value means: an index, or the text of a choice; -1: none of them. */
static int choice_of(const struct asked *a, const cJSON *v)
{
    if (cJSON_IsBool(v))
        return cJSON_IsTrue(v) < a->n ? cJSON_IsTrue(v) : -1;
    if (cJSON_IsNumber(v))
        return v->valuedouble >= 0 && v->valuedouble < a->n ? (int)v->valuedouble : -1;
    for (int i = 0; cJSON_IsString(v) && i < a->n; i++)
        if (strcmp(a->v[i], v->valuestring) == 0)
            return i;
    return -1;
}

/* The right choice; of several the first. */
static int gold_choice(const struct lmeval *t, const struct asked *a, const cJSON *doc, int *out,
                       struct err *e)
{
    cJSON *text;

    if (!t->multiple_input) {
        *out = choice_of(a, cJSON_IsArray(a->target) ? cJSON_GetArrayItem(a->target, 0)
                                                     : a->target);
        return 0;
    }
    text = doc_to_text(t, &t->text, doc, e);
    if (!text)
        return -1;
    *out = choice_of(a, text);
    json_free(text);
    return 0;
}

static int set_gold(const struct lmeval *t, const struct asked *a, const cJSON *doc,
                    struct item *out, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    int gold = -1, rc;

    out->gold_index = -1;
    if (t->type == OUTPUT_ROLLING)
        return 0;
    if (a->choices && gold_choice(t, a, doc, &gold, e) < 0)
        return -1;
    if (gold >= 0)
        return ask_gold(out, a->v[gold], gold, e);
    py_str(&b, cJSON_IsArray(a->target) && a->target->child ? a->target->child : a->target);
    rc = b.failed ? err_nomem(e) : ask_gold(out, strbuf_str(&b), -1, e);
    strbuf_release(&b);
    return rc;
}

int lmeval_item(const struct lmeval *t, int i, struct item *out, struct err *e)
{
    const cJSON *doc = t->docs.v[i];
    struct asked a = {0};
    char *json = cJSON_PrintUnformatted(doc);
    int rc = -1;

    *out = (struct item){.doc_id = i, .gold_index = -1};
    if (!json || !(out->doc = mem_strdup(json)))
        err_nomem(e);
    else if (asked_read(&a, t, doc, e) == 0 && ask(t, i, &a, out, e) == 0 &&
             set_gold(t, &a, doc, out, e) == 0)
        rc = ask_hash(out, json, NULL, e);
    if (rc < 0 && e && e->code != ERR_NOMEM)
        err_prefix(e, "document %d", i);
    cJSON_free(json);
    asked_release(&a);
    if (rc < 0)
        item_release(out);
    return rc;
}

/* --- credits ------------------------------------------------------------------------------ */

static void credit(struct verdict *v, const char *metric, double value, double weight)
{
    if (v->n < CREDITS_MAX)
        v->credits[v->n++] = (struct credit){metric, "none", value, weight, NULL};
}

static int predict(struct verdict *v, const char *text, struct err *e)
{
    v->prediction = mem_strdup(text);
    return v->prediction ? 0 : err_nomem(e);
}

static size_t characters(const char *s)
{
    return utf8_count(s, strlen(s));
}

/* One document's choices with what the model thinks of them. */
struct scored {
    const struct asked *a;
    const double *ll; /* [a->n], behind them as many without the context */
    size_t *lengths;
    const struct reply_text *replies;
    const unsigned char *right; /* [a->n] */
    int gold;                   /* -1: none */
};

static double best_is_right(const struct scored *s, size_t (*length)(const char *))
{
    for (int i = 0; i < s->a->n && length; i++)
        s->lengths[i] = length(s->a->v[i]);
    return s->right[length ? score_best_per(s->ll, s->lengths, s->a->n)
                           : score_best(s->ll, s->a->n)];
}

static double acc(const struct scored *s)
{
    return best_is_right(s, NULL);
}

static double acc_norm(const struct scored *s)
{
    return best_is_right(s, characters);
}

static double acc_bytes(const struct scored *s)
{
    return best_is_right(s, strlen);
}

static double acc_mutual_info(const struct scored *s)
{
    int best = 0;

    for (int i = 1; i < s->a->n; i++)
        if (s->ll[i] - s->ll[s->a->n + i] > s->ll[best] - s->ll[s->a->n + best])
            best = i;
    return best == s->gold;
}

static double exact_match(const struct scored *s)
{
    for (int i = 0; i < s->a->n; i++)
        if (s->right[i] && s->replies[i].is_greedy > 0)
            return 1;
    return 0;
}

/* The sum over choices of (probability - 1 where it is right) squared. */
static double brier_score(const struct scored *s)
{
    double most = s->ll[score_best(s->ll, s->a->n)], all = 0, sum = 0;

    for (int i = 0; i < s->a->n; i++)
        all += exp(s->ll[i] - most);
    for (int i = 0; i < s->a->n; i++) {
        double off = exp(s->ll[i] - most) / all - (i == s->gold);
        sum += off * off;
    }
    return sum;
}

/* What corpus metrics count: which choice was taken; the weight says which was right. */
static double taken(const struct scored *s)
{
    return score_best(s->ll, s->a->n);
}

/* How much likelier the right choice is than the mean of the others. */
static double likelihood(const struct scored *s)
{
    double others = 0;

    for (int i = 0; i < s->a->n; i++)
        others += i == s->gold ? 0 : s->ll[i];
    return s->gold < 0 || s->a->n < 2 ? NAN : s->ll[s->gold] - others / (s->a->n - 1);
}

static const struct {
    const char *metric;
    double (*value)(const struct scored *s);
    int weighs_gold;
} choice_metrics[] = {
    {"acc", acc, 0},
    {"acc_norm", acc_norm, 0},
    {"acc_bytes", acc_bytes, 0},
    {"acc_mutual_info", acc_mutual_info, 0},
    {"exact_match", exact_match, 0},
    {"brier_score", brier_score, 0},
    {"f1", taken, 1},
    {"mcc", taken, 1},
    {"likelihood", likelihood, 0},
};

static int mark_right(const struct lmeval *t, const struct asked *a, const cJSON *doc,
                      unsigned char *right, int *gold, struct err *e)
{
    const cJSON *v;

    if (gold_choice(t, a, doc, gold, e) < 0)
        return -1;
    if (*gold >= 0)
        right[*gold] = 1;
    if (t->multiple_target && cJSON_IsArray(a->target))
        cJSON_ArrayForEach(v, a->target)
            if (choice_of(a, v) >= 0)
                right[choice_of(a, v)] = 1;
    return 0;
}

/* Credits of a known process_results: the numbers of its way that the task lists.  filtered: what
 * the first of them is of; it is taken over. */
static int way_credit(const struct lmeval *t, const struct result_in *in, const char *filter,
                      char *filtered, struct verdict *out, struct err *e)
{
    double values[WAY_METRICS] = {0}, weights[WAY_METRICS];
    int rc;

    for (int i = 0; i < WAY_METRICS; i++)
        weights[i] = 1;
    rc = t->way->score(in, values, weights, e);
    if (rc < 0 && e && e->code != ERR_NOMEM)
        err_prefix(e, "%s", t->way->name);
    for (int i = 0; i < t->metrics.n && out->n < CREDITS_MAX && rc == 0; i++) {
        const struct metric_rule *rule = t->metrics.v[i].rule;
        ptrdiff_t k = rule - t->way->metrics;
        out->credits[out->n++] = (struct credit){rule->name, filter, values[k], weights[k],
                                                 filtered};
        filtered = NULL;
    }
    mem_free(filtered);
    return rc;
}

static int choice_credit(const struct lmeval *t, const struct asked *a, const cJSON *doc,
                         const struct reply_text *replies, int n_replies, struct verdict *out,
                         struct err *e)
{
    double *ll = mem_calloc((size_t)n_replies + 1, sizeof *ll);
    size_t *lengths = mem_calloc((size_t)a->n + 1, sizeof *lengths);
    unsigned char *right = mem_calloc((size_t)a->n + 1, 1);
    struct scored s = {.a = a, .ll = ll, .lengths = lengths, .replies = replies, .right = right};
    int rc = -1;

    if (!ll || !lengths || !right) {
        err_nomem(e);
        goto out;
    }
    for (int i = 0; i < n_replies; i++)
        ll[i] = replies[i].loglikelihood;
    if (t->way) {
        struct result_in in = {.doc = doc, .arg = t->way_arg, .answer = "", .choices = a->v,
                               .ll = ll, .n = a->n};
        rc = way_credit(t, &in, "none", NULL, out, e);
        if (rc == 0)
            rc = predict(out, a->n ? a->v[score_best(ll, a->n)] : "", e);
        goto out;
    }
    if (mark_right(t, a, doc, right, &s.gold, e) < 0)
        goto out;
    for (size_t m = 0; m < sizeof choice_metrics / sizeof choice_metrics[0]; m++)
        if (metrics_find(&t->metrics, choice_metrics[m].metric))
            credit(out, choice_metrics[m].metric, choice_metrics[m].value(&s),
                   choice_metrics[m].weighs_gold ? s.gold : 1);
    rc = predict(out, a->v[score_best(ll, a->n)], e);
out:
    mem_free(ll);
    mem_free(lengths);
    mem_free(right);
    return rc;
}

static void likelihood_credit(const struct lmeval *t, const struct reply_text *r,
                              struct verdict *out)
{
    if (metrics_find(&t->metrics, "perplexity"))
        credit(out, "perplexity", r->loglikelihood, 1);
    if (metrics_find(&t->metrics, "acc"))
        credit(out, "acc", r->is_greedy != 0, 1);
}

static int rolling_credit(const struct lmeval *t, const struct asked *a, const cJSON *doc,
                          const struct reply_text *r, struct verdict *out, struct err *e)
{
    struct strbuf text = STRBUF_INIT;
    double words, bytes;
    int rc;

    py_str(&text, a->target);
    rc = strbuf_ok(&text, e);
    if (rc == 0 && t->way) {
        struct result_in in = {.doc = doc, .arg = t->way_arg, .answer = "",
                               .ll = &r->loglikelihood, .n = 1, .target = strbuf_str(&text)};
        rc = way_credit(t, &in, "none", NULL, out, e);
    }
    if (rc < 0 || t->way) {
        strbuf_release(&text);
        return rc;
    }
    bytes = (double)text.len;
    words = (double)py_count_words(strbuf_str(&text), text.len);
    if (metrics_find(&t->metrics, "word_perplexity"))
        credit(out, "word_perplexity", r->loglikelihood, words);
    if (metrics_find(&t->metrics, "byte_perplexity"))
        credit(out, "byte_perplexity", r->loglikelihood, bytes);
    if (metrics_find(&t->metrics, "bits_per_byte"))
        credit(out, "bits_per_byte", r->loglikelihood, bytes);
    strbuf_release(&text);
    return 0;
}

/* Is the answer one of the right ones?  1, 0, -1. */
static int answer_right(const struct lmeval *t, const struct metric_use *m, const struct asked *a,
                        const cJSON *doc, const char *got, struct err *e)
{
    const cJSON *want = a->target;
    int same = 0, gold;

    if (!got)
        return 0;
    if (a->choices) {
        if (gold_choice(t, a, doc, &gold, e) < 0)
            return -1;
        return gold < 0 ? 0 : metric_same(m, got, a->v[gold], e);
    }
    if (t->multiple_target && cJSON_IsArray(want)) {
        cJSON_ArrayForEach(want, a->target)
            if (same == 0 && cJSON_IsString(want))
                same = metric_same(m, got, want->valuestring, e);
        return same;
    }
    if (cJSON_IsString(want))
        return metric_same(m, got, want->valuestring, e);
    struct strbuf b = STRBUF_INIT;
    py_str(&b, want);
    same = strbuf_ok(&b, e) < 0 ? -1 : metric_same(m, got, strbuf_str(&b), e);
    strbuf_release(&b);
    return same;
}

/* The reference that an answer is compared with word by word: the right choice, or the target. */
static int reference_of(const struct lmeval *t, const struct asked *a, const cJSON *doc,
                        struct strbuf *out, struct err *e)
{
    int gold;

    if (t->multiple_target && !a->choices)
        return err_set(e, ERR_UNSUPPORTED, "a metric of translations with several references");
    if (!a->choices) {
        py_str(out, a->target);
        return strbuf_ok(out, e);
    }
    if (gold_choice(t, a, doc, &gold, e) < 0)
        return -1;
    strbuf_adds(out, gold < 0 ? "" : a->v[gold]);
    return strbuf_ok(out, e);
}

static int metric_credit(const struct lmeval *t, const struct metric_use *m,
                         const struct asked *a, const cJSON *doc, const char *got,
                         struct credit *c, struct err *e)
{
    const struct overlap *o = overlap_find(m->aggregation);
    struct strbuf reference = STRBUF_INIT;
    int right;

    if (!o && !m->likeness) {
        right = answer_right(t, m, a, doc, got, e);
        c->value = right > 0;
        return right < 0 ? -1 : 0;
    }
    right = reference_of(t, a, doc, &reference, e);
    if (right == 0 && m->likeness)
        right = m->likeness->of(m->likeness, got ? got : "", strbuf_str(&reference), &c->value, e);
    else if (right == 0)
        right = o->count(got ? got : "", strbuf_str(&reference), &c->value, &c->weight, e);
    strbuf_release(&reference);
    return right;
}

static int pipeline_credit(const struct lmeval *t, const struct pipeline *p,
                           const struct asked *a, const cJSON *doc, const char *const *texts,
                           int n, struct verdict *out, struct err *e)
{
    const char *got = NULL;

    if (t->way) {
        char *answer = NULL;
        if (pipeline_run(p, texts, n, doc, &answer, e) < 0)
            return -1;
        struct result_in in = {.doc = doc, .arg = t->way_arg, .answer = answer ? answer : ""};
        return way_credit(t, &in, p->name, answer, out, e);
    }
    for (int i = 0; i < t->metrics.n && out->n < CREDITS_MAX; i++) {
        struct credit *c = &out->credits[out->n];
        *c = (struct credit){t->metrics.v[i].rule->name, p->name, 0, 1, NULL};
        if (i == 0 && pipeline_run(p, texts, n, doc, &c->filtered, e) < 0)
            return -1;
        out->n++; /* from here verdict_release frees what was filtered: the first one's */
        got = i == 0 ? c->filtered : got;
        if (metric_credit(t, &t->metrics.v[i], a, doc, got, c, e) < 0)
            return -1;
    }
    return 0;
}

static int generate_credit(const struct lmeval *t, const struct asked *a, const cJSON *doc,
                           const struct reply_text *replies, int n, struct verdict *out,
                           struct err *e)
{
    const char **texts = mem_calloc((size_t)n + 1, sizeof *texts);
    int rc = texts ? 0 : err_nomem(e);

    for (int i = 0; i < n && rc == 0; i++)
        texts[i] = replies[i].text ? replies[i].text : "";
    for (int p = 0; p < t->pipelines.n && rc == 0; p++)
        rc = pipeline_credit(t, &t->pipelines.v[p], a, doc, texts, n, out, e);
    if (rc == 0 && out->n) {
        const char *last = out->credits[out->n - t->metrics.n].filtered;
        rc = predict(out, last ? last : "", e);
    }
    mem_free(texts);
    return rc;
}

const struct ynode *lmeval_not_native(const struct lmeval *t, const char **what)
{
    *what = t->metrics.missing ? "metric" : t->unscored ? "!function" : "filter";
    return t->metrics.missing ? t->metrics.missing
           : t->unscored      ? t->unscored
                              : t->pipelines.missing;
}

int lmeval_score(const struct lmeval *t, const struct item *it, const struct reply_text *replies,
                 struct verdict *out, struct err *e)
{
    const cJSON *doc = t->docs.v[it->doc_id];
    const char *what;
    const struct ynode *missing = lmeval_not_native(t, &what);
    struct asked a;
    int rc;

    *out = (struct verdict){.n = 0};
    if (missing)
        return ynode_fail(missing, e, ERR_UNSUPPORTED,
                          "the %s '%s' is not native here: the task can be shown, not scored", what,
                          missing->s);
    rc = asked_read(&a, t, doc, e);
    if (rc == 0 && t->type == OUTPUT_CHOICE)
        rc = choice_credit(t, &a, doc, replies, it->n_queries, out, e);
    else if (rc == 0 && t->type == OUTPUT_GENERATE)
        rc = generate_credit(t, &a, doc, replies, it->n_queries, out, e);
    else if (rc == 0 && t->type == OUTPUT_ROLLING)
        rc = rolling_credit(t, &a, doc, replies, out, e);
    else if (rc == 0)
        likelihood_credit(t, replies, out);
    asked_release(&a);
    if (rc < 0)
        verdict_release(out);
    return rc;
}
