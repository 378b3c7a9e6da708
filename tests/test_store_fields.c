/* Every field of every row comes back as it was put, what is unknown stays unknown, and what makes
 * two command lines one run is just what it should be. */
#include "tests/test.h"

#include "base/mem.h"
#include "base/strbuf.h"
#include "results/query.h"
#include "tests/store_fixture.h"

#define LARGE ((int64_t)5 << 32) /* more than an int can hold */

/* --- runs ------------------------------------------------------------------------------------ */

static void each_field_of_a_run_comes_back(void **state)
{
    static const struct store_task task = {"t", 1, 2, 3, "ds"};
    const struct store_run_spec spec = {
        .kind = "eval", .command_line = "command", .settings = "{\"s\":1}",
        .program_version = "1.2.3", .numerics_id = "fast/2", .kernels = "avx2", .device = "dev",
        .threads = 5, .seed = 6000000000,
        .model = {.name = "name", .path = "path", .sha256 = "sha", .architecture = "arch",
                  .licence = "lic", .tensor_types = "{}", .parameters = LARGE + 11,
                  .parameters_non_embedding = LARGE + 12, .parameters_embedding = LARGE + 13,
                  .parameters_active = LARGE + 14, .file_bytes = LARGE + 15,
                  .bits_per_weight = 16.5},
        .machine = {.name = "host", .json = "{\"m\":1}"}, .tasks = &task, .n_tasks = 1,
        .noise_before = "{\"b\":1}"};
    struct store_run_spec bare = {
        .kind = "eval", .command_line = "c", .settings = "{}", .program_version = "1",
        .numerics_id = "n", .kernels = "k", .device = "d", .model = {.name = "other",
        .parameters = -1, .parameters_non_embedding = -1, .parameters_embedding = -1,
        .parameters_active = -1, .file_bytes = -1, .bits_per_weight = NAN},
        .machine = {.name = "host", .json = "{}"}};
    struct store *s = store_in_memory();
    struct store_run *r = begun(s, &spec);
    struct run_list l;
    const struct run_row *x;

    (void)state;
    assert_int_equal(store_run_finish(r, STORE_FAILED, "{\"a\":1}", "why", NULL), 0);
    assert_int_equal(query_run(s, store_run_id(r), &l, NULL), 0);
    assert_int_equal(l.n, 1);
    x = l.v;
    assert_int_equal(x->row, 1);
    field_text_is(x->id, store_run_id(r));
    field_text_is(x->label, NULL);
    field_text_is(x->kind, "eval");
    assert_int_equal(strlen(x->created), 20);
    assert_int_equal(strlen(x->ended), 20);
    field_text_is(x->status, "failed");
    field_text_is(x->error, "why");
    field_text_is(x->command_line, "command");
    field_text_is(x->settings, "{\"s\":1}");
    assert_int_equal(strlen(x->settings_hash), 64);
    field_text_is(x->program_version, "1.2.3");
    field_text_is(x->numerics_id, "fast/2");
    field_text_is(x->kernels, "avx2");
    field_text_is(x->device, "dev");
    field_text_is(x->source, NULL);
    field_text_is(x->noise_before, "{\"b\":1}");
    field_text_is(x->noise_after, "{\"a\":1}");
    field_text_is(x->model.name, "name");
    field_text_is(x->model.path, "path");
    field_text_is(x->model.sha256, "sha");
    field_text_is(x->model.architecture, "arch");
    field_text_is(x->model.licence, "lic");
    field_text_is(x->model.tensor_types, "{}");
    field_text_is(x->machine_name, "host");
    field_text_is(x->machine_json, "{\"m\":1}");
    assert_int_equal(strlen(x->machine_hash), 64);
    assert_true(x->threads == 5 && x->seed == 6000000000 && x->sessions == 1);
    assert_int_equal(x->model.parameters, LARGE + 11);
    assert_int_equal(x->model.parameters_non_embedding, LARGE + 12);
    assert_int_equal(x->model.parameters_embedding, LARGE + 13);
    assert_int_equal(x->model.parameters_active, LARGE + 14);
    assert_int_equal(x->model.file_bytes, LARGE + 15);
    assert_true(x->model.bits_per_weight == 16.5);
    assert_true(x->n_tasks == 1 && x->n_items == 0 && x->n_expected == 3);
    run_list_release(&l);
    store_run_close(r);

    r = begun(s, &bare);
    assert_int_equal(query_run(s, "last", &l, NULL), 0);
    x = l.v;
    assert_int_equal(x->row, 2);
    field_text_is(x->status, "interrupted"); /* nobody holds a lock in memory */
    field_text_is(x->ended, NULL);
    field_text_is(x->noise_before, NULL);
    field_text_is(x->model.sha256, NULL);
    field_text_is(x->model.licence, NULL);
    assert_true(x->model.parameters == -1 && x->model.parameters_non_embedding == -1);
    assert_true(x->model.parameters_embedding == -1 && x->model.parameters_active == -1);
    assert_true(x->model.file_bytes == -1 && isnan(x->model.bits_per_weight));
    assert_true(x->n_tasks == 0 && x->n_items == 0 && x->n_expected == 0);
    run_list_release(&l);
    store_run_close(r);
    bare.model.name = NULL;
    struct err e = ERR_NONE;
    assert_int_equal(store_run_begin(s, &bare, &r, &e), -1);
    assert_string_equal(e.text, ":memory:: a model without a name");
    close_clean(s);
}

