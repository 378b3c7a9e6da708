/* quantize_iq.c -- IQ1, IQ2 and IQ3: a scale for each group, and entries of a codebook.
 *
 * Signs are folded away first (an even number of minuses where the format stores only seven of
 * eight).  For each group a few scales are tried; each gives entries, these the best scale in
 * closed form.  The scales are rounded to odd multiples of one step, each to whichever neighbour
 * leaves the smaller error, and the entries are looked up anew. */
#include <math.h>
#include <string.h>

#include "runners/quant.h"
#include "runners/quantize_block.h"
#include "runners/quantize_fit.h"
#include "runners/quantize_grid.h"

/* IQ1 adds 1/8 to its levels, or takes it. */
enum { SHIFT_NONE, SHIFT_UP, SHIFT_DOWN, SHIFT_EITHER };

static const struct shape {
    int type;
    int group;        /* elements under one scale */
    int most;         /* scale: step * (1 + 2k), k in 0..most */
    float unit;       /* the step is d * unit */
    float from, to;   /* tries: the greatest value is so many times the greatest level */
    int folded, even; /* signs apart; an even number of them in eight */
    int shifted;      /* a shift for each: 0 none, 1 group, 2 eight elements */
} shapes[] = {
    {QUANT_IQ2_XXS, 32, 15, 0.125f, 0.7f, 1.5f, 1, 1, 0},
    {QUANT_IQ2_XS, 16, 15, 0.125f, 0.7f, 1.5f, 1, 1, 0},
    {QUANT_IQ2_S, 16, 15, 0.125f, 0.7f, 1.5f, 1, 0, 0},
    {QUANT_IQ3_XXS, 32, 15, 0.25f, 0.8f, 1.3f, 1, 1, 0},
    {QUANT_IQ3_S, 32, 15, 1, 0.8f, 1.3f, 1, 0, 0},
    {QUANT_IQ1_S, 32, 7, 1, 1, 3, 0, 0, 1},
    {QUANT_IQ1_M, 16, 7, 1, 1, 3, 0, 0, 2},
};

/* One block, before it is packed. */
struct fitted {
    float d; /* rounded to a half, its bits: */
    uint8_t half[2];
    uint8_t scale[16];  /* k, one for each group */
    uint16_t entry[64]; /* one for each 8 or 4 elements */
    uint8_t minus[64];  /* shifted down */
    uint8_t signs[32];  /* one bit for each of 8 */
};

/* Entries for n elements at one scale; the error, in units of x. */
static float choose(const struct grid *g, const float *x, const float *w, int n, float scale,
                    int shift, uint16_t *entry, uint8_t *minus)
{
    float total = 0, inverse = 1 / scale, v[GRID_ELEMENTS];

    for (int i = 0; i < n; i += g->elements) {
        float best = INFINITY;
        for (int j = 0; j < g->elements; j++)
            v[j] = x[i + j] * inverse;
        for (int down = shift == SHIFT_DOWN; down <= (shift >= SHIFT_DOWN); down++) {
            float error, by = shift == SHIFT_NONE ? 0 : down ? -0.125f : 0.125f;
            int found = grid_nearest(g, v, w + i, by, &error);
            if (error < best) {
                best = error;
                entry[i / g->elements] = (uint16_t)found;
                minus[i / g->elements] = (uint8_t)down;
            }
        }
        total += best;
    }
    return total * scale * scale;
}

/* The best scale for the entries: how much it explains, and the scale itself. */
static float explain(const struct grid *g, const float *x, const float *w, int n, int shift,
                     const uint16_t *entry, const uint8_t *minus, float *scale)
{
    float xq = 0, qq = 0;

    for (int i = 0; i < n; i++) {
        int k = i / g->elements;
        float by = shift == SHIFT_NONE ? 0 : minus[k] ? -0.125f : 0.125f;
        float q = g->value[entry[k] * g->elements + i % g->elements] + by;
        xq += w[i] * x[i] * q;
        qq += w[i] * q * q;
    }
    *scale = qq > 0 && xq > 0 ? xq / qq : 0;
    return *scale * xq;
}

/* The scale of one group, and what it explains of the sum of squares. */
static float group_scale(const struct shape *s, const struct grid *g, const float *x,
                         const float *w, int shift, float *scale)
{
    enum { TRIES = 12 };
    float max = 0, best = 0, top = g->level[g->radix - 1];
    uint16_t entry[8];
    uint8_t minus[8];

    *scale = 0;
    for (int i = 0; i < s->group; i++)
        max = fmaxf(max, fabsf(x[i]));
    for (int t = 0; t <= TRIES + 1; t++) {
        float f = s->from + (s->to - s->from) * (float)t / TRIES, now, here;
        float from = t <= TRIES ? max / (top * f) : *scale; /* at last the best one's again */
        if (!(from > 0) || !isfinite(1 / from))
            continue;
        choose(g, x, w, s->group, from, shift, entry, minus);
        here = explain(g, x, w, s->group, shift, entry, minus, &now);
        if (here > best) {
            best = here;
            *scale = now;
        }
    }
    return best;
}

