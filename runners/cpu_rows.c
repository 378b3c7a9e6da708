/* cpu_rows.c -- the operations that work row by row, and the angles of a batch's positions. */
#include <math.h>
#include <string.h>

#include "runners/angles.h"
#include "runners/cpu.h"
#include "runners/dmath.h"
#include "runners/head.h"
#include "runners/quant.h"

/* cos of rope r for a row of the batch; sin follows all rows of cos. */
static float *rope_row(const struct device *d, const struct rope *r, int row, int want_sin)
{
    float *t = d->rope_tables;

    for (const struct rope *o = d->p->ropes; o != r; o++)
        t += (size_t)o->n_rot * (size_t)d->max_rows;
    if (want_sin)
        t += (size_t)(r->n_rot / 2) * (size_t)d->max_rows;
    return t + (size_t)(r->n_rot / 2) * (size_t)row;
}

void cpu_rope_tables(struct device *d, int from, int to)
{
    for (int i = 0; i < d->p->n_ropes; i++) {
        const struct rope *r = &d->p->ropes[i];
        for (int row = from; row < to; row++) {
            float *c = rope_row(d, r, row, 0), *s = rope_row(d, r, row, 1);
            for (int k = 0; k < r->n_rot / 2; k++) {
                angles_sincos(d->batch->positions[row] * r->inv_freq[k], &c[k], &s[k]);
                c[k] *= r->magnitude;
                s[k] *= r->magnitude;
            }
        }
    }
}

static int width_out(const struct device *d, const struct op *op)
{
    return d->p->values[op->out[0]].width;
}

/* In parts of a multiple of every format's block. */
static void add_position(const struct device *d, const struct weight *w, int position, float *y)
{
    const uint8_t *row = w->data + (size_t)position * w->row_bytes;
    _Alignas(64) float part[256];

    for (int i = 0; i < w->k; i += 256) {
        int n = w->k - i < 256 ? w->k - i : 256;
        d->k->unpack(w->type, part, row + (size_t)i / 256 * (w->row_bytes * 256 / (size_t)w->k),
                     (size_t)n);
        d->k->add(y + i, y + i, part, n);
    }
}

static void embed(const struct device *d, const struct op *op, int row, float *y)
{
    const struct weight *w = op->w[0];
    int token = d->batch->tokens[row];

    if (token >= w->rows)
        token = 0;
    d->k->unpack(w->type, y, w->data + (size_t)token * w->row_bytes, (size_t)w->k);
    if (op->scale != 1)
        d->k->scale(y, y, op->scale, w->k);
    if (op->w[1])
        add_position(d, op->w[1], d->batch->positions[row], y);
    cpu_pad(d, op->out[0], y);
}

/* The heads' weights may be one for all or one each. */
static void head_norm(const struct device *d, const struct op *op, int row, float *y)
{
    size_t n = (size_t)op->head_dim;
    const struct weight *w = op->w[0];
    size_t step = w && (int64_t)w->k * w->rows > op->head_dim ? n : 0;

    (void)row;
    for (size_t h = 0; h < (size_t)op->heads; h++) {
        const float *f = w ? w->f32 + h * step : NULL;
        if (op->mean_removed)
            d->k->layer_norm(y + h * n, y + h * n, f, NULL, op->head_dim, op->eps);
        else
            d->k->rms_norm(y + h * n, y + h * n, f, op->head_dim, op->eps);
    }
}

static void rope(const struct device *d, const struct op *op, int row, float *y)
{
    const float *c = rope_row(d, op->rope, row, 0), *s = rope_row(d, op->rope, row, 1);

    for (int h = 0; h < op->heads; h++)
        d->k->rope(y + (size_t)h * (size_t)op->head_dim + op->rope_at, c, s, op->rope->n_rot,
                   op->rope->halves);
}

static void scale(const struct device *d, const struct op *op, int row, float *y)
{
    (void)row;
    d->k->scale(y, y, op->scale, width_out(d, op));
}

