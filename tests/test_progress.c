/* Lines on a terminal: how far something is, how fast, how long it takes yet; none elsewhere. */
#include "tests/test.h"

#include "harness/fetch_meter.h"
#include "harness/meter.h"
#include "harness/progress.h"

/* What was written into the file since the last time. */
static const char *written(FILE *f)
{
    static char text[4000];
    size_t n;

    fflush(f);
    rewind(f);
    n = fread(text, 1, sizeof text - 1, f);
    text[n] = 0;
    rewind(f);
    assert_int_equal(ftruncate(fileno(f), 0), 0);
    return text;
}

static void lacks_or_has(const char *text, const char *part, int has)
{
    if ((strstr(text, part) != NULL) != has)
        fail_msg("%s '%s': %s", has ? "no" : "there is", part, text + (text[0] == '\r'));
}

/* Begun ten hours ago: what the test itself takes, if it is not ten seconds, is beyond the digits
 * shown of times of an hour and less. */
#define AGO_S 36000.001
enum { DONE = 36000 }; /* one a second */

static void an_evaluation_shows_its_bar_time_and_score(void **state)
{
    static const struct {
        size_t before, total; /* before: not of this time */
        double value;         /* NAN: no score */
        const char *has[2], *lacks;
    } rows[] = {
        {0, 72000, 1, {"task [#####.....] 36000/72000 1/s ", " 1.00 ["}, NULL},
        {0, 39600, NAN, {"36000/39600 1/s 1:00:00"}, NULL},
        {0, 72000, 0, {"36000/72000", " 0.00 [0.00, "}, NULL},
        {0, 72000, .5, {"36000/72000"}, "0.50"}, /* no share */
        {0, 72000, NAN, {"36000/72000"}, "nan"},
        {0, 36630, NAN, {"[#########.] 36000/36630 1/s 10:30"}, NULL},
        {90000, 126630, NAN, {"] 126000/126630 1/s 10:30"}, NULL},
        {0, 36000, 1, {"[##########] 36000/36000 1/s 0:00"}, NULL},
        {0, 36000000, 1, {"[..........] 36000/36000000 1/s --:-- "}, NULL},
        {0, 0, NAN, {"[..........] 36000/0"}, NULL},
    };
    FILE *f = tmpfile();
    (void)state;
    assert_non_null(f);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct progress p;
        const char *text;
        progress_begin(&p, f, "task", rows[i].before, rows[i].total);
        p.start_s = meter_clock_s() - AGO_S;
        p.done = rows[i].before + DONE - 1;
        if (!isnan(rows[i].value))
            progress_value(&p, rows[i].value);
        progress_step(&p);
        text = written(f);
        for (int k = 0; k < 2 && rows[i].has[k]; k++)
            lacks_or_has(text, rows[i].has[k], 1);
        if (rows[i].lacks)
            lacks_or_has(text, rows[i].lacks, 0);
        progress_end(&p);
        assert_string_equal(written(f), "\r\x1b[K");
    }
    fclose(f);
}

/* A name may come from a file of somebody else's; a line that wraps is not written over. */
static void a_line_is_one_line_of_the_terminal_whatever_is_in_it(void **state)
{
    static const struct { const char *columns, *name, *want; } rows[] = {
        {"80", "a\x1b[2Jb\nc", "\ra?[2Jb?c [#####.....] 36000/72000 1/s 10:00:00\x1b[K"},
        {"80", "\u6a21\u6a21\u6a21\u6a21\u6a21\u6a21\u6a21",
         "\r\u6a21\u6a21\u6a21\u6a21\u6a21\u6a21 [#####.....] 36000/72000 1/s 10:00:00\x1b[K"},
        {"30", "task", "\rtask [#####.....] 36000/72000\x1b[K"},
    };
    FILE *f = tmpfile();
    (void)state;
    assert_non_null(f);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct progress p;
        setenv("COLUMNS", rows[i].columns, 1);
        progress_begin(&p, f, rows[i].name, 0, 72000);
        p.start_s = meter_clock_s() - AGO_S;
        p.done = DONE - 1;
        progress_step(&p);
        assert_string_equal(written(f), rows[i].want);
    }
    unsetenv("COLUMNS");
    fclose(f);
}

