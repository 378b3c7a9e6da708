/* sample.h -- the next token from a row of logits: greedy, temperature, top-p.
 *
 * Counter-based: the random number is a function of (seed, key, step) alone, so batching and order
 * cannot change a sample.  Pure; any thread. */
#ifndef RUNNERS_SAMPLE_H
#define RUNNERS_SAMPLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "runners/runner.h"

/* Uniform in [0, 1) with 53 bits. */
double sample_uniform(uint64_t seed, uint64_t key, uint64_t step);

/* The largest logit (lowest index among equals) and its distance to the second. */
int32_t sample_greedy(const float *logits, int n, float *margin);

/* order: scratch of n entries. */
int32_t sample_token(const float *logits, int n, const struct sampling *s, uint64_t key,
                     uint64_t step, int32_t *order, float *margin);

#endif
