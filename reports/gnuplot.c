/* gnuplot.c -- the script, and what of gnuplot's SVG goes into the page. */
#include "reports/gnuplot.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "reports/number.h"
#include "reports/writers.h"

#define CHAR_WIDTH 0.58 /* of the font's size: an average digit */
#define LINE_HEIGHT 1.25 /* of the font's size: what a number covers */
#define ROW_HEIGHT 1.9  /* of the font's size */
#define NAMES_WIDTH 0.4 /* of the picture, at most */
#define ROW_MARK "Zrow" /* then the point's place and a dot: where clean_svg puts its label */
#define MARKER 4.5      /* radius that a number keeps clear of, in pixels */
#define NUMBERS_MAX 20  /* more of them cover each other */

/* Colours that nothing else has, put back as variables by clean_svg. */
#define INK "#010203"
#define GRID "#010204"
#define MUTED "#010205"
#define SERIES_COLOR "#0102%02x" /* 0xa0 + number */

struct frame { /* the plot's inside, in pixels from the top left */
    double left, right, top, bottom;
};

struct box {
    double x0, y0, x1, y1;
};

struct canvas {
    const struct report_plot *plot;
    const struct plot_size *size;
    struct axis x, y;
    struct metric x_ticks; /* as x, whose unit is said beside the axis where names take the room */
    struct frame frame;
    struct box *taken; /* markers, error bars and numbers already placed */
    int n_taken;
};

static void widen(double *min, double *max, double v)
{
    if (!isfinite(v))
        return;
    if (!(*min <= v))
        *min = v;
    if (!(*max >= v))
        *max = v;
}

/* Characters of the longest name, as far as there is room for it. */
static size_t names_width(const struct canvas *c)
{
    const struct report_plot *p = c->plot;
    size_t most = (size_t)(NAMES_WIDTH * c->size->width / (c->size->font * CHAR_WIDTH)), n = 3;

    for (int i = 0; i < p->n_series; i++)
        for (int k = 0; k < p->series[i]->n_points; k++) {
            const char *name = p->series[i]->points[k].label;
            size_t length = name ? utf8_count(name, strlen(name)) : 0;
            n = length > n ? length : n;
        }
    return n < most ? n : most;
}

/* Ticks of one axis carry the same number of digits where they have no prefix. */
static void tick_text(char text[NUMBER_SIZE], const struct axis *a, const struct metric *m, int i)
{
    double step = a->n_ticks > 1 ? a->ticks[1] - a->ticks[0] : 1;
    int decimals = (int)fmax(0, -floor(log10(step) + 1e-9));

    if (fmod(step * pow(10, decimals), 1) > 1e-6 && fmod(step * pow(10, decimals), 1) < 1 - 1e-6)
        decimals++;
    if (!number_prefixed(m) && strcmp(m->unit, "year") != 0 && !a->log && fabs(a->high) < 1e5 &&
        decimals <= 6)
        snprintf(text, NUMBER_SIZE, "%.*f", decimals, a->ticks[i]);
    else
        number_tick(text, m, a->ticks[i]);
}

/* axis_fit, and nothing between whole numbers where there is nothing. */
static void fit_axis(struct axis *a, double min, double max, int is_log, const struct metric *m,
                     double gap)
{
    axis_fit(a, min, max, is_log, gap);
    if (number_whole(m) && !is_log && a->high - a->low > 1) {
        axis_fit(a, min, max, is_log, fmax(gap, 1 / (a->high - a->low)));
        axis_whole(a);
    }
}

static double text_width(const struct canvas *c, const char *text)
{
    return (double)utf8_count(text, strlen(text)) * CHAR_WIDTH * c->size->font;
}

