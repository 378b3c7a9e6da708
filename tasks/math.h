/* math.h -- answers of mathematics problems: where a text keeps them, and when two are the same.
 *
 * The rules are those of Hendrycks et al., "Measuring Mathematical Problem Solving With the MATH
 * Dataset" (2021), as lm-eval's hendrycks_math counts by them: TeX is brought to one spelling and
 * compared as text; nothing is computed.  Pure, any thread. */
#ifndef TASKS_MATH_H
#define TASKS_MATH_H

#include "base/err.h"
#include "tasks/pytext.h"

/* What the last \boxed{...} (or \boxed up to the next $) holds: 1, or 0 when there is none. */
int math_boxed(const char *text, struct span *out);

/* Filters (recipe.h).  The box, else "[invalid]"; the text between the first and the last of at
 * least two $, else all of it. */
struct span find_boxed(const char *text);
struct span find_between_dollars(const char *text);

/* As answer_equal.  Where a rule cannot be applied (a \frac without operands), both have to be the
 * same as they are. */
int math_equal(const char *got, const char *want, struct err *e);

/* Appends the one spelling that is compared, where a slash between what are no whole numbers stays:
 * 1, or 0 where a rule cannot be applied. */
int math_spell(const char *text, struct strbuf *out);

#endif
