#include "harness/summary.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/mem.h"
#include "harness/usage.h"

struct shown_run { /* a run with what it measured */
    const struct run_row *run;
    struct task_list tasks;
    struct bench_list bench;
    unsigned char *skip_task; /* an earlier run has the same */
};

struct summary {
    struct report *report;
    struct shown_run *runs;
    size_t n;
};

static int same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static int same_subject(const struct run_row *a, const struct run_row *b)
{
    return same_text(a->model.name, b->model.name) &&
           same_text(a->model.sha256, b->model.sha256) &&
           same_text(a->numerics_id, b->numerics_id);
}

/* --- reading ------------------------------------------------------------------------------ */

static int is_repeated(const struct summary *s, size_t run, const struct task_row *t)
{
    for (size_t i = 0; i < run; i++) {
        const struct shown_run *earlier = &s->runs[i];
        if (!same_subject(earlier->run, s->runs[run].run))
            continue;
        for (size_t k = 0; k < earlier->tasks.n; k++)
            if (strcmp(earlier->tasks.v[k].task, t->task) == 0 &&
                earlier->tasks.v[k].shots == t->shots)
                return 1;
    }
    return 0;
}

static int read_runs(struct summary *s, struct store *store, const struct run_row *runs, size_t n,
                     struct err *e)
{
    s->runs = mem_calloc(n + 1, sizeof *s->runs);
    if (!s->runs)
        return err_nomem(e);
    for (size_t i = 0; i < n; i++) {
        struct shown_run *r = &s->runs[i];
        s->n = i + 1;
        r->run = &runs[i];
        if (query_tasks(store, runs[i].id, &r->tasks, e) < 0 ||
            query_bench(store, runs[i].id, &r->bench, e) < 0)
            return -1;
        r->skip_task = mem_calloc(r->tasks.n + 1, 1);
        if (!r->skip_task)
            return err_nomem(e);
        for (size_t k = 0; k < r->tasks.n; k++)
            r->skip_task[k] = (unsigned char)is_repeated(s, i, &r->tasks.v[k]);
    }
    return 0;
}

static void summary_release(struct summary *s)
{
    for (size_t i = 0; i < s->n; i++) {
        task_list_release(&s->runs[i].tasks);
        bench_list_release(&s->runs[i].bench);
        mem_free(s->runs[i].skip_task);
    }
    mem_free(s->runs);
}

/* The next task row that counts, in the order of runs; NULL at the end.  Start with *i = *k = 0. */
static const struct task_row *next_task(const struct summary *s, size_t *i, size_t *k,
                                        const struct run_row **run)
{
    for (; *i < s->n; ++*i, *k = 0)
        while (*k < s->runs[*i].tasks.n) {
            size_t at = (*k)++;
            if (!s->runs[*i].skip_task[at]) {
                *run = s->runs[*i].run;
                return &s->runs[*i].tasks.v[at];
            }
        }
    return NULL;
}

/* "smollm2 q4_1", and its arithmetic when it is not the exact one. */
static const char *subject_name(struct report *r, const struct run_row *run)
{
    const char *name = run->model.name ? run->model.name : "?";

    if (!run->numerics_id || strncmp(run->numerics_id, "exact", 5) == 0)
        return name;
    return report_fmt(r, "%s (%s)", name, run->numerics_id);
}

/* --- tables ------------------------------------------------------------------------------- */

static int first_with_model(const struct summary *s, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (same_text(s->runs[k].run->model.name, s->runs[i].run->model.name) &&
            same_text(s->runs[k].run->model.sha256, s->runs[i].run->model.sha256))
            return 0;
    return 1;
}

static double known(int64_t v)
{
    return v < 0 ? NAN : (double)v;
}

static void models_table(struct summary *s)
{
    const struct report_column columns[] = {
        {"model", "model", NULL, 9},
        {"architecture", "architecture", NULL, 2},
        {"parameters", NULL, metric_find("parameters"), 8},
        {"file_bytes", NULL, metric_find("file_bytes"), 7},
        {"bits_per_weight", NULL, metric_find("bits_per_weight"), 6},
        {"licence", "licence", NULL, 3},
        {"sha256", "SHA-256", NULL, 1},
    };
    struct report *r = s->report;
    struct report_table *t = report_table(r, "models", "Models", columns, 7);

    for (size_t i = 0; i < s->n; i++) {
        const struct store_model *m = &s->runs[i].run->model;
        struct report_cell *row;
        if (!first_with_model(s, i))
            continue;
        row = report_row(r, t);
        report_cell_text(r, row, 0, m->name);
        report_cell_text(r, row, 1, m->architecture);
        report_cell_value(row, 2, known(m->parameters), NAN, NAN);
        report_cell_value(row, 3, known(m->file_bytes), NAN, NAN);
        report_cell_value(row, 4, m->bits_per_weight, NAN, NAN);
        report_cell_text(r, row, 5, m->licence);
        report_cell_text(r, row, 6, m->sha256 ? report_fmt(r, "%.12s", m->sha256) : NULL);
    }
}

