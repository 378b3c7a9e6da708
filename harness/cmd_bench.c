/* cmd_bench.c -- speed of models over a grid of sizes, depths, streams and threads. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "harness/bench_impl.h"
#include "harness/commands.h"
#include "harness/describe.h"
#include "harness/left.h"
#include "harness/measure.h"
#include "harness/open.h"
#include "harness/present.h"
#include "harness/profile.h"
#include "harness/stored.h"
#include "harness/version.h"
#include "reports/report.h"

const struct option bench_options[] = {
    {"prompt", 'p', OPTION_INTS, "N,...", "512", 0, 1e7, "tokens to prefill; 0: no such test"},
    {"generate", 'n', OPTION_INTS, "N,...", "128", 0, 1e7, "tokens to decode; 0: no such test"},
    {"prompt-generate", 0, OPTION_TEXTS, "P,N", NULL, 0, 0,
     "prefill P, then decode N, as one test; may be repeated"},
    {"depth", 'd', OPTION_INTS, "N,...", "0", 0, 1e7, "tokens that are there before"},
    {"streams", 'b', OPTION_INTS, "N,...", "1", 1, 512, "sequences decoded together"},
    {"repeats", 'r', OPTION_INT, "N", "5", 1, 10000, "samples of each test"},
    {"threads", 't', OPTION_INTS, "N,...", "0", 0, 1024, "worker threads; 0: one per usable core"},
    {"versus", 0, OPTION_TEXT, "BINARY", NULL, 0, 0,
     "a llama-bench that measures the same in alternation"},
    {"versus-lm-eval", 0, OPTION_TEXT, "SAMPLES", NULL, 0, 0,
     "a samples_*.jsonl or results_*.json of lm-eval: the same requests here, compared and timed"},
    {"lm-eval-seconds", 0, OPTION_NUMBER, "S", "0", 0, 1e9,
     "what that run of lm-eval took; 0: as its results say"},
    {"scenario", 0, OPTION_WORDS, "NAME,...", NULL, 0, 0,
     "latency as users meet it: single, multi, server, offline, sustained, depths, load, peaks"},
    {"requests", 0, OPTION_INT, "N", "100", 1, 1e6, "requests of a scenario"},
    {"duration", 0, OPTION_NUMBER, "SECONDS", "600", 0.1, 1e6, "of sustained"},
    {"rate", 0, OPTION_NUMBER, "PER_SECOND", "0", 0, 1e6,
     "arrivals of server; 0: search the highest rate that keeps the limits"},
    {"percentile", 0, OPTION_NUMBER, "P", "0.9", 0.5, 0.9999, "of claims, and of the limits"},
    {"ttft-limit", 0, OPTION_NUMBER, "SECONDS", "2", 1e-6, 1e6, "of server: to the first token"},
    {"tpot-limit", 0, OPTION_NUMBER, "SECONDS", "0.1", 1e-6, 1e6, "of server: for a later token"},
    {"queue", 0, OPTION_INT, "N", "64", 1, 1e6, "requests that may wait; more are refused"},
    {"vanish", 0, OPTION_NUMBER, "SHARE", "0", 0, 1, "of clients that leave before the end"},
    {"patience", 0, OPTION_NUMBER, "SECONDS", "1", 1e-6, 1e6, "mean time until they leave"},
    {"seed", 0, OPTION_INT, "N", "42", 0, 9e15, "of arrivals, lengths and tokens"},
    {"profile", 0, OPTION_FLAG, NULL, NULL, 0, 0,
     "run each test again and tell where its time goes, beside this machine's peaks"},
    {"roofline", 0, OPTION_FLAG, NULL, NULL, 0, 0,
     "the same per operation as FLOP/s and bytes/s below the roofs that this machine's peaks make"},
    {"out", 'o', OPTION_TEXT, "FILE", NULL, 0, 0,
     "with --roofline: also write a page with plots, by its suffix .html, .md, .csv, .json"},
    ENERGY_OPTIONS,
    ENCODER_OPTIONS,
    ENGINE_OPTIONS_BUT_THREADS,
    {NULL, 0, 0, NULL, NULL, 0, 0, NULL},
};

enum { TOKENS_COUNTED = 8 };

/* --- the grid ----------------------------------------------------------------------------- */

