/* conform_off.c -- how far the results of an operation may be off, for the precision that a device
 * says it computes in.
 *
 * A bound is made of the same inputs and weights as the result, in double: what an operand, a sum
 * and a denormal may lose (struct precision), carried through the operation.  It is meant as a
 * bound, not as an estimate: a device that keeps to its precision passes. */
#include <math.h>

#include "base/mem.h"
#include "include/densimeter_device.h"
#include "runners/conform_impl.h"

static const struct precision precisions[] = {
    [DSM_PRECISION_F32] = {0, 0x1p-24, 0x1p-148, 0, 16, 2e-4,
                           "float32: (k + 8) 2^-24 of the sum of magnitudes"},
    [DSM_PRECISION_TF32] = {0x1p-10, 0x1p-24, 0x1p-126, 0, 9, 2e-2,
                            "tf32: 2^-10 + (k + 8) 2^-24 of the sum of magnitudes"},
    [DSM_PRECISION_F16] = {0x1p-10, 0x1p-24, 0x1p-14, 0, 9, 2e-2,
                           "float16: 2^-10 + (k + 8) 2^-24 of the sum of magnitudes"},
    [DSM_PRECISION_BF16] = {0x1p-7, 0x1p-24, 0x1p-126, 0, 6, 1e-1,
                            "bfloat16: 2^-7 + (k + 8) 2^-24 of the sum of magnitudes"},
    [DSM_PRECISION_I8] = {1.0 / 127, 0x1p-24, 0x1p-126, 1, 4.5, 2e-1,
                          "int8: 1/127 of the largest of each 32, of the sum of magnitudes"},
};

const struct precision *precision_of(int p)
{
    return &precisions[p];
}

/* ---- sums ---- */

/* How far sum of w x over k may be off, and the sum itself. */
double off_product(const struct precision *u, const float *w, const float *x, int k, double *sum)
{
    double all = 0, blocks = 0;

    *sum = 0;
    for (int i = 0; i < k; i += 32) {
        double most = 0;
        int end = i + 32 < k ? i + 32 : k;
        for (int j = i; j < end; j++)
            most = fmax(most, fabs((double)x[j]));
        for (int j = i; j < end; j++) {
            *sum += (double)w[j] * x[j];
            all += fabs((double)w[j] * x[j]);
            blocks += fabs((double)w[j]) * most;
        }
    }
    return u->in * (u->by_block ? blocks : all) + (k + 8) * u->sum * all + (k + 8) * u->floor;
}

/* Of every row of the matrix times input 0, and the bias. */
static int products(const struct trial *t, const struct precision *u, const struct weight *w,
                    const struct weight *bias, int row, struct off *out)
{
    float *f = mem_alloc((size_t)w->k * sizeof *f);

    for (int r = 0; f && r < w->rows; r++) {
        trial_row(w, r, f);
        out[r].by = off_product(u, f, trial_in(t, row, 0), w->k, &out[r].y);
        if (bias) {
            out[r].y += bias->f32[r];
            out[r].by += u->sum * 4 * (fabs((double)bias->f32[r]) + fabs(out[r].y));
        }
    }
    mem_free(f);
    return f ? 0 : -1;
}

