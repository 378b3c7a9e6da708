/* What other programs write comes in once, and what goes out comes in again. */
#include "tests/test.h"

#include <sys/stat.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "results/exchange.h"
#include "results/query.h"

static char dir[64];

static int in_a_folder(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/densimeter-exchange-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int folder_gone(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command);
}

static const char *in_dir(const char *name)
{
    static char path[4][200];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", dir, name);
    return path[turn];
}

static void write_text(const char *name, const char *text)
{
    struct err e = ERR_NONE;
    if (file_write(in_dir(name), text, strlen(text), &e) < 0)
        fail_msg("%s", e.text);
}

static void a_defect(void *user, const char *defect)
{
    (void)user;
    fail_msg("%s", defect);
}
static void check_is_clean(struct store *s)
{
    struct err e = ERR_NONE;
    assert_int_equal(store_check(s, a_defect, NULL, &e), 0);
}

static const char results[] =
    "{\"results\":{\"arc_easy\":{\"alias\":\"arc_easy\",\"sample_len\":2,\"acc,none\":0.5,"
    "\"acc_stderr,none\":0.35,\"acc_norm,none\":1.0,\"acc_norm_stderr,none\":\"N/A\"},"
    "\"gsm8k\":{\"alias\":\"gsm8k\",\"exact_match,strict-match\":0.0,"
    "\"exact_match,flexible-extract\":1.0}},"
    "\"versions\":{\"arc_easy\":1.0,\"gsm8k\":3},\"n-shot\":{\"arc_easy\":0,\"gsm8k\":5},"
    "\"n-samples\":{\"arc_easy\":{\"original\":2376,\"effective\":2}},"
    "\"config\":{\"model\":\"hf\",\"model_args\":\"pretrained=a/b,dtype=float32\","
    "\"model_num_parameters\":134515008}}";
static const char samples_arc[] =
    "{\"doc_id\":0,\"doc\":{\"question\":\"Q\"},\"target\":\"1\",\"arguments\":{\"gen_args_0\":"
    "{\"arg_0\":\"Q\",\"arg_1\":\" a\"},\"gen_args_1\":{\"arg_0\":\"Q\",\"arg_1\":\" b\"}},"
    "\"resps\":[[[\"-1.5\",\"False\"]],[[\"-0.25\",\"True\"]]],"
    "\"filtered_resps\":[[\"-1.5\",\"False\"],[\"-0.25\",\"True\"]],\"filter\":\"none\","
    "\"metrics\":[\"acc\",\"acc_norm\"],\"doc_hash\":\"d0\",\"prompt_hash\":\"p0\","
    "\"target_hash\":\"t0\",\"acc\":1.0,\"acc_norm\":1.0}\n"
    "{\"doc_id\":1,\"doc\":{},\"target\":0,\"arguments\":[[\"Q\",\" a\"],[\"Q\",\" b\"]],"
    "\"filtered_resps\":[[-3.5,false],[-0.5,true]],\"filter\":\"none\","
    "\"metrics\":[\"acc\",\"acc_norm\"],\"acc\":0.0,\"acc_norm\":1.0}\n";
static const char samples_gsm8k[] =
    "{\"doc_id\":0,\"doc\":{\"q\":1},\"target\":\"#### 18\",\"resps\":[[\"so 18.\"]],"
    "\"filtered_resps\":[\"[invalid]\"],\"filter\":\"strict-match\",\"metrics\":[\"exact_match\"],"
    "\"exact_match\":0.0}\n"
    "{\"doc_id\":0,\"doc\":{\"q\":1},\"target\":\"#### 18\",\"resps\":[[\"so 18.\"]],"
    "\"filtered_resps\":[\"18\"],\"filter\":\"flexible-extract\",\"metrics\":[\"exact_match\"],"
    "\"exact_match\":1.0}\n";

