/* summary_tables.c -- the tables of a report.  Every row ends with the run that it comes from. */
#include <math.h>
#include <string.h>

#include "harness/energy.h"
#include "harness/present.h"
#include "harness/present_scenario.h"
#include "harness/summary_impl.h"
#include "tasks/task.h"

enum { COLUMNS_MAX = 24 };
#define COUNT(a) (int)(sizeof(a) / sizeof(a)[0])

static struct report_column metric_column(const char *metric, int importance)
{
    return (struct report_column){metric, NULL, metric_find(metric), importance};
}

static const struct report_column run_column = {"run", "run", NULL, 0};

static void reading_cell(struct report_cell *row, int column, struct reading v)
{
    report_cell_value(row, column, v.value, v.low, v.high);
}

static void number_cell(struct report_cell *row, int column, double v)
{
    report_cell_value(row, column, v, NAN, NAN);
}

static void count_cell(struct report_cell *row, int column, int64_t v)
{
    number_cell(row, column, v < 0 ? NAN : (double)v);
}

static void run_cell(struct summary *s, struct report_cell *row, int column,
                     const struct shown_run *r)
{
    report_cell_text(s->report, row, column, r->run->id);
}

/* --- models ------------------------------------------------------------------------------- */

static void model_row(struct summary *s, struct report_table *t, const struct shown_run *shown)
{
    const struct store_model *m = &shown->run->model;
    struct report_cell *row = report_row(s->report, t);

    report_cell_text(s->report, row, 0, shown->model);
    count_cell(row, 1, m->parameters);
    count_cell(row, 2, m->parameters_non_embedding);
    count_cell(row, 3, m->parameters_active);
    count_cell(row, 4, m->file_bytes);
    number_cell(row, 5, m->bits_per_weight);
    report_cell_text(s->report, row, 6, m->architecture);
    report_cell_text(s->report, row, 7, m->licence);
}

/* The smallest model that comes after `last` (NULL: the smallest) by size, then name. */
static const struct shown_run *next_model(const struct summary *s, const struct shown_run *last)
{
    const struct shown_run *best = NULL;

    for (size_t i = 0; i < s->n; i++) {
        const struct shown_run *r = &s->runs[i];
        if ((!last || by_model(last, r) < 0) && (!best || by_model(r, best) < 0))
            best = r;
    }
    return best;
}

void models_table(struct summary *s)
{
    const struct report_column columns[] = {
        {"model", "model", NULL, 9},
        metric_column("parameters", 8),
        metric_column("parameters_non_embedding", 4),
        metric_column("parameters_active", 3),
        metric_column("file_bytes", 7),
        metric_column("bits_per_weight", 6),
        {"architecture", "architecture", NULL, 2},
        {"licence", "licence", NULL, 5},
    };
    struct report_table *t = report_table(s->report, "models", "Models", columns, COUNT(columns));

    for (const struct shown_run *r = NULL; (r = next_model(s, r)) != NULL;)
        model_row(s, t, r);
}

/* --- knowledge ---------------------------------------------------------------------------- */

struct facts_column {
    const char *metric, *heading; /* heading NULL: the metric's label */
};

/* A row for every entry that asked the facts: model, facts, the metrics, run. */
static void facts_table(struct summary *s, const char *key, const char *title, const char *note,
                        const struct facts_column *shown, int n)
{
    struct report *r = s->report;
    struct report_column columns[COLUMNS_MAX] = {{"model", "model", NULL, 9},
                                                 {"items", "facts", metric_find("items"), 2}};
    struct report_table *t;

    for (int m = 0; m < n; m++)
        columns[m + 2] = (struct report_column){shown[m].metric, shown[m].heading,
                                                metric_find(shown[m].metric), 8 - m};
    columns[n + 2] = run_column;
    t = report_table(r, key, title, columns, n + 3);
    for (size_t i = 0; i < s->n_entries; i++) {
        const struct entry *x = &s->entries[i];
        struct report_cell *row;
        if (isnan(entry_reading(x, "knowledge_bits").value))
            continue;
        row = report_row(r, t);
        report_cell_text(r, row, 0, x->name);
        count_cell(row, 1, x->n);
        for (int m = 0; m < n; m++)
            reading_cell(row, m + 2, entry_reading(x, shown[m].metric));
        run_cell(s, row, n + 2, x->run);
    }
    if (t)
        t->note = report_str(r, note);
}

