/* exchange_lmeval_out.c -- a run as lm-eval's results_*.json and samples_TASK_*.jsonl.
 *
 * The keys are lm-eval's, in its order; what it would know and we do not is null, where it writes
 * "N/A".  Likelihoods and flags are texts in samples ("-1.5", "True"), as it writes them.  An item
 * that was not answered is no sample: lm-eval knows of none without a metric. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/metric.h"
#include "results/exchange_internal.h"

#define FILTERS_MAX 32

/* A member of `object` per task, made by f. */
static void per_task(struct json_out *o, const char *object, const struct task_list *tasks,
                     void (*f)(struct json_out *o, const struct task_row *t))
{
    json_begin_object(o, object);
    for (size_t i = 0; i < tasks->n; i++)
        f(o, &tasks->v[i]);
    json_end_object(o);
}

/* A member whose name is put together: "acc_stderr,none". */
static void put_named(struct json_out *o, const char *metric, const char *what, const char *filter,
                      double v)
{
    struct strbuf name = STRBUF_INIT;

    strbuf_addf(&name, "%s%s,%s", metric, what, filter);
    if (name.failed)
        o->b->failed = 1;
    else
        json_put_num(o, name.s, v);
    strbuf_release(&name);
}

static void task_results(struct json_out *o, const struct task_row *t)
{
    json_begin_object(o, t->task);
    json_put_str(o, "alias", t->task);
    json_put_count(o, "sample_len", task_row_items(t));
    for (int i = 0; i < t->n_values; i++) {
        const struct store_value *v = &t->values[i];
        put_named(o, v->metric, "", v->filter, v->value);
        put_named(o, v->metric, "_stderr", v->filter, v->stderr_);
    }
    json_end_object(o);
}

static void task_config(struct json_out *o, const struct task_row *t)
{
    json_begin_object(o, t->task);
    json_put_str(o, "task", t->task);
    json_put_count(o, "num_fewshot", t->shots);
    json_begin_object(o, "metadata");
    json_put_count(o, "version", t->version);
    json_put_str(o, "data_sha256", t->data_sha256);
    json_end_object(o);
    json_end_object(o);
}

static void task_version_of(struct json_out *o, const struct task_row *t)
{
    json_put_count(o, t->task, t->version);
}

static void task_shots_of(struct json_out *o, const struct task_row *t)
{
    json_put_count(o, t->task, t->shots);
}

static void task_better(struct json_out *o, const struct task_row *t)
{
    json_begin_object(o, t->task);
    for (int i = 0; i < t->n_values; i++) {
        const struct metric *m = metric_find(t->values[i].metric);
        if (m && m->better != BETTER_NEITHER &&
            task_row_value(t, t->values[i].metric, NULL) == &t->values[i])
            json_put_bool(o, m->name, m->better == BETTER_HIGHER);
    }
    json_end_object(o);
}

static void task_samples(struct json_out *o, const struct task_row *t)
{
    json_begin_object(o, t->task);
    json_put_int(o, "original", t->n_expected);
    json_put_count(o, "effective", task_row_items(t));
    json_end_object(o);
}

static void put_config(struct json_out *o, const struct run_row *r)
{
    json_begin_object(o, "config");
    json_put_str(o, "model", "densimeter");
    json_put_str(o, "model_args", r->model.path ? r->model.path : r->model.name);
    json_put_count(o, "model_num_parameters", r->model.parameters);
    json_put_null(o, "model_dtype");
    json_put_null(o, "model_revision");
    json_put_str(o, "model_sha", r->model.sha256);
    json_put_null(o, "batch_size");
    json_begin_array(o, "batch_sizes");
    json_end_array(o);
    json_put_str(o, "device", r->device);
    json_put_null(o, "use_cache");
    json_put_null(o, "limit");
    json_put_null(o, "bootstrap_iters");
    json_put_null(o, "gen_kwargs");
    json_put_count(o, "random_seed", r->seed);
    json_put_count(o, "numpy_seed", r->seed);
    json_put_count(o, "torch_seed", r->seed);
    json_put_count(o, "fewshot_seed", r->seed);
    json_put_raw(o, "densimeter_settings", r->settings);
    json_end_object(o);
}

