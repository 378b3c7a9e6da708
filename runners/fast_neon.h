/* fast_neon.h -- the kernels of fast.h for 64-bit ARM, written once for its three ways to multiply
 * bytes: fast_neon.c (any CPU), fast_neon_dot.c (SDOT) and fast_neon_i8mm.c (SMMLA).
 *
 * A tile is 16 rows x up to 6 columns.  One register holds four codes of each of four rows.  Few
 * columns take all 16 rows at once, so that memory is read as it lies; of more columns there are
 * accumulators for 8 rows, and the tile passes twice over its stripe, which then waits in the
 * first cache.  Codes meet activations as signed bytes: those of FAST_8 less 128, for which the
 * integer sums start at zero, all others are below 64.
 *
 * The including file defines
 *   add_codes(bits, sum, cols, quarters, group, first, q, from, n)
 *     sum[c][i] += code * q over vectors from .. from+n-1 (n even) of quarter first + i (4 rows),
 *     q[c] the 32 activations of column c; and
 *   NEON_NAME, NEON_TABLE and usable(). */
#ifndef RUNNERS_FAST_NEON_H
#define RUNNERS_FAST_NEON_H

#include <arm_neon.h>
#include <string.h>

#include "runners/fast.h"
#include "runners/fast_tile.h"

enum { COLS = 6, QUARTERS = 4 }; /* of a tile, four rows each */

INLINE void add_codes(enum fast_bits bits, int32x4_t sum[COLS][QUARTERS], int cols, int quarters,
                      const uint8_t *group, int first, const int8_t *const q[COLS], int from,
                      int n);
static int usable(void);

INLINE int8x16_t four_times(const int8_t *q) /* the same four activations for each row */
{
    int32_t four;

    memcpy(&four, q, sizeof four);
    return vreinterpretq_s8_s32(vdupq_n_s32(four));
}

/* ---- activations ------------------------------------------------------------------------- */

INLINE float32x4_t clamp(float32x4_t v) /* a NaN becomes -127 */
{
    const float32x4_t most = vdupq_n_f32(127.0f), least = vdupq_n_f32(-127.0f);

    v = vbslq_f32(vcgtq_f32(v, least), v, least);
    return vbslq_f32(vcltq_f32(v, most), v, most);
}

/* x * id to 16 codes of q; their sum. */
INLINE int32_t round_half(int8_t *q, const float *x, float id)
{
    int16x4_t n[4];
    int8x16_t bytes;

    UNROLL for (int i = 0; i < 4; i++)
        n[i] = vmovn_s32(vcvtnq_s32_f32(clamp(vmulq_n_f32(vld1q_f32(x + 4 * i), id))));
    bytes = vcombine_s8(vmovn_s16(vcombine_s16(n[0], n[1])), vmovn_s16(vcombine_s16(n[2], n[3])));
    vst1q_s8(q, bytes);
    return vaddlvq_s8(bytes);
}

static void quantise(void *act_row, const float *x, int k)
{
    const uint32x4_t magnitude = vdupq_n_u32(0x7fffffff);
    struct fast_block *b = act_row;

    for (int i = 0; i < k / FAST_BLOCK; i++, b++, x += FAST_BLOCK) {
        uint32x4_t most = vdupq_n_u32(0);
        float amax, id;
        uint32_t bits;
        int32_t sum[2];

        for (int j = 0; j < FAST_BLOCK; j += 4) {
            uint32x4_t v = vreinterpretq_u32_f32(vld1q_f32(x + j));

            most = vmaxq_u32(most, vandq_u32(v, magnitude));
        }
        bits = vmaxvq_u32(most);
        memcpy(&amax, &bits, sizeof amax);
        id = amax > 0 ? 127.0f / amax : 0.0f;
        sum[0] = round_half(b->q, x, id);
        sum[1] = round_half(b->q + 16, x + 16, id);
        fast_block_finish(b, amax, sum);
    }
}

/* ---- codes ------------------------------------------------------------------------------- */

INLINE uint8x16_t shifted(uint8x16_t v, int left)
{
    return vshlq_u8(v, vdupq_n_s8((int8_t)left));
}

