#include "tasks/format.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "tasks/answer.h"
#include "tasks/ask.h"
#include "tasks/code.h"
#include "tasks/pytext.h"
#include "tasks/score.h"

static void add(struct verdict *v, const char *metric, double value, double weight)
{
    v->credits[v->n++] = (struct credit){metric, "none", value, weight, NULL};
}

static int predict(struct verdict *v, const char *text, struct err *e)
{
    v->prediction = mem_strdup(text);
    return v->prediction ? 0 : err_nomem(e);
}

/* In chat a turn has ended where the delimiter would stand. */
static const char *delimiter(const struct task *t)
{
    return t->style.chat ? "" : t->style.target_delimiter;
}

static int choice_ask(const struct task *t, const struct doc *d, const char *const *prompts,
                      struct item *out, struct err *e)
{
    const char *alone = t->row->recipe->alone;
    int n = d->n_choices;

    if (ask_queries(out, alone ? 2 * n : n, e) < 0)
        return -1;
    for (int i = 0; i < out->n_queries; i++)
        if (ask_query(&out->queries[i], QUERY_LOGLIKELIHOOD, i < n ? prompts[0] : alone,
                      delimiter(t), d->choices[i % n], e) < 0)
            return -1;
    return ask_gold(out, d->gold < 0 ? d->targets[0] : d->choices[d->gold], d->gold, e);
}

static int context_ask(const struct task *t, const struct doc *d, const char *const *prompts,
                       struct item *out, struct err *e)
{
    if (ask_queries(out, d->n_choices, e) < 0)
        return -1;
    for (int i = 0; i < d->n_choices; i++)
        if (ask_query(&out->queries[i], QUERY_LOGLIKELIHOOD, prompts[i], delimiter(t),
                      d->targets[0], e) < 0)
            return -1;
    return ask_gold(out, d->choices[d->gold], d->gold, e);
}

static size_t characters(const char *s)
{
    return utf8_count(s, strlen(s));
}

/* Of what is predicted: the blank before the option is a part of that. */
static size_t characters_predicted(const char *s)
{
    return characters(s) + 1;
}

static const struct {
    const char *metric;
    size_t (*length)(const char *s); /* NULL: the log-likelihood as it is */
    int less_alone;                  /* 1: less that without the question */
} choice_metrics[] = {
    {"acc", NULL, 0},
    {"acc_norm", characters, 0},
    {"acc_bytes", strlen, 0},
    {"acc_per_char", characters_predicted, 0},
    {"acc_mutual_info", NULL, 1},
};

static int is_metric(const struct task *t, const char *metric)
{
    const struct recipe *r = t->row->recipe;

    for (size_t i = 0; i < sizeof r->metrics / sizeof r->metrics[0] && r->metrics[i]; i++)
        if (strcmp(r->metrics[i], metric) == 0)
            return 1;
    return 0;
}

/* The likeliest option is the prediction, whatever the metrics are. */
static int choice_lengths(const struct task *t, const struct doc *d, int i, double *lengths)
{
    int n = 0;

    lengths[n++] = 1;
    for (size_t m = 0; m < sizeof choice_metrics / sizeof choice_metrics[0]; m++) {
        if (!is_metric(t, choice_metrics[m].metric))
            continue;
        if (choice_metrics[m].less_alone)
            return 0;
        if (choice_metrics[m].length)
            lengths[n++] = (double)choice_metrics[m].length(d->choices[i]);
    }
    return n;
}

static int choice_credit(const struct task *t, const struct doc *d,
                         const struct reply_text *replies, struct verdict *out, struct err *e)
{
    const size_t n_metrics = sizeof choice_metrics / sizeof choice_metrics[0];
    size_t n = (size_t)d->n_choices, *lengths = mem_calloc(n, sizeof *lengths);
    double *ll = mem_calloc(2 * n, sizeof *ll), *lead; /* over that alone */
    int rc = -1;

    if (!ll || !lengths) {
        err_nomem(e);
        goto out;
    }
    lead = ll + n;
    for (size_t i = 0; i < n; i++)
        ll[i] = replies[i].loglikelihood;
    for (size_t m = 0; m < n_metrics; m++) {
        int best;
        if (!is_metric(t, choice_metrics[m].metric))
            continue;
        for (size_t i = 0; i < n && choice_metrics[m].length; i++)
            lengths[i] = choice_metrics[m].length(d->choices[i]);
        for (size_t i = 0; i < n && choice_metrics[m].less_alone; i++)
            lead[i] = ll[i] - replies[n + i].loglikelihood;
        best = choice_metrics[m].length ? score_best_per(ll, lengths, d->n_choices)
                                        : score_best(choice_metrics[m].less_alone ? lead : ll,
                                                     d->n_choices);
        add(out, choice_metrics[m].metric, best == d->gold, 1);
    }
    rc = predict(out, d->choices[score_best(ll, d->n_choices)], e);
out:
    mem_free(ll);
    mem_free(lengths);
    return rc;
}

