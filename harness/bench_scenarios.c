/* bench_scenarios.c -- bench --scenario: requests as users send them, every one of them stored.
 *
 * single: one client, the next request when the last is answered.  multi: as many at a time as
 * streams.  server: Poisson arrivals; without --rate the highest rate is searched at which the
 * percentiles of TTFT and TPOT keep their limits, and confirmed with other arrivals.  offline: all
 * at once.  sustained: single for ten minutes.  depths: prefill and decode at the lengths of
 * vendor.md 5.  load: from a closed file to the first token, with and without the page cache.
  peaks:
 * no requests, but what the processor's memory gives at most, for whoever asks what share of it
 * decoding reaches.
 *
 * A scenario that Ctrl-C ends keeps its requests in a row of their own, "NAME~1", marked
 * interrupted; the same command plays it again from the beginning, so that nothing is in two
 * rows of one name. */
#include <math.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/sha256.h"
#include "harness/bench_impl.h"
#include "harness/cold.h"
#include "harness/energy.h"
#include "harness/latency.h"
#include "harness/left.h"
#include "harness/open.h"
#include "harness/peak.h"
#include "harness/stats_tail.h"

enum { STREAMS_DEFAULT = 8, SEARCH_TRIALS = 6, CONFIRM_TRIALS = 4 };
/* At this share of what a server can do requests hardly meet: who is late then is late alone, and
 * fewer of them, which take as much longer to come, help nobody. */
static const double ALONE = 1.0 / 8;
static const double COLD_ENOUGH = 0.01; /* of the file may be left in memory */

struct play { /* one scenario's requests on one open model */
    struct bench *b;
    const struct workload *load;
    int slots, queue;
    int batch; /* requests that come together and count as one; 1: each for itself */
    const char *name;
};

struct scenario_row {
    const char *name;
    int (*run)(struct bench *b, const struct workload *base, struct err *e);
    int uses_streams, is_grid;
};

static int number_of_streams(const struct context *c)
{
    int64_t v[64];
    int most = 1, n = args_count(c->args, "streams");

    if (!args_given(c->args, "streams"))
        return STREAMS_DEFAULT;
    if (n > 64)
        n = 0;
    if (n)
        args_ints(c->args, "streams", v);
    for (int i = 0; i < n; i++)
        most = v[i] > most ? (int)v[i] : most;
    return most;
}

static void pause_s(double s)
{
    struct timespec t = {(time_t)s, (long)((s - floor(s)) * 1e9)};

    if (s > 0)
        nanosleep(&t, NULL);
}

/* --- one scenario ----------------------------------------------------------------------------- */

static char *times_json(const struct served *r)
{
    struct strbuf b = STRBUF_INIT;
    struct json_out o = JSON_OUT(&b);

    json_begin_array(&o, NULL);
    for (int i = 0; i < r->n; i++)
        json_put_num(&o, NULL, r->token_s[i]);
    json_end_array(&o);
    return strbuf_take(&b);
}

static int hash_answer(const struct served *r, char hex[SHA256_HEX], struct err *e)
{
    struct sha256 *h = NULL;
    int rc = sha256_begin(&h, e);

    for (int i = 0; i < r->n && rc == 0; i++) {
        uint32_t id = (uint32_t)r->said[i];
        const unsigned char bytes[] = {(unsigned char)id, (unsigned char)(id >> 8),
                                       (unsigned char)(id >> 16), (unsigned char)(id >> 24)};
        rc = sha256_update(h, bytes, sizeof bytes, e);
    }
    return sha256_final(h, hex, rc < 0 ? NULL : e) < 0 ? -1 : rc;
}

static int fill_row(const struct served *r, struct store_served *q, char hex[SHA256_HEX],
                    struct err *e)
{
    *q = (struct store_served){
        .state = served_name(r->state), .reason = r->reason[0] ? r->reason : NULL,
        .arrival_s = r->arrival_s, .start_s = r->start_s, .first_s = r->first_s,
        .last_s = r->last_s, .end_s = r->end_s, .prompt = r->prompt, .wanted = r->wanted,
        .generated = r->n, .token_s = times_json(r), .output_sha256 = r->n ? hex : NULL};
    if (!q->token_s)
        return err_nomem(e);
    return r->n ? hash_answer(r, hex, e) : 0;
}

