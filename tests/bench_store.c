/* How fast the results database takes items in and gives them back: `make bench`.
 *
 * A series of nights of one command, items of four options and three metrics each, in batches of
 * 1,000.  argv: [nights [items per night [FILE]]]; FILE is kept (and added to when it exists). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/splitmix.h"
#include "results/query.h"
#include "results/store.h"

enum { BATCH = 1000, OPTIONS = 4 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int complain(const struct err *e)
{
    fprintf(stderr, "bench_store: %s\n", e->text);
    return 1;
}

static double unit(uint64_t *seed)
{
    return (double)(splitmix64_next(seed) >> 11) * 0x1p-53;
}

/* The same documents every night, other likelihoods. */
static int add(struct store_run *r, int doc, uint64_t *seed, struct err *e)
{
    char hash[65], prompt[65], gold[16];
    struct store_request q[OPTIONS];
    struct store_metric m[3] = {{"acc", "none", 0, 1}, {"acc_norm", "none", 0, 1},
                                {"gold_nats", "none", 0, 40}};
    int gold_index = doc % OPTIONS, best = 0;

    snprintf(hash, sizeof hash, "%016x%048x", doc, doc);
    snprintf(prompt, sizeof prompt, "%032x%032x", doc, doc + 1);
    snprintf(gold, sizeof gold, "option %d", gold_index);
    for (int i = 0; i < OPTIONS; i++) {
        q[i] = (struct store_request){-20 * unit(seed), 0, 8, 40};
        if (q[i].loglikelihood > q[best].loglikelihood)
            best = i;
    }
    m[0].value = m[1].value = best == gold_index;
    m[2].value = q[gold_index].loglikelihood;
    struct store_item it = {
        .task = "hellaswag", .doc_id = doc, .doc_hash = hash, .prompt_hash = prompt, .gold = gold,
        .prediction = gold, .gold_index = gold_index, .latency_s = 0.01, .ttft_s = NAN,
        .prompt_tokens = 300, .computed_tokens = 40, .reused_tokens = 260, .generated_tokens = -1,
        .metrics = m, .n_metrics = 3, .requests = q, .n_requests = OPTIONS,
    };
    return store_item_add(r, &it, e);
}

static int add_night(struct store *s, int night, int items, struct err *e)
{
    char settings[64];
    uint64_t seed = (uint64_t)night;
    struct store_task task = {"hellaswag", 1, 10, items, NULL};
    struct store_run_spec spec = {
        .kind = "eval", .command_line = "densimeter eval m.gguf --tasks hellaswag",
        .settings = settings, .program_version = "0", .numerics_id = "exact/1", .kernels = "ref",
        .device = "cpu", .threads = 2, .seed = 1234,
        .model = {.name = "m.gguf", .sha256 = "00", .parameters = 135000000, .file_bytes = 98362432,
                  .bits_per_weight = 5.8, .parameters_non_embedding = 106000000,
                  .parameters_embedding = 29000000, .parameters_active = 135000000},
        .machine = {.name = "host", .json = "{}"}, .tasks = &task, .n_tasks = 1,
    };
    struct store_value value = {"acc", "none", 0.25, 0.01, 0.24, 0.26};
    const struct store_cost costs[] = {{"wall_s", 100}, {"latency_median_s", 0.01},
                                       {"latency_low_s", 0.01}, {"latency_high_s", 0.01}};
    struct store_task_result result = {"hellaswag", items, &value, 1, costs, 4};
    struct store_run *r = NULL;
    int rc = -1;

    snprintf(settings, sizeof settings, "{\"night\":%d}", night);
    if (store_run_begin(s, &spec, &r, e) < 0)
        return -1;
    for (int i = 0; i < items; i += BATCH) {
        if (store_batch_begin(r, e) < 0)
            goto out;
        for (int k = i; k < items && k < i + BATCH; k++)
            if (add(r, k, &seed, e) < 0)
                goto out;
        if (store_batch_commit(r, e) < 0)
            goto out;
    }
    if (store_task_finish(r, &result, e) < 0 ||
        store_run_finish(r, STORE_COMPLETE, NULL, NULL, e) < 0)
        goto out;
    rc = 0;
out:
    store_run_close(r);
    return rc;
}

static int read_back(struct store *s, struct err *e)
{
    struct run_list runs;
    struct item_iter *it = NULL;
    struct store_item item;
    double t0 = now(), t1;
    size_t n = 0;
    int rc;

    if (query_runs(s, &(struct run_filter){.limit = 90}, &runs, e) < 0)
        return -1;
    for (size_t i = 0; i < runs.n; i++) {
        struct task_list tasks;
        if (query_tasks(s, runs.v[i].id, &tasks, e) < 0)
            return -1;
        task_list_release(&tasks);
    }
    t1 = now();
    printf("newest %zu runs with tasks   %8.3f s\n", runs.n, t1 - t0);
    rc = query_items(s, runs.v[0].id, &(struct item_filter){0}, &it, e);
    while (rc >= 0 && (rc = item_iter_next(it, &item, e)) == 1)
        n++;
    item_iter_close(it);
    printf("items of one run             %8.3f s   %.0f items/s\n", now() - t1,
           (double)n / (now() - t1));
    run_list_release(&runs);
    return rc;
}

int main(int argc, char **argv)
{
    int nights = argc > 1 ? atoi(argv[1]) : 4, items = argc > 2 ? atoi(argv[2]) : 50000;
    char own[] = "/tmp/densimeter-bench-XXXXXX.db";
    const char *path = argc > 3 ? argv[3] : own;
    struct err e = ERR_NONE;
    struct store *s = NULL;
    int fd = argc > 3 ? -1 : mkstemps(own, 3), rc = 1;
    double t0;

    if (argc <= 3 && fd < 0)
        return 1;
    if (fd >= 0)
        close(fd);
    if (store_open(&s, path, NULL, &e) < 0)
        return complain(&e);
    t0 = now();
    for (int i = 0; i < nights; i++)
        if (add_night(s, (int)time(NULL) + i, items, &e) < 0)
            goto out;
    printf("%d nights of %d items      %8.3f s   %.0f items/s\n", nights, items, now() - t0,
           (double)nights * items / (now() - t0));
    rc = read_back(s, &e) < 0;
out:
    if (rc)
        complain(&e);
    store_close(s);
    if (fd >= 0)
        unlink(own);
    return rc;
}