static double part_value(const struct entry *x, const char *name, struct reading *out)
{
    *out = entry_value(x, "bits_per_fact", name);
    return out->value;
}

/* Parts of a kind by name; kind NULL: those that are not known. */
static void part_rows(struct summary *s, struct report_table *t, const struct entry *first, int n,
                      const char *kind)
{
    for (int i = 0; i < first->n_parts; i++) {
        const struct fact_part *part = &first->parts[i];
        struct report_cell *row;
        struct reading v;
        if (kind ? !part->kind || strcmp(part->kind, kind) != 0 : part->kind != NULL)
            continue;
        row = report_row(s->report, t);
        report_cell_text(s->report, row, 0, kind);
        report_cell_text(s->report, row, 1, part->name);
        count_cell(row, 2, part->n);
        for (int k = 0; k < n; k++)
            if (!isnan(part_value(&first[k], part->name, &v)))
                reading_cell(row, 3 + k, v);
    }
}

/* first[0..n): entries of one condition; a column for each. */
static void parts_table(struct summary *s, const struct entry *first, int n)
{
    struct report *r = s->report;
    struct report_column columns[COLUMNS_MAX] = {
        {"kind", "kind", NULL, 9}, {"part", "part", NULL, 9},
        {"items", "facts", metric_find("items"), 8}};
    int shown = n < COLUMNS_MAX - 3 ? n : COLUMNS_MAX - 3;
    struct report_table *t;

    for (int k = 0; k < shown; k++)
        columns[3 + k] = (struct report_column){first[k].name, first[k].name,
                                                metric_find("bits_per_fact"), 7};
    t = report_table(r, report_fmt(r, "knowledge_parts_%s", first->run->run->id),
                     report_fmt(r, "Bits per fact by language, domain and band: %s",
                                first->condition),
                     columns, 3 + shown);
    part_rows(s, t, first, shown, "language");
    part_rows(s, t, first, shown, "domain");
    part_rows(s, t, first, shown, "band");
    part_rows(s, t, first, shown, NULL);
    if (t)
        t->note = report_fmt(r, "The most that a fact can give is 4 bits (one of 16 answers). "
                                "Bands: how well known the subject is%s",
                             shown < n ? ". Not all models have room." : ".");
}

void knowledge_tables(struct summary *s)
{
    static const struct facts_column bits[] = {
        {"knowledge_bits", NULL}, {"bits_per_fact", NULL}, {"knowledge_share", NULL},
        {"acc", NULL}};
    static const struct facts_column density[] = {
        {"bits_per_mparam", "per million parameters"},
        {"bits_per_mparam_non_embedding", "per million without embedding"},
        {"bits_per_mparam_active", "per million active"},
        {"bits_per_mbyte", "per megabyte of the file"}};

    facts_table(s, "knowledge", "Bits of knowledge",
                "A model that knows nothing has about 0 bits, or slightly less. The total is over "
                "the facts that were asked and grows with their number.", bits, COUNT(bits));
    facts_table(s, "density", "Knowledge density",
                "An index on this bank of facts, not an estimate of all that a model knows: it "
                "compares models that were asked the same facts.", density, COUNT(density));
    for (size_t i = 0, end; i < s->n_entries; i = end) {
        for (end = i + 1; end < s->n_entries && s->entries[end].rank == s->entries[i].rank;)
            end++;
        if (s->entries[i].n_parts)
            parts_table(s, &s->entries[i], (int)(end - i));
    }
}

