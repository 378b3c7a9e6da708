#include "harness/present.h"

#include <math.h>
#include <string.h>

#include "harness/energy.h"
#include "harness/groups.h"
#include "harness/left.h"
#include "harness/pass.h"
#include "harness/present_preset.h"
#include "harness/present_scenario.h"
#include "harness/served.h"
#include "harness/stats.h"

void metric_key(char *key, size_t size, const char *metric, const char *filter)
{
    if (!filter || !*filter || strcmp(filter, "none") == 0)
        snprintf(key, size, "%s", metric);
    else
        snprintf(key, size, "%s,%s", metric, filter);
}

/* --- JSON --------------------------------------------------------------------------------- */

static void put_numbers(struct json_out *o, double value, double stderr_, double low, double high)
{
    json_put_num(o, "value", value);
    json_put_num(o, "stderr", stderr_);
    json_put_num(o, "low", low);
    json_put_num(o, "high", high);
}

static void put_values(struct json_out *o, const char *key, const struct store_value *v, int n)
{
    char name[128];

    json_begin_object(o, key);
    for (int i = 0; i < n; i++) {
        metric_key(name, sizeof name, v[i].metric, v[i].filter);
        json_begin_object(o, name);
        put_numbers(o, v[i].value, v[i].stderr_, v[i].low, v[i].high);
        json_end_object(o);
    }
    json_end_object(o);
}

static void put_passing(struct json_out *o, const struct task_row *t)
{
    struct passing p = passing_of(t);

    if (p.pass == PASS_NONE) {
        json_put_null(o, "pass");
        return;
    }
    json_begin_object(o, "pass");
    json_put_str(o, "metric", p.metric);
    json_put_num(o, "at_least", p.at_least);
    json_put_str(o, "verdict", pass_name(p.pass));
    json_end_object(o);
}

static void put_task(struct json_out *o, const struct task_row *t)
{
    static const char *const costs[] = {
        "wall_s", "prompt_tokens", "computed_tokens", "reused_tokens", "least_tokens",
        "recomputed_tokens", "pruned_tokens", "cached_tokens", "generated_tokens", "ttft_s",
        "tpot_s", "peak_rss_bytes", "failed_items", "energy_j", "joule_per_prefill_token",
        "joule_per_decode_token", "joule_per_item", "joule_per_correct", "declared_energy_j"};

    json_begin_object(o, NULL);
    json_put_str(o, "task", t->task);
    json_put_count(o, "version", t->version);
    json_put_count(o, "shots", t->shots);
    json_put_count(o, "n", task_row_items(t));
    json_put_count(o, "n_expected", t->n_expected > 0 ? t->n_expected : -1);
    put_values(o, "metrics", t->values, t->n_values);
    put_passing(o, t);
    json_begin_object(o, "cost");
    for (size_t i = 0; i < sizeof costs / sizeof costs[0]; i++)
        json_put_num(o, costs[i], task_row_cost(t, costs[i]));
    left_json(o, t->costs, t->n_costs);
    json_end_object(o);
    json_end_object(o);
}

static void put_group(struct json_out *o, const struct group_score *g)
{
    char name[128];
    int64_t n = 0;

    for (size_t i = 0; i < g->n_tasks; i++)
        n += task_row_items(g->tasks[i]) > 0 ? task_row_items(g->tasks[i]) : 0;
    json_begin_object(o, NULL);
    json_put_str(o, "group", g->name);
    json_put_str(o, "alias", g->alias);
    json_put_int(o, "depth", g->depth);
    json_begin_array(o, "tasks");
    for (size_t i = 0; i < g->n_tasks; i++)
        json_put_str(o, NULL, g->tasks[i]->task);
    json_end_array(o);
    json_begin_object(o, "metrics");
    for (size_t i = 0; i < g->n; i++) {
        const struct group_value *v = &g->v[i];
        double half = STATS_Z95 * v->pooled.stderr_;
        metric_key(name, sizeof name, v->metric, v->filter);
        json_begin_object(o, name);
        put_numbers(o, v->pooled.value, v->pooled.stderr_, v->pooled.value - half,
                    v->pooled.value + half);
        json_put_bool(o, "weight_by_size", v->by_size);
        json_put_int(o, "n", (int64_t)v->pooled.n);
        json_end_object(o);
    }
    json_end_object(o);
    json_put_int(o, "n", n);
    json_end_object(o);
}

