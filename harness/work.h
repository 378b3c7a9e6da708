/* work.h -- measures the cells of a night until none is left: claims a block, waits for a quiet
 * machine, runs each cell in a process of its own, and takes its results in.
 *
 * A cell's process writes FILE.cells/N.db beside the results database; a kill at any moment leaves
 * either that (the cell goes on from there) or the finished cell.  One thread. */
#ifndef HARNESS_WORK_H
#define HARNESS_WORK_H

#include "base/sha256.h"
#include "harness/context.h"
#include "harness/model_hash.h"
#include "harness/plan.h"
#include "results/lease.h"

/* A model as it was when last read. */
struct hashed_model {
    char *model, *path; /* as the plan names it; where that is */
    char sha256[SHA256_HEX], stamp[SHA256_HEX];
    char why[200]; /* it cannot be read: the reason */
};

struct work {
    const struct context *c;
    struct plan *plan;
    struct store *store;
    const char *root;  /* of the machine's files */
    char *program;     /* this very file */
    char build_sha256[SHA256_HEX];
    struct cells cells;
    struct hashed_model *models;
    size_t n_models, cap_models;
    struct night night;
    struct lease *lease;
    double waited_s; /* for a quiet machine */
};

/* Opens the store of the context (waiting for whoever has it locked) and expands the plan, hashing
 * models and programs. */
int work_open(struct work *w, const struct context *c, struct plan *p, struct err *e);
/* The same with cells of the caller's own in place of the plan's: they move into w. */
int work_open_cells(struct work *w, const struct context *c, struct plan *p, struct cells *cells,
                    struct err *e);
void work_close(struct work *w);

/* Finds or begins the night and measures until it has no pending cells.  ERR_INTERRUPTED after
 * Ctrl-C.  date: of a night that begins now. */
int work_night(struct work *w, const char *kind, const char *date, int again, struct err *e);
/* night_finish, as patient as everything here. */
int work_finish(struct work *w, int exit_status, const char *summary, struct err *e);

/* 1 after a pause when e says that the database is locked and there is still patience. */
int work_be_patient(const struct context *c, double *waited_s, const struct err *e);

#endif
