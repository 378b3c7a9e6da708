/* device_opencl.c -- a program on an OpenCL or CUDA device, and the CPU.  See opencl.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "include/densimeter_device.h"
#include "runners/head.h"
#include "runners/opencl.h"

enum {
    PANEL_FLOATS = 1 << 20,      /* at least one row of a weight, beside that */
    LOGITS_BYTES = 64 << 20,     /* of the rows of logits computed at once */
    HEAD_ROWS_MAX = 64,
    TENSOR_CAPABILITY = 80, /* mma.m16n8k16 of float16 */
};

/* ---- memory ------------------------------------------------------------------------------- */

/* a * b * size, or SIZE_MAX where that does not fit: shapes may be a hostile file's. */
static size_t bytes_of(size_t a, size_t b, size_t size)
{
    size_t n;

    return __builtin_mul_overflow(a, b, &n) || __builtin_mul_overflow(n, size, &n) ? SIZE_MAX : n;
}

static const uint8_t *slab_data(const struct weight *w, int slab)
{
    return w->slab ? w->slab[slab] : w->data + (size_t)slab * w->slab_bytes;
}

static int put_weight(struct device *d, const struct weight *w, struct err *e)
{
    size_t slab = bytes_of((size_t)w->rows, w->row_bytes, 1);
    struct cl_memory **m = &d->weights[w->id];

    if (*m)
        return 0;
    if (cl_make(d->cl, m, bytes_of(slab, (size_t)w->slabs, 1), w->name, e) < 0)
        return -1;
    for (int s = 0; s < w->slabs; s++)
        if (cl_write(d->cl, *m, (size_t)s * slab, slab_data(w, s), slab, e) < 0)
            return -1;
    return 0;
}

/* A matrix that tensor cores multiply with. */
static int put_scales(struct device *d, const struct op *op, const struct weight *w, struct err *e)
{
    struct cl_memory **m = &d->scales[w->id];

    if (*m || !d->is_narrow || (op->kind != OP_LINEAR && op->kind != OP_HEAD))
        return 0;
    return cl_make(d->cl, m, (size_t)w->rows * sizeof(float), w->name, e) < 0
               ? -1
               : opencl_make_scales(d, w, e);
}

static int put_table(struct device *d, const struct weight *w, struct err *e)
{
    size_t bytes = bytes_of((size_t)w->k, (size_t)w->rows, sizeof(float));
    struct cl_memory **m = &d->tables[w->id];

    if (*m || !w->f32)
        return 0;
    if (cl_make(d->cl, m, bytes, w->name, e) < 0)
        return -1;
    return cl_write(d->cl, *m, 0, w->f32, bytes, e);
}

static int put_weights(struct device *d, struct err *e)
{
    d->weights = mem_calloc((size_t)d->p->n_weights + 1, sizeof(struct cl_memory *));
    d->tables = mem_calloc((size_t)d->p->n_weights + 1, sizeof(struct cl_memory *));
    d->scales = mem_calloc((size_t)d->p->n_weights + 1, sizeof(struct cl_memory *));
    if (!d->weights || !d->tables || !d->scales)
        return err_nomem(e);
    for (int i = 0; i < d->p->n_ops; i++) {
        const struct op *op = &d->p->ops[i];
        for (int k = 0; k < OP_OUTS && !fallback_takes(d->cpu, i); k++) {
            const struct weight *w = op->w[k], *bias = op->bias[k];
            if (w && (opencl_reads_floats(op) ? put_table(d, w, e) : put_weight(d, w, e)) < 0)
                return -1;
            if (w && put_scales(d, op, w, e) < 0)
                return -1;
            if (bias && put_table(d, bias, e) < 0)
                return -1;
        }
    }
    return 0;
}

