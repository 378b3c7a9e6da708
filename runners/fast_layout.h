/* fast_layout.h -- the bytes that fast_pack writes and the fast kernels read.  Theirs only.
 *
 * Stripe: 16 rows, k / 32 groups.  Vector j (0..7) of a group is 64 bytes: byte 4r + i is the
 * unsigned code of row r at k = 32 * group + 4j + i, so one register holds 16 rows and meets four
 * activations that are the same for all of them.  The codes of a group are the eight vectors
 * (FAST_8), or the bits above nibbles (FAST_5 one line, bit j of a byte for vector j; FAST_6 two
 * lines, bits 2i, 2i+1 of a byte of line p for vector 4p + i) and four lines that hold vector l in
 * the low nibbles and vector l + 4 in the high ones.
 *
 * A line of scales, 16 rows side by side, stands before the codes that it serves, for a kernel must
 * read one ascending stream: with the scales in a second one, reading from memory took twice as
 * long (12 instead of 22 GB/s on a Zen 4 core).  `|` separates halves of a line:
 *   FAST_D      f16 d of group 2i | of group 2i + 1, and the codes of both
 *   FAST_D_M    f16 d | f16 m, and the codes of one group
 *   FAST_K_D_M  per 256: f16 d | f16 dmin, then four times: u8 sc, u8 mn of group 2i | of 2i + 1,
 *               and the codes of both
 *   FAST_K_D    per 256: f16 d | nothing, then as before with i8 sc of either half of a group
 * Signed formats are stored with their bias added (Q8_0: + 128); a block of activations carries
 * minus bias times its sum, where the integer accumulator starts.
 *
 * Activations: one cache line per block of 32, (k / 32) | 1 lines per row: an odd number, so that
 * the rows of a tile do not fall into the same sets of a cache. */
#ifndef RUNNERS_FAST_LAYOUT_H
#define RUNNERS_FAST_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "runners/fast.h"

struct fast_block {
    int8_t q[32];
    float d, s;
    int32_t start[3]; /* by enum fast_bias: -8 * sum, -16 * sum, -128 * sum */
    int32_t half[2];  /* -32 * the sum of q[0..15], of q[16..31] */
    int32_t unused;
};

_Static_assert(sizeof(struct fast_block) == FAST_BLOCK_BYTES, "a block is a cache line");

enum fast_bias { FAST_BIAS_8, FAST_BIAS_16, FAST_BIAS_128, FAST_BIAS_NONE, FAST_BIAS_HALVES };
enum fast_bits { FAST_4, FAST_5, FAST_6, FAST_8 };
enum fast_scales { FAST_D, FAST_D_M, FAST_K_D_M, FAST_K_D };

struct fast_format {
    int type;
    enum fast_bits bits;
    enum fast_bias bias;
    enum fast_scales scales;
    int block, bytes; /* of the file's format */
    int d_at;         /* where a block holds d; m or dmin follows it */
    /* From the file's block: the codes of its gth 32 elements, and (FAST_K_*) their two bytes of
     * sub-scales, sc and mn or two of sc. */
    void (*codes)(uint8_t code[32], const uint8_t *block, int g);
    void (*sub)(uint8_t sub[2], const uint8_t *block, int g);
};

const struct fast_format *fast_format_find(int quant_type); /* NULL: not supported */

static inline size_t fast_group_bytes(enum fast_bits bits)
{
    static const uint16_t bytes[] = {256, 320, 384, 512};

    return bytes[bits];
}

/* Bytes from the start of a stripe to the codes of group g. */
static inline size_t fast_codes_at(enum fast_bits bits, enum fast_scales scales, int g)
{
    size_t codes = fast_group_bytes(bits), n = (size_t)g, lines = n / 2 + 1;

    if (scales == FAST_D_M)
        lines = n + 1;
    else if (scales == FAST_K_D_M || scales == FAST_K_D)
        lines += n / 8 + 1;
    return n * codes + lines * 64;
}

/* To d of group g. */
static inline size_t fast_d_at(enum fast_bits bits, enum fast_scales scales, int g)
{
    if (scales == FAST_D)
        return fast_codes_at(bits, scales, g & ~1) - 64 + (size_t)(g & 1) * 32;
    if (scales == FAST_D_M)
        return fast_codes_at(bits, scales, g) - 64;
    return fast_codes_at(bits, scales, g & ~7) - 128;
}

/* To the sub-scales of group g (FAST_K_*). */
static inline size_t fast_sub_at(enum fast_bits bits, enum fast_scales scales, int g)
{
    return fast_codes_at(bits, scales, g & ~1) - 64 + (size_t)(g & 1) * 32;
}

/* The rest of a block whose q are there: amax as fast.h says, the sums of the halves of q. */
static inline void fast_block_finish(struct fast_block *b, float amax, const int32_t sum[2])
{
    int32_t all = sum[0] + sum[1];

    b->d = amax / 127.0f;
    b->s = b->d * (float)all;
    b->start[FAST_BIAS_8] = -8 * all;
    b->start[FAST_BIAS_16] = -16 * all;
    b->start[FAST_BIAS_128] = -128 * all;
    b->half[0] = -32 * sum[0];
    b->half[1] = -32 * sum[1];
    b->unused = 0;
}

extern const struct fast_kernels fast_ref, fast_avx2, fast_avxvnni, fast_vnni, fast_amx;
extern const struct fast_kernels fast_neon, fast_neon_dot, fast_neon_i8mm;

#endif
