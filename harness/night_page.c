#include "harness/night_page.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/metric.h"
#include "harness/night_impl.h"
#include "harness/spark.h"
#include "harness/version.h"
#include "reports/number.h"

enum { PLOTS_MAX = 24 };

/* What a series is shown by: others are in the tables and in the JSON. */
static const char *const headline[] = {"acc", "exact_match", "knowledge_bits", "bits_per_byte",
                                       "tok_s"};

static int is_headline(const struct point *p)
{
    for (size_t i = 0; i < sizeof headline / sizeof headline[0]; i++)
        if (strcmp(judge_metric_of(p->metric), headline[i]) == 0)
            return 1;
    return 0;
}

/* The end of the run of points of one series and metric that begins at i. */
static size_t end_of_series(const struct point_list *l, size_t i)
{
    size_t end = i + 1;

    while (end < l->n && strcmp(l->v[end].series, l->v[i].series) == 0 &&
           strcmp(l->v[end].metric, l->v[i].metric) == 0)
        end++;
    return end;
}

/* --- for a terminal -------------------------------------------------------------------------- */

static const char *const finding_words[] = {"REGRESSION", "FAILED CELL", "CHANGE", "NOT COMPARABLE",
                                            "segment",    "gain",        "note"};

static int print_findings(const struct context *c, const struct night_report *r, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    int rc;

    strbuf_addf(&b, "%s  ", verdict_names[r->verdict]);
    strbuf_add_printable(&b, r->night.plan, 0);
    strbuf_addf(&b, ", night %d of %s: %d of %d cells done\n", r->night.n, r->night.date,
                r->night.n_done, r->night.n_cells);
    for (size_t i = 0; i < r->n_findings; i++) {
        strbuf_addf(&b, "%s  ", finding_words[r->findings[i].kind]);
        strbuf_add_printable(&b, r->findings[i].text, 0);
        strbuf_addc(&b, '\n');
    }
    rc = context_print_folded(c, &b, e);
    strbuf_release(&b);
    return rc;
}

static void put_percent(struct table *t, const struct comparison *c, double v)
{
    if (!isfinite(v))
        table_cell(t, "-");
    else if (strcmp(c->quantity, "nats per byte") == 0)
        table_cell(t, "%+.4f", v);
    else
        table_cell(t, "%+.2f %s", 100 * v, strcmp(c->quantity, "accuracy") == 0 ? "points" : "%");
}

static int print_comparisons(const struct context *c, const struct night_report *r, struct err *e)
{
    static const struct column columns[] = {
        {"series", 0, 0}, {"what", 0, 0}, {"quantity", 0, 0}, {"change", 1, 0}, {"low", 1, 2},
        {"high", 1, 2},   {"limit", 1, 3}, {"n", 1, 5},       {"verdict", 0, 0},
    };
    struct table t;
    int rc;

    if (r->n_comparisons == 0)
        return 0;
    table_init(&t, columns, sizeof columns / sizeof columns[0], c->csv);
    for (size_t i = 0; i < r->n_comparisons; i++) {
        const struct comparison *x = &r->comparisons[i];
        table_cell(&t, "%s", x->series);
        table_cell(&t, "%s", x->what);
        table_cell(&t, "%s", x->quantity);
        put_percent(&t, x, x->change);
        put_percent(&t, x, x->low);
        put_percent(&t, x, x->high);
        put_percent(&t, x, x->threshold);
        table_int(&t, x->n);
        table_cell(&t, "%s", verdict_names[x->verdict]);
    }
    rc = context_table(c, &t, e);
    table_release(&t);
    return rc;
}

