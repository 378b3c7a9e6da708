/* A report compares only what may be compared, and says where each number is from. */
#include "tests/test.h"

#include "base/mem.h"
#include "harness/summary.h"
#include "results/store.h"
#include "tasks/facts.h"

/* --- a store of known runs ---------------------------------------------------------------- */

enum { ITEMS = 8 };

struct known { /* one task of one run, asked ITEMS times unless n says otherwise */
    const char *model, *task;
    double parameters, file_bytes, acc;
    const char *metric;   /* NULL: "acc" */
    const char *numerics; /* NULL: "exact/1" */
    const char *settings; /* NULL: "{}" */
    const char *noise;
    int unfinished, n;
    int unknown; /* no costs, no latencies */
    const char *no_energy; /* why no meter told any */
};

static struct store_model model_of(const struct known *k, char sha256[65])
{
    unsigned hash = 5381;

    for (const char *c = k->model; *c; c++)
        hash = hash * 33 + (unsigned char)*c;
    snprintf(sha256, 65, "%08x", hash);
    return (struct store_model){
        .name = k->model, .sha256 = sha256, .architecture = "llama",
        .parameters = (int64_t)k->parameters,
        .parameters_non_embedding = (int64_t)k->parameters / 2,
        .parameters_embedding = (int64_t)k->parameters / 2,
        .parameters_active = (int64_t)k->parameters / 4, .file_bytes = (int64_t)k->file_bytes,
        .bits_per_weight = 4.5};
}

static struct store_run *begin(struct store *s, const struct known *k,
                               const struct store_task *task, const char *kind)
{
    char sha256[65];
    struct store_run_spec spec = {
        .kind = kind, .command_line = "densimeter eval m",
        .settings = k->settings ? k->settings : "{}",
        .program_version = "0.1", .numerics_id = k->numerics ? k->numerics : "exact/1",
        .kernels = "ref", .device = "cpu", .threads = 2, .seed = 1234,
        .machine = {"host", "{\"cpu\":\"Example CPU\",\"memory_bytes\":8000000000}"},
        .tasks = task, .n_tasks = task ? 1 : 0};
    struct store_run *r = NULL;
    struct err e = ERR_NONE;

    spec.model = model_of(k, sha256);
    if (store_run_begin(s, &spec, &r, &e) < 0)
        fail_msg("%s", e.text);
    return r;
}

enum { FACT_STRIDE = 499 }; /* so that both languages are among a few */

static void add_items(struct store_run *r, const struct known *k, int n)
{
    int stride = strcmp(k->task, "facts") == 0 ? FACT_STRIDE : 1;

    for (int i = 0; i < n; i++) {
        const struct store_metric metric = {k->metric ? k->metric : "acc", "none", i % 2, 1};
        const struct store_item it = {
            .task = k->task, .doc_id = i * stride, .doc_hash = "h", .prompt_hash = "p",
            .gold_index = -1, .latency_s = k->unknown ? NAN : 0.1 * (i + 1), .ttft_s = NAN,
            .prompt_tokens = 10, .computed_tokens = 6, .reused_tokens = 4, .generated_tokens = 0,
            .metrics = &metric, .n_metrics = 1};
        assert_int_equal(store_item_add(r, &it, NULL), 0);
    }
}

/* The values of a facts task beside acc: bits, with an interval, and two parts. */
static const struct store_value fact_values[] = {
    {"acc", "none", 0.5, 0.1, 0.4, 0.6},
    {"knowledge_bits", "none", 120, NAN, 60, 180},
    {"bits_per_fact", "none", 1.5, NAN, 0.75, 2.25},
    {"knowledge_share", "none", 0.375, NAN, 0.2, 0.55},
    {"bits_per_fact", "zh", 1, NAN, 0.5, 1.5},
    {"bits_per_fact", "en", 2, NAN, 1, 3},
    {"bits_per_fact", "no such part", 3, NAN, NAN, NAN},
};

