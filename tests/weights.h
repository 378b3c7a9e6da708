/* weights.h -- a safetensors file and a folder around it, put together by a test. */
#ifndef TESTS_WEIGHTS_H
#define TESTS_WEIGHTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"

struct weights {
    struct strbuf header, data;
};

/* shape: as JSON, "[2,3]". */
void weights_add(struct weights *w, const char *name, const char *type, const char *shape,
                 const void *bytes, size_t n);
/* The file's bytes into image; w is empty afterwards. */
void weights_finish(struct weights *w, struct strbuf *image);
/* A header given as text, and n zero bytes of data. */
void weights_raw(struct strbuf *image, const char *header, size_t n);

/* A new folder under $TMPDIR, its path in dir; and files in it. */
void folder_make(char dir[256]);
void folder_put(const char *dir, const char *name, const void *bytes, size_t n);
void folder_remove(const char *dir); /* with all that is in it */

#endif
