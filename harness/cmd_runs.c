/* cmd_runs.c -- what is stored: runs, one run, its items. */
#include <math.h>
#include <string.h>

#include "base/metric.h"
#include "base/suggest.h"
#include "harness/commands.h"
#include "harness/deadline_write.h"
#include "harness/present.h"
#include "harness/present_probes.h"
#include "harness/stored.h"
#include "tasks/overlap.h"

const struct option runs_options[] = {
    {"kind", 0, OPTION_CHOICE, "eval|bench|import", NULL, 0, 0, "only these"},
    {"limit", 'n', OPTION_INT, "N", "0", 0, 1e9, "the newest N; 0: all"},
    {"probes", 0, OPTION_FLAG, NULL, NULL, 0, 0, "what probes found, instead of the runs"},
    {NULL, 0, 0, NULL, NULL, 0, 0, NULL},
};

const struct option show_options[] = {
    {"deadline", 0, OPTION_FLAG, NULL, NULL, 0, 0,
     "the share answered right within so many seconds, by the run's own latencies"},
    {"out", 'o', OPTION_TEXT, "FILE", NULL, 0, 0,
     "with --deadline: also write a page, by its suffix .html, .md, .csv, .json"},
    {NULL, 0, 0, NULL, NULL, 0, 0, NULL},
};

const struct option items_options[] = {
    {"task", 0, OPTION_TEXT, "TASK", NULL, 0, 0, "only items of this task"},
    {"wrong", 0, OPTION_FLAG, NULL, NULL, 0, 0, "only items that were answered wrongly"},
    {"jsonl", 0, OPTION_FLAG, NULL, NULL, 0, 0, "one JSON object a line"},
    {NULL, 0, 0, NULL, NULL, 0, 0, NULL},
};

/* --- runs --------------------------------------------------------------------------------- */

static void put_run(struct json_out *o, const struct run_row *r)
{
    json_begin_object(o, NULL);
    json_put_str(o, "run", r->id);
    json_put_str(o, "label", r->label);
    json_put_str(o, "kind", r->kind);
    json_put_str(o, "status", r->status);
    json_put_str(o, "created", r->created);
    json_put_str(o, "ended", r->ended);
    json_put_str(o, "model", r->model.name);
    json_put_str(o, "model_sha256", r->model.sha256);
    json_put_str(o, "numerics", r->numerics_id);
    json_put_str(o, "device", r->device);
    json_put_str(o, "machine", r->machine_name);
    json_put_int(o, "tasks", r->n_tasks);
    json_put_int(o, "items", r->n_items);
    json_put_int(o, "items_expected", r->n_expected);
    json_put_str(o, "command_line", r->command_line);
    json_end_object(o);
}

static int runs_json(const struct context *c, const struct run_list *l, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    struct json_out o = context_json_begin(&b, "runs");
    int rc;

    json_begin_array(&o, "runs");
    for (size_t i = 0; i < l->n; i++)
        put_run(&o, &l->v[i]);
    json_end_array(&o);
    rc = context_json_end(c, &o, e);
    strbuf_release(&b);
    return rc;
}

static int runs_table(const struct context *c, const struct run_list *l, struct err *e)
{
    static const struct column columns[] = {
        {"run", 0, 0}, {"label", 0, 2}, {"kind", 0, 3}, {"status", 0, 0}, {"created", 0, 1},
        {"model", 0, 0}, {"tasks", 1, 4}, {"items", 1, 0},
    };
    struct table t;
    int rc;

    table_init(&t, columns, 8, c->csv);
    for (size_t i = 0; i < l->n; i++) {
        const struct run_row *r = &l->v[i];
        table_cell(&t, "%s", r->id);
        table_cell(&t, "%s", r->label ? r->label : "-");
        table_cell(&t, "%s", r->kind);
        table_cell(&t, "%s", r->status);
        table_cell(&t, "%s", r->created);
        table_cell(&t, "%s", r->model.name ? r->model.name : "-");
        table_int(&t, r->n_tasks);
        if (r->n_items == r->n_expected || c->csv)
            table_int(&t, r->n_items);
        else
            table_cell(&t, "%d/%d", r->n_items, r->n_expected);
    }
    rc = context_table(c, &t, e);
    table_release(&t);
    return rc;
}

