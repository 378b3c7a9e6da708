/* quantize.c -- rows of floats to blocks (engine.md 2.5), and the table of who writes what. */
#include "runners/quantize.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "runners/quant_block.h"
#include "runners/quantize_block.h"
#include "runners/quantize_fit.h"
#include "runners/quantize_grid.h"

/* No half is so large that a block could hold more, and squares of less do not overflow. */
static const float LARGEST = 1e10f;

#define EACH_4(v) v, v, v, v
#define EACH_16(v) EACH_4(v), EACH_4(v), EACH_4(v), EACH_4(v)
#define EACH_64(v) EACH_16(v), EACH_16(v), EACH_16(v), EACH_16(v)
#define EACH_256(v) EACH_64(v), EACH_64(v), EACH_64(v), EACH_64(v)

void quantize_put_half(uint8_t *p, float f)
{
    uint16_t h = float_to_half(f);

    p[0] = (uint8_t)h;
    p[1] = (uint8_t)(h >> 8);
}

int quantize_fits_half(float f)
{
    return fabsf(f) < 65520;
}

float quantize_rounded_half(uint8_t *p, float f, int *fits)
{
    quantize_put_half(p, f);
    *fits &= quantize_fits_half(f);
    return quant_half(p);
}

static int all_below(const float *x, size_t n, float limit)
{
    for (size_t i = 0; i < n; i++)
        if (!(fabsf(x[i]) < limit))
            return 0;
    return 1;
}

typedef int (*nearest_fn)(uint8_t *b, const float *x);
typedef int (*fitted_fn)(uint8_t *b, const float *x, const float *w, const struct grids *g);

/* nearest: without importance, where it differs; fitted: with it, where it matters. */
static const struct writer {
    int type;
    nearest_fn nearest;
    fitted_fn fitted;
} writers[] = {
    {QUANT_F32, quantize_f32, NULL},
    {QUANT_F16, quantize_f16, NULL},
    {QUANT_BF16, quantize_bf16, NULL},
    {QUANT_Q8_0, quantize_q8_0, NULL},
    {QUANT_Q4_0, quantize_q4_0, quantize_weighted_q4_0},
    {QUANT_Q4_1, quantize_q4_1, quantize_weighted_q4_1},
    {QUANT_Q5_0, quantize_q5_0, quantize_weighted_q5_0},
    {QUANT_Q5_1, quantize_q5_1, quantize_weighted_q5_1},
    {QUANT_Q2_K, NULL, quantize_q2_k},
    {QUANT_Q3_K, NULL, quantize_q3_k},
    {QUANT_Q4_K, NULL, quantize_q4_k},
    {QUANT_Q5_K, NULL, quantize_q5_k},
    {QUANT_Q6_K, NULL, quantize_q6_k},
    {QUANT_IQ4_NL, NULL, quantize_iq4_nl},
    {QUANT_IQ4_XS, NULL, quantize_iq4_xs},
    {QUANT_IQ3_XXS, NULL, quantize_iq3_xxs},
    {QUANT_IQ3_S, NULL, quantize_iq3_s},
    {QUANT_IQ2_XXS, NULL, quantize_iq2_xxs},
    {QUANT_IQ2_XS, NULL, quantize_iq2_xs},
    {QUANT_IQ2_S, NULL, quantize_iq2_s},
    {QUANT_IQ1_S, NULL, quantize_iq1_s},
    {QUANT_IQ1_M, NULL, quantize_iq1_m},
    {QUANT_TQ1_0, quantize_tq1_0, NULL},
    {QUANT_TQ2_0, quantize_tq2_0, NULL},
    {QUANT_MXFP4, quantize_mxfp4, NULL},
    {QUANT_Q1_0, quantize_q1_0, NULL},
    {QUANT_Q2_0, quantize_q2_0, NULL},
};

static const struct writer *find_writer(int type)
{
    for (size_t i = 0; i < sizeof writers / sizeof writers[0]; i++)
        if (writers[i].type == type)
            return &writers[i];
    return NULL;
}

struct quantizer {
    struct grids grids;
};

int quantizer_open(struct quantizer **out, struct err *e)
{
    *out = mem_calloc(1, sizeof **out);
    return *out ? 0 : err_nomem(e);
}

void quantizer_close(struct quantizer *z)
{
    if (z)
        grids_release(&z->grids);
    mem_free(z);
}

int quantizer_prepare(struct quantizer *z, int type, struct err *e)
{
    if (!find_writer(type))
        return err_set(e, ERR_UNSUPPORTED, "%s cannot be written",
                       quant_find(type) ? quant_find(type)->name : "this type");
    return grids_prepare(&z->grids, type, e);
}

int quantizer_row(const struct quantizer *z, int type, void *blocks, const float *x,
                  const float *importance, size_t n)
{
    static const float plain[256] = {EACH_256(1)};
    const struct writer *how = find_writer(type);
    const struct quant *f = quant_find(type);
    int fit = how->fitted && (importance || !how->nearest);
    uint8_t *b = blocks;

    if (!all_below(x, n, fit ? LARGEST : INFINITY))
        return -1;
    for (size_t j = 0; j < n; j += (size_t)f->block, b += f->bytes) {
        const float *w = importance ? importance + j : plain;
        if (fit ? how->fitted(b, x + j, w, &z->grids) < 0 : how->nearest(b, x + j) < 0)
            return -1;
    }
    return 0;
}

int quantize_row(int type, void *blocks, const float *x, size_t n)
{
    static const struct quantizer none = {{{{0}}}};

    return find_writer(type) && !grids_needed(type)
               ? quantizer_row(&none, type, blocks, x, NULL, n)
               : -1;
}
