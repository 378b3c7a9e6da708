/* cpu_linear.c -- weights times activations: chunks of weight rows handed out to the workers.
 *
 * exact: the chunk's rows are unpacked once into a panel of floats and used for every batch row.
 * fast:  the packed stripes are multiplied as they are. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "runners/cpu.h"
#include "runners/quant.h"

enum {
    PANEL_BYTES = 320 * 1024,      /* a panel should stay in the second-level cache */
    CHUNKS_PER_WORKER = 4,         /* so that a slow core does not hold up the rest */
    THIN_COLUMNS = 8,              /* with so few, rows are unpacked where they are used ... */
    THIN_ROWS = 8,                 /* ... a few at a time, so that they stay in the first cache */
};

int cpu_uses_fast(const struct device *d, const struct weight *w)
{
    return d->fast && d->packed[w->id].stripes;
}

/* together: matrices whose panels are in the cache at the same time. */
int cpu_chunk_rows(const struct device *d, int k, int rows, int together)
{
    int c = rows / (d->threads * CHUNKS_PER_WORKER);
    int panel = (int)(PANEL_BYTES / sizeof(float) / KERNEL_LD(k)) / (together ? together : 1);

    if (together && c > panel)
        c = panel;
    if (c > CHUNK_ROWS)
        c = CHUNK_ROWS;
    c = c / FAST_ROWS * FAST_ROWS;
    return c < FAST_ROWS ? FAST_ROWS : c;
}

static int matrices_of(const struct op *op) /* whose rows are handed out */
{
    return op->epilogue == EPILOGUE_GLU ? 1 : op->n_out;
}

static int chunk_rows(const struct device *d, const struct op *op)
{
    int is_glu = op->epilogue == EPILOGUE_GLU, rows = 0, c;
    int is_fast = cpu_uses_fast(d, op->w[is_glu ? 1 : op->n_out - 1]);

    for (int i = 0; i < matrices_of(op); i++)
        rows += op->w[i]->rows * (is_glu ? 2 : 1);
    c = cpu_chunk_rows(d, op->w[0]->k, rows, is_fast ? 0 : is_glu ? 2 : 1);
    if (c >= UNIT_ROWS)
        return c / UNIT_ROWS * UNIT_ROWS;
    return is_fast ? UNIT_ROWS : c;
}

static void unpack_row(const struct matmul *m, int row, int to)
{
    const struct weight *w = m->w;
    size_t ld = KERNEL_LD(w->k);
    float *y = m->panel + (size_t)to * ld;

    m->d->k->unpack(w->type, y, m->data + (size_t)row * w->row_bytes, (size_t)w->k);
    for (size_t i = (size_t)w->k; i < ld; i++)
        y[i] = 0;
}

static void unpack_rows(const struct matmul *m, int from, int n)
{
    for (int r = 0; r < n; r++)
        unpack_row(m, from + r, r);
}

static const uint8_t *slab_data(const struct weight *w, int slab)
{
    return w->slab ? w->slab[slab] : w->data + (size_t)slab * w->slab_bytes;
}

struct matmul cpu_matmul(struct device *d, const struct weight *w, int slab, int r0, int rows,
                         int columns, float *panel)
{
    const struct packed *p = &d->packed[w->id];
    struct matmul m = {.d = d, .w = w, .r0 = r0, .rows = rows,
                       .data = slab_data(w, slab) + (size_t)r0 * w->row_bytes,
                       .is_thin = columns <= THIN_COLUMNS, .panel = panel};

    if (cpu_uses_fast(d, w))
        m.stripes = p->stripes + (size_t)slab * p->slab_bytes +
                    (size_t)(r0 / FAST_ROWS) * p->stripe_bytes;
    else if (!m.is_thin)
        unpack_rows(&m, 0, rows);
    return m;
}

