/* evaluate_impl.h -- a chunk of items, between evaluate_fill.c, which fills it, and evaluate.c,
 * which runs it.
 *
 * A chunk owns its items, its requests and the pool of their ids.  Requests point into the pool,
 * which may move while it grows, so they are made when the pool is complete.  Everything is kept
 * from chunk to chunk: from the second on, only items and texts are allocated. */
#ifndef HARNESS_EVALUATE_IMPL_H
#define HARNESS_EVALUATE_IMPL_H

#include "base/strbuf.h"
#include "harness/evaluate.h"

struct pending { /* one item that waits for replies */
    struct item item;
    struct answer *answers;
    int n_answers; /* as many as queries, but while more of them are being asked */
    int n_left;
    double latency_s, ttft_s;
    int64_t prompt, computed, shared, cached, generated;
    int asked_on; /* the queries that depend on replies are there; their cost is not the item's */
};

struct target { /* whose request it is */
    int item, query;
    struct span span;
    struct strbuf text; /* generation so far */
    int is_answered;
    char key[LIKELIHOOD_KEY]; /* of a score that is kept, or to be; "" when not made yet */
    int is_known;             /* kept, and found by its text: nats, is_greedy; it has no ids */
    double nats;
    int is_greedy;
};

struct chunk {
    const struct evaluation *ev;
    struct ids pool;
    struct pending *items;
    size_t n_items, cap_items;
    struct target *targets;
    size_t n_targets, cap_targets;
    struct request *requests;
    size_t *asker; /* [of requests] number of its target */
    size_t cap_requests, cap_asker;
    struct reply_text *replies; /* as many as the largest item has queries */
    size_t cap_replies;
    size_t at;   /* the item that is being filled */
    int filling; /* its query that windows are being added to */
    size_t n_ids; /* in the pool, or known without */
    struct kept_query query; /* of the query that is being filled */
    int judging; /* what is asked now is for the judge */
    struct err err;
};

/* NULL: nothing is kept of what is asked now. */
struct kept *chunk_kept(const struct chunk *c);

/* The task's item of that number, with all of its queries, as the chunk's last; what fails is
 * released with the chunk. */
int chunk_add_item(struct chunk *c, int number, struct err *e);
/* The queries of item `at` from number `from` on; its answers have room for them. */
int chunk_add_queries(struct chunk *c, size_t at, int from, struct err *e);
void pending_release(struct pending *p);
void chunk_clear(struct chunk *c); /* of items and requests; their room is kept */
void chunk_release(struct chunk *c);

#endif
