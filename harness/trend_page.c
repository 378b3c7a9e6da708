/* trend_page.c -- the trend as tables and pictures: density against date as in the paper, and the
 * doubling time by benchmark, method and choice, where the two claims are lines. */
#include <math.h>

#include "harness/trend_runs.h"
#include "harness/trend_write.h"

#define OPEN_END 100.0 /* months at which an interval without an upper end is cut in a picture */

static const char *months_text(struct report *r, double slope, struct interval i)
{
    struct interval m = trend_months_interval(i);

    if (isnan(slope))
        return NULL;
    if (!(slope > 0))
        return "falling";
    if (isnan(m.low))
        return report_fmt(r, "%.1f", trend_months(slope));
    if (isinf(m.high))
        return report_fmt(r, "%.1f [%.1f, open]", trend_months(slope), m.low);
    return report_fmt(r, "%.1f [%.1f, %.1f]", trend_months(slope), m.low, m.high);
}

static const char *p_text(struct report *r, double p)
{
    if (isnan(p))
        return NULL;
    return p < 1e-4 ? "< 0.0001" : report_fmt(r, p < 0.001 ? "%.4f" : "%.3f", p);
}

/* --- by benchmark -------------------------------------------------------------------------- */

static void put_line(struct report *r, struct report_table *t, const char *title,
                     const struct trend *x)
{
    struct report_cell *row = report_row(r, t);

    report_cell_text(r, row, 0, title);
    report_cell_text(r, row, 1, report_fmt(r, "%zu (%zu)", x->n, x->n - x->fit.n_censored));
    if (x->refused) {
        report_cell_text(r, row, 2, report_fmt(r, "none: %s", x->refused));
        return;
    }
    report_cell_text(r, row, 2, months_text(r, x->all.slope, x->all.slope_interval));
    report_cell_text(r, row, 3, p_text(r, x->all.p_none));
    report_cell_text(r, row, 4, p_text(r, x->all.p_8));
    report_cell_text(r, row, 5, p_text(r, x->all.p_3_5));
    if (!x->series)
        return;
    report_cell_text(r, row, 6, report_fmt(r, "%s, k %.3f", x->ruler.of->name, x->ruler.k));
    report_cell_text(r, row, 7, p_text(r, x->by_family.p_slope));
}

static void put_benchmarks(struct report *r, const struct trend_study *s)
{
    static const struct report_column columns[] = {
        {"benchmark", "benchmark", NULL, 9},
        {"models", "models (on the ruler)", NULL, 4},
        {"months", "doubling, months", NULL, 9},
        {"p_none", "p, no growth", NULL, 5},
        {"p_8", "p, 8 months", NULL, 8},
        {"p_3_5", "p, 3.5 months", NULL, 7},
        {"ruler", "ruler", NULL, 3},
        {"p_shuffled", "p, families shuffled", NULL, 2},
    };
    struct report_table *t = report_table(r, "benchmarks", "Doubling time of density by benchmark",
                                          columns, 8);

    for (size_t i = 0; i < s->n; i++)
        put_line(r, t, s->sides[i].trend->series->title, s->sides[i].trend);
    for (int k = 0; k < TREND_POOLS; k++)
        if (s->pools[k].trend)
            put_line(r, t, s->pools[k].title, s->pools[k].trend);
    if (t)
        t->note = report_str(r, "95 % intervals: a line through all models, those off the ruler's "
                            "ends as 'at most' and 'at least'; its error is that of families of "
                            "models left out in turn. p: two-sided, against that doubling time; "
                            "families shuffled: one-sided, dates dealt anew. k: a shallow ruler "
                            "(small k) makes fast doubling.");
}

/* A bar of months; what is falling has none. */
static void put_bar(struct report *r, struct report_plot *p, struct report_series *series,
                    const char *label, double slope, struct interval i, double place)
{
    struct interval m = trend_months_interval(i);
    struct report_point *at;

    if (!(slope > 0) || !(trend_months(slope) < OPEN_END))
        return;
    at = report_point(r, p, series, label, trend_months(slope), place);
    if (at && !isnan(m.low)) {
        at->x_low = m.low;
        at->x_high = fmin(m.high, OPEN_END);
    }
}

static void put_claims(struct report *r, struct report_plot *p, double rows)
{
    static const struct { double months; const char *name; } claims[] = {
        {8, "claim: 8 months"}, {3.5, "claim: 3.5 months"},
    };

    for (int i = 0; i < 2; i++) {
        struct report_series *s = report_series(r, p, claims[i].name);
        if (s)
            s->line = s->bare = 1;
        report_point(r, p, s, NULL, claims[i].months, 0.5);
        report_point(r, p, s, NULL, claims[i].months, rows + 0.5);
    }
}

