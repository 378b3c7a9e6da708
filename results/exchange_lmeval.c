/* exchange_lmeval.c -- reading results_*.json and samples_TASK_*.jsonl as lm-eval writes them.
 *
 * Its samples come filter by filter: a document with two filters is two lines far apart, and one
 * item here.  It writes likelihoods and flags as texts ("-1.5", "True"); numbers are read too.  A
 * standard error that it does not know is "N/A" there and null here. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "results/exchange_internal.h"

#define METRICS_MAX 32 /* per line of samples */
#define NO_FILTER "none"

/* --- results ----------------------------------------------------------------------------- */

/* "acc_stderr,none" gives "acc" when it is the error of `key` = "acc,none". */
static double stderr_of(const cJSON *task, const char *key, struct err *e)
{
    struct strbuf name = STRBUF_INIT;
    const char *comma = strchr(key, ',');
    double v = NAN;

    strbuf_add(&name, key, comma ? (size_t)(comma - key) : strlen(key));
    strbuf_adds(&name, "_stderr");
    strbuf_adds(&name, comma ? comma : "");
    if (strbuf_ok(&name, e) == 0)
        v = json_num(task, name.s, NAN);
    strbuf_release(&name);
    return v;
}

static int is_stderr(const char *key)
{
    const char *comma = strchr(key, ',');
    size_t n = comma ? (size_t)(comma - key) : strlen(key);

    return n > 7 && memcmp(key + n - 7, "_stderr", 7) == 0;
}

/* One member "metric,filter": number of a task's results. */
static int read_value(struct import *im, int64_t task_id, const cJSON *task, const cJSON *member,
                      int idx, struct err *e)
{
    const char *comma = strchr(member->string, ',');
    const char *filter = comma ? comma + 1 : NO_FILTER;
    struct err memory = ERR_NONE;
    double error = stderr_of(task, member->string, &memory);
    char *metric = mem_strndup(member->string, comma ? (size_t)(comma - member->string)
                                                     : strlen(member->string));
    int rc = -1;

    if (!metric || memory.code) {
        err_nomem(e);
        goto out;
    }
    if (db_run(im->db, SQL_VALUE_PUT, e, "ittndddd", task_id, metric, filter, idx,
               member->valuedouble, error, NAN, NAN) < 0) {
        if (e && e->code == ERR_INVALID)
            err_set(e, ERR_FORMAT, "%s: \"%s\" twice in one task", im->path, member->string);
        goto out;
    }
    im->result->values++;
    rc = 0;
out:
    mem_free(metric);
    return rc;
}

/* A count in a document, -1 when absent or out of an int's range. */
static int small_int(const cJSON *object, const char *key)
{
    double v = json_num(object, key, -1);

    return v >= 0 && v <= 1e9 && v == floor(v) ? (int)v : -1;
}

static int read_task(struct import *im, const cJSON *root, const cJSON *task, int64_t *id,
                     struct err *e)
{
    const cJSON *counts = json_get(json_get(root, "n-samples"), task->string);
    struct store_task t = {
        .task = task->string,
        .version = small_int(json_get(root, "versions"), task->string),
        .shots = small_int(json_get(root, "n-shot"), task->string),
    };
    const cJSON *member;
    int idx = 0, n = small_int(counts, "effective");

    if (!cJSON_IsObject(task))
        return err_set(e, ERR_FORMAT, "%s: results of %s are not an object", im->path,
                       task->string);
    if (import_task(im, &t, id, e) < 0 ||
        (n >= 0 && db_run(im->db, SQL_TASK_SCORED, e, "ni", n, *id) < 0))
        return -1;
    cJSON_ArrayForEach(member, task) {
        if (!cJSON_IsNumber(member) || !isfinite(member->valuedouble) ||
            is_stderr(member->string) || strcmp(member->string, "sample_len") == 0)
            continue;
        if (read_value(im, *id, task, member, idx++, e) < 0)
            return -1;
    }
    return 0;
}

/* lm-eval names the model by model_name, else by pretrained=NAME among the model_args. */
static char *model_name(const cJSON *root)
{
    const cJSON *config = json_get(root, "config");
    const char *name = json_str(root, "model_name");
    const char *args = json_str(config, "model_args");
    const char *at = args ? strstr(args, "pretrained=") : NULL;

    if (!name)
        name = json_str(json_get(config, "model_args"), "pretrained");
    if (name && *name)
        return mem_strdup(name);
    if (at)
        return mem_strndup(at + 11, strcspn(at + 11, ","));
    name = json_str(config, "model");
    return mem_strdup(name && *name ? name : "unknown");
}

static int read_samples(struct import *im, const char *path, const char *bytes, size_t n,
                        int64_t task_id, struct err *e);

