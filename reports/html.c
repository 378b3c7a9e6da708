/* html.c -- one self-contained page: no script, no font, no picture from anywhere else.
 *
 * Every text goes through html_text, so a model's name is never markup.  Plots are inline SVG in
 * two sizes, of which CSS shows the one that fits: letters keep their size on a phone.  Wide tables
 * scroll inside their own box, the page never does. */
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "reports/gnuplot.h"
#include "reports/number.h"
#include "reports/page_css.h"
#include "reports/writers.h"

enum { SHORT_TEXT = 12, NAME_TEXT = 20 }; /* a date, a row's name: not broken into lines */

static const struct plot_size wide = {560, 340, 13}, narrow = {330, 290, 12};

void html_text(struct strbuf *b, const char *s)
{
    static const struct { char c; const char *text; } rows[] = {
        {'<', "&lt;"}, {'>', "&gt;"}, {'&', "&amp;"}, {'"', "&quot;"}, {'\'', "&#39;"},
    };

    for (size_t n; s && *s; s += n) {
        size_t i = 0;
        int fit = utf8_next(s, &n);
        while (i < sizeof rows / sizeof rows[0] && rows[i].c != *s)
            i++;
        if (i < sizeof rows / sizeof rows[0])
            strbuf_adds(b, rows[i].text);
        else if (!fit)
            strbuf_adds(b, "\xef\xbf\xbd"); /* HTML has no control characters */
        else
            strbuf_add(b, s, n);
    }
}

static void put_element(struct strbuf *b, const char *open, const char *text, const char *close)
{
    if (!text)
        return;
    strbuf_adds(b, open);
    html_text(b, text);
    strbuf_adds(b, close);
}

/* Is there a fact of that run to lead to? */
static int tells_of(const struct report *page, const char *run)
{
    for (int i = 0; page && run && i < page->n_blocks; i++)
        for (int k = 0; k < page->blocks[i]->n_facts; k++)
            if (page->blocks[i]->facts[k].run && strcmp(page->blocks[i]->facts[k].run, run) == 0)
                return 1;
    return 0;
}

static void put_run(struct strbuf *b, const char *run)
{
    put_element(b, "<td><a href=\"#run-", run, "\">");
    put_element(b, "", run, "</a></td>");
}

/* One number, with or without sign and unit ("-0.36 %", "4.5 GB"); a date or an
 * interval is none. */
static int is_number(const char *s)
{
    s += strspn(s, "<>+-");
    if (strspn(s, "0123456789.") == 0)
        return 0;
    s += strspn(s, "0123456789.");
    if (*s == 'e')
        s += strspn(s, "e+-0123456789");
    return strlen(s) <= SHORT_TEXT && strcspn(s, "0123456789[(-:") == strlen(s);
}

/* The columns of texts that are numbers, a bit each: they stand to the right like any number. */
static unsigned long long number_columns(const struct report_table *t)
{
    unsigned long long found = 0;

    for (int c = 1; c < t->n_columns && c < 64; c++) {
        int numbers = 0, texts = t->columns[c].metric || !strcmp(t->columns[c].key, "run");
        for (int r = 0; r < t->n_rows && !texts; r++) {
            const char *s = cell_at(t, r, c)->text;
            if (s && *s && strcmp(s, "-") != 0 && strcmp(s, NUMBER_UNKNOWN) != 0)
                *(is_number(s) ? &numbers : &texts) += 1;
        }
        if (numbers && !texts)
            found |= 1ull << c;
    }
    return found;
}

static void put_text_cell(struct strbuf *b, const char *text, int c, int is_number_column)
{
    int is_short = strlen(text) <= (c == 0 ? NAME_TEXT : SHORT_TEXT);
    const char *bracket = strstr(text, " [");
    char value[32];

    /* "+1.0 [-2.1, +4.1]": an interval is not broken either */
    if (c > 0 && bracket && bracket - text < (int)sizeof value &&
        strchr(bracket, ']') == text + strlen(text) - 1) {
        snprintf(value, sizeof value, "%.*s", (int)(bracket - text), text);
        put_element(b, "<td>", value, " ");
        put_element(b, "<span class=\"w iv\">", bracket + 1, "</span></td>");
        return;
    }
    put_element(b, c == 0 && is_short     ? "<th scope=\"row\" class=\"w\">"
                   : c == 0               ? "<th scope=\"row\">"
                   : is_number_column     ? "<td class=\"n\">"
                   : is_short             ? "<td class=\"w\">"
                                          : "<td>",
                text, c == 0 ? "</th>" : "</td>");
}

