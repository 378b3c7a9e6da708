/* bench_play.c -- requests are played and stored; one client, many, all at once, and for long. */
#include <math.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/sha256.h"
#include "harness/bench_play.h"
#include "harness/energy.h"
#include "harness/latency.h"

enum { STREAMS_DEFAULT = 8 };

int play_streams(const struct context *c)
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

void play_tell_failures(const struct play *p, const struct serve_log *l)
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

int play_store(const struct play *p, const struct serve_log *l, const struct played *how,
               const struct store_value *extra, int n_extra, struct err *e)
{
    struct bench *b = p->b;
    struct store_value v[LATENCY_VALUES_MAX + 24 + LEFT_MAX];
    struct store_cost costs[1 + LEFT_MAX];
    struct strbuf text = STRBUF_INIT;
    struct json_out o = JSON_OUT(&text);
    long tokens = latency_tokens(l);
    int n = 0, n_left = left_costs(&how->left, costs), rc;

    play_tell_failures(p, l);
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

int play_run(const struct play *p, struct serve_log *l, struct played *out, struct err *e)
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

    if (play_run(p, &l, &how, e) < 0)
        return -1;
    rc = play_store(p, &l, &how, extra, n_extra, e);
    serve_log_release(&l);
    return rc;
}

int scenario_single(struct bench *b, const struct workload *base, struct err *e)
{
    struct workload w = *base;
    const struct play p = {b, &w, 1, 1, 1, "single"};

    w.together = 1;
    return play_and_store(&p, NULL, 0, e);
}

int scenario_multi(struct bench *b, const struct workload *base, struct err *e)
{
    struct workload w = *base;
    int streams = play_streams(b->c);
    char name[32];
    const struct play p = {b, &w, streams, streams, streams, name};

    snprintf(name, sizeof name, "multi@b%d", streams);
    w.together = streams;
    w.n = (w.n + streams - 1) / streams * streams;
    return play_and_store(&p, NULL, 0, e);
}

int scenario_offline(struct bench *b, const struct workload *base, struct err *e)
{
    struct workload w = *base;
    const struct play p = {b, &w, play_streams(b->c), w.n, 1, "offline"};

    w.together = w.n;
    return play_and_store(&p, NULL, 0, e);
}

int scenario_sustained(struct bench *b, const struct workload *base, struct err *e)
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
    if (play_run(&p, &l, &how, e) < 0)
        return -1;
    burst = latency_decode_rate(&l, 0, LATENCY_BURST_SHARE * t);
    sustained = latency_decode_rate(&l, LATENCY_SUSTAINED_SHARE * t, t);
    const struct store_value extra[] = {
        {"burst_tok_s", "none", burst, NAN, NAN, NAN},
        {"sustained_tok_s", "none", sustained, NAN, NAN, NAN},
        {"sustained_ratio", "none", sustained / burst, NAN, NAN, NAN},
    };
    rc = play_store(&p, &l, &how, extra, 3, e);
    serve_log_release(&l);
    return rc;
}
