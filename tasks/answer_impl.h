/* answer_impl.h -- what the files that search for answers share: private to tasks/answer*.c. */
#ifndef TASKS_ANSWER_IMPL_H
#define TASKS_ANSWER_IMPL_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "tasks/answer.h"

enum { FILTERS = 2, IGNORES = 6 };

struct answer {
    const struct answer_rules *rules;
    pcre2_general_context *memory;
    pcre2_code *filters[FILTERS], *ignore[IGNORES];
};

/* *out stays NULL on failure; pcre2_code_free. */
int answer_compile(const struct answer *a, pcre2_code **out, const char *pattern, struct err *e);

/* Calls use(user, groups' offsets, how many groups) for every match, left to right, up to the first
 * that is empty.  use returns 1 to stop. */
int answer_each(const struct answer *a, const pcre2_code *p, const char *s, size_t n,
                int (*use)(void *user, const PCRE2_SIZE *at, int n_groups), void *user,
                struct err *e);

/* The select-th match (-1: the last) without white space around: 1, 0 when there is none, -1.
 * *group: which group it is of (0: the whole match); may be NULL. */
int answer_pick(const struct answer *a, const pcre2_code *p, const char *text, int select,
                struct span *out, int *group, struct err *e);

/* Adds the text without the pattern's matches. */
int answer_remove(const struct answer *a, const pcre2_code *p, const char *s, size_t n,
                  struct strbuf *out, struct err *e);

#endif
