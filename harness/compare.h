/* compare.h -- two runs side by side: what changed, how surely, and which items.
 *
 * Evaluations are joined item by item (pairs.h); benches test by test.  Nothing is decided here: a
 * gate does that by a policy.  Everything belongs to the comparison and lasts until its release;
 * the runs' rows must outlive it. */
#ifndef HARNESS_COMPARE_H
#define HARNESS_COMPARE_H

#include "harness/gate_env.h"
#include "harness/pairs.h"
#include "harness/stats_rank.h"

enum compare_level { COMPARE_TASK, COMPARE_SLICE, COMPARE_GROUP, COMPARE_ALL };
struct compare_row {
    enum compare_level level;
    const char *name; /* task, "facts: science", group, "all" */
    const char *metric, *filter; /* of a task; else NULL */
    size_t n;
    struct paired_credit credit; /* n + alone == 0: nothing here is right or wrong */
    struct paired_mean nats;     /* n + alone == 0: no likelihoods */
    struct paired_ratio latency; /* n == 0: unknown */
    double memory_a, memory_b, energy_a, energy_b; /* of tasks; NAN: unknown */
};
struct compare_bench_row {
    const struct store_bench *a, *b;
    struct ratio speed; /* tok/s of b over a, with the interval of Hodges and Lehmann */
};
struct compare {
    const struct run_row *a, *b;
    struct env env;
    struct pairs pairs;
    struct compare_row *rows;
    size_t n_rows, cap_rows;
    struct bench_list bench_a, bench_b;
    struct compare_bench_row *bench;
    size_t n_bench, cap_bench;
    double conf;
    struct arena arena;
};

/* Two evaluations, or two benches; anything else, a run that has not ended well, and items or tests
 * that only one of them has: ERR_INVALID. */
int compare_make(struct compare *out, struct store *s, const struct run_row *a,
                 const struct run_row *b, double conf, struct err *e);
void compare_release(struct compare *c);

const char *compare_level_name(enum compare_level l); /* "task", "slice", "group", "all" */

#endif
