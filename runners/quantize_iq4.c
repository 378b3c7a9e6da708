/* quantize_iq4.c -- IQ4_NL and IQ4_XS: four-bit codes that number the values of a table. */
#include <math.h>
#include <string.h>

#include "runners/quant_block.h"
#include "runners/quantize_block.h"
#include "runners/quantize_fit.h"

static float table_error(const float *x, const float *w, float d)
{
    float error = 0;

    for (int i = 0; i < 32; i++) {
        int q = fit_iq4_code(d != 0 ? x[i] / d : 0);
        float off = x[i] - d * (float)quant_iq4_values[q];
        error += w[i] * off * off;
    }
    return error;
}

static void put_codes(uint8_t *b, const float *x, float d)
{
    for (int i = 0; i < 32; i++) {
        int q = fit_iq4_code(d != 0 ? x[i] / d : 0);
        b[i % 16] |= (uint8_t)(q << (4 * (i / 16)));
    }
}

int quantize_iq4_nl(uint8_t *b, const float *x, const float *w, const struct grids *g)
{
    int fits = 1;

    (void)g;
    memset(b, 0, 18);
    put_codes(b + 2, x, quantize_rounded_half(b, fit_iq4(x, w), &fits));
    return fits ? 0 : -1;
}

int quantize_iq4_xs(uint8_t *b, const float *x, const float *w, const struct grids *g)
{
    float scale[8], weight[8] = {0}, d;
    int fits = 1;

    (void)g;
    memset(b, 0, 136);
    for (int s = 0; s < 8; s++) {
        scale[s] = fit_iq4(x + 32 * s, w + 32 * s);
        for (int i = 0; i < 32; i++)
            weight[s] += w[32 * s + i];
    }
    d = quantize_rounded_half(b, fit_step(scale, weight, 8, -32, 31, 0), &fits);
    for (int s = 0; s < 8; s++) {
        int near = (int)fit_round(d != 0 ? scale[s] / d : 0, -32, 31), best = near;
        float error = INFINITY;
        for (int k = near > -32 ? near - 1 : near; k <= near + 1 && k <= 31; k++) {
            float e = table_error(x + 32 * s, w + 32 * s, d * (float)k);
            if (e < error) {
                error = e;
                best = k;
            }
        }
        b[4 + s / 2] |= (uint8_t)(((best + 32) & 15) << (4 * (s % 2)));
        b[2 + s / 4] |= (uint8_t)(((best + 32) >> 4) << (2 * (s % 4)));
        put_codes(b + 8 + 16 * s, x + 32 * s, d * (float)best);
    }
    return fits ? 0 : -1;
}