/* The smallest loss that could have been seen, and what would decide. */
static int print_open(const struct context *c, const struct night_report *r, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    int rc;

    for (size_t i = 0; i < r->n_comparisons; i++) {
        const struct comparison *x = &r->comparisons[i];
        if (x->verdict != VERDICT_INCONCLUSIVE)
            continue;
        strbuf_adds(&b, "open: ");
        strbuf_add_printable(&b, x->series, 0);
        strbuf_addf(&b, ": %s %s", x->what, x->quantity);
        if (isfinite(x->visible))
            strbuf_addf(&b, ": so many items show a loss of %.2f points; %.0f items decide about "
                            "%.2f", 100 * x->visible, ceil(x->needed), 100 * x->threshold);
        if (x->why)
            strbuf_addf(&b, ": %s", x->why);
        strbuf_addc(&b, '\n');
    }
    rc = context_print_folded(c, &b, e);
    strbuf_release(&b);
    return rc;
}

int night_text(const struct context *c, const struct night_report *r, struct err *e)
{
    if (c->csv)
        return print_comparisons(c, r, e);
    return print_findings(c, r, e) < 0 || print_comparisons(c, r, e) < 0 ||
                   print_open(c, r, e) < 0
               ? -1
               : 0;
}

static int put_spark(struct table *t, const struct point *p, size_t n, int nights)
{
    size_t from = n > (size_t)nights ? n - (size_t)nights : 0, k = n - from;
    double *values = mem_calloc(k + 1, sizeof *values);
    int *breaks = mem_calloc(k + 1, sizeof *breaks);
    struct strbuf line = STRBUF_INIT;
    int rc = -1;

    if (values && breaks) {
        for (size_t i = 0; i < k; i++) {
            values[i] = p[from + i].value;
            breaks[i] = i > 0 && p[from + i].segment_id != p[from + i - 1].segment_id;
        }
        spark_line(&line, values, breaks, k);
        table_cell(t, "%s", p->series);
        table_cell(t, "%s", p->metric);
        table_cell(t, "%s", strbuf_str(&line));
        table_num(t, p[n - 1].value, 5);
        table_int(t, p[n - 1].night);
        rc = line.failed ? -1 : 0;
    }
    strbuf_release(&line);
    mem_free(values);
    mem_free(breaks);
    return rc;
}

int night_sparklines(const struct context *c, const struct point_list *l, int nights,
                     struct err *e)
{
    static const struct column columns[] = {
        {"series", 0, 0}, {"metric", 0, 0}, {"nights", 0, 0}, {"last", 1, 0}, {"in night", 1, 1},
    };
    struct table t;
    int rc = 0, any = 0;

    table_init(&t, columns, sizeof columns / sizeof columns[0], c->csv);
    for (size_t i = 0, end; i < l->n && rc == 0; i = end) {
        end = end_of_series(l, i);
        if (!is_headline(&l->v[i]))
            continue;
        any = 1;
        rc = put_spark(&t, &l->v[i], end - i, nights);
    }
    if (rc < 0)
        err_nomem(e);
    else if (any)
        rc = context_table(c, &t, e);
    table_release(&t);
    return rc;
}

/* --- the page -------------------------------------------------------------------------------- */

static void add_findings(struct report *out, const struct night_report *r)
{
    report_section(out, "What happened");
    if (r->n_findings == 0)
        report_text(out, "Nothing that a person needs to know.");
    for (size_t i = 0; i < r->n_findings; i++) {
        const struct finding *f = &r->findings[i];
        if (f->kind <= FINDING_INVALID)
            report_warning(out, "%s: %s", finding_words[f->kind], f->text);
        else
            report_text(out, "%s: %s", finding_words[f->kind], f->text);
    }
}

/* A value before or after, in what the quantity is measured in. */
static const char *value_text(struct report *out, const struct comparison *c, double v)
{
    static const struct {
        const char *quantity, *metric;
    } units[] = {{"memory", "peak_rss_bytes"}, {"accuracy", "acc"}, {"time", "tok_s"}};

    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(c->quantity, units[i].quantity) == 0)
            return report_number(out, metric_find(units[i].metric), v);
    return report_fmt(out, "%.4f", v);
}

/* A change, an end of its interval or a limit, of which only the first two have a sign. */
static const char *change_text(struct report *out, const struct comparison *c, double v, int sign)
{
    if (!isfinite(v))
        return "-";
    if (strcmp(c->quantity, "nats per byte") == 0)
        return report_fmt(out, sign ? "%+.4f" : "%.4f", v);
    return report_fmt(out, sign ? "%+.2f %s" : "%.2f %s", 100 * v,
                      strcmp(c->quantity, "accuracy") == 0 ? "points" : "%");
}