static void temper(const struct device *d, const struct op *op, int row, float *y)
{
    const struct temper *t = &op->temper;
    int steps = (d->batch->positions[row] + t->offset) / t->length;

    if (steps > 0)
        d->k->scale(y, y, (float)(1 + (double)t->scale * dmath_log(1.0 + steps)),
                    width_out(d, op));
}

static void xielu(const struct device *d, const struct op *op, int row, float *y)
{
    const struct xielu *x = &op->xielu;
    int n = width_out(d, op);
    float e[64];

    (void)row;
    for (int i = 0; i < n; i += 64) {
        int part = n - i < 64 ? n - i : 64;
        for (int k = 0; k < part; k++)
            e[k] = y[i + k] < x->eps ? y[i + k] : x->eps;
        d->k->exp(e, e, part);
        for (int k = 0; k < part; k++) {
            float v = y[i + k];
            float bent = v > 0 ? x->p * v * v : x->n * (e[k] - 1 - v);
            y[i + k] = bent + x->beta * v;
        }
    }
}

static void threshold(const struct device *d, const struct op *op, int row, float *y)
{
    int n = width_out(d, op);

    (void)row;
    for (int i = 0; i < n; i++)
        y[i] = y[i] < op->limit ? 0 : y[i]; /* NaN stays, to be named */
}

/* The mean and the deviation of the row in double, one number after the other. */
static void cut(const struct device *d, const struct op *op, int row, float *y)
{
    double sum = 0, square = 0;
    int n = width_out(d, op);
    float limit;

    (void)row;
    for (int i = 0; i < n; i++)
        sum += y[i];
    for (int i = 0; i < n; i++)
        square += (y[i] - sum / n) * (y[i] - sum / n);
    limit = (float)(sum / n + op->limit * sqrt(square / n));
    for (int i = 0; i < n; i++)
        y[i] = y[i] - limit < 0 ? 0 : y[i] - limit; /* NaN stays, to be named */
}

static float mean_square(const struct device *d, const float *x, int n)
{
    float sum;

    d->k->gemm(&sum, 1, x, 0, 1, x, 0, 1, n);
    return sum / (float)n;
}

static void match(const struct device *d, const struct op *op, int row, float *y)
{
    int n = width_out(d, op);
    float mine = mean_square(d, y, n);
    float like = mean_square(d, cpu_row(d, op->in[0], row), n);

    d->k->scale(y, y, sqrtf(like) / sqrtf(mine < op->limit ? op->limit : mine), n);
}

static void predict(const struct device *d, const struct op *op, int row, float *y)
{
    const float *x = cpu_row(d, op->in[0], row), *c = cpu_row(d, op->in[1], row);
    int n = op->parts.n, width = op->parts.width;

    memcpy(y, x, (size_t)n * (size_t)width * sizeof *y);
    for (int i = 0; i < n; i++)
        for (int a = 0; a < n; a++)
            d->k->axpy(y + i * width, x + a * width, c[i * n + a], width);
    cpu_pad(d, op->out[0], y);
}

static void correct(const struct device *d, const struct op *op, int row, float *y)
{
    const float *x = cpu_row(d, op->in[0], row);
    const float *c = op->in[1] < 0 ? NULL : cpu_row(d, op->in[1], row);

    for (int i = op->first; i < op->parts.n; i++)
        d->k->axpy(y + i * op->parts.width, x, c ? 1 + c[i] : 1, op->parts.width);
}

static void slice(const struct device *d, const struct op *op, int row, float *y)
{
    const float *x = cpu_row(d, op->in[0], row) + op->at;
    int n = width_out(d, op);

    if (op->w[0])
        d->k->glu(ACT_NONE, y, x, op->w[0]->f32, n);
    else
        memcpy(y, x, (size_t)n * sizeof *y);
    cpu_pad(d, op->out[0], y);
}

