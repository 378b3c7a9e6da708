#include <math.h>

#include "harness/deadline_write.h"

enum { SERIES_MAX = 8, CURVE_POINTS = 200 };

/* At most so many points of a curve, the last among them. */
static size_t step_of(size_t n)
{
    return n > CURVE_POINTS ? (n + CURVE_POINTS - 1) / CURVE_POINTS : 1;
}

static void put_table(struct report *r, const struct deadline_list *l)
{
    static const struct report_column columns[] = {
        {"task", "task", NULL, 9}, {"seconds", "within, s", NULL, 8},
        {"answered", "answered, %", NULL, 7}, {"right", "right, %", NULL, 9},
    };
    static const double shares[] = {0.1, 0.25, 0.5, 0.75, 0.9, 1};
    struct report_table *t = report_table(r, "deadline", "Right answers within a deadline", columns,
                                          4);

    for (size_t i = 0; i < l->n; i++)
        for (size_t k = 0; k < sizeof shares / sizeof *shares; k++) {
            const struct deadline_task *x = &l->v[i];
            const struct deadline_point *p = x->v;
            struct report_cell *row = report_row(r, t);
            while (p + 1 < x->v + x->n && p->answered < shares[k])
                p++;
            report_cell_text(r, row, 0, x->task);
            report_cell_text(r, row, 1, report_fmt(r, "%.3g", p->seconds));
            report_cell_text(r, row, 2, report_fmt(r, "%.1f", 100 * p->answered));
            report_cell_text(r, row, 3, report_fmt(r, "%.1f [%.1f, %.1f]", 100 * p->right,
                                                   100 * p->right_interval.low,
                                                   100 * p->right_interval.high));
        }
    if (t)
        t->note = report_str(r, "Of all items, by the latencies of this run; 95 % intervals "
                                "(Wilson).");
}

static void put_plot(struct report *r, const struct deadline_list *l)
{
    struct report_plot *p = report_plot(r, "deadline_right", "Right answers within a deadline",
                                        metric_find("deadline_s"), metric_find("right_in_time"),
                                        PLOT_LOG_X);

    for (size_t i = 0; i < l->n && i < SERIES_MAX; i++) {
        const struct deadline_task *x = &l->v[i];
        struct report_series *s = report_series(r, p, x->task);
        size_t step = step_of(x->n);
        for (size_t k = 0; k < x->n; k += step)
            report_point(r, p, s, NULL, x->v[k].seconds, x->v[k].right);
        report_point(r, p, s, x->task, x->v[x->n - 1].seconds, x->v[x->n - 1].right);
        if (s)
            s->line = s->bare = s->quiet = 1;
    }
    if (p && l->n > SERIES_MAX)
        p->note = report_fmt(r, "The first %d of %zu tasks; the table has all.", SERIES_MAX, l->n);
}

void deadline_report(struct report *r, const struct deadline_list *l, int plots)
{
    report_section(r, "Under a deadline");
    if (l->n == 0) {
        report_text(r, "No task of this run has right answers with known latencies.");
        return;
    }
    put_table(r, l);
    if (plots)
        put_plot(r, l);
}

void deadline_json(struct json_out *o, const struct deadline_list *l)
{
    json_begin_array(o, "deadline");
    for (size_t i = 0; i < l->n; i++) {
        const struct deadline_task *x = &l->v[i];
        json_begin_object(o, NULL);
        json_put_str(o, "task", x->task);
        json_put_str(o, "metric", x->metric);
        json_put_int(o, "items", (int64_t)x->items);
        json_begin_array(o, "points");
        for (size_t k = 0; k < x->n; k++) {
            json_begin_object(o, NULL);
            json_put_num(o, "seconds", x->v[k].seconds);
            json_put_num(o, "answered", x->v[k].answered);
            json_put_num(o, "right", x->v[k].right);
            json_put_num(o, "low", x->v[k].right_interval.low);
            json_put_num(o, "high", x->v[k].right_interval.high);
            json_end_object(o);
        }
        json_end_array(o);
        json_end_object(o);
    }
    json_end_array(o);
}
