/* answer.h -- finds the answer in generated text and compares it (evaluation.md 2.5, 2.6).
 *
 * The patterns are Python's, compiled by PCRE2 with Unicode classes; where the two dialects differ
 * no rule of ours goes.  An opened answer is read only; any thread may use it. */
#ifndef TASKS_ANSWER_H
#define TASKS_ANSWER_H

#include "base/err.h"
#include "tasks/recipe.h"

struct answer;
int answer_open(struct answer **out, const struct answer_rules *rules, struct err *e);
void answer_close(struct answer *a);

/* What filter f finds in the text that answers d (looked at by filters with a `search` only):
 * mem_free; NULL without memory, or when a pattern gives up. */
char *answer_filter(const struct answer *a, int f, const char *text, const struct doc *d,
                    struct err *e);

/* Filters without a pattern: all of it; without the white space in front. */
struct span find_all(const char *text);
struct span find_stripped(const char *text);

/* 1 when the two are equal without what the rules ignore, 0 when not, -1 on error. */
int answer_equal(const struct answer *a, const char *got, const char *want, struct err *e);

/* 1 when `want` is somewhere in the text, 0 when not, -1 on error; case does not count. */
int answer_contains(const char *text, const char *want, struct err *e);

#endif
