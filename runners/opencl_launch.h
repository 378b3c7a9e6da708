/* opencl_launch.h -- how the OpenCL and CUDA devices queue a kernel, and the operations they have.
 *
 * Known to the files that queue operations; the device asks through opencl.h. */
#ifndef RUNNERS_OPENCL_LAUNCH_H
#define RUNNERS_OPENCL_LAUNCH_H

#include "runners/opencl.h"

enum opencl_kernel {
    K_EXPAND, K_GEMM, K_THIN, K_EXPERTS, K_ROW_NORM, K_HEAD_NORM, K_EMBED, K_ROPE, K_CLAMP,
    K_THRESHOLD, K_SCALE, K_TEMPER, K_ADD, K_GATE, K_SCALE_BY, K_SLICE, K_CONCAT, K_GATHER,
    K_ROUTE, K_COMBINE, K_KV_STORE, K_ATTENTION, K_ATTEND, K_ATTEND_JOIN, K_LOG_SUM, K_PICK,
    K_WEIGHT_SCALES, K_NARROW, K_TENSOR, K_READ, N_KERNELS
};

/* Memory in order, then `a`; width work-items for each of rows, in whole groups: kernels look out
 * for those beyond width.  Nothing where either is 0. */
int opencl_launch(struct device *d, enum opencl_kernel kernel, const struct op_args *a,
                  struct cl_memory *const *memory, int n, size_t width, size_t rows, struct err *e);
/* A work-item per number of a value's rows; more: NULL, or memory behind the arena. */
int opencl_each(struct device *d, enum opencl_kernel kernel, const struct op_args *a, int width,
                struct cl_memory *more, struct err *e);
/* Work-items that share what is one work-item's in the form for processors. */
size_t opencl_sharing(const struct device *d);
size_t opencl_tiles(int n, int tile); /* that cover n */

/* What every kernel is told of op: its shapes, where its values and the batch's integers lie. */
struct op_args opencl_args_of(const struct device *d, const struct op *op);
void opencl_place(const struct device *d, int value, args_u64 *at, int *ld);
void opencl_set_weight(struct op_args *a, const struct weight *w);
/* w as floats (opencl_reads_floats), or NULL. */
struct cl_memory *opencl_floats_of(const struct device *d, const struct weight *w);

/* y = finish(w x + bias) of a.rows columns, which opencl_narrow has been given before: it makes
 * float16 of columns of k elements where tensor cores are to multiply them. */
int opencl_narrow(struct device *d, struct op_args a, int k, struct err *e);
int opencl_product(struct device *d, const struct weight *w, struct op_args a, struct cl_memory *y,
                   struct cl_memory *bias, struct err *e);

typedef int opencl_runs(struct device *d, const struct op *op, struct err *e);
opencl_runs opencl_linear, opencl_experts_up, opencl_experts_down, opencl_kv_store,
    opencl_attention, opencl_head;

#endif
