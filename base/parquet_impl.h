/* parquet_impl.h -- between the files that read Parquet; nobody else includes it. */
#ifndef BASE_PARQUET_IMPL_H
#define BASE_PARQUET_IMPL_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* --- parquet_thrift.c: the compact protocol of headers and footer ------------------------- */

enum thrift_type {
    THRIFT_TRUE = 1, THRIFT_FALSE, THRIFT_BYTE, THRIFT_I16, THRIFT_I32, THRIFT_I64, THRIFT_DOUBLE,
    THRIFT_BINARY, THRIFT_LIST, THRIFT_SET, THRIFT_MAP, THRIFT_STRUCT,
};
struct thrift {
    const uint8_t *at, *end;
    int failed; /* what it holds is not what it has to be; later reads give zeros */
};
/* Walks the fields of a structure: *id starts as 0.  1 with the next field, 0 at its end. */
int thrift_field(struct thrift *t, int *id, int *type);
void thrift_skip(struct thrift *t, int type);
int64_t thrift_int(struct thrift *t, int type); /* any whole number, or a truth value */
size_t thrift_bytes(struct thrift *t, int type, const uint8_t **bytes);
/* How many elements of which type follow: at most as many as bytes. */
size_t thrift_list(struct thrift *t, int type, int *element);

/* --- parquet_codec.c ---------------------------------------------------------------------- */

enum { CODEC_NONE = 0, CODEC_SNAPPY = 1, CODEC_GZIP = 2, CODEC_ZSTD = 6 };
/* Unpacks to exactly n_out bytes. */
int parquet_unpack(int codec, const uint8_t *in, size_t n_in, uint8_t *out, size_t n_out,
                   struct err *e);
int snappy_unpack(const uint8_t *in, size_t n_in, uint8_t *out, size_t n_out); /* -1: damaged */

/* --- parquet_page.c: a column chunk as a stream of levels and values ---------------------- */

enum physical {
    PHYSICAL_BOOLEAN, PHYSICAL_INT32, PHYSICAL_INT64, PHYSICAL_INT96, PHYSICAL_FLOAT,
    PHYSICAL_DOUBLE, PHYSICAL_BYTES, PHYSICAL_FIXED,
};
enum parquet_kind { PARQUET_NUMBER, PARQUET_TRUTH, PARQUET_TEXT };
struct parquet_value {
    enum parquet_kind kind;
    double number; /* of a truth value 0 or 1 */
    const uint8_t *bytes; /* in the page or the dictionary; lasts until column_next */
    size_t n;
};

/* Runs of equal numbers and packed numbers in alternation. */
struct rle {
    const uint8_t *at, *end;
    int width; /* bits of a number */
    uint64_t equal, packed; /* left of the current run */
    uint32_t value;
    unsigned bit; /* of a packed run: where the next number begins */
};

struct column {
    /* set by whoever opens it */
    enum physical type;
    size_t width; /* PHYSICAL_FIXED: bytes of a value */
    int is_unsigned, max_def, max_rep, codec;
    const uint8_t *at, *end; /* pages still to be read */
    uint64_t left;           /* values still to be read, those without a page included */
    /* the current page */
    uint8_t *page, *dictionary_page;
    uint64_t in_page;
    struct rle rep, def, index;
    int by_dictionary, by_rle;
    const uint8_t *plain, *plain_end;
    unsigned bit;
    struct parquet_value *dictionary;
    size_t n_dictionary;
    /* the current entry */
    int has_entry, r, d;
    struct parquet_value v; /* where d == max_def */
};
/* Makes the next entry current: 1; 0 at the end of the chunk; -1 on error. */
int column_next(struct column *c, struct err *e);
void column_release(struct column *c);

#endif
