/* recurrent_ref.h -- recurrent.h in plain C, lane by lane; part of kernels_ref.c. */
#include "runners/recurrent.h"

static float chains(const float sum[4])
{
    return (sum[0] + sum[2]) + (sum[1] + sum[3]);
}

/* Input i of a lane, counted from row 0; what came before is in the window. */
static float conv_input(const struct conv *c, int i, int lane)
{
    return i < 0 ? c->window[(c->taps - 1 + i) * SCAN_LANES + lane]
                 : c->x[(size_t)i * c->ldx + (size_t)lane];
}

static void ref_conv(const struct conv *c)
{
    for (int lane = 0; lane < c->lanes; lane++) {
        for (int t = 0; t < c->rows; t++) {
            float y = c->bias ? c->bias[lane] : 0;
            for (int j = 0; j < c->taps; j++)
                y = fmaf(c->w[j * SCAN_LANES + lane], conv_input(c, t - c->taps + 1 + j, lane), y);
            c->y[(size_t)t * c->ldy + (size_t)lane] = c->silu ? v_silu(y) : y;
        }
        for (int j = 0; j < c->taps - 1; j++)
            c->window[j * SCAN_LANES + lane] = conv_input(c, c->rows - c->taps + 1 + j, lane);
    }
}

/* per_lane: dt, a and d are the lane's own. */
static void scan_lane(const struct scan *s, int lane, int per_lane)
{
    int own = per_lane ? lane : 0;

    for (size_t t = 0; t < (size_t)s->rows; t++) {
        float x = s->x[t * s->ldx + (size_t)lane];
        float dt = v_softplus(s->dt[t * s->lddt + (size_t)own]);
        float sum[4] = {0};
        for (int n = 0; n < s->states; n++) {
            float *h = &s->state[n * SCAN_LANES + lane];
            float a = per_lane ? s->a[n * SCAN_LANES + lane] : *s->a;
            *h = fmaf(v_exp(dt * a), *h, dt * x * s->b[t * s->ldb + (size_t)n]);
            sum[n % 4] = fmaf(s->c[t * s->ldc + (size_t)n], *h, sum[n % 4]);
        }
        s->y[t * s->ldy + (size_t)lane] = fmaf(s->d[own], x, chains(sum));
    }
}

static void ref_scan_channels(const struct scan *s)
{
    for (int lane = 0; lane < s->lanes; lane++)
        scan_lane(s, lane, 1);
}

static void ref_scan_head(const struct scan *s)
{
    for (int lane = 0; lane < s->lanes; lane++)
        scan_lane(s, lane, 0);
}

static void ref_delta(const struct delta *d)
{
    for (int lane = 0; lane < d->lanes; lane++)
        for (size_t t = 0; t < (size_t)d->rows; t++) {
            const float *q = d->q + t * d->ldq, *k = d->k + t * d->ldk;
            float g = v_exp(d->a * v_softplus(d->decay[t * d->ld_decay] + d->bias));
            float *m = d->state + lane, seen[4] = {0}, sum[4] = {0};
            for (int i = 0; i < d->keys; i++) {
                m[i * SCAN_LANES] *= g;
                seen[i % 4] = fmaf(k[i], m[i * SCAN_LANES], seen[i % 4]);
            }
            float e = v_sigmoid(d->beta[t * d->ld_beta]) *
                      (d->v[t * d->ldv + (size_t)lane] - chains(seen));
            for (int i = 0; i < d->keys; i++) {
                m[i * SCAN_LANES] = fmaf(k[i], e, m[i * SCAN_LANES]);
                sum[i % 4] = fmaf(q[i], m[i * SCAN_LANES], sum[i % 4]);
            }
            d->y[t * d->ldy + (size_t)lane] = chains(sum);
        }
}
