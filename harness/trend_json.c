#include <math.h>
#include <stdio.h>
#include <time.h>

#include "harness/trend_runs.h"
#include "harness/trend_write.h"

double trend_year(double day)
{
    return 1970 + day / 365.2425;
}

void trend_date(char *text, size_t size, double day)
{
    time_t t = (time_t)(day * 86400);
    struct tm tm;

    if (!gmtime_r(&t, &tm) || strftime(text, size, "%Y-%m-%d", &tm) == 0)
        text[0] = 0;
}

int trend_read_date(double *day, const char *text, int end, const char *command,
                    const char *option, struct err *e)
{
    struct published_date d = {0, 1, 1};
    int n, used = 0;

    n = sscanf(text, "%4d%n-%2d%n-%2d%n", &d.year, &used, &d.month, &used, &d.day, &used);
    if (n < 1 || text[used] || d.year < 1990 || d.year > 2200 || d.month < 1 || d.month > 12 ||
        d.day < 1 || d.day > 31)
        return err_set(e, ERR_USAGE, "%s: --%s '%s' is no date (2024, 2024-05, 2024-05-31)",
                       command, option, text);
    if (end && n == 1)
        d.year++;
    else if (end && n == 2)
        d = d.month == 12 ? (struct published_date){d.year + 1, 1, 1}
                          : (struct published_date){d.year, d.month + 1, 1};
    published_days(&d, day);
    *day -= end && n < 3;
    return 0;
}

/* An end that is open is null; which way the slope goes tells the rest. */
static void put_slope(struct json_out *o, double slope, struct interval i)
{
    struct interval months = trend_months_interval(i);

    json_begin_object(o, "doubling_months");
    json_put_num(o, "value", trend_months(slope));
    json_put_num(o, "low", months.low);
    json_put_num(o, "high", months.high);
    json_end_object(o);
    json_begin_object(o, "slope_per_day");
    json_put_num(o, "value", slope);
    json_put_num(o, "low", i.low);
    json_put_num(o, "high", i.high);
    json_end_object(o);
}

static void put_estimate(struct json_out *o, const struct trend_estimate *x)
{
    put_slope(o, x->slope, x->slope_interval);
    json_begin_object(o, "p");
    json_put_num(o, "no_growth", x->p_none);
    json_put_num(o, "months_8", x->p_8);
    json_put_num(o, "months_3_5", x->p_3_5);
    json_end_object(o);
}

static void put_ruler(struct json_out *o, const struct trend_ruler *r)
{
    json_begin_object(o, "ruler");
    json_put_str(o, "name", r->of->name);
    json_put_str(o, "title", r->of->title);
    json_put_num(o, "k", r->k);
    json_put_num(o, "c", r->c);
    json_put_num(o, "r2", r->r2);
    json_put_int(o, "nodes", r->n);
    json_put_num(o, "low_parameters", r->low);
    json_put_num(o, "high_parameters", r->high);
    json_end_object(o);
}

static void put_shuffled(struct json_out *o, const char *key, const struct trend_shuffled *x)
{
    json_begin_object(o, key);
    json_put_num(o, "p_slope", x->p_slope);
    json_put_num(o, "p_frontier", x->p_frontier);
    json_put_num(o, "frontier_median", x->frontier_median);
    json_put_num(o, "frontier_p95", x->frontier_p95);
    json_end_object(o);
}

static void put_frontier(struct json_out *o, const struct trend *t)
{
    json_begin_object(o, "frontier");
    json_put_int(o, "models", (int64_t)t->frontier.n);
    json_put_num(o, "slope_per_day", t->frontier.line.slope);
    json_put_num(o, "r2", t->frontier.line.r2);
    json_put_num(o, "doubling_months", trend_months(t->frontier.line.slope));
    json_put_num(o, "without_one_low_months", trend_months(t->frontier.without.high));
    json_put_num(o, "without_one_high_months", trend_months(t->frontier.without.low));
    json_end_object(o);
}

