/* summary.h -- stored runs to a report: which tables, which plots, in which order.
 *
 * Only complete runs give numbers.  Runs that were interrupted or failed are listed apart, with
 * what they have and the command line that goes on with them. */
#ifndef HARNESS_SUMMARY_H
#define HARNESS_SUMMARY_H

#include "reports/report.h"
#include "results/query.h"

struct summary_opts {
    /* Of runs that measured the same thing (model, arithmetic, machine, settings, task or test)
     * only the first in the list counts, so give the newest first.  0: all of them. */
    int latest;
    const char *ruler; /* for densities, or a ladder's name; NULL: Pythia's, where they fit */
};

/* Fills an initialised report from these runs.  ERR_NOTFOUND when none of them is complete. */
int summarise(struct report *out, struct store *s, const struct run_row *runs, size_t n,
              const struct summary_opts *o, struct err *e);

/* One table over all of these runs, a row for every task and speed test; o->latest does
 * not count. */
int summarise_index(struct report *out, struct store *s, const struct run_row *runs, size_t n,
                    const struct summary_opts *o, struct err *e);

#endif