static double wall_of(const struct task_list *tasks)
{
    double s = 0;

    for (size_t i = 0; i < tasks->n; i++)
        s += task_row_cost(&tasks->v[i], "wall_s");
    return s; /* NAN when a task has none */
}

static double unix_time(const char *utc)
{
    struct tm t = {0};

    return utc && strptime(utc, "%Y-%m-%dT%H:%M:%SZ", &t) ? (double)timegm(&t) : NAN;
}

/* '/' and whatever else lm-eval replaces in a model's name for its folder. */
static void put_sanitised(struct json_out *o, const char *key, const char *name)
{
    struct strbuf b = STRBUF_INIT;

    for (const char *p = name; *p; p++)
        strbuf_adds(&b, strchr("\"<>:/\\|?*[]", *p) ? "__" : (char[]){*p, 0});
    if (b.failed)
        o->b->failed = 1;
    else
        json_put_str(o, key, strbuf_str(&b));
    strbuf_release(&b);
}

static void put_results(struct json_out *o, const struct run_row *r, const struct task_list *tasks)
{
    static const char *const unknown[] = {
        "git_hash", "transformers_version", "lm_eval_version", "upper_git_hash",
        "tokenizer_pad_token", "tokenizer_eos_token", "tokenizer_bos_token", "eot_token_id",
        "max_length", "system_instruction", "system_instruction_sha", "fewshot_as_multiturn",
        "chat_template", "chat_template_sha",
    };

    json_begin_object(o, NULL);
    per_task(o, "results", tasks, task_results);
    json_begin_object(o, "groups"); /* what the tasks of a group amount to is the reader's */
    json_end_object(o);
    json_begin_object(o, "group_subtasks");
    json_end_object(o);
    per_task(o, "configs", tasks, task_config);
    per_task(o, "versions", tasks, task_version_of);
    per_task(o, "n-shot", tasks, task_shots_of);
    per_task(o, "higher_is_better", tasks, task_better);
    per_task(o, "n-samples", tasks, task_samples);
    put_config(o, r);
    json_put_num(o, "date", unix_time(r->created));
    json_put_str(o, "pretty_env_info", r->machine_json);
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
        json_put_null(o, unknown[i]);
    json_begin_object(o, "task_hashes");
    json_end_object(o);
    json_put_str(o, "model_source", "densimeter");
    json_put_str(o, "model_name", r->model.name);
    put_sanitised(o, "model_name_sanitized", r->model.name);
    json_put_num(o, "total_evaluation_time_seconds", wall_of(tasks));
    json_put_str(o, "densimeter_version", r->program_version);
    json_put_str(o, "densimeter_numerics", r->numerics_id);
    json_end_object(o);
}

static void put_likelihood(struct json_out *o, const struct store_request *q)
{
    char text[40];

    json_format_num(text, sizeof text, q->loglikelihood);
    json_begin_array(o, NULL);
    json_put_str(o, NULL, text);
    json_put_str(o, NULL, q->is_greedy > 0 ? "True" : "False");
    json_end_array(o);
}

static void put_responses(struct json_out *o, const struct store_item *it, const char *filter,
                          const cJSON *filtered)
{
    const char *answer = json_str(filtered, filter);

    json_begin_array(o, "resps");
    for (int i = 0; i < it->n_requests && !it->output; i++) {
        json_begin_array(o, NULL);
        put_likelihood(o, &it->requests[i]);
        json_end_array(o);
    }
    if (it->output) {
        json_begin_array(o, NULL);
        json_put_str(o, NULL, it->output);
        json_end_array(o);
    }
    json_end_array(o);
    json_begin_array(o, "filtered_resps");
    for (int i = 0; i < it->n_requests && !it->output; i++)
        put_likelihood(o, &it->requests[i]);
    if (it->output)
        json_put_str(o, NULL, answer ? answer : it->prediction);
    json_end_array(o);
}

