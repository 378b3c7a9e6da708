/* quantize_fit.c -- searches over ranges. */
#include "runners/quantize_fit.h"

#include <math.h>

#include "runners/quant_block.h"

/* Sums of one try: what they explain of the sum of squares is xq * xq / qq. */
struct sums {
    float xq, qq;
};

static void add(struct sums *s, float w, float x, float q)
{
    s->xq += w * x * q;
    s->qq += w * q * q;
}

/* Takes the try's scale when it explains more than the best so far. */
static void keep_better(struct sums s, float *best, float *scale)
{
    if (s.qq > 0 && s.xq * s.xq > *best * s.qq) {
        *best = s.xq * s.xq / s.qq;
        *scale = s.xq / s.qq;
    }
}

/* The value of the largest magnitude, with its sign. */
static float extreme(const float *x, int n)
{
    float max = 0;

    for (int i = 0; i < n; i++)
        if (fabsf(x[i]) > fabsf(max))
            max = x[i];
    return max;
}

static struct sums try_scale(const float *x, const float *w, int n, float inverse, int lo, int hi)
{
    struct sums s = {0, 0};

    for (int i = 0; i < n; i++)
        add(&s, w[i], x[i], fit_round(x[i] * inverse, (float)lo, (float)hi));
    return s;
}

float fit_scale(const float *x, const float *w, int n, int lo, int hi)
{
    float max = extreme(x, n), best = 0, scale = 0;
    /* few codes gain by cutting extremes off, many hardly */
    float most = hi < 8 ? 1.6f : 1.2f, step = hi < 8 ? 0.05f : 0.02f;

    if (max == 0)
        return 0;
    for (float f = hi < 8 ? 0.8f : 0.9f; f < most; f += step) { /* the extreme at lo, then at hi */
        keep_better(try_scale(x, w, n, f * (float)lo / max, lo, hi), &best, &scale);
        keep_better(try_scale(x, w, n, f * (float)hi / max, lo, hi), &best, &scale);
    }
    for (int again = 0; again < 2 && scale != 0; again++) /* the codes of the best scale */
        keep_better(try_scale(x, w, n, 1 / scale, lo, hi), &best, &scale);
    return scale;
}

/* ---- lines ------------------------------------------------------------------------------- */

/* Weighted sums of x that no try changes. */
struct moments {
    float w, x, xx;
};

/* The least-squares line through values and codes; *error is less the smaller the better. */
static struct fit_line line_of(const float *x, const float *w, const float *q, int n,
                               struct moments m, int any_min, float *error)
{
    float sq = 0, sqq = 0, sxq = 0, det;
    struct fit_line f = {0, 0};

    for (int i = 0; i < n; i++) {
        sq += w[i] * q[i];
        sqq += w[i] * q[i] * q[i];
        sxq += w[i] * x[i] * q[i];
    }
    det = m.w * sqq - sq * sq;
    if (det > 0) {
        f.scale = (m.w * sxq - m.x * sq) / det;
        f.min = (f.scale * sq - m.x) / m.w;
    } else {
        f.min = -m.x / m.w;
    }
    if (f.scale < 0)
        f.scale = 0;
    if (!any_min && f.min < 0) { /* the best line through zero */
        f.min = 0;
        f.scale = sqq > 0 && sxq > 0 ? sxq / sqq : 0;
    }
    *error = m.xx + f.scale * (f.scale * sqq - 2 * sxq) +
             f.min * (2 * m.x + m.w * f.min - 2 * f.scale * sq);
    return f;
}

struct fit_line fit_line(const float *x, const float *w, int n, int top, int any_min)
{
    float min = x[0], max = x[0], error, best_error = INFINITY, q[FIT_MAX];
    struct fit_line best = {0, 0};
    struct moments m = {0, 0, 0};

    for (int i = 0; i < n; i++) {
        min = x[i] < min ? x[i] : min;
        max = x[i] > max ? x[i] : max;
        m.w += w[i];
        m.x += w[i] * x[i];
        m.xx += w[i] * x[i] * x[i];
    }
    if (!any_min && min > 0)
        min = 0;
    if (!any_min && max < 0)
        max = 0;
    if (max == min)
        return (struct fit_line){0, any_min ? -min : 0};
    for (int t = 0; t < 22; t++) { /* ranges from wider to much narrower, then the best again */
        float scale = (max - min) / ((float)top * (0.94f + 0.02f * (float)t));
        float low = min;
        struct fit_line f;
        if (top < 8)
            scale = (max - min) / ((float)top * (0.85f + 0.05f * (float)t));
        if (t >= 20 && best.scale > 0) {
            scale = best.scale;
            low = -best.min;
        } else if (t % 2 && min < 0) { /* cut off at both ends */
            low = min + 0.5f * (max - min - scale * (float)top);
        }
        for (int i = 0; i < n; i++)
            q[i] = fit_round((x[i] - low) / scale, 0, (float)top);
        f = line_of(x, w, q, n, m, any_min, &error);
        if (error < best_error) {
            best_error = error;
            best = f;
        }
    }
    return best;
}

/* ---- the table of IQ4 -------------------------------------------------------------------- */

int fit_iq4_code(float v)
{
    /* how many middles between neighbours lie below -128, -120, -112 ...; the next is compared */
    static const uint8_t below[32] = {0, 0, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7,
                                      8, 9, 9, 10, 11, 11, 12, 12, 13, 13, 14, 14, 14, 15, 15, 15};
    int at = below[(int)fit_round((v + 124) * 0.125f, 0, 31)];

    return at + (at < 15 && 2 * v > (float)(quant_iq4_values[at] + quant_iq4_values[at + 1]));
}

float fit_iq4(const float *x, const float *w)
{
    float max = extreme(x, 32), best = 0, scale = 0;

    for (int t = -9; t <= 10 && max != 0; t++) {
        for (int end = 0; end < 16; end += 15) {
            struct sums s = {0, 0};
            float inverse = (float)quant_iq4_values[end] * (1.1f + 0.03f * (float)t) / max;
            if (t == 10 && scale != 0)
                inverse = 1 / scale;
            for (int i = 0; i < 32; i++)
                add(&s, w[i], x[i], (float)quant_iq4_values[fit_iq4_code(x[i] * inverse)]);
            keep_better(s, &best, &scale);
        }
    }
    return scale;
}

/* ---- scales of scales --------------------------------------------------------------------- */

static float whole_or_odd(float v, int lo, int hi, int odd)
{
    return odd ? 1 + 2 * fit_round((v - 1) / 2, (float)lo, (float)hi)
               : fit_round(v, (float)lo, (float)hi);
}

float fit_step(const float *scale, const float *w, int n, int lo, int hi, int odd)
{
    float max = extreme(scale, n), best = 0, step = 0;
    float reach = lo < 0 ? (float)lo : odd ? (float)(1 + 2 * hi) : (float)hi;

    for (int t = -8; t <= 2 && max != 0; t++) {
        struct sums s = {0, 0};
        for (int i = 0; i < n; i++) {
            float v = scale[i] * reach * (1 + 0.02f * (float)t) / max;
            add(&s, w[i], scale[i], whole_or_odd(v, lo, hi, odd));
        }
        keep_better(s, &best, &step);
    }
    return step;
}
