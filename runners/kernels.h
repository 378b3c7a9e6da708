/* kernels.h -- the arithmetic of engine_design.md section 2, one table per instruction set.
 *
 * Every table gives the same bits for the same input: the arithmetic is defined here, and
 * kernels_ref.c is its plain C text.  A "dot16" of two vectors runs in 16 lanes: lane l
 * accumulates elements l, l+16, l+32, ... in increasing order with fused multiply-add in float32,
 * and the lanes are added by a fixed tree: l with l+8, then l+4, l+2, l+1.
 *
 * Vectors that a dot16 reads are 64-byte aligned and padded with zeros to a multiple of 16 floats
 * (KERNEL_PAD); leading dimensions (ld) are in floats.  Nothing allocates, nothing is global:
 * any thread may call anything.
 *
 * A maximum is v > max ? v : max over the values in order, from -infinity: NaN never is one, and
 * shows in the sum that follows.  The payload and sign of a NaN are not defined.  exp, tanh, silu,
 * gelu, sigmoid and softplus are those of fmath.h. */
#ifndef RUNNERS_KERNELS_H
#define RUNNERS_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "runners/kv_page.h"
#include "runners/recurrent.h"

#define KERNEL_PAD(n) (((size_t)(n) + 15) / 16 * 16)
/* The leading dimension to choose, an odd number of cache lines: rows a power of two apart fall on
 * the same lines of the first cache and push each other out. */
#define KERNEL_LD(n) (KERNEL_PAD(n) | 16)
#define LSE_BLOCK 256    /* vocabulary rows per block of the log-sum-exp */

enum activation {
    ACT_NONE,
    ACT_SILU,
    ACT_GELU_TANH,
    ACT_GELU_ERF,
    ACT_RELU,
    ACT_RELU2,
    ACT_SIGMOID,
    ACT_SOFTPLUS,
    ACT_TANH,
};

/* Attention of some query rows of one kv head over the pages of their common path.
 * Per row: s_j = dot * scale with dot accumulated by fma over d = 0, 1, ... head_dim-1 (one chain
 * per key: the lanes of a register are keys, so no sum ever crosses lanes); softcap c != 0:
 * s = c * tanh(s / c); with slopes s = fma(slope, j - last, s).  The running maximum and sum begin
 * at -infinity and 0, with sinks at the sink and 1.  Pages go in order; in each, m' = max(m, its
 * visible s), the running sum and output are multiplied by exp(m - m'), p_j = exp(s_j - m') (0 for
 * hidden keys), the sum adds the 32 p_j by halves (j with j+16, then +8, +4, +2, +1), and
 * output_d = fma(p_j, v_jd, output_d) for the visible j in increasing order.  A page without a
 * visible key is skipped.  At the end output_d / sum.  Hidden positions may hold
 * anything, NaN too. */
struct attend {
    int rows;                    /* query rows: tokens x the heads of this group */
    const float *const *q;       /* [rows] -> head_dim floats */
    float *const *out;           /* [rows] -> value_dim floats */
    const int32_t *first, *last; /* [rows] visible keys, 0 <= first <= last, both included */
    const float *sink, *slope;   /* [rows], or NULL */
    int head_dim, value_dim;     /* any value >= 1 */
    float scale, softcap;
    enum kv_type kv;
    const void *const *k, *const *v; /* [page number] -> a head's keys, values (kv_page.h) */
    float *k_room, *v_room; /* other types than f32: [KV_PAGE * head_dim], [KV_PAGE * value_dim] */
};

struct lse { /* one block of a row of logits */
    float max;      /* a zero is +0 */
    float sum;      /* of exp(x - max): lanes by index modulo 16 in order, then the tree */
    int32_t argmax; /* lowest index of the maximum, within the block; 0 if all are -inf or NaN */
};

struct kernels {
    const char *name; /* "ref", "avx2", "avx512", "neon" */
    int (*usable)(void); /* does this CPU (and operating system) have it */

    /* n floats (a multiple of the format's block) of a quantised row; equal to quant.h's unpack. */
    void (*unpack)(int quant_type, float *y, const void *blocks, size_t n);

    /* out[c*ldo + r] = dot16(w + r*ldw, x + c*ldx, KERNEL_PAD(k)) for r < rows, c < cols.  Fastest
     * with 64 rows of unpacked weights at a time (fewer where these exceed half of the second
     * cache) and all columns there are. */
    void (*gemm)(float *out, size_t ldo, const float *w, size_t ldw, int rows, const float *x,
                 size_t ldx, int cols, int k);

    /* The same of n_rows rows in a format, row_bytes apart, for a few columns: no weight is written
     * anywhere.  0: nothing was done, since there is no such form for this format, k or cols; then
     * unpack and gemm give those bits.  NULL: for none. */
    int (*gemm_thin)(int quant_type, float *out, size_t ldo, const uint8_t *rows, size_t row_bytes,
                     int n_rows, const float *x, size_t ldx, int cols, int k);

    /* y = x * (1 / sqrt(dot16(x, x) / n + eps)) * w, multiplied in that order; w NULL: no weight.
     * x need not be padded (a missing element counts as zero).  y may be x. */
    void (*rms_norm)(float *y, const float *x, const float *w, int n, float eps);
    /* mean and variance by 16-lane sums (x*1 and (x-mean)^2), y = (x-mean)*rstd*w + b (no fma). */
    void (*layer_norm)(float *y, const float *x, const float *w, const float *b, int n, float eps);

    /* relu: x > 0 ? x : 0, its square for relu2.  y may be x. */
    void (*act)(enum activation a, float *y, const float *x, int n);
    /* y = act(gate) * up; y may be either. */
    void (*glu)(enum activation a, float *y, const float *gate, const float *up, int n);
    void (*softcap)(float *x, float cap, int n);       /* cap * tanh(x / cap) */
    void (*exp)(float *y, const float *x, int n);      /* the exp all of the above use */

    /* Elementwise, no fma: y = a + b;  y = a * s. */
    void (*add)(float *y, const float *a, const float *b, int n);
    void (*scale)(float *y, const float *a, float s, int n);
    void (*axpy)(float *y, const float *x, float a, int n); /* y = fma(x, a, y) */

    /* One head of D floats in place; cos, sin: [n_rot/2].  halves: pairs (i, i+n_rot/2), else
     * (2i, 2i+1).  y0 = a*cos - b*sin, y1 = a*sin + b*cos, no fma. */
    void (*rope)(float *x, const float *cos, const float *sin, int n_rot, int halves);

    void (*attend)(const struct attend *a);
    void (*lse)(struct lse *out, const float *logits, int n); /* n <= LSE_BLOCK */

    void (*conv)(const struct conv *c);
    void (*scan_channels)(const struct scan *s);
    void (*scan_head)(const struct scan *s);
    void (*delta)(const struct delta *d);
};

/* The tables this build has, best first; NULL after the last.  kernels_best honours usable(). */
const struct kernels *kernels_at(int i);
const struct kernels *kernels_best(void);
const struct kernels *kernels_find(const char *name); /* NULL: unknown, or not usable here */

#endif
