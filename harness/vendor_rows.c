/* vendor_rows.c -- every quantity that sides have, one row each, with ratios where they may be.
 *
 * A ratio is a side's value over the reference's: of speeds from their samples (Hodges and
 * Lehmann), of latencies from the requests that both answered, which are the same by their seed
 * (Wilcoxon's signed ranks), of single numbers without an interval. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "harness/energy.h"
#include "harness/present_scenario.h"
#include "harness/vendor.h"

enum { REQUESTS_MAX = 1000 }; /* that a ratio is over: it takes the square of them */

const char *vendor_group_name(enum vendor_group g)
{
    static const char *const names[VENDOR_GROUPS] = {"latency", "throughput", "streams", "threads",
                                                     "memory", "energy", "bandwidth"};

    return names[g];
}

/* --- rows ------------------------------------------------------------------------------------- */

static struct vendor_row *find_row(const struct vendor *v, enum vendor_group g, const char *test,
                                   const char *metric, int threads)
{
    for (size_t i = 0; i < v->n_rows; i++) {
        struct vendor_row *r = &v->rows[i];
        if (r->group == g && r->threads == threads && strcmp(r->test, test) == 0 &&
            strcmp(r->metric->name, metric) == 0)
            return r;
    }
    return NULL;
}

static struct vendor_row *add_row(struct vendor *v, enum vendor_group g, const char *test,
                                  const char *metric, struct err *e)
{
    struct vendor_row *r;

    if (mem_grow(&v->rows, &v->cap_rows, v->n_rows + 1, sizeof *v->rows) < 0) {
        err_nomem(e);
        return NULL;
    }
    r = &v->rows[v->n_rows];
    *r = (struct vendor_row){
        .group = g, .test = arena_strdup(&v->arena, test), .metric = metric_find(metric),
        .cells = arena_alloc(&v->arena, (size_t)v->n * sizeof *r->cells),
        .ratios = arena_alloc(&v->arena, (size_t)v->n * sizeof *r->ratios)};
    if (!r->test || !r->cells || !r->ratios) {
        err_nomem(e);
        return NULL;
    }
    for (int k = 0; k < v->n; k++) {
        r->cells[k] = (struct vendor_cell){NAN, NAN, NAN};
        r->ratios[k] = (struct ratio){NAN, NAN, NAN, NAN};
    }
    v->n_rows++;
    return r;
}

static int may_compare(const struct vendor *v, int side)
{
    return side > 0 && !v->pairing[side].no_ratio;
}

static void plain_ratios(const struct vendor *v, struct vendor_row *r)
{
    for (int k = 1; k < v->n; k++)
        if (may_compare(v, k) && r->cells[0].value > 0)
            r->ratios[k].ratio = r->cells[k].value / r->cells[0].value;
}

static void set_cell(struct vendor_cell *c, const struct store_bench *b, const char *metric)
{
    const struct store_value *x = b ? bench_value(b, metric) : NULL;

    if (x)
        *c = (struct vendor_cell){x->value, x->low, x->high};
}

/* --- speeds ----------------------------------------------------------------------------------- */

static int is_speed(const struct store_bench *b)
{
    return !b->rival && b->n_samples > 0 && !scenario_is(b);
}

static int sample_ratios(const struct vendor *v, struct vendor_row *r, struct err *e)
{
    const struct store_bench *a = vendor_find(&v->sides[0], r->test, r->threads, NULL);

    for (int k = 1; k < v->n && a; k++) {
        const struct store_bench *b = vendor_find(&v->sides[k], r->test, r->threads, NULL);
        if (b && may_compare(v, k) && is_speed(a) && is_speed(b) &&
            stats_ratio(b->samples, (size_t)b->n_samples, a->samples, (size_t)a->n_samples,
                        v->conf, &r->ratios[k], e) < 0)
            return -1;
    }
    return 0;
}

static int add_speed(struct vendor *v, enum vendor_group g, const struct store_bench *b,
                     int threads, struct err *e)
{
    struct vendor_row *r;

    if (find_row(v, g, b->test, "tok_s", threads))
        return 0;
    r = add_row(v, g, b->test, "tok_s", e);
    if (!r)
        return -1;
    r->depth = b->depth;
    r->streams = b->batch;
    r->threads = threads;
    for (int k = 0; k < v->n; k++)
        set_cell(&r->cells[k], vendor_find(&v->sides[k], r->test, threads, NULL), "tok_s");
    return sample_ratios(v, r, e);
}

static int each_bench(struct vendor *v,
                      int (*f)(struct vendor *v, const struct vendor_side *s,
                               const struct store_bench *b, struct err *e), struct err *e)
{
    for (int k = 0; k < v->n; k++)
        for (size_t i = 0; i < v->sides[k].n_runs; i++)
            for (size_t n = 0; n < v->sides[k].runs[i].bench.n; n++)
                if (f(v, &v->sides[k], &v->sides[k].runs[i].bench.v[n], e) < 0)
                    return -1;
    return 0;
}

