/* exchange_json_in.c -- a run out of the document that `export --format json` wrote.
 *
 * The document is walked by its text and parsed piece by piece: what is JSON itself in the database
 * (settings, documents, captures) keeps its very bytes, so that hashes over them stay true, and a
 * large file needs no tree.  Where the document tells the hash of the run's content, what was read
 * has to have it. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "results/exchange_internal.h"
#include "results/probes.h"

struct piece { /* a value's text; s NULL: there is none */
    const char *s;
    size_t n;
};
struct taking {
    struct import *im;
    struct err *e;
    struct strbuf where; /* "file: items[3]" */
    struct arena arena;  /* of one piece */
    int failed;
};

/* --- the text ----------------------------------------------------------------------------- */

static const char *blanks(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
        p++;
    return p;
}

static const char *string_end(const char *p, const char *end)
{
    for (p++; p < end && *p != '"'; p++)
        p += *p == '\\';
    return p < end ? p + 1 : end;
}

/* The value at p: its end.  What is no JSON ends somewhere, and is found when it is parsed. */
static const char *value_end(const char *p, const char *end)
{
    int depth = 0;

    while (p < end) {
        if (*p == '"') {
            p = string_end(p, end);
        } else {
            depth += *p == '{' || *p == '[';
            if (depth == 0 && (*p == ',' || *p == '}' || *p == ']' || *p == ':'))
                return p;
            depth -= *p == '}' || *p == ']';
            p++;
        }
        if (depth == 0 && (p[-1] == '"' || p[-1] == '}' || p[-1] == ']'))
            return p;
    }
    return end;
}

/* The next value inside an array or object, after *p; 0 at its end.  Of an object also its key. */
static int next_in(const char **p, const char *end, struct piece *key, struct piece *value)
{
    const char *s = blanks(*p, end);

    if (s < end && *s == ',')
        s = blanks(s + 1, end);
    if (s >= end || *s == ']' || *s == '}')
        return 0;
    if (key) {
        const char *stop = value_end(s, end);
        *key = (struct piece){s, (size_t)(stop - s)};
        s = blanks(stop, end);
        s = s < end && *s == ':' ? blanks(s + 1, end) : s;
    }
    *p = value_end(s, end);
    while (*p > s && (*p)[-1] <= ' ' && (*p)[-1] >= 0)
        --*p;
    if (*p == s && !key) /* nothing that could be a value */
        return 0;
    *value = (struct piece){s, (size_t)(*p - s)};
    return 1;
}

/* A key that has no value, the text being cut there, is none. */
static struct piece member(struct piece object, const char *name)
{
    const char *p = object.s ? object.s + 1 : NULL, *end = object.s ? object.s + object.n : NULL;
    struct piece key, value;
    size_t n = strlen(name);

    while (p && p < end && next_in(&p, end, &key, &value))
        if (key.n == n + 2 && memcmp(key.s + 1, name, n) == 0 && value.n > 0)
            return value;
    return (struct piece){NULL, 0};
}

/* --- what is taken from it: after the first failure nothing is ---------------------------- */

static void refuse(struct taking *t, const char *key, const char *what)
{
    if (!t->failed)
        err_set(t->e, ERR_FORMAT, "%s: \"%s\" %s", strbuf_str(&t->where), key, what);
    t->failed = 1;
}

static cJSON *parse(struct taking *t, struct piece p, const char *what)
{
    cJSON *j = NULL;

    if (!p.s)
        refuse(t, what, "is missing");
    if (!t->failed)
        j = json_parse(p.s, p.n, strbuf_str(&t->where), t->e);
    if (!t->failed && j && !cJSON_IsObject(j))
        refuse(t, what, "is not an object");
    t->failed |= !j;
    return j;
}

static const char *text(struct taking *t, const cJSON *j, const char *key)
{
    const cJSON *v = json_get(j, key);

    if (v && !cJSON_IsString(v) && !cJSON_IsNull(v))
        refuse(t, key, "is not a text");
    return v && cJSON_IsString(v) ? v->valuestring : NULL;
}

static const char *needed(struct taking *t, const cJSON *j, const char *key)
{
    const char *s = text(t, j, key);

    if (!s)
        refuse(t, key, "is missing");
    return s ? s : "";
}

