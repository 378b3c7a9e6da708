/* fast_amx.c -- the kernels of fast.h with AMX: TDPBSUD multiplies tiles of bytes.
 *
 * The eight vectors of a group are a tile of unsigned codes as they lie (fast_layout.h: four codes
 * of each of 16 rows side by side, the order that the instruction asks for); up to 16 columns of
 * 32 activations, a line apart, are the other one; their product is the integer sums of all
 * columns x 16 rows.  Codes of fewer bits are unpacked once per group and serve all columns.  A few
 * columns leave the tile empty: they are VNNI's, which every such CPU has.
 *
 * A process asks the kernel once for the state of the tiles; threads inherit that. */
#include "runners/fast.h"

#if defined(__x86_64__) && (defined(__AMX_INT8__) || defined(__AMXINT8__)) /* clang 14 */
#include <cpuid.h>
#include <immintrin.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runners/fast_tile.h"

enum { COLS = 16, FEW = 6 };
/* Numbers of tiles; the compiler's macros make text of them. */
#define SUMS 0
#define ACTS 1
#define CODES 2

/* What lies at p is complete from here on: not every compiler knows that tiles read memory. */
INLINE void seen(const void *p)
{
    __asm__ volatile("" : : "r"(p) : "memory");
}

static int usable(void)
{
    enum { AMX_TILE = 1 << 24, AMX_INT8 = 1 << 25, ARCH_REQ_XCOMP_PERM = 0x1023, XTILEDATA = 18 };
    unsigned a, b, c, d;

    return fast_vnni.usable() && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & AMX_TILE) &&
           (d & AMX_INT8) && syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XTILEDATA) == 0;
}

static void quantise(void *act_row, const float *x, int k)
{
    fast_vnni.quantise(act_row, x, k);
}

/* Rows and bytes per row of each tile. */
static void shape_tiles(int cols, int vectors)
{
    _Alignas(64) struct {
        uint8_t palette, start_row, unused[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } shape = {.palette = 1}; /* of 64 bytes */

    shape.rows[SUMS] = shape.rows[ACTS] = (uint8_t)cols;
    shape.rows[CODES] = (uint8_t)vectors;
    shape.row_bytes[SUMS] = shape.row_bytes[CODES] = 64;
    shape.row_bytes[ACTS] = (uint16_t)(4 * vectors);
    seen(&shape);
    _tile_loadconfig(&shape);
}

/* All vectors of a group as bytes; FAST_8 ones are that already. */
INLINE const uint8_t *unpack(enum fast_bits bits, const uint8_t *group, uint8_t *out)
{
    const uint8_t *low = group + fast_group_bytes(bits) - 256;

    if (bits == FAST_8)
        return group;
    UNROLL for (int j = 0; j < 8; j++) {
        __m512i v = _mm512_load_si512(low + 64 * (j % 4)), h;

        v = _mm512_and_si512(j < 4 ? v : _mm512_srli_epi16(v, 4), _mm512_set1_epi8(15));
        if (bits == FAST_5) {
            h = _mm512_load_si512(group);
            h = j < 4 ? _mm512_slli_epi16(h, 4 - j) : _mm512_srli_epi16(h, j - 4);
            v = _mm512_or_si512(v, _mm512_and_si512(h, _mm512_set1_epi8(16)));
        } else if (bits == FAST_6) {
            h = _mm512_load_si512(group + 64 * (j / 4));
            h = j % 4 < 2 ? _mm512_slli_epi16(h, 4 - j % 4 * 2)
                          : _mm512_srli_epi16(h, j % 4 * 2 - 4);
            v = _mm512_or_si512(v, _mm512_and_si512(h, _mm512_set1_epi8(48)));
        }
        _mm512_store_si512(out + 64 * j, v);
    }
    return out;
}

INLINE __m512 halves(const uint8_t *p)
{
    return _mm512_cvtph_ps(_mm256_load_si256((const __m256i *)p));
}

INLINE __m512i bytes(const uint8_t *p, int is_signed)
{
    __m128i b = _mm_load_si128((const __m128i *)p);

    return is_signed ? _mm512_cvtepi8_epi32(b) : _mm512_cvtepu8_epi32(b);
}

/* w of the hth half of group g (only FAST_K_D has two). */
INLINE __m512 scale(enum fast_bits bits, enum fast_scales kind, const uint8_t *stripe, int g, int h)
{
    __m512 d = halves(stripe + fast_d_at(bits, kind, g));
    const uint8_t *sub = stripe + fast_sub_at(bits, kind, g) + 16 * h;

    if (kind != FAST_K_D_M && kind != FAST_K_D)
        return d;
    return _mm512_mul_ps(d, _mm512_cvtepi32_ps(bytes(sub, kind == FAST_K_D)));
}

/* m of group g; FAST_K_D_M: -m. */
INLINE __m512 minimum(enum fast_bits bits, enum fast_scales kind, const uint8_t *stripe, int g)
{
    __m512 m = halves(stripe + fast_d_at(bits, kind, g) + 32);
    const uint8_t *sub = stripe + fast_sub_at(bits, kind, g) + 16;

    return kind == FAST_K_D_M ? _mm512_mul_ps(m, _mm512_cvtepi32_ps(bytes(sub, 0))) : m;
}

INLINE int32_t start(enum fast_bias bias, const struct fast_block *b, int h)
{
    return bias == FAST_BIAS_NONE ? 0 : bias == FAST_BIAS_HALVES ? b->half[h] : b->start[bias];
}

/* The sums of vectors from .. from+n-1 of a group, [cols][16 rows]. */
INLINE void multiply(int32_t *sums, const uint8_t *codes, const struct fast_tile *t, int g,
                     int from)
{
    seen(codes);
    _tile_zero(SUMS);
    _tile_loadd(ACTS, fast_block_at(t, 0, g)->q + 4 * from, t->act_bytes);
    _tile_loadd(CODES, codes + 64 * from, 64);
    _tile_dpbsud(SUMS, ACTS, CODES);
    _tile_stored(SUMS, sums, 64);
}

INLINE void tile(enum fast_bits bits, enum fast_bias bias, enum fast_scales kind, int cols,
                 const struct fast_tile *t)
{
    const int parts = kind == FAST_K_D ? 2 : 1, each = 8 / parts;
    _Alignas(64) uint8_t room[512];
    _Alignas(64) int32_t sums[COLS * FAST_ROWS];
    _Alignas(64) float acc[COLS * FAST_ROWS] = {0};
    __mmask16 rows = (__mmask16)((1u << t->rows) - 1);

    shape_tiles(cols, each);
    for (int g = 0; g < t->groups; g++) {
        const uint8_t *group = t->stripe + fast_codes_at(bits, kind, g);
        const uint8_t *codes = unpack(bits, group, room);

        fast_prefetch(group, (int)fast_group_bytes(bits), cols, t->groups);
        for (int h = 0; h < parts; h++) {
            __m512 w = scale(bits, kind, t->stripe, g, h);

            multiply(sums, codes, t, g, h * each);
            for (int c = 0; c < cols; c++) {
                const struct fast_block *b = fast_block_at(t, c, g);
                __m512i sum = _mm512_load_si512(sums + FAST_ROWS * c);
                __m512 a = _mm512_load_ps(acc + FAST_ROWS * c);

                sum = _mm512_add_epi32(sum, _mm512_set1_epi32(start(bias, b, h)));
                a = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum),
                                    _mm512_mul_ps(w, _mm512_set1_ps(b->d)), a);
                _mm512_store_ps(acc + FAST_ROWS * c, a);
            }
        }
        for (int c = 0; c < cols && (kind == FAST_D_M || kind == FAST_K_D_M); c++) {
            __m512 m = minimum(bits, kind, t->stripe, g), a = _mm512_load_ps(acc + FAST_ROWS * c);
            __m512 s = _mm512_set1_ps(fast_block_at(t, c, g)->s);

            a = kind == FAST_D_M ? _mm512_fmadd_ps(m, s, a) : _mm512_fnmadd_ps(m, s, a);
            _mm512_store_ps(acc + FAST_ROWS * c, a);
        }
    }
    for (int c = 0; c < cols; c++)
        _mm512_mask_storeu_ps(t->out + (size_t)c * t->ldo, rows,
                              _mm512_load_ps(acc + FAST_ROWS * c));
    _tile_release();
}

