/* hf_sample.h -- a folder of a few small tensors that a test puts together in memory, opened and
 * looked at.  Failures end the test. */
#ifndef TESTS_HF_SAMPLE_H
#define TESTS_HF_SAMPLE_H

#include "runners/gguf.h"
#include "tests/weights.h"

#define SIZES                                                                                      \
    "\"hidden_size\":4,\"num_hidden_layers\":1,\"num_attention_heads\":2,"                         \
    "\"num_key_value_heads\":1,\"intermediate_size\":8,\"max_position_embeddings\":64"
#define LLAMA "\"architectures\":[\"LlamaForCausalLM\"]," SIZES
#define UP "model.layers.0.mlp.up_proj"

extern struct strbuf sample_image; /* the weights */

void sample_finish(struct weights *w); /* into the image */
/* config: what stands between the braces of config.json. */
struct gguf *sample_open(const char *config);
void sample_refused(const char *config, const char *want);
void sample_close(struct gguf *g); /* and the image; nothing is allocated any more */
const float *sample_counted(size_t n); /* 0, 1, 2, ... n <= 1024 */
void sample_floats(struct weights *w, const char *name, const char *shape, size_t n);
/* The values of a tensor, whatever its type; its shape; whether it is a view of the image. */
void sample_values(const struct gguf *g, const char *name, const float *want, size_t n);
void sample_shape(const struct gguf *g, const char *name, uint64_t a, uint64_t b, uint64_t c);
int sample_is_mapped(const struct gguf *g, const char *name);

#endif
