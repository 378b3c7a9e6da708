/* fast_tile.h -- what the vector kernels of fast.h share: the tile, the walk over tiles, and the
 * table that makes one function of every format and width.
 *
 * A tile is one stripe (16 rows) or two x a few columns, k from beginning to end.  Each kernel file
 * writes it once as an inline function tile(bits, bias, scales, cols, t) (or with the number of
 * stripes before that of columns) whose arguments but the last are constants, and FAST_TILE or
 * FAST_PAIR makes the instances. */
#ifndef RUNNERS_FAST_TILE_H
#define RUNNERS_FAST_TILE_H

#include "runners/fast_layout.h"

#define INLINE static inline __attribute__((always_inline))
#if defined(__clang__)
#define UNROLL _Pragma("unroll") /* it ignores the other, and leaves the tile in memory */
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

struct fast_tile {
    const uint8_t *stripe;
    size_t apart; /* from a stripe to the next */
    int groups;
    const uint8_t *acts; /* of the first column */
    size_t act_bytes;
    float *out;
    size_t ldo;
    int rows; /* to write: 1..16, of two stripes 32 */
};

typedef void fast_tile_fn(const struct fast_tile *t);

/* gemm of fast.h; tiles[bits][scales][cols - 1] computes a tile of 1..max_cols columns. */
void fast_walk(fast_tile_fn *const *tiles, int max_cols, int quant_type, float *out, size_t ldo,
               const void *stripes, int rows, const void *acts, int cols, int k);

/* The same with tiles of two stripes in pairs[bits][scales][cols - 1], where there are at least
 * FAST_PAIR_COLS columns: what is broadcast serves twice.  With fewer a tile waits for memory, and
 * two streams of stripes come slower than one (14 to 22 instead of 26 GB/s on Zen 4). */
void fast_walk_pairs(fast_tile_fn *const *tiles, fast_tile_fn *const *pairs, int max_cols,
                     int quant_type, float *out, size_t ldo, const void *stripes, int rows,
                     const void *acts, int cols, int k);
#define FAST_PAIR_COLS 4

INLINE const struct fast_block *fast_block_at(const struct fast_tile *t, int c, int g)
{
    return (const struct fast_block *)(t->acts + (size_t)c * t->act_bytes) + g;
}

/* Long rows of several columns beside the weights are more streams than the hardware follows (from
 * 3 columns of 1024 on, measured on Zen 4); with fewer it does better alone.  Fetches what lies
 * 4 KiB ahead of this group and its scales; past the end is harmless. */
INLINE void fast_prefetch(const uint8_t *group, int bytes, int cols, int groups)
{
    if (cols < 3 || groups < 32)
        return;
    UNROLL for (int i = -64; i < bytes; i += 64)
        __builtin_prefetch(group + 4096 + i);
}

#define FAST_TILE(name, bits, bias, scales, cols)                                                  \
    static void name##_##cols(const struct fast_tile *t)                                           \
    {                                                                                              \
        tile(bits, bias, scales, cols, t);                                                         \
    }
#define FAST_PAIR(name, bits, bias, scales, stripes, cols)                                         \
    static void name##_##stripes##x##cols(const struct fast_tile *t)                               \
    {                                                                                              \
        tile(bits, bias, scales, stripes, cols, t);                                                \
    }
#define FAST_FORMATS(X)                                                                            \
    X(q4_0, FAST_4, FAST_BIAS_8, FAST_D)                                                           \
    X(q4_1, FAST_4, FAST_BIAS_NONE, FAST_D_M)                                                      \
    X(q5_0, FAST_5, FAST_BIAS_16, FAST_D)                                                          \
    X(q5_1, FAST_5, FAST_BIAS_NONE, FAST_D_M)                                                      \
    X(q8_0, FAST_8, FAST_BIAS_128, FAST_D)                                                         \
    X(q4_k, FAST_4, FAST_BIAS_NONE, FAST_K_D_M)                                                    \
    X(q5_k, FAST_5, FAST_BIAS_NONE, FAST_K_D_M)                                                    \
    X(q6_k, FAST_6, FAST_BIAS_HALVES, FAST_K_D)

#endif
