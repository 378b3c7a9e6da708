/* lease.h -- who measures which cells of a night, so that two runners never do one cell twice.
 *
 * A runner locks one byte of FILE.lock for as long as it lives and counts up its cells' `beats`.
 * Another takes its cells over when that lock is gone (the process died; same host), or when the
 * count has stood still for expiry_s by the watcher's own monotonic clock: the time of day decides
 * nothing, so a clock that jumps ends no lease and prolongs none.  What a runner hands in after it
 * lost the lease is refused.
 *
 * A measured cell comes in as a small database of its own: copying its run and ending the cell are
 * one transaction.  A block with a speed test is given out only while nobody else on this host has
 * anything, and nothing is given out beside it. */
#ifndef RESULTS_LEASE_H
#define RESULTS_LEASE_H

#include "results/nights.h"

struct lease;
struct lease_opts {
    const char *host;
    double expiry_s;           /* 0: 30 */
    double (*clock_s)(void);   /* monotonic */
};
int lease_open(struct lease **out, struct store *s, const struct lease_opts *o, struct err *e);
/* What is held goes back. */
void lease_close(struct lease *l);
int64_t lease_runner(const struct lease *l);

enum claim { CLAIM_TAKEN = 1, CLAIM_LATER = 0, CLAIM_NONE_LEFT = 2 };
/* The first free block: its pending cells.  CLAIM_LATER: others have all that is left.  taken_over:
 * the runner whose lease had ended, else -1.  Negative: error. */
int lease_claim(struct lease *l, int64_t night_id, struct cell_list *out, int64_t *taken_over,
                struct err *e);
/* "I live."  0, 1: nothing is held any more, somebody else took it; -1. */
int lease_beat(struct lease *l, struct err *e);
int lease_release(struct lease *l, struct err *e);

/* An attempt failed and the cell will be tried again. */
int lease_attempt(struct lease *l, int64_t cell, const char *outcome, const char *reason,
                  struct err *e);

struct cell_result {
    int done;                  /* 1 done, 0 failed */
    const char *outcome, *reason;
    const char *started;       /* UTC */
    double wall_s, peak_rss_bytes;
    int quiet;                 /* -1: unknown */
    const char *noise;
    const char *from, *run_id; /* the cell's database and the run in it; NULL: there is none */
};
/* Ends the cell; 0, 1: the lease was lost and nothing was changed, -1. */
int lease_finish(struct lease *l, int64_t cell, const struct cell_result *r, struct err *e);

#endif
