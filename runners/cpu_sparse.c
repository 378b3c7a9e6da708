/* cpu_sparse.c -- feed-forwards whose activation makes exact zeros, read only where they are not.
 *
 * A hidden value is 0 wherever its gate is: the row of `up` need not be read, and neither the
 * column of `down`.  Columns are apart from each other in the file, so `down` is kept once more,
 * transposed by tiles of SPARSE_ROWS rows: its elements as they are in the file, or its codes as
 * bytes with the scales of their groups beside them.
 *
 * Bits: a lane of dot16 is a chain of fma from +0 in increasing order of k.  For finite w an
 * element that is 0 adds a zero, which changes no sum but the sign of one that is zero itself; a
 * lane's sign of zero shows only in an output that is zero, and these (there are hardly any) are
 * computed in full.  So a batch may skip or not, as is faster.  A matrix that is not finite is
 * never skipped.  What these matrices give is `exact` in both numerics: packed stripes
 * mix 16 rows. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "runners/cpu.h"
#include "runners/fast_layout.h"
#include "runners/quant.h"

enum {
    ROWS_AT_ONCE = 8, /* of `up`, so that they stay in the first cache unpacked */
    AHEAD = 8,        /* columns that are on their way from memory */
    PLAIN_BLOCK = 64, /* elements of a row that are transposed together */
};

/* ---- columns of `down` ---- */

static const int code_bias[] = {
    [FAST_BIAS_8] = 8, [FAST_BIAS_16] = 16, [FAST_BIAS_128] = 128, [FAST_BIAS_NONE] = 0,
    [FAST_BIAS_HALVES] = 32,
};

/* 0: this format has no columns. */
static int columns_layout(struct columns *c, const struct weight *w)
{
    const struct fast_format *f = fast_format_find(w->type);
    int is_plain = w->type == QUANT_F32 || w->type == QUANT_F16 || w->type == QUANT_BF16;
    size_t per_row;

    if (!is_plain && (!f || w->k % f->block))
        return 0;
    c->type = is_plain ? w->type : QUANT_I8;
    c->size = is_plain ? quant_find(w->type)->bytes : 1;
    c->group = 0;
    if (!is_plain) {
        c->group = f->scales == FAST_K_D ? 16 : 32;
        c->scale_type = f->scales == FAST_D || f->scales == FAST_D_M ? QUANT_F16 : QUANT_F32;
        c->scale_size = quant_find(c->scale_type)->bytes;
        c->scales = f->scales == FAST_D_M || f->scales == FAST_K_D_M ? 2 : 1;
    }
    per_row = (size_t)w->k * (size_t)c->size;
    if (c->group)
        per_row += (size_t)(w->k / c->group * c->scales * c->scale_size);
    c->tile_bytes = per_row * SPARSE_ROWS;
    return 1;
}

static uint8_t *element_at(const struct columns *c, uint8_t *tile, int k)
{
    return tile + (size_t)k * SPARSE_ROWS * (size_t)c->size;
}

static uint8_t *scale_at(const struct columns *c, uint8_t *tile, int n_k, int group)
{
    return element_at(c, tile, n_k) +
           (size_t)(group * c->scales) * SPARSE_ROWS * (size_t)c->scale_size;
}

static void transpose_plain(const struct columns *c, const struct weight *w, uint8_t *tile, int r0,
                            int rows)
{
    size_t size = (size_t)c->size;

    for (int k0 = 0; k0 < w->k; k0 += PLAIN_BLOCK)
        for (int r = 0; r < rows; r++) {
            const uint8_t *from = w->data + (size_t)(r0 + r) * w->row_bytes;
            for (int k = k0; k < w->k && k < k0 + PLAIN_BLOCK; k++)
                memcpy(element_at(c, tile, k) + (size_t)r * size, from + (size_t)k * size, size);
        }
}

/* Scale (and minimum, to be added) of the half-th group in the gth 32 elements of a block. */
static void put_scales(const struct columns *c, const struct fast_format *f, uint8_t *at,
                       const uint8_t *block, int g, int half)
{
    size_t size = (size_t)c->scale_size, next = SPARSE_ROWS * size;
    uint8_t sub[2], pair[4];
    float y[2];

    if (!f->sub) {
        memcpy(at, block + f->d_at, size);
        if (c->scales == 2)
            memcpy(at + next, block + f->d_at + 2, size);
        return;
    }
    f->sub(sub, block, g);
    memcpy(pair, block + f->d_at, c->scales == 2 ? 4 : 2);
    y[0] = half_to_float((uint16_t)(pair[0] | pair[1] << 8));
    if (c->scales == 1) {
        y[0] *= (float)(int8_t)sub[half];
        memcpy(at, y, size);
        return;
    }
    y[0] *= (float)sub[0];
    y[1] = -(half_to_float((uint16_t)(pair[2] | pair[3] << 8)) * (float)sub[1]);
    memcpy(at, &y[0], size);
    memcpy(at + next, &y[1], size);
}

