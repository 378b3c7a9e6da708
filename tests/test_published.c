#include "tests/test.h"

#include "base/csv.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "harness/benchmark.h"
#include "harness/published.h"

static struct published *built_in(void)
{
    struct published *p = NULL;
    struct err e = ERR_NONE;

    unsetenv("DENSIMETER_PUBLISHED");
    if (published_open(&p, &e) < 0)
        fail_msg("%s", e.text);
    return p;
}

static const struct published_value *value_of(const struct published_value *v, size_t n,
                                              const char *model)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(v[i].row->model, model) == 0)
            return &v[i];
    return NULL;
}

static void every_published_row_is_in_the_program(void **state)
{
    const char *path = shared_path("catalogue/published_scores.json"); /* may skip: first */
    struct published *p = built_in();
    struct err e = ERR_NONE;
    cJSON *j = json_read(path, 16 << 20, &e);
    const cJSON *row, *score;
    size_t i = 0;

    (void)state;
    assert_non_null(j);
    cJSON_ArrayForEach(row, json_get(j, "rows"))
    {
        const struct published_row *r = published_at(p, i++);
        int n = 0;
        assert_non_null(r);
        assert_string_equal(r->model, json_str(row, "model"));
        assert_string_equal(r->variant, json_str(row, "variant"));
        cJSON_ArrayForEach(score, json_get(row, "scores"))
        {
            const struct published_score *s = published_score(r, score->string);
            assert_non_null(s);
            assert_true(s->value == json_num(score, "value", NAN));
            assert_int_equal(s->shots, (int)json_num(score, "shots", -1));
            n++;
        }
        assert_int_equal(n, r->n_scores);
        if (isfinite(r->total_params))
            assert_close(r->total_params, json_num(row, "total_params", NAN), 1e-9);
    }
    assert_true(published_n(p) >= i);
    json_free(j);
    published_free(p);
}

static void medians_over_sources_are_those_of_the_examples(void **state)
{
    const char *path = shared_path("catalogue/density_examples.csv"); /* may skip: first */
    struct published *p = built_in();
    struct published_query q = {.benchmark = "mmlu", .shots = 5};
    struct published_value *v = NULL;
    struct err e = ERR_NONE;
    struct file_map f = FILE_MAP_NONE;
    struct csv c;
    size_t n = 0;
    int rows = 0;

    (void)state;
    assert_int_equal(file_map(&f, path, &e), 0);
    assert_int_equal(published_values(&v, &n, p, &q, &e), 0);
    csv_init(&c, (const char *)f.bytes, f.len, "examples");
    while (csv_next(&c, &e) == 1) {
        const struct published_value *got;
        if (*csv_field(&c, 0) == '#' || strcmp(csv_field(&c, 0), "model") == 0)
            continue;
        got = value_of(v, n, csv_field(&c, 0));
        if (!got)
            fail_msg("%s has no value", csv_field(&c, 0));
        if (*csv_field(&c, 2))
            assert_close(got->total_params, atof(csv_field(&c, 2)), 1e-9);
        if (*csv_field(&c, 3))
            assert_close(got->active_params, atof(csv_field(&c, 3)), 1e-9);
        assert_true(fabs(got->score - atof(csv_field(&c, 4))) <= 0.00501);
        assert_int_equal(got->n, atoi(csv_field(&c, 5)));
        assert_true(fabs(got->low - atof(csv_field(&c, 6))) <= 0.0501);
        assert_true(fabs(got->high - atof(csv_field(&c, 7))) <= 0.0501);
        rows++;
    }
    assert_true(rows >= 39);
    csv_release(&c);
    file_unmap(&f);
    mem_free(v);
    published_free(p);
    assert_int_equal(mem_live(), 0);
}

#define ROW(more) "{\"model\":\"m\",\"variant\":\"base\",\"source\":\"s\",\"confidence\":\"c\"" more "}"
#define DOC(rows) "{\"schema\":\"densimeter.published/1\",\"rows\":[" rows "]}"
#define SCORES(s) ROW(",\"scores\":{" s "}")
#define DATED(d) ROW(",\"release_date\":\"" d "\",\"scores\":{}")

static void rows_with_a_fault_are_refused(void **state)
{
    static const struct {
        const char *json, *says;
    } rows[] = {
        {"{}", "no published scores"},
        {"[]", "no published scores"},
        {DOC("3"), "row 1: model"},
        {DOC(ROW("")), "row 1: has no scores"},
        {DOC(SCORES("\"x\":{}")), "'x' has no value"},
        {DOC(SCORES("\"x\":{\"value\":\"1\"}")), "'x' has no value"},
        {DOC(SCORES("\"x\":{\"value\":1e300}")), "'x' has no value"},
        {DOC(SCORES("\"x\":{\"value\":1,\"shots\":1.5}")), "'x': shots"},
        {DOC(SCORES("\"x\":{\"value\":1},\"x\":{\"value\":2}")), "a second score 'x'"},
        {DOC(ROW(",\"total_params\":-3,\"scores\":{}")), "total_params"},
        {DOC(ROW(",\"training_tokens\":\"9\",\"scores\":{}")), "training_tokens"},
        {DOC(DATED("2024")), "release_date"},
        {DOC(DATED("2024-13")), "release_date"},
        {DOC(DATED("2023-02-29")), "release_date"},
        {DOC(DATED("2024-02-01x")), "release_date"},
        {DOC(SCORES("") "," DATED("-2-3")), "row 2: release_date"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct published *p = NULL;
        struct err e = ERR_NONE;
        if (published_parse(&p, rows[i].json, strlen(rows[i].json), "f.json", &e) == 0)
            fail_msg("%s was taken", rows[i].json);
        assert_int_equal(e.code, ERR_FORMAT);
        if (!strstr(e.text, rows[i].says) || !strstr(e.text, "f.json"))
            fail_msg("'%s' lacks '%s'", e.text, rows[i].says);
    }
    assert_int_equal(mem_live(), 0);
}

static void days_count_from_1970_and_a_month_is_its_first_day(void **state)
{
    static const struct {
        struct published_date d;
        double days;
    } rows[] = {
        {{1970, 1, 1}, 0},        {{1970, 3, 0}, 59},       {{2000, 3, 1}, 11017},
        {{2023, 2, 24}, 19412},   {{2024, 2, 29}, 19782},   {{2024, 12, 31}, 20088},
    };
    double days;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(published_days(&rows[i].d, &days), 0);
        assert_true(days == rows[i].days);
    }
    assert_int_equal(published_days(&(struct published_date){0}, &days), -1);
}

