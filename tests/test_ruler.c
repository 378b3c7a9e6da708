/* Fits against constants that scipy's least_squares found on the same rows (reference_fits.json),
 * interpolation against scipy's PchipInterpolator, and the worked examples of the method. */
#include "tests/test.h"

#include "base/json.h"
#include "base/mem.h"
#include "harness/ladder.h"
#include "harness/published.h"
#include "harness/rulers.h"
#include "harness/stats_fit.h"

enum { POINTS = 128 };
#define END_TOKENS 299892736000.0

static struct ladder pythia;
static struct published *published;
static struct rulers *known;

static int open_ladder(void **state)
{
    (void)state;
    unsetenv("DENSIMETER_PUBLISHED");
    return ladder_open(&pythia, NULL) < 0 || published_open(&published, NULL) < 0 ||
                   rulers_open(&known, published, NULL) < 0
               ? -1
               : 0;
}

static int close_ladder(void **state)
{
    (void)state;
    rulers_close(known);
    published_free(published);
    ladder_free(&pythia);
    return mem_live() == 0 ? 0 : -1;
}

static int is_checkpoint(const struct ladder_row *r, const char *task)
{
    return !r->deduped && r->shots == 0 && r->step >= 3000 && strcmp(r->task, task) == 0;
}

/* The 15 checkpoints of each standard run: loss of LAMBADA and score of the task. */
static size_t checkpoints(const char *task, struct ruler_loss *v)
{
    size_t n = 0;

    for (size_t i = 0; i < pythia.n; i++) {
        const struct ladder_row *l = &pythia.v[i];
        if (!is_checkpoint(l, "lambada_openai"))
            continue;
        for (size_t k = 0; k < pythia.n; k++) {
            const struct ladder_row *t = &pythia.v[k];
            if (is_checkpoint(t, task) && t->total_params == l->total_params && t->step == l->step)
                v[n++] = (struct ruler_loss){l->total_params, l->tokens, l->nats, t->acc};
        }
    }
    return n;
}

static void the_loss_curve_is_that_of_the_reference(void **state)
{
    struct err e = ERR_NONE;
    cJSON *j = json_read(shared_path("catalogue/reference_fits.json"), 1 << 20, &e);
    struct ruler_loss v[POINTS];
    size_t n = checkpoints("lambada_openai", v);
    static const char *const keys[] = {"a", "alpha", "b", "beta"};

    (void)state;
    assert_int_equal(n, 120);
    for (int with_e = 0; with_e < 2; with_e++) {
        const cJSON *want = json_get(j, with_e ? "pLE" : "pL");
        double k[RULER_CONSTANTS], rms, r2;
        assert_int_equal(ruler_fit_loss(v, n, with_e, 0.02, k, &rms, &r2, &e), 0);
        for (int i = 0; i < 4; i++)
            assert_close(k[i], json_num(want, keys[i], NAN), 2e-4);
        assert_close(k[4], json_num(want, "E", NAN), 1e-5);
        assert_close(rms, json_num(want, "rms", NAN), 1e-7);
        assert_close(r2, json_num(want, "r2", NAN), 1e-7);
    }
    json_free(j);
}

static void score_curves_are_those_of_the_reference(void **state)
{
    static const enum ruler_form forms[] = {FORM_CHANCE, FORM_CEILING, FORM_FREE};
    static const char *const names[] = {"2p", "3p", "4p"};
    struct err e = ERR_NONE;
    cJSON *j = json_read(shared_path("catalogue/reference_fits.json"), 1 << 20, &e);
    const cJSON *task;

    (void)state;
    cJSON_ArrayForEach(task, json_get(j, "step2"))
    {
        struct ruler_loss v[POINTS];
        double x[POINTS], y[POINTS], d = json_num(json_get(task, "2p"), "d", NAN);
        size_t n = checkpoints(task->string, v);
        assert_int_equal(n, 120);
        for (size_t i = 0; i < n; i++) {
            x[i] = v[i].nats;
            y[i] = v[i].score;
        }
        for (int f = 0; f < 3; f++) {
            const cJSON *want = json_get(task, names[f]);
            double k[4], rms, r2;
            assert_int_equal(ruler_fit_sigmoid(x, y, n, forms[f], d, 0, k, &rms, &r2, &e), 0);
            /* A better minimum than the reference's is allowed, another of the same worth is not. */
            if (rms < json_num(want, "rms", NAN) * (1 - 1e-6)) {
                print_message("          %s %s: rms %.9g, reference %.9g\n", task->string, names[f],
                              rms, json_num(want, "rms", NAN));
                continue;
            }
            assert_close(rms, json_num(want, "rms", NAN), 1e-7);
            assert_close(r2, json_num(want, "r2", NAN), 1e-6);
            assert_close(k[0], json_num(want, "c", NAN), 2e-3);
            assert_close(k[1], json_num(want, "gamma", NAN), 2e-3);
            assert_close(k[2], json_num(want, "l", NAN), 2e-3);
            assert_close(k[3], json_num(want, "d", NAN), 2e-3);
        }
    }
    json_free(j);
}

