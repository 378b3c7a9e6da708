/* fast_avx2.c -- the kernels of fast.h with AVX2 and FMA.
 *
 * VPMADDUBSW multiplies unsigned codes with the activations broadcast from memory and adds pairs in
 * 16 bits.  Nothing saturates: a pair is at most 2 * 127 * code, so 8 vectors of 4-bit codes, 4 of
 * 5-bit and 2 of 6-bit ones fit before they must be widened.  8-bit codes do not fit once; there
 * |w| meets the activation with the sign of w, at most 2 * 128 * 127, which is widened at once and
 * needs no bias. */
#include "runners/fast.h"

#if defined(__x86_64__)
#include <cpuid.h>

#define YMM_SIGNED 1
#define YMM_NAME "avx2"
#define YMM_TABLE fast_avx2
#include "runners/fast_ymm.h"

static int usable(void)
{
    unsigned a, b, c, d;

    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C); /* not all compilers know "f16c" */
}

/* Compilers make trees of sums that they know, and then have no registers for them. */
INLINE __m256i add16(__m256i sum, __m256i x)
{
    __asm__("vpaddw %1, %0, %0" : "+x"(sum) : "x"(x));
    return sum;
}

INLINE __m256i add32(__m256i sum, __m256i x)
{
    __asm__("vpaddd %1, %0, %0" : "+x"(sum) : "x"(x));
    return sum;
}

/* Adds vectors from .. from+n-1 of group g to the 32-bit sums, n of them at most as many as 16 bits
 * can take; FAST_8: n is 1. */
INLINE void add_vectors(enum fast_bits bits, int is_flat, __m256i isum[COLS][2], int cols,
                        const struct fast_tile *t, const uint8_t *group, int g, int from, int n)
{
    const __m256i ones = _mm256_set1_epi16(1);
    __m256i pairs[COLS][2];

    UNROLL for (int j = from; j < from + n; j++) {
        __m256i v[2] = {vector(bits, is_flat, group, j, 0), vector(bits, is_flat, group, j, 1)};

        UNROLL for (int c = 0; c < cols; c++) {
            __m256i q = four_times(fast_block_at(t, c, g)->q + 4 * j);

            UNROLL for (int side = 0; side < 2; side++) {
                __m256i p = bits == FAST_8 ? _mm256_maddubs_epi16(_mm256_abs_epi8(v[side]),
                                                                  _mm256_sign_epi8(q, v[side]))
                                           : _mm256_maddubs_epi16(v[side], q);

                pairs[c][side] = j == from ? p : add16(pairs[c][side], p);
            }
        }
    }
    UNROLL for (int c = 0; c < cols; c++) {
        UNROLL for (int side = 0; side < 2; side++) {
            __m256i p = _mm256_madd_epi16(pairs[c][side], ones), sum = isum[c][side];

            isum[c][side] = bits == FAST_8 && from > 0 ? add32(sum, p) : _mm256_add_epi32(sum, p);
        }
    }
}

INLINE void add_codes(enum fast_bits bits, int is_flat, __m256i isum[COLS][2], int cols,
                      const struct fast_tile *t, const uint8_t *group, int g, int from, int n)
{
    const int safe = bits == FAST_4 ? 8 : bits == FAST_5 ? 4 : bits == FAST_6 ? 2 : 1;
    const int each = safe < n ? safe : n;

    UNROLL for (int j = from; j < from + n; j += each)
        add_vectors(bits, is_flat, isum, cols, t, group, g, j, each);
}
#endif
