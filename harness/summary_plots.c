/* summary_plots.c -- the plots of a report.  A plot without a point is left out, and a line says
 * what is not known. */
#include <math.h>
#include <string.h>

#include "harness/summary_impl.h"

enum { SERIES_MAX = 8 }; /* more colours cannot be told apart */

struct wanted_plot {
    const char *x, *y, *title;
};

static const struct wanted_plot accuracy_plots[] = {
    {"parameters", "acc", "Accuracy against parameters"},
    {"file_bytes", "acc", "Accuracy against file size"},
    {"latency_s", "acc", "Accuracy against latency of an item"},
    {"peak_rss_bytes", "acc", "Accuracy against peak memory"},
};
static const struct wanted_plot exact_match_plots[] = {
    {"parameters", "exact_match", "Exact match against parameters"},
    {"file_bytes", "exact_match", "Exact match against file size"},
    {"latency_s", "exact_match", "Exact match against latency of an item"},
    {"peak_rss_bytes", "exact_match", "Exact match against peak memory"},
};
static const struct wanted_plot density_plots[] = {
    {"parameters", "knowledge_bits", "Bits of knowledge against parameters"},
    {"file_bytes", "knowledge_bits", "Bits of knowledge against file size"},
    {"parameters", "bits_per_mparam", "Bits per million parameters against parameters"},
    {"file_bytes", "bits_per_mbyte", "Bits per megabyte against file size"},
};
#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* Tasks of a group are drawn as the group. */
static int has_point(const struct entry *x, const struct wanted_plot *w)
{
    return !x->member && entry_reading(x, w->x).value > 0 &&
           !isnan(entry_reading(x, w->y).value);
}

static void add_point(struct summary *s, struct report_plot *p, struct report_series *series,
                      const struct entry *x, const struct wanted_plot *w)
{
    struct reading at = entry_reading(x, w->x), of = entry_reading(x, w->y);
    struct report_point *point = report_point(s->report, p, series, x->name, at.value, of.value);

    if (!point)
        return;
    point->x_low = at.low;
    point->x_high = at.high;
    point->y_low = of.low;
    point->y_high = of.high;
}

/* A series for every condition; they stand together in s->entries. */
static void add_plot(struct summary *s, const struct wanted_plot *w)
{
    const struct metric *mx = metric_find(w->x), *my = metric_find(w->y);
    struct report *r = s->report;
    struct report_plot *p = NULL;
    struct report_series *series = NULL;
    int rank = -1, n = 0;

    for (size_t i = 0; i < s->n_entries; i++) {
        const struct entry *x = &s->entries[i];
        if (!has_point(x, w))
            continue;
        if (!p)
            p = report_plot(r, report_fmt(r, "%s_%s", w->y, w->x), w->title, mx, my, PLOT_LOG_X);
        if (x->rank != rank) {
            rank = x->rank;
            series = n < SERIES_MAX ? report_series(r, p, x->condition) : NULL;
            n++;
        }
        add_point(s, p, series, x, w);
    }
    if (!p)
        report_text(r, "%s: not drawn, no complete run knows its %s.", w->title, mx->label);
    else if (n > SERIES_MAX)
        p->note = report_fmt(r, "The first %d of %d tasks; the tables have all.", SERIES_MAX, n);
}

static void add_plots(struct summary *s, const struct wanted_plot *w, size_t n)
{
    for (size_t i = 0; i < n; i++)
        add_plot(s, &w[i]);
}

void accuracy_section(struct summary *s)
{
    int acc = any_entry(s, "acc"), exact = any_entry(s, "exact_match");

    report_section(s->report, "Accuracy and what it costs");
    if (acc)
        add_plots(s, accuracy_plots, COUNT(accuracy_plots));
    if (exact)
        add_plots(s, exact_match_plots, COUNT(exact_match_plots));
    if (!acc && !exact)
        report_text(s->report, "Accuracy: unknown. No complete run has a task with right and wrong "
                               "answers ('densimeter eval MODEL --tasks ...').");
}

void knowledge_plots(struct summary *s)
{
    add_plots(s, density_plots, COUNT(density_plots));
}

/* --- speed -------------------------------------------------------------------------------- */

static int is_decode(const struct store_bench *b)
{
    return strncmp(b->test, "tg", 2) == 0;
}

static int is_prefill(const struct store_bench *b)
{
    return strncmp(b->test, "pp", 2) == 0 && !strchr(b->test, '+');
}

static const char *speed_series(struct summary *s, const struct speed *x)
{
    return report_fmt(s->report, "%s, %s, %d threads", x->row->test,
                      x->program ? x->program : "unknown program", x->row->threads);
}

static struct report_series *series_named(struct summary *s, struct report_plot *p,
                                          const char *name)
{
    if (!p || !name)
        return NULL;
    for (int i = 0; i < p->n_series; i++)
        if (strcmp(p->series[i]->name, name) == 0)
            return p->series[i];
    return p->n_series < SERIES_MAX ? report_series(s->report, p, name) : NULL;
}

static void speed_plot(struct summary *s, const char *key, const char *title,
                       int (*belongs)(const struct store_bench *b))
{
    struct report *r = s->report;
    struct report_plot *p = NULL;

    for (size_t i = 0; i < s->n_speeds; i++) {
        const struct speed *x = &s->speeds[i];
        const struct store_value *v = bench_value(x->row, "tok_s");
        double bytes = (double)x->run->run->model.file_bytes;
        struct report_point *point;
        if (!belongs(x->row) || !v || !(bytes > 0))
            continue;
        if (!p)
            p = report_plot(r, key, title, metric_find("file_bytes"), metric_find("tok_s"),
                            PLOT_LOG_X);
        point = report_point(r, p, series_named(s, p, speed_series(s, x)), x->name, bytes,
                             v->value);
        if (point) {
            point->y_low = v->low;
            point->y_high = v->high;
        }
    }
    if (!p)
        report_text(r, "%s: not drawn, no complete run has measured it.", title);
}

void speed_plots(struct summary *s)
{
    speed_plot(s, "decode_file_bytes", "Decode speed against file size", is_decode);
    speed_plot(s, "prefill_file_bytes", "Prefill speed against file size", is_prefill);
}
