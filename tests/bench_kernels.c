/* bench_kernels.c -- how fast each usable table is on one core, against the core's measured peak.
 *
 * gemm: stripes of 64 weight rows are unpacked, then multiplied with 512 columns, as a prefill
 * does; with 1 column, as decoding does.  Processor time of the thread, the best of several tries:
 * others may be at work on this machine.  No test; `make bench` builds and runs it. */
#include "runners/kernels.h"
#include "runners/quant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { STRIPE = 64, TRIES = 25 };

static double now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

#if defined(__x86_64__)
#include <immintrin.h>

/* `chains` independent sums: enough for two pipes of five cycles, and all in registers. */
#define PEAK(name, isa, chains, vec, set, fma)                                                     \
    __attribute__((target(isa))) static float name(long n)                                         \
    {                                                                                              \
        vec a[chains], x = set(0.999f), y = set(1e-3f), s = set(0);                                \
        for (int i = 0; i < chains; i++)                                                           \
            a[i] = set((float)i);                                                                  \
        for (long j = 0; j < n; j++)                                                               \
            _Pragma("GCC unroll 16") for (int i = 0; i < chains; i++) a[i] = fma(a[i], x, y);      \
        for (int i = 0; i < chains; i++)                                                           \
            s = fma(a[i], x, s);                                                                   \
        float out[16];                                                                             \
        memcpy(out, &s, sizeof s);                                                                 \
        return out[0];                                                                             \
    }
PEAK(peak_256, "avx2,fma", 12, __m256, _mm256_set1_ps, _mm256_fmadd_ps)
PEAK(peak_512, "avx512f", 16, __m512, _mm512_set1_ps, _mm512_fmadd_ps)

static double peak_gflops(const char *table)
{
    int wide = strcmp(table, "avx512") == 0;
    volatile float sink;
    double best = 0;

    for (int i = 0; i < TRIES; i++) {
        long n = 100000;
        double t = now_ns();
        sink = wide ? peak_512(n) : peak_256(n);
        double g = 2.0 * (wide ? 16 * 16 : 12 * 8) * (double)n / (now_ns() - t);
        best = g > best ? g : best;
    }
    (void)sink;
    return best;
}
#else
static double peak_gflops(const char *table)
{
    (void)table;
    return 0;
}
#endif

static float *floats(size_t n)
{
    float *p = aligned_alloc(64, (n * sizeof(float) + 63) / 64 * 64);

    if (!p)
        exit(1);
    for (size_t i = 0; i < n; i++)
        p[i] = (float)(i * 2654435761u % 1000) * 1e-3f - 0.5f;
    return p;
}

static double least(double a, double b)
{
    return a < b ? a : b;
}

static void unpack_stripe(const struct kernels *k, const struct quant *q, float *w, size_t ld,
                          const uint8_t *rows, int depth)
{
    for (size_t r = 0; q && r < STRIPE; r++)
        k->unpack(q->type, w + r * ld, rows + r * quant_bytes(q, (size_t)depth), (size_t)depth);
}

/* type < 0: the weights are floats already */
static void bench_gemm(const struct kernels *k, int type, int depth, int cols, double peak)
{
    const struct quant *q = type < 0 ? NULL : quant_find(type);
    size_t ld = KERNEL_LD(depth), row_bytes = q ? quant_bytes(q, (size_t)depth) : 0;
    float *w = floats(STRIPE * ld), *x = floats((size_t)cols * ld);
    float *out = floats((size_t)cols * STRIPE);
    uint8_t *rows = calloc(STRIPE, row_bytes + 1);
    double best = 1e300, best_unpack = 1e300;

    if (!rows || (q && depth % q->block))
        goto out;
    for (int i = 0; i < TRIES; i++) {
        int again = 1 + 64 / cols; /* the clock costs half a microsecond */
        double t = now_ns();
        for (int a = 0; a < again; a++) {
            unpack_stripe(k, q, w, ld, rows, depth);
            k->gemm(out, STRIPE, w, ld, STRIPE, x, ld, cols, depth);
        }
        best = least(best, (now_ns() - t) / again);
        t = now_ns();
        for (int a = 0; a < 16; a++)
            unpack_stripe(k, q, w, ld, rows, depth);
        best_unpack = least(best_unpack, (now_ns() - t) / 16);
    }
    double gflops = 2.0 * STRIPE * depth * cols / best;
    printf("gemm    %-7s %-5s k %5d cols %4d  %7.1f GFLOP/s", k->name, q ? q->name : "F32", depth,
           cols, gflops);
    if (peak > 0)
        printf("  %5.1f %% of peak", 100 * gflops / peak);
    if (q)
        printf("  unpack %6.2f weights/ns", (double)STRIPE * depth / best_unpack);
    printf("\n");
out:
    free(w);
    free(x);
    free(out);
    free(rows);
}

/* What decoding does: rows of a format, unpacked where they are used. */
static void bench_thin(const struct kernels *k, int type, int depth, int cols, double peak)
{
    const struct quant *q = quant_find(type);
    size_t ld = KERNEL_LD(depth), row_bytes = quant_bytes(q, (size_t)depth);
    float *x = floats((size_t)cols * ld), *out = floats((size_t)cols * STRIPE);
    uint8_t *rows = calloc(STRIPE, row_bytes);
    double best = 1e300;
    int again = 1 + 64 / cols;

    for (int i = 0; rows && i < TRIES; i++) {
        double t = now_ns();
        for (int a = 0; a < again; a++)
            if (!k->gemm_thin(type, out, STRIPE, rows, row_bytes, STRIPE, x, ld, cols, depth))
                goto out;
        best = least(best, (now_ns() - t) / again);
    }
    double gflops = 2.0 * STRIPE * depth * cols / best;
    printf("thin    %-7s %-5s k %5d cols %4d  %7.1f GFLOP/s  %5.1f %% of peak  %6.2f weights/ns\n",
           k->name, q->name, depth, cols, gflops, peak > 0 ? 100 * gflops / peak : 0,
           (double)STRIPE * depth / best);
out:
    free(x);
    free(out);
    free(rows);
}

