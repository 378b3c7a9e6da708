/* kernels_avx512.c -- kernels.h for AVX-512 F, BW, DQ and VL: 16 lanes are one register. */
#include "runners/kernels_tables.h"

#if defined(__x86_64__)

#include "runners/kernels_x86.h"

typedef __m512 vf, vr;
typedef __mmask16 vm;
typedef __m512i vi;

#define LANES 16

INLINE vf v_set(float x) { return _mm512_set1_ps(x); }
INLINE vf v_load(const float *p) { return _mm512_loadu_ps(p); }
INLINE void v_store(float *p, vf a) { _mm512_storeu_ps(p, a); }
INLINE vf v_add(vf a, vf b) { return _mm512_add_ps(a, b); }
INLINE vf v_sub(vf a, vf b) { return _mm512_sub_ps(a, b); }
INLINE vf v_mul(vf a, vf b) { return _mm512_mul_ps(a, b); }
INLINE vf v_div(vf a, vf b) { return _mm512_div_ps(a, b); }
INLINE vf v_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }
INLINE vf v_min(vf a, vf b) { return _mm512_min_ps(a, b); }
INLINE vf v_max(vf a, vf b) { return _mm512_max_ps(a, b); }
INLINE vf v_abs(vf a) { return _mm512_andnot_ps(_mm512_set1_ps(-0.0f), a); }
INLINE vm v_lt(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
INLINE vm v_equal(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
INLINE vf v_select(vm m, vf yes, vf no) { return _mm512_mask_blend_ps(m, no, yes); }
INLINE vm m_of_bits(unsigned bits) { return (vm)bits; }
INLINE unsigned m_bits(vm m) { return m; }
INLINE vi v_bits(vf a) { return _mm512_castps_si512(a); }
INLINE vf v_of_bits(vi a) { return _mm512_castsi512_ps(a); }
INLINE vi i_shift23(vi a) { return _mm512_slli_epi32(a, 23); }

INLINE vf v_copysign(vf a, vf s)
{
    return _mm512_or_ps(v_abs(a), _mm512_and_ps(_mm512_set1_ps(-0.0f), s));
}

INLINE vf v_load_part(const float *p, int n) /* zeros in the lanes from n on */
{
    return _mm512_maskz_loadu_ps((vm)((1u << n) - 1), p);
}

INLINE void v_store_part(float *p, int n, vf a)
{
    _mm512_mask_storeu_ps(p, (vm)((1u << n) - 1), a);
}

INLINE float v_sum(vf a)
{
    __m256 h = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

INLINE float v_greatest(vf a) /* no lane is NaN */
{
    __m256 h = _mm256_max_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
    __m128 s = _mm_max_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}

/* ---- one register ------------------------------------------------------------------------ */

INLINE vr r_set(float x) { return _mm512_set1_ps(x); }
INLINE vr r_load(const float *p) { return _mm512_loadu_ps(p); }
INLINE void r_store(float *p, vr a) { _mm512_storeu_ps(p, a); }
INLINE vr r_mul(vr a, vr b) { return _mm512_mul_ps(a, b); }
INLINE vr r_fma(vr a, vr b, vr c) { return _mm512_fmadd_ps(a, b, c); }
INLINE vr r_load_part(const float *p, int n) { return v_load_part(p, n); }
INLINE void r_store_part(float *p, int n, vr a) { v_store_part(p, n, a); }
INLINE float r_sum(vr a) { return v_sum(a); }

INLINE void r_sum4(float *out, vr a, vr b, vr c, vr d)
{
    /* 128-bit quarters: l with l+8, then l+4, which leaves one quarter for each of a, b, c, d */
    vr ab = _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xee));
    vr cd = _mm512_add_ps(_mm512_shuffle_f32x4(c, d, 0x44), _mm512_shuffle_f32x4(c, d, 0xee));
    vr s = _mm512_add_ps(_mm512_shuffle_f32x4(ab, cd, 0x88), _mm512_shuffle_f32x4(ab, cd, 0xdd));
    s = _mm512_add_ps(s, _mm512_shuffle_ps(s, s, 0xee));
    s = _mm512_add_ps(s, _mm512_movehdup_ps(s));
    _mm_storeu_ps(out, _mm512_castps512_ps128(_mm512_maskz_compress_ps(0x1111, s)));
}

INLINE void v_sum4(float *out, vf a, vf b, vf c, vf d) { r_sum4(out, a, b, c, d); }

/* ---- 16 bytes at a time ------------------------------------------------------------------ */

INLINE vf v_of_i8(b16 b) { return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(b)); }
INLINE vf v_of_u8(b16 b) { return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(b)); }

INLINE vf v_of_halves(const uint8_t *p)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
}

INLINE vf v_of_bf16(const uint8_t *p)
{
    __m512i u = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p));
    return _mm512_castsi512_ps(_mm512_slli_epi32(u, 16));
}

/* `value` in the bytes whose bit is set */
INLINE b16 b_of_bits(unsigned bits, int value)
{
    return _mm_maskz_set1_epi8((__mmask16)bits, (char)value);
}

/* table[code] by the low, and by the high nibbles of 16 bytes: a lookup heeds four bits of each */
INLINE vf v_pick_low(vf table, b16 q)
{
    return _mm512_permutexvar_ps(_mm512_cvtepu8_epi32(q), table);
}

INLINE vf v_pick_high(vf table, b16 q)
{
    return _mm512_permutexvar_ps(_mm512_srli_epi32(_mm512_cvtepu8_epi32(q), 4), table);
}

/* Tile of gemm: 4 rows x 6 columns; of attend: 8 rows x 2 registers; of rows unpacked in registers:
 * 4 rows x 4 columns. */
#define GEMM_COLS 6
#define GEMM_GROUP 6
#define GEMM_CHUNK 768
#define GEMM_TALL_COLS 3
#define ATTEND_ROWS 8
#define ATTEND_REGS 2
#define HAS_PICK 1
#define THIN_TILE_ROWS 4
#define THIN_TILE_COLS 4
#define THIN_COLS 8
#define TABLE kernels_avx512
#define TABLE_NAME "avx512"
#define TABLE_USABLE kernels_avx512_usable
#include "runners/kernels_simd.h"

#endif
