/* cpu_steps.c -- the program as steps, and the walk of the workers over them.
 *
 * Waiting for each other costs a worker more than little work does twice: with few rows everybody
 * normalises and quantises them for itself, and what multiplies leaves its output quantised where
 * the next one alone reads it.  A step of a decoder's layer then waits seven times, not eleven. */
#include "base/mem.h"
#include "runners/cpu.h"

static int add_step(struct device *d, struct step s)
{
    if (mem_grow(&d->steps, &d->cap_steps, (size_t)d->n_steps + 1, sizeof *d->steps) < 0)
        return -1;
    d->steps[d->n_steps++] = s;
    return 0;
}

/* Of the op's matrices: how many there are, and how many the fast kernels take. */
static int count_fast(const struct device *d, const struct op *op, int *all)
{
    int n = op->kind == OP_EXPERTS_UP || op->epilogue == EPILOGUE_GLU ? 2
            : op->kind == OP_HEAD                                     ? 1
                                                                      : op->n_out;
    int fast = 0;

    *all = 0;
    for (int i = 0; i < n; i++)
        if (op->w[i]) {
            ++*all;
            fast += cpu_uses_fast(d, op->w[i]);
        }
    return fast;
}

int cpu_wants_acts(enum op_kind k)
{
    return k == OP_LINEAR || k == OP_HEAD || k == OP_EXPERTS_UP || k == OP_EXPERTS_DOWN;
}

/* Op i can leave its output quantised for the next: chunks of UNIT_ROWS are whole blocks of it. */
static int makes_acts(const struct device *d, int i)
{
    const struct op *a = &d->p->ops[i], *b = a + 1;
    int all, heads = a->heads * a->value_dim;

    if (i + 1 >= d->p->n_ops || b->kind != OP_LINEAR || b->in[0] != a->out[0] || b->is_sparse ||
        a->wanted_rows != b->wanted_rows || count_fast(d, b, &all) == 0)
        return 0;
    if (a->kind == OP_ATTENTION)
        return a->value_dim % FAST_BLOCK == 0 && heads == b->w[0]->k;
    return a->kind == OP_LINEAR && a->epilogue == EPILOGUE_GLU && !op_makes_zeros(a) &&
           count_fast(d, a, &all) == 2;
}

/* Some op but i and i + 1 has to do with the value. */
static int is_met_elsewhere(const struct program *p, int value, int i)
{
    for (int k = 0; k < p->n_ops; k++) {
        if (k == i || k == i + 1)
            continue;
        for (int j = 0; j < OP_INS; j++)
            if (p->ops[k].in[j] == value)
                return 1;
        for (int j = 0; j < p->ops[k].n_out; j++)
            if (p->ops[k].out[j] == value)
                return 1;
    }
    return 0;
}

/* Op i is a norm that op i + 1 alone reads, and what it reads itself outlasts that. */
static int is_own(const struct program *p, int i)
{
    const struct op *a = &p->ops[i], *b = a + 1;
    int outlasts = 0;

    if ((a->kind != OP_RMS_NORM && a->kind != OP_LAYER_NORM) || a->wanted_rows ||
        i + 1 >= p->n_ops || b->kind != OP_LINEAR || b->in[0] != a->out[0] ||
        a->out[0] == a->in[0] || b->epilogue == EPILOGUE_ADD || b->is_sparse ||
        op_makes_zeros(b) || is_met_elsewhere(p, a->out[0], i))
        return 0;
    for (int k = i + 2; k < p->n_ops && !outlasts; k++)
        for (int j = 0; j < OP_INS; j++)
            outlasts |= p->ops[k].in[j] == a->in[0];
    return outlasts;
}

static void note_own(struct device *d, int from, int to, const struct op *linear)
{
    size_t k = (size_t)linear->w[0]->k;
    size_t bytes = fast_act_bytes((int)((k + FAST_BLOCK - 1) / FAST_BLOCK * FAST_BLOCK));

    for (int i = from; i < to; i++) {
        d->steps[i].own_from = from;
        d->steps[i].own_to = to;
    }
    if (d->own_floats < KERNEL_LD(k))
        d->own_floats = KERNEL_LD(k);
    if (d->own_bytes < bytes)
        d->own_bytes = bytes;
}