/* --- scores ------------------------------------------------------------------------------- */

struct score_column {
    const char *metric, *filter;
};

static int is_knowledge(const char *metric)
{
    static const char *const own[] = {"knowledge_bits", "bits_per_fact", "knowledge_share",
                                      "bits_per_mparam", "bits_per_mbyte"};

    for (int i = 0; i < COUNT(own); i++)
        if (strcmp(own[i], metric) == 0)
            return 1;
    return 0;
}

/* Metric and filter of every value of this kind, in the order of base/metric.h. */
static int score_columns(const struct summary *s, enum better better, int members,
                         struct score_column *out, int max)
{
    const struct metric *m;
    int n = 0;

    for (int k = 0; (m = metric_at(k)) != NULL; k++) {
        int from = n;
        for (size_t i = 0; i < s->n_entries && m->better == better && !is_knowledge(m->name); i++)
            for (int v = 0; v < s->entries[i].row->n_values && n < max; v++) {
                const struct store_value *value = &s->entries[i].row->values[v];
                int seen = s->entries[i].member != members || strcmp(value->metric, m->name) != 0;
                for (int c = from; c < n; c++)
                    seen |= strcmp(out[c].filter, value->filter) == 0;
                if (!seen)
                    out[n++] = (struct score_column){m->name, value->filter};
            }
    }
    return n;
}

static struct report_column score_column(struct summary *s, const struct score_column *c)
{
    const struct metric *m = metric_find(c->metric);
    char key[128];

    metric_key(key, sizeof key, c->metric, c->filter);
    if (strcmp(key, c->metric) == 0)
        return (struct report_column){m->name, NULL, m, 7};
    return (struct report_column){report_str(s->report, key),
                                  report_fmt(s->report, "%s, %s", m->label, c->filter), m, 6};
}

static void score_table(struct summary *s, const char *key, const char *title, enum better better,
                        int members)
{
    enum { BEFORE = 4 };
    struct score_column scores[COLUMNS_MAX];
    int n = score_columns(s, better, members, scores, COLUMNS_MAX - BEFORE - 1);
    struct report_column columns[COLUMNS_MAX] = {
        {"task", "task", NULL, 9}, {"model", "model", NULL, 9}, metric_column("shots", 1),
        metric_column("items", 5)};
    struct report *r = s->report;
    struct report_table *t;

    if (!n)
        return;
    for (int c = 0; c < n; c++)
        columns[BEFORE + c] = score_column(s, &scores[c]);
    columns[BEFORE + n] = run_column;
    t = report_table(r, key, title, columns, BEFORE + n + 1);
    for (size_t i = 0; i < s->n_entries; i++) {
        const struct entry *x = &s->entries[i];
        struct report_cell *row;
        int any = 0;
        for (int c = 0; c < n; c++)
            any |= !isnan(entry_value(x, scores[c].metric, scores[c].filter).value);
        if (!any || x->member != members)
            continue;
        row = report_row(r, t);
        report_cell_text(r, row, 0, x->condition);
        report_cell_text(r, row, 1, x->name);
        count_cell(row, 2, x->row->shots);
        count_cell(row, 3, x->n);
        for (int c = 0; c < n; c++)
            reading_cell(row, BEFORE + c, entry_value(x, scores[c].metric, scores[c].filter));
        run_cell(s, row, BEFORE + n, x->run);
    }
}

void score_tables(struct summary *s)
{
    score_table(s, "scores", "Scores", BETTER_HIGHER, 0);
    score_table(s, "texts", "How well texts are predicted", BETTER_LOWER, 0);
    score_table(s, "group_scores", "Scores of the tasks in groups", BETTER_HIGHER, 1);
}

/* --- costs -------------------------------------------------------------------------------- */

