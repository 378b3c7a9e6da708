/* csv.c -- numbers in full for spreadsheets and scripts. */
#include <math.h>
#include <string.h>

#include "base/csv.h"
#include "base/json.h"
#include "reports/writers.h"

static void put_field(struct strbuf *b, const char *s)
{
    if (s)
        csv_put(b, s);
}

static void put_number(struct strbuf *b, double v)
{
    char digits[40];

    if (!isfinite(v))
        return; /* unknown is an empty field */
    json_format_num(digits, sizeof digits, v);
    strbuf_adds(b, digits);
}

static int has_intervals(const struct report_table *t, int column)
{
    for (int r = 0; r < t->n_rows; r++)
        if (isfinite(cell_at(t, r, column)->low) || isfinite(cell_at(t, r, column)->high))
            return 1;
    return 0;
}

int report_table_csv(const struct report_table *t, struct strbuf *out, struct err *e)
{
    for (int c = 0; c < t->n_columns; c++) {
        strbuf_adds(out, c ? "," : "");
        put_field(out, t->columns[c].key);
        if (has_intervals(t, c))
            strbuf_addf(out, ",%s_low,%s_high", t->columns[c].key, t->columns[c].key);
    }
    strbuf_addc(out, '\n');
    for (int r = 0; r < t->n_rows; r++) {
        for (int c = 0; c < t->n_columns; c++) {
            const struct report_cell *cell = cell_at(t, r, c);
            strbuf_adds(out, c ? "," : "");
            if (t->columns[c].metric)
                put_number(out, cell->value);
            else
                put_field(out, cell->text);
            if (!has_intervals(t, c))
                continue;
            strbuf_addc(out, ',');
            put_number(out, cell->low);
            strbuf_addc(out, ',');
            put_number(out, cell->high);
        }
        strbuf_addc(out, '\n');
    }
    return strbuf_ok(out, e);
}

/* All tables of a report in one: a line per cell, so that every table has the same columns. */
static void put_cells(struct strbuf *b, const struct report_table *t)
{
    for (int r = 0; r < t->n_rows; r++)
        for (int c = 0; c < t->n_columns; c++) {
            const struct report_cell *cell = cell_at(t, r, c);
            const struct metric *m = t->columns[c].metric;
            put_field(b, t->key);
            strbuf_addf(b, ",%d,", r + 1);
            put_field(b, t->columns[c].key);
            strbuf_addc(b, ',');
            put_field(b, cell->text);
            strbuf_addc(b, ',');
            put_number(b, cell->value);
            strbuf_addc(b, ',');
            put_number(b, cell->low);
            strbuf_addc(b, ',');
            put_number(b, cell->high);
            strbuf_addc(b, ',');
            put_field(b, m ? m->unit : "");
            strbuf_addc(b, '\n');
        }
}

int write_csv(const struct report *r, const struct report_options *o, struct strbuf *out,
              struct err *e)
{
    (void)o;
    strbuf_adds(out, "table,row,column,text,value,low,high,unit\n");
    for (int i = 0; i < r->n_blocks; i++) {
        const struct report_block *b = r->blocks[i];
        struct report scratch = {0};
        struct report_table *t = b->kind == REPORT_PLOT ? plot_table(&scratch, b->plot) : b->table;
        int rc = report_ok(&scratch, e);
        if (rc == 0 && t)
            put_cells(out, t);
        report_release(&scratch);
        if (rc < 0)
            return -1;
    }
    return strbuf_ok(out, e);
}
