/* meter.h -- clocks, memory and energy counters: one table row per sensor.
 *
 * A machine without a sensor gives NAN, never 0.  One thread. */
#ifndef HARNESS_METER_H
#define HARNESS_METER_H

#include "base/err.h"

double meter_clock_s(void); /* monotonic */

/* The most memory this process ever had resident (or since meter_reset_peak, where the kernel lets
 * us), in bytes. */
double meter_peak_rss(void);
void meter_reset_peak(void);

/* Energy of the whole package or board, from the counters found when opened (below root; "" for
 * this machine). */
struct meter;
int meter_open(struct meter **out, const char *root, struct err *e);
void meter_close(struct meter *m);
void meter_start(struct meter *m);
double meter_energy_j(struct meter *m);       /* since meter_start; NAN without a sensor */
const char *meter_source(const struct meter *m); /* "powercap", "hwmon"; NULL without */

#endif