int grid_add(struct grid *g, struct speed_test t, struct err *e)
{
    int length = speed_test_length(&t);

    if (t.prompt + t.generate == 0)
        return 0;
    if (mem_grow(&g->v, &g->cap, g->n + 1, sizeof *g->v) < 0)
        return err_nomem(e);
    g->v[g->n++] = t;
    g->longest = length > g->longest ? length : g->longest;
    g->streams = t.streams > g->streams ? t.streams : g->streams;
    return 0;
}

int numbers_of(const struct context *c, const char *option, struct numbers *out, struct err *e)
{
    out->n = args_count(c->args, option);
    out->v = mem_calloc((size_t)out->n, sizeof *out->v);
    if (!out->v)
        return err_nomem(e);
    args_ints(c->args, option, out->v);
    return 0;
}

static int add_pairs(const struct context *c, struct grid *g, int depth, struct err *e)
{
    for (int i = 0; i < args_count(c->args, "prompt-generate"); i++) {
        const char *text = args_word(c->args, "prompt-generate", i);
        int p, n, end = 0;
        if (sscanf(text, "%d,%d%n", &p, &n, &end) != 2 || text[end] || p < 1 || n < 1)
            return err_set(e, ERR_USAGE, "option --prompt-generate: '%s' is not like 512,128",
                           text);
        if (grid_add(g, (struct speed_test){p, n, depth, 1}, e) < 0)
            return -1;
    }
    return 0;
}

static int make_grid(const struct context *c, struct grid *g, struct err *e)
{
    struct numbers p = {0}, n = {0}, d = {0}, b = {0};
    int rc = -1;

    if (args_count(c->args, "scenario"))
        return scenarios_grid(c, g, e);
    if (args_str(c->args, "versus-lm-eval")) {
        g->longest = (int)args_int(c->args, "max-length");
        return 0;
    }
    if (numbers_of(c, "prompt", &p, e) < 0 || numbers_of(c, "generate", &n, e) < 0 ||
        numbers_of(c, "depth", &d, e) < 0 || numbers_of(c, "streams", &b, e) < 0)
        goto out;
    for (int k = 0; k < d.n; k++) {
        int depth = (int)d.v[k];
        for (int i = 0; i < p.n; i++)
            if (grid_add(g, (struct speed_test){(int)p.v[i], 0, depth, 1}, e) < 0)
                goto out;
        for (int i = 0; i < n.n; i++)
            for (int s = 0; s < b.n; s++)
                if (grid_add(g, (struct speed_test){0, (int)n.v[i], depth, (int)b.v[s]}, e) < 0)
                    goto out;
        if (add_pairs(c, g, depth, e) < 0)
            goto out;
    }
    rc = g->n ? 0 : err_set(e, ERR_USAGE, "bench: nothing to measure");
out:
    mem_free(p.v);
    mem_free(n.v);
    mem_free(d.v);
    mem_free(b.v);
    return rc;
}

/* --- one model at one number of threads --------------------------------------------------- */

/* The cache must hold all streams at once; how much that is, only an open model tells. */
int bench_open_runner(struct bench *b, int threads, struct err *e)
{
    struct runner_opts o = engine_opts(b->c);
    char *path = model_path(b->typed, e);
    uint64_t need, states;
    int rc;

    if (!path)
        return -1;
    o.threads = threads;
    o.context = b->grid->longest;
    rc = runner_open(&b->runner, path, &o, e);
    if (rc == 0 && b->grid->streams > 2 && o.kv_bytes == 0) {
        need = runner_info(b->runner)->kv_bytes_per_token * (uint64_t)b->grid->streams *
               ((uint64_t)b->grid->longest + 64);
        states = runner_info(b->runner)->state_bytes * (uint64_t)b->grid->streams;
        if (states > 0) /* with keys and values, half of the memory is theirs */
            need = need ? 2 * (need > states ? need : states) : states;
        runner_close(b->runner);
        b->runner = NULL;
        o.kv_bytes = need;
        rc = runner_open(&b->runner, path, &o, e);
    }
    mem_free(path);
    if (rc == 0)
        b->threads = threads;
    return rc;
}

