/* code.h -- answers that are programs: run in the sandbox together with their tests; private to
 * tasks/.
 *
 * A completion is right when candidate and test, one after the other, end without an exception
 * within the time that lm-eval's code_eval gives (3 s); a program that ends the interpreter itself
 * has not passed.  Of n samples, c right, pass@k is Chen et al.'s unbiased estimate (2021, 2.1). */
#ifndef TASKS_CODE_H
#define TASKS_CODE_H

#include "tasks/recipe.h"

struct code_rules {
    const char *filter;     /* lm-eval's name of how the candidate is made */
    int with_prompt;        /* the candidate is the prompt and the completion */
    const char *metrics[6]; /* NULL ends */
    int k[6];
};

/* In place of an unsafe run: 0, or -1 with what is missing on this machine. */
int code_check(struct err *e);
int code_credit(const struct task *t, const struct doc *d, const struct reply_text *replies,
                struct verdict *out, struct err *e);

/* 1, 0, or -1: whether the candidate passes the test. */
int code_passes(const char *candidate, const char *test, struct err *e);

#endif
