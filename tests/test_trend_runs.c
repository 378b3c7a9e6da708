/* Our own runs as rows of a trend, from a store made for it: dates, who counts, and what rulers are
 * read from. */
#include "tests/test.h"

#include "base/mem.h"
#include "harness/trend_runs.h"
#include "harness/trend_study.h"
#include "tests/catalogue_rows.h"
#include "tests/pair_runs.h"

enum { HUMANEVAL = 164, ARC = 1172 };

static const struct trend_opts opts = {.since = TREND_SINCE, .until = INFINITY};

/* `right` of n questions. */
static void add_run(struct store *s, const char *model, const char *label, int64_t parameters,
                    const char *settings, const char *task, int shots, int n, int right)
{
    static struct made_item items[ARC];
    const struct made_task t = {task, 1, items, n, NAN, NAN};
    char id[RUN_ID_SIZE];

    for (int i = 0; i < n; i++)
        items[i] = (struct made_item){i, i < right, -1, 4, .1, NULL};
    make_run(s, &(struct made_run){.model = model, .settings = settings, .parameters = parameters,
                                   .shots = shots, .tasks = &t, .n_tasks = 1}, id);
    if (label)
        assert_int_equal(store_label(s, id, label, NULL, NULL), 0);
}

static void fill(struct store *s)
{
    static const char *const plain = "{\"chat\":false}";

    add_run(s, "Qwen2 1.5B Q8_0", NULL, 1500000000, plain, "humaneval", 0, HUMANEVAL, 51);
    add_run(s, "SmolLM_360M:q4_0", NULL, 360000000, plain, "humaneval", 0, HUMANEVAL, 18);
    add_run(s, "phi-1.5.gguf", NULL, 1300000000, plain, "humaneval", 0, HUMANEVAL, 56);
    add_run(s, "ours-1b", "ours@2025-03", 1000000000, plain, "humaneval", 0, HUMANEVAL, 60);
    add_run(s, "yours-1b", "no date@soon", 1000000000, plain, "humaneval", 0, HUMANEVAL, 60);
    add_run(s, "qwen2-0.5b", NULL, 500000000, "{\"chat\":true}", "humaneval", 0, HUMANEVAL, 60);
    add_run(s, "qwen2-0.5b", NULL, 500000000, plain, "humaneval", 0, 20, 10);
    add_run(s, "qwen2-1.5b-instruct", NULL, 1500000000, plain, "humaneval", 0, HUMANEVAL, 60);
    add_run(s, "qwen2-7b", NULL, 7600000000, plain, "humaneval", 5, HUMANEVAL, 60);
    add_run(s, "qwen1.5-0.5b", NULL, 500000000, "{\"chat\":false,\"preset\":\"open_llm_v1\"}",
            "arc_challenge", 25, ARC, 1000);
    add_run(s, "qwen1.5-1.8b", NULL, 1800000000, plain, "arc_challenge", 25, ARC, 500);
}

struct both {
    struct catalogue c;
    struct store *store;
    struct trend_own own;
    struct trend_rows rows;
};

static void open_both(struct both *b, int only_own)
{
    b->c = open_catalogue();
    assert_int_equal(store_open(&b->store, ":memory:", NULL, NULL), 0);
    fill(b->store);
    assert_int_equal(trend_own_rows(&b->own, b->store, b->c.p, NULL), 0);
    assert_int_equal(trend_rows_join(&b->rows, b->c.p, &b->own, only_own, NULL), 0);
}

static void close_both(struct both *b)
{
    mem_free((void *)b->rows.v);
    trend_own_release(&b->own);
    store_close(b->store);
    close_catalogue(&b->c);
}

static const struct trend_model *model_in(const struct trend *t, const char *name)
{
    for (size_t i = 0; i < t->n; i++)
        if (strcmp(t->models[i].row->model, name) == 0 && trend_is_own(t->models[i].row))
            return &t->models[i];
    return NULL;
}

static void assert_day(const struct trend *t, const char *name, int year, int month, int day)
{
    const struct published_date d = {year, month, day};
    const struct trend_model *m = model_in(t, name);
    double want;

    assert_non_null(m);
    assert_int_equal(trend_day(&d, &want), 0);
    assert_true(m->day == want);
}

static void assert_out(const struct trend *t, const char *model, const char *reason)
{
    for (size_t i = 0; i < t->n_outs; i++)
        if (strcmp(t->outs[i].row->model, model) == 0 && strstr(t->outs[i].reason, reason))
            return;
    fail_msg("%s is not out for: %s", model, reason);
}