static int store_rows(const struct play *p, const struct serve_log *l, struct store_bench *row,
                      struct err *e)
{
    struct store_served *q = mem_calloc(l->n + 1, sizeof *q);
    char(*hashes)[SHA256_HEX] = mem_calloc(l->n + 1, sizeof *hashes);
    int rc = q && hashes ? 0 : err_nomem(e);

    for (size_t i = 0; i < l->n && rc == 0; i++)
        rc = fill_row(&l->v[i], &q[i], hashes[i], e);
    row->served = q;
    row->n_served = (int)l->n;
    if (rc == 0)
        rc = store_bench_add(p->b->run, row, e) < 0 ? -1 : 0;
    for (size_t i = 0; q && i < l->n; i++)
        mem_free((void *)q[i].token_s);
    mem_free(hashes);
    mem_free(q);
    return rc;
}

struct played { /* what stood beside the requests */
    struct noise noise;
    struct left left;
    double joules, declared;
};

/* Why, of the first one. */
static void tell_failures(const struct play *p, const struct serve_log *l)
{
    if (l->count[SERVED_FAILED] == 0)
        return;
    for (size_t i = 0; i < l->n; i++)
        if (l->v[i].state == SERVED_FAILED) {
            context_note(p->b->c, "%s: %zu of %zu requests failed: %s", p->name,
                         l->count[SERVED_FAILED], l->n, l->v[i].reason);
            return;
        }
}

/* "NAME~2" where "NAME~1" is there already. */
static int interrupted_name(const struct play *p, char *name, size_t size, struct err *e)
{
    struct bench_list l = {0};
    int k = 0, taken = 1;

    if (query_bench(p->b->store, store_run_id(p->b->run), &l, e) < 0)
        return -1;
    while (taken) {
        snprintf(name, size, "%.40s~%d", p->name, ++k);
        taken = 0;
        for (size_t i = 0; i < l.n; i++)
            taken |= strcmp(l.v[i].test, name) == 0;
    }
    bench_list_release(&l);
    return 0;
}

/* What was answered until Ctrl-C.  The meters' joules are of a whole that there is not. */
static int store_part(const struct play *p, const struct serve_log *l, const struct played *how,
                      struct err *e)
{
    struct store_value v[LATENCY_VALUES_MAX + 1];
    struct strbuf text = STRBUF_INIT;
    struct json_out o = JSON_OUT(&text);
    char name[64];
    int n = 0, rc = -1;

    if (latency_values(l, p->batch, args_num(p->b->c->args, "percentile"), v, &n, e) < 0 ||
        interrupted_name(p, name, sizeof name, e) < 0)
        return -1;
    v[n++] = (struct store_value){"interrupted", "none", 1, NAN, NAN, NAN};
    noise_json(&o, NULL, &how->noise);
    struct store_bench row = {
        .test = name, .batch = p->batch, .threads = runner_info(p->b->runner)->threads,
        .device = args_str(p->b->c->args, "device"), .tokens = latency_tokens(l), .values = v,
        .n_values = n, .noise = strbuf_str(&text)};
    if (strbuf_ok(&text, e) == 0)
        rc = store_rows(p, l, &row, e);
    strbuf_release(&text);
    return rc;
}

static int store_play(const struct play *p, const struct serve_log *l, const struct played *how,
                      const struct store_value *extra, int n_extra, struct err *e)
{
    struct bench *b = p->b;
    struct store_value v[LATENCY_VALUES_MAX + 24 + LEFT_MAX];
    struct store_cost costs[1 + LEFT_MAX];
    struct strbuf text = STRBUF_INIT;
    struct json_out o = JSON_OUT(&text);
    long tokens = latency_tokens(l);
    int n = 0, n_left = left_costs(&how->left, costs), rc;

    tell_failures(p, l);
    if (latency_values(l, p->batch, args_num(b->c->args, "percentile"), v, &n, e) < 0)
        return -1;
    for (int i = 0; i < n_extra; i++)
        v[n++] = extra[i];
    v[n++] = (struct store_value){"peak_rss_bytes", "none", meter_peak_rss(), NAN, NAN, NAN};
    const struct energy_parts parts = {.tokens = (double)tokens, .prefill_tokens = NAN,
                                       .decode_tokens = NAN, .right = NAN,
                                       .items = (double)l->count[SERVED_COMPLETED]};
    struct store_cost joules[ENERGY_VALUES];
    int n_joules = energy_values(how->joules, &parts, joules);
    for (int i = 0; i < n_joules; i++)
        v[n++] = (struct store_value){joules[i].metric, "none", joules[i].value, NAN, NAN, NAN};
    v[n++] = (struct store_value){"declared_energy_j", "none", how->declared, NAN, NAN, NAN};
    for (int i = 0; i < n_left; i++)
        v[n++] = (struct store_value){costs[i].metric, "none", costs[i].value, NAN, NAN, NAN};
    noise_json(&o, NULL, &how->noise);
    struct store_bench row = {
        .test = p->name, .depth = 0, .batch = p->batch,
        .threads = runner_info(b->runner)->threads, .device = args_str(b->c->args, "device"),
        .tokens = tokens, .values = v, .n_values = n, .noise = strbuf_str(&text)};
    rc = strbuf_ok(&text, e) < 0 || energy_store(b->energy, b->run, NULL, e) < 0
             ? -1
             : store_rows(p, l, &row, e);
    strbuf_release(&text);
    return rc;
}

