#include "harness/record.h"

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "harness/aggregate.h"
#include "harness/bits.h"
#include "harness/energy.h"
#include "harness/meter.h"
#include "harness/stats.h"

/* --- items in ----------------------------------------------------------------------------- */

static char *prompts_json(const struct item *it)
{
    struct strbuf b = STRBUF_INIT;
    struct json_out o = JSON_OUT(&b);

    json_begin_array(&o, NULL);
    for (int i = 0; i < it->n_queries; i++) {
        json_begin_array(&o, NULL);
        json_put_str(&o, NULL, it->queries[i].context ? it->queries[i].context : "");
        json_put_str(&o, NULL, it->queries[i].continuation ? it->queries[i].continuation : "");
        json_end_array(&o);
    }
    json_end_array(&o);
    return strbuf_take(&b);
}

/* {"strict-match":"18",...}; NULL when no filter found an answer of its own. */
static char *filtered_json(const struct verdict *v)
{
    struct strbuf b = STRBUF_INIT;
    struct json_out o = JSON_OUT(&b);
    int n = 0;

    json_begin_object(&o, NULL);
    for (int i = 0; i < v->n; i++)
        if (v->credits[i].filtered) {
            json_put_str(&o, v->credits[i].filter, v->credits[i].filtered);
            n++;
        }
    json_end_object(&o);
    if (n)
        return strbuf_take(&b);
    strbuf_release(&b);
    return NULL;
}

static void fill_requests(struct store_request *q, const struct outcome *o)
{
    for (int i = 0; i < o->item->n_queries; i++) {
        const char *continuation = o->item->queries[i].continuation;
        q[i] = (struct store_request){
            .loglikelihood = o->answers[i].is_pruned ? NAN : o->answers[i].loglikelihood,
            .is_greedy = o->answers[i].is_pruned ? -1 : o->answers[i].is_greedy,
            .n_tokens = o->answers[i].n_tokens,
            .n_bytes = continuation ? (int)strlen(continuation) : -1};
    }
}

static int add(struct recorder *r, const struct outcome *o, struct store_item *it, struct err *e)
{
    struct store_metric metrics[CREDITS_MAX];
    const struct verdict *v = o->verdict;

    for (int i = 0; i < v->n; i++)
        metrics[i] = (struct store_metric){v->credits[i].metric, v->credits[i].filter,
                                           v->credits[i].value, v->credits[i].weight};
    it->metrics = metrics;
    it->n_metrics = v->n;
    return store_item_add(r->run, it, e);
}

static int begin_batch(struct recorder *r, struct err *e)
{
    if (r->in_batch)
        return 0;
    if (store_batch_begin(r->run, e) < 0)
        return -1;
    r->in_batch = 1;
    r->batch_start_s = meter_clock_s();
    return 0;
}

int record_failed(struct recorder *r, const struct item *src, const char *why, struct err *e)
{
    const struct store_item it = {
        .task = r->task, .doc_id = src->doc_id, .doc_hash = src->doc_hash,
        .prompt_hash = src->prompt_hash, .doc = src->doc, .cluster = src->cluster,
        .gold = src->gold, .gold_index = src->gold_index, .error = why, .latency_s = NAN,
        .ttft_s = NAN, .prompt_tokens = -1, .computed_tokens = -1, .reused_tokens = -1,
        .generated_tokens = -1, .cached_tokens = -1};

    if (begin_batch(r, e) < 0)
        return -1;
    if (store_item_add(r->run, &it, e) < 0) {
        r->in_batch = 0; /* rolled back as a whole */
        return -1;
    }
    return record_flush(r, e);
}

int record_item(struct recorder *r, const struct outcome *o, struct err *e)
{
    const struct item *src = o->item;
    struct store_request *requests = mem_calloc((size_t)src->n_queries, sizeof *requests);
    char *prompts = r->keep_prompts ? prompts_json(src) : NULL;
    char *filtered = filtered_json(o->verdict);
    struct store_item it = {
        .task = r->task, .doc_id = src->doc_id, .doc_hash = src->doc_hash,
        .prompt_hash = src->prompt_hash, .doc = src->doc, .arguments = prompts,
        .cluster = src->cluster, .gold = src->gold, .gold_index = src->gold_index,
        .prediction = o->verdict->prediction, .output = o->answers[0].text,
        .filtered = filtered, .latency_s = o->latency_s, .ttft_s = o->ttft_s,
        .prompt_tokens = o->prompt_tokens, .computed_tokens = o->computed_tokens,
        .reused_tokens = o->reused_tokens, .generated_tokens = o->generated_tokens,
        .cached_tokens = o->cached_tokens,
        .requests = requests, .n_requests = src->n_queries,
    };
    int rc = -1;

    if (!requests || (r->keep_prompts && !prompts)) {
        err_nomem(e);
        goto out;
    }
    fill_requests(requests, o);
    if (begin_batch(r, e) < 0)
        goto out;
    if (add(r, o, &it, e) < 0) {
        r->in_batch = 0; /* rolled back as a whole */
        goto out;
    }
    rc = meter_clock_s() - r->batch_start_s > 1 ? record_flush(r, e) : 0;
out:
    mem_free(requests);
    mem_free(prompts);
    mem_free(filtered);
    return rc;
}