static double number(struct taking *t, const cJSON *j, const char *key)
{
    const cJSON *v = json_get(j, key);

    if (v && !cJSON_IsNumber(v) && !cJSON_IsNull(v))
        refuse(t, key, "is not a number");
    return v && cJSON_IsNumber(v) ? v->valuedouble : NAN;
}

static double number_or_0(struct taking *t, const cJSON *j, const char *key)
{
    double v = number(t, j, key);

    return isnan(v) ? 0 : v;
}

/* -1: not known. */
static int64_t count(struct taking *t, const cJSON *j, const char *key, double most)
{
    double v = number(t, j, key);

    if (!isnan(v) && !(v >= 0 && v <= most && v == floor(v)))
        refuse(t, key, "is not a count");
    return isnan(v) || t->failed ? -1 : (int64_t)v;
}

#define COUNT_MOST 9007199254740992.0 /* what a double has of whole numbers */
#define INT_MOST 2147483647.0

static int small(struct taking *t, const cJSON *j, const char *key)
{
    return (int)count(t, j, key, INT_MOST);
}

static int truth(struct taking *t, const cJSON *j, const char *key)
{
    const cJSON *v = json_get(j, key);

    if (v && !cJSON_IsBool(v) && !cJSON_IsNull(v))
        refuse(t, key, "is neither true nor false");
    return v && cJSON_IsBool(v) ? cJSON_IsTrue(v) : -1;
}

/* A member that is JSON in the database, too: its bytes; NULL for null. */
static const char *raw(struct taking *t, struct piece object, const char *key)
{
    struct piece p = member(object, key);
    const char *s = NULL;

    if (t->failed || !p.s || (p.n == 4 && memcmp(p.s, "null", 4) == 0))
        return NULL;
    s = arena_strndup(&t->arena, p.s, p.n);
    if (!s) {
        err_nomem(t->e);
        t->failed = 1;
    }
    return s;
}

static void *room(struct taking *t, size_t n, size_t size)
{
    void *v = arena_alloc(&t->arena, (n + 1) * size);

    if (!v) {
        err_nomem(t->e);
        t->failed = 1;
        return NULL;
    }
    memset(v, 0, (n + 1) * size);
    return v;
}

static const struct store_value *values(struct taking *t, const cJSON *j, int *n)
{
    const cJSON *list = json_get(j, "values"), *one;
    struct store_value *v = room(t, (size_t)cJSON_GetArraySize(list), sizeof *v);

    *n = 0;
    cJSON_ArrayForEach(one, list)
        if (!t->failed)
            v[(*n)++] = (struct store_value){needed(t, one, "metric"), needed(t, one, "filter"),
                                             number(t, one, "value"), number(t, one, "stderr"),
                                             number(t, one, "low"), number(t, one, "high")};
    return v;
}

/* Where it is not the one in the list. */
static void take_places(struct taking *t, int64_t task_id, const struct store_task_result *r,
                        const cJSON *list)
{
    const cJSON *one;
    int i = 0;

    cJSON_ArrayForEach(one, list) {
        const struct store_value *v = &r->values[i++];
        int place = small(t, one, "idx");
        if (!t->failed && place >= 0 &&
            db_run(t->im->db, SQL_VALUE_PLACE, t->e, "nitt", place, task_id, v->metric,
                   v->filter) < 0)
            t->failed = 1;
    }
}

/* --- parts of a run ----------------------------------------------------------------------- */

static void take_task(struct taking *t, const cJSON *j, struct piece p)
{
    const struct store_task row = {.task = needed(t, j, "task"), .version = small(t, j, "version"),
                                   .shots = small(t, j, "shots"),
                                   .n_expected = small(t, j, "n_expected"),
                                   .data_sha256 = text(t, j, "data_sha256")};
    struct store_task_result r = {.task = row.task, .n = small(t, j, "n_scored")};
    const cJSON *list = json_get(j, "cost"), *one;
    struct store_cost *costs = room(t, (size_t)cJSON_GetArraySize(list), sizeof *costs);
    int64_t id;

    (void)p;
    r.values = values(t, j, &r.n_values);
    r.costs = costs;
    cJSON_ArrayForEach(one, list)
        if (!t->failed)
            costs[r.n_costs++] = (struct store_cost){
                one->string ? one->string : "", cJSON_IsNumber(one) ? one->valuedouble : NAN};
    if (t->failed || (r.n < 0 && r.n_values + r.n_costs == 0 &&
                      import_task(t->im, &row, &id, t->e) == 0))
        return;
    if (import_task(t->im, &row, &id, t->e) < 0 ||
        put_task_result(t->im->db, id, &r, t->e) < 0)
        t->failed = 1;
    else
        take_places(t, id, &r, json_get(j, "values"));
    t->im->result->values += r.n_values;
}