/* 0; -1, also when it was interrupted: then what was answered is stored. */
static int play(const struct play *p, struct serve_log *l, struct played *out, struct err *e)
{
    const char *root = args_str(p->b->c->args, "sysroot");
    const struct serve_opts o = {.runner = p->b->runner, .load = p->load, .slots = p->slots,
                                 .queue = p->queue, .clock = meter_clock_s, .pause = pause_s,
                                 .stop = p->b->c->stop};
    struct noise_sample before, after;
    struct left left;
    int rc;

    *out = (struct played){0};
    if (energy_subject(p->b->energy, p->name, e) < 0 || left_now(&left, p->b->runner, e) < 0)
        return -1;
    meter_reset_peak();
    noise_sample(&before, root);
    meter_start(energy_meter(p->b->energy));
    rc = serve(&o, l, e);
    out->joules = meter_stop(energy_meter(p->b->energy));
    out->declared = energy_declared_j(p->b->energy);
    noise_sample(&after, root);
    noise_between(&out->noise, &before, &after, 0);
    if (rc == 1) {
        if (l->count[SERVED_COMPLETED] == 0 || store_part(p, l, out, e) == 0)
            err_set(e, ERR_INTERRUPTED, "interrupted");
        rc = -1;
        serve_log_release(l);
    } else if (rc == 0 && (rc = left_now(&out->left, p->b->runner, e)) < 0) {
        serve_log_release(l);
    }
    left_between(&out->left, &left, &out->left);
    return rc;
}

static int play_and_store(const struct play *p, const struct store_value *extra, int n_extra,
                          struct err *e)
{
    struct serve_log l;
    struct played how;
    int rc;

    if (play(p, &l, &how, e) < 0)
        return -1;
    rc = store_play(p, &l, &how, extra, n_extra, e);
    serve_log_release(&l);
    return rc;
}

static int run_single(struct bench *b, const struct workload *base, struct err *e)
{
    struct workload w = *base;
    const struct play p = {b, &w, 1, 1, 1, "single"};

    w.together = 1;
    return play_and_store(&p, NULL, 0, e);
}

static int run_multi(struct bench *b, const struct workload *base, struct err *e)
{
    struct workload w = *base;
    int streams = number_of_streams(b->c);
    char name[32];
    const struct play p = {b, &w, streams, streams, streams, name};

    snprintf(name, sizeof name, "multi@b%d", streams);
    w.together = streams;
    w.n = (w.n + streams - 1) / streams * streams;
    return play_and_store(&p, NULL, 0, e);
}

static int run_offline(struct bench *b, const struct workload *base, struct err *e)
{
    struct workload w = *base;
    const struct play p = {b, &w, number_of_streams(b->c), w.n, 1, "offline"};

    w.together = w.n;
    return play_and_store(&p, NULL, 0, e);
}

static int run_sustained(struct bench *b, const struct workload *base, struct err *e)
{
    double t = args_num(b->c->args, "duration"), burst, sustained;
    struct workload w = *base;
    const struct play p = {b, &w, 1, 1, 1, "sustained"};
    struct serve_log l;
    struct played how;
    int rc;

    w.n = 0;
    w.together = 1;
    w.duration_s = t;
    if (play(&p, &l, &how, e) < 0)
        return -1;
    burst = latency_decode_rate(&l, 0, LATENCY_BURST_SHARE * t);
    sustained = latency_decode_rate(&l, LATENCY_SUSTAINED_SHARE * t, t);
    const struct store_value extra[] = {
        {"burst_tok_s", "none", burst, NAN, NAN, NAN},
        {"sustained_tok_s", "none", sustained, NAN, NAN, NAN},
        {"sustained_ratio", "none", sustained / burst, NAN, NAN, NAN},
    };
    rc = store_play(&p, &l, &how, extra, 3, e);
    serve_log_release(&l);
    return rc;
}

