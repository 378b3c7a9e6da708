/* handover_page.c -- what handing over gains, as tables, pictures and JSON. */
#include <math.h>
#include <string.h>

#include "harness/handover_write.h"

enum { CURVE_POINTS = 200 }; /* of a picture; the JSON has as many */

static const char *percent(struct report *r, double share)
{
    return isnan(share) ? NULL : report_fmt(r, "%.1f", 100 * share);
}

static const char *spanned(struct report *r, double v, struct interval i)
{
    if (isnan(v))
        return NULL;
    return isnan(i.low) ? percent(r, v)
                        : report_fmt(r, "%.1f [%.1f, %.1f]", 100 * v, 100 * i.low, 100 * i.high);
}

/* In operations, or in what the prices were in. */
static const struct metric *cost_metric(const struct handover *h)
{
    return metric_find(strcmp(h->cost_unit, "FLOP") == 0 ? "item_flop" : "item_cost");
}

static void put_signals(struct report *r, const struct handover *h)
{
    static const struct report_column columns[] = {
        {"signal", "signal", NULL, 9},
        {"area", "area, %", NULL, 8},
        {"captured", "of the oracle's gain, %", NULL, 7},
        {"kept", "kept, %", NULL, 6},
        {"error", "wrong of the kept, %", NULL, 5},
        {"broken", "broken, %", NULL, 4},
    };
    struct report_table *t = report_table(r, "signals", "What each signal gains", columns, 6);

    for (int k = 0; k < SIGNALS; k++) {
        const struct handover_signal *x = &h->signals[k];
        struct report_cell *row = report_row(r, t);
        report_cell_text(r, row, 0, x->title);
        if (!x->n_curve) {
            report_cell_text(r, row, 1, k == SIGNAL_CONSISTENCY && !x->known
                                            ? "not offered: no --rerun"
                                            : report_fmt(r, "not offered: %zu of %zu items have "
                                                            "it", x->known, h->n));
            continue;
        }
        report_cell_text(r, row, 1, spanned(r, x->area.area, x->area.area_interval));
        report_cell_text(r, row, 2, spanned(r, x->area.captured, x->area.captured_interval));
        report_cell_text(r, row, 3, percent(r, x->check.kept));
        report_cell_text(r, row, 4, percent(r, x->check.error));
        report_cell_text(r, row, 5, percent(r, x->check.broken));
    }
    if (t)
        t->note = report_fmt(
        r, "Area under accuracy over share handed over: at random %.1f %%, oracle %.1f %%; 95 %% "
           "intervals, clusters redrawn. Kept: the threshold that keeps the error of what is kept "
           "at most %g %% with %g %% confidence, set on one half of the items and looked at on the "
           "other, %zu times; broken: halves that show an error above it.",
        100 * h->bounds.random, 100 * h->bounds.oracle, 100 * h->opts.error,
        100 * (1 - h->opts.delta), h->opts.splits);
}

static void put_curve(struct report *r, const struct handover *h, const struct handover_signal *x)
{
    const struct report_column columns[] = {
        {"share", "handed over, %", NULL, 9}, {"threshold", "threshold", NULL, 6},
        {"accuracy", "accuracy, %", NULL, 8}, {"latency", "latency of an item, s", NULL, 7},
        {"cost", "cost of an item", cost_metric(h), 5}, {"oracle", "oracle, %", NULL, 4},
    };
    struct report_table *t =
        report_table(r, "curve", report_fmt(r, "By share handed over, by %s", x->title), columns,
                     6);

    for (int i = 0; i <= 10; i++) {
        struct handover_point p = handover_at(x->curve, x->n_curve, i / 10.0);
        struct report_cell *row = report_row(r, t);
        report_cell_text(r, row, 0, report_fmt(r, "%d", 10 * i));
        report_cell_text(r, row, 1, isfinite(p.threshold) ? report_fmt(r, "%.4g", p.threshold)
                                                          : NULL);
        report_cell_text(r, row, 2, percent(r, p.accuracy));
        report_cell_text(r, row, 3, isnan(p.latency_s) ? NULL : report_fmt(r, "%.3g", p.latency_s));
        report_cell_value(row, 4, p.cost, NAN, NAN);
        report_cell_text(r, row, 5,
                         percent(r, handover_at(h->oracle, h->n_oracle, i / 10.0).accuracy));
    }
    if (t)
        t->note = report_fmt(r, "Latency: the small model answers every item, the large one those "
                            "handed over; asking again is paid for. Cost: %s.", h->cost_unit);
}

