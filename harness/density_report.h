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

/* Each density among those of the published models on the same ruler; rulers of one's own have
 * none. */
int density_standing(struct report *r, const struct density_list *l, const struct published *p,
                     struct err *e);

/* Where the numbers come from and how far they reach, in plain words. */
void density_method(struct report *r, const struct density_list *l);

#endif
