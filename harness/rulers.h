/* rulers.h -- the rulers made of published measurements, and one's own, by name.
 *
 * NAME is LADDER-BENCHMARK, with what is unusual about it behind: "qwen2.5-mmlu" (two constants
 * through one family's published scores), "pythia-piqa" (table), "pythia-piqa-loss" (the Densing
 * Law's two steps with an irreducible term, "-loss-no-e" without, as in the paper).  Each is made
 * when it is first asked for and lasts until rulers_close.  One thread at a time. */
#ifndef HARNESS_RULERS_H
#define HARNESS_RULERS_H

#include "base/err.h"
#include "harness/published.h"
#include "harness/ruler.h"
#include "results/rulers.h"

struct rulers;
/* p is borrowed and must outlive it. */
int rulers_open(struct rulers **out, const struct published *p, struct err *e);
void rulers_close(struct rulers *r);

/* Takes in the rulers of a store, copied; theirs come first. */
int rulers_add(struct rulers *r, const struct store_ruler_list *l, struct err *e);

int rulers_n(const struct rulers *r);
const char *rulers_name(const struct rulers *r, int i);
const char *rulers_set(const struct rulers *r, int i); /* of one ladder; may be NULL */
/* ERR_NOTFOUND with a suggestion, or ERR_INVALID: the rows no longer carry it. */
int rulers_get(struct rulers *r, const char *name, const struct ruler **out, struct err *e);
int rulers_are_own(const struct rulers *r, int i); /* 1: it is from the store */
int rulers_at(struct rulers *r, int i, const struct ruler **out, struct err *e);

/* The ruler of that name or, of a ladder's name, all of its rulers but those of the kind `loss`;
 * those that err least come first.  ERR_NOTFOUND as above. */
int rulers_meant(struct rulers *r, const char *name, const struct ruler *const **out, int *n,
                 struct err *e);
void rulers_meant_free(const struct ruler *const *list);

#endif
