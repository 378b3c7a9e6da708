/* Real models against lm-eval, transformers and llama.cpp (golden/): every log-likelihood, choice,
 * generated token and perplexity, in `exact`.
 *
 * Needs the catalogue's two models in the model store ('densimeter pull') and skips what is absent.
 * $DENSIMETER_GOLDEN=all takes every item ('make golden', minutes); otherwise a few of each file. */
#include "tests/test.h"

#include <dirent.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "harness/evaluate.h"
#include "harness/open.h"
#include "tests/chatml.h"

struct golden_model {
    const char *folder, *name;
    struct runner *runner;
    struct encoder encoder;
};

static struct golden_model models[] = {
    {.folder = "smollm2", .name = "smollm2-135m-instruct:q4_1"},
    {.folder = "gemma3", .name = "gemma-3-270m:q4_k_m"},
};

enum { MAX_LENGTH = 2048, ITEMS_MAX = 4096, CHOICES_MAX = 32 };
/* Threads do the same for both models, and Gemma's vocabulary is five times as large. */
#ifdef __SANITIZE_THREAD__
enum { SAMPLE_MODELS = 1 };
#else
enum { SAMPLE_MODELS = 2 };
#endif
/* Of every kind of request some; numbers are for the build that is not slowed ten or forty times. */
#if defined __SANITIZE_THREAD__ || defined __SANITIZE_ADDRESS__
enum { SAMPLE_FILES = 1, SAMPLE_ITEMS = 1, SAMPLE_PROMPTS = 1, SAMPLE_TOKENS = 6 };
#else
enum { SAMPLE_FILES = 4096, SAMPLE_ITEMS = 2, SAMPLE_PROMPTS = 2, SAMPLE_TOKENS = 4096 };
#endif
static const double NATS_PER_TOKEN = 1e-3, CLOSE_MARGIN = 1e-3;

static int take_all(void)
{
    const char *s = getenv("DENSIMETER_GOLDEN");
    return s && strcmp(s, "all") == 0;
}

static struct golden_model *open_golden(int i)
{
    struct golden_model *m = &models[i];
    struct runner_opts o = {.context = MAX_LENGTH};
    struct err e = ERR_NONE;
    char *path;

    if (m->runner)
        return m;
    if (i >= SAMPLE_MODELS && !take_all()) {
        print_message("          skipped: under ThreadSanitizer one model is asked\n");
        skip();
    }
    path = model_path(m->name, &e);
    if (!path) {
        print_message("          skipped: %s\n", e.text);
        skip();
    }
    if (runner_open(&m->runner, path, &o, &e) < 0)
        fail_msg("%s", e.text);
    mem_free(path);
    m->encoder = (struct encoder){.tokenizer = runner_tokenizer(m->runner),
                                  .max_length = MAX_LENGTH};
    return m;
}

struct check { /* of one golden file */
    cJSON *items[ITEMS_MAX]; /* by place in order */
    int order[ITEMS_MAX];
    int n, seen, values, diverged;
    double worst; /* nats per token */
    const char *path;
};

static int argmax(const double *v, int n)
{
    int best = 0;

    for (int i = 1; i < n; i++)
        if (v[i] > v[best])
            best = i;
    return best;
}

static void check_likelihoods(struct check *c, const struct outcome *o, const cJSON *want)
{
    const cJSON *ll = json_get(want, "loglikelihoods"), *greedy = json_get(want, "is_greedy");
    const cJSON *tokens = json_get(want, "n_continuation_tokens");
    double ours[CHOICES_MAX], theirs[CHOICES_MAX], gap = INFINITY, allowed = 0;
    int n = o->item->n_queries, best;

    assert_int_equal(n, cJSON_GetArraySize(ll));
    assert_true(n <= CHOICES_MAX);
    for (int i = 0; i < n; i++) {
        int k = cJSON_GetArrayItem(tokens, i)->valueint;
        ours[i] = o->answers[i].loglikelihood;
        theirs[i] = cJSON_GetArrayItem(ll, i)->valuedouble;
        assert_int_equal(o->answers[i].n_tokens, k);
        assert_int_equal(o->answers[i].is_greedy, cJSON_IsTrue(cJSON_GetArrayItem(greedy, i)));
        c->worst = fmax(c->worst, fabs(ours[i] - theirs[i]) / k);
        if (!(fabs(ours[i] - theirs[i]) <= NATS_PER_TOKEN * k))
            fail_msg("%s: doc %d, request %d: %.6f, expected %.6f (%d tokens)", c->path,
                     o->item->doc_id, i, ours[i], theirs[i], k);
        allowed = fmax(allowed, 2 * NATS_PER_TOKEN * k);
        c->values++;
    }
    best = argmax(theirs, n);
    for (int i = 0; i < n; i++)
        if (i != best)
            gap = fmin(gap, theirs[best] - theirs[i]);
    if (gap > allowed) /* nearer than the tolerance, either choice is right */
        assert_int_equal(argmax(ours, n), best);
}

