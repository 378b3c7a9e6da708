/* ways.h -- one sequence through one model, its work cut in several ways: the bits are the same. */
#ifndef TESTS_WAYS_H
#define TESTS_WAYS_H

#include "runners/runner.h"

enum { WAYS_IDS_MAX = 1024 };

struct ways_case {
    const char *name, *path;
    const int32_t *ids;
    int n, context, n_vocab;
    float *got; /* [n][n_vocab], of one batch: what the other ways are compared with */
};

struct runner *ways_open(const struct ways_case *g, struct runner_opts o); /* or the test fails */
void ways_run(const struct ways_case *g, struct runner *r, float *to); /* [n][n_vocab] */
void ways_compute(const struct ways_case *g, struct runner_opts o, float *to); /* [n][n_vocab] */
/* One token at a time, in batches of seven, by several threads, by every table of kernels. */
void ways_cut(const struct ways_case *g);
/* Beside another sequence that begins alike: the common part is computed once. */
void ways_shared_prefix(const struct ways_case *g);

#endif
