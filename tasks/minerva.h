/* minerva.h -- final answers as Lewkowycz et al., "Solving Quantitative Reasoning Problems With
 * Language Models" (2022), appendix D, spell them; lm-eval's minerva_math and leaderboard tasks
 * compare them in that form.  Pure, any thread. */
#ifndef TASKS_MINERVA_H
#define TASKS_MINERVA_H

#include "base/err.h"
#include "base/strbuf.h"

#define MINERVA_NONE "[invalidanswer]" /* where nothing is stated */

/* Appends what stands behind "Final Answer: The final answer is". */
int minerva_stated(const char *text, struct strbuf *out, struct err *e);
/* Appends the answer without units, words and what only sets it; -1 with e. */
int minerva_spell(const char *answer, struct strbuf *out, struct err *e);

#endif
