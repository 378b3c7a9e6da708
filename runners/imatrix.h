/* imatrix.h -- how much each column of a weight matrix matters: the files of llama-imatrix.
 *
 * Both its formats are read: the old binary one, and GGUF with NAME.in_sum2 and NAME.counts.  A
 * file holds, per tensor, the sums of squared inputs of each column, for expert tensors one row
 * per expert.  The file is hostile until imatrix_open has returned 0; afterwards every sum is
 * finite and not negative.  Read only, so any thread may ask. */
#ifndef RUNNERS_IMATRIX_H
#define RUNNERS_IMATRIX_H

#include <stddef.h>

#include "base/err.h"
#include "runners/gguf.h"

struct imatrix;

int imatrix_open(struct imatrix **out, const char *path, struct err *e);
/* A file that is in memory already; `bytes` are the caller's and must outlive the imatrix. */
int imatrix_open_bytes(struct imatrix **out, const void *bytes, size_t n, const char *name,
                       struct err *e);
void imatrix_close(struct imatrix *m); /* NULL is fine */

const char *imatrix_path(const struct imatrix *m);
size_t imatrix_entries(const struct imatrix *m);
size_t imatrix_chunks(const struct imatrix *m);           /* of the text; 0: unknown */
struct gguf_str imatrix_dataset(const struct imatrix *m); /* its name; empty: unknown */

/* out[slabs * cols]: the importance of each column, in every slab above 0 and 1 on average.
 * 1: found, 0: no such tensor (out untouched), -1: there, but of another size. */
int imatrix_find(const struct imatrix *m, struct gguf_str tensor, size_t cols, size_t slabs,
                 float *out, struct err *e);

#endif
