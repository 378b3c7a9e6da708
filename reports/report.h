/* report.h -- what a report says, independent of how it is written.
 *
 * The harness fills a report block by block (harness/summary.c), a writer turns it into a page, a
 * text or data.  Everything lives in the report's arena: texts given are copied, what is handed out
 * lasts until report_release unless said otherwise.  A refused allocation is remembered and told by
 * report_ok, so that a long building is checked once; until then NULL comes back and is accepted
 * everywhere.
 *
 * Unknown is never zero: NAN for numbers, NULL for texts. */
#ifndef REPORTS_REPORT_H
#define REPORTS_REPORT_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/metric.h"
#include "base/strbuf.h"

struct report_column {
    const char *key;             /* JSON and CSV: "model", "acc" */
    const char *heading;         /* NULL: the metric's label */
    const struct metric *metric; /* NULL: a column of texts */
    int importance;              /* a narrow table loses its lowest first; equal: the rightmost */
};

struct report_cell {
    const char *text;        /* shown instead of the number; text columns have only this */
    double value, low, high; /* low, high: the interval, NAN when there is none */
};

struct report_table {
    const char *key, *title, *note; /* note: under the table; may be NULL */
    const struct report_column *columns;
    int n_columns;
    struct report_cell *cells; /* [n_rows][n_columns] */
    int n_rows, cap_rows;
};

struct report_point {
    double x, y;
    double x_low, x_high, y_low, y_high; /* NAN: no interval */
    const char *label;                   /* "smollm2-135m q4_1" */
};

struct report_series { /* one colour */
    const char *name;  /* NULL: the points' labels say enough */
    struct report_point *points;
    int n_points, cap_points;
    int line; /* points are joined in the order given */
    int bare; /* with line: nothing but the line */
    int quiet; /* too many for numbers: a point says its label when pointed at */
};

/* PLOT_ROWS: y is a row counted from below; its axis has the points' labels instead of numbers. */
enum { PLOT_LOG_X = 1, PLOT_LOG_Y = 2, PLOT_ROWS = 4 };
struct report_plot {
    const char *key, *title, *note;
    const struct metric *x, *y;
    int flags;
    struct report_series **series;
    int n_series, cap_series;
};

struct report_fact { /* a big number at the top, or a row of "name: value" */
    const char *name, *value, *detail; /* detail may be NULL */
    const char *run; /* what it tells of is this run: cells of columns "run" lead here; NULL */
};

enum report_kind {
    REPORT_SECTION, /* text is its title */
    REPORT_TEXT,    /* a paragraph */
    REPORT_WARNING, /* a paragraph that must not be overlooked */
    REPORT_FACTS,
    REPORT_TABLE,
    REPORT_PLOT,
};
struct report_block {
    enum report_kind kind;
    const char *text;
    struct report_fact *facts;
    int n_facts, cap_facts;
    struct report_table *table;
    struct report_plot *plot;
};

struct report {
    struct arena arena;
    int failed;
    const char *title, *subtitle; /* subtitle may be NULL */
    const char *generated;        /* "2026-11-24 18:55 UTC, densimeter 0.1" */
    struct report_fact *headline; /* the three or four numbers that matter */
    int n_headline, cap_headline;
    struct report_block **blocks;
    int n_blocks, cap_blocks;
};

void report_init(struct report *r, const char *title);
void report_release(struct report *r);
int report_ok(const struct report *r, struct err *e); /* -1 when something did not fit */
/* A text in the report's arena, for fields that are set directly; NULL for NULL. */
const char *report_str(struct report *r, const char *s);
const char *report_fmt(struct report *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* As a cell of that metric shows it; m NULL: three digits and no unit. */
const char *report_number(struct report *r, const struct metric *m, double v);

void report_headline(struct report *r, const char *name, const char *value, const char *detail);
void report_section(struct report *r, const char *title);
void report_text(struct report *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
void report_warning(struct report *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Facts that follow each other form one list. */
void report_fact(struct report *r, const char *name, const char *value);
void report_run_fact(struct report *r, const char *run, const char *name, const char *value);

/* The columns are copied (their texts too). */
struct report_table *report_table(struct report *r, const char *key, const char *title,
                                  const struct report_column *columns, int n_columns);
/* A new row of unknown cells, [n_columns]; valid until the next report_row on this table. */
struct report_cell *report_row(struct report *r, struct report_table *t);
/* Sets a cell of that row; NULL row is fine. */
void report_cell_text(struct report *r, struct report_cell *row, int column, const char *text);
void report_cell_value(struct report_cell *row, int column, double value, double low, double high);

struct report_plot *report_plot(struct report *r, const char *key, const char *title,
                                const struct metric *x, const struct metric *y, int flags);
struct report_series *report_series(struct report *r, struct report_plot *p, const char *name);
/* An unknown x or y, or one that a logarithmic axis cannot show, leaves the point out.  The point
 * handed out takes the intervals, until the next one of its series; NULL when left out. */
struct report_point *report_point(struct report *r, struct report_plot *p,
                                  struct report_series *s, const char *label, double x, double y);

/* --- writers ----------------------------------------------------------------------------- */

struct report_options {
    const char *gnuplot;   /* program; NULL: "gnuplot" from PATH */
    int gnuplot_timeout_s; /* 0: 20 */
    int width;             /* text: columns of the terminal; 0: 80 */
    int color;             /* text: ANSI attributes */
};

struct report_writer {
    const char *name, *suffix; /* "html", ".html" */
    /* Appends the whole report.  o may be NULL. */
    int (*write)(const struct report *r, const struct report_options *o, struct strbuf *out,
                 struct err *e);
};
const struct report_writer *report_writer_at(int i); /* html, markdown, csv, json, text; NULL */
const struct report_writer *report_writer_named(const char *name); /* NULL: there is none */
const struct report_writer *report_writer_for(const char *path); /* by suffix; NULL: none fits */

/* Writes to path by rename; ERR_USAGE when no writer has its suffix (the hint lists them). */
int report_write(const struct report *r, const struct report_options *o, const char *path,
                 struct err *e);

/* One table for a terminal, as every list command prints it: fits o->width (80) columns by leaving
 * out the least important ones, and says which. */
int report_table_text(const struct report_table *t, const struct report_options *o,
                      struct strbuf *out, struct err *e);
/* The same table as CSV (numbers in full; KEY_low and KEY_high where a column has intervals). */
int report_table_csv(const struct report_table *t, struct strbuf *out, struct err *e);

#endif
