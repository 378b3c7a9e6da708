#include "tasks/lmeval_metric.h"

#include <string.h>

#include "base/mem.h"
#include "base/suggest.h"
#include "tasks/likeness.h"
#include "tasks/lmeval_native.h"
#include "tasks/lmeval_results.h"
#include "tasks/overlap.h"
#include "tasks/pyregex.h"
#include "tasks/pytext.h"

enum { METRICS = 16, IGNORES = 32 };

static const struct metric_rule rules[] = {
    {"acc", OUTPUT_CHOICE | OUTPUT_LIKELIHOOD, "mean"},
    {"acc_norm", OUTPUT_CHOICE, "mean"},
    {"acc_bytes", OUTPUT_CHOICE, "mean"},
    {"acc_mutual_info", OUTPUT_CHOICE, "mean"},
    {"exact_match", OUTPUT_CHOICE | OUTPUT_GENERATE, "mean"},
    {"brier_score", OUTPUT_CHOICE, "mean"},
    {"f1", OUTPUT_CHOICE, "f1"},
    {"mcc", OUTPUT_CHOICE, "mcc"},
    {"perplexity", OUTPUT_LIKELIHOOD, "perplexity"},
    {"word_perplexity", OUTPUT_ROLLING, "weighted_perplexity"},
    {"byte_perplexity", OUTPUT_ROLLING, "weighted_perplexity"},
    {"bits_per_byte", OUTPUT_ROLLING, "bits_per_byte"},
    {"bleu", OUTPUT_GENERATE, "bleu"},
    {"chrf", OUTPUT_GENERATE, "chrf"},
    {"ter", OUTPUT_GENERATE, "ter"},
    {"likelihood", OUTPUT_CHOICE, NULL},
};
static const size_t n_rules = sizeof rules / sizeof rules[0];

/* lm-eval's names of ways to one number, and the metrics that each is meant for. */
static const struct {
    const char *name, *as;
} aggregations[] = {
    {"mean", "mean"},
    {"nanmean", "mean"}, /* none of these metrics is ever not a number */
    {"brier_score", "mean"},
    {"perplexity", "perplexity"},
    {"weighted_perplexity", "weighted_perplexity"},
    {"bits_per_byte", "bits_per_byte"},
    {"f1", "f1"},
    {"matthews_corrcoef", "mcc"},
    {"bleu", "bleu"},
    {"chrf", "chrf"},
    {"ter", "ter"},
};

static const struct metric_rule *rule_find(const char *name)
{
    for (size_t i = 0; i < n_rules; i++)
        if (strcmp(rules[i].name, name) == 0)
            return &rules[i];
    return NULL;
}

static int no_metric(const struct ynode *y, struct err *e)
{
    struct suggest s = SUGGEST(y->s ? y->s : "");

    for (size_t i = 0; i < n_rules; i++)
        suggest_offer(&s, rules[i].name);
    ynode_fail(y, e, ERR_UNSUPPORTED, "the metric '%s' is not native here", y->s ? y->s : "");
    if (suggest_best(&s))
        err_hint(e, "did you mean '%s'?", suggest_best(&s));
    return -1;
}

static int check_aggregation(const struct metric_use *m, const struct ynode *y, struct err *e)
{
    if (!y || y->type == Y_NULL)
        return 0;
    for (size_t i = 0; y->s && i < sizeof aggregations / sizeof aggregations[0]; i++)
        if (strcmp(aggregations[i].name, y->s) == 0 &&
            strcmp(aggregations[i].as, m->rule->aggregation) == 0)
            return 0;
    return ynode_fail(y, e, ERR_UNSUPPORTED,
                      "aggregation '%s' of the metric '%s' is not native here",
                      y->s ? y->s : "", m->rule->name);
}

