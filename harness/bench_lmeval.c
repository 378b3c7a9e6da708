/* bench_lmeval.c -- bench --versus-lm-eval SAMPLES: the requests that an lm-eval run has logged are
 * asked here, answer by answer, and timed as one evaluation.
 *
 * lm-eval is not run: its times are those that it wrote (or that are given), so that they have no
 * interval here, and only ours are repeated.  Nothing is kept from repeat to repeat. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "harness/bench_impl.h"
#include "harness/evaluate.h"
#include "harness/open.h"
#include "harness/versus_lmeval.h"
#include "results/exchange.h"

enum { RESULTS_BYTES = 1 << 28 };

struct theirs {
    struct arena arena; /* the texts */
    struct pair *pairs;
    struct lmeval_answer *answers; /* of both sides, one per pair */
    size_t n, cap_pairs, cap_answers;
    int n_items;
    int left_out; /* items that generate */
    double seconds; /* NAN: not known */
    const char *why; /* it is not */
};

static void theirs_release(struct theirs *t)
{
    arena_release(&t->arena);
    mem_free(t->pairs);
    mem_free(t->answers);
}

/* --- reading ------------------------------------------------------------------------------ */

static int add_request(struct theirs *t, const cJSON *pair, const struct store_item *it, int i,
                       struct err *e)
{
    const char *context = cJSON_GetStringValue(cJSON_GetArrayItem(pair, 0));
    const char *next = cJSON_GetStringValue(cJSON_GetArrayItem(pair, 1));

    if (!context || !next)
        return err_set(e, ERR_FORMAT, "item %d: request %d has no context and continuation",
                       it->doc_id, i);
    if (mem_grow(&t->pairs, &t->cap_pairs, t->n + 1, sizeof *t->pairs) < 0 ||
        mem_grow(&t->answers, &t->cap_answers, t->n + 1, sizeof *t->answers) < 0)
        return err_nomem(e);
    t->pairs[t->n] = (struct pair){arena_strdup(&t->arena, context),
                                   arena_strdup(&t->arena, next)};
    t->answers[t->n] = (struct lmeval_answer){
        .item = t->n_items, .option = i, .gold = it->gold_index,
        .theirs = it->requests[i].loglikelihood, .theirs_greedy = it->requests[i].is_greedy};
    if (!t->pairs[t->n].context || !t->pairs[t->n].continuation)
        return err_nomem(e);
    t->n++;
    return 0;
}

static int add_item(struct theirs *t, const struct store_item *it, const char *path, struct err *e)
{
    cJSON *list;
    int rc = 0;

    if (it->n_requests == 0) {
        t->left_out++;
        return 0;
    }
    if (!it->arguments)
        return err_set(e, ERR_FORMAT, "%s: item %d has no \"arguments\"", path, it->doc_id);
    list = json_parse(it->arguments, strlen(it->arguments), path, e);
    if (!list)
        return -1;
    if (cJSON_GetArraySize(list) != it->n_requests)
        rc = err_set(e, ERR_FORMAT, "%s: item %d has %d requests and %d answers", path, it->doc_id,
                     cJSON_GetArraySize(list), it->n_requests);
    for (int i = 0; i < it->n_requests && rc == 0; i++)
        if ((rc = add_request(t, cJSON_GetArrayItem(list, i), it, i, e)) < 0)
            err_prefix(e, "%s", path);
    json_free(list);
    t->n_items++;
    return rc;
}

/* "results_STAMP.json" of "samples_TASK_STAMP.jsonl", or the path itself when it is one. */
static char *results_beside(const char *path)
{
    const char *base = path_base(path), *stamp = strrchr(base, '_');
    struct strbuf b = STRBUF_INIT;

    if (strncmp(base, "results_", 8) == 0)
        return mem_strdup(path);
    if (strncmp(base, "samples_", 8) != 0 || !stamp || strlen(stamp) < 7)
        return NULL;
    strbuf_add(&b, path, (size_t)(base - path));
    strbuf_addf(&b, "results%.*s.json", (int)(strlen(stamp) - 6), stamp);
    return strbuf_take(&b);
}

