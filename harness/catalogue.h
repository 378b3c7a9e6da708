/* catalogue.h -- the models that Densimeter knows by name: where from, how large, which hash.
 *
 * One JSON document (harness/data/models.json, inside the program), or the file that
 * $DENSIMETER_CATALOGUE names instead.  Every row is checked when it is read. */
#ifndef HARNESS_CATALOGUE_H
#define HARNESS_CATALOGUE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/sha256.h"
#include "base/suggest.h"

enum { CATALOGUE_SOURCES = 16 };

struct catalogue_row { /* texts are the catalogue's */
    const char *name;
    const char *sources[CATALOGUE_SOURCES]; /* source.h; their contents joined are the file */
    int n_sources;
    uint64_t bytes;
    const char *sha256;
    const char *licence;
    const char *terms; /* where the licence can be read; NULL: it is a well-known one */
    int consent;       /* may only be fetched by who accepts the licence */
};

struct catalogue;
int catalogue_open(struct catalogue **out, struct err *e);
int catalogue_parse(struct catalogue **out, const char *json, size_t n, const char *where,
                    struct err *e);
void catalogue_free(struct catalogue *c);

size_t catalogue_n(const struct catalogue *c);
const struct catalogue_row *catalogue_at(const struct catalogue *c, size_t i);
const struct catalogue_row *catalogue_find(const struct catalogue *c, const char *name);
void catalogue_suggest(const struct catalogue *c, struct suggest *s); /* offers every name */

const char *catalogue_built_in(size_t *n); /* the document in the program; ends with a zero byte */

#endif