/* Rows of matrix i of a linear or a head, and where its columns are. */
static struct matmul prepare(struct device *d, const struct step *st, int i, int r0, int rows,
                             const struct worker_scratch *own, float *panel)
{
    const struct op *op = st->op;
    struct matmul m = cpu_matmul(d, op->w[i], 0, r0, rows, cpu_rows(d, op), panel);

    m.x = own ? own->own : cpu_row(d, op->in[0], 0);
    m.ldx = own ? d->own_floats : d->p->values[op->in[0]].ld;
    m.acts = own ? own->own_acts : d->acts[st->acts];
    return m;
}

void cpu_matmul_exact(const struct matmul *m, const float *x, size_t ldx, int cols, float *out,
                      size_t ldo)
{
    const struct weight *w = m->w;
    size_t ld = KERNEL_LD(w->k);

    if (!m->is_thin) {
        m->d->k->gemm(out, ldo, m->panel, ld, m->rows, x, ldx, cols, w->k);
        return;
    }
    if (m->d->k->gemm_thin && m->d->k->gemm_thin(w->type, out, ldo, m->data, w->row_bytes, m->rows,
                                                 x, ldx, cols, w->k))
        return;
    for (int r = 0; r < m->rows; r += THIN_ROWS) {
        int n = m->rows - r < THIN_ROWS ? m->rows - r : THIN_ROWS;
        unpack_rows(m, r, n);
        m->d->k->gemm(out + r, ldo, m->panel, ld, n, x, ldx, cols, w->k);
    }
}

void cpu_matmul_rows(const struct matmul *m, const int *list, int n, const float *x, size_t ldx,
                     int cols, float *out)
{
    for (int r = 0; r < n; r++)
        unpack_row(m, list[r], r);
    if (n > 0)
        m->d->k->gemm(out, (size_t)n, m->panel, KERNEL_LD(m->w->k), n, x, ldx, cols, m->w->k);
}

void cpu_multiply(const struct matmul *m, const float *x, size_t ldx, const uint8_t *acts, int cols,
                  float *out, size_t ldo)
{
    if (m->stripes)
        m->d->fast->gemm(m->w->type, out, ldo, m->stripes, m->rows, acts, cols, m->w->k);
    else
        cpu_matmul_exact(m, x, ldx, cols, out, ldo);
}

static void multiply(const struct matmul *m, int c0, int cols, float *out, size_t ldo)
{
    cpu_multiply(m, m->x + (size_t)c0 * m->ldx, m->ldx,
                 m->stripes ? m->acts + (size_t)c0 * fast_act_bytes(m->w->k) : NULL, cols, out,
                 ldo);
}

static void add_bias(const struct device *d, float *out, size_t ldo, int cols, int rows,
                     const float *bias)
{
    for (int c = 0; bias && c < cols; c++)
        d->k->add(out + (size_t)c * ldo, out + (size_t)c * ldo, bias, rows);
}

/* A width that is no multiple of 16 leaves what an older value put behind it. */
static void pad_out(const struct device *d, int value)
{
    for (int c = 0; d->p->values[value].width % 16 && c < d->batch->n; c++)
        cpu_pad(d, value, cpu_row(d, value, c));
}

static void plain_chunk(struct device *d, const struct step *st, int i, int r0, int rows,
                        struct worker_scratch *s, const struct worker_scratch *own)
{
    const struct op *op = st->op;
    struct matmul m = prepare(d, st, i, r0, rows, own, s->panel);
    const float *bias = op->bias[i] ? op->bias[i]->f32 + r0 : NULL;
    int n = cpu_rows(d, op);
    size_t ld = d->p->values[op->out[i]].ld;

