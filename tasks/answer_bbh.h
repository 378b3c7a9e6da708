/* answer_bbh.h -- how lm-eval looks for the answer of BIG-Bench Hard's questions when no examples
 * show its form (bbh_zeroshot, bbh_cot_zeroshot): `search` functions of struct filter.
 *
 * Each looks for the filter's pattern first and takes its select-th match. */
#ifndef TASKS_ANSWER_BBH_H
#define TASKS_ANSWER_BBH_H

#include "tasks/recipe.h"

/* A letter in brackets; else the text of a choice, without case and punctuation; else a letter
 * behind a colon. */
char *bbh_choice(const struct answer *a, int f, const char *text, const struct doc *d,
                 struct err *e);
/* The pattern's first group says "no", its second "yes"; case does not count. */
char *bbh_no_or_yes(const struct answer *a, int f, const char *text, const struct doc *d,
                    struct err *e);
/* Digits; else an English number in words. */
char *bbh_number(const struct answer *a, int f, const char *text, const struct doc *d,
                 struct err *e);
/* The question's words in the order in which the text has each last. */
char *bbh_words(const struct answer *a, int f, const char *text, const struct doc *d,
                struct err *e);

#endif