static int throughput(struct vendor *v, const struct vendor_side *s, const struct store_bench *b,
                      struct err *e)
{
    return is_speed(b) && b->batch == 1 && b->threads == s->threads
               ? add_speed(v, VENDOR_THROUGHPUT, b, 0, e) : 0;
}

static int sustained(struct vendor *v, const struct vendor_side *s, const struct store_bench *b,
                     struct err *e)
{
    static const char *const metrics[] = {"burst_tok_s", "sustained_tok_s", "sustained_ratio"};

    (void)s;
    if (!bench_value(b, "sustained_ratio") ||
        find_row(v, VENDOR_THROUGHPUT, b->test, metrics[0], 0))
        return 0;
    for (size_t i = 0; i < 3; i++) {
        struct vendor_row *r = add_row(v, VENDOR_THROUGHPUT, b->test, metrics[i], e);
        if (!r)
            return -1;
        for (int k = 0; k < v->n; k++)
            set_cell(&r->cells[k], vendor_find(&v->sides[k], r->test, 0, NULL), metrics[i]);
        plain_ratios(v, r);
    }
    return 0;
}

/* Several streams, and before them the same test with one. */
static int streams(struct vendor *v, const struct vendor_side *s, const struct store_bench *b,
                   struct err *e)
{
    const char *at = strstr(b->test, "@b");
    const struct store_bench *one;
    char name[64];

    if (!is_speed(b) || b->batch < 2 || b->threads != s->threads || !at)
        return 0;
    snprintf(name, sizeof name, "%.*s", (int)(at - b->test), b->test);
    one = vendor_find(s, name, 0, NULL);
    if (one && add_speed(v, VENDOR_BATCH, one, 0, e) < 0)
        return -1;
    return add_speed(v, VENDOR_BATCH, b, 0, e);
}

static int by_threads(struct vendor *v, const struct vendor_side *s, const struct store_bench *b,
                      struct err *e)
{
    const struct store_bench *most = vendor_find(s, b->test, 0, NULL);

    if (!is_speed(b) || b->batch != 1 || b->threads == s->threads || !most)
        return 0;
    return add_speed(v, VENDOR_THREADS, b, b->threads, e) < 0
               ? -1 : add_speed(v, VENDOR_THREADS, most, most->threads, e);
}

/* --- latencies -------------------------------------------------------------------------------- */

enum time_kind { TIME_NONE, TIME_TTFT, TIME_TPOT, TIME_LATENCY };

static double time_of(const struct store_served *q, enum time_kind kind)
{
    if (strcmp(q->state, "completed") != 0)
        return NAN;
    switch (kind) {
    case TIME_TTFT: return q->first_s - q->arrival_s;
    case TIME_TPOT: return q->generated > 1 ? (q->last_s - q->first_s) / (q->generated - 1) : NAN;
    case TIME_LATENCY: return q->last_s - q->arrival_s;
    default: return NAN;
    }
}

/* Over the requests that both completed; they are the same where their lengths are. */
static int request_ratio(const struct served_list *a, const struct served_list *b,
                         enum time_kind kind, double conf, struct ratio *out, struct err *e)
{
    double d[REQUESTS_MAX];
    size_t n = 0;

    for (size_t i = 0; i < a->n && i < b->n && i < REQUESTS_MAX; i++) {
        double x = time_of(&a->v[i], kind), y = time_of(&b->v[i], kind);
        if (a->v[i].prompt == b->v[i].prompt && a->v[i].wanted == b->v[i].wanted && x > 0 && y > 0)
            d[n++] = log(y) - log(x);
    }
    return n ? stats_paired_ratio(d, n, conf, out, e) : 0;
}

static int served(struct vendor *v, int side, const char *test, struct served_list *out,
                  struct err *e)
{
    const struct vendor_run *run;

    *out = (struct served_list){0};
    if (!vendor_find(&v->sides[side], test, 0, &run))
        return 0;
    return query_served(v->store, run->row.v[0].id, test, out, e);
}

static int request_ratios(struct vendor *v, struct vendor_row *r, enum time_kind kind,
                          struct err *e)
{
    struct served_list a = {0}, b = {0};
    int rc = kind == TIME_NONE ? 0 : served(v, 0, r->test, &a, e);

    for (int k = 1; k < v->n && kind != TIME_NONE && rc == 0; k++) {
        if (!may_compare(v, k))
            continue;
        rc = served(v, k, r->test, &b, e);
        if (rc == 0)
            rc = request_ratio(&a, &b, kind, v->conf, &r->ratios[k], e);
        served_list_release(&b);
    }
    served_list_release(&a);
    return rc;
}