static int list_probes(const struct context *c, struct store *s, struct err *e)
{
    struct store_probe_list l = {0};
    struct strbuf b = STRBUF_INIT;
    struct json_out o;
    int rc = query_probes(s, NULL, &l, e);

    if (rc == 0 && !c->json) {
        rc = present_probes_text(c, &l, e);
    } else if (rc == 0) {
        o = context_json_begin(&b, "runs");
        json_begin_array(&o, "probes");
        present_probes_json(&o, &l);
        json_end_array(&o);
        rc = context_json_end(c, &o, e);
    }
    strbuf_release(&b);
    store_probe_list_release(&l);
    return rc;
}

int cmd_runs(struct context *c, struct err *e)
{
    struct run_filter f = {.kind = args_str(c->args, "kind"),
                           .limit = (int)args_int(c->args, "limit")};
    struct store *s = NULL;
    struct run_list l = {0};
    int rc = -1;

    if (open_store(c, STORED_READ, &s, e) == 0 && args_flag(c->args, "probes"))
        rc = list_probes(c, s, e);
    else if (s && query_runs(s, &f, &l, e) == 0)
        rc = c->json ? runs_json(c, &l, e) : runs_table(c, &l, e);
    run_list_release(&l);
    store_close(s);
    return rc;
}

/* --- show --------------------------------------------------------------------------------- */

/* d NULL: without the curves. */
static int show_json(const struct context *c, struct store *s, const struct run_row *r,
                     const struct deadline_list *d, const struct store_probe_list *probes,
                     struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    struct json_out o = context_json_begin(&b, "show");
    int rc;

    json_put_str(&o, "command_line", r->command_line);
    json_put_str(&o, "ended", r->ended);
    json_put_str(&o, "source", r->source);
    json_put_int(&o, "items", r->n_items);
    json_put_raw(&o, "environment", r->machine_json);
    rc = present_run_json(&o, s, r, e);
    if (rc == 0 && d)
        deadline_json(&o, d);
    json_begin_array(&o, "probes");
    present_probes_json(&o, probes);
    json_end_array(&o);
    if (rc == 0)
        rc = context_json_end(c, &o, e);
    strbuf_release(&b);
    return rc;
}

/* path NULL: for the terminal. */
static int show_deadline(const struct context *c, const struct run_row *r,
                         const struct deadline_list *d, const char *path, struct err *e)
{
    struct report page;
    int rc;

    report_init(&page, "Right answers within a deadline");
    page.subtitle = report_fmt(&page, "%s (%s)", r->model.name ? r->model.name : "unknown model",
                               r->id);
    deadline_report(&page, d, path != NULL);
    rc = context_report(c, &page, path, e);
    report_release(&page);
    return rc;
}

static int show_curves(const struct context *c, struct store *s, const struct run_row *r,
                       const struct store_probe_list *probes, struct err *e)
{
    const char *path = args_str(c->args, "out");
    struct deadline_list d = {0};
    int rc;

    if (deadline_load(&d, s, r->id, e) < 0)
        return -1;
    rc = c->json ? show_json(c, s, r, &d, probes, e) : show_deadline(c, r, &d, NULL, e);
    if (rc == 0 && path)
        rc = show_deadline(c, r, &d, path, e);
    deadline_release(&d);
    return rc;
}

/* The run, and what probes found of the same model. */
static int show_run(const struct context *c, struct store *s, const struct run_row *r,
                    struct err *e)
{
    struct store_probe_list probes = {0};
    int rc = 0;

