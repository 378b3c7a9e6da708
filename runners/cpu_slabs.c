/* cpu_slabs.c -- matrices that come in slabs: one per expert, of which a row uses a few, and one
 * per head.
 *
 * The batch's (row, part) pairs are sorted by expert; a unit of work is a chunk of one expert's
 * rows over all its pairs, so that a chunk is unpacked once per batch and experts that nobody chose
 * are not read.  What a pair gives depends on nothing but its row. */
#include <string.h>

#include "runners/cpu.h"

enum { FORM_FLOATS = 1, FORM_ACTS = 2 };

struct pairs { /* of the experts of a batch */
    const int32_t *of; /* row * parts + part, by expert */
    int first[ROUTE_EXPERTS_MAX + 1];
};

/* Every worker sorts for itself: it is little work, and nobody waits. */
static void sort_pairs(const struct device *d, const struct op *op, int32_t *slots, struct pairs *p)
{
    int rows = cpu_rows(d, op), n = op->parts.n, next[ROUTE_EXPERTS_MAX];

    memset(p->first, 0, ((size_t)op->route.experts + 1) * sizeof *p->first);
    for (int row = 0; row < rows; row++)
        for (int i = 0; i < n; i++)
            p->first[(int)cpu_row(d, op->in[1], row)[i] + 1]++;
    for (int x = 0; x < op->route.experts; x++) {
        next[x] = p->first[x];
        p->first[x + 1] += p->first[x];
    }
    for (int row = 0; row < rows; row++)
        for (int i = 0; i < n; i++)
            slots[next[(int)cpu_row(d, op->in[1], row)[i]]++] = row * n + i;
    p->of = slots;
}

/* The unit of work under number `unit`: chunk of `step` of `rows` rows of an expert that has pairs.
 * *expert and *before (units of experts passed) are kept from call to call.  0: no more. */
static int find_unit(const struct op *op, const struct pairs *p, int unit, int chunks, int *expert,
                     int *before)
{
    for (; *expert < op->route.experts; ++*expert) {
        if (p->first[*expert + 1] == p->first[*expert])
            continue;
        if (unit < *before + chunks)
            return 1;
        *before += chunks;
    }
    return 0;
}

static float *part_of(const struct device *d, int value, int pair, int parts, int width)
{
    return cpu_row(d, value, pair / parts) + (size_t)(pair % parts) * KERNEL_LD(width);
}

/* The last chunk of a part zeroes what the kernels read beyond it. */
static void pad_part(float *part, int width, int end)
{
    for (size_t i = (size_t)width; end == width && i < KERNEL_PAD(width); i++)
        part[i] = 0;
}

/* swiglu of gpt-oss: both limited, the gate's slope steeper, and one added to the rest. */
static void clamped_glu(const struct device *d, float limit, float *y, float *gate, const float *up,
                        int n)
{
    float sigmoid[CHUNK_ROWS];

    for (int i = 0; i < n; i++) {
        gate[i] = gate[i] > limit ? limit : gate[i];
        sigmoid[i] = 1.702f * gate[i];
    }
    d->k->act(ACT_SIGMOID, sigmoid, sigmoid, n);
    for (int i = 0; i < n; i++) {
        float u = up[i] > limit ? limit : up[i] < -limit ? -limit : up[i];
        y[i] = gate[i] * sigmoid[i] * (u + 1);
    }
}

static void up_part(const struct device *d, const struct op *op, float *y, float *gate, float *up,
                    const float *up_bias, int rows)
{
    if (up_bias)
        d->k->add(up, up, up_bias, rows);
    if (op_makes_zeros(op))
        cpu_sparse_glu(d, op, y, gate, up, rows);
    else if (!op->w[0])
        d->k->act(op->act, y, up, rows);
    else if (op->limit > 0)
        clamped_glu(d, op->limit, y, gate, up, rows);
    else
        d->k->glu(op->act, y, gate, up, rows);
}

static const float *bias_of(const struct weight *bias, int expert, int width, int r0)
{
    return bias ? bias->f32 + (size_t)expert * (size_t)width + r0 : NULL;
}

/* The input of a pair as floats: its row, the weight within it where it enters; or its part. */
static void input_of(const struct device *d, const struct op *op, int pair, int k, float *to)
{
    int parts = op->parts.n, row = pair / parts;

    if (op->kind == OP_EXPERTS_DOWN)
        memcpy(to, part_of(d, op->in[0], pair, parts, k), KERNEL_PAD(k) * sizeof *to);
    else if (op->parts.weighs_input)
        d->k->scale(to, cpu_row(d, op->in[0], row),
                    cpu_row(d, op->in[1], row)[parts + pair % parts], (int)KERNEL_PAD(k));
    else
        memcpy(to, cpu_row(d, op->in[0], row), KERNEL_PAD(k) * sizeof *to);
}