static int make_kv(struct device *d, const struct device_opts *o, struct err *e)
{
    size_t layers = (size_t)d->p->n_layers + 1, kept = (size_t)o->kv_pages;
    int n_scratch = d->p->shares_kv ? d->p->n_layers : 1;

    d->kv = mem_calloc(layers, sizeof(struct cl_memory *));
    d->scratch = mem_calloc(layers, sizeof(struct cl_memory *));
    d->page_floats = mem_calloc(layers, sizeof *d->page_floats);
    if (!d->kv || !d->scratch || !d->page_floats)
        return err_nomem(e);
    for (int i = 0; i < d->p->n_layers; i++) {
        const struct layer_kv *l = &d->p->kv[i];
        d->page_floats[i] =
            (size_t)l->kv_heads * ((size_t)l->head_dim + (size_t)l->value_dim) * KV_PAGE;
        if (d->scratch_floats < d->page_floats[i])
            d->scratch_floats = d->page_floats[i];
        if (d->page_floats[i] && cl_make(d->cl, &d->kv[i], bytes_of(d->page_floats[i], kept,
                                         sizeof(float)), "keys and values", e) < 0)
            return -1;
    }
    for (int i = 0; i < n_scratch; i++) {
        size_t floats = d->p->shares_kv ? d->page_floats[i] : d->scratch_floats;
        if (floats && cl_make(d->cl, &d->scratch[i], bytes_of(floats, (size_t)o->kv_scratch,
                              sizeof(float)), "keys and values of one batch", e) < 0)
            return -1;
    }
    return 0;
}

static size_t angle_floats(const struct device *d)
{
    size_t n = 0;

    for (int i = 0; i < d->p->n_ropes; i++)
        n += (size_t)d->p->ropes[i].n_rot * (size_t)d->max_rows;
    return n;
}

static int make_head(struct device *d, struct err *e)
{
    size_t vocab = (size_t)d->p->n_vocab, row = vocab * sizeof(float), rows = LOGITS_BYTES / row;
    size_t sums;

    rows = rows < 1 ? 1 : rows > HEAD_ROWS_MAX ? HEAD_ROWS_MAX : rows;
    d->head_rows = (int)rows;
    d->head_blocks = (d->p->n_vocab + LSE_BLOCK - 1) / LSE_BLOCK;
    sums = rows * (size_t)d->head_blocks * 3 * sizeof(float);
    d->sums_host = mem_alloc(sums);
    if (!d->sums_host)
        return err_nomem(e);
    return cl_make(d->cl, &d->logits, bytes_of(rows, row, 1), "logits", e) < 0
               ? -1
               : cl_make(d->cl, &d->sums, sums, "sums over the vocabulary", e);
}

static int make_values(struct device *d, struct err *e)
{
    size_t rows = (size_t)d->max_rows, panel = PANEL_FLOATS;

    for (int i = 0; i < d->p->n_ops; i++)
        for (int k = 0; k < OP_OUTS; k++) {
            const struct weight *w = d->p->ops[i].w[k];
            if (w && (size_t)w->k > panel)
                panel = (size_t)w->k;
        }
    d->angles_host = mem_alloc(angle_floats(d) * sizeof(float) + 1);
    if (!d->angles_host)
        return err_nomem(e);
    if (cl_make(d->cl, &d->arena, bytes_of(d->p->arena_ld, rows, sizeof(float)), "values", e) < 0 ||
        cl_make(d->cl, &d->panel, panel * sizeof(float), "unpacked weights", e) < 0 ||
        cl_make(d->cl, &d->angles, angle_floats(d) * sizeof(float), "angles", e) < 0)
        return -1;
    return make_head(d, e);
}

static int find_writers(struct device *d, struct err *e)
{
    d->first_writer = mem_calloc((size_t)d->p->n_values + 1, sizeof *d->first_writer);
    if (!d->first_writer)
        return err_nomem(e);
    for (int i = d->p->n_ops - 1; i >= 0; i--)
        for (int k = 0; k < d->p->ops[i].n_out; k++)
            d->first_writer[d->p->ops[i].out[k]] = i;
    return 0;
}

static void drop_all(struct cl_memory **m, int n)
{
    for (int i = 0; m && i < n; i++)
        cl_drop(m[i]);
    mem_free(m);
}

