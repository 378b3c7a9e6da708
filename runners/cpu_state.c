/* cpu_state.c -- layers that carry a state: each unit of channels goes through all rows of the
 * batch in order, copying its own part of the slots on the way, so that workers share nothing. */
#include <string.h>

#include "runners/cpu.h"

enum { CHUNKS_PER_WORKER = 4 };

struct unit {
    const struct op *op;
    int head, lane0, lanes; /* head: of scan_heads and delta */
    int number;
};

/* NULL when no layer keeps anything (convolutions of one tap). */
static float *slot_of(const struct device *d, const struct unit *u, slot_no slot)
{
    if (!d->states)
        return NULL;
    return d->states + (size_t)slot * d->p->state_floats + u->op->rec.state +
           (size_t)u->number * program_unit_floats(u->op);
}

static void run_conv(struct device *d, const struct unit *u, float *state, int row, int n)
{
    const struct op *op = u->op;
    struct conv c = {
        .rows = n, .lanes = u->lanes, .taps = op->rec.taps, .silu = op->act == ACT_SILU,
        .x = cpu_row(d, op->in[0], row) + u->lane0, .ldx = d->p->values[op->in[0]].ld,
        .w = op->w[0]->lanes + (size_t)u->lane0 * (size_t)op->rec.taps,
        .bias = op->bias[0] ? op->bias[0]->f32 + u->lane0 : NULL,
        .window = state,
        .y = cpu_row(d, op->out[0], row) + u->lane0, .ldy = d->p->values[op->out[0]].ld,
    };

    d->k->conv(&c);
}

static void run_scan_channels(struct device *d, const struct unit *u, float *state, int row, int n)
{
    const struct op *op = u->op;
    const struct value *v = d->p->values;
    struct scan s = {
        .rows = n, .lanes = u->lanes, .states = op->rec.states,
        .x = cpu_row(d, op->in[0], row) + u->lane0, .ldx = v[op->in[0]].ld,
        .dt = cpu_row(d, op->in[1], row) + u->lane0, .lddt = v[op->in[1]].ld,
        .b = cpu_row(d, op->in[2], row), .ldb = v[op->in[2]].ld,
        .c = cpu_row(d, op->in[3], row), .ldc = v[op->in[3]].ld,
        .a = op->w[0]->lanes + (size_t)u->lane0 * (size_t)op->rec.states,
        .d = op->w[1]->f32 + u->lane0, .state = state,
        .y = cpu_row(d, op->out[0], row) + u->lane0, .ldy = v[op->out[0]].ld,
    };

    d->k->scan_channels(&s);
}

static void run_scan_head(struct device *d, const struct unit *u, float *state, int row, int n)
{
    const struct op *op = u->op;
    const struct value *v = d->p->values;
    size_t states = (size_t)op->rec.states;
    size_t at = (size_t)u->head * (size_t)op->head_dim + (size_t)u->lane0;
    size_t group = (size_t)(u->head / (op->heads / op->rec.groups)) * states;
    const float *in = cpu_row(d, op->in[0], row);
    const float *b = in + (size_t)op->heads * (size_t)op->head_dim + group;
    struct scan s = {
        .rows = n, .lanes = u->lanes, .states = op->rec.states,
        .x = in + at, .ldx = v[op->in[0]].ld,
        .dt = cpu_row(d, op->in[1], row) + u->head, .lddt = v[op->in[1]].ld,
        .b = b, .ldb = v[op->in[0]].ld,
        .c = b + (size_t)op->rec.groups * states, .ldc = v[op->in[0]].ld,
        .a = op->w[0]->f32 + u->head, .d = op->w[1]->f32 + u->head, .state = state,
        .y = cpu_row(d, op->out[0], row) + at, .ldy = v[op->out[0]].ld,
    };

    d->k->scan_head(&s);
}

/* Where the numbers of a head are among [beta | decay] of its key head, or alone. */
static int gate_at(const struct op *op, int head, int is_decay)
{
    int each = op->heads / op->rec.groups;

    return op->rec.is_paired ? head / each * 2 * each + is_decay * each + head % each : head;
}

