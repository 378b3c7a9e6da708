/* quant_codebook.h -- the codebooks of IQ1, IQ2 and IQ3 (engine.md 2.4).
 *
 * Element j of an 8-element entry is the level of code (entry >> 2j) & 3, of a 4-element entry that
 * of (entry >> 3j) & 7.  Levels: 8, 25, 43 in g256, g512 and g1024; -1, 0, 1 in g1; 4, 12, 20, 28,
 * 36, 44, 52, 62 in g3x; 1, 3 ... 15 in g3s. */
#ifndef RUNNERS_QUANT_CODEBOOK_H
#define RUNNERS_QUANT_CODEBOOK_H

#include <stdint.h>

extern const uint16_t quant_g256[256];   /* IQ2_XXS */
extern const uint16_t quant_g512[512];   /* IQ2_XS */
extern const uint16_t quant_g1024[1024]; /* IQ2_S */
extern const uint16_t quant_g3x[256];    /* IQ3_XXS */
extern const uint16_t quant_g3s[512];    /* IQ3_S */
extern const uint16_t quant_g1[2048];    /* IQ1_S and IQ1_M */

extern const int8_t quant_levels_2[4]; /* the last has no code */
extern const int8_t quant_levels_1[4];
extern const int8_t quant_levels_3x[8];
extern const int8_t quant_levels_3s[8];

/* The signs of eight elements, of which an even number is negative: seven are stored. */
static inline unsigned quant_signs(unsigned seven)
{
    return seven | (unsigned)__builtin_parity(seven) << 7;
}

#endif
