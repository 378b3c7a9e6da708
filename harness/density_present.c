#include "harness/density_present.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

static void put_constants(struct json_out *o, const struct ruler *r)
{
    json_begin_object(o, "constants");
    for (int i = 0; i < ruler_n_constants(r->kind); i++)
        json_put_num(o, ruler_constant_name(r->kind, i), r->constants[i]);
    json_end_object(o);
}

static void put_nodes(struct json_out *o, const struct ruler *r)
{
    json_begin_array(o, "nodes");
    for (int i = 0; i < r->n_nodes; i++) {
        const struct ruler_node *n = &r->nodes[i];
        json_begin_object(o, NULL);
        json_put_str(o, "model", n->model);
        json_put_str(o, "run", n->run);
        json_put_num(o, "parameters", n->total_params);
        json_put_num(o, "parameters_non_embedding", n->non_embedding_params);
        json_put_num(o, "tokens", n->tokens);
        json_put_num(o, "score", n->score);
        json_put_num(o, "half_range", n->noise);
        json_put_num(o, "fitted_score", ruler_score(r, n->total_params, NAN));
        json_end_object(o);
    }
    json_end_array(o);
}

void ruler_json(struct json_out *o, const struct ruler *r, int nodes)
{
    const struct ruler_node *last = &r->nodes[r->n_nodes ? r->n_nodes - 1 : 0];

    json_put_str(o, "name", r->name);
    json_put_str(o, "kind", ruler_kind_name(r->kind));
    json_put_str(o, "origin", r->origin);
    json_put_str(o, "benchmark", r->benchmark);
    json_put_str(o, "metric", r->metric);
    json_put_count(o, "shots", r->shots);
    json_put_str(o, "prompt_hash", r->prompt_hash);
    json_put_num(o, "d0_tokens", r->d0_tokens);
    json_put_num(o, "chance", r->chance);
    put_constants(o, r);
    json_put_num(o, "r2", r->r2);
    json_put_num(o, "rms", r->rms);
    json_put_num(o, "leave_one_out_ln", r->loo_ln);
    json_put_num(o, "leave_one_out_factor", exp(r->loo_ln));
    json_begin_object(o, "range");
    json_put_num(o, "parameters_low", r->n_nodes ? r->nodes[0].total_params : NAN);
    json_put_num(o, "parameters_high", r->n_nodes ? last->total_params : NAN);
    json_put_num(o, "score_low", r->n_nodes ? r->nodes[0].score : NAN);
    json_put_num(o, "score_high", r->n_nodes ? last->score : NAN);
    json_end_object(o);
    if (nodes)
        put_nodes(o, r);
}

static void put_flags(struct json_out *o, const struct density *d)
{
    json_begin_array(o, "flags");
    if (isnan(d->effective))
        json_put_str(o, NULL, "unresolved");
    else if (d->flag != RULER_WITHIN)
        json_put_str(o, NULL, d->flag == RULER_BELOW ? "<" : ">");
    json_end_array(o);
}

static void put_date(struct json_out *o, const struct published_date *d)
{
    char text[40];

    if (d->day)
        snprintf(text, sizeof text, "%04d-%02d-%02d", d->year, d->month, d->day);
    else
        snprintf(text, sizeof text, "%04d-%02d", d->year, d->month);
    json_put_str(o, "released", d->year ? text : NULL);
}

static void put_costs(struct json_out *o, const struct density *d)
{
    static const char *const keys[DENSITY_PERS] = {
        "parameters", "parameters_active", "parameters_measured_active",
        "parameters_non_embedding", "file_bytes", "energy_j", "latency_s"};

    for (int i = 0; i < DENSITY_PERS; i++)
        json_put_num(o, keys[i], d->cost[i]);
    json_begin_object(o, "densities");
    for (int i = 0; i < DENSITY_PERS; i++)
        json_put_num(o, density_per_name((enum density_per)i),
                     density_value(d, (enum density_per)i).value);
    json_end_object(o);
}