static void fill(struct store *s, const struct known *k, char id[RUN_ID_SIZE])
{
    int n = k->n ? k->n : ITEMS, is_facts = strcmp(k->task, "facts") == 0;
    const struct store_task task = {k->task, is_facts ? FACTS_VERSION : 1, 0, n, NULL};
    const struct store_value acc = {k->metric ? k->metric : "acc", "none", k->acc, 0.1,
                                    k->acc - 0.1, k->acc + 0.1};
    const struct store_cost costs[] = {{"wall_s", 4}, {"peak_rss_bytes", 5e6}};
    const struct store_task_result result = {
        k->task, n, is_facts ? fact_values : &acc, is_facts ? 7 : 1, costs, k->unknown ? 0 : 2};
    struct store_run *r = begin(s, k, &task, "eval");

    strcpy(id, store_run_id(r));
    add_items(r, k, k->unfinished ? 3 : n);
    if (k->no_energy) {
        const struct store_energy x = {.subject = k->task, .source = "none", .channel = "",
                                       .seconds = 1, .joules = NAN, .gap_s = NAN,
                                       .reason = k->no_energy};
        assert_int_equal(store_energy_add(r, &x, NULL), 0);
    }
    if (!k->unfinished) {
        assert_int_equal(store_task_finish(r, &result, NULL), 0);
        assert_int_equal(store_run_finish(r, STORE_COMPLETE, k->noise, NULL, NULL), 0);
    } else {
        assert_int_equal(store_run_finish(r, STORE_INTERRUPTED, NULL, NULL, NULL), 0);
    }
    store_run_close(r);
}

static void fill_bench(struct store *s, const struct known *k, const char *test, double tok_s,
                       const char *rival)
{
    const double samples[] = {1, 1.1, 1.2};
    const struct store_value values[] = {{"tok_s", "none", tok_s, NAN, tok_s - 1, tok_s + 1}};
    const struct store_bench row = {
        .test = test, .batch = 1, .threads = 2, .device = "cpu", .rival = rival,
        .samples = samples, .n_samples = 3, .tokens = 128, .values = values, .n_values = 1,
        .noise = k->noise};
    struct store_run *r = begin(s, k, NULL, "bench");

    assert_int_equal(store_bench_add(r, &row, NULL), 0);
    assert_int_equal(store_run_finish(r, STORE_COMPLETE, NULL, NULL, NULL), 0);
    store_run_close(r);
}

static struct store *memory_store(void)
{
    struct store *s = NULL;

    assert_int_equal(store_open(&s, ":memory:", NULL, NULL), 0);
    return s;
}

static const struct known small = {"small", "arc_easy", 1e6, 2e6, 0.4, .metric = NULL};
static const struct known large = {"large", "arc_easy", 4e6, 8e6, 0.6, .metric = NULL};
static const struct known facts = {"small", "facts", 1e6, 2e6, 0.5, .metric = NULL};

/* --- reading a report --------------------------------------------------------------------- */

static int make(struct report *r, struct store *s, int latest, struct err *e)
{
    const struct summary_opts o = {.latest = latest};
    struct run_list runs = {0};
    int rc;

    report_init(r, "test");
    rc = query_runs(s, NULL, &runs, e);
    if (rc == 0)
        rc = summarise(r, s, runs.v, runs.n, &o, e);
    run_list_release(&runs);
    return rc;
}

static void made(struct report *r, struct store *s, int latest)
{
    struct err e = ERR_NONE;

    if (make(r, s, latest, &e) < 0)
        fail_msg("%s", e.text);
}

static const struct report_table *table(const struct report *r, const char *key)
{
    for (int i = 0; i < r->n_blocks; i++)
        if (r->blocks[i]->kind == REPORT_TABLE &&
            strncmp(r->blocks[i]->table->key, key, strlen(key)) == 0)
            return r->blocks[i]->table;
    return NULL;
}

static const struct report_plot *plot(const struct report *r, const char *key)
{
    for (int i = 0; i < r->n_blocks; i++)
        if (r->blocks[i]->kind == REPORT_PLOT && strcmp(r->blocks[i]->plot->key, key) == 0)
            return r->blocks[i]->plot;
    return NULL;
}

static int says(const struct report *r, enum report_kind kind, const char *part)
{
    for (int i = 0; i < r->n_blocks; i++)
        if (r->blocks[i]->kind == kind && strstr(r->blocks[i]->text, part))
            return 1;
    return 0;
}

static const struct report_cell *cell(const struct report_table *t, int row, const char *column)
{
    assert_non_null(t);
    assert_in_range(row, 0, t->n_rows - 1);
    for (int c = 0; c < t->n_columns; c++)
        if (strcmp(t->columns[c].key, column) == 0)
            return &t->cells[row * t->n_columns + c];
    fail_msg("%s has no column %s", t->key, column);
    return NULL;
}

