#include "runners/program.h"

#include <string.h>

#include "base/mem.h"

enum { ROPES_MAX = 8 }; /* distinct tables of angles; pointers to them must stay valid */

static const char *const op_names[] = {
    [OP_EMBED] = "embed",       [OP_RMS_NORM] = "rms_norm", [OP_HEAD_NORM] = "head_norm",
    [OP_LINEAR] = "linear",     [OP_ROPE] = "rope",         [OP_KV_STORE] = "kv_store",
    [OP_ATTENTION] = "attention", [OP_ADD] = "add",         [OP_GATHER] = "gather",
    [OP_HEAD] = "head",         [OP_GATE] = "gate",         [OP_L2_NORM] = "l2_norm",
    [OP_DEAL] = "deal",         [OP_CONV] = "conv",         [OP_SCAN_CHANNELS] = "scan_channels",
    [OP_SCAN_HEADS] = "scan_heads", [OP_DELTA] = "delta",   [OP_LAYER_NORM] = "layer_norm",
    [OP_CLAMP] = "clamp",       [OP_SCALE] = "scale",       [OP_TEMPER] = "temper",
    [OP_XIELU] = "xielu",       [OP_CONCAT] = "concat",     [OP_SLICE] = "slice",
    [OP_SCALE_BY] = "scale_by", [OP_THRESHOLD] = "threshold",
    [OP_HEAD_LINEAR] = "head_linear", [OP_ROUTE] = "route", [OP_EXPERTS_UP] = "experts_up",
    [OP_EXPERTS_DOWN] = "experts_down", [OP_COMBINE] = "combine",
    [OP_CUT] = "cut",           [OP_MATCH] = "match",       [OP_PREDICT] = "predict",
    [OP_CORRECT] = "correct",
};

const char *op_name(enum op_kind k)
{
    return op_names[k];
}

void program_release(struct program *p)
{
    for (int i = 0; i < p->n_ropes; i++)
        mem_free((void *)p->ropes[i].inv_freq);
    mem_free(p->ropes);
    mem_free(p->ops);
    mem_free(p->values);
    mem_free(p->kv);
    memset(p, 0, sizeof *p);
}

size_t program_page_bytes(const struct program *p, enum kv_type t, size_t *scratch,
                          size_t *offsets)
{
    size_t all = 0, largest = 0;

    for (int i = 0; i < p->n_layers; i++) {
        const struct layer_kv *l = &p->kv[i];
        size_t bytes = (size_t)l->kv_heads *
                       (kv_page_bytes(t, l->head_dim) + kv_page_bytes(t, l->value_dim));
        if (offsets)
            offsets[i] = all;
        all += bytes;
        largest = bytes > largest ? bytes : largest;
    }
    *scratch = p->shares_kv ? all : largest; /* what one layer stored, a later one reads */
    return all;
}

int program_value(struct program *p, int width)
{
    if (mem_grow(&p->values, &p->cap_values, (size_t)p->n_values + 1, sizeof *p->values) < 0) {
        p->failed = 1;
        return 0;
    }
    p->values[p->n_values] =
        (struct value){.width = width, .ld = KERNEL_LD(width), .first = -1, .last = -1};
    return p->n_values++;
}

int program_width(const struct program *p, int value)
{
    return p->failed ? 0 : p->values[value].width;
}

int program_op(struct program *p, struct op op)
{
    if (mem_grow(&p->ops, &p->cap_ops, (size_t)p->n_ops + 1, sizeof *p->ops) < 0) {
        p->failed = 1;
        return 0;
    }
    p->ops[p->n_ops] = op;
    return p->n_ops++;
}

const struct rope *program_rope(struct program *p, struct rope r, const double *inv_freq)
{
    size_t bytes = (size_t)r.n_rot / 2 * sizeof *inv_freq;
    double *copy;

    for (int i = 0; i < p->n_ropes; i++) {
        const struct rope *o = &p->ropes[i];
        if (o->n_rot == r.n_rot && o->halves == r.halves && o->magnitude == r.magnitude &&
            memcmp(o->inv_freq, inv_freq, bytes) == 0)
            return o;
    }
    if (!p->ropes)
        p->ropes = mem_calloc(ROPES_MAX, sizeof *p->ropes);
    copy = mem_alloc(bytes);
    if (!p->ropes || !copy || p->n_ropes == ROPES_MAX) {
        mem_free(copy);
        p->failed = 1;
        return NULL;
    }
    memcpy(copy, inv_freq, bytes);
    r.inv_freq = copy;
    p->ropes[p->n_ropes] = r;
    return &p->ropes[p->n_ropes++];
}

int op_is_row_local(enum op_kind k)
{
    switch (k) {
    case OP_LINEAR:
    case OP_KV_STORE:
    case OP_ATTENTION:
    case OP_CONV:
    case OP_SCAN_CHANNELS:
    case OP_SCAN_HEADS:
    case OP_DELTA:
    case OP_HEAD_LINEAR:
    case OP_EXPERTS_UP:
    case OP_EXPERTS_DOWN:
    case OP_GATHER:
    case OP_HEAD:
        return 0;
    default:
        return 1;
    }
}

