/* meter.h -- clocks, memory and energy meters: one table row per kind of meter.
 *
 * Everything that is found is read, and told apart: what a meter covers may contain what another
 * covers (a battery feeds the package), so readings of two sources are never added (vendor.md 6).
 * One of them is the headline: the most direct meter of what computed, whose channels cover
 * different parts and may be added.  A machine without a meter gives NAN and a reason, never 0; so
 * does a meter that failed in the middle: a counter that went backwards without a range, a battery
 * that was being charged, a file that disappeared or may not be read, a gap in which a counter may
 * have wrapped twice.
 *
 * A window is from meter_start to meter_stop; windows after meter_subject are summed up until the
 * next one.  Inside a window a thread of the meter's own reads ten times a second where power has
 * to be summed up (trapezoids), each five seconds where counters only have to be kept from
 * wrapping. One thread calls. */
#ifndef HARNESS_METER_H
#define HARNESS_METER_H

#include "base/err.h"

double meter_clock_s(void); /* monotonic */

/* The most memory this process ever had resident (or since meter_reset_peak, where the kernel lets
 * us), in bytes. */
double meter_peak_rss(void);
void meter_reset_peak(void);

struct meter_opts {
    const char *root;      /* the machine's files are below it; "" or NULL: this machine */
    const char *nvml;      /* NVIDIA's library; NULL: the system's, and none below another root, for
                              what stands in a recorded tree is read and never executed */
    int on_gpu;            /* what computes is a GPU: its meter is the headline */
    double (*clock)(void); /* NULL: meter_clock_s */
    int by_hand;           /* no thread: the caller says meter_tick */
    void (*on_window)(void *user, double start_s, double end_s); /* at each meter_stop; or NULL */
    void *user;
};

struct meter;
/* o may be NULL.  Meters that cannot be read are kept, with their reason. */
int meter_open(struct meter **out, const struct meter_opts *o, struct err *e);
void meter_close(struct meter *m);

void meter_subject(struct meter *m); /* sums from zero */
void meter_start(struct meter *m);
double meter_stop(struct meter *m); /* joules of this window by the headline; NAN */
void meter_tick(struct meter *m);   /* one reading of every channel */

enum { METER_REASON = 200 };
struct meter_reading {    /* over the windows of the subject */
    const char *source;   /* "rapl", "nvml", "amdgpu", "hwmon", "battery", ... */
    const char *channel;  /* "package-0", "NVIDIA H100 0", "VDD_IN", "BAT0" */
    double joules;        /* NAN: unknown, and why */
    double seconds;       /* of the windows */
    long samples;
    double gap_s;         /* longest time between two readings */
    int is_headline;      /* its joules are in meter_energy_j */
    const char *reason;   /* NULL: joules is known */
};
int meter_count(const struct meter *m);
void meter_reading(const struct meter *m, int i, struct meter_reading *out);

/* The headline over the windows of the subject; NAN, and *reason (the meter's; may be NULL). */
double meter_energy_j(const struct meter *m, const char **reason);
const char *meter_source(const struct meter *m); /* of the headline; NULL: none */

#endif
