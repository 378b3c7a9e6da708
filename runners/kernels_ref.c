/* kernels_ref.c -- the arithmetic of kernels.h in plain C: the truth that the others are tested
 * against, and what a machine without their instructions runs. */
#include "runners/kernels_tables.h"
#include "runners/quant.h"
#include "runners/quant_block.h"

#include <math.h>
#include <string.h>

/* ---- fmath.h with one lane --------------------------------------------------------------- */

#define INLINE static inline

typedef float vf;
typedef int vm;
typedef uint32_t vi;

INLINE vf v_set(float x) { return x; }
INLINE vf v_add(vf a, vf b) { return a + b; }
INLINE vf v_sub(vf a, vf b) { return a - b; }
INLINE vf v_mul(vf a, vf b) { return a * b; }
INLINE vf v_div(vf a, vf b) { return a / b; }
INLINE vf v_fma(vf a, vf b, vf c) { return fmaf(a, b, c); }
INLINE vf v_min(vf a, vf b) { return a < b ? a : b; }
INLINE vf v_max(vf a, vf b) { return a > b ? a : b; }
INLINE vf v_abs(vf a) { return fabsf(a); }
INLINE vf v_copysign(vf a, vf sign) { return copysignf(a, sign); }
INLINE vm v_lt(vf a, vf b) { return a < b; }
INLINE vf v_select(vm m, vf yes, vf no) { return m ? yes : no; }
INLINE vi i_shift23(vi a) { return a << 23; }

INLINE vi v_bits(vf a)
{
    vi u;

    memcpy(&u, &a, sizeof u);
    return u;
}

INLINE vf v_of_bits(vi u)
{
    vf a;

    memcpy(&a, &u, sizeof a);
    return a;
}

#include "runners/fmath.h"

/* ---- sums -------------------------------------------------------------------------------- */

static float tree(float *lane, int n)
{
    for (int half = n / 2; half; half /= 2)
        for (int l = 0; l < half; l++)
            lane[l] += lane[l + half];
    return lane[0];
}

static float dot16(const float *a, const float *b, size_t n)
{
    float lane[16] = {0};

    for (size_t i = 0; i < n; i++)
        lane[i % 16] = fmaf(a[i], b[i], lane[i % 16]);
    return tree(lane, 16);
}

static void ref_unpack(int quant_type, float *y, const void *blocks, size_t n)
{
    quant_find(quant_type)->unpack(y, blocks, n);
}

static void ref_gemm(float *out, size_t ldo, const float *w, size_t ldw, int rows, const float *x,
                     size_t ldx, int cols, int k)
{
    for (int c = 0; c < cols; c++)
        for (int r = 0; r < rows; r++)
            out[(size_t)c * ldo + (size_t)r] =
                dot16(w + (size_t)r * ldw, x + (size_t)c * ldx, KERNEL_PAD(k));
}

/* ---- rows -------------------------------------------------------------------------------- */

static void ref_rms_norm(float *y, const float *x, const float *w, int n, float eps)
{
    float r = 1 / sqrtf(dot16(x, x, (size_t)n) / (float)n + eps);

    for (int i = 0; i < n; i++)
        y[i] = w ? x[i] * r * w[i] : x[i] * r;
}

static void ref_layer_norm(float *y, const float *x, const float *w, const float *b, int n,
                           float eps)
{
    float sum[16] = {0}, square[16] = {0};

    for (int i = 0; i < n; i++)
        sum[i % 16] += x[i];
    float mean = tree(sum, 16) / (float)n;
    for (int i = 0; i < n; i++)
        square[i % 16] = fmaf(x[i] - mean, x[i] - mean, square[i % 16]);
    float r = 1 / sqrtf(tree(square, 16) / (float)n + eps);
    for (int i = 0; i < n; i++) {
        float v = (x[i] - mean) * r;
        v = w ? v * w[i] : v;
        y[i] = b ? v + b[i] : v;
    }
}

static float activate(enum activation a, float x)
{
    switch (a) {
    case ACT_SILU: return v_silu(x);
    case ACT_GELU_TANH: return v_gelu_tanh(x);
    case ACT_GELU_ERF: return v_gelu_erf(x);
    case ACT_RELU: return v_max(x, 0);
    case ACT_RELU2: return v_max(x, 0) * v_max(x, 0);
    case ACT_SIGMOID: return v_sigmoid(x);
    case ACT_SOFTPLUS: return v_softplus(x);
    case ACT_TANH: return v_tanh(x);
    case ACT_NONE: break;
    }
    return x;
}

static void ref_act(enum activation a, float *y, const float *x, int n)
{
    for (int i = 0; i < n; i++)
        y[i] = activate(a, x[i]);
}

static void ref_glu(enum activation a, float *y, const float *gate, const float *up, int n)
{
    for (int i = 0; i < n; i++)
        y[i] = activate(a, gate[i]) * up[i];
}

static void ref_softcap(float *x, float cap, int n)
{
    for (int i = 0; i < n; i++)
        x[i] = cap * v_tanh(x[i] / cap);
}

static void ref_exp(float *y, const float *x, int n)
{
    for (int i = 0; i < n; i++)
        y[i] = v_exp(x[i]);
}

static void ref_add(float *y, const float *a, const float *b, int n)
{
    for (int i = 0; i < n; i++)
        y[i] = a[i] + b[i];
}