int record_flush(struct recorder *r, struct err *e)
{
    if (!r->in_batch)
        return 0;
    r->in_batch = 0;
    return store_batch_commit(r->run, e);
}

/* --- numbers out -------------------------------------------------------------------------- */

struct totals {
    struct series_set series;
    double *ttft, *tpot;
    size_t n_times, cap_ttft, cap_tpot;
    double *latency; /* of the items that know it */
    size_t n_latency, cap_latency;
    double latency_s, right;
    int n_judged; /* items that are right or wrong */
    int64_t prompt, computed, reused, cached, generated;
    int n, n_failed;
};

static int add_times(struct totals *t, const struct store_item *it, struct err *e)
{
    if (isnan(it->ttft_s))
        return 0;
    if (mem_grow(&t->ttft, &t->cap_ttft, t->n_times + 1, sizeof *t->ttft) < 0 ||
        mem_grow(&t->tpot, &t->cap_tpot, t->n_times + 1, sizeof *t->tpot) < 0)
        return err_nomem(e);
    t->ttft[t->n_times] = it->ttft_s;
    t->tpot[t->n_times++] = it->generated_tokens > 1
                                ? (it->latency_s - it->ttft_s) / (double)(it->generated_tokens - 1)
                                : NAN;
    return 0;
}

/* Right has full credit of the first metric that knows right from wrong. */
static void count_right(struct totals *t, const struct store_item *it)
{
    for (int i = 0; i < it->n_metrics; i++)
        if (strcmp(it->metrics[i].metric, "acc") == 0 ||
            strcmp(it->metrics[i].metric, "exact_match") == 0) {
            t->n_judged++;
            t->right += it->metrics[i].value >= 1;
            return;
        }
}

static int add_totals(struct totals *t, const struct store_item *it, struct err *e)
{
    for (int i = 0; i < it->n_metrics; i++)
        if (series_add(&t->series, it->metrics[i].metric, it->metrics[i].filter,
                       it->metrics[i].value, it->metrics[i].weight, e) < 0)
            return -1;
    t->n++;
    if (it->error) {
        t->n_failed++;
        return 0;
    }
    count_right(t, it);
    if (mem_grow(&t->latency, &t->cap_latency, t->n_latency + 1, sizeof *t->latency) < 0)
        return err_nomem(e);
    if (!isnan(it->latency_s))
        t->latency[t->n_latency++] = it->latency_s;
    t->latency_s += it->latency_s;
    t->prompt += it->prompt_tokens;
    t->computed += it->computed_tokens;
    t->reused += it->reused_tokens;
    /* -1: kept before this was counted */
    t->cached += it->cached_tokens > 0 ? it->cached_tokens : 0;
    t->generated += it->generated_tokens;
    return add_times(t, it, e);
}

static void totals_release(struct totals *t)
{
    series_release(&t->series);
    mem_free(t->ttft);
    mem_free(t->tpot);
    mem_free(t->latency);
}

static int read_items(struct store *s, const char *run_id, const char *task, struct totals *t,
                      struct bits *bits, struct err *e)
{
    struct item_filter f = {.task = task};
    struct item_iter *it = NULL;
    struct store_item row;
    int rc = query_items(s, run_id, &f, &it, e);

    while (rc == 0 && (rc = item_iter_next(it, &row, e)) > 0) {
        rc = add_totals(t, &row, e);
        if (rc == 0 && bits && !row.error)
            rc = bits_add(bits, &row, e);
    }
    item_iter_close(it);
    return rc;
}

static double median_of(double *x, size_t n)
{
    size_t known = 0;

    stats_sort(x, n); /* NANs last */
    while (known < n && !isnan(x[known]))
        known++;
    return stats_median(x, known);
}

enum { VALUES_MAX = 64, COSTS_OWN = 18 };