static void take_item(struct taking *t, const cJSON *j, struct piece p)
{
    const cJSON *requests = json_get(j, "requests"), *metrics = json_get(j, "metrics"), *one;
    struct store_request *q = room(t, (size_t)cJSON_GetArraySize(requests), sizeof *q);
    struct store_metric *m = room(t, (size_t)cJSON_GetArraySize(metrics), sizeof *m);
    struct store_item it = {
        .task = needed(t, j, "task"), .doc_id = small(t, j, "doc_id"),
        .doc_hash = text(t, j, "doc_hash"), .prompt_hash = text(t, j, "prompt_hash"),
        .doc = raw(t, p, "doc"), .arguments = raw(t, p, "arguments"),
        .cluster = text(t, j, "cluster"), .gold = text(t, j, "gold"),
        .prediction = text(t, j, "prediction"), .gold_index = small(t, j, "gold_index"),
        .output = text(t, j, "output"), .error = text(t, j, "error"),
        .filtered = raw(t, p, "filtered"), .latency_s = number(t, j, "latency_s"),
        .ttft_s = number(t, j, "ttft_s"), .prompt_tokens = count(t, j, "prompt_tokens", COUNT_MOST),
        .computed_tokens = count(t, j, "computed_tokens", COUNT_MOST),
        .reused_tokens = count(t, j, "reused_tokens", COUNT_MOST),
        .generated_tokens = count(t, j, "generated_tokens", COUNT_MOST),
        .cached_tokens = count(t, j, "cached_tokens", COUNT_MOST), .metrics = m, .requests = q};
    int64_t id;
    int found = 0, rc;

    cJSON_ArrayForEach(one, requests)
        if (!t->failed)
            q[it.n_requests++] = (struct store_request){
                number(t, one, "loglikelihood"), truth(t, one, "is_greedy"),
                small(t, one, "n_tokens"), small(t, one, "n_bytes")};
    cJSON_ArrayForEach(one, metrics)
        if (!t->failed)
            m[it.n_metrics++] = (struct store_metric){
                .metric = needed(t, one, "metric"), .filter = needed(t, one, "filter"),
                .value = number(t, one, "value"), .weight = number(t, one, "weight")};
    if (it.doc_id < 0)
        refuse(t, "doc_id", "is missing");
    if (t->failed)
        return;
    if (db_get_int(t->im->db, SQL_TASK_ID, &id, &found, t->e, "it", t->im->run_id, it.task) < 0)
        t->failed = 1;
    else if (!found)
        refuse(t, "task", "is none of the run's");
    else if ((rc = put_item(t->im->db, id, &it, t->e)) < 0)
        t->failed = 1;
    else if (rc > 0)
        refuse(t, "doc_id", "is there twice");
    t->im->result->items++;
}

static const struct store_served *served(struct taking *t, const cJSON *j, struct piece p, int *n)
{
    struct piece list = member(p, "requests"), one;
    const char *at = list.s ? list.s + 1 : NULL, *end = list.s ? list.s + list.n : NULL;
    struct store_served *v =
        room(t, (size_t)cJSON_GetArraySize(json_get(j, "requests")), sizeof *v);
    const cJSON *q;

    *n = 0;
    cJSON_ArrayForEach(q, json_get(j, "requests")) {
        if (t->failed || !next_in(&at, end, NULL, &one))
            break;
        v[(*n)++] = (struct store_served){
            needed(t, q, "state"), text(t, q, "reason"), number_or_0(t, q, "arrival_s"),
            number(t, q, "start_s"), number(t, q, "first_s"), number(t, q, "last_s"),
            number_or_0(t, q, "end_s"), small(t, q, "prompt_tokens"),
            small(t, q, "wanted_tokens"), small(t, q, "generated_tokens"),
            raw(t, one, "token_s"), text(t, q, "output_sha256")};
    }
    return v;
}

