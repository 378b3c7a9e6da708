/* exchange_llamabench.c -- what llama-bench prints with -o json (an array) or -o jsonl.
 *
 * A run here is one model with one set of settings; llama-bench repeats both in every row, so rows
 * with the same model and settings share a run.  avg_ts is tokens per second, samples_ns are
 * nanoseconds per repetition. */
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "results/exchange_internal.h"

#define GROUPS_MAX 1000
#define SAMPLES_MAX 100000

/* What may change a result, as far as rows differ in it; the grid itself (n_prompt, n_gen,
 * n_depth, n_threads) is in the rows. */
static const char *const setting_keys[] = {
    "build_commit", "build_number", "cpu_info", "gpu_info", "backends", "model_type", "n_batch",
    "n_ubatch", "cpu_mask", "cpu_strict", "poll", "type_k", "type_v", "n_gpu_layers", "n_cpu_moe",
    "split_mode", "main_gpu", "no_kv_offload", "flash_attn", "devices", "tensor_split",
    "tensor_buft_overrides", "use_mmap", "load_mode", "embeddings", "no_op_offload", "no_host",
};

struct group {
    char *key; /* model and settings */
    int64_t run_id;
};

struct benches {
    struct import *im;
    size_t row; /* line in JSONL, else the number of the record */
    const char *unit;
    struct group groups[GROUPS_MAX];
    int n_groups;
    struct strbuf settings, test;
    double *samples;
    size_t cap_samples;
};

static int bad(struct benches *b, const char *what, struct err *e)
{
    return err_set(e, ERR_FORMAT, "%s:%s%zu: %s", b->im->path, b->unit, b->row, what);
}

/* A whole number in [0, 1e9], or -1. */
static int count_of(const cJSON *row, const char *key)
{
    double v = json_num(row, key, -1);

    return v >= 0 && v <= 1e9 && v == floor(v) ? (int)v : -1;
}

static int settings_of(struct benches *b, const cJSON *row, struct err *e)
{
    struct json_out o = JSON_OUT(&b->settings);

    strbuf_clear(&b->settings);
    json_begin_object(&o, NULL);
    for (size_t i = 0; i < sizeof setting_keys / sizeof setting_keys[0]; i++) {
        const cJSON *v = json_get(row, setting_keys[i]);
        char *text = v ? cJSON_PrintUnformatted(v) : NULL;
        if (v && !text)
            return err_nomem(e);
        if (text)
            json_put_raw(&o, setting_keys[i], text);
        cJSON_free(text);
    }
    json_end_object(&o);
    return strbuf_ok(&b->settings, e);
}

static int new_run(struct benches *b, const cJSON *row, struct group *g, struct err *e)
{
    const char *file = json_str(row, "model_filename");
    double parameters = json_num(row, "model_n_params", -1);
    double bytes = json_num(row, "model_size", -1);
    struct store_model m = {
        .name = path_base(file), .path = file, .parameters_non_embedding = -1,
        .parameters_embedding = -1, .parameters_active = -1,
        .parameters = parameters >= 0 && parameters < 1e18 ? (int64_t)parameters : -1,
        .file_bytes = bytes >= 0 && bytes < 1e18 ? (int64_t)bytes : -1,
        .bits_per_weight = parameters > 0 && bytes > 0 ? 8 * bytes / parameters : NAN,
    };

    if (import_run(b->im, &m, b->settings.s, e) < 0)
        return -1;
    g->run_id = b->im->run_id;
    return 0;
}

static int find_group(struct benches *b, const cJSON *row, struct group **out, struct err *e)
{
    const char *file = json_str(row, "model_filename");
    struct strbuf key = STRBUF_INIT;
    struct group *g = NULL;
    int rc = -1;

    if (!file || !*file)
        return bad(b, "no \"model_filename\"", e);
    if (settings_of(b, row, e) < 0)
        return -1;
    strbuf_addf(&key, "%s\n%s", file, b->settings.s);
    if (strbuf_ok(&key, e) < 0)
        goto out;
    for (int i = 0; i < b->n_groups && !g; i++)
        if (strcmp(b->groups[i].key, key.s) == 0)
            g = &b->groups[i];
    if (!g) {
        if (b->n_groups == GROUPS_MAX) {
            bad(b, "more than 1000 models and settings", e);
            goto out;
        }
        g = &b->groups[b->n_groups];
        if (new_run(b, row, g, e) < 0)
            goto out;
        g->key = strbuf_take(&key);
        b->n_groups++;
    }
    *out = g;
    rc = 0;
out:
    strbuf_release(&key);
    return rc;
}

