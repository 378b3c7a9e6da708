/* text.c -- tables and whole reports for a terminal.
 *
 * Widths are columns of the terminal, by Unicode's widths: a Chinese character takes two.  What
 * could steer a terminal (control characters, escape sequences in a model's name) is shown as a
 * replacement mark. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <utf8proc.h>

#include "base/mem.h"
#include "reports/number.h"
#include "reports/writers.h"

#define DEFAULT_WIDTH 80
#define GAP 2
#define TEXT_MIN 24 /* a text column is cut to this before a column is left out */
#define BOLD "\x1b[1m"
#define DIM "\x1b[2m"
#define PLAIN "\x1b[0m"

/* The next character of s: its bytes in *n, its columns.  Bytes that are no character take one. */
static int next_char(const char *s, int *n)
{
    utf8proc_int32_t c;
    utf8proc_ssize_t k = utf8proc_iterate((const utf8proc_uint8_t *)s, -1, &c);
    int w;

    *n = k > 0 ? (int)k : 1;
    if (k <= 0 || utf8proc_category(c) == UTF8PROC_CATEGORY_CC ||
        utf8proc_category(c) == UTF8PROC_CATEGORY_CF)
        return -1; /* not shown as it is */
    w = utf8proc_charwidth(c);
    return w < 0 ? 0 : w;
}

static int width_of(const char *s)
{
    int total = 0, n;

    for (; *s; s += n) {
        int w = next_char(s, &n);
        total += w < 0 ? 1 : w;
    }
    return total;
}

/* s in at most `max` columns, "…" where it was cut; returns the columns used. */
static int put(struct strbuf *b, const char *s, int max)
{
    int used = 0, n, cut = width_of(s) > max;

    for (; *s; s += n) {
        int w = next_char(s, &n), columns = w < 0 ? 1 : w;
        if (used + columns > max - cut)
            break;
        if (w < 0)
            strbuf_adds(b, "\xef\xbf\xbd");
        else
            strbuf_add(b, s, (size_t)n);
        used += columns;
    }
    if (cut && used < max) {
        strbuf_adds(b, "\xe2\x80\xa6");
        used++;
    }
    return used;
}

static void pad(struct strbuf *b, int n)
{
    for (; n > 0; n--)
        strbuf_addc(b, ' ');
}

static void cell_text(const struct report_table *t, int row, int column, struct strbuf *out)
{
    const struct report_cell *c = cell_at(t, row, column);
    const struct metric *m = t->columns[column].metric;
    char number[NUMBER_SIZE], interval[NUMBER_SIZE];

    strbuf_clear(out);
    if (c->text || !m) {
        strbuf_adds(out, c->text ? c->text : "");
        return;
    }
    number_format(number, m, c->value);
    number_interval(interval, m, c->value, c->low, c->high);
    strbuf_adds(out, number);
    if (*interval)
        strbuf_addf(out, " [%s]", interval);
}

struct layout {
    int *width;          /* of each column; 0: left out */
    unsigned char *seen; /* considered already */
    int lines;           /* of the heading */
    int n_left_out;
};

/* The longest word: what a heading needs at least. */
static int word_width(const char *s)
{
    int best = 0;

    while (*s) {
        size_t n = strcspn(s, " ");
        struct strbuf word = STRBUF_INIT;
        strbuf_add(&word, s, n);
        int w = width_of(strbuf_str(&word));
        strbuf_release(&word);
        best = w > best ? w : best;
        s += n + (s[n] == ' ');
    }
    return best;
}

/* The next line of a heading in `width` columns; returns where the rest begins. */
static const char *heading_line(const char *s, int width, struct strbuf *line)
{
    strbuf_clear(line);
    while (*s == ' ')
        s++;
    while (*s) {
        size_t n = strcspn(s, " "), before = line->len;
        if (before)
            strbuf_addc(line, ' ');
        strbuf_add(line, s, n);
        if (before && width_of(strbuf_str(line)) > width) {
            strbuf_truncate(line, before);
            return s;
        }
        s += n + (s[n] == ' ');
    }
    return s;
}

/* The most important column not yet considered; equal ones from the left. */
static int next_column(const struct report_table *t, const unsigned char *seen)
{
    int best = -1;

    for (int c = 0; c < t->n_columns; c++)
        if (!seen[c] && (best < 0 || t->columns[c].importance > t->columns[best].importance))
            best = c;
    return best;
}

