/* roofline.h -- operations of a test beside what this machine can do, as a table and a plot.
 *
 * Williams, Waterman and Patterson 2009: at an intensity of i operations per byte from memory no
 * more than min(peak, i * bandwidth) operations per second are possible.  Peaks are peak.h's:
 * float32 multiply-adds, or in `fast` those of bytes for products with weights.  Bytes are counted
 * as if every one came from memory once a pass: what fits the caches may lie above the slope. */
#ifndef HARNESS_ROOFLINE_H
#define HARNESS_ROOFLINE_H

#include "harness/counters.h"
#include "harness/peak.h"
#include "reports/report.h"
#include "runners/runner.h"

struct profile_kind { /* the same operation of all layers */
    char name[80];
    double busy_s, wait_s, flop, bytes; /* sums over the workers, as in struct op_time */
    int is_matrix;                      /* a product with weights */
};

struct roofline_input {
    const char *title; /* "tiny, pp512" */
    const struct profile_kind *kinds;
    size_t n;
    const struct profile *profile;
    const struct peak *peak;
    const struct counted *counted;
    int is_fast; /* products with weights are of bytes */
};

struct roofline_row {
    double share;          /* of the workers' time */
    double flop_s, bytes_s; /* attained by all workers together; NAN: it has none */
    double intensity;      /* operations per byte; NAN */
    double of_roof;        /* flop_s over the roof at this intensity; NAN */
};
struct roofline_row roofline_row(const struct roofline_input *in, const struct profile_kind *k);

/* A section of the page; what does not fit is told by report_ok. */
void roofline_add(struct report *r, const struct roofline_input *in);

#endif
