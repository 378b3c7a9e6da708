/* parquet.h -- the records of a Parquet file as JSON objects.
 *
 * Read are the files that data sets are published as: flat columns, lists, structures and maps of
 * them (record assembly after Melnik et al., "Dremel", VLDB 2010); PLAIN, RLE and dictionary
 * encodings; pages of both versions; no compression, Snappy, gzip or Zstandard.  What else the
 * format has (delta encodings, encryption, dates, decimals, bytes that are no text) is refused by
 * its name.  A map is a list of objects with key and value.
 *
 * A file may be a stranger's: every offset and count is checked against the file's size before it
 * is used, and what it may unfold to is bounded by that (PARQUET_ROWS_PER_BYTE and on).  Errors
 * name file and column.  Any thread. */
#ifndef BASE_PARQUET_H
#define BASE_PARQUET_H

#include <stddef.h>
#include <stdint.h>

#include "base/json.h"

enum {
    PARQUET_ROWS_PER_BYTE = 8,    /* a record more than this many per byte of the file: a trap */
    PARQUET_VALUES_PER_BYTE = 64, /* ... of values */
    PARQUET_PAGE_BYTES = 1 << 28, /* of a page when unpacked */
    PARQUET_TEXT_BYTES = 1 << 30, /* of all texts together */
};

/* Calls each with every record in order; it owns the record whatever it returns, and -1 ends the
 * reading.  json_begin must have been called. */
int parquet_read(const char *path, int (*each)(void *user, cJSON *record, struct err *e),
                 void *user, struct err *e);
/* The same for bytes in memory; `name` stands in errors. */
int parquet_parse(const uint8_t *bytes, size_t n, const char *name,
                  int (*each)(void *user, cJSON *record, struct err *e), void *user, struct err *e);

#endif