/* Rows 4 * quarter .. + 3 of vector j of a group. */
INLINE int8x16_t codes(enum fast_bits bits, const uint8_t *group, int j, int quarter)
{
    const uint8_t *low = group + fast_group_bytes(bits) - 256;
    uint8x16_t v, h;

    group += 16 * quarter;
    if (bits == FAST_8)
        return vreinterpretq_s8_u8(veorq_u8(vld1q_u8(group + 64 * j), vdupq_n_u8(0x80)));
    v = vld1q_u8(low + 64 * (j % 4) + 16 * quarter);
    v = j < 4 ? vandq_u8(v, vdupq_n_u8(15)) : vshrq_n_u8(v, 4);
    if (bits == FAST_5) {
        h = vandq_u8(shifted(vld1q_u8(group), 4 - j), vdupq_n_u8(16));
        v = vorrq_u8(v, h);
    }
    if (bits == FAST_6) {
        h = shifted(vld1q_u8(group + 64 * (j / 4)), 4 - j % 4 * 2);
        v = vorrq_u8(v, vandq_u8(h, vdupq_n_u8(48)));
    }
    return vreinterpretq_s8_u8(v);
}

INLINE float32x4_t halves(const uint8_t *p)
{
    return vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(p)));
}

INLINE float32x4_t unsigned_bytes(const uint8_t *p)
{
    uint32_t four;

    memcpy(&four, p, sizeof four);
    return vcvtq_f32_u32(vmovl_u16(vget_low_u16(vmovl_u8(vcreate_u8(four)))));
}

INLINE float32x4_t signed_bytes(const uint8_t *p)
{
    uint32_t four;

    memcpy(&four, p, sizeof four);
    return vcvtq_f32_s32(vmovl_s16(vget_low_s16(vmovl_s8(vcreate_s8(four)))));
}

/* w of the hth half of group g (only FAST_K_D has two). */
INLINE float32x4_t scale(enum fast_bits bits, enum fast_scales kind, const uint8_t *stripe, int g,
                         int h, int quarter)
{
    float32x4_t d = halves(stripe + fast_d_at(bits, kind, g) + 8 * quarter);
    const uint8_t *sub = stripe + fast_sub_at(bits, kind, g) + 4 * quarter;

    if (kind == FAST_K_D_M)
        return vmulq_f32(d, unsigned_bytes(sub));
    if (kind == FAST_K_D)
        return vmulq_f32(d, signed_bytes(sub + 16 * h));
    return d;
}

/* m of group g; FAST_K_D_M: -m. */
INLINE float32x4_t minimum(enum fast_bits bits, enum fast_scales kind, const uint8_t *stripe,
                           int g, int quarter)
{
    float32x4_t m = halves(stripe + fast_d_at(bits, kind, g) + 32 + 8 * quarter);
    const uint8_t *sub = stripe + fast_sub_at(bits, kind, g) + 16 + 4 * quarter;

    return kind == FAST_K_D_M ? vmulq_f32(m, unsigned_bytes(sub)) : m;
}

/* What the integer sums of a column start from. */
INLINE int32_t start(enum fast_bits bits, enum fast_bias bias, const struct fast_block *b, int h)
{
    if (bias == FAST_BIAS_NONE || bits == FAST_8)
        return 0;
    return bias == FAST_BIAS_HALVES ? b->half[h] : b->start[bias];
}

/* ---- tiles ------------------------------------------------------------------------------- */

