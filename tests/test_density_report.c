/* What a page says of densities: made-up rows on a real ruler. */
#include "tests/test.h"

#include "base/mem.h"
#include "harness/density_present.h"
#include "harness/density_report.h"
#include "harness/rulers.h"
#include "tests/report_sample.h"

static struct published *published;
static struct rulers *known;

static int open_known(void **state)
{
    (void)state;
    unsetenv("DENSIMETER_PUBLISHED");
    return published_open(&published, NULL) < 0 || rulers_open(&known, published, NULL) < 0 ? -1
                                                                                            : 0;
}

static int close_known(void **state)
{
    (void)state;
    rulers_close(known);
    published_free(published);
    return mem_live() == 0 ? 0 : -1;
}

static void add(struct density_list *l, const char *model, const char *ruler, double score,
                double parameters, double bytes)
{
    const struct ruler *r;
    struct density *d;

    assert_int_equal(rulers_get(known, ruler, &r, NULL), 0);
    assert_int_equal(mem_grow(&l->v, &l->cap, l->n + 1, sizeof *l->v), 0);
    d = &l->v[l->n++];
    *d = (struct density){.model = model, .subject = model, .run = "0123abcd", .ruler = r,
                          .score = score, .score_low = score - 0.02, .score_high = score + 0.02,
                          .stderr_ = 0.01, .n_items = 400, .training_tokens = NAN,
                          .bits_per_mparam = 0.5};
    for (int i = 0; i < DENSITY_PERS; i++)
        d->cost[i] = NAN;
    d->cost[PER_TOTAL] = parameters;
    d->cost[PER_BYTE] = bytes;
    density_judge(d, 0);
}

static void fill(struct density_list *l)
{
    add(l, "tiny-q8_0", "pythia-piqa", 0.65, 1e8, 1.1e8);
    add(l, "tiny-q2_k", "pythia-piqa", 0.62, 1e8, 4e7);
    add(l, "tiny-f16", "pythia-piqa", 0.66, 1e8, 2e8);
    add(l, "tiny-f16", "pythia-arc_easy", 0.45, 1e8, 2e8);
    add(l, "alone", "pythia-piqa", 0.70, 9e8, 9e8);
    add(l, "guesser", "pythia-piqa", 0.50, 7e8, 7e8);
    density_list_sort(l);
}

static const struct report_plot *plot(const struct report *r, const char *key)
{
    for (int i = 0; i < r->n_blocks; i++)
        if (r->blocks[i]->kind == REPORT_PLOT && strcmp(r->blocks[i]->plot->key, key) == 0)
            return r->blocks[i]->plot;
    return NULL;
}

static int row_of(const struct report_table *t, const char *model)
{
    for (int i = 0; i < t->n_rows; i++)
        if (strcmp(t->cells[i * t->n_columns].text, model) == 0)
            return i;
    fail_msg("%s has no row", model);
    return -1;
}

static void files_of_one_model_are_joined_by_their_bytes(void **state)
{
    static const char *const labels[] = {"q2_k", "q8_0", "f16"};
    struct density_list l = {.per = PER_TOTAL};
    const struct report_plot *p;
    struct report r;
    (void)state;
    report_init(&r, "t");
    fill(&l);
    density_section(&r, &l);
    p = plot(&r, "density_per_byte_file_bytes");
    assert_non_null(p);
    assert_int_equal(p->n_series, 1); /* one file of a size is no ladder */
    assert_string_equal(p->series[0]->name, "tiny");
    assert_true(p->series[0]->line);
    assert_int_equal(p->series[0]->n_points, 3);
    for (int i = 0; i < 3; i++)
        assert_string_equal(p->series[0]->points[i].label, labels[i]);
    /* bits per megabyte: 0.5 bits of each of 100 million parameters over 40 MB, in millions */
    p = plot(&r, "bits_per_mbyte_file_bytes_ladder");
    assert_close(p->series[0]->points[0].y, 0.5 * 1e8 / 4e7, 1e-12);
    assert_non_null(plot(&r, "density_parameters"));
    assert_int_equal(report_ok(&r, NULL), 0);
    report_release(&r);
    density_list_release(&l);
}