/* As fit_axis, with ticks so far apart that their texts do not touch on a width of pixels. */
static void fit_x(struct canvas *c, double min, double max, int is_log, double width)
{
    double label = 3 * CHAR_WIDTH * c->size->font, widest = 0;
    char text[NUMBER_SIZE];

    for (int turn = 0; turn < 4; turn++) {
        fit_axis(&c->x, min, max, is_log, &c->x_ticks, fmax(1 / 15.0, label / width));
        widest = 0;
        for (int i = 0; i < c->x.n_ticks; i++) {
            tick_text(text, &c->x, &c->x_ticks, i);
            widest = fmax(widest, text_width(c, text));
        }
        if (widest + c->size->font <= label)
            break;
        label = widest + c->size->font;
    }
}

static void fit_axes(struct canvas *c)
{
    const struct report_plot *p = c->plot;
    double x0 = NAN, x1 = NAN, y0 = NAN, y1 = NAN;
    int log_x = (p->flags & PLOT_LOG_X) != 0, log_y = (p->flags & PLOT_LOG_Y) != 0;
    double share;

    for (int i = 0; i < p->n_series; i++)
        for (int k = 0; k < p->series[i]->n_points; k++) {
            const struct report_point *pt = &p->series[i]->points[k];
            widen(&x0, &x1, pt->x);
            widen(&y0, &y1, pt->y);
            for (int side = 0; side < 2; side++) {
                double x = side ? pt->x_high : pt->x_low, y = side ? pt->y_high : pt->y_low;
                if (!log_x || x > 0)
                    widen(&x0, &x1, x);
                if (!log_y || y > 0)
                    widen(&y0, &y1, y);
            }
        }
    share = p->flags & PLOT_ROWS ? 0.9 - (double)names_width(c) * CHAR_WIDTH * c->size->font /
                                             c->size->width
                                 : 0.75;
    fit_x(c, x0, x1, log_x, share * c->size->width);
    /* two and a half lines to each tick */
    fit_axis(&c->y, y0, y1, log_y, p->y, fmax(1 / 15.0, 2.5 * c->size->font / c->size->height));
    if (p->flags & PLOT_ROWS)
        c->y = (struct axis){.low = 0.4, .high = y1 + 0.6};
}

static void fit_frame(struct canvas *c)
{
    char text[NUMBER_SIZE];
    size_t longest = c->plot->flags & PLOT_ROWS ? names_width(c) : 3, length;

    for (int i = 0; i < c->y.n_ticks; i++) {
        tick_text(text, &c->y, c->plot->y, i);
        length = utf8_count(text, strlen(text));
        longest = length > longest ? length : longest;
    }
    c->frame.left = (double)longest * c->size->font * CHAR_WIDTH + c->size->font;
    c->frame.right = c->size->width - 1.8 * c->size->font;
    if (c->x.n_ticks > 0) { /* half of the last tick's text may stand out */
        int last = c->x.n_ticks - 1;
        double beyond = (1 - axis_place(&c->x, c->x.ticks[last])) *
                        (c->frame.right - c->frame.left);
        tick_text(text, &c->x, &c->x_ticks, last);
        c->frame.right = fmin(c->frame.right,
                              c->size->width - text_width(c, text) / 2 - 2 + beyond);
    }
    c->frame.top = 0.8 * c->size->font;
    c->frame.bottom = c->size->height - 2.2 * c->size->font;
}

static double pixel_x(const struct canvas *c, double v)
{
    return c->frame.left + axis_place(&c->x, v) * (c->frame.right - c->frame.left);
}

static double pixel_y(const struct canvas *c, double v)
{
    return c->frame.bottom - axis_place(&c->y, v) * (c->frame.bottom - c->frame.top);
}

/* --- numbers beside points --------------------------------------------------------------- */

static double overlap(struct box a, struct box b)
{
    double w = fmin(a.x1, b.x1) - fmax(a.x0, b.x0), h = fmin(a.y1, b.y1) - fmax(a.y0, b.y0);

    return w > 0 && h > 0 ? w * h : 0;
}

