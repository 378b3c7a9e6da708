/* opencl_head.c -- logits, a few rows at a time: what is summed and picked there, and read back. */
#include "base/mem.h"
#include "runners/head.h"
#include "runners/opencl_launch.h"

static int asked(const struct device *d, int from, int to)
{
    int n = 0;

    for (int i = from; i < to; i++)
        n += head_asked(&d->batch->heads[i], d->p->n_vocab);
    return n;
}

int opencl_head_queue(struct device *d, const struct op *op, int from, int to, struct err *e)
{
    struct op_args a = opencl_args_of(d, op), sum;
    struct cl_memory *const sums[] = {d->logits, d->sums};
    struct cl_memory *const picks[] = {d->logits, d->picked, d->ints};

    a.finish = FINISH_LOGIT;
    a.rows = to - from;
    a.in[0] += (args_u64)from * (args_u64)a.ld_in[0];
    a.out[0] = 0;
    a.ld_out[0] = d->p->n_vocab;
    a.targets_at = d->at.targets + 2 * asked(d, 0, from);
    sum = a;
    sum.n = d->head_blocks;
    if (opencl_narrow(d, a, op->w[0]->k, e) < 0 ||
        opencl_product(d, op->w[0], a, d->logits, opencl_floats_of(d, op->bias[0]), e) < 0 ||
        opencl_launch(d, K_LOG_SUM, &sum, sums, 2,
                      (size_t)d->head_blocks * opencl_sharing(d), (size_t)a.rows, e) < 0)
        return -1;
    return opencl_launch(d, K_PICK, &a, picks, 3, (size_t)asked(d, from, to), 1, e);
}

static int read_targets(struct device *d, int from, int to, struct err *e)
{
    int k = 0;

    if (cl_read(d->cl, d->picked, 0, d->picked_host, (size_t)asked(d, from, to) * sizeof(float),
                e) < 0)
        return -1;
    for (int i = from; i < to; i++) {
        struct head_row *h = &d->batch->heads[i];
        for (int t = 0; t < h->n_targets; t++)
            if (h->targets[t] >= 0 && h->targets[t] < d->p->n_vocab)
                h->target_logits[t] = d->picked_host[k++];
    }
    return 0;
}

int opencl_head_read(struct device *d, int from, int to, struct err *e)
{
    size_t vocab = (size_t)d->p->n_vocab, blocks = (size_t)d->head_blocks;
    struct lse *l;

    if (read_targets(d, from, to, e) < 0 ||
        cl_read(d->cl, d->sums, 0, d->sums_host, (size_t)(to - from) * blocks * 3 * sizeof(float),
                e) < 0)
        return -1;
    l = mem_alloc(blocks * sizeof *l);
    if (!l)
        return err_nomem(e);
    for (int i = from; i < to; i++) {
        struct head_row *h = &d->batch->heads[i];
        const float *s = d->sums_host + (size_t)(i - from) * blocks * 3;
        for (size_t b = 0; b < blocks; b++, s += 3)
            l[b] = (struct lse){s[0], s[1], (int32_t)s[2]};
        if (h->logits && cl_read(d->cl, d->logits, (size_t)(i - from) * vocab * sizeof(float),
                                 h->logits, vocab * sizeof(float), e) < 0) {
            mem_free(l);
            return -1;
        }
        head_combine(h, l, d->head_blocks, d->p->n_vocab);
    }
    mem_free(l);
    return 0;
}

/* As many rows at a time as there is memory for logits. */
int opencl_head(struct device *d, const struct op *op, struct err *e)
{
    int rows = opencl_rows(d, op);

    for (int from = 0; from < rows; from += d->head_rows) {
        int to = rows - from < d->head_rows ? rows : from + d->head_rows;
        if (opencl_head_queue(d, op, from, to, e) < 0 || opencl_head_read(d, from, to, e) < 0)
            return -1;
    }
    return 0;
}
