/* mathverify.h -- whether a reply to a question of mathematics holds the answer, as the library
 * math-verify (0.9.0, over latex2sympy2_extended 1.11.0 and SymPy 1.14) judges it.
 *
 * An answer is looked for where "final answer is" stands, in boxes, behind "answer", between the
 * signs of mathematics, then among plain numbers; the last place that can be read counts.  Both are
 * read as expressions, sets, intervals, matrices or relations and compared: floats to six decimals,
 * all else as SymPy simplifies, here by values at random points (texvalue.h).  Not symmetric: how
 * the right answer is written decides what a reply may leave out ("x = 5" or "5").
 *
 * Not read, and equal to itself only: integrals, sums, limits, determinants, subsets.  Of a text
 * the last MATHVERIFY_BYTES are looked through, a place of at most 2,048. */
#ifndef TASKS_MATHVERIFY_H
#define TASKS_MATHVERIFY_H

#include "base/err.h"

enum { MATHVERIFY_BYTES = 32 * 1024 };

struct mathverify; /* its patterns; read only, any thread may use it */
int mathverify_open(struct mathverify **out, struct err *e);
void mathverify_close(struct mathverify *m);

/* gold: a text that holds the right answer, such as a whole solution.  latex_only: in it only TeX
 * counts, plain numbers do not.  1, 0; -1: no memory. */
int mathverify_same(const struct mathverify *m, const char *gold, int latex_only, const char *reply,
                    struct err *e);
/* With patterns of its own, which take a millisecond to make. */
int mathverify_once(const char *gold, int latex_only, const char *reply, struct err *e);

#endif
