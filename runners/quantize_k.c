/* quantize_k.c -- the K-quants: a scale (and minimum) for each sub-block, found by least squares.
 *
 * The scales are then rounded to their few bits, each to whichever neighbour leaves the smaller
 * error, and the codes are chosen anew for what the scales have become. */
#include <math.h>
#include <string.h>

#include "runners/quant.h"
#include "runners/quantize_block.h"
#include "runners/quantize_fit.h"

static float sum(const float *w, int n)
{
    float s = 0;

    for (int i = 0; i < n; i++)
        s += w[i];
    return s;
}

static int between(int v, int lo, int hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

/* ---- y = d * scale * q -------------------------------------------------------------------- */

static float scale_error(const float *x, const float *w, int n, float scale, int lo, int hi)
{
    float error = 0;

    for (int i = 0; i < n; i++) {
        float q = scale != 0 ? fit_round(x[i] / scale, (float)lo, (float)hi) : 0;
        error += w[i] * (x[i] - scale * q) * (x[i] - scale * q);
    }
    return error;
}

/* 16 sub-blocks of 16: d as a half at `half`, whole scales in least..most, codes in lo..hi. */
static int fit_scales(uint8_t *half, int *scale, int8_t *q, const float *x, const float *w, int lo,
                      int hi, int least, int most)
{
    float best[16], weight[16], d;
    int fits = 1;

    for (int s = 0; s < 16; s++) {
        best[s] = fit_scale(x + 16 * s, w + 16 * s, 16, lo, hi);
        weight[s] = sum(w + 16 * s, 16);
    }
    d = quantize_rounded_half(half, fit_step(best, weight, 16, least, most, 0), &fits);
    for (int s = 0; s < 16; s++) {
        float near = fit_round(d != 0 ? best[s] / d : 0, (float)least, (float)most);
        float error = INFINITY;
        for (int k = -1; k <= 1; k++) {
            int here = between((int)near + k, least, most);
            float e = scale_error(x + 16 * s, w + 16 * s, 16, d * (float)here, lo, hi);
            if (e < error || k < 0) {
                error = e;
                scale[s] = here;
            }
        }
    }
    for (int i = 0; i < 256; i++) {
        float step = d * (float)scale[i / 16];
        q[i] = (int8_t)(step != 0 ? fit_round(x[i] / step, (float)lo, (float)hi) : 0);
    }
    return fits ? 0 : -1;
}

int quantize_q3_k(uint8_t *b, const float *x, const float *w, const struct grids *g)
{
    int scale[16], rc;
    int8_t q[256];

    (void)g;
    memset(b, 0, 110);
    rc = fit_scales(b + 108, scale, q, x, w, -4, 3, -32, 31);
    for (int s = 0; s < 16; s++) { /* low nibbles in bytes 0..7, high bits in 8..11 */
        int v = scale[s] + 32;
        b[96 + s % 8] |= (uint8_t)((v & 15) << (4 * (s / 8)));
        b[104 + s % 4] |= (uint8_t)((v >> 4) << (2 * (s / 4)));
    }
    for (int i = 0; i < 256; i++) {
        int v = q[i] + 4, group = i / 32;
        b[32 + 32 * (i / 128) + i % 32] |= (uint8_t)((v & 3) << (2 * (group % 4)));
        b[i % 32] |= (uint8_t)((v >> 2) << group);
    }
    return rc;
}

int quantize_q6_k(uint8_t *b, const float *x, const float *w, const struct grids *g)
{
    int scale[16], rc;
    int8_t q[256];

    (void)g;
    memset(b, 0, 210);
    rc = fit_scales(b + 208, scale, q, x, w, -32, 31, -128, 127);
    for (int s = 0; s < 16; s++)
        b[192 + s] = (uint8_t)(int8_t)scale[s];
    for (int i = 0; i < 256; i++) {
        int v = q[i] + 32, group = i / 32, h = group / 4;
        b[64 * h + 32 * (group % 2) + i % 32] |= (uint8_t)((v & 15) << (4 * (group / 2 % 2)));
        b[128 + 32 * h + i % 32] |= (uint8_t)((v >> 4) << (2 * (group % 4)));
    }
    return rc;
}

/* ---- y = d * scale * q - dmin * min --------------------------------------------------------- */

static float line_error(const float *x, const float *w, int n, struct fit_line f, int top)
{
    float error = 0;

    for (int i = 0; i < n; i++) {
        float q = f.scale != 0 ? fit_round((x[i] + f.min) / f.scale, 0, (float)top) : 0;
        float off = f.scale * q - f.min - x[i];
        error += w[i] * off * off;
    }
    return error;
}

/* Whole scale and minimum, up to `most`, near to the line. */
static void round_line(int *scale, int *min, struct fit_line f, float d, float dmin, int most,
                       const float *x, const float *w, int n, int top)
{
    int s0 = (int)fit_round(d != 0 ? f.scale / d : 0, 0, (float)most);
    int m0 = (int)fit_round(dmin != 0 ? f.min / dmin : 0, 0, (float)most);
    float error = INFINITY;

    *scale = s0;
    *min = m0;
    for (int k = 0; k < 9; k++) {
        int s = between(s0 + k % 3 - 1, 0, most), m = between(m0 + k / 3 - 1, 0, most);
        struct fit_line here = {d * (float)s, dmin * (float)m};
        float e = line_error(x, w, n, here, top);
        if (e < error) {
            error = e;
            *scale = s;
            *min = m;
        }
    }
}

/* Sub-blocks of n: d and dmin as halves at `half`, whole scales and minima up to `most`. */
static int fit_lines(uint8_t *half, int *scale, int *min, uint8_t *q, const float *x,
                     const float *w, int n, int top, int most)
{
    struct fit_line f[16];
    float scales[16] = {0}, minima[16] = {0}, weight[16] = {0}, d, dmin;
    int blocks = 256 / n, fits = 1;

    for (int s = 0; s < blocks; s++) {
        f[s] = fit_line(x + n * s, w + n * s, n, top, 0);
        scales[s] = f[s].scale;
        minima[s] = f[s].min;
        weight[s] = sum(w + n * s, n);
    }
    d = quantize_rounded_half(half, fit_step(scales, weight, blocks, 0, most, 0), &fits);
    dmin = quantize_rounded_half(half + 2, fit_step(minima, weight, blocks, 0, most, 0), &fits);
    for (int s = 0; s < blocks; s++)
        round_line(&scale[s], &min[s], f[s], d, dmin, most, x + n * s, w + n * s, n, top);
    for (int i = 0; i < 256; i++) {
        float step = d * (float)scale[i / n], low = dmin * (float)min[i / n];
        q[i] = (uint8_t)(step != 0 ? fit_round((x[i] + low) / step, 0, (float)top) : 0);
    }
    return fits ? 0 : -1;
}

int quantize_q2_k(uint8_t *b, const float *x, const float *w, const struct grids *g)
{
    int scale[16], min[16], rc;
    uint8_t q[256];

    (void)g;
    memset(b, 0, 84);
    rc = fit_lines(b + 80, scale, min, q, x, w, 16, 3, 15);
    for (int s = 0; s < 16; s++)
        b[s] = (uint8_t)(scale[s] | min[s] << 4);
    for (int i = 0; i < 256; i++)
        b[16 + 32 * (i / 128) + i % 32] |= (uint8_t)(q[i] << (2 * (i / 32 % 4)));
    return rc;
}

/* Eight 6-bit scales and minima into 12 bytes, as quant.c takes them out. */
static void put_scales(uint8_t *s, const int *scale, const int *min)
{
    for (int j = 0; j < 4; j++) {
        s[j] = (uint8_t)(scale[j] | (scale[j + 4] >> 4) << 6);
        s[j + 4] = (uint8_t)(min[j] | (min[j + 4] >> 4) << 6);
        s[j + 8] = (uint8_t)((scale[j + 4] & 15) | (min[j + 4] & 15) << 4);
    }
}

int quantize_q4_k(uint8_t *b, const float *x, const float *w, const struct grids *g)
{
    int scale[8], min[8], rc;
    uint8_t q[256];

    (void)g;
    memset(b, 0, 144);
    rc = fit_lines(b, scale, min, q, x, w, 32, 15, 63);
    put_scales(b + 4, scale, min);
    for (int i = 0; i < 256; i++)
        b[16 + 32 * (i / 64) + i % 32] |= (uint8_t)(q[i] << (4 * (i / 32 % 2)));
    return rc;
}

int quantize_q5_k(uint8_t *b, const float *x, const float *w, const struct grids *g)
{
    int scale[8], min[8], rc;
    uint8_t q[256];

    (void)g;
    memset(b, 0, 176);
    rc = fit_lines(b, scale, min, q, x, w, 32, 31, 63);
    put_scales(b + 4, scale, min);
    for (int i = 0; i < 256; i++) {
        b[48 + 32 * (i / 64) + i % 32] |= (uint8_t)((q[i] & 15) << (4 * (i / 32 % 2)));
        b[16 + i % 32] |= (uint8_t)((q[i] >> 4) << (i / 32));
    }
    return rc;
}
