/* fast_ymm.h -- the kernels of fast.h in registers of 256 bits, written once for the two ways to
 * multiply bytes in them: fast_avx2.c (VPMADDUBSW) and fast_avxvnni.c (VPDPBUSD).
 *
 * A tile is 16 rows, in two registers of 8, x up to 4 columns.  Few columns take the codes from the
 * packed bits; many take them from pieces of a stripe that are unpacked once for all of them.  The
 * including file defines
 *   YMM_SIGNED: 1: codes of eight bits come signed, less their bias of 128; 0: as they are stored;
 *   add_codes(bits, is_flat, isum, cols, t, group, g, from, n): isum[c][side] += code * q over
 *     vectors from .. from+n-1 (n: 4 or 8) of group g, at `group` packed or (is_flat) unpacked; and
 *   YMM_NAME, YMM_TABLE and usable(). */
#ifndef RUNNERS_FAST_YMM_H
#define RUNNERS_FAST_YMM_H

#include <immintrin.h>
#include <string.h>

#include "runners/fast.h"
#include "runners/fast_tile.h"

enum {
    COLS = 4,        /* of a tile */
    PIECE = 16,      /* groups that are unpacked together: 11 KB, a third of a first cache */
    WIDE_COLS = 128, /* whose sums wait for the next piece */
};

INLINE void add_codes(enum fast_bits bits, int is_flat, __m256i isum[COLS][2], int cols,
                      const struct fast_tile *t, const uint8_t *group, int g, int from, int n);
static int usable(void);

INLINE __m256i load(const void *p)
{
    return _mm256_load_si256(p);
}

INLINE int32_t sum_bytes(__m128i v)
{
    __m128i s = _mm_sad_epu8(_mm_xor_si128(v, _mm_set1_epi8(-128)), _mm_setzero_si128());

    return _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_unpackhi_epi64(s, s))) - 16 * 128;
}

/* Four activations, the same for every row. */
INLINE __m256i four_times(const int8_t *q)
{
    int32_t four;

    memcpy(&four, q, sizeof four);
    return _mm256_set1_epi32(four);
}

INLINE int32_t max_lanes(__m256i v)
{
    __m128i x = _mm_max_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));

    x = _mm_max_epi32(x, _mm_shuffle_epi32(x, 0x4e));
    return _mm_cvtsi128_si32(_mm_max_epi32(x, _mm_shuffle_epi32(x, 0xb1)));
}

/* x * id to 16 codes of q; their sum. */
INLINE int32_t round_half(int8_t *q, const float *x, float id)
{
    const __m256 most = _mm256_set1_ps(127.0f), least = _mm256_set1_ps(-127.0f);
    __m256i n[2], w;
    __m128i bytes;

    for (int i = 0; i < 2; i++) { /* the second operand is what a NaN becomes */
        __m256 v = _mm256_mul_ps(_mm256_loadu_ps(x + 8 * i), _mm256_set1_ps(id));

        n[i] = _mm256_cvtps_epi32(_mm256_min_ps(_mm256_max_ps(v, least), most));
    }
    w = _mm256_permute4x64_epi64(_mm256_packs_epi32(n[0], n[1]), 0xd8);
    bytes = _mm_packs_epi16(_mm256_castsi256_si128(w), _mm256_extracti128_si256(w, 1));
    _mm_store_si128((__m128i *)q, bytes);
    return sum_bytes(bytes);
}

static void quantise(void *act_row, const float *x, int k)
{
    const __m256i magnitude = _mm256_set1_epi32(0x7fffffff);
    struct fast_block *b = act_row;

    for (int i = 0; i < k / FAST_BLOCK; i++, b++, x += FAST_BLOCK) {
        __m256i most = _mm256_setzero_si256();
        float amax, id;
        int32_t bits, sum[2];

        for (int j = 0; j < 4; j++) {
            __m256i v = _mm256_castps_si256(_mm256_loadu_ps(x + 8 * j));

            most = _mm256_max_epi32(most, _mm256_and_si256(v, magnitude));
        }
        bits = max_lanes(most);
        memcpy(&amax, &bits, 4);
        id = amax > 0 ? 127.0f / amax : 0.0f;
        sum[0] = round_half(b->q, x, id);
        sum[1] = round_half(b->q + 16, x + 16, id);
        fast_block_finish(b, amax, sum);
    }
}