/* Minuses into bits; where their number must be even, the value that matters least gives way. */
static uint8_t fold(float *x, const float *w, int even)
{
    unsigned signs = 0;
    int least = 0;

    for (int j = 0; j < 8; j++) {
        if (x[j] < 0) {
            signs |= 1u << j;
            x[j] = -x[j];
        }
        if (w[j] * x[j] * x[j] < w[least] * x[least] * x[least])
            least = j;
    }
    if (even && __builtin_parity(signs)) {
        signs ^= 1u << least;
        x[least] = -x[least];
    }
    return (uint8_t)signs;
}

/* The whole scale k of a group, its entries and shifts, near to the scale that was found. */
static void settle(struct fitted *f, const struct shape *s, const struct grid *g, int group,
                   const float *x, const float *w, float scale, int shift)
{
    float step = f->d * s->unit, error = INFINITY;
    int per_group = s->group / g->elements, near;
    uint16_t entry[8];
    uint8_t minus[8];

    if (!(step > 0) || !isfinite(1 / step))
        return;
    near = (int)fit_round((scale / step - 1) / 2, 0, (float)s->most);
    for (int k = near ? near - 1 : 0; k <= near + 1 && k <= s->most; k++) {
        float now = choose(g, x, w, s->group, step * (float)(1 + 2 * k), shift, entry, minus);
        if (now < error) {
            error = now;
            f->scale[group] = (uint8_t)k;
            memcpy(f->entry + group * per_group, entry, (size_t)per_group * sizeof *entry);
            memcpy(f->minus + group * per_group, minus, (size_t)per_group);
        }
    }
}

static int fit(struct fitted *f, int type, const float *values, const float *w,
               const struct grids *grids)
{
    const struct grid *g = grid_of(grids, type);
    const struct shape *s = shapes;
    float x[256], scale[16], weight[16] = {0};
    int shift[16], fits = 1, groups;

    while (s->type != type)
        s++;
    memset(f, 0, sizeof *f);
    memcpy(x, values, sizeof x);
    for (int i = 0; i < 32 && s->folded; i++)
        f->signs[i] = fold(x + 8 * i, w + 8 * i, s->even);
    groups = 256 / s->group;
    for (int i = 0; i < groups; i++) {
        const float *xi = x + s->group * i, *wi = w + s->group * i;
        float down, explained;
        shift[i] = s->shifted == 2 ? SHIFT_EITHER : s->shifted ? SHIFT_UP : SHIFT_NONE;
        explained = group_scale(s, g, xi, wi, shift[i], &scale[i]);
        if (s->shifted == 1 && group_scale(s, g, xi, wi, SHIFT_DOWN, &down) > explained) {
            shift[i] = SHIFT_DOWN;
            scale[i] = down;
        }
        for (int j = 0; j < s->group; j++)
            weight[i] += wi[j];
    }
    f->d = quantize_rounded_half(f->half, fit_step(scale, weight, groups, 0, s->most, 1) / s->unit,
                                 &fits);
    for (int i = 0; i < groups; i++)
        settle(f, s, g, i, x + s->group * i, w + s->group * i, scale[i], shift[i]);
    return fits ? 0 : -1;
}

/* ---- packing, as quant_iq.c takes them out ------------------------------------------------- */

static void put_u32(uint8_t *b, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        b[i] = (uint8_t)(v >> (8 * i));
}

/* Four times seven signs of group i, and its scale on top. */
static uint32_t signs_and_scale(const struct fitted *f, int i)
{
    uint32_t v = (uint32_t)f->scale[i] << 28;

    for (int l = 0; l < 4; l++)
        v |= (uint32_t)(f->signs[4 * i + l] & 127) << (7 * l);
    return v;
}

int quantize_iq2_xxs(uint8_t *b, const float *x, const float *w, const struct grids *g)
{
    struct fitted f;
    int rc = fit(&f, QUANT_IQ2_XXS, x, w, g);

    memcpy(b, f.half, 2);
    for (int i = 0; i < 8; i++) {
        for (int l = 0; l < 4; l++)
            b[2 + 8 * i + l] = (uint8_t)f.entry[4 * i + l];
        put_u32(b + 2 + 8 * i + 4, signs_and_scale(&f, i));
    }
    return rc;
}