/* samples_TASK_STAMP.jsonl beside results_STAMP.json; absent is fine. */
static int samples_beside(struct import *im, const char *task, int64_t task_id, struct err *e)
{
    const char *base = path_base(im->path);
    struct strbuf path = STRBUF_INIT, text = STRBUF_INIT;
    char hash[SHA256_HEX];
    size_t n = strlen(base);
    int rc = 0;

    if (strncmp(base, "results_", 8) != 0 || n < 13 || strcmp(base + n - 5, ".json") != 0 ||
        strchr(task, '/'))
        return 0;
    strbuf_add(&path, im->path, (size_t)(base - im->path));
    strbuf_addf(&path, "samples_%s_%.*s.jsonl", task, (int)(n - 13), base + 8);
    rc = strbuf_ok(&path, e);
    if (rc == 0 && file_exists(path.s)) {
        rc = file_read(&text, path.s, IMPORT_BYTES_MAX, e);
        if (rc == 0)
            rc = sha256_bytes(hash, strbuf_str(&text), text.len, e);
        if (rc == 0)
            rc = read_samples(im, path.s, strbuf_str(&text), text.len, task_id, e);
        if (rc == 0)
            rc = import_remember(im, hash, path.s, e);
    }
    strbuf_release(&path);
    strbuf_release(&text);
    return rc;
}

int import_lmeval(struct import *im, struct err *e)
{
    cJSON *root = json_parse(im->bytes, im->n_bytes, im->path, e);
    const cJSON *results = json_get(root, "results"), *task;
    char *name = NULL, *config = NULL;
    struct store_model m = {.parameters = -1, .parameters_non_embedding = -1,
                            .parameters_embedding = -1, .parameters_active = -1,
                            .file_bytes = -1, .bits_per_weight = NAN};
    double parameters = json_num(json_get(root, "config"), "model_num_parameters", -1);
    int rc = -1;

    if (!root)
        goto out;
    if (!cJSON_IsObject(results)) {
        err_set(e, ERR_FORMAT, "%s: JSON, but no results of lm-eval or llama-bench", im->path);
        err_hint(e, "results_*.json and samples_*.jsonl of lm-eval, llama-bench -o json, export's "
                    ".json, .csv and .db can be read");
        goto out;
    }
    name = model_name(root);
    config = cJSON_PrintUnformatted(json_get(root, "config"));
    if (!name || (json_get(root, "config") && !config)) {
        err_nomem(e);
        goto out;
    }
    m.name = name;
    if (parameters >= 0 && parameters < 1e18)
        m.parameters = (int64_t)parameters;
    if (import_run(im, &m, config ? config : "{}", e) < 0)
        goto out;
    cJSON_ArrayForEach(task, results) {
        int64_t id;
        if (read_task(im, root, task, &id, e) < 0 ||
            samples_beside(im, task->string, id, e) < 0)
            goto out;
    }
    rc = 0;
out:
    cJSON_free(config);
    mem_free(name);
    json_free(root);
    return rc;
}

/* --- samples ----------------------------------------------------------------------------- */

struct sample {
    cJSON *row;
    const char *path;
    size_t line;
    char *doc, *arguments, *gold; /* cJSON's */
    struct strbuf filtered;
    struct store_metric metrics[METRICS_MAX];
    struct store_request *requests;
    size_t cap_requests;
    struct store_item item;
};

static void sample_release(struct sample *s)
{
    json_free(s->row);
    cJSON_free(s->doc);
    cJSON_free(s->arguments);
    cJSON_free(s->gold);
    mem_free(s->requests);
    strbuf_release(&s->filtered);
    *s = (struct sample){0};
}

static int sample_error(const struct sample *s, const char *what, struct err *e)
{
    return err_set(e, ERR_FORMAT, "%s:%zu: %s", s->path, s->line, what);
}

/* 1 with the number of a JSON number, truth value, or text that is one. */
static int number_of(const cJSON *v, double *out)
{
    const char *text = cJSON_GetStringValue(v);
    char *end;

    if (cJSON_IsNumber(v))
        *out = v->valuedouble;
    else if (cJSON_IsBool(v))
        *out = cJSON_IsTrue(v);
    else if (text && (strcmp(text, "True") == 0 || strcmp(text, "False") == 0))
        *out = *text == 'T';
    else if (text && *text) {
        *out = strtod(text, &end);
        return *end == 0 && isfinite(*out);
    } else
        return 0;
    return isfinite(*out);
}

