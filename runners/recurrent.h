/* recurrent.h -- the arithmetic of layers that carry a state from token to token.
 *
 * Every kernel takes consecutive rows of one path through up to 16 channels that lie side by side,
 * the lanes; state and weights keep 16 lanes whatever their number (zeros beyond).  Rows go one
 * after the other and lanes never mix, so that neither the cut into batches nor the number of
 * workers can change a bit.  A sum over the states of a lane runs in four chains, chain c taking
 * n = c, c+4, ... in order by fma from zero, added as (0 + 2) + (1 + 3).
 *
 * Sources: Mamba (arXiv 2312.00752, algorithm 2), Mamba 2 (arXiv 2405.21060, section 6), gated
 * delta rule (arXiv 2412.06464, equation 10). */
#ifndef RUNNERS_RECURRENT_H
#define RUNNERS_RECURRENT_H

#include <stddef.h>

#define SCAN_LANES 16

/* Depthwise causal convolution: y_t = bias + sum over j of w_j x_(t - taps + 1 + j), by fma in
 * order of j from the bias; then SiLU where asked.  y is not x. */
struct conv {
    int rows, lanes, taps, silu;
    const float *x;
    size_t ldx;
    const float *w;    /* [taps][SCAN_LANES] */
    const float *bias; /* [lanes]; NULL: zero */
    float *window;     /* [taps - 1][SCAN_LANES]: the inputs before these rows, oldest first */
    float *y;
    size_t ldy;
};

/* State-space scan.  dt <- softplus(dt); h_n = fma(exp(dt * a), h_n, (dt * x) * b_n);
 * y = fma(d, x, sum over n of c_n h_n).  scan_channels: dt, a and d belong to a lane (Mamba);
 * scan_head: to all lanes (Mamba 2): dt is one number per row, a and d are one. */
struct scan {
    int rows, lanes, states;
    const float *x;
    size_t ldx;
    const float *dt; /* before softplus, bias included */
    size_t lddt;
    const float *b, *c; /* [states] per row */
    size_t ldb, ldc;
    const float *a; /* [states][SCAN_LANES], or one */
    const float *d; /* [lanes], or one */
    float *state;   /* [states][SCAN_LANES] */
    float *y;
    size_t ldy;
};

/* Gated delta rule for 16 columns of a head's state M, `keys` rows of it.
 * g = exp(a * softplus(decay + bias)), M_i <- g * M_i, m = sum over i of k_i M_i,
 * e = sigmoid(beta) * (v - m), M_i <- fma(k_i, e, M_i), y = sum over i of q_i M_i. */
struct delta {
    int rows, lanes, keys;
    const float *q, *k; /* [keys] per row */
    size_t ldq, ldk;
    const float *v;
    size_t ldv;
    const float *decay, *beta; /* one number per row */
    size_t ld_decay, ld_beta;
    float a, bias;
    float *state; /* [keys][SCAN_LANES] */
    float *y;
    size_t ldy;
};

#endif