int cpu_act_parts(const struct op *op)
{
    int is_own = op->kind == OP_EXPERTS_DOWN ||
                 (op->kind == OP_EXPERTS_UP && op->parts.weighs_input);

    return is_own ? op->parts.n : 1;
}

void cpu_quantise_parts(struct device *d, const struct op *op, int row, int k, float *x)
{
    int parts = cpu_act_parts(op);

    for (int i = 0; i < parts; i++) {
        input_of(d, op, row * op->parts.n + i, k, x);
        d->fast->quantise(d->acts[0] + (size_t)(row * parts + i) * fast_act_bytes(k), x, k);
    }
}

/* Inputs that lie apart in the batch, brought together in the forms that the weights want. */
static void gather(const struct device *d, const struct op *op, const int32_t *pairs, int n, int k,
                   int forms, struct worker_scratch *s)
{
    size_t ld = KERNEL_LD(k), bytes = fast_act_bytes(k);
    int each = op->parts.n / cpu_act_parts(op); /* pairs that share a quantised row */

    for (int c = 0; c < n; c++) {
        if (forms & FORM_FLOATS)
            input_of(d, op, pairs[c], k, s->columns + (size_t)c * ld);
        if (forms & FORM_ACTS)
            memcpy(s->acts + (size_t)c * bytes,
                   d->acts[0] + (size_t)(pairs[c] / each) * bytes, bytes);
    }
}

static int form_of(const struct matmul *m)
{
    return m->stripes ? FORM_ACTS : FORM_FLOATS;
}

static void gates(const struct matmul *m, const float *bias, const struct worker_scratch *s,
                  int cols, float *out)
{
    cpu_multiply(m, s->columns, KERNEL_LD(m->w->k), s->acts, cols, out, CHUNK_ROWS);
    for (int c = 0; bias && c < cols; c++)
        m->d->k->add(out + c * CHUNK_ROWS, out + c * CHUNK_ROWS, bias, m->rows);
}

static void up_chunk(struct device *d, const struct op *op, const struct pairs *p, int expert,
                     int r0, int rows, struct worker_scratch *s)
{
    int width = op->parts.width, n = p->first[expert + 1] - p->first[expert];
    const int32_t *pairs = p->of + p->first[expert];
    size_t ld = KERNEL_LD(op->w[1]->k);
    float *g = s->block, *u = s->block + COLUMN_BLOCK * CHUNK_ROWS;
    struct matmul up = cpu_matmul(d, op->w[1], expert, r0, rows, n, s->panel), gate = up;

    if (op->w[0])
        gate = cpu_matmul(d, op->w[0], expert, r0, rows, n, s->panel + CHUNK_ROWS * ld);
    for (int c0 = 0; c0 < n; c0 += COLUMN_BLOCK) {
        int cols = n - c0 < COLUMN_BLOCK ? n - c0 : COLUMN_BLOCK;
        gather(d, op, pairs + c0, cols, op->w[1]->k, form_of(&up) | form_of(&gate), s);
        if (op->w[0])
            gates(&gate, bias_of(op->bias[0], expert, width, r0), s, cols, g);
        if (op_makes_zeros(op) && n <= SPARSE_COLUMNS)
            cpu_sparse_up(&up, op, s->columns, ld, g, cols, u);
        else
            cpu_multiply(&up, s->columns, ld, s->acts, cols, u, CHUNK_ROWS);
        for (int c = 0; c < cols; c++) {
            float *y = part_of(d, op->out[0], pairs[c0 + c], op->parts.n, width);
            up_part(d, op, y + r0, g + c * CHUNK_ROWS, u + c * CHUNK_ROWS,
                    bias_of(op->bias[1], expert, width, r0), rows);
            pad_part(y, width, r0 + rows);
        }
    }
}

static void down_chunk(struct device *d, const struct op *op, const struct pairs *p, int expert,
                       int r0, int rows, struct worker_scratch *s)
{
    int width = op->parts.width, n = p->first[expert + 1] - p->first[expert], k = op->w[0]->k;
    const int32_t *pairs = p->of + p->first[expert];
    const float *bias = bias_of(op->bias[0], expert, width, r0);
    size_t ld = KERNEL_LD(k);
    struct matmul m = cpu_matmul(d, op->w[0], expert, r0, rows, n, s->panel);

    for (int c0 = 0; c0 < n; c0 += COLUMN_BLOCK) {
        int cols = n - c0 < COLUMN_BLOCK ? n - c0 : COLUMN_BLOCK;
        gather(d, op, pairs + c0, cols, k, form_of(&m), s);
        cpu_multiply(&m, s->columns, ld, s->acts, cols, s->block, CHUNK_ROWS);
        for (int c = 0; c < cols; c++) {
            float *y = part_of(d, op->out[0], pairs[c0 + c], op->parts.n, width);
            if (bias)
                d->k->add(y + r0, s->block + c * CHUNK_ROWS, bias, rows);
            else
                memcpy(y + r0, s->block + c * CHUNK_ROWS, (size_t)rows * sizeof *y);
        }
    }
}

