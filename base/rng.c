#include "base/rng.h"

#include <math.h>

#include "base/mem.h"

enum { N = 624, M = 397 };

static void seed_word(struct rng *r, uint32_t s)
{
    r->state[0] = s;
    for (uint32_t i = 1; i < N; i++)
        r->state[i] = 1812433253u * (r->state[i - 1] ^ r->state[i - 1] >> 30) + i;
}

void rng_seed(struct rng *r, uint64_t seed)
{
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    uint32_t n_key = key[1] ? 2 : 1, i = 1, j = 0;
    uint32_t *s = r->state;

    seed_word(r, 19650218u);
    for (int k = N; k > 0; k--) {
        s[i] = (s[i] ^ (s[i - 1] ^ s[i - 1] >> 30) * 1664525u) + key[j] + j;
        if (++i >= N)
            s[0] = s[N - 1], i = 1;
        if (++j >= n_key)
            j = 0;
    }
    for (int k = N - 1; k > 0; k--) {
        s[i] = (s[i] ^ (s[i - 1] ^ s[i - 1] >> 30) * 1566083941u) - i;
        if (++i >= N)
            s[0] = s[N - 1], i = 1;
    }
    s[0] = 0x80000000u;
    r->next = N;
}

static void refill(struct rng *r)
{
    for (int i = 0; i < N; i++) {
        uint32_t y = (r->state[i] & 0x80000000u) | (r->state[(i + 1) % N] & 0x7fffffffu);
        r->state[i] = r->state[(i + M) % N] ^ y >> 1 ^ (y & 1 ? 0x9908b0dfu : 0);
    }
    r->next = 0;
}

static uint32_t word(struct rng *r)
{
    uint32_t y;

    if (r->next >= N)
        refill(r);
    y = r->state[r->next++];
    y ^= y >> 11;
    y ^= y << 7 & 0x9d2c5680u;
    y ^= y << 15 & 0xefc60000u;
    return y ^ y >> 18;
}

uint32_t rng_bits(struct rng *r, int k)
{
    return word(r) >> (32 - k);
}

double rng_random(struct rng *r)
{
    uint32_t a = word(r) >> 5, b = word(r) >> 6;

    return (a * 67108864.0 + b) / 9007199254740992.0;
}

uint32_t rng_below(struct rng *r, uint32_t n)
{
    int k = 0;
    uint32_t x;

    for (uint32_t v = n; v; v >>= 1) /* bit_length(n): one more than needed for a power of two */
        k++;
    do
        x = rng_bits(r, k);
    while (x >= n);
    return x;
}

/* CPython copies a small population and shuffles it, and keeps a set of what it took from a large
 * one.  The two consume the stream differently, so the border between them must be CPython's. */
static uint32_t set_size(uint32_t k)
{
    uint32_t size = 21;

    if (k > 5)
        size += (uint32_t)pow(4, ceil(log(k * 3.0) / log(4)));
    return size;
}

static void sample_pool(struct rng *r, uint32_t n, uint32_t k, int *pool, int *out)
{
    for (uint32_t i = 0; i < n; i++)
        pool[i] = (int)i;
    for (uint32_t i = 0; i < k; i++) {
        uint32_t j = rng_below(r, n - i);
        out[i] = pool[j];
        pool[j] = pool[n - i - 1];
    }
}

static void sample_set(struct rng *r, uint32_t n, uint32_t k, unsigned char *taken, int *out)
{
    for (uint32_t i = 0; i < k; i++) {
        uint32_t j = rng_below(r, n);
        while (taken[j])
            j = rng_below(r, n);
        taken[j] = 1;
        out[i] = (int)j;
    }
}

int rng_sample(struct rng *r, uint32_t n, uint32_t k, int *out, struct err *e)
{
    int pooled = k <= n && n <= set_size(k);
    void *work;

    if (k > n || n > INT32_MAX)
        return err_set(e, ERR_USAGE, "a sample of %u from %u is not possible", k, n);
    work = mem_calloc(n, pooled ? sizeof(int) : 1);
    if (!work)
        return err_nomem(e);
    if (pooled)
        sample_pool(r, n, k, work, out);
    else
        sample_set(r, n, k, work, out);
    mem_free(work);
    return 0;
}

void rng_choices(struct rng *r, uint32_t n, uint32_t k, int *out)
{
    for (uint32_t i = 0; i < k; i++)
        out[i] = (int)floor(rng_random(r) * n);
}
