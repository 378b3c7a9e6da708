/* trend.c -- which rows count, what density each model has, and the lines through them. */
#include <float.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "harness/trend_impl.h"
#include "harness/trend_runs.h"

enum { RULER_NODES = 4 };
#define CONF 0.95
#define RULER_R2 0.8 /* below, its models are at chance or out of order */
#define QUANTILE 0.9

/* --- rows ---------------------------------------------------------------------------------- */

int trend_day(const struct published_date *d, double *day)
{
    if (published_days(d, day) < 0)
        return -1;
    *day += d->day ? 0 : 14;
    return 0;
}

double trend_parameters(const struct published_row *row, enum trend_size size)
{
    double active = isnan(row->active_params) ? row->total_params : row->active_params;

    switch (size) {
    case SIZE_ACTIVE: return active;
    case SIZE_ROOT: return sqrt(row->total_params * active);
    case SIZE_NON_EMBEDDING: return row->non_embedding_params;
    default: return row->total_params;
    }
}

static const char *say(struct arena *a, int *failed, const char *fmt, ...) PRINTF_LIKE(3, 4);
static const char *say(struct arena *a, int *failed, const char *fmt, ...)
{
    char text[300];
    const char *kept;
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    kept = arena_strdup(a, text);
    *failed |= !kept;
    return kept ? kept : "";
}

/* Is `name` one of the names in "a, b"? */
static int is_listed(const char *list, const char *name)
{
    size_t n = strlen(name);

    for (const char *s = list; s && *s;) {
        size_t k = strcspn(s, ",");
        if (k == n && memcmp(s, name, n) == 0)
            return 1;
        s += k;
        s += strspn(s, ", ");
    }
    return 0;
}

/* Was it asked as the series asks? */
static const char *other_way(struct arena *a, const struct published_row *row,
                             const struct published_score *score, const struct trend_series *s,
                             int *failed)
{
    if (s->variant && strcmp(row->variant, s->variant) != 0)
        return say(a, failed, "is %.60s; the series is of %s models", row->variant, s->variant);
    if (score->shots < 0)
        return say(a, failed, "does not say how many examples; the series has %d", s->shots);
    if (score->shots != s->shots)
        return say(a, failed, "%d examples; the series has %d", score->shots, s->shots);
    if (s->harness && !row->harness)
        return say(a, failed, "does not say who evaluated; the series keeps to %s", s->harness);
    if (s->harness && strncmp(row->harness, s->harness, strlen(s->harness)) != 0)
        return say(a, failed, "evaluated by %.80s; the series keeps to %s", row->harness,
                   s->harness);
    if (s->not_metric && score->metric && strcmp(score->metric, s->not_metric) == 0)
        return say(a, failed, "scored by %.60s; the series is not", score->metric);
    return NULL;
}

const char *trend_reason(struct arena *a, const struct published_row *row,
                         const struct trend_series *s, const struct trend_opts *o, int *failed)
{
    const struct published_score *score = published_score(row, s->benchmark);
    const char *why = other_way(a, row, score, s, failed);
    int own = trend_is_own(row);
    double day;

    if (why)
        return why;
    if (own && score->note)
        return say(a, failed, "%s", score->note);
    if (score->value < 0 || score->value > 100)
        return say(a, failed, "%g is no score in per cent", score->value);
    if (o->skip_families && row->family && is_listed(o->skip_families, row->family))
        return say(a, failed, "family %.60s is left out", row->family);
    if (o->skip_maker && row->organisation && strcmp(o->skip_maker, row->organisation) == 0)
        return say(a, failed, "%.60s's models are left out", row->organisation);
    if (trend_day(&row->released, &day) < 0)
        return say(a, failed, own ? "no release date known: `label %.8s NAME@YYYY-MM-DD` gives one"
                                  : "no release date", row->source);
    if (!(trend_parameters(row, o->size) > 0))
        return say(a, failed, "no count of %s parameters", trend_size_name(o->size));
    if (day < o->since || day > o->until)
        return say(a, failed, "released %s the time asked for",
                   day < o->since ? "before" : "after");
    return NULL;
}

