/* bench_impl.h -- what the files of bench share: one model at one number of threads
 * being measured. */
#ifndef HARNESS_BENCH_IMPL_H
#define HARNESS_BENCH_IMPL_H

#include "base/strbuf.h"
#include "harness/context.h"
#include "harness/describe.h"
#include "harness/energy.h"
#include "harness/measure.h"
#include "harness/profile.h"
#include "results/query.h"
#include "results/store.h"

struct grid {
    struct speed_test *v;
    size_t n, cap;
    int longest, streams; /* most tokens of a sequence; most streams */
};
int grid_add(struct grid *g, struct speed_test t, struct err *e);

struct numbers { /* of an option; v is mem_free'd */
    int64_t *v;
    int n;
};
int numbers_of(const struct context *c, const char *option, struct numbers *out, struct err *e);

struct bench {
    const struct context *c;
    const struct grid *grid;
    struct store *store;
    struct store_run *run;
    struct profiles *profiles;
    struct runner *runner;
    int threads; /* as asked */
    struct energy *energy;
    struct description model;
    struct strbuf settings, machine, command_line;
    const char *typed; /* the model's name */
    int fits_nothing;  /* every test is longer than the model's context */
};
/* Opens b->runner. */
int bench_open_runner(struct bench *b, int threads, struct err *e);
/* Is a row of this test stored already? */
int bench_is_done(struct bench *b, const char *name, int *done, struct err *e);

/* --- bench_scenarios.c: the words of --scenario. */
int scenarios_grid(const struct context *c, struct grid *g, struct err *e);
int scenarios_settings(struct json_out *o, const struct context *c, struct err *e);
int scenarios_run(struct bench *b, struct err *e);

/* --- bench_lmeval.c: --versus-lm-eval. */
int lmeval_run(struct bench *b, struct err *e);

#endif
