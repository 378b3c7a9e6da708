/* hf_build.h -- the inside of the reader of Hugging Face folders, shared by the files hf_*.c that
 * hf.c calls: hf_families.c and hf_names.h have the tables, hf_keys.c and hf_rope.c make keys of
 * config.json, hf_packed.c and hf_codes.c know codes and scales, hf_tensors.c names tensors and
 * makes what has to be. */
#ifndef RUNNERS_HF_BUILD_H
#define RUNNERS_HF_BUILD_H

#include "base/arena.h"
#include "base/json.h"
#include "runners/gguf_write.h"
#include "runners/safetensors.h"

/* ---- sources: the checkpoint's tensors, codes and scales put together ------------------------ */

enum hf_packing {
    HF_PLAIN,    /* rows are in the file as they are */
    HF_FLOAT8,   /* one byte each, times a scale per tensor, row or block */
    HF_INT8,     /* signed bytes, times a scale per row or group */
    HF_PACKED,   /* compressed-tensors: {out, in/8} words */
    HF_GPTQ,     /* {in/8, out} words */
    HF_AWQ,      /* {in, out/8} words, columns interleaved */
    HF_MXFP4,    /* gpt-oss: blocks of 16 bytes, exponents beside them */
    HF_TERNARY,  /* bitnet: two bits, four rows to a byte */
    HF_ROUNDED,  /* bitnet before it is packed: floats that count as three values */
};

struct hf_source {
    struct gguf_str name; /* of the tensor that it stands for: "....weight" */
    enum hf_packing packing;
    const struct safetensor *codes, *scale, *zero, *order;
    int n_dims;
    uint64_t dim[ST_DIMS_MAX]; /* outermost first */
    int type;                  /* enum quant_type that its rows come as */
    int bits;
    uint64_t group;            /* columns that share a scale */
    uint64_t block_rows;       /* rows that do; 0: every row its own, or the whole tensor */
    int zero_bias;             /* GPTQ's first format keeps zero points minus 1 */
    float unit;                /* HF_TERNARY: times this; HF_ROUNDED: over the magnitude, or 0 */
};

struct hf;
/* All sources of h->files into h->sources, sorted as they are there. */
int hf_sources_read(struct hf *h, struct err *e);
/* Bytes of n elements of a row in its type. */
size_t hf_row_bytes(const struct hf_source *s, uint64_t n);
/* hf_codes.c: rows and columns of one slab, the scale of a column, what a block can hold. */
uint64_t hf_rows_of(const struct hf_source *s);
uint64_t hf_cols_of(const struct hf_source *s);
uint64_t hf_group_of(const struct hf_source *s, uint64_t column);
int hf_is_half(float f);
/* The type that holds the values of integer codes exactly. */
void hf_choose_type(struct hf_source *s);
/* Before the first row is written: what the whole tensor has to be read for. */
void hf_source_prepare(struct hf_source *s);
float hf_float_at(const struct safetensor *t, uint64_t i); /* of F32, F16 or BF16 */
/* Row r (over all slabs) of dim[n_dims - 1] elements into out. */
void hf_row_write(const struct hf_source *s, uint64_t r, uint8_t *out);

/* ---- tensors --------------------------------------------------------------------------------- */

enum hf_how {
    HF_AS_IS,
    HF_PLUS_ONE,      /* the norm's weight is kept minus 1 */
    HF_NEG_EXP,       /* -e^x: Mamba's A is kept as its logarithm */
    HF_TRANSPOSED,    /* {in, out} as GPT-2's; of experts each */
    HF_GROUPED,       /* q, k and v of each kv head together */
    HF_HALVES,        /* "a|b": the first half of the rows is a, the second b */
    HF_PAIRS,         /* "a|b": rows (or elements) alternate */
    HF_TURNED_HALVES, /* "a|b": transposed, then as HF_HALVES */
    HF_TURNED_PAIRS,
    HF_STACK,         /* one of several under a number '#': slab # of one tensor */
    HF_QKVZ,          /* "a|b": q, k, v and gate of each key head together; a = q|k|v, b = gate */
    HF_COLUMN_PAIRS,  /* "a|b": elements of each row alternate */
    HF_EXACT,         /* as it is even where norms lack their 1 */
    HF_SCALED,        /* times a number of the config: h->family->scale */
};

/* from: without prefix and without ".weight" or ".bias"; % is the layer, # the expert.  to: without
 * "blk.N." when from has a %; NULL: the tensor is not needed. */
struct hf_row {
    const char *from, *to;
    enum hf_how how;
};

enum { HF_PARTS_MAX = 4 };

