/* counters.h -- what the processor counted while something ran (perf_event_open).
 *
 * All threads that the process has when counting begins; user code only.  Virtual machines often
 * have none and administrators may forbid them: then a number is NAN and
 * `missing` says why. */
#ifndef HARNESS_COUNTERS_H
#define HARNESS_COUNTERS_H

#include "base/err.h"

enum { COUNTERS = 5, COUNTERS_WHY = 160 };

struct counters; /* counting */
struct counted {
    struct {
        const char *name; /* "instructions": JSON key and heading */
        double value;     /* NAN: not counted */
    } v[COUNTERS];
    char missing[COUNTERS_WHY]; /* "": all are there */
};

int counters_begin(struct counters **out, struct err *e);
/* What came since then, over all threads; ends the counting. */
void counters_end(struct counters *c, struct counted *out);

#endif
