/* arch_build.h -- the inside of the architecture builder, shared by the files arch_*.c only.
 *
 * arch.c has the rows; arch_hparams.c reads the keys and resolves what every layer is (struct
 * layer); the walk in arch_walk.c then asks a mixer and a feed-forward for each.  Builders append
 * operations to the program and return a value number, or -1 with the error in b->e. */
#ifndef RUNNERS_ARCH_BUILD_H
#define RUNNERS_ARCH_BUILD_H

#include "runners/model.h"

enum block {
    BLOCK_PRE,      /* x += mixer(norm x); x += ffn(norm x) */
    BLOCK_SANDWICH, /* the same with a norm after each branch, too */
    BLOCK_POST,     /* x += norm(mixer(x)); x += norm(ffn(x)) */
    BLOCK_GEMMA4,   /* sandwich, experts beside the dense block, an input per layer */
    BLOCK_GEMMA3N,  /* several residual streams, of which a layer computes one */
    BLOCK_PARALLEL, /* x += mixer(norm x) + ffn(norm x): one norm for both, or one each */
};

enum arch_flags {
    LAYER_NORM = 1 << 0,   /* mean removed, bias if there is one; else RMS norm */
    BARE_NORM = 1 << 1,    /* norms without weights */
    ROPE_HALVES = 1 << 2,  /* pairs (i, i + n_rot/2) instead of (2i, 2i+1) */
    NO_ROPE = 1 << 3,
    POSITIONS = 1 << 4,    /* learned position embeddings */
    ALIBI = 1 << 5,        /* a bias by distance, largest slope 8 unless the key says else */
    QK_NORM = 1 << 6,      /* norm of each head of q and k before rope, where the tensors are */
    QK_NORM_ROW = 1 << 7,  /* norm of the whole q and the whole k */
    QK_NORM_LATE = 1 << 8, /* norm of each head after rope */
    EMBED_SCALED = 1 << 9, /* embeddings times sqrt(embedding length) */
    EMBED_NORM = 1 << 10,  /* a norm right after the embedding */
    UNGATED = 1 << 11,     /* down(act(up x)) instead of down(act(gate x) * up x) */
    WINDOWED = 1 << 12,    /* attention.sliding_window counts */
    DENSE_FIRST = 1 << 13, /* of a period the first layer is the full one, not the last */
    LOCAL_ROPE = 1 << 14,  /* windowed layers have a rope of their own, without scaling */
    GLOBAL_NO_ROPE = 1 << 15,   /* full layers have no rope where others have a window */
    FFN_NORM_IS_POST = 1 << 16, /* the norm before the feed-forward is called post_attention_norm */
    LOGIT_MULTIPLY = 1 << 17,   /* logits times logit_scale, not divided by it */
    SOFTCAPS = 1 << 18,         /* 50 and 30 where the keys are absent */
    SUB_NORMS = 1 << 19,        /* a norm before each output projection */
    XIELU = 1 << 20,
    GEMMA_BASE = 1 << 21,       /* windowed layers rotate with base 10,000 unless the key says */
    BOTH_MIXERS = 1 << 23,      /* attention and a recurrent mixer side by side in every layer */
    MIXER_ONLY = 1 << 24,       /* no feed-forward */
    MIXER_OR_FFN = 1 << 25,     /* a layer is one mixer or one feed-forward, after attn_norm */
    GATED_HEADS = 1 << 26,      /* attn_q has [query | gate] per head; outputs times its sigmoid */
    SHORTCONV = 1 << 22, /* these five: what the layers without heads for keys have instead */
    MAMBA = 1 << 27,
    MAMBA2 = 1 << 28,
    DELTA_GROUPED = 1 << 29, /* delta rule; value heads that share a key head are neighbours */
    DELTA_TILED = 1 << 30,   /* value head h goes with key head h modulo their number */
    RECURRENT = SHORTCONV | MAMBA | MAMBA2 | DELTA_GROUPED | DELTA_TILED,
};

enum moe_flags {
    MOE_RAW = 1 << 0,          /* weights are not divided by their sum unless a key says so */
    MOE_SIGMOID = 1 << 1,      /* gating where no key says which; none of these: softmax */
    MOE_SELECTED = 1 << 2,     /* softmax over the selected */
    MOE_SPARSEMIXER = 1 << 3,
    MOE_WEIGHS_INPUT = 1 << 4, /* the weight enters the expert */
    MOE_CLAMPED = 1 << 5,      /* gpt-oss's gated unit */
    MOE_ROUTES_BLOCK_INPUT = 1 << 6, /* the router reads what the layer reads */
    MOE_GLM_FLASH = 1 << 7,    /* sigmoid where sizes say that it is GLM-4.7-Flash */
};

struct build;
struct arch {
    const char *name;
    enum block block;
    enum activation act;
    unsigned flags;
    unsigned moe;
    int period;                        /* of windowed layers, where the file does not say */
    int (*adjust)(struct build *b);    /* what the family fixes by its layer count; or NULL */
};

enum layer_rope { LAYER_ROPE, LAYER_ROPE_LOCAL, LAYER_ROPE_NONE };