static struct report_plot *bars(struct report *r, const char *key, const char *title)
{
    struct report_plot *p = report_plot(r, key, title, metric_find("doubling_months"),
                                        metric_find("table_row"), PLOT_LOG_X | PLOT_ROWS);

    if (p)
        p->note = report_fmt(r, "Bars: 95 %% intervals; one that ends at %g months is open. What "
                             "falls or doubles more slowly than that is not drawn.", OPEN_END);
    return p;
}

static void plot_benchmarks(struct report *r, const struct trend_study *s)
{
    struct report_plot *p = bars(r, "doubling_benchmarks", "Doubling time by benchmark");
    struct report_series *each = report_series(r, p, "one benchmark");
    struct report_series *pools = report_series(r, p, "several benchmarks");
    double row = (double)s->n + TREND_POOLS;

    for (size_t i = 0; i < s->n; i++) {
        const struct trend *t = s->sides[i].trend;
        put_bar(r, p, each, t->series->title, t->all.slope, t->all.slope_interval, row--);
    }
    for (int k = 0; k < TREND_POOLS; k++)
        if (s->pools[k].trend)
            put_bar(r, p, pools, s->pools[k].title, s->pools[k].trend->all.slope,
                    s->pools[k].trend->all.slope_interval, row--);
    put_claims(r, p, (double)s->n + TREND_POOLS);
}

/* --- one benchmark ------------------------------------------------------------------------- */

static void put_methods(struct report *r, const struct trend_side *side)
{
    static const struct report_column columns[] = {
        {"kind", "kind", NULL, 6},   {"choice", "line or choice", NULL, 9},
        {"months", "doubling, months", NULL, 8}, {"interval", "interval from", NULL, 3},
        {"p_8", "p, 8 months", NULL, 5}, {"p_3_5", "p, 3.5 months", NULL, 4},
    };
    const struct trend *t = side->trend;
    struct report_table *table =
        report_table(r, report_fmt(r, "methods_%s", t->series->name),
                     report_fmt(r, "%s: what the same scores give", t->series->title), columns, 6);
    struct trend_method methods[TREND_METHODS];

    trend_methods(t, methods);
    for (int i = 0; i < TREND_METHODS; i++) {
        struct report_cell *row = report_row(r, table);
        report_cell_text(r, row, 0, "method");
        report_cell_text(r, row, 1, methods[i].title);
        report_cell_text(r, row, 2, months_text(r, methods[i].slope, methods[i].interval));
        report_cell_text(r, row, 3, methods[i].interval_is);
        report_cell_text(r, row, 4, i == 0 ? p_text(r, t->all.p_8) : NULL);
        report_cell_text(r, row, 5, i == 0 ? p_text(r, t->all.p_3_5) : NULL);
    }
    for (size_t i = 0; i < side->n_choices; i++) {
        const struct trend_choice *c = &side->choices[i];
        struct report_cell *row = report_row(r, table);
        report_cell_text(r, row, 0, c->kind);
        report_cell_text(r, row, 1, c->choice);
        report_cell_text(r, row, 2, months_text(r, c->all.slope, c->all.slope_interval));
        report_cell_text(r, row, 3, methods[0].interval_is);
        report_cell_text(r, row, 4, p_text(r, c->all.p_8));
        report_cell_text(r, row, 5, p_text(r, c->all.p_3_5));
    }
}

static void plot_methods(struct report *r, const struct trend_side *side)
{
    const struct trend *t = side->trend;
    struct report_plot *p = bars(r, report_fmt(r, "doubling_%s", t->series->name),
                                 report_fmt(r, "%s: doubling time by method and choice",
                                            t->series->title));
    struct report_series *by_method = report_series(r, p, "method");
    struct report_series *by_choice = report_series(r, p, "choice, line through all models");
    double rows = (double)(TREND_METHODS + side->n_choices), row = rows;
    struct trend_method methods[TREND_METHODS];

    trend_methods(t, methods);
    for (int i = 0; i < TREND_METHODS; i++)
        put_bar(r, p, by_method, methods[i].title, methods[i].slope, methods[i].interval, row--);
    for (size_t i = 0; i < side->n_choices; i++)
        put_bar(r, p, by_choice, report_fmt(r, "%s: %s", side->choices[i].kind,
                                            side->choices[i].choice),
                side->choices[i].all.slope, side->choices[i].all.slope_interval, row--);
    put_claims(r, p, rows);
}

