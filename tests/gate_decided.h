/* gate_decided.h -- what a gate makes of runs that a test has made by hand. */
#ifndef TESTS_GATE_DECIDED_H
#define TESTS_GATE_DECIDED_H

#include "harness/gate.h"

struct decided { /* zeroed before the first time */
    struct gate_policy policy;
    struct gate gate;
};
/* The checks; what was decided before goes. */
const struct gate_check *decided(struct decided *d, const struct gate_input *in,
                                 const char *policy);
void decided_end(struct decided *d); /* nothing is held then */
void says(const struct gate_check *c, enum verdict v, const char *reason);

#endif