static void opencl_close(struct device *d)
{
    if (!d)
        return;
    drop_all(d->weights, d->p->n_weights);
    drop_all(d->tables, d->p->n_weights);
    drop_all(d->scales, d->p->n_weights);
    drop_all(d->kv, d->p->n_layers);
    drop_all(d->scratch, d->p->n_layers);
    cl_drop(d->arena);
    cl_drop(d->panel);
    cl_drop(d->angles);
    cl_drop(d->ints);
    cl_drop(d->logits);
    cl_drop(d->sums);
    cl_drop(d->picked);
    cl_drop(d->shelf);
    cl_drop(d->parts);
    cl_drop(d->narrow);
    cl_drop(d->narrow_scales);
    opencl_forget(d);
    cl_close(d->cl);
    fallback_close(d->cpu);
    mem_free(d->page_floats);
    mem_free(d->first_writer);
    mem_free(d->staging);
    mem_free(d->angles_host);
    mem_free(d->sums_host);
    mem_free(d->picked_host);
    mem_free(d);
}

static const char *const form_names[] = {"vector", "lanes"};

/* 'fast' is what tensor cores compute, where there are some. */
static int choose_numerics(struct device *d, const struct device_opts *o, struct err *e)
{
    const struct cl_about *a = cl_info(d->cl);

    d->is_narrow = o->numerics == NUMERICS_FAST;
    if (!d->is_narrow || a->capability >= TENSOR_CAPABILITY)
        return 0;
    if (a->kind != CL_CUDA)
        return err_set(e, ERR_USAGE, "%s has an arithmetic of its own: 'fast' is the CPU's",
                       a->name);
    return err_set(e, ERR_USAGE, "%s: 'fast' needs tensor cores of sm_%d or later, this is sm_%d",
                   a->name, TENSOR_CAPABILITY, a->capability);
}

/* By the device's kind, unless asked for. */
static int choose_form(struct device *d, const char *asked, struct err *e)
{
    int is_cuda = cl_info(d->cl)->kind == CL_CUDA;
    int form = cl_info(d->cl)->is_cpu ? FORM_VECTOR : FORM_LANES;

    for (int i = is_cuda ? FORM_LANES : FORM_VECTOR; asked && i <= FORM_LANES; i++)
        if (strcmp(asked, form_names[i]) == 0) {
            form = i;
            asked = NULL;
        }
    d->form = is_cuda ? FORM_CUDA : (enum opencl_form)form;
    d->form_name = d->is_narrow ? "tensor" : form_names[form];
    if (!asked)
        return 0;
    err_set(e, ERR_USAGE, "kernels '%.40s' are unknown to %s", asked, cl_info(d->cl)->name);
    err_hint(e, "kernels: %slanes (for GPUs)", is_cuda ? "" : "vector (for processors), ");
    return -1;
}

/* Whether launches can be recorded, and the CPU has no part in any pass. */
static int can_record(const struct device *d)
{
    for (int i = 0; i < d->p->n_ops; i++)
        if (fallback_takes(d->cpu, i))
            return 0;
    return cl_records(d->cl);
}

static int opencl_open(struct device **out, const struct program *p, const struct device_opts *o,
                       struct err *e)
{
    struct device *d = mem_calloc(1, sizeof *d);
    struct device_opts rest = *o;
    enum cl_kind kind = CL_OPENCL;
    int rc = -1, i = cl_number(o->name, &kind);

    *out = NULL;
    if (!d)
        return err_nomem(e);
    rest.kernels = NULL;
    d->p = p;
    d->max_rows = o->max_rows;
    d->check_finite = o->check_finite;
    if (cl_open(&d->cl, kind, i, e) < 0 || choose_numerics(d, o, e) < 0 ||
        choose_form(d, o->kernels, e) < 0 || make_values(d, e) < 0 ||
        (d->is_narrow && opencl_make_narrow(d, e) < 0) || make_kv(d, o, e) < 0 ||
        opencl_build(d, e) < 0 ||
        fallback_open(&d->cpu, p, &rest, opencl_supports, NULL, e) < 0 || find_writers(d, e) < 0 ||
        put_weights(d, e) < 0)
        goto out;
    d->records = can_record(d);
    snprintf(d->kernels, sizeof d->kernels, "%s, %s", d->form_name,
             cl_info(d->cl)->title);
    *out = d;
    d = NULL;
    rc = 0;
out:
    opencl_close(d);
    return rc;
}

