/* handover.h -- two runs over the same items: what if the small model asked the large one?
 *
 * The small model's own likelihoods of the options say how sure it is: margin between the two best
 * (nats), entropy over the options (softmax), the best one's probability, agreement with the
 * answers of runs that ask the same items again (repeats.h; they are paid for), and what the
 * likelihoods say together by logistic regression, whose folds hold out whole clusters.  A signal
 * that some item lacks is not offered.  Everything belongs to the handover and lasts until
 * handover_release. */
#ifndef HARNESS_HANDOVER_H
#define HARNESS_HANDOVER_H

#include "harness/pairs.h"
#include "harness/stats_handover.h"

enum handover_signal_kind { /* of the table in handover.c */
    SIGNAL_MARGIN, SIGNAL_ENTROPY, SIGNAL_PROBABILITY, SIGNAL_CONSISTENCY, SIGNAL_LEARNED, SIGNALS
};

struct handover_opts {
    double error, delta;             /* the promise: error among what is kept, 1 - confidence */
    double small_price, large_price; /* of a million tokens; NAN: cost in FLOP */
    size_t replicates, splits;
    uint64_t seed;
    const struct run_row *const *repeats; /* of the small model */
    size_t n_repeats;
};

struct handover_signal {
    const char *name, *title;
    size_t known; /* items that have it; all: it is offered */
    double *confidence;
    struct handover_area area;
    struct handover_point *curve;
    size_t n_curve;
    struct handover_promise promise;
    struct handover_check check;
};

struct handover {
    struct arena arena;
    struct pairs pairs;
    const struct run_row *small, *large;
    size_t n, left_out; /* left_out: without a credit in both runs */
    struct handover_item *items, *charged; /* charged: as the last signal paid for them */
    double *again_s, *again_cost; /* of an item's repeats */
    double small_accuracy, large_accuracy, small_s, large_s, small_cost, large_cost; /* means */
    struct handover_opts opts;
    struct handover_area bounds; /* of the oracle's order: what random and oracle gain */
    struct handover_point *oracle; /* its curve */
    size_t n_oracle;
    struct handover_signal signals[SIGNALS];
    const char *cost_unit; /* "FLOP" or "per item, as priced" */
};
/* small and large: complete runs, borrowed. */
int handover_make(struct handover *out, struct store *s, const struct run_row *small,
                  const struct run_row *large, const struct handover_opts *o, struct err *e);
void handover_release(struct handover *h);

/* The signal that is offered and has the largest area; NULL: none is offered. */
const struct handover_signal *handover_best(const struct handover *h);
/* On the curve, between its steps; share 0..1. */
struct handover_point handover_at(const struct handover_point *curve, size_t n, double share);

#endif
