/* kernels_neon.c -- kernels.h for ARM's NEON (every 64-bit ARM CPU has it): 16 lanes are four
 * registers. */
#include "runners/kernels_tables.h"

#if defined(__aarch64__)

#include <arm_neon.h>
#include <string.h>

#include "runners/kernels_inline.h"

typedef struct {
    float32x4_t r[4]; /* lanes 0..3, 4..7, 8..11, 12..15 */
} vf;
typedef struct {
    uint32x4_t r[4];
} vm, vi;
typedef float32x4_t vr; /* one register: what the tiles of gemm and attend are made of */
typedef uint8x16_t b16;

#define LANES 4
#define EACH(type, op)                                                                             \
    ((type){{op(a.r[0], b.r[0]), op(a.r[1], b.r[1]), op(a.r[2], b.r[2]), op(a.r[3], b.r[3])}})

/* ---- one register ------------------------------------------------------------------------ */

INLINE vr r_set(float x) { return vdupq_n_f32(x); }
INLINE vr r_load(const float *p) { return vld1q_f32(p); }
INLINE void r_store(float *p, vr a) { vst1q_f32(p, a); }
INLINE vr r_add(vr a, vr b) { return vaddq_f32(a, b); }
INLINE vr r_mul(vr a, vr b) { return vmulq_f32(a, b); }
INLINE vr r_fma(vr a, vr b, vr c) { return vfmaq_f32(c, a, b); }
/* The CPU's own minimum and maximum treat NaN and zeros otherwise than fmath.h asks. */
INLINE vr r_min(vr a, vr b) { return vbslq_f32(vcltq_f32(a, b), a, b); }
INLINE vr r_max(vr a, vr b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }

INLINE vr r_load_part(const float *p, int n) /* zeros in the lanes from n on */
{
    float part[4] = {0};

    memcpy(part, p, (size_t)n * sizeof *p);
    return vld1q_f32(part);
}

INLINE void r_store_part(float *p, int n, vr a)
{
    float part[4];

    vst1q_f32(part, a);
    memcpy(p, part, (size_t)n * sizeof *p);
}

/* The tree's last two steps, l with l+2 and l+1, of four sums at once. */
INLINE vr r_sums(vr a, vr b, vr c, vr d)
{
    vr ab = vaddq_f32(vcombine_f32(vget_low_f32(a), vget_low_f32(b)),
                      vcombine_f32(vget_high_f32(a), vget_high_f32(b)));
    vr cd = vaddq_f32(vcombine_f32(vget_low_f32(c), vget_low_f32(d)),
                      vcombine_f32(vget_high_f32(c), vget_high_f32(d)));
    return vpaddq_f32(ab, cd);
}

INLINE void r_sum4(float *out, vr a, vr b, vr c, vr d) { vst1q_f32(out, r_sums(a, b, c, d)); }

INLINE float r_sum(vr a)
{
    return vpadds_f32(vadd_f32(vget_low_f32(a), vget_high_f32(a)));
}

/* ---- sixteen lanes ----------------------------------------------------------------------- */

INLINE vf v_set(float x) { return (vf){{r_set(x), r_set(x), r_set(x), r_set(x)}}; }
INLINE vf v_add(vf a, vf b) { return EACH(vf, vaddq_f32); }
INLINE vf v_sub(vf a, vf b) { return EACH(vf, vsubq_f32); }
INLINE vf v_mul(vf a, vf b) { return EACH(vf, vmulq_f32); }
INLINE vf v_div(vf a, vf b) { return EACH(vf, vdivq_f32); }
INLINE vf v_min(vf a, vf b) { return EACH(vf, r_min); }
INLINE vf v_max(vf a, vf b) { return EACH(vf, r_max); }
INLINE vm v_lt(vf a, vf b) { return EACH(vm, vcltq_f32); }
INLINE vm v_equal(vf a, vf b) { return EACH(vm, vceqq_f32); }

INLINE vf v_load(const float *p)
{
    return (vf){{r_load(p), r_load(p + 4), r_load(p + 8), r_load(p + 12)}};
}

INLINE void v_store(float *p, vf a)
{
    UNROLL
    for (int i = 0; i < 4; i++)
        r_store(p + 4 * i, a.r[i]);
}

