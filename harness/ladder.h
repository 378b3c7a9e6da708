/* ladder.h -- the public measurements of the Pythia models (70M to 12B, two runs of each, up to 27
 * checkpoints), with the loss of LAMBADA's target words: what reference rulers are made of.
 *
 * From EleutherAI/pythia (Apache-2.0), evals/pythia-v1; the rows are inside the program
 * (harness/data/pythia_ladder.csv).  Rows and texts last until ladder_free. */
#ifndef HARNESS_LADDER_H
#define HARNESS_LADDER_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

struct ladder_row {
    const char *model, *task;
    double total_params, non_embedding_params, tokens;
    int deduped, shots;
    long step;
    double acc, acc_norm, nats; /* 0..1; NAN: not measured; nats: mean loss of the target word */
};

struct ladder {
    struct ladder_row *v;
    size_t n;
    struct arena texts;
};
int ladder_open(struct ladder *out, struct err *e);
int ladder_parse(struct ladder *out, const char *csv, size_t n, const char *where, struct err *e);
void ladder_free(struct ladder *l);

#endif