/* --- server ----------------------------------------------------------------------------------- */

static int server_trial(struct bench *b, const struct workload *base, double rate, const char *name,
                        uint64_t seed, int *meets, struct err *e)
{
    const struct latency_limits lim = {args_num(b->c->args, "ttft-limit"),
                                       args_num(b->c->args, "tpot-limit"),
                                       args_num(b->c->args, "percentile")};
    struct workload w = *base;
    const struct play p = {b, &w, number_of_streams(b->c), (int)args_int(b->c->args, "queue"), 1,
                           name};
    struct serve_log l;
    struct played how;
    int rc;

    w.rate_s = rate;
    w.seed = seed;
    if (play(&p, &l, &how, e) < 0)
        return -1;
    *meets = latency_meets(&l, &lim);
    const struct store_value extra[] = {
        {"rate_s", "none", rate, NAN, NAN, NAN},
        {"meets_limits", "none", *meets < 0 ? NAN : *meets, NAN, NAN, NAN},
    };
    rc = store_play(&p, &l, &how, extra, 2, e);
    serve_log_release(&l);
    return rc;
}

/* What the engine could do with all requests there at once: no rate above can be kept.  0 in *rate:
 * none can, since requests fail that wait for nobody. */
static int capacity(struct bench *b, const struct workload *base, double *rate, struct err *e)
{
    struct workload w = *base;
    const struct play p = {b, &w, number_of_streams(b->c), w.n, 1, "capacity"};
    struct serve_log l;
    struct played how;

    w.together = w.n;
    w.vanish_share = 0;
    if (play(&p, &l, &how, e) < 0)
        return -1;
    tell_failures(&p, &l);
    *rate = l.count[SERVED_FAILED] ? 0 : (double)l.count[SERVED_COMPLETED] / l.wall_s;
    serve_log_release(&l);
    return 0;
}

static int too_few(const struct bench *b, struct err *e)
{
    err_set(e, ERR_USAGE, "server: %lld requests are too few to claim percentile %g",
            (long long)args_int(b->c->args, "requests"), args_num(b->c->args, "percentile"));
    err_hint(e, "early stopping needs 44 for 0.9, 459 for 0.99, 4603 for 0.999 (--requests)");
    return -1;
}

static int search(struct bench *b, const struct workload *base, double *low, struct err *e)
{
    double high, rate, most;
    int meets;

    *low = 0;
    if (stats_tail_over((size_t)base->n, args_num(b->c->args, "percentile"), STATS_TAIL_CONF) < 0)
        return too_few(b, e);
    if (capacity(b, base, &high, e) < 0)
        return -1;
    most = high;
    for (int i = 0; i < SEARCH_TRIALS && (*low > 0 || high > most * ALONE); i++) {
        char name[64];
        rate = i ? (*low + high) / 2 : 0.75 * high;
        snprintf(name, sizeof name, "server@%.4g/s#%d", rate, i + 1);
        if (server_trial(b, base, rate, name, base->seed, &meets, e) < 0)
            return -1;
        *(meets == 1 ? low : &high) = rate;
    }
    return 0;
}

/* Other arrivals must keep the limits, too; the rate is lowered until they do. */
static int confirm(struct bench *b, const struct workload *base, double rate, struct err *e)
{
    int meets;

    for (int i = 0; i < CONFIRM_TRIALS; i++, rate *= 0.9) {
        char name[64];
        snprintf(name, sizeof name, "server@%.4g/s", rate);
        if (server_trial(b, base, rate, name, base->seed + 1 + (uint64_t)i, &meets, e) < 0)
            return -1;
        if (meets == 1) {
            context_note(b->c, "server: %.4g requests a second keep the limits", rate);
            return 0;
        }
    }
    context_note(b->c, "server: no rate was confirmed with other arrivals");
    return 0;
}

