/* overlap_ter.h -- translation edits, private to tasks/overlap.c.
 *
 * Snover et al., "A Study of Translation Edit Rate with Targeted Human Annotation" (2006): words
 * inserted, deleted, replaced, and runs of words shifted, each one edit; shifts are chosen
 * greedily under Tercom's limits, distances are counted within a beam around the diagonal. */
#ifndef TASKS_OVERLAP_TER_H
#define TASKS_OVERLAP_TER_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Edits that make the answer's words the reference's. */
int ter_edits(const uint64_t *answer, size_t n, const uint64_t *reference, size_t m, long *edits,
              struct err *e);

#endif
