/* plugin_image.c -- a program in the plain structures of densimeter_device.h, in one block of
 * memory that may be moved to another process; and which values its two sides have to hand over.
 *
 * The batches that run through it are in plugin_batch.c. */
#include <string.h>

#include "runners/plugin.h"
#include "runners/plugin_block.h"

/* Kinds of the contract; 0: it has no name for it. */
static const int kinds[] = {
    [OP_EMBED] = DSM_EMBED, [OP_RMS_NORM] = DSM_RMS_NORM, [OP_LAYER_NORM] = DSM_LAYER_NORM,
    [OP_HEAD_NORM] = DSM_HEAD_NORM, [OP_LINEAR] = DSM_LINEAR, [OP_ROPE] = DSM_ROPE,
    [OP_SCALE] = DSM_SCALE, [OP_KV_STORE] = DSM_KV_STORE, [OP_ATTENTION] = DSM_ATTENTION,
    [OP_ADD] = DSM_ADD, [OP_GATE] = DSM_GATE, [OP_GATHER] = DSM_GATHER, [OP_HEAD] = DSM_HEAD,
    [OP_CLAMP] = DSM_CLAMP, [OP_CONCAT] = DSM_CONCAT, [OP_SLICE] = DSM_SLICE,
    [OP_SCALE_BY] = DSM_SCALE_BY, [OP_L2_NORM] = DSM_L2_NORM, [OP_DEAL] = DSM_DEAL,
    [OP_HEAD_LINEAR] = DSM_HEAD_LINEAR, [OP_ROUTE] = DSM_ROUTE,
    [OP_EXPERTS_UP] = DSM_EXPERTS_UP, [OP_EXPERTS_DOWN] = DSM_EXPERTS_DOWN,
    [OP_COMBINE] = DSM_COMBINE, [OP_CONV] = DSM_CONV, [OP_SCAN_CHANNELS] = DSM_SCAN_CHANNELS,
    [OP_SCAN_HEADS] = DSM_SCAN_HEADS, [OP_DELTA] = DSM_DELTA,
};

/* The last kind that each version has. */
static const int last_kinds[DSM_ABI + 1] = {[1] = DSM_HEAD, [2] = DSM_KINDS - 1};

_Static_assert((int)ACT_TANH == (int)DSM_TANH && (int)ACT_SILU == (int)DSM_SILU &&
                   (int)ACT_RELU2 == (int)DSM_RELU2, "activations are numbered alike");
_Static_assert((int)EPILOGUE_GLU == (int)DSM_GLU && (int)EPILOGUE_ADD == (int)DSM_ADD_TO,
               "epilogues are numbered alike");
_Static_assert(DSM_PAGE == KV_PAGE && NO_SLOT == -1, "pages and slots are alike");
_Static_assert((int)GATING_SPARSEMIXER == (int)DSM_SPARSEMIXER &&
                   (int)GATING_SIGMOID == (int)DSM_SIGMOIDS, "gatings are numbered alike");
_Static_assert(DEAL_PARTS == DSM_DEAL_PARTS, "parts that are dealt are as many");
/* What is in arrays has the size that it had in version 1. */
_Static_assert(sizeof(void *) != 8 ||
                   (sizeof(struct dsm_op) == 168 && sizeof(struct dsm_tensor) == 48 &&
                    sizeof(struct dsm_value) == 16 && sizeof(struct dsm_rope) == 24 &&
                    sizeof(struct dsm_cache) == 12 && sizeof(struct dsm_span) == 24 &&
                    sizeof(struct dsm_page_copy) == 12 && sizeof(struct dsm_head) == 48),
               "elements of arrays have kept their size");

static int kind_of(const struct op *op)
{
    size_t k = (size_t)op->kind;

    if (k >= sizeof kinds / sizeof kinds[0] || op->has_threshold)
        return 0;
    return kinds[k];
}

static int changes_in_place(const struct dsm_op *o)
{
    return o->kind == DSM_HEAD_NORM || o->kind == DSM_ROPE || o->kind == DSM_SCALE ||
           o->kind == DSM_CLAMP || o->kind == DSM_L2_NORM;
}

/* ---- the program ---- */

union detail { /* what some kinds need beyond struct dsm_op */
    struct dsm_experts experts;
    struct dsm_recurrence recurrence;
    struct dsm_deal deal;
};

