/* cheats_impl.h -- the rig of an audit: the inside of cheats*.c. */
#ifndef HARNESS_CHEATS_IMPL_H
#define HARNESS_CHEATS_IMPL_H

#include "harness/cheats.h"

struct asked { /* ids[at .. at + n_ids) of the pool; those from n_given on are scored */
    size_t at;
    int n_ids, n_given;
    int task, doc_id, query; /* number in cheats.tasks */
};
struct rig {
    const struct cheats *c;
    struct cheat_report *out;
    struct runner *ref, *device;
    uint64_t random;  /* state */
    int vocab, bos;   /* bos: -1: none */
    struct ids pool;
    struct asked *known, *hidden; /* the same requests, hidden ones behind unseen text */
    size_t n, cap_known, cap_hidden;
    double *nats;   /* [n] of the device, to the known ones */
    double logits;  /* root mean square of centred logits */
    int tokens;     /* of a prompt of random tokens */
};

/* Published items of the tasks, in the order of the seed, and each behind unseen text. */
int rig_prompts(struct rig *g, struct err *e);
/* n random ids that begin as texts do. */
void rig_random_ids(struct rig *g, int32_t *ids, int n);

int rig_sample(struct rig *g, int audit, double x, struct err *e);
/* The same; `where` is told when it is the largest so far. */
int rig_sample_at(struct rig *g, int audit, double x, struct err *e, const char *fmt, ...)
    PRINTF_LIKE(5, 6);
/* It does not apply, because ... */
void rig_none(struct rig *g, int audit, const char *why);

/* Likelihoods of n requests, in nats. */
int rig_score(struct rig *g, struct runner *r, const struct asked *q, size_t n, const int32_t *ids,
              double *nats, struct err *e);

/* ---- audits: each fills the samples of its rows ---- */

int cheats_precision(struct rig *g, struct err *e);
int cheats_known(struct rig *g, struct err *e); /* and hidden */
int cheats_renamed(struct rig *g, struct err *e);
int cheats_generated(struct rig *g, struct err *e); /* modes and end */
int cheats_cache(struct rig *g, struct err *e);
int cheats_clock(struct rig *g, struct err *e);
int cheats_speed(struct rig *g, struct err *e);

/* A copy of a model's file whose rows of embeddings and outputs are in another order: token t of
 * the model is token map[t] of the copy ([vocab], mem_free).  1; 0 with the reason in `why` when
 * the model is not one such file; -1.  The file at `path` is the caller's to remove. */
int twin_write(const char *model, int vocab, uint64_t seed, char path[300], int32_t **map,
               char *why, size_t size, struct err *e);

#endif
