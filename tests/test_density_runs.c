/* Densities of stored runs: a ladder of made-up models whose share of right answers is known. */
#include "tests/test.h"

#include "base/mem.h"
#include "harness/density_list.h"
#include "harness/ruler_store.h"
#include "harness/rulers.h"
#include "results/query.h"
#include "tests/pair_runs.h"
#include "tests/store_fixture.h"

enum { ITEMS = 400 };

static struct published *published;
static struct rulers *known;
static struct store *store;
static struct run_list runs; /* newest first */

static double chosen(int item, int salt)
{
    uint64_t x = (uint64_t)item * 0x9e3779b97f4a7c15u + (uint64_t)salt * 0xbf58476d1ce4e5b9u;
    x ^= x >> 29;
    x *= 0x94d049bb133111ebu;
    return (double)((x ^ x >> 32) >> 11) / 9007199254740992.0;
}

/* A model that answers about the share `right` of the items rightly: the easiest ones, with luck. */
static void answer(struct made_item *items, double right, int salt)
{
    for (int i = 0; i < ITEMS; i++) {
        double hard = 0.8 * (i + 0.5) / ITEMS + 0.2 * chosen(i, salt);
        items[i] = (struct made_item){.doc = i, .acc = hard < right, .nats = -10 * (1 - right) - hard,
                                      .bytes = 10, .latency_s = 0.25, .cluster = NULL};
    }
}

static void add_model(const char *name, int64_t parameters, double right, int n, const char *prompt)
{
    static struct made_item items[ITEMS];
    struct made_task t = {"arc_easy", 1, items, n, NAN, 100};
    struct made_run r = {.model = name, .tasks = &t, .n_tasks = 1, .parameters = parameters,
                         .prompt = prompt, .item_tokens = 600};
    char id[RUN_ID_SIZE];

    answer(items, right, (int)parameters);
    make_run(store, &r, id);
}

/* The last rows of the list are the oldest runs: the ladder, smallest first from the end. */
static const struct run_row *named(const char *name)
{
    for (size_t i = 0; i < runs.n; i++)
        if (strcmp(runs.v[i].model.name, name) == 0)
            return &runs.v[i];
    fail_msg("no run of %s", name);
    return NULL;
}

static const char *const steps[] = {"m1", "m2", "m4", "m8", "m16"};
static const double shares[] = {0.40, 0.50, 0.60, 0.70, 0.80};

static int make_all(void **state)
{
    struct err e = ERR_NONE;

    if (fixture_folder(state) < 0 || store_open(&store, in_dir("runs.db"), NULL, &e) < 0 ||
        published_open(&published, &e) < 0 || rulers_open(&known, published, &e) < 0)
        return -1;
    for (int i = 0; i < 5; i++)
        add_model(steps[i], 1000000 << i, shares[i], ITEMS, NULL);
    add_model("dense", 1000000, 0.60, ITEMS, NULL);
    add_model("few", 2000000, 0.60, 100, NULL);
    add_model("fewer", 2000001, 0.60, 19, NULL);
    add_model("other-words", 2000002, 0.60, ITEMS, "other");
    add_model("guesser", 3000000, 0.26, ITEMS, NULL);
    add_model("weak", 3000001, 0.36, ITEMS, NULL);
    add_model("strong", 3000002, 0.95, ITEMS, NULL);
    return query_runs(store, NULL, &runs, &e);
}

static int close_all(void **state)
{
    run_list_release(&runs);
    rulers_close(known);
    published_free(published);
    store_close(store);
    return fixture_folder_gone(state);
}

static double score_of(const struct run_row *run)
{
    struct task_list tasks;
    double score;

    assert_int_equal(query_tasks(store, run->id, &tasks, NULL), 0);
    score = task_row_value(&tasks.v[0], "acc", NULL)->value;
    task_list_release(&tasks);
    return score;
}

static void ladder_runs(struct run_row *out)
{
    for (int i = 0; i < 5; i++)
        out[i] = *named(steps[i]);
}

static struct ruler_plan plan_of(enum ruler_kind kind, const char *metric)
{
    return (struct ruler_plan){.set = "mine", .task = "arc_easy", .metric = metric, .kind = kind,
                               .chance = NAN, .d0_tokens = 3e11};
}