static int add_times(struct vendor *v, const char *test, struct err *e)
{
    static const struct {
        const char *metric;
        enum time_kind kind;
    } rows[] = {
        {"ttft_s", TIME_TTFT}, {"ttft_p90_s", TIME_NONE}, {"ttft_claim_s", TIME_NONE},
        {"tpot_s", TIME_TPOT}, {"tpot_p90_s", TIME_NONE}, {"gap_p99_s", TIME_NONE},
        {"latency_s", TIME_LATENCY}, {"requests_s", TIME_NONE},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct vendor_row *r = add_row(v, VENDOR_LATENCY, test, rows[i].metric, e);
        if (!r)
            return -1;
        for (int k = 0; k < v->n; k++)
            set_cell(&r->cells[k], vendor_find(&v->sides[k], test, 0, NULL), rows[i].metric);
        if (rows[i].kind == TIME_NONE)
            plain_ratios(v, r);
        else if (request_ratios(v, r, rows[i].kind, e) < 0)
            return -1;
    }
    return 0;
}

static int latency(struct vendor *v, const struct vendor_side *s, const struct store_bench *b,
                   struct err *e)
{
    (void)s;
    if (!bench_value(b, "arrived") || bench_value(b, "sustained_ratio") ||
        bench_value(b, "rate_s") || find_row(v, VENDOR_LATENCY, b->test, "ttft_s", 0))
        return 0;
    return add_times(v, b->test, e);
}

static int load(struct vendor *v, const struct vendor_side *s, const struct store_bench *b,
                struct err *e)
{
    static const char *const metrics[] = {"load_s", "ttft_s"};

    (void)s;
    if (!bench_value(b, "load_s") || find_row(v, VENDOR_LATENCY, b->test, metrics[0], 0))
        return 0;
    for (int i = 0; i < 2; i++) {
        struct vendor_row *r = add_row(v, VENDOR_LATENCY, b->test, metrics[i], e);
        if (!r)
            return -1;
        for (int k = 0; k < v->n; k++)
            set_cell(&r->cells[k], vendor_find(&v->sides[k], b->test, 0, NULL), metrics[i]);
        plain_ratios(v, r);
    }
    return 0;
}

static double rate_of(const struct vendor_side *s)
{
    return s->rate_s;
}

/* --- memory, energy, bandwidth ---------------------------------------------------------------- */

static double peak_of_tasks(const struct vendor_side *s)
{
    double most = NAN;

    for (size_t i = 0; i < s->n_runs; i++)
        for (size_t k = 0; k < s->runs[i].tasks.n; k++)
            most = fmax(most, task_row_cost(&s->runs[i].tasks.v[k], "peak_rss_bytes"));
    return most;
}

static double peak_of_bench(const struct vendor_side *s, int (*belongs)(const struct store_bench *))
{
    double most = NAN;

    for (size_t i = 0; i < s->n_runs; i++)
        for (size_t k = 0; k < s->runs[i].bench.n; k++) {
            const struct store_value *x = bench_value(&s->runs[i].bench.v[k], "peak_rss_bytes");
            if (x && belongs(&s->runs[i].bench.v[k]))
                most = fmax(most, x->value);
        }
    return most;
}

static int is_one_stream(const struct store_bench *b)
{
    return is_speed(b) && b->batch == 1;
}

static int is_streams(const struct store_bench *b)
{
    return is_speed(b) && b->batch > 1;
}

static int is_served(const struct store_bench *b)
{
    return bench_value(b, "arrived") != NULL;
}

static double file_bytes(const struct vendor_side *s)
{
    return s->main && s->main->model.file_bytes > 0 ? (double)s->main->model.file_bytes : NAN;
}

static double one_stream_peak(const struct vendor_side *s)
{
    return peak_of_bench(s, is_one_stream);
}

static double streams_peak(const struct vendor_side *s)
{
    return peak_of_bench(s, is_streams);
}

static double served_peak(const struct vendor_side *s)
{
    return peak_of_bench(s, is_served);
}

/* Joules of all evaluations over what was answered right in them; NAN when a part is not known. */
static double per_right(const struct vendor_side *s, const char *cost)
{
    double joules = 0, right = 0;

    for (size_t i = 0; i < s->n_runs; i++)
        for (size_t k = 0; k < s->runs[i].tasks.n; k++) {
            const struct task_row *t = &s->runs[i].tasks.v[k];
            double of_task = energy_parts_of_task(t).right;
            if (!(of_task >= 0))
                continue; /* nothing is right or wrong there */
            joules += task_row_cost(t, cost);
            right += of_task;
        }
    return right > 0 ? joules / right : NAN;
}

static double joules_per_right(const struct vendor_side *s)
{
    return per_right(s, "energy_j");
}

static double declared_per_right(const struct vendor_side *s)
{
    return per_right(s, "declared_energy_j");
}