/* lm-eval's wall time, where it covers just the tasks that are compared. */
static void read_seconds(struct theirs *t, const char *path, int tasks)
{
    char *file = results_beside(path);
    cJSON *root = file && file_exists(file) ? json_read_python(file, RESULTS_BYTES, NULL) : NULL;
    const char *text = json_str(root, "total_evaluation_time_seconds");

    t->seconds = text ? strtod(text, NULL) : json_num(root, "total_evaluation_time_seconds", NAN);
    if (!root)
        t->why = "no results_*.json beside the samples; --lm-eval-seconds gives it";
    else if (cJSON_GetArraySize(json_get(root, "results")) != tasks || t->left_out)
        t->why = "lm-eval's time is of more than what is compared; --lm-eval-seconds gives it";
    else if (!(t->seconds > 0))
        t->why = "the results say no total_evaluation_time_seconds; --lm-eval-seconds gives it";
    if (t->why)
        t->seconds = NAN;
    json_free(root);
    mem_free(file);
}

static int read_theirs(struct theirs *t, const char *path, struct err *e)
{
    struct import_result im;
    struct item_iter *it = NULL;
    struct task_list tasks = {0};
    struct store_item row;
    struct store *s = NULL;
    int rc = -1;

    if (store_open(&s, ":memory:", NULL, e) < 0 || import_file(s, path, &im, e) < 0 ||
        query_tasks(s, im.run_id, &tasks, e) < 0 || query_items(s, im.run_id, NULL, &it, e) < 0)
        goto out;
    while ((rc = item_iter_next(it, &row, e)) > 0)
        if ((rc = add_item(t, &row, path, e)) < 0)
            break;
    if (rc == 0 && t->n == 0)
        rc = err_set(e, ERR_FORMAT, "%s: no request with a likelihood", path);
    if (rc == 0)
        read_seconds(t, path, (int)tasks.n);
out:
    item_iter_close(it);
    task_list_release(&tasks);
    store_close(s);
    return rc;
}

/* --- asking ------------------------------------------------------------------------------- */

static int ask(struct bench *b, struct theirs *t, double *seconds, int repeats, int64_t *tokens,
               struct err *e)
{
    struct encoder enc = make_encoder(b->c, runner_tokenizer(b->runner),
                                      runner_info(b->runner)->context_length);
    struct answer *a = mem_calloc(t->n, sizeof *a);
    int rc = a ? 0 : err_nomem(e);

    for (int i = 0; i < repeats && rc == 0; i++) {
        double start = meter_clock_s();
        rc = evaluate_pairs(b->runner, &enc, t->pairs, (int)t->n, a, b->c->stop, e);
        seconds[i] = meter_clock_s() - start;
    }
    *tokens = 0;
    for (size_t i = 0; i < t->n && rc == 0; i++) {
        t->answers[i].ours = a[i].loglikelihood;
        t->answers[i].ours_greedy = a[i].is_greedy;
        *tokens += a[i].n_context + a[i].n_tokens;
    }
    mem_free(a);
    return rc;
}

struct timing {
    double ours_s, low_s, high_s; /* median of the repeats and its interval */
    int64_t tokens;               /* of the requests as asked */
};

static int store_both(struct bench *b, const struct theirs *t, const double *seconds, int n,
                      const struct timing *w, const struct noise *noise, struct err *e)
{
    const struct model_info *m = runner_info(b->runner);
    double tokens = (double)w->tokens;
    struct strbuf text = STRBUF_INIT;
    struct json_out o = JSON_OUT(&text);
    const struct store_value own[] = {
        {"tok_s", "none", tokens / w->ours_s, NAN, tokens / w->high_s, tokens / w->low_s},
        {"peak_rss_bytes", "none", meter_peak_rss(), NAN, NAN, NAN},
    };
    const struct store_value rival[] = {
        {"tok_s", "none", tokens / t->seconds, NAN, NAN, NAN},
        {"speed_ratio", "none", t->seconds / w->ours_s, NAN, t->seconds / w->high_s,
         t->seconds / w->low_s},
    };
    struct store_bench row = {
        .test = "lm-eval", .batch = 1, .threads = m->threads, .device = m->device,
        .tokens = w->tokens, .samples = seconds, .n_samples = n, .values = own, .n_values = 2};
    int rc = -1;

    noise_json(&o, NULL, noise);
    row.noise = strbuf_str(&text);
    if (strbuf_ok(&text, e) == 0)
        rc = store_bench_add(b->run, &row, e);
    if (rc >= 0 && !isnan(t->seconds)) {
        row.rival = "lm-eval";
        row.samples = &t->seconds;
        row.n_samples = 1;
        row.values = rival;
        rc = store_bench_add(b->run, &row, e);
    }
    strbuf_release(&text);
    return rc < 0 ? -1 : 0;
}