static int begin_run(struct bench *b, struct err *e)
{
    const struct model_info *m = runner_info(b->runner);
    const char *root = args_str(b->c->args, "sysroot");
    struct json_out o = JSON_OUT(&b->settings);
    char host[256];

    for (int i = 0; i < b->c->argc; i++)
        strbuf_addf(&b->command_line, "%s%s", i ? " " : "", b->c->argv[i]);
    json_begin_object(&o, NULL);
    json_put_int(&o, "repeats", args_int(b->c->args, "repeats"));
    json_put_int(&o, "batch_tokens", args_int(b->c->args, "batch-tokens"));
    if (args_str(b->c->args, "activation"))
        json_put_str(&o, "activation", args_str(b->c->args, "activation"));
    describe_choice(&o, m);
    if (args_count(b->c->args, "scenario") && scenarios_settings(&o, b->c, e) < 0)
        return -1;
    energy_settings(&o, b->c);
    json_put_str(&o, "command", strbuf_str(&b->command_line));
    json_put_str(&o, "interval", "order statistics of the median, at most 95 %");
    json_end_object(&o);
    machine_name(host, sizeof host, root);
    if (machine_json(&b->machine, root, e) < 0 || strbuf_ok(&b->settings, e) < 0 ||
        strbuf_ok(&b->command_line, e) < 0)
        return -1;
    const struct store_run_spec spec = {
        .kind = "bench", .command_line = strbuf_str(&b->command_line),
        .settings = strbuf_str(&b->settings), .program_version = DENSIMETER_VERSION,
        .numerics_id = m->numerics_id, .kernels = m->kernels,
        .device = m->device, .threads = m->threads,
        .model = b->model.model, .machine = {host, strbuf_str(&b->machine)}};
    return store_run_begin(b->store, &spec, &b->run, e);
}

/* A run that no test could be in is not begun. */
static int something_fits(struct bench *b, struct err *e)
{
    const struct model_info *m = runner_info(b->runner);

    for (size_t i = 0; i < b->grid->n; i++)
        if (speed_test_length(&b->grid->v[i]) <= m->context_length)
            return 0;
    if (b->grid->n == 0 || args_count(b->c->args, "scenario") > 1) /* others are beside depths */
        return 0;
    b->fits_nothing = 1;
    err_set(e, ERR_USAGE, "%s: every test is longer than the context of the model, %d tokens",
            b->typed, m->context_length);
    err_hint(e, "-p, -n and --depth together make a test's length");
    return -1;
}

static int begin(struct bench *b, int threads, struct err *e)
{
    if (bench_open_runner(b, threads, e) < 0 || something_fits(b, e) < 0 ||
        describe_model(&b->model, b->runner, b->typed, e) < 0 ||
        energy_open(&b->energy, b->c, e) < 0)
        return -1;
    return begin_run(b, e);
}

static void bench_close(struct bench *b)
{
    store_run_close(b->run);
    energy_close(b->energy);
    strbuf_release(&b->settings);
    strbuf_release(&b->machine);
    strbuf_release(&b->command_line);
    description_release(&b->model);
    runner_close(b->runner);
}

/* --- rows --------------------------------------------------------------------------------- */

enum { VALUES_OWN = 12 }; /* beside what was left to the CPU */

static struct store_value plain(const char *metric, double v)
{
    return (struct store_value){metric, "none", v, NAN, NAN, NAN};
}

static double per(double joules, int tokens)
{
    return tokens ? joules / tokens : NAN;
}

static double median_s(const struct measured *r, const struct speed_test *t)
{
    return speed_test_tokens(t) / r->tok_s;
}

/* Bytes of weights per decoded token.  Where zeros of hidden values spare some, they are counted on
 * the first tokens of the test, apart from the samples: counting takes time. */
