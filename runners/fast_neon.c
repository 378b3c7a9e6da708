/* fast_neon.c -- the kernels of fast.h for any 64-bit ARM CPU: products of bytes in 16 bits, of
 * which two fit (2 * 128 * 127), then pairs of these to 32. */
#include "runners/fast.h"

#if defined(__aarch64__)
#define NEON_TABLE fast_neon
#define NEON_NAME "neon"
#include "runners/fast_neon.h"

static int usable(void)
{
    return 1;
}

INLINE void add_codes(enum fast_bits bits, int32x4_t sum[COLS][QUARTERS], int cols, int quarters,
                      const uint8_t *group, int first, const int8_t *const q[COLS], int from,
                      int n)
{
    UNROLL for (int j = from; j < from + n; j++) {
        UNROLL for (int i = 0; i < quarters; i++) {
            int8x16_t v = codes(bits, group, j, first + i);

            UNROLL for (int c = 0; c < cols; c++) {
                int8x16_t a = four_times(q[c] + 4 * j);
                int16x8_t low = vmull_s8(vget_low_s8(v), vget_low_s8(a));

                sum[c][i] = vpadalq_s16(sum[c][i], vpaddq_s16(low, vmull_high_s8(v, a)));
            }
        }
    }
}
#endif
