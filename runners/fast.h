/* fast.h -- the `fast` numerics: activations in 8 bits, as strictly defined as `exact`.
 *
 * Activations: per block of 32 elements d = amax / 127 (float32 division), id = amax > 0 ?
 * 127 / amax : 0, q = round to nearest even of x * id, sum = the integer sum of the q,
 * s = d * (float)sum.  amax is the largest |x| by bit pattern, so that a NaN or an infinity in x
 * reaches d and from there every output; |q| <= 127 always, and x * id = NaN gives q = -127.
 *
 * Weights: groups of 32 (Q6_K: 16) codes with one float32 scale w (K formats: d * sc) and, where
 * the format has a minimum, one float32 offset m (y = w * code + m; K formats: -(dmin * mn)).
 * Codes of formats without one are signed (Q4_0: code - 8, Q5_0: code - 16, Q8_0, Q6_K: code - 32).
 *
 * Output: one float32 accumulator per (row, column), starting at 0.  For each group in increasing
 * order of k: isum = the exact integer sum of code * q;  acc = fmaf((float)isum, w * d, acc)  (the
 * product w * d rounded to float32 first); then, when the format has a minimum,
 * acc = fmaf(m, s, acc).  Groups of 16: the two halves of a block in order.  Every table gives the
 * same bits, whatever the neighbours of an output; only the sign and payload of a NaN may differ.
 * [engine_design.md asks for 16 lanes by block index.  Weights are interleaved by row here, so the
 * lanes of a register are 16 rows and one chain per output is what costs no register; 16 lanes by
 * block would need 16 registers per 16 outputs.]
 *
 * Packed weights (fast_pack) hold 16 rows interleaved, the same layout for every instruction set.
 * Formats that fast_supports does not list are computed as `exact` by the caller.
 * Nothing allocates, nothing is global: any thread may call anything. */
#ifndef RUNNERS_FAST_H
#define RUNNERS_FAST_H

#include <stddef.h>
#include <stdint.h>

#define FAST_ROWS 16  /* rows per stripe of a packed matrix */
#define FAST_BLOCK 32 /* elements per activation block */
#define FAST_BLOCK_BYTES 64 /* of such a block; those of a row follow each other, so that a row may
                               be quantised in parts of whole blocks */

/* Q4_0 Q4_1 Q5_0 Q5_1 Q8_0: k % 32 == 0.  Q4_K Q5_K Q6_K: k % 256 == 0. */
int fast_supports(int quant_type, int k);

/* Bytes of one packed stripe of FAST_ROWS rows (a multiple of 64). */
size_t fast_stripe_bytes(int quant_type, int k);
/* Packs rows row0 .. row0+15 of a matrix (rows: its row 0; row_bytes apart); rows at or past
 * n_rows become zeros.  stripe is 64-byte aligned; stripe i of a matrix lies fast_stripe_bytes * i
 * from its start. */
void fast_pack(int quant_type, void *stripe, const uint8_t *rows, size_t row_bytes, int row0,
               int n_rows, int k);

/* Bytes of one row of k quantised activations (a multiple of 64, about 2 * k); the rows of a batch
 * lie that far apart, and the first is 64-byte aligned.  What is inside is fast_layout.h's. */
size_t fast_act_bytes(int k);

struct fast_kernels {
    const char *name; /* "ref", "avx2", "avx512vnni", "amx", "neon-i8mm", ... */
    int (*usable)(void);
    void (*quantise)(void *act_row, const float *x, int k); /* x need not be aligned */
    /* out[c*ldo + r] for r < rows of the stripes that start at `stripes` (rows may end inside the
     * last one) and c < cols, with acts the quantised row of c = 0. */
    void (*gemm)(int quant_type, float *out, size_t ldo, const void *stripes, int rows,
                 const void *acts, int cols, int k);
};

const struct fast_kernels *fast_kernels_best(void);
const struct fast_kernels *fast_kernels_find(const char *name); /* NULL: unknown or not usable */
const struct fast_kernels *fast_kernels_at(int i); /* best first; NULL after the last */

#endif
