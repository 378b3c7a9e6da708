/* conform_bench.c -- putting one operation between a table of inputs and a head.  See
 * conform_impl.h. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/splitmix.h"
#include "runners/conform_impl.h"
#include "runners/quant.h"

const struct op TRIAL_OP = {.in = {-1, -1, -1, -1}, .out = {-1, -1, -1}, .scale = 1, .layer = 0};

static double uniform(struct trial *t)
{
    return ((double)(splitmix64_next(&t->seed) >> 11) + 0.5) / 9007199254740992.0;
}

double trial_normal(struct trial *t)
{
    double u = uniform(t), v = uniform(t);

    return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

/* ---- weights ---- */

static struct weight *next_weight(struct trial *t, const char *name)
{
    struct weight *w = &t->w[t->n_weights];

    *w = (struct weight){.name = name, .slabs = 1, .id = t->n_weights++};
    return w;
}

static const struct weight *take_floats(struct trial *t, const char *name, float *f, int k,
                                        int rows)
{
    struct weight *w = next_weight(t, name);

    w->type = QUANT_F32;
    w->k = k;
    w->rows = rows;
    w->row_bytes = (size_t)k * sizeof *f;
    w->slab_bytes = (size_t)rows * w->row_bytes;
    w->data = (uint8_t *)f;
    if (rows == 1)
        w->f32 = f;
    t->failed |= !f;
    return w;
}

const struct weight *trial_weight(struct trial *t, const struct quantizer *z, int type, int k,
                                  int rows, double mean)
{
    float *f = mem_aligned(64, (size_t)k * (size_t)rows * sizeof *f);
    const struct quant *q = quant_find(type);
    struct weight *w;
    uint8_t *blocks;

    for (size_t i = 0; f && i < (size_t)k * (size_t)rows; i++)
        f[i] = (float)(mean + trial_normal(t) * (rows > 1 ? 1 / sqrt(k) : 0.25));
    if (type == QUANT_F32 || !f)
        return take_floats(t, "random", f, k, rows);
    w = next_weight(t, "random");
    w->type = type;
    w->k = k;
    w->rows = rows;
    w->row_bytes = quant_bytes(q, (size_t)k);
    w->slab_bytes = (size_t)rows * w->row_bytes;
    w->data = blocks = mem_aligned(64, w->slab_bytes);
    t->failed |= !blocks;
    for (int r = 0; blocks && r < rows; r++)
        t->failed |= quantizer_row(z, type, blocks + (size_t)r * w->row_bytes,
                                   f + (size_t)r * (size_t)k, NULL, (size_t)k) < 0;
    mem_free(f);
    return w;
}

const struct weight *trial_slabs(struct trial *t, const struct quantizer *z, int type, int k,
                                 int rows, int slabs)
{
    struct weight *w = (struct weight *)(uintptr_t)trial_weight(t, z, type, k, rows * slabs, 0);

    w->rows = rows;
    w->slabs = slabs;
    w->slab_bytes = (size_t)rows * w->row_bytes;
    return w;
}

const struct weight *trial_lanes(struct trial *t, int k, int rows, double mean)
{
    struct weight *w = (struct weight *)(uintptr_t)trial_weight(t, NULL, QUANT_F32, k, rows, mean);
    size_t blocks = ((size_t)rows + SCAN_LANES - 1) / SCAN_LANES, n = blocks * (size_t)k;
    const float *from = (const float *)(const void *)w->data;
    float *f = mem_aligned(64, n * SCAN_LANES * sizeof *f);

    t->failed |= !f;
    w->lanes = f;
    if (!f || !from)
        return w;
    memset(f, 0, n * SCAN_LANES * sizeof *f);
    for (int r = 0; r < rows; r++)
        for (int i = 0; i < k; i++)
            f[(r / SCAN_LANES * k + i) * SCAN_LANES + r % SCAN_LANES] = from[r * k + i];
    return w;
}

void trial_row(const struct weight *w, int r, float *to)
{
    quant_find(w->type)->unpack(to, w->data + (size_t)r * w->row_bytes, (size_t)w->k);
}

/* ---- inputs ---- */

static const int first_row[INPUTS + 1] = {0, 40, 44, 46, 50, 54, 56, TRIAL_ROWS};

int trial_first_row(enum inputs i)
{
    return first_row[i];
}

int trial_class_row(int row)
{
    int kind = 0;

    while (first_row[kind + 1] <= row)
        kind++;
    return first_row[kind];
}

static float made(struct trial *t, enum inputs kind, int i)
{
    double x = trial_normal(t);

    switch (kind) {
    case IN_WIDE:
        return (float)(x * pow(10, 24 * uniform(t) - 12));
    case IN_ZERO:
        return 0;
    case IN_DENORMAL:
        return (float)(x * 1e-40);
    case IN_LARGE:
        return (float)(x * 1e15);
    case IN_INFINITE:
        return i == 3 ? INFINITY : (float)x;
    case IN_NAN:
        return i == 5 ? NAN : (float)x;
    default:
        return (float)x;
    }
}

static void fill_table(struct trial *t)
{
    for (int kind = 0; kind < INPUTS; kind++)
        for (int row = first_row[kind]; row < first_row[kind + 1]; row++)
            for (int i = 0; i < t->all; i++)
                t->table[(size_t)row * (size_t)t->all + (size_t)i] =
                    made(t, (enum inputs)kind, i);
}

