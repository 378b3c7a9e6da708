/* conform_experts.c -- trials of what mixtures of experts are made of: the choice, the products of
 * the chosen, their mix, and products of slabs by head.
 *
 * Where an op goes by a choice, the CPU has made it on both sides from logits among the inputs. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "runners/conform_impl.h"
#include "runners/quant.h"

enum { EXPERTS = 6, USED = 3 };

static const struct route usual = {.experts = EXPERTS, .used = USED, .gating = GATING_SOFTMAX,
                                   .is_normalised = 1, .scale = 1};

/* The row's experts and weights, as the CPU finds them: [2 * used]. */
static void choose(const struct trial *t, const struct op *op, int row, int input, float *out)
{
    float logits[ROUTE_EXPERTS_MAX];

    memcpy(logits, trial_in(t, row, input), (size_t)op->route.experts * sizeof *logits);
    route(&op->route, kernels_find("ref"), logits, op->w[0] ? op->w[0]->f32 : NULL,
          op->w[1] ? op->w[1]->f32 : NULL, out);
}

static void choose_usual(const struct trial *t, int row, int input, float out[2 * USED])
{
    const struct op op = {.route = usual};

    choose(t, &op, row, input, out);
}

/* The op that chooses, before those that are tried. */
static int add_choice(struct trial *t, int logits)
{
    struct op op = TRIAL_OP;

    op.kind = OP_ROUTE;
    op.in[0] = logits;
    op.route = usual;
    op.out[0] = program_value(&t->p, 2 * USED);
    op.n_out = 1;
    program_op(&t->p, op);
    trial_here(t);
    return op.out[0];
}

/* ---- the choice ---- */

/* No other expert will do: what chooses is given, and random numbers are far apart. */
static void off_route(const struct trial *t, const struct precision *u, int row, double *out)
{
    const struct op *op = trial_op(t);
    float chosen[2 * ROUTE_USED_MAX];
    int used = op->route.used;

    choose(t, op, row, 0, chosen);
    for (int i = 0; i < used; i++) {
        out[i] = 0;
        out[used + i] = u->sum * (op->route.experts + 64) * fabs((double)chosen[used + i]);
    }
}

/* k: experts; rows: which of the ways. */
static void build_route(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                        struct err *e)
{
    static const struct way {
        struct route route;
        int has_bias, has_factor;
    } ways[] = {
        {{0, 4, GATING_SOFTMAX, 0, 0, 1, 1}, 0, 0},
        {{0, 6, GATING_SIGMOID, 4, 2, 1, 2.5f}, 1, 0},
        {{0, 3, GATING_SOFTMAX_SELECTED, 0, 0, 0, 1}, 0, 1},
        {{0, 2, GATING_SPARSEMIXER, 0, 0, 0, 1}, 0, 0},
        {{0, 5, GATING_SOFTMAX, 8, 3, 0, 16}, 0, 0},
    };
    const struct way *way = &ways[rows];
    struct op op = TRIAL_OP;

    (void)type;
    op.kind = OP_ROUTE;
    op.in[0] = trial_input(t, k);
    trial_begin(t);
    op.route = way->route;
    op.route.experts = k;
    if (way->has_bias)
        op.w[0] = trial_weight(t, z, QUANT_F32, k, 1, 0);
    if (way->has_factor)
        op.w[1] = trial_weight(t, z, QUANT_F32, k, 1, 1);
    op.out[0] = program_value(&t->p, 2 * op.route.used);
    op.n_out = 1;
    t->inputs = IN_WIDE; /* only what comes before: what is far apart has no weight left */
    t->tolerance = off_route;
    trial_end(t, &op, op.out[0], e);
}

/* ---- the products ---- */

static struct off slab_product(const struct precision *u, const struct weight *w,
                               const struct weight *bias, int expert, int r, const float *x,
                               float *room)
{
    int at = expert * w->rows + r;
    struct off y;

    trial_row(w, at, room);
    y.by = off_product(u, room, x, w->k, &y.y);
    if (bias) {
        y.y += bias->f32[at];
        y.by += u->sum * 4 * (fabs((double)bias->f32[at]) + fabs(y.y));
    }
    return y;
}

/* The steepest of the clamped: of the gate 1.3, where the rest is at most limit + 1. */
static struct off clamped(const struct precision *u, double limit, struct off g, struct off x)
{
    g.y = fmin(g.y, limit);
    x.y = fmin(fmax(x.y, -limit), limit) + 1;
    g = (struct off){g.y / (1 + exp(-1.702 * g.y)), 1.3 * g.by + u->sum * 32 * fabs(g.y)};
    return off_times(u, g, x);
}