int op_is_in_place(enum op_kind k)
{
    return k == OP_HEAD_NORM || k == OP_ROPE || k == OP_CLAMP || k == OP_THRESHOLD || k == OP_CUT ||
           k == OP_SCALE || k == OP_MATCH || k == OP_TEMPER || k == OP_XIELU || k == OP_L2_NORM ||
           k == OP_CORRECT;
}

int op_has_matrix(enum op_kind k)
{
    return k == OP_LINEAR || k == OP_HEAD || k == OP_HEAD_LINEAR || k == OP_EXPERTS_UP ||
           k == OP_EXPERTS_DOWN;
}

int op_makes_zeros(const struct op *op)
{
    int is_relu = op->act == ACT_RELU || op->act == ACT_RELU2;

    if (op->kind == OP_LINEAR)
        return op->epilogue == EPILOGUE_GLU || op->epilogue == EPILOGUE_ACT
                   ? is_relu || op->has_threshold
                   : 0;
    if (op->kind == OP_EXPERTS_UP)
        return is_relu && op->w[0];
    return op->kind == OP_THRESHOLD || op->kind == OP_CUT || (op->kind == OP_GATE && is_relu);
}

int op_follows(const struct op *a, const struct op *b)
{
    return op_is_row_local(a->kind) && op_is_row_local(b->kind) &&
           a->wanted_rows == b->wanted_rows;
}

static void touch(struct program *p, int value, int group)
{
    if (value < 0)
        return;
    if (p->values[value].first < 0)
        p->values[value].first = group;
    p->values[value].last = group;
}

/* First fit over the values that are alive at the same time; programs are small. */
static void place(struct program *p)
{
    for (int v = 0; v < p->n_values; v++) {
        struct value *a = &p->values[v];
        int moved = 1;

        a->offset = 0;
        while (moved) {
            moved = 0;
            for (int u = 0; u < v; u++) {
                const struct value *b = &p->values[u];
                int together = a->first <= b->last && b->first <= a->last;
                if (together && a->offset < b->offset + b->ld && b->offset < a->offset + a->ld) {
                    a->offset = b->offset + b->ld;
                    moved = 1;
                }
            }
        }
        if (p->arena_ld < a->offset + a->ld)
            p->arena_ld = a->offset + a->ld;
    }
}

static int check_vector(const struct weight *w, int n, struct err *e)
{
    if (w->f32 && w->k == n && w->rows == 1)
        return 0;
    return err_set(e, ERR_FORMAT, "%s has shape {%d, %d}, expected {%d}",
                   w->name, w->k, w->rows, n);
}

static int check_optional(const struct weight *w, int n, struct err *e)
{
    return w ? check_vector(w, n, e) : 0;
}

static int check_linear(const struct program *p, const struct op *op, struct err *e)
{
    int width = p->values[op->in[0]].width;
    int n_weights = op->epilogue == EPILOGUE_GLU ? 2 : op->n_out;

    for (int i = 0; i < n_weights; i++) {
        const struct weight *w = op->w[i];
        const struct weight *b = op->bias[i];
        int out = op->epilogue == EPILOGUE_GLU ? op->out[0] : op->out[i];
        if (w->k != width || w->rows != p->values[out].width || w->slabs != 1)
            return err_set(e, ERR_FORMAT, "%s has shape {%d, %d}, expected {%d, %d}", w->name, w->k,
                           w->rows, width, p->values[out].width);
        if (b && check_vector(b, w->rows, e) < 0)
            return -1;
    }
    return 0;
}

static int check_slabs(const struct weight *w, int k, int rows, int slabs,
                       const struct weight *bias, struct err *e)
{
    if (w->k != k || w->rows != rows || w->slabs != slabs)
        return err_set(e, ERR_FORMAT, "%s has shape {%d, %d, %d}, expected {%d, %d, %d}", w->name,
                       w->k, w->rows, w->slabs, k, rows, slabs);
    if (bias && (int64_t)bias->k * bias->rows != (int64_t)rows * slabs)
        return err_set(e, ERR_FORMAT, "%s has shape {%d, %d}, expected {%d, %d}", bias->name,
                       bias->k, bias->rows, rows, slabs);
    return 0;
}