static void put_interval(struct json_out *o, const char *key, const struct store_value *v)
{
    json_begin_object(o, key);
    json_put_num(o, "median", v ? v->value : NAN);
    json_put_num(o, "low", v ? v->low : NAN);
    json_put_num(o, "high", v ? v->high : NAN);
    json_end_object(o);
}

/* What was left to the CPU, as the costs of a task have it: at most LEFT_MAX + 1. */
static int bench_costs(const struct store_bench *b, struct store_cost *costs)
{
    int n = 0;

    for (int i = 0; i < b->n_values && n <= LEFT_MAX; i++)
        if (left_is_cost(b->values[i].metric))
            costs[n++] = (struct store_cost){b->values[i].metric, b->values[i].value};
    return n;
}

static int put_bench(struct json_out *o, struct store *s, const struct run_row *r,
                     const struct store_bench *b, const struct energy_list *energy, struct err *e)
{
    static const char *const numbers[] = {
        "ttft_s", "tpot_s", "peak_rss_bytes", "weights_bytes_per_token", "bandwidth_bytes_s",
        "energy_j", "joule_per_token", "joule_per_prefill_token", "joule_per_decode_token",
        "declared_energy_j", "declared_joule_per_token"};
    struct store_cost costs[1 + LEFT_MAX];
    int rc = 0;

    json_begin_object(o, NULL);
    json_put_str(o, "run", r->id);
    json_put_str(o, "model", r->model.name);
    json_put_str(o, "program", b->rival ? b->rival : "densimeter");
    json_put_str(o, "numerics", b->rival ? NULL : r->numerics_id);
    json_put_str(o, "device", b->device);
    json_put_count(o, "threads", b->threads);
    json_put_str(o, "test", b->test);
    json_put_count(o, "tokens", b->tokens);
    put_interval(o, "tok_s", bench_value(b, "tok_s"));
    json_begin_array(o, "samples");
    for (int i = 0; i < b->n_samples; i++)
        json_put_num(o, NULL, b->samples[i]);
    json_end_array(o);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        const struct store_value *v = bench_value(b, numbers[i]);
        json_put_num(o, numbers[i], v ? v->value : NAN);
    }
    left_json(o, costs, bench_costs(b, costs));
    if (b->rival)
        put_interval(o, "speed_ratio", bench_value(b, "speed_ratio"));
    if (!b->rival)
        energy_json(o, energy, b->test);
    if (scenario_is(b))
        rc = scenario_json(o, s, r->id, b, e);
    json_put_raw(o, "noise", b->noise);
    json_end_object(o);
    return rc;
}

int present_bench_rows(struct json_out *o, struct store *s, const struct run_row *r,
                       struct err *e)
{
    struct bench_list l = {0};
    struct energy_list energy = {0};
    int rc = query_bench(s, r->id, &l, e);

    if (rc == 0)
        rc = query_energy(s, r->id, &energy, e);
    for (size_t i = 0; i < l.n && rc == 0; i++)
        rc = put_bench(o, s, r, &l.v[i], &energy, e);
    energy_list_release(&energy);
    bench_list_release(&l);
    return rc;
}

static int put_tasks(struct json_out *o, const struct task_list *l, const char *settings,
                     struct err *e)
{
    struct group_scores groups;

    if (groups_score(&groups, settings, l, e) < 0)
        return -1;
    json_begin_array(o, "tasks");
    for (size_t i = 0; i < l->n; i++)
        put_task(o, &l->v[i]);
    json_end_array(o);
    json_begin_array(o, "groups");
    for (size_t i = 0; i < groups.n; i++)
        put_group(o, &groups.v[i]);
    json_end_array(o);
    groups_release(&groups);
    return 0;
}

