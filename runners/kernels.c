/* kernels.c -- which table of kernels this CPU can run. */
#include "runners/kernels_tables.h"

#include <string.h>

static const struct kernels *const tables[] = {
#if defined(__x86_64__)
    &kernels_avx512,
    &kernels_avx2,
#elif defined(__aarch64__)
    &kernels_neon,
#endif
    &kernels_ref,
};

int kernels_ref_usable(void)
{
    return 1;
}

#if defined(__x86_64__)
/* Every CPU with AVX2 and FMA also converts halves (F16C), which not every compiler can ask for. */
int kernels_avx2_usable(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

int kernels_avx512_usable(void)
{
    return kernels_avx2_usable() && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}
#elif defined(__aarch64__)
int kernels_neon_usable(void) /* part of every 64-bit ARM CPU */
{
    return 1;
}
#endif

const struct kernels *kernels_at(int i)
{
    return i >= 0 && (size_t)i < sizeof tables / sizeof tables[0] ? tables[i] : NULL;
}

const struct kernels *kernels_best(void)
{
    int i = 0;

    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): i stays below the length of tables */
    while (!tables[i]->usable())
        i++;
    return tables[i]; /* the last one always is */
}

const struct kernels *kernels_find(const char *name)
{
    for (int i = 0; kernels_at(i); i++)
        /* i stays below the length of tables:
         * NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
        if (strcmp(tables[i]->name, name) == 0)
            return tables[i]->usable() ? tables[i] : NULL;
    return NULL;
}
