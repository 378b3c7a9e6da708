#include "tests/pair_runs.h"

#include "tests/test.h"

static void add_made(struct store_run *run, const struct made_run *r, const char *task, int doc_id,
                     const struct made_item *it)
{
    char hash[32];
    const struct store_metric metrics[] = {{"acc", "none", it->acc, 1}};
    const struct store_request requests[] = {{-9, 0, 2, 4},
                                             {it->nats, 0, 3, (int)it->bytes}};
    struct store_item item = {
        .task = task, .doc_id = doc_id, .doc_hash = hash,
        .prompt_hash = r->prompt ? r->prompt : "prompt",
        .doc = "{\"q\":1}", .cluster = it->cluster, .gold = "gold", .gold_index = 1,
        .prediction = it->acc > 0 ? "gold" : "other", .latency_s = it->latency_s, .ttft_s = NAN,
        .prompt_tokens = 10, .computed_tokens = 10, .reused_tokens = 0, .generated_tokens = -1,
        .metrics = metrics, .n_metrics = 1, .requests = requests, .n_requests = 2,
    };

    snprintf(hash, sizeof hash, "doc%08d", it->doc);
    assert_int_equal(store_item_add(run, &item, NULL), 0);
}

static void finish_made(struct store_run *run, const struct made_task *t, double item_tokens)
{
    double right = 0;
    struct store_value value = {"acc", "none", 0, NAN, NAN, NAN};
    const struct store_cost costs[] = {{"peak_rss_bytes", t->peak_rss_bytes},
                                       {"energy_j", t->energy_j},
                                       {"computed_tokens", item_tokens * t->n},
                                       {"generated_tokens", 0}};
    struct store_task_result result = {t->task, t->n, &value, 1, costs,
                                       item_tokens > 0 ? 4 : 2};

    for (int i = 0; i < t->n; i++)
        right += t->items[i].acc;
    value.value = right / t->n;
    assert_int_equal(store_task_finish(run, &result, NULL), 0);
}

void make_run(struct store *s, const struct made_run *r, char id[RUN_ID_SIZE])
{
    struct store_task tasks[8];
    const char *noise = r->noise ? r->noise : "{\"quiet\":true,\"invalid\":false}";
    struct store_run_spec spec = {
        .kind = "eval", .command_line = "densimeter eval", .program_version = "1",
        .settings = r->settings ? r->settings : "{\"chat\":false}", .numerics_id = "exact/1",
        .kernels = "ref", .device = "cpu", .threads = 2, .seed = 1,
        .model = {.name = r->model, .sha256 = r->model, .parameters = r->parameters ? r->parameters : 1000,
                  .parameters_non_embedding = 800, .parameters_embedding = 200,
                  .parameters_active = 1000, .file_bytes = 4096, .bits_per_weight = 4.5},
        .machine = {.name = "host",
                    .json = r->machine_json ? r->machine_json : "{\"cpu\":\"x\"}"},
        .tasks = tasks, .n_tasks = r->n_tasks, .noise_before = noise,
    };
    struct store_run *run = NULL;
    struct err e = ERR_NONE;

    for (int t = 0; t < r->n_tasks; t++)
        tasks[t] = (struct store_task){r->tasks[t].task, r->tasks[t].version, r->shots,
                                       r->tasks[t].n, "data"};
    if (store_run_begin(s, &spec, &run, &e) < 0)
        fail_msg("%s", e.text);
    strcpy(id, store_run_id(run));
    assert_int_equal(store_batch_begin(run, NULL), 0);
    for (int t = 0; t < r->n_tasks; t++)
        for (int i = 0; i < r->tasks[t].n; i++)
            add_made(run, r, r->tasks[t].task, i, &r->tasks[t].items[i]);
    assert_int_equal(store_batch_commit(run, NULL), 0);
    if (!r->unfinished) {
        for (int t = 0; t < r->n_tasks; t++)
            finish_made(run, &r->tasks[t], r->item_tokens);
        if (store_run_finish(run, STORE_COMPLETE, noise, NULL, &e) < 0)
            fail_msg("%s", e.text);
    }
    store_run_close(run);
}
