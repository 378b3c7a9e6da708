/* runner.h -- a loaded model answering requests on one device: all that harness sees of the engine.
 *
 * A request is a path of token ids.  All requests of one runner_run form a trie, and what they
 * share is computed once (engine_design.md 3); results do not depend on order, batch, threads or
 * cache.  Nothing outlives a runner_run: every call starts cold.  One thread at a time drives a
 * runner.  Strings and tables handed out are the runner's. */
#ifndef RUNNERS_RUNNER_H
#define RUNNERS_RUNNER_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "runners/gguf.h"
#include "runners/numerics.h"
#include "runners/tokenizer.h"


struct runner_opts {
    const char *device; /* NULL: "cpu"; else a name of 'devices', or the path of a plug-in */
    const char *kernels; /* NULL: the best this CPU has; else "ref", "avx2", "avx512",
                            "neon", ... */
    int isolate;        /* a plug-in runs in a process of its own, started from `program` */
    const char *program;
    double timeout_s;   /* that a call of it may take there; 0: a minute */
    enum numerics numerics;
    enum kv_type kv_type; /* what the KV cache holds */
    int threads;        /* 0: as many as the affinity mask has */
    int context;        /* tokens a sequence may have; 0, or more than that: the model's own */
    int batch_tokens;   /* rows per pass; 0: 512 */
    size_t kv_bytes;    /* most memory for the KV cache and for states; 0: enough for two
                           sequences */
    const char *activation; /* of gated feed-forwards instead of the file's: "silu", "relu",
                               "relu2", "fatrelu:T"; NULL: as the file says */
    int check_finite;   /* look at the output of every op, not only at the logits (slow) */
    struct tokenizer *tokenizer; /* of this model, open: used and not closed; NULL: opens it */
    const volatile int *stop; /* non-zero: opening reads no further ahead; NULL: it always does */
};

struct model_info {
    const char *path, *name, *architecture, *chat_template; /* template: NULL when none */
    uint64_t parameters, parameters_embedding, parameters_active;
    uint64_t file_bytes;
    int layers, embedding_length, heads, kv_heads, vocab_size;
    int context_length; /* of the model */
    const char *rope;   /* its scaling; of longrope which factors the context asked for
                           has chosen */
    uint64_t kv_bytes_per_token, weight_bytes_per_token; /* read by one decode step */
    uint64_t state_bytes; /* per sequence, of recurrent layers, whatever its length */
    uint64_t weights_bytes, kv_bytes, scratch_bytes;     /* memory for these options */
    const char *numerics_id; /* "exact/1", "fast-kv-f16/1": stored with every result */
    const char *device;        /* its own name, whatever was typed */
    const char *device_sha256; /* of a plug-in's file; NULL */
    int skips_zeros; /* decoding reads only the rows and columns of feed-forwards that take part */
    const char *kernels;     /* chosen: "avx512" */
    int threads;
};

struct runner;
int runner_open(struct runner **out, const char *path, const struct runner_opts *o, struct err *e);
void runner_close(struct runner *r);
const struct model_info *runner_info(const struct runner *r);
struct tokenizer *runner_tokenizer(struct runner *r);
const struct gguf *runner_gguf(const struct runner *r);

enum request_kind {
    REQUEST_SCORE,    /* likelihood of ids[n_given..n_ids) given ids[0..n_given) */
    REQUEST_GENERATE, /* continue ids[0..n_ids) */
    REQUEST_LOGITS,   /* on_logits sees the float32 row of every position */
};

struct sampling { /* temperature 0: greedy */
    double temperature, top_p;
    uint64_t seed;
};

#define CONTEST_RULES 4

struct reply;
struct request {
    enum request_kind kind;
    const int32_t *ids; /* the caller's, until runner_run returns */
    int n_ids;
    int n_given; /* score: 1 .. n_ids-1.  Positions before it are not scored */
    int max_tokens;     /* generate */
    struct sampling sampling;
    int ignore_end;    /* generate: go on after an end token (speed, length) */
    uint64_t key; /* generate: names the request to the counter-based sampler */
    /* score: requests side by side with the same number, not 0, are options of a question whose
     * answer is the option with the greatest nats / length, by each of n_rules rules; only which
     * one that is must be known.  An option that a finished one has beaten by every rule is
     * given up. */
    int contest, n_rules;
    double lengths[CONTEST_RULES]; /* 0: never the greatest by this rule */
    /* generate: called after each token; 1 ends the request (a stop string was seen). */
    int (*on_token)(void *user, const struct request *q, int32_t id, float margin);
    /* logits: called once per position, in order of position. */
    int (*on_logits)(void *user, const struct request *q, int position, const float *logits);
    void *user;
};

enum finish {
    FINISH_NONE,
    FINISH_LENGTH,
    FINISH_END,
    FINISH_STOP,
    FINISH_CONTEXT,
    FINISH_GONE, /* serve: nobody waits for it any more */
};

struct reply {
    double nats;   /* score: sum of ln p over ids[n_given..) */
    int is_greedy; /* score: every one of them was the argmax */
    int is_pruned; /* score: given up; nats is no less than the sum would have been, else unknown */
    const float *token_nats; /* score: [n_ids - n_given] */
    int32_t *ids;   /* generate: [n] tokens, without the end token */
    float *margins; /* generate: [n] top1 - top2 logit */
    int n;
    enum finish finish;
    int prompt_tokens, shared_tokens; /* shared: of the prompt, computed for another request */
    int computed_tokens; /* rows that went through the model for this request first */
    double wall_s; /* generate: since its first batch began; else its rows' share of the batches */
    double ttft_s; /* generate: from the same start to its first token; else 0 */
};