/* One change at a time to what was begun: is it the same run? */
static void a_run_is_told_by_what_can_change_a_result(void **state)
{
    static const struct store_task tasks[] = {{"a", 1, 2, 3, "d"}, {"b", 1, 2, 3, NULL}};
    static const struct store_task other_tasks[][2] = {
        {{"x", 1, 2, 3, "d"}, {"b", 1, 2, 3, NULL}}, {{"a", 2, 2, 3, "d"}, {"b", 1, 2, 3, NULL}},
        {{"a", 1, 3, 3, "d"}, {"b", 1, 2, 3, NULL}}, {{"a", 1, 2, 4, "d"}, {"b", 1, 2, 3, NULL}},
        {{"a", 1, 2, 3, "e"}, {"b", 1, 2, 3, NULL}}, {{"a", 1, 2, 3, "d"}, {"b", 1, 2, 3, "d"}},
        {{"b", 1, 2, 3, NULL}, {"a", 1, 2, 3, "d"}}};
    const struct store_run_spec first = {
        .kind = "eval", .command_line = "c", .settings = "{}", .program_version = "1",
        .numerics_id = "n", .kernels = "k", .device = "d", .threads = 2, .seed = 3,
        .model = {.name = "m", .sha256 = "sha"}, .machine = {.name = "host", .json = "{}"},
        .tasks = tasks, .n_tasks = 2};
    enum { SAME = 5, OTHER = 10 };
    struct store_run_spec same[SAME], other[OTHER];
    struct store *s = store_in_memory();
    struct store_run *r = begun(s, &first);
    char id[RUN_ID_SIZE];

    (void)state;
    strcpy(id, store_run_id(r));
    store_run_close(r);
    for (int i = 0; i < SAME; i++)
        same[i] = first;
    same[1].command_line = "another";
    same[2].program_version = "2";
    same[3].noise_before = "{}";
    same[4].model.name = "by another name"; /* the file is the same */
    for (int i = 0; i < SAME; i++) {
        r = begun(s, &same[i]);
        assert_true(store_run_resumed(r));
        assert_string_equal(store_run_id(r), id);
        store_run_close(r);
    }
    for (int i = 0; i < OTHER; i++)
        other[i] = first;
    other[0].kind = "bench";
    other[1].model.sha256 = "shb";
    other[2].settings = "{\"a\":1}";
    other[3].numerics_id = "n2";
    other[4].kernels = "k2";
    other[5].device = "d2";
    other[6].threads = 3;
    other[7].seed = 4;
    other[8].machine.json = "{\"x\":1}";
    other[9].n_tasks = 1;
    for (int i = 0; i < OTHER; i++) {
        r = begun(s, &other[i]);
        if (store_run_resumed(r))
            fail_msg("row %d is the same run", i);
        store_run_close(r);
    }
    for (int i = 0; i < 7; i++) {
        struct store_run_spec x = first;
        x.tasks = other_tasks[i];
        r = begun(s, &x);
        assert_false(store_run_resumed(r));
        store_run_close(r);
    }
    r = begun(s, &first); /* and all of them are still there */
    assert_string_equal(store_run_id(r), id);
    store_run_close(r);
    close_clean(s);
}