    if (op->epilogue != EPILOGUE_ADD) {
        float *out = cpu_row(d, op->out[i], 0) + r0;
        multiply(&m, 0, n, out, ld);
        add_bias(d, out, ld, n, rows, bias);
        for (int c = 0; op->epilogue == EPILOGUE_ACT && c < n; c++)
            d->k->act(op->act, out + (size_t)c * ld, out + (size_t)c * ld, rows);
        return;
    }
    for (int c0 = 0; c0 < n; c0 += COLUMN_BLOCK) {
        int cols = n - c0 < COLUMN_BLOCK ? n - c0 : COLUMN_BLOCK;
        multiply(&m, c0, cols, s->block, CHUNK_ROWS);
        add_bias(d, s->block, CHUNK_ROWS, cols, rows, bias);
        for (int c = 0; op->scale != 1 && c < cols; c++)
            d->k->scale(s->block + (size_t)c * CHUNK_ROWS, s->block + (size_t)c * CHUNK_ROWS,
                        op->scale, rows);
        for (int c = 0; c < cols; c++)
            d->k->add(cpu_row(d, op->out[0], c0 + c) + r0, cpu_row(d, op->in[1], c0 + c) + r0,
                      s->block + (size_t)c * CHUNK_ROWS, rows);
    }
}

static void glu_chunk(struct device *d, const struct step *st, int r0, int rows,
                      struct worker_scratch *s, const struct worker_scratch *own)
{
    const struct op *op = st->op;
    int n = cpu_rows(d, op), has_zeros = op_makes_zeros(op);
    struct matmul gate = prepare(d, st, 0, r0, rows, own, s->panel);
    struct matmul up = prepare(d, st, 1, r0, rows, own,
                               s->panel + (size_t)CHUNK_ROWS * KERNEL_LD(op->w[0]->k));
    float *g = s->block, *u = s->block + COLUMN_BLOCK * CHUNK_ROWS;

    for (int c0 = 0; c0 < n; c0 += COLUMN_BLOCK) {
        int cols = n - c0 < COLUMN_BLOCK ? n - c0 : COLUMN_BLOCK;
        multiply(&gate, c0, cols, g, CHUNK_ROWS);
        add_bias(d, g, CHUNK_ROWS, cols, rows, op->bias[0] ? op->bias[0]->f32 + r0 : NULL);
        if (has_zeros && n <= SPARSE_COLUMNS)
            cpu_sparse_up(&up, op, cpu_row(d, op->in[0], 0), d->p->values[op->in[0]].ld, g,
                          cols, u);
        else
            multiply(&up, c0, cols, u, CHUNK_ROWS);
        add_bias(d, u, CHUNK_ROWS, cols, rows, op->bias[1] ? op->bias[1]->f32 + r0 : NULL);
        for (int c = 0; c < cols; c++) {
            float *y = cpu_row(d, op->out[0], c0 + c) + r0;
            if (has_zeros)
                cpu_sparse_glu(d, op, y, g + c * CHUNK_ROWS, u + c * CHUNK_ROWS, rows);
            else
                d->k->glu(op->act, y, g + c * CHUNK_ROWS, u + c * CHUNK_ROWS, rows);
            if (st->makes)
                d->fast->quantise(d->acts[1] + (size_t)(c0 + c) * fast_act_bytes(op->w[0]->rows) +
                                      (size_t)(r0 / FAST_BLOCK) * FAST_BLOCK_BYTES,
                                  y, rows);
        }
    }
}

/* Units from .. from+n-1 of `unit` rows each, counted over the op's matrices one after another. */
static void linear_units(struct device *d, const struct step *st, int from, int n, int unit,
                         struct worker_scratch *s, const struct worker_scratch *own)
{
    const struct op *op = st->op;

    for (int i = 0; n > 0 && i < matrices_of(op); i++) {
        int units = (op->w[i]->rows + unit - 1) / unit, some = units - from < n ? units - from : n;
        int r0 = from * unit, rows = op->w[i]->rows - r0;

        if (some <= 0) {
            from -= units;
            continue;
        }
        rows = rows < some * unit ? rows : some * unit;
        if (op->epilogue == EPILOGUE_GLU)
            glu_chunk(d, st, r0, rows, s, own);
        else
            plain_chunk(d, st, i, r0, rows, s, own);
        if (r0 + rows == op->w[i]->rows)
            pad_out(d, op->out[i]);
        n -= some;
        from = 0;
    }
}

