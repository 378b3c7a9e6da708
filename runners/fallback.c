#include "runners/fallback.h"

#include <string.h>

#include "base/mem.h"
#include "runners/cpu.h"
#include "runners/quant.h"

struct fallback {
    const struct program *p;
    struct device *cpu;
    char *takes;      /* [ops] */
    char *is_foreign; /* [ops]: of the CPU, and the experts it goes to come from the device */
    uint64_t *counts; /* [ops] */
};

static int keeps_kv(const struct op *op)
{
    return op->kind == OP_KV_STORE || op->kind == OP_ATTENTION;
}

/* The caches of some layers go to the CPU as a whole. */
static int place_caches(struct fallback *f, struct err *e)
{
    char *is_cpu = mem_calloc((size_t)f->p->n_layers + 1, 1);

    if (!is_cpu)
        return err_nomem(e);
    for (int i = 0; i < f->p->n_ops; i++)
        if (keeps_kv(&f->p->ops[i]))
            is_cpu[f->p->ops[i].kv_layer] |= f->takes[i];
    for (int i = 0; i < f->p->n_ops; i++)
        if (keeps_kv(&f->p->ops[i]))
            f->takes[i] = is_cpu[f->p->ops[i].kv_layer];
    mem_free(is_cpu);
    return 0;
}

static int chooses_experts(const struct op *op)
{
    return op->kind == OP_EXPERTS_UP || op->kind == OP_EXPERTS_DOWN;
}

/* The op before number i that wrote its in[1] is the device's. */
static int is_routed_elsewhere(const struct fallback *f, int i)
{
    int value = f->p->ops[i].in[1];

    for (int j = i - 1; j >= 0; j--)
        for (int k = 0; k < f->p->ops[j].n_out; k++)
            if (f->p->ops[j].out[k] == value)
                return !f->takes[j];
    return 0;
}

int fallback_open(struct fallback **out, const struct program *p, const struct device_opts *o,
                  int (*supports)(const void *user, const struct op *op), const void *user,
                  struct err *e)
{
    struct fallback *f = mem_calloc(1, sizeof *f);
    struct device_opts exact = *o;
    int rc = -1;

    *out = NULL;
    if (!f)
        return err_nomem(e);
    f->p = p;
    f->takes = mem_calloc((size_t)p->n_ops + 1, 1);
    f->is_foreign = mem_calloc((size_t)p->n_ops + 1, 1);
    f->counts = mem_calloc((size_t)p->n_ops + 1, sizeof *f->counts);
    if (!f->takes || !f->is_foreign || !f->counts) {
        err_nomem(e);
        goto out;
    }
    for (int i = 0; i < p->n_ops; i++)
        f->takes[i] = (o->leave && o->leave[i]) || !supports(user, &p->ops[i]);
    exact.numerics = NUMERICS_EXACT;
    exact.check_finite = 0;
    if (place_caches(f, e) < 0 || device_cpu.open(&f->cpu, p, &exact, e) < 0)
        goto out;
    for (int i = 0; i < p->n_ops; i++)
        f->is_foreign[i] =
            f->takes[i] && chooses_experts(&p->ops[i]) && is_routed_elsewhere(f, i);
    *out = f;
    f = NULL;
    rc = 0;
out:
    fallback_close(f);
    return rc;
}

void fallback_close(struct fallback *f)
{
    if (!f)
        return;
    device_cpu.close(f->cpu);
    mem_free(f->takes);
    mem_free(f->is_foreign);
    mem_free(f->counts);
    mem_free(f);
}

int fallback_takes(const struct fallback *f, int op)
{
    return f->takes[op];
}

int fallback_begin(struct fallback *f, struct batch *b, struct err *e)
{
    return cpu_begin(f->cpu, b) < 0 ? err_nomem(e) : 0;
}

/* The CPU takes the numbers of experts for places in memory. */
static int check_experts(const struct fallback *f, int i, struct err *e)
{
    const struct op *op = &f->p->ops[i];
    int rows = op->wanted_rows ? f->cpu->batch->n_heads : f->cpu->batch->n;

    for (int row = 0; row < rows; row++)
        for (int k = 0; k < op->parts.n; k++) {
            float x = cpu_row(f->cpu, op->in[1], row)[k];
            if (!(x >= 0 && x < (float)op->route.experts))
                return err_set(e, ERR_NUMERIC, "layer %d is sent to expert %g of %d at position %d",
                               op->layer, (double)x, op->route.experts,
                               f->cpu->batch->positions[op->wanted_rows
                                                            ? f->cpu->batch->heads[row].row : row]);
        }
    return 0;
}

int fallback_rerun(struct fallback *f, int from, int to, struct err *e)
{
    for (int i = from; i < to; i++)
        if (f->is_foreign[i] && check_experts(f, i, e) < 0)
            return -1;
    cpu_run_ops(f->cpu, from, to);
    return 0;
}

int fallback_run(struct fallback *f, int from, int to, struct err *e)
{
    for (int i = from; i < to; i++) {
        if (!f->takes[i])
            return err_set(e, ERR_INVALID, "%s of layer %d is the device's own",
                           op_name(f->p->ops[i].kind), f->p->ops[i].layer);
        f->counts[i] += !f->p->ops[i].wanted_rows || f->cpu->batch->n_heads > 0;
    }
    return fallback_rerun(f, from, to, e);
}

float *fallback_value(const struct fallback *f, int value)
{
    return cpu_row(f->cpu, value, 0);
}

void fallback_wrote(struct fallback *f, int value, int rows)
{
    const struct value *v = &f->p->values[value];

    for (int row = 0; row < rows; row++) {
        float *x = cpu_row(f->cpu, value, row);
        for (size_t n = (size_t)v->part_width, at = 0; n && at < (size_t)v->width;
             at += KERNEL_LD(n))
            memset(x + at + n, 0, (KERNEL_PAD(n) - n) * sizeof *x);
        cpu_pad(f->cpu, value, x);
    }
}

int fallback_check(const struct fallback *f, const struct op *op, struct err *e)
{
    return cpu_check_outputs(f->cpu, op, e);
}

const uint64_t *fallback_counts(const struct fallback *f)
{
    return f->counts;
}

static const char *format_of(const struct op *op)
{
    const struct weight *w = op->w[0] ? op->w[0] : op->w[1];
    const struct quant *q = w && (op_has_matrix(op->kind) || op->kind == OP_EMBED)
                                ? quant_find(w->type) : NULL;

    return q ? q->name : NULL;
}

int fallback_fold(const struct program *p, const uint64_t *counts, struct left_op **rows, int *n,
                  struct err *e)
{
    size_t cap = 0;

    *rows = NULL;
    *n = 0;
    for (int i = 0; i < p->n_ops; i++) {
        struct left_op x = {op_name(p->ops[i].kind), format_of(&p->ops[i]), counts[i]};
        int k = 0;
        if (x.times == 0)
            continue;
        while (k < *n && (strcmp((*rows)[k].op, x.op) != 0 || (*rows)[k].format != x.format))
            k++;
        if (k < *n) {
            (*rows)[k].times += x.times;
            continue;
        }
        if (mem_grow(rows, &cap, (size_t)*n + 1, sizeof **rows) < 0) {
            mem_free(*rows);
            *rows = NULL;
            *n = 0;
            return err_nomem(e);
        }
        (*rows)[(*n)++] = x;
    }
    return 0;
}