static void a_session_is_counted_each_time(void **state)
{
    struct store_run_spec spec = spec_of("{}");
    struct store *s = store_in_memory();
    struct run_list l;
    struct store_run *r;

    (void)state;
    for (int i = 0; i < 3; i++) {
        r = begun(s, &spec);
        assert_int_equal(store_run_resumed(r), i > 0);
        assert_int_equal(store_run_finish(r, STORE_INTERRUPTED, i ? "{\"n\":2}" : "{\"n\":1}", NULL,
                                          NULL), 0);
        store_run_close(r);
    }
    assert_int_equal(query_run(s, "last~0", &l, NULL), 0);
    assert_int_equal(l.v->sessions, 3);
    field_text_is(l.v->noise_after, "{\"n\":2}");
    field_text_is(l.v->status, "interrupted");
    field_text_is(l.v->error, NULL);
    run_list_release(&l);
    close_clean(s);
}

/* --- items ----------------------------------------------------------------------------------- */

static void each_field_of_an_item_comes_back(void **state)
{
    static const struct store_metric metrics[] = {{"acc", "strict", 0, 2},
                                                  {"f1", "loose", .5, NAN}};
    static const struct store_request requests[] = {{-1.5, 1, 2, 3}, {NAN, -1, 4, 5}};
    static const struct store_item full = {
        .task = "arc_easy", .doc_id = 7, .doc_hash = "dh", .prompt_hash = "ph", .doc = "{\"d\":1}",
        .arguments = "[[\"c\",\"x\"]]", .cluster = "cl", .gold = "g", .prediction = "p",
        .gold_index = 3, .output = "out", .filtered = "{}", .latency_s = 1.25, .ttft_s = .5,
        .prompt_tokens = LARGE + 21, .computed_tokens = LARGE + 22, .reused_tokens = LARGE + 23,
        .cached_tokens = LARGE + 24, .generated_tokens = LARGE + 25, .metrics = metrics,
        .n_metrics = 2, .requests = requests, .n_requests = 2};
    static const struct store_item bare = {
        .task = "gsm8k", .doc_id = 0, .doc_hash = "eh", .prompt_hash = "ph", .gold_index = -1,
        .error = "refused", .latency_s = NAN, .ttft_s = NAN, .prompt_tokens = -1,
        .computed_tokens = -1, .reused_tokens = -1, .cached_tokens = -1, .generated_tokens = -1};
    struct store_run_spec spec = spec_of("{}");
    struct store *s = store_in_memory();
    struct store_run *r = begun(s, &spec);
    struct item_iter *it;
    struct store_item x;

    (void)state;
    assert_int_equal(store_item_add(r, &full, NULL), 0);
    assert_int_equal(store_item_add(r, &bare, NULL), 0);
    assert_int_equal(query_items(s, store_run_id(r), NULL, &it, NULL), 0);
    assert_int_equal(item_iter_next(it, &x, NULL), 1);
    field_text_is(x.task, "arc_easy");
    field_text_is(x.doc_hash, "dh");
    field_text_is(x.prompt_hash, "ph");
    field_text_is(x.doc, "{\"d\":1}");
    field_text_is(x.arguments, "[[\"c\",\"x\"]]");
    field_text_is(x.cluster, "cl");
    field_text_is(x.gold, "g");
    field_text_is(x.prediction, "p");
    field_text_is(x.output, "out");
    field_text_is(x.filtered, "{}");
    field_text_is(x.error, NULL);
    assert_true(x.doc_id == 7 && x.gold_index == 3 && x.latency_s == 1.25 && x.ttft_s == .5);
    assert_true(x.prompt_tokens == LARGE + 21 && x.computed_tokens == LARGE + 22);
    assert_true(x.reused_tokens == LARGE + 23 && x.cached_tokens == LARGE + 24);
    assert_true(x.generated_tokens == LARGE + 25);
    assert_true(x.n_metrics == 2 && x.n_requests == 2);
    for (int i = 0; i < 2; i++) {
        field_text_is(x.metrics[i].metric, metrics[i].metric);
        field_text_is(x.metrics[i].filter, metrics[i].filter);
        field_number_is(x.metrics[i].value, metrics[i].value);
        field_number_is(x.metrics[i].weight, metrics[i].weight);
        field_number_is(x.requests[i].loglikelihood, requests[i].loglikelihood);
        assert_int_equal(x.requests[i].is_greedy, requests[i].is_greedy);
        assert_int_equal(x.requests[i].n_tokens, requests[i].n_tokens);
        assert_int_equal(x.requests[i].n_bytes, requests[i].n_bytes);
    }
    assert_int_equal(item_iter_next(it, &x, NULL), 1);
    field_text_is(x.task, "gsm8k");
    field_text_is(x.doc, NULL);
    field_text_is(x.cluster, NULL);
    field_text_is(x.gold, NULL);
    field_text_is(x.prediction, NULL);
    field_text_is(x.error, "refused");
    assert_true(x.gold_index == -1 && isnan(x.latency_s) && isnan(x.ttft_s));
    assert_true(x.prompt_tokens == -1 && x.computed_tokens == -1 && x.reused_tokens == -1);
    assert_true(x.cached_tokens == -1 && x.generated_tokens == -1);
    assert_true(x.n_metrics == 0 && x.n_requests == 0);
    assert_int_equal(item_iter_next(it, &x, NULL), 0);
    item_iter_close(it);
    store_run_close(r);
    close_clean(s);
}

