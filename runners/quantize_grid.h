/* quantize_grid.h -- finds the entry of a codebook that is nearest to a few values.
 *
 * For every pattern of rounded levels the nearest entries are listed once; a search rounds its
 * values to levels and weighs the entries on that pattern's list.  The lists belong to the grids;
 * once prepared they are only read, so any thread may search. */
#ifndef RUNNERS_QUANTIZE_GRID_H
#define RUNNERS_QUANTIZE_GRID_H

#include <stdint.h>

#include "base/err.h"

enum { GRID_NEAR = 16, GRID_KINDS = 6, GRID_ELEMENTS = 8 };

struct grid {
    int n, elements, radix; /* entries; elements of each, 4 or 8; levels of an element */
    float level[8];
    float *value;   /* n * elements */
    uint16_t *near; /* GRID_NEAR for each of radix^elements patterns, the nearest first */
};

struct grids {
    struct grid of[GRID_KINDS];
};
#define GRIDS_NONE ((struct grids){0})

int grids_needed(int type); /* does it have a codebook? */
/* Makes the lists that a type needs, if it needs any and they are not there. */
int grids_prepare(struct grids *g, int type, struct err *e);
void grids_release(struct grids *g);
/* The grid of a type that was prepared. */
const struct grid *grid_of(const struct grids *g, int type);

/* The entry with the least sum of w (x - value - shift)^2; *error becomes that sum. */
int grid_nearest(const struct grid *g, const float *x, const float *w, float shift, float *error);

#endif
