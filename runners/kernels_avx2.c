/* kernels_avx2.c -- kernels.h for AVX2, FMA and F16C: 16 lanes are two registers. */
#include "runners/kernels_tables.h"

#if defined(__x86_64__)

#include "runners/kernels_x86.h"

typedef struct {
    __m256 a, b; /* lanes 0..7 and 8..15 */
} vf, vm;
typedef struct {
    __m256i a, b;
} vi;
typedef __m256 vr; /* one register: what the tiles of gemm and attend are made of */

#define LANES 8
#define BOTH(op, x) ((vf){op((x).a), op((x).b)})
#define BOTH2(op, x, y) ((vf){op((x).a, (y).a), op((x).b, (y).b)})

INLINE vf v_set(float x) { return (vf){_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
INLINE vf v_load(const float *p) { return (vf){_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
INLINE vf v_add(vf a, vf b) { return BOTH2(_mm256_add_ps, a, b); }
INLINE vf v_sub(vf a, vf b) { return BOTH2(_mm256_sub_ps, a, b); }
INLINE vf v_mul(vf a, vf b) { return BOTH2(_mm256_mul_ps, a, b); }
INLINE vf v_div(vf a, vf b) { return BOTH2(_mm256_div_ps, a, b); }
INLINE vf v_min(vf a, vf b) { return BOTH2(_mm256_min_ps, a, b); }
INLINE vf v_max(vf a, vf b) { return BOTH2(_mm256_max_ps, a, b); }

INLINE void v_store(float *p, vf a)
{
    _mm256_storeu_ps(p, a.a);
    _mm256_storeu_ps(p + 8, a.b);
}

INLINE vf v_fma(vf a, vf b, vf c)
{
    return (vf){_mm256_fmadd_ps(a.a, b.a, c.a), _mm256_fmadd_ps(a.b, b.b, c.b)};
}

INLINE vf v_abs(vf a)
{
    vf sign = v_set(-0.0f);
    return BOTH2(_mm256_andnot_ps, sign, a);
}

INLINE vf v_copysign(vf a, vf s)
{
    vf sign = v_set(-0.0f), magnitude = v_abs(a), of = BOTH2(_mm256_and_ps, sign, s);
    return BOTH2(_mm256_or_ps, magnitude, of);
}

INLINE vm v_lt(vf a, vf b)
{
    return (vm){_mm256_cmp_ps(a.a, b.a, _CMP_LT_OQ), _mm256_cmp_ps(a.b, b.b, _CMP_LT_OQ)};
}

INLINE vm v_equal(vf a, vf b)
{
    return (vm){_mm256_cmp_ps(a.a, b.a, _CMP_EQ_OQ), _mm256_cmp_ps(a.b, b.b, _CMP_EQ_OQ)};
}

INLINE vf v_select(vm m, vf yes, vf no)
{
    return (vf){_mm256_blendv_ps(no.a, yes.a, m.a), _mm256_blendv_ps(no.b, yes.b, m.b)};
}

INLINE __m256i lanes_of(unsigned bits) /* all ones in the lanes whose bit is set */
{
    __m256i bit = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    return _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32((int)bits), bit), bit);
}

INLINE vm m_of_bits(unsigned bits)
{
    return (vm){_mm256_castsi256_ps(lanes_of(bits)), _mm256_castsi256_ps(lanes_of(bits >> 8))};
}

INLINE unsigned m_bits(vm m)
{
    return (unsigned)_mm256_movemask_ps(m.a) | (unsigned)_mm256_movemask_ps(m.b) << 8;
}

INLINE vf v_load_part(const float *p, int n) /* zeros in the lanes from n on */
{
    unsigned bits = (1u << n) - 1;
    return (vf){_mm256_maskload_ps(p, lanes_of(bits)),
                _mm256_maskload_ps(n > 8 ? p + 8 : p, lanes_of(bits >> 8))};
}

INLINE void v_store_part(float *p, int n, vf a)
{
    unsigned bits = (1u << n) - 1;
    _mm256_maskstore_ps(p, lanes_of(bits), a.a);
    _mm256_maskstore_ps(n > 8 ? p + 8 : p, lanes_of(bits >> 8), a.b);
}

INLINE vi v_bits(vf a) { return (vi){_mm256_castps_si256(a.a), _mm256_castps_si256(a.b)}; }

INLINE vf v_of_bits(vi a) { return (vf){_mm256_castsi256_ps(a.a), _mm256_castsi256_ps(a.b)}; }

INLINE vi i_shift23(vi a)
{
    return (vi){_mm256_slli_epi32(a.a, 23), _mm256_slli_epi32(a.b, 23)};
}

/* ---- one register ------------------------------------------------------------------------ */

INLINE vr r_set(float x) { return _mm256_set1_ps(x); }
INLINE vr r_load(const float *p) { return _mm256_loadu_ps(p); }
INLINE void r_store(float *p, vr a) { _mm256_storeu_ps(p, a); }
INLINE vr r_add(vr a, vr b) { return _mm256_add_ps(a, b); }
INLINE vr r_mul(vr a, vr b) { return _mm256_mul_ps(a, b); }
INLINE vr r_fma(vr a, vr b, vr c) { return _mm256_fmadd_ps(a, b, c); }

INLINE vr r_load_part(const float *p, int n)
{
    return _mm256_maskload_ps(p, lanes_of((1u << n) - 1));
}

INLINE void r_store_part(float *p, int n, vr a)
{
    _mm256_maskstore_ps(p, lanes_of((1u << n) - 1), a);
}

/* The tree's last three steps: l with l+4, l+2, l+1. */
INLINE float r_sum(vr a)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

INLINE void r_sum4(float *out, vr a, vr b, vr c, vr d)
{
    vr ab = _mm256_add_ps(_mm256_permute2f128_ps(a, b, 0x20), _mm256_permute2f128_ps(a, b, 0x31));
    vr cd = _mm256_add_ps(_mm256_permute2f128_ps(c, d, 0x20), _mm256_permute2f128_ps(c, d, 0x31));
    vr acbd = _mm256_add_ps(_mm256_shuffle_ps(ab, cd, 0x44), _mm256_shuffle_ps(ab, cd, 0xee));
    acbd = _mm256_add_ps(acbd, _mm256_movehdup_ps(acbd)); /* sums in the even lanes */
    __m128 ac = _mm256_castps256_ps128(acbd), bd = _mm256_extractf128_ps(acbd, 1);
    _mm_storeu_ps(out, _mm_blend_ps(ac, _mm_moveldup_ps(bd), 0xa));
}

INLINE void v_sum4(float *out, vf a, vf b, vf c, vf d)
{
    r_sum4(out, r_add(a.a, a.b), r_add(b.a, b.b), r_add(c.a, c.b), r_add(d.a, d.b));
}

INLINE float v_sum(vf a) { return r_sum(_mm256_add_ps(a.a, a.b)); }

INLINE float v_greatest(vf a) /* no lane is NaN */
{
    vr m = _mm256_max_ps(a.a, a.b);
    __m128 s = _mm_max_ps(_mm256_castps256_ps128(m), _mm256_extractf128_ps(m, 1));
    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}

/* ---- 16 bytes at a time ------------------------------------------------------------------ */

INLINE vf v_of_i32(__m256i a, __m256i b)
{
    return (vf){_mm256_cvtepi32_ps(a), _mm256_cvtepi32_ps(b)};
}

INLINE vf v_of_i8(b16 b)
{
    return v_of_i32(_mm256_cvtepi8_epi32(b), _mm256_cvtepi8_epi32(_mm_unpackhi_epi64(b, b)));
}

INLINE vf v_of_u8(b16 b)
{
    return v_of_i32(_mm256_cvtepu8_epi32(b), _mm256_cvtepu8_epi32(_mm_unpackhi_epi64(b, b)));
}

INLINE vf v_of_halves(const uint8_t *p)
{
    return (vf){_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p)),
                _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(p + 16)))};
}

