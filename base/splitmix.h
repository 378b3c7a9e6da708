/* splitmix.h -- the one random number generator of the statistics (statistics.md 5.5).
 *
 * Steele, Lea and Flood's SplitMix64: a counter and a mixing function, so a stream is a seed and
 * a draw is cheap enough to be inlined.  Not for secrets. */
#ifndef BASE_SPLITMIX_H
#define BASE_SPLITMIX_H

#include <stdint.h>

/* The mixing function alone: a bijection of 64 bits, used to hash counters. */
static inline uint64_t splitmix64_mix(uint64_t z)
{
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

static inline uint64_t splitmix64_next(uint64_t *state)
{
    return splitmix64_mix(*state += UINT64_C(0x9E3779B97F4A7C15));
}

/* The upper 64 bits of a times b. */
static inline uint64_t splitmix64_high(uint64_t a, uint64_t b)
{
    uint64_t al = a & 0xffffffffu, ah = a >> 32, bl = b & 0xffffffffu, bh = b >> 32;
    uint64_t mid = (al * bl >> 32) + (ah * bl & 0xffffffffu) + al * bh; /* fits: see Knuth 4.3.1 */

    return ah * bh + (ah * bl >> 32) + (mid >> 32);
}

/* An integer in [0, n): the high half of next * n. */
static inline uint64_t splitmix64_below(uint64_t *state, uint64_t n)
{
    return splitmix64_high(splitmix64_next(state), n);
}

#endif
