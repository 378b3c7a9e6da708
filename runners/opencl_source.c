/* opencl_source.c -- the kernels' text inside the program, in both forms.  The Makefile joins
 * opencl_args.h, opencl_kernels.cl and each form into a file whose name OPENCL_SOURCE begins; for
 * CUDA cuda_prelude.cuh and the form for GPUs. */
#include "runners/opencl.h"

#define TEXT(form)                                                                                 \
    ".hidden opencl_" form "_begin, opencl_" form "_end\n"                                         \
    ".global opencl_" form "_begin, opencl_" form "_end\n"                                         \
    "opencl_" form "_begin:\n"                                                                     \
    ".incbin \"" OPENCL_SOURCE form ".cl\"\n"                                                      \
    "opencl_" form "_end:\n"                                                                       \
    ".byte 0\n"

__asm__(".pushsection .rodata\n" TEXT("vector") TEXT("lanes") TEXT("cuda")
        ".popsection\n");
