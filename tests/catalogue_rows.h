/* catalogue_rows.h -- the published rows that are built in, as a trend takes them. */
#ifndef TESTS_CATALOGUE_ROWS_H
#define TESTS_CATALOGUE_ROWS_H

#include "harness/trend.h"

struct catalogue {
    struct published *p;
    const struct published_row **v;
    struct trend_rows rows;
};
struct catalogue open_catalogue(void); /* asserts */
void close_catalogue(struct catalogue *c);

#endif