static int read_ignore(struct metric_use *m, const struct ynode *y, struct arena *a,
                       struct err *e)
{
    if (y->type != Y_LIST || y->n_items > IGNORES)
        return ynode_fail(y, e, ERR_FORMAT, "regexes_to_ignore: a list of up to %d patterns",
                          IGNORES);
    m->ignore = arena_alloc(a, (y->n_items + 1) * sizeof *m->ignore);
    if (!m->ignore)
        return err_nomem(e);
    for (; m->n_ignore < (int)y->n_items; m->n_ignore++) {
        const struct ynode *p = y->items[m->n_ignore];
        if (!p->s)
            return ynode_fail(p, e, ERR_FORMAT, "a pattern is a text");
        if (pyregex_open(&m->ignore[m->n_ignore], p->s, e) < 0)
            return err_prefix(e, "%s:%d:%d", p->file, p->line, p->column);
    }
    return 0;
}

/* Of choices lm-eval counts everything itself, whatever hf_evaluate says. */
static int read_options(struct metric_use *m, const struct ynode *y, struct arena *a,
                        enum output_type type, struct err *e)
{
    const struct {
        const char *name;
        int *flag;
    } flags[] = {{"ignore_case", &m->ignore_case},
                 {"ignore_punctuation", &m->ignore_punctuation},
                 {"ignore_numbers", &m->ignore_numbers}};

    for (size_t i = 0; i < y->n_items; i++) {
        const struct ynode *key = y->keys[i], *v = y->items[i];
        for (size_t f = 0; f < sizeof flags / sizeof flags[0]; f++)
            if (ynode_is(key, flags[f].name))
                *flags[f].flag = v->num != 0 || (v->type == Y_STR && v->n);
        if (ynode_is(key, "hf_evaluate") && v->num != 0 &&
            strcmp(m->rule->name, "exact_match") != 0 && type != OUTPUT_CHOICE)
            return ynode_fail(v, e, ERR_UNSUPPORTED, "hf_evaluate: '%s' of the evaluate library",
                              m->rule->name);
        if (ynode_is(key, "regexes_to_ignore") && v->type != Y_NULL &&
            read_ignore(m, v, a, e) < 0)
            return -1;
    }
    return 0;
}

/* --- functions ---------------------------------------------------------------------------- */

/* NULL: not known, or without memory, which e tells. */
static const struct native_aggregation *aggregation_find(const struct ynode *function,
                                                         struct err *e)
{
    char hex[17];

    if (function_hash(function, hex, e) < 0)
        return NULL;
    for (size_t i = 0; i < n_native_aggregations; i++)
        if (strcmp(native_aggregations[i].sha256, hex) == 0)
            return &native_aggregations[i];
    return NULL;
}

static int is_any(const char *name, const char *const *of)
{
    while (*of && strcmp(*of, name) != 0)
        of++;
    return *of != NULL;
}

/* A known function aggregates what it was written for: the metric's own numbers, classes where F1
 * is of classes, texts where something is counted of texts. */
static int fits(const struct metric_use *m, const struct native_aggregation *row,
                enum output_type type)
{
    static const char *const of_classes[] = {"weighted_f1", "micro_f1", "macro_f1", "three_f1",
                                             "polarity_f1", NULL};
    int f1 = m->rule->aggregation && strcmp(m->rule->aggregation, "f1") == 0;

    if (!m->rule->aggregation)
        return strcmp(row->name, "mean") == 0;
    if (f1 && type == OUTPUT_CHOICE)
        return is_any(row->name, of_classes);
    if (f1)
        return row->likeness || overlap_find(row->name);
    return strcmp(row->name, m->rule->aggregation) == 0;
}

/* An aggregation that is a function: 1 when it is known, 0, -1. */
static int known_aggregation(struct metric_use *m, const struct ynode *how,
                             enum output_type type, struct err *e)
{
    struct err own = ERR_NONE;
    const struct native_aggregation *row =
        m->rule && how && how->type == Y_FUNCTION ? aggregation_find(how, &own) : NULL;