/* Keeps a ruler of the ladder and lets the rulers know it. */
static void keep_ruler(enum ruler_kind kind, const char *metric)
{
    struct ruler_plan plan = plan_of(kind, metric);
    struct run_row ladder[5];
    struct arena texts = ARENA_INIT;
    struct store_ruler_list own;
    struct ruler r;
    struct err e = ERR_NONE;

    ladder_runs(ladder);
    if (ruler_of_runs(&r, &plan, store, ladder, 5, &texts, &e) != 0 || ruler_keep(&r, store, &e) < 0)
        fail_msg("%s", e.text);
    arena_release(&texts);
    rulers_close(known);
    assert_int_equal(rulers_open(&known, published, &e), 0);
    assert_int_equal(query_rulers(store, NULL, &own, &e), 0);
    assert_int_equal(rulers_add(known, &own, &e), 0);
    store_ruler_list_release(&own);
}

static void densities(struct density_list *l, const char *ruler, const char *const *words, int n)
{
    struct density_source from = {.store = store, .rulers = known, .ruler = ruler, .words = words,
                                  .n_words = n};
    struct err e = ERR_NONE;

    if (density_runs(l, &from, &e) < 0)
        fail_msg("%s", e.text);
}

static const struct density *row_of(const struct density_list *l, const char *model)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->v[i].model, model) == 0)
            return &l->v[i];
    fail_msg("%s has no row", model);
    return NULL;
}

static void a_ladder_of_runs_is_kept_with_all_that_it_needs(void **state)
{
    const struct ruler *r;
    struct err e = ERR_NONE;
    (void)state;
    keep_ruler(RULER_TABLE, NULL);
    assert_int_equal(rulers_get(known, "mine-arc_easy", &r, &e), 0);
    assert_true(rulers_are_own(known, 0));
    assert_int_equal(r->n_nodes, 5);
    for (int i = 0; i < 5; i++) {
        assert_string_equal(r->nodes[i].model, steps[i]);
        assert_string_equal(r->nodes[i].run, named(steps[i])->id);
        assert_true(r->nodes[i].total_params == 1e6 * (1 << i));
        assert_close(r->nodes[i].score, score_of(named(steps[i])), 1e-12);
    }
    assert_true(r->chance == 0.25 && r->d0_tokens == 3e11 && r->shots == 0);
    assert_non_null(r->prompt_hash);
    assert_true(r->loo_ln > 0 && r->loo_ln < 0.5 && r->n_loo == 3);
}

static void a_model_like_one_four_times_its_size_has_density_four(void **state)
{
    static const char *const words[] = {"dense", "few"};
    struct density_list l = {.per = PER_TOTAL};
    const struct density *d;
    struct density_value v;
    (void)state;
    keep_ruler(RULER_TABLE, NULL);
    densities(&l, "mine", words, 2);
    assert_int_equal(l.n, 2);
    d = row_of(&l, "dense");
    v = density_value(d, PER_TOTAL);
    assert_string_equal(d->refused, "");
    assert_true(v.value > 3 && v.value < 5.5);
    assert_true(v.low < v.value && v.value < v.high && v.low > 2 && v.high < 8);
    assert_int_equal(d->n_items, ITEMS);
    /* Fewer items know less. */
    d = row_of(&l, "few");
    assert_int_equal(d->n_items, 100);
    density_list_release(&l);
}

static void what_the_ladder_does_not_resolve_is_refused(void **state)
{
    static const char *const words[] = {"fewer", "other-words", "guesser", "weak", "strong"};
    static const char *const says[] = {"19 of 19 items", "were not asked in the ladder's words",
                                       "at chance", "below the ladder", "above the ladder"};
    struct density_list l = {.per = PER_TOTAL};
    (void)state;
    keep_ruler(RULER_TABLE, NULL);
    densities(&l, "mine-arc_easy", words, 5);
    for (int i = 0; i < 5; i++)
        if (!strstr(row_of(&l, words[i])->refused, says[i]))
            fail_msg("%s: '%s'", words[i], row_of(&l, words[i])->refused);
    assert_true(isnan(row_of(&l, "other-words")->effective));
    assert_true(row_of(&l, "weak")->high == 1e6);
    assert_true(isinf(row_of(&l, "strong")->high));
    density_list_release(&l);
}

