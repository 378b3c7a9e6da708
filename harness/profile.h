/* profile.h -- where the time of a speed test goes, beside what this machine can do at most.
 *
 * The test runs once to warm up and `repeats` times with the clocks of the device on.  Text: one
 * row per kind of operation over all layers, by falling share of the workers' time; JSON: also one
 * per operation of each layer. */
#ifndef HARNESS_PROFILE_H
#define HARNESS_PROFILE_H

#include "base/err.h"
#include "base/strbuf.h"
#include "harness/measure.h"
#include "harness/peak.h"

struct report;
struct profiles {
    struct strbuf text; /* tables, one after the other */
    struct strbuf json; /* objects with commas between */
    struct peak peak;   /* of the number of threads measured last */
    struct strbuf lmeval_text, lmeval_json; /* bench_lmeval.c's */
    struct report *page; /* the caller's; rooflines go there (roofline.h); NULL: none are wanted */
};

/* Appends the test's; what is there before it (depth) is in no profile. */
int profile_test(struct profiles *out, struct runner *r, const char *model,
                 const struct speed_test *t, int repeats, int width, struct err *e);
void profiles_release(struct profiles *p);

#endif