static void take_bench(struct taking *t, const cJSON *j, struct piece p)
{
    const cJSON *list = json_get(j, "samples_s"), *one;
    double *samples = room(t, (size_t)cJSON_GetArraySize(list), sizeof *samples);
    struct store_bench b = {.test = needed(t, j, "test"), .depth = small(t, j, "depth"),
                            .batch = small(t, j, "batch"), .threads = small(t, j, "threads"),
                            .device = text(t, j, "device"), .rival = text(t, j, "rival"),
                            .samples = samples, .tokens = count(t, j, "tokens", COUNT_MOST),
                            .noise = raw(t, p, "noise")};
    int rc;

    cJSON_ArrayForEach(one, list)
        if (!t->failed && !cJSON_IsNumber(one))
            refuse(t, "samples_s", "are not numbers");
        else if (!t->failed)
            samples[b.n_samples++] = one->valuedouble;
    b.values = values(t, j, &b.n_values);
    b.served = served(t, j, p, &b.n_served);
    if (t->failed)
        return;
    if ((rc = put_bench(t->im->db, t->im->run_id, &b, t->e)) < 0)
        t->failed = 1;
    else if (rc > 0)
        refuse(t, "test", "is there twice");
    t->im->result->bench_rows++;
}

/* Rows of a subject are numbered in their order. */
static void take_energy(struct taking *t, const cJSON *j, struct piece p)
{
    const char *subject = needed(t, j, "subject"), *source = needed(t, j, "source"),
               *channel = needed(t, j, "channel"), *origin = needed(t, j, "origin");
    double seconds = number_or_0(t, j, "seconds"), joules = number(t, j, "joules"),
           gap_s = number(t, j, "gap_s");
    int64_t n = 0, samples = count(t, j, "samples", COUNT_MOST);
    int headline = truth(t, j, "headline");

    (void)p;
    if (t->failed || db_get_int(t->im->db, SQL_ENERGY_COUNT, &n, NULL, t->e, "it", t->im->run_id,
                                subject) < 0 ||
        db_run(t->im->db, SQL_ENERGY_PUT, t->e, "itittt" "nddidt", t->im->run_id, subject, n,
               source, channel, origin, headline > 0, seconds, joules, samples > 0 ? samples : 0,
               gap_s, text(t, j, "reason")) < 0)
        t->failed = 1;
}

static void take_probe(struct taking *t, const cJSON *j, struct piece p)
{
    const cJSON *list = json_get(j, "values"), *one;
    struct store_probe_value *v = room(t, (size_t)cJSON_GetArraySize(list), sizeof *v);
    struct store_probe row = {.probe = needed(t, j, "probe"), .task = needed(t, j, "task"),
                              .metric = text(t, j, "metric"), .settings = raw(t, p, "settings"),
                              .numerics_id = needed(t, j, "numerics_id"),
                              .program_version = text(t, j, "program_version"),
                              .version = small(t, j, "version"), .n_items = small(t, j, "n_items"),
                              .values = v, .created = needed(t, j, "created")};

    cJSON_ArrayForEach(one, list)
        if (!t->failed)
            v[row.n_values++] = (struct store_probe_value){
                needed(t, one, "name"), number(t, one, "value"), number(t, one, "stderr")};
    if (!row.settings)
        refuse(t, "settings", "is missing");
    if (!t->failed && put_probe(t->im->db, t->im->run_id, &row, t->e) < 0)
        t->failed = 1;
}

/* Each element of an array of the document. */
static void each(struct taking *t, struct piece document, const char *name,
                 void (*take)(struct taking *t, const cJSON *j, struct piece p))
{
    struct piece list = member(document, name), one;
    const char *at = list.s ? list.s + 1 : NULL, *end = list.s ? list.s + list.n : NULL;

    strbuf_clear(&t->where);
    strbuf_addf(&t->where, "%s", t->im->path);
    if (list.s && *list.s != '[')
        refuse(t, name, "is not a list");
    for (int i = 0; list.s && !t->failed && next_in(&at, end, NULL, &one); i++) {
        cJSON *j;
        strbuf_clear(&t->where);
        strbuf_addf(&t->where, "%s: %s[%d]", t->im->path, name, i);
        j = parse(t, one, name);
        if (!t->failed)
            take(t, j, one);
        json_free(j);
        arena_release(&t->arena);
    }
}

