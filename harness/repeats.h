/* repeats.h -- the same items asked again: how often is the answer the same?
 *
 * Repeats are other stored runs of the same model over the same data: examples drawn by another
 * seed, options at other places (`eval --rotate`), sampled generations (`eval --temperature`).  An
 * answer is the option chosen, by its place before options were moved, or the text found.  Items
 * are joined by task and place in the data, whose hash must be the same.  Texts are the givers'. */
#ifndef HARNESS_REPEATS_H
#define HARNESS_REPEATS_H

#include "base/arena.h"
#include "results/query.h"

struct answer {
    int option;       /* -1: it is a text */
    const char *text; /* or NULL */
};
struct asked { /* an item of the run that is repeated */
    const char *task;
    const struct task_row *row; /* the task in that run */
    int doc_id;
    size_t at; /* the caller's */
    struct answer answer;
    int times, same; /* repeats that have it, that agree; from 0 */
    double seconds;  /* sum over the repeats; NAN: one does not know */
    double tokens;   /* mean tokens of the task's items, summed over the repeats; NAN likewise */
};

/* Places that a run's options were moved by (its settings). */
int repeats_rotation(const struct run_row *r, int *out, struct err *e);
/* The answer as stored; its text is the item's. */
struct answer repeats_answer(const struct store_item *it, int rotation);
/* Counts one repeat into v, which may be reordered.  ERR_INVALID: the run is of another model, has
 * not ended well, or is over other data. */
int repeats_count(struct asked *v, size_t n, struct store *s, const struct run_row *first,
                  const struct run_row *repeat, struct err *e);

#endif
