/* unpack.h -- a file out of a gzip file or a zip archive, for readers that want it plain.
 *
 * What is packed may be a stranger's: a member is found by its exact name and never by a path of
 * its own choosing, only plain files are taken, and what comes out may be at most 1,032 times (the
 * most that deflate can do) as large as what went in.  Through libarchive; any thread. */
#ifndef BASE_UNPACK_H
#define BASE_UNPACK_H

#include <stddef.h>

#include "base/err.h"

/* 1 when the name is one of a packed file: "X.gz", or "X.zip#MEMBER".  *n: bytes of the name before
 * that of the archive ends; *inner: how the plain file would be called, a part of the name of
 * *n_inner bytes.  Each may be NULL. */
int unpack_is_packed(const char *name, size_t *n, const char **inner, size_t *n_inner);

/* Writes the plain file to `out`, which is there and is emptied first.  ERR_NOTFOUND: no such
 * member; ERR_FORMAT: broken, or too large.  What was written up to an error is left. */
int unpack_file(const char *name, const char *out, struct err *e);

#endif