    if (own.code == ERR_NOMEM)
        return err_nomem(e);
    if (!row || !fits(m, row, type))
        return 0;
    m->aggregation = row->name;
    if (row->likeness)
        m->likeness = likeness_find(row->likeness);
    return 1;
}

/* A metric that is a function of two texts: 1 when it is known, 0, -1. */
static int known_metric(struct metric_use *m, const struct ynode *name, enum output_type type,
                        struct arena *a, struct err *e)
{
    struct metric_rule *rule;
    char hex[17];

    if (type != OUTPUT_GENERATE)
        return 0;
    if (function_hash(name, hex, e) < 0)
        return -1;
    for (size_t i = 0; i < n_native_metrics; i++) {
        if (strcmp(native_metrics[i].sha256, hex) != 0)
            continue;
        rule = arena_alloc(a, sizeof *rule);
        if (!rule)
            return err_nomem(e);
        *rule = (struct metric_rule){native_metrics[i].name, OUTPUT_GENERATE, "mean"};
        m->rule = rule;
        m->likeness = likeness_find(native_metrics[i].likeness);
        return 1;
    }
    return 0;
}

/* --- metric_list -------------------------------------------------------------------------- */

static const struct metric_rule *way_rule(const struct result_way *way, const char *name)
{
    for (int i = 0; i < WAY_METRICS && way->metrics[i].name; i++)
        if (strcmp(way->metrics[i].name, name) == 0)
            return &way->metrics[i];
    return NULL;
}

/* What cannot be counted here: functions and names of the task's own that are not known, metrics of
 * another type of output, aggregations that are not known. */
static int is_missing(const struct metric_use *m, const struct ynode *name,
                      const struct ynode *how, int known, enum output_type type, int any,
                      const struct result_way *way)
{
    if (!m->rule && (name->type == Y_FUNCTION || (any && name->type == Y_STR) || way))
        return 1;
    if (m->rule && !known && (!m->aggregation || (how && (any || how->type == Y_FUNCTION))))
        return 1;
    return m->rule && type == OUTPUT_GENERATE && !(m->rule->outputs & OUTPUT_GENERATE) &&
           !(known && strcmp(m->rule->name, "f1") == 0);
}

static int find_rule(struct metric_use *m, const struct ynode *name, enum output_type type,
                     const struct result_way *way, struct arena *a, struct err *e)
{
    if (name->type == Y_FUNCTION)
        return known_metric(m, name, type, a, e) < 0 ? -1 : 0;
    if (name->type == Y_STR)
        m->rule = way ? way_rule(way, name->s) : rule_find(name->s);
    return 0;
}

/* 1: the metric gives nothing here, and is left out. */
static int read_metric(struct metrics *out, const struct ynode *y, struct arena *a,
                       enum output_type type, int any, const struct result_way *way,
                       struct err *e)
{
    const struct ynode *name = ynode_get(y, "metric"), *how = ynode_get(y, "aggregation");
    struct metric_use *m = &out->v[out->n];
    int known;

    *m = (struct metric_use){.node = y};
    if (!name)
        return ynode_fail(y, e, ERR_FORMAT, "metric_list: 'metric' is missing");
    if (ynode_is(name, "bypass"))
        return 1;
    if (find_rule(m, name, type, way, a, e) < 0)
        return -1;
    m->aggregation = m->rule ? m->rule->aggregation : NULL;
    known = known_aggregation(m, how, type, e);
    if (known < 0)
        return -1;
    if (is_missing(m, name, how, known, type, any, way)) {
        out->missing = out->missing ? out->missing : how && m->rule ? how : name;
        return 1;
    }
    if (!m->rule)
        return no_metric(name, e);
    if (!known && check_aggregation(m, how, e) < 0)
        return -1;
    return read_options(m, y, a, type, e);
}

