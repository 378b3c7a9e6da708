/* bench_load.c -- from a closed file to the first token, with and without the page cache. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "harness/bench_play.h"
#include "harness/cold.h"

static const double COLD_ENOUGH = 0.01; /* of the file may be left in memory */

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

int scenario_load(struct bench *b, const struct workload *base, struct err *e)
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