static void a_models_date_is_the_catalogues_or_its_labels(void **state)
{
    struct both b;
    struct trend_study s;
    const struct trend *t;

    (void)state;
    open_both(&b, 1);
    assert_int_equal(trend_study(&s, &b.rows, "humaneval", &opts, 0, NULL), 0);
    t = s.sides[0].trend;
    assert_int_equal(t->n, 4);
    assert_day(t, "Qwen2 1.5B Q8_0", 2024, 6, 6);
    assert_day(t, "SmolLM_360M:q4_0", 2024, 7, 16);
    assert_day(t, "phi-1.5.gguf", 2023, 9, 0);
    assert_day(t, "ours-1b", 2025, 3, 0);
    assert_close(model_in(t, "ours-1b")->score, 60.0 / HUMANEVAL, 1e-9);
    assert_string_equal(model_in(t, "SmolLM_360M:q4_0")->row->family, "SmolLM");
    assert_null(t->refused);
    trend_study_release(&s);
    close_both(&b);
}

static void what_was_asked_differently_or_has_no_date_is_out_and_says_why(void **state)
{
    struct both b;
    struct trend_study s;

    (void)state;
    open_both(&b, 1);
    assert_int_equal(trend_study(&s, &b.rows, "humaneval", &opts, 0, NULL), 0);
    assert_out(s.sides[0].trend, "yours-1b", "no release date known: `label ");
    assert_out(s.sides[0].trend, "qwen2-0.5b", "chat template");
    assert_out(s.sides[0].trend, "qwen2-0.5b", "20 questions; a score counts from 164 on");
    assert_out(s.sides[0].trend, "qwen2-1.5b-instruct", "is instruct");
    assert_out(s.sides[0].trend, "qwen2-7b", "5 examples; the series has 0");
    trend_study_release(&s);
    close_both(&b);
}

static void runs_stand_beside_the_published_and_are_no_part_of_a_ruler(void **state)
{
    static const char *const series[] = {"humaneval", "arc_challenge"};
    struct both b;
    struct trend_study s, alone;

    (void)state;
    open_both(&b, 0);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(trend_study(&s, &b.rows, series[i], &opts, 0, NULL), 0);
        assert_int_equal(trend_study(&alone, &b.c.rows, series[i], &opts, 0, NULL), 0);
        assert_int_equal(s.sides[0].trend->n, alone.sides[0].trend->n + (i ? 1 : 4));
        assert_true(s.sides[0].trend->ruler.k == alone.sides[0].trend->ruler.k);
        assert_true(s.sides[0].trend->ruler.c == alone.sides[0].trend->ruler.c);
        assert_int_equal(s.sides[0].trend->ruler.n, alone.sides[0].trend->ruler.n);
        trend_study_release(&alone);
        if (i) { /* asked as the leaderboard did, and not */
            assert_non_null(model_in(s.sides[0].trend, "qwen1.5-0.5b"));
            assert_out(s.sides[0].trend, "qwen1.5-1.8b", "evaluated by densimeter");
        }
        trend_study_release(&s);
    }
    close_both(&b);
}

static void series_that_no_run_has_asked_are_left_out(void **state)
{
    struct both b;
    struct trend_study s;
    struct err e = ERR_NONE;
    struct trend_own none = {0};
    struct trend_rows rows;

    (void)state;
    open_both(&b, 1);
    assert_int_equal(trend_study(&s, &b.rows, NULL, &opts, 0, NULL), 0);
    assert_int_equal(s.n, 2);
    trend_study_release(&s);
    assert_int_equal(trend_rows_join(&rows, b.c.p, &none, 1, NULL), 0);
    assert_int_equal(trend_study(&s, &rows, NULL, &opts, 0, &e), -1);
    assert_string_equal(e.text, "no run has a score on a benchmark of the trend");
    mem_free((void *)rows.v);
    close_both(&b);
}

static void every_refused_allocation_is_an_error(void **state)
{
    struct both b;
    size_t live;
    int rc = -1;

    (void)state;
    open_both(&b, 1);
    live = mem_live();
    for (int nth = 0; rc < 0; nth++) {
        struct trend_own own;
        struct err e = ERR_NONE;
        mem_fail_at(nth);
        rc = trend_own_rows(&own, b.store, b.c.p, &e);
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        trend_own_release(&own);
        assert_int_equal(mem_live(), live);
    }
    close_both(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_models_date_is_the_catalogues_or_its_labels),
        cmocka_unit_test(what_was_asked_differently_or_has_no_date_is_out_and_says_why),
        cmocka_unit_test(runs_stand_beside_the_published_and_are_no_part_of_a_ruler),
        cmocka_unit_test(series_that_no_run_has_asked_are_left_out),
        cmocka_unit_test(every_refused_allocation_is_an_error),
    };

    return RUN(tests);
}