/* The share of the answers' probability that is on right ones; the largest is taken out first, so
 * that long answers do not vanish. */
static int mass_credit(const struct task *t, const struct doc *d,
                       const struct reply_text *replies, struct verdict *out, struct err *e)
{
    double most = -INFINITY, all = 0, right = 0;
    int best = 0;

    (void)t;
    for (int i = 0; i < d->n_choices; i++)
        if (replies[i].loglikelihood > most) {
            most = replies[i].loglikelihood;
            best = i;
        }
    for (int i = 0; i < d->n_choices && most > -INFINITY; i++) {
        double p = exp(replies[i].loglikelihood - most);
        all += p;
        right += d->right[i] ? p : 0;
    }
    add(out, "acc", all > 0 ? right / all : 0, 1);
    return predict(out, d->choices[best], e);
}

static int likelihood_ask(const struct task *t, const struct doc *d, const char *const *prompts,
                          struct item *out, struct err *e)
{
    (void)t; /* doc_to_target as it is: no delimiter */
    if (ask_queries(out, 1, e) < 0 ||
        ask_query(&out->queries[0], QUERY_LOGLIKELIHOOD, prompts[0], "", d->targets[0], e) < 0)
        return -1;
    return ask_gold(out, d->targets[0], -1, e);
}

static int likelihood_credit(const struct task *t, const struct doc *d,
                             const struct reply_text *replies, struct verdict *out, struct err *e)
{
    (void)t, (void)d, (void)e;
    add(out, "perplexity", replies[0].loglikelihood, 1);
    add(out, "acc", replies[0].is_greedy != 0, 1);
    return 0;
}

static int rolling_ask(const struct task *t, const struct doc *d, const char *const *prompts,
                       struct item *out, struct err *e)
{
    (void)t, (void)prompts;
    out->gold_index = -1;
    return ask_queries(out, 1, e) < 0
               ? -1
               : ask_query(&out->queries[0], QUERY_ROLLING, "", "", d->targets[0], e);
}

/* Words and bytes are those of the raw text, whatever was scored. */
static int rolling_credit(const struct task *t, const struct doc *d,
                          const struct reply_text *replies, struct verdict *out, struct err *e)
{
    size_t n = strlen(d->text);
    double words = (double)py_count_words(d->text, n);

    (void)t, (void)e;
    add(out, "word_perplexity", replies[0].loglikelihood, words);
    add(out, "byte_perplexity", replies[0].loglikelihood, (double)n);
    add(out, "bits_per_byte", replies[0].loglikelihood, (double)n);
    return 0;
}

/* 8192 tokens in windows of 512 of which the second half is predicted: llama.cpp's measure. */
static int windows_ask(const struct task *t, const struct doc *d, const char *const *prompts,
                       struct item *out, struct err *e)
{
    (void)t, (void)prompts;
    out->gold_index = -1;
    if (ask_queries(out, 1, e) < 0 ||
        ask_query(&out->queries[0], QUERY_WINDOWS, "", "", d->targets[0], e) < 0)
        return -1;
    out->queries[0].window = 512;
    out->queries[0].scored_from = 257;
    out->queries[0].most_tokens = 8192;
    return 0;
}

static int windows_credit(const struct task *t, const struct doc *d,
                          const struct reply_text *replies, struct verdict *out, struct err *e)
{
    (void)d;
    if (replies[0].n_tokens <= 0)
        return err_set(e, ERR_INVALID, "%s: no token was predicted", t->row->info.name);
    add(out, "perplexity", replies[0].loglikelihood, replies[0].n_tokens);
    return 0;
}