int quantize_iq2_xs(uint8_t *b, const float *x, const float *w, const struct grids *g)
{
    struct fitted f;
    int rc = fit(&f, QUANT_IQ2_XS, x, w, g);

    memcpy(b, f.half, 2);
    for (int k = 0; k < 32; k++) {
        unsigned v = f.entry[k] | (unsigned)(f.signs[k] & 127) << 9;
        b[2 + 2 * k] = (uint8_t)v;
        b[3 + 2 * k] = (uint8_t)(v >> 8);
    }
    for (int i = 0; i < 8; i++)
        b[66 + i] = (uint8_t)(f.scale[2 * i] | f.scale[2 * i + 1] << 4);
    return rc;
}

int quantize_iq2_s(uint8_t *b, const float *x, const float *w, const struct grids *g)
{
    struct fitted f;
    int rc = fit(&f, QUANT_IQ2_S, x, w, g);

    memset(b, 0, 82);
    memcpy(b, f.half, 2);
    for (int k = 0; k < 32; k++) {
        b[2 + k] = (uint8_t)f.entry[k];
        b[34 + k] = f.signs[k];
        b[66 + k / 4] |= (uint8_t)((f.entry[k] >> 8) << (2 * (k % 4)));
    }
    for (int i = 0; i < 8; i++)
        b[74 + i] = (uint8_t)(f.scale[2 * i] | f.scale[2 * i + 1] << 4);
    return rc;
}

int quantize_iq3_xxs(uint8_t *b, const float *x, const float *w, const struct grids *g)
{
    struct fitted f;
    int rc = fit(&f, QUANT_IQ3_XXS, x, w, g);

    memcpy(b, f.half, 2);
    for (int k = 0; k < 64; k++)
        b[2 + k] = (uint8_t)f.entry[k];
    for (int i = 0; i < 8; i++)
        put_u32(b + 66 + 4 * i, signs_and_scale(&f, i));
    return rc;
}

int quantize_iq3_s(uint8_t *b, const float *x, const float *w, const struct grids *g)
{
    struct fitted f;
    int rc = fit(&f, QUANT_IQ3_S, x, w, g);

    memset(b, 0, 110);
    memcpy(b, f.half, 2);
    for (int k = 0; k < 64; k++) {
        b[2 + k] = (uint8_t)f.entry[k];
        b[66 + k / 8] |= (uint8_t)((f.entry[k] >> 8) << (k % 8));
    }
    memcpy(b + 74, f.signs, 32);
    for (int i = 0; i < 4; i++)
        b[106 + i] = (uint8_t)(f.scale[2 * i] | f.scale[2 * i + 1] << 4);
    return rc;
}

int quantize_iq1_s(uint8_t *b, const float *x, const float *w, const struct grids *g)
{
    struct fitted f;
    int rc = fit(&f, QUANT_IQ1_S, x, w, g);

    memcpy(b, f.half, 2);
    for (int i = 0; i < 8; i++) {
        unsigned v = (unsigned)f.scale[i] << 12 | (unsigned)f.minus[4 * i] << 15;
        for (int l = 0; l < 4; l++) {
            b[2 + 4 * i + l] = (uint8_t)f.entry[4 * i + l];
            v |= (unsigned)(f.entry[4 * i + l] >> 8) << (3 * l);
        }
        b[34 + 2 * i] = (uint8_t)v;
        b[35 + 2 * i] = (uint8_t)(v >> 8);
    }
    return rc;
}

int quantize_iq1_m(uint8_t *b, const float *x, const float *w, const struct grids *g)
{
    struct fitted f;
    int rc = fit(&f, QUANT_IQ1_M, x, w, g), d;

    memset(b, 0, 56);
    d = f.half[0] | f.half[1] << 8;
    for (int k = 0; k < 32; k++) {
        b[k] = (uint8_t)f.entry[k];
        b[32 + k / 2] |= (uint8_t)((f.entry[k] >> 8 | f.minus[k] << 3) << (4 * (k % 2)));
    }
    for (int i = 0; i < 4; i++) { /* four scales of three bits, and a quarter of d above them */
        unsigned v = (unsigned)(d >> (4 * i) & 15) << 12;
        for (int k = 0; k < 4; k++)
            v |= (unsigned)f.scale[4 * i + k] << (3 * k);
        b[48 + 2 * i] = (uint8_t)v;
        b[49 + 2 * i] = (uint8_t)(v >> 8);
    }
    return rc;
}
