/* fast.h -- the `fast` numerics: activations in 8 bits, as strictly defined as `exact`.
 *
 * Activations: per block of 32 elements d = amax / 127 (float32 division), id = amax > 0 ?
 * 127 / amax : 0, q = round to nearest even of x * id, sum = the integer sum of the q,
 * s = d * (float)sum.
 *
 * Weights: groups of 32 (Q6_K: 16) codes with one float32 scale w (Q4_K: d * sc) and, where the
 * format has a minimum, one float32 offset m (y = w * code + m).  Codes of formats without one are
 * signed (Q4_0: code - 8, Q5_0: code - 16, Q8_0, Q6_K: code - 32).
 *
 * Output: one float32 accumulator per (row, column), starting at 0.  For each group in increasing
 * order of k: isum = the exact integer sum of code * q;  acc = fmaf((float)isum, w * d, acc)  (the
 * product w * d rounded to float32 first); then, when the format has a minimum,
 * acc = fmaf(m, s, acc).  Groups of 16: the two halves of a block in order.
 * [engine_design.md asks for 16 lanes by block index.  Weights are interleaved by row here, so the
 * lanes of a register are 16 rows and one chain per output is what costs no register; 16 lanes by
 * block would need 16 registers per 16 outputs.]
 *
 * Packed weights (fast_pack) hold 16 rows interleaved, the same layout for every instruction set.
 * Formats that fast_supports does not list are computed as `exact` by the caller. */
#ifndef RUNNERS_FAST_H
#define RUNNERS_FAST_H

#include <stddef.h>
#include <stdint.h>

#define FAST_ROWS 16  /* rows per stripe of a packed matrix */
#define FAST_BLOCK 32 /* elements per activation block */

int fast_supports(int quant_type, int k); /* Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q4_K Q5_K Q6_K; k % 32 == 0 */

/* Bytes of one packed stripe of FAST_ROWS rows (a multiple of 64). */
size_t fast_stripe_bytes(int quant_type, int k);
/* Packs rows row0 .. row0+15 of a matrix (row_bytes apart); rows at or past n_rows are zeros. */
void fast_pack(int quant_type, void *stripe, const uint8_t *rows, size_t row_bytes, int row0,
               int n_rows, int k);

struct fast_acts { /* quantised activations: cols rows of k elements */
    const int8_t *q;  /* [cols][k], 64-byte aligned rows */
    const float *d;   /* [cols][k/32] */
    const float *s;   /* [cols][k/32] */
    const int32_t *sum; /* [cols][k/32] */
    size_t ldq, ldb;  /* in elements: of q, and of d, s, sum */
};

struct fast_kernels {
    const char *name; /* "ref", "avx2", "avx512vnni" */
    int (*usable)(void);
    void (*quantise)(int8_t *q, float *d, float *s, int32_t *sum, const float *x, int k);
    /* out[c*ldo + r] for r < rows of the stripes that start at `stripes` (rows may end inside the
     * last one) and c < cols. */
    void (*gemm)(int quant_type, float *out, size_t ldo, const void *stripes, int rows,
                 const struct fast_acts *a, int cols, int k);
};

const struct fast_kernels *fast_kernels_best(void);
const struct fast_kernels *fast_kernels_find(const char *name); /* NULL: unknown or not usable */
const struct fast_kernels *fast_kernels_at(int i); /* best first; NULL after the last */

#endif