static void experts(struct device *d, const struct step *st, int worker, int together,
                    void (*chunk)(struct device *d, const struct op *op, const struct pairs *p,
                                  int expert, int r0, int rows, struct worker_scratch *s))
{
    const struct op *op = st->op;
    const struct weight *w = op->w[1] ? op->w[1] : op->w[0];
    struct worker_scratch *s = &d->scratch[worker];
    int is_fast = cpu_uses_fast(d, w) && (!op->w[0] || cpu_uses_fast(d, op->w[0]));
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): such an operation has a weight */
    int step = cpu_chunk_rows(d, w->k, w->rows * op->parts.n, is_fast ? 0 : together);
    int chunks = (w->rows + step - 1) / step, expert = 0, before = 0;
    struct pairs p;

    if (cpu_rows(d, op) == 0)
        return;
    sort_pairs(d, op, s->slots, &p);
    for (int u = cpu_next(d, st); find_unit(op, &p, u, chunks, &expert, &before);
         u = cpu_next(d, st)) {
        int r0 = (u - before) * step;
        chunk(d, op, &p, expert, r0, w->rows - r0 < step ? w->rows - r0 : step, s);
    }
}

void cpu_experts_up(struct device *d, const struct step *st, int worker)
{
    experts(d, st, worker, st->op->w[0] ? 2 : 1, up_chunk);
}

void cpu_experts_down(struct device *d, const struct step *st, int worker)
{
    experts(d, st, worker, 1, down_chunk);
}

/* What follows the product's input in a head follows its output, too. */
static void head_columns(struct device *d, const struct op *op, int head, int r0, int rows, int c0,
                         int cols, const struct matmul *m, struct worker_scratch *s)
{
    const struct weight *w = op->w[0];
    size_t ld = KERNEL_LD(w->k), k = (size_t)w->k, tail = (size_t)(op->head_dim - w->k);

    for (int c = 0; c < cols; c++) {
        const float *x = cpu_row(d, op->in[0], c0 + c) + (size_t)head * (size_t)op->head_dim;
        float *to = s->columns + (size_t)c * ld;
        memcpy(to, x, k * sizeof *to);
        memset(to + k, 0, (KERNEL_PAD(k) - k) * sizeof *to);
    }
    cpu_matmul_exact(m, s->columns, ld, cols, s->block, CHUNK_ROWS);
    for (int c = 0; c < cols; c++) {
        const float *x = cpu_row(d, op->in[0], c0 + c) + (size_t)head * (size_t)op->head_dim;
        float *row = cpu_row(d, op->out[0], c0 + c);
        float *y = row + (size_t)head * (size_t)op->value_dim;
        memcpy(y + r0, s->block + c * CHUNK_ROWS, (size_t)rows * sizeof *y);
        if (r0 + rows < w->rows)
            continue;
        if (tail)
            memcpy(y + w->rows, x + k, tail * sizeof *y);
        if (head == op->heads - 1)
            cpu_pad(d, op->out[0], row);
    }
}

void cpu_head_linear(struct device *d, const struct step *st, int worker)
{
    const struct op *op = st->op;
    const struct weight *w = op->w[0];
    struct worker_scratch *s = &d->scratch[worker];
    int n = cpu_rows(d, op), step = cpu_chunk_rows(d, w->k, w->rows * op->heads, 1);
    int chunks = (w->rows + step - 1) / step;

    for (int u = cpu_next(d, st); n > 0 && u < op->heads * chunks; u = cpu_next(d, st)) {
        int head = u / chunks, r0 = u % chunks * step;
        int rows = w->rows - r0 < step ? w->rows - r0 : step;
        struct matmul m = cpu_matmul(d, w, head, r0, rows, n, s->panel);
        for (int c0 = 0; c0 < n; c0 += COLUMN_BLOCK)
            head_columns(d, op, head, r0, rows, c0, n - c0 < COLUMN_BLOCK ? n - c0 : COLUMN_BLOCK,
                         &m, s);
    }
}

void cpu_slab_scratch(struct device *d)
{
    for (int i = 0; i < d->p->n_ops; i++) {
        const struct op *op = &d->p->ops[i];
        const struct weight *w = op->w[1] ? op->w[1] : op->w[0];
        size_t pairs = (size_t)op->parts.n * (size_t)d->max_rows;
        if (op->kind != OP_EXPERTS_UP && op->kind != OP_EXPERTS_DOWN && op->kind != OP_HEAD_LINEAR)
            continue;
        if (d->column_floats < COLUMN_BLOCK * KERNEL_LD(w->k))
            d->column_floats = COLUMN_BLOCK * KERNEL_LD(w->k);
        if (d->fast && d->column_act_bytes < COLUMN_BLOCK * fast_act_bytes(w->k))
            d->column_act_bytes = COLUMN_BLOCK * fast_act_bytes(w->k);
        if (d->slot_count < pairs)
            d->slot_count = pairs;
    }
}
