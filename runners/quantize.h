/* quantize.h -- writes the block formats: rows of floats to blocks.
 *
 * Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, TQ1_0, TQ2_0, Q1_0, Q2_0, MXFP4, F16 and BF16 round each block to
 * nearest as engine.md 2.5 says, which gives the very bytes of llama.cpp.  The K-quants and IQ
 * formats are least-squares searches of our own, so not theirs byte by byte, but no worse. */
#ifndef RUNNERS_QUANTIZE_H
#define RUNNERS_QUANTIZE_H

#include <stddef.h>

#include "base/err.h"

/* Keeps the search tables of the formats with codebooks. */
struct quantizer;

int quantizer_open(struct quantizer **out, struct err *e);
void quantizer_close(struct quantizer *z); /* NULL is fine */

/* Before the first row of a type (enum quant_type).  ERR_UNSUPPORTED: it is not written. */
int quantizer_prepare(struct quantizer *z, int type, struct err *e);

/* blocks from x[0..n), n a multiple of the block.  importance: NULL, or how much an error in each
 * of the n values matters, each finite and above 0.  -1: a value is not finite, or too large for
 * the half precision that the format keeps its scales in.  Any thread. */
int quantizer_row(const struct quantizer *z, int type, void *blocks, const float *x,
                  const float *importance, size_t n);

/* The same without importance, for types that need no tables; -1 for the others too. */
int quantize_row(int type, void *blocks, const float *x, size_t n);

#endif
