/* kernels_simd.h -- a table of kernels.h, written once over the vectors that the including file
 * defines: vf (16 floats, v_*), vm (a mask of 16), vi (16 integers, i_*), vr (one register of
 * LANES floats, r_*), b16 (16 bytes, b_*).  Each operation is one IEEE operation per lane, so that
 * only the number of registers differs between tables, never a bit of a result. */
#include <math.h>
#include <string.h>

#include "runners/fmath.h"

INLINE vf v_load_some(const float *p, int left) /* zeros beyond `left` elements */
{
    return left >= 16 ? v_load(p) : v_load_part(p, left);
}

INLINE void v_store_some(float *p, int left, vf a)
{
    if (left >= 16)
        v_store(p, a);
    else
        v_store_part(p, left, a);
}

#include "runners/kernels_kv.h"
#include "runners/kernels_attend.h"
#include "runners/kernels_gemm.h"
#include "runners/kernels_unpack.h"
#include "runners/kernels_thin.h"
#include "runners/recurrent_simd.h"

/* ---- rows -------------------------------------------------------------------------------- */

static void simd_rms_norm(float *y, const float *x, const float *w, int n, float eps)
{
    vf sum = v_set(0);

    for (int i = 0; i < n; i += 16) {
        vf a = v_load_some(x + i, n - i);
        sum = v_fma(a, a, sum);
    }
    vf r = v_set(1 / sqrtf(v_sum(sum) / (float)n + eps));
    for (int i = 0; i < n; i += 16) {
        vf a = v_mul(v_load_some(x + i, n - i), r);
        v_store_some(y + i, n - i, w ? v_mul(a, v_load_some(w + i, n - i)) : a);
    }
}

static void simd_layer_norm(float *y, const float *x, const float *w, const float *b, int n,
                            float eps)
{
    vf sum = v_set(0), square = v_set(0);

    for (int i = 0; i < n; i += 16)
        sum = v_add(sum, v_load_some(x + i, n - i));
    vf mean = v_set(v_sum(sum) / (float)n);
    for (int i = 0; i < n; i += 16) {
        vf a = v_sub(v_load_some(x + i, n - i), mean);
        if (n - i < 16)
            a = v_select(m_of_bits((1u << (n - i)) - 1), a, v_set(0));
        square = v_fma(a, a, square);
    }
    vf r = v_set(1 / sqrtf(v_sum(square) / (float)n + eps));
    for (int i = 0; i < n; i += 16) {
        vf a = v_mul(v_sub(v_load_some(x + i, n - i), mean), r);
        a = w ? v_mul(a, v_load_some(w + i, n - i)) : a;
        v_store_some(y + i, n - i, b ? v_add(a, v_load_some(b + i, n - i)) : a);
    }
}

INLINE vf v_none(vf x) { return x; }
INLINE vf v_relu(vf x) { return v_max(x, v_set(0)); }
INLINE vf v_relu2(vf x) { return v_mul(v_relu(x), v_relu(x)); }

/* up NULL: the activation alone */
#define ACTIVATION(name)                                                                           \
    static void act_##name(float *y, const float *x, const float *up, int n)                       \
    {                                                                                              \
        for (int i = 0; i < n; i += 16) {                                                          \
            vf a = v_##name(v_load_some(x + i, n - i));                                            \
            v_store_some(y + i, n - i, up ? v_mul(a, v_load_some(up + i, n - i)) : a);             \
        }                                                                                          \
    }
ACTIVATION(none)
ACTIVATION(silu)
ACTIVATION(gelu_tanh)
ACTIVATION(gelu_erf)
ACTIVATION(relu)
ACTIVATION(relu2)
ACTIVATION(sigmoid)
ACTIVATION(softplus)
ACTIVATION(tanh)

static void simd_glu(enum activation a, float *y, const float *gate, const float *up, int n)
{
    static void (*const of[])(float *, const float *, const float *, int) = {
        [ACT_NONE] = act_none,         [ACT_SILU] = act_silu, [ACT_GELU_TANH] = act_gelu_tanh,
        [ACT_GELU_ERF] = act_gelu_erf, [ACT_RELU] = act_relu, [ACT_RELU2] = act_relu2,
        [ACT_SIGMOID] = act_sigmoid,   [ACT_SOFTPLUS] = act_softplus,
        [ACT_TANH] = act_tanh,
    };

    of[a](y, gate, up, n);
}