static int entry_knows(const struct summary *s, const char *metric)
{
    for (size_t i = 0; i < s->n_entries; i++)
        if (!s->entries[i].member && !isnan(entry_reading(&s->entries[i], metric).value))
            return 1;
    return 0;
}

static struct reading speed_reading(const struct speed *x, const char *metric)
{
    const struct store_value *v = bench_value(x->row, metric);

    return v ? (struct reading){v->value, v->low, v->high} : (struct reading){NAN, NAN, NAN};
}

/* Speed tests and scenarios are tables of their own. */
static int any_speed(const struct summary *s, const char *metric, int is_scenario)
{
    for (size_t i = 0; i < s->n_speeds; i++)
        if (scenario_is(s->speeds[i].row) == is_scenario &&
            (!metric || !isnan(speed_reading(&s->speeds[i], metric).value)))
            return 1;
    return 0;
}

static int speed_knows(const struct summary *s, const char *metric)
{
    return any_speed(s, metric, 0);
}

static int scenario_knows(const struct summary *s, const char *metric)
{
    return any_speed(s, metric, 1);
}

/* Columns for the metrics that some row knows; known[] are their names.  The others are named at
 * the end of the note. */
static int known_columns(struct summary *s, int (*knows)(const struct summary *, const char *),
                         const char *const *metrics, int n, struct report_column *columns,
                         const char **known, const char **note)
{
    const char *missing = NULL;
    int k = 0;

    for (int i = 0; i < n; i++) {
        if (knows(s, metrics[i])) {
            known[k] = metrics[i];
            columns[k++] = metric_column(metrics[i], i < 9 ? 9 - i : 1);
        } else {
            const char *label = metric_find(metrics[i])->label;
            missing = missing ? report_fmt(s->report, "%s, %s", missing, label) : label;
        }
    }
    columns[k] = run_column;
    if (missing)
        *note = report_fmt(s->report, "%s Not known of any row: %s.", *note, missing);
    return k;
}

void cost_table(struct summary *s)
{
    static const char *const costs[] = {"latency_s", "wall_s", "peak_rss_bytes", "ttft_s", "tpot_s",
                                        "prompt_tokens", "computed_tokens", "reused_tokens",
                                        "generated_tokens", "energy_j", "joule_per_item",
                                        "joule_per_correct", "joule_per_prefill_token",
                                        "declared_energy_j"};
    const char *note = "Latency: the median over items of the time spent on an item, a share of "
                       "the batches it was computed in. Tokens that items have in common are "
                       "computed once and counted as reused.";
    const char *known[COUNT(costs)];
    enum { BEFORE = 3 };
    struct report *r = s->report;
    struct report_column columns[COLUMNS_MAX] = {
        {"task", "task", NULL, 11}, {"model", "model", NULL, 11}, metric_column("items", 8)};
    int n = known_columns(s, entry_knows, costs, COUNT(costs), columns + BEFORE, known, &note);
    struct report_table *t = report_table(r, "cost", "What each task cost", columns,
                                          BEFORE + n + 1);

    for (size_t i = 0; i < s->n_entries; i++) {
        const struct entry *x = &s->entries[i];
        struct report_cell *row;
        if (x->member)
            continue;
        row = report_row(r, t);
        report_cell_text(r, row, 0, x->condition);
        report_cell_text(r, row, 1, x->name);
        count_cell(row, 2, x->n);
        for (int c = 0; c < n; c++)
            reading_cell(row, BEFORE + c, entry_reading(x, known[c]));
        run_cell(s, row, BEFORE + n, x->run);
    }
    if (t)
        t->note = report_str(r, note);
}