static struct off bent(const struct precision *u, const struct op *op, struct off g, struct off x)
{
    if (!op->w[0])
        return off_activated(u, op->act, x);
    return op->limit > 0 ? clamped(u, op->limit, g, x)
                         : off_times(u, off_activated(u, op->act, g), x);
}

static void off_up(const struct trial *t, const struct precision *u, int row, double *out)
{
    const struct op *op = trial_op(t);
    int k = op->w[1]->k, width = op->parts.width;
    float *room = mem_alloc(2 * (size_t)k * sizeof *room), *x = room + k, chosen[2 * USED];

    choose_usual(t, row, 1, chosen);
    for (int s = 0; s < USED && room; s++) {
        float by = op->parts.weighs_input ? chosen[USED + s] : 1;
        for (int i = 0; i < k; i++)
            x[i] = trial_in(t, row, 0)[i] * by;
        for (int r = 0; r < width; r++) {
            struct off g = {0, 0}, y;
            if (op->w[0])
                g = slab_product(u, op->w[0], op->bias[0], (int)chosen[s], r, x, room);
            y = slab_product(u, op->w[1], op->bias[1], (int)chosen[s], r, x, room);
            out[s * width + r] = bent(u, op, g, y).by;
        }
    }
    mem_free(room);
}

static const struct weight *slab_bias(struct trial *t, const struct quantizer *z, int rows)
{
    struct weight *w =
        (struct weight *)(uintptr_t)trial_weight(t, z, QUANT_F32, rows, EXPERTS, 0);

    w->f32 = (const float *)(const void *)w->data;
    return w;
}

static void end_parts(struct trial *t, struct op *op, int width, struct err *e)
{
    op->route = usual;
    op->parts.n = t->parts = USED;
    op->parts.width = t->part_width = width;
    op->out[0] = program_value(&t->p, USED * (int)KERNEL_LD(width));
    op->n_out = 1;
    trial_end(t, op, op->out[0], e);
}

static struct op begin_up(struct trial *t, int k)
{
    struct op op = TRIAL_OP;
    int logits;

    op.kind = OP_EXPERTS_UP;
    op.in[0] = trial_input(t, k);
    logits = trial_input(t, EXPERTS);
    trial_begin(t);
    op.in[1] = add_choice(t, logits);
    t->tolerance = off_up;
    t->inputs = IN_INFINITE; /* only what comes before: a choice among NaN is none */
    return op;
}

static void build_up(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                     struct err *e)
{
    struct op op = begin_up(t, k);

    op.act = ACT_SILU;
    op.w[0] = trial_slabs(t, z, type, k, rows, EXPERTS);
    op.w[1] = trial_slabs(t, z, type, k, rows, EXPERTS);
    end_parts(t, &op, rows, e);
}

static void build_up_clamped(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                             struct err *e)
{
    struct op op = begin_up(t, k);

    op.limit = 1.5f;
    op.w[0] = trial_slabs(t, z, type, k, rows, EXPERTS);
    op.w[1] = trial_slabs(t, z, type, k, rows, EXPERTS);
    op.bias[0] = slab_bias(t, z, rows);
    op.bias[1] = slab_bias(t, z, rows);
    end_parts(t, &op, rows, e);
}

static void build_up_alone(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                           struct err *e)
{
    struct op op = begin_up(t, k);

    op.act = ACT_GELU_TANH;
    op.parts.weighs_input = 1;
    op.w[1] = trial_slabs(t, z, type, k, rows, EXPERTS);
    end_parts(t, &op, rows, e);
}

static void off_down(const struct trial *t, const struct precision *u, int row, double *out)
{
    const struct op *op = trial_op(t);
    size_t k = (size_t)op->w[0]->k;
    int width = op->parts.width;
    float *room = mem_alloc(k * sizeof *room), chosen[2 * USED];

    choose_usual(t, row, 1, chosen);
    for (int s = 0; s < USED && room; s++)
        for (int r = 0; r < width; r++)
            out[s * width + r] = slab_product(u, op->w[0], op->bias[0], (int)chosen[s], r,
                                              trial_in(t, row, 0) + (size_t)s * KERNEL_LD(k),
                                              room).by;
    mem_free(room);
}

static void build_down(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                       struct err *e)
{
    struct op op = TRIAL_OP;
    int logits;

    op.kind = OP_EXPERTS_DOWN;
    op.in[0] = trial_input(t, USED * (int)KERNEL_LD(k));
    logits = trial_input(t, EXPERTS);
    trial_begin(t);
    op.in[1] = add_choice(t, logits);
    op.w[0] = trial_slabs(t, z, type, k, rows, EXPERTS);
    op.bias[0] = slab_bias(t, z, rows);
    t->tolerance = off_down;
    t->inputs = IN_INFINITE;
    end_parts(t, &op, rows, e);
}

