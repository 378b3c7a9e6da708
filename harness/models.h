/* models.h -- the model store: a folder of NAME.gguf, each with what is known of it beside it, and
 * of Hugging Face folders NAME.
 *
 * $DENSIMETER_MODELS, else $XDG_DATA_HOME/densimeter/models.  NAME.gguf.json holds source, licence
 * and SHA-256; the hash counts as long as the file has the size and the time it had when the hash
 * was taken.  A file that was put there by hand has none and is a model all the same. */
#ifndef HARNESS_MODELS_H
#define HARNESS_MODELS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/sha256.h"

char *models_dir(void);                                       /* mem_free; NULL: out of memory */
char *models_file(const char *name, struct err *e);           /* where NAME.gguf is or would be */

/* The path of MODEL: a path, or a name in the store, with or without ".gguf"; mem_free.  Otherwise
 * NULL with ERR_NOTFOUND: the hint says how to fetch a name that the catalogue has, of another what
 * was probably meant. */
char *model_path(const char *model, struct err *e);

struct stored_model {
    char *name, *path;
    char *source, *licence;  /* NULL: unknown */
    char sha256[SHA256_HEX]; /* "": unknown */
    char *architecture;      /* NULL: the file does not open; `problem` says why */
    char *problem;
    uint64_t file_bytes;
    double parameters, bits_per_weight; /* NAN: unknown */
};
struct model_list {
    struct stored_model *v; /* by name */
    size_t n, cap;
};
int models_list(struct model_list *out, struct err *e);
void model_list_release(struct model_list *l);

/* Writes the file beside path.  sources are joined with blanks; licence may be NULL. */
int models_note(const char *path, const char *const *sources, int n_sources, const char *licence,
                const char *sha256, struct err *e);
/* The hash that was noted for this very file; 0: none, or the file has changed since. */
int models_noted_sha256(const char *path, char sha256[SHA256_HEX]);

#endif