struct layer { /* what one layer is, resolved */
    int heads, kv_heads; /* 0: no attention here */
    int head_dim, value_dim;
    int kv_layer;        /* whose keys and values are attended to: its own, or an earlier layer's */
    int experts_used;    /* of each token, where the layer has experts */
    int window;          /* 0: all */
    int chunk;           /* attention within aligned chunks of positions; 0: not */
    enum layer_rope rope;
    float scale;         /* of attention scores */
    struct temper temper;
    int bare_v_norm;     /* v of each head is normed without weights */
    int bare_qk_norm;    /* q and k of each head are normed after rope, without weights */
    int is_cut;          /* gates of the feed-forward count from so many deviations
                            above the mean: */
    float cut;
};

struct build { /* what the walk over the layers carries along */
    struct model *m;
    const struct arch *a;
    enum block block;     /* the row's, or as the file says */
    struct layer *layers; /* [hp.layers] */
    enum activation act;  /* of the feed-forward: the row's, or as a key says */
    int is_thresholded;   /* the activation is x where x >= threshold, else 0; act is ACT_NONE */
    float threshold;
    float eps;            /* of every norm */
    float embed_scale, residual_scale, logit_scale, clamp, attn_softcap, alibi_max;
    int n_window;         /* the window that windowed layers have */
    int n_rot_local;      /* of windowed layers with a rope of their own */
    const struct rope *rope, *rope_local;
    int layer_inputs, layer_input_width; /* Gemma 3n and 4: a value with a part for each layer */
    int streams, n_streams, active_stream; /* Gemma 3n: the residual streams side by side */
    int block_input; /* the residual stream as the layer found it */
    int residual; /* the value that carries the residual stream */
    int wanted;   /* after the gather of the last layer */
    struct err *e;
};

extern const struct op OP_EMPTY;

int arch_walk(struct build *b); /* arch_walk.c: everything */

/* arch_hparams.c */
int arch_hparams(struct build *b);
/* An integer or one per layer under {arch}.key into out[hp.layers]. */
int arch_layer_ints(struct build *b, const char *key, int fallback, int low, int high, int *out);

/* arch_ops.c: tensors, and operations with the error and row bookkeeping done.  A NULL weight is an
 * error that need() has told. */
const struct weight *need(struct build *b, int layer, const char *name);
const struct weight *maybe(struct build *b, int layer, const char *name);
int has_tensor(struct build *b, int layer, const char *name);
int emit(struct build *b, int layer, struct op op, int width); /* with one new output */
void emit_in_place(struct build *b, int layer, struct op op, int value);
/* The norm of the family; name without ".weight" and ".bias". */
int add_norm(struct build *b, int layer, int in, const char *name);
int add_gather(struct build *b, int value);
/* act ACT_NONE: out = W in + bias.  rows 0: the whole tensor, else rows row0 .. of it. */
int add_linear(struct build *b, int layer, int in, const char *name, int row0, int rows,
               enum activation act);
/* The last layer: from here on only wanted rows count. */
int want_rows(struct build *b, int layer, int value);
/* residual += scale * norm(W in + bias), the norm only where post_norm is not NULL. */
int add_branch(struct build *b, int layer, int in, const char *name, const char *post_norm);

void add_residual(struct build *b, int layer, int branch); /* residual += scale * branch */
void add_temper(struct build *b, int layer, int query);    /* where the layer has one */

int add_sum(struct build *b, int layer, int x, int y);
void scale_value(struct build *b, int layer, int value, float scale); /* in place */

/* arch_gemma4.c */
int plan_gemma4(struct build *b);
int add_gemma4_layer(struct build *b, int layer);
int add_layer_inputs(struct build *b); /* where the file has them: sets b->layer_inputs */
int add_layer_input(struct build *b, int layer, int in); /* norm(proj(gelu(gate in) * input)) */
/* The last layers have no keys and values: they look at those of the last layer of their kind that
 * has.  fallback: how many, where the file does not say. */
int share_kv(struct build *b, int fallback);
/* arch_gemma3n.c */
int plan_gemma3n(struct build *b);
int add_gemma3n_layer(struct build *b, int layer);

/* Mixers: the value that the output projection reads. */
int add_attention(struct build *b, int layer, int in); /* arch_attention.c */
int add_recurrent(struct build *b, int layer, int in); /* arch_recurrent.c: of all rows */
const char *recurrent_output(const struct build *b);   /* the projection after it */
int add_mla(struct build *b, int layer, int in);       /* arch_mla.c */
/* Feed-forwards: added to the residual stream, after post_norm where it is not NULL. */
int add_moe(struct build *b, int layer, int in, const char *post_norm); /* arch_moe.c */
int add_experts(struct build *b, int layer, int in, int router_in); /* their sum, as a value */
int arch_activation(struct build *b); /* arch_ffn.c: the file's own, where a key names one */
int add_dense(struct build *b, int layer, int in); /* arch_ffn.c: as a value */
int add_feed_forward(struct build *b, int layer, int in, const char *post_norm); /* arch_ffn.c */

#endif
