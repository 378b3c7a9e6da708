#include "runners/device.h"

#include <string.h>

#include "base/mem.h"
#include "runners/cl.h"
#include "runners/plugin.h"

static const struct device_ops *const devices[] = {&device_cpu, &device_null};

const struct device_ops *device_at(int i)
{
    return i >= 0 && (size_t)i < sizeof devices / sizeof devices[0] ? devices[i] : NULL;
}

const struct device_ops *device_find(const char *name, struct err *e)
{
    enum cl_kind kind;
    char *path;
    int found;

    for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++)
        if (strcmp(devices[i]->name, name) == 0)
            return devices[i];
    if (cl_number(name, &kind) >= 0)
        return &device_opencl;
    found = plugin_find(&path, name, e);
    mem_free(path);
    if (found)
        return found < 0 ? NULL : &device_plugin;
    err_set(e, ERR_USAGE, "%.40s: no such device", name);
    err_hint(e, "devices: cpu, null, opencl:0, cuda:0, the path of a plug-in, or its name in "
                "$DENSIMETER_DEVICES");
    return NULL;
}
