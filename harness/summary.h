/* summary.h -- stored runs to a report: which tables, which plots, in which order. */
#ifndef HARNESS_SUMMARY_H
#define HARNESS_SUMMARY_H

#include "reports/report.h"
#include "results/query.h"

/* Fills an initialised report from these runs.  Of runs that measured the same thing (model,
 * numerics, settings, task or test) only the first in the list counts, so give the newest first. */
int summarise(struct report *out, struct store *s, const struct run_row *runs, size_t n,
              struct err *e);

#endif