    if (r->model.sha256)
        rc = query_probes(s, r->model.sha256, &probes, e);
    if (rc == 0 && args_flag(c->args, "deadline")) {
        rc = show_curves(c, s, r, &probes, e);
    } else if (rc == 0 && args_str(c->args, "out")) {
        rc = err_set(e, ERR_USAGE, "show: --out goes with --deadline");
    } else if (rc == 0 && c->json) {
        rc = show_json(c, s, r, NULL, &probes, e);
    } else if (rc == 0) {
        rc = present_run_text(c, s, r, e);
        if (rc == 0 && probes.n && !c->csv)
            rc = present_probes_text(c, &probes, e);
    }
    store_probe_list_release(&probes);
    return rc;
}

int cmd_show(struct context *c, struct err *e)
{
    struct store *s = NULL;
    struct run_list l = {0};
    int rc = -1;

    if (open_store(c, STORED_READ, &s, e) == 0 && query_run(s, args_at(c->args, 0), &l, e) == 0)
        rc = show_run(c, s, &l.v[0], e);
    run_list_release(&l);
    store_close(s);
    return rc;
}

/* --- items -------------------------------------------------------------------------------- */

static void put_requests(struct json_out *o, const struct store_item *it)
{
    json_begin_array(o, "loglikelihoods");
    for (int i = 0; i < it->n_requests; i++)
        json_put_num(o, NULL, it->requests[i].loglikelihood);
    json_end_array(o);
    json_begin_array(o, "is_greedy");
    for (int i = 0; i < it->n_requests; i++)
        json_put_bool(o, NULL, it->requests[i].is_greedy);
    json_end_array(o);
    json_begin_array(o, "n_tokens");
    for (int i = 0; i < it->n_requests; i++)
        json_put_count(o, NULL, it->requests[i].n_tokens);
    json_end_array(o);
}

/* An item's own number: of a metric that counts over a corpus what it is of this item alone. */
static double own_value(const struct store_metric *m)
{
    const struct overlap *o = overlap_find(m->metric);

    return o ? o->score(&m->value, &m->weight, NULL, 1) : m->value;
}

/* The filter's name is needed only where several filters made the same metric. */
static void put_metric(struct json_out *o, const struct store_item *it, int i)
{
    const struct store_metric *m = &it->metrics[i];
    char key[128];
    int same = 0;

    for (int k = 0; k < it->n_metrics; k++)
        same += strcmp(it->metrics[k].metric, m->metric) == 0;
    metric_key(key, sizeof key, m->metric, same > 1 ? m->filter : NULL);
    json_put_num(o, key, own_value(m));
}

static void put_item(struct json_out *o, const struct store_item *it)
{
    json_begin_object(o, NULL);
    json_put_str(o, "task", it->task);
    json_put_int(o, "doc_id", it->doc_id);
    json_put_str(o, "doc_hash", it->doc_hash);
    json_put_str(o, "prompt_hash", it->prompt_hash);
    json_put_str(o, "gold", it->gold);
    json_put_count(o, "gold_index", it->gold_index);
    json_put_str(o, "prediction", it->prediction);
    put_requests(o, it);
    for (int i = 0; i < it->n_metrics; i++)
        put_metric(o, it, i);
    json_put_str(o, "output", it->output);
    json_put_raw(o, "filtered", it->filtered);
    json_put_str(o, "error", it->error);
    json_put_raw(o, "arguments", it->arguments);
    json_put_num(o, "latency_s", it->latency_s);
    if (it->cached_tokens > 0)
        json_put_str(o, "latency_reason",
                     "not measured: an earlier run had computed its likelihoods");
    json_put_num(o, "ttft_s", it->ttft_s);
    json_put_count(o, "prompt_tokens", it->prompt_tokens);
    json_put_count(o, "computed_tokens", it->computed_tokens);
    json_put_count(o, "reused_tokens", it->reused_tokens);
    json_put_count(o, "cached_tokens", it->cached_tokens);
    json_put_count(o, "generated_tokens", it->generated_tokens);
    json_end_object(o);
}

static const struct column item_columns[] = {
    {"task", 0, 3}, {"doc", 1, 0}, {"metric", 0, 4}, {"value", 1, 0}, {"gold", 0, 0},
    {"prediction", 0, 0}, {"latency s", 1, 1}, {"tokens", 1, 2},
};

