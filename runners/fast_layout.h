/* fast_layout.h -- the bytes that fast_pack writes and the fast kernels read.  Theirs only.
 *
 * Stripe: 16 rows, n = k / 32 groups.  Vector j (0..7) of a group is 64 bytes: byte 4r + i is the
 * unsigned code of row r at k = 32 * group + 4j + i, so one register holds 16 rows and meets four
 * activations that are the same for all of them.  A stripe is
 *   n times the codes of a group (FAST_8: the eight vectors; otherwise four lines that hold vector
 *     l in the low nibbles and vector l + 4 in the high ones, then the bits above the nibbles:
 *     FAST_5 one line, bit j of a byte for vector j; FAST_6 two lines, bits 2i, 2i+1 of a byte of
 *     line p for vector 4p + i), and then
 *   the scales, 16 rows side by side: per group f16 d [, f16 m], or per super-block of 256
 *     f16 d, [f16 dmin,] and per group of it u8 sc, u8 mn (FAST_6: per 16 elements i8 sc).
 * Signed formats are stored with their bias added (Q8_0: + 128); a block of activations carries
 * minus bias times its sum, where the integer accumulator starts.
 *
 * Activations: one cache line per block of 32, (k / 32) | 1 lines per row: an odd number, so that
 * the rows of a tile do not fall into the same sets of a cache. */
#ifndef RUNNERS_FAST_LAYOUT_H
#define RUNNERS_FAST_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

struct fast_block {
    int8_t q[32];
    float d, s;
    int32_t start[3]; /* by enum fast_bias: -8 * sum, -16 * sum, -128 * sum */
    int32_t half[2];  /* -32 * the sum of q[0..15], of q[16..31] */
    int32_t unused;
};

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

/* Where the scales of group g begin, in bytes from the start of the scales: the group's own, with
 * FAST_K_* those of its super-block. */
static inline size_t fast_scales_at(enum fast_scales s, int g)
{
    static const uint16_t bytes[] = {32, 64, 320, 288};

    return (size_t)(s < FAST_K_D_M ? g : g / 8) * bytes[s];
}

extern const struct fast_kernels fast_ref, fast_avx2, fast_vnni;

#endif