static void import_or_fail(struct store *s, const char *path, struct import_result *r)
{
    struct err e = ERR_NONE;
    if (import_file(s, path, r, &e) < 0)
        fail_msg("%s", e.text);
}

static void lm_eval_results_come_in_with_their_samples(void **state)
{
    struct err e = ERR_NONE;
    struct store *s = NULL;
    struct import_result r;
    struct run_list runs;
    struct task_list tasks;
    struct item_iter *it = NULL;
    struct store_item item;
    (void)state;
    write_text("results_X.json", results);
    write_text("samples_arc_easy_X.jsonl", samples_arc);
    write_text("samples_gsm8k_X.jsonl", samples_gsm8k);
    assert_int_equal(store_open(&s, ":memory:", NULL, &e), 0);
    import_or_fail(s, in_dir("results_X.json"), &r);
    assert_string_equal(r.format, "lm-eval");
    assert_int_equal(r.items, 3);
    assert_int_equal(query_run(s, r.run_id, &runs, &e), 0);
    assert_string_equal(runs.v[0].model.name, "a/b");
    assert_int_equal(runs.v[0].model.parameters, 134515008);
    assert_string_equal(runs.v[0].kind, "import");
    assert_string_equal(runs.v[0].status, "complete");
    run_list_release(&runs);
    assert_int_equal(query_tasks(s, r.run_id, &tasks, &e), 0);
    assert_int_equal(tasks.n, 2);
    assert_int_equal(tasks.v[0].n, 2);
    assert_int_equal(tasks.v[0].n_values, 2);
    assert_close(task_row_value(&tasks.v[0], "acc", "none")->stderr_, 0.35, 0);
    assert_true(isnan(task_row_value(&tasks.v[0], "acc_norm", "none")->stderr_));
    assert_int_equal(tasks.v[1].shots, 5);
    assert_close(task_row_value(&tasks.v[1], "exact_match", "flexible-extract")->value, 1, 0);
    task_list_release(&tasks);

    const struct item_filter arc = {.task = "arc_easy"}, gsm8k = {.task = "gsm8k"};
    assert_int_equal(query_items(s, r.run_id, &arc, &it, &e), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(item_iter_next(it, &item, &e), 1);
        assert_int_equal(item.n_requests, 2);
        assert_int_equal(item.gold_index, 1 - i);
        assert_int_equal(item.requests[1].is_greedy, 1);
        assert_string_equal(item.arguments, "[[\"Q\",\" a\"],[\"Q\",\" b\"]]");
    }
    item_iter_close(it);
    assert_int_equal(query_items(s, r.run_id, &gsm8k, &it, &e), 0);
    assert_int_equal(item_iter_next(it, &item, &e), 1);
    assert_string_equal(item.output, "so 18.");
    assert_int_equal(item.n_metrics, 2);
    assert_string_equal(item.metrics[1].filter, "flexible-extract");
    assert_string_equal(item.filtered,
                        "{\"strict-match\":\"[invalid]\",\"flexible-extract\":\"18\"}");
    assert_int_equal(item_iter_next(it, &item, &e), 0);
    item_iter_close(it);

    /* Again, and a part of it again: recognised by content. */
    import_or_fail(s, in_dir("results_X.json"), &r);
    assert_true(r.duplicate);
    write_text("other-name.jsonl", samples_gsm8k);
    import_or_fail(s, in_dir("other-name.jsonl"), &r);
    assert_true(r.duplicate);
    assert_int_equal(query_runs(s, NULL, &runs, &e), 0);
    assert_int_equal(runs.n, 1);
    run_list_release(&runs);
    check_is_clean(s);
    store_close(s);
    assert_int_equal(mem_live(), 0);
}

