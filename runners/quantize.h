/* quantize.h -- writes the block formats: rows of floats to blocks, and whole files to other files.
 *
 * Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, F16 and BF16 round each block to nearest as engine.md 2.5 says,
 * which gives the very bytes of llama.cpp. */
#ifndef RUNNERS_QUANTIZE_H
#define RUNNERS_QUANTIZE_H

#include <stddef.h>

#include "base/err.h"

int quantize_supports(int type); /* enum quant_type */

/* blocks from x[0..n), n a multiple of the block.  -1: a value is not finite, or too large for the
 * half precision that the format keeps its scales in. */
int quantize_row(int type, void *blocks, const float *x, size_t n);

#endif