static void put_model(struct json_out *o, const struct trend_model *m)
{
    char date[16], beyond[2] = {m->beyond, 0};

    trend_date(date, sizeof date, m->day);
    json_begin_object(o, NULL);
    json_put_str(o, "model", m->row->model);
    json_put_str(o, "family", m->row->family);
    json_put_str(o, "source", m->row->source);
    json_put_bool(o, "own", trend_is_own(m->row));
    json_put_str(o, "date", date);
    json_put_num(o, "parameters", m->parameters);
    json_put_num(o, "score", m->score);
    json_put_int(o, "sources", m->sources);
    json_put_num(o, "density", m->density);
    json_put_str(o, "beyond", m->beyond ? beyond : NULL);
    json_put_num(o, "bound", m->bound);
    json_put_bool(o, "frontier", m->frontier);
    json_end_object(o);
}

static void put_out(struct json_out *o, const struct trend_out *x)
{
    json_begin_object(o, NULL);
    json_put_str(o, "model", x->row->model);
    json_put_str(o, "source", x->row->source);
    json_put_bool(o, "own", trend_is_own(x->row));
    json_put_str(o, "reason", x->reason);
    json_end_object(o);
}

static void put_details(struct json_out *o, const struct trend_side *side)
{
    struct trend_method methods[TREND_METHODS];

    trend_methods(side->trend, methods);
    json_begin_array(o, "methods");
    for (int i = 0; i < TREND_METHODS; i++) {
        json_begin_object(o, NULL);
        json_put_str(o, "method", methods[i].name);
        json_put_str(o, "interval_is", methods[i].interval_is);
        put_slope(o, methods[i].slope, methods[i].interval);
        json_end_object(o);
    }
    json_end_array(o);
    json_begin_array(o, "sensitivity");
    for (size_t i = 0; i < side->n_choices; i++) {
        json_begin_object(o, NULL);
        json_put_str(o, "kind", side->choices[i].kind);
        json_put_str(o, "choice", side->choices[i].choice);
        json_put_int(o, "models", (int64_t)side->choices[i].n);
        put_estimate(o, &side->choices[i].all);
        json_end_object(o);
    }
    json_end_array(o);
}

static void put_counts(struct json_out *o, const struct trend *t)
{
    json_put_int(o, "models", (int64_t)t->n);
    json_put_int(o, "resolved", (int64_t)t->n_resolved);
    json_put_int(o, "off_ruler", (int64_t)t->fit.n_censored);
    json_put_int(o, "families", (int64_t)t->fit.n_families);
    json_put_str(o, "refused", t->refused);
}

static void put_side(struct json_out *o, const struct trend_side *side,
                     const struct trend_lists *l)
{
    const struct trend *t = side->trend;

    json_begin_object(o, NULL);
    json_put_str(o, "name", t->series->name);
    json_put_str(o, "title", t->series->title);
    json_put_str(o, "benchmark", t->series->benchmark);
    json_put_int(o, "shots", t->series->shots);
    put_counts(o, t);
    put_ruler(o, &t->ruler);
    put_estimate(o, &t->all);
    json_put_num(o, "spread", t->fit.spread[0]);
    json_put_num(o, "all_resolved_slope_per_day", t->plain.slope);
    put_frontier(o, t);
    put_shuffled(o, "shuffled_models", &t->by_model);
    put_shuffled(o, "shuffled_families", &t->by_family);
    put_details(o, side);
    json_begin_array(o, "points");
    for (size_t i = 0; i < t->n; i++)
        put_model(o, &t->models[i]);
    json_end_array(o);
    if (l->outs) {
        json_begin_array(o, "out");
        for (size_t i = 0; i < t->n_outs; i++)
            put_out(o, &t->outs[i]);
        json_end_array(o);
    }
    json_end_object(o);
}

static void put_pool(struct json_out *o, const struct trend_together *x)
{
    if (!x->trend)
        return;
    json_begin_object(o, NULL);
    json_put_str(o, "name", x->name);
    json_put_str(o, "title", x->title);
    json_begin_array(o, "series");
    for (size_t i = 0; i < x->trend->n_series; i++)
        json_put_str(o, NULL, x->trend->members[i]->name);
    json_end_array(o);
    put_counts(o, x->trend);
    put_estimate(o, &x->trend->all);
    json_end_object(o);
}

void trend_json(struct json_out *o, const struct trend_study *s, const struct trend_lists *l)
{
    json_begin_array(o, "series");
    for (size_t i = 0; i < s->n; i++)
        put_side(o, &s->sides[i], l);
    json_end_array(o);
    json_begin_array(o, "pools");
    for (int k = 0; k < TREND_POOLS; k++)
        put_pool(o, &s->pools[k]);
    json_end_array(o);
}