static int run_server(struct bench *b, const struct workload *base, struct err *e)
{
    double rate = args_num(b->c->args, "rate");
    int meets;
    char name[64];

    if (rate > 0) {
        snprintf(name, sizeof name, "server@%.4g/s", rate);
        return server_trial(b, base, rate, name, base->seed, &meets, e);
    }
    if (search(b, base, &rate, e) < 0)
        return -1;
    if (rate > 0)
        return confirm(b, base, rate, e);
    context_note(b->c, "server: no rate keeps the limits");
    return 0;
}

/* --- load ------------------------------------------------------------------------------------- */

struct load { /* [repeats] seconds */
    double *open_s, *first_s;
    int n;
    double resident;
};

static int one_token(struct runner *r, struct err *e)
{
    const int32_t id = 0;
    const struct request q = {.kind = REQUEST_GENERATE, .ids = &id, .n_ids = 1, .max_tokens = 1,
                              .ignore_end = 1};

    return runner_run(r, &q, 1, NULL, NULL, NULL, e);
}

/* The model is closed when it begins and open when it ends. */
static int open_once(struct bench *b, int is_cold, const char *path, struct load *l, struct err *e)
{
    double start_s, resident;

    runner_close(b->runner);
    b->runner = NULL;
    if ((is_cold ? cold_drop(path, e) : cold_warm(path, e)) < 0 ||
        cold_resident(path, &resident, e) < 0)
        return -1;
    l->resident = fmax(l->resident, resident);
    start_s = meter_clock_s();
    if (bench_open_runner(b, b->threads, e) < 0)
        return -1;
    l->open_s[l->n] = meter_clock_s() - start_s;
    if (one_token(b->runner, e) < 0)
        return -1;
    l->first_s[l->n++] = meter_clock_s() - start_s;
    return 0;
}

static struct store_value median_value(const char *metric, double *x, int n)
{
    double coverage;
    struct interval in;

    stats_sort(x, (size_t)n);
    in = stats_median_interval(x, (size_t)n, 0.95, &coverage);
    return (struct store_value){metric, "none", stats_median(x, (size_t)n), NAN, in.low, in.high};
}

static int store_load(struct bench *b, const char *name, struct load *l, struct err *e)
{
    double *samples = mem_alloc((size_t)l->n * sizeof *samples);
    int rc;

    if (!samples)
        return err_nomem(e);
    memcpy(samples, l->first_s, (size_t)l->n * sizeof *samples);
    const struct store_value v[] = {
        median_value("load_s", l->open_s, l->n),
        median_value("ttft_s", l->first_s, l->n),
        {"resident_share", "none", l->resident, NAN, NAN, NAN},
        {"peak_rss_bytes", "none", meter_peak_rss(), NAN, NAN, NAN},
    };
    const struct store_bench row = {
        .test = name, .batch = 1, .threads = runner_info(b->runner)->threads,
        .device = args_str(b->c->args, "device"), .tokens = 1, .samples = samples,
        .n_samples = l->n, .values = v, .n_values = 4, .noise = NULL};
    rc = store_bench_add(b->run, &row, e) < 0 ? -1 : 0;
    mem_free(samples);
    return rc;
}

static int run_load(struct bench *b, const struct workload *base, struct err *e)
{
    static const char *const names[] = {"load@warm", "load@cold"};
    int repeats = (int)args_int(b->c->args, "repeats"), rc = 0;
    char *path = mem_strdup(runner_info(b->runner)->path);
    struct load l = {mem_calloc((size_t)repeats, sizeof *l.open_s),
                     mem_calloc((size_t)repeats, sizeof *l.first_s), 0, 0};

    (void)base;
    if (!path || !l.open_s || !l.first_s)
        rc = err_nomem(e);
    for (int is_cold = 0; is_cold < 2 && rc == 0; is_cold++) {
        l.n = 0;
        l.resident = 0;
        meter_reset_peak();
        for (int i = 0; i < repeats && rc == 0; i++)
            rc = open_once(b, is_cold, path, &l, e);
        if (rc == 0 && is_cold && l.resident > COLD_ENOUGH)
            context_note(b->c, "load: no cold start, %.0f %% of %s stayed in memory (in use by "
                         "others, or its file system keeps it)", 100 * l.resident, path);
        else if (rc == 0)
            rc = store_load(b, names[is_cold], &l, e);
    }
    mem_free(l.open_s);
    mem_free(l.first_s);
    mem_free(path);
    return rc;
}

/* --- peaks ------------------------------------------------------------------------------------ */

