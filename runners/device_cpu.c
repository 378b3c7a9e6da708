/* device_cpu.c -- worker threads, and kernels chosen at run time by what the CPU has.
 * See cpu.h. */
#include <math.h>
#include <string.h>
#include <sys/mman.h>

#include "base/mem.h"
#include "runners/cpu.h"

enum { HUGE_FROM = 4 << 20 };

void *cpu_map(size_t bytes, int huge)
{
    void *p = mmap(NULL, bytes ? bytes : 1, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (p == MAP_FAILED)
        return NULL;
    if (huge && bytes >= HUGE_FROM)
        madvise(p, bytes, MADV_HUGEPAGE);
    return p;
}

void cpu_unmap(void *p, size_t bytes)
{
    if (p)
        munmap(p, bytes ? bytes : 1);
}

static int map_kv(struct device *d, const struct device_opts *o, struct err *e)
{
    d->layer_offset = mem_calloc((size_t)d->p->n_layers, sizeof *d->layer_offset);
    if (!d->layer_offset)
        return err_nomem(e);
    d->kv_type = o->kv_type;
    d->page_bytes = program_page_bytes(d->p, d->kv_type, &d->scratch_page_bytes, d->layer_offset);
    for (int i = 0; i < d->p->n_layers; i++) {
        size_t floats = (size_t)(d->p->kv[i].head_dim + d->p->kv[i].value_dim) * KV_PAGE;
        if (d->kv_type != KV_F32 && d->room_floats < floats)
            d->room_floats = floats;
    }
    d->kv_bytes = d->page_bytes * (size_t)o->kv_pages;
    d->kv_scratch_bytes = d->scratch_page_bytes * (size_t)o->kv_scratch;
    d->kv = cpu_map(d->kv_bytes, 0);
    d->kv_scratch = cpu_map(d->kv_scratch_bytes, 0);
    if (d->kv && d->kv_scratch)
        return 0;
    return err_set(e, ERR_NOMEM, "out of memory: keys and values need %zu bytes",
                   d->kv_bytes + d->kv_scratch_bytes);
}

static int map_states(struct device *d, const struct device_opts *o, struct err *e)
{
    d->state_bytes = d->p->state_floats * (size_t)o->state_slots * sizeof(float);
    if (d->state_bytes == 0)
        return 0;
    d->states = cpu_map(d->state_bytes, 0);
    if (d->states)
        return 0;
    return err_set(e, ERR_NOMEM, "out of memory: states of recurrent layers need %zu bytes",
                   d->state_bytes);
}

static int map_activations(struct device *d)
{
    size_t rows = (size_t)d->max_rows;

    for (int i = 0; i < d->p->n_ops && d->fast; i++) {
        const struct op *op = &d->p->ops[i];
        int k = !cpu_wants_acts(op->kind) ? 0 : op->w[0] ? op->w[0]->k : op->w[1]->k;
        size_t bytes = k ? (size_t)cpu_act_parts(op) * rows *
                               fast_act_bytes((k + FAST_BLOCK - 1) / FAST_BLOCK * FAST_BLOCK)
                         : 0;
        if (d->acts_bytes < bytes)
            d->acts_bytes = bytes;
    }
    d->arena_bytes = d->p->arena_ld * rows * sizeof(float);
    d->arena = cpu_map(d->arena_bytes, 0);
    for (int i = 0; i < d->p->n_ropes; i++)
        d->rope_bytes += (size_t)d->p->ropes[i].n_rot * rows * sizeof(float);
    d->rope_tables = cpu_map(d->rope_bytes, 0);
    d->lse_blocks = (d->p->n_vocab + LSE_BLOCK - 1) / LSE_BLOCK;
    d->lse_bytes = (size_t)d->lse_blocks * rows * sizeof *d->lse;
    d->lse = cpu_map(d->lse_bytes, 0);
    if (!d->arena || !d->rope_tables || !d->lse)
        return -1;
    if (!d->fast)
        return 0;
    d->acts[0] = cpu_map(d->acts_bytes, 0);
    d->acts[1] = cpu_map(d->acts_bytes, 0);
    return d->acts[0] && d->acts[1] ? 0 : -1;
}

static int make_scratch(struct device *d, int pages)
{
    d->scratch = mem_calloc((size_t)d->threads, sizeof *d->scratch);
    if (!d->scratch)
        return -1;
    for (int i = 0; i < d->threads; i++) {
        struct worker_scratch *s = &d->scratch[i];
        s->panel = cpu_map(d->panel_floats * sizeof(float), 0);
        s->block = cpu_map(d->block_floats * sizeof(float), 0);
        s->columns = cpu_map(d->column_floats * sizeof(float), 0);
        s->sums = cpu_map(d->sparse_k ? SPARSE_COLUMNS * 16 * SPARSE_ROWS * sizeof(float) : 0, 0);
        s->active = mem_calloc((size_t)d->sparse_k + 1, sizeof *s->active);
        s->acts = cpu_map(d->column_act_bytes, 0);
        s->own = cpu_map(OWN_ROWS * d->own_floats * sizeof(float), 0);
        s->own_acts = cpu_map(OWN_ROWS * d->own_bytes, 0);
        s->kv_room = cpu_map(d->room_floats * sizeof(float), 0);
        s->slots = mem_calloc(d->slot_count + 1, sizeof *s->slots);
        s->k_pages = mem_calloc((size_t)pages, sizeof *s->k_pages);
        s->v_pages = mem_calloc((size_t)pages, sizeof *s->v_pages);
        if (!s->panel || !s->block || !s->columns || !s->sums || !s->active || !s->acts ||
            !s->own || !s->own_acts || !s->kv_room || !s->slots || !s->k_pages || !s->v_pages)
            return -1;
    }
    return 0;
}

static void cpu_close(struct device *d)
{
    if (!d)
        return;
    pool_close(d->pool);
    for (int i = 0; d->scratch && i < d->threads; i++) {
        cpu_unmap(d->scratch[i].panel, d->panel_floats * sizeof(float));
        cpu_unmap(d->scratch[i].block, d->block_floats * sizeof(float));
        cpu_unmap(d->scratch[i].columns, d->column_floats * sizeof(float));
        cpu_unmap(d->scratch[i].sums,
                  d->sparse_k ? SPARSE_COLUMNS * 16 * SPARSE_ROWS * sizeof(float) : 0);
        mem_free(d->scratch[i].active);
        cpu_unmap(d->scratch[i].acts, d->column_act_bytes);
        cpu_unmap(d->scratch[i].own, OWN_ROWS * d->own_floats * sizeof(float));
        cpu_unmap(d->scratch[i].own_acts, OWN_ROWS * d->own_bytes);
        cpu_unmap(d->scratch[i].kv_room, d->room_floats * sizeof(float));
        mem_free(d->scratch[i].slots);
        mem_free(d->scratch[i].k_pages);
        mem_free(d->scratch[i].v_pages);
    }
    cpu_unmap(d->packed_region, d->packed_bytes);
    cpu_columns_release(d);
    cpu_count_release(d);
    cpu_profile_release(d);
    cpu_unmap(d->arena, d->arena_bytes);
    cpu_unmap(d->rope_tables, d->rope_bytes);
    cpu_unmap(d->lse, d->lse_bytes);
    cpu_unmap(d->acts[0], d->acts_bytes);
    cpu_unmap(d->acts[1], d->acts_bytes);
    cpu_unmap(d->kv, d->kv_bytes);
    cpu_unmap(d->kv_scratch, d->kv_scratch_bytes);
    cpu_unmap(d->states, d->state_bytes);
    mem_free(d->layer_offset);
    mem_free(d->packed);
    mem_free(d->scratch);
    mem_free(d->units);
    mem_free(d->counters);
    cpu_share_release(d);
    mem_free(d->steps);
    mem_free(d);
}

static int choose_kernels(struct device *d, const struct device_opts *o, struct err *e)
{
    d->k = o->kernels ? kernels_find(o->kernels) : kernels_best();
    if (!d->k) {
        err_set(e, ERR_USAGE, "kernels '%.40s' are unknown or this CPU does not have them",
                o->kernels);
        err_hint(e, "kernels: ref, avx2, avx512, neon");
        return -1;
    }
    if (o->numerics != NUMERICS_FAST)
        return 0;
    d->fast = o->kernels ? fast_kernels_find(o->kernels) : NULL;
    if (!d->fast)
        d->fast = fast_kernels_best();
    return 0;
}

static int cpu_open(struct device **out, const struct program *p, const struct device_opts *o,
                    struct err *e)
{
    struct device *d = mem_calloc(1, sizeof *d);
    int rc = -1;

    *out = NULL;
    if (!d)
        return err_nomem(e);
    d->p = p;
    d->max_rows = o->max_rows;
    d->check_finite = o->check_finite;
    if (choose_kernels(d, o, e) < 0 || pool_open(&d->pool, o->threads, e) < 0)
        goto out;
    d->threads = pool_threads(d->pool);
    d->packed = mem_calloc((size_t)p->n_weights, sizeof *d->packed);
    if (!d->packed) {
        err_nomem(e);
        goto out;
    }
    if (cpu_columns(d, e) < 0)
        goto out;
    if (d->fast && cpu_pack(d, e) < 0)
        goto out;
    cpu_linear_scratch(d);
    cpu_slab_scratch(d);
    if (map_kv(d, o, e) < 0 || map_states(d, o, e) < 0)
        goto out;
    if (map_activations(d) < 0 || cpu_build_steps(d) < 0 ||
        make_scratch(d, o->kv_pages + o->kv_scratch) < 0) {
        err_nomem(e);
        goto out;
    }
    *out = d;
    d = NULL;
    rc = 0;
out:
    cpu_close(d);
    return rc;
}

static void run_all(void *arg, int worker)
{
    struct device *d = arg;
    int from, to;

    cpu_part(d, d->batch->n, worker, &from, &to);
    cpu_rope_tables(d, from, to);
    cpu_walk(d, 0, d->n_steps, worker);
}

/* ---- the same steps one at a time, looking for the first output that is not finite ---- */

struct probe {
    struct device *d;
    int step; /* -1: what comes before the first */
};

static void run_one(void *arg, int worker)
{
    struct probe *p = arg;
    int from, to;

    cpu_part(p->d, p->d->batch->n, worker, &from, &to);
    if (p->step < 0)
        cpu_rope_tables(p->d, from, to);
    else
        cpu_walk_one(p->d, p->step, worker);
}

static int first_bad_row(const struct device *d, const struct op *op, int value)
{
    const struct value *v = &d->p->values[value];
    int part = v->part_width ? v->part_width : v->width; /* nothing means what lies between parts */
    int step = v->part_width ? (int)KERNEL_LD(part) : v->width;

    for (int row = 0; row < cpu_rows(d, op); row++) {
        const float *y = cpu_row(d, value, row);
        for (int i = 0; i < v->width; i++)
            if (i % step < part && !isfinite(y[i]))
                return row;
    }
    return -1;
}

int cpu_check_outputs(const struct device *d, const struct op *op, struct err *e)
{
    for (int k = 0; k < op->n_out; k++) {
        int row = first_bad_row(d, op, op->out[k]);
        const struct weight *w = op->w[k];
        const struct weight *gated = k + 1 == op->n_out && op->n_out < OP_OUTS ? op->w[op->n_out]
                                                                                : NULL;
        if (row < 0)
            continue;
        if (op->wanted_rows)
            row = d->batch->heads[row].row;
        return err_set(e, ERR_NUMERIC,
                       "the output of %s (%s%s%s%slayer %d) at position %d is not finite",
                       op_name(op->kind), w ? w->name : "", w ? ", " : "",
                       gated ? gated->name : "", gated ? ", " : "", op->layer,
                       d->batch->positions[row]);
    }
    return 0;
}

static int first_bad_head(const struct device *d)
{
    for (int i = 0; i < d->batch->n_heads; i++)
        if (!isfinite(d->batch->heads[i].lse))
            return i;
    return -1;
}

static void reset_counters(struct device *d)
{
    for (int i = 0; i < d->n_steps; i++)
        atomic_store_explicit(&d->counters[i].next, 0, memory_order_relaxed);
    cpu_share_reset(d);
}

int cpu_begin(struct device *d, struct batch *b)
{
    struct probe ropes = {d, -1};

    d->batch = b;
    if (cpu_attend_units(d) < 0)
        return -1;
    pool_run(d->pool, run_one, &ropes);
    return 0;
}

struct stretch {
    struct device *d;
    int from, to; /* steps */
};

static void run_stretch(void *arg, int worker)
{
    const struct stretch *s = arg;

    cpu_walk(s->d, s->from, s->to, worker);
}

void cpu_run_ops(struct device *d, int from, int to)
{
    struct stretch s = {d, 0, 0};

    while (s.from < d->n_steps && d->steps[s.from].op < d->p->ops + from)
        s.from++;
    for (s.to = s.from; s.to < d->n_steps && d->steps[s.to].op < d->p->ops + to; s.to++)
        ;
    reset_counters(d);
    pool_run(d->pool, run_stretch, &s);
}

static int run_checked(struct device *d, struct err *e)
{
    int bad;

    reset_counters(d);
    for (struct probe p = {d, -1}; p.step < d->n_steps; p.step++) {
        const struct step *s = p.step < 0 ? NULL : &d->steps[p.step];
        pool_run(d->pool, run_one, &p);
        if (s && s->kind == STEP_OP && cpu_check_outputs(d, s->op, e) < 0)
            return -1;
    }
    bad = first_bad_head(d);
    if (bad < 0)
        return 0;
    return err_set(e, ERR_NUMERIC, "the logits at position %d are not finite",
                   d->batch->positions[d->batch->heads[bad].row]);
}

static int cpu_run(struct device *d, struct batch *b, struct err *e)
{
    d->batch = b;
    if (cpu_attend_units(d) < 0)
        return err_nomem(e);
    if (!d->check_finite) {
        double begin = cpu_is_profiled(d) ? cpu_profile_now() : 0;
        reset_counters(d);
        pool_run(d->pool, run_all, d);
        if (cpu_is_profiled(d))
            cpu_profile_batch(d, cpu_profile_now() - begin);
        if (first_bad_head(d) < 0)
            return 0;
    }
    return run_checked(d, e);
}

static void cpu_info(const struct device *d, struct device_info *out)
{
    *out = (struct device_info){
        .kernels = d->fast ? d->fast->name : d->k->name,
        .threads = d->threads,
        .weights_bytes = d->packed_bytes,
        .columns_bytes = d->columns_bytes,
        .kv_bytes = d->kv_bytes + d->state_bytes,
        .scratch_bytes = d->arena_bytes + d->kv_scratch_bytes + d->lse_bytes + 2 * d->acts_bytes,
    };
}

const struct device_ops device_cpu = {
    "cpu", "this computer's processor", cpu_open, cpu_close, cpu_info, cpu_run, cpu_count,
    cpu_tally, cpu_profile, cpu_profiled, NULL, NULL, 1,
};