static void samples_alone_are_named_by_folder_and_file(void **state)
{
    struct err e = ERR_NONE;
    struct store *s = NULL;
    struct import_result r;
    struct run_list runs;
    struct task_list tasks;
    (void)state;
    mkdir(in_dir("some__model"), 0777);
    write_text("some__model/samples_arc_easy_2026-11-24T10-00-00.jsonl", samples_arc);
    assert_int_equal(store_open(&s, ":memory:", NULL, &e), 0);
    import_or_fail(s, in_dir("some__model/samples_arc_easy_2026-11-24T10-00-00.jsonl"), &r);
    assert_int_equal(query_run(s, r.run_id, &runs, &e), 0);
    assert_string_equal(runs.v[0].model.name, "some__model");
    run_list_release(&runs);
    assert_int_equal(query_tasks(s, r.run_id, &tasks, &e), 0);
    assert_string_equal(tasks.v[0].task, "arc_easy");
    task_list_release(&tasks);
    store_close(s);
}

static const char bench_json[] =
    "[{\"build_commit\":\"4df29be\",\"backends\":\"CPU\",\"model_filename\":\"/m/a.gguf\","
    "\"model_size\":1000,\"model_n_params\":2000,\"n_batch\":2048,\"n_threads\":2,"
    "\"n_prompt\":512,\"n_gen\":0,\"n_depth\":0,\"avg_ns\":2000000000,\"stddev_ns\":0,"
    "\"avg_ts\":256.0,\"stddev_ts\":2.0,\"samples_ns\":[1000000000,3000000000,2000000000,"
    "2000000000],\"samples_ts\":[512,170,256,256]},"
    "{\"build_commit\":\"4df29be\",\"backends\":\"CPU\",\"model_filename\":\"/m/a.gguf\","
    "\"model_size\":1000,\"model_n_params\":2000,\"n_batch\":2048,\"n_threads\":2,"
    "\"n_prompt\":0,\"n_gen\":128,\"n_depth\":64,\"avg_ts\":50.5,\"stddev_ts\":0},"
    "{\"build_commit\":\"4df29be\",\"backends\":\"CPU\",\"model_filename\":\"/m/a.gguf\","
    "\"n_batch\":512,\"n_threads\":2,\"n_prompt\":0,\"n_gen\":128,\"avg_ts\":49}]";

static void llama_bench_rows_are_grouped_by_model_and_settings(void **state)
{
    struct err e = ERR_NONE;
    struct store *s = NULL;
    struct import_result r;
    struct bench_list l;
    struct run_list runs;
    (void)state;
    assert_int_equal(store_open(&s, ":memory:", NULL, &e), 0);
    assert_int_equal(import_bytes(s, "b.json", bench_json, strlen(bench_json), &r, &e), 0);
    assert_string_equal(r.format, "llama-bench");
    assert_int_equal(r.runs, 2);
    assert_int_equal(r.bench_rows, 3);
    assert_int_equal(query_run(s, "last~1", &runs, &e), 0);
    assert_string_equal(runs.v[0].model.name, "a.gguf");
    assert_close(runs.v[0].model.bits_per_weight, 4, 0);
    assert_int_equal(query_bench(s, runs.v[0].id, &l, &e), 0);
    assert_int_equal(l.n, 2);
    assert_string_equal(l.v[0].test, "pp512");
    assert_string_equal(l.v[1].test, "tg128");
    assert_int_equal(l.v[1].depth, 64);
    assert_string_equal(l.v[0].rival, "llama-bench");
    assert_int_equal(l.v[0].n_samples, 4);
    assert_close(l.v[0].samples[1], 3, 0);
    assert_close(bench_value(&l.v[0], "tok_s")->stderr_, 1, 0);
    bench_list_release(&l);
    run_list_release(&runs);
    check_is_clean(s);
    store_close(s);
    assert_int_equal(mem_live(), 0);
}

