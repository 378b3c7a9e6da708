/* density_report.h -- densities as a part of a page: panel, ladders of formats, tables, method. */
#ifndef HARNESS_DENSITY_REPORT_H
#define HARNESS_DENSITY_REPORT_H

#include "harness/density_list.h"
#include "reports/report.h"

/* The densest model of the list as one of the big numbers; nothing when all are refused. */
void density_headline(struct report *r, const struct density_list *l);

/* The section "Density".  A model that stands in three or more files of the same number of
 * parameters is a ladder of formats: those are drawn against their bytes, joined. */
void density_section(struct report *r, const struct density_list *l);

/* Each density among those of the published models on the same ruler, and on the line through them
 * over time; rulers of one's own have none.  What was released when is what the published rows say
 * of the model that a file is named after. */
int density_standing(struct report *r, const struct density_list *l, const struct published *p,
                     struct err *e);

/* What one answer costs: seconds, joules, bytes of weights.  `no_energy`: why no run knows its
 * joules; or NULL. */
void density_costs(struct report *r, const struct density_list *l, const char *no_energy);

/* Where the numbers come from and how far they reach, in plain words. */
void density_method(struct report *r, const struct density_list *l);

/* --- what the files of this part share */

/* An interval that this ladder does not close is none on a page. */
void density_interval_cell(struct report_cell *row, int column, double v, double low, double high);
static inline struct report_column number_column(const char *metric, const char *key,
                                                 const char *heading, int importance)
{
    return (struct report_column){key, heading, metric_find(metric), importance};
}

#endif
