/* sequence.h -- does a model know the order in which a data set lists its items?
 *
 * Items with their answers, joined in the file's order, are compared with the same items in other
 * orders.  The order of a file means nothing, so a model that finds it likelier has probably read
 * the file (Oren et al. 2023, the sharded test).  An indicator, never a verdict: it says nothing
 * about items that were read one by one, and a file may be sorted by a rule that can be guessed. */
#ifndef HARNESS_SEQUENCE_H
#define HARNESS_SEQUENCE_H

#include "harness/evaluate.h"

struct sequence_opts {
    int limit;   /* items at most; 0: all */
    int orders;  /* other orders of each shard */
    uint64_t seed;
    const volatile sig_atomic_t *stop;
};
struct sequence_result {
    int n_items, n_shards; /* shards of neighbours, each as long as the model reads at once */
    double nats;   /* mean over shards: file's order less the mean of the others */
    double likelier; /* share of shards whose own order is likelier than that mean */
    double p;      /* one-sided t-test over shards that the file's order is not likelier;
                      NAN: < 2 */
};
/* ERR_INVALID when the task has too few items for a shard. */
int sequence_test(struct runner *r, struct encoder *c, const struct task *t,
                  const struct sequence_opts *o, struct sequence_result *out, struct err *e);

#endif