static int weights_read(struct bench *b, const struct speed_test *t, double *bytes, struct err *e)
{
    const struct model_info *m = runner_info(b->runner);
    int n = t->generate < TOKENS_COUNTED ? t->generate : TOKENS_COUNTED;
    const struct participation *p;
    double s;

    *bytes = (double)m->weight_bytes_per_token;
    if (!m->skips_zeros || t->prompt > 0 || t->streams > 1)
        return 0;
    if (runner_count(b->runner, 1, e) < 0 ||
        runner_time_decode(b->runner, t->depth, 1, n, &s, e) < 0 ||
        (p = runner_participation(b->runner, e)) == NULL)
        return -1;
    *bytes = p->weight_bytes_per_token;
    return runner_count(b->runner, 0, e);
}

static int add_own_row(struct bench *b, const struct speed_test *t, const struct measured *r,
                       double weights, const struct left *left, const struct store_bench *row,
                       struct err *e)
{
    double tokens = (double)r->n * speed_test_tokens(t), s = median_s(r, t);
    double declared = energy_declared_j(b->energy);
    int decode = t->prompt == 0;
    struct store_bench own = *row;
    struct store_cost costs[1 + LEFT_MAX];
    struct store_value values[VALUES_OWN + 1 + LEFT_MAX] = {
        {"tok_s", "none", r->tok_s, NAN, r->tok_s_interval.low, r->tok_s_interval.high},
        plain("ttft_s", decode ? NAN : t->generate ? NAN : s),
        plain("tpot_s", decode ? s / t->generate : NAN),
        plain("peak_rss_bytes", r->peak_rss_bytes),
        plain("weights_bytes_per_token", weights),
        plain("bandwidth_bytes_s", decode ? weights * t->generate / s : NAN),
        plain("energy_j", r->energy_j),
        plain("joule_per_token", r->energy_j / tokens),
        plain("joule_per_prefill_token", per(r->prefill_j, r->n * t->prompt)),
        plain("joule_per_decode_token", per(r->decode_j, r->n * t->generate * t->streams)),
        plain("declared_energy_j", declared),
        plain("declared_joule_per_token", declared / tokens),
    };

    own.samples = r->samples;
    own.n_samples = r->n;
    own.values = values;
    own.n_values = VALUES_OWN + left_costs(left, costs);
    for (int i = VALUES_OWN; i < own.n_values; i++)
        values[i] = plain(costs[i - VALUES_OWN].metric, costs[i - VALUES_OWN].value);
    return store_bench_add(b->run, &own, e);
}

static int add_rival_row(struct bench *b, const struct measured *r, const struct store_bench *row,
                         struct err *e)
{
    struct store_bench rival = *row;
    const struct store_value values[] = {
        {"tok_s", "none", r->rival_tok_s, NAN, r->rival_interval.low, r->rival_interval.high},
        {"speed_ratio", "none", r->ratio.ratio, NAN, r->ratio.low, r->ratio.high},
    };

    rival.rival = path_base(args_str(b->c->args, "versus"));
    rival.samples = r->rival_samples;
    rival.n_samples = r->n_rival;
    rival.values = values;
    rival.n_values = 2;
    return store_bench_add(b->run, &rival, e);
}

static int store_rows(struct bench *b, const struct speed_test *t, const struct measured *r,
                      const struct left *left, struct err *e)
{
    const struct model_info *m = runner_info(b->runner);
    struct strbuf noise = STRBUF_INIT;
    struct json_out o = JSON_OUT(&noise);
    char name[64];
    double weights;
    int rc = -1;

    speed_test_name(name, sizeof name, t);
    noise_json(&o, NULL, &r->noise);
    const struct store_bench row = {
        .test = name, .depth = t->depth, .batch = t->streams, .threads = m->threads,
        .device = m->device, .tokens = speed_test_tokens(t),
        .noise = strbuf_str(&noise)};
    if (strbuf_ok(&noise, e) == 0 && weights_read(b, t, &weights, e) == 0 &&
        add_own_row(b, t, r, weights, left, &row, e) >= 0)
        rc = r->n_rival == 0 || add_rival_row(b, r, &row, e) >= 0 ? 0 : -1;
    strbuf_release(&noise);
    return rc;
}

/* Rows that an interrupted session kept are not measured again. */
int bench_is_done(struct bench *b, const char *name, int *done, struct err *e)
{
    int threads = runner_info(b->runner)->threads;
    struct bench_list l = {0};

    *done = 0;
    if (query_bench(b->store, store_run_id(b->run), &l, e) < 0)
        return -1;
    for (size_t i = 0; i < l.n; i++)
        *done |= !l.v[i].rival && l.v[i].threads == threads && strcmp(l.v[i].test, name) == 0;
    bench_list_release(&l);
    return 0;
}

