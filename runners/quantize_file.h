/* quantize_file.h -- one GGUF file into another of other types.
 *
 * Each tensor becomes what the mix says (quantize_mix.h), expert tensors slab by slab; tensors are
 * written by layer, then by name, as llama-quantize has them.  Keys are copied, but for
 * general.file_type, which becomes the new one, and those of the old file's layout (split.*,
 * general.alignment); with importance, what it was measured on is added (quantize.imatrix.*).
 * A few rows are in memory at a time; `out` appears by rename. */
#ifndef RUNNERS_QUANTIZE_FILE_H
#define RUNNERS_QUANTIZE_FILE_H

#include "runners/imatrix.h"
#include "runners/quantize_mix.h"

struct quantize_opts {
    const struct mix *mix;
    const struct imatrix *importance; /* NULL: none */
    int threads;                      /* 0: the affinity mask's CPUs */
    /* May be NULL; sees bytes of the input. */
    void (*progress)(void *user, size_t done, size_t total);
    void *user;
};

/* ERR_NUMERIC: a value that no block can hold.  ERR_USAGE: a tensor's type needs importance and
 * there is none; nothing has been written then. */
int quantize_file(const char *in, const char *out, const struct quantize_opts *o, struct err *e);

#endif