static int fill_values(const struct task *t, const struct totals *all, int bootstrap,
                       struct store_value *values, int *n, struct err *e)
{
    for (size_t i = 0; i < all->series.n && *n < VALUES_MAX; i++) {
        const struct series *s = &all->series.s[i];
        const char *way = task_aggregation(t, s->metric);
        if (!way && strcmp(s->metric, "acc") == 0) /* facts: beside the bits, how often right */
            way = "mean";
        struct estimate x;
        if (!way)
            continue;
        if (aggregate(way, s->v, s->w, s->n, bootstrap, &x, e) < 0)
            return -1;
        values[(*n)++] = (struct store_value){s->metric, s->filter, x.value, x.stderr_, x.low,
                                              x.high};
    }
    return 0;
}

/* A sum with an unknown part (-1 in an item) is unknown. */
static double count_known(int64_t sum)
{
    return sum < 0 ? NAN : (double)sum;
}

/* What the task demands, beside what was scored (pass.h). */
static void add_threshold(const struct task *t, struct store_value *values, int *n)
{
    struct threshold demand;

    if (task_threshold(t, &demand) && *n < VALUES_MAX)
        values[(*n)++] = (struct store_value){"threshold", demand.metric, demand.at_least, NAN,
                                              NAN, NAN};
}

static int write_task(struct store_run *run, const struct task *t, struct totals *all,
                      const struct store_value *values, int n_values,
                      const struct session_cost *cost, double earlier_s, struct err *e)
{
    double median = median_of(all->latency, all->n_latency), coverage;
    struct interval range =
        stats_median_interval(all->latency, all->n_latency, 0.95, &coverage);
    struct store_cost costs[COSTS_OWN + 1 + LEFT_MAX + ENERGY_VALUES] = {
        {"latency_median_s", median},
        {"latency_low_s", range.low},
        {"latency_high_s", range.high},
        {"wall_s", all->cached ? NAN : cost->wall_s + earlier_s},
        {"prompt_tokens", count_known(all->prompt)},
        {"computed_tokens", count_known(all->computed)},
        {"reused_tokens", count_known(all->reused)},
        {"cached_tokens", (double)all->cached},
        {"least_tokens", cost->least_tokens},
        {"recomputed_tokens", cost->recomputed_tokens},
        {"pruned_tokens", cost->pruned_tokens},
        {"generated_tokens", count_known(all->generated)},
        {"ttft_s", median_of(all->ttft, all->n_times)},
        {"tpot_s", median_of(all->tpot, all->n_times)},
        {"peak_rss_bytes", cost->peak_rss_bytes},
        {"items_right", all->n_judged == all->n ? all->right : NAN},
        {"failed_items", all->n_failed},
        {"declared_energy_j", all->cached ? NAN : cost->declared_j},
    };
    const struct energy_parts parts = {
        .tokens = (double)all->computed,
        .prefill_tokens = all->generated > 0 ? NAN : (double)all->computed, .decode_tokens = NAN,
        .items = all->n, .right = all->n_judged == all->n ? all->right : NAN};
    struct left none = {.times = NAN};
    int n_left = left_costs(all->cached ? &none : &cost->left, costs + COSTS_OWN);
    int n_costs = COSTS_OWN + n_left;
    struct store_task_result r = {.task = task_name(t), .n = all->n, .values = values,
                                  .n_values = n_values, .costs = costs};

    n_costs += energy_values(all->cached ? NAN : cost->energy_j, &parts, costs + n_costs);
    r.n_costs = n_costs;

    return store_task_finish(run, &r, e);
}

int record_finish(struct store *s, struct store_run *run, const struct task *t,
                  const struct store_model *model, int bootstrap,
                  const struct session_cost *cost, double earlier_s, struct err *e)
{
    struct totals all = {0};
    struct store_value values[VALUES_MAX];
    struct bits *bits = NULL;
    int n = 0, rc = -1;

    if (task_facts(t) && bits_open(&bits, task_facts(t), e) < 0)
        goto out;
    if (read_items(s, store_run_id(run), task_name(t), &all, bits, e) < 0 ||
        fill_values(t, &all, bootstrap, values, &n, e) < 0)
        goto out;
    if (bits && bits_values(bits, model, values, &n, VALUES_MAX, e) < 0)
        goto out;
    add_threshold(t, values, &n);
    rc = write_task(run, t, &all, values, n, cost, earlier_s, e);
out:
    bits_close(bits);
    totals_release(&all);
    return rc;
}

int record_latency(struct store *s, const char *run_id, const char *task, double *out,
                   struct err *e)
{
    struct totals all = {0};
    int rc = read_items(s, run_id, task, &all, NULL, e);

    *out = all.latency_s;
    totals_release(&all);
    return rc;
}
