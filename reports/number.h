/* number.h -- how quantities are shown to people: three significant digits, SI prefixes, and the
 * ticks of an axis.  Pure functions. */
#ifndef REPORTS_NUMBER_H
#define REPORTS_NUMBER_H

#include <stddef.h>

#include "base/metric.h"

#define NUMBER_SIZE 48 /* enough for any of the texts below */
#define NUMBER_UNKNOWN "\xe2\x80\x93" /* an en dash */

/* "0.490", "98.4 MB", "12.3 ms", "135 M", "1.5 B" (a count), "1234", "<0.001"; a price with
 * all its digits, "0.000123"; NUMBER_UNKNOWN for NAN.  m may be NULL. */
void number_format(char text[NUMBER_SIZE], const struct metric *m, double v);
/* The round number of a tick: "0.5", "200 ms"; without a unit that takes no prefix, since the axis
 * says it. */
void number_tick(char text[NUMBER_SIZE], const struct metric *m, double v);
/* "0.393-0.588" (with an en dash) or "-1.16 to 0.64", in the scale that number_format gives v and
 * without unit, or, where that is no scale for the upper end, each end with its own; empty when
 * there is no interval. */
void number_interval(char text[NUMBER_SIZE], const struct metric *m, double v, double low,
                     double high);

/* What stands at an axis: the label with its unit, "latency (s)", or, of what has none, with what
 * it counts: "density (ratio)". */
void number_axis(char *text, size_t size, const struct metric *m);
/* Is its unit one that takes a prefix? */
int number_prefixed(const struct metric *m);
/* Does it count, so that there is nothing between 1 and 2? */
int number_whole(const struct metric *m);

struct axis {
    double low, high; /* what the axis spans, 0 < low when log */
    int log;
    double ticks[16];
    int n_ticks;
};
/* Spans [min, max] with some air, and puts round ticks on it that are at least `gap` (a share of
 * the axis, >= 1/15) apart.  A span of nothing is widened. */
void axis_fit(struct axis *a, double min, double max, int is_log, double gap);
/* Keeps the ticks that are whole numbers. */
void axis_whole(struct axis *a);
/* Where v lies: 0 at low, 1 at high. */
double axis_place(const struct axis *a, double v);

#endif