static void put_cell(struct strbuf *b, const struct report *page, const struct report_table *t,
                     int r, int c, int is_number_column)
{
    const struct report_cell *cell = cell_at(t, r, c);
    const struct metric *m = t->columns[c].metric;
    char number[NUMBER_SIZE], interval[NUMBER_SIZE];

    if (!m && c > 0 && strcmp(t->columns[c].key, "run") == 0 && tells_of(page, cell->text)) {
        put_run(b, cell->text);
        return;
    }
    if (!m) {
        put_text_cell(b, cell->text ? cell->text : "", c, is_number_column);
        return;
    }
    strbuf_adds(b, "<td class=\"n\">");
    if (cell->text) {
        html_text(b, cell->text);
    } else {
        number_format(number, m, cell->value);
        number_interval(interval, m, cell->value, cell->low, cell->high);
        html_text(b, number);
        put_element(b, " <span class=\"ci\">", *interval ? interval : NULL, "</span>");
    }
    strbuf_adds(b, "</td>");
}

/* page: whose facts the cells lead to; NULL: they lead nowhere. */
static void put_rows(struct strbuf *b, const struct report *page, const struct report_table *t)
{
    unsigned long long numbers = number_columns(t);

    put_element(b, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"", t->title,
                "\"><table>\n<thead><tr>");
    for (int c = 0; c < t->n_columns; c++) {
        const struct metric *m = t->columns[c].metric;
        strbuf_adds(b, m                ? "<th scope=\"col\" class=\"n\" title=\""
                       : numbers >> c & 1 ? "<th scope=\"col\" class=\"n\""
                                          : "<th scope=\"col\"");
        if (m) {
            html_text(b, m->help);
            strbuf_addc(b, '"');
        }
        put_element(b, ">", t->columns[c].heading, "</th>");
    }
    strbuf_adds(b, "</tr></thead>\n<tbody>\n");
    for (int r = 0; r < t->n_rows; r++) {
        strbuf_adds(b, "<tr>");
        for (int c = 0; c < t->n_columns; c++)
            put_cell(b, page, t, r, c, (int)(numbers >> c & 1));
        strbuf_adds(b, "</tr>\n");
    }
    strbuf_adds(b, "</tbody></table></div>\n");
}

static void put_table(struct strbuf *b, const struct report *page, const struct report_table *t)
{
    strbuf_adds(b, "<section class=\"card\">\n");
    put_element(b, "<h3>", t->title, "</h3>\n");
    put_rows(b, page, t);
    put_element(b, "<p class=\"note\">", t->note, "</p>\n");
    strbuf_adds(b, "</section>\n");
}

/* --- plots ------------------------------------------------------------------------------- */

/* What the series looks like in the picture: its point, or a piece of its line. */
static void put_swatch(struct strbuf *b, const struct report_plot *p, int series)
{
    static const char *const shapes[PLOT_SHAPES] = {
        [SHAPE_DISC] = "M5 .6a4.4 4.4 0 1 1 0 8.8 4.4 4.4 0 1 1 0-8.8z",
        [SHAPE_SQUARE] = "M1 1h8v8H1z",
        [SHAPE_UP] = "M5 .5 9.7 9H.3z",
        [SHAPE_DIAMOND] = "M5 0l5 5-5 5-5-5z",
        [SHAPE_DOWN] = "M.3 1h9.4L5 9.5z",
    };
    const char *dash = plot_dash(p, series);
    int color = series % PLOT_COLORS;

    if (p->series[series]->bare)
        strbuf_addf(b, "<svg class=\"dash\" aria-hidden=\"true\" viewBox=\"0 0 30 10\"><path "
                       "d=\"M0 5h30\" stroke=\"var(--s%d)\" stroke-width=\"2\" "
                       "stroke-dasharray=\"%s\"/></svg>",
                    color, dash ? dash : "none");
    else
        strbuf_addf(b, "<svg class=\"dot\" aria-hidden=\"true\" viewBox=\"0 0 10 10\"><path "
                       "d=\"%s\" fill=\"var(--s%d)\"/></svg>", shapes[plot_shape(series)], color);
}

