/* fetch_meter.h -- a line on the terminal that says how far a fetch is. */
#ifndef HARNESS_FETCH_METER_H
#define HARNESS_FETCH_METER_H

#include <stdint.h>

#include "harness/context.h"

struct fetch_meter {
    const struct context *c;
    const char *name;
    double begun_s, drawn_s;
    uint64_t first; /* bytes that were there before */
    int begun, drawn;
};
/* "NAME [####......] 45 MB of 98 MB, 12 MB/s, 0:05"; nothing unless the log is a terminal. */
void fetch_meter_bytes(struct fetch_meter *m, uint64_t done, uint64_t total);
void fetch_meter_end(struct fetch_meter *m); /* wipes the line; the next begins anew */

#endif