/* The hth of `parts` parts of group g: integers, then their scales; quarters from `first` on. */
INLINE void add_part(enum fast_bits bits, enum fast_bias bias, enum fast_scales kind, int cols,
                     int quarters, const struct fast_tile *t, float32x4_t acc[COLS][QUARTERS],
                     int first, int g, int h)
{
    const int each = kind == FAST_K_D ? 4 : 8;
    const uint8_t *group = t->stripe + fast_codes_at(bits, kind, g);
    const int8_t *q[COLS];
    int32x4_t sum[COLS][QUARTERS];

    UNROLL for (int c = 0; c < cols; c++) {
        const struct fast_block *b = fast_block_at(t, c, g);

        q[c] = b->q;
        UNROLL for (int i = 0; i < quarters; i++)
            sum[c][i] = vdupq_n_s32(start(bits, bias, b, h));
    }
    add_codes(bits, sum, cols, quarters, group, first, q, h * each, each);
    UNROLL for (int i = 0; i < quarters; i++) {
        float32x4_t w = scale(bits, kind, t->stripe, g, h, first + i);

        UNROLL for (int c = 0; c < cols; c++)
            acc[c][i] = vfmaq_f32(acc[c][i], vcvtq_f32_s32(sum[c][i]),
                                  vmulq_n_f32(w, fast_block_at(t, c, g)->d));
    }
}

INLINE void add_minimum(enum fast_bits bits, enum fast_scales kind, int cols, int quarters,
                        const struct fast_tile *t, float32x4_t acc[COLS][QUARTERS], int first,
                        int g)
{
    UNROLL for (int i = 0; i < quarters; i++) {
        float32x4_t m = minimum(bits, kind, t->stripe, g, first + i);

        UNROLL for (int c = 0; c < cols; c++) {
            float32x4_t s = vdupq_n_f32(fast_block_at(t, c, g)->s);

            acc[c][i] = kind == FAST_D_M ? vfmaq_f32(acc[c][i], m, s) : vfmsq_f32(acc[c][i], m, s);
        }
    }
}

INLINE void tile(enum fast_bits bits, enum fast_bias bias, enum fast_scales kind, int cols,
                 const struct fast_tile *t)
{
    const int quarters = cols <= 2 ? 4 : 2, parts = kind == FAST_K_D ? 2 : 1;
    float32x4_t acc[COLS][QUARTERS];

    for (int first = 0; 4 * first < t->rows; first += quarters) {
        int rows = t->rows - 4 * first < 4 * quarters ? t->rows - 4 * first : 4 * quarters;

        UNROLL for (int c = 0; c < cols; c++)
            UNROLL for (int i = 0; i < quarters; i++)
                acc[c][i] = vdupq_n_f32(0);
        for (int g = 0; g < t->groups; g++) {
            UNROLL for (int h = 0; h < parts; h++)
                add_part(bits, bias, kind, cols, quarters, t, acc, first, g, h);
            if (kind == FAST_D_M || kind == FAST_K_D_M)
                add_minimum(bits, kind, cols, quarters, t, acc, first, g);
        }
        UNROLL for (int c = 0; c < cols; c++) {
            float whole[FAST_ROWS];

            UNROLL for (int i = 0; i < quarters; i++)
                vst1q_f32(whole + 4 * i, acc[c][i]);
            memcpy(t->out + (size_t)c * t->ldo + 4 * first, whole, (size_t)rows * sizeof *whole);
        }
    }
}

#define TILES(name, bits, bias, scales)                                                            \
    FAST_TILE(name, bits, bias, scales, 1)                                                         \
    FAST_TILE(name, bits, bias, scales, 2)                                                         \
    FAST_TILE(name, bits, bias, scales, 3)                                                         \
    FAST_TILE(name, bits, bias, scales, 4)                                                         \
    FAST_TILE(name, bits, bias, scales, 5)                                                         \
    FAST_TILE(name, bits, bias, scales, 6)
#define ROW(name, bits, bias, scales)                                                              \
    [bits][scales] = {name##_1, name##_2, name##_3, name##_4, name##_5, name##_6},

FAST_FORMATS(TILES)

static fast_tile_fn *const tiles[4][4][COLS] = {FAST_FORMATS(ROW)};

static void gemm(int quant_type, float *out, size_t ldo, const void *stripes, int rows,
                 const void *acts, int cols, int k)
{
    fast_walk(&tiles[0][0][0], COLS, quant_type, out, ldo, stripes, rows, acts, cols, k);
}

const struct fast_kernels NEON_TABLE = {NEON_NAME, usable, quantise, gemm};

#endif
