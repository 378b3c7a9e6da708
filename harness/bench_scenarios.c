/* bench_scenarios.c -- bench --scenario: requests as users send them, every one of them stored.
 *
 * single: one client, the next request when the last is answered.  multi: as many at a time as
 * streams.  server: Poisson arrivals; without --rate the highest rate is searched at which the
 * percentiles of TTFT and TPOT keep their limits, and confirmed with other arrivals.  offline: all
 * at once.  sustained: single for ten minutes.  depths: prefill and decode at the lengths of
 * vendor.md 5.  load: from a closed file to the first token, with and without the page cache.
 * peaks: no requests, but what the processor's memory gives at most, for whoever asks what share
 * of it decoding reaches.
 *
 * A scenario that Ctrl-C ends keeps its requests in a row of their own, "NAME~1", marked
 * interrupted; the same command plays it again from the beginning, so that nothing is in two
 * rows of one name. */
#include <string.h>

#include "base/mem.h"
#include "harness/bench_play.h"
#include "harness/open.h"

struct scenario_row {
    const char *name;
    scenario_run *run;
    int uses_streams, is_grid;
};

static const struct scenario_row rows[] = {
    {"single", scenario_single, 0, 0},
    {"multi", scenario_multi, 1, 0},
    {"server", scenario_server, 1, 0},
    {"offline", scenario_offline, 1, 0},
    {"sustained", scenario_sustained, 0, 0},
    {"depths", NULL, 0, 1},
    {"load", scenario_load, 0, 0},
    {"peaks", scenario_peaks, 0, 0},
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
        if (row->uses_streams && play_streams(c) > RUNNER_STREAMS_MAX)
            return err_set(e, ERR_USAGE, "option --streams: at most %d requests run together",
                           RUNNER_STREAMS_MAX);
        if (row->uses_streams && g->streams < play_streams(c))
            g->streams = play_streams(c);
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
    json_put_int(o, "streams", play_streams(c));
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
             play_streams(b->c));
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
