/* conform_trials.c -- the operations that devices are offered, each way of using them a row: how it
 * is built, and how far its results may be off. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "include/densimeter_device.h"
#include "runners/conform_impl.h"
#include "runners/quant.h"

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

/* ---- linear, head ---- */

static void off_linear(const struct trial *t, const struct precision *u, int row, double *out)
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

static void finish_linear(struct trial *t, struct op *op, const int *widths, struct err *e)
{
    int outs[OP_OUTS], n = 1;

    op->kind = OP_LINEAR;
    for (n = 0; n < OP_OUTS && widths[n]; n++)
        outs[n] = op->out[n] = program_value(&t->p, widths[n]);
    op->n_out = n;
    program_op(&t->p, *op);
    t->tolerance = off_linear;
    trial_finish(t, outs, n, e);
}

static void build_plain(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                        struct err *e)
{
    struct op op = TRIAL_OP;

    op.in[0] = trial_input(t, k);
    trial_begin(t);
    op.w[0] = trial_weight(t, z, type, k, rows, 0);
    finish_linear(t, &op, (int[OP_OUTS]){rows}, e);
}

static void build_three(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                        struct err *e)
{
    struct op op = TRIAL_OP;
    int small = rows / 2 + 1;

    op.in[0] = trial_input(t, k);
    trial_begin(t);
    op.w[0] = trial_weight(t, z, type, k, rows, 0);
    op.w[1] = trial_weight(t, z, type, k, small, 0);
    op.w[2] = trial_weight(t, z, type, k, small, 0);
    op.bias[0] = trial_weight(t, z, QUANT_F32, rows, 1, 0);
    op.bias[2] = trial_weight(t, z, QUANT_F32, small, 1, 0);
    finish_linear(t, &op, (int[OP_OUTS]){rows, small, small}, e);
}

static void build_add_to(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                         struct err *e)
{
    struct op op = TRIAL_OP;

    op.in[0] = trial_input(t, k);
    op.in[1] = trial_input(t, rows);
    trial_begin(t);
    op.w[0] = trial_weight(t, z, type, k, rows, 0);
    op.bias[0] = trial_weight(t, z, QUANT_F32, rows, 1, 0);
    op.epilogue = EPILOGUE_ADD;
    op.scale = 0.7f;
    finish_linear(t, &op, (int[OP_OUTS]){rows}, e);
}

static void build_act_of(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                         struct err *e)
{
    struct op op = TRIAL_OP;

    op.in[0] = trial_input(t, k);
    trial_begin(t);
    op.w[0] = trial_weight(t, z, type, k, rows, 0);
    op.bias[0] = trial_weight(t, z, QUANT_F32, rows, 1, 0);
    op.epilogue = EPILOGUE_ACT;
    op.act = ACT_GELU_TANH;
    finish_linear(t, &op, (int[OP_OUTS]){rows}, e);
}

static void build_glu(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                      struct err *e)
{
    struct op op = TRIAL_OP;

    op.in[0] = trial_input(t, k);
    trial_begin(t);
    op.w[0] = trial_weight(t, z, type, k, rows, 0);
    op.w[1] = trial_weight(t, z, type, k, rows, 0);
    op.epilogue = EPILOGUE_GLU;
    op.act = ACT_SILU;
    finish_linear(t, &op, (int[OP_OUTS]){rows}, e);
}

static void off_head(const struct trial *t, const struct precision *u, int row, double *out)
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

static void build_any_head(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                           int is_odd, struct err *e)
{
    struct op op = TRIAL_OP;
    int in = trial_input(t, k);

    trial_begin(t);
    op.in[0] = trial_gather(t, in);
    trial_here(t);
    op.kind = OP_HEAD;
    op.wanted_rows = 1;
    op.w[0] = trial_weight(t, z, type, k, rows, 0);
    if (is_odd) {
        op.bias[0] = trial_weight(t, z, QUANT_F32, rows, 1, 0);
        op.scale = 0.5f;
        op.softcap = 3;
    }
    program_op(&t->p, op);
    t->p.n_vocab = t->out_width = rows;
    t->shows_lse = 1;
    t->tolerance = off_head;
    trial_finish(t, NULL, 0, e);
}

static void build_head(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                       struct err *e)
{
    build_any_head(t, z, type, k, rows, 0, e);
}

static void build_odd_head(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                           struct err *e)
{
    build_any_head(t, z, type, k, rows, 1, e);
}

/* ---- embedding and rows ---- */

static void off_embed(const struct trial *t, const struct precision *u, int row, double *out)
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

static void build_any_embed(struct trial *t, const struct quantizer *z, int type, int k, int is_odd,
                            struct err *e)
{
    struct op op = TRIAL_OP;

    trial_begin(t);
    op.kind = OP_EMBED;
    op.w[0] = trial_weight(t, z, type, k, TRIAL_ROWS, 0);
    if (is_odd) {
        op.w[1] = trial_weight(t, z, type, k, TRIAL_MAX_ROWS, 0);
        op.scale = 3.5f;
    }
    op.out[0] = program_value(&t->p, k);
    op.n_out = 1;
    t->inputs = IN_WIDE; /* only what comes before */
    t->tolerance = off_embed;
    trial_end(t, &op, op.out[0], e);
}