/* A float32 reference and ours may part where two tokens are equally likely; a text that parts is
 * counted, and few may. */
static void check_output(struct check *c, const struct outcome *o, const cJSON *want)
{
    c->values++;
    c->diverged += strcmp(o->answers[0].text, json_str(want, "output")) != 0;
}

static int on_item(void *user, const struct outcome *o, struct err *e)
{
    struct check *c = user;
    (void)e;
    for (int i = 0; i < c->n; i++) {
        if ((int)json_num(c->items[i], "doc_id", -1) != o->item->doc_id)
            continue;
        if (json_get(c->items[i], "loglikelihoods"))
            check_likelihoods(c, o, c->items[i]);
        else
            check_output(c, o, c->items[i]);
        c->seen++;
    }
    return 0;
}

static cJSON *read_items(struct check *c, const char *path, int limit)
{
    struct line_reader lines;
    struct err e = ERR_NONE;
    cJSON *header;

    c->path = path_base(path);
    assert_int_equal(lines_open(&lines, path, &e), 0);
    assert_int_equal(lines_next(&lines, &e), 1);
    header = json_parse(lines.line.s, lines.line.len, path, &e);
    assert_non_null(header);
    while (c->n < limit && lines_next(&lines, &e) == 1) {
        c->items[c->n] = json_parse(lines.line.s, lines.line.len, path, &e);
        assert_non_null(c->items[c->n]);
        c->order[c->n] = (int)json_num(c->items[c->n], "doc_id", -1);
        c->n++;
    }
    lines_close(&lines);
    return header;
}

static void check_file(struct golden_model *m, const char *path, const char *data)
{
    static struct check c;
    struct task_opts o = {.data_dirs = &data, .n_data_dirs = 1, .seed = 1234};
    struct task *t = NULL;
    struct err e = ERR_NONE;

    memset(&c, 0, sizeof c);
    cJSON *header = read_items(&c, path, take_all() ? ITEMS_MAX : SAMPLE_ITEMS);
    o.shots = (int)json_num(header, "num_fewshot", -1);
    o.chat = json_bool(header, "chat_template", 0) ? &chatml : NULL;
    if (task_open(&t, json_str(header, "task"), &o, &e) < 0)
        fail_msg("%s", e.text);
    struct evaluation ev = {.runner = m->runner, .encoder = &m->encoder, .task = t,
                            .on_item = on_item, .user = &c};
    if (!take_all() && json_get(c.items[0], "prompt_sha256"))
        c.n = 0; /* generation takes long; the greedy tokens below stand for it */
    if (evaluate(&ev, c.order, c.n, &e) < 0)
        fail_msg("%s", e.text);
    assert_int_equal(c.seen, c.n);
    print_message("          %s/%s: %d items, %d values, worst %.1e nats per token, %d texts part\n",
                  m->folder, c.path, c.n, c.values, c.worst, c.diverged);
    assert_true(c.diverged * 4 <= c.n);
    task_close(t);
    for (int i = 0; i < ITEMS_MAX && c.items[i]; i++)
        json_free(c.items[i]);
    json_free(header);
}

static void check_folder(int i)
{
    char data[4096], dir[8192], path[16384];
    struct golden_model *m;
    int files = 0;
    DIR *d;

    snprintf(data, sizeof data, "%s", shared_path("data"));
    snprintf(dir, sizeof dir, "%s/%s", shared_path("golden/lmeval"), models[i].folder);
    m = open_golden(i);
    d = opendir(dir);
    assert_non_null(d);
    for (struct dirent *entry; (entry = readdir(d));) {
        if (entry->d_name[0] == '.' || (files >= SAMPLE_FILES && !take_all()))
            continue;
        files++;
        snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
        check_file(m, path, data);
    }
    closedir(d);
    assert_true(files > 0);
}

static void smollm2_scores_as_lm_eval_does(void **state)
{
    (void)state;
    check_folder(0);
}

static void gemma3_scores_as_lm_eval_does(void **state)
{
    (void)state;
    check_folder(1);
}

struct greedy {
    const cJSON *ids, *margin;
    int n, checked;
};