static void assert_cell(const struct report_table *t, int row, const char *column, double value,
                        double low, double high)
{
    const struct report_cell *c = cell(t, row, column);

    assert_close(c->value, value, 1e-12);
    assert_close(c->low, low, 1e-12);
    assert_close(c->high, high, 1e-12);
}

/* --- tests -------------------------------------------------------------------------------- */

static void cells_hold_what_was_stored_and_end_with_the_run(void **state)
{
    struct store *s = memory_store();
    struct report r;
    char first[RUN_ID_SIZE], second[RUN_ID_SIZE];
    const struct report_table *t;

    (void)state;
    fill(s, &large, first);
    fill(s, &small, second);
    made(&r, s, 1);
    t = table(&r, "scores");
    assert_non_null(t);
    assert_int_equal(t->n_rows, 2); /* the smaller model first */
    assert_string_equal(cell(t, 0, "model")->text, "small");
    assert_cell(t, 0, "acc", 0.4, 0.4 - 0.1, 0.4 + 0.1);
    assert_true(cell(t, 0, "items")->value == ITEMS);
    assert_string_equal(cell(t, 0, "run")->text, second);
    assert_string_equal(cell(t, 1, "run")->text, first);
    t = table(&r, "cost");
    /* 8 items of 0.1 .. 0.8 s: the interval of the median is that of ranks 1 and 8 */
    assert_cell(t, 0, "latency_s", 0.45, 0.1, 0.8);
    assert_true(cell(t, 0, "wall_s")->value == 4);
    assert_string_equal(cell(table(&r, "asked"), 0, "kind")->text, "multiple_choice");
    assert_string_equal(cell(table(&r, "runs"), 0, "run")->text, second);
    report_release(&r);
    store_close(s);
}

static void points_have_the_intervals_of_both_axes(void **state)
{
    struct store *s = memory_store();
    struct report r;
    char id[RUN_ID_SIZE];
    const struct report_point *p;

    (void)state;
    fill(s, &small, id);
    made(&r, s, 1);
    assert_non_null(plot(&r, "acc_parameters"));
    assert_non_null(plot(&r, "acc_file_bytes"));
    assert_non_null(plot(&r, "acc_peak_rss_bytes"));
    p = &plot(&r, "acc_latency_s")->series[0]->points[0];
    assert_close(p->x, 0.45, 1e-12);
    assert_true(p->x_low == 0.1 && p->y == 0.4);
    assert_close(p->y_high, 0.5, 1e-12);
    assert_string_equal(p->label, "small");
    report_release(&r);
    store_close(s);
}

static void the_index_has_a_row_for_every_run_and_leads_to_it(void **state)
{
    struct store *s = memory_store();
    struct known ended = large;
    struct run_list runs = {0};
    const struct summary_opts o = {.latest = 1};
    const struct report_table *t;
    struct strbuf page = STRBUF_INIT;
    struct report r;
    char first[RUN_ID_SIZE], again[RUN_ID_SIZE], lost[RUN_ID_SIZE], link[64];

    (void)state;
    fill(s, &small, first);
    fill(s, &small, again);
    fill_bench(s, &large, "tg128", 50, NULL);
    ended.unfinished = 1;
    fill(s, &ended, lost);
    assert_int_equal(query_runs(s, NULL, &runs, NULL), 0);
    report_init(&r, "test");
    assert_int_equal(summarise_index(&r, s, runs.v, runs.n, &o, NULL), 0);
    t = table(&r, "index");
    assert_non_null(t);
    assert_int_equal(t->n_rows, 3); /* both measurements of the small one, though o.latest */
    assert_string_equal(cell(t, 0, "task")->text, "arc_easy");
    assert_cell(t, 0, "score", 0.4, 0.3, 0.5);
    assert_string_equal(cell(t, 0, "metric")->text, "accuracy");
    assert_true(cell(t, 0, "latency_s")->value == 0.45);
    assert_non_null(cell(t, 0, "density")->text); /* eight items: unresolved, of each of both */
    assert_non_null(cell(t, 1, "density")->text);
    assert_string_not_equal(cell(t, 0, "run")->text, cell(t, 1, "run")->text);
    assert_string_equal(cell(t, 2, "task")->text, "tg128");
    assert_true(cell(t, 2, "tok_s")->value == 50);
    assert_string_equal(cell(table(&r, "left_out"), 0, "run")->text, lost);
    assert_int_equal(report_writer_named("html")->write(&r, NULL, &page, NULL), 0);
    for (int i = 0; i < 2; i++) {
        snprintf(link, sizeof link, "<a href=\"#run-%s\">", i ? again : first);
        assert_non_null(strstr(strbuf_str(&page), link));
        snprintf(link, sizeof link, "<dt id=\"run-%s\">", i ? again : first);
        assert_non_null(strstr(strbuf_str(&page), link));
    }
    strbuf_release(&page);
    report_release(&r);
    run_list_release(&runs);
    store_close(s);
}