void speed_table(struct summary *s)
{
    static const char *const metrics[] = {"tok_s", "speed_ratio", "ttft_s", "tpot_s",
                                          "bandwidth_bytes_s", "peak_rss_bytes",
                                          "joule_per_token", "joule_per_prefill_token",
                                          "joule_per_decode_token", "declared_joule_per_token"};
    const char *note = "pp: tokens of a prompt read at once; tg: tokens generated one after "
                       "another. exact and fast are the numerics under Method. Medians over the "
                       "samples.";
    const char *known[COUNT(metrics)];
    enum { BEFORE = 5 };
    struct report *r = s->report;
    struct report_column columns[COLUMNS_MAX] = {
        {"test", "test", NULL, 11}, {"model", "model", NULL, 11},
        {"program", "numerics or program", NULL, 10}, metric_column("threads", 1),
        {"samples", "samples", metric_find("items"), 1}};
    struct report_table *t;
    int n;

    if (!any_speed(s, NULL, 0))
        return;
    n = known_columns(s, speed_knows, metrics, COUNT(metrics), columns + BEFORE, known, &note);
    t = report_table(r, "speed", "Prefill and decode", columns, BEFORE + n + 1);

    for (size_t i = 0; i < s->n_speeds; i++) {
        const struct speed *x = &s->speeds[i];
        struct report_cell *row;
        if (scenario_is(x->row))
            continue;
        row = report_row(r, t);
        report_cell_text(r, row, 0, x->row->test);
        report_cell_text(r, row, 1, x->name);
        report_cell_text(r, row, 2, x->program);
        count_cell(row, 3, x->row->threads);
        count_cell(row, 4, x->row->n_samples);
        for (int m = 0; m < n; m++)
            reading_cell(row, BEFORE + m, speed_reading(x, known[m]));
        run_cell(s, row, BEFORE + n, x->run);
    }
    if (t)
        t->note = report_str(r, note);
}

void scenario_table(struct summary *s)
{
    static const char *const metrics[] = {
        "arrived", "completed", "refused", "cancelled", "failed", "rate_s", "meets_limits",
        "requests_s", "tok_s", "ttft_s", "ttft_p90_s", "ttft_claim_s", "tpot_s", "tpot_p90_s",
        "tpot_claim_s", "gap_p99_s", "gap_max_s", "latency_s", "latency_claim_s", "burst_tok_s",
        "sustained_tok_s", "sustained_ratio", "load_s", "peak_rss_bytes", "joule_per_token"};
    const char *note = "Requests one by one are in the database (export --format json). Times "
                       "count from the scheduled arrival, waiting included; medians over requests. "
                       "Claims are the percentile of the settings with confidence 0.99 (early "
                       "stopping).";
    const char *missing = ""; /* most scenarios lack what others are about */
    const char *known[COUNT(metrics)];
    enum { BEFORE = 3 };
    struct report *r = s->report;
    struct report_column columns[COUNT(metrics) + BEFORE + 1] = {
        {"scenario", "scenario", NULL, 11}, {"model", "model", NULL, 11},
        metric_column("threads", 1)};
    struct report_table *t;
    int n;

    if (!any_speed(s, NULL, 1))
        return;
    n = known_columns(s, scenario_knows, metrics, COUNT(metrics), columns + BEFORE, known,
                      &missing);
    t = report_table(r, "scenarios", "Latency as users meet it", columns, BEFORE + n + 1);
    for (size_t i = 0; i < s->n_speeds; i++) {
        const struct speed *x = &s->speeds[i];
        struct report_cell *row;
        if (!scenario_is(x->row))
            continue;
        row = report_row(r, t);
        report_cell_text(r, row, 0, x->row->test);
        report_cell_text(r, row, 1, x->name);
        count_cell(row, 2, x->row->threads);
        for (int m = 0; m < n; m++)
            reading_cell(row, BEFORE + m, speed_reading(x, known[m]));
        run_cell(s, row, BEFORE + n, x->run);
    }
    if (t)
        t->note = report_str(r, note);
}

/* --- energy ----------------------------------------------------------------------------------- */

