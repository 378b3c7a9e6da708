/* gguf.h -- a GGUF file, mapped, every offset checked before it is used (engine.md 1).
 *
 * The file is hostile until gguf_open has returned 0: afterwards every tensor lies inside the
 * mapping, does not overlap another, and has a size that its type and shape give.  Everything
 * handed out is the gguf's and lasts until gguf_close.  Read only, so any thread may ask. */
#ifndef RUNNERS_GGUF_H
#define RUNNERS_GGUF_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/sha256.h"
#include "base/strbuf.h"

enum gguf_type { /* value types, engine.md 1.2 */
    GGUF_U8, GGUF_I8, GGUF_U16, GGUF_I16, GGUF_U32, GGUF_I32, GGUF_F32, GGUF_BOOL,
    GGUF_STRING, GGUF_ARRAY, GGUF_U64, GGUF_I64, GGUF_F64,
};

struct gguf_str {
    const char *s; /* not terminated */
    size_t n;
};

struct gguf_tensor {
    struct gguf_str name;
    int n_dims;
    uint64_t ne[4]; /* ne[0] is the row length; unused ones are 1 */
    int type;       /* enum quant_type in quant.h */
    const uint8_t *data;
    size_t bytes;
};

struct gguf;

/* path: a .gguf, or the first of a split set ("-00001-of-0000N.gguf"). */
int gguf_open(struct gguf **out, const char *path, struct err *e);
/* A single file that is in memory already; `bytes` are the caller's and must outlive the gguf.
 * `name` stands for the path. */
int gguf_open_bytes(struct gguf **out, const void *bytes, size_t n, const char *name,
                    struct err *e);
/* A gguf that is put together in memory, from other files (hf.h). */
struct gguf_origin {
    void *self; /* the gguf's from the call on, even when that fails */
    void (*close)(void *self);
    /* Gives data to those tensors that have none yet; or NULL. */
    int (*fill)(void *self, struct gguf_tensor *t, size_t n, struct err *e);
    void (*read_ahead)(const void *self, const volatile int *stop); /* of its files */
    uint64_t file_bytes;
    struct strbuf *keys; /* as in a file, n_keys of them; taken over */
    uint64_t n_keys;
    struct gguf_tensor *tensors; /* a mem_alloc block of n_tensors; taken over */
    size_t n_tensors;
};
int gguf_assemble(struct gguf **out, const char *path, struct gguf_origin *o, struct err *e);
void gguf_close(struct gguf *g);

/* Tensors whose layout in their files is another than a gguf's are made in memory by this call, and
 * have data NULL before it.  Nothing to do for a GGUF file. */
int gguf_fill(struct gguf *g, struct err *e);
/* Its files' pages come into memory together (file_read_ahead). */
void gguf_read_ahead(const struct gguf *g, const volatile int *stop);
uint64_t gguf_made_bytes(const struct gguf *g); /* of them, in memory beside the files */

const char *gguf_path(const struct gguf *g);
uint64_t gguf_file_bytes(const struct gguf *g); /* all parts together */

size_t gguf_n_tensors(const struct gguf *g);
const struct gguf_tensor *gguf_tensor_at(const struct gguf *g, size_t i);
const struct gguf_tensor *gguf_tensor_find(const struct gguf *g, const char *name); /* or NULL */

/* Keys.  get_*: 1 = found, 0 = absent (out untouched), -1 = there but of another kind (e filled).
 * Any integer type serves as an integer, any number as a double, and an array whose elements are
 * all equal as a single value. */
size_t gguf_n_keys(const struct gguf *g);
struct gguf_str gguf_key_at(const struct gguf *g, size_t i);
int gguf_has(const struct gguf *g, const char *key);
/* SHA-256 over all keys that begin with one of the prefixes (NULL after the last): names, types and
 * values, in the order of names. */
int gguf_keys_sha256(char hex[SHA256_HEX], const struct gguf *g, const char *const *prefixes,
                     struct err *e);
int gguf_get_int(const struct gguf *g, const char *key, int64_t *out, struct err *e);
int gguf_get_f64(const struct gguf *g, const char *key, double *out, struct err *e);
int gguf_get_bool(const struct gguf *g, const char *key, int *out, struct err *e);
int gguf_get_str(const struct gguf *g, const char *key, struct gguf_str *out, struct err *e);

/* Arrays: element i is read by these; type (of the elements) and n come first.  A scalar counts as
 * n = 1 and is every element, so that per-layer keys may be either.  An element that is not there
 * or not a number is 0. */
int gguf_get_array(const struct gguf *g, const char *key, enum gguf_type *type, size_t *n,
                   struct err *e);
int64_t gguf_array_int(const struct gguf *g, const char *key, size_t i);
double gguf_array_f64(const struct gguf *g, const char *key, size_t i);
/* All strings of a string array at once (walking them one by one would be quadratic); out has n. */
int gguf_array_strs(const struct gguf *g, const char *key, struct gguf_str *out, size_t n,
                    struct err *e);

#endif
