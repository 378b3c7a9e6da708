/* quantize_block.h -- shared by the files that write blocks: one block each.
 *
 * x: the values, finite, and where squares are summed not so large that these overflow; w: their
 * importance, each above 0.  The result is 0, or -1 when a scale is out of the range of half
 * precision. */
#ifndef RUNNERS_QUANTIZE_BLOCK_H
#define RUNNERS_QUANTIZE_BLOCK_H

#include <stdint.h>

struct grids; /* quantize_grid.h */

void quantize_put_half(uint8_t *p, float f);
int quantize_fits_half(float f); /* rounds to a finite half */
/* Writes f as a half and gives back what it became; *fits is cleared when it has no finite one. */
float quantize_rounded_half(uint8_t *p, float f, int *fits);

/* quantize_nearest.c; the first few need no importance */
int quantize_f32(uint8_t *b, const float *x);
int quantize_f16(uint8_t *b, const float *x);
int quantize_bf16(uint8_t *b, const float *x);
int quantize_q8_0(uint8_t *b, const float *x);
int quantize_q4_0(uint8_t *b, const float *x);
int quantize_q4_1(uint8_t *b, const float *x);
int quantize_q5_0(uint8_t *b, const float *x);
int quantize_q5_1(uint8_t *b, const float *x);
int quantize_tq1_0(uint8_t *b, const float *x);
int quantize_tq2_0(uint8_t *b, const float *x);
int quantize_q1_0(uint8_t *b, const float *x);
int quantize_q2_0(uint8_t *b, const float *x);
int quantize_mxfp4(uint8_t *b, const float *x);
int quantize_weighted_q4_0(uint8_t *b, const float *x, const float *w, const struct grids *g);
int quantize_weighted_q4_1(uint8_t *b, const float *x, const float *w, const struct grids *g);
int quantize_weighted_q5_0(uint8_t *b, const float *x, const float *w, const struct grids *g);
int quantize_weighted_q5_1(uint8_t *b, const float *x, const float *w, const struct grids *g);

/* quantize_k.c */
int quantize_q2_k(uint8_t *b, const float *x, const float *w, const struct grids *g);
int quantize_q3_k(uint8_t *b, const float *x, const float *w, const struct grids *g);
int quantize_q4_k(uint8_t *b, const float *x, const float *w, const struct grids *g);
int quantize_q5_k(uint8_t *b, const float *x, const float *w, const struct grids *g);
int quantize_q6_k(uint8_t *b, const float *x, const float *w, const struct grids *g);

/* quantize_iq4.c */
int quantize_iq4_nl(uint8_t *b, const float *x, const float *w, const struct grids *g);
int quantize_iq4_xs(uint8_t *b, const float *x, const float *w, const struct grids *g);

/* quantize_iq.c; g holds the codebook of the type */
int quantize_iq1_s(uint8_t *b, const float *x, const float *w, const struct grids *g);
int quantize_iq1_m(uint8_t *b, const float *x, const float *w, const struct grids *g);
int quantize_iq2_xxs(uint8_t *b, const float *x, const float *w, const struct grids *g);
int quantize_iq2_xs(uint8_t *b, const float *x, const float *w, const struct grids *g);
int quantize_iq2_s(uint8_t *b, const float *x, const float *w, const struct grids *g);
int quantize_iq3_xxs(uint8_t *b, const float *x, const float *w, const struct grids *g);
int quantize_iq3_s(uint8_t *b, const float *x, const float *w, const struct grids *g);

#endif
