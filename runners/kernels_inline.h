/* kernels_inline.h -- what makes one function of many small ones in the tables of kernels.h. */
#ifndef RUNNERS_KERNELS_INLINE_H
#define RUNNERS_KERNELS_INLINE_H

#define INLINE static inline __attribute__((always_inline))
/* Before a loop of constant length: arrays of vectors are registers only once it is unrolled. */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

#endif
