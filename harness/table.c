#include "harness/table.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <utf8proc.h>

#include "base/csv.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/utf8.h"

void table_init(struct table *t, const struct column *columns, int n_columns, int exact)
{
    *t = (struct table){.columns = columns, .n_columns = n_columns, .exact = exact};
}

void table_release(struct table *t)
{
    strbuf_release(&t->text);
    mem_free(t->cells);
    *t = (struct table){0};
}

void table_cell(struct table *t, const char *fmt, ...)
{
    size_t at = t->text.len;
    va_list ap;

    if (mem_grow(&t->cells, &t->cap_cells, t->n_cells + 1, sizeof *t->cells) < 0) {
        t->text.failed = 1;
        return;
    }
    t->cells[t->n_cells++] = at;
    va_start(ap, fmt);
    strbuf_vaddf(&t->text, fmt, ap);
    va_end(ap);
    if (!t->exact && !t->text.failed)
        utf8_make_printable(t->text.s + at, t->text.len - at, 0);
    strbuf_addc(&t->text, 0);
}

void format_num(char *text, size_t size, double v, int digits)
{
    double a = fabs(v);
    int before = a >= 1 ? (int)floor(log10(a)) + 1 : 1;

    if (a >= 1e15 || (a > 0 && a < 1e-4))
        snprintf(text, size, "%.*e", digits - 1, v);
    else
        snprintf(text, size, "%.*f", digits > before ? digits - before : 0, v);
}

void table_num(struct table *t, double v, int digits)
{
    char text[40];

    if (isnan(v))
        snprintf(text, sizeof text, "-");
    else if (t->exact)
        json_format_num(text, sizeof text, v);
    else
        format_num(text, sizeof text, v, digits);
    table_cell(t, "%s", text);
}

void table_int(struct table *t, long long v)
{
    if (v < 0)
        table_cell(t, "-");
    else
        table_cell(t, "%lld", v);
}

static const char *cell(const struct table *t, size_t row, int column)
{
    return t->text.s + t->cells[row * (size_t)t->n_columns + (size_t)column];
}

static size_t rows(const struct table *t)
{
    return t->n_cells / (size_t)t->n_columns;
}

/* Columns that the text takes; *cut: bytes of it that fit into `most` columns. */
static int text_width(const char *s, int most, size_t *cut)
{
    const char *start = s;
    int width = 0;

    *cut = 0;
    while (*s) {
        utf8proc_int32_t c;
        utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)s, -1, &c);
        width += n > 0 ? utf8proc_charwidth(c) : 1;
        s += n > 0 ? n : 1;
        if (width <= most)
            *cut = (size_t)(s - start);
    }
    return width;
}

static int width_of(const char *s)
{
    size_t cut;

    return text_width(s, 0, &cut);
}

enum { FOLD_INDENT = 4 };

/* What goes on a line of s: up to the last blank before `width` columns, else a word. */
static const char *fold_at(const char *s, const char *end, int width)
{
    const char *best = NULL;
    int used = 0;

    for (const char *at = s; at < end;) {
        utf8proc_int32_t c;
        utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)at, end - at, &c);
        if (*at == ' ' && at > s && at[-1] != ' ' && (used <= width || !best))
            best = at;
        if (used > width && best)
            return best;
        if (*at == '\x1b') { /* colours take no room */
            at += strcspn(at, "m") + 1;
            continue;
        }
        used += n > 0 ? utf8proc_charwidth(c) : 1;
        at += n > 0 ? n : 1;
    }
    return used <= width || !best ? end : best;
}

void text_fold(struct strbuf *out, const char *text, int width)
{
    while (*text) {
        const char *end = text + strcspn(text, "\n");
        int indent = 0;
        while (text < end || !indent) {
            const char *cut = fold_at(text, end, width - indent);
            strbuf_addf(out, "%*s", indent, "");
            strbuf_add(out, text, (size_t)(cut - text));
            text = cut + strspn(cut, cut < end ? " " : "");
            if (text < end)
                strbuf_addc(out, '\n');
            indent = FOLD_INDENT;
        }
        if (*end)
            strbuf_addc(out, '\n');
        text = end + (*end == '\n');
    }
}

enum { COLUMNS_MAX = 64, GAP = 2, LONG = 40, NARROW = 12 };

static int total_width(const struct table *t, const int *widths)
{
    int sum = -GAP;

    for (int c = 0; c < t->n_columns; c++)
        sum += widths[c] ? widths[c] + GAP : 0;
    return sum;
}

