/* fast_neon_i8mm.c -- the kernels of fast.h with ARM's 8-bit matrix multiply (SMMLA): two rows x
 * two columns of eight products each.  Codes of two vectors are interleaved to eight of one row,
 * which two columns share; an odd column is left to the dot product, which each such CPU has. */
#include "runners/fast.h"

#if defined(__aarch64__)
#include <sys/auxv.h>

#define NEON_TABLE fast_neon_i8mm
#define NEON_NAME "neon-i8mm"
#include "runners/fast_neon.h"

static int usable(void)
{
    return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0 &&
           (getauxval(AT_HWCAP2) & HWCAP2_I8MM) != 0;
}

INLINE int8x16_t zip_low(int8x16_t a, int8x16_t b) /* rows 0 and 1, eight codes each */
{
    return vreinterpretq_s8_s32(vzip1q_s32(vreinterpretq_s32_s8(a), vreinterpretq_s32_s8(b)));
}

INLINE int8x16_t zip_high(int8x16_t a, int8x16_t b) /* rows 2 and 3 */
{
    return vreinterpretq_s8_s32(vzip2q_s32(vreinterpretq_s32_s8(a), vreinterpretq_s32_s8(b)));
}

/* [row 0: both columns][row 1: both columns], and rows 2 and 3, of a pair of columns */
struct pair {
    int32x4_t low, high;
};

INLINE void add_codes(enum fast_bits bits, int32x4_t sum[COLS][QUARTERS], int cols, int quarters,
                      const uint8_t *group, int first, const int8_t *const q[COLS], int from,
                      int n)
{
    struct pair pair[COLS / 2][QUARTERS];

    UNROLL for (int c = 0; c + 1 < cols; c += 2)
        UNROLL for (int i = 0; i < quarters; i++)
            pair[c / 2][i] = (struct pair){vzip1q_s32(sum[c][i], sum[c + 1][i]),
                                           vzip2q_s32(sum[c][i], sum[c + 1][i])};
    UNROLL for (int j = from; j < from + n; j += 2) {
        UNROLL for (int i = 0; i < quarters; i++) {
            int8x16_t v = codes(bits, group, j, first + i);
            int8x16_t w = codes(bits, group, j + 1, first + i);
            int8x16_t low = zip_low(v, w), high = zip_high(v, w);

            UNROLL for (int c = 0; c + 1 < cols; c += 2) {
                struct pair *p = &pair[c / 2][i];
                int8x16_t a = vcombine_s8(vld1_s8(q[c] + 4 * j), vld1_s8(q[c + 1] + 4 * j));

                p->low = vmmlaq_s32(p->low, low, a);
                p->high = vmmlaq_s32(p->high, high, a);
            }
            if (cols % 2 == 1) {
                int32x4_t *last = &sum[cols - 1][i];

                *last = vdotq_s32(*last, v, four_times(q[cols - 1] + 4 * j));
                *last = vdotq_s32(*last, w, four_times(q[cols - 1] + 4 * j + 4));
            }
        }
    }
    UNROLL for (int c = 0; c + 1 < cols; c += 2)
        UNROLL for (int i = 0; i < quarters; i++) {
            struct pair *p = &pair[c / 2][i];

            sum[c][i] = vuzp1q_s32(p->low, p->high);
            sum[c + 1][i] = vuzp2q_s32(p->low, p->high);
        }
}
#endif