/* [[context, continuation], ...] to {"gen_args_0": {"arg_0": ..., "arg_1": ...}, ...}. */
static int put_arguments(struct json_out *o, const char *arguments, const char *where,
                         struct err *e)
{
    cJSON *list = arguments ? json_parse(arguments, strlen(arguments), where, e) : NULL;
    const cJSON *request, *arg;
    char name[32];
    int i = 0;

    if (arguments && !list)
        return -1;
    json_begin_object(o, "arguments");
    cJSON_ArrayForEach(request, list) {
        int k = 0;
        snprintf(name, sizeof name, "gen_args_%d", i++);
        json_begin_object(o, name);
        cJSON_ArrayForEach(arg, request) {
            char *text = cJSON_PrintUnformatted(arg);
            snprintf(name, sizeof name, "arg_%d", k++);
            if (text)
                json_put_raw(o, name, text);
            else
                o->b->failed = 1;
            cJSON_free(text);
        }
        json_end_object(o);
    }
    json_end_object(o);
    json_free(list);
    return 0;
}

static int put_sample(struct out_file *f, const struct store_item *it, const char *filter,
                      const char *where, struct err *e)
{
    struct json_out o = JSON_OUT(&f->b);
    cJSON *filtered = NULL;
    char target[24], hash[SHA256_HEX];
    const char *gold = it->gold ? it->gold : "";

    if (it->filtered && !(filtered = json_parse(it->filtered, strlen(it->filtered), where, e)))
        return -1;
    if (it->gold_index >= 0) { /* lm-eval's target of a choice is its number */
        snprintf(target, sizeof target, "%d", it->gold_index);
        gold = target;
    }
    json_begin_object(&o, NULL);
    json_put_int(&o, "doc_id", it->doc_id);
    json_put_raw(&o, "doc", it->doc);
    json_put_str(&o, "target", gold);
    if (put_arguments(&o, it->arguments, where, e) < 0 ||
        sha256_bytes(hash, gold, strlen(gold), e) < 0) {
        json_free(filtered);
        return -1;
    }
    put_responses(&o, it, filter, filtered);
    json_put_str(&o, "filter", filter);
    json_begin_array(&o, "metrics");
    for (int i = 0; i < it->n_metrics; i++)
        if (strcmp(it->metrics[i].filter, filter) == 0)
            json_put_str(&o, NULL, it->metrics[i].metric);
    json_end_array(&o);
    json_put_str(&o, "doc_hash", it->doc_hash);
    json_put_str(&o, "prompt_hash", it->prompt_hash);
    json_put_str(&o, "target_hash", hash);
    for (int i = 0; i < it->n_metrics; i++) {
        const struct store_metric *m = &it->metrics[i];
        if (strcmp(m->filter, filter) != 0)
            continue;
        if (m->weight == 1) {
            json_put_num(&o, m->metric, m->value);
        } else {
            json_begin_array(&o, m->metric);
            json_put_num(&o, NULL, m->value);
            json_put_num(&o, NULL, m->weight);
            json_end_array(&o);
        }
    }
    json_end_object(&o);
    strbuf_addc(&f->b, '\n');
    json_free(filtered);
    return out_flush(f, e);
}

/* The next item that was answered. */
static int next_answered(struct item_iter *it, struct store_item *item, struct err *e)
{
    int rc;

    while ((rc = item_iter_next(it, item, e)) == 1 && item->error)
        ;
    return rc;
}