/* The first makes what is read. */
static int read_rounds(struct runner *r, uint64_t bytes, double read_s[PEAK_ROUNDS], struct err *e)
{
    double made_s;

    if (runner_time_read(r, bytes, &made_s, e) < 0)
        return -1;
    for (int i = 0; i < PEAK_ROUNDS; i++)
        if (runner_time_read(r, bytes, &read_s[i], e) < 0)
            return -1;
    return 0;
}

static double best_of(const double *s)
{
    double best = s[0];

    for (int i = 1; i < PEAK_ROUNDS; i++)
        best = fmin(best, s[i]);
    return best;
}

/* A block is larger than caches are, and larger still where it is read in less time than a call is
 * good for, as long as the device has room. */
static int device_bandwidth(struct runner *r, struct peak *p, struct err *e)
{
    static const uint64_t least = 128 << 20, most = 1 << 30;
    static const double enough_s = 0.02;
    double s[PEAK_ROUNDS];

    p->block_bytes = 0;
    for (uint64_t bytes = least; bytes <= most; bytes *= 2) {
        struct err why = ERR_NONE;
        if (read_rounds(r, bytes, s, &why) < 0) {
            if (bytes == least)
                *e = why;
            return bytes == least ? -1 : 0;
        }
        memcpy(p->read_s, s, sizeof s);
        p->block_bytes = (double)bytes;
        p->bytes_s = p->block_bytes / best_of(s);
        if (best_of(s) >= enough_s)
            break;
    }
    return 0;
}

/* What is not known is in no value; why, `vendor compare` finds in what the device is. */
static int run_peaks(struct bench *b, const struct workload *base, struct err *e)
{
    const struct model_info *m = runner_info(b->runner);
    struct peak p = {.flop_s = NAN};
    struct err why = ERR_NONE;
    int is_cpu = strcmp(m->device, "cpu") == 0;

    (void)base;
    if (is_cpu && peak_measure(&p, m->threads, e) < 0)
        return -1;
    if (!is_cpu && device_bandwidth(b->runner, &p, &why) < 0) {
        if (why.code != ERR_UNSUPPORTED) {
            *e = why;
            return -1;
        }
        context_note(b->c, "peaks: left out, %s", why.text);
        return 0;
    }
    const struct store_value v[] = {
        {"read_bytes_s", "none", p.bytes_s, NAN, NAN, NAN},
        {"read_block_bytes", "none", p.block_bytes, NAN, NAN, NAN},
        {"flop_s", "none", p.flop_s, NAN, NAN, NAN},
    };
    const struct store_bench row = {.test = "peaks", .batch = 1, .threads = m->threads,
                                    .device = args_str(b->c->args, "device"),
                                    .samples = p.read_s, .n_samples = PEAK_ROUNDS,
                                    .values = v, .n_values = is_cpu ? 3 : 2};
    return store_bench_add(b->run, &row, e) < 0 ? -1 : 0;
}

/* --- the words -------------------------------------------------------------------------------- */

static const struct scenario_row rows[] = {
    {"single", run_single, 0, 0},   {"multi", run_multi, 1, 0},
    {"server", run_server, 1, 0},   {"offline", run_offline, 1, 0},
    {"sustained", run_sustained, 0, 0}, {"depths", NULL, 0, 1},
    {"load", run_load, 0, 0},           {"peaks", run_peaks, 0, 0},
};

static const struct scenario_row *row_of(const char *name, struct err *e)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    err_set(e, ERR_USAGE, "option --scenario: '%s' is none", name);
    err_hint(e, "single, multi, server, offline, sustained, depths, load, peaks");
    return NULL;
}

static int add_depths(struct grid *g, struct err *e)
{
    static const int prompts[] = {128, 512, 2048, 8192}, depths[] = {0, 2048, 8192};

    for (int i = 0; i < 4; i++)
        if (grid_add(g, (struct speed_test){prompts[i], 0, 0, 1}, e) < 0)
            return -1;
    for (int i = 0; i < 3; i++)
        if (grid_add(g, (struct speed_test){0, 128, depths[i], 1}, e) < 0)
            return -1;
    return 0;
}