static void run_delta(struct device *d, const struct unit *u, float *state, int row, int n)
{
    const struct op *op = u->op;
    const struct value *v = d->p->values;
    size_t size = (size_t)op->head_dim, groups = (size_t)op->rec.groups;
    size_t key = (size_t)(op->rec.is_tiled ? u->head % op->rec.groups
                                           : u->head / (op->heads / op->rec.groups));
    size_t at = (size_t)u->head * size + (size_t)u->lane0;
    const float *in = cpu_row(d, op->in[0], row);
    struct delta t = {
        .rows = n, .lanes = u->lanes, .keys = op->head_dim,
        .q = in + key * size, .ldq = v[op->in[0]].ld,
        .k = in + (groups + key) * size, .ldk = v[op->in[0]].ld,
        .v = in + 2 * groups * size + at, .ldv = v[op->in[0]].ld,
        .decay = cpu_row(d, op->in[1], row) + gate_at(op, u->head, 1), .ld_decay = v[op->in[1]].ld,
        .beta = cpu_row(d, op->in[2], row) + gate_at(op, u->head, 0), .ld_beta = v[op->in[2]].ld,
        .a = op->w[0]->f32[u->head], .bias = op->w[1]->f32[u->head], .state = state,
        .y = cpu_row(d, op->out[0], row) + at, .ldy = v[op->out[0]].ld,
    };

    d->k->delta(&t);
}

static void run_rows(struct device *d, const struct unit *u, float *state, int row, int n)
{
    switch (u->op->kind) {
    case OP_CONV:
        run_conv(d, u, state, row, n);
        return;
    case OP_SCAN_CHANNELS:
        run_scan_channels(d, u, state, row, n);
        return;
    case OP_SCAN_HEADS:
        run_scan_head(d, u, state, row, n);
        return;
    default:
        run_delta(d, u, state, row, n);
        return;
    }
}

/* Copies number *copy and on that come before `row`; then the row of the next one, or `end`. */
static int copy_states(const struct device *d, const struct unit *u, int *copy, int row, int end)
{
    const struct batch *b = d->batch;
    size_t bytes = program_unit_floats(u->op) * sizeof(float);

    for (; *copy < b->n_state_copies && b->state_copies[*copy].before_row <= row; (*copy)++) {
        const struct state_copy *c = &b->state_copies[*copy];
        if (bytes == 0) /* a convolution of one tap has no state */
            continue;
        if (c->src == NO_SLOT)
            memset(slot_of(d, u, c->dst), 0, bytes);
        else
            memcpy(slot_of(d, u, c->dst), slot_of(d, u, c->src), bytes);
    }
    if (*copy < b->n_state_copies && b->state_copies[*copy].before_row < end)
        return b->state_copies[*copy].before_row;
    return end;
}

static void run_unit(struct device *d, const struct unit *u)
{
    const struct batch *b = d->batch;
    int copy = 0;

    for (int s = 0; s < b->n_spans; s++) {
        const struct span *sp = &b->spans[s];
        for (int row = sp->row0, end = row + sp->n, to; row < end; row = to) {
            to = copy_states(d, u, &copy, row, end);
            run_rows(d, u, slot_of(d, u, sp->state), row, to - row);
        }
    }
    copy_states(d, u, &copy, b->n, b->n);
}

static struct unit unit_at(const struct device *d, const struct op *op, int number)
{
    int width = op->kind == OP_CONV || op->kind == OP_SCAN_CHANNELS
                    ? d->p->values[op->out[0]].width : op->head_dim;
    int blocks = (width + SCAN_LANES - 1) / SCAN_LANES, lane0 = number % blocks * SCAN_LANES;

    return (struct unit){.op = op, .head = number / blocks, .lane0 = lane0, .number = number,
                         .lanes = width - lane0 < SCAN_LANES ? width - lane0 : SCAN_LANES};
}

void cpu_recurrent(struct device *d, const struct step *st, int worker)
{
    const struct op *op = st->op;
    int units = program_state_units(d->p, op), chunk = units / (d->threads * CHUNKS_PER_WORKER);
    int from, to;

    if (chunk == 0)
        chunk = 1;
    for (int c = cpu_next(d, st); c < (units + chunk - 1) / chunk; c = cpu_next(d, st))
        for (int n = c * chunk; n < (c + 1) * chunk && n < units; n++) {
            struct unit u = unit_at(d, op, n);
            run_unit(d, &u);
        }
    cpu_part(d, d->batch->n, worker, &from, &to);
    for (int row = from; row < to; row++)
        cpu_pad(d, op->out[0], cpu_row(d, op->out[0], row));
}
