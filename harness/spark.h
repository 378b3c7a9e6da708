/* spark.h -- a series as one line of blocks for a terminal.
 *
 * Eight heights between the smallest and the largest value; a value that is unknown is a blank.
 * Pure. */
#ifndef HARNESS_SPARK_H
#define HARNESS_SPARK_H

#include <stddef.h>

#include "base/strbuf.h"

/* breaks[i] != 0: a new segment begins with value i, shown as '|' before it; may be NULL. */
void spark_line(struct strbuf *out, const double *values, const int *breaks, size_t n);

#endif
