/* summary_tracker.c -- a report's models beside the level of large ones, in short: who reached it
 * with how many parameters, and what is to come if the trend goes on (tracker.h). */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "harness/summary_impl.h"
#include "harness/tracker.h"
#include "harness/trend_runs.h"
#include "harness/trend_write.h"

#define BENCHMARK "mmlu"
#define CLAIMED "2026-12-31" /* by when a model of GPT-4's level is said to run on a device */

static const struct trend_series *series_named(const char *name)
{
    const struct trend_series *s;

    for (int i = 0; (s = trend_series_at(i)); i++)
        if (strcmp(s->name, name) == 0)
            break;
    return s;
}

static double largest_here(const struct summary *s)
{
    double most = NAN;

    for (size_t i = 0; i < s->n; i++)
        most = fmax(most, s->runs[i].run->model.parameters > 0
                              ? (double)s->runs[i].run->model.parameters
                              : NAN);
    return most;
}

static struct report_table *lines_table(struct report *r, const struct trend_series *of)
{
    const struct report_column columns[] = {
        {"level", "level of", NULL, 9},
        {"score", "its score", metric_find("score"), 4},
        {"smallest", "smallest model that reached it", NULL, 8},
        {"since", "since", NULL, 6},
        {"parameters", "its parameters", metric_find("parameters"), 7},
        {"times_largest", "times the largest model here", metric_find("density"), 5},
        {"projected", "parameters projected for " CLAIMED, metric_find("parameters"), 7},
        {"back_test", "past projections that held", NULL, 3},
    };
    struct report_table *t =
        report_table(r, "levels", report_fmt(r, "The level of large models on %s", of->title),
                     columns, sizeof columns / sizeof *columns);

    if (t)
        t->note = report_str(r, "Published scores. The projection is what follows if densities go "
                                "on growing as they did, with its 80 % interval; the last column "
                                "says how many projections of the past had what then came in "
                                "theirs. 'densimeter tracker' has all benchmarks.");
    return t;
}

static void put_line(struct report *r, struct report_table *t, const struct tracker *k,
                     double largest, double day)
{
    struct report_cell *row = report_row(r, t);
    const struct trend_model *m = k->n_reached ? k->reached[k->n_reached - 1] : NULL;
    char date[16];

    report_cell_text(r, row, 0, k->line->title);
    report_cell_value(row, 1, k->score, NAN, NAN);
    if (m) {
        trend_date(date, sizeof date, m->day);
        report_cell_text(r, row, 2, m->row->model);
        report_cell_text(r, row, 3, date);
        report_cell_value(row, 4, m->parameters, NAN, NAN);
        report_cell_value(row, 5, m->parameters / largest, NAN, NAN);
    } else {
        report_cell_text(r, row, 2, "none");
    }
    if (k->refused) {
        report_cell_text(r, row, 6, report_fmt(r, "none: %s", k->refused));
    } else {
        struct tracker_size size = tracker_size_on(k, day);
        report_cell_value(row, 6, size.value, size.interval.low, size.interval.high);
        report_cell_text(r, row, 7, report_fmt(r, "%zu of %zu", k->n_covered, k->n_cuts));
    }
}

static void warn(struct report *r, size_t made, size_t held)
{
    if (2 * held < made)
        report_warning(r, "Of %zu projections that these lines would have made in the past %zu "
                          "held: read the ones here as what follows if the trend goes on, not as "
                          "what will be.", made, held);
}

static int put_lines(struct summary *s, const struct trend_rows *rows, double day, struct err *e)
{
    const struct trend_opts o = {.since = TREND_SINCE, .until = INFINITY, .size = SIZE_TOTAL};
    const struct trend_series *of = series_named(BENCHMARK);
    const struct tracker_line *line;
    struct report_table *t = NULL;
    struct tracker k;
    size_t made = 0, held = 0;

    for (int i = 0; of && (line = tracker_line_at(i)); i++) {
        if (tracker_make(&k, rows, of, line, &o, e) < 0)
            return -1;
        if (!isnan(k.score)) {
            t = t ? t : lines_table(s->report, of);
            put_line(s->report, t, &k, largest_here(s), day);
            made += k.n_cuts;
            held += k.n_covered;
        }
        tracker_release(&k);
    }
    warn(s->report, made, held);
    return 0;
}

int tracker_section(struct summary *s, struct err *e)
{
    const struct trend_own none = {0};
    struct trend_rows rows = {0};
    double day;
    int rc = -1;

    if (!s->densities.n)
        return 0;
    report_section(s->report, "How far from GPT-4");
    if (trend_read_date(&day, CLAIMED, 1, "report", "date", e) == 0 &&
        trend_rows_join(&rows, s->published, &none, 0, e) == 0)
        rc = put_lines(s, &rows, day, e);
    mem_free((void *)rows.v);
    return rc;
}
