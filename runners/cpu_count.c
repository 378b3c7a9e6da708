/* cpu_count.c -- what takes part, counted while a batch runs: hidden values of feed-forwards, and
 * the experts that rows go to.
 *
 * The first worker counts right before the projection out of the hidden values runs; the others
 * only read these.  Off, it costs a comparison per step. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "runners/cpu.h"
#include "runners/quant.h"

static int is_counted(const struct op *op)
{
    return op->kind == OP_EXPERTS_DOWN ||
           (op->kind == OP_LINEAR && op->n_out == 1 && strstr(op->w[0]->name, "ffn_down"));
}

void cpu_count_release(struct device *d)
{
    for (int i = 0; d->tally && i < d->p->n_ops; i++)
        mem_free(d->tally[i].hits);
    mem_free(d->tally);
    d->tally = NULL;
}

int cpu_count(struct device *d, int on, struct err *e)
{
    cpu_count_release(d);
    if (!on)
        return 0;
    d->tally = mem_calloc((size_t)d->p->n_ops, sizeof *d->tally);
    if (!d->tally)
        return err_nomem(e);
    for (int i = 0; i < d->p->n_ops; i++) {
        const struct op *op = &d->p->ops[i];
        struct op_tally *t = &d->tally[i];
        t->is_counted = is_counted(op);
        t->is_partial = t->is_counted && cpu_reads_part(d, op, 0);
        if (op->kind != OP_EXPERTS_DOWN)
            continue;
        t->hits = mem_calloc((size_t)op->route.experts, sizeof *t->hits);
        if (!t->hits)
            return err_nomem(e);
    }
    return 0;
}

const struct op_tally *cpu_tally(const struct device *d)
{
    return d->tally;
}

static void count_values(struct op_tally *t, const float *x, int n)
{
    float max = 0;

    for (int i = 0; i < n; i++)
        max = fabsf(x[i]) > max ? fabsf(x[i]) : max;
    for (int i = 0; i < n; i++) {
        t->nonzero += x[i] != 0;
        t->over_1 += fabsf(x[i]) > 0.01f * max;
        t->over_10 += fabsf(x[i]) > 0.1f * max;
    }
    t->values += (uint64_t)n;
}

void cpu_count_op(struct device *d, const struct op *op)
{
    struct op_tally *t = &d->tally[op - d->p->ops];
    int rows = cpu_rows(d, op), k = t->is_counted ? op->w[0]->k : 0;

    for (int row = 0; row < rows && t->is_counted; row++) {
        const float *x = cpu_row(d, op->in[0], row);
        t->rows++;
        if (op->kind == OP_LINEAR) {
            count_values(t, x, k);
            if (t->is_partial)
                t->bytes += cpu_columns_bytes(d, op->w[0], x);
            continue;
        }
        for (int i = 0; i < op->parts.n; i++) {
            count_values(t, x + (size_t)i * KERNEL_LD(k), k);
            t->hits[(int)cpu_row(d, op->in[1], row)[i]]++;
        }
    }
}
