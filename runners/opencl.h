/* opencl.h -- the inside of the OpenCL and CUDA devices, shared by their files only.
 *
 * Values lie in one buffer as program.h places them, so that they have the same places there and in
 * the CPU's arena beside it (fallback.h).  Weights are copied once, in the format of the file; keys
 * and values never leave the device. */
#ifndef RUNNERS_OPENCL_H
#define RUNNERS_OPENCL_H

#include "runners/cl.h"
#include "runners/device.h"
#include "runners/fallback.h"
#include "runners/opencl_args.h"

enum opencl_form { FORM_VECTOR, FORM_LANES, FORM_CUDA }; /* for processors, for GPUs: twice */

struct staged { /* the batch's integers: where what begins */
    int tokens, positions, page_lists, wanted, copies, targets;
};

struct device { /* OpenCL's, CUDA's */
    const struct program *p;
    struct cl *cl;
    struct fallback *cpu;
    enum opencl_form form;
    const char *form_name;
    char kernels[192]; /* the form and the device's own name */
    int max_rows, check_finite;
    int is_narrow; /* products of many columns on tensor cores: cuda_tensor.cuh */
    int *first_writer; /* [values] the op that writes it first */

    struct cl_memory *arena, *panel, *angles, *ints, *logits, *sums, *picked;
    struct cl_memory *shelf; /* what is read for the bandwidth; NULL before */
    struct cl_memory *parts; /* of keys: what attention made of them */
    int n_parts;             /* that a row of the batch may have, a power of two */
    struct cl_memory **weights, **tables; /* [weight ids]: as in the file, as floats */
    struct cl_memory **scales;            /* [weight ids], NULL but is_narrow: of each row */
    struct cl_memory *narrow, *narrow_scales; /* a product's columns as float16 */
    struct cl_memory **kv;                /* [layers] kept pages */
    struct cl_memory **scratch;           /* [layers], or where layers share nothing only [0] */
    size_t *page_floats, scratch_floats;  /* [layers]; of [0] where it serves all */

    int32_t *staging;
    size_t cap_staging, n_staged, ints_bytes;
    struct staged at;
    float *angles_host; /* of one batch */
    int head_rows;      /* whose logits fit at once */
    int head_blocks, picked_max;
    float *sums_host, *picked_host;
    int n_picks; /* logits that the batch asks for */

    int records; /* launches may be recorded: all ops are its own */
    struct recordings *recordings;

    struct batch *batch; /* the one that runs */
};

static inline int opencl_rows(const struct device *d, const struct op *op)
{
    return op->wanted_rows ? d->batch->n_heads : d->batch->n;
}

/* For fallback_open; user: NULL. */
int opencl_supports(const void *user, const struct op *op);
/* Sends what b asks; it is the batch that runs until the next one. */
int opencl_begin(struct device *d, struct batch *b, struct err *e);
/* Queues the op over the batch; OP_HEAD fills the wanted rows. */
int opencl_op(struct device *d, const struct op *op, struct err *e);
/* Reads d->shelf once, and returns when it is done. */
int opencl_read(struct device *d, struct err *e);
/* The same in two steps: wanted rows from .. to-1, no more than head_rows. */
int opencl_head_queue(struct device *d, const struct op *op, int from, int to, struct err *e);
int opencl_head_read(struct device *d, int from, int to, struct err *e);

/* What queue launches, from a recording where there is one. */
typedef int opencl_queue(struct device *d, struct err *e);
int opencl_play(struct device *d, opencl_queue *queue, struct err *e);
void opencl_forget(struct device *d); /* all recordings: memory was made anew */
/* A matrix's scales, and memory for the columns of every product: is_narrow. */
int opencl_make_scales(struct device *d, const struct weight *w, struct err *e);
int opencl_make_narrow(struct device *d, struct err *e);
/* For the batch: n_parts, and memory for at least one row's parts. */
int opencl_make_parts(struct device *d, struct err *e);
/* Compiles the kernels that opencl_op launches, in d->form. */
int opencl_build(struct device *d, struct err *e);

/* Weight i of op, or its bias, is needed as floats; else as in the file. */
int opencl_reads_floats(const struct op *op);

extern const char opencl_vector_begin[], opencl_vector_end[];
extern const char opencl_lanes_begin[], opencl_lanes_end[];
extern const char opencl_cuda_begin[], opencl_cuda_end[]; /* a text of CUDA C++ */

#endif
