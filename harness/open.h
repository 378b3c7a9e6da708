/* open.h -- from the words of a command to an open model: options, names, device. */
#ifndef HARNESS_OPEN_H
#define HARNESS_OPEN_H

#include "harness/context.h"
#include "harness/device_names.h"
#include "harness/encode.h"
#include "harness/models.h"
#include "runners/runner.h"

/* Rows for commands that run a model. */
#define ENGINE_OPTIONS                                                                             \
    {"threads", 't', OPTION_INT, "N", "0", 0, 1024, "worker threads; 0: one per usable core"},     \
    ENGINE_OPTIONS_BUT_THREADS
#define ENGINE_OPTIONS_BUT_THREADS                                                                 \
    {"device", 0, OPTION_TEXT, "NAME", "cpu", 0, 0,                                                \
     "what computes: a name of 'devices', or a plug-in's path"},                                   \
    DEVICE_OPTIONS,                                                                                \
    {"numerics", 0, OPTION_CHOICE, "exact|fast", "exact", 0, 0,                                    \
     "arithmetic: float32, or 8-bit activations; on CUDA devices float16 tensor cores"},           \
    {"kv-type", 0, OPTION_CHOICE, KV_TYPE_NAMES, "f32", 0, 0,                                      \
     "what the KV cache holds; f16 and q8_0 are numerics of their own"},                           \
    {"kernels", 0, OPTION_TEXT, "NAME", NULL, 0, 0, "kernels to use instead of the best"},         \
    {"activation", 0, OPTION_TEXT, "NAME", NULL, 0, 0,                                             \
     "of feed-forwards, where the file does not say: silu, relu, relu2, fatrelu:T"},               \
    {"batch-tokens", 0, OPTION_INT, "N", "512", 1, 16384, "tokens per pass"},                      \
    {"kv-memory", 0, OPTION_SIZE, "BYTES", NULL, 1, 1e15,                                          \
     "most memory for keys, values and states"},                                                   \
    {"check-finite", 0, OPTION_FLAG, NULL, NULL, 0, 0,                                             \
     "look for NaN and infinity in the output of every operation (slow)"}

/* Rows for commands that encode text as lm-eval does. */
#define ENCODER_OPTIONS                                                                            \
    {"max-length", 0, OPTION_INT, "N", "2048", 2, 1e7, "tokens the model may read at once"},       \
    {"bos", 0, OPTION_CHOICE, "auto|always|never", "auto", 0, 0,                                   \
     "BOS in front; auto: as the model's file says"}

/* What ENGINE_OPTIONS say. */
struct runner_opts engine_opts(const struct context *c);

/* context: tokens a sequence may have, at most the model's own; 0: the model's own. */
int open_model(const struct context *c, const char *name, int context, struct runner **out,
               struct err *e);
/* The same with the tokenizer of the model, which was opened for its own sake and outlives it. */
int open_model_of(const struct context *c, const char *name, int context, struct tokenizer *t,
                  struct runner **out, struct err *e);

/* Only the file and its tokenizer; works on a GGUF that holds just a vocabulary, and on a folder, a
 * tokenizer.json or a tokenizer.model of Hugging Face. */
struct vocabulary {
    struct gguf *gguf; /* NULL for the latter */
    struct tokenizer *tokenizer;
};
int open_vocabulary(const char *name, struct vocabulary *out, struct err *e);
void vocabulary_close(struct vocabulary *v);

/* An encoder by the options of ENCODER_OPTIONS, for a model of this context length. */
struct encoder make_encoder(const struct context *c, struct tokenizer *t, int context_length);

/* ids of --ids, checked against the size of the vocabulary; n is args_count. */
int ids_from_option(const struct context *c, const struct tokenizer *t, struct ids *out,
                    struct err *e);

#endif
