/* Every item that lm-eval answered (golden/lmeval): the requests we build have its hashes, and its
 * log-likelihoods and outputs, handed back as replies, give its metrics. */
#include "tests/test.h"

#include <dirent.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "tasks/task.h"
#include "tests/chatml.h"

struct sums { /* by "metric,filter" */
    char names[CREDITS_MAX][64];
    double value[CREDITS_MAX];
    int n, items;
};

static void hash_of(const struct query *q, char hex[SHA256_HEX])
{
    struct strbuf b = STRBUF_INIT;

    strbuf_adds(&b, q->context);
    if (q->kind != QUERY_GENERATE) {
        strbuf_addc(&b, '\x1f');
        strbuf_adds(&b, q->continuation);
    }
    assert_int_equal(sha256_bytes(hex, strbuf_str(&b), b.len, NULL), 0);
    strbuf_release(&b);
}

static void same_requests(const struct item *it, const cJSON *want)
{
    const cJSON *hashes = json_get(want, "arguments_sha256");
    char hex[SHA256_HEX];

    if (hashes) {
        assert_int_equal(it->n_queries, cJSON_GetArraySize(hashes));
        for (int i = 0; i < it->n_queries; i++) {
            hash_of(&it->queries[i], hex);
            assert_string_equal(hex, cJSON_GetArrayItem(hashes, i)->valuestring);
        }
        return;
    }
    assert_int_equal(it->n_queries, 1);
    hash_of(&it->queries[0], hex);
    assert_string_equal(hex, json_str(want, "prompt_sha256"));
    const cJSON *until = json_get(json_get(want, "generation_kwargs"), "until");
    for (int i = 0; i < cJSON_GetArraySize(until); i++)
        assert_string_equal(it->queries[0].until[i], cJSON_GetArrayItem(until, i)->valuestring);
}

/* A metric that the golden line has under its name, or under "name,filter". */
static void same_credits(const struct verdict *v, const cJSON *want, struct sums *s)
{
    const cJSON *metrics = json_get(want, "metrics");
    int known = 0;

    for (int i = 0; i < v->n; i++) {
        const struct credit *c = &v->credits[i];
        char name[64];
        const cJSON *value;
        snprintf(name, sizeof name, "%s,%s", c->metric, c->filter);
        value = json_get(metrics, name) ? json_get(metrics, name) : json_get(metrics, c->metric);
        if (value) {
            assert_close(c->value, value->valuedouble, 0);
            known++;
        }
        if (c->filtered)
            assert_string_equal(c->filtered, json_str(json_get(want, "filtered"), c->filter));
        strcpy(s->names[i], name);
        s->value[i] += c->value;
    }
    assert_int_equal(known, cJSON_GetArraySize(metrics));
    s->n = v->n;
    s->items++;
}

static void same_item(const struct task *t, const cJSON *want, struct sums *s)
{
    const cJSON *ll = json_get(want, "loglikelihoods"), *greedy = json_get(want, "is_greedy");
    struct reply_text replies[8] = {{0}};
    struct item it;
    struct verdict v;
    struct err e = ERR_NONE;

    if (task_item(t, (int)json_num(want, "doc_id", -1), &it, &e) < 0)
        fail_msg("%s", e.text);
    same_requests(&it, want);
    for (int i = 0; i < it.n_queries; i++) {
        replies[i].text = json_str(want, "output");
        if (ll) {
            replies[i].loglikelihood = cJSON_GetArrayItem(ll, i)->valuedouble;
            replies[i].is_greedy = cJSON_IsTrue(cJSON_GetArrayItem(greedy, i));
        }
    }
    if (task_score(t, &it, replies, &v, &e) < 0)
        fail_msg("%s", e.text);
    same_credits(&v, want, s);
    verdict_release(&v);
    item_release(&it);
}

static void same_totals(const struct task *t, const struct sums *s, const cJSON *metrics)
{
    int known = 0;

    for (int i = 0; i < s->n; i++) {
        char metric[64];
        double mean = s->value[i] / s->items;
        const cJSON *want = json_get(metrics, s->names[i]);
        snprintf(metric, sizeof metric, "%.*s", (int)strcspn(s->names[i], ","), s->names[i]);
        if (strcmp(task_aggregation(t, metric), "perplexity") == 0)
            mean = exp(-mean);
        if (want) {
            assert_close(mean, want->valuedouble, 1e-12);
            known++;
        }
    }
    assert_int_equal(known, cJSON_GetArraySize(metrics));
}

static void same_file(const char *path, const char *data, int *n)
{
    struct task_opts o = {.data_dirs = &data, .n_data_dirs = 1, .seed = 1234};
    struct line_reader lines;
    struct err e = ERR_NONE;
    struct task *t = NULL;
    struct sums s = {.n = 0};
    cJSON *header, *item;

    assert_int_equal(lines_open(&lines, path, &e), 0);
    assert_int_equal(lines_next(&lines, &e), 1);
    header = json_parse(lines.line.s, lines.line.len, path, &e);
    assert_non_null(header);
    o.shots = (int)json_num(header, "num_fewshot", -1);
    o.chat = json_bool(header, "chat_template", 0) ? &chatml : NULL;
    if (task_open(&t, json_str(header, "task"), &o, &e) < 0)
        fail_msg("%s", e.text);
    while (lines_next(&lines, &e) == 1) {
        item = json_parse(lines.line.s, lines.line.len, path, &e);
        assert_non_null(item);
        same_item(t, item, &s);
        json_free(item);
    }
    assert_int_equal(s.items, (int)json_num(header, "n_items", -1));
    same_totals(t, &s, json_get(header, "metrics"));
    *n += s.items;
    task_close(t);
    json_free(header);
    lines_close(&lines);
    assert_int_equal(mem_live(), 0);
}

static void same_model(const char *model)
{
    char data[4096], dir[8192], path[16384];
    int files = 0, items = 0;
    DIR *d;

    snprintf(data, sizeof data, "%s", shared_path("data"));
    snprintf(dir, sizeof dir, "%s/%s", shared_path("golden/lmeval"), model);
    d = opendir(dir);
    assert_non_null(d);
    for (struct dirent *entry; (entry = readdir(d));) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
        same_file(path, data, &items);
        files++;
    }
    closedir(d);
    print_message("          %s: %d items of %d files\n", model, items, files);
    assert_true(files > 0);
}

static void smollm2_gets_lm_evals_requests_and_scores(void **state)
{
    (void)state;
    same_model("smollm2");
}

static void gemma3_gets_lm_evals_requests_and_scores(void **state)
{
    (void)state;
    same_model("gemma3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(smollm2_gets_lm_evals_requests_and_scores),
        cmocka_unit_test(gemma3_gets_lm_evals_requests_and_scores),
    };
    return RUN(tests);
}