static void an_invented_world_is_no_headline_beside_real_tasks(void **state)
{
    struct store *s = memory_store();
    struct known world = {"standard", "world_people", 1e5, 2e5, 0.99, .metric = NULL};
    struct report r;
    char id[RUN_ID_SIZE];

    (void)state;
    world.n = 2 * ITEMS;
    fill(s, &world, id);
    made(&r, s, 1);
    assert_string_equal(r.headline[0].value, "standard");
    report_release(&r);
    fill(s, &small, id);
    made(&r, s, 1);
    assert_int_equal(r.n_headline, 1);
    assert_string_equal(r.headline[0].value, "small");
    assert_non_null(strstr(r.headline[0].detail, "items of arc_easy"));
    report_release(&r);
    store_close(s);
}

/* What stands beside a density: its place among the published ones, its price, and GPT-4. */
static void a_density_page_tells_the_price_of_an_answer_and_how_far_large_models_are(void **state)
{
    struct store *s = memory_store();
    struct known metered = small;
    struct report r;
    char id[RUN_ID_SIZE];
    const struct report_table *t;
    int row = 0;

    (void)state;
    metered.no_energy = "no_meter: none here";
    fill(s, &small, id);
    fill(s, &large, id);
    made(&r, s, 1);
    assert_non_null(strstr(table(&r, "answer_cost")->note, "these runs kept no reason"));
    report_release(&r);
    fill(s, &metered, id);
    made(&r, s, 1);
    t = table(&r, "answer_cost");
    assert_non_null(strstr(t->note, "Energy: not known: no_meter: none here (run "));
    t = table(&r, "levels");
    assert_non_null(t);
    while (strcmp(cell(t, row, "level")->text, "GPT-4") != 0)
        row++;
    assert_close(cell(t, row, "times_largest")->value, cell(t, row, "parameters")->value / 4e6,
                 1e-12);
    assert_true(cell(t, row, "score")->value > 0.8);
    report_release(&r);
    store_close(s);
}

static void density_is_bits_over_each_count_of_parameters(void **state)
{
    struct store *s = memory_store();
    struct report r;
    char id[RUN_ID_SIZE];
    const struct report_table *t;

    (void)state;
    fill(s, &facts, id);
    made(&r, s, 1);
    t = table(&r, "density"); /* 1 M parameters, half of them embedding, a quarter active; 2 MB */
    assert_cell(t, 0, "bits_per_mparam", 120, 60, 180);
    assert_cell(t, 0, "bits_per_mparam_non_embedding", 240, 120, 360);
    assert_cell(t, 0, "bits_per_mparam_active", 480, 240, 720);
    assert_cell(t, 0, "bits_per_mbyte", 60, 30, 90);
    assert_cell(table(&r, "knowledge"), 0, "knowledge_share", 0.375, 0.2, 0.55);
    assert_non_null(plot(&r, "bits_per_mparam_parameters"));
    assert_true(says(&r, REPORT_WARNING, "Only 8 facts were asked"));
    report_release(&r);
    store_close(s);
}

static void parts_of_the_facts_stand_by_kind_with_their_numbers(void **state)
{
    struct store *s = memory_store();
    struct facts *bank = NULL;
    struct report r;
    char id[RUN_ID_SIZE];
    const struct report_table *t;
    int english = 0;

    (void)state;
    assert_int_equal(facts_open(&bank, 1, NULL), 0);
    for (int i = 0; i < ITEMS; i++)
        english += strcmp(facts_info(bank, i * FACT_STRIDE).language, "en") == 0;
    facts_close(bank);
    assert_in_range(english, 1, ITEMS - 1);
    fill(s, &facts, id);
    made(&r, s, 1);
    t = table(&r, "knowledge_parts");
    assert_non_null(t);
    assert_int_equal(t->n_rows, 3);
    assert_string_equal(cell(t, 0, "kind")->text, "language");
    assert_string_equal(cell(t, 0, "part")->text, "en");
    assert_true(cell(t, 0, "items")->value == english);
    assert_cell(t, 0, "small", 2, 1, 3);
    assert_string_equal(cell(t, 1, "part")->text, "zh");
    assert_true(cell(t, 1, "items")->value == ITEMS - english);
    assert_null(cell(t, 2, "kind")->text);
    report_release(&r);
    store_close(s);
}

