#include "runners/numerics.h"

#include <string.h>

static const char *const ids[NUMERICS_KINDS][KV_TYPES] = {
    [NUMERICS_EXACT] = {"exact/1", "exact-kv-f16/1", "exact-kv-q8_0/1"},
    [NUMERICS_FAST] = {"fast/1", "fast-kv-f16/1", "fast-kv-q8_0/1"},
    [NUMERICS_OPENCL] = {"opencl/2"},
    [NUMERICS_CUDA] = {"cuda/2"},
    [NUMERICS_CUDA_F16] = {"cuda-f16/1"},
};

const char *numerics_id(enum numerics n, enum kv_type kv)
{
    return ids[n][kv];
}

int numerics_find(const char *id, enum numerics *n, enum kv_type *kv)
{
    for (*n = 0; *n < NUMERICS_KINDS; ++*n)
        for (*kv = 0; *kv < KV_TYPES; ++*kv)
            if (ids[*n][*kv] && strcmp(ids[*n][*kv], id) == 0)
                return 0;
    return -1;
}