/* What the widest cell takes. */
static int natural_width(const struct report_table *t, int c, struct strbuf *scratch)
{
    int w = word_width(t->columns[c].heading);

    for (int r = 0; r < t->n_rows; r++) {
        cell_text(t, r, c, scratch);
        int k = width_of(strbuf_str(scratch));
        w = k > w ? k : w;
    }
    return w ? w : 1;
}

/* Texts may be cut, numbers never: columns are taken by importance as long as they fit with texts
 * cut to TEXT_MIN, then what room is left goes back to the texts. */
static void measure(const struct report_table *t, int width, struct layout *l,
                    struct strbuf *scratch)
{
    int total = -GAP, c;

    while ((c = next_column(t, l->seen)) >= 0) {
        int w = natural_width(t, c, scratch);
        w = t->columns[c].metric || w < TEXT_MIN ? w : TEXT_MIN;
        l->seen[c] = 1;
        if (total + GAP + w > width && total > 0) {
            l->n_left_out++;
            continue;
        }
        l->width[c] = w;
        total += w + GAP;
    }
    for (c = 0; c < t->n_columns; c++) {
        int w = l->width[c] ? natural_width(t, c, scratch) : 0, more = w - l->width[c];
        more = more < width - total ? more : width - total;
        l->width[c] += more;
        total += more;
    }
    for (c = 0; c < t->n_columns; c++) {
        const char *s = t->columns[c].heading;
        int lines = 0;
        for (; l->width[c] && *s; lines++)
            s = heading_line(s, l->width[c], scratch);
        l->lines = lines > l->lines ? lines : l->lines;
    }
}

/* One line of cells: texts to the left, numbers to the right, no blanks at the end. */
static void put_line(const struct report_table *t, const struct layout *l, struct strbuf *out,
                     const char *(*text)(const struct report_table *t, int c, int at,
                                         struct strbuf *scratch, int width),
                     int at, struct strbuf *scratch)
{
    int gap = 0;

    for (int c = 0; c < t->n_columns; c++) {
        if (!l->width[c])
            continue;
        const char *s = text(t, c, at, scratch, l->width[c]);
        int w = width_of(s), room = l->width[c] - (w < l->width[c] ? w : l->width[c]);
        if (*s) {
            pad(out, gap + (t->columns[c].metric ? room : 0));
            put(out, s, l->width[c]);
            gap = GAP + (t->columns[c].metric ? 0 : room);
        } else {
            gap += l->width[c] + GAP;
        }
    }
    strbuf_addc(out, '\n');
}

static const char *heading_at(const struct report_table *t, int c, int at, struct strbuf *scratch,
                              int width)
{
    const char *s = t->columns[c].heading;

    for (int i = 0; i <= at; i++) {
        strbuf_clear(scratch);
        if (*s)
            s = heading_line(s, width, scratch);
    }
    return strbuf_str(scratch);
}

static const char *cell_line(const struct report_table *t, int c, int at, struct strbuf *scratch,
                             int width)
{
    (void)width;
    cell_text(t, at, c, scratch);
    return strbuf_str(scratch);
}

/* Bytes of s that fit into `width` columns, one character at least. */
static size_t fitting(const char *s, int width)
{
    size_t bytes = 0;
    int used = 0, n;

    for (; s[bytes]; bytes += (size_t)n) {
        int w = next_char(s + bytes, &n);
        used += w < 0 ? 1 : w;
        if (bytes && used > width)
            break;
    }
    return bytes;
}

/* A paragraph in lines of `width` columns; the first begins with `first`, the others are set in. */
static void put_wrapped(struct strbuf *out, const char *first, const char *s, int width)
{
    struct strbuf line = STRBUF_INIT;
    int indent = width_of(first), n = 0;

    if (indent > width / 2)
        indent = 4;
    while (*s || n == 0) {
        int room = width - (n ? indent : width_of(first));
        const char *start = s + strspn(s, " ");
        s = heading_line(s, room, &line);
        if (width_of(strbuf_str(&line)) > room) { /* a word wider than the page goes on below */
            strbuf_truncate(&line, fitting(strbuf_str(&line), room));
            s = start + line.len;
        }
        if (n++ == 0)
            put(out, first, width);
        else
            pad(out, indent);
        put(out, strbuf_str(&line), width);
        strbuf_addc(out, '\n');
    }
    out->failed |= line.failed;
    strbuf_release(&line);
}

