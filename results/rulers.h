/* rulers.h -- rulers of one's own: a ladder of models, measured here, that scores are held against.
 *
 * A ruler belongs to one task asked in one way; rulers of one set were made of the same models.
 * Its rows are all that is needed to use it again: the nodes with their scores, the fitted
 * constants, how far it is to be trusted.  A node names its run; when that is deleted the node
 * keeps its score.
 *
 * Lists own everything in them (one arena, one release).  Unknown: NAN, -1, NULL. */
#ifndef RESULTS_RULERS_H
#define RESULTS_RULERS_H

#include "base/arena.h"
#include "base/err.h"
#include "results/store.h"

struct store_ruler_node {
    const char *model;
    const char *run;            /* id for people; NULL: none, or deleted since */
    int changed;                /* read: 1: the run's content is not what it was when it was put */
    double parameters, parameters_non_embedding, tokens;
    double score, noise;
};

struct store_ruler {
    const char *name, *set, *origin, *kind, *task, *metric, *prompt_hash;
    const char *created, *program_version; /* read: UTC; put: created is now */
    int shots;
    double chance, d0_tokens, r2, rms, loo_ln;
    int n_loo;
    const double *constants;
    int n_constants;
    const struct store_ruler_node *nodes; /* smallest first */
    int n_nodes;
};

/* Keeps it, in the place of one of the same name; one transaction. */
int ruler_put(struct store *s, const struct store_ruler *r, struct err *e);
/* 1: it was there; 0; -1. */
int ruler_delete(struct store *s, const char *name, struct err *e);

struct store_ruler_list {
    struct store_ruler *v;
    size_t n;
    struct arena arena;
};
/* In order of name; name NULL: all. */
int query_rulers(struct store *s, const char *name, struct store_ruler_list *out, struct err *e);
void store_ruler_list_release(struct store_ruler_list *l);

#endif
