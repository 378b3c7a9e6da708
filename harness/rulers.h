/* rulers.h -- the rulers made of published measurements, by name.
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

struct rulers;
/* p is borrowed and must outlive it. */
int rulers_open(struct rulers **out, const struct published *p, struct err *e);
void rulers_close(struct rulers *r);

int rulers_n(const struct rulers *r);
const char *rulers_name(const struct rulers *r, int i);
/* ERR_NOTFOUND with a suggestion, or ERR_INVALID: the rows no longer carry it. */
int rulers_get(struct rulers *r, const char *name, const struct ruler **out, struct err *e);
int rulers_at(struct rulers *r, int i, const struct ruler **out, struct err *e);

#endif