int format_ask_text(const struct task *t, const struct doc *d, const char *const *prompts,
                    struct item *out, struct err *e)
{
    const struct recipe *r = t->row->recipe;
    int n = r->repeats ? r->repeats : 1;

    if (ask_queries(out, n, e) < 0)
        return -1;
    for (int i = 0; i < n; i++) {
        struct query *q = &out->queries[i];
        if (ask_query(q, QUERY_GENERATE, prompts[0], "", "", e) < 0)
            return -1;
        q->until = r->until;
        q->n_until = r->n_until;
        q->max_tokens = r->max_tokens;
        q->temperature = r->temperature;
        q->top_p = r->top_p;
        q->seed = t->seed;
    }
    return ask_gold(out, d->targets[0], -1, e);
}

static int generate_credit(const struct task *t, const struct doc *d,
                           const struct reply_text *replies, struct verdict *out, struct err *e)
{
    const struct answer_rules *rules = t->row->recipe->answers;
    const char *text = replies[0].text ? replies[0].text : "";

    for (int f = 0; f < rules->n_filters; f++) {
        struct credit *c = &out->credits[out->n];
        int equal = 0;
        *c = (struct credit){"exact_match", rules->filters[f].name, 0, 1, NULL};
        c->filtered = answer_filter(t->answer, f, text, d, e);
        if (!c->filtered)
            return -1;
        out->n++; /* from here verdict_release frees it */
        for (int i = 0; i < d->n_targets && equal == 0; i++)
            equal = answer_equal(t->answer, c->filtered, d->targets[i], e);
        if (equal < 0)
            return -1;
        c->value = equal;
    }
    return predict(out, out->credits[out->n - 1].filtered, e);
}

/* Anywhere, without case; the answer is taken literally. */
static int contains_credit(const struct task *t, const struct doc *d,
                           const struct reply_text *replies, struct verdict *out, struct err *e)
{
    const char *text = replies[0].text ? replies[0].text : "";
    int has = 0;

    (void)t;
    for (int i = 0; i < d->n_targets && has == 0; i++)
        has = answer_contains(text, d->targets[i], e);
    if (has < 0 || predict(out, text, e) < 0)
        return -1;
    add(out, "contains", has, 1);
    return 0;
}

const struct format format_choice = {
    "multiple_choice", PROMPTS_ONE, choice_ask, choice_credit, NULL, choice_lengths,
};
const struct format format_mass = {
    "multiple_choice", PROMPTS_ONE, choice_ask, mass_credit, NULL, NULL,
};
const struct format format_context = {
    "multiple_choice", PROMPTS_PER_CHOICE, context_ask, choice_credit, NULL, choice_lengths,
};
const struct format format_likelihood = {
    "loglikelihood", PROMPTS_ONE, likelihood_ask, likelihood_credit, "perplexity", NULL,
};
const struct format format_rolling = {
    "loglikelihood_rolling", PROMPTS_NONE, rolling_ask, rolling_credit, NULL, NULL,
};
const struct format format_windows = {
    "windows", PROMPTS_NONE, windows_ask, windows_credit, "weighted_perplexity", NULL,
};
const struct format format_generate = {
    "generate_until", PROMPTS_ONE, format_ask_text, generate_credit, NULL, NULL,
};
/* RULER's string_match_all. */
static int recall_credit(const struct task *t, const struct doc *d,
                         const struct reply_text *replies, struct verdict *out, struct err *e)
{
    const char *text = replies[0].text ? replies[0].text : "";
    int has = 0;

    (void)t;
    for (int i = 0; i < d->n_targets; i++) {
        int found = answer_contains(text, d->targets[i], e);
        if (found < 0)
            return -1;
        has += found;
    }
    add(out, "recall", (double)has / d->n_targets, 1);
    return predict(out, text, e);
}

const struct format format_recall = {
    "generate_until", PROMPTS_ONE, format_ask_text, recall_credit, NULL, NULL,
};
const struct format format_contains = {
    "generate_until", PROMPTS_ONE, format_ask_text, contains_credit, NULL, NULL,
};
const struct format format_code = {
    "generate_until", PROMPTS_ONE, format_ask_text, code_credit, NULL, NULL,
};
