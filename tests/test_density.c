#include "tests/test.h"

#include "base/csv.h"
#include "base/file.h"
#include "base/mem.h"
#include "harness/density_list.h"
#include "harness/rulers.h"

static struct published *published;
static struct rulers *known;

static int open_known(void **state)
{
    (void)state;
    unsetenv("DENSIMETER_PUBLISHED");
    return published_open(&published, NULL) < 0 || rulers_open(&known, published, NULL) < 0 ? -1 : 0;
}

static int close_known(void **state)
{
    (void)state;
    rulers_close(known);
    published_free(published);
    return mem_live() == 0 ? 0 : -1;
}

static const struct ruler *ruler(const char *name)
{
    const struct ruler *r = NULL;
    struct err e = ERR_NONE;

    if (rulers_get(known, name, &r, &e) < 0)
        fail_msg("%s", e.text);
    return r;
}

static const struct density *row_of(const struct density_list *l, const char *model)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->v[i].model, model) == 0)
            return &l->v[i];
    fail_msg("%s has no row", model);
    return NULL;
}

/* columns: model, date, N, active, median, sources, min, max, Nhat, in_range, rho, rho_active; the
 * numbers are rounded to what is printed there. */
static void check_example(const struct density_list *l, const struct csv *c)
{
    const struct density *d = row_of(l, csv_field(c, 0));
    int in_range = strcmp(csv_field(c, 9), "True") == 0;

    assert_true(fabs(100 * d->score - atof(csv_field(c, 4))) <= 0.00501);
    if (!*csv_field(c, 8)) { /* at chance */
        assert_true(isnan(d->effective));
        assert_non_null(strstr(d->refused, "at chance"));
        return;
    }
    assert_true(fabs(d->effective - atof(csv_field(c, 8))) <= 0.51);
    assert_int_equal(d->flag == RULER_WITHIN, in_range);
    assert_int_equal(d->refused[0] == 0, in_range);
    if (*csv_field(c, 10))
        assert_true(fabs(density_value(d, PER_TOTAL).value - atof(csv_field(c, 10))) <= 0.000501);
    else
        assert_true(isnan(density_value(d, PER_TOTAL).value));
    if (*csv_field(c, 11))
        assert_true(fabs(density_value(d, PER_ACTIVE).value - atof(csv_field(c, 11))) <= 0.000501);
}

static void every_example_is_computed_from_the_catalogue(void **state)
{
    struct density_list l = {0};
    struct err e = ERR_NONE;
    struct file_map f = FILE_MAP_NONE;
    struct csv c;
    int rows = 0;

    (void)state;
    assert_int_equal(file_map(&f, shared_path("catalogue/density_examples.csv"), &e), 0);
    assert_int_equal(density_published(&l, published, ruler("qwen2.5-mmlu"), NULL, 0, &e), 0);
    csv_init(&c, (const char *)f.bytes, f.len, "examples");
    while (csv_next(&c, &e) == 1)
        if (*csv_field(&c, 0) != '#' && strcmp(csv_field(&c, 0), "model") != 0) {
            check_example(&l, &c);
            rows++;
        }
    assert_true(rows >= 39);
    csv_release(&c);
    file_unmap(&f);
    density_list_release(&l);
}

static struct density measured(const struct ruler *r, double score, double stderr_)
{
    struct density d = {.model = "m", .ruler = r, .score = score, .stderr_ = stderr_,
                        .training_tokens = NAN, .bits_per_mparam = NAN};

    for (int i = 0; i < DENSITY_PERS; i++)
        d.cost[i] = 1e9;
    density_judge(&d, 0);
    return d;
}

static void densities_are_refused_at_chance_and_beyond_the_ladder(void **state)
{
    const struct ruler *r = ruler("pythia-piqa");
    struct density d = measured(r, 0.519, 0.01);
    (void)state;
    assert_non_null(strstr(d.refused, "at chance: 51.9 % is no 2.0 points above 50.0 %"));
    assert_true(isnan(d.effective) && isnan(d.low) && isnan(d.high));
    d = measured(r, 0.53, 0.01);
    assert_non_null(strstr(d.refused, "below the ladder"));
    assert_int_equal(d.flag, RULER_BELOW);
    assert_true(d.low == 0 && d.high == r->nodes[0].total_params);
    d = measured(r, 0.9, 0.01);
    assert_non_null(strstr(d.refused, "above the ladder"));
    assert_true(isinf(d.high) && d.low == r->nodes[7].total_params);
    d = measured(r, 0.7, 0.01);
    assert_string_equal(d.refused, "");
    d = measured(r, NAN, 0.01);
    assert_string_equal(d.refused, "no score");
}

static void the_interval_holds_the_score_s_error_and_the_ladder_s(void **state)
{
    struct ruler r = *ruler("pythia-piqa");
    struct density noisy = measured(&r, 0.7, 0.01), exact, still;
    double low, high;
    (void)state;
    r.loo_ln = NAN;
    exact = measured(&r, 0.7, 0.01);
    assert_close(exact.low, ruler_effective(&r, 0.7 - STATS_Z95 * 0.01, NAN).n, 1e-12);
    assert_close(exact.high, ruler_effective(&r, 0.7 + STATS_Z95 * 0.01, NAN).n, 1e-12);
    r.loo_ln = ruler("pythia-piqa")->loo_ln;
    still = measured(&r, 0.7, 0);
    assert_close(still.high / still.effective, exp(STATS_Z95 * r.loo_ln), 1e-12);
    low = hypot(log(exact.low / exact.effective), log(still.low / still.effective));
    high = hypot(log(exact.high / exact.effective), log(still.high / still.effective));
    assert_close(noisy.low, noisy.effective * exp(-low), 1e-12);
    assert_close(noisy.high, noisy.effective * exp(high), 1e-12);
    /* An interval that leaves the ladder has no end there. */
    noisy = measured(&r, 0.757, 0.01);
    assert_true(isinf(noisy.high) && noisy.low > 0);
}

