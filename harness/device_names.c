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

enum device_place device_place(const char *name)
{
    struct cl_about about;
    struct err none = ERR_NONE;
    enum cl_kind kind;
    int number = cl_number(name, &kind);

    if (number >= 0)
        return cl_about(&about, kind, number, &none) == 1 && about.is_cpu ? PLACE_HOST : PLACE_GPU;
    return strcmp(name, "cpu") == 0 || strcmp(name, "null") == 0 ? PLACE_HOST : PLACE_UNKNOWN;
}

const char *device_program(void)
{
    static char path[4096];

    if (!path[0] && isolate_program(path, sizeof path, NULL) < 0)
        path[0] = 0;
    return path;
}
