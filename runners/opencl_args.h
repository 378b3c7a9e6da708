/* opencl_args.h -- what a kernel is told about its operation, read by the host's compiler and the
 * device's: the Makefile puts this file in front of opencl_kernels.cl.
 *
 * Values lie in the arena as program.h places them; `in` and `out` are floats from its begin. */
#ifndef RUNNERS_OPENCL_ARGS_H
#define RUNNERS_OPENCL_ARGS_H

#if defined __OPENCL_VERSION__ || defined __CUDACC__
typedef ulong args_u64;
#else
#include <stdint.h>
typedef uint64_t args_u64;
#endif

#define LANES 32    /* work-items of a group that shares a row */
#define TILE_ROWS 4 /* of the weight, per work-item of a product */
#define TILE_COLS 4 /* of the batch */
#define THIN_COLS 8 /* with so few, a weight is unpacked where it is used */
#define PART_PAGES 4 /* of keys that one group of attention reads */
#define SHARERS 4    /* query heads that read a key together */
#define TENSOR_TILE 128  /* rows and columns of a product on tensor cores, by a group */
#define TENSOR_GROUP 256
#define NARROW_WORDS(k) (((k) + 31) / 32 * 16) /* of a column: two float16 each, whole steps */
#define VALUES 256   /* dimensions of a value that one group sums */

enum { /* how a product is finished */
    FINISH_PLAIN, /* v + bias */
    FINISH_ADD,   /* other + scale * (v + bias) */
    FINISH_ACT,   /* act(v + bias) */
    FINISH_GLU,   /* act(what stands there) * (v + bias) */
    FINISH_LOGIT, /* soft cap of (v + bias) * scale */
    FINISH_CLAMPED_GLU, /* gpt-oss's, of what stands there and v + bias */
};

struct op_args {
    args_u64 in[3], out[3]; /* finish_add: other is in[1] */
    args_u64 weight_at, row_bytes, slab_bytes; /* bytes in the weight's buffer */
    args_u64 page_floats, scratch_floats; /* from page to page of the layer's cache */
    int ld_in[3], ld_out[3]; /* floats from row to row */
    int type;        /* enum quant_type of the weight */
    int type_2;      /* of a second one */
    int rows;        /* of the batch, or the wanted ones */
    int n;           /* width of a row; rows of a weight */
    int k;           /* elements of a weight's row */
    int row0;        /* first row that is computed, of the weight or of the batch */
    int finish, act, has_threshold, has_weight;
    int heads, kv_heads, head_dim, value_dim, first, at, step;
    int n_rot, halves, window, chunk, mean_removed;
    int parts, part_ld, weighs_input, experts, gating, is_normalised, groups, groups_used;
    int temper_offset, temper_length, vocab, n_copies;
    int n_parts; /* of the longest path of a batch, at least */
    /* in the batch's integers: */
    int tokens_at, positions_at, wanted_at, page_list_at, pages_at, copies_at, targets_at;
    float scale, eps, limit, softcap, temper_scale;
};

#endif
