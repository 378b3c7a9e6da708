/* engine.h -- the inside of a runner, shared by runner.c, run.c and runner_bench.c only; the
 * clock is for devices too. */
#ifndef RUNNERS_ENGINE_H
#define RUNNERS_ENGINE_H

#include "runners/device.h"
#include "runners/kv.h"
#include "runners/model.h"
#include "runners/runner.h"
#include "runners/schedule.h"
#include "runners/seen.h"

struct runner {
    struct gguf *file;
    struct model *model;
    struct tokenizer *tokenizer;
    int is_tokenizer_given; /* the caller's */
    const struct device_ops *ops;
    struct device *device;
    struct kv kv, slots;
    struct schedule schedule;
    struct model_info info;
    struct participation participation;
    struct left_op *left;
    struct counts counts;
    struct seen_pages seen;
    int context, batch_tokens;
    void (*on_clock)(void *user, int is_start);
    void *on_clock_user;
    int (*on_rest)(void *user, struct err *e);
    void *on_rest_user;
    char *chat_template;
    int32_t *order; /* scratch of the sampler: [vocab], made at the first sample that needs it */
};

double engine_now(void); /* monotonic seconds */

#endif
