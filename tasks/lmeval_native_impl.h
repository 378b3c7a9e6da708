/* lmeval_native_impl.h -- a native function as it is held: read and found in lmeval_native.c, run
 * in lmeval_native_run.c.  Private to them. */
#ifndef TASKS_LMEVAL_NATIVE_IMPL_H
#define TASKS_LMEVAL_NATIVE_IMPL_H

#include "tasks/lmeval_native.h"

enum { NATIVE_STEPS = 24 };

enum step_kind {
    STEP_KEEP, STEP_SET, STEP_DROP, STEP_EACH, STEP_SUB, STEP_FIND, STEP_COLUMN, STEP_VALUE,
    STEP_TEXT,
};

struct step {
    enum step_kind kind;
    char *name; /* of the column */
    struct template *template;
    const struct native_column *column;
    struct pyregex *pattern;
    char *replacement;
};

struct native {
    struct native *next;
    char *path, *function; /* of the YAML file and in it; NULL: by name */
    cJSON *args, *constants, *pieces;
    const char *sample; /* the program's */
    struct step steps[NATIVE_STEPS];
    int n_steps;
    cJSON *literal; /* the function returns this */
};

#endif
