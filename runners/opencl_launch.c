/* opencl_launch.c -- kernels by their numbers, what they are told, and their launches. */
#include "runners/opencl_launch.h"

enum { ARGS_MAX = 8 };

/* Groups of a fixed size: some drivers compile a kernel anew for every other one. */
static const struct kernel_row {
    const char *name;
    size_t group[2], lanes[2]; /* lanes: where that form has another */
    enum { ALL, PROCESSORS, GPUS, TENSOR_CORES } forms; /* that have it */
} kernels[N_KERNELS] = {
    [K_EXPAND] = {"expand", {8, 1}},
    [K_GEMM] = {"gemm", {8, 8}, {16, 16}},
    [K_THIN] = {"thin", {8, 1}, {LANES, 1}},
    [K_EXPERTS] = {"experts", {8, 1}, {LANES, 1}},
    [K_ROW_NORM] = {"row_norm", {LANES, 1}},
    [K_HEAD_NORM] = {"head_norm", {LANES, 1}},
    [K_EMBED] = {"embed", {8, 1}},
    [K_ROPE] = {"rope", {32, 1}},
    [K_CLAMP] = {"clamp_row", {64, 1}},
    [K_THRESHOLD] = {"threshold_row", {64, 1}},
    [K_SCALE] = {"scale_row", {64, 1}},
    [K_TEMPER] = {"temper_row", {64, 1}},
    [K_ADD] = {"add_rows", {64, 1}},
    [K_GATE] = {"gate_rows", {64, 1}},
    [K_SCALE_BY] = {"scale_by", {64, 1}},
    [K_SLICE] = {"slice_row", {64, 1}},
    [K_CONCAT] = {"concat_rows", {64, 1}},
    [K_GATHER] = {"gather_rows", {64, 1}},
    [K_ROUTE] = {"route_rows", {1, 1}},
    [K_COMBINE] = {"combine_rows", {64, 1}},
    [K_KV_STORE] = {"kv_store", {32, 1}},
    [K_ATTENTION] = {"attention", {1, 1}, .forms = PROCESSORS},
    [K_ATTEND] = {"attend", {LANES, 1}, .forms = GPUS},
    [K_ATTEND_JOIN] = {"attend_join", {LANES, 1}, .forms = GPUS},
    [K_LOG_SUM] = {"log_sum", {1, 1}, {LANES, 1}},
    [K_PICK] = {"pick", {1, 1}},
    [K_READ] = {"read_all", {1, 1}, {256, 1}},
    [K_WEIGHT_SCALES] = {"weight_scales", {LANES, 1}, .forms = TENSOR_CORES},
    [K_NARROW] = {"narrow", {LANES, 1}, .forms = TENSOR_CORES},
    [K_TENSOR] = {"tensor", {TENSOR_GROUP, 1}, .forms = TENSOR_CORES},
};

static int has_kernel(const struct device *d, const struct kernel_row *k)
{
    switch (k->forms) {
    case PROCESSORS: return d->form == FORM_VECTOR;
    case GPUS: return d->form != FORM_VECTOR;
    case TENSOR_CORES: return d->is_narrow;
    default: return 1;
    }
}

int opencl_build(struct device *d, struct err *e)
{
    static const char *const texts[][2] = {
        [FORM_VECTOR] = {opencl_vector_begin, opencl_vector_end},
        [FORM_LANES] = {opencl_lanes_begin, opencl_lanes_end},
        [FORM_CUDA] = {opencl_cuda_begin, opencl_cuda_end},
    };
    const char *names[N_KERNELS], *const *text = texts[d->form];

    for (int i = 0; i < N_KERNELS; i++)
        names[i] = has_kernel(d, &kernels[i]) ? kernels[i].name : NULL;
    return cl_build(d->cl, text[0], (size_t)(text[1] - text[0]), names, N_KERNELS, e);
}

/* ---- launching ---------------------------------------------------------------------------- */

#define MEMORY(m) {(m), 0}

static size_t whole_groups(size_t n, size_t group)
{
    return (n + group - 1) / group * group;
}