/* In the unit of the change, which stands beside it. */
static const char *interval_text(struct report *out, const struct comparison *c)
{
    if (strcmp(c->quantity, "nats per byte") == 0)
        return report_fmt(out, "[%+.4f, %+.4f]", c->low, c->high);
    return report_fmt(out, "[%+.2f, %+.2f]", 100 * c->low, 100 * c->high);
}

static void add_comparisons(struct report *out, const struct night_report *r)
{
    static const struct report_column columns[] = {
        {"series", "series", NULL, 9},       {"what", "what", NULL, 5},
        {"quantity", "quantity", NULL, 8},   {"before", "baseline", NULL, 4},
        {"after", "tonight", NULL, 4},       {"change", "change", NULL, 7},
        {"interval", "interval", NULL, 6},   {"limit", "limit", NULL, 3},
        {"n", "n", NULL, 3},                 {"p", "p, adjusted", NULL, 2},
        {"verdict", "verdict", NULL, 9},     {"baseline", "against", NULL, 1},
        {"why", "remark", NULL, 1},
    };
    struct report_table *t;

    if (r->n_comparisons == 0)
        return;
    t = report_table(out, "comparisons", "Against the baseline", columns,
                     sizeof columns / sizeof columns[0]);
    if (t)
        t->note = "Time: ratio of medians by Hodges and Lehmann with its 95 % interval, the limit "
                  "never below the A/A floor. Accuracy: Tango's interval, nats: t, both 90 %. p: "
                  "one-sided, Benjamini and Hochberg over the night.";
    for (size_t i = 0; i < r->n_comparisons; i++) {
        const struct comparison *c = &r->comparisons[i];
        struct report_cell *row = report_row(out, t);
        report_cell_text(out, row, 0, c->series);
        report_cell_text(out, row, 1, c->what);
        report_cell_text(out, row, 2, c->quantity);
        report_cell_text(out, row, 3, value_text(out, c, c->before));
        report_cell_text(out, row, 4, value_text(out, c, c->after));
        report_cell_text(out, row, 5, change_text(out, c, c->change, 1));
        if (isfinite(c->low) && c->high > c->low)
            report_cell_text(out, row, 6, interval_text(out, c));
        report_cell_text(out, row, 7, change_text(out, c, c->threshold, 0));
        report_cell_text(out, row, 8, report_fmt(out, "%d", c->n));
        report_cell_text(out, row, 9,
                         isfinite(c->adjusted) ? report_fmt(out, "%.3g", c->adjusted) : "-");
        report_cell_text(out, row, 10, verdict_names[c->verdict]);
        report_cell_text(out, row, 11, c->baseline);
        report_cell_text(out, row, 12, c->identical ? "identical item for item" : c->why);
    }
}

/* Five digits, by which one night differs from another; bytes as everywhere. */
static const char *level_text(struct report *out, const char *metric, double v)
{
    const struct metric *m = metric_find(judge_metric_of(metric));

    return m && number_prefixed(m) ? report_number(out, m, v) : report_fmt(out, "%.5g", v);
}

static void add_changes(struct report *out, const struct night_report *r)
{
    static const struct report_column columns[] = {
        {"series", "series", NULL, 9},     {"metric", "metric", NULL, 8},
        {"night", "since night", NULL, 7}, {"date", "date", NULL, 4},
        {"before", "before", NULL, 6},     {"after", "after", NULL, 6},
        {"p", "p", NULL, 2},               {"state", "state", NULL, 5},
    };
    struct report_table *t;

    if (r->n_changes == 0)
        return;
    t = report_table(out, "changes", "Change points of the current segments", columns,
                     sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < r->n_changes; i++) {
        const struct night_change *c = &r->changes[i];
        struct report_cell *row = report_row(out, t);
        report_cell_text(out, row, 0, c->series);
        report_cell_text(out, row, 1, c->metric);
        report_cell_text(out, row, 2, report_fmt(out, "%d", c->night));
        report_cell_text(out, row, 3, c->date);
        report_cell_text(out, row, 4, level_text(out, c->metric, c->before));
        report_cell_text(out, row, 5, level_text(out, c->metric, c->after));
        report_cell_text(out, row, 6, report_fmt(out, "%.2g", c->p));
        report_cell_text(out, row, 7, report_fmt(out, "%s, %s", c->is_new ? "new" : "known",
                                                 c->worse == 1   ? "worse"
                                                 : c->worse == 0 ? "better"
                                                                 : "other"));
    }
}