static void runs_that_did_not_end_stand_apart(void **state)
{
    struct store *s = memory_store();
    struct report r;
    struct known stopped = large;
    char id[RUN_ID_SIZE], other[RUN_ID_SIZE];
    const struct report_table *t;

    (void)state;
    stopped.unfinished = 1;
    fill(s, &small, other);
    fill(s, &stopped, id);
    made(&r, s, 1);
    assert_int_equal(table(&r, "scores")->n_rows, 1);
    assert_int_equal(table(&r, "models")->n_rows, 1);
    t = table(&r, "left_out");
    assert_string_equal(cell(t, 0, "run")->text, id);
    assert_string_equal(cell(t, 0, "status")->text, "interrupted");
    assert_true(cell(t, 0, "items")->value == 3 && cell(t, 0, "expected")->value == ITEMS);
    assert_true(says(&r, REPORT_WARNING, "1 run is not in these numbers"));
    report_release(&r);
    store_close(s);
}

static void of_a_repeated_measurement_the_newest_counts_unless_both_are_named(void **state)
{
    struct store *s = memory_store();
    struct report r;
    struct known again = small;
    char old[RUN_ID_SIZE], fresh[RUN_ID_SIZE], name[64];
    const struct report_table *t;

    (void)state;
    again.acc = 0.45;
    fill(s, &small, old);
    fill(s, &again, fresh);
    made(&r, s, 1);
    t = table(&r, "scores");
    assert_int_equal(t->n_rows, 1);
    assert_string_equal(cell(t, 0, "run")->text, fresh);
    assert_true(cell(t, 0, "acc")->value == 0.45);
    report_release(&r);
    made(&r, s, 0);
    t = table(&r, "scores");
    assert_int_equal(t->n_rows, 2);
    snprintf(name, sizeof name, "small, run %s", fresh);
    assert_string_equal(cell(t, 0, "model")->text, name);
    report_release(&r);
    store_close(s);
}

static void what_was_asked_differently_is_not_one_series(void **state)
{
    struct store *s = memory_store();
    struct report r;
    struct known shorter = large, chat = large;
    char id[RUN_ID_SIZE];
    const struct report_plot *p;

    (void)state;
    shorter.n = 4;
    chat.settings = "{\"chat\":true}";
    fill(s, &small, id);
    fill(s, &large, id);
    fill(s, &shorter, id);
    fill(s, &chat, id);
    made(&r, s, 1);
    p = plot(&r, "acc_parameters");
    assert_int_equal(p->n_series, 3);
    assert_string_equal(p->series[0]->name, "arc_easy, 8 items, chat"); /* the newest first */
    assert_string_equal(p->series[1]->name, "arc_easy, 4 items, plain text");
    assert_string_equal(p->series[2]->name, "arc_easy, 8 items, plain text");
    assert_int_equal(p->series[2]->n_points, 2);
    report_release(&r);
    store_close(s);
}

static void how_long_a_context_may_be_does_not_part_models(void **state)
{
    struct store *s = memory_store();
    struct report r;
    struct known longer = large;
    char id[RUN_ID_SIZE];

    (void)state;
    longer.settings = "{\"max_length\":8192}";
    fill(s, &small, id);
    fill(s, &longer, id);
    made(&r, s, 1);
    assert_int_equal(plot(&r, "acc_parameters")->n_series, 1);
    report_release(&r);
    store_close(s);
}

static void arithmetic_is_part_of_the_name(void **state)
{
    struct store *s = memory_store();
    struct report r;
    struct known fast = small;
    char id[RUN_ID_SIZE];
    const struct report_table *t;

    (void)state;
    fast.numerics = "fast/1";
    fill(s, &fast, id);
    fill(s, &small, id);
    made(&r, s, 1);
    t = table(&r, "scores");
    assert_int_equal(t->n_rows, 2);
    assert_string_equal(cell(t, 0, "model")->text, "small");
    assert_string_equal(cell(t, 1, "model")->text, "small (fast/1)");
    assert_int_equal(table(&r, "models")->n_rows, 1);
    assert_true(says(&r, REPORT_TEXT, "Numerics exact/1"));
    assert_true(says(&r, REPORT_TEXT, "Numerics fast/1"));
    report_release(&r);
    store_close(s);
}