/* --- the run itself ----------------------------------------------------------------------- */

static void take_model(struct taking *t, const cJSON *run, struct piece p, int64_t *id)
{
    const cJSON *j = json_get(run, "model"), *n = json_get(j, "parameters");
    struct store_model m = {
        .name = needed(t, j, "name"), .path = text(t, j, "path"), .sha256 = text(t, j, "sha256"),
        .architecture = text(t, j, "architecture"), .licence = text(t, j, "licence"),
        .tensor_types = raw(t, member(p, "model"), "tensor_types"),
        .parameters = count(t, n, "total", COUNT_MOST),
        .parameters_non_embedding = count(t, n, "non_embedding", COUNT_MOST),
        .parameters_embedding = count(t, n, "embedding", COUNT_MOST),
        .parameters_active = count(t, n, "active", COUNT_MOST),
        .file_bytes = count(t, j, "file_bytes", COUNT_MOST),
        .bits_per_weight = number(t, j, "bits_per_weight")};

    if (!t->failed && add_model(t->im->db, &m, id, t->e) < 0)
        t->failed = 1;
}

static void take_machine(struct taking *t, const cJSON *run, struct piece p, int64_t *id)
{
    const cJSON *j = json_get(run, "machine");
    struct store_machine m = {text(t, j, "name"), raw(t, member(p, "machine"), "capture")};

    if (!t->failed && m.json && put_machine(t->im->db, &m, id, t->e) < 0)
        t->failed = 1;
}

static void take_sessions(struct taking *t, const cJSON *run, struct piece p)
{
    enum { SESSIONS_MOST = 10000 };
    int n = (int)count(t, run, "sessions", SESSIONS_MOST);
    const char *created = text(t, run, "created"), *ended = text(t, run, "ended");
    const char *before = raw(t, p, "noise_before"), *after = raw(t, p, "noise_after");

    for (int i = 0; i < n && !t->failed; i++)
        if (db_run(t->im->db, SQL_SESSION_AS_IT_WAS, t->e, "itttt", t->im->run_id, created, ended,
                   i == n - 1 ? before : NULL, i == n - 1 ? after : NULL) < 0)
            t->failed = 1;
}

static int is_id(const char *id)
{
    size_t n = strspn(id, "0123456789abcdef");

    return n >= 8 && n < RUN_ID_SIZE && id[n] == 0;
}

/* The content that was taken has the hash that the document tells.  Where it is here already, under
 * the same name, all that was taken is dropped again: its model's counts and probes, too, which the
 * hash does not cover. */
static void check_content(struct taking *t, const cJSON *run)
{
    const char *id = needed(t, run, "id"), *content = text(t, run, "content_sha256");
    struct import *im = t->im;
    char hex[SHA256_HEX];
    int64_t here;
    int found = 0;

    if (t->failed || !content)
        return;
    if (db_run(im->db, SQL_RUN_SUMS, t->e, "i", im->run_id) < 0 ||
        seal_hash(im->db, im->run_id, hex, t->e) < 0 ||
        db_get_int(im->db, SQL_RUN_OF_CONTENT, &here, &found, t->e, "tt", id, hex) < 0)
        t->failed = 1;
    else if (strcmp(hex, content) != 0)
        refuse(t, "content_sha256",
               "is not that of the content: it was changed after it was written");
    if (t->failed || !found)
        return;
    if (db_exec(im->db, "ROLLBACK TO taken", t->e) < 0)
        t->failed = 1;
    im->run_id = here;
    *im->result = (struct import_result){.duplicate = 1, .format = im->format};
    snprintf(im->result->run_id, RUN_ID_SIZE, "%s", id);
}

static int run_name(struct import *im, struct err *e)
{
    struct stmt st;
    int rc = db_query(im->db, &st, SQL_RUN_NAME, e, "i", im->run_id);

    if (rc == 0 && (rc = db_step(&st, e)) == 1) {
        const char *run = db_text(&st, 0);
        snprintf(im->result->run_id, RUN_ID_SIZE, "%s", run ? run : "");
    }
    db_done(&st);
    return rc < 0 ? -1 : 0;
}

