/* vendor_plots.c -- the plots of a comparison of devices. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/vendor_write.h"

/* One line a side, one plot a group: over tokens before, threads, or streams. */
struct scaling {
    enum vendor_group group;
    const char *key, *title, *x;
    int flags;
    int (*at)(const struct vendor_row *r);
};

static int at_depth(const struct vendor_row *r)
{
    return r->depth;
}

static int at_threads(const struct vendor_row *r)
{
    return r->threads;
}

static int at_streams(const struct vendor_row *r)
{
    return r->streams;
}

static const struct scaling scalings[] = {
    {VENDOR_THROUGHPUT, "decode_depth", "Decoding after so many tokens", "context_tokens", 0,
     at_depth},
    {VENDOR_THREADS, "decode_threads", "Decoding with so many threads", "threads", 0, at_threads},
    {VENDOR_BATCH, "decode_streams", "Decoding so many streams together", "streams", 0, at_streams},
};

static int is_decode(const struct vendor_row *r)
{
    return strncmp(r->test, "tg", 2) == 0 && strcmp(r->metric->name, "tok_s") == 0;
}

/* The rows of the plot in order of x. */
static int next_row(const struct vendor *v, const struct scaling *s, int after)
{
    int best = -1;

    for (size_t i = 0; i < v->n_rows; i++) {
        const struct vendor_row *r = &v->rows[i];
        if (r->group == s->group && is_decode(r) && s->at(r) > after &&
            (best < 0 || s->at(r) < s->at(&v->rows[best])))
            best = (int)i;
    }
    return best;
}

void vendor_plots_scaling(struct report *r, const struct vendor *v, enum vendor_group g)
{
    const struct scaling *s = scalings;
    struct report_plot *p;
    int first;

    while (s->group != g)
        s++;
    first = next_row(v, s, -1);
    if (first < 0 || next_row(v, s, s->at(&v->rows[first])) < 0)
        return; /* a single point is no plot */
    p = report_plot(r, s->key, s->title, metric_find(s->x), metric_find("tok_s"), s->flags);
    for (int k = 0; k < v->n; k++) {
        struct report_series *line = report_series(r, p, vendor_side_name(r, v, k));
        if (line)
            line->line = line->quiet = 1;
        for (int i = first; i >= 0; i = next_row(v, s, s->at(&v->rows[i]))) {
            const struct vendor_cell *c = &v->rows[i].cells[k];
            struct report_point *at = report_point(r, p, line, v->rows[i].test,
                                                   s->at(&v->rows[i]), c->value);
            if (at) {
                at->y_low = c->low;
                at->y_high = c->high;
            }
        }
    }
}

void vendor_plot_parity(struct report *r, const struct vendor *v)
{
    struct report_plot *p = NULL;
    struct report_series *s = NULL;
    int row = 0;

    for (int k = v->n - 1; k >= 1; k--) { /* the first is the highest */
        const struct paired_credit *c = &v->pairing[k].credit;
        struct report_point *at;
        if (c->n == 0)
            continue;
        if (!p) {
            p = report_plot(r, "parity_forest", "Right answers less A's, with intervals",
                            metric_find("acc_change"), metric_find("table_row"), PLOT_ROWS);
            s = report_series(r, p, NULL);
        }
        at = report_point(r, p, s, vendor_side_name(r, v, k), 100 * c->difference, ++row);
        if (at) {
            at->x_low = 100 * c->interval.low;
            at->x_high = 100 * c->interval.high;
        }
    }
}

/* Insertion: there are sixteen at most. */
static void by_cost(const struct vendor *v, enum vendor_cost c, int *order, int n)
{
    for (int i = 1; i < n; i++) {
        int moved = order[i], k = i;
        for (; k > 0 && v->points[moved].cost[c] < v->points[order[k - 1]].cost[c]; k--)
            order[k] = order[k - 1];
        order[k] = moved;
    }
}

static void frontier_plot(struct report *r, const struct vendor *v, enum vendor_cost c,
                          const char *key, const char *title)
{
    struct report_plot *p = NULL;
    struct report_series *front = NULL;
    int order[VENDOR_SIDES_MAX], n = 0;

    for (int k = 0; k < v->n; k++) {
        const struct vendor_point *x = &v->points[k];
        struct report_point *at;
        if (isnan(x->accuracy.value) || isnan(x->cost[c]))
            continue;
        if (!p)
            p = report_plot(r, key, title, vendor_cost_metric(c), metric_find("acc"), PLOT_LOG_X);
        at = report_point(r, p, report_series(r, p, vendor_side_name(r, v, k)),
                          v->sides[k].letter, x->cost[c], x->accuracy.value);
        if (at) {
            at->y_low = x->accuracy.low;
            at->y_high = x->accuracy.high;
        }
        if (x->on[c])
            order[n++] = k;
    }
    by_cost(v, c, order, n);
    if (n < 2)
        return;
    front = report_series(r, p, "frontier");
    if (front)
        front->line = front->bare = 1;
    for (int i = 0; i < n; i++)
        report_point(r, p, front, NULL, v->points[order[i]].cost[c],
                     v->points[order[i]].accuracy.value);
}

void vendor_plot_frontier(struct report *r, const struct vendor *v)
{
    static const struct {
        enum vendor_cost cost;
        const char *key, *title;
    } rows[] = {
        {VENDOR_COST_TIME, "frontier_time", "Accuracy against the time of a token"},
        {VENDOR_COST_MEMORY, "frontier_memory", "Accuracy against peak memory"},
        {VENDOR_COST_ENERGY, "frontier_energy", "Accuracy against energy per right item"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        frontier_plot(r, v, rows[i].cost, rows[i].key, rows[i].title);
}
