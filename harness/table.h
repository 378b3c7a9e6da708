/* table.h -- rows of text for people, or the same rows as CSV.
 *
 * A table that is wider than the terminal drops its least important columns and says which.  Cells
 * are copied; widths count characters, wide (CJK) ones as two. */
#ifndef HARNESS_TABLE_H
#define HARNESS_TABLE_H

#include "base/err.h"
#include "base/strbuf.h"

struct column {
    const char *name;
    int right;     /* numbers are aligned at the right */
    int dispensable; /* 0: never dropped; the highest goes first */
};

struct table {
    const struct column *columns;
    int n_columns;
    int exact; /* numbers keep every digit: for CSV */
    struct strbuf text; /* cells, each ended by a zero byte */
    size_t *cells;      /* where each begins */
    size_t n_cells, cap_cells;
};

void table_init(struct table *t, const struct column *columns, int n_columns, int exact);
void table_release(struct table *t);

/* The next cell of the row; a row is complete after n_columns cells. */
void table_cell(struct table *t, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* A number with `digits` significant digits; NAN is "-" ("" in CSV). */
void table_num(struct table *t, double v, int digits);
void table_int(struct table *t, long long v); /* negative: unknown */

/* bold != 0: the heading is set off by terminal codes. */
int table_print(const struct table *t, struct strbuf *out, int width, int bold, struct err *e);
int table_csv(const struct table *t, struct strbuf *out, struct err *e);

/* Lines wider than `width` are broken at blanks and go on set in by four; a longer word
 * stays whole. */
void text_fold(struct strbuf *out, const char *text, int width);

/* As table_num shows it: "0.475", "39.05", "915.8" with four digits. */
void format_num(char *text, size_t size, double v, int digits);

/* "1.3 GB", "98.4 MB": decimal units; NAN is "-". */
void format_bytes(char *text, size_t size, double bytes);

#endif