static void a_group_is_one_row_and_one_point(void **state)
{
    static const struct store_task tasks[] = {{"mmlu_anatomy", 1, 0, 2, NULL},
                                              {"mmlu_virology", 1, 0, 6, NULL}};
    static const double acc[] = {1, 0.5};
    struct store *s = memory_store();
    struct store_run_spec spec = {
        .kind = "eval", .command_line = "c", .settings = "{}", .program_version = "0.1",
        .numerics_id = "exact/1", .kernels = "ref", .device = "cpu", .threads = 1,
        .model = {.name = "m", .sha256 = "aa", .parameters = 1000, .file_bytes = 500},
        .machine = {"host", "{}"}, .tasks = tasks, .n_tasks = 2};
    struct store_run *run = NULL;
    struct report r;

    (void)state;
    assert_int_equal(store_run_begin(s, &spec, &run, NULL), 0);
    for (int t = 0; t < 2; t++) {
        const struct known k = {.task = tasks[t].task};
        const struct store_value v = {"acc", "none", acc[t], 0.1, 0.4, 1};
        const struct store_cost costs[] = {{"wall_s", 2}, {"peak_rss_bytes", 1e6 * (t + 1)}};
        const struct store_task_result result = {k.task, tasks[t].n_expected, &v, 1, costs, 2};
        add_items(run, &k, tasks[t].n_expected);
        assert_int_equal(store_task_finish(run, &result, NULL), 0);
    }
    assert_int_equal(store_run_finish(run, STORE_COMPLETE, NULL, NULL, NULL), 0);
    store_run_close(run);
    made(&r, s, 1);
    assert_int_equal(table(&r, "scores")->n_rows, 1);
    assert_string_equal(cell(table(&r, "scores"), 0, "task")->text, "mmlu");
    assert_close(cell(table(&r, "scores"), 0, "acc")->value, (2 * 1 + 6 * 0.5) / 8, 1e-12);
    assert_true(cell(table(&r, "scores"), 0, "items")->value == 8);
    assert_true(cell(table(&r, "cost"), 0, "wall_s")->value == 4);
    assert_true(cell(table(&r, "cost"), 0, "peak_rss_bytes")->value == 2e6);
    assert_true(isfinite(cell(table(&r, "cost"), 0, "latency_s")->value));
    assert_int_equal(table(&r, "group_scores")->n_rows, 2);
    assert_int_equal(plot(&r, "acc_parameters")->n_series, 1);
    report_release(&r);
    store_close(s);
}

static void speeds_are_points_by_test_and_arithmetic(void **state)
{
    struct store *s = memory_store();
    struct known fast = small;
    struct report r;
    const struct report_plot *p;

    (void)state;
    fast.numerics = "fast/1";
    fill_bench(s, &small, "tg128", 10, NULL);
    fill_bench(s, &fast, "tg128", 30, NULL);
    fill_bench(s, &fast, "pp512", 300, NULL);
    fill_bench(s, &fast, "pp512", 200, "llama-bench");
    made(&r, s, 1);
    p = plot(&r, "decode_file_bytes");
    assert_int_equal(p->n_series, 2);
    assert_true(p->series[0]->points[0].x == 2e6 && p->series[0]->points[0].y_low > 0);
    assert_int_equal(plot(&r, "prefill_file_bytes")->n_series, 2);
    assert_int_equal(table(&r, "speed")->n_rows, 4);
    assert_true(says(&r, REPORT_TEXT, "Accuracy: unknown"));
    assert_true(says(&r, REPORT_TEXT, "Bits of knowledge: unknown"));
    assert_string_equal(r.headline[0].value, "small");
    assert_non_null(strstr(r.headline[0].detail, "fast/1"));
    assert_null(table(&r, "scores"));
    report_release(&r);
    store_close(s);
}