static void put_row(struct json_out *o, const struct density *d, enum density_per p)
{
    struct density_value v = density_value(d, p);

    json_begin_object(o, NULL);
    json_put_str(o, "model", d->model);
    json_put_str(o, "variant", d->variant);
    json_put_str(o, "run", d->run);
    put_date(o, &d->released);
    json_put_str(o, "benchmark", d->ruler->benchmark);
    json_put_str(o, "metric", d->ruler->metric);
    json_put_num(o, "score", d->score);
    json_put_num(o, "score_low", d->score_low);
    json_put_num(o, "score_high", d->score_high);
    json_put_num(o, "score_stderr", d->stderr_);
    json_put_count(o, "sources", d->n_sources ? d->n_sources : -1);
    json_put_count(o, "items", d->n_items ? d->n_items : -1);
    json_put_count(o, "clusters", d->n_clusters ? d->n_clusters : -1);
    json_put_num(o, "score_stderr_unclustered", d->n_clusters ? d->stderr_alone : NAN);
    json_put_num(o, "effective_parameters", d->effective);
    json_put_num(o, "effective_parameters_low", d->low);
    json_put_num(o, "effective_parameters_high", d->high);
    json_put_num(o, "density", v.value);
    json_put_num(o, "low", v.low);
    json_put_num(o, "high", v.high);
    json_put_num(o, "density_own_data", d->effective_own_data / d->cost[PER_TOTAL]);
    json_put_bool(o, "in_range", d->flag == RULER_WITHIN && !isnan(d->effective));
    put_flags(o, d);
    json_put_str(o, "refused", d->refused[0] ? d->refused : NULL);
    put_costs(o, d);
    json_put_num(o, "read_bytes", d->read_bytes);
    json_put_num(o, "training_tokens", d->training_tokens);
    json_put_num(o, "bits_per_mparam", d->bits_per_mparam);
    json_put_str(o, "ruler", d->ruler->name);
    json_put_num(o, "d0_tokens", d->ruler->d0_tokens);
    json_put_count(o, "shots", d->ruler->shots);
    json_put_str(o, "prompt_hash", d->prompt_hash);
    json_end_object(o);
}

/* The rulers of the rows, each once. */
static void put_rulers(struct json_out *o, const struct density_list *l)
{
    json_begin_array(o, "rulers");
    for (size_t i = 0; i < l->n; i++) {
        size_t k = 0;
        while (l->v[k].ruler != l->v[i].ruler)
            k++;
        if (k < i)
            continue;
        json_begin_object(o, NULL);
        ruler_json(o, l->v[i].ruler, 0);
        json_end_object(o);
    }
    json_end_array(o);
}

static void put_panel(struct json_out *o, const struct density *first,
                      const struct density_panel *p)
{
    json_begin_object(o, NULL);
    json_put_str(o, "model", first->model);
    json_put_str(o, "run", first->run);
    for (int k = 0; k < PANELS; k++)
        json_put_num(o, benchmark_panel_name((enum benchmark_panel)k), p->value[k]);
    json_put_num(o, "density", p->mean);
    json_put_num(o, "low", p->low);
    json_put_num(o, "high", p->high);
    json_put_num(o, "spread", p->spread);
    json_put_int(o, "tasks", p->n_rows);
    json_put_num(o, "bits_per_mparam", first->bits_per_mparam);
    json_end_object(o);
}

int density_json(struct json_out *o, const struct density_list *l, struct err *e)
{
    const struct density **group = mem_calloc(l->n ? l->n : 1, sizeof *group);
    int n;

    if (!group)
        return err_nomem(e);
    json_put_str(o, "per", density_per_name(l->per));
    json_put_str(o, "unit", density_per_unit(l->per));
    put_rulers(o, l);
    json_begin_array(o, "rows");
    for (size_t i = 0; i < l->n; i++)
        put_row(o, &l->v[i], l->per);
    json_end_array(o);
    json_begin_array(o, "models");
    for (size_t i = 0; i < l->n; i++)
        if ((n = density_group(l, i, group)) > 0) {
            struct density_panel p = density_panel(group, n, l->per);
            put_panel(o, group[0], &p);
        }
    json_end_array(o);
    mem_free(group);
    return 0;
}

void density_bound(char text[32], double v)
{
    if (isinf(v))
        snprintf(text, 32, "∞");
    else
        snprintf(text, 32, v >= 99.5 ? "%.0f" : v >= 1e-4 || v == 0 ? "%.2g" : "%.5f", v);
}

void density_text(char *text, size_t size, const struct density *d, enum density_per p)
{
    struct density_value v = density_value(d, p);
    char low[32], high[32];

    density_bound(low, v.low);
    density_bound(high, v.high);
    if (isnan(d->cost[p]))
        snprintf(text, size, "-");
    else if (isnan(d->effective))
        snprintf(text, size, "unresolved");
    else if (d->flag == RULER_BELOW)
        snprintf(text, size, "< %s", high);
    else if (d->flag == RULER_ABOVE)
        snprintf(text, size, "> %s", low);
    else
        snprintf(text, size, "%.2f [%s, %s]", v.value, low, high);
}