struct image_parts {
    struct dsm_program *p;
    struct dsm_op *ops;
    struct dsm_value *values;
    struct dsm_tensor *tensors;
    struct dsm_slabs *slabs;
    const void **slab; /* of all tensors, one after the other */
    struct dsm_cache *caches;
    struct dsm_rope *ropes;
    union detail *details; /* [n_ops] */
    double *freqs;
    char *names;
};

static size_t freqs_of(const struct program *p)
{
    size_t n = 0;

    for (int i = 0; i < p->n_ropes; i++)
        n += (size_t)p->ropes[i].n_rot / 2;
    return n;
}

/* Every weight of the program, once for each use. */
static const struct weight *weight_at(const struct program *p, int op, int i)
{
    return i < OP_OUTS ? p->ops[op].w[i] : p->ops[op].bias[i - OP_OUTS];
}

static void count_weights(const struct program *p, size_t *names, size_t *slabs)
{
    *names = *slabs = 0;
    for (int i = 0; i < p->n_ops; i++)
        for (int k = 0; k < 2 * OP_OUTS && kind_of(&p->ops[i]); k++)
            if (weight_at(p, i, k)) {
                *names += strlen(weight_at(p, i, k)->name) + 1;
                *slabs += (size_t)weight_at(p, i, k)->slabs;
            }
}

static struct image_parts lay_out(struct cursor *c, const struct program *p)
{
    struct image_parts t;
    size_t names, slabs;

    count_weights(p, &names, &slabs);

    t.p = take(c, sizeof *t.p);
    t.ops = take(c, (size_t)p->n_ops * sizeof *t.ops);
    t.values = take(c, (size_t)p->n_values * sizeof *t.values);
    t.tensors = take(c, (size_t)p->n_weights * sizeof *t.tensors);
    t.slabs = take(c, (size_t)p->n_weights * sizeof *t.slabs);
    t.slab = take(c, slabs * sizeof *t.slab);
    t.caches = take(c, (size_t)p->n_layers * sizeof *t.caches);
    t.ropes = take(c, (size_t)p->n_ropes * sizeof *t.ropes);
    t.freqs = take(c, freqs_of(p) * sizeof *t.freqs);
    t.details = take(c, (size_t)p->n_ops * sizeof *t.details);
    t.names = take(c, names);
    return t;
}

size_t plugin_image_bytes(const struct program *p)
{
    struct cursor c = {0};

    lay_out(&c, p);
    return c.used;
}

static void fill_ropes(const struct image_parts *t, const struct program *p)
{
    double *to = t->freqs;

    for (int i = 0; i < p->n_ropes; i++) {
        const struct rope *r = &p->ropes[i];
        size_t n = (size_t)r->n_rot / 2;
        memcpy(to, r->inv_freq, n * sizeof *to);
        t->ropes[i] = (struct dsm_rope){to, r->magnitude, r->n_rot, r->halves};
        to += n;
    }
}

static const struct dsm_tensor *fill_tensor(struct image_parts *t, const struct weight *w)
{
    struct dsm_tensor *to;

    if (!w)
        return NULL;
    to = &t->tensors[w->id];
    if (to->name)
        return to;
    *to = (struct dsm_tensor){
        .name = strcpy(t->names, w->name), .data = w->slab ? w->slab[0] : w->data, .f32 = w->f32,
        .row_bytes = w->row_bytes, .type = w->type, .k = w->k, .rows = w->rows, .id = w->id};
    t->names += strlen(w->name) + 1;
    t->slabs[w->id] = (struct dsm_slabs){.data = t->slab, .n = w->slabs};
    for (int s = 0; s < w->slabs; s++)
        *t->slab++ = w->slab ? w->slab[s] : w->data + (size_t)s * w->slab_bytes;
    return to;
}

static void fill_experts(struct dsm_experts *to, const struct program *p, const struct op *op)
{
    const struct route *r = &op->route;
    int width = op->parts.width;

    *to = (struct dsm_experts){
        .n = r->experts, .used = op->kind == OP_ROUTE ? r->used : op->parts.n,
        .gating = (int32_t)r->gating, .groups = r->groups, .groups_used = r->groups_used,
        .is_normalised = r->is_normalised, .scale = r->scale, .part_width = width,
        .part_ld = width ? (int32_t)KERNEL_LD(width) : 0,
        .weighs_input = op->parts.weighs_input};
    if (op->kind == OP_EXPERTS_DOWN)
        to->in_ld = p->values[op->in[0]].width / op->parts.n;
}