static int has_value(const struct summary *s, const char *metric, const char *filter)
{
    const struct run_row *run;
    const struct task_row *t;
    size_t i = 0, k = 0;

    while ((t = next_task(s, &i, &k, &run)) != NULL)
        if (task_row_value(t, metric, filter))
            return 1;
    return 0;
}

static void value_cell(struct report_cell *row, int column, const struct store_value *v)
{
    if (v)
        report_cell_value(row, column, v->value, v->low, v->high);
}

static void knowledge_table(struct summary *s)
{
    static const char *const metrics[] = {"knowledge_bits", "bits_per_fact", "knowledge_share",
                                          "bits_per_mparam", "bits_per_mbyte", "acc"};
    struct report *r = s->report;
    struct report_column columns[8] = {{"model", "model", NULL, 9}, {"n", "facts", NULL, 4}};
    const struct run_row *run;
    const struct task_row *row;
    struct report_table *t;
    size_t i = 0, k = 0;

    for (int m = 0; m < 6; m++)
        columns[m + 2] = (struct report_column){metrics[m], NULL, metric_find(metrics[m]), 8 - m};
    t = report_table(r, "knowledge", "Bits of knowledge", columns, 8);
    while ((row = next_task(s, &i, &k, &run)) != NULL) {
        struct report_cell *cells;
        if (strcmp(row->task, "facts") != 0)
            continue;
        cells = report_row(r, t);
        report_cell_text(r, cells, 0, subject_name(r, run));
        report_cell_text(r, cells, 1, report_fmt(r, "%d", row->n));
        for (int m = 0; m < 6; m++)
            value_cell(cells, m + 2, task_row_value(row, metrics[m], "none"));
    }
    if (t)
        t->note = report_str(
            r, "A model that knows nothing has about 0 bits. Intervals: 95 %, bootstrap over "
               "subjects. The total is over the facts that were asked, and grows with their number; "
               "bits per parameter and per megabyte compare models on the same facts only.");
}

/* Languages, domains and bands of the facts: a row each, a column for every model. */
static void parts_table(struct summary *s)
{
    const struct report_column columns[] = {
        {"model", "model", NULL, 9},
        {"part", "part", NULL, 9},
        {"bits_per_fact", NULL, metric_find("bits_per_fact"), 8},
    };
    struct report *r = s->report;
    struct report_table *t = report_table(r, "parts", "Where the knowledge lies", columns, 3);
    const struct run_row *run;
    const struct task_row *row;
    size_t i = 0, k = 0;

    while ((row = next_task(s, &i, &k, &run)) != NULL)
        for (int v = 0; v < row->n_values; v++) {
            const struct store_value *value = &row->values[v];
            struct report_cell *cells;
            if (strcmp(value->metric, "bits_per_fact") != 0 || strcmp(value->filter, "none") == 0)
                continue;
            cells = report_row(r, t);
            report_cell_text(r, cells, 0, subject_name(r, run));
            report_cell_text(r, cells, 1, value->filter);
            value_cell(cells, 2, value);
        }
}

/* Metrics of one unit share a column; a table per metric keeps every number with its unit. */
static void metric_table(struct summary *s, const struct metric *m)
{
    const struct report_column columns[] = {
        {"task", "task", NULL, 9},  {"model", "model", NULL, 9}, {"shots", "shots", NULL, 3},
        {"n", "items", NULL, 4},    {"filter", "filter", NULL, 5}, {m->name, NULL, m, 8},
    };
    struct report *r = s->report;
    struct report_table *t = report_table(r, m->name, m->label, columns, 6);
    const struct run_row *run;
    const struct task_row *row;
    size_t i = 0, k = 0;

    while ((row = next_task(s, &i, &k, &run)) != NULL)
        for (int v = 0; v < row->n_values; v++) {
            struct report_cell *cells;
            if (strcmp(row->values[v].metric, m->name) != 0)
                continue;
            cells = report_row(r, t);
            report_cell_text(r, cells, 0, row->task);
            report_cell_text(r, cells, 1, subject_name(r, run));
            report_cell_text(r, cells, 2, report_fmt(r, "%d", row->shots));
            report_cell_text(r, cells, 3, report_fmt(r, "%d", row->n));
            report_cell_text(r, cells, 4, row->values[v].filter);
            value_cell(cells, 5, &row->values[v]);
        }
}

