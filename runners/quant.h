/* quant.h -- block formats: how many bytes, and how to make floats of them (engine.md 1.5, 2).
 *
 * unpack is the definition: plain C, exact, the truth that the SIMD unpackers are tested against.
 * A row always starts at a block boundary.  Pure functions, any thread. */
#ifndef RUNNERS_QUANT_H
#define RUNNERS_QUANT_H

#include <stddef.h>
#include <stdint.h>

enum quant_type { /* ids as in the file */
    QUANT_F32 = 0, QUANT_F16 = 1, QUANT_Q4_0 = 2, QUANT_Q4_1 = 3, QUANT_Q5_0 = 6, QUANT_Q5_1 = 7,
    QUANT_Q8_0 = 8, QUANT_Q2_K = 10, QUANT_Q3_K = 11, QUANT_Q4_K = 12, QUANT_Q5_K = 13,
    QUANT_Q6_K = 14, QUANT_IQ2_XXS = 16, QUANT_IQ2_XS = 17, QUANT_IQ3_XXS = 18, QUANT_IQ1_S = 19,
    QUANT_IQ4_NL = 20, QUANT_IQ3_S = 21, QUANT_IQ2_S = 22, QUANT_IQ4_XS = 23, QUANT_I8 = 24,
    QUANT_I16 = 25, QUANT_I32 = 26, QUANT_I64 = 27, QUANT_F64 = 28, QUANT_IQ1_M = 29,
    QUANT_BF16 = 30, QUANT_TQ1_0 = 34, QUANT_TQ2_0 = 35, QUANT_MXFP4 = 39, QUANT_NVFP4 = 40,
    QUANT_Q1_0 = 41, QUANT_Q2_0 = 42,
};

struct quant {
    int type;
    const char *name; /* "Q4_K" */
    int block;        /* elements per block */
    int bytes;        /* bytes per block */
    /* y[0..n) from n/block blocks; n is a multiple of block. */
    void (*unpack)(float *y, const void *blocks, size_t n);
};

const struct quant *quant_find(int type); /* NULL: unknown or not supported */
const struct quant *quant_at(size_t i); /* row i of the table, by id; NULL after the last */
const struct quant *quant_by_name(const char *name, size_t n); /* any case */
const char *quant_why_not(int type); /* why quant_find gave NULL, for an error line */
/* Bytes of n elements; n is a multiple of block. */
size_t quant_bytes(const struct quant *q, size_t n);

float half_to_float(uint16_t h);
uint16_t float_to_half(float f); /* round to nearest even */

#endif