/* --- the ruler ----------------------------------------------------------------------------- */

static double link_score(const struct trend_ruler *r, double chance, double score)
{
    double u = (score - chance) / (1 - chance);

    if (!r->of->family)
        return score;
    return u > 0 && u < 1 ? log(u / (1 - u)) : NAN;
}

double trend_effective(const struct trend_ruler *r, double chance, double score)
{
    return (link_score(r, chance, score) - r->c) / r->k;
}

/* Constants of others are of one benchmark, and of any size. */
static int take_published(struct trend_ruler *r, const struct trend_series *s, struct err *e)
{
    const struct family *f = r->of;

    if (!s->ruler || strcmp(s->ruler, f->name) != 0)
        return err_set(e, ERR_INVALID, "%s: the ruler '%s' is of another benchmark", s->name,
                       f->name);
    *r = (struct trend_ruler){f, f->k, f->c, f->r2, f->n, 1, 1e15};
    return 0;
}

int trend_ruler_fit(struct trend_ruler *r, const struct trend_rows *p,
                    const struct trend_series *s, enum trend_size size, struct err *e)
{
    const struct family *f = r->of;
    struct trend_point *nodes;
    struct trend_line line;
    double low = INFINITY, high = 0;
    size_t n = 0;

    if (!f->family)
        return take_published(r, s, e);
    if (s->harness && strcmp(s->harness, f->harness) != 0)
        return err_set(e, ERR_INVALID, "%s: the ruler '%s' is another evaluator's", s->name,
                       f->name);
    nodes = mem_calloc(p->n ? p->n : 1, sizeof *nodes);
    if (!nodes)
        return err_nomem(e);
    for (size_t i = 0; i < p->n; i++) {
        const struct published_row *row = p->v[i];
        const struct published_score *score = published_score(row, s->benchmark);
        double parameters = trend_parameters(row, size), y;
        if (!score || score->shots != s->shots || trend_is_own(row) ||
            !family_has(f, row) || !(parameters > 0) ||
            (s->not_metric && score->metric && strcmp(score->metric, s->not_metric) == 0))
            continue;
        y = link_score(r, s->chance, score->value / 100);
        if (!isfinite(y))
            continue;
        nodes[n++] = (struct trend_point){.day = log(parameters), .y = y};
        low = fmin(low, parameters);
        high = fmax(high, parameters);
    }
    line = trend_least_squares(nodes, n);
    mem_free(nodes);
    if (n < RULER_NODES)
        return err_set(e, ERR_INVALID, "%s: the ruler '%s' has %zu sizes with a score, it needs %d",
                       s->name, f->name, n, RULER_NODES);
    if (!(line.slope > 0 && line.r2 >= RULER_R2))
        return err_set(e, ERR_INVALID, "%s: scores of the ruler '%s' do not follow size (R2 %.2f)",
                       s->name, f->name, line.r2);
    r->k = line.slope;
    r->c = line.intercept;
    r->r2 = line.r2;
    r->n = (int)n;
    r->low = low;
    r->high = high;
    return 0;
}

/* --- models -------------------------------------------------------------------------------- */

/* Our own run of a model stands beside what others have published of it. */
static int same_model(const struct published_row *a, const struct published_row *b)
{
    return strcmp(a->model, b->model) == 0 && trend_is_own(a) == trend_is_own(b);
}

static struct trend_model *model_of(struct trend *t, const struct published_row *row)
{
    for (size_t i = 0; i < t->n; i++)
        if (same_model(t->models[i].row, row))
            return &t->models[i];
    t->models[t->n] = (struct trend_model){.row = row, .density = NAN, .bound = NAN};
    return &t->models[t->n++];
}

