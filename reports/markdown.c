/* markdown.c -- a report for a wiki or a pull request.  A plot becomes its table of numbers: a
 * picture would need a second file. */
#include <string.h>

#include "base/utf8.h"
#include "reports/number.h"
#include "reports/writers.h"

/* Text that must stay text, whatever it holds: Markdown's and HTML's own characters are escaped,
 * line breaks become blanks. */
static void put_text(struct strbuf *b, const char *s)
{
    for (size_t n; s && *s; s += n) {
        unsigned char c = (unsigned char)*s;
        int fit = utf8_next(s, &n);
        if (c == '<')
            strbuf_adds(b, "&lt;");
        else if (c == '&')
            strbuf_adds(b, "&amp;");
        else if (c < 0x20 || c == 0x7f)
            strbuf_addc(b, ' ');
        else if (!fit)
            strbuf_adds(b, "\xef\xbf\xbd");
        else {
            if (strchr("\\`*_{}[]()#+!|~>", c))
                strbuf_addc(b, '\\');
            strbuf_add(b, s, n);
        }
    }
}

static void put_cell(struct strbuf *b, const struct report_table *t, int r, int c)
{
    const struct report_cell *cell = cell_at(t, r, c);
    char number[NUMBER_SIZE], interval[NUMBER_SIZE];

    if (cell->text || !t->columns[c].metric) {
        put_text(b, cell->text);
        return;
    }
    number_format(number, t->columns[c].metric, cell->value);
    number_interval(interval, t->columns[c].metric, cell->value, cell->low, cell->high);
    strbuf_adds(b, number);
    if (*interval)
        strbuf_addf(b, " (%s)", interval);
}

static void put_table(struct strbuf *b, const struct report_table *t)
{
    strbuf_adds(b, "**");
    put_text(b, t->title);
    strbuf_adds(b, "**\n\n|");
    for (int c = 0; c < t->n_columns; c++) {
        strbuf_addc(b, ' ');
        put_text(b, t->columns[c].heading);
        strbuf_adds(b, " |");
    }
    strbuf_adds(b, "\n|");
    for (int c = 0; c < t->n_columns; c++)
        strbuf_adds(b, t->columns[c].metric ? "---:|" : "---|");
    strbuf_addc(b, '\n');
    for (int r = 0; r < t->n_rows; r++) {
        strbuf_addc(b, '|');
        for (int c = 0; c < t->n_columns; c++) {
            strbuf_addc(b, ' ');
            put_cell(b, t, r, c);
            strbuf_adds(b, " |");
        }
        strbuf_addc(b, '\n');
    }
    if (t->note) {
        strbuf_addc(b, '\n');
        put_text(b, t->note);
        strbuf_addc(b, '\n');
    }
}

static void put_facts(struct strbuf *b, const struct report_fact *f, int n)
{
    for (int i = 0; i < n; i++) {
        strbuf_adds(b, "- **");
        put_text(b, f[i].name);
        strbuf_adds(b, ":** ");
        put_text(b, f[i].value ? f[i].value : NUMBER_UNKNOWN);
        if (f[i].detail) {
            strbuf_adds(b, " \xe2\x80\x94 ");
            put_text(b, f[i].detail);
        }
        strbuf_addc(b, '\n');
    }
}

static int put_block(struct strbuf *b, const struct report_block *block, struct err *e)
{
    static const char *const before[] = {
        [REPORT_SECTION] = "## ", [REPORT_TEXT] = "", [REPORT_WARNING] = "> **Note:** ",
    };
    struct report scratch = {0};
    struct report_table *t = block->table;
    int rc;

    strbuf_addc(b, '\n');
    if (block->kind <= REPORT_WARNING) {
        strbuf_adds(b, before[block->kind]);
        put_text(b, block->text);
        strbuf_addc(b, '\n');
    } else if (block->kind == REPORT_FACTS) {
        put_facts(b, block->facts, block->n_facts);
    }
    if (block->plot && (t = plot_table(&scratch, block->plot)))
        t->note = block->plot->note;
    rc = report_ok(&scratch, e);
    if (rc == 0 && t)
        put_table(b, t);
    report_release(&scratch);
    return rc;
}

int write_markdown(const struct report *r, const struct report_options *o, struct strbuf *out,
                   struct err *e)
{
    (void)o;
    strbuf_adds(out, "# ");
    put_text(out, r->title);
    strbuf_adds(out, "\n\n");
    put_text(out, r->subtitle);
    strbuf_adds(out, r->subtitle ? "\n\n" : "");
    put_text(out, r->generated);
    strbuf_adds(out, r->generated ? "\n\n" : "");
    put_facts(out, r->headline, r->n_headline);
    for (int i = 0; i < r->n_blocks; i++)
        if (put_block(out, r->blocks[i], e) < 0)
            return -1;
    return strbuf_ok(out, e);
}
