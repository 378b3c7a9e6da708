/* thread.c -- see thread.h.
 *
 * A generation number starts a round; a sense-reversing barrier ends it.  Waiting is the same
 * everywhere: spin with a pause, then yield, then (only between rounds, where the wait can be
 * long) sleep on a condition variable. */
#include "base/thread.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "base/mem.h"

enum { SPINS_BEFORE_YIELD = 2000, SPINS_BEFORE_SLEEP = 20000 };

struct worker {
    struct pool *pool;
    int index;
    pthread_t thread;
};

struct pool {
    _Alignas(64) atomic_uint round;   /* odd or even does not matter: a change starts a round */
    _Alignas(64) atomic_int arrived;
    _Alignas(64) atomic_uint sense;
    _Alignas(64) atomic_int sleepers;
    int threads, started;
    atomic_int closing;
    void (*fn)(void *arg, int worker);
    void *arg;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct worker workers[THREADS_MAX];
};

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

int cpus_allowed(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return CPU_COUNT(&set) < THREADS_MAX ? CPU_COUNT(&set) : THREADS_MAX;
    return 1;
}

void pool_barrier(struct pool *p)
{
    unsigned sense = atomic_load_explicit(&p->sense, memory_order_relaxed);

    if (p->threads == 1)
        return;
    if (atomic_fetch_add_explicit(&p->arrived, 1, memory_order_acq_rel) == p->threads - 1) {
        atomic_store_explicit(&p->arrived, 0, memory_order_relaxed);
        atomic_store_explicit(&p->sense, sense + 1, memory_order_release);
        return;
    }
    for (int i = 0; atomic_load_explicit(&p->sense, memory_order_acquire) == sense; i++) {
        if (i < SPINS_BEFORE_YIELD)
            relax();
        else
            sched_yield();
    }
}

/* Waits for a round other than `seen`; sleeps when none comes for a while. */
static void wait_for_round(struct pool *p, unsigned seen)
{
    for (int i = 0; i < SPINS_BEFORE_SLEEP; i++) {
        if (atomic_load_explicit(&p->round, memory_order_acquire) != seen)
            return;
        if (i < SPINS_BEFORE_YIELD)
            relax();
        else
            sched_yield();
    }
    pthread_mutex_lock(&p->lock);
    atomic_fetch_add(&p->sleepers, 1);
    while (atomic_load(&p->round) == seen)
        pthread_cond_wait(&p->wake, &p->lock);
    atomic_fetch_sub(&p->sleepers, 1);
    pthread_mutex_unlock(&p->lock);
}

static void next_round(struct pool *p)
{
    atomic_fetch_add(&p->round, 1);
    if (atomic_load(&p->sleepers) > 0) {
        pthread_mutex_lock(&p->lock);
        pthread_cond_broadcast(&p->wake);
        pthread_mutex_unlock(&p->lock);
    }
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct pool *p = w->pool;

    for (unsigned seen = 0;; seen++) {
        wait_for_round(p, seen);
        if (atomic_load(&p->closing))
            return NULL;
        p->fn(p->arg, w->index);
        pool_barrier(p);
    }
}

int pool_open(struct pool **out, int threads, struct err *e)
{
    struct pool *p = mem_aligned(64, sizeof *p);

    *out = NULL;
    if (!p)
        return err_nomem(e);
    p->threads = threads > 0 ? threads : cpus_allowed();
    if (p->threads > THREADS_MAX)
        p->threads = THREADS_MAX;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    for (p->started = 1; p->started < p->threads; p->started++) {
        struct worker *w = &p->workers[p->started];
        *w = (struct worker){.pool = p, .index = p->started};
        if (pthread_create(&w->thread, NULL, work, w) != 0) {
            err_set(e, ERR_IO, "cannot start thread %d of %d", p->started + 1, p->threads);
            pool_close(p);
            return -1;
        }
    }
    *out = p;
    return 0;
}

void pool_close(struct pool *p)
{
    if (!p)
        return;
    atomic_store(&p->closing, 1);
    next_round(p);
    for (int i = 1; i < p->started; i++)
        pthread_join(p->workers[i].thread, NULL);
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->lock);
    mem_free(p);
}

int pool_threads(const struct pool *p)
{
    return p->threads;
}

void pool_run(struct pool *p, void (*fn)(void *arg, int worker), void *arg)
{
    p->fn = fn;
    p->arg = arg;
    if (p->threads > 1)
        next_round(p);
    fn(arg, 0);
    pool_barrier(p);
}