/* Rows 8 * side .. + 7 of vector j of a group. */
INLINE __m256i codes(enum fast_bits bits, const uint8_t *group, int j, int side)
{
    const uint8_t *low = group + fast_group_bytes(bits) - 256 + 32 * side;
    __m256i v, h;

    if (bits == FAST_8) {
        v = load(group + 64 * j + 32 * side);
        return YMM_SIGNED ? _mm256_xor_si256(v, _mm256_set1_epi8(-128)) : v;
    }
    v = load(low + 64 * (j % 4));
    v = _mm256_and_si256(j < 4 ? v : _mm256_srli_epi16(v, 4), _mm256_set1_epi8(15));
    if (bits == FAST_4)
        return v;
    if (bits == FAST_5) {
        h = load(group + 32 * side);
        h = j < 4 ? _mm256_slli_epi16(h, 4 - j) : _mm256_srli_epi16(h, j - 4);
        return _mm256_or_si256(v, _mm256_and_si256(h, _mm256_set1_epi8(16)));
    }
    h = load(group + 64 * (j / 4) + 32 * side);
    h = j % 4 < 2 ? _mm256_slli_epi16(h, 4 - j % 4 * 2) : _mm256_srli_epi16(h, j % 4 * 2 - 4);
    return _mm256_or_si256(v, _mm256_and_si256(h, _mm256_set1_epi8(48)));
}

/* The same, packed or a byte each. */
INLINE __m256i vector(enum fast_bits bits, int is_flat, const uint8_t *group, int j, int side)
{
    return is_flat ? load(group + 64 * j + 32 * side) : codes(bits, group, j, side);
}

INLINE __m256 halves(const uint8_t *p)
{
    return _mm256_cvtph_ps(_mm_load_si128((const __m128i *)p));
}

INLINE __m256 unsigned_bytes(const uint8_t *p)
{
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p)));
}

INLINE __m256 signed_bytes(const uint8_t *p)
{
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)p)));
}

/* w of the hth half of group g (only FAST_K_D has two). */
INLINE __m256 scale(enum fast_bits bits, enum fast_scales kind, const uint8_t *stripe, int g, int h,
                    int side)
{
    __m256 d = halves(stripe + fast_d_at(bits, kind, g) + 16 * side);
    const uint8_t *sub = stripe + fast_sub_at(bits, kind, g) + 8 * side;

    if (kind == FAST_K_D_M)
        return _mm256_mul_ps(d, unsigned_bytes(sub));
    if (kind == FAST_K_D)
        return _mm256_mul_ps(d, signed_bytes(sub + 16 * h));
    return d;
}

/* m of group g. */
INLINE __m256 minimum(enum fast_bits bits, enum fast_scales kind, const uint8_t *stripe, int g,
                      int side)
{
    __m256 m = halves(stripe + fast_d_at(bits, kind, g) + 32 + 16 * side);
    const uint8_t *sub = stripe + fast_sub_at(bits, kind, g) + 16 + 8 * side;

    if (kind == FAST_K_D_M)
        m = _mm256_xor_ps(_mm256_mul_ps(m, unsigned_bytes(sub)), _mm256_set1_ps(-0.0f));
    return m;
}

/* What the integer sums of a column start from. */
INLINE __m256i start(enum fast_bits bits, enum fast_bias bias, const struct fast_block *b, int h)
{
    if (bias == FAST_BIAS_NONE || (YMM_SIGNED && bits == FAST_8))
        return _mm256_setzero_si256();
    return _mm256_set1_epi32(bias == FAST_BIAS_HALVES ? b->half[h] : b->start[bias]);
}

INLINE int has_minimum(enum fast_scales kind)
{
    return kind == FAST_D_M || kind == FAST_K_D_M;
}

/* What one part of a group adds. */
INLINE __m256 add_part(__m256 acc, __m256i isum, __m256 w, const struct fast_block *b)
{
    return _mm256_fmadd_ps(_mm256_cvtepi32_ps(isum), _mm256_mul_ps(w, _mm256_set1_ps(b->d)), acc);
}

INLINE void tile(enum fast_bits bits, enum fast_bias bias, enum fast_scales kind, int cols,
                 const struct fast_tile *t)
{
    const int parts = kind == FAST_K_D ? 2 : 1, each = 8 / parts;
    __m256 acc[COLS][2];
    __m256i isum[COLS][2];

    UNROLL for (int c = 0; c < cols; c++)
        acc[c][0] = acc[c][1] = _mm256_setzero_ps();
    for (int g = 0; g < t->groups; g++) {
        const uint8_t *group = t->stripe + fast_codes_at(bits, kind, g);

        fast_prefetch(group, (int)fast_group_bytes(bits), cols, t->groups);
        UNROLL for (int h = 0; h < parts; h++) {
            UNROLL for (int c = 0; c < cols; c++)
                isum[c][0] = isum[c][1] = start(bits, bias, fast_block_at(t, c, g), h);
            add_codes(bits, 0, isum, cols, t, group, g, h * each, each);
            UNROLL for (int side = 0; side < 2; side++) {
                __m256 w = scale(bits, kind, t->stripe, g, h, side);

                UNROLL for (int c = 0; c < cols; c++)
                    acc[c][side] = add_part(acc[c][side], isum[c][side], w, fast_block_at(t, c, g));
            }
        }
        if (!has_minimum(kind))
            continue;
        UNROLL for (int side = 0; side < 2; side++) {
            __m256 m = minimum(bits, kind, t->stripe, g, side);

            UNROLL for (int c = 0; c < cols; c++)
                acc[c][side] = _mm256_fmadd_ps(m, _mm256_set1_ps(fast_block_at(t, c, g)->s),
                                               acc[c][side]);
        }
    }
    UNROLL for (int c = 0; c < cols; c++) {
        float whole[FAST_ROWS];

        _mm256_storeu_ps(whole, acc[c][0]);
        _mm256_storeu_ps(whole + 8, acc[c][1]);
        memcpy(t->out + (size_t)c * t->ldo, whole, (size_t)t->rows * sizeof *whole);
    }
}

