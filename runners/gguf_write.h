/* gguf_write.h -- puts together the head of a GGUF file: keys, then tensor infos, then padding.
 *
 * The data follow in the order of the infos, each tensor padded with zeros to GGUF_ALIGNMENT.
 * A refused allocation is kept and reported by gguf_write_head, so that calls need no checks. */
#ifndef RUNNERS_GGUF_WRITE_H
#define RUNNERS_GGUF_WRITE_H

#include <stdint.h>

#include "base/err.h"
#include "base/strbuf.h"
#include "runners/gguf.h"

enum { GGUF_ALIGNMENT = 32 };

struct gguf_writer {
    struct strbuf keys, infos;
    uint64_t n_keys, n_tensors, data_bytes;
};

void gguf_writer_release(struct gguf_writer *w);

void gguf_put_u32(struct gguf_writer *w, const char *key, uint32_t v);
void gguf_put_f32(struct gguf_writer *w, const char *key, float v);
void gguf_put_bool(struct gguf_writer *w, const char *key, int v);
void gguf_put_str(struct gguf_writer *w, const char *key, const char *s, size_t n);
void gguf_put_strs(struct gguf_writer *w, const char *key, const struct gguf_str *v, size_t n);
void gguf_put_f32s(struct gguf_writer *w, const char *key, const float *v, size_t n);
void gguf_put_i32s(struct gguf_writer *w, const char *key, const int32_t *v, size_t n);
void gguf_put_bools(struct gguf_writer *w, const char *key, const int32_t *v, size_t n);
/* Key i of g, value and type unchanged. */
void gguf_put_copy(struct gguf_writer *w, const struct gguf *g, size_t i);

/* The next tensor; `bytes` is what its type and shape give. */
void gguf_put_tensor(struct gguf_writer *w, struct gguf_str name, int n_dims, const uint64_t *ne,
                     int type, uint64_t bytes);
size_t gguf_padding(uint64_t bytes); /* zeros that follow so many bytes of data */

/* Appends the whole head to out. */
int gguf_write_head(const struct gguf_writer *w, struct strbuf *out, struct err *e);

#endif
