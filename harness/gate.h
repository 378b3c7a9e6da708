/* gate.h -- PASS, FAIL or INCONCLUSIVE for a candidate against a pinned baseline.
 *
 * The rule (statistics.md 0, 2.3 and 5.6).  A quantity with a tolerated loss, its margin:
 *   PASS          the interval's good end for the candidate's worst case is within the margin;
 *   FAIL          the whole interval is beyond the margin, or the loss is significant after
 *                 correction and at least as large as the practical threshold;
 *   INCONCLUSIVE  neither: these items cannot tell, and the check says what they could have seen
 *                 and how many would decide.
 * A loss that is shown to be within the margin is tolerated even where it is significant: the
 * margin is the policy.  Intervals have 1 - 2 alpha of a look: one tail is the error allowed.
 *
 * Times and energy are ratios whose unit is the process (stats_process.h), not the item: several
 * runs of each side, or one and the spread of earlier runs of the same program, give the interval.
 * It reaches at least as far as the declared noise floor unless the runs of both sides alternate,
 * which is what takes away that one side had the better hour.  Where nothing tells the spread, the
 * interval over the items (or samples) of one process is widened by the floor, and by a much larger
 * one when the process was brief: then only what is far beyond fails, and nothing passes.  Memory
 * is a ratio widened by its floor.  A machine that was not quiet makes all but memory inconclusive.
 *
 * Everything belongs to the gate and lasts until gate_release; what is in the input and the policy
 * must outlive it. */
#ifndef HARNESS_GATE_H
#define HARNESS_GATE_H

#include "harness/gate_env.h"
#include "harness/gate_policy.h"
#include "harness/pairs.h"
#include "harness/stats_process.h"

/* In order of weight: the gate's verdict is the largest of its checks'. */
enum verdict { VERDICT_PASS, VERDICT_INCONCLUSIVE, VERDICT_INVALID, VERDICT_FAIL };
const char *verdict_name(enum verdict v);

enum gate_quantity { GATE_ACCURACY, GATE_LIKELIHOOD, GATE_LATENCY, GATE_MEMORY, GATE_ENERGY };
struct gate_level { /* what one process says about a check: ln of its ratio to the others */
    const struct gate_process *process;
    double level;
};
struct gate_check {
    enum gate_quantity quantity;
    const char *task;   /* or speed test: "tg128"; NULL: all items together */
    const char *metric, *filter; /* accuracy of one task: which; else NULL */
    enum verdict verdict;
    const char *reason; /* one sentence */
    size_t n, n_clusters;
    size_t alone;       /* items that only one run has the quantity of: not comparable */
    double a, b;        /* baseline and candidate, in the quantity's unit */
    double estimate, low, high; /* difference, or ratio for times, memory and energy */
    double conf;        /* of the interval, two-sided */
    double margin, practical, floor; /* floor: NAN where there is none */
    double lost, won, p_exact;       /* accuracy; else NAN */
    double design_effect;            /* accuracy; else NAN */
    double p_loss, p_adjusted;       /* one-sided; NAN: no test */
    double p_margin;                 /* one-sided, of being beyond the margin; NAN: no test */
    double mde;         /* the smallest loss these items would have shown */
    double n_needed;    /* items that decide with the policy's power for an equal candidate; of
                         * times and energy runs of each side */
    /* Of times and energy only: */
    const struct gate_level *levels;
    size_t n_levels;
    enum process_method method; /* PROCESS_UNKNOWN: widened by the floor */
    double spread, spread_df;   /* sd of a level */
    int is_brief;
};

struct gate {
    enum verdict verdict;
    struct gate_check *checks;
    size_t n_checks, cap_checks;
    struct env env;
    int look;
    int alternate;      /* each side has several runs, and they alternate */
    const char *reason; /* for people: the first thing to know */
    struct arena arena;
};

struct gate_process { /* one run, as far as time, memory and energy go */
    const struct run_row *run;
    int candidate;             /* of which side */
    int earlier;               /* not asked for: only tells how far processes differ */
    const double *latency_s;   /* evaluations: of each pair in order; NAN: unknown */
    struct task_list *tasks;   /* evaluations */
    struct bench_list *bench;  /* speed runs */
};
struct gate_input {
    const struct run_row *a, *b; /* baseline, candidate: the first of each side */
    const struct pairs *pairs;   /* NULL: speed runs */
    const struct gate_process *processes; /* all; those of a and b first */
    size_t n_processes;
};
/* look: 1..policy->looks.  The verdict of runs that may not be compared is VERDICT_INVALID with
 * gate->reason; what cannot be joined at all was refused by pairs_load. */
int gate_decide(struct gate *out, const struct gate_input *in, const struct gate_policy *policy,
                int look, struct err *e);
void gate_release(struct gate *g);

int verdict_status(enum verdict v); /* exit status: 0, 2, 3, 1 */
const char *gate_quantity_name(enum gate_quantity q);
const char *gate_quantity_unit(enum gate_quantity q); /* "share", "nats/byte", "ratio" */

/* The rule itself, for a difference with larger = better. */
struct gate_numbers {
    double estimate, low, high, margin, practical, p_adjusted, alpha;
};
enum verdict gate_rule(const struct gate_numbers *x);

#endif
