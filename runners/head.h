/* head.h -- what the logits of a wanted row come to. */
#ifndef RUNNERS_HEAD_H
#define RUNNERS_HEAD_H

#include "runners/device.h"

/* Fills lse and argmax from the row's blocks, in order: l[blocks] of LSE_BLOCK logits each.  lse is
 * NAN where a logit that is asked for is not finite. */
void head_combine(struct head_row *h, const struct lse *l, int blocks, int n_vocab);

/* Targets within the vocabulary; others are left alone. */
int head_asked(const struct head_row *h, int n_vocab);

#endif
