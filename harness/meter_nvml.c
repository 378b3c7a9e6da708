/* meter_nvml.c -- NVIDIA's GPUs through their driver's library, opened at run time.
 *
 * Energy since the driver was loaded where the GPU has that counter (Volta and later), else power.
 * Source: NVML API reference; vendor.md 6: the counter moves each 100 ms, so windows should be of
 * ten seconds and more. */
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/meter_impl.h"

enum { NVML_SUCCESS = 0, GPUS_MAX = 16, NAME_MAX_NVML = 96 };

/* The functions of the library; one library per process. */
static struct nvml {
    void *library;
    int users;
    int (*init)(void);
    int (*shutdown)(void);
    int (*count)(unsigned *n);
    int (*by_index)(unsigned i, void **device);
    int (*name)(void *device, char *name, unsigned size);
    int (*energy)(void *device, unsigned long long *mj);
    int (*power)(void *device, unsigned *mw);
} nvml;

static double fail(struct channel *c, const char *what, int status, char *why)
{
    snprintf(why, METER_REASON, "%s: NVML does not tell its %s (status %d)", c->label, what,
             status);
    return NAN;
}

static double read_energy(struct channel *c, char *why)
{
    unsigned long long mj = 0;
    int status = nvml.energy(c->handle, &mj);

    return status == NVML_SUCCESS ? 1e-3 * (double)mj : fail(c, "energy", status, why);
}

static double read_power(struct channel *c, char *why)
{
    unsigned mw = 0;
    int status = nvml.power(c->handle, &mw);

    return status == NVML_SUCCESS ? 1e-3 * (double)mw : fail(c, "power", status, why);
}

static int load(const char *path)
{
    const struct {
        const char *name;
        void *slot;
    } symbols[] = {
        {"nvmlInit_v2", &nvml.init},
        {"nvmlShutdown", &nvml.shutdown},
        {"nvmlDeviceGetCount_v2", &nvml.count},
        {"nvmlDeviceGetHandleByIndex_v2", &nvml.by_index},
        {"nvmlDeviceGetName", &nvml.name},
        {"nvmlDeviceGetTotalEnergyConsumption", &nvml.energy},
        {"nvmlDeviceGetPowerUsage", &nvml.power},
    };

    if (nvml.library)
        return 0; /* another meter has it open */
    nvml.library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!nvml.library)
        return -1;
    for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
        void *f = dlsym(nvml.library, symbols[i].name);
        memcpy(symbols[i].slot, &f, sizeof f); /* ISO C has no cast between the two */
        if (!f)
            goto unload;
    }
    if (nvml.init() == NVML_SUCCESS)
        return 0;
unload:
    dlclose(nvml.library);
    nvml.library = NULL;
    return -1;
}

static void unload(void)
{
    nvml.shutdown();
    dlclose(nvml.library);
    nvml.library = NULL;
}

static int add_gpu(struct meter *m, unsigned i)
{
    char name[NAME_MAX_NVML] = "", label[METER_LABEL];
    unsigned long long mj;
    struct channel *c;
    void *device;

    if (nvml.by_index(i, &device) != NVML_SUCCESS)
        return 0;
    if (nvml.name(device, name, sizeof name) != NVML_SUCCESS)
        snprintf(name, sizeof name, "GPU");
    name[sizeof name - 1] = 0;
    snprintf(label, sizeof label, "%.60s %u", name, i);
    c = meter_add(m, "nvml", label);
    if (!c)
        return 0;
    c->handle = device;
    c->covers_gpu = c->is_whole = 1;
    c->kind = nvml.energy(device, &mj) == NVML_SUCCESS ? CHANNEL_COUNTER : CHANNEL_POWER;
    c->read = c->kind == CHANNEL_COUNTER ? read_energy : read_power;
    return 1;
}

void meter_find_nvml(struct meter *m, const char *root)
{
    unsigned n = 0;
    int added = 0;

    if (!m->nvml && *root)
        return;
    if (load(m->nvml ? m->nvml : "libnvidia-ml.so.1") < 0)
        return;
    if (nvml.count(&n) != NVML_SUCCESS)
        n = 0;
    for (unsigned i = 0; i < n && i < GPUS_MAX; i++)
        added += add_gpu(m, i);
    if (added)
        nvml.users++;
    else if (nvml.users == 0)
        unload();
}

void meter_close_nvml(void)
{
    if (--nvml.users == 0)
        unload();
}
