#include "harness/peak.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#include <sys/auxv.h>
#endif

#include "base/mem.h"
#include "base/thread.h"
#include "harness/meter.h"

enum { CHAINS = 12, STEPS = 2000000, BLOCK_MB = 128 };

/* --- multiply-adds ------------------------------------------------------------------------ */

#define UNROLLED _Pragma("GCC unroll 12") /* CHAINS: so that the sums stay in registers */

/* CHAINS independent sums hide the latency of the unit.  The result is returned so that nothing can
 * be left out. */
struct unit {
    const char *name;
    int products; /* of one step of one chain */
    int (*usable)(void);
    float (*run)(int steps);
};

static int always(void)
{
    return 1;
}

static float fma_scalar(int steps)
{
    float a[CHAINS], s = 0;

    for (int i = 0; i < CHAINS; i++)
        a[i] = (float)i;
    for (int n = 0; n < steps; n++)
        UNROLLED for (int i = 0; i < CHAINS; i++)
            a[i] = fmaf(a[i], 0.999f, 0.001f);
    for (int i = 0; i < CHAINS; i++)
        s += a[i];
    return s;
}

#if defined(__x86_64__)
static int has_avx512(void)
{
    return __builtin_cpu_supports("avx512f");
}

static int has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

__attribute__((target("avx512f"))) static float fma_avx512(int steps)
{
    __m512 a[CHAINS], m = _mm512_set1_ps(0.999f), c = _mm512_set1_ps(0.001f);
    float s = 0;

    for (int i = 0; i < CHAINS; i++)
        a[i] = _mm512_set1_ps((float)i);
    for (int n = 0; n < steps; n++)
        UNROLLED for (int i = 0; i < CHAINS; i++)
            a[i] = _mm512_fmadd_ps(a[i], m, c);
    for (int i = 0; i < CHAINS; i++)
        s += _mm512_cvtss_f32(a[i]);
    return s;
}

__attribute__((target("avx2,fma"))) static float fma_avx2(int steps)
{
    __m256 a[CHAINS], m = _mm256_set1_ps(0.999f), c = _mm256_set1_ps(0.001f);
    float s = 0;

    for (int i = 0; i < CHAINS; i++)
        a[i] = _mm256_set1_ps((float)i);
    for (int n = 0; n < steps; n++)
        UNROLLED for (int i = 0; i < CHAINS; i++)
            a[i] = _mm256_fmadd_ps(a[i], m, c);
    for (int i = 0; i < CHAINS; i++)
        s += _mm256_cvtss_f32(a[i]);
    return s;
}

static int has_vnni(void)
{
    return has_avx512() && __builtin_cpu_supports("avx512vnni");
}

__attribute__((target("avx512f,avx512vnni"))) static float int8_vnni(int steps)
{
    __m512i a[CHAINS], x = _mm512_set1_epi8(3), y = _mm512_set1_epi8(1);
    int s = 0;

    for (int i = 0; i < CHAINS; i++)
        a[i] = _mm512_set1_epi32(i);
    for (int n = 0; n < steps; n++)
        UNROLLED for (int i = 0; i < CHAINS; i++)
            a[i] = _mm512_dpbusd_epi32(a[i], x, y);
    for (int i = 0; i < CHAINS; i++)
        s ^= _mm_cvtsi128_si32(_mm512_castsi512_si128(a[i]));
    return (float)s;
}

/* Without VNNI: products to 16 bits in pairs, and their sum there.  Widening it to 32 bits is a
 * roof of no kernel: codes of 4 bits need it once for eight products, those of 8 bits for each. */
__attribute__((target("avx2"))) static float int8_avx2(int steps)
{
    __m256i a[CHAINS], x = _mm256_set1_epi8(3);
    int s = 0;

    for (int i = 0; i < CHAINS; i++)
        a[i] = _mm256_set1_epi32(i);
    for (int n = 0; n < steps; n++)
        UNROLLED for (int i = 0; i < CHAINS; i++)
            a[i] = _mm256_add_epi16(a[i], _mm256_maddubs_epi16(x, a[i]));
    for (int i = 0; i < CHAINS; i++)
        s ^= _mm_cvtsi128_si32(_mm256_castsi256_si128(a[i]));
    return (float)s;
}
#elif defined(__aarch64__)
static float fma_neon(int steps)
{
    float32x4_t a[CHAINS], m = vdupq_n_f32(0.999f), c = vdupq_n_f32(0.001f);
    float s = 0;

    for (int i = 0; i < CHAINS; i++)
        a[i] = vdupq_n_f32((float)i);
    for (int n = 0; n < steps; n++)
        UNROLLED for (int i = 0; i < CHAINS; i++)
            a[i] = vfmaq_f32(c, a[i], m);
    for (int i = 0; i < CHAINS; i++)
        s += vgetq_lane_f32(a[i], 0);
    return s;
}

static int has_dotprod(void)
{
    return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
}

static int has_i8mm(void)
{
    return (getauxval(AT_HWCAP2) & HWCAP2_I8MM) != 0;
}

/* Written as assembly: not every compiler offers these instructions to single functions, and the
 * rest of this file is for any CPU. */