/* Numbers as gnuplot_svg gives them out, each with its name. */
static void put_legend(struct strbuf *b, const struct report_plot *p)
{
    int number = 0, silent = 0;

    strbuf_adds(b, "<ul class=\"legend\">\n");
    for (int i = 0; i < p->n_series; i++) {
        const struct report_series *s = p->series[i];
        int numbered = plot_numbered(p, i) && !(p->flags & PLOT_ROWS);
        if (s->name && s->n_points) {
            strbuf_adds(b, "<li class=\"series\">");
            put_swatch(b, p, i);
            put_element(b, "", s->name, "</li>\n");
        }
        silent |= !numbered && !s->quiet && !s->bare && !(p->flags & PLOT_ROWS);
        for (int k = 0; k < s->n_points && numbered; k++) {
            if (!s->points[k].label)
                continue;
            strbuf_adds(b, "<li>");
            put_swatch(b, p, i);
            strbuf_addf(b, "<b>%d</b> ", ++number);
            put_element(b, "", s->points[k].label, "</li>\n");
        }
    }
    strbuf_adds(b, "</ul>\n");
    if (silent)
        strbuf_adds(b, "<p class=\"note\">Too many points for numbers: each says its name when "
                       "pointed at, and the table below has them.</p>\n");
}

static int put_picture(struct strbuf *b, const struct report_plot *p,
                       const struct report_options *o, int number, struct err *e)
{
    static const struct { const char *name; const struct plot_size *size; } sizes[] = {
        {"wide", &wide}, {"narrow", &narrow},
    };
    char id[32];

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        strbuf_addf(b, "<div class=\"%s\" role=\"img\" aria-label=\"", sizes[i].name);
        html_text(b, p->title);
        strbuf_addf(b, ": a plot of %d points, whose numbers are in the table below it\">\n",
                    plot_points(p));
        snprintf(id, sizeof id, "p%d%c", number, sizes[i].name[0]);
        if (gnuplot_svg(p, o, sizes[i].size, id, b, e) < 0)
            return -1;
        strbuf_adds(b, "</div>\n");
    }
    return 0;
}

static void put_axis_name(struct strbuf *b, const char *kind, const char *before,
                          const struct metric *m, int log, const char *after)
{
    static const char *const better[] = {
        [BETTER_NEITHER] = "", [BETTER_HIGHER] = ", more is better",
        [BETTER_LOWER] = ", less is better",
    };

    char name[120];

    number_axis(name, sizeof name, m);
    strbuf_addf(b, "<p class=\"axis %s\">%s", kind, before);
    html_text(b, name);
    strbuf_addf(b, "<span>%s%s</span>%s</p>\n", better[m->better], log ? ", logarithmic" : "",
                after);
}

/* A plot that cannot be drawn is a note and its table, never a missing report. */
static int put_plot(struct strbuf *b, const struct report_plot *p, const struct report_options *o,
                    int number, struct err *e)
{
    struct report scratch = {0};
    struct report_table *t = plot_table(&scratch, p);
    struct strbuf picture = STRBUF_INIT;
    struct err why = ERR_NONE;
    int drawn, rc = report_ok(&scratch, e);

    if (rc < 0)
        goto out;
    drawn = put_picture(&picture, p, o, number, &why) == 0;
    if (why.code == ERR_NOMEM) {
        rc = err_nomem(e);
        goto out;
    }
    strbuf_addf(b, "<figure class=\"card\" id=\"plot%d\">\n", number);
    put_element(b, "<h3>", p->title, "</h3>\n");
    if (drawn) {
        if (!(p->flags & PLOT_ROWS))
            put_axis_name(b, "y", "\xe2\x86\x91 ", p->y, p->flags & PLOT_LOG_Y, "");
        strbuf_add(b, strbuf_str(&picture), picture.len);
        put_axis_name(b, "x", "", p->x, p->flags & PLOT_LOG_X, "\xc2\xa0\xe2\x86\x92");
        put_legend(b, p);
    } else {
        put_element(b, "<p class=\"warning\">Not drawn: ", why.text, ".</p>\n");
    }
    put_element(b, "<p class=\"note\">", p->note, "</p>\n");
    strbuf_addf(b, "<details%s><summary>Numbers</summary>\n", drawn ? "" : " open");
    put_rows(b, NULL, t);
    strbuf_adds(b, "</details>\n</figure>\n");
out:
    strbuf_release(&picture);
    report_release(&scratch);
    return rc;
}