static int longest_request(const struct context *c, int *longest, struct err *e)
{
    struct numbers p = {0}, n = {0};
    int64_t most_p = 0, most_n = 0;
    int rc = -1;

    if (numbers_of(c, "prompt", &p, e) == 0 && numbers_of(c, "generate", &n, e) == 0) {
        rc = 0;
        for (int i = 0; i < p.n; i++) {
            most_p = p.v[i] > most_p ? p.v[i] : most_p;
            rc |= p.v[i] < 1 ? -1 : 0;
        }
        for (int i = 0; i < n.n; i++) {
            most_n = n.v[i] > most_n ? n.v[i] : most_n;
            rc |= n.v[i] < 1 ? -1 : 0;
        }
        if (rc < 0)
            err_set(e, ERR_USAGE, "a request has a token at least, and wants one");
    }
    if (rc == 0 && most_p + most_n > *longest)
        *longest = (int)(most_p + most_n);
    mem_free(p.v);
    mem_free(n.v);
    return rc;
}

int scenarios_grid(const struct context *c, struct grid *g, struct err *e)
{
    for (int i = 0; i < args_count(c->args, "scenario"); i++) {
        const struct scenario_row *row = row_of(args_word(c->args, "scenario", i), e);
        if (!row)
            return -1;
        if (row->is_grid ? add_depths(g, e) < 0 : longest_request(c, &g->longest, e) < 0)
            return -1;
        if (row->uses_streams && number_of_streams(c) > RUNNER_STREAMS_MAX)
            return err_set(e, ERR_USAGE, "option --streams: at most %d requests run together",
                           RUNNER_STREAMS_MAX);
        if (row->uses_streams && g->streams < number_of_streams(c))
            g->streams = number_of_streams(c);
    }
    return 0;
}

static void put_numbers(struct json_out *o, const char *key, const struct numbers *x)
{
    json_begin_array(o, key);
    for (int i = 0; i < x->n; i++)
        json_put_int(o, NULL, x->v[i]);
    json_end_array(o);
}

int scenarios_settings(struct json_out *o, const struct context *c, struct err *e)
{
    static const char *const numbers[] = {"duration", "rate", "percentile", "ttft-limit",
                                          "tpot-limit", "vanish", "patience"};
    struct numbers p = {0}, n = {0};
    int rc = numbers_of(c, "prompt", &p, e) < 0 || numbers_of(c, "generate", &n, e) < 0 ? -1 : 0;

    json_begin_object(o, "scenarios");
    json_begin_array(o, "names");
    for (int i = 0; i < args_count(c->args, "scenario"); i++)
        json_put_str(o, NULL, args_word(c->args, "scenario", i));
    json_end_array(o);
    json_put_str(o, "lengths", "one of each list, all as likely");
    put_numbers(o, "prompt_tokens", &p);
    put_numbers(o, "output_tokens", &n);
    json_put_int(o, "requests", args_int(c->args, "requests"));
    json_put_int(o, "streams", number_of_streams(c));
    json_put_int(o, "queue", args_int(c->args, "queue"));
    json_put_int(o, "seed", args_int(c->args, "seed"));
    json_put_str(o, "random", "splitmix64");
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        json_put_num(o, numbers[i], args_num(c->args, numbers[i]));
    json_end_object(o);
    mem_free(p.v);
    mem_free(n.v);
    return rc;
}

/* Rows that an interrupted session kept are not measured again. */
static int is_done(struct bench *b, const char *word, int *done, struct err *e)
{
    char name[64];

    snprintf(name, sizeof name, strcmp(word, "multi") == 0 ? "%s@b%d" : "%s", word,
             number_of_streams(b->c));
    return bench_is_done(b, name, done, e);
}

int scenarios_run(struct bench *b, struct err *e)
{
    const struct args *a = b->c->args;
    struct numbers p = {0}, n = {0};
    int rc = numbers_of(b->c, "prompt", &p, e) < 0 || numbers_of(b->c, "generate", &n, e) < 0 ? -1
                                                                                              : 0;
    const struct workload base = {
        .n = (int)args_int(a, "requests"), .prompts = p.v, .n_prompts = p.n, .outputs = n.v,
        .n_outputs = n.n, .vanish_share = args_num(a, "vanish"),
        .patience_s = args_num(a, "patience"), .seed = (uint64_t)args_int(a, "seed")};

    for (int i = 0; i < args_count(a, "scenario") && rc == 0; i++) {
        const struct scenario_row *row = row_of(args_word(a, "scenario", i), e);
        int done = 0;
        if (row->is_grid)
            continue;
        rc = is_done(b, row->name, &done, e);
        if (rc == 0 && !done)
            rc = row->run(b, &base, e);
    }
    mem_free(p.v);
    mem_free(n.v);
    return rc;
}