static int read_samples(struct benches *b, const cJSON *row, struct store_bench *out,
                        struct err *e)
{
    const cJSON *list = json_get(row, "samples_ns"), *v;
    size_t n = 0;

    cJSON_ArrayForEach(v, list) {
        if (!cJSON_IsNumber(v) || !isfinite(v->valuedouble) || v->valuedouble < 0)
            return bad(b, "\"samples_ns\" has something that is no time", e);
        if (n == SAMPLES_MAX)
            return bad(b, "more than 100000 samples", e);
        if (mem_grow(&b->samples, &b->cap_samples, n + 1, sizeof *b->samples) < 0)
            return err_nomem(e);
        b->samples[n++] = v->valuedouble / 1e9;
    }
    out->samples = b->samples;
    out->n_samples = (int)n;
    return 0;
}

static int name_test(struct benches *b, const cJSON *row, struct store_bench *out, struct err *e)
{
    int pp = count_of(row, "n_prompt"), tg = count_of(row, "n_gen");

    if (pp < 0 || tg < 0 || pp + tg == 0)
        return bad(b, "\"n_prompt\" and \"n_gen\" are not what was measured", e);
    strbuf_clear(&b->test);
    if (pp)
        strbuf_addf(&b->test, "pp%d", pp);
    if (tg)
        strbuf_addf(&b->test, "%stg%d", pp ? "+" : "", tg);
    out->test = b->test.s;
    out->tokens = (int64_t)pp + tg;
    return strbuf_ok(&b->test, e);
}

static int read_row(struct benches *b, const cJSON *row, struct err *e)
{
    struct store_value speed = {"tok_s", NULL, json_num(row, "avg_ts", NAN), NAN, NAN, NAN};
    double spread = json_num(row, "stddev_ts", NAN);
    struct store_bench bench = {.batch = 1, .rival = "llama-bench", .values = &speed,
                                .n_values = 1};
    const char *device = json_str(row, "backends");
    struct group *g = NULL;
    int depth = count_of(row, "n_depth"), threads = count_of(row, "n_threads"), rc;

    if (!cJSON_IsObject(row))
        return bad(b, "not a JSON object", e);
    if (!isfinite(speed.value) || speed.value < 0)
        return bad(b, "no \"avg_ts\"", e);
    if (name_test(b, row, &bench, e) < 0 || read_samples(b, row, &bench, e) < 0 ||
        find_group(b, row, &g, e) < 0)
        return -1;
    if (bench.n_samples > 1 && spread >= 0)
        speed.stderr_ = spread / sqrt(bench.n_samples);
    bench.depth = depth > 0 ? depth : 0;
    bench.threads = threads > 0 ? threads : 0;
    bench.device = device ? device : "";
    b->im->run_id = g->run_id;
    rc = put_bench(b->im->db, g->run_id, &bench, e);
    if (rc == 1) { /* measured once more: a run of its own */
        if (new_run(b, row, g, e) < 0)
            return -1;
        rc = put_bench(b->im->db, g->run_id, &bench, e);
    }
    b->im->result->bench_rows++;
    return rc < 0 ? -1 : 0;
}

static int read_array(struct benches *b, struct err *e)
{
    struct import *im = b->im;
    cJSON *list = json_parse(im->bytes, im->n_bytes, im->path, e);
    const cJSON *row;
    int rc = list ? 0 : -1;

    b->unit = "record ";
    cJSON_ArrayForEach(row, list) {
        b->row++;
        if ((rc = read_row(b, row, e)) < 0)
            break;
    }
    json_free(list);
    return rc;
}

static int read_lines(struct benches *b, struct err *e)
{
    struct import *im = b->im;
    struct json_lines l = {im->path, im->bytes, im->bytes + im->n_bytes, 0};
    cJSON *row;
    int rc;

    b->unit = "";
    while ((rc = json_lines_next(&l, &row, e)) == 1) {
        b->row = l.line;
        rc = read_row(b, row, e);
        json_free(row);
        if (rc < 0)
            break;
    }
    return rc;
}

int import_llamabench(struct import *im, struct err *e)
{
    struct benches *b = mem_calloc(1, sizeof *b);
    int rc;

    if (!b)
        return err_nomem(e);
    b->im = im;
    rc = import_first(im) == '[' ? read_array(b, e) : read_lines(b, e);
    for (int i = 0; i < b->n_groups; i++)
        mem_free(b->groups[i].key);
    strbuf_release(&b->settings);
    strbuf_release(&b->test);
    mem_free(b->samples);
    mem_free(b);
    return rc;
}
