/* recurrent_simd.h -- recurrent.h over 16 lanes; part of kernels_simd.h. */
#include "runners/recurrent.h"

/* STEP(n, chain) for n < count; four chains, so that no sum waits for the one before. */
#define IN_CHAINS(count, STEP)                                                                     \
    do {                                                                                           \
        int n_ = 0, count_ = (count);                                                              \
        for (; n_ + 3 < count_; n_ += 4) {                                                         \
            STEP(n_, s0);                                                                          \
            STEP(n_ + 1, s1);                                                                      \
            STEP(n_ + 2, s2);                                                                      \
            STEP(n_ + 3, s3);                                                                      \
        }                                                                                          \
        if (n_ < count_)                                                                           \
            STEP(n_, s0);                                                                          \
        if (n_ + 1 < count_)                                                                       \
            STEP(n_ + 1, s1);                                                                      \
        if (n_ + 2 < count_)                                                                       \
            STEP(n_ + 2, s2);                                                                      \
    } while (0)

INLINE vf chains(vf s0, vf s1, vf s2, vf s3)
{
    return v_add(v_add(s0, s2), v_add(s1, s3));
}

INLINE vf conv_input(const struct conv *c, int i)
{
    return i < 0 ? v_load(c->window + (c->taps - 1 + i) * SCAN_LANES)
                 : v_load_some(c->x + (size_t)i * c->ldx, c->lanes);
}

static void simd_conv(const struct conv *c)
{
    vf bias = c->bias ? v_load_some(c->bias, c->lanes) : v_set(0);

    for (int t = 0; t < c->rows; t++) {
        vf y = bias;
        for (int j = 0; j < c->taps; j++)
            y = v_fma(v_load(c->w + j * SCAN_LANES), conv_input(c, t - c->taps + 1 + j), y);
        v_store_some(c->y + (size_t)t * c->ldy, c->lanes, c->silu ? v_silu(y) : y);
    }
    for (int j = 0; j < c->taps - 1; j++)
        v_store(c->window + j * SCAN_LANES, conv_input(c, c->rows - c->taps + 1 + j));
}

INLINE void scan_step(float *state, vf decay, vf in, float b, float c, vf *sum)
{
    vf h = v_fma(decay, v_load(state), v_mul(in, v_set(b)));

    v_store(state, h);
    *sum = v_fma(v_set(c), h, *sum);
}

static void simd_scan_channels(const struct scan *s)
{
    vf d = v_load_some(s->d, s->lanes);

    for (size_t t = 0; t < (size_t)s->rows; t++) {
        const float *b = s->b + t * s->ldb, *c = s->c + t * s->ldc;
        vf x = v_load_some(s->x + t * s->ldx, s->lanes);
        vf dt = v_softplus(v_load_some(s->dt + t * s->lddt, s->lanes)), in = v_mul(dt, x);
        vf s0 = v_set(0), s1 = s0, s2 = s0, s3 = s0;
#define STEP(n, sum)                                                                               \
    scan_step(s->state + (n) * SCAN_LANES, v_exp(v_mul(dt, v_load(s->a + (n) * SCAN_LANES))), in,  \
              b[n], c[n], &sum)
        IN_CHAINS(s->states, STEP);
#undef STEP
        v_store_some(s->y + t * s->ldy, s->lanes, v_fma(d, x, chains(s0, s1, s2, s3)));
    }
}

static void simd_scan_head(const struct scan *s)
{
    for (size_t t = 0; t < (size_t)s->rows; t++) {
        const float *b = s->b + t * s->ldb, *c = s->c + t * s->ldc;
        vf x = v_load_some(s->x + t * s->ldx, s->lanes);
        vf dt = v_softplus(v_set(s->dt[t * s->lddt])), in = v_mul(dt, x);
        vf decay = v_exp(v_mul(dt, v_set(*s->a)));
        vf s0 = v_set(0), s1 = s0, s2 = s0, s3 = s0;
#define STEP(n, sum) scan_step(s->state + (n) * SCAN_LANES, decay, in, b[n], c[n], &sum)
        IN_CHAINS(s->states, STEP);
#undef STEP
        v_store_some(s->y + t * s->ldy, s->lanes, v_fma(v_set(*s->d), x, chains(s0, s1, s2, s3)));
    }
}

INLINE void delta_step(float *state, vf decay, vf e, float k, float q, vf *sum)
{
    vf m = v_fma(v_set(k), e, v_mul(decay, v_load(state)));

    v_store(state, m);
    *sum = v_fma(v_set(q), m, *sum);
}

/* The decayed state is computed twice rather than stored in between: the same bits. */
static void simd_delta(const struct delta *d)
{
    for (size_t t = 0; t < (size_t)d->rows; t++) {
        const float *q = d->q + t * d->ldq, *k = d->k + t * d->ldk;
        vf rate = v_softplus(v_set(d->decay[t * d->ld_decay] + d->bias));
        vf decay = v_exp(v_mul(v_set(d->a), rate));
        vf zero = v_set(0), s0 = zero, s1 = zero, s2 = zero, s3 = zero;
#define STEP(i, sum)                                                                               \
    sum = v_fma(v_set(k[i]), v_mul(decay, v_load(d->state + (i) * SCAN_LANES)), sum)
        IN_CHAINS(d->keys, STEP);
#undef STEP
        vf seen = chains(s0, s1, s2, s3), v = v_load_some(d->v + t * d->ldv, d->lanes);
        vf e = v_mul(v_sigmoid(v_set(d->beta[t * d->ld_beta])), v_sub(v, seen));
        s0 = s1 = s2 = s3 = zero;
#define STEP(i, sum) delta_step(d->state + (i) * SCAN_LANES, decay, e, k[i], q[i], &sum)
        IN_CHAINS(d->keys, STEP);
#undef STEP
        v_store_some(d->y + t * d->ldy, d->lanes, chains(s0, s1, s2, s3));
    }
}