static int defaults(struct metrics *out, struct arena *a, enum output_type type, struct err *e)
{
    static const struct {
        enum output_type type;
        const char *names[4];
    } rows[] = {
        {OUTPUT_LIKELIHOOD, {"perplexity", "acc"}},
        {OUTPUT_CHOICE, {"acc", "acc_norm"}},
        {OUTPUT_ROLLING, {"word_perplexity", "byte_perplexity", "bits_per_byte"}},
        {OUTPUT_GENERATE, {"exact_match"}},
    };

    out->v = arena_alloc(a, 4 * sizeof *out->v);
    if (!out->v)
        return err_nomem(e);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int k = 0; rows[i].type == type && k < 4 && rows[i].names[k]; k++)
        {
            const struct metric_rule *rule = rule_find(rows[i].names[k]);
            out->v[out->n++] = (struct metric_use){.rule = rule,
                                                   .aggregation = rule->aggregation};
        }
    return 0;
}

int metrics_read(struct metrics *out, struct arena *a, const struct ynode *list,
                 enum output_type type, int any, const struct result_way *way, struct err *e)
{
    *out = (struct metrics){0};
    if (!list)
        return defaults(out, a, type, e);
    if (list->type != Y_LIST || list->n_items > METRICS)
        return ynode_fail(list, e, ERR_FORMAT, "metric_list: a list of up to %d metrics", METRICS);
    out->v = arena_alloc(a, (list->n_items + 1) * sizeof *out->v);
    if (!out->v)
        return err_nomem(e);
    for (size_t i = 0; i < list->n_items; i++) {
        int got = read_metric(out, list->items[i], a, type, any, way, e);
        out->n += got != 1;
        if (got < 0) {
            metrics_release(out);
            return -1;
        }
    }
    return 0;
}

void metrics_release(struct metrics *m)
{
    for (int i = 0; i < m->n; i++)
        for (int k = 0; k < m->v[i].n_ignore; k++)
            pyregex_close(m->v[i].ignore[k]);
    *m = (struct metrics){0};
}

const struct metric_use *metrics_find(const struct metrics *m, const char *name)
{
    for (int i = 0; i < m->n; i++)
        if (strcmp(m->v[i].rule->name, name) == 0)
            return &m->v[i];
    return NULL;
}

static void drop_digits(struct strbuf *out, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (s[i] < '0' || s[i] > '9')
            strbuf_addc(out, s[i]);
}

/* In order: the patterns, then case, punctuation, digits. */
static int normalize(const struct metric_use *m, const char *text, struct strbuf *out,
                     struct err *e)
{
    const struct {
        int on;
        void (*f)(struct strbuf *out, const char *s, size_t n);
    } steps[] = {{m->ignore_case, py_lower},
                 {m->ignore_punctuation, py_drop_punctuation},
                 {m->ignore_numbers, drop_digits}};
    struct strbuf next = STRBUF_INIT, swap;
    int rc = 0;

    strbuf_adds(out, text);
    for (int i = 0; i < m->n_ignore + 3 && rc == 0; i++) {
        int step = i - m->n_ignore;
        if (step >= 0 && !steps[step].on)
            continue;
        strbuf_clear(&next);
        if (step < 0)
            rc = pyregex_remove(m->ignore[i], strbuf_str(out), out->len, &next, e);
        else
            steps[step].f(&next, strbuf_str(out), out->len);
        swap = *out, *out = next, next = swap;
    }
    if (rc < 0 && m->node && e && e->code != ERR_NOMEM)
        err_prefix(e, "%s:%d:%d", m->node->file, m->node->line, m->node->column);
    if (rc == 0 && (next.failed || out->failed))
        rc = err_nomem(e);
    strbuf_release(&next);
    return rc;
}

int metric_same(const struct metric_use *m, const char *got, const char *want, struct err *e)
{
    struct strbuf x = STRBUF_INIT, y = STRBUF_INIT;
    int rc = -1;

    if (normalize(m, got, &x, e) == 0 && normalize(m, want, &y, e) == 0)
        rc = x.len == y.len && memcmp(strbuf_str(&x), strbuf_str(&y), x.len) == 0;
    strbuf_release(&x);
    strbuf_release(&y);
    return rc;
}