/* What the op's kind has in a structure of its own, or in the place of others' fields. */
static void fill_detail(struct dsm_op *to, union detail *d, const struct program *p,
                        const struct op *op)
{
    switch (op->kind) {
    case OP_CLAMP:
        to->limit = op->limit;
        return;
    case OP_SLICE:
        to->at = op->at;
        return;
    case OP_L2_NORM:
        to->first = op->first;
        return;
    case OP_EXPERTS_UP:
        to->limit = op->limit; /* and: */
        /* fall through */
    case OP_ROUTE:
    case OP_EXPERTS_DOWN:
    case OP_COMBINE:
        fill_experts(&d->experts, p, op);
        to->experts = &d->experts;
        return;
    case OP_CONV:
    case OP_SCAN_CHANNELS:
    case OP_SCAN_HEADS:
    case OP_DELTA:
        d->recurrence = (struct dsm_recurrence){op->rec.taps, op->rec.states, op->rec.groups,
                                                op->rec.is_tiled, op->rec.is_paired};
        to->recurrence = &d->recurrence;
        return;
    case OP_DEAL:
        d->deal.groups = op->deal.groups;
        d->deal.n = op->deal.n;
        for (int i = 0; i < op->deal.n; i++) {
            d->deal.part[i].width = op->deal.part[i].width;
            d->deal.part[i].out = op->deal.part[i].out;
            d->deal.part[i].at = op->deal.part[i].at;
        }
        to->deal = &d->deal;
        return;
    default:
        return;
    }
}

static void fill_op(struct image_parts *t, const struct program *p, int i)
{
    const struct op *op = &p->ops[i];
    struct dsm_op *to = &t->ops[i];

    to->layer = op->layer;
    to->kind = kind_of(op);
    to->n_out = op->n_out;
    memcpy(to->in, op->in, sizeof to->in);
    for (int k = 0; k < OP_OUTS; k++)
        to->out[k] = k < op->n_out ? op->out[k] : -1;
    to->wanted_rows = op->wanted_rows;
    if (!to->kind)
        return;
    for (int k = 0; k < OP_OUTS; k++) {
        to->w[k] = fill_tensor(t, op->w[k]);
        to->bias[k] = fill_tensor(t, op->bias[k]);
    }
    if (op->rope)
        to->rope = &t->ropes[op->rope - p->ropes];
    to->epilogue = (int32_t)op->epilogue;
    to->act = (int32_t)op->act;
    to->eps = op->eps;
    to->scale = op->scale;
    to->softcap = op->softcap;
    to->heads = op->heads;
    to->kv_heads = op->kv_heads;
    to->head_dim = op->head_dim;
    to->value_dim = op->value_dim;
    to->window = op->window;
    to->chunk = op->chunk;
    to->mean_removed = op->mean_removed;
    to->rope_at = op->rope_at;
    to->kv_layer = op->kv_layer;
    fill_detail(to, &t->details[i], p, op);
}

void plugin_image_fill(struct plugin_image *out, void *block, const struct program *p,
                       const struct device_opts *o)
{
    struct cursor c = {.block = block};
    struct image_parts t;

    memset(block, 0, plugin_image_bytes(p));
    t = lay_out(&c, p);
    fill_ropes(&t, p);
    for (int i = 0; i < p->n_ops; i++)
        fill_op(&t, p, i);
    for (int i = 0; i < p->n_values; i++)
        t.values[i] = (struct dsm_value){NULL, p->values[i].width, (int32_t)p->values[i].ld};
    for (int i = 0; i < p->n_layers; i++)
        t.caches[i] = (struct dsm_cache){p->kv[i].kv_heads, p->kv[i].head_dim, p->kv[i].value_dim};
    *t.p = (struct dsm_program){
        .n_ops = p->n_ops, .n_values = p->n_values, .n_tensors = p->n_weights,
        .n_ropes = p->n_ropes,
        .n_layers = p->n_layers, .n_vocab = p->n_vocab, .max_rows = o->max_rows,
        .kv_pages = o->kv_pages, .kv_scratch = o->kv_scratch, .ops = t.ops, .values = t.values,
        .tensors = t.tensors, .ropes = t.ropes, .caches = t.caches, .slabs = t.slabs,
        .state_slots = o->state_slots};
    *out = (struct plugin_image){t.p, t.ops, t.values, t.tensors, t.slabs, c.used};
}