static void a_table_of_scores_makes_a_run_per_model(void **state)
{
    static const char table[] =
        "task,model,metric,value,stderr,shots,n,parameters\n"
        "mmlu,\"Model, big\",acc,0.7,0.01,5,14042,7000000000\n"
        "mmlu,small,acc,0.25,,5,14042,135000000\n"
        "gsm8k,\"Model, big\",exact_match,0.5,,,,\n";
    struct err e = ERR_NONE;
    struct store *s = NULL;
    struct import_result r;
    struct run_list runs;
    struct task_list tasks;
    (void)state;
    assert_int_equal(store_open(&s, ":memory:", NULL, &e), 0);
    assert_int_equal(import_bytes(s, "t.csv", table, strlen(table), &r, &e), 0);
    assert_int_equal(r.runs, 2);
    assert_int_equal(r.values, 3);
    assert_int_equal(query_run(s, "last~1", &runs, &e), 0);
    assert_string_equal(runs.v[0].model.name, "Model, big");
    assert_int_equal(runs.v[0].seed, -1); /* unknown, as are its threads */
    assert_int_equal(runs.v[0].threads, -1);
    assert_int_equal(runs.v[0].model.parameters, 7000000000);
    assert_int_equal(query_tasks(s, runs.v[0].id, &tasks, &e), 0);
    assert_int_equal(tasks.n, 2);
    assert_int_equal(task_row_items(&tasks.v[0]), 14042);
    assert_int_equal(task_row_items(&tasks.v[1]), -1);
    assert_int_equal(tasks.v[1].shots, -1);
    task_list_release(&tasks);
    run_list_release(&runs);
    check_is_clean(s);
    store_close(s);
}

static void malformed_files_are_refused_whole(void **state)
{
    static const struct { const char *name, *text, *error; } rows[] = {
        {"a.csv", "", "a.csv:1: not a table of scores: no column \"model\""},
        {"a.csv", "model,task,value\n", "a.csv:1: not a table of scores: no column \"metric\""},
        {"a.csv", "model,task,metric,value\nm,t,acc,0.5\nm,t,acc,high\n",
         "a.csv:3: value is not a number"},
        {"a.csv", "model,task,metric,value\nm,t,acc,0.5\nm,t,acc,0.6\n",
         "a.csv:3: metric came before for this model, task and filter"},
        {"a.csv", "model,task,metric,value\nm,t,acc,nan\n", "a.csv:2: value is not a number"},
        {"a.csv", "model,task,metric,value\nm,t,acc,\n", "a.csv:2: value is empty"},
        {"a.csv", "model,task,metric,value,n\nm,t,acc,1,-3\n", "a.csv:2: n is not a count"},
        {"a.csv", "model,task,metric,value\nm,,acc,1\n", "a.csv:2: task is empty"},
        {"a.csv", "model,task,metric,value\n", "a.csv: no result in it"},
        {"a.json", "{", "a.json: malformed JSON"},
        {"a.json", "{}", "a.json: JSON, but no results of lm-eval or llama-bench"},
        {"a.json", "{\"results\":{}} x", "a.json: text after the JSON value"},
        {"a.json", "{\"results\":{\"t\":7}}", "a.json: results of t are not an object"},
        {"a.json", "{\"results\":{\"t\":{\"acc,none\":1,\"acc,none\":2}}}",
         "a.json: \"acc,none\" twice in one task"},
        {"a.json", "[]", "a.json: no result in it"},
        {"a.json", "{\"results\":{}}", "a.json: no result in it"},
        {"a.json", "{\"results\":{\"t\":{\"acc,none\":\"high\"}}}", "a.json: no result in it"},
        {"a.json", "{\"results\":{\"t\":{\"acc,none\":1}},\"model_name\":\"a\\u0000b\"}",
         "a.json: a text with the character U+0000"},
        {"a.json", "[3]", "a.json:record 1: not a JSON object"},
        {"a.json", "[{\"avg_ts\":1}]", "\"n_prompt\" and \"n_gen\" are not what was measured"},
        {"a.json", "[{\"avg_ts\":1,\"n_prompt\":1,\"n_gen\":0}]", "no \"model_filename\""},
        {"a.json", "[{\"avg_ts\":1e999,\"n_prompt\":1,\"n_gen\":0}]", "no \"avg_ts\""},
        {"a.jsonl", "{\"avg_ts\":1,\"n_prompt\":1,\"n_gen\":0,\"model_filename\":\"m\"}\n{\n",
         "a.jsonl:2: malformed JSON"},
        {"a.jsonl", "{\"doc_id\":-1}\n", "a.jsonl:1: no \"doc_id\" that is a line number"},
        {"a.jsonl", "{\"doc_id\":1.5}\n", "a.jsonl:1: no \"doc_id\" that is a line number"},
        {"a.jsonl", "{\"doc_id\":0}\n", "a.jsonl:1: no metric with a number"},
        {"a.jsonl", "{\"doc_id\":0,\"metrics\":[\"acc\"]}\n",
         "a.jsonl:1: \"metrics\" names a value that the line does not have"},
        {"a.jsonl", "{\"doc_id\":0,\"metrics\":[\"acc\",\"acc\"],\"acc\":1}\n",
         "a.jsonl:1: a metric is named twice"},
        {"a.jsonl", "{\"doc_id\":0,\"metrics\":[\"acc\"],\"acc\":1}\n\n"
         "{\"doc_id\":0,\"metrics\":[\"acc\"],\"acc\":1}\n",
         "a.jsonl:3: this document and filter came before"},
        {"a.jsonl", "{\"doc_id\":0,\"metrics\":[\"acc\"],\"acc\":1}\n[]\n",
         "a.jsonl:2: not a JSON object"},
    };
    struct err e = ERR_NONE;
    struct store *s = NULL;
    struct import_result r;
    struct run_list runs;
    (void)state;
    assert_int_equal(store_open(&s, ":memory:", NULL, &e), 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        e = ERR_NONE;
        assert_int_equal(import_bytes(s, rows[i].name, rows[i].text, strlen(rows[i].text), &r, &e),
                         -1);
        if (e.code != ERR_FORMAT || !strstr(e.text, rows[i].error))
            fail_msg("%zu: %s", i, e.text);
    }
    assert_int_equal(query_runs(s, NULL, &runs, &e), 0);
    assert_int_equal(runs.n, 0);
    run_list_release(&runs);
    store_close(s);
    assert_int_equal(mem_live(), 0);
}