/* The same luck for all: sharing the items with the ladder must not widen the interval. */
static void items_shared_with_the_ladder_cancel(void **state)
{
    static const char *const words[] = {"m4"};
    struct density_list l = {.per = PER_TOTAL};
    const struct density *d;
    (void)state;
    keep_ruler(RULER_TABLE, NULL);
    densities(&l, "mine", words, 1);
    d = row_of(&l, "m4");
    assert_close(density_value(d, PER_TOTAL).value, 1, 1e-9);
    /* All replicates give N^ = N: what is left of the interval is the ladder's own error. */
    assert_close(d->high / d->effective, exp(STATS_Z95 * d->ruler->loo_ln), 1e-6);
    density_list_release(&l);
}

static void likelihoods_resolve_what_answers_do_not(void **state)
{
    static const char *const words[] = {"dense", "guesser"};
    struct density_list l = {.per = PER_TOTAL};
    (void)state;
    keep_ruler(RULER_TABLE, NATS_PER_BYTE);
    densities(&l, "mine", words, 2);
    assert_true(isnan(l.v[0].ruler->chance));
    assert_true(fabs(density_value(row_of(&l, "dense"), PER_TOTAL).value - 4) < 0.5);
    assert_non_null(strstr(row_of(&l, "guesser")->refused, "below the ladder"));
    density_list_release(&l);
    keep_ruler(RULER_LOGIT, NULL);
    densities(&l, "mine", words, 1);
    assert_int_equal(l.v[0].ruler->kind, RULER_LOGIT);
    assert_true(fabs(density_value(&l.v[0], PER_TOTAL).value - 4) < 1.5);
    density_list_release(&l);
}

static void bytes_joules_and_seconds_stand_below_too(void **state)
{
    static const char *const words[] = {"dense"};
    struct density_list l = {.per = PER_TOTAL};
    const struct density *d;
    (void)state;
    keep_ruler(RULER_TABLE, NULL);
    densities(&l, "mine", words, 1);
    d = &l.v[0];
    assert_true(d->cost[PER_BYTE] == 4096 && d->cost[PER_NON_EMBEDDING] == 800);
    assert_close(d->cost[PER_JOULE], 100.0 / ITEMS, 1e-12);
    assert_close(d->cost[PER_SECOND], 0.25, 1e-12);
    assert_true(isnan(d->cost[PER_MEASURED_ACTIVE]));
    assert_close(density_value(d, PER_SECOND).value, d->effective / 0.25, 1e-12);
    /* 600 tokens are two batches, each over 1,000 parameters of 4.5 bits. */
    assert_close(d->read_bytes, 2 * 1000 * 4.5 / 8, 1e-9);
    density_list_release(&l);
}

/* The vector of statistics.md 3: five clusters of 16 items. */
static void questions_of_one_subject_are_drawn_together(void **state)
{
    static const char *const subjects[] = {"mmlu_anatomy", "mmlu_astronomy", "mmlu_virology",
                                           "mmlu_nutrition", "mmlu_marketing"};
    static const char *const right[] = {"1110", "000", "11", "10111", "01"};
    static const char *const words[] = {"subjects", "one-subject"};
    struct made_item items[5][5];
    struct made_task t[5];
    struct made_run r = {.model = "subjects", .tasks = t, .n_tasks = 5, .parameters = 1000000000,
                         .shots = 5};
    struct density_list l = {.per = PER_TOTAL};
    const struct density *d;
    char id[RUN_ID_SIZE];
    (void)state;
    for (int i = 0; i < 5; i++) {
        int n = (int)strlen(right[i]);
        for (int k = 0; k < n; k++)
            items[i][k] = (struct made_item){.doc = 10 * i + k, .acc = right[i][k] == '1',
                                             .nats = -1, .bytes = 10, .latency_s = 0.25};
        t[i] = (struct made_task){subjects[i], 1, items[i], n, NAN, 100};
    }
    make_run(store, &r, id);
    r.model = "one-subject";
    r.parameters++;
    t[0] = t[3];
    r.n_tasks = 1;
    make_run(store, &r, id);
    densities(&l, "qwen2.5-mmlu", words, 2);
    d = row_of(&l, "subjects");
    assert_int_equal(d->n_items, 16);
    assert_int_equal(d->n_clusters, 5);
    assert_close(d->score, 0.625, 1e-12);
    assert_close(d->stderr_alone, 0.125, 1e-9);
    assert_close(d->stderr_, 0.1586726251, 1e-9);
    assert_close(d->score_high, 0.625 + 2.7764451052 * 0.1586726251, 1e-8);
    assert_true(d->low == 0); /* a replicate of the second subject alone is below the ladder */
    d = row_of(&l, "one-subject");
    assert_int_equal(d->n_items, 5);
    assert_int_equal(d->n_clusters, 0);
    assert_true(d->stderr_ == d->stderr_alone);
    assert_true(isnan(d->read_bytes)); /* how many tokens an answer took is not known */
    density_list_release(&l);
}

