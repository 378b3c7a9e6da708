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
    int heads, kv_heads, head_dim, value_dim; /* heads: of the layer with most */
    int n_rot;
    float logit_softcap; /* 0: none */
    double rope_base, rope_base_swa; /* swa: of the windowed layers */
};

struct model {
    const struct gguf *file; /* borrowed */
    const char *arch_name;
    struct hparams hp;
    int context;
    const char *activation; /* asked for instead of the file's (runner.h); or NULL */
    const char *rope; /* how positions are told: "none", "yarn", "longrope, long factors", ... */
    int n_later_blocks; /* of the file, that predict tokens further ahead: not read */
    struct program program;
    struct weight *weights; /* every tensor the program uses */
    size_t n_weights, cap_weights;
    char *is_used; /* [tensors of the file] */
    char *name; /* general.name, or the file's name */
    uint64_t parameters, parameters_embedding;
    uint64_t parameters_unused; /* of the blocks that are not read */
};

/* context: the longest sequence that will be asked for (0: as the file says); which of longrope's
 * two sets of factors is right depends on it.  m->context is what may be asked for then.
 * activation: runner.h's; borrowed. */
int model_open(struct model **out, const struct gguf *g, int context, const char *activation,
               struct err *e);
void model_close(struct model *m);

/* For arch.c.  The tensor blk.LAYER.NAME (layer < 0: NAME); required: absence fills e.  Tensors of
 * one row come as floats too.  NULL with e->code == ERR_OK: optional and absent. */
const struct weight *model_weight(struct model *m, int layer, const char *name, int required,
                                  struct err *e);
/* Rows row0 .. row0+rows-1 of a required matrix: a view with an id of its own. */
const struct weight *model_weight_rows(struct model *m, int layer, const char *name, int row0,
                                       int rows, struct err *e);
/* The same for small tensors of n elements in any number of dimensions: all of them as floats. */
const struct weight *model_table(struct model *m, int layer, const char *name, int n, int required,
                                 struct err *e);
/* The same for a matrix {k, rows} that recurrent layers read: w->lanes is filled. */
const struct weight *model_lanes(struct model *m, int layer, const char *name, int k, int rows,
                                 struct err *e);
/* Elements at .. at+n-1 of a table, and a table of numbers that no file holds. */
const struct weight *model_part(struct model *m, int layer, const char *name, int at, int n,
                                struct err *e);
const struct weight *model_made(struct model *m, const char *name, const float *values, int n,
                                struct err *e);
/* The n experts of one kind: blk.LAYER.STACKED {k, rows, n}, or a tensor for each under a name with
 * %d in it. */
const struct weight *model_experts(struct model *m, int layer, const char *stacked,
                                   const char *single, int n, struct err *e);
/* Views: a matrix as n slabs of equally many rows; rows row0 .. of every slab. */
const struct weight *model_as_slabs(struct model *m, const struct weight *w, int n, struct err *e);
const struct weight *model_slab_rows(struct model *m, const struct weight *w, int row0, int rows,
                                     struct err *e);
/* Matrix number i of several. */
const struct weight *model_slab(struct model *m, const struct weight *w, int i, struct err *e);
/* The same rows, as floats of the model's own, each slab transposed. */
const struct weight *model_slabs_transposed(struct model *m, const struct weight *w, int row0,
                                            int rows, struct err *e);
/* Numbers under {arch}.key; an absent one has its fallback.  Out of low..high: ERR_FORMAT. */
enum { REQUIRED = -1 }; /* as the fallback of an integer: there is none */
struct int_key {
    const char *key;
    int *to;
    int fallback, low, high;
};
struct f64_key {
    const char *key;
    double *to;
    double fallback, low, high;
};
int model_ints(const struct model *m, const struct int_key *keys, size_t n, struct err *e);
int model_f64s(const struct model *m, const struct f64_key *keys, size_t n, struct err *e);

#endif
