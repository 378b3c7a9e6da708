/* night_page.h -- a judged night for people: lines for a terminal, and the page. */
#ifndef HARNESS_NIGHT_PAGE_H
#define HARNESS_NIGHT_PAGE_H

#include "harness/context.h"
#include "harness/night.h"
#include "reports/report.h"

/* The verdict and the findings come first. */
int night_text(const struct context *c, const struct night_report *r, struct err *e);

/* Fills an initialised report. */
int night_page(struct report *out, const struct night_report *r, struct err *e);

/* One line per series of the headline metrics, with a sparkline of its last nights. */
int night_sparklines(const struct context *c, const struct point_list *l, int nights,
                     struct err *e);

#endif
