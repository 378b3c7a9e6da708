/* tracker.h -- when does a small model reach the level of a large one, and when does it fit here?
 *
 * A line is the published score of a reference (GPT-4, ...).  Which models have reached it, and
 * the smallest so far, is a list of facts.  What size will reach it is a projection: the smallest
 * that has reached it by the last day known shrinks as fast as densities grow (trend.h), and never
 * grows. Where none has reached it yet, a model of density rho reaches a score whose effective
 * size is N^ at N^ / rho parameters: the line through all densities, raised by how far the best of
 * each time near the line's level stand above it, gives the size.  The interval has the growth's
 * error and the scatter of those best; how far to trust it is told by the same projection made at
 * each past half-year and scored on what came after, and the interval is widened until four fifths
 * of those would have been in theirs.  What came after is the smallest model that did reach the
 * line: makers choose the sizes, so it may be far above the smallest possible.
 * Everything lasts until tracker_release; rows are borrowed. */
#ifndef HARNESS_TRACKER_H
#define HARNESS_TRACKER_H

#include "harness/trend.h"

struct tracker_line { /* a reference and what its models' names begin with */
    const char *name, *title, *prefix;
};
const struct tracker_line *tracker_line_at(int i); /* NULL after the last */

struct tracker_size { /* parameters, with the 80 % prediction interval */
    double value;
    struct interval interval;
};

enum { TRACKER_CUTS = 16 };
struct tracker_cut { /* a projection made at a half-year's end, for the last day known */
    double day, until;       /* fitted up to, scored at */
    struct tracker_size predicted;
    double actual, unchanged; /* the smallest that had reached the line by then; that of the cut's
                                 day, NAN: none had */
};

struct tracker {
    struct trend *trend;
    struct trend_series series; /* of models of any kind */
    const struct tracker_line *line;
    double score;             /* the line's, a share; NAN: no published score */
    int shots;                /* it was asked with; the series' own where there are such rows */
    double effective;         /* parameters that the ruler gives it */
    const struct trend_model **reached; /* each smaller than all before it, by date */
    size_t n_reached;
    const struct trend_model *fewest_active; /* of those that reached it; NULL: none */
    double active;                           /* its parameters */
    const char *refused;      /* why nothing is projected; NULL */
    double lift, scatter, middle; /* of the best above the line; ln; day of the middle */
    double anchor, anchor_day;    /* the smallest that has reached it by then; NAN: none has */
    struct tracker_cut cuts[TRACKER_CUTS];
    size_t n_cuts, n_covered;
    double widened;           /* factor on the interval that past misses ask for; at least 1 */
    double error, error_unchanged; /* median factor between predicted and actual, at least 1 */
};
/* series: as trend_series_at, models of any variant count. */
int tracker_make(struct tracker *out, const struct trend_rows *p, const struct trend_series *series,
                 const struct tracker_line *line, const struct trend_opts *o, struct err *e);
void tracker_release(struct tracker *t);

/* The size that reaches the line on that day. */
struct tracker_size tracker_size_on(const struct tracker *t, double day);
/* The day on which at most so many parameters reach it: value, and the days when the interval's
 * ends do; INFINITY: never at this growth.  Where a model of that size has reached it: its day. */
struct tracker_size tracker_day_for(const struct tracker *t, double parameters);
/* The first model of at most so many parameters that has reached the line; NULL: none. */
const struct trend_model *tracker_reached_by(const struct tracker *t, double parameters);

#endif