#define INT8_NEON(name, instruction)                                                               \
    static float int8_##name(int steps)                                                            \
    {                                                                                              \
        int32x4_t a[CHAINS];                                                                       \
        int8x16_t x = vdupq_n_s8(3), y = vdupq_n_s8(1);                                            \
        int s = 0;                                                                                 \
        for (int i = 0; i < CHAINS; i++)                                                           \
            a[i] = vdupq_n_s32(i);                                                                 \
        for (int n = 0; n < steps; n++)                                                            \
            UNROLLED for (int i = 0; i < CHAINS; i++)                                              \
                __asm__(".arch armv8.2-a+dotprod+i8mm\n\t" instruction " %0.4s, %1.16b, %2.16b"    \
                        : "+w"(a[i])                                                               \
                        : "w"(x), "w"(y));                                                         \
        for (int i = 0; i < CHAINS; i++)                                                           \
            s ^= vgetq_lane_s32(a[i], 0);                                                          \
        return (float)s;                                                                           \
    }
INT8_NEON(dotprod, "sdot")
INT8_NEON(i8mm, "smmla")
#endif

static const struct unit fma_units[] = {
#if defined(__x86_64__)
    {"avx512", 16, has_avx512, fma_avx512},
    {"avx2", 8, has_avx2, fma_avx2},
#elif defined(__aarch64__)
    {"neon", 4, always, fma_neon},
#endif
    {"scalar", 1, always, fma_scalar},
};

/* Of signed with unsigned bytes, as the kernels of `fast` use them. */
static const struct unit int8_units[] = {
#if defined(__x86_64__)
    {"avx512vnni", 64, has_vnni, int8_vnni},
    {"avx2", 32, has_avx2, int8_avx2},
#elif defined(__aarch64__)
    {"neon-i8mm", 32, has_i8mm, int8_i8mm},
    {"neon-dotprod", 16, has_dotprod, int8_dotprod},
#endif
    {NULL, 0, always, NULL},
};

static const struct unit *best_of_units(const struct unit *u)
{
    while (!u->usable())
        u++; /* the last one always is */
    return u;
}

/* --- threads ------------------------------------------------------------------------------ */

struct worker {
    const struct unit *unit; /* NULL: read memory */
    const uint64_t *words;
    size_t n;
    double seconds;
    volatile double result; /* so that the work cannot be left out */
};

struct crew {
    struct pool *pool;
    struct worker *workers;
};

static uint64_t read_words(const uint64_t *w, size_t n)
{
    uint64_t s[8] = {0};

    for (size_t i = 0; i + 8 <= n; i += 8)
        for (int k = 0; k < 8; k++)
            s[k] += w[i + k];
    return s[0] + s[1] + s[2] + s[3] + s[4] + s[5] + s[6] + s[7];
}

static void work(void *arg, int i)
{
    struct crew *crew = arg;
    struct worker *w = &crew->workers[i];
    double start;

    pool_barrier(crew->pool);
    start = meter_clock_s();
    if (w->unit)
        w->result = (double)w->unit->run(STEPS);
    else
        w->result = (double)read_words(w->words, w->n);
    w->seconds = meter_clock_s() - start;
}

/* All workers at once; their work per second is the sum of each one's own. */
static double best_of_rounds(struct crew *crew, double work_each, double rates[PEAK_ROUNDS])
{
    double best = 0;

    for (int round = 0; round < PEAK_ROUNDS; round++) {
        double now = 0;
        pool_run(crew->pool, work, crew);
        for (int i = 0; i < pool_threads(crew->pool); i++)
            now += work_each / crew->workers[i].seconds;
        best = now > best ? now : best;
        rates[round] = now;
    }
    return best;
}

static double products_of(struct crew *crew, const struct unit *unit)
{
    double rates[PEAK_ROUNDS];

    for (int i = 0; i < pool_threads(crew->pool); i++)
        crew->workers[i].unit = unit;
    return best_of_rounds(crew, 2.0 * unit->products * CHAINS * STEPS, rates);
}

int peak_measure(struct peak *out, int threads, struct err *e)
{
    const struct unit *unit = best_of_units(fma_units), *int8 = best_of_units(int8_units);
    size_t block = (size_t)BLOCK_MB << 20, words;
    struct crew crew = {0};
    uint64_t *memory = NULL;
    int rc = -1;

    if (pool_open(&crew.pool, threads, e) < 0)
        return -1;
    *out = (struct peak){.threads = pool_threads(crew.pool), .unit = unit->name,
                         .int8_unit = int8->name, .int8_s = NAN};
    crew.workers = mem_calloc((size_t)out->threads, sizeof *crew.workers);
    memory = mem_alloc(block);
    if (!crew.workers || !memory) {
        err_nomem(e);
        goto out;
    }
    memset(memory, 1, block);
    words = block / sizeof *memory / (size_t)out->threads;
    for (int i = 0; i < out->threads; i++)
        crew.workers[i] = (struct worker){.words = memory + (size_t)i * words, .n = words};
    out->block_bytes = (double)(words * sizeof *memory * (size_t)out->threads);
    out->bytes_s = best_of_rounds(&crew, (double)(words * sizeof *memory), out->read_s);
    for (int i = 0; i < PEAK_ROUNDS; i++)
        out->read_s[i] = out->block_bytes / out->read_s[i];
    out->flop_s = products_of(&crew, unit);
    if (int8->run)
        out->int8_s = products_of(&crew, int8);
    rc = 0;
out:
    pool_close(crew.pool);
    mem_free(memory);
    mem_free(crew.workers);
    return rc;
}