/* ---- between the device and the CPU ------------------------------------------------------- */

static size_t place_bytes(const struct device *d, int value)
{
    return d->p->values[value].offset * (size_t)d->max_rows * sizeof(float);
}

static int fetch(struct device *d, int value, int rows, struct err *e)
{
    size_t bytes = (size_t)rows * d->p->values[value].ld * sizeof(float);

    if (cl_read(d->cl, d->arena, place_bytes(d, value), fallback_value(d->cpu, value), bytes,
                e) < 0)
        return -1;
    fallback_wrote(d->cpu, value, rows);
    return 0;
}

static int give(struct device *d, int value, int rows, struct err *e)
{
    return cl_write(d->cl, d->arena, place_bytes(d, value), fallback_value(d->cpu, value),
                    (size_t)rows * d->p->values[value].ld * sizeof(float), e);
}

/* What was written before op `from` and is read, or written in part, by it or those up to `to`.
 * Anything else has no place of its own yet. */
static int fetch_operands(struct device *d, int from, int to, struct err *e)
{
    for (int i = from; i < to; i++) {
        const struct op *op = &d->p->ops[i];
        int rows = op->kind == OP_GATHER ? d->batch->n : opencl_rows(d, op);
        for (int k = 0; k < OP_INS + op->n_out; k++) {
            int value = k < OP_INS ? op->in[k] : op->out[k - OP_INS];
            if (value >= 0 && d->first_writer[value] < from && fetch(d, value, rows, e) < 0)
                return -1;
        }
    }
    return 0;
}

static int give_results(struct device *d, int from, int to, struct err *e)
{
    for (int i = from; i < to; i++) {
        const struct op *op = &d->p->ops[i];
        for (int k = 0; k < op->n_out; k++)
            if (give(d, op->out[k], opencl_rows(d, op), e) < 0)
                return -1;
    }
    return 0;
}

/* is_again: a second look, with the outputs of every op looked at. */
static int run_stretch(struct device *d, int from, int to, int is_again, struct err *e)
{
    if (fetch_operands(d, from, to, e) < 0)
        return -1;
    if ((is_again ? fallback_rerun(d->cpu, from, to, e) : fallback_run(d->cpu, from, to, e)) < 0)
        return -1;
    for (int i = from; i < to && is_again; i++)
        if (fallback_check(d->cpu, &d->p->ops[i], e) < 0)
            return -1;
    return give_results(d, from, to, e);
}

static int run_own(struct device *d, const struct op *op, int is_again, struct err *e)
{
    if (opencl_rows(d, op) == 0)
        return 0;
    if (opencl_op(d, op, e) < 0)
        return -1;
    for (int k = 0; k < op->n_out && is_again; k++)
        if (fetch(d, op->out[k], opencl_rows(d, op), e) < 0)
            return -1;
    return is_again ? fallback_check(d->cpu, op, e) : 0;
}

static int run_ops(struct device *d, int is_again, struct err *e)
{
    int to;

    for (int i = 0; i < d->p->n_ops; i = to) {
        to = i + 1;
        if (!fallback_takes(d->cpu, i)) {
            if (run_own(d, &d->p->ops[i], is_again, e) < 0)
                return -1;
            continue;
        }
        while (!is_again && to < d->p->n_ops && fallback_takes(d->cpu, to))
            to++;
        if (run_stretch(d, i, to, is_again, e) < 0)
            return -1;
    }
    return 0;
}

