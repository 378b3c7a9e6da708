/* cpu.h -- the inside of the CPU device, shared by its files only.
 *
 * All workers walk the same list of steps; a barrier stands between two steps unless both work row
 * by row (then each worker stays with its own rows).  Which worker computes what cannot change a
 * bit: no sum is ever split. */
#ifndef RUNNERS_CPU_H
#define RUNNERS_CPU_H

#include "base/thread.h"
#include "runners/device.h"
#include "runners/fast.h"
#include "runners/kernels.h"

#define COLUMN_BLOCK 64 /* batch rows that a chunk of weight rows goes over at a time */
#define CHUNK_ROWS 64   /* weight rows handed out at once, at most; a multiple of UNIT_ROWS */
#define UNIT_ROWS 32    /* at least: two stripes, a block of quantised activations */

#define SPARSE_COLUMNS 4 /* batch rows at most for which zeros are looked for */
#define SPARSE_ROWS 128  /* rows of a transposed tile */

enum step_kind { STEP_OP, STEP_QUANTISE };

#define OWN_ROWS 4 /* batch rows at most that every worker normalises for itself */

struct step {
    enum step_kind kind;
    const struct op *op;
    int barrier; /* before the step */
    int makes;   /* op: leaves its output quantised, too, for the linear that follows */
    int made_by; /* quantise: the step that does so, whose doing makes this one needless; or -1 */
    int acts;    /* which of the device's the step (or what it makes) is about */
    /* A norm, what quantises it and the linear that alone reads it: with few rows each worker does
     * the first two for all rows, into memory of its own, and nobody waits.  own_to 0: no such. */
    int own_from, own_to;
};

struct attend_unit { /* tokens t0 .. t0+n-1 of a span, for every kv head */
    int span, t0, n;
};

struct packed { /* a weight as the fast kernels read it; stripes NULL: computed as exact */
    uint8_t *stripes; /* slab after slab */
    size_t stripe_bytes, slab_bytes, bytes;
    size_t at; /* in the device's region */
};

struct columns { /* a weight transposed (cpu_sparse.c); data NULL: there is none */
    uint8_t *data;   /* tiles: [k][SPARSE_ROWS] elements, [k / group][scales][SPARSE_ROWS] scales */
    size_t bytes, tile_bytes;
    int type, size;  /* of an element, enum quant_type; I8: a code of a group of elements */
    int group;       /* 0: elements stand for themselves */
    int scale_type, scale_size, scales; /* 2: what is added lies behind what is multiplied with */
};

/* Rows r0 .. r0+rows-1 of one matrix, over any number of columns.  Built by cpu_matmul. */
struct matmul {
    struct device *d;
    const struct weight *w;
    const uint8_t *data;    /* of row r0, as in the file */
    const uint8_t *stripes; /* of row r0, packed; NULL: computed as exact */
    int r0, rows, is_thin;
    float *panel;
    const float *x; /* of a linear or a head: the first column, and its quantised form */
    size_t ldx;
    const uint8_t *acts;
};

struct worker_scratch {
    float *columns; /* inputs that lie apart, brought together: [COLUMN_BLOCK][column_floats] */
    uint8_t *acts;  /* the same of quantised ones */
    int32_t *slots; /* experts: the batch's (row, part) pairs by expert, and where each begins */
    float *panel; /* unpacked weight rows */
    float *block; /* outputs of a chunk before its epilogue */
    float *own;     /* [OWN_ROWS][own_floats], and quantised: */
    uint8_t *own_acts;
    int32_t *active; /* elements of a sparse input: [sparse_k] */
    float *sums;     /* [SPARSE_COLUMNS][16][SPARSE_ROWS] where there are sparse inputs */
    struct lse lse;
    const void **k_pages, **v_pages;
    float *kv_room; /* a page's keys and values of one head as floats */
};

struct device { /* the CPU */
    const struct program *p;
    const struct kernels *k;
    const struct fast_kernels *fast; /* NULL: exact */
    struct pool *pool;
    int threads, max_rows, check_finite;

    struct step *steps;
    int n_steps;
    size_t cap_steps;
    struct chunk_counter *counters; /* one per step */
    atomic_int *taken; /* [workers][steps]: units of the worker's own stretch (cpu_share.c) */

    float *arena; /* values: rows of ld floats, value v at offset * max_rows */
    size_t arena_bytes;
    float *rope_tables; /* per rope: [max_rows][n_rot/2] cos, then the same of sin */
    size_t rope_bytes;

