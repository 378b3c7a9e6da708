/* test.h -- cmocka's headers in the order it wants them, and comparisons of our own. */
#ifndef TESTS_TEST_H
#define TESTS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* |a - b| <= rel * max(|a|, |b|), or both are equal. */
#define assert_close(a, b, rel)                                                                    \
    do {                                                                                           \
        double a_ = (a), b_ = (b);                                                                 \
        if (!(a_ == b_ || fabs(a_ - b_) <= (rel) * fmax(fabs(a_), fabs(b_))))                      \
            fail_msg("%s = %.17g, expected %.17g", #a, a_, b_);                                    \
    } while (0)

/* Skips the test when a reference file is not on this machine.  `path` is relative to the shared
 * folder ($DENSIMETER_SHARED, else ../shared). */
static inline const char *shared_path(const char *path)
{
    static char full[4096];
    const char *dir = getenv("DENSIMETER_SHARED");

    snprintf(full, sizeof full, "%s/%s", dir ? dir : "../shared", path);
    if (access(full, R_OK) != 0) {
        print_message("          skipped: %s is not here\n", full);
        skip();
    }
    return full;
}

/* Of the processor's time, for what must end soon; an emulator is some fifty times slower, what a
 * sanitizer watches ten. */
static inline int took_less_than(double seconds, clock_t from)
{
    int slower = getenv("EMULATOR") ? 50 : 1;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    slower *= 10;
#endif
    return (double)(clock() - from) / CLOCKS_PER_SEC < seconds * slower;
}

#define RUN(tests) cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL)

#endif