static void transpose_blocks(const struct columns *c, const struct weight *w, uint8_t *tile, int r0,
                             int rows)
{
    const struct fast_format *f = fast_format_find(w->type);
    int per_block = f->block / 32, halves = 32 / c->group;
    uint8_t code[32];

    for (int g = 0; g < w->k / 32; g++)
        for (int r = 0; r < rows; r++) {
            const uint8_t *block = w->data + (size_t)(r0 + r) * w->row_bytes +
                                   (size_t)(g / per_block) * (size_t)f->bytes;
            f->codes(code, block, g % per_block);
            for (int i = 0; i < 32; i++)
                element_at(c, tile, g * 32 + i)[r] = (uint8_t)(code[i] - code_bias[f->bias]);
            for (int h = 0; h < halves; h++)
                put_scales(c, f, scale_at(c, tile, w->k, g * halves + h) +
                                     (size_t)r * (size_t)c->scale_size,
                           block, g % per_block, h);
        }
}

/* Column k of a tile as floats.  scale: [2][SPARSE_ROWS], of group *group. */
static void unpack_column(const struct device *d, const struct columns *c, uint8_t *tile, int n_k,
                          int k, float *x, float *scale, int *group)
{
    d->k->unpack(c->type, x, element_at(c, tile, k), SPARSE_ROWS);
    if (!c->group)
        return;
    if (*group != k / c->group) {
        *group = k / c->group;
        d->k->unpack(c->scale_type, scale, scale_at(c, tile, n_k, *group),
                     (size_t)c->scales * SPARSE_ROWS);
    }
    d->k->glu(ACT_NONE, x, x, scale, SPARSE_ROWS);
    if (c->scales == 2)
        d->k->add(x, x, scale + SPARSE_ROWS, SPARSE_ROWS);
}

struct columns_job {
    struct device *d;
    const struct weight *w;
    struct columns *c;
    struct chunk_counter next, bad;
};

static void columns_worker(void *arg, int worker)
{
    struct columns_job *j = arg;
    int tiles = (j->w->rows + SPARSE_ROWS - 1) / SPARSE_ROWS;
    float x[SPARSE_ROWS], scale[2 * SPARSE_ROWS];

    (void)worker;
    for (int t = atomic_fetch_add(&j->next.next, 1); t < tiles;
         t = atomic_fetch_add(&j->next.next, 1)) {
        uint8_t *tile = j->c->data + (size_t)t * j->c->tile_bytes;
        int r0 = t * SPARSE_ROWS, group = -1, bad = 0;
        int rows = j->w->rows - r0 < SPARSE_ROWS ? j->w->rows - r0 : SPARSE_ROWS;
        (j->c->group ? transpose_blocks : transpose_plain)(j->c, j->w, tile, r0, rows);
        for (int k = 0; k < j->w->k; k++) {
            unpack_column(j->d, j->c, tile, j->w->k, k, x, scale, &group);
            for (int r = 0; r < SPARSE_ROWS; r++)
                bad |= !isfinite(x[r]);
        }
        if (bad)
            atomic_fetch_add(&j->bad.next, 1);
    }
}

static void drop_columns(struct device *d, struct columns *c)
{
    cpu_unmap(c->data, c->bytes);
    if (c->data)
        d->columns_bytes -= c->bytes;
    *c = (struct columns){0};
}

static int make_columns(struct device *d, const struct weight *w, struct columns *c, struct err *e)
{
    struct columns_job j = {.d = d, .w = w, .c = c};

    if (!columns_layout(c, w))
        return 0;
    c->bytes = c->tile_bytes * (size_t)((w->rows + SPARSE_ROWS - 1) / SPARSE_ROWS);
    c->data = cpu_map(c->bytes, 1);
    if (!c->data)
        return err_set(e, ERR_NOMEM, "out of memory: the columns of %s need %zu bytes", w->name,
                       c->bytes);
    d->columns_bytes += c->bytes;
    pool_run(d->pool, columns_worker, &j);
    if (atomic_load(&j.bad.next))
        drop_columns(d, c);
    return 0;
}