/* ---- many columns ---- */

struct piece {                              /* PIECE groups of a stripe or fewer */
    _Alignas(64) uint8_t codes[PIECE][512]; /* a byte each, in the order of FAST_8 */
    float w[PIECE][2][FAST_ROWS], m[PIECE][FAST_ROWS];
};

struct wide {
    const struct piece *piece;
    struct fast_tile t; /* acts: from the piece's first group on */
    float (*sums)[FAST_ROWS];
};

typedef void unpack_fn(struct piece *p, const uint8_t *stripe, int g, int groups);
typedef void wide_fn(const struct wide *w);

INLINE void unpack(enum fast_bits bits, enum fast_scales kind, struct piece *p,
                   const uint8_t *stripe, int g, int groups)
{
    const int parts = kind == FAST_K_D ? 2 : 1;

    for (int i = 0; i < groups; i++, g++) {
        const uint8_t *group = stripe + fast_codes_at(bits, kind, g);

        UNROLL for (int side = 0; side < 2; side++) {
            UNROLL for (int j = 0; j < 8; j++)
                _mm256_store_si256((__m256i *)(p->codes[i] + 64 * j + 32 * side),
                                   codes(bits, group, j, side));
            UNROLL for (int h = 0; h < parts; h++)
                _mm256_store_ps(p->w[i][h] + 8 * side, scale(bits, kind, stripe, g, h, side));
            if (has_minimum(kind))
                _mm256_store_ps(p->m[i] + 8 * side, minimum(bits, kind, stripe, g, side));
        }
    }
}

INLINE void wide_tile(enum fast_bits bits, enum fast_bias bias, enum fast_scales kind, int cols,
                      const struct wide *w)
{
    const int parts = kind == FAST_K_D ? 2 : 1, each = 8 / parts;
    const struct fast_tile t = w->t;
    const struct piece *p = w->piece;
    float(*sums)[FAST_ROWS] = w->sums;

    for (int g = 0; g < t.groups; g++) {
        __asm__ volatile("" ::: "memory"); /* the sums stay there: no registers are left */
        UNROLL for (int h = 0; h < parts; h++) {
            __m256i isum[COLS][2];

            UNROLL for (int c = 0; c < cols; c++)
                isum[c][0] = isum[c][1] = start(bits, bias, fast_block_at(&t, c, g), h);
            add_codes(bits, 1, isum, cols, &t, p->codes[g], g, h * each, each);
            UNROLL for (int side = 0; side < 2; side++) {
                __m256 scales = _mm256_load_ps(p->w[g][h] + 8 * side);

                UNROLL for (int c = 0; c < cols; c++) {
                    const struct fast_block *b = fast_block_at(&t, c, g);
                    float *sum = sums[c] + 8 * side;
                    __m256 acc = add_part(_mm256_load_ps(sum), isum[c][side], scales, b);

                    if (has_minimum(kind))
                        acc = _mm256_fmadd_ps(_mm256_load_ps(p->m[g] + 8 * side),
                                              _mm256_set1_ps(b->s), acc);
                    _mm256_store_ps(sum, acc);
                }
            }
        }
    }
}

#define TILES(name, bits, bias, scales)                                                            \
    FAST_TILE(name, bits, bias, scales, 1)                                                         \
    FAST_TILE(name, bits, bias, scales, 2)                                                         \
    FAST_TILE(name, bits, bias, scales, 3)                                                         \
    FAST_TILE(name, bits, bias, scales, 4)