const float *trial_in(const struct trial *t, int row, int i)
{
    return t->table + (size_t)row * (size_t)t->all + t->at[i];
}

int trial_input(struct trial *t, int width)
{
    t->width[t->n_inputs] = width;
    t->at[t->n_inputs++] = t->all;
    t->all += width;
    return program_value(&t->p, width);
}

/* ---- around the operation ---- */

/* The inputs' values come first, in order; here they are filled. */
void trial_begin(struct trial *t)
{
    struct op op = TRIAL_OP;
    int value;

    if (t->n_inputs == 0) {
        trial_here(t);
        return;
    }
    t->table = mem_aligned(64, (size_t)TRIAL_ROWS * (size_t)t->all * sizeof *t->table);
    if (t->table)
        fill_table(t);
    value = program_value(&t->p, t->all);
    op.kind = OP_EMBED;
    op.w[0] = take_floats(t, "inputs", t->table, t->all, TRIAL_ROWS);
    op.out[0] = value;
    op.n_out = 1;
    program_op(&t->p, op);
    for (int i = 0; i < t->n_inputs; i++) {
        op = TRIAL_OP;
        op.kind = OP_SLICE;
        op.in[0] = value;
        op.at = t->at[i];
        op.out[0] = i;
        op.n_out = 1;
        program_op(&t->p, op);
    }
    trial_here(t);
}

void trial_here(struct trial *t)
{
    t->first = t->p.n_ops;
}

static int add_op(struct trial *t, enum op_kind kind, int a, int b, int out)
{
    struct op op = TRIAL_OP;

    op.kind = kind;
    op.in[0] = a;
    op.in[1] = b;
    op.out[0] = out;
    op.n_out = 1;
    op.limit = FLT_MAX;
    program_op(&t->p, op);
    return out;
}

static const struct weight *ones(struct trial *t, int width, int rows)
{
    float *f = mem_aligned(64, (size_t)width * (size_t)rows * sizeof *f);

    for (int i = 0; f && i < width; i++)
        f[(size_t)i * (size_t)width + (size_t)i] = 1;
    return take_floats(t, "ones", f, width, rows);
}

int trial_gather(struct trial *t, int value)
{
    struct op op = TRIAL_OP;

    op.kind = OP_GATHER;
    op.in[0] = value;
    op.out[0] = program_value(&t->p, program_width(&t->p, value));
    op.n_out = op.wanted_rows = 1;
    program_op(&t->p, op);
    return op.out[0];
}

/* The parts without what lies between them. */
static int parts_of(struct trial *t, int value)
{
    struct op op = TRIAL_OP;
    int all = -1;

    op.kind = OP_SLICE;
    op.in[0] = value;
    op.n_out = 1;
    for (int i = 0; i < t->parts; i++) {
        op.at = i * (int)KERNEL_LD(t->part_width);
        op.out[0] = program_value(&t->p, t->part_width);
        program_op(&t->p, op);
        all = i == 0 ? op.out[0]
                     : add_op(t, OP_CONCAT, all, op.out[0],
                              program_value(&t->p, (i + 1) * t->part_width));
    }
    return all;
}

static void show(struct trial *t, const int *outs, int n_outs)
{
    struct program *p = &t->p;
    struct op op = TRIAL_OP;
    int all = t->parts ? parts_of(t, outs[0]) : outs[0];

    for (int i = 1; i < n_outs; i++)
        all = add_op(t, OP_CONCAT, all, outs[i],
                     program_value(p, program_width(p, all) + program_width(p, outs[i])));
    t->out_width = program_width(p, all);
    if (!t->is_gathered)
        all = trial_gather(t, all);
    add_op(t, OP_CLAMP, -1, -1, all);
    p->ops[p->n_ops ? p->n_ops - 1 : 0].wanted_rows = 1;
    p->n_vocab = t->out_width > TRIAL_ROWS ? t->out_width : TRIAL_ROWS;
    op.kind = OP_HEAD;
    op.in[0] = all;
    op.wanted_rows = 1;
    op.w[0] = ones(t, t->out_width, p->n_vocab);
    program_op(p, op);
}

int trial_finish(struct trial *t, const int *outs, int n_outs, struct err *e)
{
    struct program *p = &t->p;

    t->last = p->n_ops;
    if (n_outs > 0)
        show(t, outs, n_outs);
    p->n_weights = t->n_weights;
    if (!p->kv) {
        p->n_layers = 1;
        p->kv = mem_calloc(1, sizeof *p->kv);
    }
    return t->failed || !p->kv ? err_nomem(e) : program_finish(p, e);
}

void trial_end(struct trial *t, const struct op *op, int out, struct err *e)
{
    program_op(&t->p, *op);
    trial_finish(t, &out, 1, e);
}

const struct op *trial_op(const struct trial *t)
{
    return &t->p.ops[t->last - 1];
}

void trial_release(struct trial *t)
{
    for (int i = 0; i < t->n_weights; i++) {
        mem_free((void *)(uintptr_t)t->w[i].data);
        mem_free((void *)(uintptr_t)t->w[i].lanes);
    }
    program_release(&t->p);
}
