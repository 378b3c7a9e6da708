/* kernels_x86.h -- what the x86 tables share: 16 bytes at a time, for unpacking block formats. */
#ifndef RUNNERS_KERNELS_X86_H
#define RUNNERS_KERNELS_X86_H

#include <immintrin.h>
#include <stdint.h>

#include "runners/kernels_inline.h"

typedef __m128i b16;

INLINE b16 b_load(const uint8_t *p) { return _mm_loadu_si128((const __m128i *)p); }
INLINE b16 b_set(int x) { return _mm_set1_epi8((char)x); }
INLINE b16 b_or(b16 a, b16 b) { return _mm_or_si128(a, b); }
INLINE b16 b_sub(b16 a, b16 b) { return _mm_sub_epi8(a, b); }

/* table[index] of every byte; index < 16 */
INLINE b16 b_lookup(b16 table, b16 index) { return _mm_shuffle_epi8(table, index); }

INLINE b16 b_low(b16 a, int mask) { return _mm_and_si128(a, b_set(mask)); }

/* (a >> n) & mask of every byte; mask < 1 << (8 - n) */
INLINE b16 b_shift(b16 a, int n, int mask)
{
    return b_low(_mm_srli_epi16(a, n), mask);
}

INLINE b16 b_shift_up(b16 a, int n) /* no bit may leave its byte */
{
    return _mm_slli_epi16(a, n);
}

INLINE float half_at(const uint8_t *p)
{
    return _cvtsh_ss((unsigned short)(p[0] | p[1] << 8));
}

#endif
