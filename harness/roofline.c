#include "harness/roofline.h"

#include <math.h>
#include <string.h>

enum { POINTS_LEAST = 1000 }; /* an operation of less than this part of the time is no point */

static double peak_of(const struct roofline_input *in, int is_matrix)
{
    return in->is_fast && is_matrix && !isnan(in->peak->int8_s) ? in->peak->int8_s
                                                                 : in->peak->flop_s;
}

struct roofline_row roofline_row(const struct roofline_input *in, const struct profile_kind *k)
{
    double each_s = k->busy_s / in->profile->threads;
    struct roofline_row row = {
        .share = k->busy_s / (in->profile->threads * in->profile->wall_s),
        .flop_s = k->flop > 0 && each_s > 0 ? k->flop / each_s : NAN,
        .bytes_s = k->bytes > 0 && each_s > 0 ? k->bytes / each_s : NAN,
        .intensity = k->flop > 0 && k->bytes > 0 ? k->flop / k->bytes : NAN,
    };

    row.of_roof = row.flop_s / fmin(peak_of(in, k->is_matrix), row.intensity * in->peak->bytes_s);
    return row;
}

static void put_share(struct report *r, struct report_table *t, const char *name, double share)
{
    struct report_cell *row = report_row(r, t);

    report_cell_text(r, row, 0, name);
    report_cell_value(row, 1, share, NAN, NAN);
}

static void put_table(struct report *r, const struct roofline_input *in)
{
    const struct report_column columns[] = {
        {"operation", "operation", NULL, 9},
        {"share_of_time", NULL, metric_find("share_of_time"), 8},
        {"intensity", NULL, metric_find("intensity"), 5},
        {"flop_s", NULL, metric_find("flop_s"), 7},
        {"read_bytes_s", NULL, metric_find("read_bytes_s"), 6},
        {"share_of_roof", NULL, metric_find("share_of_roof"), 7},
        {"bound", "bound by", NULL, 4},
    };
    struct report_table *t = report_table(r, "roofline", report_fmt(r, "Operations: %s", in->title),
                                          columns, 7);
    double all_s = in->profile->threads * in->profile->wall_s, waits = 0, rest = 1;

    for (size_t i = 0; i < in->n; i++) {
        const struct profile_kind *k = &in->kinds[i];
        struct roofline_row x = roofline_row(in, k);
        struct report_cell *row = report_row(r, t);
        report_cell_text(r, row, 0, k->name);
        report_cell_value(row, 1, x.share, NAN, NAN);
        report_cell_value(row, 2, x.intensity, NAN, NAN);
        report_cell_value(row, 3, x.flop_s, NAN, NAN);
        report_cell_value(row, 4, x.bytes_s, NAN, NAN);
        report_cell_value(row, 5, x.of_roof, NAN, NAN);
        report_cell_text(r, row, 6,
                         isnan(x.intensity) ? NULL
                         : x.intensity * in->peak->bytes_s < peak_of(in, k->is_matrix)
                             ? "memory"
                             : "arithmetic");
        waits += k->wait_s / all_s;
        rest -= (k->busy_s + k->wait_s) / all_s;
    }
    put_share(r, t, "barriers", waits);
    put_share(r, t, "begin and end", rest);
    if (t)
        t->note = report_str(r, "Share of the roof: of min(peak, intensity * bandwidth). Bytes "
                                "count as if each came from memory once a pass, so that what "
                                "stays in the caches can be above 1.");
}

static void put_roof(struct report *r, struct report_plot *p, const char *name, double bytes_s,
                     double peak, double first, double last)
{
    struct report_series *s = report_series(r, p, name);

    report_point(r, p, s, NULL, first, first * bytes_s);
    report_point(r, p, s, NULL, peak / bytes_s, peak);
    report_point(r, p, s, NULL, fmax(last, 2 * peak / bytes_s), peak);
    if (s)
        s->line = s->bare = 1;
}

static void put_plot(struct report *r, const struct roofline_input *in)
{
    struct report_plot *p = report_plot(r, "roofline", report_fmt(r, "Roofline: %s", in->title),
                                        metric_find("intensity"), metric_find("flop_s"),
                                        PLOT_LOG_X | PLOT_LOG_Y);
    struct report_series *ops = report_series(r, p, "operations");
    double first = 0.25, last = 0;

    for (size_t i = 0; i < in->n; i++) {
        struct roofline_row x = roofline_row(in, &in->kinds[i]);
        if (x.share * POINTS_LEAST < 1)
            continue;
        report_point(r, p, ops, in->kinds[i].name, x.intensity, x.flop_s);
        first = fmin(first, x.intensity / 2);
        last = fmax(last, 2 * x.intensity);
    }
    put_roof(r, p, "float32 peak and memory", in->peak->bytes_s, in->peak->flop_s, first, last);
    if (in->is_fast && !isnan(in->peak->int8_s))
        put_roof(r, p, "8-bit peak and memory", in->peak->bytes_s, in->peak->int8_s, first, last);
    if (p)
        p->note = report_str(r, "Left of a bend memory limits, right of it arithmetic.");
}

static void put_facts(struct report *r, const struct roofline_input *in)
{
    const struct profile *p = in->profile;

    report_fact(r, "a pass", report_fmt(r, "%.4g ms on %d threads",
                                        1e3 * p->wall_s / (double)p->passes, p->threads));
    report_fact(r, "float32 peak", report_fmt(r, "%.4g GFLOP/s (%s)", in->peak->flop_s * 1e-9,
                                              in->peak->unit));
    if (!isnan(in->peak->int8_s))
        report_fact(r, "8-bit peak", report_fmt(r, "%.4g GOP/s (%s)", in->peak->int8_s * 1e-9,
                                                in->peak->int8_unit));
    report_fact(r, "reading", report_fmt(r, "%.4g GB/s", in->peak->bytes_s * 1e-9));
    for (int i = 0; i < COUNTERS; i++)
        if (!isnan(in->counted->v[i].value))
            report_fact(r, in->counted->v[i].name,
                        report_fmt(r, "%.4g a pass",
                                   in->counted->v[i].value / (double)p->passes));
    if (in->counted->missing[0])
        report_fact(r, "not counted", report_str(r, in->counted->missing));
}

void roofline_add(struct report *r, const struct roofline_input *in)
{
    report_section(r, report_str(r, in->title));
    put_facts(r, in);
    put_table(r, in);
    put_plot(r, in);
}