/* The number of columns is no constant of a tile's code: it is the shape of a register. */
#define TILES(name, bits, bias, scales)                                                            \
    static __attribute__((noinline)) void name(const struct fast_tile *t, int cols)                \
    {                                                                                              \
        tile(bits, bias, scales, cols, t);                                                         \
    }                                                                                              \
    ONE(name, 1) ONE(name, 2) ONE(name, 3) ONE(name, 4) ONE(name, 5) ONE(name, 6) ONE(name, 7)     \
    ONE(name, 8) ONE(name, 9) ONE(name, 10) ONE(name, 11) ONE(name, 12) ONE(name, 13)              \
    ONE(name, 14) ONE(name, 15) ONE(name, 16)
#define ONE(name, cols)                                                                            \
    static void name##_##cols(const struct fast_tile *t)                                           \
    {                                                                                              \
        name(t, cols);                                                                             \
    }
#define ROW(name, bits, bias, scales)                                                              \
    [bits][scales] = {name##_1,  name##_2,  name##_3,  name##_4,  name##_5,  name##_6,             \
                      name##_7,  name##_8,  name##_9,  name##_10, name##_11, name##_12,            \
                      name##_13, name##_14, name##_15, name##_16},

FAST_FORMATS(TILES)

static fast_tile_fn *const tiles[4][4][COLS] = {FAST_FORMATS(ROW)};

static void gemm(int quant_type, float *out, size_t ldo, const void *stripes, int rows,
                 const void *acts, int cols, int k)
{
    if (cols <= FEW)
        fast_vnni.gemm(quant_type, out, ldo, stripes, rows, acts, cols, k);
    else
        fast_walk(&tiles[0][0][0], COLS, quant_type, out, ldo, stripes, rows, acts, cols, k);
}

const struct fast_kernels fast_amx = {"amx", usable, quantise, gemm};
#endif