    struct packed *packed; /* by weight id */
    uint8_t *packed_region; /* of all of them */
    size_t packed_bytes;
    struct columns *columns; /* by weight id */
    size_t columns_bytes;
    int sparse_k; /* longest sparse input; 0: none */
    uint8_t *acts[2]; /* quantised inputs, row after row: of the linear that comes next, and those
                         that a step makes while it reads the first */
    size_t acts_bytes;
    size_t own_floats, own_bytes; /* of a row that workers keep of their own */

    enum kv_type kv_type;
    uint8_t *kv, *kv_scratch; /* [page][all layers]; [page][one layer] */
    size_t kv_bytes, kv_scratch_bytes;
    size_t page_bytes, scratch_page_bytes, *layer_offset;

    float *states; /* [slot][program's state_floats] */
    size_t state_bytes;

    struct worker_scratch *scratch;
    size_t panel_floats, block_floats, column_floats, room_floats, column_act_bytes, slot_count;
    struct attend_unit *units;
    int n_units;
    size_t cap_units;
    struct lse *lse; /* [max_rows][vocabulary blocks] */
    int lse_blocks;
    size_t lse_bytes;

    struct batch *batch; /* the one that runs */
    struct op_tally *tally; /* by op; NULL: off */
    struct cpu_profile *profile; /* NULL: off */
};

/* Rows of the op: the batch's, or the wanted ones. */
static inline int cpu_rows(const struct device *d, const struct op *op)
{
    return op->wanted_rows ? d->batch->n_heads : d->batch->n;
}

static inline float *cpu_row(const struct device *d, int value, int row)
{
    const struct value *v = &d->p->values[value];
    return d->arena + v->offset * (size_t)d->max_rows + (size_t)row * v->ld;
}

/* The kernels want zeros up to a multiple of 16. */
static inline void cpu_pad(const struct device *d, int value, float *row)
{
    const struct value *v = &d->p->values[value];
    for (size_t i = (size_t)v->width; i < v->ld; i++)
        row[i] = 0;
}

/* Part `worker` of n things. */
static inline void cpu_part(const struct device *d, int n, int worker, int *from, int *to)
{
    *from = (int)((int64_t)n * worker / d->threads);
    *to = (int)((int64_t)n * (worker + 1) / d->threads);
}

static inline int cpu_next(struct device *d, const struct step *s)
{
    return atomic_fetch_add_explicit(&d->counters[s - d->steps].next, 1, memory_order_relaxed);
}

/* Up to `some` of the step's n units, from *from on: first those of the worker's own stretch, then
 * what others have not begun; 0: no more. */
int cpu_take(struct device *d, const struct step *s, int n, int some, int worker, int *from);
int cpu_share_open(struct device *d); /* -1: out of memory */
void cpu_share_release(struct device *d);
void cpu_share_reset(struct device *d);

static inline int cpu_is_profiled(const struct device *d) /* the batch that runs */
{
    return d->profile && !d->batch->is_filling;
}

/* Op by op (fallback.h): a batch to work on, then ops from .. to-1 over it, any number of times. */
int cpu_begin(struct device *d, struct batch *b); /* -1: out of memory */
void cpu_run_ops(struct device *d, int from, int to);
/* The first output of the op with a number that is not finite: -1 with e filled. */
int cpu_check_outputs(const struct device *d, const struct op *op, struct err *e);

void cpu_row_op(struct device *d, const struct op *op, int from, int to);
void cpu_rope_tables(struct device *d, int from, int to); /* for rows of the batch */
void cpu_quantise(struct device *d, const struct step *s, int from, int to, int worker);
/* Norm or quantise of all rows into the worker's own memory. */
void cpu_own(struct device *d, const struct step *s, int worker);
/* Quantised rows that the op wants: one per row of the batch, or one per part. */
int cpu_act_parts(const struct op *op);
/* Those of one row that are no row of the batch; x: scratch of KERNEL_PAD(k) floats. */
void cpu_quantise_parts(struct device *d, const struct op *op, int row, int k, float *x);
void cpu_linear(struct device *d, const struct step *s, int worker, int is_own);
/* slab: which matrix of w.  columns: how many are to come (few: unpacked where used). */
struct matmul cpu_matmul(struct device *d, const struct weight *w, int slab, int r0, int rows,
                         int columns, float *panel);