static void a_byte_order_mark_is_passed_over(void **state)
{
    static const char *const texts[] = {
        "\xef\xbb\xbfmodel,task,metric,value\nm,t,acc,0.5\n",
        "\xef\xbb\xbf{\"results\":{\"t\":{\"acc,none\":0.5}},\"model_name\":\"m\"}",
        "\xef\xbb\xbf[{\"avg_ts\":1,\"n_prompt\":1,\"n_gen\":0,\"model_filename\":\"m\"}]",
    };
    struct err e = ERR_NONE;
    struct store *s = NULL;
    struct import_result r;
    (void)state;
    assert_int_equal(store_open(&s, ":memory:", NULL, &e), 0);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (import_bytes(s, "a", texts[i], strlen(texts[i]), &r, &e) < 0 || r.runs != 1)
            fail_msg("%zu: %s", i, e.text);
    store_close(s);
}

/* A run of two tasks with everything in it, by way of lm-eval's format. */
static struct store *store_with_a_run(const char *path, char id[RUN_ID_SIZE])
{
    struct err e = ERR_NONE;
    struct store *s = NULL;
    struct import_result r;

    write_text("results_Y.json", results);
    write_text("samples_arc_easy_Y.jsonl", samples_arc);
    write_text("samples_gsm8k_Y.jsonl", samples_gsm8k);
    assert_int_equal(store_open(&s, path, NULL, &e), 0);
    import_or_fail(s, in_dir("results_Y.json"), &r);
    memcpy(id, r.run_id, RUN_ID_SIZE);
    return s;
}

