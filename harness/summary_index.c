/* summary_index.c -- all runs of a database on one page: a row for every task of a run and for
 * every speed test, smallest model first, newest run first, each with the way back to its run.
 *
 * Here a run is a subject of its own, so a repeated measurement has its own density. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/density_present.h"
#include "harness/density_report.h"
#include "harness/summary_impl.h"

enum { FIRST_NUMBER = 8 };

static const char *const numbers[] = {"bits_per_mparam", "latency_s", "energy_j",
                                      "peak_rss_bytes", "tok_s"};
#define NUMBERS (int)(sizeof numbers / sizeof *numbers)

/* The type of most matrices: what llama.cpp calls the file. */
static const char *format_of(struct report *r, const struct store_model *m)
{
    cJSON *types = m->tensor_types ? json_parse(m->tensor_types, strlen(m->tensor_types), "", NULL)
                                   : NULL;
    const cJSON *type, *best = NULL;
    const char *name;
    double most = 0;

    cJSON_ArrayForEach(type, types) {
        double n = strcmp(type->string, "F32") == 0 ? 0.5 : json_num(type, "count", 0);
        if (n > most) { /* F32, as which vectors are kept in any file, only where nothing else is */
            most = n;
            best = type;
        }
    }
    name = best ? report_str(r, best->string) : NULL;
    json_free(types);
    return name;
}

/* The value that a task is known for: what it credits, before what predicts its text. */
static const struct store_value *main_value(const struct task_row *t)
{
    static const char *const first[] = {"knowledge_bits", "acc", "exact_match"};
    const struct store_value *v = NULL;

    for (size_t i = 0; i < sizeof first / sizeof *first && !v; i++)
        v = task_row_value(t, first[i], NULL);
    return v ? v : t->n_values ? &t->values[0] : NULL;
}

static const struct density *density_of(const struct density_list *l, const struct entry *x)
{
    for (size_t i = 0; i < l->n; i++) {
        const struct benchmark *b = benchmark_find(l->v[i].ruler->benchmark);
        if (strcmp(l->v[i].run, x->run->run->id) == 0 &&
            (strcmp(l->v[i].ruler->benchmark, x->row->task) == 0 ||
             (b && b->task && strcmp(b->task, x->row->task) == 0)))
            return &l->v[i];
    }
    return NULL;
}

static struct report_cell *begin_row(struct summary *s, struct report_table *t,
                                     const struct shown_run *x, const char *task)
{
    struct report *r = s->report;
    struct report_cell *row = report_row(r, t);

    report_cell_text(r, row, 0, x->name);
    report_cell_text(r, row, 1, format_of(r, &x->run->model));
    report_cell_text(r, row, 2, task);
    report_cell_text(r, row, FIRST_NUMBER + NUMBERS, x->run->created);
    report_cell_text(r, row, FIRST_NUMBER + NUMBERS + 1, x->run->label);
    report_cell_text(r, row, FIRST_NUMBER + NUMBERS + 2, x->run->id);
    return row;
}

static void task_cells(struct summary *s, struct report_table *t, const struct entry *x)
{
    const struct store_value *v = main_value(x->row);
    const struct density *d = density_of(&s->densities, x);
    struct report_cell *row = begin_row(s, t, x->run, x->row->task);
    char text[64];

    report_cell_value(row, 3, x->n < 0 ? NAN : x->n, NAN, NAN);
    if (v) {
        struct reading of = entry_value(x, v->metric, v->filter);
        const struct metric *m = metric_find(v->metric);
        report_cell_text(s->report, row, 4, m ? m->label : v->metric);
        report_cell_value(row, 5, of.value, of.low, of.high);
    }
    if (d && (d->refused[0] || !(d->low > 0) || isinf(d->high))) {
        density_text(text, sizeof text, d, PER_TOTAL);
        report_cell_text(s->report, row, 6, text);
    } else if (d) {
        struct density_value of = density_value(d, PER_TOTAL);
        report_cell_value(row, 6, of.value, of.low, of.high);
    }
    report_cell_text(s->report, row, 7, d ? d->ruler->name : NULL);
    for (int i = 0; i < NUMBERS; i++) {
        struct reading of = entry_reading(x, numbers[i]);
        report_cell_value(row, FIRST_NUMBER + i, of.value, of.low, of.high);
    }
}

static void speed_cells(struct summary *s, struct report_table *t, const struct speed *x)
{
    struct report_cell *row = begin_row(s, t, x->run, x->row->test);

    report_cell_text(s->report, row, 4, x->program);
    for (int i = 0; i < NUMBERS; i++) {
        const struct store_value *v = bench_value(x->row, numbers[i]);
        if (v)
            report_cell_value(row, FIRST_NUMBER + i, v->value, v->low, v->high);
    }
}