void cpu_linear(struct device *d, const struct step *st, int worker, int is_own)
{
    const struct op *op = st->op;
    struct worker_scratch *s = &d->scratch[worker];
    int step = chunk_rows(d, op), unit = step < UNIT_ROWS ? step : UNIT_ROWS;
    int units = 0, from, n;

    if (cpu_rows(d, op) == 0 || cpu_sparse_down(d, st, worker))
        return;
    for (int i = 0; i < matrices_of(op); i++)
        units += (op->w[i]->rows + unit - 1) / unit;
    while ((n = cpu_take(d, st, units, step / unit, worker, &from)) > 0)
        linear_units(d, st, from, n, unit, s, is_own ? s : NULL);
}

static void head_block(struct device *d, const struct op *op, const struct matmul *m, int block,
                       float *out)
{
    struct batch *b = d->batch;
    int r0 = block * LSE_BLOCK, rows = m->rows;

    for (int c0 = 0; c0 < b->n_heads; c0 += COLUMN_BLOCK) {
        int cols = b->n_heads - c0 < COLUMN_BLOCK ? b->n_heads - c0 : COLUMN_BLOCK;
        multiply(m, c0, cols, out, LSE_BLOCK);
        for (int c = 0; c < cols; c++) {
            struct head_row *h = &b->heads[c0 + c];
            float *y = out + (size_t)c * LSE_BLOCK;
            if (op->bias[0])
                d->k->add(y, y, op->bias[0]->f32 + r0, rows);
            if (op->scale != 1)
                d->k->scale(y, y, op->scale, rows);
            if (op->softcap != 0)
                d->k->softcap(y, op->softcap, rows);
            d->k->lse(&d->lse[(size_t)(c0 + c) * (size_t)d->lse_blocks + (size_t)block], y, rows);
            for (int t = 0; t < h->n_targets; t++)
                if (h->targets[t] >= r0 && h->targets[t] < r0 + rows)
                    h->target_logits[t] = y[h->targets[t] - r0];
            if (h->logits)
                memcpy(h->logits + r0, y, (size_t)rows * sizeof *y);
        }
    }
}

void cpu_head(struct device *d, const struct step *st, int worker)
{
    const struct op *op = st->op;
    struct worker_scratch *s = &d->scratch[worker];
    int block;

    if (d->batch->n_heads == 0)
        return;
    while (cpu_take(d, st, d->lse_blocks, 1, worker, &block) > 0) {
        int r0 = block * LSE_BLOCK;
        int rows = d->p->n_vocab - r0 < LSE_BLOCK ? d->p->n_vocab - r0 : LSE_BLOCK;
        struct matmul m = prepare(d, st, 0, r0, rows, NULL, s->panel);
        head_block(d, op, &m, block, s->block);
    }
}

void cpu_linear_scratch(struct device *d)
{
    d->block_floats = (size_t)COLUMN_BLOCK * LSE_BLOCK; /* more than two blocks of CHUNK_ROWS */
    for (int i = 0; i < d->p->n_ops; i++) {
        const struct op *op = &d->p->ops[i];
        size_t rows = op->kind == OP_HEAD ? LSE_BLOCK : 2 * CHUNK_ROWS;
        const struct weight *w = op->w[0] ? op->w[0] : op->w[1];
        if (op_has_matrix(op->kind) && d->panel_floats < rows * KERNEL_LD(w->k))
            d->panel_floats = rows * KERNEL_LD(w->k);
    }
}

/* ---- packing for fast ---- */

enum { PACK_ALIGN = 4096 };