/* Sorts every row with a score on the benchmark into models and outs. */
static int sort_rows(struct trend *t, const struct trend_rows *p, const struct trend_opts *o,
                     struct err *e)
{
    int failed = 0;

    for (size_t i = p->from; i < p->n; i++) {
        const struct published_row *row = p->v[i];
        const char *why;
        if (!published_score(row, t->series->benchmark))
            continue;
        why = trend_reason(&t->arena, row, t->series, o, &failed);
        if (why)
            t->outs[t->n_outs++] = (struct trend_out){row, why};
        else
            model_of(t, row)->sources++;
    }
    return failed ? err_nomem(e) : 0;
}

/* Median over the model's rows that count; v has room for all of them. */
static double median_score(const struct trend *t, const struct trend_model *m,
                           const struct trend_rows *p, const struct trend_opts *o, double *v,
                           int *failed)
{
    struct arena scratch = ARENA_INIT;
    size_t n = 0;

    for (size_t i = p->from; i < p->n; i++) {
        const struct published_row *row = p->v[i];
        if (same_model(row, m->row) && published_score(row, t->series->benchmark) &&
            !trend_reason(&scratch, row, t->series, o, failed))
            v[n++] = published_score(row, t->series->benchmark)->value / 100;
    }
    arena_release(&scratch);
    stats_sort(v, n);
    return stats_median(v, n);
}

/* Families are numbered by their first model; a model without one is its own. */
static size_t family_of(const struct trend *t, size_t i, int by_organisation)
{
    const struct published_row *row = t->models[i].row;
    const char *name = by_organisation ? row->organisation : row->family;

    for (size_t k = 0; name && k < i; k++) {
        const struct published_row *other = t->models[k].row;
        const char *its = by_organisation ? other->organisation : other->family;
        if (its && strcmp(its, name) == 0)
            return k;
    }
    return i;
}

static void weigh(struct trend *t, size_t i, const struct trend_opts *o)
{
    struct trend_model *m = &t->models[i];
    const struct trend_series *s = t->series;
    int resolved = m->score > s->resolved;
    double effective = trend_effective(&t->ruler, s->chance, resolved ? m->score : s->resolved);
    double held = fmin(fmax(effective, log(t->ruler.low)), log(t->ruler.high));

    trend_day(&m->row->released, &m->day);
    m->parameters = trend_parameters(m->row, o->size);
    if (resolved)
        m->density = exp(effective) / m->parameters;
    m->beyond = !resolved || effective < held ? '<' : effective > held ? '>' : 0;
    if (m->beyond)
        m->bound = exp(held) / m->parameters;
    t->n_resolved += (size_t)resolved;
    t->points[i] = t->bounded[i] = (struct trend_point){
        .day = m->day, .y = effective - log(m->parameters), .censored = resolved ? 0 : -1,
        .family = family_of(t, i, o->by_organisation)};
    t->bounded[i].y = held - log(m->parameters);
    t->bounded[i].censored = m->beyond == '<' ? -1 : m->beyond == '>' ? 1 : 0;
}

/* A score of 1 has no place on a logit ruler: at least what its evaluators could tell apart. */
static double below_one(double score)
{
    return fmin(score, 1 - 1e-4);
}

static int weigh_models(struct trend *t, const struct trend_rows *p, const struct trend_opts *o,
                        struct err *e)
{
    double *v = mem_alloc((p->n ? p->n : 1) * sizeof *v);
    int failed = 0;

    if (!v)
        return err_nomem(e);
    for (size_t i = 0; i < t->n; i++)
        t->models[i].score = below_one(median_score(t, &t->models[i], p, o, v, &failed));
    mem_free(v);
    t->points = arena_alloc(&t->arena, (t->n ? t->n : 1) * sizeof *t->points);
    t->bounded = arena_alloc(&t->arena, (t->n ? t->n : 1) * sizeof *t->bounded);
    if (failed || !t->points || !t->bounded)
        return err_nomem(e);
    for (size_t i = 0; i < t->n; i++)
        weigh(t, i, o);
    return 0;
}

