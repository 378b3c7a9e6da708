/* quantize_k.c -- Q4_K and Q6_K: scales found by least squares.
 *
 * Per sub-block a few ranges are tried; each gives codes, the codes give the best scale (and
 * minimum) in closed form, and the smallest squared error wins.  The scales are then rounded to
 * their few bits, and the codes are chosen anew for the rounded scales. */
#include <math.h>
#include <string.h>

#include "runners/quant.h"
#include "runners/quantize_block.h"

enum { TRIES = 21 }; /* ranges, from 1 below to 1 above the plain one in steps of 0.1 */

static int clamp(float v, int lo, int hi)
{
    float r = rintf(v);

    return !(r > (float)lo) ? lo : r > (float)hi ? hi : (int)r; /* NaN, of 0 * inf, gives lo */
}

/* ---- Q6_K: y = scale * q, q in -32..31 ----------------------------------------------------- */

static float fit_scale(const float *x)
{
    float extreme = 0, best_scale = 0;
    double best = 0; /* how much of the sum of squares is explained */

    for (int i = 0; i < 16; i++)
        if (fabsf(x[i]) > fabsf(extreme))
            extreme = x[i];
    for (int t = 0; t < TRIES && extreme != 0; t++) {
        float inverse = -(31 + 0.1f * (float)t) / extreme;
        double xq = 0, qq = 0;
        for (int i = 0; i < 16; i++) {
            int q = clamp(x[i] * inverse, -32, 31);
            xq += (double)x[i] * q;
            qq += q * q;
        }
        if (qq > 0 && xq * xq > best * qq) {
            best = xq * xq / qq;
            best_scale = (float)(xq / qq);
        }
    }
    return best_scale;
}

int quantize_block_q6_k(uint8_t *b, const float *x)
{
    float scale[16], largest = 0, d;

    for (int s = 0; s < 16; s++) {
        scale[s] = fit_scale(x + 16 * s);
        largest = fmaxf(largest, fabsf(scale[s]));
    }
    if (!quantize_fits_half(largest / 127))
        return -1;
    memset(b, 0, 210);
    quantize_put_half(b + 208, largest / 127);
    d = half_to_float((uint16_t)(b[208] | b[209] << 8));
    for (int s = 0; s < 16; s++)
        b[192 + s] = (uint8_t)(int8_t)(d != 0 ? clamp(scale[s] / d, -127, 127) : 0);
    for (int i = 0; i < 256; i++) {
        int group = i / 32, l = i % 32, h = group / 4;
        float step = d * (float)(int8_t)b[192 + i / 16];
        int q = (step != 0 ? clamp(x[i] / step, -32, 31) : 0) + 32;
        b[64 * h + 32 * (group % 2) + l] |= (uint8_t)((q & 15) << (4 * (group / 2 % 2)));
        b[128 + 32 * h + l] |= (uint8_t)((q >> 4) << (2 * (group % 4)));
    }
    return 0;
}

/* ---- Q4_K: y = scale * q - min, q in 0..15, scale and min not negative ---------------------- */

struct line {
    double scale, min, error;
};

/* The least-squares line through 32 values and their codes, with min >= 0. */
static struct line fit_codes(const float *x, const int *q)
{
    double n = 32, sx = 0, sq = 0, sxq = 0, sqq = 0, det;
    struct line f = {0, 0, 0};

    for (int i = 0; i < 32; i++) {
        sx += x[i];
        sq += q[i];
        sxq += (double)x[i] * q[i];
        sqq += q[i] * q[i];
    }
    det = n * sqq - sq * sq;
    if (det > 0) {
        f.scale = (n * sxq - sx * sq) / det;
        f.min = (f.scale * sq - sx) / n;
    }
    if (sq == 0) { /* the best constant */
        f.min = fmax(0, -sx / n);
    } else if (det <= 0 || f.min < 0) { /* the best line through zero */
        f.min = 0;
        f.scale = sxq / sqq;
    }
    if (f.scale < 0)
        f.scale = 0;
    for (int i = 0; i < 32; i++) {
        double off = f.scale * q[i] - f.min - x[i];
        f.error += off * off;
    }
    return f;
}

static struct line fit_line(const float *x)
{
    float min = 0, max = 0;
    struct line best = {0, 0, INFINITY};
    int q[32];

    for (int i = 0; i < 32; i++) {
        min = fminf(min, x[i]);
        max = fmaxf(max, x[i]);
    }
    if (max == min)
        return (struct line){0, 0, 0};
    if (!isfinite(max - min)) /* the caller refuses such a scale */
        return (struct line){INFINITY, 0, 0};
    for (int t = 0; t < TRIES; t++) {
        float inverse = (14 + 0.1f * (float)t) / (max - min);
        struct line f;
        for (int i = 0; i < 32; i++)
            q[i] = clamp((x[i] - min) * inverse, 0, 15);
        f = fit_codes(x, q);
        if (f.error < best.error)
            best = f;
    }
    return best;
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

int quantize_block_q4_k(uint8_t *b, const float *x)
{
    struct line f[8];
    double scale_max = 0, min_max = 0;
    int scale[8], min[8];
    float d, dmin;

    for (int s = 0; s < 8; s++) {
        f[s] = fit_line(x + 32 * s);
        scale_max = fmax(scale_max, f[s].scale);
        min_max = fmax(min_max, f[s].min);
    }
    if (!quantize_fits_half((float)(scale_max / 63)) || !quantize_fits_half((float)(min_max / 63)))
        return -1;
    memset(b, 0, 144);
    quantize_put_half(b, (float)(scale_max / 63));
    quantize_put_half(b + 2, (float)(min_max / 63));
    d = half_to_float((uint16_t)(b[0] | b[1] << 8));
    dmin = half_to_float((uint16_t)(b[2] | b[3] << 8));
    for (int s = 0; s < 8; s++) {
        scale[s] = d != 0 ? clamp((float)f[s].scale / d, 0, 63) : 0;
        min[s] = dmin != 0 ? clamp((float)f[s].min / dmin, 0, 63) : 0;
    }
    put_scales(b + 4, scale, min);
    for (int i = 0; i < 256; i++) {
        int s = i / 32;
        float step = d * (float)scale[s];
        int q = step != 0 ? clamp((x[i] + dmin * (float)min[s]) / step, 0, 15) : 0;
        b[16 + 32 * (s / 2) + i % 32] |= (uint8_t)(q << (4 * (s % 2)));
    }
    return 0;
}