static int run_grid(struct bench *b, struct err *e)
{
    const struct model_info *m = runner_info(b->runner);
    const struct measuring how = {
        .runner = b->runner, .meter = energy_meter(b->energy),
        .root = args_str(b->c->args, "sysroot"),
        .repeats = (int)args_int(b->c->args, "repeats"), .rival = args_str(b->c->args, "versus"),
        .model_path = m->path, .threads = m->threads, .stop = b->c->stop};

    for (size_t i = 0; i < b->grid->n; i++) {
        const struct speed_test *t = &b->grid->v[i];
        struct measuring here = how;
        struct left before, left;
        struct measured r;
        char name[64];
        int done, rc;
        speed_test_name(name, sizeof name, t);
        if (bench_is_done(b, name, &done, e) < 0)
            return -1;
        if (done)
            continue;
        if (speed_test_length(t) > m->context_length) {
            context_note(b->c, "%s: left out, the context of the model has %d tokens", name,
                         m->context_length);
            continue;
        }
        if (t->streams > 1)
            here.rival = NULL; /* llama-bench decodes one stream */
        meter_reset_peak();
        if (energy_subject(b->energy, name, e) < 0 || left_now(&before, b->runner, e) < 0 ||
            measure(&here, t, &r, e) < 0)
            return -1;
        rc = energy_store(b->energy, b->run, NULL, e) < 0 ? -1 : left_now(&left, b->runner, e);
        if (rc == 0) {
            left_between(&left, &before, &left);
            rc = store_rows(b, t, &r, &left, e);
        }
        measured_release(&r);
        if (rc < 0)
            return -1;
    }
    return 0;
}

static int profile_grid(struct bench *b, struct err *e)
{
    int wanted = args_flag(b->c->args, "profile") || b->profiles->page != NULL, rc = 0;

    for (size_t i = 0; i < b->grid->n && rc == 0 && wanted; i++)
        rc = profile_test(b->profiles, b->runner, b->model.model.name, &b->grid->v[i],
                          (int)args_int(b->c->args, "repeats"), context_width(), e);
    return rc;
}

static int bench_model(struct bench *b, int threads, char id[RUN_ID_SIZE], struct err *e)
{
    struct err late = ERR_NONE;
    int rc = begin(b, threads, e);

    if (rc < 0)
        return -1;
    snprintf(id, RUN_ID_SIZE, "%s", store_run_id(b->run));
    rc = energy_idle(b->energy, b->run, 0, e);
    if (rc == 0)
        rc = run_grid(b, e);
    if (rc == 0 && args_count(b->c->args, "scenario"))
        rc = scenarios_run(b, e);
    if (rc == 0 && args_str(b->c->args, "versus-lm-eval"))
        rc = lmeval_run(b, e);
    if (rc == 0)
        rc = energy_finish(b->energy, b->store, b->run, e);
    if (rc == 0)
        rc = profile_grid(b, e);
    if (store_run_finish(b->run,
                         rc == 0                      ? STORE_COMPLETE
                         : e->code == ERR_INTERRUPTED ? STORE_INTERRUPTED
                                                      : STORE_FAILED,
                         NULL, rc < 0 ? e->text : NULL, &late) < 0 &&
        rc == 0) {
        *e = late;
        return -1;
    }
    if (rc < 0 && e->code == ERR_INTERRUPTED) {
        err_set(e, ERR_INTERRUPTED, "run %s interrupted: finished tests are kept", id);
        err_hint(e, "the same command line goes on from there");
    }
    return rc;
}

/* --- printing ----------------------------------------------------------------------------- */

struct ids_list {
    char (*v)[RUN_ID_SIZE];
    size_t n, cap;
};

