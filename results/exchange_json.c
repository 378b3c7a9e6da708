/* exchange_json.c -- one run with everything in it as one JSON document, written as it is read. */
#include <string.h>

#include "results/exchange_internal.h"
#include "results/probes.h"

void store_model_members(struct json_out *o, const struct store_model *m)
{
    json_put_str(o, "name", m->name);
    json_put_str(o, "path", m->path);
    json_put_str(o, "architecture", m->architecture);
    json_begin_object(o, "parameters");
    json_put_count(o, "total", m->parameters);
    json_put_count(o, "non_embedding", m->parameters_non_embedding);
    json_put_count(o, "embedding", m->parameters_embedding);
    json_put_count(o, "active", m->parameters_active);
    json_end_object(o);
    json_put_count(o, "file_bytes", m->file_bytes);
    json_put_num(o, "bits_per_weight", m->bits_per_weight);
    json_put_raw(o, "tensor_types", m->tensor_types);
    json_put_str(o, "sha256", m->sha256);
    json_put_str(o, "licence", m->licence);
}

static void put_run_row(struct json_out *o, const struct run_row *r)
{
    json_begin_object(o, "run");
    json_put_str(o, "id", r->id);
    json_put_str(o, "label", r->label);
    json_put_str(o, "kind", r->kind);
    json_put_str(o, "status", r->status);
    json_put_str(o, "error", r->error);
    json_put_str(o, "created", r->created);
    json_put_str(o, "ended", r->ended);
    json_put_str(o, "command_line", r->command_line);
    json_put_raw(o, "settings", r->settings);
    json_put_str(o, "settings_hash", r->settings_hash);
    json_put_str(o, "program_version", r->program_version);
    json_put_str(o, "numerics_id", r->numerics_id);
    json_put_str(o, "kernels", r->kernels);
    json_put_str(o, "device", r->device);
    json_put_count(o, "threads", r->threads);
    json_put_count(o, "seed", r->seed);
    json_put_int(o, "sessions", r->sessions);
    json_put_raw(o, "noise_before", r->noise_before);
    json_put_raw(o, "noise_after", r->noise_after);
    json_put_str(o, "source", r->source);
    json_put_str(o, "content_sha256", r->content_sha256);
    json_begin_object(o, "model");
    store_model_members(o, &r->model);
    json_end_object(o);
    json_begin_object(o, "machine");
    json_put_str(o, "name", r->machine_name);
    json_put_str(o, "hash", r->machine_hash);
    json_put_raw(o, "capture", r->machine_json);
    json_end_object(o);
    json_end_object(o);
}

/* place -1: the one that it has in the list. */
static void put_value(struct json_out *o, const struct store_value *v, int64_t place)
{
    json_begin_object(o, NULL);
    json_put_str(o, "metric", v->metric);
    json_put_str(o, "filter", v->filter);
    json_put_num(o, "value", v->value);
    json_put_num(o, "stderr", v->stderr_);
    json_put_num(o, "low", v->low);
    json_put_num(o, "high", v->high);
    if (place >= 0)
        json_put_int(o, "idx", place);
    json_end_object(o);
}

static void put_values(struct json_out *o, const struct store_value *v, int n)
{
    json_begin_array(o, "values");
    for (int i = 0; i < n; i++)
        put_value(o, &v[i], -1);
    json_end_array(o);
}

/* The hash of the content covers their places, which a table of several tasks counts through. */
static int put_task_values(struct json_out *o, struct store *s, const char *id,
                           const struct task_row *t, struct err *e)
{
    struct stmt st;
    int rc = db_query(s->db, &st, SQL_VALUE_PLACES, e, "tt", id, t->task);

    json_begin_array(o, "values");
    for (int i = 0; i < t->n_values && rc >= 0 && (rc = db_step(&st, e)) >= 0; i++) {
        int64_t place = rc == 1 ? db_int(&st, 0) : i;
        put_value(o, &t->values[i], place == i ? -1 : place);
    }
    json_end_array(o);
    db_done(&st);
    return rc < 0 ? -1 : 0;
}

static int put_task_row(struct json_out *o, struct store *s, const char *id,
                        const struct task_row *t, struct err *e)
{
    int rc;

    json_begin_object(o, NULL);
    json_put_str(o, "task", t->task);
    json_put_count(o, "version", t->version);
    json_put_count(o, "shots", t->shots);
    json_put_int(o, "n", t->n);
    json_put_int(o, "n_expected", t->n_expected);
    json_put_count(o, "n_scored", t->n_scored);
    json_put_str(o, "data_sha256", t->data_sha256);
    rc = put_task_values(o, s, id, t, e);
    json_begin_object(o, "cost");
    for (int i = 0; i < t->n_costs; i++)
        json_put_num(o, t->costs[i].metric, t->costs[i].value);
    json_end_object(o);
    json_end_object(o);
    return rc;
}