static int keep_generated(void *user, int i, const struct reply *a)
{
    struct greedy *g = user;
    (void)i;
    for (int k = 0; k < g->n; k++) {
        if (cJSON_GetArrayItem(g->margin, k)->valuedouble < CLOSE_MARGIN)
            break;
        assert_true(k < a->n);
        assert_int_equal(a->ids[k], cJSON_GetArrayItem(g->ids, k)->valueint);
        g->checked++;
    }
    return 0;
}

static void check_greedy(int i)
{
    struct golden_model *m;
    struct line_reader lines;
    struct err e = ERR_NONE;
    char name[64];
    int checked = 0;

    snprintf(name, sizeof name, "golden/greedy/%s.jsonl", models[i].folder);
    const char *path = shared_path(name);
    m = open_golden(i);
    assert_int_equal(lines_open(&lines, path, &e), 0);
    assert_int_equal(lines_next(&lines, &e), 1); /* the header */
    for (int n = 0; lines_next(&lines, &e) == 1 && (take_all() || n < SAMPLE_PROMPTS); n++) {
        cJSON *j = json_parse(lines.line.s, lines.line.len, path, &e);
        const cJSON *prompt = json_get(j, "prompt_ids");
        int32_t ids[1024];
        int k = 0;
        for (const cJSON *id = prompt->child; id; id = id->next)
            ids[k++] = id->valueint;
        struct greedy g = {json_get(j, "ids"), json_get(j, "margin"), 0, 0};
        g.n = cJSON_GetArraySize(g.ids);
        if (g.n > SAMPLE_TOKENS && !take_all())
            g.n = SAMPLE_TOKENS;
        struct request q = {.kind = REQUEST_GENERATE, .ids = ids, .n_ids = k, .max_tokens = g.n,
                            .ignore_end = 1};
        if (runner_run(m->runner, &q, 1, keep_generated, &g, NULL, &e) < 0)
            fail_msg("%s", e.text);
        checked += g.checked;
        json_free(j);
    }
    lines_close(&lines);
    print_message("          %s: %d greedy tokens\n", m->folder, checked);
    assert_true(checked > 0);
}

static void smollm2_generates_the_reference_tokens(void **state)
{
    (void)state;
    check_greedy(0);
}

static void gemma3_generates_the_reference_tokens(void **state)
{
    (void)state;
    check_greedy(1);
}

static int sum_windows(void *user, const struct outcome *o, struct err *e)
{
    double *sum = user;
    (void)e;
    sum[0] += o->answers[0].loglikelihood;
    sum[1] += o->answers[0].n_tokens;
    return 0;
}

static void check_perplexity(int i)
{
    char name[64], data[4096];
    struct task *t = NULL;
    struct err e = ERR_NONE;
    double sum[2] = {0, 0};
    int order = 0;

    if (!take_all()) {
        print_message("          skipped: perplexities are for 'make golden'\n");
        skip();
    }
    snprintf(data, sizeof data, "%s", shared_path("data"));
    snprintf(name, sizeof name, "golden/greedy/perplexity_%s.json", models[i].folder);
    cJSON *want = json_read(shared_path(name), 1 << 20, &e);
    struct golden_model *m = open_golden(i);
    const char *dirs = data;
    struct task_opts o = {.data_dirs = &dirs, .n_data_dirs = 1, .shots = -1, .seed = 1234};
    if (task_open(&t, "wikitext2_ppl", &o, &e) < 0)
        fail_msg("%s", e.text);
    struct evaluation ev = {.runner = m->runner, .encoder = &m->encoder, .task = t,
                            .on_item = sum_windows, .user = sum};
    if (evaluate(&ev, &order, 1, &e) < 0)
        fail_msg("%s", e.text);
    print_message("          %s: perplexity %.7f, reference %.7f\n", m->folder,
                  exp(-sum[0] / sum[1]), json_num(want, "perplexity", 0));
    assert_close(exp(-sum[0] / sum[1]), json_num(want, "perplexity", 0), 1e-4);
    task_close(t);
    json_free(want);
}

static void smollm2_has_the_reference_perplexity(void **state)
{
    (void)state;
    check_perplexity(0);
}

static void gemma3_has_the_reference_perplexity(void **state)
{
    (void)state;
    check_perplexity(1);
}

static int close_models(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++)
        runner_close(models[i].runner);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(smollm2_scores_as_lm_eval_does),
        cmocka_unit_test(smollm2_generates_the_reference_tokens),
        cmocka_unit_test(smollm2_has_the_reference_perplexity),
        cmocka_unit_test(gemma3_scores_as_lm_eval_does),
        cmocka_unit_test(gemma3_generates_the_reference_tokens),
        cmocka_unit_test(gemma3_has_the_reference_perplexity),
    };
    return cmocka_run_group_tests_name(__FILE__, tests, NULL, close_models);
}
