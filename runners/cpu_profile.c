/* cpu_profile.c -- where the time of a batch goes: for every step, how long workers computed and
 * how long they waited at the barrier before it, and what the step had to multiply and to read.
 *
 * Each worker keeps its own clock readings; they are added when somebody asks.  Off, it costs one
 * comparison per batch; on, two readings of the clock per step and worker. */
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "runners/cpu.h"

struct step_time {
    double busy_s, wait_s;
};

struct last_mark { /* on a cache line of its own */
    _Alignas(64) double s;
};

struct cpu_profile {
    struct profile sum;
    struct last_mark since[THREADS_MAX];
    struct step_time *times; /* [workers][steps] */
};

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void cpu_profile_release(struct device *d)
{
    if (!d->profile)
        return;
    mem_free(d->profile->times);
    mem_free(d->profile->sum.row);
    mem_free(d->profile);
    d->profile = NULL;
}

int cpu_profile(struct device *d, int on, struct err *e)
{
    size_t n = (size_t)d->n_steps;
    struct cpu_profile *p;

    cpu_profile_release(d);
    if (!on)
        return 0;
    p = d->profile = mem_aligned(64, sizeof *d->profile);
    if (!p)
        return err_nomem(e);
    p->times = mem_calloc((size_t)d->threads * n, sizeof *p->times);
    p->sum.row = mem_calloc(n, sizeof *p->sum.row);
    if (!p->times || !p->sum.row) {
        cpu_profile_release(d);
        return err_nomem(e);
    }
    p->sum.n = d->n_steps;
    p->sum.threads = d->threads;
    for (int i = 0; i < d->n_steps; i++) {
        const struct op *op = d->steps[i].op;
        const struct weight *w = op_has_matrix(op->kind) && op->w[0] ? op->w[0] : op->w[1];
        p->sum.row[i] = (struct op_time){
            .op = d->steps[i].kind == STEP_QUANTISE ? "quantise" : op_name(op->kind),
            .weight = op_has_matrix(op->kind) && w ? w->name : NULL,
            .layer = op->layer};
    }
    return 0;
}

void cpu_profile_mark(struct device *d, int worker, int step, int waited)
{
    struct cpu_profile *p = d->profile;
    double at = now(), *since = &p->since[worker].s;

    if (step >= 0) {
        struct step_time *t = &p->times[(size_t)worker * (size_t)d->n_steps + (size_t)step];
        *(waited ? &t->wait_s : &t->busy_s) += at - *since;
    }
    *since = at;
}

/* Keys that the rows of the batch see, and those that its spans have to read. */
static void count_keys(const struct device *d, const struct op *op, double *seen, double *read)
{
    const struct batch *b = d->batch;

    *seen = *read = 0;
    for (int s = 0; s < b->n_spans; s++) {
        const struct span *sp = &b->spans[s];
        for (int i = 0; i < sp->n; i++)
            *seen += sp->position + i + 1 - cpu_first_visible(op, sp->position + i);
        *read += sp->position + sp->n - cpu_first_visible(op, sp->position);
    }
}

static void add_matrix(struct op_time *t, const struct weight *w, double rows, double slabs)
{
    t->flop += 2 * rows * (double)w->k * (double)w->rows;
    t->bytes += slabs * (double)w->rows * (double)w->row_bytes;
}

static void add_work(const struct device *d, const struct op *op, struct op_time *t)
{
    double rows = cpu_rows(d, op), pairs = rows * op->parts.n, seen, read;
    int n = op->epilogue == EPILOGUE_GLU ? 2 : op->n_out;

    switch (op->kind) {
    case OP_LINEAR:
        for (int i = 0; i < n && rows > 0; i++)
            add_matrix(t, op->w[i], rows, 1);
        return;
    case OP_HEAD:
        if (rows > 0)
            add_matrix(t, op->w[0], rows, 1);
        return;
    case OP_HEAD_LINEAR:
        add_matrix(t, op->w[0], rows * op->w[0]->slabs, op->w[0]->slabs);
        return;
    case OP_EXPERTS_UP:
    case OP_EXPERTS_DOWN:
        for (int i = 0; i < 2; i++) /* rows may meet at an expert: at most so many are read */
            if (op->w[i] && (i == 0 || op->kind == OP_EXPERTS_UP))
                add_matrix(t, op->w[i], pairs,
                           pairs < op->w[i]->slabs ? pairs : op->w[i]->slabs);
        return;
    case OP_ATTENTION:
        count_keys(d, op, &seen, &read);
        t->flop += 2 * seen * op->heads * (op->head_dim + op->value_dim);
        t->bytes += read * op->kv_heads / KV_PAGE *
                    (double)(kv_page_bytes(d->kv_type, op->head_dim) +
                             kv_page_bytes(d->kv_type, op->value_dim));
        return;
    default:
        return;
    }
}

void cpu_profile_batch(struct device *d, double wall_s)
{
    struct profile *p = &d->profile->sum;

    p->wall_s += wall_s;
    p->passes++;
    for (int i = 0; i < d->n_steps; i++)
        if (d->steps[i].kind == STEP_OP)
            add_work(d, d->steps[i].op, &p->row[i]);
}

double cpu_profile_now(void)
{
    return now();
}

const struct profile *cpu_profiled(const struct device *d)
{
    struct profile *p = d->profile ? &d->profile->sum : NULL;

    for (int i = 0; p && i < p->n; i++) {
        p->row[i].busy_s = p->row[i].wait_s = 0;
        for (int w = 0; w < p->threads; w++) {
            const struct step_time *t = &d->profile->times[(size_t)w * (size_t)d->n_steps];
            p->row[i].busy_s += t[i].busy_s;
            p->row[i].wait_s += t[i].wait_s;
        }
    }
    return p;
}