/* Scores of the runs' ends against ln N; composite5: the mean of five tasks. */
static size_t ends(const char *task, double *x, double *y)
{
    static const char *const five[] = {"lambada_openai", "piqa", "arc_easy", "arc_challenge", "sciq"};
    size_t n = 0;

    if (strcmp(task, "composite5") == 0) {
        for (int t = 0; t < 5; t++) {
            double one[POINTS];
            n = ends(five[t], x, one);
            for (size_t i = 0; i < n; i++)
                y[i] = (t ? y[i] : 0) + one[i] / 5;
        }
        return n;
    }
    for (size_t i = 0; i < pythia.n; i++)
        if (pythia.v[i].step == 143000 && pythia.v[i].shots == 0 &&
            strcmp(pythia.v[i].task, task) == 0) {
            x[n] = log(pythia.v[i].total_params);
            y[n++] = pythia.v[i].acc;
        }
    return n;
}

static void one_step_curves_are_those_of_the_reference(void **state)
{
    struct err e = ERR_NONE;
    cJSON *j = json_read(shared_path("catalogue/reference_fits.json"), 1 << 20, &e);
    const cJSON *want;

    (void)state;
    cJSON_ArrayForEach(want, json_get(j, "one"))
    {
        double x[POINTS], y[POINTS], k[4], rms, r2;
        char task[64];
        int form = 0;
        size_t n;
        assert_int_equal(sscanf(want->string, "%63s %dp", task, &form), 2);
        n = ends(task, x, y);
        assert_int_equal(n, 16);
        assert_int_equal(ruler_fit_sigmoid(x, y, n, (enum ruler_form)form,
                                           json_num(want, "d", NAN), 0, k, &rms, &r2, &e), 0);
        assert_close(rms, json_num(want, "rms", NAN), 1e-7);
        assert_close(k[0], json_num(want, "c", NAN), 2e-3);
        assert_close(k[1], json_num(want, "g", NAN), 2e-3);
        assert_close(k[2], json_num(want, "m", NAN), 2e-3);
    }
    json_free(j);
}

static const struct ruler *ruler(const char *name)
{
    const struct ruler *r = NULL;
    struct err e = ERR_NONE;

    if (rulers_get(known, name, &r, &e) < 0)
        fail_msg("%s", e.text);
    return r;
}

static void every_ruler_by_name_can_be_made(void **state)
{
    (void)state;
    for (int i = 0; i < rulers_n(known); i++) {
        const struct ruler *r = ruler(rulers_name(known, i));
        struct effective x;
        double score = (r->nodes[0].score + r->nodes[r->n_nodes - 1].score) / 2;
        assert_true(r->n_nodes >= 2);
        x = ruler_effective(r, score, NAN);
        if (!(x.n > r->nodes[0].total_params && x.n < r->nodes[r->n_nodes - 1].total_params))
            fail_msg("%s: %g has N^ = %g", r->name, score, x.n);
        assert_int_equal(x.flag, RULER_WITHIN);
        assert_close(ruler_score(r, x.n, NAN), score, r->kind == RULER_TABLE ? 0.02 : 1e-9);
    }
    assert_int_equal(rulers_get(known, "qwen2.5-mmul", &(const struct ruler *){NULL},
                                &(struct err){0}), -1);
}

static void the_two_constants_are_those_published_with_the_trend(void **state)
{
    static const struct {
        const char *name;
        double k, c, r2;
    } rows[] = {
        {"qwen2.5-mmlu", 0.501, -10.786, 0.990},      {"qwen1.5-mmlu", 0.464, -10.661, 0.979},
        {"qwen1.5-arc_challenge", 0.419, -10.022, 0.960}, {"qwen1.5-gsm8k", 0.479, -10.877, 0.879},
        {"qwen1.5-hellaswag", 0.433, -9.198, 0.944},  {"pythia-oll-hellaswag", 0.744, -16.412, 0.934},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct ruler *r = ruler(rows[i].name);
        assert_true(fabs(r->constants[0] - rows[i].k) <= 0.00051);
        assert_true(fabs(r->constants[1] - rows[i].c) <= 0.00051);
        assert_true(fabs(r->r2 - rows[i].r2) <= 0.00051);
    }
}

