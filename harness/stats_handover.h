/* stats_handover.h -- a small model answers what it is sure of and hands the rest to a large one.
 *
 * Pure; any thread.  Items are handed over in order of rising confidence; items of equal confidence
 * go together, and between such steps everything is a straight line (any of them in any order, on
 * average).  Random handing over is the straight line from the small model to the large one, the
 * oracle hands over first what the large one gains and last what it loses.
 *
 * The threshold with a promise: among what is kept the error is at most `error` with confidence
 * 1 - delta.  Thresholds are tried from strict to lax, each tested at delta with the binomial tail
 * of its errors on calibration items, up to the first that fails (fixed-sequence testing, so that
 * no correction is needed: Angelopoulos, Bates, Candes, Jordan and Lei 2021, "Learn then test").
 * Areas: cluster bootstrap of items. */
#ifndef HARNESS_STATS_HANDOVER_H
#define HARNESS_STATS_HANDOVER_H

#include <stddef.h>
#include <stdint.h>

#include "harness/stats.h"

struct handover_item {
    double small, large; /* credit, 0..1 */
    double confidence;   /* of the small model; finite */
    double small_s, large_s;       /* latency, seconds; NAN: not known */
    double small_cost, large_cost; /* any unit */
    size_t cluster;                /* < n: items that are not independent share it */
};

struct handover_point {
    double share;      /* handed over */
    double threshold;  /* what is below is handed over; INFINITY: everything */
    double accuracy;
    double latency_s;  /* mean over all items: the small model always, the large one where asked */
    double cost;       /* mean, the same */
};
/* out has room for n + 1; *n_out of them come back, from nothing to everything handed over. */
int handover_curve(const struct handover_item *v, size_t n, struct handover_point *out,
                   size_t *n_out, struct err *e);

struct handover_area { /* under accuracy over share */
    double area, random, oracle;
    double captured; /* (area - random) / (oracle - random); NAN where the oracle gains nothing */
    struct interval area_interval, captured_interval; /* 95 %, clusters redrawn */
};
int handover_area(const struct handover_item *v, size_t n, size_t replicates, uint64_t seed,
                  struct handover_area *out, struct err *e);

struct handover_promise {
    double error, delta;
    double threshold; /* kept: confidence at least this; INFINITY: no threshold keeps the promise */
    double kept;      /* share of the calibration items */
};
/* use[i] 0: not a calibration item; NULL: all are. */
int handover_promise(const struct handover_item *v, const char *use, size_t n, double error,
                     double delta, struct handover_promise *out, struct err *e);

struct handover_check { /* calibrated on one half, looked at on the other, again and again */
    size_t splits, kept_any; /* kept_any: splits with a threshold */
    double kept, error;      /* means over held-out halves: share kept, error among what is kept */
    double broken;           /* share of splits whose held-out error is above `error` by more than
                                its own sampling error allows (one-sided, delta) */
    double accuracy;         /* of kept and handed over together */
};
/* Halves are drawn by cluster. */
int handover_check(const struct handover_item *v, size_t n, double error, double delta,
                   size_t splits, uint64_t seed, struct handover_check *out, struct err *e);

#endif