static int queue_all(struct device *d, struct err *e)
{
    for (int i = 0; i < d->p->n_ops; i++) {
        const struct op *op = &d->p->ops[i];
        int rows = opencl_rows(d, op), is_head = op->kind == OP_HEAD;
        if (rows > 0 && (is_head ? opencl_head_queue(d, op, 0, rows, e) : opencl_op(d, op, e)) < 0)
            return -1;
    }
    return 0;
}

/* All of the pass at once, where nothing needs the host before its end. */
static int run_at_once(struct device *d, struct err *e)
{
    if (!d->records || d->batch->n_heads > d->head_rows)
        return run_ops(d, 0, e);
    return opencl_play(d, queue_all, e) < 0 ? -1
                                            : opencl_head_read(d, 0, d->batch->n_heads, e);
}

static int bad_head(const struct device *d)
{
    for (int i = 0; i < d->batch->n_heads; i++)
        if (!isfinite(d->batch->heads[i].lse))
            return i;
    return -1;
}

static int opencl_run(struct device *d, struct batch *b, struct err *e)
{
    if (opencl_begin(d, b, e) < 0 || run_at_once(d, e) < 0)
        return -1;
    if (!d->check_finite && bad_head(d) < 0)
        return 0;
    if (run_ops(d, 1, e) < 0)
        return -1;
    if (bad_head(d) < 0)
        return 0;
    return err_set(e, ERR_NUMERIC, "the logits at position %d are not finite",
                   b->positions[b->heads[bad_head(d)].row]);
}

static uint64_t bytes_in(struct cl_memory *const *m, int n)
{
    uint64_t sum = 0;

    for (int i = 0; i < n; i++)
        sum += cl_bytes(m[i]);
    return sum;
}

static void opencl_info(const struct device *d, struct device_info *out)
{
    uint64_t weights = bytes_in(d->weights, d->p->n_weights) + bytes_in(d->tables, d->p->n_weights);
    uint64_t kv = bytes_in(d->kv, d->p->n_layers);
    enum numerics numerics = d->is_narrow                       ? NUMERICS_CUDA_F16
                             : cl_info(d->cl)->kind == CL_CUDA ? NUMERICS_CUDA
                                                               : NUMERICS_OPENCL;

    *out = (struct device_info){
        .name = cl_info(d->cl)->name, .kernels = d->kernels, .threads = cl_info(d->cl)->units,
        .weights_bytes = weights, .kv_bytes = kv,
        .scratch_bytes = cl_used(d->cl) - weights - kv,
        .numerics_id = numerics_id(numerics, KV_F32),
        .precision = d->is_narrow ? DSM_PRECISION_F16 : DSM_PRECISION_F32,
        .waives = d->form == FORM_VECTOR ? 0 : DSM_BATCH_INVARIANT,
    };
}

static const uint64_t *opencl_left(const struct device *d)
{
    return fallback_counts(d->cpu);
}

/* Of one buffer: what is there has to be written first, or some drivers have no memory for it. */
static int make_shelf(struct device *d, uint64_t bytes, struct err *e)
{
    enum { PIECE = 1 << 20 };
    char *piece = mem_calloc(1, PIECE);
    int rc = piece ? cl_make(d->cl, &d->shelf, (size_t)bytes, "the memory that is read", e)
                   : err_nomem(e);

    for (uint64_t at = 0; rc == 0 && at < bytes; at += PIECE)
        rc = cl_write(d->cl, d->shelf, (size_t)at, piece,
                      bytes - at < PIECE ? (size_t)(bytes - at) : PIECE, e);
    mem_free(piece);
    return rc;
}

static int opencl_shelf_read(struct device *d, uint64_t bytes, struct err *e)
{
    if (cl_bytes(d->shelf) != bytes) {
        cl_drop(d->shelf);
        d->shelf = NULL;
        if (make_shelf(d, bytes, e) < 0)
            return -1;
    }
    return opencl_read(d, e);
}

const struct device_ops device_opencl = {
    "opencl", "GPUs and other processors with an OpenCL or CUDA driver", opencl_open, opencl_close,
    opencl_info, opencl_run, NULL, NULL, NULL, NULL, opencl_left, opencl_shelf_read, 0,
};
