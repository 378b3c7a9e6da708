/* mathverify_spell.h -- one spelling for TeX that means the same.  Private to tasks/mathverify*.c.
 * A speller is read only; any thread may use it. */
#ifndef TASKS_MATHVERIFY_SPELL_H
#define TASKS_MATHVERIFY_SPELL_H

#include "base/err.h"
#include "base/strbuf.h"
#include "tasks/pytext.h"

struct mv_speller;
int mv_speller_open(struct mv_speller **out, struct err *e);
void mv_speller_close(struct mv_speller *m);
/* Appends the text, or what is in its boxes, as it is read.  last_box: boxes that are far from the
 * last one do not count.  -1: no memory. */
int mv_spell(const struct mv_speller *m, struct span text, int last_box, struct strbuf *out);

#endif