/* Every metric that some task has, in the order of base/metric.h; facts have tables of their own. */
static void result_tables(struct summary *s)
{
    static const char *const own[] = {"knowledge_bits", "bits_per_fact", "knowledge_share",
                                      "bits_per_mparam", "bits_per_mbyte"};
    const struct metric *m;

    for (int i = 0; (m = metric_at(i)) != NULL; i++) {
        int skip = !has_value(s, m->name, NULL);
        for (int k = 0; k < 5; k++)
            skip |= strcmp(own[k], m->name) == 0;
        if (!skip)
            metric_table(s, m);
    }
}

static void cost_table(struct summary *s)
{
    static const char *const costs[] = {"wall_s", "prompt_tokens", "computed_tokens",
                                        "reused_tokens", "generated_tokens", "peak_rss_bytes",
                                        "energy_j"};
    struct report_column columns[10] = {
        {"task", "task", NULL, 9}, {"model", "model", NULL, 9}, {"latency_s", NULL, NULL, 8}};
    struct report *r = s->report;
    const struct run_row *run;
    const struct task_row *row;
    struct report_table *t;
    size_t i = 0, k = 0;

    columns[2].metric = metric_find("latency_s");
    for (int c = 0; c < 7; c++)
        columns[c + 3] = (struct report_column){costs[c], NULL, metric_find(costs[c]), 7 - c};
    t = report_table(r, "cost", "What it cost", columns, 10);
    while ((row = next_task(s, &i, &k, &run)) != NULL) {
        struct report_cell *cells = report_row(r, t);
        report_cell_text(r, cells, 0, row->task);
        report_cell_text(r, cells, 1, subject_name(r, run));
        report_cell_value(cells, 2, row->n ? row->latency_s / row->n : NAN, NAN, NAN);
        for (int c = 0; c < 7; c++)
            report_cell_value(cells, c + 3, task_row_cost(row, costs[c]), NAN, NAN);
    }
    if (t)
        t->note = report_str(r, "Latency is the mean time that an item took of the batches it was "
                                "in; tokens that items share are computed once and counted as reused.");
}

static void speed_table(struct summary *s)
{
    static const char *const metrics[] = {"tok_s", "ttft_s", "tpot_s", "bandwidth_bytes_s",
                                          "peak_rss_bytes", "joule_per_token", "speed_ratio"};
    struct report_column columns[10] = {
        {"model", "model", NULL, 9}, {"test", "test", NULL, 9}, {"program", "program", NULL, 6}};
    struct report *r = s->report;
    struct report_table *t;
    int rows = 0;

    for (size_t i = 0; i < s->n; i++)
        rows += (int)s->runs[i].bench.n;
    if (!rows)
        return;
    for (int m = 0; m < 7; m++)
        columns[m + 3] = (struct report_column){metrics[m], NULL, metric_find(metrics[m]), 8 - m};
    report_section(r, "Speed");
    t = report_table(r, "speed", "Prefill and decode", columns, 10);
    for (size_t i = 0; i < s->n; i++)
        for (size_t k = 0; k < s->runs[i].bench.n; k++) {
            const struct store_bench *b = &s->runs[i].bench.v[k];
            struct report_cell *cells = report_row(r, t);
            report_cell_text(r, cells, 0, subject_name(r, s->runs[i].run));
            report_cell_text(r, cells, 1, b->test);
            report_cell_text(r, cells, 2, b->rival ? b->rival : "densimeter");
            for (int m = 0; m < 7; m++)
                value_cell(cells, m + 3, bench_value(b, metrics[m]));
        }
    if (t)
        t->note = report_str(r, "pp: tokens of a prompt read at once; tg: tokens generated one after "
                                "another. Medians with intervals by order statistics.");
}

/* --- plots -------------------------------------------------------------------------------- */

static double x_of(const struct run_row *run, const struct task_row *t, const char *x)
{
    if (strcmp(x, "parameters") == 0)
        return known(run->model.parameters);
    if (strcmp(x, "file_bytes") == 0)
        return known(run->model.file_bytes);
    if (strcmp(x, "latency_s") == 0)
        return t->n ? t->latency_s / t->n : NAN;
    return task_row_cost(t, x);
}

