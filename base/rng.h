/* rng.h -- the random numbers of CPython's `random` module, to the bit (evaluation.md 2.8).
 *
 * lm-eval draws its few-shot examples and its bootstrap with random.Random(seed); whoever wants
 * the same prompts needs the same stream: Matsumoto and Nishimura's MT19937, seeded by
 * init_by_array with the 32-bit words of the seed.  Our own draws use base/splitmix.h.  One thread
 * per struct. */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct rng {
    uint32_t state[624];
    int next;
};

void rng_seed(struct rng *r, uint64_t seed); /* random.Random(seed) */
uint32_t rng_bits(struct rng *r, int k);     /* getrandbits(k), 1 <= k <= 32 */
double rng_random(struct rng *r);            /* random(): [0, 1) */
uint32_t rng_below(struct rng *r, uint32_t n); /* randbelow(n), n > 0 */

/* sample(range(n), k): k different indices in out[0..k).  k > n is ERR_USAGE. */
int rng_sample(struct rng *r, uint32_t n, uint32_t k, int *out, struct err *e);

/* choices(range(n), k=k): k indices with replacement; n > 0. */
void rng_choices(struct rng *r, uint32_t n, uint32_t k, int *out);

#endif
