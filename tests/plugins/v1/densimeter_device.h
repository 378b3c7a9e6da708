/* densimeter_device.h -- the contract between Densimeter and a device that is not part of it.
 *
 * A device is a shared object that computes some of the operations of a language model.  It exports
 * one function, densimeter_device(), and is used by its path or by its name:
 *
 *     cc -shared -fPIC -O2 -o libmine.so mine.c
 *     densimeter device check ./libmine.so
 *     densimeter eval MODEL --tasks TASK --device ./libmine.so
 *     DENSIMETER_DEVICES=/folder/or/file:... densimeter eval MODEL --tasks TASK --device mine
 *
 * A model is a list of operations over values.  A value is a matrix of float32, one row per token
 * of a batch.  The device says which operations it computes; the CPU computes the others, and how
 * often it had to is part of every result.  Neighbouring operations of the device are asked for in
 * one call.
 *
 * Order of calls, all from one thread:
 *     open, supports (once for each operation), prepare, run (any number of times), close
 * Whatever fails returns less than 0 and writes one line without a line break to `why`.  After a
 * failed run the same device is asked to run again, with another batch that begins anew.
 *
 * Memory.  Everything pointed to by struct dsm_program stays valid from prepare to close, what a
 * batch points to until run returns; all of it is the host's.  A device reads what an operation
 * reads and writes what it writes, nothing else.  Rows of values begin at multiples of 64 bytes.
 * Keys and values of past tokens are the device's own (DSM_KV_STORE).  A device with memory of its
 * own needs to fetch only operands that are marked fresh and to put back only results that are
 * marked wanted (struct dsm_op).
 *
 * Threads.  A device may use as many as dsm_host.threads says; between calls they rest.
 *
 * Numbers.  Sums run over float32 or better unless the device's `precision` says otherwise; weights
 * have the values that their format defines (dsm_host.unpack).  No flush of denormals, no fast
 * maths that lets NaN and infinity disappear: a NaN that an operation makes must be seen in its
 * result.
 *
 * Versions.  A device is refused when its `abi` is not DSM_ABI.  What is added within one version
 * goes to the end of structures; struct_bytes says how much of struct dsm_device there is. */
#ifndef DENSIMETER_DEVICE_H
#define DENSIMETER_DEVICE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DSM_ABI 1
#define DSM_PAGE 32 /* positions in a page of keys and values */

/* ---- weights ---- */

/* Formats by their number in GGUF files: 0 F32, 1 F16, 2 Q4_0, 3 Q4_1, 6 Q5_0, 7 Q5_1, 8 Q8_0,
 * 10 Q2_K, 11 Q3_K, 12 Q4_K, 13 Q5_K, 14 Q6_K, 20 IQ4_NL, 23 IQ4_XS, 30 BF16, ... */
enum { DSM_F32 = 0, DSM_F16 = 1, DSM_Q4_0 = 2, DSM_Q8_0 = 8, DSM_BF16 = 30 };

struct dsm_tensor { /* `rows` rows of k elements, (W x)_r = sum over i of W[r][i] x[i] */
    const char *name;
    const void *data;   /* row r at data + r * row_bytes, as the file has it */
    const float *f32;   /* vectors (norms, biases): the elements as floats; NULL for matrices */
    uint64_t row_bytes;
    int32_t type;
    int32_t k, rows;
    int32_t id;         /* the same number: the same tensor; 0 .. dsm_program.n_tensors-1 */
};

/* ---- operations ---- */

enum dsm_kind {
    /* 0: an operation that this version has no name for.  Say no. */

