/* opencl_source.c -- the kernels' text inside the program.  The Makefile joins opencl_args.h and
 * opencl_kernels.cl into the file that OPENCL_SOURCE names. */
#include "runners/opencl.h"

__asm__(".pushsection .rodata\n"
        ".hidden opencl_source_begin\n"
        ".hidden opencl_source_end\n"
        ".global opencl_source_begin, opencl_source_end\n"
        "opencl_source_begin:\n"
        ".incbin \"" OPENCL_SOURCE "\"\n"
        "opencl_source_end:\n"
        ".byte 0\n"
        ".popsection\n");