static void add_credit(struct store_run *r, const char *task, int doc, double acc, double norm)
{
    const struct store_metric metrics[] = {{"acc", "a", acc, 1}, {"norm", "b", norm, 1}};
    const struct store_item it = {.task = task, .doc_id = doc, .doc_hash = "h", .prompt_hash = "p",
                                  .gold_index = -1, .latency_s = doc, .ttft_s = NAN,
                                  .prompt_tokens = 1 + doc, .computed_tokens = 2,
                                  .reused_tokens = -1, .cached_tokens = -1, .generated_tokens = 3,
                                  .metrics = metrics, .n_metrics = 2};

    assert_int_equal(store_item_add(r, &it, NULL), 0);
}

static void items_are_chosen_by_task_document_and_credit(void **state)
{
    static const struct {
        struct item_filter f;
        const char *docs;
    } rows[] = {
        {{0}, "a0 a1 a2 g0 "},
        {{.task = "arc_easy"}, "a0 a1 a2 "},
        {{.task = "gsm8k"}, "g0 "},
        {{.task = "none"}, ""},
        {{.one_doc = 1, .doc_id = 0}, "a0 g0 "},
        {{.one_doc = 1, .doc_id = 2}, "a2 "},
        {{.doc_id = 2}, "a0 a1 a2 g0 "}, /* not asked for */
        {{.wrong = 1}, "a0 a2 "},        /* the first metric */
        {{.wrong = 1, .metric = "norm"}, "a1 g0 "},
        {{.wrong = 1, .filter = "b"}, "a1 g0 "},
        {{.wrong = 1, .metric = "acc", .filter = "b"}, ""},
        {{.item = 2}, "a1 "},
        {{.item = 9}, ""},
    };
    struct store_run_spec spec = spec_of("{}");
    struct store *s = store_in_memory();
    struct store_run *r = begun(s, &spec);

    (void)state;
    add_credit(r, "arc_easy", 0, 0, 1);
    add_credit(r, "arc_easy", 1, 1, 0);
    add_credit(r, "arc_easy", 2, 0, 1);
    add_credit(r, "gsm8k", 0, 1, 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct strbuf b = STRBUF_INIT;
        struct item_iter *it;
        struct store_item x;
        assert_int_equal(query_items(s, store_run_id(r), &rows[i].f, &it, NULL), 0);
        while (item_iter_next(it, &x, NULL) == 1)
            strbuf_addf(&b, "%c%d ", x.task[0], x.doc_id);
        item_iter_close(it);
        assert_string_equal(strbuf_str(&b), rows[i].docs);
        strbuf_release(&b);
    }
    store_run_close(r);
    close_clean(s);
}

static void two_who_read_at_once_do_not_disturb_each_other(void **state)
{
    struct store_run_spec spec = spec_of("{}");
    struct store *s = store_in_memory();
    struct store_run *r = begun(s, &spec);
    struct item_iter *it[2];
    struct task_list tasks;
    struct store_item x;

    (void)state;
    for (int doc = 0; doc < 3; doc++)
        add_credit(r, "arc_easy", doc, 0, 1);
    assert_int_equal(query_items(s, store_run_id(r), NULL, &it[0], NULL), 0);
    assert_int_equal(item_iter_next(it[0], &x, NULL), 1);
    assert_int_equal(query_tasks(s, store_run_id(r), &tasks, NULL), 0);
    assert_int_equal(tasks.n, 2);
    task_list_release(&tasks);
    assert_int_equal(query_items(s, store_run_id(r), NULL, &it[1], NULL), 0);
    for (int doc = 0; doc < 3; doc++) {
        assert_int_equal(item_iter_next(it[1], &x, NULL), 1);
        assert_int_equal(x.doc_id, doc);
        assert_int_equal(item_iter_next(it[0], &x, NULL), doc < 2);
        assert_true(doc == 2 || x.doc_id == doc + 1);
    }
    assert_int_equal(item_iter_next(it[1], &x, NULL), 0);
    item_iter_close(it[1]);
    item_iter_close(it[0]);
    store_run_close(r);
    close_clean(s);
}

