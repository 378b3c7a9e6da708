/* Lines of GPT-4 and others on the published scores: facts by hand, projections by what they must
 * obey. */
#include "tests/test.h"

#include "base/mem.h"
#include "harness/tracker.h"
#include "tests/catalogue_rows.h"

static const struct trend_opts opts = {.since = TREND_SINCE, .until = INFINITY};

static int make(const struct catalogue *c, const char *line, struct tracker *t, struct err *e)
{
    const struct tracker_line *l;

    for (int i = 0; (l = tracker_line_at(i)); i++)
        if (strcmp(l->name, line) == 0)
            return tracker_make(t, &c->rows, trend_series_at(0), l, &opts, e);
    fail_msg("no line %s", line);
    return -1;
}

static void gpt4_on_mmlu_is_reached_by_the_models_that_reached_it(void **state)
{
    struct catalogue c = open_catalogue();
    struct tracker t;

    (void)state;
    assert_int_equal(make(&c, "gpt-4", &t, NULL), 0);
    assert_string_equal(t.series.name, "mmlu");
    assert_close(t.score, .864, 1e-12); /* 0314 and 0613, 5 shots */
    assert_int_equal(t.shots, 5);
    assert_int_equal(t.n_reached, 2);
    assert_string_equal(t.reached[0]->row->model, "deepseek-v3");
    assert_string_equal(t.reached[1]->row->model, "qwen3-235b-a22b");
    for (size_t i = 1; i < t.n_reached; i++) {
        assert_true(t.reached[i]->parameters < t.reached[i - 1]->parameters);
        assert_true(t.reached[i]->day >= t.reached[i - 1]->day);
    }
    tracker_release(&t);
    close_catalogue(&c);
}

static void the_fewest_active_parameters_are_of_some_model_that_reached_it(void **state)
{
    struct catalogue c = open_catalogue();
    struct tracker t;

    (void)state;
    assert_int_equal(make(&c, "gpt-4", &t, NULL), 0);
    assert_string_equal(t.fewest_active->row->model, "qwen3-235b-a22b"); /* 22 of 235 B */
    assert_close(t.active, 22e9, .02);
    for (size_t i = 0; i < t.trend->n; i++)
        if (t.trend->models[i].score >= t.score && !isnan(t.trend->models[i].row->active_params))
            assert_true(t.trend->models[i].row->active_params >= t.active);
    tracker_release(&t);
    close_catalogue(&c);
}

static void a_line_asked_differently_says_so(void **state)
{
    struct catalogue c = open_catalogue();
    struct tracker t;

    (void)state;
    assert_int_equal(make(&c, "gpt-4o", &t, NULL), 0);
    assert_int_equal(t.shots, 0);
    assert_int_not_equal(t.shots, t.series.shots);
    tracker_release(&t);
    close_catalogue(&c);
}

static void later_means_smaller_and_surer_of_nothing(void **state)
{
    struct catalogue c = open_catalogue();
    struct tracker t;
    struct tracker_size now, later, day;

    (void)state;
    assert_int_equal(make(&c, "gpt-3.5", &t, NULL), 0);
    assert_null(t.refused);
    now = tracker_size_on(&t, 20300);
    later = tracker_size_on(&t, 21000);
    assert_true(later.value < now.value);
    assert_true(now.interval.low < now.value && now.value < now.interval.high);
    assert_true(later.interval.high / later.interval.low > now.interval.high / now.interval.low);
    /* the growth is the trend's */
    assert_close(log(now.value / later.value) / 700, t.trend->fit.slope, 1e-9);
    day = tracker_day_for(&t, later.value);
    assert_true(fabs(day.value - 21000) <= 1);
    assert_true(day.interval.low < day.value && day.value < day.interval.high);
    tracker_release(&t);
    close_catalogue(&c);
}