void store_served_members(struct json_out *o, const struct store_served *q)
{
    json_begin_object(o, NULL);
    json_put_str(o, "state", q->state);
    json_put_str(o, "reason", q->reason);
    json_put_num(o, "arrival_s", q->arrival_s);
    json_put_num(o, "start_s", q->start_s);
    json_put_num(o, "first_s", q->first_s);
    json_put_num(o, "last_s", q->last_s);
    json_put_num(o, "end_s", q->end_s);
    json_put_int(o, "prompt_tokens", q->prompt);
    json_put_int(o, "wanted_tokens", q->wanted);
    json_put_int(o, "generated_tokens", q->generated);
    json_put_raw(o, "token_s", q->token_s);
    json_put_str(o, "output_sha256", q->output_sha256);
    json_end_object(o);
}

void store_energy_members(struct json_out *o, const struct store_energy *x)
{
    json_put_str(o, "subject", x->subject);
    json_put_str(o, "source", x->source);
    json_put_str(o, "channel", x->channel);
    json_put_str(o, "origin", x->is_declared ? "declared" : "measured");
    json_put_bool(o, "headline", x->is_headline);
    json_put_num(o, "seconds", x->seconds);
    json_put_num(o, "joules", x->joules);
    json_put_int(o, "samples", x->samples);
    json_put_num(o, "gap_s", x->gap_s);
    json_put_str(o, "reason", x->reason);
}

static int put_energy(struct json_out *o, struct store *s, const char *id, struct err *e)
{
    struct energy_list l = {0};

    if (query_energy(s, id, &l, e) < 0)
        return -1;
    if (l.n)
        json_begin_array(o, "energy");
    for (size_t i = 0; i < l.n; i++) {
        json_begin_object(o, NULL);
        store_energy_members(o, &l.v[i]);
        json_end_object(o);
    }
    if (l.n)
        json_end_array(o);
    energy_list_release(&l);
    return 0;
}

/* What probes found of the run's model; no member without any. */
static int put_probes(struct json_out *o, struct store *s, const struct run_row *r, struct err *e)
{
    struct store_probe_list l = {0};

    if (!r->model.sha256)
        return 0;
    if (query_probes(s, r->model.sha256, &l, e) < 0)
        return -1;
    if (l.n)
        json_begin_array(o, "probes");
    for (size_t i = 0; i < l.n; i++) {
        const struct store_probe *p = &l.v[i];
        json_begin_object(o, NULL);
        json_put_str(o, "probe", p->probe);
        json_put_str(o, "task", p->task);
        json_put_count(o, "version", p->version);
        json_put_str(o, "metric", p->metric);
        json_put_raw(o, "settings", p->settings);
        json_put_str(o, "numerics_id", p->numerics_id);
        json_put_str(o, "program_version", p->program_version);
        json_put_count(o, "n_items", p->n_items);
        json_put_str(o, "created", p->created);
        json_begin_array(o, "values");
        for (int k = 0; k < p->n_values; k++) {
            json_begin_object(o, NULL);
            json_put_str(o, "name", p->values[k].name);
            json_put_num(o, "value", p->values[k].value);
            json_put_num(o, "stderr", p->values[k].stderr_);
            json_end_object(o);
        }
        json_end_array(o);
        json_end_object(o);
    }
    if (l.n)
        json_end_array(o);
    store_probe_list_release(&l);
    return 0;
}

static int put_requests(struct json_out *o, struct store *s, const char *id,
                        const struct store_bench *b, struct err *e)
{
    struct served_list l = {0};

    if (b->rival)
        return 0;
    if (query_served(s, id, b->test, &l, e) < 0)
        return -1;
    if (l.n)
        json_begin_array(o, "requests");
    for (size_t i = 0; i < l.n; i++)
        store_served_members(o, &l.v[i]);
    if (l.n)
        json_end_array(o);
    served_list_release(&l);
    return 0;
}

static int put_bench_row(struct json_out *o, struct store *s, const char *id,
                         const struct store_bench *b, struct err *e)
{
    int rc;

    json_begin_object(o, NULL);
    json_put_str(o, "test", b->test);
    json_put_int(o, "depth", b->depth);
    json_put_int(o, "batch", b->batch);
    json_put_count(o, "threads", b->threads);
    json_put_str(o, "device", b->device);
    json_put_str(o, "rival", b->rival);
    json_put_count(o, "tokens", b->tokens);
    json_begin_array(o, "samples_s");
    for (int i = 0; i < b->n_samples; i++)
        json_put_num(o, NULL, b->samples[i]);
    json_end_array(o);
    put_values(o, b->values, b->n_values);
    rc = put_requests(o, s, id, b, e);
    json_put_raw(o, "noise", b->noise);
    json_end_object(o);
    return rc;
}