INLINE vf v_fma(vf a, vf b, vf c)
{
    UNROLL
    for (int i = 0; i < 4; i++)
        c.r[i] = r_fma(a.r[i], b.r[i], c.r[i]);
    return c;
}

INLINE vf v_abs(vf a)
{
    UNROLL
    for (int i = 0; i < 4; i++)
        a.r[i] = vabsq_f32(a.r[i]);
    return a;
}

INLINE vf v_select(vm m, vf yes, vf no)
{
    UNROLL
    for (int i = 0; i < 4; i++)
        no.r[i] = vbslq_f32(m.r[i], yes.r[i], no.r[i]);
    return no;
}

INLINE vf v_copysign(vf a, vf s)
{
    uint32x4_t sign = vdupq_n_u32(0x80000000u);
    return v_select((vm){{sign, sign, sign, sign}}, s, a);
}

INLINE vm m_of_bits(unsigned bits)
{
    static const uint32_t each[4] = {1, 2, 4, 8};
    uint32x4_t one = vld1q_u32(each), all = vdupq_n_u32(bits);
    return (vm){{vtstq_u32(all, one), vtstq_u32(all, vshlq_n_u32(one, 4)),
                 vtstq_u32(all, vshlq_n_u32(one, 8)), vtstq_u32(all, vshlq_n_u32(one, 12))}};
}

INLINE unsigned m_bits(vm m)
{
    static const uint32_t each[4] = {1, 2, 4, 8};
    uint32x4_t one = vld1q_u32(each);
    uint32x4_t low = vorrq_u32(vandq_u32(m.r[0], one), vandq_u32(m.r[1], vshlq_n_u32(one, 4)));
    uint32x4_t high = vorrq_u32(vandq_u32(m.r[2], vshlq_n_u32(one, 8)),
                                vandq_u32(m.r[3], vshlq_n_u32(one, 12)));
    return vaddvq_u32(vorrq_u32(low, high));
}

INLINE vf v_load_part(const float *p, int n) /* zeros in the lanes from n on */
{
    float part[16] = {0};

    memcpy(part, p, (size_t)n * sizeof *p);
    return v_load(part);
}

INLINE void v_store_part(float *p, int n, vf a)
{
    float part[16];

    v_store(part, a);
    memcpy(p, part, (size_t)n * sizeof *p);
}

INLINE vi v_bits(vf a)
{
    return (vi){{vreinterpretq_u32_f32(a.r[0]), vreinterpretq_u32_f32(a.r[1]),
                 vreinterpretq_u32_f32(a.r[2]), vreinterpretq_u32_f32(a.r[3])}};
}

INLINE vf v_of_bits(vi a)
{
    return (vf){{vreinterpretq_f32_u32(a.r[0]), vreinterpretq_f32_u32(a.r[1]),
                 vreinterpretq_f32_u32(a.r[2]), vreinterpretq_f32_u32(a.r[3])}};
}

INLINE vi i_shift23(vi a)
{
    UNROLL
    for (int i = 0; i < 4; i++)
        a.r[i] = vshlq_n_u32(a.r[i], 23);
    return a;
}

INLINE vr v_to_4(vf a) /* l with l+8, then l+4 */
{
    return vaddq_f32(vaddq_f32(a.r[0], a.r[2]), vaddq_f32(a.r[1], a.r[3]));
}

INLINE float v_sum(vf a) { return r_sum(v_to_4(a)); }

INLINE void v_sum4(float *out, vf a, vf b, vf c, vf d)
{
    r_sum4(out, v_to_4(a), v_to_4(b), v_to_4(c), v_to_4(d));
}

INLINE float v_greatest(vf a) /* no lane is NaN */
{
    return vmaxvq_f32(vmaxq_f32(vmaxq_f32(a.r[0], a.r[1]), vmaxq_f32(a.r[2], a.r[3])));
}

/* ---- 16 bytes at a time ------------------------------------------------------------------ */

