/* plugin_image.c -- a program and its batches in the plain structures of densimeter_device.h, each
 * in one block of memory that may be moved to another process. */
#include <math.h>
#include <string.h>

#include "runners/plugin.h"

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

/* ---- one block ---- */

/* Hands out parts of a block; without one it only counts. */
struct cursor {
    char *block;
    size_t used;
};

static void *take(struct cursor *c, size_t bytes)
{
    char *at = c->block ? c->block + c->used : NULL;

    c->used += (bytes + 63) / 64 * 64;
    return at;
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

static void *moved(const void *p, ptrdiff_t by)
{
    return p ? (char *)(uintptr_t)p + by : NULL;
}

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

/* ---- batches ---- */

struct batch_parts {
    struct dsm_batch *b;
    int32_t *tokens, *positions, *pages, *targets;
    struct dsm_span *spans;
    struct dsm_page_copy *copies;
    struct dsm_state_copy *state_copies;
    int32_t *states;
    struct dsm_head *heads;
    float *target_logits, *logits;
};

static int pages_of(const struct span *s)
{
    return s->n > 0 ? (s->position + s->n - 1) / KV_PAGE + 1 : 0;
}

static struct batch_parts lay_out_batch(struct cursor *c, const struct batch *b, int n_vocab)
{
    size_t pages = 0, targets = 0, full = 0, n = (size_t)b->n;
    struct batch_parts t;

    for (int i = 0; i < b->n_spans; i++)
        pages += (size_t)pages_of(&b->spans[i]);
    for (int i = 0; i < b->n_heads; i++) {
        targets += (size_t)b->heads[i].n_targets;
        full += b->heads[i].logits != NULL;
    }
    t.b = take(c, sizeof *t.b);
    t.tokens = take(c, n * sizeof *t.tokens);
    t.positions = take(c, n * sizeof *t.positions);
    t.spans = take(c, (size_t)b->n_spans * sizeof *t.spans);
    t.pages = take(c, pages * sizeof *t.pages);
    t.copies = take(c, (size_t)b->n_copies * sizeof *t.copies);
    t.state_copies = take(c, (size_t)b->n_state_copies * sizeof *t.state_copies);
    t.states = take(c, (size_t)b->n_spans * sizeof *t.states);
    t.heads = take(c, (size_t)b->n_heads * sizeof *t.heads);
    t.targets = take(c, targets * sizeof *t.targets);
    t.target_logits = take(c, targets * sizeof *t.target_logits);
    t.logits = take(c, full * (size_t)n_vocab * sizeof *t.logits);
    return t;
}

size_t plugin_batch_bytes(const struct batch *b, int n_vocab)
{
    struct cursor c = {0};

    lay_out_batch(&c, b, n_vocab);
    return c.used;
}

/* Nothing that an earlier batch left may pass for an answer. */
static void fill_heads(const struct batch_parts *t, const struct batch *b, int n_vocab)
{
    int32_t *targets = t->targets;
    float *at = t->target_logits, *logits = t->logits;

    for (int i = 0; i < b->n_heads; i++) {
        const struct head_row *h = &b->heads[i];
        size_t n = (size_t)h->n_targets;
        if (n)
            memcpy(targets, h->targets, n * sizeof *targets);
        for (size_t k = 0; k < n; k++)
            at[k] = NAN;
        for (int k = 0; h->logits && k < n_vocab; k++)
            logits[k] = NAN;
        t->heads[i] = (struct dsm_head){
            .row = h->row, .n_targets = h->n_targets, .targets = targets, .target_logits = at,
            .logits = h->logits ? logits : NULL, .lse = NAN, .argmax = -1};
        targets += n;
        at += n;
        logits += h->logits ? n_vocab : 0;
    }
}

struct dsm_batch *plugin_batch_fill(void *block, const struct batch *b, int n_vocab)
{
    struct cursor c = {.block = block};
    struct batch_parts t = lay_out_batch(&c, b, n_vocab);
    int32_t *pages = t.pages;

    memcpy(t.tokens, b->tokens, (size_t)b->n * sizeof *t.tokens);
    memcpy(t.positions, b->positions, (size_t)b->n * sizeof *t.positions);
    for (int i = 0; i < b->n_spans; i++) {
        const struct span *s = &b->spans[i];
        int n = pages_of(s);
        if (n)
            memcpy(pages, s->pages, (size_t)n * sizeof *pages);
        t.spans[i] = (struct dsm_span){s->row0, s->n, s->position, n, pages};
        t.states[i] = s->state;
        pages += n;
    }
    for (int i = 0; i < b->n_copies; i++)
        t.copies[i] = (struct dsm_page_copy){b->copies[i].dst, b->copies[i].src,
                                             b->copies[i].before_row};
    for (int i = 0; i < b->n_state_copies; i++)
        t.state_copies[i] =
            (struct dsm_state_copy){b->state_copies[i].dst, b->state_copies[i].src,
                                    b->state_copies[i].before_row};
    fill_heads(&t, b, n_vocab);
    *t.b = (struct dsm_batch){
        .n = b->n, .n_spans = b->n_spans, .n_copies = b->n_copies, .n_heads = b->n_heads,
        .n_state_copies = b->n_state_copies, .tokens = t.tokens, .positions = t.positions,
        .spans = t.spans, .copies = t.copies, .heads = t.heads, .states = t.states,
        .state_copies = t.state_copies};
    return t.b;
}

void plugin_batch_move(struct dsm_batch *d, ptrdiff_t by)
{
    struct dsm_span *spans = moved(d->spans, by);
    struct dsm_head *heads = moved(d->heads, by);

    for (int i = 0; i < d->n_spans; i++)
        spans[i].pages = moved(spans[i].pages, by);
    for (int i = 0; i < d->n_heads; i++) {
        heads[i].targets = moved(heads[i].targets, by);
        heads[i].target_logits = moved(heads[i].target_logits, by);
        heads[i].logits = moved(heads[i].logits, by);
    }
    d->tokens = moved(d->tokens, by);
    d->positions = moved(d->positions, by);
    d->spans = spans;
    d->copies = moved(d->copies, by);
    d->heads = heads;
    d->states = moved(d->states, by);
    d->state_copies = moved(d->state_copies, by);
}

/* 0 where something is not finite.  *most: the largest logit that is known. */
static int largest(const struct head_row *h, int n_vocab, double *most)
{
    double sum = h->lse;

    *most = -INFINITY;
    for (int k = 0; k < h->n_targets; k++) {
        if (h->targets[k] < 0) /* nobody looks */
            continue;
        sum += h->target_logits[k];
        *most = fmax(*most, h->target_logits[k]);
    }
    for (int i = 0; h->logits && i < n_vocab; i++) {
        sum += h->logits[i];
        *most = fmax(*most, h->logits[i]);
    }
    return isfinite(sum);
}

int plugin_batch_take(struct batch *b, const void *block, int n_vocab, struct err *e)
{
    struct cursor c = {.block = (char *)(uintptr_t)block};
    struct batch_parts t = lay_out_batch(&c, b, n_vocab);
    const float *at = t.target_logits, *logits = t.logits;

    for (int i = 0; i < b->n_heads; i++) {
        struct head_row *h = &b->heads[i];
        size_t n = (size_t)h->n_targets;
        double most;
        h->lse = t.heads[i].lse;
        h->argmax = t.heads[i].argmax;
        if (n)
            memcpy(h->target_logits, at, n * sizeof *at);
        if (h->logits)
            memcpy(h->logits, logits, (size_t)n_vocab * sizeof *logits);
        at += n;
        logits += h->logits ? n_vocab : 0;
        if (!largest(h, n_vocab, &most))
            return err_set(e, ERR_NUMERIC, "the logits at position %d are not finite",
                           b->positions[h->row]);
        if (h->argmax < 0 || h->argmax >= n_vocab)
            return err_set(e, ERR_NUMERIC, "the likeliest token at position %d is %d, not in 0..%d",
                           b->positions[h->row], h->argmax, n_vocab - 1);
        if (most - h->lse > 1e-3 * fmax(1, fabs(h->lse)))
            return err_set(e, ERR_NUMERIC, "a likelihood at position %d is over 1: logit %g, "
                           "log-sum-exp %g", b->positions[h->row], most, h->lse);
    }
    return 0;
}
