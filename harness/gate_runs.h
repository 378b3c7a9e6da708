/* gate_runs.h -- the runs that a gate stands on: named, read, joined and checked.
 *
 * Each side is one run or several that repeat it; the first one of each is what answers are
 * compared by.  Repeats must be the same in everything that is recorded, answers and likelihoods
 * included: ERR_INVALID otherwise.  Complete runs of the same programs that the database has
 * besides tell how far processes of one program differ here; those of a machine that was not quiet
 * do not, unless the policy ignores noise.
 *
 * Everything belongs to the runs and lasts until gate_runs_release. */
#ifndef HARNESS_GATE_RUNS_H
#define HARNESS_GATE_RUNS_H

#include "harness/gate.h"

enum { GATE_RUNS_MAX = 256, GATE_EARLIER_MAX = 20 }; /* of each side */
enum { GATE_EARLIER_LEAST = 6, GATE_EARLIER_ITEMS = 500000 }; /* of long runs fewer are read */

struct gate_side {
    struct run_list named[GATE_RUNS_MAX]; /* one row each */
    size_t n;
    struct run_list earlier;
};
struct gate_runs {
    struct gate_side side[2]; /* baseline, candidate */
    struct pairs pairs;       /* of the first ones */
    struct gate_process *processes;
    size_t n_processes;
    struct gate_input in;
    struct arena arena;
};

/* names: RUN or RUN,RUN,... of each side. */
int gate_runs_find(struct gate_runs *out, struct store *s, const char *baseline,
                   const char *candidate, struct err *e);
/* Fills in->in.  ERR_INVALID when the runs cannot be compared. */
int gate_runs_read(struct gate_runs *r, struct store *s, const struct gate_policy *policy,
                   struct err *e);
void gate_runs_release(struct gate_runs *r);

#endif
