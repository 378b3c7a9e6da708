/* conform_states.c -- trials of recurrent layers and of what is put together around them.
 *
 * The rows of a class are a path; how far a state may be off follows from how far it was off at the
 * row before, with magnitudes in the place of numbers. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "runners/conform_impl.h"
#include "runners/quant.h"

/* Relative error of a step of a recurrence: a product of operands, and an addition. */
static double step_error(const struct precision *u)
{
    return u->in + 16 * u->sum;
}

static double softplus(double x)
{
    return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

/* ---- convolution ---- */

static void off_conv(const struct trial *t, const struct precision *u, int row, double *out)
{
    const struct op *op = trial_op(t);
    int taps = op->rec.taps, first = trial_class_row(row);
    float x[8], w[8];

    for (int c = 0; c < t->out_width; c++) {
        struct off y;
        for (int j = 0; j < taps; j++) {
            int r = row - taps + 1 + j;
            x[j] = r < first ? 0 : trial_in(t, r, 0)[c];
        }
        trial_row(op->w[0], c, w);
        y.by = off_product(u, w, x, taps, &y.y);
        if (op->bias[0]) {
            y.y += op->bias[0]->f32[c];
            y.by += u->sum * 4 * (fabs((double)op->bias[0]->f32[c]) + fabs(y.y));
        }
        out[c] = off_activated(u, op->act, y).by;
    }
}

/* rows: taps; four of them have a bias and an activation. */
static void build_conv(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                       struct err *e)
{
    struct op op = TRIAL_OP;

    (void)type;
    op.kind = OP_CONV;
    op.in[0] = trial_input(t, k);
    trial_begin(t);
    op.rec.taps = rows;
    op.w[0] = trial_lanes(t, rows, k, 0);
    if (rows == 4) {
        op.act = ACT_SILU;
        op.bias[0] = trial_weight(t, z, QUANT_F32, k, 1, 0);
    }
    op.out[0] = program_value(&t->p, k);
    op.n_out = 1;
    t->is_path = 1;
    t->inputs = IN_INFINITE; /* only what comes before */
    t->tolerance = off_conv;
    trial_end(t, &op, op.out[0], e);
}

/* ---- scans ---- */

struct channel { /* where a channel's numbers are in a row */
    const struct trial *t;
    int x, dt, b_input, b, c_input, c; /* of inputs 0 and 1, and of those with b and c */
    const float *a;  /* [states], or one */
    int step_a;
    double d;
    int states;
};

/* Of this channel's result at `row`: h, and e that it may be off, from state to state. */
static double off_channel(const struct channel *s, const struct precision *u, int row)
{
    double by = 0, one = step_error(u);

    for (int n = 0; n < s->states; n++) {
        double h = 0, off = 0, c = 0;
        for (int r = trial_class_row(row); r <= row; r++) {
            double dt = softplus(trial_in(s->t, r, 1)[s->dt]), a = s->a[n * s->step_a] * dt;
            double add = fabs(dt * trial_in(s->t, r, 0)[s->x] *
                              trial_in(s->t, r, s->b_input)[s->b + n]);
            double keep = exp(a), slack = one * (2 + fabs(a));
            off = keep * off + slack * keep * h + 2 * one * add;
            h = keep * h + add;
            c = fabs((double)trial_in(s->t, r, s->c_input)[s->c + n]);
        }
        by += c * (off + (s->states + 8) * one * h);
    }
    return by + one * fabs(s->d * trial_in(s->t, row, 0)[s->x]) + u->floor;
}

static void off_scan_channels(const struct trial *t, const struct precision *u, int row,
                              double *out)
{
    const struct op *op = trial_op(t);
    float a[64];

    for (int i = 0; i < t->out_width; i++) {
        trial_row(op->w[0], i, a);
        out[i] = off_channel(&(struct channel){t, i, i, 2, 0, 3, 0, a, 1, op->w[1]->f32[i],
                                               op->rec.states}, u, row);
    }
}

/* k: channels; rows: states. */
static void build_scan_channels(struct trial *t, const struct quantizer *z, int type, int k,
                                int rows, struct err *e)
{
    const int widths[] = {k, k, rows, rows};
    struct op op = TRIAL_OP;

    (void)type;
    op.kind = OP_SCAN_CHANNELS;
    for (int i = 0; i < 4; i++)
        op.in[i] = trial_input(t, widths[i]);
    trial_begin(t);
    op.rec.states = rows;
    op.w[0] = trial_lanes(t, rows, k, -1);
    op.w[1] = trial_weight(t, z, QUANT_F32, k, 1, 1);
    op.out[0] = program_value(&t->p, k);
    op.n_out = 1;
    t->is_path = 1;
    t->inputs = IN_WIDE; /* only what comes before: products of three inputs leave float32 */
    t->tolerance = off_scan_channels;
    trial_end(t, &op, op.out[0], e);
}

enum { HEADS = 4, GROUPS = 2 };

static void off_scan_heads(const struct trial *t, const struct precision *u, int row, double *out)
{
    const struct op *op = trial_op(t);
    int n = op->rec.states, b = HEADS * op->head_dim;

    for (int i = 0; i < t->out_width; i++) {
        int h = i / op->head_dim, group = h / (HEADS / GROUPS);
        out[i] = off_channel(&(struct channel){t, i, h, 0, b + group * n, 0,
                                               b + (GROUPS + group) * n, &op->w[0]->f32[h], 0,
                                               op->w[1]->f32[h], n}, u, row);
    }
}

/* k: the size of a head; rows: states. */
static void build_scan_heads(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                             struct err *e)
{
    struct op op = TRIAL_OP;

    (void)type;
    op.kind = OP_SCAN_HEADS;
    op.in[0] = trial_input(t, HEADS * k + 2 * GROUPS * rows);
    op.in[1] = trial_input(t, HEADS);
    trial_begin(t);
    op.heads = HEADS;
    op.head_dim = k;
    op.rec.groups = GROUPS;
    op.rec.states = rows;
    op.w[0] = trial_weight(t, z, QUANT_F32, HEADS, 1, -1);
    op.w[1] = trial_weight(t, z, QUANT_F32, HEADS, 1, 1);
    op.out[0] = program_value(&t->p, HEADS * k);
    op.n_out = 1;
    t->is_path = 1;
    t->inputs = IN_WIDE; /* as above */
    t->tolerance = off_scan_heads;
    trial_end(t, &op, op.out[0], e);
}

/* ---- delta rule ---- */

enum { KEYS_MAX = 64 };

/* The keys and queries of a row, of length one as the op before has made them. */
static void unit(const float *x, int n, double *to)
{
    double sum = 0;

    for (int i = 0; i < n; i++)
        sum += (double)x[i] * x[i];
    for (int i = 0; i < n; i++)
        to[i] = x[i] / sqrt(sum + 1e-6);
}

struct column { /* of a head's state */
    double m[KEYS_MAX], off[KEYS_MAX];
};

/* One step; returns how far its result may be off. */
static double off_step(struct column *c, int n, double one, double a, double beta, double v,
                       const double *k, const double *q)
{
    double g = exp(a), seen = 0, all = 0, off = 0, by = 0, size = 0, e;

    for (int i = 0; i < n; i++) {
        c->off[i] = g * c->off[i] + one * (2 + fabs(a)) * g * fabs(c->m[i]);
        c->m[i] *= g;
        seen += k[i] * c->m[i];
        all += fabs(k[i] * c->m[i]);
        off += fabs(k[i]) * c->off[i];
    }
    e = beta * (v - seen);
    off = beta * (off + (n + 8) * one * all) + 2 * one * beta * (fabs(v) + fabs(seen));
    for (int i = 0; i < n; i++) {
        c->m[i] += k[i] * e;
        c->off[i] += fabs(k[i]) * off + one * (fabs(c->m[i]) + fabs(k[i] * e));
        by += fabs(q[i]) * c->off[i];
        size += fabs(q[i] * c->m[i]);
    }
    return by + (n + 8) * one * size;
}

static void off_delta(const struct trial *t, const struct precision *u, int row, double *out)
{
    const struct op *op = trial_op(t);
    int n = op->head_dim, each = HEADS / GROUPS, has_pairs = op->rec.is_paired;
    double k[KEYS_MAX], q[KEYS_MAX];

    for (int i = 0; i < t->out_width; i++) {
        int h = i / n, key = op->rec.is_tiled ? h % GROUPS : h / each;
        int at = has_pairs ? h / each * 2 * each + h % each : h;
        struct column c = {{0}, {0}};
        for (int r = trial_class_row(row); r <= row; r++) {
            const float *x = trial_in(t, r, 0);
            double decay = trial_in(t, r, 1)[at + (has_pairs ? each : 0)];
            double beta = sigmoid(trial_in(t, r, has_pairs ? 1 : 2)[at]);
            unit(x + key * n, n, q);
            unit(x + (GROUPS + key) * n, n, k);
            out[i] = off_step(&c, n, step_error(u),
                              op->w[0]->f32[h] * softplus(decay + op->w[1]->f32[h]), beta,
                              x[2 * GROUPS * n + i], k, q) + u->floor;
        }
    }
}

/* k: the size of a head; rows: 1 with pairs, 2 with heads in turn. */
static void build_delta(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                        struct err *e)
{
    struct op op = TRIAL_OP, norm = TRIAL_OP;
    int pairs = rows == 1;

    (void)type;
    op.kind = OP_DELTA;
    op.in[0] = norm.out[0] = trial_input(t, (2 * GROUPS + HEADS) * k);
    op.in[1] = op.in[2] = trial_input(t, pairs ? 2 * HEADS : HEADS);
    if (!pairs)
        op.in[2] = trial_input(t, HEADS);
    trial_begin(t);
    norm.kind = OP_L2_NORM;
    norm.heads = 2 * GROUPS;
    norm.head_dim = k;
    norm.eps = 1e-6f;
    norm.n_out = 1;
    program_op(&t->p, norm);
    trial_here(t);
    op.heads = HEADS;
    op.head_dim = op.rec.states = k;
    op.rec.groups = GROUPS;
    op.rec.is_paired = pairs;
    op.rec.is_tiled = rows == 2;
    op.w[0] = trial_weight(t, z, QUANT_F32, HEADS, 1, -1);
    op.w[1] = trial_weight(t, z, QUANT_F32, HEADS, 1, 0);
    op.out[0] = program_value(&t->p, HEADS * k);
    op.n_out = 1;
    t->is_path = 1;
    t->inputs = IN_WIDE; /* as above */
    t->tolerance = off_delta;
    trial_end(t, &op, op.out[0], e);
}

/* ---- what is put together around them ---- */

static void off_l2_norm(const struct trial *t, const struct precision *u, int row, double *out)
{
    const struct op *op = trial_op(t);
    int n = op->head_dim;

    for (int i = 0; i < t->out_width; i++) {
        int h = i / n, is_one = h >= op->first && h < op->first + op->heads;
        const float *x = trial_in(t, row, 0) + h * n;
        double sum = 0;
        for (int j = 0; j < n; j++)
            sum += (double)x[j] * x[j];
        sum = 1 / sqrt(sum + op->eps);
        out[i] = is_one ? fabs(op->scale) * ((n + 16) * u->sum * fabs(x[i % n] * sum) +
                                             u->floor * (1 + sum))
                        : 0;
    }
}

/* k: the size of a head; rows: the first of two heads in five. */
static void build_l2_norm(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                          struct err *e)
{
    struct op op = TRIAL_OP;

    (void)z, (void)type;
    op.kind = OP_L2_NORM;
    op.out[0] = trial_input(t, 5 * k);
    trial_begin(t);
    op.first = rows;
    op.heads = 2;
    op.head_dim = k;
    op.eps = 1e-6f;
    op.scale = 0.3f;
    op.n_out = 1;
    t->inputs = IN_LARGE; /* only what comes before: squares of these leave float32 */
    t->tolerance = off_l2_norm;
    trial_end(t, &op, op.out[0], e);
}

static void off_nothing(const struct trial *t, const struct precision *u, int row, double *out)
{
    (void)u, (void)row;
    memset(out, 0, (size_t)t->out_width * sizeof *out);
}

static void build_deal(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                       struct err *e)
{
    struct op op = TRIAL_OP;
    int outs[2];

    (void)z, (void)type;
    op.kind = OP_DEAL;
    op.in[0] = trial_input(t, rows * (2 * k + 3 + 5));
    trial_begin(t);
    op.n_out = 2;
    op.out[0] = outs[0] = program_value(&t->p, rows * (k + 3));
    op.out[1] = outs[1] = program_value(&t->p, rows * (k + 5));
    op.deal = (struct deal){.groups = rows, .n = 4,
                            .part = {{k, 0, 0}, {3, 0, rows * k}, {5, 1, rows * k}, {k, 1, 0}}};
    program_op(&t->p, op);
    t->tolerance = off_nothing;
    trial_finish(t, outs, 2, e);
}

static void off_slice(const struct trial *t, const struct precision *u, int row, double *out)
{
    const struct op *op = trial_op(t);

    for (int i = 0; i < t->out_width; i++)
        out[i] = op->w[0] ? u->sum * 4 * fabs((double)trial_in(t, row, 0)[op->at + i] *
                                              op->w[0]->f32[i]) + u->floor
                          : 0;
}

/* rows: 1 with weights. */
static void build_slice(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                        struct err *e)
{
    struct op op = TRIAL_OP;

    (void)type;
    op.kind = OP_SLICE;
    op.in[0] = trial_input(t, 2 * k);
    trial_begin(t);
    op.at = k / 2;
    if (rows)
        op.w[0] = trial_weight(t, z, QUANT_F32, k, 1, 1);
    op.out[0] = program_value(&t->p, k);
    op.n_out = 1;
    t->tolerance = off_slice;
    trial_end(t, &op, op.out[0], e);
}

static void build_concat(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                         struct err *e)
{
    struct op op = TRIAL_OP;

    (void)z, (void)type;
    op.kind = OP_CONCAT;
    op.in[0] = trial_input(t, k);
    op.in[1] = trial_input(t, rows);
    trial_begin(t);
    op.out[0] = program_value(&t->p, k + rows);
    op.n_out = 1;
    t->tolerance = off_nothing;
    trial_end(t, &op, op.out[0], e);
}

static void build_clamp(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                        struct err *e)
{
    struct op op = TRIAL_OP;

    (void)z, (void)type, (void)rows;
    op.kind = OP_CLAMP;
    op.out[0] = trial_input(t, k);
    trial_begin(t);
    op.limit = 0.5f;
    op.n_out = 1;
    t->tolerance = off_nothing;
    trial_end(t, &op, op.out[0], e);
}

const struct trial_row trials_of_states[] = {
    {"conv", 0, build_conv, {100, 64, 33}, {4, 3, 1}},
    {"scan_channels", 0, build_scan_channels, {40}, {16}},
    {"scan_heads", 0, build_scan_heads, {32, 20}, {16, 7}},
    {"delta", 0, build_delta, {16, 32, 24}, {0, 1, 2}},
    {"l2_norm", 0, build_l2_norm, {64, 20}, {0, 2}},
    {"deal", 0, build_deal, {32}, {3}},
    {"slice", 0, build_slice, {100, 64}, {0, 1}},
    {"concat", 0, build_concat, {64}, {37}},
    {"clamp", 0, build_clamp, {100}, {0}},
    {NULL, 0, NULL, {0}, {0}},
};
