/* gate_env.h -- what differs between two runs besides their results, and what that forbids.
 *
 * Source: statistics.md 7.  "Not available" is a value: null on both sides is equal.  Facts are
 * named program, numerics, kernels, device, threads, seed, settings, model, machine and, where the
 * machines differ, machine.FACT for each fact of theirs. */
#ifndef HARNESS_GATE_ENV_H
#define HARNESS_GATE_ENV_H

#include "base/arena.h"
#include "harness/gate_policy.h"
#include "results/query.h"

enum env_effect { ENV_NOTED, ENV_FORBIDS_TIMING, ENV_FORBIDS };
struct env_difference {
    const char *key, *a, *b; /* NULL: not available */
    enum env_effect effect;
};
struct env {
    struct env_difference *v;
    size_t n, cap;
    enum env_effect worst;
    int noisy, invalid;  /* a machine was not quiet; swapped or throttled */
    const char *reasons; /* of the first run for which that holds; NULL: none */
    struct arena arena;
};
int env_compare(struct env *out, const struct run_row *a, const struct run_row *b,
                const struct gate_policy *p, struct err *e);
/* Whether another run's machine was quiet, too; which: for people. */
int env_add_noise(struct env *env, const char *which, const struct run_row *r, struct err *e);
/* 0: the machine was not quiet, swapped or was throttled.  Unknown is quiet. */
int env_quiet(const struct run_row *r, int *quiet, struct err *e);
void env_release(struct env *env);

#endif