static struct report_table *index_table(struct report *r)
{
    struct report_column columns[FIRST_NUMBER + NUMBERS + 3] = {
        {"model", "model", NULL, 9},
        {"format", "format", NULL, 7},
        {"task", "task or test", NULL, 9},
        {"items", "items", metric_find("items"), 5},
        {"metric", "scored by, or numerics", NULL, 4},
        {"score", "score", metric_find("score"), 8},
        {"density", "density", metric_find("density"), 8},
        {"ruler", "ruler", NULL, 2},
    };
    struct report_table *t;
    int c = FIRST_NUMBER;

    for (int i = 0; i < NUMBERS; i++)
        columns[c++] = (struct report_column){numbers[i], NULL, metric_find(numbers[i]), 6 - i};
    columns[c++] = (struct report_column){"created", "created", NULL, 3};
    columns[c++] = (struct report_column){"label", "label", NULL, 1};
    columns[c++] = (struct report_column){"run", "run", NULL, 6};
    t = report_table(r, "index", "All runs", columns, c);
    if (t)
        t->note = report_str(r, "Smallest file first; of what was measured several times every run "
                                "has its row, the newest first. Scores with 95 % intervals. "
                                "Densities on the ruler named; unresolved: within two standard "
                                "errors of chance.");
    return t;
}

/* --- in which order --------------------------------------------------------------------------- */

struct line { /* one of both */
    const struct entry *task;
    const struct speed *speed;
};

static const struct shown_run *run_of(const struct line *l)
{
    return l->task ? l->task->run : l->speed->run;
}

static const char *asked_of(const struct line *l)
{
    return l->task ? l->task->row->task : l->speed->row->test;
}

static int by_model_and_task(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    int c = by_model(run_of(x), run_of(y));

    c = c ? c : (y->task != NULL) - (x->task != NULL);
    c = c ? c : strcmp(asked_of(x), asked_of(y));
    c = c ? c : strcmp(run_of(y)->run->created, run_of(x)->run->created);
    return c ? c : strcmp(run_of(x)->run->id, run_of(y)->run->id);
}

static void put_lines(struct summary *s)
{
    struct line *lines = arena_alloc(&s->report->arena,
                                     (s->n_entries + s->n_speeds + 1) * sizeof *lines);
    struct report_table *t = index_table(s->report);
    size_t n = 0;

    if (!lines) {
        s->report->failed = 1;
        return;
    }
    for (size_t i = 0; i < s->n_entries; i++)
        if (!s->entries[i].member)
            lines[n++] = (struct line){&s->entries[i], NULL};
    for (size_t i = 0; i < s->n_speeds; i++)
        lines[n++] = (struct line){NULL, &s->speeds[i]};
    qsort(lines, n, sizeof *lines, by_model_and_task);
    for (size_t i = 0; i < n; i++) {
        if (lines[i].task)
            task_cells(s, t, lines[i].task);
        else
            speed_cells(s, t, lines[i].speed);
    }
}

/* --- the page --------------------------------------------------------------------------------- */

static void count(struct summary *s)
{
    struct report *r = s->report;
    int models = 0;

    for (size_t i = 0; i < s->n; i++) {
        size_t k = 0;
        while (by_model(&s->runs[k], &s->runs[i]) != 0)
            k++;
        models += k == i;
    }
    report_headline(r, "Runs", report_fmt(r, "%zu", s->n + s->n_left_out),
                    s->n_left_out ? report_fmt(r, "%zu of them did not end", s->n_left_out)
                                  : "all of them complete");
    report_headline(r, "Model files", report_fmt(r, "%d", models), NULL);
    report_headline(r, "Scores", report_fmt(r, "%zu", s->n_entries), "of a task in a run");
    if (s->n_speeds)
        report_headline(r, "Speeds", report_fmt(r, "%zu", s->n_speeds), "of a test in a run");
}

int summarise_index(struct report *out, struct store *store, const struct run_row *runs, size_t n,
                    const struct summary_opts *o, struct err *e)
{
    struct summary s = {.report = out, .ruler = o->ruler, .each_run = 1};
    int rc = summary_read(&s, store, runs, n, 0, e);

    if (rc == 0)
        rc = summary_densities(&s, store, e);
    if (rc == 0) {
        summary_stamp(out);
        out->subtitle = report_str(out, "Every run of this database: what was asked, what came "
                                        "out, what it cost.");
        count(&s);
        report_section(out, "Index");
        put_lines(&s);
        if (s.densities.n) {
            report_section(out, "Method");
            density_method(out, &s.densities);
        }
        runs_section(&s);
        rc = report_ok(out, e);
    }
    summary_densities_release(&s);
    summary_release(&s);
    return rc;
}
