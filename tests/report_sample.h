/* report_sample.h -- a small report with everything in it that may go wrong, and finding one's way in any. */
#ifndef TESTS_REPORT_SAMPLE_H
#define TESTS_REPORT_SAMPLE_H

#include "reports/report.h"

/* A name that is markup, a command and a quotation at once. */
#define HOSTILE_NAME "<script>alert('x')</script> \"q\" & `id` | $d0 \x1b[31m"

void sample_report(struct report *r);

/* The table of that key; fails without one. */
const struct report_table *report_table_of(const struct report *r, const char *key);

#endif