/* Cuts columns of text until the table fits, the widest first, none below `least`. */
static void narrow(const struct table *t, int width, int least, int *widths)
{
    for (int over; (over = total_width(t, widths) - width) > 0;) {
        int widest = -1;
        for (int c = 0; c < t->n_columns; c++)
            if (!t->columns[c].right && widths[c] > least &&
                (widest < 0 || widths[c] > widths[widest]))
                widest = c;
        if (widest < 0)
            return;
        widths[widest] -= over < widths[widest] - least ? over : widths[widest] - least;
    }
}

/* Width 0 means dropped.  Long texts are cut first, then columns go, then all texts are cut. */
static void choose_columns(const struct table *t, int width, int *widths)
{
    for (int c = 0; c < t->n_columns; c++) {
        widths[c] = width_of(t->columns[c].name);
        for (size_t r = 0; r < rows(t); r++) {
            int w = width_of(cell(t, r, c));
            widths[c] = w > widths[c] ? w : widths[c];
        }
    }
    narrow(t, width, LONG, widths);
    while (total_width(t, widths) > width) {
        int worst = -1;
        for (int c = 0; c < t->n_columns; c++)
            if (widths[c] && t->columns[c].dispensable > 0 &&
                (worst < 0 || t->columns[c].dispensable > t->columns[worst].dispensable))
                worst = c;
        if (worst < 0)
            break;
        widths[worst] = 0;
    }
    narrow(t, width, NARROW, widths);
}

static void put_cell(struct strbuf *out, const char *s, int width, int right, int last)
{
    struct strbuf shown = STRBUF_INIT;
    size_t cut;
    int pad;

    if (text_width(s, width - 1, &cut) > width) {
        strbuf_add(&shown, s, cut);
        strbuf_adds(&shown, "…");
    } else {
        strbuf_adds(&shown, s);
    }
    pad = width - width_of(strbuf_str(&shown));
    if (right)
        strbuf_addf(out, "%*s", pad, "");
    strbuf_adds(out, strbuf_str(&shown));
    if (!right && !last)
        strbuf_addf(out, "%*s", pad, "");
    if (!last)
        strbuf_addf(out, "%*s", GAP, "");
    /* an empty cell ends no line in blanks */
    while (last && out->len && out->s[out->len - 1] == ' ')
        out->s[--out->len] = 0;
    out->failed |= shown.failed;
    strbuf_release(&shown);
}

static void put_row(const struct table *t, struct strbuf *out, const int *widths, long row)
{
    int last = t->n_columns - 1;

    while (last > 0 && !widths[last])
        last--;
    for (int c = 0; c < t->n_columns; c++)
        if (widths[c])
            put_cell(out, row < 0 ? t->columns[c].name : cell(t, (size_t)row, c), widths[c],
                     t->columns[c].right, c == last);
}

int table_print(const struct table *t, struct strbuf *out, int width, int bold, struct err *e)
{
    int widths[COLUMNS_MAX];
    struct strbuf left = STRBUF_INIT;

    if (strbuf_ok(&t->text, e) < 0)
        return -1;
    choose_columns(t, width, widths);
    strbuf_adds(out, bold ? "\x1b[1m" : "");
    put_row(t, out, widths, -1);
    strbuf_adds(out, bold ? "\x1b[0m\n" : "\n");
    for (size_t r = 0; r < rows(t); r++) {
        put_row(t, out, widths, (long)r);
        strbuf_addc(out, '\n');
    }
    for (int c = 0; c < t->n_columns; c++)
        if (!widths[c])
            strbuf_addf(&left, "%s%s", left.len ? ", " : "(no room for: ", t->columns[c].name);
    if (left.len)
        strbuf_adds(&left, ")\n");
    text_fold(out, strbuf_str(&left), width);
    out->failed |= left.failed;
    strbuf_release(&left);
    return strbuf_ok(out, e);
}

int table_csv(const struct table *t, struct strbuf *out, struct err *e)
{
    if (strbuf_ok(&t->text, e) < 0)
        return -1;
    for (long r = -1; r < (long)rows(t); r++)
        for (int c = 0; c < t->n_columns; c++) {
            const char *field = r < 0 ? t->columns[c].name : cell(t, (size_t)r, c);
            if (strcmp(field, "-") != 0) /* unknown is an empty field */
                csv_put(out, field);
            strbuf_addc(out, c + 1 < t->n_columns ? ',' : '\n');
        }
    return strbuf_ok(out, e);
}

void format_bytes(char *text, size_t size, double bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    int unit = 0;

    while (bytes >= 999.5 && unit < 4) {
        bytes /= 1000;
        unit++;
    }
    if (isnan(bytes))
        snprintf(text, size, "-");
    else
        snprintf(text, size, unit && bytes < 99.95 ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
}
