/* run.h -- the inside of a run, shared by run.c and serve.c only: how far each request has come,
 * and what a batch brings it. */
#ifndef RUNNERS_RUN_H
#define RUNNERS_RUN_H

#include "runners/engine.h"

struct progress { /* of one request */
    float *token_nats;
    double nats, wall_s, started_s, first_s;
    int wanted, is_greedy, own_rows, prompt_rows;
    int in_row;    /* score: tokens whose nats are there, from the first on ... */
    double so_far; /* ... and their sum */
    int is_pruned, pruned_rows;
    int32_t *ids;
    float *margins;
    int n;
    enum finish finish;
};

struct run {
    struct runner *r;
    const struct request *q;
    int n;
    struct progress *p;
    struct trie trie;
    int (*on_reply)(void *user, int i, const struct reply *a);
    void *user;
    int stopped;
};

/* ERR_USAGE for a request that no model of this vocabulary and context could answer. */
int run_check(const struct runner *r, const struct request *q, int i, struct err *e);
/* Request i begins: room for its answer, which run_deliver and run_release give back. */
int run_prepare(struct run *run, int i, struct err *e);
void run_release(struct progress *p);
/* The batch's time, shared out by rows. */
void run_book(struct run *run, double t0, double t1);
/* What the batch says to the requests.  Once a caller has said stop, it is called no more. */
int run_take_heads(struct run *run, struct err *e);
void run_deliver(struct run *run, int i);
/* contest.c: what becomes of request i, an option that is under way. */
enum option_fate run_fate(void *run, int i);

#endif