static void a_projection_begins_at_what_was_reached(void **state)
{
    struct catalogue c = open_catalogue();
    struct tracker t;
    struct tracker_size s;
    const struct trend_model *last;

    (void)state;
    assert_int_equal(make(&c, "gpt-3.5", &t, NULL), 0);
    last = t.reached[t.n_reached - 1];
    assert_true(t.anchor == last->parameters && t.anchor_day >= last->day);
    s = tracker_size_on(&t, t.anchor_day);
    assert_close(s.value, t.anchor, 1e-12);
    assert_true(s.interval.high <= t.anchor); /* the smallest so far can only get smaller */
    /* what has happened is no projection */
    assert_ptr_equal(tracker_reached_by(&t, last->parameters), last);
    s = tracker_day_for(&t, last->parameters);
    assert_true(s.value == last->day && s.interval.high == last->day);
    assert_null(tracker_reached_by(&t, last->parameters * 0.99));
    assert_true(tracker_day_for(&t, last->parameters * 0.5).value > t.anchor_day);
    tracker_release(&t);
    close_catalogue(&c);
}

/* All back-tests of all lines together: as many as the page says. */
static void more_than_half_of_the_past_projections_held(void **state)
{
    struct catalogue c = open_catalogue();
    const struct trend_series *s;
    const struct tracker_line *l;
    size_t cuts = 0, covered = 0;

    (void)state;
    for (int i = 0; (l = tracker_line_at(i)); i++)
        for (int k = 0; (s = trend_series_at(k)); k++) {
            struct tracker t;
            if (s->harness || !s->pools)
                continue;
            assert_int_equal(tracker_make(&t, &c.rows, s, l, &opts, NULL), 0);
            cuts += t.n_cuts;
            covered += t.n_covered;
            tracker_release(&t);
        }
    print_message("          %zu of %zu past projections held\n", covered, cuts);
    assert_true(cuts >= 15 && 2 * covered > cuts);
    close_catalogue(&c);
}

static void past_projections_are_scored_on_what_came_after(void **state)
{
    struct catalogue c = open_catalogue();
    struct tracker t;

    (void)state;
    assert_int_equal(make(&c, "gpt-3.5", &t, NULL), 0);
    assert_true(t.n_cuts >= 2 && t.n_covered <= t.n_cuts);
    for (size_t i = 0; i < t.n_cuts; i++) {
        const struct tracker_cut *k = &t.cuts[i];
        assert_true(k->day < k->until);
        assert_true(isnan(k->unchanged) || k->actual <= k->unchanged);
    }
    assert_true(t.error >= 1);
    assert_true(t.widened >= 1);
    if (5 * t.n_covered < 4 * t.n_cuts)
        assert_true(t.widened > 1); /* past misses widen the present interval */
    tracker_release(&t);
    close_catalogue(&c);
}

static void every_refused_allocation_is_an_error(void **state)
{
    struct catalogue c = open_catalogue();
    size_t live = mem_live();
    int rc = -1;

    (void)state;
    for (int nth = 0; rc < 0; nth += nth < 20 ? 1 : 211) { /* thousands of equal texts */
        struct tracker t;
        struct err e = ERR_NONE;
        mem_fail_at(nth);
        rc = make(&c, "gpt-4", &t, &e);
        mem_fail_at(-1);
        if (rc < 0)
            assert_int_equal(e.code, ERR_NOMEM);
        else
            tracker_release(&t);
        assert_int_equal(mem_live(), live);
    }
    close_catalogue(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gpt4_on_mmlu_is_reached_by_the_models_that_reached_it),
        cmocka_unit_test(the_fewest_active_parameters_are_of_some_model_that_reached_it),
        cmocka_unit_test(a_line_asked_differently_says_so),
        cmocka_unit_test(later_means_smaller_and_surer_of_nothing),
        cmocka_unit_test(a_projection_begins_at_what_was_reached),
        cmocka_unit_test(more_than_half_of_the_past_projections_held),
        cmocka_unit_test(past_projections_are_scored_on_what_came_after),
        cmocka_unit_test(every_refused_allocation_is_an_error),
    };

    return RUN(tests);
}
