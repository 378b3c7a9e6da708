/* work_impl.h -- between work.c (what a night consists of) and work_cell.c (one cell). */
#ifndef HARNESS_WORK_IMPL_H
#define HARNESS_WORK_IMPL_H

#include "harness/machine.h"
#include "harness/work.h"

/* What holds for a whole block. */
struct block_noise {
    struct noise look; /* before it, while nothing of ours ran */
    int looked;
};

/* Ends the cell, or leaves it pending (ERR_INTERRUPTED, or an error that is not the cell's: no
 * room, no database).  1: the lease was lost. */
int work_cell(struct work *w, const struct cell_row *cell, const struct block_noise *n,
              struct err *e);

/* Removes what killed runners left of cells that have their end. */
void work_sweep(struct work *w);

/* The hash of the model's file now, by its name in the plan; unchanged files are not read again.
 * *out lasts until the next call. */
int work_model(struct work *w, const char *model, const struct hashed_model **out, struct err *e);

#endif