/* --- pictures ------------------------------------------------------------------------------ */

static void draw(struct report *r, struct report_plot *p, const char *name,
                 const struct handover_point *curve, size_t n,
                 double (*x)(const struct handover_point *))
{
    struct report_series *s = report_series(r, p, name);

    for (int i = 0; i <= CURVE_POINTS; i++) {
        struct handover_point at = handover_at(curve, n, i / (double)CURVE_POINTS);
        report_point(r, p, s, NULL, x(&at), at.accuracy);
    }
    if (s)
        s->line = s->bare = 1;
}

static double share_of(const struct handover_point *p)
{
    return p->share;
}

static double latency_of(const struct handover_point *p)
{
    return p->latency_s;
}

static double cost_of(const struct handover_point *p)
{
    return p->cost;
}

static void ends(struct report *r, struct report_plot *p, const struct handover *h, double x0,
                 double x1)
{
    struct report_series *s = report_series(r, p, "one model alone");

    report_point(r, p, s, "small", x0, h->small_accuracy);
    report_point(r, p, s, "large, asked after the small one", x1, h->large_accuracy);
}

static void put_plots(struct report *r, const struct handover *h)
{
    static const struct {
        const char *key, *title, *metric;
        double (*x)(const struct handover_point *);
    } plots[] = {
        {"handover_share", "Accuracy against share handed over", "handed_share", share_of},
        {"handover_latency", "Accuracy against latency of an item", "latency_s", latency_of},
        {"handover_cost", "Accuracy against cost of an item", NULL, cost_of},
    };

    for (size_t i = 0; i < sizeof plots / sizeof *plots; i++) {
        struct handover_point from = h->oracle[0], to = h->oracle[h->n_oracle - 1];
        struct handover_point straight[2] = {from, to};
        struct report_plot *p;
        if (isnan(plots[i].x(&from)) || isnan(plots[i].x(&to)))
            continue;
        p = report_plot(r, plots[i].key, plots[i].title,
                        plots[i].metric ? metric_find(plots[i].metric) : cost_metric(h),
                        metric_find("acc"), 0);
        ends(r, p, h, plots[i].x(&from), plots[i].x(&to));
        draw(r, p, "oracle", h->oracle, h->n_oracle, plots[i].x);
        draw(r, p, "at random", straight, 2, plots[i].x);
        for (int k = 0; k < SIGNALS; k++)
            if (h->signals[k].n_curve)
                draw(r, p, h->signals[k].title, h->signals[k].curve, h->signals[k].n_curve,
                     plots[i].x);
        if (p && plots[i].x == cost_of)
            p->note = report_fmt(r, "Cost: %s.", h->cost_unit);
    }
}

void handover_report(struct report *r, const struct handover *h, int plots)
{
    const struct handover_signal *best = handover_best(h);

    r->subtitle = report_fmt(r, "small: %s (%s), large: %s (%s)", h->small->model.name,
                             h->small->id, h->large->model.name, h->large->id);
    report_headline(r, "small alone", report_fmt(r, "%.1f %%", 100 * h->small_accuracy),
                    report_fmt(r, "%zu items", h->n));
    report_headline(r, "large alone", report_fmt(r, "%.1f %%", 100 * h->large_accuracy), NULL);
    if (best)
        report_headline(r, "best signal", best->title,
                        report_fmt(r, "%s of the oracle's gain",
                                   isnan(best->area.captured) ? "none" :
                                   report_fmt(r, "%.0f %%", 100 * best->area.captured)));
    if (h->left_out)
        report_warning(r, "%zu items have a credit in one run only, or are of tasks without right "
                          "and wrong answers; they are left out.", h->left_out);
    if (h->large_accuracy <= h->small_accuracy)
        report_warning(r, "The large model is not better than the small one on these items.");
    report_section(r, "Signals");
    put_signals(r, h);
    if (!best)
        return;
    report_section(r, "What handing over gains");
    put_curve(r, h, best);
    if (plots)
        put_plots(r, h);
}

