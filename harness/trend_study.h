/* trend_study.h -- a trend looked at from all sides: by method, by choice, by benchmark.
 *
 * A doubling time is one number of many that the same scores give; what else they give, depending
 * on how the line is drawn, the ruler, how parameters are counted, whose models are in, is the
 * uncertainty that no interval shows (density.md 4, 5, 6).  Everything is the study's and lasts
 * until trend_study_release; the rows must outlive it. */
#ifndef HARNESS_TREND_STUDY_H
#define HARNESS_TREND_STUDY_H

#include "harness/trend.h"

enum { TREND_METHODS = 4 };
struct trend_method {
    const char *name, *title, *interval_is; /* interval_is: where the interval is from */
    double slope;
    struct interval interval; /* of the slope */
};
void trend_methods(const struct trend *t, struct trend_method out[TREND_METHODS]);

struct trend_choice { /* the line through all models after one choice was made otherwise */
    const char *kind;   /* "parameters", "ruler", "contamination", "families", "makers" */
    const char *choice; /* "active", "qwen1.5", "without Phi", ... */
    size_t n;           /* models */
    struct trend_estimate all;
};

struct trend_side { /* one series and its choices */
    struct trend *trend;
    struct trend_choice *choices;
    size_t n_choices;
};

struct trend_together {
    const char *name, *title;
    struct trend *trend; /* NULL: fewer than two series */
};
enum { TREND_POOLS = 2 };

struct trend_study {
    struct arena arena;
    struct trend_side sides[TREND_SERIES];
    size_t n;
    struct trend_together pools[TREND_POOLS];
};
/* benchmark: a series' name or a benchmark that several are of; NULL: all series.  choices: also
 * the lines after other choices.  ERR_NOTFOUND: no series of that name (the hint: the nearest). */
int trend_study(struct trend_study *out, const struct trend_rows *p, const char *benchmark,
                const struct trend_opts *o, int choices, struct err *e);
void trend_study_release(struct trend_study *s);

#endif