static int check_op(const struct program *p, const struct op *op, struct err *e)
{
    switch (op->kind) {
    case OP_LINEAR:
        return check_linear(p, op, e);
    case OP_RMS_NORM:
    case OP_LAYER_NORM:
        return check_optional(op->w[0], p->values[op->in[0]].width, e) < 0
                   ? -1
                   : check_optional(op->bias[0], p->values[op->in[0]].width, e);
    case OP_HEAD_NORM:
        if (!op->w[0] || (op->w[0]->f32 && (int64_t)op->w[0]->k * op->w[0]->rows ==
                                               (int64_t)op->heads * op->head_dim))
            return 0;
        return check_vector(op->w[0], op->head_dim, e);
    case OP_ATTENTION:
        return check_optional(op->w[0], op->heads, e) < 0 ? -1
                                                          : check_optional(op->w[1], op->heads, e);
    case OP_EMBED:
    case OP_HEAD: {
        int width = p->values[op->kind == OP_HEAD ? op->in[0] : op->out[0]].width;
        int fewer = op->kind == OP_EMBED && op->w[0]->rows < p->n_vocab;
        if (op->w[0]->k != width || (op->w[0]->rows != p->n_vocab && !fewer) ||
            op->w[0]->slabs != 1)
            return err_set(e, ERR_FORMAT, "%s has shape {%d, %d}, expected {%d, %d}",
                           op->w[0]->name, op->w[0]->k, op->w[0]->rows, width, p->n_vocab);
        if (op->kind == OP_HEAD)
            return check_optional(op->bias[0], p->n_vocab, e);
        if (op->w[1] && op->w[1]->k != width)
            return err_set(e, ERR_FORMAT, "%s has rows of %d, expected %d", op->w[1]->name,
                           op->w[1]->k, width);
        return 0;
    }
    case OP_SLICE:
        return check_optional(op->w[0], p->values[op->out[0]].width, e);
    case OP_ROUTE:
        if (p->values[op->in[0]].width != op->route.experts)
            return err_set(e, ERR_FORMAT, "a router of %d for %d experts",
                           p->values[op->in[0]].width, op->route.experts);
        return check_optional(op->w[0], op->route.experts, e) < 0
                   ? -1
                   : check_optional(op->w[1], op->route.experts, e);
    case OP_EXPERTS_UP:
        return check_slabs(op->w[1], p->values[op->in[0]].width, op->parts.width,
                           op->route.experts, op->bias[1], e) < 0 ||
                       (op->w[0] && check_slabs(op->w[0], p->values[op->in[0]].width,
                                                op->parts.width, op->route.experts, op->bias[0],
                                                e) < 0)
                   ? -1
                   : 0;
    case OP_EXPERTS_DOWN:
        return check_slabs(op->w[0], op->w[0]->k, op->parts.width, op->route.experts, op->bias[0],
                           e);
    default:
        return 0;
    }
}

static int blocks(int lanes)
{
    return (lanes + SCAN_LANES - 1) / SCAN_LANES;
}

int program_state_units(const struct program *p, const struct op *op)
{
    switch (op->kind) {
    case OP_CONV:
    case OP_SCAN_CHANNELS:
        return blocks(p->values[op->out[0]].width);
    case OP_SCAN_HEADS:
    case OP_DELTA:
        return op->heads * blocks(op->head_dim);
    default:
        return 0;
    }
}

size_t program_unit_floats(const struct op *op)
{
    return (size_t)(op->kind == OP_CONV ? op->rec.taps - 1 : op->rec.states) * SCAN_LANES;
}

static void place_states(struct program *p)
{
    for (int i = 0; i < p->n_ops; i++) {
        struct op *op = &p->ops[i];
        op->rec.state = p->state_floats;
        p->state_floats += (size_t)program_state_units(p, op) * program_unit_floats(op);
    }
}

/* Zeros pass through a gate's product, a norm without bias and a choice of rows. */
static int keeps_zeros(const struct op *op)
{
    return op->kind == OP_GATE || op->kind == OP_RMS_NORM || op->kind == OP_SCALE ||
           op->kind == OP_GATHER;
}

static int mark_sparse(struct program *p)
{
    char *is_sparse = mem_calloc((size_t)p->n_values + 1, 1);

    if (!is_sparse)
        return -1;
    for (int i = 0; i < p->n_ops; i++) {
        struct op *op = &p->ops[i];
        int from = op->in[0] >= 0 ? op->in[0] : op->n_out ? op->out[0] : -1;
        op->is_sparse = from >= 0 && is_sparse[from];
        for (int k = 0; k < op->n_out; k++)
            is_sparse[op->out[k]] =
                (char)(op_makes_zeros(op) || (op->is_sparse && keeps_zeros(op)));
    }
    mem_free(is_sparse);
    return 0;
}

int program_finish(struct program *p, struct err *e)
{
    int group = 0;

    if (p->failed)
        return err_nomem(e);
    for (int i = 0; i < p->n_ops; i++) {
        const struct op *op = &p->ops[i];
        if (i > 0 && !op_follows(op - 1, op))
            group++;
        for (int k = 0; k < OP_INS; k++)
            touch(p, op->in[k], group);
        for (int k = 0; k < op->n_out; k++)
            touch(p, op->out[k], group);
    }
    for (int i = 0; i < p->n_ops; i++) {
        const struct op *op = &p->ops[i];
        if (check_op(p, op, e) < 0)
            return -1;
        if (op->kind == OP_EXPERTS_UP || op->kind == OP_EXPERTS_DOWN)
            p->values[op->out[0]].part_width = op->parts.width;
    }
    if (mark_sparse(p) < 0)
        return err_nomem(e);
    place(p);
    place_states(p);
    return 0;
}
