/* gnuplot.h -- a plot as an SVG element, drawn by gnuplot.
 *
 * gnuplot gets a script with numbers and our own words only: labels come from outside (a model's
 * name may hold anything) and stay in the page around the picture, where points are told apart by
 * number; or, for rows, they are put into the picture that gnuplot has made.  Colours come back as
 * CSS variables (--ink, --grid, --muted, --s0 .. --s7) on a transparent background, so that one
 * picture serves light, dark and paper. */
#ifndef REPORTS_GNUPLOT_H
#define REPORTS_GNUPLOT_H

#include "reports/report.h"

#define PLOT_COLORS 8 /* then they repeat, with another shape */

/* What tells series apart without colours: the shape of their points, the dashes of bare lines. */
enum plot_shape { SHAPE_DISC, SHAPE_SQUARE, SHAPE_UP, SHAPE_DIAMOND, SHAPE_DOWN, PLOT_SHAPES };
enum plot_shape plot_shape(int series);
/* Points of this series get numbers: not where it is quiet, nor where a picture has so many that
 * they would cover each other. */
int plot_numbered(const struct report_plot *p, int series);
/* "8,4": lengths drawn and left out, in pixels; NULL: solid, or a series with points. */
const char *plot_dash(const struct report_plot *p, int series);

struct plot_size {
    int width, height, font; /* pixels */
};

/* Appends <svg>...</svg>; `id` (letters and digits) makes its ids unique in the page.  Points with
 * a label get a number, counted from 1 in order of series and points (not of PLOT_ROWS, whose
 * picture is as high as its rows need).  ERR_NOTFOUND: gnuplot is not installed; ERR_IO: it failed
 * or took too long. */
int gnuplot_svg(const struct report_plot *p, const struct report_options *o,
                const struct plot_size *size, const char *id, struct strbuf *out, struct err *e);

/* Runs the program with `script` on its stdin and appends what it prints, at most timeout_s seconds
 * and 16 MB long. */
int gnuplot_run(const char *program, int timeout_s, const struct strbuf *script,
                struct strbuf *out, struct err *e);

#endif