int present_run_json(struct json_out *o, struct store *s, const struct run_row *r, struct err *e)
{
    struct task_list tasks = {0};
    struct energy_list energy = {0};
    int rc = -1;

    json_put_str(o, "run", r->id);
    json_put_str(o, "label", r->label);
    json_put_str(o, "kind", r->kind);
    json_put_str(o, "status", r->status);
    json_put_str(o, "error", r->error);
    json_put_str(o, "created", r->created);
    json_put_str(o, "numerics", r->numerics_id);
    json_put_str(o, "kernels", r->kernels);
    json_put_str(o, "device", r->device);
    json_put_count(o, "threads", r->threads);
    json_put_count(o, "seed", r->seed);
    json_put_int(o, "sessions", r->sessions);
    json_put_raw(o, "settings", r->settings);
    json_put_str(o, "machine", r->machine_name);
    json_put_raw(o, "noise", r->noise_after);
    json_begin_object(o, "model");
    store_model_members(o, &r->model);
    json_end_object(o);
    if (query_tasks(s, r->id, &tasks, e) == 0 && put_tasks(o, &tasks, r->settings, e) == 0 &&
        preset_json(o, r->settings, &tasks, e) == 0 &&
        query_energy(s, r->id, &energy, e) == 0) {
        energy_json(o, &energy, NULL);
        json_begin_array(o, "bench");
        rc = present_bench_rows(o, s, r, e);
        json_end_array(o);
    }
    energy_list_release(&energy);
    task_list_release(&tasks);
    return rc;
}

/* --- text --------------------------------------------------------------------------------- */

static void interval_cell(struct table *t, double low, double high)
{
    char a[40], b[40];

    if (isnan(low) || isnan(high)) {
        table_cell(t, "-");
        return;
    }
    format_num(a, sizeof a, low, 4); /* as many digits as the value beside it */
    format_num(b, sizeof b, high, 4);
    table_cell(t, "%s..%s", a, b);
}

static void value_row(struct table *t, const char *task, int shots, int n, const char *key,
                      double value, double stderr_, double low, double high, double wall_s)
{
    table_cell(t, "%s", task);
    table_int(t, shots);
    table_int(t, n);
    table_cell(t, "%s", key);
    table_num(t, value, 4);
    if (t->exact) {
        table_num(t, stderr_, 3);
        table_num(t, low, 4);
        table_num(t, high, 4);
    } else {
        table_num(t, stderr_, 3);
        interval_cell(t, low, high);
    }
    table_num(t, wall_s, 3);
}

static void group_rows(struct table *t, const struct group_score *g)
{
    char key[128];

    for (size_t i = 0; i < g->n; i++) {
        const struct group_value *v = &g->v[i];
        double half = STATS_Z95 * v->pooled.stderr_;
        metric_key(key, sizeof key, v->metric, v->filter);
        value_row(t, g->name, -1, (int)v->pooled.n, key, v->pooled.value, v->pooled.stderr_,
                  v->pooled.value - half, v->pooled.value + half, NAN);
    }
}

/* The parts of knowledge (languages, domains, bands) are for the JSON and the report; what a task
 * demands is a line of its own. */
static int is_part(const struct store_value *v)
{
    return (strcmp(v->metric, "bits_per_fact") == 0 && strcmp(v->filter, "none") != 0) ||
           strcmp(v->metric, "threshold") == 0;
}

static void task_rows(struct table *t, const struct task_row *row)
{
    char key[128];

    for (int i = 0; i < row->n_values; i++) {
        const struct store_value *v = &row->values[i];
        if (is_part(v) && !t->exact)
            continue;
        metric_key(key, sizeof key, v->metric, v->filter);
        value_row(t, row->task, row->shots, task_row_items(row), key, v->value, v->stderr_,
                  v->low, v->high, i == 0 ? task_row_cost(row, "wall_s") : NAN);
    }
    if (row->n_values == 0)
        value_row(t, row->task, row->shots, row->n,
                  row->n < row->n_expected ? "(unfinished)" : "(no score)",
                  NAN, NAN, NAN, NAN, NAN);
}

static const struct column text_columns[] = {
    {"task", 0, 0}, {"shots", 1, 3}, {"n", 1, 0},    {"metric", 0, 0},
    {"value", 1, 0}, {"stderr", 1, 2}, {"95 %", 1, 0}, {"wall s", 1, 1},
};
static const struct column csv_columns[] = {
    {"task", 0, 0}, {"shots", 1, 0}, {"n", 1, 0}, {"metric", 0, 0}, {"value", 1, 0},
    {"stderr", 1, 0}, {"low", 1, 0}, {"high", 1, 0}, {"wall_s", 1, 0},
};