/* How a tensor is made of its source: parts of groups of rows, part by part. */
struct hf_recipe {
    struct hf_source *from, **stack; /* stack: [slabs], instead */
    int is_transposed;
    enum hf_how math;  /* HF_PLUS_ONE, HF_NEG_EXP, HF_SCALED: the result is floats; else HF_AS_IS */
    const char *to;    /* HF_SCALED: the row's */
    uint64_t slabs, rows, cols; /* of the source, turned if transposed */
    uint64_t groups, part[HF_PARTS_MAX];
    int n_parts, first, count; /* parts first .. first + count - 1 are taken */
    const float *made;         /* floats of the arena: nothing of the files */
};

int hf_tensors_map(struct hf *h, struct err *e);
int hf_tensors_fill(struct hf *h, struct gguf_tensor *t, size_t n, struct err *e);
/* A tensor of n floats, which it takes from the arena of h. */
int hf_tensor_made(struct hf *h, const char *name, const float *v, size_t n, struct err *e);

/* ---- keys ------------------------------------------------------------------------------------ */

enum hf_value { HF_INT, HF_F32, HF_BOOL, HF_COUNT /* an integer, not written when 0 */ };

/* from: names in config.json, the first that is there counts: "n_embd|hidden_size".  to: without
 * the architecture.  fallback: NAN: the key is not written; INFINITY: it is needed. */
struct hf_key {
    const char *from, *to;
    enum hf_value kind;
    double fallback;
};

enum { HF_LAYERS_MAX = 4096 };

enum hf_flags {
    HF_ROPE_HALVES = 1, /* checkpoints pair (i, i + n/2) where gguf files pair (2i, 2i+1) */
    HF_NORMS_PLUS_ONE = 2,
    HF_WINDOWS = 4,     /* layer_types and sliding_window say which layers have a window */
    HF_WINDOWS_ASKED = 32, /* the same where use_sliding_window is true only */
    HF_LAYER_NORM = 8,  /* epsilon of a LayerNorm */
    HF_ROUNDS = 16,     /* projections are rounded to three values when the model runs */
};

struct hf_family {
    const char *models; /* "LlamaForCausalLM|MistralForCausalLM": of config's architectures */
    const char *arch;   /* general.architecture */
    unsigned flags;
    const struct hf_row *rows; /* tried before the common ones; from NULL ends them; or NULL */
    const struct hf_key *keys; /* the same */
    int (*adjust)(struct hf *h, struct err *e); /* keys that are computed; or NULL */
    double (*scale)(const struct hf *h, const char *to, uint64_t row); /* of HF_SCALED; or NULL */
};
/* By config.json's "architectures", else by "model_type". */
const struct hf_family *hf_family_find(const cJSON *config, const cJSON *text, const char *path,
                                       struct err *e);
extern const struct hf_row hf_common_rows[];

struct hf {
    const char *folder;
    char *config_path;
    cJSON *config;     /* config.json */
    const cJSON *text; /* the part that describes the language model */
    const struct hf_family *family;
    struct safetensors *files;
    struct arena arena;
    struct hf_source *sources;
    size_t n_sources, cap_sources;
    /* sizes that keys and layouts are computed from */
    int layers, embd, heads, kv_heads, head_dim, n_rot, context;
    int kv_layers; /* the layers after these use the keys and values of others */
    struct gguf_writer w; /* only its keys */
    char **put;           /* keys that are there already: the first to be put counts */
    size_t n_put, cap_put;
    struct gguf_tensor *tensors;
    struct hf_recipe *recipes; /* [of each tensor] */
    size_t n_tensors, cap_tensors, cap_recipes;
    uint8_t **blocks; /* memory of tensors that are made */
    size_t n_blocks, cap_blocks;
};

/* Values of config.json under the first of the names that is there and not null: the text part
 * comes before the whole. */
const cJSON *hf_get(const struct hf *h, const char *names);
double hf_num(const struct hf *h, const char *names, double fallback);
int hf_int(const struct hf *h, const char *names, int fallback);
int hf_bool(const struct hf *h, const char *names, int fallback);
int hf_int_of(const cJSON *object, const char *name, int fallback); /* a member of any object */
const char *hf_str(const struct hf *h, const char *names, const char *fallback);

/* A key under the architecture's name, unless it is there; a name with '.' in front is whole. */
void hf_put_int(struct hf *h, const char *name, int64_t v);
void hf_put_f32(struct hf *h, const char *name, double v);
void hf_put_bool(struct hf *h, const char *name, int v);
void hf_put_str(struct hf *h, const char *name, const char *v);
void hf_put_ints(struct hf *h, const char *name, const int32_t *v, size_t n);
void hf_put_bools(struct hf *h, const char *name, const int32_t *v, size_t n);
void hf_put_floats(struct hf *h, const char *name, const float *v, size_t n);

int hf_keys_write(struct hf *h, struct err *e); /* all of them, hf_rope's too */
int hf_rope_write(struct hf *h, struct err *e);
int hf_template_write(struct hf *h, struct err *e); /* tokenizer.chat_template */

#endif