/* A line of density over the days of the models, through (day, ln density). */
static void put_growth(struct report *r, struct report_plot *p, const char *name,
                       const struct trend *t, double slope, double day, double y)
{
    struct report_series *s = report_series(r, p, name);
    double first = INFINITY, last = -INFINITY;

    for (size_t i = 0; i < t->n; i++) {
        first = fmin(first, t->models[i].day);
        last = fmax(last, t->models[i].day);
    }
    if (s)
        s->line = s->bare = 1;
    report_point(r, p, s, NULL, trend_year(first), exp(y + slope * (first - day)));
    report_point(r, p, s, NULL, trend_year(last), exp(y + slope * (last - day)));
}

static double mean_day(const struct trend *t)
{
    double sum = 0;

    for (size_t i = 0; i < t->n; i++)
        sum += t->models[i].day;
    return t->n ? sum / (double)t->n : 0;
}

static const char *model_label(struct report *r, const struct trend_model *m)
{
    char date[16];

    trend_date(date, sizeof date, m->day);
    return report_fmt(r, "%.80s, %s, %.3g B, %.1f %%%s", m->row->model, date, m->parameters / 1e9,
                      100 * m->score,
                      m->beyond == '<' ? ", at most" : m->beyond == '>' ? ", at least" : "");
}

static void plot_density(struct report *r, const struct trend *t)
{
    struct report_plot *p =
        report_plot(r, report_fmt(r, "density_%s", t->series->name),
                    report_fmt(r, "%s: density against date", t->series->title),
                    metric_find("release_year"), metric_find("density"), PLOT_LOG_Y);
    struct report_series *kinds[3] = {
        report_series(r, p, "models"), report_series(r, p, "off the ruler: at most, at least"),
        report_series(r, p, "frontier"),
    };
    double day = mean_day(t), y = t->fit.level[0] + t->fit.slope * day;

    for (size_t i = 0; i < t->n; i++) {
        const struct trend_model *m = &t->models[i];
        struct report_series *s = kinds[m->beyond ? 1 : m->frontier ? 2 : 0];
        report_point(r, p, s, model_label(r, m), trend_year(m->day),
                     m->beyond ? m->bound : m->density);
    }
    for (int i = 0; i < 2; i++)
        if (kinds[i])
            kinds[i]->quiet = 1;
    if (t->refused)
        return;
    put_growth(r, p, "line through all models", t, t->fit.slope, day, y);
    put_growth(r, p, "doubling in 8 months", t, log(2) / (8 * DAYS_PER_MONTH), day, y);
    put_growth(r, p, "doubling in 3.5 months", t, log(2) / (3.5 * DAYS_PER_MONTH), day, y);
    if (p)
        p->note = report_fmt(r, "Ruler: %s, k %.3f, R² %.3f. Every point says its name when "
                             "pointed at.", t->ruler.of->title, t->ruler.k, t->ruler.r2);
}

static void put_frontier(struct report *r, const struct trend *t)
{
    static const struct report_column columns[] = {
        {"date", "date", NULL, 9}, {"model", "model", NULL, 9},
        {"parameters", "parameters", NULL, 5},
        {"score", "score, %", NULL, 6}, {"density", "density", NULL, 8},
    };
    struct report_table *table;

    report_text(r, "%s: frontier of %zu models, doubling in %.1f months (%.1f to %.1f without one "
                "of them), R² %.2f. A frontier rises by construction: with dates shuffled among "
                "models it is as steep or steeper with p = %.3f, among families with p = %.3f.",
                t->series->title, t->frontier.n, trend_months(t->frontier.line.slope),
                trend_months(t->frontier.without.high), trend_months(t->frontier.without.low),
                t->frontier.line.r2, t->by_model.p_frontier, t->by_family.p_frontier);
    table = report_table(r, report_fmt(r, "frontier_%s", t->series->name), "The frontier's models",
                         columns, 5);
    for (size_t i = 0; i < t->n_frontier; i++) {
        const struct trend_model *m = &t->models[t->frontier_at[i]];
        struct report_cell *row;
        char date[16];
        trend_date(date, sizeof date, m->day);
        row = report_row(r, table);
        report_cell_text(r, row, 0, date);
        report_cell_text(r, row, 1, m->row->model);
        report_cell_text(r, row, 2, report_fmt(r, "%.3g B", m->parameters / 1e9));
        report_cell_text(r, row, 3, report_fmt(r, "%.1f", 100 * m->score));
        report_cell_text(r, row, 4, report_fmt(r, "%.3g%s", m->density, m->beyond ? " (off)" : ""));
    }
}

