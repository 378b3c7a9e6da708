/* numerics.h -- the arithmetics of this program by their ids.
 *
 * An id is stored with every result, and its number after the slash changes when the same input
 * would have other bits.  A plug-in names its own. */
#ifndef RUNNERS_NUMERICS_H
#define RUNNERS_NUMERICS_H

enum numerics {
    NUMERICS_EXACT, /* float32, every sum's order defined: engine_design.md section 2, kernels.h */
    NUMERICS_FAST,  /* 8-bit activations: fast.h */
    NUMERICS_OPENCL,
    NUMERICS_CUDA,
    NUMERICS_KINDS
};

const char *numerics_id(enum numerics n); /* "exact/1", ... */

#endif
