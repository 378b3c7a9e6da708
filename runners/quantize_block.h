/* quantize_block.h -- shared by quantize.c and quantize_k.c: one block each. */
#ifndef RUNNERS_QUANTIZE_BLOCK_H
#define RUNNERS_QUANTIZE_BLOCK_H

#include <stdint.h>

void quantize_put_half(uint8_t *p, float f);
int quantize_fits_half(float f); /* rounds to a finite half */

/* 256 finite values to one block.  -1: a scale is out of the range of half precision. */
int quantize_block_q4_k(uint8_t *b, const float *x);
int quantize_block_q6_k(uint8_t *b, const float *x);

#endif