static void what_is_not_known_is_no_plot_and_says_so(void **state)
{
    struct store *s = memory_store();
    struct known bare = small;
    char id[RUN_ID_SIZE];
    struct report r;

    (void)state;
    bare.unknown = 1;
    bare.parameters = bare.file_bytes = -4; /* an unknown count is below zero */
    fill(s, &bare, id);
    made(&r, s, 1);
    assert_null(plot(&r, "acc_parameters"));
    assert_null(plot(&r, "acc_latency_s"));
    assert_true(says(&r, REPORT_TEXT, "Accuracy against peak memory: not drawn"));
    assert_true(isnan(cell(table(&r, "models"), 0, "parameters")->value));
    assert_true(isnan(cell(table(&r, "models"), 0, "file_bytes")->value));
    assert_non_null(strstr(table(&r, "cost")->note, "Not known of any row: latency, wall time"));
    assert_true(says(&r, REPORT_TEXT, "How quiet the machine was is unknown"));
    report_release(&r);
    store_close(s);
}

static void noise_is_a_warning_only_when_there_was_some(void **state)
{
    static const struct {
        const char *noise;
        int warns;
    } cases[] = {
        {"{\"quiet\":false,\"reasons\":\"others wait\",\"cpu_pressure_share\":0.5}", 1},
        {"{\"quiet\":true,\"reasons\":\"\"}", 0},
        {"{\"quiet\":null}", 0},
        {"{\"quiet\":", 0},
        {"[7]", 0},
        {NULL, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct store *s = memory_store();
        struct known k = small;
        char id[RUN_ID_SIZE];
        struct report r;
        k.noise = cases[i].noise;
        fill(s, &k, id);
        fill_bench(s, &k, "tg128", 10, NULL);
        made(&r, s, 1);
        assert_int_equal(says(&r, REPORT_WARNING, "not quiet during 2 of 2"), cases[i].warns);
        if (cases[i].warns) {
            assert_string_equal(cell(table(&r, "noise"), 0, "reasons")->text, "others wait");
            assert_true(cell(table(&r, "noise"), 0, "cpu_pressure_share")->value == 0.5);
        }
        report_release(&r);
        store_close(s);
    }
}

static void files_that_share_a_name_are_told_apart(void **state)
{
    struct store *s = memory_store();
    struct report r;
    const struct report_table *t;

    (void)state;
    for (int i = 0; i < 2; i++) {
        const struct store_task task = {"arc_easy", 1, 0, 0, NULL};
        const struct store_run_spec spec = {
            .kind = "eval", .command_line = "c", .settings = "{}", .program_version = "0.1",
            .numerics_id = "exact/1", .kernels = "ref", .device = "cpu", .threads = 1,
            .model = {.name = "model", .sha256 = i ? "bbbbbbbbbb" : "aaaaaaaaaa",
                      .parameters = 1000, .file_bytes = 500},
            .machine = {"host", "{}"}, .tasks = &task, .n_tasks = 1};
        const struct store_value v = {"acc", "none", 0.5, 0.1, 0.4, 0.6};
        const struct store_task_result result = {"arc_easy", 0, &v, 1, NULL, 0};
        struct store_run *run = NULL;
        assert_int_equal(store_run_begin(s, &spec, &run, NULL), 0);
        assert_int_equal(store_task_finish(run, &result, NULL), 0);
        assert_int_equal(store_run_finish(run, STORE_COMPLETE, NULL, NULL, NULL), 0);
        store_run_close(run);
    }
    made(&r, s, 1);
    t = table(&r, "models");
    assert_int_equal(t->n_rows, 2);
    assert_string_equal(cell(t, 0, "model")->text, "model [aaaaaaaa]");
    assert_string_equal(cell(t, 1, "model")->text, "model [bbbbbbbb]");
    report_release(&r);
    store_close(s);
}

static void hostile_names_stay_text_in_every_format(void **state)
{
    static const struct known evil = {"</td><script>alert(1)</script>%s%n\x1b[31m\"'|,\n",
                                      "arc_easy", 1e6, 2e6, 0.4,
                                      .settings = "{\"system\":\"<img src=x>\"}"};
    static const struct report_options o = {.gnuplot = "/nonexistent/gnuplot"};
    struct store *s = memory_store();
    char id[RUN_ID_SIZE];
    struct report r;
    const struct report_writer *w;

    (void)state;
    fill(s, &evil, id);
    made(&r, s, 1);
    for (int i = 0; (w = report_writer_at(i)) != NULL; i++) {
        struct strbuf b = STRBUF_INIT;
        struct err e = ERR_NONE;
        if (w->write(&r, &o, &b, &e) < 0)
            fail_msg("%s: %s", w->name, e.text);
        if (strcmp(w->name, "csv") != 0 && strchr(strbuf_str(&b), 0x1b)) /* CSV is data as it is */
            fail_msg("%s: a control character", w->name);
        if (strcmp(w->name, "html") == 0) {
            assert_null(strstr(strbuf_str(&b), "<script"));
            assert_null(strstr(strbuf_str(&b), "<img"));
        }
        strbuf_release(&b);
    }
    report_release(&r);
    store_close(s);
}

static void nothing_to_report_on_is_an_error_that_says_what_there_is(void **state)
{
    struct store *s = memory_store();
    struct known stopped = small;
    char id[RUN_ID_SIZE];
    struct err e = ERR_NONE;
    struct report r;

    (void)state;
    assert_int_equal(make(&r, s, 1, &e), -1);
    assert_int_equal(e.code, ERR_NOTFOUND);
    assert_non_null(strstr(e.text, "no run to report on"));
    report_release(&r);
    stopped.unfinished = 1;
    fill(s, &stopped, id);
    assert_int_equal(make(&r, s, 1, &e), -1);
    assert_int_equal(e.code, ERR_NOTFOUND);
    assert_non_null(strstr(e.text, id));
    assert_non_null(strstr(e.text, "interrupted (3 of 8 items)"));
    report_release(&r);
    store_close(s);
}

static void refuse_every_allocation(int (*f)(struct report *, struct store *,
                                             const struct run_row *, size_t,
                                             const struct summary_opts *, struct err *),
                                    struct store *s, const struct run_list *runs)
{
    long before = mem_live();
    int rc = -1;

    /* The built-in table of published scores alone has tens of thousands: steps grow there. */
    for (long nth = 0; rc < 0; nth += nth < 300 ? 1 : nth / 12) {
        const struct summary_opts o = {.latest = 1};
        struct err e = ERR_NONE;
        struct report r;
        report_init(&r, "test");
        mem_fail_at(nth);
        rc = f(&r, s, runs->v, runs->n, &o, &e);
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        report_release(&r);
        assert_int_equal(mem_live(), before);
    }
}

static void every_refused_allocation_is_an_error(void **state)
{
    struct store *s = memory_store();
    struct known noisy = small;
    struct run_list runs = {0};
    char id[RUN_ID_SIZE];

    (void)state;
    noisy.noise = "{\"quiet\":false,\"reasons\":\"others wait\"}";
    fill(s, &noisy, id);
    fill(s, &large, id);
    assert_int_equal(query_runs(s, NULL, &runs, NULL), 0);
    refuse_every_allocation(summarise, s, &runs);
    refuse_every_allocation(summarise_index, s, &runs);
    run_list_release(&runs);
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_hold_what_was_stored_and_end_with_the_run),
        cmocka_unit_test(points_have_the_intervals_of_both_axes),
        cmocka_unit_test(the_index_has_a_row_for_every_run_and_leads_to_it),
        cmocka_unit_test(an_invented_world_is_no_headline_beside_real_tasks),
        cmocka_unit_test(a_density_page_tells_the_price_of_an_answer_and_how_far_large_models_are),
        cmocka_unit_test(density_is_bits_over_each_count_of_parameters),
        cmocka_unit_test(parts_of_the_facts_stand_by_kind_with_their_numbers),
        cmocka_unit_test(runs_that_did_not_end_stand_apart),
        cmocka_unit_test(of_a_repeated_measurement_the_newest_counts_unless_both_are_named),
        cmocka_unit_test(what_was_asked_differently_is_not_one_series),
        cmocka_unit_test(how_long_a_context_may_be_does_not_part_models),
        cmocka_unit_test(arithmetic_is_part_of_the_name),
        cmocka_unit_test(a_group_is_one_row_and_one_point),
        cmocka_unit_test(speeds_are_points_by_test_and_arithmetic),
        cmocka_unit_test(what_is_not_known_is_no_plot_and_says_so),
        cmocka_unit_test(noise_is_a_warning_only_when_there_was_some),
        cmocka_unit_test(files_that_share_a_name_are_told_apart),
        cmocka_unit_test(hostile_names_stay_text_in_every_format),
        cmocka_unit_test(nothing_to_report_on_is_an_error_that_says_what_there_is),
        cmocka_unit_test(every_refused_allocation_is_an_error),
    };

    return RUN(tests);
}