/* "1.54B", "135M"; bytes, joules and seconds as they are. */
static void put_size(struct table *t, double v, int is_count)
{
    static const struct {
        double unit;
        const char *letter;
    } units[] = {{1e12, "T"}, {1e9, "B"}, {1e6, "M"}, {1e3, "K"}};

    for (size_t i = 0; i < sizeof units / sizeof *units && is_count && !t->exact; i++)
        if (v >= 0.9995 * units[i].unit) {
            table_cell(t, v / units[i].unit < 99.95 ? "%.3g%s" : "%.0f%s", v / units[i].unit,
                       units[i].letter);
            return;
        }
    table_num(t, v, 3);
}

static void put_cells(struct table *t, const struct density *d, enum density_per p)
{
    struct density_value v = density_value(d, p);
    char text[64];

    table_cell(t, "%s", d->model);
    table_cell(t, "%s", d->ruler->benchmark);
    table_num(t, t->exact ? d->score : 100 * d->score, 3);
    put_size(t, d->cost[p], p != PER_JOULE && p != PER_SECOND);
    put_size(t, d->effective, 1);
    if (t->exact) {
        table_num(t, v.value, 3);
        table_num(t, v.low, 3);
        table_num(t, isinf(v.high) ? NAN : v.high, 3);
    } else {
        density_text(text, sizeof text, d, p);
        table_cell(t, "%s", text);
    }
    table_num(t, d->bits_per_mparam, 3);
    table_cell(t, "%s", d->ruler->name);
    table_cell(t, "%s", d->refused);
}

static void put_panel_cells(struct table *t, const struct density *first,
                            const struct density_panel *p)
{
    char low[32], high[32];

    table_cell(t, "%s", first->model);
    for (int k = 0; k < PANELS; k++)
        table_num(t, p->value[k], 3);
    if (isnan(p->mean)) {
        table_cell(t, "-");
    } else {
        density_bound(low, p->low);
        density_bound(high, p->high);
        table_cell(t, "%.2f [%s, %s]", p->mean, low, high);
    }
    if (isnan(p->spread))
        table_cell(t, "-");
    else
        table_cell(t, "×/÷ %.1f", p->spread);
    table_int(t, p->n_rows);
}

/* One line a model; nothing when each was held against one ruler only. */
static int panel_table(const struct context *c, const struct density_list *l, struct err *e)
{
    static const struct column columns[] = {
        {"model", 0, 0},          {"reasoning", 1, 1}, {"language", 1, 2}, {"facts", 1, 3},
        {"geometric mean", 0, 0}, {"spread", 1, 4},    {"tasks", 1, 5},
    };
    const struct density **group = mem_calloc(l->n ? l->n : 1, sizeof *group);
    struct table t;
    int rc = 0, several = 0, n;

    if (!group)
        return err_nomem(e);
    table_init(&t, columns, sizeof columns / sizeof *columns, 0);
    for (size_t i = 0; i < l->n; i++)
        if ((n = density_group(l, i, group)) > 0) {
            struct density_panel p = density_panel(group, n, l->per);
            put_panel_cells(&t, group[0], &p);
            several |= n > 1;
        }
    if (several && fputc('\n', c->out) != EOF)
        rc = context_table(c, &t, e);
    table_release(&t);
    mem_free(group);
    return rc;
}

int density_table(const struct context *c, const struct density_list *l, struct err *e)
{
    const struct column people[] = {
        {"model", 0, 0},   {"task", 0, 4},        {"score %", 1, 2},
        {density_per_cost(l->per), 1, 3},         {"N^", 1, 1},
        {"density", 0, 0}, {"bits/Mparam", 1, 6}, {"ruler", 0, 7},   {"refused", 0, 5},
    };
    static const struct column data[] = {
        {"model", 0, 0},   {"benchmark", 0, 0}, {"score", 1, 0}, {"cost", 1, 0},
        {"effective_parameters", 1, 0}, {"density", 1, 0}, {"low", 1, 0}, {"high", 1, 0},
        {"bits_per_mparam", 1, 0}, {"ruler", 0, 0}, {"refused", 0, 0},
    };
    struct table t;
    int rc;

    if (c->csv)
        table_init(&t, data, sizeof data / sizeof *data, 1);
    else
        table_init(&t, people, sizeof people / sizeof *people, 0);
    for (size_t i = 0; i < l->n; i++)
        put_cells(&t, &l->v[i], l->per);
    rc = context_table(c, &t, e);
    table_release(&t);
    if (rc == 0 && !c->csv)
        rc = panel_table(c, l, e);
    return rc;
}
