/* lmeval_native.c -- what stands for the Python functions of lm-eval's own tasks. */
#include <string.h>

#include "tasks/lmeval.h"

struct native {
    const char *name;
};

const struct native *native_find(const struct ynode *function, struct err *e)
{
    ynode_fail(function, e, ERR_UNSUPPORTED,
               "!function %s is Python code, which is not run here", function->s);
    err_hint(e, "write what it does as a template, or as columns of the data");
    return NULL;
}

int native_docs(const struct native *f, cJSON *list, struct err *e)
{
    (void)list;
    return err_set(e, ERR_UNSUPPORTED, "%s", f->name);
}

cJSON *native_value(const struct native *f, const cJSON *doc, struct err *e)
{
    (void)doc;
    err_set(e, ERR_UNSUPPORTED, "%s", f->name);
    return NULL;
}