static int print_tasks(const struct context *c, const struct task_list *l, const char *settings,
                       struct err *e)
{
    struct group_scores groups;
    struct table t;
    int rc;

    if (groups_score(&groups, settings, l, e) < 0)
        return -1;

    if (c->csv)
        table_init(&t, csv_columns, 9, 1);
    else
        table_init(&t, text_columns, 8, 0);
    for (size_t i = 0; i < groups.n; i++)
        group_rows(&t, &groups.v[i]);
    for (size_t i = 0; i < l->n; i++)
        task_rows(&t, &l->v[i]);
    rc = context_table(c, &t, e);
    groups_release(&groups);
    table_release(&t);
    return rc;
}

/* One line for each task that demands something. */
static int print_passing(const struct context *c, const struct task_list *l, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    int rc;

    for (size_t i = 0; i < l->n && !c->csv; i++) {
        struct passing p = passing_of(&l->v[i]);
        if (p.pass == PASS_NONE)
            continue;
        strbuf_addf(&b, "%s: %s, %s must be %.4g at least", l->v[i].task, pass_name(p.pass),
                    p.metric, p.at_least);
        if (p.value)
            strbuf_addf(&b, " and is %.4g (%.4g..%.4g)", p.value->value, p.value->low,
                        p.value->high);
        strbuf_addc(&b, '\n');
    }
    rc = b.len ? context_print_folded(c, &b, e) : strbuf_ok(&b, e);
    strbuf_release(&b);
    return rc;
}

/* One line for each task that left something to the CPU. */
static int print_left(const struct context *c, const struct task_list *l,
                      const struct bench_list *bench, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    struct store_cost costs[1 + LEFT_MAX];
    int rc;

    for (size_t i = 0; i < l->n && !c->csv; i++)
        if (task_row_cost(&l->v[i], "failed_items") > 0)
            strbuf_addf(&b, "%s: %.0f of %d items failed on the device and are in no score\n",
                        l->v[i].task, task_row_cost(&l->v[i], "failed_items"),
                        task_row_items(&l->v[i]));
    for (size_t i = 0; i < l->n && !c->csv; i++)
        left_text(&b, l->v[i].task, l->v[i].costs, l->v[i].n_costs);
    for (size_t i = 0; i < bench->n && !c->csv; i++)
        left_text(&b, bench->v[i].test, costs, bench_costs(&bench->v[i], costs));
    rc = b.len ? context_print_folded(c, &b, e) : strbuf_ok(&b, e);
    strbuf_release(&b);
    return rc;
}

/* What a server kept to itself. */
static int print_hidden(const struct context *c, const struct run_row *r, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    int rc;

    if (!c->csv)
        served_text(&b, r);
    rc = b.len ? context_print_folded(c, &b, e) : strbuf_ok(&b, e);
    strbuf_release(&b);
    return rc;
}

static double cost_of_tasks(const struct task_list *l, const char *cost)
{
    double sum = NAN;

    for (size_t i = 0; i < l->n; i++) {
        double x = task_row_cost(&l->v[i], cost);
        sum = isnan(sum) ? x : isnan(x) ? sum : sum + x;
    }
    return sum;
}

/* What was computed, and why there may be no times. */
static int print_tokens(const struct context *c, const struct task_list *l, struct err *e)
{
    double computed = cost_of_tasks(l, "computed_tokens"), kept = cost_of_tasks(l, "cached_tokens");
    double pruned = cost_of_tasks(l, "pruned_tokens");
    double least = computed + (pruned > 0 ? pruned : 0) - cost_of_tasks(l, "recomputed_tokens");
    struct strbuf b = STRBUF_INIT;
    int rc = 0;

    if (c->csv || isnan(computed) || isnan(kept))
        return 0;
    strbuf_addf(&b, "tokens: %.0f computed", computed);
    if (!isnan(least))
        strbuf_addf(&b, " (least %.0f)", least);
    if (pruned > 0)
        strbuf_addf(&b, ", %.0f of options that could not win spared", pruned);
    strbuf_addf(&b, ", %.0f shared, %.0f kept\n", cost_of_tasks(l, "reused_tokens"), kept);
    if (kept > 0)
        strbuf_adds(&b, "no times: likelihoods were kept from earlier runs; "
                        "--no-cache computes them\n");
    rc = context_print_folded(c, &b, e);
    strbuf_release(&b);
    return rc;
}