static void replicates_beyond_the_ladder_leave_the_interval_open(void **state)
{
    struct ruler r = *ruler("pythia-piqa");
    struct density d = measured(&r, 0.7, 0.01);
    double x[1000];
    (void)state;
    r.loo_ln = NAN;
    for (int i = 0; i < 1000; i++)
        x[i] = i < 30 ? 0 : i < 980 ? 1e9 + i * 1e6 : INFINITY;
    density_judge_replicates(&d, x, 1000, 0);
    assert_true(d.low == 0);
    assert_close(d.high, 1e9 + 974e6, 1e-12);
    x[974] = INFINITY;
    for (int i = 974; i < 980; i++)
        x[i] = INFINITY;
    density_judge_replicates(&d, x, 1000, 0);
    assert_true(isinf(d.high));
}

static void a_byte_counts_as_half_a_parameter(void **state)
{
    struct density d = measured(ruler("pythia-piqa"), 0.7, 0.01);
    (void)state;
    d.cost[PER_BYTE] = 2e9; /* 16 bits a parameter */
    assert_close(density_value(&d, PER_BYTE).value, density_value(&d, PER_TOTAL).value, 1e-12);
    d.cost[PER_BYTE] = 2e9 * 4.5 / 16;
    assert_close(density_value(&d, PER_BYTE).value, density_value(&d, PER_TOTAL).value * 16 / 4.5,
                 1e-12);
    d.cost[PER_JOULE] = NAN;
    assert_true(isnan(density_value(&d, PER_JOULE).value));
}

static void a_panel_is_the_geometric_mean_of_its_panels(void **state)
{
    struct density rows[4] = {
        measured(ruler("pythia-piqa"), 0.7, 0.005),         /* language */
        measured(ruler("pythia-lambada"), 0.6, 0.005),      /* language */
        measured(ruler("pythia-arc_easy"), 0.5, 0.005),     /* reasoning */
        measured(ruler("pythia-arc_challenge"), 0.1, 0.005) /* refused */
    };
    const struct density *all[4] = {&rows[0], &rows[1], &rows[2], &rows[3]};
    struct density_panel p = density_panel(all, 4, PER_TOTAL);
    double a = density_value(&rows[0], PER_TOTAL).value, b = density_value(&rows[1], PER_TOTAL).value;
    double c = density_value(&rows[2], PER_TOTAL).value;
    (void)state;
    assert_close(p.value[PANEL_LANGUAGE], sqrt(a * b), 1e-12);
    assert_close(p.value[PANEL_REASONING], c, 1e-12);
    assert_true(isnan(p.value[PANEL_FACTS]));
    assert_close(p.mean, sqrt(sqrt(a * b) * c), 1e-12);
    assert_int_equal(p.n_rows, 3);
    assert_close(p.spread, fmax(a, fmax(b, c)) / fmin(a, fmin(b, c)), 1e-12);
    assert_true(p.low < p.mean && p.mean < p.high);
    /* An end that one ladder leaves open is open, the other end is not. */
    rows[0].high = INFINITY;
    p = density_panel(all, 3, PER_TOTAL);
    assert_true(p.low > 0 && p.low < p.mean && isinf(p.high));
    rows[0].low = 0;
    p = density_panel(all, 3, PER_TOTAL);
    assert_true(p.low == 0);
    p = density_panel(&all[3], 1, PER_TOTAL);
    assert_true(isnan(p.mean) && p.n_rows == 0);
}

static void rows_are_asked_for_by_name_and_come_densest_first(void **state)
{
    static const char *const words[] = {"qwen3-4", "gemma-3-1b", "mistral-7b"};
    static const char *const wrong[] = {"qwen3-4", "mistrall"};
    struct density_list l = {0};
    struct err e = ERR_NONE;
    (void)state;
    assert_int_equal(density_published(&l, published, ruler("qwen2.5-mmlu"), words, 3, &e), 0);
    assert_int_equal(l.n, 3);
    assert_string_equal(l.v[0].model, "qwen3-4b");
    assert_string_equal(l.v[1].model, "mistral-7b");
    assert_string_equal(l.v[2].model, "gemma-3-1b");
    density_list_release(&l);
    assert_int_equal(density_published(&l, published, ruler("qwen2.5-mmlu"), wrong, 2, &e), -1);
    assert_int_equal(e.code, ERR_NOTFOUND);
    assert_non_null(strstr(e.text, "mistrall"));
    density_list_release(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_example_is_computed_from_the_catalogue),
        cmocka_unit_test(densities_are_refused_at_chance_and_beyond_the_ladder),
        cmocka_unit_test(the_interval_holds_the_score_s_error_and_the_ladder_s),
        cmocka_unit_test(replicates_beyond_the_ladder_leave_the_interval_open),
        cmocka_unit_test(a_byte_counts_as_half_a_parameter),
        cmocka_unit_test(a_panel_is_the_geometric_mean_of_its_panels),
        cmocka_unit_test(rows_are_asked_for_by_name_and_come_densest_first),
    };
    return cmocka_run_group_tests_name(__FILE__, tests, open_known, close_known);
}