static int print_json(const struct context *c, struct store *s, const struct ids_list *ids,
                      const struct profiles *p, struct err *e)
{
    struct strbuf b = STRBUF_INIT;
    struct json_out o = context_json_begin(&b, "bench");
    int rc = 0;

    json_begin_array(&o, "rows");
    for (size_t i = 0; i < ids->n && rc == 0; i++) {
        struct run_list l = {0};
        rc = query_run(s, ids->v[i], &l, e);
        if (rc == 0)
            rc = present_bench_rows(&o, s, &l.v[0], e);
        run_list_release(&l);
    }
    json_end_array(&o);
    if (p->json.len) {
        json_begin_array(&o, "profiles");
        json_put_raw(&o, NULL, strbuf_str(&p->json));
        json_end_array(&o);
    }
    if (p->lmeval_json.len) {
        json_begin_array(&o, "lm_eval");
        json_put_raw(&o, NULL, strbuf_str(&p->lmeval_json));
        json_end_array(&o);
    }
    if (rc == 0)
        rc = context_json_end(c, &o, e);
    strbuf_release(&b);
    return rc;
}

static int print_text(const struct context *c, struct store *s, const struct ids_list *ids,
                      struct err *e)
{
    for (size_t i = 0; i < ids->n; i++) {
        struct run_list l = {0};
        int rc = query_run(s, ids->v[i], &l, e);
        if (rc == 0)
            rc = present_run_text(c, s, &l.v[0], e);
        run_list_release(&l);
        if (rc < 0)
            return -1;
    }
    return 0;
}

static int bench_all(struct context *c, const struct grid *g, struct store *store,
                     struct ids_list *ids, struct profiles *profiles, struct err *e)
{
    struct numbers threads = {0};
    struct err why = ERR_NONE;
    int rc = numbers_of(c, "threads", &threads, e);

    for (int i = 0; i < args_n(c->args) && rc == 0; i++)
        for (int k = 0; k < threads.n && rc == 0; k++) {
            struct bench b = {.c = c, .grid = g, .store = store, .profiles = profiles,
                              .typed = args_at(c->args, i)};
            if (mem_grow(&ids->v, &ids->cap, ids->n + 1, sizeof *ids->v) < 0) {
                rc = err_nomem(e);
                break;
            }
            rc = bench_model(&b, (int)threads.v[k], ids->v[ids->n], e);
            if (rc == 0) {
                ids->n++;
            } else if (b.fits_nothing && args_n(c->args) > 1) { /* another's context may do */
                context_note(c, "%s", e->text);
                why = *e;
                *e = ERR_NONE;
                rc = 0;
            }
            bench_close(&b);
        }
    mem_free(threads.v);
    if (rc == 0 && ids->n == 0) {
        *e = why;
        rc = -1;
    }
    return rc;
}

static int print_profiles(const struct context *c, const struct profiles *p, struct err *e)
{
    const char *path = args_str(c->args, "out");

    if (!c->json && !c->csv && args_flag(c->args, "profile") &&
        context_print_folded(c, &p->text, e) < 0)
        return -1;
    if (!c->json && !c->csv && p->lmeval_text.len &&
        context_print_folded(c, &p->lmeval_text, e) < 0)
        return -1;
    if (!p->page)
        return 0;
    if (!c->json && context_report(c, p->page, NULL, e) < 0)
        return -1;
    return path ? context_report(c, p->page, path, e) : 0;
}

int cmd_bench(struct context *c, struct err *e)
{
    struct grid g = {0};
    struct store *store = NULL;
    struct ids_list ids = {0};
    struct report page;
    struct profiles p = {.text = STRBUF_INIT, .json = STRBUF_INIT,
                         .page = args_flag(c->args, "roofline") ? &page : NULL};
    int rc = -1;

    if (args_str(c->args, "out") && !p.page)
        return err_set(e, ERR_USAGE, "bench: --out goes with --roofline");
    report_init(&page, "What operations attain");

    if (make_grid(c, &g, e) == 0 && open_store(c, STORED_ADD, &store, e) == 0 &&
        bench_all(c, &g, store, &ids, &p, e) == 0)
        rc = c->json ? print_json(c, store, &ids, &p, e) : print_text(c, store, &ids, e);
    if (rc == 0)
        rc = print_profiles(c, &p, e);
    profiles_release(&p);
    report_release(&page);
    store_close(store);
    mem_free(ids.v);
    mem_free(g.v);
    return rc;
}
