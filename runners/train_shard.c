/* train_shard.c -- the memory of one shard: a single block, cut into what train_pass needs. */
#include "base/mem.h"
#include "runners/train_impl.h"

/* First with base NULL to measure, then to hand out. */
struct cutter {
    float *base;
    size_t at;
};

static float *cut(struct cutter *c, size_t n)
{
    float *here = c->base ? c->base + c->at : NULL;

    c->at += KERNEL_PAD(n);
    return here;
}

static void cut_all(const struct train *t, struct train_shard *s, struct cutter *c)
{
    const struct train_shape *o = &t->o.shape;
    size_t rows = KERNEL_PAD(t->rows_max), d = (size_t)o->embedding, ff = (size_t)o->feed_forward;
    size_t vocab = KERNEL_PAD(o->vocab), longest = (size_t)t->o.longest;
    size_t p = (size_t)t->docs * (size_t)o->heads * longest * longest;
    size_t widest = vocab > ff ? vocab : ff;
    float **const of_d[] = {&s->last, &s->nf, &s->dx, &s->da, &s->db, &s->dc, &s->dn};
    float **const of_ff[] = {&s->dh, &s->dg, &s->du};

    s->gradients = cut(c, t->at.n);
    for (int l = 0; l < o->layers; l++) {
        struct train_kept *v = &s->kept[l];
        float **const kept_d[] = {&v->in, &v->n1, &v->q, &v->k, &v->v, &v->o, &v->mid, &v->n2};
        float **const kept_ff[] = {&v->gate, &v->up, &v->h};
        for (size_t i = 0; i < sizeof kept_d / sizeof *kept_d; i++)
            *kept_d[i] = cut(c, rows * d);
        for (size_t i = 0; i < sizeof kept_ff / sizeof *kept_ff; i++)
            *kept_ff[i] = cut(c, rows * ff);
        v->p = cut(c, p);
        v->r1 = cut(c, rows);
        v->r2 = cut(c, rows);
    }
    for (size_t i = 0; i < sizeof of_d / sizeof *of_d; i++)
        *of_d[i] = cut(c, rows * d);
    for (size_t i = 0; i < sizeof of_ff / sizeof *of_ff; i++)
        *of_ff[i] = cut(c, rows * ff);
    s->rf = cut(c, rows);
    s->logits = cut(c, rows * vocab);
    s->t1 = cut(c, rows * widest);
    s->t2 = cut(c, rows * widest);
}

int train_shard_open(const struct train *t, struct train_shard *s, struct err *e)
{
    size_t rows = (size_t)t->rows_max, docs = (size_t)t->docs;
    struct cutter c = {NULL, 0};

    s->kept = mem_calloc((size_t)t->o.shape.layers, sizeof *s->kept);
    s->ids = mem_calloc(rows, sizeof *s->ids);
    s->is_target = mem_calloc(rows, 1);
    s->first = mem_calloc(docs, sizeof *s->first);
    s->len = mem_calloc(docs, sizeof *s->len);
    s->predicts = mem_calloc(rows, sizeof *s->predicts);
    s->target = mem_calloc(rows, sizeof *s->target);
    if (!s->kept || !s->ids || !s->is_target || !s->first || !s->len || !s->predicts || !s->target)
        return err_nomem(e);
    cut_all(t, s, &c);
    s->memory = c.base = mem_aligned(64, c.at * sizeof(float));
    if (!c.base)
        return err_nomem(e);
    c.at = 0;
    cut_all(t, s, &c);
    return 0;
}

void train_shard_close(struct train_shard *s)
{
    mem_free(s->kept);
    mem_free(s->ids);
    mem_free(s->is_target);
    mem_free(s->first);
    mem_free(s->len);
    mem_free(s->predicts);
    mem_free(s->target);
    mem_free(s->memory);
}