static double peak_bandwidth(const struct vendor_side *s)
{
    const struct store_bench *b = vendor_find(s, "peaks", 0, NULL);
    const struct store_value *x = b ? bench_value(b, "read_bytes_s") : NULL;

    return x ? x->value : NAN;
}

static int add_number(struct vendor *v, enum vendor_group g, const char *test, const char *metric,
                      double (*of)(const struct vendor_side *), int always, struct err *e)
{
    struct vendor_row *r;
    int known = always;

    for (int k = 0; k < v->n; k++)
        known |= !isnan(of(&v->sides[k]));
    if (!known)
        return 0;
    r = add_row(v, g, test, metric, e);
    if (!r)
        return -1;
    for (int k = 0; k < v->n; k++)
        r->cells[k].value = of(&v->sides[k]);
    plain_ratios(v, r);
    return 0;
}

/* Of each speed test that has it. */
static int of_speed_test(struct vendor *v, enum vendor_group g, const struct store_bench *b,
                         const char *metric, struct err *e)
{
    const struct store_value *x = bench_value(b, metric);
    struct vendor_row *r;

    if (!is_one_stream(b) || !x || isnan(x->value) || find_row(v, g, b->test, metric, 0))
        return 0;
    r = add_row(v, g, b->test, metric, e);
    if (!r)
        return -1;
    r->depth = b->depth;
    for (int k = 0; k < v->n; k++)
        set_cell(&r->cells[k], vendor_find(&v->sides[k], r->test, 0, NULL), metric);
    plain_ratios(v, r);
    return 0;
}

static int test_energy(struct vendor *v, const struct vendor_side *s, const struct store_bench *b,
                       struct err *e)
{
    if (b->threads != s->threads)
        return 0;
    return of_speed_test(v, VENDOR_ENERGY, b, "joule_per_prefill_token", e) < 0
               ? -1 : of_speed_test(v, VENDOR_ENERGY, b, "joule_per_decode_token", e);
}

/* Weights read per second, and what share that is of what memory gives. */
static int bandwidth(struct vendor *v, const struct vendor_side *s, const struct store_bench *b,
                     struct err *e)
{
    size_t before = v->n_rows;
    struct vendor_row *r, *share;

    if (b->threads != s->threads)
        return 0;
    if (of_speed_test(v, VENDOR_BANDWIDTH, b, "bandwidth_bytes_s", e) < 0)
        return -1;
    if (v->n_rows == before)
        return 0;
    share = add_row(v, VENDOR_BANDWIDTH, b->test, "share_of_roof", e);
    if (!share)
        return -1;
    r = &v->rows[before];
    for (int k = 0; k < v->n; k++)
        share->cells[k].value = r->cells[k].value / peak_bandwidth(&v->sides[k]);
    return 0;
}

/* A rate that was looked for and is not there has a row, too. */
static int server(struct vendor *v, struct err *e)
{
    int tried = 0;

    for (int k = 0; k < v->n; k++)
        tried |= v->sides[k].no_rate != NULL;
    return add_number(v, VENDOR_LATENCY, "server", "rate_s", rate_of, tried, e);
}

static int numbers(struct vendor *v, struct err *e)
{
    static const struct {
        enum vendor_group group;
        const char *test, *metric;
        double (*of)(const struct vendor_side *);
        int always;
    } rows[] = {
        {VENDOR_MEMORY, "model file", "file_bytes", file_bytes, 1},
        {VENDOR_MEMORY, "evaluations", "peak_rss_bytes", peak_of_tasks, 1},
        {VENDOR_MEMORY, "one stream", "peak_rss_bytes", one_stream_peak, 1},
        {VENDOR_MEMORY, "streams", "peak_rss_bytes", streams_peak, 0},
        {VENDOR_MEMORY, "requests", "peak_rss_bytes", served_peak, 0},
        {VENDOR_ENERGY, "measured", "joule_per_correct", joules_per_right, 1},
        {VENDOR_ENERGY, "declared", "joule_per_correct", declared_per_right, 0},
        {VENDOR_BANDWIDTH, "memory", "read_bytes_s", peak_bandwidth, 1},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (add_number(v, rows[i].group, rows[i].test, rows[i].metric, rows[i].of, rows[i].always,
                       e) < 0)
            return -1;
    return 0;
}

int vendor_rows(struct vendor *v, struct err *e)
{
    if (each_bench(v, latency, e) < 0 || server(v, e) < 0 || each_bench(v, load, e) < 0 ||
        each_bench(v, throughput, e) < 0 || each_bench(v, sustained, e) < 0 ||
        each_bench(v, streams, e) < 0 || each_bench(v, by_threads, e) < 0 || numbers(v, e) < 0)
        return -1;
    return each_bench(v, test_energy, e) < 0 ? -1 : each_bench(v, bandwidth, e);
}