static void put_outs(struct report *r, const struct trend *t)
{
    static const struct report_column columns[] = {
        {"model", "model", NULL, 9}, {"reason", "why it does not count", NULL, 8},
        {"source", "source", NULL, 3},
    };
    struct report_table *table;

    if (t->n_outs == 0) {
        report_text(r, "%s: every row counts.", t->series->title);
        return;
    }
    table = report_table(r, report_fmt(r, "out_%s", t->series->name),
                         report_fmt(r, "%s: rows that do not count", t->series->title), columns, 3);
    for (size_t i = 0; i < t->n_outs; i++) {
        struct report_cell *row = report_row(r, table);
        report_cell_text(r, row, 0, t->outs[i].row->model);
        report_cell_text(r, row, 1, t->outs[i].reason);
        report_cell_text(r, row, 2, t->outs[i].row->source);
    }
}

/* --- our own runs -------------------------------------------------------------------------- */

static void put_own_model(struct report *r, struct report_table *t, const struct trend *x,
                          const struct trend_model *m)
{
    struct report_cell *row = report_row(r, t);
    char date[16];

    trend_date(date, sizeof date, m->day);
    report_cell_text(r, row, 0, m->row->model);
    report_cell_text(r, row, 1, x->series->name);
    report_cell_text(r, row, 2, date);
    report_cell_text(r, row, 3, report_fmt(r, "%.1f", 100 * m->score));
    report_cell_text(r, row, 4, m->beyond == '<'   ? report_fmt(r, "at most %.3g", m->bound)
                                : m->beyond == '>' ? report_fmt(r, "at least %.3g", m->bound)
                                                   : report_fmt(r, "%.3g", m->density));
    report_cell_text(r, row, 5, m->row->source);
}

static void put_own(struct report *r, const struct trend_study *s)
{
    static const struct report_column columns[] = {
        {"model", "model", NULL, 9}, {"series", "series", NULL, 9}, {"date", "released", NULL, 8},
        {"score", "score, %", NULL, 7}, {"density", "density", NULL, 8}, {"run", "run", NULL, 4},
    };
    struct report_table *t = NULL;
    size_t out = 0;

    for (size_t i = 0; i < s->n; i++) {
        const struct trend *x = s->sides[i].trend;
        for (size_t k = 0; k < x->n; k++)
            if (trend_is_own(x->models[k].row)) {
                t = t ? t : report_table(r, "own", "Our own runs", columns, 6);
                put_own_model(r, t, x, &x->models[k]);
            }
        for (size_t k = 0; k < x->n_outs; k++)
            out += (size_t)trend_is_own(x->outs[k].row);
    }
    if (out)
        report_warning(r, "%zu scores of our own runs do not count: --explain tells why, one by "
                          "one.", out);
}

static void put_headline(struct report *r, const struct trend_study *s)
{
    const struct trend *t = s->pools[0].trend ? s->pools[0].trend : s->sides[0].trend;

    if (t->refused)
        return;
    report_headline(r, "density doubles in", report_fmt(r, "%s months",
                    months_text(r, t->all.slope, t->all.slope_interval)),
                    t->series ? t->series->title : s->pools[0].title);
    report_headline(r, "claim: 8 months", report_fmt(r, "p %s%s", t->all.p_8 < 1e-4 ? "" : "= ",
                    p_text(r, t->all.p_8)),
                    t->all.p_8 < 0.05 ? "refuted at 95 %" : "not refuted at 95 %");
    report_headline(r, "claim: 3.5 months", report_fmt(r, "p %s%s", t->all.p_3_5 < 1e-4 ? "" : "= ",
                    p_text(r, t->all.p_3_5)),
                    t->all.p_3_5 < 0.05 ? "refuted at 95 %" : "not refuted at 95 %");
}

void trend_report(struct report *r, const struct trend_study *s, const struct trend_lists *l)
{
    put_headline(r, s);
    if (l->own) {
        report_section(r, "Measured here");
        put_own(r, s);
    }
    report_section(r, "By benchmark");
    put_benchmarks(r, s);
    if (l->plots && s->n > 1)
        plot_benchmarks(r, s);
    for (size_t i = 0; i < s->n; i++) {
        const struct trend_side *side = &s->sides[i];
        if (l->plots || l->details)
            report_section(r, side->trend->series->title);
        if (l->details)
            put_methods(r, side);
        if (l->plots) {
            plot_density(r, side->trend);
            plot_methods(r, side);
        }
        if (l->frontier)
            put_frontier(r, side->trend);
        if (l->outs)
            put_outs(r, side->trend);
    }
}
