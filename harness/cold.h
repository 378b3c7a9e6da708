/* cold.h -- a model's files in the page cache: how much of them, and out of it.
 *
 * A first start reads the disk, a second one memory: the two are measured apart.  Only the files'
 * clean pages that no process has mapped can be dropped (posix_fadvise), so the caller closes the
 * model first, and looks afterwards whether they are gone. */
#ifndef HARNESS_COLD_H
#define HARNESS_COLD_H

#include "base/err.h"

/* path: a file, the first of a split set, or a folder with .safetensors files. */
int cold_drop(const char *path, struct err *e);
/* Reads all of it, so that it is there. */
int cold_warm(const char *path, struct err *e);
/* Share of the bytes that are in the page cache. */
int cold_resident(const char *path, double *share, struct err *e);

#endif
