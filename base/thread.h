/* thread.h -- a pool of workers that run one function together.
 *
 * pool_run calls fn(arg, worker) once on every worker, the caller being worker 0, and returns when
 * all have returned.  Inside, pool_barrier makes everybody wait for everybody; work is handed out
 * in chunks by counters that the caller owns (which worker computes a chunk must not matter to the
 * result).  Workers spin briefly and then sleep.  One thread at a time drives a pool. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <stdatomic.h>

#include "base/err.h"

#define THREADS_MAX 256

struct pool;
int pool_open(struct pool **out, int threads, struct err *e); /* 0: the affinity mask's CPUs */
void pool_close(struct pool *p);
int pool_threads(const struct pool *p);
void pool_run(struct pool *p, void (*fn)(void *arg, int worker), void *arg);
void pool_barrier(struct pool *p); /* inside fn only, by every worker */

int cpus_allowed(void); /* in the affinity mask */

/* A counter on a cache line of its own. */
struct chunk_counter {
    _Alignas(64) atomic_int next;
};

#endif