/* Answers every request.  on_reply is called once each, in any order, `i` being its index; what it
 * gets lasts until it returns.  Non-zero from on_reply, or *stop becoming non-zero, ends the call
 * with ERR_INTERRUPTED after the replies already made. */
int runner_run(struct runner *r, const struct request *q, int n,
               int (*on_reply)(void *user, int i, const struct reply *a), void *user,
               const volatile int *stop, struct err *e);

/* Before every batch of a later runner_run, its replies so far made: what the caller keeps open for
 * many replies, a transaction for instance, must not stay open while a model computes.  -1 ends the
 * call with that error.  NULL: nothing is called. */
void runner_on_rest(struct runner *r, int (*on_rest)(void *user, struct err *e), void *user);

/* A server's side of generations that come while others run.  Every batch has a row for each
 * growing answer and what is left of its room for the prompt that came first; prompts share
 * nothing, as if each client were another's stranger.  Called from runner_serve only. */
struct serving {
    int slots; /* requests inside at once: 1 to RUNNER_STREAMS_MAX */
    /* 1: *q (to generate; what it points to stays until on_end) comes in; 0: none now; -1: none
     * will come any more.  is_idle: nothing runs, so it may wait for a while first. */
    int (*next)(void *user, int is_idle, struct request *q);
    /* Asked of every request inside after each batch; 1: leave it, FINISH_GONE.  NULL: never. */
    int (*is_gone)(void *user, const struct request *q);
    /* Once for each: answered or left (why NULL), or failed (a NULL), which ends no other. */
    void (*on_end)(void *user, const struct request *q, const struct reply *a,
                   const struct err *why);
    void *user;
};
#define RUNNER_STREAMS_MAX 16
/* Until next says that none will come.  *stop ends it with ERR_INTERRUPTED, what is
 * inside unsaid. */
int runner_serve(struct runner *r, const struct serving *v, const volatile int *stop,
                 struct err *e);

/* Tokens of prompts that went through the model since the runner was opened or runner_recount, and
 * those that had to: the distinct prefixes of all requests, as far as whole KV pages tell.  What is
 * over was computed again: states that did not fit, prompts that generate, a later runner_run.
 * What runner_serve computes is not counted. */
struct counts {
    int64_t computed, least;
    int64_t pruned; /* of `least`, not computed: of options that could not win */
};
struct counts runner_counts(const struct runner *r);
void runner_recount(struct runner *r);

/* What took part in the rows computed since counting began.  A layer's hidden values are those that
 * its projections out of a feed-forward read: of the dense block, and of the experts used. */
struct layer_participation {
    uint64_t rows; /* of the last layer only those whose logits were wanted */
    int experts, used; /* per row; 0: none */
    uint64_t *hits;    /* [experts] rows that went to each */
    uint64_t values, nonzero;
    uint64_t over_1, over_10; /* magnitude over 0.01, 0.1 of the largest of their row */
};
struct participation {
    uint64_t rows;
    int layers;
    struct layer_participation *layer;
    double parameters_active;      /* per row: without experts not used and what zeros spare */
    double weight_bytes_per_token; /* that decoding these rows one at a time reads, on average */
};
/* on: from zero.  Off by default; costs a scan of the hidden values. */
int runner_count(struct runner *r, int on, struct err *e);
/* Counted so far; the runner's, until the next call.  NULL: error. */
const struct participation *runner_participation(struct runner *r, struct err *e);

/* Where the time goes.  Seconds are sums over the workers: together with what is not in any row (a
 * batch's begin and end) they are threads * wall_s. */
struct op_time {
    const char *op, *weight; /* weight: name of the first matrix, or NULL */
    int layer;
    double busy_s, wait_s; /* wait: at the barrier before it */
    double flop;           /* of products: a multiplication and an addition are two */
    double bytes;          /* weights as the file has them, keys and values: each once a pass */
};
struct profile {
    int threads, n;
    uint64_t passes;
    double wall_s;
    struct op_time *row; /* [n] in the order of a pass */
};
/* on: from zero.  Off by default. */
int runner_profile(struct runner *r, int on, struct err *e);
/* So far; the runner's, until the next call.  NULL: error. */
const struct profile *runner_profiled(struct runner *r, struct err *e);

/* What the device left to the CPU, by kind of operation. */
struct left_op {
    const char *op;
    const char *format; /* of its matrix: "Q4_K"; NULL: it has none */
    uint64_t times;     /* batches, once for each such operation of the model */
};
/* Since the runner was opened: *n rows, the runner's until the next call.  Empty when the device
 * computed everything itself. */
int runner_left(struct runner *r, const struct left_op **rows, int *n, struct err *e);

/* bench: one prefill pass of n tokens at depth d, or one decode step of b streams, repeated by
 * the caller.  Seconds of wall time in *s. */
int runner_time_prefill(struct runner *r, int depth, int n, double *s, struct err *e);
int runner_time_decode(struct runner *r, int depth, int streams, int n, double *s, struct err *e);
/* The same for one read of so many bytes of the device's memory, as weights are read.
 * ERR_UNSUPPORTED: the device offers none. */
int runner_time_read(struct runner *r, uint64_t bytes, double *s, struct err *e);
/* Called as the clock of these starts (is_start) and has stopped, so that a meter runs with it. */
void runner_on_clock(struct runner *r, void (*f)(void *user, int is_start), void *user);

#endif