/* Markers and bars are obstacles for every number. */
static int mark_points(struct canvas *c)
{
    const struct report_plot *p = c->plot;
    int n = plot_points(p);

    c->taken = mem_alloc((size_t)n * 4 * sizeof *c->taken);
    if (!c->taken)
        return -1;
    for (int i = 0; i < p->n_series; i++)
        for (int k = 0; k < p->series[i]->n_points; k++) {
            const struct report_point *pt = &p->series[i]->points[k];
            double x = pixel_x(c, pt->x), y = pixel_y(c, pt->y);
            c->taken[c->n_taken++] = (struct box){x - MARKER, y - MARKER, x + MARKER, y + MARKER};
            if (isfinite(pt->y_low) && isfinite(pt->y_high))
                c->taken[c->n_taken++] = (struct box){x - 2, pixel_y(c, pt->y_high), x + 2,
                                                      pixel_y(c, pt->y_low)};
            if (isfinite(pt->x_low) && isfinite(pt->x_high))
                c->taken[c->n_taken++] = (struct box){pixel_x(c, pt->x_low), y - 2,
                                                      pixel_x(c, pt->x_high), y + 2};
        }
    return 0;
}

/* Where the number goes that covers least: a spiral of places around the point. */
static struct box place_number(struct canvas *c, double x, double y, double w, double h)
{
    struct box best = {0};
    double best_cost = INFINITY;

    for (int ring = 0; ring < 5; ring++)
        for (int step = 0; step < 16; step++) {
            double angle = (step * 2 + 1) * 3.14159265 / 16, r = MARKER + 3 + ring * 7;
            double cx = x + cos(angle) * (r + w / 2), cy = y - sin(angle) * (r + h / 2);
            struct box b = {cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2};
            double cost = ring * 4 + step * 0.01;
            if (b.x0 < c->frame.left + 2 || b.x1 > c->size->width - 2 || b.y0 < 1 ||
                b.y1 > c->frame.bottom - 2)
                continue;
            for (int i = 0; i < c->n_taken; i++)
                cost += 10 * overlap(b, c->taken[i]);
            if (cost < best_cost) {
                best_cost = cost;
                best = b;
            }
        }
    return best;
}

static void put_numbers(struct canvas *c, struct strbuf *s)
{
    const struct report_plot *p = c->plot;
    double h = c->size->font, W = c->size->width, H = c->size->height;
    int number = 0;

    if (p->flags & PLOT_ROWS)
        return;

    for (int i = 0; i < p->n_series; i++) {
        int numbered = plot_numbered(p, i);
        for (int k = 0; k < p->series[i]->n_points && numbered; k++) {
            const struct report_point *pt = &p->series[i]->points[k];
            char text[16];
            if (!pt->label)
                continue;
            snprintf(text, sizeof text, "%d", ++number);
            struct box b = place_number(c, pixel_x(c, pt->x), pixel_y(c, pt->y),
                                        (double)strlen(text) * h * CHAR_WIDTH + 2,
                                        LINE_HEIGHT * h);
            if (b.x1 <= b.x0)
                continue;
            c->taken[c->n_taken++] = b;
            strbuf_addf(s, "set label \"%s\" at screen %.5f,%.5f center front tc rgb \"" INK "\"\n",
                        text, (b.x0 + b.x1) / 2 / W, 1 - (b.y0 + b.y1) / 2 / H);
        }
    }
}

/* --- the script -------------------------------------------------------------------------- */

static void put_axis(struct strbuf *s, char name, const struct axis *a, const struct metric *m)
{
    char text[NUMBER_SIZE];

    if (a->log)
        strbuf_addf(s, "set logscale %c\n", name);
    strbuf_addf(s, "set %crange [%.17g:%.17g]\nset %ctics nomirror scale 0.4 tc rgb \"" MUTED
                   "\" (", name, a->low, a->high, name);
    for (int i = 0; i < a->n_ticks; i++) {
        tick_text(text, a, m, i);
        strbuf_addf(s, "%s\"%s\" %.17g", i ? ", " : "", text, a->ticks[i]);
    }
    strbuf_adds(s, ")\n");
}

