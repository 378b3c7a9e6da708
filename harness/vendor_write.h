/* vendor_write.h -- a comparison of devices as a page and as JSON. */
#ifndef HARNESS_VENDOR_WRITE_H
#define HARNESS_VENDOR_WRITE_H

#include "base/json.h"
#include "harness/vendor.h"
#include "reports/report.h"

/* vendor_page.c: sides, parity, quantities; vendor_plots.c: their plots, for pages. */
void vendor_report(struct report *r, const struct vendor *v, int with_plots);
void vendor_plots_scaling(struct report *r, const struct vendor *v, enum vendor_group g);
void vendor_plot_frontier(struct report *r, const struct vendor *v);
void vendor_plot_parity(struct report *r, const struct vendor *v);
/* "A cpu q4_0" in the report's arena. */
const char *vendor_side_name(struct report *r, const struct vendor *v, int side);

/* vendor_json.c: members of an object that the caller has begun. */
void vendor_json(struct json_out *o, const struct vendor *v);

#endif