int opencl_launch(struct device *d, enum opencl_kernel kernel, const struct op_args *a,
                  struct cl_memory *const *memory, int n, size_t width, size_t rows, struct err *e)
{
    const struct kernel_row *row = &kernels[kernel];
    const size_t *group = d->form != FORM_VECTOR && row->lanes[0] ? row->lanes : row->group;
    const size_t size[2] = {whole_groups(width, group[0]), whole_groups(rows, group[1])};
    struct cl_arg args[ARGS_MAX];

    for (int i = 0; i < n; i++)
        args[i] = (struct cl_arg)MEMORY(memory[i]);
    args[n] = (struct cl_arg){a, sizeof *a};
    return width && rows ? cl_launch(d->cl, kernel, args, n + 1, size, group, e) : 0;
}

int opencl_each(struct device *d, enum opencl_kernel kernel, const struct op_args *a, int width,
                struct cl_memory *more, struct err *e)
{
    struct cl_memory *const memory[] = {d->arena, more};

    return opencl_launch(d, kernel, a, memory, more ? 2 : 1, (size_t)width, (size_t)a->rows, e);
}

size_t opencl_sharing(const struct device *d)
{
    return d->form != FORM_VECTOR ? LANES : 1;
}

struct cl_memory *opencl_floats_of(const struct device *d, const struct weight *w)
{
    return w ? d->tables[w->id] : NULL;
}

void opencl_place(const struct device *d, int value, args_u64 *at, int *ld)
{
    const struct value *v = value < 0 ? NULL : &d->p->values[value];

    *at = v ? (args_u64)v->offset * (args_u64)d->max_rows : 0;
    *ld = v ? (int)v->ld : 0;
}

struct op_args opencl_args_of(const struct device *d, const struct op *op)
{
    struct op_args a = {
        .rows = opencl_rows(d, op), .act = op->act, .has_threshold = op->has_threshold,
        .heads = op->heads, .kv_heads = op->kv_heads, .head_dim = op->head_dim,
        .value_dim = op->value_dim, .first = op->first, .window = op->window, .chunk = op->chunk,
        .mean_removed = op->mean_removed, .parts = op->parts.n,
        .weighs_input = op->parts.weighs_input, .scale = op->scale, .eps = op->eps,
        .limit = op->limit, .softcap = op->softcap, .tokens_at = d->at.tokens,
        .positions_at = d->at.positions, .page_list_at = d->at.page_lists,
        .wanted_at = d->at.wanted, .copies_at = d->at.copies, .n_copies = d->batch->n_copies,
        .vocab = d->p->n_vocab,
    };

    for (int i = 0; i < 3; i++) {
        opencl_place(d, op->in[i], &a.in[i], &a.ld_in[i]);
        opencl_place(d, i < op->n_out ? op->out[i] : -1, &a.out[i], &a.ld_out[i]);
    }
    a.n = op->n_out ? d->p->values[op->out[0]].width : 0;
    return a;
}

void opencl_set_weight(struct op_args *a, const struct weight *w)
{
    a->type = w->type;
    a->k = w->k;
    a->n = w->rows;
    a->row_bytes = w->row_bytes;
    a->slab_bytes = (args_u64)w->rows * w->row_bytes;
}

size_t opencl_tiles(int n, int tile)
{
    return ((size_t)n + (size_t)tile - 1) / (size_t)tile;
}

/* ---- bandwidth ---- */

int opencl_read(struct device *d, struct err *e)
{
    enum { GROUPS = 4096 };
    size_t group = d->form == FORM_VECTOR ? kernels[K_READ].group[0] : kernels[K_READ].lanes[0];
    struct cl_memory *const memory[] = {d->shelf, d->arena};
    struct op_args a = {.rows = 1, .step = (int)group,
                        .in = {cl_bytes(d->shelf) / sizeof(float) / GROUPS}};
    float one;

    if (opencl_launch(d, K_READ, &a, memory, 2, GROUPS * group, 1, e) < 0)
        return -1;
    return cl_read(d->cl, d->arena, 0, &one, sizeof one, e); /* in order: it waits */
}