/* One tick for each point, with a mark where its name will be. */
static void put_rows(struct strbuf *s, const struct axis *a, const struct report_plot *p)
{
    const char *comma = "";
    int n = 0;

    strbuf_addf(s, "set yrange [%.17g:%.17g]\nset ytics nomirror scale 0.4 tc rgb \"" INK "\" (",
                a->low, a->high);
    for (int i = 0; i < p->n_series; i++)
        for (int k = 0; k < p->series[i]->n_points; k++, n++)
            if (p->series[i]->points[k].label) {
                strbuf_addf(s, "%s\"" ROW_MARK "%d.\" %.17g", comma, n,
                            p->series[i]->points[k].y);
                comma = ", ";
            }
    strbuf_adds(s, ")\n");
}

static void put_data(struct strbuf *s, const struct report_plot *p)
{
    for (int i = 0; i < p->n_series; i++) {
        strbuf_addf(s, "$d%d << EOD\n", i);
        for (int k = 0; k < p->series[i]->n_points; k++) {
            const struct report_point *pt = &p->series[i]->points[k];
            int wx = isfinite(pt->x_low) && isfinite(pt->x_high);
            int wy = isfinite(pt->y_low) && isfinite(pt->y_high);
            strbuf_addf(s, "%.17g %.17g %.17g %.17g %.17g %.17g\n", pt->x, pt->y,
                        wx ? pt->x_low : pt->x, wx ? pt->x_high : pt->x, wy ? pt->y_low : pt->y,
                        wy ? pt->y_high : pt->y);
        }
        strbuf_adds(s, "EOD\n");
    }
}

int plot_numbered(const struct report_plot *p, int series)
{
    int n = 0;

    for (int i = 0; i < p->n_series; i++)
        for (int k = 0; k < p->series[i]->n_points && !p->series[i]->quiet; k++)
            n += p->series[i]->points[k].label != NULL;
    return !p->series[series]->quiet && n <= NUMBERS_MAX;
}

enum plot_shape plot_shape(int series)
{
    return (enum plot_shape)(series % PLOT_SHAPES);
}

const char *plot_dash(const struct report_plot *p, int series)
{
    static const char *const dashes[] = {NULL, "9,4", "2,3", "10,3,2,3"};
    int before = 0;

    for (int i = 0; i < series; i++)
        before += p->series[i]->bare;
    return p->series[series]->bare ? dashes[before % 4] : NULL;
}

static void put_plots(struct strbuf *s, const struct report_plot *p)
{
    static const int shapes[PLOT_SHAPES] = {[SHAPE_DISC] = 7, [SHAPE_SQUARE] = 5, [SHAPE_UP] = 9,
                                            [SHAPE_DIAMOND] = 13, [SHAPE_DOWN] = 11};
    int n = 0;

    for (int i = 0; i < p->n_series; i++) {
        int color = 0xa0 + i % PLOT_COLORS, shape = shapes[plot_shape(i)];
        const char *dash = plot_dash(p, i);
        if (p->series[i]->n_points == 0)
            continue;
        if (!p->series[i]->bare)
            strbuf_addf(s, "%s$d%d using 1:2:3:4:5:6 with xyerrorbars lw 1.2 lc rgb \""
                           SERIES_COLOR "\" pt %d ps 0.7 notitle", n++ ? ", " : "plot ", i, color,
                        shape);
        if (p->series[i]->line)
            strbuf_addf(s, "%s$d%d using 1:2 with lines lw %s lc rgb \"" SERIES_COLOR
                           "\"%s%s%s notitle", n++ ? ", " : "plot ", i,
                        p->series[i]->bare ? "2" : "1.2", color, dash ? " dt (" : "",
                        dash ? dash : "", dash ? ")" : "");
    }
    strbuf_adds(s, "\n");
}