/* out[c*ldo + r] for cols columns at x, ldx floats apart, in exact arithmetic. */
void cpu_matmul_exact(const struct matmul *m, const float *x, size_t ldx, int cols, float *out,
                      size_t ldo);
/* out[c*n + i]: the n rows `list` (counted from r0) times cols columns; n <= THIN_ROWS. */
void cpu_matmul_rows(const struct matmul *m, const int *list, int n, const float *x, size_t ldx,
                     int cols, float *out);
/* The same as the weight wants it: of floats, or of quantised columns one after the other. */
void cpu_multiply(const struct matmul *m, const float *x, size_t ldx, const uint8_t *acts, int cols,
                  float *out, size_t ldo);
int cpu_chunk_rows(const struct device *d, int k, int rows, int together);
void cpu_experts_up(struct device *d, const struct step *s, int worker);
void cpu_experts_down(struct device *d, const struct step *s, int worker);
void cpu_head_linear(struct device *d, const struct step *s, int worker);
void cpu_slab_scratch(struct device *d); /* column_floats, column_act_bytes, slot_count */
void cpu_head(struct device *d, const struct step *s, int worker);
void cpu_head_combine(struct device *d, int from, int to);
void cpu_kv_store(struct device *d, const struct step *s);
void cpu_attention(struct device *d, const struct step *s, int worker);
void cpu_recurrent(struct device *d, const struct step *s, int worker);
int cpu_attend_units(struct device *d); /* fills d->units for d->batch */
/* Packs the weights that the fast kernels take; ids of weights used as plain tables only stay. */
int cpu_pack(struct device *d, struct err *e);
/* Keeps the weights that sparse inputs meet once more, by columns. */
int cpu_columns(struct device *d, struct err *e);
void cpu_columns_release(struct device *d);
/* Of weight k of the op only what takes part may be read: it is never packed. */
int cpu_reads_part(const struct device *d, const struct op *op, int k);
/* Bytes of the columns that meet the non-zeros of x. */
size_t cpu_columns_bytes(const struct device *d, const struct weight *w, const float *x);
/* The whole step by columns; 0: not done, since there is no form for it or too much takes part. */
int cpu_sparse_down(struct device *d, const struct step *s, int worker);
/* Rows of `up` whose gates are not all dead, others 0; gate, out: CHUNK_ROWS between columns. */
void cpu_sparse_up(const struct matmul *up, const struct op *op, const float *x, size_t ldx,
                   const float *gate, int cols, float *out);
/* act(gate) * up, and +0 where the gate is dead; n <= CHUNK_ROWS. */
void cpu_sparse_glu(const struct device *d, const struct op *op, float *y, float *gate,
                    const float *up, int n);
/* cpu_steps.c: the program as steps, what can go together found out. */
int cpu_build_steps(struct device *d); /* -1: out of memory */
int cpu_wants_acts(enum op_kind k);    /* its input may have to be quantised */
/* Worker's walk over the steps from .. to-1. */
void cpu_walk(struct device *d, int from, int to, int worker);
void cpu_walk_one(struct device *d, int step, int worker); /* nothing made or owned: any order */
int cpu_uses_fast(const struct device *d, const struct weight *w);
/* Largest panel and block that cpu_linear and cpu_head ask for, in floats. */
void cpu_linear_scratch(struct device *d);
/* cpu_count.c: device_ops, and before the op runs. */
int cpu_count(struct device *d, int on, struct err *e);
const struct op_tally *cpu_tally(const struct device *d);
void cpu_count_release(struct device *d);
void cpu_count_op(struct device *d, const struct op *op);
/* cpu_profile.c: device_ops; what passed on the worker since its last mark was waiting for the step
 * or doing it; after a batch that took wall_s. */
int cpu_profile(struct device *d, int on, struct err *e);
const struct profile *cpu_profiled(const struct device *d);
void cpu_profile_release(struct device *d);
void cpu_profile_mark(struct device *d, int worker, int step, int waited); /* -1: begins */
void cpu_profile_batch(struct device *d, double wall_s);
double cpu_profile_now(void); /* monotonic seconds */
int cpu_first_visible(const struct op *op, int position); /* key of an attention's row */
void *cpu_map(size_t bytes, int huge); /* zeroed memory that is resident only where touched */
void cpu_unmap(void *p, size_t bytes);

#endif
