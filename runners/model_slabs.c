/* model_slabs.c -- weights of several matrices of one shape.  See model.h. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "runners/model.h"
#include "runners/quant.h"

/* A copy of the row with an id and a name of its own; NULL when out of memory. */
static struct weight *view(struct model *m, const struct weight *of, struct err *e)
{
    char *name = m->n_weights < m->cap_weights ? mem_strdup(of->name) : NULL;
    struct weight *w = &m->weights[m->n_weights];

    if (!name) {
        err_nomem(e);
        return NULL;
    }
    *w = *of;
    w->name = name;
    w->f32 = w->lanes = NULL;
    w->slab = NULL;
    w->id = (int)m->n_weights++;
    return w;
}

static int same_shape(struct model *m, const struct weight *a, const struct weight *b,
                      struct err *e)
{
    if (a->type == b->type && a->k == b->k && a->rows == b->rows && b->slabs == 1)
        return 0;
    return err_set(e, ERR_FORMAT, "%s: %s has shape {%d, %d} or a format unlike %s",
                   gguf_path(m->file), b->name, b->k, b->rows, a->name);
}

const struct weight *model_experts(struct model *m, int layer, const char *stacked,
                                   const char *single, int n, struct err *e)
{
    const struct weight *first = model_weight(m, layer, stacked, 0, e), *next;
    struct weight *w;
    char name[64];

    if (first || e->code)
        return first;
    snprintf(name, sizeof name, single, 0);
    first = model_weight(m, layer, name, 0, e);
    if (!first)
        return e->code ? NULL : model_weight(m, layer, stacked, 1, e); /* says what is missing */
    w = view(m, first, e);
    if (!w)
        return NULL;
    w->slabs = n;
    w->slab = mem_calloc((size_t)n, sizeof *w->slab);
    if (!w->slab) {
        err_nomem(e);
        return NULL;
    }
    for (int i = 0; i < n; i++) {
        snprintf(name, sizeof name, single, i);
        next = i ? model_weight(m, layer, name, 1, e) : first;
        if (!next || same_shape(m, first, next, e) < 0)
            return NULL;
        w->slab[i] = next->data;
    }
    return w;
}

const struct weight *model_as_slabs(struct model *m, const struct weight *of, int n, struct err *e)
{
    struct weight *w = view(m, of, e);

    if (!w)
        return NULL;
    w->slabs = n;
    w->rows = of->rows / n;
    w->slab_bytes = (size_t)w->rows * w->row_bytes;
    return w;
}

const struct weight *model_slab_rows(struct model *m, const struct weight *of, int row0, int rows,
                                     struct err *e)
{
    struct weight *w = view(m, of, e);

    if (!w)
        return NULL;
    w->data += (size_t)row0 * w->row_bytes;
    w->rows = rows;
    return w;
}

const struct weight *model_slab(struct model *m, const struct weight *of, int i, struct err *e)
{
    struct weight *w = view(m, of, e);

    if (!w)
        return NULL;
    w->data += (size_t)i * w->slab_bytes;
    w->slabs = 1;
    return w;
}

const struct weight *model_slabs_transposed(struct model *m, const struct weight *of, int row0,
                                            int rows, struct err *e)
{
    struct weight *w = view(m, of, e);
    size_t k = (size_t)of->k, n = (size_t)rows;
    float *all = mem_aligned(64, (size_t)of->slabs * n * k * sizeof *all + 64);
    float *row = mem_alloc(k * sizeof *row);

    if (!w || !all || !row) {
        mem_free(all);
        mem_free(row);
        err_nomem(e);
        return NULL;
    }
    for (size_t s = 0; s < (size_t)of->slabs; s++)
        for (size_t r = 0; r < n; r++) {
            quant_find(of->type)->unpack(row, of->data + s * of->slab_bytes +
                                                  ((size_t)row0 + r) * of->row_bytes, k);
            for (size_t i = 0; i < k; i++)
                all[(s * k + i) * n + r] = row[i];
        }
    mem_free(row);
    w->f32 = all; /* the model frees it */
    w->data = (const uint8_t *)all;
    w->type = QUANT_F32;
    w->k = rows;
    w->rows = of->k;
    w->row_bytes = n * sizeof *all;
    w->slab_bytes = k * w->row_bytes;
    return w;
}