static int say(struct bench *b, const struct theirs *t, const struct lmeval_agreement *a,
               const struct timing *w, struct err *e)
{
    struct strbuf *text = &b->profiles->lmeval_text, *json = &b->profiles->lmeval_json;
    struct json_out o = JSON_OUT(json);

    lmeval_agreement_text(text, b->model.model.name, a);
    strbuf_addf(text, "%.4g s here", w->ours_s);
    if (!isnan(w->low_s))
        strbuf_addf(text, " (%.4g..%.4g)", w->low_s, w->high_s);
    if (isnan(t->seconds))
        strbuf_addf(text, "; no time of lm-eval: %s\n", t->why);
    else
        strbuf_addf(text, ", %.4g s there\n", t->seconds);
    if (t->left_out)
        strbuf_addf(text, "%d items without likelihoods were left out\n", t->left_out);
    if (json->len)
        strbuf_addc(json, ',');
    json_begin_object(&o, NULL);
    json_put_str(&o, "model", b->model.model.name);
    lmeval_agreement_json(&o, a);
    json_put_num(&o, "seconds", w->ours_s);
    json_put_num(&o, "lm_eval_seconds", t->seconds);
    json_put_str(&o, "lm_eval_seconds_missing", t->why);
    json_end_object(&o);
    return strbuf_ok(text, e) < 0 ? -1 : strbuf_ok(json, e);
}

int lmeval_run(struct bench *b, struct err *e)
{
    const struct args *args = b->c->args;
    const char *root = args_str(args, "sysroot"), *path = args_str(args, "versus-lm-eval");
    int repeats = (int)args_int(args, "repeats"), done, rc = -1;
    double *seconds = mem_calloc((size_t)repeats * 2, sizeof *seconds), coverage;
    double *sorted = seconds ? seconds + repeats : NULL;
    struct noise_sample before, after;
    struct noise noise;
    struct theirs t = {.seconds = NAN};
    struct lmeval_agreement a;
    struct timing w;

    if (!seconds) {
        err_nomem(e);
        goto out;
    }
    if (bench_is_done(b, "lm-eval", &done, e) < 0 || read_theirs(&t, path, e) < 0)
        goto out;
    if (args_num(args, "lm-eval-seconds") > 0) {
        t.seconds = args_num(args, "lm-eval-seconds");
        t.why = NULL;
    }
    noise_sample(&before, root);
    meter_reset_peak();
    if (ask(b, &t, seconds, repeats, &w.tokens, e) < 0)
        goto out;
    noise_sample(&after, root);
    noise_between(&noise, &before, &after, 0);
    memcpy(sorted, seconds, (size_t)repeats * sizeof *sorted);
    stats_sort(sorted, (size_t)repeats);
    w.ours_s = stats_median(sorted, (size_t)repeats);
    struct interval range = stats_median_interval(sorted, (size_t)repeats, 0.95, &coverage);
    w.low_s = range.low;
    w.high_s = range.high;
    a = lmeval_agree(t.answers, t.n);
    if ((done || store_both(b, &t, seconds, repeats, &w, &noise, e) == 0) &&
        say(b, &t, &a, &w, e) == 0)
        rc = 0;
out:
    theirs_release(&t);
    mem_free(seconds);
    return rc;
}
