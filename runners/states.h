/* states.h -- which slots hold the states of recurrent layers, and where a walk leaves copies.
 *
 * A state belongs to a point of a path: it can be carried on but not cut back.  A slot has the
 * states of every recurrent layer at one point.  The walk over the trie has one slot that runs
 * along the path under way; where a later path will branch off, a copy is left (`saved`), deepest
 * last, and the path that branches there starts from it: with a copy if others follow, else in the
 * slot itself.  Each generation owns a slot from its first token on.
 *
 * When no slot is free, the saved point goes whose loss costs the fewest rows (the distance to the
 * point below it); a path that branches at a lost point starts at the one below and computes the
 * rows between again, keys and values too: their number is kept in `recomputed`.
 *
 * Copies take place between rows of a batch, in order, and rows use their slots in order, so that
 * a slot may be given away and used again within one batch.  With no slots at all (`slots->n` 0:
 * nothing recurrent in the model) nothing here does anything. */
#ifndef RUNNERS_STATES_H
#define RUNNERS_STATES_H

#include "runners/device.h"
#include "runners/kv.h"
#include "runners/trie.h"

struct saved_state {
    slot_no slot;
    int position;
};

struct states {
    struct kv *slots; /* the caller's; one owner each */
    slot_no now;      /* of the path under way; NO_SLOT: none */
    int position;     /* tokens that `now` has seen */
    struct saved_state *saved; /* [slots->n], by position */
    int n_saved;
    int *points; /* [context + 1] where later paths leave the one under way, deepest first */
    int n_points;
    struct state_copy *copies; /* of the batch under composition */
    size_t n_copies, cap_copies;
    uint64_t recomputed; /* rows, since states_open */
};

int states_open(struct states *s, struct kv *slots, int context, struct err *e);
void states_release(struct states *s);
void states_reset(struct states *s); /* no slot is held; the caller frees them */

/* The walk goes to path `path` (t->n: it is over).  Where it has to start: p->shared, or before. */
int states_turn(struct states *s, const struct trie *t, int path);
/* Is there a slot for the path that the walk has turned to? */
int states_may_enter(const struct states *s);
/* The path starts at `position`, as batch row `row`. */
int states_enter(struct states *s, const struct trie *t, int path, int position, int row,
                 struct err *e);
/* Rows row .. row+n-1 will take the state from `from` to from+n: saves what is needed later. */
int states_pass(struct states *s, int from, int n, int row, struct err *e);
/* A generation takes over the state of the path just walked; a copy stays if `is_shared`. */
int states_hand_over(struct states *s, int is_shared, int row, slot_no *out, struct err *e);

#endif