static void put_left_out(const struct report_table *t, const struct layout *l, struct strbuf *out,
                         int width, int color, struct strbuf *list)
{
    int n = 0;

    strbuf_clear(list);
    for (int c = 0; c < t->n_columns; c++)
        if (!l->width[c])
            strbuf_addf(list, "%s%s", n++ ? ", " : "", t->columns[c].heading);
    strbuf_addc(list, ')');
    strbuf_adds(out, color ? DIM : "");
    put_wrapped(out, "(no room for: ", strbuf_str(list), width);
    strbuf_adds(out, color ? PLAIN : "");
}

int report_table_text(const struct report_table *t, const struct report_options *o,
                      struct strbuf *out, struct err *e)
{
    struct layout l = {0};
    struct strbuf scratch = STRBUF_INIT;
    int color = o && o->color, width = o && o->width > 0 ? o->width : DEFAULT_WIDTH, rc = -1;

    l.width = mem_calloc((size_t)t->n_columns, sizeof *l.width);
    l.seen = mem_calloc((size_t)t->n_columns, 1);
    if (!l.width || !l.seen) {
        err_nomem(e);
        goto out;
    }
    measure(t, width, &l, &scratch);
    strbuf_adds(out, color ? BOLD : "");
    for (int i = 0; i < l.lines; i++)
        put_line(t, &l, out, heading_at, i, &scratch);
    strbuf_adds(out, color ? PLAIN : "");
    for (int r = 0; r < t->n_rows; r++)
        put_line(t, &l, out, cell_line, r, &scratch);
    if (l.n_left_out)
        put_left_out(t, &l, out, width, color, &scratch);
    rc = strbuf_ok(&scratch, e) < 0 ? -1 : strbuf_ok(out, e);
out:
    strbuf_release(&scratch);
    mem_free(l.width);
    mem_free(l.seen);
    return rc;
}

/* --- whole reports ----------------------------------------------------------------------- */

static void underline(struct strbuf *out, const char *title, char c, int width)
{
    int n = put(out, title, width);

    strbuf_addc(out, '\n');
    for (int i = 0; i < n; i++)
        strbuf_addc(out, c);
    strbuf_addc(out, '\n');
}

static int put_block(const struct report_block *b, const struct report_options *o, int width,
                     struct strbuf *out, struct err *e)
{
    struct report scratch = {0};
    struct report_table *t = b->table;
    int rc = 0;

    strbuf_addc(out, '\n');
    switch (b->kind) {
    case REPORT_SECTION:
        underline(out, b->text, '-', width);
        break;
    case REPORT_TEXT:
        put_wrapped(out, "", b->text, width);
        break;
    case REPORT_WARNING:
        put_wrapped(out, "! ", b->text, width);
        break;
    case REPORT_FACTS:
        for (int i = 0; i < b->n_facts; i++) {
            char name[64];
            snprintf(name, sizeof name, "%.60s: ", b->facts[i].name);
            put_wrapped(out, name, b->facts[i].value ? b->facts[i].value : NUMBER_UNKNOWN, width);
        }
        break;
    case REPORT_PLOT:
        t = plot_table(&scratch, b->plot);
        /* fall through */
    case REPORT_TABLE:
        if (!t) {
            rc = err_nomem(e);
            break;
        }
        put_wrapped(out, "", t->title, width);
        rc = report_table_text(t, o, out, e);
        if (b->kind == REPORT_TABLE && t->note)
            put_wrapped(out, "", t->note, width);
    }
    if (rc == 0)
        rc = report_ok(&scratch, e);
    report_release(&scratch);
    return rc;
}

int write_text(const struct report *r, const struct report_options *o, struct strbuf *out,
               struct err *e)
{
    int width = o && o->width > 0 ? o->width : DEFAULT_WIDTH;

    underline(out, r->title, '=', width);
    if (r->subtitle)
        put_wrapped(out, "", r->subtitle, width);
    if (r->generated)
        put_wrapped(out, "", r->generated, width);
    for (int i = 0; i < r->n_headline; i++) {
        const struct report_fact *f = &r->headline[i];
        strbuf_addf(out, "%s", i ? "" : "\n");
        put_wrapped(out, "* ", f->name, width);
        put_wrapped(out, "    ", f->value, width);
        if (f->detail)
            put_wrapped(out, "    ", f->detail, width);
    }
    for (int i = 0; i < r->n_blocks; i++)
        if (put_block(r->blocks[i], o, width, out, e) < 0)
            return -1;
    return strbuf_ok(out, e);
}
