/* numerics.h -- the arithmetics of this program by their ids.
 *
 * An id is stored with every result, and its number after the slash changes when the same input
 * would have other bits.  What the KV cache holds rounds, so that each type of it is an arithmetic
 * of its own.  A plug-in names its own. */
#ifndef RUNNERS_NUMERICS_H
#define RUNNERS_NUMERICS_H

#include "runners/kv_page.h"

enum numerics {
    NUMERICS_EXACT, /* float32, every sum's order defined: engine_design.md section 2, kernels.h */
    NUMERICS_FAST,  /* 8-bit activations: fast.h */
    NUMERICS_OPENCL,
    NUMERICS_CUDA,
    NUMERICS_CUDA_F16, /* products of many columns in float16: cuda_tensor.cuh */
    NUMERICS_KINDS
};

/* "exact/1", "exact-kv-f16/1", ...; NULL: there is no such pair. */
const char *numerics_id(enum numerics n, enum kv_type kv);
/* The pair of an id; -1: none of this program. */
int numerics_find(const char *id, enum numerics *n, enum kv_type *kv);

#endif