static void a_pair_has_the_likelihood_of_what_was_right(void **state)
{
    static const struct store_request requests[] = {{-1.5, 1, 2, 3}, {-2.5, 0, 4, 1},
                                                    {-4, 0, 5, 0}};
    static const struct store_metric text = {"bits_per_byte", "none", -7.5, 12};
    static const struct {
        int gold, n_requests, n_metrics;
        double nats, bytes;
    } rows[] = {
        {0, 3, 0, -1.5, 3}, {1, 3, 0, -2.5, 1}, {2, 3, 0, NAN, NAN}, /* no byte tells nothing */
        {-1, 3, 0, NAN, NAN}, {3, 3, 0, NAN, NAN}, {0, 0, 0, NAN, NAN}, {0, 3, 1, -7.5, 12},
        {-1, 0, 1, -7.5, 12},
    };
    enum { N = sizeof rows / sizeof rows[0] };
    struct store_run_spec spec = spec_of("{}");
    struct store *s = store_in_memory();
    struct store_run *r = begun(s, &spec);
    struct pair_row_list l;

    (void)state;
    for (int i = 0; i < N; i++) {
        const struct store_item it = {
            .task = "arc_easy", .doc_id = i, .doc_hash = i ? "h" : NULL, .prompt_hash = "p",
            .cluster = i ? NULL : "c", .gold_index = rows[i].gold,
            .latency_s = i ? i : NAN,
            .metrics = &text, .n_metrics = rows[i].n_metrics, .requests = requests,
            .n_requests = rows[i].n_requests, .error = rows[i].n_metrics ? NULL : "none asked for"};
        assert_int_equal(store_item_add(r, &it, NULL), 0);
    }
    assert_int_equal(query_pair_rows(s, store_run_id(r), "arc_easy", "bits_per_byte", "none", &l,
                                     NULL), 0);
    assert_int_equal(l.n, N);
    for (int i = 0; i < N; i++) {
        assert_true(l.v[i].doc_id == i && l.v[i].item == i + 1);
        field_text_is(l.v[i].doc_hash, i ? "h" : NULL);
        field_text_is(l.v[i].cluster, i ? NULL : "c");
        field_number_is(l.v[i].nats, rows[i].nats);
        field_number_is(l.v[i].bytes, rows[i].bytes);
        field_number_is(l.v[i].value, rows[i].n_metrics ? -7.5 : NAN);
        field_number_is(l.v[i].weight, rows[i].n_metrics ? 12 : NAN);
        field_number_is(l.v[i].latency_s, i ? i : NAN);
    }
    pair_row_list_release(&l);
    store_run_close(r);
    close_clean(s);
}

/* --- tasks ----------------------------------------------------------------------------------- */

