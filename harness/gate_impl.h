/* gate_impl.h -- what the two halves of a gate share: differences (gate.c) and ratios
 * (gate_times.c). */
#ifndef HARNESS_GATE_IMPL_H
#define HARNESS_GATE_IMPL_H

#include "harness/gate.h"

struct deciding {
    struct gate *g;
    const struct gate_input *in;
    const struct pairs *pairs; /* an empty one for speed runs */
    const struct pair_task **all; /* every task */
    const struct gate_policy *policy;
    const struct gate_process **by_age; /* those asked for, the oldest first */
    size_t n_asked;
    double alpha, conf, z; /* z: one-sided quantile of alpha plus that of the power */
};

/* In the gate's arena; NULL when refused, which gate_decide notices. */
const char *gate_text(struct gate *g, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* A check without any number yet; valid until the next one. */
struct gate_check *gate_add(struct gate *g, enum gate_quantity q, const char *task, double margin,
                            struct err *e);

/* Adds and judges the checks of latency, memory and energy that the policy asks for. */
int gate_check_times(struct deciding *d, struct err *e);
/* A speed test that only one run has; NULL: none. */
const struct store_bench *gate_unmatched_test(const struct bench_list *a,
                                              const struct bench_list *b);

#endif
