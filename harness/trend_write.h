/* trend_write.h -- a study of trends for people and for scripts; nothing is computed here. */
#ifndef HARNESS_TREND_WRITE_H
#define HARNESS_TREND_WRITE_H

#include "base/json.h"
#include "harness/trend_study.h"
#include "reports/report.h"

struct trend_lists {
    int details;  /* methods and choices of every series */
    int frontier; /* the models of the frontiers */
    int outs;     /* rows that do not count, and why */
    int plots;    /* a terminal has their numbers in its tables already */
    int own;      /* the models of our own runs */
};
void trend_report(struct report *r, const struct trend_study *s, const struct trend_lists *l);
/* Members of the object that the caller has begun. */
void trend_json(struct json_out *o, const struct trend_study *s, const struct trend_lists *l);

/* A day since 1970 as a year (2024.5), and as text "2024-07-01" (size >= 11). */
double trend_year(double day);
void trend_date(char *text, size_t size, double day);
/* "2024", "2024-05" or "2024-05-31": its first day, or with `end` its last; ERR_USAGE names the
 * command and its option. */
int trend_read_date(double *day, const char *text, int end, const char *command,
                    const char *option, struct err *e);

#endif
