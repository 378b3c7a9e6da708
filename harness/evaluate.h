/* evaluate.h -- carries a task's queries to a model and the replies back.
 *
 * Items are encoded chunk by chunk; all requests of a chunk are handed to the runner at once, so
 * that prefixes shared by many items (shots, passages, options) are computed once.  An item is
 * credited and handed out when its last reply arrives; items arrive in any order, and what they
 * hold lasts until the callback returns. */
#ifndef HARNESS_EVALUATE_H
#define HARNESS_EVALUATE_H

#include <signal.h>

#include "base/err.h"
#include "harness/encode.h"
#include "harness/kept.h"
#include "runners/runner.h"
#include "tasks/task.h"

struct answer { /* to one query */
    double loglikelihood; /* nats; NAN for generation */
    int is_greedy;        /* -1 for generation */
    int n_tokens;         /* predicted; generated */
    int n_context;        /* before truncation */
    char *text;           /* generation: cut at the first stop string; else NULL */
    int is_pruned; /* given up: loglikelihood is no less than it would have been,
                      the rest unknown */
};

struct outcome {
    const struct item *item;
    const struct answer *answers; /* one per query */
    const struct verdict *verdict;
    double latency_s; /* likelihoods: the item's share of its batches; generation: wall time; NAN:
                       * not measured, a request's likelihood was kept */
    double ttft_s, tpot_s; /* NAN unless generated */
    int64_t prompt_tokens, computed_tokens, reused_tokens, generated_tokens;
    int64_t cached_tokens; /* of requests whose likelihoods were kept */
};

struct evaluation {
    struct runner *runner;
    struct encoder *encoder;
    const struct task *task;
    /* who is asked about an output where the task asks a judge (task_asks_on); NULL: the runner */
    struct runner *judge;
    struct encoder *judge_encoder;
    struct kept *kept; /* likelihoods are looked up there and added, not the judge's; NULL:
                        * all are computed */
    const volatile sig_atomic_t *stop; /* non-zero: finish with what is done; may be NULL */
    int prune; /* options that cannot win are given up where only the winner matters */
    /* what a task generates greedily is sampled: temperature, top_p and a seed; temperature 0: not.
     * A judge is never */
    struct sampling sampling;
    size_t chunk_ids; /* 0: four million token ids (16 MB) a chunk */
    /* 0, or -1 with e filled to end the evaluation. */
    int (*on_item)(void *user, const struct outcome *o, struct err *e);
    /* NULL: what a device does wrong (ERR_DEVICE, ERR_NUMERIC) ends the evaluation.  Else the items
     * of that batch are asked one by one, each that fails alone is handed here, and the others go
     * on; a device that fails on twenty in a row ends it all the same. */
    int (*on_failed)(void *user, const struct item *item, const struct err *why, struct err *e);
    void *user;
};

/* Items order[0..n).  ERR_INTERRUPTED after *stop; what on_item had seen by then counts. */
int evaluate(const struct evaluation *ev, const int *order, int n, struct err *e);

/* A list of pairs without a task, in the same way: reply i is for pair i. */
struct pair {
    const char *context, *continuation;
};
int evaluate_pairs(struct runner *r, struct encoder *c, const struct pair *pairs, int n,
                   struct answer *out, const volatile sig_atomic_t *stop, struct err *e);

#endif
