/* meter_csv.h -- what an external meter wrote: times and watts, or times and joules so far.
 *
 * The file has a header with a column "time" (seconds, or 2026-11-26T19:00:00.5Z) and one of
 * "watts" (summed up by trapezoids) and "joules" (a counter).  Its clock is its own: seconds are
 * added to it, as stated or as found by moving the file's power along the windows in which the
 * program knows that it computed, to where the two agree best (Pearson's correlation of load and
 * power in bins). Found only when load and power agree clearly and at one place; else refused with
 * the reason. */
#ifndef HARNESS_METER_CSV_H
#define HARNESS_METER_CSV_H

#include <stddef.h>

#include "base/err.h"

struct power_series { /* energy so far at ascending times */
    double *t, *joules;
    size_t n, cap;
};
/* name: in errors.  At least two readings, times ascending, nothing negative. */
int power_parse(struct power_series *out, const char *bytes, size_t n, const char *name,
                struct err *e);
int power_read(struct power_series *out, const char *path, struct err *e);
void power_release(struct power_series *p);

/* Joules between two times of the file's clock; NAN outside of it.  *gap_s: the longest time
 * between two readings there, *readings: how many. */
double power_between(const struct power_series *p, double from, double to, double *gap_s,
                     long *readings);

struct load_mark { /* the program computed, by this machine's clock */
    double start, end;
};
/* *offset: add it to the file's times.  ERR_INVALID: not found, and why.  *agreement: -1..1. */
int power_align(const struct power_series *p, const struct load_mark *marks, size_t n,
                double *offset, double *agreement, struct err *e);

#endif