static void put_item_row(struct json_out *o, const struct store_item *it)
{
    json_begin_object(o, NULL);
    json_put_str(o, "task", it->task);
    json_put_int(o, "doc_id", it->doc_id);
    json_put_str(o, "doc_hash", it->doc_hash);
    json_put_str(o, "prompt_hash", it->prompt_hash);
    json_put_raw(o, "doc", it->doc);
    json_put_raw(o, "arguments", it->arguments);
    json_put_str(o, "cluster", it->cluster);
    json_put_str(o, "gold", it->gold);
    json_put_count(o, "gold_index", it->gold_index);
    json_put_str(o, "prediction", it->prediction);
    json_put_str(o, "output", it->output);
    json_put_raw(o, "filtered", it->filtered);
    json_put_str(o, "error", it->error);
    json_put_num(o, "latency_s", it->latency_s);
    json_put_num(o, "ttft_s", it->ttft_s);
    json_put_count(o, "prompt_tokens", it->prompt_tokens);
    json_put_count(o, "computed_tokens", it->computed_tokens);
    json_put_count(o, "reused_tokens", it->reused_tokens);
    json_put_count(o, "cached_tokens", it->cached_tokens);
    json_put_count(o, "generated_tokens", it->generated_tokens);
    json_begin_array(o, "requests");
    for (int i = 0; i < it->n_requests; i++) {
        const struct store_request *q = &it->requests[i];
        json_begin_object(o, NULL);
        json_put_num(o, "loglikelihood", q->loglikelihood);
        json_put_bool(o, "is_greedy", q->is_greedy);
        json_put_count(o, "n_tokens", q->n_tokens);
        json_put_count(o, "n_bytes", q->n_bytes);
        json_end_object(o);
    }
    json_end_array(o);
    json_begin_array(o, "metrics");
    for (int i = 0; i < it->n_metrics; i++) {
        json_begin_object(o, NULL);
        json_put_str(o, "metric", it->metrics[i].metric);
        json_put_str(o, "filter", it->metrics[i].filter);
        json_put_num(o, "value", it->metrics[i].value);
        json_put_num(o, "weight", it->metrics[i].weight);
        json_end_object(o);
    }
    json_end_array(o);
    json_end_object(o);
}

static int put_items(struct store *s, const char *id, struct out_file *f, struct json_out *o,
                     struct err *e)
{
    struct item_iter *it = NULL;
    struct store_item item;
    int rc = query_items(s, id, NULL, &it, e);

    json_begin_array(o, "items");
    while (rc >= 0 && (rc = item_iter_next(it, &item, e)) == 1) {
        put_item_row(o, &item);
        rc = out_flush(f, e);
    }
    json_end_array(o);
    item_iter_close(it);
    return rc;
}

int export_json(struct store *s, const char *id, const char *to, struct err *e)
{
    struct run_list runs = {0};
    struct task_list tasks = {0};
    struct bench_list bench = {0};
    struct out_file f = {0};
    struct json_out o = {0};
    int rc = -1;

    if (query_run(s, id, &runs, e) < 0 || query_tasks(s, id, &tasks, e) < 0 ||
        query_bench(s, id, &bench, e) < 0 || out_open(&f, to, e) < 0)
        goto out;
    o = JSON_OUT(&f.b);
    json_begin_object(&o, NULL);
    json_put_str(&o, "schema", "densimeter.export/1");
    put_run_row(&o, &runs.v[0]);
    json_begin_array(&o, "tasks");
    for (size_t i = 0; i < tasks.n; i++)
        if (put_task_row(&o, s, id, &tasks.v[i], e) < 0)
            goto out;
    json_end_array(&o);
    json_begin_array(&o, "bench");
    for (size_t i = 0; i < bench.n; i++)
        if (put_bench_row(&o, s, id, &bench.v[i], e) < 0)
            goto out;
    json_end_array(&o);
    if (put_energy(&o, s, id, e) < 0 || put_probes(&o, s, &runs.v[0], e) < 0)
        goto out;
    if (put_items(s, id, &f, &o, e) < 0)
        goto out;
    json_end_object(&o);
    strbuf_addc(&f.b, '\n');
    rc = out_finish(&f, e);
out:
    out_close(&f);
    run_list_release(&runs);
    task_list_release(&tasks);
    bench_list_release(&bench);
    return rc;
}
