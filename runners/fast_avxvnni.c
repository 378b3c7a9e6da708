/* fast_avxvnni.c -- the kernels of fast.h with AVX-VNNI: VPDPBUSD in registers of 256 bits, on CPUs
 * without AVX-512.  It takes unsigned codes as they are stored; the sums start where the bias is
 * already undone (fast_layout.h). */
#include "runners/fast.h"

#if defined(__x86_64__) && defined(__AVXVNNI__)
#include <cpuid.h>

#define YMM_SIGNED 0
#define YMM_NAME "avxvnni"
#define YMM_TABLE fast_avxvnni
#include "runners/fast_ymm.h"

enum { AVX_VNNI = 1 << 4 }; /* eax of leaf 7, 1 */

static int usable(void)
{
    unsigned a, b, c, d;

    return fast_avx2.usable() && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & AVX_VNNI);
}

INLINE void add_codes(enum fast_bits bits, int is_flat, __m256i isum[COLS][2], int cols,
                      const struct fast_tile *t, const uint8_t *group, int g, int from, int n)
{
    UNROLL for (int j = from; j < from + n; j++) {
        __m256i v[2] = {vector(bits, is_flat, group, j, 0), vector(bits, is_flat, group, j, 1)};

        UNROLL for (int c = 0; c < cols; c++) {
            __m256i q = four_times(fast_block_at(t, c, g)->q + 4 * j);

            UNROLL for (int side = 0; side < 2; side++)
                isum[c][side] = _mm256_dpbusd_avx_epi32(isum[c][side], v[side], q);
        }
    }
}
#endif
