/* likeness.h -- how like an answer is to one reference: a number of the two texts alone.
 *
 * SQuAD's exact match and F1 (Rajpurkar et al. 2016) as lm-eval's tasks spell them, in the
 * languages of MLQA; ROUGE (Lin 2004) as the package rouge_score counts it: small letters, runs of
 * a-z and 0-9, no stemming; BLEU of a sentence (Papineni et al. 2002).  Where lm-eval takes the
 * median of 1,000 redrawn means of ROUGE, callers here take the mean itself.  Pure, any thread. */
#ifndef TASKS_LIKENESS_H
#define TASKS_LIKENESS_H

#include "base/err.h"

struct spelling;
struct likeness {
    const char *name;
    /* 0, or -1 with e: without memory, or for texts too long to be compared. */
    int (*of)(const struct likeness *l, const char *answer, const char *reference, double *out,
              struct err *e);
    const struct spelling *spelling; /* the row's own */
    int order;
};
const struct likeness *likeness_find(const char *name); /* NULL: no such row */

#endif
