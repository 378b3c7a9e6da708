/* device_model.h -- does a device compute a whole model as the CPU does, and the same bits however
 * it is asked?
 *
 * Prompts of random tokens (seeded) go through the exact arithmetic of the CPU and through the
 * device; logits may be off by what the device's precision allows (conform.h).  Where the model's
 * folder has a golden result beside it (case.json and logits.f32 of a reference implementation, as
 * tests keep them), the device is held against that too.  Then the same prompts again, all in one
 * batch, in batches of seven rows and one by one: where the device claims so (densimeter_device.h),
 * the bits must be the same. */
#ifndef HARNESS_DEVICE_MODEL_H
#define HARNESS_DEVICE_MODEL_H

#include "base/err.h"
#include "runners/conform.h"
#include "runners/runner.h"

enum { DEVICE_MODEL_CHECKS = 8 };
struct model_check {
    const char *name;
    int is_failed, is_open; /* open: not claimed, or nothing to compare with */
    double value, limit;    /* NAN: none */
    char found[240];
};
struct device_model {
    const char *model;         /* path */
    struct runner_opts device;
    struct conform_about about;
    int prompts, tokens;
    uint64_t seed;
    const volatile int *stop;
};
/* *left: what was left to the CPU, as text "attention 12, linear Q4_0 3"; "" when nothing was. */
int device_model_check(const struct device_model *m, struct model_check out[DEVICE_MODEL_CHECKS],
                       struct strbuf *left, struct err *e);

#endif