/* Mamba on LAMBADA, PIQA and ARC easy, and the Pythia of the middle as a control. */
static void worked_examples_come_out_as_written(void **state)
{
    static const struct {
        const char *ruler;
        double score, params, d, rho, within;
    } rows[] = {
        {"pythia-lambada-loss", 0.65, 1.372e9, NAN, 3.37, 0.01},
        {"pythia-lambada-loss-no-e", 0.65, 1.372e9, NAN, 2.69, 0.01},
        {"pythia-lambada-loss", 0.65, 1.372e9, 1e12, 1.61, 0.01},
        {"pythia-lambada-loss-no-e", 0.65, 1.372e9, 1e12, 0.96, 0.01},
        {"pythia-lambada", 0.65, 1.372e9, NAN, 2.06, 0.006},
        {"pythia-lambada", 0.692, 2.768e9, NAN, 3.19, 0.02},
        {"pythia-lambada-loss-no-e", 0.692, 2.768e9, NAN, 189e9 / 2.768e9, 0.7},
        {"pythia-lambada", 0.443, 130e6, NAN, 1.94, 0.006},
        {"pythia-piqa", 0.645, 130e6, NAN, 1.93, 0.006},
        {"pythia-arc_easy", 0.48, 130e6, NAN, 2.00, 0.006},
        {"pythia-lambada", 0.556, 370e6, NAN, 2.14, 0.006},
        {"pythia-piqa", 0.695, 370e6, NAN, 2.11, 0.006},
        {"pythia-arc_easy", 0.551, 370e6, NAN, 1.84, 0.006},
        {"pythia-lambada", 0.627, 790e6, NAN, 2.08, 0.006},
        {"pythia-piqa", 0.721, 790e6, NAN, 2.11, 0.006},
        {"pythia-arc_easy", 0.612, 790e6, NAN, 1.80, 0.006},
        /* A score with another metric than the ruler's. */
        {"pythia-arc_easy", 0.539, 1414647808, NAN, 0.39, 0.006},
        {"pythia-sciq", 0.792, 1414647808, NAN, 0.20, 0.006},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct effective x = ruler_effective(ruler(rows[i].ruler), rows[i].score, rows[i].d);
        if (!(fabs(x.n / rows[i].params - rows[i].rho) <= rows[i].within))
            fail_msg("%s of %g: %g, expected %g", rows[i].ruler, rows[i].score,
                     x.n / rows[i].params, rows[i].rho);
    }
    assert_true(isinf(ruler_effective(ruler("pythia-lambada-loss"), 0.692, NAN).n));
}

static void density_at_the_model_s_own_data_takes_overtraining_out(void **state)
{
    static const struct {
        double params[4], tokens, fixed[4], own[4];
    } rows[] = {
#define SIZES {162322944, 405334016, 1414647808, 2775208960}
        {SIZES, 27262976000, {.63, .49, .23, .17}, {1.15, 1.33, 1.02, 1.63}},
        {SIZES, 69206016000, {.77, .66, .42, .34}, {1.03, 1.07, .96, 1.13}},
        {SIZES, 153092096000, {.94, .83, .74, .69}, {1.05, 1.00, 1.08, 1.22}},
        {SIZES, END_TOKENS, {.75, 1.07, 1.02, 1.04}, {.75, 1.07, 1.02, 1.04}},
    };
    const struct ruler *r = ruler("pythia-lambada-loss");
    int checked = 0;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int k = 0; k < 4; k++)
            for (size_t n = 0; n < pythia.n; n++) {
                const struct ladder_row *l = &pythia.v[n];
                if (!is_checkpoint(l, "lambada_openai") || l->tokens != rows[i].tokens ||
                    l->total_params != rows[i].params[k])
                    continue;
                assert_true(fabs(ruler_size_of_loss(r->constants, l->nats, END_TOKENS) /
                                     l->total_params - rows[i].fixed[k]) <= 0.0055);
                assert_true(fabs(ruler_size_of_loss(r->constants, l->nats, l->tokens) /
                                     l->total_params - rows[i].own[k]) <= 0.0055);
                checked++;
            }
    assert_int_equal(checked, 16);
}

