/* quantize_fit.h -- the best scale for a few values and a set of codes: least squares by search.
 *
 * All minimise the sum of w (x - y)^2, w > 0 being the importance of each value.  A handful of
 * ranges are tried; each gives codes by rounding, the codes give the best scale (and minimum) in
 * closed form, and the smallest error wins.  Pure functions, any thread. */
#ifndef RUNNERS_QUANTIZE_FIT_H
#define RUNNERS_QUANTIZE_FIT_H

#include <stdint.h>

enum { FIT_MAX = 256 }; /* most values that one fit takes */

/* v rounded to nearest within lo..hi; NaN gives lo. */
static inline float fit_round(float v, float lo, float hi)
{
    v = v > lo ? v : lo;
    v = v < hi ? v : hi;
    return (v + 0x1.8p23f) - 0x1.8p23f; /* the sum has no room for a fraction */
}

/* y = scale * q, q in lo..hi, where -lo >= hi. */
float fit_scale(const float *x, const float *w, int n, int lo, int hi);

/* y = scale * q - min, q in 0..top.  min >= 0, unless `any_min`. */
struct fit_line {
    float scale, min;
};
struct fit_line fit_line(const float *x, const float *w, int n, int top, int any_min);

/* y = scale * quant_iq4_values[q], 32 values. */
float fit_iq4(const float *x, const float *w);
int fit_iq4_code(float v); /* the number of the nearest value of the table */

/* One step for many scales: d such that scale[i] ~ d * k with k in lo..hi, or scale[i] ~
 * d * (1 + 2k) if `odd`; errors weighted by w.  Scales of either sign where lo < 0. */
float fit_step(const float *scale, const float *w, int n, int lo, int hi, int odd);

#endif