INLINE vf v_of_bf16(const uint8_t *p)
{
    __m256i a = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p));
    __m256i b = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(p + 16)));
    return (vf){_mm256_castsi256_ps(_mm256_slli_epi32(a, 16)),
                _mm256_castsi256_ps(_mm256_slli_epi32(b, 16))};
}

/* `value` in the bytes whose bit is set */
INLINE b16 b_of_bits(unsigned bits, int value)
{
    __m128i at = _mm_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
    __m128i bit = _mm_set1_epi64x((long long)0x8040201008040201u);
    __m128i b = _mm_and_si128(_mm_shuffle_epi8(_mm_cvtsi32_si128((int)bits), at), bit);
    return _mm_and_si128(_mm_cmpeq_epi8(b, bit), _mm_set1_epi8((char)value));
}

/* Tile of gemm: 4 rows x 3 columns of one register, the halves of the 16 lanes one after the
 * other; of attend: 6 rows x 2 registers; of rows unpacked in registers: 4 rows x 1
 * column. */
#define GEMM_COLS 3
#define GEMM_GROUP 6
#define GEMM_CHUNK 512
#define GEMM_TALL_COLS 1
#define ATTEND_ROWS 6
#define ATTEND_REGS 2
#define HAS_PICK 0
#define THIN_TILE_ROWS 4
#define THIN_TILE_COLS 1
#define THIN_COLS 1
#define TABLE kernels_avx2
#define TABLE_NAME "avx2"
#define TABLE_USABLE kernels_avx2_usable
#include "runners/kernels_simd.h"

#endif
