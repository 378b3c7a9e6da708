/* trend_impl.h -- shared by trend*.c only. */
#ifndef HARNESS_TREND_IMPL_H
#define HARNESS_TREND_IMPL_H

#include <math.h>

#include "harness/trend.h"

/* ln of effective parameters that the ruler gives a score; NAN at chance or at 1. */
double trend_effective(const struct trend_ruler *r, double chance, double score);
/* Fits out->of, a family, to its scores on s. */
int trend_ruler_fit(struct trend_ruler *out, const struct trend_rows *p,
                    const struct trend_series *s, enum trend_size size, struct err *e);
/* Parameters by this way of counting; NAN: not known. */
double trend_parameters(const struct published_row *row, enum trend_size size);
/* NULL: the row counts; else why not, in t's arena (NULL there when memory ran out: *failed). */
const char *trend_reason(struct arena *a, const struct published_row *row,
                         const struct trend_series *s, const struct trend_opts *o, int *failed);

#endif