static void the_tables_hold_every_model_and_say_why_not(void **state)
{
    struct density_list l = {.per = PER_TOTAL};
    const struct report_table *t;
    struct report r;
    int row;
    (void)state;
    report_init(&r, "t");
    fill(&l);
    density_headline(&r, &l);
    density_section(&r, &l);
    density_method(&r, &l);
    t = report_table_of(&r, "density_panel");
    assert_int_equal(t->n_rows, 5);
    row = row_of(t, "tiny-f16");
    assert_true(t->cells[row * t->n_columns + 10].value == 2); /* tasks */
    assert_true(t->cells[row * t->n_columns + 7].value > 1);   /* spread */
    row = row_of(t, "guesser");
    assert_true(isnan(t->cells[row * t->n_columns + 6].value));
    t = report_table_of(&r, "density");
    assert_int_equal(t->n_rows, 6);
    row = row_of(t, "guesser");
    assert_string_equal(t->cells[row * t->n_columns + 5].text, "unresolved");
    assert_non_null(strstr(t->cells[row * t->n_columns + 7].text, "at chance"));
    assert_int_equal(r.n_headline, 1);
    assert_string_equal(r.headline[0].value, "tiny-f16");
    report_release(&r);
    density_list_release(&l);
}

static void nothing_resolved_is_said(void **state)
{
    struct density_list l = {.per = PER_TOTAL};
    struct report r;
    int said = 0;
    (void)state;
    report_init(&r, "t");
    add(&l, "guesser", "pythia-piqa", 0.50, 7e8, 7e8);
    density_headline(&r, &l);
    density_section(&r, &l);
    for (int i = 0; i < r.n_blocks; i++)
        said |= r.blocks[i]->kind == REPORT_TEXT &&
                strstr(r.blocks[i]->text, "No score here resolves");
    assert_true(said);
    assert_int_equal(r.n_headline, 0);
    assert_null(plot(&r, "density_parameters"));
    report_release(&r);
    density_list_release(&l);
}

static void what_is_not_known_is_not_drawn(void **state)
{
    struct density_list l = {.per = PER_TOTAL};
    struct report r;
    (void)state;
    report_init(&r, "t");
    fill(&l);
    for (size_t i = 0; i < l.n; i++)
        l.v[i].bits_per_mparam = NAN;
    density_section(&r, &l);
    assert_null(plot(&r, "bits_per_mbyte_file_bytes_ladder"));
    assert_non_null(plot(&r, "density_file_bytes"));
    report_release(&r);
    density_list_release(&l);
}

static void what_clusters_do_to_an_error_is_told_and_loudly_where_it_is_much(void **state)
{
    static const double times[] = {1.2, 1.8};
    (void)state;
    for (int k = 0; k < 2; k++) {
        struct density_list l = {.per = PER_TOTAL};
        struct report r;
        int said = 0;
        report_init(&r, "t");
        fill(&l);
        l.v[0].n_clusters = 57;
        l.v[0].stderr_alone = l.v[0].stderr_ / times[k];
        density_section(&r, &l);
        for (int i = 0; i < r.n_blocks; i++)
            said |= r.blocks[i]->kind == (k ? REPORT_WARNING : REPORT_TEXT) &&
                    strstr(r.blocks[i]->text, "up to 57 here") &&
                    strstr(r.blocks[i]->text, k ? "1.80 to 1.80" : "1.20 to 1.20");
        assert_true(said);
        report_release(&r);
        density_list_release(&l);
    }
}

