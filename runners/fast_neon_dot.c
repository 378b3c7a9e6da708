/* fast_neon_dot.c -- the kernels of fast.h with ARM's dot product (SDOT): four codes of each of
 * four rows meet four activations that are the same for all rows. */
#include "runners/fast.h"

#if defined(__aarch64__)
#include <sys/auxv.h>

#define NEON_TABLE fast_neon_dot
#define NEON_NAME "neon-dotprod"
#include "runners/fast_neon.h"

static int usable(void)
{
    return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
}

INLINE void add_codes(enum fast_bits bits, int32x4_t sum[COLS][QUARTERS], int cols, int quarters,
                      const uint8_t *group, int first, const int8_t *const q[COLS], int from,
                      int n)
{
    UNROLL for (int j = from; j < from + n; j++) {
        UNROLL for (int i = 0; i < quarters; i++) {
            int8x16_t v = codes(bits, group, j, first + i);

            UNROLL for (int c = 0; c < cols; c++)
                sum[c][i] = vdotq_s32(sum[c][i], v, four_times(q[c] + 4 * j));
        }
    }
}
#endif
