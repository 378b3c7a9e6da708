/* writers.h -- one function per kind of page, and what they share. */
#ifndef REPORTS_WRITERS_H
#define REPORTS_WRITERS_H

#include "reports/report.h"

int write_html(const struct report *r, const struct report_options *o, struct strbuf *out,
               struct err *e);
int write_markdown(const struct report *r, const struct report_options *o, struct strbuf *out,
                   struct err *e);
int write_csv(const struct report *r, const struct report_options *o, struct strbuf *out,
              struct err *e);
int write_json(const struct report *r, const struct report_options *o, struct strbuf *out,
               struct err *e);
int write_text(const struct report *r, const struct report_options *o, struct strbuf *out,
               struct err *e);

static inline const struct report_cell *cell_at(const struct report_table *t, int row, int column)
{
    return &t->cells[(size_t)row * (size_t)t->n_columns + (size_t)column];
}

static inline int plot_points(const struct report_plot *p)
{
    int n = 0;

    for (int i = 0; i < p->n_series; i++)
        n += p->series[i]->n_points;
    return n;
}

/* Escaped for HTML and SVG; what they have no character for is replaced. */
void html_text(struct strbuf *b, const char *s);

/* The numbers of a plot as a table, in another report's arena; NULL when out of memory. */
struct report_table *plot_table(struct report *scratch, const struct report_plot *p);

#endif