/* Bits are a sum over the facts asked. */
static void files_asked_fewer_facts_are_not_joined_with_the_others(void **state)
{
    struct density_list l = {.per = PER_TOTAL};
    const struct report_table *t;
    const struct report_plot *p;
    struct report r;
    int row;
    (void)state;
    report_init(&r, "t");
    fill(&l);
    for (size_t i = 0; i < l.n; i++)
        l.v[i].bits_items = strcmp(l.v[i].model, "tiny-q8_0") == 0 ? 50 : 200;
    density_section(&r, &l);
    p = plot(&r, "bits_per_mbyte_file_bytes_ladder");
    assert_non_null(p);
    assert_int_equal(p->series[0]->n_points, 2);
    assert_string_equal(p->series[0]->points[0].label, "q2_k");
    assert_string_equal(p->series[0]->points[1].label, "f16");
    t = report_table_of(&r, "density_panel");
    row = row_of(t, "tiny-q8_0");
    assert_true(t->cells[row * t->n_columns + 11].value == 50);
    report_release(&r);
    density_list_release(&l);
}

static void a_model_stands_among_the_published_ones(void **state)
{
    struct density_list l = {.per = PER_TOTAL};
    const struct report_table *t;
    struct report r;
    int row, below = 0, of = 0;
    (void)state;
    report_init(&r, "t");
    fill(&l);
    assert_int_equal(density_standing(&r, &l, published, NULL), 0);
    t = report_table_of(&r, "density_standing");
    assert_int_equal(t->n_rows, 5); /* the guesser stands nowhere */
    row = row_of(t, "alone");
    assert_int_equal(sscanf(t->cells[row * t->n_columns + 3].text, "%d of %d", &below, &of), 2);
    assert_true(of > 30 && below > 0 && below < of);
    assert_null(t->cells[row * t->n_columns + 4].text); /* nobody knows when it came */
    assert_non_null(t->cells[row * t->n_columns + 8].text);
    assert_non_null(t->cells[row * t->n_columns + 9].text);
    assert_int_equal(report_ok(&r, NULL), 0);
    report_release(&r);
    density_list_release(&l);
}

/* A file that is named after a published model came out when that did. */
static void a_model_stands_on_the_line_of_its_day(void **state)
{
    struct density_list l = {.per = PER_TOTAL};
    const struct report_series *published_ones, *own, *line;
    const struct report_table *t;
    const struct report_plot *p;
    const struct report_cell *c;
    struct report r;
    double slope, at;
    (void)state;
    report_init(&r, "t");
    fill(&l);
    add(&l, "Gemma-3-270m-q8_0", "pythia-arc_easy", 0.59, 268098176, 3e8);
    density_list_sort(&l);
    assert_int_equal(density_standing(&r, &l, published, NULL), 0);
    t = report_table_of(&r, "density_standing");
    c = &t->cells[row_of(t, "Gemma-3-270m-q8_0") * t->n_columns];
    assert_string_equal(c[4].text, "2025-08-14");
    assert_close(c[6].value * c[5].value, c[2].value, 1e-9);
    p = plot(&r, "trend_pythia-arc_easy");
    assert_non_null(p);
    assert_int_equal(p->n_series, 3);
    published_ones = p->series[0];
    own = p->series[1];
    line = p->series[2];
    assert_true(published_ones->n_points > 30 && published_ones->quiet);
    assert_non_null(strstr(published_ones->points[0].label, ", density "));
    assert_int_equal(own->n_points, 1); /* "tiny" has no date, and is counted in the note */
    assert_close(own->points[0].x, 2025.62, 0.01);
    assert_close(own->points[0].y, c[2].value, 1e-12);
    assert_non_null(strstr(p->note, "Not drawn: 1 measured here"));
    assert_non_null(strstr(p->note, "counted as bounds"));
    /* The table's line is the picture's. */
    slope = log(line->points[1].y / line->points[0].y) / (line->points[1].x - line->points[0].x);
    at = line->points[0].y * exp(slope * (own->points[0].x - line->points[0].x));
    assert_close(at, c[5].value, 1e-6);
    assert_int_equal(report_ok(&r, NULL), 0);
    report_release(&r);
    density_list_release(&l);
}

