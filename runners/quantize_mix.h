/* quantize_mix.h -- which type each tensor of a model gets.
 *
 * A mix is what a person asks for ("q4_k_m"): one type for most tensors, others for those that
 * lose more, as llama-quantize chooses them.  The choice depends on the model: its layers, heads
 * per key head, experts, and whether there is a file of importance. */
#ifndef RUNNERS_QUANTIZE_MIX_H
#define RUNNERS_QUANTIZE_MIX_H

#include <stddef.h>

#include "base/err.h"
#include "runners/gguf.h"

struct mix {
    const char *name; /* "Q4_K_M" */
    int file_type;    /* general.file_type */
    int type;         /* enum quant_type, of most tensors */
};

const struct mix *mix_at(size_t i); /* NULL after the last */
const struct mix *mix_by_name(const char *name, size_t n); /* any case; NULL: no such mix */

struct mix_tensor {
    const struct gguf_tensor *tensor;
    int layer;             /* -1: none */
    int type;              /* what it becomes */
    int needs_importance;  /* without it the result would be useless */
};

/* All tensors of g in the order in which they are written (by layer, then by name), g's own;
 * mem_free.  NULL: out of memory. */
struct mix_tensor *mix_plan(const struct mix *m, const struct gguf *g, int has_importance);

#endif
