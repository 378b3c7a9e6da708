/* kernels.c -- which table of kernels this CPU can run. */
#include "runners/kernels_tables.h"

#include <string.h>

static const struct kernels *const tables[] = {
    &kernels_ref,
};

int kernels_ref_usable(void)
{
    return 1;
}

const struct kernels *kernels_at(int i)
{
    return i >= 0 && (size_t)i < sizeof tables / sizeof tables[0] ? tables[i] : NULL;
}

const struct kernels *kernels_best(void)
{
    int i = 0;

    while (!tables[i]->usable())
        i++;
    return tables[i]; /* the last one always is */
}

const struct kernels *kernels_find(const char *name)
{
    for (int i = 0; kernels_at(i); i++)
        if (strcmp(tables[i]->name, name) == 0)
            return tables[i]->usable() ? tables[i] : NULL;
    return NULL;
}
