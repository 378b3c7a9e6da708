/* program.h -- a model as a list of operations over named values (engine_design.md 1).
 *
 * Built once when a file is opened, by the rows of arch.c, and checked for shapes on the way: a
 * missing or misshapen tensor is found here, with its name.  A value is a matrix [rows, width] of
 * float32 whose row count is the batch's (or the wanted rows' after OP_GATHER); all values live in
 * one arena, placed by first and last use.  Read only after program_finish: any thread. */
#ifndef RUNNERS_PROGRAM_H
#define RUNNERS_PROGRAM_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "runners/kernels.h"
#include "runners/route.h"

struct weight { /* {k, rows} in GGUF order: y_r = sum_k w[r][k] * x_k */
    const char *name; /* terminated; for error lines */
    const uint8_t *data;
    int type; /* enum quant_type */
    int k, rows;
    size_t row_bytes;
    int slabs;            /* matrices of this shape: experts, heads; 1 otherwise */
    size_t slab_bytes;    /* from one to the next, unless each has a place of its own: */
    const uint8_t **slab; /* [slabs], or NULL */
    const float *f32; /* of one row (norms, biases), and of tables: as floats; else NULL */
    const float *lanes; /* of recurrent layers: [rows / 16][k][16], zeros beyond; else NULL */
    int id;           /* 0 .. program->n_weights-1: a device keeps what it made of it there */
};

enum op_kind {
    OP_EMBED,     /* out = row of w[0] for each token, its first for tokens beyond the last, times
                     scale; plus, when there is a w[1], its row for the position */
    OP_RMS_NORM,  /* out = rms_norm(in) * w[0] */
    OP_LAYER_NORM, /* out = layer_norm(in) * w[0] + bias[0], either of them or both */
    OP_HEAD_NORM, /* in place on out[0]: rms_norm (or layer_norm) of each head of head_dim; weight
                     w[0] for all, or for each its own; or NULL */
    OP_LINEAR,    /* out[i] = w[i] in + bias[i], i < n_out; epilogue as below */
    OP_ROPE,      /* in place on out[0]: each head of head_dim */
    OP_CLAMP,     /* in place: to -limit .. limit */
    OP_THRESHOLD, /* in place: x where x >= limit, else 0 */
    OP_CUT,       /* in place: x - (mean + limit * deviation) of the row, 0 where that is less */
    OP_SCALE,     /* in place: times scale */
    OP_MATCH,     /* in place: times |in[0]| / |out[0]|, the mean square of which is >= limit */
    OP_TEMPER,    /* in place: times a factor that grows with the position */
    OP_XIELU,     /* in place: the activation of arXiv 2411.13010 */
    OP_KV_STORE,  /* keys in[0], values in[1] into the cache of `layer` */
    OP_ATTENTION, /* out = attention of queries in[0] over the cache of `layer`; w[0]: a sink per
                     head, w[1]: a slope per head (kernels.h), or NULL */
    OP_ADD,       /* out = in[0] + scale * in[1] */
    OP_GATE,      /* out = act(in[0]) * in[1] */
    OP_L2_NORM,   /* in place on `heads` of out[0] from head `first` on: scale * x / |x| */
    OP_DEAL,      /* out[0], out[1] = in's chunks in other places: struct deal */
    OP_CONV,      /* out = causal convolution over the rows of a path, channel by channel */
    OP_SCAN_CHANNELS, /* out = scan of x in[0] with dt in[1], b in[2], c in[3]: Mamba */
    OP_SCAN_HEADS, /* out = scan of [x | b | c] in[0] with dt in[1]: Mamba 2 */
    OP_DELTA,     /* out = delta rule of [q | k | v] in[0], decay in[1], beta in[2] */
    OP_CONCAT,    /* out = [in[0] | in[1]] */
    OP_SLICE,     /* out = as many numbers of in[0] as it has, from `at` on; times w[0], or NULL */
    OP_SCALE_BY,  /* out = in[0] * act(in[1]), in[1] one number per row */
    OP_HEAD_LINEAR, /* head h of out = [slab h of w[0] times its first k numbers | the rest] */
    OP_ROUTE,     /* out = the experts of a row and their weights (route.h) by the logits in[0];
                     w[0]: selection bias, w[1]: a factor per expert, or NULL */
    OP_EXPERTS_UP, /* out = act(w[0] x) * (w[1] x), or act(w[1] x) without w[0], of the experts
                      that in[1] names, one after the other; x: in[0] */
    OP_EXPERTS_DOWN, /* out = w[0] times each of in[0]'s parts, by the experts of in[1] */
    OP_COMBINE,   /* out = the sum of in[0]'s parts, in order, times the weights of in[1] */
    OP_PREDICT,   /* out = the parts of in[0], one beside the other; to part i come all parts a,
                     times number i * parts + a of in[1] */
    OP_CORRECT,   /* in place: to the parts from `first` on comes in[0] times 1 + number i of in[1],
                     or without in[1] once */
    OP_GATHER,    /* out = the wanted rows of in */
    OP_HEAD,      /* logits of the wanted rows: (w[0] in + bias[0]) * scale, then the soft cap */
};

enum epilogue {
    EPILOGUE_NONE,
    EPILOGUE_ADD, /* out[0] = in[1] + scale * w[0] in[0]: the residual, added last */
    EPILOGUE_ACT, /* out[0] = act(w[0] in) */
    EPILOGUE_GLU, /* out[0] = act(w[0] in) * (w[1] in); +0 where an act that makes zeros is 0 */
};

struct rope {
    int n_rot, halves;
    const double *inv_freq; /* [n_rot/2], radians per position; the program's */
    float magnitude;        /* cos and sin are multiplied by it (YaRN); 1 otherwise */
};