    /* out[r] = scale * row tokens[r] of w[0] (row 0 where there is no such row); with w[1]: plus
     * its row positions[r]. */
    DSM_EMBED = 1,
    /* out = in * w / sqrt(mean(in^2) + eps); without w[0] nothing is multiplied. */
    DSM_RMS_NORM,
    /* out = (in - mean) / sqrt(variance + eps) * w[0] + bias[0]; either may be missing. */
    DSM_LAYER_NORM,
    /* In place on out[0]: the norm above (mean_removed: layer norm, else RMS) of each of `heads`
     * runs of head_dim numbers.  w[0]: head_dim weights for all heads, or heads * head_dim. */
    DSM_HEAD_NORM,
    /* out[i] = w[i] in[0] + bias[i] for i < n_out (bias may be missing), and with an epilogue one
     * result:
     *   DSM_ADD_TO  out[0] = in[1] + scale * (w[0] in[0] + bias[0])
     *   DSM_ACT_OF  out[0] = act(w[0] in[0] + bias[0])
     *   DSM_GLU     out[0] = act(w[0] in[0] + bias[0]) * (w[1] in[0] + bias[1]) */
    DSM_LINEAR,
    /* In place on out[0]: pairs (a, b) of each of `heads` runs of head_dim numbers, from number
     * rope_at on, become (a cos - b sin, a sin + b cos), the angle being positions[r] *
     * inv_freq[i] (computed in double), cos and sin times `magnitude`.  Pair i is (i, i + n_rot/2)
     * with `halves`, else (2i, 2i+1). */
    DSM_ROPE,
    /* The keys in[0] and values in[1] of each row go to the cache of layer kv_layer: to place
     * position % DSM_PAGE of page pages[position / DSM_PAGE] of the row's span.  kv_heads runs of
     * head_dim numbers, and of value_dim.  Before row c.before_row is stored, every copy c of the
     * batch is made (struct dsm_page_copy). */
    DSM_KV_STORE,
    /* out = attention of the queries in[0] (heads runs of head_dim) over the cache of layer
     * kv_layer: head h uses the keys and values of kv head h / (heads / kv_heads).  A row at
     * position p sees the positions j of its own span's pages with first(p) <= j <= p; first is 0,
     * with window > 0 at least p - window + 1, with chunk > 0 at least p / chunk * chunk.
     *   s_j = scale * q.k_j;  softcap c > 0: s_j = c tanh(s_j / c);  w[1]: s_j += w[1][h] * (j - p)
     *   out = sum of exp(s_j) v_j / (sum of exp(s_j), with w[0]: + exp(w[0][h])) */
    DSM_ATTENTION,
    DSM_ADD,   /* out = in[0] + scale * in[1] */
    DSM_GATE,  /* out = act(in[0]) * in[1] */
    DSM_SCALE, /* in place on out[0]: times scale */
    /* out row i = in row heads[i].row, for each of the batch's heads: from here on the rows are
     * those of struct dsm_head (wanted_rows). */
    DSM_GATHER,
    /* logits y of each wanted row: y = scale * (w[0] in[0] + bias[0]), softcap c > 0: c tanh(y /
     * c). Fills struct dsm_head. */
    DSM_HEAD,
    DSM_KINDS
};

enum dsm_epilogue { DSM_PLAIN, DSM_ADD_TO, DSM_ACT_OF, DSM_GLU };

enum dsm_activation {
    DSM_NONE,      /* x */
    DSM_SILU,      /* x / (1 + exp(-x)) */
    DSM_GELU_TANH, /* x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) */
    DSM_GELU_ERF,  /* x/2 (1 + erf(x / sqrt(2))) */
    DSM_RELU,
    DSM_RELU2,     /* relu(x)^2 */
    DSM_SIGMOID,
    DSM_SOFTPLUS,
    DSM_TANH
};

struct dsm_rope {
    const double *inv_freq; /* [n_rot / 2], radians per position */
    float magnitude;
    int32_t n_rot, halves;
};

/* Fields that an operation's description does not name are 0. */
struct dsm_op {
    int32_t kind;  /* enum dsm_kind */
    int32_t layer;
    int32_t in[4]; /* numbers of values, -1: none */
    int32_t out[3];
    int32_t n_out;
    const struct dsm_tensor *w[3], *bias[3]; /* NULL: none */
    const struct dsm_rope *rope;
    int32_t epilogue, act;
    float eps, scale, softcap;
    int32_t heads, kv_heads, head_dim, value_dim;
    int32_t window, chunk, mean_removed, rope_at, kv_layer;
    int32_t wanted_rows; /* 1: runs over the n_heads wanted rows, else over all n rows */
    int32_t is_mine;     /* from prepare on: the device computes it */
    /* Bit i of fresh: in[i], or for i = 4 the out[0] that is changed in place, was last written by
     * the host.  Bit i of wanted: the host will read out[i]. */
    uint32_t fresh, wanted;
};

struct dsm_value {
    float *data;    /* row r at data + r * ld; room for max_rows rows */
    int32_t width;
    int32_t ld;     /* floats from row to row */
};

struct dsm_cache { /* of a layer; zeros: it has none */
    int32_t kv_heads, head_dim, value_dim;
};

