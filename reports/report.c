/* report.c -- building a report in its arena, and the table of writers. */
#include "reports/report.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "reports/number.h"
#include "reports/writers.h"

static void *take(struct report *r, size_t bytes)
{
    void *p = arena_alloc(&r->arena, bytes);

    if (!p)
        r->failed = 1;
    return p;
}

/* Room for one more item; arrays move to twice the room and leave the old one to the arena. */
static int room(struct report *r, void *items, int n, int *cap, size_t size)
{
    void **slot = items;
    int more = *cap ? *cap * 2 : 4;
    void *p;

    if (n < *cap)
        return 0;
    if (*cap > INT32_MAX / 4 || !(p = take(r, (size_t)more * size)))
        return -1;
    if (n)
        memcpy(p, *slot, (size_t)n * size);
    *slot = p;
    *cap = more;
    return 0;
}

void report_init(struct report *r, const char *title)
{
    *r = (struct report){.arena = ARENA_INIT};
    r->title = report_str(r, title);
}

void report_release(struct report *r)
{
    arena_release(&r->arena);
    *r = (struct report){.arena = ARENA_INIT};
}

int report_ok(const struct report *r, struct err *e)
{
    return r->failed ? err_nomem(e) : 0;
}

const char *report_str(struct report *r, const char *s)
{
    char *copy = arena_strdup(&r->arena, s);

    if (s && !copy)
        r->failed = 1;
    return copy;
}

static const char *vfmt(struct report *r, const char *fmt, va_list ap)
{
    struct strbuf b = STRBUF_INIT;
    const char *s;

    strbuf_vaddf(&b, fmt, ap);
    if (b.failed)
        r->failed = 1;
    s = report_str(r, strbuf_str(&b));
    strbuf_release(&b);
    return s;
}

const char *report_fmt(struct report *r, const char *fmt, ...)
{
    const char *s;
    va_list ap;

    va_start(ap, fmt);
    s = vfmt(r, fmt, ap);
    va_end(ap);
    return s;
}

const char *report_number(struct report *r, const struct metric *m, double v)
{
    char text[NUMBER_SIZE];

    number_format(text, m, v);
    return report_str(r, text);
}

void report_headline(struct report *r, const char *name, const char *value, const char *detail)
{
    if (room(r, &r->headline, r->n_headline, &r->cap_headline, sizeof *r->headline) < 0)
        return;
    r->headline[r->n_headline++] = (struct report_fact){
        report_str(r, name), report_str(r, value), report_str(r, detail), NULL,
    };
}

static struct report_block *block(struct report *r, enum report_kind kind)
{
    struct report_block *b = take(r, sizeof *b);

    if (!b || room(r, &r->blocks, r->n_blocks, &r->cap_blocks, sizeof *r->blocks) < 0)
        return NULL;
    b->kind = kind;
    r->blocks[r->n_blocks++] = b;
    return b;
}

static void text_block(struct report *r, enum report_kind kind, const char *fmt, va_list ap)
{
    struct report_block *b = block(r, kind);

    if (b)
        b->text = vfmt(r, fmt, ap);
}

void report_section(struct report *r, const char *title)
{
    struct report_block *b = block(r, REPORT_SECTION);

    if (b)
        b->text = report_str(r, title);
}

void report_text(struct report *r, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    text_block(r, REPORT_TEXT, fmt, ap);
    va_end(ap);
}

void report_warning(struct report *r, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    text_block(r, REPORT_WARNING, fmt, ap);
    va_end(ap);
}

void report_fact(struct report *r, const char *name, const char *value)
{
    report_run_fact(r, NULL, name, value);
}

void report_run_fact(struct report *r, const char *run, const char *name, const char *value)
{
    struct report_block *b = r->n_blocks ? r->blocks[r->n_blocks - 1] : NULL;

    if (!b || b->kind != REPORT_FACTS)
        b = block(r, REPORT_FACTS);
    if (!b || room(r, &b->facts, b->n_facts, &b->cap_facts, sizeof *b->facts) < 0)
        return;
    b->facts[b->n_facts++] =
        (struct report_fact){report_str(r, name), report_str(r, value), NULL, report_str(r, run)};
}

struct report_table *report_table(struct report *r, const char *key, const char *title,
                                  const struct report_column *columns, int n_columns)
{
    struct report_table *t = take(r, sizeof *t);
    struct report_column *copy = take(r, (size_t)n_columns * sizeof *copy);
    struct report_block *b = t && copy ? block(r, REPORT_TABLE) : NULL;

    if (!b)
        return NULL;
    for (int i = 0; i < n_columns; i++) {
        copy[i] = columns[i];
        copy[i].key = report_str(r, columns[i].key);
        copy[i].heading = report_str(
            r, columns[i].heading ? columns[i].heading
                                  : columns[i].metric ? columns[i].metric->label : "");
    }
    *t = (struct report_table){.key = report_str(r, key), .title = report_str(r, title),
                               .columns = copy, .n_columns = n_columns};
    b->table = t;
    return t;
}

struct report_cell *report_row(struct report *r, struct report_table *t)
{
    struct report_cell *row;

