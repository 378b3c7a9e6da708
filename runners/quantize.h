/* quantize.h -- writes the block formats: rows of floats to blocks, and whole files to other files.
 *
 * Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, F16 and BF16 round each block to nearest as engine.md 2.5 says,
 * which gives the very bytes of llama.cpp.  Q4_K and Q6_K are a least-squares search of our own,
 * so not theirs byte by byte. */
#ifndef RUNNERS_QUANTIZE_H
#define RUNNERS_QUANTIZE_H

#include <stddef.h>

#include "base/err.h"

int quantize_supports(int type); /* enum quant_type */

/* blocks from x[0..n), n a multiple of the block.  -1: a value is not finite, or too large for the
 * half precision that the format keeps its scales in. */
int quantize_row(int type, void *blocks, const float *x, size_t n);

/* Writes `in` as `out` with its matrices in `type`, the output matrix in Q6_K where that is more,
 * as llama-quantize has it.  1-D tensors become F32; norms, routers and position tables keep their
 * type; rows that are not whole blocks of the type get the one that engine.md 2.5 names instead.
 * Keys are copied, but for general.file_type, which becomes the new one, and those of the old
 * file's layout (split.*, general.alignment).  One row is in memory at a time; `out` appears by
 * rename.  A value that no block can hold is ERR_NUMERIC.  progress may be NULL; it sees bytes of
 * the input. */
int quantize_file(const char *in, const char *out, int type,
                  void (*progress)(void *user, size_t done, size_t total), void *user,
                  struct err *e);

#endif