static int read_metrics(struct sample *s, const char *filter, struct err *e)
{
    const cJSON *names = json_get(s->row, "metrics"), *name;

    cJSON_ArrayForEach(name, names) {
        const char *metric = cJSON_GetStringValue(name);
        const cJSON *v = metric ? json_get(s->row, metric) : NULL;
        struct store_metric *m = &s->metrics[s->item.n_metrics];
        if (!v)
            return sample_error(s, "\"metrics\" names a value that the line does not have", e);
        if (s->item.n_metrics == METRICS_MAX)
            return sample_error(s, "too many metrics", e);
        m->metric = metric;
        m->filter = filter;
        m->weight = 1;
        /* ratio metrics are [sum, weight]; what is neither is not an item's number */
        if (number_of(v, &m->value) ||
            (cJSON_GetArraySize(v) == 2 && number_of(cJSON_GetArrayItem(v, 0), &m->value) &&
             number_of(cJSON_GetArrayItem(v, 1), &m->weight)))
            s->item.n_metrics++;
    }
    if (s->item.n_metrics == 0)
        return sample_error(s, "no metric with a number", e);
    s->item.metrics = s->metrics;
    return 0;
}

/* filtered_resps: [["-1.5","True"], ...] are likelihoods, ["text"] is an answer. */
static int read_responses(struct sample *s, const char *filter, struct err *e)
{
    const cJSON *filtered = json_get(s->row, "filtered_resps"), *r;
    const cJSON *first = cJSON_GetArrayItem(json_get(s->row, "resps"), 0);
    const char *answer = cJSON_GetStringValue(cJSON_GetArrayItem(filtered, 0));
    struct json_out o = JSON_OUT(&s->filtered);
    size_t n = 0;

    cJSON_ArrayForEach(r, filtered) {
        struct store_request q = {NAN, -1, -1, -1};
        double greedy;
        if (!cJSON_IsArray(r) || !number_of(cJSON_GetArrayItem(r, 0), &q.loglikelihood))
            break;
        if (number_of(cJSON_GetArrayItem(r, 1), &greedy))
            q.is_greedy = greedy != 0;
        if (mem_grow(&s->requests, &s->cap_requests, n + 1, sizeof *s->requests) < 0)
            return err_nomem(e);
        s->requests[n++] = q;
    }
    s->item.requests = s->requests;
    s->item.n_requests = (int)n;
    if (n || !answer)
        return 0;
    s->item.output = cJSON_GetStringValue(cJSON_GetArrayItem(first, 0));
    s->item.prediction = answer;
    json_begin_object(&o, NULL);
    json_put_str(&o, filter, answer);
    json_end_object(&o);
    s->item.filtered = s->filtered.s;
    return strbuf_ok(&s->filtered, e);
}

/* {"gen_args_0": {"arg_0": context, "arg_1": continuation}, ...} or [[context, continuation], ...]
 * to the latter. */
static int read_arguments(struct sample *s, struct err *e)
{
    const cJSON *given = json_get(s->row, "arguments"), *request, *arg;
    cJSON *list = given ? cJSON_CreateArray() : NULL;
    int rc = 0;

    if (!given)
        return 0;
    cJSON_ArrayForEach(request, given) {
        cJSON *pair = cJSON_CreateArray();
        if (!list || !pair || !cJSON_AddItemToArray(list, pair)) {
            cJSON_Delete(pair);
            rc = err_nomem(e);
            break;
        }
        cJSON_ArrayForEach(arg, request) {
            cJSON *copy = cJSON_Duplicate(arg, 1);
            if (!copy || !cJSON_AddItemToArray(pair, copy)) {
                cJSON_Delete(copy);
                rc = err_nomem(e);
            }
        }
    }
    if (rc == 0 && !(s->arguments = cJSON_PrintUnformatted(list)))
        rc = err_nomem(e);
    s->item.arguments = s->arguments;
    cJSON_Delete(list);
    return rc;
}

static int read_target(struct sample *s, struct err *e)
{
    const cJSON *target = json_get(s->row, "target");
    const char *text = cJSON_GetStringValue(target);
    double index;

    s->item.gold_index = -1;
    if (!target)
        return 0;
    s->gold = text ? NULL : cJSON_PrintUnformatted(target);
    if (!text && !s->gold)
        return err_nomem(e);
    s->item.gold = text ? text : s->gold;
    if (s->item.n_requests > 1 && number_of(target, &index) && index >= 0 &&
        index < s->item.n_requests && index == floor(index))
        s->item.gold_index = (int)index;
    return 0;
}

