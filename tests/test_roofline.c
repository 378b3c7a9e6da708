/* Operations below the roofs of a machine, and what counters tell. */
#include "tests/test.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "base/mem.h"
#include "harness/counters.h"
#include "harness/peak.h"
#include "harness/roofline.h"

static const struct profile two_threads = {.threads = 2, .passes = 4, .wall_s = 1};
static const struct peak peaks = {.threads = 2, .bytes_s = 10e9, .flop_s = 100e9, .unit = "u",
                                  .int8_s = 800e9, .int8_unit = "i"};

static struct roofline_row row_of(int is_fast, const struct profile_kind *k)
{
    const struct roofline_input in = {.profile = &two_threads, .peak = &peaks, .is_fast = is_fast};

    return roofline_row(&in, k);
}

static void the_roof_is_the_lower_of_peak_and_bandwidth(void **state)
{
    /* 1 s of one of two workers: half a second of the machine */
    const struct profile_kind reads = {.busy_s = 1, .flop = 4e9, .bytes = 2e9, .is_matrix = 1};
    const struct profile_kind counts = {.busy_s = 1, .flop = 40e9, .bytes = 1e8, .is_matrix = 1};
    const struct profile_kind keys = {.busy_s = 1, .flop = 40e9, .bytes = 1e8};
    const struct profile_kind norm = {.busy_s = 0.5};
    struct roofline_row x = row_of(0, &reads);

    (void)state;
    assert_close(x.share, 0.5, 1e-12);
    assert_close(x.intensity, 2, 1e-12);
    assert_close(x.flop_s, 8e9, 1);
    assert_close(x.bytes_s, 4e9, 1);
    assert_close(x.of_roof, 8.0 / 20, 1e-12); /* 2 FLOP/B at 10 GB/s */
    assert_close(row_of(1, &reads).of_roof, 8.0 / 20, 1e-12);
    assert_close(row_of(0, &counts).of_roof, 0.8, 1e-12);
    assert_close(row_of(1, &counts).of_roof, 0.1, 1e-12); /* of bytes */
    assert_close(row_of(1, &keys).of_roof, 0.8, 1e-12);   /* attention is of floats in `fast` too */
    x = row_of(0, &norm);
    assert_close(x.share, 0.25, 1e-12);
    assert_true(isnan(x.flop_s) && isnan(x.bytes_s) && isnan(x.intensity) && isnan(x.of_roof));
}

static int build(struct report *r, struct err *e)
{
    const struct profile_kind kinds[] = {
        {"linear ffn_up", 1, 0.2, 4e9, 2e9, 1}, {"rms_norm", 0.1, 0.1, 0, 0, 0}};
    const struct counted c = {.v = {{"cycles", NAN}, {"instructions", 4e9}, {"a", NAN}, {"b", NAN},
                                    {"c", NAN}}, .missing = "cycles: none"};
    const struct roofline_input in = {.title = "m, pp4", .kinds = kinds, .n = 2, .is_fast = 1,
                                      .profile = &two_threads, .peak = &peaks, .counted = &c};

    report_init(r, "t");
    roofline_add(r, &in);
    return report_ok(r, e);
}

static void a_page_has_a_table_and_the_roofs(void **state)
{
    struct report r;
    struct strbuf b = STRBUF_INIT;

    (void)state;
    assert_int_equal(build(&r, NULL), 0);
    assert_int_equal(report_writer_named("text")->write(&r, NULL, &b, NULL), 0);
    assert_non_null(strstr(strbuf_str(&b), "linear ffn_up"));
    assert_non_null(strstr(strbuf_str(&b), "8-bit peak and memory"));
    assert_non_null(strstr(strbuf_str(&b), "instructions: 1e+09 a pass"));
    assert_non_null(strstr(strbuf_str(&b), "not counted: cycles: none"));
    assert_non_null(strstr(strbuf_str(&b), "barriers"));
    strbuf_release(&b);
    report_release(&r);
}

static void a_page_survives_every_failed_allocation(void **state)
{
    int rc = -1;

    (void)state;
    for (int nth = 0; rc < 0; nth++) {
        struct report r;
        struct err e = ERR_NONE;
        mem_fail_at(nth);
        rc = build(&r, &e);
        mem_fail_at(-1);
        assert_int_equal(e.code, rc < 0 ? ERR_NOMEM : ERR_OK);
        report_release(&r);
        assert_int_equal(mem_live(), 0);
    }
}

/* Pages touched for the first time are faults, where the system lets anybody count. */
static void what_can_be_counted_is_and_the_rest_is_named(void **state)
{
    enum { PAGES = 500, PAGE = 4096 };
    struct counters *c;
    struct counted out;
    char *p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)state;
    assert_true(p != MAP_FAILED);
    madvise(p, PAGES * PAGE, MADV_NOHUGEPAGE);
    assert_int_equal(counters_begin(&c, NULL), 0);
    for (int i = 0; i < PAGES; i++)
        ((volatile char *)p)[i * PAGE] = 1;
    counters_end(c, &out);
    munmap(p, PAGES * PAGE);
    for (int i = 0; i < COUNTERS; i++) {
        assert_true(!isnan(out.v[i].value) || strstr(out.missing, out.v[i].name));
        if (strcmp(out.v[i].name, "page_faults") == 0 && !isnan(out.v[i].value))
            assert_true(out.v[i].value >= PAGES);
    }
    assert_int_equal(mem_live(), 0);
}

static void the_peak_of_bytes_is_over_that_of_floats(void **state)
{
    struct peak p;

    (void)state;
    assert_int_equal(peak_measure(&p, 1, NULL), 0);
    assert_true(p.flop_s > 1e8 && p.bytes_s > 1e8);
    assert_true(isnan(p.int8_s) ? !p.int8_unit : p.int8_s > p.flop_s / 2 && p.int8_unit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_roof_is_the_lower_of_peak_and_bandwidth),
        cmocka_unit_test(a_page_has_a_table_and_the_roofs),
        cmocka_unit_test(a_page_survives_every_failed_allocation),
        cmocka_unit_test(what_can_be_counted_is_and_the_rest_is_named),
        cmocka_unit_test(the_peak_of_bytes_is_over_that_of_floats),
    };
    return cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL);
}