/* The row under its own name where that is free, with its own times. */
static void take_row(struct taking *t, const cJSON *run, struct piece p)
{
    struct import *im = t->im;
    const char *id = needed(t, run, "id"), *created = needed(t, run, "created"),
               *hash = text(t, run, "settings_hash"), *label = text(t, run, "label");
    struct store_run_spec spec = {
        .command_line = text(t, run, "command_line"), .settings = raw(t, p, "settings"),
        .program_version = text(t, run, "program_version"),
        .numerics_id = text(t, run, "numerics_id"), .kernels = text(t, run, "kernels"),
        .device = text(t, run, "device"), .threads = small(t, run, "threads"),
        .seed = count(t, run, "seed", COUNT_MOST)};
    struct run_new n = {.kind = needed(t, run, "kind"), .status = needed(t, run, "status"),
                        .source = text(t, run, "source"), .machine_id = -1};
    char key[SHA256_HEX + 8], sha[SHA256_HEX];

    if (!t->failed && !is_id(id))
        refuse(t, "id", "is not the id of a run");
    if (!t->failed && strcmp(n.kind, "eval") != 0 && strcmp(n.kind, "bench") != 0 &&
        strcmp(n.kind, "import") != 0)
        refuse(t, "kind", "is neither eval, bench nor import");
    if (!t->failed && strcmp(n.status, "complete") != 0)
        refuse(t, "status", "is not complete: only runs that ended well are taken");
    if (!t->failed && !spec.settings)
        refuse(t, "settings", "is missing");
    else if (!t->failed && sha256_bytes(sha, spec.settings, strlen(spec.settings), t->e) < 0)
        t->failed = 1;
    if (!t->failed && hash && strcmp(hash, sha) != 0)
        refuse(t, "settings_hash", "is not that of the settings");
    take_model(t, run, p, &n.model_id);
    take_machine(t, run, p, &n.machine_id);
    snprintf(key, sizeof key, "import:%s", im->hash);
    n.key = key;
    if (t->failed || import_label(im, &label, t->e) < 0 ||
        put_run(im->db, &n, &spec, &im->run_id, im->result->run_id, t->e) < 0 ||
        db_run(im->db, SQL_RUN_AS_IT_WAS, t->e, "tttti", id, label, created,
               text(t, run, "ended"), im->run_id) < 0 ||
        run_name(im, t->e) < 0)
        t->failed = 1;
    take_sessions(t, run, p);
    im->result->runs++;
}

static void take_run(struct taking *t, struct piece document)
{
    static const struct {
        const char *name;
        void (*take)(struct taking *t, const cJSON *j, struct piece p);
    } lists[] = {{"tasks", take_task}, {"bench", take_bench}, {"energy", take_energy},
                 {"probes", take_probe}, {"items", take_item}};
    struct piece p = member(document, "run");
    cJSON *run = parse(t, p, "run");

    take_row(t, run, p);
    arena_release(&t->arena);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        each(t, document, lists[i].name, lists[i].take);
    strbuf_clear(&t->where);
    strbuf_adds(&t->where, t->im->path);
    check_content(t, run);
    json_free(run);
}

int import_export(struct import *im, struct err *e)
{
    struct err own = ERR_NONE;
    struct taking t = {.im = im, .e = e ? e : &own};
    const char *start = blanks(im->bytes, im->bytes + im->n_bytes);
    const char *end = value_end(start, im->bytes + im->n_bytes);
    struct piece document = {start, (size_t)(end - start)};

    strbuf_adds(&t.where, im->path);
    if (blanks(end, im->bytes + im->n_bytes) != im->bytes + im->n_bytes || end[-1] != '}')
        refuse(&t, "run", "is not in one document: the file is cut off, or goes on after its end");
    if (!t.failed && db_exec(im->db, "SAVEPOINT taken", t.e) < 0)
        t.failed = 1;
    take_run(&t, document);
    t.failed |= t.where.failed;
    strbuf_release(&t.where);
    arena_release(&t.arena);
    return t.failed ? -1 : 0;
}