static void compare_items(struct store *a, const char *id_a, struct store *b, const char *id_b)
{
    struct err e = ERR_NONE;
    struct item_iter *x = NULL, *y = NULL;
    struct store_item p, q;
    int rc;
    assert_int_equal(query_items(a, id_a, NULL, &x, &e), 0);
    assert_int_equal(query_items(b, id_b, NULL, &y, &e), 0);
    while ((rc = item_iter_next(x, &p, &e)) == 1) {
        assert_int_equal(item_iter_next(y, &q, &e), 1);
        assert_string_equal(p.task, q.task);
        assert_int_equal(p.doc_id, q.doc_id);
        assert_int_equal(p.gold_index, q.gold_index);
        assert_string_equal(p.doc ? p.doc : "", q.doc ? q.doc : "");
        assert_string_equal(p.filtered ? p.filtered : "", q.filtered ? q.filtered : "");
        assert_string_equal(p.output ? p.output : "", q.output ? q.output : "");
        assert_string_equal(p.arguments ? p.arguments : "[]", q.arguments ? q.arguments : "[]");
        assert_int_equal(p.n_metrics, q.n_metrics);
        for (int i = 0; i < p.n_metrics; i++) {
            assert_string_equal(p.metrics[i].metric, q.metrics[i].metric);
            assert_close(p.metrics[i].value, q.metrics[i].value, 0);
        }
        assert_int_equal(p.n_requests, q.n_requests);
        for (int i = 0; i < p.n_requests; i++) {
            assert_close(p.requests[i].loglikelihood, q.requests[i].loglikelihood, 0);
            assert_int_equal(p.requests[i].is_greedy, q.requests[i].is_greedy);
        }
    }
    assert_int_equal(rc, 0);
    assert_int_equal(item_iter_next(y, &q, &e), 0);
    item_iter_close(x);
    item_iter_close(y);
}

static void what_is_exported_for_lm_eval_comes_in_again(void **state)
{
    static const char *const keys[] = { /* evaluation.md 2.9 */
        "results", "groups", "group_subtasks", "configs", "versions", "n-shot", "higher_is_better",
        "n-samples", "config", "git_hash", "date", "pretty_env_info", "transformers_version",
        "lm_eval_version", "upper_git_hash", "tokenizer_pad_token", "tokenizer_eos_token",
        "tokenizer_bos_token", "eot_token_id", "max_length", "task_hashes", "model_source",
        "model_name", "model_name_sanitized", "system_instruction", "system_instruction_sha",
        "fewshot_as_multiturn", "chat_template", "chat_template_sha",
        "total_evaluation_time_seconds",
    };
    struct err e = ERR_NONE;
    struct store *s, *t = NULL;
    struct import_result r;
    struct strbuf name = STRBUF_INIT;
    char id[RUN_ID_SIZE];
    cJSON *j;
    (void)state;
    s = store_with_a_run(":memory:", id);
    assert_int_equal(export_run(s, "last", "lm-eval", in_dir("out"), &e), 0);
    strbuf_addf(&name, "out/results_%s.json", id);
    j = json_read(in_dir(name.s), 1 << 20, &e);
    assert_non_null(j);
    assert_close(json_num(json_get(json_get(j, "results"), "arc_easy"), "acc,none", 0), 0.5, 0);
    assert_true(cJSON_IsNull(json_get(json_get(json_get(j, "results"), "arc_easy"),
                                      "acc_norm_stderr,none")));
    assert_true(json_bool(json_get(json_get(j, "higher_is_better"), "arc_easy"), "acc", 0));
    assert_string_equal(json_str(j, "model_name_sanitized"), "a__b");
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (!json_get(j, keys[i]))
            fail_msg("no key %s", keys[i]);
    json_free(j);
    assert_int_equal(store_open(&t, ":memory:", NULL, &e), 0);
    import_or_fail(t, in_dir(name.s), &r);
    assert_int_equal(r.items, 3);
    compare_items(s, id, t, r.run_id);
    check_is_clean(t);
    strbuf_release(&name);
    store_close(s);
    store_close(t);
    assert_int_equal(mem_live(), 0);
}