static int task_is_first(const struct summary *s, size_t i, size_t k, const char *y)
{
    const struct task_row *wanted = &s->runs[i].tasks.v[k];

    if (!task_row_value(wanted, y, NULL))
        return 0;
    for (size_t a = 0; a <= i; a++)
        for (size_t b = 0; b < (a == i ? k : s->runs[a].tasks.n); b++)
            if (!s->runs[a].skip_task[b] && task_row_value(&s->runs[a].tasks.v[b], y, NULL) &&
                strcmp(s->runs[a].tasks.v[b].task, wanted->task) == 0)
                return 0;
    return 1;
}

/* A point for every model that has the task. */
static void add_series(struct summary *s, struct report_plot *p, const char *task, const char *x,
                       const char *y)
{
    struct report_series *series = report_series(s->report, p, task);
    const struct run_row *run;
    const struct task_row *t;
    size_t i = 0, k = 0;

    while ((t = next_task(s, &i, &k, &run)) != NULL) {
        const struct store_value *v = task_row_value(t, y, NULL);
        struct report_point *point;
        if (!v || strcmp(t->task, task) != 0)
            continue;
        point = report_point(s->report, p, series, subject_name(s->report, run), x_of(run, t, x),
                             v->value);
        if (point) {
            point->y_low = v->low;
            point->y_high = v->high;
        }
    }
}

enum { SERIES_MAX = 8 }; /* more colours cannot be told apart */

static void add_plot(struct summary *s, const char *x, const char *y, const char *title)
{
    const struct metric *mx = metric_find(x), *my = metric_find(y);
    struct report_plot *p = report_plot(s->report, report_fmt(s->report, "%s_%s", y, x), title, mx,
                                        my, PLOT_LOG_X);
    int n = 0;

    for (size_t i = 0; i < s->n; i++)
        for (size_t k = 0; k < s->runs[i].tasks.n && n < SERIES_MAX; k++)
            if (!s->runs[i].skip_task[k] && task_is_first(s, i, k, y)) {
                add_series(s, p, s->runs[i].tasks.v[k].task, x, y);
                n++;
            }
}

static void plots(struct summary *s)
{
    if (has_value(s, "acc", NULL)) {
        report_section(s->report, "Accuracy and what it costs");
        add_plot(s, "parameters", "acc", "Accuracy against parameters");
        add_plot(s, "file_bytes", "acc", "Accuracy against file size");
        add_plot(s, "latency_s", "acc", "Accuracy against latency of an item");
        add_plot(s, "peak_rss_bytes", "acc", "Accuracy against memory");
    }
    if (has_value(s, "knowledge_bits", NULL)) {
        report_section(s->report, "Knowledge");
        add_plot(s, "parameters", "knowledge_bits", "Bits of knowledge against parameters");
        add_plot(s, "file_bytes", "knowledge_bits", "Bits of knowledge against file size");
        knowledge_table(s);
        parts_table(s);
    }
}

/* --- the rest ----------------------------------------------------------------------------- */

static void best(struct summary *s, const char *name, const char *metric, const char *unit)
{
    const struct run_row *run, *best_run = NULL;
    const struct task_row *t;
    double most = -INFINITY;
    size_t i = 0, k = 0;

    while ((t = next_task(s, &i, &k, &run)) != NULL) {
        const struct store_value *v = task_row_value(t, metric, "none");
        if (v && v->value > most) {
            most = v->value;
            best_run = run;
        }
    }
    if (best_run)
        report_headline(s->report, name, subject_name(s->report, best_run),
                        report_fmt(s->report, "%.3g %s", most, unit));
}

static void fastest(struct summary *s)
{
    const struct run_row *best_run = NULL;
    double most = 0;

    for (size_t i = 0; i < s->n; i++)
        for (size_t k = 0; k < s->runs[i].bench.n; k++) {
            const struct store_bench *b = &s->runs[i].bench.v[k];
            const struct store_value *v = bench_value(b, "tok_s");
            if (!b->rival && strncmp(b->test, "tg", 2) == 0 && v && v->value > most) {
                most = v->value;
                best_run = s->runs[i].run;
            }
        }
    if (best_run)
        report_headline(s->report, "Fastest", subject_name(s->report, best_run),
                        report_fmt(s->report, "%.3g tokens a second, generating", most));
}

