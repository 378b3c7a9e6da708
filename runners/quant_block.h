/* quant_block.h -- shared by the files that unpack blocks: bytes to numbers, and the unpackers that
 * the table of quant.c names. */
#ifndef RUNNERS_QUANT_BLOCK_H
#define RUNNERS_QUANT_BLOCK_H

#include "runners/quant.h"

static inline unsigned quant_u16(const uint8_t *p)
{
    return (unsigned)(p[0] | p[1] << 8);
}

static inline uint32_t quant_u32(const uint8_t *p)
{
    return quant_u16(p) | (uint32_t)quant_u16(p + 2) << 16;
}

static inline float quant_half(const uint8_t *p)
{
    return half_to_float((uint16_t)quant_u16(p));
}

/* The scale of NVFP4, halved because its table holds doubled values; 0..127, no sign. */
float quant_e4m3_half(uint8_t x);

/* quant_low.c: three values and fewer, and the four-bit float with scales in eight */
void quant_unpack_tq1_0(float *y, const void *blocks, size_t n);
void quant_unpack_tq2_0(float *y, const void *blocks, size_t n);
void quant_unpack_q1_0(float *y, const void *blocks, size_t n);
void quant_unpack_q2_0(float *y, const void *blocks, size_t n);
void quant_unpack_nvfp4(float *y, const void *blocks, size_t n);

/* quant_iq.c: entries of codebooks */
void quant_unpack_iq1_s(float *y, const void *blocks, size_t n);
void quant_unpack_iq1_m(float *y, const void *blocks, size_t n);
void quant_unpack_iq2_xxs(float *y, const void *blocks, size_t n);
void quant_unpack_iq2_xs(float *y, const void *blocks, size_t n);
void quant_unpack_iq2_s(float *y, const void *blocks, size_t n);
void quant_unpack_iq3_xxs(float *y, const void *blocks, size_t n);
void quant_unpack_iq3_s(float *y, const void *blocks, size_t n);

extern const int8_t quant_iq4_values[16];   /* IQ4_NL, IQ4_XS */
extern const int8_t quant_mxfp4_values[16]; /* MXFP4 and NVFP4: E2M1, doubled */

#endif