/* --- lines --------------------------------------------------------------------------------- */

static double quantile_slope(const struct trend_point *p, size_t n, void *user)
{
    struct trend_line line;

    (void)user;
    return trend_quantile(p, n, QUANTILE, &line, NULL) < 0 ? NAN : line.slope;
}

static double plain_slope(const struct trend_point *p, size_t n, void *user)
{
    (void)user;
    return trend_least_squares(p, n).slope;
}

static double frontier_slope(const struct trend_point *p, size_t n, void *user)
{
    struct trend_envelope x;

    (void)user;
    return trend_envelope(p, n, &x, NULL) < 0 ? NAN : x.line.slope;
}

static void conclude(struct trend *t)
{
    t->all.slope = t->fit.slope;
    t->all.slope_interval = trend_slope_interval(&t->fit, CONF);
    t->all.p_none = trend_slope_p(&t->fit, 0);
    t->all.p_8 = trend_slope_p(&t->fit, log(2) / (8 * DAYS_PER_MONTH));
    t->all.p_3_5 = trend_slope_p(&t->fit, log(2) / (3.5 * DAYS_PER_MONTH));
}

struct redrawing {
    const struct trend_point *points;
    trend_statistic statistic;
    size_t replicates; /* at most: a quantile line takes its time */
    struct interval *out;
};