static void method(struct summary *s)
{
    struct report *r = s->report;

    report_section(r, "Method");
    report_text(r, "Tasks follow lm-evaluation-harness: log-likelihoods are sums over the tokens of "
                   "the continuation given all before it, choices are ranked by them, text is "
                   "generated greedily and cut at the stop strings. Every item is stored with its "
                   "likelihoods, and accuracy, latency and memory come from the same run.");
    report_text(r, "Intervals cover 95 %%: Wilson's for shares of right answers, a bootstrap over "
                   "documents or subjects for the rest, order statistics for speeds.");
    report_text(r, "The arithmetic is defined: 'exact' computes in float32 in a fixed order, so a "
                   "score depends on neither batch, threads nor cache; 'fast' rounds activations to "
                   "8 bits and is as reproducible.");
    if (has_value(s, "knowledge_bits", NULL))
        report_text(r, "Knowledge is counted in bits: how much the model's likelihoods say about "
                       "the right one of up to 16 answers, after weights for calibration, popularity "
                       "and length were fitted on other subjects. It is a figure for this bank of "
                       "facts, not for all a model knows.");
}

static void noise_warning(struct summary *s, const struct run_row *run)
{
    cJSON *j = run->noise_after ? json_parse(run->noise_after, strlen(run->noise_after), "noise",
                                             NULL)
                                : NULL;
    const char *reasons = json_str(j, "reasons");

    if (reasons && *reasons)
        report_warning(s->report, "Run %s, %s: the machine was not quiet: %s. Times of this run "
                       "are too long; scores do not depend on it.", run->id,
                       run->model.name ? run->model.name : "?", reasons);
    json_free(j);
}

static void machine_facts(struct summary *s, const struct run_row *run)
{
    static const char *const keys[][2] = {
        {"cpu", "Processor"}, {"logical_cpus", "Logical processors"}, {"memory_bytes", "Memory"},
        {"l3_cache", "Last cache"}, {"governor", "Frequency governor"}, {"kernel", "Kernel"},
        {"compiler", "Compiler"}};
    cJSON *j = run->machine_json ? json_parse(run->machine_json, strlen(run->machine_json),
                                              "machine", NULL)
                                 : NULL;

    report_fact(s->report, "Machine", run->machine_name);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const cJSON *v = json_get(j, keys[i][0]);
        const char *text = cJSON_IsString(v)   ? v->valuestring
                           : cJSON_IsNumber(v) ? report_fmt(s->report, "%.15g", v->valuedouble)
                                               : NULL;
        report_fact(s->report, keys[i][1], text);
    }
    report_fact(s->report, "Kernels", run->kernels);
    report_fact(s->report, "Threads", report_fmt(s->report, "%d", run->threads));
    json_free(j);
}

static void machines(struct summary *s)
{
    report_section(s->report, "Machine");
    for (size_t i = 0; i < s->n; i++)
        noise_warning(s, s->runs[i].run);
    for (size_t i = 0; i < s->n; i++) {
        int seen = 0;
        for (size_t k = 0; k < i; k++)
            seen |= same_text(s->runs[k].run->machine_hash, s->runs[i].run->machine_hash);
        if (!seen && s->runs[i].run->machine_json)
            machine_facts(s, s->runs[i].run);
    }
    report_section(s->report, "Runs");
    for (size_t i = 0; i < s->n; i++)
        report_fact(s->report, s->runs[i].run->id, s->runs[i].run->command_line);
}

static void fill(struct summary *s)
{
    struct report *r = s->report;
    time_t now = time(NULL);
    struct tm utc;
    char when[32];

    gmtime_r(&now, &utc);
    strftime(when, sizeof when, "%Y-%m-%d %H:%M UTC", &utc);
    r->generated = report_fmt(r, "%s, densimeter " DENSIMETER_VERSION, when);
    r->subtitle = report_str(r, "What each model knows, and what knowing it costs.");
    best(s, "Knows most", "knowledge_bits", "bits");
    best(s, "Densest", "bits_per_mparam", "bits per million parameters");
    best(s, "Most often right", "acc", "of the items of a task");
    fastest(s);
    plots(s);
    report_section(s->report, "Results");
    models_table(s);
    result_tables(s);
    cost_table(s);
    speed_table(s);
    method(s);
    machines(s);
}

int summarise(struct report *out, struct store *store, const struct run_row *runs, size_t n,
              struct err *e)
{
    struct summary s = {.report = out};
    int rc = read_runs(&s, store, runs, n, e);

    if (rc == 0) {
        fill(&s);
        rc = report_ok(out, e);
    }
    summary_release(&s);
    return rc;
}
