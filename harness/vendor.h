/* vendor.h -- bundles of several devices side by side.
 *
 * The first bundle is the reference.  Every bundle is verified before a number of it is used.  Then
 * parity of answers, item by item; ratios of speed only where it holds and both were measured by
 * the same profile.  Each quantity stays by itself: nothing here adds them up into a score.
 *
 * Everything belongs to the comparison and lasts until vendor_release.  One thread. */
#ifndef HARNESS_VENDOR_H
#define HARNESS_VENDOR_H

#include "base/metric.h"
#include "harness/bundle.h"
#include "harness/gate_env.h"
#include "harness/pairs.h"
#include "harness/stats_rank.h"
#include "harness/vendor_judge.h"
#include "harness/vendor_profile.h"
#include "results/query.h"

enum { VENDOR_SIDES_MAX = 16 };

struct vendor_run { /* of a bundle, taken into the comparison's store */
    char in_bundle[RUN_ID_SIZE]; /* its id there */
    struct run_list row;
    struct task_list tasks;
    struct bench_list bench;
    struct energy_list energy;
};

struct vendor_side {
    const char *path;
    char letter[2]; /* "A", "B", ... */
    struct vendor_profile profile;
    int has_profile;
    const char *profile_text; /* "closed/1"; "none" for a bundle made of single runs */
    char signer[BUNDLE_KEY_HEX]; /* "": not signed */
    int unknown;              /* numbers that could not be recomputed */
    struct vendor_run *runs;
    size_t n_runs;
    const struct run_row *main; /* the first evaluation, or else the first run */
    int threads;              /* the most that a speed test had */
    double cpu_ops;           /* operations that the device left to the CPU; NAN: unknown */
    const char *no_energy;    /* why nothing is known of it; NULL: something is */
    double rate_s;            /* requests a second that a server kept the limits with; NAN */
    const char *no_rate;      /* why there is none though it was looked for; NULL */
    const char *no_bandwidth; /* why what its memory gives at most is not known; NULL: it is */
};

struct vendor_pairing { /* a side against the reference */
    struct pairs *pairs;  /* one for each evaluation that both have */
    size_t n_pairs;
    const struct pair_task **tasks; /* of all of them: those that have credits */
    size_t n_tasks;
    struct paired_credit credit; /* over all of them */
    struct parity_facts facts;
    enum parity parity;
    char why[320];        /* "" for PASS */
    const char *no_ratio; /* why speeds are not compared; NULL where they are */
    struct env env;
};

enum vendor_group {
    VENDOR_LATENCY, VENDOR_THROUGHPUT, VENDOR_BATCH, VENDOR_THREADS, VENDOR_MEMORY, VENDOR_ENERGY,
    VENDOR_BANDWIDTH, VENDOR_GROUPS
};
const char *vendor_group_name(enum vendor_group g); /* "latency", ... */

struct vendor_cell {
    double value, low, high; /* NAN: unknown, or no interval */
};
struct vendor_row { /* one quantity of one test */
    enum vendor_group group;
    const char *test;
    const struct metric *metric;
    int depth, streams, threads;     /* of a speed test; threads 0: each side's most */
    struct vendor_cell *cells;       /* [sides] */
    struct ratio *ratios;            /* [sides], side over reference; NAN: not compared */
};

enum vendor_cost { VENDOR_COST_TIME, VENDOR_COST_MEMORY, VENDOR_COST_FILE, VENDOR_COST_ENERGY,
                   VENDOR_COSTS };
const struct metric *vendor_cost_metric(enum vendor_cost c);
struct vendor_point { /* a side on the frontier of quality over a cost */
    struct vendor_cell accuracy;
    double cost[VENDOR_COSTS];
    unsigned char on[VENDOR_COSTS];
    double bits_per_mbyte; /* knowledge density of the bank of facts; NAN */
};

struct vendor {
    struct store *store; /* of all runs */
    struct vendor_side sides[VENDOR_SIDES_MAX];
    struct vendor_pairing pairing[VENDOR_SIDES_MAX]; /* [0]: none */
    struct vendor_point points[VENDOR_SIDES_MAX];
    int n;
    struct vendor_row *rows;
    size_t n_rows, cap_rows;
    double conf;
    struct arena arena;
};

/* ERR_INVALID when a bundle does not verify: the line names the bundle and the first finding. */
int vendor_make(struct vendor *out, const char *const *paths, int n, double conf, struct err *e);
void vendor_release(struct vendor *v);

/* --- its parts, in order ---------------------------------------------------------------------- */

/* vendor_read.c: verifies a bundle and takes its runs into v->store. */
int vendor_read(struct vendor *v, struct vendor_side *s, struct err *e);
void vendor_side_release(struct vendor_side *s);
/* A side's row of a speed test with so many threads (0: its most); NULL: it has none. */
const struct store_bench *vendor_find(const struct vendor_side *s, const char *test, int threads,
                                      const struct vendor_run **run);
/* vendor_pairs.c */
int vendor_pair(struct vendor *v, int side, struct err *e);
void vendor_pairing_release(struct vendor_pairing *p);
/* vendor_rows.c */
int vendor_rows(struct vendor *v, struct err *e);
/* vendor_points.c */
int vendor_points(struct vendor *v, struct err *e);

#endif
