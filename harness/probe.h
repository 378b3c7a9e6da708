/* probe.h -- how much a score depends on what should not matter.
 *
 * A task is asked several times, each time with one thing changed: the order of its options, the
 * wording of its prompt, the seed of its examples, chat or plain text.  Items are the same in every
 * variant and joined by their number. */
#ifndef HARNESS_PROBE_H
#define HARNESS_PROBE_H

#include "harness/evaluate.h"

enum { PROBE_VARIANTS = 16 };
enum vary {
    VARY_ORDER, VARY_WORDING, VARY_SHOTS, VARY_CHAT, /* variants: probe_task */
    VARY_SEQUENCE,         /* sequence.h */
    VARY_DEPTH, VARY_CASE, /* probe_text.h */
};

struct probe_variant {
    char name[24];
    double acc, stderr_; /* of the task's first metric */
};
struct probe_result {
    struct probe_variant v[PROBE_VARIANTS];
    int n_variants, n_items;
    char metric[32];
    double range;  /* largest less smallest */
    double same;   /* share of items with the same answer in all variants */
    double always; /* share of items that are right in all of them */
    double ever;   /* ... in one at least */
};

struct probe {
    struct runner *runner;
    struct encoder *encoder;
    const struct chat_renderer *chat; /* VARY_CHAT: the model's; ERR_UNSUPPORTED without */
    const volatile sig_atomic_t *stop;
    struct task_opts opts; /* as always */
    enum vary vary;
    int seeds, limit; /* VARY_SHOTS: how many; items at most, 0: all */
};
int probe_task(const struct probe *p, const char *task, struct probe_result *out, struct err *e);

#endif
