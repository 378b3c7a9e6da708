/* model.h -- a weight file as hyper-parameters, tensors by canonical name, and a program.
 *
 * The gguf stays open: weights point into its mapping.  Read only after model_open. */
#ifndef RUNNERS_MODEL_H
#define RUNNERS_MODEL_H

#include "base/err.h"
#include "runners/gguf.h"
#include "runners/program.h"

struct hparams {
    int layers, embd, vocab, context;
    int heads, kv_heads, head_dim, value_dim, ff;
    int n_rot;
    float norm_eps;
    double rope_base, rope_base_swa; /* swa: of the windowed layers */
    int window; /* 0: none */
};

struct model {
    const struct gguf *file; /* borrowed */
    const char *arch_name;
    struct hparams hp;
    struct program program;
    struct weight *weights; /* every tensor the program uses */
    size_t n_weights, cap_weights;
    char *is_used; /* [tensors of the file] */
    char *name; /* general.name, or the file's name */
    uint64_t parameters, parameters_embedding;
};

int model_open(struct model **out, const struct gguf *g, struct err *e);
void model_close(struct model *m);

/* For arch.c.  The tensor blk.LAYER.NAME (layer < 0: NAME); required: absence fills e.  Tensors of
 * one row come as floats too.  NULL with e->code == ERR_OK: optional and absent. */
const struct weight *model_weight(struct model *m, int layer, const char *name, int required,
                                  struct err *e);
/* {arch}.key as a number: 1 = found, 0 = absent and *out = fallback, -1 = there but no number. */
int model_int(const struct model *m, const char *key, int fallback, int *out, struct err *e);
int model_f64(const struct model *m, const char *key, double fallback, double *out, struct err *e);

#endif