static void a_tasks_numbers_replace_those_it_had(void **state)
{
    static const struct store_value old = {"acc", NULL, 9, 9, 9, 9};
    static const struct store_value values[] = {{"f1", "strict", .25, .125, NAN, NAN},
                                                {"acc", NULL, .5, NAN, .25, .75},
                                                {"acc", "loose", .75, NAN, NAN, NAN}};
    static const struct store_cost costs[] = {{"wall_s", 2}, {"energy_j", NAN}};
    struct store_run_spec spec = spec_of("{}");
    struct store *s = store_in_memory();
    struct store_run *r = begun(s, &spec);
    struct task_list l;
    const struct task_row *t;
    double *v = NULL;
    size_t n = 0, cap = 0;

    (void)state;
    for (int i = 0; i < 3; i++)
        add_credit(r, "arc_easy", i, 1, 1);
    assert_int_equal(store_task_finish(r, &(struct store_task_result){"arc_easy", 1, &old, 1,
                                                                      costs, 1}, NULL), 0);
    assert_int_equal(store_task_finish(r, &(struct store_task_result){"arc_easy", 3, values, 3,
                                                                      costs, 2}, NULL), 0);
    assert_int_equal(query_tasks(s, store_run_id(r), &l, NULL), 0);
    assert_int_equal(l.n, 2);
    t = &l.v[0];
    field_text_is(t->task, "arc_easy");
    field_text_is(t->data_sha256, "dd");
    assert_true(t->version == 1 && t->shots == 0 && t->n_expected == 40 && t->n == 3);
    assert_true(t->n_scored == 3 && t->n_values == 3 && t->n_costs == 2);
    for (int i = 0; i < 3; i++) {
        field_text_is(t->values[i].metric, values[i].metric);
        field_text_is(t->values[i].filter, values[i].filter ? values[i].filter : "none");
        field_number_is(t->values[i].value, values[i].value);
        field_number_is(t->values[i].stderr_, values[i].stderr_);
        field_number_is(t->values[i].low, values[i].low);
        field_number_is(t->values[i].high, values[i].high);
    }
    assert_true(task_row_value(t, "acc", NULL) == &t->values[1]);
    assert_true(task_row_value(t, "acc", "loose") == &t->values[2]);
    assert_null(task_row_value(t, "acc", "strict"));
    assert_null(task_row_value(t, "mcc", NULL));
    field_number_is(task_row_cost(t, "wall_s"), 2);
    field_number_is(task_row_cost(t, "energy_j"), NAN);
    field_number_is(task_row_cost(t, "nothing"), NAN);
    assert_true(t->latency_s == 0 + 1 + 2 && t->prompt_tokens == 1 + 2 + 3);
    assert_true(t->computed_tokens == 6 && t->reused_tokens == -1 && t->generated_tokens == 9);
    assert_int_equal(task_row_items(t), 3);
    t = &l.v[1];
    assert_true(t->version == 3 && t->shots == 5 && t->n_expected == 1 && t->n == 0);
    assert_true(t->n_scored == -1 && t->n_values == 0 && t->n_costs == 0 && isnan(t->latency_s));
    field_text_is(t->data_sha256, NULL);
    assert_int_equal(task_row_items(t), -1);
    assert_int_equal(task_row_items(&(struct task_row){.n = 0, .n_scored = 7}), 7);
    assert_int_equal(task_row_items(&(struct task_row){.n = 1, .n_scored = 7}), 1);
    task_list_release(&l);
    assert_int_equal(query_latencies(s, store_run_id(r), "arc_easy", &v, &n, &cap, NULL), 0);
    assert_int_equal(query_latencies(s, store_run_id(r), "arc_easy", &v, &n, &cap, NULL), 0);
    assert_true(n == 6 && v[0] == 0 && v[2] == 2 && v[5] == 2);
    mem_free(v);
    store_run_close(r);
    close_clean(s);
}

/* --- names ----------------------------------------------------------------------------------- */

static void what_is_no_name_is_refused(void **state)
{
    static const char *const names[] = {"last~", "last~1x", "last~-1", "last~:", "last~/", "Last",
                                        "last~2", "zz"};
    struct store *s = store_in_memory();
    char ids[2][RUN_ID_SIZE], got[RUN_ID_SIZE], text[100];
    struct err e = ERR_NONE;
    struct store_run *r;

    (void)state;
    for (int i = 0; i < 2; i++) {
        r = begun(s, &(struct store_run_spec){
            .kind = "eval", .command_line = "c", .settings = i ? "1" : "2", .program_version = "1",
            .numerics_id = "n", .kernels = "k", .device = "d", .model = {.name = "m"},
            .machine = {.name = "h", .json = "{}"}});
        strcpy(ids[i], store_run_id(r));
        store_run_close(r);
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_int_equal(query_resolve(s, names[i], got, &e), -1);
        snprintf(text, sizeof text, ":memory:: no run %s", names[i]);
        assert_string_equal(e.text, text);
        snprintf(text, sizeof text, "the newest runs are %s, %s", ids[1], ids[0]);
        assert_non_null(strstr(e.hint, text));
    }
    assert_int_equal(query_resolve(s, "lsat", got, &e), -1);
    assert_non_null(strstr(e.hint, "did you mean 'last'? the newest runs are "));
    assert_int_equal(query_resolve(s, "last~1", got, &e), 0);
    assert_string_equal(got, ids[0]);
    assert_int_equal(query_resolve(s, "last~01", got, &e), 0);
    assert_string_equal(got, ids[0]);
    for (int i = 0; i < 2; i++) { /* a beginning that only one has */
        size_t n = 1;
        memset(got, 0, sizeof got);
        while (strncmp(ids[0], ids[1], n) == 0)
            n++;
        snprintf(text, sizeof text, "%.*s", (int)n, ids[i]);
        assert_int_equal(query_resolve(s, text, got, &e), 0);
        assert_string_equal(got, ids[i]);
    }
    close_clean(s);
}

