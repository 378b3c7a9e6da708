/* csv.h -- comma-separated values as RFC 4180 writes them.
 *
 * Fields may be quoted; a quoted field may hold commas, line breaks and "" for a quote.  Lines
 * end with LF or CRLF; a byte order mark is skipped.  As everybody's reader does, a quote inside a
 * field that does not begin with one is taken literally.  Refused with file and line: a quote that
 * is never closed, text after a closing quote, zero bytes, text that is not UTF-8.  One thread per
 * reader. */
#ifndef BASE_CSV_H
#define BASE_CSV_H

#include <stddef.h>

#include "base/err.h"
#include "base/strbuf.h"

struct csv {
    const char *name;     /* in errors */
    const char *at, *end; /* what is still to be read */
    size_t line;          /* where the current record begins, from 1 */
    size_t next_line;
    struct strbuf text; /* the current record's fields, each with a terminator */
    size_t *starts, cap;
    int n_fields;
};

/* The bytes are borrowed until csv_release. */
void csv_init(struct csv *c, const char *bytes, size_t n, const char *name);
void csv_release(struct csv *c);

/* 1 with a record, 0 at the end, -1 on error.  Empty lines are skipped. */
int csv_next(struct csv *c, struct err *e);

/* Field i of the current record, terminated; lasts until the next csv_next.  0 <= i < n_fields. */
const char *csv_field(const struct csv *c, int i);

/* The column of that name in the current record (the header), or -1. */
int csv_column(const struct csv *c, const char *name);

/* Appends a field, in quotes where it has to be. */
void csv_put(struct strbuf *b, const char *field);

#endif
