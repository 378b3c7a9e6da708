/* How fast the fast kernels are on this machine, beside what it can do at most: `make bench`.
 *
 * The shapes are the matrices of one layer and the head of two small models.  Prefill: 512 columns,
 * activations quantised once per matrix, threads take chunks of 64 rows.  Decode: one column, and
 * as many copies of the matrix one after the other as no cache holds.  argv: [table [threads]]. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/mem.h"
#include "runners/fast.h"
#include "runners/quant.h"

enum { CHUNK = 64, PREFILL = 512, ROUNDS = 5, MAX_THREADS = 64 };

struct shape {
    const char *model;
    int type, k, rows, count; /* count: how often one token meets it; the last of a model: head */
};

static const struct shape shapes[] = {
    {"SmolLM2-135M Q4_1", QUANT_Q4_1, 576, 576, 60},
    {"SmolLM2-135M Q4_1", QUANT_Q4_1, 576, 192, 60},
    {"SmolLM2-135M Q4_1", QUANT_Q4_1, 576, 1536, 60},
    {"SmolLM2-135M Q4_1", QUANT_Q4_1, 1536, 576, 30},
    {"SmolLM2-135M Q4_1", QUANT_Q8_0, 576, 49152, 1},
    {"SmolLM2-135M Q8_0", QUANT_Q8_0, 576, 576, 60},
    {"SmolLM2-135M Q8_0", QUANT_Q8_0, 576, 192, 60},
    {"SmolLM2-135M Q8_0", QUANT_Q8_0, 576, 1536, 60},
    {"SmolLM2-135M Q8_0", QUANT_Q8_0, 1536, 576, 30},
    {"SmolLM2-135M Q8_0", QUANT_Q8_0, 576, 49152, 1},
    {"Gemma 3 270M Q4_K_M", QUANT_Q5_0, 640, 1024, 18},
    {"Gemma 3 270M Q4_K_M", QUANT_Q5_0, 640, 256, 27},
    {"Gemma 3 270M Q4_K_M", QUANT_Q8_0, 640, 256, 9},
    {"Gemma 3 270M Q4_K_M", QUANT_Q4_K, 1024, 640, 18},
    {"Gemma 3 270M Q4_K_M", QUANT_Q5_0, 640, 2048, 36},
    {"Gemma 3 270M Q4_K_M", QUANT_Q4_K, 2048, 640, 9},
    {"Gemma 3 270M Q4_K_M", QUANT_Q6_K, 2048, 640, 9},
    {"Gemma 3 270M Q4_K_M", QUANT_Q8_0, 640, 262144, 1},
};
enum { N_SHAPES = sizeof shapes / sizeof *shapes };

struct work { /* what the threads share */
    const struct fast_kernels *t;
    const struct shape *s;
    const uint8_t *packed;
    size_t packed_rows; /* s->rows times the copies */
    uint8_t *acts;
    const float *x;
    float *out;
    int cols, quantise;
    atomic_size_t next;
    pthread_barrier_t begin, end;
};

static int n_threads = 2;

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Bytes that one thread reads per second, from memory, doing nothing with them. */
static double read_rate(void)
{
    size_t bytes = 200 << 20;
    uint64_t *p = mem_aligned(64, bytes), sum = 0;
    double best = 0;

    if (!p)
        return 0;
    memset(p, 1, bytes);
    for (int round = 0; round < ROUNDS; round++) {
        double t = now();

        for (size_t i = 0; i < bytes / 8; i += 8)
            sum ^= p[i]; /* one word of every line brings the line */
        t = now() - t;
        best = (double)bytes / t > best ? (double)bytes / t : best;
    }
    mem_free(p);
    return best + (double)(sum & 1);
}

#if defined(__x86_64__)
/* Operations (a multiplication or an addition) that one thread's VPDPBUSD does per second: eight
 * independent chains, nothing else. */
__attribute__((target("avx512f,avx512vnni"))) static double vnni_rate(void)
{
    enum { LOOPS = 2000000 };
    __m512i a = _mm512_set1_epi8(3), s[8];
    double best = 0;
    int32_t sink[16];

    _Pragma("GCC unroll 8") for (int j = 0; j < 8; j++)
        s[j] = _mm512_set1_epi32(j);
    for (int round = 0; round < ROUNDS; round++) {
        double t = now();

        for (int i = 0; i < LOOPS; i++) {
            __asm__ volatile("" : "+v"(a)); /* or the loop folds into one product */
            _Pragma("GCC unroll 8") for (int j = 0; j < 8; j++)
                s[j] = _mm512_dpbusd_epi32(s[j], a, a);
        }
        t = now() - t;
        best = 8.0 * LOOPS * 128 / t > best ? 8.0 * LOOPS * 128 / t : best;
    }
    _Pragma("GCC unroll 8") for (int j = 1; j < 8; j++)
        s[0] = _mm512_xor_si512(s[0], s[j]);
    _mm512_storeu_si512(sink, s[0]);
    return best + (sink[0] & 1);
}
#endif

static void share(struct work *w, int thread)
{
    size_t row, stripe = fast_stripe_bytes(w->s->type, w->s->k);

    for (int c = thread; w->quantise && c < w->cols; c += n_threads)
        w->t->quantise(w->acts + (size_t)c * fast_act_bytes(w->s->k), w->x + c * w->s->k, w->s->k);
    if (w->quantise)
        pthread_barrier_wait(&w->end);
    while ((row = atomic_fetch_add(&w->next, CHUNK)) < w->packed_rows) {
        int rows = w->packed_rows - row < CHUNK ? (int)(w->packed_rows - row) : CHUNK;

        w->t->gemm(w->s->type, w->out + row % (size_t)w->s->rows, (size_t)w->s->rows,
                   w->packed + row / FAST_ROWS * stripe, rows, w->acts, w->cols, w->s->k);
    }
}

