/* pair_runs.h -- two stored runs over the same made-up items, for tests of what compares runs. */
#ifndef TESTS_PAIR_RUNS_H
#define TESTS_PAIR_RUNS_H

#include "results/store.h"

struct made_item {
    int doc;            /* which document; also its hash */
    double acc;         /* credit */
    double nats, bytes; /* of the gold answer */
    double latency_s;
    const char *cluster;
};
struct made_task {
    const char *task;
    int version;
    const struct made_item *items;
    int n;
    double peak_rss_bytes, energy_j; /* NAN: not measured */
};
struct made_run {
    const char *model; /* name and, as it stands, sha256 */
    const char *settings, *machine_json, *noise;
    const struct made_task *tasks;
    int n_tasks;
    int shots;      /* of every task */
    int unfinished; /* 1: left interrupted */
    int64_t parameters; /* 0: 1000 */
    const char *prompt; /* hash of every item's prompt; NULL: "prompt" */
    double item_tokens; /* computed for each; 0: not known */
};
/* Stores a run; NULL texts have usual values.  Asserts. */
void make_run(struct store *s, const struct made_run *r, char id[RUN_ID_SIZE]);

#endif