/* --- the page ---------------------------------------------------------------------------- */

static void put_facts(struct strbuf *b, const struct report_fact *f, int n)
{
    strbuf_adds(b, "<dl class=\"card\">\n");
    for (int i = 0; i < n; i++) {
        put_element(b, "<dt id=\"run-", f[i].run, "\">");
        put_element(b, f[i].run ? "" : "<dt>", f[i].name, "</dt>");
        put_element(b, "<dd>", f[i].value ? f[i].value : NUMBER_UNKNOWN, "</dd>\n");
    }
    strbuf_adds(b, "</dl>\n");
}

static void put_head(struct strbuf *b, const struct report *r)
{
    int n = 0;

    strbuf_adds(b, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                   "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                   "<meta name=\"color-scheme\" content=\"light dark\">\n"
                   "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                   "style-src 'unsafe-inline'; img-src data:\">\n"
                   "<link rel=\"icon\" href=\"data:,\">\n");
    put_element(b, "<title>", r->title, "</title>\n");
    strbuf_adds(b, "<style>\n" PAGE_CSS "</style>\n</head>\n<body>\n<header>\n");
    put_element(b, "<h1>", r->title, "</h1>\n");
    put_element(b, "<p class=\"lead\">", r->subtitle, "</p>\n");
    put_element(b, "<p class=\"note\">", r->generated, "</p>\n");
    strbuf_adds(b, "</header>\n<main>\n");
    if (r->n_headline)
        strbuf_adds(b, "<div class=\"headline\">\n");
    for (int i = 0; i < r->n_headline; i++) {
        put_element(b, "<div class=\"card\"><p class=\"name\">", r->headline[i].name, "</p>");
        put_element(b, "<p class=\"big\">",
                    r->headline[i].value ? r->headline[i].value : NUMBER_UNKNOWN, "</p>");
        put_element(b, "<p class=\"note\">", r->headline[i].detail, "</p>");
        strbuf_adds(b, "</div>\n");
    }
    strbuf_adds(b, r->n_headline ? "</div>\n<nav>" : "<nav>");
    for (int i = 0; i < r->n_blocks; i++) {
        if (r->blocks[i]->kind != REPORT_SECTION)
            continue;
        strbuf_addf(b, "<a href=\"#s%d\">", ++n);
        put_element(b, "", r->blocks[i]->text, "</a>\n");
    }
    strbuf_adds(b, "</nav>\n");
}

static int put_block(struct strbuf *b, const struct report *page, const struct report_block *k,
                     const struct report_options *o, int *sections, int *plots, struct err *e)
{
    switch (k->kind) {
    case REPORT_SECTION:
        strbuf_addf(b, "<h2 id=\"s%d\">", ++*sections);
        put_element(b, "", k->text, "</h2>\n");
        break;
    case REPORT_TEXT:
        put_element(b, "<p class=\"text\">", k->text, "</p>\n");
        break;
    case REPORT_WARNING:
        put_element(b, "<p class=\"warning\">", k->text, "</p>\n");
        break;
    case REPORT_FACTS:
        put_facts(b, k->facts, k->n_facts);
        break;
    case REPORT_TABLE:
        put_table(b, page, k->table);
        break;
    case REPORT_PLOT:
        return put_plot(b, k->plot, o, ++*plots, e);
    }
    return 0;
}

int write_html(const struct report *r, const struct report_options *o, struct strbuf *out,
               struct err *e)
{
    int sections = 0, plots = 0, in_grid = 0;

    put_head(out, r);
    for (int i = 0; i < r->n_blocks; i++) {
        int is_plot = r->blocks[i]->kind == REPORT_PLOT;
        if (is_plot != in_grid)
            strbuf_adds(out, is_plot ? "<div class=\"grid\">\n" : "</div>\n");
        in_grid = is_plot;
        if (put_block(out, r, r->blocks[i], o, &sections, &plots, e) < 0)
            return -1;
    }
    strbuf_adds(out, in_grid ? "</div>\n</main>\n</body>\n</html>\n"
                             : "</main>\n</body>\n</html>\n");
    return strbuf_ok(out, e);
}
