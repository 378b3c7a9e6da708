/* train_impl.h -- what the parts of the trainer share: private to train*.c. */
#ifndef RUNNERS_TRAIN_IMPL_H
#define RUNNERS_TRAIN_IMPL_H

#include <stddef.h>

#include "base/thread.h"
#include "runners/kernels.h"
#include "runners/train.h"

#define TRAIN_NORM_EPS 1e-5f
#define TRAIN_ROPE_BASE 10000.0

/* Offsets, in floats, of the tensors of one layer and of the whole within the weights. */
struct train_layer {
    size_t attn_norm, q, k, v, o, ffn_norm, gate, up, down;
};
struct train_layout {
    size_t embedding, norm, n; /* n: all floats */
    struct train_layer *layer; /* [layers] */
};

/* One layer's values, kept for the way back.  Matrices are [rows][width]. */
struct train_kept {
    float *in, *n1, *q, *k, *v, *p, *o, *mid, *n2, *gate, *up, *h;
    float *r1, *r2; /* [rows] reciprocal roots of the norms */
};

struct train_shard {
    float *gradients; /* as the weights */
    int32_t *ids;
    unsigned char *is_target;
    int *first, *len; /* [documents] */
    int *predicts;    /* [targets] the row that predicts it */
    int32_t *target;
    int rows, targets;
    double loss;
    struct train_kept *kept;       /* [layers] */
    float *last, *nf, *rf, *logits; /* after the layers: in, normed, roots, and [targets][vocab] */
    float *dx, *da, *db, *dc, *dh, *dg, *du, *dn; /* on the way back */
    float *t1, *t2;                /* transposed, [width][padded rows] */
    float *memory;
};

struct train {
    struct train_opts o;
    struct train_layout at;
    const struct kernels *kernels;
    struct pool *pool;
    float *weights, *transposed, *gradients, *mean, *square;
    float *embedding_t; /* [embedding][padded vocab] */
    float *cos, *sin;   /* [longest][head_dim / 2] */
    struct train_shard shard[TRAIN_SHARDS];
    int docs, rows_max; /* per shard */
    int step;
    double power1, power2; /* beta^step */
};

/* The weights transposed ([inputs][outputs] each), after every change of them: part of n. */
void train_transpose(struct train *t, int part, int n);
/* Forward and backward of a shard whose ids are filled: its gradients and its loss (a sum, to be
 * divided by all_targets, by which the gradients are divided already). */
void train_pass(const struct train *t, struct train_shard *s, int all_targets);

int train_shard_open(const struct train *t, struct train_shard *s, struct err *e);
void train_shard_close(struct train_shard *s);

#endif
