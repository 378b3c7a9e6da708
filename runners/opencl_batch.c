/* opencl_batch.c -- what a batch asks, as integers and angles in the device's memory.
 *
 * Kernels read tokens, positions and pages from one buffer, at the places that opencl_args_of tells
 * them; a batch of the same shape has them at the same places, so that a recording
 * serves it too. */
#include <string.h>

#include "base/mem.h"
#include "runners/angles.h"
#include "runners/head.h"
#include "runners/opencl.h"

enum { INTS_MIN = 4096 };

static int stage(struct device *d, const int32_t *from, size_t n, int *at)
{
    if (mem_grow(&d->staging, &d->cap_staging, d->n_staged + n, sizeof *d->staging) < 0)
        return -1;
    *at = (int)d->n_staged;
    if (from)
        memcpy(d->staging + d->n_staged, from, n * sizeof *from);
    d->n_staged += n;
    return 0;
}

/* For each row where the list of its span's pages begins. */
static int stage_pages(struct device *d, const struct batch *b)
{
    for (int s = 0; s < b->n_spans; s++) {
        const struct span *sp = &b->spans[s];
        int list;
        if (sp->n == 0)
            continue;
        if (stage(d, sp->pages, (size_t)((sp->position + sp->n - 1) / KV_PAGE + 1), &list) < 0)
            return -1;
        for (int i = 0; i < sp->n; i++)
            d->staging[d->at.page_lists + sp->row0 + i] = list;
    }
    return 0;
}

static int stage_wanted(struct device *d, const struct batch *b)
{
    int n = 0, at;

    if (stage(d, NULL, (size_t)b->n_heads, &d->at.wanted) < 0)
        return -1;
    for (int i = 0; i < b->n_heads; i++) {
        d->staging[d->at.wanted + i] = b->heads[i].row;
        n += head_asked(&b->heads[i], d->p->n_vocab);
    }
    if (stage(d, NULL, (size_t)n * 2, &d->at.targets) < 0)
        return -1;
    at = d->at.targets;
    for (int i = 0; i < b->n_heads; i++)
        for (int t = 0; t < b->heads[i].n_targets; t++) {
            int32_t token = b->heads[i].targets[t];
            if (token < 0 || token >= d->p->n_vocab)
                continue;
            d->staging[at++] = i % d->head_rows;
            d->staging[at++] = token;
        }
    d->n_picks = n;
    if (n <= d->picked_max)
        return 0;
    mem_free(d->picked_host);
    d->picked_host = mem_alloc((size_t)n * sizeof(float));
    d->picked_max = 0;
    return d->picked_host ? n : -1;
}

static int stage_copies(struct device *d, const struct batch *b)
{
    if (stage(d, NULL, (size_t)b->n_copies * 3, &d->at.copies) < 0)
        return -1;
    for (int i = 0; i < b->n_copies; i++) {
        int32_t *c = d->staging + d->at.copies + 3 * i;
        c[0] = b->copies[i].dst;
        c[1] = b->copies[i].src;
        c[2] = b->copies[i].before_row;
    }
    return 0;
}

static int send(struct device *d, struct err *e)
{
    size_t bytes = d->n_staged * sizeof *d->staging;

    if (bytes > d->ints_bytes) {
        opencl_forget(d);
        cl_drop(d->ints);
        d->ints = NULL;
        d->ints_bytes = 2 * bytes < INTS_MIN ? INTS_MIN : 2 * bytes;
        if (cl_make(d->cl, &d->ints, d->ints_bytes, "rows and pages", e) < 0) {
            d->ints_bytes = 0;
            return -1;
        }
    }
    return cl_write(d->cl, d->ints, 0, d->staging, bytes, e);
}

static int send_angles(struct device *d, const struct batch *b, struct err *e)
{
    float *t = d->angles_host;

    for (int i = 0; i < d->p->n_ropes; i++) {
        const struct rope *r = &d->p->ropes[i];
        size_t n = (size_t)r->n_rot, half = n / 2;
        for (size_t row = 0; row < (size_t)b->n; row++)
            for (size_t k = 0; k < half; k++) {
                float *c = t + row * n + k, *s = c + half;
                angles_sincos(b->positions[row] * r->inv_freq[k], c, s);
                *c *= r->magnitude;
                *s *= r->magnitude;
            }
        if (cl_write(d->cl, d->angles, (size_t)(t - d->angles_host) * sizeof *t, t,
                     (size_t)b->n * n * sizeof *t, e) < 0)
            return -1;
        t += n * (size_t)d->max_rows;
    }
    return 0;
}

int opencl_begin(struct device *d, struct batch *b, struct err *e)
{
    int picks;

    d->batch = b;
    d->n_staged = 0;
    if (stage(d, b->tokens, (size_t)b->n, &d->at.tokens) < 0 ||
        stage(d, b->positions, (size_t)b->n, &d->at.positions) < 0 ||
        stage(d, NULL, (size_t)b->n, &d->at.page_lists) < 0 || stage_copies(d, b) < 0)
        return err_nomem(e);
    picks = stage_wanted(d, b);
    if (picks < 0 || stage_pages(d, b) < 0) /* lists last: they grow, the rest keeps its place */
        return err_nomem(e);
    if (picks > 0) {
        opencl_forget(d);
        cl_drop(d->picked);
        d->picked = NULL;
        if (cl_make(d->cl, &d->picked, (size_t)picks * sizeof(float), "logits asked for", e) < 0)
            return -1;
        d->picked_max = picks;
    }
    if (opencl_make_parts(d, e) < 0 || send(d, e) < 0 || send_angles(d, b, e) < 0)
        return -1;
    return fallback_begin(d->cpu, b, e);
}