static void leaving_one_size_out_shows_how_far_a_table_is_to_be_trusted(void **state)
{
    static const struct {
        const char *name;
        double low, high;
    } rows[] = {
        {"pythia-lambada", .64, 1.68},  {"pythia-piqa", .77, 1.17}, {"pythia-arc_easy", .81, 1.23},
        {"pythia-sciq", .86, 1.20},     {"pythia-arc_challenge", .69, 1.45},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct ruler *r = ruler(rows[i].name);
        double low = INFINITY, high = 0, sum = 0;
        for (int k = 1; k + 1 < r->n_nodes; k++) {
            struct ruler rest = *r;
            double rho;
            for (int j = k; j + 1 < r->n_nodes; j++)
                rest.nodes[j] = r->nodes[j + 1];
            rest.n_nodes--;
            rho = ruler_effective(&rest, r->nodes[k].score, NAN).n / r->nodes[k].total_params;
            low = fmin(low, rho);
            high = fmax(high, rho);
            sum += log(rho) * log(rho);
        }
        if (fabs(low - rows[i].low) > 0.0055 || fabs(high - rows[i].high) > 0.0055)
            fail_msg("%s: %.3f to %.3f", r->name, low, high);
        assert_close(r->loo_ln, sqrt(sum / (r->n_nodes - 2)), 1e-12);
    }
}

static void tables_hold_the_published_end_points(void **state)
{
    static const struct {
        const char *name;
        int node;
        double score, half;
    } rows[] = { /* rows of reference_ruler.csv */
        {"pythia-lambada", 0, 0.18804, 0.00349},    {"pythia-lambada", 2, 0.52028, 0.00407},
        {"pythia-arc_easy-norm-5shot", 3, 0.59069, 0.01158}, {"pythia-sciq", 7, 0.9155, 0.0135},
        {"pythia-arc_challenge-5shot", 6, 0.3558, 0}, {"pythia-sciq-norm", 3, 0.798, 0.038},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct ruler_node *n = &ruler(rows[i].name)->nodes[rows[i].node];
        assert_true(fabs(n->score - rows[i].score) <= 6e-6);
        assert_true(fabs(n->noise - rows[i].half) <= 6e-6);
    }
}

static struct ruler ladder_of(const double *params, const double *scores, int n,
                              enum ruler_kind kind)
{
    struct ruler r = {.name = "r", .kind = kind, .chance = 0.25};

    for (int i = 0; i < n; i++)
        r.nodes[i] = (struct ruler_node){"m", NULL, params[i], NAN, NAN, scores[i], NAN};
    r.n_nodes = n;
    return r;
}

static void a_table_never_leaves_its_ladder(void **state)
{
    static const double n[] = {4e6, 1e6, 2e6, 8e6}, s[] = {0.5, 0.3, 0.4, 0.7};
    struct ruler r = ladder_of(n, s, 4, RULER_TABLE);
    struct effective x;
    (void)state;
    assert_int_equal(ruler_fit(&r, NULL), 0);
    x = ruler_effective(&r, 0.299, NAN);
    assert_int_equal(x.flag, RULER_BELOW);
    assert_close(x.n, 1e6, 1e-12);
    x = ruler_effective(&r, 0.701, NAN);
    assert_int_equal(x.flag, RULER_ABOVE);
    assert_close(x.n, 8e6, 1e-12);
    x = ruler_effective(&r, 0.4, NAN);
    assert_int_equal(x.flag, RULER_WITHIN);
    assert_close(x.n, 2e6, 1e-12);
    assert_true(isnan(ruler_effective(&r, NAN, NAN).n));
}

static void ladders_that_do_not_rise_are_no_rulers(void **state)
{
    static const double n[] = {1e6, 2e6, 3e6, 4e6}, falls[] = {0.5, 0.4, 0.3, 0.2};
    static const double chance[] = {0.2, 0.21, 0.22, 0.3};
    struct err e = ERR_NONE;
    struct ruler r = ladder_of(n, falls, 4, RULER_TABLE);
    (void)state;
    assert_int_equal(ruler_fit(&r, &e), -1);
    assert_int_equal(e.code, ERR_INVALID);
    r = ladder_of(n, chance, 4, RULER_LOGIT);
    assert_int_equal(ruler_fit(&r, &e), -1);
    assert_non_null(strstr(e.text, "above chance"));
    r = ladder_of(n, chance, 2, RULER_TABLE);
    assert_int_equal(ruler_fit(&r, &e), -1);
    r = ladder_of(n, chance, 4, RULER_TABLE);
    r.nodes[2].score = NAN;
    assert_int_equal(ruler_fit(&r, &e), -1);
    assert_non_null(strstr(e.text, "no size or no score"));
}