static void an_answer_has_its_price_and_what_is_not_known_its_reason(void **state)
{
    struct density_list l = {.per = PER_TOTAL};
    const struct report_table *t;
    const struct report_cell *c;
    struct report r;
    (void)state;
    report_init(&r, "t");
    fill(&l);
    for (size_t i = 0; i < l.n; i++) {
        l.v[i].cost[PER_SECOND] = 0.5;
        l.v[i].read_bytes = 1e8;
    }
    density_costs(&r, &l, "nobody measured it.");
    t = report_table_of(&r, "answer_cost");
    c = &t->cells[row_of(t, "alone") * t->n_columns];
    assert_true(c[2].value == 0.5 && isnan(c[3].value) && c[4].value == 1e8);
    for (size_t i = 0; i < l.n; i++)
        if (strcmp(l.v[i].model, "alone") == 0)
            assert_close(c[5].value, l.v[i].effective / 0.5, 1e-12);
    assert_non_null(strstr(t->note, "Energy: nobody measured it."));
    c = &t->cells[row_of(t, "guesser") * t->n_columns];
    assert_true(isnan(c[5].value));
    report_release(&r);
    density_list_release(&l);
}

static void a_density_is_two_digits_and_no_exponent(void **state)
{
    static const struct {
        enum ruler_flag flag;
        double low, value, high;
        const char *text;
    } rows[] = {
        {RULER_WITHIN, 0.7, 0.92, 1.2, "0.92 [0.7, 1.2]"},
        {RULER_WITHIN, 121, 150, 199.6, "150.00 [121, 200]"},
        {RULER_WITHIN, 0, 0.9, INFINITY, "0.90 [0, \u221e]"},
        {RULER_WITHIN, 2.1e-5, 0.01, 99.4, "0.01 [0.00002, 99]"},
        {RULER_BELOW, 0, 150, 151, "< 151"},
        {RULER_ABOVE, 142, 150, INFINITY, "> 142"},
    };
    char text[64];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct density d = {.flag = rows[i].flag, .low = 1e6 * rows[i].low,
                            .effective = 1e6 * rows[i].value, .high = 1e6 * rows[i].high};
        d.cost[PER_TOTAL] = 1e6;
        density_text(text, sizeof text, &d, PER_TOTAL);
        assert_string_equal(text, rows[i].text);
    }
}

static void refused_memory_is_told_at_the_end(void **state)
{
    int rc = -1;
    (void)state;
    for (int nth = 0; rc < 0; nth++) {
        struct density_list l = {.per = PER_TOTAL};
        struct err e = ERR_NONE;
        struct report r;
        long before = mem_live();
        fill(&l);
        report_init(&r, "t");
        mem_fail_at(nth);
        density_headline(&r, &l);
        density_section(&r, &l);
        density_costs(&r, &l, "no.");
        density_method(&r, &l);
        mem_fail_at(-1);
        rc = report_ok(&r, &e);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        report_release(&r);
        density_list_release(&l);
        assert_int_equal(mem_live(), before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_of_one_model_are_joined_by_their_bytes),
        cmocka_unit_test(the_tables_hold_every_model_and_say_why_not),
        cmocka_unit_test(nothing_resolved_is_said),
        cmocka_unit_test(what_is_not_known_is_not_drawn),
        cmocka_unit_test(what_clusters_do_to_an_error_is_told_and_loudly_where_it_is_much),
        cmocka_unit_test(files_asked_fewer_facts_are_not_joined_with_the_others),
        cmocka_unit_test(a_model_stands_among_the_published_ones),
        cmocka_unit_test(a_model_stands_on_the_line_of_its_day),
        cmocka_unit_test(an_answer_has_its_price_and_what_is_not_known_its_reason),
        cmocka_unit_test(a_density_is_two_digits_and_no_exponent),
        cmocka_unit_test(refused_memory_is_told_at_the_end),
    };
    return cmocka_run_group_tests_name(__FILE__, tests, open_known, close_known);
}