/* A cell holds one short line. */
static void short_cell(struct table *t, const char *text)
{
    size_t n = text ? strcspn(text, "\n") : 0;
    int cut = n > 24 && !t->exact;

    if (cut)
        for (n = 23; n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80;)
            n--;
    if (t->exact)
        table_cell(t, "%s", text ? text : "");
    else
        table_cell(t, "%.*s%s", (int)n, text ? text : "-", cut ? "…" : "");
}

static void item_row(struct table *t, const struct store_item *it)
{
    table_cell(t, "%s", it->task);
    table_int(t, it->doc_id);
    table_cell(t, "%s", it->n_metrics ? it->metrics[0].metric : "-");
    table_num(t, it->n_metrics ? own_value(&it->metrics[0]) : NAN, 3);
    short_cell(t, it->gold);
    short_cell(t, it->prediction);
    table_num(t, it->latency_s, 3);
    table_int(t, it->prompt_tokens);
}

/* Lines are printed as they are read, so that a run of any size can be listed. */
static int items_jsonl(const struct context *c, struct item_iter *it, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    struct store_item row;
    int rc;

    while ((rc = item_iter_next(it, &row, e)) > 0) {
        struct json_out o = JSON_OUT(&b);
        strbuf_clear(&b);
        put_item(&o, &row);
        strbuf_addc(&b, '\n');
        if ((rc = context_print(c, &b, e)) < 0)
            break;
    }
    strbuf_release(&b);
    return rc;
}

static int items_json(const struct context *c, const char *run, struct item_iter *it,
                      struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    struct json_out o = context_json_begin(&b, "items");
    struct store_item row;
    int rc;

    json_put_str(&o, "run", run);
    json_begin_array(&o, "items");
    while ((rc = item_iter_next(it, &row, e)) > 0)
        put_item(&o, &row);
    json_end_array(&o);
    if (rc == 0)
        rc = context_json_end(c, &o, e);
    strbuf_release(&b);
    return rc;
}

static int items_table(const struct context *c, struct item_iter *it, struct err *e)
{
    struct table t;
    struct store_item row;
    int rc;

    table_init(&t, item_columns, 8, c->csv);
    while ((rc = item_iter_next(it, &row, e)) > 0)
        item_row(&t, &row);
    if (rc == 0)
        rc = context_table(c, &t, e);
    table_release(&t);
    return rc;
}

/* A task that the run does not have is a mistake, not an empty list. */
static int check_task(struct store *s, const char *run, const char *task, struct err *e)
{
    struct suggest near = SUGGEST(task);
    struct task_list l = {0};
    int rc = query_tasks(s, run, &l, e), found = 0;

    for (size_t i = 0; i < l.n; i++) {
        found |= strcmp(l.v[i].task, task) == 0;
        suggest_offer(&near, l.v[i].task);
    }
    if (rc == 0 && !found) {
        rc = err_set(e, ERR_USAGE, "run %s has no task %s", run, task);
        if (suggest_best(&near))
            err_hint(e, "did you mean '%s'?", suggest_best(&near));
        else
            err_hint(e, "'densimeter show %s' lists its tasks", run);
    }
    task_list_release(&l);
    return rc;
}

int cmd_items(struct context *c, struct err *e)
{
    struct item_filter f = {.task = args_str(c->args, "task"),
                            .wrong = args_flag(c->args, "wrong")};
    struct store *s = NULL;
    struct item_iter *it = NULL;
    char id[RUN_ID_SIZE];
    int rc = -1;

    if (open_store(c, STORED_READ, &s, e) == 0 &&
        query_resolve(s, args_at(c->args, 0), id, e) == 0 &&
        (!f.task || check_task(s, id, f.task, e) == 0) && query_items(s, id, &f, &it, e) == 0)
        rc = args_flag(c->args, "jsonl") ? items_jsonl(c, it, e)
             : c->json                   ? items_json(c, id, it, e)
                                         : items_table(c, it, e);
    item_iter_close(it);
    store_close(s);
    return rc;
}
