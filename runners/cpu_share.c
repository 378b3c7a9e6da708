/* cpu_share.c -- who computes which part of a product.
 *
 * The units of a step are dealt out in one stretch per worker, and each worker takes its own in
 * ascending order, some at a time: weights are read as one stream, which the CPU fetches ahead.
 * (Handed out in turn to two workers, 64 rows of SmolLM2's Q4_0 at a time, they came at 13 GB/s a
 * core instead of 30 on Zen 4: after every chunk a gap, where the fetching begins anew.)  Who is
 * done helps others with what they have not begun. */
#include "base/mem.h"
#include "runners/cpu.h"

enum { HELPED = 8 }; /* workers looked at, at most: each look costs a cache line */

int cpu_share_open(struct device *d)
{
    d->taken = mem_aligned(64, (size_t)d->threads * (size_t)d->n_steps * sizeof *d->taken);
    return d->taken ? 0 : -1;
}

void cpu_share_release(struct device *d)
{
    mem_free(d->taken);
}

void cpu_share_reset(struct device *d)
{
    for (size_t i = 0; i < (size_t)d->threads * (size_t)d->n_steps; i++)
        atomic_store_explicit(&d->taken[i], 0, memory_order_relaxed);
}

static int take_of(struct device *d, const struct step *s, int n, int some, int worker, int *from)
{
    atomic_int *taken = &d->taken[(size_t)worker * (size_t)d->n_steps + (size_t)(s - d->steps)];
    int begin, end;

    cpu_part(d, n, worker, &begin, &end);
    if (atomic_load_explicit(taken, memory_order_relaxed) >= end - begin)
        return 0;
    *from = begin + atomic_fetch_add_explicit(taken, some, memory_order_relaxed);
    if (*from >= end)
        return 0;
    return end - *from < some ? end - *from : some;
}

int cpu_take(struct device *d, const struct step *s, int n, int some, int worker, int *from)
{
    int got = 0;

    for (int i = 0; i < d->threads && i < HELPED && !got; i++)
        got = take_of(d, s, n, some, (worker + i) % d->threads, from);
    return got;
}