#define ROW(name, bits, bias, scales)                                                              \
    [bits][scales] = {name##_1, name##_2, name##_3, name##_4},

FAST_FORMATS(TILES)

static fast_tile_fn *const tiles[4][4][COLS] = {FAST_FORMATS(ROW)};

#define WIDE_TILE(name, bits, bias, scales, cols)                                                  \
    static void name##_wide_##cols(const struct wide *w)                                           \
    {                                                                                              \
        wide_tile(bits, bias, scales, cols, w);                                                    \
    }
#define WIDE(name, bits, bias, scales)                                                             \
    static void name##_unpack(struct piece *p, const uint8_t *stripe, int g, int groups)           \
    {                                                                                              \
        unpack(bits, scales, p, stripe, g, groups);                                                \
    }                                                                                              \
    WIDE_TILE(name, bits, bias, scales, 1)                                                         \
    WIDE_TILE(name, bits, bias, scales, 2)                                                         \
    WIDE_TILE(name, bits, bias, scales, 3)                                                         \
    WIDE_TILE(name, bits, bias, scales, 4)
#define WIDE_ROW(name, bits, bias, scales)                                                         \
    [bits][scales] = {name##_unpack, {name##_wide_1, name##_wide_2, name##_wide_3, name##_wide_4}},

FAST_FORMATS(WIDE)

static const struct wide_kernels {
    unpack_fn *unpack;
    wide_fn *tiles[COLS];
} wide_kernels[4][4] = {FAST_FORMATS(WIDE_ROW)};

/* One stripe against at most WIDE_COLS columns.  Each tile fetches its share of the next piece, of
 * this stripe or of that behind it. */
static void wide_stripe(const struct wide_kernels *kernels, const struct fast_tile *t, int cols)
{
    _Alignas(64) float sums[WIDE_COLS][FAST_ROWS];
    size_t piece_bytes = t->apart * PIECE / (size_t)t->groups;
    const uint8_t *ahead = t->stripe + piece_bytes;
    struct piece p;

    memset(sums, 0, (size_t)cols * sizeof *sums);
    for (int g = 0; g < t->groups; g += PIECE) {
        struct wide w = {.piece = &p, .t = *t, .sums = sums};
        int tiles_left = (cols + COLS - 1) / COLS, some;
        const uint8_t *end = t->stripe + (size_t)(g / PIECE + 2) * piece_bytes;
        size_t share = piece_bytes / (size_t)tiles_left + 64;

        w.t.groups = t->groups - g < PIECE ? t->groups - g : PIECE;
        w.t.acts += (size_t)g * FAST_BLOCK_BYTES;
        kernels->unpack(&p, t->stripe, g, w.t.groups);
        for (int c = 0; c < cols; c += some) {
            some = (cols - c + tiles_left - 1) / tiles_left;
            tiles_left--;
            for (const uint8_t *to = ahead + share; ahead < to && ahead < end; ahead += 64)
                __builtin_prefetch(ahead, 0, 2);
            kernels->tiles[some - 1](&w);
            w.t.acts += (size_t)some * t->act_bytes;
            w.sums += some;
        }
    }
    for (int c = 0; c < cols; c++)
        memcpy(t->out + (size_t)c * t->ldo, sums[c], (size_t)t->rows * sizeof *sums[c]);
}

static void wide_gemm(const struct fast_format *f, float *out, size_t ldo, const void *stripes,
                      int rows, const void *acts, int cols, int k)
{
    struct fast_tile t = {.groups = k / FAST_BLOCK, .act_bytes = fast_act_bytes(k), .ldo = ldo};

    t.apart = fast_stripe_bytes(f->type, k);
    for (int c = 0; c < cols; c += WIDE_COLS) {
        t.acts = (const uint8_t *)acts + (size_t)c * t.act_bytes;
        t.stripe = stripes;
        for (int r = 0; r < rows; r += FAST_ROWS) {
            t.out = out + (size_t)c * ldo + r;
            t.rows = rows - r < FAST_ROWS ? rows - r : FAST_ROWS;
            wide_stripe(&wide_kernels[f->bits][f->scales], &t,
                        cols - c < WIDE_COLS ? cols - c : WIDE_COLS);
            t.stripe += t.apart;
        }
    }
}

/* With so many columns it takes less time to unpack once.  Measured on Zen 3, products a cycle of
 * 8, 16 and 128 columns, packed and unpacked: Q4_0 32, 32, 32 and 29, 33, 35; Q4_K 26, 26, 26 and
 * 25, 30, 32; Q5_0 22, 22, 22 and 26, 29, 32; Q6_K 18, 18, 18 and 19, 20, 23. */
static int is_wide(enum fast_bits bits, int cols)
{
    return cols >= (bits == FAST_5 || bits == FAST_6 ? COLS + 1 : 4 * COLS);
}

static void gemm(int quant_type, float *out, size_t ldo, const void *stripes, int rows,
                 const void *acts, int cols, int k)
{
    const struct fast_format *f = fast_format_find(quant_type);

    if (is_wide(f->bits, cols))
        wide_gemm(f, out, ldo, stripes, rows, acts, cols, k);
    else
        fast_walk(&tiles[0][0][0], COLS, quant_type, out, ldo, stripes, rows, acts, cols, k);
}

const struct fast_kernels YMM_TABLE = {YMM_NAME, usable, quantise, gemm};

#endif
