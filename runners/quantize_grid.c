/* quantize_grid.c -- lists of near entries, made by comparing every pattern with every entry. */
#include "runners/quantize_grid.h"

#include <math.h>
#include <stddef.h>

#include "base/mem.h"
#include "runners/quant.h"
#include "runners/quant_codebook.h"

static const struct kind {
    int type, also; /* the types that share the codebook */
    const uint16_t *entries;
    int n, elements, radix;
    const int8_t *levels;
} kinds[GRID_KINDS] = {
    {QUANT_IQ2_XXS, -1, quant_g256, 256, 8, 3, quant_levels_2},
    {QUANT_IQ2_XS, -1, quant_g512, 512, 8, 3, quant_levels_2},
    {QUANT_IQ2_S, -1, quant_g1024, 1024, 8, 3, quant_levels_2},
    {QUANT_IQ3_XXS, -1, quant_g3x, 256, 4, 8, quant_levels_3x},
    {QUANT_IQ3_S, -1, quant_g3s, 512, 4, 8, quant_levels_3s},
    {QUANT_IQ1_S, QUANT_IQ1_M, quant_g1, 2048, 8, 3, quant_levels_1},
};

static int kind_of(int type)
{
    for (int k = 0; k < GRID_KINDS; k++)
        if (kinds[k].type == type || kinds[k].also == type)
            return k;
    return -1;
}

static int patterns_of(const struct kind *k)
{
    return k->elements == 8 ? 6561 : 4096; /* 3^8, 8^4 */
}

/* The entries nearest to a pattern's levels, by insertion. */
static void list_near(uint16_t *near, const struct grid *g, const float *x)
{
    float distance[GRID_NEAR];
    int n = 0;

    for (int i = 0; i < g->n; i++) {
        const float *v = g->value + i * g->elements;
        float d = 0;
        int at;
        for (int j = 0; j < g->elements; j++)
            d += (x[j] - v[j]) * (x[j] - v[j]);
        if (n == GRID_NEAR && d >= distance[n - 1])
            continue;
        n += n < GRID_NEAR;
        for (at = n - 1; at > 0 && distance[at - 1] > d; at--) {
            distance[at] = distance[at - 1];
            near[at] = near[at - 1];
        }
        distance[at] = d;
        near[at] = (uint16_t)i;
    }
}

static int build(struct grid *g, const struct kind *k, struct err *e)
{
    int patterns = patterns_of(k), bits = k->elements == 8 ? 2 : 3;
    float x[GRID_ELEMENTS];

    g->n = k->n;
    g->elements = k->elements;
    g->radix = k->radix;
    for (int j = 0; j < k->radix; j++)
        g->level[j] = k->levels[j];
    g->value = mem_alloc((size_t)(k->n * k->elements) * sizeof *g->value);
    g->near = mem_alloc((size_t)patterns * GRID_NEAR * sizeof *g->near);
    if (!g->value || !g->near) {
        mem_free(g->value);
        mem_free(g->near);
        *g = (struct grid){0};
        return err_nomem(e);
    }
    for (int i = 0; i < k->n * k->elements; i++)
        g->value[i] = k->levels[k->entries[i / k->elements] >> (bits * (i % k->elements)) &
                                ((1 << bits) - 1)];
    for (int p = 0; p < patterns; p++) {
        for (int j = 0, rest = p; j < k->elements; j++, rest /= k->radix)
            x[j] = g->level[rest % k->radix];
        list_near(g->near + (size_t)p * GRID_NEAR, g, x);
    }
    return 0;
}

int grids_needed(int type)
{
    return kind_of(type) >= 0;
}

int grids_prepare(struct grids *g, int type, struct err *e)
{
    int k = kind_of(type);

    return k < 0 || g->of[k].near ? 0 : build(&g->of[k], &kinds[k], e);
}

void grids_release(struct grids *g)
{
    for (int k = 0; k < GRID_KINDS; k++) {
        mem_free(g->of[k].value);
        mem_free(g->of[k].near);
    }
    *g = GRIDS_NONE;
}

const struct grid *grid_of(const struct grids *g, int type)
{
    return &g->of[kind_of(type)];
}

int grid_nearest(const struct grid *g, const float *x, const float *w, float shift, float *error)
{
    const uint16_t *near;
    int pattern = 0, best = 0;
    float t[GRID_ELEMENTS];

    for (int j = g->elements - 1; j >= 0; j--) {
        int q = 0;
        t[j] = x[j] - shift;
        for (int k = 1; k < g->radix; k++) /* above the middle between neighbours? */
            q += 2 * t[j] > g->level[k - 1] + g->level[k];
        pattern = pattern * g->radix + q;
    }
    near = g->near + (size_t)pattern * GRID_NEAR;
    *error = INFINITY;
    for (int i = 0; i < GRID_NEAR; i++) {
        const float *v = g->value + near[i] * g->elements;
        float off = 0, exact = 0;
        for (int j = 0; j < g->elements; j++)
            off += w[j] * (t[j] - v[j]) * (t[j] - v[j]);
        if (off < *error) {
            *error = off;
            best = near[i];
        }
        for (int j = 0, p = pattern; i == 0 && j < g->elements; j++, p /= g->radix)
            exact += fabsf(v[j] - g->level[p % g->radix]);
        if (i == 0 && exact == 0) /* every element has its nearest level */
            break;
    }
    return best;
}
