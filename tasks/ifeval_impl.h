/* ifeval_impl.h -- an instruction of IFEval, and what it is asked about: private to
 * tasks/ifeval*.c. */
#ifndef TASKS_IFEVAL_IMPL_H
#define TASKS_IFEVAL_IMPL_H

#include "tasks/answer_impl.h"
#include "tasks/ifeval.h"

struct question { /* one text against one instruction */
    const struct answer *a;
    const cJSON *arguments;
    struct span text;
    struct err *e;
    int *failed; /* memory ran out where nothing else tells */
};

enum argument_kind {
    ARGUMENT_NUMBER, ARGUMENT_TEXT, ARGUMENT_PATTERN, ARGUMENT_PATTERNS, ARGUMENT_RELATION,
};
struct instruction {
    const char *id;
    int (*follows)(const struct question *q); /* 1, 0, -1 with the question's err */
    struct {
        const char *key;
        enum argument_kind kind;
    } arguments[3]; /* a missing one is drawn at random there, which nobody could repeat */
};

/* NULL: there is none of that name. */
const struct instruction *ifeval_find(const char *id);

int ifeval_is_blank(struct span s);

#endif