static void put_script(struct canvas *c, struct strbuf *s)
{
    double W = c->size->width, H = c->size->height;

    strbuf_addf(s, "set terminal svg size %d,%d dynamic font \"inherit,%d\"\n", c->size->width,
                c->size->height, c->size->font);
    strbuf_adds(s, "set encoding utf8\nunset key\nset border 3 lw 0.8 lc rgb \"" MUTED "\"\n"
                   "set errorbars 0\nset pointintervalbox 0\n"
                   "set grid lt 1 lw 0.6 lc rgb \"" GRID "\"\n");
    strbuf_addf(s, "set lmargin at screen %.5f\nset rmargin at screen %.5f\n"
                   "set bmargin at screen %.5f\nset tmargin at screen %.5f\n",
                c->frame.left / W, c->frame.right / W, 1 - c->frame.bottom / H,
                1 - c->frame.top / H);
    put_axis(s, 'x', &c->x, &c->x_ticks);
    if (c->plot->flags & PLOT_ROWS)
        put_rows(s, &c->y, c->plot);
    else
        put_axis(s, 'y', &c->y, c->plot->y);
    put_numbers(c, s);
    put_data(s, c->plot);
    put_plots(s, c->plot);
}

/* --- what comes back --------------------------------------------------------------------- */

/* "rgb(  1,   2,   3)" or "rgb(1,2,3)": the last number, or -1 when it is another colour; *n is the
 * length of the whole. */
static int our_color(const char *s, int *n)
{
    int r, g, b;

    *n = 0;
    if (sscanf(s, "rgb( %d , %d , %d )%n", &r, &g, &b, n) != 3 || *n == 0 || r != 1 || g != 2)
        return -1;
    return b;
}

static int put_color(struct strbuf *out, const char *s)
{
    int n, b = our_color(s, &n);

    if (b < 0)
        return 0;
    if (b >= 0xa0 && b < 0xa0 + PLOT_COLORS)
        strbuf_addf(out, "var(--s%d)", b - 0xa0);
    else
        strbuf_adds(out, b == 3 ? "var(--ink)" : b == 4 ? "var(--grid)" : "var(--muted)");
    return n;
}

/* "Zrow12.": the name of that point, cut to what the axis has room for; bytes of the mark, 0: none
 * of ours. */
static int put_name(struct strbuf *out, const char *s, const struct canvas *c)
{
    const struct report_plot *p = c->plot;
    size_t room = names_width(c), length, n = 0;
    const char *name = NULL;
    char *cut;
    int place, used = 0;

    if (sscanf(s, ROW_MARK "%d.%n", &place, &used) != 1 || used == 0 || place < 0)
        return 0;
    for (int i = 0; i < p->n_series && !name; place -= p->series[i++]->n_points)
        if (place < p->series[i]->n_points)
            name = p->series[i]->points[place].label;
    if (!name)
        return used;
    length = utf8_count(name, strlen(name));
    for (size_t k = 0, step; name[n] && k < (length > room ? room - 1 : room); k++, n += step)
        utf8_next(name + n, &step);
    cut = mem_strndup(name, n);
    if (!cut)
        return -1;
    html_text(out, cut);
    strbuf_adds(out, length > room ? "\xe2\x80\xa6" : "");
    mem_free(cut);
    return used;
}

/* A group without anything in it: how many bytes to skip. */
static size_t empty_group(const char *s)
{
    const char *end = strncmp(s, "<g ", 3) == 0 ? strchr(s, '>') : NULL;

    if (!end)
        return 0;
    end += 1 + strspn(end + 1, " \n\t");
    return strncmp(end, "</g>\n", 5) == 0 ? (size_t)(end + 5 - s) : 0;
}