static void simd_act(enum activation a, float *y, const float *x, int n)
{
    simd_glu(a, y, x, NULL, n);
}

static void simd_softcap(float *x, float cap, int n)
{
    vf c = v_set(cap);

    for (int i = 0; i < n; i += 16)
        v_store_some(x + i, n - i, v_mul(c, v_tanh(v_div(v_load_some(x + i, n - i), c))));
}

static void simd_exp(float *y, const float *x, int n)
{
    for (int i = 0; i < n; i += 16)
        v_store_some(y + i, n - i, v_exp(v_load_some(x + i, n - i)));
}

static void simd_add(float *y, const float *a, const float *b, int n)
{
    for (int i = 0; i < n; i += 16)
        v_store_some(y + i, n - i,
                     v_add(v_load_some(a + i, n - i), v_load_some(b + i, n - i)));
}

static void simd_scale(float *y, const float *a, float s, int n)
{
    for (int i = 0; i < n; i += 16)
        v_store_some(y + i, n - i, v_mul(v_load_some(a + i, n - i), v_set(s)));
}

static void simd_axpy(float *y, const float *x, float a, int n)
{
    for (int i = 0; i < n; i += 16)
        v_store_some(y + i, n - i,
                     v_fma(v_load_some(x + i, n - i), v_set(a), v_load_some(y + i, n - i)));
}

static void simd_rope(float *x, const float *cos, const float *sin, int n_rot, int halves)
{
    int half = n_rot / 2;

    for (int i = 0; halves && i < half; i += 16) {
        vf a = v_load_some(x + i, half - i), b = v_load_some(x + half + i, half - i);
        vf c = v_load_some(cos + i, half - i), s = v_load_some(sin + i, half - i);
        v_store_some(x + i, half - i, v_sub(v_mul(a, c), v_mul(b, s)));
        v_store_some(x + half + i, half - i, v_add(v_mul(a, s), v_mul(b, c)));
    }
    for (int i = 0; !halves && i < half; i++) {
        float a = x[2 * i], b = x[2 * i + 1];
        x[2 * i] = a * cos[i] - b * sin[i];
        x[2 * i + 1] = a * sin[i] + b * cos[i];
    }
}

static void simd_lse(struct lse *out, const float *logits, int n)
{
    vf none = v_set(-INFINITY), top = none, sum = v_set(0);

    for (int i = 0; i < n; i += 16) {
        vf a = v_load_some(logits + i, n - i);
        if (n - i < 16)
            a = v_select(m_of_bits((1u << (n - i)) - 1), a, none);
        top = v_max(a, top); /* NaN loses */
    }
    out->max = v_greatest(top) + 0.0f; /* either zero becomes +0 */
    out->argmax = 0;
    for (int i = 0; i < n && out->max > -INFINITY; i += 16) {
        unsigned here = m_bits(v_equal(v_load_some(logits + i, n - i), v_set(out->max)));
        here &= n - i < 16 ? (1u << (n - i)) - 1 : 0xffff;
        if (here) {
            out->argmax = i + __builtin_ctz(here);
            break;
        }
    }
    for (int i = 0; i < n; i += 16) {
        vf e = v_exp_down(v_sub(v_load_some(logits + i, n - i), v_set(out->max)));
        if (n - i < 16)
            e = v_select(m_of_bits((1u << (n - i)) - 1), e, v_set(0));
        sum = v_add(sum, e);
    }
    out->sum = v_sum(sum);
}

const struct kernels TABLE = {
    .name = TABLE_NAME,
    .usable = TABLE_USABLE,
    .unpack = simd_unpack,
    .gemm = simd_gemm,
    .gemm_thin = simd_gemm_thin,
    .rms_norm = simd_rms_norm,
    .layer_norm = simd_layer_norm,
    .act = simd_act,
    .glu = simd_glu,
    .softcap = simd_softcap,
    .exp = simd_exp,
    .add = simd_add,
    .scale = simd_scale,
    .axpy = simd_axpy,
    .rope = simd_rope,
    .attend = simd_attend,
    .lse = simd_lse,
    .conv = simd_conv,
    .scan_channels = simd_scan_channels,
    .scan_head = simd_scan_head,
    .delta = simd_delta,
};