static int print_bench(const struct context *c, const struct bench_list *l, struct err *e)
{
    static const struct column columns[] = {
        {"test", 0, 0},    {"program", 0, 0}, {"threads", 1, 2}, {"runs", 1, 1},
        {"tok/s", 1, 0}, {"low", 1, 0}, {"high", 1, 0}, {"ours/theirs", 0, 0},
    };
    struct table t;
    int rows = 0, rc = 0;

    table_init(&t, columns, 8, c->csv);
    for (size_t i = 0; i < l->n; i++) {
        const struct store_bench *b = &l->v[i];
        if (scenario_is(b))
            continue;
        rows++;
        const struct store_value *v = bench_value(b, "tok_s");
        const struct store_value *ratio = bench_value(b, "speed_ratio");
        table_cell(&t, "%s", b->test);
        table_cell(&t, "%s", b->rival ? b->rival : "densimeter");
        table_int(&t, b->threads);
        table_int(&t, b->n_samples);
        table_num(&t, v ? v->value : NAN, 4);
        table_num(&t, v ? v->low : NAN, 4);
        table_num(&t, v ? v->high : NAN, 4);
        if (ratio && !isnan(ratio->low))
            table_cell(&t, "%.3f (%.3f..%.3f)", ratio->value, ratio->low, ratio->high);
        else
            table_num(&t, ratio ? ratio->value : NAN, 4);
    }
    if (rows)
        rc = context_table(c, &t, e);
    table_release(&t);
    return rc < 0 ? -1 : scenario_text(c, l, e);
}

static int print_head(const struct context *c, const struct run_row *r, struct err *e)
{
    struct strbuf b = STRBUF_INIT, head = STRBUF_INIT;
    char bytes[32];
    int rc;

    if (c->csv)
        return 0;
    format_bytes(bytes, sizeof bytes, r->model.file_bytes < 0 ? NAN : (double)r->model.file_bytes);
    strbuf_addf(&b, "run %s  %s", r->id, r->model.name ? r->model.name : "?");
    if (r->model.parameters > 0)
        strbuf_addf(&b, "  %.1f M parameters", (double)r->model.parameters / 1e6);
    strbuf_addf(&b, "  %s  %s  %s", bytes, r->numerics_id ? r->numerics_id : "",
                r->kernels ? r->kernels : "");
    strbuf_add_printable(&head, strbuf_str(&b), 0);
    strbuf_addc(&head, '\n');
    if (strcmp(r->status, "complete") != 0) {
        strbuf_clear(&b);
        strbuf_addf(&b, "%s: %d of %d items%s%s", r->status, r->n_items, r->n_expected,
                    r->error ? ", " : "", r->error ? r->error : "");
        strbuf_add_printable(&head, strbuf_str(&b), 0);
        strbuf_addc(&head, '\n');
    }
    head.failed |= b.failed;
    rc = context_print_folded(c, &head, e);
    strbuf_release(&b);
    strbuf_release(&head);
    return rc;
}

int present_run_text(const struct context *c, struct store *s, const struct run_row *r,
                     struct err *e)
{
    struct task_list tasks = {0};
    struct bench_list bench = {0};
    struct energy_list energy = {0};
    int rc = -1;

    if (query_tasks(s, r->id, &tasks, e) < 0 || query_bench(s, r->id, &bench, e) < 0 ||
        query_energy(s, r->id, &energy, e) < 0 ||
        print_head(c, r, e) < 0)
        goto out;
    if (tasks.n && (print_tasks(c, &tasks, r->settings, e) < 0 ||
                    preset_text(c, r->settings, &tasks, e) < 0 || print_passing(c, &tasks, e) < 0 ||
                    print_tokens(c, &tasks, e) < 0))
        goto out;
    if (bench.n && print_bench(c, &bench, e) < 0)
        goto out;
    if (print_left(c, &tasks, &bench, e) < 0 || energy_text(c, &energy, e) < 0 ||
        print_hidden(c, r, e) < 0)
        goto out;
    rc = 0;
out:
    energy_list_release(&energy);
    task_list_release(&tasks);
    bench_list_release(&bench);
    return rc;
}