static void rows_of_other_shots_harness_or_variant_are_out(void **state)
{
    static const char doc[] =
        DOC("{\"model\":\"a\",\"variant\":\"chat\",\"source\":\"s\",\"confidence\":\"c\","
            "\"harness\":\"lm-eval\",\"scores\":{\"x\":{\"value\":10,\"shots\":5}}},"
            "{\"model\":\"b\",\"variant\":\"base\",\"source\":\"s\",\"confidence\":\"c\","
            "\"total_params\":7,\"harness\":\"other\",\"scores\":{\"x\":{\"value\":20,\"shots\":0,\"metric\":\"acc\"}}},"
            "{\"model\":\"b\",\"variant\":\"base\",\"source\":\"s\",\"confidence\":\"c\","
            "\"total_params\":8,\"scores\":{\"x\":{\"value\":30}}},"
            "{\"model\":\"b\",\"variant\":\"chat\",\"source\":\"s\",\"confidence\":\"c\","
            "\"harness\":\"lm-eval\",\"scores\":{\"x\":{\"value\":40,\"shots\":5}}}");
    static const struct {
        struct published_query q;
        size_t n;
        double last, params;
    } rows[] = {
        {{"x", -1, NULL, NULL, NULL}, 2, 25, 7},   {{"x", 5, NULL, NULL, NULL}, 2, 30, 8},
        {{"x", 0, NULL, NULL, "acc"}, 1, 25, 7},    {{"x", 5, "lm", NULL, NULL}, 2, 40, 7},
        {{"x", -1, NULL, "chat", NULL}, 2, 40, 7}, {{"x", -1, "other", NULL, NULL}, 1, 20, 7},
        {{"x", -1, NULL, NULL, "acc_norm"}, 2, 30, 8},
    };
    struct published *p = NULL;
    struct err e = ERR_NONE;
    (void)state;
    assert_int_equal(published_parse(&p, doc, sizeof doc - 1, "f", &e), 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct published_value *v = NULL;
        size_t n = 0;
        assert_int_equal(published_values(&v, &n, p, &rows[i].q, &e), 0);
        assert_int_equal(n, rows[i].n);
        assert_true(v[n - 1].score == rows[i].last);
        assert_true(v[n - 1].total_params == rows[i].params);
        mem_free(v);
    }
    published_free(p);
}

static void published_survives_every_failed_allocation(void **state)
{
    static const char doc[] = DOC(SCORES("\"x\":{\"value\":1,\"shots\":5}") "," DATED("2024-02"));
    struct published_query q = {.benchmark = "x", .shots = -1};
    int rc = -1;
    (void)state;
    for (int nth = 0; rc < 0; nth++) {
        struct published *p = NULL;
        struct published_value *v = NULL;
        struct err e = ERR_NONE;
        size_t n;
        mem_fail_at(nth);
        rc = published_parse(&p, doc, sizeof doc - 1, "f", &e);
        if (rc == 0)
            rc = published_values(&v, &n, p, &q, &e);
        mem_fail_at(-1);
        /* cJSON does not say whether a text was malformed or memory short. */
        assert_true(rc == 0 || e.code == ERR_NOMEM || e.code == ERR_FORMAT);
        mem_free(v);
        published_free(p);
        assert_int_equal(mem_live(), 0);
    }
}

static void benchmarks_are_found_by_both_names(void **state)
{
    (void)state;
    assert_ptr_equal(benchmark_find("lambada"), benchmark_find("lambada_openai"));
    assert_ptr_equal(benchmark_find("commonsense_qa"), benchmark_find("commonsenseqa"));
    assert_null(benchmark_find("mmlu_astronomy"));
    for (int i = 0; benchmark_at(i); i++)
        assert_ptr_equal(benchmark_find(benchmark_at(i)->name), benchmark_at(i));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_published_row_is_in_the_program),
        cmocka_unit_test(medians_over_sources_are_those_of_the_examples),
        cmocka_unit_test(rows_with_a_fault_are_refused),
        cmocka_unit_test(days_count_from_1970_and_a_month_is_its_first_day),
        cmocka_unit_test(rows_of_other_shots_harness_or_variant_are_out),
        cmocka_unit_test(published_survives_every_failed_allocation),
        cmocka_unit_test(benchmarks_are_found_by_both_names),
    };
    return RUN(tests);
}