static int is_down(const struct op *op)
{
    return op->kind == OP_LINEAR && op->is_sparse && op->n_out == 1 &&
           op->epilogue != EPILOGUE_GLU;
}

int cpu_columns(struct device *d, struct err *e)
{
    d->columns = mem_calloc((size_t)d->p->n_weights, sizeof *d->columns);
    if (!d->columns)
        return err_nomem(e);
    for (int i = 0; i < d->p->n_ops; i++) {
        const struct op *op = &d->p->ops[i];
        const struct weight *w = op->w[0];
        if (!is_down(op) || d->columns[w->id].data)
            continue;
        if (make_columns(d, w, &d->columns[w->id], e) < 0)
            return -1;
        if (d->sparse_k < w->k)
            d->sparse_k = w->k;
    }
    return 0;
}

void cpu_columns_release(struct device *d)
{
    for (int i = 0; d->columns && i < d->p->n_weights; i++)
        drop_columns(d, &d->columns[i]);
    mem_free(d->columns);
}

int cpu_reads_part(const struct device *d, const struct op *op, int k)
{
    if (op->kind == OP_EXPERTS_UP)
        return k == 1 && op_makes_zeros(op);
    if (op->kind != OP_LINEAR)
        return 0;
    if (op->epilogue == EPILOGUE_GLU)
        return k == 1 && op_makes_zeros(op);
    return is_down(op) && d->columns[op->w[k]->id].data != NULL;
}

/* Rows as they are in the file are then as fast. */
static int is_too_many(int active, int k)
{
    return active > k - k / 4;
}

size_t cpu_columns_bytes(const struct device *d, const struct weight *w, const float *x)
{
    const struct columns *c = &d->columns[w->id];
    size_t n = 0;
    int last = -1, active = 0;

    for (int k = 0; k < w->k; k++) {
        if (x[k] == 0)
            continue;
        active++;
        n += (size_t)c->size;
        if (c->group && last != k / c->group) {
            last = k / c->group;
            n += (size_t)(c->scales * c->scale_size);
        }
    }
    return is_too_many(active, w->k) ? w->row_bytes * (size_t)w->rows : n * (size_t)w->rows;
}

/* The elements that any of the op's rows has; -1: too many. */
static int find_active(const struct device *d, const struct op *op, int32_t *active)
{
    int k = op->w[0]->k, rows = cpu_rows(d, op), n = 0;
    const float *x[SPARSE_COLUMNS];

    for (int c = 0; c < rows; c++)
        x[c] = cpu_row(d, op->in[0], c);
    for (int i = 0; i < k; i++) {
        int any = 0;
        for (int c = 0; c < rows; c++)
            any |= x[c][i] != 0;
        active[n] = i;
        n += any;
    }
    return is_too_many(n, k) ? -1 : n;
}

static void prefetch_column(const struct columns *c, uint8_t *tile, int k)
{
    const uint8_t *at = element_at(c, tile, k);

    for (int i = 0; i < SPARSE_ROWS * c->size; i += 64)
        __builtin_prefetch(at + i);
}

/* sums[c]: the 16 lanes of a tile's rows, added up into the first of them. */
static void add_columns(struct device *d, const struct op *op, uint8_t *tile,
                        const int32_t *active, int n, float (*sums)[16][SPARSE_ROWS])
{
    const struct columns *c = &d->columns[op->w[0]->id];
    int rows = cpu_rows(d, op), group = -1;
    float x[SPARSE_ROWS], scale[2 * SPARSE_ROWS];

    memset(sums, 0, (size_t)rows * sizeof *sums);
    for (int i = 0; i < n; i++) {
        int k = active[i];
        if (i + AHEAD < n)
            prefetch_column(c, tile, active[i + AHEAD]);
        unpack_column(d, c, tile, op->w[0]->k, k, x, scale, &group);
        for (int row = 0; row < rows; row++) {
            float h = cpu_row(d, op->in[0], row)[k];
            if (h != 0)
                d->k->axpy(sums[row][k % 16], x, h, SPARSE_ROWS);
        }
    }
    for (int row = 0; row < rows; row++)
        for (int half = 8; half; half /= 2)
            d->k->add(sums[row][0], sums[row][0], sums[row][half], half * SPARSE_ROWS);
}

