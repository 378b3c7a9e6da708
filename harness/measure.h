/* measure.h -- speed tests: warm up once, repeat, keep every sample.
 *
 * With a rival the two programs take turns in blocks A B B A, so that what drifts (heat, other
 * people's load) touches both alike (statistics.md 5.2).  Nothing is dropped; medians have
 * intervals by order statistics, ratios by Hodges and Lehmann. */
#ifndef HARNESS_MEASURE_H
#define HARNESS_MEASURE_H

#include <signal.h>

#include "base/err.h"
#include "harness/machine.h"
#include "harness/meter.h"
#include "harness/stats.h"
#include "harness/stats_rank.h"
#include "runners/runner.h"

struct speed_test {
    int prompt, generate; /* tokens; one of them may be 0, both: prefill, then decode */
    int depth;            /* tokens that are there before */
    int streams;          /* decoded together */
};

/* "pp512", "tg128", "pp512+tg128", "tg128@b8", "pp512@d1024" */
void speed_test_name(char *name, size_t size, const struct speed_test *t);
int speed_test_tokens(const struct speed_test *t); /* that the speed counts */
int speed_test_length(const struct speed_test *t); /* of the context that it needs */

struct measured {
    double *samples, *rival_samples; /* seconds; n and n_rival of them, in order */
    int n, n_rival;
    double coverage, rival_coverage; /* of the intervals below */
    double tok_s;                    /* median */
    struct interval tok_s_interval;
    double rival_tok_s;
    struct interval rival_interval;
    struct ratio ratio; /* rival's time over ours; NAN without a rival */
    double energy_j;    /* of all our samples; NAN without a meter */
    double prefill_j, decode_j; /* its parts */
    double peak_rss_bytes;
    struct noise noise;
};

struct measuring {
    struct runner *runner;
    struct meter *meter;
    const char *root;   /* of the machine's files */
    int repeats;
    const char *rival;  /* path of a llama-bench, or NULL */
    const char *model_path;
    int threads;
    const volatile sig_atomic_t *stop;
};
int measure(const struct measuring *m, const struct speed_test *t, struct measured *out,
            struct err *e);
void measured_release(struct measured *r);

/* Runs `binary` once on the test and returns its sample in seconds (rival.c). */
int rival_sample(const char *binary, const char *model_path, int threads,
                 const struct speed_test *t, double *s, struct err *e);

#endif