/* Values of a task are not numbered from 0, and how many items they cover is not known. */
static void what_was_imported_travels_as_json(void **state)
{
    static const struct { const char *name, *text; int n_runs; } rows[] = {
        {"a.csv", "model,task,metric,value,n\nm,t,acc,.5,10\nm,u,acc,.5,10\nm,t,f1,.25,10\n"
         "other,t,acc,.5,\n", 2},
        {"b.csv", "model,task,metric,value\nm,t,acc,0.5\n", 1},
        {"c.json", "{\"results\":{\"t\":{\"acc,none\":1,\"f1,none\":0},\"u\":{\"acc,none\":1}}}",
         1},
        {"d.json", bench_json, 2},
    };
    struct strbuf out = STRBUF_INIT, again = STRBUF_INIT;
    struct import_result r;
    struct err e = ERR_NONE;
    struct run_list runs;
    struct store *s, *t;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(store_open(&s, ":memory:", NULL, &e), 0);
        assert_int_equal(store_open(&t, ":memory:", NULL, &e), 0);
        assert_int_equal(import_bytes(s, rows[i].name, rows[i].text, strlen(rows[i].text), &r, &e),
                         0);
        assert_int_equal(query_runs(s, NULL, &runs, &e), 0);
        assert_int_equal(runs.n, rows[i].n_runs);
        for (size_t k = 0; k < runs.n; k++) {
            assert_int_equal(export_run(s, runs.v[k].id, "json", in_dir("its.json"), &e), 0);
            import_or_fail(t, in_dir("its.json"), &r);
            assert_string_equal(r.run_id, runs.v[k].id);
            assert_int_equal(export_run(t, r.run_id, "json", in_dir("its again.json"), &e), 0);
            assert_int_equal(file_read(&out, in_dir("its.json"), 1 << 24, &e), 0);
            assert_int_equal(file_read(&again, in_dir("its again.json"), 1 << 24, &e), 0);
            assert_string_equal(again.s, out.s);
            strbuf_release(&out);
            strbuf_release(&again);
        }
        run_list_release(&runs);
        check_is_clean(t);
        store_close(s);
        store_close(t);
    }
    assert_int_equal(mem_live(), 0);
}

static void the_other_formats_hold_the_run(void **state)
{
    struct err e = ERR_NONE;
    struct store *s, *t = NULL;
    struct import_result r;
    struct task_list tasks;
    struct run_list runs;
    char id[RUN_ID_SIZE], second[RUN_ID_SIZE];
    cJSON *j;
    (void)state;
    s = store_with_a_run(in_dir("all.db"), id);
    assert_int_equal(import_bytes(s, "b.json", bench_json, strlen(bench_json), &r, &e), 0);
    memcpy(second, r.run_id, sizeof second);

    assert_int_equal(export_run(s, id, "json", in_dir("run.json"), &e), 0);
    j = json_read(in_dir("run.json"), 1 << 20, &e);
    assert_non_null(j);
    assert_string_equal(json_str(j, "schema"), "densimeter.export/1");
    assert_int_equal(cJSON_GetArraySize(json_get(j, "items")), 3);
    assert_int_equal(cJSON_GetArraySize(json_get(j, "tasks")), 2);
    json_free(j);

    assert_int_equal(export_run(s, id, "csv", in_dir("run.csv"), &e), 0);
    assert_int_equal(store_open(&t, in_dir("fresh.db"), NULL, &e), 0);
    import_or_fail(t, in_dir("run.csv"), &r);
    assert_int_equal(query_tasks(t, r.run_id, &tasks, &e), 0);
    assert_int_equal(tasks.n, 2);
    assert_close(task_row_value(&tasks.v[0], "acc", "none")->value, 0.5, 0);
    task_list_release(&tasks);
    store_close(t);

    assert_int_equal(export_run(s, id, "sqlite", in_dir("one.db"), &e), 0);
    assert_int_equal(export_run(s, id, "sqlite", in_dir("one.db"), &e), -1);
    assert_int_equal(e.code, ERR_USAGE);
    assert_int_equal(export_run(s, second, "sqlite", in_dir("two.db"), &e), 0);
    assert_int_equal(store_open(&t, in_dir("one.db"), NULL, &e), 0);
    assert_int_equal(query_runs(t, NULL, &runs, &e), 0);
    assert_int_equal(runs.n, 1);
    assert_string_equal(runs.v[0].id, id);
    run_list_release(&runs);
    compare_items(s, id, t, id);
    check_is_clean(t);
    store_close(t);
    assert_int_equal(export_run(s, id, "xml", in_dir("x"), &e), -1);
    assert_int_equal(e.code, ERR_USAGE);
    assert_int_equal(export_run(s, id, "json", in_dir("no/folder/x"), &e), -1);
    assert_int_equal(e.code, ERR_IO);
    store_close(s);
    assert_int_equal(mem_live(), 0);
}

