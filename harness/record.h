/* record.h -- outcomes of items into the store, and what is stored into a task's numbers.
 *
 * Numbers of a task are always computed from the stored items, in order of doc_id: so a run that
 * was interrupted and resumed gives the same bits as one that was not. */
#ifndef HARNESS_RECORD_H
#define HARNESS_RECORD_H

#include "harness/evaluate.h"
#include "harness/left.h"
#include "results/query.h"
#include "results/store.h"

/* Items are committed together about once a second. */
struct recorder {
    struct store_run *run;
    const char *task;
    int keep_prompts; /* also store every context and continuation */
    int in_batch;
    double batch_start_s;
};
int record_item(struct recorder *r, const struct outcome *o, struct err *e);
/* An item that the device could not answer; at once on disk. */
int record_failed(struct recorder *r, const struct item *item, const char *why, struct err *e);
int record_flush(struct recorder *r, struct err *e);

/* What a session measured of the whole task; NAN where unknown. */
struct session_cost {
    double wall_s, energy_j, declared_j, peak_rss_bytes;
    double least_tokens, recomputed_tokens, pruned_tokens; /* struct counts */
    struct left left;
};

/* Computes the task's values and costs from the items and stores them; where an item's likelihoods
 * were kept (cached_tokens), time and energy of the task are unknown.  earlier_s: latencies of the
 * items that other sessions measured, which count as their wall time. */
int record_finish(struct store *s, struct store_run *run, const struct task *t,
                  const struct store_model *model, int bootstrap,
                  const struct session_cost *cost, double earlier_s, struct err *e);

/* Sum of the latencies of the items that are stored; 0 when there is none. */
int record_latency(struct store *s, const char *run_id, const char *task, double *out,
                   struct err *e);

#endif