/* A line for each segment, and the change points on their own. */
static void add_plot(struct report *out, const struct night_report *r, const struct point *p,
                     size_t n)
{
    const struct metric *x = metric_find("night"), *y = metric_find(judge_metric_of(p->metric));
    struct report_plot *plot;
    struct report_series *series = NULL;

    if (!x || !y)
        return;
    plot = report_plot(out, "series", report_fmt(out, "%s: %s", p->series, p->metric), x, y, 0);
    for (size_t i = 0; i < n; i++) {
        struct report_point *at;
        if (i == 0 || p[i].segment_id != p[i - 1].segment_id) {
            series = report_series(out, plot, report_fmt(out, "segment %d", p[i].segment));
            if (series)
                series->line = 1;
        }
        at = report_point(out, plot, series, p[i].date, p[i].night, p[i].value);
        if (at) {
            at->y_low = p[i].low;
            at->y_high = p[i].high;
        }
    }
    series = NULL;
    for (size_t i = 0; i < r->n_changes; i++) {
        const struct night_change *c = &r->changes[i];
        if (strcmp(c->series, p->series) != 0 || strcmp(c->metric, p->metric) != 0)
            continue;
        if (!series)
            series = report_series(out, plot, "change point");
        report_point(out, plot, series, c->date, c->night, c->after);
    }
}

static void add_plots(struct report *out, const struct night_report *r)
{
    const struct point_list *l = &r->points;
    int plots = 0;

    report_section(out, "Series");
    for (size_t i = 0, end; i < l->n; i = end) {
        end = end_of_series(l, i);
        if (!is_headline(&l->v[i]) || end - i < 2)
            continue;
        if (plots++ < PLOTS_MAX)
            add_plot(out, r, &l->v[i], end - i);
    }
    if (plots > PLOTS_MAX)
        report_text(out, "%d further series are not drawn; 'densimeter nightly status' lists them.",
                    plots - PLOTS_MAX);
    if (plots == 0)
        report_text(out, "A series needs two nights.");
}

int night_page(struct report *out, const struct night_report *r, struct err *e)
{
    int open = 0, failed = 0;
    time_t now = time(NULL);
    char when[40];
    struct tm utc;

    for (size_t i = 0; i < r->n_comparisons; i++) {
        open += r->comparisons[i].verdict == VERDICT_INCONCLUSIVE;
        failed += r->comparisons[i].verdict == VERDICT_FAIL;
    }
    gmtime_r(&now, &utc);
    strftime(when, sizeof when, "%Y-%m-%d %H:%M UTC", &utc);
    out->generated = report_fmt(out, "%s, densimeter " DENSIMETER_VERSION, when);
    report_headline(out, "Verdict", verdict_names[r->verdict],
                    r->n_findings ? r->findings[0].text : "nothing to report");
    report_headline(out, "Cells", report_fmt(out, "%d of %d", r->night.n_done, r->night.n_cells),
                    "measured");
    report_headline(out, "Comparisons", report_fmt(out, "%zu", r->n_comparisons),
                    report_fmt(out, "%d failed, %d open", failed, open));
    report_headline(out, "Night", report_fmt(out, "%d", r->night.n), r->night.date);
    add_findings(out, r);
    add_comparisons(out, r);
    add_changes(out, r);
    add_plots(out, r);
    return report_ok(out, e);
}
