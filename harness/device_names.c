#include "harness/device_names.h"

#include <string.h>

#include "base/mem.h"
#include "harness/isolate.h"
#include "runners/cl.h"
#include "runners/device.h"
#include "runners/plugin.h"

int device_computes_here(const char *name)
{
    const struct device_ops *d;
    struct err e = ERR_NONE;
    enum cl_kind kind;
    char *path;
    int found;

    for (int i = 0; (d = device_at(i)) != NULL; i++)
        if (strcmp(d->name, name) == 0)
            return 1;
    if (cl_number(name, &kind) >= 0)
        return 1;
    found = plugin_find(&path, name, &e);
    mem_free(path);
    return found == 1;
}

const char *device_program(void)
{
    static char path[4096];

    if (!path[0] && isolate_program(path, sizeof path, NULL) < 0)
        path[0] = 0;
    return path;
}
