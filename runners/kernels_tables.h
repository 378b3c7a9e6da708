/* kernels_tables.h -- the tables of kernels.h by name, for kernels.c and the files that fill them.
 *
 * Whether a CPU can run a table is decided in kernels.c: the file that defines the table is
 * compiled for that CPU, and even a function that asks may be compiled to instructions that
 * another CPU lacks. */
#ifndef RUNNERS_KERNELS_TABLES_H
#define RUNNERS_KERNELS_TABLES_H

#include "runners/kernels.h"

extern const struct kernels kernels_ref;
int kernels_ref_usable(void);
#if defined(__x86_64__)
extern const struct kernels kernels_avx2, kernels_avx512;
int kernels_avx2_usable(void);
int kernels_avx512_usable(void);
#elif defined(__aarch64__)
extern const struct kernels kernels_neon;
int kernels_neon_usable(void);
#endif

#endif
