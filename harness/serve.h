/* serve.h -- one process that serves requests on a model: who asks when, a bounded queue, and what
 * became of each request.
 *
 * Clients are simulated in the serving thread: a request arrives at its scheduled second whether
 * or not the server is busy then, and its times count from there, queueing included (vendor.md
 * 2).  What arrives while the queue is full is refused; a client whose patience ends is gone, in
 * the queue or in the middle of its answer.  Every request ends in one state, so that arrived =
 * completed + refused + cancelled + failed.
 *
 * Prompts are random tokens, answers run to the length that the workload says (end tokens do not
 * end them), greedy; nothing is shared between requests.  Request i of a seed is the
 * same in every scenario, so that its answer must be, too. */
#ifndef HARNESS_SERVE_H
#define HARNESS_SERVE_H

#include <signal.h>

#include "base/err.h"
#include "runners/runner.h"

struct workload {
    int n;              /* requests; 0: until the duration is over */
    const int64_t *prompts, *outputs; /* lengths in tokens: one of each is drawn, all as likely */
    int n_prompts, n_outputs;
    double rate_s;      /* Poisson arrivals a second; 0: no schedule, `together` at a time */
    int together;       /* without a rate: so many arrive when the ones before have all ended */
    double duration_s;  /* nothing arrives after it; 0: no end */
    double vanish_share, patience_s; /* so many clients leave, after an exponential time of mean */
    uint64_t seed;
};

enum served_state { SERVED_COMPLETED, SERVED_REFUSED, SERVED_CANCELLED, SERVED_FAILED, SERVED_N };
const char *served_name(enum served_state s);

struct served { /* seconds since the scenario began; NAN: did not happen */
    double arrival_s, start_s, first_s, last_s, end_s; /* start: left the queue */
    int prompt, wanted, n; /* tokens: of the prompt, asked for, made */
    double *token_s;       /* [n] */
    double patience_s;     /* INFINITY: stays */
    enum served_state state;
    char reason[160];      /* refused, failed; else empty */
    int32_t *ids;          /* of the prompt, while it is inside */
    int32_t *said;         /* [n] tokens of the answer */
    uint64_t random;       /* its own stream: lengths, patience, then the prompt */
};

struct serve_opts {
    struct runner *runner;
    const struct workload *load;
    int slots, queue;      /* inside at once; most that wait */
    double (*clock)(void); /* monotonic seconds */
    void (*pause)(double seconds);
    const volatile sig_atomic_t *stop;
};

struct serve_log {
    struct served *v; /* in order of arrival */
    size_t n, cap;
    size_t count[SERVED_N];
    int queue_longest;
    double wall_s; /* from the beginning to the last end */
};

/* 0; 1 when *stop was set: the log has what came until then, and requests that were not answered
 * are cancelled, with that reason; -1. */
int serve(const struct serve_opts *o, struct serve_log *out, struct err *e);
void serve_log_release(struct serve_log *l);

/* The seconds before the next arrival of a Poisson process: -ln(1 - U) / rate. */
double serve_gap(uint64_t *state, double rate_s);

#endif