static void every_failed_allocation_is_an_error(void **state)
{
    static const char *const contents[] = {
        results, samples_arc, samples_gsm8k, bench_json, "model,task,metric,value\nm,t,acc,1\n",
    };
    static const char *const formats[] = {"lm-eval", "csv", "json", "sqlite"};
    struct import_result r;
    struct store *s = NULL;
    struct err e = ERR_NONE;
    char id[RUN_ID_SIZE], name[32];
    long live;
    (void)state;
    assert_int_equal(store_open(&s, ":memory:", NULL, &e), 0);
    live = mem_live();
    for (size_t i = 0; i < sizeof contents / sizeof contents[0]; i++) {
        int rc = -1;
        for (int nth = 0; rc < 0; nth++) {
            e = ERR_NONE;
            mem_fail_at(nth);
            rc = import_bytes(s, "results_Z.json", contents[i], strlen(contents[i]), &r, &e);
            mem_fail_at(-1);
            if ((rc < 0) != (e.code == ERR_NOMEM) || (rc == 0 && e.code != ERR_OK))
                fail_msg("content %zu, allocation %d: %d %s", i, nth, e.code, e.text);
            assert_int_equal(mem_live(), live);
        }
        assert_false(r.duplicate);
    }
    store_close(s);
    s = store_with_a_run(in_dir("nomem.db"), id);
    live = mem_live();
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        int rc = -1;
        for (int nth = 0; rc < 0; nth++) {
            e = ERR_NONE;
            snprintf(name, sizeof name, "nomem-%zu", i);
            mem_fail_at(nth);
            rc = export_run(s, id, formats[i], in_dir(name), &e);
            mem_fail_at(-1);
            if ((rc < 0) != (e.code == ERR_NOMEM) || (rc == 0 && e.code != ERR_OK))
                fail_msg("%s, allocation %d: %d %s", formats[i], nth, e.code, e.text);
            assert_int_equal(mem_live(), live);
        }
    }
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lm_eval_results_come_in_with_their_samples),
        cmocka_unit_test(samples_alone_are_named_by_folder_and_file),
        cmocka_unit_test(llama_bench_rows_are_grouped_by_model_and_settings),
        cmocka_unit_test(a_table_of_scores_makes_a_run_per_model),
        cmocka_unit_test(a_byte_order_mark_is_passed_over),
        cmocka_unit_test(malformed_files_are_refused_whole),
        cmocka_unit_test(what_is_exported_for_lm_eval_comes_in_again),
        cmocka_unit_test(what_was_imported_travels_as_json),
        cmocka_unit_test(the_other_formats_hold_the_run),
        cmocka_unit_test(every_failed_allocation_is_an_error),
    };
    return cmocka_run_group_tests_name(__FILE__, tests, in_a_folder, folder_gone);
}
