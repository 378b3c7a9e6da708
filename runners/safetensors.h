/* safetensors.h -- the weight files of a Hugging Face folder, mapped, every offset checked before
 * it is used (github.com/huggingface/safetensors, "Format").
 *
 * A file is an 8-byte length, a JSON header of that length, and data; the header gives each tensor
 * its type, shape and place.  The files are hostile until the call has returned 0: afterwards every
 * tensor lies inside its mapping, overlaps no other, and has the size that type and shape give.
 * Everything handed out is the set's and lasts until it is closed.  Read only, any thread. */
#ifndef RUNNERS_SAFETENSORS_H
#define RUNNERS_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "runners/gguf.h"

enum st_type {
    ST_F64, ST_F32, ST_F16, ST_BF16, ST_F8_E4M3, ST_F8_E5M2, ST_F8_E8M0, ST_I64, ST_I32, ST_I16,
    ST_I8, ST_U64, ST_U32, ST_U16, ST_U8, ST_BOOL,
};
const char *st_type_name(enum st_type t); /* as in the header: "BF16" */
size_t st_type_bytes(enum st_type t);

enum { ST_DIMS_MAX = 6 };

struct safetensor {
    struct gguf_str name;
    enum st_type type;
    int n_dims;
    uint64_t dim[ST_DIMS_MAX]; /* outermost first, as PyTorch; unused ones are 1 */
    const uint8_t *data;       /* not aligned */
    size_t bytes;
};

struct safetensors;

/* The weights of a folder: those files that model.safetensors.index.json names, else
 * model.safetensors, else the one .safetensors file that is there. */
int safetensors_open(struct safetensors **out, const char *folder, struct err *e);
/* One file that is in memory already; the bytes are the caller's and must outlive the set. */
int safetensors_open_bytes(struct safetensors **out, const void *bytes, size_t n, const char *name,
                           struct err *e);
void safetensors_close(struct safetensors *s);
void safetensors_read_ahead(const struct safetensors *s, const volatile int *stop); /* file.h */

size_t safetensors_count(const struct safetensors *s);
const struct safetensor *safetensors_at(const struct safetensors *s, size_t i); /* by name */
const struct safetensor *safetensors_find(const struct safetensors *s, const char *name, size_t n);

uint64_t safetensors_bytes(const struct safetensors *s); /* of all files */
size_t safetensors_n_files(const struct safetensors *s);
const char *safetensors_file(const struct safetensors *s, size_t i); /* its path */

#endif