static int sample_read(struct sample *s, struct err *e)
{
    const char *filter = json_str(s->row, "filter");
    const cJSON *doc = json_get(s->row, "doc");
    int doc_id = small_int(s->row, "doc_id");

    filter = filter ? filter : NO_FILTER;
    if (doc_id < 0)
        return sample_error(s, "no \"doc_id\" that is a line number", e);
    s->item = (struct store_item){
        .doc_id = doc_id, .doc_hash = json_str(s->row, "doc_hash"),
        .prompt_hash = json_str(s->row, "prompt_hash"), .latency_s = NAN, .ttft_s = NAN,
        .prompt_tokens = -1, .computed_tokens = -1, .reused_tokens = -1, .generated_tokens = -1,
        .cached_tokens = -1,
    };
    if (doc && !(s->doc = cJSON_PrintUnformatted(doc)))
        return err_nomem(e);
    s->item.doc = s->doc;
    if (read_metrics(s, filter, e) < 0 || read_responses(s, filter, e) < 0 ||
        read_arguments(s, e) < 0)
        return -1;
    return read_target(s, e);
}

/* The document was there already: this line brings another filter's credits. */
static int add_filter(struct import *im, struct sample *s, int64_t task_id, struct err *e)
{
    int64_t id, n;

    if (db_get_int(im->db, SQL_ITEM_ID, &id, NULL, e, "in", task_id, s->item.doc_id) < 0 ||
        db_get_int(im->db, SQL_ITEM_METRIC_COUNT, &n, NULL, e, "i", id) < 0)
        return -1;
    for (int i = 0; i < s->item.n_metrics; i++) {
        const struct store_metric *m = &s->metrics[i];
        struct err why = ERR_NONE;
        if (db_run(im->db, SQL_ITEM_METRIC_PUT, &why, "ittndd", id, m->metric, m->filter,
                   (int)n + i, m->value, m->weight) >= 0)
            continue;
        if (why.code == ERR_INVALID)
            return sample_error(s, "this document and filter came before", e);
        if (e)
            *e = why;
        return -1;
    }
    if (s->item.filtered &&
        db_run(im->db, SQL_ITEM_FILTERED_ADD, e, "ti", s->item.filtered, id) < 0)
        return -1;
    return 0;
}

static int keep_sample(struct import *im, struct sample *s, int64_t task_id, struct err *e)
{
    struct err why = ERR_NONE;
    int rc = put_item(im->db, task_id, &s->item, &why);

    if (rc == 1)
        return add_filter(im, s, task_id, e);
    if (rc == 0)
        im->result->items++;
    else if (why.code == ERR_INVALID)
        return sample_error(s, "a metric is named twice", e);
    else if (e)
        *e = why;
    return rc;
}

static int read_samples(struct import *im, const char *path, const char *bytes, size_t n,
                        int64_t task_id, struct err *e)
{
    struct json_lines l = {path, bytes, bytes + n, 0};
    int rc;

    for (;;) {
        struct sample s = {.path = path};
        rc = json_lines_next(&l, &s.row, e);
        s.line = l.line;
        if (rc == 1) {
            rc = sample_read(&s, e);
            if (rc == 0)
                rc = keep_sample(im, &s, task_id, e) < 0 ? -1 : 1;
        }
        sample_release(&s);
        if (rc != 1)
            break;
    }
    return rc < 0 || db_run(im->db, SQL_TASK_EXPECT_KEPT, e, "i", task_id) < 0 ? -1 : 0;
}

/* A samples file alone: lm-eval puts the model into the folder's name and the task into the
 * file's: MODEL/samples_TASK_STAMP.jsonl. */
int import_lmeval_samples(struct import *im, struct err *e)
{
    const char *base = path_base(im->path);
    const char *slash = base > im->path ? base - 1 : NULL, *folder = slash;
    const char *name = strncmp(base, "samples_", 8) == 0 ? base + 8 : base;
    const char *stop = strrchr(name, '_');
    char *model = NULL, *task = NULL;
    struct store_model m = {.parameters = -1, .parameters_non_embedding = -1,
                            .parameters_embedding = -1, .parameters_active = -1,
                            .file_bytes = -1, .bits_per_weight = NAN};
    struct store_task t = {.version = -1, .shots = -1};
    int64_t id;
    int rc = -1;

    if (!stop || stop == name || name == base)
        stop = name + strcspn(name, ".");
    while (folder && folder > im->path && folder[-1] != '/')
        folder--;
    model = folder && folder < slash ? mem_strndup(folder, (size_t)(slash - folder))
                                     : mem_strdup("unknown");
    task = stop > name ? mem_strndup(name, (size_t)(stop - name)) : mem_strdup("samples");
    if (!model || !task) {
        err_nomem(e);
        goto out;
    }
    m.name = model;
    t.task = task;
    if (import_run(im, &m, "{}", e) < 0 || import_task(im, &t, &id, e) < 0 ||
        read_samples(im, im->path, im->bytes, im->n_bytes, id, e) < 0)
        goto out;
    rc = 0;
out:
    mem_free(model);
    mem_free(task);
    return rc;
}