/* ---- the mix, and what a shared expert's gate does ---- */

static void off_combine(const struct trial *t, const struct precision *u, int row, double *out)
{
    const struct op *op = trial_op(t);
    float chosen[2 * USED];

    choose_usual(t, row, 1, chosen);
    for (int i = 0; i < op->parts.width; i++) {
        double sum = 0;
        for (int s = 0; s < USED; s++)
            sum += fabs((double)trial_in(t, row, 0)[(size_t)s * KERNEL_LD(op->parts.width) +
                                                    (size_t)i] *
                        (op->parts.weighs_input ? 1 : chosen[USED + s]));
        out[i] = u->sum * (USED + 4) * sum + u->floor * (USED + 4);
    }
}

/* k: width; rows: 1 where the weights are spent. */
static void build_combine(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                          struct err *e)
{
    struct op op = TRIAL_OP;
    int logits;

    (void)z, (void)type;
    op.kind = OP_COMBINE;
    op.in[0] = trial_input(t, USED * (int)KERNEL_LD(k));
    logits = trial_input(t, EXPERTS);
    trial_begin(t);
    op.in[1] = add_choice(t, logits);
    op.parts.n = USED;
    op.parts.width = k;
    op.parts.weighs_input = rows;
    op.out[0] = program_value(&t->p, k);
    op.n_out = 1;
    t->tolerance = off_combine;
    t->inputs = IN_INFINITE;
    trial_end(t, &op, op.out[0], e);
}

static void off_scale_by(const struct trial *t, const struct precision *u, int row, double *out)
{
    struct off by = {1, u->sum * 16}; /* a sigmoid is at most one */

    for (int i = 0; i < t->out_width; i++)
        out[i] = off_times(u, by, (struct off){trial_in(t, row, 0)[i], 0}).by;
}

static void build_scale_by(struct trial *t, const struct quantizer *z, int type, int k, int rows,
                           struct err *e)
{
    struct op op = TRIAL_OP;

    (void)z, (void)type, (void)rows;
    op.kind = OP_SCALE_BY;
    op.act = ACT_SIGMOID;
    op.in[0] = trial_input(t, k);
    op.in[1] = trial_input(t, 1);
    trial_begin(t);
    op.out[0] = program_value(&t->p, k);
    op.n_out = 1;
    t->tolerance = off_scale_by;
    trial_end(t, &op, op.out[0], e);
}

/* ---- slabs by head ---- */

enum { HEADS = 3, TAIL = 8 };

static void off_head_linear(const struct trial *t, const struct precision *u, int row, double *out)
{
    const struct op *op = trial_op(t);
    const struct weight *w = op->w[0];
    float *room = mem_alloc((size_t)w->k * sizeof *room);

    for (int h = 0; h < HEADS && room; h++)
        for (int r = 0; r < op->value_dim; r++)
            out[h * op->value_dim + r] =
                r < w->rows ? slab_product(u, w, NULL, h, r,
                                           trial_in(t, row, 0) + h * op->head_dim, room).by
                            : 0;
    mem_free(room);
}

static void build_head_linear(struct trial *t, const struct quantizer *z, int type, int k,
                              int rows, struct err *e)
{
    struct op op = TRIAL_OP;

    op.kind = OP_HEAD_LINEAR;
    op.heads = HEADS;
    op.head_dim = k + TAIL;
    op.value_dim = rows + TAIL;
    op.in[0] = trial_input(t, HEADS * op.head_dim);
    trial_begin(t);
    op.w[0] = trial_slabs(t, z, type, k, rows, HEADS);
    op.out[0] = program_value(&t->p, HEADS * op.value_dim);
    op.n_out = 1;
    t->tolerance = off_head_linear;
    t->inputs = IN_INFINITE; /* only what comes before */
    trial_end(t, &op, op.out[0], e);
}

const struct trial_row trials_of_experts[] = {
    {"route", 0, build_route, {8, 16, 60}, {0, 1, 2}},
    {"route, more ways", 0, build_route, {16, 64}, {3, 4}},
    {"experts_up", 1, build_up, {512}, {70}},
    {"experts_up, clamped", 2, build_up_clamped, {256}, {33}},
    {"experts_up, ungated", 2, build_up_alone, {256}, {40}},
    {"experts_down", 1, build_down, {256}, {70}},
    {"combine", 0, build_combine, {64, 100}, {0, 1}},
    {"scale_by", 0, build_scale_by, {100}, {0}},
    {"head_linear", 2, build_head_linear, {256}, {48}},
    {NULL, 0, NULL, {0}, {0}},
};