static void build_embed(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                        struct err *e)
{
    (void)rows;
    build_any_embed(t, z, type, k, 0, e);
}

static void build_odd_embed(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                            struct err *e)
{
    (void)rows;
    build_any_embed(t, z, type, k, 1, e);
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

static void off_norm(const struct trial *t, const struct precision *u, int row, double *out)
{
    const struct op *op = trial_op(t);

    off_norm_of(u, trial_in(t, row, 0), op->w[0] ? op->w[0]->f32 : NULL,
                op->bias[0] ? op->bias[0]->f32 : NULL, t->out_width, op->eps,
                op->kind == OP_LAYER_NORM, out);
}

static void build_norm(struct trial *t, const struct quantizer *z, int k, enum op_kind kind,
                       int has_weight, struct err *e)
{
    struct op op = TRIAL_OP;

    op.kind = kind;
    op.in[0] = trial_input(t, k);
    trial_begin(t);
    op.eps = 1e-5f;
    if (has_weight)
        op.w[0] = trial_weight(t, z, QUANT_F32, k, 1, 1);
    if (has_weight && kind == OP_LAYER_NORM)
        op.bias[0] = trial_weight(t, z, QUANT_F32, k, 1, 0);
    op.out[0] = program_value(&t->p, k);
    op.n_out = 1;
    t->tolerance = off_norm;
    trial_end(t, &op, op.out[0], e);
}

static void build_rms_norm(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                           struct err *e)
{
    (void)type;
    build_norm(t, z, k, OP_RMS_NORM, rows, e);
}

static void build_layer_norm(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                             struct err *e)
{
    (void)type;
    build_norm(t, z, k, OP_LAYER_NORM, rows, e);
}

static void off_head_norm(const struct trial *t, const struct precision *u, int row, double *out)
{
    const struct op *op = trial_op(t);
    int n = op->head_dim, is_each = op->w[0]->k > n;

    for (int h = 0; h < op->heads; h++)
        off_norm_of(u, trial_in(t, row, 0) + h * n, op->w[0]->f32 + (is_each ? h * n : 0), NULL, n,
                    op->eps, op->mean_removed, out + h * n);
}

/* rows: heads; each has weights of its own when there are more than three. */
static void build_head_norm(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                            struct err *e)
{
    struct op op = TRIAL_OP;

    (void)type;
    op.kind = OP_HEAD_NORM;
    op.out[0] = trial_input(t, k * rows);
    trial_begin(t);
    op.n_out = 1;
    op.heads = rows;
    op.head_dim = k;
    op.eps = 1e-6f;
    op.mean_removed = rows == 2;
    op.w[0] = trial_weight(t, z, QUANT_F32, rows > 3 ? k * rows : k, 1, 1);
    t->tolerance = off_head_norm;
    trial_end(t, &op, op.out[0], e);
}

static void off_rope(const struct trial *t, const struct precision *u, int row, double *out)
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

/* rows 3 or less: pairs of halves of the whole head; else of neighbours, in a part of it. */
static void build_rope(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                       struct err *e)
{
    struct rope r = {.n_rot = rows > 3 ? k / 2 : k, .halves = rows <= 3, .magnitude = 1.1f};
    double freqs[128];
    struct op op = TRIAL_OP;

    (void)z;
    (void)type;
    for (int i = 0; i < r.n_rot / 2; i++)
        freqs[i] = pow(1e4, -2.0 * i / r.n_rot);
    op.kind = OP_ROPE;
    op.out[0] = trial_input(t, k * rows);
    trial_begin(t);
    op.n_out = 1;
    op.heads = rows;
    op.head_dim = k;
    op.rope_at = rows > 3 ? k / 4 : 0;
    op.rope = program_rope(&t->p, r, freqs);
    t->tolerance = off_rope;
    trial_end(t, &op, op.out[0], e);
}

static void off_rows(const struct trial *t, const struct precision *u, int row, double *out)
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

static void build_rows(struct trial *t, enum op_kind kind, enum activation act, int k,
                       struct err *e)
{
    struct op op = TRIAL_OP;

    op.kind = kind;
    op.in[0] = trial_input(t, k);
    if (kind == OP_ADD || kind == OP_GATE)
        op.in[1] = trial_input(t, k);
    trial_begin(t);
    op.act = act;
    op.scale = 0.37f;
    op.wanted_rows = t->is_gathered = kind == OP_GATHER;
    op.out[0] = kind == OP_SCALE ? op.in[0] : program_value(&t->p, k);
    if (kind == OP_SCALE)
        op.in[0] = -1;
    op.n_out = 1;
    t->tolerance = off_rows;
    trial_end(t, &op, op.out[0], e);
}

static void build_add(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                      struct err *e)
{
    (void)z, (void)type, (void)rows;
    build_rows(t, OP_ADD, ACT_NONE, k, e);
}

static void build_scale(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                        struct err *e)
{
    (void)z, (void)type, (void)rows;
    build_rows(t, OP_SCALE, ACT_NONE, k, e);
}

static void build_gather(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                         struct err *e)
{
    (void)z, (void)type, (void)rows;
    build_rows(t, OP_GATHER, ACT_NONE, k, e);
}

/* rows: the activation. */
static void build_gate(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                       struct err *e)
{
    (void)z, (void)type;
    build_rows(t, OP_GATE, (enum activation)rows, k, e);
}

/* ---- attention ---- */

/* The rows of a class are a path from position 0 on.  Probabilities are off by twice the most that
 * a score is; what they weigh is at most the largest value. */
static void off_attention(const struct trial *t, const struct precision *u, int row, double *out)
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

/* k: the size of a head; rows: which of the ways. */
static void build_attention(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                            struct err *e)
{
    static const struct way {
        int heads, kv_heads, value_dim, window, chunk, has_sinks, has_slopes;
        float softcap;
    } ways[] = {{4, 2, 0, 0, 0, 0, 0, 0}, {3, 1, 24, 9, 0, 1, 0, 0}, {4, 4, 0, 0, 16, 0, 1, 20}};
    const struct way *way = &ways[rows];
    int values = way->value_dim ? way->value_dim : k;
    struct op op = TRIAL_OP;

    (void)type;
    op.in[0] = trial_input(t, way->heads * k);
    op.in[1] = trial_input(t, way->kv_heads * k);
    op.in[2] = trial_input(t, way->kv_heads * values);
    trial_begin(t);
    op.heads = way->heads;
    op.kv_heads = way->kv_heads;
    op.head_dim = k;
    op.value_dim = values;
    struct op store = op;
    store.kind = OP_KV_STORE;
    store.in[0] = op.in[1];
    store.in[1] = op.in[2];
    store.in[2] = -1;
    program_op(&t->p, store);
    op.kind = OP_ATTENTION;
    op.in[1] = op.in[2] = -1;
    op.scale = (float)(1 / sqrt(k));
    op.softcap = way->softcap;
    op.window = way->window;
    op.chunk = way->chunk;
    if (way->has_sinks)
        op.w[0] = trial_weight(t, z, QUANT_F32, way->heads, 1, 0);
    if (way->has_slopes)
        op.w[1] = trial_weight(t, z, QUANT_F32, way->heads, 1, 0.1);
    t->is_path = 1;
    t->inputs = IN_INFINITE;
    t->p.n_layers = 1;
    t->p.kv = mem_calloc(1, sizeof *t->p.kv);
    if (t->p.kv) {
        t->p.kv->kv_heads = way->kv_heads;
        t->p.kv->head_dim = k;
        t->p.kv->value_dim = values;
    }
    op.out[0] = program_value(&t->p, way->heads * values);
    op.n_out = 1;
    t->tolerance = off_attention;
    trial_end(t, &op, op.out[0], e);
}

/* k is a multiple of 256 where every format is tried. */
static const struct trial_row rows[] = {
    {"embed", 1, build_embed, {256}, {0}},
    {"embed, scaled, positions", 1, build_odd_embed, {512}, {0}},
    {"rms_norm", 0, build_rms_norm, {64, 576, 100}, {1, 1, 0}},
    {"layer_norm", 0, build_layer_norm, {64, 577, 100}, {1, 1, 0}},
    {"head_norm", 0, build_head_norm, {64, 128, 80}, {3, 2, 5}},
    {"linear", 1, build_plain, {256, 768, 1024}, {100, 33, 1}},
    {"linear, three", 1, build_three, {512}, {70}},
    {"linear, added", 1, build_add_to, {768}, {97}},
    {"linear, activated", 1, build_act_of, {512}, {64}},
    {"linear, glu", 1, build_glu, {512}, {70}},
    {"rope", 0, build_rope, {64, 128, 80}, {3, 2, 5}},
    {"scale", 0, build_scale, {100, 576}, {0}},
    {"kv_store, attention", 0, build_attention, {64, 32, 80}, {0, 1, 2}},
    {"add", 0, build_add, {100, 576}, {0}},
    {"gate", 0, build_gate, {100, 64, 65}, {ACT_SILU, ACT_GELU_TANH, ACT_GELU_ERF}},
    {"gate, relu", 0, build_gate, {100, 64}, {ACT_RELU, ACT_RELU2}},
    {"gather", 0, build_gather, {100}, {0}},
    {"head", 1, build_head, {256, 512}, {300, 101}},
    {"head, capped", 1, build_odd_head, {256}, {77}},
    {NULL, 0, NULL, {0}, {0}},
};

static const struct trial_row models[] = {
    {"model", 2, conform_build_model, {256, 256, 256}, {0, 1, 2}},
    {"model, layers", 2, conform_build_model, {256, 256}, {3, 4}},
    {NULL, 0, NULL, {0}, {0}},
};

const struct trial_row *trial_at(int i)
{
    static const struct trial_row *const lists[] = {rows, trials_of_experts, trials_of_states,
                                                    models};

    for (size_t l = 0; l < sizeof lists / sizeof lists[0]; l++)
        for (const struct trial_row *r = lists[l]; r->op; r++)
            if (i-- == 0)
                return r;
    return NULL;
}