static void neighbours_that_fall_are_pooled(void **state)
{
    static const double n[] = {1e6, 2e6, 4e6, 8e6}, s[] = {0.3, 0.5, 0.4, 0.7};
    struct ruler r = ladder_of(n, s, 4, RULER_TABLE);
    double scores[RULER_NODES], ln_n[RULER_NODES];
    (void)state;
    assert_int_equal(ruler_monotone(&r, scores, ln_n), 3);
    assert_close(scores[1], 0.45, 1e-12);
    assert_close(exp(ln_n[1]), sqrt(2e6 * 4e6), 1e-12);
}

/* scipy.interpolate.PchipInterpolator, 1.17.1. */
static void interpolation_is_that_of_pchip(void **state)
{
    static const double x[] = {0, 1, 2.5, 3, 7}, y[] = {1, 1.5, 1.5, 4, 5};
    static const double at[] = {0, 0.3, 0.99, 1.7, 2.6, 3.5, 6.9, 7};
    static const double want[] = {1.0, 1.2108999999999999, 1.4999203000000003, 1.5, 1.7500460829493092, 4.281123991935484, 4.9996726670506915, 5.0};
    (void)state;
    for (size_t i = 0; i < sizeof at / sizeof *at; i++)
        assert_close(stats_pchip(x, y, 5, at[i]), want[i], 1e-12);
    assert_close(stats_pchip(x, y, 2, 0.5), 1.25, 1e-15);
}

static void a_bend_in_the_loss_spares_the_curve_a_wild_point(void **state)
{
    double x[21], y[21], plain[4], robust[4], rms, r2;
    (void)state;
    for (int i = 0; i < 21; i++) {
        x[i] = i - 10;
        y[i] = 0.25 + 0.75 / (1 + exp(-0.5 * x[i]));
    }
    y[10] = 0.25;
    assert_int_equal(ruler_fit_sigmoid(x, y, 21, FORM_CHANCE, 0.25, 0, plain, &rms, &r2, NULL), 0);
    assert_int_equal(ruler_fit_sigmoid(x, y, 21, FORM_CHANCE, 0.25, 0.001, robust, &rms, &r2, NULL), 0);
    assert_true(fabs(robust[1] - 0.5) < 0.01 && fabs(robust[2]) < 0.02);
    assert_true(fabs(plain[2]) > 10 * fabs(robust[2]));
}

static void fits_survive_every_failed_allocation(void **state)
{
    int rc = -1;
    (void)state;
    for (int nth = 0; rc < 0; nth++) {
        double x[8], y[8], k[4], rms, r2;
        struct err e = ERR_NONE;
        int before = mem_live();
        for (int i = 0; i < 8; i++)
            y[i] = 0.3 + 0.6 / (1 + exp(-(x[i] = i - 4)));
        mem_fail_at(nth);
        rc = ruler_fit_sigmoid(x, y, 8, FORM_FREE, 0.25, 0, k, &rms, &r2, &e);
        mem_fail_at(-1);
        assert_true(rc == 0 || e.code == ERR_NOMEM);
        assert_int_equal(mem_live(), before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_loss_curve_is_that_of_the_reference),
        cmocka_unit_test(score_curves_are_those_of_the_reference),
        cmocka_unit_test(one_step_curves_are_those_of_the_reference),
        cmocka_unit_test(every_ruler_by_name_can_be_made),
        cmocka_unit_test(the_two_constants_are_those_published_with_the_trend),
        cmocka_unit_test(worked_examples_come_out_as_written),
        cmocka_unit_test(density_at_the_model_s_own_data_takes_overtraining_out),
        cmocka_unit_test(leaving_one_size_out_shows_how_far_a_table_is_to_be_trusted),
        cmocka_unit_test(tables_hold_the_published_end_points),
        cmocka_unit_test(a_table_never_leaves_its_ladder),
        cmocka_unit_test(ladders_that_do_not_rise_are_no_rulers),
        cmocka_unit_test(neighbours_that_fall_are_pooled),
        cmocka_unit_test(interpolation_is_that_of_pchip),
        cmocka_unit_test(a_bend_in_the_loss_spares_the_curve_a_wild_point),
        cmocka_unit_test(fits_survive_every_failed_allocation),
    };
    return cmocka_run_group_tests_name(__FILE__, tests, open_ladder, close_ladder);
}