static void energy_row(struct summary *s, struct report_table *t, const struct shown_run *run,
                       const struct store_energy *x)
{
    struct report *r = s->report;
    struct report_cell *row = report_row(r, t);
    double idle = energy_idle_w(&run->energy, x);
    const char *how = x->is_declared   ? "declared, not measured"
                      : x->is_headline ? "measured, counts"
                                       : "measured";

    report_cell_text(r, row, 0, x->subject);
    report_cell_text(r, row, 1, run->name);
    report_cell_text(r, row, 2, report_fmt(r, "%s %s", x->source, x->channel));
    report_cell_text(r, row, 3, how);
    number_cell(row, 4, x->joules);
    number_cell(row, 5, x->seconds > 0 ? x->joules / x->seconds : NAN);
    number_cell(row, 6, x->joules - idle * x->seconds);
    report_cell_text(r, row, 7, x->reason ? x->reason : "");
    run_cell(s, row, 8, run);
}

/* Every meter's row; where there was none the costs are without energy and that is all. */
void energy_table(struct summary *s)
{
    struct report *r = s->report;
    const struct report_column columns[] = {
        {"part", "part", NULL, 11}, {"model", "model", NULL, 11}, {"meter", "meter", NULL, 10},
        {"origin", "origin", NULL, 10}, metric_column("energy_j", 9), metric_column("mean_w", 5),
        metric_column("above_idle_j", 4), {"reason", "unknown because", NULL, 3},
        run_column};
    struct report_table *t = NULL;

    for (size_t i = 0; i < s->n; i++)
        for (size_t k = 0; k < s->runs[i].energy.n; k++) {
            const struct store_energy *x = &s->runs[i].energy.v[k];
            if (strcmp(x->source, "none") == 0)
                continue;
            if (!t)
                t = report_table(r, "energy", "Energy by meter", columns, COUNT(columns));
            energy_row(s, t, &s->runs[i], x);
        }
    if (t)
        t->note = report_str(r, "Meters may cover each other and are never added; the one that "
                                "counts is in the costs above. Declared is a constant power that "
                                "the user stated, times the time.");
}

/* --- what was asked ----------------------------------------------------------------------- */

static const char *prompts(struct summary *s, const struct entry *x)
{
    const cJSON *j = x->run->settings;
    const char *system = json_str(j, "system");

    if (!j)
        return NULL;
    return report_fmt(s->report, "%s%s%s", json_bool(j, "chat", 0) ? "chat template" : "plain text",
                      system ? ", system: " : "", system ? system : "");
}

void asked_table(struct summary *s)
{
    const struct report_column columns[] = {
        {"task", "task", NULL, 9},        metric_column("items", 8),
        metric_column("shots", 7),        {"version", "version", NULL, 5},
        {"seed", "seed", NULL, 3},        {"kind", "scored as", NULL, 6},
        {"prompts", "prompts", NULL, 4},  {"data", "data", NULL, 2},
    };
    struct report *r = s->report;
    struct report_table *t = report_table(r, "asked", "What was asked", columns, COUNT(columns));

    for (size_t i = 0; i < s->n_entries; i++) {
        const struct entry *x = &s->entries[i];
        const struct task_info *info = task_info_find(x->row->task);
        struct report_cell *row;
        if ((i && s->entries[i - 1].rank == x->rank) || x->member)
            continue;
        row = report_row(r, t);
        report_cell_text(r, row, 0, x->condition);
        count_cell(row, 1, x->n);
        count_cell(row, 2, x->row->shots);
        report_cell_text(r, row, 3, report_fmt(r, "%d", x->row->version));
        report_cell_text(r, row, 4, report_fmt(r, "%lld", (long long)x->run->run->seed));
        report_cell_text(r, row, 5, info ? info->kind : NULL);
        report_cell_text(r, row, 6, prompts(s, x));
        report_cell_text(r, row, 7, x->run->run->source ? x->run->run->source
                                    : !info             ? NULL
                                    : *info->data       ? info->data
                                                        : "built in");
    }
}