/* Ops that carry a state from row to row (recurrent.h).  w: conv: its taps in lanes, bias[0];
 * scans: a, d; delta: a, the bias of the decay. */
struct recurrence {
    int taps;    /* conv */
    int states;  /* scans: per channel; delta: keys, the size of a head */
    int groups;  /* scan_heads: of heads that share b and c; delta: key heads */
    int is_tiled;   /* delta: value head h goes with key head h % groups, not
                       h / (heads / groups) */
    int is_paired;  /* delta: [beta | decay] of the heads of each key head lie together in in[1] */
    size_t state;   /* where in a slot, in floats; program_finish sets it */
};

#define DEAL_PARTS 4
struct deal { /* a row of in[0] is `groups` times the parts one after the other */
    int groups, n;
    struct {
        int width, out, at; /* group g goes to out[out] at `at` + g * width */
    } part[DEAL_PARTS];
};

struct temper { /* x * (1 + scale * ln(1 + floor((position + offset) / length))) */
    float scale; /* 0: none */
    int offset, length;
};

/* Parts of a row of in[0] or out, as experts leave them: at KERNEL_LD(width) from each other.
 * predict, correct: at `width`. */
struct parts {
    int n, width;
    int weighs_input; /* experts_up: x times the weight enters; combine: the weights are spent */
};

struct xielu { /* x > 0: p x^2 + beta x; else n (exp(min(x, eps)) - 1 - x) + beta x */
    float p, n, beta, eps;
};

#define OP_INS 4
#define OP_OUTS 3
struct op {
    enum op_kind kind;
    int layer; /* embedding: 0; what follows the last layer: their number */
    int in[OP_INS], out[OP_OUTS], n_out; /* value numbers; -1: none */
    const struct weight *w[OP_OUTS], *bias[OP_OUTS];
    enum epilogue epilogue;
    enum activation act;
    float eps, scale, softcap;
    int heads, kv_heads, head_dim, value_dim;
    int window;               /* attention: keys i - window < j <= i; 0: all */
    int chunk;                /* attention: only keys of position i's own chunk; 0: all */
    int mean_removed;         /* head_norm: layer norm */
    float limit;              /* clamp, threshold, cut, match, experts_up, and: */
    int has_threshold;        /* linear with act NONE: act(x) = x where x >= limit, else 0 */
    int is_sparse;            /* reads a value with many exact zeros; program_finish sets it */
    const struct rope *rope;
    int kv_layer;             /* kv_store, attention: whose cache; usually `layer` */
    int at;                   /* slice */
    int rope_at;              /* rope: the dimension of a head that the rotation begins with */
    struct temper temper;
    struct xielu xielu;
    struct route route;
    struct parts parts;
    int wanted_rows; /* 1: runs over the wanted rows only */
    int first; /* head, part */
    struct recurrence rec;
    struct deal deal;
};

struct value {
    int width;
    size_t ld;         /* floats from row to row: KERNEL_LD(width) */
    int part_width;    /* a row is parts at KERNEL_LD(part_width) from each other; 0: it is one */
    int first, last;   /* groups of ops (op_follows) that write it first and read it last */
    size_t offset;     /* in floats per row of the arena: value v starts at offset * max_rows */
};

struct program {
    struct op *ops;
    int n_ops;
    struct value *values;
    int n_values;
    struct rope *ropes;
    int n_ropes;
    size_t arena_ld; /* floats per row of all values together */
    int n_weights;   /* ids given out */
    int n_layers, n_vocab;
    struct layer_kv { int kv_heads, head_dim, value_dim; } *kv; /* [n_layers]; zeros: none */
    int shares_kv; /* some layers attend to the cache of an earlier one */
    size_t state_floats; /* of one point of a path, all layers */
    size_t cap_ops, cap_values, cap_ropes;
    int failed; /* out of memory while building: checked in program_finish */
};

void program_release(struct program *p);

/* Building.  value: a new one of this width.  op: a copy of the row is appended and returned by
 * number.  Failures are remembered and told by program_finish. */
int program_value(struct program *p, int width);
int program_width(const struct program *p, int value); /* 0 after a failure */
int program_op(struct program *p, struct op op);
/* Copies inv_freq[n_rot/2]; NULL when out of memory (remembered). */
const struct rope *program_rope(struct program *p, struct rope r, const double *inv_freq);
/* Places the values, checks every operand and shape. */
int program_finish(struct program *p, struct err *e);

/* Of a page of all layers.  *scratch: of a page that keeps what one layer stores for the batch that
 * runs; offsets: [n_layers] where each layer begins in the former, or NULL. */
size_t program_page_bytes(const struct program *p, enum kv_type t, size_t *scratch,
                          size_t *offsets);

/* The independent parts of an op that carries a state (0: it carries none), and floats of each. */
int program_state_units(const struct program *p, const struct op *op);
size_t program_unit_floats(const struct op *op);

const char *op_name(enum op_kind k);

/* An op that reads out[0] too: it changes what is there. */
int op_is_in_place(enum op_kind k);
/* An op that multiplies by matrices. */
int op_has_matrix(enum op_kind k);
/* An op whose activation gives exact zeros: ReLU, its square, a threshold. */
int op_makes_zeros(const struct op *op);
/* An op that works row by row, reading only what stands in its own rows. */
int op_is_row_local(enum op_kind k);
/* b, right after a, needs nothing of other rows: a worker may go on to it with its own rows while
 * others are still at a.  Such ops form a group; values that live in one group at the same time
 * never share memory. */
int op_follows(const struct op *a, const struct op *b);

#endif
