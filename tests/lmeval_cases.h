/* lmeval_cases.h -- inputs made from a seed, the same in C and in the Python that asked lm-eval
 * (0.4.11): x = x * 6364136223846793005 + 1442695040888963407 (mod 2^64), x >> 33 below n. */
#ifndef TESTS_LMEVAL_CASES_H
#define TESTS_LMEVAL_CASES_H

#include <stddef.h>
#include <stdint.h>

struct cases {
    uint64_t x;
};

static inline int cases_below(struct cases *c, int n)
{
    c->x = c->x * 6364136223846793005u + 1442695040888963407u;
    return (int)((c->x >> 33) % (uint64_t)n);
}

/* FNV-1a, from CASES_HASH on: of outputs that are too many to keep. */
#define CASES_HASH 0xcbf29ce484222325u
static inline uint64_t cases_hash(uint64_t h, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)s[i]) * 0x100000001b3u;
    return h;
}

#endif
