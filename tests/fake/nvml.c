/* nvml.c -- NVIDIA's library with two GPUs: the first counts its energy, 1 J a reading; the second
 * only tells its power. */
int nvmlInit_v2(void);
int nvmlShutdown(void);
int nvmlDeviceGetCount_v2(unsigned *n);
int nvmlDeviceGetHandleByIndex_v2(unsigned i, void **device);
int nvmlDeviceGetName(void *device, char *name, unsigned size);
int nvmlDeviceGetTotalEnergyConsumption(void *device, unsigned long long *mj);
int nvmlDeviceGetPowerUsage(void *device, unsigned *mw);

static int devices[2];

int nvmlInit_v2(void)
{
    return 0;
}

int nvmlShutdown(void)
{
    return 0;
}

int nvmlDeviceGetCount_v2(unsigned *n)
{
    *n = 2;
    return 0;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned i, void **device)
{
    if (i > 1)
        return 1;
    *device = &devices[i];
    return 0;
}

int nvmlDeviceGetName(void *device, char *name, unsigned size)
{
    static const char fake[] = "Fake";

    (void)device;
    if (size < sizeof fake)
        return 7;
    for (unsigned i = 0; i < sizeof fake; i++)
        name[i] = fake[i];
    return 0;
}

int nvmlDeviceGetTotalEnergyConsumption(void *device, unsigned long long *mj)
{
    static unsigned long long now = 5000;

    if (device != &devices[0])
        return 3;
    *mj = now += 1000;
    return 0;
}

int nvmlDeviceGetPowerUsage(void *device, unsigned *mw)
{
    (void)device;
    *mw = 25000;
    return 0;
}