struct pack_job {
    struct device *d;
    const struct weight *w;
    struct packed *p;
    struct chunk_counter next;
};

static int stripes_of(const struct weight *w) /* of one slab */
{
    return (w->rows + FAST_ROWS - 1) / FAST_ROWS;
}

static void pack_worker(void *arg, int worker)
{
    struct pack_job *j = arg;
    int stripes = stripes_of(j->w);

    (void)worker;
    for (int s = atomic_fetch_add(&j->next.next, 1); s < stripes * j->w->slabs;
         s = atomic_fetch_add(&j->next.next, 1))
        fast_pack(j->w->type, j->p->stripes + (size_t)s * j->p->stripe_bytes,
                  slab_data(j->w, s / stripes), j->w->row_bytes, s % stripes * FAST_ROWS,
                  j->w->rows, j->w->k);
}

/* The file's pages of a packed weight are not read again: they are dropped from this process. */
static void forget_mapping(const struct weight *w)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

    for (int s = 0; s < w->slabs; s++) {
        uintptr_t data = (uintptr_t)slab_data(w, s);
        uintptr_t from = (data + page - 1) / page * page;
        uintptr_t to = (data + (size_t)w->rows * w->row_bytes) / page * page;
        if (from < to)
            madvise((void *)from, to - from, MADV_DONTNEED);
    }
}

/* How a weight will lie in the region of all; what comes a second time is there already. */
static void plan_pack(struct device *d, const struct weight *w, size_t *total)
{
    struct packed *p = &d->packed[w->id];

    if (p->bytes || !fast_supports(w->type, w->k))
        return;
    p->stripe_bytes = fast_stripe_bytes(w->type, w->k);
    p->slab_bytes = (size_t)stripes_of(w) * p->stripe_bytes;
    p->bytes = (size_t)w->slabs * p->slab_bytes;
    p->at = *total;
    *total += (p->bytes + PACK_ALIGN - 1) / PACK_ALIGN * PACK_ALIGN;
}

static void pack(struct device *d, const struct weight *w)
{
    struct pack_job j = {.d = d, .w = w, .p = &d->packed[w->id]};

    if (j.p->stripes || j.p->bytes == 0)
        return;
    j.p->stripes = d->packed_region + j.p->at;
    pool_run(d->pool, pack_worker, &j);
    forget_mapping(w);
}

/* The weights of the op that fast kernels would take, one after the other: NULL after the last. */
static const struct weight *packable(const struct device *d, const struct op *op, int *k)
{
    int n = op->kind == OP_EXPERTS_UP || op->epilogue == EPILOGUE_GLU ? 2
            : op->kind == OP_HEAD                                     ? 1
                                                                      : op->n_out;

    if (op->kind != OP_LINEAR && op->kind != OP_HEAD && op->kind != OP_EXPERTS_UP &&
        op->kind != OP_EXPERTS_DOWN)
        return NULL;
    while (*k < n) {
        int i = (*k)++;
        if (op->w[i] && !cpu_reads_part(d, op, i))
            return op->w[i];
    }
    return NULL;
}

/* One region for all, so that huge pages hold small weights too: with a mapping each, those of
 * SmolLM2-135M lay in pages of 4 KB, and decoding took a sixth more time. */
int cpu_pack(struct device *d, struct err *e)
{
    const struct weight *w;
    size_t total = 0;

    for (int i = 0; i < d->p->n_ops; i++)
        for (int k = 0; (w = packable(d, &d->p->ops[i], &k)) != NULL;)
            plan_pack(d, w, &total);
    if (total == 0)
        return 0;
    d->packed_region = cpu_map(total, 1);
    if (!d->packed_region)
        return err_nomem(e);
    d->packed_bytes = total;
    for (int i = 0; i < d->p->n_ops; i++)
        for (int k = 0; (w = packable(d, &d->p->ops[i], &k)) != NULL;)
            pack(d, w);
    return 0;
}