static void lines_are_ten_a_second_at_most_and_none_without_a_terminal(void **state)
{
    FILE *f = tmpfile();
    struct progress p;
    (void)state;
    assert_non_null(f);
    progress_begin(&p, f, "task", 0, 1000000);
    progress_end(&p);
    assert_string_equal(written(f), ""); /* nothing was drawn: nothing is wiped */
    for (int i = 0; i < 3; i++)
        progress_step(&p);
    p.drawn_s = meter_clock_s() + 1000;
    written(f);
    progress_step(&p);
    assert_string_equal(written(f), "");
    p.done = p.total - 1;
    progress_step(&p); /* but the last one is always drawn */
    lacks_or_has(written(f), "1000000/1000000", 1);
    progress_begin(&p, NULL, "task", 0, 10);
    progress_step(&p);
    assert_int_equal(p.done, 1);
    progress_end(&p);
    fclose(f);
}

static void a_fetch_shows_its_bytes_and_time(void **state)
{
    static const struct {
        uint64_t first, done, total;
        const char *has, *lacks;
    } rows[] = {
        {0, 36000000000, 72000000000,
         "name [#####.....] 36.0 GB of 72.0 GB, 1.0 MB/s, ", NULL},
        {0, 36000000000, 39600000000, "36.0 GB of 39.6 GB, 1.0 MB/s, 1:00:00", NULL},
        {0, 36000000000, 36000000000,
         "[##########] 36.0 GB of 36.0 GB, 1.0 MB/s, 0:00", NULL},
        {36000000000, 72000000000, 72630000000, "72.0 GB of 72.6 GB, 1.0 MB/s, 10:30", NULL},
        {0, 36000000000, 0, "[..........] 36.0 GB of -, 1.0 MB/s, --:--", NULL}, /* not told */
        {0, 1, 36000000000, "1 B of 36.0 GB, 0 B/s, --:--", NULL}, /* longer than a hundred hours */
    };
    FILE *f = tmpfile();
    struct context c = {.log = f, .progress = 1};
    (void)state;
    assert_non_null(f);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fetch_meter m = {.c = &c, .name = "name"};
        struct timespec t;
        const char *text;
        fetch_meter_bytes(&m, rows[i].first, rows[i].total);
        written(f);
        clock_gettime(CLOCK_MONOTONIC, &t);
        m.begun_s = (double)t.tv_sec + (double)t.tv_nsec * 1e-9 - AGO_S;
        m.drawn_s = 0;
        fetch_meter_bytes(&m, rows[i].done, rows[i].total);
        text = written(f);
        lacks_or_has(text, rows[i].has, 1);
        if (rows[i].lacks)
            lacks_or_has(text, rows[i].lacks, 0);
        m.drawn_s = m.begun_s + 1e6;
        fetch_meter_bytes(&m, 2, 1000); /* too soon after the last */
        assert_string_equal(written(f), "");
        fetch_meter_end(&m);
        assert_string_equal(written(f), "\r\x1b[K");
        fetch_meter_end(&m);
        assert_string_equal(written(f), "");
    }
    c.progress = 0;
    fetch_meter_bytes(&(struct fetch_meter){.c = &c, .name = "name"}, 1, 2);
    assert_string_equal(written(f), "");
    fclose(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_evaluation_shows_its_bar_time_and_score),
        cmocka_unit_test(a_line_is_one_line_of_the_terminal_whatever_is_in_it),
        cmocka_unit_test(lines_are_ten_a_second_at_most_and_none_without_a_terminal),
        cmocka_unit_test(a_fetch_shows_its_bytes_and_time),
    };

    return RUN(tests);
}
