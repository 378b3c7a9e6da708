/* ruler_impl.h -- what ruler.c and ruler_fit.c share. */
#ifndef HARNESS_RULER_IMPL_H
#define HARNESS_RULER_IMPL_H

#include "harness/ruler.h"

/* k: c, gamma, l, d. */
double sigmoid(const double *k, double x);

#endif
