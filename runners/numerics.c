#include "runners/numerics.h"

static const char *const ids[NUMERICS_KINDS] = {
    [NUMERICS_EXACT] = "exact/1",
    [NUMERICS_FAST] = "fast/1",
    [NUMERICS_OPENCL] = "opencl/1",
    [NUMERICS_CUDA] = "cuda/1",
};

const char *numerics_id(enum numerics n)
{
    return ids[n];
}