/* One output after the other, where the sign of a zero depends on what was left out. */
static void settle_zeros(struct device *d, const struct op *op, int r0, int rows, int row, float *y,
                         struct worker_scratch *s)
{
    for (int r = 0; r < rows; r++) {
        struct matmul m;
        if (y[r] != 0)
            continue;
        m = cpu_matmul(d, op->w[0], 0, r0 + r, 1, 1, s->panel);
        cpu_matmul_exact(&m, cpu_row(d, op->in[0], row), d->p->values[op->in[0]].ld, 1, &y[r], 1);
    }
}

static void down_epilogue(struct device *d, const struct op *op, int r0, int rows, int row,
                          float *y)
{
    float *out = cpu_row(d, op->out[0], row) + r0;

    if (op->bias[0])
        d->k->add(y, y, op->bias[0]->f32 + r0, rows);
    if (op->epilogue == EPILOGUE_ADD) {
        if (op->scale != 1)
            d->k->scale(y, y, op->scale, rows);
        d->k->add(out, cpu_row(d, op->in[1], row) + r0, y, rows);
    } else if (op->epilogue == EPILOGUE_ACT) {
        d->k->act(op->act, out, y, rows);
    } else {
        memcpy(out, y, (size_t)rows * sizeof *y);
    }
    if (r0 + rows == op->w[0]->rows)
        cpu_pad(d, op->out[0], cpu_row(d, op->out[0], row));
}

int cpu_sparse_down(struct device *d, const struct step *st, int worker)
{
    const struct op *op = st->op;
    struct worker_scratch *s = &d->scratch[worker];
    float(*sums)[16][SPARSE_ROWS] = (float(*)[16][SPARSE_ROWS])(void *)s->sums;
    int rows_in = cpu_rows(d, op), n_out = op->w[0]->rows, n;
    int tiles = (n_out + SPARSE_ROWS - 1) / SPARSE_ROWS;
    struct columns *c = &d->columns[op->w[0]->id];

    if (!cpu_reads_part(d, op, 0) || rows_in > SPARSE_COLUMNS)
        return 0;
    n = find_active(d, op, s->active); /* every worker comes to the same */
    if (n < 0)
        return 0;
    for (int t = cpu_next(d, st); t < tiles; t = cpu_next(d, st)) {
        int r0 = t * SPARSE_ROWS, rows = n_out - r0 < SPARSE_ROWS ? n_out - r0 : SPARSE_ROWS;
        add_columns(d, op, c->data + (size_t)t * c->tile_bytes, s->active, n, sums);
        for (int row = 0; row < rows_in; row++) {
            if (n > 0)
                settle_zeros(d, op, r0, rows, row, sums[row][0], s);
            down_epilogue(d, op, r0, rows, row, sums[row][0]);
        }
    }
    return 1;
}

/* ---- rows of `up` ---- */

static int is_dead(const struct op *op, float gate)
{
    return op->has_threshold ? gate < op->limit : !(gate > 0);
}

void cpu_sparse_up(const struct matmul *up, const struct op *op, const float *x, size_t ldx,
                   const float *gate, int cols, float *out)
{
    float y[SPARSE_COLUMNS * ROWS_AT_ONCE];
    int list[ROWS_AT_ONCE], n = 0;

    for (int r = 0; r < up->rows; r++) {
        int any = 0;
        for (int c = 0; c < cols; c++) {
            any |= !is_dead(op, gate[c * CHUNK_ROWS + r]);
            out[c * CHUNK_ROWS + r] = 0;
        }
        if (any)
            list[n++] = r;
        if (n < ROWS_AT_ONCE && r + 1 < up->rows)
            continue;
        cpu_matmul_rows(up, list, n, x, ldx, cols, y);
        for (int i = 0; i < n; i++)
            for (int c = 0; c < cols; c++)
                out[c * CHUNK_ROWS + list[i]] = y[c * n + i];
        n = 0;
    }
}

void cpu_sparse_glu(const struct device *d, const struct op *op, float *y, float *gate,
                    const float *up, int n)
{
    char dead[CHUNK_ROWS];

    for (int i = 0; i < n; i++)
        dead[i] = (char)is_dead(op, gate[i]);
    d->k->glu(op->act, y, gate, up, n);
    for (int i = 0; i < n; i++)
        if (dead[i])
            y[i] = 0;
}