/* --- JSON ---------------------------------------------------------------------------------- */

static void put_points(struct json_out *o, const char *key, const struct handover_point *curve,
                       size_t n)
{
    json_begin_array(o, key);
    for (int i = 0; n && i <= CURVE_POINTS; i++) {
        struct handover_point p = handover_at(curve, n, i / (double)CURVE_POINTS);
        json_begin_object(o, NULL);
        json_put_num(o, "share", p.share);
        json_put_num(o, "threshold", p.threshold);
        json_put_num(o, "accuracy", p.accuracy);
        json_put_num(o, "latency_s", p.latency_s);
        json_put_num(o, "cost", p.cost);
        json_end_object(o);
    }
    json_end_array(o);
}

static void put_span(struct json_out *o, const char *key, double v, struct interval i)
{
    json_begin_object(o, key);
    json_put_num(o, "value", v);
    json_put_num(o, "low", i.low);
    json_put_num(o, "high", i.high);
    json_end_object(o);
}

static void put_promise(struct json_out *o, const struct handover_signal *x)
{
    json_begin_object(o, "conformal");
    json_put_num(o, "error", x->promise.error);
    json_put_num(o, "confidence", 1 - x->promise.delta);
    json_put_num(o, "threshold", x->promise.threshold);
    json_put_num(o, "kept_share", x->promise.kept);
    json_begin_object(o, "held_out");
    json_put_int(o, "splits", (int64_t)x->check.splits);
    json_put_int(o, "splits_with_threshold", (int64_t)x->check.kept_any);
    json_put_num(o, "kept_share", x->check.kept);
    json_put_num(o, "error", x->check.error);
    json_put_num(o, "broken_share", x->check.broken);
    json_put_num(o, "accuracy", x->check.accuracy);
    json_end_object(o);
    json_end_object(o);
}

static void put_signal(struct json_out *o, const struct handover *h,
                       const struct handover_signal *x)
{
    json_begin_object(o, NULL);
    json_put_str(o, "signal", x->name);
    json_put_bool(o, "offered", x->n_curve > 0);
    json_put_int(o, "items", (int64_t)x->known);
    if (x->known == h->n) {
        put_span(o, "area", x->area.area, x->area.area_interval);
        put_span(o, "captured", x->area.captured, x->area.captured_interval);
        put_promise(o, x);
        put_points(o, "curve", x->curve, x->n_curve);
    }
    json_end_object(o);
}

static void put_side(struct json_out *o, const char *key, const struct run_row *r, double accuracy,
                     double latency_s, double cost)
{
    json_begin_object(o, key);
    json_put_str(o, "run", r->id);
    json_put_str(o, "model", r->model.name);
    json_put_num(o, "accuracy", accuracy);
    json_put_num(o, "latency_s", latency_s);
    json_put_num(o, "cost", cost);
    json_end_object(o);
}

void handover_json(struct json_out *o, const struct handover *h)
{
    const struct handover_signal *best = handover_best(h);

    put_side(o, "small", h->small, h->small_accuracy, h->small_s, h->small_cost);
    put_side(o, "large", h->large, h->large_accuracy, h->large_s, h->large_cost);
    json_put_int(o, "items", (int64_t)h->n);
    json_put_int(o, "left_out", (int64_t)h->left_out);
    json_put_str(o, "cost_unit", h->cost_unit);
    json_put_str(o, "best_signal", best ? best->name : NULL);
    json_put_num(o, "random_area", h->bounds.random);
    json_put_num(o, "oracle_area", h->bounds.oracle);
    json_begin_array(o, "signals");
    for (int k = 0; k < SIGNALS; k++)
        put_signal(o, h, &h->signals[k]);
    json_end_array(o);
    put_points(o, "oracle", h->oracle, h->n_oracle);
}