/* The filters of a task in order of appearance in its first answered item. */
static int filters_of(struct store *s, const char *id, const char *task, struct arena *a,
                      const char *filters[FILTERS_MAX], int *n, struct err *e)
{
    const struct item_filter f = {.task = task};
    struct item_iter *it = NULL;
    struct store_item item;
    int rc = query_items(s, id, &f, &it, e);

    *n = 0;
    if (rc == 0)
        rc = next_answered(it, &item, e);
    /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): 1: item is set */
    for (int i = 0; rc == 1 && i < item.n_metrics && *n < FILTERS_MAX; i++) {
        int seen = 0;
        for (int k = 0; k < *n; k++)
            seen |= strcmp(filters[k], item.metrics[i].filter) == 0;
        if (!seen && !(filters[(*n)++] = arena_strdup(a, item.metrics[i].filter)))
            rc = err_nomem(e);
    }
    item_iter_close(it);
    return rc < 0 ? -1 : 0;
}

static int write_samples(struct store *s, const char *id, const char *task, const char *path,
                         struct err *e)
{
    const struct item_filter only = {.task = task};
    const char *filters[FILTERS_MAX];
    struct arena a = ARENA_INIT;
    struct out_file f = {0};
    int n, rc = -1;

    if (filters_of(s, id, task, &a, filters, &n, e) < 0 || out_open(&f, path, e) < 0)
        goto out;
    rc = 0;
    for (int i = 0; rc == 0 && i < n; i++) {
        struct item_iter *it = NULL;
        struct store_item item;
        rc = query_items(s, id, &only, &it, e);
        while (rc == 0 && (rc = next_answered(it, &item, e)) == 1)
            rc = put_sample(&f, &item, filters[i], path, e);
        item_iter_close(it);
    }
    if (rc == 0)
        rc = out_finish(&f, e);
out:
    out_close(&f);
    arena_release(&a);
    return rc;
}

/* Of the items that are kept only the answered ones count here. */
static int count_answered(struct store *s, const char *id, struct task_list *tasks, struct err *e)
{
    for (size_t i = 0; i < tasks->n; i++) {
        struct task_row *t = &tasks->v[i];
        int64_t n;
        if (t->n <= 0)
            continue;
        if (db_get_int(s->db, SQL_TASK_ANSWERED, &n, NULL, e, "tt", id, t->task) < 0)
            return -1;
        t->n = t->n_scored = (int)n;
    }
    return 0;
}

int export_lmeval(struct store *s, const char *id, const char *to, struct err *e)
{
    struct run_list runs = {0};
    struct task_list tasks = {0};
    struct strbuf path = STRBUF_INIT;
    struct out_file f = {0};
    struct json_out o = {0};
    int rc = -1;

    if (query_run(s, id, &runs, e) < 0 || query_tasks(s, id, &tasks, e) < 0 ||
        count_answered(s, id, &tasks, e) < 0)
        goto out;
    if (tasks.n == 0) {
        err_set(e, ERR_INVALID, "run %s asked no task: there is nothing for lm-eval in it", id);
        err_hint(e, "csv and json hold what bench measured");
        goto out;
    }
    if (dir_make(to, e) < 0)
        goto out;
    for (size_t i = 0; i < tasks.n; i++) {
        if (tasks.v[i].n == 0 || strchr(tasks.v[i].task, '/'))
            continue;
        strbuf_clear(&path);
        strbuf_addf(&path, "%s/samples_%s_%s.jsonl", to, tasks.v[i].task, id);
        if (strbuf_ok(&path, e) < 0 || write_samples(s, id, tasks.v[i].task, path.s, e) < 0)
            goto out;
    }
    strbuf_clear(&path);
    strbuf_addf(&path, "%s/results_%s.json", to, id);
    if (strbuf_ok(&path, e) < 0 || out_open(&f, path.s, e) < 0)
        goto out;
    o = (struct json_out){.b = &f.b, .pretty = 1};
    put_results(&o, &runs.v[0], &tasks);
    strbuf_addc(&f.b, '\n');
    rc = out_finish(&f, e);
out:
    out_close(&f);
    strbuf_release(&path);
    run_list_release(&runs);
    task_list_release(&tasks);
    return rc;
}