static void clamp(const struct device *d, const struct op *op, int row, float *y)
{
    float limit = op->limit;
    int n = width_out(d, op);

    (void)row;
    for (int i = 0; i < n; i++)
        y[i] = y[i] > limit ? limit : y[i] < -limit ? -limit : y[i];
}

static void add(const struct device *d, const struct op *op, int row, float *y)
{
    const float *b = cpu_row(d, op->in[1], row);
    int n = width_out(d, op);

    if (op->scale != 1) {
        d->k->scale(y, b, op->scale, n);
        b = y;
    }
    d->k->add(y, cpu_row(d, op->in[0], row), b, n);
    cpu_pad(d, op->out[0], y);
}

/* scale * x / sqrt(sum of x^2 + eps) of each head: RMS norm of a vector of n is sqrt(n) of that. */
static void l2_norm(const struct device *d, const struct op *op, int row, float *y)
{
    float n = (float)op->head_dim, by = op->scale / sqrtf(n);

    (void)row;
    for (int h = op->first; h < op->first + op->heads; h++) {
        float *x = y + (size_t)h * (size_t)op->head_dim;
        d->k->rms_norm(x, x, NULL, op->head_dim, op->eps / n);
        d->k->scale(x, x, by, op->head_dim);
    }
}

static void deal(const struct device *d, const struct op *op, int row, float *y)
{
    const float *from = cpu_row(d, op->in[0], row);

    (void)y; /* it has two */
    for (int g = 0; g < op->deal.groups; g++)
        for (int i = 0; i < op->deal.n; i++) {
            int width = op->deal.part[i].width;
            memcpy(cpu_row(d, op->out[op->deal.part[i].out], row) + op->deal.part[i].at + g * width,
                   from, (size_t)width * sizeof *from);
            from += width;
        }
    for (int i = 0; i < op->n_out; i++)
        cpu_pad(d, op->out[i], cpu_row(d, op->out[i], row));
}

static void concat(const struct device *d, const struct op *op, int row, float *y)
{
    for (int i = 0; i < 2; i++) {
        size_t n = (size_t)d->p->values[op->in[i]].width;
        memcpy(y, cpu_row(d, op->in[i], row), n * sizeof *y);
        y += n;
    }
    cpu_pad(d, op->out[0], cpu_row(d, op->out[0], row));
}

static void scale_by(const struct device *d, const struct op *op, int row, float *y)
{
    float factor;

    d->k->act(op->act, &factor, cpu_row(d, op->in[1], row), 1);
    d->k->scale(y, cpu_row(d, op->in[0], row), factor, width_out(d, op));
    cpu_pad(d, op->out[0], y);
}

/* In order of rank, so that the sum does not depend on who computed what. */
static void combine(const struct device *d, const struct op *op, int row, float *y)
{
    const float *part = cpu_row(d, op->in[0], row), *weights = cpu_row(d, op->in[1], row);
    int n = op->parts.width;
    float scaled[256];

    weights += op->parts.n;
    for (int s = 0; s < op->parts.n; s++, part += KERNEL_LD(n)) {
        float w = op->parts.weighs_input ? 1 : weights[s];
        if (s == 0) {
            d->k->scale(y, part, w, n);
            continue;
        }
        for (int i = 0; i < n; i += 256) {
            int some = n - i < 256 ? n - i : 256;
            d->k->scale(scaled, part + i, w, some);
            d->k->add(y + i, y + i, scaled, some);
        }
    }
    cpu_pad(d, op->out[0], y);
}

/* y: a row of the op's output, wherever that is kept. */
static void norm(const struct device *d, const struct op *op, int row, float *y)
{
    const float *x = cpu_row(d, op->in[0], row), *w = op->w[0] ? op->w[0]->f32 : NULL;
    int n = width_out(d, op);

    if (op->kind == OP_RMS_NORM)
        d->k->rms_norm(y, x, w, n, op->eps);
    else
        d->k->layer_norm(y, x, w, op->bias[0] ? op->bias[0]->f32 : NULL, n, op->eps);
    cpu_pad(d, op->out[0], y);
}