static void ref_axpy(float *y, const float *x, float a, int n)
{
    for (int i = 0; i < n; i++)
        y[i] = fmaf(x[i], a, y[i]);
}

static void ref_scale(float *y, const float *a, float s, int n)
{
    for (int i = 0; i < n; i++)
        y[i] = a[i] * s;
}

static void ref_rope(float *x, const float *cos, const float *sin, int n_rot, int halves)
{
    int apart = halves ? n_rot / 2 : 1, step = halves ? 1 : 2;

    for (int i = 0; i < n_rot / 2; i++) {
        float *p = x + i * step, a = p[0], b = p[apart];
        p[0] = a * cos[i] - b * sin[i];
        p[apart] = a * sin[i] + b * cos[i];
    }
}

/* ---- attention --------------------------------------------------------------------------- */

/* n x KV_PAGE floats of a page of keys, or of values. */
static const float *page_of(enum kv_type t, const void *page, float *room, int n, int is_key)
{
    const uint8_t *codes = page, *scales = codes + (size_t)n * KV_PAGE;

    if (t == KV_F32)
        return page;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < KV_PAGE; j++) {
            size_t at = is_key ? (size_t)i * KV_PAGE + (size_t)j
                               : (size_t)j * (size_t)n + (size_t)i;
            size_t block = (size_t)i / KV_BLOCK;
            size_t scale = is_key ? block * KV_PAGE + (size_t)j : (size_t)j * KV_BLOCKS(n) + block;
            room[at] = t == KV_F16 ? quant_half(codes + 2 * at)
                                   : quant_half(scales + 2 * scale) * (float)(int8_t)codes[at];
        }
    return room;
}

struct softmax { /* of one query row, page after page */
    float max, sum;
};

/* Adds the keys from..to (within the page) of one page to the row. */
static void attend_page(const struct attend *a, int row, struct softmax *m, int page, int from,
                        int to)
{
    const float *k = page_of(a->kv, a->k[page], a->k_room, a->head_dim, 1);
    const float *v = page_of(a->kv, a->v[page], a->v_room, a->value_dim, 0);
    float s[KV_PAGE], p[KV_PAGE] = {0}, max = m->max, *out = a->out[row];

    for (int j = from; j <= to; j++) {
        float dot = 0;
        for (int d = 0; d < a->head_dim; d++)
            dot = fmaf(a->q[row][d], k[d * KV_PAGE + j], dot);
        s[j] = dot * a->scale;
        if (a->softcap != 0)
            s[j] = a->softcap * v_tanh(s[j] / a->softcap);
        if (a->slope)
            s[j] = fmaf(a->slope[row], (float)(page * KV_PAGE + j - a->last[row]), s[j]);
        max = v_max(s[j], max);
    }
    float shrink = v_exp(m->max - max);
    for (int j = from; j <= to; j++)
        p[j] = v_exp(s[j] - max);
    for (int d = 0; d < a->value_dim; d++) {
        float sum = out[d] * shrink;
        for (int j = from; j <= to; j++)
            sum = fmaf(p[j], v[j * a->value_dim + d], sum);
        out[d] = sum;
    }
    m->sum = m->sum * shrink + tree(p, KV_PAGE);
    m->max = max;
}

static void ref_attend(const struct attend *a)
{
    for (int row = 0; row < a->rows; row++) {
        struct softmax m = {a->sink ? a->sink[row] : -INFINITY, a->sink ? 1 : 0};
        int first = a->first[row], last = a->last[row];
        for (int d = 0; d < a->value_dim; d++)
            a->out[row][d] = 0;
        for (int page = first / KV_PAGE; page <= last / KV_PAGE; page++) {
            int base = page * KV_PAGE;
            attend_page(a, row, &m, page, first > base ? first - base : 0,
                        last - base < KV_PAGE ? last - base : KV_PAGE - 1);
        }
        for (int d = 0; d < a->value_dim; d++)
            a->out[row][d] /= m.sum;
    }
}

static void ref_lse(struct lse *out, const float *logits, int n)
{
    float max = -INFINITY, lane[16] = {0};

    out->argmax = 0;
    for (int i = 0; i < n; i++)
        if (logits[i] > max) {
            max = logits[i];
            out->argmax = i;
        }
    max += 0.0f; /* either zero becomes +0, whichever came first */
    for (int i = 0; i < n; i++)
        lane[i % 16] += v_exp(logits[i] - max);
    out->max = max;
    out->sum = tree(lane, 16);
}

#include "runners/recurrent_ref.h"

const struct kernels kernels_ref = {
    .name = "ref",
    .usable = kernels_ref_usable,
    .unpack = ref_unpack,
    .gemm = ref_gemm,
    .rms_norm = ref_rms_norm,
    .layer_norm = ref_layer_norm,
    .act = ref_act,
    .glu = ref_glu,
    .softcap = ref_softcap,
    .exp = ref_exp,
    .add = ref_add,
    .scale = ref_scale,
    .axpy = ref_axpy,
    .rope = ref_rope,
    .attend = ref_attend,
    .lse = ref_lse,
    .conv = ref_conv,
    .scan_channels = ref_scan_channels,
    .scan_head = ref_scan_head,
    .delta = ref_delta,
};