/* Made so that ids begin alike: many runs, until some do. */
/* Why the name is none; without memory that is all that is said. */
static void name_is_refused(struct store *s, const char *name, enum err_code code)
{
    char got[RUN_ID_SIZE];

    for (int nth = 0;; nth++) {
        struct err e = ERR_NONE;
        mem_fail_at(nth);
        assert_int_equal(query_resolve(s, name, got, &e), -1);
        mem_fail_at(-1);
        if (e.code == ERR_NOMEM)
            continue;
        assert_true(nth > 0);
        assert_int_equal(e.code, code);
        return;
    }
}

static void a_beginning_that_several_have_is_ambiguous(void **state)
{
    struct store *s = store_in_memory();
    char got[RUN_ID_SIZE], prefix[2] = "";
    int counts[16] = {0};
    struct err e = ERR_NONE;
    struct run_list l;

    (void)state;
    for (int i = 0; i < 90; i++) { /* of 16 first digits one has at least five */
        char settings[16];
        struct store_run *r;
        snprintf(settings, sizeof settings, "%d", i);
        r = begun(s, &(struct store_run_spec){
            .kind = "eval", .command_line = "c", .settings = settings, .program_version = "1",
            .numerics_id = "n", .kernels = "k", .device = "d", .model = {.name = "m"},
            .machine = {.name = "h", .json = "{}"}});
        store_run_close(r);
    }
    assert_int_equal(query_runs(s, &(struct run_filter){.limit = -1}, &l, NULL), 0);
    assert_int_equal(l.n, 90);
    for (size_t i = 0; i < l.n; i++) {
        const char *digits = "0123456789abcdef";
        int k = (int)(strchr(digits, l.v[i].id[0]) - digits);
        if (++counts[k] == 5)
            prefix[0] = l.v[i].id[0];
    }
    run_list_release(&l);
    assert_int_equal(query_resolve(s, "last~9", got, &e), 0);
    assert_int_equal(query_resolve(s, "last~89", got, &e), 0);
    assert_int_equal(query_resolve(s, "last~90", got, &e), -1);
    assert_int_equal(query_resolve(s, prefix, got, &e), -1);
    assert_int_equal(e.code, ERR_USAGE);
    assert_memory_equal(e.text, ":memory:: run ", 14);
    assert_non_null(strstr(e.text, " is ambiguous: "));
    /* four of them, three commas between, and three dots */
    assert_int_equal(strlen(strstr(e.text, "ambiguous: ")), 11 + 4 * 8 + 3 * 2 + 5);
    assert_string_equal(e.text + strlen(e.text) - 5, ", ...");
    for (int k = 0; k < 16; k++) {
        char one[2] = {"0123456789abcdef"[k], 0};
        if (counts[k] != 2 && counts[k] != 3)
            continue;
        assert_int_equal(query_resolve(s, one, got, &e), -1);
        assert_null(strstr(e.text, "..."));
    }
    name_is_refused(s, prefix, ERR_USAGE);
    name_is_refused(s, "none", ERR_NOTFOUND);
    close_clean(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_field_of_a_run_comes_back),
        cmocka_unit_test(a_run_is_told_by_what_can_change_a_result),
        cmocka_unit_test(a_session_is_counted_each_time),
        cmocka_unit_test(each_field_of_an_item_comes_back),
        cmocka_unit_test(items_are_chosen_by_task_document_and_credit),
        cmocka_unit_test(two_who_read_at_once_do_not_disturb_each_other),
        cmocka_unit_test(a_pair_has_the_likelihood_of_what_was_right),
        cmocka_unit_test(a_tasks_numbers_replace_those_it_had),
        cmocka_unit_test(what_is_no_name_is_refused),
        cmocka_unit_test(a_beginning_that_several_have_is_ambiguous),
    };

    return cmocka_run_group_tests_name(__FILE__, tests, fixture_folder, fixture_folder_gone);
}