static double act_of(enum activation a, double x)
{
    switch (a) {
    case ACT_SILU: return x / (1 + exp(-x));
    case ACT_GELU_TANH: return x / 2 * (1 + tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
    case ACT_GELU_ERF: return x / 2 * erfc(-x * 0.7071067811865476);
    case ACT_RELU: return x > 0 ? x : 0;
    case ACT_RELU2: return x > 0 ? x * x : 0;
    default: return x;
    }
}

/* These activations are steeper nowhere than 1.2, but for the square. */
struct off off_activated(const struct precision *u, enum activation a, struct off x)
{
    double slope = a == ACT_NONE ? 1 : a == ACT_RELU2 ? 2 * (fabs(x.y) + x.by) : 1.2;
    struct off y = {act_of(a, x.y), slope * x.by};

    if (a != ACT_NONE)
        y.by += u->sum * 16 * (a == ACT_RELU2 ? fabs(y.y) : fabs(x.y)) + u->floor;
    return y;
}

struct off off_times(const struct precision *u, struct off a, struct off b)
{
    return (struct off){a.y * b.y, fabs(a.y) * b.by + fabs(b.y) * a.by + a.by * b.by +
                                       u->sum * 4 * fabs(a.y * b.y) + u->floor};
}

/* ---- operations ---- */

void off_linear(const struct trial *t, const struct precision *u, int row, double *out)
{
    const struct op *op = trial_op(t);
    int n = op->epilogue == EPILOGUE_GLU ? 2 : op->n_out, at = 0;
    struct off *x = mem_calloc((size_t)t->out_width * 2, sizeof *x);

    for (int i = 0; x && i < n; i++) {
        products(t, u, op->w[i], op->bias[i], row, x + at);
        at += op->w[i]->rows;
    }
    for (int i = 0; i < t->out_width; i++) {
        struct off y = x ? x[i] : (struct off){0, 0};
        if (x && op->epilogue == EPILOGUE_ADD) {
            double in = trial_in(t, row, 1)[i];
            y.by = fabs(op->scale) * y.by +
                   u->sum * 8 * (fabs(in) + fabs(op->scale * y.y)) + u->floor;
        } else if (x && op->epilogue != EPILOGUE_NONE) {
            y = off_activated(u, op->act, y);
            if (op->epilogue == EPILOGUE_GLU)
                y = off_times(u, y, x[t->out_width + i]);
        }
        out[i] = y.by;
    }
    mem_free(x);
}

void off_head(const struct trial *t, const struct precision *u, int row, double *out)
{
    const struct op *op = trial_op(t);
    struct off *x = mem_calloc((size_t)t->out_width, sizeof *x);

    if (x)
        products(t, u, op->w[0], op->bias[0], row, x);
    for (int i = 0; i < t->out_width; i++)
        out[i] = !x ? 0
                    : fabs(op->scale) * x[i].by + u->sum * 16 * fabs(op->scale * x[i].y) +
                          u->sum * 16 * fabs(op->softcap);
    mem_free(x);
}

void off_embed(const struct trial *t, const struct precision *u, int row, double *out)
{
    const struct op *op = trial_op(t);
    float *f = mem_alloc((size_t)op->w[0]->k * 2 * sizeof *f);

    for (int i = 0; i < t->out_width; i++)
        out[i] = 0;
    if (!f)
        return;
    trial_row(op->w[0], row, f);
    if (op->w[1])
        trial_row(op->w[1], row, f + op->w[0]->k);
    for (int i = 0; i < t->out_width; i++)
        out[i] = u->sum * 4 * (fabs((double)f[i] * op->scale) +
                               (op->w[1] ? fabs((double)f[op->w[0]->k + i]) : 0)) + u->floor;
    mem_free(f);
}

static void off_norm_of(const struct precision *u, const float *x, const float *w,
                        const float *bias, int n, double eps, int is_mean_removed, double *out)
{
    double mean = 0, sum = 0, most = 0, r;

    for (int i = 0; i < n; i++) {
        mean += is_mean_removed ? x[i] / (double)n : 0;
        most = fmax(most, fabs((double)x[i]));
    }
    for (int i = 0; i < n; i++)
        sum += (x[i] - mean) * (x[i] - mean);
    r = 1 / sqrt(sum / n + eps);
    for (int i = 0; i < n; i++) {
        double y = (x[i] - mean) * r, f = w ? w[i] : 1;
        out[i] = fabs(f) * ((n + 16) * u->sum * (fabs(y) + (is_mean_removed ? most * r : 0)) +
                            u->floor * (1 + r)) +
                 u->sum * 4 * (bias ? fabs((double)bias[i]) : 0);
    }
}

void off_norm(const struct trial *t, const struct precision *u, int row, double *out)
{
    const struct op *op = trial_op(t);

    off_norm_of(u, trial_in(t, row, 0), op->w[0] ? op->w[0]->f32 : NULL,
                op->bias[0] ? op->bias[0]->f32 : NULL, t->out_width, op->eps,
                op->kind == OP_LAYER_NORM, out);
}

void off_head_norm(const struct trial *t, const struct precision *u, int row, double *out)
{
    const struct op *op = trial_op(t);
    int n = op->head_dim, is_each = op->w[0]->k > n;

    for (int h = 0; h < op->heads; h++)
        off_norm_of(u, trial_in(t, row, 0) + h * n, op->w[0]->f32 + (is_each ? h * n : 0), NULL, n,
                    op->eps, op->mean_removed, out + h * n);
}

void off_rope(const struct trial *t, const struct precision *u, int row, double *out)
{
    const struct op *op = trial_op(t);
    const struct rope *r = op->rope;
    int apart = r->halves ? r->n_rot / 2 : 1, step = r->halves ? 1 : 2;

    for (int i = 0; i < t->out_width; i++)
        out[i] = 0;
    for (int h = 0; h < op->heads; h++)
        for (int i = 0; i < r->n_rot / 2; i++) {
            int a = h * op->head_dim + op->rope_at + i * step;
            const float *x = trial_in(t, row, 0) + a;
            out[a] = out[a + apart] = u->sum * 8 * r->magnitude *
                                      (fabs((double)x[0]) + fabs((double)x[apart])) + u->floor;
        }
}

void off_rows(const struct trial *t, const struct precision *u, int row, double *out)
{
    const struct op *op = trial_op(t);
    const float *a = trial_in(t, row, 0), *b = t->n_inputs > 1 ? trial_in(t, row, 1) : a;

    for (int i = 0; i < t->out_width; i++)
        out[i] = op->kind == OP_GATHER ? 0
                 : op->kind == OP_SCALE ? u->sum * 4 * fabs((double)a[i] * op->scale) + u->floor
                 : op->kind == OP_ADD
                     ? u->sum * 4 * (fabs((double)a[i]) + fabs((double)b[i] * op->scale)) + u->floor
                     : off_times(u, off_activated(u, op->act, (struct off){a[i], 0}),
                             (struct off){b[i], 0}).by;
}

/* The rows of a class are a path from position 0 on.  Probabilities are off by twice the most that
 * a score is; what they weigh is at most the largest value. */
void off_attention(const struct trial *t, const struct precision *u, int row, double *out)
{
    const struct op *op = trial_op(t);
    int group = op->heads / op->kv_heads;

    for (int h = 0; h < op->heads; h++) {
        const float *q = trial_in(t, row, 0) + h * op->head_dim;
        double most = 0, score = 0, by, sum;
        int seen = 0;
        for (int r = trial_class_row(row); r <= row; r++, seen++) {
            const float *k = trial_in(t, r, 1) + h / group * op->head_dim;
            const float *v = trial_in(t, r, 2) + h / group * op->value_dim;
            by = fabs(op->scale) * off_product(u, k, q, op->head_dim, &sum);
            sum *= op->scale;
            if (op->softcap != 0)
                by = fmin(by, 2 * fabs(op->softcap)) + 16 * u->sum * fabs(op->softcap);
            by += 8 * u->sum * (fabs(sum) + (op->w[1] ? fabs((double)op->w[1]->f32[h]) * 64 : 0));
            score = fmax(score, by);
            for (int i = 0; i < op->value_dim; i++)
                most = fmax(most, fabs((double)v[i]));
        }
        by = fmin(2, 4 * score + u->in + (seen + 32) * u->sum) * most + u->floor * 64;
        for (int i = 0; i < op->value_dim; i++)
            out[h * op->value_dim + i] = by;
    }
}