struct dsm_program {
    int32_t n_ops, n_values, n_tensors, n_ropes, n_layers, n_vocab;
    int32_t max_rows;   /* of a batch */
    int32_t kv_pages;   /* pages 0 .. kv_pages-1 are kept from batch to batch */
    int32_t kv_scratch; /* pages ~0 .. ~(kv_scratch-1): their content lasts for one batch */
    const struct dsm_op *ops;
    const struct dsm_value *values;
    const struct dsm_tensor *tensors;
    const struct dsm_rope *ropes;
    const struct dsm_cache *caches; /* [n_layers] */
};

/* ---- batches ---- */

struct dsm_span { /* rows row0 .. row0+n-1 are neighbours on one path of tokens */
    int32_t row0, n, position; /* of row0; the others follow */
    int32_t n_pages;
    const int32_t *pages;      /* by position / DSM_PAGE */
};

struct dsm_page_copy { /* before row before_row is stored, page dst becomes a copy of page src */
    int32_t dst, src, before_row;
};

struct dsm_head { /* a wanted row and what DSM_HEAD finds for it */
    int32_t row;
    int32_t n_targets;
    const int32_t *targets; /* negative ones are nobody's */
    float *target_logits; /* [n_targets] */
    float *logits;        /* [n_vocab], or NULL: not asked for */
    double lse;           /* ln of the sum of exp(y) over the vocabulary */
    int32_t argmax;       /* the lowest index of the largest y */
    int32_t reserved;
};

struct dsm_batch {
    int32_t n; /* rows */
    int32_t n_spans, n_copies, n_heads;
    int32_t is_stepwise; /* 1: every operand is fresh and every result is wanted */
    int32_t reserved;
    const int32_t *tokens, *positions; /* [n] */
    const struct dsm_span *spans;
    const struct dsm_page_copy *copies; /* in order of before_row */
    struct dsm_head *heads;             /* in order of row */
};

/* ---- the two sides ---- */

struct dsm_host {
    int32_t abi;     /* DSM_ABI */
    int32_t threads; /* that the device may use, at least 1 */
    /* Elements 0 .. n-1 of a row of this format as floats; n is a multiple of the format's block.
     * Any thread.  Less than 0: the format is not known. */
    int (*unpack)(int32_t type, float *y, const void *row, uint64_t n);
};

enum dsm_precision { /* of the operands of products; sums are float32 or better */
    DSM_PRECISION_F32,
    DSM_PRECISION_TF32, /* 10 bits of mantissa, as float16 but with float32's range */
    DSM_PRECISION_F16,
    DSM_PRECISION_BF16,
    DSM_PRECISION_I8    /* activations as 8-bit integers in blocks of at most 32 */
};

enum dsm_claims {
    /* The same batches give the same bits on every run. */
    DSM_REPEATS = 1,
    /* What a row gives does not depend on the rows beside it, nor on how batches are cut. */
    DSM_BATCH_INVARIANT = 2,
};

struct dsm_device {
    int32_t abi;           /* DSM_ABI */
    uint32_t struct_bytes; /* sizeof(struct dsm_device) */
    const char *name;      /* letters, digits, '-' and '_' */
    const char *version;
    const char *help;      /* one line */
    /* Names this arithmetic, "mine/1": stored with every result and compared with nothing else.
     * "exact/1" claims the bits of Densimeter's own. */
    const char *numerics;
    int32_t precision;     /* enum dsm_precision */
    uint32_t claims;       /* enum dsm_claims */

    int (*open)(void **device, const struct dsm_host *host, char *why, size_t size);
    void (*close)(void *device);
    /* 1: computes this very operation, with these formats and switches.  Keys and values of a layer
     * are on one side only: DSM_KV_STORE and DSM_ATTENTION of a kv_layer all or none. */
    int (*supports)(void *device, const struct dsm_op *op);
    /* What is_mine is decided: weights may be brought to where they are needed. */
    int (*prepare)(void *device, const struct dsm_program *p, char *why, size_t size);
    /* Operations from .. to-1 of the program over the batch, all of them the device's. */
    int (*run)(void *device, int32_t from, int32_t to, const struct dsm_batch *b, char *why,
               size_t size);
};

/* The only symbol of a device that Densimeter looks for; what it returns is never freed. */
const struct dsm_device *densimeter_device(void);

#ifdef __cplusplus
}
#endif
#endif