/* What a point is called, for whoever points at it: no script, and nothing to see. */
static void put_names(const struct canvas *c, struct strbuf *out)
{
    const struct report_plot *p = c->plot;

    for (int i = 0; i < p->n_series; i++)
        for (int k = 0; k < p->series[i]->n_points; k++) {
            const struct report_point *pt = &p->series[i]->points[k];
            if (!pt->label)
                continue;
            strbuf_addf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%g\" fill=\"transparent\">"
                             "<title>", pixel_x(c, pt->x), pixel_y(c, pt->y), MARKER + 1);
            html_text(out, pt->label);
            strbuf_adds(out, "</title></circle>\n");
        }
}

/* Keeps the <svg> element, makes its ids the page's, its colours variables, and drops what draws
 * nothing. */
static int clean_svg(const struct canvas *c, const struct strbuf *raw, const char *id,
                     struct strbuf *out, struct err *e)
{
    static const struct { const char *from, *to; int prefix; } rows[] = {
        {"<title>Gnuplot</title>", "", 0}, {"gpPt", "Pt", 1}, {"gpDot", "Dot", 1},
        {"gnuplot_", "", 1}, {"textbox", "textbox", 1}, {"greybox", "greybox", 1},
        {"color='white'", "color='var(--card)'", 0}, {"\t", " ", 0},
    };
    const char *s = strstr(strbuf_str(raw), "<svg"), *end = s ? strstr(s, "</svg>") : NULL;

    if (!end)
        return err_set(e, ERR_IO, "gnuplot printed no picture");
    while (s < end) {
        size_t skip = empty_group(s), i;
        const char *stop;
        int n;
        if (strncmp(s, "<desc>", 6) == 0 && (stop = strstr(s, "</desc>")))
            skip = (size_t)(stop + 7 - s);
        if (skip) {
            s += skip;
            continue;
        }
        n = *s == 'r' ? put_color(out, s) : *s == *ROW_MARK ? put_name(out, s, c) : 0;
        if (n < 0)
            return err_nomem(e);
        if (n > 0) {
            s += n;
            continue;
        }
        for (i = 0; i < sizeof rows / sizeof rows[0]; i++)
            if (strncmp(s, rows[i].from, strlen(rows[i].from)) == 0)
                break;
        if (i < sizeof rows / sizeof rows[0]) {
            strbuf_addf(out, "%s%s", rows[i].prefix ? id : "", rows[i].to);
            s += strlen(rows[i].from);
        } else {
            strbuf_addc(out, *s++);
        }
    }
    put_names(c, out);
    strbuf_adds(out, "</svg>\n");
    return strbuf_ok(out, e);
}

int gnuplot_svg(const struct report_plot *p, const struct report_options *o,
                const struct plot_size *size, const char *id, struct strbuf *out, struct err *e)
{
    struct plot_size own = *size;
    struct canvas c = {.plot = p, .size = &own, .x_ticks = *p->x};
    struct strbuf script = STRBUF_INIT, raw = STRBUF_INIT;
    int rc = -1;

    if (plot_points(p) == 0)
        return err_set(e, ERR_INVALID, "no point has both numbers");
    if (p->flags & PLOT_ROWS) {
        own.height = (int)((plot_points(p) * ROW_HEIGHT + 3) * size->font);
        c.x_ticks.unit = "";
    }
    fit_axes(&c);
    fit_frame(&c);
    if (mark_points(&c) < 0) {
        err_nomem(e);
        goto out;
    }
    put_script(&c, &script);
    if (strbuf_ok(&script, e) < 0 ||
        gnuplot_run(o && o->gnuplot ? o->gnuplot : "gnuplot",
                    o && o->gnuplot_timeout_s > 0 ? o->gnuplot_timeout_s : 20, &script, &raw,
                    e) < 0 ||
        clean_svg(&c, &raw, id, out, e) < 0)
        goto out;
    rc = 0;
out:
    mem_free(c.taken);
    strbuf_release(&script);
    strbuf_release(&raw);
    return rc;
}
