/* plan_impl.h -- the rows of the plan's schema (plan_schema.c), for plan.c and plan_cells.c. */
#ifndef HARNESS_PLAN_IMPL_H
#define HARNESS_PLAN_IMPL_H

#include "base/json.h"

#define PLAN_LIST_MAX 1000 /* entries of a list */

enum plan_kind {
    PLAN_TEXT,
    PLAN_INT,
    PLAN_NUM,
    PLAN_SIZE,   /* bytes, or a text with k, M or G */
    PLAN_BOOL,
    PLAN_CHOICE, /* one of `words` */
    PLAN_INTS,   /* a number or a list of them */
    PLAN_TEXTS,  /* a text or a list of them */
    PLAN_OBJECT,
    PLAN_OBJECTS, /* a list; where the object has a `plain` key, a text stands for it */
};

struct plan_object;
struct plan_field {
    const char *key;
    enum plan_kind kind;
    double low, high;     /* both 0: any */
    const char *fallback; /* JSON, for the schema; NULL: none */
    const char *words;
    const struct plan_object *object;
    const char *option;   /* of eval or bench: becomes --OPTION VALUE of the cell's command */
    const char *help;
};
struct plan_object {
    const char *name;  /* for messages: "a model" */
    const char *plain; /* a text alone is the value of this key; it is also required */
    const struct plan_field *fields; /* key NULL ends */
};

extern const struct plan_object plan_object_plan, plan_object_settings, plan_object_task,
    plan_object_bench;

#endif