/* A prefill of `tokens` with `group` query heads on one kv head. */
static void bench_attend(const struct kernels *k, int tokens, int group, int dim, double peak)
{
    int rows = tokens * group, pages = (tokens + KV_PAGE - 1) / KV_PAGE;
    float *kv = floats((size_t)pages * 2 * KV_PAGE * (size_t)dim);
    float *q = floats((size_t)rows * (size_t)dim), *y = floats((size_t)rows * (size_t)dim);
    const float **at = calloc((size_t)(rows + 2 * pages), sizeof *at);
    float **out = calloc((size_t)rows, sizeof *out);
    int32_t *first = calloc((size_t)rows * 2, sizeof *first), *last;
    double best = 1e300, pairs = 0;

    if (!at || !out || !first)
        exit(1);
    last = first + rows;
    for (int r = 0; r < rows; r++) {
        at[r] = q + r * dim;
        out[r] = y + r * dim;
        last[r] = r / group;
        pairs += last[r] + 1;
    }
    for (int p = 0; p < 2 * pages; p++)
        at[rows + p] = kv + (size_t)p * KV_PAGE * (size_t)dim;
    struct attend a = {.rows = rows, .q = at, .out = out, .first = first, .last = last,
                       .head_dim = dim, .value_dim = dim, .scale = 0.125f, 
                       .k = (const void *const *)(at + rows),
                       .v = (const void *const *)(at + rows + pages)};
    for (int i = 0; i < TRIES; i++) {
        int again = 1 + 20000 / (rows * tokens);
        double t = now_ns();
        for (int j = 0; j < again; j++)
            k->attend(&a);
        best = least(best, (now_ns() - t) / again);
    }
    double gflops = 4.0 * pairs * dim / best;
    printf("attend  %-7s dim %3d tokens %4d x %d  %7.1f GFLOP/s", k->name, dim, tokens, group,
           gflops);
    if (peak > 0)
        printf("  %5.1f %% of peak", 100 * gflops / peak);
    printf("\n");
    free(kv);
    free(q);
    free(y);
    free(at);
    free(out);
    free(first);
}

enum { ROW = 2048 };
static float row_x[ROW], row_y[ROW], row_z[ROW];

static void run_row(const struct kernels *k, int what)
{
    switch (what) {
    case 0: k->exp(row_y, row_x, ROW); break;
    case 1: k->glu(ACT_SILU, row_y, row_x, row_z, ROW); break;
    case 2: k->glu(ACT_GELU_TANH, row_y, row_x, row_z, ROW); break;
    case 3: k->glu(ACT_GELU_ERF, row_y, row_x, row_z, ROW); break;
    case 4: k->rms_norm(row_y, row_x, row_z, ROW, 1e-5f); break;
    default: k->rope(row_y, row_x, row_z, ROW, 0);
    }
}

static void bench_rows(const struct kernels *k)
{
    static const char *const names[] = {"exp",          "silu glu", "gelu_tanh glu",
                                        "gelu_erf glu", "rms_norm", "rope pairs"};

    for (int i = 0; i < ROW; i++) {
        row_x[i] = (float)(i % 97) * 0.1f - 5;
        row_z[i] = 0.5f;
    }
    for (int f = 0; f < 6; f++) {
        double best = 1e300;
        for (int i = 0; i < TRIES; i++) {
            double t = now_ns();
            for (int j = 0; j < 32; j++)
                run_row(k, f);
            best = least(best, (now_ns() - t) / 32);
        }
        printf("row     %-7s %-14s %6.2f elements/ns\n", k->name, names[f], ROW / best);
    }
}

int main(void)
{
    static const int depths[] = {576, 640, 1536, 2048};
    static const int types[] = {-1, QUANT_Q4_1, QUANT_Q8_0, QUANT_Q5_0, QUANT_Q4_K, QUANT_Q6_K};
    static const int thin[] = {QUANT_F16, QUANT_Q4_0, QUANT_Q4_1, QUANT_Q5_0, QUANT_Q8_0,
                               QUANT_Q4_K, QUANT_Q6_K};
    const struct kernels *k;

    for (int i = 0; (k = kernels_at(i)); i++) {
        if (!k->usable() || strcmp(k->name, "ref") == 0)
            continue;
        double peak = peak_gflops(k->name);
        printf("peak    %-7s fma %7.1f GFLOP/s\n", k->name, peak);
        for (int t = 0; t < 6; t++)
            for (int d = 0; d < 4; d++)
                bench_gemm(k, types[t], depths[d], 512, peak);
        for (int cols = 1; cols <= 8; cols++)
            bench_gemm(k, QUANT_Q8_0, 576, cols, peak);
        bench_gemm(k, QUANT_Q4_1, 576, 1, peak);
        bench_gemm(k, QUANT_Q4_K, 2048, 1, peak);
        for (int t = 0; t < 7; t++)
            for (int cols = 1; cols <= 8; cols++)
                bench_thin(k, thin[t], 2048, cols, peak);
        bench_attend(k, 64, 3, 64, peak);
        bench_attend(k, 512, 3, 64, peak);
        bench_attend(k, 512, 4, 128, peak);
        bench_attend(k, 512, 4, 256, peak);
        bench_attend(k, 1, 3, 64, peak);
        bench_rows(k);
    }
    return 0;
}