void plugin_image_for(struct dsm_program *p, int abi)
{
    struct dsm_op *ops = (struct dsm_op *)(uintptr_t)p->ops;

    for (int i = 0; i < p->n_ops; i++) {
        const struct dsm_op o = ops[i];
        if (o.kind <= last_kinds[abi])
            continue;
        ops[i] = (struct dsm_op){.layer = o.layer, .n_out = o.n_out, .wanted_rows = o.wanted_rows};
        memcpy(ops[i].in, o.in, sizeof o.in);
        memcpy(ops[i].out, o.out, sizeof o.out);
    }
}

/* ---- who has what ---- */

/* What `op` reads of the value: bits as in dsm_op.fresh. */
static uint32_t reads(const struct dsm_op *op, int value)
{
    uint32_t bits = 0;

    for (int k = 0; k < 4; k++)
        if (op->in[k] == value)
            bits |= 1u << k;
    return bits | (changes_in_place(op) && op->out[0] == value ? 1u << 4 : 0);
}

static int writes(const struct dsm_op *op, int value)
{
    for (int k = 0; k < op->n_out; k++)
        if (op->out[k] == value)
            return 1;
    return 0;
}

/* The host looks at what op number i leaves in the value before somebody writes there again.  Of an
 * op that the contract has no name for it is not known whether it changes in place: it reads. */
static int is_looked_at(const struct plugin_image *m, int i, int value)
{
    for (int j = i + 1; j < m->p->n_ops; j++) {
        const struct dsm_op *op = &m->ops[j];
        if (!op->is_mine && (reads(op, value) || (!op->kind && writes(op, value))))
            return 1;
        if (writes(op, value))
            return 0;
    }
    return 0;
}

/* The op before number i that last wrote the value is the host's. */
static int is_hosts(const struct plugin_image *m, int i, int value)
{
    for (int j = i - 1; j >= 0; j--)
        if (writes(&m->ops[j], value))
            return !m->ops[j].is_mine;
    return 0;
}

void plugin_image_place(struct plugin_image *m, int (*takes)(const void *user, int op),
                        const void *user)
{
    for (int i = 0; i < m->p->n_ops; i++)
        m->ops[i].is_mine = m->ops[i].kind && !takes(user, i);
    for (int i = 0; i < m->p->n_ops; i++) {
        struct dsm_op *op = &m->ops[i];
        op->fresh = op->wanted = 0;
        for (int k = 0; k < 4 && op->is_mine; k++)
            if (op->in[k] >= 0 && is_hosts(m, i, op->in[k]))
                op->fresh |= 1u << k;
        if (op->is_mine && changes_in_place(op) && is_hosts(m, i, op->out[0]))
            op->fresh |= 1u << 4;
        for (int k = 0; k < op->n_out && op->is_mine; k++)
            if (is_looked_at(m, i, op->out[k]))
                op->wanted |= 1u << k;
    }
}

/* ---- moving ---- */

void plugin_image_move(struct dsm_program *p, ptrdiff_t by)
{
    struct dsm_op *ops = moved(p->ops, by);
    struct dsm_value *values = moved(p->values, by);
    struct dsm_tensor *tensors = moved(p->tensors, by);
    struct dsm_rope *ropes = moved(p->ropes, by);
    struct dsm_slabs *slabs = moved(p->slabs, by);

    for (int i = 0; i < p->n_ops; i++) {
        for (int k = 0; k < OP_OUTS; k++) {
            ops[i].w[k] = moved(ops[i].w[k], by);
            ops[i].bias[k] = moved(ops[i].bias[k], by);
        }
        ops[i].rope = moved(ops[i].rope, by); /* or whatever its kind has there */
    }
    for (int i = 0; i < p->n_ropes; i++)
        ropes[i].inv_freq = moved(ropes[i].inv_freq, by);
    for (int i = 0; i < p->n_values; i++)
        values[i].data = moved(values[i].data, by);
    for (int i = 0; i < p->n_tensors; i++) {
        tensors[i].name = moved(tensors[i].name, by);
        tensors[i].data = moved(tensors[i].data, by);
        tensors[i].f32 = moved(tensors[i].f32, by);
        slabs[i].data = moved(slabs[i].data, by);
        for (int k = 0; k < slabs[i].n; k++)
            ((const void **)(uintptr_t)slabs[i].data)[k] = moved(slabs[i].data[k], by);
    }
    p->ops = ops;
    p->values = values;
    p->tensors = tensors;
    p->ropes = ropes;
    p->caches = moved(p->caches, by);
    p->slabs = slabs;
}
