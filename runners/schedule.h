/* schedule.h -- which rows run next: the walk over the trie, and the generations that grow.
 *
 * Each call of schedule_next composes one batch: one row for every growing generation, then the
 * next tokens of the trie in walking order until the batch is full.  A branch inside a page copies
 * that page first.  Pages that no later batch needs are scratch pages and cost memory for one
 * layer only; the rest come from the kv.  States of recurrent layers: states.h.
 *
 * Options of a contest (runner.h) do not go through the walk to their end: from where an option
 * leaves all others it goes on as a stream of its own, OPTION_ROWS rows a batch, and only when the
 * caller says so.  What cannot win any more ends there.  Not thread safe. */
#ifndef RUNNERS_SCHEDULE_H
#define RUNNERS_SCHEDULE_H

#include "runners/device.h"
#include "runners/kv.h"
#include "runners/states.h"
#include "runners/trie.h"

struct fresh_page { /* made in the batch under composition, still without a number */
    int held;       /* references from the stack and the streams: zero makes it scratch */
    page_no number;
};

enum { OPTION_ROWS = 8 };
enum option_fate { OPTION_GOES_ON, OPTION_WAITS, OPTION_LOST };

struct stream { /* a request that generates, or an option */
    int request;
    int length;    /* positions computed or in this batch */
    int limit;     /* positions it may reach */
    int32_t token; /* goes through the model next */
    const struct path *path; /* an option's; NULL: it generates */
    const struct want *want; /* its next */
    slot_no state;
    page_no *pages;
    int n_pages;
};

struct head_wants { /* beside batch.heads[i]: which wants it answers */
    const struct want *wants;
    int n;
    int stream; /* index of the stream it belongs to, or -1 */
};

struct schedule {
    const struct trie *trie;
    const struct request *requests;
    struct kv *kv;
    int max_rows, max_scratch, max_streams, max_options, max_full;
    int context, vocab;
    /* asked before each batch; NULL: no contests */
    enum option_fate (*fate)(void *user, int request);
    void *fate_user;

    int at, next; /* path under way; its next position */
    int started, tail_checked;
    page_no *stack; /* pages of the path under way; < 0: ~index into fresh */
    int depth;
    struct states states;

    struct stream *streams;
    int n_streams, n_options; /* n_streams: all; of these options */

    /* The batch under composition. */
    struct batch batch;
    int32_t *tokens, *positions, *row_request; /* row_request: whose row it is */
    struct span *spans;
    size_t *span_pages; /* offsets into page_list: it may move while it grows */
    page_no *page_list;
    size_t n_page_list, cap_page_list;
    struct page_copy *copies;
    struct head_row *heads;
    struct head_wants *head_wants;
    int32_t *targets;
    float *target_logits;
    size_t n_targets, cap_targets, cap_target_logits;
    float *full; /* [max_full][vocab] */
    int n_full;
    struct fresh_page *fresh;
    int n_fresh, n_fresh_held;
    page_no *deferred; /* references to drop when the batch has run */
    size_t n_deferred, cap_deferred;
    uint32_t *used; /* [kv pages] batch number of the last span that reads it */
    uint32_t number;
};

struct schedule_limits {
    int max_rows, max_scratch, max_streams, max_options, max_full, context, vocab;
};

/* kv, slots: the caller's; slots without any: the model has no recurrent layer. */
int schedule_open(struct schedule *s, struct kv *kv, struct kv *slots,
                  const struct schedule_limits *l, struct err *e);
void schedule_release(struct schedule *s);

/* Starts a walk.  t and q stay the caller's until the walk ends. */
void schedule_begin(struct schedule *s, const struct trie *t, const struct request *q);
/* After schedule_begin: contests are decided by `fate`.  At least one option that is not lost must
 * go on of each contest that has any. */
void schedule_contests(struct schedule *s, enum option_fate (*fate)(void *user, int request),
                       void *user);

/* 1: s->batch is ready to run; 0: nothing is left; -1: error.  After running it, the caller must
 * say schedule_done before the next call, having told each stream its next token or ended it. */
int schedule_next(struct schedule *s, struct err *e);
void schedule_done(struct schedule *s);
void schedule_end_stream(struct schedule *s, int stream); /* between run and schedule_done */
/* Between two batches: the path under way, and what it holds, is given up; on with the next. */
int schedule_skip(struct schedule *s, struct err *e);
/* Could a generation run if it were alone?  ERR_NOMEM says what is missing. */
int schedule_could(const struct schedule *s, const struct request *q, struct err *e);
void schedule_abandon(struct schedule *s); /* frees every page; the walk is over */

#endif