static int redraw(struct trend *t, const struct trend_opts *o, struct err *e)
{
    const struct redrawing rows[] = {
        {t->points, plain_slope, o->replicates, &t->plain_interval},
        {t->points, frontier_slope, o->replicates, &t->frontier_interval},
        {t->bounded, quantile_slope, 200, &t->quantile_interval},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (trend_redrawn(rows[i].points, t->n, rows[i].statistic, NULL, rows[i].replicates,
                          o->seed, CONF, rows[i].out, e) < 0)
            return -1;
    return 0;
}

/* Frontier and shuffles are of one series: densities of two benchmarks are not one scale. */
static int draw_lines(struct trend *t, const struct trend_opts *o, struct err *e)
{
    t->plain = trend_least_squares(t->points, t->n);
    if (trend_envelope(t->points, t->n, &t->frontier, e) < 0)
        return -1;
    if (!o->replicates)
        return 0;
    if (trend_quantile(t->bounded, t->n, QUANTILE, &t->quantile, e) < 0 || redraw(t, o, e) < 0 ||
        trend_shuffle(t->points, t->n, 0, o->replicates, o->seed, &t->by_model, e) < 0)
        return -1;
    return trend_shuffle(t->points, t->n, 1, o->replicates, o->seed, &t->by_family, e);
}

static int mark_frontier(struct trend *t, struct err *e)
{
    t->frontier_at = arena_alloc(&t->arena, (t->n ? t->n : 1) * sizeof *t->frontier_at);
    if (!t->frontier_at)
        return err_nomem(e);
    if (trend_frontier(t->points, t->n, t->frontier_at, &t->n_frontier, e) < 0)
        return -1;
    for (size_t i = 0; i < t->n_frontier; i++)
        t->models[t->frontier_at[i]].frontier = 1;
    return 0;
}

static int fit_points(struct trend *t, struct err *e)
{
    struct err why = ERR_NONE;

    if (trend_fit(t->bounded, t->n, &t->fit, &why) == 0) {
        conclude(t);
        return 0;
    }
    if (why.code == ERR_NOMEM)
        return err_nomem(e);
    t->refused = arena_strdup(&t->arena, why.text);
    return t->refused ? 0 : err_nomem(e);
}

static struct trend *empty(void)
{
    static const struct trend_estimate unknown = {NAN, {NAN, NAN}, NAN, NAN, NAN};
    static const struct trend_line no_line = {NAN, NAN, NAN};
    static const struct interval none = {NAN, NAN};
    struct trend *t = mem_calloc(1, sizeof *t);

    if (t) {
        t->all = unknown;
        t->plain = t->quantile = t->frontier.line = no_line;
        t->plain_interval = t->frontier_interval = t->quantile_interval = none;
        t->frontier.without = none;
        t->by_model = t->by_family = (struct trend_shuffled){NAN, NAN, NAN, NAN};
    }
    return t;
}

static void hint_families(struct err *e)
{
    struct strbuf b = STRBUF_INIT;

    for (int i = 0; family_at(i); i++)
        strbuf_addf(&b, "%s%s", i ? ", " : "", family_at(i)->name);
    if (!b.failed)
        err_hint(e, "there are: %s", strbuf_str(&b));
    strbuf_release(&b);
}

static int choose_ruler(struct trend *t, const struct trend_rows *p, const struct trend_opts *o,
                        struct err *e)
{
    const char *name = o->ruler ? o->ruler : t->series->ruler;

    t->ruler.of = family_find(name);
    if (!t->ruler.of) {
        err_set(e, ERR_USAGE, "option --ruler: %s is none", name);
        hint_families(e);
        return -1;
    }
    return trend_ruler_fit(&t->ruler, p, t->series, o->size, e);
}

int trend_make(struct trend **out, const struct trend_rows *p, const struct trend_series *s,
               const struct trend_opts *o, struct err *e)
{
    struct trend *t = empty();
    size_t n = p->n ? p->n : 1;

    if (!t)
        return err_nomem(e);
    t->series = t->members[0] = s;
    t->n_series = 1;
    t->models = arena_alloc(&t->arena, n * sizeof *t->models);
    t->outs = arena_alloc(&t->arena, n * sizeof *t->outs);
    if (!t->models || !t->outs) {
        trend_free(t);
        return err_nomem(e);
    }
    if (choose_ruler(t, p, o, e) < 0 || sort_rows(t, p, o, e) < 0 || weigh_models(t, p, o, e) < 0 ||
        mark_frontier(t, e) < 0 || draw_lines(t, o, e) < 0 || fit_points(t, e) < 0) {
        trend_free(t);
        return -1;
    }
    *out = t;
    return 0;
}

/* One family is one family in every series: numbered by the first model with its name. */
static void name_families(struct trend *t, int by_organisation)
{
    for (size_t i = 0; i < t->n; i++)
        t->bounded[i].family = family_of(t, i, by_organisation);
}

int trend_pool(struct trend **out, struct trend *const *members, size_t n,
               const struct trend_opts *o, struct err *e)
{
    struct trend *t = empty();
    size_t total = 0;

    if (!t)
        return err_nomem(e);
    for (size_t k = 0; k < n; k++)
        total += members[k]->n;
    t->models = arena_alloc(&t->arena, (total ? total : 1) * sizeof *t->models);
    t->bounded = arena_alloc(&t->arena, (total ? total : 1) * sizeof *t->bounded);
    if (!t->models || !t->bounded) {
        trend_free(t);
        return err_nomem(e);
    }
    for (size_t k = 0; k < n && t->n_series < TREND_SERIES; k++) {
        if (members[k]->refused)
            continue; /* too few models to have a level of its own */
        for (size_t i = 0; i < members[k]->n; i++) {
            t->models[t->n] = members[k]->models[i];
            t->bounded[t->n] = members[k]->bounded[i];
            t->bounded[t->n++].series = t->n_series;
        }
        t->n_resolved += members[k]->n_resolved;
        t->members[t->n_series++] = members[k]->series;
    }
    name_families(t, o->by_organisation);
    if (fit_points(t, e) < 0) {
        trend_free(t);
        return -1;
    }
    *out = t;
    return 0;
}

void trend_free(struct trend *t)
{
    if (!t)
        return;
    arena_release(&t->arena);
    mem_free(t);
}