/* Two neighbours that both work row by row over the same rows need no barrier between them. */
int cpu_build_steps(struct device *d)
{
    int local = 0, wanted = 0, all, made_by = -1, norm = -1; /* of the step before */

    for (int i = 0; i < d->p->n_ops; i++) {
        const struct op *op = &d->p->ops[i];
        int acts = made_by >= 0;
        if (cpu_wants_acts(op->kind) && count_fast(d, op, &all) > 0) {
            struct step s = {STEP_QUANTISE, op, !(local && wanted == op->wanted_rows),
                             .made_by = made_by, .acts = acts};
            if (add_step(d, s) < 0)
                return -1;
            local = 1;
            wanted = op->wanted_rows;
        }
        struct step s = {STEP_OP, op,
                         i > 0 && !(local && op_is_row_local(op->kind) &&
                                    wanted == op->wanted_rows),
                         .makes = !acts && makes_acts(d, i), .made_by = -1, .acts = acts};
        if (add_step(d, s) < 0)
            return -1;
        if (norm >= 0)
            note_own(d, norm, d->n_steps, op);
        norm = is_own(d->p, i) ? d->n_steps - 1 : -1;
        made_by = s.makes ? d->n_steps - 1 : -1;
        local = op_is_row_local(op->kind);
        wanted = op->wanted_rows;
    }
    d->counters = mem_aligned(64, (size_t)d->n_steps * sizeof *d->counters);
    return d->counters ? cpu_share_open(d) : -1;
}

static void run_step(struct device *d, const struct step *s, int worker, int is_own)
{
    int from, to;

    if (is_own && s < d->steps + s->own_to - 1) {
        cpu_own(d, s, worker);
        return;
    }
    cpu_part(d, cpu_rows(d, s->op), worker, &from, &to);
    if (s->kind == STEP_QUANTISE) {
        cpu_quantise(d, s, from, to, worker);
        return;
    }
    if (d->tally && worker == 0)
        cpu_count_op(d, s->op);
    switch (s->op->kind) {
    case OP_LINEAR:
        cpu_linear(d, s, worker, is_own);
        return;
    case OP_EXPERTS_UP:
        cpu_experts_up(d, s, worker);
        return;
    case OP_EXPERTS_DOWN:
        cpu_experts_down(d, s, worker);
        return;
    case OP_HEAD_LINEAR:
        cpu_head_linear(d, s, worker);
        return;
    case OP_KV_STORE:
        cpu_kv_store(d, s);
        return;
    case OP_ATTENTION:
        cpu_attention(d, s, worker);
        return;
    case OP_CONV:
    case OP_SCAN_CHANNELS:
    case OP_SCAN_HEADS:
    case OP_DELTA:
        cpu_recurrent(d, s, worker);
        return;
    case OP_HEAD:
        cpu_head(d, s, worker);
        pool_barrier(d->pool);
        cpu_head_combine(d, from, to);
        return;
    default:
        cpu_row_op(d, s->op, from, to);
        return;
    }
}

void cpu_walk(struct device *d, int from, int to, int worker)
{
    int is_profiled = cpu_is_profiled(d), is_few = d->batch->n <= OWN_ROWS;

    if (is_profiled)
        cpu_profile_mark(d, worker, -1, 0);
    for (int i = from; i < to; i++) {
        const struct step *s = &d->steps[i];
        int is_own = is_few && s->own_to && s->own_from >= from && s->own_to <= to;
        if (s->made_by >= from)
            continue;
        if (i > from && (is_own ? i == s->own_from : s->barrier)) /* it reads rows of others, too */
            pool_barrier(d->pool);
        if (is_profiled)
            cpu_profile_mark(d, worker, i, 1);
        run_step(d, s, worker, is_own);
        if (is_profiled)
            cpu_profile_mark(d, worker, i, 0);
    }
}

void cpu_walk_one(struct device *d, int step, int worker)
{
    run_step(d, &d->steps[step], worker, 0);
}
