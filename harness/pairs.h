/* pairs.h -- two runs over the same items, item by item: what compare and gate stand on.
 *
 * Items are joined on their hash: the task's name and version, the document and every request of
 * the item.  What one run has and the other has not is an error that names it (ERR_INVALID), never
 * left out; so are two versions of a task, or one of its data.  A document asked twice is paired in
 * order of doc_id.  Source: statistics.md 2.
 *
 * Everything belongs to the pairs and lasts until pairs_release.  One thread at a time. */
#ifndef HARNESS_PAIRS_H
#define HARNESS_PAIRS_H

#include "harness/stats.h"
#include "harness/stats_paired.h"
#include "results/query.h"

struct pair_side {
    int64_t item;         /* row id in `items` */
    double credit;        /* the deciding metric: 0 or 1, or between; NAN: the task has none */
    double nats_per_byte; /* ln p of the gold answer per UTF-8 byte; NAN: generated */
    double latency_s;
};
struct pair {
    const char *doc_hash, *prompt_hash, *cluster;
    int doc_id;   /* in the baseline */
    size_t first; /* the first pair of this task with the same cluster; its own place without */
    struct pair_side a, b; /* baseline, candidate */
};
struct pair_task {
    const char *task;
    const char *metric, *filter; /* which credit; NULL: the task has no share of right answers */
    const struct task_row *a, *b;
    struct pair *v;
    size_t n;
    int clustered; /* some pairs share a cluster */
};
struct pairs {
    struct pair_task *tasks;
    size_t n_tasks, n;
    struct task_list a_tasks, b_tasks;
    struct arena arena;
};

/* ERR_INVALID with how to go on with it, unless the run has ended well. */
int run_complete(const struct run_row *r, struct err *e);

struct pair_metric { /* a metric other than the task's first share of right answers */
    const char *task, *metric, *filter; /* filter NULL: the first */
};
/* a and b are run ids.  metrics may be NULL. */
int pairs_load(struct pairs *out, struct store *s, const char *a, const char *b,
               const struct pair_metric *metrics, size_t n_metrics, struct err *e);
void pairs_release(struct pairs *p);

/* --- what pairs amount to ------------------------------------------------------------------
 *
 * Each over one task or several together (every item counts once).  conf is two-sided.  Errors
 * take clusters into account: the effective counts are the counts divided by the design effect of
 * the clusters (Rao and Scott 1992), which is 1 without clusters and never below 1; where nothing
 * is discordant it cannot be measured, and each cluster counts as one item. */

struct paired_credit {
    size_t n, n_clusters;
    size_t alone;              /* pairs that have a credit in only one of the runs */
    int binary;                /* all credits are 0 or 1: Tango and McNemar; else t */
    double a, b, difference;   /* means; b - a */
    double lost, won;          /* pairs with less, with more credit */
    double stderr_, naive;     /* of the difference: clustered, and as if independent */
    double design_effect;
    struct discordant effective;
    struct interval interval;  /* of the difference */
    double p_loss;             /* one-sided: the candidate is worse (McNemar mid-p, or t) */
    double p_exact;            /* two-sided McNemar; NAN unless binary */
};
int paired_credit(const struct pair_task *const *tasks, size_t n_tasks, double conf,
                  struct paired_credit *out, struct err *e);
/* The interval at another confidence. */
struct interval paired_credit_interval(const struct paired_credit *c, double conf);
/* One-sided p of "not more than margin worse" being false. */
double paired_credit_noninferiority(const struct paired_credit *c, double margin);

struct paired_mean { /* nats per byte, candidate - baseline; below 0: the candidate is worse */
    size_t n, n_clusters; /* pairs that have a likelihood in both runs */
    size_t alone;         /* pairs that have one in only one of them */
    double a, b, difference, stderr_;
    struct interval interval;
    double p_loss;
};
int paired_nats(const struct pair_task *const *tasks, size_t n_tasks, double conf,
                struct paired_mean *out, struct err *e);
struct interval paired_mean_interval(const struct paired_mean *m, double conf);

struct paired_ratio { /* latency, candidate / baseline; above 1: slower */
    size_t n; /* pairs with both latencies */
    double a_s, b_s; /* medians */
    double ratio;    /* exp of the median of ln b/a, with its interval by order statistics */
    struct interval interval;
    double coverage; /* what the interval covers; less than conf with too few pairs */
};
int paired_latency(const struct pair_task *const *tasks, size_t n_tasks, double conf,
                   struct paired_ratio *out, struct err *e);

#endif