static void ladders_that_are_none_say_why(void **state)
{
    struct ruler_plan plan = plan_of(RULER_TABLE, NULL);
    struct run_row v[5];
    struct arena texts = ARENA_INIT;
    struct ruler r;
    struct err e = ERR_NONE;
    (void)state;
    ladder_runs(v);
    v[4] = *named("other-words");
    assert_int_equal(ruler_of_runs(&r, &plan, store, v, 5, &texts, &e), -1);
    assert_non_null(strstr(e.text, "400 items were not asked in the same words"));
    v[4] = *named("dense");
    assert_int_equal(ruler_of_runs(&r, &plan, store, v, 5, &texts, &e), -1);
    assert_non_null(strstr(e.text, "same size"));
    v[4] = *named("fewer");
    assert_int_equal(ruler_of_runs(&r, &plan, store, v, 5, &texts, &e), -1);
    assert_non_null(strstr(e.text, "share 19 items"));
    plan.task = "piqa";
    assert_int_equal(ruler_of_runs(&r, &plan, store, v, 4, &texts, &e), 1);
    arena_release(&texts);
}

static void words_that_fit_nothing_are_errors(void **state)
{
    static const char *const words[] = {"dence"};
    struct density_source from = {.store = store, .rulers = known, .ruler = "mine",
                                  .words = words, .n_words = 1};
    struct density_list l = {0};
    struct err e = ERR_NONE;
    (void)state;
    keep_ruler(RULER_TABLE, NULL);
    from.rulers = known;
    assert_int_equal(density_runs(&l, &from, &e), -1);
    assert_non_null(strstr(e.hint, "'dense'"));
    from.ruler = "mime";
    assert_int_equal(density_runs(&l, &from, &e), -1);
    assert_int_equal(e.code, ERR_NOTFOUND);
    from.ruler = "pythia-piqa";
    from.n_words = 0;
    assert_int_equal(density_runs(&l, &from, &e), -1);
    assert_non_null(strstr(e.text, "no run answers what ruler pythia-piqa asks"));
    density_list_release(&l);
}

static void densities_survive_every_failed_allocation(void **state)
{
    static const char *const words[] = {"few"};
    int rc = -1;
    (void)state;
    keep_ruler(RULER_TABLE, NULL);
    for (int nth = 0; rc < 0; nth += 1 + nth / 8) { /* all of the first, then fewer and fewer */
        struct density_source from = {.store = store, .rulers = known, .ruler = "mine",
                                      .words = words, .n_words = 1};
        struct density_list l = {0};
        struct err e = ERR_NONE;
        long before = mem_live();
        mem_fail_at(nth);
        rc = density_runs(&l, &from, &e);
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        density_list_release(&l);
        assert_int_equal(mem_live(), before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ladder_of_runs_is_kept_with_all_that_it_needs),
        cmocka_unit_test(a_model_like_one_four_times_its_size_has_density_four),
        cmocka_unit_test(what_the_ladder_does_not_resolve_is_refused),
        cmocka_unit_test(items_shared_with_the_ladder_cancel),
        cmocka_unit_test(likelihoods_resolve_what_answers_do_not),
        cmocka_unit_test(bytes_joules_and_seconds_stand_below_too),
        cmocka_unit_test(questions_of_one_subject_are_drawn_together),
        cmocka_unit_test(ladders_that_are_none_say_why),
        cmocka_unit_test(words_that_fit_nothing_are_errors),
        cmocka_unit_test(densities_survive_every_failed_allocation),
    };
    return cmocka_run_group_tests_name(__FILE__, tests, make_all, close_all);
}