static void route_row(const struct device *d, const struct op *op, int row, float *y)
{
    route(&op->route, d->k, cpu_row(d, op->in[0], row), op->w[0] ? op->w[0]->f32 : NULL,
          op->w[1] ? op->w[1]->f32 : NULL, y);
}

static void gate(const struct device *d, const struct op *op, int row, float *y)
{
    d->k->glu(op->act, y, cpu_row(d, op->in[0], row), cpu_row(d, op->in[1], row),
              width_out(d, op));
    cpu_pad(d, op->out[0], y);
}

static void gather(const struct device *d, const struct op *op, int row, float *y)
{
    memcpy(y, cpu_row(d, op->in[0], d->batch->heads[row].row),
           d->p->values[op->out[0]].ld * sizeof *y);
}

/* y: the row of out[0]. */
static void (*const by_kind[])(const struct device *d, const struct op *op, int row, float *y) = {
    [OP_EMBED] = embed,
    [OP_RMS_NORM] = norm,
    [OP_LAYER_NORM] = norm,
    [OP_HEAD_NORM] = head_norm,
    [OP_ROPE] = rope,
    [OP_CLAMP] = clamp,
    [OP_THRESHOLD] = threshold,
    [OP_CUT] = cut,
    [OP_SCALE] = scale,
    [OP_MATCH] = match,
    [OP_TEMPER] = temper,
    [OP_XIELU] = xielu,
    [OP_ADD] = add,
    [OP_GATE] = gate,
    [OP_L2_NORM] = l2_norm,
    [OP_DEAL] = deal,
    [OP_CONCAT] = concat,
    [OP_SLICE] = slice,
    [OP_SCALE_BY] = scale_by,
    [OP_ROUTE] = route_row,
    [OP_COMBINE] = combine,
    [OP_PREDICT] = predict,
    [OP_CORRECT] = correct,
    [OP_GATHER] = gather,
};

void cpu_row_op(struct device *d, const struct op *op, int from, int to)
{
    size_t kind = (size_t)op->kind;

    if (kind >= sizeof by_kind / sizeof by_kind[0] || !by_kind[kind])
        return;
    for (int row = from; row < to; row++)
        by_kind[kind](d, op, row, cpu_row(d, op->out[0], row));
}

static int width_in(const struct op *op)
{
    return op->w[0] ? op->w[0]->k : op->w[1]->k;
}

void cpu_quantise(struct device *d, const struct step *s, int from, int to, int worker)
{
    const struct op *op = s->op;
    int k = width_in(op);

    for (int row = from; row < to; row++) {
        if (cpu_act_parts(op) > 1 || op->parts.weighs_input)
            cpu_quantise_parts(d, op, row, k, d->scratch[worker].columns);
        else
            d->fast->quantise(d->acts[s->acts] + (size_t)row * fast_act_bytes(k),
                              cpu_row(d, op->in[0], row), k);
    }
}

void cpu_own(struct device *d, const struct step *s, int worker)
{
    const struct worker_scratch *w = &d->scratch[worker];
    const struct op *op = s->op;

    for (int row = 0; row < d->batch->n; row++) {
        float *y = w->own + (size_t)row * d->own_floats;
        if (s->kind == STEP_OP)
            norm(d, op, row, y);
        else
            d->fast->quantise(w->own_acts + (size_t)row * fast_act_bytes(width_in(op)), y,
                              width_in(op));
    }
}

void cpu_head_combine(struct device *d, int from, int to)
{
    for (int i = from; i < to; i++)
        head_combine(&d->batch->heads[i], &d->lse[(size_t)i * (size_t)d->lse_blocks],
                     d->lse_blocks, d->p->n_vocab);
}