struct seat {
    struct work *w;
    int thread;
};

static void *thread_main(void *arg)
{
    struct seat *s = arg;

    for (int i = 0; i < ROUNDS; i++) {
        pthread_barrier_wait(&s->w->begin);
        share(s->w, s->thread);
        pthread_barrier_wait(&s->w->end);
    }
    return NULL;
}

/* Seconds of the best of ROUNDS, all threads together. */
static double run(struct work *w)
{
    struct seat seats[MAX_THREADS];
    pthread_t threads[MAX_THREADS];
    double best = 1e9;

    pthread_barrier_init(&w->begin, NULL, (unsigned)n_threads);
    pthread_barrier_init(&w->end, NULL, (unsigned)n_threads);
    for (int i = 1; i < n_threads; i++) {
        seats[i] = (struct seat){w, i};
        pthread_create(&threads[i], NULL, thread_main, &seats[i]);
    }
    for (int i = 0; i < ROUNDS; i++) {
        double t;

        atomic_store(&w->next, 0);
        pthread_barrier_wait(&w->begin);
        t = now();
        share(w, 0);
        pthread_barrier_wait(&w->end);
        t = now() - t;
        best = t < best ? t : best;
    }
    for (int i = 1; i < n_threads; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&w->begin);
    pthread_barrier_destroy(&w->end);
    return best;
}

/* Seconds for the shape once; repeats of the matrix make one round long enough to time. */
static double measure(const struct fast_kernels *t, const struct shape *s, int cols, size_t bytes)
{
    size_t stripe = fast_stripe_bytes(s->type, s->k);
    size_t one = ((size_t)s->rows + 15) / 16 * stripe, copies = bytes / one + 1;
    size_t n_x = (size_t)cols * (size_t)s->k;
    uint8_t *packed = mem_aligned(64, one * copies);
    uint8_t *acts = mem_aligned(64, (size_t)cols * fast_act_bytes(s->k));
    float *x = mem_alloc(n_x * sizeof *x);
    float *out = mem_alloc((size_t)cols * (size_t)s->rows * sizeof *out);
    struct work w = {.t = t, .s = s, .packed = packed, .acts = acts, .x = x, .out = out};
    double seconds;

    if (!packed || !acts || !x || !out) {
        fprintf(stderr, "bench_fast: out of memory\n");
        exit(1);
    }
    memset(packed, 0x35, one * copies); /* as f16: 0.33 */
    for (size_t i = 0; i < n_x; i++)
        x[i] = (float)(i % 61) - 30;
    w.packed_rows = (size_t)s->rows * copies;
    w.cols = cols;
    w.quantise = cols > 1;
    for (int c = 0; c < cols; c++)
        t->quantise(acts + (size_t)c * fast_act_bytes(s->k), x + c * s->k, s->k);
    seconds = run(&w) / (double)copies;
    mem_free(packed);
    mem_free(acts);
    mem_free(x);
    mem_free(out);
    return seconds;
}

static void bench(const struct fast_kernels *t)
{
    static const int widths[] = {1, 4, PREFILL};
    double sum[3] = {0};

    printf("one thread alone: reads %.1f GB/s", read_rate() * 1e-9);
#if defined(__x86_64__)
    if (fast_kernels_find("avx512vnni"))
        printf(", VPDPBUSD %.0f GOP/s", vnni_rate() * 1e-9);
#endif
    printf("\n%s, %d threads\n", t->name, n_threads);
    printf("%-20s %-5s %5s %6s %9s %9s %9s\n", "model", "type", "k", "rows", "1: GB/s", "4: GB/s",
           "512: GOP/s");
    for (const struct shape *s = shapes; s < shapes + N_SHAPES; s++) {
        double bytes = (double)s->rows / 16 * (double)fast_stripe_bytes(s->type, s->k), sec[3];
        int head = s->rows > 10000;

        for (int i = 0; i < 3; i++) {
            sec[i] = head && i == 2 ? 0 : measure(t, s, widths[i], i < 2 ? 200 << 20 : 0);
            sum[i] += s->count * sec[i];
        }
        printf("%-20s %-5s %5d %6d %9.1f %9.1f %9.0f\n", s->model, quant_find(s->type)->name, s->k,
               s->rows, bytes / sec[0] * 1e-9, bytes / sec[1] * 1e-9,
               head ? 0 : 2.0 * s->rows * s->k * PREFILL / sec[2] * 1e-9);
        if (head) {
            printf("%-20s matrices alone: decode %.0f tok/s, four at once %.0f, prefill %.0f\n",
                   s->model, 1 / sum[0], 4 / sum[1], PREFILL / sum[2]);
            memset(sum, 0, sizeof sum);
        }
    }
}

int main(int argc, char **argv)
{
    const struct fast_kernels *t = argc > 1 ? fast_kernels_find(argv[1]) : fast_kernels_best();

    if (argc > 2)
        n_threads = atoi(argv[2]);
    if (!t || n_threads < 1 || n_threads > MAX_THREADS) {
        fprintf(stderr, "bench_fast [TABLE [THREADS]]: no such table here, or 1..64 threads\n");
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    bench(t);
    return 0;
}
