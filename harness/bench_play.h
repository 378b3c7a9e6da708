/* bench_play.h -- the scenarios of bench --scenario, each a file's, and how requests are played.
 *
 * A scenario runs on b's open model and stores its rows; -1 when it could not, also when it was
 * interrupted: then what was answered is stored. */
#ifndef HARNESS_BENCH_PLAY_H
#define HARNESS_BENCH_PLAY_H

#include "harness/bench_impl.h"
#include "harness/left.h"
#include "harness/serve.h"

typedef int scenario_run(struct bench *b, const struct workload *base, struct err *e);
/* The first four are in bench_play.c, the others have a file each. */
scenario_run scenario_single, scenario_multi, scenario_offline, scenario_sustained,
    scenario_server, scenario_load, scenario_peaks;

struct play { /* one scenario's requests on one open model */
    struct bench *b;
    const struct workload *load;
    int slots, queue;
    int batch; /* requests that come together and count as one; 1: each for itself */
    const char *name;
};
struct played { /* what stood beside the requests */
    struct noise noise;
    struct left left;
    double joules, declared;
};

/* --streams: the most that it names, or 8. */
int play_streams(const struct context *c);
/* On success the caller releases l. */
int play_run(const struct play *p, struct serve_log *l, struct played *out, struct err *e);
/* The requests and what follows from them as one row, the extra values with it. */
int play_store(const struct play *p, const struct serve_log *l, const struct played *how,
               const struct store_value *extra, int n_extra, struct err *e);
/* Why requests failed, of the first one. */
void play_tell_failures(const struct play *p, const struct serve_log *l);

#endif