INLINE b16 b_load(const uint8_t *p) { return vld1q_u8(p); }
INLINE b16 b_set(int x) { return vdupq_n_u8((uint8_t)x); }
INLINE b16 b_or(b16 a, b16 b) { return vorrq_u8(a, b); }
INLINE b16 b_sub(b16 a, b16 b) { return vsubq_u8(a, b); }
INLINE b16 b_lookup(b16 table, b16 index) { return vqtbl1q_u8(table, index); }
INLINE b16 b_low(b16 a, int mask) { return vandq_u8(a, b_set(mask)); }

/* (a >> n) & mask of every byte */
INLINE b16 b_shift(b16 a, int n, int mask)
{
    return b_low(vshlq_u8(a, vdupq_n_s8((int8_t)-n)), mask);
}

INLINE b16 b_shift_up(b16 a, int n) { return vshlq_u8(a, vdupq_n_s8((int8_t)n)); }

/* `value` in the bytes whose bit is set */
INLINE b16 b_of_bits(unsigned bits, int value)
{
    b16 at = vcombine_u8(vdup_n_u8((uint8_t)bits), vdup_n_u8((uint8_t)(bits >> 8)));
    b16 bit = vreinterpretq_u8_u64(vdupq_n_u64(0x8040201008040201u));
    return vandq_u8(vtstq_u8(at, bit), b_set(value));
}

INLINE vf v_of_i8(b16 b)
{
    int16x8_t low = vmovl_s8(vget_low_s8(vreinterpretq_s8_u8(b)));
    int16x8_t high = vmovl_high_s8(vreinterpretq_s8_u8(b));
    return (vf){{vcvtq_f32_s32(vmovl_s16(vget_low_s16(low))), vcvtq_f32_s32(vmovl_high_s16(low)),
                 vcvtq_f32_s32(vmovl_s16(vget_low_s16(high))),
                 vcvtq_f32_s32(vmovl_high_s16(high))}};
}

INLINE vf v_of_u8(b16 b)
{
    uint16x8_t low = vmovl_u8(vget_low_u8(b)), high = vmovl_high_u8(b);
    return (vf){{vcvtq_f32_u32(vmovl_u16(vget_low_u16(low))), vcvtq_f32_u32(vmovl_high_u16(low)),
                 vcvtq_f32_u32(vmovl_u16(vget_low_u16(high))),
                 vcvtq_f32_u32(vmovl_high_u16(high))}};
}

INLINE float16x8_t halves_at(const uint8_t *p) { return vreinterpretq_f16_u8(vld1q_u8(p)); }

INLINE vf v_of_halves(const uint8_t *p)
{
    float16x8_t low = halves_at(p), high = halves_at(p + 16);
    return (vf){{vcvt_f32_f16(vget_low_f16(low)), vcvt_high_f32_f16(low),
                 vcvt_f32_f16(vget_low_f16(high)), vcvt_high_f32_f16(high)}};
}

INLINE vf v_of_bf16(const uint8_t *p)
{
    uint16x8_t low = vreinterpretq_u16_u8(vld1q_u8(p));
    uint16x8_t high = vreinterpretq_u16_u8(vld1q_u8(p + 16));
    return v_of_bits((vi){{vshll_n_u16(vget_low_u16(low), 16), vshll_high_n_u16(low, 16),
                           vshll_n_u16(vget_low_u16(high), 16), vshll_high_n_u16(high, 16)}});
}

INLINE float half_at(const uint8_t *p)
{
    uint16x4_t half = vdup_n_u16((uint16_t)(p[0] | p[1] << 8));
    return vgetq_lane_f32(vcvt_f32_f16(vreinterpret_f16_u16(half)), 0);
}

/* Tile of gemm: 4 rows x 6 columns of one register, the quarters of the 16 lanes one after the
 * other; of attend: 6 rows x 4 registers; of rows unpacked in registers: 4 rows x 1 column. */
#define GEMM_COLS 6
#define GEMM_GROUP 6
#define GEMM_CHUNK 512
#define GEMM_TALL_COLS 3
#define ATTEND_ROWS 6
#define ATTEND_REGS 4
#define HAS_PICK 0
#define THIN_TILE_ROWS 4
#define THIN_TILE_COLS 1
#define THIN_COLS 1
#define TABLE kernels_neon
#define TABLE_NAME "neon"
#define TABLE_USABLE kernels_neon_usable
#include "runners/kernels_simd.h"

#endif
