/* overlap_span.h -- named entities of an answer against those of a reference: private to
 * tasks/overlap.c.
 *
 * Both are texts of "tag: entity" with $ or commas between them (the evaluation of multilingual T5,
 * after CoNLL 2003); a pair is right when the reference has it too, each at most as often.  The F1
 * is of all pairs of a corpus. */
#ifndef TASKS_OVERLAP_SPAN_H
#define TASKS_OVERLAP_SPAN_H

#include <stddef.h>

#include "base/err.h"

/* As struct overlap. */
int span_count(const char *answer, const char *reference, double *value, double *weight,
               struct err *e);
double span_score(const double *values, const double *weights, const size_t *index, size_t n);

#endif