    if (!t || room(r, &t->cells, t->n_rows, &t->cap_rows,
                   (size_t)t->n_columns * sizeof *t->cells) < 0)
        return NULL;
    row = t->cells + (size_t)t->n_rows++ * (size_t)t->n_columns;
    for (int i = 0; i < t->n_columns; i++)
        row[i] = (struct report_cell){NULL, NAN, NAN, NAN};
    return row;
}

void report_cell_text(struct report *r, struct report_cell *row, int column, const char *text)
{
    if (row)
        row[column].text = report_str(r, text);
}

void report_cell_value(struct report_cell *row, int column, double value, double low, double high)
{
    if (row)
        row[column] = (struct report_cell){row[column].text, value, low, high};
}

struct report_plot *report_plot(struct report *r, const char *key, const char *title,
                                const struct metric *x, const struct metric *y, int flags)
{
    struct report_plot *p = take(r, sizeof *p);
    struct report_block *b = p ? block(r, REPORT_PLOT) : NULL;

    if (!b)
        return NULL;
    *p = (struct report_plot){.key = report_str(r, key), .title = report_str(r, title), .x = x,
                              .y = y, .flags = flags};
    b->plot = p;
    return p;
}

struct report_series *report_series(struct report *r, struct report_plot *p, const char *name)
{
    struct report_series *s = take(r, sizeof *s);

    if (!p || !s || room(r, &p->series, p->n_series, &p->cap_series, sizeof *p->series) < 0)
        return NULL;
    *s = (struct report_series){.name = report_str(r, name)};
    p->series[p->n_series++] = s;
    return s;
}

struct report_point *report_point(struct report *r, struct report_plot *p,
                                  struct report_series *s, const char *label, double x, double y)
{
    struct report_point *pt;

    if (!p || !s || !isfinite(x) || !isfinite(y) || (p->flags & PLOT_LOG_X && x <= 0) ||
        (p->flags & PLOT_LOG_Y && y <= 0) ||
        room(r, &s->points, s->n_points, &s->cap_points, sizeof *s->points) < 0)
        return NULL;
    pt = &s->points[s->n_points++];
    *pt = (struct report_point){x, y, NAN, NAN, NAN, NAN, report_str(r, label)};
    return pt;
}

struct report_table *plot_table(struct report *scratch, const struct report_plot *p)
{
    const struct report_column columns[] = {
        {"label", "point", NULL, 3},
        {p->x->name, NULL, p->x, 2},
        {p->y->name, NULL, p->y, 2},
        {"series", "series", NULL, 0},
    };
    int named = 0;
    struct report_table *t;

    for (int i = 0; i < p->n_series; i++)
        named |= p->series[i]->name != NULL;
    t = report_table(scratch, p->key, p->title, columns, named ? 4 : 3);
    for (int i = 0; i < p->n_series; i++) {
        const struct report_series *s = p->series[i];
        for (int k = 0; k < s->n_points; k++) {
            const struct report_point *pt = &s->points[k];
            struct report_cell *row = report_row(scratch, t);
            report_cell_text(scratch, row, 0, pt->label);
            report_cell_value(row, 1, pt->x, pt->x_low, pt->x_high);
            report_cell_value(row, 2, pt->y, pt->y_low, pt->y_high);
            if (named)
                report_cell_text(scratch, row, 3, s->name);
        }
    }
    return t;
}

/* --- writers ----------------------------------------------------------------------------- */

static const struct report_writer writers[] = {
    {"html", ".html", write_html}, {"markdown", ".md", write_markdown}, {"csv", ".csv", write_csv},
    {"json", ".json", write_json}, {"text", ".txt", write_text},
};

const struct report_writer *report_writer_at(int i)
{
    return i >= 0 && (size_t)i < sizeof writers / sizeof writers[0] ? &writers[i] : NULL;
}

const struct report_writer *report_writer_named(const char *name)
{
    const struct report_writer *w;

    for (int i = 0; (w = report_writer_at(i)); i++)
        if (strcmp(w->name, name) == 0)
            return w;
    return NULL;
}

const struct report_writer *report_writer_for(const char *path)
{
    const char *dot = strrchr(path_base(path), '.');

    for (size_t i = 0; dot && i < sizeof writers / sizeof writers[0]; i++)
        if (strcmp(writers[i].suffix, dot) == 0)
            return &writers[i];
    return NULL;
}

int report_write(const struct report *r, const struct report_options *o, const char *path,
                 struct err *e)
{
    const struct report_writer *w = report_writer_for(path);
    struct strbuf b = STRBUF_INIT;
    int rc = -1;

    if (!w) {
        err_set(e, ERR_USAGE, "%s: what kind of report is that?", path);
        err_hint(e, "the name ends in .html, .md, .csv, .json or .txt");
        return -1;
    }
    if (report_ok(r, e) == 0 && w->write(r, o, &b, e) == 0 && strbuf_ok(&b, e) == 0)
        rc = file_write(path, strbuf_str(&b), b.len, e);
    strbuf_release(&b);
    return rc;
}
