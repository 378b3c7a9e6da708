/* overlap.h -- BLEU, chrF, TER and F1 of spans of a corpus: as sacrebleu counts them with lm-eval's
 * settings, and lm-eval's tasks of named entities.
 *
 * Papineni et al. 2002 over mteval-13a's words, zeros smoothed by halves (NIST); Popovic 2015 over
 * 1 to 6 characters without white space, beta 2; Snover et al. 2006 with Tercom's limits on shifts,
 * case ignored.  bleu_intl: over mteval-14's words.  One reference an answer.
 *
 * The scores are of counts summed over a corpus, so an answer gives its counts, packed into the
 * value and the weight of a credit (task.h); overlap_score is what they amount to.  Pure. */
#ifndef TASKS_OVERLAP_H
#define TASKS_OVERLAP_H

#include <stddef.h>

#include "base/err.h"

struct overlap {
    const char *name; /* "bleu" */
    /* ERR_UNSUPPORTED for a text of more words or characters than can be counted. */
    int (*count)(const char *answer, const char *reference, double *value, double *weight,
                 struct err *e);
    /* Of n answers, drawn by index (NULL: each once); 0 to 100 (TER: and more). */
    double (*score)(const double *values, const double *weights, const size_t *index, size_t n);
};
const struct overlap *overlap_find(const char *name); /* NULL: another metric */

#endif
